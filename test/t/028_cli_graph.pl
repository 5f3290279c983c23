# viflo graph without a server: the drawing is followed line by line, and must
# give back the graph; dot, Mermaid, SVG, JSON.  And completion.

use strict;
use warnings;

use FindBin;
use lib $FindBin::RealBin;
use cli_helper;
use IPC::Run ();
use Test::More;
use Time::HiRes qw(time);

my $program = $ENV{VIFLO} // "$FindBin::RealBin/../../src/cli/viflo";

sub revision
{
	my ($id, $parents, %more) = @_;

	return "-- viflo revision: $id\n-- revises: " . join(', ', @$parents) . "\n"
	  . ($more{depends} ? "-- depends on: $more{depends}\n" : '')
	  . ($more{labels} ? "-- labels: $more{labels}\n" : '')
	  . '-- message: ' . ($more{message} // '') . "\n\n-- viflo up\n";
}

sub folder_of_graph
{
	my ($graph) = @_;
	return folder_of(map { ("$_.sql" => revision($_, $graph->{$_})) } keys %$graph);
}

# Without a database anywhere near
sub graph
{
	my ($dir, @args) = @_;
	return viflo({ env => { PGHOST => '/nonexistent-viflo' } }, '--dir', $dir, 'graph', @args);
}

my @rows;

sub at
{
	my ($row, $x) = @_;
	return $x < 0 || $row >= @rows || $x >= length $rows[$row] ? ' ' : substr($rows[$row], $x, 1);
}

# Nodes that a line leads to which leaves row at x downwards.
sub follow
{
	my ($row, $x) = @_;
	my $here = at($row, $x);
	my $below = $row + 1;

	if ($here eq '/')
	{
		# On to the left below lanes, or into the lane there.
		my $left = $x;
		$left -= 2 while at($row, $left - 2) eq '_';
		return goes_on($below, $left - 2) if at($below, $left - 2) eq '/' && at($below, $left - 1) eq '|';
		return goes_on($below, $x - 1, 1);
	}
	return goes_on($below, $x + 1, 1) if $here eq '\\';
	my @ends;
	push @ends, goes_on($below, $x) if at($below, $x) =~ /[|o]/;
	push @ends, goes_on($below, $x + 1) if at($below, $x + 1) eq '\\';
	push @ends, goes_on($below, $x - 1) if !@ends && at($below, $x - 1) eq '/';
	return @ends;
}

# What is at that place, or, for the end of a slant, what it turns into.
sub goes_on
{
	my ($row, $x, $slant) = @_;
	my $here = at($row, $x);

	return $row . ',' . $x if $here eq 'o';
	return follow($row, $x) if $here ne ' ' && $here ne '_';
	return unless $slant;
	return follow($row, $x + 1) if at($row, $x + 1) eq '\\';
	return follow($row, $x - 1) if at($row, $x - 1) eq '/';
	return;
}

# The graph that a drawing shows: id => sorted parents.
sub read_drawing
{
	my ($text) = @_;
	my (%node, %graph);

	@rows = ();
	for my $line (split /\n/, $text)
	{
		my ($lanes, $id) = $line =~ /^([\s|\/\\_o]*?)(?:  (n\d+).*)?$/ or die "cannot read $line";

		$node{ scalar(@rows) . ',' . index($lanes, 'o') } = $id if $id;
		push @rows, $lanes;
	}
	for my $place (keys %node)
	{
		my %parents = map { $node{$_} => 1 } follow(split /,/, $place);
		$graph{ $node{$place} } = [ sort keys %parents ];
	}
	return (\%graph, [ map { $node{$_} } sort { ($a =~ /(\d+)/)[0] <=> ($b =~ /(\d+)/)[0] } keys %node ]);
}

# Does the drawing of a graph show that graph, newest first?
sub draws
{
	my ($name, $graph) = @_;
	my ($status, $out, $err) = graph(folder_of_graph($graph));
	my ($drawn, $order) = eval { read_drawing($out) };
	my %sorted = map { $_ => [ sort @{ $graph->{$_} } ] } keys %$graph;
	my (%seen, $wrong);

	for my $id (@{ $order // [] })
	{
		$seen{$id} = 1;
		$wrong //= "$id stands below a parent" if grep { $seen{$_} } @{ $graph->{$id} };
	}
	return if is_deeply($drawn, \%sorted, $name) && !defined $wrong && $status == 0;
	diag("status $status\n$out$err", $@ // '', $wrong // '');
	fail($wrong) if defined $wrong;
	return;
}

# Pictures
is((graph(folder_of_graph({ n1 => [], n2 => ['n1'], n3 => ['n2'] })))[1], <<'END', 'a line');
o  n3  (head)
o  n2
o  n1
END
is((graph(folder_of_graph({ n1 => [], n2 => ['n1'], n3 => ['n1'], n4 => [ 'n2', 'n3' ] })))[1], <<'END', 'a branch and a merge');
o  n4  (head)
|\
| o  n3
o |  n2
|/
o  n1
END
is((graph(folder_of_graph({ n1 => [], n2 => [], n3 => ['n1'] })))[1], <<'END', 'two that have nothing to do with each other');
o  n3  (head)
o  n1

o  n2  (head)
END
draws('nothing', {});
draws('an octopus', { n1 => [], (map { ("n$_" => ['n1']) } 2 .. 6), n7 => [ map { "n$_" } 2 .. 6 ] });
draws('lines that cross', {
	n1 => [], n2 => ['n1'], n3 => ['n1'], n4 => ['n1'], n5 => [ 'n2', 'n4' ], n6 => [ 'n3', 'n2' ], n7 => [ 'n4', 'n3', 'n2' ] });
draws('many bases', { map { ("n$_" => []) } 1 .. 5 });

# Whatever comes: parents among the last ones, so that lines overlap.
my $seed = $ENV{VIFLO_SEED} // time;
srand($seed);
note("seed $seed");
for my $try (1 .. 25)
{
	my $size = 2 + int(rand(30));
	my $reach = 2 + int(rand(8));
	my %graph;

	for my $i (1 .. $size)
	{
		my @near = map { "n$_" } grep { $_ > 0 } $i - $reach .. $i - 1;
		my $wanted = rand() < 0.1 ? 0 : rand() < 0.6 ? 1 : 1 + int(rand(4));
		my %parents;

		$parents{ $near[ rand @near ] } = 1 for @near ? 1 .. $wanted : ();
		$graph{"n$i"} = [ sort { rand() <=> 0.5 } keys %parents ];
	}
	draws("graph $try of seed $seed", \%graph);
}

# What is said beside it
my %files = (
	'1.sql' => revision('base1', [], labels => 'shop', message => 'one'),
	'2.sql' => revision('two', ['base1'], message => "<b>\"two\" & 'co' | \\n [x] {y} #1; %s</b>\xef\xbf\xbf"),
	'3.sql' => revision('other', [], depends => 'two', message => 'apart'),
	'4.sql' => revision('lost', ['nowhere'], message => "Zo\xc3\xab " . ('long ' x 30)));
my $dir = folder_of(%files);
my ($status, $out, $err) = graph($dir);
like($out, qr/^o  base1  one  \(shop\)$/m, 'labels');
like($out, qr/^o  other  apart  \(head, needs two\)$/m, 'dependencies');
like($out, qr/^o  nowhere  \(not there\)$/m, 'what is not there');
cmp_ok(index($out, 'other'), '<', index($out, 'two  '), 'a dependency stands below');
is($err, '', 'that no database answers is not worth a word');
($status, $out, $err) = viflo({ env => { DATABASE_URL => 'host=/nonexistent-viflo' } }, '--dir', $dir, 'graph');
is($status, 0, 'one that is named by the environment');
like($err, qr/warning: cannot connect, so nothing is marked/, 'is worth a warning');
fails_with(['--url', 'host=/nonexistent-viflo', '--dir', $dir, 'graph'], 4, qr/error/, 'one that was asked for is needed');
is_viflo([{ env => { DATABASE_URL => 'postgresql://h:port/' } }, '--dir', $dir, 'graph'], 0, qr/base1/, qr/warning: cannot connect/,
	'an URL that is none');
is_viflo([{ env => { DATABASE_URL => 'mysql://h/d' } }, '--dir', $dir, 'graph'], 0, qr/base1/, qr/warning: cannot connect.*"mysql"/,
	"one of another program's");
fails_with(['--url', 'host=/nonexistent-viflo', 'graph'], 4, qr/error/, 'and where there is no folder');
fails_with(['--dir', $dir, 'graph', '--format', 'png'], 2, qr/unknown format "png"/, 'a format that is not known');
fails_with(['--dir', $dir, 'heads', '--format', 'svg'], 2, qr/unknown format "svg"/, 'one that only graph has');
(undef, my $document) = viflo_json({ env => { PGHOST => '/nonexistent-viflo' } }, '--dir', $dir, 'graph');
my %node = map { $_->{revision} => $_ } @$document;
is_deeply($node{two}{down_revision}, ['base1'], 'JSON: parents');
is_deeply($node{other}{depends_on}, ['two'], 'JSON: dependencies');
is($node{two}{applied}, undef, 'JSON: not known without a database');
ok($node{two}{in_folder} && !$node{nowhere}{in_folder}, 'JSON: what the folder has');

# dot
($status, my $dot) = graph($dir, '--format', 'dot');
is($status, 0, 'dot');
SKIP:
{
	skip 'no Graphviz', 3 unless eval { IPC::Run::run([ 'dot', '-V' ], '>&', \my $version) };
	my ($plain, $trouble) = ('', '');

	ok(IPC::Run::run([ 'dot', '-Tplain' ], '<', \$dot, '>', \$plain, '2>', \$trouble), 'dot reads it') or diag($trouble);
	is(scalar(my @nodes = $plain =~ /^node /mg), 5, 'all nodes are there');
	is(scalar(my @edges = $plain =~ /^edge /mg), 3, 'all edges are there');
}

# Mermaid: ids are ours, and a label has no character that means anything.
($status, my $mermaid) = graph($dir, '--format', 'mermaid');
is((split /\n/, $mermaid)[0], 'flowchart TB', 'Mermaid');
is(join("\n", grep { !/^(flowchart TB|    r\d+\["[^"\[\]{}<>|;\\]*"\]:::(applied|current|pending)|    r\d+ (-->|-\.->) r\d+|    classDef \w+ [-\w#:,]+)$/ }
	split /\n/, $mermaid =~ s/#\d+;//gr), '', 'each line is one of its grammar');
is(scalar(my @links = $mermaid =~ /r\d+ -->|-\.->/g), 3, 'with all links');

# SVG
($status, my $svg) = graph($dir, '--format', 'svg');
is($status, 0, 'SVG');
unlike($svg, qr/(href|src|url\(|<script|<image)/, 'needs nothing else');
is(scalar(my @circles = $svg =~ /<circle /g), 5, 'SVG: all nodes');
is(scalar(my @paths = $svg =~ /<path /g), 2, 'SVG: a line to each parent');
like($svg, qr/&lt;b&gt;&quot;two&quot; &amp; 'co'/, 'SVG: escaped');
SKIP:
{
	skip 'no xmllint or rsvg-convert', 1
	  unless grep { my $tool = $_; grep { -x "$_/$tool" } split /:/, $ENV{PATH} } 'xmllint', 'rsvg-convert';
	my @command = (grep { -x "$_/xmllint" } split /:/, $ENV{PATH}) ? ('xmllint', '--noout', '-') : ('rsvg-convert', '-o', '/dev/null');
	my $trouble;
	ok(IPC::Run::run(\@command, '<', \$svg, '2>', \$trouble), 'SVG: well-formed') or diag($trouble);
}

# Long histories: the time is not the point, that it does not grow with the square is.
my %long = map {
	my $i = $_;
	("n$i" => $i == 1 ? [] : $i % 10 == 0 ? [ 'n' . ($i - 1), 'n' . ($i - 5) ] : $i % 10 == 5 ? [ 'n' . ($i - 3) ] : [ 'n' . ($i - 1) ])
} 1 .. 10000;
$dir = folder_of_graph(\%long);
my $started = time;
($status, $out) = graph($dir);
cmp_ok(time - $started, '<', 10, '10,000 revisions are drawn at once');
is(scalar(my @drawn = $out =~ /^[ |\/\\_]*o/mg), 10000, 'all of them');

# Completion
$dir = folder_of('viflo.conf' => "[staging]\nurl = a\n[production]\nurl = b\n",
	'migrations/1.sql' => revision('abc1', [], labels => 'shop'), 'migrations/2.sql' => revision('abd2', ['abc1']));

# What TAB offers after these words.
sub offered
{
	my ($code, $answers, $trouble) = viflo({ in => $dir }, 'complete', '--', @_);

	is("$code$trouble", '0', "complete @_");
	return join(' ', sort split /\n/, $answers);
}
my ($list) = (viflo('help'))[1] =~ /^Commands:\n(.*?)\n\n/ms;
my @commands = $list =~ /^  ([a-z]+)/mg;
is(offered(''), join(' ', sort @commands), 'all commands, and none that is hidden');
is(offered('up'), 'upgrade', 'those that begin so');
is(offered('-d', ''), 'production staging', 'databases of viflo.conf');
is(offered('--database=st'), 'staging', 'also behind an equals sign');
like(offered('--layout', ''), qr/\bdiesel\b.*\bgolang-migrate\b.*\bnative\b/, 'layouts');
is(offered('graph', '--format', ''), 'dot human json mermaid svg', 'formats of graph');
is(offered('heads', '--format', ''), 'human json', 'formats of the rest');
is(offered('upgrade', ''), 'abc1 abd2 base head heads shop', 'targets');
is(offered('upgrade', 'ab'), 'abc1 abd2', 'ids');
is(offered('upgrade', '--late', ''), 'apply list refuse', 'words of an option');
is(offered('upgrade', 'head', ''), '', 'no more than it takes');
is(offered('stamp', 'head', 'ab'), 'abc1 abd2', 'as many as it takes');
is(offered('-d', 'staging', 'revision', '--head', 'abd'), 'abd2', 'the value of an option');
is(offered('help', 'down'), 'downgrade', 'commands of help');
is(offered('completion', ''), 'bash fish zsh', 'shells');
is(offered('upgrade', '--dir', 'nowhere', 'ab'), '', 'no folder, no ids');
is(offered('-d', 'nothing', 'upgr'), 'upgrade', 'a database that is not there yet');
put("$dir/viflo.conf", "nonsense\n");
is(offered('-d', ''), '', 'no databases where viflo.conf cannot be read');
is((viflo({ in => $dir }, 'help', 'status'))[0], 0, 'which does not keep help from helping');
unlink("$dir/viflo.conf");
like(offered('stamp', '--'), qr/--dir .*--purge/, 'options, its own among them');
unlike(offered('heads', '--'), qr/--purge/, 'but not those of others');
for my $command (@commands)
{
	my $help = (viflo('help', $command))[1];
	my %there = map { $_ => 1 } split / /, offered($command, '--');

	is(join(' ', grep { !$there{$_} } $help =~ /^  (?:-\w, )?(--[a-z-]+)/mg), '', "all options of $command are offered");
}
fails_with(['completion', 'tcsh'], 2, qr/unknown shell "tcsh"\nHINT:  .*bash/, 'a shell that is not known');

# In the shells themselves
my $bin = folder_of();
symlink($program, "$bin/viflo") or die;
my %shells = (
	bash => q(eval "$(viflo completion bash)"; COMP_WORDS=(viflo upgrade ab) COMP_CWORD=2; _viflo; echo "${COMPREPLY[*]}";
		COMP_WORDS=(viflo --layout = gol) COMP_CWORD=3; _viflo; echo "${COMPREPLY[*]}"),
	zsh => q(compdef() { :; }; source <(viflo completion zsh); compadd() { print -r -- ${(P)2}; }; compset() { :; };
		words=(viflo upgrade ab) CURRENT=3 PREFIX=ab; _viflo; words=(viflo --layout=gol) CURRENT=2 PREFIX=--layout=gol; _viflo),
	fish => q(viflo completion fish | source; complete -C 'viflo upgrade ab' | string join ' ';
		complete -C 'viflo --layout=gol' | string replace -- '--layout=' ''));
for my $shell (sort keys %shells)
{
	SKIP:
	{
		skip "no $shell", 1 unless grep { -x "$_/$shell" } split /:/, $ENV{PATH};
		local $ENV{PATH} = "$bin:$ENV{PATH}";
		my @flags = $shell eq 'zsh' ? ('-f') : $shell eq 'fish' ? ('--no-config') : ('--norc');
		in_folder($dir, sub { IPC::Run::run([ $shell, @flags, '-c', $shells{$shell} ], '<', \undef, '>', \$out, '2>', \$err); });
		is($out, "abc1 abd2\ngolang-migrate\n", "completion in $shell") or diag($err);
	}
}

done_testing();
