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
