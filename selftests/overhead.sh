#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: overhead.sh [-t]
#
# What it costs to be watched: instructions that a map, an unmap and a page fault take
# with each of the tools attached. For a machine that runs one instruction a nanosecond:
#
#	selftests/lab/run -k 7.3 --icount -- selftests/overhead.sh -t
#
# -t prints the table of docs/overhead.md, with bpftrace and ftrace doing the same beside.
# Without, it is a test: a tool must not attach more programs, nor cost more, than
# documented. Where instructions are not counted, there is nothing to be tested.

set -uo pipefail

load=build/tools/tests/opcost
tools=build/tools
events=/sys/kernel/tracing/events/ioasid
work=$(mktemp -d)
# shellcheck source=/dev/null
[ -f /run/lab.env ] && . /run/lab.env
trap 'rm -rf "$work"' EXIT

# Programs that a tool attaches and, in instructions, what it may add to a map, an unmap
# and a fault: what was measured (docs/overhead.md, the larger of both kernels) and 15 %.
# A fault waits for a worker, and when that runs is not always the same: FAULT_SLACK.
FAULT_SLACK=200
tests=(
	"0 20 20 0:the driver's counters cost nothing:ioasidtop -b --no-bpf -i 3600"
	"12 960 1450 3400:ioasidtop with histograms:ioasidtop -b -i 3600"
	"15 2250 3280 2200:ioasidlat by phase:ioasidlat -i 3600"
	"2 1160 1090 0:ioasidlat of maps and unmaps, whole:ioasidlat -B none -o map,unmap -i 3600"
	"21 1230 1970 2000:ioasidsnoop:ioasidsnoop"
	"21 12500 26600 30600:ioasidsnoop with both stacks:ioasidsnoop -k -u"
)

# How long a run takes that shows one thing, in ms at one instruction a nanosecond.
FIRST_MS=500
starts=(
	"ioasidtop --no-bpf -b -n 1 -i 0.05"
	"ioasidtop -b -n 1 -i 0.05"
	"ioasidlat -n 1 -i 0.05"
	"ioasidsnoop --json -d 0.05"
)

# Of the table, beside: who else measures the same.
hist='{ @[probe] = hist(args.lat_ns, 4); }'
fentry='{ @t[tid] = nsecs; }'
fexit='{ @[probe] = hist(nsecs - @t[tid], 4); delete(@t[tid]); }'
print='{ printf("%s %d %d %x %d %d\n", comm, args.ctx, args.ioasid, args.iova, args.result, args.lat_ns); }'
stacks='{ printf("%s %d %d %x %d %d%s%s\n", comm, args.ctx, args.ioasid, args.iova, args.result, args.lat_ns, kstack, ustack); }'
others=(
	"bpftrace, histograms of the tracepoints' lat_ns:tracepoint:ioasid:ioasid_map,tracepoint:ioasid:ioasid_unmap $hist"
	"bpftrace, histograms by fentry and fexit:fentry:ioasid:ioasid_space_map,fentry:ioasid:ioasid_space_unmap $fentry fexit:ioasid:ioasid_space_map,fexit:ioasid:ioasid_space_unmap $fexit"
	"bpftrace, a line for each map and unmap:tracepoint:ioasid:ioasid_map,tracepoint:ioasid:ioasid_unmap $print"
	"bpftrace, the same with both stacks:tracepoint:ioasid:ioasid_map,tracepoint:ioasid:ioasid_unmap $stacks"
)

# How many programs a process has.
programs() { grep -ls ^prog_type: "/proc/$1/fdinfo/"* 2>/dev/null | wc -l; }

# All is attached when it waits for something to happen: poll, epoll_wait, ppoll, epoll_pwait.
waits() {
	local number rest
	read -r number rest <"/proc/$1/syscall" 2>/dev/null || return 1
	[[ $number =~ ^(7|232|271|281)$ ]]
}

# start COMMAND...: sets $tool. It gets the processor only when the load has no use for
# it: what it does with what it is told is not what is measured.
start() {
	local steady=0
	chrt --idle 0 "$@" >/dev/null 2>"$work/stderr" </dev/null &
	tool=$!
	for _ in {1..600}; do
		kill -0 "$tool" 2>/dev/null || break
		if waits "$tool"; then steady=$((steady + 1)); else steady=0; fi
		[ "$steady" -lt 5 ] || return 0
		sleep 0.1
	done
	echo "# $* does not start: $(head -n 3 "$work/stderr")"
	return 1
}

stop() {
	kill -INT "$tool" 2>/dev/null
	wait "$tool"
}

# Sets $map, $unmap and $fault. The processor is never idle meanwhile: else a tool that has
# something to do would save a fault, which waits, the way into idleness and back.
measure() {
	local busy status=0
	chrt --idle 0 sh -c 'while :; do :; done' &
	busy=$!
	read -r _ map _ unmap _ fault < <(chrt --fifo 1 "$load") || { echo "# $load failed"; status=1; }
	kill "$busy"
	wait "$busy" 2>/dev/null
	return "$status"
}

