// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "arg.h"
#include "ioasidsnoop.h"
#include "version.h"

enum { OPT_JSON = 256, OPT_STRICT, OPT_VERBOSE, OPT_MEMORY, OPT_PROBE, OPT_SOURCE };

static const struct argp_option option_table[] = {
	{ NULL, 0, NULL, 0, "Output:", 1 },
	{ "json", OPT_JSON, NULL, 0, "print one JSON object per event", 0 },
	{ "time", 'T', "CLOCK", 0, "time stamps: wall, mono, delta (wall)", 0 },
	{ "count", 'n', "COUNT", 0, "stop after COUNT events", 0 },
	{ "duration", 'd', "SECONDS", 0, "stop after SECONDS, 0.001 to 1e6", 0 },
	{ "kernel-stack", 'k', NULL, 0, "kernel stack of each event", 0 },
	{ "user-stack", 'u', NULL, 0, "user stack of each event", 0 },
	{ NULL, 0, NULL, 0, "Events:", 2 },
	{ "events", 'e', "LIST", 0, "names, or groups: all, begin, devices, dirty, faults, "
	  "invalidations, mappings, memory, spaces, tables; else all but begin", 0 },
	{ "faults", 'F', NULL, 0, "page faults, as -e faults", 0 },
	{ "pid", 'p', "PID", 0, "only what process PID does", 0 },
	{ "context", 'c', "CTX", 0, "only context CTX", 0 },
	{ "space", 'S', "ID", 0, "only space ID", 0 },
	{ "device", 'D', "DEVICE", 0, "only this device: PCI address, or number of its cookie", 0 },
	{ "address", 'a', "RANGE", 0,
	  "only IOVAs in FIRST-LAST or ADDRESS+SIZE, or this ADDRESS", 0 },
	{ "slower", 'l', "TIME", 0, "only what took TIME or more: 250us, 10ms, 1s", 0 },
	{ "errors", 'x', NULL, 0, "only what failed", 0 },
	{ NULL, 0, NULL, 0, "Data:", 3 },
	{ "source", OPT_SOURCE, "SOURCE", 0,
	  "whom to watch: ioasid, vfio (stock type1), iommufd, iommu (tracepoints of all "
	  "IOMMUs), auto: the first that is there (auto)", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the ring's memory, 1 to 1024 (16)", 0 },
	{ "strict", OPT_STRICT, NULL, 0, "exit with 4 when events were lost", 0 },
	{ NULL, 0, NULL, 0, "About:", 4 },
	{ "probe", OPT_PROBE, NULL, 0, "say what this machine can do and why not", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ 0 },
};

static void parse_device(struct argp_state *state, struct ioasid_snoop_filter *filter,
			 const char *text)
{
	char *end;

	filter->conditions &= ~(SNOOP_IF_DEV | SNOOP_IF_COOKIE);
	if (device__parse(text, &filter->dev)) {
		filter->conditions |= SNOOP_IF_DEV;
		return;
	}
	errno = 0;
	filter->cookie = strtoull(text, &end, 0);
	if (errno || end == text || *end || *text == '-')
		argp_error(state, "DEVICE must be like 0000:00:10.0, or a number, not '%s'", text);
	filter->conditions |= SNOOP_IF_COOKIE;
}

/* What events must be like. */
static error_t parse_filter(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;
	struct ioasid_snoop_filter *filter = &options->filter;

	switch (key) {
	case 'p':
		filter->pid = arg__whole(state, "PID", arg, 1, 1 << 22);
		filter->conditions |= SNOOP_IF_PID;
		break;
	case 'c':
		filter->ctx = arg__whole(state, "CTX", arg, 0, 0xffffffff);
		filter->conditions |= SNOOP_IF_CTX;
		break;
	case 'S':
		filter->ioasid = arg__whole(state, "ID", arg, 0, 0xffffffff);
		filter->conditions |= SNOOP_IF_IOASID;
		break;
	case 'D':
		parse_device(state, filter, arg);
		break;
	case 'a':
		if (!range__parse(arg, &filter->first, &filter->last))
			argp_error(state, "RANGE must be like 0x1000-0x1fff, 0x1000+64K or 0x1000, not '%s'",
				   arg);
		filter->conditions |= SNOOP_IF_RANGE;
		break;
	case 'l':
		if (!duration__parse(arg, &filter->min_ns))
			argp_error(state, "TIME must be like 250us, 10ms or 1s, not '%s'", arg);
		filter->conditions |= SNOOP_IF_SLOWER;
		break;
	case 'x':
		filter->conditions |= SNOOP_IF_ERROR;
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static enum event_clock parse_clock(struct argp_state *state, const char *text)
{
	static const char *const names[] = {
		[CLOCK_WALL] = "wall", [CLOCK_MONO] = "mono", [CLOCK_DELTA] = "delta",
	};

	for (int i = 0; i <= CLOCK_DELTA; i++)
		if (!strcmp(text, names[i]))
			return i;
	argp_error(state, "CLOCK must be wall, mono or delta, not '%s'", text);
	return CLOCK_WALL;
}

static void add_events(struct argp_state *state, struct options *options, const char *list)
{
	__u32 events;

	if (!events__parse(list, &events))
		argp_error(state, "'%s' has no name of an event or a group: see --help and the manual",
			   list);
	options->events = options->events_given ? options->events | events : events;
	options->events_given = true;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case OPT_SOURCE:
		if (!watch__parse(arg, &options->watch))
			argp_error(state,
				   "SOURCE must be ioasid, vfio, iommufd, iommu or auto, not '%s'",
				   arg);
		break;
	case OPT_JSON:
		options->json = true;
		break;
	case 'T':
		options->clock = parse_clock(state, arg);
		break;
	case 'n':
		options->count = arg__whole(state, "COUNT", arg, 1, 1e15);
		break;
	case 'd':
		options->duration_ns = arg__number(state, "SECONDS", arg, 0.001, 1e6) * 1e9;
		break;
	case 'k':
		options->kernel_stacks = true;
		break;
	case 'u':
		options->user_stacks = true;
		break;
	case 'e':
		add_events(state, options, arg);
		break;
	case 'F':
		add_events(state, options, "faults");
		break;
	case OPT_MEMORY:
		options->memory = arg__whole(state, "MIB", arg, MEMORY_MIN, MEMORY_MAX);
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
		return parse_filter(key, arg, state);
	}
	return 0;
}

void options__parse(struct options *options, int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Prints each map, unmap, invalidation, attach and page fault of ioasid as it happens."
		       "\vAll conditions must hold; they are tested in the kernel. Exit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this machine, 4 events lost (with --strict).",
	};

	*options = (struct options){ .events = events__default(), .memory = MEMORY_DEFAULT,
				     .watch = WATCH_AUTO };
	argp_program_version = "ioasidsnoop " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
