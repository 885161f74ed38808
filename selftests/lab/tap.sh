# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# For tests that are scripts. Source it, and end with run_tests: it runs the functions
# that the array "tests" names, in entries NAME:what-it-says, and prints TAP.

# run_tests [NAME...]: those, or all. What a function prints is shown if it fails; after
# each of them "after_test" is called, where there is such a function.
run_tests() {
	local entry chosen=() number=0 failed=0 result log
	for entry in "${tests[@]}"; do
		[ $# -gt 0 ] && [[ " $* " != *" ${entry%%:*} "* ]] || chosen+=("$entry")
	done
	log=$(mktemp)
	echo "TAP version 13"
	echo "1..${#chosen[@]}"
	for entry in "${chosen[@]}"; do
		number=$((number + 1)) result=ok
		"${entry%%:*}" >"$log" 2>&1 || result="not ok"
		! declare -F after_test >/dev/null || after_test
		if [ "$result" != ok ]; then
			sed 's/^\(# \)*/# /' "$log"
			failed=$((failed + 1))
		fi
		echo "$result $number - ${entry#*:}"
	done
	rm -f "$log"
	[ "$failed" -eq 0 ]
}
