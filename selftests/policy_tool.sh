#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: policy_tool.sh [TEST...]
#
# ioasidpolicy and the two policies that come with it, in the lab's machine; and that a
# policy keeps the driver loaded.

# "a && b || fail" means it; $NAME in quotation marks is a variable of a script.
# shellcheck disable=SC2015,SC2016
set -uo pipefail
cd "$(dirname -- "${BASH_SOURCE[0]}")/.." || exit 1
[ -n "${LAB_MODULES-}" ] || . /run/lab.env

tool=$PWD/build/tools/ioasidpolicy
ctl=build/tools/ioasidctl
pins=/sys/fs/bpf/ioasid
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/lab/tap.sh
. selftests/lab/tap.sh

tests=(
	allow:"the allow-list lets in what fits into a range, with its permissions"
	many_ranges:"as many ranges as there may be, and no more"
	context:"a policy for one context is none of the others'"
	replace:"a replacement changes the list, under the same name"
	pins:"a policy lives as long as its pin"
	fault:"the fault policy lets a burst through and never wakes user space beyond"
	no_user:"with --no-user nobody in user space is told"
	file:"policies from an object file, by name of the variable"
	list:"what is attached is listed, as text and as JSON"
	errors:"errors name what is wrong, and what to do about it"
	keeps_driver:"the driver cannot be unloaded while a policy is there, and without it can"
	btf:"the types are in the driver's BTF, and not in vmlinux"
	traceable:"the functions that the documentation names can be traced"
	completion:"the completion knows commands, options and what is attached"
	no_driver:"without the driver: one sentence and exit status 3"
)

if [ ! -e /sys/kernel/debug/ioasid/policies ]; then
	printf 'TAP version 13\n1..0 # SKIP this kernel has no BTF of modules, or no BPF JIT\n'
	exit 4
fi

after_test() {
	local pin
	for pin in "$pins"/*; do
		[ ! -e "$pin" ] || "$tool" detach "${pin##*/}"
	done
}

# says STATUS TEXT ARGUMENT...: the output has TEXT.
says() {
	local expected=$1 text=$2 status
	shift 2
	"$tool" "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	[ "$status" -eq "$expected" ] && { [ -z "$text" ] || grep -qF -- "$text" "$work/out"; } ||
		fail "ioasidpolicy $*: status $status: $(cat "$work/out")"
}
ok() { says 0 "" "$@"; }

# A script, with the space $s and the memory $ram.
script() {
	{
		printf 'c = open\ns = alloc $c\nram = memory 4M\n'
		cat
	} >"$work/script"
	"$ctl" run "$work/script" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
}

# json EXPRESSION: of what is listed, as d; its truth is the status.
json() {
	"$tool" --json list >"$work/json" || return 1
	python3 -c '
import json, sys
d = json.load(open(sys.argv[1]))
p = {x["name"]: x for x in d["policies"]}
sys.exit(not eval(sys.argv[2]))' "$work/json" "$1" || fail "$1: $(cat "$work/json")"
}

allow() {
	ok attach allow -R 0x100000-0x1fffff -R 4M+64K:r || return 1
	script <<-'END' || return 1
		map $s $ram 1M 1M rw
		expect EPERM map $s $ram 0xff000 4K rw
		expect EPERM map $s $ram 2M 4K rw
		unmap $s 1M 1M
		expect EPERM map $s $ram 0xff000 8K rw
		expect EPERM map $s $ram 0x1ff000 8K rw
		map $s $ram 0x1ff000 4K rw
		map $s $ram 4M 64K r
		expect EPERM map $s $ram 0x410000 4K r
		unmap $s 4M 64K
		expect EPERM map $s $ram 4M 4K rw
	END
	json 'p["allow"]["maps"] == 9 and p["allow"]["refusals"] == 6' || return 1
	ok detach allow || return 1
	script <<-'END'
		map $s $ram 0 1M rw
	END
}

many_ranges() {
	local i ranges=()
	for ((i = 0; i < 256; i++)); do
		ranges+=(-R "$((i * 8))K+4K")
	done
	ok attach allow "${ranges[@]}" || return 1
	script <<-'END' || return 1
		map $s $ram 2040K 4K rw
		map $s $ram 0 4K rw
		expect EPERM map $s $ram 2044K 4K rw
	END
	says 2 "no more than 256 ranges" attach allow "${ranges[@]}" -R 0+4K
}

context() {
	local ctx
	exec 9<>/dev/ioasid
	ctx=$(sed -n 's/^ioasid-ctx:\t//p' "/proc/$$/fdinfo/9")
	ok attach allow -R 0+4K --ctx "$ctx" || return 1
	script <<-'END' || return 1
		map $s $ram 1M 1M rw
	END
	json 'p["allow"]["maps"] == 0' || return 1
	exec 9>&-
	says 1 "there is no context for policy 'other': 'ioasidctl contexts'" \
		attach allow -R 0+4K -n other --ctx "$ctx"
}

