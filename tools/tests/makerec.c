// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * usage: makerec FILE
 *
 * Makes a recording that is the same each time: a minute and a half of a machine with
 * two users of ioasid and one that comes and goes, with all that views show.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "model.h"
#include "record.h"

#define SECOND	 1000000000ULL
#define SECONDS	 90
#define INSTANCE 88123456789ULL
#define START_NS (1790000000 * SECOND) /* some day in 2026 */

/* One space, and what happens on it in each second. */
struct space {
	__u32 ctx, ioasid;
	const char *kind, *attached, *more;
	int from, to; /* s, when it is there */
	__u64 maps, unmaps, bytes, ns, user_invs, faults;
};

static const struct space spaces[] = {
	{ 1, 1, "kernel", "0000:00:10.0 0000:00:12.0", "", 0, 1000, 1200, 1190, 4096, 2100, 0, 40 },
	{ 1, 2, "child", "0000:00:10.0/5", "ioasid-parent-2:\t1\n", 0, 1000, 30, 0, 65536, 5200, 0,
	  0 },
	{ 1, 3, "user", "0000:00:12.0/9", "ioasid-parent-3:\t1\nioasid-format-3:\t1\n", 0, 1000, 0,
	  0, 0, 0, 250, 7 },
	{ 2, 1, "kernel", "0000:00:11.0", "", 0, 1000, 5, 2, 2097152, 48000, 0, 0 },
	{ 2, 2, "kernel", "", "", 0, 1000, 0, 0, 4096, 0, 0, 0 },
	{ 3, 1, "kernel", "0000:00:13.0", "", 20, 60, 300, 300, 8192, 900, 0, 0 },
};

#define NR_SPACES (sizeof(spaces) / sizeof(spaces[0]))

static const struct user {
	__u32 ctx;
	const char *comm, *door;
	unsigned int pid;
} users[] = {
	{ 1, "qemu-system-x86", "vfio", 4711 },
	{ 2, "dpdk-testpmd", "dev", 812 },
	{ 3, "fio", "dev", 5150 },
};

static bool is_there(const struct space *space, int second)
{
	return second >= space->from && second < space->to;
}

/* A busier time, so that not all seconds look alike. */
static __u64 factor(int second)
{
	return second >= 40 && second < 50 ? 3 : 1;
}

/* What was counted up to a second, when each has so many. */
static __u64 since(const struct space *space, int second, __u64 each)
{
	__u64 sum = 0;

	for (int i = space->from; i < second; i++)
		sum += each * factor(i);
	return sum;
}

static void put_faults(FILE *out, const struct space *space, int second)
{
	__u64 faults = since(space, second, space->faults);
	unsigned int id = space->ioasid;
	bool late = space->ioasid == 3 && second > 70;

	fprintf(out, "ioasid-faults-%u:\t%llu\n", id, faults + 2 * late);
	fprintf(out, "ioasid-fault-pages-%u:\t%llu\n", id, 2 * faults);
	fprintf(out, "ioasid-faults-unrecoverable-%u:\t%llu\n", id, faults / 100);
	fprintf(out, "ioasid-fault-answers-%u:\t%llu\n", id, faults);
	fprintf(out, "ioasid-fault-invalid-%u:\t0\nioasid-fault-overflows-%u:\t0\n", id, id);
	fprintf(out, "ioasid-fault-timeouts-%u:\t0\nioasid-fault-cancels-%u:\t0\n", id, id);
	fprintf(out, "ioasid-fault-pending-%u:\t%d\n", id, 2 * late);
	fprintf(out, "ioasid-fault-oldest-%u:\t%llu\n", id, late * (second - 70) * SECOND);
}

static void put_space(FILE *out, const struct space *space, int second)
{
	__u64 maps = since(space, second, space->maps),
	      unmaps = since(space, second, space->unmaps);
	unsigned int id = space->ioasid;

	fprintf(out, "ioasid-kind-%u:\t%s\nioasid-attached-%u:\t%s\n%s", id, space->kind, id,
		space->attached, space->more);
	fprintf(out, "ioasid-domains-%u:\t1\nioasid-mappings-%u:\t%llu\n", id, id,
		maps - unmaps + 1);
	fprintf(out, "ioasid-mapped-%u:\t%llu B\nioasid-pinned-%u:\t%llu B\n", id,
		(maps - unmaps + 1) * space->bytes, id, (maps - unmaps) * space->bytes);
	fprintf(out, "ioasid-maps-%u:\t%llu\nioasid-unmaps-%u:\t%llu\n", id, maps, id, unmaps);
	fprintf(out, "ioasid-map-bytes-%u:\t%llu B\n", id, maps * space->bytes);
	fprintf(out, "ioasid-map-errors-%u:\t%d\n", id, space->ctx == 2 ? second / 10 : 0);
	fprintf(out, "ioasid-invalidations-%u:\t%llu\n", id, unmaps);
	fprintf(out, "ioasid-user-invs-%u:\t%llu\n", id, since(space, second, space->user_invs));
	put_faults(out, space, second);
}

static char *counters_text(int second)
{
	char *text;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		if (users[i].ctx == 3 && !is_there(&spaces[5], second))
			continue;
		fprintf(out, "ioasid-abi:\t1\nioasid-instance:\t%llu\nioasid-ctx:\t%u\n", INSTANCE,
			users[i].ctx);
		fprintf(out, "ioasid-door:\t%s\nioasid-pid:\t%u\nioasid-comm:\t%s\n", users[i].door,
			users[i].pid, users[i].comm);
		fprintf(out, "ioasid-cgroup:\t%u\nioasid-registered:\t%u B\n", 4000 + users[i].ctx,
			users[i].ctx == 2 ? 1 << 30 : 0);
		for (size_t j = 0; j < NR_SPACES; j++)
			if (spaces[j].ctx == users[i].ctx && is_there(&spaces[j], second))
				put_space(out, &spaces[j], second);
		fputc('\n', out);
	}
	fclose(out);
	return text;
}

