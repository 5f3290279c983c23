# viflo's memory of large folders: used when nothing has changed, never when
# something has, and ignored when it is not whole.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use File::Temp ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "log_statement = 'all'\nlog_parameter_max_length = 0\n");
$node->start;

my $url = $node->connstr('postgres');
my $home = File::Temp::tempdir(CLEANUP => 1);
my $count = 700;
my $dir = folder_of(map { (sprintf('%d_t.up.sql', $_) => "SELECT $_;\n") } 1 .. $count);
my @at = ({ env => { HOME => $home, XDG_CACHE_HOME => $home } }, '--url', $url, '--dir', $dir);

sub caches { my @files = glob("$home/viflo/*"); return @files; }

sub upgraded
{
	my ($name, $expected) = @_;
	my ($status, $out, $err) = viflo(@at, 'upgrade');

	is("$status $out$err", "0 $expected", $name);
	return;
}

# This one reads more of it than the first line.
sub loaded
{
	my ($name) = @_;
	my ($status, $out, $err) = viflo(@at, 'load');

	is("$status $out$err", "0 nothing to load\n", $name);
	return;
}

my ($status, $out, $err) = viflo(@at, 'upgrade');
is($status, 0, 'upgrade of many') or diag($err);
is(scalar(my @lines = split(/\n/, $out)), $count, 'all of them ran');
is(scalar(caches()), 0, 'nothing is remembered of files that have just changed');

# A file's ctime cannot be set, so this has to be waited for.
sleep(3);
upgraded('nothing to do', "nothing to do\n");
is(scalar(caches()), 1, 'now it is');
my ($cache) = caches();
my $text = slurp_text($cache);
is((stat($cache))[2] & 077, 0, 'for nobody else to read');
upgraded('with what is remembered', "nothing to do\n");

# Damage is found.
put($cache, substr($text, 0, length($text) / 2));
upgraded('half of it is enough for an upgrade', "nothing to do\n");
loaded('half of it is not for more');
is(slurp_text($cache), $text, 'is written anew');
put($cache, $text =~ s/ 5_t\n/ 6_t\n/r);
loaded('a wrong byte in it');
is(slurp_text($cache), $text, 'is found and written anew');
put($cache, $text =~ s/^(viflo-cache \S+ \S+ \S+ ).(?=\S{63} )/$1x/r);
upgraded('a wrong manifest', "nothing to do\n");
is(slurp_text($cache), $text, 'is found and written anew, too');
put($cache, '');
upgraded('an empty one', "nothing to do\n");
put($cache, "\0" x 5000);
upgraded('rubbish', "nothing to do\n");
is(slurp_text($cache), $text, 'all the same in the end');

# A change of the same size and time shows.
my $file = "$dir/5_t.up.sql";
my ($atime, $mtime) = (stat($file))[8, 9];
put($file, "SELECT 6;\n");
utime($atime, $mtime, $file);
($status, $out, $err) = viflo(@at, 'upgrade');
is($status, 1, 'a changed file is seen, though its size and time are as before');
like($err, qr/5_t\.up\.sql:.*SQLSTATE VF022/, 'and named');
put($file, "SELECT 5;\n");
put("$dir/9999_new.up.sql", "SELECT 1;\n");
($status, $out, $err) = viflo(@at, 'upgrade');
like($out, qr/\Aup    9999_new .*\n\z/, 'a new file is seen');
unlink("$dir/9999_new.up.sql");

# Nowhere to keep it
put("$home/file", '');
is((viflo({ env => { HOME => $home, XDG_CACHE_HOME => "$home/file" } }, '--url', $url, '--dir', $dir,
			'current'))[0], 0, 'no place for it');
is((viflo({ env => { HOME => $home, XDG_CACHE_HOME => "$home/file" } }, '--url', $url, '--dir', $dir,
			'load'))[0], 0, 'is no reason to fail');

done_testing();
