#!/usr/bin/env bats
# qmpctl shell as people use it: in a terminal. (Line by line from a script: tests/cli/shell.bats.)

bats_require_minimum_version 1.5.0

setup() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/terminal.bash"
	tool_kit
	export TMUX_TMPDIR=$SCRATCH XDG_STATE_HOME=$SCRATCH/state TERM=screen-256color INPUTRC=/dev/null LC_ALL=C.UTF-8
	unset GUESTSCOPE_GUEST NO_COLOR
	H=$XDG_STATE_HOME/guestscope/qmpctl_history
	qmpctl launch -q --name vm --accel tcg --mem 64M -- -S -device virtio-scsi-pci,id=scsi0 \
		-blockdev null-co,node-name=disk0,read-zeroes=on -blockdev null-co,node-name=disk1,read-zeroes=on \
		-device scsi-hd,drive=disk0,id=hd0 -chardev null,id=sink >/dev/null
	pid=$(jq .pid "$XDG_RUNTIME_DIR/guestscope/vm/guest")
}

teardown() {
	terminal_end_all
	kill -CONT "$pid" 2>/dev/null || true
	end_guests vm
}

begin() {
	terminal_start qmpctl shell -g vm "$@"
	terminal_await '^qmp>$'
}

# offers TEXT REGEX: Tab behind TEXT brings up a line, or completes to one. Then the line is dropped.
offers() {
	terminal_type "$1"
	terminal_press Tab
	terminal_await "$2"
	terminal_press C-c
	terminal_await '\^C$'
	terminal_press C-l
	terminal_await '^[a-z]+>$'
}

@test "terminal: completion by the schema" {
	begin
	offers 'query-named' '^qmp> query-named-block-nodes$'
	offers 'set_link ' '^name= +up:=$'
	offers 'set_link up:=t' 'up:=true$'
	offers 'blockdev-add driver=qc' '^qcow +qcow2$'
	offers 'blockdev-add driver=qcow2 enc' 'encrypt\.$'
	offers 'blockdev-add driver=qcow2 encrypt.format=' '^aes +luks$'
	offers 'transaction( block-dirty-bitmap-r' 'block-dirty-bitmap-remove$'
	offers 'help BLOCK_WR' 'BLOCK_WRITE_THRESHOLD$'
	offers 'help blockdev-add driver=qc' '^qcow +qcow2$'
	offers 'help blockdev-add ' 'blockdev-add driver=$'
	offers '.e' '^qmp> \.events$'
	offers '.events o' '^off +on$'
}

@test "terminal: completion of the guest's names, as they are now" {
	begin
	offers 'block_resize node-name=' '^disk0 +disk1$'
	offers 'device_del id=' '^hd0 +scsi0$'
	offers 'eject id=' 'eject id=hd0$'
	offers 'chardev-remove id=s' 'id=sink$'
	offers 'device_add driver=virtio-rng' 'virtio-rng-pci-transitional'
	offers 'device_add driver=scsi-hd share' 'share-rw:=$'
	offers 'device_add driver=scsi-hd drive=' '^disk0 +disk1$'
	offers 'qom-list path=/machine/peripheral/h' 'path=/machine/peripheral/hd0/$'
	qmpctl exec -g vm object-add qom-type=iothread id=late >/dev/null
	offers 'object-del id=' '^late +pc.ram$'
}

@test "terminal: completion in HMP mode, and in a transaction" {
	begin
	offers ':info blo' '^block +block-jobs +blockstats$'
	terminal_type '.hmp'
	terminal_press Enter
	terminal_await '^hmp>$'
	offers 'savev' '^hmp> savevm$'
	terminal_type '.hmp'
	terminal_press Enter
	terminal_await '^qmp>$'
	terminal_type 'transaction('
	terminal_press Enter
	terminal_await '^transaction>$'
	terminal_type 'block-dirty-bitmap-add no'
	terminal_press Tab
	terminal_type 'disk1 name=one'
	terminal_await 'add node=disk1 name=one$'
	terminal_press Enter
	terminal_await '^transaction>$'
	terminal_type ')'
	terminal_press Enter
	terminal_await '^\{\}$'
}

