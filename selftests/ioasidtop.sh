#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidtop.sh [TEST...]
#
# ioasidtop in a machine of the lab: what it counts against what a load of known
# size did, what it needs and what it says when that is missing, its screen.

# $NAME in quotation marks is a variable of ioasidctl's scripts.
# shellcheck disable=SC2016
set -uo pipefail

ctl=build/tools/ioasidctl
load=build/tools/tests/ioload
device=0000:00:10.0
disk=0000:00:12.0

# What each test says; the functions are below, in the same order.
tests=(
	probe:"--probe finds everything in place, also as JSON"
	exact_threads:"threads: all snapshots add up to the program's and the driver's counts"
	exact_errors:"refused operations are counted as errors, exactly"
	exact_spaces:"200 spaces that come and go between snapshots are counted exactly"
	exact_device:"with a device: invalidations add up to the driver's counts"
	exact_nested:"nested spaces: each one's parent, format, invalidations of both kinds, exactly"
	gauges:"mappings, mapped and pinned bytes are those of the program"
	full_map:"when the maps are full, sums stay exact and --strict exits with 4"
	latencies:"percentiles are there, ascending, and within what the operations took"
	vfio:"an unmodified VFIO program is seen with its name"
	counters_only:"--no-bpf shows the driver's counters, without latencies"
	least_caps:"CAP_BPF and CAP_PERFMON are enough for latencies"
	no_caps:"without privileges it shows one's own contexts and says what is missing"
	drops_caps:"no capability is left after the start"
	no_btf:"BTF of kernel and driver is not needed"
	no_debugfs:"without debugfs it finds contexts through /proc"
	not_loaded:"without the driver: one sentence and exit status 3"
	unload_attached:"the driver cannot be unloaded under it, and can when it is gone"
	killed:"killed, it leaves nothing attached"
	reload:"without BPF the driver is reloaded under it, rates are never negative"
	usage:"wrong usage is exit status 2"
	screen:"the screen at 80x24: sort, filter, freeze, help, resize, quit"
	tree_screen:"the tree of spaces on the screen: toggled, kinds, devices, filter"
	recorded:"a recording shows the same as was shown, byte by byte"
	own_cost:"what it costs itself is said, with --bpf-stats also of its BPF programs"
	openmetrics:"OpenMetrics: counters that only grow, histograms whose parts are all"
	signals:"SIGTERM ends batch mode and screen in good order"
	names:"no type of ours exists in the kernel's BTF"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

# The load did maps and unmaps, ioasidtop saw as many. Where the kernel runs
# tracepoints preemptibly (7.x), it skips a program that it has interrupted: then
# latencies are missing, which must be said, but nothing in the counts; only of
# spaces that come and go unseen (argument "unseen") is there no other record.
check_sums() {
	py '
did = json.load(open(args[0]))
excuse = lost() if args[1] == "unseen" else 0
assert 0 <= did["maps"] - total("maps") <= excuse, (total("maps"), did)
assert 0 <= did["unmaps"] - total("unmaps") <= excuse, (total("unmaps"), did)
same("errors", total("map_errors") + total("unmap_errors"), did["errors"])
for key in ("maps", "unmaps", "map_bytes", "invs"):
	same("rows of " + key, sum(s[key] or 0 for s in spaces()), total(key))
without = did["maps"] + did["unmaps"] - total("map_samples") - total("unmap_samples")
same("operations without latency", without, 0)
same("lost", lost(), 0)
' "$work/load" "${1-}"
}

probe() {
	"$top" --probe >"$work/probe" || return 1
	# what else could be watched, see sources.sh
	! sed '/^--source [vi].*[fdu] /d' "$work/probe" | grep ' no ' || return 1
	"$top" --probe --json >"$work/json" || return 1
	py 'assert records[0]["bpf"] and records[0]["driver"] and records[0]["schema"] == "ioasidtop-probe/1"'
}

exact_threads() {
	local status
	start_json --strict || return 1
	hold_load "$load" -t 4 -n 20000 || return 1
	stop_json
	status=$?
	release_load
	check_sums && py '
same("--strict", int(args[1]), 4 if lost() else 0)

same("program", json.load(open(args[0]))["maps"], 80000)
last = [s for s in records[-1]["spaces"] if s["ioasid"]][0]
same("driver: maps", last["maps_total"], 80000)
same("driver: unmaps", last["unmaps_total"], 80000)
same("lost", last["lost"] > 0, lost() > 0)
same("name", last["comm"], "ioload")
for a, b in zip(records, records[1:]):
	same("seq", b["seq"], a["seq"] + 1)
	same("interval", b["ts_ns"] - a["ts_ns"], b["interval_ns"])
' "$work/load" "$status"
}

exact_errors() {
	start_json || return 1
	"$load" -t 2 -n 3000 -e 3 >"$work/load" || return 1
	stop_json
	check_sums && [ "$(loaded errors)" -eq 2000 ]
}

exact_spaces() {
	start_json || return 1
	"$load" -t 2 -n 50 -s 200 >"$work/load" || return 1
	stop_json
	check_sums unseen && [ "$(loaded maps)" -eq 20000 ]
}

# to_driver DRIVER DEVICE
to_driver() {
	local dir=/sys/bus/pci/devices/$2
	[ ! -e "$dir/driver" ] || echo "$2" >"$dir/driver/unbind"
	echo "$1" >"$dir/driver_override"
	echo "$2" >/sys/bus/pci/drivers_probe
	[ "$1" = "$(basename "$(readlink "$dir/driver")")" ]
}

exact_device() {
	local invalidations
	to_driver ioasid_pci "$device" || fail "no driver for $device" || return 1
	start_json || return 1
	hold_load "$load" -t 2 -n 2000 -d "/dev/ioasid-devices/$device" || return 1
	invalidations=$(sed -n 's/^ioasid-invalidations-1:\t//p' /sys/kernel/debug/ioasid/contexts | tail -n 1)
	stop_json
	release_load
	to_driver '' "$device"
	check_sums && py '
same("invalidations", total("invs"), int(args[0]))
same("attached", [s["attached"] for s in records[-1]["spaces"] if s["ioasid"]], [[args[1]]])
' "$invalidations" "$device" && [ "$invalidations" -eq 4000 ]
}

# hold_script: runs ioasidctl's script on stdin, and then holds it. Sets script_ctx.
hold_script() {
	{ cat; printf 'print ready\nsleep 600\n'; } >"$work/script"
	"$ctl" run "$work/script" >"$work/running" 2>&1 &
	script=$!
	for _ in {1..600}; do
		! grep -q '^ready' "$work/running" || break
		kill -0 "$script" 2>/dev/null || break
		sleep 0.1
	done
	grep -q '^ready' "$work/running" || fail "$(cat "$work/running")" || return 1
	script_ctx=$("$ctl" --json contexts | jq ".contexts[] | select(.pid == $script) | .ctx")
}

release_script() {
	kill "$script"
	wait "$script" 2>/dev/null
}

# The script of the documentation, with so many invalidations at its end.
tree_script() { sed "s/^repeat [0-9]*/repeat $1/" docs/examples/tree.ioasid; }

exact_nested() {
	local status
	start_json || return 1
	# Besides: what the parent unmaps goes for a child as well; a refusal.
	hold_script < <(tree_script 1500
		echo 'unmap $gpa 0 8M'
		echo 'expect EOPNOTSUPP repeat 3 invalidate $gpa') || return 1
	"$ctl" --json spaces "$script_ctx" >"$work/spaces"
	stop_json
	status=$?
	release_script
	[ "$status" -eq 0 ] && py '
same("user invalidations", total("user_invs"), 3000)
same("without latency", total("user_invs") - total("user_inv_samples"), 0)
last = {s["ioasid"]: s for s in records[-1]["spaces"] if s["ioasid"]}
same("parents", [last[i]["parent"] for i in (1, 2, 3, 4)], [None, 1, 1, 1])
same("formats", [last[i]["format"] for i in (1, 2, 3, 4)], [None, None, 1, 1])
same("walked by the IOMMU", [last[i]["nested_domains"] for i in (1, 2, 3, 4)], [0, 0, 1, 1])
same("user invalidations", [last[i]["user_invs_total"] for i in (1, 2, 3, 4)], [0, 0, 1500, 1500])
driver = {s["ioasid"]: s["invalidations"] for s in json.load(open(args[0]))["spaces"]}
for i in last:
	same("invalidations of %d" % i, sum(s["invs"] or 0 for s in spaces() if s["ioasid"] == i), driver[i])
assert driver[2] > 0 and driver[1] > 0, driver
busy = [s for s in spaces() if s["user_inv_samples"]]
for s in busy:
	p = [s["user_inv_%s_ns" % k] for k in ("p50", "p90", "p99", "p999", "max")]
	assert p == sorted(p) and p[0] > 0, p
' "$work/spaces"
}

gauges() {
	start_json || return 1
	hold_load "$load" -t 3 -n 5 -b 65536 -l || return 1
	stop_json
	release_load
	py '
last = [s for s in records[-1]["spaces"] if s["ioasid"]][0]
same("mappings", last["mappings"], 3)
same("mapped", last["mapped_bytes"], 3 * 65536)
same("pinned", last["pinned_bytes"], 3 * 65536)
same("sum of mapped", records[-1]["total"]["mapped_bytes"], 3 * 65536)
same("bytes mapped over time", total("map_bytes"), 15 * 65536)
'
}

full_map() {
	local status
	# 1 MiB holds 64 to 512 operations on spaces; a round makes two of them.
	start_json --memory 1 --strict || return 1
	"$load" -n 10 -s 1000 -k >"$work/load" || return 1
	stop_json
	status=$?
	[ "$status" -eq 4 ] || fail "exit status $status" || return 1
	py '
did = json.load(open(args[0]))
same("maps", total("maps"), did["maps"])
same("unmaps", total("unmaps"), did["unmaps"])
assert records[-1]["lost"]["unattributed"] > 0
assert any(s["state"] == "other" for s in spaces())
' "$work/load"
}

latencies() {
	start_json || return 1
	"$load" -n 20000 >"$work/load" || return 1
	stop_json
	py '
did = json.load(open(args[0]))
busy = [s for s in spaces() if s["map_samples"]]
assert busy
for s in busy:
	for op in ("map", "unmap"):
		if not s[op + "_samples"]:
			continue
		p = [s["%s_%s_ns" % (op, k)] for k in ("p50", "p90", "p99", "p999", "max")]
		assert p == sorted(p) and p[0] > 0, p
		assert s[op + "_mean_ns"] <= p[4]
mean = sum(s["map_mean_ns"] * s["map_samples"] + s["unmap_mean_ns"] * s["unmap_samples"] for s in busy)
assert mean < did["seconds"] * 1e9, (mean, did)
' "$work/load"
}

vfio() {
	to_driver vfio-pci "$disk" || fail "no vfio-pci for $disk" || return 1
	start_json || return 1
	for _ in 1 2 3; do
		qemu-io --image-opts "driver=nvme,device=$disk,namespace=1" -c 'write -P 5 0 8M' \
			-c 'read -P 5 0 8M' >"$work/qemu-io" 2>&1 || break
	done
	stop_json
	to_driver '' "$disk"
	grep -q 'read 8388608/8388608' "$work/qemu-io" || fail "$(cat "$work/qemu-io")" || return 1
	py '
seen = [s for s in spaces() if s["comm"] == "qemu-io"]
assert seen, "not seen"
assert any(s["door"] == "vfio" and args[0] in (s["attached"] or []) for s in seen), seen
assert sum(s["maps"] or 0 for s in seen) > 0
' "$disk"
}

counters_only() {
	start_json --no-bpf || return 1
	hold_load "$load" -n 1000 -e 10 || return 1
	stop_json
	release_load
	py '
did = json.load(open(args[0]))
same("mode", records[-1]["mode"], "counters")
same("maps", total("maps"), did["maps"])
same("errors", total("map_errors"), did["errors"])
assert all(s["map_p50_ns"] is None and s["lost"] is None for s in spaces())
' "$work/load"
}

# Sets as_user: starts a program as an ordinary user with these capabilities.
user_with() {
	as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups
		"--inh-caps=-all$1" "--ambient-caps=-all$1" "--bounding-set=-all$1")
}

