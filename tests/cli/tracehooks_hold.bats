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
	await [ -d "/proc/$P/task" ]
}

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
sum() { rm -f sum && kill -USR1 "$P" && await test -e sum && cat sum; }
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
