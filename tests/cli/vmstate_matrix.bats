#!/usr/bin/env bats
# vmstate matrix: rows and cells as text, JSON and a page, of small exports that were written by hand.

bats_require_minimum_version 1.5.0

setup() {
	# shellcheck source=tests/cli/vmstate_exports.bash
	source "$BATS_TEST_DIRNAME/vmstate_exports.bash"
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	V=$O/vmstate
	CHECK=$BATS_TEST_DIRNAME/vmstate_html.py
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_matrix.XXXXXX")
	cd "$TMP" || return
	export COLUMNS=80
	make_exports
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }

@test "matrix: two exports" {
	run -0 --separate-stderr "$V" matrix old new
	says "A  old: 7.2.1 (Fake 7), x86_64
B  new: 10.0.0, x86_64

DEVICES      OK   INFO  UNKNOWN  CONDITIONAL  BREAK  SILENT
A -> B        1      2        0            0      0       0
B -> A        1      0        0            2      0       0

MACHINE      A -> B           B -> A           PROPERTIES
pc-3.0 (pc)  only B has it
pc-2.0 (pc)  INFO 2           CONDITIONAL 2    1
pc-1.0       only A has it
none         INFO 2           CONDITIONAL 2    0

Properties that may decide, by their names:
  pc-2.0 (pc): B sets card.migrate-timadj=off

What is found, for instance:
  vmstate check --machine pc-2.0 old new
Cells of a pair differ in nothing but properties: what devices save is described
alike for all machines.
A: what machines set is not told; QEMU does from 9.1 on.
Not judged: what no export tells (CPU, virtio, RAM)."
	[ -z "$stderr" ]
	export COLUMNS=100
	run -0 $(grep '^  vmstate check' <<<"$output" | sed "s|vmstate|$V|")
	[ "${lines[0]}" = "Machine pc-2.0: A does not tell what it sets (QEMU does from 9.1 on); B sets 4 properties." ]
}

@test "matrix: counts are those of check, in each direction" {
	for pair in "old new" "new old" "old.dump new"; do
		[ "$("$V" matrix --json $pair | jq -c '.pairs[0] | [.forward, .backward]')" = \
			"$("$V" check --json $pair | jq -c '[.counts.forward, .counts.backward]')" ]
	done
}

