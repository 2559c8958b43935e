#!/usr/bin/env bats
# Guests whose monitor libvirt holds, with a real libvirtd of the test's own: commands, events and
# dumps come out as over a socket, and neither our death nor a hung QEMU does any harm.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	own_libvirtd
	define_domain >"$SCRATCH/domain.xml"
	virsh -q -c "$uri" create "$SCRATCH/domain.xml"
	for ((i = 0; i < 600; i++)); do
		! grep -q 'GUEST READY' "$SCRATCH/serial" 2>/dev/null || break
		sleep 0.1
	done
	grep -q 'GUEST READY' "$SCRATCH/serial"
}

define_domain() {
	cat <<-END
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<name>tested</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type>
		<kernel>$(realpath "$KERNEL")</kernel><initrd>$(realpath "$INITRD")</initrd>
		<cmdline>console=ttyS0 gs.fill=none</cmdline></os><features><acpi/></features>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator>
		<serial type='file'><source path='$SCRATCH/serial'/></serial><memballoon model='none'/></devices>
		<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='vmcoreinfo'/></qemu:commandline>
		</domain>
	END
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	end_libvirtd
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	PATH=$(cd "${O:-build}" && pwd):$PATH
	G=(-g libvirt:tested -c "$uri")
	F=$SCRATCH/out
	rm -f "$F"
}

status_of() { qmpctl status "${G[@]}" --json | jq -r .state; }

@test "a command's value is what a socket would give" {
	run -0 qmpctl exec "${G[@]}" query-version
	[ "$(jq -r .qemu.major <<<"$output")" -ge 7 ]
	[[ $output != *libvirt* ]]
	run -0 qmpctl hmp "${G[@]}" 'info status'
	[ "$output" = "VM status: running" ]
	run -1 qmpctl exec "${G[@]}" --no-check no-such-command
	[[ $output = *CommandNotFound* ]]
}

@test "exec: checked, many, whole replies, descriptors; the schema" {
	run -2 qmpctl exec "${G[@]}" qurey-status
	[[ $output = *"did you mean 'query-status'?"* ]]
	run -0 qmpctl exec "${G[@]}" - <<<$'query-name\nquery-kvm'
	[ "$(jq -sc '[.[0].name, .[1].present]' <<<"$output")" = '["tested",true]' ]
	run -0 qmpctl exec "${G[@]}" --raw query-name
	[ "$(jq -c .return <<<"$output")" = '{"name":"tested"}' ]
	run -1 --separate-stderr qmpctl exec "${G[@]}" --raw balloon value:=1
	[ "$(jq -r .error.class <<<"$output")" = DeviceNotActive ]
	run -0 qmpctl exec "${G[@]}" --fd x=/dev/null closefd fdname=x
	run -0 qmpctl schema diff "${G[@]}" "$(command -v qemu-system-x86_64)"
}

@test "the shell: commands, HMP and events" {
	run -0 qmpctl shell "${G[@]}" <<-'END'
		.events on
		stop
		:info status
		cont
		query-status
	END
	[[ $output =~ " STOP"$'\n'.*"VM status: paused"$'\n'.*" RESUME"$'\n' ]]
	[[ $output = *'"running": true'* && $output != *libvirt* ]]
}

@test "the domain's QEMU is found" {
	pid=$(qmpctl status "${G[@]}" --json | jq .pid)
	grep -qzx tested /proc/"$pid"/cmdline || grep -qz 'guest=tested' /proc/"$pid"/cmdline
}

@test "events come with their names and data" {
	qmpctl events "${G[@]}" --count 2 --timeout 20 --json >"$SCRATCH/events" &
	sleep 1 # events of before are not shown: it must be listening
	qmpctl pause "${G[@]}"
	qmpctl resume "${G[@]}"
	wait $!
	[ "$(jq -r .event "$SCRATCH/events" | paste -sd ' ')" = "STOP RESUME" ]
}

@test "no such domain, no such libvirt: exit 3 and libvirt's words" {
	run -3 qmpctl status -g libvirt:nobody -c "$uri"
	[[ $output = *nobody* ]]
	run -3 qmpctl status -g libvirt:tested -c "qemu+unix:///system?socket=$SCRATCH/nowhere"
	[[ $output = *nowhere* ]]
}

@test "dumps by every engine hold what libvirt's own dump holds" {
	qmpctl pause "${G[@]}"
	virsh -q -c "$uri" dump tested "$SCRATCH/reference" --memory-only --live
	expected=$(sum_of "$SCRATCH/reference")
	for engine in direct stream qemu; do
		dumptool dump "${G[@]}" -o "$F" --force --format elf --ranges all --engine $engine
		[ "$(sum_of "$F")" = "$expected" ]
	done
	[ "$(status_of)" = paused ]
	qmpctl resume "${G[@]}"
	rm "$SCRATCH/reference"
}

@test "engine stream filters, too: it keeps the pages that direct keeps" {
	qmpctl pause "${G[@]}"
	for engine in direct stream; do
		dumptool dump "${G[@]}" -o "$SCRATCH/$engine" -d 31 --engine $engine
	done
	qmpctl resume "${G[@]}"
	dumptool compare "$SCRATCH/direct" "$SCRATCH/stream"
	cmp "$SCRATCH/direct" "$SCRATCH/stream"
	rm "$SCRATCH/direct" "$SCRATCH/stream"
}

@test "many clients share it through a proxy" {
	tests/e2e/proxy_crowd --guest libvirt:tested --connect "$uri" --clients 30 --seconds 4 --percent 30
	[ "$(status_of)" = running ]
}

@test "libvirt is spared a dump that it would not survive" {
	run -1 qmpctl exec "${G[@]}" dump-guest-memory paging:=false "protocol=file:$F"
	[[ $output = *"does not survive"* ]]
	[ "$(status_of)" = running ]
}

@test "SIGKILL at any moment of a dump: the guest runs again" {
	for delay in 0.05 0.1 0.15 0.2 0.25 0.3 0.35 0.4; do
		dumptool -q dump "${G[@]}" --engine stream --level 12 -o "$F" --force &
		sleep $delay
		kill -KILL $! || true
		wait $! || true
		for ((i = 0; i < 50; i++)); do
			[ "$(status_of)" != running ] || break
			sleep 0.1
		done
		[ "$(status_of)" = running ]
	done
}

@test "a QEMU that hangs: exit 5 in time, and all is well afterwards" {
	pid=$(qmpctl status "${G[@]}" --json | jq .pid)
	kill -STOP "$pid"
	start=$SECONDS
	run qmpctl status "${G[@]}"
	kill -CONT "$pid"
	[ "$status" -eq 5 ]
	[ $((SECONDS - start)) -le 7 ]
	[ "$(status_of)" = running ]
}

@test "nothing of ours is left running" {
	nothing_left
	[ -z "$(compgen -G '/tmp/guestscope-dump.*')" ]
}
