# viflo's readers under valgrind: no access outside, on good and bad folders.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use Test::More;

plan skip_all => 'valgrind is not installed'
  unless IPC::Run::run([ 'valgrind', '--version' ], '>', \my $version, '2>', \my $none);

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";
my $native = "-- viflo revision: a\n-- revises: b, c\n-- labels: x\n\n-- viflo up\nSELECT 1;\n";

# Runs a command that ends before or at connecting, which fails.
sub clean
{
	my ($name, $dir, @command) = @_;
	my ($out, $err) = ('', '');

	IPC::Run::run([ 'valgrind', '-q', '--error-exitcode=99', $program, '--url',
			'host=/nonexistent-viflo', '--dir', $dir, @command ],
		'<', \undef, '>', \$out, '2>', \$err);
	isnt($? >> 8, 99, "$name: @command") or diag($err);
	is($? & 127, 0, "$name: @command: no signal") or diag($err);
	return;
}

clean($_, fixture($_), 'load') for qw(native golang-migrate diesel);
clean('empty', folder_of(), 'load');
clean('many', folder_of(map { ($_ . '_x.up.sql' => "SELECT $_;\n") } 1 .. 600), 'load');
clean('byte order mark alone', folder_of('1_a.up.sql' => "\xef\xbb\xbf"), 'load');
clean('cut UTF-8', folder_of('a.sql' => "${native}\xe2\x82"), 'load');
clean('NUL', folder_of('a.sql' => "${native}\0"), 'load');
clean('header alone', folder_of('a.sql' => '-- viflo revision:'), 'load');
clean('empty native', folder_of('a.sql' => ''), 'load');
clean('odd names', folder_of('_.up.sql' => '', '1.up.sql' => '', '.up.sql' => '', 'up.sql' => '',
		'1_.up.sql' => '', '1_.down.sql' => ''), 'load');
clean('odd metadata', folder_of('1_a/up.sql' => '', '1_a/metadata.toml' => 'run_in_transaction'), 'load');
clean('revision', folder_of('a.sql' => $native), 'revision', '-m', "Zo\xc3\xab " x 40);
clean('merge', folder_of('a.sql' => $native), 'merge');

done_testing();
