#!/usr/bin/env bats
# Split sets between dumptool, makedumpfile and crash: a real guest's dump in parts, and back.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	GUEST_MEM=256M launch_guest split
	qmpctl pause -g split
	for format in elf kdump-raw kdump-zlib kdump-lzo; do
		dumptool dump -q -g split -f $format -o "$SCRATCH/$format"
	done
	qmpctl exec -g split dump-guest-memory paging:=false "protocol=file:$SCRATCH/qemu.flat" format=kdump-zlib
	makedumpfile -R "$SCRATCH/qemu" <"$SCRATCH/qemu.flat" >/dev/null
	qmpctl quit -g split
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end split
}

setup() {
	cd "$SCRATCH"
	rm -f part* whole* # what the test before left
}

parts() { # N
	seq -f 'part%g' "$1"
}

# makedumpfile cuts at multiples of its split block, in KiB.
@test "join of makedumpfile's parts is makedumpfile's own --reassemble, byte for byte" {
	while read -r count options; do
		rm -f part* whole*
		makedumpfile --splitblock-size 256 $options --split elf $(parts "$count") >log 2>&1
		makedumpfile --reassemble $(parts "$count") whole >>log 2>&1
		dumptool join $(parts "$count" | shuf) -o whole.ours
		cmp whole whole.ours || { echo "$count parts of $options"; false; }
	done <<-'E'
		2 -d 1 -c
		3 -d 31 -l
		5 -d 1
		4 -d 0 -c
	E
}

@test "makedumpfile --reassemble and join make of our parts the file that was split" {
	while read -r file count; do
		rm -f part* whole*
		dumptool split "$file" -n "$count" -o part
		dumptool verify $(parts "$count") >/dev/null
		dumptool join $(parts "$count" | tac) -o whole
		cmp "$file" whole
		makedumpfile --reassemble $(parts "$count") whole.theirs >log 2>&1
		cmp "$file" whole.theirs
	done <<-'E'
		kdump-raw 2
		kdump-zlib 5
		kdump-lzo 3
		qemu 4
	E
}

@test "the parts are of about the same size" {
	dumptool split --json kdump-lzo -n 5 -o part >said
	jq -e '[.parts[].file_bytes] | max - min < max / 50' said
}

@test "crash reads our parts, in whatever order" {
	dumptool split kdump-lzo -n 3 -o part
	crash -s "$VMLINUX" part3 part1 part2 <<<$'kmem -i\nquit' >log 2>&1
	pages=$(awk '$1 == "TOTAL" && $2 == "MEM" { print $3 }' log)
	[ "$pages" -gt $((256 * 256 * 8 / 10)) ]
	[ "$(awk '$1 == "FREE" || $1 == "USED" { sum += $2 } END { print sum }' log)" -eq "$pages" ]
}
