#!/usr/bin/env bats
# tracehooks hold: threads of a running process, held where they call a function. As the user that
# runs the tests, and, for root, as nobody too.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup_file() {
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	chmod 755 "$TMP"
	cd "$BATS_TEST_DIRNAME" || return
	local sources="tracehooks_hold.c tracehooks_hold_other.c"
	gcc -O1 -g -o "$TMP/target" $sources -pthread -ldl
	gcc -O1 -g -no-pie -o "$TMP/fixed" $sources -pthread -ldl
	gcc -O1 -rdynamic -s -o "$TMP/stripped" $sources -pthread -ldl
	gcc -O1 -static -DSTATIC -o "$TMP/static" $sources -pthread
	gcc -O1 -g -shared -fPIC -DLIBRARY -o "$TMP/liblater.so.1" tracehooks_hold_other.c
	export TMP
}

teardown_file() { rm -rf "$TMP"; }

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	DIR=$(mktemp -d "$TMP/test.XXXXXX")
	export XDG_RUNTIME_DIR=$DIR
	cd "$DIR" || return
	P= RUN=
}

teardown() {
	"$T" release --all >/dev/null 2>&1
	[ -z "$RUN" ] || kill "$RUN" 2>/dev/null
	[ -z "$P" ] || kill -KILL "$P" 2>/dev/null
	cd / && rm -rf "$DIR"
}

# target WORD...: in the background, as $P.
target() {
	"$TMP/${TARGET:-target}" "$@" </dev/null 3>&- &
	P=$!
	await runs "$TMP/${TARGET:-target}"
}

runs() { [ "/proc/$P/exe" -ef "$1" ]; } # and is no shell any more

# hold WORD...: in the background, as $RUN, and armed.
hold() {
	"$T" hold "$@" >out 2>err </dev/null 3>&- &
	RUN=$!
	await armed
}
armed() { grep -q '^tracehooks: .* is traced' err || ! kill -0 "$RUN"; }

# ends STATUS: the hold, soon and so.
ends() {
	local status=0
	wait "$RUN" || status=$?
	RUN=
	[ "$status" -eq "$1" ] || { echo "status $status"; cat err; false; }
}

holds() { "$T" list --json | jq -r '.holds[] | select(.state == "held").id'; }
all_held() { [ "$(holds | wc -l)" -eq "$1" ]; }
shown() { "$T" list --json >list && jq -r "$1" list; }
record() { jq -r "$1" "$DIR/tracehooks/$(holds)"; }

# The target's calls, all as they were made; it counts on.
sum() { rm -f sum && kill -USR1 "$P" && await test -s sum && cat sum; }
goes_on() { local before; before=$(sum) && await counts_beyond "$before"; }
counts_beyond() { [ "$(sum)" -gt "$1" ]; }
# Not stopped, not traced: none of its threads.
is_free() { ! grep -HE '^(State:.[tT]|TracerPid:.[1-9])' /proc/"$P"/task/*/status; }
# It has noticed nothing.
unharmed() {
	await is_free
	goes_on
	kill -TERM "$P"
	local status=0
	wait "$P" || status=$?
	P=
	[ "$status" -eq 7 ] || { echo "target: $status"; false; }
}

@test "hold: the thread that calls stops at the function's entry, the others run on" {
	target threads 4
	hold "$P" work --if 'arg0 == 2'
	await all_held 1
	id=$(holds)
	[ "$(state "$id")" = t ]
	[ "$(cat "/proc/$P/task/$id/comm")" = worker-2 ]
	[ "$(cat /proc/"$P"/task/*/stat | awk '$3 == "t"' | wc -l)" -eq 1 ]
	goes_on
	[ "$(record '.pid, .at.symbol, .at.offset, .at.thread, .at.condition, .at.strings[1]' | paste -sd' ')" = \
		"$P work 0 worker-2 arg0 == 2 vda" ]
	[ "$(record '.at.args | del(.[1]) | join(" ")')" = "0x2 0xfffffffffffffffd 0x4 0x5 0x600000006" ]
	[ "$(record '.at.file' | xargs basename)" = tracehooks_hold.c ]
	[ "$(record .at.module)" = "$TMP/target" ]
	"$T" release "$id"
	ends 0
	unharmed
}

