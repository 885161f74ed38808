# SPDX-License-Identifier: GPL-2.0-only
# shellcheck shell=bash
#
# Shared by the scripts of the lab: where things are, messages, becoming root,
# and the cached root file system.  Source it; it runs nothing by itself.

LAB=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")" && pwd -P)
TOP=$(cd -- "$LAB/../.." && pwd -P)
CACHE=${XDG_CACHE_HOME:-$HOME/.cache}/ioasid

say() { printf '%s\n' "$*" >&2; }
die() { say "${0##*/}: $*"; exit 1; }

# How to become root, when that is not who we are.
AS_ROOT=()
if [ "$(id -u)" -ne 0 ]; then
	command -v sudo >/dev/null || die "this needs root, and there is no sudo: install sudo or become root"
	AS_ROOT=(sudo --)
fi

as_root() { "${AS_ROOT[@]}" "$@"; }

# For "env": how the network is reached, which sudo forgets.
proxies=(${http_proxy:+http_proxy="$http_proxy"} ${https_proxy:+https_proxy="$https_proxy"})

# The lines of a table without comments and empty lines.
table() { sed -e 's/#.*//' -e '/^[[:space:]]*$/d' "$1"; }

# The series of the stock kernels, in the table's order.
series() { table "$LAB/kernels" | awk '{ print $1 }'; }

# A short name for the contents of the given files.
key_of() { cat -- "$@" | sha256sum | cut -c1-12; }

# Takes the lock FILE ("-s" shared, "-x" alone) on file descriptor $lock_fd.
lock_fd=
lock() {
	[ -n "$lock_fd" ] || exec {lock_fd}>>"$2"
	flock -n "$1" "$lock_fd" && return
	say "lab: waiting for ${2##*/}, which another run holds"
	flock "$1" "$lock_fd"
}

# Roots and kernels of earlier inputs that nobody uses now or used for a day.
remove_stale() {
	local stale
	for stale in "$CACHE"/*.lock; do
		[ -n "$(find "$stale" -mmin +1440)" ] || continue
		flock -n -x "$stale" true || continue
		say "lab: removing unused ${stale%.lock}"
		as_root rm -rf -- "${stale%.lock}" "${stale%.lock}".new* "$stale"
	done
}

# Sets ROOT to the root file system that belongs to the present inputs, and
# builds it when it is missing.  The lock is kept, so that nobody removes the
# root under us.
ensure_root() {
	ROOT=$CACHE/root-$(key_of "$LAB/kernels" "$LAB/packages" "$LAB/provision")
	mkdir -p "$CACHE/log"
	lock -s "$ROOT.lock"
	touch "$ROOT.lock"
	[ ! -d "$ROOT" ] || return 0
	lock -x "$ROOT.lock"
	if [ ! -d "$ROOT" ]; then
		remove_stale
		(umask 022 && as_root env "${proxies[@]}" "$LAB/provision" "$ROOT" "$CACHE/log/provision.log")
	fi
	lock -s "$ROOT.lock"
}

# The release (uname -r) of a series in ROOT.
release_of() { awk -v s="$1" '$1 == s { print $2 }' "$ROOT/etc/ioasid-kernels"; }

# Sets DEBUG_KERNEL to where the debug kernel for ROOT belongs; true when it has
# been built.
debug_kernel_present() {
	DEBUG_KERNEL=$CACHE/debug-$(key_of "$LAB/debug.config" "$LAB/debug-kernel" \
		"$LAB/packages" "$ROOT/etc/ioasid-kernels")
	[ -d "$DEBUG_KERNEL" ]
}

# Sets SOURCE to Debian's kernel source package of the first stock series, and
# fetches it when it is missing.
ensure_source() {
	local package new
	package=linux-source-$(series | head -n 1)
	SOURCE=$CACHE/$package-$(release_of "$(series | head -n 1)").deb
	[ ! -f "$SOURCE" ] || return 0
	say "lab: fetching $package"
	new=$(mktemp -d "$CACHE/fetch.XXXXXX")
	as_root env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin "${proxies[@]}" \
		"$LAB/enter" "$ROOT" -b "$new:/run/lab" -C /run/lab -- sh -c \
		"apt-get -qq update && apt-get -qq -o APT::Sandbox::User=root download $package" \
		>"$CACHE/log/source.log" 2>&1 || die "cannot fetch $package: see $CACHE/log/source.log"
	mv "$new"/*.deb "$SOURCE"
	rmdir "$new"
}
