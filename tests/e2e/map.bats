#!/usr/bin/env bats
# compare, map and info on a real Linux guest with page cache, tmpfs, and processes.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	export SCRATCH XDG_RUNTIME_DIR KERNEL INITRD
	GUEST_MEM=256M GUEST_FILL=random:64M launch_guest mapped
	qmpctl pause -g mapped
	dumptool dump -q -g mapped -o "$SCRATCH/elf" -f elf --ranges all
	dumptool dump -q -g mapped -o "$SCRATCH/kdump" -f kdump-zstd --ranges all
	dumptool map -q --json -g mapped >"$SCRATCH/live"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	end_guests mapped
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	source "$BATS_TEST_DIRNAME/guest.bash"
	cd "$SCRATCH"
}

@test "compare: two dumps of a paused guest, in two formats, and the guest itself are the same" {
	run -0 dumptool compare --json elf kdump
	jq -e '.same and .same_ranges and .pages_different == 0' <<<"$output"
	jq -e '(.classes | map(.pages_compared) | add) == .pages_compared' <<<"$output"
	run -0 dumptool compare --json -g mapped kdump
	jq -e '.same' <<<"$output"
}

@test "map: the same of a file and of the guest; plausible" {
	dumptool map -q --json kdump >file
	diff <(jq .total file) <(jq .total live)
	diff <(jq -c '.cells[] | del(.stored_pages, .stored_bytes)' file) <(jq -c '.cells[]' live)
	jq -e '.pages == 65536 + 64' file # and the ROM
	# The fill is in a tmpfs, which is page cache; processes run; the kernel has its tables.
	jq -e '.total | .cache > 64 * 256 and .user > 20 and .kernel > 2000 and .zero > 10000
		and .unmapped > 0 and .excluded == 0 and .unreadable == 0 and .data == 0' file
	jq -e '.stored_pages == ([.total[]] | add) - .total.zero' file
	jq -e '.stored_bytes < 4096 * .stored_pages' file
}

@test "map: text and picture of a real dump" {
	dumptool map kdump >out
	grep -q '^Linux 6' out && grep -q 'no memory: 3' out
	dumptool map -q --json elf -o elf.svg >out
	/usr/bin/python3 - <<'PYTHON'
import json, re
import xml.etree.ElementTree as tree
total = json.load(open("out"))["total"]
texts = list(tree.parse("elf.svg").getroot().iter("{http://www.w3.org/2000/svg}text"))
names = [t.text.replace("-", "_") for t in texts if "name" in t.get("class")]
pages = [int(re.search(r"(\d+) pages", t.text)[1]) for t in texts if "legend" in t.get("class")]
assert dict(zip(names, pages)) == {k: n for k, n in total.items() if n}, (names, pages, total)
PYTHON
}

@test "info: classes and codecs add up, and agree with the map" {
	dumptool info --json --pages kdump >out
	jq -e '.pages | (.classes | map(.pages) | add) == .count' out
	jq -e '.pages | (.classes | map(.zero) | add) == .zero' out
	jq -e '.pages | (.codecs | map(.pages) | add) == .data' out
	jq -e '.pages | .compression_ratio > 1' out
	for class in kernel user cache free; do
		[ "$(jq ".pages.classes[] | select(.class == \"$class\") | .pages - .zero" out)" = \
			"$(jq ".total.$class" live)" ]
	done
	# Without reading: the same, but for zero pages that are not known to be.
	dumptool info --json kdump >quick
	diff <(jq -c '.pages.classes[] | [.class, .pages]' quick) \
		<(jq -c '.pages.classes[] | [.class, .pages]' out)
	jq -e --slurpfile all out '.pages.zero == $all[0].pages.zero' quick # all share one page
}

@test "a filtered dump: what is excluded is known by its class" {
	dumptool dump -q -g mapped -o "filtered" -f kdump-lzo -d 31 --ranges all
	dumptool info --json --pages filtered >out
	for class in user cache free; do
		jq -e ".pages.classes[] | select(.class == \"$class\") | .excluded == .pages" out
	done
	jq -e '.pages.classes[] | select(.class == "kernel") | .pages - .zero > 2000' out
	dumptool map -q --json filtered >map
	jq -e '.total | .user == 0 and .cache == 0 and .free == 0 and .excluded > 20000' map
	[ "$(jq .total.kernel map)" = "$(jq .total.kernel live)" ]
	run -1 dumptool compare --json kdump filtered
	jq -e '.pages_different == 0 and .pages_only_second == 0 and .pages_only_first > 20000' \
		<<<"$output"
}

@test "compare: what a running guest changes is seen, and is little" {
	dumptool dump -q -g mapped -o before -f kdump-lzo --ranges all
	qmpctl resume -g mapped
	sleep 1
	run -1 dumptool compare --json before -g mapped
	[ "$(qmpctl status -g mapped --json | jq -r .state)" = running ]
	jq -e '.pages_different > 0 and .pages_different < 3000 and .same_ranges
		and .pages_only_first + .pages_only_second == 0' <<<"$output"
	jq -e '.classes[] | select(.class == "kernel") | .pages_different > 0' <<<"$output"
	jq -e '(.classes | map(.pages_different) | add) == .pages_different' <<<"$output"
	# The fill is not touched.
	jq -e '.classes[] | select(.class == "cache") | .pages_compared > 64 * 256
		and .pages_different < 1000' <<<"$output"
}

@test "a guest without the vmcoreinfo device: classes all the same, from what is in its memory" {
	eval "$("$BATS_TEST_DIRNAME/../guest/boot" --kernel "$KERNEL" --initrd "$INITRD" --mem 256M \
		--no-vmcoreinfo "$SCRATCH/bare" 3>&-)"
	run --separate-stderr dumptool map --json -g "$SCRATCH/bare/qmp"
	kill "$pid"
	[ "$status" -eq 0 ]
	[[ $stderr = *'VMCOREINFO'*'found in the memory'* ]]
	jq -e '.total | .data == 0 and .kernel > 2000 and .user > 20 and .cache > 100' <<<"$output"
}
