#!/usr/bin/env bats
# The main job on a real Linux guest: every engine and format holds the same memory as QEMU's own ELF
# of the same paused guest, by a checksum that a script recomputes without the library.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	GUEST_FILL=random:64M launch_guest dumped
	qmpctl pause -g dumped
	qmpctl exec -g dumped dump-guest-memory paging:=false "protocol=file:$SCRATCH/qemu.elf"
	tests/guest/refsum.py "$SCRATCH/qemu.elf" >"$SCRATCH/reference"
	export REFERENCE=$(sed -n 's/^sum //p' "$SCRATCH/reference")
	export UNITS=$(sed -n 's/^units //p' "$SCRATCH/reference")
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests dumped
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
	F=$SCRATCH/out
	rm -f "$F"
}

dump_and_sum() { # ARGUMENT...
	dumptool dump -g dumped -o "$F" --ranges all "$@"
	run sum_of "$F"
	[ "$output" = "$REFERENCE $UNITS" ] || { echo "got $output, expected $REFERENCE $UNITS"; false; }
}

@test "QEMU's own ELF: verify agrees with the independent sum" {
	run sum_of "$SCRATCH/qemu.elf"
	[ "$output" = "$REFERENCE $UNITS" ]
}

@test "stream: elf" { dump_and_sum --engine stream --format elf; }
@test "direct: elf" { dump_and_sum --engine direct --format elf; }
@test "stream: kdump-raw" { dump_and_sum --engine stream --format kdump-raw; }
@test "direct: kdump-raw" { dump_and_sum --engine direct --format kdump-raw; }
@test "stream: kdump-zlib" { dump_and_sum --engine stream --format kdump-zlib; }
@test "direct: kdump-zlib" { dump_and_sum --engine direct --format kdump-zlib; }
@test "stream: kdump-lzo" { dump_and_sum --engine stream --format kdump-lzo; }
@test "direct: kdump-lzo" { dump_and_sum --engine direct --format kdump-lzo; }
@test "stream: kdump-snappy" { dump_and_sum --engine stream --format kdump-snappy; }
@test "direct: kdump-snappy" { dump_and_sum --engine direct --format kdump-snappy; }
@test "stream: kdump-zstd" { dump_and_sum --engine stream --format kdump-zstd; }
@test "direct: kdump-zstd" { dump_and_sum --engine direct --format kdump-zstd; }
@test "direct: kdump-zlib without a shared zero page" { dump_and_sum --engine direct --format kdump-zlib -d 0; }
@test "direct: kdump-zlib, zero pages dropped" { dump_and_sum --engine direct --format kdump-zlib --drop-zero; }
@test "stream: flattened" { dump_and_sum --engine stream --format kdump-zstd --flatten; }
@test "direct: flattened" { dump_and_sum --engine direct --format kdump-zstd --flatten; }
@test "qemu: elf" { dumptool dump -g dumped -o "$F" --engine qemu --format elf && [ "$(sum_of "$F")" = "$REFERENCE $UNITS" ]; }
@test "qemu: kdump-zlib" { dumptool dump -g dumped -o "$F" --engine qemu --format kdump-zlib && [ "$(sum_of "$F")" = "$REFERENCE $UNITS" ]; }

@test "the reference script agrees on our own ELF" {
	dumptool dump -g dumped -o "$F" --format elf
	[ "$(tests/guest/refsum.py "$F" | sed -n 's/^sum //p')" = "$REFERENCE" ]
}

@test "a stream to stdout is flattened and complete" {
	dumptool dump -g dumped -o - --format kdump-zlib --ranges all >"$F"
	[ "$(sum_of "$F")" = "$REFERENCE $UNITS" ]
}

@test "convert: every format to every other keeps the memory" {
	for from in elf kdump-raw kdump-lzo kdump-zstd; do
		dumptool convert "$SCRATCH/qemu.elf" -o "$F" --format $from --ranges all
		for to in elf kdump-zlib kdump-snappy; do
			rm -f "$F.2"
			dumptool convert "$F" -o "$F.2" --format $to --ranges all
			[ "$(sum_of "$F.2")" = "$REFERENCE $UNITS" ]
		done
		rm -f "$F" "$F.2"
	done
}

@test "convert reads a pipe" {
	dumptool dump -g dumped -o - --format kdump-zlib --ranges all | dumptool convert - -o "$F" --format elf
	[ "$(sum_of "$F")" = "$REFERENCE $UNITS" ]
}

@test "kdump files leave out what the kernel does not own, and say so" {
	run --separate-stderr dumptool dump -g dumped -o "$F" --format kdump-zlib
	[ "$status" -eq 0 ]
	[[ $stderr = *'left out'*'--ranges all'* ]]
	run dumptool info --json "$F"
	[ "$(jq '[.ranges[].size] | add' <<<"$output")" -lt $((513 << 20)) ]
}

@test "verify --reference finds no difference between formats" {
	dumptool dump -g dumped -o "$F" --format kdump-zlib --ranges all
	dumptool verify "$F" --reference "$SCRATCH/qemu.elf"
}

@test "the guest that was found paused is still paused" {
	[ "$(qmpctl status -g dumped --json | jq -r .state)" = paused ]
}

@test "info knows the kernel" {
	dumptool dump -g dumped -o "$F" --format kdump-zlib
	release=$(cat "$O/guest/kernel/release")
	run dumptool info --json "$F"
	[ "$status" -eq 0 ]
	jq -e --arg r "$release" '.. | strings | select(. == $r)' <<<"$output" >/dev/null
}

@test "an existing file is refused, and kept" {
	echo precious >"$F"
	run dumptool dump -g dumped -o "$F" --format elf
	[ "$status" -eq 2 ]
	[ "$(cat "$F")" = precious ]
}

@test "engine qemu refuses what this QEMU cannot write, before the guest is touched" {
	run dumptool dump -g dumped -o "$F" --engine qemu --format kdump-zstd
	[ "$status" -eq 1 ]
	[[ $output = *'kdump-zstd'*'engine stream'* ]]
	[ ! -e "$F" ]
}

@test "--dry-run estimates and writes nothing" {
	run --separate-stderr dumptool dump -g dumped --format kdump-zlib --dry-run --json -o "$F"
	[ "$status" -eq 0 ]
	[ "$(jq .memory_bytes <<<"$output")" -gt 100000000 ]
	[ ! -e "$F" ]
}

@test "capabilities lists engines and formats" {
	run dumptool capabilities -g dumped
	[ "$status" -eq 0 ]
	[[ $output = *stream*kdump-zstd* ]]
}
