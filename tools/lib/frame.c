// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include "frame.h"

enum {
	HAS_BPF = 1,
	HAS_FAULTS = 2,
	IS_COMPLETE = 4,
	HAS_LOST = 8,
	HAS_SELF = 16,
	HAS_SELF_BPF = 32
};

/* More devices than that have no name each. */
#define MAX_ATTACHED (1 << 20)

/* Of a path */
#define MAX_CGROUP 4096

/* By number in a frame: these stay as they are. */
static const enum row_state states[] = {
	ROW_SPACE, ROW_CTX, ROW_GONE, ROW_OTHER, ROW_DEVICE, ROW_TOTAL,
};

#define NR_STATES (sizeof(states) / sizeof(states[0]))

static __u8 number_of(enum row_state state)
{
	__u8 i = 0;

	while (i < NR_STATES && states[i] != state)
		i++;
	return i;
}

void frame_schema__own(struct frame_schema *schema)
{
	schema->nr_metrics = NR_METRICS;
	for (int id = 0; id < NR_METRICS; id++) {
		schema->metrics[id].id = id;
		schema->metrics[id].rate = metrics[id].unit == UNIT_RATE;
	}
	schema->nr_timings = NR_TIMINGS;
	for (int t = 0; t < NR_TIMINGS; t++)
		schema->timings[t] = t;
}

static void put_real(struct bytes *raw, double real)
{
	__u64 bits;

	memcpy(&bits, &real, sizeof(bits));
	put_u64(raw, bits);
}

/* Numbers that ascend are written as the distance from what the next one could be. */
static void put_values(struct bytes *raw, const struct value *v)
{
	int nr = 0, next = 0;

	for (int id = 0; id < NR_METRICS; id++)
		nr += v[id].known;
	put_number(raw, nr);
	for (int id = 0; id < NR_METRICS; id++) {
		if (!v[id].known)
			continue;
		put_number(raw, id - next);
		next = id + 1;
		if (metrics[id].unit == UNIT_RATE)
			put_real(raw, v[id].rate);
		else
			put_number(raw, v[id].count);
	}
}

static void put_times(struct bytes *raw, const struct times *times)
{
	__u32 next = 0;

	put_number(raw, times->sum_ns);
	put_number(raw, times->nr);
	for (__u32 i = 0; i < times->nr; i++) {
		put_number(raw, times->at[i].slot - next);
		put_number(raw, times->at[i].count);
		next = times->at[i].slot + 1;
	}
}

static void put_row(struct bytes *raw, const struct row *row)
{
	int nr = 0, next = 0;

	put_u8(raw, number_of(row->state));
	put_number(raw, row->ctx);
	put_number(raw, row->ioasid);
	put_number(raw, row->cookie);
	put_text(raw, row->comm);
	put_text(raw, row->door);
	put_text(raw, row->kind);
	put_text(raw, row->attached);
	put_values(raw, row->v);
	for (int t = 0; t < NR_TIMINGS; t++)
		nr += !!row->times[t];
	put_number(raw, nr);
	for (int t = 0; t < NR_TIMINGS; t++) {
		if (!row->times[t])
			continue;
		put_number(raw, t - next);
		next = t + 1;
		put_times(raw, row->times[t]);
	}
}

static void put_processes(struct bytes *raw, const struct snapshot *snap)
{
	put_number(raw, snap->nr_processes);
	for (size_t i = 0; i < snap->nr_processes; i++) {
		const struct process *process = &snap->processes[i];

		put_number(raw, process->pid);
		put_number(raw, process->nspid);
		put_text(raw, process->cgroup);
		put_text(raw, process->container);
	}
}

static void put_snapshot(struct bytes *raw, const struct snapshot *snap)
{
	put_number(raw, snap->seq);
	put_number(raw, snap->ts_ns);
	put_number(raw, snap->interval_ns);
	put_number(raw, snap->instance);
	put_u8(raw, snap->source);
	put_u8(raw, (snap->bpf ? HAS_BPF : 0) | (snap->bpf_faults ? HAS_FAULTS : 0) |
			    (snap->complete ? IS_COMPLETE : 0) | (snap->lost.known ? HAS_LOST : 0) |
			    (snap->self.known ? HAS_SELF : 0) |
			    (snap->self.bpf_known ? HAS_SELF_BPF : 0));
	put_number(raw, snap->lost.missed);
	put_number(raw, snap->lost.unattributed);
	put_number(raw, snap->lost.late);
	put_number(raw, snap->self.cpu_ns);
	put_number(raw, snap->self.rss_bytes);
	put_number(raw, snap->self.map_bytes);
	put_number(raw, snap->self.bpf_ns);
	put_number(raw, snap->self.bpf_runs);
	put_number(raw, snap->self.wanted_ns);
	put_number(raw, snap->nr_ctxs);
	put_number(raw, snap->nr_spaces);
	put_row(raw, &snap->total);
	put_number(raw, snap->nr_rows);
	for (size_t i = 0; i < snap->nr_rows; i++)
		put_row(raw, &snap->rows[i]);
	put_number(raw, snap->nr_devices);
	for (size_t i = 0; i < snap->nr_devices; i++)
		put_row(raw, &snap->devices[i]);
	put_processes(raw, snap);
	put_number(raw, snap->watch);
}

