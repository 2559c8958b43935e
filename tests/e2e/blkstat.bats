#!/usr/bin/env bats
# What QEMU counts of a guest's disks, against its own answers, under a guest that reads and writes for good:
# counters, rates, histograms; then jobs and thresholds.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD GUESTSCOPE_GUEST=g MONITOR=$SCRATCH/third
	truncate -s 16M "$SCRATCH/busy"
	qemu-img create -q -f qcow2 "$SCRATCH/image" 64M
	GUEST_MEM=192M GUEST_APPEND=gs.io launch_guest g -- \
		-drive "if=none,id=busy,format=raw,file=$SCRATCH/busy,stats-intervals.0=2,discard=unmap" \
		-device virtio-blk,drive=busy,id=vd0 \
		-blockdev "file,node-name=store,filename=$SCRATCH/image" -blockdev qcow2,node-name=image,file=store \
		-device virtio-blk,drive=image,id=vd1 -blockdev null-co,node-name=null,size=67108864 \
		-qmp "unix:$MONITOR,server=on,wait=off"
	eventually flushes_since 0
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests g idle
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source tests/e2e/guest.bash
}

teardown() {
	if declare -F terminal_end_all >/dev/null; then terminal_end_all; fi
	qmpctl resume >/dev/null 2>&1 || true
}

# A guest without a kernel, its disks of all kinds, that does not run.
launch_idle() {
	qmpctl launch --name idle --accel tcg --mem 32M -- -S \
		-drive if=none,id=d0,driver=null-co -device ide-hd,drive=d0 \
		-drive if=none,id=d1,driver=null-co -device virtio-scsi -device scsi-hd,drive=d1 \
		-drive if=none,id=d2,driver=null-co -device virtio-blk,drive=d2 \
		-drive if=none,id=d3,driver=null-co -device ide-cd,drive=d3,id=cd -drive if=none,id=bare,driver=null-co
}

# ends_with PID: waits for a command in the background, for its $status.
ends_with() {
	status=0
	wait "$1" || status=$?
}

# Until COMMAND... succeeds; ten seconds at most.
eventually() {
	for _ in {1..200}; do
		! "$@" || return 0
		sleep 0.05
	done
	return 1
}

# lines_of FILE COUNT: FILE has that many, or more.
lines_of() { [ "$(wc -l <"$1")" -ge "$2" ]; }

# The busy disk has all kinds of operations behind it, COUNT flushes and some among them.
flushes_since() { qmpctl blk stat vd0 --json | jq -e ".devices[0].flush.operations > $1 + 2" >/dev/null; }

raw_stats() { qmpctl exec -g "$MONITOR" query-blockstats; }

# Until no operation is under way any more.
settle() {
	local before now
	qmpctl pause >/dev/null
	before=$(raw_stats)
	for _ in {1..100}; do
		sleep 0.05
		now=$(raw_stats)
		[ "$(jq -c '[.[].stats | del(.idle_time_ns, .timed_stats)]' <<<"$now")" != \
			"$(jq -c '[.[].stats | del(.idle_time_ns, .timed_stats)]' <<<"$before")" ] || return 0
		before=$now
	done
	return 1
}

# QEMU's answer in our words. (A paused guest's idle time goes on, on QEMU's clock for the guest it does not.)
in_our_words() {
	jq 'def op(s; p): if s[p + "_operations"] == null then null else {operations: s[p + "_operations"],
			bytes: s[p + "_bytes"], merged: s[p + "_merged"], failed: s["failed_" + p + "_operations"],
			invalid: s["invalid_" + p + "_operations"], total_time_ns: s[p + "_total_time_ns"]} end;
		map({qdev, node: .["node-name"], read: op(.stats; "rd"), write: op(.stats; "wr"), unmap: op(.stats; "unmap"),
			flush: (op(.stats; "flush") | del(.bytes, .merged)), zone_append: op(.stats; "zone_append"),
			account_failed: .stats.account_failed, account_invalid: .stats.account_invalid,
			intervals: [.stats.timed_stats[].interval_length],
			drivers: [(., .parent) | select(.["driver-specific"]) |
				{node: .["node-name"], stats: .["driver-specific"]}]}) | sort_by(.qdev)'
}

ours() {
	qmpctl blk stat --json | jq '.devices | map({qdev, node, read, write, unmap, flush, zone_append, account_failed,
		account_invalid, intervals: [.intervals[].interval_s], drivers}) |
		map(walk(if type == "object" then del(.mean_latency_ns) else . end)) | sort_by(.qdev)'
}