/* One in a hundred takes twenty times as long. */
static void add_times(__u32 *hist, __u64 *sum_ns, __u64 *max_ns, __u64 count, __u64 ns)
{
	for (__u64 i = 0; i < count; i++) {
		__u64 took = i % 100 == 50 ? 20 * ns : ns + (i * 7919 % ns) / 2;

		hist[hist_index(took)]++;
		*sum_ns += took;
		if (took > *max_ns)
			*max_ns = took;
	}
}

static void add_sample(struct sample_set *set, const struct space *space, enum ioasid_op op,
		       __u64 count, __u64 bytes, __u64 ns)
{
	struct stat_sample *sample = &set->samples[set->nr++];

	memset(sample, 0, sizeof(*sample));
	sample->key = (struct ioasid_stat_key){ space->ctx, space->ioasid, op };
	sample->sum.count = count;
	sample->sum.bytes = count * bytes;
	if (count)
		add_times(sample->sum.hist, &sample->sum.sum_ns, &sample->sum.max_ns, count, ns);
}

static void make_samples(struct sample_set *set, int second)
{
	set->nr = 0;
	set->lost = (struct lost){ .known = true, .missed = second > 80 ? 3 : 0 };
	for (size_t i = 0; i < NR_SPACES; i++) {
		const struct space *space = &spaces[i];
		int now = second < space->to ? second : space->to;

		if (second < space->from || second > space->to + 1)
			continue;
		add_sample(set, space, IOASID_OP_MAP, since(space, now, space->maps), space->bytes,
			   space->ns);
		add_sample(set, space, IOASID_OP_UNMAP, since(space, now, space->unmaps),
			   space->bytes, space->ns / 2);
		add_sample(set, space, IOASID_OP_INV, since(space, now, space->unmaps), 0, 700);
		add_sample(set, space, IOASID_OP_USER_INV, since(space, now, space->user_invs), 0,
			   1500);
	}
}

static void make_faults(struct fault_set *set, int second)
{
	set->nr = 0;
	set->ts_ns = (second + 1) * SECOND;
	for (size_t i = 0; i < NR_SPACES; i++) {
		struct fault_sample *sample = &set->samples[set->nr];
		__u64 count = since(&spaces[i], second, spaces[i].faults);

		if (!spaces[i].faults)
			continue;
		set->nr++;
		memset(sample, 0, sizeof(*sample));
		sample->key = (struct ioasid_fault_key){
			.cookie = 0x10 + i,
			.ctx = spaces[i].ctx,
			.ioasid = spaces[i].ioasid,
			.dev = i ? 0x90 : 0x80,
		};
		sample->sum.groups = count;
		sample->sum.pages = 2 * count;
		sample->sum.delivered = count;
		sample->sum.answers[IOASID_OUTCOME_SUCCESS] = count;
		if (!count)
			continue;
		add_times(sample->sum.queue.hist, &sample->sum.queue.sum_ns,
			  &sample->sum.queue.max_ns, count, 3000);
		add_times(sample->sum.service.hist, &sample->sum.service.sum_ns,
			  &sample->sum.service.max_ns, count, 24000);
		add_times(sample->sum.total.hist, &sample->sum.total.sum_ns,
			  &sample->sum.total.max_ns, count, 29000);
	}
}

static int step(struct model *model, struct sample_set *samples, struct fault_set *faults,
		int second, struct snapshot **snap)
{
	struct counter_set counters = { .complete = true };
	struct reading reading = {
		.ts_ns = (second + 1) * SECOND,
		.counters = &counters,
		.source = COUNTERS_DEBUGFS,
		.samples = samples,
		.faults = faults,
	};
	int err = counters__add_text(&counters, counters_text(second));

	make_samples(samples, second);
	make_faults(faults, second);
	if (!err)
		err = model__step(model, &reading, snap);
	counters__clear(&counters);
	return err;
}

static void fill_self(struct self *self, int second)
{
	*self = (struct self){
		.known = true,
		.bpf_known = true,
		.cpu_ns = 1800000 + 1000 * second,
		.rss_bytes = 12 << 20,
		.map_bytes = 64 << 20,
		.bpf_ns = 410000 * factor(second),
		.bpf_runs = 3200 * factor(second),
	};
}

int main(int argc, char **argv)
{
	const struct record_info info = {
		.version = "test",
		.kernel = "6.12.0-test",
		.host = "machine",
		.boot_id = "00000000-0000-0000-0000-000000000000",
		.start_ns = START_NS,
		.interval_ns = SECOND,
	};
	struct sample_set samples = { .samples =
					      calloc(4 * NR_SPACES, sizeof(struct stat_sample)) };
	struct fault_set faults = { .samples = calloc(NR_SPACES, sizeof(struct fault_sample)) };
	struct model *model = model__new();
	struct snapshot *snap;
	struct record *record;
	int err;

	if (argc != 2 || !model || !samples.samples || !faults.samples)
		return 2;
	err = record__open(&record, argv[1], 64 << 20, &info);
	for (int second = 0; !err && second <= SECONDS; second++) {
		err = step(model, &samples, &faults, second, &snap);
		if (err || !snap)
			continue;
		fill_self(&snap->self, second);
		err = record__add_at(record, snap, START_NS + second * SECOND);
		snapshot__free(snap);
	}
	if (err)
		fprintf(stderr, "makerec: %s\n", strerror(-err));
	else
		record__close(record);
	return err != 0;
}
