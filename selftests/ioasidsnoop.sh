#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidsnoop.sh [TEST...]
#
# ioasidsnoop in a machine of the lab: its events against what a load of known size did
# and what the driver counted, its filters, stacks, and what it says when it cannot work.

set -uo pipefail

snoop=build/tools/ioasidsnoop
ctl=build/tools/ioasidctl
load=build/tools/tests/ioload
faultload=build/tools/tests/faultload
callload=build/tools/tests/callload

# What each test says; the functions are below, in the same order.
tests=(
	exact:"threads: as many events as the program did and the driver counted"
	exact_errors:"-x: the refused operations and no others, exactly"
	faults:"-F: report, delivery and answer of each group of faults, exactly, and none before its report"
	fault_errors:"-x: refused and late answers are errors, and have no process unless one gave them"
	devices:"bind, attach, detach and unbind of a device, and -D with its cookie"
	fields:"events have all arguments of their tracepoints, with units and words"
	filters:"-p, -c, -S, -a and -e let through what they say, and nothing else"
	slower:"-l lets through what took as long, and nothing else"
	lost:"a full ring: what was seen and what was lost add up to what was done"
	stop_count:"-n stops after as many events, -d after its time"
	kernel_stack:"-k names the functions of the driver"
	user_stack:"-u names the functions of the program, and its file"
	ended_stack:"stacks of programs that have ended have addresses at least"
	no_symbols:"without the right to see the kernel's addresses stacks have no names"
	text:"lines for people: columns, units, a summary; times of three kinds"
	hostile:"names of processes cannot command the terminal"
	pipe:"it ends quietly when nobody reads any more, also while nothing happens"
	signals:"SIGINT and SIGTERM: a summary and exit status 0"
	least_caps:"CAP_BPF and CAP_PERFMON are enough"
	no_caps:"without privileges: one sentence and exit status 3"
	drops_caps:"no capability is left after the start but those for stacks of others"
	no_btf:"BTF of kernel and driver is not needed"
	not_loaded:"without the driver: one sentence and exit status 3"
	unload_attached:"the driver cannot be unloaded under it, and can when it is gone or killed"
	reloaded:"after the driver was loaded anew, it works anew"
	probe:"--probe finds everything in place, or says what is not, also as JSON"
	usage:"wrong usage is exit status 2"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

# Starts ioasidsnoop --json with the given arguments and waits until it is attached.
start_snoop() {
	rm -f "$work/json"
	"${runner[@]}" "$snoop" --json "$@" >"$work/json" 2>"$work/stderr" &
	json=$!
	for _ in {1..300}; do
		[ -s "$work/json" ] && return 0
		kill -0 "$json" 2>/dev/null || break
		sleep 0.1
	done
	fail "does not start: $(cat "$work/stderr")"
}

stop_snoop() {
	kill -TERM "$json" 2>/dev/null
	wait "$json"
}

# sn CODE [FILE...]: what ioasidsnoop printed, with a few words for it.
sn() {
	py '
start, end = records[0], records[-1]
same("first record", start["record"], "start")
same("schema", start["schema"], "ioasidsnoop/1")
same("last record", end["record"], "end")
events = [r for r in records if r["record"] == "event"]
missed = end["missed"]	# skipped by the kernel (7.x)
def of(*names): return [e for e in events if e["event"] in names]
def about(what, seen, did):	# exactly, but for what was missed
	if not did - missed - end["lost"] <= seen <= did:
		sys.exit("# %s: %s, expected %s; missed %s, lost %s" % (what, seen, did, missed, end["lost"]))
same("seq", [e["seq"] for e in events], list(range(1, len(events) + 1)))
same("counted", end["events"], len(events))
same("said to be lost", sum(r["lost"] for r in records if r["record"] == "lost"), end["lost"])
'"$1" "${@:2}"
}

# What the driver counted for the space of the load that is held.
counted() { sed -n "s/^ioasid-$1-1:	//p" /sys/kernel/debug/ioasid/contexts | tail -n 1; }

exact() {
	local maps unmaps status
	start_snoop --strict --memory 64 || return 1
	hold_load "$load" -t 4 -n 5000 || return 1
	maps=$(counted maps) unmaps=$(counted unmaps)
	stop_snoop
	status=$?
	release_load
	sn '
did = json.load(open(args[0]))
same("program", (did["maps"], did["unmaps"]), (20000, 20000))
same("driver", args[1:3], ["20000", "20000"])
same("lost", end["lost"], 0)
about("maps", len(of("map")), 20000)
about("unmaps", len(of("unmap")), 20000)
about("in all", len(events), 40001)
same("missed and seen", len(events) + missed, 40001)
same("failed", [e for e in events if e.get("result")], [])
same("--strict", int(args[3]), 4 if missed else 0)
same("processes", {(e["comm"], e["ctx"], e["ioasid"]) for e in of("map")}, {("ioload", events[0]["ctx"], 1)})
same("threads", len({e["tid"] for e in of("map")}), 4)
same("process", len({e["pid"] for e in events}), 1)
# Each thread for itself is in order: of a page, each map is before its unmap.
for tid in {e["tid"] for e in of("map")}:
	mine = [e for e in events if e["tid"] == tid and e["event"] in ("map", "unmap")]
	stamps = [e["ts_ns"] for e in mine]
	same("order", stamps, sorted(stamps))
	assert missed or [e["event"] for e in mine] == ["map", "unmap"] * 5000
' "$work/load" "$maps" "$unmaps" "$status"
}

exact_errors() {
	local errors
	start_snoop -x || return 1
	hold_load "$load" -t 2 -n 3000 -e 3 || return 1
	errors=$(counted map-errors)
	stop_snoop
	release_load
	sn '
did = json.load(open(args[0]))
same("program", did["errors"], 2000)
same("driver", args[1], "2000")
about("errors", len(events), 2000)
same("which", {(e["event"], e["result"], e["error"]) for e in events}, {("map", -17, "EEXIST")})
' "$work/load" "$errors"
}

faults() {
	start_snoop -F || return 1
	hold_load "$faultload" -d 2 -n 200 -g 3 -e 7 || return 1
	stop_snoop
	release_load
	sn '
did = json.load(open(args[0]))
same("program", did["asked"], 400)
for name in ("fault_report", "fault_deliver", "fault_respond"):
	about(name, len(of(name)), 400)
same("others", len(of("fault_report", "fault_deliver", "fault_respond")), len(events))
about("refused", sum(e["code"] == "invalid" for e in of("fault_respond")), did["refused"])
same("pages", {e["pages"] for e in of("fault_report", "fault_deliver")}, {3})
same("cookies", {e["cookie"] for e in events}, {0x51000000, 0x51000001})
same("type", {e["type"] for e in of("fault_report")}, {"page-request"})
same("to", {e["to"] for e in of("fault_deliver")}, {"user"})
same("why", {e["why"] for e in of("fault_respond")}, {"user"})
same("nobody", {(e["pid"], e["comm"]) for e in of("fault_report", "fault_deliver")}, {(None, None)})
same("who answers", {e["comm"] for e in of("fault_respond")}, {"faultload"})
assert all(e["total_ns"] == e["duration_ns"] > e["service_ns"] > 0 for e in of("fault_respond"))
# The driver reports delivery and answer after the fact: the device may have asked again
# by then. But nothing is delivered or answered before it was reported.
for what in ("fault_deliver", "fault_respond"):
	for cookie in (0x51000000, 0x51000001):
		for group in {e["group"] for e in events}:
			first = [e["seq"] for e in of("fault_report") if (e["cookie"], e["group"]) == (cookie, group)]
			then = [e["seq"] for e in of(what) if (e["cookie"], e["group"]) == (cookie, group)]
			assert missed or all(x < y for x, y in zip(first, then)), (what, cookie, group)
' "$work/load"
}

fault_errors() {
	start_snoop -F -x || return 1
	hold_load "$faultload" -n 40 -e 4 || return 1
	release_load
	hold_load "$faultload" -n 3 -x 0 -t 200 || return 1
	for _ in {1..300}; do
		[ "$(counted fault-timeouts)" != 3 ] || break
		sleep 0.1
	done
	stop_snoop
	exec {hold}>&-
	kill -KILL "$loading" 2>/dev/null
	wait "$loading" 2>/dev/null
	sn '
same("events", {e["event"] for e in events}, {"fault_respond"})
about("refused", sum(e["why"] == "user" and e["code"] == "invalid" for e in events), 10)
about("late", sum(e["why"] == "timeout" for e in events), 3)
about("in all", len(events), 13)
same("who", {(e["why"], e["comm"]) for e in events}, {("user", "faultload"), ("timeout", None)})
'
}

devices() {
	start_snoop -e devices || return 1
	"$faultload" -d 2 -n 1 >"$work/load" || return 1
	stop_snoop
	sn '
for name in ("bind", "attach"):
	about(name, len(of(name)), 2)
same("names", {e["dev"] for e in events}, {None})
same("cookies", {e["cookie"] for e in of("bind", "attach")}, {0x51000000, 0x51000001})
same("pasids", {e["pasid"] for e in of("attach")}, {None})
' || return 1
	start_snoop -D 0x51000001 || return 1
	"$faultload" -d 2 -n 50 >"$work/load" || return 1
	stop_snoop
	sn '
same("cookies", {e["cookie"] for e in events}, {0x51000001})
about("reports", len(of("fault_report")), 50)
about("attached", len(of("bind", "attach")), 2)
same("maps", of("map", "unmap", "alloc"), [])
'
}

fields() {
	# The arguments of each tracepoint, as the driver declares them.
	awk '/^(TRACE_EVENT|DECLARE_EVENT_CLASS|DEFINE_EVENT)\(/ { sub(/.*\(/, ""); sub(/,$/, ""); n = split($0, w, /, */); name = w[n] }
		/^\tTP_ARGS\(/ { collecting = 1; text = "" }
		collecting { text = text $0 }
		collecting && /\)/ { collecting = 0; gsub(/.*TP_ARGS\(|\).*|[ \t]/, "", text); print name, text }' \
		include/trace/events/ioasid.h >"$work/declared"
	grep -q '^ioasid_map ctx,ioasid,iova,' "$work/declared" || return 1
	start_snoop -e all || return 1
	"$load" -n 2 -s 1 >/dev/null
	"$faultload" -n 2 >/dev/null
	# An IOMMU that walks the guest's tables, and one that does not.
	sed 's/^repeat [0-9]*/repeat 3/' docs/examples/tree.ioasid >"$work/script"
	"$ctl" run "$work/script" >/dev/null 2>"$work/stderr" || fail "$(cat "$work/stderr")" || return 1
	sed -i 's/caps nesting,pasid/caps pasid/' "$work/script"
	"$ctl" run "$work/script" >/dev/null 2>"$work/stderr" || fail "$(cat "$work/stderr")" || return 1
	stop_snoop
	sn '
declared = dict(line.split() for line in open(args[0]))
common = {"record", "seq", "ts_ns", "time_ns", "cpu", "pid", "tid", "comm", "event", "duration_ns", "error"}
for e in events:
	same(e["event"], [k for k in e if k not in common], declared["ioasid_" + e["event"]].split(","))
seen = {e["event"] for e in events}
wanted = {"map_begin", "map", "unmap_begin", "unmap", "iotlb_inv", "invalidate_cache", "invalidate",
	  "shadow", "alloc", "bind", "attach_begin", "attach", "free",
	  "fault_report", "fault_deliver", "fault_respond"}
assert missed or wanted <= seen, wanted - seen
same("offered", {"ioasid_" + name for name in start["events"]}, {n for n in declared if n not in
	("ioasid_range_begin", "ioasid_table", "ioasid_memory", "ioasid_device")})
for e in of("map"):
	assert e["duration_ns"] == e["lat_ns"] >= e["lock_ns"] + e["pin_ns"] + e["install_ns"] > 0
	assert e["size"] % 4096 == 0 and e["vaddr"] > 0
	assert abs((e["time_ns"] - e["ts_ns"]) - (events[0]["time_ns"] - events[0]["ts_ns"])) < 1e9
kinds = {e["kind"] for e in of("alloc")}
assert {"kernel", "user"} <= kinds, kinds
' "$work/declared"
}

# filtered EXPECTED CONDITION ARGUMENT...: a load that has run once is run again, under
# a filter; so many events are seen, and the condition holds for each.
filtered() {
	start_snoop "${@:3}" || return 1
	hold_load "$load" -t 3 -n 100 -e 10 -s 2 || return 1
	stop_snoop
	release_load
	sn '
about("events with " + " ".join(args[2:]), len(events), int(args[0]))
for e in events:
	assert eval(args[1]), (args, e)
' "$@"
}

filters() {
	local ctx
	# Three threads do as follows in each of two spaces: 100 maps and unmaps of a page
	# of their own, at 1, 2 and 3 times 16 MiB, and 10 maps that are refused.
	filtered 1264 True || return 1
	filtered 660 'e["event"] == "map"' -e map || return 1
	filtered 604 'e["event"] in ("unmap", "alloc", "free")' -e unmap,spaces || return 1
	filtered 630 'e["ioasid"] == 2' -S 2 -e mappings || return 1
	filtered 0 False -S 77 || return 1
	filtered 420 'e["iova"] == 0x2000000' -a 0x2000000-0x2000fff || return 1
	filtered 840 'e["iova"] >= 0x2000000' -a 0x2000fff+1G || return 1
	filtered 0 False -a 0x2001000 || return 1
	filtered 20 'e["error"] == "EEXIST" and e["iova"] == 0x1000000' -x -a 0x1000000 || return 1
	filtered 0 False -D 00:10.0 || return 1
	# A program that goes on, and another one.
	start_snoop -e map -n 1 || return 1
	hold_calls
	wait "$json"
	sn 'same("pid", events[0]["pid"], int(args[0])); print(events[0]["ctx"])' "$calling" >"$work/ctx" || return 1
	ctx=$(cat "$work/ctx")
	"$load" -n 100000000 >/dev/null &
	loading=$!
	"$snoop" --json -p "$calling" -n 50 >"$work/json" || return 1
	sn 'same("process", {(e["pid"], e["ctx"]) for e in events}, {(int(args[0]), int(args[1]))})' "$calling" "$ctx" || return 1
	"$snoop" --json -c "$ctx" -n 50 >"$work/json" || return 1
	sn 'same("context", {(e["pid"], e["ctx"]) for e in events}, {(int(args[0]), int(args[1]))})' "$calling" "$ctx" || return 1
	"$snoop" --json -c "$ctx" -p "$loading" -d 1 >"$work/json" || return 1
	kill "$loading"
	wait "$loading" 2>/dev/null
	release_calls
	sn 'same("neither", events, [])'
}

slower() {
	start_snoop || return 1
	"$load" -n 3000 >"$work/load" || return 1
	stop_snoop
	sn '
times = sorted(e["duration_ns"] for e in of("map", "unmap"))
print(times[len(times) // 2])' >"$work/median" || return 1
	median=$(cat "$work/median")
	start_snoop -l "${median}ns" || return 1
	"$load" -n 3000 >"$work/load" || return 1
	stop_snoop
	sn '
assert 0 < len(events) < 6000, len(events)
assert all(e["duration_ns"] >= int(args[0]) for e in events)
same("without a duration", of("alloc"), [])
' "$median" || return 1
	# A second: nothing takes that long.
	start_snoop -l 1000s || return 1
	"$load" -n 100 >/dev/null
	stop_snoop
	sn 'same("events", events, []); same("matched", end["left"], 0)'
}

lost() {
	local status
	start_snoop --memory 1 --strict || return 1
	kill -STOP "$json"
	hold_load "$load" -t 4 -n 10000 || return 1
	kill -CONT "$json"
	sleep 0.5
	stop_snoop
	status=$?
	release_load
	[ "$status" -eq 4 ] || fail "exit status $status" || return 1
	sn '
assert end["lost"] > 50000, end
assert 0 < len(events) < 20000, len(events)
same("seen, lost and missed", len(events) + end["lost"] + missed, 80001)
same("left", end["left"], 0)
assert any(r["record"] == "lost" and r["cpu"] >= 0 for r in records)
'
}

stop_count() {
	local before status
	start_snoop -n 7 -e map || return 1
	"$load" -n 100 >/dev/null
	wait "$json"
	status=$?
	[ "$status" -eq 0 ] || return 1
	sn 'same("events", len(events), 7); same("why", end["reason"], "count"); about("left", end["left"] + 7, 100)' || return 1
	before=$(date +%s%N)
	"$snoop" --json -d 1.5 >"$work/json" || return 1
	[ $(($(date +%s%N) - before)) -ge 1500000000 ] || fail "too early" || return 1
	sn 'same("why", end["reason"], "duration"); assert 1.5 <= end["seconds"] < 30, end' || return 1
	# Under load, nothing from after the end is shown.
	"$load" -n 100000000 >/dev/null &
	loading=$!
	"$snoop" --json -d 0.3 --memory 64 >"$work/json"
	kill "$loading"
	wait "$loading" 2>/dev/null
	sn '
assert len(events) > 10, len(events)
assert events[-1]["ts_ns"] - events[0]["ts_ns"] <= 0.3e9, (events[0]["ts_ns"], events[-1]["ts_ns"])
'
}

# hold_calls: the program that is to be seen in stacks.
hold_calls() {
	rm -f "$work/calls"
	mkfifo "$work/calls"
	"$callload" <"$work/calls" >/dev/null &
	calling=$!
	exec {calls}>"$work/calls"
}

release_calls() {
	exec {calls}>&-
	wait "$calling"
}

kernel_stack() {
	hold_calls
	"$snoop" --json -k -e mappings -n 20 >"$work/json" || return 1
	release_calls
	sn '
same("events", len(events), 20)
for e in events:
	names = [f["symbol"] for f in e["kernel_stack"]]
	assert "ioasid_ioctl" in names, names
	assert {"map": "ioasid_space_map", "unmap": "ioasid_space_unmap"}[e["event"]] == names[0], names
	assert any(n and "sys_ioctl" in n for n in names), names
	ours = [f for f in e["kernel_stack"] if f["symbol"] == "ioasid_ioctl"][0]
	same("module", ours["module"], "ioasid")
	assert ours["offset"] > 0 and ours["address"] > 1 << 63, ours
	same("no user stack", e["user_stack"], None)
'
}

user_stack() {
	hold_calls
	"$snoop" --json -u -e mappings -n 20 >"$work/json" || return 1
	"$snoop" -k -u -e mappings -n 20 >"$work/out" 2>/dev/null || return 1
	release_calls
	sn '
for e in events:
	names = [f["symbol"] for f in e["user_stack"]]
	wanted = {"map": ["prepare_transfer", "main"], "unmap": ["finish_transfer", "main"]}[e["event"]]
	same(e["event"], [n for n in names if n in ("prepare_transfer", "finish_transfer", "main")], wanted)
	frame = [f for f in e["user_stack"] if f["symbol"] == wanted[0]][0]
	assert frame["module"].endswith("/callload") and frame["offset"] > 0, frame
	assert names[0] and "ioctl" in names[0], names
	same("no kernel stack", e["kernel_stack"], None)
' && grep -qE '^    user   0x[0-9a-f]+ +prepare_transfer\+0x[0-9a-f]+ \(.*/callload\)$|^    user   +0x[0-9a-f]+ prepare_transfer\+0x[0-9a-f]+ \(.*/callload\)$' "$work/out" &&
		grep -qE '^    kernel 0x[0-9a-f]+ ioasid_ioctl\+0x[0-9a-f]+ \(ioasid\)$' "$work/out"
}

# Stopped while the program comes and goes, it sees only what has gone.
ended_stack() {
	start_snoop -k -u || return 1
	kill -STOP "$json"
	"$load" -n 3 >/dev/null
	kill -CONT "$json"
	sleep 0.5
	stop_snoop || fail "exit status $?" || return 1
	sn '
about("events", len(of("map", "unmap")), 6)
for e in of("map"):
	assert e["user_stack"] and e["user_stack"][0]["address"], e
	same("names", {f["symbol"] for f in e["user_stack"]}, {None})
	assert "ioasid_ioctl" in [f["symbol"] for f in e["kernel_stack"]]
'
}

no_symbols() {
	local status was
	was=$(cat /proc/sys/kernel/kptr_restrict)
	echo 2 >/proc/sys/kernel/kptr_restrict
	hold_calls
	"$snoop" --json -k -e map -n 3 >"$work/json"
	status=$?
	release_calls
	echo "$was" >/proc/sys/kernel/kptr_restrict
	[ "$status" -eq 0 ] && sn '
for e in events:
	same("names", {f["symbol"] for f in e["kernel_stack"]}, {None})
'
}

# Until its first line is there.
wait_for() {
	for _ in {1..300}; do
		[ ! -s "$1" ] || return 0
		sleep 0.1
	done
	fail "nothing in $1"
}

text() {
	local clock pids=()
	rm -f "$work"/out.*
	for clock in wall mono delta; do
		"$snoop" -T "$clock" -e mappings,alloc -n 5 >"$work/out.$clock" 2>"$work/err.$clock" &
		pids+=($!)
	done
	for clock in wall mono delta; do
		wait_for "$work/out.$clock" || return 1
	done
	"$load" -n 3 -e 2 -b 65536 >/dev/null
	wait "${pids[@]}" || return 1
	sed 's/^/# /' "$work/out.wall" "$work/err.wall"
	grep -qE '^TIME +COMM +PID +CTX +ID EVENT +RESULT +TIME +DETAILS$' "$work/out.wall" || return 1
	grep -qE '^[0-9]{2}:[0-9]{2}:[0-9]{2}\.[0-9]{6} ioload +[0-9]+ +[0-9]+ +1 alloc +ok +-  kind=kernel ' "$work/out.wall" || return 1
	grep -qE ' map +ok +[0-9.]+[num]  iova=0x1000000 size=64K vaddr=0x[0-9a-f]+ flags=0x3 runs=[0-9]+ lock=[0-9.]+[num] ' "$work/out.wall" || return 1
	grep -qE ' map +EEXIST +[0-9.]+[num]  ' "$work/out.wall" || return 1
	grep -qE '^ioasidsnoop: 5 events in [0-9.]+ s, 0 lost' "$work/err.wall" || return 1
	awk 'NR > 1 && !($1 > last) { bad = 1 } NR > 1 { last = $1 } END { exit bad }' "$work/out.mono" || return 1
	awk 'NR == 2 && $1 != "0.000000" { exit 1 } NR > 2 && !($1 < 5) { exit 1 }' "$work/out.delta"
}

hostile() {
	local name=$'\e[31m\a"\\x' pids
	rm -f "$work/out"
	start_snoop -e map || return 1
	"$snoop" -e map -n 1 >"$work/out" 2>/dev/null &
	pids=($!)
	wait_for "$work/out" || return 1
	cp "$load" "$work/$name"
	"$work/$name" -n 1 >/dev/null
	wait "${pids[0]}" || return 1
	stop_snoop
	! LC_ALL=C grep -q '[^ -~]' "$work/out" "$work/json" || fail "control characters" || return 1
	grep -qF '\x1B[31m\x07"\x' "$work/out" && sn '
about("events", len(events), 1)
same("name", {e["comm"] for e in events}, {args[0]})
' '\x1B[31m\x07"\x'
}

pipe() {
	local status
	hold_calls
	"$snoop" -e map 2>"$work/stderr" | head -n 3 >"$work/out"
	status=("${PIPESTATUS[@]}")
	release_calls
	[ "${status[0]}" -eq 0 ] && [ ! -s "$work/stderr" ] && [ "$(wc -l <"$work/out")" -eq 3 ] ||
		fail "exit status ${status[0]}: $(cat "$work/stderr")" || return 1
	# Only the header, and then nothing for it to notice it by.
	timeout 60 "$snoop" -e map 2>"$work/stderr" | head -n 1 >"$work/out"
	status=("${PIPESTATUS[@]}")
	[ "${status[0]}" -eq 0 ] || fail "exit status ${status[0]}" || return 1
	[ ! -s "$work/stderr" ] || fail "$(cat "$work/stderr")"
}

signals() {
	local signal status
	for signal in INT TERM HUP; do
		start_snoop || return 1
		"$load" -n 10 >/dev/null
		kill "-$signal" "$json"
		wait "$json"
		status=$?
		[ "$status" -eq 0 ] || fail "$signal: exit status $status" || return 1
		sn 'same("why", end["reason"], "signal"); about("events", len(events), 22)' || return 1
	done
}

# Sets as_user: starts a program as an ordinary user with these capabilities.
user_with() {
	as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups
		"--inh-caps=-all$1" "--ambient-caps=-all$1" "--bounding-set=-all$1")
}

probe() {
	"$snoop" --probe >"$work/probe" && ! grep -v -e '^--source' "$work/probe" | grep ' no ' || return 1
	"$snoop" --probe --json >"$work/json" || return 1
	py 'same("bpf", (records[0]["schema"], records[0]["bpf"]), ("ioasidsnoop-probe/1", True))' || return 1
	user_with ''
	"${as_user[@]}" "$snoop" --probe >"$work/probe" || return 1
	grep -q 'CAP_BPF  *no' "$work/probe" && grep -q 'raw_tp.* no .*CAP_BPF and CAP_PERFMON' "$work/probe"
}

least_caps() {
	local status
	user_with ,+bpf,+perfmon
	runner=("${as_user[@]}")
	start_snoop -k -u
	status=$?
	runner=()
	[ "$status" -eq 0 ] || return 1
	"$load" -n 500 >/dev/null
	stop_snoop || return 1
	sn '
same("lost", end["lost"], 0)
about("maps", len(of("map")), 500)
assert all(e["kernel_stack"] for e in events)
'
}

no_caps() {
	local caps status
	for caps in '' ,+bpf ,+perfmon; do
		user_with "$caps"
		"${as_user[@]}" "$snoop" >"$work/out" 2>&1
		status=$?
		if [ "$status" -ne 3 ] || [ "$(wc -l <"$work/out")" -ne 1 ] ||
			! grep -q '^ioasidsnoop: events need CAP_BPF and CAP_PERFMON: run as root' "$work/out"; then
			fail "'$caps': $status: $(cat "$work/out")" || return 1
		fi
	done
}

drops_caps() {
	start_snoop -k || return 1
	grep -E '^Cap(Prm|Eff|Inh|Amb)|NoNewPrivs' "/proc/$json/status" >"$work/status"
	stop_snoop
	[ "$(grep -c '	0000000000000000$' "$work/status")" -eq 4 ] && grep -q '	1$' "$work/status" || return 1
	start_snoop -u || return 1
	grep -E '^Cap(Prm|Eff)' "/proc/$json/status" >"$work/status"
	stop_snoop
	# CAP_DAC_READ_SEARCH and CAP_SYS_PTRACE
	[ "$(grep -c '	0000000000080004$' "$work/status")" -eq 2 ]
}

no_btf() {
	local status=1
	mount -t tmpfs none /sys/kernel/btf || return 1
	if start_snoop -k -u; then
		"$load" -n 100 >/dev/null
		stop_snoop
		status=$?
	fi
	umount /sys/kernel/btf
	[ "$status" -eq 0 ] && sn 'about("maps", len(of("map")), 100)'
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
	"$snoop" --source ioasid --json >"$work/out" 2>&1
	status=$?
	reload_driver || return 1
	[ "$status" -eq 3 ] && [ "$(wc -l <"$work/out")" -eq 1 ] &&
		grep -q '^ioasidsnoop: the ioasid driver is not loaded: ' "$work/out"
}

# stopped: the driver can be unloaded after a grace period.
is_free() {
	for _ in {1..100}; do
		! unload 2>/dev/null || break
		sleep 0.1
	done
	[ ! -d /sys/module/ioasid ]
}

unload_attached() {
	start_snoop || return 1
	rmmod ioasid_vfio ioasid_sim ioasid_pci
	! rmmod ioasid 2>"$work/rmmod" || fail "unloaded under the tool" || return 1
	grep -qi 'in use\|busy\|unavailable' "$work/rmmod" || fail "$(cat "$work/rmmod")" || return 1
	insmod "$work/ioasid_pci.ko" && insmod "$work/ioasid_sim.ko" && insmod "$work/ioasid_vfio.ko" || return 1
	"$load" -n 10 >/dev/null
	stop_snoop || return 1
	sn 'about("events", len(events), 22)' || return 1
	is_free && reload_driver || return 1
	start_snoop || return 1
	kill -KILL "$json"
	wait "$json" 2>/dev/null
	is_free && reload_driver
}

reloaded() {
	unload && reload_driver || return 1
	start_snoop -k || return 1
	"$load" -n 10 >/dev/null
	stop_snoop
	sn '
about("events", len(events), 22)
assert all("ioasid_ioctl" in [f["symbol"] for f in e["kernel_stack"]] for e in of("map"))
'
}

usage() {
	local arguments status
	for arguments in '-n 0' '-n x' '-d 0' '-e nonsense' '-e map,' '-e fault' 'more' '--memory 0' \
		'-p 0' '-c x' '-D 0:0:0' '-D sim' '-D 00:20.0' '-a x' '-a 0x2000-0x1000' '-a 5+0' \
		'-a 0x1000+4X' '-l 0' '-l 5m' '-l -1ms' '-T never' '--nonsense'; do
		# shellcheck disable=SC2086 # several words
		"$snoop" $arguments >"$work/out" 2>&1
		status=$?
		[ "$status" -eq 2 ] || fail "'$arguments': exit status $status" || return 1
	done
	"$snoop" --help >/dev/null && "$snoop" -V | grep -q '^ioasidsnoop [0-9]'
}

top=$snoop	# what run_tool_tests looks for
run_tool_tests "$@"
