#!/usr/bin/env bats
# dumptool compare: what differs between dumps that are generated to differ so.

bats_require_minimum_version 1.5.0

setup() {
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(cd "$ROOT" && cd "${O:-build}" && pwd)/dumptool
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/compare.XXXXXX")
	cd "$TMP" || return
}

teardown() {
	cd / && rm -rf "$TMP"
}

BASE='cpus: 1
ram: 0..0xa0000
ram: 0x100000..0x1000000
page: 0x100000..0x200000 text
page: 0x800000..0x900000 random 1'

make() { # FILE FORMAT [LINE...]
	printf '%s\n' "format: $2" "$BASE" "${@:3}" | "$ROOT/tests/gen/gendump" - -o "$1"
}

@test "the same memory in two formats: exit 0" {
	make a elf
	make b kdump 'codec: lzo'
	run -0 --separate-stderr "$D" compare -q a b
	[[ $output = *'Same memory:         yes'* ]]
	run -0 "$D" compare --list --json a b
	jq -e '.same and .same_ranges and .differences == [] and .pages_compared == 160 + 3840
		and .runs == 0' <<<"$output"
}

@test "runs: merged, by address, as text and JSON" {
	make a elf
	make b kdump 'page: 0x110000..0x113000 fill 7' 'page: 0x113000 text other' 'page: 0x0 hex 01' \
		'page: 0xfff000 tail 1' 'page: 0x500000..0x600000 excluded'
	run -1 --separate-stderr "$D" compare -q --list a b
	diff <(sed -n '/START/,/^$/p' <<<"$output") - <<'TEXT'
     START    SIZE  WHAT
       0x0   4 KiB  different
  0x110000  16 KiB  different
  0x500000   1 MiB  only in the first
  0xfff000   4 KiB  different

TEXT
	run -1 "$D" compare --list --json a b
	jq -e '.pages_different == 6 and .pages_only_first == 256 and .pages_only_second == 0
		and .runs == 4 and (.same | not) and .same_ranges' <<<"$output"
	jq -e '.differences[1] == {start: "0x110000", size: 16384, what: "different"}' <<<"$output"
	run -1 "$D" compare --list --json b a
	jq -e '.pages_only_second == 256 and .differences[2].what == "only in the second"' <<<"$output"
}

@test "a summary: the areas where they are, and the ranges that differ" {
	make a elf
	make b elf 'page: 0x880000..0x980000 zero' 'ram: 0x40000000..0x40010000'
	run -1 "$D" compare --json a b
	jq -e '(.areas | map(.different) | add) == 524288' <<<"$output"
	jq -e '(.areas | map(.only_second) | add) == 65536' <<<"$output"
	jq -e '.range_differences == [{start: "0x40000000", end: "0x4000ffff", in: "second"}]' \
		<<<"$output"
	jq -e 'has("differences") | not' <<<"$output"
	jq -e '.areas | length <= 16' <<<"$output"
}

@test "the report does not depend on threads" {
	make a elf 'ram: 0x1000000..0x8000000'
	make b elf 'ram: 0x1000000..0x8000000' 'page: 0x3000000..0x6000000 counter' \
		'page: 0x4000000..0x4800000 zero' 'page: 0x7001000 tail 1'
	run -1 "$D" compare --list --json --threads 1 a b
	one=$output
	for threads in 2 7; do
		run -1 "$D" compare --list --json --threads $threads a b
		[ "$output" = "$one" ]
	done
}

@test "a page that cannot be read is named" {
	make a elf
	make b kdump 'codec: zlib' 'page: 0x130000 text payload=0011'
	run -1 "$D" compare -q a b
	[[ $output = *'page 0x130'* ]]
}

@test "misuse: one dump too few, one too many, a guest besides two" {
	make a elf
	run -2 env -u GUESTSCOPE_GUEST "$D" compare a
	[[ $output = *'second'* ]]
	run -2 "$D" compare a a a
	run -2 "$D" compare -g nobody a a
}
