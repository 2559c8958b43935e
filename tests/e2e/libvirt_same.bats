#!/usr/bin/env bats
# libvirt: is one more way to a guest: what a command prints through libvirt, near or far, is what it prints
# over a socket of the same QEMU; and no libvirt, no QEMU that hangs, keeps anybody waiting.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	tool_kit
	export SCRATCH SECOND=$SCRATCH/same.second SYSTEM
	SYSTEM=$(system_libvirt)
	own_libvirtd
	truncate -s 1M "$SCRATCH"/{same,off,newer}.disk
	define_domain same >"$SCRATCH/same.xml"
	virsh -q -c "$uri" create "$SCRATCH/same.xml"
	define_domain off >"$SCRATCH/off.xml"
	virsh -q -c "$uri" define "$SCRATCH/off.xml"
	make_tunnel >"$SCRATCH/ssh"
	chmod +x "$SCRATCH/ssh"
	export far="qemu+ssh://far.example/system?command=$SCRATCH/ssh"
}

# define_domain NAME [QEMU]
define_domain() {
	cat <<-END
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<name>$1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
		<devices><emulator>$(command -v "${2:-qemu-system-x86_64}")</emulator>
		<disk type='file'><driver name='qemu' type='raw'/><source file='$SCRATCH/$1.disk'/><target dev='vda'/></disk>
		<disk type='file' device='cdrom'><target dev='hdc' bus='ide'/></disk></devices>
		<qemu:commandline><qemu:arg value='-qmp'/>
		<qemu:arg value='unix:$SCRATCH/$1.second,server=on,wait=off'/></qemu:commandline>
		</domain>
	END
}

# To libvirt, ssh is a program that carries bytes: this one, to the far host that is this one.
make_tunnel() {
	cat <<-END
		#!/usr/bin/python3
		import os, select, socket
		far = socket.socket(socket.AF_UNIX)
		far.connect("$SCRATCH/libvirt/run/libvirt/libvirt-sock")
		ways = {0: far.sendall, far.fileno(): lambda data: os.write(1, data)}
		while True:
		    for fd in select.select(list(ways), [], [])[0]:
		        data = os.read(fd, 65536)
		        if not data:
		            os._exit(0)
		        ways[fd](data)
	END
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	end_libvirtd
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	PATH=$(cd "${O:-build}" && pwd):$PATH
	G=(-g libvirt:same -c "$uri")
}

# said GUEST-OPTIONS -- ARGUMENT...: all that qmpctl says, and its exit status.
said() {
	local guest=() status=0
	while [ "$1" != -- ]; do
		guest+=("$1")
		shift
	done
	shift
	qmpctl "$@" "${guest[@]}" 2>&1 || status=$?
	echo "exit $status"
}

# same ARGUMENT...: alike over the socket and through libvirt, but for the guest's name.
same() {
	diff <(said -g "unix:$SECOND" -- "$@" | sed "s|$SECOND|libvirt:same|g") <(said "${G[@]}" -- "$@") ||
		{ echo "$*" && false; }
}

@test "the same text, JSON, errors and exit statuses as over a socket" {
	for json in "" --json; do
		same status $json
		same exec $json query-block
		same exec $json query-named-block-nodes
		same exec $json qom-list path=/machine
		same exec $json qom-get path=/machine property=nothing
		same exec $json qom-list way=/machine
		same exec $json device_add driver=nothing
		same exec $json no-such-command
		same exec $json human-monitor-command command-line='info mtree'
		same hmp $json info block
		same hmp $json --cpu 0 info registers
		same hmp $json --cpu 7 info registers
		same hmp $json info nothing
		same hmp $json --raw info nothing
		same wait $json --for running
		same wait $json --for STOP --timeout 0.1
		same wait $json --for SPOT
		same events $json --count 1 --timeout 0.1
	done
	same exec query-qmp-schema
	same exec query-statsu # with what may be meant
	same schema
	same schema block_resize
	same schema --json SHUTDOWN
	same schema --raw
	same schema has blockdev-add/driver/qcow2 no-such-command
	same schema diff qemu-system-x86_64
}

# libvirt knows what its user calls a disk; the time since its last request goes on.
@test "the same of disks, but that they have libvirt's names" {
	for command in list info "info --virsh --all" stat errors jobs; do
		diff <(qmpctl blk $command -g "unix:$SECOND" --json | unnamed) \
			<(qmpctl blk $command "${G[@]}" --json | unnamed) || { echo "$command" && false; }
	done
	[ "$(qmpctl blk list "${G[@]}" --json | jq -r '[.. | .device? // empty] | unique[]' | paste -sd ' ')" = "hdc vda" ]
}
unnamed() { jq '(.. | objects) |= (del(.idle_ns, .time) | if has("device") then .device = 0 | .target = 0 else . end)'; }

