#!/usr/bin/env bats
# dumptool verify: findings of every kind, exit statuses, sums, references.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(cd "$ROOT" && cd "${O:-build}" && pwd)/dumptool
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/verify.XXXXXX")
	cd "$TMP" || return
}

teardown() {
	cd / && rm -rf "$TMP"
}

# ---- dumps ----

KDUMP='format: kdump
cpus: 1
qemu_note: 440
vmcoreinfo: default
ram: 0..0x10000
page: 0x1000..0x8000 random 1
page: 0x9000 text'

ELF='format: elf
cpus: 1
qemu_note: 440
vmcoreinfo: default
load: 0..0x10000 vaddr=0xffff888000000000
page: 0x1000..0x8000 random 1
page: 0x9000 text'

# make FILE BASE [LINE...]: what the description BASE and more lines make.
make() {
	local file=$1
	printf '%s\n' "${@:2}" | "$ROOT/tests/gen/gendump" - -o "$file"
}

# judge ARGS... : what verify says as JSON into the file "out"; it must end with 0 or 1.
judge() {
	status=0
	"$D" verify --json "$@" >out || status=$?
	[ $status -le 1 ] && [ -s out ]
}

# codes FILE... : "severity code" of each finding, sorted.
codes() {
	judge "$@" && jq -r '.findings[] | "\(.severity) \(.code)"' out | sort -u
}

# sum FILE... : the sum and its number of units.
sum() {
	judge --sum "$@" && jq -r '"\(.sum) \(.nonzero_units)"' out
}

# finds BASE: each line of standard input is "SEVERITY CODE: LINE[; LINE...]": with the lines added
# to BASE there is that finding, and verify's exit status fits.
finds() {
	local rule wanted number=0
	cat >rules
	"$BATS_TEST_DIRNAME/make_dumps" "$1" <rules
	while IFS= read -r rule; do
		wanted=${rule%%:*} number=$((number + 1))
		judge dump.$number
		jq -r '.findings[] | "\(.severity) \(.code)"' out >found
		if ! grep -qx "$wanted" found; then
			echo "no $rule, but"
			cat found
			return 1
		fi
		if [ $status -ne "$(grep -q ^error found && echo 1 || echo 0)" ]; then
			echo "$rule: exit status $status"
			return 1
		fi
	done <rules
}

# ---- shape ----

@test "a sound file: nothing is found, exit 0" {
	for base in "$KDUMP" "$ELF"; do
		make dump "$base"
		run -0 --separate-stderr "$D" verify dump
		[ -z "$stderr" ]
		[[ $output = *"(none)"* ]]
		[[ $output = *"Errors:          0"* ]]
	done
}

@test "json: one document, findings with severity, code, offset and text" {
	make dump "$KDUMP" 'set: desc[2].flags=0x40' 'set: header.nr_cpus=0'
	run -1 --separate-stderr "$D" verify --json --sum dump
	jq -es 'length == 1' <<<"$output"
	jq -e '.file == "dump" and .errors == 1 and .warnings == 1 and .pages_declared == 16
		and .pages_readable == 15 and .pages_zero == 8 and .pages_lost == 1
		and .nonzero_units == 7 and .excluded_pages == 0' <<<"$output"
	jq -e '.sum | test("^0x[0-9a-f]{32}$")' <<<"$output"
	jq -e '[.findings[] | keys == ["code", "offset", "severity", "text"]] | all' <<<"$output"
	jq -e '.findings[] | select(.code == "kdump-desc-flags") | .severity == "error"
		and (.offset | test("^0x[0-9a-f]+$")) and (.text | test("page 0x2.*0x40"))' <<<"$output"
	make dump "${KDUMP//vmcoreinfo: default/}"
	judge dump
	jq -e '.findings[] | select(.code == "vmcoreinfo-none") | .severity == "info" and .offset == null' \
		out
	jq -e 'has("sum") | not' out
}

@test "findings without end are counted, not told" {
	make dump "$KDUMP" "$(for i in {0..15}; do echo "set: desc[$i].size=4097"; done)"
	run -1 "$D" verify --json dump
	jq -e '.errors == 16 and ([.findings[] | select(.code == "kdump-desc-size")] | length) == 9' \
		<<<"$output"
	jq -e '.findings[-1].text == "and 8 more like these"' <<<"$output"
}

@test "the report does not depend on threads" {
	make dump "$KDUMP" 'ram: 0x1000000..0x9000000' 'page: 0x1000000..0x9000000 counter' \
		'set: desc[20].flags=0x40' 'set: desc[9000].offset=1' 'set: desc[32000].size=0' \
		'set: desc[3].offset=desc[2].offset+1'
	"$D" verify --json --sum --threads 1 dump >one || true
	"$D" verify --json --sum --threads 7 dump >seven || true
	diff one seven
	[ "$(jq .errors one)" -ge 4 ]
}