@test "matrix: three, of which one sets things otherwise" {
	document old ".guestscope.types = $(jq .types new.about) | .guestscope.machines[0][\"compat-props\"] = [
		{\"qom-type\": \"nic\", property: \"migrate-timadj\", value: \"on\"}]" >third
	run -0 --separate-stderr "$V" matrix old new third
	[[ $output = *$'\nB -> C        1      0        0            2      0       0\n'* ]]
	[[ $output = *$'\npc-2.0 (pc) and 1.0  OK 3             OK 3             0\n'* ]]
	[[ $output = *$'\n  pc-2.0 (pc): B sets card.migrate-timadj=off, C nic.migrate-timadj=on\n'* ]]
	run -0 --separate-stderr "$V" matrix --json old new third
	[ "$(jq -c '[.pairs[] | [.before, .after]]' <<<"$output")" = '[["old","new"],["old","third"],["new","third"]]' ]
	[ "$(jq -c '.pairs[2].machines[1]' <<<"$output")" = '{"name":"pc-2.0","in-before":true,"in-after":true,"alias-before":null,"alias-after":"pc","forward":"CONDITIONAL","backward":"INFO","settings":[{"property":"migrate-timadj","type-before":"card","before":"off","type-after":"nic","after":"on","findings":1}]}' ]
	[ "$(jq -c '[.exports[] | [.name, .version, .["tells-machines"], .["tells-properties"]]]' <<<"$output")" = \
		'[["old","7.2.1",true,false],["new","10.0.0",true,true],["third","7.2.1",true,true]]' ]
}

@test "matrix: versions that say the same are one row, those without a version another" {
	machines='.guestscope.machines = [{name: "zoo"}, (range(9; 12) | {name: "pc-q35-2.\(.)"}), {name: "virt-4.1", alias: "virt"}, {name: "ark"}, {name: "pc-q35-rhel9.4.0"}]'
	document old "$machines" >a && document new "$machines" >b
	run -0 "$V" matrix a b
	[ "$(sed -n '/^MACHINE/,/^$/s/  .*//p' <<<"$output" | tail -n +2 | paste -sd,)" = 'pc-q35-2.11 to 2.9,pc-q35-rhel9.4.0,virt-4.1 (virt),ark, zoo' ]
	document old '.guestscope.machines = [range(70) | {name: "some-long-board-\(. + 100)"}]' >many
	run -0 "$V" matrix many many
	[[ $output = *$'\nsome-long-board-100 and 69 more  OK 3 '* ]]
	[ "$("$V" matrix --json many many | jq '.pairs[0].machines | length')" = 70 ]
}

@test "matrix: what fails, and what is looked at" {
	document new '.dump.disk.Description.minimum_version_id = 2 | .dump.disk.minimum_version_id = 2 |
		.dump.disk.Description.version_id = 2 | .dump.disk.version_id = 2' >broken
	run -1 "$V" matrix old broken
	[[ $output = *$'\nnone         BREAK 1 '* ]]
	run -0 "$V" matrix --fail-on never old broken
	run -0 "$V" matrix --fail-on silent old broken
	run -1 "$V" matrix --fail-on conditional --direction backward old new
	[[ $output != *"A -> B"* ]]
	run -0 "$V" matrix --fail-on conditional --direction forward old new
	[[ $output != *"B -> A"* ]]
	echo nic >types
	run -0 "$V" matrix --used-by types old broken
	[[ $output = *$'\nA -> B        0      1        0            0      0       0\n'* ]]
	# No machine in common, or another target: nothing goes, and nothing can fail.
	document old '.guestscope.machines = [{name: "pc-1.0"}]' >lonely
	run -0 "$V" matrix lonely broken
	[[ $output = *$'\npc-1.0 '*' only A has it'* ]]
	jq '.guestscope.qemu.target = "arm"' broken >arm
	run -0 "$V" matrix old arm
	[[ $output = *$'\n\nA and B are of two targets: no guest goes from one to the other.\n'* ]]
	[ "$("$V" matrix --json old arm | jq -c '.pairs[0] | [.["same-target"], .machines]')" = '[false,[]]' ]
}

@test "matrix: QEMU's own JSON tells no machines" {
	run -0 --separate-stderr "$V" matrix old.dump new.dump
	[[ $output != *MACHINE* ]]
	[[ $output = *$'\n  vmstate check old.dump new.dump\n'* ]]
	[[ $output = *$'\nA, B: machines are not told, and assumed to be there; exports by vmstate tell.\n'* ]]
	run -0 --separate-stderr "$V" matrix old.dump new
	[[ $output = *$'\npc-3.0 (pc) to 2.0  '* || $output = *$'\npc-3.0 (pc)  INFO 2 '* ]]
	[ "$("$V" matrix --json old.dump new | jq -c '[.pairs[0].machines[] | [.["in-before"], .["in-after"]]] | unique')" = '[[null,true]]' ]
}

@test "matrix: a page, whose cells lead to what is found" {
	run -0 --separate-stderr "$V" matrix --html old new new.dump
	echo "$output" >page
	"$CHECK" page --text >text
	for pair in A-B A-C B-C; do
		grep -q "href=\"#$pair-forward\"" page
		grep -q "id=\"$pair-backward\"" page
	done
	grep -q '<section id="A-B-forward">' page # a group without items is hidden by the script
	grep -q '<section class="group" id="A-B-backward">' page
	grep -q 'B sets card.migrate-timadj=off' text
	grep -q 'only B has it' text
	grep -q 'does not know it: a load fails if it is sent' text
	"$V" matrix --html -o file old new new.dump
	cmp file page
	run -2 --separate-stderr "$V" matrix --html -o file old new
	"$V" matrix --html -o file --force --direction forward old new
	if grep -q 'A-B-backward' file; then false; fi
}

@test "matrix: names do no harm" {
	evil='</script><script>alert(1)</script>'
	document old ".guestscope.machines[0].name = \"$evil\" | .guestscope.qemu.version = \"\\u001b[31m$evil\"" >"a'b c"
	document new ".guestscope.machines[2].name = \"$evil\"" >b
	"$V" matrix --html "a'b c" b >page
	"$CHECK" page --text >text
	grep -qF 'alert(1)' text
	run -0 "$V" matrix "a'b c" b
	[[ $output != *$'\e'* ]]
	[[ $output = *"vmstate check --machine '$evil' 'a'\''b c' b"$'\n'* ]]
}

@test "matrix: more than can be joined" {
	jq '.guestscope.machines = [range(4096) | {name: "m\(.)"}]' old >many
	jq '.dump += ([range(100) | {key: "d\(.)", value: $d}] | from_entries)' --argjson d "$(device d | jq .d)" many >more
	jq '.dump[].Description.version_id? |= 2' more >less
	run -1 --separate-stderr "$V" matrix less more
	[[ $stderr = "vmstate: 4096 machines and "*" findings are more than can be joined" ]]
}

@test "matrix: misuse" {
	run -2 --separate-stderr "$V" matrix old
	run -2 --separate-stderr "$V" matrix $(printf 'old %.0s' {1..17})
	run -2 --separate-stderr "$V" matrix --html --json old new
	run -2 --separate-stderr "$V" matrix -o file old new
	run -1 --separate-stderr "$V" matrix old none-such
	[[ $stderr = "vmstate: none-such: "* ]]
}
