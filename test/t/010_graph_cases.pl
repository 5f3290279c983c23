# Alembic's own answers, asked of the SQL functions.
#
# Each line of test/data/graph_cases.jsonl is a project of its own here: its
# revisions are loaded, the rows it starts from are stamped, the operation is
# called, and what comes back is held against the answer by the set of steps,
# a legal order, and the revisions that are applied afterwards.

use strict;
use warnings;

use File::Basename;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Where the contract asks for another answer than Alembic's, and which:
# "error" or "fine" whatever Alembic says.
my $trailing = 'text after the number of steps is a fault';
my $several = 'a step down from several heads could be any';
my %deviation = (
	g0137 => [ 'error', 'past base is a fault for every command alike' ],
	g0266 => [ 'fine', 'a row below another adds nothing' ],
	g0267 => [ 'fine', 'a row twice is the row once' ],
	g0828 => [ 'error', $several ],
	g0850 => [ 'error', $several ],
	g0861 => [ 'error', $several ],
	g1045 => [ 'fine', 'a range with its end below goes down' ],
	g1056 => [ 'fine', 'a range with its end above goes up' ],
	g1057 => [ 'fine', 'one target is a range from base' ],
	g1131 => [ 'fine', 'b1 brings a2 along, so nothing is behind' ],
	g1160 => [ 'error', 'an id that is there twice is a fault' ],
	g1161 => [ 'error', 'an id that is there twice is a fault' ],
	g1174 => [ 'error', '"base" cannot be an id' ],
	g1186 => [ 'error', 'a down revision is named twice' ],
	g1187 => [ 'error', 'a down revision is named twice' ],
	g1225 => [ 'fine', '"-" may stand within an id' ],
	g1230 => [ 'error', 'an id that is there already is a fault' ],
	g1240 => [ 'error', $trailing ],
	g1241 => [ 'error', $trailing ],
	g1242 => [ 'error', $trailing ],
	g1255 => [ 'error', $trailing ],
	g1258 => [ 'error', $trailing ]);

my $cases = dirname(__FILE__) . '/../data/graph_cases.jsonl';
my $json = JSON::PP->new->canonical;

sub quote
{
	my ($text) = @_;

	$text =~ s/'/''/g;
	return "'$text'";
}

sub array
{
	return 'ARRAY[' . join(', ', map { quote($_) } @_) . ']::text[]';
}

sub script
{
	my ($revision) = @_;
	my $text = "-- viflo revision: $revision->{id}\n";

	$text .= '-- revises: ' . join(', ', @{ $revision->{down} }) . "\n";
	$text .= '-- depends on: ' . join(', ', @{ $revision->{depends_on} }) . "\n"
	  if @{ $revision->{depends_on} };
	$text .= '-- labels: ' . join(', ', @{ $revision->{labels} }) . "\n"
	  if @{ $revision->{labels} };
	return $text . "\n-- viflo up\nSELECT 1;\n-- viflo down\nSELECT 1;\n";
}

