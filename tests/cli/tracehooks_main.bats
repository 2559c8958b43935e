#!/usr/bin/env bats
# tracehooks --at main: held there, whatever the program is made of; --fail=hold: stopped, and not
# released, if we are killed.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup_file() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	BIN=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	export BIN
	chmod 755 "$BIN"
	cat >"$BIN/target.c" <<-'C'
		#include <pthread.h>
		#include <stdio.h>
		#include <stdlib.h>
		#include <string.h>
		#include <unistd.h>
		static void *beat(void *arg)
		{
			for (;;)
				usleep(1000);
			return arg;
		}
		__attribute__((constructor)) static void before(int argc, char **argv)
		{
			pthread_t thread;
			if (argc > 1 && !strcmp(argv[1], "end"))
				exit(4);
			if (argc > 1 && !strcmp(argv[1], "exec"))
				execl(argv[0], argv[0], "second", NULL);
			pthread_create(&thread, NULL, beat, NULL);
			puts("before");
			fflush(stdout);
		}
		int main(int argc, char **argv)
		{
			printf("main %d %s %d\n", argc, argv[1], (int)geteuid());
			return 3;
		}
	C
	cd "$BIN" || return
	cc -g -pthread -o pie target.c
	cc -g -pthread -no-pie -o fixed target.c
	cc -s -pthread -o stripped target.c
	cc -g -pthread -static -o static target.c || cp pie static
	cc -s -pthread -static -o nameless target.c || rm -f nameless
	# Why it cannot be tried here; empty: it can.
	OBSTACLE=$(XDG_RUNTIME_DIR=$BIN "$O/tracehooks" run --at main --hold-max 1s -- ./pie x 2>&1 </dev/null |
		sed -n 's/^  note      not in main: //p')
	export OBSTACLE
}

teardown_file() {
	rm -rf "$BIN"
}

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	export XDG_RUNTIME_DIR=$TMP
	cd "$TMP" || return
}

teardown() {
	"$T" release --all >/dev/null 2>&1
	"$T" release --stale >/dev/null 2>&1
	[ -z "${RUN-}" ] || kill "$RUN" 2>/dev/null
	cd / && rm -rf "$TMP"
}

needs_point() { [ -z "$OBSTACLE" ] || skip "$OBSTACLE"; }
holds() { "$T" list --json | jq -r '.holds[].id'; }
some_held() { [ -n "$(holds)" ] && "$T" show "$(holds)" >/dev/null && grep -q '^  release\|"event":"held"' err out; }
none_held() { [ -z "$(holds)" ]; }
shown() { jq -r "$1" "$TMP/tracehooks/$ID"; }
is_gone() { [ ! -e "/proc/$1" ] || has_state "$1" Z; }

start() {
	"$@" >out 2>err </dev/null 3>&- &
	RUN=$!
}

start_held() {
	start "$T" run "$@"
	await some_held
	ID=$(holds)
}

ends() {
	local status=0
	wait "$RUN" || status=$?
	RUN=
	[ "$status" -eq "$1" ] || { echo "status $status"; cat out err; false; }
}

# What "gdb" finds as its program counter, as the name of a place.
frame() {
	"$T" debug "$ID" -- gdb -nx -batch -ex 'info symbol $pc' -ex 'info threads' -ex 'detach' </dev/null
}

# ---- where ----

