// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include "version.h"
#include "wire.h"

/* Of rows: more than any driver lets exist. */
#define MAX_ROWS	(1U << 20)
#define MAX_ATTACHED	(1U << 20)

struct out {
	char *at;
	size_t size, room;
	int err;
};

struct in {
	const char *at;
	size_t left;
	int err;
};

static void put(struct out *out, const void *data, size_t size)
{
	size_t room = out->room;
	char *grown;

	if (out->err)
		return;
	while (out->size + size > room)
		room = room ? 2 * room : 65536;
	if (room != out->room) {
		grown = realloc(out->at, room);
		if (!grown) {
			out->err = -ENOMEM;
			return;
		}
		out->at = grown;
		out->room = room;
	}
	memcpy(out->at + out->size, data, size);
	out->size += size;
}

static void put_u32(struct out *out, __u32 value)
{
	put(out, &value, sizeof(value));
}

static void get(struct in *in, void *data, size_t size)
{
	if (in->err || size > in->left) {
		in->err = in->err ? in->err : -EPROTO;
		memset(data, 0, size);
		return;
	}
	memcpy(data, in->at, size);
	in->at += size;
	in->left -= size;
}

/* More than max is none and an error. */
static __u32 get_u32(struct in *in, __u32 max)
{
	__u32 value;

	get(in, &value, sizeof(value));
	if (value <= max)
		return value;
	in->err = in->err ? in->err : -EPROTO;
	return 0;
}

static void get_text(struct in *in, char *text, size_t size)
{
	get(in, text, size);
	text[size - 1] = '\0';
}

static void put_times(struct out *out, const struct times *times)
{
	put_u32(out, times ? times->nr : 0);
	if (!times || !times->nr)
		return;
	put(out, &times->sum_ns, sizeof(times->sum_ns));
	put(out, times->at, times->nr * sizeof(times->at[0]));
}

static struct times *get_times(struct in *in)
{
	__u32 nr = get_u32(in, HIST_SLOTS);
	struct times *times;

	if (!nr)
		return NULL;
	times = calloc(1, sizeof(*times) + nr * sizeof(times->at[0]));
	if (!times) {
		in->err = -ENOMEM;
		return NULL;
	}
	get(in, &times->sum_ns, sizeof(times->sum_ns));
	get(in, times->at, nr * sizeof(times->at[0]));
	times->nr = nr;
	for (__u32 i = 0; !in->err && i < nr; i++)
		if (times->at[i].slot >= HIST_SLOTS)
			in->err = -EPROTO;
	return times;
}

static void put_values(struct out *out, const struct value *v)
{
	for (__u32 id = 0; id < NR_METRICS; id++) {
		if (!v[id].known)
			continue;
		put_u32(out, id);
		put(out, &v[id].count, sizeof(v[id].count));
	}
	put_u32(out, NR_METRICS);
}

static void get_values(struct in *in, struct value *v)
{
	__u32 id;

	while (!in->err && (id = get_u32(in, NR_METRICS)) < NR_METRICS) {
		get(in, &v[id].count, sizeof(v[id].count));
		v[id].known = true;
	}
}

static void put_row(struct out *out, const struct row *row)
{
	__u32 len = row->attached ? strlen(row->attached) + 1 : 0;

	put_u32(out, row->state);
	put_u32(out, row->ctx);
	put_u32(out, row->ioasid);
	put(out, row->comm, sizeof(row->comm));
	put(out, row->door, sizeof(row->door));
	put(out, row->kind, sizeof(row->kind));
	put(out, &row->cookie, sizeof(row->cookie));
	put_u32(out, len);
	put(out, row->attached ? row->attached : "", len);
	put_values(out, row->v);
	for (int t = 0; t < NR_TIMINGS; t++)
		put_times(out, row->times[t]);
}

static void get_row(struct in *in, struct row *row)
{
	__u32 len;

	row->state = get_u32(in, ROW_TOTAL);
	row->ctx = get_u32(in, ~0U);
	row->ioasid = get_u32(in, ~0U);
	get_text(in, row->comm, sizeof(row->comm));
	get_text(in, row->door, sizeof(row->door));
	get_text(in, row->kind, sizeof(row->kind));
	get(in, &row->cookie, sizeof(row->cookie));
	len = get_u32(in, MAX_ATTACHED);
	if (len) {
		row->attached = malloc(len);
		if (row->attached)
			get_text(in, row->attached, len);
		else
			in->err = -ENOMEM;
	}
	get_values(in, row->v);
	for (int t = 0; !in->err && t < NR_TIMINGS; t++)
		row->times[t] = get_times(in);
}

/* The order of this is the order on the wire. */
#define NUMBERS(X, snap)	\
	X((snap)->seq)		\
	X((snap)->ts_ns)	\
	X((snap)->interval_ns)	\
	X((snap)->instance)	\
	X((snap)->lost.missed)	\
	X((snap)->lost.unattributed) \
	X((snap)->lost.late)	\
	X((snap)->nr_ctxs)	\
	X((snap)->nr_spaces)