# The operation as a query of one row a result.
sub operation
{
	my ($case) = @_;
	my $op = $case->{op};
	my $target = $case->{target};
	my $project = quote($case->{id});
	my $list = ref $target ? array(@$target) : defined $target ? quote($target) : undef;

	if ($op eq 'upgrade' || $op eq 'downgrade')
	{
		return "SELECT viflo_sql($list, $project) AS script" if $case->{sql};
		return "SELECT direction, revision FROM viflo_$op($list, $project)";
	}
	if ($op eq 'stamp' && $case->{sql} && $target =~ /^(.*):(.*)$/)
	{
		return
			"SELECT viflo_stamp("
		  . quote($1)
		  . ", project => $project), viflo_stamp("
		  . quote($2)
		  . ", project => $project)";
	}
	if ($op eq 'stamp')
	{
		my $purge = $case->{purge} ? 'true' : 'false';

		return "SELECT viflo_stamp($list, $purge, $project)";
	}
	return "SELECT viflo_script($list, $project) AS script"
	  if $op eq 'resolve_one' && !is_deeply_empty($case->{expect});
	return "SELECT revision FROM viflo_show($list, $project)"
	  if $op eq 'resolve' || $op eq 'resolve_one';
	return 'SELECT revision FROM viflo_history('
	  . (defined $list ? "$list, " : '')
	  . "project => $project)"
	  if $op eq 'history';
	return "SELECT revision FROM viflo_current($project)" if $op eq 'current';
	return "SELECT revision FROM viflo_branches($project)" if $op eq 'branches';
	return "SELECT viflo_check($project)" if $op eq 'check_heads';
	if ($op eq 'revision')
	{
		my @arguments = (
			"'m'",
			"''",
			'revision => ' . quote($case->{rev_id} // 'newrev'),
			"project => $project");

		push @arguments, 'down_revision => ' . array($case->{head})
		  if defined $case->{head};
		push @arguments, 'depends_on => ' . array(@{ $case->{depends_on} })
		  if $case->{depends_on};
		push @arguments, 'branch_labels => ' . array(@{ $case->{branch_label} })
		  if $case->{branch_label};
		push @arguments, 'splice => true' if $case->{splice};
		return 'SELECT viflo_revision(' . join(', ', @arguments) . ')';
	}
	# heads, bases and validate are answered by the graph that is asked for anyway
	return 'SELECT 1';
}

sub is_deeply_empty
{
	my ($expect) = @_;

	return ref $expect eq 'HASH' && $expect->{revs} && !@{ $expect->{revs} };
}

# ---- ask ------------------------------------------------------------------

my @cases;
open(my $handle, '<', $cases) or die "$cases: $!";
push @cases, map { $json->decode($_) } <$handle>;
close($handle);

my $node = PostgreSQL::Test::Cluster->new('main');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\n");
$node->start;

my $sql = <<'EOS';
SET client_min_messages = error;
CREATE EXTENSION viflo_migrate;
CREATE FUNCTION ask(query text) RETURNS jsonb LANGUAGE plpgsql AS $$
DECLARE
	result jsonb;
	state text;
	detail text;
BEGIN
	EXECUTE format('SELECT coalesce(jsonb_agg(to_jsonb(q)), ''[]'') FROM (%s) q', query) INTO result;
	RETURN jsonb_build_object('rows', result);
EXCEPTION WHEN OTHERS THEN
	GET STACKED DIAGNOSTICS state = RETURNED_SQLSTATE, detail = MESSAGE_TEXT;
	RETURN jsonb_build_object('error', state, 'message', detail);
END $$;
EOS

my $graph =
  'SELECT revision, down_revision, depends_on, is_head, applied FROM viflo_history(project => %s)';
foreach my $case (@cases)
{
	my $project = quote($case->{id});
	my $known = join '|', map { quotemeta($_->{id}) } @{ $case->{revisions} };
	my @current = grep { /^(?:$known)$/ } @{ $case->{current} };
	my @unknown = grep { !/^(?:$known)$/ } @{ $case->{current} };
	my @queries = (
		'SELECT viflo_load('
		  . array(map { script($_) } @{ $case->{revisions} })
		  . ", '{}', project => $project)");

	push @queries, @current
	  ? 'SELECT viflo_stamp(' . array(@current) . ", project => $project)"
	  : 'SELECT 1';
	push @queries, sprintf($graph, $project), operation($case), sprintf($graph, $project);
	$sql .= "INSERT INTO viflo.applied VALUES ($project, '', " . quote($_) . ", '', now(), 'x');\n"
	  foreach @unknown;
	$sql .= "SELECT jsonb_build_array($project, " . join(', ', map { "ask(" . quote($_) . ")" } @queries) . ");\n";
	$sql .= "SELECT jsonb_build_array($project || '/heads', ask("
	  . quote("SELECT revision FROM viflo_show('heads', $project)") . "));\n";
}

my %answer;
foreach my $line (split /\n/, $node->safe_psql('postgres', $sql))
{
	next unless $line =~ /^\[/;
	my ($id, @results) = @{ $json->decode($line) };
	$answer{$id} = \@results;
}

# ---- judge ----------------------------------------------------------------

# What stands directly below each revision: parents, dependencies.
sub below
{
	my ($case) = @_;
	my (%label, %below);

	foreach my $revision (@{ $case->{revisions} })
	{
		$label{$_} = $revision->{id} foreach @{ $revision->{labels} };
	}
	foreach my $revision (@{ $case->{revisions} })
	{
		$below{ $revision->{id} } =
		  [ @{ $revision->{down} }, map { $label{$_} // $_ } @{ $revision->{depends_on} } ];
	}
	return \%below;
}

sub closure
{
	my ($below, @todo) = @_;
	my %set;

	while (defined(my $id = shift @todo))
	{
		push @todo, @{ $below->{$id} // [] } unless $set{$id}++;
	}
	return \%set;
}

# Members that no member stands on.
sub maximal
{
	my ($below, $set) = @_;
	my %covered;

	foreach my $id (keys %$set)
	{
		$covered{$_} = 1 foreach @{ $below->{$id} // [] };
	}
	return [ sort grep { !$covered{$_} } keys %$set ];
}

# Runs the steps over the set; the first step that is not legal, or undef.
sub walk
{
	my ($below, $set, @steps) = @_;

	foreach my $step (@steps)
	{
		my ($direction, $id) = @$step;

		if ($direction eq 'up')
		{
			return "$id: up twice" if $set->{$id};
			foreach my $other (@{ $below->{$id} })
			{
				return "$id: before $other" unless $set->{$other};
			}
			$set->{$id} = 1;
		}
		else
		{
			return "$id: down, though not applied" unless $set->{$id};
			foreach my $other (keys %$set)
			{
				return "$id: before $other"
				  if grep { $_ eq $id } @{ $below->{$other} // [] };
			}
			delete $set->{$id};
		}
	}
	return undef;
}

sub column
{
	my ($result, $name) = @_;

	return [ map { $_->{$name} } @{ $result->{rows} } ];
}

# The steps of an operation's result, for an online run or a script.
sub steps
{
	my ($case, $result) = @_;
	my @steps;

	return map { [ $_->{direction}, $_->{revision} ] } @{ $result->{rows} }
	  unless $case->{sql};
	while ($result->{rows}[0]{script} =~ /viflo_record\('([^']+)', '(up|down)', project =>/g)
	{
		push @steps, [ $2, $1 ];
	}
	return @steps;
}

sub names
{
	return join ' ', sort @_;
}

# The start of a script's range is where the database is taken to be.
sub script_start
{
	my ($case, $below) = @_;
	my ($start) = $case->{target} =~ /^(.*):/;
	my @ids = keys %$below;

	return {} if !defined $start || $start eq '' || $start eq 'base';
	return closure($below, @{ maximal($below, { map { $_ => 1 } @ids }) })
	  if $start eq 'head';
	return closure($below, grep { /^\Q$start\E/ } @ids);
}

sub judge_run
{
	my ($case, $result, $after) = @_;
	my $below = below($case);
	my $set = $case->{sql} ? script_start($case, $below)
	  : closure($below, @{ $case->{current} });
	my @steps = steps($case, $result);
	my @expected = ref $case->{expect} eq 'ARRAY' ? @{ $case->{expect} } : @{ $case->{plan} // [] };
	my $illegal = walk($below, $set, @steps);

	return "illegal order: $illegal" if $illegal;
	if (!$case->{sql})
	{
		my $applied = names(map { $_->{revision} } grep { $_->{applied} } @{ $after->{rows} });

		return "steps left $applied applied" if $applied ne names(keys %$set);
	}
	return undef if $case->{crash} || $deviation{ $case->{id} };
	my ($got, $want) = map { names(map { "$_->[0] $_->[1]," } @$_) } \@steps, \@expected;
	return "steps: $got; Alembic: $want" if $got ne $want;
	return undef;
}

sub judge_set
{
	my ($what, $got, $want) = @_;

	return undef if names(@$got) eq names(@$want);
	return "$what: " . names(@$got) . '; Alembic: ' . names(@$want);
}

sub judge_graph
{
	my ($case, $graph, $heads) = @_;
	my $expect = $case->{expect};
	my @rows = @{ $graph->{rows} };
	my %got = (
		heads => [ map { $_->{revision} } grep { $_->{is_head} } @rows ],
		bases => [ map { $_->{revision} } grep { !@{ $_->{down_revision} } } @rows ],
		real_heads => column($heads, 'revision'),
		real_bases =>
		  [ map { $_->{revision} } grep { !@{ $_->{down_revision} } && !@{ $_->{depends_on} } } @rows ]);

	foreach my $what (grep { $expect->{$_} } sort keys %got)
	{
		my $fault = judge_set($what, $got{$what}, $expect->{$what});

		return $fault if $fault;
	}
	return undef;
}

sub judge_new
{
	my ($case, $after) = @_;
	my $id = $case->{rev_id} // 'newrev';
	my ($row) = grep { $_->{revision} eq $id } @{ $after->{rows} };
	my $expect = $case->{expect};

	return 'not registered' unless $row;
	return undef if $deviation{ $case->{id} };
	return judge_set('down', $row->{down_revision}, $expect->{down})
	  // judge_set('depends_on', $row->{depends_on}, $expect->{depends_on})
	  // judge_graph($case, $after, {});
}

# Newest first: nothing comes after what stands on it.
sub judge_history
{
	my ($case, $result) = @_;
	my $below = below($case);
	my @got = @{ column($result, 'revision') };
	my %seen;

	foreach my $id (@got)
	{
		return "$id after what it stands on" if grep { $seen{$_} } @{ $below->{$id} };
		$seen{$id} = 1;
	}
	return judge_set('revisions', \@got, $case->{expect}{revs});
}

sub judge
{
	my ($case, $load, $stamp, $before, $result, $after, $heads) = @_;
	my $op = $case->{op};
	my $expect = $case->{expect};
	my $want_error = ref $expect eq 'HASH' && exists $expect->{error};
	my $error = $load->{error} // $stamp->{error} // $result->{error};

	$want_error = $deviation{ $case->{id} }[0] eq 'error' if $deviation{ $case->{id} };
	if (defined $error)
	{
		my $message = $load->{message} // $stamp->{message} // $result->{message};

		return "not an error of ours: $error: $message"
		  if $error !~ /^VF/;
		return undef if $want_error || $case->{crash};
		return "$error: $message";
	}
	return judge_run($case, $result, $after)
	  if ($op eq 'upgrade' || $op eq 'downgrade') && (!$want_error || $case->{crash});
	return undef if $case->{crash};
	return 'no error; Alembic: ' . ($expect->{error} // 'none') if $want_error;
	return judge_set('applied',
		maximal(below($case),
			{ map { $_->{revision} => 1 } grep { $_->{applied} } @{ $after->{rows} } }),
		maximal(below($case), closure(below($case), @{ $expect->{heads} })))
	  if $op eq 'stamp';
	return judge_new($case, $after) if $op eq 'revision';
	return judge_history($case, $result) if $op eq 'history';
	return judge_graph($case, $after, $heads)
	  if $op eq 'heads' || $op eq 'bases' || $op eq 'validate';
	return judge_set('branches', column($result, 'revision'), [ keys %{ $expect->{branches} } ])
	  if $op eq 'branches';
	return undef if $op eq 'check_heads';
	my $found = column($result, 'revision');
	if ($op eq 'resolve_one' && @{ $expect->{revs} })
	{
		$found = [ $result->{rows}[0]{script} =~ /^-- viflo revision: (.*)$/m ];
	}
	return judge_set('revisions', $found, $expect->{revs});
}

foreach my $case (@cases)
{
	my $id = $case->{id};
	my $what = $case->{op} . ($case->{sql} ? ' --sql ' : ' ') . $json->encode([ $case->{target} ]);
	my $results = $answer{$id};
	my $fault = $results ? judge($case, @$results, $answer{"$id/heads"}[0]) : 'no answer';

	# viflo_upgrade() takes one target.
	next if $case->{op} eq 'upgrade' && ref $case->{target};
	$what .= " ($deviation{$id}[1])" if $deviation{$id};
	ok(!defined $fault, "$id $what") or diag($fault);
}

# An answer to a question that was never asked would pass for nothing.
cmp_ok(scalar @cases, '>', 500, 'there were cases');

$node->stop;
done_testing();
