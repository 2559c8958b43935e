#!/usr/bin/env bats
# tracehooks tree: what it sees of processes that are made in all the ways there are, and how it shows it.

bats_require_minimum_version 1.5.0
load tracehooks.bash

setup() {
	O=$(cd "$BATS_TEST_DIRNAME/../.." && cd "${O:-build}" && pwd)
	T=$O/tracehooks
	TMP=$(mktemp -d "${TMPDIR:-/tmp}/tracehooks_tree.XXXXXX")
	cd "$TMP" || return
}

teardown() {
	if [ -n "${PIDS-}" ]; then kill -KILL $PIDS 2>/dev/null; fi
	cd / && rm -rf "$TMP"
}

# tree STATUS COMMAND...: into tree.json, of a command with that status.
tree() {
	local want=$1 status=0
	shift
	"$T" tree --json --force -o tree.json -- "$@" >out 2>err 3>&- || status=$?
	[ "$status" -eq "$want" ] || { echo "status $status"; cat err; false; }
}

# judge: a Python program on stdin judges tree.json; it has the tree t, its processes P, named(NAME) and pipes().
judge() {
	{
		cat <<-'PY'
			import json
			t = json.load(open("tree.json"))
			P = t["processes"]
			assert t["lost"] == 0, t["lost"]
			pids = {p["pid"]: p for p in P}
			def named(name):
			    found = [p for p in P if p["name"] == name]
			    assert len(found) == 1, (name, P)
			    return found[0]
			def pipes():
			    return {(a["pid"], b["pid"]) for c in t["connections"] if c["kind"] == "pipe"
			            for a in c["ends"] for b in c["ends"] if a["writes"] and b["reads"] and a["pid"] != b["pid"]}
			last = None
			for p in P:    # children behind their parents, one step deeper; time goes on
			    assert p["depth"] == (0 if p["parent"] is None else pids[p["parent"]]["depth"] + 1), p
			    if p["parent"]: assert pids[p["parent"]]["start-ns"] <= p["start-ns"], p
			    times = [p["start-ns"]] + [x["at-ns"] for x in p["execs"]] + [p["end-ns"] or t["end-ns"]]
			    assert times == sorted(times), p
			for c in t["connections"]:
			    for e in c["ends"]: assert P[e["row"]]["pid"] == e["pid"], c
		PY
		cat
	} >judge.py
	/usr/bin/python3 judge.py
}

# ---- what is seen ----

@test "a pipeline of three: who writes to whom; output and status are the command's" {
	tree 3 sh -c 'printf "b\na\n" | sort | cat; echo err >&2; exit 3'
	[ "$(cat out)" = $'a\nb' ]
	[ "$(cat err)" = err ]
	judge <<-'PY'
		sh = P[0]
		assert sh["name"] == "sh" and sh["status"] == 3 and sh["parent"] is None, sh
		printf = [p for p in P if p["parent"] == sh["pid"] and not p["execs"]]   # a builtin: the shell's copy
		assert len(P) == 4 and len(printf) == 1 and printf[0]["born"] in ("fork", "vfork", "clone"), P
		assert pipes() == {(printf[0]["pid"], named("sort")["pid"]), (named("sort")["pid"], named("cat")["pid"])}, t
	PY
}

@test "a daemon belongs to who has forked it, and is waited for" {
	tree 2 sh -c '(setsid sh -c "sleep 0.2; :" >/dev/null 2>&1 &) ; exit 2'
	judge <<-'PY'
		sleep = named("sleep")
		assert sleep["depth"] >= 2 and sleep["status"] == 0, P
		assert sleep["end-ns"] > P[0]["end-ns"] and t["end-ns"] >= sleep["end-ns"], P
	PY
}

@test "a chain of programs in one process, with their arguments" {
	tree 0 env A=1 env 'B=two words' sh -c 'exec sleep 0.01'
	judge <<-'PY'
		assert len(P) == 1, P
		assert [x["argv"][0] for x in P[0]["execs"]] == ["env", "env", "sh", "sleep"], P
		assert P[0]["execs"][1]["argv"] == ["env", "B=two words", "sh", "-c", "exec sleep 0.01"], P
		assert P[0]["execs"][3]["program"].endswith("/sleep") and not P[0]["execs"][3]["cut"]
	PY
}

@test "vfork, threads, and a program that a thread becomes" {
	cat >target.c <<-'C'
		#include <pthread.h>
		#include <sys/wait.h>
		#include <unistd.h>
		static void *work(void *arg) { usleep(20000); return arg; }
		static void *become(void *arg) { execlp("sleep", "sleep", "0.01", NULL); return arg; }
		int main(void)
		{
			pthread_t threads[4];
			if (vfork() == 0) { execlp("true", "true", NULL); _exit(1); }
			wait(NULL);
			for (int i = 0; i < 4; i++) pthread_create(&threads[i], NULL, work, NULL);
			pthread_create(&threads[0], NULL, become, NULL);
			pause();
		}
	C
	cc -o target target.c -lpthread
	tree 0 ./target
	judge <<-'PY'
		assert len(P) == 2, P                        # threads are no processes
		assert [x["argv"][0] for x in P[0]["execs"]] == ["./target", "sleep"] and P[0]["status"] == 0, P
		assert named("true")["born"] == "vfork" and named("true")["parent"] == P[0]["pid"], P
	PY
}

