#!/usr/bin/env bats
# A hold's processes are killed while a busy target is armed.
#
#	KILLED='-n 200' bats tests/cli/tracehooks_killed.bats    so often; -n 200 -m int3

bats_require_minimum_version 1.5.0

@test "hold: keeper, front end or guardian are killed: the target runs on, unchanged" {
	cd "$BATS_TEST_DIRNAME"
	O=$(cd ../.. && cd "${O:-build}" && pwd)
	gcc -O1 -g -o "$BATS_TEST_TMPDIR/killed" tracehooks_killed.c -pthread
	# shellcheck disable=SC2086
	./tracehooks_killed ${KILLED:--n 15 -j 3} "$O/tracehooks" "$BATS_TEST_TMPDIR/killed"
}
