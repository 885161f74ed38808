// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sub-devices, as a driver of mediated devices has them: several behind one port,
 * which put PASIDs on the wire that are not their users'.
 */
#include "sim.h"

/**
 * sim_wire_pasid() - the PASID that an access has on the wire
 * @dev: whose access
 * @x: the access, its PASID as the user gave it; that is replaced
 *
 * Context: sim->flight is held for reading, and was not dropped when the access
 * is over. Who detaches the PASID waits for that (sim_block_dev_pasid()), and
 * whoever comes later is not told this number any more.
 */
enum ioasid_sim_status sim_wire_pasid(struct sim_device *dev,
				      struct sim_xlate *x)
{
	enum ioasid_sim_status status = x->pasid == SIM_NO_PASID ?
					IOASID_SIM_BLOCKED :
					IOASID_SIM_FAULT_PASID;

	lockdep_assert_held_read(&dev->port->sim->flight);
	if (!dev->sub ||
	    !ioasid_device_ppasid(dev->devfd.idev, x->pasid, &x->pasid))
		return IOASID_SIM_OK;
	sim_count(dev->port->sim, SIM_STAT_FAULTS, 1);
	return status;
}

/**
 * sim_port_pasids() - what is in a device's PASID table
 * @port: where the device is
 * @pasids: out
 * @max: room in @pasids
 *
 * Return: how many there are.
 */
u32 sim_port_pasids(struct sim_port *port, u32 *pasids, u32 max)
{
	struct sim_domain *d;
	unsigned long pasid;
	u32 nr = 0;

	down_read(&port->sim->flight);
	xa_for_each(&port->pasids, pasid, d) {
		if (nr < max)
			pasids[nr] = pasid;
		nr++;
	}
	up_read(&port->sim->flight);
	return nr;
}
