// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What the tools make of page faults, without a kernel. */
#include "harness.h"
#include "columns.h"
#include "fault_track.h"
#include "lines.h"
#include "model.h"
#include "view.h"

#define NO_DEV	0xffffffffU
#define SECOND	1000000000ULL

#define CTX(rest) \
	"ioasid-abi:\t1\nioasid-instance:\t7\nioasid-ctx:\t1\nioasid-comm:\tvmm\n" \
	"ioasid-door:\tdev\nioasid-pid:\t42\n" rest
#define FAULTS(id, groups, answers, overflows, timeouts, pending, oldest) \
	"ioasid-faults-" id ":\t" groups "\nioasid-fault-pages-" id ":\t" groups "\n" \
	"ioasid-faults-unrecoverable-" id ":\t0\nioasid-fault-answers-" id ":\t" answers "\n" \
	"ioasid-fault-invalid-" id ":\t0\nioasid-fault-overflows-" id ":\t" overflows "\n" \
	"ioasid-fault-timeouts-" id ":\t" timeouts "\nioasid-fault-cancels-" id ":\t0\n" \
	"ioasid-fault-pending-" id ":\t" pending "\nioasid-fault-oldest-" id ":\t" oldest "\n"

struct step {
	__u64 ts_ns;
	const char *counters;
	const struct fault_set *faults;
};

static struct snapshot *step(struct model *model, const struct step *in)
{
	struct counter_set set = { .complete = true };
	struct sample_set nothing = { .lost.known = true };
	struct reading reading = {
		.ts_ns = in->ts_ns, .counters = &set, .source = COUNTERS_FILE,
		.samples = in->faults ? &nothing : NULL, .faults = in->faults,
	};
	struct snapshot *snap;

	ASSERT_EQ(0, counters__add_text(&set, strdup(in->counters)));
	ASSERT_EQ(0, set.bad_lines);
	ASSERT_EQ(0, model__step(model, &reading, &snap));
	counters__clear(&set);
	return snap;
}

static void add_time(struct ioasid_fault_times *times, __u64 nr, __u64 ns)
{
	times->sum_ns += nr * ns;
	times->hist[hist_index(ns)] += nr;
	if (ns > times->max_ns)
		times->max_ns = ns;
}

/* So many groups of two pages that were answered after a time. */
static void sample(struct fault_sample *one, __u64 cookie, __u32 dev, __u64 nr, __u64 ns)
{
	one->key = (struct ioasid_fault_key){ .cookie = cookie, .ctx = 1, .ioasid = 3, .dev = dev };
	one->sum.groups += nr;
	one->sum.pages += 2 * nr;
	one->sum.delivered += nr;
	one->sum.answers[IOASID_OUTCOME_SUCCESS] += nr;
	add_time(&one->sum.queue, nr, 100);
	add_time(&one->sum.service, nr, ns);
	add_time(&one->sum.total, nr, ns + 100);
}

static struct inflight_sample inflight(__u64 cookie, __u32 group, __u64 ts_ns)
{
	return (struct inflight_sample){
		.key.from = { .cookie = cookie, .ctx = 1, .ioasid = 3, .dev = NO_DEV },
		.key.group = group, .ts_ns = ts_ns,
	};
}

static double rate(const struct row *row, enum metric_id id)
{
	ASSERT_TRUE(row->v[id].known);
	return row->v[id].rate;
}

static __u64 count(const struct row *row, enum metric_id id)
{
	ASSERT_TRUE(row->v[id].known);
	return row->v[id].count;
}

/* ---- counters ---- */

