#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# run-all itself, with machines that only pretend: what must not pass for success,
# and that tests.list has all tests.

set -uo pipefail

selftests=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/lab/tap.sh
. "$selftests/lab/tap.sh"

tests=(
	passes:"tests that pass in every machine and on the host"
	unknown_test:"an unknown test is an error that names the known ones"
	unknown_kernel:"so is an unknown kernel"
	unknown_option:"and an unknown option"
	one_fails:"a test that fails"
	why:"what it said stands at the end, where whoever sees no more looks"
	failed_skip:"a test that failed was not skipped"
	plan_short:"a program that ends before its plan does"
	plan_missing:"a program that prints no plan"
	bad_exit:"a program that exits with an error though all passed"
	dies:"a machine that ends early"
	all_skipped:"a program that skips all it planned"
	nothing_passed:"nothing that passed"
	counter_dies:"a machine whose results were not read to the end"
	machine_bad:"a machine that the kernel log or a leak speaks against"
	list:"tests.list has all programs, in places where they are run"
)

# A tree of its own: the real runner, two kernels, three tests, and "machines"
# that print $stub_stream for each program and exit with $stub_status.
tree() {
	rm -rf "$work/selftests"
	mkdir -p "$work/selftests/lab"
	cp "$selftests/run-all" "$selftests/tap.awk" "$work/selftests/"
	printf '1.0 old image\n2.0 new image\n' >"$work/selftests/lab/kernels"
	# Whoever we are: nothing here needs root, and where tests run is no sudo.
	{ echo 'id() { echo 0; }'; cat "$selftests/lab/lib.sh"; echo 'ensure_root() { :; }'; } \
		>"$work/selftests/lab/lib.sh"
	printf 'a vm legacy,scalable\nb vm legacy 600\nc host -\n' >"$work/selftests/tests.list"
	cat >"$work/selftests/lab/run" <<-'END'
		#!/bin/bash
		for last; do
			[[ $last =~ ^[abc]\ [0-9]+$ ]] || continue
			printf '## begin %s\n%b' "${last% *}" "$stub_stream"
		done
		eval "${stub_end-}"
		exit "$stub_status"
	END
	chmod +x "$work/selftests/lab/run"
	ln -s run "$work/selftests/lab/in-root"
}

# runner STREAM STATUS ARGUMENT...: runs it, output and status are in $output and $rc.
runner() {
	export stub_stream=$1 stub_status=$2
	shift 2
	tree
	rc=0
	output=$("$work/selftests/run-all" "$@" 2>&1) || rc=$?
}

# says STATUS LINE: how it must have ended, and a line that must be in its output.
says() {
	[ "$rc" -eq "$1" ] && grep -qxF -e "$2" <<<"$output" && return
	printf '# expected status %s and "%s", it ended with %s:\n' "$1" "$2" "$rc"
	printf '%s\n' "$output" | sed 's/^/#   /'
	return 1
}

good='1..1\nok 1 - x\n## end a 0\n'

passes() {
	runner "$good" 0
	says 0 "11 passed, 0 failed, 0 skipped" || return
	runner "$good" 0 -k 1.0 b
	says 0 "2 passed, 0 failed, 0 skipped"
}

unknown_test() {
	runner "$good" 0 a bb
	says 2 "run-all: there is no test 'bb', there are: a b c" || return
	runner "$good" 0 "a b"
	says 2 "run-all: there is no test 'a b', there are: a b c"
}

unknown_kernel() {
	runner "$good" 0 -k 3.0 a
	says 2 "run-all: there is no kernel '3.0', there are: 1.0 2.0 debug all"
}

unknown_option() {
	runner "$good" 0 -x
	says 2 "usage: run-all [-k SERIES|debug|all] [NAME...]"
}

one_fails() {
	runner '1..2\nok 1 - x\nnot ok 2 - y\n## end a 1\n' 0 -k 1.0 b
	says 1 "2 passed, 1 failed, 0 skipped"
}

why() {
	runner '1..2\n# not this\nok 1 - x\n# expected 1\nnot ok 2 - y\n## end a 1\n' 0 -k 1.0 b
	says 1 "    1.0 legacy b: # expected 1" || return
	! grep -q '^    .*not this' <<<"$output"
}

failed_skip() {
	runner '1..2\nok 1 - x\nnot ok 2 - y # SKIP no device\n## end a 1\n' 0 -k 1.0 b
	says 1 "2 passed, 1 failed, 0 skipped"
}

plan_short() {
	runner '1..2\nok 1 - x\n## end a 0\n' 0 -k 1.0 b
	says 1 "2 passed, 1 failed, 0 skipped"
}

plan_missing() {
	runner 'cannot run\n## end a 127\n' 0 -k 1.0 b
	says 1 "1 passed, 1 failed, 0 skipped"
}

bad_exit() {
	runner '1..1\nok 1 - x\n## end a 124\n' 0 -k 1.0 b
	says 1 "2 passed, 1 failed, 0 skipped"
}

dies() {
	runner '1..2\nok 1 - x\n' 125 -k 1.0 b
	says 1 "1 passed, 2 failed, 0 skipped"
}

all_skipped() {
	runner '1..1\nok 1 - x # SKIP no device\n## end a 4\n' 0 -k 1.0 b
	says 1 "1 passed, 1 failed, 1 skipped"
}

nothing_passed() {
	runner '1..0 # SKIP no data\n## end a 4\n' 0 c
	says 1 "0 passed, 0 failed, 1 skipped"
}

# Long enough for the counter to have written some results and not yet others.
counter_dies() {
	local many
	many='1..99\n'$(printf 'ok %d - a result of some length, to fill the buffer\\n' {1..98})
	# shellcheck disable=SC2016 # expanded by the machine
	export stub_end='sleep 0.5; kill "$(pgrep -f "^awk.* $stub_work/selftests/tap.awk")"' stub_work=$work
	runner "$many" 143 -k 1.0 b
	unset stub_end
	says 1 "failed: 1.0 legacy machine: not ok 1 - no kernel report, modules unload"
}

machine_bad() {
	runner "$good" 1 -k 1.0 b
	says 1 "1 passed, 1 failed, 0 skipped"
}

# Programs are *.c and *.sh here; each has a line, and each line a program.
list() {
	local programs listed bad
	programs=$(find "$selftests" -maxdepth 1 \( -name '*.c' -o -name '*.sh' \) |
		sed -e 's,.*/,,' -e 's/\.[a-z]*$//' | sort -u)
	listed=$(sed 's/#.*//' "$selftests/tests.list" | awk 'NF { print $1 }' | sort)
	bad=$(diff <(echo "$programs") <(echo "$listed"))
	bad+=$(sed 's/#.*//' "$selftests/tests.list" | awk '
		NF && !(($2 == "vm" && $3 ~ /^(legacy|scalable|nosnoop|icount|bare)(,(legacy|scalable|nosnoop|icount|bare))*$/) ||
			($2 == "host" && $3 == "-"))')
	[ -z "$bad" ] || printf '%s\n' "$bad" | sed 's/^/# /'
	[ -z "$bad" ]
}

run_tests "$@"
