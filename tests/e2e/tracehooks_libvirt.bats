#!/usr/bin/env bats
# A guest's QEMU that a real libvirtd starts, held at its exec and given to gdb; libvirtd of the
# test's own. The QEMU is a copy, so that this machine's others are not looked at.
#
#	HELD='-n 20' bats tests/e2e/tracehooks_libvirt.bats    20 times; -n 1 -s 60: held for a minute

bats_require_minimum_version 1.5.0

# The program itself: what stands first in PATH may be a script around it.
real_qemu() {
	local path
	for path in $(type -ap qemu-system-x86_64); do
		[ "$(head -c 4 "$path" | tail -c 3)" != ELF ] || { echo "$path" && return; }
	done
	return 1
}

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	tool_kit
	export SCRATCH XDG_RUNTIME_DIR QEMU LIBVIRTD KEPT
	command -v gdb >/dev/null || skip "no gdb"
	own_libvirtd
	LIBVIRTD=$(<"$SCRATCH/libvirt/libvirtd.pid")
	# It finds its firmware beside itself.
	mkdir -p "$SCRATCH/usr/bin"
	ln -s /usr/share /usr/lib "$SCRATCH/usr/"
	QEMU=$SCRATCH/usr/bin/qemu-system-x86_64
	cp "$(real_qemu)" "$QEMU"
	KEPT=$O/guest/libvirt/qemu/capabilities/$(printf %s "$QEMU" | sha256sum | cut -d' ' -f1).xml
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	end_libvirtd
	# What libvirtd has kept of a QEMU that will not be there any more.
	[ -z "${KEPT-}" ] || rm -f "$KEPT"
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
}

held_domain() { tests/e2e/held_domain "$@" "$uri" "$LIBVIRTD" "$QEMU" "$SCRATCH"; }

@test "the guest's QEMU is held, libvirt's questions to the same binary pass; gdb takes over" {
	[ ! -e "$KEPT" ]
	held_domain ${HELD:--n 3}
	[ -e "$KEPT" ]
}

@test "so it is while libvirtd has a gdb of its own" {
	held_domain -g
}

# ---- one of its workers ----

load ../cli/tracehooks.bash

threads_in() { grep -lE "^State:.[$1]" /proc/"$LIBVIRTD"/task/*/status | cut -d/ -f5; }
answers() { timeout 5 virsh -q -c "$uri" "$@" >/dev/null; }
holds() { tracehooks list --json | jq -r '.holds[].id'; }
some_held() { [ -n "$(holds)" ]; }
armed() { grep -q 'is traced' hold.err; }
untraced() { ! grep -qE '^TracerPid:.[1-9]' /proc/"$LIBVIRTD"/task/*/status; }

# The worker that starts a domain, at virCommandRun: its number is $ID; CREATE waits for it, LIST may.
hold_worker() {
	cd "$SCRATCH"
	cat >worker.xml <<-END
	<domain type='qemu'><name>worker</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
	<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
	<devices><emulator>$QEMU</emulator><memballoon model='none'/></devices></domain>
	END
	tracehooks hold "$LIBVIRTD" virCommandRun >hold.out 2>hold.err </dev/null 3>&- &
	HOLD=$!
	await armed
	timeout 100 virsh -q -c "$uri" create worker.xml >create.log 2>&1 3>&- &
	CREATE=$!
	await some_held
	ID=$(holds)
	timeout 100 virsh -q -c "$uri" list >list.log 2>&1 3>&- &
	LIST=$!
}

# All of them have gone on, and the guest runs.
worker_went_on() {
	wait $CREATE
	wait $LIST
	wait $HOLD
	[ "$(virsh -q -c "$uri" domstate worker)" = running ]
	untraced
	[ -z "$(threads_in tT)" ]
	virsh -q -c "$uri" destroy worker
}

@test "a worker is held at virCommandRun: libvirtd's others answer, and it goes on when it is released" {
	hold_worker
	for i in 1 2 3; do answers nodeinfo; done
	[ "$(threads_in tT)" = "$ID" ]
	kill -0 $CREATE
	grep -q '^  at        virCommandRun.* in .*/libvirt.so' hold.err
	tracehooks show --json "$ID" | jq -e '.blocked | map(.name) | contains(["virsh"])'
	tracehooks release "$ID"
	worker_went_on
}

@test "a worker is held at virCommandRun, and gdb begins there" {
	hold_worker
	answers nodeinfo
	timeout 100 tracehooks debug "$ID" -- gdb -nx -batch -ex thread -ex 'x/i $pc' -ex 'bt 3' -ex detach >gdb.log 2>&1
	grep -q "^\[Current thread is [0-9]* (.*LWP $ID))\]" gdb.log
	grep -q '^=> 0x[0-9a-f]* <virCommandRun>:' gdb.log
	grep -q '^#0  0x[0-9a-f]* in virCommandRun ' gdb.log
	worker_went_on
}
