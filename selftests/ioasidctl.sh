#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: ioasidctl.sh [TEST...]
#
# ioasidctl in a machine of the lab: what it shows against what a script did that it
# carried out itself, with simulated devices and a PCI one; privileges; the examples of
# the documentation.

# $NAME in quotation marks is a variable of ioasidctl's scripts; "a && b || fail" means it.
# shellcheck disable=SC2016,SC2015
set -uo pipefail

ctl=$PWD/build/tools/ioasidctl
work=$(mktemp -d)
edu=0000:00:10.0
script=''
trap 'rm -rf "$work"' EXIT
. selftests/lab/tap.sh

tests=(
	scenario:"scenario S3 of the documentation runs, and its walks are right"
	user_table:"a user-managed table: all levels, and why a walk ends"
	pasid_table:"a walk shows the entry of a PASID table, and why there is none"
	dirty:"the pages that a device wrote to are counted"
	lists:"contexts, spaces, devices and mappings of a running script"
	history:"what was done to a running script's spaces"
	tree:"the tree of a running script"
	walk:"a walk in another process's context, each step as JSON"
	readme:"the tree and the walk of the README are what comes out"
	pci:"a PCI device in a script, with its address"
	unprivileged:"without privilege: own contexts, no physical address, sentences"
	no_debugfs:"without debugfs contexts are found through /proc"
	sim:"simulated IOMMUs are created, listed and destroyed"
	subdevices:"a part of a simulated device in a script, by default and by PASID"
	script_errors:"a line that fails is named with a sentence"
	examples:"the programs of docs/libioasid.md work with either library"
	many:"thousands of mappings are listed exactly once"
)

# says STATUS TEXT ARGUMENT...
says() {
	local status
	"$ctl" "${@:3}" >"$work/out" 2>&1 </dev/null
	status=$?
	[ "$status" -eq "$1" ] || fail "ioasidctl ${*:3}: status $status: $(cat "$work/out")" || return 1
	grep -qE -- "$2" "$work/out" || fail "ioasidctl ${*:3}: no '$2' in: $(cat "$work/out")"
}

# start: runs the script on stdin, which must end with a sleep, until it sleeps.
start() {
	{ cat; echo 'print ready'; echo 'sleep 60'; } >"$work/script"
	"$ctl" run "$work/script" >"$work/running" 2>&1 &
	script=$!
	for _ in {1..300}; do
		! grep -q ready "$work/running" || break
		kill -0 "$script" 2>/dev/null || break
		sleep 0.1
	done
	ctx=$("$ctl" --json contexts | jq ".contexts[] | select(.pid == $script) | .ctx")
	[ -n "$ctx" ] || fail "it does not run: $(cat "$work/running")"
}

stop() {
	kill "$script" 2>/dev/null
	wait "$script" 2>/dev/null
}

nested='iommu = sim devices 2
c = open
d = device $iommu.0
e = device $iommu.1
bind $d $c
bind $e $c
a = alloc $c
attach $d $a
attach $e $a
m = memory 64K
map $a $m 1M 64K rw
b = nest $a
attach $e $b
map $b 1M+4K 0x2000 8K r'

scenario() {
	says 0 '0x2010 is translated, the device may read and write' run docs/examples/s3.ioasid &&
		grep -qF '`- space 1  kernel  1 mapping, 8M (8M pinned)' "$work/out" &&
		grep -qF '   `- space 2  kernel  1 mapping, 4K' "$work/out" &&
		grep -qF 'mapping 0x2000 + 4K  [rw]  -> address 0x1010' "$work/out" &&
		grep -q '0x2010 is not translated: nothing is mapped there' "$work/out" ||
		fail "$(cat "$work/out")"
}

