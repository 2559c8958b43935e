#!/usr/bin/env bats
# tracehooks watch: whoever executes a file is held; nobody else notices, whatever ends.

bats_require_minimum_version 1.5.0
load tracehooks.bash

# Why it cannot be tried here; empty: it can.
obstacle() {
	local dir status=0
	[ "$EUID" -eq 0 ] || { echo "takes root" && return; }
	dir=$(mktemp -d)
	cp /bin/sleep "$dir/snooze"
	XDG_RUNTIME_DIR=$dir timeout -s INT 1 "$T" watch --exe "$dir/snooze" >"$dir/said" 2>&1 3>&- || status=$?
	[ $status -ne 3 ] || cat "$dir/said"
	rm -rf "$dir"
}

setup_file() {
	T=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)/tracehooks
	OBSTACLE=$(obstacle)
	export OBSTACLE
}

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	export XDG_RUNTIME_DIR=$TMP
	cd "$TMP" || return
	[ -z "$OBSTACLE" ] || skip "$OBSTACLE"
	cp /bin/sleep snooze
}

teardown() {
	"$T" release --all >/dev/null 2>&1
	[ -z "${RUN-}" ] || kill "$RUN" 2>/dev/null
	cd / && rm -rf "$TMP"
}

holds() { "$T" list --json | jq -r '.holds[].id'; }
all_held() { [ "$(holds | wc -l)" -eq "$1" ]; }
none_held() { all_held 0; }
# Its gate, its keeper: children of $1, and so on.
child_of() { pgrep -P "$1"; }
is_gone() { ! state "$1" || has_state "$1" Z; } # init may take its time
says() { grep -q -- "$1" err; }

# watch ARGUMENT...: in the background, as $RUN, and in force.
watch() {
	rm -f err
	"$T" watch "$@" >out 2>err </dev/null 3>&- &
	RUN=$!
	await says "is held"
	KEEPER=$(child_of "$RUN")
	GATE=$(child_of "$KEEPER")
}

# ends STATUS: the watch, soon and so.
ends() {
	local status=0
	wait "$RUN" || status=$?
	RUN=
	[ "$status" -eq "$1" ] || { echo "status $status"; cat err; false; }
}

@test "watch: the one that fits is held, the others run; who has started it is not traced" {
	watch --exe snooze --argv 0.2
	./snooze 0.1
	sh -c './snooze 0.2; echo "slept $?" >result; exit 3' 3>&- &
	await all_held 1
	has_state "$(holds)" t
	grep -q "TracerPid:.0" "/proc/$!/status"
	says "^  forked by sh ($!) <- "
	./snooze 0.2 # one is enough
	"$T" release --all
	ends 0
	await grep -q "slept 0" result
	is_gone "$GATE"
}

@test "watch: --every holds several at a time; Ctrl-C releases all" {
	watch --exe "$TMP/snooze" --every
	for i in 1 2 3; do ./snooze 0.01 3>&- & done
	await all_held 3
	kill -INT "$RUN"
	ends 130
	[ "$(grep -c "released: asked to" err)" -eq 3 ]
	none_held
}

@test "watch: fork, vfork, posix_spawn, threads, daemons, stopped ones" {
	cp "$O/tests/unit/test_hold_trace" target
	watch --exe target --argv leaf --every
	for how in fork vfork spawn thread daemon stop threads; do
		./target $how 3>&- &
		await all_held 1
		"$T" show "$(holds)" >shown
		grep -q "leaf" shown
		[ "$(state "$(holds)")" = t ]
		"$T" release --all
		status=0
		wait $! || status=$?
		[ "$status" -eq 7 ] || { echo "$how: $status"; false; }
		await none_held
	done
	kill -INT "$RUN"
	ends 130
}

@test "watch: threads that compete for their process do not stop us" {
	cp "$O/tests/unit/test_hold_trace" target
	watch --exe target --argv nothing --every
	for i in {1..100}; do
		status=0
		timeout 10 ./target crowd || status=$?
		[ $status -eq 7 ] || { echo "status $status"; false; }
	done
	kill -INT "$RUN"
	ends 130
}

