# QEMU's own eye on what the tests send, without a word of it in the tests: commands of QEMU's names that
# come first on PATH and reject deprecated and unstable input.
# shellcheck shell=bash

policy=deprecated-input=reject,unstable-input=reject

# make_commands release|newer: in the folder $commands, whose file `starts` gets a line for each start.
# Nothing of the other machines' QEMUs comes with the newer one: of them it is the release's.
make_commands() {
	local name binary newer=
	commands=$(realpath "${O:-build}")/tests/compat/$1
	rm -rf "$commands" && mkdir -p "$commands" || return
	[ "$1" = release ] || newer=$(tests/guest/qemu10) || return
	for name in qemu-system-x86_64 qemu-system-i386 qemu-system-aarch64; do
		binary=$(dirname "${newer:-/}")/$name
		[ -x "$binary" ] || binary=$(type -P $name) || continue
		cat >"$commands/$name" <<-END
			#!/bin/sh
			echo "\$*" >>'$commands/starts'
			exec '$binary' -compat $policy "\$@"
		END
		chmod +x "$commands/$name"
	done
}

# report_starts NAME: a line of TAP.
report_starts() {
	if [ -s "$commands/starts" ]; then
		echo "ok - $1: QEMU was started $(wc -l <"$commands/starts") times under the policy"
	else
		echo "not ok - $1: no QEMU was started under the policy"
	fi
}
