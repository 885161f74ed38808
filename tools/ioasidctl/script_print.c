// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands of scripts that show something: as text, or in the line's JSON object. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include "script.h"

static struct value *arg(const struct call *call, int i)
{
	return &call->args[i].var->value;
}

static yyjson_mut_val *root_of(const struct script *script)
{
	return yyjson_mut_doc_get_root(script->doc);
}

COMMAND_FUNCTION(print)
{
	char *text = NULL;
	size_t size;
	FILE *out = open_memstream(&text, &size);

	(void)result;
	if (!out)
		return -ENOMEM;
	for (int i = 0; i < call->nr_args; i++)
		fprintf(out, "%s%s", i ? " " : "", call->args[i].text);
	fclose(out);
	if (script->doc)
		yyjson_mut_obj_add_strcpy(script->doc, root_of(script), "text", text);
	else
		puts(text);
	free(text);
	return 0;
}

static void show_ranges(const struct script *script, const struct ioasid_iova_range *ranges,
			uint32_t nr)
{
	yyjson_mut_val *list, *obj;

	if (!script->doc) {
		for (uint32_t i = 0; i < nr; i++)
			printf("  permitted 0x%llx - 0x%llx\n",
			       (unsigned long long)ranges[i].start,
			       (unsigned long long)ranges[i].last);
		return;
	}
	list = yyjson_mut_obj_add_arr(script->doc, root_of(script), "ranges");
	for (uint32_t i = 0; i < nr; i++) {
		obj = yyjson_mut_arr_add_obj(script->doc, list);
		yyjson_mut_obj_add_uint(script->doc, obj, "first", ranges[i].start);
		yyjson_mut_obj_add_uint(script->doc, obj, "last", ranges[i].last);
	}
}

static void show_number(const struct script *script, const char *key, uint64_t number)
{
	if (script->doc)
		yyjson_mut_obj_add_uint(script->doc, root_of(script), key, number);
	else
		printf("  %s %" PRIu64 "\n", key, number);
}

static void show_pgsizes(const struct script *script, uint64_t bitmap)
{
	char size[24];

	if (script->doc) {
		show_number(script, "pgsize_bitmap", bitmap);
		return;
	}
	printf("  page sizes");
	for (int bit = 0; bit < 64; bit++)
		if (bitmap >> bit & 1)
			printf(" %s", size_text(1ULL << bit, size));
	putchar('\n');
}

COMMAND_FUNCTION(print_info)
{
	struct ioasid_space_info *info;
	struct value *as = arg(call, 0);
	int rc;

	(void)result;
	script->ioctl = IOASID_GET_INFO;
	snprintf(script->object, sizeof(script->object), "space %" PRIu64, as->number);
	rc = ioasid_space_info(as->fd, as->number, &info);
	if (rc)
		return rc;
	if (!script->doc)
		printf("%s, %s\n", script->object, ioasid_kind_name(info->kind));
	show_number(script, "width", info->addr_width);
	show_pgsizes(script, info->pgsize_bitmap);
	show_number(script, "devices", info->nr_devices);
	show_number(script, "children", info->nr_children);
	show_number(script, "snooping-enforced", !!(info->flags & IOASID_INFO_ENFORCED_SNOOP));
	show_ranges(script, info->ranges, info->nr_ranges);
	for (uint32_t i = 0; i < info->nr_missing && !script->doc; i++)
		printf("  missing %s of group %u\n", info->missing[i].name,
		       info->missing[i].group);
	free(info);
	return 0;
}

COMMAND_FUNCTION(print_device)
{
	struct value *dev = arg(call, 0);
	struct ioasid_dev_info *info;
	int rc;

	(void)result;
	if (dev->ctx_fd < 0) {
		snprintf(script->message, sizeof(script->message), "%s is not bound", dev->name);
		return -EINVAL;
	}
	script->ioctl = IOASID_DEVICE_GET_INFO;
	snprintf(script->object, sizeof(script->object), "%s", dev->name);
	rc = ioasid_dev_info(dev->ctx_fd, dev->number, &info);
	if (rc)
		return rc;
	if (!script->doc)
		printf("%s\n", dev->name);
	show_number(script, "width", info->addr_width);
	show_pgsizes(script, info->pgsize_bitmap);
	show_number(script, "group", info->group);
	show_number(script, "pasids", info->max_pasids);
	show_ranges(script, info->ranges, info->nr_ranges);
	for (uint32_t i = 0; i < info->nr_formats && !script->doc; i++)
		printf("  format %s%s%s%s\n", ioasid_format_name(info->formats[i].format),
		       info->formats[i].flags & IOASID_FORMAT_PASIDS ? ", of PASIDs" : "",
		       info->formats[i].flags & IOASID_FORMAT_HW ? ", walked by the IOMMU" : "",
		       info->formats[i].flags & IOASID_FORMAT_SW ? ", followed by the kernel" : "");
	free(info);
	return 0;
}

