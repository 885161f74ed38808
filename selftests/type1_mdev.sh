#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# Runs type1_mdev with the module that makes its devices, which "make selftests"
# built for the running kernel. Arguments: names of tests.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
module=ioasid_testdev
# shellcheck source=/dev/null
[ -f /run/lab.env ] && . /run/lab.env
file=${LAB_MODULES:-$top/build/host}/selftests/$module.ko

if [ ! -f "$file" ]; then
	printf 'TAP version 13\n1..0 # SKIP %s is not there\n' "$file"
	exit 4
fi
modprobe vfio
insmod "$file" || exit
"$top/build/selftests/type1_mdev" "$@"
status=$?
# A group's node may be released a little after its last user.
for _ in 1 2 3 4 5 6 7 8 9 10; do
	rmmod $module 2>/dev/null && exit $status
	sleep 0.2
done
rmmod $module
exit 1
