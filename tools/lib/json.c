// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <yyjson.h>
#include "json.h"
#include "json_view.h"
#include "lines.h"
#include "quantile.h"
#include "version.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void add_value(doc_t *doc, val_t *obj, const char *key, const struct value *value,
		      enum unit unit)
{
	if (!value->known)
		yyjson_mut_obj_add_null(doc, obj, key);
	else if (unit == UNIT_RATE)
		yyjson_mut_obj_add_real(doc, obj, key, value->rate);
	else
		yyjson_mut_obj_add_uint(doc, obj, key, value->count);
}

void json__add_metrics(doc_t *doc, val_t *obj, const struct row *row, enum metric_id first)
{
	for (int id = first; id < NR_METRICS; id++)
		add_value(doc, obj, metrics[id].key, &row->v[id], metrics[id].unit);
}

void json__add_known(doc_t *doc, val_t *obj, const char *key, bool known, __u64 number)
{
	struct value value = { .known = known, .count = number };

	add_value(doc, obj, key, &value, UNIT_COUNT);
}

void json__add_text(doc_t *doc, val_t *obj, const char *key, const char *text)
{
	if (*text)
		yyjson_mut_obj_add_str(doc, obj, key, text);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

void json__add_words(doc_t *doc, val_t *obj, const char *key, const char *text)
{
	val_t *array = yyjson_mut_arr(doc);
	size_t len;

	for (text += strspn(text, " "); *text; text += len, text += strspn(text, " ")) {
		len = strcspn(text, " ");
		yyjson_mut_arr_add_strn(doc, array, text, len);
	}
	yyjson_mut_obj_add_val(doc, obj, key, array);
}

/* What faults have in common with those of spaces has the same names. */
static val_t *device_object(doc_t *doc, const struct row *row)
{
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, obj, "device", row->attached);
	yyjson_mut_obj_add_uint(doc, obj, "cookie", row->cookie);
	for (int id = METRIC_FAULT_COUNT; id < METRIC_FAULTS_TOTAL; id++)
		add_value(doc, obj, metrics[id].key, &row->v[id], metrics[id].unit);
	return obj;
}

/* Without BPF nobody knows. */
static void add_fault_devices(doc_t *doc, val_t *obj, const struct snapshot *snap,
			      const struct row *row)
{
	val_t *array = yyjson_mut_arr(doc);

	for (size_t i = 0; i < snap->nr_devices; i++)
		if (row__is_on(&snap->devices[i], row))
			yyjson_mut_arr_append(array, device_object(doc, &snap->devices[i]));
	if (snap->bpf_faults && row->ioasid)
		yyjson_mut_obj_add_val(doc, obj, "fault_devices", array);
	else
		yyjson_mut_obj_add_null(doc, obj, "fault_devices");
}

static val_t *space_object(doc_t *doc, const struct snapshot *snap, const struct row *row)
{
	static const char *const states[] = {
		[ROW_SPACE] = "live", [ROW_CTX] = "context", [ROW_GONE] = "gone",
		[ROW_OTHER] = "other",
	};
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_str(doc, obj, "state", states[row->state]);
	json__add_text(doc, obj, "comm", row->comm);
	json__add_text(doc, obj, "door", row->door);
	json__add_text(doc, obj, "kind", row->kind);
	if (row->attached)
		json__add_words(doc, obj, "attached", row->attached);
	else
		yyjson_mut_obj_add_null(doc, obj, "attached");
	json__add_metrics(doc, obj, row, 0);
	add_fault_devices(doc, obj, snap, row);
	return obj;
}

/* The same words for every record; read once. */
static const char *boot_id(void)
{
	static char id[64];
	char *text;

	if (!*id && !read_text(AT_FDCWD, "/proc/sys/kernel/random/boot_id", &text)) {
		snprintf(id, sizeof(id), "%.*s", (int)strcspn(text, "\n"), text);
		free(text);
	}
	return id;
}

static val_t *lost_object(doc_t *doc, const struct lost *lost)
{
	val_t *obj = yyjson_mut_obj(doc);

	json__add_known(doc, obj, "missed", lost->known, lost->missed);
	json__add_known(doc, obj, "unattributed", lost->known, lost->unattributed);
	json__add_known(doc, obj, "late", lost->known, lost->late);
	return obj;
}

static val_t *self_object(doc_t *doc, const struct snapshot *snap)
{
	const struct self *self = &snap->self;
	val_t *obj = yyjson_mut_obj(doc);

	json__add_known(doc, obj, "cpu_ns", self->known, self->cpu_ns);
	json__add_known(doc, obj, "rss_bytes", self->known, self->rss_bytes);
	json__add_known(doc, obj, "map_bytes", self->known, self->map_bytes);
	json__add_known(doc, obj, "bpf_ns", self->bpf_known, self->bpf_ns);
	json__add_known(doc, obj, "bpf_runs", self->bpf_known, self->bpf_runs);
	json__add_known(doc, obj, "wanted_interval_ns", self->wanted_ns, self->wanted_ns);
	return obj;
}

static val_t *total_object(doc_t *doc, const struct snapshot *snap)
{
	val_t *obj = yyjson_mut_obj(doc);

	yyjson_mut_obj_add_uint(doc, obj, "contexts", snap->nr_ctxs);
	yyjson_mut_obj_add_uint(doc, obj, "spaces", snap->nr_spaces);
	for (int id = METRIC_DEVICES; id < NR_METRICS; id++)
		add_value(doc, obj, metrics[id].key, &snap->total.v[id], metrics[id].unit);
	return obj;
}

