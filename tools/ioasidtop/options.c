// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "arg.h"
#include "ioasidtop.h"
#include "openmetrics.h"
#include "version.h"

enum {
	OPT_JSON = 256, OPT_NO_BPF, OPT_PROBE, OPT_STRICT, OPT_VERBOSE, OPT_MEMORY, OPT_WIDTH,
	OPT_HEIGHT, OPT_COUNTERS, OPT_FORMAT, OPT_RECORD, OPT_RECORD_SIZE, OPT_REPLAY, OPT_AT,
	OPT_SPEED, OPT_HISTORY, OPT_SPACES, OPT_BPF_STATS, OPT_MAX_CPU, OPT_VIEW, OPT_SPACE,
	OPT_PROC, OPT_COLLECTOR, OPT_SOURCE,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "Output:", 1 },
	{ "batch", 'b', NULL, 0, "print tables instead of a screen", 0 },
	{ "format", OPT_FORMAT, "FORMAT", 0, "what is printed (implies -b): table, json, csv, "
	  "openmetrics, prometheus", 0 },
	{ "json", OPT_JSON, NULL, 0, "the same as --format=json: one object per interval", 0 },
	{ "spaces", OPT_SPACES, "N", 0, "of the last two: counters of N spaces by themselves and "
	  "the others together; 0: only sums (100)", 0 },
	{ "count", 'n', "COUNT", 0, "stop after COUNT intervals", 0 },
	{ "interval", 'i', "SECONDS", 0, "length of an interval, 0.05 to 3600 (1)", 0 },
	{ "width", OPT_WIDTH, "COLS", 0, "width of printed tables ($COLUMNS or 100)", 0 },
	{ NULL, 0, NULL, 0, "Rows:", 2 },
	{ "sort", 's', "COLUMN", 0, "pid, comm, ctx, ioasid, devices, mappings, mapped, pinned, "
	  "map, map-p50, map-p99, unmap, unmap-p50, unmap-p99, user-inv, user-inv-p50, "
	  "user-inv-p99, errors, lost, inv, inv-p99, attached, space, format (map), faults, "
	  "fault-pages, pending, oldest, fault-ok, fault-invalid, fault-overflows, "
	  "fault-timeouts, fault-cancels, fault-fatal, service-p50, service-p99, service-max, "
	  "wait-p50, wait-p99, device, pasid, cgroup, nspid, container, processes, contexts, "
	  "spaces, user-inv-errors, user-inv-max, scope, inv-p50, inv-max, user-inv-total, "
	  "shadow-syncs", 0 },
	{ "reverse", 'r', NULL, 0, "sort the other way round", 0 },
	{ "view", OPT_VIEW, "NAME", 0, "summary, spaces, tree, devices, processes, cgroups, "
	  "invalidations, faults, stacks, heat (spaces)", 0 },
	{ "tree", 't', NULL, 0, "--view tree: spaces below those that they are nested on", 0 },
	{ "faults", 'F', NULL, 0, "--view faults: page faults by space and device", 0 },
	{ "space", OPT_SPACE, "CTX:ID", 0, "look into this space, with its mappings", 0 },
	{ "filter", 'f', "TEXT", 0, "only rows with TEXT in name, pid or device", 0 },
	{ "pid", 'p', "PID", 0, "only contexts of process PID", 0 },
	{ NULL, 0, NULL, 0, "Data:", 3 },
	{ "collector", OPT_COLLECTOR, "SOCKET", OPTION_ARG_OPTIONAL,
	  "what ioasid-collect collects, without any privilege (" COLLECT_SOCKET ")", 0 },
	{ "source", OPT_SOURCE, "SOURCE", 0,
	  "whom to watch: ioasid, vfio (stock type1), iommufd, iommu (tracepoints of all "
	  "IOMMUs), auto: the first that is there (auto)", 0 },
	{ "no-bpf", OPT_NO_BPF, NULL, 0,
	  "only the driver's counters, without latencies", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the BPF maps' memory (64)", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "exit with 4 when data are incomplete", 0 },
	{ NULL, 0, NULL, 0, "Time:", 4 },
	{ "record", OPT_RECORD, "FILE", 0, "also write all snapshots to FILE", 0 },
	{ "record-size", OPT_RECORD_SIZE, "MIB", 0, "of FILE and FILE.1, which has what is older "
	  "(64)", 0 },
	{ "replay", OPT_REPLAY, "FILE", 0, "show what was recorded", 0 },
	{ "at", OPT_AT, "SECONDS", 0, "begin there in a recording, and wait", 0 },
	{ "speed", OPT_SPEED, "FACTOR", 0, "of a recording on the screen, 0.1 to 1000 (1)", 0 },
	{ "history", OPT_HISTORY, "MIB", 0, "memory for scrolling back ten minutes; 0: none (16)",
	  0 },
	{ "max-cpu", OPT_MAX_CPU, "PERCENT", 0, "the interval gets longer when this program takes "
	  "more of one processor; 0: never (25)", 0 },
	{ NULL, 0, NULL, 0, "About:", 5 },
	{ "bpf-stats", OPT_BPF_STATS, NULL, 0, "have the kernel measure BPF programs", 0 },
	{ "probe", OPT_PROBE, NULL, 0, "say what this machine can do and why not", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ "screen", OPT_HEIGHT, "ROWS", OPTION_HIDDEN, NULL, 0 },
	{ "counters", OPT_COUNTERS, "FILE", OPTION_HIDDEN, NULL, 0 },
	{ "proc", OPT_PROC, "DIR", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static enum format parse_format(struct argp_state *state, const char *text)
{
	static const char *const names[] = { "table", "json", "csv", "openmetrics", "prometheus" };

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (!strcmp(names[i], text))
			return i;
	argp_error(state, "FORMAT is table, json, csv, openmetrics or prometheus, not '%s'", text);
	return FORMAT_TABLE;
}

/* What has to do with time. */
static error_t parse_time(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPT_RECORD:
		options->record = arg;
		break;
	case OPT_RECORD_SIZE:
		options->record_mib = arg__whole(state, "MIB", arg, 1, RECORD_MIB_MAX);
		break;
	case OPT_REPLAY:
		options->replay = arg;
		break;
	case OPT_AT:
		options->at = arg__number(state, "SECONDS", arg, 0, 1e9);
		options->at_set = true;
		break;
	case OPT_SPEED:
		options->speed = arg__number(state, "FACTOR", arg, SPEED_MIN, SPEED_MAX);
		break;
	case OPT_MAX_CPU:
		options->max_cpu = arg__whole(state, "PERCENT", arg, 0, 100);
		break;
	case OPT_HISTORY:
		options->history_mib = arg__whole(state, "MIB", arg, 0, HISTORY_MIB_MAX);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static enum view_id parse_view(struct argp_state *state, const char *name)
{
	int id = view__find(name);

	if (id < 0)
		argp_error(state, "no view is called '%s': see --help", name);
	return id;
}

static void parse_space(struct argp_state *state, struct options *options, const char *text)
{
	char end;

	if (sscanf(text, "%u:%u%c", &options->ctx, &options->ioasid, &end) != 2 ||
	    !options->ioasid)
		argp_error(state, "'%s' is no space: give CTX:ID", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		options->batch = true;
		break;
	case OPT_JSON:
		options->format = FORMAT_JSON;
		options->batch = true;
		break;
	case 'n':
		options->count = arg__whole(state, "COUNT", arg, 1, 1e15);
		break;
	case 'i':
		options->interval = arg__number(state, "SECONDS", arg, 0.05, 3600);
		break;
	case 's':
		options->sort = view__find_column(arg);
		if (options->sort < 0)
			argp_error(state, "no column is called '%s': see --help", arg);
		break;
	case 'r':
		options->reverse = true;
		break;
	case OPT_VIEW:
		options->view = parse_view(state, arg);
		break;
	case OPT_SPACE:
		parse_space(state, options, arg);
		break;
	case OPT_PROC:
		options->proc = arg;
		break;
	case 't':
		options->view = VIEW_TREE;
		break;
	case 'F':
		options->view = VIEW_FAULTS;
		break;
	case 'f':
		if (strlen(arg) >= FILTER_LEN)
			argp_error(state, "TEXT is too long");
		options->filter = arg;
		break;
	case 'p':
		options->pid = arg__whole(state, "PID", arg, 1, 1 << 22);
		break;
	case OPT_COLLECTOR:
		options->collector = arg ? arg : COLLECT_SOCKET;
		break;
	case OPT_NO_BPF:
		options->no_bpf = true;
		break;
	case OPT_MEMORY:
		options->memory = arg__whole(state, "MIB", arg, COLLECT_MEMORY_MIN,
					     COLLECT_MEMORY_MAX);
		break;
	case OPT_SOURCE:
		if (!watch__parse(arg, &options->watch))
			argp_error(state,
				   "SOURCE must be ioasid, vfio, iommufd, iommu or auto, not '%s'",
				   arg);
		break;
	case OPT_STRICT:
		options->strict = true;
		break;
	case OPT_PROBE:
		options->probe = true;
		break;
	case OPT_VERBOSE:
		options->verbose = true;
		break;
	case OPT_WIDTH:
		options->width = arg__whole(state, "COLS", arg, 20, 1000);
		break;
	case OPT_HEIGHT:
		options->height = arg__whole(state, "ROWS", arg, 5, 1000);
		break;
	case OPT_COUNTERS:
		if (options->nr_files == MAX_FILES)
			argp_error(state, "too many files");
		options->files[options->nr_files++] = arg;
		options->no_bpf = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	case OPT_FORMAT:
		options->format = parse_format(state, arg);
		options->batch = true;
		break;
	case OPT_SPACES:
		options->spaces = arg__whole(state, "N", arg, 0, OPENMETRICS_SPACES_MAX);
		break;
	case OPT_BPF_STATS:
		options->bpf_stats = true;
		break;
	case ARGP_KEY_END:
		if (options->replay && (options->record || options->nr_files))
			argp_error(state, "a recording is shown alone");
		if (!options->replay && options->at_set)
			argp_error(state, "--at is a time in a recording: with --replay");
		break;
	default:
		return parse_time(key, arg, state);
	}
	return 0;
}

static int default_width(void)
{
	const char *text = getenv("COLUMNS");
	int width = text ? atoi(text) : 0;

	return width >= 20 && width <= 1000 ? width : 100;
}

void options__parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Shows who maps memory for devices through ioasid, how much, how often and how fast."
		       "\vKeys on the screen: h. Exit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this machine, 4 data incomplete (with --strict).",
	};

	*options = (struct options){
		.interval = 1, .sort = -1, .memory = COLLECT_MEMORY_DEFAULT,
		.record_mib = RECORD_MIB, .speed = 1, .history_mib = HISTORY_MIB,
		.spaces = OPENMETRICS_SPACES, .max_cpu = PACE_PERCENT,
		.view = VIEW_SPACES, .watch = WATCH_AUTO,
	};
	argp_program_version = "ioasidtop " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	if (options->nr_files || options->height)
		options->batch = true;
	if (!options->width)
		options->width = default_width();
	if (options->nr_files || (options->no_bpf && options->watch == WATCH_AUTO))
		options->watch = WATCH_IOASID;
	if (options->nr_files)
		options->count = options->nr_files > 1 ? options->nr_files - 1 : 1;
	options->interval_ns = options->interval * 1e9;
}
