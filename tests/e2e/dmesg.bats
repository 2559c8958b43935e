#!/usr/bin/env bats
# The kernel log of a live guest and of dumps of it, against what the same kernel wrote to its serial line.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR
	export STARTED=$(date +%s)
	GUEST_MEM=256M GUEST_APPEND='ignore_loglevel printk.devkmsg=on' launch_guest talks
	export READY=$(date +%s)
	qmpctl pause -g talks
	dumptool dmesg -g talks >"$SCRATCH/log"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests talks
}

setup() {
	set -o pipefail # jq -e is content with no input at all
	cd "$BATS_TEST_DIRNAME/../.."
}

# Messages as "[ time] text", one line each; those from before the serial line was there are told again.
serial() { tr -d '\r' <"$XDG_RUNTIME_DIR/guestscope/talks/serial" | grep -aE '^\[ *[0-9]+\.[0-9]{6}\]'; }
jsonl() { dumptool dmesg -g talks --json "$@"; }

@test "each line is what the kernel wrote to its serial line" {
	serial >"$SCRATCH/serial"
	[ "$(wc -l <"$SCRATCH/serial")" -gt 250 ]
	dumptool dmesg -g talks --raw | sed 's/^<[0-9]*>//' | diff "$SCRATCH/serial" -
}

@test "dumps of every format have the same log" {
	for format in elf kdump-zlib kdump-zstd kdump-raw; do
		dumptool dump -q -g talks -f $format -o "$SCRATCH/dump"
		dumptool dmesg "$SCRATCH/dump" | cmp "$SCRATCH/log" -
		rm "$SCRATCH/dump"
	done
	dumptool dump -q -g talks -f kdump-lzo -o - | dumptool dmesg - | cmp "$SCRATCH/log" -
}

@test "--json: one document a line, exact, and the same as the text" {
	jsonl >"$SCRATCH/json"
	jq -es 'map(keys_unsorted == ["seq", "timestamp_ns", "level", "facility", "caller", "text"]
		and (.seq | type) == "number" and (.timestamp_ns | type) == "number"
		and (.caller | test("^[TC][0-9]+$")) and (.text | type) == "string"
		and ([.level] | inside(["emerg", "alert", "crit", "err", "warn", "notice", "info", "debug"])))
		| all' "$SCRATCH/json"
	[ "$(jq -s 'map(.seq) == [range(length)]' "$SCRATCH/json")" = true ]
	jq -r '"[\(.timestamp_ns / 1000000000 | floor | tostring | (5 - length) * " " + .).\(
		.timestamp_ns / 1000 % 1000000 | tostring | (6 - length) * "0" + .)] \(
		.text | gsub("\n"; "\n               "))"' "$SCRATCH/json" | cmp "$SCRATCH/log" -
}

@test "--level: lists, and what is worse" {
	jsonl >"$SCRATCH/json"
	for levels in err,warn notice crit+ warn+,debug; do
		case $levels in
		crit+) wanted=emerg,alert,crit ;;
		warn+,debug) wanted=emerg,alert,crit,err,warn,debug ;;
		*) wanted=$levels ;;
		esac
		jq -c --arg l ",$wanted," 'select(.level as $x | $l | contains(",\($x),"))' "$SCRATCH/json" |
			diff - <(jsonl --level $levels)
	done
	[ -n "$(jsonl --level warn+)" ]
	run dumptool dmesg -g talks --level warn,loud
	[ "$status" -eq 2 ]
	[[ $output = *"no level 'loud'"* ]]
	run dumptool dmesg -g talks --level ''
	[ "$status" -eq 2 ]
}

@test "--tail" {
	jsonl >"$SCRATCH/json"
	tail -n 5 "$SCRATCH/json" | diff - <(jsonl --tail 5)
	diff "$SCRATCH/json" <(jsonl --tail 100000)
	[ -z "$(jsonl --tail 0)" ]
	grep '"level":"warn"' "$SCRATCH/json" | tail -n 2 | diff - <(jsonl --level warn --tail 2)
}

@test "--decode and --caller" {
	run dumptool dmesg -g talks --decode --caller
	[[ ${lines[0]} = 'kern  :notice: [    0.000000][    T0] Linux version '* ]]
	# Further lines stand below the first.
	[ "$(grep -c '^                                      ' <<<"$output")" -eq "$(grep -c '^               ' "$SCRATCH/log")" ]
	run dumptool dmesg -g talks --decode --raw
	[ "$status" -eq 2 ]
}

@test "--time: by the wall clock" {
	for zone in UTC Asia/Kolkata America/St_Johns; do
		first=$(TZ=$zone dumptool dmesg -g talks --time iso --tail 1 | cut -d' ' -f1)
		seconds=$(date -d "${first/,/.}" +%s)
		[ "$seconds" -ge $((STARTED - 2)) ] && [ "$seconds" -le $((READY + 2)) ]
	done
	at=$(TZ=UTC dumptool dmesg -g talks --time ctime --tail 1 | sed 's/^\[\([^]]*\)\].*/\1/')
	[ "$(TZ=UTC date -d "$at" +%s)" -ge $((STARTED - 2)) ]
	jsonl --time iso --tail 1 | jq -e '.time | test("^20[0-9-]{8}T[0-9:]{8},[0-9]{6}[+-][0-9:]{5}$")'
}

@test "nothing that moves a cursor reaches a terminal, and levels have colours" {
	script -qec "TERM=xterm dumptool dmesg -g talks" /dev/null </dev/null >"$SCRATCH/seen"
	grep -q $'\033\\[32m\\[    0.000000\\] \033\\[0m' "$SCRATCH/seen"
	diff "$SCRATCH/log" <(sed 's/\x1b\[[0-9;]*m//g; s/\r$//' "$SCRATCH/seen")
	run script -qec "NO_COLOR=1 dumptool dmesg -g talks" /dev/null
	[[ $output != *$'\033'* ]]
}

@test "a running guest: the log goes on meanwhile, and is whole" {
	qmpctl resume -g talks
	dumptool dmesg -g talks >"$SCRATCH/running"
	head -n "$(wc -l <"$SCRATCH/log")" "$SCRATCH/running" | cmp "$SCRATCH/log" -
	[ "$(qmpctl status -g talks --json | jq -r .state)" = running ]
	qmpctl pause -g talks
}

@test "no kernel, no log" {
	qmpctl launch --name bare --mem 64M --accel tcg >/dev/null
	run dumptool dmesg -g bare
	qmpctl kill -g bare
	[ "$status" -eq 1 ]
	[[ $output = 'dumptool: '*'no vmcoreinfo'* ]]
}
