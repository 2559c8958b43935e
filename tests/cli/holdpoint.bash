# What the tests of hold points share.

HERE=$BATS_TEST_DIRNAME/../cli
STRICT='-Wall -Wextra -Werror -pedantic -Wshadow -Wundef -Wconversion -Wcast-qual -Wredundant-decls -Wpointer-arith'
STRICT_C="$STRICT -Wmissing-prototypes -Wstrict-prototypes"
STRICT_CXX="$STRICT -Wold-style-cast"

# build OUTPUT COMPILER FLAG...: the program, of its two files.
build() {
	local output=$1
	shift
	"$@" -pthread -I"$HERE/../../lib/include" -I"$HERE" "$HERE"/holdpoint.c "$HERE"/holdpoint_other.c \
		-o "$output"
}

build_strict() {
	local status=0
	build strict "$@" || return
	./strict || status=$?
	[ $status -eq 14 ]
}

# strict COMPILER...: builds for each standard, -O0 and -O2, without a warning, to no other effect.
strict() {
	local compiler standard level
	for compiler; do
		for level in -O0 -O2; do
			case $compiler in
			*++) for standard in c++11 gnu++17 c++20; do
				build_strict "$compiler" -x c++ "-std=$standard" "$level" $STRICT_CXX || return
			done ;;
			*) for standard in c99 c11 gnu99 gnu11 gnu17; do
				build_strict "$compiler" "-std=$standard" "$level" $STRICT_C || return
			done ;;
			esac
		done
	done
}

# start COMMAND...: in the background, as $PID; what it says on stderr is in the file said.
start() {
	: >said
	"$@" 2>said 3>&- &
	PID=$!
}

# until_said PATTERN [COUNT]: waits for so many lines of it.
until_said() {
	for _ in {1..200}; do
		[ "$(grep -c -- "$1" said)" -lt "${2:-1}" ] || return 0
		sleep 0.05
	done
	cat said
	return 1
}

# line WORD [N]: the printed line of that name, of the Nth block.
line() { sed -n "s/^  $1 *\(.*[^ ]\)  *(.*by itself.*)\$/\1/p; t; s/^  $1 *//p" said | sed -n "${2:-1}p"; }

# held_pid [N]: the Nth process that is held.
held_pid() { sed -n 's/^holdpoint: held \([0-9]*\): .*[^o]$/\1/p' said | sed -n "${1:-1}p"; }

# ended STATUS: how the program has, at once.
ended() {
	local status=0
	wait "$PID" || status=$?
	cat said
	[ "$status" -eq "$1" ]
}
