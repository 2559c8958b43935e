#!/usr/bin/env bats
# qmpctl exec: how calls are written, that they are checked before they are sent, and what comes of them.

load qmpctl.bash

# What would be sent, without a guest.
sends() { # WIRE WORD...
	run -0 --separate-stderr "$Q" exec --dry-run --no-check "${@:2}"
	says "$1"
}

wrong() { # MESSAGE WORD...
	run -2 --separate-stderr "$Q" exec --dry-run --no-check "${@:2}"
	[ -z "$output" ]
	complains "qmpctl: $1"
}

hint() { printf "\nTry 'qmpctl schema%s; --no-check sends it anyway." "$1"; }

# ---- how calls are written ----

@test "strings, JSON, paths" {
	sends '{"execute":"c"}' c
	sends '{"execute":"c","arguments":{"a":"1","b":1,"c":"x=y:=z"}}' c a=1 b:=1 c=x=y:=z
	sends '{"execute":"c","arguments":{"a":""}}' c a=
	sends '{"execute":"c","arguments":{"a":{"b":{"c":"x"},"d":[1.50]},"e":18446744073709551615}}' \
		c a.b.c=x 'a.d:=[1.50]' e:=18446744073709551615
	sends '{"execute":"c","arguments":{"a":{"b":1,"c":"x"}}}' c 'a:={"b":1}' a.c=x
	sends '{"execute":"c","arguments":{"a":[]}}' c '{"a": []}'
	sends '{"execute":"c","arguments":{"a":1}}' '{"execute": "c", "arguments": {"a": 1}, "id": 7}'
}

@test "values from files" {
	printf ' text\n' >text
	printf '{"a": [1]}\n' >json
	sends '{"execute":"c","arguments":{"a":" text\n","b":{"c":{"a":[1]}}}}' c a=@text b.c:=@json
	sends '{"execute":"c","arguments":{"a":"@text"}}' c 'a:="@text"'
	run -1 --separate-stderr "$Q" exec --dry-run --no-check c a=@missing
	complains "qmpctl: argument 'a': missing: No such file or directory"
	printf 'a\0b' >text
	wrong "argument 'a': not UTF-8 text" c a=@text
	printf 'a\377b' >text
	wrong "argument 'a': not UTF-8 text" c a=@text
	wrong "argument 'a': json offset 0: unexpected byte" c a:=@text
}

@test "conflicts are misuse" {
	wrong "argument 'a': given twice" c a=1 a:=2
	wrong "argument 'a.b': 'a' is given as string already" c a=1 a.b=2
	wrong "argument 'a': given twice" c a.b=1 a=2
	wrong "argument 'a.b': given twice" c 'a:={"b": 1}' a.b=2
	wrong "argument 'a..b': a name is empty" c a..b=2
	wrong "argument 'a.': a name is empty" c a.=2
	wrong "'x' is neither key=value, key:=json nor {json}" c x
	wrong "command: 'exec-oob' is no part of a command" '{"exec-oob": "c"}'
	wrong "command: no name of a command in 'execute'" '{"execute": 1}'
	wrong "'-' takes no arguments: its lines do" - x=1
}

@test "descriptors that are not there" {
	wrong "--fd: 'x=' is neither NAME=N nor NAME=PATH" c --fd x=
	wrong "--fd: 77 is not open" c --fd x=77
	wrong "--fd: 'x' is given twice" c --fd x=0 --fd x=1
	wrong "--fd: only one may be without a name" c --fd 0 --fd 1
	wrong "--fd: many commands need a NAME=" - --fd 0
	run -1 --separate-stderr "$Q" exec --dry-run --no-check c --fd x=missing
	complains 'qmpctl: --fd: missing: No such file or directory'
}

@test "lines: a shell's quoting, JSON as it stands" {
	cat >lines <<-'LINES'
		# nothing, twice

		  one
		two a='x y' b="it's \"this\"" c=x\ y	d:='1'
		three a:={"b": [1, "}"]} c:=[1, 2] d:="e f"
		four {"a b": "c"}
		{"execute": "five", "arguments": {"a": " "}}
	LINES
	sends '{"execute":"one"}
{"execute":"two","arguments":{"a":"x y","b":"it'"'"'s \"this\"","c":"x y","d":1}}
{"execute":"three","arguments":{"a":{"b":[1,"}"]},"c":[1,2],"d":"e f"}}
{"execute":"four","arguments":{"a b":"c"}}
{"execute":"five","arguments":{"a":" "}}' @lines
	wire=$output
	run -0 "$Q" exec --dry-run --no-check - <lines
	says "$wire"
	for line in "one 'x" 'one a="\"' 'one {"a": 1' '{"execute": '; do
		run -2 --separate-stderr "$Q" exec --dry-run --no-check - <<<"$line"
		[[ $stderr = 'qmpctl: stdin:1: the line ends within '* ]]
	done
	printf 'ok\na\0b\n' >lines
	run -2 --separate-stderr "$Q" exec --dry-run --no-check @lines
	says '{"execute":"ok"}'
	complains 'qmpctl: lines:2: a NUL in a line'
	run -1 --separate-stderr "$Q" exec --no-check --dry-run @missing
	complains 'qmpctl: missing: No such file or directory'
}

