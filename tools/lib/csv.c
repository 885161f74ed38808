// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <string.h>
#include "csv.h"

static const char *const names[] = {
	"ts_ns", "seq", "interval_ns", "state", "comm", "door", "kind", "attached",
};

static void put_text(FILE *out, const char *text)
{
	if (!strpbrk(text, ",\"\r\n")) {
		fputs(text, out);
		return;
	}
	fputc('"', out);
	for (; *text; text++) {
		if (*text == '"')
			fputc('"', out);
		fputc(*text, out);
	}
	fputc('"', out);
}

int csv__header(FILE *out)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		fprintf(out, "%s%s", i ? "," : "", names[i]);
	for (int id = 0; id < NR_METRICS; id++)
		fprintf(out, ",%s", metrics[id].key);
	fputc('\n', out);
	return ferror(out) || fflush(out) ? -EIO : 0;
}

static void put_row(FILE *out, const struct snapshot *snap, const struct row *row)
{
	static const char *const states[] = {
		[ROW_SPACE] = "live",  [ROW_CTX] = "context",	[ROW_GONE] = "gone",
		[ROW_OTHER] = "other", [ROW_DEVICE] = "device", [ROW_TOTAL] = "total",
	};
	const char *const texts[] = {
		states[row->state],
		row->comm,
		row->door,
		row->kind,
		row->attached ? row->attached : "",
	};

	fprintf(out, "%llu,%llu,%llu", snap->ts_ns, snap->seq, snap->interval_ns);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fputc(',', out);
		put_text(out, texts[i]);
	}
	for (int id = 0; id < NR_METRICS; id++) {
		fputc(',', out);
		if (!row->v[id].known)
			continue;
		if (metrics[id].unit == UNIT_RATE)
			fprintf(out, "%.17g", row->v[id].rate);
		else
			fprintf(out, "%llu", row->v[id].count);
	}
	fputc('\n', out);
}

int csv__snapshot(FILE *out, const struct snapshot *snap, const struct view *view)
{
	put_row(out, snap, &snap->total);
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (view__shows(view, &snap->rows[i]))
			put_row(out, snap, &snap->rows[i]);
	for (size_t i = 0; i < snap->nr_devices; i++)
		if (view__shows(view, &snap->devices[i]))
			put_row(out, snap, &snap->devices[i]);
	return ferror(out) || fflush(out) ? -EIO : 0;
}
