# A real terminal of 100 columns and 30 lines to run things in, by a tmux server of the test's own.
# shellcheck shell=bash

terminal() { tmux -L "gs-$$-${TERMINAL_NUMBER-0}" -f /dev/null "$@"; }

# terminal_start COMMAND...: in a terminal of its own, which stays when the command has ended.
terminal_start() {
	local command
	# A status on the screen is more than tmux can be asked for: it may miss that a child has ended.
	printf -v command 'trap : INT; %s; status=$?; echo; echo "[exit $status]"; exec sleep 1000' "$(printf '%q ' "$@")"
	printf -v command '%q ' exec bash -c "$command"
	TERMINAL_NUMBER=$((${TERMINAL_NUMBER-0} + 1))
	unset TMUX
	terminal new-session -d -x 100 -y 30 "$command"
}

terminal_end() { terminal kill-server 2>/dev/null || true; }

# All that this process or its children have started; takes a TMUX_TMPDIR of their own.
terminal_end_all() {
	local socket
	for socket in "$TMUX_TMPDIR"/tmux-*/*; do
		if [ -S "$socket" ]; then tmux -S "$socket" kill-server 2>/dev/null || true; fi
	done
}

# What stands there now, without the empty lines below.
terminal_screen() { printf '%s\n' "$(terminal capture-pane -p 2>/dev/null | sed -e 's/[[:blank:]]*$//')"; }

# terminal_type TEXT...: as if by hand. terminal_press KEY...: Enter, Tab, C-c, ...
terminal_type() { terminal send-keys -l -- "$*"; }
terminal_press() { terminal send-keys -- "$@"; }

# terminal_await REGEX [COUNT]: until COUNT lines (1) match; ten seconds at most.
terminal_await() {
	for _ in $(seq 200); do
		[ "$(terminal_screen | grep -cE -- "$1")" -lt "${2:-1}" ] || return 0
		sleep 0.05
	done
	echo "never seen: $1"
	terminal_screen
	return 1
}

# terminal_await_change: until its first line is another; ten seconds at most.
terminal_await_change() {
	local first
	first=$(terminal_screen | sed -n 1p)
	for _ in $(seq 200); do
		[ "$(terminal_screen | sed -n 1p)" = "$first" ] || return 0
		sleep 0.05
	done
	echo "nothing new: $first"
	return 1
}

# terminal_ends STATUS: what runs has ended, or does within ten seconds, with that exit status.
terminal_ends() { terminal_await "^\[exit $1\]\$"; }
