#!/usr/bin/env bats
# vmstate check --machine and matrix of real QEMUs: the properties are those that devices of such a machine
# really have, the rows the machines that QEMU lists.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	O=$(cd "${O:-build}" && pwd)
	V=$O/vmstate
	QEMU=$(command -v qemu-system-x86_64)
	QEMU10=$(O=$O tests/guest/qemu10) || skip "no newer QEMU here"
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_machine.XXXXXX")
	export XDG_CACHE_HOME=$TMP/cache COLUMNS=80
	cd "$TMP" || return
}

teardown() { cd / && rm -rf "$TMP"; }

# The properties $3... of a device of type $2 of machine $1, as the newer QEMU has them: "NAME VALUE".
real_properties() { # MACHINE TYPE NAME...
	local machine=$1 type=$2
	shift 2
	{
		echo '{"execute":"qmp_capabilities"}'
		printf '{"execute":"qom-get","arguments":{"path":"/machine/peripheral/x","property":"%s"}}\n' "$@"
		echo '{"execute":"quit"}'
	} | "$QEMU10" -M "$machine" -accel tcg -m 64M -nodefaults -display none -S -device "$type,id=x" -qmp stdio |
		jq -r 'select(has("return")).return | select(. != {})' | paste -d ' ' <(printf '%s\n' "$@") - | sort
}

@test "check --machine: devices have what it tells that the machine sets" {
	"$V" export --qemu "$QEMU10" -o new.json 2>/dev/null
	# What one cannot load that does not know the predicate's field.
	jq 'del(.dump.e1000e.Description.Fields[] | select(.field == "core.timadj"))' new.json >without.json
	for machine in pc-q35-7.2 pc-i440fx-2.4; do
		run -0 "$V" check --json --machine $machine without.json new.json e1000e
		jq -r '.findings[] | select(.path == "core.timadj" and .direction == "forward").settings[] |
			select(.["type-after"] != null) | "\(.property) \(.after)"' <<<"$output" |
			sed 's/ on$/ true/; s/ off$/ false/' | sort >told
		grep -q '^migrate-timadj false$' told
		grep -q '^x-pcie-err-unc-mask false$' told # of its ancestor, pci-device
		real_properties $machine e1000e $(cut -d ' ' -f 1 told) >real
		diff told real
	done
	run -0 "$V" check --machine pc-q35-7.2 without.json new.json
	[[ $(tr -s '[:space:]' ' ' <<<"$output") = *"On pc-q35-7.2 this may decide it: both set e1000e.migrate-timadj=off."* ]]
	run -0 "$V" check --machine pc-q35-10.0 without.json new.json
	[[ $output != *"may decide"* ]]
}

@test "check --machine: who has it, who tells what it sets" {
	run --separate-stderr "$V" check --machine pc-q35-7.2 "$QEMU" "$QEMU10"
	[ "$status" -le 1 ]
	[[ ${lines[0]} = "Machine pc-q35-7.2: A does not tell what it sets (QEMU does from 9.1 on); B sets"* ]]
	[[ $(tr -s '[:space:]' ' ' <<<"$output") = *" e1000e at core.timadj "*" On pc-q35-7.2 this may decide it: B sets e1000e.migrate-timadj=off."* ]]
	run -1 --separate-stderr "$V" check --machine pc-q35-10.0 "$QEMU" "$QEMU10"
	[[ ${lines[0]} = "Machine pc-q35-10.0: A does not have it, "* ]]
	run --separate-stderr "$V" check --machine q35 "$QEMU" "$QEMU10"
	[ "$stderr" = "vmstate: machine 'q35' is pc-q35-7.2 in one and pc-q35-10.0 in the other, and a guest of one is none of the other: name either" ]
}

machines() { "$1" -M help | sed 1d | awk '!/\(alias of/ { print $1 }' | sort; }

@test "matrix: the machines of both, on one screen; its command tells what is found" {
	run -1 --separate-stderr "$V" matrix qemu-system-x86_64 "$QEMU10"
	[ "${#lines[@]}" -le 23 ]
	[[ $output = *$'\npc-q35-10.0 (q35) to 8.0        only B has it\n'* ]]
	[[ $output = *$'\n  pc-q35-7.2 (q35) to 2.4: B sets e1000e.migrate-timadj=off\n'* ]]
	command=$(grep '^  vmstate check' <<<"$output" | sed "s|vmstate|$V|")
	counts=$(sed -n 's/^B -> A *//p' <<<"$output")
	run $command
	[ "$(sed -n 's/^backward <- *//p' <<<"$output" | xargs)" = "$(xargs <<<"$counts")" ]
	"$V" matrix --json qemu-system-x86_64 "$QEMU10" >json || true
	jq -r '.pairs[0].machines[] | select(.["in-before"]).name' json | sort | diff - <(machines "$QEMU")
	jq -r '.pairs[0].machines[] | select(.["in-after"]).name' json | sort | diff - <(machines "$QEMU10")
	[ "$(jq '[.pairs[0].machines[] | select((.["in-before"] and .["in-after"]) != (.forward != null))] | length' json)" = 0 ]
}