@test "hold: Ctrl-C releases all" {
	target threads 4
	hold "$P" work --every
	await all_held 4
	kill -INT "$RUN"
	ends 130
	unharmed
	[ -z "$(ls tracehooks)" ]
}

@test "hold: a closed terminal, and SIGTERM, end it as Ctrl-C does, and are told apart" {
	target threads 2
	for signal in HUP:129 TERM:143; do
		hold "$P" work
		await all_held 1
		kill -"${signal%:*}" "$RUN"
		ends "${signal#*:}"
		is_free
	done
	unharmed
}

# ---- debug ----

# What gdb says of the thread that it begins with.
debug_gdb() {
	"$T" debug "$1" -- "${GDB:-gdb}" -nx -batch -ex 'set debuginfod enabled off' -ex "python print('at', hex(gdb.parse_and_eval('\$pc')))" \
		-ex "python print('lwp', gdb.selected_thread().ptid[1])" -ex 'printf "args %lx %lx %lx\n", $rdi, $rcx, $r9' \
		-ex 'frame' -ex 'tbreak work if n == 1' -ex continue -ex 'bt 1' >gdb.log 2>&1 </dev/null
}

@test "debug: gdb begins with the held thread, continues at once, and leaves the process running" {
	target threads 4
	hold "$P" work --if 'arg0 == 3'
	await all_held 1
	id=$(holds) address=$(record .at.address)
	debug_gdb "$id"
	grep -q "^at $address$" gdb.log
	grep -q "^lwp $id$" gdb.log
	grep -q '^args 3 4 600000006$' gdb.log
	grep -q '^#0  work (n=n@entry=3, ' gdb.log
	grep -q 'hit Temporary breakpoint 1, .*work (n=n@entry=1' gdb.log
	ends 0
	grep -q "^tracehooks: $id: released: its debugger has left$" err
	unharmed
}

@test "debug: a gdb without Python finds the thread, too" {
	cat >gdb <<-'SH'
		#!/bin/sh
		[ "$1" != --configuration ] || exec echo "--without-python"
		exec gdb "$@"
	SH
	chmod +x gdb
	target threads 4
	hold "$P" work --if 'arg0 == 3'
	await all_held 1
	id=$(holds)
	GDB=./gdb debug_gdb "$id"
	grep -q "^lwp $id$" gdb.log
	ends 0
	unharmed
}

@test "debug: all that are held of a process are handed over with one" {
	target threads 3
	hold "$P" work --every
	await all_held 3
	"$T" debug "$(holds | head -1)" -- gdb -nx -batch -ex 'set debuginfod enabled off' >gdb.log 2>&1 </dev/null
	ends 0
	[ "$(grep -c ': handed over, a debugger is awaited$' err)" -eq 3 ]
	unharmed
}

@test "debug: where not all threads can stop now, the thread stays held" {
	target vfork
	hold "$P" work --if 'arg0 == 1'
	await all_held 1
	id=$(holds)
	run -4 "$T" debug "$id" -- true
	[[ $output = *"cannot stop now, as in vfork()" ]]
	[ "$(holds)" = "$id" ]
	[ "$(state "$id")" = t ]
	goes_on # a signal is no end for those who are traced
	touch go
	await has_no_child
	"$T" debug "$id" -- true
	[ "$(state "$P")" = T ]
	"$T" release "$id"
	ends 0
	unharmed
}
has_no_child() { [ -z "$(pgrep -P "$P")" ]; }

# ---- which call ----

@test "hold: the Nth call that fits, and those after it" {
	target count
	hold "$P" work --if 'arg0 & 1' --nth 2 --every
	touch go
	for n in 3 5 7; do
		await all_held 1
		[ "$(record '.at.args[0]')" = 0x$n ]
		"$T" release --all
	done
	kill -INT "$RUN"
	ends 130
	[ "$(sum)" -eq 9 ]
}

