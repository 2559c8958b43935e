#!/usr/bin/env bats
# A guest whose QEMU has no vmcoreinfo device: the VMCOREINFO that its dumps lack is given by a file,
# or found in the guest's memory.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	said=$(tests/guest/boot --no-vmcoreinfo --mem 256M "$SCRATCH/guest")
	eval "$said"
	export O PATH SCRATCH PID=$pid GUESTSCOPE_GUEST=$qmp
	qmpctl pause
	dumptool dump -q -f elf -o "$SCRATCH/elf"
	# The guest's own text, of which all that follows can do without.
	dumptool convert -q -f elf --ranges system "$SCRATCH/elf" -o "$SCRATCH/found"
	dumptool notes --vmcoreinfo "$SCRATCH/found" >"$SCRATCH/text"
}

teardown_file() {
	[ -n "${PID-}" ] && kill -KILL "$PID"
	rm -rf "${SCRATCH-}"
}

setup() { cd "$BATS_TEST_DIRNAME/../.." || return 1; }

@test "the dump itself has none" {
	[ "$(dumptool info --json "$SCRATCH/elf" | jq .vmcoreinfo)" = false ]
	run dumptool notes --vmcoreinfo "$SCRATCH/elf"
	[ "$status" -eq 1 ]
}

@test "what was found is the running kernel's" {
	grep -qx "OSRELEASE=$(cat "$O/guest/kernel/release")" "$SCRATCH/text"
	[ "$(dumptool info --json "$SCRATCH/found" | jq '.vmcoreinfo and .sysname == "Linux"')" = true ]
	dumptool verify "$SCRATCH/found"
}

@test "what QEMU brings along where it has the device is the same text" {
	XDG_RUNTIME_DIR=$SCRATCH/run
	KERNEL=$O/guest/kernel/vmlinuz INITRD=$O/guest/initramfs
	source tests/e2e/guest.bash
	GUEST_MEM=256M launch_guest told
	dumptool dump -q -g told -f elf -o "$SCRATCH/told"
	qmpctl kill -g told
	# KASLR puts each kernel elsewhere.
	diff <(sed 's/=.*//' "$SCRATCH/text") <(dumptool notes --vmcoreinfo "$SCRATCH/told" | sed 's/=.*//')
	dumptool convert -q -d 31 "$SCRATCH/told" -o "$SCRATCH/told.filtered"
	# Another boot's does not fit.
	run dumptool convert -q -d 31 --vmcoreinfo "$SCRATCH/text" "$SCRATCH/told" -o "$SCRATCH/misled"
	[ "$status" -eq 1 ]
	[[ $output = *'does not fit this memory'* ]]
	[ ! -e "$SCRATCH/misled" ]
}

# same_filtered OPTION...: convert and dump by both engines write the same, with a note if none is given.
same_filtered() {
	local engine
	for engine in direct stream; do
		run --separate-stderr dumptool dump -e $engine -f kdump-lzo -d 31 "$@" -o "$SCRATCH/$engine"
		[ "$status" -eq 0 ]
		if [ $# -eq 0 ]; then
			[[ $stderr = *'VMCOREINFO is missing, but was found in the memory'* ]]
		else
			[[ $stderr != *VMCOREINFO* ]]
		fi
	done
	dumptool convert -q -f kdump-lzo -d 31 "$@" "$SCRATCH/elf" -o "$SCRATCH/converted"
	cmp "$SCRATCH/direct" "$SCRATCH/stream"
	cmp "$SCRATCH/direct" "$SCRATCH/converted"
	dumptool notes --vmcoreinfo "$SCRATCH/direct" | cmp - "$SCRATCH/text"
	kept=$(dumptool verify --json "$SCRATCH/direct" | jq .pages_readable)
	echo "$kept pages kept"
	[ "$kept" -gt 5000 ] && [ "$kept" -lt 32768 ] # half of them
	rm "$SCRATCH"/{direct,stream,converted}
}

@test "filters find it in memory" { same_filtered; }

@test "filters take the one of --vmcoreinfo" { same_filtered --vmcoreinfo "$SCRATCH/text"; }

@test "a dry run and --min-pause find it too" {
	for engine in direct stream; do
		run --separate-stderr dumptool dump --dry-run -e $engine -d 31 --json
		[ "$status" -eq 0 ]
		echo "$output" >"$SCRATCH/$engine"
	done
	[[ $stderr = *'estimated is a dump of all memory'* ]]
	[ "$(jq .max_file_bytes "$SCRATCH/direct")" -lt "$(jq .max_file_bytes "$SCRATCH/stream")" ]
	rm "$SCRATCH"/{direct,stream}
	dumptool dump -q --min-pause -f kdump-lzo -d 31 -o "$SCRATCH/copied"
	dumptool verify "$SCRATCH/copied"
	dumptool notes --vmcoreinfo "$SCRATCH/copied" | cmp - "$SCRATCH/text"
	rm "$SCRATCH/copied"
}

@test "dmesg and read --virt find it, of the dump and of the guest" {
	dumptool dmesg --vmcoreinfo "$SCRATCH/text" "$SCRATCH/elf" >"$SCRATCH/log"
	grep -q 'Linux version' "$SCRATCH/log"
	dumptool dmesg -q "$SCRATCH/elf" | cmp - "$SCRATCH/log"
	dumptool dmesg -q -g "$GUESTSCOPE_GUEST" | cmp - "$SCRATCH/log"
	at=0x$(sed -n 's/^SYMBOL(init_uts_ns)=//p' "$SCRATCH/text")
	dumptool read -q --virt "$SCRATCH/elf" "$at" 256 | grep -F 'Linux'
}

@test "a dump whose memory has none says what to do" {
	truncate -s 16M "$SCRATCH/zeros"
	run dumptool convert -q -d 31 --raw-base 0 "$SCRATCH/zeros" -o "$SCRATCH/none"
	[ "$status" -eq 1 ]
	[[ $output = *'--vmcoreinfo FILE'* ]]
	[ ! -e "$SCRATCH/none" ]
}

@test "of a plain image it even tells the machine" {
	head -c $((256 << 20)) <(dumptool read --raw "$SCRATCH/elf" 0 $((256 << 20)) 2>/dev/null || true) >"$SCRATCH/image"
	[ "$(stat -c %s "$SCRATCH/image")" -eq $((256 << 20)) ] || skip 'memory has holes'
	dumptool convert -q --ranges system -f elf --raw-base 0 "$SCRATCH/image" -o "$SCRATCH/of-image"
	[ "$(dumptool info --json "$SCRATCH/of-image" | jq -c '[.arch, .sysname]')" = '["x86_64","Linux"]' ]
	rm "$SCRATCH/image" "$SCRATCH/of-image"
}

@test "a file that is none is refused before anything else" {
	for command in "convert $SCRATCH/elf" dump; do
		run dumptool $command -q --vmcoreinfo "$SCRATCH/guest/serial.log" -o "$SCRATCH/none"
		[ "$status" -eq 1 ]
		[[ $output = *"serial.log: no VMCOREINFO: expected its text"* ]]
	done
	[ ! -e "$SCRATCH/none" ]
}
