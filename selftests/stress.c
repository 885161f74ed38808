// SPDX-License-Identifier: GPL-2.0-only
/*
 * Everything at once: threads that map, unmap, allocate, free, register, attach
 * and detach in one context. No result is asserted but the last: it all comes
 * back. What goes wrong inside shows in the kernel log, which the lab reads.
 */
#include <pthread.h>

#include "ioasid_util.h"

#define SECONDS	5
#define SLOTS	64
#define SLOT	(8 * PAGE)
#define SPACES	4

static struct stress {
	int fd;
	int ids[SPACES];
	char *mem;
	struct edu_device edu;
	volatile bool stop;
} s;

static void *mapper(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	unsigned long maps = 0;

	while (!s.stop) {
		int id = s.ids[rand_r(&seed) % SPACES];
		uint64_t iova = rand_r(&seed) % SLOTS * PAGE;
		uint64_t size = (1 + rand_r(&seed) % 8) * PAGE;
		char *mem = s.mem + rand_r(&seed) % SLOTS * PAGE;

		if (rand_r(&seed) % 16 == 0)
			iova = UINT64_MAX - size + 1;
		if (!do_map(s.fd, id, (uintptr_t)mem, iova, size, RW))
			maps++;
		if (rand_r(&seed) % 4 == 0)
			do_unmap_all(s.fd, id);
		else
			do_unmap(s.fd, id, rand_r(&seed) % SLOTS * PAGE, size);
	}
	diag("%lu mappings", maps);
	return NULL;
}

static void *allocator(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	unsigned long count = 0;

	while (!s.stop) {
		int slot = rand_r(&seed) % SPACES;
		int id;

		if (!do_free(s.fd, s.ids[slot]))
			count++;
		id = do_alloc(s.fd);
		if (id > 0)
			s.ids[slot] = id;
	}
	diag("%lu spaces", count);
	return NULL;
}

static void *registrar(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	unsigned long count = 0;

	while (!s.stop) {
		char *mem = s.mem + rand_r(&seed) % SLOTS * PAGE;
		uint64_t size = (1 + rand_r(&seed) % 32) * PAGE;

		if (do_register(s.fd, mem, size))
			continue;
		count++;
		while (do_unregister(s.fd, mem, size) && errno == EBUSY && !s.stop)
			usleep(100);
	}
	diag("%lu registrations", count);
	return NULL;
}

static void *attacher(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	unsigned long count = 0;

	while (!s.stop) {
		int id = s.ids[rand_r(&seed) % SPACES];

		if (do_attach(s.edu.fd, id))
			continue;
		count++;
		if (rand_r(&seed) % 2)
			usleep(rand_r(&seed) % 1000);
		do_detach(s.edu.fd, id);
	}
	diag("%lu attachments", count);
	return NULL;
}

static void *binder(void *arg)
{
	unsigned int seed = (uintptr_t)arg;
	unsigned long count = 0;

	while (!s.stop) {
		if (!do_bind(s.edu.fd, s.fd, 1))
			count++;
		do_attach(s.edu.fd, s.ids[rand_r(&seed) % SPACES]);
		usleep(rand_r(&seed) % 1000);
		do_unbind(s.edu.fd);
	}
	diag("%lu bindings", count);
	return NULL;
}

static void *looker(void *arg)
{
	struct ioasid_info info;
	char text[FDINFO_MAX];

	(void)arg;
	while (!s.stop) {
		free(fdinfo_text(s.fd));
		read_text(IOASID_DEBUGFS, text, sizeof(text));
		do_info(s.fd, s.ids[0], &info, sizeof(info));
		usleep(1000);
	}
	return NULL;
}

static void run(void *(**workers)(void *), unsigned int count)
{
	pthread_t threads[16];

	for (unsigned int i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_create(&threads[i], NULL, workers[i], (void *)(i + 1UL)));
	sleep(SECONDS);
	s.stop = true;
	for (unsigned int i = 0; i < count; i++)
		ASSERT_EQ(0, pthread_join(threads[i], NULL));
}

static void setup(void)
{
	s.fd = test_open();
	for (int i = 0; i < SPACES; i++)
		s.ids[i] = test_alloc(s.fd);
	s.mem = memory(2 * SLOTS * PAGE);
}

/* Closes the files in this order: device first, or not. */
static void finish(int64_t pins, bool device_first)
{
	if (device_first)
		edu_device_close(&s.edu);
	close(s.fd);
	if (!device_first)
		edu_device_close(&s.edu);
	EXPECT_TRUE(machine_pins_become(pins));
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
}

#define RUN(...) do {								\
	void *(*workers[])(void *) = { __VA_ARGS__ };				\
										\
	run(workers, ARRAY_SIZE(workers));					\
} while (0)

TEST(map_threads, "4 threads map and unmap in the same spaces", .timeout = 60)
{
	int64_t pins = machine_pins();

	s.edu.fd = -1;
	setup();
	RUN(mapper, mapper, mapper, mapper, looker);
	finish(pins, true);
}

TEST(free_threads, "spaces are freed while others map into them", .timeout = 60)
{
	int64_t pins = machine_pins();

	s.edu.fd = -1;
	setup();
	RUN(mapper, mapper, allocator, allocator, looker);
	finish(pins, true);
}

TEST(register_threads, "memory is registered and unregistered while others map", .timeout = 60)
{
	int64_t pins = machine_pins();

	s.edu.fd = -1;
	setup();
	RUN(mapper, mapper, registrar, registrar, looker);
	finish(pins, true);
}

TEST(attach_threads, "a device is attached and detached while others map and free",
     .timeout = 60)
{
	int64_t pins = machine_pins();

	edu_device_open(&s.edu, 0);
	setup();
	test_bind(s.edu.fd, s.fd, 1);
	RUN(mapper, mapper, allocator, attacher, attacher, looker);
	finish(pins, true);
}

TEST(bind_threads, "a device is bound and unbound while others attach it, map and free",
     .timeout = 60)
{
	int64_t pins = machine_pins();

	edu_device_open(&s.edu, 0);
	setup();
	RUN(mapper, allocator, registrar, attacher, binder, binder, looker);
	finish(pins, false);
}

HARNESS_MAIN
