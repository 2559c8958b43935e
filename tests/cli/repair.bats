#!/usr/bin/env bats
# dumptool repair on generated files: what is found, what is changed, and what is left alone.

bats_require_minimum_version 1.5.0

setup() {
	set -o pipefail # jq -e is content with no input at all
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(cd "$ROOT" && cd "${O:-build}" && pwd)/dumptool
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/repair.XXXXXX")
	cd "$TMP" || return
}

teardown() {
	cd / && rm -rf "$TMP"
}

KDUMP='format: kdump
cpus: 1
vmcoreinfo: default
dump_level: 1
sysname: Linux
nodename: node
release: 6.1.0
uts_version: #1 SMP
domainname: (none)
ram: 0..0x100000
page: 0x3000..0x60000 random 1
page: 0x61000 text'

ELF='format: elf
cpus: 1
layout: qemu
ram: 0..0x40000
ram: 0x100000..0x140000
page: 0x3000..0x20000 random 1'

# make FILE BASE [LINE...]: what the description BASE and more lines make.
make() {
	local file=$1
	printf '%s\n' "${@:2}" | "$ROOT/tests/gen/gendump" - -o "$file"
}

codes() { "$D" repair --dry-run --json "$@" | jq -r '.changes[].code' | sort | uniq -c | awk '{ printf "%s*%d ", $2, $1 }'; }
sum() { "$D" verify --sum --json "$@" | jq -r '"\(.errors) \(.sum) \(.pages_readable)"'; }

# fixes FILE CODES: exactly these findings; a copy and the file itself are the same afterwards, and
# there is nothing left to find; -> copy
fixes() {
	local file=$1
	[ "$(codes "$file")" = "$2" ] || { echo "$file: $(codes "$file")"; false; }
	rm -f copy
	"$D" repair "$file" -o copy >said
	cp "$file" before
	"$D" repair --in-place "$file" >/dev/null
	[ "$(codes "$file")" = '' ]
	[ "$(codes copy)" = '' ]
	[ "$(sum "$file")" = "$(sum copy)" ]
	[ "$(ls | grep -c journal)" -eq 0 ]
	if [ "$("$D" info --json "$file" | jq .flattened)" = false ]; then cmp "$file" copy; fi
}

@test "nothing to repair: says so, exit 0; the copy is the file, byte for byte" {
	make dump "$KDUMP"
	run -0 "$D" repair --dry-run dump
	[[ $output = *'There is nothing to repair.' ]]
	cp dump before
	run -0 "$D" repair --in-place dump
	cmp dump before
	"$D" repair dump -o copy
	cmp dump copy
	[ "$("$D" repair --json --dry-run dump | jq -c .)" = \
		'{"file":"dump","output":null,"recovered":false,"changes":[]}' ]
}

@test "kdump: empty names, a wrong phys_base stays where no kernel is found" {
	make dump "$KDUMP" 'release:' 'nodename:' 'machine: x86_64' 'phys_base: 0x1222639616'
	"$D" repair --json --dry-run dump >said
	jq -e '[.changes[] | select(.code == "kdump-phys-base")] | length == 0' said
	make dump "$KDUMP" 'set: header.machine=""'
	fixes dump 'kdump-utsname*1 '
	[ "$("$D" info --json dump | jq -r .machine)" = x86_64 ]
	make dump "$KDUMP" 'set: header.machine="Unknown"'
	fixes dump 'kdump-utsname*1 '
	[ "$("$D" info --json dump | jq -r .machine)" = x86_64 ]
}

@test "kdump: the sub header leads to the notes' VMCOREINFO again" {
	make whole "$KDUMP"
	for set in 'set: sub.offset_vmcoreinfo=0
set: sub.size_vmcoreinfo=0' 'set: sub.offset_vmcoreinfo=sub.offset_note' 'set: sub.size_vmcoreinfo=4'; do
		make dump "$KDUMP" "$set"
		fixes dump 'kdump-vmcoreinfo*1 '
		cmp dump whole
	done
	for shape in 'machine: i386' 'machine: s390x' 'machine: arm
shape: padded' 'version: 4'; do
		make whole "$KDUMP" "$shape"
		make dump "$KDUMP" "$shape" 'set: sub.offset_vmcoreinfo=0' 'set: sub.size_vmcoreinfo=0'
		fixes dump 'kdump-vmcoreinfo*1 '
		cmp dump whole
	done
}

@test "kdump: a VMCOREINFO that was given, behind everything else" {
	make with "$KDUMP"
	"$D" notes --vmcoreinfo with >text
	for more in '' 'flatten: yes'; do
		make dump "${KDUMP/vmcoreinfo: default/}" "$more"
		[ "$(codes dump)" = '' ]
		before=$(sum dump)
		run -0 "$D" repair --in-place dump --vmcoreinfo text
		[[ $output = *kdump-vmcoreinfo*'the notes lack a VMCOREINFO'* ]]
		"$D" notes --vmcoreinfo dump | diff text -
		diff <("$D" notes --json dump | jq '[.notes[] | del(.offset)]') \
			<("$D" notes --json with | jq '[.notes[] | del(.offset)]')
		[ "$(sum dump)" = "$before" ]
		[ "$(codes dump)" = '' ]
		[ "$(codes dump --vmcoreinfo text)" = '' ]
	done
	echo nonsense >text
	run -2 "$D" repair --dry-run dump --vmcoreinfo text
	make elf "$ELF"
	"$D" notes --vmcoreinfo with >text
	run -1 --separate-stderr "$D" repair --dry-run elf --vmcoreinfo text
	[[ $stderr = *'elf: a VMCOREINFO can be added to kdump files only'* ]]
}

