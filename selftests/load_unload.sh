#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Loading and unloading the modules, also under the eyes of tracers, and what
# tracers need of them: BTF, names of their own, tracepoints. Prints TAP. Runs in
# the lab's machine, in the checkout.

cd "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1
[ -n "$LAB_MODULES" ] || . /run/lab.env

modules=(ioasid ioasid_pci ioasid_sim ioasid_vfio)
header=include/trace/events/ioasid.h
user=build/selftests/mapping	# makes some mappings
# As long on a slow kernel as on a fast one.
cycles=${CYCLES:-$((200 / ${IOASID_TEST_SLOW:-1}))}
work=$(mktemp -d)
nr=0 failed=0

note() { sed 's/^/# /'; }

# result STATUS TITLE: 0 passed, 4 skipped
result() {
	nr=$((nr + 1))
	case $1 in
	0) echo "ok $nr - $2" ;;
	4) echo "ok $nr - $2 # SKIP $(cat "$work/reason")" ;;
	*) echo "not ok $nr - $2"; failed=1 ;;
	esac
}

# run FUNCTION TITLE
run() {
	local status=0
	"$1" >"$work/log" 2>&1 || status=$?
	note <"$work/log"
	result "$status" "$2"
}

skip() { echo "$*" >"$work/reason"; return 4; }

load() {
	local module
	for module in "${modules[@]}"; do
		insmod "$work/$module.ko" || return 1
	done
}

