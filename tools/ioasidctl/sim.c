// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Simulated IOMMUs: create, list, destroy, stats. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidctl.h"
#include "simargs.h"

#define MAX_INSTANCES	1024	/* numbers that list looks at */

static int open_sim(void)
{
	int fd = ioasid_sim_open();

	if (fd < 0)
		command_error(IOASID_CMD_OPEN_SIM, fd, NULL);
	return fd;
}

static int create(const struct options *options, int sim, int argc, char **argv)
{
	struct ioasid_sim_create args = { .flags = IOASID_SIM_PERSIST, .nr_devices = 1 };
	char why[300];
	yyjson_mut_doc *doc;
	int id;

	if (!simargs__parse(&args, argc, argv, "--", why, sizeof(why)))
		return usage_error("%s", why);
	id = ioasid_sim_create(sim, &args);
	if (id < 0)
		return command_error(IOASID_SIM_CREATE, id, NULL);
	if (!options->json) {
		printf("%d\n", id);
		return EXIT_OK;
	}
	doc = json_start("sim-create");
	yyjson_mut_obj_add_int(doc, yyjson_mut_doc_get_root(doc), "id", id);
	return json_end(doc);
}

struct counter {
	const char *name;
	size_t offset;
};

static const struct counter counters[] = {
#define COUNTER(member)	{ #member, offsetof(struct ioasid_sim_stats, member) }
	COUNTER(hits), COUNTER(misses), COUNTER(walks), COUNTER(reads), COUNTER(dev_hits),
	COUNTER(invalidations), COUNTER(evictions), COUNTER(faults), COUNTER(stale),
	COUNTER(requests), COUNTER(bytes),
#undef COUNTER
};

#define NR_COUNTERS	(sizeof(counters) / sizeof(counters[0]))

static uint64_t value(const struct ioasid_sim_stats *stats, size_t i)
{
	return *(const __u64 *)((const char *)stats + counters[i].offset);
}

static void json_stats(yyjson_mut_doc *doc, yyjson_mut_val *obj,
		       const struct ioasid_sim_stats *stats)
{
	yyjson_mut_obj_add_uint(doc, obj, "id", stats->id);
	yyjson_mut_obj_add_uint(doc, obj, "devices", stats->nr_devices);
	for (size_t i = 0; i < NR_COUNTERS; i++)
		yyjson_mut_obj_add_uint(doc, obj, counters[i].name, value(stats, i));
}

static int list(const struct options *options, int sim)
{
	static const char *const titles[] = {
		">ID", ">DEVICES", "NAMES", ">REQUESTS", ">FAULTS", ">STALE", NULL,
	};
	struct ioasid_sim_stats stats;
	yyjson_mut_doc *doc = NULL;
	yyjson_mut_val *array = NULL;
	struct table table;

	if (options->json) {
		doc = json_start("sim-list");
		array = yyjson_mut_obj_add_arr(doc, yyjson_mut_doc_get_root(doc), "instances");
	} else {
		table__start(&table, titles);
	}
	for (uint32_t id = 0; id < MAX_INSTANCES; id++) {
		if (ioasid_sim_stats(sim, id, &stats))
			continue;
		if (doc) {
			json_stats(doc, yyjson_mut_arr_add_obj(doc, array), &stats);
			continue;
		}
		table__add(&table, "%u", id);
		table__add(&table, "%u", stats.nr_devices);
		table__add(&table, stats.nr_devices > 1 ? "sim%u.0 - sim%u.%u" : "sim%u.0", id, id,
			   stats.nr_devices - 1);
		table__add(&table, "%llu", stats.requests);
		table__add(&table, "%llu", stats.faults);
		table__add(&table, "%llu", stats.stale);
	}
	if (doc)
		return json_end(doc);
	table__end(&table);
	return EXIT_OK;
}

static int show_stats(const struct options *options, int sim, uint32_t id)
{
	struct ioasid_sim_stats stats;
	int rc = ioasid_sim_stats(sim, id, &stats);
	yyjson_mut_doc *doc;

	if (rc)
		return command_error(IOASID_SIM_GET_STATS, rc, NULL);
	if (options->json) {
		doc = json_start("sim-stats");
		json_stats(doc, yyjson_mut_doc_get_root(doc), &stats);
		return json_end(doc);
	}
	for (size_t i = 0; i < NR_COUNTERS; i++)
		printf("%-14s %llu\n", counters[i].name,
		       (unsigned long long)value(&stats, i));
	return EXIT_OK;
}

static int destroy(int sim, uint32_t id)
{
	int rc = ioasid_sim_destroy(sim, id);

	return rc ? command_error(IOASID_SIM_DESTROY, rc, NULL) : EXIT_OK;
}

/* destroy N and stats N; "sim3" is as good as 3. */
static bool parse_id(const char *text, uint32_t *id)
{
	uint64_t number;

	if (!strncmp(text, "sim", 3))
		text += 3;
	if (!parse_number(text, &number) || number > UINT32_MAX)
		return false;
	*id = number;
	return true;
}

int cmd_sim(const struct options *options, int argc, char **argv)
{
	const char *what = argv[0];
	bool one = !strcmp(what, "destroy") || !strcmp(what, "stats");
	uint32_t id = 0;
	int sim, status;

	if (strcmp(what, "create") && strcmp(what, "list") && !one)
		return usage_error("'%s' is none of create, list, destroy, stats", what);
	if (one && (argc != 2 || !parse_id(argv[1], &id)))
		return usage_error("sim %s needs the number of an instance", what);
	if (!strcmp(what, "list") && argc != 1)
		return usage_error("sim list takes no arguments");
	sim = open_sim();
	if (sim < 0)
		return EXIT_UNSUPPORTED;
	if (!strcmp(what, "create"))
		status = create(options, sim, argc - 1, argv + 1);
	else if (!strcmp(what, "list"))
		status = list(options, sim);
	else if (!strcmp(what, "stats"))
		status = show_stats(options, sim, id);
	else
		status = destroy(sim, id);
	close(sim);
	return status;
}
