#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: tools_perf.sh [TEST...]
#
# What ioasidperf says about results, without a kernel: verdicts, exit statuses, reports,
# which function is blamed. The statistics: tools/tests/unit_perf.c.

# "a && b || fail" means it.
# shellcheck disable=SC2015
set -uo pipefail

perf=$PWD/build/tools/ioasidperf
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. selftests/lab/tap.sh

# run NAME KERNEL [WORKLOAD PHASE UNIT SAMPLES FUNCTIONS]...: a file of results.
run() {
	local file=$work/$1 kernel=$2
	shift 2
	{
		printf '{"schema":"ioasidperf/1","utc":"x","machine":{"release":"%s","machine":"m",' "$kernel"
		printf '"processor":"<p&>","cpus":1},"results":['
		local comma=''
		while [ $# -gt 0 ]; do
			printf '%s{"workload":"%s","door":"ioasid","phase":"%s","unit":"%s","runs":1,' \
				"$comma" "$1" "$2" "$3"
			printf '"samples":[%s],"functions":{%s}}' "$4" "$5"
			comma=,
			shift 5
		done
		printf ']}\n'
	} >"$file"
}

# samples BASE: thirty of them, no two alike, in no order.
samples() { seq 0 29 | awk -v base="$1" '{ printf "%s%d", (NR > 1 ? "," : ""), base + ($1 * 7 % 30) * base / 1000 }'; }

# status WANTED ARGUMENT...: runs it, output in $work/out.
status() {
	local wanted=$1 got=0
	shift
	"$perf" "$@" >"$work/out" 2>"$work/err" || got=$?
	[ "$got" -eq "$wanted" ] || fail "$*: status $got, expected $wanted: $(cat "$work/out" "$work/err")"
}

verdicts() {
	run old 1.0 4k map ns "$(samples 10000)" '' 4k unmap ns "$(samples 8000)" ''
	run slow 1.0 4k map ns "$(samples 11000)" '' 4k unmap ns "$(samples 8010)" ''
	status 0 compare "$work/old" "$work/old" || return
	grep -q '^2 pass, 0 improved, 0 regressed, 0 inconclusive$' "$work/out" || fail "$(<"$work/out")" || return
	status 1 compare "$work/old" "$work/slow" || return
	grep -qE '^4k +ioasid +map .*regressed$' "$work/out" && grep -qE '^4k +ioasid +unmap .*pass$' "$work/out" ||
		fail "$(<"$work/out")" || return
	status 0 compare "$work/slow" "$work/old" || return
	grep -qE '^4k +ioasid +map .*improved$' "$work/out" || fail "$(<"$work/out")" || return
	status 0 compare --threshold 20 "$work/old" "$work/slow"
}

# What cannot be said is not said.
inconclusive() {
	run old 1.0 4k map ns "$(samples 10000)" ''
	run few 1.0 4k map ns 11000,11100,11200 ''
	status 4 compare "$work/old" "$work/few" && grep -q 'too few samples' "$work/out" || return
	run two 1.0 4k map ns "$(samples 10000),$(samples 15000)" ''
	status 4 compare "$work/old" "$work/two" && grep -q 'two heaps' "$work/out" || return
	run near 1.0 4k map ns "$(samples 10490)" ''
	status 4 compare "$work/old" "$work/near" && grep -q 'threshold in it' "$work/out" || fail "$(<"$work/out")"
}

machines() {
	run old 1.0 4k map ns "$(samples 10000)" ''
	run other 2.0 4k map ns "$(samples 10000)" ''
	run else 1.0 64k map ns "$(samples 10000)" ''
	status 3 compare "$work/old" "$work/other" && status 0 compare --force "$work/old" "$work/other" &&
		status 3 compare "$work/old" "$work/else" && status 3 compare "$work/old" "$work/none" &&
		status 2 compare "$work/old" && status 2 compare -f x "$work/old" "$work/old"
}

# What only one of the runs has is said, and how many.
one_sided() {
	run old 1.0 4k map ns "$(samples 10000)" '' 4k unmap ns "$(samples 8000)" '' 64k map ns 1,2,3 ''
	run new 1.0 4k map ns "$(samples 10000)" '' 2m map ns 1,2,3 '' 4k unmap instructions 7 ''
	status 0 compare "$work/old" "$work/new" || return
	grep -q ' inconclusive; not compared: 2 only in OLD, 2 only in NEW$' "$work/out" || fail "$(<"$work/out")" || return
	status 0 compare -f json "$work/old" "$work/new" || return
	[ "$(jq -c '[.only_old, .only_new]' "$work/out")" = "[2,2]" ] || fail "$(<"$work/out")"
}

# A file of somebody else's: no tags for a browser, no escapes for a terminal.
hostile() {
	local name
	run old 1.0 4k map ns "$(samples 10000)" ''
	for name in '<script>' 'a\u001b[31m' 'a b' ''; do
		run bad 1.0 "$name" map ns "$(samples 10000)" ''
		status 3 compare "$work/bad" "$work/bad" || return
		run bad 1.0 4k "$name" ns "$(samples 10000)" ''
		status 3 compare -f html "$work/old" "$work/bad" || return
	done
	run bad '1.0\u001b[31m' 4k map ns "$(samples 10000)" '"a\u001bb":1'
	status 3 compare "$work/old" "$work/bad" || return
	grep -qF '1.0?[31m' "$work/err" && ! grep -q $'\e' "$work/err" || fail "$(<"$work/err")" || return
	run other 2.0 4k map ns "$(samples 10000)" ''
	cat "$work/old" "$work/other" >"$work/both"
	status 3 compare "$work/old" "$work/both" && grep -q 'from one machine' "$work/err" || fail "$(<"$work/err")"
}

# Counted instructions need no statistics.
exact() {
	run old 1.0 4k map instructions 5000,5004 ''
	run new 1.0 4k map instructions 5300,5304 ''
	status 1 compare "$work/old" "$work/new" && grep -q ' exact .*regressed' "$work/out" &&
		status 0 compare --threshold 7 "$work/old" "$work/new"
}

reports() {
	run old 1.0 4k map ns "$(samples 10000)" '' 4k unmap ns "$(samples 8000)" ''
	run slow 1.0 4k map ns "$(samples 11000)" '' 4k unmap ns 1,2 ''
	status 1 compare -f json "$work/old" "$work/slow" || return
	[ "$(jq -r '.schema, .regressed, .inconclusive, (.cells[0] | .verdict, .n_before)' "$work/out" | paste -sd' ')" = \
		"ioasidperf-comparison/1 1 1 regressed 30" ] || fail "JSON: $(<"$work/out")" || return
	status 1 compare -f junit "$work/old" "$work/slow" || return
	grep -q '<testsuite name="ioasidperf" tests="2" failures="1" skipped="1">' "$work/out" &&
		grep -q 'name="4k map"><failure ' "$work/out" && grep -q 'name="4k unmap"><skipped ' "$work/out" ||
		fail "JUnit: $(<"$work/out")" || return
	status 1 compare -f html "$work/old" "$work/slow" || return
	[ "$(grep -o '<circle class="a" cx="[0-9.]*" cy="[0-9]*" r="2.5"' "$work/out" | wc -l)" -eq 60 ] &&
		grep -q '&lt;p&amp;>' "$work/out" && ! grep -qE 'nan|inf|http' "$work/out" || fail "HTML: $(<"$work/out")"
}

# The function that grew is named, and nothing when nothing grew beyond the tolerance.
blame() {
	run old 1.0 4k map instructions 1000 '"a":500,"ioasid:b":400,"c":100'
	run new 1.0 4k map instructions 1030 '"a":500,"ioasid:b":432,"c":98'
	run little 1.0 4k map instructions 1009 '"a":500,"ioasid:b":409,"c":100'
	run less 1.0 4k map instructions 900 '"a":500,"ioasid:b":300,"c":100'
	status 1 check "$work/old" "$work/new" || return
	grep -qE '^ +\+32  ioasid:b: 400 -> 432$' "$work/out" && ! grep -qE '[+-][0-9]+  (a|c):' "$work/out" ||
		fail "$(<"$work/out")" || return
	status 0 check "$work/old" "$work/little" && status 1 check -t 0 "$work/little" "$work/new" &&
		status 0 check "$work/old" "$work/less" && grep -qE -- '-100  ioasid:b: 400 -> 300' "$work/out" ||
		fail "$(<"$work/out")"
}

# Runs in turn add up: what was measured of a cell is one set of samples.
join() {
	run a 1.0 4k map ns 1,2,3 ''
	run b 1.0 4k map ns 9,8 ''
	cat "$work/a" "$work/b" >"$work/both"
	run all 1.0 4k map ns 1,2,3,9,8 ''
	status 4 compare -f json "$work/both" "$work/all" || return
	[ "$(jq -c '[.cells[] | .n_before, .n_after, .before, .after]' "$work/out")" = '[5,5,3.0,3.0]' ] ||
		fail "$(<"$work/out")"
}

# Another kernel decides nothing; what was not measured does.
baselines() {
	run old 1.0 4k map instructions 1000 '"a":1000' 64k map instructions 2000 '"a":2000'
	run other 2.0 4k map instructions 1500 '"a":1500' 64k map instructions 2000 '"a":2000'
	run part 1.0 4k map instructions 1000 '"a":1000'
	status 4 check "$work/old" "$work/other" && grep -q '^inconclusive: the baseline is of kernel 1.0' "$work/out" &&
		status 1 check "$work/old" "$work/part" && grep -q '^GONE ' "$work/out" || fail "$(<"$work/out")"
}

# From addresses to functions: of modules too, whatever the compiler made of a name.
attribution() {
	printf '{"schema":"ioasidperf/1","utc":"x","machine":{"release":"1"},"results":[
		{"workload":"4k","door":"ioasid","phase":"map","unit":"instructions","runs":1,"window":1,"samples":[9]}]}' |
		tr -d '\n' >"$work/results"
	cat >"$work/symbols" <<-'END'
		ffffffff81000000 T _text
		ffffffff81000010 t __pfx_alpha
		ffffffff81000020 T alpha
		ffffffff81000060 t beta.isra.0
		ffffffff81000100 D data
		ffffffffc0000000 t gamma.cold	[ioasid]
	END
	printf 'window 0\nffffffff81000020 77\nwindow 1\nffffffff81000020 5\nffffffff81000050 3\n%s\n' \
		$'ffffffff81000070 2\nffffffffc0000010 7\n0 11' >"$work/counts"
	status 0 attribute "$work/results" "$work/counts" "$work/symbols" || return
	[ "$(jq -c '.results[0].functions' "$work/out")" = '{"user space":11,"alpha":8,"ioasid:gamma":7,"beta":2}' ] ||
		fail "$(<"$work/out")" || return
	printf 'window 0\n' >"$work/counts"
	status 1 attribute "$work/results" "$work/counts" "$work/symbols"
}

