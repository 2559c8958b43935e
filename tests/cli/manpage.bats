#!/usr/bin/env bats
# The man pages against the option tables, as --help shows them. In TOOL.1, a command is an item of
# the outermost list of COMMANDS (".It Cm dump ..."), its options are items inside
# (".It Fl o , -output Ar FILE"), or told elsewhere in COMMANDS when several commands share them.

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	O=${O:-build}
	TOOLS="qmpctl dumptool vmstate tracehooks"
	for tool in $TOOLS; do [ -x "$O/$tool" ] || return; done
}

# One a line: a command's name may be two words.
commands() { "$O/$1" --help | sed -nE '/^Commands:/,/^$/s/^  ([a-z][a-z-]*( [a-z-]+)?)  .*/\1/p'; }

# Options of a tool's command, as "o output" or "- output".
options() {
	# shellcheck disable=SC2086 # one word or two
	"$O/$1" $2 --help | sed -n 's/^ *-\(.\), --\([a-z-]*\).*/\1 \2/p; s/^ *--\([a-z-]*\).*/- \1/p'
}

# "command<TAB>line" for each line of COMMANDS; the command is empty outside the list's items.
lines() {
	awk '/^\.Sh/ { on = /^\.Sh COMMANDS/; next }
		!on { next }
		/^\.Bl/ { depth++ }
		/^\.El/ { depth--; if (!depth) command = "" }
		/^\.It Cm/ && depth == 1 && !over { command = $3 ($4 ~ /^[a-z-]+$/ ? " " $4 : "") }
		/^\.El/ && !depth { over = 1 }
		{ print command "\t" $0 }' "$1/$1.1"
}

# Commands that the SYNOPSIS names: for help and completion, that may be all there is to say.
synopsis() {
	sed -n '/^\.Sh SYNOPSIS/,/^\.Sh DESC/s/^\.Cm //p' "$1/$1.1" | tr '|' '\n' | awk '{ print $1 ($2 ~ /^[a-z-]+$/ ? " " $2 : "") }'
}

# Option items of a man page's command.
items() {
	lines "$1" | sed -n "s/^$2\t\.It Fl \([a-zA-Z]\) , -\([a-z-]*\).*/\1 \2/p; s/^$2\t\.It Fl -\([a-z-]*\).*/- \1/p"
}

mentions() { # TOOL OPTION: anywhere in COMMANDS, for commands share options
	lines "$1" | grep -Eq "	.*Fl (.*[ ,])?-$2( |$)"
}

@test "man pages are well formed" {
	for tool in $TOOLS; do
		run mandoc -T lint -W warning "$tool/$tool.1"
		echo "$output"
		[ "$status" -eq 0 ]
	done
}

@test "man pages have all commands, and no others" {
	for tool in $TOOLS; do
		diff <(commands $tool | sort) \
			<({ lines $tool | cut -f 1 | sed '/^$/d'; synopsis $tool; } | sort -u)
	done
}

@test "man pages have all options of each command" {
	for tool in $TOOLS; do
		while read -r command; do
			while read -r _ option; do
				mentions $tool "$option" || {
					echo "$tool.1: $command: no --$option"
					false
				}
			done < <(options $tool "$command")
		done < <(commands $tool)
	done
}

@test "man pages have no other options, and their letters are right" {
	for tool in $TOOLS; do
		while read -r command; do
			while read -r item; do
				options $tool "$command" | grep -qxe "$item" || {
					echo "$tool.1: $command: $item"
					false
				}
			done < <(items $tool "$command")
		done < <(commands $tool)
	done
}

@test "man pages have the sections that a user looks for" {
	for tool in $TOOLS; do
		for section in NAME SYNOPSIS DESCRIPTION COMMANDS 'EXIT STATUS' ENVIRONMENT EXAMPLES; do
			grep -q "^\.Sh $section\$" "$tool/$tool.1" || {
				echo "$tool.1: no $section"
				false
			}
		done
	done
}
