#!/usr/bin/env bats
# <guestscope/holdpoint.h>: compiles everywhere, costs nothing while off, holds whom it should, says so,
# and lets go. (With debuggers: tests/tools/holdpoint.bats.)

setup_file() {
	source "$BATS_TEST_DIRNAME/holdpoint.bash"
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/holdpoint.XXXXXX")
	chmod 755 "$TMP"
	cd "$TMP" || return
	build c gcc -std=gnu99 -O2 -g
	build c++ g++ -x c++ -std=c++11 -O0 -g
	build portable gcc -O2 -g -DGS_HOLDPOINT_PORTABLE
	build fixed gcc -O2 -no-pie
	export TMP
}

teardown_file() { rm -rf "$TMP"; }

setup() {
	source "$BATS_TEST_DIRNAME/holdpoint.bash"
	cd "$TMP" || return
	PID=
}

teardown() {
	if [ -n "$PID" ] && kill -0 "$PID" 2>/dev/null; then kill -KILL "$PID"; fi
}

# poke PID ADDRESS NUMBER: writes an int there, as a debugger would.
poke() {
	/usr/bin/python3 - "$@" <<-'PYTHON'
		import os, struct, sys
		fd = os.open(f"/proc/{sys.argv[1]}/mem", os.O_WRONLY)
		os.pwrite(fd, struct.pack("=i", int(sys.argv[3])), int(sys.argv[2], 16))
	PYTHON
}

# let_go [N]: as the printed line of the Nth block does.
let_go() {
	poke "$(held_pid "${1:-1}")" "$(line release "${1:-1}" | sed 's/.*)\(0x[0-9a-f]*\) = 0.*/\1/')" 0
}

@test "strict C and C++: no warning, and the same name in two files is no error" {
	strict gcc g++
}

@test "included and not used: no warning" {
	for language in c c++; do
		echo '#include <guestscope/holdpoint.h>' >unused.c
		gcc -x $language -c -O2 $STRICT -Wunused -I"$HERE/../../lib/include" unused.c -o unused.o
	done
}

@test "it asks of the C library no more than environ and errno" {
	for level in -O0 -O2; do
		gcc -c $level -fno-stack-protector -I"$HERE/../../lib/include" "$HERE/holdpoint_other.c" -o other.o
		run sh -c "nm -u other.o | grep -vwE 'environ|__errno_location|_GLOBAL_OFFSET_TABLE_'"
		[ "$output" = '' ]
	done
}

@test "off: nothing is said and nobody waits" {
	for wish in '' ':' ',,' star startx x,Start:9 ':start' other2:start; do
		run env GUESTSCOPE_HOLD="$wish" timeout 5 ./c
		[ "$status" -eq 14 ] && [ "$output" = '' ]
	done
	run env -i ./c++
	[ "$status" -eq 14 ] && [ "$output" = '' ]
}

@test "held until the time is over: what is said" {
	SECONDS=0
	start env GUESTSCOPE_HOLD=x,start:2 ./c
	ended 14
	[ "$SECONDS" -ge 2 ] && [ "$SECONDS" -lt 8 ]
	run sed "s/\b$PID\b/PID/g; s/0x[0-9a-f]*/0xADDRESS/; s|main, .*/|main, |; s/c:[0-9]*\$/c:LINE/" said
	diff - <(echo "$output") <<-'TEXT'
		holdpoint: held PID: start
		  at        main, holdpoint.c:LINE
		  debug     gdb -p PID -ex 'frame function gs_holdpoint_hold'
		            lldb -p PID
		  release   gdb -p PID -batch -ex 'set var *(int *)0xADDRESS = 0'    (by itself in 2 s)
		holdpoint: PID: start: released: its time is over
	TEXT
}

@test "the time: ten minutes, as told, or never" {
	for wish in start: start:x start:99999999999 start; do
		start env GUESTSCOPE_HOLD=$wish ./c
		until_said '(by itself in 10 min)'
		kill $PID
	done
	start env GUESTSCOPE_HOLD=start:150 ./c
	until_said '(by itself in 3 min)'
	kill $PID
	start env GUESTSCOPE_HOLD=start:0 ./c
	until_said '(never by itself)'
	let_go
	ended 14
}

