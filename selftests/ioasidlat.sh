#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidlat.sh [TEST...]
#
# ioasidlat in a machine of the lab: its counts against what loads of known size did and
# what the driver counted, its times against those that tracing recorded, its logs, what
# it needs and says when that is missing, its heat map.
#
# Nothing detaches it while a load runs: emulated processors do not always survive that
# somebody changes the code that they run.

# $NAME in quotation marks is a variable of ioasidctl's scripts.
# shellcheck disable=SC2016
set -uo pipefail

ctl=build/tools/ioasidctl
load=build/tools/tests/ioload
faults=build/tools/tests/faultload
device=0000:00:10.0
tracing=/sys/kernel/tracing

# What each test says; the functions are below, in the same order.
tests=(
	exact:"threads: intervals add up to the whole, and that is what the program and the driver counted"
	failed:"failed operations apart, alone, or not at all"
	values:"count, sum, maximum and percentiles are those of the durations that tracing recorded"
	invalidations:"with a device: invalidations are as many as the driver's; by device"
	nested:"requests of invalidation and their phases, and how often the kernel followed tables"
	page_faults:"page faults of two devices: as many as were asked for, served slower than the program"
	filters:"only one process, one space, one device, one operation, what takes long"
	full_map:"when there is no room for rows, sums stay exact, and --strict exits with 4"
	log:"the log has as many values as JSON says, and the same percentiles"
	tables:"the table and histograms for print"
	least_caps:"CAP_BPF and CAP_PERFMON are enough, and none is left after the start"
	no_caps:"without privileges: one sentence and exit status 3"
	no_btf:"BTF of kernel and driver is not needed"
	not_loaded:"without the driver: one sentence and exit status 3"
	unload_attached:"the driver cannot be unloaded under it, and can when it is gone, or killed"
	probe:"--probe finds everything in place, or says what is not, also as JSON"
	usage:"wrong usage is exit status 2"
	ends:"it ends by itself after -d and -n, and in good order at SIGINT and SIGTERM"
	heat_map:"the heat map in 80 columns: time, operations, cells, colours, NO_COLOR"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"
top=build/tools/ioasidlat

# lat CODE [FILE...]: as py, after what has to be true of any records.
lat() {
	py '
parts, whole = records[:-1], records[-1]
same("wholes", [r["total"] for r in records], [False] * len(parts) + [True])
same("missed", whole["lost"]["missed"], 0)
def key(row):
	return tuple(row[k] for k in ("operation", "phase", "other", "ctx", "ioasid", "device",
				      "cookie", "pid", "result"))
for r in records:
	same("keys once", len({key(row) for row in r["rows"]}), len(r["rows"]))
	for row in r["rows"]:
		same("buckets", sum(n for _, _, n in row["buckets"]), row["count"])
		if not row["count"]:
			continue
		p = [row[k] for k in ("p50_ns", "p90_ns", "p99_ns", "p999_ns", "max_ns")]
		assert p == sorted(p), row
		assert row["buckets"][-1][0] <= row["max_ns"], row
sums = {}
for r in parts:
	for row in r["rows"]:
		s = sums.setdefault(key(row), [0, 0, 0, {}])
		for i, k in enumerate(("count", "untimed", "sum_ns")):
			s[i] += row[k]
		for lower, _, n in row["buckets"]:
			s[3][lower] = s[3].get(lower, 0) + n
for row in whole["rows"]:
	same("sum of intervals of %s" % (key(row),), sums[key(row)],
	     [row["count"], row["untimed"], row["sum_ns"], {b[0]: b[2] for b in row["buckets"]}])
same("intervals", sum(r["interval_ns"] for r in parts), whole["interval_ns"])
def rows(op, phase=None, **other):
	return [r for r in whole["rows"] if r["operation"] == op and r["phase"] == phase and
		all(r[k] == v for k, v in other.items())]
def count(op, phase=None, **other):
	return sum(r["count"] for r in rows(op, phase, **other))
'"$1" "${@:2}"
}

# The driver's counter of space 1 of the newest context.
counter() { sed -n "s/^ioasid-$1-1:\t//p" /sys/kernel/debug/ioasid/contexts | tail -n 1; }

exact() {
	local maps unmaps
	start_json -B phase,space --strict || return 1
	hold_load "$load" -t 4 -n 20000 -e 7 || return 1
	maps=$(counter maps) unmaps=$(counter unmaps)
	stop_json || fail "exit status $?" || return 1
	release_load
	lat '
did = json.load(open(args[0]))
assert len(parts) > 3, len(parts)
for op, driver, phases in (("map", args[1], ("lock", "pin", "install")),
			   ("unmap", args[2], ("lock", "remove", "flush", "unpin"))):
	same(op, count(op), did[op + "s"])
	same("driver: " + op, count(op), int(driver))
	same("without duration", sum(r["untimed"] for r in rows(op)), 0)
	for phase in phases:
		same(phase, count(op, phase), did[op + "s"])
	whole_ns = sum(r["sum_ns"] for r in rows(op))
	phases_ns = sum(r["sum_ns"] for phase in phases for r in rows(op, phase))
	assert 0 < phases_ns <= whole_ns, (phases_ns, whole_ns)
	assert whole_ns < 4 * did["seconds"] * 1e9, (whole_ns, did)
same("program", did["maps"], 80000)
same("space", {r["ioasid"] for r in whole["rows"]}, {1})
same("seq", [r["seq"] for r in parts], list(range(1, len(parts) + 1)))
' "$work/load" "$maps" "$unmaps"
}

failed() {
	local maps errors option
	start_json -a -B result || return 1
	hold_load "$load" -t 2 -n 3000 -e 3 || return 1
	maps=$(counter maps) errors=$(counter map-errors)
	stop_json
	release_load
	lat '
same("ok", count("map", result="ok"), int(args[0]))
same("failed", count("map", result="failed"), int(args[1]))
same("program", int(args[1]), 2000)
' "$maps" "$errors" || return 1
	for option in --errors --min=0; do
		start_json "$option" -B none || return 1
		"$load" -t 2 -n 300 -e 3 >"$work/load"
		stop_json
		lat 'same(args[0], count("map"), 200 if args[0] == "--errors" else 600)
same("results", whole["results"], "failed" if args[0] == "--errors" else "ok")' "$option" || return 1
	done
}

# Both get the same number for each operation.
values() {
	echo 0 >"$tracing/tracing_on"
	echo 16384 >"$tracing/buffer_size_kb"
	: >"$tracing/trace"
	start_json -B phase || return 1
	echo 1 >"$tracing/events/ioasid/ioasid_map/enable"
	echo 1 >"$tracing/tracing_on"
	hold_load "$load" -t 3 -n 8000 || return 1
	echo 0 >"$tracing/tracing_on"
	echo 0 >"$tracing/events/ioasid/ioasid_map/enable"
	stop_json
	release_load
	grep -o 'result=0 .*lat_ns=.*' "$tracing/trace" >"$work/trace"
	: >"$tracing/trace"
	lat '
import math, re
ns = [[int(n) for n in re.findall(r"(?:lat|lock|pin|install)_ns=(\d+)", line)] for line in open(args[0])]
same("recorded", len(ns), 24000)
for i, phase in enumerate((None, "lock", "pin", "install")):
	values = sorted(n[i] for n in ns)
	row = rows("map", phase)[0]
	same("count", row["count"], len(values))
	same("sum", row["sum_ns"], sum(values))
	same("mean", row["mean_ns"], sum(values) / len(values))
	same("maximum", row["max_ns"], values[-1])
	for q, k in ((0.5, "p50_ns"), (0.9, "p90_ns"), (0.99, "p99_ns"), (0.999, "p999_ns")):
		exact = values[math.ceil(q * len(values)) - 1]
		assert abs(row[k] - exact) <= exact * whole["percentile_error_percent"] / 100 + 1, (k, row[k], exact)
	for lower, upper, n in row["buckets"]:
		same("bucket %d" % lower, n, sum(lower <= v <= upper for v in values))
' "$work/trace"
}

# to_driver DRIVER DEVICE
to_driver() {
	local dir=/sys/bus/pci/devices/$2
	[ ! -e "$dir/driver" ] || echo "$2" >"$dir/driver/unbind"
	echo "$1" >"$dir/driver_override"
	echo "$2" >/sys/bus/pci/drivers_probe
	[ "$1" = "$(basename "$(readlink "$dir/driver")")" ]
}

invalidations() {
	local invalidations
	to_driver ioasid_pci "$device" || fail "no driver for $device" || return 1
	start_json -B device,space || return 1
	hold_load "$load" -t 2 -n 2000 -d "/dev/ioasid-devices/$device" || return 1
	invalidations=$(counter invalidations)
	stop_json
	release_load
	to_driver '' "$device"
	lat '
same("invalidations", count("inv"), int(args[0]))
same("program", int(args[0]), 4000)
same("attach", [(r["device"], r["count"]) for r in rows("attach")], [(args[1], 1)])
same("maps have none", {r["device"] for r in rows("map")}, {None})
' "$invalidations" "$device"
}

nested() {
	local syncs
	{ sed "s/^repeat [0-9]*/repeat 700/" docs/examples/tree.ioasid
		echo 'expect EOPNOTSUPP repeat 3 invalidate $gpa'
		printf 'print ready\nsleep 600\n'; } >"$work/script"
	start_json -a -B phase,space,result || return 1
	"$ctl" run "$work/script" >"$work/running" 2>&1 &
	script=$!
	for _ in {1..600}; do
		! grep -q '^ready' "$work/running" || break
		kill -0 "$script" 2>/dev/null || break
		sleep 0.1
	done
	syncs=$(sed -n "s/^ioasid-shadow-syncs-[34]:\t//p" /sys/kernel/debug/ioasid/contexts | paste -sd+ | bc)
	stop_json
	kill "$script"
	wait "$script" 2>/dev/null
	grep -q '^ready' "$work/running" || fail "$(cat "$work/running")" || return 1
	lat '
same("requests", sorted((r["ioasid"], r["count"]) for r in rows("user-inv", result="ok")), [(3, 700), (4, 700)])
same("hardware", count("user-inv", "hw", result="ok"), 1400)
same("refused", count("user-inv", result="failed") + count("inv-cmd", result="failed"), 3)
same("tables followed", count("shadow", result="ok"), int(args[0]))
same("attached", count("attach", result="ok"), 5)
for r in rows("user-inv", "hw", result="ok"):
	assert r["sum_ns"] > 0, r
' "$syncs"
}

page_faults() {
	start_json -a -B phase,device,result || return 1
	hold_load "$faults" -d 2 -n 60 -u 20000 -e 7 || return 1
	stop_json
	release_load
	lat '
did = json.load(open(args[0]))
same("program", did["asked"], 120)
for result, key in (("ok", "done"), ("failed", "refused")):
	for phase in (None, "queue", "service", "respond"):
		same("%s %s" % (key, phase), count("fault", phase, result=result), did[key])
same("devices", sorted({r["device"] for r in rows("fault")}), ["0x51000000", "0x51000001"])
for cookie in (0x51000000, 0x51000001):
	same("each", count("fault", cookie=cookie), 60)
least = 20e6 * (1 - whole["percentile_error_percent"] / 100)
for r in rows("fault", "service"):
	assert r["p50_ns"] >= least, r
	assert r["buckets"][0][1] >= 20e6, r
parts_ns = sum(r["sum_ns"] for phase in ("queue", "service", "respond") for r in rows("fault", phase))
same("nothing is between the phases", parts_ns, sum(r["sum_ns"] for r in rows("fault")))
same("no process", {r["pid"] for r in whole["rows"]}, {None})
' "$work/load"
}

filters() {
	local ctx other
	hold_load "$load" -n 10 || return 1
	ctx=$(sed -n 's/^ioasid-ctx:\t//p' /sys/kernel/debug/ioasid/contexts | tail -n 1)
	release_load
	# The next two contexts.
	start_json -B space,process -S "$((ctx + 2)):1" || return 1
	"$load" -n 100 >/dev/null
	"$load" -n 200 >"$work/load"
	stop_json
	lat 'same("space", [(r["ctx"], r["ioasid"], r["comm"], r["count"]) for r in rows("map")], [(int(args[0]), 1, "ioload", 200)])' \
		"$((ctx + 2))" || return 1
	start_json -B process -p "$$" -o map,unmap || return 1
	"$load" -n 100 >/dev/null
	stop_json
	lat 'same("nobody", whole["rows"], []); same("operations", whole["operations"], ["map", "unmap"])' || return 1
	# The process that is to be measured waits for its number to be known.
	rm -f "$work/go"
	mkfifo "$work/go"
	bash -c "read -r _ <'$work/go'; exec $load -n 300" >"$work/load" &
	other=$!
	start_json -B process -p "$other" -o unmap || return 1
	"$load" -n 100 >/dev/null
	echo >"$work/go"
	wait "$other"
	stop_json
	lat 'same("process", [(r["operation"], r["pid"], r["count"]) for r in whole["rows"]], [("unmap", int(args[0]), 300)])' \
		"$other" || return 1
	start_json -B device,phase -D 0x51000001 || return 1
	hold_load "$faults" -d 2 -n 50 || return 1
	stop_json
	release_load
	lat 'same("device", {r["cookie"] for r in whole["rows"]}, {0x51000001}); same("faults", count("fault"), 50)' || return 1
	start_json -o fault,map -m 20ms || return 1
	"$load" -n 5000 >/dev/null
	hold_load "$faults" -n 30 -u 25000 || return 1
	stop_json
	release_load
	lat 'same("slow", count("fault"), 30); same("minimum", whole["min_ns"], 20000000)
for r in rows("fault") + rows("map"):
	assert r["buckets"][0][1] >= 20e6, r'
}

full_map() {
	local status
	# 1 MiB has room for 64 to 518 rows.
	start_json --memory 1 --strict -B space || return 1
	"$load" -n 10 -s 1000 -k >"$work/load" || return 1
	stop_json
	status=$?
	[ "$status" -eq 4 ] || fail "exit status $status" || return 1
	lat '
did = json.load(open(args[0]))
same("maps", count("map"), did["maps"])
same("unmaps", count("unmap"), did["unmaps"])
assert count("map", other=True) > 0 and count("map", other=False) > 0
same("unattributed", whole["lost"]["unattributed"], count("map", other=True) + count("unmap", other=True))
' "$work/load"
}

log() {
	start_json -B phase,process --hlog "$work/log" || return 1
	hold_load "$load" -t 2 -n 20000 || return 1
	stop_json
	release_load
	lat '
import base64, math, re, struct, zlib
def counts(text):
	data = base64.b64decode(text)
	same("cookie", data[:4], bytes.fromhex("1c849314"))
	data = zlib.decompress(data[8:])
	same("cookie", data[:4], bytes.fromhex("1c849313"))
	length, _, digits, low, high, ratio = struct.unpack(">iiiqqd", data[4:40])
	same("header", (length, digits, low, ratio), (len(data) - 40, 3, 1, 1.0))
	at, slot, out = 40, 0, {}
	while at < len(data):
		word = shift = 0
		while True:
			byte = data[at]
			at += 1
			word |= (byte if shift == 56 else byte & 0x7f) << shift
			shift += 7
			if byte < 0x80 or shift > 56:
				break
		n = word >> 1 if word % 2 == 0 else -(word + 1 >> 1)
		if n < 0:
			slot -= n
		else:
			if n:
				out[slot] = n
			slot += 1
	return out
def highest(slot):
	octave = max(slot // 1024 - 1, 0)
	return ((slot - octave * 1024 + 1) << octave) - 1
lines = [line.rstrip("\n") for line in open(args[0])]
assert "#[Histogram log format version 1.3]" in lines
sums, last = {}, {}
for line in lines:
	match = re.fullmatch(r"Tag=([^, ]+),([0-9.]+),([0-9.]+),([0-9.]+),(\S+)", line)
	if not match:
		assert line[0] in "#\"", line
		continue
	tag, start, length = match[1], float(match[2]), float(match[3])
	assert start >= last.get(tag, 0) - 0.002, line
	last[tag] = start + length
	for slot, n in counts(match[5]).items():
		s = sums.setdefault(tag, {})
		s[slot] = s.get(slot, 0) + n
def tag_of(r):
	return r["operation"] + ("." + r["phase"] if r["phase"] else "") + "/%s[%d]" % (r["comm"], r["pid"])
same("tags", sorted(sums), sorted(tag_of(r) for r in whole["rows"] if r["count"]))
same("maps", count("map"), 40000)
for r in whole["rows"]:
	s = sums[tag_of(r)]
	same("values of " + tag_of(r), sum(s.values()), r["count"])
	for q, k in ((0.5, "p50_ns"), (0.9, "p90_ns"), (0.99, "p99_ns"), (0.999, "p999_ns")):
		seen = 0
		for slot in sorted(s):
			seen += s[slot]
			if seen >= math.ceil(q * r["count"]):
				break
		assert r[k] <= highest(slot) <= r[k] * 1.001 + 1 or r[k] == r["max_ns"], (tag_of(r), k, r[k], highest(slot))
' "$work/log"
}

tables() {
	"$top" -d 4 -i 1 -H -B phase --width 80 -o map,unmap >"$work/out" &
	json=$!
	for _ in {1..100}; do
		[ ! -s "$work/out" ] || break
		sleep 0.1
	done
	"$load" -n 3000 >"$work/load"
	wait "$json" || fail "exit status $?" || return 1
	sed 's/^/# /' "$work/out" | head -n 40
	[ "$(wc -L <"$work/out")" -le 80 ] || fail "too wide" || return 1
	grep -qE '^OPERATION +COUNT +MEAN +P50 +P90 +P99 +P99.9 +MAX$' "$work/out" &&
		grep -qE '^map +[0-9]+( +[0-9.]+[num]){6}$' "$work/out" &&
		grep -qE '^  lock +[0-9]+( +[0-9.]+[num]){6}$' "$work/out" &&
		grep -qE '^unmap\.flush: [0-9]+$' "$work/out" &&
		grep -qE '^ +[0-9.]+[num] \.\. +[0-9.]+[num] +[0-9]+ [|]#+$' "$work/out"
}

# Sets as_user: starts a program as an ordinary user with these capabilities.
user_with() {
	as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups
		"--inh-caps=-all$1" "--ambient-caps=-all$1" "--bounding-set=-all$1")
}

probe() {
	"$top" --probe >"$work/probe" && ! grep -v -e '^--source' "$work/probe" | grep ' no ' || return 1
	"$top" --probe --json >"$work/json" || return 1
	py 'same("bpf", (records[0]["schema"], records[0]["bpf"]), ("ioasidlat-probe/1", True))' || return 1
	user_with ''
	"${as_user[@]}" "$top" --probe >"$work/probe" || return 1
	grep -q 'CAP_BPF  *no' "$work/probe" && grep -q 'raw_tp.* no .*CAP_BPF and CAP_PERFMON' "$work/probe"
}

least_caps() {
	local status=1
	user_with ,+bpf,+perfmon
	runner=("${as_user[@]}")
	if start_json -B phase,process; then
		grep -E '^Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' "/proc/$json/status" >"$work/status"
		hold_load "$load" -n 2000
		status=$?
		stop_json
		release_load
	fi
	runner=()
	[ "$status" -eq 0 ] && lat 'same("maps", count("map", comm="ioload"), 2000)' || return 1
	[ "$(grep -c '	0000000000000000$' "$work/status")" -eq 4 ] && grep -q '	1$' "$work/status"
}

no_caps() {
	local status caps
	for caps in '' ,+bpf ,+perfmon; do
		user_with "$caps"
		"${as_user[@]}" "$top" -d 1 >"$work/out" 2>&1
		status=$?
		sed 's/^/# /' "$work/out"
		[ "$status" -eq 3 ] && [ "$(wc -l <"$work/out")" -eq 1 ] &&
			grep -q '^ioasidlat: no latencies without CAP_.*: run as root, or setcap the tool' "$work/out" || return 1
	done
}

no_btf() {
	local status=1
	mount -t tmpfs none /sys/kernel/btf || return 1
	if start_json; then
		"$load" -n 1000 >"$work/load"
		stop_json
		status=$?
	fi
	umount /sys/kernel/btf
	[ "$status" -eq 0 ] && lat 'same("maps", count("map"), 1000)'
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
	"$top" --source ioasid -d 1 >"$work/out" 2>&1
	status=$?
	reload_driver || return 1
	[ "$status" -eq 3 ] && [ "$(wc -l <"$work/out")" -eq 1 ] && grep -q '^ioasidlat: .* is not loaded: ' "$work/out"
}

unload_attached() {
	rmmod ioasid_vfio ioasid_sim ioasid_pci
	start_json || return 1
	! rmmod ioasid 2>"$work/rmmod" || fail "unloaded under the tool" || return 1
	grep -qi 'in use\|busy\|unavailable' "$work/rmmod" || fail "$(cat "$work/rmmod")" || return 1
	stop_json || return 1
	rmmod ioasid && insmod "$work/ioasid.ko" || return 1
	# It works with the one that was loaded anew; killed, it leaves nothing.
	start_json || return 1
	"$load" -n 100 >"$work/load"
	stop_json
	lat 'same("maps", count("map"), 100)' || return 1
	start_json || return 1
	kill -KILL "$json"
	wait "$json" 2>/dev/null
	for _ in {1..50}; do
		! rmmod ioasid 2>/dev/null || break
		sleep 0.1
	done
	[ ! -d /sys/module/ioasid ] && reload_driver
}

usage() {
	local arguments status
	for arguments in '-i 0' '-i x' '-n 0' '-d -1' '-B nonsense' '-o map,' '-o lock' 'more' '--memory 0' \
		'--nonsense' '-m 5h' '-m x' '-S 0' '-S 1:x' '-D 0' '-D 00:20.0' '-D x' '-p 0' '--json -H'; do
		# shellcheck disable=SC2086 # several words
		"$top" $arguments >"$work/out" 2>&1
		status=$?
		[ "$status" -eq 2 ] || fail "'$arguments': exit status $status" || return 1
	done
	"$top" --help >/dev/null && "$top" -V | grep -q '^ioasidlat [0-9]' || return 1
	"$top" -d 0.1 --hlog /nonexistent/x >"$work/out" 2>&1
	[ $? -eq 1 ] && grep -q '^ioasidlat: /nonexistent/x: No such file' "$work/out"
}

ends() {
	local signal start
	start=$SECONDS
	"$top" -d 1 >"$work/out" && grep -q 'no operations' "$work/out" || return 1
	"$top" -n 3 -i 0.3 --json >"$work/json" || return 1
	[ "$((SECONDS - start))" -ge 1 ] && [ "$(wc -l <"$work/json")" -eq 4 ] && lat '' || return 1
	"$top" -d 1 -i 0.25 --json >"$work/json" || return 1
	lat 'assert 1 <= len(parts) <= 4 and whole["interval_ns"] > 0.9e9, whole["interval_ns"]' || return 1
	for signal in INT TERM HUP; do
		rm -f "$work/json"
		# Background jobs ignore SIGINT otherwise.
		env --default-signal=INT "$top" --json -i 0.2 >"$work/json" &
		json=$!
		for _ in {1..100}; do
			[ ! -s "$work/json" ] || break
			sleep 0.1
		done
		kill -"$signal" "$json"
		wait "$json" || fail "$signal: exit status $?" || return 1
		lat '' || return 1
	done
}

# heat [VARIABLE=VALUE...]: the screen of a heat map while a load runs, and when it is over.
heat() {
	env "$@" tmux -L ioasid-test -f /dev/null new-session -d -x 80 -y 24 \
		"$top --heatmap -i 0.5; echo exit status \$?; sleep 100"
	shows '^TIME +OPERATION +OPS ' || return 1
	"$load" -t 2 -n 1500 -p 100 >/dev/null
	shows '^[0-9:]{8} map +[0-9.k]+ [|] +[.:=+*%#@-]' && shows '^ {9}unmap +[0-9.k]+ [|]' || return 1
	shows '^[0-9:]{8} map +0 [|]$'
}

heat_map() {
	local status=1
	if heat TERM=xterm-256color; then
		tm capture-pane -p -e >"$work/colors"
		sed 's/^/# /' "$work/screen"
		[ "$(wc -L <"$work/screen")" -le 80 ] && grep -q $'\033\\[[0-9;]*48;5;' "$work/colors"
		status=$?
	fi
	tm send-keys C-c
	[ "$status" -eq 0 ] && shows '^map +[0-9]+' && shows 'exit status 0'
	status=$?
	tm kill-server
	[ "$status" -eq 0 ] || return 1
	heat TERM=xterm-256color NO_COLOR=1
	status=$?
	tm capture-pane -p -e >"$work/colors"
	tm send-keys C-c
	[ "$status" -eq 0 ] && shows 'exit status 0' && ! grep -q '\[[0-9;]*[34]8;5;' "$work/colors"
	status=$?
	tm kill-server
	return "$status"
}

run_tool_tests "$@"
