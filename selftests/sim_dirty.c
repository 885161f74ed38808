// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty tracking of the software IOMMU, by way of an in-kernel user of the IOMMU
 * API, since kernels without iommufd have no other.
 */
#include "sim_fixture.h"
#include "table_build.h"
#include "table_pages.h"
#include "testiommu_util.h"

#define DIRTY_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_DIRTY | \
			 IOASID_SIM_CAP_NESTING)
#define TRACKED		IOMMU_HWPT_ALLOC_DIRTY_TRACKING

_Static_assert(SIM_PAGES == 64, "a bitmap is one word");

/* Which of SIM_PAGES pages from iova on were written to. */
static uint64_t dirty_flags(struct api *api, int domain, uint64_t iova, uint32_t flags)
{
	uint64_t bits = 0;
	int n = ti_call(api, TESTIOMMU_DIRTY, .domain = domain, .flags = flags, .iova = iova,
			.addr = (uintptr_t)&bits, .size = SIM_PAGES * PAGE);

	ASSERT_LE(0, n);
	EXPECT_EQ(n, __builtin_popcountll(bits));
	return bits;
}

#define dirty(api, domain)	dirty_flags(api, domain, 0, 0)

static void track(struct api *api, int domain, bool on)
{
	ti_ok(api, TESTIOMMU_TRACK, .domain = domain, .value = on);
}

/* All of self->mem at 0, attached. */
static int start(struct fixture_sim *self, struct api *api)
{
	int domain = ti_alloc(api, TESTIOMMU_FAULTABLE, TRACKED);

	for (int i = 0; i < SIM_PAGES; i++)
		ti_map(api, domain, self->mem + i * PAGE, i * PAGE, PAGE);
	ti_asking(api);
	ti_ok(api, TESTIOMMU_ATTACH, .domain = domain);
	return domain;
}

TEST_F(sim, refused, "tracking is for domains that were made for it, where there is any")
{
	struct api api = api(self, .caps = IOASID_SIM_CAP_NESTING);
	struct ioasid_table table = { .addr_width = 48 };
	int domain;

	EXPECT_ERRNO(EOPNOTSUPP, ti_call(&api, TESTIOMMU_ALLOC, .value = TRACKED));
	api_end(&api);
	api = api(self, .caps = DIRTY_CAPS);
	domain = ti_alloc(&api, 0, IOMMU_HWPT_ALLOC_NEST_PARENT);
	EXPECT_ERRNO(EOPNOTSUPP, ti_call(&api, TESTIOMMU_TRACK, .domain = domain, .value = 1));
	ti_alloc(&api, 0, IOMMU_HWPT_ALLOC_NEST_PARENT | TRACKED);
	/* Nested ones have their own bits, for their user. */
	domain = ti_call(&api, TESTIOMMU_ALLOC, .domain = domain, .flags = TESTIOMMU_NESTED,
			 .type = NESTED_TYPE + IOASID_FORMAT_X86_64_4LEVEL,
			 .addr = (uintptr_t)&table, .size = sizeof(table));
	ASSERT_LE(0, domain);
	EXPECT_ERRNO(EOPNOTSUPP, ti_call(&api, TESTIOMMU_TRACK, .domain = domain, .value = 1));
	api_end(&api);
}

TEST_F(sim, exact, "what was written to, is in the bitmap, once; nothing else is")
{
	static const uint32_t ways[] = { 0, IOASID_SIM_REQ_ATS };
	struct api api = api(self, .caps = DIRTY_CAPS);
	int domain = start(self, &api);

	/* Both TLBs know before tracking that they may write. */
	for (int w = 0; w < ARRAY_SIZE(ways); w++)
		EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, 0, 8 * PAGE, 0, .flags = ways[w]));
	EXPECT_EQ(0, dirty(&api, domain));
	track(&api, domain, true);
	EXPECT_EQ(0, dirty(&api, domain));
	for (int w = 0; w < ARRAY_SIZE(ways); w++) {
		EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, 0, SIM_PAGES * PAGE, 0,
						  .flags = ways[w]));
		EXPECT_EQ(0, dirty(&api, domain));
		/* From the end of page 1 to the beginning of page 3, and page 63 */
		EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, 2 * PAGE - 1, PAGE + 2, 0,
						   .flags = ways[w]));
		EXPECT_EQ(IOASID_SIM_OK, sim_do(api.dev, .op = IOASID_SIM_OP_ADD, .len = 8,
						.iova = 63 * PAGE, .flags = ways[w]));
		EXPECT_EQ(0x800000000000000eULL, dirty_flags(&api, domain, 0, TESTIOMMU_KEEP));
		EXPECT_EQ(0x800000000000000eULL, dirty(&api, domain));
		EXPECT_EQ(0, dirty(&api, domain));
		/* The same place again, which is cached */
		EXPECT_EQ(IOASID_SIM_OK, sim_copy(api.dev, 9 * PAGE, 2 * PAGE, 8,
						  .flags = ways[w]));
		EXPECT_EQ(4, dirty(&api, domain));
	}
	track(&api, domain, false);
	EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, 5 * PAGE, 8, 0));
	EXPECT_EQ(0, dirty(&api, domain));
	api_end(&api);
}