unload() {
	local i
	for ((i = ${#modules[@]} - 1; i >= 0; i--)); do
		rmmod "${modules[i]}" || return 1
	done
}

# The module stays, and the reason is that it is in use.
refuses_to_go() {
	local said
	if said=$(rmmod "$1" 2>&1); then
		echo "$1 was unloaded"
		insmod "$work/$1.ko"
		return 1
	fi
	[ -d "/sys/module/$1" ] || return 1
	grep -q "in use\|busy" <<<"$said" || { echo "$said"; return 1; }
}

traces_of_us() {
	local module
	for module in "${modules[@]}"; do
		[ ! -d "/sys/module/$module" ] || echo "/sys/module/$module"
	done
	ls -d /dev/ioasid /dev/ioasid-sim /dev/ioasid-devices/* /sys/kernel/debug/ioasid \
		/sys/class/ioasid_device /sys/kernel/tracing/events/ioasid 2>/dev/null
}

works() { "$user" map_unmap >"$work/use" || { cat "$work/use"; return 1; }; }

cycle_all() {
	local i left
	for ((i = 0; i < cycles; i++)); do
		unload || return 1
		left=$(traces_of_us)
		[ -z "$left" ] || { echo "cycle $i left $left"; return 1; }
		load || return 1
		[ $((i % 20)) -ne 0 ] || works || return 1
	done
	echo "$cycles cycles"
}

order() {
	refuses_to_go ioasid && works
}

open_fd() {
	local status=0
	rmmod ioasid_vfio ioasid_sim ioasid_pci || return 1
	exec 9<>/dev/ioasid
	refuses_to_go ioasid || status=1
	exec 9>&-
	rmmod ioasid && load && works && return "$status"
}

edu() {
	local dev
	for dev in /sys/bus/pci/devices/*; do
		[ "$(<"$dev/vendor")$(<"$dev/device")" = 0x12340x11e8 ] || continue
		echo "${dev##*/}"
		return
	done
}

device_fd() {
	local name status=0
	name=$(edu)
	[ -n "$name" ] || { skip "no edu device"; return; }
	echo ioasid_pci >"/sys/bus/pci/devices/$name/driver_override"
	[ ! -e "/sys/bus/pci/devices/$name/driver" ] ||
		echo "$name" >"/sys/bus/pci/devices/$name/driver/unbind"
	echo "$name" >/sys/bus/pci/drivers_probe
	sleep 0.2
	exec 8<>"/dev/ioasid-devices/$name" || return 1
	refuses_to_go ioasid_pci || status=1
	exec 8>&-
	# A bound device alone does not keep the module.
	rmmod ioasid_pci || status=1
	[ ! -e "/dev/ioasid-devices/$name" ] || status=1
	insmod "$work/ioasid_pci.ko" || status=1
	[ -c "/dev/ioasid-devices/$name" ] || status=1
	echo >"/sys/bus/pci/devices/$name/driver_override"
	echo "$name" >"/sys/bus/pci/devices/$name/driver/unbind"
	works || return 1
	return "$status"
}

# while_watched PATTERN COMMAND...: the core stays while COMMAND, which prints
# PATTERN when it has attached, watches; it works on, and goes afterwards.
while_watched() {
	local pattern=$1 pid try status=0
	shift
	"$@" >"$work/watch" 2>&1 </dev/null &
	pid=$!
	for ((try = 0; try < 300; try++)); do
		grep -q "$pattern" "$work/watch" && break
		sleep 0.1
	done
	if [ "$try" -ge 300 ]; then
		cat "$work/watch"
		status=1
	fi
	rmmod ioasid_vfio ioasid_sim ioasid_pci || status=1
	refuses_to_go ioasid || status=1
	works || status=1
	kill -INT "$pid"
	wait "$pid"
	# Programs go a grace period after the one who loaded them.
	for ((try = 0; try < 100; try++)); do
		rmmod ioasid 2>/dev/null && break
		sleep 0.1
	done
	[ ! -d /sys/module/ioasid ] || { echo "cannot be unloaded afterwards"; return 1; }
	load && works && return "$status"
}

need() { command -v "$1" >/dev/null || { skip "no $1"; return; }; }

watched_by_bpftrace() {
	need bpftrace || return
	while_watched Attaching bpftrace -e \
		'BEGIN { printf("Attaching\n") } tracepoint:ioasid:ioasid_map { @ = count() }'
}

watched_by_raw_tracepoint() {
	need bpftrace || return
	while_watched Attaching bpftrace -e \
		'BEGIN { printf("Attaching\n") } rawtracepoint:ioasid_map { @ = count() }'
}

# tracefs holds no reference: its events go with the module.
watched_by_tracefs() {
	local all=/sys/kernel/tracing/events/ioasid/enable
	echo 1 >"$all" || return 1
	works && unload && load && works || return 1
	[ "$(<"$all")" = 0 ]
}

watched_by_ioasidtop() {
	[ -x build/tools/ioasidtop ] || { skip "no build/tools/ioasidtop"; return; }
	while_watched . build/tools/ioasidtop -b -n 1000 -i 1
}

btf_there() {
	local module
	for module in "${modules[@]}"; do
		[ -s "/sys/kernel/btf/$module" ] || { echo "no BTF of $module"; return 1; }
	done
}

# btf_names FILE: names of types and functions, sorted. bpftool shows of a module
# only what is its own.
btf_names() {
	bpftool btf dump file "$1" |
		sed -nE "s/^\[[0-9]+\] (STRUCT|UNION|ENUM|ENUM64|TYPEDEF|FUNC|VAR|FWD) '([^']+)'.*/\2/p" |
		sort -u
}

names_unique() {
	local module taken
	need bpftool || return
	[ -f /sys/kernel/btf/vmlinux ] || { skip "no BTF of vmlinux"; return; }
	btf_names /sys/kernel/btf/vmlinux >"$work/vmlinux"
	grep -i ioasid "$work/vmlinux" && echo "(in vmlinux, as names go)"
	for module in "${modules[@]}"; do
		btf_names "/sys/kernel/btf/$module" >"$work/names"
		echo "$module: $(wc -l <"$work/names") names," \
			"$(grep -c '^\(btf_trace_\|__bpf_trace_\)\?ioasid' "$work/names") ours"
		# ioasid_t is the kernel's, and comes to us with <linux/iommu.h>.
		taken=$(comm -12 "$work/names" "$work/vmlinux" | grep -i ioasid | grep -vx ioasid_t)
		[ -z "$taken" ] || { echo "$module: vmlinux has $taken as well"; return 1; }
	done
	grep -q '^btf_trace_ioasid_map$' <(btf_names /sys/kernel/btf/ioasid)
}

# The events that the header defines.
header_events() {
	sed -nE 's/^TRACE_EVENT\((ioasid_[a-z_]+),.*/\1/p
		s/^DEFINE_EVENT\([a-z_]+, (ioasid_[a-z_]+),.*/\1/p' "$header" | sort
}

bpftrace_lists() {
	need bpftrace || return
	header_events >"$work/expected"
	bpftrace -l 'tracepoint:ioasid:*' | sed 's/.*://' | sort >"$work/listed"
	[ "$(wc -l <"$work/expected")" -ge 14 ] || return 1
	diff "$work/expected" "$work/listed" && echo "$(wc -l <"$work/listed") tracepoints"
}

histogram() {
	need bpftrace || return
	bpftrace -e 'tracepoint:ioasid:ioasid_map { @ns = hist(args.lat_ns); }' \
		-c "$PWD/$user map_unmap" >"$work/histogram" 2>&1
	cat "$work/histogram"
	grep -q '^@ns' "$work/histogram" && grep -q '|@' "$work/histogram"
}

for module in "${modules[@]}"; do
	cp "$LAB_MODULES/$module.ko" "$work" || exit 1
done
echo "TAP version 13"
echo "1..12"
run btf_there "every module has BTF"
run names_unique "no name of ours is taken by vmlinux"
run bpftrace_lists "bpftrace lists every tracepoint of the header, and no other"
run histogram "a one-line bpftrace histogram of map latency"
run order "the core is not unloaded under the other modules"
run open_fd "the core is not unloaded while /dev/ioasid is open"
run device_fd "ioasid_pci is not unloaded while a device is open"
run watched_by_tracefs "unloading while tracefs listens takes the events away"
run watched_by_bpftrace "unloading while bpftrace listens is refused, and works after"
run watched_by_raw_tracepoint "unloading while a raw tracepoint program listens is refused"
run watched_by_ioasidtop "unloading while ioasidtop runs is refused, and works after"
run cycle_all "$cycles cycles of loading and unloading all modules"
rm -r "$work"
exit "$failed"
