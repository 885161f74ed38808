/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What model.c asks the driver about its state, compared with the reference:
 * GET_INFO, GET_MAPPINGS, WALK, fdinfo, what is charged and pinned.
 */
#ifndef IOASID_SELFTESTS_MODEL_CHECK_H
#define IOASID_SELFTESTS_MODEL_CHECK_H

#include "model_run.h"
#include "model_device.h"

/*
 * GET_INFO
 */
static inline bool any_domain(const struct space *s)
{
	for_each_device(d)
		if (is_installed(d, s))
			return true;
	/* A parent has one for the IOMMUs that nest on it. */
	for_each_space(child)
		if (child->parent == index_of(s))
			for_each_device(d)
				if (is_installed(d, child) && is_hard(d, child))
					return true;
	return false;
}

static inline void check_ranges(const struct space *s, const struct ioasid_cap_iova_ranges *cap)
{
	for (int page = 0; page < MODEL_PAGES; page++) {
		uint64_t iova = iova_of(page);
		bool listed = false;

		for (uint32_t i = 0; cap && i < cap->nr_ranges; i++)
			listed |= iova >= cap->ranges[i].start &&
				  iova + PAGE - 1 <= cap->ranges[i].last;
		if (listed != is_permitted(s, page))
			diverged("space %d: page %d (%#" PRIx64 ") is %slisted as permitted", s->id,
				 page, iova, listed ? "" : "not ");
	}
}

static inline void compare(const struct space *s, const char *what, uint64_t expected,
			   uint64_t seen)
{
	if (expected != seen)
		diverged("space %d: %s is %#" PRIx64 ", expected %#" PRIx64, s ? s->id : 0, what,
			 seen, expected);
}

static inline void op_info(void)
{
	struct space *s = pick_space(true);
	uint64_t buf[256];
	struct ioasid_info *info = (void *)buf;
	struct expected e = {};
	int id = id_of(s);

	trace("GET_INFO %d", id);
	expect_error(&e, !s, ENOENT);
	expect_error(&e, s && !nr_attached(s), ENODEV);
	if (!outcome(&e, do_info(run.fd, id, info, sizeof(buf))))
		return;
	compare(s, "kind", s->kind, info->kind);
	compare(s, "nr_devices", nr_attached(s), info->nr_devices);
	compare(s, "nr_children", nr_children(s), info->nr_children);
	compare(s, "MAP_DMA", s->kind == IOASID_KIND_KERNEL,
		!!(info->flags & IOASID_INFO_MAP_DMA));
	compare(s, "PARTIAL", is_partial(s), !!(info->flags & IOASID_INFO_PARTIAL));
	if (s->kind == IOASID_KIND_KERNEL && any_domain(s))
		check_ranges(s, find_cap(buf, info->cap_offset, IOASID_CAP_IOVA_RANGES));
}

/*
 * GET_MAPPINGS
 */
static inline struct ioasid_mapping_info describe_mapping(const struct space *s, int page)
{
	const struct page *p = &s->pages[page];
	struct ioasid_mapping_info info = { .iova = iova_of(page), .prot = p->prot };

	for (int i = page; i < MODEL_PAGES && s->pages[i].map == p->map; i++)
		info.size += PAGE;
	if (s->parent != NOWHERE) {
		info.flags = IOASID_MAPPING_PARENT;
		info.target = iova_of(p->to);
	} else if (p->region) {
		info.flags = IOASID_MAPPING_REGISTERED | IOASID_MAPPING_VADDR;
		info.target = (uintptr_t)world.mem + p->to * PAGE;
	}
	if (s->shadowed)
		info.flags |= IOASID_MAPPING_SHADOW;
	return info;
}

/* The first page of the next mapping from @page on. */
static inline int next_mapped(const struct space *s, int page)
{
	while (page < MODEL_PAGES && !s->pages[page].map)
		page++;
	return page;
}

static inline void check_mapping(const struct space *s, int page,
				 const struct ioasid_mapping_info *info)
{
	struct ioasid_mapping_info expected = {};

	if (page < MODEL_PAGES)
		expected = describe_mapping(s, page);
	if (memcmp(&expected, info, sizeof(expected)))
		diverged("space %d has %#llx +%#llx -> %#llx prot %u flags %#x, expected %#llx +%#llx -> %#llx prot %u flags %#x",
			 s->id, info->iova, info->size, info->target, info->prot, info->flags,
			 expected.iova, expected.size, expected.target, expected.prot,
			 expected.flags);
}

static inline bool has_mappings(const struct space *s)
{
	return nr_mapped(s);
}

static inline void op_mappings(void)
{
	static struct ioasid_mapping_info infos[64];
	uint32_t room = chance(40) ? 64 : 1 + pick(6);
	struct ioasid_get_mappings arg = { .more = 1 };
	struct space *s = pick_such(has_mappings);
	int page, id = id_of(s);
	struct expected e = {};

	trace("GET_MAPPINGS %d by %u", id, room);
	expect_error(&e, !s, ENOENT);
	if (!outcome(&e, do_mappings(run.fd, 0, id, 0, infos, room, &arg)))
		return;
	page = next_mapped(s, 0);
	for (;;) {
		for (uint32_t i = 0; i < arg.nr; i++) {
			check_mapping(s, page, &infos[i]);
			page = next_mapped(s, page + infos[i].size / PAGE);
		}
		compare(s, "more", page < MODEL_PAGES, arg.more);
		if (!arg.more)
			return;
		if (do_mappings(run.fd, 0, id, arg.iova, infos, room, &arg))
			diverged("GET_MAPPINGS: %s", strerror(errno));
	}
}

/*
 * WALK
 */
