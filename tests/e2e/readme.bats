#!/usr/bin/env bats
# The README's tour, run command by command. Numbers, addresses and sizes may differ; the words may not.

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR
	cp "$KERNEL" "$SCRATCH/vmlinuz"
	cp "$INITRD" "$SCRATCH/initramfs"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests vm
}

# Numbers become #, runs of blanks one blank.
normalize() {
	sed -E 's/0x[0-9a-f]+/#/g; s/-?[0-9]+(\.[0-9]+)?( ?(B|KiB|MiB|GiB))?/#/g; s/[ \t]+/ /g; s/^ //; s/ $//'
}

@test "every command of the tour works and prints what the README shows" {
	readme=$BATS_TEST_DIRNAME/../../README.md
	cd "$SCRATCH"
	sed -n '/<!-- tour:begin -->/,/<!-- tour:end -->/p' "$readme" | grep -v -e '^<!--' -e '^```' >tour
	[ "$(grep -c '^\$ ' tour)" -ge 8 ]
	output='' command=none
	while IFS= read -r line; do
		if [[ $line = '$ '* ]]; then
			command=${line#\$ }
			output=$(eval "$command" 2>&1 </dev/null 3>&-) || { echo "failed: $command: $output"; false; }
			output=$(normalize <<<"$output")
		else
			grep -qxF -- "$(normalize <<<"$line")" <<<"$output" || {
				echo "'$command' does not print: $line"
				echo "$output"
				false
			}
		fi
	done <tour
}
