// SPDX-License-Identifier: GPL-2.0-only
/*
 * DMA sees exactly what the CPU sees, while the memory of a process is thrown away, moved,
 * write-protected, forked, swapped, merged, and the process killed.
 *
 * Owners have pages of their own, do things to them, and know at every moment what a device
 * has to find there. Adders, devices and CPUs, add to counters that everybody shares: none
 * may be lost, whatever copies are made of their pages. A disturber forks, pages out, fetches
 * and drops all of it. Rounds of IOASID_RACE_MS each, for IOASID_RACE_SECONDS, by seed
 * IOASID_RACE_SEED.
 */
#include <pthread.h>
#include <sys/wait.h>

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "mirror_util.h"

#define REGION		(4 * MIB)	/* half of it in huge pages */
#define OWNERS		2
#define OWNED		24		/* pages of an owner */
#define COUNTERS	8
#define DEVICES		(OWNERS + 2)
#define MINE		9U		/* a PASID of the user's choice */

enum how { MIRROR, SVA_KERNEL, SVA_USER, NR_HOW };

/* Shared with the process that runs the rounds. */
struct tally {
	uint64_t ops, adds, forks, failed;
	char why[128];
};

struct world {
	struct tally *tally;
	enum how how;
	uint64_t seed;
	int fd, space;
	uint32_t pasid;
	int dev[DEVICES];
	uint8_t *sram[DEVICES];
	uint8_t *mem;
	bool stop;
	uint64_t added[COUNTERS];	/* what the counters must be */
};

static struct world *world;		/* of this process */

static uint64_t setting(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

static uint64_t next_random(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}

#define stopped()	__atomic_load_n(&world->stop, __ATOMIC_RELAXED)

static void wrong(const char *what, unsigned long page, uint32_t status)
{
	if (!__atomic_fetch_add(&world->tally->failed, 1, __ATOMIC_RELAXED))
		snprintf(world->tally->why, sizeof(world->tally->why), "%s: page %lu, status %u",
			 what, page, status);
	__atomic_store_n(&world->stop, true, __ATOMIC_RELAXED);
}

static uint32_t dma(unsigned int dev, uint32_t op, const uint8_t *at, uint64_t len, uint64_t arg)
{
	struct ioasid_sim_request req = {
		.op = op, .flags = ASK, .len = len, .arg = arg,
		.iova = world->how == MIRROR ? GPA + (at - world->mem) : (uintptr_t)at,
	};

	if (world->how != MIRROR) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = world->pasid;
	}
	if (do_sim_dma(world->dev[dev], &req, 1) != 1)
		return ~0U;
	__atomic_fetch_add(&world->tally->ops, 1, __ATOMIC_RELAXED);
	return req.status;
}

/* A page that is taken away all the time may need more patience than a device has. */
static uint32_t patient_dma(unsigned int dev, uint32_t op, const uint8_t *at)
{
	uint32_t status = ~0U;

	for (int try = 0; try < 200 && status; try++)
		status = dma(dev, op, at, PAGE, 0);
	return status;
}

/*
 * Owners
 */
struct owner {
	unsigned int nr;
	uint64_t random;
	unsigned int seeds[OWNED];	/* what is in a page; 0: zeroes */
	uint8_t *spare;			/* a page to move things to and from */
};

/* Owners and counters take turns, so that they share huge pages. */
static unsigned long place(unsigned int owner, unsigned int i)
{
	return ((i * 40 + owner * 3) % (REGION / PAGE - COUNTERS)) + COUNTERS;
}

static bool is(const uint8_t *mem, unsigned int seed)
{
	static const uint8_t zeroes[PAGE];

	return seed ? mismatch(mem, PAGE, seed) == PAGE : !memcmp(mem, zeroes, PAGE);
}

static void expect_device(struct owner *o, unsigned int i, const char *after)
{
	unsigned long page = place(o->nr, i);
	uint32_t status;

	memset(world->sram[o->nr], 0x77, PAGE);
	status = patient_dma(o->nr, IOASID_SIM_OP_READ, world->mem + page * PAGE);
	if (status || !is(world->sram[o->nr], o->seeds[i]))
		wrong(after, page, status);
}

