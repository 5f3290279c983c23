# viflo on an Alembic folder: refused unless programs may run, and then what
# the real alembic says of it.  Needs alembic.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

$ENV{PYTHONDONTWRITEBYTECODE} = 1;

my @nowhere = ('--url', 'host=/nonexistent-viflo port=1');
my $dir = fixture('alembic');

fails_with([@nowhere, '--dir', $dir, 'load'], 1,
	qr{^\S+/fixtures/alembic: error: migrations are Alembic's.*\nHINT:  .*viflo import --dir \S+/fixtures/alembic --to NEW_FOLDER}, 'not without being asked to');
fails_with([@nowhere, '--dir', "$dir/migrations", 'load'], 1, qr{error: migrations are Alembic's}, 'nor in the folder below');
fails_with([@nowhere, '--dir', folder_of('script.py.mako' => ''), '--allow-programs', 'load'], 1,
	qr{error: there is no alembic\.ini in this folder}, 'no alembic.ini');
fails_with([@nowhere, '--dir', folder_of('alembic.ini' => '', 'a.sql' => "-- viflo revision: a\n-- viflo up\n"), 'load'], 1,
	qr{two layouts.*alembic}, 'beside native files');
fails_with([{ env => { PATH => '/nowhere' } }, @nowhere, '--dir', $dir, '--allow-programs', 'load'], 1,
	qr{error: program "alembic" failed: command not found}, 'alembic is not there');

my $version = eval { IPC::Run::run([ 'alembic', '--version' ], '>', \my $out, '2>', \my $err) };
unless ($version)
{
	diag('alembic is not installed: its own folders are not tested');
	done_testing();
	exit;
}

fails_with([@nowhere, '--dir', folder_of('alembic.ini' => "[alembic]\n"), '--allow-programs', 'load'], 1,
	qr{error: program "alembic" failed: .*\nDETAIL:  (?:.*\n)*?.*script_location}, 'alembic fails');

# A comment that looks like alembic's own line.
my $like = folder_of('alembic.ini' => "[alembic]\nscript_location = m\n", 'm/script.py.mako' => '',
	'm/env.py' => "from alembic import context\ncontext.configure(dialect_name='postgresql')\n"
	  . "with context.begin_transaction():\n    context.run_migrations()\n",
	'm/versions/a.py' => "from alembic import op\nrevision = 'a'\ndown_revision = None\ndef upgrade():\n"
	  . "    op.execute('-- Running upgrade by hand -> never\\nSELECT 1')\n");
fails_with([@nowhere, '--dir', $like, '--allow-programs', 'load'], 1,
	qr{error: line "-- Running upgrade \.\.\. -> never" of alembic's SQL.*\nHINT}, 'a line of a migration that looks like one of alembic');

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE ours');
my @at = ('--url', $node->connstr('ours'), '--dir', $dir, '--allow-programs');

is_viflo([@at, 'deploy'], 0, qr/\Aup    a1 .*\nup    b1 .*\nup    c1 .*\nup    d1 .*\n\z/,
	qr/warning: alembic has no SQL for the way back of "c1"\n/, 'deploy');
is( $node->safe_psql('ours',
		q{SELECT revision, down_revision, depends_on, branch_labels, message, transactional }
		  . q{FROM viflo_history(project => 'app') ORDER BY revision}),
	join("\n", "a1|{}|{}|{}|Authors, with names such as Zoë|t", 'b1|{a1}|{}|{people}|born|f',
		'c1|{a1}|{b1}|{}|books|t', 'd1|{b1,c1}|{}|{}|join|t'), 'ids, parents, dependencies and labels');
unlike($node->safe_psql('ours', q{SELECT string_agg(viflo_script(r, 'app'), '') FROM unnest('{a1,b1,c1,d1}'::text[]) r}),
	qr/alembic_version/, 'nothing of alembic_version');
is_viflo([@at, 'revert', 'c1'], 0, qr/\Adown  d1/, undef, 'the way back of a merge');
is_viflo([@at, 'revert', 'a1'], 1, '', qr/revision "c1" has no down section/, 'no way back where there is none');

SKIP:
{
	skip 'no psycopg2 for alembic', 1
	  unless eval { IPC::Run::run([ 'python3', '-c', 'import psycopg2' ], '2>', \my $none) };
	my ($host, $port) = ($node->host, $node->port);
	my $log;

	$node->safe_psql('postgres', 'CREATE DATABASE theirs');
	in_folder($dir, sub {
			IPC::Run::run([ 'alembic', '-x', "url=postgresql://\@/theirs?host=$host&port=$port", 'upgrade', 'heads' ],
				'>&', \$log) or diag($log);
	});
	my ($ours, $theirs) = map {
		my ($stdout, $stderr) = run_command([ 'pg_dump', '-s', '-O', '-d', $node->connstr($_), '-t', 'author', '-t', 'book' ]);
		$stdout =~ s/^\\(un)?restrict .*\n//mgr;
	} qw(ours theirs);
	is($ours, $theirs, 'the tables are those that alembic makes');
}

done_testing();
