// SPDX-License-Identifier: GPL-2.0-only
/*
 * IOASID_ALLOC_SVA_PINNED while the memory of the process is thrown away, moved, replaced,
 * write-protected, forked, offered to KSM, and the process killed: a device has what the CPU
 * has, or nothing for a moment.
 *
 * Owners have pages of their own, of which they know what must be there. A busy device writes
 * all the time where a churner unmaps and maps, and another process looks whether what it gets
 * from the kernel stays as it is: the canary. Rounds of IOASID_RACE_MS each, for
 * IOASID_RACE_SECONDS, by seed IOASID_RACE_SEED.
 */
#include <pthread.h>

#include "pinned_util.h"

#define REGION	(2 * BIG) /* half of it in huge pages */
#define OWNERS	2
#define OWNED	24 /* pages of an owner */
#define CHURNED 16 /* where the busy device writes */
#define MARK	0xee /* what */
#define CANARY	(64 * PAGE)
#define DEVICES (OWNERS + 1)

/* Shared with the process that runs the rounds. */
struct tally {
	uint64_t ops, waits, heals, maps, forks, canaries, writes, failed;
	char why[128];
};

struct world {
	struct tally *tally;
	uint64_t seed;
	int fd, space;
	bool by_pasid;
	int dev[DEVICES];
	uint8_t *sram[DEVICES];
	uint8_t *mem, *churn;
	bool stop;
	/* While there are holes nobody else maps anything, such as stacks of threads. */
	pthread_barrier_t ready;
};

static struct world *world; /* of this process */

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

#define stopped()   __atomic_load_n(&world->stop, __ATOMIC_RELAXED)
static uint64_t count(uint64_t *what)
{
	return __atomic_fetch_add(what, 1, __ATOMIC_RELAXED);
}

static void wrong(const char *what, unsigned long page, uint32_t status)
{
	if (!count(&world->tally->failed))
		snprintf(world->tally->why, sizeof(world->tally->why), "%s: page %lu, status %u",
			 what, page, status);
	__atomic_store_n(&world->stop, true, __ATOMIC_RELAXED);
}

static struct ioasid_sim_request request(uint32_t op, const uint8_t *at, uint64_t arg)
{
	return (struct ioasid_sim_request){
		.op = op,
		.len = PAGE,
		.arg = arg,
		.iova = (uintptr_t)at,
		.flags = world->by_pasid ? IOASID_SIM_REQ_PASID : 0,
		.pasid = world->by_pasid ? MINE : 0,
	};
}

static uint32_t dma_at(unsigned int dev, uint32_t op, const uint8_t *at)
{
	struct ioasid_sim_request req = request(op, at, 0);

	if (do_sim_dma(world->dev[dev], &req, 1) != 1)
		return ~0U;
	count(&world->tally->ops);
	return req.status;
}

/*
 * Owners
 */
struct owner {
	unsigned int nr;
	uint64_t random;
	unsigned int seeds[OWNED]; /* what is in a page; 0: zeroes */
	uint8_t *spare; /* a page to move things to and from */
};

/* Owners take turns, so that they share huge pages. */
static unsigned long place(unsigned int owner, unsigned int i)
{
	return (i * 40 + owner * 3) % (REGION / PAGE);
}

static bool is(const uint8_t *mem, unsigned int seed)
{
	static const uint8_t zeroes[PAGE];

	return seed ? mismatch(mem, PAGE, seed) == PAGE : !memcmp(mem, zeroes, PAGE);
}

/* Whether the device had it; if so it must be right. */
static bool looks(struct owner *o, unsigned int i, const char *after)
{
	unsigned long page = place(o->nr, i);
	uint32_t status;

	memset(world->sram[o->nr], 0x77, PAGE);
	status = dma_at(o->nr, IOASID_SIM_OP_READ, world->mem + page * PAGE);
	if (status) {
		count(&world->tally->waits);
		return false;
	}
	if (!is(world->sram[o->nr], o->seeds[i]))
		wrong(after, page, status);
	return true;
}

/* And in the end it has it. */
static void expect_device(struct owner *o, unsigned int i, const char *after)
{
	for (int try = 0; try < 4000; try++) {
		if (looks(o, i, after))
			return;
		usleep(1000);
	}
	if (!stopped())
		wrong("it does not come back", place(o->nr, i), 0);
}

