#!/usr/bin/env bats
# tracehooks hold --mechanism int3: breakpoint instructions in the code of a process, and that they are
# out again whatever happens. As the user that runs the tests, and, for root, as nobody too.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup_file() {
	[ "$(uname -m)" = x86_64 ] || skip "int3 is an instruction of x86-64"
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks.XXXXXX")
	chmod 755 "$TMP"
	cd "$BATS_TEST_DIRNAME" || return
	gcc -O1 -g -o "$TMP/target" tracehooks_hold.c tracehooks_hold_other.c -pthread -ldl
	cp tracehooks_int3.py "$TMP/look"
	cp "$(cd ../.. && cd "${O:-build}" && pwd)/tracehooks" "$TMP/tracehooks"
	export TMP
}

teardown_file() { rm -rf "$TMP"; }

setup() {
	T=$TMP/tracehooks
	DIR=$(mktemp -d "$TMP/test.XXXXXX")
	export XDG_RUNTIME_DIR=$DIR
	cd "$DIR" || return
	P= RUN= OTHER= AS=
}

teardown() {
	"$T" release --all >/dev/null 2>&1
	for pid in $RUN $P $OTHER; do kill -KILL "$pid" 2>/dev/null; done
	cd / && rm -rf "$DIR"
}

# as_nobody: all that follows.
as_nobody() {
	[ "$(id -u)" -eq 0 ] || skip "is nobody already"
	AS="setpriv --reuid=65534 --regid=65534 --clear-groups"
	chown 65534:65534 "$DIR"
	$AS "$T" --version >/dev/null || skip "nobody cannot run it here"
}

# target WORD...: in the background, as $P; its code is known.
target() {
	$AS "$TMP/target" "$@" </dev/null 3>&- &
	P=$!
	await [ "/proc/$P/exe" -ef "$TMP/target" ]
	BEFORE=$("$TMP/look" text "$P")
}

# hold WORD...: in the background, as $RUN, and armed; the keeper is $KEEPER.
hold() {
	$AS "$T" hold "$@" >out 2>err </dev/null 3>&- &
	RUN=$!
	await armed
	KEEPER=$(basename "$(ls tracehooks/*.socket)" .socket)
}
armed() { grep -q '^tracehooks: .* is traced' err && grep -q '^  by ' err || ! kill -0 "$RUN"; }

ends() {
	local status=0
	wait "$RUN" || status=$?
	RUN=
	[ "$status" -eq "$1" ] || { echo "status $status"; cat err; false; }
}

holds() { $AS "$T" list --json | jq -r '.holds[] | select(.state == "held").id'; }
is_held() { [ -n "$(holds)" ]; }
sum() { rm -f sum && kill -USR1 "$P" && await test -s sum && cat sum; }
counts_beyond() { [ "$(sum)" -gt "$1" ]; }
is_changed() { [ "$("$TMP/look" text "$P")" != "$BEFORE" ]; }
is_as_before() { [ "$("$TMP/look" text "$P")" = "$BEFORE" ]; }
is_free() { ! grep -HE '^(State:.[tT]|TracerPid:.[1-9])' /proc/"$P"/task/*/status; }

# It has noticed nothing, and nothing is left in it.
unharmed() {
	await is_free
	await is_as_before
	await counts_beyond "$(sum)"
	kill -TERM "$P"
	local status=0
	wait "$P" || status=$?
	P=
	[ "$status" -eq 7 ] || { echo "target: $status"; false; }
	[ -z "$(ls tracehooks)" ]
}

hold_one() {
	target threads 4
	hold --mechanism int3 "$P" work --if 'arg0 == 2'
	grep -q '^  RISK: ' err
	await is_held
	id=$(holds)
	[ "$(jq -r '.at.mechanism, .at.args[0], .at.strings[1]' "tracehooks/$id" | paste -sd' ')" = "int3 0x2 vda" ]
	await is_as_before # while one is held
	[ ! -e "tracehooks/$P.int3" ]
	$AS "$T" release "$id"
	ends 0
	unharmed
}

@test "int3: a thread is held, the risk is told, and nothing is left in the code" { hold_one; }

@test "int3: the same as nobody" {
	as_nobody
	hold_one
}

@test "int3: Ctrl-C before anybody comes" {
	target threads 4
	hold --mechanism int3 "$P" helper --all
	[ -s "tracehooks/$P.int3" ]
	is_changed
	kill -INT "$RUN"
	ends 130
	unharmed
}

@test "int3: is taken when all hardware breakpoints are in use, and said so" {
	target threads 4
	"$TMP/look" occupy "$P" "$DIR/occupied" 3>&- 2>occupy.err &
	OTHER=$!
	await eval '[ -e occupied ] || ! kill -0 $OTHER'
	[ -e occupied ] || skip "$(cat occupy.err)"
	hold "$P" work --if 'arg0 == 1'
	grep -q '^  by int3, for perf is not possible: all hardware breakpoints of thread [0-9]* are in use' err
	await is_held
	$AS "$T" release --all
	ends 0
	unharmed
}

@test "int3: a breakpoint that is there already is somebody else's" {
	target threads 4
	address=$(timeout 2 "$T" hold --json --mechanism int3 "$P" helper --all 2>/dev/null | jq -r 'select(.places) | .places[0].address' | head -1) || true
	[[ "$address" = 0x* ]]
	was=$("$TMP/look" patch "$P" "$address")
	[ ${#was} -eq 2 ]
	run -4 --separate-stderr "$T" hold --mechanism int3 "$P" "$address"
	[[ "$stderr" = *"there is a breakpoint at $address already: a debugger's, or the program's own" ]]
	is_free
	kill -KILL "$P"
}

# Nobody comes by, so that all of ours can be killed while it is in.
kill_all_of_ours() {
	target threads 4
	hold --mechanism int3 "$P" helper --all
	is_changed
	guardian=$(cat "/proc/$KEEPER/task/$KEEPER/children")
	guardian=${guardian% }
	kill -STOP "$guardian" "$RUN"
	kill -KILL "$KEEPER" "$guardian" "$RUN"
	wait "$RUN" || true
	RUN=
	await is_free
	is_changed
}

@test "release --stale: the journal mends what is left when all of ours were killed" {
	kill_all_of_ours
	run -0 --separate-stderr "$T" release --stale
	[ "$stderr" = "tracehooks: process $P: 2 breakpoints taken out of its code" ]
	rm -f tracehooks/*.socket
	unharmed
}

@test "release --stale: not in the code of one that is traced" {
	kill_all_of_ours
	strace -qq -e trace=none -p "$P" 2>strace.err 3>&- &
	OTHER=$!
	await eval '! is_free'
	run -4 --separate-stderr "$T" release --stale
	[[ "$stderr" = *"process $P is traced by $OTHER: end that first" ]]
	is_changed
	kill "$OTHER"
	wait "$OTHER" || true
	OTHER=
	"$T" release --stale
	rm -f tracehooks/*.socket
	unharmed
}

@test "int3: the guardian mends when the keeper is killed" {
	target threads 4
	hold --mechanism int3 "$P" helper --all
	is_changed
	kill -KILL "$KEEPER"
	ends 1
	rm -f tracehooks/*.socket
	unharmed
}
