#!/usr/bin/env bats
# tracehooks --wrap: whoever fits is run by another program, for those that cannot attach.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	export XDG_RUNTIME_DIR=$TMP
	cd "$TMP" || return
	[ "$(uname -m)" = x86_64 ] || skip "only on x86-64"
}

teardown() {
	[ -z "${RUN-}" ] || kill "$RUN" 2>/dev/null
	cd / && rm -rf "$TMP"
}

# Says what it was called with, how often it has been, and is the program then.
wrapper() {
	cat >wrapper <<-'SH'
		#!/bin/sh
		echo "wrapper: $# $1 $2" >>"$(dirname "$0")/wrapped"
		shift
		exec "$@"
	SH
	chmod +x wrapper
	touch wrapped
}

@test "strace: it runs the program, with its own arguments and exit status" {
	run -3 --separate-stderr "$T" run --exec sleep --wrap 'strace -f -o trace' -- sh -c 'sleep 0.01; echo "slept $?"; exit 3'
	[ "$output" = "slept 0" ]
	[[ $stderr =~ ^"tracehooks: "[0-9]+": wrapped: strace -f -o trace /"[a-z/]*"/sleep 0.01"$ ]]
	grep -q 'execve(".*/sleep", \[".*/sleep", "0.01"\]' trace
	grep -q 'exited with 0' trace
}

@test "valgrind: it has what it needs, and its exit status is told" {
	command -v valgrind >/dev/null || skip "no valgrind"
	run -1 "$T" run --exec expr --wrap 'valgrind --tool=none --log-file=log' -- sh -c 'expr 0; exit $?'
	grep -q "^==.* Command: /.*/expr 0$" log
}

@test "its descriptors, environment, folder and number are what they were" {
	wrapper
	cat >target <<-'SH'
		#!/bin/sh
		echo "$# $2 $HELLO $PWD $(cat <&7) $$"
	SH
	chmod +x target
	HELLO=hello run -0 --separate-stderr "$T" run --argv target --wrap './wrapper word' -- ./target a 'b  c' 7<<<seven
	[[ $output =~ ^"2 b  c hello $PWD seven "([0-9]+)$ ]]
	[[ $stderr = "tracehooks: ${BASH_REMATCH[1]}: wrapped: "* ]]
	[[ $(<wrapped) =~ ^"wrapper: 5 word /"[a-z/]*sh$ ]] # a script is run by its interpreter
}

@test "ten thousand arguments" {
	run -0 --separate-stderr "$T" run --argv sh --wrap env -- sh -c 'echo "$# $10000"' sh {1..10000}
	[[ $output = "10000 "* ]]
	run -0 --separate-stderr "$T" run --exec seq --wrap env -- seq 3
	[ "$output" = $'1\n2\n3' ]
}

@test "a program of many names is told its own" {
	command -v busybox >/dev/null || skip "no busybox"
	ln -s "$(type -p busybox)" echo
	run -0 --separate-stderr "$T" run --wrap env -- ./echo many names
	[ "$output" = "many names" ]
}

@test "fork, vfork, posix_spawn, a thread, a daemon" {
	wrapper
	for how in fork vfork spawn thread daemon threads; do
		: >wrapped
		run -7 "$T" run --argv leaf --wrap './wrapper x' -- "$O/tests/unit/test_hold_trace" $how
		[ "$(wc -l <wrapped)" -eq 1 ] || { echo "$how"; cat wrapped; false; }
	done
}

@test "a static program" {
	echo 'int main(void) { return 5; }' >static.c
	cc -static -o static static.c || skip "no static C library"
	wrapper
	run -5 "$T" run --wrap './wrapper x' -- ./static
	grep -q "wrapper: 2 x ./static" wrapped
}

@test "--nth and --every count as they do for holds; who was wrapped is not matched again" {
	wrapper
	run -0 "$T" run --exec sleep --nth 2 --wrap './wrapper x' -- sh -c 'sleep 0.01; sleep 0.02; sleep 0.03'
	[[ $(<wrapped) = *"/sleep" ]]
	[ "$(wc -l <wrapped)" -eq 1 ]
	run -0 "$T" run --exec sleep --every --wrap './wrapper x' -- sh -c 'sleep 0.01; sleep 0.02; sleep 0.03'
	[ "$(wc -l <wrapped)" -eq 4 ]
}