replace() {
	ok attach allow -R 0+4K -p -7 || return 1
	says 1 "policy 'allow' is attached already: replace it with --replace" \
		attach allow -R 1M+4K || return 1
	script <<-'END' || return 1
		map $s $ram 0 4K rw
		expect EPERM map $s $ram 1M 4K rw
	END
	ok attach --replace allow -R 1M+4K || return 1
	script <<-'END' || return 1
		map $s $ram 1M 4K rw
		expect EPERM map $s $ram 0 4K rw
	END
	json 'p["allow"]["updates"] == 1 and p["allow"]["refusals"] == 2 and p["allow"]["priority"] == 0' ||
		return 1
	says 1 "there is no policy 'gone' to replace" attach -r -n gone allow -R 1M+4K
}

pins() {
	ok attach allow -R 0+4K || return 1
	[ -e "$pins/allow" ] || fail "no pin" || return 1
	rm "$pins/allow" || return 1
	# The kernel lets it go in its own time.
	for _ in {1..100}; do
		says 0 "no policy is attached" list >/dev/null && return
		sleep 0.1
	done
	fail "$(cat "$work/out")"
}

# load ARGUMENT...: faults, and what became of them in $work/load.
load() {
	build/tools/tests/faultload "$@" >"$work/load" 2>&1 </dev/null || fail "$(cat "$work/load")"
}

fault() {
	ok attach fault --burst 7 --rate 1 || return 1
	load -n 4 -d 1 || return 1
	json 'p["fault"]["deliver"] == 4 and p["fault"]["invalid"] == 0' || return 1
	load -n 200 -d 1 || return 1
	# Of another context, which has a budget of its own; the clock goes on meanwhile.
	json '7 <= p["fault"]["deliver"] - 4 <= 60 and p["fault"]["deliver"] + p["fault"]["invalid"] == 204' ||
		return 1
	python3 -c '
import json, sys
load = json.load(open(sys.argv[1])); p = json.load(open(sys.argv[2]))["policies"][0]
sys.exit(load["answered"] != p["deliver"] - 4 or load["refused"] != p["invalid"])' \
		"$work/load" "$work/json" || fail "$(cat "$work/load" "$work/json")"
}

no_user() {
	ok attach fault --no-user || return 1
	load -n 50 -d 2 || return 1
	grep -q '"answered":0,' "$work/load" || fail "$(cat "$work/load")" || return 1
	json 'p["fault"]["invalid"] == 100 and p["fault"]["deliver"] == 0'
}

file() {
	local object=build/tools/policy_test.bpf.o
	says 2 "has 4 policies: say which one with --map" attach "$object" || return 1
	says 1 "has no policy 'none'" attach -m none "$object" || return 1
	says 1 "needs a program for map_check or fault_verdict" attach -m nothing "$object" || return 1
	ok attach -m both -n mine -p 12 "$object" || return 1
	json 'p["mine"]["priority"] == 12 and p["mine"]["pin"] == "mine"' || return 1
	says 1 "has no policy: a variable of type struct ioasid_policy" attach build/tools/collect.bpf.o ||
		return 1
	says 1 "the kernel refuses policy 'loops'" attach -m loops build/tools/policy_bad.bpf.o ||
		return 1
	says 1 "infinite loop detected" attach -v -m loops build/tools/policy_bad.bpf.o
}

list() {
	says 0 "no policy is attached" list || return 1
	ok attach fault -p 5 || return 1
	ok attach allow -R 0+4K -p -5 || return 1
	says 0 "NAME" list || return 1
	[ "$(awk 'NR > 1 { print $1, $2, $3, $NF }' "$work/out")" = $'allow 0 -5 allow\nfault 0 5 fault' ] ||
		fail "$(cat "$work/out")" || return 1
	json 'd["schema"] == "ioasidpolicy-list/1" and [x["name"] for x in d["policies"]] == ["allow", "fault"] and d["total"]["attached"] >= 2'
}