# nothing attached, once the caches of the kernel are warm
measure_nothing() {
	chrt --fifo 1 "$load" >/dev/null && measure || return 1
	map0=$map unmap0=$unmap fault0=$fault
}

# Sets $first: ms of a run that shows one thing and ends. Time without the processor is
# not counted: while this machine waits for its disk, its clock leaps.
measure_start() {
	local TIMEFORMAT='%3U %3S' user sys
	"$@" >/dev/null 2>&1 || { echo "# $* failed"; return 1; }
	{ time "$@" >/dev/null 2>&1; } 2>"$work/time"
	read -r user sys <"$work/time"
	user=${user/./} sys=${sys/./}
	first=$((10#$user + 10#$sys))
	[ "$first" -gt 0 ]
}

row() { printf '| %s | %s | %s | %s | %s |\n' "$@"; }

extra() { row "$1" "$2" "$((map - map0))" "$((unmap - unmap0))" "$((fault - fault0))"; }

# A tool that is watched by nobody but us: title, command.
tool_row() {
	local n
	start "${@:2}" || return 1
	n=$(programs "$tool")
	measure
	stop
	extra "$1" "$n"
}

table() {
	local line title command
	printf 'Linux %s, instructions:\n\n' "$(uname -r)"
	row '' programs map unmap fault
	row --- --- --- --- ---
	measure_nothing || exit 1
	row 'nothing attached' 0 "$map" "$unmap" "$fault"
	for line in "${tests[@]}"; do
		read -ra command <<<"${line##*:}"
		tool_row "\`${line##*:}\`" "$tools/${command[0]}" "${command[@]:1}" || exit 1
	done
	for line in "${others[@]}"; do
		title=${line%%:*}
		tool_row "$title" bpftrace -q -e "${line#*:}" || exit 1
	done
	[ -e "$events" ] || mount -t tracefs tracefs /sys/kernel/tracing
	echo 1 >"$events/enable" && measure && echo 0 >"$events/enable"
	extra 'ftrace, all events of ioasid' 0
	printf '\nMilliseconds of a run that shows one thing, at one instruction a nanosecond:\n\n'
	printf '| %s | %s |\n' '' ms --- ---
	for line in "${starts[@]}"; do
		read -ra command <<<"$line"
		measure_start "$tools/${command[0]}" "${command[@]:1}" || exit 1
		printf '| %s | %s |\n' "\`$line\`" "$first"
	done
}

# within WHAT VALUE MOST
within() {
	[ "$2" -le "$3" ] || { echo "# $1: $2, documented are up to $3"; return 1; }
}

check() {
	local most_programs=$1 most_map=$2 most_unmap=$3 most_fault=$4 n status=0
	start "$tools/$5" "${@:6}" || return 1
	n=$(programs "$tool")
	measure || status=1
	stop
	echo "# programs $n map +$((map - map0)) unmap +$((unmap - unmap0)) fault +$((fault - fault0))"
	[ "$n" = "$most_programs" ] || { echo "# $n programs, documented are $most_programs"; status=1; }
	within map $((map - map0)) "$most_map" || status=1
	within unmap $((unmap - unmap0)) "$most_unmap" || status=1
	within fault $((fault - fault0)) $((most_fault + FAULT_SLACK)) || status=1
	return "$status"
}

check_starts() {
	local command line status=0
	for line in "${starts[@]}"; do
		read -ra command <<<"$line"
		measure_start "$tools/${command[0]}" "${command[@]:1}" || return 1
		echo "# $line: $first ms"
		within "$line" "$first" "$FIRST_MS" || status=1
	done
	return "$status"
}

verdict() {
	if [ "$1" -eq 0 ]; then echo "ok $2 - $3"; else echo "not ok $2 - $3"; failed=1; fi
}

run_tests() {
	local n=0 failed=0 line bounds title command
	echo TAP version 13
	if [ -z "${LAB_ICOUNT-}" ]; then
		echo "1..0 # SKIP instructions are not counted here: run --icount"
		exit 4
	fi
	measure_nothing || exit 1
	echo "1..$((${#tests[@]} + 1))"
	for line in "${tests[@]}"; do
		IFS=: read -r bounds title command <<<"$line"
		read -ra bounds <<<"$bounds"
		read -ra command <<<"$command"
		n=$((n + 1))
		check "${bounds[@]}" "${command[@]}"
		verdict $? "$n" "$title"
	done
	check_starts
	verdict $? "$((n + 1))" "there is something to show within half a billion instructions"
	exit "$failed"
}

if [ "${1-}" = -t ]; then table; else run_tests; fi
