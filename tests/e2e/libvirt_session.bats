#!/usr/bin/env bats
# libvirt's session of a user without privileges: found without -c, never started by who only looks.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	tool_kit
	export SCRATCH SYSTEM
	SYSTEM=$(system_libvirt)
	if [ "$EUID" -ne 0 ] || ! command -v setpriv libvirtd >/dev/null; then
		skip "another user's session takes root, setpriv and libvirtd"
	fi
	mkdir -m 700 "$SCRATCH"/home{,/run}
	chown -R nobody: "$SCRATCH/home"
	chmod 711 "$SCRATCH"
}

# The session's daemons have no parent that would end them; a guest that a failed test left, neither.
teardown_file() {
	local name file
	for name in qemu/run/mine libvirtd virtlogd; do
		file=$SCRATCH/home/run/libvirt/$name.pid
		[ ! -e "$file" ] || kill "$(<"$file")"
	done
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	PATH=$(cd "${O:-build}" && pwd):$PATH
	HOME_DIR=$SCRATCH/home
}

# COMMAND... as that user, in folders of its own.
as_user() {
	(cd "$HOME_DIR" && exec setpriv --reuid nobody --regid nogroup --clear-groups \
		env -u LIBVIRT_DEFAULT_URI -u GUESTSCOPE_GUEST HOME="$HOME_DIR" XDG_RUNTIME_DIR="$HOME_DIR/run" \
		XDG_CONFIG_HOME="$HOME_DIR/config" XDG_CACHE_HOME="$HOME_DIR/cache" "$@")
}

session_runs() { [ -e "$HOME_DIR/run/libvirt/libvirtd.pid" ]; }

define_domain() {
	cat <<-END
		<domain type='qemu'><name>mine</name><memory unit='MiB'>64</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type></os><features><acpi/></features>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator></devices></domain>
	END
}

@test "a list without -c starts no daemon and leaves no file" {
	run -0 as_user qmpctl list
	[ -z "$output" ]
	run session_runs
	[ "$status" -ne 0 ]
	[ "$(find "$HOME_DIR" -type f)" = "" ]
}

@test "a guest of the user's session, by its name alone" {
	define_domain >"$HOME_DIR/mine.xml"
	chmod 644 "$HOME_DIR/mine.xml"
	as_user virsh -q -c qemu:///session create "$HOME_DIR/mine.xml"
	session_runs
	pid=$(<"$HOME_DIR/run/libvirt/qemu/run/mine.pid")
	run -0 as_user qmpctl list
	[[ ${lines[1]} =~ ^libvirt:mine\ +$pid\ +running ]]
	[ "$(as_user qmpctl status -g libvirt:mine --json | jq -c '[.state, .pid]')" = "[\"running\",$pid]" ]
	run -0 as_user qmpctl hmp -g libvirt:mine info status
	[ "$output" = "VM status: running" ]
	as_user dumptool dump -g libvirt:mine -o "$HOME_DIR/dump" --ranges all
	dumptool verify "$HOME_DIR/dump"
	run -0 as_user qmpctl quit -g libvirt:mine
}

@test "the machine's own libvirt is as it was" {
	[ "$(system_libvirt)" = "$SYSTEM" ]
}