@test "what is no dump is an error that says so" {
	echo "neither this nor that, but longer than any header" >text
	run -1 --separate-stderr "$D" verify text
	[[ $stderr = *"text: neither ELF, kdump-compressed nor flattened"*--raw-base* ]]
	run -1 --separate-stderr "$D" verify missing
	[[ $stderr = *"missing: No such file"* ]]
	run -1 --separate-stderr "$D" verify .
	mkfifo fifo
	run -2 --separate-stderr "$D" verify fifo
	run -2 --separate-stderr "$D" verify
	run -2 --separate-stderr "$D" verify --nonsense text
	make dump "$ELF"
	run -2 --separate-stderr "$D" verify dump dump
}

# ---- kinds of findings ----

@test "kdump: main header" {
	finds "$KDUMP" <<-'E'
		error kdump-signature: set: header.signature="DISKDUMP"
		error kdump-version: set: header.header_version=7
		error kdump-block-size: set: header.block_size=512
		error kdump-sub-hdr-size: set: header.sub_hdr_size=0
		error kdump-bitmap-blocks: set: header.bitmap_blocks=0
		error kdump-bitmap-blocks: set: header.bitmap_blocks=2^31
		error kdump-short: truncate: 300
		warning kdump-status: set: header.status=0x40
		warning kdump-incomplete: set: header.status=8
		warning kdump-nr-cpus: set: header.nr_cpus=0
		warning kdump-nr-cpus: set: header.nr_cpus=2
		warning kdump-utsname-empty: release:
	E
}

@test "kdump: sub header" {
	finds "$KDUMP" <<-'E'
		error kdump-no-memory: set: header.max_mapnr=0; set: sub.max_mapnr_64=0
		error kdump-bitmap-small: set: sub.max_mapnr_64=2^30
		warning kdump-max-mapnr: set: header.max_mapnr=5
		error kdump-place: set: sub.offset_note=8
		error kdump-place: set: sub.size_vmcoreinfo=2^40
		error kdump-place: eraseinfo: erase x; set: sub.offset_eraseinfo=2^40
		warning eraseinfo-not-text: eraseinfo: erase x; poke: at(sub.offset_eraseinfo) 00; set: sub.offset_eraseinfo=at(desc[0].offset)
		warning kdump-phys-base: set: sub.phys_base=0x1222639616
		warning kdump-dump-level: set: sub.dump_level=99
		warning kdump-vmcoreinfo-place: set: sub.size_vmcoreinfo=8
	E
}

@test "kdump: bitmaps, descriptors and pages" {
	finds "$KDUMP" <<-'E'
		error kdump-bitmap-odd: set: header.bitmap_blocks=3
		info kdump-one-bitmap: bitmaps: 1
		error kdump-bitmap-orphan: poke: at(bitmap1) 00
		error kdump-bits-past-end: poke: at(bitmap2)+200 01; poke: at(bitmap1)+200 01
		warning kdump-bits-past-end: poke: at(bitmap1)+200 01
		error kdump-no-memory: poke: at(bitmap1) 0000; poke: at(bitmap2) 0000
		warning kdump-no-pages: poke: at(bitmap2) 0000
		error kdump-page-lost: set: desc[2].offset=0
		warning kdump-page-lost: set: desc[2].offset=0; set: header.status=8
		warning kdump-page-flags: set: desc[2].page_flags=1
		error kdump-desc-flags: set: desc[2].flags=3
		error kdump-desc-size: set: desc[2].size=100
		error kdump-desc-in-headers: set: desc[2].offset=4096
		error kdump-desc-past-end: set: desc[2].offset=2^50
		error kdump-descs-past-end: truncate: at(desc[4].offset)
		error kdump-page-data: codec: zlib; poke: at(data[9])+4 ffff
	E
}

@test "elf: headers and segments" {
	finds "$ELF" <<-'E'
		error elf-class: poke: 4 03
		error elf-data: poke: 5 00
		error elf-short: truncate: 40
		error elf-type: set: ehdr.e_type=2
		info elf-machine: set: ehdr.e_machine=9999
		warning elf-incomplete: set: ehdr.e_flags=1
		info elf-ehsize: set: ehdr.e_ehsize=8
		info elf-phoff: phoff: end
		error elf-phentsize: set: ehdr.e_phentsize=3
		error elf-phdrs-past-end: set: ehdr.e_phnum=65000
		error elf-xnum: set: ehdr.e_phnum=0xffff
		warning elf-shentsize: pnxnum: yes; set: ehdr.e_shentsize=3
		error elf-filesz: set: phdr[1].p_filesz=2^30
		error elf-filesz: set: phdr[1].p_memsz=0
		error elf-paddr: set: phdr[1].p_paddr=2^52
		error elf-offset: set: phdr[1].p_offset=2^63
		error elf-load-truncated: truncate: 0x4000
		error elf-no-load: set: ehdr.e_phnum=1
		info elf-no-vaddr: set: phdr[1].p_vaddr=0
		warning elf-no-notes: set: phdr[0].p_type=0
	E
}