user_table() {
	says 0 'level 1  entry at 0x13010 = 0x0*1067  \[present write user accessed dirty, 4K page\]  -> address 0x1abc' \
		run docs/examples/user-table.ioasid &&
		grep -q 'level 4  entry at 0x10000 = 0x0*11067  .*-> table 0x11000' "$work/out" &&
		grep -q 'entry at 0x13018 = 0x0* .*\[not present\]  <- nothing is mapped' "$work/out" &&
		grep -q 'level 1  entry at 0x200010  <- the parent has no readable memory' "$work/out" ||
		fail "$(cat "$work/out")"
}

pasid_table() {
	says 0 'PASID table, level 1  entry at 0x8028 = 0x0*10001  -> table 0x10000' \
		run docs/examples/pasid-table.ioasid &&
		grep -q 'level 1  entry at 0x13010 = .*-> address 0x1abc' "$work/out" &&
		grep -q 'format amd-gcr3, of PASIDs, walked by the IOMMU$' "$work/out" &&
		grep -q 'entry at 0x8028 = 0x0*  <- nothing is mapped' "$work/out" ||
		fail "$(cat "$work/out")"
}

dirty() {
	says 0 'written to: 3, as was said: 3, since then: 0' run docs/examples/dirty.ioasid &&
		grep -q 'before anything was written: 0$' "$work/out" &&
		grep -q 'behind an unmap: 0$' "$work/out" || fail "$(cat "$work/out")"
}

lists() {
	start <<<"$nested" || return 1
	says 0 "^ *$ctx  dev  *$script  ioasidctl  *2  *2  *0$" contexts &&
		says 0 "^ *$ctx  *1  kernel  *-  *1  *64K  *64K  *1  sim[0-9]*\.0( |$)" spaces "$ctx" &&
		says 0 "^ *$ctx  *2  kernel  *1  *1  *8K  *0  *1  sim[0-9]*\.1$" spaces "$ctx" &&
		says 0 "^sim[0-9]*\.0  *[0-9]+  *-  *$ctx  *1  ioasidctl$" devices &&
		says 0 "^0x100000  0x10ffff  *64K  rw  *memory *$" mappings "$ctx" 1 &&
		says 0 "^ *0x2000  0x3fff  *8K  r-  *parent 0x101000 *$" mappings "$ctx" 2 0x3000 &&
		says 0 'FIRST' mappings "$ctx" 2 0-0x1fff || return 1
	[ "$(wc -l <"$work/out")" -eq 1 ] || fail "outside of the range: $(cat "$work/out")"
}

history() {
	local ops
	start <<<"$nested" || return 1
	says 0 "^ *1 .* attach .*  *$script  ioasidctl  (a device|[0-9a-f:.]+)$" history "$ctx" 1 &&
		says 0 "^ *[0-9]+ .* map  *0x100000  0x10ffff  *64K  rw  .*$script  ioasidctl *$" \
			history "$ctx" 1 0x100000 &&
		says 0 '^ *NR ' history "$ctx" 1 0-0xfff || return 1
	! grep -q 0x100000 "$work/out" || fail "outside of the range: $(cat "$work/out")" || return 1
	"$ctl" --json history "$ctx" 1 >"$work/out" || return 1
	ops=$(jq -r '[.operations[] | select(.op == "map") | .iova, .size, .write, .pid] | @csv' "$work/out")
	[ "$ops" = "1048576,65536,true,$script" ] || fail "$ops in $(cat "$work/out")"
}

tree() {
	start <<<"$nested" || return 1
	"$ctl" tree "$ctx" >"$work/out" || return 1
	sed -E "s/context $ctx /context C /; s/pid $script /pid P /; s/sim[0-9]+/simN/" "$work/out" \
		>"$work/seen"
	cat >"$work/expected" <<-'END'
		context C  dev  pid P (ioasidctl)  2 devices
		`- space 1  kernel  1 mapping, 64K (64K pinned)
		   |   * simN.0
		   |   * simN.1
		   `- space 2  kernel  1 mapping, 8K
		          * simN.1
	END
	diff "$work/expected" "$work/seen"
}

