// SPDX-License-Identifier: GPL-2.0-only
/*
 * The counters in /proc/PID/fdinfo and debugfs, against docs/fdinfo.md, which is
 * read from the checkout the test runs in.
 */
#include <linux/ioasid_fault.h>
#include <sched.h>
#include <sys/prctl.h>

#include "ioasid_util.h"
#include "user_nest.h"

#define DOCUMENT	"docs/fdinfo.md"
#define KEYS_MAX	64

FIXTURE(ctx) {
	int fd;
	int id;
	char *mem;
};

FIXTURE_SETUP(ctx)
{
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory(32 * PAGE);
}

FIXTURE_TEARDOWN(ctx)
{
	close(self->fd);
}

/* Those of a queue of faults are in the fdinfo of its own file. */
static bool is_of_queue(const char *key)
{
	return !strncmp(key, "ioasid-queue-", 13);
}

/* Keys as documented: "ioasid-abi", "ioasid-maps-N". */
static unsigned int documented(char keys[][64], bool of_queue)
{
	static char text[1 << 16];
	unsigned int nr = 0;
	char *at, *end;

	if (read_text(DOCUMENT, text, sizeof(text)) < 0)
		SKIP("no " DOCUMENT " here");
	for (at = text; (at = strstr(at, "\n| `")); at = end) {
		at += strlen("\n| `");
		end = strchr(at, '`');
		ASSERT_TRUE(end && nr < KEYS_MAX);
		snprintf(keys[nr], 64, "%.*s", (int)(end - at), at);
		nr += is_of_queue(keys[nr]) == of_queue;
	}
	ASSERT_LT(5, nr);
	return nr;
}

/* The key of a line without the number of the space: "ioasid-maps-N". */
static void general_key(const char *line, char *key)
{
	char *dash;

	snprintf(key, 64, "%.*s", (int)strcspn(line, ":"), line);
	dash = strrchr(key, '-');
	if (dash && isdigit(dash[1]))
		strcpy(dash + 1, "N");
}

static void check_keys(char *text, bool of_queue)
{
	char keys[KEYS_MAX][64], key[64];
	unsigned int nr = documented(keys, of_queue), seen[KEYS_MAX] = {}, i;

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		general_key(line, key);
		for (i = 0; i < nr && strcmp(keys[i], key); i++)
			;
		if (i < nr)
			seen[i]++;
		else
			FAIL("\"%s\" is not documented", key);
	}
	for (i = 0; i < nr; i++) {
		if (seen[i] != 1)
			diag("%s: %u times", keys[i], seen[i]);
		EXPECT_EQ(1, seen[i]);
	}
}

TEST_F(ctx, documented_keys, "fdinfo has exactly the documented keys, that of a queue as well")
{
	struct ioasid_fault_queue_alloc args = { .argsz = sizeof(args), .entries = 8 };
	int queue = ioctl(self->fd, IOASID_FAULT_QUEUE_ALLOC, &args);

	ASSERT_LE(0, queue);
	check_keys(fdinfo_text(self->fd), false);
	check_keys(fdinfo_text(queue), true);
	close(queue);
}

TEST_F(ctx, units, "sizes carry the unit B, every value follows a tab")
{
	char *text = fdinfo_text(self->fd);

	for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
		char *tab = strstr(line, ":\t");
		bool bytes = strstr(line, "-bytes-") || strstr(line, "-mapped-") ||
			     strstr(line, "-pinned-") || strstr(line, "-registered") ||
			     strstr(line, "-present-") || strstr(line, "-left-out-");

		ASSERT_TRUE(tab);
		if (bytes != (strlen(tab) > 2 && !strcmp(tab + strlen(tab) - 2, " B")))
			FAIL("%s", line);
	}
}

static void check(struct fixture_ctx *self, int line, const char *key, uint64_t value)
{
	uint64_t seen = fdinfo_get_n(self->fd, key, self->id);

	if (seen == value)
		return;
	diag("line %d: %s is %lld, expected %lld", line, key, (long long)seen,
	     (long long)value);
	harness_fail(false);
}

#define CHECK(key, value) check(self, __LINE__, "ioasid-" key, value)

