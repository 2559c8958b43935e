#!/usr/bin/env bats
# dumptool regs on a real guest: equal to the monitor's `info registers` in every field that the notes
# carry, of the live guest and of its dump; the kernel's own symbols name what vmlinux would.

setup() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
}

teardown() { end_guests regs; }

# Paused where the kernel has nothing to do: on a busy machine, it may have for a while.
pause_idle() {
	for ((try = 0; try < 100; try++)); do
		qmpctl pause -g regs
		if [ "$(qmpctl hmp -g regs 'info registers -a' | grep -c 'HLT=1')" -eq 2 ]; then return; fi
		qmpctl resume -g regs
		sleep 0.1
	done
	return 1
}

@test "x86_64: what the monitor says, live and from the dump" {
	launch_guest regs
	pause_idle
	qmpctl hmp -g regs 'info registers -a' >"$SCRATCH/monitor"
	dumptool dump -q -g regs -o "$SCRATCH/vm.kdump"
	dumptool regs -g regs --json >"$SCRATCH/live"
	dumptool regs "$SCRATCH/vm.kdump" --json >"$SCRATCH/file"
	tests/e2e/hmp_regs.py "$SCRATCH/monitor" "$SCRATCH/live"
	tests/e2e/hmp_regs.py "$SCRATCH/monitor" "$SCRATCH/file"
	diff <(jq .cpus "$SCRATCH/live") <(jq .cpus "$SCRATCH/file")

	# An idle kernel: in its own mode, in a function whose name the guest itself tells.
	jq -e '[.cpus[] | .mode == "long" and .privilege == "kernel" and .ring == 0] | all' "$SCRATCH/file"
	dumptool regs "$SCRATCH/vm.kdump" --cpu 0 | grep -x '  rip  *[a-z_]*halt+0x.*'
	[ "$(dumptool regs "$SCRATCH/vm.kdump" --cpu 1 --json | jq -c '[.cpus[].cpu]')" = '[1]' ]
	run dumptool regs "$SCRATCH/vm.kdump" --cpu 2
	[ "$status" -eq 1 ]
	[[ $output = *'no CPU 2: the notes tell of 2' ]]
}

# Sets some registers, each to a value of its own, and then jumps to itself.
aarch64_code() {
	local word
	for word in d2a00602 d5181042 d5033fdf `# movz x2, 0x30, lsl 16; msr cpacr_el1, x2; isb: SIMD is on` \
		d2824680 d29579be 9100001f `# movz x0, 0x1234; movz x30, 0xabcd; mov sp, x0` \
		d2a00803 d51b4403 `# movz x3, 0x40, lsl 16; msr fpcr, x3` \
		d2a10004 d51b4424 `# movz x4, 0x800, lsl 16; msr fpsr, x4` \
		4f02e740 4e080c1f `# movi v0.16b, 0x5a; dup v31.2d, x0` 14000000; do
		printf "\\x${word:6:2}\\x${word:4:2}\\x${word:2:2}\\x${word:0:2}"
	done
}

# The monitor's words in our names, as "name value".
aarch64_monitor() {
	tr -d '\r' | grep -oE '(PC|SP|X[0-9]{2}|PSTATE|FPCR|FPSR)=[0-9a-f]+|Q[0-9]{2}=[0-9a-f]+:[0-9a-f]+' |
		sed -E 's/Q0?([0-9]+)=(.*):(.*)/v\1 \2\3/; s/X0?([0-9]+)=/x\1 /; s/=/ /' |
		tr A-Z a-z | sed -E 's/ 0*([0-9a-f])/ 0x\1/' | sort
}

@test "aarch64: general registers and SIMD, as the monitor has them" {
	aarch64_code >"$SCRATCH/code"
	qmpctl launch --name regs --qemu qemu-system-aarch64 --accel tcg --mem 64M -- -machine virt -cpu cortex-a57 \
		-device "loader,file=$SCRATCH/code,addr=0x40200000,force-raw=on,cpu-num=0"
	for ((try = 0; try < 100; try++)); do
		if qmpctl hmp -g regs 'info registers' | grep -q PC=0000000040200030; then break; fi
		sleep 0.1
	done
	qmpctl pause -g regs
	qmpctl hmp -g regs 'info registers' | aarch64_monitor >"$SCRATCH/monitor"
	dumptool regs -g regs --json |
		jq -r '.cpus[] | .general + .vector | to_entries[] | "\(.key) \(.value)"' | sort >"$SCRATCH/ours"
	diff "$SCRATCH/monitor" "$SCRATCH/ours"
	[ "$(wc -l <"$SCRATCH/ours")" -eq 68 ]
	grep -qx 'v0 0x5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a5a' "$SCRATCH/ours"
	grep -qx 'v31 0x12340000000000001234' "$SCRATCH/ours"
	dumptool regs -g regs | grep -x 'CPU 0: kernel (EL 1), AArch64 mode'
}
