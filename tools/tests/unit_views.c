// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Views, groups of rows, processes and containers, without a kernel. */
#include "harness.h"
#include "quantile.h"
#include "views.h"
#include "views_fixture.h"

static struct fixture f;

/* ---- containers ---- */

#define ID	"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"

TEST(containers, "paths of cgroups tell who made them, others tell nothing")
{
	static const struct { const char *path, *name; } cases[] = {
		{ "/", "" },
		{ "/user.slice/user-0.slice/session-1.scope", "" },
		{ "/system.slice/docker-" ID ".scope", "docker:0123456789ab" },
		{ "/docker/" ID, "docker:0123456789ab" },
		{ "/kubepods.slice/kubepods-burstable.slice/kubepods-pod1.slice/cri-containerd-"
		  ID ".scope", "containerd:0123456789ab" },
		{ "/kubepods/besteffort/pod12/" ID, "id:0123456789ab" },
		{ "/machine.slice/libpod-" ID ".scope/container", "podman:0123456789ab" },
		{ "/system.slice/crio-" ID ".scope", "crio:0123456789ab" },
		{ "/lxc.payload.web/init.scope", "lxc:web" },
		{ "/lxc/web/system.slice", "lxc:web" },
		{ "/machine.slice/machine-qemu\\x2d12\\x2dvm\\x2d1.scope", "qemu:vm-1" },
		{ "/machine.slice/machine-deb.scope", "machine:deb" },
		{ "/machine.slice/systemd-nspawn@web.service", "nspawn:web" },
		/* A container in a container */
		{ "/docker/" ID "/lxc.payload.in", "lxc:in" },
		/* Not an id */
		{ "/system.slice/docker-registry.scope", "" },
		{ "/lxc.payload.a\033[31m", "lxc:a\\x1B[31m" },
		{ "/machine.slice/machine-a\\x1b[2J.scope", "machine:a\\x1B[2J" },
		{ "/machine.slice/machine-\\x00\\x", "machine:\\x00\\x" },
	};
	char name[CONTAINER_LEN];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		container__name(cases[i].path, name, sizeof(name));
		ASSERT_STREQ(cases[i].name, name);
	}
}

static bool is_plain(const char *text)
{
	for (; *text; text++)
		if (*text < ' ' || *text > '~')
			return false;
	return true;
}

TEST(containers_garbage, "200000 mangled paths leave a short name of printable characters")
{
	static const char *const parts[] = {
		"/", "docker-", ID, ".scope", "\\x", "2d", "\033[2J", "lxc/", "machine-qemu-1-",
		"libpod-", "%s", "\n", "..", "systemd-nspawn@", "\xff",
	};
	char path[2048], name[CONTAINER_LEN];
	unsigned int seed = 1;

	for (int i = 0; i < 200000; i++) {
		path[0] = '\0';
		for (int n = rand_r(&seed) % 12; n; n--)
			strcat(path, parts[rand_r(&seed) % (sizeof(parts) / sizeof(parts[0]))]);
		container__name(path, name, sizeof(name));
		ASSERT_TRUE(strlen(name) < sizeof(name) && is_plain(name));
	}
}

TEST(processes, "cgroup, container and number in a namespace come from /proc")
{
	struct snapshot *snap = fixture__make(&f);
	const struct process *process;

	process = snapshot__process(snap, 4711);
	ASSERT_TRUE(process);
	ASSERT_EQ(17, process->nspid);
	ASSERT_STREQ("docker:3f29ab81c06d", process->container);
	process = snapshot__process(snap, 900);
	ASSERT_EQ(1, process->nspid);
	ASSERT_STREQ("/evil\\x1B[31m\\x07/lxc/\\x1B]0;title\\x07", process->cgroup);
	/* The unified hierarchy counts, where there are others, too. */
	process = snapshot__process(snap, 812);
	ASSERT_TRUE(!strncmp(process->cgroup, "/machine.slice/", 15));
	ASSERT_EQ(812, process->nspid);
	/* Gone, or hidden. */
	process = snapshot__process(snap, 901);
	ASSERT_TRUE(process && !process->cgroup && !process->nspid);
	ASSERT_FALSE(snapshot__process(snap, 1));
	fixture__end(&f, snap);
}

/* ---- groups ---- */