@test "a reply as it came: libvirt's id is not ours, and not shown" {
	for command in query-status "qom-list path=/machine" "qom-list path=/none"; do
		diff <(said -g "unix:$SECOND" -- exec --raw $command | anyones) <(said "${G[@]}" -- exec --raw $command | anyones)
	done
}
anyones() { sed -E 's/"id":"gs-[0-9a-f]+-[0-9]+"/"id":"gs-N"/'; }

@test "a descriptor passes, but not far away" {
	run -0 qmpctl exec "${G[@]}" --fd file="$SCRATCH/same.xml" closefd fdname=file
	run -1 qmpctl exec "${G[@]}" closefd fdname=file
	run -1 qmpctl exec -g libvirt:same -c "$far" --fd file="$SCRATCH/same.xml" closefd fdname=file
	[[ $output = *"descriptors pass through local sockets only" ]]
}

@test "far away, the same but for the process, which is unknown there" {
	away() { said -g libvirt:same -c "$far" -- "$@"; }
	for command in "exec query-block" "hmp info mtree" "hmp info nothing" "exec no-such-command"; do
		diff <(said "${G[@]}" -- $command) <(away $command)
	done
	diff <(qmpctl status "${G[@]}" --json | jq '.pid = null') <(qmpctl status -g libvirt:same -c "$far" --json | jq .)
}

@test "the same value or error of each query without a mandatory argument" {
	run tests/e2e/queries --raw "$SECOND" --guest libvirt:same --connect "$uri"
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} =~ ^([0-9]+)\ queries:\ [0-9]+\ values ]]
	[ "${BASH_REMATCH[1]}" -gt 50 ]
}

