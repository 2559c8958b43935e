#!/usr/bin/env bats
# qmpctl shell, line by line from standard input. (On a terminal: tests/e2e/shell.bats.)

load qmpctl.bash

# shell STATUS [OPTION]...: with the lines of stdin; $output and $stderr as run has them.
shell() { run "-$1" --separate-stderr "$Q" shell "${@:2}"; }

launch_disks() {
	launch_idle a -blockdev null-co,node-name=disk0,read-zeroes=on -blockdev null-co,node-name=disk1,read-zeroes=on
}

bitmaps() { "$Q" exec query-named-block-nodes | jq -c '[.[]["dirty-bitmaps"][]?.name] | sort'; }

# ---- what a line means ----

@test "shell: commands, JSON over several lines, HMP" {
	launch_idle a
	shell 0 <<-'END'
		# a comment

		query-name
		  {"execute":
		   "query-name",
		   "id": 7}
		migrate-set-parameters max-bandwidth:=9007199254740993
		migrate-set-parameters {"announce-max":
		551}
		:info status
		hmp info status
		.hmp
		info status
		.hmp
		object-add qom-type=rng-random id='r0' filename="/dev/zero"
		qom-get path='/objects/r0' property=filename
	END
	says '{
  "name": "a"
}
{
  "name": "a"
}
{}
{}
VM status: paused (prelaunch)
VM status: paused (prelaunch)
VM status: paused (prelaunch)
{}
"/dev/zero"'
	[ -z "$stderr" ]
	"$Q" exec query-migrate-parameters | grep -q '"max-bandwidth": 9007199254740993,'
	"$Q" exec query-migrate-parameters | grep -q '"announce-max": 551,'
}

@test "shell: the last line needs no line feed, and empty input is nothing" {
	launch_idle a
	shell 0 < <(printf query-name)
	[ "$(jq -r .name <<<"$output")" = a ]
	shell 0 </dev/null
	[ -z "$output$stderr" ]
}

@test "shell: input that ends amid a command: exit 2, nothing is sent" {
	launch_idle a
	shell 2 < <(printf '{"execute": "cont"')
	complains 'qmpctl: stdin ends within a command, which was not sent'
	shell 2 < <(printf 'transaction(\n')
	shell 2 < <(printf "query-name 'x\n")
	[ "$("$Q" status --json | jq -r .state)" = prelaunch ]
}

@test "shell: an object of very many lines, and one that is too large" {
	launch_idle a
	shell 0 < <(printf '{"execute": "query-name"'; yes '' | head -n 300000; echo '}')
	[ "$(jq -r .name <<<"$output")" = a ]
	shell 2 < <(printf '{"execute": "query-name"'; yes "$(printf '%1000s')" | head -n 20000; printf '}\nquery-name\n')
	[[ $stderr = *'a command of more than 16 MiB'* ]]
	shell 2 < <(head -c 20M /dev/zero | tr '\0' x)
	complains 'qmpctl: stdin: a line of more than 16 MiB'
}

# ---- mistakes ----

@test "shell: a command is checked before it is sent" {
	launch_idle a
	shell 2 -v <<-'END'
		query-nam
		set_link name=x
		set_link name=x up=yes
		block_resize node-nam=x size:=1
		stop now
		{"execute": "cont", "oob": 1}
		.nope
		.quitt
		.events perhaps
	END
	[ -z "$output" ]
	grep -v '^<--\|^-->' <<<"$stderr" >errors
	grep -qF "qmpctl: line 1: no command 'query-nam'; did you mean 'query-name'?" errors
	grep -qE "^qmpctl: line 2: set_link: .*'up'" errors
	grep -qE "^qmpctl: line 3: set_link: 'up'.*boolean" errors
	grep -qE "^qmpctl: line 4: block_resize: .*'node-nam'.*'node-name'" errors
	grep -q "^qmpctl: line 5: " errors
	grep -q "^qmpctl: line 6: .*'oob'" errors
	grep -qF "qmpctl: line 7: there is no '.nope': try help" errors
	grep -qF "qmpctl: line 8: there is no '.quitt'; did you mean '.quit'?" errors
	grep -qF "qmpctl: line 9: usage: .events on|off" errors
	[ "$(wc -l <errors)" = 9 ]
	[ "$(grep -c '^-->' <<<"$stderr")" = 2 ] # qmp_capabilities and query-qmp-schema
}