# ---- checked before they are sent ----

@test "what the guest would not understand is misuse, and not sent" {
	bare
	run -2 --separate-stderr "$Q" exec qurey-status
	complains "qmpctl: no command 'qurey-status'; did you mean 'query-status'?$(hint "'")"
	run -2 --separate-stderr "$Q" exec balloon value=1
	complains "qmpctl: balloon: 'value': wants int, not string$(hint " balloon', and key:=json for what is no string")"
	run -2 --separate-stderr "$Q" exec blockdev-add driver=qcow2 file.drivr=file
	[[ $stderr = "qmpctl: blockdev-add: 'file': no member 'drivr'; did you mean 'driver'?"* ]]
	run -2 --separate-stderr "$Q" exec blockdev-add driver=qcow3
	[[ $stderr = "qmpctl: blockdev-add: 'driver': no value 'qcow3'; did you mean 'qcow'?"* ]]
	run -2 --separate-stderr "$Q" exec blockdev-add driver=raw file=x lazy-refcounts:=true
	[[ $stderr = "qmpctl: blockdev-add: argument 'lazy-refcounts' does not go with driver 'raw'"* ]]
	run -2 --separate-stderr "$Q" -v exec block_resize device=x
	[[ $stderr = *"qmpctl: block_resize: argument 'size' is missing"* ]]
	! grep -q '^--> .*block_resize' <<<"$stderr"
}

@test "--no-check sends it, --dry-run does not" {
	bare
	run -1 --separate-stderr "$Q" exec --no-check qurey-status
	complains 'qmpctl: qurey-status: CommandNotFound: The command qurey-status has not been found'
	run -0 --separate-stderr "$Q" -v exec -n query-status
	says '{"execute":"query-status"}'
	[ "$(grep -c '^-->' <<<"$stderr")" -eq 2 ] # negotiation and schema
	run -2 "$Q" exec -n qurey-status
}

@test "what may go away is noted" {
	bare -compat unstable-input=accept # whatever the QEMU on PATH does by itself
	run -0 --separate-stderr "$Q" exec x-query-jit
	complains 'qmpctl: note: x-query-jit is unstable'
	run -0 --separate-stderr "$Q" exec -q x-query-jit
	complains ''
	run -0 --separate-stderr "$Q" exec -n block_set_io_throttle device=x bps:=0 bps_rd:=0 bps_wr:=0 iops:=0 \
		iops_rd:=0 iops_wr:=0
	complains "qmpctl: note: block_set_io_throttle: 'device' is deprecated"
}

@test "commands that take more than their schema tells" {
	run -0 launch_idle a
	run -0 --separate-stderr "$Q" exec device_add driver=virtio-rng-pci id=r max-bytes:=512 period:=100
	says '{}'
	run -2 --separate-stderr "$Q" exec device_add id=r
}

# A peer whose answer to query-qmp-schema is $1.
peer() {
	/usr/bin/python3 - "$1" <<-'PYTHON' &
		import json, socket, sys
		server = socket.socket(socket.AF_UNIX)
		server.bind("monitor")
		server.listen()
		while True:
		    connection = server.accept()[0]
		    lines = connection.makefile("rw")
		    version = {"qemu": {"major": 1, "minor": 0, "micro": 0}, "package": ""}
		    lines.write(json.dumps({"QMP": {"version": version, "capabilities": []}}) + "\n")
		    lines.flush()
		    decoder, text = json.JSONDecoder(), ""
		    while chunk := connection.recv(4096):
		        text += chunk.decode()
		        while text:
		            try:
		                request, end = decoder.raw_decode(text)
		            except ValueError:
		                break
		            text = text[end:].lstrip()
		            reply = json.loads(sys.argv[1]) if request["execute"] == "query-qmp-schema" else {"return": {}}
		            lines.write(json.dumps(reply | {"id": request["id"]}) + "\n")
		            lines.flush()
	PYTHON
	export GUESTSCOPE_GUEST=$TMP/monitor
	eventually answers
}

