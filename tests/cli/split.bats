#!/usr/bin/env bats
# dumptool split and join, on generated kdump files of every kind.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(cd "$ROOT" && cd "${O:-build}" && pwd)/dumptool
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/split.XXXXXX")
	cd "$TMP" || return
}

teardown() {
	cd / && rm -rf "$TMP"
}

KDUMP='format: kdump
cpus: 1
vmcoreinfo: default
dump_level: 1
ram: 0..0x40000
ram: 0x100000..0x180000
page: 0x3000..0x20000 random 1
page: 0x110000..0x120000 counter'

# make FILE BASE [LINE...]: what the description BASE and more lines make.
make() {
	local file=$1
	printf '%s\n' "${@:2}" | "$ROOT/tests/gen/gendump" - -o "$file"
}

sum() { "$D" verify --sum --json "$@" | jq -r '"\(.errors) \(.sum) \(.pages_declared) \(.pages_lost)"'; }

# halves FILE N: splits FILE and joins the parts in reverse order into the file "whole".
there_and_back() { # FILE N
	rm -f part* whole
	"$D" split "$1" -n "$2" -o part
	[ "$(ls part* | wc -l)" -eq "$2" ]
	"$D" join $(ls part* | sort -rV) -o whole
}

@test "what was split is joined into the same file, whatever codec, version and shape" {
	for codec in raw zlib lzo snappy zstd; do
		make dump "$KDUMP" "codec: $codec"
		for n in 2 3 7; do
			there_and_back dump $n
			cmp dump whole
			[ "$(sum part*)" = "$(sum dump)" ]
		done
	done
	for line in 'version: 2' 'version: 4' 'machine: i386' 'machine: s390x' 'shape: padded
machine: arm' 'bitmaps: 1' 'block_size: 65536' 'dump_level: 0
zero: stored' 'page: 0x4000..0x6000 excluded'; do
		make dump "$KDUMP" "$line"
		there_and_back dump 3
		cmp dump whole || { echo "$line"; false; }
	done
}

# Those that test 1 has nothing like.
SAMPLES='kdump-excluded kdump-incomplete kdump-long-notes kdump-lost-pages kdump-mixed-codecs kdump-notes-end
	kdump-qemu-like kdump-reverse-data kdump-tail-mapnr kdump-v0 kdump-v3 kdump-v4-ppc-be-packed
	kdump-v5-arm-padded kdump-vmcoreinfo-own flat-kdump-gaps flat-kdump-overwrite'

@test "kdump files of odd kinds: the same memory before, between and after" {
	for sample in $SAMPLES; do
		rm -f dump part* whole
		"$ROOT/tests/gen/gendump" "$ROOT/tests/gen/samples/$sample.desc" -o dump
		status=0
		"$D" split dump -n 3 -o part 2>err || status=$?
		if [ $status -ne 0 ]; then
			grep -q 'knows no split sets' err || { cat err; echo "$sample"; false; }
			continue
		fi
		"$D" join part1 part2 part3 -o whole
		[ "$(sum whole)" = "$(sum part1 part2 part3)" ]
		[ "$(sum whole)" = "$(sum dump)" ] || { echo "$sample"; false; }
		diff <("$D" notes whole) <("$D" notes dump)
		diff <("$D" info --json whole | jq 'del(.file, .file_size, .flattened)') \
			<("$D" info --json dump | jq 'del(.file, .file_size, .flattened)')
	done
}

@test "parts that somebody else split are joined as if they had never been split" {
	for line in '' 'page: 0x4000..0x6000 excluded' 'codec: raw
dump_level: 0
zero: stored'; do
		make whole "$KDUMP" "$line"
		make part "$KDUMP" "$line" 'split: 0 0x20 0x118 0x180'
		rm -f joined
		"$D" join part.2 part.0 part.1 -o joined
		cmp whole joined || { echo "$line"; false; }
	done
}

@test "each part says its range, and has about the same share of the data" {
	make dump "$KDUMP" 'codec: raw'
	"$D" split --json dump -n 3 -o 'vm.%d.kdump' >parts
	[ "$(jq -r '[.parts[].file] | join(" ")' parts)" = 'vm.1.kdump vm.2.kdump vm.3.kdump' ]
	[ "$(jq '[.parts[].pages] | add' parts)" -eq 192 ]
	jq -e '[.parts[].file_bytes] | max - min <= 8192' parts
	for i in 1 2 3; do
		[ "$(jq ".parts[$i - 1].file_bytes" parts)" -eq "$(stat -c %s vm.$i.kdump)" ]
		od -A n -t d4 -j $((4096 + 12)) -N 4 vm.$i.kdump | grep -qw 1
		od -A n -t d8 -j $((4096 + 80)) -N 16 vm.$i.kdump
	done >ranges
	[ "$(awk '{ printf "%s ", $1 == last; last = $2 } END { print last }' ranges)" = '1 1 1 384' ]
	cmp <(head -c 4096 vm.1.kdump) <(head -c 4096 vm.3.kdump)
}

