#!/usr/bin/env bats
# tracehooks: what it starts and holds, and what is left when something ends. As the user that runs the tests.
#
# GOLDEN=update bats -f help: tests/cli/tracehooks.bats    rewrites the expected help.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	export XDG_RUNTIME_DIR=$TMP
	cd "$TMP" || return
}

teardown() {
	"$T" release --all >/dev/null 2>&1
	cd / && rm -rf "$TMP"
}

says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }

is_gone() { [ ! -e "/proc/$1" ]; }
holds() { "$T" list --json | /usr/bin/python3 -c "import json, sys; print(' '.join(str(h['id']) for h in json.load(sys.stdin)['holds'] if h['state'] in '$*'))"; }
all_held() { [ "$(holds held | wc -w)" -eq "$1" ]; }
is_stale() { [ "$(holds stale)" = "$1" ]; }
nothing_left() { [ -z "$(ls "$TMP/tracehooks")" ]; }
some_held() { [ -n "$(holds held)" ]; }
none_held() { [ -z "$(holds held handed-over debugged stale)" ]; }

# start COMMAND...: in the background; its pid is $RUN, what it says in err and out.
start() {
	"$@" >out 2>err </dev/null 3>&- &
	RUN=$!
}

# The shell that sleeps is held at sleep.
start_held() {
	start "$T" run "$@" --exec sleep -- sh -c 'sleep 0.1; echo "slept $?"; exit 3'
	await some_held
	ID=$(holds held)
}

keeper() { "$T" show --json "$ID" | jq .keeper; }

# ends STATUS: the background command, soon and so.
ends() {
	local status=0
	wait "$RUN" || status=$?
	[ "$status" -eq "$1" ] || { echo "status $status"; cat err; false; }
}

@test "help: as expected" {
	{
		"$T" --help
		for command in $("$T" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+)  .*/\1/p'); do
			printf -- '---- %s\n' "$command"
			"$T" "$command" --help
		done
	} >help
	golden=$BATS_TEST_DIRNAME/tracehooks.help
	if [ "${GOLDEN-}" = update ]; then cp help "$golden"; fi
	diff -u "$golden" help
}

@test "help: misuse is told on stderr, exit 2" {
	for args in "" "nonsense" "run" "run true" "run --nth 0 -- true" "run --argv ( -- true" "run --uid x -- true" \
		"run --parent 0 -- true" "attach" "attach 1" "attach x" "release" "release --all 1" "show" "debug"; do
		run -2 --separate-stderr "$T" $args
		[ -z "$output" ]
		[[ $stderr = tracehooks:* ]]
	done
}

# ---- run ----

@test "run: what is not held is as without it: output, descriptors, signals, status" {
	run -5 --separate-stderr "$T" run --exec nothing -- sh -c 'echo out; echo err >&2; exit 5'
	says out
	[ "$stderr" = err ]
	run -0 "$T" run --exec nothing -- sh -c 'cat <&7' 7<<<seven
	says seven
	run -0 "$T" run --exec nothing -- sh -c 'trap "" PIPE; exec sh -c "trap - PIPE; :"'
	run -143 "$T" run --exec nothing -- sh -c 'kill -TERM $$'
	run -127 "$T" run --exec nothing -- ./nothing
	says "tracehooks: ./nothing: No such file or directory"
	touch text
	run -126 "$T" run -- ./text
	says "tracehooks: ./text: Permission denied"
	none_held
}

@test "run: the one that fits is held before it runs, and runs when it is released" {
	start_held
	has_state "$ID" t
	"$T" release "$ID"
	ends 3
	[ "$(cat out)" = "slept 0" ]
	grep -q "^tracehooks: held $ID: .*/sleep$" err
	grep -q "^  command   sleep 0.1$" err
	grep -q "^  forked by sh ([0-9]*)$" err
	grep -q "^tracehooks: $ID: released: asked to$" err
	none_held
	nothing_left
}

@test "run: without a filter the command itself" {
	start "$T" run -- sh -c 'exit 4'
	await some_held
	"$T" release --all
	ends 4
}

@test "run: filters by arguments, parent, depth and count" {
	start "$T" run --exec sleep --argv '0\.0[13]' --nth 2 -- sh -c 'sleep 0.01; sleep 0.02; sleep 0.03; sleep 0.01'
	await some_held
	run -0 "$T" show "$(holds held)"
	[[ $output = *"sleep 0.03"* ]]
	"$T" release --all
	ends 0
	[ "$(grep -c held err)" -eq 1 ]
	start "$T" run --exec sleep --depth 1 --parent sh -- sh -c '(sh -c "sleep 0.01; :"; :); sleep 0.02'
	await some_held
	run -0 "$T" show "$(holds held)"
	[[ $output = *"sleep 0.02"* ]]
	"$T" release --all
	ends 0
}

