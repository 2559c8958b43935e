#!/usr/bin/env bats
# What `qmpctl exec` refuses to send is what QEMU would not have understood, and nothing else: many calls,
# right and wrong, made by the schema, with the release's QEMU and with the newer one of the backports.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
}

agrees() { # QEMU SEED...
	for seed in "${@:2}"; do
		run -0 tests/e2e/calls "$1" "$seed" 600
		[[ ${lines[-1]} =~ ^'600 calls, '([0-9]+)' not understood, 0 differences'$ ]]
		[ "${BASH_REMATCH[1]}" -gt 60 ]
	done
}

@test "the release's QEMU" {
	agrees qemu-system-x86_64 1 2 3
}

@test "the newer QEMU" {
	newer=$(tests/guest/qemu10) || skip "not here"
	agrees "$newer" 1 2 3
}
