#!/usr/bin/env bats
# Kernels at random addresses: guests are booted until phys_base was seen positive and negative, with and
# without video memory above the RAM. Each time our dump holds the memory of QEMU's own ELF, and says
# where the kernel is.

BOOTS_MAX=16 # each sign comes up in about every second boot of a 2 GiB guest

setup() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
}

teardown() { end_guests kaslr; }

# What the guest's kernel itself says, decimal and signed.
said() { dumptool notes --vmcoreinfo "$1" | sed -n 's/^NUMBER(phys_base)=//p'; }

check_guest() {
	rm -f "$SCRATCH"/qemu.elf "$SCRATCH"/all "$SCRATCH"/kdump
	qmpctl pause -g kaslr
	qmpctl exec -g kaslr dump-guest-memory paging:=false "protocol=file:$SCRATCH/qemu.elf"
	dumptool dump -q -g kaslr -f kdump-lzo --ranges all -o "$SCRATCH/all"
	[ "$(tests/guest/refsum.py "$SCRATCH/qemu.elf" | sed -n 's/^sum //p')" = "$(sum_of "$SCRATCH/all" | cut -d' ' -f1)" ]
	dumptool dump -q -g kaslr -o "$SCRATCH/kdump"
	phys_base=$(dumptool info --json "$SCRATCH/kdump" | jq .phys_base)
	[ "$phys_base" = "$(said "$SCRATCH/kdump")" ]
	# Nothing above the RAM but what --ranges all keeps.
	[ "$(dumptool info --json "$SCRATCH/kdump" | jq '[.ranges[].size] | add <= 2147483648')" = true ]
}

@test "both signs of phys_base, with and without -vga std" {
	positive='' negative=''
	for ((boot = 1; boot <= BOOTS_MAX; boot++)); do
		GUEST_MEM=2G launch_guest kaslr -- -vga $([ $((boot % 2)) -eq 0 ] && echo std || echo none)
		check_guest
		if [ "$phys_base" -lt 0 ]; then negative+=" $phys_base"; else positive+=" $phys_base"; fi
		qmpctl quit -g kaslr
		if [ -n "$positive" ] && [ -n "$negative" ] && [ $boot -ge 2 ]; then break; fi
	done
	echo "positive:$positive negative:$negative"
	[ -n "$positive" ] && [ -n "$negative" ]
}
