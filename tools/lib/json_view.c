// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <yyjson.h>
#include "json_view.h"
#include "json.h"
#include "views.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

/* ---- groups ---- */

static void add_name(doc_t *doc, val_t *obj, const struct row *row, enum view_id id)
{
	switch (id) {
	case VIEW_DEVICES:
		yyjson_mut_obj_add_str(doc, obj, "device", row->attached);
		json__add_text(doc, obj, "pasids", row->note ? row->note : "");
		json__add_known(doc, obj, "ctx", true, row->ctx);
		json__add_known(doc, obj, "ioasid", true, row->ioasid);
		break;
	case VIEW_CGROUPS:
		yyjson_mut_obj_add_str(doc, obj, "cgroup", row->attached);
		json__add_text(doc, obj, "container", row->note ? row->note : "");
		json__add_known(doc, obj, "processes", true, row->nr_processes);
		break;
	default:
		json__add_known(doc, obj, "nspid", row->nspid, row->nspid);
		json__add_text(doc, obj, "container", row->note ? row->note : "");
	}
	if (id != VIEW_DEVICES) {
		json__add_known(doc, obj, "contexts", true, row->nr_ctxs);
		json__add_known(doc, obj, "spaces", true, row->nr_spaces);
	}
	if (id != VIEW_CGROUPS) {
		json__add_known(doc, obj, "pid", row->v[METRIC_PID].known,
				row->v[METRIC_PID].count);
		json__add_text(doc, obj, "comm", row->comm);
	}
}

static int add_groups(doc_t *doc, val_t *root, const struct snapshot *snap,
		      const struct view *view)
{
	val_t *array = yyjson_mut_arr(doc), *obj;
	struct lines lines;
	int err = lines__make(&lines, view, snap);

	if (err)
		return err;
	for (size_t i = 0; i < lines.nr; i++) {
		obj = yyjson_mut_obj(doc);
		add_name(doc, obj, lines.at[i].row, view->id);
		json__add_metrics(doc, obj, lines.at[i].row, METRIC_DEVICES);
		yyjson_mut_arr_append(array, obj);
	}
	/* Names are the groups'. */
	yyjson_mut_obj_add_val(doc, root, view__name(view->id),
			       yyjson_mut_val_mut_copy(doc, array));
	lines__free(&lines);
	return 0;
}

/* ---- histograms ---- */

/* [first value, last value, how many], of the last one no last value is known. */
static val_t *bucket(doc_t *doc, const struct bucket *bucket)
{
	val_t *array = yyjson_mut_arr(doc);

	yyjson_mut_arr_add_uint(doc, array, hist_lower(bucket->slot));
	if (bucket->slot < HIST_SLOTS - 1)
		yyjson_mut_arr_add_uint(doc, array, hist_upper(bucket->slot));
	else
		yyjson_mut_arr_add_null(doc, array);
	yyjson_mut_arr_add_uint(doc, array, bucket->count);
	return array;
}

static void add_histograms(doc_t *doc, val_t *root, const struct row *row)
{
	val_t *all = yyjson_mut_obj(doc);

	for (int t = 0; t < NR_TIMINGS; t++) {
		const struct times *times = row->times[t];
		val_t *array = yyjson_mut_arr(doc);

		for (__u32 i = 0; times && i < times->nr; i++)
			yyjson_mut_arr_append(array, bucket(doc, &times->at[i]));
		yyjson_mut_obj_add_val(doc, all, timings[t].name, array);
	}
	yyjson_mut_obj_add_val(doc, root, "histograms", all);
}

/* ---- stacks ---- */

static void add_frames(doc_t *doc, val_t *obj, const char *key, const char *frames)
{
	val_t *array = yyjson_mut_arr(doc);

	for (size_t len; frames && *frames; frames += len + 1) {
		len = strcspn(frames, "\n");
		yyjson_mut_arr_add_strn(doc, array, frames, len);
		if (!frames[len])
			break;
	}
	yyjson_mut_obj_add_val(doc, obj, key, array);
}

static void add_stacks(doc_t *doc, val_t *root, const struct map_stacks *stacks)
{
	val_t *array = yyjson_mut_arr(doc), *obj;

	for (size_t i = 0; i < stacks->nr; i++) {
		const struct map_stack *stack = &stacks->at[i];

		obj = yyjson_mut_obj(doc);
		yyjson_mut_obj_add_uint(doc, obj, "pid", stack->pid);
		json__add_text(doc, obj, "comm", stack->comm);
		yyjson_mut_obj_add_uint(doc, obj, "maps", stack->count);
		yyjson_mut_obj_add_uint(doc, obj, "map_bytes", stack->bytes);
		yyjson_mut_obj_add_uint(doc, obj, "maps_total", stack->total);
		add_frames(doc, obj, "user", stack->user);
		add_frames(doc, obj, "kernel", stack->kernel);
		yyjson_mut_arr_append(array, obj);
	}
	if (stacks->counted)
		yyjson_mut_obj_add_val(doc, root, "stacks", array);
	else
		yyjson_mut_obj_add_null(doc, root, "stacks");
	json__add_known(doc, root, "stacks_lost", stacks->counted, stacks->lost);
	json__add_known(doc, root, "stacks_not_shown_maps", stacks->counted, stacks->count_more);
	json__add_known(doc, root, "stacks_not_shown_maps_total", stacks->counted,
			stacks->total_more);
}

/* ---- one space ---- */

static val_t *mapping(doc_t *doc, const struct ioasid_mapping_info *m)
{
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_uint(doc, obj, "iova", m->iova);
	yyjson_mut_obj_add_uint(doc, obj, "size", m->size);
	yyjson_mut_obj_add_bool(doc, obj, "read", m->prot & IOASID_MAP_READ);
	yyjson_mut_obj_add_bool(doc, obj, "write", m->prot & IOASID_MAP_WRITE);
	json__add_known(doc, obj, "parent_address", m->flags & IOASID_MAPPING_PARENT, m->target);
	json__add_known(doc, obj, "vaddr", m->flags & IOASID_MAPPING_VADDR, m->target);
	return obj;
}

static void add_space(doc_t *doc, val_t *root, const struct snapshot *snap,
		      const struct view *view)
{
	const struct space_mappings *mappings = &snap->mappings;
	val_t *array = yyjson_mut_arr(doc);

	for (size_t i = 0; i < mappings->nr; i++)
		yyjson_mut_arr_append(array, mapping(doc, &mappings->at[i]));
	if (mappings->known)
		yyjson_mut_obj_add_val(doc, root, "mappings", array);
	else
		yyjson_mut_obj_add_null(doc, root, "mappings");
	yyjson_mut_obj_add_bool(doc, root, "more_mappings", mappings->more);
	json__add_text(doc, root, "mappings_obstacle", mappings->why);
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (snap->rows[i].ctx == view->ctx && snap->rows[i].ioasid == view->ioasid)
			add_histograms(doc, root, &snap->rows[i]);
}

int json_view__add(doc_t *doc, val_t *root, const struct snapshot *snap, const struct view *view)
{
	if (view->space) {
		add_space(doc, root, snap, view);
		return 0;
	}
	switch (view->id) {
	case VIEW_DEVICES:
	case VIEW_PROCESSES:
	case VIEW_CGROUPS:
		return add_groups(doc, root, snap, view);
	case VIEW_SUMMARY:
	case VIEW_HEAT:
		add_histograms(doc, root, &snap->total);
		return 0;
	case VIEW_STACKS:
		add_stacks(doc, root, &snap->stacks);
		return 0;
	default:
		return 0;
	}
}
