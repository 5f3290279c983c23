# Prints where a file strays from PGXN's Meta Spec 1.0.0 (META.json); nothing,
# and exit status 0, where it does not.
#
#   perl test/lint/pgxn_meta.pl META.json
#
# Each rule below is the spec's; files that it names have to be in the tree, as
# PGXN looks them up in the archive.

use strict;
use warnings;

use JSON::PP;

my %licences = map { $_ => 1 } qw(agpl_3 apache_1_1 apache_2_0 artistic_1
	artistic_2 bsd freebsd gfdl_1_2 gfdl_1_3 gpl_1 gpl_2 gpl_3 lgpl_2_1 lgpl_3_0
	mit mozilla_1_0 mozilla_1_1 openssl perl_5 postgresql qpl_1_0 ssleay sun zlib
	open_source restricted unrestricted unknown);
my @found;

sub found
{
	push @found, join(' ', @_);
}

sub text
{
	my ($where, $value) = @_;

	found($where, 'is no text')
	  unless defined $value && !ref $value && $value =~ /\S/;
}

# A name of a distribution, extension or tag.
sub term
{
	my ($where, $value) = @_;

	found($where, 'is no term')
	  unless defined $value && !ref $value && $value =~ m{^[^[:cntrl:]/\\]{2,255}$};
}

sub version
{
	my ($where, $value) = @_;

	found($where, 'is no version of three numbers')
	  unless defined $value
	  && $value =~ /^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)(-?[A-Za-z][0-9A-Za-z-]*)?$/;
}

# 0, a version, or several with comparisons, as of prerequisites.
sub version_range
{
	my ($where, $value) = @_;

	return if $value eq '0';
	version($where, $_) foreach map { s/^\s*(?:[<>]=?|[!=]=)\s*//r } split /\s*,\s*/, $value;
}

sub known
{
	my ($where, $map, @keys) = @_;
	my %known = map { $_ => 1 } @keys;

	if (ref $map ne 'HASH')
	{
		found($where, 'is no map');
		return {};
	}
	$known{$_} || /^x_/i || found($where, 'cannot have', $_) foreach sort keys %$map;
	return $map;
}

sub tree_file
{
	my ($where, $value) = @_;

	found($where, 'is not in the tree') unless defined $value && -f $value;
}

my ($file) = @ARGV;
open my $in, '<:raw', $file or die "$file: $!\n";
my $meta = known('the file', decode_json(do { local $/; <$in> }),
	qw(abstract description generated_by license maintainer meta-spec name
	  no_index prereqs provides release_status resources tags version));

text($_, $meta->{$_}) foreach 'abstract', grep { exists $meta->{$_} } qw(description generated_by);
term('name', $meta->{name});
version('version', $meta->{version});
text('maintainer', $_)
  foreach ref $meta->{maintainer} eq 'ARRAY' && @{ $meta->{maintainer} }
  ? @{ $meta->{maintainer} }
  : $meta->{maintainer};

my $licence = $meta->{license};
if (ref $licence eq 'HASH')
{
	$licence->{$_} =~ m{^https?://} || found('license', $_, 'has no URL') foreach keys %$licence;
}
else
{
	$licences{ $_ // '' } || found('license is not one that PGXN knows')
	  foreach ref $licence eq 'ARRAY' ? @$licence : $licence;
}

my $provides = known('provides', $meta->{provides}, keys %{ $meta->{provides} // {} });
found('provides is empty') unless %$provides;
foreach my $name (sort keys %$provides)
{
	my $one = known("provides.$name", $provides->{$name}, qw(abstract docfile file version));

	term("provides.$name", $name);
	version("provides.$name.version", $one->{version});
	tree_file("provides.$name.file", $one->{file});
	tree_file("provides.$name.docfile", $one->{docfile}) if exists $one->{docfile};
}

my $prereqs = known('prereqs', $meta->{prereqs} // {}, qw(configure build test runtime develop));
foreach my $phase (sort keys %$prereqs)
{
	my $kinds = known("prereqs.$phase", $prereqs->{$phase}, qw(requires recommends suggests conflicts));

	foreach my $kind (sort keys %$kinds)
	{
		version_range("prereqs.$phase.$kind.$_", $kinds->{$kind}{$_}) foreach sort keys %{ $kinds->{$kind} };
	}
}

my $spec = known('meta-spec', $meta->{'meta-spec'}, qw(version url));
found('meta-spec is not of version 1.0') unless ($spec->{version} // '') =~ /^1\.0\.\d+$/;
found('release_status is unknown')
  unless ($meta->{release_status} // 'stable') =~ /^(stable|testing|unstable)$/;
my $tags = $meta->{tags} // ['none'];
ref $tags eq 'ARRAY' && @$tags or found('tags is no list');
term("tag \"$_\"", $_) foreach ref $tags eq 'ARRAY' ? @$tags : ();
known('resources', $meta->{resources} // {}, qw(homepage bugtracker repository));

print "$file: $_\n" foreach @found;
exit(@found ? 1 : 0);