least_caps() {
	local status=1
	chmod 666 /dev/ioasid
	user_with ,+bpf,+perfmon
	runner=("${as_user[@]}")
	user_with ''
	if start_json; then
		hold_load "${as_user[@]}" "$load" -n 20000
		status=$?
		stop_json
		release_load
	fi
	runner=()
	chmod 600 /dev/ioasid
	[ "$status" -eq 0 ] && py '
same("mode", records[-1]["mode"], "raw_tp")
same("source", records[-1]["source"], "fdinfo")
same("maps", total("maps"), 20000)
assert any(s["map_p99_ns"] for s in spaces())
assert any(s["mappings"] is not None for s in spaces())
'
}

no_caps() {
	chmod 666 /dev/ioasid
	user_with ''
	hold_load "${as_user[@]}" "$load" -n 10 || return 1
	"${as_user[@]}" "$top" -b --width 80 -n 1 -i 0.1 >"$work/out" || fail "exit status $?" || return 1
	"${as_user[@]}" "$top" --probe >"$work/probe"
	release_load
	chmod 600 /dev/ioasid
	sed 's/^/# /' "$work/out"
	grep -q 'CAP_BPF and CAP_PERFMON: run as root' "$work/out" && grep -q ' ioload ' "$work/out" &&
		grep -q 'CAP_BPF  *no' "$work/probe"
}

