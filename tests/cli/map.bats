#!/usr/bin/env bats
# dumptool map, and what info counts: generated dumps of which all is known.

bats_require_minimum_version 1.5.0

setup() {
	set -o pipefail # jq -e is content with no input at all
	ROOT=$(cd "$BATS_TEST_DIRNAME/../.." && pwd)
	D=$(cd "$ROOT" && cd "${O:-build}" && pwd)/dumptool
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/map.XXXXXX")
	cd "$TMP" || return
	unset COLUMNS COLORTERM NO_COLOR
	export LC_ALL=C.UTF-8
}

teardown() {
	cd / && rm -rf "$TMP"
}

KDUMP='format: kdump
codec: zlib
cpus: 1
ram: 0..0xa0000
ram: 0x100000..0x280000
ram: 0x40000000..0x40080000
page: 0x1000..0x9000 text
page: 0x9000..0xd000 random 1
page: 0x100000..0x110000 text
page: 0x200000..0x240000 excluded
page: 0x240000..0x248000 lost
page: 0x250000..0x254000 text codec=lzo
page: 0x260000 text payload=00112233
page: 0x40000000..0x40040000 random 2'

make() { # FILE DESCRIPTION [LINE...]
	printf '%s\n' "${@:2}" | "$ROOT/tests/gen/gendump" - -o "$1"
}

@test "text: the map of a small dump, letter by letter" {
	make dump "$(sed 's/zlib/raw/; s/codec=lzo//' <<<"$KDUMP")" # sizes that no library decides
	"$D" map -q dump >out
	diff - out <<'TEXT'
Memory of dump: 2.6 MiB
Linux 6.1.0-test, x86_64, kdump of 482.3 KiB, dump level 1

           +0              +64 KiB         +128 KiB        +192 KiB        ratio
         0 .DDDDDDDDDDDD...................................................  1.0
   0x40000 ................................................................
   0x80000 ................................                                
           - - - no memory: 384 KiB - - -
  0x100000 DDDDDDDDDDDDDDDD................................................  1.0
  0x140000 ................................................................
  0x180000 ................................................................
  0x1c0000 ................................................................
  0x200000 XXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXXX
  0x240000 XXXXXXXX........DDDD............!...............................  1.0
           - - - no memory: 1021.5 MiB - - -
0x40000000 DDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDDD  1.0
0x40040000 ................................................................

! ! unreadable          4 KiB    0.1 %            1 pages  in the dump, but reading them fails
D d data              384 KiB   14.3 %           96 pages  data of no known class
X x excluded          288 KiB   10.7 %           72 pages  left out of the dump, or lost
. z zero                2 MiB   74.9 %          503 pages  zero, whatever they are used for

A cell is 4 KiB, a row 256 KiB. The first letter is for cells of one kind to three quarters, excluded or zero altogether.
Pages with data: 384 KiB, stored in 384 KiB.
TEXT
}

@test "json: cells and total agree with the description" {
	make dump "$KDUMP"
	"$D" map --json dump >out
	jq -e '.total | .data == 96 and .excluded == 72 and .unreadable == 1 and .zero == 503' out
	jq -e '.pages == 672 and ([.total[]] | add) == 672' out
	jq -e '.total as $total | .cells as $cells | $total | keys | all(. as $kind |
		($cells | map(.[$kind]) | add) == $total[$kind])' out
	jq -e '(.cells | map(.stored_bytes) | add) == .stored_bytes' out
	jq -e '.cells[0].start == "0x0" and .cells[-1].start == "0x4007f000"' out
	"$D" map --json --cell 64K dump >out
	jq -e '.cell_size == 65536 and (.cells | length) == 10 + 24 + 8' out
	jq -e '.cells[0] | .zero == 4 and .data == 12 and .stored_pages == 12' out
}

@test "cells of impossible sizes are refused" {
	make dump "$KDUMP"
	for size in 5000 1K 0 1048576T 9007199254740992; do
		run -2 --separate-stderr "$D" map -q --cell $size dump
		[[ $stderr = *bucket* || $stderr = *cell* ]]
	done
	"$D" map -q --cell 4096T dump -o huge.svg # one cell for all that there can be
	[ "$("$D" map --json --cell 4096T dump | jq '.cells | length')" -eq 1 ]
}

# dump.svg and the document "out" of the same map: do they agree, and is the picture in shape?
check_svg() {
	/usr/bin/python3 - <<'PYTHON'
import collections, json, re
import xml.etree.ElementTree as tree
total = {k: n for k, n in json.load(open("out"))["total"].items() if n}
svg = "{http://www.w3.org/2000/svg}"
root = tree.parse("dump.svg").getroot()
texts = [t for t in root.iter(svg + "text")]
names = [t.text for t in texts if "name" in t.get("class")]
pages = [int(re.search(r"(\d+) pages$", t.text)[1]) for t in texts if "legend" in t.get("class")]
assert dict(zip(names, pages)) == total, (names, pages)
cells = collections.Counter()
for rect in root.iter(svg + "rect"):
    for title in rect.iter(svg + "title"):
        for name, number in re.findall(r"^([a-z-]+): (\d+) pages$", title.text, re.M):
            cells[name] += int(number)
assert cells == total, cells
# What is drawn stays within its row.
for path in root.iter(svg + "path"):
    for x, y, w, h in re.findall(r"M(\d+) ([\d.]+)h(\d+)v([\d.]+)H", path.get("d")):
        assert 0 < float(h) <= 26 and 0 < int(w) <= 1024, path.get("d")
width, height = int(root.get("width")), int(root.get("height"))
for rect in root.iter(svg + "rect"):
    assert int(rect.get("x", 0)) + int(rect.get("width")) <= width
    assert int(rect.get("y", 0)) + int(rect.get("height")) <= height
PYTHON
}

