#!/usr/bin/env bats
# A guest of aarch64 under memory pressure: its dumps in drgn, libkdumpfile and Debian's arm64
# makedumpfile, which runs under qemu-user; and levels 0 to 31 against that one.

bats_require_minimum_version 1.5.0

# make_disk FILE: an ext4 file system with something to read and room to write.
make_disk() {
	mkdir "$SCRATCH/files"
	head -c 20M /dev/urandom >"$SCRATCH/files/file"
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -O ^has_journal -d "$SCRATCH/files" "$1" 32M >/dev/null
}

# A makedumpfile that is found before the host's.
put_makedumpfile() { # FOLDER
	mkdir -p "$1"
	cat >"$1/makedumpfile" <<-EOF
		#!/bin/sh
		exec qemu-aarch64-static -L '$GUEST/tools' '$GUEST/tools/usr/bin/makedumpfile' "\$@"
	EOF
	chmod +x "$1/makedumpfile"
}

boot_guest() {
	KERNEL=$GUEST/kernel/vmlinuz INITRD=$GUEST/initramfs
	GUEST_FILL=pressure GUEST_APPEND=console=ttyAMA0 launch_guest arm --qemu qemu-system-aarch64 -- \
		-M virt -cpu cortex-a57 -drive "file=$SCRATCH/disk,if=virtio,format=raw,snapshot=on"
	qmpctl pause -g arm
}

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	GUEST=$(tests/guest/fetch --arch arm64 --debug)
	tests/guest/mkinitramfs --arch arm64 "$GUEST/initramfs"
	make_disk "$SCRATCH/disk"
	boot_guest
	D=$SCRATCH/files
	dumptool dump -q -g arm -f elf -o "$D/elf"
	dumptool dump -q -g arm --engine stream -f kdump-zlib -o "$D/kdump"
	qmpctl exec -g arm dump-guest-memory paging:=false "protocol=file:$D/qemu-elf"
	qmpctl exec -g arm dump-guest-memory paging:=false "protocol=file:$D/qemu-kdump" format=kdump-zlib
	put_makedumpfile "$SCRATCH/bin"
	PATH=$SCRATCH/bin:$PATH
	export D GUEST PATH
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end arm
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	source tests/e2e/guest.bash
}

said() { dumptool notes --vmcoreinfo "$D/elf" | sed -n "s/^$1=//p"; }

@test "info: the kernel's pages, whatever QEMU's blocks are" {
	[ "$(dumptool info --json "$D/kdump" | jq -c '[.arch, .page_size]')" = '["aarch64",4096]' ]
	[ "$(od -A n -t d4 -j 428 -N 4 "$D/kdump")" -eq 4096 ] # block_size
	[ "$(dumptool info --json "$D/kdump" | jq .phys_base)" -eq "$(($(said 'NUMBER(PHYS_OFFSET)')))" ]
	[ "$(dumptool info --json "$D/kdump" | jq -r '"\(.release) \(.machine)"')" = "$(said OSRELEASE) aarch64" ]
}

@test "both engines write the same memory, and verify finds no fault" {
	[ "$(sum_of "$D/elf")" = "$(sum_of "$D/kdump")" ]
	for file in elf kdump; do
		dumptool verify "$D/$file"
	done
}

@test "convert makes of QEMU's files what dump made of the guest" {
	for file in qemu-elf qemu-kdump; do # that one has blocks of 64 KiB
		dumptool convert -q "$D/$file" -o "$SCRATCH/converted"
		cmp "$SCRATCH/converted" "$D/kdump"
		rm "$SCRATCH/converted"
	done
}

@test "drgn reads physical and virtual memory, without debug information" {
	dumptool notes --vmcoreinfo "$D/elf" >"$SCRATCH/vmcoreinfo"
	for file in elf kdump; do
		tests/tools/peek.py "$D/$file" "$SCRATCH/vmcoreinfo" >"$SCRATCH/said"
		diff "$SCRATCH/said" <(printf '%s\n' AARCH64 "$(said OSRELEASE)" Linux Linux same)
	done
}

@test "drgn lists the tasks" {
	for file in elf kdump; do
		tests/tools/tasks.py "$D/$file" "$GUEST/kernel/vmlinux" | grep '^gs-' | sort >"$SCRATCH/tasks"
		diff "$SCRATCH/tasks" <(printf 'gs-%s\n' cache clock database mail webserver)
	done
}

@test "libkdumpfile reads the same memory, and at a virtual address" {
	for file in elf kdump; do
		kdumpsum "$D/$file" >"$SCRATCH/said"
		[ "$(sed -n 's/^sum //p' "$SCRATCH/said")" = "$(sum_of "$D/$file" | cut -d ' ' -f 1)" ]
		grep -qx 'arch aarch64' "$SCRATCH/said"
		grep -qx 'virtual Linux' "$SCRATCH/said"
	done
}

@test "makedumpfile --dump-dmesg: the log that dumptool dmesg shows" {
	makedumpfile --dump-dmesg "$D/elf" "$SCRATCH/theirs"
	dumptool dmesg "$D/kdump" | diff - "$SCRATCH/theirs"
	grep -q "Linux version $(said OSRELEASE)" "$SCRATCH/theirs"
}

@test "makedumpfile keeps the same pages at all levels" {
	seq 0 31 | xargs -P "$(nproc)" -I{} tests/tools/same_kept "$D/elf" {} "$SCRATCH" | sort -n |
		tee "$SCRATCH/levels"
	[ "$(grep -c ' same ' "$SCRATCH/levels")" -eq 32 ]
	[ "$(awk '$1 == 31 { print $3 }' "$SCRATCH/levels")" -lt 40000 ]
	[ "$(awk '{ print $3 }' "$SCRATCH/levels" | sort -u | wc -l)" -ge 12 ] # all classes are there
}

@test "makedumpfile -d 31 makes the same file of our ELF and kdump" {
	makedumpfile -l -d 31 "$D/elf" "$SCRATCH/of-elf"
	makedumpfile -l -d 31 "$D/kdump" "$SCRATCH/of-kdump"
	cmp "$SCRATCH/of-elf" "$SCRATCH/of-kdump"
	rm "$SCRATCH/of-elf" "$SCRATCH/of-kdump"
}

@test "dump -d 31 of the guest leaves out what convert does, and drgn lists the tasks of that" {
	dumptool dump -q -g arm -f kdump-lzo -d 31 -o "$SCRATCH/dumped"
	dumptool convert -q "$D/qemu-kdump" -f kdump-lzo -d 31 -o "$SCRATCH/converted"
	cmp "$SCRATCH/dumped" "$SCRATCH/converted"
	[ "$(tests/tools/tasks.py "$SCRATCH/dumped" "$GUEST/kernel/vmlinux" | grep -c '^gs-')" -eq 5 ]
}
