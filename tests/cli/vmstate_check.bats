#!/usr/bin/env bats
# vmstate check: what is reported, in each format, what makes it fail, and what is waived. (Whether the
# verdicts are right is for tests/property and tests/compat.)
#
# GOLDEN=update bats -f screen tests/cli/vmstate_check.bats    rewrites what the README shows.

bats_require_minimum_version 1.5.0

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	DATA=$(cd "$BATS_TEST_DIRNAME/../data" && pwd)
	V=$O/vmstate
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate_check.XXXXXX")
	cd "$TMP" || return
	export COLUMNS=80
	for version in 7.2 10.0; do xz -dc "$DATA/x86_64@$version.json.xz" >$version; done
}

teardown() { cd / && rm -rf "$TMP"; }

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }
complains() { [ "$stderr" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$stderr" "$1" && false; }; }

# A small export: e1000e, i8257 (of version $1, and that alone), and whatever jq makes of it.
small() { # VERSION [JQ]
	jq "{vmschkmachine, i8257, e1000e} | ${2:-.} |
		if .i8257 then .i8257 |= (.version_id = $1 | .minimum_version_id = $1 |
			.Description.version_id = $1 | .Description.minimum_version_id = $1) else . end" 10.0
}

# ---- the report ----

@test "check: an export and itself" {
	run -0 --separate-stderr "$V" check 10.0 10.0
	says "                OK   INFO  UNKNOWN  CONDITIONAL  BREAK  SILENT
forward  ->    225      0        0            0      0       0
backward <-    225      0        0            0      0       0

Not judged is what no export tells: CPUs, RAM, virtio's queues (-v: all of it)."
	complains ""
}

# The README's block: the command, and what it prints.
readme() {
	sed -n '/^<!-- check:begin -->$/,/^<!-- check:end -->$/p' "$README" | sed '1,2d;$d' | sed '$d'
}

@test "check: 7.2 to 10.0 is one screen, which the README shows" {
	README=$BATS_TEST_DIRNAME/../../README.md
	{
		echo "\$ vmstate check x86_64@7.2.json.xz x86_64@10.0.json.xz"
		COLUMNS=100 "$V" check 7.2 10.0 || [ $? -eq 1 ]
	} >screen
	if [ "${GOLDEN-}" = update ]; then
		sed -i -e '/^<!-- check:begin -->$/,/^<!-- check:end -->$/{//!d}' \
			-e "/^<!-- check:begin -->\$/r /dev/stdin" "$README" < <(echo '```' && cat screen && echo '```')
	fi
	diff -u screen <(readme)
	for columns in 80 100 120; do
		COLUMNS=$columns run -1 --separate-stderr "$V" check 7.2 10.0
		[ "$(wc -l <<<"$output")" -le 24 ]
		[ "$(wc -L <<<"$output")" -le $columns ]
		complains ""
	done
}

@test "check: names of devices choose them, and show all of them" {
	small 4 >a && small 8 >b
	run -1 --separate-stderr "$V" check a b i8257
	[[ $output = *$'\ni8257: BREAK <->\n'*"  BREAK ->  forward:"*"  BREAK <-  backward:"* ]]
	[[ $output = *"Not judged:"$'\n- '* ]]
	run -0 --separate-stderr "$V" check a b e1000e
	run -1 --separate-stderr "$V" check a b e1000d
	complains "vmstate: no device 'e1000d' in either: did you mean 'e1000e'?"
	run -1 --separate-stderr "$V" check -v a b
	[[ $output = *$'\ni8257: BREAK <->\n'* ]]
}

@test "check: a device in a module that was not found" {
	small 4 '.b = .i8257 | .c = .i8257' >a
	small 4 | jq '{guestscope: {format: 1, types: {abstract: {}, real: {i8257: "device", e1000e: "device"},
		missing: {b: "hw-b"}}}, dump: .}' >b
	run -0 "$V" check a b
	[[ $output = *"CONDITIONAL ->  a guest with one of 2 devices that the loader does not have (1
  in modules that it did not find): b, c"* ]]
	[ "$("$V" check --json a b | jq -c '[.devices[] | select(.absence) | [.name, .absence, .module]]')" = \
		'[["b","module-missing","hw-b"],["c","no-such-type",null]]' ]
	run -0 "$V" check -v a b
	[[ $output = *hw-b* ]]
}

@test "check: colours" {
	small 4 >a && small 8 >b
	run -1 "$V" check --color always a b
	[[ $output = *$'\e[1;31mBREAK\e[0m <->  \e[1mi8257'* ]]
	run -1 "$V" check --color never a b
	[[ $output != *$'\e'* ]]
}

# ---- what fails ----

@test "check: --fail-on, --direction" {
	small 4 >a && small 4 'del(.i8257)' >b
	run -0 "$V" check a b
	run -1 "$V" check --fail-on conditional a b
	run -1 "$V" check --fail-on conditional --direction forward a b
	run -0 "$V" check --fail-on conditional --direction backward a b
	[[ $output != *forward* ]]
	run -1 "$V" check --fail-on info --direction backward a b
	small 8 >b
	run -1 "$V" check a b
	run -0 "$V" check --fail-on silent a b
	run -0 "$V" check --fail-on never a b
	[[ $output = *"BREAK <->  i8257"* ]]
}

