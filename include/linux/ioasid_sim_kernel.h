/* SPDX-License-Identifier: GPL-2.0-only */
/* Devices of ioasid_sim in the hands of the kernel, see kernel/sim/identity.c. */
#ifndef _LINUX_IOASID_SIM_KERNEL_H
#define _LINUX_IOASID_SIM_KERNEL_H

struct device;
struct ioasid_sim_request;

int ioasid_sim_kernel_dma(struct device *dev, struct ioasid_sim_request *req);

#endif /* _LINUX_IOASID_SIM_KERNEL_H */
