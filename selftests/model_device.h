/* SPDX-License-Identifier: GPL-2.0-only */
/* Operations of model.c on devices: files, bind, attach by default and by PASID. */
#ifndef IOASID_SELFTESTS_MODEL_DEVICE_H
#define IOASID_SELFTESTS_MODEL_DEVICE_H

#include "model_run.h"

#define WIDE	{ .nr_devices = 2, .caps = IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | \
		  IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_DIRTY, .pasid_bits = 8 }
#define NARROW	{ .nr_devices = 2, .addr_width = NARROW_WIDTH, .iotlb_sets = 1, .iotlb_ways = 1, \
		  .nr_resv = 1, .resv = { { .start = 0x3fff0000, .last = 0x3fff2fff } } }
#define PICKY	{ .nr_devices = 1, .caps = IOASID_SIM_CAP_NESTING | IOASID_SIM_CAP_PASID | \
		  IOASID_SIM_CAP_ENFORCE_SNOOP, .pasid_bits = 8, .iotlb_sets = 1, .iotlb_ways = 2, \
		  .formats = 1 << IOASID_FORMAT_X86_64_4LEVEL | 1 << IOASID_FORMAT_RISCV_SV39, \
		  .nr_resv = 1, .resv = { { .start = 0x40010000, .last = 0x40010fff, \
					    .type = IOASID_SIM_RESV_MSI } } }
#define PLAIN	{ .nr_devices = 1, .caps = IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS | \
		  IOASID_SIM_CAP_ENFORCE_SNOOP | IOASID_SIM_CAP_DIRTY, .pasid_bits = 8, \
		  .iotlb_sets = 8, \
		  .nr_resv = 1, .resv = { { .start = 0x40000000, .last = 0x40000fff } } }
#define GROUP	{ .nr_devices = 2, .group_size = 2, .caps = IOASID_SIM_CAP_NESTING | \
		  IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_DIRTY, .pasid_bits = 8, \
		  .formats = 1 << IOASID_FORMAT_ARM_LPAE_4K | 1 << IOASID_FORMAT_X86_64_4LEVEL }

/* IOMMUs that differ in all that spaces care for. */
static const struct ioasid_sim_create kinds_of_instances[MODEL_INSTANCES] = {
	WIDE, NARROW, PICKY, PLAIN, GROUP
};

static inline void device_closed(struct device *d)
{
	d->fd = -1;
	d->sram = NULL;
	d->bound = false;
	d->depth = 0;
	for (int i = 0; i < MODEL_PASIDS; i++)
		d->pasids[i] = NOWHERE;
}

static inline void devices_start(void)
{
	struct device *d = world.devices;

	for (int i = 0; i < MODEL_INSTANCES; i++) {
		struct instance *in = &world.instances[i];

		in->args = kinds_of_instances[i];
		in->args.seed = random_next() | 1;
		in->id = do_sim_create(run.ctl, &in->args);
		ASSERT_TRUE((int)in->id >= 0);
		/* What 0 stood for. */
		in->args.addr_width = in->args.addr_width ?: 48;
		if (in->args.caps & IOASID_SIM_CAP_NESTING)
			in->args.formats = in->args.formats ?: ~0U;
		for (uint32_t n = 0; n < in->args.nr_devices; n++, d++) {
			d->instance = i;
			d->index = n;
			device_closed(d);
		}
	}
}

static inline const char *name_of(const struct device *d)
{
	static char names[4][16];
	static int next;
	char *name = names[next++ % 4];

	snprintf(name, sizeof(names[0]), "%d.%u", d->instance, d->index);
	return name;
}

static inline struct device *pick_device(void)
{
	return &world.devices[pick(MODEL_DEVICES)];
}

static inline struct device *pick_bound(void)
{
	struct device *d = pick_device();

	for (int try = 0; try < 12 && !d->bound && !chance(3); try++)
		d = pick_device();
	return d;
}

/* After anything that may have changed who is attached where. */
static inline void settle_spaces(void)
{
	for_each_space(s) {
		ref_update_shadow(s);
		ref_forget_gone(s);
	}
}

static inline void device_open(struct device *d)
{
	d->fd = sim_open(instance_of(d)->id, d->index);
}

static inline void ring_forget(struct device *d)
{
	if (d->ring.head)
		ioasid_sim_ring_unmap(&d->ring);
	d->ring.head = NULL;
}

