# What the tests with a real guest share: O, tools on PATH, a scratch folder, a guest that ends with the test.

tool_kit() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	O=$(cd "${O:-build}" && pwd)
	export O PATH=$O:$PATH
	SCRATCH=$(mktemp -d "${TMPDIR:-/var/tmp}/guestscope-test.XXXXXX")
	export XDG_RUNTIME_DIR=$SCRATCH/run
	mkdir -p -m 700 "$XDG_RUNTIME_DIR"
	export LIBVIRT_DEFAULT_URI=qemu+unix:///system?socket=$SCRATCH/no-libvirt # not this machine's own
}

# The same with a Linux to boot.
guest_kit() {
	tool_kit || return 1
	linux_kit
}

linux_kit() {
	KERNEL=$O/guest/kernel/vmlinuz INITRD=$O/guest/initramfs
	tests/guest/fetch >/dev/null
	# Also one that is older than what goes into it.
	[ -z "$(find tests/guest -type f -newer "$INITRD" 2>&1)" ] || tests/guest/mkinitramfs "$INITRD"
}

# launch_guest NAME [OPTION]... [-- QEMU ARGUMENT...]: by qmpctl, ready when it returns.
launch_guest() {
	local name=$1 fill=${GUEST_FILL:-none}
	shift
	qmpctl launch --name "$name" --mem "${GUEST_MEM:-512M}" --cpus 2 --kernel "$KERNEL" --initrd "$INITRD" \
		--append "console=ttyS0 gs.fill=$fill ${GUEST_APPEND-}" --accel tcg --wait-serial 'GUEST READY' \
		--timeout 120 "$@"
}

end_guests() {
	local name
	for name in "$@"; do
		qmpctl kill -g "$name" 2>/dev/null || true
	done
	rm -rf "$SCRATCH"
}

# sum_of FILE...: what dumptool verify --sum says, as "0x... units".
sum_of() { dumptool verify --sum --json "$@" | jq -r '"\(.sum) \(.nonzero_units)"'; }
