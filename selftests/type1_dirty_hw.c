// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages of type1 containers whose IOMMU records them: what devices wrote is
 * reported, once, and nothing else is. Simulated devices, whose every write is known,
 * come as VFIO devices; type1_dirty_hw.sh brings the modules for that. See
 * type1_dirty.c for containers without such an IOMMU.
 */
#include <pthread.h>

#include "harness.h"
#include "modules/ioasid_testvfio.h"
#include "vfio_util.h"
#include "mdev_util.h"
#include "sim_util.h"

#define PARAMETER	"/sys/module/ioasid_vfio/parameters/dirty_tracking"
#define IOVA		0x40000000UL
#define NPAGES		64UL
#define RECORDS		(IOASID_SIM_CAP_DIRTY | IOASID_SIM_CAP_ATS)
#define MAX_DEVICES	4

/* A simulated device in VFIO's hands; group is -1: none */
struct vfio_sim {
	char name[32];
	int group;
	int fd;
};

FIXTURE(hw) {
	int ctl;
	int fd;			/* the container, with nothing in it yet */
	struct vfio_sim dev[MAX_DEVICES];
	struct mdev mdev;
	uint8_t *mem;		/* NPAGES */
};

/* Instances are persistent: VFIO's files would keep one that goes with its file. */
static void destroy_instances(int ctl)
{
	for (int id = 0; id < 64; id++)
		do_sim_destroy(ctl, id);
}

FIXTURE_SETUP(hw)
{
	for (int i = 0; i < MAX_DEVICES; i++)
		self->dev[i].group = self->dev[i].fd = -1;
	self->mdev.group = self->mdev.fd = -1;
	self->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (self->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	if (access("/sys/module/ioasid_testvfio", F_OK))
		SKIP("ioasid_testvfio is not loaded");
	if (write_text(PARAMETER, "Y"))
		SKIP("ioasid_vfio is not loaded");
	destroy_instances(self->ctl);
	self->fd = container_open();
	self->mem = memory(NPAGES * PAGE);
}

/* Takes the device out of its container. */
static void leave(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];

	if (dev->fd >= 0)
		close(dev->fd);
	if (dev->group >= 0)
		close(dev->group);
	dev->fd = dev->group = -1;
}

FIXTURE_TEARDOWN(hw)
{
	for (int i = 0; i < MAX_DEVICES; i++)
		leave(self, i);
	mdev_close(&self->mdev);
	close(self->fd);
	destroy_instances(self->ctl);
	write_text(PARAMETER, "N");
}

/* Device nr's group, open */
static void open_group(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/devices/platform/%s/iommu_group", dev->name);
	len = readlink(path, link, sizeof(link) - 1);
	ASSERT_LT(0, len);
	link[len] = 0;
	dev->group = group_open_nr(atoi(strrchr(link, '/') + 1));
	ASSERT_LE(0, dev->group);
}

/* A new device behind an IOMMU of its own, in no container */
static void create(struct fixture_hw *self, int nr, uint32_t caps)
{
	struct vfio_sim *dev = &self->dev[nr];
	int id = sim_create(self->ctl, .nr_devices = 1, .caps = caps, .flags = IOASID_SIM_PERSIST);

	snprintf(dev->name, sizeof(dev->name), "sim%d.0", id);
	open_group(self, nr);
}

static void start(struct fixture_hw *self, int nr)
{
	struct vfio_sim *dev = &self->dev[nr];

	dev->fd = ioctl(dev->group, VFIO_GROUP_GET_DEVICE_FD, dev->name);
	ASSERT_LE(0, dev->fd);
}

