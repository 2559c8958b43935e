#!/usr/bin/env bats
# qmpctl's commands against real QEMU processes.
#
# GOLDEN=update bats -f help: tests/cli/qmpctl.bats    rewrites the expected help.

load qmpctl.bash

# ---- help and misuse ----

@test "help: as expected" {
	{
		"$Q" --help
		for command in $("$Q" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+( [a-z]+)?)  .*/\1/p' | tr ' ' ,); do
			printf -- '---- %s\n' "$command"
			# shellcheck disable=SC2086 # one word or two
			"$Q" ${command/,/ } --help
		done
	} >help
	golden=$BATS_TEST_DIRNAME/qmpctl.help
	if [ "${GOLDEN-}" = update ]; then cp help "$golden"; fi
	diff -u "$golden" help
}

@test "help: misuse is told on stderr, exit 2" {
	for args in "" "nonsense" "list --nonsense" "exec" "hmp" "status extra" "launch --mem" \
		"launch --mem 5X" "launch --cpus many" "wait --timeout soon" "launch --name a/b" \
		"status -g tcp:nowhere" "exec x y" "exec x {" "exec x []" "exec x y:=01" "exec x =1" \
		"exec x a=1 a=2"; do
		run -2 --separate-stderr "$Q" $args
		[ -z "$output" ]
		[[ $stderr = qmpctl:* ]]
	done
}

# ---- which guest ----

@test "guest: the only one, a name, the environment, an address" {
	run -3 --separate-stderr "$Q" status
	complains "qmpctl: no launched guest is running in $RUN"
	launch_idle a
	for target in "" "-g a" "-g unix:$RUN/a/qmp" "-g $RUN/a/qmp2" "-g pid:$(pid_of a)"; do
		[ "$("$Q" status $target --json | jq -r .name)" = a ]
	done
	launch_idle b
	run -2 --separate-stderr "$Q" status
	complains "qmpctl: 2 guests are running (a, b): name one of them"
	export GUESTSCOPE_GUEST=b
	[ "$("$Q" status --json | jq -r .name)" = b ]
	[ "$("$Q" status -g a --json | jq -r .name)" = a ]
	run -3 --separate-stderr "$Q" status -g c
}

@test "guest: who passes a monitor on is not taken for QEMU" {
	launch_idle a
	socat "UNIX-LISTEN:$TMP/relay,fork" "UNIX-CONNECT:$RUN/a/qmp2" 3>&- &
	eventually test -S relay
	run -0 "$Q" status -g "$TMP/relay" --json
	[ "$(jq -c '[.name, .pid]' <<<"$output")" = '["a",null]' ]
	run -1 --separate-stderr "$Q" kill -g "$TMP/relay"
	complains "qmpctl: $TMP/relay: its process is not known, or not on this host"
	run -0 --separate-stderr "$Q" stop -g "$TMP/relay" --json
	[ "$(jq -r .ended_by <<<"$output")" = quit ]
	if "$Q" status; then false; fi
}

@test "guest: a socket without QEMU, and none at all" {
	run -3 "$Q" status -g unix:/nonexistent
	run -3 "$Q" status -g tcp:127.0.0.1:1
	run -3 "$Q" status -g pid:$$
}

@test "guest: busy monitors name their holder, exit 4" {
	launch_idle a
	start first events -g "$RUN/a/qmp"
	start second events -g "$RUN/a/qmp2"
	run -4 --separate-stderr "$Q" status
	[[ $stderr =~ "socket is busy: held by "[0-9]+" (qmpctl)"$ ]]
}

# ---- states ----

@test "status: text and JSON" {
	launch_idle a
	run -0 --separate-stderr "$Q" status
	[ "${lines[0]}" = 'Name:     a' ]
	[ "${lines[1]}" = 'State:    prelaunch' ]
	[ "$("$Q" status --json | jq -c '[.state, .running, .kvm, .memory, .pid]')" = \
		"[\"prelaunch\",false,false,67108864,$(pid_of a)]" ]
}

@test "pause and resume: tell the state reached" {
	launch_idle a
	[ "$("$Q" resume --json | jq -c .)" = '{"state":"running","running":true,"before":"prelaunch"}' ]
	[ "$("$Q" pause --json | jq -c .)" = '{"state":"paused","running":false,"before":"running"}' ]
	[ "$("$Q" pause --json | jq -r .before)" = paused ]
	[ "$("$Q" resume | head -n 1)" = 'State:   running' ]
}

