#!/usr/bin/env bats
# vmstate diff --html: the page is whole, holds all that the diff says, and no name does harm.

bats_require_minimum_version 1.5.0

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	DATA=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)
	V=$O/vmstate
	CHECK=$BATS_TEST_DIRNAME/vmstate_html.py
	PAGES=$(cd "$BATS_TEST_DIRNAME/../../vmstate" && pwd)
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_html.XXXXXX")
	cd "$TMP" || return
	for version in 7.2 8.2 10.0; do xz -dc "$DATA/x86_64@$version.json.xz" >$version; done
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }

# As the checker prints them.
changes() {
	"$V" diff --json -q "$@" | jq -r '.changes[] | [."device-before" // ."device-after", ."device-after" // ."device-before",
		.kind, .path, .before // "", .after // ""] | join("|")' | sort
}

# A small export: a device with a field, by the names that are given.
device() { # TYPE NAME FIELD
	jq -n --arg type "$1" --arg name "$2" --arg field "$3" '{vmschkmachine: {Name: "none"},
		($type): {Name: $type, version_id: 1, minimum_version_id: 1,
			Description: {name: $name, version_id: 1, minimum_version_id: 1,
				Fields: [{field: $field, version_id: 0, field_exists: false, size: 4}]}}}'
}

@test "page: real exports, both ways: well formed, all changes, each with its line" {
	for pair in "7.2 8.2" "7.2 10.0" "8.2 10.0" "10.0 7.2" "10.0 8.2"; do
		run -1 --separate-stderr "$V" diff --html $pair
		[ -z "$stderr" ]
		echo "$output" >page
		"$CHECK" page --changes | sort >said
		changes $pair | diff - said
		[ "$(wc -l <said)" -gt 20 ]
		[ "$(grep -o 'href="#line-' page | wc -l)" -eq "$(awk -F '|' '$4 != ""' said | wc -l)" ]
	done
}

@test "page: size, and what is said of both" {
	run -1 "$V" diff --html 7.2 10.0
	[ "${#output}" -lt 500000 ]
	echo "$output" >page
	"$CHECK" page --text >text
	grep -q '63 changes in 45 devices' text
	grep -q 'Lengths of arrays were not compared' text
	[ "$(grep -c '^<details class="item"' page)" -eq 45 ]
	"$V" diff --html 7.2 10.0 | cmp - page # the same input, the same bytes
	run -1 "$V" diff --html 7.2 10.0 e1000e sb16
	[ "$(grep -c '^<details class="item"' <<<"$output")" -eq 2 ]
	[[ $output = *"Asked for: "*e1000e*sb16* ]]
	run -0 "$V" diff --html 7.2 7.2
	[[ $output = *"No difference."* && $output != *'id="search"'* ]]
}

@test "page: what check says of each device, both ways, the worst first" {
	for pair in "7.2 10.0" "10.0 8.2"; do
		run -1 "$V" diff --html $pair
		echo "$output" >page
		"$CHECK" page --text >text
		run "$V" check --json $pair
		echo "$output" >verdicts
		sed -n 's/^<details class="item" id="device-\([^"]*\)" data-kind="\([^"]*\)".*/\1\2/p' page >said
		[ -s said ]
		jq -r '.devices[] | (."type-before" // ."type-after") as $type
			| "\($type)\(if ."type-before" then " forward-\(.forward.verdict)" else "" end)\(
				if ."type-after" then " backward-\(.backward.verdict)" else "" end)"' verdicts | sort >want
		[ -z "$(sort said | comm -23 - want)" ]
		# A device that did not change has nothing to say.
		awk '/(BREAK|SILENT|CONDITIONAL|UNKNOWN)/ { print $1 }' want | comm -23 - <(cut -d ' ' -f 1 said | sort) >quiet
		[ ! -s quiet ]
		jq -r '.findings[].text' verdicts | sort -u | while read -r sentence; do grep -qF "$sentence" text; done
	done
	awk 'BEGIN { split("OK INFO UNKNOWN CONDITIONAL BREAK SILENT", names) }
		/^<section class="group"/ { last = 9 }
		/^<details class="item"/ { worst = 0; for (i in names) if ($0 ~ "(for|back)ward-" names[i] && i + 0 > worst) worst = i + 0
			bad += worst > last
			last = worst; count++ }
		END { exit bad || !count }' page
}

