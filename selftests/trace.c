// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints: each one fires for its operation with the right values, and
 * the phases of an operation fit into its duration. Read through tracefs, in an
 * instance of its own.
 */
#include "trace_util.h"

FIXTURE(trace) {
	int fd;
	int id;
	uint32_t ctx;
	char *mem;
};

FIXTURE_SETUP(trace)
{
	trace_start();
	self->mem = memory(64 * PAGE);
	self->fd = test_open();
	self->ctx = fdinfo_get(self->fd, "ioasid-ctx");
	trace_enable("", true);
	self->id = test_alloc(self->fd);
}

FIXTURE_TEARDOWN(trace)
{
	trace_stop();
}

static void check_space(struct fixture_trace *self, const char *e)
{
	FIELD(self->ctx, "ctx");
	FIELD(self->id, "ioasid");
}

static uint32_t rid_of(const char *name)
{
	unsigned int domain, bus, slot, fn;
	int found = sscanf(name, "%x:%x:%x.%x", &domain, &bus, &slot, &fn);

	ASSERT_EQ(4, found);
	return domain << 16 | bus << 8 | slot << 3 | fn;
}

TEST_F(trace, alloc_free, "ioasid_alloc and ioasid_free")
{
	const char *e = EVENT("ioasid_alloc");

	check_space(self, e);
	FIELD(IOASID_KIND_KERNEL, "kind");
	FIELD(0, "parent");
	FIELD(0, "flags");
	FIELD(0, "result");
	FIELD(0, "depth");
	FIELD(0, "format");
	FIELD(0, "addr_width");
	FIELD(0, "table");
	FIELD(0, "two_step");
	ASSERT_LT(0, do_alloc_kind(self->fd, IOASID_KIND_KERNEL, 0, IOASID_ALLOC_ENFORCE_SNOOP,
				   40));
	e = EVENT("ioasid_alloc");
	FIELD(IOASID_ALLOC_ENFORCE_SNOOP, "flags");
	FIELD(40, "addr_width");
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_MIRROR, 0, IOASID_ALLOC_SVA_PINNED,
			    0);
	e = EVENT("ioasid_alloc");
	FIELD(self->ctx, "ctx");
	FIELD(0, "ioasid");
	FIELD(IOASID_KIND_MIRROR, "kind");
	FIELD(-EOPNOTSUPP, "result");
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_map(self->fd, self->id, self->mem, MIB, PAGE);
	test_free(self->fd, self->id);
	e = EVENT("ioasid_free");
	check_space(self, e);
	FIELD(2, "maps");
	FIELD(0, "result");
}

TEST_F(trace, free_close, "ioasid_free for spaces that go with their context")
{
	test_alloc(self->fd);
	ASSERT_EQ(0, close(self->fd));
	EXPECT_EQ(2, count_events("ioasid_free"));
}

static void check_map(struct fixture_trace *self, const char *e, uint64_t iova, uint64_t size,
		      uint64_t vaddr, uint32_t flags, int result)
{
	check_space(self, e);
	FIELD(iova, "iova");
	FIELD(size, "size");
	FIELD(vaddr, "vaddr");
	FIELD(flags, "flags");
	FIELD(result, "result");
	EXPECT_LT(0, field(e, "lat_ns"));
	EXPECT_GE(field(e, "lat_ns"), field(e, "lock_ns") + field(e, "pin_ns") +
		  field(e, "install_ns"));
	EXPECT_GT(10000000000LL, field(e, "lat_ns"));
}

