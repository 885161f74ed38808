#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# usage: tools_ctl.sh [TEST...]
#
# ioasidctl and libioasid without a kernel: arguments, scripts and their mistakes,
# recorded counters, manual pages, completion, and what "make install" installs.

# $NAME in quotation marks is a variable of ioasidctl's scripts; "a && b || fail" means it.
# shellcheck disable=SC2016,SC2015
set -uo pipefail

ctl=$PWD/build/tools/ioasidctl
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
. selftests/lab/tap.sh

# What each test says; the functions are below, in the same order.
tests=(
	usage:"wrong usage is exit status 2, and says what is right"
	examples:"the scripts of the documentation have no mistakes"
	manual_example:"the script in the manual page has none"
	quotes:"what the documentation quotes of the fault example is what it does"
	mistakes:"each mistake in a script is found, with its line"
	before_running:"a script with a mistake does nothing"
	numbers:"numbers, ranges and sizes"
	lists:"contexts, spaces, trees and devices from recorded counters"
	unknown:"a context or space that is not there: the known ones are named"
	json:"all listings are one JSON object"
	no_driver:"without the driver: one sentence and exit status 3"
	manuals:"manual pages have no warnings"
	completion:"the completion of ioasidctl knows commands and options"
	completion_top:"that of ioasidtop knows options and columns"
	completion_lat:"that of ioasidlat knows options and lists, its manual page all of them"
	completion_snoop:"that of ioasidsnoop knows options and all events"
	library:"the library exports its functions and nothing else"
	install:"programs compile against what is installed"
)

# run STATUS ARGUMENT...: output goes to $work/out.
run() {
	local expected=$1 status
	shift
	"$ctl" "$@" >"$work/out" 2>&1 </dev/null
	status=$?
	[ "$status" -eq "$expected" ] || fail "ioasidctl $*: status $status: $(cat "$work/out")"
}

# says STATUS TEXT ARGUMENT...: and the output has TEXT.
says() {
	local text=$2
	run "$1" "${@:3}" || return 1
	grep -qF -- "$text" "$work/out" || fail "ioasidctl ${*:3}: no '$text' in: $(cat "$work/out")"
}

usage() {
	says 2 "Usage:" && says 2 "no command 'nonsense'" nonsense &&
		says 2 "usage: ioasidctl walk" walk 1 2 &&
		says 2 "is no address" walk 1 2 0xzz &&
		says 2 "is no range" mappings 1 2 5-4 &&
		says 2 "'fly' is no capability; there are: nesting pasid" sim create --caps fly &&
		says 2 "'sparc' is no format" sim create --formats=sparc &&
		says 2 "give SETSxWAYS" sim create --iotlb 64 &&
		says 2 "'--devices' needs a value" sim create --devices &&
		says 2 "is none of caps, devices" sim create --wings 2 &&
		says 2 "'rid' is no pool of PASIDs; there are: device global" \
			sim create --pasid-pool rid &&
		says 2 "none of create, list" sim fly &&
		says 2 "needs the number" sim destroy &&
		says 2 "is no reserved region" sim create --resv 0x1000-0x1fff:odd &&
		says 0 "ioasidctl 0." --version && says 0 "one address through all stages" --help
}