static void give(uint8_t *at)
{
	if (!do_map(world->fd, world->space, (uintptr_t)at, (uintptr_t)at, PAGE, RW))
		count(&world->tally->maps);
	else if (errno == EEXIST)
		count(&world->tally->heals);
	else
		wrong("MAP_DMA", 0, errno);
}

/* Elsewhere for a moment; what comes back must be given again, if it was missed. */
static void move_away(struct owner *o, unsigned int i, uint8_t *at)
{
	unsigned long page = place(o->nr, i);

	if (mremap(at, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, o->spare) != o->spare)
		return wrong("mremap", page, errno);
	if (!dma_at(o->nr, IOASID_SIM_OP_READ, at))
		wrong("moved away, and there", page, 0);
	if (!is(o->spare, o->seeds[i]))
		wrong("moved", page, 0);
	if (mremap(o->spare, PAGE, PAGE, MREMAP_MAYMOVE | MREMAP_FIXED, at) != at ||
	    mmap(o->spare, PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1,
		 0) != o->spare)
		return wrong("mremap back", page, errno);
	give(at);
}

static void protect(struct owner *o, unsigned int i, uint8_t *at)
{
	unsigned long page = place(o->nr, i);

	if (mprotect(at, PAGE, PROT_READ))
		return wrong("mprotect", page, errno);
	memset(world->sram[o->nr], 0x66, PAGE);
	if (!dma_at(o->nr, IOASID_SIM_OP_WRITE, at))
		wrong("written, protected", page, 0);
	if (!is(at, o->seeds[i]))
		wrong("protected", page, 0);
	if (mprotect(at, PAGE, PROT_READ | PROT_WRITE))
		wrong("mprotect", page, errno);
}

static void device_writes(struct owner *o, unsigned int i, uint8_t *at, unsigned int seed)
{
	fill(world->sram[o->nr], PAGE, seed);
	if (dma_at(o->nr, IOASID_SIM_OP_WRITE, at))
		return; /* it may be away, but then nothing is written */
	o->seeds[i] = seed;
}

static void act(struct owner *o, unsigned int i)
{
	uint8_t *at = world->mem + place(o->nr, i) * PAGE;
	uint64_t random = next_random(&o->random);
	unsigned int seed = 1 + random / 8 % 200;

	switch (random % 8) {
	case 0:
		if (madvise(at, PAGE, MADV_DONTNEED))
			wrong("madvise", place(o->nr, i), errno);
		o->seeds[i] = 0;
		break;
	case 1:
		move_away(o, i, at);
		break;
	case 2:
		protect(o, i, at);
		break;
	case 3:
		munmap(at, PAGE);
		if (!dma_at(o->nr, IOASID_SIM_OP_READ, at))
			wrong("unmapped, and there", place(o->nr, i), 0);
		if (mmap(at, PAGE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
			 -1, 0) != at)
			wrong("mmap", place(o->nr, i), errno);
		o->seeds[i] = 0;
		give(at);
		break;
	case 4:
		if (do_unmap(world->fd, world->space, (uintptr_t)at, PAGE) == PAGE &&
		    !dma_at(o->nr, IOASID_SIM_OP_READ, at))
			wrong("UNMAP_DMA, and there", place(o->nr, i), 0);
		give(at);
		break;
	case 5:
	case 6:
		device_writes(o, i, at, seed);
		break;
	default:
		fill(at, PAGE, seed);
		o->seeds[i] = seed;
		break;
	}
	looks(o, i, "at once");
	if (!is(at, o->seeds[i]))
		wrong("what the CPU sees", place(o->nr, i), random % 8);
}

static void *own(void *data)
{
	struct owner *o = data;

	pthread_barrier_wait(&world->ready);
	for (unsigned int i = 0; i < OWNED && !stopped(); i++)
		expect_device(o, i, "first");
	while (!stopped()) {
		unsigned int i = next_random(&o->random) % OWNED;

		act(o, i);
		if (next_random(&o->random) % 4 == 0)
			expect_device(o, i, "later");
	}
	return data;
}

/*
 * Others
 */