TEST_F(ctx, values, "values after known operations")
{
	CHECK("mappings", 0);
	test_map(self->fd, self->id, self->mem, 0, 4 * PAGE);
	test_map(self->fd, self->id, self->mem, MIB, 3 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, self->mem, 0, PAGE);
	CHECK("mappings", 2);
	CHECK("mapped", 7 * PAGE);
	CHECK("pinned", 7 * PAGE);
	CHECK("maps", 2);
	CHECK("map-errors", 1);
	CHECK("map-bytes", 7 * PAGE);
	CHECK("unmaps", 0);
	test_err_unmap(EINVAL, self->fd, self->id, 0, PAGE);
	test_err_unmap(ENOENT, self->fd, self->id, 2 * MIB, PAGE);
	test_unmap(self->fd, self->id, 0, 4 * PAGE);
	CHECK("mappings", 1);
	CHECK("mapped", 3 * PAGE);
	CHECK("pinned", 3 * PAGE);
	CHECK("unmaps", 1);
	CHECK("unmap-errors", 2);
	CHECK("unmap-bytes", 4 * PAGE);
	test_map(self->fd, self->id, self->mem, 0, PAGE);
	test_unmap_all(4 * PAGE, self->fd, self->id);
	CHECK("maps", 3);
	CHECK("map-bytes", 8 * PAGE);
	CHECK("unmaps", 2);
	CHECK("unmap-bytes", 8 * PAGE);
	CHECK("mapped", 0);
	CHECK("pinned", 0);
	CHECK("domains", 0);
	CHECK("invalidations", 0);	/* there is no domain */
	test_unmap_all(0, self->fd, self->id);
	CHECK("unmaps", 2);	/* nothing was removed */
	CHECK("unmap-errors", 2);
}

TEST_F(ctx, registered, "registered memory is counted apart from mapped memory")
{
	test_register(self->fd, self->mem, 4 * PAGE);
	test_register(self->fd, self->mem + 8 * PAGE, PAGE);
	EXPECT_EQ(2, fdinfo_get(self->fd, "ioasid-regions"));
	EXPECT_EQ(5 * PAGE, fdinfo_get(self->fd, "ioasid-registered"));
	test_map(self->fd, self->id, self->mem, 0, 4 * PAGE);
	CHECK("mapped", 4 * PAGE);
	CHECK("pinned", 0);
	test_unmap(self->fd, self->id, 0, 4 * PAGE);
	test_unregister(self->fd, self->mem, 4 * PAGE);
	EXPECT_EQ(1, fdinfo_get(self->fd, "ioasid-regions"));
	EXPECT_EQ(PAGE, fdinfo_get(self->fd, "ioasid-registered"));
}

static bool has_line(int fd, const char *line)
{
	char *text = fdinfo_text(fd), *at = strstr(text, line);
	bool found = at && (at == text || at[-1] == '\n') && at[strlen(line)] == '\n';

	if (!found)
		diag("no line \"%s\" in:\n%s", line, text);
	free(text);
	return found;
}

TEST_F(ctx, identity, "who opened a context: pid, name, door, number")
{
	int copy = dup(self->fd), other = test_open();
	char line[64];

	EXPECT_EQ(getpid(), fdinfo_get(self->fd, "ioasid-pid"));
	EXPECT_EQ(1, fdinfo_get(self->fd, "ioasid-abi"));
	EXPECT_EQ(1, fdinfo_get(self->fd, "ioasid-spaces"));
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-devices"));
	EXPECT_TRUE(has_line(self->fd, "ioasid-door:\tdev"));
	EXPECT_TRUE(has_line(self->fd, "ioasid-comm:\tfdinfo"));
	snprintf(line, sizeof(line), "ioasid-kind-%d:\tkernel", self->id);
	EXPECT_TRUE(has_line(self->fd, line));
	snprintf(line, sizeof(line), "ioasid-attached-%d:\t", self->id);
	EXPECT_TRUE(has_line(self->fd, line));
	EXPECT_EQ(fdinfo_get(self->fd, "ioasid-ctx"), fdinfo_get(copy, "ioasid-ctx"));
	EXPECT_LT(fdinfo_get(self->fd, "ioasid-ctx"), fdinfo_get(other, "ioasid-ctx"));
	EXPECT_EQ(fdinfo_get(self->fd, "ioasid-instance"), fdinfo_get(other, "ioasid-instance"));
	EXPECT_LT(0, fdinfo_get(self->fd, "ioasid-instance"));
}

