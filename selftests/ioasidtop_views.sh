#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidtop_views.sh [TEST...]
#
# The views of ioasidtop in a machine of the lab: their rows against what a load of known
# size did and what the driver counted, and the screens that keys lead to.

# $NAME in quotation marks is a variable of ioasidctl's scripts.
# shellcheck disable=SC2016
set -uo pipefail

ctl=build/tools/ioasidctl
load=build/tools/tests/ioload
container=docker-0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef.scope

# What each test says; the functions are below, in the same order.
tests=(
	processes:"processes and cgroups add up to the driver's counters, in a pid namespace, too"
	histograms:"histograms of the summary have each operation once, also of nested spaces"
	devices:"devices and PASIDs are those that the driver says are attached"
	invalidations:"invalidations of both kinds, by space, as the driver counted them"
	stacks:"stacks have each map once, with names of the kernel's and the program's functions"
	mappings:"the mappings of a space are those that ioasidctl lists"
	mappings_many:"of many mappings the first are listed, and that there are more is said"
	without:"without BPF or privileges the views say what is missing"
	screen:"each view by its key and by Tab, at 80x24; a space by Enter, back by Esc"
	stacks_off:"stacks are counted only while somebody looks"
	colors:"the heat map has colours, and none with NO_COLOR"
	hostile:"names that a terminal would obey are harmless in all views"
	usage:"no such view, no such space: exit status 2"
)

# shellcheck source=selftests/ioasidtop.lib
. "$(dirname -- "${BASH_SOURCE[0]}")/ioasidtop.lib"

# A load that is made and then held, like hold_load's, but there can be several.
# start_load NAME COMMAND...
start_load() {
	local name=$1
	: >"$work/$name.load"
	rm -f "$work/$name.hold"
	mkfifo "$work/$name.hold"
	sleep 1000 >"$work/$name.hold" &
	holds+=($!)
	"${@:2}" -w <"$work/$name.hold" >"$work/$name.load" &
	loads+=($!)
}

wait_load() {
	for _ in {1..600}; do
		[ ! -s "$work/$1.load" ] || return 0
		sleep 0.1
	done
	fail "the load $1 does not come to its end"
}

holds=() loads=()
end_loads() {
	kill "${holds[@]}"
	wait "${holds[@]}" "${loads[@]}" 2>/dev/null
	holds=() loads=()
}

mount_cgroups() {
	cgroups=$work/cgroups
	trap 'umount "$work/cgroups"; rm -rf "$work"' EXIT
	mkdir -p "$cgroups"
	mountpoint -q "$cgroups" || mount -t cgroup2 none "$cgroups" || return 1
	mkdir -p "$cgroups/$container"
}

# From its first operation on in the container.
in_container() {
	bash -c 'echo $$ >"$0/cgroup.procs" && exec "$@"' "$cgroups/$container" "$@"
}

# count_in_view VIEW: two processes with spaces of their own, one of them in a container and
# in a pid namespace. Leaves the records, and what the driver says, behind.
count_in_view() {
	local status
	start_json --view "$1" || return 1
	start_load out "$load" -t 2 -n 3000
	start_load in in_container unshare --pid --fork --kill-child "$load" -t 3 -n 2000 -e 5
	wait_load out && wait_load in || return 1
	cp /sys/kernel/debug/ioasid/contexts "$work/contexts"
	stop_json
	status=$?
	end_loads
	return "$status"
}

