# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests that are scripts. Source it, and end with run_tests: it runs the functions
# that the array "tests" names, in entries NAME:what-it-says, and prints TAP.
#
# A test that finds out that it is not for this machine says why in $skip. What a
# function prints is shown if it fails, with the last commands that it ran: some fail
# once in hundreds of runs, on a machine that nobody can look at.

fail() { echo "# $*"; return 1; }

# How a test that failed ended: its output, the trace of its commands.
show_failure() {
	sed 's/^\(# \)*/# /' "$1"
	echo "# its last commands:"
	tail -n 14 "$2" | head -n -2 | cut -c 1-160 | sed 's/^/#   /'
}

# traced FUNCTION LOG TRACE
traced() {
	local status=0 fd
	exec {fd}>"$3"
	BASH_XTRACEFD=$fd
	set -x
	"$1" >"$2" 2>&1 || status=$?
	set +x
	unset BASH_XTRACEFD	# which closes it
	return "$status"
}

# run_tests [NAME...]: those, or all. After each of them "after_test" is called, where
# there is such a function.
run_tests() {
	local entry chosen=() number=0 failed=0 skipped=0 result dir
	for entry in "${tests[@]}"; do
		[ $# -gt 0 ] && [[ " $* " != *" ${entry%%:*} "* ]] || chosen+=("$entry")
	done
	dir=$(mktemp -d)
	echo "TAP version 13"
	echo "1..${#chosen[@]}"
	for entry in "${chosen[@]}"; do
		number=$((number + 1)) result=ok skip=''
		traced "${entry%%:*}" "$dir/log" "$dir/trace" || result="not ok"
		! declare -F after_test >/dev/null || after_test
		if [ "$result" != ok ]; then
			show_failure "$dir/log" "$dir/trace"
			skip=''
			failed=$((failed + 1))
		elif [ -n "$skip" ]; then
			skipped=$((skipped + 1))
		fi
		echo "$result $number - ${entry#*:}${skip:+ # SKIP $skip}"
	done
	rm -rf "$dir"
	echo "# Totals: pass:$((number - failed - skipped)) fail:$failed xfail:0 xpass:0 skip:$skipped error:0"
	[ "$failed" -eq 0 ]
}
