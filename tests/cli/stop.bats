#!/usr/bin/env bats
# qmpctl stop, step by step, and launch --replace: against real QEMU processes.

load qmpctl.bash

launch_none() { launch --name "$1" -- -M none -S "${@:2}"; }
ended_by() { jq -r .ended_by <<<"$output"; }

@test "stop: a guest that obeys powers down" {
	launch_ready a
	pid=$(pid_of a)
	run -0 --separate-stderr "$Q" stop --json
	[ "$(jq -c '[.ended_by, .reason, .guest, (.seconds < 10)]' <<<"$output")" = \
		'["powerdown","guest-shutdown",true,true]' ]
	complains ''
	is_dead "$pid"
}

@test "stop: one that does not is told to quit" {
	launch_none a
	"$Q" resume
	run -0 --separate-stderr "$Q" stop --powerdown 0.2 --json
	[ "$(ended_by)" = quit ]
	complains 'qmpctl: note: powerdown: still there after 0.2 s'
}

@test "stop: one that does not run is not asked, unless it may run for that" {
	launch_ready a
	"$Q" pause
	run -0 --separate-stderr "$Q" stop
	[ "${lines[0]}" = 'Ended by:      quit' ]
	complains "qmpctl: note: powerdown: left out, as the guest is in state 'paused' and would not notice; --resume lets it run for that"
	launch_ready a
	"$Q" pause
	run -0 --separate-stderr "$Q" stop --resume --json
	[ "$(ended_by)" = powerdown ]
}

@test "stop: a QEMU that stays when its guest is down is told to quit" {
	launch_ready a -no-shutdown
	run -0 --separate-stderr "$Q" stop --json
	[ "$(ended_by)" = quit ]
	complains 'qmpctl: note: powerdown: the guest is down, but its QEMU stays'
}

@test "stop: a QEMU that hangs, or whose monitors are taken, gets signals" {
	launch_none a
	kill -STOP "$(pid_of a)"
	run -0 --separate-stderr "$Q" stop --term 0.2 --json
	[ "$(ended_by)" = SIGKILL ]
	[[ $stderr = 'qmpctl: note: signals only: '*' is stopped by a signal' ]]
	launch_none b
	start first events -g "$RUN/b/qmp"
	start second events -g "$RUN/b/qmp2"
	run -0 --separate-stderr "$Q" stop -q --json
	[ "$(ended_by)" = SIGTERM ]
	complains ''
}

@test "stop: steps can be left out" {
	launch_none a
	run -0 --separate-stderr "$Q" stop --powerdown 0 --quit 0 --json
	[ "$(jq -c '[.ended_by, .reason]' <<<"$output")" = '["SIGTERM","host-signal"]' ]
	complains ''
	launch_none a
	run -0 "$Q" stop --powerdown 0 --json -g "unix:$RUN/a/qmp"
	[ "$(ended_by)" = quit ]
}

@test "stop: nobody there: exit 3" {
	run -3 --separate-stderr "$Q" stop -g a
	complains "qmpctl: there is no guest 'a' in $RUN"
	run -3 "$Q" stop -g unix:/nonexistent
}

@test "launch --replace: the old guest ends first, and only if there is one" {
	run -2 --separate-stderr launch --replace -- -M none
	[[ $stderr = 'qmpctl: --replace wants --name'* ]]
	launch_ready a
	old=$(pid_of a)
	run -0 --separate-stderr launch --name a --replace -- -M none -S
	complains "qmpctl: note: the guest 'a' that was running is ended (powerdown)"
	is_dead "$old"
	[ "$("$Q" status -g a --json | jq .pid)" = "$(pid_of a)" ]
	run -0 --separate-stderr launch --name b --replace -- -M none -S
	complains ''
	[ "$("$Q" list --json | jq -c '[.guests[].name]')" = '["a","b"]' ]
}