@test "run: --every holds several at a time" {
	start "$T" run --exec sleep --every -- sh -c 'sleep 0.01 & sleep 0.02 & sleep 0.03 & wait'
	await all_held 3
	"$T" release --all
	ends 0
	none_held
}

@test "run: of a thousand short children exactly those that fit are held" {
	cat >children <<-'SH'
		i=0
		while [ $i -lt 1000 ]; do
		    i=$((i + 1))
		    case $i in
		    *37) /bin/true "held $i" & ;;
		    *) /bin/true "free $i" || exit 1 ;;
		    esac
		done
		echo all >started
		wait
	SH
	start "$T" run --json --every --exec true --argv 'held [0-9]*$' -- sh children
	await test -s started
	"$T" release --all
	ends 0
	for i in 37 137 237 337 437 537 637 737 837 937; do echo "held $i"; done >expected
	/usr/bin/python3 -c '
import json
events = [json.loads(line) for line in open("out")]
print(*sorted((e["argv"][1] for e in events if e["event"] == "held"), key=lambda a: int(a[5:])), sep="\n")' >held
	diff -u expected held
	none_held
}

@test "run: a daemon's lineage, though its parent is init by then" {
	start "$T" run --exec sleep --nth 2 -- sh -c '(setsid sh -c "sleep 0.1; sleep 0.2; :" >/dev/null 2>&1 &) ; exit 2'
	await some_held
	run -0 "$T" show --json "$(holds held)"
	/usr/bin/python3 - "$output" <<-'PY'
		import json, sys
		hold = json.loads(sys.argv[1])
		assert [a["name"] for a in hold["lineage"]][-1] == "sh" and len(hold["lineage"]) >= 2, hold
	PY
	"$T" release --all
	ends 2
}

@test "run: who waits for it is shown, and who may lose patience" {
	WATCHDOG_USEC=30000000 start "$T" run --argv 'sleep 0.1$' -- sh -c '{ sleep 0.4; sleep 0.1; echo; } | cat'
	await some_held
	ID=$(holds held)
	await grep -q "^  release" err
	grep -q "^  in        $TMP$" err
	grep -q "^  waits .*(\([0-9]*\)): " err
	grep -q " cat ([0-9]*): reads a pipe from it$" err
	grep -q "^  warning   systemd ends sh ([0-9]*) when it hears nothing for 30 s$" err
	run -0 "$T" show "$ID"
	[[ $output = *"cat "*" reads a pipe from it"* && $output = *"sh "*" waits for its end"* ]]
	run -0 "$T" show --json "$ID"
	/usr/bin/python3 - "$output" <<-'PY'
		import json, os, sys
		hold = json.loads(sys.argv[1])
		way = {w["name"]: (w["way"], w["through"], w["fd"], w["others"]) for w in hold["blocked"]}
		assert way == {"cat": ("read", "pipe", 0, 0), "sh": ("child", None, None, 0)}, hold
		assert hold["cwd"] == os.getcwd() and hold["watchdog"]["us"] == 30000000, hold
	PY
	"$T" release --all
	ends 0
}

@test "run: --json is a line for each thing that happens" {
	start_held --json
	"$T" release "$ID"
	ends 3
	grep -v slept out | /usr/bin/python3 -c '
import json, sys
lines = [json.loads(line) for line in sys.stdin]
assert [line["event"] for line in lines] == ["held", "released"], lines
assert lines[0]["argv"] == ["sleep", "0.1"] and lines[0]["lineage"][1]["name"] == "sh", lines
assert lines[0]["cwd"] and type(lines[0]["blocked"]) is list and lines[0]["watchdog"] is None, lines
assert lines[1]["reason"] == "asked to", lines'
	[ ! -s err ]
}

@test "run: --hold-max releases by itself" {
	start_held --hold-max 1s
	ends 3
	grep -q "released: held for too long" err
}

@test "run: Ctrl-C releases all" {
	start_held
	kill -INT "$RUN"
	ends 3
	grep -q "released: asked to" err
}

# ---- who ends ----

@test "killed: the front end; all run on, and nothing is left" {
	start_held
	kill -KILL "$RUN"
	await is_gone "$ID"
	await nothing_left
	[ "$(cat out)" = "slept 0" ]
}

