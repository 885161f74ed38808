#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: exporter.sh [TEST...]
#
# ioasid-exporter, scraped by a Prometheus from Debian's archive and by clients that
# behave worse; ioasid-collect and several viewers at a time.

set -uo pipefail

load=build/tools/tests/ioload
exporter=build/tools/ioasid-exporter
collect=build/tools/ioasid-collect
rules=tools/ioasid-exporter/ioasid.rules.yml
port=9742

# What each test says; the functions are below, in the same order.
tests=(
	counters:"without BPF: what the load did, exactly, in both formats"
	exact:"with BPF: spaces that come and go, histograms, exactly; gauges as the driver says"
	bounded:"as many spaces as --max-spaces have samples, the rest is one; sums do not change"
	formats:"promtool check metrics; the format that Accept asks for"
	prometheus:"a real Prometheus: sums to the unit, rules loaded and healthy, targets up"
	names:"rules and dashboard name metrics that there are"
	privileges:"the server has none, the collector four capabilities; neither is root"
	unprivileged:"started by nobody special: own contexts, no latencies, and it says why"
	no_driver:"without the driver: ioasid_up 0, and all that happens after it comes"
	reload:"SIGHUP lets go of the driver, which is replaced; nothing is lost or counted twice"
	hostile:"names of processes that are made to break the format"
	http:"GET and HEAD only, pages, sizes, bodies, addresses"
	slow:"slow clients and too many of them do not keep a good one out"
	viewers:"several viewers of one collector: each sees all, exactly, once"
	access:"the collector's group may look, others may not, and are told why"
	restart:"the collector ends and comes back, another build is recognised"
	usage:"wrong usage is exit status 2"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

# Python with what exporter_client.py has.
client() {
	PYTHONPATH=selftests PYTHONDONTWRITEBYTECODE=1 python3 -c "
from exporter_client import *
args = sys.argv[1:]
port = $port
$1" "${@:2}"
}

# start_exporter ARG...: until it has data.
start_exporter() {
	"${runner[@]}" "$exporter" -i 0.2 --listen 127.0.0.1:$port "$@" 2>"$work/exporter.err" &
	exporting=$!
	client 'wait_for("ready", lambda: fetch(port, "/-/ready")[0] == 200)' ||
		fail "$(cat "$work/exporter.err")"
}

stop_exporter() {
	kill -TERM "$exporting"
	wait "$exporting"
}

# Its collector.
collector_of() { pgrep -P "$1" -x ioasid-exporter; }

check_load='
did = json.load(open(args[0]))
m = wait_readings(port)
lost = m.sum("ioasid_lost_operations_total") or 0
same("maps", m.sum("ioasid_maps_total"), did["maps"])
same("unmaps", m.sum("ioasid_unmaps_total"), did["unmaps"])
if "ioasid_space_maps_total" in m.samples:
	same("spaces", m.sum("ioasid_space_maps_total"), did["maps"])
same("errors", (m.sum("ioasid_map_errors_total") or 0) + (m.sum("ioasid_unmap_errors_total") or 0), did["errors"])
om = scrape(port, OPENMETRICS)
same("OpenMetrics", om.sum("ioasid_maps_total"), did["maps"])
'

counters() {
	start_exporter --no-bpf || return 1
	hold_load "$load" -t 4 -n 3000 -e 10 || return 1
	client "$check_load"'
now = driver()
same("driver", m.sum("ioasid_maps_total"), now["maps"])
same("bytes", m.sum("ioasid_map_bytes_total"), now["map-bytes"])
same("up", m.sum("ioasid_up"), 1)
same("bpf", m.sum("ioasid_exporter_bpf"), 0)
assert "ioasid_map_latency_seconds_count" not in m.samples
' "$work/load" || return 1
	release_load
	# What is gone stays in the sums.
	client "$check_load" "$work/load" && stop_exporter
}

exact() {
	start_exporter || return 1
	hold_load "$load" -t 4 -s 25 -n 500 -e 7 -k || return 1
	client "$check_load"'
now = driver()
same("driver", m.sum("ioasid_maps_total"), now["maps"])
same("mapped", m.sum("ioasid_mapped_bytes"), now["mapped"])
same("bpf", m.sum("ioasid_exporter_bpf"), 1)
timed = m.sum("ioasid_map_latency_seconds_count")
assert did["maps"] - lost <= timed <= did["maps"], (timed, lost, did)
for labels, value in m.samples["ioasid_map_latency_seconds_bucket"]:
	if labels["le"] == "+Inf":
		same("+Inf", value, timed)
assert m.sum("ioasid_map_latency_seconds_sum") > 0
assert m.sum("ioasid_tool_cpu_seconds_total") > 0
assert m.sum("ioasid_exporter_cpu_seconds_total") > 0
assert m.sum("ioasid_exporter_memory_bytes") > 100000
assert m.sum("ioasid_tool_maps_bytes") > 100000
assert m.sum("ioasid_exporter_reading_duration_seconds") > 0
assert m.sum("ioasid_exporter_scrapes_total") >= 1
' "$work/load" || return 1
	release_load
	client "$check_load" "$work/load" && stop_exporter
}

bounded() {
	start_exporter --max-spaces 5 || return 1
	hold_load "$load" -s 20 -n 100 -k || return 1
	client "$check_load"'
rows = m.samples["ioasid_space_maps_total"]
assert len(rows) <= 6, rows
same("other", [l for l, v in rows if l["ctx"] == "other"], [{"ctx": "other"}])
' "$work/load"
	set -- $?
	release_load
	stop_exporter
	[ "$1" -eq 0 ] || return 1
	start_exporter --max-spaces 0 || return 1
	hold_load "$load" -s 20 -n 100 -k || return 1
	client "$check_load"'
same("rows", [n for n in m.samples if n.startswith("ioasid_space_")], [])
' "$work/load"
	set -- $?
	release_load
	stop_exporter && [ "$1" -eq 0 ]
}

formats() {
	start_exporter --space-histograms || return 1
	hold_load "$load" -t 2 -n 500 -e 5 || return 1
	client '
wait_readings(port)
status, headers, text = fetch(port, accept="text/plain")
same("type", headers["Content-Type"], "text/plain; version=0.0.4; charset=utf-8")
assert "# EOF" not in text and int(headers["Content-Length"]) == len(text)
open(args[0], "w").write(text)
for accept, new in ((OPENMETRICS, True), ("", False), ("*/*", False), ("text/html", False),
		    ("application/openmetrics-text", True),
		    ("application/openmetrics-text;q=0", False),
		    ("application/openmetrics-text;version=1.0.0;q=0.2, text/plain;q=0.9", False),
		    ("application/openmetrics-textual", False)):
	status, headers, text = fetch(port, accept=accept)
	same(accept, headers["Content-Type"].startswith("application/openmetrics-text"), new)
	same(accept, text.endswith("# EOF\n"), new)
' "$work/metrics"
	set -- $?
	release_load
	stop_exporter
	[ "$1" -eq 0 ] || return 1
	promtool check metrics <"$work/metrics" >"$work/promtool" 2>&1 || fail "$(cat "$work/promtool")" || return 1
	[ ! -s "$work/promtool" ] || fail "$(cat "$work/promtool")"
}

# A Prometheus that scrapes the exporter every second.
start_prometheus() {
	cat >"$work/prometheus.yml" <<-END
		global: { scrape_interval: 1s, evaluation_interval: 1s }
		rule_files: [ "$PWD/$rules" ]
		scrape_configs:
		  - job_name: ioasid
		    static_configs: [ { targets: [ "127.0.0.1:$port" ] } ]
	END
	promtool check config "$work/prometheus.yml" >"$work/promtool" 2>&1 ||
		fail "$(cat "$work/promtool")" || return 1
	command prometheus --config.file="$work/prometheus.yml" --storage.tsdb.path="$work/tsdb" \
		--web.listen-address=127.0.0.1:9090 >"$work/prometheus.log" 2>&1 &
	prometheus=$!
	client 'wait_for("Prometheus", lambda: fetch(9090, "/-/ready")[0] == 200, 180)' ||
		fail "$(tail -n 20 "$work/prometheus.log")"
}

stop_prometheus() {
	kill -TERM "$prometheus"
	wait "$prometheus"
}

prometheus() {
	local status
	start_exporter && start_prometheus || return 1
	client 'wait_for("scraped", lambda: number(9090, "ioasid_up") == 1)' || return 1
	hold_load "$load" -t 4 -s 10 -n 2000 -e 9 -k || return 1
	client "$check_load"'
now = driver()
for expression, value in (
	("sum(ioasid_maps_total)", did["maps"]),
	("sum(ioasid_unmaps_total)", did["unmaps"]),
	("sum(ioasid_map_errors_total) + sum(ioasid_unmap_errors_total)", did["errors"]),
	("sum(ioasid_map_bytes_total)", now["map-bytes"]),
	("sum(ioasid_mappings)", now["mappings"]),
	("sum(ioasid_mapped_bytes)", now["mapped"]),
	("sum(ioasid_map_latency_seconds_count)", m.sum("ioasid_map_latency_seconds_count")),
	("ioasid_map_latency_seconds_bucket{le=\"+Inf\"}", m.sum("ioasid_map_latency_seconds_count")),
	("up{job=\"ioasid\"}", 1)):
	wait_for("%s == %s (%s)" % (expression, value, number(9090, expression)),
		 lambda: number(9090, expression) == value)
assert 0 < number(9090, "histogram_quantile(0.99, sum by (le) (ioasid_map_latency_seconds_bucket))") < 20
targets = json.loads(fetch(9090, "/api/v1/targets")[2])["data"]["activeTargets"]
same("health", [(t["health"], t["lastError"]) for t in targets], [("up", "")])
def healthy():
	groups = json.loads(fetch(9090, "/api/v1/rules")[2])["data"]["groups"]
	rules = [r for g in groups for r in g["rules"]]
	bad = [r for r in rules if r["health"] == "err"]
	if bad:
		fail(str(bad))
	return len(rules) >= 8 and all(r["health"] == "ok" for r in rules)
wait_for("rules", healthy)
' "$work/load"
	status=$?
	release_load
	stop_prometheus
	stop_exporter
	return "$status"
}

# Of the loads, faults and all: each name that we ship exists.
names() {
	local status
	start_exporter || return 1
	# Some of its faults stay without an answer; it may lock a MiB and no more.
	hold_load prlimit --memlock=1048576 setpriv --bounding-set=-ipc_lock \
		build/tools/tests/faultload -d 2 -n 100 -x 20 -t 600000 || return 1
	client '
wait_readings(port)
same("limit", scrape(port).sum("ioasid_process_locked_limit_bytes"), 1048576)
same("pending", scrape(port).sum("ioasid_fault_pending"), 2)
have = set(scrape(port).samples) | set(scrape(port, OPENMETRICS).samples)
for file in args:
	text = open(file).read()
	used = set(re.findall(r"\bioasid_[a-z0-9_]+\b", text))
	assert len(used) > 5, (file, used)
	missing = [n for n in used if n not in have]
	same(file + ": unknown", missing, [])
' "$rules" tools/ioasid-exporter/dashboard.json
	status=$?
	exec {hold}>&-
	kill -KILL "$loading"	# it would wait for its faults
	wait "$loading" 2>/dev/null
	stop_exporter
	return "$status"
}

field() { awk -v f="$2:" '$1 == f { print $2 }' "/proc/$1/status"; }

privileges() {
	local child
	start_exporter || return 1
	child=$(collector_of "$exporting")
	[ -n "$child" ] || fail "no collector" || return 1
	for what in CapEff CapPrm CapInh CapAmb CapBnd; do
		[ "$(field "$exporting" $what)" = 0000000000000000 ] ||
			fail "server: $what $(field "$exporting" $what)" || return 1
	done
	# CAP_BPF (39), CAP_PERFMON (38), CAP_SYS_PTRACE (19), CAP_DAC_READ_SEARCH (2)
	for what in CapEff CapPrm CapBnd; do
		[ "$(field "$child" $what)" = 000000c000080004 ] ||
			fail "collector: $what $(field "$child" $what)" || return 1
	done
	for each in "$exporting" "$child"; do
		[ "$(field "$each" NoNewPrivs)" = 1 ] && [ "$(field "$each" Uid)" != 0 ] &&
			[ "$(field "$each" Gid)" != 0 ] && [ -z "$(field "$each" Groups)" ] ||
			fail "$(cat "/proc/$each/status")" || return 1
	done
	# Sockets only of the server; the collector has none of the network.
	! find "/proc/$exporting/fd" -lname '*bpf*' | grep . || return 1
	[ -n "$(find "/proc/$child/fd" -lname '*bpf*')" ] || return 1
	! nsenter -t "$child" -n ss -tlnp | grep "pid=$child," || fail "the collector listens" || return 1
	# Nothing without the other.
	kill -KILL "$child"
	wait "$exporting"
	[ $? -eq 1 ] || fail "went on without its collector" || return 1
	grep -q 'the collector has ended' "$work/exporter.err" || return 1
	start_exporter || return 1
	child=$(collector_of "$exporting")
	kill -KILL "$exporting"
	wait "$exporting" 2>/dev/null
	for _ in {1..100}; do
		[ -d "/proc/$child" ] || return 0
		sleep 0.1
	done
	fail "the collector stays alone"
}

unprivileged() {
	local runner=(setpriv --reuid 65534 --regid 65534 --clear-groups) status
	start_exporter || return 1
	"${runner[@]}" true
	hold_load "$load" -n 10 || return 1
	client '
m = wait_readings(port)
same("up", m.sum("ioasid_up"), 1)
same("bpf", m.sum("ioasid_exporter_bpf"), 0)
same("complete", m.sum("ioasid_complete"), 0)
same("spaces", m.sum("ioasid_spaces"), 0)
'
	status=$?
	release_load
	stop_exporter || return 1
	grep -q 'no latencies without CAP_BPF and CAP_PERFMON: run as root' "$work/exporter.err" || status=1
	[ "$(wc -l <"$work/exporter.err")" -eq 1 ] || fail "$(cat "$work/exporter.err")" || return 1
	return "$status"
}

unload() { rmmod ioasid_vfio ioasid_sim ioasid_pci && rmmod ioasid; }

reload_driver() {
	local module
	for module in ioasid ioasid_pci ioasid_sim ioasid_vfio; do
		insmod "$work/$module.ko" || return 1
	done
}

no_driver() {
	local status
	unload || return 1
	start_exporter || { reload_driver; return 1; }
	client '
m = wait_readings(port)
same("up", m.sum("ioasid_up"), 0)
same("maps", m.sum("ioasid_maps_total"), None)
same("health", fetch(port, "/-/healthy")[0], 200)
open(args[0], "w").write(fetch(port)[2])
' "$work/metrics"
	status=$?
	promtool check metrics <"$work/metrics" || status=1
	reload_driver || return 1
	hold_load "$load" -t 2 -n 1000 || return 1
	client "$check_load"'
wait_for("bpf", lambda: scrape(port).sum("ioasid_exporter_bpf") == 1)
same("up", scrape(port).sum("ioasid_up"), 1)
' "$work/load" || status=1
	release_load
	stop_exporter
	return "$status"
}

reload() {
	local status
	start_exporter || return 1
	hold_load "$load" -t 2 -n 1000 || return 1
	client "$check_load" "$work/load"
	status=$?
	release_load
	rmmod ioasid_vfio ioasid_sim ioasid_pci
	! rmmod ioasid 2>/dev/null || fail "unloaded under it" || return 1
	kill -HUP "$exporting"
	client 'wait_for("let go", lambda: scrape(port).sum("ioasid_exporter_bpf") == 0)' || return 1
	for _ in {1..50}; do	# links are freed after a grace period
		! rmmod ioasid 2>/dev/null || break
		sleep 0.1
	done
	client 'wait_for("gone", lambda: scrape(port).sum("ioasid_up") == 0)' || return 1
	reload_driver || return 1
	client 'wait_for("back", lambda: scrape(port).sum("ioasid_exporter_bpf") == 1)' || return 1
	client 'same("before", scrape(port).sum("ioasid_maps_total"), json.load(open(args[0]))["maps"])' \
		"$work/load" || return 1
	mv "$work/load" "$work/before"
	hold_load "$load" -t 2 -n 700 || return 1
	client '
m = wait_readings(port)
dids = [json.load(open(a)) for a in args]
same("both", m.sum("ioasid_maps_total"), sum(d["maps"] for d in dids))
' "$work/before" "$work/load" || status=1
	# It comes back by itself when the driver stays, under load.
	"$load" -t 2 -n 100000000 >/dev/null &
	loading=$!
	kill -HUP "$exporting"
	client '
wait_for("let go", lambda: scrape(port).sum("ioasid_exporter_bpf") == 0)
wait_for("back", lambda: scrape(port).sum("ioasid_exporter_bpf") == 1)
' || status=1
	kill -STOP "$loading"
	sleep 0.5
	client '
m = wait_readings(port)
now = driver()
before = json.load(open(args[0]))["maps"]
same("under load", m.sum("ioasid_maps_total"), before + now["maps"])
' "$work/before" || status=1
	kill -KILL "$loading"
	wait "$loading" 2>/dev/null
	release_load
	stop_exporter
	return "$status"
}

hostile() {
	local status
	start_exporter || return 1
	cp "$load" "$work/"$'a"} 1\n#\\x{'
	hold_load "$work/"$'a"} 1\n#\\x{' -n 50 || return 1
	client "$check_load"'
status, headers, text = fetch(port)
open(args[1], "w").write(text)
named = [l["comm"] for l, v in m.samples["ioasid_space_maps_total"] if l.get("comm", "").startswith("a")]
same("name", len(named), 1)
assert named[0] == r"a\"} 1\\x0a#\\x5cx{", named
' "$work/load" "$work/metrics"
	status=$?
	release_load
	stop_exporter
	promtool check metrics <"$work/metrics" && [ "$status" -eq 0 ]
}

http() {
	local status
	start_exporter --no-bpf || return 1
	client '
for method, status in (("HEAD", 200), ("POST", 405), ("PUT", 405), ("DELETE", 405), ("OPTIONS", 405)):
	got, headers, text = fetch(port, method=method)
	same(method, got, status)
	if status == 405:
		same("Allow", headers["Allow"], "GET, HEAD")
got, headers, text = fetch(port, method="HEAD")
assert not text and int(headers["Content-Length"]) > 100
got, headers, text = fetch(port, "/")
assert headers["Content-Type"].startswith("text/html") and "/metrics" in text
same("none", fetch(port, "/none")[0], 404)
same("/metrics/", fetch(port, "/metrics/../x")[0], 404)
same("query", fetch(port, "/metrics?a=b")[0], 200)
def raw(data):
	s = socket.create_connection(("127.0.0.1", port), timeout=60)
	answer = b""
	try:
		s.sendall(data)
		while True:
			part = s.recv(65536)
			if not part:
				break
			answer += part
	except ConnectionError:
		pass
	return answer
assert raw(b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\nHost: x\r\n\r\n").split()[1:2] != [b"200"]
assert raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\n" + b"X: y\r\n" * 20000 + b"\r\n").split()[1:2] != [b"200"]
assert raw(b"GET /metrics HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\nhello").split()[1:2] != [b"200"]
assert raw(b"nonsense\r\n\r\n").split()[1:2] != [b"200"]
assert raw(bytes(range(256)) * 50).split()[1:2] != [b"200"]
same("goes on", fetch(port)[0], 200)
'
	status=$?
	stop_exporter
	! grep -q loopback "$work/exporter.err" || status=1
	[ "$status" -eq 0 ] || return 1
	"$exporter" --listen 0.0.0.0:$port --no-bpf 2>"$work/err" &
	exporting=$!
	client 'wait_for("up", lambda: fetch(port, "/-/healthy")[0] == 200)'
	! "$exporter" --listen 127.0.0.1:$port 2>"$work/taken" || return 1
	stop_exporter && grep -q '0.0.0.0:9742 is no loopback address' "$work/err" &&
		grep -q 'cannot listen at 127.0.0.1:9742: Address already in use' "$work/taken" || return 1
	"$exporter" --listen '[::1]:9743' --no-bpf 2>"$work/err" &
	exporting=$!
	client '
def v6():
	s = socket.create_connection(("::1", 9743), timeout=60)
	s.sendall(b"GET /-/healthy HTTP/1.0\r\n\r\n")
	return s.recv(1000).startswith(b"HTTP/1.")
wait_for("IPv6", v6)'
	set -- $?
	stop_exporter && [ "$1" -eq 0 ] && [ ! -s "$work/err" ]
}

slow() {
	local status
	start_exporter --no-bpf --connections 2 || return 1
	client '
import threading
stop = False
def drip(s):
	"""A byte of a request now and then: never silent for long, never done."""
	try:
		s.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n")
		while not stop:
			s.sendall(b"X")
			time.sleep(0.5)
	except OSError:
		pass
clients = []
for _ in range(4):
	s = socket.socket()
	s.setblocking(False)
	s.connect_ex(("127.0.0.1", port))
	clients.append(s)
time.sleep(1)
for s in clients[:2]:
	s.setblocking(True)
	threading.Thread(target=drip, args=(s,), daemon=True).start()
# The rest says nothing at all. Still we get our turn.
status, headers, text = fetch(port, timeout=250)
same("status", status, 200)
stop = True
for s in clients:
	s.close()
m = wait_for("scrape", lambda: scrape(port))
assert m.sum("ioasid_exporter_cut_connections_total") >= 1
same("process", m.sum("ioasid_up"), 1)
# Who asks for much and reads nothing does not keep others waiting either.
greedy = socket.create_connection(("127.0.0.1", port))
greedy.sendall(b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50)
same("beside", fetch(port)[0], 200)
'
	status=$?
	stop_exporter && return "$status"
}

sock() { echo "$work/collect.sock"; }

# Flag 0x10000 (SO_ACCEPTCON) of the kernel's list.
listens() { grep -qE ": [0-9A-F]+ [0-9]+ 00010000 .* $1\$" /proc/net/unix; }

# Until it listens, as who it is going to be. An earlier one's socket may lie there still.
start_collect() {
	chmod 755 "$work"
	"$collect" -i 0.2 --socket "$(sock)" "$@" 2>"$work/collect.err" &
	collecting=$!
	for _ in {1..300}; do
		! listens "$(sock)" || [ "$(field "$collecting" Uid)" = 0 ] || return 0
		sleep 0.1
	done
	fail "$(cat "$work/collect.err")"
}

stop_collect() {
	kill -TERM "$collecting"
	wait "$collecting"
}

# As the user and the group who may look, without any capability.
viewer=(setpriv --reuid 65534 --regid 100 --clear-groups)

viewers() {
	local status runner=() top_pid
	start_collect --group 'users' || return 1
	runner=("${viewer[@]}")
	start_exporter --collector="$(sock)" || return 1
	start_json --collector="$(sock)" || return 1
	"${viewer[@]}" "$top" --json --collector="$(sock)" >"$work/other" 2>&1 &
	top_pid=$!
	for _ in {1..300}; do [ ! -s "$work/other" ] || break; sleep 0.1; done
	# Comes in the middle and does not read: is cut off, without harm to others.
	client '
s = socket.socket(socket.AF_UNIX)
s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
s.connect(args[0])
import select
end = select.poll()
end.register(s, 0)
end.poll()' "$(sock)" &
	local sleeper=$!
	hold_load "$load" -t 4 -s 40 -n 500 -e 7 || return 1
	client "$check_load"'
same("bpf", m.sum("ioasid_exporter_bpf"), 1)
' "$work/load"
	status=$?
	stop_json || fail "exit status $?" || return 1
	kill -TERM "$top_pid"
	wait "$top_pid"
	py '
did = json.load(open(args[0]))
other = [json.loads(line) for line in open(args[1])]
for what in (records, other):
	same("maps", sum(r["total"]["maps"] or 0 for r in what), did["maps"])
	same("unmaps", sum(r["total"]["unmaps"] or 0 for r in what), did["unmaps"])
	same("rows", sum(s["maps"] or 0 for r in what for s in r["spaces"]), did["maps"])
	same("mode", {r["mode"] for r in what}, {"raw_tp"})
	same("complete", {r["complete"] for r in what}, {True})
	seqs = [r["seq"] for r in what]
	same("no gap", seqs, list(range(seqs[0], seqs[0] + len(seqs))))
# Both saw the same.
mine = {r["seq"]: r for r in records}
shared = [r for r in other if r["seq"] in mine]
assert len(shared) > 3
for r in shared:
	same("record %d" % r["seq"], r, mine[r["seq"]])
' "$work/load" "$work/other" || status=1
	release_load
	stop_exporter
	stop_collect
	wait "$sleeper" || status=1
	return "$status"
}

access() {
	start_collect --group 'users' || return 1
	[ "$(stat -c %a "$(sock)")" = 660 ] || fail "$(ls -l "$(sock)")" || return 1
	! setpriv --reuid 65534 --regid 65534 --clear-groups "$top" --json -n 1 --collector="$(sock)" \
		>"$work/out" 2>&1 || fail "everybody may look" || return 1
	grep -q 'is not for you: join its group' "$work/out" || fail "$(cat "$work/out")" || return 1
	! "$collect" --socket "$(sock)" 2>"$work/out" || return 1
	grep -q 'another collector listens at' "$work/out" || fail "$(cat "$work/out")" || return 1
	[ "$(field "$collecting" CapEff)" = 000000c000080004 ] && [ "$(field "$collecting" Uid)" != 0 ] || return 1
	# One user does not take the places of all.
	client '
def closed(s):
	s.settimeout(30)
	while True:
		if not s.recv(65536):
			return True
mine = []
for _ in range(8):
	s = socket.socket(socket.AF_UNIX)
	s.connect(args[0])
	assert s.recv(100)
	mine.append(s)
s = socket.socket(socket.AF_UNIX)
s.connect(args[0])
assert closed(s)
' "$(sock)" || return 1
	"${viewer[@]}" "$top" --json -n 1 --collector="$(sock)" >"$work/out" || return 1
	stop_collect
	! "${viewer[@]}" "$top" --json -n 1 --collector="$(sock)" >"$work/out" 2>&1 || return 1
	grep -q 'no collector listens at .*: start ioasid-collect' "$work/out" || fail "$(cat "$work/out")"
}

restart() {
	local status
	start_collect --group nogroup && start_exporter --collector="$(sock)" || return 1
	stop_collect
	client 'wait_for("down", lambda: scrape(port).sum("ioasid_exporter_collector_up") == 0)
same("up", scrape(port).sum("ioasid_up"), 0)' || return 1
	start_collect --group nogroup || return 1
	client 'wait_for("up", lambda: scrape(port).sum("ioasid_exporter_collector_up") == 1)' || return 1
	hold_load "$load" -n 100 || return 1
	client "$check_load" "$work/load"
	status=$?
	release_load
	stop_exporter
	kill -KILL "$collecting"
	wait "$collecting" 2>/dev/null
	# Its socket is still there, and must not keep another one out.
	[ -S "$(sock)" ] && start_collect || return 1
	for _ in {1..100}; do
		! "$top" --json -n 1 --collector="$(sock)" >"$work/out" 2>&1 || break
		sleep 0.1
	done
	grep -q '"schema"' "$work/out" || fail "a dead one is in the way: $(cat "$work/out")" || return 1
	stop_collect
	# Of another build: the same magic number, another layout.
	rm -f "$(sock)"
	client '
s = socket.socket(socket.AF_UNIX)
s.bind(args[0])
s.listen()
for hello in ((0x3163736469736f69).to_bytes(8, "little") + bytes(16) + b"9.9.9" + bytes(200), b"HTTP/1.1 400 Bad\r\n" * 20):
	c, _ = s.accept()
	c.sendall(hello)
	try:
		c.recv(1)
	except ConnectionError:
		pass
' "$(sock)" &
	for _ in {1..300}; do [ ! -S "$(sock)" ] || break; sleep 0.1; done
	sleep 0.5
	! "$top" --json -n 1 --collector="$(sock)" >"$work/out" 2>&1 || return 1
	grep -q 'another build (9.9.9) than this viewer (.*): install both from one, and restart ioasid-collect' \
		"$work/out" || fail "$(cat "$work/out")" || return 1
	! "$top" --json -n 1 --collector="$(sock)" >"$work/out" 2>&1 || return 1
	grep -q 'no ioasid-collect' "$work/out" || fail "$(cat "$work/out")" || return 1
	rm -f "$(sock)"
	return "$status"
}

usage() {
	local arguments status
	for arguments in '--listen 9742' '--listen localhost:1' '--listen ::1:80' '--listen 127.0.0.1:0' \
			'--listen 127.0.0.1:65536' '--listen [127.0.0.1' '--max-spaces 1001' '--max-spaces x' \
			'--connections 0' '-i 0' 'more' '--nonsense'; do
		# shellcheck disable=SC2086 # several words
		"$exporter" $arguments >"$work/out" 2>&1
		status=$?
		[ "$status" -eq 2 ] || fail "'$arguments': exit status $status" || return 1
	done
	! "$exporter" --user no-such-user --no-bpf >"$work/out" 2>&1 || return 1
	grep -q "no unprivileged user 'no-such-user'" "$work/out" || fail "$(cat "$work/out")" || return 1
	! "$collect" --user root --socket "$work/s" >"$work/out" 2>&1 || return 1
	! "$collect" --group no-such-group --socket "$work/s" >"$work/out" 2>&1 || return 1
	grep -q "there is no group 'no-such-group'" "$work/out" || return 1
	"$exporter" --help >/dev/null && "$exporter" -V | grep -q '^ioasid-exporter [0-9]' &&
		"$collect" --help >/dev/null && "$collect" -V | grep -q '^ioasid-collect [0-9]'
}

ip link set lo up
run_tool_tests "$@"