/* Into the container, as its first group or as another */
static void join(struct fixture_hw *self, int nr)
{
	ASSERT_TRUE(group_add(self->dev[nr].group, self->fd));
	if (ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		ASSERT_EQ(EINVAL, errno);	/* it has one already */
	start(self, nr);
}

static void map_mem(struct fixture_hw *self)
{
	ASSERT_EQ(0, t1_map(self->fd, self->mem, IOVA, NPAGES * PAGE));
}

/* A container with a device behind an IOMMU with these capabilities, and mem */
static void begin(struct fixture_hw *self, uint32_t caps)
{
	create(self, 0, caps);
	join(self, 0);
	map_mem(self);
}

static uint64_t at(unsigned int page)
{
	return IOVA + page * PAGE;
}

static uint32_t dma(const struct vfio_sim *dev, uint32_t op, uint64_t iova, uint64_t len,
		    uint64_t arg)
{
	struct ioasid_sim_request req = {
		.op = op, .iova = iova, .len = len, .arg = arg, .status = ~0U,
	};

	ASSERT_EQ(0, ioctl(dev->fd, TESTVFIO_DMA, &req));
	return req.status;
}

static uint32_t writes(struct fixture_hw *self, int nr, unsigned int page)
{
	return dma(&self->dev[nr], IOASID_SIM_OP_FILL, at(page) + 8 * (page % NPAGES), 8,
		   page);
}

static uint64_t dirty(struct fixture_hw *self)
{
	uint64_t bits = 0;

	ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	return bits;
}

#define EXPECT_WRITES(self, nr, page) EXPECT_EQ(IOASID_SIM_OK, writes(self, nr, page))

/*
 * Which containers
 */
TEST_F(hw, off, "without the parameter all that is mapped is dirty, as in type1")
{
	ASSERT_EQ(0, write_text(PARAMETER, "N"));
	begin(self, RECORDS);
	/* Of the container's first group, whatever is said later */
	ASSERT_EQ(0, write_text(PARAMETER, "Y"));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
	create(self, 1, 0);
	join(self, 1);
	EXPECT_WRITES(self, 1, 3);
	create(self, 2, RECORDS);
	join(self, 2);
	EXPECT_WRITES(self, 2, 4);
	EXPECT_EQ(~0ULL, dirty(self));
}

TEST_F(hw, incapable, "so it is with a first group whose IOMMU records nothing")
{
	begin(self, IOASID_SIM_CAP_ATS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(~0ULL, dirty(self));
	create(self, 1, RECORDS);
	join(self, 1);
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
}

TEST_F(hw, refused, "where writes are recorded, others are refused, and nothing changes")
{
	struct t1_info before, after;
	int other;

	begin(self, RECORDS);
	create(self, 1, IOASID_SIM_CAP_ATS);
	ASSERT_EQ(0, t1_info(self->fd, &before, sizeof(before)));
	for (int tracked = 0; tracked < 2; tracked++) {
		if (tracked)
			ASSERT_EQ(0, t1_dirty_start(self->fd));
		EXPECT_WRITES(self, 0, 5);
		EXPECT_FALSE(group_add(self->dev[1].group, self->fd));
		EXPECT_EQ(EINVAL, errno);
	}
	EXPECT_EQ(1 << 5, dirty(self));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, t1_info(self->fd, &after, sizeof(after)));
	EXPECT_EQ(0, memcmp(&before, &after, sizeof(before)));
	EXPECT_WRITES(self, 0, 6);
	EXPECT_EQ(1 << 6, dirty(self));
	/* As QEMU does then */
	other = container_open();
	ASSERT_TRUE(group_add(self->dev[1].group, other));
	ASSERT_EQ(0, ioctl(other, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	EXPECT_EQ(0, t1_map(other, self->mem, IOVA, NPAGES * PAGE));
	start(self, 1);
	EXPECT_WRITES(self, 1, 7);
	EXPECT_EQ(0, dirty(self));
	/* It is one of the other kind. */
	create(self, 2, RECORDS);
	EXPECT_TRUE(group_add(self->dev[2].group, other));
	leave(self, 1);
	leave(self, 2);
	close(other);
}

/*
 * What is reported
 */
TEST_F(hw, once, "what was written is reported, and clean then; nothing else is")
{
	uint64_t many[3] = { 0, 0, ~0ULL };

	begin(self, RECORDS);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, at(NPAGES + 3), 4 * PAGE, RO));
	EXPECT_WRITES(self, 0, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 1);
	/* From the end of page 62 to the beginning of the last */
	EXPECT_EQ(IOASID_SIM_OK, dma(&self->dev[0], IOASID_SIM_OP_FILL, at(63) - 1, 2, 1));
	EXPECT_EQ(IOASID_SIM_OK, dma(&self->dev[0], IOASID_SIM_OP_READ, IOVA, NPAGES * PAGE, 0));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, writes(self, 0, NPAGES + 4));
	ASSERT_EQ(0, t1_dirty_get(self->fd, at(0) - 3 * PAGE, 128 * PAGE, many, 16));
	EXPECT_EQ(1 << 4, many[0]);
	EXPECT_EQ(3 << 1, many[1]);
	EXPECT_EQ(~0ULL, many[2]);
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 1);
	EXPECT_WRITES(self, 0, 1);
	EXPECT_EQ(1 << 1, dirty(self));
	EXPECT_EQ(0, dirty(self));
}

