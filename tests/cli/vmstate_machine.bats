#!/usr/bin/env bats
# vmstate check --machine: whether both have a machine, and what it sets of the properties that may
# decide a finding, of small exports that were written by hand.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/cli/vmstate_exports.bash
	source "$BATS_TEST_DIRNAME/vmstate_exports.bash"
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	V=$O/vmstate
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_machine.XXXXXX")
	cd "$TMP" || return
	export COLUMNS=100
	make_exports
}

teardown() { cd / && rm -rf "$TMP"; }

flat() { tr -s '[:space:]' ' ' <<<"$output"; }
complains() { [ "$stderr" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$stderr" "$1" && false; }; }

@test "machine: what it sets is told where a word of it is in what is found" {
	run -0 --separate-stderr "$V" check --machine pc-2.0 old new
	[ "${lines[0]}" = "Machine pc-2.0: A does not tell what it sets (QEMU does from 9.1 on); B sets 4 properties." ]
	[[ $(flat) = *" CONDITIONAL <- disk at [disk/queue]"*": $(sentence_of disk) CONDITIONAL <- nic "* ]]
	[[ $(flat) = *" nic at [nic/timadj]"*": $(sentence_of nic) On pc-2.0 this may decide it: B sets card.migrate-timadj=off. Not judged"* ]]
}

sentence_of() { "$V" check --json old new | jq -r ".findings[] | select(.section == \"$1\" and .direction == \"backward\").text"; }

@test "machine: with -v, also what does not resemble" {
	run -0 --separate-stderr "$V" check -v --machine pc-2.0 old new
	[[ $(flat) = *"On pc-2.0 any of this may decide it, though no name resembles it: B sets card.migrate-timadj=off; B sets card.x-power=1."* ]]
	run -0 --separate-stderr "$V" check -v old new
	[[ $output != *"may decide"* ]]
}

@test "machine: as JSON" {
	run -0 --separate-stderr "$V" check --json --machine pc-2.0 old new
	[ "$(jq -c .machine <<<"$output")" = '{"name":"pc-2.0","before":{"present":true,"alias":"pc","deprecated":false,"properties":null},"after":{"present":true,"alias":null,"deprecated":true,"properties":4}}' ]
	[ "$(jq -c '.findings[] | select(.direction == "backward" and .section == "nic").settings' <<<"$output")" = \
		'[{"property":"migrate-timadj","type-before":null,"before":null,"type-after":"card","after":"off","resembles":true},{"property":"x-power","type-before":null,"before":null,"type-after":"card","after":"1","resembles":false}]' ]
	[ "$(jq -c '[.findings[] | select(.direction == "forward").settings[]]' <<<"$output")" = '[]' ]
	run -0 --separate-stderr "$V" check --json old new
	[ "$(jq 'has("machine") or any(.findings[]; has("settings"))' <<<"$output")" = false ]
}

@test "machine: how two sides differ" {
	set_old() { document old ".guestscope.types = $(jq .types new.about) | .guestscope.machines[0][\"compat-props\"] = [$1]" >told; }
	decides() {
		run -0 --separate-stderr "$V" check --machine pc-2.0 told new
		[[ $(flat) = *"this may decide it: $1."* ]] || { echo "$output" && false; }
	}
	set_old '{"qom-type": "nic", "property": "migrate-timadj", "value": "off"}'
	decides "both set card.migrate-timadj=off"
	set_old '{"qom-type": "nic", "property": "migrate-timadj", "value": "on"}'
	decides "A sets nic.migrate-timadj=on, B card.migrate-timadj=off"
	set_old ''
	decides "B sets card.migrate-timadj=off, A does not"
	document new '.guestscope.machines[2]["compat-props"] = []' >empty && mv empty new
	set_old '{"qom-type": "device", "property": "timadj", "value": "x"}'
	decides "A sets device.timadj=x, B does not"
}

@test "machine: one has it, none has it, neither tells" {
	run -1 --separate-stderr "$V" check --machine pc-1.0 old new
	[ "${lines[0]}" = "Machine pc-1.0: B does not have it, so that no guest of it comes from there, and none can go there." ]
	run -0 --separate-stderr "$V" check --machine pc-1.0 --fail-on never old new
	run -1 --separate-stderr "$V" check --json --machine pc-1.0 old new
	[ "$(jq -c '[.holds, .machine.before.present, .machine.after.present]' <<<"$output")" = '[false,true,false]' ]
	run -1 --separate-stderr "$V" check --machine pc-1.1 old new
	complains "vmstate: no machine 'pc-1.1': did you mean 'pc-2.0'?" || complains "vmstate: no machine 'pc-1.1': did you mean 'pc-3.0'?"
	run --separate-stderr "$V" check --machine pc old new
	[ "$status" -ne 0 ]
	complains "vmstate: machine 'pc' is pc-2.0 in one and pc-3.0 in the other, and a guest of one is none of the other: name either"
	run -0 --separate-stderr "$V" check --machine pc old old.dump
	[ "${lines[0]}" = "Machine pc-2.0: A does not tell what it sets (QEMU does from 9.1 on); whether B has it is not told." ]
	run -0 --separate-stderr "$V" check --machine q35 old.dump new.dump
	[ "${lines[0]}" = "Machine q35: neither tells its machines (exports by vmstate do)." ]
	[ "$("$V" check --json --machine q35 old.dump new.dump | jq -c .machine.before.present)" = null ]
}

@test "machine: as JUnit and SARIF" {
	run -1 --separate-stderr "$V" check --format junit --machine pc-1.0 old new
	/usr/bin/python3 - <<-EOT
		from xml.etree import ElementTree
		suites = ElementTree.fromstring("""$output""")
		assert len(suites) == 2
		for suite in suites:
		    case = suite.find("testcase[@name='pc-1.0']")
		    assert case.findtext("failure").strip().startswith("Machine pc-1.0: B does not have it"), case
		    assert len(suite.findall("testcase")) == int(suite.get("tests")), suite.get("tests")
		assert len(list(suites.iter("failure"))) == int(suites.get("failures")) == 2, suites.get("failures")
	EOT
	run -0 --separate-stderr "$V" check --format junit --machine pc-2.0 old new
	[[ $output = *"this may decide it: B sets card.migrate-timadj=off."* ]]
	run -1 --separate-stderr "$V" check --format sarif --machine pc-1.0 old new
	[ "$(jq -r '.runs[0].invocations[0].toolExecutionNotifications[0].level' <<<"$output")" = error ]
	run -0 --separate-stderr "$V" check --format sarif --machine pc-2.0 old new
	[ "$(jq -r '.runs[0].invocations[0].toolExecutionNotifications[0].level' <<<"$output")" = note ]
	[ "$(jq '[.runs[0].results[] | select(.message.text | contains("this may decide it: B sets card.migrate-timadj=off."))] | length' <<<"$output")" = 1 ]
}

@test "machine: a document of a later format, and one that says nonsense" {
	document old '.guestscope.format = 2' >later
	run -1 --separate-stderr "$V" check --machine pc-2.0 later new
	complains "vmstate: later: format 2 is of a later version; known are those up to 1"
	document old '.guestscope.machines[1].name = 7' >wrong
	run -1 --separate-stderr "$V" check wrong new
	complains "vmstate: wrong: machine 1: name is no string, but number"
	document old '.guestscope.types = {abstract: {}, real: {nic: "disk", disk: "nic"}} |
		.guestscope.machines[0]["compat-props"] = [range(2048) | {"qom-type": "disk", property: "timadj\(.)", value: "\(.)"}]' >many
	run -1 --separate-stderr "$V" check --machine pc-2.0 many new
	complains "vmstate: machine 'pc-2.0' sets more than 256 properties of 'nic'" || complains "vmstate: machine 'pc-2.0' sets more than 256 properties of 'disk'"
}

@test "machine: QEMUs of two targets" {
	jq '.guestscope.qemu.target = "arm\u001b"' new >arm
	run --separate-stderr "$V" check old arm
	[ "$stderr" = 'vmstate: note: A is a QEMU for x86_64 and B one for arm\x1b: no guest goes from one to the other' ]
	run -0 --separate-stderr "$V" check old new
	[ -z "$stderr" ]
}

@test "machine: completion, once an export that tells is named" {
	run -0 "$V" completion words -- check old new --machine pc-
	[ "$(cut -f 1 <<<"$output" | sort -u | xargs)" = "pc-1.0 pc-2.0 pc-3.0" ]
	run -0 "$V" completion words -- check old.dump --machine pc-
	[ -z "$output" ]
}