@test "resume: of a guest that is shut down gives QEMU's words" {
	launch_ready a -no-shutdown
	[ "$("$Q" powerdown --wait --json | jq -c .)" = \
		'{"reason":"guest-shutdown","guest":true,"synthetic":false,"qemu_stays":true}' ]
	run -1 --separate-stderr "$Q" resume
	complains 'qmpctl: Resetting the Virtual Machine is required'
}

@test "resume: accepted is not running" {
	launch --name a -- -incoming defer
	run -1 --separate-stderr "$Q" resume
	complains "qmpctl: QEMU accepted 'cont', but the guest is in state 'inmigrate'"
}

@test "reset: returns when it has happened" {
	launch_ready a
	start events events --count 1 --match RESET --json
	[ "$("$Q" reset --json | jq -r .state)" = running ]
	exits 0
	[ "$(jq -r .event events)" = RESET ]
	eventually test "$(grep -c READY "$RUN/a/serial")" -ge 1
}

@test "reset: that ends the guest: exit 7" {
	launch --name a -- -no-reboot
	run -7 --separate-stderr "$Q" reset
	complains 'qmpctl: the guest ended instead (host-qmp-system-reset)'
}

# ---- ends ----

@test "powerdown: waits for SHUTDOWN and for the process" {
	launch_ready a
	pid=$(pid_of a)
	[ "$("$Q" powerdown --wait --json | jq -c .)" = \
		'{"reason":"guest-shutdown","guest":true,"synthetic":false,"qemu_stays":false}' ]
	is_dead "$pid"
}

@test "powerdown: without --wait says what it is worth" {
	launch_ready a
	run -0 --separate-stderr "$Q" powerdown
	complains 'qmpctl: note: the guest was asked; --wait waits until it is down'
	eventually is_dead "$(pid_of a)"
}

@test "powerdown: of a guest that cannot feel it: exit 5" {
	launch_idle a
	run -5 --separate-stderr "$Q" powerdown --wait --timeout 0.2
	complains "qmpctl: note: the guest is in state 'prelaunch': it will not notice until it runs
qmpctl: the guest was asked, but did not power down in time"
}

@test "powerdown: an end that the guest did not choose: exit 7" {
	launch_idle a
	start out powerdown --wait
	kill -TERM "$(pid_of a)"
	exits 7
	grep -q 'the guest did not power down, it was ended (host-signal)' out.err
}

@test "quit: ends QEMU" {
	launch_idle a
	pid=$(pid_of a)
	[ "$("$Q" quit --json | jq -r .reason)" = host-qmp-quit ]
	is_dead "$pid"
}

@test "kill: SIGTERM, and SIGKILL for one that is stopped" {
	launch_idle a
	[ "$("$Q" kill)" = 'Ended by:  SIGTERM' ]
	launch_idle a
	kill -STOP "$(pid_of a)"
	[ "$("$Q" kill --timeout 0.2 --json | jq -r .signal)" = SIGKILL ]
	launch_idle a
	"$Q" kill -g "pid:$(pid_of a)"
	launch_idle a
	"$Q" kill -g "$RUN/a/qmp"
	run -3 "$Q" kill -g a
}

@test "kill: no process that is no QEMU" {
	sleep 60 &
	run -2 --separate-stderr "$Q" kill -g "pid:$!"
	complains "qmpctl: pid:$!: not a QEMU"
	kill -0 $!
	run -2 "$Q" kill -g pid:0
}

# ---- wait and events ----

@test "wait: for the end" {
	launch_ready a
	start out wait --json
	"$Q" powerdown
	exits 0
	[ "$(jq -c '[.ended_by, .reason, .guest]' out)" = '["end","guest-shutdown",true]' ]
}

@test "wait: for events and states" {
	launch_idle a
	[ "$("$Q" wait --for prelaunch)" = 'State:  prelaunch' ]
	start event wait --for RESUME --json
	"$Q" resume
	exits 0
	[ "$(jq -r '.ended_by, .event.event' event | xargs)" = 'event RESUME' ]
	start state wait --for paused --json
	"$Q" pause
	exits 0
	[ "$(jq -c . state)" = '{"ended_by":"state","state":"paused"}' ]
}

