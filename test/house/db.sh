#!/bin/bash
# db-up, db-migrate, db-revision, db-reset and db-down on a local server, by
# make and by the scripts of package.json.

. "$(dirname "$0")/../lint/tap.inc"

port=$(perl -MIO::Socket::INET -e 'print IO::Socket::INET->new(
	LocalAddr => "127.0.0.1", Listen => 1)->sockport')
rm -rf .env .db migrations
sed "s/:5432/:$port/" .env.template >.env
url=postgresql://viflo:viflo@localhost:$port/viflo
# As on a machine where no Docker engine answers.
export DOCKER_HOST=unix:///nonexistent
trap 'make -s db-down >/dev/null 2>&1; rm -rf .env .db migrations' EXIT

is()
{
	[ "$(psql -XAtd "$url" -c "$1")" = "$2" ]
}

fails_with()
{
	local text=$1 output

	shift
	if output=$("$@" 2>&1); then
		echo "it succeeded"
		return 1
	fi
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

says()
{
	local text=$1 output

	shift
	output=$("$@" 2>&1) || {
		printf '%s\n' "$output"
		return 1
	}
	printf '%s\n' "$output"
	[[ $output == *"$text"* ]]
}

# By npm where there is one: it runs the scripts as pnpm does.
script()
{
	if have pnpm; then
		pnpm "$@"
	elif have npm; then
		npm run --silent "$1" -- "${@:2}"
	else
		make -s "${1/:/-}" "m=${2:-}"
	fi
}

ok "db-up says that there is no Docker and starts a server" \
	says "no Docker engine" make -s db-up
ok "the extension is there" is "SELECT count(*) FROM pg_extension WHERE extname = 'viflo_migrate'" 1
ok "db-up again is no mistake" make -s db-up
ok "db-migrate" make -s db-migrate
ok "the table projects is there" is "SELECT to_regclass('projects')" projects
ok "db-revision makes a file" make -s db-revision m="add 'users' \$1"
ok "with the message as typed" grep -rqF "message: add 'users' \$1" migrations
ok "db-revision without a message fails" fails_with 'm="add users"' make -s db-revision
ok "db:revision makes another" script db:revision "add roles"
ok "with its message" grep -rqF "message: add roles" migrations
ok "db:migrate runs them" script db:migrate
ok "both" is "SELECT count(*) FROM viflo_history(project => 'app') WHERE applied" 2
is_ok=$(psql -XAtd "$url" -c "INSERT INTO projects (name) VALUES ('gone')" 2>&1)
ok "db:reset" script db:reset
ok "the rows are gone and the table is there ($is_ok)" is "SELECT count(*) FROM projects" 0
ok "db-reset refuses another machine" fails_with "FORCE=1" \
	env DATABASE_URL=postgresql://u:p@db.example/x make -s db-reset
ok "db:down" script db:down
ok "nobody listens any more" fails_with "" psql -XAtd "$url" -c "SELECT 1"
ok "db:up brings the data back" script db:up
ok "they are there" is "SELECT to_regclass('projects')" projects
ok "db-down" make -s db-down

# A port that is taken.
perl -MIO::Socket::INET -e '$s = IO::Socket::INET->new(LocalAddr => "127.0.0.1",
	LocalPort => $ARGV[0], Listen => 1, ReuseAddr => 1) or die; sleep 60' "$port" &
holder=$!
sleep 1
ok "db-up names a port that is taken" fails_with "port $port is taken" make -s db-up
kill "$holder"

done_testing
