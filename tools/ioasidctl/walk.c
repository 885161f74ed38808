// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* One address through all stages, as a drawing. */
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidctl.h"

static void print_reason(FILE *out, const struct ioasid_step *step)
{
	if (step->reason)
		fprintf(out, "  %s<- %s%s", alarm_colour(), ioasid_walk_reason_text(step->reason),
			plain());
	fputc('\n', out);
}

static void print_entry(FILE *out, const struct ioasid_step *step, uint32_t format, int indent)
{
	bool leaf = step->flags & IOASID_STEP_LEAF;
	char flags[200];

	if (!step->level) {
		fprintf(out, "%*sno entry read", indent, "");
		print_reason(out, step);
		return;
	}
	if (step->reason == IOASID_WALK_TABLE) {
		fprintf(out, "%*slevel %u  entry at 0x%llx", indent, "", step->level, step->addr);
		print_reason(out, step);
		return;
	}
	if (step->flags & IOASID_STEP_PASID) {
		fprintf(out, "%*sPASID table, level %u  entry at 0x%llx = 0x%016llx", indent, "",
			step->level, step->addr, step->value);
		if (step->output)
			fprintf(out, "  -> table 0x%llx", step->output);
		print_reason(out, step);
		return;
	}
	decode_entry(format, step->value, leaf, step->level, flags, sizeof(flags));
	fprintf(out, "%*slevel %u  entry at 0x%llx = 0x%016llx  [%s]", indent, "", step->level,
		step->addr, step->value, flags);
	if (step->output)
		fprintf(out, "  -> %s 0x%llx", leaf ? "address" : "table", step->output);
	print_reason(out, step);
}

static void print_mapping(FILE *out, const struct ioasid_step *step, int indent)
{
	char size[24];

	if (step->reason == IOASID_WALK_NOT_PRESENT) {
		fprintf(out, "%*sno mapping", indent, "");
		print_reason(out, step);
		return;
	}
	fprintf(out, "%*smapping 0x%llx + %s  [%s]", indent, "", step->addr,
		size_text(step->value, size), prot_text(step->prot));
	if (step->output)
		fprintf(out, "  -> address 0x%llx", step->output);
	print_reason(out, step);
}

static void print_memory(FILE *out, const struct ioasid_step *step, int indent)
{
	const char *what = step->flags & IOASID_STEP_MMIO ? "device memory" : "memory";

	if (step->output)
		fprintf(out, "%*s%s at physical address 0x%llx\n", indent, "", what,
			step->output);
	else
		fprintf(out, "%*s%s (its physical address is for root)\n", indent, "", what);
}

/*
 * Where an entry lies is worth a line of its own only when that is why the walk ended,
 * or when everything was asked for.
 */
static bool is_shown(const struct ioasid_walk_steps *walk, const struct ioasid_step *step,
		     bool verbose)
{
	const struct ioasid_step *last = &walk->steps[walk->nr - 1];

	return !step->depth || verbose || (last->depth && step->iova && last->reason &&
					   step >= last - 8 && walk->reason == IOASID_WALK_TABLE &&
					   step->reason);
}

static void print_result(FILE *out, uint64_t iova, const struct ioasid_walk_steps *walk)
{
	if (walk->reason)
		fprintf(out, "%s0x%llx is not translated: %s%s\n", alarm_colour(),
			(unsigned long long)iova, ioasid_walk_reason_text(walk->reason), plain());
	else
		fprintf(out, "0x%llx is translated, the device may %s\n",
			(unsigned long long)iova,
			walk->perm == (IOASID_MAP_READ | IOASID_MAP_WRITE) ? "read and write" :
			walk->perm & IOASID_MAP_READ ? "read" : "write");
	if (walk->state & IOASID_WALK_STATE_STALE)
		fprintf(out, "%sDMA uses what the table said at the last invalidation, which was something else%s\n",
			alarm_colour(), plain());
	else if (walk->state & IOASID_WALK_STATE_SHADOWED)
		fprintf(out, "the kernel follows this table, DMA uses what it says\n");
}

void print_walk(FILE *out, uint64_t iova, const struct ioasid_walk_steps *walk, bool verbose)
{
	uint32_t space = 0;
	int stage = -1;

	for (uint32_t i = 0; i < walk->nr; i++) {
		const struct ioasid_step *step = &walk->steps[i];
		int indent;

		if (!is_shown(walk, step, verbose))
			continue;
		if (!step->depth && step->kind != IOASID_STEP_MEMORY &&
		    (step->ioasid != space || stage < 0)) {
			space = step->ioasid;
			stage++;
			fprintf(out, "%*s%sspace %u%s  address 0x%llx", 2 * stage, "", bold(),
				space, plain(), step->iova);
			if (step->kind == IOASID_STEP_ENTRY)
				fprintf(out, "  user-managed table, %s",
					ioasid_format_name(walk->format));
			fputc('\n', out);
		}
		indent = 2 * stage + 2 + 9 * step->depth;
		if (step->kind == IOASID_STEP_ENTRY)
			print_entry(out, step, walk->format, indent);
		else if (step->kind == IOASID_STEP_MAPPING)
			print_mapping(out, step, indent);
		else
			print_memory(out, step, indent);
	}
	print_result(out, iova, walk);
}