static void put_numbers(struct out *out, const struct snapshot *snap)
{
	__u64 value;

#define X(field) value = field; put(out, &value, sizeof(value));
	NUMBERS(X, snap)
#undef X
	put_u32(out, snap->source);
	put_u32(out, snap->bpf | snap->bpf_faults << 1 | snap->complete << 2 |
		snap->lost.known << 3);
}

static void get_numbers(struct in *in, struct snapshot *snap)
{
	__u64 value;
	__u32 flags;

#define X(field) get(in, &value, sizeof(value)); field = value;
	NUMBERS(X, snap)
#undef X
	snap->source = get_u32(in, COUNTERS_FILE);
	flags = get_u32(in, 15);
	snap->bpf = flags & 1;
	snap->bpf_faults = flags & 2;
	snap->complete = flags & 4;
	snap->lost.known = flags & 8;
}

static void put_rows(struct out *out, const struct row *rows, size_t nr)
{
	if (nr > MAX_ROWS)
		out->err = -EMSGSIZE;
	put_u32(out, nr);
	for (size_t i = 0; !out->err && i < nr; i++)
		put_row(out, &rows[i]);
}

/* *nr counts those that have to be freed. Memory grows with what there really is. */
static void get_rows(struct in *in, struct row **rows, size_t *nr)
{
	__u32 n = get_u32(in, MAX_ROWS), room = 0;
	struct row *grown;

	for (*nr = 0; !in->err && *nr < n; ++*nr) {
		if (*nr == room) {
			room = room ? 2 * room : 16;
			grown = reallocarray(*rows, room, sizeof(**rows));
			if (!grown) {
				in->err = -ENOMEM;
				return;
			}
			*rows = grown;
		}
		memset(&(*rows)[*nr], 0, sizeof(**rows));
		get_row(in, &(*rows)[*nr]);
	}
}

int wire__pack(const struct snapshot *snap, const struct wire_status *status, void **frame,
	       size_t *size)
{
	struct wire_frame head = { 0 };
	struct out out = { 0 };

	put(&out, &head, sizeof(head));
	put(&out, status, sizeof(*status));
	put_numbers(&out, snap);
	put_row(&out, &snap->total);
	put_rows(&out, snap->rows, snap->nr_rows);
	put_rows(&out, snap->devices, snap->nr_devices);
	if (!out.err && out.size - sizeof(head) > WIRE_FRAME_MAX)
		out.err = -EMSGSIZE;
	if (out.err) {
		free(out.at);
		return out.err;
	}
	head.bytes = out.size - sizeof(head);
	memcpy(out.at, &head, sizeof(head));
	*frame = out.at;
	*size = out.size;
	return 0;
}

int wire__unpack(const void *data, size_t size, struct snapshot **snap_out,
		 struct wire_status *status)
{
	struct snapshot *snap = calloc(1, sizeof(*snap));
	struct in in = { .at = data, .left = size };

	if (!snap)
		return -ENOMEM;
	get(&in, status, sizeof(*status));
	status->notice[sizeof(status->notice) - 1] = '\0';
	get_numbers(&in, snap);
	get_row(&in, &snap->total);
	get_rows(&in, &snap->rows, &snap->nr_rows);
	get_rows(&in, &snap->devices, &snap->nr_devices);
	if (!in.err && in.left)
		in.err = -EPROTO;
	if (in.err)
		snapshot__free(snap);
	else
		*snap_out = snap;
	return in.err;
}

static __u64 hash(__u64 sum, const void *data, size_t size)
{
	const unsigned char *at = data;

	while (size--)
		sum = (sum ^ *at++) * 0x100000001b3ULL;
	return sum;
}

__u64 wire__layout(void)
{
	const __u32 sizes[] = {
		1,	/* to be raised when the functions above change */
		NR_METRICS, NR_TIMINGS, HIST_SLOTS, ROW_TOTAL, COUNTERS_FILE,
		sizeof(struct wire_status), sizeof(((struct row *)0)->comm),
		sizeof(((struct row *)0)->door), sizeof(((struct row *)0)->kind),
	};
	__u64 sum = hash(0xcbf29ce484222325ULL, sizes, sizeof(sizes));

	for (int id = 0; id < NR_METRICS; id++)
		sum = hash(sum, metrics[id].key, strlen(metrics[id].key) + 1);
	return sum;
}

void wire__hello(struct wire_hello *hello, __u64 interval_ns)
{
	struct utsname uts;

	*hello = (struct wire_hello){
		.magic = WIRE_MAGIC,
		.layout = wire__layout(),
		.interval_ns = interval_ns,
		.version = IOASID_TOOLS_VERSION,
	};
	if (!uname(&uts))
		snprintf(hello->kernel, sizeof(hello->kernel), "%s", uts.release);
}
