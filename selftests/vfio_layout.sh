#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFIO keeps the interface of its container backends to itself, so that
# kernel/vfio/backend.h declares it once more.  Compares both, as the BTF of the
# running kernel's vfio and of our module tell them.

set -u
btf=/sys/kernel/btf

# dump MODULE TYPE NAME: one declaration, members named and ordered, as C.
dump() {
	local file=$btf/$1
	[ -f "$file" ] || file=$btf/vmlinux
	bpftool btf dump file "$file" format c 2>/dev/null |
		awk -v head="$2 $3 {" '$0 == head { on = 1 } on { print } /^}/ { on = 0 }' |
		sed -E "s/ioasid_vfio_group_type/vfio_group_type/
			s/ioasid_vfio_backend_ops/vfio_iommu_driver_ops/
			s/___[0-9]+//g"		# copies of a type, as bpftool tells them apart
}

result() {
	nr=$((nr + 1))
	echo "$1 $nr - $2"
}

compare() {
	local ours theirs
	theirs=$(dump vfio "$1" "$2")
	ours=$(dump ioasid_vfio "$1" "$3")
	if [ -z "$theirs" ] || [ -z "$ours" ]; then
		printf '# vfio: %s\n# ioasid_vfio: %s\n' "${theirs:-no $2}" "${ours:-no $3}"
		result "not ok" "$4"
	elif [ "$theirs" != "$ours" ]; then
		diff <(echo "$theirs") <(echo "$ours") | sed 's/^/# /'
		result "not ok" "$4"
	else
		result ok "$4"
	fi
}

# The names of an enumeration's values are ours, their number and order count.
values() { dump "$1" enum "$2" | grep -c ' = '; }

nr=0
echo "TAP version 13"
if [ ! -d /sys/module/ioasid_vfio ] || [ ! -f $btf/ioasid_vfio ]; then
	echo "1..0 # SKIP ioasid_vfio is not loaded, or has no BTF"
	exit 4
fi
echo "1..2"
compare struct vfio_iommu_driver_ops ioasid_vfio_backend_ops \
	"the operations of a container backend are as VFIO declares them"
if [ "$(values vfio vfio_group_type)" = "$(values ioasid_vfio ioasid_vfio_group_type)" ] &&
	[[ $(dump vfio enum vfio_group_type) == *"VFIO_EMULATED_IOMMU = 1,"* ]]; then
	result ok "so are the types of groups"
else
	result "not ok" "so are the types of groups"
fi