@test "watch: filters by parent, user and count" {
	watch --exe snooze --parent perl --nth 2 --uid 0
	./snooze 0.01
	perl -e 'system("./snooze", "0.01"); system("./snooze", "0.02"); system("./snooze", "0.03")' 3>&- &
	await all_held 1
	[ "$("$T" list --json | jq -c '.holds[0].command')" = '"./snooze 0.02"' ]
	"$T" release --all
	ends 0
	wait
}

@test "watch: a script by its own name; what it is run by passes, and is told" {
	cp /bin/dash interpreter
	printf '#!%s/interpreter\nexit 5\n' "$TMP" >script
	chmod +x script
	watch --exe script
	sh -c './script; echo $? >result' 3>&- &
	await all_held 1
	[ "$("$T" list --json | jq -c '.holds[0].command')" = "\"$TMP/interpreter ./script\"" ]
	"$T" release --all
	ends 0
	await grep -qx 5 result
	watch --exe interpreter --json
	status=0
	timeout 5 ./script || status=$?
	[ "$status" -eq 5 ]
	await grep -q '"passed".*it runs a script' out
	kill -INT "$RUN"
	ends 130
}

@test "watch: an exec that is refused, and one that is killed, leave nothing behind" {
	printf 'nonsense' >broken
	chmod +x broken
	watch --exe broken --every
	/usr/bin/python3 - <<-'PY'
		import os, time
		for _ in range(3):
		    try:
		        os.execv("./broken", ["broken"])
		    except OSError as e:
		        assert e.errno == 8, e
		for _ in range(200):
		    with open("/proc/self/status") as f:
		        tracer = [line for line in f if line.startswith("TracerPid")][0].split()[1]
		    if tracer == "0":
		        break
		    time.sleep(0.05)
		assert tracer == "0"
	PY
	kill -INT "$RUN"
	ends 130
}

@test "watch: an upgrade replaces the file, and removes it first" {
	watch --exe snooze --every
	cp /bin/sleep new
	mv new snooze
	await says "another file is there now"
	./snooze 0.01 3>&- &
	await all_held 1
	"$T" release --all
	wait $!
	rm snooze
	await says "the file has gone"
	cp /bin/sleep snooze
	await eval '[ "$(grep -c "another file" err)" -ge 2 ]'
	./snooze 0.01 3>&- &
	await all_held 1
	"$T" release --all
	wait $!
	kill -INT "$RUN"
	ends 130
}

@test "watch: through a link that is changed" {
	ln -s snooze link
	watch --exe link --every
	mkdir other
	cp /bin/sleep other/snooze
	ln -sf other/snooze link
	await says "another file is there now"
	other/snooze 0.01 3>&- &
	await all_held 1
	[ "$("$T" list --json | jq -r '.holds[0].program')" = "$TMP/other/snooze" ]
	"$T" release --all
	wait $!
	kill -INT "$RUN"
	ends 130
}

@test "watch: one that is traced already passes, and its tracer is named" {
	watch --exe snooze
	strace -f -o trace ./snooze 0.01
	await says "not held: process [0-9]* (.*) is traced by [0-9]* (strace)"
	none_held
	kill -INT "$RUN"
	ends 130
}

# debugged_parent COMMAND...: $PARENT, which starts the file when there is "go"; gdb is attached to it, $GDB.
debugged_parent() {
	perl -e 'select undef, undef, undef, 0.02 until -e "go"; exit system("./snooze", "0.01") >> 8' 3>&- &
	PARENT=$!
	gdb -nx -batch -p $PARENT "$@" -ex continue >gdb.log 2>&1 3>&- </dev/null &
	GDB=$!
	await grep -q "TracerPid:.$GDB" "/proc/$PARENT/status"
	await has_state $PARENT S
}

@test "watch: a parent that has a debugger keeps it" {
	command -v gdb >/dev/null || skip "no gdb"
	debugged_parent
	watch --exe snooze
	touch go
	await all_held 1
	says "^  forked by perl ($PARENT) <- "
	grep -q "TracerPid:.$GDB" "/proc/$PARENT/status"
	"$T" release --all
	ends 0
	wait $PARENT
	wait $GDB
	grep -q "exited normally" gdb.log
}