@test "wait: time over is 5, the guest's end is 7, a wrong name is 2" {
	launch_idle a
	run -5 --separate-stderr "$Q" wait --timeout 0.1
	complains 'qmpctl: timed out waiting for the guest to end'
	run -5 "$Q" wait --for STOP --timeout 100ms
	run -2 --separate-stderr "$Q" wait --for STOPP
	complains "qmpctl: --for: there is no event 'STOPP'; is it 'STOP'?"
	run -2 "$Q" wait --for pausd
	start out wait --for STOP
	kill -KILL "$(pid_of a)"
	exits 7
	[ "$(tail -n 1 out.err)" = 'qmpctl: the guest ended (disconnected) without STOP' ]
}

@test "events: text, JSON, match, count" {
	launch_idle a
	start json events --json --count 3
	"$Q" resume
	"$Q" pause
	"$Q" resume
	exits 0
	[ "$(jq -c '[.event, .synthetic, (.timestamp | type)]' json | xargs)" = \
		'[RESUME,false,object] [STOP,false,object] [RESUME,false,object]' ]
	start text events --match 'S*' --count 1
	"$Q" pause
	"$Q" resume
	exits 0
	[[ $(cat text) =~ ^[0-9]{4}-[0-9]{2}-[0-9]{2}\ [0-9:]{8}\.[0-9]{6}\ STOP$ ]]
}

@test "events: the end of the stream" {
	launch_idle a
	run -0 "$Q" events --timeout 0.1
	run -5 "$Q" events --timeout 0.1 --count 1
	start json events --json
	"$Q" quit
	exits 0
	[ "$(jq -c '[.event, .synthetic]' json)" = '["SHUTDOWN",false]' ]
}

@test "events: a QEMU that vanishes gets a SHUTDOWN that is marked" {
	launch_idle a
	start json events --json
	kill -KILL "$(pid_of a)"
	exits 0
	[ "$(jq -c . json)" = \
		'{"event":"SHUTDOWN","data":{"guest":false,"reason":"disconnected"},"synthetic":true,"guest":"a"}' ]
	launch_idle a
	start text events --count 5
	kill -KILL "$(pid_of a)"
	exits 7
	[ "$(cat text)" = '- SHUTDOWN {"guest":false,"reason":"disconnected"} (synthetic)' ]
}

@test "events: a reader that went away: exit 9" {
	launch_idle a
	mkfifo pipe
	head -n 1 pipe >first &
	start pipe events
	"$Q" resume
	eventually test -s first
	"$Q" pause
	exits 9
}

# ---- exec and hmp ----

@test "exec: prints what is returned, numbers unchanged" {
	launch_idle a
	[ "$("$Q" exec query-name)" = '{
  "name": "a"
}' ]
	[ "$("$Q" exec migrate-set-parameters max-bandwidth:=9007199254740993)" = '{}' ]
	"$Q" exec query-migrate-parameters | grep -q '"max-bandwidth": 9007199254740993,'
	"$Q" exec migrate-set-parameters '{"max-bandwidth": 9223372036854775807}'
	"$Q" exec query-migrate-parameters | grep -q '"max-bandwidth": 9223372036854775807,'
}

@test "exec: strings stay strings" {
	launch_idle a
	"$Q" exec object-add qom-type=rng-random id=r0 filename=/dev/zero
	[ "$("$Q" exec qom-get path=/objects/r0 property=filename)" = '"/dev/zero"' ]
	run -1 --separate-stderr "$Q" exec --no-check migrate-set-parameters max-bandwidth=5
	[[ $stderr = 'qmpctl: migrate-set-parameters: GenericError: '* ]]
}

@test "exec: errors have their class, exit 1" {
	launch_idle a
	run -1 --separate-stderr "$Q" exec --no-check nonsense
	[ -z "$output" ]
	complains 'qmpctl: nonsense: CommandNotFound: The command nonsense has not been found'
}

@test "exec: quit is a success" {
	launch_idle a
	run -0 "$Q" exec quit
}

@test "exec: a QEMU that hangs: exit 5" {
	launch_idle a
	kill -STOP "$(pid_of a)"
	run -5 "$Q" exec query-name
}