/* Fast rather than small: this happens in each interval. */
static int compress_into(struct bytes *bytes, const struct bytes *raw)
{
	uLongf len = compressBound(raw->len);
	unsigned char *packed = malloc(len);

	if (!packed)
		return -ENOMEM;
	if (compress2(packed, &len, raw->data, raw->len, Z_BEST_SPEED) != Z_OK) {
		free(packed);
		return -ENOMEM;
	}
	put_bytes(bytes, packed, len);
	free(packed);
	return bytes->failed ? -ENOMEM : 0;
}

int frame__encode(const struct snapshot *snap, struct bytes *bytes, __u32 *raw_len)
{
	struct bytes raw = { 0 };
	int err = -ENOMEM;

	if (snap->nr_rows > FRAME_MAX_ROWS || snap->nr_devices > FRAME_MAX_ROWS ||
	    snap->nr_processes > FRAME_MAX_ROWS)
		return -E2BIG;
	put_snapshot(&raw, snap);
	if (raw.len > FRAME_MAX_BYTES)
		err = -E2BIG;
	else if (!raw.failed)
		err = compress_into(bytes, &raw);
	*raw_len = raw.len;
	bytes__free(&raw);
	return err;
}

static double get_real(struct cursor *in)
{
	__u64 bits = get_u64(in);
	double real;

	memcpy(&real, &bits, sizeof(real));
	if (isfinite(real) && real >= 0)
		return real;
	in->failed = true;
	return 0;
}

static void get_values(struct cursor *in, const struct frame_schema *schema, struct value *v)
{
	__u64 nr = get_bounded(in, schema->nr_metrics), next = 0;

	for (__u64 i = 0; i < nr; i++) {
		__u64 at = next + get_bounded(in, schema->nr_metrics);
		struct value value = { .known = true };

		if (in->failed || at >= schema->nr_metrics) {
			in->failed = true;
			return;
		}
		next = at + 1;
		if (schema->metrics[at].rate)
			value.rate = get_real(in);
		else
			value.count = get_number(in);
		if (schema->metrics[at].id >= 0)
			v[schema->metrics[at].id] = value;
	}
}

static struct times *get_times(struct cursor *in)
{
	__u64 sum_ns = get_number(in), nr = get_bounded(in, HIST_SLOTS), next = 0;
	struct times *times;

	if (in->failed)
		return NULL;
	times = malloc(sizeof(*times) + nr * sizeof(times->at[0]));
	if (!times) {
		in->failed = true;
		return NULL;
	}
	times->sum_ns = sum_ns;
	times->nr = nr;
	for (__u64 i = 0; i < nr; i++) {
		__u64 slot = next + get_bounded(in, HIST_SLOTS);

		in->failed |= slot >= HIST_SLOTS;
		times->at[i] = (struct bucket){ slot, get_bounded(in, 0xffffffff) };
		next = slot + 1;
	}
	if (!in->failed)
		return times;
	free(times);
	return NULL;
}

static void get_all_times(struct cursor *in, const struct frame_schema *schema, struct row *row)
{
	__u64 nr = get_bounded(in, schema->nr_timings), next = 0;

	for (__u64 i = 0; i < nr && !in->failed; i++) {
		__u64 at = next + get_bounded(in, schema->nr_timings);
		struct times *times = get_times(in);

		next = at + 1;
		if (times && at < schema->nr_timings && schema->timings[at] >= 0) {
			free(row->times[schema->timings[at]]);
			row->times[schema->timings[at]] = times;
			continue;
		}
		in->failed |= at >= schema->nr_timings;
		free(times);
	}
}

static void get_row(struct cursor *in, const struct frame_schema *schema, struct row *row)
{
	__u8 state = get_u8(in);

	in->failed |= state >= NR_STATES;
	row->state = in->failed ? ROW_SPACE : states[state];
	row->ctx = get_bounded(in, 0xffffffff);
	row->ioasid = get_bounded(in, 0xffffffff);
	row->cookie = get_number(in);
	get_text(in, row->comm, sizeof(row->comm));
	get_text(in, row->door, sizeof(row->door));
	get_text(in, row->kind, sizeof(row->kind));
	row->attached = get_new_text(in, MAX_ATTACHED);
	get_values(in, schema, row->v);
	get_all_times(in, schema, row);
}

