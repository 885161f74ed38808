#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: sources.sh [TEST...]
#
# The live tools without our driver: programs that know nothing of it use stock VFIO
# type1 and iommufd, a known number of times, and --source vfio, iommufd and iommu show
# just that. Our modules are unloaded meanwhile.

set -uo pipefail

load=build/tools/tests/vfioload
lat=build/tools/ioasidlat
snoop=build/tools/ioasidsnoop
device=0000:00:10.0

# What each test says; the functions are below, in the same order.
tests=(
	vfio_exact:"type1: all snapshots add up to what the threads of a program did"
	vfio_containers:"type1: containers that come and go are counted, each under its number"
	vfio_unknown:"type1: what it does not know is unknown, not 0"
	vfio_lat:"type1: ioasidlat times every operation, refused ones as well"
	vfio_snoop:"type1: ioasidsnoop tells every operation, with address and size"
	vfio_stacks:"type1: stacks of ioasidsnoop lead through the system call"
	iommu_bytes:"iommu: the bytes of a program, and no latencies"
	iommu_snoop:"iommu: ioasidsnoop tells maps and unmaps without times"
	iommufd_exact:"iommufd: all snapshots add up to what a program did in its spaces"
	iommufd_lat:"iommufd: ioasidlat and ioasidsnoop see the same"
	auto:"auto takes what is there, and says so"
	probed:"--probe lists the sources, with the reason where one is missing"
	no_admin:"with too few capabilities: one sentence and exit status 3"
	no_btf:"without BTF: one sentence and exit status 3"
	not_there:"a module that is not loaded, a source without times: one sentence"
	busy:"the module cannot be unloaded beneath a tool, and can afterwards"
	waits:"a module that comes back is watched again"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

ours=(ioasid_vfio ioasid_pci ioasid_sim ioasid)

unload_ours() {
	local module
	for module in "${ours[@]}"; do
		[ ! -d "/sys/module/$module" ] || rmmod "$module" || return 1
	done
}

load_ours() {
	local module
	for module in ioasid ioasid_pci ioasid_sim ioasid_vfio; do
		[ -d "/sys/module/$module" ] || [ ! -f "$work/$module.ko" ] ||
			insmod "$work/$module.ko"
	done
}

to_driver() {
	local dir=/sys/bus/pci/devices/$2
	[ ! -e "$dir/driver" ] || echo "$2" >"$dir/driver/unbind"
	echo "$1" >"$dir/driver_override"
	echo "$2" >/sys/bus/pci/drivers_probe
	[ "$1" = "$(basename "$(readlink "$dir/driver")")" ]
}

# Sets group, whose node is there.
take_device() {
	to_driver vfio-pci "$device" || fail "no vfio-pci for $device" || return 1
	group=$(basename "$(readlink "/sys/bus/pci/devices/$device/iommu_group")")
	for _ in {1..100}; do
		[ ! -e "/dev/vfio/$group" ] || return 0
		sleep 0.1
	done
	fail "no /dev/vfio/$group"
}

# The sums, to the unit. Programs that the kernel had to skip are the only excuse: what is
# missing must be said.
check_exact() {
	py '
did = json.load(open(args[0]))
excuse = lost()
same("source", {r["watch"] for r in records}, {args[1]})
page = did["bytes"] // did["maps"]
for what, seen, done in (
		("maps", total("maps"), did["maps"]),
		("unmaps", total("unmaps"), did["unmaps"]),
		("errors", total("map_errors") + total("unmap_errors"), did["errors"]),
		("mapped pages", total("map_bytes") / page, did["maps"]),
		("unmapped pages", total("unmap_bytes") / page, did["unmaps"]),
		("timed", total("map_samples") + total("unmap_samples"), did["maps"] + did["unmaps"])):
	if not 0 <= done - seen <= excuse:
		sys.exit("# %s: %s, expected %s, lost %d" % (what, seen, done, excuse))
for key in ("maps", "unmaps", "map_bytes", "map_errors"):
	same("rows of " + key, sum(s[key] or 0 for s in spaces()), total(key))
same("names", {s["comm"] for s in spaces() if s["maps"]}, {"vfioload"})
' "$work/load" "$1"
}

# What --strict makes of it.
check_strict() {
	py 'same("exit status", int(args[0]), 4 if lost() else 0)' "$1"
}

vfio_exact() {
	start_json --source vfio --strict || return 1
	"$load" -g "$group" -t 4 -n 3000 -e 7 >"$work/load" || return 1
	stop_json
	check_strict $? && [ "$(loaded maps)" -eq 12000 ] && check_exact vfio
}

vfio_containers() {
	start_json --source vfio || return 1
	"$load" -g "$group" -t 2 -n 10 -s 20 -b 65536 >"$work/load" || return 1
	stop_json
	check_exact vfio && py '
same("containers", {s["ctx"] for s in spaces() if s["maps"]}, set(range(1, 21)))
same("attached", total("attach_samples"), 20)
same("detached", total("detach_samples"), 20)
per = {}
for s in spaces():
	per[s["ctx"]] = per.get(s["ctx"], 0) + (s["maps"] or 0)
same("maps of each", set(per.values()), {20})
same("left", [s for s in records[-1]["spaces"] if s["state"] != "gone"], [])
'
}

vfio_unknown() {
	start_json --source vfio || return 1
	hold_load "$load" -g "$group" -n 10 || return 1
	stop_json
	release_load
	py '
row = [s for s in spaces() if s["maps"]][0]
for key in ("mappings", "pinned_bytes", "invs", "user_invs", "register_samples", "faults",
	    "lost", "maps_total", "attached"):
	same(key, row[key], None)
for key in ("invs", "user_invs", "faults"):
	same("sum of " + key, records[-1]["total"][key], None)
same("door", row["door"], "vfio")
assert row["map_p50_ns"] > 0 and row["unmap_p99_ns"] > 0, row
'
}

# start_tool FILE TOOL...: returns when it listens, which a trial load shows.
start_tool() {
	local file=$1
	shift
	"$@" >"$file" 2>"$work/stderr" &
	tool=$!
}

# Until the programs of a tool are attached: bpftool is not needed for that.
attached() {
	local fd
	for _ in {1..600}; do
		for fd in /proc/"$tool"/fdinfo/*; do
			! grep -qs '^link_type' "$fd" || links=$((${links:-0} + 1))
		done
		if [ "${links:-0}" -ge "$1" ]; then
			links=0
			sleep 1
			return 0
		fi
		links=0
		kill -0 "$tool" 2>/dev/null || break
		sleep 0.1
	done
	fail "not attached: $(cat "$work/stderr")"
}

stop_tool() {
	sleep 1
	kill -TERM "$tool"
	wait "$tool"
}

check_lat() {
	python3 - "$work/lat" "$work/load" "$1" <<'END'
import json, sys
last = [json.loads(line) for line in open(sys.argv[1])][-1]
did = json.load(open(sys.argv[2]))
counts = {}
for row in last["rows"]:
	assert row["phase"] in (None, "total"), row
	assert row["untimed"] == 0, row
	counts[row["operation"]] = counts.get(row["operation"], 0) + row["count"]
got = counts.get("map", 0), counts.get("unmap", 0)
want = did["maps"] + did["errors"], did["unmaps"]
sys.exit("# %s, expected %s" % (got, want) if got != want or last["watch"] != sys.argv[3] or
	 last["lost"]["missed"] else 0)
END
}

vfio_lat() {
	start_tool "$work/lat" "$lat" --source vfio --json -a
	attached 12 || return 1
	"$load" -g "$group" -t 2 -n 1000 -e 5 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	check_lat vfio
}

check_snoop() {
	python3 - "$work/snoop" "$work/load" "$1" <<'END'
import json, sys
records = [json.loads(line) for line in open(sys.argv[1])]
did = json.load(open(sys.argv[2]))
events = [r for r in records if r["record"] == "event"]
def same(what, a, b):
	if a != b:
		sys.exit("# %s: %s, expected %s" % (what, a, b))
same("source", records[0]["watch"], sys.argv[3])
same("lost", (records[-1]["lost"], records[-1]["missed"]), (0, 0))
maps = [e for e in events if e["event"] == "map"]
unmaps = [e for e in events if e["event"] == "unmap"]
same("maps", len([e for e in maps if e["result"] == 0]), did["maps"])
same("refused", [e["error"] for e in maps if e["result"]], ["EEXIST"] * did["errors"])
same("unmaps", len(unmaps), did["unmaps"])
same("addresses", {e["iova"] for e in maps + unmaps}, {0x1000000, 0x2000000})
same("sizes", {e["size"] for e in maps + unmaps} | {e["unmapped"] for e in unmaps}, {4096})
same("names", {e["comm"] for e in events}, {"vfioload"})
same("phases", {e["pin_ns"] for e in maps} | {e["flush_ns"] for e in unmaps}, {None})
assert all(e["lat_ns"] > 0 for e in maps + unmaps)
END
}

vfio_snoop() {
	start_tool "$work/snoop" "$snoop" --source vfio --json
	attached 12 || return 1
	"$load" -g "$group" -t 2 -n 500 -e 5 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	check_snoop vfio
}

vfio_stacks() {
	start_tool "$work/snoop" "$snoop" --source vfio --json -k -u -e map
	attached 12 || return 1
	"$load" -g "$group" -n 5 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	python3 - "$work/snoop" <<'END'
import json, sys
events = [r for r in map(json.loads, open(sys.argv[1])) if r["record"] == "event"]
assert len(events) == 5, len(events)
for e in events:
	assert any("ioctl" in (f["symbol"] or "") for f in e["kernel_stack"]), e["kernel_stack"]
	assert e["user_stack"], e
END
}

iommu_bytes() {
	start_json --source iommu || return 1
	"$load" -g "$group" -t 2 -n 200 -b 65536 >"$work/load" || return 1
	stop_json
	py '
did = json.load(open(args[0]))
mine = [s for s in spaces() if s["comm"] == "vfioload"]
got = [sum(s[key] or 0 for s in mine) for key in ("map_bytes", "unmap_bytes")]
# Type1 tries whether the IOMMU can have large pages, with two small ones.
extra = 8192 if got[0] == did["bytes"] + 8192 else 0
same("lost", lost(), 0)
same("bytes", got, [did["bytes"] + extra] * 2)
for key in ("map_p50_ns", "map_samples", "map_mean_ns", "unmap_p99_ns", "user_invs", "faults"):
	same(key, {s[key] for s in mine}, {None})
assert sum(s["invs"] or 0 for s in mine) > 0, "no invalidations"
assert sum(s["attach_samples"] or 0 for s in mine) > 0, "no attach"
' "$work/load"
}

iommu_snoop() {
	start_tool "$work/snoop" "$snoop" --source iommu --json -e map,unmap
	attached 4 || return 1
	"$load" -g "$group" -n 50 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	python3 - "$work/snoop" <<'END'
import json, sys
events = [r for r in map(json.loads, open(sys.argv[1])) if r["record"] == "event"]
mine = [e for e in events if e["comm"] == "vfioload" and e["iova"] == 0x1000000]
assert len([e for e in mine if e["event"] == "map"]) == 50, len(mine)
assert len([e for e in mine if e["event"] == "unmap"]) == 50, len(mine)
assert {e["lat_ns"] for e in mine} == {None}
END
}

# False, and the reason is printed: there is no iommufd.
has_iommufd() {
	modprobe -q iommufd 2>/dev/null
	[ -e /dev/iommu ] && return 0
	skip="this kernel has no iommufd"
	return 1
}

iommufd_exact() {
	has_iommufd || return 0
	start_json --source iommufd --strict || return 1
	"$load" -I -t 4 -n 1000 -e 7 -s 2 >"$work/load" || return 1
	stop_json
	check_strict $? && check_exact iommufd && py '
same("context", {s["ctx"] for s in spaces()}, {1})
same("spaces", len({s["ioasid"] for s in spaces() if s["maps"]}) >= 1, True)
same("left", [s for s in records[-1]["spaces"] if s["state"] != "gone"], [])
'
}

iommufd_lat() {
	has_iommufd || return 0
	start_tool "$work/lat" "$lat" --source iommufd --json -a
	attached 18 || return 1
	"$load" -I -t 2 -n 500 -e 5 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	check_lat iommufd || return 1
	start_tool "$work/snoop" "$snoop" --source iommufd --json
	attached 18 || return 1
	"$load" -I -t 2 -n 200 -e 5 >"$work/load" || return 1
	stop_tool || fail "$(cat "$work/stderr")" || return 1
	check_snoop iommufd
}

# says STATUS TEXT TOOL...: ends like this, with one sentence that has the text.
says() {
	local status=$1 text=$2 got
	shift 2
	timeout 60 "$@" >"$work/out" 2>"$work/stderr"
	got=$?
	[ "$got" -eq "$status" ] || fail "exit status $got: $(cat "$work/stderr")" || return 1
	[ "$(wc -l <"$work/stderr")" -eq 1 ] || fail "$(cat "$work/stderr")" || return 1
	grep -qF -- "$text" "$work/stderr" || fail "$(cat "$work/stderr")"
}

auto() {
	says 0 "watching VFIO type1" "$top" -b -n 1 -i 0.1 || return 1
	says 3 "ioasid driver is not loaded" "$top" --source ioasid -b -n 1 || return 1
	"$top" --json -n 1 -i 0.1 >"$work/json" && py 'same("source", records[0]["watch"], "vfio")'
}

probed() {
	"$top" --probe >"$work/probe" || return 1
	grep -qE '^--source vfio +yes' "$work/probe" &&
		grep -qE '^--source iommu +yes' "$work/probe" &&
		grep -qE '^--source ioasid +no .*modprobe ioasid' "$work/probe" ||
		fail "$(cat "$work/probe")" || return 1
	[ -e /dev/iommu ] || grep -qE '^--source iommufd +no .*modprobe' "$work/probe"
}

# A user without privileges but these, before a command in one word.
as=(capsh --keep=1 --user=nobody --inh=CAPS --addamb=CAPS -- -c)

# Each lacks one: what the sentence names.
no_admin() {
	local tool caps
	for tool in "$top -b -n 1 -i 0.1" "$lat -d 0.1" "$snoop -d 0.1"; do
		caps=cap_bpf,cap_perfmon
		says 3 CAP_SYS_ADMIN "${as[@]/CAPS/$caps}" "$tool --source vfio" || return 1
		caps=cap_perfmon
		says 3 CAP_BPF "${as[@]/CAPS/$caps}" "$tool --source vfio" || return 1
		caps=cap_bpf
		says 3 CAP_PERFMON "${as[@]/CAPS/$caps}" "$tool --source vfio" || return 1
	done
	caps=cap_bpf,cap_perfmon
	"${as[@]/CAPS/$caps}" "$top -b -n 1 -i 0.1 --source iommu" >"$work/out" 2>&1 ||
		fail "$(cat "$work/out")"
}

# A kernel without BTF has no such files.
no_btf() {
	local tool
	for tool in "$top -b -n 1" "$lat -d 0.1" "$snoop -d 0.1"; do
		# shellcheck disable=SC2016
		says 3 BTF unshare -m sh -c 'mount -t tmpfs none /sys/kernel/btf && exec $0' \
			"$tool --source vfio" || return 1
	done
}

not_there() {
	says 3 "no times" "$lat" --source iommu || return 1
	[ -e /dev/iommu ] || says 3 "modprobe iommufd" "$snoop" --source iommufd
}

busy() {
	start_json --source vfio || return 1
	! rmmod vfio_iommu_type1 2>/dev/null || fail "unloaded under the tool" || return 1
	stop_json
	for _ in {1..100}; do
		! rmmod vfio_iommu_type1 2>/dev/null || break
		sleep 0.1
	done
	[ ! -d /sys/module/vfio_iommu_type1 ] || fail "somebody holds it" || return 1
	says 3 "modprobe vfio_iommu_type1" "$top" --source vfio -b -n 1
}

waits() {
	modprobe vfio_iommu_type1 || return 1
	start_json --source vfio || return 1
	"$load" -g "$group" -n 10 >"$work/load" || return 1
	stop_json
	check_exact vfio
}

skip=''
needs=/dev/vfio/vfio
cp "$LAB_MODULES"/*.ko "$work"
if ! [ -e "$needs" ] || ! [ -x "$top" ]; then
	echo "1..0 # SKIP no $needs or no $top"
	exit 4
fi
if ! unload_ours || ! take_device; then
	echo "1..0 # SKIP our modules stay, or $device is not to be had"
	exit 4
fi
run_tool_tests "$@"
status=$?
to_driver '' "$device"
load_ours
exit $status