@test "page: what several findings come to, and what is the same both ways" {
	device a a f | jq '.a.Description.Subsections = [{name: "a/x", version_id: 1, minimum_version_id: 1, Fields: []},
		{name: "a/y", version_id: 1, minimum_version_id: 1, Fields: []}]' >old
	device a a f >new
	run -1 "$V" diff --html old new
	echo "$output" >page
	"$CHECK" page --text >text
	grep -qF '→ CONDITIONAL All together: It breaks if a/x is sent, or a/y is sent.' text
	[ "$(grep -c 'All together' text)" -eq 1 ]
	device a a x | jq '.a.Description.Fields[0] += {Description: {name: "s", version_id: 1, minimum_version_id: 2}}' >old
	jq '.a.Description.Subsections = [{name: "a/s", version_id: 1, minimum_version_id: 1}]' old >new
	run -1 "$V" diff --html old new
	[ "$(grep -c '<li>.*↔ BREAK' <<<"$output")" -eq 1 ]
	[ "$(grep -c '<li>.*[→←] BREAK' <<<"$output")" -eq 0 ]
}

@test "page: which QEMU it was, why a device is missing" {
	about() { # VERSION, with types and missing modules
		jq --arg version "$1" --argjson more "$2" '{guestscope: ({format: 1, qemu: {version: $version, package: "Debian <1>",
			target: "x86_64", binary: "/opt/q", program: "/opt/q"}} + $more), dump: .}'
	}
	about 7.2.22 '{"types": {"abstract": {"device": "object"}, "real": {"qxl": "device", "sysbus-ahci": "device"}}}' <7.2 >old
	about 10.0.13 '{"modules": {"loaded": [], "missing": ["hw-display-qxl"]}, "types": {"abstract": {"device": "object",
		"sdmmc-common": "device"}, "real": {"sysbus-ahci": "device"}, "missing": {"qxl": "hw-display-qxl"}}}' <10.0 >new
	run -1 "$V" diff --html old new
	echo "$output" >page
	"$CHECK" page --text >text
	for words in 7.2.22 10.0.13 'Debian <1>' 'Missing moduleshw-display-qxl' 'it did not find. (hw-display-qxl)'; do
		grep -qF "$words" text
	done
	kind() { sed -n "s/^<details class=\"item\" id=\"device-$1\" data-kind=\"\([a-z-]*\)[ \"].*/\1/p" page; }
	[ "$(kind qxl) $(kind sysbus-ahci) $(kind sdmmc-common) $(kind e1000e) $(kind ufs)" = "module-missing no-state abstract  no-such-type" ]
}

@test "page: devices that are used, and those that are named besides" {
	printf 'e1000e\nqxl\nac97\n' >used
	run -1 --separate-stderr "$V" diff --html --used-by used 7.2 10.0 sb16
	[ "$stderr" = "vmstate: note: used, but in neither export: ac97" ]
	echo "$output" >page
	"$CHECK" page
	sed -n 's/^<details class="item" id="device-\([a-z0-9]*\)" data-kind="\([^"]*\)".*/\1\2/p' page | sort >said
	[ "$(cut -d ' ' -f 1 said | tr '\n' ' ')" = "e1000e qxl sb16 " ]
	[ "$(grep -c '^qxl forward-BREAK$' said)" -eq 1 ] # it is used: no condition
	[ "$(grep -c 'forward-.* backward-' said)" -eq 2 ]
}

@test "page: names that want to be markup, or to drive something" {
	bad='<script>alert("1")</script>'
	nasty=$'</td></details>\'"&amp;<img src=x onerror=a>\e[31m\u202e\u0085 -->'
	device "$bad" "$nasty" "$nasty" >old
	device "$bad" "$nasty" "</style></script>$bad" >new
	device "$nasty" "\"><b>" "x" >other
	device 'a b#c%20"d' "c" $'tab\tline\nfeed' >spaces
	cp other "$TMP/<b>&\"'.json"
	for pair in "old new" "old other" "other old" "spaces old" "old spaces"; do
		run -1 "$V" diff --html $pair
		echo "$output" >page
		"$CHECK" page --text >text
		[[ $pair != *old* ]] || grep -qF "$bad" text
		[[ $pair != *other* ]] || grep -qF '</td></details>'\''"&amp;<img src=x onerror=a>\x1b[31m\xe2\x80\xae\xc2\x85 -->' text
	done
	run -1 "$V" diff --html "<b>&\"'.json" old "$nasty" "$bad" --force
	[ "$status" -eq 1 ]
	run -1 "$V" diff --html "<b>&\"'.json" old "$bad"
	echo "$output" >page
	"$CHECK" page --text | grep -qF "<b>&\"'.json"
}