/* Of headings those of contexts that are rows themselves; devices are in their space. */
static bool is_object(const struct line *line, const struct view *view)
{
	if (line->row->state == ROW_DEVICE)
		return false;
	return !line->heading || (!line->row->ioasid && view->id != VIEW_FAULTS);
}

static const char *mode_of(const struct snapshot *snap)
{
	if (!snap->bpf)
		return "counters";
	return watch__is_traced(snap->watch) ? "fentry" : "raw_tp";
}

static void add_snapshot(doc_t *doc, val_t *root, const struct snapshot *snap,
			 const struct view *view, const struct lines *lines)
{
	val_t *spaces = yyjson_mut_arr(doc);

	yyjson_mut_obj_add_str(doc, root, "schema", JSON_SCHEMA);
	yyjson_mut_obj_add_str(doc, root, "version", IOASID_TOOLS_VERSION);
	yyjson_mut_obj_add_uint(doc, root, "ts_ns", snap->ts_ns);
	json__add_text(doc, root, "boot_id", view->boot_id ? view->boot_id : boot_id());
	yyjson_mut_obj_add_str(doc, root, "kernel", view->kernel);
	json__add_known(doc, root, "instance", snap->instance, snap->instance);
	yyjson_mut_obj_add_uint(doc, root, "seq", snap->seq);
	yyjson_mut_obj_add_uint(doc, root, "interval_ns", snap->interval_ns);
	yyjson_mut_obj_add_str(doc, root, "mode", mode_of(snap));
	yyjson_mut_obj_add_str(doc, root, "watch", watch__name(snap->watch));
	yyjson_mut_obj_add_str(doc, root, "source", counter_source__name(snap->source));
	yyjson_mut_obj_add_bool(doc, root, "complete", snap->complete);
	if (view->notice)
		yyjson_mut_obj_add_str(doc, root, "notice", view->notice);
	else
		yyjson_mut_obj_add_null(doc, root, "notice");
	yyjson_mut_obj_add_real(doc, root, "percentile_error_percent", HIST_ERROR_PERCENT);
	yyjson_mut_obj_add_val(doc, root, "lost", lost_object(doc, &snap->lost));
	yyjson_mut_obj_add_val(doc, root, "self", self_object(doc, snap));
	yyjson_mut_obj_add_val(doc, root, "total", total_object(doc, snap));
	for (size_t i = 0; i < lines->nr; i++)
		if (is_object(&lines->at[i], view))
			yyjson_mut_arr_append(spaces, space_object(doc, snap, lines->at[i].row));
	yyjson_mut_obj_add_val(doc, root, "spaces", spaces);
}

/* A record is written whole or not at all. */
int json__print(FILE *out, doc_t *doc)
{
	char *text = yyjson_mut_write(doc, YYJSON_WRITE_NOFLAG, NULL);
	int err = 0;

	if (!text)
		return -ENOMEM;
	if (fprintf(out, "%s\n", text) < 0 || fflush(out))
		err = -EIO;
	free(text);
	return err;
}

int json__snapshot(FILE *out, const struct snapshot *snap, const struct view *view)
{
	doc_t *doc = yyjson_mut_doc_new(NULL);
	struct view spaces = *view;
	struct lines lines;
	val_t *root;
	int err;

	if (!doc)
		return -ENOMEM;
	/* Spaces are there whatever the view. */
	if (view->id != VIEW_TREE && view->id != VIEW_FAULTS)
		spaces.id = VIEW_SPACES;
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	err = lines__make(&lines, &spaces, snap);
	if (!err) {
		add_snapshot(doc, root, snap, view, &lines);
		err = json_view__add(doc, root, snap, view);
	}
	if (!err)
		err = json__print(out, doc);
	lines__free(&lines);
	yyjson_mut_doc_free(doc);
	return err;
}

static void add_probe(doc_t *doc, val_t *root, const struct probe *probe,
		      const struct collect_size *size, const char *obstacle)
{
	const char *counters = probe__counters_obstacle(probe);

	yyjson_mut_obj_add_str(doc, root, "schema", JSON_PROBE_SCHEMA);
	yyjson_mut_obj_add_str(doc, root, "version", IOASID_TOOLS_VERSION);
	yyjson_mut_obj_add_str(doc, root, "kernel", probe->kernel);
	yyjson_mut_obj_add_bool(doc, root, "driver", probe->driver);
	yyjson_mut_obj_add_bool(doc, root, "driver_btf", probe->driver_btf);
	yyjson_mut_obj_add_bool(doc, root, "kernel_btf", probe->kernel_btf);
	yyjson_mut_obj_add_bool(doc, root, "cap_bpf", probe->cap_bpf);
	yyjson_mut_obj_add_bool(doc, root, "cap_perfmon", probe->cap_perfmon);
	yyjson_mut_obj_add_str(doc, root, "source", counter_source__name(probe->source));
	yyjson_mut_obj_add_bool(doc, root, "bpf", !obstacle);
	json__add_text(doc, root, "bpf_obstacle", obstacle ? obstacle : "");
	json__add_text(doc, root, "counters_obstacle", counters ? counters : "");
	yyjson_mut_obj_add_uint(doc, root, "map_entries", size->entries);
	yyjson_mut_obj_add_uint(doc, root, "map_memory_bytes", size->bytes);
}

int json__probe(FILE *out, const struct probe *probe, const struct collect_size *size,
		const char *obstacle)
{
	doc_t *doc = yyjson_mut_doc_new(NULL);
	val_t *root;
	int err;

	if (!doc)
		return -ENOMEM;
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	add_probe(doc, root, probe, size, obstacle);
	err = json__print(out, doc);
	yyjson_mut_doc_free(doc);
	return err;
}
