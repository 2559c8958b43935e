#!/usr/bin/env bats
# qmpctl schema: what a QEMU's QMP has, whether it has something, what another one changes.

load qmpctl.bash

# Two small schemas, written by hand: what is removed, added, changed between them.
saved() {
	cat >old <<-'JSON'
		[{"name": "0", "meta-type": "object", "members": []},
		 {"name": "int", "meta-type": "builtin", "json-type": "int"},
		 {"name": "1", "meta-type": "object", "members": [
		   {"name": "size", "type": "int"}, {"name": "old", "type": "int", "default": null}]},
		 {"name": "resize", "meta-type": "command", "arg-type": "1", "ret-type": "0"},
		 {"name": "RESIZED", "meta-type": "event", "arg-type": "1"}]
	JSON
	sed 's/{"name": "old", "type": "int", "default": null}/{"name": "new", "type": "int"}/' old >new
	printf '{"return": %s, "id": "x"}' "$(cat old)" >reply
}

# ---- showing ----

@test "commands and events, and what is in them" {
	bare
	run -0 "$Q" schema --json
	[ "$(jq '[.commands, .events | length] | .[0] > 200 and .[1] > 40' <<<"$output")" = true ]
	[ "$(jq -c '.commands[] | select(.name == "x-query-jit") | .features' <<<"$output")" = '["unstable"]' ]
	run -0 "$Q" schema
	grep -q '^  x-query-jit  *unstable$' <<<"$output"
	run -0 "$Q" schema block_resize
	says 'Path:     block_resize
Kind:     command

Arguments:
  NAME       TYPE    NOTE
  device     string  optional
  node-name  string  optional
  size       int

Returns:  nothing (an empty object)'
	run -0 "$Q" schema set_password
	grep -qxE '  display  +string  +protocol=vnc  optional' <<<"$output"
	run -0 "$Q" schema --json set_password
	[ "$(jq -c '.arguments[-1] | [.name, .type, .with, .optional, .values]' <<<"$output")" = \
		'["display","string","protocol=vnc",true,null]' ]
	[ "$(jq -c '.arguments[0].values' <<<"$output")" = '["vnc","spice"]' ]
	run -0 "$Q" schema SHUTDOWN/reason
	[[ $output = *'Values:
  VALUE '*'
  guest-panic'* ]]
	run -0 "$Q" schema blockdev-add/driver/qcow2
	[[ $output = *'Members that come with it:
  NAME '*'
  lazy-refcounts '* ]]
	run -0 "$Q" schema query-status/ret/status
	[[ $output = *'Type:  enum: 16 values'* ]]
	run -1 --separate-stderr "$Q" schema block_resiz
	complains "qmpctl: no command or event 'block_resiz'; did you mean 'block_resize'?"
}

@test "search" {
	bare
	run -0 "$Q" schema --search lazy-ref
	grep -qxE 'blockdev-add/arg/driver/qcow2/lazy-refcounts +boolean +optional' <<<"$output"
	run -0 "$Q" schema --search 'shut*N' --json
	[ "$(jq -r '.matches[].path' <<<"$output" | grep -c SHUTDOWN)" -eq 1 ]
	# All that is found is there to be shown.
	for path in $("$Q" schema --search '*job*' --json | jq -r '.matches[].path'); do
		paths+=("$path")
	done
	[ ${#paths[@]} -gt 20 ]
	run -0 "$Q" schema has "${paths[@]}"
	run -1 "$Q" schema --search no-such-name
	run -2 "$Q" schema --search x y
}

@test "has" {
	bare
	run -0 --separate-stderr "$Q" schema has query-status blockdev-add/driver/qcow2/file STOP \
		blockdev-snapshot+allow-write-only-overlay query-block/ret/inserted/file
	says ''
	complains ''
	run -1 --separate-stderr "$Q" schema has query-status query-stats/foo
	complains "qmpctl: note: query-stats: no member 'foo'"
	run -1 --separate-stderr "$Q" schema has -q query-status query-stats/foo
	complains ''
	run -2 --separate-stderr "$Q" schema has query-status//x
	complains "qmpctl: 'query-status//x': a step is empty"
	run -3 "$Q" schema has -g unix:/nowhere query-status
}

# ---- from anywhere ----

@test "saved, of a binary, of a guest: the same" {
	bare
	"$Q" exec query-qmp-schema >pretty
	"$Q" schema --raw >whole
	"$Q" schema --raw --from qemu-system-x86_64 >probed
	"$Q" exec --raw query-qmp-schema >reply
	for source in pretty whole probed reply monitor "unix:$TMP/monitor" "$(command -v qemu-system-x86_64)"; do
		run -0 "$Q" schema diff "$source" probed
		says 'Differences:  0
Breaking:     0'
	done
	"$Q" schema --from pretty block_resize | cmp - <("$Q" schema block_resize)
	"$Q" schema has --from whole block_resize/size
	run -0 "$Q" schema diff whole # against the guest's
}

@test "what is no source" {
	run -7 --separate-stderr "$Q" schema --from /bin/false
	complains 'qmpctl: /bin/false: ended while starting without a word'
	run -7 --separate-stderr "$Q" schema --from /bin/ls
	[[ $stderr = 'qmpctl: /bin/ls: ended while starting: '* ]]
	run -1 --separate-stderr "$Q" schema --from no-such-binary
	complains 'qmpctl: no-such-binary: No such file or directory'
	echo '[{"name": "a"}]' >bad
	run -1 --separate-stderr "$Q" schema --from bad
	complains "qmpctl: bad: schema: entity 0: 'meta-type': not a string"
	echo '[' >bad
	run -1 --separate-stderr "$Q" schema --from bad
	[[ $stderr = 'qmpctl: bad: json '* ]]
	run -3 "$Q" schema --from unix:/nowhere
}

@test "a probe ends with us, even by SIGKILL" {
	printf '#!/bin/sh\nexec qemu-system-x86_64 "$@" -msg timestamp=on -chardev null,id=ours%s\n' $$ >slow
	printf '#!/bin/sh\nsleep 100 # %s\n' $$ >silent
	chmod +x slow silent
	"$Q" schema has --from ./slow query-status
	run -1 pgrep -f "id=ours$$"
	"$Q" schema --from ./silent &
	eventually pgrep -P $!
	child=$(pgrep -P $!)
	kill -KILL $!
	eventually is_dead "$child"
}

# ---- differences ----

@test "what changes, and what that breaks" {
	saved
	run -1 "$Q" schema diff old new
	says 'BREAKS  CHANGE   PATH             BEFORE        AFTER
!       added    resize/arg/new   -             int
!       removed  resize/arg/old   optional int  -
        added    RESIZED/arg/new  -             int
!       removed  RESIZED/arg/old  optional int  -

Differences:  4
Breaking:     3'
	run -1 "$Q" schema diff --json reply new --match 'RESIZED*'
	[ "$(jq -c '[.count, .breaking, .differences[0]]' <<<"$output")" = \
		'[2,1,{"breaks":false,"change":"added","path":"RESIZED/arg/new","before":null,"after":"int"}]' ]
	run -1 "$Q" schema diff new old --breaking --match 'resize/*'
	[ "$(sed -n 2p <<<"$output" | tr -s ' ')" = '! removed resize/arg/new int -' ]
	run -0 "$Q" schema diff new old --match '*old'
	run -0 "$Q" schema diff old reply
}

@test "two QEMUs of today" {
	other=$(GS_GUEST_CACHE=${GS_GUEST_CACHE:-} O=$O "$BATS_TEST_DIRNAME/../guest/qemu10") || skip 'no other QEMU'
	run -1 "$Q" schema diff qemu-system-x86_64 "$other" --match 'migrate/*'
	grep -qxE '! +removed +migrate/arg/blk +optional boolean +- *' <<<"$output"
	grep -qxE ' +changed +migrate/arg/uri +string +optional string' <<<"$output"
	run -0 "$Q" schema diff qemu-system-x86_64 "$other" --match 'query-block-jobs*'
}
