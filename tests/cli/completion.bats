#!/usr/bin/env bats
# Completion in the real shells, in a real terminal: what stands on the line after Tab. (What is offered,
# case by case: tests/unit/test_command.c.)

setup_file() {
	unset GUESTSCOPE_GUEST
	export SCRATCH
	SCRATCH=$(mktemp -d)
	export XDG_RUNTIME_DIR=$SCRATCH PATH="$(cd "${O:-build}" && pwd):$PATH"
	cp "$BATS_TEST_DIRNAME/../data/x86_64@10.0.json.xz" "$SCRATCH/export"
	qmpctl launch --name completed --mem 64M --accel tcg -- -S -drive if=none,id=spare,file=null-co://,format=raw \
		-device virtio-blk-pci,drive=spare,id=only >/dev/null
}

teardown_file() {
	qmpctl kill -g completed >/dev/null 2>&1 || true
	rm -rf "$SCRATCH"
}

teardown() { tmux -L "$SERVER" kill-server 2>/dev/null || true; }

# start SHELL...: in a terminal of its own.
start() {
	SERVER=completion-$BATS_TEST_NUMBER-$$
	tmux -L "$SERVER" -f /dev/null new-session -d -x 100 -y 20 "$@"
}

# shows TEXT: the terminal does, in time.
shows() {
	local i
	for ((i = 0; i < 30; i++)); do
		if tmux -L "$SERVER" capture-pane -p | grep -qF -- "$1"; then return; fi
		sleep 0.1
	done
	return 1
}

await() {
	shows "$1" || shows "$1" || shows "$1" || {
		tmux -L "$SERVER" capture-pane -p
		return 1
	}
}

# completes LINE EXPECTED: LINE, Tab and a dot become EXPECTED. (The dot shows where the space is.) What a
# guest is asked for has a second; a machine that is busy may need another try.
completes() {
	local try
	for try in 1 2 3 4 5; do
		tmux -L "$SERVER" send-keys C-u
		tmux -L "$SERVER" send-keys -l "$1"
		tmux -L "$SERVER" send-keys Tab .
		if shows "> $2"; then return; fi
	done
	tmux -L "$SERVER" capture-pane -p
	echo "not in $try tries: $2"
	return 1
}

lines() {
	completes 'qmpctl sta' 'qmpctl status .'
	completes 'qmpctl launch --wait-s' 'qmpctl launch --wait-serial .'
	completes 'qmpctl status -g comp' 'qmpctl status -g completed .'
	completes 'qmpctl status --guest=comp' 'qmpctl status --guest=completed .'
	completes 'qmpctl exec query-qmp-s' 'qmpctl exec query-qmp-schema .'
	completes 'qmpctl exec block_resize si' 'qmpctl exec block_resize size:=.'
	completes 'qmpctl exec blockdev-add driver=qcow2 read-o' 'qmpctl exec blockdev-add driver=qcow2 read-only:=.'
	completes 'qmpctl exec blockdev-add driver=nul' 'qmpctl exec blockdev-add driver=null-.'
	completes 'qmpctl exec device_del id=on' 'qmpctl exec device_del id=only .'
	completes 'qmpctl blk info on' 'qmpctl blk info only .'
	completes 'qmpctl blk in' 'qmpctl blk info .'
	completes 'qmpctl help powerd' 'qmpctl help powerdown .'
	completes 'dumptool dump --color nev' 'dumptool dump --color never .'
	completes 'dumptool info /etc/os-rel' 'dumptool info /etc/os-release .'
	completes 'vmstate li' 'vmstate lint .'
	completes "vmstate show $SCRATCH/export PIIX4" "vmstate show $SCRATCH/export PIIX4_PM ."
}

@test "bash" {
	start bash --norc --noprofile
	tmux -L "$SERVER" send-keys "PS1='> '; for t in qmpctl dumptool vmstate tracehooks; do source <(\$t completion bash); done; echo rea''dy" Enter
	await ready
	lines
}

@test "zsh" {
	start zsh -f
	tmux -L "$SERVER" send-keys "PS1='> '; autoload -Uz compinit; compinit -u -D; for t in qmpctl dumptool vmstate tracehooks; do source <(\$t completion zsh); done; echo rea''dy" Enter
	await ready
	lines
}

@test "zsh, from a file in its function path" {
	mkdir -p "$SCRATCH/functions"
	qmpctl completion zsh >"$SCRATCH/functions/_qmpctl"
	start zsh -f
	tmux -L "$SERVER" send-keys "PS1='> '; fpath+=('$SCRATCH/functions'); autoload -Uz compinit; compinit -u -D; echo rea''dy" Enter
	await ready
	completes 'qmpctl sta' 'qmpctl status .'
	completes 'qmpctl powerd' 'qmpctl powerdown .'
}

# offers LINE WORD...: fish would offer exactly these.
offers() {
	local line=$1
	shift
	diff <(fish -N -c "qmpctl completion fish | source; complete -C '$line'" | cut -f 1 | sort) <(printf '%s\n' "$@" | sort)
}

@test "fish" {
	export HOME=$SCRATCH
	offers 'qmpctl stat' status
	offers 'qmpctl status -g ' completed
	offers 'qmpctl status --guest=c' --guest=completed
	offers 'qmpctl status --color a' always auto
	# shellcheck disable=SC2046 # one word each
	offers 'qmpctl blk ' $(qmpctl --help | sed -n 's/^  blk \([a-z]*\) .*/\1/p')
	offers 'qmpctl exec block_resize n' node-name=
	offers 'qmpctl launch --kernel /etc/os-rel' /etc/os-release
}