TEST_F(trace, map, "ioasid_map and ioasid_map_begin")
{
	uint64_t mem = (uintptr_t)self->mem;
	const char *e;

	test_map(self->fd, self->id, mem, 0x100000, 16 * PAGE);
	e = EVENT("ioasid_map");
	check_map(self, e, 0x100000, 16 * PAGE, mem, RW, 0);
	EXPECT_LE(1, field(e, "runs"));
	EXPECT_GE(16, field(e, "runs"));
	EXPECT_LT(0, field(e, "pin_ns"));
	e = EVENT("ioasid_map_begin");
	check_space(self, e);
	FIELD(0x100000, "iova");
	FIELD(16 * PAGE, "size");
	EXPECT_EQ(1, count_events("ioasid_map"));

	test_map_flags(self->fd, self->id, mem, 0, PAGE, IOASID_MAP_READ);
	e = EVENT("ioasid_map");
	check_map(self, e, 0, PAGE, mem, IOASID_MAP_READ, 0);
	FIELD(1, "runs");

	test_err_map(EEXIST, self->fd, self->id, mem, 0, PAGE);
	check_map(self, EVENT("ioasid_map"), 0, PAGE, mem, RW, -EEXIST);
	test_err_map(EFAULT, self->fd, self->id, 0, MIB * 2, PAGE);
	check_map(self, EVENT("ioasid_map"), 2 * MIB, PAGE, 0, RW, -EFAULT);
	test_err_map(EINVAL, self->fd, self->id, mem, 0, 17);
	check_map(self, EVENT("ioasid_map"), 0, 17, mem, RW, -EINVAL);
}