@test "the newer QEMU: the same value or error of each query" {
	newer=$(tests/guest/qemu10 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	define_domain newer "$(realpath "$newer")" >"$SCRATCH/newer.xml"
	virsh -q -c "$uri" create "$SCRATCH/newer.xml"
	run tests/e2e/queries --raw "$SCRATCH/newer.second" --guest libvirt:newer --connect "$uri"
	echo "$output"
	[ "$status" -eq 0 ]
	[ "$(qmpctl exec -g libvirt:newer -c "$uri" query-version | jq .qemu.major)" -ge 10 ]
	run -0 qmpctl quit -g libvirt:newer -c "$uri"
}

# listen FILE GUEST-OPTION...: events into FILE; returns when it listens.
listen() {
	local file=$1 i
	shift
	qmpctl -v events --json --count 4 --timeout 30 "$@" >"$file" 2>"$file.err" &
	for ((i = 0; i < 100; i++)); do
		! grep -q '^<-- {"return"' "$file.err" || return 0
		sleep 0.05
	done
	return 1
}

@test "the same events: names, times, data, order" {
	listen "$SCRATCH/raw" -g "unix:$SECOND"
	listen "$SCRATCH/near" "${G[@]}"
	listen "$SCRATCH/away" -g libvirt:same -c "$far"
	qmpctl pause "${G[@]}"
	qmpctl exec "${G[@]}" query-version # changes nothing
	virsh -q -c "$uri" resume same
	qmpctl exec "${G[@]}" blockdev-open-tray id=ide0-1-0 # events with data
	qmpctl exec "${G[@]}" blockdev-close-tray id=ide0-1-0
	wait
	[ "$(jq -r .event "$SCRATCH/raw" | paste -sd ' ')" = "STOP RESUME DEVICE_TRAY_MOVED DEVICE_TRAY_MOVED" ]
	for way in near away; do
		diff <(jq -c 'del(.guest)' "$SCRATCH/raw") <(jq -c 'del(.guest)' "$SCRATCH/$way")
	done
}

@test "far away: no descriptors, no process; said clearly" {
	run -1 dumptool dump -g libvirt:same -c "$far" -o "$SCRATCH/dump"
	[[ $output = *"only a local socket can hand one over"* ]]
	[ ! -e "$SCRATCH/dump" ]
	run -1 qmpctl kill -g libvirt:same -c "$far"
	[[ $output = *"its process is not known, or not on this host"* ]]
	[ "$(qmpctl status "${G[@]}" --json | jq -r .state)" = running ]
	run -0 qmpctl list -c "$far"
	[[ ${lines[1]} =~ ^libvirt:same\ +-\ +running ]]
}

# ---- the list ----

@test "list: running domains, --all, the pid, the name that -g takes" {
	pid=$(qmpctl status "${G[@]}" --json | jq .pid)
	run -0 qmpctl list -c "$uri"
	[ "${#lines[@]}" -eq 2 ]
	[[ ${lines[1]} =~ ^libvirt:same\ +$pid\ +running\ +64\ MiB ]]
	LIBVIRT_DEFAULT_URI=$uri run -0 qmpctl list --all --json
	[ "$(jq -c '.guests[] | [.guest, .name, .from, .pid, .state, .memory]' <<<"$output")" = \
		"[\"libvirt:off\",\"off\",\"libvirt\",null,\"shut off\",67108864]
[\"libvirt:same\",\"same\",\"libvirt\",$pid,\"running\",67108864]" ]
	qmpctl pause "${G[@]}"
	[ "$(qmpctl list -c "$uri" --json | jq -r '.guests[].state')" = paused ]
	qmpctl resume "${G[@]}"
}

@test "list: a libvirt that is not there matters to those who ask for it" {
	nowhere="qemu+unix:///system?socket=$SCRATCH/nowhere"
	LIBVIRT_DEFAULT_URI=$nowhere run -0 qmpctl list
	[ -z "$output" ]
	run -3 qmpctl list -c "$nowhere"
	[[ $output = *nowhere* ]]
	run -1 qmpctl list -c test:///default
	[[ $output = *"no QEMU here, but TEST"* ]]
}

@test "without libvirt's libraries: one clear line, and no word where nobody asked" {
	library=$(ldd "$(command -v virsh)" | sed -n 's/.*libvirt\.so\.0 => \([^ ]*\).*/\1/p')
	without() { unshare --mount bash -c 'mount --bind /dev/null "$(realpath "$0")" && exec qmpctl "$@"' "$library" "$@"; }
	run -1 without status "${G[@]}"
	[[ $output = "qmpctl: libvirt:same: libvirt is not installed here: "*libvirt.so.0* ]]
	[ "${#lines[@]}" -eq 1 ]
	run -1 without list -c "$uri"
	[[ $output = *"libvirt is not installed here: "* ]]
	run -0 without list
	[ -z "$output" ]
	run -0 without status -g "unix:$SECOND"
}

# ---- what hangs ----

# in_time MOST-SECONDS COMMAND...: exit 5 in time.
in_time() {
	local most=$1 start=$EPOCHREALTIME
	shift
	run "$@"
	echo "$* took from $start to $EPOCHREALTIME: $output"
	[ "$status" -eq 5 ]
	[ $((${EPOCHREALTIME/./} - ${start/./})) -le $((most * 1000000)) ]
}

@test "a QEMU that hangs: exit 5 in time; it is listed, and killed by its domain's name" {
	virsh -q -c "$uri" start off
	pid=$(qmpctl status -g libvirt:off -c "$uri" --json | jq .pid)
	kill -STOP "$pid"
	in_time 4 qmpctl exec -g libvirt:off -c "$uri" --timeout 3 query-status
	in_time 2 qmpctl hmp -g libvirt:off -c "$uri" --timeout 1 info status
	in_time 2 qmpctl wait -g libvirt:off -c "$uri" --timeout 1
	in_time 6 qmpctl blk info -g libvirt:off -c "$uri"
	in_time 2 qmpctl exec -g libvirt:off -c "$far" --timeout 1 query-status
	run -0 qmpctl list -c "$uri"
	[[ ${lines[1]} =~ ^libvirt:off\ +$pid\ +running ]]
	run -0 qmpctl kill -g libvirt:off -c "$uri" --timeout 0.5
	[[ $output = *SIGKILL ]]
	for ((i = 0; i < 100; i++)); do # libvirt has yet to notice
		[ "$(virsh -c "$uri" domstate off | head -n 1)" != "shut off" ] || break
		sleep 0.1
	done
	run -3 qmpctl kill -g libvirt:off -c "$uri"
	[[ $output = *"not running" ]]
}

@test "a libvirtd that hangs: exit 5 in time, a note in the list, and nothing stays behind" {
	daemon=$(<"$SCRATCH/libvirt/libvirtd.pid")
	kill -STOP "$daemon"
	in_time 2 qmpctl exec "${G[@]}" --timeout 1 query-status
	in_time 2 qmpctl exec -g libvirt:same -c "$far" --timeout 1 query-status
	start=$SECONDS
	LIBVIRT_DEFAULT_URI=$uri run --separate-stderr qmpctl list
	[ "$status" -eq 0 ] && [ -z "$output" ]
	[[ $stderr = "qmpctl: note: "*"did not answer in time" ]]
	[ $((SECONDS - start)) -le 4 ]
	nothing_left
	kill -CONT "$daemon"
	[ "$(qmpctl status "${G[@]}" --json | jq -r .state)" = running ]
}

# libvirt, too, may lose a QEMU before it has read the SHUTDOWN: virsh is not told, either.
@test "quit: exit 0, however libvirt puts it" {
	for i in 1 2; do
		run -0 qmpctl quit "${G[@]}" --json
		[[ $(jq -r .reason <<<"$output") = @(host-qmp-quit|disconnected) ]]
		virsh -q -c "$uri" create "$SCRATCH/same.xml"
	done
}

@test "nothing of ours is left running, and the machine's own libvirt is as it was" {
	nothing_left
	[ "$(system_libvirt)" = "$SYSTEM" ]
}
