# What the tests of tracehooks share.
# shellcheck shell=bash

# await COMMAND...: until it succeeds, for 10 s.
await() {
	local i
	for ((i = 0; i < 500; i++)); do
		"$@" >/dev/null 2>&1 && return
		sleep 0.02
	done
	echo "never: $*"
	return 1
}

# As ps has it: t is held, T stopped.
state() { awk '{ print $3 }' "/proc/$1/stat"; }
has_state() { [ "$(state "$1")" = "$2" ]; }
