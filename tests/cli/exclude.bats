#!/usr/bin/env bats
# What dumps leave out, as options: what is refused, with which words.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	F=$BATS_TEST_TMPDIR/out
	head -c 1M /dev/zero >"$BATS_TEST_TMPDIR/raw"
}

convert() { # STATUS ARGUMENT...
	run --separate-stderr -"$1" dumptool convert "$BATS_TEST_TMPDIR/raw" --raw-base 0 -o "$F" "${@:2}"
}

level_of() { dumptool info --json "$F" | jq .dump_level; }

@test "zero pages need no kernel" {
	convert 0 -d 1
	[ "$(level_of)" -eq 1 ]
	rm "$F"
	convert 0 --exclude zero
	[ "$(level_of)" -eq 1 ]
	rm "$F"
	convert 0 -d 0
	[ "$(level_of)" = null ] || [ "$(level_of)" -eq 0 ]
}

@test "all else does, and the message says what to do" {
	convert 1 -d 16
	[[ $stderr = *"filtering needs the guest kernel's VMCOREINFO"*'--vmcoreinfo FILE'* ]]
	[ ! -e "$F" ]
	convert 1 --exclude user
	[[ $stderr = *'--vmcoreinfo FILE'* ]]
}

@test "levels and names that are none" {
	convert 2 -d 32
	[[ $stderr = *'--dump-level: 32 is not in 0 to 31'* ]]
	convert 2 -d x
	convert 2 --exclude zero,slab
	[[ $stderr = *"'slab' is no class of pages: zero, cache, private, user or free"* ]]
	convert 2 --exclude ''
	convert 2 -d 31 --exclude free
	[[ $stderr = *'--dump-level and --exclude exclude each other'* ]]
	[ ! -e "$F" ]
}