TEST_F(hw, restart, "stopped, nothing is recorded; started again, nothing is dirty")
{
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	/* Started already: what is dirty stays so. */
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_ERRNO(EINVAL, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, (void *)self->mem, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(1 << 2, dirty(self));
}

TEST_F(hw, no_bitmap, "what could not be told is told the next time")
{
	uint64_t *bits = memory(2 * PAGE);
	const size_t npages = PAGE * 8 + 64;	/* a page of bits and a word */
	uint8_t *mem = mmap(NULL, npages * PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 9);
	EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, (void *)PAGE, 8));
	ASSERT_EQ(0, mprotect(bits, PAGE, PROT_READ));
	EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, bits, 8));
	EXPECT_EQ(1 << 9, dirty(self));
	ASSERT_EQ(NPAGES * PAGE, t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	ASSERT_EQ(0, mprotect(bits, PAGE, PROT_READ | PROT_WRITE));

	/* The first half of a bitmap is there, the other is not. */
	ASSERT_EQ(0, t1_map(self->fd, mem, IOVA, npages * PAGE));
	for (int round = 0; round < 2; round++) {
		EXPECT_WRITES(self, 0, 1);
		EXPECT_WRITES(self, 0, npages - 1);
		ASSERT_EQ(0, mprotect(&bits[PAGE / 8], PAGE, PROT_NONE));
		EXPECT_ERRNO(EFAULT, t1_dirty_get(self->fd, IOVA, npages * PAGE, bits, 2 * PAGE));
		ASSERT_EQ(0, mprotect(&bits[PAGE / 8], PAGE, PROT_READ | PROT_WRITE));
		EXPECT_EQ(1 << 1, bits[0]);
		ASSERT_EQ(0, t1_dirty_get(self->fd, IOVA, npages * PAGE, bits, 2 * PAGE));
		EXPECT_EQ(0, bits[0]);
		EXPECT_EQ(1ULL << 63, bits[PAGE / 8]);
		bits[PAGE / 8] = 0;
	}
	munmap(mem, npages * PAGE);
}

/*
 * Groups come and go
 */
TEST_F(hw, several, "who comes while pages are tracked is recorded, who goes has written")
{
	begin(self, RECORDS);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 0);
	create(self, 1, RECORDS);
	join(self, 1);
	EXPECT_WRITES(self, 1, 1);
	EXPECT_EQ(3, dirty(self));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_WRITES(self, 1, 3);
	leave(self, 1);
	EXPECT_EQ(0xc, dirty(self));
	EXPECT_EQ(0, dirty(self));
	open_group(self, 1);
	join(self, 1);
	EXPECT_WRITES(self, 1, 4);
	EXPECT_EQ(1 << 4, dirty(self));
}

/* A container with a mediated device that all groups may leave */
static void begin_mediated(struct fixture_hw *self)
{
	mdev_group(&self->mdev, 0);
	ASSERT_TRUE(group_add(self->mdev.group, self->fd));
	ASSERT_EQ(0, ioctl(self->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU));
	mdev_start(&self->mdev);
	map_mem(self);
}

