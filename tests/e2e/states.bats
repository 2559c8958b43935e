#!/usr/bin/env bats
# Guests without a system, which boot at once: dumps in every state that a guest, its QEMU, its monitor and
# the output can be in. Whatever was refused or failed, the guest is as it was before, and no file is left.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	tool_kit
	export SCRATCH XDG_RUNTIME_DIR PORT=$((20000 + $$ % 20000))
	GUEST_MEM=1G launch_bare hung --private-ram
	export HUNG=$(pid_of hung)
	# Takes half a minute, and is looked at in the last test.
	(
		status=0
		tests/e2e/watch "$(monitor hung)2" --on STOP "kill -STOP $HUNG" -- \
			dumptool dump -g hung -e stream -o "$SCRATCH/hung.kdump" >"$SCRATCH/hung.out" 2>&1 || status=$?
		echo $status >"$SCRATCH/hung.status"
	) </dev/null 3>&- &
	launch_bare g -- -qmp "tcp:127.0.0.1:$PORT,server=on,wait=off"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests g hung other
}

setup() {
	set -o pipefail # jq -e is content with no input at all
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
	OUT=$SCRATCH/out
	rm -rf "$OUT"
	mkdir "$OUT"
}

teardown() { qmpctl kill -g other 2>/dev/null || true; }

# launch_bare NAME [OPTION]...: nothing but firmware in it.
launch_bare() { qmpctl launch --name "$1" --mem "${GUEST_MEM:-64M}" --accel tcg "${@:2}"; }

monitor() { echo "$XDG_RUNTIME_DIR/guestscope/$1/qmp"; }
pid_of() { qmpctl status -g "$1" --json | jq .pid; }
state() { qmpctl status -g "${1:-g}" --json | jq -r .state; }
watched() { run --separate-stderr tests/e2e/watch "$(monitor "${GUEST:-g}")2" -- "$@"; }
untouched() { [ "${lines[-1]}" = events: ] && [ -z "$(ls -A "$OUT")" ]; }

# await_state STATE [GUEST]: within two seconds.
await_state() {
	for _ in {1..40}; do
		[ "$(state "${2:-g}")" = "$1" ] && return
		sleep 0.05
	done
	echo "still $(state "${2:-g}")"
	return 1
}

# ---- guests ----

@test "no system, no VMCOREINFO: a sound file, and a note" {
	run --separate-stderr dumptool dump -g g -o "$OUT/core"
	[ "$status" -eq 0 ]
	[[ $stderr = *'no Linux kernel found in the guest (no vmcoreinfo)'* ]]
	dumptool verify "$OUT/core"
	[ "$(state)" = running ]
}

@test "by the number of its process" {
	dumptool dump -g "pid:$(pid_of g)" -o "$OUT/core"
	dumptool verify "$OUT/core"
}

@test "RAM above 4 GiB, most of it never touched: q35" {
	qmpctl launch --name other --mem 5G --accel tcg --private-ram -- -M q35
	dumptool dump -g other -o "$OUT/core"
	run --separate-stderr dumptool info --json "$OUT/core"
	jq -e '.memory_size > 5368709120 and any(.ranges[]; .end > "0x100000000")' <<<"$output"
	[ "$(stat -c %s "$OUT/core")" -lt 100000000 ]
	dumptool verify "$OUT/core"
}

@test "a 32-bit QEMU" {
	launch_bare other --qemu qemu-system-i386
	for format in elf kdump-zlib; do
		dumptool dump -g other -o "$OUT/$format" --format $format
		dumptool verify "$OUT/$format"
		[ "$(dumptool info --json "$OUT/$format" | jq -r .arch)" = i686 ]
	done
}

@test "aarch64" {
	[ -n "$(type -P qemu-system-aarch64)" ] || skip 'needs qemu-system-arm'
	launch_bare other --qemu qemu-system-aarch64 -- -M virt -cpu max
	qmpctl pause -g other
	for format in elf kdump-zlib; do
		dumptool dump -g other -o "$OUT/$format" --format $format
		dumptool verify "$OUT/$format"
		dumptool info --json "$OUT/$format" | jq -e '.arch == "aarch64" and .bits == 64'
	done
	[ "$(sum_of "$OUT/elf")" = "$(sum_of "$OUT/kdump-zlib")" ]
}

@test "never started (prelaunch): it stays so" {
	launch_bare other -- -S
	GUEST=other watched dumptool dump -g other -o "$OUT/core"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} != *RESUME* ]]
	[ "$(state other)" = prelaunch ]
	dumptool verify "$OUT/core"
}

@test "an incoming migration: refused in QEMU's words" {
	launch_bare other -- -incoming defer
	run dumptool dump -g other -o "$OUT/core"
	[ "$status" -eq 1 ]
	[[ $output = *'incoming migration'* ]]
	[ "$(state other)" = inmigrate ]
	[ -z "$(ls -A "$OUT")" ]
}

# ---- what becomes of the guest ----

@test "--crash ends the guest, and the dump is there" {
	launch_bare other
	pid=$(pid_of other)
	dumptool dump -g other -o "$OUT/core" --crash
	dumptool verify "$OUT/core"
	timeout 5 tail --pid="$pid" -f /dev/null
}

