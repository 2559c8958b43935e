#!/usr/bin/env bats
# Hold points with the debuggers themselves, by the lines that they print; with clang, and on aarch64.

setup_file() {
	source "$BATS_TEST_DIRNAME/../cli/holdpoint.bash"
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/holdpoint.XXXXXX")
	cd "$TMP" || return
	build c-O0 gcc -O0 -g
	build c-O2 gcc -O2 -g
	build c++-O0 g++ -x c++ -O0 -g
	build c++-O2 g++ -x c++ -O2 -g
	build clang-O0 clang -O0 -g
	build clang-O2 clang -O2 -g
	build portable gcc -O2 -g -DGS_HOLDPOINT_PORTABLE
	build bare gcc -O2 -s
	export TMP DEBUGINFOD_URLS=
}

teardown_file() { rm -rf "$TMP"; }

setup() {
	source "$BATS_TEST_DIRNAME/../cli/holdpoint.bash"
	cd "$TMP" || return
	PID=
}

teardown() {
	if [ -n "$PID" ] && kill -0 "$PID" 2>/dev/null; then kill -KILL "$PID"; fi
}

# debug [N] OPTION...: the printed line, with these behind.
debug() {
	local line
	line=$(line debug "$1")
	shift
	run timeout 60 sh -c "$line -nx -batch \"\$@\"" sh "$@"
	echo "$output"
}

@test "the printed line: the point is one frame away, continue works, the exit status is the program's" {
	for program in c-O0 c-O2 c++-O0 c++-O2 clang-O0 clang-O2 portable; do
		start env GUESTSCOPE_HOLD=last ./$program
		until_said 'held.*: last$'
		debug 1 -ex 'printf "hold %d\n", hold' -ex up -ex continue
		[[ $output = *$'\nhold 1\n'*"#"[1-9]*" last "*GS_HOLDPOINT\(last\)*'exited with code 016'* ]]
		ended 14
		grep -q "last: debugged by [0-9]*\$" said
	done
}

@test "finish leads to the caller" {
	for program in c-O0 c++-O2 clang-O2 portable; do
		start env GUESTSCOPE_HOLD=last ./$program
		until_said 'held.*: last$'
		debug 1 -ex finish -ex 'printf "at "' -ex 'info symbol $pc' -ex continue
		[[ $output =~ $'\nat '(last|other).*'exited with code 016' ]]
		ended 14
	done
}

@test "as ever: gdb -p, set var hold=0" {
	for program in c-O0 c-O2 c++-O2 clang-O0 clang-O2; do
		start env GUESTSCOPE_HOLD=other ./$program
		until_said 'held.*: other$'
		run gdb -nx -p $PID -batch -ex 'set var hold=0'
		ended 14
		grep -q 'other: released$' said
	done
}

@test "the printed line that lets go, without symbols too" {
	for program in c-O2 bare; do
		start env GUESTSCOPE_HOLD=start ./$program
		until_said held
		eval "$(line release)"
		ended 14
		grep -q 'start: released$' said
	done
}

@test "the thread that is held is selected; all go on together" {
	start env GUESTSCOPE_HOLD=work ./c-O2 threads
	until_said too 3
	debug 1 -ex up -ex 'thread apply all backtrace' -ex continue
	[[ $output = *"#1 "*" work "*GS_HOLDPOINT\(work\)*'exited with code 03'* ]]
	[ "$(grep -c '^#[1-9] .* work (' <<<"$output")" -ge 4 ]
	ended 3
}

@test "a child between fork, or vfork, and exec" {
	for how in fork vfork; do
		start env GUESTSCOPE_HOLD=child ./c-O2 $how
		until_said 'held.*: child$'
		debug 1 -ex up -ex 'catch exec' -ex continue -ex continue
		[[ $output = *run_child*'Catchpoint 1 (exec'*'exited with code 04'* ]]
		until_said 'held.*: child$' 2
		eval "$(line release 2)"
		ended 8
	done
}

@test "the gate, written by gdb, arms a daemon's children" {
	mkfifo orders
	start sh -c 'exec ./c-O2 daemon <orders'
	exec 4>orders
	until_said gate
	gdb -nx -p $PID -batch -ex 'set var gs_holdpoint_gate = 1'
	echo >&4
	until_said 'held.*: child$'
	gdb -nx -p "$(held_pid)" -batch -ex 'set var gs_holdpoint_gate = 0'
	exec 4>&-
	ended 4
}

@test "attached and gone again: held until its time is over" {
	start env GUESTSCOPE_HOLD=start:5 ./c-O2
	until_said held
	debug 1 -ex detach
	kill -0 $PID
	ended 14
	grep -q 'its time is over' said
}

@test "under gdb from the start: not held, and it says so" {
	run env GUESTSCOPE_HOLD=start,last gdb -nx -batch -ex run ./c-O2
	[[ $output = *'start: not held, as '*' traces it'*'last: not held'*'exited with code 016'* ]]
	[ "$(grep -c 'not held' <<<"$output")" -eq 2 ]
}

@test "gdb stops at the probe" {
	run gdb -nx -batch -ex 'break -probe-stap guestscope:last' -ex run -ex bt ./c-O2
	[[ $output = *'#0 '*last*holdpoint_other.c* ]]
}

@test "lldb" {
	if ! command -v lldb >/dev/null; then skip 'no lldb'; fi
	start env GUESTSCOPE_HOLD=last ./clang-O2
	until_said 'held.*: last$'
	grep -q "^            lldb -p $(held_pid)\$" said
	run timeout 60 sh -c "lldb -p $(held_pid) --batch -o 'expr hold' -o up -o continue"
	echo "$output"
	[[ $output = *'GS_HOLDPOINT(last)'*'exited with status = 14'* ]]
	ended 14
}

@test "clang, strict" {
	strict clang clang++
}

@test "aarch64: compiles, holds, goes on" {
	build aarch64 aarch64-linux-gnu-gcc -O2 -static $STRICT_C
	GUESTSCOPE_HOLD=start:1 run qemu-aarch64-static ./aarch64
	echo "$output"
	[ "$status" -eq 14 ]
	[[ $output = *'held '*': start'*'its time is over'* ]]
}