TEST(parse, "keys of faults are read, and those that are not there are absent, not 0")
{
	struct counter_set set = { 0 };
	const struct counter_faults *faults;

	ASSERT_EQ(0, counters__add_text(&set, strdup(CTX(FAULTS("3", "10", "5", "2", "1", "2", "99")
							 "ioasid-maps-4:\t1\n"
							 "ioasid-fault-pending-5:\t0\n"
							 "ioasid-fault-oldest-5:\t7 ns\n"))));
	ASSERT_EQ(0, set.bad_lines);
	faults = &set.ctxs[0].spaces[0].faults;
	ASSERT_EQ(10, faults->groups);
	ASSERT_EQ(10, faults->pages);
	ASSERT_EQ(0, faults->unrecoverable);
	ASSERT_EQ(5, faults->answers);
	ASSERT_EQ(0, faults->invalid);
	ASSERT_EQ(2, faults->overflows);
	ASSERT_EQ(1, faults->timeouts);
	ASSERT_EQ(0, faults->cancels);
	ASSERT_EQ(2, faults->pending);
	ASSERT_EQ(99, faults->oldest);
	ASSERT_EQ(COUNTER_ABSENT, set.ctxs[0].spaces[1].faults.groups);
	ASSERT_EQ(COUNTER_ABSENT, set.ctxs[0].spaces[1].faults.oldest);
	ASSERT_EQ(COUNTER_ABSENT, set.ctxs[0].spaces[2].faults.groups);
	ASSERT_EQ(0, set.ctxs[0].spaces[2].faults.pending);
	ASSERT_EQ(7, set.ctxs[0].spaces[2].faults.oldest);
	counters__clear(&set);
}

/* ---- intervals ---- */

TEST(counters_only, "rates, gauges and what was dropped come from the driver alone, without times")
{
	struct model *model = model__new();
	struct snapshot *snap;
	const struct row *row;

	step(model, &(struct step){ 0, CTX(FAULTS("3", "100", "90", "4", "6", "0", "0")), NULL });
	snap = step(model, &(struct step){
		SECOND / 2, CTX(FAULTS("3", "150", "130", "9", "7", "4", "2500000")), NULL });
	row = &snap->rows[0];
	ASSERT_EQ(50, count(row, METRIC_FAULT_COUNT));
	ASSERT_EQ(100, rate(row, METRIC_FAULT_RATE));
	ASSERT_EQ(80, rate(row, METRIC_FAULT_SUCCESS_RATE));
	ASSERT_EQ(5, count(row, METRIC_FAULT_OVERFLOWS));
	ASSERT_EQ(5, count(row, METRIC_FAULT_OVERFLOWS_SEEN));
	ASSERT_EQ(9, count(row, METRIC_FAULT_OVERFLOWS_TOTAL));
	ASSERT_EQ(1, count(row, METRIC_FAULT_TIMEOUTS));
	ASSERT_EQ(4, count(row, METRIC_FAULT_PENDING));
	ASSERT_EQ(2500000, count(row, METRIC_FAULT_OLDEST));
	ASSERT_EQ(2500000, count(&snap->total, METRIC_FAULT_OLDEST));
	ASSERT_EQ(100, rate(&snap->total, METRIC_FAULT_RATE));
	ASSERT_FALSE(row->v[METRIC_FAULT_SERVICE_P50].known);
	ASSERT_FALSE(row->v[METRIC_FAULT_SERVICE_SAMPLES].known);
	ASSERT_EQ(0, snap->nr_devices);
	snapshot__free(snap);
	/* What was dropped stays; nobody waits: there is no oldest. */
	snap = step(model, &(struct step){
		SECOND, CTX(FAULTS("3", "150", "134", "9", "7", "0", "0")), NULL });
	ASSERT_EQ(0, count(&snap->rows[0], METRIC_FAULT_OVERFLOWS));
	ASSERT_EQ(5, count(&snap->rows[0], METRIC_FAULT_OVERFLOWS_SEEN));
	ASSERT_FALSE(snap->rows[0].v[METRIC_FAULT_OLDEST].known);
	snapshot__free(snap);
	model__free(model);
}

TEST(absent, "of a driver that does not count faults nothing is known")
{
	struct view view = { .interval = 1, .kernel = "x", .id = VIEW_FAULTS };
	struct model *model = model__new();
	struct snapshot *snap;
	struct grid grid;
	char line[128];

	step(model, &(struct step){ 0, CTX("ioasid-maps-3:\t1\n"), NULL });
	snap = step(model, &(struct step){ SECOND, CTX("ioasid-maps-3:\t1\n"), NULL });
	for (int id = METRIC_FAULT_COUNT; id < NR_METRICS; id++)
		ASSERT_FALSE(snap->rows[0].v[id].known);
	ASSERT_EQ(0, grid__init(&grid, 24, 80));
	view__screen(&view, snap, &grid);
	grid__line(&grid, 5, line);
	ASSERT_STREQ("This driver does not count page faults.", line);
	grid__free(&grid);
	snapshot__free(snap);
	model__free(model);
}

