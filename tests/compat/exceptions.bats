#!/usr/bin/env bats
# The table of exceptions: what is expected to fail must fail, and be there at all.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/compat.XXXXXX")
	export EXCEPTIONS=$TMP/exceptions
	F=$TMP/sample.bats
	# bats would take a line that begins with the word for a test of this file.
	sed 's/^/@/' >"$F" <<-'END'
		test "good" { qemu-system-x86_64 --version; }
		test "bad" { qemu-system-x86_64 -M none -compat nonsense=reject; }
		test "not here" { skip "no time"; }
	END
}

teardown() { rm -rf "$TMP"; }

judged() { run tests/compat/run --release "$F"; echo "$output"; }
says() { grep -qxF "$1" <<<"$output"; }

@test "no exceptions: failures are failures" {
	: >"$EXCEPTIONS"
	judged
	says "ok - release: $F: good"
	says "not ok - release: $F: bad"
	says "ok - release: $F: not here # skip no time"
	says 'ok - release: QEMU was started 2 times under the policy'
}

@test "a failure that is expected; nothing that the other QEMU is excused for" {
	echo "both | $F | bad | nonsense" >"$EXCEPTIONS"
	judged
	says "ok - release: $F: bad (fails: nonsense)"
	run grep '^not ok' <<<"$output"
	[ -z "$output" ]
	echo "newer | $F | bad | nonsense" >"$EXCEPTIONS"
	judged
	says "not ok - release: $F: bad"
}

@test "an exception that passes, and one for a test that is not there, are failures" {
	printf '%s\n' "release | $F | good | once" "release | $F | gone | once" \
		"release | $F | not here | once" >"$EXCEPTIONS"
	judged
	says "not ok - release: $F: good: passes now, its row in $EXCEPTIONS is to go"
	says "not ok - release: $F: a row in $EXCEPTIONS names no test: gone"
	run grep 'names no test: not here' <<<"$output"
	[ -z "$output" ]
}

@test "every file that the real table names is there" {
	unset EXCEPTIONS
	while read -r file; do
		[ -e "$file" ] || [ -e "$file.c" ]
	done < <(sed -n 's/^[a-z]* | \(tests[^ ]*\) .*/\1/p' tests/compat/exceptions)
}

@test "a file in which nothing starts QEMU, and one that fails without a word" {
	: >"$EXCEPTIONS"
	echo '@test "good" { true; }' >"$F"
	judged
	says 'not ok - release: no QEMU was started under the policy'
	echo 'exit 3' >"$F"
	judged
	grep -q '^not ok' <<<"$output"
}