TEST_F(sim, denied, "accesses that are not carried out leave no trace")
{
	struct api api = api(self, .caps = DIRTY_CAPS);
	struct testiommu_fault fault;
	int domain = start(self, &api);
	struct async a;

	track(&api, domain, true);
	ti_ok(&api, TESTIOMMU_UNMAP, .domain = domain, .iova = 4 * PAGE);
	ti_ok(&api, TESTIOMMU_UNMAP, .domain = domain, .iova = 5 * PAGE);
	ti_ok(&api, TESTIOMMU_MAP, .domain = domain, .addr = (uintptr_t)self->mem,
	      .iova = 4 * PAGE, .size = PAGE);
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, sim_write(api.dev, 4 * PAGE, 8, 0));
	/* A device that asks for a page looks at the next one as well. */
	async_start(&a, api.dev, .op = IOASID_SIM_OP_FILL, .iova = 5 * PAGE, .len = 2 * PAGE,
		    .flags = IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI);
	fault = ti_fault(&api);
	EXPECT_EQ(1, fault.nr);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
	EXPECT_EQ(0, dirty(&api, domain));
	api_end(&api);
}

/* Where memory is contiguous, pages are large: the bit is the whole page's. */
TEST_F(sim, large, "a large page is dirty as a whole, wherever one begins to look")
{
	struct api api = api(self, .caps = DIRTY_CAPS);
	int domain = ti_alloc(&api, 0, TRACKED);
	uint64_t base = 1ULL << 30;
	uint8_t *huge;

	if (write_text("/proc/sys/vm/nr_hugepages", "1"))
		SKIP("no huge page: %s", strerror(errno));
	huge = mmap(NULL, 2 * MIB, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);
	ASSERT_TRUE(huge != MAP_FAILED);
	ti_map(&api, domain, huge, base, 2 * MIB);
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = domain);
	track(&api, domain, true);
	EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, base + 100 * PAGE, 8, 0));
	EXPECT_EQ(~0ULL, dirty_flags(&api, domain, base + 200 * PAGE, TESTIOMMU_KEEP));
	EXPECT_EQ(0, dirty_flags(&api, domain, base - SIM_PAGES * PAGE, 0));
	EXPECT_EQ(0, dirty_flags(&api, domain, base + 512 * PAGE, 0));
	EXPECT_EQ(0xffffffff00000000ULL, dirty_flags(&api, domain, base - 32 * PAGE, 0));
	EXPECT_EQ(0, dirty_flags(&api, domain, base, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, base, 8, 0));
	EXPECT_EQ(0, dirty_flags(&api, domain, base, 0));
	api_end(&api);
	munmap(huge, 2 * MIB);
	write_text("/proc/sys/vm/nr_hugepages", "0");
}

/* Nested domains */

