// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "faults.h"
#include "faults.skel.h"
#include "ticker.h"

#define MAX_ENTRIES	1024
#define MIN_ENTRIES	16

struct faults {
	struct faults_bpf *skel;
	struct ioasid_fault_stat *per_cpu;	/* one value as the kernel copies it out */
	struct ioasid_inflight_key *keys;
	struct ioasid_inflight *groups;
	int cpus;
};

static int nr_cpus(void)
{
	int cpus = libbpf_num_possible_cpus();

	return cpus > 0 ? cpus : 1;
}

unsigned int faults__entries(__u64 bytes)
{
	__u64 entries = bytes / (nr_cpus() * sizeof(struct ioasid_fault_stat));

	if (entries > MAX_ENTRIES)
		return MAX_ENTRIES;
	return entries < MIN_ENTRIES ? MIN_ENTRIES : entries;
}

static int load(struct faults *faults, __u64 bytes)
{
	faults->cpus = nr_cpus();
	faults->per_cpu = calloc(faults->cpus, sizeof(*faults->per_cpu));
	faults->keys = calloc(IOASID_MAX_INFLIGHT, sizeof(*faults->keys));
	faults->groups = calloc(IOASID_MAX_INFLIGHT, sizeof(*faults->groups));
	faults->skel = faults_bpf__open();
	if (!faults->skel || !faults->per_cpu || !faults->keys || !faults->groups)
		return -ENOMEM;
	bpf_map__set_max_entries(faults->skel->maps.faults, faults__entries(bytes));
	return faults_bpf__load(faults->skel);
}

int faults__open(struct faults **out, __u64 bytes)
{
	struct faults *faults = calloc(1, sizeof(*faults));
	int err;

	if (!faults)
		return -ENOMEM;
	err = load(faults, bytes);
	if (!err)
		err = faults_bpf__attach(faults->skel);
	if (err)
		faults__close(faults);
	else
		*out = faults;
	return err;
}

void faults__close(struct faults *faults)
{
	if (!faults)
		return;
	faults_bpf__destroy(faults->skel);
	free(faults->per_cpu);
	free(faults->keys);
	free(faults->groups);
	free(faults);
}

static struct fault_sample *new_sample(struct fault_set *set)
{
	struct fault_sample *samples;
	size_t room;

	if (set->nr == set->room) {
		room = set->room ? 2 * set->room : 16;
		samples = reallocarray(set->samples, room, sizeof(*samples));
		if (!samples)
			return NULL;
		set->samples = samples;
		set->room = room;
	}
	return &set->samples[set->nr++];
}

static int read_stats(struct faults *faults, struct fault_set *set)
{
	int fd = bpf_map__fd(faults->skel->maps.faults);
	struct ioasid_fault_key key, *prev = NULL;
	struct fault_sample *sample;

	while (!bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		if (bpf_map_lookup_elem(fd, &key, faults->per_cpu))
			continue;
		sample = new_sample(set);
		if (!sample)
			return -ENOMEM;
		sample->key = key;
		memset(&sample->sum, 0, sizeof(sample->sum));
		for (int i = 0; i < faults->cpus; i++)
			fault_stat__add(&sample->sum, &faults->per_cpu[i]);
	}
	return errno == ENOENT ? 0 : -errno;
}

/* All at once: there may be many, which come and go. */
static int read_inflight(struct faults *faults, struct fault_set *set)
{
	int fd = bpf_map__fd(faults->skel->maps.inflight);
	__u32 batch, nr = IOASID_MAX_INFLIGHT;

	if (!set->inflight)
		set->inflight = calloc(IOASID_MAX_INFLIGHT, sizeof(*set->inflight));
	if (!set->inflight)
		return -ENOMEM;
	if (bpf_map_lookup_batch(fd, NULL, &batch, faults->keys, faults->groups, &nr, NULL) &&
	    errno != ENOENT)
		return -errno;
	for (__u32 i = 0; i < nr; i++)
		set->inflight[i] = (struct inflight_sample){
			.key = faults->keys[i], .ts_ns = faults->groups[i].ts_ns,
		};
	set->nr_inflight = nr;
	return 0;
}

static __u64 read_lost(struct faults *faults)
{
	int fd = bpf_map__fd(faults->skel->maps.fault_lost);
	__u64 *values = (__u64 *)faults->per_cpu, sum = 0;
	__u32 what = IOASID_LOST_DEVICE;

	if (bpf_map_lookup_elem(fd, &what, values))
		return 0;
	for (int i = 0; i < faults->cpus; i++)
		sum += values[i];
	return sum;
}

/* Programs that the kernel skipped because they ran on that CPU already; what all cost. */
static __u64 read_missed(struct faults *faults, struct fault_set *set)
{
	struct bpf_object_skeleton *skeleton = faults->skel->skeleton;
	struct bpf_prog_info info;
	__u64 sum = 0;
	__u32 len;

	set->bpf_ns = 0;
	set->bpf_runs = 0;
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_prog_get_info_by_fd(bpf_program__fd(*skeleton->progs[i].prog), &info,
					     &len)) {
			sum += info.recursion_misses;
			set->bpf_ns += info.run_time_ns;
			set->bpf_runs += info.run_cnt;
		}
	}
	return sum;
}

int faults__read(struct faults *faults, struct fault_set *set)
{
	int err;

	set->nr = 0;
	set->nr_inflight = 0;
	err = read_stats(faults, set);
	if (!err)
		err = read_inflight(faults, set);
	set->ts_ns = now_ns();
	set->lost = read_lost(faults);
	set->missed = read_missed(faults, set);
	return err;
}

void fault_set__free(struct fault_set *set)
{
	free(set->samples);
	free(set->inflight);
	*set = (struct fault_set){ 0 };
}

void faults__retire(struct faults *faults, const struct ioasid_fault_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(faults->skel->maps.faults), key);
}

void faults__answered(struct faults *faults, const struct ioasid_inflight_key *key)
{
	bpf_map_delete_elem(bpf_map__fd(faults->skel->maps.inflight), key);
}
