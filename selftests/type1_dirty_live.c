// SPDX-License-Identifier: GPL-2.0-only
/*
 * Dirty pages of type1 containers whose IOMMU records them (see type1_dirty_hw.c),
 * while devices write, and while everything changes.
 */
#include <pthread.h>

#include "type1_dirty_fixture.h"

/*
 * A copy that is kept up to date by what is reported, as migration does
 */
struct writer {
	struct vfio_sim *dev;
	unsigned int seed;
	bool stop;
	unsigned long done;
	int error; /* after which it does nothing */
};

static void *write_on(void *arg)
{
	struct writer *w = arg;

	while (!__atomic_load_n(&w->stop, __ATOMIC_RELAXED)) {
		uint64_t iova = at(rand_r(&w->seed) % NPAGES) + rand_r(&w->seed) % (PAGE / 8) * 8;
		struct ioasid_sim_request req = {
			.op = IOASID_SIM_OP_ADD,
			.iova = iova,
			.len = 8,
			.arg = 1,
		};

		if (ioctl(w->dev->fd, TESTVFIO_DMA, &req)) {
			w->error = errno;
			break;
		}
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
			EXPECT_EQ(0, w[i].error);
		}
	}
}

TEST_F(hw, migrate, "a copy of what is reported is complete, while two devices write",
       .timeout = 60)
{
	uint8_t *copy = memory(NPAGES * PAGE);
	struct writer w[2] = {};
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
	struct writer w[2] = {};
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
		ASSERT_EQ(NPAGES * PAGE, t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8));
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
	uint64_t mapped; /* a bit for each eight pages, which are one mapping */
	uint64_t dirty; /* by device */
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

/*
 * Everything at once
 */
static void *ask(void *arg)
{
	struct fixture_hw *self = arg;
	uint64_t bits;

	for (int i = 0; i < 1000; i++) {
		/* Not while it is stopped */
		if (t1_dirty_get(self->fd, IOVA, NPAGES * PAGE, &bits, 8))
			ASSERT_EQ(EINVAL, errno);
		if (i % 50 == 0) {
			ASSERT_EQ(0, t1_dirty_stop(self->fd));
			ASSERT_EQ(0, t1_dirty_start(self->fd));
		}
	}
	return NULL;
}

static void *remap(void *arg)
{
	struct fixture_hw *self = arg;
	uint64_t bits;

	for (int i = 0; i < 500; i++) {
		if (i % 2) {
			ASSERT_EQ(NPAGES * PAGE, t1_unmap(self->fd, IOVA, NPAGES * PAGE));
		} else if (t1_unmap_dirty(self->fd, IOVA, NPAGES * PAGE, &bits, 8) < 0) {
			ASSERT_EQ(EINVAL, errno);
			continue;
		}
		map_mem(self);
	}
	return NULL;
}

TEST_F(hw, threads, "threads that ask, switch, map and move groups at the same time",
       .timeout = 120)
{
	struct writer w = { .dev = &self->dev[0] };
	pthread_t threads[4];

	begin(self, RECORDS);
	create(self, 1, RECORDS);
	leave(self, 1);
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	ASSERT_EQ(0, pthread_create(&threads[0], NULL, write_on, &w));
	ASSERT_EQ(0, pthread_create(&threads[1], NULL, ask, self));
	ASSERT_EQ(0, pthread_create(&threads[2], NULL, ask, self));
	ASSERT_EQ(0, pthread_create(&threads[3], NULL, remap, self));
	for (int i = 0; i < 100; i++) {
		open_group(self, 1);
		join(self, 1);
		writes(self, 1, i % NPAGES);
		leave(self, 1);
	}
	for (int i = 1; i < 4; i++)
		pthread_join(threads[i], NULL);
	__atomic_store_n(&w.stop, true, __ATOMIC_RELAXED);
	pthread_join(threads[0], NULL);
	EXPECT_EQ(0, w.error);
	ASSERT_EQ(0, t1_dirty_stop(self->fd));
	ASSERT_EQ(0, t1_dirty_start(self->fd));
	EXPECT_EQ(0, dirty(self));
	EXPECT_WRITES(self, 0, 7);
	EXPECT_EQ(1 << 7, dirty(self));
}

HARNESS_MAIN
