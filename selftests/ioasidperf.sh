#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidperf.sh [TEST...]
#
# ioasidperf in a machine of the lab. In one that counts instructions: what it counts is
# the same each time. In any other: that it measures, and what it refuses.

# "a && b || fail" means it.
# shellcheck disable=SC2015
set -uo pipefail

perf=$PWD/build/tools/ioasidperf
work=$(mktemp -d)
[ -n "${LAB_MODULES-}" ] || . /run/lab.env
. selftests/lab/tap.sh

# result FILE WORKLOAD DOOR PHASE KEY
result() {
	jq -r --arg w "$2" --arg d "$3" --arg p "$4" \
		".results[] | select(.workload == \$w and .door == \$d and .phase == \$p) | .$5" "$1"
}

costs() { jq -r '.results[] | "\(.workload) \(.door) \(.phase) \(.cost)"' "$1"; }

counts() { [ -n "$counting" ]; }

list() {
	"$perf" list >"$work/list" || fail "list: status $?"
	grep -q '^  64m-thp ' "$work/list" && grep -q '^  floor ' "$work/list" ||
		fail "not all is listed: $(<"$work/list")"
	grep -q '^  iommufd .*not here' "$work/list" || [ -e /dev/iommu ] ||
		fail "a door that is not there is listed as if it were"
}

usage() {
	local status
	for args in "" "nothing" "run --workload nothing" "run --door nothing" "run -n 0" "run x" "table"; do
		status=0
		# shellcheck disable=SC2086 # words
		"$perf" $args >/dev/null 2>&1 || status=$?
		[ "$status" -eq 2 ] || fail "'$args': status $status" || return
	done
	status=0
	echo '{"schema":"else"}' | "$perf" table - >/dev/null 2>&1 || status=$?
	[ "$status" -eq 1 ] || fail "results of another schema: status $status"
}

# The peer's figures must be the peer's: with ours in its place there are none.
refuses() {
	local status=0
	"$perf" run --door "$1" --workload 4k >/dev/null 2>"$work/err" || status=$?
	[ "$status" -eq 3 ] && grep -q "door $1: " "$work/err" ||
		fail "door $1: status $status, $(<"$work/err")"
}

place() {
	if counts; then refuses shim; else refuses type1; fi
}

# What the floor says beyond map and unmap, and that samples are all there.
measures() {
	local door phases='map unmap' phase
	for door in floor ioasid "$vfio"; do
		"$perf" run --json --door "$door" --workload 4k,64k,2m-thp -n 5 >"$work/$door" ||
			fail "$door: status $?" || return
		[ "$door" != floor ] || phases='map unmap pin unpin'
		for phase in $phases; do
			[ "$(result "$work/$door" 64k "$door" "$phase" 'samples | length')" -eq 5 ] ||
				fail "$door 64k $phase: not 5 samples" || return
			[ "$(result "$work/$door" 64k "$door" "$phase" cost)" -gt 0 ] ||
				fail "$door 64k $phase costs nothing" || return
		done
		phases='map unmap'
		[ "$(result "$work/$door" 64k "$door" map runs)" -eq 16 ] &&
			[ "$(result "$work/$door" 2m-thp "$door" map runs)" -eq 1 ] ||
			fail "$door: the memory is not what the workload wants" || return
		[ "$(result "$work/$door" 4k "$door" map unit)" = "$unit" ] ||
			fail "$door: the unit is not $unit" || return
	done
}

table() {
	cat "$work/floor" "$work/ioasid" "$work/$vfio" >"$work/all"
	"$perf" table "$work/all" >"$work/table" || fail "status $?" || return
	grep -qE "^\| 64k +map +\| +16 \| +$(result "$work/ioasid" 64k ioasid map cost) \|" "$work/table" ||
		fail "the table lacks a row: $(<"$work/table")"
}

# Twice, and with all there is in between: to the last instruction.
same() {
	local door
	counts || return 0
	for door in floor ioasid type1; do
		"$perf" run --json --door "$door" --workload 4k,64k,2m-thp -n 9 >"$work/again" ||
			fail "$door: status $?" || return
		diff <(costs "$work/$door") <(costs "$work/again") ||
			fail "$door counts otherwise the second time" || return
	done
}

# More work is more instructions, by as many as there are pages more to pin.
grows() {
	local one many
	counts || return 0
	one=$(result "$work/floor" 4k floor pin cost)
	many=$(result "$work/floor" 64k floor pin cost)
	[ "$many" -gt "$one" ] && [ "$many" -lt $((16 * one)) ] ||
		fail "16 pages cost $many, one costs $one"
}

# Registered memory is mapped without its pins, through the door that knows that.
enrolled() {
	local now before
	"$perf" run --json --door ioasid --workload 2m,2m-reg -n 5 >"$work/reg" || fail "status $?" || return
	now=$(result "$work/reg" 2m-reg ioasid map cost)
	before=$(result "$work/reg" 2m ioasid map cost)
	[ "$now" -gt 0 ] || fail "nothing was measured" || return
	! counts || [ "$now" -lt "$before" ] || fail "registered $now, else $before" || return
	"$perf" run --json --door floor --workload 4k-reg 2>/dev/null
	[ $? -eq 3 ] || fail "the floor claims to know registered memory"
}

# A mapping that was measured is gone, and so are its pages.
clean() {
	local pins
	echo 1 >/proc/sys/vm/stat_refresh
	pins=$(awk '{ n[$1] = $2 }
		END { print n["nr_foll_pin_acquired"] - n["nr_foll_pin_released"] }' /proc/vmstat)
	[ "$pins" -eq 0 ] || fail "$pins pages are still pinned"
}

tests=(
	list:"workloads and doors are listed, with what is missing for a door"
	usage:"wrong arguments and foreign files are refused"
	place:"a peer is measured only where it serves"
	measures:"each door measures, all samples are kept, memory is as described"
	table:"results become a table"
	same:"instructions are counted the same twice in one boot"
	grows:"more pages cost more"
	enrolled:"memory that was registered costs less to map"
	clean:"nothing stays pinned"
)

counting='' unit=ns vfio=shim loaded=()
if [ ! -d /sys/module/ioasid_vfio ]; then
	counting=1 unit=instructions vfio=type1
	modprobe -a vfio vfio_iommu_type1 vfio-pci
	for module in ioasid ioasid_pci; do
		insmod "$LAB_MODULES/$module.ko" && loaded=("$module" "${loaded[@]}")
	done
fi
insmod "$LAB_MODULES/selftests/ioasid_testperf.ko" && loaded=(ioasid_testperf "${loaded[@]}")
run_tests "$@"
status=$?
rm -rf "$work"
for module in "${loaded[@]}"; do
	rmmod "$module" || status=1
done
exit "$status"
