#!/usr/bin/perl
# Turns graph_cases.jsonl into lines of "key TAB value" for test_graph_cases.c:
# a case begins with "case" and ends with "end"; a list is one line an item.
use strict;
use warnings;
use JSON::PP;

my $json = JSON::PP->new->utf8;

sub put { print join("\t", @_), "\n" }
sub each_of { my ($key, $value) = @_; put($key, $_) for ref $value ? @$value : $value }

while (my $line = <>)
{
	my $case = $json->decode($line);
	my $expect = $case->{expect};

	put('case', $case->{id}, $case->{op});
	for my $r (@{ $case->{revisions} })
	{
		put('rev', $r->{id});
		each_of('down', $r->{down});
		each_of('dep', $r->{depends_on});
		each_of('label', $r->{labels});
	}
	each_of('current', $case->{current});
	each_of('target', $case->{target}) if defined $case->{target};
	for my $flag (qw(sql purge splice crash))
	{
		put('flag', $flag) if $case->{$flag};
	}
	each_of('head', $case->{head}) if defined $case->{head};
	put('rev_id', $case->{rev_id}) if defined $case->{rev_id};
	each_of('depends', $case->{depends_on}) if defined $case->{depends_on};
	each_of('new_label', $case->{branch_label}) if defined $case->{branch_label};

	# What the database refused of a plan that was right.
	$expect = $case->{plan}
	  if $case->{ideal_heads};
	if (ref $expect eq 'ARRAY')
	{
		put('expect', 'steps');
		put($_->[0] eq 'up' ? 'up' : 'down_step', $_->[1]) for @$expect;
	}
	elsif (exists $expect->{error})
	{
		put('expect', 'error');
	}
	else
	{
		put('expect', 'ok');
		for my $key (grep { ref $expect->{$_} eq 'ARRAY' } sort keys %$expect)
		{
			put('list', $key);
			put('item', $_ // '') for @{ $expect->{$key} };
		}
		if (ref $expect->{branches} eq 'HASH')
		{
			put('list', 'branches');
			put('item', $_) for sort keys %{ $expect->{branches} };
		}
	}
	my $after = $case->{ideal_heads} // $case->{heads_after};
	if (defined $after)
	{
		put('list', 'after');
		each_of('item', $after);
	}
	put('end');
}