TEST(sources, "what both sources count is counted once, and what one missed is not lost")
{
	struct fault_sample one = { 0 };
	struct fault_set set = { .samples = &one, .nr = 1 };
	struct model *model = model__new();
	struct snapshot *snap;
	__u64 sum = 0;

	sample(&one, 5, NO_DEV, 7, 1000);
	one.sum.answers[IOASID_OUTCOME_TIMEOUT] = 3;	/* before we came */
	step(model, &(struct step){ 0, CTX(FAULTS("3", "107", "0", "0", "0", "0", "0")), &set });
	sample(&one, 5, NO_DEV, 10, 1000);	/* of which the driver was asked too early for 2 */
	snap = step(model, &(struct step){
		SECOND, CTX(FAULTS("3", "115", "0", "0", "0", "0", "0")), &set });
	sum += count(&snap->rows[0], METRIC_FAULT_COUNT);
	ASSERT_EQ(10, sum);
	snapshot__free(snap);
	sample(&one, 5, NO_DEV, 1, 1000);	/* and BPF missed 4 */
	one.sum.answers[IOASID_OUTCOME_TIMEOUT]++;
	snap = step(model, &(struct step){
		2 * SECOND, CTX(FAULTS("3", "122", "0", "0", "0", "0", "0")), &set });
	sum += count(&snap->rows[0], METRIC_FAULT_COUNT);
	ASSERT_EQ(15, sum);
	ASSERT_EQ(1, count(&snap->devices[0], METRIC_FAULT_COUNT));
	ASSERT_EQ(1, count(&snap->devices[0], METRIC_FAULT_TIMEOUTS));
	ASSERT_EQ(1, count(&snap->devices[0], METRIC_FAULT_TIMEOUTS_SEEN));
	ASSERT_EQ(1, count(&snap->rows[0], METRIC_FAULT_TIMEOUTS_SEEN));
	snapshot__free(snap);
	model__free(model);
}

/* ---- devices ---- */

static const char two_devices[] =
	CTX("ioasid-attached-3:\t0000:00:10.1 sim0.0/5 sim0.0\n"
	    FAULTS("3", "1000", "1000", "0", "0", "3", "1500000000"));

static struct snapshot *two(struct model *model, struct fault_sample *samples,
			    struct fault_set *set, struct inflight_sample *unanswered)
{
	*set = (struct fault_set){ .samples = samples, .inflight = unanswered };
	step(model, &(struct step){ 0, two_devices, set });
	sample(&samples[0], 0x77, 0x81, 990, 1000);
	sample(&samples[1], 0x78, NO_DEV, 10, 33000);
	samples[1].sum.answers[IOASID_OUTCOME_TIMEOUT] = 2;
	unanswered[0] = inflight(0x78, 1, 3 * SECOND);
	unanswered[1] = inflight(0x78, 2, 3 * SECOND - SECOND / 2);
	unanswered[2] = inflight(0x79, 1, 4 * SECOND);
	set->nr = 2;
	set->nr_inflight = 3;
	set->ts_ns = 4 * SECOND;
	return step(model, &(struct step){ 4 * SECOND, two_devices, set });
}