walk() {
	start <<<"$nested" || return 1
	"$ctl" --json walk "$ctx" 2 0x3008 >"$work/out" || return 1
	jq -e '.translated and .prot == "r-" and (.steps | length) == 3 and
		.steps[0].output == 0x102008 and .steps[1].first == 0x100000 and
		.steps[2].output % 4096 == 8' "$work/out" >/dev/null 2>&1 ||
		jq -e '.translated and .prot == "r-" and (.steps | length) == 3 and
		.steps[0].output == 1056776 and .steps[1].first == 1048576 and
		.steps[2].output % 4096 == 8' "$work/out" >/dev/null || fail "$(cat "$work/out")" ||
		return 1
	says 0 'no mapping  <- nothing is mapped there' walk "$ctx" 2 0x4000 &&
		says 1 "context $ctx has no space 3; it has: 1, 2" walk "$ctx" 3 0 &&
		says 1 'there is no context 99999; there are: .*[0-9]' walk 99999 1 0
}

# What differs from run to run.
anonymous() {
	sed -E 's/context [0-9]+ /context C /; s/pid [0-9]+/pid P/; s/sim[0-9]+/simN/
		s/(physical address) .*/\1 A/'
}

readme() {
	start < <(grep -v '^repeat' docs/examples/tree.ioasid) || return 1
	sed -n '/^# ioasidctl tree$/,/^```$/p' README.md | grep -v '^# \|^```' | anonymous >"$work/expected"
	[ -s "$work/expected" ] || fail "no such part in README.md" || return 1
	{ "$ctl" tree "$ctx" && "$ctl" walk "$ctx" 4 0x2abc; } | anonymous | diff "$work/expected" -
}

pci() {
	echo ioasid_pci >"/sys/bus/pci/devices/$edu/driver_override"
	echo "$edu" >/sys/bus/pci/drivers_probe
	start <<-END || return 1
		c = open
		d = device $edu
		bind \$d \$c cookie 5
		a = alloc \$c
		attach \$d \$a
		print device \$d
		print info \$a
		expect EBUSY bind \$d \$c
	END
	return 0
}

unprivileged() {
	start <<<"$nested" || return 1
	chmod 711 "$work"
	cat >"$work/own" <<-'END'
		c = open
		a = alloc $c
		m = memory 4K
		map $a $m 0 4K rw
		print walk $a 0
		print tree $c
	END
	chmod a+r "$work/own"
	chmod a+rw /dev/ioasid
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$ctl" run "$work/own" >"$work/out" 2>&1 || fail "$(cat "$work/out")" || return 1
	grep -q 'its physical address is for root' "$work/out" &&
		grep -q 'space 1  kernel  1 mapping, 4K' "$work/out" || fail "$(cat "$work/out")" || return 1
	setpriv --reuid=65534 --regid=65534 --clear-groups --inh-caps=-all --bounding-set=-all \
		"$ctl" walk "$ctx" 1 0 >"$work/out" 2>&1 && fail "it succeeded" && return 1
	chmod 660 /dev/ioasid
	grep -q 'run as root with debugfs mounted' "$work/out" &&
		grep -q "there is no context $ctx" "$work/out" || fail "$(cat "$work/out")"
}

no_debugfs() {
	start <<<"$nested" || return 1
	unshare -m sh -c "umount /sys/kernel/debug && $ctl tree $ctx" >"$work/out" 2>&1
	grep -q 'with debugfs mounted' "$work/out" &&
		grep -qF '`- space 2  kernel  1 mapping, 8K' "$work/out" || fail "$(cat "$work/out")"
}

