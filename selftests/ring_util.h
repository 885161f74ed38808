/* SPDX-License-Identifier: GPL-2.0-only */
/* Submission rings of simulated devices, through libioasid. Include sim_fixture.h first. */
#ifndef IOASID_SELFTESTS_RING_UTIL_H
#define IOASID_SELFTESTS_RING_UTIL_H

#include <pthread.h>
#include <sys/eventfd.h>

#include <libioasid.h>

/* For what is to happen, and for a little while in which nothing may. */
#define RING_WAIT_MS	20000
#define RING_QUIET_MS	100

static inline struct ioasid_sim_queue ring_start(int dev, uint32_t sq_entries,
						 uint32_t cq_entries, uint32_t workers)
{
	struct ioasid_sim_queue queue;

	ASSERT_EQ(0, ioasid_sim_ring(dev, sq_entries, cq_entries, workers, -1, &queue));
	return queue;
}

/* The driver's counters of a ring; FDINFO_NONE without one */
static inline uint64_t ring_counter(int dev, const char *name)
{
	char path[64], text[FDINFO_MAX], key[64];

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", dev);
	snprintf(key, sizeof(key), "ioasid-sim-ring-%s", name);
	ASSERT_TRUE(read_text(path, text, sizeof(text)) > 0);
	return text_value(text, key, FDINFO_NONE);
}

/* Waits until a counter is that. */
static inline bool ring_becomes(int dev, const char *name, uint64_t value)
{
	for (int try = 0; try < RING_WAIT_MS / 10; try++) {
		if (ring_counter(dev, name) == value)
			return true;
		usleep(10000);
	}
	diag("%s is %llu, not %llu", name, (unsigned long long)ring_counter(dev, name),
	     (unsigned long long)value);
	return false;
}

/* All descriptors; room may have to be waited for. */
static inline void ring_submit(struct ioasid_sim_queue *queue,
			       const struct ioasid_sim_descriptor *descs, uint32_t nr)
{
	int n;

	for (int try = 0; nr && try < RING_WAIT_MS; try++) {
		n = ioasid_sim_submit(queue, descs, nr);
		ASSERT_LE(0, n);
		descs += n;
		nr -= n;
		if (nr)
			usleep(1000);
	}
	ASSERT_EQ(0, nr);
}

#define ring_put(queue, ...) do {						\
	struct ioasid_sim_descriptor __desc = { __VA_ARGS__ };			\
										\
	ring_submit(queue, &__desc, 1);						\
} while (0)

static inline struct ioasid_sim_completion ring_get(struct ioasid_sim_queue *queue)
{
	struct ioasid_sim_completion comp;

	ASSERT_EQ(1, ioasid_sim_wait(queue, RING_WAIT_MS));
	ASSERT_EQ(1, ioasid_sim_reap(queue, &comp, 1));
	return comp;
}

/* ring_do(queue, .op = ...): one request and its completion */
#define ring_do(queue, ...) ({							\
	struct ioasid_sim_completion __comp;					\
										\
	ring_put(queue, .user_data = 77, __VA_ARGS__);				\
	__comp = ring_get(queue);						\
	EXPECT_EQ(77, __comp.user_data);					\
	__comp;									\
})

static inline void ring_quiet(struct ioasid_sim_queue *queue)
{
	EXPECT_EQ(0, ioasid_sim_wait(queue, RING_QUIET_MS));
}

/* Kernel threads of a device's ring */
static inline int ring_threads(uint32_t id, uint32_t index)
{
	char path[PATH_MAX], name[32], text[64];
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int nr = 0;

	ASSERT_TRUE(dir);
	snprintf(name, sizeof(name), "sim%u.%u/r", id, index);
	while ((entry = readdir(dir))) {
		if (!isdigit(entry->d_name[0]))
			continue;
		snprintf(path, sizeof(path), "/proc/%s/comm", entry->d_name);
		if (read_text(path, text, sizeof(text)) > 0)
			nr += !strncmp(text, name, strlen(name));
	}
	closedir(dir);
	return nr;
}

/* Who has ended may be seen for a moment. */
static inline bool ring_threads_gone(uint32_t id, uint32_t index)
{
	for (int try = 0; try < RING_WAIT_MS / 10; try++) {
		if (!ring_threads(id, index))
			return true;
		usleep(10000);
	}
	return false;
}

#endif /* IOASID_SELFTESTS_RING_UTIL_H */
