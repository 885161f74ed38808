#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# What is shipped with ioasid-exporter, and the wire (tools/tests/unit_wire.c), without a
# kernel.

set -uo pipefail

shipped=tools/ioasid-exporter
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/lab/tap.sh
. selftests/lab/tap.sh

wire() { build/tools/tests/unit_wire >"$work/out" 2>&1 || fail "$(cat "$work/out")"; }

rules() {
	(cd "$shipped" && promtool check rules ioasid.rules.yml &&
		promtool test rules ioasid.rules.test.yml) >"$work/out" 2>&1 || fail "$(cat "$work/out")"
}

# A test that fails is one: without what is awaited, and with a rule that never fires.
rules_count() {
	cp "$shipped"/*.yml "$work"
	sed -i 's/increase(ioasid_fault_overflows_total\[5m\]) > 0/increase(ioasid_fault_overflows_total[5m]) > 1000/' \
		"$work/ioasid.rules.yml"
	! cmp -s "$work/ioasid.rules.yml" "$shipped/ioasid.rules.yml" || return 1
	! (cd "$work" && promtool test rules ioasid.rules.test.yml) >"$work/out" 2>&1
}

# Each alert is in the tests, and none is unknown.
tested() {
	local each
	grep -oP '(?<=- alert: ).*' "$shipped/ioasid.rules.yml" | sort >"$work/alerts"
	[ "$(wc -l <"$work/alerts")" -ge 10 ] || return 1
	while read -r each; do
		grep -qE "^ +alertname: $each\$" "$shipped/ioasid.rules.test.yml" || fail "no test of $each" || return 1
	done <"$work/alerts"
}

dashboard() {
	jq -e '(.panels | length) >= 10 and ([.panels[].id] | unique | length) == (.panels | length) and
		all(.panels[]; (.targets | length) > 0 and all(.targets[]; .expr | length > 0))' \
		"$shipped/dashboard.json" >"$work/out" || fail "$(cat "$work/out")" || return 1
	# As rules, so that Prometheus' own parser reads the expressions.
	jq '{ groups: [ { name: "d", rules: [ .panels[].targets[] | { record: "x",
		expr: (.expr | gsub("\\$__rate_interval"; "5m")) } ] } ] }' \
		"$shipped/dashboard.json" >"$work/rules.yml"
	promtool check rules --lint=none "$work/rules.yml" >"$work/out" 2>&1 || fail "$(cat "$work/out")"
}

manuals() {
	local name option
	for name in ioasid-exporter ioasid-collect; do
		mandoc -T lint -W warning "docs/man/$name.8" >"$work/out" || fail "$(cat "$work/out")" || return 1
		mandoc -T ascii "docs/man/$name.8" | sed 's/.\x08//g' >"$work/man"
		"build/tools/$name" --help | grep -oE -- '--[a-z-]+' | sort -u >"$work/options"
		[ "$(wc -l <"$work/options")" -ge 8 ] || return 1
		while read -r option; do
			[[ $option = --usage ]] || grep -qe "$option" "$work/man" || fail "$name.8: no $option" || return 1
		done <"$work/options"
	done
}

tests=(
	wire:"snapshots on the wire: none lost, none twice, slow and hostile ends"
	rules:"promtool check rules and test rules"
	rules_count:"the tests of the rules notice a rule that does not fire"
	tested:"each alert has a test"
	dashboard:"the dashboard is whole, and Prometheus can read its expressions"
	manuals:"manual pages render without warnings and have all options"
)

run_tests "$@"