@test "--json: one line, with the command line" {
	run -0 --separate-stderr "$T" run --json --exec sleep --wrap 'env A=1' -- sh -c 'sleep 0.01; :'
	jq -e '.event == "wrapped" and (.reason | test("^env A=1 .*/sleep 0.01$"))' <<<"$output"
	[ -z "$stderr" ]
}

@test "a command that is not there is told before anything runs" {
	for command in nothing ./nothing "" " "; do
		status=0
		"$T" run --wrap "$command" -- touch ran 2>err || status=$?
		[ $status -ne 0 ]
		grep -q "^tracehooks: --wrap: " err
		[ ! -e ran ]
	done
}

@test "one that cannot be executed: the program runs unwrapped, as if nothing had been" {
	echo nonsense >noexec
	chmod +x noexec
	run -3 --separate-stderr "$T" run --exec sleep --wrap ./noexec -- sh -c 'sleep 0.01; echo "slept $?"; exit 3'
	[ "$output" = "slept 0" ]
	[[ $stderr =~ ^"tracehooks: "[0-9]+": not wrapped, runs by itself: $PWD/./noexec: Exec format error"$ ]]
	run -0 --separate-stderr "$T" run --exec sha256sum --wrap ./noexec -- sha256sum /bin/sh
	[ "$output" = "$(sha256sum /bin/sh)" ]
	run -7 "$T" run --argv leaf --wrap ./noexec -- "$O/tests/unit/test_hold_trace" vfork
}

@test "one whose file is gone runs unwrapped, and that is told" {
	cp /bin/sleep snooze
	cat >gone.py <<-'PY'
		import os
		fd = os.open("snooze", os.O_RDONLY)
		os.unlink("snooze")
		os.execve(fd, ["snooze", "0.01"], os.environ)
	PY
	run -0 --separate-stderr "$T" run --exec 'snooze*' --wrap env -- /usr/bin/python3 gone.py
	[[ $stderr = *"not wrapped, runs by itself: $PWD/snooze (deleted) is not at that path any more" ]]
}

@test "attach: what a running process starts" {
	wrapper
	sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; sleep 0.123; echo done >result' 3>&- &
	await test -s pid
	"$T" attach --argv 0.123 --wrap './wrapper x' "$(<pid)" >out 2>err 3>&- &
	await grep -q "TracerPid:.[1-9]" "/proc/$(<pid)/status"
	touch go
	await test -s result
	wait %2
	grep -q "wrapper: 3 x .*/sleep" wrapped
}

# ---- root ----

# Whoever executes the file, while the watch is in force.
watched() {
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp /bin/sleep snooze
	"$T" watch --exe snooze "$@" >out 2>err </dev/null 3>&- &
	RUN=$!
	await grep -q "is held" err || { grep -q "^tracehooks: watch: " err && skip "$(cat err)"; }
}

@test "watch: whoever executes the file" {
	wrapper
	watched --argv 0.02 --wrap './wrapper x'
	./snooze 0.01
	run -0 ./snooze 0.02
	wait "$RUN"
	RUN=
	[ "$(<wrapped)" = "wrapper: 3 x ./snooze" ]
	grep -q ": wrapped: " err
}

@test "watch: one that cannot be wrapped is let go" {
	echo nonsense >noexec
	chmod +x noexec
	watched --wrap ./noexec
	run -0 ./snooze 0.02
	wait "$RUN"
	RUN=
	grep -q "runs by itself: .*Exec format error" err
}

@test "a set-user-ID program is wrapped with its rights, which the tracer's do not change" {
	[ "$EUID" -eq 0 ] || skip "takes root"
	chmod 755 .
	cp "$(type -p id)" who
	chown nobody who
	chmod 4755 who
	run -0 --separate-stderr "$T" run --exec who --wrap env -- ./who -u
	[ "$output" = "$(id -u nobody)" ]
	[[ $stderr = *": wrapped: env ./who -u" ]]
}

@test "unprivileged: nobody wraps his own" {
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp "$T" tool
	mkdir -m 700 run
	chown nobody . run
	run -0 --separate-stderr setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_RUNTIME_DIR="$PWD/run" \
		./tool run --exec sleep --wrap 'strace -o trace' -- sh -c 'sleep 0.01; id -u'
	[ "$output" = 65534 ]
	grep -q 'exited with 0' trace
}
