// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include "arg.h"
#include "collect.h"
#include "ioasidlat.h"
#include "version.h"

enum {
	OPT_JSON = 256, OPT_HEATMAP, OPT_HLOG, OPT_STRICT, OPT_VERBOSE, OPT_MEMORY, OPT_WIDTH,
	OPT_PROBE, OPT_SOURCE,
};

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "How long:", 1 },
	{ "duration", 'd', "SECONDS", 0, "end after SECONDS (until ^C)", 0 },
	{ "interval", 'i', "SECONDS", 0,
	  "also show every interval of SECONDS, 0.05 to 3600 (only the whole; heat maps: 1)", 0 },
	{ "count", 'n', "COUNT", 0, "end after COUNT intervals", 0 },
	{ NULL, 0, NULL, 0, "Output:", 2 },
	{ "by", 'B', "WHAT,...", 0, "a row for each phase, space, device, process, result, or none "
	  "of these (phase; heat maps: none)", 0 },
	{ "histogram", 'H', NULL, 0, "a histogram of each row below the table", 0 },
	{ "heatmap", OPT_HEATMAP, NULL, 0, "a line of a heat map for each row and interval", 0 },
	{ "json", OPT_JSON, NULL, 0, "a JSON object for each interval and the whole", 0 },
	{ "hlog", OPT_HLOG, "FILE", 0,
	  "write histograms to FILE, in the log format of HdrHistogram", 0 },
	{ "width", OPT_WIDTH, "COLS", 0, "width of what is printed ($COLUMNS, the terminal, or 80)",
	  0 },
	{ NULL, 0, NULL, 0, "Which operations:", 3 },
	{ "op", 'o', "OP,...", 0, "map, unmap, inv, user-inv, inv-cmd, shadow, fault, attach, "
	  "detach, bind-table, unbind-table, register, unregister, dirty-set, dirty-read (all)",
	  0 },
	{ "pid", 'p', "PID", 0, "only those of process PID", 0 },
	{ "space", 'S', "[CTX:]ID", 0, "only those on this space, of any context or of CTX", 0 },
	{ "device", 'D', "NAME", 0, "only those of this device: a PCI function or the user's label",
	  0 },
	{ "min", 'm', "DURATION", 0, "only those that took so long: 500, 20us, 1.5ms, 1s (ns)", 0 },
	{ "errors", 'e', NULL, 0, "only those that failed, instead of those that did not", 0 },
	{ "all", 'a', NULL, 0, "those that failed as well", 0 },
	{ NULL, 0, NULL, 0, "Data:", 4 },
	{ "source", OPT_SOURCE, "SOURCE", 0,
	  "whom to watch: ioasid, vfio (stock type1), iommufd, auto: the first that is there "
	  "(auto)", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the BPF maps' memory (64)", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "exit with 4 when data are incomplete", 0 },
	{ NULL, 0, NULL, 0, "About:", 5 },
	{ "probe", OPT_PROBE, NULL, 0, "say what this machine can do and why not", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ 0 },
};

/* Calls take() for each word of a list. */
static void parse_list(struct argp_state *state, const char *text,
		       bool (*take)(struct options *options, const char *word, size_t len),
		       const char *what)
{
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, ",");
		if (!take(state->input, text, len))
			argp_error(state, "no %s is called '%.*s': see --help", what, (int)len,
				   text);
		if (!text[len])
			break;
	}
}

static bool take_op(struct options *options, const char *word, size_t len)
{
	int series = lat__find_op(word, len);

	if (series >= 0)
		options->ops |= 1ULL << series;
	return series >= 0;
}

static bool take_by(struct options *options, const char *word, size_t len)
{
	static const struct {
		const char *name;
		unsigned int bit;
	} names[] = {
		{ "phase", LAT_BY_PHASE }, { "space", LAT_BY_SPACE }, { "device", LAT_BY_DEVICE },
		{ "process", LAT_BY_PROCESS }, { "result", LAT_BY_RESULT }, { "none", 0 },
	};

	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		if (strlen(names[i].name) != len || strncmp(names[i].name, word, len))
			continue;
		options->config.by |= names[i].bit;
		return true;
	}
	return false;
}

static void parse_min(struct argp_state *state, const char *text, __u64 *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1 }, { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	double number;
	char *end;

	number = strtod(text, &end);
	for (size_t i = 0; end != text && i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit) || !(number * units[i].ns >= 0) ||
		    number * units[i].ns > 1e18)
			continue;
		*ns = number * units[i].ns;
		return;
	}
	argp_error(state, "DURATION is a number with ns, us, ms or s, not '%s'", text);
}

static __u32 parse_u32(struct argp_state *state, const char *what, const char *text, size_t len)
{
	char copy[16];

	snprintf(copy, sizeof(copy), "%.*s", (int)len, text);
	return arg__whole(state, what, len < sizeof(copy) ? copy : text, 1, 0xffffffff);
}