@test "check: --devices" {
	small 4 >a && small 8 >b
	run -0 "$V" check --devices e1000e a b
	run -1 "$V" check --devices e1000e,i8257 a b
	small 4 'del(.i8257)' >b
	run -1 "$V" check --devices e1000e,i8257 --direction forward a b
	run -0 "$V" check --devices e1000e,nowhere a b
	[[ $output = *"UNKNOWN <->  nowhere"* ]]
}

@test "check: misuse" {
	for args in "--fail-on bad" "--format xml" "--json --format junit" "--direction up" \
		"--devices a,,b" "--reason x" "--expires 2999-01-01" "--write-baseline w" \
		"--write-baseline w --reason x" "--write-baseline w --reason x --expires 2999-02-30" \
		"--write-baseline w --reason x --expires 2001-01-01" \
		"--write-baseline - --reason x --expires 2999-01-01" \
		"--fail-on never --write-baseline w --reason x --expires 2999-01-01"; do
		run -2 --separate-stderr "$V" check $args 10.0 10.0
		says ""
		[[ $stderr = vmstate:* ]]
	done
	[ ! -e w ]
	run -2 "$V" check 10.0
	run -1 --separate-stderr "$V" check 10.0 nowhere
	complains "vmstate: nowhere: No such file or directory"
	run -9 --separate-stderr bash -c '"$1" check 7.2 10.0 >/dev/full' _ "$V"
}

@test "check: exports come out of pipes, too, and fifos" {
	mkfifo fifo
	for i in {1..20}; do
		timeout 10 cat 7.2 >fifo &
		sleep 0.05 # it waits for a reader now, and there must be one only
		run -1 timeout 10 "$V" check --direction forward fifo <(cat 10.0)
		[[ $output = *"SILENT ->"* ]]
		wait
	done
}

# ---- the baseline ----

ids() { "$V" check --json "$@" | jq -r '.findings[] | select(.verdict != "INFO") | .id'; }

