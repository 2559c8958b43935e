# What the tests with foreign readers share.

FORMATS='elf kdump-raw kdump-zlib kdump-lzo kdump-snappy kdump-zstd'
READERS='crash drgn libkdumpfile gdb makedumpfile'

# A test guest's kit, the kernel with debug information, and the program that reads by libkdumpfile.
tools_kit() {
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	source tests/e2e/guest.bash
	tests/guest/fetch --debug >/dev/null
	guest_kit
	mkdir -p "$O/tools"
	cc -O2 -Wall -Wextra -o "$O/tools/kdumpsum" tests/tools/kdumpsum.c -lkdumpfile -laddrxlat -lxxhash
	VMLINUX=$(realpath "$O/guest/kernel/vmlinux")
	RELEASE=$(cat "$O/guest/kernel/release")
	PATH=$PATH:$O/tools
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD VMLINUX RELEASE PATH
}

# Ends the guest and removes the scratch folder, if the kit got that far.
tools_end() { # GUEST
	[ -n "${SCRATCH-}" ] || return 0
	cd "$BATS_TEST_DIRNAME/../.." || return 1
	source tests/e2e/guest.bash
	end_guests "$1"
}

# Lines "FILE READER" on stdin: has them read, as many at a time as there are CPUs.
read_all() {
	xargs -P "$(nproc)" -L 1 sh -c 'tests/tools/read "$2" "$1" >/dev/null' read
}

# cell FILE READER: what came of it.
cell() { cat "$1.$2.cell"; }

# opens READER FILE...: all of them; shows what the reader said of the first that it does not.
opens() {
	local reader=$1 file
	shift
	for file in "$@"; do
		[ "$(cell "$file" "$reader")" = yes ] && continue
		echo "$reader: $file: $(cell "$file" "$reader")"
		tail -n 30 "$file.$reader.log"
		return 1
	done
}

# Those of the readers.
versions() {
	dpkg-query -W -f '${Package} ${Version}\n' crash python3-drgn libkdumpfile-dev gdb makedumpfile
}
