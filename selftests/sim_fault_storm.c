// SPDX-License-Identifier: GPL-2.0-only
/*
 * Fault storm: four devices ask for pages as fast as they can, and who should answer is
 * slow, dies, answers twice, answers what others were asked, never answers, or scribbles
 * over the ring. In the end each request that a device made must have had one answer,
 * each record must have been read or counted as dropped, and all memory must be back.
 * Meanwhile a fifth device, of a context of its own behind the same IOMMU, has faults
 * that are repaired, one after the other: as many as it was told, in each round.
 *
 * IOASID_STORM_FAULTS=1000000 in the environment: so many groups (40000). With more,
 * IOASID_TEST_SLOW=N gives more time.
 */
#include <sys/wait.h>

#include "s6_fixture.h"

#define STORMING	4		/* devices */
#define THREADS		4U		/* of each */
#define WINDOW		64U		/* pages they are after: as large as their memory */
#define REQUESTS	256U
#define VICTIM_FAULTS	50		/* of the fifth device, in each round */

/* What becomes of faults */
enum consumer {
	GOOD, SLOW, DIES, TWICE, FOREIGN, NEVER, SCRIBBLES, CLOSES, NR_CONSUMERS
};

static const struct {
	const char *name;
	struct ioasid_fault_queue_alloc queue;
} consumers[] = {
	[GOOD] = { "repairs", { .entries = 256, .timeout_ms = 600000 } },
	[SLOW] = { "is slow", { .entries = 8, .timeout_ms = 600000 } },
	[DIES] = { "dies", { .entries = 64, .timeout_ms = 600000 } },
	[TWICE] = { "answers twice", { .entries = 16, .timeout_ms = 600000 } },
	[FOREIGN] = { "answers for others", { .entries = 64, .space_limit = 3,
					      .timeout_ms = 600000 } },
	[NEVER] = { "never answers", { .entries = 64, .device_limit = 2, .timeout_ms = 100 } },
	[SCRIBBLES] = { "scribbles", { .entries = 32, .queue_limit = 3, .timeout_ms = 50 } },
	[CLOSES] = { "closes", { .entries = 64, .timeout_ms = 600000 } },
};

/* Shared by all processes; one[i] is written by the consumer of device i. */
struct share {
	bool go, half, stop;
	struct account {
		int space;
		struct ioasid_fault last;	/* of its queue, for others to answer */
		uint64_t read;			/* records */
		uint64_t dropped;
		uint64_t success, invalid;	/* answers that were taken */
		uint64_t refused;		/* answers that had to be refused, and were */
		bool started;			/* its device is */
		bool complete;			/* the queue was there all the time */
	} one[STORMING];
};

struct storm {
	struct guest g;			/* what the devices have in common */
	int dev[STORMING];
	uint8_t *sram[STORMING];
	struct table_builder table[STORMING];
	__u64 *leaves[STORMING];	/* of the window */
	struct share *share;
	enum consumer consumer[STORMING];
	pid_t pid[STORMING];
	/* what the spaces have said at their end */
	uint64_t faults, pages, success, invalid, overflows, timeouts, cancels;
};

static uint64_t wanted_groups(void)
{
	const char *text = getenv("IOASID_STORM_FAULTS");

	return text ? strtoull(text, NULL, 0) : 40000;
}

static uint64_t groups_now(struct storm *s)
{
	struct ioasid_sim_stats now = sim_stats(s->g.m.ctl, s->g.m.sim);

	return now.page_success + now.page_invalid - s->g.stats.page_success -
	       s->g.stats.page_invalid;
}

#define is_set(flag)	__atomic_load_n(&(flag), __ATOMIC_ACQUIRE)
#define set(flag)	__atomic_store_n(&(flag), true, __ATOMIC_RELEASE)

/* Guests */

