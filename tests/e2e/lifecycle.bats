#!/usr/bin/env bats
# A Linux guest from its shell on the serial line to its end: console, events, wait and stop.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR
	GUEST_MEM=256M GUEST_APPEND=gs.shell launch_guest linux
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests linux
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
}

@test "console: a shell on the serial line" {
	run -0 qmpctl console --expect 'is 42' --timeout 20 <<<'echo the answer is $((6 * 7))'
	[[ $output = *'the answer is 42'* ]]
	run -0 qmpctl console --tail 1 --timeout 0.2 </dev/null
	[[ $output = *'# '* ]]
}

@test "console: what the guest floods is all there" {
	qmpctl console --expect 'end of flood' --timeout 60 >"$SCRATCH/out" \
		<<<'seq 100000 102000; echo end" "of" "flood'
	diff <(seq 100000 102000) <(tr -d '\r' <"$SCRATCH/out" | grep -x '1[0-9]\{5\}')
	diff <(seq 100000 102000) <(tr -d '\r' <"$XDG_RUNTIME_DIR/guestscope/linux/serial" | grep -x '1[0-9]\{5\}')
}

@test "stop: the guest powers down by itself; wait tells how, and QEMU's exit status" {
	qmpctl -v wait --for exit --json >"$SCRATCH/end" 2>"$SCRATCH/end.err" &
	for ((i = 0; i < 100; i++)); do
		! grep -q '^<-- {"return"' "$SCRATCH/end.err" || break
		sleep 0.1
	done
	run -0 --separate-stderr qmpctl stop --json
	[ "$(jq -c '[.ended_by, .reason, .guest]' <<<"$output")" = '["powerdown","guest-shutdown",true]' ]
	[ -z "$stderr" ]
	wait $!
	[ "$(jq -c '[.reason, .exit_status]' "$SCRATCH/end")" = '["guest-shutdown",0]' ]
}