static char *reversed(unsigned int pages)
{
	char *from = memory(pages * PAGE);
	char *to = mmap(NULL, pages * PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	for (unsigned int i = 0; i < pages; i++)
		ASSERT_TRUE(mremap(from + i * PAGE, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
				   to + (pages - 1 - i) * PAGE) != MAP_FAILED);
	return to;
}

/* How often the next page of memory that is pinned is not the next one physically. */
static unsigned int runs_of(const char *mem, unsigned int pages)
{
	const uint64_t pfn_mask = (1ULL << 55) - 1;
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry[64], next = 0;
	unsigned int runs = 0;

	ASSERT_TRUE(fd >= 0 && pages <= ARRAY_SIZE(entry));
	ASSERT_EQ((ssize_t)(pages * 8), pread(fd, entry, pages * 8, (uintptr_t)mem / PAGE * 8));
	close(fd);
	for (unsigned int i = 0; i < pages; i++) {
		ASSERT_TRUE(entry[i] & pfn_mask);
		runs += (entry[i] & pfn_mask) != next;
		next = (entry[i] & pfn_mask) + 1;
	}
	return runs;
}

TEST_F(trace, map_runs, "ioasid_map counts physically contiguous runs")
{
	char *mem = reversed(32);
	const char *e;

	test_map(self->fd, self->id, mem, 0, 32 * PAGE);
	e = EVENT("ioasid_map");
	diag("%lld runs of 32 pages in reverse order", (long long)field(e, "runs"));
	FIELD(runs_of(mem, 32), "runs");
}

TEST_F(trace, map_runs_registered, "ioasid_map counts the runs of registered memory, too")
{
	const char *e;

	test_register(self->fd, self->mem, 64 * PAGE);
	test_map(self->fd, self->id, self->mem + PAGE, 0, PAGE);
	e = EVENT("ioasid_map");
	FIELD(1, "runs");
}

static void check_unmap(struct fixture_trace *self, const char *e, uint64_t iova, uint64_t size,
			uint64_t unmapped, unsigned int maps, int result)
{
	check_space(self, e);
	FIELD(iova, "iova");
	FIELD(size, "size");
	FIELD(unmapped, "unmapped");
	FIELD(maps, "maps");
	FIELD(result, "result");
	EXPECT_LT(0, field(e, "lat_ns"));
	EXPECT_GE(field(e, "lat_ns"), field(e, "lock_ns") + field(e, "remove_ns") +
		  field(e, "flush_ns") + field(e, "unpin_ns"));
	EXPECT_GT(10000000000LL, field(e, "lat_ns"));
}

TEST_F(trace, unmap, "ioasid_unmap and ioasid_unmap_begin")
{
	const char *e;

	for (int i = 0; i < 5; i++)
		test_map(self->fd, self->id, self->mem, i * MIB, 4 * PAGE);
	test_unmap(self->fd, self->id, 0, 4 * PAGE);
	e = EVENT("ioasid_unmap");
	check_unmap(self, e, 0, 4 * PAGE, 4 * PAGE, 1, 0);
	EXPECT_LT(0, field(e, "unpin_ns"));
	e = EVENT("ioasid_unmap_begin");
	check_space(self, e);
	FIELD(0, "iova");
	FIELD(4 * PAGE, "size");
	test_unmap_some(8 * PAGE, self->fd, self->id, MIB, 2 * MIB);
	check_unmap(self, EVENT("ioasid_unmap"), MIB, 2 * MIB, 8 * PAGE, 2, 0);
	test_err_unmap(EINVAL, self->fd, self->id, 3 * MIB, PAGE);
	check_unmap(self, EVENT("ioasid_unmap"), 3 * MIB, PAGE, 0, 0, -EINVAL);
	test_err_unmap(ENOENT, self->fd, self->id, 0, PAGE);
	check_unmap(self, EVENT("ioasid_unmap"), 0, PAGE, 0, 0, -ENOENT);
	test_unmap_all(8 * PAGE, self->fd, self->id);
	check_unmap(self, EVENT("ioasid_unmap"), 0, 0, 8 * PAGE, 2, 0);
	EXPECT_EQ(0, count_events("ioasid_iotlb_inv"));	/* no device, no IOTLB */
}

TEST_F(trace, memory_events, "ioasid_register and ioasid_unregister")
{
	const char *e;

	test_register(self->fd, self->mem, 4 * PAGE);
	e = EVENT("ioasid_register");
	FIELD(self->ctx, "ctx");
	FIELD((uintptr_t)self->mem, "vaddr");
	FIELD(4 * PAGE, "size");
	FIELD(0, "result");
	EXPECT_LT(0, field(e, "lat_ns"));
	test_err_register(EEXIST, self->fd, self->mem, PAGE);
	e = EVENT("ioasid_register");
	FIELD(-EEXIST, "result");
	test_err_unregister(ENOENT, self->fd, self->mem, PAGE);
	e = EVENT("ioasid_unregister");
	FIELD(PAGE, "size");
	FIELD(-ENOENT, "result");
	test_unregister(self->fd, self->mem, 4 * PAGE);
	e = EVENT("ioasid_unregister");
	FIELD(self->ctx, "ctx");
	FIELD((uintptr_t)self->mem, "vaddr");
	FIELD(4 * PAGE, "size");
	FIELD(0, "result");
}

static void check_device(struct fixture_trace *self, const char *e, const char *name, int result)
{
	FIELD(self->ctx, "ctx");
	FIELD(rid_of(name), "dev");
	FIELD(result, "result");
}

TEST_F(trace, devices, "ioasid_bind, _attach, _iotlb_inv, _detach, _unbind")
{
	struct edu_device dev;
	const char *e;

	edu_device_open(&dev, 0);
	test_bind(dev.fd, self->fd, 0x1122334455667788);
	e = EVENT("ioasid_bind");
	check_device(self, e, dev.name, 0);
	FIELD(0x1122334455667788, "cookie");
	FIELD(pci_group(dev.name), "group");

	test_map(self->fd, self->id, self->mem, 0, 4 * PAGE);
	test_map(self->fd, self->id, self->mem, MIB, 4 * PAGE);
	test_attach(dev.fd, self->id);
	e = EVENT("ioasid_attach");
	check_device(self, e, dev.name, 0);
	check_space(self, e);
	FIELD(0xffffffff, "pasid");
	FIELD(2, "maps");
	FIELD(0x1122334455667788, "cookie");
	EXPECT_LT(0, field(e, "lat_ns"));
	e = EVENT("ioasid_attach_begin");
	FIELD(rid_of(dev.name), "dev");
	check_space(self, e);
	test_err_attach(EBUSY, dev.fd, self->id);
	check_device(self, EVENT("ioasid_attach"), dev.name, -EBUSY);

	test_unmap(self->fd, self->id, MIB, 4 * PAGE);
	e = EVENT("ioasid_iotlb_inv");
	check_space(self, e);
	FIELD(MIB, "iova");
	FIELD(4 * PAGE, "size");
	FIELD(1, "domains");
	FIELD(0, "result");
	FIELD(0, "user");
	EXPECT_LT(0, field(e, "lat_ns"));
	e = EVENT("ioasid_unmap");
	check_unmap(self, e, MIB, 4 * PAGE, 4 * PAGE, 1, 0);
	EXPECT_LT(0, field(e, "remove_ns"));
	EXPECT_LT(0, field(e, "flush_ns"));
	test_map(self->fd, self->id, self->mem, MIB, 4 * PAGE);
	EXPECT_LT(0, field(EVENT("ioasid_map"), "install_ns"));

	test_detach(dev.fd, self->id);
	e = EVENT("ioasid_detach");
	check_device(self, e, dev.name, 0);
	check_space(self, e);
	FIELD(0x1122334455667788, "cookie");
	EXPECT_LT(0, field(e, "lat_ns"));
	test_unbind(dev.fd);
	e = EVENT("ioasid_unbind");
	check_device(self, e, dev.name, 0);
	FIELD(0x1122334455667788, "cookie");
	edu_device_close(&dev);
}

TEST_F(trace, quiet, "an event that is off does not fire, its clock is not read")
{
	unsigned int maps = count_events("ioasid_map");

	trace_enable("ioasid_map", false);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	EXPECT_EQ(maps, count_events("ioasid_map"));
	test_unmap(self->fd, self->id, 0, PAGE);
	EXPECT_EQ(1, count_events("ioasid_unmap"));
	trace_enable("ioasid_map", true);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	EXPECT_EQ(maps + 1, count_events("ioasid_map"));
}

/* Every event of the header, by the name of its folder. */
TEST_F(trace, header, "tracefs has the events of include/trace/events/ioasid.h and no others")
{
	static char text[1 << 17];
	char name[64], path[PATH_MAX];
	unsigned int nr = 0, here = 0;
	struct dirent *entry;
	DIR *dir;

	if (read_text("include/trace/events/ioasid.h", text, sizeof(text)) < 0)
		SKIP("no include/trace/events/ioasid.h here");
	for (char *at = text; (at = strstr(at, "_EVENT(")); at++) {
		if (!strncmp(at - 6, "DEFINE", 6))
			at = strchr(at, ' ') + 1;
		else if (!strncmp(at - 5, "TRACE", 5))
			at += strlen("_EVENT(");
		else
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(at, ",\n"), at);
		snprintf(path, sizeof(path), INSTANCE "/events/ioasid/%s/enable", name);
		if (access(path, F_OK))
			FAIL("no event %s", name);
		nr++;
	}
	dir = opendir(INSTANCE "/events/ioasid");
	ASSERT_TRUE(dir);
	while ((entry = readdir(dir)))
		here += !strncmp(entry->d_name, "ioasid_", 7);
	closedir(dir);
	EXPECT_EQ(nr, here);
	EXPECT_LE(19, nr);
}

/* What the header promises to raw_tp programs, by the format file of each event. */
TEST_F(trace, scalars, "no event has more than twelve fields, all are scalars")
{
	static char text[1 << 14];
	char path[PATH_MAX];
	unsigned int events = 0;
	struct dirent *entry;
	DIR *dir = opendir(INSTANCE "/events/ioasid");

	ASSERT_TRUE(dir);
	while ((entry = readdir(dir))) {
		unsigned int fields = 0;

		if (strncmp(entry->d_name, "ioasid_", 7))
			continue;
		snprintf(path, sizeof(path), INSTANCE "/events/ioasid/%s/format", entry->d_name);
		ASSERT_TRUE(read_text(path, text, sizeof(text)) > 0);
		for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
			if (strncmp(line, "\tfield:", 7) || strstr(line, " common_"))
				continue;
			fields++;
			if (strchr(line, '*') || strchr(line, '[') ||
			    !(strstr(line, "size:4;") || strstr(line, "size:8;")))
				FAIL("%s: %s", entry->d_name, line);
		}
		if (!fields || fields > 12)
			FAIL("%s has %u fields", entry->d_name, fields);
		events++;
	}
	closedir(dir);
	EXPECT_LE(19, events);
}

HARNESS_MAIN