static const enum metric_id summed[] = {
	METRIC_DEVICES, METRIC_DOMAINS, METRIC_NESTED, METRIC_MAPPINGS, METRIC_MAPPED,
	METRIC_PINNED, METRIC_REGISTERED, METRIC_MAP_COUNT, METRIC_MAP_BYTES, METRIC_MAP_SAMPLES,
	METRIC_UNMAP_COUNT, METRIC_UNMAP_ERRORS, METRIC_INV_COUNT, METRIC_INV_BYTES,
	METRIC_USER_INV_COUNT, METRIC_USER_INV_ERRORS, METRIC_MAPS_TOTAL, METRIC_FAULT_COUNT,
	METRIC_FAULT_PAGES, METRIC_FAULT_SUCCESS, METRIC_LOST,
};

static void check_sums(const struct groups *groups, const struct snapshot *snap)
{
	__u32 spaces = 0;

	for (size_t i = 0; i < sizeof(summed) / sizeof(summed[0]); i++) {
		__u64 sum = 0;

		for (size_t j = 0; j < groups->nr; j++)
			sum += groups->rows[j].v[summed[i]].count;
		if (sum != snap->total.v[summed[i]].count)
			FAIL("%s: %llu, expected %llu", metrics[summed[i]].key, sum,
			     snap->total.v[summed[i]].count);
	}
	for (size_t j = 0; j < groups->nr; j++)
		spaces += groups->rows[j].nr_spaces;
	ASSERT_EQ(snap->nr_spaces, spaces);
}

TEST(group_sums, "processes and cgroups add up to the whole machine")
{
	struct snapshot *snap = fixture__make(&f);
	struct groups groups;

	ASSERT_EQ(0, groups__processes(&groups, snap));
	ASSERT_EQ(4, groups.nr);
	check_sums(&groups, snap);
	groups__free(&groups);
	ASSERT_EQ(0, groups__cgroups(&groups, snap));
	ASSERT_EQ(4, groups.nr);
	check_sums(&groups, snap);
	groups__free(&groups);
	fixture__end(&f, snap);
}

TEST(group_percentiles, "percentiles of a group are those of all its operations")
{
	struct snapshot *snap = fixture__make(&f);
	struct groups groups;

	/* All in one process, so that it has what the machine has. */
	for (size_t i = 0; i < snap->nr_rows; i++)
		snap->rows[i].v[METRIC_PID] = (struct value){ true, { 5 } };
	ASSERT_EQ(0, groups__processes(&groups, snap));
	ASSERT_EQ(1, groups.nr);
	for (int id = METRIC_MAP_COUNT; id <= METRIC_USER_INV_MAX; id++) {
		const struct value *a = &groups.rows[0].v[id], *b = &snap->total.v[id];

		if (metrics[id].unit != UNIT_NS)
			continue;
		ASSERT_EQ(b->known, a->known);
		/* A maximum is the upper end of its bucket, if no row knows it better. */
		if (strstr(metrics[id].key, "_max_") && a->known) {
			ASSERT_LE(a->count, b->count);
			ASSERT_EQ(hist_index(b->count), hist_index(a->count));
			continue;
		}
		if (a->known && a->count != b->count)
			FAIL("%s: %llu, expected %llu", metrics[id].key, a->count, b->count);
	}
	groups__free(&groups);
	fixture__end(&f, snap);
}

TEST(device_rows, "a device is a row for each space, with its PASIDs and its own faults")
{
	struct snapshot *snap = fixture__make(&f);
	__u64 faults = 0, other = 0;
	struct groups groups;

	free(snap->rows[0].attached);
	ASSERT_EQ(0, groups__devices(&groups, snap));
	groups__free(&groups);
	snap->rows[0].attached = strdup("sim0.1 sim0.1/5 sim0.2/7 sim0.1/9");
	ASSERT_EQ(0, groups__devices(&groups, snap));
	ASSERT_STREQ("sim0.1", groups.rows[0].attached);
	ASSERT_STREQ("-,5,9", groups.rows[0].note);
	ASSERT_STREQ("sim0.2", groups.rows[1].attached);
	ASSERT_STREQ("7", groups.rows[1].note);
	for (size_t i = 0; i < groups.nr; i++)
		if (!strcmp(groups.rows[i].attached, "0000:00:13.0"))
			faults += groups.rows[i].v[METRIC_FAULT_COUNT].count;
		else
			other += groups.rows[i].v[METRIC_FAULT_COUNT].count;
	ASSERT_EQ(50, faults);
	ASSERT_EQ(20, other);
	groups__free(&groups);
	fixture__end(&f, snap);
}

/* ---- views ---- */