@test "exec: -v shows the wire" {
	launch_idle a
	run -0 --separate-stderr "$Q" -v exec query-name
	[ "$(cut -c 1-4 <<<"$stderr" | tr -d '\n')" = '<-- --> <-- --> <-- --> <-- ' ]
	[ "$(grep -c ' bytes)$' <<<"$stderr")" -eq 1 ] # the schema
	run -0 --separate-stderr "$Q" -vv exec query-name
	[ "$(grep -c ' bytes)$' <<<"$stderr")" -eq 0 ]
}

@test "hmp: text as it is, failure by how it reads" {
	launch_idle a
	run -0 "$Q" hmp info status
	says 'VM status: paused (prelaunch)'
	run -8 --separate-stderr "$Q" hmp nonsense
	says "unknown command: 'nonsense'"
	complains 'qmpctl: note: this reads like a failure; --raw takes it as it is'
	run -0 --separate-stderr "$Q" hmp --raw nonsense
	run -8 "$Q" hmp --json nonsense
	[ "$(jq -c . <<<"$output")" = "{\"text\":\"unknown command: 'nonsense'\\n\",\"failed\":true}" ]
	run -0 "$Q" hmp --cpu 0 info registers
	run -1 "$Q" hmp --cpu 7 info registers
}

@test "hmp: what QEMU says cannot drive a terminal, and is passed on as it is elsewhere" {
	"$BATS_TEST_DIRNAME/fake_monitor.py" "$TMP/fake" 3>&- &
	eventually test -S fake
	run -0 script -qec "'$Q' hmp -g '$TMP/fake' x" /dev/null </dev/null
	[[ $output = *'\x1b[31mred'* ]]
	if [[ $output = *$'\e'* ]]; then false; fi
	"$BATS_TEST_DIRNAME/fake_monitor.py" "$TMP/fake" 3>&- &
	eventually test -S fake
	eventually "$Q" hmp -g "$TMP/fake" x >raw
	grep -q $'\e\\[31mred' raw
}

@test "proxy: a monitor that does not answer has no clients, and SIGTERM ends the proxy" {
	launch_idle a
	"$Q" -v proxy "$TMP/shared" >out 2>err 3>&- &
	eventually grep -q Listening out
	kill -STOP "$(pid_of a)"
	"$Q" -v proxy -g "$TMP/shared" "$TMP/second" >out2 2>err2 3>&- &
	eventually grep -q -- '--> .*query-version' err2
	[ ! -e second ]
	kill -TERM $!
	exits 143
	kill -CONT "$(pid_of a)"
}

# ---- output that does not arrive ----

@test "output: a full disk and closed streams are exit 9, and nothing reaches the monitor by mistake" {
	launch_idle a
	for args in status 'hmp info status' 'exec query-status' 'exec -n stop' 'schema --raw' list; do
		# shellcheck disable=SC2086 # words
		run -9 --separate-stderr bash -c '"$0" "$@" >/dev/full' "$Q" $args
		[[ $stderr = qmpctl:*'No space left on device' ]]
		# shellcheck disable=SC2086
		run -9 --separate-stderr bash -c '"$0" "$@" >&-' "$Q" $args
		[[ $stderr = qmpctl:*'Bad file descriptor' ]]
	done
	run -9 bash -c '"$0" exec query-status <&- >&- 2>&-' "$Q"
	run -1 --separate-stderr bash -c '"$0" exec -v cont x:=1 --no-check 2>&- >/dev/null' "$Q"
	[ "$("$Q" exec query-status | jq -r .status)" = prelaunch ]
}

@test "exec: lines are no longer run when nobody takes what they return" {
	launch_idle a
	run -9 --separate-stderr bash -c 'printf "query-name\ncont\n" | "$0" exec - >/dev/full' "$Q"
	[ "$("$Q" exec query-status | jq -r .status)" = prelaunch ]
}

# ---- QEMU's own police ----

@test "nothing that we send is deprecated or unstable" {
	police=deprecated-input=reject,deprecated-output=hide,unstable-input=reject
	launch_ready a -compat $police
	"$Q" list
	"$Q" status
	"$Q" pause
	"$Q" resume
	"$Q" hmp info status
	run -5 "$Q" wait --for STOP --timeout 0.1
	"$Q" powerdown --wait
	launch_idle a -compat $police
	"$Q" reset
	"$Q" quit
}