@test "ELF as QEMU lays it out: program headers behind the ELF header, the same memory" {
	for line in '' 'class: 32
machine: i386' 'machine: s390x' 'vmcoreinfo: default'; do
		make elf "$ELF" "$line"
		memory=$(sum elf)
		fixes elf 'elf-ehsize*1 elf-phoff*1 '
		[ "$(sum elf)" = "$memory" ]
		for file in before elf; do
			"$D" info --json $file | jq '{arch, bits, ranges, notes_size, incomplete}'
		done | jq -es '.[0] == .[1]'
		readelf -hlW elf >headers 2>errors
		[ ! -s errors ]
		grep -qE 'Start of program headers: +(52|64) ' headers
		grep -qE 'Start of section headers: +0 ' headers
	done
}

@test "ELF headers elsewhere move if there is room, and are left if there is none" {
	make elf "${ELF/layout: qemu/}"
	[ "$(codes elf)" = '' ]
	make elf "${ELF/layout: qemu/}" 'phoff: end' 'align: 4096'
	memory=$(sum elf)
	[[ $(codes elf) != *phoff* ]] || fixes elf 'elf-phoff*1 '
	[ "$(sum elf)" = "$memory" ]
	make elf "$ELF" 'pnxnum: yes'
	[[ $(codes elf) != *phoff* ]]
}

@test "a flattened file that was cut gets its end record; readers get what is there" {
	for kind in "$KDUMP" "$ELF"; do
		make whole "$kind" 'flatten: yes chunk=8192'
		size=$(stat -c %s whole)
		last=0
		for n in 60 75 90 99; do
			head -c $((size * n / 100)) whole >dump
			run -1 "$D" info dump
			fixes dump "$(codes dump)"
			[[ $(codes before) = *flat-end* ]]
			"$D" verify --json dump >verified
			jq -e '.errors == 0' verified
			pages=$(jq .pages_readable verified)
			[ "$pages" -ge $last ]
			last=$pages
		done
		[ "$last" -gt 100 ]
	done
}

@test "a kdump file that was cut says which pages are lost" {
	make whole "$KDUMP"
	head -c $(($(stat -c %s whole) - 20000)) whole >dump
	fixes dump 'kdump-incomplete*1 '
	grep -q ' 6 pages are lost' said # five of 4 KiB, and the small last one
	"$D" verify --json dump | jq -e '.errors == 0 and .warnings > 0 and .pages_lost == 6'
	"$D" info --json dump | jq -e '.incomplete and (.status | index("incomplete"))'
}

@test "an interrupted repair is named, and finished by the next one" {
	make dump "$KDUMP" 'set: header.machine=""'
	cp dump before
	"$D" repair dump -o good >/dev/null
	touch dump.guestscope-journal
	run -4 --separate-stderr "$D" repair --dry-run dump
	[[ $stderr = *'a repair was interrupted'*'repair --in-place does'* ]]
	run -1 --separate-stderr "$D" repair --in-place dump
	[[ $stderr = *'a journal of '*' that cannot be used: it is too short'* ]]
	cmp dump before
	rm dump.guestscope-journal
	ln -s dump link
	"$D" repair --in-place link >/dev/null
	cmp dump good
	[ -L link ]
}

@test "split sets, raw images and other things are refused; misuse" {
	make part "$KDUMP" 'split: 2'
	run -2 --separate-stderr "$D" repair --dry-run part.0
	[[ $stderr = *'part.0: a part of a split set: join it first'* ]]
	head -c 100000 /dev/urandom >noise
	run -1 "$D" repair --dry-run noise
	: >empty
	run -1 "$D" repair --dry-run empty
	make dump "$KDUMP"
	run -2 "$D" repair dump
	run -2 "$D" repair dump --dry-run --in-place
	run -2 "$D" repair dump -o dump
	run -2 "$D" repair dump -o -
	run -2 "$D" repair dump dump --dry-run
	run -1 "$D" repair missing --dry-run
}

@test "hostile files: an error or a repair, never a crash" {
	for base in "$KDUMP" "$ELF"; do
		make dump "$base"
		size=$(stat -c %s dump)
		for off in 8 24 32 40 54 56 60 424 428 432 436 440 4104 4128 4136 4144 4152 4184 4192; do
			cp dump broken
			printf '\377\377\377\177' | dd of=broken bs=1 seek=$off conv=notrunc status=none
			status=0
			timeout 20 "$D" repair broken -o out --force >/dev/null 2>&1 || status=$?
			[ $status -le 2 ] || { echo "offset $off: exit status $status"; false; }
			[ ! -e out ] || [ "$(stat -c %s out)" -le $((size + 65536)) ]
		done
	done
}
