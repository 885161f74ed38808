// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include "perf.h"

enum { OPT_JSON = 256, OPT_MARK, OPT_LABEL };

struct run {
	struct run_options options;
	const char *workloads, *doors, *device, *label;
	bool json;
};

static const struct argp_option option_table[] = {
	{ "door", 'd', "DOOR,...", 0, "through these doors (all that can be used here)", 0 },
	{ "workload", 'w', "NAME,...", 0, "these workloads (all)", 0 },
	{ "device", 'D', "PCI", 0, "the device (QEMU's first edu that is alone in its group)", 0 },
	{ "samples", 'n', "N", 0, "samples of each operation, 1 to 100000", 0 },
	{ "label", OPT_LABEL, "TEXT", 0, "what the results are called", 0 },
	{ "json", OPT_JSON, NULL, 0, "one JSON object with all samples", 0 },
	{ "mark", OPT_MARK, NULL, 0, "a marked round of each, for functions.so", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct run *run = state->input;
	char *end;

	switch (key) {
	case 'd':
		run->doors = arg;
		break;
	case 'w':
		run->workloads = arg;
		break;
	case 'D':
		run->device = arg;
		break;
	case 'n':
		run->options.samples = strtoul(arg, &end, 10);
		if (*end || !run->options.samples || run->options.samples > 100000)
			argp_error(state, "samples must be from 1 to 100000, not '%s'", arg);
		break;
	case OPT_LABEL:
		run->label = arg;
		break;
	case OPT_JSON:
		run->json = true;
		break;
	case OPT_MARK:
		run->options.mark = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "'%s' is not an option", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	option_table, parse, NULL, "Measures workloads through doors.", NULL, NULL, NULL
};

/* Is a name in a list, which NULL stands for all of? */
static bool listed(const char *list, const char *name)
{
	size_t len;

	if (!list)
		return true;
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		if (strlen(name) == len && !strncmp(list, name, len))
			return true;
		if (!list[len])
			return false;
	}
}

static bool check_list(const char *list, const char *what, bool (*known)(const char *, size_t))
{
	size_t len;

	for (; list; list += len + 1) {
		len = strcspn(list, ",");
		if (!known(list, len)) {
			fprintf(stderr, "ioasidperf: no %s is called '%.*s': see ioasidperf list\n",
				what, (int)len, list);
			return false;
		}
		if (!list[len])
			break;
	}
	return true;
}

static bool known_workload(const char *name, size_t len)
{
	return workload__find(name, len);
}

static bool known_door(const char *name, size_t len)
{
	char text[32];

	snprintf(text, sizeof(text), "%.*s", (int)len, name);
	return door__find(text);
}

static int run_door(const struct run *run, const struct door_ops *ops, const struct clock *clock,
		    struct results *results)
{
	struct door door;
	int rc = door__open(&door, ops, run->device);

	for (unsigned int i = 0; !rc && i < nr_workloads; i++)
		if (listed(run->workloads, workloads[i].name))
			rc = measure__workload(&door, &workloads[i], clock, &run->options,
					       results);
	door__close(&door);
	return rc;
}

/* Of doors that were asked for by name all must open. */
static int run_doors(const struct run *run, const struct clock *clock, struct results *results)
{
	for (int i = 0; doors[i]; i++) {
		const char *obstacle;

		if (!listed(run->doors, doors[i]->name))
			continue;
		obstacle = doors[i]->obstacle();
		if (obstacle) {
			fprintf(stderr, "ioasidperf: door %s: %s\n", doors[i]->name, obstacle);
			if (run->doors)
				return EXIT_UNSUPPORTED;
			continue;
		}
		if (run_door(run, doors[i], clock, results))
			return EXIT_FAILED;
	}
	return results->n ? EXIT_OK : EXIT_UNSUPPORTED;
}

static int run_all(const struct run *run)
{
	struct results results = {};
	struct clock clock;
	int status;

	clock__open(&clock);
	results__machine(&results);
	snprintf(results.label, sizeof(results.label), "%s", run->label ? run->label : "");
	status = run_doors(run, &clock, &results);
	clock__close(&clock);
	if (status == EXIT_OK &&
	    (run->json ? results__print(&results, stdout) : table__print(&results, stdout)))
		status = EXIT_FAILED;
	results__free(&results);
	return status;
}

int cmd_run(int argc, char **argv)
{
	struct run run = {};

	argp_parse(&argp, argc, argv, 0, NULL, &run);
	if (!check_list(run.workloads, "workload", known_workload) ||
	    !check_list(run.doors, "door", known_door))
		return EXIT_USAGE;
	if (!run.device)
		run.device = device__default();
	if (!run.device) {
		fprintf(stderr, "ioasidperf: no edu device behind an IOMMU: name one with --device\n");
		return EXIT_UNSUPPORTED;
	}
	/* What is measured must not wait for a page of ours. */
	if (mlockall(MCL_CURRENT))
		fprintf(stderr, "ioasidperf: mlockall: %m\n");
	return run_all(&run);
}