@test "--crash and --reset of a dump that fails leave the guest alone" {
	for after in --crash --reset; do
		watched dumptool dump -g g -o /dev/full $after
		[ "$status" -eq 9 ]
		[[ ${lines[-1]} = *' RESUME' ]]
		[[ ${lines[-1]} != *RESET* && ${lines[-1]} != *SHUTDOWN* ]]
		[ "$(state)" = running ]
	done
}

@test "--reset resets a guest that ran, once the dump is there" {
	run tests/e2e/watch "$(monitor g)2" --on RESET "test -s $OUT/core" -- dumptool dump -g g -o "$OUT/core" --reset
	[ "$status" -eq 0 ]
	await_state running
}

@test "--reset resets a guest that was paused, and does not start it" {
	qmpctl pause -g g
	watched dumptool dump -g g -o "$OUT/core" --reset
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} = *RESET* && ${lines[-1]} != *RESUME* ]]
	[ "$(state)" = prelaunch ]
	qmpctl resume -g g
}

# ---- monitors ----

@test "a tcp monitor cannot take a pipe: refused, the guest untouched" {
	watched dumptool dump -g "tcp:127.0.0.1:$PORT" -o "$OUT/core"
	[ "$status" -eq 1 ]
	[[ $stderr = *'unix socket'* ]]
	untouched
}

@test "a busy monitor: exit 4, and who holds it" {
	qmpctl events -g "unix:$(monitor g)2" >/dev/null 3>&- &
	sleep 0.2
	run dumptool dump -g "unix:$(monitor g)2" -o "$OUT/core"
	kill $!
	[ "$status" -eq 4 ]
	[[ $output = *'held by'* ]]
	[ -z "$(ls -A "$OUT")" ]
}

@test "a dump that somebody else is taking: exit 4" {
	mkfifo "$OUT/pipe"
	sleep 30 <"$OUT/pipe" 3>&- &
	qmpctl exec -g g dump-guest-memory paging:=false detach:=true "protocol=file:$OUT/pipe"
	[ "$(state)" = save-vm ]
	run dumptool dump -g g -o "$OUT/core"
	kill $!
	[ "$status" -eq 4 ]
	[[ $output = *'somebody else is taking a dump'* ]]
	[ ! -e "$OUT/core" ]
	await_state running
}

@test "a stopped QEMU: exit 5" {
	launch_bare other
	pid=$(pid_of other)
	kill -STOP "$pid"
	run dumptool dump -g other -o "$OUT/core"
	[ "$status" -eq 5 ]
	[[ $output = *'stopped by a signal'* ]]
	kill -CONT "$pid"
	[ "$(state other)" = running ]
	[ -z "$(ls -A "$OUT")" ]
}

# ---- outputs ----

@test "targets that cannot be written cost the guest nothing" {
	for target in "$OUT/none/core" /proc/core "$OUT"; do
		watched dumptool dump -g g -o "$target"
		[ "$status" -eq 1 ]
		untouched
	done
}

@test "a fifo, a device, a symlink" {
	mkfifo "$OUT/fifo"
	cat "$OUT/fifo" >"$OUT/from-fifo" 3>&- &
	dumptool dump -g g -o "$OUT/fifo"
	wait $!
	dumptool verify "$OUT/from-fifo" # flattened
	dumptool dump -g g -o /dev/null
	ln -s target "$OUT/link"
	dumptool dump -g g -o "$OUT/link"
	[ -L "$OUT/link" ]
	dumptool verify "$OUT/target"
}

# ---- ends ----

processes() { grep -lsx "$1" /proc/[0-9]*/comm | cut -d/ -f3; } # NAME

# As "killall -9 dumptool" would, but only those that write to $OUT.
kill_by_name() {
	local pid
	for pid in $(processes dumptool); do
		if tr '\0' '\n' <"/proc/$pid/cmdline" | grep -qF "$OUT/"; then kill -9 "$pid"; fi
	done
}

@test "killall -9 dumptool: the guardian is not hit" {
	mkfifo "$OUT/pipe"
	dumptool dump -g g -o "$OUT/pipe" --format elf 3>&- &
	{
		await_state paused
		kill_by_name
		await_state running
	} <"$OUT/pipe"
	status=0
	wait $! || status=$?
	[ $status -eq 137 ]
}

@test "while the reader of the output takes nothing: one signal ends it, Ctrl-Z does not stop it" {
	mkfifo "$OUT/pipe"
	dumptool dump -g g -o - --format elf 3>&- >"$OUT/pipe" &
	dump=$!
	{
		await_state paused
		kill -TSTP $dump
		sleep 0.1
		[[ $(sed 's/.*) //' /proc/$dump/stat) != T* ]]
		kill -TERM $dump
		await_state running
	} <"$OUT/pipe"
	status=0
	wait $dump || status=$?
	[ $status -eq 143 ]
}

@test "QEMU stopped during a dump: exit 5 in the end; the guest runs when QEMU does" {
	for _ in {1..120}; do
		[ -s "$SCRATCH/hung.status" ] && break
		sleep 0.5
	done
	cat "$SCRATCH/hung.out"
	[ "$(cat "$SCRATCH/hung.status")" = 5 ]
	[ ! -e "$SCRATCH/hung.kdump" ]
	[ -n "$(processes pause-guardian)" ]
	kill -CONT $HUNG
	await_state running hung
}