TEST(names, "names with control bytes and other alphabets are escaped")
{
	int fd;

	ASSERT_EQ(0, prctl(PR_SET_NAME, "a\nb\x1b[\\\xc3\xa9"));
	fd = test_open();
	EXPECT_TRUE(has_line(fd, "ioasid-comm:\ta\\x0ab\\x1b[\\x5c\\xc3\\xa9"));
}

TEST_F(ctx, pid_namespace, "the opener's pid is 0 for a reader who cannot see it")
{
	pid_t pid;
	int status;

	ASSERT_EQ(0, unshare(CLONE_NEWPID));
	pid = fork();
	if (!pid) {
		EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-pid"));
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	EXPECT_EQ(getpid(), fdinfo_get(self->fd, "ioasid-pid"));
}

static void become_nobody(void)
{
	ASSERT_EQ(0, setgid(65534));
	ASSERT_EQ(0, setuid(65534));
	ASSERT_EQ(0, prctl(PR_SET_DUMPABLE, 1));
}

TEST_F(ctx, unprivileged, "a user without privileges reads what its own processes opened")
{
	char path[64], text[FDINFO_MAX];
	int status;
	pid_t pid;

	test_map(self->fd, self->id, self->mem, 0, 4 * PAGE);
	snprintf(path, sizeof(path), "/proc/%d/fdinfo/%d", getpid(), self->fd);
	pid = fork();
	if (!pid) {
		become_nobody();
		EXPECT_EQ(4 * PAGE, fdinfo_get_n(self->fd, "ioasid-mapped", self->id));
		EXPECT_TRUE(read_text(path, text, sizeof(text)) < 0);	/* still root's */
		EXPECT_TRUE(read_text(IOASID_DEBUGFS, text, sizeof(text)) < 0);
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
	become_nobody();
	pid = fork();
	if (!pid) {
		EXPECT_TRUE(read_text(path, text, sizeof(text)) > 0);
		EXPECT_TRUE(strstr(text, "ioasid-mapped-1:\t16384 B"));
		_exit(0);
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_EQ(0, status);
}

TEST_F(ctx, debugfs, "debugfs shows the same text for every context")
{
	int other = test_open();
	char text[1 << 16], *one, *two;

	test_map(self->fd, self->id, self->mem, 0, 4 * PAGE);
	test_register(other, self->mem, 4 * PAGE);
	ASSERT_TRUE(read_text(IOASID_DEBUGFS, text, sizeof(text)) > 0);
	one = strstr(text, fdinfo_text(self->fd));
	two = strstr(text, fdinfo_text(other));
	ASSERT_TRUE(one && two);
	EXPECT_TRUE(one < two);
	EXPECT_EQ('\n', one[strlen(fdinfo_text(self->fd))]);	/* an empty line */
}

TEST_F(ctx, devices, "attached devices, domains and invalidations")
{
	struct edu_device dev[2];
	char line[128];

	edu_device_open(&dev[0], 0);
	edu_device_open(&dev[1], 1);
	test_bind(dev[0].fd, self->fd, 1);
	EXPECT_EQ(1, fdinfo_get(self->fd, "ioasid-devices"));
	CHECK("domains", 0);
	test_attach(dev[0].fd, self->id);
	snprintf(line, sizeof(line), "ioasid-attached-%d:\t%s", self->id, dev[0].name);
	EXPECT_TRUE(has_line(self->fd, line));
	CHECK("domains", 1);
	test_bind(dev[1].fd, self->fd, 2);
	test_attach(dev[1].fd, self->id);
	EXPECT_EQ(2, fdinfo_get(self->fd, "ioasid-devices"));
	snprintf(line, sizeof(line), "ioasid-attached-%d:\t%s %s", self->id, dev[0].name,
		 dev[1].name);
	EXPECT_TRUE(has_line(self->fd, line));
	CHECK("domains", 1);	/* two devices of one kind share it */
	for (int i = 0; i < 3; i++)
		test_map(self->fd, self->id, self->mem, i * MIB, 4 * PAGE);
	CHECK("invalidations", 0);
	test_unmap(self->fd, self->id, 0, 4 * PAGE);
	CHECK("invalidations", 1);
	test_unmap_some(8 * PAGE, self->fd, self->id, 0, 4 * MIB);
	CHECK("invalidations", 2);	/* one for all mappings of the range */
	test_detach(dev[0].fd, self->id);
	test_detach(dev[1].fd, self->id);
	CHECK("domains", 0);
	edu_device_close(&dev[0]);
	edu_device_close(&dev[1]);
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-devices"));
}

#define EXPECT_KEY(value, n, key, id) EXPECT_EQ(value, fdinfo_get_n((n)->fd, "ioasid-" key, id))

TEST(nesting, "where a space stands in the tree, and who walks a user-managed table")
{
	struct user_nest nest, *n = &nest;
	int child, grandchild, user;

	user_nest_start(n, IOASID_SIM_CAP_NESTING);
	child = do_alloc_kind(n->fd, IOASID_KIND_KERNEL, n->parent, 0, 0);
	grandchild = test_create_nesting(n->fd, child);
	user = user_nest_alloc(n);
	EXPECT_KEY(0, n, "depth", n->parent);
	EXPECT_KEY(0, n, "parent", n->parent);
	EXPECT_KEY(2, n, "children", n->parent);
	EXPECT_KEY(0, n, "format", n->parent);
	EXPECT_KEY(1, n, "depth", child);
	EXPECT_KEY(n->parent, n, "parent", child);
	EXPECT_KEY(1, n, "children", child);
	EXPECT_KEY(2, n, "depth", grandchild);
	EXPECT_KEY(1, n, "depth", user);
	EXPECT_KEY(USER_FORMAT, n, "format", user);
	EXPECT_KEY(0, n, "nested", user);
	test_attach(n->dev, user);
	EXPECT_KEY(1, n, "nested", user);
	EXPECT_KEY(1, n, "domains", user);
	EXPECT_KEY(0, n, "nested", n->parent);
	test_free(n->fd, grandchild);
	EXPECT_KEY(0, n, "children", child);
	user_nest_stop(n);
}

TEST(user_invalidations, "what INVALIDATE_CACHE did, where the IOMMU walks the table")
{
	struct ioasid_invalidate req[2] = { { .pasid = 9, .flags = IOASID_INVALIDATE_PASID } };
	struct user_nest nest, *n = &nest;
	uint32_t nr = 2;
	int user;

	user_nest_start(n, IOASID_SIM_CAP_NESTING);
	user = user_nest_alloc(n);
	test_attach(n->dev, user);
	for (int i = 0; i < 3; i++)
		test_invalidate(n->fd, user, i * PAGE, PAGE);
	ASSERT_ERRNO(EINVAL, do_invalidations(n->fd, user, req, &nr));
	EXPECT_KEY(3, n, "user-invalidations", user);
	EXPECT_KEY(1, n, "user-invalidation-errors", user);
	EXPECT_KEY(3, n, "invalidations", user);
	EXPECT_KEY(0, n, "shadow-syncs", user);
	EXPECT_KEY(0, n, "shadow-walks", user);
	test_err_invalidate(EOPNOTSUPP, n->fd, n->parent, 0, 0);
	EXPECT_KEY(0, n, "user-invalidations", n->parent);
	EXPECT_KEY(0, n, "user-invalidation-errors", n->parent);
	user_nest_stop(n);
}

TEST(shadow, "and where the kernel follows it")
{
	struct user_nest nest, *n = &nest;
	int user;

	user_nest_start(n, 0);
	user_nest_set(n, 0, 0x40000);
	user = user_nest_alloc(n);
	test_attach(n->dev, user);
	EXPECT_KEY(0, n, "nested", user);
	EXPECT_KEY(1, n, "mappings", user);
	EXPECT_KEY(1, n, "shadow-syncs", user);
	EXPECT_KEY(0, n, "user-invalidations", user);
	/* A walk for each of the 512 leaves, and one past each higher entry. */
	EXPECT_LE(512, fdinfo_get_n(n->fd, "ioasid-shadow-walks", user));
	EXPECT_GE(4 * 512, fdinfo_get_n(n->fd, "ioasid-shadow-walks", user));
	user_nest_set(n, 0, 0);
	test_invalidate(n->fd, user, 0, PAGE);
	EXPECT_KEY(0, n, "mappings", user);
	EXPECT_KEY(2, n, "shadow-syncs", user);
	EXPECT_KEY(1, n, "user-invalidations", user);
	EXPECT_KEY(1, n, "invalidations", user);
	/* What changes nothing is followed, but no IOTLB has to forget it. */
	test_invalidate(n->fd, user, 0, PAGE);
	EXPECT_KEY(3, n, "shadow-syncs", user);
	EXPECT_KEY(2, n, "user-invalidations", user);
	EXPECT_KEY(1, n, "invalidations", user);
	user_nest_stop(n);
}

HARNESS_MAIN
