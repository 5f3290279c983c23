#!/bin/bash
# What other readers of the code find: cppcheck and the clang analyzer on the
# C files, shellcheck on the scripts.

. "$(dirname "$0")/tap.inc"

server=$("$PG_CONFIG" --includedir-server)
client=$("$PG_CONFIG" --includedir)
include="-Isrc -Isrc/server -Isrc/client -Isrc/cli -I$server -I$client"

cpp_check()
{
	cppcheck --quiet --error-exitcode=1 --inline-suppr --max-configs=1 \
		--enable=warning,portability --std=c11 -DFRONTEND -Isrc \
		--suppress=missingInclude --suppress=unknownMacro \
		--suppress=nullPointerRedundantCheck \
		--suppress=ctunullpointer --suppress='*:*/postgresql/*' "$@"
}

analyze()
{
	local file=$1 flags=()

	case $file in
		src/cli/* | src/client/*) flags=(-DFRONTEND -DVIFLO_VERSION='"0"') ;;
	esac
	# Assertions tell the analyzer what cannot be.
	clang-tidy --quiet --warnings-as-errors='*' \
		--checks='-*,clang-analyzer-*,-clang-analyzer-security.insecureAPI.*,-clang-analyzer-optin.performance.*' \
		"$file" -- -D_GNU_SOURCE -DUSE_ASSERT_CHECKING=1 ${flags[@]+"${flags[@]}"} $include 2>/dev/null
}

if have cppcheck; then
	ok "cppcheck: src/common" cpp_check src/common
	ok "cppcheck: src/server" cpp_check src/server
	ok "cppcheck: src/client" cpp_check src/client
	ok "cppcheck: src/cli" cpp_check src/cli
else
	skip "cppcheck" "no cppcheck"
fi

# The analyzer takes seconds a file: all processors at once, then the results.
results=$(mktemp -d)
trap 'rm -rf "$results"' EXIT
if have clang-tidy; then
	export -f analyze
	export include results
	# shellcheck disable=SC2016
	find src -name '*.c' | xargs -P "$(nproc)" -I{} bash -c '
		analyze {} >"$results/$(echo {} | tr / _)" 2>&1 &&
			touch "$results/$(echo {} | tr / _).ok"'
fi

analyzed()
{
	cat "$results/${1//\//_}"
	[ -e "$results/${1//\//_}.ok" ]
}

for file in $(find src -name '*.c' | sort); do
	if have clang-tidy; then
		ok "clang analyzer: $file" analyzed "$file"
	else
		skip "clang analyzer: $file" "no clang-tidy"
	fi
done

for file in tools/* test/run .ci/run docker/*.sh docker/initdb/*.sh test/lint/*.sh test/house/*.sh; do
	if have shellcheck; then
		ok "shellcheck: $file" shellcheck -x -S warning -P SCRIPTDIR \
			-e SC1090,SC1091,SC2046,SC2154,SC2034,SC2164 "$file"
	else
		skip "shellcheck: $file" "no shellcheck"
	fi
done

done_testing
