#!/usr/bin/env bats
# What info and dmesg say of dumps that tell little: no kernel, one that does not fit, one without a log.

bats_require_minimum_version 1.5.0

setup() {
	set -o pipefail # jq -e is content with no input at all
	cd "$BATS_TEST_DIRNAME/../.."
	O=$(cd "${O:-build}" && pwd)
	PATH=$O:$PATH
	SCRATCH=$(mktemp -d)
}

teardown() { rm -rf "$SCRATCH"; }

# dump LINE...: an x86_64 dump whose VMCOREINFO has these lines.
dump() {
	{
		printf '%s\n' "format: ${FORMAT:-kdump}" 'cpus: 2' 'ram: 0..0x100000' 'page: 0x1000 text'
		[ $# -eq 0 ] || printf 'vmcoreinfo: %s\n' "$@"
	} | tests/gen/gendump - -o "$SCRATCH/dump"
}

info() { dumptool info --json "$SCRATCH/dump"; }

@test "no kernel: what the file has" {
	dump
	info | jq -e '.format == "kdump" and .arch == "x86_64" and .cpus == 2 and .vmcoreinfo == false
		and .memory_size == 1048576 and (has("banner") or has("osrelease") or has("kernel_missing") | not)'
	run dumptool dmesg "$SCRATCH/dump"
	[ "$status" -eq 1 ]
	[ "$output" = "dumptool: $SCRATCH/dump: no vmcoreinfo" ]
}

@test "a VMCOREINFO that does not fit the memory still names the kernel that wrote it" {
	dump OSRELEASE=6.1.0-other 'SYMBOL(_stext)=ffffffff81000000' BUILD-ID=0123456789abcdef \
		KERNELOFFSET=1f000000 CRASHTIME=1795191957
	TZ=UTC info | jq -e '.osrelease == "6.1.0-other" and .build_id == "0123456789abcdef"
		and .kernel_offset == "0x1f000000" and .crash_time == "2026-11-20T16:25:57+00:00"
		and (.kernel_missing | test("does not fit this memory")) and (has("banner") | not)'
	run -0 dumptool info "$SCRATCH/dump"
	grep -qE '^Panicked: ' <<<"$output"
	run dumptool dmesg "$SCRATCH/dump"
	[ "$status" -eq 1 ]
	[[ $output = *'does not fit this memory'* ]]
}

@test "numbers that are none are not shown" {
	dump OSRELEASE=x KERNELOFFSET=zz CRASHTIME=-5
	info | jq -e '(has("kernel_offset") or has("crash_time")) | not'
	dump OSRELEASE=x KERNELOFFSET=fffffffffffffffff CRASHTIME=18446744073709551615
	info | jq -e 'has("kernel_offset") | not'
}

@test "what a guest says cannot drive the terminal" {
	dump $'OSRELEASE=6\033[31m' $'BUILD-ID=a\033]0;x\007'
	run -0 dumptool info "$SCRATCH/dump"
	[[ $output = *'6\x1b[31m'* ]]
	[[ $output != *$'\033'* ]]
}

@test "dmesg: what makes no sense together" {
	dump OSRELEASE=x
	for options in '--raw --decode' '--level' '--level x' '--level err,' '--time noon' '--tail -1' '--tail 9999999'; do
		run dumptool dmesg "$SCRATCH/dump" $options
		[ "$status" -eq 2 ] || { echo "$options: $output"; false; }
	done
	run env -u GUESTSCOPE_GUEST dumptool dmesg
	[ "$status" -eq 2 ]
}