static inline void device_close(struct device *d)
{
	ring_forget(d);
	if (d->sram)
		munmap(d->sram, IOASID_SIM_SRAM);
	close(d->fd);
	device_closed(d);
}

static inline void op_bind(void)
{
	struct device *d = pick_device();
	uint64_t cookie = 0x1000 + (chance(95) ? d - world.devices : pick(MODEL_DEVICES));
	struct expected e = {};
	bool taken = false;

	if (d->fd < 0)
		device_open(d);
	for_each_device(other)
		taken |= other->bound && other->cookie == cookie;
	trace("bind %s cookie %#" PRIx64, name_of(d), cookie);
	expect_error(&e, d->bound, EBUSY);
	expect_error(&e, taken, EEXIST);
	if (!outcome(&e, do_bind(d->fd, run.fd, cookie)))
		return;
	d->bound = true;
	d->cookie = cookie;
	if (!d->sram)
		d->sram = sim_sram(d->fd);
}

static inline void device_unbound(struct device *d)
{
	ring_forget(d);
	d->bound = false;
	d->depth = 0;
	for (int i = 0; i < MODEL_PASIDS; i++)
		d->pasids[i] = NOWHERE;
	settle_spaces();
}

static inline void op_unbind(void)
{
	struct device *d = pick_device();
	struct expected e = {};

	if (d->fd < 0)
		return;
	if (chance(40)) {
		trace("close %s", name_of(d));
		device_close(d);
		settle_spaces();
		return;
	}
	trace("unbind %s", name_of(d));
	expect_error(&e, !d->bound, EINVAL);
	if (outcome(&e, do_unbind(d->fd)))
		device_unbound(d);
}

/*
 * Attach
 */
static inline bool is_in(const struct device *d, int space)
{
	return attachments(d, &world.spaces[space]);
}

static inline int top_of(const struct device *d)
{
	return d->depth ? d->stack[d->depth - 1] : NOWHERE;
}

static inline int below_of(const struct device *d, int space)
{
	for (int i = 1; i < d->depth; i++)
		if (d->stack[i] == space)
			return d->stack[i - 1];
	return NOWHERE;
}

/* What a new domain of the device's IOMMU in the space would meet. */
static inline bool domain_fits(const struct device *d, const struct space *s)
{
	const struct ioasid_sim_create *args = &instance_of(d)->args;

	if (s->width > args->addr_width)
		return false;
	for (int i = 0; i < MODEL_PAGES; i++)
		if (s->pages[i].map && !fits_width(args->addr_width, i))
			return false;
	return true;
}

static inline bool reserved_meets(const struct device *d, const struct space *s)
{
	for (int i = 0; i < MODEL_PAGES; i++)
		if (s->pages[i].map && reserved_in(d, i))
			return true;
	return false;
}

static inline bool lacks_snoop(const struct device *d, const struct space *s)
{
	return s->flags & IOASID_ALLOC_ENFORCE_SNOOP &&
	       !(instance_of(d)->args.caps & IOASID_SIM_CAP_ENFORCE_SNOOP);
}

/* In a space that records writes, or in a table on one, all of them must be. */
static inline bool lacks_dirty(const struct device *d, const struct space *s)
{
	const struct space *root = s->parent == NOWHERE ? s : parent_of(s);

	if (!(root->flags & IOASID_ALLOC_DIRTY_TRACKING))
		return false;
	return !(instance_of(d)->args.caps & IOASID_SIM_CAP_DIRTY) ||
	       (root != s && !is_hard(d, s));
}

/* Errors of letting the IOMMU into the space; and into the parent, where it nests. */
static inline void expect_domain(struct expected *e, const struct device *d,
				 const struct space *s)
{
	expect_error(e, reserved_meets(d, s), EINVAL);
	expect_error(e, lacks_snoop(d, s), EINVAL);
	expect_error(e, lacks_dirty(d, s), EOPNOTSUPP);
	expect_error(e, !is_hard(d, s) && !domain_fits(d, s), EINVAL);
}

static inline void expect_attach(struct expected *e, const struct device *d,
				 const struct space *s)
{
	expect_error(e, !d->bound, EINVAL);
	expect_error(e, !s, ENOENT);
	if (!s)
		return;
	expect_error(e, s->two_step && !is_in(d, s->parent), EINVAL);
	expect_error(e, is_hard(d, s) && (lacks_snoop(d, parent_of(s)) ||
					  !domain_fits(d, parent_of(s))), EINVAL);
}

