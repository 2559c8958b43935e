#!/usr/bin/env bats
# A held thread in the hands of gdb and lldb, in terminals: what they say is what tracehooks says.

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
	for debugger in gdb lldb; do
		command -v $debugger >/dev/null || skip "no $debugger"
	done
}

@test "hold, debug: gdb and lldb begin at the held place, continue, and leave the process running" {
	tests/e2e/hold_debug gdb lldb
}

@test "hold, debug: the same, held by int3" {
	tests/e2e/hold_debug -m int3 gdb lldb
}