@test "watch: a child that a debugger has kept passes, and the debugger is named" {
	command -v gdb >/dev/null || skip "no gdb"
	debugged_parent -ex 'set detach-on-fork off' -ex 'set schedule-multiple on' -ex 'set non-stop off'
	watch --exe snooze
	touch go
	await says "not held: process [0-9]* (.*) is traced by $GDB (gdb)"
	kill -KILL $GDB $PARENT 2>/dev/null || true # a gdb that has nothing left to do is gone, with what it debugs
	wait $GDB $PARENT || true
	kill -INT "$RUN"
	ends 130
}

@test "watch: 2,000 execs of other programs meanwhile" {
	watch --exe snooze --every
	cat >execs <<-'PY'
		import os, sys
		for i in range(2000):
		    pid = os.posix_spawn("/bin/true", ["true"], {})
		    assert os.waitpid(pid, 0)[1] == 0
	PY
	/usr/bin/python3 execs
	[ ! -s out ]
	[ "$(wc -l <err)" -eq 1 ]
	kill -INT "$RUN"
	ends 130
}

# ---- what is in the way ----

@test "watch: what everything needs is refused without a filter; our own ancestors are never held" {
	for exe in /bin/sh "/proc/$$/exe"; do
		run -2 "$T" watch --exe "$exe"
		[[ $output = *"not without a filter"* ]]
	done
	loader=$(ldd "$T" | awk '/ld-/ { print $1 }')
	run -2 "$T" watch --exe "$loader"
	[[ $output = *"is the dynamic loader: not without a filter"* ]]
	for args in "" "--exe" "--exe $TMP" "--exe snooze --argv ("; do
		run -2 "$T" watch $args
	done
	run -1 "$T" watch --exe ./nothing
	[ "$output" = "tracehooks: ./nothing: No such file or directory" ]
	# Who has started the watch executes the file himself.
	cp /bin/sleep ./mine
	"$BASH" -c '"$0" watch --exe mine 2>err & echo $! >pid; until grep -q "is held" err; do sleep 0.02; done; exec ./mine 0.1' "$T" 3>&-
	none_held
	kill -INT "$(<pid)"
	await is_gone "$(<pid)"
}

@test "watch: without the permission it says what there is" {
	chmod 711 "$TMP"
	cp "$T" tool
	run -3 setpriv --reuid 65534 --regid 65534 --clear-groups env XDG_RUNTIME_DIR= ./tool watch --exe /bin/sleep
	[[ $output = *"root alone"*"tracehooks attach PID"*"no debugger can attach to him meanwhile" ]]
	rm -rf /tmp/tracehooks-65534
}

# ---- who ends ----

# Execs that go on all the time, until go is removed; each has 2 s.
execs() {
	: >go
	while [ -e go ]; do
		timeout -s KILL 5 ./snooze 0.001 3>&- || echo "stuck: $?" >>stuck
	done
}

nobody_stopped() {
	! ps -eo stat=,comm= | grep -E '^[tT].* snooze'
}

@test "killed: the front end, the keeper or the gate, at any moment: no exec is stuck" {
	execs &
	for i in {1..17}; do
		for victim in RUN KEEPER GATE; do
			watch --exe snooze --every --hold-max 0
			sleep "0.0$((RANDOM % 6))$((RANDOM % 10))"
			kill -KILL "${!victim}"
			[ $victim != GATE ] || { await says "not watched any more"; "$T" release --all; }
			wait "$RUN" || true
			await is_gone "$KEEPER"
			await is_gone "$GATE"
		done
	done
	rm go
	wait
	[ ! -e stuck ] || { cat stuck; false; }
	await nobody_stopped
}

is_zombie() { has_state "$1" Z; }

@test "stopped: the gate, or the keeper: no exec is stuck" {
	watch --exe snooze --every --argv nothing
	kill -STOP "$GATE"
	timeout 9 ./snooze 0.01
	await says "not watched any more: tracehooks-gate was killed"
	ends 1
	watch --exe snooze --every --argv nothing
	kill -STOP "$RUN" "$KEEPER" # or the one would wake the other
	timeout 4 ./snooze 0.01
	timeout 0.9 ./snooze 0.01 # nobody waits for it twice
	await is_zombie "$KEEPER"
	kill -CONT "$RUN"
	ends 1
	says "the keeper was killed"
}