@test "hold: that a hold cannot be written down is told; Ctrl-C ends it even so" {
	target threads 1
	for id in /proc/"$P"/task/*; do mkdir -p "tracehooks/${id##*/}"; done
	chmod 700 tracehooks
	hold "$P" work
	await grep -q ': held: .*Is a directory$' err
	kill -INT "$RUN"
	ends 130
	unharmed
}

@test "hold: a string that an argument points to" {
	target threads 2
	hold "$P" work --if 'arg1 ~ "v*" && arg0 == 1 || arg1 == "none"'
	await all_held 1
	[ "$(record '.at.args[0]')" = 0x1 ]
	"$T" release --all
	ends 0
	run -2 "$T" hold "$P" work --if 'arg7 == 1'
	unharmed
}

@test "hold: --process stops all threads with it" {
	target threads 4
	hold "$P" work --process
	await all_held 1
	await all_stopped
	"$T" release --all
	ends 0
	unharmed
}

@test "hold: --process, and several are held: all stand until the last is released" {
	target threads 6
	hold "$P" work --process --every --if 'arg0 < 5'
	await all_held 5
	await all_stopped
	for id in $(holds | tail -n +2); do
		"$T" release "$id"
	done
	await all_held 1
	all_stopped
	kill -INT "$RUN"
	ends 130
	unharmed
}
all_stopped() { ! cut -d' ' -f3 /proc/"$P"/task/*/stat | grep -qv t; }

@test "hold: a thread that is born while it is armed" {
	target born 6
	hold "$P" work
	await all_held 1
	[ "$(record '.at.thread, .at.args[0]' | paste -sd' ')" = "newborn 0x6" ]
	"$T" release --all
	ends 0
	unharmed
}

@test "hold: --hold-max releases by itself" {
	target threads 1
	hold "$P" work --hold-max 1s
	ends 0
	grep -q "released: held for too long" err
	unharmed
}

@test "hold: --json is a line for each thing that happens" {
	target threads 1
	"$T" hold "$P" work --json >out 2>err </dev/null 3>&- &
	RUN=$!
	await all_held 1
	"$T" release --all
	ends 0
	[ "$(jq -r .event out | paste -sd' ')" = "armed held released" ]
	[ "$(jq -r 'select(.event == "armed") | .pid, .threads > 1, .mechanism, .places[0].symbol' out | paste -sd' ')" = "$P true perf work" ]
	[ "$(jq -r 'select(.event == "held") | .pid, .at.strings[1]' out | paste -sd' ')" = "$P vda" ]
	[ ! -s err ]
	unharmed
}

# ---- which place ----

@test "hold: several functions of one name are listed, and taken one by one" {
	target twice
	run -2 --separate-stderr "$T" hold "$P" helper
	[ "${#stderr_lines[@]}" -eq 3 ]
	[[ ${stderr_lines[0]} = "tracehooks: helper is 2 places in target ($P): "* ]]
	for file in tracehooks_hold.c tracehooks_hold_other.c; do
		address=$(grep -o "0x[0-9a-f]*  helper (.*$file:[0-9]*) in $TMP/target$" <<<"$stderr" | cut -d' ' -f1)
		hold "$P" "$address"
		await all_held 1
		[ "$(record .at.symbol)" = helper ]
		[ "$(record '.at.file' | xargs basename)" = $file ]
		"$T" release --all
		ends 0
	done
	hold "$P" helper --all --every
	for i in 1 2; do
		await all_held 1
		record '.at.file' | xargs basename >>seen
		"$T" release --all
	done
	kill -INT "$RUN"
	ends 130
	[ "$(sort -u seen | wc -l)" -eq 2 ]
	unharmed
}

@test "hold: a line, and LIB!NAME" {
	target twice
	line=$(grep -n 'return n + 2' "$BATS_TEST_DIRNAME/tracehooks_hold_other.c" | cut -d: -f1)
	hold "$P" "tracehooks_hold_other.c:$line"
	await all_held 1
	[ "$(record '.at.kind, .at.symbol, .at.line' | paste -sd' ')" = "line helper $line" ]
	"$T" release --all
	ends 0
	hold "$P" 'target!other'
	await all_held 1
	[ "$(record .at.symbol)" = other ]
	"$T" release --all
	ends 0
	hold "$P" 'libc.so!clock_nanosleep'
	await all_held 1
	[[ $(record .at.module) = */libc.so.6 ]]
	"$T" release --all
	ends 0
	unharmed
}

