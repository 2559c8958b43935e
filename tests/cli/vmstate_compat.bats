#!/usr/bin/env bats
# vmstate check --compat-script: the complaints of QEMU's own checker, in its order, and its exit
# status. What it says of tests/data is in vmstate_compat.golden: measured, with
# `vmstate_compat.py print`. CHECKER=PATH of scripts/vmstate-static-checker.py compares with itself,
# and far more of them; COUNT says how many pairs are made for that (2000).

bats_require_minimum_version 1.5.0

setup() {
	export O
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	DATA=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)
	V=$O/vmstate
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_compat.XXXXXX")
	cd "$TMP" || return
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }
complains() { [ "$stderr" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$stderr" "$1" && false; }; }
compat() { "$V" check --compat-script "$@"; }
plain() { for version; do xz -dc "$DATA/$version.json.xz" >"$version"; done; }

# A report as the golden lines are.
lines_of() {
	jq -r '.findings[] | [.kind, .section // "-", .description // "-", .name // "-", .other // "-", .before, .after] | @tsv'
}

@test "compat-script: real exports" {
	count=0
	while read -r _ before after complaints; do
		run -"$complaints" --separate-stderr compat --json "$DATA/$before.json.xz" "$DATA/$after.json.xz"
		echo "$before to $after"
		lines_of <<<"$output" |
			diff <(sed "1,/^== $before $after /d; /^==/,\$d" "$BATS_TEST_DIRNAME/vmstate_compat.golden") -
		[ "$(jq .complaints <<<"$output")" = "$complaints" ]
		run -"$complaints" compat --direction backward "$DATA/$after.json.xz" "$DATA/$before.json.xz"
		[ "${lines[-1]}" = "Complaints:  $complaints" ]
		count=$((count + 1))
	done < <(grep '^==' "$BATS_TEST_DIRNAME/vmstate_compat.golden")
	[ $count -eq 7 ]
}

@test "compat-script: no complaint, and more than an exit status can say" {
	run -0 compat "$DATA/x86_64@7.2.json.xz" "$DATA/x86_64@7.2.json.xz"
	says "Complaints:  0"
	run -255 compat --json "$DATA/aarch64@7.2.json.xz" "$DATA/x86_64@10.0.json.xz"
	[ "$(jq '.complaints, ([.findings[] | select(.kind == "section")] | length)' -c <<<"$output" | xargs)" = "483 476" ]
}

# A sentence of each kind, and in the order of the export.
@test "compat-script: in words" {
	cat >a <<-'E'
		{"vmschkmachine": {"Name": "pc"},
		 "gone": {"Name": "gone", "version_id": 1, "minimum_version_id": 1, "Description": {"name": "gone", "version_id": 1, "minimum_version_id": 1}},
		 "d": {"Name": "d", "version_id": 3, "minimum_version_id": 1, "Description": {"name": "d", "version_id": 3, "minimum_version_id": 1, "Fields": [
		  {"field": "size", "version_id": 0, "field_exists": false, "size": 4},
		  {"field": "struct", "version_id": 0, "field_exists": false, "size": 4, "Description": {"name": "s", "version_id": 1, "minimum_version_id": 1, "Fields": []}},
		  {"field": "before", "version_id": 0, "field_exists": false, "size": 4}], "Subsections": [
		  {"name": "d/gone", "version_id": 1, "minimum_version_id": 1},
		  {"name": "d/old", "version_id": 1, "minimum_version_id": 1, "Fields": [], "Subsections": []},
		  {"name": "d/short", "version_id": 1, "minimum_version_id": 1, "Fields": [{"field": "last", "version_id": 0, "field_exists": false, "size": 4}]},
		  {"name": "d/unused", "version_id": 1, "minimum_version_id": 1, "Fields": [
		   {"field": "unused", "version_id": 0, "field_exists": false, "size": 3}]}]}},
		 "name": {"Name": "name", "version_id": 1, "minimum_version_id": 1, "Description": {"name": "x", "version_id": 1, "minimum_version_id": 1}}}
	E
	cat >b <<-'E'
		{"vmschkmachine": {"Name": "q35"},
		 "d": {"Name": "d", "version_id": 2, "minimum_version_id": 1, "Description": {"name": "d", "version_id": 2, "minimum_version_id": 1, "Fields": [
		  {"field": "size", "version_id": 0, "field_exists": false, "size": 8},
		  {"field": "struct", "version_id": 0, "field_exists": false, "size": 4},
		  {"field": "after", "version_id": 0, "field_exists": false, "size": 4}], "Subsections": [
		  {"name": "d/old", "version_id": 3, "minimum_version_id": 2, "Fields": []},
		  {"name": "d/short", "version_id": 1, "minimum_version_id": 1, "Fields": []},
		  {"name": "d/unused", "version_id": 1, "minimum_version_id": 1, "Fields": [
		   {"field": "p", "version_id": 0, "field_exists": false, "size": 2},
		   {"field": "q", "version_id": 0, "field_exists": false, "size": 2}]}]}},
		 "name": {"Name": "name", "version_id": 1, "minimum_version_id": 1, "Description": {"name": "y", "version_id": 1, "minimum_version_id": 1}}}
	E
	run -12 compat a b
	says "machine: pc is not q35 (this does not count)
gone: section: it is gone
d: version: from 3 down to 2
d: d: version: from 3 down to 2
d: d: size: size went from 4 bytes to 8
d: d: no-description: struct is no struct any more
d: d: field: before became after; what follows was not looked at
d: d: subsection: d/gone is gone
d: d/old: minimum: 1 is less than 2
d: d/old: entry: Subsections is gone
d: d/short: end: last is gone, and so is all that could be in its place
d: d/unused: unused: they do not come out even at q
name: x: description: it became y, and was not looked into

Complaints:  12"
}

@test "compat-script: what does not go with it, and what is no export" {
	for more in --strict "--fail-on info" "--devices e1000" "--format sarif" "--baseline x"; do
		run -2 --separate-stderr compat $more "$DATA/x86_64@7.2.json.xz" "$DATA/x86_64@7.2.json.xz"
		read -r option _ <<<"$more"
		complains "vmstate: --compat-script knows of no $option"
		[ -z "$output" ]
	done
	run -2 --separate-stderr compat --direction both "$DATA/x86_64@7.2.json.xz" "$DATA/x86_64@7.2.json.xz"
	complains "vmstate: --compat-script: one direction at a time"
	run -2 --separate-stderr compat "$DATA/x86_64@7.2.json.xz" "$DATA/x86_64@7.2.json.xz" e1000
	complains "vmstate: --compat-script checks all devices, not some"
	run -1 --separate-stderr compat nowhere "$DATA/x86_64@7.2.json.xz"
	complains "vmstate: nowhere: No such file or directory"
	run -9 --separate-stderr bash -c '"$1" check --compat-script "$2" "$3" >/dev/full' _ "$V" "$DATA/x86_64@7.2.json.xz" "$DATA/x86_64@10.0.json.xz"
}

@test "compat-script: as the checker itself says" {
	if [ -z "${CHECKER-}" ]; then skip "no CHECKER=PATH of QEMU's vmstate-static-checker.py"; fi
	plain x86_64@7.2 x86_64@8.2 x86_64@10.0 aarch64@7.2
	run -0 --separate-stderr "$BATS_TEST_DIRNAME/vmstate_compat.py" compare "$CHECKER" "${COUNT:-2000}" "$RANDOM" *@*
	echo "# $output" >&3
}
