#!/usr/bin/env bats
# Guests of other kinds in the foreign readers: kernels at random addresses, booted until phys_base was
# seen positive and negative, with video memory above the RAM; and one with RAM above 4 GiB and
# page tables of five levels.

bats_require_minimum_version 1.5.0

BOOTS_MAX=16 # each sign comes up in about every second boot of a 2 GiB guest

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	boot_high
	boot_both_signs
}

# Both kinds of dumps of the guest into FOLDER, and through the readers.
read_guest() { # FOLDER
	local reader
	dumptool dump -q -g kind -f elf ${ELF_RANGES-} -o "$1/elf"
	dumptool dump -q -g kind -f kdump-zlib -o "$1/kdump"
	for reader in crash drgn libkdumpfile makedumpfile; do
		printf "$1/%s $reader\n" elf kdump
	done | read_all
}

boot_high() {
	GUEST_MEM=3G launch_guest kind -- -machine q35 -cpu max
	qmpctl pause -g kind
	mkdir "$SCRATCH/high"
	ELF_RANGES='--ranges system' read_guest "$SCRATCH/high"
	qmpctl quit -g kind
}

boot_both_signs() {
	local boot
	for ((boot = 1; boot <= BOOTS_MAX; boot++)); do
		GUEST_MEM=2G launch_guest kind -- -vga std
		qmpctl pause -g kind
		read_first_of_sign
		qmpctl quit -g kind
		if [ -d "$SCRATCH/positive" ] && [ -d "$SCRATCH/negative" ]; then return 0; fi
	done
	echo "$BOOTS_MAX boots, and only one sign: $(ls -d "$SCRATCH"/*tive)"
	return 1
}

read_first_of_sign() {
	local head=$SCRATCH/head phys_base sign
	qmpctl exec -g kind dump-guest-memory paging:=false begin:=0 length:=4096 "protocol=file:$head"
	phys_base=$(dumptool notes --vmcoreinfo "$head" | sed -n 's/^NUMBER(phys_base)=//p')
	rm -f "$head"
	if [ "$phys_base" -lt 0 ]; then sign=negative; else sign=positive; fi
	if [ -d "$SCRATCH/$sign" ]; then return 0; fi
	mkdir "$SCRATCH/$sign"
	echo "$phys_base" >"$SCRATCH/$sign/phys_base"
	read_guest "$SCRATCH/$sign"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end kind
}

setup() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	cd "$BATS_TEST_DIRNAME/../.."
}

# In the sub header, the second block, it comes first.
header_says_phys_base() { # FOLDER
	[ "$(od -A n -t d8 -j 4096 -N 8 "$1/kdump" | tr -d ' ')" = "$(cat "$1/phys_base")" ]
}

all_open() { # FOLDER
	local reader
	for reader in crash drgn libkdumpfile makedumpfile; do
		opens $reader "$1/elf" "$1/kdump"
	done
	cmp "$1/elf.d31" "$1/kdump.d31"
}

bytes_from() { # FILE START: in its range that begins there
	dumptool info --json "$1" |
		jq --arg start "$2" '[.ranges[] | select(.start == $start) | .size] | add // 0'
}

@test "negative phys_base: the header says it" { header_says_phys_base "$SCRATCH/negative"; }
@test "positive phys_base: the header says it" { header_says_phys_base "$SCRATCH/positive"; }
@test "negative phys_base: crash, drgn, libkdumpfile, makedumpfile" { all_open "$SCRATCH/negative"; }
@test "positive phys_base: crash, drgn, libkdumpfile, makedumpfile" { all_open "$SCRATCH/positive"; }

@test "-vga std: the video memory is in the ELF, and no kdump file has it by default" {
	for sign in negative positive; do
		[ "$(bytes_from "$SCRATCH/$sign/elf" 0xfd000000)" -eq $((16 << 20)) ]
		[ "$(bytes_from "$SCRATCH/$sign/kdump" 0xfd000000)" -eq 0 ]
	done
}

@test "RAM above 4 GiB, page tables of five levels: crash, drgn, libkdumpfile, makedumpfile" {
	[ "$(bytes_from "$SCRATCH/high/kdump" 0x100000000)" -eq $((1 << 30)) ]
	dumptool notes --vmcoreinfo "$SCRATCH/high/kdump" | grep -qx 'NUMBER(pgtable_l5_enabled)=1'
	all_open "$SCRATCH/high"
}