/* Its group goes where it is as a whole, or from there to a child. */
static inline void expect_attach_default(struct expected *e, struct device *d, struct space *s)
{
	int space = index_of(s), below = top_of(d);
	bool complete = true;

	expect_error(e, below != NOWHERE && s->parent != below, EBUSY);
	for_each_device(other) {
		if (other == d || !same_group(d, other))
			continue;
		complete &= in_stack(other, space);
		expect_error(e, in_stack(other, space) && below_of(other, space) != below, EBUSY);
		expect_error(e, other->depth && !in_stack(other, space) &&
			     (below == NOWHERE || !in_stack(other, below)), EBUSY);
	}
	expect_error(e, below != NOWHERE && !group_complete(d, below), EDEADLK);
	if (complete)
		expect_domain(e, d, s);
}

/* Half of the time something with a table. */
static inline struct space *pick_to_attach(void)
{
	return chance(50) ? pick_such(is_user) : pick_space(true);
}

static inline void op_attach(void)
{
	struct device *d = pick_bound();
	struct space *s = pick_to_attach();
	struct expected e = {};
	int id;

	if (d->fd < 0)
		return;
	/* A child of its space is more to the point, if there is one. */
	for (int try = 0; try < 20 && d->depth && s && s->parent != top_of(d) && chance(90); try++)
		s = pick_to_attach();
	id = id_of(s);
	trace("attach %s to %d", name_of(d), id);
	expect_attach(&e, d, s);
	if (s && d->bound)
		expect_attach_default(&e, d, s);
	if (!outcome(&e, do_attach(d->fd, id)))
		return;
	d->stack[d->depth++] = index_of(s);
	settle_spaces();
}

static inline void op_attach_pasid(void)
{
	struct device *d = pick_bound();
	const struct ioasid_sim_create *args = &instance_of(d)->args;
	struct space *s = pick_to_attach();
	struct expected e = {};
	int slot = pick(MODEL_PASIDS), id = id_of(s);
	uint32_t pasid = chance(95) ? pasid_numbers[slot] : chance(50) ? 0 : 256 + pick(9);
	bool wrong = pasid != pasid_numbers[slot];

	if (d->fd < 0)
		return;
	trace("attach %s/%u to %d", name_of(d), pasid, id);
	expect_attach(&e, d, s);
	expect_error(&e, !(args->caps & IOASID_SIM_CAP_PASID) || args->group_size > 1, EOPNOTSUPP);
	expect_error(&e, wrong, EINVAL);
	expect_error(&e, !wrong && d->pasids[slot] != NOWHERE, EBUSY);
	if (s)
		expect_domain(&e, d, s);
	if (!outcome(&e, do_attach_pasid(d->fd, id, pasid)))
		return;
	d->pasids[slot] = index_of(s);
	settle_spaces();
}

static inline void op_detach(void)
{
	struct device *d = pick_bound();
	struct space *s = pick_space(true);
	struct expected e = {};
	int id;

	if (d->fd < 0)
		return;
	if (d->depth && chance(85))
		s = &world.spaces[top_of(d)];
	id = id_of(s);
	trace("detach %s from %d", name_of(d), id);
	expect_error(&e, !d->bound, EINVAL);
	if (!s || !in_stack(d, index_of(s)))
		expect_error(&e, true, ENOENT);
	else
		expect_error(&e, index_of(s) != top_of(d), EBUSY);
	if (!outcome(&e, do_detach(d->fd, id)))
		return;
	d->depth--;
	settle_spaces();
}

static inline void op_detach_pasid(void)
{
	struct device *d = pick_bound();
	struct space *s = pick_space(true);
	int slot = pick(MODEL_PASIDS), id;
	struct expected e = {};

	if (d->fd < 0)
		return;
	for (int try = 0; try < 6 && d->pasids[slot] == NOWHERE; try++)
		slot = pick(MODEL_PASIDS);
	if (d->pasids[slot] != NOWHERE && chance(90))
		s = &world.spaces[d->pasids[slot]];
	id = id_of(s);
	trace("detach %s/%u from %d", name_of(d), pasid_numbers[slot], id);
	expect_error(&e, !d->bound, EINVAL);
	expect_error(&e, !s || d->pasids[slot] != index_of(s), ENOENT);
	if (!outcome(&e, do_detach_pasid(d->fd, id, pasid_numbers[slot])))
		return;
	d->pasids[slot] = NOWHERE;
	settle_spaces();
}

#endif /* IOASID_SELFTESTS_MODEL_DEVICE_H */