static void parse_space(struct argp_state *state, const char *text, struct lat_config *config)
{
	const char *colon = strchr(text, ':');

	if (colon) {
		config->ctx = parse_u32(state, "CTX", text, colon - text);
		config->any_ctx = false;
		text = colon + 1;
	}
	config->ioasid = parse_u32(state, "ID", text, strlen(text));
	config->any_ioasid = false;
}

/* [SEGMENT:]BUS:SLOT.FUNCTION: how many numbers there are, 0: it is nothing like that. */
static int scan_function(const char *text, unsigned int *n)
{
	int end = -1, nr;

	nr = sscanf(text, "%x:%x:%x.%x%n", &n[0], &n[1], &n[2], &n[3], &end);
	if (nr == 4 && !text[end])
		return nr;
	n[0] = 0;
	end = -1;
	nr = sscanf(text, "%x:%x.%x%n", &n[1], &n[2], &n[3], &end);
	return nr == 3 && !text[end] ? nr : 0;
}

static void parse_device(struct argp_state *state, const char *text, struct lat_config *config)
{
	unsigned int n[4];
	char *end;

	if (scan_function(text, n)) {
		if (n[0] > 0xffff || n[1] > 0xff || n[2] > 0x1f || n[3] > 7)
			argp_error(state, "no PCI function is called '%s'", text);
		config->dev = n[0] << 16 | n[1] << 8 | n[2] << 3 | n[3];
		return;
	}
	errno = 0;
	config->cookie = strtoull(text, &end, 0);
	if (errno || end == text || *end || !config->cookie)
		argp_error(state, "NAME is a PCI function or a number that its user gave it, not '%s'",
			   text);
}

static error_t parse_output(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'B':
		options->by = true;
		parse_list(state, arg, take_by, "kind of row");
		break;
	case 'H':
		options->histogram = true;
		break;
	case OPT_HEATMAP:
		options->heatmap = true;
		break;
	case OPT_JSON:
		options->json = true;
		break;
	case OPT_HLOG:
		options->hlog = arg;
		break;
	case OPT_WIDTH:
		options->width = arg__whole(state, "COLS", arg, 40, 1000);
		break;
	case OPT_SOURCE:
		if (!watch__parse(arg, &options->watch))
			argp_error(state,
				   "SOURCE must be ioasid, vfio, iommufd or auto, not '%s'", arg);
		break;
	case OPT_MEMORY:
		options->memory = arg__whole(state, "MIB", arg, COLLECT_MEMORY_MIN,
					     COLLECT_MEMORY_MAX);
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
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		options->duration_ns = arg__number(state, "SECONDS", arg, 0.05, 1e9) * 1e9;
		break;
	case 'i':
		options->interval_ns = arg__number(state, "SECONDS", arg, 0.05, 3600) * 1e9;
		break;
	case 'n':
		options->count = arg__whole(state, "COUNT", arg, 1, 1e15);
		break;
	case 'o':
		parse_list(state, arg, take_op, "operation");
		break;
	case 'p':
		options->config.tgid = arg__whole(state, "PID", arg, 1, 1 << 22);
		break;
	case 'S':
		parse_space(state, arg, &options->config);
		break;
	case 'D':
		parse_device(state, arg, &options->config);
		break;
	case 'm':
		parse_min(state, arg, &options->config.min_ns);
		break;
	case 'e':
		options->config.results = LAT_FAILED;
		break;
	case 'a':
		options->config.results = LAT_OK | LAT_FAILED;
		break;
	case ARGP_KEY_END:
		if (options->json && (options->histogram || options->heatmap))
			argp_error(state, "--json has all histograms in it: leave out the others");
		break;
	default:
		return parse_output(key, arg, state);
	}
	return 0;
}

/* What was not said. */
static void complete(struct options *options)
{
	if (!options->by && !options->heatmap)
		options->config.by = LAT_BY_PHASE;
	if (!options->interval_ns && (options->heatmap || options->count))
		options->interval_ns = 1000000000;
	options->all_ops = !options->ops;
	for (int i = 0; options->all_ops && i < NR_LAT_SERIES; i++)
		if (!lat__phase(i))
			options->ops |= 1ULL << i;
	/* What devices ask for is nobody's process. */
	if (options->config.tgid && options->all_ops)
		options->ops &= ~(1ULL << LAT_FAULT);
}

void options__parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Shows how long the operations of ioasid and their phases take: percentiles, histograms, heat maps over time."
		       "\vExit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this machine, 4 data incomplete (with --strict).",
	};

	*options = (struct options){
		.memory = COLLECT_MEMORY_DEFAULT,
		.watch = WATCH_AUTO,
		.config = {
			.dev = LAT_NO_DEV, .any_ctx = true, .any_ioasid = true, .results = LAT_OK,
		},
	};
	argp_program_version = "ioasidlat " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
	complete(options);
}