@test "hold: inlined ones are called so; too many places are an error" {
	target twice
	run -2 "$T" hold "$P" inlined
	[ "$(grep -c "inlined, inlined into twice" <<<"$output")" -eq 5 ]
	[ "$(grep -c "there are no arguments$" <<<"$output")" -eq 1 ]
	run -4 "$T" hold "$P" inlined --all --mechanism perf
	[[ $output = *"5 addresses are to be watched, and "*" have hardware breakpoints for 4"* ]]
	run -4 "$T" hold "$P" inlined --all
	unharmed
}

@test "hold: a clone is called so; the cold part of a function is none of its places" {
	gcc -O2 -g -o "$DIR/cloned" -x c - <<-'C'
		#include <stdio.h>
		#include <stdlib.h>
		#include <unistd.h>
		static volatile long sum;
		static __attribute__((cold, noinline)) void fail(void) { puts("fail"); exit(3); }
		static __attribute__((noinline)) long copied(long n, long by)
		{
			if (sum < 0)
				fail();
			return sum += n * by;
		}
		__attribute__((noinline)) long parted(long n)
		{
			if (n < 0) {
				sum = 0;
				fail();
			}
			return sum += n;
		}
		int main(void)
		{
			for (;; usleep(1000))
				parted(copied(sum & 1, 7) & 1);
		}
	C
	nm cloned | grep -q 'parted.cold' || skip "this compiler makes no cold parts"
	nm cloned | grep -q 'copied.constprop' || skip "this compiler makes no clones"
	"$DIR/cloned" 3>&- &
	P=$!
	await runs "$DIR/cloned"
	hold "$P" parted
	await all_held 1
	[ "$(record '.at.kind, .at.symbol' | paste -sd' ')" = "function parted" ]
	"$T" release --all
	ends 0
	hold "$P" copied
	await all_held 1
	[ "$(record '.at.kind, .at.symbol' | paste -sd' ')" = "clone copied.constprop.0" ]
	grep -q "a clone's arguments may be others than the source's" err
	"$T" release --all
	ends 0
	await is_free
}

@test "hold: a library that is loaded later" {
	target load "$TMP/liblater.so.1"
	run -1 "$T" hold "$P" 'liblater.so!later'
	[[ $output = *"--pending"* ]]
	hold "$P" 'liblater.so!later' --pending
	touch go
	await all_held 1
	[ "$(record '.at.symbol, .at.module, .at.args[0]' | paste -sd' ')" = "later $TMP/liblater.so.1 0x29" ]
	grep -q "armed, too" err
	"$T" release --all
	ends 0
	unharmed
}

@test "hold: who loads something goes on, though the front end does not look" {
	target load "$TMP/liblater.so.1"
	hold "$P" later --pending
	kill -STOP "$RUN"
	touch go
	sleep 0.5
	[ -n "$(grep -l '^State:.t' /proc/"$P"/task/*/status)" ]
	goes_on
	kill -CONT "$RUN"
	await grep -q "was not looked at in time" err
	kill -INT "$RUN"
	ends 130
	unharmed
}

@test "hold: a fixed program, one with .dynsym alone, a static one" {
	for TARGET in fixed stripped static; do
		target twice
		hold "$P" other
		await all_held 1
		[ "$(record '.at.symbol, .at.module' | paste -sd' ')" = "other $TMP/$TARGET" ]
		"$T" release --all
		ends 0
		unharmed
	done
	TARGET=stripped target twice
	run -1 "$T" hold "$P" helper
	run -1 "$T" hold "$P" 'libnone.so!f'
	unharmed
	TARGET=static target twice
	run -1 "$T" hold "$P" later --pending
	[[ $output = *"--pending"* ]]
	unharmed
}