static void show_mapping(const struct script *script, yyjson_mut_val *list,
			 const struct ioasid_mapping_info *m)
{
	yyjson_mut_val *obj;
	char size[24];

	if (!list) {
		printf("  0x%llx + %s  %s", m->iova, size_text(m->size, size),
		       prot_text(m->prot));
		if (m->flags & IOASID_MAPPING_PARENT)
			printf("  parent 0x%llx", m->target);
		putchar('\n');
		return;
	}
	obj = yyjson_mut_arr_add_obj(script->doc, list);
	yyjson_mut_obj_add_uint(script->doc, obj, "iova", m->iova);
	yyjson_mut_obj_add_uint(script->doc, obj, "size", m->size);
	yyjson_mut_obj_add_str(script->doc, obj, "prot", prot_text(m->prot));
	if (m->flags & IOASID_MAPPING_PARENT)
		yyjson_mut_obj_add_uint(script->doc, obj, "parent_address", m->target);
}

COMMAND_FUNCTION(print_mappings)
{
	struct ioasid_mapping_info info;
	struct ioasid_mappings it;
	yyjson_mut_val *list = NULL;
	struct value *as = arg(call, 0);
	int rc;

	(void)result;
	script->ioctl = IOASID_GET_MAPPINGS;
	snprintf(script->object, sizeof(script->object), "space %" PRIu64, as->number);
	if (script->doc)
		list = yyjson_mut_obj_add_arr(script->doc, root_of(script), "mappings");
	else
		printf("%s\n", script->object);
	ioasid_mappings_start(&it, as->fd, 0, as->number, 0, UINT64_MAX);
	while ((rc = ioasid_mappings_next(&it, &info)) > 0)
		show_mapping(script, list, &info);
	return rc;
}

COMMAND_FUNCTION(print_walk)
{
	uint64_t iova = call->args[1].number;
	struct ioasid_walk_steps walk;
	struct value *as = arg(call, 0);
	int rc;

	(void)result;
	script->ioctl = IOASID_WALK;
	snprintf(script->object, sizeof(script->object), "space %" PRIu64, as->number);
	rc = call->options[0].given ?
		ioasid_walk_pasid(as->fd, 0, as->number, call->options[0].number, iova, &walk) :
		ioasid_walk(as->fd, 0, as->number, iova, &walk);
	if (rc)
		return rc;
	if (script->doc)
		json_walk(script->doc, root_of(script), iova, &walk);
	else
		print_walk(stdout, iova, &walk, script->options->verbose);
	return 0;
}

COMMAND_FUNCTION(print_stats)
{
	struct value *sim = arg(call, 0);
	struct ioasid_sim_stats stats;
	int rc;

	(void)result;
	script->ioctl = IOASID_SIM_GET_STATS;
	rc = ioasid_sim_stats(sim->fd, sim->number, &stats);
	if (rc)
		return rc;
	if (!script->doc)
		printf("sim%" PRIu64 "\n", sim->number);
	show_number(script, "requests", stats.requests);
	show_number(script, "bytes", stats.bytes);
	show_number(script, "hits", stats.hits);
	show_number(script, "misses", stats.misses);
	show_number(script, "walks", stats.walks);
	show_number(script, "invalidations", stats.invalidations);
	show_number(script, "faults", stats.faults);
	show_number(script, "stale", stats.stale);
	return 0;
}

/* By the context's own fdinfo: needs no privilege. */
COMMAND_FUNCTION(print_tree)
{
	struct counter_set set = { 0 };
	struct selection chosen;
	char path[64], *text;
	int rc;

	(void)result;
	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", arg(call, 0)->fd);
	rc = read_text(AT_FDCWD, path, &text);
	if (!rc)
		rc = counters__add_text(&set, text);
	chosen = (struct selection){ set.ctxs, set.nr_ctxs };
	if (!rc && script->doc)
		json_tree(script->doc, root_of(script), &chosen);
	else if (!rc)
		print_tree(&chosen);
	counters__clear(&set);
	if (rc)
		snprintf(script->message, sizeof(script->message), "cannot read %s: %s", path,
			 strerror(-rc));
	return rc;
}