history() {
	run a 1.0 4k map ns 100,100 ''
	run b 1.0 4k map ns 110,110 ''
	run c 1.0 4k map ns 150,150 '' 64k map ns 9,9 ''
	status 0 history "$work/a" "$work/b" "$work/c" || return
	grep -qE '^4k +ioasid +map +100 -> +150 +\+50\.00%  ▁▂█  100\.\.150 ns$' "$work/out" &&
		[ "$(wc -l <"$work/out")" -eq 2 ] || fail "$(<"$work/out")" || return
	status 0 history -c 64k:ioasid:map "$work/a" "$work/c" && [ "$(wc -l <"$work/out")" -eq 1 ] &&
		status 3 history -c x "$work/a"
}

# No file makes it crash, and no file but its own is taken.
foreign() {
	local text
	for text in '' '{' '[]' '{"schema":"ioasidperf/1"}' '{"schema":"ioasidperf/1","results":[1]}' \
		'{"schema":"ioasidperf/1","results":[{"workload":"a","door":"b","phase":"c","unit":"d","samples":["x"]}]}' \
		'{"schema":"ioasidperf/1","results":[{"workload":"a","door":"b","phase":"c","unit":"d","samples":[]}]}'; do
		printf '%s\n' "$text" >"$work/bad"
		status 1 table "$work/bad" && status 3 compare "$work/bad" "$work/bad" || return
	done
}

tests=(
	verdicts:"pass, regressed, improved, and the status of each"
	inconclusive:"few samples, two heaps, a change at the threshold: no statement"
	machines:"runs of other machines are not compared unasked"
	one_sided:"what is only in one run is counted, not left out in silence"
	hostile:"results of somebody else are harmless: no tags, no escapes, one machine"
	exact:"counted instructions are compared as they are"
	reports:"JSON, JUnit and HTML say the same"
	blame:"check names the function that grew, and only that"
	join:"several runs in a file become one"
	baselines:"a baseline of another kernel decides nothing, a missing cell does"
	attribution:"addresses become functions"
	history:"cells over several runs"
	foreign:"files that are not results are refused"
)
if [ $# -eq 0 ]; then
	build/tools/tests/unit_perf >"$work/unit" 2>&1
	unit=$?
	unit() { sed 's/^/# /' "$work/unit"; return "$unit"; }
	tests+=(unit:"the statistics: all of unit_perf")
fi
run_tests "$@"