static void guest_memory(struct guest *g)
{
	struct machine *m = &g->m;

	m->fd = test_open();
	m->parent = test_alloc(m->fd);
	m->mem = mmap(NULL, PAGES * PAGE, PROT_READ | PROT_WRITE,
		      MAP_SHARED | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	ASSERT_TRUE(m->mem != MAP_FAILED);
	m->next = DATA;
	test_map(m->fd, m->parent, m->mem, GPA, PAGES * PAGE);
	m->lender = (struct table_builder) {
		.alloc = machine_alloc, .at = machine_at, .data = m,
	};
	mark(m);
}

/* Tables in which the leaves of the window are all that is missing. */
static void storm_table(struct storm *s, int i)
{
	struct table_builder *b = &s->table[i];

	*b = empty_table(&s->g, IOASID_FORMAT_X86_64_4LEVEL);
	ASSERT_EQ(0, table_map(b, GVA, gpa(0), PAGE, TABLE_R));
	s->leaves[i] = table_slot(b, GVA, 1);
	ASSERT_TRUE(s->leaves[i]);
	table_store(s->leaves[i], 0);
}

static void storm_start(struct storm *s, bool nesting)
{
	struct machine *m = &s->g.m;

	m->ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (m->ctl < 0)
		SKIP("ioasid_sim is not loaded");
	/* As many groups at once as there are threads: there is room for them all. */
	m->sim = sim_create(m->ctl, .caps = nesting ? PRI_CAPS : PRI_CAPS & ~IOASID_SIM_CAP_NESTING,
			    .nr_devices = STORMING + 1, .pasid_bits = 8, .prq_entries = 512);
	s->g.followed = !nesting;
	s->g.stats = sim_stats(m->ctl, m->sim);
	guest_memory(&s->g);
	s->share = mmap(NULL, sizeof(*s->share), PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	ASSERT_TRUE(s->share != MAP_FAILED);
	for (int i = 0; i < STORMING; i++) {
		s->dev[i] = sim_open(m->sim, i);
		test_bind(s->dev[i], m->fd, SIM_COOKIE + i);
		test_attach(s->dev[i], m->parent);
		s->sram[i] = sim_sram(s->dev[i]);
		storm_table(s, i);
	}
}

/* Odd devices are there by a PASID. */
static uint32_t pasid_of(int i)
{
	return i & 1 ? 5 + i : NONE;
}

static void storm_attach(struct storm *s, int i)
{
	if (i & 1)
		ASSERT_EQ(0, do_attach_pasid(s->dev[i], s->share->one[i].space, pasid_of(i)));
	else
		test_attach(s->dev[i], s->share->one[i].space);
}

static void storm_detach(struct storm *s, int i)
{
	if (i & 1)
		ASSERT_EQ(0, do_detach_pasid(s->dev[i], s->share->one[i].space, pasid_of(i)));
	else
		test_detach(s->dev[i], s->share->one[i].space);
}

/* Pages of the window, up to 8 at once, each to its own place in the device's memory. */
static void storm_load(struct storm *s, int i)
{
	static struct ioasid_sim_request reqs[REQUESTS];
	unsigned int random = 7 + i;

	for (unsigned int n = 0; n < REQUESTS; n++) {
		unsigned int page, nr;

		random = random * 1103515245 + 12345;
		page = (random >> 16) % WINDOW;
		nr = 1 + (random >> 24) % 8;
		if (page + nr > WINDOW)
			nr = WINDOW - page;
		reqs[n] = (struct ioasid_sim_request) {
			.op = IOASID_SIM_OP_READ, .iova = GVA + page * PAGE, .len = nr * PAGE,
			.arg = page * PAGE, dma_flags(pasid_of(i)),
		};
	}
	ASSERT_EQ(0, do_sim_start(s->dev[i], THREADS, reqs, REQUESTS, 1 + i));
	set(s->share->one[i].started);
}

static void storm_stop_load(struct storm *s, int i)
{
	struct ioasid_sim_load_result result;

	ASSERT_EQ(0, do_sim_stop(s->dev[i], &result));
	EXPECT_EQ(0, result.status[IOASID_SIM_STALE]);
	EXPECT_EQ(result.done, result.status[IOASID_SIM_OK] +
		  result.status[IOASID_SIM_FAULT_NOT_PRESENT] + result.status[IOASID_SIM_ABORTED]);
}

/* What was read is what was to be read, or nothing. */
static void storm_check_memory(struct storm *s, int i, bool some)
{
	static const uint8_t zeroes[PAGE];
	unsigned int pages = 0;

	for (unsigned int page = 0; page < WINDOW; page++) {
		uint8_t *at = s->sram[i] + page * PAGE;

		if (!memcmp(at, zeroes, PAGE))
			continue;
		pages++;
		EXPECT_EQ(PAGE, mismatch(at, PAGE, 100 + page % DATA));
	}
	if (some)
		EXPECT_LT(0, pages);
	memset(s->sram[i], 0, WINDOW * PAGE);
}

/* Consumers: each is a process */

struct work {
	struct storm *s;
	int i;
	enum consumer how;
	struct ioasid_fault_queue *queue;
	struct account *account;
	unsigned int served;
	struct ioasid_fault_ring *ring;		/* to scribble over */
	size_t size;
	unsigned int random;
};

/* Pages come, and from time to time all of them go. */
static void serve(struct work *w, const struct group *group)
{
	struct storm *s = w->s;
	__u64 *leaves = s->leaves[w->i];
	int fd = s->g.m.fd, space = w->account->space;

	if (!(++w->served % 16)) {
		for (unsigned int page = 0; page < WINDOW; page++)
			table_store(&leaves[page], 0);
		test_invalidate(fd, space, 0, 0);
	}
	for (int i = 0; i < group->n; i++) {
		uint64_t page = (group->page[i].addr - GVA) / PAGE;

		ASSERT_GT(WINDOW, page);
		table_store(&leaves[page], table_leaf(IOASID_FORMAT_X86_64_4LEVEL, 1,
						      gpa(page % DATA), TABLE_R));
	}
	if (s->g.followed)
		test_invalidate(fd, space, group->page[0].addr, group->n * PAGE);
}

static void refuse(struct work *w, const struct ioasid_fault *fault)
{
	EXPECT_EQ(-EINVAL, ioasid_fault_respond(w->queue, fault, IOASID_FAULT_SUCCESS));
	w->account->refused++;
}

/* Faults of other queues, and of this one as if they were another's. */
static void answer_others(struct work *w, const struct ioasid_fault *mine)
{
	int other = (w->i + 1 + w->served % (STORMING - 1)) % STORMING;
	struct ioasid_fault fault = w->s->share->one[other].last;

	if (fault.ioasid)
		refuse(w, &fault);
	fault.id = mine->id;
	if (fault.ioasid)
		refuse(w, &fault);
	fault = *mine;
	fault.id += 1ULL << 40;
	refuse(w, &fault);
}

static void take(struct work *w, const struct group *group)
{
	const struct ioasid_fault *fault = group->page;
	/* Now and then there is nothing to repair. */
	bool success = w->served % 8 != 7;

	w->account->read += group->n;
	w->account->last = *fault;
	if (w->how == SLOW)
		usleep(2000);
	if (w->how == FOREIGN)
		answer_others(w, fault);
	serve(w, group);
	ASSERT_EQ(0, ioasid_fault_respond(w->queue, fault,
					  success ? IOASID_FAULT_SUCCESS : IOASID_FAULT_INVALID));
	if (success)
		w->account->success++;
	else
		w->account->invalid++;
	if (w->how == TWICE)
		refuse(w, fault);
}

/* Over all that is mapped; at first but for the head, so that it knows where to go on. */
static void scribble(struct work *w)
{
	size_t spared = is_set(w->s->share->half) ? 0 : sizeof(w->ring->head);
	struct ioasid_fault fault = { .ioasid = w->account->space, .cookie = SIM_COOKIE + w->i };
	uint8_t *bytes = (uint8_t *)w->ring;

	for (int n = 0; n < 64; n++) {
		w->random = w->random * 1103515245 + 12345;
		bytes[spared + (w->random >> 8) % (w->size - spared)] = w->random >> 3;
		bytes[spared + (w->random >> 8) % (128 - spared)] = w->random >> 4;
	}
	/* Answers at random; there is a chance to be right, which is a right to have. */
	fault.id = w->random >> 16 & 1023;
	ioasid_fault_respond(w->queue, &fault, w->random >> 8 & 1);
	usleep(500);
	__atomic_store_n(&w->ring->tail, w->ring->head, __ATOMIC_RELEASE);
	usleep(500);
}

static void consume(struct work *w)
{
	struct group group;

	if (w->how == NEVER) {
		usleep(1000);
	} else if (w->how == SCRIBBLES) {
		scribble(w);
	} else if (w->how == CLOSES && is_set(w->s->share->half)) {
		ioasid_fault_queue_close(w->queue);
		w->queue = NULL;
		while (!is_set(w->s->share->stop))
			usleep(1000);
	} else if (do_wait_group(w->queue, &group, 20) > 0) {
		take(w, &group);
	}
}

/* The device is gone: what is left in the ring was answered by the kernel. */
static void drain(struct work *w)
{
	struct group group;
	int n;

	while ((n = do_wait_group(w->queue, &group, 0)) > 0) {
		w->account->read += n;
		refuse(w, group.page);
	}
	ASSERT_EQ(0, n);
	w->account->dropped = ioasid_fault_queue_dropped(w->queue);
	w->account->complete = true;
}

/* The library keeps its own to itself. */
static void map_ring(struct work *w)
{
	int fd = ioasid_fault_queue_fd(w->queue);

	w->ring = mmap(NULL, PAGE, PROT_READ, MAP_SHARED, fd, 0);
	ASSERT_TRUE(w->ring != MAP_FAILED);
	w->size = w->ring->record_offset + w->ring->entries * w->ring->record_size;
	w->ring = mmap(NULL, w->size, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	ASSERT_TRUE(w->ring != MAP_FAILED);
}

static void work_start(struct work *w)
{
	struct storm *s = w->s;
	struct ioasid_alloc args = {
		.flags = IOASID_ALLOC_PAGE_REQUESTS, .kind = IOASID_KIND_USER,
		.parent = s->g.m.parent, .format = IOASID_FORMAT_X86_64_4LEVEL,
		.table = table_of(&s->table[w->i]),
	};

	w->account = &s->share->one[w->i];
	ASSERT_EQ(0, ioasid_fault_queue_open(s->g.m.fd, &consumers[w->how].queue, &w->queue));
	w->account->space = ioasid_alloc_faults(s->g.m.fd, &args, w->queue);
	ASSERT_LT(0, w->account->space);
	if (w->how == SCRIBBLES)
		map_ring(w);
	storm_attach(s, w->i);
}

static void consumer_process(struct storm *s, int i, enum consumer how)
{
	struct work w = { .s = s, .i = i, .how = how, .random = i };

	work_start(&w);
	while (!is_set(s->share->go))
		usleep(1000);
	storm_load(s, i);
	while (!is_set(s->share->stop))
		consume(&w);
	storm_stop_load(s, i);
	storm_detach(s, i);
	if (w.queue && how != SCRIBBLES)
		drain(&w);
	ioasid_fault_queue_close(w.queue);
	_exit(0);
}

/* The fifth device */

struct victim {
	struct guest g;
	struct guest_space space;
	uint64_t done;
	uint64_t worst_ns;		/* from the start of a request to its bytes */
};

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * 1000000000ULL + ts.tv_nsec;
}

static void victim_start(struct victim *v, struct storm *s)
{
	struct machine *m = &v->g.m;

	v->g.followed = s->g.followed;
	m->ctl = s->g.m.ctl;
	m->sim = s->g.m.sim;
	guest_memory(&v->g);
	m->dev[0] = sim_open(m->sim, STORMING);
	test_bind(m->dev[0], m->fd, SIM_COOKIE);
	test_attach(m->dev[0], m->parent);
	m->sram[0] = sim_sram(m->dev[0]);
	ASSERT_EQ(0, ioasid_fault_queue_open(m->fd, &patient, &v->g.queue));
	v->space = guest_alloc(&v->g);
	test_attach(m->dev[0], v->space.id);
}

/* One fault: asked for, repaired, read. The page goes again. */
static void victim_fault(struct victim *v)
{
	unsigned int page = v->done++ % DATA;
	uint64_t start = now_ns();
	struct group group;
	struct async a;

	start_read(&a, &v->g, 0, GVA + page * PAGE, PAGE, NONE);
	group = wait_group(&v->g);
	check_group(&group, 1, GVA + page * PAGE, FAULT_R, SIM_COOKIE, v->space.id, NONE);
	repair(&v->g, &v->space, GVA + page * PAGE, page, GUEST_RW);
	answer(&v->g, &group, SUCCESS);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_SRAM(&v->g, 0, 0, page);
	if (v->worst_ns < now_ns() - start)
		v->worst_ns = now_ns() - start;
	table_store(table_slot(&v->space.b, GVA + page * PAGE, 1), 0);
	test_invalidate(v->g.m.fd, v->space.id, GVA + page * PAGE, PAGE);
}

/* As many faults as it reads from its pipe; then it says how many there were in all. */
static void victim_process(struct storm *s, int from, int to)
{
	struct victim v = {};
	int nr;

	victim_start(&v, s);
	while (read(from, &nr, sizeof(nr)) == sizeof(nr)) {
		for (int i = 0; i < nr; i++)
			victim_fault(&v);
		check_counts(&v.g, v.space.id, v.done, 0, 0, 0);
		EXPECT_EQ(v.done, space_count(&v.g, "fault-pages", v.space.id));
		ASSERT_EQ(sizeof(v.done), write(to, &v.done, sizeof(v.done)));
	}
	diag("the bystander's slowest fault took %llu us", (unsigned long long)v.worst_ns / 1000);
	ioasid_fault_queue_close(v.g.queue);
	_exit(0);
}

static pid_t victim_fork(struct storm *s, int *to, int *from)
{
	int there[2], back[2];
	pid_t pid;

	ASSERT_EQ(0, pipe2(there, O_CLOEXEC));
	ASSERT_EQ(0, pipe2(back, O_CLOEXEC));
	pid = fork();
	ASSERT_LE(0, pid);
	if (!pid) {
		close(there[1]);
		victim_process(s, there[0], back[1]);
	}
	close(there[0]);
	close(back[1]);
	*to = there[1];
	*from = back[0];
	return pid;
}

static void victim_go(int to, int nr)
{
	ASSERT_EQ(sizeof(nr), write(to, &nr, sizeof(nr)));
}

static uint64_t victim_done(int from)
{
	uint64_t done = 0;

	ASSERT_EQ(sizeof(done), read(from, &done, sizeof(done)));
	return done;
}

/* A round */

/* Nobody waits for what will not come any more. */
static void nap(void)
{
	if (harness_shared->failed)
		harness_abort();
	usleep(1000);
}

static void round_begin(struct storm *s)
{
	memset(s->share, 0, sizeof(*s->share));
	for (int i = 0; i < STORMING; i++) {
		for (unsigned int page = 0; page < WINDOW; page++)
			table_store(&s->leaves[i][page], 0);
		s->pid[i] = fork();
		ASSERT_LE(0, s->pid[i]);
		if (!s->pid[i])
			consumer_process(s, i, s->consumer[i]);
	}
	set(s->share->go);
	for (int i = 0; i < STORMING; i++)
		while (!is_set(s->share->one[i].started))
			nap();
}

static void wait_groups(struct storm *s, uint64_t groups)
{
	while (groups_now(s) < groups)
		nap();
}

static void reap(struct storm *s, int i)
{
	int status;

	ASSERT_EQ(s->pid[i], waitpid(s->pid[i], &status, 0));
	if (s->consumer[i] != DIES) {
		EXPECT_EQ(0, status);
		return;
	}
	EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
	/* The device goes on without it, and nobody keeps it waiting. */
	storm_stop_load(s, i);
	storm_detach(s, i);
}

/* What the kernel has counted is what the consumer has seen. */
static void settle(struct storm *s, int i)
{
	struct account *a = &s->share->one[i];
	struct guest *g = &s->g;
	uint64_t pages = space_count(g, "fault-pages", a->space);
	uint64_t faults = space_count(g, "faults", a->space);
	uint64_t success = space_count(g, "fault-answers", a->space);
	uint64_t invalid = space_count(g, "fault-invalid", a->space);
	uint64_t overflows = space_count(g, "fault-overflows", a->space);
	uint64_t timeouts = space_count(g, "fault-timeouts", a->space);
	uint64_t cancels = space_count(g, "fault-cancels", a->space);

	EXPECT_EQ(0, space_count(g, "fault-pending", a->space));
	EXPECT_EQ(faults, success + invalid + overflows + timeouts + cancels);
	if (s->consumer[i] == DIES) {
		/* It may have answered without having had time to say so. */
		EXPECT_LE(a->success, success);
		EXPECT_GE(a->success + 1, success);
	} else if (s->consumer[i] != SCRIBBLES) {
		EXPECT_EQ(a->success, success);
		EXPECT_EQ(a->invalid, invalid);
	}
	if (a->complete)
		EXPECT_EQ(pages, a->read + a->dropped);
	storm_check_memory(s, i, a->success);
	diag("%-18s %llu groups: %llu success, %llu invalid, %llu overflows, %llu timeouts, "
	     "%llu cancelled; %llu wrong answers refused", consumers[s->consumer[i]].name,
	     (unsigned long long)faults, (unsigned long long)success, (unsigned long long)invalid,
	     (unsigned long long)overflows, (unsigned long long)timeouts,
	     (unsigned long long)cancels, (unsigned long long)a->refused);
	s->faults += faults;
	s->pages += pages;
	s->success += success;
	s->invalid += invalid;
	s->overflows += overflows;
	s->timeouts += timeouts;
	s->cancels += cancels;
	test_free(g->m.fd, a->space);
}

static void round_end(struct storm *s)
{
	set(s->share->stop);
	for (int i = 0; i < STORMING; i++)
		reap(s, i);
	for (int i = 0; i < STORMING; i++)
		settle(s, i);
}

static void storm_round(struct storm *s, unsigned int round, uint64_t groups, int to, int from)
{
	uint64_t before = groups_now(s);

	for (int i = 0; i < STORMING; i++)
		s->consumer[i] = (round + i * 3) % NR_CONSUMERS;
	round_begin(s);
	victim_go(to, VICTIM_FAULTS);
	wait_groups(s, before + groups / 2);
	set(s->share->half);
	for (int i = 0; i < STORMING; i++)
		if (s->consumer[i] == DIES)
			ASSERT_EQ(0, kill(s->pid[i], SIGKILL));
	/* Before anybody of the storm is told to stop, the other one is through. */
	EXPECT_EQ((round + 1) * VICTIM_FAULTS, victim_done(from));
	wait_groups(s, before + groups);
	round_end(s);
}

static void storm_end(struct storm *s, uint64_t victim, int64_t pins)
{
	struct ioasid_sim_stats now = sim_since(s->g.m.ctl, s->g.m.sim, &s->g.stats);

	EXPECT_EQ(now.page_success, s->success + victim);
	EXPECT_EQ(now.page_invalid, s->invalid + s->overflows + s->timeouts + s->cancels);
	EXPECT_EQ(now.page_requests, s->pages + victim);
	EXPECT_EQ(0, now.page_overflows);
	EXPECT_EQ(0, now.page_failure);
	EXPECT_EQ(0, now.stale);
	diag("%llu groups, %llu pages; %llu success, %llu invalid, %llu overflows, %llu timeouts, "
	     "%llu cancelled, %llu of the bystander", (unsigned long long)s->faults,
	     (unsigned long long)s->pages, (unsigned long long)s->success,
	     (unsigned long long)s->invalid, (unsigned long long)s->overflows,
	     (unsigned long long)s->timeouts, (unsigned long long)s->cancels,
	     (unsigned long long)victim);
	for (int i = 0; i < STORMING; i++) {
		munmap(s->sram[i], IOASID_SIM_SRAM);
		close(s->dev[i]);
	}
	close(s->g.m.fd);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(pins));
	close(s->g.m.ctl);
}

static void storm(bool nesting)
{
	int64_t pins = machine_pins();
	uint64_t groups = wanted_groups() / NR_CONSUMERS;
	struct storm s = {};
	int to, from;
	pid_t victim;

	storm_start(&s, nesting);
	victim = victim_fork(&s, &to, &from);
	for (unsigned int round = 0; round < NR_CONSUMERS; round++)
		storm_round(&s, round, groups, to, from);
	close(to);
	ASSERT_EQ(victim, waitpid(victim, NULL, 0));
	/* All of it was there, or the sums would show less than they should. */
	EXPECT_LT(0, s.success);
	EXPECT_LT(0, s.invalid);
	EXPECT_LT(0, s.overflows);
	EXPECT_LT(0, s.timeouts);
	EXPECT_LT(0, s.cancels);
	storm_end(&s, NR_CONSUMERS * VICTIM_FAULTS, pins);
}

TEST(walked, "a storm of faults in tables that the IOMMU walks: all are accounted for",
     .timeout = 240)
{
	storm(true);
}

TEST(followed, "a storm of faults in tables that the kernel follows: all are accounted for",
     .timeout = 240)
{
	storm(false);
}

/* Nobody answers at all: all threads of all devices wait, for minutes if it must be. */
TEST(hang, "while nobody answers four devices, a fifth goes on, and their users can be killed",
     .timeout = 120)
{
	int64_t pins = machine_pins();
	struct storm s = {};
	pid_t victim;
	int to, from;

	storm_start(&s, true);
	victim = victim_fork(&s, &to, &from);
	for (int i = 0; i < STORMING; i++)
		s.consumer[i] = DIES;
	round_begin(&s);
	wait_groups(&s, 200);
	for (int i = 0; i < STORMING; i++)
		ASSERT_EQ(0, kill(s.pid[i], SIGSTOP));
	/* Nothing is there any more that a thread could go on with. */
	for (int i = 0; i < STORMING; i++) {
		for (unsigned int page = 0; page < WINDOW; page++)
			table_store(&s.leaves[i][page], 0);
		test_invalidate(s.g.m.fd, s.share->one[i].space, 0, 0);
	}
	/* More than any limit of what may wait at once. */
	victim_go(to, 12 * VICTIM_FAULTS);
	EXPECT_EQ(12 * VICTIM_FAULTS, victim_done(from));
	for (int i = 0; i < STORMING; i++) {
		EXPECT_EQ(THREADS, space_count(&s.g, "fault-pending", s.share->one[i].space));
		ASSERT_EQ(0, kill(s.pid[i], SIGKILL));
		reap(&s, i);
		settle(&s, i);
	}
	close(to);
	ASSERT_EQ(victim, waitpid(victim, NULL, 0));
	storm_end(&s, 12 * VICTIM_FAULTS, pins);
}

HARNESS_MAIN
