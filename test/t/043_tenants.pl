# viflo --tenant and --tenants: one project in many schemas of one database.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use proxy_helper;
use IPC::Run ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init(extra => [ '--encoding=UTF8', '--no-locale' ]);
$node->append_conf('postgresql.conf', "log_statement = all\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE tenants');
my $url = $node->connstr('tenants');

sub sql { return $node->safe_psql('tenants', $_[0]); }

# How often the server was asked for something while the code ran.
sub asked
{
	my ($pattern, $code) = @_;
	my $before = -s $node->logfile;

	$code->();
	my @found = slurp_file($node->logfile, $before) =~ /execute <unnamed>: .*$pattern/g;
	return scalar @found;
}

my $dir = folder_of(
	'1_a.up.sql' => 'CREATE TABLE a (id int PRIMARY KEY);',
	'1_a.down.sql' => 'DROP TABLE a',
	'2_b.up.sql' => 'CREATE TABLE b (id int REFERENCES a);',
	'2_b.down.sql' => 'DROP TABLE b');
my @at = ('--url', $url, '--dir', $dir);
my $simple = folder_of('1_a.up.sql' => 'CREATE TABLE a ();', '1_a.down.sql' => 'DROP TABLE a');
my $hostile = q(it's "a, b"\\ x);

# One tenant
fails_with([@at, '--tenant', 'nosuch', 'upgrade'], 1,
	qr/schema "nosuch" of the tenant does not exist \(SQLSTATE 3F000\)\n.*HINT/s, 'a schema that is not there');
sql('CREATE SCHEMA one; CREATE SCHEMA "' . $hostile =~ s/"/""/gr . '"');
is_viflo([@at, '--tenant', 'one', 'upgrade', '1_a'], 0, qr/\Aup    1_a .*\n\z/, undef, 'upgrade of one tenant');
is_viflo([{ env => { VIFLO_TENANT => $hostile } }, @at, 'upgrade'], 0, qr/\Aup    1_a .*\nup    2_b .*\n\z/, undef,
	'a hostile name, from the environment');
is_viflo([{ env => { VIFLO_TENANT => $hostile } }, @at, 'upgrade'], 0, "nothing to do\n", '', 'and again');
is_viflo([{ env => { VIFLO_TENANT => $hostile } }, @at, '--tenant', 'one', 'current'], 0, qr/\A1_a /, '',
	'the option wins over the environment');
is_viflo([{ env => { VIFLO_TENANT => $hostile } }, @at, '--tenant', '', 'current'], 0, '', '', 'an empty one means none');
is(sql(q(SELECT schemaname FROM pg_tables WHERE tablename = 'b')), $hostile, 'it is in the schema');
is_viflo([@at, '--tenant', 'one', 'plan'], 0, qr/\Aup    2_b /, '', 'plan');
fails_with([@at, '--tenant', 'one', 'check'], 3, qr/1 revision of project "app" is not applied/, 'check');
is_viflo([@at, '--tenant', 'one', 'history'], 0, qr/^2_b  pending .*\n1_a  applied /m, '', 'history');
is_viflo([@at, '--tenant', 'one', 'show', '2_b'], 0, qr/^applied +f$/m, '', 'show');
is_viflo([@at, '--tenant', $hostile, 'log'], 0, qr/\A.* up .* 1_a .*\n.* up .* 2_b .*\n\z/, '', 'log of one');
is_viflo([@at, 'log'], 0, qr/\A.*  up  done  one  +1_a .*\n(.*  up  done  it's "a, b"\\ x  ._. .*\n){2}\z/, '', 'log of all');
is_viflo([@at, '--tenant', $hostile, 'sql'], 0, qr/tenant => E?'it''s "a, b"\\\\? x'/, '', 'sql');
is_viflo([@at, '--tenant', 'one', 'deploy'], 0, qr/\Aup    2_b /, qr/tenant "one": revision "2_b" \(up\) is done/, 'deploy');
is_viflo([@at, '--tenant', 'one', 'revert', '-1'], 0, qr/\Adown  2_b /, undef, 'revert');
is_viflo([@at, '--tenant', 'one', 'downgrade', 'base'], 0, qr/\Adown  1_a /, '', 'downgrade');
is_viflo([@at, '--tenant', 'one', 'stamp', '1_a'], 0, "stamped 1_a\n", '', 'stamp');
is_viflo([@at, '--tenant', 'one', 'repair', '1_a'], 0, "repaired 1_a\n", '', 'repair');
is_viflo([@at, '--tenant', 'one', 'stamp', 'base'], 0, "stamped base\n", '', 'stamp of base');
chomp(my $job = (viflo(@at, '--tenant', 'one', 'deploy', '--async'))[1]);
is_viflo([@at, 'wait', $job], 0, qr/is done/, '', 'a job');
is_viflo([@at, 'jobs'], 0, qr/\A$job  app  one  up  head  done /, '', 'of which jobs tells the tenant');
is(sql(q(SELECT to_regclass('one.b') IS NOT NULL)), 't', 'which ran for the tenant');
is_viflo([@at, 'tenants'], 0, qr/\Ait's "a, b"\\ x  2_b *\none +2_b *\npublic +2 pending\n\z/, '', 'tenants');
is_viflo([@at, 'tenants', 'one', '+1'], 0, qr/\Aone  2_b  no way to the target\n\z/, '', 'tenants and a target');
my ($status, $document, $err) = viflo_json(@at, 'tenants', 'one');
is_deeply($document, [ { tenant => 'one', current => ['2_b'], pending => 0, late => 0, missing => 0,
	changed => 0, unfinished => 0, steps => 0 } ], 'tenants in JSON');

# Usage
fails_with([@at, '--tenant', "\xff", 'upgrade'], 1, qr/invalid byte sequence .* \(SQLSTATE 22021\)/, 'no text');
fails_with([@at, '--tenant', 'x' x 64, 'upgrade'], 1, qr/cannot be the name of a schema \(SQLSTATE VF015\)/, 'too long a name');
fails_with([@at, '--tenant', 'one', 'upgrade', '--tenants', '%'], 2, qr/--tenants and --tenant cannot be given together/, 'both');
fails_with([@at, 'deploy', '--async', '--tenants', '%'], 2, qr/--tenants and --async cannot be given together/, 'jobs');
fails_with([@at, '--fleet', "$dir/fleet", 'upgrade', '--tenants', '%'], 2, qr/--tenants and --fleet cannot be given together/, 'a fleet');
fails_with([@at, 'upgrade', '--keep-going'], 2, qr/--keep-going needs --fleet, --fleet-query or --tenants/, 'keep going with what');
fails_with([@at, 'current', '--tenants', '%'], 2, qr/has no option --tenants/, 'not for all commands');
fails_with([@at, 'upgrade', '--tenants', 'nosuch%'], 1, qr/no schema is like "nosuch%"\n.*HINT/s, 'no tenants');

# 200 of them
sql('DO $$ BEGIN FOR i IN 1..200 LOOP EXECUTE format(\'CREATE SCHEMA tenant_%s\', to_char(i, \'FM000\')); END LOOP; END $$');
my @many = (@at, 'upgrade', '--tenants', 'tenant\_%');
my $out;
is(asked(qr/viflo_upgrade/, sub {
		$out = is_viflo([@many], 0,
			qr/\Atenant_001  up    1_a  a  \(\d+ ms\)\ntenant_001  up    2_b .*\ntenant_002 /, '', '200 tenants'); }),
	200, 'each in a transaction of its own');
is(scalar(() = $out =~ /^tenant_\d+  up /mg), 400, 'all steps are told');
like($out, qr/\n200 of 200 tenants upgraded\n\z/, 'and counted');
is(sql(q(SELECT count(DISTINCT schemaname), count(*) FROM pg_tables WHERE schemaname LIKE 'tenant%')), '200|400', 'each has its tables');
is(sql(q(SELECT count(DISTINCT started_at) > 1, count(DISTINCT tenant) FROM viflo.log WHERE tenant LIKE 'tenant%')), 't|200', 'and its history');
is(asked(qr/viflo_(missing|tenants|upgrade)\(/, sub {
		is_viflo([@many], 0, "0 of 200 tenants upgraded\n", '', 'nothing to do for 200'); }), 2,
	'that is one query, beside the one for the folder');
is_viflo([@at, 'check', '--tenants', 'tenant\_%'], 0, "all is well\n", '', 'check of all');
{
	my $text = slurp_text("$dir/1_a.up.sql");

	put("$dir/1_a.up.sql", "$text -- more");
	fails_with([@at, 'check', '--tenants', 'tenant\_%'], 3, qr/files of applied revisions have changed: "1_a" \(SQLSTATE VF022\)/,
		'a file that was changed after tenants had it');
	put("$dir/1_a.up.sql", $text);
}
is_viflo([@at, 'plan', '--tenants', 'tenant\_%'], 0, "nothing to do\n", '', 'plan of all');

sql(q(INSERT INTO viflo.applied VALUES ('app', 'tenant_007', 'unknown', '', now(), 'me')));
for my $command ('plan', 'upgrade')
{
	fails_with([@at, $command, '--tenants', 'tenant\_00_'], 1,
		qr/revision "unknown" is applied, but not registered.*SQLSTATE VF041.*\nDETAIL:  It is applied for tenant "tenant_007"\./s, "$command says who has something unknown");
}
is_viflo([@at, 'tenants', 'tenant\_007'], 0, "tenant_007  2_b  1 not registered\n", '', 'and so does tenants');
sql(q(DELETE FROM viflo.applied WHERE revision = 'unknown'));

# A failure in the middle
put("$dir/3_c.up.sql", "SELECT 1;\nCREATE TABLE c AS SELECT 1 / (current_schema() NOT IN ('tenant_050', 'tenant_100'))::int;\n");
put("$dir/3_c.down.sql", 'DROP TABLE c');
is_viflo([@at, 'plan', '--tenants', 'tenant\_00_'], 0, qr/\A(tenant_00\d  up    3_c  c\n){9}\z/, '', 'plan with a new file');
fails_with([@at, 'check', '--tenants', 'tenant\_%'], 3, qr/not registered/, 'check with a new file');
is_viflo(\@many, 1,
	qr/\Atenant_001  up    3_c .*\n(.*\n){47}tenant_049  up    3_c .*\n\z/,
	qr{3_c\.up\.sql:2: error: tenant "tenant_050": division by zero \(SQLSTATE 22012\)\n.*CREATE TABLE c.*\nCONTEXT:  .*tenant "tenant_050"\nKEPT:  49 tenants are done: "tenant_001", "tenant_002", "tenant_003", "tenant_004", 44 more, "tenant_049"\. 150 tenants are not begun\.\n\z}s,
	'the first failure ends it');
is(sql(q(SELECT count(*) FROM pg_tables WHERE tablename = 'c')), 49, 'what is done stays');
is_viflo([@at, 'check', '--tenants', 'tenant\_05_'], 3, qr/\Atenant_050  1 pending\n(.*\n){8}tenant_059  1 pending\n\z/,
	qr/10 of 10 tenants are behind, changed or half done \(SQLSTATE VF040\)/, 'check names them');
($status, $document, $err) = viflo_json(@many);
is($status, 1, 'in JSON: status');
is($document->{sqlstate}, '22012', 'the failure');
is("@{$document}{qw(upgraded failed nothing_to_do not_begun)}", '0 1 49 150', 'and the count');
is_deeply([ map { "$_->{tenant} $_->{error}{sqlstate}" } @{ $document->{tenants} } ], ['tenant_050 22012'], 'of whom');
($status, $document) = viflo_json(@at, 'check', '--tenants', 'tenant\_05_');
is("$status $document->{sqlstate} " . join(' ', map { "$_->{tenant}:$_->{pending}" } @{ $document->{tenants} }),
	'3 VF040 ' . join(' ', map { "tenant_05$_:1" } 0 .. 9), 'check in JSON');

# --keep-going
($status, $out, $err) = viflo(@many, '--keep-going');
is($status, 1, 'keep going: status');
is(scalar(() = $out =~ /^tenant_\d+  up    3_c/mg), 149, 'all others are done');
is(scalar(() = $err =~ /: error: tenant "tenant_(050|100)": division by zero/g), 2, 'each failure is told');
like($err, qr/\nviflo: error: 2 of 151 tenants failed\nKEPT:  149 tenants are done: /, 'and counted');
($status, $document, $err) = viflo_json(@many, '--keep-going');
is($status, 1, 'keep going in JSON: status');
is_deeply([ map { "$_->{tenant} $_->{error}{sqlstate}" } @{ $document->{tenants} } ],
	[ 'tenant_050 22012', 'tenant_100 22012' ], 'the failures');
is("$document->{message}, @{$document}{qw(upgraded failed nothing_to_do not_begun)}", '2 of 2 tenants failed, 0 2 198 0', 'and the count');
put("$dir/3_c.up.sql", "SELECT 2;\n");
fails_with(\@many, 1, qr/revision "3_c" is applied for tenant "\w+", and its text has changed/, 'a text that is applied for others stays');
put("$dir/3_c.up.sql", "SELECT 1;\nCREATE TABLE c AS SELECT 1 / (current_schema() NOT IN ('tenant_050', 'tenant_100'))::int;\n");

# The other commands
is_viflo([@at, 'stamp', 'head', '--tenants', 'tenant\_050'], 0, "tenant_050  stamped head\n1 of 1 tenants stamped\n", '', 'stamp');
($status, $document) = viflo_json(@at, 'stamp', '2_b', '3_c', '--tenants', 'tenant\_100');
is_deeply($document, { tenants => [ { tenant => 'tenant_100', stamped => [ '2_b', '3_c' ], purge => JSON::PP::false } ],
	stamped => 1, failed => 0, nothing_to_do => 0, not_begun => 0 }, 'stamp of several targets, in JSON');
is_viflo([@at, 'check', '--tenants', 'tenant\_%'], 0, "all is well\n", '', 'all well again');
sql('CREATE TABLE tenant_050.c (); CREATE TABLE tenant_100.c ()');
is_viflo([@at, 'downgrade', '-1', '--tenants', 'tenant\_%'], 0,
	qr/\Atenant_001  down  3_c .*\n(.*\n)*200 of 200 tenants downgraded\n\z/, '', 'downgrade');
is(sql(q(SELECT count(*) FROM pg_tables WHERE tablename = 'c')), 0, 'all have gone back');
is_viflo([@at, 'revert', 'base', '--tenants', 'tenant\_00_'], 0,
	qr/\Atenant_001  down  2_b .*\ntenant_001  down  1_a .*\n(.*\n)*9 of 9 tenants reverted\n\z/, undef, 'revert');
is_viflo([@at, 'downgrade', 'base', '--tenants', 'tenant\_00_'], 0, "0 of 9 tenants downgraded\n", '', 'with nothing to take back');
($status, $document) = viflo_json(@at, 'deploy', '2_b', '--tenants', 'tenant\_00_');
is("$status $document->{deployed} $document->{nothing_to_do}", '0 9 0', 'deploy in JSON');
is_deeply([ map { [ $_->{tenant}, map { "$_->{direction} $_->{revision}" } @{ $_->{steps} } ] } @{ $document->{tenants} } ],
	[ map { [ "tenant_00$_", 'up 1_a', 'up 2_b' ] } 1 .. 9 ], 'with the steps of each');
put("$dir/3_c.up.sql", "SELECT 1;\nVACUUM a;\nSELECT 1 / (current_schema() <> 'tenant_002')::int;\n");
is_viflo([@at, 'deploy', '--tenants', 'tenant\_00_'], 1, qr/\Atenant_001  up    3_c .*\n\z/,
	qr/error: tenant "tenant_002": division by zero .*KEPT:  Of revision "3_c" \(up\), 2 statements are done; "viflo deploy" resumes there\.\n1 tenant is done: "tenant_001"\. 7 tenants are not begun\.\n\z/s,
	'deploy stops at a failure');
is_viflo([@at, '--tenant', 'tenant_002', 'status'], 3, qr/^tenant +tenant_002\n.*^UNFINISHED +3_c \(up\), of which 2 .*^failed +3_c .*division by zero/ms, '',
	'which status shows for the tenant');
is_viflo([@at, '--tenant', 'tenant_003', 'status'], 3, qr/\A(?!.*(UNFINISHED|failed)).*^pending +1: 3_c$/ms, '', 'but for no other');
is_viflo([@at, 'status'], 3, qr/\A(?!.*(UNFINISHED|failed)).*^pending +3: /ms, '', 'nor without one');
is_viflo([@at, 'tenants', 'tenant\_002'], 0, "tenant_002  2_b  1 pending, 1 half done\n", '', 'which leaves one half done');
is_viflo([@at, 'deploy', '--tenants', 'tenant\_00_', '--keep-going'], 1, qr/\Atenant_003  up    3_c .*\n(.*\n){5}tenant_009  .*\n\z/,
	undef, 'and goes on past it');

# ^C
{
	put("$dir/4_d.up.sql", "SELECT pg_sleep(CASE current_schema() WHEN 'tenant_011' THEN 180 ELSE 0 END);\n");
	put("$dir/4_d.down.sql", '');
	sql(q(SELECT viflo_stamp('3_c', tenant => t.tenant, project => 'app') FROM viflo_tenants('tenant%', project => 'app') t));
	sql(q(SELECT viflo_repair('3_c', tenant => 'tenant_002', project => 'app')));
	my ($stdout, $stderr) = ('', '');
	my $run = IPC::Run::start([ $program, @many, '--keep-going' ], '<', \undef, '>', \$stdout, '2>', \$stderr);
	$node->poll_query_until('tenants', q(SELECT count(*) = 1 FROM viflo.progress WHERE tenant = 'tenant_011' AND phase = 'running'));
	$run->signal('INT');
	$run->finish;
	is($run->result(0), 1, '^C: status');
	is(scalar(() = $stdout =~ /^tenant_\d+  up    4_d/mg), 10, '^C: those before are done');
	like($stderr, qr/error: tenant "tenant_011": .*SQLSTATE 57014.*HINT:  You asked to stop: what was done before stays\.\n.*189 tenants are not begun\./s,
		'^C: ends it, also with --keep-going');
}

# A tenant's step outside of a transaction is in nobody's way but who changes what it runs
{
	my $load = q(SELECT viflo_load(E'-- viflo revision: %s\n-- transaction: off\n-- viflo up\nSELECT pg_sleep(CASE current_schema() WHEN ''tenant_012'' THEN 180 ELSE 0 END);\n', project => 'steps'));
	sql(sprintf($load, 's1'));
	my ($stdout, $stderr) = ('', '');
	my $run = IPC::Run::start([ $node->installed_command('psql'), '-XAtd', $url, '-c', q(CALL viflo_deploy('s1', 'steps', 'tenant_012')) ],
		'<', \undef, '>', \$stdout, '2>', \$stderr);
	$node->poll_query_until('tenants', q(SELECT count(*) = 1 FROM viflo.progress WHERE tenant = 'tenant_012' AND phase = 'running' AND worker_pid IS NOT NULL));
	sql(q(CALL viflo_deploy('s1', 'steps', 'tenant_013')));
	is(sql(q(SELECT current FROM viflo_tenants('tenant\_013', 's1', 'steps'))), '{s1}', 'another tenant does not wait for it');
	for my $query (sprintf($load, 's2'), q(SELECT viflo_upgrade('s1', 'steps', 'tenant_012')))
	{
		my (undef, undef, $error) = $node->psql('tenants', $query, extra_params => [ '-v', 'VERBOSITY=verbose' ]);
		like($error, qr/ERROR:  VF034: a step of project "steps" is under way/, 'a query that would hold it up gives up');
	}
	sql(q(SELECT pg_cancel_backend(pid) FROM viflo.progress WHERE tenant = 'tenant_012'));
	$run->finish;
	like($stderr, qr/canceling statement.*tenant "tenant_012"/s, 'it is cancelled');
	sql(sprintf($load, 's2'));
	pass('and then the project can be changed');
}

# Who waits for the lock asks again and again who has it, and keeps nothing of the answers
{
	my ($out, $err) = ('', '');
	my $psql = $node->installed_command('psql');

	sql(q(SELECT viflo_load(E'-- viflo revision: w1\n-- viflo up\nSELECT 1;\n', project => 'waits')));
	my $holder = IPC::Run::start([ $psql, '-XAtd', $url, '-c', 'SELECT count(pg_advisory_lock(n)) FROM generate_series(1, 5000) n',
		'-c', 'BEGIN', '-c', q(SELECT viflo_stamp('base', project => 'waits')), '-c', q(SELECT pg_sleep(180) AS holder) ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('tenants', q(SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE '%AS holder' AND wait_event = 'PgSleep'));
	my $waiter = IPC::Run::start([ $psql, '-XAtd', $url, '-c', q(CALL viflo_deploy('w1', 'waits', 'tenant_012')) ],
		'<', \undef, '>', \$out, '2>', \$err);
	$node->poll_query_until('tenants', q(SELECT count(*) = 1 FROM viflo.progress WHERE project = 'waits'));
	my $before = -s $node->logfile;
	sql(q(SELECT pg_sleep(3), pg_log_backend_memory_contexts(pid) FROM viflo.progress WHERE project = 'waits'));
	my $total;
	for (1 .. 300)
	{
		last if ($total) = slurp_file($node->logfile, $before) =~ /Grand total: (\d+) bytes/;
		select(undef, undef, undef, 0.1);
	}
	cmp_ok($total // 1e9, '<', 8 * 1024 * 1024, 'memory while waiting');
	sql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%AS holder' AND pid <> pg_backend_pid()));
	$_->finish for $holder, $waiter;
	is(sql(q(SELECT current FROM viflo_tenants('tenant\_012', 'w1', 'waits'))), '{w1}', 'which is over in the end');
}

# Repeatable and late revisions count
{
	my $repeatable = "-- viflo revision: views\n-- repeatable: yes\n-- viflo up\nCREATE OR REPLACE VIEW v AS SELECT %d AS x;\n";
	my $native = folder_of('base.sql' => "-- viflo revision: base1\n-- viflo up\nSELECT 1;\n", 'views.sql' => sprintf($repeatable, 1));
	my @some = ('--url', $url, '--dir', $native, '--project', 'views');

	is_viflo([@some, 'upgrade', '--tenants', 'tenant\_00_'], 0, qr/\Atenant_001  up    base1 .*\ntenant_001  up    views .*\n(.*\n){16}9 of 9/, '', 'a repeatable revision');
	put("$native/views.sql", sprintf($repeatable, 2));
	is_viflo([@some, 'upgrade', '--tenants', 'tenant\_00_'], 0, qr/\A(tenant_00\d  up    views .*\n){9}9 of 9 tenants upgraded\n\z/, '', 'runs again for all');
	is(sql('SELECT x FROM tenant_009.v'), 2, 'with its new text');
	put("$native/late.sql", "-- viflo revision: late1\n-- viflo up\nSELECT 1;\n");
	put("$native/base.sql", "-- viflo revision: base1\n-- revises: late1\n-- viflo up\nSELECT 1;\n");
	fails_with([@some, 'upgrade', '--tenants', 'tenant\_00_'], 1, qr/tenant "tenant_001": .*late1.*SQLSTATE VF032/s, 'a late one is refused');
	is_viflo([@some, 'upgrade', '--late', 'list', '--tenants', 'tenant\_00_'], 0, "9 of 9 tenants upgraded\n", qr/late1/, 'or left out, which is said for each');
	is_viflo([@some, 'plan', '--late', 'apply', '--tenants', 'tenant\_001'], 0, qr/\Atenant_001  up    late1 +\(late\)\n\z/, '', 'or planned');
	is_viflo([@some, 'check', '--tenants', 'tenant\_001'], 3, qr/\Atenant_001  /, undef, 'and check says so');
	is_viflo([@some, 'upgrade', '--late', 'apply', '--tenants', 'tenant\_00_'], 0, qr/\Atenant_001  up    late1 .*\n(.*\n)*9 of 9/, '', 'or applied');
	is_viflo([@some, 'plan', 'base1', '--tenants', 'tenant\_00_'], 0, "nothing to do\n", '', 'a plan to a revision');
	is_viflo([@some, 'plan', 'base', '--tenants', 'tenant\_001'], 0, qr/\Atenant_001  down  base1 *\ntenant_001  down  late1 *\n\z/, '', 'and down');
}

# Tenants by viflo.conf, in a fleet, and with a history of another tool
{
	my $conf = folder_of('viflo.conf' => "url = $url\ndir = $dir\n[one]\ntenant = one\n[two]\ntenant = two\n", 'fleet' => "one\ntwo\n");
	sql('CREATE SCHEMA two');
	is_viflo(['--config', "$conf/viflo.conf", '-d', 'one', 'current'], 0, qr/\A2_b /, '', 'key tenant');
	is_viflo(['--config', "$conf/viflo.conf", '-d', 'one', '--tenant', 'tenant_009', 'current'], 0, qr/\A4_d /, '', 'the option wins');
	is_viflo(['--config', "$conf/viflo.conf", '--fleet', "$conf/fleet", 'upgrade', '1_a'], 0,
		qr/\A(?=.*^done +one +nothing to do )(?=.*^done +two +1 step )/ms, undef, 'tenants of one database as a fleet');
	is(sql(q(SELECT to_regclass('two.a') IS NOT NULL)), 't', 'each in its schema');
	is_viflo([{ env => { VIFLO_CONFIG => "$conf/viflo.conf" } }, '--tenant', 'two', '--fleet', "$conf/fleet", 'current'], 2, '', qr/database "two" is in the fleet already/, 'one tenant of one database twice is a mistake');

	sql('CREATE SCHEMA three; CREATE TABLE two.schema_migrations (version bigint PRIMARY KEY, dirty bool NOT NULL); CREATE TABLE three.schema_migrations (LIKE two.schema_migrations);
		INSERT INTO two.schema_migrations VALUES (1, false); INSERT INTO three.schema_migrations VALUES (2, false)');
	fails_with([@at, 'adopt'], 1, qr/several histories/, 'adopt with a history in two schemas');
	is_viflo([@at, '--tenant', 'three', 'adopt', '--dry-run'], 0, qr/^three\.schema_migrations of golang-migrate: 2 of \d revisions would/m, '', "the tenant's goes first");
	is_viflo([@at, '--tenant', 'three', 'adopt', '--tool', 'golang-migrate', '--table', 'schema_migrations'], 0, qr/^three\./m, '', 'by name, too');
	is_viflo([@at, '--tenant', 'three', 'current'], 0, qr/\A2_b /, '', 'and is that of the tenant');
	is_viflo([@at, '--tenant', 'three', 'graph'], 0, qr/^o  4_d .*^o  3_c .*^\*  2_b .*^\*  1_a /ms, '', 'which graph shows');
}

# A connection that is lost, and made anew
my $warns = qr/^viflo: warning: tenant "t1": .*\nHINT:  The connection was lost after all of it was committed/sm;
for my $case ([ 'upgrade', 'upgrade', qr/viflo_upgrade/, $warns ], [ 'deploy', 'deploy', qr/CALL /, $warns ],
	[ 'load', 'deploy', qr/viflo_load/, qr/asking the server/ ])
{
	my ($name, $command, $trigger, $said) = @$case;

	$node->safe_psql('postgres', "CREATE DATABASE lost_$name");
	$node->safe_psql("lost_$name", 'CREATE EXTENSION viflo_migrate; CREATE SCHEMA t1; CREATE SCHEMA t2');
	is_viflo(['--url', via_proxy($node, "lost_$name", 'swallow', $trigger), '--dir', $simple, $command, '--tenants', 't_'], 0,
		qr/\At1  up    1_a .*\nt2  up    1_a .*\n2 of 2 tenants \w+\n\z/, $said,
		"$command, lost in $name: what became of it is asked, and the next one follows");
}
{
	my ($out, $err) = ('', '');

	$node->safe_psql('lost_upgrade', "SELECT viflo_downgrade('base', 'app', 't1')");
	my $run = IPC::Run::start([ $program, '--url', via_proxy($node, 'lost_upgrade', 'gone', qr/viflo_upgrade/), '--dir', $simple,
		'upgrade', '--tenants', 't_', '--keep-going' ], '<', \undef, '>', \$out, '2>', \$err);
	$run->pump until $err =~ /asking the server/;
	$run->signal('INT');
	$run->finish;
	is($run->result(0), 4, 'nobody to ask: status');
	like($err, qr/error: tenant "t1": .*HINT:  .*could not be found out\. Run: viflo status\n/s, 'nobody to ask: says so');
}

# What runs each time runs for all; nothing waits for it.
my $each = folder_of('1.sql' => "-- viflo revision: e1\n-- viflo up\nCREATE TABLE ran (what text);\n",
	'2.sql' => "-- viflo revision: each\n-- repeatable: always\n-- viflo up\nINSERT INTO ran VALUES ('each');\n");
$node->safe_psql('postgres', 'CREATE DATABASE each');
$node->safe_psql('each', 'CREATE SCHEMA e1; CREATE SCHEMA e2');
my @each = ('--url', $node->connstr('each'), '--dir', $each);
is_viflo([@each, 'upgrade', '--tenants', 'e_'], 0, qr/^2 of 2 tenants upgraded$/m, undef, 'one that runs each time');
is_viflo([@each, 'check', '--tenants', 'e_'], 0, "all is well\n", '', 'and waits for nothing');
is_viflo([@each, 'plan', '--tenants', 'e_'], 0, qr/\Ae1 .* each .*\(repeatable\)\ne2 .*\n\z/, '', 'but is planned');
is_viflo([@each, 'deploy', '--tenants', 'e_'], 0, qr/^2 of 2 tenants deployed$/m, undef, 'once more');
is($node->safe_psql('each', 'SELECT (SELECT count(*) FROM e1.ran), (SELECT count(*) FROM e2.ran)'), '2|2', 'twice for each');

# What it costs does not grow with the log
{
	my $long = $node->connstr('long');

	$node->safe_psql('postgres', 'CREATE DATABASE long');
	$node->safe_psql('long', q(CREATE EXTENSION viflo_migrate; CREATE SCHEMA t1; CREATE SCHEMA t2;
		INSERT INTO viflo.log (project, tenant, revision, direction, status, started_at, duration, role_name, server_version, statements, pid, transactional, attempts)
		SELECT 'app', 't1', '1_a', 'up', 'done', now(), '1 s', 'x', '15', 1, i, true, 1 FROM generate_series(1, 20000) i));
	is_viflo(['--url', $long, '--dir', $simple, 'deploy', '--tenants', 't_'], 0,
		qr/\At1  up    1_a .*\nt2  up    1_a .*\n2 of 2 tenants deployed\n\z/, undef, 'deploy with a long log');
	$node->poll_query_until('long', q(SELECT idx_tup_fetch > 0 FROM pg_stat_user_tables WHERE relid = 'viflo.log'::regclass)) or die;
	is($node->safe_psql('long', q(SELECT seq_tup_read + idx_tup_fetch < 50 FROM pg_stat_user_tables WHERE relid = 'viflo.log'::regclass)),
		't', 'does not read all of it for each tenant');
	$node->safe_psql('long', 'CREATE ROLE deployer LOGIN; GRANT CREATE ON DATABASE long TO deployer; GRANT ALL ON SCHEMA public, t1, t2 TO deployer;
		GRANT EXECUTE ON ALL ROUTINES IN SCHEMA public TO deployer; ALTER TABLE t1.a OWNER TO deployer; ALTER TABLE t2.a OWNER TO deployer');
	is_viflo(['--url', "$long user=deployer", '--dir', $simple, 'revert', 'base', '--tenants', 't_'], 0,
		qr/\At1  down  1_a .*\nt2  down  1_a /, undef, 'a role that may not read it is told the same');
}

# An extension that knows no tenants
$node->safe_psql('postgres', 'CREATE DATABASE old');
my $old = $node->connstr('old');
$node->safe_psql('old', "CREATE EXTENSION viflo_migrate VERSION '1.2'");
is_viflo(['--url', $old, '--dir', $simple, 'deploy'], 0, qr/\Aup    1_a/, undef, 'without a tenant it works as before');
is_viflo(['--url', $old, '--dir', $simple, 'log'], 0, qr/ 1_a /, '', 'log, too');
is_viflo(['--url', $old, '--dir', $simple, 'jobs'], 0, '', '', 'and jobs');
for my $command ([ '--tenant', 'public', 'upgrade' ], [ 'upgrade', '--tenants', '%' ], ['tenants'])
{
	fails_with([ '--url', $old, '--dir', $simple, @$command ], 1, qr/ALTER EXTENSION viflo_migrate UPDATE/, "@$command with an old extension");
}

# One that knows even less
$node->safe_psql('postgres', 'CREATE DATABASE older');
$node->safe_psql('older', "CREATE EXTENSION viflo_migrate VERSION '1.1'");
for my $command ('upgrade', 'deploy', 'status', 'log', 'plan')
{
	is_viflo([ '--url', $node->connstr('older'), '--dir', $simple, $command ], 1, '', qr/ALTER EXTENSION viflo_migrate UPDATE/,
		"$command with an older one");
}

done_testing();