@test "shell: --no-check leaves it to QEMU" {
	launch_idle a
	shell 1 --no-check <<<'query-nam'
	complains 'qmpctl: line 1: query-nam: CommandNotFound: The command query-nam has not been found'
}

@test "shell: the status is that of the last failure, and lines behind it are run" {
	launch_idle a
	shell 8 <<-'END'
		query-nam
		hmp nonsense
		query-name
	END
	says "unknown command: 'nonsense'
{
  \"name\": \"a\"
}"
	shell 2 < <(printf 'hmp nonsense\nquery-nam\n')
	shell 1 <<<'device_del id=none'
	[[ $stderr = "qmpctl: line 1: device_del: DeviceNotFound: "* ]]
}

@test "shell: what is deprecated is sent, and said to be" {
	launch_idle a
	shell 1 <<<'eject device=none'
	[[ $stderr = *deprecated* ]]
}

# ---- transactions ----

@test "shell: a transaction is one command" {
	launch_disks
	shell 0 <<-'END'
		transaction(
		# both or none
		block-dirty-bitmap-add node=disk0 name=one
		block-dirty-bitmap-add {"node": "disk1",
		"name": "two"}
		)
	END
	says '{}'
	[ "$(bitmaps)" = '["one","two"]' ]
	shell 0 <<<'transaction( block-dirty-bitmap-add node=disk0 name=three )'
	[ "$(bitmaps)" = '["one","three","two"]' ]
}

@test "shell: a transaction that fails leaves nothing" {
	launch_disks
	shell 1 <<-'END'
		transaction(
		block-dirty-bitmap-add node=disk0 name=one
		abort
		)
	END
	[[ $stderr = 'qmpctl: line 4: transaction: GenericError: '* ]]
	[ "$(bitmaps)" = '[]' ]
}