TEST(devices, "faults of devices, and together those of the space")
{
	struct inflight_sample unanswered[3];
	struct fault_sample samples[2] = { 0 };
	struct model *model = model__new();
	struct fault_set set;
	struct snapshot *snap = two(model, samples, &set, unanswered);
	const struct row *space = &snap->rows[0], *devices = snap->devices;

	ASSERT_EQ(3, snap->nr_devices);
	ASSERT_STREQ("0000:00:10.1", devices[0].attached);
	ASSERT_STREQ("0x78", devices[1].attached);
	ASSERT_EQ(0x78, devices[1].cookie);
	ASSERT_EQ(990, count(&devices[0], METRIC_FAULT_COUNT));
	ASSERT_EQ(1980, count(&devices[0], METRIC_FAULT_PAGES));
	ASSERT_EQ(10, count(&devices[1], METRIC_FAULT_COUNT));
	ASSERT_EQ(2, count(&devices[1], METRIC_FAULT_TIMEOUTS));
	ASSERT_EQ(1000, count(&devices[0], METRIC_FAULT_SERVICE_MAX));
	ASSERT_EQ(0, count(&devices[0], METRIC_FAULT_PENDING));
	ASSERT_EQ(2, count(&devices[1], METRIC_FAULT_PENDING));
	ASSERT_EQ(SECOND + SECOND / 2, count(&devices[1], METRIC_FAULT_OLDEST));
	ASSERT_EQ(1, count(&devices[2], METRIC_FAULT_PENDING));
	ASSERT_EQ(1000, count(space, METRIC_FAULT_COUNT));
	ASSERT_EQ(1000, count(space, METRIC_FAULT_SERVICE_SAMPLES));
	ASSERT_EQ(1000, count(space, METRIC_FAULT_WAIT_SAMPLES));
	ASSERT_EQ(2, count(space, METRIC_FAULT_TIMEOUTS));
	ASSERT_EQ(33000, count(space, METRIC_FAULT_SERVICE_MAX));
	ASSERT_EQ(990 + 10 * 33, count(space, METRIC_FAULT_SERVICE_MEAN));
	ASSERT_EQ(1, hist_index(count(space, METRIC_FAULT_SERVICE_P50)) == hist_index(1000));
	ASSERT_EQ(1, hist_index(count(space, METRIC_FAULT_SERVICE_P999)) == hist_index(33000));
	snapshot__free(snap);
	model__free(model);
}

static const char *name_of_device(const char *counters)
{
	static char name[32];
	struct fault_sample one = { 0 };
	struct fault_set set = { .samples = &one };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, counters, &set });
	sample(&one, 0x78, NO_DEV, 1, 1000);
	set.nr = 1;
	snap = step(model, &(struct step){ SECOND, counters, &set });
	snprintf(name, sizeof(name), "%s", snap->devices[0].attached);
	snapshot__free(snap);
	model__free(model);
	return name;
}

TEST(names, "a device that is no PCI device has the only name there is, or its cookie")
{
	ASSERT_STREQ("sim0.1", name_of_device(CTX("ioasid-attached-3:\tsim0.1 sim0.1/9\n")));
	ASSERT_STREQ("0x78", name_of_device(CTX("ioasid-attached-3:\tsim0.1 sim0.10\n")));
	ASSERT_STREQ("0x78", name_of_device(CTX("ioasid-attached-3:\t\n")));
}

static unsigned int retired_ops, retired_devices, retired_inflight;

static void retire_op(const struct ioasid_stat_key *key, const struct ioasid_stat *known,
		      void *arg)
{
	(void)key;
	(void)known;
	(void)arg;
	retired_ops++;
}

static void retire_device(const struct ioasid_fault_key *key, void *arg)
{
	(void)key;
	(void)arg;
	retired_devices++;
}

static void retire_inflight(const struct ioasid_inflight_key *key, void *arg)
{
	(void)arg;
	retired_inflight += key->group;
}

static const struct retire_ops ops = { retire_op, retire_device, retire_inflight };

TEST(stale, "what the driver knows to be answered is not shown, and BPF forgets it")
{
	struct inflight_sample unanswered[] = {
		inflight(0x78, 1, SECOND), inflight(0x78, 2, 2 * SECOND),
		inflight(0x78, 4, 4 * SECOND),
	};
	struct fault_set set = { .inflight = unanswered, .nr_inflight = 3 };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, CTX(FAULTS("3", "3", "0", "0", "0", "2", "0")), &set });
	set.ts_ns = 4 * SECOND;
	/* The oldest has waited for 2 seconds: not since second 1. */
	snap = step(model, &(struct step){
		4 * SECOND, CTX(FAULTS("3", "3", "0", "0", "0", "2", "2000000000")), &set });
	ASSERT_EQ(2, count(&snap->devices[0], METRIC_FAULT_PENDING));
	ASSERT_EQ(2 * SECOND, count(&snap->devices[0], METRIC_FAULT_OLDEST));
	retired_inflight = 0;
	model__retire(model, &ops, NULL);
	ASSERT_EQ(1, retired_inflight);
	snapshot__free(snap);
	/* The same with nobody waiting. What came in after the driver was asked stays. */
	snap = step(model, &(struct step){
		4 * SECOND, CTX(FAULTS("3", "3", "0", "0", "0", "0", "0")), &set });
	ASSERT_EQ(1, count(&snap->devices[0], METRIC_FAULT_PENDING));
	retired_inflight = 0;
	model__retire(model, &ops, NULL);
	ASSERT_EQ(3, retired_inflight);
	snapshot__free(snap);
	model__free(model);
}

