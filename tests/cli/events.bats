#!/usr/bin/env bats
# qmpctl events of several guests at once, against real QEMU processes.

load qmpctl.bash

# A guest without a machine: there at once, and enough to have events.
launch_none() { launch --name "$1" -- -M none -S; }

# watch FILE OPTIONS...: events in the background; returns when COUNT guests are connected.
watch() {
	"$Q" -v events "${@:3}" >"$1" 2>"$1.err" &
	eventually connected "$1.err" "$2"
}
connected() { [ "$(grep -c '^<-- {"return"' "$1")" -eq "$2" ]; }

@test "events: of several guests, each line says whose" {
	launch_none a
	launch_none b
	watch text 2 -g a -g "unix:$RUN/b/qmp" --count 2 --timeout 10
	"$Q" resume -g a
	"$Q" resume -g b
	exits 0
	[ "$(cut -d ' ' -f 3- text)" = "a RESUME
unix:$RUN/b/qmp RESUME" ]
}

@test "events: JSON lines have the guest, also of one" {
	launch_none a
	watch json 1 --json --count 1
	"$Q" resume
	exits 0
	[ "$(jq -c '[.event, .guest, .synthetic]' json)" = '["RESUME","a",false]' ]
}

@test "events: one that dies without a word is told, the others go on; the end of all is the end" {
	launch_none a
	launch_none b
	watch json 2 --all --json
	kill -KILL "$(pid_of a)"
	eventually test -s json
	"$Q" resume -g b
	"$Q" quit -g b
	exits 0
	[ "$(jq -c '[.guest, .event, .synthetic]' json | xargs)" = \
		'[a,SHUTDOWN,true] [b,RESUME,false] [b,SHUTDOWN,false]' ]
}

@test "events: --all is every launched guest, those of others are not" {
	for name in a b c d e f; do launch_none $name; done
	watch json 6 -a --json --count 6 --timeout 20
	for name in a b c d e f; do "$Q" resume -g $name; done
	exits 0
	[ "$(jq -r .guest json | sort | xargs)" = 'a b c d e f' ]
	run -2 --separate-stderr "$Q" events --all -g a
	[[ $stderr = 'qmpctl: either --all or --guest'* ]]
}

@test "events: --all of none: exit 3" {
	run -3 --separate-stderr "$Q" events --all
	complains "qmpctl: no launched guest is running in $RUN"
}

@test "events: one that cannot be reached is told of, and is the exit status in the end" {
	launch_none a
	watch json 1 -g nobody -g a -g unix:/nonexistent --json
	eventually grep -q "there is no guest 'nobody'" json.err
	eventually grep -q "/nonexistent: connect: No such file" json.err
	"$Q" quit
	exits 3
	[ "$(jq -r .event json)" = SHUTDOWN ]
	run -3 --separate-stderr "$Q" events -g nobody -g unix:/nonexistent
	[ "$(wc -l <<<"$stderr")" -eq 2 ]
}

@test "events: hung guests are waited for at the same time, and the others are heard" {
	for name in a b c; do launch_none $name; done
	kill -STOP "$(pid_of a)" "$(pid_of b)"
	SECONDS=0
	run -5 --separate-stderr "$Q" events --all --timeout 0.1 --count 1
	[ "$SECONDS" -le 8 ] # 5 s for each of two would be 10
	kill -CONT "$(pid_of a)" "$(pid_of b)"
}

@test "events: one guest named twice: exit 2" {
	launch_none a
	run -2 --separate-stderr "$Q" events -g a -g a
	complains "qmpctl: --guest: 'a' is given twice"
}

@test "events: a guest that floods does not drown out the other" {
	launch_none a
	launch_none b
	watch json 2 -g a -g b --json --match RESUME --count 21 --timeout 20
	/usr/bin/python3 - "$RUN/a/qmp2" <<-'PYTHON'
		import socket, sys
		monitor = socket.socket(socket.AF_UNIX)
		monitor.connect(sys.argv[1])
		orders = ['qmp_capabilities'] + 20 * ['cont', 'stop']
		monitor.sendall(''.join(f'{{"execute": "{order}"}}' for order in orders).encode())
		said = b''
		while said.count(b'"return"') < len(orders):
		    said += monitor.recv(65536)
	PYTHON
	"$Q" resume -g b
	exits 0
	[ "$(jq -r .guest json | sort | uniq -c | xargs)" = '20 a 1 b' ]
}