examples() {
	local file
	for file in docs/examples/*.ioasid; do
		run 0 run -n "$file" || return 1
	done
}

manual_example() {
	sed -n '/^iommu = sim devices 2$/,/^\.Ed$/p' docs/man/ioasidctl.8 | grep -v '^\.' \
		>"$work/manual"
	[ "$(grep -c . "$work/manual")" -gt 15 ] || fail "no script in the page" || return 1
	run 0 run -n "$work/manual"
}

# mistake TEXT LINE...: the last line is wrong, and TEXT says why.
mistake() {
	local text=$1
	shift
	printf '%s\n' "$@" >"$work/script"
	says 2 "$work/script:$#: " run -n "$work/script" &&
		says 2 "$text" run -n "$work/script"
}

# The indented blocks that begin as a place of the program does are that place.
quotes() {
	awk 'FNR == NR { line[++nr] = clean($0); next }
		function clean(text) { gsub(/[ \t]+/, " ", text); sub(/^ /, "", text); return text }
		!/^\t/ { at = 0; next }
		!at { begin = clean($0); for (at = nr; at && line[at] != begin; at--); if (at) found++; else at = -1; next }
		at > 0 && clean($0) != line[++at] { print "# docs/faults.md:" FNR ": not in viommu.c: " $0; bad = 1 }
		END { if (found < 2) print "# " found + 0 " places"; exit bad || found < 2 }' \
		docs/examples/viommu.c docs/faults.md
}

mistakes() {
	local ctx='c = open' space='s = alloc $c' mem='m = memory 1M' dev='d = device sim0.0'
	mistake "there is no command 'fly'" fly &&
		mistake "there is no variable \$c" 'alloc $c' &&
		mistake "must be a variable" "$ctx" 'alloc c' &&
		mistake "\$c is a context, and a device is needed" "$ctx" 'bind $c $c' &&
		mistake "something is missing: map" "$ctx" "$space" "$mem" 'map $s $m 0 4K' &&
		mistake "'x' is none of rw, r, w" "$ctx" "$space" "$mem" 'map $s $m 0 4K x' &&
		mistake "'4KB' is no number" "$ctx" "$space" "$mem" 'map $s $m 0 4KB rw' &&
		mistake "'0x' is no number" "$ctx" "$space" "$mem" 'map $s $m 0x 4K rw' &&
		mistake "'-5' is too much" "$ctx" 'x = alloc $c -5' &&
		mistake "'fly' is too much" "$ctx" 'x = alloc $c fly' &&
		mistake "'width' needs a number" "$ctx" 'x = alloc $c width' &&
		mistake "there twice" "$ctx" 'x = alloc $c snoop snoop' &&
		mistake "expect needs the name of an error" "$ctx" 'expect EFLY alloc $c' &&
		mistake "what fails has no result" "$ctx" 'x = expect ENOENT alloc $c' &&
		mistake "'free' has no result" "$ctx" "$space" 'x = free $s' &&
		mistake "what is repeated has no result" 'x = repeat 2 open' &&
		mistake "repeat needs a number" 'repeat print a' &&
		mistake "repeat needs a number" 'repeat 0 print a' &&
		mistake "a command is missing" 'repeat 3' &&
		mistake "was closed or freed above" "$ctx" 'close $c' 'alloc $c' &&
		mistake "was closed or freed above" "$ctx" "$space" 'free $s' 'free $s' &&
		mistake "'9a' is no name" '9a = open' &&
		mistake "a command is missing" 'a =' &&
		mistake "a quotation mark is missing" 'print "a b' &&
		mistake "is none of read, write" "$dev" 'dma $d fly 0 8' &&
		mistake "is no format" "$ctx" "$space" 't = table $s sparc 0' &&
		mistake "must be a variable" "$ctx" "$space" 'free $s+1'
}

before_running() {
	printf 'print begun\nfly\nnest $nothing\n' >"$work/script"
	run 2 run "$work/script" || return 1
	! grep -q begun "$work/out" || fail "it ran: $(cat "$work/out")" || return 1
	grep -q ':2: ' "$work/out" && grep -q ':3: ' "$work/out" ||
		fail "not both mistakes: $(cat "$work/out")"
}

# Needs no driver: memory and numbers only.
numbers() {
	cat >"$work/script" <<-'END'
		# a comment
		n = number 0x1000+4K-1
		print $n "two  blanks" $n.5 $ # and another
		m = memory 64K
		fill $m 3 4K 8K
		check $m 3 4K 8K
		expect EBADMSG check $m 4 4K 8K
		expect EBADMSG check $m 3
		clear $m 4K
		poke $m 8 0x123456789abcdef0
		v = peek $m 8
		print $v
		expect EINVAL peek $m 4
		expect ERANGE peek $m 64K-4
		expect ERANGE fill $m 1 64K 1
		g = number 1G+2T
		print $g
		repeat 2 print again
		expect ERANGE repeat 3 peek $m 64K-4
	END
	run 0 run "$work/script" || return 1
	printf '8191 two  blanks 8191.5 $\n1311768467463790320\n2200096997376\nagain\nagain\n' >"$work/expected"
	diff -u "$work/expected" "$work/out" || fail "not what was expected" || return 1
	run 0 "${counters[@]}" --json spaces &&
		jq -e '[.spaces[] | select(.ctx == 7) | [.faults, .fault_pending, .fault_oldest_ns]] ==
			[[null, null, null], [null, null, null], [1200, 2, 1234500000], [null, null, null]]' \
			"$work/out" >/dev/null || fail "$(cat "$work/out")" || return 1
	printf 'm = memory 4K\ncheck $m 9\nprint never\n' >"$work/script"
	says 1 "$work/script:2: check: byte 0x0 of the range is 0x00" run "$work/script" || return 1
	! grep -q never "$work/out" || fail "it went on" || return 1
	printf 'm = memory 4K\nexpect ENOENT clear $m\n' | "$ctl" run - >"$work/out" 2>&1 &&
		fail "success was not expected" && return 1
	grep -q -- '-:2: clear: it succeeded, expected was ENOENT' "$work/out" || fail "$(cat "$work/out")"
}

counters=(--counters tools/tests/data/ctl-counters)

lists() {
	local what
	for what in contexts spaces tree devices "tree 7" "devices 7"; do
		# shellcheck disable=SC2086
		run 0 "${counters[@]}" $what || return 1
		echo "== $what"
		cat "$work/out"
	done >"$work/lists"
	diff -u tools/tests/data/ctl-lists.txt "$work/lists" | sed 's/^/# /'
	cmp -s tools/tests/data/ctl-lists.txt "$work/lists"
}

unknown() {
	says 1 "there is no context 9; there are: 7, 12" "${counters[@]}" spaces 9 &&
		says 1 "there is no context x; there are: 7, 12" "${counters[@]}" tree x &&
		says 1 "context 7 has no space 5; it has: 1, 2, 3, 4" "${counters[@]}" walk 7 5 0 &&
		says 1 "context 12 has no space -1" "${counters[@]}" mappings 12 -- -1
}

json() {
	local what
	for what in contexts spaces tree devices; do
		run 0 "${counters[@]}" --json $what || return 1
		jq -e ".schema == \"ioasidctl-$what/1\"" "$work/out" >/dev/null ||
			fail "$what: $(cat "$work/out")" || return 1
	done
	run 0 "${counters[@]}" --json tree &&
		jq -e '.contexts[0].spaces[0].children[0].children[0].attached == "0000:00:11.0/5"' \
			"$work/out" >/dev/null || fail "$(cat "$work/out")" || return 1
	printf 'm = memory 4K\nx = peek $m 0\nprint a b\ncheck $m 1\n' >"$work/script"
	run 1 --json run "$work/script" &&
		jq -es 'length == 4 and .[1].result == 0 and .[2].text == "a b" and .[3].ok == false
			and .[3].status == "EBADMSG" and .[3].line == 4' "$work/out" >/dev/null ||
		fail "$(cat "$work/out")"
}

no_driver() {
	[ ! -e /dev/ioasid ] || { echo "# the driver is loaded here"; return 0; }
	says 3 "the ioasid driver is not loaded" contexts &&
		says 3 "load the simulator" sim list &&
		echo 'c = open' >"$work/script" &&
		says 1 "$work/script:1: open: /dev/ioasid is not there: load the driver" \
			run "$work/script"
}

manuals() {
	local page
	for page in docs/man/ioasidctl.8 docs/man/ioasidsnoop.8 docs/man/libioasid.3; do
		mandoc -T lint -W warning "$page" >"$work/out" || fail "$(cat "$work/out")" || return 1
	done
	# Every command of scripts and every function of the library is in them.
	grep -o '^	{ "[a-z -]*"' tools/ioasidctl/script_table.c | cut -d'"' -f2 |
		while read -r word; do
			grep -q "\\b${word}\\b" docs/man/ioasidctl.8 || echo "$word"
		done >"$work/missing"
	grep -o '\bioasid_[a-z_]*(' tools/libioasid/libioasid.h | tr -d '(' | sort -u |
		while read -r word; do
			grep -q "^.Fn $word\\b" docs/man/libioasid.3 || echo "$word"
		done >>"$work/missing"
	# Every option and event of ioasidsnoop.
	{ grep -o '^	{ "[a-z-]*"' tools/ioasidsnoop/options.c | cut -d'"' -f2 | sed 's/^/-/'
		grep -o '= { "[a-z_]*"' tools/lib/event.c | cut -d'"' -f2; } |
		while read -r word; do
			grep -qE "(^|[^a-z_])${word#-}([^a-z_]|\$)" docs/man/ioasidsnoop.8 || echo "$word"
		done >>"$work/missing"
	[ ! -s "$work/missing" ] || fail "not in the manual:" "$(tr '\n' ' ' <"$work/missing")"
}

# complete_words PROGRAM WORD...: what bash would offer for the last one.
complete_words() {
	bash --norc -c 'PATH='"${ctl%/*}"':$PATH; . "tools/completion/$1"
		COMP_WORDS=("$@") COMP_CWORD=$(($# - 1))
		"_$1"; echo "${COMPREPLY[*]}"' - "$@"
}

completion() {
	local offered
	offered=$(complete_words ioasidctl "")
	[ "$offered" = "contexts spaces tree devices mappings walk sim run" ] ||
		fail "commands: $offered" || return 1
	[ "$(complete_words ioasidctl tr)" = tree ] && [ "$(complete_words ioasidctl sim cr)" = create ] &&
		[ "$(complete_words ioasidctl sim create --ca)" = --caps ] &&
		[ "$(complete_words ioasidctl sim create --caps ne)" = nesting ] &&
		[ "$(complete_words ioasidctl sim create --pasid-pool g)" = global ] &&
		[ "$(complete_words ioasidctl --j)" = --json ] || fail "options are not completed"
}

completion_top() {
	local missing
	# Whatever --help knows, and nothing twice.
	[ "$(complete_words ioasidtop --t)" = --tree ] && [ "$(complete_words ioasidtop --pr)" = --probe ] &&
		[ "$(complete_words ioasidtop -s user-inv-p5)" = user-inv-p50 ] &&
		[ "$(complete_words ioasidtop --sort unm)" = "unmap unmap-p50 unmap-p99" ] &&
		[ -z "$(complete_words ioasidtop -i "")" ] || fail "options and columns" || return 1
	missing=$(comm -23 <(grep -v OPTION_HIDDEN tools/ioasidtop/options.c | grep -o '^	{ "[a-z-]*"' | cut -d'"' -f2 | sort) \
		<(complete_words ioasidtop -- | tr ' ' '\n' | sed 's/^--//' | sort))
	[ -z "$missing" ] || fail "not completed: $missing"
}

completion_lat() {
	local missing
	[ "$(complete_words ioasidlat --heatm)" = --heatmap ] && [ "$(complete_words ioasidlat -B sp)" = space ] &&
		[ "$(complete_words ioasidlat --by phase,re)" = phase,result ] &&
		[ "$(complete_words ioasidlat -B "")" = "device none phase process result space" ] &&
		[ "$(complete_words ioasidlat -o map,unb)" = map,unbind-table ] &&
		[ -z "$(complete_words ioasidlat -i "")" ] || fail "options and lists" || return 1
	missing=$(comm -23 <(grep -o '^	{ "[a-z-]*"' tools/ioasidlat/options.c | cut -d'"' -f2 | sort) \
		<(complete_words ioasidlat -- | tr ' ' '\n' | sed 's/^--//' | sort))
	[ -z "$missing" ] || fail "not completed: $missing" || return 1
	mandoc -T lint -W warning docs/man/ioasidlat.8 >"$work/out" || fail "$(cat "$work/out")" || return 1
	mandoc -T ascii docs/man/ioasidlat.8 | sed 's/.\x08//g' >"$work/man"
	complete_words ioasidlat -- | tr ' ' '\n' | grep -vE '^--(help|usage|version)$' |
		while read -r missing; do
			grep -q -- "$missing" "$work/man" || echo "$missing"
		done >"$work/missing"
	complete_words ioasidlat -o "" | tr ' ' '\n' | while read -r missing; do
		grep -qE "^ +.*\b$missing\b" "$work/man" || echo "$missing"
	done >>"$work/missing"
	[ ! -s "$work/missing" ] || fail "not in the manual:" "$(tr '\n' ' ' <"$work/missing")"
}

completion_snoop() {
	local missing
	[ "$(complete_words ioasidsnoop --st)" = --strict ] &&
		[ "$(complete_words ioasidsnoop -e fault_re)" = "fault_report fault_respond" ] &&
		[ "$(complete_words ioasidsnoop -e map,mem)" = map,memory ] &&
		[ "$(complete_words ioasidsnoop --time m)" = mono ] || fail "options and events" || return 1
	missing=$(comm -3 <(grep -o '^	{ "[a-z-]*"' tools/ioasidsnoop/options.c | cut -d'"' -f2 | sort) \
		<(complete_words ioasidsnoop -- | tr ' ' '\n' | sed 's/^--//' | grep -vx 'help\|usage\|version' | sort))
	[ -z "$missing" ] || fail "not completed: $missing" || return 1
	missing=$(comm -3 <({ grep -o '^	{ "[a-z]*", ' tools/lib/event.c | cut -d'"' -f2
			sed -n '/^#define SNOOP_EVENTS/,/^$/p' bpf/snoop.h | grep -o 'X([a-z_]*)' | grep -v '(X)' |
				sed 's/X(//; s/)//'; } | sort) \
		<(complete_words ioasidsnoop -e '' | tr ' ' '\n' | sort))
	[ -z "$missing" ] || fail "other events: $missing"
}

library() {
	local so
	so=$(echo build/tools/libioasid/libioasid.so.*.*)
	readelf -d "$so" | grep -q 'SONAME.*\[libioasid.so.0\]' || fail "soname" || return 1
	nm -D --defined-only "$so" | awk '$2 ~ /[A-Z]/ && $2 != "A" { sub("@.*", "", $3); print $3 }' |
		sort >"$work/exported"
	grep -o '\bioasid_[a-z_]*(' tools/libioasid/libioasid.h | tr -d '(' |
		grep -v '^ioasid_mappings_next$\|^ioasid_mappings_start$' >"$work/declared"
	printf 'ioasid_mappings_next\nioasid_mappings_start\n' >>"$work/declared"
	sort -u "$work/declared" | diff - "$work/exported" || fail "header and library differ"
}

install() {
	local stage=$work/stage example flags
	make -s -f tools/libioasid/libioasid.mk O=build/tools Q= DESTDIR="$stage" PREFIX=/opt/x \
		install-libioasid >"$work/out" 2>&1 || fail "$(cat "$work/out")" || return 1
	export PKG_CONFIG_SYSROOT_DIR=$stage PKG_CONFIG_PATH=$stage/opt/x/lib/pkgconfig
	flags=$(pkg-config --cflags --libs libioasid) || return 1
	for example in build/tools/libioasid/examples/*.c; do
		# shellcheck disable=SC2086
		cc -Wall -Wextra -Werror -o "$work/a.out" "$example" $flags >"$work/out" 2>&1 ||
			fail "$(cat "$work/out")" || return 1
		# shellcheck disable=SC2086
		cc -x c++ -fsyntax-only $flags "$stage/opt/x/include/libioasid.h" 2>/dev/null ||
			command -v c++ >/dev/null && echo "# not C++" # there may be no C++ compiler
		LD_LIBRARY_PATH=$stage/opt/x/lib ldd "$work/a.out" | grep -q "$stage/opt/x/lib/libioasid.so.0" ||
			fail "not with the installed library" || return 1
	done
}

run_tests "$@"
