// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The table of all views. */
#include "views.h"

const struct view_type view_types[NR_VIEWS] = {
	[VIEW_SUMMARY] = {
		.name = "summary", .key = '1', .what = "the machine: rates, latencies, histograms",
		.layout = LAYOUT_NONE, .sort = "map", .draw = view_summary__draw,
		.rows = view_summary__rows,
	},
	[VIEW_SPACES] = {
		.name = "spaces", .key = '2', .what = "address spaces, one a line",
		.layout = LAYOUT_LIST, .sort = "map", .lines = lines__spaces,
	},
	[VIEW_TREE] = {
		.name = "tree", .key = '3', .what = "below those that they are nested on (also t)",
		.layout = LAYOUT_TREE, .sort = "map", .lines = lines__tree,
	},
	[VIEW_DEVICES] = {
		.name = "devices", .key = '4', .what = "devices and PASIDs, and their spaces",
		.layout = LAYOUT_DEVICES, .sort = "device", .lines = lines__devices,
	},
	[VIEW_PROCESSES] = {
		.name = "processes", .key = '5', .what = "all spaces of a process as one",
		.layout = LAYOUT_PROCESSES, .sort = "map", .lines = lines__processes,
	},
	[VIEW_CGROUPS] = {
		.name = "cgroups", .key = '6', .what = "all spaces of a cgroup as one",
		.layout = LAYOUT_CGROUPS, .sort = "map", .lines = lines__cgroups,
	},
	[VIEW_INVALS] = {
		.name = "invalidations", .key = '7', .what = "of IOTLBs, and requested by users",
		.layout = LAYOUT_INVALS, .sort = "inv", .lines = lines__invals,
	},
	[VIEW_FAULTS] = {
		.name = "faults", .key = '8', .what = "page faults by space and device (also f)",
		.layout = LAYOUT_FAULTS, .sort = "faults", .lines = lines__faults,
	},
	[VIEW_STACKS] = {
		.name = "stacks", .key = '9', .what = "which code maps most",
		.layout = LAYOUT_NONE, .sort = "map", .draw = view_stacks__draw,
		.rows = view_stacks__rows,
	},
	[VIEW_HEAT] = {
		.name = "heat", .key = '0', .what = "latencies over time (o: of one operation)",
		.layout = LAYOUT_NONE, .sort = "map", .draw = view_heat__draw,
		.rows = view_heat__rows,
	},
};
