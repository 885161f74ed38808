/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What ioasid_testvfio takes on its VFIO device fd.
 */
#ifndef IOASID_TESTVFIO_H
#define IOASID_TESTVFIO_H

#include <linux/ioctl.h>
#include <linux/ioasid_sim.h>

/* One request of the device, see <linux/ioasid_sim.h>; its outcome is filled in. */
#define TESTVFIO_DMA	_IOWR('T', 0x40, struct ioasid_sim_request)

#endif /* IOASID_TESTVFIO_H */
