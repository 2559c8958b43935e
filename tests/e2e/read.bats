#!/usr/bin/env bats
# dumptool read on a real guest, against what QEMU's monitor reads at the same addresses.

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR O PATH
	GUEST_APPEND=gs.busy launch_guest read
	qmpctl pause -g read
	dumptool dump -q -g read -f elf -o "$SCRATCH/vm.elf"
	dumptool dump -q -g read -o "$SCRATCH/vm.kdump"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests read
}

setup() { cd "$BATS_TEST_DIRNAME/../.."; }

# monitor x|xp ADDR BYTES [CPU]: as one string of hex digits.
monitor() { qmpctl hmp -g read --cpu "${4:-0}" "$1 /$3xb $2" | tr -d '\r' | sed 's/^[^:]*://; s/ 0x//g' | tr -d '\n'; }
ours() { dumptool read --raw "$@" | od -A n -v -t x1 | tr -d " \n"; }
register() { dumptool regs "$SCRATCH/vm.elf" --cpu "$1" --json | jq -r ".cpus[0].$2"; }

@test "physical addresses: file and live guest" {
	# The kernel's half of the page table: an idle CPU may have nothing in the other.
	address=$(printf '0x%x' $(($(register 0 control.cr3) & ~0xfff | 0xe00)))
	expected=$(monitor xp "$address" 512)
	[[ $expected =~ [1-9a-f] ]]
	[ "$(ours "$SCRATCH/vm.elf" "$address" 512)" = "$expected" ]
	[ "$(ours "$SCRATCH/vm.kdump" "$address" 512)" = "$expected" ]
	[ "$(ours -g read "$address" 512)" = "$expected" ]
}

@test "kernel virtual addresses, and symbols from the guest's own memory" {
	# Of two CPUs one is idle, and so in the kernel.
	cpu=0
	[ $(($(register 0 general.rip))) -lt 0 ] || cpu=1
	address=$(register $cpu general.rip)
	expected=$(monitor x "$address" 300 $cpu)
	[ "$(ours "$SCRATCH/vm.kdump" "$address" 300 --virt)" = "$expected" ]
	[ "$(ours "$SCRATCH/vm.kdump" "$address" 300 --cpu $cpu)" = "$expected" ]
	[ "$(ours -g read "$address" 300 --virt)" = "$expected" ]
	release=$(cat "$O/guest/kernel/release")
	[ "$(dumptool read "$SCRATCH/vm.kdump" linux_banner --virt --raw 20)" = 'Linux version 6.1.0-' ]
	[ "$(dumptool read "$SCRATCH/vm.elf" linux_banner+14 --virt --raw ${#release})" = "$release" ]
	run dumptool read "$SCRATCH/vm.kdump" linux_banner
	[ "$status" -eq 2 ]
	run dumptool read "$SCRATCH/vm.kdump" no_such_thing --virt
	[ "$status" -eq 1 ]
	[[ $output = *'no_such_thing: no such symbol' ]]
}

# Where the busy process is; or, while an interrupt is at work on its CPU, where its last page fault was.
user_address() {
	local rip
	rip=$(register "$1" general.rip)
	[ $((rip)) -gt 0 ] || rip=$(register "$1" control.cr2)
	printf '0x%x' $((rip & ~0xfff))
}

@test "user memory, through a CPU's page tables" {
	read_any=
	for cpu in 0 1; do
		address=$(user_address $cpu)
		expected=$(monitor x "$address" 64 $cpu)
		[[ $expected != *annot* ]] || continue
		[ "$(ours "$SCRATCH/vm.kdump" "$address" 64 --cpu $cpu)" = "$expected" ]
		[ "$(ours -g read "$address" 64 --cpu $cpu)" = "$expected" ]
		read_any=yes
	done
	[ -n "$read_any" ]
}

@test "what cannot be read is named" {
	ram_end=0x20000000
	run dumptool read "$SCRATCH/vm.kdump" 0x1ffffff8 16
	[ "$status" -eq 0 ]
	[[ ${lines[0]} = 000000001ffffff0* ]]
	[ "${lines[1]}" = '0000000020000000  no memory there, up to 0000000020000007' ]
	run dumptool read "$SCRATCH/vm.kdump" $ram_end
	[ "$status" -eq 1 ]
	run dumptool read "$SCRATCH/vm.kdump" 0x10 --virt
	[ "$status" -eq 1 ]
	[[ ${lines[0]} = *'not mapped (level '* ]]
	[ "$(dumptool read --raw "$SCRATCH/vm.kdump" 0x1ffffff8 16 2>/dev/null | wc -c)" -eq 8 ]
}

@test "pages that the dump left out are no zeros" {
	dumptool convert -q -d 31 "$SCRATCH/vm.kdump" -o "$SCRATCH/filtered"
	dumptool read "$SCRATCH/filtered" 0 16M --json >"$SCRATCH/json"
	address=$(jq -r '[.runs[] | select(.state == "excluded")][0].address' "$SCRATCH/json")
	run dumptool read "$SCRATCH/filtered" "$address" 16
	[ "$status" -eq 1 ]
	[[ ${lines[0]} = *'  excluded from the dump, up to '* ]]
	[ "$(dumptool read --raw "$SCRATCH/filtered" "$address" 16 2>/dev/null | wc -c)" -eq 0 ]
	[ "$(dumptool read "$SCRATCH/filtered" linux_banner --virt --raw 13)" = 'Linux version' ]
}

@test "JSON has the same bytes, with their physical addresses" {
	dumptool read "$SCRATCH/vm.kdump" linux_banner --virt 5000 --json >"$SCRATCH/json"
	[ "$(jq -r '[.runs[].data] | add' "$SCRATCH/json")" = "$(ours "$SCRATCH/vm.kdump" linux_banner --virt 5000)" ]
	physical=$(jq -r '.runs[0].physical' "$SCRATCH/json")
	[ "$(dumptool read "$SCRATCH/vm.kdump" "$physical" --raw 13)" = 'Linux version' ]
}
