#!/usr/bin/env bats
# Whatever ends dumptool, the guest runs again within a second and no file is left.

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	GUEST_FILL=random:128M launch_guest guarded
	mkdir "$SCRATCH/out"
	export MONITOR=$XDG_RUNTIME_DIR/guestscope/guarded/qmp2
	export ROUNDS=${GS_KILL_ROUNDS:-20}
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests guarded
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
}

kill_rounds() { # SIGNAL DUMPTOOL ARGUMENT...
	local signal=$1
	shift
	tests/e2e/killed "$MONITOR" "$SCRATCH/out" "$signal" "$ROUNDS" -- \
		dumptool dump -g guarded -o "$SCRATCH/out/core" "$@" >&3 2>&1 3>&-
}

running() { [ "$(qmpctl status -g guarded --json | jq -r .state)" = running ]; }

@test "SIGKILL, direct, 50 moments" { ROUNDS=50 kill_rounds KILL --engine direct --format kdump-zlib; }
@test "SIGKILL, direct, while memory is copied" { ROUNDS=10 kill_rounds KILL --engine direct --min-pause --format kdump-zlib; }
@test "SIGINT, direct" { kill_rounds INT --engine direct --format kdump-zlib; }
@test "SIGKILL, stream" { kill_rounds KILL --engine stream --format kdump-zlib; }
@test "SIGINT, stream" { kill_rounds INT --engine stream --format kdump-zlib; }
@test "SIGTERM, stream" { kill_rounds TERM --engine stream --format kdump-zlib; }
@test "SIGKILL, qemu" { kill_rounds KILL --engine qemu --format kdump-zlib; }
@test "SIGINT, qemu" { kill_rounds INT --engine qemu --format kdump-zlib; }
@test "SIGTERM, qemu" { kill_rounds TERM --engine qemu --format kdump-zlib; }

@test "a full disk: exit 9, nothing left, the guest runs" {
	[ "$(id -u)" -eq 0 ] || skip "needs root to mount a small filesystem"
	mkdir -p "$SCRATCH/small"
	for engine in direct stream qemu; do
		mount -t tmpfs -o size=16M none "$SCRATCH/small"
		run dumptool dump -g guarded -o "$SCRATCH/small/core" --engine $engine --format kdump-zlib
		left=$(ls -A "$SCRATCH/small")
		umount "$SCRATCH/small"
		echo "$output"
		[ "$status" -eq 9 ] && [ -z "$left" ] && running
	done
}

# The limit of a file's size is met like the end of the disk: behind the check of what is free.
@test "a full disk met while writing: exit 9, nothing left, the guest runs" {
	for engine in direct stream qemu; do
		run bash -c "ulimit -f 50000; exec dumptool dump -g guarded -o '$SCRATCH/out/core' --engine $engine --format elf"
		echo "$output"
		[ "$status" -eq 9 ]
		[[ $output = *"$SCRATCH/out/core"*'File too large'* ]]
		[ -z "$(ls -A "$SCRATCH/out")" ]
		running
	done
}

@test "a consumer that goes away: exit 9, the guest runs" {
	for engine in direct stream qemu; do
		set +o pipefail
		dumptool dump -g guarded -o - --engine $engine --format kdump-zlib 2>/dev/null | head -c 100000 >/dev/null
		[ "${PIPESTATUS[0]}" -eq 9 ]
		running
	done
}

@test "a guest that somebody paused stays paused, whatever happens" {
	qmpctl pause -g guarded
	timeout -s KILL 0.3 dumptool dump -g guarded -o "$SCRATCH/out/core" --format kdump-zlib || true
	[ "$(qmpctl status -g guarded --json | jq -r .state)" = paused ]
	qmpctl resume -g guarded
	rm -f "$SCRATCH/out/core"
}

@test "QEMU dies half-way: a clear error, exit 7 or 6, nothing left" {
	for engine in direct stream; do
		victim=victim-$engine # of one that is dying the name is still taken
		launch_guest $victim
		pid=$(qmpctl status -g $victim --json | jq .pid)
		# A slow consumer: what it is given is far from all when QEMU dies.
		dumptool dump -q -g $victim -e $engine --format elf --ranges all -o - 2>"$SCRATCH/err" 3>&- | {
			head -c 1000000 >/dev/null
			kill -KILL "$pid"
			cat >/dev/null
		} || true
		status=${PIPESTATUS[0]}
		cat "$SCRATCH/err"
		[ "$status" -eq 6 ] || [ "$status" -eq 7 ]
		[ "$(wc -l <"$SCRATCH/err")" -eq 1 ]
	done
	[ -z "$(ls -A "$SCRATCH/out")" ]
}
