# Shared by the tests of qmpctl: a scratch registry, guests that cost nothing, their end.
# shellcheck shell=bash

bats_require_minimum_version 1.5.0

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	Q=$O/qmpctl
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/qmpctl.XXXXXX")
	RUN=$TMP/guestscope
	export XDG_RUNTIME_DIR=$TMP
	export LIBVIRT_DEFAULT_URI=qemu+unix:///system?socket=$TMP/no-libvirt # not this machine's own
	unset GUESTSCOPE_GUEST
	cd "$TMP" || return
}

teardown() {
	local record
	for record in "$RUN"/*/guest; do
		if [ -e "$record" ]; then kill -KILL "$(jq .pid "$record")" || true; fi
	done 2>/dev/null
	jobs -p | xargs -r kill 2>/dev/null || true
	cd / && rm -rf "$TMP"
}

# A disk whose boot sector writes "BOOT SECTOR READY" to the serial port, enables the power button
# and, when it is pressed, switches the machine off (PIIX4: PM1 registers at 0x600):
#	xor ax,ax; mov ds,ax; cld; mov si,0x7c30; mov dx,0x3f8
#	1: lodsb; test al,al; jz 2f; out dx,al; jmp 1b
#	2: mov dx,0x602; mov ax,0x100; out dx,ax; mov dx,0x600
#	3: in ax,dx; test ah,1; jz 3b; mov dx,0x604; mov ax,0x2000; out dx,ax
#	4: hlt; jmp 4b
make_disk() {
	{
		printf '\x31\xc0\x8e\xd8\xfc\xbe\x30\x7c\xba\xf8\x03\xac\x84\xc0\x74\x03\xee\xeb\xf8'
		printf '\xba\x02\x06\xb8\x00\x01\xef\xba\x00\x06\xed\xf6\xc4\x01\x74\xfa'
		printf '\xba\x04\x06\xb8\x00\x20\xef\xf4\xeb\xfd\0\0\0BOOT SECTOR READY\n'
	} >disk
	truncate -s 510 disk
	printf '\x55\xaa' >>disk
	truncate -s 1M disk
}

# A disk whose boot sector writes "ECHO READY" and then sends back what it gets:
#	xor ax,ax; mov ds,ax; cld; mov si,0x7c22; mov dx,0x3f8
#	1: lodsb; test al,al; jz 2f; out dx,al; jmp 1b
#	2: mov dx,0x3fd
#	3: in al,dx; test al,1; jz 3b; mov dx,0x3f8; in al,dx; out dx,al; jmp 2b
make_echo_disk() {
	{
		printf '\x31\xc0\x8e\xd8\xfc\xbe\x22\x7c\xba\xf8\x03\xac\x84\xc0\x74\x03\xee\xeb\xf8'
		printf '\xba\xfd\x03\xec\xa8\x01\x74\xfb\xba\xf8\x03\xec\xee\xeb\xf1ECHO READY\n'
	} >echo
	truncate -s 510 echo
	printf '\x55\xaa' >>echo
	truncate -s 1M echo
}

launch() { "$Q" launch --accel tcg --mem 64M "$@"; }

# A guest that does nothing before it is told to.
launch_idle() { launch --name "$1" -- -S "${@:2}"; }

# A guest that runs and obeys its power button.
launch_ready() {
	[ -e disk ] || make_disk
	launch --name "$1" --disk disk --wait-serial 'BOOT SECTOR READY' -- "${@:2}"
}

# bare [QEMU ARGUMENT]...: a QEMU without a machine, in $GUESTSCOPE_GUEST: it is there at once.
bare() {
	export GUESTSCOPE_GUEST=$TMP/monitor
	qemu-system-x86_64 -machine none -nodefaults -display none -qmp "unix:$TMP/monitor,server=on,wait=off" \
		"$@" &
	eventually answers # the socket is there before it can be connected to
}

answers() { "$Q" exec --no-check query-name >/dev/null 2>&1; }

pid_of() { jq .pid "$RUN/$1/guest"; }

# Gone, or dead and not yet reaped by init.
is_dead() { ! grep -q '^State:.[^Z]' "/proc/$1/status" 2>/dev/null; }

# Until COMMAND... succeeds; ten seconds at most.
eventually() {
	for _ in $(seq 200); do
		"$@" && return
		sleep 0.05
	done
	echo "never: $*"
	return 1
}

# start FILE ARGUMENTS...: qmpctl in the background, its output in FILE and FILE.err. Returns when it
# is connected: events that come from now on reach it.
start() {
	"$Q" -v "${@:2}" >"$1" 2>"$1.err" &
	eventually grep -q '^<-- {"return"' "$1.err"
}

# exits STATUS: that of the last background command.
exits() {
	local status=0
	wait $! || status=$?
	[ $status -eq "$1" ] || { echo "exit status $status, not $1" && false; }
}

# What a run command said; on a mismatch, both.
says() { [ "$output" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$output" "$1" && false; }; }
complains() { [ "$stderr" = "$1" ] || { printf 'said: %s\nwant: %s\n' "$stderr" "$1" && false; }; }
