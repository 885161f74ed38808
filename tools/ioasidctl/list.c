// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* contexts, spaces, mappings. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidctl.h"
#include "json.h"

static int list_contexts(const struct selection *chosen)
{
	static const char *const titles[] = {
		">CTX", "DOOR", ">PID", "COMM", ">DEVICES", ">SPACES", ">REGISTERED", NULL,
	};
	struct table table;
	char buf[24];

	table__start(&table, titles);
	for (size_t i = 0; i < chosen->nr; i++) {
		const struct counter_ctx *ctx = &chosen->first[i];

		table__add(&table, "%llu", ctx->ctx);
		table__add(&table, "%s", ctx->door);
		table__add(&table, "%llu", ctx->pid);
		table__add(&table, "%s", ctx->comm);
		table__add(&table, "%llu", ctx->devices);
		table__add(&table, "%zu", ctx->nr_spaces);
		table__add(&table, "%s", size_text(ctx->registered, buf));
	}
	table__end(&table);
	return EXIT_OK;
}

static yyjson_mut_val *json_ctx(yyjson_mut_doc *doc, const struct counter_ctx *ctx)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_uint(doc, obj, "ctx", ctx->ctx);
	yyjson_mut_obj_add_str(doc, obj, "door", ctx->door);
	yyjson_mut_obj_add_uint(doc, obj, "pid", ctx->pid);
	yyjson_mut_obj_add_str(doc, obj, "comm", ctx->comm);
	yyjson_mut_obj_add_uint(doc, obj, "cgroup", ctx->cgroup);
	yyjson_mut_obj_add_uint(doc, obj, "devices", ctx->devices);
	yyjson_mut_obj_add_uint(doc, obj, "spaces", ctx->nr_spaces);
	yyjson_mut_obj_add_uint(doc, obj, "regions", ctx->regions);
	yyjson_mut_obj_add_uint(doc, obj, "registered_bytes", ctx->registered);
	return obj;
}

static int json_contexts(const struct contexts *contexts, const struct selection *chosen)
{
	yyjson_mut_doc *doc = json_start("contexts");
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "contexts");

	yyjson_mut_obj_add_bool(doc, root, "complete", contexts->set.complete);
	for (size_t i = 0; i < chosen->nr; i++)
		yyjson_mut_arr_append(list, json_ctx(doc, &chosen->first[i]));
	return json_end(doc);
}

static int show_contexts(const struct options *options, const struct contexts *contexts,
			 const struct selection *chosen)
{
	return options->json ? json_contexts(contexts, chosen) : list_contexts(chosen);
}

int cmd_contexts(const struct options *options, int argc, char **argv)
{
	return contexts__show(options, argc ? argv[0] : NULL, show_contexts);
}

static void list_ctx_spaces(struct table *table, const struct counter_ctx *ctx)
{
	char buf[24];

	for (size_t i = 0; i < ctx->nr_spaces; i++) {
		const struct counter_space *space = &ctx->spaces[i];

		table__add(table, "%llu", ctx->ctx);
		table__add(table, "%u", space->ioasid);
		table__add(table, "%s", space->kind);
		if (space->parent)
			table__add(table, "%llu", space->parent);
		else
			table__add(table, "-");
		table__add(table, "%llu", space->mappings);
		table__add(table, "%s", size_text(space->mapped, buf));
		table__add(table, "%s", size_text(space->pinned, buf));
		table__add(table, "%llu", space->domains);
		table__add(table, "%s", *space->attached ? space->attached : "-");
	}
}

static void add_counter(yyjson_mut_doc *doc, yyjson_mut_val *obj, const char *key, __u64 counter)
{
	if (counter == COUNTER_ABSENT)
		yyjson_mut_obj_add_null(doc, obj, key);
	else
		yyjson_mut_obj_add_uint(doc, obj, key, counter);
}

void json_faults(yyjson_mut_doc *doc, yyjson_mut_val *obj, const struct counter_faults *faults)
{
	add_counter(doc, obj, "faults", faults->groups);
	add_counter(doc, obj, "faults_unrecoverable", faults->unrecoverable);
	add_counter(doc, obj, "fault_overflows", faults->overflows);
	add_counter(doc, obj, "fault_timeouts", faults->timeouts);
	add_counter(doc, obj, "fault_pending", faults->pending);
	add_counter(doc, obj, "fault_oldest_ns", faults->pending ? faults->oldest : COUNTER_ABSENT);
}

static yyjson_mut_val *json_space(yyjson_mut_doc *doc, const struct counter_ctx *ctx,
				  const struct counter_space *space)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_uint(doc, obj, "ctx", ctx->ctx);
	yyjson_mut_obj_add_uint(doc, obj, "ioasid", space->ioasid);
	yyjson_mut_obj_add_str(doc, obj, "kind", space->kind);
	if (space->format)
		yyjson_mut_obj_add_str(doc, obj, "format", ioasid_format_name(space->format));
	else
		yyjson_mut_obj_add_null(doc, obj, "format");
	if (space->parent)
		yyjson_mut_obj_add_uint(doc, obj, "parent", space->parent);
	else
		yyjson_mut_obj_add_null(doc, obj, "parent");
	json__add_words(doc, obj, "attached", space->attached);
	yyjson_mut_obj_add_uint(doc, obj, "domains", space->domains);
	yyjson_mut_obj_add_uint(doc, obj, "mappings", space->mappings);
	yyjson_mut_obj_add_uint(doc, obj, "mapped_bytes", space->mapped);
	yyjson_mut_obj_add_uint(doc, obj, "pinned_bytes", space->pinned);
	yyjson_mut_obj_add_uint(doc, obj, "invalidations", space->invalidations);
	yyjson_mut_obj_add_uint(doc, obj, "user_invalidations", space->user_invs);
	json_faults(doc, obj, &space->faults);
	return obj;
}

