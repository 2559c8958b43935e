#!/usr/bin/env bats
# Engine direct on Linux guests whose memory changes its shape while they run: what it writes is what
# QEMU's own ELF of the same paused guest holds, page for page and range for range. (Guests that do not
# run, in many more shapes: direct_real.c.)

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	INITRD=$SCRATCH/initramfs
	tests/guest/mkinitramfs --module virtio_balloon --module virtio_mem "$INITRD"
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	export GUEST_APPEND=memhp_default_state=online
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests shaped shared busy
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
}

# query GUEST COMMAND FILTER: what jq makes of the reply.
query() { qmpctl exec -g "$1" "$2" --json | jq -r "$3"; }

# await GUEST COMMAND FILTER VALUE
await() {
	local i
	for i in $(seq 200); do
		[ "$(query "$1" "$2" "$3")" != "$4" ] || return 0
		sleep 0.05
	done
	echo "$2: $(query "$1" "$2" .)"
	return 1
}

# Both dumps of a paused guest; ours is first, as QEMU's touches all memory.
assert_direct_equals_qemu() { # GUEST
	local ours=$SCRATCH/$1.direct theirs=$SCRATCH/$1.qemu
	[ "$(qmpctl status -g "$1" --json | jq -r .state)" = paused ]
	dumptool dump -g "$1" -o "$ours" --engine direct --ranges all --format kdump-lzo
	dumptool dump -g "$1" -o "$theirs" --engine qemu --format elf
	dumptool verify "$ours" --reference "$theirs" --json >"$SCRATCH/verdict"
	rm "$ours" "$theirs"
	jq -e '.reference | .same_ranges and .pages_compared > 100000 and .pages_different == 0' "$SCRATCH/verdict" ||
		{ cat "$SCRATCH/verdict"; false; }
}

@test "a balloon, a pc-dimm and a virtio-mem device, all of them in use" {
	GUEST_FILL=random:64M launch_guest shaped -- -m slots=4,maxmem=2G -device virtio-balloon-pci \
		-object memory-backend-ram,id=v,size=512M -device virtio-mem-pci,id=vm,memdev=v,requested-size=0
	qmpctl exec -g shaped qom-set path=/machine/peripheral/vm property=requested-size value:=268435456
	qmpctl exec -g shaped object-add qom-type=memory-backend-ram id=b size:=134217728
	qmpctl exec -g shaped device_add driver=pc-dimm id=d memdev=b
	qmpctl exec -g shaped balloon value:=402653184
	await shaped query-memory-devices '.[] | select(.type == "virtio-mem") | .data.size' 268435456
	await shaped query-balloon .actual 402653184
	qmpctl pause -g shaped
	assert_direct_equals_qemu shaped
}

@test "they give memory back" {
	qmpctl resume -g shaped
	qmpctl exec -g shaped balloon value:=671088640
	qmpctl exec -g shaped qom-set path=/machine/peripheral/vm property=requested-size value:=67108864
	await shaped query-memory-devices '.[] | select(.type == "virtio-mem") | .data.size' 67108864
	await shaped query-balloon .actual 671088640
	qmpctl pause -g shaped
	assert_direct_equals_qemu shaped
}

@test "shared memory, on two nodes, with a balloon" {
	GUEST_FILL=random:64M launch_guest shared -- -device virtio-balloon-pci \
		-object memory-backend-memfd,id=a,size=256M -object memory-backend-memfd,id=b,size=256M \
		-numa node,memdev=a,cpus=0 -numa node,memdev=b,cpus=1
	qmpctl exec -g shared balloon value:=335544320
	await shared query-balloon .actual 335544320
	qmpctl pause -g shared
	assert_direct_equals_qemu shared
}

@test "a guest that is busy is not refused" {
	local tries=0
	qmpctl launch --name busy --mem 512M --cpus 2 --kernel "$KERNEL" --initrd "$INITRD" --accel tcg \
		--append 'console=ttyS0 gs.fill=random:256M' --wait-serial 'Run /init' --timeout 120
	until grep -q 'GUEST READY' "$XDG_RUNTIME_DIR/guestscope/busy/serial"; do
		dumptool dump -g busy --engine direct --live --format kdump-raw -o "$SCRATCH/busy" --force
		tries=$((tries + 1))
	done
	echo "$tries dumps"
	[ "$tries" -gt 0 ]
}
