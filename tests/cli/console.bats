#!/usr/bin/env bats
# qmpctl console against real QEMU processes, whose guest sends back what it gets.

load qmpctl.bash

launch_echo() {
	make_echo_disk
	launch --name "$1" --disk echo --wait-serial 'ECHO READY' >/dev/null
}

# on_terminal SECONDS KEYS ARGUMENTS...: qmpctl console on a terminal of its own, which gets the keys
# once it is raw. Prints what came; then whether the terminal is as it was, and the exit status.
on_terminal() {
	/usr/bin/python3 - "$Q" "$@" <<-'PYTHON'
		import os, pty, select, signal, subprocess, sys, termios, time
		tool, seconds, keys, *arguments = sys.argv[1:]
		master, slave = pty.openpty()
		before = termios.tcgetattr(slave)
		child = subprocess.Popen([tool, 'console', *arguments], stdin=slave, stdout=slave, stderr=slave)
		deadline = time.monotonic() + float(seconds)
		while termios.tcgetattr(slave) == before and child.poll() is None and time.monotonic() < deadline:
		    time.sleep(0.02)
		if keys.startswith('signal:'):
		    child.send_signal(getattr(signal, keys[7:]))
		else:
		    os.write(master, keys.encode().decode('unicode_escape').encode('latin-1'))
		status = child.wait(float(seconds))
		said = b''
		while select.select([master], [], [], 0.1)[0]:
		    said += os.read(master, 65536)
		print(said.decode(errors='replace').replace('\r', ''))
		print('restored' if termios.tcgetattr(slave) == before else 'left raw', status)
	PYTHON
}

@test "console: piped, until the text comes" {
	launch_echo a
	run -0 --separate-stderr "$Q" console --expect 'two' --timeout 10 <<<'one two'
	[[ $output = 'one two'* ]]
	complains ''
	run -0 "$Q" console --tail 1 --expect 'x' --timeout 10 <<<'x'
	[[ $output = $'one two\nx'* ]]
}

@test "console: time over and the end of the guest: 0, or 5 and 7 for who expects something" {
	launch_echo a
	run -0 "$Q" console --timeout 0.2 </dev/null
	says ''
	run -5 --separate-stderr "$Q" console --expect nothing --timeout 0.2 </dev/null
	complains "qmpctl: the guest did not write 'nothing' in time"
	"$Q" console --expect nothing </dev/null >out 2>err &
	eventually is_attached a
	"$Q" quit
	exits 7
	[ "$(cat err)" = "qmpctl: the line ended without 'nothing'" ]
}

is_attached() { # besides QEMU, which has it open, too
	[ "$(find /proc/[0-9]*/fd -lname "$RUN/$1/serial.in" 2>/dev/null | wc -l)" -ge 2 ]
}

@test "console: the log stays complete, whoever is attached" {
	launch_echo a
	seq 2000 | "$Q" console --expect $'2000\n' --timeout 20 >out
	diff <(seq 2000) out
	diff <(echo ECHO READY; seq 2000) "$RUN/a/serial"
	run -0 "$Q" console --tail 3 --timeout 0.1 </dev/null
	says $'1998\n1999\n2000'
	run -0 "$Q" console --tail 100000 --timeout 0.1 </dev/null
	[ "${#lines[@]}" -eq 2001 ]
}

@test "console: one at a time: the second is told who holds it, exit 4" {
	launch_echo a
	"$Q" console </dev/null >out &
	eventually is_attached a
	run -4 --separate-stderr "$Q" console --timeout 1 </dev/null
	complains "qmpctl: $RUN/a/serial.in: held by $! (qmpctl)"
	kill $!
	exits 143
	run -0 "$Q" console --timeout 0.1 </dev/null
}

@test "console: on a terminal: keys go through until the escape key, and all is as it was" {
	launch_echo a
	run -0 on_terminal 10 'hello\x03\x04\x1d' --tail 5
	[[ $output = *"attached to $RUN/a/serial.in; leave with ^]"*'ECHO READY'*$'\nrestored 0' ]]
	eventually grep -q hello "$RUN/a/serial"
	[ "$(tail -c 7 "$RUN/a/serial" | od -An -tx1 | xargs)" = '68 65 6c 6c 6f 03 04' ]
	run -0 on_terminal 10 'a\x1db~' --escape '~'
	[[ $output = *'leave with ~'*'restored 0' ]]
	eventually grep -qF $'\x1db' "$RUN/a/serial"
}

@test "console: on a terminal, ended by signals and by the guest: all is as it was" {
	launch_echo a
	for signal in HUP INT QUIT TERM; do
		run -0 on_terminal 10 signal:SIG$signal
		[[ $output = *"restored $((128 + $(kill -l $signal)))" ]]
	done
	(eventually is_attached a && "$Q" quit -q) &
	run -0 on_terminal 10 ''
	[[ $output = *'note: the line has ended'*'restored 0' ]]
}

@test "console: chardevs of others: a socket, a pty, by its name, and what cannot be attached to" {
	make_echo_disk
	launch --name a -- -drive file=echo,format=raw,if=virtio,snapshot=on -serial "unix:$TMP/line,server=on,wait=off"
	run -0 "$Q" console --expect hi --timeout 10 -g "$RUN/a/qmp" <<<hi
	run -0 "$Q" console --expect hi --timeout 10 -g a <<<hi
	launch --name b -- -drive file=echo,format=raw,if=virtio,snapshot=on -chardev pty,id=charserial0 -serial chardev:charserial0 \
		-chardev null,id=nowhere
	run -0 "$Q" console --expect hi --timeout 10 -g b <<<hi
	run -1 --separate-stderr "$Q" console --chardev nowhere -g b </dev/null
	[[ $stderr = "qmpctl: chardev 'nowhere' is 'null': only a pty or a unix socket"* ]]
	run -1 --separate-stderr "$Q" console --chardev nothing -g b </dev/null
	[[ $stderr = "qmpctl: there is no chardev 'nothing', only: "*charserial0* ]]
	launch --name c -- -M none -serial null
	run -1 --separate-stderr "$Q" console -g c </dev/null
	[[ $stderr = *"only a pty or a unix socket"* ]]
}

@test "console: a launched guest by its monitor's address, too" {
	launch_echo a
	run -0 "$Q" console --expect hi --timeout 10 -g "pid:$(pid_of a)" <<<hi
	[[ $output = hi* ]]
}

@test "console: misuse" {
	run -2 "$Q" console --escape long
	run -2 "$Q" console --expect ''
	run -2 "$Q" console --tail many
	run -3 "$Q" console -g nobody
}