TEST_F(hw, mediated_first, "mapped and tracked before the first device that is recorded")
{
	uint64_t word = 1;

	begin_mediated(self);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, rw_write(&self->mdev, at(1), &word, 8));
	create(self, 0, RECORDS);
	join(self, 0);
	EXPECT_WRITES(self, 0, 2);
	EXPECT_EQ(6, dirty(self));
	EXPECT_EQ(0, dirty(self));
	/* What the kernel writes is added, and pinned pages are dirty always. */
	EXPECT_WRITES(self, 0, 4);
	EXPECT_EQ(0, rw_write(&self->mdev, at(3), &word, 8));
	ASSERT_EQ(1, pin(&self->mdev, at(5), 1));
	EXPECT_EQ(0x38, dirty(self));
	EXPECT_EQ(0x20, dirty(self));
	ASSERT_EQ(0, unpin(&self->mdev, at(5), 1));
	EXPECT_EQ(0x20, dirty(self));
	EXPECT_EQ(0, dirty(self));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	EXPECT_EQ(4, dirty(self));
}

TEST_F(hw, last_leaves, "when all have left, the next group decides again")
{
	begin_mediated(self);
	create(self, 0, RECORDS);
	create(self, 1, IOASID_SIM_CAP_ATS);
	join(self, 0);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	leave(self, 0);
	/* Without a device, and with it again, nothing is lost. */
	EXPECT_EQ(2, dirty(self));
	EXPECT_EQ(0, dirty(self));
	open_group(self, 0);
	join(self, 0);
	EXPECT_WRITES(self, 0, 2);
	leave(self, 0);
	open_group(self, 0);
	join(self, 0);
	EXPECT_EQ(4, dirty(self));
	leave(self, 0);
	/* One that is not recorded may have written anywhere. */
	join(self, 1);
	EXPECT_WRITES(self, 1, 3);
	EXPECT_EQ(~0ULL, dirty(self));
	EXPECT_EQ(~0ULL, dirty(self));
	leave(self, 1);
	open_group(self, 0);
	join(self, 0);
	EXPECT_EQ(~0ULL, dirty(self));
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 4);
	EXPECT_EQ(1 << 4, dirty(self));
}

TEST_F(hw, first_fails, "a first group that does not fit changes nothing")
{
	begin_mediated(self);
	create(self, 0, RECORDS);
	join(self, 0);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	leave(self, 0);
	/* Beyond what the next one can address */
	ASSERT_EQ(0, t1_map(self->fd, self->mem, 1ULL << 40, PAGE));
	for (int records = 0; records < 2; records++) {
		int id = sim_create(self->ctl, .nr_devices = 1, .addr_width = 39,
				    .caps = records ? RECORDS : 0, .flags = IOASID_SIM_PERSIST);

		snprintf(self->dev[1].name, sizeof(self->dev[1].name), "sim%d.0", id);
		open_group(self, 1);
		EXPECT_FALSE(group_add(self->dev[1].group, self->fd));
		leave(self, 1);
	}
	EXPECT_EQ(2, dirty(self));
	open_group(self, 0);
	join(self, 0);
	EXPECT_WRITES(self, 0, 3);
	EXPECT_EQ(8, dirty(self));
}

/*
 * UNMAP with a bitmap
 */
TEST_F(hw, unmap, "UNMAP reports what could be written until then, and forgets it")
{
	uint64_t bits = 0;

	begin(self, RECORDS);
	ASSERT_EQ(0, t1_map_flags(self->fd, self->mem, at(NPAGES), 32 * PAGE, RO));
	ASSERT_EQ(0, t1_map(self->fd, self->mem, at(NPAGES + 32), 32 * PAGE));
	EXPECT_ERRNO(EINVAL, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_WRITES(self, 0, 1);
	EXPECT_ERRNO(EFAULT, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, (void *)PAGE, 8));
	EXPECT_EQ(2, dirty(self));
	EXPECT_WRITES(self, 0, 2);
	/* Read-only memory is clean. */
	EXPECT_EQ(64 * (int64_t)PAGE,
		  t1_unmap_dirty(self->fd, at(NPAGES), 64 * PAGE, &bits, 8));
	EXPECT_EQ(0xffffffff00000000ULL, bits);
	EXPECT_EQ(4, dirty(self));
	EXPECT_WRITES(self, 0, 3);
	bits = 0;
	EXPECT_EQ(64 * (int64_t)PAGE, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
	EXPECT_EQ(~0ULL, bits);
	map_mem(self);
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 4);
	ASSERT_EQ(NPAGES * PAGE, t1_unmap(self->fd, IOVA, NPAGES * PAGE));
	map_mem(self);
	EXPECT_EQ(0, dirty(self));
}

