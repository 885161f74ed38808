// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "ioasidtop.h"
#include "version.h"

enum {
	OPT_JSON = 256, OPT_NO_BPF, OPT_PROBE, OPT_STRICT, OPT_VERBOSE, OPT_MEMORY, OPT_WIDTH,
	OPT_HEIGHT, OPT_COUNTERS, OPT_SOURCE,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "Output:", 1 },
	{ "batch", 'b', NULL, 0, "print tables instead of a screen", 0 },
	{ "json", OPT_JSON, NULL, 0, "print one JSON object per interval (implies -b)", 0 },
	{ "count", 'n', "COUNT", 0, "stop after COUNT intervals", 0 },
	{ "interval", 'i', "SECONDS", 0, "length of an interval, 0.05 to 3600 (1)", 0 },
	{ "width", OPT_WIDTH, "COLS", 0, "width of printed tables ($COLUMNS or 100)", 0 },
	{ NULL, 0, NULL, 0, "Rows:", 2 },
	{ "sort", 's', "COLUMN", 0, "pid, comm, ctx, ioasid, devices, mappings, mapped, pinned, "
	  "map, map-p50, map-p99, unmap, unmap-p50, unmap-p99, user-inv, user-inv-p50, "
	  "user-inv-p99, errors, lost, inv, inv-p99, attached, space, format (map), faults, "
	  "fault-pages, pending, oldest, fault-ok, fault-invalid, fault-overflows, "
	  "fault-timeouts, fault-cancels, fault-fatal, service-p50, service-p99, service-max, "
	  "wait-p50, wait-p99", 0 },
	{ "reverse", 'r', NULL, 0, "sort the other way round", 0 },
	{ "tree", 't', NULL, 0, "spaces below those that they are nested on", 0 },
	{ "faults", 'F', NULL, 0, "page faults by space and device, sorted by faults", 0 },
	{ "filter", 'f', "TEXT", 0, "only rows with TEXT in name, pid or device", 0 },
	{ "pid", 'p', "PID", 0, "only contexts of process PID", 0 },
	{ NULL, 0, NULL, 0, "Data:", 3 },
	{ "source", OPT_SOURCE, "SOURCE", 0,
	  "whom to watch: ioasid, vfio (stock type1), iommufd, iommu (tracepoints of all "
	  "IOMMUs), auto: the first that is there (auto)", 0 },
	{ "no-bpf", OPT_NO_BPF, NULL, 0,
	  "only the driver's counters, without latencies", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the BPF maps' memory (64)", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "exit with 4 when data are incomplete", 0 },
	{ NULL, 0, NULL, 0, "About:", 4 },
	{ "probe", OPT_PROBE, NULL, 0, "say what this machine can do and why not", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ "screen", OPT_HEIGHT, "ROWS", OPTION_HIDDEN, NULL, 0 },
	{ "counters", OPT_COUNTERS, "FILE", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

static double parse_number(struct argp_state *state, const char *what, const char *text,
			   double min, double max)
{
	double number;
	char *end;

	errno = 0;
	number = strtod(text, &end);
	if (errno || end == text || *end || !(number >= min && number <= max))
		argp_error(state, "%s must be from %g to %g, not '%s'", what, min, max, text);
	return number;
}

static unsigned long parse_whole(struct argp_state *state, const char *what, const char *text,
				 unsigned long min, unsigned long max)
{
	double number = parse_number(state, what, text, min, max);

	if (number != floor(number))
		argp_error(state, "%s must be a whole number, not '%s'", what, text);
	return number;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'b':
		options->batch = true;
		break;
	case OPT_JSON:
		options->json = true;
		break;
	case 'n':
		options->count = parse_whole(state, "COUNT", arg, 1, 1e15);
		break;
	case 'i':
		options->interval = parse_number(state, "SECONDS", arg, 0.05, 3600);
		break;
	case 's':
		options->sort = view__find_column(arg);
		if (options->sort < 0)
			argp_error(state, "no column is called '%s': see --help", arg);
		break;
	case 'r':
		options->reverse = true;
		break;
	case 't':
		options->tree = true;
		break;
	case 'F':
		options->faults = true;
		break;
	case 'f':
		if (strlen(arg) >= FILTER_LEN)
			argp_error(state, "TEXT is too long");
		options->filter = arg;
		break;
	case 'p':
		options->pid = parse_whole(state, "PID", arg, 1, 1 << 22);
		break;
	case OPT_NO_BPF:
		options->no_bpf = true;
		break;
	case OPT_MEMORY:
		options->memory = parse_whole(state, "MIB", arg, COLLECT_MEMORY_MIN,
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
		options->width = parse_whole(state, "COLS", arg, 20, 1000);
		break;
	case OPT_HEIGHT:
		options->height = parse_whole(state, "ROWS", arg, 5, 1000);
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
	default:
		return ARGP_ERR_UNKNOWN;
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
		.interval = 1, .sort = -1, .memory = COLLECT_MEMORY_DEFAULT, .watch = WATCH_AUTO,
	};
	argp_program_version = "ioasidtop " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	if (options->json || options->nr_files || options->height)
		options->batch = true;
	if (!options->width)
		options->width = default_width();
	if (options->nr_files || (options->no_bpf && options->watch == WATCH_AUTO))
		options->watch = WATCH_IOASID;
	if (options->nr_files)
		options->count = options->nr_files > 1 ? options->nr_files - 1 : 1;
	options->interval_ns = options->interval * 1e9;
}