static void *churn(void *data)
{
	pthread_barrier_wait(&world->ready);
	while (!stopped()) {
		munmap(world->churn, CHURNED * PAGE);
		if (mmap(world->churn, CHURNED * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED | MAP_POPULATE, -1,
			 0) != world->churn)
			wrong("churn", 0, errno);
		if (!do_map(world->fd, world->space, (uintptr_t)world->churn,
			    (uintptr_t)world->churn, CHURNED * PAGE, RW)) {
			usleep(1000);
			continue;
		}
		/* Some of it has healed. */
		for (int i = 0; i < CHURNED; i++)
			give(world->churn + i * PAGE);
		usleep(1000);
	}
	return data;
}

static void *disturb(void *data)
{
	uint64_t random = world->seed | 1;

	pthread_barrier_wait(&world->ready);
	while (!stopped()) {
		pid_t pid;

		switch (next_random(&random) % 4) {
		case 0:
			pid = fork();
			if (!pid) {
				usleep(1000 + random % 20000);
				_exit(0);
			}
			count(&world->tally->forks);
			break;
		case 1:
			madvise(world->mem, MIB, random % 2 ? MADV_MERGEABLE : MADV_UNMERGEABLE);
			break;
		case 2:
			madvise(world->mem, REGION, MADV_PAGEOUT);
			break;
		default:
			usleep(random % 3000);
			break;
		}
		while (waitpid(-1, NULL, WNOHANG) > 0)
			;
	}
	while (waitpid(-1, NULL, 0) > 0)
		;
	return data;
}

/* A process that has nothing to do with devices. */
static void canary(struct tally *tally)
{
	for (unsigned int seed = 1;; seed++) {
		uint8_t *mem = fresh(CANARY);

		fill(mem, CANARY, seed);
		usleep(5000);
		if (mismatch(mem, CANARY, seed) != CANARY &&
		    !__atomic_fetch_add(&tally->failed, 1, __ATOMIC_RELAXED))
			snprintf(tally->why, sizeof(tally->why), "the canary is dead");
		munmap(mem, CANARY);
		tally->canaries++;
	}
}

/*
 * Rounds, each in a process of its own
 */
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

/* The last owner's device is behind an IOMMU without large pages. */
static void attach_all(struct world *w, const uint32_t *sims)
{
	w->fd = test_open();
	w->space = alloc_pinned(w->fd);
	for (int i = 0; i < DEVICES; i++) {
		w->dev[i] = open_device(sims[i == 1], i == 1 ? 0 : i);
		test_bind(w->dev[i], w->fd, SIM_COOKIE + i);
		w->sram[i] = sim_sram(w->dev[i]);
		if (w->by_pasid)
			ASSERT_TRUE(!do_attach_pasid(w->dev[i], w->space, MINE));
		else
			test_attach(w->dev[i], w->space);
	}
}

static void start_busy(struct world *w)
{
	struct ioasid_sim_request reqs[CHURNED];

	for (int i = 0; i < CHURNED; i++)
		reqs[i] = request(IOASID_SIM_OP_FILL, w->churn + i * PAGE, MARK);
	ASSERT_EQ(0, do_sim_start(w->dev[OWNERS], 1, reqs, CHURNED, w->seed));
}

static uint8_t *make_region(void)
{
	uint8_t *mem = fresh(REGION + BIG);

	mem = (uint8_t *)(((uintptr_t)mem + BIG - 1) & -BIG);
	madvise(mem, REGION / 2, MADV_HUGEPAGE);
	madvise(mem + REGION / 2, REGION / 2, MADV_NOHUGEPAGE);
	return mem;
}

