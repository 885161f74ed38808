#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Whether the lab sees what the kernel reports: lines of each kind in a log, and
# what kmemleak lists.

set -uo pipefail

lab=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)/lab
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
# shellcheck source=selftests/lab/tap.sh
. "$lab/tap.sh"

# What kernels 6.12 to 7.3 print, by what finds it.
reports=(
	"WARN|WARNING: CPU: 0 PID: 205 at kernel/access.c:60 set_pin_count+0x4e/0x60 [ioasid]"
	"WARN, since 6.19|WARNING: kernel/access.c:60 at set_pin_count+0x4e/0x60 [ioasid], CPU#0: uapi/205"
	"BUG|kernel BUG at kernel/access.c:60!"
	"a bad access|BUG: kernel NULL pointer dereference, address: 0000000000000010"
	"a bad address|Oops: general protection fault, probably for non-canonical address 0xdead000000000100"
	"KASAN|BUG: KASAN: slab-use-after-free in ioasid_space_put+0x1b/0x60 [ioasid]"
	"SLUB|BUG kmalloc-192 (Tainted: G           O      ): Right Redzone overwritten"
	"a cache that is not empty|BUG ioasid (Tainted: G           O      ): Objects remaining in ioasid on __kmem_cache_shutdown()"
	"UBSAN|UBSAN: array-index-out-of-bounds in kernel/pages.c:60:12"
	"lockdep: order|WARNING: possible circular locking dependency detected"
	"lockdep: recursion|WARNING: possible recursive locking detected"
	"lockdep: held at exit|WARNING: lock held when returning to user space!"
	"lockdep: context|[ BUG: Invalid wait context ]"
	"lockdep: no key|INFO: trying to register non-static key."
	"lockdep: out of room|BUG: MAX_LOCKDEP_CHAINS too low!"
	"lockdep: off|Disabling lock debugging due to kernel taint"
	"RCU|WARNING: suspicious RCU usage"
	"RCU stall|rcu: INFO: rcu_preempt detected stalls on CPUs/tasks:"
	"a hung task|INFO: task uapi:205 blocked for more than 120 seconds."
	"a busy processor|watchdog: BUG: soft lockup - CPU#0 stuck for 26s! [uapi:205]"
	"sleeping|BUG: sleeping function called from invalid context at kernel/locking/mutex.c:585"
	"scheduling|BUG: scheduling while atomic: uapi/205/0x00000002"
	"lists|list_del corruption. next->prev should be ffff888003a4a010, but was dead000000000122"
	"reference counts|refcount_t: underflow; use-after-free."
	"page states|BUG: Bad page state in process uapi  pfn:03a4a"
	"anything with a backtrace|Call Trace:"
	"panic|Kernel panic - not syncing: Fatal exception"
	"kmemleak: off|kmemleak: Kernel memory leak detector disabled"
	"kmemleak: out of memory|kmemleak: Cannot allocate a kmemleak_object structure"
)

innocent=(
	"Linux version 6.12.107-ioasid-debug (lab@lab) #1 SMP PREEMPT_DYNAMIC"
	"kasan: KernelAddressSanitizer initialized (generic)"
	"kmemleak: Kernel memory leak detector initialized (mem pool available: 35507)"
	"kmemleak: Automatic memory scanning thread ended"
	"Lock dependency validator: Copyright (c) 2006 Red Hat, Inc., Ingo Molnar"
	"rcu: 	RCU lockdep checking is enabled."
	"ioasid: loading out-of-tree module taints kernel."
	"DMAR: [DMA Write NO_PASID] Request device [00:10.0] fault addr 0x100000 [fault reason 0x05] PTE Write access is not set"
)

stamped() { printf '[    1.000000] %s\n' "$@"; }

tests=(
	log_bad:"a report of each kind is found among other lines"
	log_good:"a log without one passes"
	log_binary:"a log with other bytes than text is read all the same"
	log_empty:"a log that is empty or missing does not pass"
	leaks_ours:"leaks: of a module that is loaded, and of one that is gone, by name"
	leaks_held:"leaks: what we only hold a reference on"
	leaks_others:"leaks: not those of others"
)

log_bad() {
	local entry out bad=0
	for entry in "${reports[@]}"; do
		stamped "${innocent[@]}" "${entry#*|}" "${innocent[@]}" >"$work/log"
		! out=$("$lab/verdict" "$work/log") && [[ $out = *"${entry#*|}"* ]] && continue
		echo "# not found: ${entry%%|*}"
		bad=1
	done
	[ "$bad" -eq 0 ]
}

log_good() {
	stamped "${innocent[@]}" >"$work/log"
	"$lab/verdict" "$work/log"
}

log_binary() {
	{ stamped "${innocent[@]}"; printf '\0\377\n'; stamped "${reports[0]#*|}"; } >"$work/log"
	[[ $("$lab/verdict" "$work/log") = *set_pin_count* ]]
}

log_empty() {
	: >"$work/log"
	! "$lab/verdict" "$work/log" >"$work/out" && ! "$lab/verdict" "$work/none" >"$work/out" 2>&1
}

# object FRAME...: an entry of kmemleak's list.
object() {
	printf 'unreferenced object 0xffff888003a4a000 (size 192):\n'
	printf '  comm "uapi", pid 205, jiffies 4294901234\n'
	printf '  hex dump (first 8 bytes):\n    00 00 00 00 ff ff ff ff  ........\n'
	printf '  backtrace (crc 1234abcd):\n'
	printf '    %s\n' "$@"
}

leaks() {
	printf '%s\n' "ffffffffa0001000 t ioasid_ctx_alloc	[ioasid]" >"$work/symbols"
	"$lab/leaks" "$work/symbols"
}

leaks_ours() {
	local out
	out=$({ object "__kmalloc_cache_noprof+0x2a0/0x390" "ioasid_open+0x12/0x60 [ioasid]"
		object "__kmalloc_cache_noprof+0x2a0/0x390" "0xffffffffa0001012"
		object "__kmalloc_cache_noprof+0x2a0/0x390" "do_one_initcall+0x12/0x60"; } | leaks)
	[ "$(grep -c '^unreferenced' <<<"$out")" -eq 2 ] &&
		[[ $out = *"ioasid_open+0x12"* && $out = *"ioasid_ctx_alloc+0x12 [ioasid]"* ]]
}

leaks_held() {
	[ -n "$(object "kmem_cache_alloc_noprof+0x2a0/0x390" "alloc_empty_file+0x1c/0x80" | leaks)" ] &&
		[ -n "$(object "kmem_cache_alloc_noprof+0x2a0/0x390" "alloc_pid+0xaf/0xc10" | leaks)" ]
}

leaks_others() {
	[ -z "$(object "__kmalloc_cache_noprof+0x2a0/0x390" "do_one_initcall+0x12/0x60" | leaks)" ]
}

run_tests "$@"
