#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidtop_faults.sh [TEST...]
#
# Page faults in ioasidtop: what it counts and times against what simulated devices and
# the program that answers them did. Times have lower bounds only: how long an answer
# takes on a busy machine is nobody's to promise.

set -uo pipefail

load=build/tools/tests/faultload

# What each test says; the functions are below, in the same order.
tests=(
	exact:"groups, pages, answers and refusals of two devices on one space, exactly"
	apart:"devices on spaces of their own, and the sums"
	service:"nobody is served faster than the program answers, and waits longer than that"
	pending:"who is not answered is seen waiting, longer and longer, and cancelled when the program dies"
	waiting_before:"faults from before it came are known from the driver"
	timeouts:"groups that are answered too late are counted as such"
	counters_only:"--no-bpf has the same counts, no times and no devices"
	tables:"tables for print: space, devices, columns"
	screen:"the screen: faults and back, devices, order, an alarm"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

# The end of a load that does not end by itself.
kill_load() {
	exec {hold}>&-
	kill -KILL "$loading" 2>/dev/null
	wait "$loading" 2>/dev/null
}

# The load did so much; the driver counts it all, BPF may have been skipped (7.x), which
# it then says.
check_sums() {
	py '
did = json.load(open(args[0]))
pages = int(args[1])
same("failed", did["failed"], 0)
same("groups", total("faults"), did["asked"])
same("pages", total("fault_pages"), did["asked"] * pages)
same("successes", total("fault_successes"), did["done"])
same("refusals", total("fault_invalid"), did["refused"])
same("answers", did["answered"], did["asked"])
for key in ("fault_overflows", "fault_timeouts", "fault_cancels", "faults_unrecoverable"):
	same(key, total(key), 0)
for key in ("faults", "fault_pages", "fault_successes", "fault_invalid"):
	same("rows of " + key, sum(s[key] or 0 for s in spaces()), total(key))
live = [s for s in records[-1]["spaces"] if s["ioasid"]]
same("since the start", sum(s["faults_total"] for s in live), did["asked"])
same("pending", [s["fault_pending"] for s in live], [0] * len(live))
same("oldest", [s["fault_oldest_ns"] for s in live], [None] * len(live))
if args[2] == "bpf":
	devices = [d for s in spaces() for d in s["fault_devices"]]
	cookies = {d["cookie"] for d in devices}
	for key, all in (("faults", "asked"), ("fault_successes", "done"), ("fault_invalid", "refused")):
		seen = sum(d[key] for d in devices)
		assert did[all] - lost() <= seen <= did[all], (key, seen, did, lost())
	each = did["asked"] // len(cookies)
	for cookie in cookies:
		seen = sum(d["faults"] for d in devices if d["cookie"] == cookie)
		assert each - lost() <= seen <= each, (cookie, seen, each)
	for key in ("fault_queue_samples", "fault_service_samples", "fault_wait_samples"):
		assert did["asked"] - lost() <= total(key) <= did["asked"], (key, total(key), did)
	assert sum(d["fault_pending"] for s in live for d in s["fault_devices"]) <= lost()
' "$work/load" "$@"
}

exact() {
	local status
	start_json --faults --strict || return 1
	hold_load "$load" -d 2 -n 500 -g 3 -e 7 || return 1
	stop_json
	status=$?
	release_load
	check_sums 3 bpf && py '
did = json.load(open(args[0]))
same("program", did["asked"], 1000)
same("program", did["refused"], 1000 // 7)
same("--strict", int(args[1]), 4 if lost() else 0)
last = [s for s in records[-1]["spaces"] if s["ioasid"]]
same("spaces", len(last), 1)
devices = last[0]["fault_devices"]
same("cookies", sorted(d["cookie"] for d in devices), [0x51000000, 0x51000001])
same("names", sorted(d["device"] for d in devices), ["0x51000000", "0x51000001"])
same("attached", len(last[0]["attached"]), 2)
' "$work/load" "$status"
}

apart() {
	start_json --faults || return 1
	hold_load "$load" -d 3 -n 100 -a || return 1
	stop_json
	release_load
	check_sums 1 bpf && py '
last = [s for s in records[-1]["spaces"] if s["ioasid"]]
same("spaces", [s["faults_total"] for s in last], [100] * 3)
for s in last:	# the only device has its name
	same("names", [d["device"] for d in s["fault_devices"]], s["attached"])
'
}

service() {
	start_json --faults || return 1
	hold_load "$load" -n 60 -u 20000 || return 1
	stop_json
	release_load
	check_sums 1 bpf && py '
least = 20e6 * (1 - records[0]["percentile_error_percent"] / 100)
busy = [s for s in spaces() if s["fault_service_samples"]]
assert busy
assert any(s["fault_queue_p50_ns"] for s in spaces())
for s in busy + [d for s in busy for d in s["fault_devices"] if d["fault_service_samples"]]:
	for what in ("service", "wait"):
		p = [s["fault_%s_%s_ns" % (what, k)] for k in ("p50", "p90", "p99", "p999", "max")]
		assert p == sorted(p) and p[0] >= least, p
		assert s["fault_%s_mean_ns" % what] >= 20e6, s
	assert s["fault_wait_mean_ns"] >= s["fault_service_mean_ns"], s
'
}

pending() {
	start_json --faults || return 1
	hold_load "$load" -d 2 -n 100 -x 20 -t 600000 || return 1
	sleep 2
	kill -TERM "$json"
	wait "$json"
	mv "$work/json" "$work/waiting"
	start_json --faults || return 1
	kill_load
	stop_json
	# Those before have been there all the time: BPF sees only their end.
	py '
waiting = [json.loads(line) for line in open(args[0])]
same("cancelled", total("fault_cancels"), 2)
same("none left", records[-1]["total"]["fault_pending"] or 0, 0)
still = [r for r in waiting if r["total"]["fault_pending"] == 2 and not r["total"]["faults"]]
assert len(still) >= 3, len(still)
for r in still:
	space = [s for s in r["spaces"] if s["ioasid"]][0]
	same("rate", space["faults_per_s"], 0)
	same("pending", space["fault_pending"], 2)
	for d in space["fault_devices"]:	# an end that BPF missed leaves one for a while
		assert 1 <= d["fault_pending"] <= 1 + sum(r["lost"].values()), (d, r["lost"])
	same("devices", len(space["fault_devices"]), 2)
for ages in ([r["total"]["fault_oldest_ns"] for r in still],
	     [max(d["fault_oldest_ns"] for s in r["spaces"] if s["ioasid"] for d in s["fault_devices"]) for r in still]):
	# As old as the time between two records makes it, or older.
	for a, b in zip(ages, ages[1:]):
		assert b > a, ages
	assert ages[-1] - ages[0] >= (still[-1]["ts_ns"] - still[0]["ts_ns"]) / 2, ages
' "$work/waiting"
}

waiting_before() {
	hold_load "$load" -n 100 -x 5 -t 600000 || return 1
	start_json --faults || return 1
	stop_json
	kill_load
	py '
space = [s for s in records[-1]["spaces"] if s["ioasid"]][0]
same("pending", space["fault_pending"], 1)
assert space["fault_oldest_ns"] > 0
same("since the space was made", space["faults_total"], 6)
same("since the start", total("faults"), 0)
same("devices", space["fault_devices"], [])
'
}

timeouts() {
	start_json --faults || return 1
	hold_load "$load" -n 3 -x 0 -t 300 || return 1
	for _ in {1..300}; do
		! grep -q '^ioasid-fault-timeouts-1:	3' /sys/kernel/debug/ioasid/contexts || break
		sleep 0.1
	done
	stop_json
	kill_load
	py '
same("timeouts", total("fault_timeouts"), 3)
same("since the start", records[-1]["total"]["fault_timeouts_seen"], 3)
same("successes", total("fault_successes"), 0)
same("served", total("fault_service_samples"), 0)
late = [s for s in spaces() if s["fault_wait_samples"]]
assert 3 - lost() <= sum(s["fault_wait_samples"] for s in late) <= 3
assert all(s["fault_wait_p50_ns"] >= 300e6 * 0.96 for s in late), late
'
}

counters_only() {
	start_json --faults --no-bpf || return 1
	hold_load "$load" -d 2 -n 200 -g 2 -e 5 || return 1
	stop_json
	release_load
	check_sums 2 counters && py '
assert all(s["fault_devices"] is None and s["fault_service_p50_ns"] is None for s in spaces())
assert any(s["faults_per_s"] for s in spaces())
'
}

tables() {
	hold_load "$load" -d 2 -n 100 -x 20 -t 600000 || return 1
	"$top" -b -F -n 1 -i 0.5 --width 80 >"$work/out" || return 1
	"$top" -b -n 1 -i 0.5 --width 110 >"$work/list" || return 1
	kill_load
	sed 's/^/# /' "$work/out"
	[ "$(wc -L <"$work/out")" -le 80 ] || return 1
	grep -qE '^SPACE +/s pg/s PEND OLDEST ok/s no/s OVFL LATE CANC +p50 +p99 +max' "$work/out" || return 1
	grep -qE '^context [0-9]+  dev  faultload  pid [0-9]+$' "$work/out" || return 1
	grep -qE '^1 +0 +0 +2 +[0-9.]+[ums] +0 +0 +0 +0 +0 +- +- +- ' "$work/out" || return 1
	grep -qE '/s +LOST +/s +PEND' "$work/list" || return 1
	grep -qE 'faultload .* 0 +2$|faultload .* 0 +2 ' "$work/list"
}

in_screen() {
	shows 'Tab: spaces ' && tm send-keys f || return 1
	shows '^SPACE +/s +pg/s PEND OLDEST' && shows '^[|]- 0x5100000[01] +[0-9.k]+ ' || return 1
	shows '^`- 0x5100000[01] +.* [0-9.]+[um] +[0-9.]+[um] +[0-9.]+[um] ?' || return 1
	sed 's/^/# /' "$work/screen"
	[ "$(wc -L <"$work/screen")" -le 80 ] && [ "$(wc -l <"$work/screen")" -eq 24 ] || return 1
	shows 'sort: faults down' && tm send-keys '>' && shows 'sort: fault-pages down' || return 1
	tm send-keys '<' '<' && shows 'sort: space up' && tm send-keys r && shows 'sort: space down' || return 1
	tm resize-window -x 120 -y 24 && shows 'FATAL +p50 +p99 +max +p50 +p99 DEVICES' || return 1
	tm send-keys / && tm send-keys 0x51000001 Enter && shows '^`- 0x51000001' || return 1
	! grep -q 0x51000000 "$work/screen" || fail "the other is there" || return 1
	tm send-keys Escape && tm send-keys f && shows 'sort: map down' && shows 'PID COMM' || return 1
	tm send-keys f && shows 'sort: space down' && tm send-keys t && shows 'KIND' || return 1
	tm send-keys f && shows 'OLDEST' && tm send-keys q
	shows 'exit status 0'
}

# What waits for more than a second is red.
in_alarm() {
	shows '^1 .* [1-9][0-9.]*s +0 +0 ' || return 1
	tm capture-pane -p -e | grep -q $'\033\\[31m *[1-9][0-9.]*s' || fail "not red" || return 1
	tm send-keys q
	shows 'exit status 0'
}

screen() {
	local status=1
	mkfifo "$work/endless"
	"$load" -d 2 -n 0 -u 200 <"$work/endless" >/dev/null &
	loading=$!
	exec {hold}>"$work/endless"
	if NO_COLOR=1 TERM=xterm tm new-session -d -x 80 -y 24 "$top; echo exit status \$?; sleep 100"; then
		in_screen
		status=$?
	fi
	tm kill-server
	release_load
	[ "$status" -eq 0 ] || return 1
	hold_load "$load" -n 100 -x 5 -t 600000 || return 1
	TERM=xterm-256color tm new-session -d -x 80 -y 24 "$top -F; echo exit status \$?; sleep 100"
	in_alarm
	status=$?
	tm kill-server
	kill_load
	return "$status"
}

run_tool_tests "$@"
