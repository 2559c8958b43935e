#!/usr/bin/env bats
# QEMU's own files of a guest at a random address, with video memory between its RAM below and above
# 4 GiB, repaired: what foreign readers make of them then, and of one that was killed half-way.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	GUEST_MEM=3G launch_guest repair -- -machine q35 -vga std
	qmpctl pause -g repair
	dumptool dump -q -g repair -f kdump-lzo -o "$SCRATCH/ours"
	qmpctl exec -g repair dump-guest-memory paging:=false "protocol=file:$SCRATCH/flat" format=kdump-zlib
	qmpctl quit -g repair
	GUEST_MEM=256M launch_guest repair
	qmpctl pause -g repair
	qmpctl exec -g repair dump-guest-memory paging:=false "protocol=file:$SCRATCH/elf"
	dumptool dump -q -g repair -f elf -o "$SCRATCH/our-elf"
	qmpctl quit -g repair
	cd "$SCRATCH"
	chmod 600 flat elf
	makedumpfile -R plain <flat >/dev/null
	cp plain repaired
	cp plain lacking
	cp elf repaired-elf
	hide_vmcoreinfo lacking
	for file in repaired lacking repaired-elf; do
		dumptool repair --in-place $file >$file.said
	done
	cd "$BATS_TEST_DIRNAME/../.."
	printf "$SCRATCH/%s\n" "lacking crash" "lacking drgn" "lacking libkdumpfile" \
		"repaired-elf crash" "repaired-elf drgn" "repaired-elf gdb" | read_all
	for file in ours repaired lacking our-elf repaired-elf; do
		makedumpfile -l -d 31 "$SCRATCH/$file" "$SCRATCH/$file.d31" </dev/null >"$SCRATCH/log" 2>&1
	done
}

# The note's name, and the sub header's fields, so that nothing leads to it.
hide_vmcoreinfo() { # KDUMP-FILE
	local off
	off=$(od -A n -t d8 -j $((4096 + 32)) -N 8 "$1" | tr -d ' ')
	printf 'X' | dd of="$1" bs=1 seek=$((off - 12)) conv=notrunc status=none
	head -c 16 /dev/zero | dd of="$1" bs=1 seek=$((4096 + 32)) conv=notrunc status=none
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end repair
}

setup() {
	set -o pipefail # jq -e is content with no input at all
	source "$BATS_TEST_DIRNAME/tools.bash"
	cd "$SCRATCH"
}

@test "kdump of QEMU without its VMCOREINFO, which is found: crash, drgn and libkdumpfile" {
	grep -q 'kdump-vmcoreinfo.*the notes lack a VMCOREINFO' lacking.said
	dumptool notes --vmcoreinfo lacking | diff - <(dumptool notes --vmcoreinfo repaired)
	for reader in crash drgn libkdumpfile; do opens $reader "$SCRATCH/lacking"; done
}

@test "kdump of QEMU: makedumpfile -d 31 makes of it what it makes of ours" {
	dumptool info --json plain | jq -e '[.ranges[] | .start, .end] | index("0xfd000000") and index("0x13fffffff")'
	dumptool info --json repaired | jq -e '[.ranges[].start] | index("0xfd000000") | not'
	cmp ours.d31 repaired.d31
	[ "$(sum_of lacking.d31)" = "$(sum_of ours.d31)" ]
	dumptool verify repaired --reference ours
}

@test "ELF of QEMU: crash, drgn and gdb" {
	for reader in crash drgn gdb; do opens $reader "$SCRATCH/repaired-elf"; done
}

@test "ELF of QEMU: makedumpfile -d 31 makes of it what it makes of ours" {
	cmp our-elf.d31 repaired-elf.d31
	dumptool verify repaired-elf --reference elf
}

@test "a repaired copy of the flattened file is the plain one, repaired" {
	dumptool repair flat -o copy >said
	cmp copy repaired
	[ "$(grep -c kdump-utsname said)" -eq 5 ]
	grep -q kdump-phys-base said
	grep -q kdump-ranges said
	rm copy
}

@test "in place a flattened file stays one" {
	cp flat flat.repaired
	dumptool repair --in-place flat.repaired
	[ "$(dumptool info --json flat.repaired | jq .flattened)" = true ]
	makedumpfile -R plain.repaired <flat.repaired >/dev/null
	cmp plain.repaired repaired
	rm flat.repaired plain.repaired
}

@test "nothing is left to repair, and nothing is to be repaired of ours" {
	for file in repaired repaired-elf ours our-elf; do
		dumptool repair --dry-run "$file" | grep -q 'nothing to repair'
	done
}

@test "kill -9 at any time: the next repair leaves a file that is repaired" {
	for i in {1..8}; do
		cp plain killed
		dumptool repair --in-place killed >/dev/null &
		sleep "0.0$((i * 7 % 10))$i"
		kill -9 $! 2>/dev/null || true
		wait $! 2>/dev/null || true
		dumptool repair --in-place killed >/dev/null
		cmp killed repaired
		[ ! -e killed.guestscope-journal ]
	done
	rm killed
}