@test "without a schema there is no check" {
	peer '{"error": {"class": "CommandNotFound", "desc": "what?"}}'
	run -0 --separate-stderr "$Q" exec anything
	says '{}'
	complains 'qmpctl: note: not checked: what?'
}

@test "a schema that makes no sense stops nothing" {
	peer '{"return": [{"name": "a", "meta-type": "command", "arg-type": "0"}]}'
	run -0 --separate-stderr "$Q" exec anything
	says '{}'
	complains "qmpctl: note: not checked: $TMP/monitor: schema: command 'a': 'arg-type': there is no type '0'"
}

# ---- what comes back ----

@test "--raw: the whole reply, also an error" {
	bare
	run -0 "$Q" exec --raw query-name
	[[ $output = '{"return":{},"id":"'*'"}' ]]
	run -1 --separate-stderr "$Q" exec --raw balloon value:=1
	[ "$(jq -c .error.class <<<"$output")" = '"DeviceNotActive"' ]
	complains ''
	run -0 "$Q" exec --raw quit
}

@test "lines run in turn, until one fails or all of them" {
	bare
	printf 'query-name\nballoon value:=1\nstop x=1\nquery-kvm\n' >lines
	run -1 --separate-stderr "$Q" exec @lines
	says '{}'
	complains 'qmpctl: lines:2: balloon: DeviceNotActive: No balloon device has been activated'
	run -1 --separate-stderr "$Q" exec -k --json - <lines
	says '{}
{"enabled":false,"present":true}'
	complains "qmpctl: stdin:2: balloon: DeviceNotActive: No balloon device has been activated
qmpctl: stdin:3: stop: no argument 'x'"
	run -1 --separate-stderr "$Q" exec -k --raw --no-check @lines
	[ "$(jq 'has("error")' <<<"$output" | tr '\n' ' ')" = 'false true true false ' ]
}

@test "each line is run as it comes" {
	bare
	mkfifo in
	"$Q" exec - <in >out &
	exec 9>in
	echo query-name >&9
	eventually grep -q '{}' out
	echo query-uuid >&9
	eventually grep -q UUID out
	exec 9>&-
	exits 0
}

@test "while no line comes, events are taken all the same" {
	launch_idle a
	mkfifo in
	"$Q" -v exec - <in >out 2>wire &
	exec 9>in
	echo query-name >&9
	eventually grep -q name out
	"$Q" resume
	eventually grep -q '^<-- .*"RESUME"' wire
	"$Q" quit
	sleep 0.2
	[ "$(awk '{ print $14 + $15 }' /proc/$!/stat)" -lt 20 ] # it does not spin
	exec 9>&-
	exits 0
}

@test "with the end of the guest, no more lines are run" {
	bare
	printf 'quit\nquery-name\nquery-name\n' >lines
	run --separate-stderr "$Q" exec -k @lines
	[ "$status" -eq 7 ] || [ "$status" -eq 6 ]
	[ "$(wc -l <<<"$stderr")" -eq 1 ]
}

# ---- descriptors ----

@test "--fd: passed before the command, taken back behind it" {
	bare
	run -0 "$Q" -v exec --fd x=/dev/null query-name
	grep -q '^--> {"execute":"getfd","arguments":{"fdname":"x"}' <<<"$output"
	run -1 --separate-stderr "$Q" exec closefd fdname=x
	[[ $stderr = *"x' not found" ]]
	run -0 "$Q" exec --fd x=8 closefd fdname=x 8</dev/null
	run -1 "$Q" exec --fd x=/dev/null balloon value:=1
	run -1 "$Q" exec closefd fdname=x
	run -0 --separate-stderr "$Q" exec -n --fd x=0 query-name
	says '{"execute":"getfd","arguments":{"fdname":"x"}}
{"execute":"query-name"}'
	run -2 --separate-stderr "$Q" -v exec --fd x=0 query-nam
	! grep -q getfd <<<"$stderr"
}

@test "--fd without a name goes with the command" {
	bare
	run -0 "$Q" exec --fd /dev/null getfd fdname=x
	run -0 "$Q" exec closefd fdname=x
	run -0 "$Q" exec --fd 8 add-fd 8</dev/null
	[ "$(jq '."fdset-id"' <<<"$output")" = 0 ]
}

@test "--fd: what QEMU writes there arrives" {
	launch_idle a
	"$Q" exec --fd x=8 dump-guest-memory paging:=false protocol=fd:x begin:=0 length:=4096 8>dump
	[ "$(head -c 4 dump)" = $'\x7fELF' ]
}