@test "killed by a signal, and what ends with an error" {
	tree 137 sh -c 'sh -c "kill -TERM \$\$"; sh -c "exit 7"; kill -KILL $$'
	judge <<-'PY'
		assert P[0]["signal"] == "SIGKILL" and P[0]["status"] is None, P
		assert [(p["signal"], p["status"]) for p in P[1:]] == [("SIGTERM", None), (None, 7)], P
	PY
}

@test "Unix sockets: the two sides of a pair, and a server by its name" {
	cat >talk.py <<-'PY'
		import os, socket, time
		a, b = socket.socketpair()
		def child(*words, **fds):
		    pid = os.fork()
		    if pid == 0:
		        for fd, s in fds.items(): os.dup2(s.fileno(), int(fd[1:]))
		        os.execvp(words[0], words)
		    return pid
		pids = [child("cat", f0=a), child("head", "-c", "2", f1=b)]
		l = socket.socket(socket.AF_UNIX); l.bind("server.sock"); l.listen(1)
		c = socket.socket(socket.AF_UNIX); c.connect("server.sock")
		s, _ = l.accept()
		pids += [child("sleep", "0.2", f0=c), child("tail", "-c", "1", f0=s)]
		a.close(); b.close(); c.close(); s.close()
		for pid in pids: os.waitpid(pid, 0)
	PY
	tree 0 /usr/bin/python3 talk.py </dev/null
	judge <<-'PY'
		links = {tuple(sorted(pids[e["pid"]]["name"] for e in c["ends"] if e["pid"] != P[0]["pid"])): c
		         for c in t["connections"] if c["kind"] == "socket"}
		assert ("cat", "head") in links and ("sleep", "tail") in links, t["connections"]
		assert links["sleep", "tail"]["name"] == "server.sock" and links["cat", "head"]["name"] is None, links
		assert len({e["inode"] for e in links["cat", "head"]["ends"]}) == 2, links
	PY
}

@test "500 short children: each is seen, from its birth to its end" {
	tree 0 sh -c 'i=0; while [ $i -lt 500 ]; do /bin/true $i; i=$((i + 1)); done'
	judge <<-'PY'
		assert len(P) == 501 and all(p["status"] == 0 and p["parent"] == P[0]["pid"] for p in P[1:])
		assert [p["execs"][0]["argv"][1] for p in P[1:]] == [str(i) for i in range(500)]
	PY
}

@test "--pid: what runs, as it is now, undisturbed" {
	sh -c 'sleep 20 | cat; :' 3>&- &
	PIDS="$! "
	await sh -c "pgrep -P $! -x cat && pgrep -P $! -x sleep"
	PIDS+=$(pgrep -P "$!" | tr '\n' ' ')
	"$T" tree --json -o tree.json --pid "$!"
	judge <<-'PY'
		assert [p["name"] for p in P][0] == "sh" and {p["name"] for p in P[1:]} == {"sleep", "cat"}, P
		assert all(p["state"] == "S" and p["end-ns"] is None and p["status"] is None for p in P), P
		assert pipes() == {(named("sleep")["pid"], named("cat")["pid"])}, t
	PY
	run -7 "$T" tree --pid 999999999
	[ "$output" = "tracehooks: there is no process 999999999" ]
}

@test "Ctrl-C: what there is until then; who is left runs on" {
	"$T" tree --json -o tree.json -- sh -c 'sleep 20 & echo $!; exit 0' >out 3>&- &
	run=$!
	await test -s out
	PIDS=$(cat out)
	sleep 0.1
	kill -INT "$run"
	wait "$run"
	judge <<<'assert named("sleep")["end-ns"] is None and P[0]["status"] == 0, P'
	[ "$(awk '/TracerPid/ { print $2 }' "/proc/$PIDS/status")" = 0 ]
	[ "$(awk '{ print $3 }' "/proc/$PIDS/stat")" = S ]
}

@test "--no-wait: a daemon is left as it is when the command has ended" {
	for i in 1 2 3 4 5; do
		run -4 "$T" tree --no-wait --force --json -o tree.json -- sh -c 'sleep 20 >/dev/null 2>&1 & echo $!; exit 4' 3>&-
		PIDS+=" $output"
		judge <<<'assert P[0]["status"] == 4 and len(P) == 2 and P[1]["end-ns"] is None, P'
	done
	run -2 "$T" tree --no-wait --pid 1
}

