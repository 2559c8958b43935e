#!/usr/bin/env bats
# How long a guest stands still for a dump, who says so, and when a dump is taken at all.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	export MONITOR=$XDG_RUNTIME_DIR/guestscope/g/qmp2 THIRD=$SCRATCH/third
	GUEST_FILL=random:64M GUEST_MEM=256M GUEST_APPEND=unknown_nmi_panic launch_guest g \
		-- -qmp "unix:$THIRD,server=on,wait=off" -device pvpanic -action panic=pause \
		-smp 2,sockets=1,cores=4,threads=1,maxcpus=4
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests g
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
	OUT=$SCRATCH/out
	rm -rf "$OUT"
	mkdir "$OUT"
}

state() { qmpctl status -g g --json | jq -r .state; }
watched() { run --separate-stderr tests/e2e/watch "$MONITOR" "$@"; }
sound() { dumptool verify "$1" >/dev/null; }
empty() { [ -z "$(ls -A "$OUT")" ]; }

await_state() {
	for _ in {1..100}; do
		[ "$(state)" != "$1" ] || return 0
		sleep 0.05
	done
	echo "still $(state)"
	return 1
}

# ---- a copy first ----

@test "--min-pause: the guest runs again while the file is written" {
	run --separate-stderr dumptool dump -g g -o "$OUT/slow" -f kdump-zlib --level 12 --json
	slow=$(jq .pause_ms <<<"$output")
	run --separate-stderr dumptool dump -g g -o "$OUT/core" -f kdump-zlib --level 12 --min-pause --json
	echo "$slow $output"
	[ "$status" -eq 0 ]
	jq -e --argjson slow "$slow" '.engine == "direct" and .pause_ms > 0 and .pause_ms < $slow / 2 and
		.pause_ms / 1000 < .seconds / 2 and .spool_bytes > 67108864 and .spool_bytes < 268435456' <<<"$output"
	sound "$OUT/core"
	[ "$(state)" = running ]
}

@test "--min-pause of a paused guest is the same memory, and the guest stays paused" {
	qmpctl pause -g g
	dumptool dump -g g -o "$OUT/stream" -e stream --ranges all
	dumptool dump -g g -o "$OUT/copy" -e direct --min-pause --ranges all
	[ "$(state)" = paused ]
	qmpctl resume -g g
	[ "$(sum_of "$OUT/copy")" = "$(sum_of "$OUT/stream")" ]
	cmp "$OUT/copy" "$OUT/stream"
}

@test "--min-pause without enough room: a note, and the pause is as long as the write" {
	for size in 2M 70M; do # found out before the stop, and maybe under it
		run --separate-stderr dumptool dump -g g -o "$OUT/$size" --min-pause --spool-max $size --json
		[ "$status" -eq 0 ]
		echo "$stderr"
		[[ $stderr = *'the guest stays paused until they are written'* ]]
		[ "$(jq .spool_bytes <<<"$output")" -eq 0 ]
		sound "$OUT/$size"
	done
	[ "$(state)" = running ]
}

@test "options that exclude each other are refused, the guest untouched" {
	for options in '--live --min-pause' '--live -e stream' '--min-pause -e qemu' '--min-pause --crash' \
		'--live --reset' '--spool-max 1G' '--min-pause --spool-max 0' '--max-pause 0' '--live --max-pause 1s' \
		'--count 2' '--on STOP --dry-run' '--on STOP --count 2' '--on STOP --count 0'; do
		watched -- dumptool dump -g g -o "$OUT/core" $options
		echo "$options: $status $stderr"
		[ "$status" -eq 2 ]
		[ "${lines[-1]}" = events: ]
		empty
	done
}

# ---- no stop ----

@test "--live: not stopped but for the moments in which QEMU tells of its memory; the file says that it is live" {
	watched -- dumptool capabilities -g g # opens the memory, and no more
	asked=$(tr ' ' '\n' <<<"${lines[-1]}" | grep -c STOP)
	watched -- dumptool dump -g g -o "$OUT/core" --live
	[ "$status" -eq 0 ]
	[ "$(tr ' ' '\n' <<<"${lines[-1]}" | grep -c STOP)" -eq "$asked" ]
	sound "$OUT/core"
	dumptool convert "$OUT/core" -o "$OUT/core.elf" --format elf
	dumptool dump -g g -o "$OUT/stopped"
	[ "$(dumptool info --json "$OUT/core" | jq .live)" = true ]
	[ "$(dumptool info --json "$OUT/core.elf" | jq .live)" = true ]
	[ "$(dumptool info --json "$OUT/stopped" | jq .live)" = false ]
}