/* Elsewhere for a moment; what is left behind is empty. */
static void move_away(struct owner *o, unsigned int i, uint8_t *at)
{
	unsigned int seed = o->seeds[i];

	if (mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED | MREMAP_DONTUNMAP,
		   o->spare) != o->spare)
		return wrong("mremap", place(o->nr, i), errno);
	o->seeds[i] = 0;
	expect_device(o, i, "moved away");
	o->seeds[i] = seed;
	if (!is(o->spare, seed))
		wrong("moved", place(o->nr, i), 0);
	if (mremap(o->spare, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) != at ||
	    mmap(o->spare, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE,
		 -1, 0) != o->spare)
		wrong("mremap back", place(o->nr, i), errno);
}

static void protect(struct owner *o, unsigned int i, uint8_t *at)
{
	uint32_t status;

	mprotect(at, PAGE, PROT_READ);
	memset(world->sram[o->nr], 0x33, PAGE);
	status = dma(o->nr, IOASID_SIM_OP_WRITE, at, PAGE, 0);
	if (!status)
		wrong("wrote what is read-only", place(o->nr, i), 0);
	expect_device(o, i, "protected");
	mprotect(at, PAGE, PROT_READ | PROT_WRITE);
}

static void device_writes(struct owner *o, unsigned int i, uint8_t *at)
{
	uint32_t status;

	o->seeds[i] = 1 + next_random(&o->random) % 100;
	fill(world->sram[o->nr], PAGE, o->seeds[i]);
	status = patient_dma(o->nr, IOASID_SIM_OP_WRITE, at);
	if (status || !is(at, o->seeds[i]))
		wrong("device writes", place(o->nr, i), status);
}

static void act(struct owner *o)
{
	unsigned int i = next_random(&o->random) % OWNED;
	uint8_t *at = world->mem + place(o->nr, i) * PAGE;

	switch (next_random(&o->random) % 9) {
	case 0:
		o->seeds[i] = 1 + next_random(&o->random) % 100;
		fill(at, PAGE, o->seeds[i]);
		return expect_device(o, i, "written");
	case 1:
	case 2:
		return device_writes(o, i, at);
	case 3:
		madvise(at, PAGE, MADV_DONTNEED);
		o->seeds[i] = 0;
		return expect_device(o, i, "MADV_DONTNEED");
	case 4:
		return move_away(o, i, at);
	case 5:
		if (mmap(at, PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED, -1, 0) != at)
			wrong("mmap", place(o->nr, i), errno);
		o->seeds[i] = 0;
		return expect_device(o, i, "mmap");
	case 6:
		return protect(o, i, at);
	case 7:
		madvise(at, PAGE, MADV_PAGEOUT);
		return expect_device(o, i, "MADV_PAGEOUT");
	default:
		expect_device(o, i, "nothing");
		if (!is(at, o->seeds[i]))
			wrong("CPU", place(o->nr, i), 0);
	}
}

static void *own(void *data)
{
	struct owner *o = data;

	while (!stopped())
		act(o);
	return NULL;
}

/*
 * Adders
 */
static void *add_by_device(void *data)
{
	unsigned int dev = (uintptr_t)data;
	uint64_t random = world->seed + dev;

	while (!stopped()) {
		unsigned int i = next_random(&random) % COUNTERS;
		uint8_t *at = world->mem + i * PAGE + 64;

		if (!(random % 4))
			usleep(100);	/* leave the owners some time */
		if (dma(dev, IOASID_SIM_OP_ADD, at, 8, dev))
			continue;
		__atomic_fetch_add(&world->added[i], dev, __ATOMIC_RELAXED);
		__atomic_fetch_add(&world->tally->adds, 1, __ATOMIC_RELAXED);
	}
	return NULL;
}

