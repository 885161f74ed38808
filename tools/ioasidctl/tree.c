// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The tree of spaces, and the devices in it. */
#include <dirent.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidctl.h"

#define DEVICE_DIR	"/dev/ioasid-devices"
#define MAX_DEPTH	64	/* whatever the text claims */

/* Spaces whose parent is gone from the text, or never was there, are roots. */
static bool is_child_of(const struct counter_ctx *ctx, const struct counter_space *space,
			__u64 parent)
{
	if (!parent)
		return !space->parent || !ctx__space(ctx, space->parent);
	return space->parent == parent;
}

static size_t count_children(const struct counter_ctx *ctx, __u64 parent)
{
	size_t nr = 0;

	for (size_t i = 0; i < ctx->nr_spaces; i++)
		nr += is_child_of(ctx, &ctx->spaces[i], parent);
	return nr;
}

/* Of a space that has had any. */
static void print_faults(const struct counter_faults *faults)
{
	if (faults->groups != COUNTER_ABSENT && faults->groups)
		printf(", %llu fault%s", faults->groups, faults->groups == 1 ? "" : "s");
	if (faults->pending == COUNTER_ABSENT || !faults->pending)
		return;
	printf(", %llu not answered", faults->pending);
	if (faults->oldest != COUNTER_ABSENT)
		printf(" (the oldest for %.3f s)", (double)faults->oldest / 1e9);
}

static void print_space(const struct counter_space *space)
{
	char size[24], pinned[24];

	printf("%sspace %u%s  %s", bold(), space->ioasid, plain(), space->kind);
	if (space->format)
		printf(" %s", ioasid_format_name(space->format));
	printf("  %llu mapping%s", space->mappings, space->mappings == 1 ? "" : "s");
	if (space->mappings)
		printf(", %s", size_text(space->mapped, size));
	if (space->pinned)
		printf(" (%s pinned)", size_text(space->pinned, pinned));
	print_faults(&space->faults);
	putchar('\n');
}

static void print_devices(const struct counter_space *space, const char *stem)
{
	const char *word = space->attached;
	size_t len;

	for (; word += strspn(word, " "), *word; word += len) {
		const char *pasid;

		len = strcspn(word, " ");
		pasid = memchr(word, '/', len);
		if (pasid)
			printf("%s* %.*s PASID %.*s\n", stem, (int)(pasid - word), word,
			       (int)(len - (pasid + 1 - word)), pasid + 1);
		else
			printf("%s* %.*s\n", stem, (int)len, word);
	}
}

static void print_branch(const struct counter_ctx *ctx, __u64 parent, const char *stem, int depth)
{
	size_t left = count_children(ctx, parent);
	char below[MAX_DEPTH * 3 + 4], devices[sizeof(below) + 8];

	for (size_t i = 0; i < ctx->nr_spaces && depth < MAX_DEPTH; i++) {
		const struct counter_space *space = &ctx->spaces[i];
		size_t children;

		if (!is_child_of(ctx, space, parent))
			continue;
		left--;
		children = count_children(ctx, space->ioasid);
		snprintf(below, sizeof(below), "%s%s", stem, left ? "|  " : "   ");
		snprintf(devices, sizeof(devices), "%s%s", below, children ? "|   " : "    ");
		printf("%s%s", stem, left ? "|- " : "`- ");
		print_space(space);
		print_devices(space, devices);
		print_branch(ctx, space->ioasid, below, depth + 1);
	}
}