static int list_spaces(const struct options *options, const struct contexts *contexts,
		       const struct selection *chosen)
{
	static const char *const titles[] = {
		">CTX", ">ID", "KIND", ">PARENT", ">MAPPINGS", ">SIZE", ">PINNED", ">DOMAINS",
		"DEVICES", NULL,
	};
	yyjson_mut_val *root, *list;
	yyjson_mut_doc *doc;
	struct table table;

	if (!options->json) {
		table__start(&table, titles);
		for (size_t i = 0; i < chosen->nr; i++)
			list_ctx_spaces(&table, &chosen->first[i]);
		table__end(&table);
		return EXIT_OK;
	}
	doc = json_start("spaces");
	root = yyjson_mut_doc_get_root(doc);
	yyjson_mut_obj_add_bool(doc, root, "complete", contexts->set.complete);
	list = yyjson_mut_obj_add_arr(doc, root, "spaces");
	for (size_t i = 0; i < chosen->nr; i++)
		for (size_t j = 0; j < chosen->first[i].nr_spaces; j++)
			yyjson_mut_arr_append(list, json_space(doc, &chosen->first[i],
							       &chosen->first[i].spaces[j]));
	return json_end(doc);
}

int cmd_spaces(const struct options *options, int argc, char **argv)
{
	return contexts__show(options, argc ? argv[0] : NULL, list_spaces);
}

/* ---- mappings ---- */

static const char *mapping_notes(const struct ioasid_mapping_info *m)
{
	if (m->flags & IOASID_MAPPING_SHADOW)
		return "from the table";
	if (m->flags & IOASID_MAPPING_MMIO)
		return "device memory";
	return m->flags & IOASID_MAPPING_REGISTERED ? "registered" : "";
}

static void add_mapping(struct table *table, const struct ioasid_mapping_info *m)
{
	char buf[24];

	table__add(table, "0x%llx", m->iova);
	table__add(table, "0x%llx", m->iova + m->size - 1);
	table__add(table, "%s", size_text(m->size, buf));
	table__add(table, "%s", prot_text(m->prot));
	if (m->flags & (IOASID_MAPPING_PARENT | IOASID_MAPPING_VADDR))
		table__add(table, "%s 0x%llx",
			   m->flags & IOASID_MAPPING_PARENT ? "parent" : "vaddr", m->target);
	else
		table__add(table, "memory");
	table__add(table, "%s", mapping_notes(m));
}

static yyjson_mut_val *json_mapping(yyjson_mut_doc *doc, const struct ioasid_mapping_info *m)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_uint(doc, obj, "iova", m->iova);
	yyjson_mut_obj_add_uint(doc, obj, "size", m->size);
	yyjson_mut_obj_add_bool(doc, obj, "read", m->prot & IOASID_MAP_READ);
	yyjson_mut_obj_add_bool(doc, obj, "write", m->prot & IOASID_MAP_WRITE);
	if (m->flags & IOASID_MAPPING_PARENT)
		yyjson_mut_obj_add_uint(doc, obj, "parent_address", m->target);
	if (m->flags & IOASID_MAPPING_VADDR)
		yyjson_mut_obj_add_uint(doc, obj, "vaddr", m->target);
	yyjson_mut_obj_add_bool(doc, obj, "registered", m->flags & IOASID_MAPPING_REGISTERED);
	yyjson_mut_obj_add_bool(doc, obj, "mmio", m->flags & IOASID_MAPPING_MMIO);
	yyjson_mut_obj_add_bool(doc, obj, "shadow", m->flags & IOASID_MAPPING_SHADOW);
	return obj;
}

static int list_mappings(const struct options *options, struct ioasid_mappings *it)
{
	static const char *const titles[] = {
		">FIRST", ">LAST", ">SIZE", "PROT", "TARGET", "", NULL,
	};
	yyjson_mut_val *root = NULL, *list = NULL;
	struct ioasid_mapping_info m;
	yyjson_mut_doc *doc = NULL;
	struct table table;
	int rc;

	if (options->json) {
		doc = json_start("mappings");
		root = yyjson_mut_doc_get_root(doc);
		yyjson_mut_obj_add_uint(doc, root, "ctx", it->ctx);
		yyjson_mut_obj_add_uint(doc, root, "ioasid", it->ioasid);
		list = yyjson_mut_obj_add_arr(doc, root, "mappings");
	} else {
		table__start(&table, titles);
	}
	while ((rc = ioasid_mappings_next(it, &m)) > 0) {
		if (doc)
			yyjson_mut_arr_append(list, json_mapping(doc, &m));
		else
			add_mapping(&table, &m);
	}
	if (rc < 0) {
		yyjson_mut_doc_free(doc);
		return command_error(IOASID_GET_MAPPINGS, rc, NULL);
	}
	if (doc)
		return json_end(doc);
	table__end(&table);
	return EXIT_OK;
}

int cmd_mappings(const struct options *options, int argc, char **argv)
{
	uint64_t first = 0, last = UINT64_MAX;
	struct ioasid_mappings it;
	uint32_t ctx, ioasid;
	int fd, status;

	if (argc > 2 && !parse_range(argv[2], &first, &last))
		return usage_error("'%s' is no range: give FIRST-LAST, FIRST+SIZE or ADDRESS",
				   argv[2]);
	if (!contexts__find_space(options, argv[0], argv[1], &ctx, &ioasid))
		return EXIT_FAILED;
	fd = ioasid_open();
	if (fd < 0)
		return command_error(IOASID_CMD_OPEN, fd, NULL);
	ioasid_mappings_start(&it, fd, ctx, ioasid, first, last);
	status = list_mappings(options, &it);
	close(fd);
	return status;
}
