#!/usr/bin/env bats
# Every format of one paused guest, and QEMU's own files of it, in every foreign reader.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	GUEST_FILL=random:32M launch_guest read
	qmpctl pause -g read
	qmpctl hmp -g read 'info registers' >"$SCRATCH/registers"
	mkdir "$SCRATCH/files"
	write_files "$SCRATCH/files"
	for file in "$SCRATCH"/files/*; do
		printf "$file %s\n" $READERS
	done | read_all
	tests/tools/table make "$SCRATCH/files" >"$O/tools/table.md"
}

# The rows of the table.
write_files() { # FOLDER
	local format
	for format in $FORMATS; do
		dumptool dump -q -g read -f "$format" -o "$1/$format"
	done
	dumptool dump -q -g read -f kdump-zlib --flatten -o "$1/flat"
	dumptool dump -q -g read -f kdump-zlib --ranges all -o "$1/all"
	qmpctl exec -g read dump-guest-memory paging:=false "protocol=file:$1/qemu-elf"
	qmpctl exec -g read dump-guest-memory paging:=false "protocol=file:$1/qemu-kdump" format=kdump-zlib
	makedumpfile -R "$1/flat-rearranged" <"$1/flat"
	makedumpfile -R "$1/qemu-kdump-rearranged" <"$1/qemu-kdump"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end read
}

setup() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	cd "$BATS_TEST_DIRNAME/../.."
	source tests/e2e/guest.bash
	D=$SCRATCH/files
}

plain() { printf "$D/%s\n" $FORMATS; }

# The same words from the script that shares no code with the library and from libkdumpfile.
same_memory() { # REFSUM-OUTPUT KDUMPSUM-LOG
	diff <(grep -v '^excluded' "$1" | sort) <(grep -E '^(sum|units|range) ' "$2" | sort)
}

@test "crash: all six plain formats" { opens crash $(plain); }

@test "crash: flattened, and rearranged by makedumpfile" { opens crash "$D/flat" "$D/flat-rearranged"; }

@test "crash counts the same memory, whoever wrote it, in whatever format" {
	for log in "$D"/*.crash.log; do
		diff <(sed -n '/TOTAL MEM/,$p' "$D/elf.crash.log") <(sed -n '/TOTAL MEM/,$p' "$log")
	done
}

@test "drgn: all six plain formats, and the rearranged one" { opens drgn $(plain) "$D/flat-rearranged"; }

@test "drgn finds the same tasks in all that it opens" {
	for file in $(plain) "$D/flat-rearranged"; do
		diff "$D/elf.drgn.log" "$file.drgn.log"
	done
}

@test "libkdumpfile: all six plain formats, and the rearranged one" {
	opens libkdumpfile $(plain) "$D/flat-rearranged"
}

@test "libkdumpfile reads of the ELF file what QEMU's ELF holds" {
	tests/guest/refsum.py "$D/qemu-elf" >"$D/reference"
	same_memory "$D/reference" "$D/elf.libkdumpfile.log"
}

@test "libkdumpfile reads of the kdump files what QEMU's ELF holds of the kernel's RAM" {
	ranges=$(sed -n 's/^range \(.*\) \(.*\)/--within \1-\2/p' "$D/kdump-raw.libkdumpfile.log")
	tests/guest/refsum.py $ranges "$D/qemu-elf" >"$D/reference"
	for file in $(plain) "$D/flat-rearranged"; do
		[ "$file" = "$D/elf" ] || same_memory "$D/reference" "$file.libkdumpfile.log"
	done
}

@test "gdb: ELF, with the registers that QEMU shows" {
	opens gdb "$D/elf"
	rip=$(grep -o 'RIP=[0-9a-f]*' "$SCRATCH/registers" | head -n 1)
	rsp=$(grep -o 'RSP=[0-9a-f]*' "$SCRATCH/registers" | head -n 1)
	grep -E "^rip +0x0*${rip#RIP=}" "$D/elf.gdb.log"
	grep -E "^rsp +0x0*${rsp#RSP=}" "$D/elf.gdb.log"
}

@test "makedumpfile -d 31: ELF, and kdump raw, zlib, lzo, rearranged" {
	opens makedumpfile "$D/elf" "$D/kdump-raw" "$D/kdump-zlib" "$D/kdump-lzo" "$D/flat-rearranged"
}

@test "makedumpfile -d 31 keeps the same pages of each" {
	kept=$(dumptool verify --sum --json "$D/elf.d31" | jq -c 'del(.file)')
	[ "$(jq .pages_readable <<<"$kept")" -gt 5000 ]
	[ "$(jq .errors <<<"$kept")" -eq 0 ]
	for name in kdump-raw kdump-zlib kdump-lzo flat-rearranged; do
		[ "$(dumptool verify --sum --json "$D/$name.d31" | jq -c 'del(.file)')" = "$kept" ]
		cmp "$D/elf.d31" "$D/$name.d31" # bitmaps and all
	done
}

@test "makedumpfile -R makes of the flattened file the memory of the plain one" {
	[ "$(sum_of "$D/flat-rearranged")" = "$(sum_of "$D/kdump-zlib")" ]
	cmp <(head -c 8 "$D/flat-rearranged") <(head -c 8 "$D/kdump-zlib")
}

@test "convert writes of QEMU's ELF, byte for byte, what dump wrote of the guest" {
	for format in $FORMATS; do
		dumptool convert -q "$D/qemu-elf" -f "$format" -o "$D/converted"
		cmp "$D/$format" "$D/converted"
		rm "$D/converted"
	done
	dumptool convert -q "$D/qemu-kdump" -f kdump-lzo -o "$D/converted"
	[ "$(sum_of "$D/converted")" = "$(sum_of "$D/kdump-lzo")" ]
}

@test "verify finds no fault in what we wrote, nor in QEMU's files" {
	for file in $(plain) "$D/flat" "$D/flat-rearranged" "$D/all" "$D"/qemu-{elf,kdump,kdump-rearranged}; do
		dumptool verify "$file" || { echo "$file"; false; }
	done
}

table_is_in() { # FILE
	tests/tools/table check "$1" && return
	echo "The readers here:"
	versions
	return 1
}

@test "the table of writers and readers is the committed one" { table_is_in tests/tools/table.md; }

@test "the README has that table" { table_is_in README.md; }
