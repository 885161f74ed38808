// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include <sys/utsname.h>
#include <yyjson.h>
#include "ioasidlat.h"
#include "json.h"
#include "quantile.h"
#include "version.h"

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static void add_quantiles(doc_t *doc, val_t *obj, const struct lat_times *times, bool total)
{
	static const struct {
		const char *key;
		double q;
	} quantiles[] = {
		{ "p50_ns", 0.5 },
		{ "p90_ns", 0.9 },
		{ "p99_ns", 0.99 },
		{ "p999_ns", 0.999 },
	};
	__u64 ns, max = lat_times__max(times, total);

	for (size_t i = 0; i < sizeof(quantiles) / sizeof(quantiles[0]); i++) {
		if (!hist64__quantile(times->hist, quantiles[i].q, &ns))
			yyjson_mut_obj_add_null(doc, obj, quantiles[i].key);
		else
			yyjson_mut_obj_add_uint(doc, obj, quantiles[i].key, ns < max ? ns : max);
	}
	if (lat_times__count(times))
		yyjson_mut_obj_add_uint(doc, obj, "max_ns", max);
	else
		yyjson_mut_obj_add_null(doc, obj, "max_ns");
}

/* [from, to, how many], both bounds are in the bucket. */
static void add_buckets(doc_t *doc, val_t *obj, const __u64 *hist)
{
	val_t *array = yyjson_mut_arr(doc), *bucket;

	for (int i = 0; i < HIST_SLOTS; i++) {
		if (!hist[i])
			continue;
		bucket = yyjson_mut_arr(doc);
		yyjson_mut_arr_add_uint(doc, bucket, hist_lower(i));
		if (i < HIST_SLOTS - 1)
			yyjson_mut_arr_add_uint(doc, bucket, hist_upper(i));
		else
			yyjson_mut_arr_add_null(doc, bucket);
		yyjson_mut_arr_add_uint(doc, bucket, hist[i]);
		yyjson_mut_arr_append(array, bucket);
	}
	yyjson_mut_obj_add_val(doc, obj, "buckets", array);
}

static void add_text(doc_t *doc, val_t *obj, const char *key, bool known, const char *text)
{
	if (known)
		yyjson_mut_obj_add_strcpy(doc, obj, key, text);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

static void add_number(doc_t *doc, val_t *obj, const char *key, bool known, __u64 number)
{
	if (known)
		yyjson_mut_obj_add_uint(doc, obj, key, number);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

/* What rows are not kept apart by, and what does not apply, is null. */
static void add_key(doc_t *doc, val_t *obj, const struct lat *lat, const struct lat_row *row)
{
	const struct lat_key *key = &row->key;
	bool space = lat->by & LAT_BY_SPACE && !row->other;
	bool device = lat->by & LAT_BY_DEVICE && !row->other;
	bool process = lat->by & LAT_BY_PROCESS && !row->other && key->tgid;
	const char *phase = lat__phase(key->series);
	char name[LAT_NAME_LEN];

	yyjson_mut_obj_add_str(doc, obj, "operation", lat__op(key->series));
	add_text(doc, obj, "phase", phase, phase);
	yyjson_mut_obj_add_bool(doc, obj, "other", row->other);
	add_number(doc, obj, "ctx", space, key->ctx);
	add_number(doc, obj, "ioasid", space && key->ioasid, key->ioasid);
	lat_row__device(row, name, sizeof(name));
	add_text(doc, obj, "device", device && strcmp(name, "-"), name);
	add_number(doc, obj, "cookie", device && key->cookie, key->cookie);
	add_number(doc, obj, "pid", process, key->tgid);
	add_text(doc, obj, "comm", process, row->comm);
	add_text(doc, obj, "result", lat->by & LAT_BY_RESULT, key->failed ? "failed" : "ok");
}

static val_t *row_object(doc_t *doc, const struct lat *lat, const struct lat_row *row, bool total)
{
	const struct lat_times *times = lat_row__times(row, total);
	__u64 count = lat_times__count(times);
	val_t *obj = yyjson_mut_obj(doc);

	add_key(doc, obj, lat, row);
	yyjson_mut_obj_add_uint(doc, obj, "count", count);
	yyjson_mut_obj_add_uint(doc, obj, "untimed", times->untimed);
	yyjson_mut_obj_add_uint(doc, obj, "sum_ns", times->sum_ns);
	if (count)
		yyjson_mut_obj_add_real(doc, obj, "mean_ns", (double)times->sum_ns / count);
	else
		yyjson_mut_obj_add_null(doc, obj, "mean_ns");
	add_quantiles(doc, obj, times, total);
	add_buckets(doc, obj, times->hist);
	return obj;
}

static void add_machine(doc_t *doc, val_t *obj)
{
	struct utsname uts;

	yyjson_mut_obj_add_str(doc, obj, "schema", JSON_LAT_SCHEMA);
	yyjson_mut_obj_add_str(doc, obj, "version", IOASID_TOOLS_VERSION);
	if (!uname(&uts))
		yyjson_mut_obj_add_strcpy(doc, obj, "kernel", uts.release);
}

static void add_filters(doc_t *doc, val_t *obj, const struct options *options)
{
	val_t *ops = yyjson_mut_arr(doc);
	__u32 results = options->config.results;

	for (int i = 0; i < NR_LAT_SERIES; i++)
		if (options->ops >> i & 1)
			yyjson_mut_arr_add_str(doc, ops, lat__op(i));
	yyjson_mut_obj_add_val(doc, obj, "operations", ops);
	yyjson_mut_obj_add_str(doc, obj, "results",
			       results == LAT_OK     ? "ok" :
			       results == LAT_FAILED ? "failed" :
						       "all");
	yyjson_mut_obj_add_uint(doc, obj, "min_ns", options->config.min_ns);
}

int json__latencies(const struct lat *lat, const struct options *options, bool total,
		    const char *notice)
{
	doc_t *doc = yyjson_mut_doc_new(NULL);
	val_t *root = yyjson_mut_obj(doc), *lost = yyjson_mut_obj(doc);
	val_t *rows = yyjson_mut_arr(doc);
	int err;

	yyjson_mut_doc_set_root(doc, root);
	add_machine(doc, root);
	yyjson_mut_obj_add_str(doc, root, "watch", watch__name(options->watch));
	yyjson_mut_obj_add_bool(doc, root, "total", total);
	add_number(doc, root, "seq", !total, lat->seq);
	yyjson_mut_obj_add_uint(doc, root, "ts_ns", lat->ts_ns);
	yyjson_mut_obj_add_uint(doc, root, "interval_ns",
				total ? lat->ts_ns - lat->start_ns : lat->interval_ns);
	add_filters(doc, root, options);
	add_text(doc, root, "notice", notice, notice);
	yyjson_mut_obj_add_uint(doc, lost, "missed", lat->missed);
	yyjson_mut_obj_add_uint(doc, lost, "unattributed", lat__unattributed(lat));
	yyjson_mut_obj_add_val(doc, root, "lost", lost);
	yyjson_mut_obj_add_real(doc, root, "percentile_error_percent", HIST_ERROR_PERCENT);
	for (size_t i = 0; i < lat->nr; i++)
		if (lat_times__any(lat_row__times(lat->rows[i], total)))
			yyjson_mut_arr_append(rows, row_object(doc, lat, lat->rows[i], total));
	yyjson_mut_obj_add_val(doc, root, "rows", rows);
	err = json__print(stdout, doc);
	yyjson_mut_doc_free(doc);
	return err;
}
