#!/usr/bin/env bats
# vmstate's commands on what real QEMUs exported (tests/data), and on what is no export.
#
# GOLDEN=update bats -f help: tests/cli/vmstate.bats    rewrites the expected help.

bats_require_minimum_version 1.5.0

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	DATA=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)
	V=$O/vmstate
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate.XXXXXX")
	cd "$TMP" || return
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }
complains() { [ "$stderr" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$stderr" "$1" && false; }; }

export_of() { echo "$DATA/${2:-x86_64}@$1.json.xz"; }
show() { "$V" show --json "$(export_of "$1")" "${@:2}"; }

# ---- help and misuse ----

@test "help: as expected" {
	{
		"$V" --help
		for command in $("$V" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+)  .*/\1/p'); do
			printf -- '---- %s\n' "$command"
			"$V" "$command" --help
		done
	} >help
	golden=$BATS_TEST_DIRNAME/vmstate.help
	if [ "${GOLDEN-}" = update ]; then cp help "$golden"; fi
	diff -u "$golden" help
}

@test "help: misuse is told on stderr, exit 2" {
	for args in "" "nonsense" "show" "show a b c" "show --nonsense a" "show --tree $(export_of 7.2)" "lint"; do
		run -2 --separate-stderr "$V" $args
		[ -z "$output" ]
		[[ $stderr = vmstate:* ]]
	done
}

# ---- exports ----

@test "files: plain, packed by xz, and ours that QEMU's is in" {
	xz -dc "$(export_of 10.0)" >plain
	{ echo '{"guestscope": {"format": 1}, "dump":' && cat plain && echo '}'; } >ours
	xz -k ours
	"$V" show "$(export_of 10.0)" >want
	for file in plain ours ours.xz; do
		"$V" show $file | diff want -
	done
}

@test "files: none, no JSON, no export, cut off, more than there can be" {
	run -1 --separate-stderr "$V" show nowhere
	complains "vmstate: nowhere: No such file or directory"
	echo '{"vmschkmachine"' >bad
	run -1 --separate-stderr "$V" show bad
	[[ $stderr = "vmstate: bad: "*"offset"* ]]
	: >empty
	run -1 --separate-stderr "$V" show empty
	echo '{"execute": "query-status"}' >other
	run -1 --separate-stderr "$V" show other
	complains "vmstate: other: no 'vmschkmachine': not what -dump-vmstate writes"
	head -c 9000 "$(export_of 10.0)" >cut.xz
	run -1 --separate-stderr "$V" show cut.xz
	complains "vmstate: cut.xz: xz: it is cut off"
	head -c 100M /dev/zero | xz -0 >zeros.xz
	run -1 --separate-stderr "$V" show zeros.xz
	complains "vmstate: zeros.xz: holds more than 33554432 bytes"
}

# ---- show ----

# Devices, and fields and subsections of all of them by all that is said of them: by jq from the
# export itself, and by vmstate.
@test "show: has all that is in the export" {
	for version in 7.2 10.0; do
		xz -dc "$(export_of $version)" >plain
		jq -c 'del(.vmschkmachine) | to_entries | sort_by(.key | explode)[] | [.key, .value.Description.name,
			.value.version_id, .value.minimum_version_id]' plain >want
		show $version | jq -c '.devices[] | [.type, .name, .version, .minimum]' | diff want -
	done
	jq -c 'del(.vmschkmachine) | to_entries | sort_by(.key | explode)[].value.Description |
		def parts($depth): (.Fields // [] | .[] | [$depth, .field, .version_id, .field_exists, .num,
				(if .Description then .Description.name else .size end)],
				(.Description // empty | parts($depth + 1))),
			(.Subsections // [] | .[] | [$depth, .name, .version_id, .minimum_version_id],
				parts($depth + 1));
		parts(0)' plain >want
	for device in $(show 10.0 | jq -r '.devices[].type'); do
		"$V" show --json --tree plain "$device"
	done | jq -c '.parts // [] | .[] | if .kind == "field"
		then [.depth, .name, .version, .conditional, .num, .description // .size]
		else [.depth, .name, .version, .minimum] end' | diff want -
}

@test "show: counts" {
	count() { show "$1" | jq -c '[.["array-lengths"], (.devices | length), (.devices | map(select(.migratable | not)) | length)]'; }
	[ "$(count 7.2)" = '[false,213,17]' ]
	[ "$(count 8.2)" = '[true,222,19]' ]
	[ "$(count 10.0)" = '[true,225,19]' ]
}

@test "show: a device by its type, by its name in a stream, and by a typing mistake" {
	run -0 "$V" show "$(export_of 10.0)" PIIX4_PM
	want=$output
	run -0 "$V" show "$(export_of 10.0)" piix4_pm
	says "$want"
	run -0 --separate-stderr "$V" show "$(export_of 10.0)" i8259
	[[ $output = "Device:"*" isa-i8259"$'\n'* ]]
	complains "vmstate: note: this is isa-i8259; the same name in a stream have: kvm-i8259, pic-common"
	run -1 --separate-stderr "$V" show "$(export_of 10.0)" e1000d
	[[ $stderr = *": no device 'e1000d': did you mean 'e1000"*"'?" ]]
	run -1 --separate-stderr "$V" show "$(export_of 10.0)" xyz
	[[ $stderr = *": no device 'xyz'" ]]
}

@test "show: one that refuses to be saved" {
	run -0 "$V" show "$(export_of 10.0)" nvme
	[[ $output = *"It refuses to be saved"* ]]
	[ "$(show 10.0 nvme | jq .migratable)" = false ]
}

# By a real stream of this device: 131072 bytes of core.mac, and so on.
@test "show: bytes" {
	row() { show "$1" "${@:3}" | jq -c --arg name "$2" '.parts[] | select(.name == $name) | [.bytes, .certainty]'; }
	[ "$(row 10.0 core.mac e1000e)" = '[131072,"exact"]' ]
	[ "$(row 7.2 core.mac e1000e)" = '[4,"at-least"]' ]
	[ "$(row 10.0 msix --tree e1000e)" = '[null,"unknown"]' ]
	[ "$(row 10.0 up --tree kvmvapic)" = '[44,"exact"]' ]
}

# ---- lint ----

# All that is wrong there: timers that QEMU 7.2 declares from version 1 on, of descriptions that are
# of version 0.
@test "lint: mistakes of a real QEMU, exit 1" {
	file=$(export_of 7.2 aarch64)
	run -1 "$V" lint "$file"
	[[ $output = *"imx2.wdt:
  error never-migrated: imx2.wdt/timer: it is there from version 1 on, but the description's version is 0: "* ]]
	run -1 "$V" lint --json "$file"
	[ "$(jq -r '.findings[] | select(.severity == "error") | [.code, .device, .path] | @tsv' <<<"$output")" = \
		"$(printf 'never-migrated\timx2.wdt\timx2.wdt/timer
never-migrated\timx2.wdt\timx2.wdt/itimer
never-migrated\txlnx.csu_dma\txlnx.csu_dma/src_timer')" ]
	[ "$(jq -c '[.errors, .remarks]' <<<"$output")" = '[3,19]' ]
}

@test "lint: remarks, and what jq finds without fields" {
	for version in 7.2 8.2 10.0; do
		xz -dc "$(export_of $version)" | jq -r 'del(.vmschkmachine) | to_entries[] |
			select(.value.Description | has("Fields") | not) | .key' | sort >want
		run -0 "$V" lint --json "$(export_of $version)"
		jq -r '.findings[] | select(.code == "unmigratable").device' <<<"$output" | sort | diff want -
		[ "$(jq -c '[.findings[] | select(.code != "unmigratable") | [.code, .path]]' <<<"$output")" = \
			'[["empty","rtl8139/rtl8139/hotplug_ready"]]' ]
	done
}

@test "lint: several files, of which one has an error" {
	run -1 "$V" lint "$(export_of 7.2)" "$(export_of 7.2 aarch64)"
	[[ $output = "---- $(export_of 7.2)"*"---- $(export_of 7.2 aarch64)"*"Errors:   3"* ]]
	run -1 --separate-stderr "$V" lint "$(export_of 7.2)" nowhere
	[ -z "$output" ]
	complains "vmstate: nowhere: No such file or directory"
}
