#!/bin/bash
# The control file says the version; everything else agrees with it.

. "$(dirname "$0")/tap.inc"

short=$(sed -n "s/^default_version *= *'\(.*\)'/\1/p" viflo_migrate.control)
full=$(tools/meta version)

meta_is_derived()
{
	tools/meta | diff -u META.json -
}

chain_leads_there()
{
	find sql -name "viflo_migrate--$short.sql" -o -name "viflo_migrate--*--$short.sql" |
		grep -q .
}

# Variables that people must set are in the template, explained above.
explained()
{
	grep -B1 -E "^$1=" .env.template | head -n 1 | grep -q '^#'
}

ok "META.json is what tools/meta prints" meta_is_derived
ok "META.json is JSON" perl -MJSON::PP -0777 -ne 'decode_json($_)' META.json
empty "META.json keeps to PGXN's spec" perl test/lint/pgxn_meta.pl META.json
ok "package.json is JSON" perl -MJSON::PP -0777 -ne 'decode_json($_)' package.json
ok "package.json has version $full" grep -q "\"version\": \"$full\"" package.json
ok "a script leads to version $short" chain_leads_there
ok "the licence is PostgreSQL's" grep -q '^PostgreSQL License$' LICENSE
for name in DATABASE_URL POSTGRES_USER POSTGRES_PASSWORD POSTGRES_DB; do
	ok ".env.template explains $name" explained "$name"
done

done_testing