sim() {
	local id
	id=$("$ctl" sim create --caps nesting,pasid --devices 3 --iotlb 16x2 --pasid-bits 8 \
		--formats x86-64-4level --resv 0xfee00000-0xfeefffff:msi --width 40) || return 1
	says 0 "^ *$id  *3  sim$id.0 - sim$id.2  " sim list &&
		says 0 "^sim$id.2 .*not attached$" devices &&
		says 0 '^requests  *0$' sim stats "$id" || return 1
	printf '%s\n' 'c = open' "d = device sim$id.1" 'bind $d $c' 'print device $d' >"$work/script"
	says 0 'width 40' run "$work/script" && grep -q 'pasids 256' "$work/out" &&
		grep -q 'permitted 0xfef00000 - 0xffffffffff' "$work/out" || fail "$(cat "$work/out")" || return 1
	says 0 "^$" sim destroy "$id" || [ ! -s "$work/out" ] || return 1
	says 1 'the instance does not exist' sim destroy "$id" &&
		says 1 'needs|cannot be like this' sim create --devices 65
}

subdevices() {
	local id
	id=$("$ctl" sim create --subdevices 2 --pasid-pool global) || return 1
	says 0 "^sim$id.0.1 .*not attached$" devices || return 1
	start <<-END || return 1
		c = open
		s = alloc \$c
		m = memory 4K
		map \$s \$m 0 4K rw
		d = device sim$id.0.1
		bind \$d \$c
		attach \$d \$s
		attach \$d \$s pasid 7
		dma \$d fill 0 4K 1
		dma \$d fill 0 4K 1 pasid 7
		expect no-pasid dma \$d fill 0 4K 1 pasid 8
		print device \$d
	END
	says 0 "^sim$id.0.1  *[0-9]+  *-  *$ctx  *1  ioasidctl$" devices &&
		says 0 "^sim$id.0.1  *[0-9]+  *7  *$ctx  *1  ioasidctl$" devices &&
		says 0 "^sim$id.0.0 .*not attached$" devices &&
		grep -q 'pasids 1048576' "$work/running" || fail "$(cat "$work/running")" || return 1
	stop
	"$ctl" sim destroy "$id"
}

script_errors() {
	printf '%s\n' 'c = open' 'a = alloc $c' 'm = memory 8K' 'map $a $m 0 8K rw' \
		'map $a $m 4K 4K r' >"$work/script"
	says 1 ":5: map: space 1 has a mapping in this range already" run "$work/script" || return 1
	printf '%s\n' 'c = open' 'a = alloc $c' 'expect ENOENT free $a' >"$work/script"
	says 1 ":3: free: it succeeded, expected was ENOENT" run "$work/script" || return 1
	printf '%s\n' 'c = open' 'a = alloc $c' 'b = nest $a' 'expect ENOENT free $a' >"$work/script"
	says 1 ":4: free: EBUSY instead of ENOENT: space 1 is in use" run "$work/script" || return 1
	printf '%s\n' 'd = device sim77.0' >"$work/script"
	says 1 ":1: device: sim77.0 has no node" run "$work/script" || return 1
	printf '%s\n' 'i = sim devices 1' 'd = device $i.0' 'dma $d read 0 8' >"$work/script"
	says 1 ":3: dma: sim[0-9]+.0 must be bound" run "$work/script"
}

examples() {
	local program
	for program in build/tools/libioasid/examples/*; do
		[ -x "$program" ] || continue
		"$program" >"$work/out" 2>&1 || fail "$program: $(cat "$work/out")" || return 1
		echo "# $program: $(tr '\n' ';' <"$work/out")"
	done
}

many() {
	start < <(
		printf 'c = open\na = alloc $c\nm = memory 4K\n'
		for ((i = 0; i < 5000; i++)); do echo "map \$a \$m 1M+$((i * 8))K 4K r"; done
	) || return 1
	"$ctl" --json mappings "$ctx" 1 >"$work/out" || return 1
	jq -e '(.mappings | length) == 5000 and ([.mappings[].iova] | unique | length) == 5000' \
		"$work/out" >/dev/null || fail "not 5000"
}

after_test() {
	[ -z "$script" ] || stop
	script=''
}

run_tests "$@"