TEST_F(sim, nested, "DMA through a user's table marks the page, and the table it marks")
{
	struct api api = api(self, .caps = DIRTY_CAPS);
	struct table_pages tables;
	struct table_builder *b = &tables.builder;
	struct ioasid_table table;
	int parent, child;
	uint64_t walked;

	table_pages_start(&tables);
	ASSERT_EQ(0, table_map(b, GIOVA, 0, 4 * PAGE, TABLE_R | TABLE_W | TABLE_COLD));
	table = table_of(b);
	parent = ti_alloc(&api, 0, IOMMU_HWPT_ALLOC_NEST_PARENT | TRACKED);
	for (int i = 0; i < TABLE_PAGES; i++)
		ti_map(&api, parent, (uint8_t *)tables.mem + i * PAGE, TABLE_GPA + i * PAGE, PAGE);
	for (int i = 0; i < 4; i++)
		ti_map(&api, parent, self->mem + i * PAGE, i * PAGE, PAGE);
	child = ti_call(&api, TESTIOMMU_ALLOC, .domain = parent, .flags = TESTIOMMU_NESTED,
			.type = NESTED_TYPE + b->format, .addr = (uintptr_t)&table,
			.size = sizeof(table));
	ASSERT_LE(0, child);
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = child);
	track(&api, parent, true);
	/* A read: accessed bits, in the page of the leaf at least */
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, GIOVA + PAGE, 8, 0));
	EXPECT_EQ(0, dirty(&api, parent));
	walked = dirty_flags(&api, parent, TABLE_GPA, 0);
	EXPECT_TRUE(walked & 1ULL << (tables.used - 1));
	EXPECT_EQ(0, walked & ~((1ULL << tables.used) - 1));
	/* They are there now. */
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, GIOVA + PAGE, 8, 0));
	EXPECT_EQ(0, dirty_flags(&api, parent, TABLE_GPA, 0));
	/* A write: the dirty bit, in that page only, and the memory */
	EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, GIOVA + PAGE, 8, 0));
	EXPECT_EQ(2, dirty(&api, parent));
	EXPECT_EQ(1ULL << (tables.used - 1), dirty_flags(&api, parent, TABLE_GPA, 0));
	EXPECT_EQ(IOASID_SIM_OK, sim_write(api.dev, GIOVA + PAGE, 8, 0));
	EXPECT_EQ(2, dirty(&api, parent));
	EXPECT_EQ(0, dirty_flags(&api, parent, TABLE_GPA, 0));
	api_end(&api);
}

/*
 * As a migration does it: what is dirty is copied, again and again, while devices
 * write. When they have stopped, one more round makes the copy equal.
 */
static void migrate(struct api *api, int domain, const uint8_t *mem, uint8_t *copy,
		    uint64_t *seen)
{
	uint64_t bits = dirty(api, domain);

	for (int i = 0; i < SIM_PAGES; i++)
		if (bits & 1ULL << i)
			memcpy(copy + i * PAGE, mem + i * PAGE, PAGE);
	*seen |= bits;
}

TEST_F(sim, migration, "no write under load is missed, and no page is made up", .timeout = 90)
{
	struct api api = api(self, .caps = DIRTY_CAPS, .iotlb_sets = 2);
	struct ioasid_sim_request reqs[40];
	struct ioasid_sim_load_result result;
	struct ioasid_sim_stats zero = {};
	uint8_t *copy = memory(SIM_PAGES * PAGE);
	int domain = start(self, &api), rounds = 0;
	uint64_t seen = 0, written = 0;

	memset(self->mem, 0, SIM_PAGES * PAGE);
	memset(copy, 0, SIM_PAGES * PAGE);
	/* To 20 pages; the others are read, or copied from. */
	for (int i = 0; i < ARRAY_SIZE(reqs); i++) {
		uint64_t page = i * 3 % 60, at = page * PAGE + i * 8;
		uint32_t flags = i % 3 ? IOASID_SIM_REQ_ATS : 0;

		if (i < 20)
			reqs[i] = (struct ioasid_sim_request) {
				.op = IOASID_SIM_OP_ADD, .iova = at, .len = 8, .arg = i + 1,
				.flags = flags,
			};
		else if (i < 30)
			reqs[i] = (struct ioasid_sim_request) {
				.op = IOASID_SIM_OP_COPY, .iova = (page + 1) * PAGE, .arg = at,
				.len = 8, .flags = flags,
			};
		else
			reqs[i] = (struct ioasid_sim_request) {
				.op = IOASID_SIM_OP_READ, .iova = (page + 2) * PAGE,
				.len = PAGE, .flags = flags,
			};
		if (i < 30)
			written |= 1ULL << page;
	}
	track(&api, domain, true);
	ASSERT_TRUE(!do_sim_start(api.dev, 3, reqs, ARRAY_SIZE(reqs), 9));
	do
		migrate(&api, domain, self->mem, copy, &seen);
	while (rounds++ < 300 || sim_stats(self->ctl, api.id).requests < 5000);
	ASSERT_TRUE(!do_sim_stop(api.dev, &result));
	EXPECT_EQ(result.done, result.status[IOASID_SIM_OK]);
	migrate(&api, domain, self->mem, copy, &seen);
	EXPECT_EQ(0, memcmp(self->mem, copy, SIM_PAGES * PAGE));
	EXPECT_EQ(written, seen);
	EXPECT_EQ(0, dirty(&api, domain));
	EXPECT_EQ(0, sim_since(self->ctl, api.id, &zero).stale);
	api_end(&api);
}

HARNESS_MAIN
