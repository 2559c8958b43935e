#!/usr/bin/env bats
# Exports of real QEMU binaries, compared with what they write themselves; and of programs that are
# none, or fail in every way.

bats_require_minimum_version 1.5.0

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	O=$(cd "${O:-build}" && pwd)
	V=$O/vmstate
	QEMU=$(command -v qemu-system-x86_64)
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/vmstate.XXXXXX")
	export XDG_CACHE_HOME=$TMP/cache
	cd "$TMP" || return
}

teardown() { cd / && rm -rf "$TMP"; }

qemu10() {
	QEMU10=$(cd "$BATS_TEST_DIRNAME/../.." && O=$O tests/guest/qemu10) || skip "no newer QEMU here"
}

own_dump() { "$1" -M none -nodefaults -display none -dump-vmstate "$2"; }
about() { jq -r ".guestscope | $1" "$2"; }

# A binary of that name, with the script on stdin. What it is to write is its last argument: $out.
binary() {
	{ echo '#!/bin/sh' && echo 'for out; do :; done' && cat; } >"$1"
	chmod +x "$1"
}

# It counts how often it is run, and is QEMU otherwise.
counting_binary() {
	binary "$1" <<-EOF
		echo run >>'$TMP/runs'
		exec '$QEMU' "\$@"
	EOF
}

runs() { wc -l <"$TMP/runs"; }

fails() {
	run "-$1" --separate-stderr "$V" export --timeout 5 --qemu "./$2"
	[ -z "$output" ]
	[[ $stderr = "vmstate: $TMP/$2: "$3 ]] || { echo "said: $stderr" && false; }
}

# ---- real ones ----

@test "export: QEMU's own bytes, and what it says of itself" {
	own_dump "$QEMU" own
	"$V" export --plain -o plain
	cmp own plain
	"$V" export -o export
	jq -S .dump export | diff - <(jq -S . own)
	[ "$(about .format export)" = 1 ]
	[ "$(about .qemu.binary export)" = "$QEMU" ]
	[ "$("$(about .qemu.program export)" --version)" = "$("$QEMU" --version)" ]
	[[ "$("$QEMU" --version)" = *"version $(about .qemu.version export) ($(about .qemu.package export))"* ]]
	[ "$(about .qemu.target export)" = x86_64 ]
	"$QEMU" -M help | sed 1d | awk '{ print $1 }' | sort >machines
	about '.machines[] | .name, .alias // empty' export | sort | diff machines -
	about '.machines[].name' export | LC_ALL=C sort -c
}

@test "export: the newer QEMU tells the machines' compat-props" {
	qemu10
	own_dump "$QEMU10" own
	"$V" export --qemu "$QEMU10" -o export.xz
	xz -dc export.xz >export
	"$V" export --qemu "$QEMU10" --plain | cmp own -
	about '.machines[] | select(.name == "pc-q35-7.2")["compat-props"][] | join(" ")' export >props
	grep -qx 'virtio-gpu-device x-scanout-vmstate-version 1' props
	printf '%s\n' '{"execute":"qmp_capabilities"}' \
		'{"execute":"query-machines","arguments":{"compat-props":true}}' '{"execute":"quit"}' |
		"$QEMU10" -M none -nodefaults -display none -qmp stdio >qmp
	jq -S 'select(.return | type == "array").return | map({name, "compat-props"}) | sort_by(.name)' qmp |
		diff - <(about '.machines | map({name, "compat-props"}) | sort_by(.name)' export | jq -S .)
}

@test "export: what is refused as unstable is done without" {
	qemu10
	binary strict <<-EOF
		[ "\$1" = -M ] || set -- -compat unstable-input=reject "\$@"
		exec '$QEMU10' "\$@"
	EOF
	"$V" export --qemu ./strict -o export
	[ "$(about '.machines | length > 10' export)" = true ]
	[ "$(about '.machines | any(has("compat-props"))' export)" = false ]
}

@test "export: modules that are loaded, and those that are not there" {
	"$V" export -o export
	about '.modules.loaded[]' export >loaded
	[ -s loaded ]
	while read -r file; do [ -e "$file" ]; done <loaded
	# Of all that is named in the binary; an aarch64 has more names that begin so.
	strings -n 4 "$(about .qemu.program export)" | grep -xE 'hw-(display|usb|uefi)-[a-z0-9-]+' | sort -u >named
	[ -s named ]
	{ sed -n 's|.*/\(hw-.*\)\.so$|\1|p' loaded && about '.modules.missing[]' export; } |
		sort | diff named -
	while read -r name; do
		[ ! -e "$(dirname "$(head -n 1 loaded)")/$name.so" ]
	done < <(about '.modules.missing[]' export)
}

