// SPDX-License-Identifier: GPL-2.0-only
/*
 * Random operations on /dev/ioasid and on simulated IOMMUs of different abilities,
 * against a simple reference in user space (model_ref.h): every error, every byte
 * of DMA, every counter must be what the reference says.
 *
 * A seed decides everything; one thread does it, so that a seed replays exactly.
 * When driver and reference differ, the last operations are printed, and the command
 * that repeats them:
 *
 *	IOASID_MODEL_SEED=0x12 IOASID_MODEL_OPS=345 build/selftests/model fresh
 *
 * in a machine of the lab (selftests/lab/run). Longer runs:
 *
 *	IOASID_MODEL_SECONDS=300 build/selftests/model fresh
 *
 * runs one seed after the other, of IOASID_MODEL_OPS operations each (2000), until the
 * time is over. The first is IOASID_MODEL_SEED, or else of the clock's choice. All
 * seeds are printed; with IOASID_MODEL_VERBOSE all operations, too. docs/testing.md
 * tells what has been run, and what the test finds when the driver is broken on
 * purpose.
 */
#include "model_space.h"
#include "model_device.h"
#include "model_table.h"
#include "model_dma.h"
#include "model_check.h"

#define OPS		2000
#define LONG_RUN	(24 * 3600)

/* How often, compared with each other */
static const struct {
	int weight;
	void (*fn)(void);
} operations[] = {
	{ 22, op_alloc },
	{ 14, op_create_nesting },
	{ 18, op_alloc_user },
	{ 10, op_free },
	{ 22, op_bind_table },
	{ 8, op_unbind_table },
	{ 110, op_map },
	{ 40, op_map_tables },
	{ 8, op_map_bad },
	{ 26, op_unmap_whole },
	{ 10, op_unmap_any },
	{ 2, op_unmap_all },
	{ 2, op_register },
	{ 8, op_unregister },
	{ 40, op_bind },
	{ 4, op_unbind },
	{ 100, op_attach },
	{ 50, op_attach_pasid },
	{ 20, op_detach },
	{ 12, op_detach_pasid },
	{ 60, op_edit_map },
	{ 24, op_edit_unmap },
	{ 60, op_invalidate },
	{ 400, op_dma },
	{ 4, op_dma_bad },
	{ 8, op_set_dirty },
	{ 40, op_get_dirty },
	{ 14, op_info },
	{ 14, op_mappings },
	{ 28, op_walk },
	{ 10, op_check },
};

/*
 * A seed
 */
static void memory_start(void)
{
	uint64_t *words;

	if (!world.mem) {
		world.mem = memory(MEM_PAGES * PAGE);
		world.content = memory(MEM_PAGES * PAGE);
		ASSERT_TRUE(!munmap(world.mem + (MEM_RW + MEM_RO) * PAGE, MEM_HOLE * PAGE));
	}
	ASSERT_TRUE(!mprotect(world.mem, (MEM_RW + MEM_RO) * PAGE, PROT_READ | PROT_WRITE));
	words = (uint64_t *)world.content;
	for (size_t i = 0; i < MEM_PAGES * PAGE / 8; i++)
		words[i] = random_next();
	memcpy(world.mem, world.content, (MEM_RW + MEM_RO) * PAGE);
	ASSERT_TRUE(!mprotect(world.mem + MEM_RW * PAGE, MEM_RO * PAGE, PROT_READ));
}

static void run_start(uint64_t seed)
{
	memset(world.spaces, 0, sizeof(world.spaces));
	memset(world.regions, 0, sizeof(world.regions));
	memset(&run, 0, sizeof(run));
	run.seed = seed;
	run.random = seed;
	run.verbose = getenv("IOASID_MODEL_VERBOSE");
	memory_start();
	run.ctl = open(SIM_NODE, O_RDWR | O_CLOEXEC);
	if (run.ctl < 0)
		SKIP("ioasid_sim is not loaded");
	devices_start();
	tables_start();
	run.base_locked = locked_pages();
	run.base_pins = machine_pins();
	run.fd = test_open();
}

/* Everything goes, in an order of the seed's choice: nothing may be left. */
static void run_end(void)
{
	bool context_first = chance(50);

	trace("end, the context %s", context_first ? "first" : "last");
	check_memory();
	check_counters();
	check_charge();
	if (context_first)
		close(run.fd);
	for_each_device(d)
		if (d->fd >= 0)
			device_close(d);
	if (!context_first)
		close(run.fd);
	check_never_stale();
	if (!machine_pins_become(run.base_pins))
		diverged("pins are left");
	if (locked_pages() != run.base_locked)
		diverged("%llu pages are still charged",
			 (unsigned long long)(locked_pages() - run.base_locked));
	for (int i = 0; i < MODEL_INSTANCES; i++)
		if (do_sim_destroy(run.ctl, world.instances[i].id))
			diverged("an instance cannot be destroyed: %s", strerror(errno));
	close(run.ctl);
}

/* Most devices bound, two trees with tables in them: or half of a run does nothing. */
static void scaffold(void)
{
	for (int i = 0; i < 2 * MODEL_DEVICES; i++)
		op_bind();
	do_op_alloc(NULL, false);
	do_op_alloc(NULL, false);
	for (int i = 0; i < 12; i++) {
		op_map_tables();
		op_map();
		op_map();
	}
	for (int i = 0; i < 3; i++) {
		op_create_nesting();
		op_alloc_user();
	}
}

static void one_operation(void)
{
	int total = 0, nth;

	for (size_t i = 0; i < ARRAY_SIZE(operations); i++)
		total += operations[i].weight;
	nth = pick(total);
	for (size_t i = 0; i < ARRAY_SIZE(operations); i++) {
		nth -= operations[i].weight;
		if (nth < 0) {
			operations[i].fn();
			return;
		}
	}
}

static void run_seed(uint64_t seed, unsigned long ops)
{
	diag("seed 0x%" PRIx64 ", %lu operations", seed, ops);
	run_start(seed);
	scaffold();
	for (; run.op < ops; run.op++)
		one_operation();
	run_end();
	diag("  refused: %lu; DMA: %lu pages, %lu by tables in software, %lu in hardware (%lu stale); dirty: %lu",
	     run.refused, run.moved[0], run.moved[1], run.moved[2], run.stale, run.dirty);
}

static uint64_t env_number(const char *name, uint64_t fallback)
{
	const char *text = getenv(name);

	return text ? strtoull(text, NULL, 0) : fallback;
}

/* Any would do: these are run every time. */
static const uint64_t seeds[] = {
	0x1, 0x2, 0x3, 0x4, 0x5, 0x6, 0x7, 0x8, 0x9, 0xa,
};

TEST(fixed, "random operations do what the reference says: seeds kept here", .timeout = 240)
{
	for (size_t i = 0; i < ARRAY_SIZE(seeds); i++)
		run_seed(seeds[i], env_number("IOASID_MODEL_OPS", OPS));
}

TEST(fresh, "the same with a new seed, or from IOASID_MODEL_SEED on", .timeout = LONG_RUN)
{
	/* Not too long, for people who have to type it. */
	uint64_t seed = env_number("IOASID_MODEL_SEED", time(NULL) * 0x9e3779b97f4a7c15ULL >> 24);
	time_t end = time(NULL) + env_number("IOASID_MODEL_SECONDS", 0);

	do
		run_seed(seed++, env_number("IOASID_MODEL_OPS", OPS));
	while (time(NULL) < end);
}

HARNESS_MAIN
