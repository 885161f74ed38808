#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# The screens of ioasidtop as a terminal shows them, against files that were looked at
# by a person (selftests/golden). What is shown is a recording that tools/tests/makerec.c
# makes, so that no kernel module is needed and nothing depends on time.
#
# IOASID_GOLDEN=update writes the files anew: look at them.
#	selftests/lab/in-root env IOASID_GOLDEN=update selftests/ioasidtop_tui.sh [NAME...]

set -uo pipefail

top=build/tools/ioasidtop
golden=selftests/golden
work=$(mktemp -d)
server=0	# each case has one of its own: one that ends is in the way of the next
trap 'tm kill-server 2>/dev/null; rm -rf "$work"' EXIT

tm() { tmux -L "ioasid-tui-$$-$server" -f /dev/null "$@"; }

# name | title | size | arguments | keys, of which each word is sent by itself
cases=(
	"first|the first screen, paused at a time|80x24|--at 30|"
	"wide|a wide one|120x40|--at 30|"
	"resize|resized while it runs|80x24|--at 30|@120x40"
	"resize-small|and made smaller, and back|120x40|--at 30|@40x10 @80x24"
	"tree|the tree of spaces|80x24|--at 30|t"
	"tree-wide|with what is only there in wide ones|120x40|--at 30 -t|"
	"faults|page faults|80x24|--at 75|f"
	"faults-wide|page faults, wide|120x40|--at 75 -F|"
	"summary|all operations of the machine|80x24|--at 30|1"
	"devices|devices and PASIDs|80x24|--at 30|4"
	"processes|processes|80x24|--at 30|5"
	"cgroups|cgroups|80x24|--at 30|6"
	"invalidations|invalidations|80x24|--at 30|7"
	"stacks|stacks are not in a recording|80x24|--at 30|9"
	"heat|the heat map of what was before|80x24|--at 60|0"
	"heat-other|of another operation|80x24|--at 60|0 o"
	"heat-jump|has the past of the time that was gone to|80x24|--at 60|0 {"
	"tab|views in their order, and back|80x24|--at 30|Tab Tab BTab"
	"space|a space is looked into|120x40|--at 30|Enter"
	"space-back|and left again|80x24|--at 30|Enter Escape"
	"of-process|what a process has|80x24|--at 30|5 Enter"
	"back-to-list|page faults and back|80x24|--at 30|f f"
	"sort|sorted by another column|80x24|--at 30|> >"
	"sort-left|to the left, the other way round|80x24|--at 30|< r"
	"filter|a filter that is typed|80x24|--at 30|/ d p d k Enter"
	"filter-typing|while it is typed|80x24|--at 30|/ 0 0 : 1 0"
	"filter-off|and taken back|80x24|--at 30|/ q e Enter Escape"
	"help|help|80x24|--at 30|h"
	"help-away|any key ends it|80x24|--at 30|h x"
	"step|a reading on|80x24|--at 30|]"
	"back|some readings back|80x24|--at 30|[ [ ["
	"minute-on|a minute on ends with the last|80x24|--at 45|}"
	"minute-back|a minute back|80x24|--at 85|{"
	"start|not further than the start|80x24|--at 5|{ [ ["
	"jump|to a time|80x24|--at 0|j 1 : 1 5 Enter"
	"jump-typing|while that is typed|80x24|--at 0|j 7 5"
	"jump-nonsense|nonsense goes nowhere|80x24|--at 10|j x : 1 Enter"
	"gone|a process that has just ended|80x24|--at 60|"
	"end|played to the end|80x24|--at 85 --speed 1000|Space"
	"again|and to be seen again, from the start|80x24|--at 89 --speed 0.1|] Space Space"
	"speed|faster|80x24|--at 30|+ + +"
	"slow|slower|80x24|--at 30|- - -"
	"lost|what was lost|80x24|--at 85|"
)

# The same with attributes and colours.
coloured=(
	"colour|what alarms is red|80x24|--at 85||TERM=screen-256color"
	"no-color|with NO_COLOR nothing is|80x24|--at 85||NO_COLOR=1"
)

# start SIZE ENVIRONMENT ARGUMENTS...: the program alone in a terminal.
start() {
	local size=$1 setting=$2
	shift 2
	tm kill-server 2>/dev/null
	server=$((server + 1))
	tm new-session -d -x "${size%x*}" -y "${size#*x}" \
		"exec env -u NO_COLOR $setting $top --replay $work/recording $* 2>$work/stderr"
}

send() {
	local key
	for key; do
		case $key in
		@*) key=${key#@}; tm resize-window -x "${key%x*}" -y "${key#*x}" ;;
		*) tm send-keys "$key" ;;
		esac
		sleep 0.1	# an escape and what follows would be another key
	done
}

capture() {
	tm capture-pane -p "$@" >"$work/screen" 2>/dev/null
	sed -i 's/\x1b/^[/g' "$work/screen"
}

drawn() { capture && grep -q . "$work/screen"; }

# Nothing changes any more: for files that are not there yet.
settled() {
	for _ in {1..50}; do
		sleep 0.5
		capture "$@"
		[ -s "$work/before" ] && cmp -s "$work/before" "$work/screen" && return
		cp "$work/screen" "$work/before"
	done
}

# The file is what is waited for: no time is right for all machines.
same() {
	local name=$1
	shift
	if [ "${IOASID_GOLDEN-}" = update ]; then
		rm -f "$work/before"
		settled "$@"
		cp "$work/screen" "$golden/$name.txt"
		return
	fi
	for _ in {1..150}; do
		capture "$@"
		! cmp -s "$golden/$name.txt" "$work/screen" || return 0
		sleep 0.2
	done
	diff -u "$golden/$name.txt" "$work/screen" | sed 's/^/# /'
	sed 's/^/# /' "$work/stderr"
	return 1
}

# show_case NAME SIZE ARGUMENTS KEYS SETTING CAPTURE...
show_case() {
	local name=$1 size=$2 arguments=$3 keys=$4 setting=$5
	shift 5
	start "$size" "$setting" "$arguments" || return
	for _ in {1..150}; do
		! drawn || break
		sleep 0.1
	done
	set -f
	# shellcheck disable=SC2086 # one key a word
	send $keys
	set +f
	same "$name" "$@"
}

report() {
	number=$((number + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $number - $2"
	else
		echo "not ok $number - $2"
		failed=$((failed + 1))
	fi
}

quits() {
	start 80x24 "" --at 30
	tm set-option -g remain-on-exit on
	for _ in {1..150}; do
		! drawn || break
		sleep 0.1
	done
	tm send-keys q
	for _ in {1..150}; do
		[ "$(tm display-message -p '#{pane_dead} #{pane_dead_status}')" != "1 0" ] || return 0
		sleep 0.1
	done
	return 1
}

build/tools/tests/makerec "$work/recording" || exit 1
number=0 failed=0
wanted=" $* "
echo "TAP version 13"
echo "1..$((${#cases[@]} + ${#coloured[@]} + 1))"
for entry in "${cases[@]}" "${coloured[@]}"; do
	IFS='|' read -r name title size arguments keys setting <<<"$entry"
	if [ $# -gt 0 ] && [[ $wanted != *" $name "* ]]; then
		number=$((number + 1))
		echo "ok $number - $title # SKIP not asked for"
		continue
	fi
	options=()
	[ -z "$setting" ] || options=(-e)
	show_case "$name" "$size" "$arguments" "$keys" "$setting" "${options[@]}"
	report $? "$title"
done
quits
report $? "q ends it with status 0"
[ "$failed" -eq 0 ]
