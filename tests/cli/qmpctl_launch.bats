#!/usr/bin/env bats
# qmpctl launch, list, and what they leave: against real QEMU processes.

load qmpctl.bash

@test "launch: tells where everything is" {
	launch_idle a >text
	launch --name b --json -- -S >json
	[ "$(jq -r '.name, .memory, .shared_memory' json)" = "b
67108864
true" ]
	for key in qmp qmp2 serial log; do [ "$(jq -r .$key json)" = "$RUN/b/$key" ]; done
	[ "$(jq .pid json)" = "$(pid_of b)" ]
	diff - <(sed 's/:  */: /' text) <<-T
		Name: a
		PID: $(pid_of a)
		Memory: 64 MiB
		Shared memory: yes
		Monitor: $RUN/a/qmp
		Free monitor: $RUN/a/qmp2
		Serial port: $RUN/a/serial
		Log: $RUN/a/log
	T
}

@test "launch: the guest is detached, and inherits nothing by accident" {
	exec 8</dev/null
	launch_idle a
	exec 8<&-
	pid=$(pid_of a)
	sed 's/.*) //' "/proc/$pid/stat" | { # from the state on
		read -r _ parent _ session terminal _
		[ "$parent" -ne $$ ] && [ "$terminal" -eq 0 ]
		[ "$session" -ne "$(sed 's/.*) //' /proc/$$/stat | cut -d ' ' -f 4)" ]
	}
	[ ! -e "/proc/$pid/fd/8" ] || [[ $(readlink "/proc/$pid/fd/8") != /dev/null ]]
	[ "$(sed -n 's/^SigIgn:.//p' "/proc/$pid/status")" = 0000000000001000 ] # QEMU's own: SIGPIPE
}

@test "launch: folder and sockets are the user's alone" {
	launch_idle a
	[ "$(stat -c %a "$RUN")" = 700 ]
	[ "$(stat -c %a "$RUN/a")" = 700 ]
	for file in qmp qmp2 serial serial.in log guest lock; do [ "$(stat -c %a "$RUN/a/$file")" = 600 ]; done
}

@test "launch: memory is a memfd that can be opened" {
	launch_idle a
	pid=$(pid_of a)
	grep -q 'rw-s.*/memfd:guestscope-ram' "/proc/$pid/maps"
	[ "$(stat -Lc %s "/proc/$pid/fd/$(jq .ram.fd "$RUN/a/guest")")" = 67108864 ]
	[ "$("$Q" exec query-memdev | jq -c '.[] | [.id, .share, .size]')" = '["pc.ram",true,67108864]' ]
}

@test "launch: steps back to QEMU's own memory" {
	launch --name a --private-ram -- -S
	run --separate-stderr launch --name b -- -S -m 96
	complains "qmpctl: note: QEMU's arguments bring memory of their own: it is not shared"
	launch --name c -- -S -object memory-backend-ram,id=m,size=64M -machine memory-backend=m
	launch --name d -- -S -object memory-backend-ram,id=m,size=64M -numa node,memdev=m
	for guest in a b c d; do
		[ -z "$(grep memfd "/proc/$(pid_of $guest)/maps")" ]
	done
	[ "$(jq -c .ram "$RUN/b/guest")" = '{"bytes":100663296,"shared":false}' ]
	[ "$("$Q" list --json | jq -c '[.guests[].shared_memory]')" = '[false,false,false,false]' ]
}

@test "launch: QEMU's arguments win" {
	launch --name a -- -S -M q35 -vga std -name other -serial null -accel tcg,thread=single
	[ "$("$Q" exec query-name | jq -r .name)" = other ]
	"$Q" hmp info qtree | grep -q 'dev: VGA'
	"$Q" hmp info qtree | grep -q q35-pcihost
	[ ! -e "$RUN/a/serial" ]
}

@test "launch: vmcoreinfo where the machine has it" {
	launch_idle a
	"$Q" hmp info qom-tree | grep -q '(vmcoreinfo)'
	"$Q" kill
	launch --name b -- -M none
	[ -z "$("$Q" hmp info qom-tree | grep '(vmcoreinfo)')" ]
	"$Q" kill
	launch --name c -- -S -device vmcoreinfo,id=mine
	"$Q" hmp info qom-tree | grep -q 'mine (vmcoreinfo)'
}

@test "launch: one monitor stays free for others" {
	launch_idle a
	start events events -g "unix:$RUN/a/qmp"
	[ "$("$Q" status -g "unix:$RUN/a/qmp2" --json | jq -r .state)" = prelaunch ]
	[ "$("$Q" status -g a --json | jq -r .monitor)" = "$RUN/a/qmp2" ]
}

@test "launch: a failure prints QEMU's words, exit 7, and leaves nothing" {
	run -7 --separate-stderr launch --name a -- -device nonsense
	[ -z "$output" ]
	complains "qmpctl: guest 'a': QEMU ended while starting: qemu-system-x86_64: -device nonsense: 'nonsense' is not a valid device model name"
	[ -z "$(ls -A "$RUN")" ]
	run -7 --separate-stderr launch --disk /dev/null -- -drive file=/nonexistent
	[[ $stderr = *"/nonexistent"*"No such file"* ]]
	[ -z "$(ls -A "$RUN")" ]
}

@test "launch: what never starts leaves nothing" {
	run -1 --separate-stderr launch --qemu ./absent
	complains "qmpctl: guest 'guest-1': ./absent: No such file or directory"
	run -1 --separate-stderr launch --disk absent
	complains "qmpctl: guest 'guest-1': disk absent: No such file or directory"
	run -2 launch -- -daemonize
	run -2 launch --wait-serial x -- -serial null
	[ -z "$(ls -A "$RUN")" ]
}

@test "launch: one name, one guest" {
	launch_idle a
	run -4 --separate-stderr launch_idle a
	complains "qmpctl: guest 'a' is running already"
	kill -KILL "$(pid_of a)"
	eventually launch_idle a
}

@test "launch: of several at once with one name, one wins" {
	for i in 1 2 3 4; do
		{ launch_idle a && echo 0 >"rc$i" || echo $? >"rc$i"; } &
	done
	wait
	[ "$(sort rc? | tr -d '\n')" = 0444 ]
	[ "$("$Q" list --json | jq '.guests | length')" = 1 ]
}

@test "launch: names are found, and checked" {
	launch -- -S
	launch -- -S
	[ "$("$Q" list --json | jq -c '[.guests[].name]')" = '["guest-1","guest-2"]' ]
	"$Q" kill -g guest-1
	launch -- -S
	[ "$("$Q" list --json | jq -c '[.guests[].name]')" = '["guest-1","guest-2"]' ]
	for name in a/b .. -x 'a b'; do run -2 launch --name="$name" -- -S; done
}

@test "launch: waits for the serial port" {
	launch_ready a
	[ "$(cat "$RUN/a/serial")" = 'BOOT SECTOR READY' ]
	[ "$("$Q" status --json | jq .running)" = true ]
}

@test "launch: a text that does not come: exit 5, accelerator named, guest ended" {
	make_disk
	run -5 --separate-stderr launch --name a --disk disk --wait-serial NEVER --timeout 3
	complains "qmpctl: guest 'a': no 'NEVER' on the serial port in time (accelerator tcg); its last words: BOOT SECTOR READY"
	[ -z "$(ls -A "$RUN")" ]
	! grep -l "$RUN" /proc/[0-9]*/cmdline 2>/dev/null
}

@test "launch: a guest that ends before it has spoken: exit 7" {
	make_disk
	launch --name a --disk disk --wait-serial NEVER --timeout 20 >out 2>err &
	eventually grep -q READY "$RUN/a/serial"
	"$Q" powerdown --wait
	exits 7
	[ "$(cat err)" = "qmpctl: guest 'a': the guest ended before it wrote 'NEVER' (accelerator tcg); its last words: BOOT SECTOR READY" ]
}

@test "launch: interrupted, it ends the guest" {
	for signal in INT TERM HUP; do
		# Not simply &: the shell would have background jobs ignore SIGINT.
		setsid env --default-signal "$Q" launch --accel tcg --name a --wait-serial NEVER &
		eventually test -s "$RUN/a/guest"
		eventually "$Q" status -g a >/dev/null 2>&1
		qemu=$(pid_of a)
		kill -$signal $!
		exits $((128 + $(kill -l $signal)))
		is_dead "$qemu"
		[ -z "$(ls -A "$RUN")" ]
	done
}

@test "launch: killed, it leaves a guest that can be found" {
	"$Q" launch --accel tcg --name a --wait-serial NEVER &
	eventually test -s "$RUN/a/guest"
	eventually "$Q" status -g a >/dev/null 2>&1
	kill -KILL $!
	"$Q" kill -g a
}

@test "launch: a deep folder" {
	XDG_RUNTIME_DIR=$TMP/$(printf 'd%.0s' {1..120})
	RUN=$XDG_RUNTIME_DIR/guestscope
	mkdir "$XDG_RUNTIME_DIR"
	launch_idle a
	[ "$("$Q" status --json | jq -r .state)" = prelaunch ]
	"$Q" quit
}

@test "launch: formats of disks" {
	qemu-img create -q -f qcow2 d.qcow2 1M
	truncate -s 1M d,raw
	launch --name a --disk d.qcow2 --disk d,raw -- -S
	[ "$("$Q" exec query-block | jq -c '[.[] | [.inserted.drv, .inserted.file]]')" = \
		'[["qcow2","./d.qcow2"],["raw","./d,raw"]]' ]
	[ ! -s "$RUN/a/log" ] # no warning of guessed formats
}

@test "list: nothing, text, JSON" {
	run -0 --separate-stderr "$Q" list
	says ''
	[ "$("$Q" list --json | jq -c .)" = '{"guests":[]}' ]
	launch_idle a
	run -0 "$Q" list
	[[ ${lines[0]} =~ ^NAME\ +PID\ +STATE\ +MEMORY\ +STARTED\ +QEMU$ ]]
	[[ ${lines[1]} =~ ^a\ +[0-9]+\ +prelaunch\ +64\ MiB\ .*\ qemu-system-x86_64$ ]]
	[ "$("$Q" list --json | jq -c '.guests[0] | keys_unsorted')" = \
		'["guest","name","from","pid","state","memory","shared_memory","started","qemu","dir"]' ]
}

@test "list: one that hangs does not spoil it" {
	launch_idle a
	launch_idle b
	kill -STOP "$(pid_of a)"
	[ "$("$Q" list --json | jq -c '[.guests[] | .state]')" = '["timeout","prelaunch"]' ]
	kill -CONT "$(pid_of a)"
}

@test "list: a dead guest is told by its last words, then cleaned away" {
	launch_idle a
	echo 'qemu-system-x86_64: out of luck' >>"$RUN/a/log"
	pid=$(pid_of a)
	kill -KILL "$pid"
	eventually is_dead "$pid"
	run -3 --separate-stderr "$Q" status -g a
	complains "qmpctl: guest 'a' has ended: qemu-system-x86_64: out of luck"
	run -0 "$Q" list
	says ''
	[ -z "$(ls -A "$RUN")" ]
	run -3 --separate-stderr "$Q" status -g a
	complains "qmpctl: there is no guest 'a' in $RUN"
}