static void *add_by_cpu(void *data)
{
	uint64_t random = world->seed + 99, counts[COUNTERS] = {};

	while (!stopped()) {
		unsigned int i = next_random(&random) % COUNTERS;

		__atomic_fetch_add((uint64_t *)(world->mem + i * PAGE + 64), 1, __ATOMIC_RELAXED);
		counts[i]++;
		if (!(random % 64))
			usleep(100);
	}
	for (int i = 0; i < COUNTERS; i++)
		__atomic_fetch_add(&world->added[i], counts[i], __ATOMIC_RELAXED);
	return data;
}

/*
 * Disturbers
 */
static void child(uint64_t random)
{
	for (int i = 0; i < 64; i++)
		world->mem[next_random(&random) % REGION] ^= 0xff;
	if (random & 1)
		usleep(random % 20000);
	_exit(0);
}

static void *disturb(void *data)
{
	uint64_t random = world->seed + 1234, bytes;
	uint64_t base = world->how == MIRROR ? GPA : (uintptr_t)world->mem;

	while (!stopped()) {
		uint64_t at = next_random(&random) % (REGION / PAGE) * PAGE;
		uint64_t len = REGION - at;
		pid_t pid;

		if (len > 64 * PAGE)
			len = 64 * PAGE;
		switch (next_random(&random) % 6) {
		case 0:
		case 1:
			pid = fork();
			if (!pid)
				child(random);
			__atomic_fetch_add(&world->tally->forks, 1, __ATOMIC_RELAXED);
			if (random % 3)
				waitpid(pid, NULL, 0);
			break;
		case 2:
			madvise(world->mem + at, len, MADV_PAGEOUT);
			break;
		case 3:
			do_prefetch(world->fd, world->space, base + at, len,
				    random % 2 ? IOASID_PREFETCH_WRITE : 0, &bytes);
			break;
		case 4:
			do_prefetch(world->fd, world->space, base + at, len,
				    IOASID_PREFETCH_DROP, &bytes);
			break;
		default:
			madvise(world->mem, MIB, random % 2 ? MADV_MERGEABLE : MADV_UNMERGEABLE);
			break;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return data;
}

/*
 * Rounds, each in a process of its own
 */
/* Children of a round that was killed may still have it open. */
static int open_device(uint32_t sim, int i)
{
	int fd = -1;

	for (int try = 0; try < 1000 && fd < 0; try++) {
		fd = do_sim_open(sim, i);
		if (fd < 0)
			usleep(10000);
	}
	ASSERT_LE(0, fd);
	return fd;
}

static void attach(struct world *w, uint32_t sim)
{
	uint32_t pasid;

	w->fd = test_open();
	w->space = do_alloc_kind(w->fd, w->how == MIRROR ? IOASID_KIND_MIRROR : IOASID_KIND_SVA,
				 IOASID_NONE, 0, 0);
	ASSERT_LT(0, w->space);
	for (int i = 0; i < DEVICES; i++) {
		w->dev[i] = open_device(sim, i);
		test_bind(w->dev[i], w->fd, SIM_COOKIE + i);
		w->sram[i] = sim_sram(w->dev[i]);
		if (w->how == MIRROR) {
			test_attach(w->dev[i], w->space);
		} else if (w->how == SVA_USER) {
			w->pasid = MINE;
			ASSERT_TRUE(!do_attach_pasid(w->dev[i], w->space, MINE));
		} else {
			ASSERT_TRUE(!do_attach_any(w->dev[i], w->space, &pasid));
			ASSERT_TRUE(!i || pasid == w->pasid);
			w->pasid = pasid;
		}
	}
	if (w->how == MIRROR)
		test_map(w->fd, w->space, w->mem, GPA, REGION);
}

static uint8_t *make_region(void)
{
	uint8_t *mem = mmap(NULL, REGION + 2 * MIB, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	mem = (uint8_t *)(((uintptr_t)mem + 2 * MIB - 1) & -(2 * MIB));
	madvise(mem, REGION / 2, MADV_HUGEPAGE);
	madvise(mem + REGION / 2, REGION / 2, MADV_NOHUGEPAGE);
	return mem;
}

static void run(struct world *w, uint32_t sim, unsigned int ms)
{
	struct owner owners[OWNERS] = {};
	pthread_t threads[OWNERS + 4];
	int n = 0;

	world = w;
	w->mem = make_region();
	attach(w, sim);
	for (int i = 0; i < OWNERS; i++) {
		owners[i].nr = i;
		owners[i].random = w->seed * (i + 3) | 1;
		owners[i].spare = mmap(NULL, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	}
	for (int i = 0; i < OWNERS; i++)
		ASSERT_TRUE(!pthread_create(&threads[n++], NULL, own, &owners[i]));
	for (int i = OWNERS; i < DEVICES; i++)
		ASSERT_TRUE(!pthread_create(&threads[n++], NULL, add_by_device,
					    (void *)(uintptr_t)i));
	ASSERT_TRUE(!pthread_create(&threads[n++], NULL, add_by_cpu, NULL));
	ASSERT_TRUE(!pthread_create(&threads[n++], NULL, disturb, NULL));
	usleep(ms * 1000);
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	while (n)
		pthread_join(threads[--n], NULL);
	for (int i = 0; i < COUNTERS; i++)
		if (*(uint64_t *)(w->mem + i * PAGE + 64) != w->added[i])
			wrong("a counter lost something", i, 0);
	_exit(0);
}

static void killed(pid_t pid, uint64_t ms)
{
	int status;

	usleep(ms * 1000);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
}

static void round_of(struct tally *tally, uint32_t sim, enum how how, uint64_t seed, bool kills)
{
	unsigned int ms = setting("IOASID_RACE_MS", 700);
	struct world w = { .tally = tally, .how = how, .seed = seed | 1 };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		run(&w, sim, ms);
	}
	if (kills) {
		killed(pid, 50 + seed % ms);
		kill(-pid, SIGKILL);	/* what it forked */
	} else {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_EQ(0, status);
	if (tally->failed)
		diag("%llu wrong (way %d, seed %llu): %s", (unsigned long long)tally->failed, how,
		     (unsigned long long)seed, tally->why);
	ASSERT_EQ(0, tally->failed);
}

TEST(race, "devices see what the CPU sees, whatever happens to the memory", .timeout = 3600)
{
	uint64_t seed = setting("IOASID_RACE_SEED", time(NULL) * 2654435761U + getpid());
	uint64_t until = time(NULL) + setting("IOASID_RACE_SECONDS", 5), rounds = 0;
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	struct ioasid_sim_stats stats;
	int64_t pins = machine_pins();
	struct tally *tally;
	uint32_t sim;

	if (ctl < 0)
		SKIP("ioasid_sim is not loaded");
	sim = sim_create(ctl, .nr_devices = DEVICES, .caps = MIRROR_CAPS, .pasid_bits = 16,
			 .prq_entries = 1024);
	tally = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(tally != MAP_FAILED);
	write_text("/sys/kernel/mm/ksm/run", "1");
	diag("seed %llu", (unsigned long long)seed);
	do {
		uint64_t random = (seed + rounds * 0x9e3779b97f4a7c15ULL) | 1;

		next_random(&random);
		round_of(tally, sim, rounds % NR_HOW, random, rounds / NR_HOW % 2);
		rounds++;
	} while (time(NULL) < until || rounds < 2 * NR_HOW);
	stats = sim_stats(ctl, sim);
	diag("%llu rounds, %llu requests, %llu additions, %llu forks, %llu page requests, %llu invalidations",
	     (unsigned long long)rounds, (unsigned long long)tally->ops,
	     (unsigned long long)tally->adds, (unsigned long long)tally->forks,
	     (unsigned long long)stats.page_requests, (unsigned long long)stats.invalidations);
	EXPECT_EQ(0, stats.stale);
	EXPECT_TRUE(machine_pins_become(pins));
	write_text("/sys/kernel/mm/ksm/run", "2");
}

HARNESS_MAIN