drops_caps() {
	start_json || return 1
	grep -E '^Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' "/proc/$json/status" >"$work/status"
	stop_json
	[ "$(grep -c '	0000000000000000$' "$work/status")" -eq 4 ] && grep -q '	1$' "$work/status"
}

no_btf() {
	local status=1
	mount -t tmpfs none /sys/kernel/btf || return 1
	"$top" --probe >"$work/probe"
	if start_json; then
		"$load" -n 1000 >"$work/load"
		stop_json
		status=$?
	fi
	umount /sys/kernel/btf
	[ "$status" -eq 0 ] && [ "$(grep -c 'BTF  *no .*is missing' "$work/probe")" -eq 2 ] &&
		py 'same("maps", total("maps"), 1000); same("mode", records[0]["mode"], "raw_tp")'
}

no_debugfs() {
	mount -t tmpfs none /sys/kernel/debug || return 1
	hold_load "$load" -n 10 || return 1
	"$top" --json -i 0.1 -n 1 >"$work/json"
	umount /sys/kernel/debug
	release_load
	py '
same("source", records[0]["source"], "fdinfo")
same("complete", records[0]["complete"], False)
same("totals", [s["maps_total"] for s in records[0]["spaces"] if s["comm"] == "ioload"], [10])
assert "debugfs" in records[0]["notice"]
'
}

