#!/usr/bin/env bats
# qmpctl's events, wait, stop, status and console with monitors that make no sense.

load qmpctl.bash

# monitor NAME ANSWERS: see fake_monitor.
monitor() {
	"$BATS_TEST_DIRNAME/fake_monitor" "$TMP/$1" "$2" 3>&- &
	eventually test -S "$TMP/$1"
}

chardev() { # LABEL FILENAME
	jq -nc --arg l "$1" --arg f "$2" '{"query-chardev": [{"label": $l, "filename": $f}]}'
}

@test "console: what a monitor calls a terminal need not be one" {
	echo untouched >file
	count=0
	for name in "pty:$TMP/file" pty:/dev/null pty:/dev/pts/../../etc/passwd pty:/dev/pts/ pty: pty:/dev/pts/1x \
		unix: unix:,server=on "unix:$TMP/file" fd: fd:-1,server=on fd:99999999999999999999,server=on fd:0,server=on \
		disconnected: '' "$(printf 'x%.0s' {1..5000})"; do
		count=$((count + 1))
		monitor m$count "$(chardev serial0 "$name")"
		run --separate-stderr timeout 10 "$Q" console -g "$TMP/m$count" <<<overwritten
		[ "$status" -eq 1 ] || [ "$status" -eq 3 ] || { echo "$name: $status $stderr" && false; }
		[[ $stderr = qmpctl:* ]]
	done
	[ "$(<file)" = untouched ]
}

@test "console: chardevs that are none, and names that would drive the terminal" {
	monitor a '{"query-chardev": "serial0"}'
	run -1 --separate-stderr "$Q" console -g "$TMP/a" </dev/null
	complains 'qmpctl: no chardev looks like a serial line: there are none'
	monitor b '{"query-chardev": [1, null, {}, {"label": 7, "filename": []}, {"label": "x\u001b[2J"}]}'
	run -1 --separate-stderr "$Q" console -g "$TMP/b" </dev/null
	[[ $stderr = 'qmpctl: no chardev looks like a serial line: '*'[2J' && $stderr != *$'\e'* ]]
}

@test "wait: jobs and events of wrong types" {
	monitor a '{"query-jobs": {"id": "j"}}'
	run -1 --separate-stderr "$Q" wait -g "$TMP/a" --for job:j
	[[ $stderr = "qmpctl: there is no job 'j'"* ]]
	monitor b '{"query-jobs": [7, {"id": 1}, {"id": "j"}, {"id": "j", "status": "concluded"}],
		"query-jobs!": "{\"event\": \"JOB_STATUS_CHANGE\", \"data\": {\"id\": [], \"status\": {}}}{\"event\": \"BLOCK_JOB_COMPLETED\", \"data\": 1}"}'
	run -5 "$Q" wait -g "$TMP/b" --for job:j --timeout 0.3
	monitor c '{"query-jobs": [{"id": "j", "status": "concluded", "error": "\u001b[2J"}]}'
	run -1 "$Q" wait -g "$TMP/c" --for job:j
	[ "${lines[2]}" = 'Error:   \x1b[2J' ]
}

@test "wait: a schema without events, a status without a state" {
	monitor a '{"query-qmp-schema": {}}'
	run -1 --separate-stderr "$Q" wait -g "$TMP/a" --for STOP
	[[ $stderr = qmpctl:* ]]
	monitor b '{"query-status": {"running": true}}'
	run -1 "$Q" wait -g "$TMP/b" --for running --timeout 2
	run -1 "$Q" status -g "$TMP/b"
	[ "$output" = "qmpctl: $TMP/b: query-status: reply without a status" ]
}

@test "events: one that talks nonsense, the other goes on" {
	monitor a '{"": "{\"event\": \"A\"}{\"event\": 7}"}'
	monitor b '{"": "{\"event\": \"B\", \"data\": {\"x\": 9007199254740993}, \"timestamp\": 3}"}'
	run -0 --separate-stderr "$Q" events -g "$TMP/a" -g "$TMP/b" --timeout 1
	[[ $output = *"- $TMP/b B {\"x\":9007199254740993}"* && $output = *"- $TMP/a A"* ]]
	monitor c '{"": "BYE"}'
	run -7 --separate-stderr "$Q" events -g "$TMP/c" --timeout 1
}

@test "wait, events, stop: a flood of events does not hold up the time" {
	flood='[20000, "{\"event\": \"X\"}"]'
	monitor a '{"": '"$flood"', "query-status!": '"$flood"', "query-jobs!": '"$flood"',
		"query-status": {"status": "paused", "running": false},
		"query-jobs": [{"id": "j", "status": "running"}]}'
	run -5 timeout 20 "$Q" wait -g "$TMP/a" --for job:j --for running --timeout 0.5
	run -0 timeout 20 "$Q" events -g "$TMP/a" --match Y --timeout 0.5
	says ''
}

@test "stop: a monitor that agrees to everything and does nothing" {
	monitor a '{"query-status": {"running": true, "status": "running"}}'
	run -1 --separate-stderr "$Q" stop -g "$TMP/a" --powerdown 0.1 --quit 0.1 --json
	[ -z "$output" ]
	# It is no QEMU, whatever it says: it may be somebody's relay.
	[[ $stderr = *'its process is not known'*'no signal can be sent' ]]
	run -0 "$Q" status -g "$TMP/a"
}