@test "killed: the keeper; all run on, the command's status is told" {
	start_held
	kill -KILL "$("$T" show --json "$ID" | /usr/bin/python3 -c 'import json, sys; print(json.load(sys.stdin)["keeper"])')"
	ends 3
	grep -q "the keeper was killed" err
	none_held
	[ "$(cat out)" = "slept 0" ]
}

@test "killed: what is held; its parent learns it" {
	start_held
	kill -KILL "$ID"
	ends 3
	[ "$(cat out)" = "slept 137" ]
	grep -q "^tracehooks: $ID: ended$" err
}

# ---- hand-over ----

@test "debug: the process is stopped, free, and continued as soon as somebody traces it" {
	start_held
	cat >tracer <<-'PY'
		#!/usr/bin/python3
		import ctypes, os, sys, time
		pid = int(sys.argv[1])
		with open(f"/proc/{pid}/stat") as f:
		    assert f.read().rsplit(")", 1)[1].split()[0] == "T"
		libc = ctypes.CDLL(None, use_errno=True)
		libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
		assert libc.ptrace(0x4206, pid, None, None) == 0, ctypes.get_errno()  # PTRACE_SEIZE
		print("traced", sys.argv[2:], flush=True)
		time.sleep(1)
	PY
	chmod +x tracer
	run -0 "$T" debug "$ID" -- ./tracer {} x
	says "traced ['x']"
	ends 3
	grep -q "^tracehooks: $ID: handed over" err
	grep -q "^tracehooks: $ID: debugged by [0-9]*$" err
	[ "$(cat out)" = "slept 0" ]
}

@test "debug: no such debugger; it stays stopped until it is released" {
	start_held
	run -1 "$T" debug "$ID" ./nothing
	[[ $output = *"./nothing: No such file or directory"* ]]
	has_state "$ID" T
	[ "$(holds handed-over)" = "$ID" ]
	"$T" release "$ID"
	ends 3
}

@test "debug: a front end that is killed leaves nothing stopped" {
	start_held
	run -1 "$T" debug "$ID" ./nothing
	kill -KILL "$RUN"
	await is_gone "$ID"
	none_held
}

@test "debug: a keeper that is killed before the debugger comes leaves nothing stopped" {
	start_held
	run -1 "$T" debug "$ID" ./nothing
	has_state "$ID" T
	kill -KILL "$(keeper)"
	ends 3
	[ "$(cat out)" = "slept 0" ]
	none_held
}

@test "release --stale: what a keeper has left stopped that was killed with its guardian" {
	start_held
	run -1 "$T" debug "$ID" ./nothing
	local keeper guardian
	keeper=$(keeper)
	guardian=$(pgrep -P "$keeper")
	kill -STOP "$keeper"
	kill -KILL "$guardian" "$keeper"
	await is_stale "$ID"
	has_state "$ID" T
	"$T" release --stale
	ends 3
	none_held
}

# ---- attach ----

@test "attach: what a running process starts; Ctrl-C lets go of it" {
	sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; sleep 0.123; echo done >result' 3>&- &
	await test -s pid
	start "$T" attach --argv 0.123 "$(cat pid)"
	await grep -q "TracerPid:.[1-9]" "/proc/$(cat pid)/status"
	touch go
	await some_held
	kill -INT "$RUN"
	await test -s result
	ends 130
}

@test "attach: its keeper is killed, exit 1; what it has traced runs on" {
	sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; echo done >result' 3>&- &
	await test -s pid
	start "$T" attach --exec nothing "$(cat pid)"
	await grep -q "TracerPid:.[1-9]" "/proc/$(cat pid)/status"
	kill -KILL "$(awk '/^TracerPid/ { print $2 }' "/proc/$(cat pid)/status")"
	ends 1
	grep -q "the keeper was killed" err
	touch go
	await test -s result
}

@test "attach: one that has a tracer already is told, exit 4" {
	start_held
	run -4 "$T" attach "$ID"
	[[ $output = "tracehooks: process $ID (sleep) is traced by "*" (tracehooks-keep)" ]]
	"$T" release --all
	ends 3
}

@test "list, show, release: of nothing, and of what is not held" {
	run -0 "$T" list
	[[ $output != *sleep* ]]
	for command in show debug release; do
		run -1 "$T" $command 4711
		says "tracehooks: 4711 is not held: nothing is"
	done
	mkdir -m 755 "$TMP/tracehooks"
	run -2 "$T" run -- true
	says "tracehooks: $TMP/tracehooks: is not a folder of ours alone"
}
