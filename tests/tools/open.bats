#!/usr/bin/env bats
# dumptool open with the readers themselves: symbols found by build-id, what they cannot read converted,
# their exit status, and nothing left behind.

setup_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_kit
	launch_guest open
	qmpctl pause -g open
	dumptool dump -q -g open -o "$SCRATCH/kdump"
	dumptool dump -q -g open --flatten -o "$SCRATCH/flat"
	qmpctl exec -g open dump-guest-memory paging:=false "protocol=file:$SCRATCH/qemu.elf"
	mkdir -p "$SCRATCH/debug dir/boot" "$SCRATCH/wrong/boot" "$SCRATCH/spool"
	ln -s "$VMLINUX" "$SCRATCH/debug dir/boot/vmlinux-$RELEASE"
	ln -s /bin/ls "$SCRATCH/wrong/boot/vmlinux-$RELEASE"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/tools.bash"
	tools_end open
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	DEBUG=(--debug-dir "$SCRATCH/debug dir" --spool-dir "$SCRATCH/spool")
}

teardown() { rmdir "$SCRATCH/spool" && mkdir "$SCRATCH/spool"; }

drgn_script() {
	cat >"$SCRATCH/script.py" <<-'PYTHON'
		import os, sys
		print("release", prog["init_uts_ns"].name.release.string_().decode(), *sys.argv[1:])
		sys.exit(7)
	PYTHON
}

@test "crash, with the symbols of another folder passed over" {
	echo quit >"$SCRATCH/commands"
	run dumptool open "$SCRATCH/kdump" --debug-dir "$SCRATCH/wrong" "${DEBUG[@]}" -- -s -i "$SCRATCH/commands"
	echo "$output"
	[ "$status" -eq 0 ]
	run dumptool open "$SCRATCH/kdump" --debug-dir "$SCRATCH/wrong" "${DEBUG[@]}" --print -- -s
	[ "$output" = "crash '$SCRATCH/debug dir/boot/vmlinux-$RELEASE' $SCRATCH/kdump -s" ]
}

@test "crash without symbols: where they were looked for, and what to install" {
	run dumptool open "$SCRATCH/kdump" --debug-dir "$SCRATCH/wrong"
	[ "$status" -eq 1 ]
	[[ $output = *"$SCRATCH/wrong/boot/vmlinux-$RELEASE: another kernel, build-id "* ]]
	[[ $output = *"install the package linux-image-$RELEASE-dbg"* ]]
}

@test "drgn: a flattened file is converted; its exit status is ours" {
	drgn_script
	for file in flat qemu.elf; do
		run dumptool open "$SCRATCH/$file" --with drgn "${DEBUG[@]}" -- -q "$SCRATCH/script.py" one 'two words'
		echo "$output"
		[ "$status" -eq 7 ]
		[[ $output = *"$SCRATCH/$file: not for drgn, as it"*": converting to kdump-lzo"* ]]
		[[ $output = *"release $RELEASE one two words" ]]
	done
}

@test "drgn: a plain file is read as it is" {
	drgn_script
	run dumptool open "$SCRATCH/kdump" --with drgn "${DEBUG[@]}" -- -q "$SCRATCH/script.py"
	[ "$status" -eq 7 ]
	[ "$output" = "release $RELEASE" ]
}

@test "a VMCOREINFO from elsewhere comes with the dump" {
	drgn_script
	dumptool notes --vmcoreinfo "$SCRATCH/kdump" >"$SCRATCH/info"
	run dumptool open "$SCRATCH/kdump" --vmcoreinfo "$SCRATCH/info" --with drgn "${DEBUG[@]}" --print
	[[ ${lines[0]} = *" --vmcoreinfo $SCRATCH/info $SCRATCH/kdump" ]]
	run dumptool open "$SCRATCH/kdump" --vmcoreinfo "$SCRATCH/info" --with drgn "${DEBUG[@]}" -- -q "$SCRATCH/script.py"
	echo "$output"
	[ "$status" -eq 7 ]
	[[ $output = *'converting to kdump-lzo'*"release $RELEASE" ]]
}

@test "gdb: as ELF, with symbols moved to where KASLR put the kernel" {
	run dumptool open "$SCRATCH/kdump" --with gdb "${DEBUG[@]}" -- -nx -batch -ex 'x/s linux_banner' -ex 'info registers rip'
	echo "$output"
	[ "$status" -eq 0 ]
	[[ $output = *'<linux_banner>:'*"\"Linux version $RELEASE"* ]]
	[[ $output = *'<native_safe_halt+'* ]]
}

@test "a signal ends the reader, and nothing is left" {
	printf 'import signal, sys\nprint("ready", flush=True)\nsignal.pause()\n' >"$SCRATCH/wait.py"
	mkfifo "$SCRATCH/said"
	for signal in TERM HUP KILL; do
		dumptool open "$SCRATCH/flat" --with drgn "${DEBUG[@]}" -- -q "$SCRATCH/wait.py" >"$SCRATCH/said" 2>/dev/null 3>&- &
		pid=$!
		exec 4<"$SCRATCH/said"
		read -r line <&4
		[ "$line" = ready ]
		reader=$(pgrep -P $pid)
		kill -$signal $pid
		status=0
		wait $pid || status=$?
		[ "$status" -eq $((128 + $(kill -l $signal))) ]
		if [ $signal = KILL ]; then kill "$reader"; fi
		cat <&4 # until the reader has ended
		exec 4<&-
		[ -z "$(ls -A "$SCRATCH/spool")" ]
	done
}