/* The smallest row has eleven bytes: memory is not taken for what cannot be there. */
static struct row *get_rows(struct cursor *in, const struct frame_schema *schema, size_t *nr)
{
	__u64 rows = get_bounded(in, FRAME_MAX_ROWS);
	struct row *array;

	*nr = 0;
	if (rows > cursor__left(in) / 10)
		in->failed = true;
	if (in->failed || !rows)
		return NULL;
	array = calloc(rows, sizeof(*array));
	if (!array) {
		in->failed = true;
		return NULL;
	}
	for (; *nr < rows && !in->failed; ++*nr)
		get_row(in, schema, &array[*nr]);
	return array;
}

static void get_process(struct cursor *in, struct process *process)
{
	process->pid = get_bounded(in, 0xffffffff);
	process->nspid = get_bounded(in, 0xffffffff);
	process->cgroup = get_new_text(in, MAX_CGROUP);
	get_text(in, process->container, sizeof(process->container));
}

/* They are searched by number. */
static void get_processes(struct cursor *in, struct snapshot *snap)
{
	__u64 nr = get_bounded(in, FRAME_MAX_ROWS);

	in->failed |= nr > cursor__left(in) / 4;
	if (in->failed || !nr)
		return;
	snap->processes = calloc(nr, sizeof(*snap->processes));
	in->failed |= !snap->processes;
	for (size_t i = 0; i < nr && !in->failed; i++) {
		get_process(in, &snap->processes[i]);
		snap->nr_processes++;
		in->failed |= i && snap->processes[i].pid <= snap->processes[i - 1].pid;
	}
}

/* Which states rows have depends on where they are. */
static bool is_sound(const struct snapshot *snap)
{
	if (snap->source > COUNTERS_FILE || snap->total.state != ROW_TOTAL)
		return false;
	for (size_t i = 0; i < snap->nr_rows; i++)
		if (number_of(snap->rows[i].state) > number_of(ROW_OTHER))
			return false;
	for (size_t i = 0; i < snap->nr_devices; i++)
		if (snap->devices[i].state != ROW_DEVICE || !snap->devices[i].attached)
			return false;
	return true;
}

static void get_snapshot(struct cursor *in, const struct frame_schema *schema,
			 struct snapshot *snap)
{
	__u8 flags;

	snap->seq = get_number(in);
	snap->ts_ns = get_number(in);
	snap->interval_ns = get_number(in);
	snap->instance = get_number(in);
	snap->source = get_u8(in);
	flags = get_u8(in);
	snap->bpf = flags & HAS_BPF;
	snap->bpf_faults = flags & HAS_FAULTS;
	snap->complete = flags & IS_COMPLETE;
	snap->lost.known = flags & HAS_LOST;
	snap->lost.missed = get_number(in);
	snap->lost.unattributed = get_number(in);
	snap->lost.late = get_number(in);
	snap->self.known = flags & HAS_SELF;
	snap->self.bpf_known = flags & HAS_SELF_BPF;
	snap->self.cpu_ns = get_number(in);
	snap->self.rss_bytes = get_number(in);
	snap->self.map_bytes = get_number(in);
	snap->self.bpf_ns = get_number(in);
	snap->self.bpf_runs = get_number(in);
	snap->self.wanted_ns = get_number(in);
	snap->nr_ctxs = get_number(in);
	snap->nr_spaces = get_number(in);
	get_row(in, schema, &snap->total);
	snap->rows = get_rows(in, schema, &snap->nr_rows);
	snap->devices = get_rows(in, schema, &snap->nr_devices);
	get_processes(in, snap);
	snap->watch = get_bounded(in, NR_WATCHES - 1);
}

static int decode_raw(const void *data, size_t len, const struct frame_schema *schema,
		      struct snapshot **out)
{
	struct cursor in = { .at = data, .end = (const unsigned char *)data + len };
	struct snapshot *snap = calloc(1, sizeof(*snap));

	if (!snap)
		return -ENOMEM;
	get_snapshot(&in, schema, snap);
	/* What follows is a later version's. */
	if (!in.failed && is_sound(snap)) {
		*out = snap;
		return 0;
	}
	snapshot__free(snap);
	return -EBADMSG;
}

int frame__decode(const void *data, size_t len, __u32 raw_len, const struct frame_schema *schema,
		  struct snapshot **snap)
{
	uLongf got = raw_len;
	unsigned char *raw;
	int err = -EBADMSG;

	*snap = NULL;
	if (!raw_len || raw_len > FRAME_MAX_BYTES)
		return -EBADMSG;
	raw = malloc(raw_len);
	if (!raw)
		return -ENOMEM;
	if (uncompress(raw, &got, data, len) == Z_OK && got == raw_len)
		err = decode_raw(raw, raw_len, schema, snap);
	free(raw);
	return err;
}