TEST(table, "each view has a key, a name and a column to sort by, and is found by them")
{
	for (int id = 0; id < NR_VIEWS; id++) {
		const struct view_type *type = &view_types[id];
		int sort = view__find_column(type->sort);

		ASSERT_EQ(id, view__find(type->name));
		ASSERT_EQ(id, view__find_key(type->key));
		ASSERT_TRUE(sort >= 0);
		ASSERT_TRUE(type->layout == LAYOUT_NONE ||
			    column__is_in(&columns[sort], type->layout));
		ASSERT_TRUE(!type->lines == !!type->draw && !type->draw == !type->rows);
	}
	ASSERT_EQ(-1, view__find("nothing"));
	ASSERT_EQ(-1, view__find_key('x'));
}

TEST(tab, "Tab leads through all views and back to the first, and so does the other way")
{
	for (int step = -1; step <= 1; step += 2) {
		struct view view = { 0 };
		unsigned int seen = 0;

		for (int i = 0; i < NR_VIEWS; i++) {
			view__show_next(&view, step);
			seen |= 1U << view.id;
		}
		ASSERT_EQ((1U << NR_VIEWS) - 1, seen);
		ASSERT_EQ(VIEW_SPACES, view.id);
	}
}

static void draw(const struct view *view, const struct snapshot *snap, int rows, int cols)
{
	struct grid grid;

	ASSERT_EQ(0, grid__init(&grid, rows, cols));
	view__screen(view, snap, &grid);
	for (int i = 0; i < rows * cols; i++)
		ASSERT_TRUE(grid.cells[i].c >= ' ' && grid.cells[i].c <= '~');
	grid__free(&grid);
	if (!snap)
		return;
	ASSERT_EQ(0, view__page(view, snap, cols, &grid));
	grid__free(&grid);
}

TEST(sizes, "all views are drawn inside screens of all sizes, with printable characters only")
{
	struct snapshot *snap = fixture__make(&f);
	struct view view = {
		.interval = 1, .kernel = "x", .trail = &f.trail, .ctx = 3, .ioasid = 1,
	};

	for (int id = 0; id < NR_VIEWS; id++)
		for (int rows = 1; rows < 60; rows += 3)
			for (int cols = 1; cols < 260; cols += 13) {
				view__show(&view, id);
				view.heat = (rows + cols) % (NR_OPERATIONS + 1);
				view.space = (rows + cols) % 3 == 0;
				draw(&view, rows % 2 ? snap : NULL, rows, cols);
			}
	fixture__end(&f, snap);
}

static size_t find_line(const struct view *view, const struct snapshot *snap, __u32 ctx,
			__u32 ioasid)
{
	struct lines lines;
	size_t at;

	ASSERT_EQ(0, lines__make(&lines, view, snap));
	for (at = 0; at < lines.nr; at++)
		if (!lines.at[at].heading && lines.at[at].row->ctx == ctx &&
		    lines.at[at].row->ioasid == ioasid)
			break;
	ASSERT_TRUE(at < lines.nr);
	lines__free(&lines);
	return at;
}

TEST(enter, "Enter leads from a line to its space, and Esc back to where one was")
{
	static const enum view_id ids[] = { VIEW_SPACES, VIEW_TREE, VIEW_INVALS, VIEW_FAULTS };
	struct snapshot *snap = fixture__make(&f);

	for (size_t i = 0; i < sizeof(ids) / sizeof(ids[0]); i++) {
		struct view view = { .sort = view__find_column("map") };

		view__show(&view, ids[i]);
		view.cursor = find_line(&view, snap, 3, 3);
		ASSERT_TRUE(view__enter(&view, snap));
		ASSERT_TRUE(view.space && view.ctx == 3 && view.ioasid == 3);
		ASSERT_FALSE(view__enter(&view, snap));
		ASSERT_TRUE(view__back(&view));
		ASSERT_FALSE(view.space);
		ASSERT_EQ(ids[i], view.id);
		ASSERT_FALSE(view__back(&view));
	}
	fixture__end(&f, snap);
}

TEST(enter_process, "Enter leads from a cgroup to its processes, and from one to its spaces")
{
	struct snapshot *snap = fixture__make(&f);
	struct view view = { 0 };
	struct lines lines;

	view__show(&view, VIEW_CGROUPS);
	ASSERT_EQ(0, lines__make(&lines, &view, snap));
	ASSERT_EQ(4, lines.nr);
	while (strncmp(lines.at[view.cursor].row->attached, "/evil", 5))
		ASSERT_TRUE(++view.cursor < lines.nr);
	lines__free(&lines);
	ASSERT_TRUE(view__enter(&view, snap));
	ASSERT_EQ(VIEW_PROCESSES, view.id);
	ASSERT_EQ(1, view__count_lines(&view, snap));
	ASSERT_TRUE(view__enter(&view, snap));
	ASSERT_EQ(VIEW_SPACES, view.id);
	ASSERT_EQ(900, view.pid);
	ASSERT_EQ(4, view__count_lines(&view, snap));
	ASSERT_TRUE(view__back(&view));
	ASSERT_EQ(snap->nr_rows, view__count_lines(&view, snap));
	fixture__end(&f, snap);
}