# ---- who is refused ----

@test "hold: refused: process 1, ourselves, threads, keepers, this terminal" {
	target threads 2
	for pid in 1 0 x $$; do
		run -2 "$T" hold "$pid" main
	done
	[[ $output = "tracehooks: process $$ has started tracehooks itself" ]]
	tid=$(ls "/proc/$P/task" | tail -1)
	run -2 "$T" hold "$tid" work
	[ "$output" = "tracehooks: $tid is a thread of process $P" ]
	/usr/bin/python3 -c 'import os, time; m, s = os.openpty(); print(os.ttyname(s), flush=True); time.sleep(60)' >pty 3>&- &
	await test -s pty
	run -2 "$T" hold $! main <"$(cat pty)"
	[ "$output" = "tracehooks: process $! is this terminal" ]
	kill $!
	hold "$P" work --if 'arg0 == 77'
	keeper=$(pgrep -P "$RUN")
	run -2 "$T" hold "$keeper" main
	[[ $output = *"(tracehooks-keep) is one of tracehooks" ]]
	run -4 "$T" hold "$P" work
	[[ $output = *"(target) is traced by $keeper (tracehooks-keep)" ]]
	kill -INT "$RUN"
	ends 130
	run -7 "$T" hold 4194300 main
	run -2 "$T" hold "$P" work --thread --process
	run -2 "$T" hold "$P" work --mechanism magic
	run -1 "$T" hold "$P" no_such_function
	unharmed
}

# ---- who ends ----

@test "ends: the process ends, or becomes another program: nobody will come" {
	target threads 2
	hold "$P" work --if 'arg0 == 77'
	kill -KILL "$P"
	ends 7
	grep -q "over: it has ended" err
	P=
	target exec /bin/sleep
	hold "$P" work --nth 2
	touch go
	ends 7
	grep -q "over: it is another program now" err
	wait "$P"
	P=
}

@test "killed: the process, while it is held" {
	target threads 2
	hold "$P" work --every
	await all_held 2
	kill -KILL "$P"
	P=
	ends 0
	[ "$(grep -c ': ended$' err)" -eq 2 ]
	[ -z "$(ls tracehooks)" ]
}

@test "killed: the keeper, when a debugger is awaited: the process runs on" {
	for mechanism in perf int3; do
		target threads 3
		hold "$P" work --mechanism $mechanism
		await all_held 1
		"$T" debug "$(holds)" -- true
		[ "$(state "$P")" = T ]
		kill -KILL "$(pgrep -P "$RUN")"
		ends 1
		unharmed
	done
}

@test "stopped: a keeper goes on by itself, and when all are to be released" {
	local keeper
	target threads 3
	hold "$P" work
	await all_held 1
	keeper=$(pgrep -P "$RUN")
	kill -STOP "$keeper"
	await has_state "$keeper" S
	kill -STOP "$keeper"
	kill -INT "$RUN"
	ends 130
	unharmed
}

@test "killed: the front end, and the keeper: the process runs on" {
	target threads 4
	hold "$P" work --every
	await all_held 4
	kill -KILL "$RUN"
	wait "$RUN" || true
	await is_free
	await none_listed
	goes_on
	hold "$P" work --every
	await all_held 4
	kill -KILL "$(pgrep -P "$RUN")"
	ends 1
	grep -q "the keeper was killed" err
	unharmed
}
none_listed() { [ "$("$T" list --json | jq '.holds | length')" -eq 0 ]; }

# ---- int3 ----

@test "int3: as many places as one likes; the risk is told" {
	target twice
	hold "$P" inlined --all --mechanism int3
	await all_held 1
	grep -q "RISK" err
	"$T" release --all
	ends 0
	unharmed
	target threads 4
	hold "$P" work --mechanism int3 --if 'arg0 == 2'
	await all_held 1
	[ "$(record '.at.mechanism, .at.thread, .at.args[0], .at.strings[1]' | paste -sd' ')" = "int3 worker-2 0x2 vda" ]
	debug_gdb "$(holds)"
	grep -q '^#0  work (n=n@entry=2, ' gdb.log
	ends 0
	unharmed
}

