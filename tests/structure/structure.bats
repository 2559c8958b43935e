#!/usr/bin/env bats
# The house rules that a reader cannot see at a glance: who includes whom, what is exported, what install
# leaves behind, file sizes, forbidden words.

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	O=${O:-build}
}

# room → rooms whose public headers it may include, besides its own and base. (dump: also codec and
# so on.) `job` may include all, and so is not here.
allowed() {
	case $1 in
	base) ;;
	memory | codec | symbols | qmp | devstate) echo base ;;
	hold) echo base symbols ;;
	block | launch) echo base qmp ;;
	dump) echo base memory codec ;;
	linux) echo base memory symbols ;;
	guest) echo base memory qmp launch dump ;;
	*) return 1 ;;
	esac
}

included_rooms() {
	sed -n 's|^#include <guestscope/\([a-z]*\)[./].*|\1|p' "$@" | sort -u
}

@test "each room includes only the rooms below it" {
	for room in lib/*/; do
		room=$(basename "$room")
		case $room in include | job) continue ;; esac
		rooms=$(allowed "$room")
		for used in $(included_rooms lib/"$room"/*.[ch]); do
			[ "$used" = "$room" ] && continue
			grep -qw "$used" <<<"$rooms" || {
				echo "lib/$room includes <guestscope/$used>"
				false
			}
		done
	done
}

@test "public headers follow the same rule" {
	for room in memory codec symbols qmp block devstate launch dump linux guest hold; do
		for used in $(included_rooms $(find lib/include/guestscope -path "*/$room.h" -o -path "*/$room/*.h")); do
			[ "$used" = "$room" ] || grep -qw "$used" <<<"$(allowed "$room")"
		done
	done
	! grep -l '<guestscope/[a-z]*\.h>' lib/include/guestscope/base/*.h
}

@test "private headers stay in their room" {
	run grep -nE '#include "(\.\./|.*/)' lib/*/*.[ch] qmpctl/*.[ch] dumptool/*.[ch] vmstate/*.[ch] tracehooks/*.[ch]
	[ "$status" -eq 1 ]
}