@test "erase text: each part's own, one behind the other" {
	make dump "$KDUMP" 'eraseinfo: erase secret.key 64'
	there_and_back dump 3
	[ "$("$D" info --json whole | jq .eraseinfo_size)" -eq "$("$D" info --json dump | jq .eraseinfo_size)" ]
	[ "$("$D" info --json dump | jq .eraseinfo_size)" -gt 0 ]
	[ "$(sum whole)" = "$(sum dump)" ]
	[ "$(grep -c 'erase secret.key' whole)" -eq 1 ]
}

@test "what is no kdump file, or with --format, is converted first" {
	make elf 'format: elf' 'cpus: 1' "$(grep -E '^(ram|page)' <<<"$KDUMP")"
	"$D" convert elf -f kdump-lzo -o dump
	"$D" split elf -f kdump-lzo -n 3 -o part
	"$D" join part? -o whole
	cmp dump whole
	"$D" split elf -n 3 -o other
	[ "$("$D" info --json other? | jq -c .status)" = '["zlib"]' ]
	"$D" split dump -f kdump-zstd -n 2 -o zstd
	[ "$("$D" info --json zstd? | jq -c .status)" = '["zstd"]' ]
	[ "$(sum zstd?)" = "$(sum dump)" ]
	[ "$(ls | grep -c -e whole -e guestscope)" -eq 1 ] # the spool is gone
}

@test "a set may be split again, and a flattened file" {
	make dump "$KDUMP"
	"$D" split dump -n 3 -o part
	"$D" split part1 part2 part3 -n 2 -o half
	"$D" join half1 half2 -o whole
	cmp dump whole
	make flat "$KDUMP" 'flatten: order=shuffled'
	there_and_back flat 2
	cmp dump whole
}

@test "join to standard output is flattened" {
	make dump "$KDUMP"
	"$D" split dump -n 2 -o part
	"$D" join part1 part2 -o - >flat
	[ "$(sum flat)" = "$(sum dump)" ]
	[ "$("$D" info --json flat | jq .flattened)" = true ]
}

@test "sets that are not whole, or not one, are refused by name; nothing is left" {
	make dump "$KDUMP"
	make other "$KDUMP" 'nr_cpus: 2'
	make moved "$KDUMP" 'page: 0x5000 excluded'
	"$D" split dump -n 3 -o part
	"$D" split other -n 3 -o other
	"$D" split moved -n 3 -o moved
	refused() { # MESSAGE PART...
		run -2 --separate-stderr "$D" join "${@:2}" -o out
		[[ $stderr = *"$1"* ]] || { echo "$stderr"; false; }
		[ ! -e out ]
	}
	refused 'part1: a part of a split set: the part with pages ' part1 part3
	refused 'part2: a part of a split set: the part with pages 0x0 to ' part2 part3
	refused 'part2 and part2: parts of a split set overlap' part1 part2 part2 part3
	refused 'other2: not of the same set as part1: the headers differ' part1 other2 part3
	refused 'moved2: not of the same set as part1' part1 moved2 part3
	refused 'dump: not a part of a split set' part1 dump
	run -1 "$D" join part1 missing part3 -o out
	run -2 "$D" join part1 -o out
	[ ! -e out ]
}

@test "misuse" {
	make dump "$KDUMP"
	run -2 "$D" split dump -o part
	run -2 "$D" split dump -n 1 -o part
	run -2 "$D" split dump -n 257 -o part
	run -2 "$D" split dump -n 2
	run -2 --separate-stderr "$D" split dump -n 200 -o part
	[[ $stderr = *'dump: 192 pages cannot be split into 200 parts'* ]]
	touch part2
	run -2 --separate-stderr "$D" split dump -n 2 -o part
	[[ $stderr = *'part2: exists already'* ]]
	[ ! -e part1 ]
	"$D" split dump -n 2 -o part --force
	run -2 "$D" join part1 part2 -o dump
	make dump1 "$KDUMP" 'version: 1'
	run -1 --separate-stderr "$D" split dump1 -n 2 -o new
	[[ $stderr = *'dump1: header version 1 knows no split sets'* ]]
}

@test "a descriptor that cannot be ends it, with the page's name" {
	make dump "$KDUMP" 'set: desc[70].size=5000'
	run -1 --separate-stderr "$D" split dump -n 2 -o part
	[[ $stderr = *'dump: page 0x106: descriptor: '*'size 5000'* ]]
	[ ! -e part1 ]
}