@test "notes and VMCOREINFO" {
	finds "$ELF" <<-'E'
		error notes-past-end: set: phdr[0].p_offset=2^40
		error note-past-end: set: note[0].n_descsz=2^31
		warning notes-no-cpu: set: note[0].n_type=9
		warning notes-cpu-count: cpus: 2; set: note[1].n_type=9
		warning note-prstatus-size: prstatus_size: 20
		warning note-qemu-size: poke: at(note[1].desc)+4 00000000
		warning note-qemu-version: poke: at(note[1].desc) 09000000
		warning note-vmcoreinfo-twice: note: VMCOREINFO 0 8 text
		info vmcoreinfo-none: set: note[2].n_type=9
		error vmcoreinfo-not-text: poke: at(note[2].desc)+3 07
		warning vmcoreinfo-no-osrelease: poke: at(note[2].desc) 58
		warning vmcoreinfo-page-size: poke: at(note[2].desc) 5041474553495a453d330a
		warning vmcoreinfo-number: vmcoreinfo: SYMBOL(a)=xyz
		warning vmcoreinfo-number: vmcoreinfo: LENGTH(a)=-1
		warning vmcoreinfo-number: vmcoreinfo: NUMBER(a)=99999999999999999999
	E
}

@test "flattened: records" {
	finds "$KDUMP
flatten: yes" <<-'E'
		error flat-type: poke: 16 0000000000000002
		error flat-version: poke: 24 0000000000000002
		error flat-record: set: flat[1].size=-5
		error flat-truncated: truncate: file_size-1000
		error flat-no-end: flatten: yes end=no
		warning flat-trailing: append: 00
		error kdump-desc-flags: set: desc[2].flags=3
	E
}

@test "a filter that left out the kernel itself" {
	kernel='vmcoreinfo: OSRELEASE=6.1
vmcoreinfo: SYMBOL(init_uts_ns)=ffffffff80002468
vmcoreinfo: NUMBER(phys_base)=12288'
	make dump "${KDUMP/vmcoreinfo: default/$kernel}" 'phys_base: 12288' 'page: 0x4000 excluded'
	[ -z "$(codes dump)" ]
	make dump "${KDUMP/vmcoreinfo: default/$kernel}" 'phys_base: 12288' 'page: 0x5000 excluded'
	[ "$(codes dump)" = "warning kernel-missing" ]
	elf=${ELF/vmcoreinfo: default/$kernel}
	make dump "${elf/0x10000 /0x10000 filesz=0x6000 }"
	[ -z "$(codes dump)" ]
	make dump "${elf/0x10000 /0x10000 filesz=0x5000 }"
	[ "$(codes dump)" = "warning kernel-missing" ]
}

# ---- overlaps ----

@test "kdump: sharing all of a page's data is fine, a part is not" {
	make dump "$KDUMP" 'ram: 0x100000..0x2000000' 'page: 0x100000..0x2000000 counter' 'codec: raw' \
		'set: desc[30].offset=desc[3].offset' 'set: desc[7000].offset=desc[3].offset' \
		'set: desc[5000].offset=desc[20].offset'
	[ -z "$(codes dump)" ]
	make dump "$KDUMP" 'set: desc[4].offset=desc[3].offset+8'
	run -1 "$D" verify dump
	[[ $output = *kdump-data-overlap*"page 0x4: its data at"*"that of page 0x3"* ]]
	make dump "$KDUMP" codec:\ zlib 'page: 0x3000 text' 'page: 0x4000 text' \
		'set: desc[4].offset=desc[3].offset' 'set: desc[4].size=desc[3].size-1'
	codes dump | grep kdump-data-overlap
}