@test "terminal: events come above the line, which stays as it is, cursor and all" {
	begin
	terminal_type 'query-xame'
	terminal_press Left Left Left Left
	terminal_await 'query-xame$'
	for _ in 1 2 3; do
		qmpctl resume -q -g vm >/dev/null
		qmpctl pause -q -g vm >/dev/null
	done
	terminal_await ' STOP$' 3
	terminal_await ' RESUME$' 3
	[ "$(terminal_screen | grep -c query-xame)" = 1 ]
	[ "$(terminal_screen | tail -n 1)" = 'qmp> query-xame' ]
	terminal_press Delete
	terminal_type n
	terminal_press Enter
	terminal_await '"name": "vm"'
	terminal_type '.events off'
	terminal_press Enter
	qmpctl resume -q -g vm >/dev/null
	terminal_type 'query-status'
	terminal_press Enter
	terminal_await '"running": true'
	[ "$(terminal_screen | grep -c ' RESUME$')" = 3 ]
}

@test "terminal: Ctrl-C drops what was begun, Ctrl-D leaves" {
	begin
	terminal_type '{"execute":'
	terminal_press Enter
	terminal_await '^\.\.\.>$'
	terminal_press C-c
	terminal_await 'dropped, nothing was sent'
	terminal_type 'transaction('
	terminal_press Enter
	terminal_await '^transaction>$'
	terminal_press C-c
	terminal_await 'dropped, nothing was sent' 2
	terminal_type 'nonsense'
	terminal_press C-c
	terminal_await '^qmp> nonsense\^C$'
	terminal_await '^qmp>$'
	terminal_press C-d
	terminal_ends 0
}

@test "terminal: Ctrl-C stops waiting; the reply comes when it comes" {
	begin
	kill -STOP "$pid"
	terminal_type 'query-name'
	terminal_press Enter
	sleep 0.3
	terminal_press C-c
	terminal_await 'query-name: not waited for any more'
	terminal_await '^qmp>$'
	offers 'block_resize node-name=' 'node-name=$' # nobody can be asked, nothing hangs
	terminal_type 'query-k'
	terminal_await '^qmp> query-k$'
	kill -CONT "$pid"
	terminal_await '"name": "vm"'
	terminal_await 'the reply to query-name, which nobody waits for any more'
	[ "$(terminal_screen | tail -n 1)" = 'qmp> query-k' ]
	terminal_type 'vm'
	terminal_press Enter
	terminal_await '"present":'
}

@test "terminal: pasted lines, and what is typed ahead" {
	begin
	terminal set-buffer $'query-name\n{"execute":\n "query-status"}\n:info status\n'
	terminal paste-buffer -p
	terminal_press Enter
	terminal_await '"name": "vm"'
	terminal_await '"status": "prelaunch"'
	terminal_await '^VM status: '
	kill -STOP "$pid"
	terminal_type 'query-name'
	terminal_press Enter
	terminal_type 'query-status'
	terminal_press Enter C-d
	kill -CONT "$pid"
	terminal_ends 0
	[ "$(terminal_screen | grep -c '"name": "vm"')" = 2 ]
	[ "$(terminal_screen | grep -c '"status": "prelaunch"')" = 2 ]
}

@test "terminal: a guest that ends is told, exit 7, and the terminal is as it was" {
	terminal_start bash -c "stty -a >'$SCRATCH/before'; qmpctl shell -g vm; status=\$?; stty -a >'$SCRATCH/after'; exit \$status"
	terminal_await '^qmp>$'
	terminal_type 'half a li'
	terminal_await 'half a li$'
	kill -KILL "$pid"
	terminal_await 'SHUTDOWN \{"guest":false,"reason":"disconnected"\} \(synthetic\)'
	terminal_await '^qmpctl: the guest has ended: '
	terminal_ends 7
	cmp "$SCRATCH/before" "$SCRATCH/after"
}

