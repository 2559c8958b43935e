#!/usr/bin/env bats
# The kernel log as other readers find it in the same dumps: a log that went round, records of several
# lines, lines put together from pieces, bytes that do not print.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	(
		cat "$INITRD"
		cd tests/guest
		echo chatter | cpio -o -H newc --quiet
	) >"$SCRATCH/initrd"
	for name in fresh round; do
		lines=0
		[ $name = fresh ] || lines=2600
		GUEST_APPEND="rdinit=/chatter printk.devkmsg=on loglevel=1 gs.lines=$lines" \
			INITRD=$SCRATCH/initrd GUEST_MEM=256M launch_guest $name
		qmpctl pause -g $name
		dumptool dump -q -g $name -f elf -o "$SCRATCH/$name.elf"
		dumptool dump -q -g $name -f kdump-lzo -o "$SCRATCH/$name.kdump"
		dumptool dmesg -g $name >"$SCRATCH/$name.live"
		qmpctl quit -g $name
	done
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end
}

# makedumpfile shows 0xc3 as \xffffffc3, as it takes characters for signed numbers.
reference() { # FILE
	makedumpfile --dump-dmesg "$1" "$SCRATCH/log" >/dev/null
	sed 's/\\xffffff\([89a-f][0-9a-f]\)/\\x\1/g' "$SCRATCH/log"
	rm "$SCRATCH/log"
}

# crash's log command; it shows bytes that do not print as points, and says what it minds first.
crash_log() { # FILE COMMAND
	echo "$2" | crash -s "$VMLINUX" "$1" | sed -n '/^\[ /,$p'
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
}

@test "makedumpfile --dump-dmesg of an ELF and a kdump file: the same bytes" {
	for name in fresh round; do
		for format in elf kdump; do
			reference "$SCRATCH/$name.$format" >"$SCRATCH/reference"
			[ "$(wc -l <"$SCRATCH/reference")" -gt 300 ]
			dumptool dmesg "$SCRATCH/$name.$format" | cmp "$SCRATCH/reference" -
		done
	done
}

@test "of the paused guest itself, too" {
	for name in fresh round; do
		dumptool dmesg "$SCRATCH/$name.elf" | cmp "$SCRATCH/$name.live" -
	done
}

@test "that log had what is hard" {
	reference "$SCRATCH/fresh.elf" >"$SCRATCH/reference"
	grep -A2 '\] one$' "$SCRATCH/reference" | tail -n 1 | grep "^ *	three$"
	grep -F 'escape \x1b[31mred' "$SCRATCH/reference"
	grep -F 'caf\xc3\xa9 \xff' "$SCRATCH/reference"
	grep -E 'Node 0 DMA: .*\*4kB .*= ' "$SCRATCH/reference" # from some twenty pieces
	reference "$SCRATCH/round.elf" >"$SCRATCH/reference"
	[ "$(grep -c 'Linux version' "$SCRATCH/reference")" -eq 0 ]
	[ "$(grep -c 'round and round' "$SCRATCH/reference")" -gt 1000 ]
}

@test "crash's log, but for the bytes that do not print" {
	crash_log "$SCRATCH/round.kdump" log | grep -v -e escape -e caf >"$SCRATCH/reference"
	[ "$(wc -l <"$SCRATCH/reference")" -gt 1000 ]
	dumptool dmesg "$SCRATCH/round.kdump" | grep -v -e escape -e caf | diff "$SCRATCH/reference" -
}

@test "crash's levels" {
	crash_log "$SCRATCH/round.kdump" 'log -m' | sed -n 's/^\[ *\([0-9.]*\)\] <\([0-7]\)>.*/\1 \2/p' >"$SCRATCH/reference"
	[ "$(cut -d' ' -f2 "$SCRATCH/reference" | sort -u | wc -l)" -eq 8 ]
	dumptool dmesg --raw "$SCRATCH/round.kdump" |
		sed -nE 's/^<([0-9]+)>\[ *([0-9.]+)\].*/\2 \1/p' | awk '$1 != last { print $1, $2 % 8; last = $1 }' |
		diff <(awk '$1 != last { print; last = $1 }' "$SCRATCH/reference") -
}