@test "shell: a transaction with a wrong action is not sent" {
	launch_disks
	shell 2 <<-'END'
		transaction(
		block-dirty-bitmap-add node=disk0 name=one
		block-dirty-bitmap-ad node=disk1 name=two
		transaction(
		)
		query-name
	END
	[[ $stderr = *"did you mean 'block-dirty-bitmap-add'?"* ]]
	[[ $stderr = *'line 4: a transaction holds no other one'* ]]
	[[ $stderr = *'line 5: transaction: not sent, as an action was wrong' ]]
	[ "$(jq -r .name <<<"$output")" = a ]
	[ "$(bitmaps)" = '[]' ]
}

# ---- help ----

@test "shell: help, of commands, variants and events" {
	launch_idle a
	shell 0 <<<'help'
	[[ $output = *'transaction('*'.quit'* ]]
	shell 0 <<<'help set_link'
	[[ $output =~ ^"set_link"$'\n'"  name "+string$'\n'"  up "+boolean ]]
	shell 0 <<<'help blockdev-add driver=raw'
	[[ $output =~ "  driver "+"enum: blkdebug, " ]]
	[[ $output =~ "  [read-only] "+boolean ]]
	[[ $output =~ "with driver=raw:"$'\n'.*"  file "+.*"  [offset] "+int ]]
	shell 0 <<<'.help SHUTDOWN'
	[[ $output =~ "  reason "+"enum: ".*guest-panic ]]
	shell 0 <<<'help query-stats'
	[[ $output = *'and more by target: help ... target=VALUE'* ]]
	shell 0 <<<'help query-block/ret/inserted/image/format'
	[[ $output = *string* ]]
	shell 0 <<<'help blockdev-add/driver/qcow2'
	[[ $output = *lazy-refcounts* ]]
	shell 1 <<<'help query-block/ret/inserte'
	[[ $stderr = *"'inserted'"* ]]
	shell 2 <<<'help query-nam'
	[[ $stderr = *"did you mean 'query-name'?" ]]
	shell 2 <<<'help blockdev-add driver=nonsense'
	shell 2 <<<'help stop driver=raw'
}

# ---- events, ends, time ----

@test "shell: events are shown when asked for, among the replies" {
	launch_idle a
	shell 0 <<-'END'
		cont
		.events on
		stop
		.events off
		cont
	END
	[ "$(sed -E 's/^[0-9:.]{12} /TIME /' <<<"$output")" = "{}
TIME STOP
{}
{}" ]
}

@test "shell: events come while nothing is typed" {
	launch_idle a
	mkfifo lines
	"$Q" shell -g "$RUN/a/qmp" <lines >out 2>err &
	exec 4>lines
	echo .events on >&4
	echo query-name >&4
	eventually grep -q '"name": "a"' out
	"$Q" resume -g "$RUN/a/qmp2"
	eventually grep -qE '^[0-9:.]{12} RESUME$' out
	exec 4>&-
	exits 0
}

@test "shell: a guest that ends by itself: exit 7; that was told to: 0" {
	launch_idle a
	mkfifo lines
	"$Q" shell <lines >out 2>err &
	exec 4>lines
	echo query-name >&4
	eventually grep -q '"name": "a"' out
	kill -KILL "$(pid_of a)"
	exits 7
	exec 4>&-
	grep -q '^qmpctl: the guest has ended: ' err
	launch_idle b
	shell 0 <<<'quit'
	says '{}'
	[ -z "$stderr" ]
}

@test "shell: a guest that ends amid a command: exit 6" {
	launch_idle a
	mkfifo lines
	"$Q" shell -v <lines >out 2>err &
	exec 4>lines
	echo query-name >&4
	eventually grep -q '"name": "a"' out
	kill -STOP "$(pid_of a)"
	echo query-status >&4
	eventually grep -q 'query-status' err
	kill -KILL "$(pid_of a)"
	exec 4>&-
	exits 6
	grep -q 'query-status: outcome unknown' err
}

@test "shell: a QEMU that hangs: exit 5, and the shell goes on" {
	launch_idle a
	mkfifo lines
	"$Q" shell --timeout 0.3 <lines >out 2>err &
	exec 4>lines
	echo query-name >&4
	eventually grep -q '"name": "a"' out
	kill -STOP "$(pid_of a)"
	echo query-status >&4
	eventually grep -q 'no reply in time' err
	kill -CONT "$(pid_of a)"
	echo query-name >&4
	exec 4>&-
	exits 5
	[ "$(grep -c '"name": "a"' out)" = 2 ]
	[ "$(grep -c running out)" = 0 ] # the late reply is nobody's
}

# A peer that is no QEMU, as $TMP/fake.
start_fake() {
	rm -f "$TMP/fake"
	"$BATS_TEST_DIRNAME/fake_monitor.py" "$TMP/fake" 3>&- &
	eventually test -S "$TMP/fake"
}

@test "shell: what the peer says cannot drive the terminal" {
	start_fake
	shell 0 -g "$TMP/fake" <<<'hmp anything'
	says 'a	b \x1b[31mred
bell \x07 del \x7f c1 \xc2\x9b'
	complains 'qmpctl: note: no schema, so nothing is checked: no [31m schema'
}

@test "shell: events are shown while a command is without its reply" {
	start_fake
	shell 5 -g "$TMP/fake" --timeout 1 < <(printf '.events on\nsilence\n')
	says '- E\x1b]0;title\x07 {"text":"\u001b[2J\u009b"}
- SECOND {}'
	[[ $stderr = *'silence: no reply in time' ]]
}

@test "shell: a flood of events keeps nobody from leaving" {
	start_fake
	shell 0 -g "$TMP/fake" < <(printf 'flood\n.quit\n')
	[ "$(jq -c . <<<"$output")" = '{"flooded":true}' ]
	start_fake
	run -0 timeout 20 bash -c 'set -o pipefail; printf "flood\n" | "$0" shell -g "$1" -q' "$Q" "$TMP/fake"
}

@test "shell: a reader that went away: exit 9" {
	launch_idle a
	(
		status=0
		yes query-qmp-schema | head -n 50 | "$Q" shell 2>err || status=$?
		echo $status >status
	) | head -n 1
	[ "$(cat status)" = 9 ]
}

@test "shell: no history is kept of a script" {
	launch_idle a
	export XDG_STATE_HOME=$TMP/state
	shell 0 <<<'query-name'
	[ ! -e "$TMP/state" ]
}

@test "shell: nothing of its own is deprecated or unstable" {
	launch_idle a -compat deprecated-input=reject,deprecated-output=hide,unstable-input=reject
	shell 0 < <(printf 'query-name\n:info status\nhelp set_link\n')
}