@test "svg: well-formed; the legend has the totals, the cells add up to them" {
	make dump "$KDUMP"
	"$D" map dump -q --json -o dump.svg >out
	check_svg
}

@test "svg: cells that hold a little of everything" {
	make dump "$KDUMP" 'ram: 0x1000000..0x4000000' 'page: 0x1000000 text' 'page: 0x1001000 excluded' \
		'page: 0x1100000 excluded' 'page: 0x1200000 text payload=00' 'page: 0x1300000 text' \
		'page: 0x1301000 text payload=00' 'page: 0x1302000 excluded' \
		'page: 0x2000000..0x2100000 text' 'page: 0x2000000 text payload=00'
	"$D" map dump -q --json --cell 1M -o dump.svg >out
	check_svg
}

@test "svg: what a dump says of itself is no markup" {
	name='<a href="x">&amp;'$'\x01'
	make plain "${KDUMP/codec/'release: 6.1<script>&'$'\n'codec}"
	mv plain "$name"
	"$D" map -q "$name" -o dump.svg
	/usr/bin/python3 - <<'PYTHON'
import xml.etree.ElementTree as tree
texts = [t.text for t in tree.parse("dump.svg").getroot().iter("{http://www.w3.org/2000/svg}text")]
assert any('<a href="x">&amp;\\x01' in t for t in texts), texts
assert any("6.1<script>&" in t for t in texts), texts
PYTHON
}

@test "svg: a file is made as others are: refused if it exists, replaced by --force, - is stdout" {
	make dump "$KDUMP"
	echo precious >dump.svg
	run -2 "$D" map -q dump -o dump.svg
	[ "$(cat dump.svg)" = precious ]
	"$D" map -q dump -o dump.svg --force
	"$D" map -q dump -o - | cmp - dump.svg
	run -2 "$D" map -q dump -o - --json
}

@test "colour: as asked, in 256 colours or 24 bits, blocks only where they can be shown" {
	make dump "$KDUMP"
	[ "$("$D" map -q dump | grep -c $'\033')" -eq 0 ]
	COLORTERM=truecolor "$D" map -q --color=always dump | grep $'\033\[38;2;' >out
	"$D" map -q --color=always dump >out
	grep -q $'\033\[38;5;' out && ! grep -q ';2;' out && grep -q $'\xe2\x96\x88' out
	LC_ALL=C "$D" map -q --color=always dump | LC_ALL=C grep -q $'\xe2' && false
	# Every line that colours ends without.
	! grep $'\033\[[34]8' out | grep -v $'\033\[0m'
}

@test "the map does not depend on threads" {
	make dump "$KDUMP" 'ram: 0x1000000..0x9000000' 'page: 0x1000000..0x5000000 counter'
	"$D" map --json --threads 1 dump >one
	for threads in 2 7; do
		"$D" map --json --threads $threads dump | cmp - one
	done
}

@test "a terabyte that holds little is drawn at once, and the little is seen" {
	truncate -s 1T dump
	printf x | dd of=dump bs=1 seek=$((700 << 30)) conv=notrunc status=none
	timeout 10 "$D" map -q --raw-base 0 dump >out
	[ "$(grep -c '^ *0x\?[0-9a-f]* [.z]*$' out)" -eq 16 ]
	[ "$(grep -o '[.]z[.]' out | wc -l)" -eq 1 ]
	timeout 10 "$D" map -q --raw-base 0 dump -o dump.svg
	[ "$(stat -c %s dump.svg)" -lt 65536 ]
	grep -q 'class="data"' dump.svg
}

@test "info: states, and codecs with the ratio of what has data" {
	make dump "$KDUMP"
	"$D" info --json --pages dump >out
	jq -e '.pages | .all_read and .count == 672 and .data == 96 and .zero == 503
		and .excluded == 72 and .unreadable == 1' out
	jq -e '[.pages.codecs[] | {(.codec): .pages}] | add == {raw: 68, zlib: 24, lzo: 4}' out
	jq -e '.pages.codecs[] | select(.codec == "raw") | .size == .stored and .ratio == 1' out
	jq -e '.pages | .compression_ratio > 1.3 and .compression_ratio < 1.5' out
	jq -e '.pages | has("classes") | not' out
	# Without reading the damaged page passes for one with data.
	"$D" info --json dump >out
	jq -e '.pages | (.all_read | not) and .data == 97 and .zero == 503 and .unreadable == 0' out
}

@test "info: a descriptor that cannot be right is an unreadable page, read or not" {
	make dump "$KDUMP" 'set: desc[3].flags=0x40' 'set: desc[4].size=9999'
	for option in --pages -q; do
		"$D" info --json $option dump >out
		jq -e '.pages | .unreadable >= 2 and .count == 672' out
	done
}

@test "info: zero pages that are stored one by one are found by reading" {
	make dump "$KDUMP" 'zero: stored'
	"$D" info --json dump | jq -e '.pages | .zero == 0 and .data == 600'
	"$D" info --json --pages dump | jq -e '.pages | .zero == 503 and .data == 96'
}
