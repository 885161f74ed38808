#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: tools_screen.sh [--update]
#
# What ioasidtop prints from recorded counters, against files that were looked
# at by a person. --update writes those anew: look at them.

set -uo pipefail

data=tools/tests/data

# name: what it shows: arguments. Those called tree* and faults* have recordings
# of their own.
cases=(
	"screen-80x24:a screen of 80x24:--width 80 --screen 24"
	"screen-wide:a wide screen, sorted by mapped bytes:--width 150 --screen 16 -s mapped"
	"screen-filter:a filter on a device:--width 100 --screen 12 -f 00:11.0"
	"screen-narrow:a terminal that is too narrow:--width 40 --screen 10"
	"table:a table for print, by name:--width 100 -s comm"
	"table-pid:the rows of one process, numbers ascending:-p 812 -s map -r"
	"reload:the driver loaded anew, rates are not negative:--counters $data/counters-3"
	"json:JSON of one process:--json -f qemu"
	"csv:CSV of one process:--format csv -f dpdk"
	"openmetrics:OpenMetrics of the first two spaces and the others:--format openmetrics --spaces 2"
	"prometheus:the text format of Prometheus, only sums:--format prometheus --spaces 0"
	"tree-80x24:trees of spaces, also of a recording that no driver made:-t --width 80 --screen 24"
	"tree-wide:wide ones, siblings sorted by invalidations:-t --width 140 --screen 20 -s user-inv"
	"tree-filter:a filter keeps what is above:-t --width 80 --screen 12 -f 00:12.0"
	"tree-none:a filter that nothing passes:-t --width 80 --screen 10 -f nobody"
	"tree-table:trees for print, of one process:-t --width 110 -p 4711 -s space"
	"faults-80x24:page faults, of which some wait for long:-F --width 80 --screen 24"
	"faults-table:for print, by what waits for longest, of a driver that counts them in part:-F --width 120 -s oldest"
	"faults-filter:a filter on a device:-F --width 80 --screen 12 -f 10.0/5"
	"faults-list:rate and pending in a list:--width 110"
	"faults-tree:no columns of faults in a tree:-t --width 80"
	"faults-json:JSON of spaces with faults:-F --json -f dpdk"
	"tree-json:JSON in the order of the tree, with all parents:-t --json -f 00:12.0/9"
)

# run NAME ARGUMENT...: without what differs from boot to boot.
run() {
	local recording=counters
	[[ $1 != tree* ]] || recording=counters-tree
	[[ $1 != faults* ]] || recording=counters-faults
	build/tools/ioasidtop --counters "$data/$recording-1" --counters "$data/$recording-2" "${@:2}" 2>&1 |
		sed -E 's/"boot_id":("[^"]*"|null)/"boot_id":"-"/'
}

if [ "${1-}" = --update ]; then
	for entry in "${cases[@]}"; do
		IFS=: read -r name _ <<<"$entry"
		read -r -a arguments <<<"${entry#*:*:}"
		run "$name" "${arguments[@]}" >"$data/$name.txt"
	done
	exit
fi

number=0 failed=0
echo "TAP version 13"
echo "1..${#cases[@]}"
for entry in "${cases[@]}"; do
	IFS=: read -r name title _ <<<"$entry"
	read -r -a arguments <<<"${entry#*:*:}"
	number=$((number + 1))
	if run "$name" "${arguments[@]}" | diff -u "$data/$name.txt" - | sed 's/^/# /'; then
		echo "ok $number - $title"
	else
		echo "not ok $number - $title"
		failed=$((failed + 1))
	fi
done
[ "$failed" -eq 0 ]