@test "main, after the constructors, whose threads run on; by its name, or as the C library's start is told" {
	needs_point
	for program in pie fixed stripped static; do
		start_held --at main -- "$BIN/$program" word
		has_state "$ID" t
		[ "$(cat out)" = before ]
		[ "$(shown .at.symbol)" = main ]
		[ "$(shown .at.args[0])" = 0x2 ]
		[ "$(shown .at.module)" = "$BIN/$program" ]
		tids=$(ls "/proc/$ID/task")
		other=${tids#"$ID"$'\n'}
		[ "$other" -ne "$ID" ]
		[[ $(state "$ID/task/$other") = [SR] ]]
		grep -q "^  at        main " err
		"$T" release "$ID"
		ends 3
		[ "$(tail -n 1 out)" = "main 2 word $EUID" ]
		none_held
	done
}

@test "the place is exact: gdb sees main, and all threads; the program runs on when it has quit" {
	needs_point
	command -v gdb >/dev/null || skip "no gdb"
	start_held --at main -- "$BIN/pie" word
	run -0 frame
	[[ $output = *$'\n'"main in section .text"* ]]
	[ "$(grep -c 'Thread.*LWP' <<<"$output")" -ge 2 ]
	ends 3
	[ "$(tail -n 1 out)" = "main 2 word $EUID" ]
}

@test "a program without any names is held at its entry, and that is said" {
	needs_point
	[ -e "$BIN/nameless" ] || skip "no static C library"
	start_held --at main -- "$BIN/nameless" word
	[ ! -s out ]
	grep -q "^  note      not in main: the program has no symbol main, and no C library" err
	[ "$(shown .at.offset)" = 0 ] || [ "$(shown .at.symbol)" = null ]
	"$T" release "$ID"
	ends 3
}

@test "--json: one event, with the place" {
	needs_point
	start_held --json --at main -- "$BIN/pie" word
	"$T" release "$ID"
	ends 3
	grep '^{' out | jq -s -e '[.[].event] == ["held", "released"] and .[0].at.symbol == "main" and .[0].at.line > 1'
}

@test "one that ends before main is told" {
	needs_point
	start "$T" run --at main -- "$BIN/pie" end
	ends 4
	grep -q "^tracehooks: [0-9]*: ended: before it came to main$" err
	none_held
}

@test "one that becomes another program before main is held in that one's" {
	needs_point
	start_held --at main -- "$BIN/pie" exec
	[ "$(shown '.argv[1]')" = second ]
	[ "$(shown .at.symbol)" = main ]
	"$T" release "$ID"
	ends 3
}

@test "of many, those that fit; the others run" {
	needs_point
	start "$T" run --at main --exec pie --argv ' [13]$' --every -- sh -c "$BIN/pie 1 & $BIN/pie 2 & $BIN/pie 3 & wait"
	await grep -q "main 2 2" out
	await sh -c '[ "$(grep -c "^  at        main" err)" -eq 2 ]'
	"$T" release --all
	ends 0
	[ "$(grep -c '^main 2' out)" -eq 3 ]
}

@test "Ctrl-C: who is held in main runs" {
	needs_point
	start "$T" run --at main --exec pie --every -- sh -c "$BIN/pie 1 & $BIN/pie 2 & wait; exit 5"
	await sh -c '[ "$(grep -c "^  at        main" err)" -eq 2 ]'
	kill -INT "$RUN"
	ends 5
	[ "$(grep -c '^main 2' out)" -eq 2 ]
}

@test "killed: the front end, the keeper; who was held in main runs on" {
	needs_point
	for who in front keeper; do
		start_held --at main -- "$BIN/pie" word
		keeper=$(shown .keeper.pid)
		kill -KILL $([ $who = front ] && echo "$RUN" || echo "$keeper")
		await grep -q "main 2 word" out
		wait "$RUN" || true
		RUN=
		await none_held
	done
}

@test "attach: what a running process starts" {
	needs_point
	sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; "$0" word >result; echo $? >status' "$BIN/pie" 3>&- &
	await test -s pid
	start "$T" attach --exec pie --at main "$(cat pid)"
	await grep -q "TracerPid:.[1-9]" "/proc/$(cat pid)/status"
	touch go
	await some_held
	ID=$(holds)
	[ "$(shown .at.symbol)" = main ]
	"$T" release "$ID"
	await test -s status
	[ "$(cat status)" = 3 ]
}

@test "a front end that is stopped: held at the exec, and released when its time is over" {
	needs_point
	sh -c 'echo $$ >pid; while [ ! -e go ]; do sleep 0.02; done; "$0" word >result; echo $? >status' "$BIN/pie" 3>&- &
	await test -s pid
	start "$T" attach --exec pie --at main --hold-max 1s "$(cat pid)"
	await grep -q "TracerPid:.[1-9]" "/proc/$(cat pid)/status"
	kill -STOP "$RUN"
	touch go
	await sh -c '[ -n "$(ls tracehooks | grep -v socket)" ]'
	ID=$(holds)
	[ "$(shown .at)" = null ]
	[ ! -e status ]
	await test -s status
	[ "$(cat status)" = 3 ]
	kill -CONT "$RUN"
	await grep -q "^tracehooks: $ID: released: held for too long$" err
	if grep -q "tracehooks: held" err; then false; fi
}

@test "watch: whoever executes the file" {
	needs_point
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp "$BIN/stripped" target
	start "$T" watch --at main --exe target
	await grep -q "is held" err || { grep -q "^tracehooks: watch: " err && skip "$(cat err)"; }
	./target word >result 3>&- &
	target=$!
	await some_held
	ID=$(holds)
	[ "$ID" -eq "$target" ]
	[ "$(shown .at.symbol)" = main ]
	run -0 frame
	status=0
	wait "$target" || status=$?
	[ "$status" -eq 3 ]
	ends 0
}

@test "a set-user-ID program, held by root, has its rights" {
	needs_point
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp "$BIN/pie" who
	chmod 755 .
	chown nobody who
	chmod 4755 who
	start_held --at main -- ./who word
	[ "$(shown .at.symbol)" = main ]
	"$T" release "$ID"
	ends 3
	[ "$(tail -n 1 out)" = "main 2 word $(id -u nobody)" ]
}

# no_perf COMMAND...: as the profiles of containers have it: EPERM for perf_event_open.
no_perf() {
	cat >deny.py <<-'PY'
		import ctypes, os, struct, sys
		libc = ctypes.CDLL(None, use_errno=True)
		code = b"".join(struct.pack("HBBI", *i) for i in [(0x20, 0, 0, 0), (0x15, 0, 1, 298), (0x06, 0, 0, 0x50001), (0x06, 0, 0, 0x7FFF0000)])
		buffer = ctypes.create_string_buffer(code)
		program = struct.pack("HxxxxxxP", 4, ctypes.addressof(buffer))
		assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, program) == 0, ctypes.get_errno()
		os.execvp(sys.argv[1], sys.argv[1:])
	PY
	/usr/bin/python3 deny.py "$@"
}