processes() {
	mount_cgroups || return 1
	count_in_view processes && py '
did = {name: json.load(open(args[0] + "/" + name + ".load")) for name in ("out", "in")}
rows = [p for r in records for p in r["processes"] if p["comm"] == "ioload"]
inside = [p for p in rows if p["nspid"]]
outside = [p for p in rows if not p["nspid"]]
for what, rows_of, load in (("inside", inside, did["in"]), ("outside", outside, did["out"])):
	same(what, len({p["pid"] for p in rows_of}), 1)
	for key in ("maps", "unmaps"):
		same(what + " " + key, sum(p[key] for p in rows_of), load[key])
	same(what + " bytes", sum(p["map_bytes"] for p in rows_of), 4096 * load["maps"])
	same(what + " errors", sum(p["map_errors"] + p["unmap_errors"] for p in rows_of), load["errors"])
same("number inside", {p["nspid"] for p in inside}, {1})
same("container", {p["container"] for p in inside}, {"docker:0123456789ab"})
same("no container", {p["container"] for p in outside}, {None})
driver = sum(int(l.split("\t")[1]) for l in open(args[0] + "/contexts") if l.startswith("ioasid-maps-"))
same("all maps", sum(p["maps"] or 0 for r in records for p in r["processes"]), driver)
for r in records:
	for key in ("maps", "unmaps", "mapped_bytes", "pinned_bytes", "mappings"):
		same("sum of " + key, sum(p[key] or 0 for p in r["processes"]), r["total"][key] or 0)
	same("spaces", sum(p["spaces"] for p in r["processes"]), r["total"]["spaces"])
' "$work" || return 1
	count_in_view cgroups && py '
did = {name: json.load(open(args[0] + "/" + name + ".load")) for name in ("out", "in")}
rows = [c for r in records for c in r["cgroups"]]
inside = [c for c in rows if c["container"]]
same("path", {c["cgroup"].rsplit("/", 1)[1] for c in inside}, {args[1]})
same("in the container", sum(c["maps"] for c in inside), did["in"]["maps"])
same("outside", sum(c["maps"] or 0 for c in rows if not c["container"]), did["out"]["maps"])
for r in records:
	same("spaces", sum(c["spaces"] for c in r["cgroups"]), r["total"]["spaces"])
' "$work" "$container"
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

histograms() {
	start_json --view summary || return 1
	"$load" -t 2 -n 5000 >"$work/load" || return 1
	hold_script < <(tree_script 700) || return 1
	stop_json
	release_script
	py '
def counted(name): return sum(b[2] for r in records for b in r["histograms"][name])
for op, name in (("map", "map_latency"), ("unmap", "unmap_latency"), ("inv", "inv_latency"), ("user_inv", "user_inv_latency")):
	same(name, counted(name), total(op + "_samples"))
same("user invalidations", counted("user_inv_latency"), 1400)
assert counted("map_latency") >= 10000 - lost(), counted("map_latency")
same("devices", counted("attach_latency"), sum(r["total"]["attach_samples"] or 0 for r in records))
for r in records:
	for buckets in r["histograms"].values():
		same("order", [b[0] for b in buckets], sorted(b[0] for b in buckets))
		for first, last, n in buckets:
			assert n and (last is None or first <= last <= first * 1.0625 + 1), (first, last, n)
'
}

devices() {
	hold_script < <(tree_script 1) || return 1
	"$top" --json --view devices -n 1 -i 0.2 >"$work/json"
	"$ctl" --json spaces "$script_ctx" >"$work/spaces"
	"$top" -b --view devices -n 1 -i 0.2 --width 80 >"$work/out"
	release_script
	sed 's/^/# /' "$work/out"
	py '
attached = set()
for s in json.load(open(args[0]))["spaces"]:
	for a in s["attached"]:
		name, _, pasid = a.partition("/")
		attached.add((s["ioasid"], name, pasid or "-"))
shown = {(d["ioasid"], d["device"], p) for d in records[0]["devices"] for p in d["pasids"].split(",")}
same("attached", shown, attached)
assert len(attached) == 5, attached
' "$work/spaces" && grep -qE '^sim[0-9]+\.1 +5 .* ioasidctl .* user x86-4 ' "$work/out"
}

invalidations() {
	local driver
	start_json || return 1
	hold_script < <(tree_script 900) || return 1
	"$ctl" --json spaces "$script_ctx" >"$work/spaces"
	"$top" -b --view invalidations -n 1 -i 0.2 --width 120 >"$work/out"
	stop_json
	release_script
	sed 's/^/# /' "$work/out"
	driver=$(jq '.spaces[] | select(.ioasid == 3) | .user_invalidations' "$work/spaces")
	[ "$driver" -eq 900 ] || fail "the driver counted $driver" || return 1
	grep -qE ' user x86-4 .* 900 +[0-9]+$' "$work/out" || return 1
	py '
driver = {s["ioasid"]: s for s in json.load(open(args[0]))["spaces"]}
for i in driver:
	of = [s for s in spaces() if s["ioasid"] == i and s["ctx"] == int(args[1])]
	same("invalidations of %d" % i, sum(s["invs"] or 0 for s in of), driver[i]["invalidations"])
	same("requests of %d" % i, sum(s["user_invs"] or 0 for s in of), driver[i]["user_invalidations"])
' "$work/spaces" "$script_ctx"
}

stacks() {
	start_json --view stacks || return 1
	hold_load "$load" -t 3 -n 4000 || return 1
	stop_json
	release_load
	"$top" -b --view stacks -n 1 -i 0.2 --width 80 >"$work/out"
	py '
same("counted from the first record on", None in [r["stacks"] for r in records], False)
of = [s for r in records for s in r["stacks"] if s["comm"] == "ioload"]
last = records[-1]
counted = sum(s["maps"] for s in of) + sum(r["stacks_not_shown_maps"] for r in records)
assert 0 <= 12000 - counted <= last["stacks_lost"] + lost(), (counted, last["stacks_lost"], lost())
same("since the start", sum(s["maps_total"] for s in last["stacks"]) + last["stacks_not_shown_maps_total"], counted)
same("bytes", sum(s["map_bytes"] for s in of), 4096 * sum(s["maps"] for s in of))
kernel = [f for s in of for f in s["kernel"]]
user = [f for s in of for f in s["user"]]
assert any(f.startswith("ioasid_ioctl+") and f.endswith("(ioasid)") for f in kernel), kernel
assert any("sys_ioctl" in f for f in kernel), kernel
assert any(f.startswith("ioctl+") for f in user), user
' || return 1
	grep -q '^Nothing has been mapped since' "$work/out"
}

mappings() {
	local id
	hold_script < <(tree_script 1) || return 1
	for id in 1 2 3; do
		"$ctl" --json mappings "$script_ctx" "$id" >"$work/mappings" || return 1
		"$top" --json -n 1 -i 0.1 --space "$script_ctx:$id" >"$work/json" || return 1
		py '
ours = [(m["iova"], m["size"], m["read"], m["write"], m["parent_address"], m["vaddr"]) for m in records[0]["mappings"]]
theirs = [(m["iova"], m["size"], m["read"], m["write"], m.get("parent_address"), m.get("vaddr")) for m in json.load(open(args[0]))["mappings"]]
same("space " + args[1], ours, theirs)
same("more", records[0]["more_mappings"], False)
' "$work/mappings" "$id" || break
	done
	"$top" -b -n 1 -i 0.1 --space "$script_ctx:2" --width 80 >"$work/out"
	release_script
	sed 's/^/# /' "$work/out"
	grep -qE "^space $script_ctx:2  child on 1  dev  ioasidctl  pid $script\$" "$work/out" &&
		grep -qE '^ +2000 +5fff +16.00K rw +parent 0x100000' "$work/out"
}

# More than fit into a list, with room between them.
mappings_many() {
	hold_script < <(printf '%s\n' 'ctx = open' 's = alloc $ctx' 'm = memory 4K'; for i in {0..299}; do
		printf 'map $s $m 0x%x 4K rw\n' $((i * 8192)); done) || return 1
	"$top" --json -n 1 -i 0.1 --space "$script_ctx:1" >"$work/json"
	"$top" -b -n 1 -i 0.1 --space "$script_ctx:1" --width 80 >"$work/out"
	release_script
	py '
same("listed", [m["iova"] for m in records[0]["mappings"]], [i * 8192 for i in range(256)])
same("more", records[0]["more_mappings"], True)
same("counted", [s["mappings"] for s in records[0]["spaces"] if s["ioasid"]], [300])
' && grep -q '^\.\.\. more than these 256' "$work/out"
}

# With these capabilities mappings cannot be listed, not even one's own.
without() {
	local ctx as_user=(setpriv --reuid 1000 --regid 1000 --clear-groups
		"--inh-caps=-all,+bpf,+perfmon" "--ambient-caps=-all,+bpf,+perfmon"
		"--bounding-set=-all,+bpf,+perfmon")
	chmod 666 /dev/ioasid
	hold_load setpriv --reuid 1000 --regid 1000 --clear-groups "$load" -n 10 || return 1
	ctx=$(sed -n 's/^ioasid-ctx:\t//p' /sys/kernel/debug/ioasid/contexts)
	"$top" -b -n 1 -i 0.1 --no-bpf --view heat >"$work/heat" &&
		"$top" -b -n 1 -i 0.1 --no-bpf --view stacks >"$work/stacks" &&
		"$top" -b -n 1 -i 0.1 --no-bpf --view summary >"$work/summary" &&
		"$top" -b -n 1 -i 0.1 --no-bpf --space "$ctx:1" >"$work/space" || return 1
	"${as_user[@]}" "$top" -b -n 1 -i 0.1 --space "$ctx:1" >"$work/caps"
	chmod 600 /dev/ioasid
	release_load
	sed 's/^/# /' "$work/caps"
	grep -q 'Without BPF there are no latencies' "$work/heat" &&
		grep -q 'Stacks are not known without BPF' "$work/stacks" &&
		grep -q 'Without BPF there are no latencies' "$work/summary" &&
		grep -q 'Mappings are not known without BPF' "$work/space" &&
		grep -q 'ioasidctl mappings' "$work/caps"
}

# shows_view KEY NAME PATTERN: and fits.
shows_view() {
	tm send-keys "$1" && shows "Tab: $2" && shows "$3" || return 1
	sed 's/^/# /' "$work/screen"
	[ "$(wc -L <"$work/screen")" -le 80 ] && [ "$(wc -l <"$work/screen")" -eq 24 ]
}

in_screen() {
	shows_view 2 spaces '^ *PID COMM +CTX +ID ' || return 1
	shows_view 1 summary '^map +[0-9.k]+ +[0-9.]+M +0 +[0-9.]+[num] ' || return 1
	shows '^map: [0-9]+ +unmap: [0-9]+' && shows '^ *[0-9.]+[num] \.\. .* #+ ' || return 1
	shows_view 3 tree '^context [0-9]+  dev  ioload  pid [0-9]+' || return 1
	shows_view 4 devices '^No device is attached' || return 1
	shows_view 5 processes '^ *[0-9]+ +- ioload +- +1 +1 +0 ' || return 1
	shows_view 6 cgroups '^/[^ ]* +.* 1 +1 +1 +0 ' || return 1
	shows_view 7 invalidations ' ioload +[0-9]+ +1 +0 ' || return 1
	shows_view 8 faults '^No device has asked' || return 1
	shows_view 9 stacks '^ +[0-9.k]+ +[0-9.]+[KM] +[0-9.kM]+ +[0-9]+ ioload' && shows 'ioasid_ioctl\+' || return 1
	shows_view 0 heat '^now +[0-9.k]+ \|' && shows '^-[0-9.]+s +[0-9.k]+ \|' || return 1
	tm send-keys o && shows '^ +map *$' && tm send-keys Tab && shows 'Tab: summary' || return 1
	tm send-keys BTab && shows 'Tab: heat' && tm send-keys BTab && shows 'Tab: stacks' || return 1
	tm send-keys 2 && shows 'Tab: spaces' && tm send-keys Enter && shows '^space [0-9]+:1  kernel  dev  ioload' || return 1
	shows '^map +[0-9.k]+ ' && shows '^ +FIRST +LAST +SIZE PROT  TARGET' && shows 'Esc back to spaces' || return 1
	sed 's/^/# /' "$work/screen"
	tm send-keys Escape && shows 'Tab: spaces' || return 1
	tm send-keys 5 && shows 'Tab: processes' && tm send-keys Enter && shows '^process [0-9]+: 1 of ' || return 1
	tm send-keys Escape && tm send-keys 1 && shows 'Tab: summary' || return 1
	tm resize-window -x 120 -y 40 && shows 'Tab: summary .*space freeze' || return 1
	tm resize-window -x 40 -y 8 && shows '^memory ' && tm resize-window -x 80 -y 24 && shows 'Tab: summary' || return 1
	tm send-keys h && shows ' 9 stacks ' && tm send-keys x q
	shows 'exit status 0'
}

screen() {
	local status
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	TERM=xterm NO_COLOR=1 tm new-session -d -x 80 -y 24 "$top -i 0.3; echo exit status \$?; sleep 100"
	in_screen
	status=$?
	tm kill-server
	kill "$loading"
	wait "$loading" 2>/dev/null
	return "$status"
}

# How many maps have been counted by their stacks.
counted_stacks() {
	local id
	id=$(bpftool -j map show | jq '[.[] | select(.name == "counts" and .type == "hash")][0].id')
	bpftool -j map dump id "$id" | jq '[.[].formatted.value.maps] | add // 0'
}

in_stacks_off() {
	local before after
	shows 'Tab: spaces' && shows ' ioload ' || return 1
	grep -qE '^CapEff:\s0+$' "/proc/$(pgrep -n -x ioasidtop)/status" || fail "has capabilities" || return 1
	[ "$(counted_stacks)" -eq 0 ] || fail "counted before anybody looked" || return 1
	tm send-keys 9 && shows 'ioasid_ioctl\+' || return 1
	[ "$(counted_stacks)" -gt 0 ] || fail "nothing is counted" || return 1
	tm send-keys 2 && shows 'Tab: spaces' && shows ' ioload +.* [1-9][0-9.k]* ' || return 1
	before=$(counted_stacks)
	tm send-keys 5 && shows 'Tab: processes' && tm send-keys 2 && shows ' ioload ' && sleep 0.5
	after=$(counted_stacks)
	[ "$before" -eq "$after" ] || fail "counted when nobody looked: $before, $after"
}

stacks_off() {
	local status
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	TERM=xterm tm new-session -d -x 80 -y 24 "$top -i 0.3"
	in_stacks_off
	status=$?
	tm kill-server
	kill "$loading"
	wait "$loading" 2>/dev/null
	return "$status"
}

# colored [NAME=VALUE]: whether the heat map is.
colored() {
	TERM=xterm-256color tm -2 new-session -d -x 80 -y 24 "env $1 $top -i 0.2 --view heat"
	shows '^-[0-9.]+s +[0-9.k]+ \|' || return 1
	tm capture-pane -p -e >"$work/colors"
	tm kill-server
	# Of 256 or of 8, the background.
	grep -qE $'\033\\[([0-9;]*;)?4[0-8][;m]' "$work/colors"
}

colors() {
	local status=1
	"$load" -n 1000000000 >/dev/null &
	loading=$!
	if ! colored TERM=xterm-256color; then
		fail "no colours"
	elif colored NO_COLOR=1; then
		fail "colours"
	else
		status=0
	fi
	kill "$loading"
	wait "$loading" 2>/dev/null
	return "$status"
}

hostile() {
	local view status=0 evil=$'e\033[31m\a;'
	mount_cgroups || return 1
	mkdir "$cgroups/a"$'\033]0;b\a' || return 1
	cp "$load" "$work/$evil"
	hold_load bash -c 'echo $$ >"$0" && exec "$@"' "$cgroups/a"$'\033]0;b\a/cgroup.procs' "$work/$evil" -n 50 || return 1
	for view in summary spaces tree devices processes cgroups invalidations faults stacks heat; do
		"$top" -b -n 1 -i 0.1 --width 120 --view "$view" >"$work/out" || status=1
		! LC_ALL=C grep -q '[^ -~]' "$work/out" || fail "$view: $(cat -v "$work/out")" || status=1
		"$top" --json -n 1 -i 0.1 --view "$view" | LC_ALL=C grep -q '[^ -~]' && status=1
		[ "$view" != cgroups ] || grep -qF '/a\x1B]0;b\x07' "$work/out" || fail "no such cgroup" || status=1
		[ "$view" != processes ] || grep -qiF 'e\x1b[31m\x07;' "$work/out" || fail "no such name" || status=1
	done
	release_load
	rmdir "$cgroups/a"$'\033]0;b\a'
	return "$status"
}

usage() {
	local arguments status
	for arguments in '--view nothing' '--view' '--space 1' '--space 1:0' '--space 1:2x' '--space x'; do
		# shellcheck disable=SC2086 # several words
		"$top" $arguments >"$work/out" 2>&1
		status=$?
		[ "$status" -eq 2 ] || fail "'$arguments': exit status $status" || return 1
	done
}

run_tool_tests "$@"
