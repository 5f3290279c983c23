#!/bin/bash
# What other readers of the code find: cppcheck and the clang analyzer on the
# C files, shellcheck on the scripts.

. "$(dirname "$0")/tap.inc"

server=$("$PG_CONFIG" --includedir-server)
client=$("$PG_CONFIG" --includedir)
internal=$("$PG_CONFIG" --pkgincludedir)/internal
include="-Isrc -Isrc/server -Isrc/client -Isrc/cli -I$server -I$client -I$internal"

cpp_check()
{
	cppcheck --quiet --error-exitcode=1 --inline-suppr --max-configs=1 \
		--enable=warning,portability --std=c11 -DFRONTEND -Isrc \
		--suppress=missingInclude --suppress=unknownMacro \
		--suppress=preprocessorErrorDirective \
		--suppress=nullPointerRedundantCheck \
		--suppress=ctunullpointer --suppress='*:*/postgresql/*' "$@"
}

# Function by function: across calls the analyzer takes ten times as long, and
# takes for uninitialized what a function fills only when it succeeds.
# Assertions tell it what cannot be.
analyze()
{
	local file=$1 flags=() output

	case $file in
		src/cli/* | src/client/*) flags=(-DFRONTEND -DVIFLO_VERSION='"0"') ;;
	esac
	output=$("$clang" --analyze -Xclang -analyzer-output=text \
		-Xclang -analyzer-config -Xclang ipa=none -D_GNU_SOURCE -DUSE_ASSERT_CHECKING=1 \
		${flags[@]+"${flags[@]}"} $include "$file" -o /dev/null 2>&1) || {
		printf '%s\n' "$output"
		return 1
	}
	printf '%s' "$output" | grep -A 30 -E 'warning:' && return 1
	return 0
}

if have cppcheck; then
	ok "cppcheck: src/common" cpp_check src/common
	ok "cppcheck: src/server" cpp_check src/server
	ok "cppcheck: src/client" cpp_check src/client
	ok "cppcheck: src/cli" cpp_check src/cli
else
	skip "cppcheck" "no cppcheck"
fi

for clang in clang $(compgen -c clang- | grep -xE 'clang-[0-9]+') ''; do
	! command -v "$clang" >/dev/null || break
done
for file in $(find src -name '*.c' | sort); do
	if [ -n "$clang" ]; then
		ok "clang analyzer: $file" analyze "$file"
	else
		skip "clang analyzer: $file" "no clang"
	fi
done

for file in tools/* test/run test/deb .ci/run docker/*.sh docker/initdb/*.sh test/lint/*.sh \
	test/house/*.sh $(find debian/tests -type f ! -name control); do
	if have shellcheck; then
		ok "shellcheck: $file" shellcheck -x -S warning -P SCRIPTDIR \
			-e SC1090,SC1091,SC2046,SC2154,SC2034,SC2164 "$file"
	else
		skip "shellcheck: $file" "no shellcheck"
	fi
done

done_testing