static void json_step(yyjson_mut_doc *doc, yyjson_mut_val *list, uint32_t format,
		      const struct ioasid_step *step)
{
	static const char *const kinds[] = { "?", "entry", "mapping", "memory" };
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, list);
	bool leaf = step->flags & IOASID_STEP_LEAF;
	char flags[200];

	yyjson_mut_obj_add_str(doc, obj, "kind", kinds[step->kind < 4 ? step->kind : 0]);
	yyjson_mut_obj_add_uint(doc, obj, "ioasid", step->ioasid);
	yyjson_mut_obj_add_uint(doc, obj, "depth", step->depth);
	yyjson_mut_obj_add_uint(doc, obj, "iova", step->iova);
	if (step->kind == IOASID_STEP_ENTRY) {
		yyjson_mut_obj_add_uint(doc, obj, "level", step->level);
		yyjson_mut_obj_add_uint(doc, obj, "entry_address", step->addr);
		yyjson_mut_obj_add_uint(doc, obj, "entry", step->value);
		yyjson_mut_obj_add_bool(doc, obj, "leaf", leaf);
		if (step->flags & IOASID_STEP_PASID) {
			yyjson_mut_obj_add_bool(doc, obj, "pasid_table", true);
		} else {
			decode_entry(format, step->value, leaf, step->level, flags,
				     sizeof(flags));
			yyjson_mut_obj_add_strcpy(doc, obj, "flags", flags);
		}
	} else if (step->kind == IOASID_STEP_MAPPING && !step->reason) {
		yyjson_mut_obj_add_uint(doc, obj, "first", step->addr);
		yyjson_mut_obj_add_uint(doc, obj, "size", step->value);
		yyjson_mut_obj_add_str(doc, obj, "prot", prot_text(step->prot));
	}
	if (step->output)
		yyjson_mut_obj_add_uint(doc, obj, "output", step->output);
	if (step->reason)
		yyjson_mut_obj_add_str(doc, obj, "reason", ioasid_walk_reason_text(step->reason));
}

void json_walk(yyjson_mut_doc *doc, yyjson_mut_val *root, uint64_t iova,
	       const struct ioasid_walk_steps *walk)
{
	yyjson_mut_val *list;

	yyjson_mut_obj_add_uint(doc, root, "iova", iova);
	yyjson_mut_obj_add_bool(doc, root, "translated", !walk->reason);
	yyjson_mut_obj_add_str(doc, root, "reason", ioasid_walk_reason_text(walk->reason));
	yyjson_mut_obj_add_str(doc, root, "prot", prot_text(walk->perm));
	yyjson_mut_obj_add_bool(doc, root, "shadowed", walk->state & IOASID_WALK_STATE_SHADOWED);
	yyjson_mut_obj_add_bool(doc, root, "stale", walk->state & IOASID_WALK_STATE_STALE);
	if (walk->format)
		yyjson_mut_obj_add_str(doc, root, "format", ioasid_format_name(walk->format));
	list = yyjson_mut_obj_add_arr(doc, root, "steps");
	for (uint32_t i = 0; i < walk->nr; i++)
		json_step(doc, list, walk->format, &walk->steps[i]);
}

static int show_walk(const struct options *options, uint32_t ctx, uint64_t iova,
		     const struct ioasid_walk_steps *walk)
{
	yyjson_mut_doc *doc;

	if (!options->json) {
		print_walk(stdout, iova, walk, options->verbose);
		return EXIT_OK;
	}
	doc = json_start("walk");
	yyjson_mut_obj_add_uint(doc, yyjson_mut_doc_get_root(doc), "ctx", ctx);
	json_walk(doc, yyjson_mut_doc_get_root(doc), iova, walk);
	return json_end(doc);
}

int cmd_walk(const struct options *options, int argc, char **argv)
{
	struct ioasid_walk_steps walk;
	uint64_t iova, pasid = 0;
	uint32_t ctx, ioasid;
	int fd, rc;

	if (!parse_number(argv[2], &iova))
		return usage_error("'%s' is no address", argv[2]);
	if (argc > 3 && (!parse_number(argv[3], &pasid) || pasid > UINT32_MAX))
		return usage_error("'%s' is no PASID", argv[3]);
	if (!contexts__find_space(options, argv[0], argv[1], &ctx, &ioasid))
		return EXIT_FAILED;
	fd = ioasid_open();
	if (fd < 0)
		return command_error(IOASID_CMD_OPEN, fd, NULL);
	rc = argc > 3 ? ioasid_walk_pasid(fd, ctx, ioasid, pasid, iova, &walk) :
			ioasid_walk(fd, ctx, ioasid, iova, &walk);
	close(fd);
	if (rc)
		return command_error(IOASID_WALK, rc, NULL);
	return show_walk(options, ctx, iova, &walk);
}