@test "terminal: a flood of events can be typed against" {
	tests/cli/fake_monitor.py "$SCRATCH/fake" 3>&- &
	for _ in $(seq 100); do [ -S "$SCRATCH/fake" ] || sleep 0.05; done
	terminal_start qmpctl shell -g "$SCRATCH/fake"
	terminal_await '^qmp>$'
	terminal_type 'flood'
	terminal_press Enter
	terminal_await ' DROP$' 20
	terminal_type '.events off'
	terminal_press Enter
	terminal_await '^qmp>$'
	terminal_type 'anything' # is not answered
	terminal_press Enter
	terminal_await '^qmp> anything$'
	terminal_press C-c
	terminal_await 'anything: not waited for any more'
	terminal_press C-d
	terminal_ends 0
}

# Also while a command runs: $1 is "busy".
check_sigterm() {
	terminal_start bash -c "stty -a >'$SCRATCH/before'; qmpctl shell -g vm; status=\$?; stty -a >'$SCRATCH/after'; exit \$status"
	terminal_await '^qmp>$'
	shell=$(terminal list-panes -F '#{pane_pid}' | xargs pgrep -P | xargs pgrep -x qmpctl -P)
	if [ "$1" = busy ]; then
		kill -STOP "$pid"
		terminal_type 'query-name'
		terminal_press Enter
		terminal_await 'query-name$'
	fi
	kill -TERM "$shell"
	terminal_ends 143
	cmp "$SCRATCH/before" "$SCRATCH/after"
}

@test "terminal: SIGTERM leaves the terminal as it was" { check_sigterm idle; }
@test "terminal: SIGTERM amid a command leaves the terminal as it was" { check_sigterm busy; }

@test "terminal: -v draws the wire above the line, too" {
	begin -v
	terminal_type 'query-na'
	qmpctl resume -q -g vm >/dev/null
	terminal_await '^<-- .*RESUME'
	terminal_await '^qmp> query-na$'
}

@test "terminal: history, kept for the next time, for our eyes alone, without secrets" {
	umask 022
	begin
	for line in 'query-name' ' query-status' 'set_password protocol=vnc password=hunter2' '{"execute":' ' "query-name"}'; do
		terminal_type "$line"
		terminal_press Enter
	done
	terminal_press C-d
	terminal_ends 0
	terminal_end
	[ "$(stat -c %a "$H")" = 600 ]
	[ "$(stat -c %a "$XDG_STATE_HOME")" = 700 ]
	diff "$H" - <<-'END'
		query-name
		{"execute":  "query-name"}
	END
	begin
	terminal_press Up Up
	terminal_await '^qmp> query-name$'
	terminal_press C-c
	terminal_type '.events off'
	terminal_press Enter C-d
	terminal_ends 0
	[ "$(wc -l <"$H")" = 3 ]
}

@test "terminal: history is bounded, and a bad file is no obstacle" {
	mkdir -p "${H%/*}"
	seq 5000 >"$H"
	begin
	terminal_type 'query-name'
	terminal_press Enter C-d
	terminal_ends 0
	terminal_end
	[ "$(wc -l <"$H")" = 1000 ]
	[ "$(tail -n 1 "$H")" = query-name ]
	rm "$H" && mkdir "$H"
	begin
	terminal_type 'query-name'
	terminal_press Enter
	terminal_await '"name": "vm"'
	terminal_press C-d
	terminal_ends 0
}

@test "terminal: colour, and none under NO_COLOR" {
	begin
	terminal_type 'query-name'
	terminal_press Enter
	terminal_await '"name": "vm"'
	terminal capture-pane -p -e | grep -q $'\e\\[34m"name"'
	terminal_end
	NO_COLOR=1 begin
	terminal_type 'query-name'
	terminal_press Enter
	terminal_await '"name": "vm"'
	[ "$(terminal capture-pane -p -e | grep -c $'\e')" = 0 ]
}
