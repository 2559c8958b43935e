#!/usr/bin/env bats
# What the documentation shows of a terminal.

@test "the terminal captures of the README are what a terminal shows" {
	cd "$BATS_TEST_DIRNAME/../.."
	run tests/e2e/captures --check
	echo "$output"
	[ "$status" -eq 0 ]
}
