#!/usr/bin/env bats
# qmpctl wait for jobs, patterns, several things at once, and QEMU's exit status.

load qmpctl.bash

launch_none() { launch --name "$1" -- -M none -S "${@:2}"; }

# Makes an image file as a job, which stays until it is dismissed.
create() {
	"$Q" exec blockdev-create job-id="$1" options:="{\"driver\":\"file\",\"filename\":\"$2\",\"size\":65536}"
}

# Copies nothing to nowhere, at one byte a second.
backup() {
	for node in from to; do
		"$Q" exec blockdev-add driver=null-co node-name=$node size:=1073741824 read-zeroes:=true
	done
	"$Q" exec blockdev-backup job-id="$1" device=from target=to sync=full speed:=1
}

@test "wait: a job that has ended already, well or not" {
	launch_none a
	create good "$TMP/image"
	[ "$("$Q" wait --for job:good --json | jq -c .)" = '{"ended_by":"job","job":"good","failed":false,"error":null}' ]
	create bad /nonexistent/image
	run -1 "$Q" wait --for job:bad --timeout 5
	[ "${lines[0]}" = 'Job:     bad' ] && [ "${lines[1]}" = 'Result:  failed' ]
	[[ ${lines[2]} = 'Error:   '*'No such file or directory'* ]]
}

@test "wait: a job that is cancelled and dismissed at once: exit 1" {
	launch_none a
	backup j
	run -5 "$Q" wait --for job:j --timeout 0.3
	start out wait --for job:j --json
	"$Q" exec job-cancel id=j
	exits 1
	[[ $(jq -r .error out) =~ [Cc]ancel+ed ]]
	run -1 --separate-stderr "$Q" wait --for job:j
	complains "qmpctl: there is no job 'j' (if there was one, it has ended)"
}

@test "wait: a job that ends well and is dismissed at once" {
	launch_none a
	backup j
	start out wait --for job:j
	"$Q" exec block-job-set-speed device=j speed:=0
	exits 0
	[ "$(tail -n 1 out)" = 'Result:  done' ]
}

@test "wait: of several things, the first" {
	launch_none a
	backup j
	start out wait --for job:j --for paused --for exit --for 'BLOCK_*' --json
	"$Q" resume
	"$Q" pause
	exits 0
	[ "$(jq -c . out)" = '{"ended_by":"state","state":"paused"}' ]
	start out wait --for STOP --for job:j --for exit --json
	"$Q" quit
	exits 0
	[ "$(jq -c '[.ended_by, .reason, .exit_status]' out)" = '["end","host-qmp-quit",0]' ]
}

@test "wait: a pattern of events; one that can never match: exit 2" {
	launch_none a
	start out wait --for 'RES*' --json
	"$Q" resume
	exits 0
	[ "$(jq -r .event.event out)" = RESUME ]
	run -2 --separate-stderr "$Q" wait --for 'NOSUCH_*'
	[[ $stderr = "qmpctl: --for: there is no event 'NOSUCH_*'"* ]]
}

@test "wait: the guest's end before what was awaited: exit 7; time over: exit 5; both say what for" {
	launch_none a
	backup j
	run -5 --separate-stderr "$Q" wait --for job:j --for STOP --for running --timeout 0.1
	complains 'qmpctl: timed out waiting for job:j, STOP or running'
	start out wait --for job:j --for running
	"$Q" quit
	exits 7
	[ "$(tail -n 1 out.err)" = 'qmpctl: the guest ended (host-qmp-quit) without job:j or running' ]
}

@test "wait: QEMU's exit status is told, and passed on if asked" {
	launch_none a
	start out wait
	"$Q" quit
	exits 0
	[ "$(tail -n 1 out)" = 'QEMU:          exited with status 0' ]
	launch_none b
	start out wait --json
	kill -KILL "$(pid_of b)"
	exits 0
	[ "$(jq -c '[.exit_status, .signal, .synthetic]' out)" = '[null,9,true]' ]
	launch --name c -- -device isa-debug-exit
	start out wait --exit-status
	sleep 0.3 # it looks at the guest before it waits, and this one ends at once
	# QEMU 7.2 exits at once, later ones shut down first.
	run "$Q" hmp -g c o /b 0x501 0x15
	[[ $status = [06] ]]
	exits 43
	[ "$(tail -n 1 out)" = 'QEMU:          exited with status 43' ]
	launch_none d
	start out wait -e
	kill -KILL "$(pid_of d)"
	exits 137
}

@test "wait: nothing that happens between the look and the wait is lost" {
	launch_none a
	for _ in 1 2 3 4 5 6 7 8 9 10; do
		"$Q" exec -g "$RUN/a/qmp2" cont
		"$Q" wait -g "$RUN/a/qmp" --for paused --timeout 10 &
		"$Q" exec -g "$RUN/a/qmp2" stop
		exits 0
	done
}