errors() {
	says 2 "there is no command 'x'" x &&
		says 2 "usage: ioasidpolicy attach" attach &&
		says 2 "usage: ioasidpolicy detach NAME" detach &&
		says 2 "'1M-0' is no range" attach allow -R 1M-0 &&
		says 2 "permissions are r, w or rw" attach allow -R 0+4K:x &&
		says 2 "an allow-list without ranges refuses everything" attach allow &&
		says 2 "--range is for the policy 'allow'" attach fault -R 0+4K &&
		says 2 "--rate, --burst and --no-user are for the policy 'fault'" attach allow -R 0+4K --burst 3 &&
		says 2 "the rate is a number from 1" attach fault --rate 0 &&
		says 2 "'a/b' is no name" attach -n a/b fault &&
		says 2 "'..' is no name" attach -n .. fault &&
		says 2 "a priority is a number" attach -p high fault &&
		says 1 "there is no policy 'nowhere.o': give allow, fault, or the path" attach nowhere.o &&
		says 1 "there is no policy 'gone': 'ioasidpolicy list' shows" detach gone &&
		says 0 "Exit status: 0 done" --help || return 1
	setpriv --reuid 65534 --clear-groups "$tool" list >"$work/out" 2>&1
	[ $? -eq 1 ] && grep -q "run as root" "$work/out" || fail "$(cat "$work/out")"
}

modules=(ioasid_vfio ioasid_sim ioasid_pci)

keeps_driver() {
	local status=0
	ok attach fault || return 1
	rmmod "${modules[@]}" || return 1
	! rmmod ioasid 2>"$work/out" || fail "it was unloaded" || status=1
	grep -q "in use" "$work/out" || fail "$(cat "$work/out")" || status=1
	ok detach fault || status=1
	# The kernel frees the program's memory after a while.
	for _ in {1..100}; do
		rmmod ioasid 2>"$work/out" && break
		sleep 0.1
	done
	[ ! -d /sys/module/ioasid ] || fail "$(cat "$work/out")" || status=1
	return "$status"
}

no_driver() {
	[ ! -d /sys/module/ioasid ] || rmmod "${modules[@]}" ioasid || return 1
	says 3 "the ioasid driver is not loaded" list &&
		says 3 "the ioasid driver is not loaded" attach fault || return 1
	load_all
}

load_all() {
	local module
	for module in ioasid ioasid_pci ioasid_sim ioasid_vfio; do
		[ -d "/sys/module/$module" ] || insmod "$LAB_MODULES/$module.ko" || return 1
	done
}

btf() {
	local name
	load_all || return 1
	bpftool btf dump file /sys/kernel/btf/ioasid >"$work/btf" || return 1
	bpftool btf dump file /sys/kernel/btf/vmlinux >"$work/vmlinux" || return 1
	for name in "STRUCT 'ioasid_policy'" "STRUCT 'ioasid_map_query'" "STRUCT 'ioasid_fault_query'" \
		"STRUCT 'bpf_struct_ops_ioasid_policy'" "ENUM 'ioasid_verdict'" "FUNC 'ioasid_map_check'"; do
		grep -qF "$name" "$work/btf" || fail "not in the driver's BTF: $name" || return 1
		! grep -qF "$name" "$work/vmlinux" || fail "in vmlinux, too: $name" || return 1
	done
}

traceable() {
	local name nr=0
	mountpoint -q /sys/kernel/tracing || mount -t tracefs tracefs /sys/kernel/tracing
	load_all && bpftool btf dump file /sys/kernel/btf/ioasid >"$work/btf" || return 1
	while read -r name; do
		nr=$((nr + 1))
		grep -q "^$name \\[ioasid\\]" /sys/kernel/tracing/available_filter_functions ||
			fail "no $name" || return 1
		grep -qF "FUNC '$name'" "$work/btf" || fail "$name is not in BTF" || return 1
	done < <(sed -nE 's/^\| `(ioasid_[a-z_]+)\((query|space|group).*/\1/p' docs/bpf.md)
	[ "$nr" -ge 4 ] || fail "only $nr functions"
}

# complete_words WORD...: what bash would offer for the last one.
complete_words() {
	bash --norc -c 'PATH='"${tool%/*}"':$PATH; . tools/completion/ioasidpolicy
		COMP_WORDS=(ioasidpolicy "$@") COMP_CWORD=$#
		_ioasidpolicy; echo "${COMPREPLY[*]}"' - "$@"
}

completion() {
	local option
	load_all && ok attach -n mine fault || return 1
	[ "$(complete_words "")" = "attach detach list" ] && [ "$(complete_words detach "")" = mine ] &&
		[ "$(complete_words attach -p 3 f)" = fault ] && [ "$(complete_words -n m)" = mine ] ||
		fail "$(complete_words "") $(complete_words detach "")" || return 1
	for option in $("$tool" --help | grep -o -- '--[a-z-]*'); do
		[[ " $(complete_words --) " == *" $option "* ]] || fail "no $option" || return 1
		grep -q -- "Fl ${option#-}\\|Fl . , ${option#-}" docs/man/ioasidpolicy.8 ||
			[[ $option =~ help|usage|version ]] || fail "no $option in the manual" || return 1
	done
}

run_tests "$@"