@test "page: long names are cut, and not in the middle of a character" {
	name=$(printf 'n%.0s' {1..119})
	device d d "$name" >old
	for end in o:o or:o... ord:o... é:... éa:...; do
		device d d "$name${end%:*}" >new
		run -1 "$V" diff --html old new
		echo "$output" >page
		grep -qF "class=\"name after\" style=\"--in:0\">$name${end#*:}</td>" page
	done
}

@test "page: no more than a browser takes" {
	for n in 1 2; do
		jq -nc --arg n $n '[range(100000) | {key: "device-\($n)-\(.)", value: {Name: "x", version_id: 1, minimum_version_id: 1}}]
			| {vmschkmachine: {Name: "none"}} + from_entries' >many$n
		jq -nc --arg n $n '{vmschkmachine: {Name: "none"}, a: {Name: "a", version_id: 1, minimum_version_id: 1, Description:
			{name: "a", version_id: 1, minimum_version_id: 1, Fields: [range(100000) |
			{field: "\"\u0001&<\($n)-\(.)-\("<" * 100)", version_id: 0, field_exists: false, size: (. + ($n | tonumber))}]}}}' >wide$n
	done
	run -1 timeout 20 "$V" diff --html -o page many1 many2
	"$CHECK" page --text >text
	[ "$(wc -c <page)" -lt 8000000 ]
	grep -q '190000 changes are counted, but left out, and all of 190000 devices' text
	run -1 timeout 20 "$V" diff --html -o wide wide1 wide2
	"$CHECK" wide --text >text
	[ "$(wc -c <wide)" -lt 32000000 ]
	grep -q 'more changes are left out' text
	grep -q 'more lines are left out' text
}

@test "page: into a file, whole or not at all" {
	run -1 --separate-stderr "$V" diff --html -o page 7.2 10.0
	[ -z "$output" ] && [ -z "$stderr" ]
	"$CHECK" page
	run -2 --separate-stderr "$V" diff --html -o page nowhere 10.0
	[ "$stderr" = "vmstate: page: exists already (--force replaces it)" ]
	run -1 "$V" diff --html -o page --force 8.2 10.0
	"$V" diff --html 8.2 10.0 | cmp - page
	run -1 --separate-stderr "$V" diff --html -o new 7.2 nowhere
	[ ! -e new ]
	run -9 --separate-stderr bash -c '"$1" diff --html 7.2 10.0 >/dev/full' _ "$V"
	[[ $stderr = "vmstate: "* ]]
}

@test "page: options that do not go together" {
	run -2 --separate-stderr "$V" diff --html --json 7.2 10.0
	[ "$stderr" = "vmstate: --html and --json are two formats" ]
	run -2 --separate-stderr "$V" diff -o page 7.2 10.0
	[ "$stderr" = "vmstate: --output wants --html" ]
	run -2 --separate-stderr "$V" diff --force 7.2 10.0
	[ "$stderr" = "vmstate: --force wants --html" ]
	[ ! -e page ]
}

@test "page: style and script are valid, and end where they should" {
	run grep -niE '</(style|script)|<!--' "$PAGES/page.css" "$PAGES/page.js"
	[ "$status" -eq 1 ]
	if ! command -v node >/dev/null; then skip "no node"; fi
	node --check "$PAGES/page.js"
}

# What a user does, by a script behind the page's own; what comes of it is the page's title.
@test "page: in a browser, search, filters, folds and links work" {
	browser=$(command -v chromium chromium-browser google-chrome | head -n 1) || true
	if [ -z "$browser" ]; then skip "no chromium"; fi
	run -1 "$V" diff --html 7.2 10.0
	{ echo "$output" && cat "$BATS_TEST_DIRNAME/vmstate_html.js.html"; } >page.html
	run -0 --separate-stderr timeout 60 "$browser" --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$TMP/profile" \
		--virtual-time-budget=20000 --dump-dom "file://$TMP/page.html"
	output=$(sed -n 's/^<title>\(.*\)<\/title>.*/\1/p' <<<"$output" | head -n 1)
	says "all well"
}