TEST(gone, "a space that is gone is shown once more, and its devices are forgotten")
{
	struct fault_sample one = { 0 };
	struct fault_set set = { .samples = &one, .nr = 1 };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, "", &set });
	sample(&one, 0x78, NO_DEV, 5, 1000);
	snap = step(model, &(struct step){ SECOND, "", &set });
	ASSERT_EQ(ROW_GONE, snap->rows[0].state);
	ASSERT_EQ(5, count(&snap->rows[0], METRIC_FAULT_COUNT));
	ASSERT_EQ(5, count(&snap->total, METRIC_FAULT_COUNT));
	snapshot__free(snap);
	retired_devices = 0;
	model__retire(model, &ops, NULL);
	ASSERT_EQ(0, retired_devices);
	snap = step(model, &(struct step){ 2 * SECOND, "", &set });
	ASSERT_EQ(0, snap->nr_rows);
	snapshot__free(snap);
	model__retire(model, &ops, NULL);
	ASSERT_EQ(1, retired_devices);
	model__free(model);
}

/* ---- screen ---- */

static const char *line_of(const struct view *view, struct snapshot *snap, int cols, int row)
{
	static char line[256];
	struct grid grid;

	ASSERT_EQ(0, grid__init(&grid, 24, cols));
	view__sort(view, snap);
	view__screen(view, snap, &grid);
	grid__line(&grid, row, line);
	grid__free(&grid);
	return line;
}

TEST(screen, "80 columns have rates, what waits, what was dropped and the time of service")
{
	struct view view = { .interval = 1, .kernel = "x", .id = VIEW_FAULTS };
	struct inflight_sample unanswered[3];
	struct fault_sample samples[2] = { 0 };
	struct model *model = model__new();
	struct fault_set set;
	struct snapshot *snap = two(model, samples, &set, unanswered);

	view.sort = view__find_column("faults");
	ASSERT_STREQ("1 ctx, 1 spaces; 250 faults/s, 3 pending, oldest 1.5s; service 1.0u, p99 1.0u",
		     line_of(&view, snap, 80, 1));
	ASSERT_STREQ("                -------- faults --------   answers -- dropped --- -- service ---",
		     line_of(&view, snap, 80, 3));
	ASSERT_STREQ("SPACE              /s  pg/s  PEND OLDEST ok/s no/s OVFL LATE CANC  p50  p99  max",
		     line_of(&view, snap, 80, 4));
	ASSERT_STREQ("context 1  dev  vmm  pid 42", line_of(&view, snap, 80, 5));
	ASSERT_STREQ("3               250.0 500.0     3  1.50s  250    0    0    2    0 1.0u 1.0u  33u",
		     line_of(&view, snap, 80, 6));
	ASSERT_STREQ("|- 0000:00:10.1 247.5 495.0     0      -  248    0    0    0    0 1.0u 1.0u 1.0u",
		     line_of(&view, snap, 80, 7));
	ASSERT_STREQ("|- 0x78          2.50  5.00     2  1.50s 2.50    0    0    2    0  33u  33u  33u",
		     line_of(&view, snap, 80, 8));
	ASSERT_STREQ("`- 0x79             0     0     1     0n    0    0    0    0    0    -    -    -",
		     line_of(&view, snap, 80, 9));
	view.sort = view__find_column("pending");
	ASSERT_TRUE(!strncmp("|- 0x78 ", line_of(&view, snap, 80, 7), 8));
	snprintf(view.filter, sizeof(view.filter), "0x78");
	ASSERT_TRUE(!strncmp("3 ", line_of(&view, snap, 80, 6), 2));
	ASSERT_TRUE(!strncmp("`- 0x78 ", line_of(&view, snap, 80, 7), 8));
	ASSERT_STREQ("", line_of(&view, snap, 80, 8));
	snprintf(view.filter, sizeof(view.filter), "nobody");
	ASSERT_STREQ("No row matches the filter.", line_of(&view, snap, 80, 5));
	snapshot__free(snap);
	model__free(model);
}

static enum attr attr_of(const char *oldest, const char *column)
{
	struct view view = { .interval = 1, .kernel = "x", .id = VIEW_FAULTS };
	struct model *model = model__new();
	struct snapshot *snap;
	struct grid grid;
	char text[2048], line[128];
	enum attr attr;