@test "all counters are those that QEMU tells" {
	settle
	diff <(ours) <(raw_stats | in_our_words)
	ours | jq -e '[.[].read.operations] | max > 100'
	qmpctl blk stat vd0 --json | jq -e '.devices | length == 1 and (.[0] | .device == "vd0" and .drive == "busy" and
		.idle_ns > 0 and (.read.mean_latency_ns - .read.total_time_ns / .read.operations | fabs) < 1 and
		.intervals[0].read.mean_latency_ns >= 0)'
	run qmpctl blk stat vd0
	[[ ${lines[0]} =~ ^DEVICE\ +OPERATION\ +COUNT\ +BYTES\ +MERGED\ +FAILED\ +INVALID\ +TIME\ +MEAN\ +IDLE$ ]]
	[[ ${lines[1]} =~ ^vd0\ +read\ +$(raw_stats | jq -r '.[] | select(.device == "busy").stats.rd_operations')\  ]]
	[[ $output =~ discard-nb-ok\ [0-9]+ ]]
	run qmpctl blk stat nothing
	[ "$status" -eq 1 ]
}

# Within rounding. A flush has no bytes.
rates_hold='def near(a; b): (a - b | fabs) <= 1e-6 * ([a, b, 1] | max);
	def holds(d; s; r): near(r.iops * s; d.operations) and near(r.queue_depth * s * 1e9; d.total_time_ns) and
		(r.bytes_per_s == null or near(r.bytes_per_s * s; d.bytes)) and
		(if d.operations > 0 then near(r.latency_ns * d.operations; d.total_time_ns) else r.latency_ns == null end);
	def minus(a; b): {operations: (a.operations - (b.operations // 0)),
		total_time_ns: (a.total_time_ns - (b.total_time_ns // 0)), bytes: ((a.bytes // 0) - (b.bytes // 0))};
	def both($from; $to): all($to.read, $to.write, $to.flush, $to.unmap; . != null) and
		all("read", "write", "flush", "unmap"; . as $op | holds(minus($to[$op]; $from[$op]); $to.seconds; $to[$op]));'

@test "--watch --json: rates times seconds are the differences of the counters" {
	qmpctl blk stat vd0 --watch=0.3 --count 5 --json >"$SCRATCH/lines"
	[ "$(wc -l <"$SCRATCH/lines")" -eq 5 ]
	jq -se "$rates_hold"' map(.since) == ["start", "previous", "previous", "previous", "previous"] and
		all(range(1; 5) as $i | both(.[$i - 1].devices[0]; .[$i].devices[0]); .) and
		both({}; .[0].devices[0]) and
		([.[1:][].devices[0].seconds] | min > 0.2 and add > 1.1 and add < 30)' "$SCRATCH/lines"
	# The guest was at work.
	jq -se '([.[1:][].devices[0] | .read.iops + .write.iops] | add > 0) and ([.[1:][].devices[0].queue_depth] | add > 0) and
		all(.[].devices[0]; .restarted == false)' "$SCRATCH/lines"
}

@test "--watch: the first line is since QEMU's start" {
	ran=$(ps -o etimes= -p "$(jq .pid "$XDG_RUNTIME_DIR/guestscope/g/guest")")
	qmpctl blk stat vd0 --watch --count 1 --json | jq -e --argjson ran "$ran" \
		'.since == "start" and .devices[0].seconds >= $ran - 1 and .devices[0].seconds < $ran + 5'
}

@test "--watch, piped: plain rows, one heading" {
	run qmpctl blk stat --watch=0.2 --count 3
	[ "$status" -eq 0 ]
	echo "$output"
	[ "${#lines[@]}" -eq 7 ]
	awk 'NR == 1 { columns = NF; exit !($1 == "TIME" && $2 == "DEVICE") }' <<<"$output"
	awk 'NR > 1 && (NF != 12 || ($2 == "vd0" && $1 == "start" && ($3 <= 0 || $7 <= 0 || $9 <= 0))) { exit 1 }
		NR > 1 { seen[$2, $1 == "start"]++ }
		END { exit !(seen["vd0", 1] == 1 && seen["vd0", 0] == 2 && seen["vd1", 1] == 1) }' <<<"$output"
}

@test "--watch: SIGINT ends it with a summary and exit status 0" {
	qmpctl blk stat vd0 --watch=0.2 --json >"$SCRATCH/watch" &
	eventually lines_of "$SCRATCH/watch" 4
	kill -INT $!
	wait $!
	jq -se "$rates_hold"' .[-1].since == "first" and both(.[0].devices[0]; .[-1].devices[0]) and
		.[-1].devices[0].read == (.[-1].devices[0].read + (.[-2].devices[0].read | {operations, bytes}))' "$SCRATCH/watch"
}

@test "--watch: a guest that ends is exit status 7, one that hangs can be left" {
	launch_idle
	"$O/qmpctl" blk stat -g idle --watch=0.1 >"$SCRATCH/lines" 2>"$SCRATCH/err" &
	eventually lines_of "$SCRATCH/lines" 11
	qmpctl kill -g idle
	ends_with $!
	[ "$status" -eq 7 ]
	grep -q ^mean "$SCRATCH/lines"
	[ -s "$SCRATCH/err" ]
	launch_idle
	pid=$(jq .pid "$XDG_RUNTIME_DIR/guestscope/idle/guest")
	qmpctl blk stat -g idle --watch=0.1 >"$SCRATCH/more" &
	watch=$!
	eventually lines_of "$SCRATCH/more" 3
	kill -STOP "$pid"
	sleep 1 # it waits for an answer now
	# The second is enough; on a busy machine two that come soon are one.
	for _ in {1..50}; do
		kill -INT $watch 2>/dev/null || break
		sleep 0.1
	done
	ends_with $watch
	kill -CONT "$pid"
	[ "$status" -eq 130 ]
	qmpctl kill -g idle
}

@test "--watch on a terminal is drawn in place, with bars" {
	source tests/e2e/terminal.bash
	export TMUX_TMPDIR=$SCRATCH TERM=screen-256color
	LC_ALL=C.UTF-8 terminal_start qmpctl blk stat --watch=0.2
	terminal_await '^..:..:..  since the last look'
	terminal_await '^vd0 .*[0-9] [kMG]iB.* [█▏▎▍▌▋▊▉]+$'
	sleep 0.5
	terminal_await '^DEVICE +R/S' 1
	[ "$(terminal_screen | grep -c '^DEVICE')" -eq 1 ]
	[ "$(terminal_screen | grep -c '^vd0')" -eq 1 ]
	terminal_press C-c
	terminal_ends 0
	terminal_await '  over the whole watch'
	[ "$(terminal_screen | grep -c '^vd0')" -eq 2 ]
	LC_ALL=C terminal_start qmpctl blk stat --watch=0.2
	terminal_await '^vd0 .* #+$'
	terminal_press C-c
	terminal_ends 0
}

@test "histograms: as many operations as were counted, in the bins that were asked for" {
	settle
	qmpctl blk stat vd0 --histogram --boundaries=20us,1.5ms,1s --json | jq -e '.devices[0].read.bins ==
		[{from_ns: 0, to_ns: 20000, count: 0}, {from_ns: 20000, to_ns: 1500000, count: 0},
		{from_ns: 1500000, to_ns: 1000000000, count: 0}, {from_ns: 1000000000, to_ns: null, count: 0}]'
	before=$(ours)
	flushes=$(qmpctl blk stat vd0 --json | jq '.devices[0].flush.operations')
	qmpctl resume >/dev/null
	eventually flushes_since "$flushes"
	settle
	qmpctl blk stat vd0 --histogram --json | jq -e --argjson before "$before" --argjson after "$(ours)" '
		def of(x): x[] | select(.qdev | test("vd0"));
		.devices[0] | all(("read", "write", "flush") as $op | ([.[$op].bins[].count] | add) ==
			of($after)[$op].operations - of($before)[$op].operations and ([.[$op].bins[].count] | add) > 0; .)'
	LC_ALL=C.UTF-8 qmpctl blk stat vd0 --histogram | grep -E '^ +20.0 us +1.50 ms +[0-9]+ +[0-9.]+%  █+'
	LC_ALL=C qmpctl blk stat vd0 --histogram | grep -E '^ +20.0 us +1.50 ms +[0-9]+ +[0-9.]+%  #+$'
	qmpctl blk stat vd0 --histogram --clear --json | jq -e '.devices[0].read == null'
	run qmpctl blk stat vd0 --histogram
	[ "$output" = 'vd0: no histogram is kept; --boundaries begins it' ]
}

@test "histograms of all kinds of devices" {
	launch_idle
	qmpctl blk stat -g idle --histogram --boundaries --json | jq -e '.devices | length == 5 and
		all(.[]; if .drive == "bare" then .read == null else .read.bins | length == 9 end)'
	run qmpctl blk stat -g idle --histogram --boundaries bare
	[ "$status" -eq 2 ]
	for options in '--boundaries' '--clear' '--count 3' '--histogram --watch' '--histogram --clear --boundaries' \
		'--histogram --boundaries=1ms,1us' '--histogram --boundaries=5' '--watch=0' '--watch=x'; do
		# shellcheck disable=SC2086 # a list of words
		run qmpctl blk stat -g idle $options
		echo "$options: $output"
		[ "$status" -eq 2 ]
	done
	qmpctl kill -g idle
}

run_job() { qmpctl exec -g "$MONITOR" "$@" >/dev/null; }

@test "blk jobs: percent, rate and the time that is left, to the end" {
	run_job blockdev-backup job-id=slow device=image target=null sync=full speed:=16777216
	qmpctl blk jobs --json | jq -e '.jobs | length == 1 and (.[0] | .id == "slow" and .type == "backup" and
		.status == "running" and .end == null and .total == 67108864 and .rate > 0 and .rate < 1e8 and .left_s > 0 and
		 (.percent - 100 * .current / .total | fabs) < 1e-9 and .speed_limit == 16777216 and
		.error == null)'
	run qmpctl blk jobs nothing
	[ "$status" -eq 1 ]
	[ "$(qmpctl completion words -- blk jobs '' | cut -f 1)" = slow ]
	run_job block-job-set-speed device=slow speed:=50000000
	qmpctl blk jobs --watch=0.2 --json | tail -n 1 | tee "$SCRATCH/last"
	jq -e '.jobs[0] | .end == "completed" and .percent == 100 and
		.current == 67108864' "$SCRATCH/last"
	[ "$(qmpctl blk jobs)" = '' ]
}

@test "blk jobs: one that fails or is cancelled is exit status 1" {
	run_job blockdev-create job-id=bad 'options:={"driver": "file", "filename": "/nonexistent/x", "size": 4096}'
	run qmpctl blk jobs --watch
	[ "$status" -eq 1 ]
	[[ $output = *"qmpctl: job 'bad' failed: Could not create '/nonexistent/x'"* ]]
	run_job job-dismiss id=bad
	run_job blockdev-backup job-id=slow device=image target=null sync=full speed:=1
	qmpctl blk jobs --watch=0.1 --json >"$SCRATCH/jobs" 2>"$SCRATCH/err" &
	eventually lines_of "$SCRATCH/jobs" 2
	run_job block-job-cancel device=slow
	ends_with $!
	[ "$status" -eq 1 ]
	tail -n 1 "$SCRATCH/jobs" | jq -e '.jobs[0].end == "cancelled"'
	grep -q "job 'slow' was cancelled" "$SCRATCH/err"
}

write_image() { qmpctl hmp -g "$MONITOR" "qemu-io -d /machine/peripheral/vd1/virtio-backend \"write $1 64k\"" >/dev/null; }
threshold() { qmpctl blk threshold "$@" --json; }
has_threshold() { qmpctl blk threshold -g "$MONITOR" "$1" --json | jq -e ".threshold == $2" >/dev/null; }

@test "blk threshold: set where the device is stored, awaited, once" {
	threshold vd1 | jq -e '.node == "store" and .threshold == null'
	qmpctl completion words -- blk threshold st | grep -q '^store'
	threshold vd1 300K | jq -e '.node == "store" and .threshold == 307200'
	threshold store | jq -e '.threshold == 307200'
	threshold image 1M | jq -e '.node == "image" and .threshold == 1048576'
	threshold image 0 | jq -e '.threshold == null'
	qmpctl blk threshold vd1 300001 --wait --timeout 20s --json >"$SCRATCH/told" &
	eventually has_threshold store 300001
	write_image 0
	wait $!
	jq -e '.node == "store" and .threshold == 300001 and .exceeded_by > 0' "$SCRATCH/told"
	threshold vd1 | jq -e '.threshold == null and .high_water > 307200'
}

@test "blk threshold: what cannot be awaited, and what does not come" {
	run qmpctl blk threshold vd1 --wait --timeout 5s
	[ "$status" -eq 1 ]
	run qmpctl blk threshold vd1 0 --wait
	[ "$status" -eq 2 ]
	run qmpctl blk threshold vd1 1M --timeout 1s
	[ "$status" -eq 2 ]
	run qmpctl blk threshold vd1 1G --wait --timeout 0.2s
	[ "$status" -eq 5 ]
	threshold vd1 | jq -e '.threshold == 1073741824'
	threshold vd1 0
	run qmpctl blk threshold nothing 1M
	[ "$status" -eq 1 ]
}
