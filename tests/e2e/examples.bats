#!/usr/bin/env bats
# The EXAMPLES of the man pages, run in their order: in a folder with the files that they speak of, on a
# Linux guest called as theirs is, with what else they take for granted. What is changed before they
# run, and what is left out, is said in `adapt` and `left_out`.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR BOOK=$SCRATCH/book HOME=$SCRATCH
	mkdir -p "$BOOK/bin" "$SCRATCH/vm"
	cp "$KERNEL" "$BOOK/vmlinuz"
	cp "$INITRD" "$BOOK/initrd"
	qemu-img create -q -f qcow2 "$BOOK/web.qcow2" 64M
	truncate -s 1M "$BOOK/img"
	# Another host is this one.
	printf '#!/bin/sh\nshift\nexec sh -c "$*"\n' >"$BOOK/bin/ssh"
	chmod +x "$BOOK/bin/ssh"
	start_other_qemu
	if [ "$EUID" -eq 0 ] && unshare --mount true 2>/dev/null; then start_domain; fi
	# The machine's own is nobody's business here.
	export LIBVIRT_DEFAULT_URI=${uri-qemu+unix:///system?socket=$SCRATCH/no-libvirt}
}

# The domain "web" with a disk "vda".
start_domain() {
	eval "$(tests/guest/libvirtd "$SCRATCH/libvirt")"
	export uri
	truncate -s 64M "$SCRATCH/vda"
	cat >"$SCRATCH/domain.xml" <<-END
		<domain type='qemu'><name>web</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator>
		<disk type='file'><source file='$SCRATCH/vda'/><target dev='vda' bus='virtio'/></disk>
		<memballoon model='none'/></devices></domain>
	END
	virsh -q -c "$uri" create "$SCRATCH/domain.xml" --paused
}

# The guest that somebody else has started, with a monitor at /run/vm/qmp.sock.
start_other_qemu() {
	# 3>&-: bats waits for who has that open.
	setsid qemu-system-x86_64 -M pc -m 64M -accel tcg -display none -nodefaults -S \
		-qmp "unix:$SCRATCH/vm/qmp.sock,server=on,wait=off" </dev/null >"$SCRATCH/vm/log" 2>&1 3>&- &
	echo $! >"$SCRATCH/vm/pid"
	for ((i = 0; i < 100; i++)); do
		[ ! -S "$SCRATCH/vm/qmp.sock" ] || return 0
		sleep 0.1
	done
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	kill -KILL "$(<"$SCRATCH/vm/pid")" || true
	end_libvirtd
	for name in $(qmpctl list --json | jq -r '.guests[].name'); do qmpctl kill -q -g "$name"; done
	end_guests
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$BOOK/bin:$(cd "${O:-build}" && pwd):$PATH
}

# extract TOOL FOLDER: each example of TOOL.1 as a script, 01, 02, ...
extract() {
	mkdir -p "$2"
	awk -v folder="$2" '
		/^\.Sh/ { on = $2 == "EXAMPLES" }
		!on { next }
		/^\.Dl / { put(substr($0, 5), ++n) }
		/^\.Ed/ { inside = 0 }
		inside { put($0, n) }
		/^\.Bd/ { inside = 1; n++ }
		function put(line, number) {
			gsub(/\\\(aq/, "\047", line)
			gsub(/\\\(dq/, "\"", line)
			gsub(/\\&/, "", line)
			gsub(/\\-/, "-", line)
			gsub(/\\e/, "\\", line)
			printf "%s\n", line >sprintf("%s/%02d", folder, number)
		}' "$1/$1.1"
}

# Why an example cannot be run here; "" if it can.
left_out() {
	case $(<"$1") in
	*libvirt:*) [ -n "${uri-}" ] || echo "a libvirtd of its own takes root" ;;
	*'-g arm'*) command -v qemu-system-aarch64 >/dev/null || echo "no qemu-system-aarch64" ;;
	*'dumptool open'*) echo "takes the vmlinux of the guest's kernel" ;;
	*dumptool*GUEST_PANICKED*) echo "waits for a panic" ;;
	esac
}

# What is here what the example speaks of, and times for those who cannot wait.
adapt() {
	sed -e "s|/run/vm/|$SCRATCH/vm/|g; s|pid:4711|pid:$(<"$SCRATCH/vm/pid")|g; s|=/img|=$BOOK/img|g" \
		-e "s|login:|GUEST READY|; s|'console=ttyS0'|'console=ttyS0 gs.shell'|" \
		-e 's|qmpctl launch|& --accel tcg|; s|^qmpctl shell.*|disks disk0 disk1\n&|' \
		-e "s|/opt/qemu/bin/|$(dirname "$(command -v qemu-system-x86_64)")/|" \
		-e 's|--timeout 1h|--timeout 1s|; s|--count 10|--count 2|' \
		-e 's|^qmpctl console -g web$|& --timeout 1s|' \
		-Ee 's,dumptool (dump|convert|join|split|map),& --force,' -e 's,dumptool compare .*,& || [ $? -eq 1 ],' \
		-e 's,^(qmpctl proxy .* )(/[^ ]*) &$,\1\2 \&\nuntil [ -S \2 ]; do sleep 0.05; done,' "$1"
}

# Disks that the guest "web" is taken to have.
disks() {
	for name in "$@"; do
		qmpctl exec -g web blockdev-add driver=null-co node-name="$name" >/dev/null
	done
}

# What it leaves in the background ends with it.
run_script() {
	# shellcheck disable=SC2046 # words are meant
	trap 'kill $(jobs -p) 2>/dev/null || true; wait' EXIT
	. ./script
}

run_examples() {
	local script reason
	cd "$BOOK"
	for script in "$1"/*; do
		reason=$(left_out "$script")
		if [ -n "$reason" ]; then
			echo "# left out, $reason: $(head -n 1 "$script")" >&3
			continue
		fi
		adapt "$script" >script
		timeout 60 bash -eu -o pipefail -c "$(declare -f disks run_script); run_script" </dev/null >out 2>&1 3>&- || {
			printf 'exit status %s of\n%s\nwhich said\n%s\n' $? "$(<script)" "$(<out)"
			false
		}
	done
}

@test "qmpctl's examples do what they say" {
	extract qmpctl "$SCRATCH/qmpctl"
	[ "$(find "$SCRATCH/qmpctl" -type f | wc -l)" -ge 10 ]
	run_examples "$SCRATCH/qmpctl"
}

@test "each command of qmpctl has an example" {
	extract qmpctl "$SCRATCH/qmpctl"
	commands=$(qmpctl --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z]+( [a-z]+)?)  .*/\1/p')
	[ "$(wc -l <<<"$commands")" -ge 20 ]
	while read -r command; do
		grep -qE "(^|[^a-z])qmpctl $command( |$|\))" "$SCRATCH"/qmpctl/* || {
			echo "no example of $command"
			false
		}
	done <<<"$commands"
}

@test "dumptool's examples do what they say" {
	cd "$BATS_TEST_DIRNAME/../.."
	extract dumptool "$SCRATCH/dumptool"
	qmpctl launch --name vm --accel tcg --mem 256M --kernel "$BOOK/vmlinuz" --initrd "$BOOK/initrd" \
		--append console=ttyS0 --wait-serial 'GUEST READY' --timeout 60
	dumptool -q dump -g vm --engine qemu -f elf -o "$BOOK/vm.elf"
	run_examples "$SCRATCH/dumptool"
}
