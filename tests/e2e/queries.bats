#!/usr/bin/env bats
# Each query without a mandatory argument, by the names in the guest's own schema: qmpctl prints what a
# client of a bare socket is told, with the release's QEMU and with the newer one of the backports.

bats_require_minimum_version 1.5.0

# What the QEMU on PATH accepts is the caller's choice; these are ours.
LAX=deprecated-input=accept,unstable-input=accept,deprecated-output=accept
STRICT=deprecated-input=reject,unstable-input=reject

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	tool_kit
	export SCRATCH
	NEWER=$(tests/guest/qemu10 2>"$SCRATCH/why") || true
	export NEWER
	truncate -s 8M "$SCRATCH/base"
	qemu-img create -q -f qcow2 -b base -F raw "$SCRATCH/disk"
}

teardown_file() { rm -rf "$SCRATCH"; }

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
	# One of all that has queries of its own.
	DEVICES=(-m "64M,slots=2,maxmem=1G" -smp 1,maxcpus=4 -iscsi initiator-name=iqn.test -uuid
		6d1b3f0e-3f3a-4f36-9c1e-0c4d9d7ab001
		-object memory-backend-ram,id=plugged,size=32M -device pc-dimm,memdev=plugged
		-object iothread,id=thread -object rng-random,id=rng -device virtio-rng-pci,rng=rng
		-blockdev driver=file,filename="$SCRATCH/disk",node-name=file
		-blockdev driver=qcow2,file=file,node-name=disk -device virtio-blk-pci,drive=disk,iothread=thread
		-device ide-cd -netdev user,id=net,restrict=on -device virtio-net-pci,netdev=net,romfile=
		-device virtio-balloon -device vmgenid,guid=auto -device vmcoreinfo
		-chardev "file,id=serial,path=$SCRATCH/serial" -serial chardev:serial)
}

newer() { [ -n "$NEWER" ] || skip "$(tail -n 1 "$SCRATCH/why")"; }

# alike QEMU POLICY
alike() { run tests/e2e/queries --qemu "$1" -- "${DEVICES[@]}" -compat "$2"; }
said_the_same() {
	echo "$output"
	[ "$status" -eq 0 ]
	[[ ${lines[-1]} =~ ^([0-9]+)\ queries:\ [0-9]+\ values ]]
	[ "${BASH_REMATCH[1]}" -gt 50 ]
}

@test "the release's QEMU" {
	alike qemu-system-x86_64 $LAX
	said_the_same
}

@test "the release's QEMU, deprecated and unstable input rejected" {
	alike qemu-system-x86_64 $STRICT
	said_the_same
	alike qemu-system-x86_64 $STRICT,deprecated-output=hide
	said_the_same
}

@test "the newer QEMU" {
	newer
	alike "$NEWER" $LAX
	said_the_same
}

@test "the newer QEMU, deprecated and unstable input rejected" {
	newer
	alike "$NEWER" $STRICT
	said_the_same
	alike "$NEWER" $STRICT,deprecated-output=hide
	said_the_same
}

# edited SED-SCRIPT: what the comparison says of a qmpctl that prints something else.
edited() {
	EDIT=$1 PATH=$SCRATCH/bin:$PATH run -1 tests/e2e/queries -- -S
	[[ $output = *" 1 differ" ]] || { echo "$1: $output" && false; }
}

@test "the comparison sees a number's text, an order, a member too many, an error's words" {
	mkdir "$SCRATCH/bin"
	cat >"$SCRATCH/bin/qmpctl" <<-END
		#!/bin/bash
		"$(command -v qmpctl)" "\$@" > >(sed -z "\$EDIT") 2> >(sed -z "\$EDIT" >&2)
	END
	chmod +x "$SCRATCH/bin/qmpctl"
	edited 's/\("major": [0-9]*\)/\1.0/'
	[[ ${lines[0]} = query-version/qemu/major:* ]]
	edited 's/{\(.*\),\s*\("running": [a-z]*\)\n}/{\2,\1}/'
	[[ ${lines[0]} = query-status:* ]]
	edited 's/"major":/"few": 0, &/'
	[[ ${lines[0]} = query-version/qemu:* ]]
	edited 's/No balloon/no balloon/'
	[[ ${lines[0]} = query-balloon/desc:* ]]
	edited 's/DeviceNotActive: No balloon/DeviceNotFound: No balloon/'
	[[ ${lines[0]} = query-balloon/class:* ]]
}