@test "where there is no perf: the same by a breakpoint instruction, that is out again" {
	[ "$(uname -m)" = x86_64 ] || skip "only on x86-64"
	no_perf true || skip "no seccomp"
	for program in pie stripped; do
		no_perf "$T" run --at main -- "$BIN/$program" word >out 2>err </dev/null 3>&- &
		RUN=$!
		await some_held
		ID=$(holds)
		[ "$(shown .at.symbol)" = main ]
		[ "$(shown .at.mechanism)" = int3 ]
		address=$(shown .at.address)
		[ "$(dd if="/proc/$ID/mem" bs=1 count=1 skip=$((address)) 2>/dev/null | od -An -tx1)" != " cc" ]
		"$T" release "$ID"
		ends 3
		[ "$(tail -n 1 out)" = "main 2 word $EUID" ]
	done
}

@test "unprivileged: nobody holds his own in main" {
	needs_point
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp "$T" tool
	mkdir -m 700 run
	chown nobody . run
	setpriv --reuid=65534 --regid=65534 --clear-groups env XDG_RUNTIME_DIR="$PWD/run" \
		./tool run --at main --hold-max 1s -- "$BIN/pie" word >out 2>err || status=$?
	[ "$status" -eq 3 ]
	[ "$(tail -n 1 out)" = "main 2 word 65534" ]
	grep -q "^  at        main " err
}

@test "misuse: --at and --fail take two words each, and --wrap holds nobody" {
	for options in "--at exit" "--at" "--fail closed" "--at main --wrap env"; do
		run -2 "$T" run $options -- touch ran
		[ ! -e ran ]
	done
}

# ---- --fail=hold ----

keeper_of() { "$T" show --json "$1" | jq -r .keeper; }
is_stale() { "$T" list --json | jq -e '.holds[0].state == "stale"'; }

@test "--fail=hold: the keeper, or the front end, is killed: stopped, until release --stale" {
	for who in front keeper; do
		start_held --fail hold --exec sleep -- sh -c 'sleep 0.1; echo "slept $?"; exit 3'
		kill -KILL $([ $who = front ] && echo "$RUN" || keeper_of "$ID")
		await has_state "$ID" T
		await is_stale
		sleep 0.2
		has_state "$ID" T
		"$T" release --stale
		await grep -q "slept 0" out
		if [ $who = keeper ]; then
			ends 3
			grep -q "the keeper was killed: what it held is stopped; tracehooks release --stale continues it" err
		fi
		wait "$RUN" || true
		RUN=
		none_held
	done
}

@test "--fail=hold: in main" {
	needs_point
	start_held --fail hold --at main -- "$BIN/pie" word
	kill -KILL "$(keeper_of "$ID")"
	await has_state "$ID" T
	"$T" release --stale
	ends 3
}

@test "--fail=hold: nothing is different when nobody is killed" {
	start_held --fail hold --exec sleep -- sh -c 'trap "echo a child has changed" CHLD; sleep 0.1; echo "slept $?"; exit 3'
	has_state "$ID" t
	"$T" release "$ID"
	ends 3
	[ "$(sort -u out)" = $'a child has changed\nslept 0' ]
	[ "$(wc -l <out)" -eq 2 ]
	start_held --fail hold --exec sleep -- sh -c 'sleep 0.1; echo "slept $?"; exit 3'
	kill -INT "$RUN"
	ends 3
	[ "$(cat out)" = "slept 0" ]
}

@test "--fail=hold: handed over to a debugger, it runs when that has quit" {
	command -v gdb >/dev/null || skip "no gdb"
	start_held --fail hold --exec sleep -- sh -c 'sleep 0.1; echo "slept $?"; exit 3'
	run -0 "$T" debug "$ID" -- gdb -nx -batch -ex 'info program' -ex detach
	ends 3
	[ "$(cat out)" = "slept 0" ]
}

@test "--fail=hold: watch" {
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp /bin/sleep snooze
	start "$T" watch --exe snooze --every --fail hold
	await grep -q "is held" err || { grep -q "^tracehooks: watch: " err && skip "$(cat err)"; }
	./snooze 0.01 3>&- &
	await some_held
	"$T" release --all
	wait $!
	await none_held
	./snooze 0.02 3>&- &
	snooze=$!
	await some_held
	kill -KILL "$(keeper_of "$snooze")"
	await has_state "$snooze" T
	"$T" release --stale
	wait "$snooze"
}