unload() { rmmod ioasid_vfio ioasid_sim ioasid_pci ioasid; }

reload_driver() {
	local module
	for module in ioasid ioasid_pci ioasid_sim ioasid_vfio; do
		insmod "$work/$module.ko" || return 1
	done
}

not_loaded() {
	local status
	unload || return 1
	"$top" --source ioasid -b -n 1 >"$work/out" 2>&1
	status=$?
	reload_driver || return 1
	[ "$status" -eq 3 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -q 'is not loaded: ' "$work/out"
}

unload_attached() {
	rmmod ioasid_vfio ioasid_sim ioasid_pci
	for _ in 1 2 3; do
		start_json || return 1
		! rmmod ioasid 2>"$work/rmmod" || fail "unloaded under the tool" || return 1
		grep -qi 'in use\|busy\|unavailable' "$work/rmmod" || fail "$(cat "$work/rmmod")" || return 1
		stop_json || return 1
		rmmod ioasid || return 1
		insmod "$work/ioasid.ko" || return 1
	done
	insmod "$work/ioasid_pci.ko" && insmod "$work/ioasid_sim.ko" && insmod "$work/ioasid_vfio.ko"
}

killed() {
	start_json || return 1
	kill -KILL "$json"
	wait "$json" 2>/dev/null
	# The kernel frees links after a grace period.
	for _ in {1..50}; do
		! unload 2>/dev/null || break
		sleep 0.1
	done
	[ ! -d /sys/module/ioasid ] && reload_driver
}

reload() {
	start_json --no-bpf || return 1
	"$load" -n 5000 >/dev/null
	sleep 0.5
	unload || fail "the tool holds the driver" || return 1
	sleep 0.5
	reload_driver || return 1
	hold_load "$load" -n 100 || return 1
	stop_json
	release_load
	py '
assert any(r["source"] == "none" for r in records), "the gap was not seen"
assert records[-1]["source"] == "debugfs" and records[-1]["instance"]
for s in spaces():
	assert s["map_per_s"] is None or s["map_per_s"] >= 0
same("after", records[-1]["total"]["maps_total"], 100)
'
}

usage() {
	local arguments status
	for arguments in '-i 0' '-i x' '-n 0' '-s nonsense' 'more' '--memory 0' '--nonsense'; do
		# shellcheck disable=SC2086 # several words
		"$top" $arguments >"$work/out" 2>&1
		status=$?
		[ "$status" -eq 2 ] || fail "'$arguments': exit status $status" || return 1
	done
	"$top" --help >/dev/null && "$top" -V | grep -q '^ioasidtop [0-9]'
}

recorded() {
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	"$top" --json -n 4 -i 0.3 --record "$work/recording" >"$work/json" 2>"$work/stderr" &&
		"$top" --replay "$work/recording" --json >"$work/again"
	status=$?
	"$top" --json -n 1 -i 0.3 --record "$work/recording" >"$work/refused" 2>&1
	[ $? -eq 1 ] && grep -q 'there already' "$work/refused" || status=1
	kill "$loading"
	wait "$loading" 2>/dev/null
	[ "$status" -eq 0 ] && cmp "$work/json" "$work/again" || return 1
	py 'assert len(records) == 4 and total("maps") > 0 and records[-1]["total"]["map_p50_ns"]'
}

own_cost() {
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	start_json --bpf-stats && stop_json
	status=$?
	kill "$loading"
	wait "$loading" 2>/dev/null
	[ "$status" -eq 0 ] && py '
last = records[-1]["self"]
assert last["cpu_ns"] > 0 and last["rss_bytes"] > 0 and last["map_bytes"] > 0
assert last["bpf_runs"] > 0 and last["bpf_ns"] > 0
'
}

openmetrics() {
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	"$top" --format=openmetrics --spaces 0 -n 4 -i 0.3 >"$work/text"
	status=$?
	kill "$loading"
	wait "$loading" 2>/dev/null
	[ "$status" -eq 0 ] && python3 - "$work/text" <<-'END'
		import sys
		texts = open(sys.argv[1]).read().split("# EOF\n")
		assert len(texts) == 5 and texts.pop() == ""
		before = {}
		for text in texts:
		    values = dict(line.rsplit(" ", 1) for line in text.splitlines() if line[0] != "#")
		    counters = {k: float(v) for k, v in values.items() if k.split("{")[0].endswith(("_total", "_count", "_bucket"))}
		    for name, value in before.items():
		        assert counters[name] >= value, name
		    before = counters
		    le = [v for k, v in counters.items() if k.startswith("ioasid_map_latency_seconds_bucket")]
		    assert len(le) == 28 and le == sorted(le)
		    assert le[-1] == counters["ioasid_map_latency_seconds_count"] > 0
		    assert counters["ioasid_maps_total"] > 0
	END
}

in_screen() {
	shows '/s +p50 +p99 +/s +p50 +p99' || return 1
	shows 'PID COMM +CTX +ID +DEV +MAPS +SIZE +PIN .* LOST$' || return 1
	shows ' ioload +[0-9]+ +1 +0 +[0-9]+ .*[0-9]u .* 0$' || return 1
	sed 's/^/# /' "$work/screen"
	[ "$(wc -L <"$work/screen")" -le 80 ] && [ "$(wc -l <"$work/screen")" -eq 24 ] || return 1
	tm send-keys '>' && shows 'sort: map-p50 down' || return 1
	tm send-keys 'r' && shows 'sort: map-p50 up' || return 1
	tm send-keys '/' && tm send-keys 'nobody' && shows 'filter .*: nobody_' || return 1
	tm send-keys Enter && shows 'No row matches' && tm send-keys Escape && shows ' ioload ' || return 1
	tm send-keys ' ' && shows 'FROZEN' || return 1
	shows 'FROZEN -(0[1-9]|00:0[1-9]|00:[1-9])' || return 1	# collecting goes on
	tm send-keys '[' && shows 'FROZEN -' && tm send-keys '}' && shows 'every 1s' || return 1
	tm send-keys 'j' && tm send-keys '2' && shows 'go to .*: 2_' || return 1
	tm send-keys Enter && shows 'FROZEN -0[0-9]:' && tm send-keys ' ' && shows 'every 1s' || return 1
	shows 'this tool: cpu [0-9.e-]+%' || return 1
	tm send-keys 'h' && shows 'within 3.125' || return 1
	tm send-keys 'x' && shows ' ioload ' && tm send-keys '-' && shows 'every 0.5s' || return 1
	tm resize-window -x 150 -y 12 && shows 'inval' && shows 'DEVICES' || return 1
	tm resize-window -x 40 -y 8 && shows '^ *PID COMM' || return 1
	tm resize-window -x 80 -y 24 && shows 'LOST$' || return 1
	tm send-keys 'q'
	shows 'exit status 0'
}

screen() {
	local status
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	TERM=xterm tm new-session -d -x 80 -y 24 "$top --max-cpu 0; echo exit status \$?; sleep 100"
	in_screen
	status=$?
	tm kill-server
	kill "$loading"
	wait "$loading" 2>/dev/null
	return "$status"
}

in_tree() {
	shows 'Tab: spaces ' && tm send-keys t || return 1
	shows '^SPACE +KIND +MAPS +SIZE .* /s +p50 +p99 +/s DEVICES$' || return 1
	shows "^context $script_ctx  dev  ioasidctl  pid $script\$" || return 1
	shows '^`- 1 +kernel +1 8.0M ' && shows '^   [|`]- 2 +child +1 +16K ' || return 1
	shows '^   [|`]- 3 +user x86-4 .* sim[0-9]+\.1$' || return 1
	# Both invalidate in turn, with latencies.
	shows '^   [|`]- 4 +user x86-4 +0 +0 .* [0-9.]+k? +[0-9.]+[num] +[0-9.]+[num] +0 sim[0-9]+\.1/5$' || return 1
	sed 's/^/# /' "$work/screen"
	[ "$(wc -L <"$work/screen")" -le 80 ] && [ "$(wc -l <"$work/screen")" -eq 24 ] || return 1
	# What is above a match stays, what is beside it goes.
	tm send-keys / && tm send-keys '.1/5' Enter && shows "filter '.1/5': 1 of " || return 1
	shows '^`- 1 +kernel' && shows '^   `- 4 +user' || return 1
	! grep -q '^   [|`]- [23] ' "$work/screen" || fail "siblings are there" || return 1
	tm send-keys Escape && shows '^   [|`]- 2 ' || return 1
	tm resize-window -x 150 -y 20 && shows ' PIN +/s +p50 +p99 +/s +p50 +p99 +/s +p50 +p99 +/s DEVICES$' || return 1
	tm send-keys t && shows 'PID COMM' && tm send-keys t && shows '^ *SPACE +KIND' || return 1
	tm send-keys h && shows '3 tree .*also t' && tm send-keys x q
	shows 'exit status 0'
}

tree_screen() {
	local status=1
	# They take turns for as long as somebody looks.
	{ grep -v '^repeat' docs/examples/tree.ioasid; for _ in {1..400}; do
		printf 'repeat 500 invalidate $user 0x2000 4K\nrepeat 500 invalidate $process\nsleep 1\n'
	done; } >"$work/script"
	"$ctl" run "$work/script" >"$work/running" 2>&1 &
	script=$!
	for _ in {1..300}; do
		! grep -q '^   `- space 4' "$work/running" || break
		sleep 0.1
	done
	script_ctx=$("$ctl" --json contexts | jq ".contexts[] | select(.pid == $script) | .ctx")
	[ -n "$script_ctx" ] || fail "$(cat "$work/running")" || return 1
	if TERM=xterm NO_COLOR=1 tm new-session -d -x 80 -y 24 "$top; echo exit status \$?; sleep 100"; then
		in_tree
		status=$?
	fi
	tm kill-server
	release_script
	return "$status"
}

signals() {
	start_json || return 1
	stop_json || fail "batch: exit status $?" || return 1
	TERM=xterm tm new-session -d -x 80 -y 24 "exec $top; echo never"
	shows 'sort:' || return 1
	TERM=xterm tm new-window "$top; echo exit status \$?; stty -a | grep -o '[-]*icanon'; sleep 100"
	shows 'sort:' || return 1
	kill -TERM "$(pgrep -n -x ioasidtop)"
	shows 'exit status 0' && shows '^icanon'
	set -- $?
	tm kill-server
	return "$1"
}

names() {
	local type
	bpftool btf dump file /sys/kernel/btf/vmlinux >"$work/btf" || return 1
	grep -oE '\b(struct|enum) ioasid_[a-z_0-9]+' bpf/*.h bpf/*.c | sed 's/.* //' | sort -u >"$work/types"
	[ -s "$work/types" ] || return 1
	while read -r type; do
		! grep -q "'$type'" "$work/btf" || fail "$type is in the kernel's BTF" || return 1
	done <"$work/types"
}

run_tool_tests "$@"
