#!/usr/bin/env bats
# vmstate diff: what changed between real QEMUs, and in exports that were changed by hand.

bats_require_minimum_version 1.5.0

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	DATA=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)
	V=$O/vmstate
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_diff.XXXXXX")
	cd "$TMP" || return
	for version in 7.2 8.2 10.0; do xz -dc "$DATA/x86_64@$version.json.xz" >$version; done
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }

# 10.0 as jq makes it, and what a diff says of that: "kind path before after".
changes() {
	jq "$1" 10.0 >changed
	run -1 "$V" diff --json 10.0 changed
	output=$(jq -r '.changes[] | "\(.kind) \(."device-before") \(.path): \(.before) > \(.after)"' <<<"$output")
}

@test "diff: of an export and itself" {
	for version in 7.2 10.0; do
		run -0 "$V" diff -q $version $version
		says "no difference"
		[ "$("$V" diff --json $version $version | jq -c '[.same, .changes]')" = "[true,[]]" ]
	done
}

# Whatever differs is told, and nothing else: by a program that knows of no renames.
@test "diff: real exports, both ways, place by place" {
	for pair in "7.2 8.2" "7.2 10.0" "8.2 10.0" "8.2 7.2" "10.0 7.2" "10.0 8.2"; do
		run -1 --separate-stderr "$V" diff --json $pair
		echo "$output" >diff
		"$BATS_TEST_DIRNAME/vmstate_diff.py" $pair diff
	done
	# That program does miss what is missing.
	for kind in version field-removed field-renamed field-wrapped subsection-removed; do
		jq --arg kind $kind 'del(first(.changes[] | select(.kind == $kind)))' diff >less
		run -1 --separate-stderr "$BATS_TEST_DIRNAME/vmstate_diff.py" 10.0 8.2 less
		[ -n "$output" ] && [ -z "$stderr" ]
	done
}

@test "diff: 7.2 to 10.0 is 13 devices that changed" {
	counts() { jq -c '.counts | to_entries | map(select(.value > 0) | "\(.key) \(.value)") | join(", ")' -r; }
	run -1 --separate-stderr "$V" diff --json 7.2 10.0
	[ "$(jq -r '[.changes[] | select(.kind | startswith("device-") | not) | ."device-before"] | unique | join(" ")' <<<"$output")" = \
		"acpi-ged am53c974 dc390 e1000e hpet isa-i8259 kvm-i8259 pic-common sb16 sd-card sysbus-esp vhost-user-fs-device virtio-gpu-device" ]
	[ "$(counts <<<"$output")" = \
		"device-added 22, device-removed 10, version 3, field-added 5, field-renamed 11, field-wrapped 1, fields-gone 1, subsection-added 7, subsection-removed 3" ]
	run -1 --separate-stderr "$V" diff --json 10.0 7.2
	[ "$(counts <<<"$output")" = \
		"device-added 10, device-removed 22, version 3, field-removed 5, field-renamed 11, field-wrapped 1, fields-gone 1, subsection-added 3, subsection-removed 7" ]
}

@test "diff: named devices, as text" {
	run -1 --separate-stderr "$V" diff 7.2 10.0 e1000e PIIX3 sb16
	says "PIIX3-xen
  device-removed     PIIX3-xen, in a stream PIIX3

e1000e
  field-renamed      core.itr_intr_pending: core.itr_intr_pending (1 byte) -> unused (1 byte)
  field-renamed      core.eitr_intr_pending: core.eitr_intr_pending (1 byte) -> unused (5 bytes)
  field-added        core.timadj: 8 bytes, conditional

pci-piix3
  device-removed     pci-piix3, in a stream PIIX3

sb16
  field-wrapped      irq: irq (4 bytes), dma (4 bytes), hdma (4 bytes), port (4 bytes), ver (4 bytes) -> unused (20 bytes)

6 changes in 4 devices: 2 device-removed, 1 field-added, 2 field-renamed, 1 field-wrapped"
	[[ $stderr = "vmstate: note: lengths of arrays were not compared:"* ]]
	run -0 --separate-stderr "$V" diff 8.2 10.0 e1000e
	says "no difference"
	[ -z "$stderr" ]
	run -1 --separate-stderr "$V" diff 8.2 10.0 e1000d
	[[ $stderr = "vmstate: no device 'e1000d' in either: did you mean 'e1000"*"'?" ]]
}

@test "diff: colours" {
	run -1 "$V" diff --color always 8.2 10.0 hpet ufs serial-mm vmclock
	[[ $output = *$'\e[1mhpet\e[0m\n\e[33m  field-renamed     \e[0m num_timers: '* ]]
	[[ $output = *$'\e[31m  device-removed    \e[0m serial-mm'* && $output = *$'\e[32m  device-added      \e[0m vmclock'* ]]
	run -1 "$V" diff --color never 8.2 10.0 hpet
	[[ $output != *$'\e'* ]]
}

# One change of each kind to a real device.
@test "diff: changed by hand" {
	changes '.e1000e.Description.Fields |= map(if .field == "core.mac" then .num = 40000 else . end)'
	says "field-num e1000e core.mac: 32768 > 40000"
	changes '.e1000e.Description.Fields |= map(if .field == "core.vet" then .size = 4 else . end)'
	says "field-size e1000e core.vet: 2 bytes > 4 bytes"
	changes '.e1000e.Description.Fields |= map(if .field == "core.vet" then .version_id = 2 | .field_exists = true else . end)'
	says "field-version e1000e core.vet: 0 > 2
field-condition e1000e core.vet: unconditional > conditional"
	changes '.e1000e.Description |= (.version_id += 1 | .minimum_version_id += 1) | .e1000e |= (.version_id += 1 | .minimum_version_id += 1)'
	says "version e1000e : 1 > 2
minimum e1000e : 1 > 2"
	changes '.e1000e.Description.name = "e1000-e"'
	says "name e1000e : e1000e > e1000-e"
	changes '.ee = .e1000e | del(.e1000e)'
	says "device-renamed e1000e : e1000e > ee"
	changes '.e1000e.Description.Fields |= .[1:] + [.[0]]'
	[[ $output = "field-moved e1000e parent_obj: first > behind "* && $output != *$'\n'* ]]
	changes '.i8257.Description.Fields |= map(if .field == "dshift" then
		.Description = {name: "d", version_id: 1, minimum_version_id: 1, Fields: [del(.Description)]} else . end)'
	says "field-wrapped i8257 dshift: 4 bytes > d v1"
}

@test "diff: reader that goes away, input that is none" {
	run -9 --separate-stderr bash -c '"$1" diff -q 7.2 10.0 >/dev/full' _ "$V"
	[[ $stderr = "vmstate: "* ]]
	run -1 --separate-stderr "$V" diff 7.2 nowhere
	[ "$stderr" = "vmstate: nowhere: No such file or directory" ]
	run -2 "$V" diff 7.2
}
