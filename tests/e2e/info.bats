#!/usr/bin/env bats
# What info tells of live guests and of dumps of them in every format, against what the guests said.

bats_require_minimum_version 1.5.0

FORMATS='elf kdump-zlib kdump-lzo kdump-snappy kdump-zstd kdump-raw'

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR O PATH
	(
		cat "$INITRD"
		cd tests/guest
		echo chatter | cpio -o -H newc --quiet
	) >"$SCRATCH/initrd"
	export STARTED=$(date +%s)
	GUEST_MEM=256M GUEST_APPEND=loglevel=8 launch_guest fresh
	export READY=$(date +%s)
	GUEST_APPEND='rdinit=/chatter printk.devkmsg=on loglevel=1 gs.lines=2600' \
		INITRD=$SCRATCH/initrd GUEST_MEM=256M launch_guest round
	for name in fresh round; do
		qmpctl pause -g $name
		dumptool info -g $name --json >"$SCRATCH/$name"
	done
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests fresh round
}

setup() { cd "$BATS_TEST_DIRNAME/../.."; }

# What a dump and a live guest have in common.
kernel='{arch, bits, byte_order, page_size, cpus, phys_base, sysname, release, version, machine, vmcoreinfo,
	osrelease, build_id, kernel_offset, banner, log_records, log_until_ns, boot_time}'

said() { dumptool notes -g "$1" --vmcoreinfo | sed -n "s/^$2=//p"; }

@test "a live guest: what its VMCOREINFO and its console said" {
	release=$(cat "$O/guest/kernel/release")
	banner=$(tr -d '\r' <"$XDG_RUNTIME_DIR/guestscope/fresh/serial" | sed -n 's/^\[ *0\.000000\] \(Linux version .*\)/\1/p')
	jq -e --arg release "$release" --arg banner "$banner" --arg id "$(said fresh BUILD-ID)" \
		--arg offset "0x$(said fresh KERNELOFFSET)" --argjson base "$(said fresh 'NUMBER(phys_base)')" '
		.arch == "x86_64" and .bits == 64 and .cpus == 2 and .vmcoreinfo
		and .osrelease == $release and .release == $release and .banner == $banner
		and .build_id == $id and ($id | length) == 40
		and .kernel_offset == $offset and .phys_base == $base' "$SCRATCH/fresh"
}

@test "the shape of it" {
	for name in fresh round; do
		jq -e '[.guest, .arch, .byte_order, .osrelease, .build_id, .banner] | all(type == "string")' "$SCRATCH/$name"
		jq -e '[.bits, .page_size, .cpus, .log_records, .log_until_ns, .memory_size, .notes] | all(type == "number")' "$SCRATCH/$name"
		jq -e '.ranges | length > 0 and all(.[]; (.start | startswith("0x")) and (.end | startswith("0x")) and .size > 0)' "$SCRATCH/$name"
		jq -e '([.ranges[].size] | add) == .memory_size' "$SCRATCH/$name"
	done
}

@test "dumps in every format tell the same" {
	for name in fresh round; do
		jq -c "$kernel" "$SCRATCH/$name" >"$SCRATCH/expected"
		for format in $FORMATS; do
			dumptool dump -q -g $name -f "$format" -o "$SCRATCH/dump"
			dumptool info --json "$SCRATCH/dump" >"$SCRATCH/info"
			jq -c "$kernel" "$SCRATCH/info" | diff "$SCRATCH/expected" -
			jq -e --arg f "${format%%-*}" '.format == $f and (.incomplete | not) and .file_size > 0' "$SCRATCH/info"
			rm "$SCRATCH/dump"
		done
		dumptool dump -q -g $name -f kdump-lzo -o - | dumptool info --json - >"$SCRATCH/info"
		jq -c "$kernel" "$SCRATCH/info" | diff "$SCRATCH/expected" -
		jq -e .flattened "$SCRATCH/info"
	done
}

@test "how far the log reaches, and when the guest was booted" {
	last=$(dumptool dmesg -g fresh --json | jq -s 'map(.timestamp_ns) | max')
	jq -e --argjson last "$last" '.log_until_ns == $last' "$SCRATCH/fresh"
	booted=$(date -d "$(jq -r .boot_time "$SCRATCH/fresh")" +%s)
	[ "$booted" -ge $((STARTED - 2)) ] && [ "$booted" -le "$READY" ]
}

@test "a log that went round: the banner is in the kernel's text, the time of boot is not known" {
	[ "$(jq .banner "$SCRATCH/round")" = "$(jq .banner "$SCRATCH/fresh")" ]
	jq -e 'has("boot_time") | not' "$SCRATCH/round"
	! dumptool dmesg -g round | grep -q 'Linux version'
}

@test "text has the same, for people" {
	run dumptool info -g fresh
	[ "$status" -eq 0 ]
	for key in osrelease build_id kernel_offset banner boot_time; do
		grep -qF -- "$(jq -r .$key "$SCRATCH/fresh")" <<<"$output"
	done
	grep -qE '^Log: +[0-9]+ records up to [0-9]+\.[0-9]{6} s$' <<<"$output"
}
