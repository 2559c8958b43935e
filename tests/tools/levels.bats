#!/usr/bin/env bats
# What -d leaves out is what makedumpfile leaves out, at every level: of a guest that has just
# booted, and of one whose memory is used for a bit of everything. There is no known difference.

bats_require_minimum_version 1.5.0

# make_disk FILE: an ext4 file system with something to read and room to write.
make_disk() {
	mkdir "$SCRATCH/files"
	head -c 20M /dev/urandom >"$SCRATCH/files/file"
	PATH=$PATH:/usr/sbin:/sbin mke2fs -q -t ext4 -O ^has_journal -d "$SCRATCH/files" "$1" 32M >/dev/null
}

# inflate MIB: takes that much from the guest, whose kernel has these pages offline then.
inflate() {
	local target=$(((512 - $1) << 20)) i
	qmpctl exec -g pressed balloon value:=$target >/dev/null
	for ((i = 0; i < 100; i++)); do
		[ "$(qmpctl exec -g pressed query-balloon | jq .actual)" -eq $target ] && return 0
		sleep 0.1
	done
	echo 'the balloon does not inflate'
	return 1
}

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	make_disk "$SCRATCH/disk"
	GUEST_MEM=256M launch_guest rested
	qmpctl pause -g rested
	dumptool dump -q -g rested -f elf --ranges system -o "$SCRATCH/rested.elf"
	GUEST_FILL=pressure GUEST_APPEND=hugetlb_free_vmemmap=on launch_guest pressed -- \
		-drive "file=$SCRATCH/disk,if=virtio,format=raw,snapshot=on" -device virtio-balloon-pci
	inflate 24
	qmpctl pause -g pressed
	dumptool dump -q -g pressed -f elf --ranges system -o "$SCRATCH/pressed.elf"
}

teardown_file() {
	[ -n "${SCRATCH-}" ] || return 0
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	source tests/e2e/guest.bash
	end_guests rested pressed giant
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	source tests/e2e/guest.bash
}

# all_levels NAME: a line per level, also in $SCRATCH/NAME.levels.
all_levels() {
	seq 0 31 | xargs -P "$(nproc)" -I{} tests/tools/same_kept "$SCRATCH/$1.elf" {} "$SCRATCH" | sort -n |
		tee "$SCRATCH/$1.levels"
	[ "$(grep -c ' same ' "$SCRATCH/$1.levels")" -eq 32 ]
}

# left_out LEVEL: how many pages of the pressed guest that level leaves out.
left_out() {
	awk -v l="$1" '$1 == 0 { all = $3 } $1 == l { kept = $3 } END { print all - kept }' \
		"$SCRATCH/pressed.levels"
}

@test "all levels of a guest at rest" { all_levels rested; }

@test "all levels of a guest under memory pressure" { all_levels pressed; }

@test "that guest had all classes of pages to tell apart" {
	[ "$(left_out 1)" -eq 0 ]
	[ $(($(left_out 2) - 6144)) -gt 10000 ] # 24 MiB of these are offline
	[ $(($(left_out 4) - $(left_out 2))) -ge 2048 ] # 8 MiB that were written to ext4
	[ $(($(left_out 8) - 6144)) -gt $(((48 + 24 + 24 + 8 + 16) * 256)) ]
	[ $(($(left_out 16) - 6144)) -gt 4096 ]
	[ "$(left_out 31)" -gt 80000 ]
}

@test "a page of 1 GiB, whose tails are in other sections than its head; page tables of 5 levels" {
	GUEST_MEM=2200M GUEST_APPEND='hugepagesz=1G hugepages=1 hugetlb_free_vmemmap=on' \
		launch_guest giant -- -cpu qemu64,+pdpe1gb,+la57
	dumptool dump -q -g giant -f elf --ranges system -o "$SCRATCH/giant.elf"
	qmpctl kill -g giant
	for level in 8 30; do
		tests/tools/same_kept "$SCRATCH/giant.elf" $level "$SCRATCH" | tee "$SCRATCH/giant.levels"
		read -r _ verdict kept <"$SCRATCH/giant.levels"
		[ "$verdict" = same ]
		[ "$kept" -lt $(((2200 - 1024) << 8)) ]
	done
	rm "$SCRATCH/giant.elf"
}

@test "a dump leaves out what convert does" {
	dumptool dump -q -g pressed --engine stream -f kdump-lzo -d 31 -o "$SCRATCH/dumped"
	dumptool convert -q -f kdump-lzo -d 31 "$SCRATCH/pressed.elf" -o "$SCRATCH/converted"
	cmp "$SCRATCH/dumped" "$SCRATCH/converted"
	[ "$(dumptool info --json "$SCRATCH/dumped" | jq .dump_level)" -eq 31 ]
	rm "$SCRATCH/converted"
}

@test "crash and drgn open what is left" {
	for reader in crash drgn; do
		run tests/tools/read $reader "$SCRATCH/dumped"
		[ "$output" = yes ]
	done
	rm "$SCRATCH/dumped"*
}

@test "an ELF holds the same pages as a kdump file" {
	dumptool convert -q -f elf -d 30 "$SCRATCH/pressed.elf" -o "$SCRATCH/filtered.elf"
	[ "$(stat -c %s "$SCRATCH/filtered.elf")" -lt $((160 << 20)) ]
	dumptool convert -q -f kdump-lzo "$SCRATCH/filtered.elf" -o "$SCRATCH/filtered"
	[ "$(tests/tools/kept "$SCRATCH/filtered" | cut -d ' ' -f 2)" -eq \
		"$(awk '$1 == 30 { print $3 }' "$SCRATCH/pressed.levels")" ]
	rm "$SCRATCH"/filtered*
}

@test "names of classes mean what their levels do" {
	dumptool convert -q --exclude zero,user,free "$SCRATCH/rested.elf" -o "$SCRATCH/named"
	dumptool convert -q -d 25 "$SCRATCH/rested.elf" -o "$SCRATCH/numbered"
	cmp "$SCRATCH/named" "$SCRATCH/numbered"
	rm "$SCRATCH/named" "$SCRATCH/numbered"
}

@test "what was filtered once can be filtered more" {
	dumptool convert -q -d 16 "$SCRATCH/pressed.elf" -o "$SCRATCH/once"
	dumptool convert -q -d 31 "$SCRATCH/once" -o "$SCRATCH/twice"
	[ "$(tests/tools/kept "$SCRATCH/twice" | cut -d ' ' -f 2)" -eq \
		"$(awk '$1 == 31 { print $3 }' "$SCRATCH/pressed.levels")" ]
	rm "$SCRATCH/once" "$SCRATCH/twice"
}
