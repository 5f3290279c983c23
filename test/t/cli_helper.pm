# For the tests of the program viflo: runs it in a clean environment.

package cli_helper;

use strict;
use warnings;

use Cwd qw(abs_path getcwd);
use Exporter 'import';
use File::Basename qw(dirname);
use File::Path qw(make_path);
use IPC::Run ();
use JSON::PP ();
use Test::More;

our @EXPORT = qw(viflo viflo_json in_folder put slurp_text fixture is_viflo
  fails_with folder_of);

my $here = abs_path(dirname(__FILE__));
my $program = $ENV{VIFLO} // "$here/../../src/cli/viflo";
$program = abs_path($program) if -e $program;
plan(skip_all => "$program is not built") unless -x ($program // '');

# What a developer's shell may hold must not decide the outcome.
delete @ENV{qw(DATABASE_URL VIFLO_DIR VIFLO_PROJECT VIFLO_TENANT VIFLO_DATABASE VIFLO_CONFIG NO_COLOR)};

# What a shell runs in the background ignores these, and so does all that it starts.
$SIG{$_} = 'DEFAULT' foreach qw(INT QUIT);

my $scratch = $ENV{TESTDATADIR} // File::Temp::tempdir(CLEANUP => 1);
use File::Temp ();

# A new empty folder; files of it as name => text.
sub folder_of
{
	my (%files) = @_;
	my $dir = File::Temp::tempdir(CLEANUP => 1);

	put("$dir/$_", $files{$_}) for keys %files;
	return $dir;
}

sub put
{
	my ($path, $text) = @_;

	make_path(dirname($path));
	open(my $file, '>:raw', $path) or die "could not write $path: $!";
	print $file $text;
	close($file) or die "could not write $path: $!";
	return $path;
}

sub slurp_text
{
	my ($path) = @_;

	open(my $file, '<:raw', $path) or die "could not read $path: $!";
	local $/ = undef;
	return scalar <$file>;
}

sub fixture { return "$here/../fixtures/$_[0]"; }

# Runs code in the folder dir.
sub in_folder
{
	my ($dir, $code) = @_;
	my $old = getcwd();

	chdir($dir) or die "could not enter $dir: $!";
	$code->();
	chdir($old) or die "could not enter $old: $!";
	return;
}

# Runs viflo; options of ours are in a leading hash: in => folder to run in,
# env => variables.  Returns exit status, stdout, stderr.
sub viflo
{
	my $options = ref $_[0] ? shift : {};
	my @command = ($program, @_);
	my ($out, $err) = ('', '');
	local %ENV = (%ENV, %{ $options->{env} // {} });
	$ENV{HOME} = $ENV{XDG_CACHE_HOME} = $scratch unless $options->{env}{HOME};

	my $run = sub {
		IPC::Run::run(\@command, '<', \undef, '>', \$out, '2>', \$err);
	};
	if ($options->{in})
	{
		in_folder($options->{in}, $run);
	}
	else
	{
		$run->();
	}
	my $status = $? >> 8;
	$status = 'signal ' . ($? & 127) if $? & 127;
	return ($status, $out, $err);
}

# The same with --format json: exit status, the document, stderr.  What is
# not exactly one document makes the test fail.
sub viflo_json
{
	my $options = ref $_[0] ? shift : {};
	my ($status, $out, $err) = viflo($options, '--format', 'json', @_);
	my $document = eval { JSON::PP->new->allow_nonref->utf8->decode($out) };

	fail("one JSON document from viflo @_: $@\n$out") if $@;
	return ($status, $document, $err);
}

# Does viflo end with this status, and print what the patterns say?
sub is_viflo
{
	my ($args, $status, $out, $err, $name) = @_;
	my ($got, $stdout, $stderr) = viflo(@$args);

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	subtest $name => sub {
		is($got, $status, 'status') or diag("stdout: $stdout\nstderr: $stderr");
		like($stdout, $out, 'stdout') if ref $out;
		is($stdout, $out, 'stdout') if defined $out && !ref $out;
		like($stderr, $err, 'stderr') if ref $err;
		is($stderr, $err, 'stderr') if defined $err && !ref $err;
	};
	return $stdout;
}

# Fails with this status and a message, and prints no result.
sub fails_with
{
	my ($args, $status, $err, $name) = @_;

	local $Test::Builder::Level = $Test::Builder::Level + 1;
	return is_viflo($args, $status, '', $err, $name);
}

1;
