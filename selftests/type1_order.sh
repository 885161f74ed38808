#!/bin/bash
# SPDX-License-Identifier: GPL-2.0-only
#
# VFIO asks the backend that was registered last first. ioasid_vfio must be the
# one that serves containers, also after vfio_iommu_type1 was loaded again.

top=$(cd -- "$(dirname -- "${BASH_SOURCE[0]}")/.." && pwd -P)
nr=0

check() {
	local text=$1
	shift
	nr=$((nr + 1))
	if output=$("$@" 2>&1); then
		echo "ok $nr - $text"
	else
		printf '# %s\n' "${output//$'\n'/$'\n# '}"
		echo "not ok $nr - $text"
	fi
}

# Fails when stock type1 answers, which offers VFIO_UPDATE_VADDR.
served_by_shim() { "$top/build/selftests/type1" extensions; }

reload_type1() {
	rmmod vfio_iommu_type1 && served_by_shim && modprobe vfio_iommu_type1 && served_by_shim
}

echo "TAP version 13"
if [ ! -d /sys/module/ioasid_vfio ] || [ ! -d /sys/module/vfio_iommu_type1 ]; then
	echo "1..0 # SKIP ioasid_vfio and vfio_iommu_type1 are not loaded both"
	exit 4
fi
echo "1..3"
check "containers are served by ioasid_vfio" served_by_shim
check "also when vfio_iommu_type1 is unloaded, and when it is loaded again" reload_type1
check "and again" reload_type1
