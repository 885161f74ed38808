// SPDX-License-Identifier: GPL-2.0-only
/*
 * Making and removing instances: an IOMMU that the core knows, and the devices
 * behind it.
 */
#include <linux/irqdomain.h>
#include <linux/lockdep.h>
#include <linux/module.h>
#include <linux/msi.h>
#include <linux/platform_device.h>
#include <linux/property.h>
#include <linux/slab.h>

#include "sim.h"

/* Device TLBs are small. */
#define SIM_DEV_SETS	16
#define SIM_DEV_WAYS	4

/* Platform data of a device, by which it is found again. */
struct sim_platdata {
	struct sim_port *port;
};

struct sim_port *sim_dev_port(struct device *dev)
{
	struct sim_platdata *data = dev_get_platdata(dev);

	return data ? data->port : NULL;
}

/*
 * Devices do not interrupt, but what isolates their DMA would be asked whether it
 * isolates interrupts, too: by way of the interrupt domain.
 */
static const struct irq_domain_ops sim_msi_ops;

static int add_msi_domain(struct sim_instance *sim)
{
	sim->msi = irq_domain_create_tree(sim->fwnode, &sim_msi_ops, NULL);
	if (!sim->msi)
		return -ENOMEM;
	if (!(sim->args.caps & IOASID_SIM_CAP_NO_MSI_REMAP))
		sim->msi->flags |= IRQ_DOMAIN_FLAG_ISOLATED_MSI;
	return 0;
}

static bool has_direct(const struct ioasid_sim_create *args)
{
	u32 i;

	for (i = 0; i < args->nr_resv; i++)
		if (args->resv[i].type == IOASID_SIM_RESV_DIRECT)
			return true;
	return false;
}

static int add_iommu(struct sim_instance *sim)
{
	int rc;

	/* Without a node of its own every device of the bus would be offered. */
	sim->fwnode = fwnode_create_software_node(NULL, NULL);
	if (IS_ERR(sim->fwnode)) {
		rc = PTR_ERR(sim->fwnode);
		sim->fwnode = NULL;
		return rc;
	}
	rc = add_msi_domain(sim);
	if (rc)
		return rc;
	sim->iommu.fwnode = sim->fwnode;
	sim->iommu.max_pasids = sim->args.pasid_bits ?
				1U << sim->args.pasid_bits : 0;
	rc = iommu_device_sysfs_add(&sim->iommu, NULL, NULL, "ioasid-sim%u",
				    sim->id);
	if (rc)
		return rc;
	sim->has_sysfs = true;
	rc = iommu_device_register(&sim->iommu,
				   has_direct(&sim->args) ?
				   &sim_iommu_direct_ops : &sim_iommu_ops,
				   NULL);
	if (!rc)
		sim->registered = true;
	return rc;
}

static int add_properties(struct sim_port *port)
{
	struct property_entry props[] = {
		PROPERTY_ENTRY_U32("pasid-num-bits", port->sim->args.pasid_bits),
		{}
	};

	if (!port->sim->args.pasid_bits)
		return 0;
	return device_create_managed_software_node(&port->pdev->dev, props,
						   NULL);
}

/*
 * The core asserts that its lock for probing is held, which modules cannot take.
 * It keeps others away from the device, and nobody else knows this one yet.
 */
static int connect(struct platform_device *pdev, struct sim_instance *sim)
{
	int rc;

	lockdep_off();
	rc = iommu_fwspec_init(&pdev->dev, sim->fwnode);
	lockdep_on();
	return rc;
}

static int add_device(struct sim_port *port)
{
	struct sim_platdata data = { .port = port };
	struct sim_instance *sim = port->sim;
	struct platform_device *pdev;
	char name[16];
	int rc;

	snprintf(name, sizeof(name), "sim%u", sim->id);
	pdev = platform_device_alloc(name, port->index);
	if (!pdev)
		return -ENOMEM;
	port->pdev = pdev;
	rc = platform_device_add_data(pdev, &data, sizeof(data));
	if (!rc)
		rc = device_set_driver_override(&pdev->dev, SIM_DRIVER);
	if (!rc)
		rc = add_properties(port);
	if (!rc)
		rc = connect(pdev, sim);
	if (rc)
		goto out_put;
	dev_set_msi_domain(&pdev->dev, sim->msi);
	rc = platform_device_add(pdev);
	if (rc)
		goto out_put;
	port->added = true;
	return device_iommu_mapped(&pdev->dev) ? 0 : -ENODEV;

out_put:
	port->pdev = NULL;
	platform_device_put(pdev);
	return rc;
}

