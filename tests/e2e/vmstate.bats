#!/usr/bin/env bats
# vmstate against real streams: QEMU exports its descriptions, saves a guest, and tells at the end of
# the stream how many bytes each field has become.

bats_require_minimum_version 1.5.0

setup() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	tool_kit
}

teardown() { end_guests saved; }

# save QEMU: a paused guest with devices of all sorts, to the file "stream".
save() {
	qmpctl launch --name saved --qemu "$1" --accel tcg --mem 64M -- -S -M q35 -device e1000e,romfile= \
		-device rtl8139,romfile= -device qemu-xhci -device usb-ehci -device am53c974 -device VGA \
		-device intel-hda -device pcie-root-port,chassis=1 -device ich9-ahci -device pci-serial \
		-device pvpanic-pci -device i6300esb -device edu >/dev/null
	qmpctl exec -g saved migrate uri="exec:cat >$SCRATCH/stream" >/dev/null
	for _ in $(seq 200); do
		[ "$(qmpctl exec -g saved query-migrate | jq -r .status)" = completed ] && return
		sleep 0.1
	done
	return 1
}

# compare QEMU: how many fields were compared, by how sure vmstate is.
compare() {
	local device
	"$1" -M none -nodefaults -display none -dump-vmstate "$SCRATCH/export"
	for device in $(vmstate show --json "$SCRATCH/export" | jq -r '.devices[].type'); do
		vmstate show --json --tree "$SCRATCH/export" "$device"
	done | tests/e2e/wire_sizes.py "$SCRATCH/stream"
}

@test "bytes of a real stream: exports that tell no lengths are right by the element" {
	save qemu-system-x86_64
	run --separate-stderr compare qemu-system-x86_64
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(jq '.["at-least"] + (.exact // 0) > 500' <<<"$output")" = true ]
}

@test "bytes of a real stream: those of a newer QEMU are right" {
	newer=$(tests/guest/qemu10 2>"$SCRATCH/why") || skip "$(tail -n 1 "$SCRATCH/why")"
	save "$newer"
	run --separate-stderr compare "$newer"
	echo "$output" "$stderr"
	[ "$status" -eq 0 ]
	[ "$(jq '.exact > 500' <<<"$output")" = true ]
}
