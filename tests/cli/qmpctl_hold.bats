#!/usr/bin/env bats
# qmpctl launch --hold: QEMU stands still for a debugger, and the launch waits for that.

load qmpctl.bash

T() { "$O/tracehooks" "$@"; }
held() { T list --json | jq -e '.holds | length == 1' >/dev/null; }
hold_id() { T list --json | jq '.holds[0].id'; }
is_stopped() { [ "$(sed 's/.*) //; s/ .*//' "/proc/$1/stat")" = "$2" ]; }
is_untraced() { grep -q '^TracerPid:.0$' "/proc/$1/status"; }

# start ARGUMENT...: a launch in the background, until QEMU is held as $ID.
start() {
	setsid env --default-signal "$Q" launch --accel tcg --mem 64M --name a "$@" >out 2>err </dev/null 3>&- &
	eventually grep -q '^qmpctl: held' err
	ID=$(hold_id)
}

@test "hold: before anything of QEMU has run; time does not count; released, it is launched" {
	start --hold --json --timeout 1 -- -S
	is_stopped "$ID" t
	[ "$(pid_of a)" -eq "$ID" ]
	grep -q "^  debug     tracehooks debug $ID$" err
	grep -qE "^  command   (/.*/)?qemu-system-x86_64 .*-name guest=a" err
	sleep 1.5
	[ ! -s out ]
	T release "$ID"
	wait $!
	[ "$(jq .pid out)" -eq "$ID" ]
	grep -q "^qmpctl: $ID: released: asked to$" err
	is_untraced "$ID"
	[ "$("$Q" status --json | jq -r .state)" = prelaunch ]
}

@test "hold: in main, until a debugger has come; it may take its time" {
	command -v gdb >/dev/null || skip "no gdb"
	start --hold=main --timeout 1 -- -S
	if grep -q "^  note      not in main: " err; then
		T release "$ID"
		skip "$(sed -n 's/^  note  *//p' err)"
	fi
	grep -q '^  at        main in .*/qemu-system-x86_64$' err
	run -0 T debug "$ID" -- gdb -nx -batch -ex 'info symbol $pc' -ex 'shell sleep 2' -ex detach </dev/null
	wait $!
	grep -q "^qmpctl: $ID: debugged by [0-9]*$" err
	"$Q" status
}

@test "hold: one that a debugger continues is launched while it is debugged" {
	command -v gdb >/dev/null || skip "no gdb"
	start --hold --timeout 20 -- -S
	T debug "$ID" -- gdb -nx -batch -ex 'handle SIGUSR1 nostop noprint' -ex continue </dev/null >gdb.out 2>&1 3>&- &
	gdb=$!
	eventually "$Q" status
	[ "$(jq .pid "$RUN/a/guest")" -eq "$ID" ]
	eventually grep -q '^Name: *a$' out
	if is_untraced "$ID"; then false; fi
	"$Q" quit
	wait $gdb
}

@test "hold: interrupted, it ends QEMU" {
	start --hold -- -S
	kill -INT $!
	exits 130
	eventually is_dead "$ID"
	[ -z "$(ls -A "$RUN")" ]
	[ "$(T list --json | jq -c .holds)" = '[]' ]
}

@test "hold: killed while it is held: exit 7" {
	start --hold -- -S
	kill -KILL "$ID"
	exits 7
	grep -q "QEMU ended while starting" err
}

@test "hold: the launch is killed: QEMU runs, and can be found" {
	start --hold -- -S
	kill -KILL $!
	eventually "$Q" status -g a
	eventually is_untraced "$ID"
}

@test "hold: --hold-max releases it" {
	start --hold --hold-max 1s -- -S
	wait $!
	grep -q "released: held for too long" err
}

@test "hold: a script's QEMU, not what else it runs" {
	qemu=$(type -p qemu-system-x86_64)
	cat >script <<-SH
		#!/bin/sh
		cat /dev/null
		exec "$qemu" "\$@"
	SH
	chmod +x script
	start --qemu ./script --hold -- -S
	[[ $(readlink "/proc/$ID/exe") = */qemu-system-x86_64 ]]
	T release --all
	wait $!
	"$Q" status
}

@test "hold: misuse" {
	for options in --hold=entry "--hold-max 1s" "--hold --hold-max x"; do
		run -2 launch --name a $options -- -S
		[ ! -e "$RUN/a" ]
	done
}