# What QEMU answers to qom-list-types, as the members of "types" have it.
own_types() {
	printf '%s\n' '{"execute":"qmp_capabilities"}' \
		'{"execute":"qom-list-types","arguments":{"implements":"device","abstract":true}}' '{"execute":"quit"}' |
		"$1" -M none -nodefaults -display none -qmp stdio |
		jq -S 'select(.return | type == "array").return | group_by(.abstract == true) |
			map(map({key: .name, value: .parent}) | from_entries) | {real: .[0], abstract: .[1]}'
}

@test "export: the types of devices, with their parents" {
	"$V" export -o export
	own_types "$QEMU" >types
	about '.types | {real, abstract}' export | jq -S . | diff types -
	[ "$(about '.types.real | length > 100' export)" = true ]
	# Whatever is in the dump is one of them.
	[ "$(jq -c '.guestscope.types as $t | .dump | keys - ["vmschkmachine"] |
		map(select($t.real[.] == null and $t.abstract[.] == null))' export)" = '[]' ]
	qemu10
	"$V" export --qemu "$QEMU10" -o export --force
	own_types "$QEMU10" >types
	about '.types | {real, abstract}' export | jq -S . | diff types -
}

@test "export: a name that promises another packing" {
	run -2 "$V" export -o export.gz
	[ "$output" = "vmstate: --output: export.gz: what is packed is packed by xz: a name in .xz" ]
	[ ! -e export.gz ]
}

@test "export: another target" {
	own_dump qemu-system-aarch64 own
	"$V" export --qemu qemu-system-aarch64 -o export
	"$V" export --qemu qemu-system-aarch64 --plain | cmp own -
	[ "$(about .qemu.target export)" = aarch64 ]
	while read -r name; do
		[[ $name = hw-display-* || $name = hw-usb-* ]]
	done < <(about '.modules.missing[]' export)
}

@test "export: a module that is gone is named, and its devices are not there" {
	modules=$("$V" export | jq -r '.guestscope.modules.loaded[0]')
	modules=${modules%/*}
	[ -e "$modules/hw-usb-redirect.so" ] || skip "no module for usb-redir"
	mkdir some && cp "$modules"/*.so some/ && rm some/hw-usb-redirect.so
	unshare -rm true 2>/dev/null || skip "no mount namespaces"
	unshare -rm sh -c "mount --bind some '$modules' && exec '$V' export -o export" 2>said
	grep -q '^vmstate: note: .* hw-usb-redirect' said
	[ "$(jq '.dump | has("usb-redir")' export)" = false ]
	[ "$("$V" export | jq '.dump | has("usb-redir")')" = true ]
	[ "$(about '.types.missing["usb-redir"]' export)" = hw-usb-redirect ]
	[ "$(about '.types.real | has("usb-redir")' export)" = false ]
	[ "$("$V" export | jq '.guestscope.types.missing | has("usb-redir")')" = false ]
}

@test "export: modules of another build end QEMU: which, and what helps" {
	qemu10
	root=$(dirname "$(readlink -f "$QEMU10")")/root
	cp "$root/usr/bin/qemu-system-x86_64" bare
	binary stray <<-EOF
		exec env LD_LIBRARY_PATH=$(echo "$root"/lib/*-linux-gnu):$(echo "$root"/usr/lib/*-linux-gnu) ./bare "\$@"
	EOF
	fails 1 stray "it met modules of another build, and ended: /usr/lib/*/qemu/*.so; run it where its own are"*
	unshare -rm true 2>/dev/null || skip "no mount namespaces"
	modules=$(sed -n "s/.* ITS_MODULES \(.*\) && .*/\1/p" <<<"$stderr")
	unshare -rm sh -c "mount --bind '$(echo "$root"/usr/lib/*-linux-gnu/qemu)' '$modules' &&
		exec '$V' export --plain --qemu ./stray" | jq -S . >stray.json
	"$V" export --plain --qemu "$QEMU10" | jq -S . | diff - stray.json
}

# ---- none, and bad ones ----

@test "failures: hangs, with its children" {
	binary hangs <<-'EOF'
		sleep 1000 & echo $! >"${0%/*}/child"; wait
	EOF
	SECONDS=0
	run -5 --separate-stderr "$V" export --timeout 1 --qemu ./hangs
	[ "$stderr" = "vmstate: $TMP/hangs: -dump-vmstate does not end" ]
	((SECONDS < 5))
	[ ! -e "/proc/$(<child)" ] || grep -q '^State:.Z' "/proc/$(<child)/status"
}

@test "failures: writes nothing, something else, a part, without an end" {
	binary nothing <<<': >"$out"'
	fails 1 nothing "-dump-vmstate wrote nothing"
	binary other <<<'echo hello >"$out"'
	fails 1 other "what -dump-vmstate wrote: *"
	binary part <<<'echo "{\"vmschkmachine\": {" >"$out"'
	fails 1 part "what -dump-vmstate wrote: *"
	binary json <<<'echo "{\"return\": {}}" >"$out"'
	fails 1 json "what -dump-vmstate wrote: no 'vmschkmachine' in it"
	binary flood <<<'exec cat /dev/zero >"$out"'
	fails 1 flood "-dump-vmstate writes more than 67108864 bytes"
}

@test "failures: its status and last words" {
	binary refuses <<<'echo "first" >&2; echo "unsupported machine type" >&2; exit 1'
	fails 7 refuses "-dump-vmstate: exited with status 1: first; unsupported machine type"
	binary silent <<<'exit 3'
	fails 7 silent "-dump-vmstate: exited with status 3 without a word"
	binary killed <<<'kill -SEGV $$'
	fails 7 killed "-dump-vmstate: killed by signal 11 (Segmentation fault) without a word"
	binary noisy <<<'yes "all is lost" | head -n 1000000 >&2; echo "the end" >&2; exit 1'
	fails 7 noisy "-dump-vmstate: exited with status 1: all is lost; all is lost; all is lost; the end"
	binary aborts <<-'EOF'
		echo 'failed to initialize module: /usr/lib/qemu/ui-opengl.so' >&2
		echo 'Only modules from the same build can be loaded.' >&2
		kill -ABRT $$
	EOF
	fails 1 aborts "it met modules of another build, and ended: /usr/lib/qemu/ui-opengl.so; *"
	run -1 --separate-stderr "$V" export --qemu no-such-qemu
	[ "$stderr" = 'vmstate: no-such-qemu: No such file or directory' ]
	run -1 --separate-stderr "$V" export --qemu /dev/null
	[ ! -e cache ]
}

@test "failures: what does not answer over QMP is exported nonetheless, and told" {
	binary mute <<-EOF
		[ "\$1" = -M ] || { echo "no monitors today" >&2; exit 1; }
		exec '$QEMU' "\$@"
	EOF
	run -0 --separate-stderr "$V" export --qemu ./mute -o export
	[[ $stderr = *"note: nothing but the dump is known: "*"no monitors today"* ]]
	own_dump "$QEMU" own
	jq -S .dump export | diff - <(jq -S . own)
	[ ! -e cache ]
}

@test "failures: what hangs over QMP, too" {
	binary mute <<-EOF
		[ "\$1" = -M ] || exec sleep 1000
		exec '$QEMU' "\$@"
	EOF
	SECONDS=0
	run -0 --separate-stderr "$V" export --timeout 1 --qemu ./mute -o export
	[[ $stderr = *"note: nothing but the dump is known: "* ]]
	((SECONDS < 6))
}

# ---- the cache ----

@test "cache: a second export runs nothing, until the binary is another" {
	counting_binary count
	"$V" export --qemu ./count >first 2>/dev/null
	[ "$(runs)" = 2 ]
	"$V" export --qemu "$TMP/count" 2>/dev/null | cmp first -
	"$V" show ./count >/dev/null
	[ "$(runs)" = 2 ]
	[ "$(stat -c %a cache/guestscope)" = 700 ]
	[ "$(stat -c %a cache/guestscope/*)" = 600 ]
	"$V" export --no-cache --qemu ./count 2>/dev/null | cmp first -
	[ "$(runs)" = 4 ]
	touch count
	"$V" export --qemu ./count 2>/dev/null | cmp first -
	[ "$(runs)" = 6 ]
	ln -s count link # a program may go by its name
	"$V" export --qemu ./link >/dev/null 2>&1
	[ "$(runs)" = 8 ]
}

@test "cache: what a script runs counts, too" {
	mkdir bin && cp "$("$V" export | jq -r .guestscope.qemu.program)" bin/qemu && ln -s /usr/lib lib # its modules are looked for beside it
	QEMU=$TMP/bin/qemu
	"$QEMU" -M none -device help >/dev/null 2>&1 || skip "QEMU runs nowhere else than where it is"
	counting_binary count
	"$V" export --qemu ./count -o first 2>/dev/null
	"$V" export --qemu ./count -o second 2>/dev/null
	[ "$(runs)" = 2 ]
	touch bin/qemu
	"$V" export --qemu ./count >/dev/null 2>&1
	[ "$(runs)" = 4 ]
}

@test "cache: a script that does not become QEMU is asked each time" {
	binary parent <<-EOF
		echo run >>'$TMP/runs'
		'$QEMU' "\$@"
	EOF
	"$V" export --qemu ./parent -o first
	[ "$(jq '.guestscope.machines | length > 10' first)" = true ]
	"$V" export --qemu ./parent -o second
	[ "$(runs)" = 4 ]
}

@test "cache: nor is what sees other files than we do" {
	unshare -rm true 2>/dev/null || skip "no mount namespaces"
	binary elsewhere <<-EOF
		echo run >>'$TMP/runs'
		exec unshare -rm '$QEMU' "\$@"
	EOF
	"$V" export --qemu ./elsewhere -o first 2>/dev/null
	[ "$(about .qemu.target first)" = x86_64 ]
	"$V" export --qemu ./elsewhere -o second 2>/dev/null
	[ "$(runs)" = 4 ]
}

@test "cache: damaged entries are as none; nor is a folder used that others write to" {
	counting_binary count
	"$V" export --qemu ./count -o first 2>/dev/null
	entry=$(echo cache/guestscope/*)
	for damage in 'truncate -s -2' 'truncate -s 0' 'sed -i s/minimum_version_id/minimum_version_ie/' \
		'sed -i 1s/files/filez/' 'sed -i 1d' 'sed -i 1s/"content":2/"content":1/' 'sed -i 1s/"content":2,//'; do
		: >runs
		$damage "$entry"
		"$V" export --qemu ./count 2>/dev/null | cmp first -
		[ "$(runs)" = 2 ]
		"$V" export --qemu ./count 2>/dev/null | cmp first -
		[ "$(runs)" = 2 ]
	done
	chmod 777 cache/guestscope
	"$V" export --qemu ./count 2>/dev/null | cmp first -
	[ "$(runs)" = 4 ]
	rm -r cache && : >cache
	"$V" export --qemu ./count 2>/dev/null | cmp first -
	[ "$(runs)" = 6 ]
}

# ---- where an export is wanted ----

@test "binaries and packed files in the place of exports" {
	"$V" export --plain -o plain 2>/dev/null
	"$V" show plain >want
	"$V" show "$QEMU" | diff want -
	"$V" show "${QEMU##*/}" | diff want -
	gzip -k plain && zstd -q plain -o plain.zst && xz -k plain
	cat plain.gz plain.gz >twice.gz
	for file in plain.gz plain.zst plain.xz; do "$V" show $file | diff want -; done
	echo 'no export' >"${QEMU##*/}" # a file comes first
	run -1 --separate-stderr "$V" show "${QEMU##*/}"
	for file in plain.gz plain.zst; do
		head -c 5000 $file >cut
		run -1 --separate-stderr "$V" show cut
		[[ $stderr = "vmstate: cut: "*"cut off" ]]
	done
	head -c 100M /dev/zero | gzip -1 >zeros
	run -1 --separate-stderr "$V" show zeros
	[ "$stderr" = 'vmstate: zeros: holds more than 33554432 bytes' ]
	head -c 100M /dev/zero | zstd -q >zeros.zst
	run -1 --separate-stderr "$V" show zeros.zst
	[ "$stderr" = 'vmstate: zeros.zst: holds more than 33554432 bytes' ]
}

@test "output: an existing file is refused before anything is run" {
	counting_binary count
	echo precious >export
	run -2 --separate-stderr "$V" export --qemu ./count -o export
	[ ! -e runs ]
	[ "$(<export)" = precious ]
	"$V" export --qemu ./count -o export --force 2>/dev/null
	jq -e .guestscope export >/dev/null
}