static void run(struct world *w, const uint32_t *sims, unsigned int ms)
{
	struct owner owners[OWNERS] = {};
	struct ioasid_sim_load_result done;
	pthread_t threads[OWNERS + 2];
	pthread_attr_t attr;
	int n = 0;

	world = w;
	w->mem = make_region();
	w->churn = fresh(CHURNED * PAGE);
	for (int i = 0; i < OWNERS; i++) {
		owners[i].nr = i;
		owners[i].random = w->seed * (i + 3) | 1;
		owners[i].spare = map_pages(PAGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
	}
	attach_all(w, sims);
	start_busy(w);
	pthread_barrier_init(&w->ready, NULL, OWNERS + 3);
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, 256 * 1024);
	for (int i = 0; i < OWNERS; i++)
		ASSERT_TRUE(!pthread_create(&threads[n++], &attr, own, &owners[i]));
	ASSERT_TRUE(!pthread_create(&threads[n++], &attr, churn, NULL));
	ASSERT_TRUE(!pthread_create(&threads[n++], &attr, disturb, NULL));
	pthread_barrier_wait(&w->ready);
	usleep(ms * 1000);
	__atomic_store_n(&w->stop, true, __ATOMIC_RELAXED);
	while (n)
		pthread_join(threads[--n], NULL);
	ASSERT_TRUE(!do_sim_stop(w->dev[OWNERS], &done));
	__atomic_fetch_add(&w->tally->writes, done.status[IOASID_SIM_OK], __ATOMIC_RELAXED);
	for (int i = 0; i < DEVICES; i++) {
		if (w->by_pasid)
			ASSERT_TRUE(!do_detach_pasid(w->dev[i], w->space, MINE));
		else
			test_detach(w->dev[i], w->space);
	}
	test_free(w->fd, w->space);
	if (locked_pages())
		wrong("charged in the end", locked_pages(), 0);
	_exit(0);
}

static void round_of(struct tally *tally, const uint32_t *sims, uint64_t seed, uint64_t nr)
{
	unsigned int ms = setting("IOASID_RACE_MS", 700);
	struct world w = { .tally = tally, .seed = seed | 1, .by_pasid = nr % 2 };
	int status = 0;
	pid_t pid = fork();

	if (!pid) {
		setpgid(0, 0);
		run(&w, sims, ms);
	}
	if (nr / 2 % 2) {
		usleep((50 + seed % ms) * 1000);
		kill(pid, SIGKILL);
		kill(-pid, SIGKILL); /* what it forked */
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
		status = 0;
	} else {
		ASSERT_EQ(pid, waitpid(pid, &status, 0));
	}
	EXPECT_EQ(0, status);
	if (tally->failed)
		diag("%llu wrong (seed %llu): %s", (unsigned long long)tally->failed,
		     (unsigned long long)seed, tally->why);
	ASSERT_EQ(0, tally->failed);
}

TEST(race, "devices have what the CPU has, or nothing, whatever happens to the memory",
     .timeout = 3600)
{
	uint64_t seed = setting("IOASID_RACE_SEED", time(NULL) * 2654435761U + getpid());
	uint64_t until = time(NULL) + setting("IOASID_RACE_SECONDS", 6), rounds = 0;
	int ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	int64_t pins = machine_pins();
	struct tally *tally;
	uint32_t sims[2];
	pid_t bird;

	if (ctl < 0)
		SKIP("ioasid_sim is not loaded");
	sims[0] = sim_create(ctl, .nr_devices = DEVICES, .caps = PINNED_CAPS, .pasid_bits = 16);
	sims[1] = sim_create(ctl, .nr_devices = 1, .caps = PINNED_CAPS, .pasid_bits = 16,
			     .pgsize_bitmap = PAGE);
	tally = mmap(NULL, PAGE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(tally != MAP_FAILED);
	write_text("/sys/kernel/mm/ksm/run", "1");
	diag("seed %llu", (unsigned long long)seed);
	bird = fork();
	if (!bird)
		canary(tally);
	do {
		uint64_t random = (seed + rounds * 0x9e3779b97f4a7c15ULL) | 1;

		next_random(&random);
		round_of(tally, sims, random, rounds);
		rounds++;
	} while (time(NULL) < until || rounds < 8);
	kill(bird, SIGKILL);
	ASSERT_EQ(bird, waitpid(bird, NULL, 0));
	diag("%llu rounds, %llu requests (%llu came too early), %llu maps (%llu had healed), %llu forks, %llu canaries, %llu busy writes",
	     (unsigned long long)rounds, (unsigned long long)tally->ops,
	     (unsigned long long)tally->waits, (unsigned long long)tally->maps,
	     (unsigned long long)tally->heals, (unsigned long long)tally->forks,
	     (unsigned long long)tally->canaries, (unsigned long long)tally->writes);
	EXPECT_LT(0, tally->writes);
	EXPECT_EQ(0, sim_stats(ctl, sims[0]).stale + sim_stats(ctl, sims[1]).stale);
	EXPECT_TRUE(machine_pins_become(pins));
	write_text("/sys/kernel/mm/ksm/run", "2");
}

HARNESS_MAIN