static inline uint64_t frame_of(int mem)
{
	static int fd = -1;
	uint64_t entry;

	if (fd < 0)
		fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ASSERT_EQ(8, pread(fd, &entry, 8, ((uintptr_t)world.mem / PAGE + mem) * 8));
	return entry & ((1ULL << 55) - 1);
}

/* What a walk says: of the table as it is now, not as caches or the kernel have it. */
static inline struct hit expect_walk(const struct space *s, int page, uint32_t *state)
{
	const struct page *p = &s->pages[page];
	struct hit hit;
	struct leaf leaf;
	uint32_t prot;
	bool differs;

	*state = 0;
	if (s->kind == IOASID_KIND_KERNEL)
		return ref_lookup(s, page);
	leaf = ref_walk(s, page);
	prot = leaf.reason ? 0 : leaf.soft_prot;
	differs = p->map ? p->prot != prot || p->to != leaf.to :
			   prot && leaf_permitted(s, &leaf, page);
	if (s->shadowed)
		*state = IOASID_WALK_STATE_SHADOWED | (differs ? IOASID_WALK_STATE_STALE : 0);
	if (leaf.reason)
		return (struct hit) { .reason = leaf.reason };
	if (!prot)
		return (struct hit) { .reason = IOASID_WALK_PERMISSION };
	hit = ref_lookup(parent_of(s), leaf.to);
	if (!hit.reason && !(hit.prot & prot))
		hit.reason = IOASID_WALK_PERMISSION;
	hit.prot &= prot;
	return hit;
}

static inline void op_walk(void)
{
	struct ioasid_step steps[IOASID_MAX_STEPS];
	struct space *s = pick_space(true);
	struct ioasid_walk_iova arg;
	int page = pick_page(1), id = id_of(s);
	uint64_t iova = iova_of(page) + pick(PAGE);
	struct expected e = {};
	struct hit hit;
	uint32_t state;

	trace("WALK %d %#" PRIx64, id, iova);
	expect_error(&e, !s, ENOENT);
	if (!outcome(&e, do_walk(run.fd, 0, id, iova, steps, IOASID_MAX_STEPS, &arg)))
		return;
	hit = expect_walk(s, page, &state);
	compare(s, "the walk's reason", hit.reason, arg.reason);
	compare(s, "the walk's state", state, arg.state);
	compare(s, "the walk's format", s->kind == IOASID_KIND_USER ? format_of(s) : 0, arg.format);
	if (hit.reason)
		return;
	compare(s, "the walk's permissions", hit.prot, arg.perm);
	compare(s, "the physical address", frame_of(hit.mem) * PAGE + iova % PAGE,
		steps[arg.nr - 1].output);
}

/*
 * Counters
 */
static inline uint64_t counter(const char *text, const char *name, int id)
{
	char key[64];

	snprintf(key, sizeof(key), "ioasid-%s-%d", name, id);
	return text_value(text, key, FDINFO_NONE);
}

static inline bool says_kind(const char *text, const struct space *s)
{
	char line[64];

	snprintf(line, sizeof(line), "ioasid-kind-%d:\t%s\n", s->id,
		 s->kind == IOASID_KIND_USER ? "user" : "kernel");
	return strstr(text, line);
}

static inline void check_counters_of(const char *text, const struct space *s)
{
	const struct counts *c = &s->counts;
	const struct { const char *name; uint64_t value; } keys[] = {
		{ "parent", s->parent == NOWHERE ? 0 : parent_of(s)->id },
		{ "mappings", nr_mappings(s) },
		{ "mapped", nr_mapped(s) * PAGE },
		{ "pinned", nr_pinned(s) * PAGE },
		{ "maps", c->maps },
		{ "map-errors", c->map_errors },
		{ "map-bytes", c->map_bytes },
		{ "unmaps", c->unmaps },
		{ "unmap-errors", c->unmap_errors },
		{ "unmap-bytes", c->unmap_bytes },
	};

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		compare(s, keys[i].name, keys[i].value, counter(text, keys[i].name, s->id));
	compare(s, "whether it says its kind", true, says_kind(text, s));
	compare(s, "whether there are domains", any_domain(s), !!counter(text, "domains", s->id));
}

static inline void check_counters(void)
{
	char *text = fdinfo_text(run.fd);
	uint64_t spaces = 0, bound = 0, regions = 0;

	for_each_space(s) {
		check_counters_of(text, s);
		spaces++;
	}
	for_each_device(d)
		bound += d->bound;
	for (int i = 0; i < MODEL_REGIONS; i++)
		regions += !!world.regions[i].pages;
	compare(NULL, "ioasid-spaces", spaces, text_value(text, "ioasid-spaces", FDINFO_NONE));
	compare(NULL, "ioasid-devices", bound, text_value(text, "ioasid-devices", FDINFO_NONE));
	compare(NULL, "ioasid-regions", regions, text_value(text, "ioasid-regions", FDINFO_NONE));
	compare(NULL, "ioasid-registered", nr_registered() * PAGE,
		text_value(text, "ioasid-registered", FDINFO_NONE));
	free(text);
}

/* Charged and pinned; the machine has no other pins while the test runs. */
static inline void check_charge(void)
{
	compare(NULL, "VmLck in pages", run.base_locked + all_pinned(), locked_pages());
	compare(NULL, "pins of the machine", run.base_pins + all_pinned(), machine_pins());
}

static inline void check_never_stale(void)
{
	for (int i = 0; i < MODEL_INSTANCES; i++)
		compare(NULL, "accesses through stale translations", 0,
			sim_stats(run.ctl, world.instances[i].id).stale);
}

static inline void op_check(void)
{
	trace("look at all counters");
	check_counters();
	check_charge();
}

#endif /* IOASID_SELFTESTS_MODEL_CHECK_H */