# ---- other users ----

AS_NOBODY="setpriv --reuid=65534 --regid=65534 --clear-groups"

@test "nobody: holds his own processes, and no others" {
	[ "$EUID" -eq 0 ] || skip "takes root to become nobody"
	target threads 2
	mkdir -m 700 run && chown 65534 run && chmod 755 .
	XDG_RUNTIME_DIR=$DIR/run
	run -3 $AS_NOBODY "$T" hold "$P" work
	[[ $output = *"another user's"* ]]
	run -3 $AS_NOBODY "$T" attach "$P"
	[[ $output = *"another user's"* ]]
	unharmed
	chown 65534 . # where the sum is written
	$AS_NOBODY "$TMP/target" threads 4 </dev/null 3>&- &
	P=$!
	await runs "$TMP/target"
	$AS_NOBODY "$T" hold "$P" work --if 'arg0 == 2' >out 2>err </dev/null 3>&- &
	RUN=$!
	await armed
	await all_held_by_nobody
	$AS_NOBODY "$T" list --json >list
	id=$(jq '.holds[0].id' list)
	[ "$(state "$id")" = t ]
	$AS_NOBODY "$T" debug "$id" -- gdb -nx -batch -ex 'set debuginfod enabled off' -ex 'frame' >gdb.log 2>&1 </dev/null
	grep -q '^#0  work (n=n@entry=2, ' gdb.log
	ends 0
	unharmed
}
all_held_by_nobody() { [ "$($AS_NOBODY "$T" list --json | jq '.holds | length')" -eq 1 ]; }

@test "setuid: root holds it, and its rights stay; others do not" {
	[ "$EUID" -eq 0 ] || skip "takes root"
	cp "$TMP/target" suid && chmod 4755 suid
	chmod 777 .
	$AS_NOBODY ./suid threads 2 </dev/null 3>&- &
	P=$!
	await grep -q '^Uid:.65534.0.0.0$' "/proc/$P/status"
	mkdir -m 700 run && chown 65534 run
	run env XDG_RUNTIME_DIR="$DIR/run" $AS_NOBODY "$T" hold "$P" work
	[ "$status" -eq 3 ]
	hold "$P" work
	await all_held 1
	"$T" release --all
	ends 0
	grep -q '^Uid:.65534.0.0.0$' "/proc/$P/status"
	unharmed
}

# COMMAND... without perf_event_open(2), as containers have it: EACCES.
without_perf() {
	/usr/bin/python3 - "$@" <<-'PY'
		import ctypes, os, platform, struct, sys
		number = {"x86_64": 298, "aarch64": 241}[platform.machine()]
		code = [(0x20, 0, 0, 0), (0x15, 0, 1, number), (6, 0, 0, 0x50000 | 13), (6, 0, 0, 0x7FFF0000)]
		program = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *line) for line in code))
		filter = ctypes.create_string_buffer(struct.pack("@HxxxxxxP", len(code), ctypes.addressof(program)))
		libc = ctypes.CDLL(None, use_errno=True)
		assert libc.prctl(38, 1, 0, 0, 0) == 0 and libc.prctl(22, 2, filter) == 0, ctypes.get_errno()
		os.execv(sys.argv[1], sys.argv[1:])
	PY
}

@test "int3: where perf is not possible, which is told; not if perf is asked for" {
	target threads 2
	without_perf "$T" hold "$P" work >out 2>err 3>&- &
	RUN=$!
	await all_held 1
	grep -q "^  by int3, for perf is not possible: .*Permission denied" err
	grep -q "RISK" err
	[ "$(record .at.mechanism)" = int3 ]
	"$T" release --all
	ends 0
	run -1 without_perf "$T" hold "$P" work --mechanism perf
	[[ $output = *"Permission denied"* ]]
	unharmed
}
