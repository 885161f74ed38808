// SPDX-License-Identifier: GPL-2.0-only
/*
 * The tracepoints: each one fires for its operation with the right values, and
 * the phases of an operation fit into its duration. Read through tracefs, in an
 * instance of its own.
 */
#include "ioasid_util.h"

#define INSTANCE	"/sys/kernel/tracing/instances/ioasid-test"

FIXTURE(trace) {
	int fd;
	int id;
	uint32_t ctx;
	char *mem;
};

static void enable(const char *event, bool on)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), INSTANCE "/events/ioasid/%s%senable", event,
		 *event ? "/" : "");
	if (write_text(path, on ? "1" : "0"))
		FAIL("%s: %s", path, strerror(errno));
}

FIXTURE_SETUP(trace)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		SKIP("tracefs: %s", strerror(errno));
	ASSERT_EQ(0, write_text(INSTANCE "/trace", "\n"));
	self->mem = memory(64 * PAGE);
	self->fd = test_open();
	self->ctx = fdinfo_get(self->fd, "ioasid-ctx");
	enable("", true);
	self->id = test_alloc(self->fd);
}

FIXTURE_TEARDOWN(trace)
{
	enable("", false);
	rmdir(INSTANCE);
}

static char *trace_text(void)
{
	static char text[1 << 20];

	ASSERT_TRUE(read_text(INSTANCE "/trace", text, sizeof(text)) > 0);
	return text;
}

/* The last event of this name, its fields; NULL when there is none. */
static const char *last_event(const char *event)
{
	char *text = trace_text(), *found = NULL, name[64];

	snprintf(name, sizeof(name), ": %s: ", event);
	for (char *at = text; (at = strstr(at, name)); at++)
		found = at + strlen(name);
	if (found)
		found[strcspn(found, "\n")] = 0;
	return found;
}

static unsigned int count_events(const char *event)
{
	char *text = trace_text(), name[64];
	unsigned int count = 0;

	snprintf(name, sizeof(name), ": %s: ", event);
	for (char *at = text; (at = strstr(at, name)); at++)
		count++;
	return count;
}

static const char *field_text(const char *fields, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = fields; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (!strncmp(at, name, len) && at[len] == '=')
			return at + len + 1;
	}
	FAIL("no field %s in \"%s\"", name, fields);
	return NULL;
}

static int64_t field(const char *fields, const char *name)
{
	const char *text = field_text(fields, name);

	return *text == '-' ? strtoll(text, NULL, 0) : (int64_t)strtoull(text, NULL, 0);
}

#define EVENT(name) ({								\
	const char *__fields = last_event(name);				\
										\
	if (!__fields)								\
		FAIL("no event %s", name);					\
	__fields;								\
})
#define FIELD(value, name)	EXPECT_EQ((int64_t)(value), field(e, name))

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
	test_err_alloc_kind(EOPNOTSUPP, self->fd, IOASID_KIND_SVA, 0, 0, 0);
	e = EVENT("ioasid_alloc");
	FIELD(self->ctx, "ctx");
	FIELD(0, "ioasid");
	FIELD(IOASID_KIND_SVA, "kind");
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

TEST_F(trace, map_runs, "ioasid_map counts physically contiguous runs")
{
	char *mem = reversed(32);
	const char *e;

	test_map(self->fd, self->id, mem, 0, 32 * PAGE);
	e = EVENT("ioasid_map");
	diag("%lld runs of 32 pages in reverse order", (long long)field(e, "runs"));
	EXPECT_LT(16, field(e, "runs"));	/* those between two blocks may follow */
	EXPECT_GE(32, field(e, "runs"));
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

	enable("ioasid_map", false);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	EXPECT_EQ(maps, count_events("ioasid_map"));
	test_unmap(self->fd, self->id, 0, PAGE);
	EXPECT_EQ(1, count_events("ioasid_unmap"));
	enable("ioasid_map", true);
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
	EXPECT_LE(14, nr);
}

HARNESS_MAIN