# ---- no longer than that ----

@test "--max-pause: exit 5, nothing left, the guest runs" {
	for engine in direct stream qemu; do
		run --separate-stderr dumptool dump -g g -o "$OUT/core" -e $engine --max-pause 30ms
		echo "$stderr"
		[ "$status" -eq 5 ]
		[[ $stderr = *'more than 30 ms'* ]]
		empty
		[ "$(state)" = running ]
	done
	dumptool dump -g g -o "$OUT/core" --max-pause 60s
	sound "$OUT/core"
}

@test "--max-pause while the reader of the output takes nothing: the guest runs again all the same" {
	mkfifo "$OUT/pipe"
	dumptool dump -g g -o - -f elf --max-pause 1s 3>&- >"$OUT/pipe" &
	dump=$!
	{
		await_state paused
		await_state running
		kill -0 $dump # hangs in its write; the guest does not
	} <"$OUT/pipe"
	status=0
	wait $dump || status=$?
	[ $status -eq 5 ] || [ $status -eq 9 ]
}

# ---- somebody else ----

@test "a CPU that is plugged half-way: the dump is of the CPUs that were stopped, the guest runs with one more" {
	mkfifo "$OUT/pipe"
	dumptool dump -g g -o - -f elf -e direct 3>&- >"$OUT/pipe" &
	dump=$!
	{
		await_state paused
		head -c 1000 >"$OUT/core"
		qmpctl exec -g "unix:$THIRD" device_add driver=qemu64-x86_64-cpu id=more \
			socket-id:=0 core-id:=2 thread-id:=0
		cat >>"$OUT/core"
		wait $dump
	} <"$OUT/pipe"
	[ "$(dumptool info --json "$OUT/core" | jq .cpus)" = 2 ]
	[ "$(dumptool info --json -g g | jq .cpus)" = 3 ]
	[ "$(state)" = running ]
}

@test "somebody resumes the guest half-way: exit 4, no file, it is not stopped again" {
	mkfifo "$OUT/pipe"
	for found in running paused; do
		[ $found = running ] || qmpctl pause -g g
		status=0
		dumptool dump -g g -o - -f elf -e direct 2>"$SCRATCH/err" 3>&- >"$OUT/pipe" &
		dump=$!
		{
			await_state paused
			head -c 100000 >/dev/null # now it reads memory
			qmpctl resume -g "unix:$THIRD"
			cat >/dev/null
			wait $dump || status=$?
		} <"$OUT/pipe"
		cat "$SCRATCH/err"
		[ $status -eq 4 ]
		grep -q 'somebody else resumed the guest' "$SCRATCH/err"
		[ "$(state)" = running ]
	done
}

# ---- when ----

@test "--on: each time that the event comes; the guest stays as it is" {
	dumptool dump -q -g g -o "$OUT/%n%%.kdump" --on STOP,WATCHDOG --count 2 --json >"$SCRATCH/said" 3>&- &
	dump=$!
	for number in 1 2; do
		sleep 0.5 # it waits
		[ "$(ls "$OUT" | wc -l)" -lt $number ]
		qmpctl pause -g "unix:$MONITOR"
		for _ in {1..200}; do
			[ ! -e "$OUT/$number%.kdump" ] || break
			sleep 0.05
		done
		sound "$OUT/$number%.kdump"
		[ "$(qmpctl status -g "unix:$MONITOR" --json | jq -r .state)" = paused ]
		qmpctl resume -g "unix:$MONITOR"
	done
	wait $dump
	jq -se --arg f "$OUT/2%.kdump" 'length == 2 and .[1].file == $f' "$SCRATCH/said"
}

@test "--on: an event that QEMU does not have, and a signal while waiting" {
	run dumptool dump -g g -o "$OUT/core" --on GUEST_PANICED
	[ "$status" -eq 2 ]
	[[ $output = *"no event 'GUEST_PANICED'"* ]]
	run timeout -s INT 1 dumptool dump -g g -o "$OUT/core" --on GUEST_PANICKED
	[ "$status" -eq 124 ]
	empty
}

@test "--on GUEST_PANICKED: a guest that panics is dumped, and stays panicked" {
	dumptool dump -q -g g -o "$OUT/core" --on GUEST_PANICKED 3>&- &
	dump=$!
	sleep 0.5
	qmpctl exec -g "unix:$MONITOR" inject-nmi
	wait $dump
	sound "$OUT/core"
	[ "$(state)" = guest-panicked ]
}