@test "baseline: begun, kept, expired, of no use, begun again" {
	small 4 >a && small 8 >b
	run -0 --separate-stderr "$V" check --write-baseline w --reason "it is so" --expires 2999-12-31 a b
	[[ $output = *$'\n2 findings are waived by the baseline.\n'* ]]
	[ "$(sed 1d w)" = "$(ids a b | sed 's/$/ 2999-12-31 it is so/')" ]
	[[ $(head -n 1 w) = "# what vmstate check found on 20"*" from a to b" ]]
	run -2 --separate-stderr "$V" check --write-baseline w --reason x --expires 2999-12-31 a b
	complains "vmstate: w: exists already (--force replaces it)"
	run -0 --separate-stderr "$V" check --baseline w a b
	complains ""
	[[ $output != *i8257* ]]
	run -0 "$V" check --baseline w -v a b
	[[ $output = *"Waived until 2999-12-31: it is so"* ]]

	# One of them expired: that direction fails again.
	sed -i '2s/2999/2001/' w
	run -1 --separate-stderr "$V" check --baseline w a b
	complains "vmstate: note: w:2: expired on 2001-12-31, and counts again: $(ids a b | head -n 1)"
	[[ $output = *$'\nBREAK ->  i8257'* ]]
	run -0 "$V" check --baseline w --direction backward a b

	# Nothing is found any more; but that is no news of what was not looked at.
	run -0 --separate-stderr "$V" check --baseline w a a
	complains "vmstate: note: w:2: no longer found: $(ids a b | head -n 1)
vmstate: note: w:3: no longer found: $(ids a b | tail -n 1)"
	run -0 --separate-stderr "$V" check --baseline w a a e1000e
	complains ""

	# What was not looked at is kept as it was, expired or not.
	"$V" check --baseline w --write-baseline v --reason new --expires 2998-01-01 a b e1000e >/dev/null
	diff <(sed 1d w) <(sed 1d v)

	# What is kept has its own reason.
	run -0 --separate-stderr "$V" check --baseline w --write-baseline w --force --reason new --expires 2998-01-01 a b
	[ "$(sed 1d w)" = "$(ids a b | head -n 1) 2998-01-01 new
$(ids a b | tail -n 1) 2999-12-31 it is so" ]
}

# Types may share a name in the stream. A waiver of one must not become another's when a third comes.
@test "baseline: a finding's id is its own, whatever other devices there are" {
	small 4 '.b = .i8257 | .c = .i8257' >b
	small 4 >a
	[ "$(ids b a)" = "forward:b:device-gone
forward:c:device-gone" ]
	small 4 '.b = .i8257 | .c = .i8257 | .aa = .i8257' >b
	[ "$(ids b a | tail -n 2)" = "forward:b:device-gone
forward:c:device-gone" ]
}

@test "baseline: what is left of a device is judged" {
	part() { echo "{name: \"i8257/$1\", version_id: 1, minimum_version_id: 1, Fields: []}"; }
	small 4 ".i8257.Description.Subsections = [$(part a), $(part b)]" >a && small 4 >b
	run -1 --separate-stderr "$V" check --fail-on conditional a b
	[ "$("$V" check --json a b | jq -c '.devices[1].forward.condition | length')" = 2 ]
	echo "$(ids a b | head -n 1) 2999-12-31 one of two" >w
	run -1 --separate-stderr "$V" check --fail-on conditional --baseline w a b
	[[ $output = *"CONDITIONAL ->  i8257 at [i8257/b]: "* && $output != *"[i8257/a]"* && $output != *more.* ]]
	echo "$(ids a b | tail -n 1) 2999-12-31 the other one" >>w
	run -0 --separate-stderr "$V" check --fail-on conditional --baseline w a b
	run -0 --separate-stderr "$V" check --fail-on conditional --write-baseline v --reason x --expires 2999-12-31 a b
	[ "$(sed 1d v | wc -l)" -eq 2 ]
}

@test "baseline: lines that say nothing" {
	printf '# x\nforward:i8257:name 2999-12-31\n' >w
	run -2 --separate-stderr "$V" check --baseline w 10.0 10.0
	complains "vmstate: w:2: no reason behind the day"
	run -1 --separate-stderr "$V" check --baseline nowhere 10.0 10.0
	complains "vmstate: nowhere: No such file or directory"
}

# ---- for programs ----

@test "json: says what the text says" {
	small 4 >a && small 8 'del(.e1000e)' >b
	run -1 "$V" check --json a b
	says "$("$V" check --format json a b)"
	[ "$(jq -c '[.before, .after, .holds, .counts.forward.BREAK, .counts.backward.BREAK]' <<<"$output")" = '["a","b",false,1,1]' ]
	[ "$(jq -c '[.devices[] | [.name, .["type-after"], .forward.verdict, .backward.verdict]]' <<<"$output")" = \
		'[["e1000e",null,"CONDITIONAL","INFO"],["i8257","i8257","BREAK","BREAK"]]' ]
	[ "$(jq -c '.devices[0].forward.condition' <<<"$output")" = '[[{"kind":"used","name":"e1000e","value":true}]]' ]
	[ "$(jq '.["not-judged"] | length > 2' <<<"$output")" = true ]
	[ "$(jq '[.findings[] | select(.direction == "backward")] | length' <<<"$output")" -ge 2 ]
	"$V" check --write-baseline w --reason why --expires 2999-12-31 a b >/dev/null
	run -0 "$V" check --json --baseline w a b
	[ "$(jq -c '[.findings[] | select(.waived) | [.expires, .reason]] | unique' <<<"$output")" = '[["2999-12-31","why"]]' ]
	[ "$(jq -c '[.waivers[] | [.matched, .expired]] | unique' <<<"$output")" = '[[true,false]]' ]
	[ "$(jq -c '.devices[1].forward | [.verdict, .["not-waived"]]' <<<"$output")" = '["BREAK","OK"]' ]
	run -1 "$V" check --json --direction backward a b
	[ "$(jq -c '[.counts, .devices[0]] | map(has("forward"))' <<<"$output")" = "[false,false]" ]
}

@test "sarif and junit: well formed, and the same findings" {
	small 4 >a && small 8 'del(.e1000e)' >b
	"$V" check --write-baseline w --reason why --expires 2999-12-31 a b >/dev/null
	for pair in "7.2 10.0" "10.0 7.2" "a b" "--baseline w a b" "--direction forward a b"; do
		for format in json sarif junit; do
			run "$V" check --format $format $pair
			[ "$status" -le 1 ]
			printf '%s\n' "$output" >$format
		done
		"$BATS_TEST_DIRNAME/vmstate_check.py" json sarif junit
	done
	run -1 --separate-stderr "$V" check --format sarif 7.2 10.0
	run -1 --separate-stderr "$V" check --format junit 7.2 10.0
}

@test "hostile names stay names" {
	name='a\\"<b>\&amp;\\u001b[31m\\n\\ud83d\\ude00\\uffff;%s'
	small 4 | sed "s|\"i8257\"|\"$name\"|; s|\"field\": \"command\"|\"field\": \"$name\"|" >a
	small 8 | sed "s|\"i8257\"|\"$name\"|" >b
	for format in json sarif junit; do
		run -1 "$V" check --format $format a b
		[[ $output != *$'\e'* ]]
		printf '%s\n' "$output" >$format
	done
	"$BATS_TEST_DIRNAME/vmstate_check.py" json sarif junit
	run -1 "$V" check a b
	[[ $output = *'a"<b>&amp;\x1b[31m\x0a'* && $output != *$'\e'* ]]
	run -0 "$V" check --write-baseline w --reason why --expires 2999-12-31 a b
	run -0 --separate-stderr "$V" check --baseline w a b
	complains ""
}