@test "tools include public headers and their own only" {
	for tool in qmpctl dumptool vmstate tracehooks; do
		for h in $(sed -n 's|^#include "\(.*\)"|\1|p' $tool/*.[ch] | sort -u); do
			[ -e "$tool/$h" ]
		done
	done
}

@test "cJSON is known to base/json alone" {
	run grep -lE 'cJSON' -r lib qmpctl dumptool vmstate tracehooks --include='*.[ch]'
	for f in $output; do
		[[ $f = lib/base/json* || $f = lib/include/guestscope/base/json.h ]]
	done
}

@test "libvirt is known to the room qmp alone" {
	run grep -lE '<libvirt/|virDomain' -r lib qmpctl dumptool vmstate tracehooks --include='*.[ch]'
	for f in $output; do
		[[ $f = lib/qmp/libvirt* ]]
	done
}

@test "libxml2 is known to the XML of domains alone" {
	run grep -lE '<libxml/|xml[A-Z]' -r lib qmpctl dumptool vmstate tracehooks --include='*.[ch]'
	[ "$output" = lib/qmp/domain.c ]
}

@test "every public header compiles by itself" {
	for h in lib/include/guestscope/*.h lib/include/guestscope/*/*.h; do
		echo "#include \"$h\"" | cc -std=gnu11 -D_GNU_SOURCE -Wall -Wextra -Werror -fsyntax-only \
			-Ilib/include -I. -x c -
	done
}

@test "all exported symbols begin with gs_" {
	run sh -c "nm -D --defined-only $O/libguestscope.so.* | awk '\$2 ~ /[A-Z]/ { print \$3 }' | grep -v '^gs_'"
	echo "$output"
	[ -z "$output" ]
}

@test "uninstall removes exactly what install wrote" {
	dest=$(mktemp -d)
	mkdir -p "$dest/usr/local/bin"
	touch "$dest/usr/local/bin/other"
	make -s O="$O" DESTDIR="$dest" install
	[ -x "$dest/usr/local/bin/dumptool" ] && [ -x "$dest/usr/local/bin/qmpctl" ] &&
		[ -x "$dest/usr/local/bin/vmstate" ]
	[ -e "$dest/usr/local/include/guestscope/base/error.h" ]
	make -s O="$O" DESTDIR="$dest" uninstall
	run find "$dest" ! -type d
	rm -r "$dest"
	[ "$output" = "$dest/usr/local/bin/other" ]
}

@test "a program builds against the installed library through pkg-config, static and shared" {
	dest=$(mktemp -d)
	make -s O="$O" PREFIX="$dest" install
	make -s O="$dest/build" PREFIX="$dest" "$dest/build/guestscope.pc" # the .pc of that prefix
	cp "$dest/build/guestscope.pc" "$dest/lib/pkgconfig/"
	cat >"$dest/t.c" <<-'C'
		#include <guestscope/codec.h>
		#include <stdio.h>
		int main(void) { return puts(gs_codec_info(GS_CODEC_ZLIB)->name) < 0; }
	C
	export PKG_CONFIG_PATH=$dest/lib/pkgconfig
	cc -std=gnu11 -o "$dest/shared" "$dest/t.c" $(pkg-config --cflags --libs guestscope)
	[ "$(LD_LIBRARY_PATH=$dest/lib "$dest/shared")" = zlib ]
	rm "$dest"/lib/libguestscope.so*
	cc -std=gnu11 -o "$dest/static" "$dest/t.c" $(pkg-config --cflags --libs --static guestscope)
	[ "$("$dest/static")" = zlib ]
	rm -r "$dest"
}

@test "code is formatted" {
	if ! command -v clang-format >/dev/null; then skip "no clang-format"; fi
	clang-format --dry-run -Werror lib/*/*.[ch] lib/include/guestscope/*.h \
		lib/include/guestscope/*/*.h qmpctl/*.[ch] dumptool/*.[ch] vmstate/*.[ch] tracehooks/*.[ch]
}

@test "files and lines keep their size" {
	files=$(ls lib/*/*.[ch] qmpctl/*.[ch] dumptool/*.[ch] vmstate/*.[ch] tracehooks/*.[ch] vmstate/*.css vmstate/*.js \
		lib/include/guestscope/*.h lib/include/guestscope/*/*.h)
	run sh -c "LC_ALL=C.UTF-8 wc -L $(echo $files) | awk '\$2 != \"total\" && \$1 > 100'"
	echo "more than 100 columns: $output"
	[ -z "$output" ]
	run sh -c "wc -l $(echo $files) | awk '\$2 != \"total\" && \$1 > 800'"
	echo "more than 800 lines: $output"
	[ -z "$output" ]
}

@test "every source file says its licence and its job" {
	for f in lib/*/*.[ch] qmpctl/*.[ch] dumptool/*.[ch] vmstate/*.[ch] tracehooks/*.[ch] vmstate/*.css vmstate/*.js; do
		head -n 1 "$f" | grep -q 'SPDX-License-Identifier: GPL-2.0-or-later' || { echo "$f"; false; }
		sed -n 2p "$f" | grep -q '^/\*' || { echo "$f"; false; }
	done
}

@test "nothing is left for later" {
	run grep -nwE 'TODO|FIXME|XXX' -r lib qmpctl dumptool vmstate tracehooks Makefile
	echo "$output"
	[ "$status" -eq 1 ]
}

@test "the table of packages has no quote that ends it" {
	run .ci/deps --tools --bench --list
	[ "$status" -eq 0 ]
	[ "${#lines[@]}" -eq "$(awk -F ' *[|] *' '/^(base|tools|bench) / { print $2 }' .ci/deps | sort -u | wc -l)" ]
}