static int init_port(struct sim_instance *sim, u32 i)
{
	struct sim_port *port = &sim->ports[i];

	port->sim = sim;
	port->index = i;
	xa_init(&port->pasids);
	sim_asking_init(port);
	if (!(sim->args.caps & IOASID_SIM_CAP_ATS))
		return 0;
	return sim_tlb_init(&port->tlb, SIM_DEV_SETS, SIM_DEV_WAYS,
			    sim->args.seed + i);
}

static int init_instance(struct sim_instance *sim)
{
	int rc;
	u32 i;

	init_rwsem(&sim->flight);
	rwlock_init(&sim->sva_lock);
	spin_lock_init(&sim->pasid_lock);
	xa_init_flags(&sim->domains, XA_FLAGS_ALLOC);
	sim->next_domain = SIM_NO_DOMAIN + 1;
	sim->ports = kvcalloc(sim->args.nr_devices, sizeof(*sim->ports),
			      GFP_KERNEL_ACCOUNT);
	if (!sim->ports)
		return -ENOMEM;
	rc = sim_tlb_init(&sim->tlb, sim->args.iotlb_sets, sim->args.iotlb_ways,
			  sim->args.seed);
	if (!rc)
		rc = sim_prq_init(sim);
	for (i = 0; !rc && i < sim->args.nr_devices; i++) {
		sim->nr_ports = i + 1;
		rc = init_port(sim, i);
	}
	return rc;
}

static void sim_instance_free(struct kref *kref)
{
	struct sim_instance *sim = container_of(kref, struct sim_instance, kref);
	u32 i;

	for (i = 0; i < sim->nr_ports; i++) {
		xa_destroy(&sim->ports[i].pasids);
		sim_tlb_exit(&sim->ports[i].tlb);
	}
	sim_prq_exit(sim);
	sim_tlb_exit(&sim->tlb);
	kvfree(sim->ports);
	xa_destroy(&sim->domains);
	kfree(sim);
}

void sim_instance_put(struct sim_instance *sim)
{
	kref_put(&sim->kref, sim_instance_free);
}

/**
 * sim_instance_create() - a new IOMMU with devices
 * @args: what it can do, checked and complete
 * @owner: the file it belongs to, or NULL
 * @id: its number
 */
struct sim_instance *sim_instance_create(const struct ioasid_sim_create *args,
					 const struct file *owner, u32 id)
{
	struct sim_instance *sim;
	int rc;
	u32 i;

	sim = kzalloc(sizeof(*sim), GFP_KERNEL_ACCOUNT);
	if (!sim)
		return ERR_PTR(-ENOMEM);
	kref_init(&sim->kref);
	/* Persistent ones have no file that would keep the module. */
	__module_get(THIS_MODULE);
	sim->id = id;
	sim->owner = owner;
	sim->args = *args;
	rc = init_instance(sim);
	if (!rc)
		rc = add_iommu(sim);
	for (i = 0; !rc && i < sim->nr_ports; i++)
		rc = add_device(&sim->ports[i]);
	if (rc) {
		sim_instance_destroy(sim);
		return ERR_PTR(rc);
	}
	return sim;
}

/**
 * sim_instance_destroy() - take an instance away, whatever its devices do
 * @sim: the instance, or as much of it as could be made
 *
 * Users of the devices keep a file without a device. Domains that somebody still
 * has keep the memory.
 */
void sim_instance_destroy(struct sim_instance *sim)
{
	u32 i;

	for (i = sim->nr_ports; i-- > 0;)
		if (sim->ports[i].added)
			platform_device_del(sim->ports[i].pdev);
	if (sim->registered)
		iommu_device_unregister(&sim->iommu);
	if (sim->has_sysfs)
		iommu_device_sysfs_remove(&sim->iommu);
	/* device_group() and others looked at them up to here. */
	for (i = 0; i < sim->nr_ports; i++)
		if (sim->ports[i].added)
			platform_device_put(sim->ports[i].pdev);
	if (sim->msi)
		irq_domain_remove(sim->msi);
	if (sim->fwnode)
		fwnode_remove_software_node(sim->fwnode);
	sim_instance_put(sim);
	module_put(THIS_MODULE);
}