/*
 * A copy that is kept up to date by what is reported, as migration does
 */
struct writer {
	struct vfio_sim *dev;
	unsigned int seed;
	bool stop;
	unsigned long done;
};

static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		uint64_t iova = at(rand_r(&w->seed) % NPAGES) + rand_r(&w->seed) % (PAGE / 8) * 8;
		struct ioasid_sim_request req = {
			.op = IOASID_SIM_OP_ADD, .iova = iova, .len = 8, .arg = 1,
		};

		ASSERT_EQ(0, ioctl(w->dev->fd, TESTVFIO_DMA, &req));
		w->done += req.status == IOASID_SIM_OK;
	}
	return NULL;
}

static void copy_dirty(struct fixture_hw *self, uint8_t *copy, uint64_t bits)
{
	for (unsigned int page = 0; page < NPAGES; page++)
		if (bits >> page & 1)
			memcpy(copy + page * PAGE, self->mem + page * PAGE, PAGE);
}

static void run_writers(struct fixture_hw *self, struct writer *w, pthread_t *threads, bool run)
{
	for (int i = 0; i < 2; i++) {
		w[i].stop = !run;
		if (run) {
			w[i].dev = &self->dev[i];
			w[i].seed = i;
			ASSERT_EQ(0, pthread_create(&threads[i], NULL, write_on, &w[i]));
		} else {
			pthread_join(threads[i], NULL);
		}
	}
}