static yyjson_mut_val *json_branch(yyjson_mut_doc *doc, const struct counter_ctx *ctx,
				   __u64 parent, int depth)
{
	yyjson_mut_val *list = yyjson_mut_arr(doc);

	for (size_t i = 0; i < ctx->nr_spaces && depth < MAX_DEPTH; i++) {
		const struct counter_space *space = &ctx->spaces[i];
		yyjson_mut_val *obj;

		if (!is_child_of(ctx, space, parent))
			continue;
		obj = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_uint(doc, obj, "ioasid", space->ioasid);
		yyjson_mut_obj_add_strcpy(doc, obj, "kind", space->kind);
		if (space->format)
			yyjson_mut_obj_add_str(doc, obj, "format",
					       ioasid_format_name(space->format));
		yyjson_mut_obj_add_strcpy(doc, obj, "attached", space->attached);
		yyjson_mut_obj_add_uint(doc, obj, "mappings", space->mappings);
		yyjson_mut_obj_add_uint(doc, obj, "mapped_bytes", space->mapped);
		json_faults(doc, obj, &space->faults);
		yyjson_mut_obj_add_val(doc, obj, "children",
				       json_branch(doc, ctx, space->ioasid, depth + 1));
	}
	return list;
}

void json_tree(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct selection *chosen)
{
	yyjson_mut_val *list = yyjson_mut_obj_add_arr(doc, root, "contexts"), *obj;

	for (size_t i = 0; i < chosen->nr; i++) {
		const struct counter_ctx *ctx = &chosen->first[i];

		obj = yyjson_mut_arr_add_obj(doc, list);
		yyjson_mut_obj_add_uint(doc, obj, "ctx", ctx->ctx);
		yyjson_mut_obj_add_uint(doc, obj, "pid", ctx->pid);
		yyjson_mut_obj_add_strcpy(doc, obj, "comm", ctx->comm);
		yyjson_mut_obj_add_val(doc, obj, "spaces", json_branch(doc, ctx, 0, 0));
	}
}

static int whole_tree(const struct options *options, const struct contexts *contexts,
		      const struct selection *chosen)
{
	yyjson_mut_doc *doc;

	(void)contexts;
	if (!options->json)
		return print_tree(chosen);
	doc = json_start("tree");
	json_tree(doc, yyjson_mut_doc_get_root(doc), chosen);
	return json_end(doc);
}

int print_tree(const struct selection *chosen)
{
	for (size_t i = 0; i < chosen->nr; i++) {
		const struct counter_ctx *ctx = &chosen->first[i];

		printf("%scontext %llu%s  %s  pid %llu (%s)  %llu device%s\n", bold(), ctx->ctx,
		       plain(), ctx->door, ctx->pid, ctx->comm, ctx->devices,
		       ctx->devices == 1 ? "" : "s");
		print_branch(ctx, 0, "", 0);
	}
	return EXIT_OK;
}

int cmd_tree(const struct options *options, int argc, char **argv)
{
	return contexts__show(options, argc ? argv[0] : NULL, whole_tree);
}

/* ---- devices ---- */

struct device_list {
	bool recorded;		/* the machine is another one */
	struct table table;
	yyjson_mut_doc *doc;	/* NULL: the table */
	yyjson_mut_val *array;
};

/* Number of the IOMMU group, or -1. VFIO's devices have no node of ours. */
static int device_group(const char *name)
{
	static const char *const links[] = {
		"/sys/class/ioasid_device/%s/device/iommu_group",
		"/sys/bus/pci/devices/%s/iommu_group",
	};
	char path[300], link[300];
	ssize_t len = -1;

	for (size_t i = 0; i < sizeof(links) / sizeof(links[0]) && len < 0; i++) {
		snprintf(path, sizeof(path), links[i], name);
		len = readlink(path, link, sizeof(link) - 1);
	}
	if (len < 0)
		return -1;
	link[len] = '\0';
	return atoi(strrchr(link, '/') + 1);
}