	snprintf(text, sizeof(text), CTX(FAULTS("3", "9", "0", "0", "0", "1", "%s")), oldest);
	step(model, &(struct step){ 0, text, NULL });
	snap = step(model, &(struct step){ SECOND, text, NULL });
	ASSERT_EQ(0, grid__init(&grid, 24, 80));
	view__screen(&view, snap, &grid);
	grid__line(&grid, 4, line);
	attr = grid.cells[6 * grid.cols + (strstr(line, column) - line) + strlen(column) - 1].attr;
	grid__free(&grid);
	snapshot__free(snap);
	model__free(model);
	return attr;
}

TEST(alarming, "what waits for more than a second is marked, and nothing else")
{
	ASSERT_EQ(ATTR_WARN, attr_of("1000000001", "OLDEST"));
	ASSERT_EQ(ATTR_NORMAL, attr_of("1000000000", "OLDEST"));
	ASSERT_EQ(ATTR_NORMAL, attr_of("1000000001", "PEND"));
}

TEST(only_device, "the only device of a space has no line of its own")
{
	static const char one_device[] = CTX("ioasid-attached-3:\tsim0.1\n");
	struct view view = { .interval = 1, .kernel = "x", .id = VIEW_FAULTS };
	struct fault_sample one = { 0 };
	struct fault_set set = { .samples = &one };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, one_device, &set });
	sample(&one, 0x78, NO_DEV, 1, 1000);
	set.nr = 1;
	snap = step(model, &(struct step){ SECOND, one_device, &set });
	ASSERT_EQ(1, view__count_lines(&(struct view){ 0 }, snap));
	ASSERT_EQ(2, view__count_lines(&view, snap));
	ASSERT_TRUE(!!strstr(line_of(&view, snap, 80, 6), " sim0.1"));
	snapshot__free(snap);
	model__free(model);
}

TEST(list, "a list has rate and pending where there are faults and room")
{
	struct view view = { .interval = 1, .kernel = "x" };
	struct model *model = model__new();
	struct snapshot *snap;

	step(model, &(struct step){ 0, CTX(FAULTS("3", "1", "0", "0", "0", "0", "0")), NULL });
	snap = step(model, &(struct step){
		SECOND, CTX(FAULTS("3", "8", "0", "0", "0", "5", "1")), NULL });
	ASSERT_TRUE(!!strstr(line_of(&view, snap, 100, 3), "   faults"));
	ASSERT_TRUE(!!strstr(line_of(&view, snap, 100, 4), " LOST   /s PEND"));
	ASSERT_TRUE(!!strstr(line_of(&view, snap, 100, 5), " 7.00    5"));
	ASSERT_TRUE(!strstr(line_of(&view, snap, 80, 4), "PEND"));
	snapshot__free(snap);
	step(model, &(struct step){ 2 * SECOND, "", NULL });
	snap = step(model, &(struct step){
		3 * SECOND, CTX(FAULTS("3", "0", "0", "0", "0", "0", "0")), NULL });
	ASSERT_TRUE(!strstr(line_of(&view, snap, 100, 4), "PEND"));
	snapshot__free(snap);
	model__free(model);
}

TEST(order, "each view is sorted by its own columns, and keeps its order")
{
	struct view view = { .sort = view__find_column("map") };
	int seen = 0;

	view__toggle(&view, VIEW_FAULTS);
	ASSERT_EQ(VIEW_FAULTS, view.id);
	ASSERT_EQ(view__find_column("faults"), view.sort);
	do {
		ASSERT_TRUE(columns[view.sort].fault);
		view__sort_by_next(&view, 1);
		seen++;
	} while (view.sort != view__find_column("faults"));
	ASSERT_EQ(17, seen);
	view__sort_by_next(&view, 1);
	view__toggle(&view, VIEW_FAULTS);
	ASSERT_EQ(VIEW_SPACES, view.id);
	ASSERT_EQ(view__find_column("map"), view.sort);
	view__toggle(&view, VIEW_FAULTS);
	ASSERT_EQ(view__find_column("fault-pages"), view.sort);
	view__sort_by_next(&view, -1);
	ASSERT_EQ(view__find_column("faults"), view.sort);
}

HARNESS_MAIN