@test "elf: segments that overlap must agree" {
	more='load: 0x4000..0xc000 vaddr=0xffffffff81000000'
	make dump "$ELF" "$more"
	[ -z "$(codes dump)" ]
	make dump "$ELF" "$more share=0"
	[ -z "$(codes dump)" ]
	make dump "$ELF" "$more" 'poke: at(phdr[2].p_offset) 00'
	make dump "$ELF" "$more" 'set: phdr[2].p_offset=phdr[1].p_offset'
	run -1 "$D" verify dump
	[[ $output = *elf-overlap*"physical 0x4000 "* ]]
	make dump "${ELF/0x10000 /0x10000 filesz=0x2000 }" 'load: 0x4000..0x6000'
	[ "$(codes dump)" = "warning elf-overlap-short" ]
}

@test "elf: where segments overlap, the sum is the reader's" {
	make dump "${ELF/0x10000 /0x10000 filesz=0x2000 }" 'load: 0x4000..0x6000' \
		'load: 0x5800..0x9000' 'set: phdr[2].p_offset=phdr[3].p_offset'
	"$D" convert -q dump -o raw.kdump --format kdump-raw --ranges all
	[ "$(sum dump)" = "$(sum raw.kdump)" ]
}

# ---- sets ----

@test "split sets: all parts once, of one dump" {
	make part "$KDUMP" 'split: 3'
	[ -z "$(codes part.0 part.1 part.2)" ]
	[ -z "$(codes part.2 part.0 part.1)" ]
	run -1 "$D" verify part.0 part.2
	[[ $output = *kdump-split-gap*"part.2 begins at page"* ]]
	run -1 "$D" verify part.0 part.1
	[[ $output = *kdump-split-gap*"no part has the pages"* ]]
	run -1 "$D" verify part.1
	run -1 "$D" verify part.0 part.1 part.1 part.2
	make part "$KDUMP" 'split: 3' 'set@1: header.nr_cpus=3'
	codes part.0 part.1 part.2 | grep "error kdump-split-header"
	make part "$KDUMP" 'split: 3' 'poke@2: at(bitmap2) 00'
	codes part.0 part.1 part.2 | grep "error kdump-split-bitmaps"
	make part "$KDUMP" 'split: 3' 'set@1: desc[0].flags=3'
	run -1 "$D" verify part.0 part.1 part.2
	[[ $output = *"part.1: page "* ]]
}

@test "split sets: the sum of all parts is that of the whole" {
	make part "$KDUMP" 'split: 2'
	make whole "$KDUMP"
	[ -n "$(sum whole)" ]
	[ "$(sum part.1 part.0)" = "$(sum whole)" ]
}

# ---- sums and references ----

@test "sum: the same in every format" {
	make dump "$ELF"
	sum=$(sum dump)
	for format in elf kdump-zlib kdump-lzo kdump-snappy kdump-zstd kdump-raw; do
		"$D" convert -q dump -o converted --force --format "$format" --ranges all
		[ "$(sum converted)" = "$sum" ]
	done
	make raw 'format: raw' 'ram: 0..0x10000' 'page: 0x1000..0x8000 random 1' 'page: 0x9000 text'
	[ "$(sum --raw-base 0 raw)" = "$sum" ]
	jq -e '.findings == [{severity: "info", code: "raw-image", offset: null,
		text: .findings[0].text}] and .pages_declared == 16 and .pages_zero == 8' out
}

@test "sum: excluded pages are counted apart" {
	make dump "$KDUMP" 'page: 0x2000..0x4000 excluded'
	judge --sum dump
	jq -e '.excluded_pages == 2 and .pages_lost == 0 and .pages_declared == 16
		and .pages_readable == 14 and .errors == 0' out
}

@test "reference: the same memory in another format, exit 0" {
	make dump "$KDUMP"
	make ref "$ELF"
	run -0 "$D" verify --json dump --reference ref
	jq -e '.reference | .file == "ref" and .differences == [] and .same_ranges
		and .pages_compared == 16 and .pages_different == 0' <<<"$output"
}

@test "reference: differences are listed, exit 1" {
	make dump "$KDUMP" 'page: 0xa000 excluded'
	make ref "$ELF" 'page: 0x3000..0x5000 text' 'load: 0x20000..0x21000'
	run -1 "$D" verify --json dump --reference ref
	jq -e '.errors == 0 and (.reference | .pages_different == 2 and .pages_only_here == 0
		and .pages_only_there == 2 and (.same_ranges | not))' <<<"$output"
	jq -e '.reference.differences[0] == {start: "0x3000", size: 8192, what: "different"}' <<<"$output"
	run -1 --separate-stderr "$D" verify dump --reference missing
	[[ $stderr = *"missing: No such file"* ]]
}

@test "reference: what cannot be read is an error" {
	make dump "$KDUMP" 'set: desc[2].flags=0x40'
	make ref "$ELF"
	run -1 --separate-stderr "$D" verify dump --reference ref
	[[ $stderr = *"dump: page 0x2"* ]]
}