TEST_F(hw, migrate, "a copy of what is reported is complete, while two devices write", .timeout = 60)
{
	uint8_t *copy = memory(NPAGES * PAGE);
	struct writer w[2] = { };
	pthread_t threads[2];
	unsigned int clean = 0;
	uint64_t bits;

	begin(self, RECORDS);
	create(self, 1, RECORDS);
	join(self, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	run_writers(self, w, threads, true);
	for (int i = 0; i < 2000; i++) {
		bits = dirty(self);
		clean += NPAGES - __builtin_popcountll(bits);
		copy_dirty(self, copy, bits);
	}
	run_writers(self, w, threads, false);
	copy_dirty(self, copy, dirty(self));
	EXPECT_EQ(0, memcmp(copy, self->mem, NPAGES * PAGE));
	EXPECT_EQ(0, dirty(self));
	/* Not everything was reported each time. */
	EXPECT_LT(0, clean);
	EXPECT_LT(0, w[0].done + w[1].done);
	diag("%lu writes, %u of %lu pages clean", w[0].done + w[1].done, clean, 2000 * NPAGES);
}

TEST_F(hw, unmap_race, "no write that comes until a page is unmapped is lost", .timeout = 60)
{
	uint8_t *copy = memory(NPAGES * PAGE);
	struct writer w[2] = { };
	pthread_t threads[2];
	uint64_t bits;

	begin(self, RECORDS);
	create(self, 1, RECORDS);
	join(self, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	run_writers(self, w, threads, true);
	for (int i = 0; i < 1000; i++) {
		copy_dirty(self, copy, dirty(self));
		bits = 0;
		ASSERT_EQ(NPAGES * PAGE,
			  t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
		copy_dirty(self, copy, bits);
		ASSERT_EQ(0, memcmp(copy, self->mem, NPAGES * PAGE));
		map_mem(self);
	}
	run_writers(self, w, threads, false);
	EXPECT_LT(0, w[0].done + w[1].done);
}

/*
 * Against a model
 */
struct model {
	struct fixture_hw *self;
	unsigned int seed;
	bool tracked;
	bool in[2];
	uint64_t mapped;	/* a bit for each eight pages, which are one mapping */
	uint64_t dirty;		/* by device */
};

static unsigned int below(struct model *m, unsigned int n)
{
	return (rand_r(&m->seed) >> 4) % n;
}

static bool is_mapped(const struct model *m, unsigned int page)
{
	return m->mapped >> page / 8 & 1;
}

static void random_write(struct model *m)
{
	unsigned int nr = below(m, 2), page = below(m, NPAGES), n = 1 + below(m, 3), i;
	uint32_t status;

	if (!m->in[nr])
		return;
	status = dma(&m->self->dev[nr], IOASID_SIM_OP_FILL, at(page) + PAGE / 2, (n - 1) * PAGE + 8,
		     m->seed);
	for (i = 0; i < n && page + i < NPAGES && is_mapped(m, page + i); i++)
		m->dirty |= m->tracked ? 1ULL << (page + i) : 0;
	EXPECT_EQ(i == n, status == IOASID_SIM_OK);
}

static void random_map(struct model *m)
{
	unsigned int i = below(m, 8);
	uint64_t pages = 0xffULL << i * 8, bits = 0;
	int fd = m->self->fd;

	m->mapped ^= 1ULL << i;
	if (is_mapped(m, i * 8)) {
		ASSERT_EQ(0, t1_map(fd, m->self->mem + i * 8 * PAGE, at(i * 8), 8 * PAGE));
	} else if (m->tracked && below(m, 2)) {
		ASSERT_EQ(8 * PAGE, t1_unmap_dirty(fd, at(i * 8), 8 * PAGE, &bits, 8));
		EXPECT_EQ(0xff, bits);
	} else {
		ASSERT_EQ(8 * PAGE, t1_unmap(fd, at(i * 8), 8 * PAGE));
	}
	m->dirty &= ~pages;
}

static void random_get(struct model *m)
{
	unsigned int first = below(m, 8), n = 1 + below(m, 8 - first);
	uint64_t mask = (n == 8 ? 0 : 1ULL << n * 8) - 1, bits = 0;
	int rc = t1_dirty_get(m->self->fd, at(first * 8), n * 8 * PAGE, &bits, 8);

	if (!m->tracked) {
		EXPECT_ERRNO(EINVAL, rc);
		return;
	}
	ASSERT_EQ(0, rc);
	EXPECT_EQ(m->dirty >> first * 8 & mask, bits);
	m->dirty &= ~(mask << first * 8);
}

static void random_switch(struct model *m)
{
	if (m->tracked)
		ASSERT_EQ(0, t1_dirty_stop(m->self->fd));
	else
		ASSERT_EQ(0, t1_dirty_start(m->self->fd));
	m->tracked = !m->tracked;
	m->dirty = 0;
}

static void random_group(struct model *m)
{
	int nr = below(m, 2);

	if (m->in[nr]) {
		leave(m->self, nr);
	} else {
		open_group(m->self, nr);
		join(m->self, nr);
	}
	m->in[nr] = !m->in[nr];
}

static void random_step(struct model *m)
{
	unsigned int what = below(m, 100);

	if (what < 55)
		random_write(m);
	else if (what < 75)
		random_get(m);
	else if (what < 90)
		random_map(m);
	else if (what < 95)
		random_switch(m);
	else
		random_group(m);
}

TEST_F(hw, model, "random writes, maps, groups, starts and stops: exactly what a model says",
       .timeout = 120)
{
	const char *seed = getenv("IOASID_DIRTY_SEED");
	struct model m = { .self = self, .seed = seed ? strtoul(seed, NULL, 0) : time(NULL) };

	diag("IOASID_DIRTY_SEED=%u", m.seed);
	/* Keeps the container when both devices are out of it. */
	begin_mediated(self);
	for (int i = 0; i < 8; i++)
		ASSERT_EQ(i ? 0 : NPAGES * PAGE, t1_unmap_all(self->fd));
	for (int nr = 0; nr < 2; nr++) {
		create(self, nr, RECORDS);
		join(self, nr);
		m.in[nr] = true;
	}
	for (int i = 0; i < 20000 && !harness_shared->failed; i++)
		random_step(&m);
}

HARNESS_MAIN