@test "killed: whatever ends, the command runs on" {
	"$T" tree -- sh -c 'echo $$ >pid; sleep 0.3; echo done >done' >out 2>&1 3>&- &
	run=$!
	await test -s pid
	kill -KILL "$(awk '/TracerPid/ { print $2 }' "/proc/$(cat pid)/status")"
	wait "$run" # what was written until then is shown
	grep -q 'the recorder was killed' out
	grep -q 'runs on  *sh -c' out
	[ -s done ]
	rm pid done
	"$T" tree -- sh -c 'echo $$ >pid; sleep 0.3; echo done >done' >out 2>&1 3>&- &
	run=$!
	await test -s pid
	kill -KILL "$run"
	await test -s done
}

# ---- how it is shown ----

@test "text: a tree, a row each, and the connections below" {
	run -0 --separate-stderr "$T" tree -- sh -c 'env sleep 0.01 | cat; (:); sh -c "kill -9 \$\$"; :'
	[[ ${lines[0]} =~ ^PID\ +START\ +TIME\ +EXIT\ +COMMAND ]]
	[[ $output =~ [0-9]+' '+0' ns '.*' 0  sh -c '"'env sleep" ]]
	[[ $output =~ ├─[0-9]+.*' 0  env sleep 0.01 => sleep 0.01' ]]
	[[ $output =~ ├─[0-9]+.*' 0  (sh)' ]]
	[[ $output =~ └─[0-9]+.*' SIGKILL  sh -c '.kill ]]
	[[ $output =~ pipe.*sleep\ [0-9]+' -> cat '[0-9]+ ]]
}

@test "names that are out to harm are escaped: in text, JSON and the picture; long ones are cut" {
	cp "$(type -P true)" $'<&"\e[31m'
	ln -s "$PWD/"$'<&"\e[31m' $'\xff'
	tree 0 sh -c $'./\'<&"\e[31m\' "</svg><script>" "\377\t"; ./\xff; /bin/true '"$(printf '%05000d' 1)"'; /bin/true '"$(seq -s ' ' 3000); :"
	judge <<-'PY'
		x = P[1]["execs"][0]
		assert x["argv"][:2] == ['./<&"\x1b[31m', "</svg><script>"], x
		assert [p["execs"][0]["cut"] for p in P[1:]] == [False, False, True, True], P
		assert sum(len(a) + 1 for a in P[4]["execs"][0]["argv"]) <= 4097, P
	PY
	"$T" tree -o hostile.svg -- sh -c $'./\'<&"\e[31m\' "</svg><script>" "\377\001"; :'
	xmllint --noout hostile.svg
	if grep -q '<script' hostile.svg; then false; fi
	run -0 "$T" tree -- sh -c $'./\'<&"\e[31m\'; :'
	if [[ $output = *$'\e'* ]]; then false; fi
}

@test "SVG: well-formed, a bar for each program, a line for each connection" {
	run -0 "$T" tree --svg -- sh -c 'for i in $(seq 12); do sleep 0.01 | cat & done; wait; exit 0'
	/usr/bin/python3 - "$output" <<-'PY'
		import sys, xml.etree.ElementTree as E
		svg = E.fromstring(sys.argv[1])
		n = "{http://www.w3.org/2000/svg}"
		paths = [p.get("class") for p in svg.iter(n + "path")]
		assert paths.count("pipe") == 12 + 2, paths      # of seq, too, and the legend's
		assert paths.count("fork") == 25, paths
		tips = [x.text for x in svg.iter(n + "title")]
		assert sum(x.startswith("cat\n") for x in tips) == 12 and sum(x.startswith("sleep 0.01\n") for x in tips) == 12, tips
		height = float(svg.get("height"))
		for r in svg.iter(n + "rect"):
		    assert float(r.get("width")) > 0 and float(r.get("x", 0)) >= 0 and float(r.get("y", 0)) < height, r.attrib
		    assert float(r.get("x", 0)) + float(r.get("width")) <= float(svg.get("width")), r.attrib
	PY
}

@test "-o: a picture by its name, nothing replaced without --force; misuse and what is no command" {
	run -0 "$T" tree -o a.svg -- true
	[ -z "$output" ]
	xmllint --noout a.svg
	run -2 "$T" tree -o a.svg -- touch ran
	[ ! -e ran ]
	run -0 "$T" tree --force -o a.svg --json -- true
	/usr/bin/python3 -m json.tool a.svg >/dev/null
	for args in "" "--pid 0" "--pid x" "--pid 1 -- true" "--svg --json -- true" "true"; do
		run -2 "$T" tree $args
	done
	run -127 --separate-stderr "$T" tree -o none.svg -- ./nothing
	[ "$stderr" = "tracehooks: ./nothing: No such file or directory" ]
	[ ! -e none.svg ]
}
