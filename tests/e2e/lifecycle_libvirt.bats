#!/usr/bin/env bats
# console, events, wait and stop with domains of a real libvirtd, beside a launched guest.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	tool_kit
	export SCRATCH XDG_RUNTIME_DIR
	own_libvirtd
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_libvirtd obeys echoes
	end_guests beside
}

setup() {
	load ../cli/qmpctl.bash
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	Q=$O/qmpctl
	PATH=$O:$PATH
	cd "$SCRATCH" || return
	[ -e disk ] || make_disk
	[ -e echo ] || make_echo_disk
}

teardown() { :; }

# domain NAME DISK: runs it, with its serial port at a pty, and waits until its boot sector has
# spoken to it.
domain() {
	cat >domain.xml <<-END
		<domain type='qemu'><name>$1</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator>
		<disk type='file'><source file='$SCRATCH/$2'/><target dev='hda'/></disk>
		<serial type='pty'><log file='$SCRATCH/$1.log'/></serial><memballoon model='none'/></devices></domain>
	END
	virsh -q -c "$uri" create domain.xml
	eventually grep -q READY "$SCRATCH/$1.log"
}

@test "console: the pty of a domain" {
	domain echoes echo
	run -0 qmpctl console -g libvirt:echoes -c "$uri" --expect 'and back' --timeout 10 <<<'there and back'
	[[ $output = *'there and back'* ]]
	qmpctl console -g libvirt:echoes -c "$uri" </dev/null >/dev/null &
	held() { [ -n "$(find "/proc/$!/fd" -lname '/dev/pts/*')" ]; }
	eventually held
	run -4 --separate-stderr qmpctl console -g libvirt:echoes -c "$uri" </dev/null
	[[ $stderr = "qmpctl: /dev/pts/"*": held by $! (qmpctl)" ]]
	kill $!
	exits 143
}

@test "events: of domains and launched guests at once; wait: the domain's end" {
	qmpctl launch --name beside --accel tcg -- -M none -S
	qmpctl -v events -c "$uri" -g libvirt:echoes -g beside --json --count 3 --timeout 30 >events 2>events.err &
	events=$!
	connected() { [ "$(grep -c '^<-- {"return"' events.err)" -eq 2 ]; }
	eventually connected
	qmpctl pause -g libvirt:echoes -c "$uri"
	qmpctl resume -g beside
	qmpctl -v wait -g libvirt:echoes -c "$uri" --json >end 2>end.err &
	eventually grep -q '^<-- {"return"' end.err
	virsh -q -c "$uri" destroy echoes
	exits 0
	[ "$(jq -r .ended_by end)" = end ]
	wait $events
	[ "$(jq -c '[.guest, .event]' events | sort | xargs)" = \
		'[beside,RESUME] [libvirt:echoes,SHUTDOWN] [libvirt:echoes,STOP]' ]
}

@test "stop: a domain that obeys, one that has to be told, and one that hangs" {
	domain obeys disk
	run -0 --separate-stderr qmpctl stop -g libvirt:obeys -c "$uri" --json
	[ "$(jq -r .ended_by <<<"$output")" = powerdown ]
	domain echoes echo
	run -0 --separate-stderr qmpctl stop -g libvirt:echoes -c "$uri" --powerdown 0.2 --json
	[ "$(jq -r .ended_by <<<"$output")" = quit ]
	gone() { [ -z "$(virsh -q -c "$uri" list --name)" ]; }
	eventually gone
	domain echoes echo
	kill -STOP "$(qmpctl status -g libvirt:echoes -c "$uri" --json | jq .pid)"
	run -0 --separate-stderr qmpctl stop -g libvirt:echoes -c "$uri" --term 0.2 --json
	[ "$(jq -r .ended_by <<<"$output")" = SIGKILL ]
	eventually gone
}