TEST(filters, "filters know devices, names, containers and cgroups, in each table")
{
	static const struct { enum view_id id; const char *filter; size_t lines; } cases[] = {
		{ VIEW_SPACES, "docker", 7 }, { VIEW_PROCESSES, "docker", 1 },
		{ VIEW_PROCESSES, "00:14.0", 1 }, { VIEW_CGROUPS, "QEMU-SYS", 1 },
		{ VIEW_CGROUPS, "libvirt", 1 }, { VIEW_DEVICES, "00:11.0", 2 },
		{ VIEW_DEVICES, "dpdk", 1 }, { VIEW_DEVICES, "guest-one", 1 },
		{ VIEW_INVALS, "4711", 6 }, { VIEW_PROCESSES, "nobody", 0 },
	};
	struct snapshot *snap = fixture__make(&f);

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct view view = { 0 };

		view__show(&view, cases[i].id);
		strcpy(view.filter, cases[i].filter);
		if (view__count_lines(&view, snap) != cases[i].lines)
			FAIL("%s in %s: %zu lines, expected %zu", cases[i].filter,
			     view__name(cases[i].id), view__count_lines(&view, snap),
			     cases[i].lines);
	}
	fixture__end(&f, snap);
}

/* ---- what was before ---- */

TEST(trail, "an interval that is looked at again has the same past")
{
	struct snapshot *snap = fixture__make(&f), earlier = { .seq = snap->seq - 3 };

	ASSERT_EQ(snap->seq, trail__before(&f.trail, snap, 0)->seq);
	ASSERT_EQ(snap->seq - 5, trail__before(&f.trail, snap, 5)->seq);
	ASSERT_EQ(earlier.seq, trail__before(&f.trail, &earlier, 0)->seq);
	ASSERT_EQ(snap->seq - 5, trail__before(&f.trail, &earlier, 2)->seq);
	ASSERT_EQ(1, trail__before(&f.trail, &earlier, earlier.seq - 1)->seq);
	ASSERT_FALSE(trail__before(&f.trail, &earlier, earlier.seq));
	ASSERT_FALSE(trail__before(NULL, snap, 0));
	fixture__end(&f, snap);
}

TEST(trail_long, "of many intervals the last ones are known")
{
	struct snapshot *snap = fixture__make(&f);

	for (int i = 0; i < 3 * TRAIL_LEN; i++) {
		snap->seq++;
		trail__add(&f.trail, snap);
	}
	ASSERT_EQ(snap->seq - TRAIL_LEN + 1, trail__before(&f.trail, snap, TRAIL_LEN - 1)->seq);
	ASSERT_FALSE(trail__before(&f.trail, snap, TRAIL_LEN));
	fixture__end(&f, snap);
}

static __u64 counted(const struct grid *grid, int rows)
{
	char line[256], *number;
	__u64 sum = 0;

	for (int row = 1; row < rows; row++) {
		grid__line(grid, row, line);
		number = strlen(line) > 15 ? line + 15 : "";
		sum += strtoull(number, NULL, 10);
	}
	return sum;
}

TEST(histograms, "in a box of any size, the lines of a histogram add up to all operations")
{
	for (int round = 0; round < 300; round++) {
		__u32 hist[HIST_SLOTS] = { 0 };
		struct times *times;
		struct grid grid;
		__u64 total = 0;
		int rows, took;

		for (int i = 0; i <= round; i++) {
			__u32 n = 1 + i * 7919 % 50;

			hist[(round * 31 + i * i * 17) % HIST_SLOTS] += n;
			total += n;
		}
		rows = 3 + round % 30;
		ASSERT_EQ(0, times__pack(&times, hist, 1));
		ASSERT_EQ(0, grid__init(&grid, rows, 60));
		took = view__draw_histogram(&grid, 0, 0, rows, 60, times, "x");
		ASSERT_LE(took, rows);
		ASSERT_EQ(total, counted(&grid, took));
		grid__free(&grid);
		free(times);
	}
}

HARNESS_MAIN