@test "hold = 0 lets go; each point holds once, the last thing of a function too" {
	for program in c c++ portable; do
		start env GUESTSCOPE_HOLD=start,last,other,box,plus,lambda ./$program
		until_said 'at  *main, .*holdpoint.c:'
		let_go
		until_said 'start: released$'
		until_said 'at  *other, .*holdpoint_other.c:'
		let_go 2
		[ $program != c++ ] || { until_said 'held.*: box$' && let_go 3 && until_said 'held.*: lambda$' && let_go 4 &&
			until_said 'held.*: box$' 2 && let_go 5 && until_said 'held.*: lambda$' 2 && let_go 6; }
		[ $program = c++ ] || { until_said 'held.*: plus$' && let_go 3; }
		until_said 'held.*: last$'
		let_go "$(grep -c '^  release' said)"
		ended 14
	done
}

@test "a child between fork, or vfork, and exec, and the next one too" {
	for how in fork vfork; do
		start env GUESTSCOPE_HOLD=child ./c $how
		until_said 'held.*: child$'
		[ "$(held_pid)" -ne $PID ]
		let_go
		until_said 'held.*: child$' 2
		[ "$(held_pid 2)" -ne "$(held_pid)" ]
		let_go 2
		ended 8
	done
}

@test "the gate: armed in a running daemon, its next child is held; 0 lets it go" {
	mkfifo orders
	start sh -c 'exec ./fixed daemon <orders'
	exec 4>orders
	until_said gate
	echo >&4
	poke $PID "$(sed -n 's/.*gate //p' said)" 1
	echo >&4
	until_said 'held.*: child$'
	poke "$(held_pid)" "$(sed -n 's/.*gate //p' said)" 0
	until_said 'child: released$'
	exec 4>&-
	ended 4
	[ "$(grep -c 'held' said)" -eq 1 ]
	rm orders
}

@test "threads that come together are held together: one block" {
	start env GUESTSCOPE_HOLD=work ./c threads
	until_said 'work, thread [0-9]* too$' 3
	[[ $(line debug) = *"t.ptid[1] == "* ]]
	let_go
	ended 3
	[ "$(grep -c '^  at' said)" -eq 1 ] && [ "$(grep -c 'released$' said)" -eq 1 ]
}

@test "threads: no race" {
	build race gcc -O1 -g -fsanitize=thread
	run ./race threads
	if [ "$status" -ne 3 ]; then skip 'no thread sanitizer here'; fi
	run env GUESTSCOPE_HOLD=work:1 ./race threads
	echo "$output"
	[ "$status" -eq 3 ]
}

@test "signals interrupt nothing; errno is kept" {
	for program in c portable; do
		start env GUESTSCOPE_HOLD=start:1 ./$program signals
		ended 5
	done
}

@test "stopped and continued: still held" {
	start env GUESTSCOPE_HOLD=start ./c
	until_said held
	kill -STOP $PID
	kill -CONT $PID
	sleep 0.3
	kill -0 $PID
	let_go
	ended 14
}

@test "a stderr that is closed, broken or full: silence, no SIGPIPE, no hang" {
	run timeout 9 env GUESTSCOPE_HOLD=start:1 sh -c './c 2>&-'
	[ "$status" -eq 14 ] && [ "$output" = '' ]
	run timeout 9 env GUESTSCOPE_HOLD=start:1 ./c broken
	[ "$status" -eq 6 ]
	run timeout 9 env GUESTSCOPE_HOLD=start:1 ./c full
	[ "$status" -eq 8 ]
}

@test "without /proc" {
	if [ "$(id -u)" -ne 0 ]; then skip 'chroot takes root'; fi
	mkdir -p empty
	start env GUESTSCOPE_HOLD=start ./c rootless empty
	until_said held
	let_go
	ended 5
	start env GUESTSCOPE_HOLD=start:1 ./c rootless empty
	ended 5
	grep -q 'its time is over' said
}

@test "a program with more rights than its caller does not look at the environment" {
	if [ "$(id -u)" -ne 0 ]; then skip 'set-user-ID takes root'; fi
	if findmnt -no OPTIONS -T . | grep -qw nosuid; then skip 'no set-user-ID here'; fi
	cp c raised
	run setpriv --reuid 65534 --clear-groups env GUESTSCOPE_HOLD=start:1 ./raised
	[[ $output = *held* ]]
	chmod u+s raised
	run setpriv --reuid 65534 --clear-groups env GUESTSCOPE_HOLD=start:1 ./raised
	[ "$status" -eq 14 ] && [ "$output" = '' ]
}

@test "each point is a probe of its name" {
	for program in c c++; do
		run sh -c "readelf -n $program | sed -n '/Provider: guestscope/{n;s/.*Name: //p}' | sort -u | xargs"
		[[ $program = c && $output = 'child last other plus start work' ]] ||
			[[ $program = c++ && $output = 'box child lambda last other start work' ]]
	done
}