static void add_device(struct device_list *list, const char *name, const char *pasid,
		       const struct counter_ctx *ctx, const struct counter_space *space)
{
	int group = list->recorded ? -1 : device_group(name);
	yyjson_mut_val *obj;

	if (list->doc) {
		obj = yyjson_mut_arr_add_obj(list->doc, list->array);
		yyjson_mut_obj_add_strcpy(list->doc, obj, "name", name);
		if (group >= 0)
			yyjson_mut_obj_add_int(list->doc, obj, "group", group);
		if (pasid)
			yyjson_mut_obj_add_uint(list->doc, obj, "pasid", strtoul(pasid, NULL, 10));
		if (ctx)
			yyjson_mut_obj_add_uint(list->doc, obj, "ctx", ctx->ctx);
		if (space)
			yyjson_mut_obj_add_uint(list->doc, obj, "ioasid", space->ioasid);
		return;
	}
	table__add(&list->table, "%s", name);
	table__add(&list->table, group >= 0 ? "%d" : "-", group);
	table__add(&list->table, "%s", pasid ? pasid : "-");
	table__add(&list->table, ctx ? "%llu" : "-", ctx ? ctx->ctx : 0);
	table__add(&list->table, space ? "%u" : "-", space ? space->ioasid : 0);
	table__add(&list->table, "%s", ctx ? ctx->comm : "not attached");
}

static void add_attached(struct device_list *list, const struct counter_ctx *ctx,
			 const struct counter_space *space)
{
	char words[4096], *save, *word, *pasid;

	snprintf(words, sizeof(words), "%s", space->attached);
	for (word = strtok_r(words, " ", &save); word; word = strtok_r(NULL, " ", &save)) {
		pasid = strchr(word, '/');
		if (pasid)
			*pasid++ = '\0';
		add_device(list, word, pasid, ctx, space);
	}
}

static bool is_attached(const struct contexts *contexts, const char *name)
{
	size_t len = strlen(name);

	for (size_t i = 0; i < contexts->set.nr_ctxs; i++) {
		const struct counter_ctx *ctx = &contexts->set.ctxs[i];

		for (size_t j = 0; j < ctx->nr_spaces; j++) {
			const char *at = ctx->spaces[j].attached;

			while ((at = strstr(at, name))) {
				if (!at[len] || at[len] == ' ' || at[len] == '/')
					return true;
				at += len;
			}
		}
	}
	return false;
}

static int by_name(const struct dirent **a, const struct dirent **b)
{
	return strverscmp((*a)->d_name, (*b)->d_name);
}

/* Those that programs could open, and that are in no space. */
static void add_idle(struct device_list *list, const struct contexts *contexts)
{
	struct dirent **entries;
	int nr = scandir(DEVICE_DIR, &entries, NULL, by_name);

	for (int i = 0; i < nr; i++) {
		if (entries[i]->d_name[0] != '.' && !is_attached(contexts, entries[i]->d_name))
			add_device(list, entries[i]->d_name, NULL, NULL, NULL);
		free(entries[i]);
	}
	if (nr >= 0)
		free(entries);
}

static int list_devices(const struct options *options, const struct contexts *contexts,
			const struct selection *chosen)
{
	static const char *const titles[] = {
		"DEVICE", ">GROUP", ">PASID", ">CTX", ">ID", "COMM", NULL,
	};
	struct device_list list = { .recorded = options->counters };

	if (options->json) {
		list.doc = json_start("devices");
		list.array = yyjson_mut_obj_add_arr(list.doc, yyjson_mut_doc_get_root(list.doc),
						    "devices");
	} else {
		table__start(&list.table, titles);
	}
	for (size_t i = 0; i < chosen->nr; i++)
		for (size_t j = 0; j < chosen->first[i].nr_spaces; j++)
			add_attached(&list, &chosen->first[i], &chosen->first[i].spaces[j]);
	if (chosen->all && !list.recorded)
		add_idle(&list, contexts);
	if (list.doc)
		return json_end(list.doc);
	table__end(&list.table);
	return EXIT_OK;
}

int cmd_devices(const struct options *options, int argc, char **argv)
{
	return contexts__show(options, argc ? argv[0] : NULL, list_devices);
}
