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

static int create(const struct options *options, int sim, struct ioasid_sim_create *args)
{
	int id = ioasid_sim_create(sim, args);
	yyjson_mut_doc *doc;

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

/* The number of an instance; "sim3" is as good as 3. */
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

/* What all the words say; nothing has been opened yet. EXIT_* */
struct request {
	const char *what;
	uint32_t id;
	struct ioasid_sim_create args;
};

static int parse_request(struct request *request, int argc, char **argv)
{
	char why[300];

	*request = (struct request){
		.what = argv[0],
		.args = { .flags = IOASID_SIM_PERSIST, .nr_devices = 1 },
	};
	if (!strcmp(argv[0], "create"))
		return simargs__parse(&request->args, argc - 1, argv + 1, "--", why,
				      sizeof(why)) ? EXIT_OK : usage_error("%s", why);
	if (!strcmp(argv[0], "list"))
		return argc == 1 ? EXIT_OK : usage_error("sim list takes no arguments");
	if (strcmp(argv[0], "destroy") && strcmp(argv[0], "stats"))
		return usage_error("'%s' is none of create, list, destroy, stats", argv[0]);
	if (argc != 2 || !parse_id(argv[1], &request->id))
		return usage_error("sim %s needs the number of an instance", argv[0]);
	return EXIT_OK;
}

static int carry_out(const struct options *options, int sim, struct request *request)
{
	if (!strcmp(request->what, "create"))
		return create(options, sim, &request->args);
	if (!strcmp(request->what, "list"))
		return list(options, sim);
	if (!strcmp(request->what, "stats"))
		return show_stats(options, sim, request->id);
	return destroy(sim, request->id);
}

int cmd_sim(const struct options *options, int argc, char **argv)
{
	struct request request;
	int status = parse_request(&request, argc, argv), sim;

	if (status)
		return status;
	sim = open_sim();
	if (sim < 0)
		return EXIT_UNSUPPORTED;
	status = carry_out(options, sim, &request);
	close(sim);
	return status;
}
