// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "collect.h"
#include "collect.skel.h"
#include "collect_iommu.skel.h"
#include "collect_iommufd.skel.h"
#include "collect_vfio.skel.h"

#define MAX_ENTRIES	4096
#define MIN_ENTRIES	64

struct collect {
	struct watch_skel skel;
	struct {
		struct bpf_map *stats, *other, *unattributed;
	} maps;
	struct ioasid_stat *per_cpu;	/* one value as the kernel copies it out */
	int cpus;
	__u64 late;
};

/* A quarter. */
__u64 collect__fault_bytes(unsigned int memory_mib)
{
	return ((__u64)memory_mib << 20) / 4;
}

struct collect_size collect__size(unsigned int memory_mib)
{
	struct collect_size size = { 0 };
	int cpus = libbpf_num_possible_cpus();
	__u64 entries;

	size.cpus = cpus > 0 ? cpus : 1;
	entries = (((__u64)memory_mib << 20) - collect__fault_bytes(memory_mib)) /
		  (size.cpus * sizeof(struct ioasid_stat));
	if (entries > MAX_ENTRIES)
		entries = MAX_ENTRIES;
	if (entries < MIN_ENTRIES)
		entries = MIN_ENTRIES;
	size.entries = entries;
	size.bytes = entries * size.cpus * sizeof(struct ioasid_stat);
	return size;
}

static int print_all(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	return vfprintf(stderr, format, args);
}

static int print_nothing(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static bool open_skeleton(struct collect *collect, enum watch watch)
{
	struct watch_skel *skel = &collect->skel;

	if (watch == WATCH_VFIO)
		watch_skel__set(skel, struct collect_vfio_bpf, collect_vfio_bpf__open());
	else if (watch == WATCH_IOMMUFD)
		watch_skel__set(skel, struct collect_iommufd_bpf, collect_iommufd_bpf__open());
	else if (watch == WATCH_IOMMU)
		watch_skel__set(skel, struct collect_iommu_bpf, collect_iommu_bpf__open());
	else
		watch_skel__set(skel, struct collect_bpf, collect_bpf__open());
	if (!skel->skeleton)
		return false;
	collect->maps.stats = watch_skel__map(skel, "stats");
	collect->maps.other = watch_skel__map(skel, "other");
	collect->maps.unattributed = watch_skel__map(skel, "unattributed");
	return true;
}

static int load(struct collect *collect, enum watch watch, unsigned int memory_mib, char *why,
		size_t size)
{
	struct collect_size maps = collect__size(memory_mib);
	int err;

	collect->cpus = maps.cpus;
	collect->per_cpu = calloc(maps.cpus, sizeof(*collect->per_cpu));
	if (!open_skeleton(collect, watch) || !collect->per_cpu) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	watch_skel__prepare(&collect->skel, watch);
	bpf_map__set_max_entries(collect->maps.stats, maps.entries);
	err = bpf_object__load_skeleton(collect->skel.skeleton);
	if (err == -EPERM)
		snprintf(why, size, "the kernel refuses BPF here: look for lockdown, seccomp or a container's limits");
	else if (err == -ENOMEM)
		snprintf(why, size, "no memory for %llu MiB of BPF maps: give a smaller --memory",
			 maps.bytes >> 20);
	else if (err)
		snprintf(why, size, "the BPF programs cannot be loaded (%s): --verbose shows why",
			 strerror(-err));
	return err;
}

/* One by one, so that the sentence names what is missing. */
static int attach(struct collect *collect, char *why, size_t size)
{
	struct bpf_object_skeleton *skeleton = collect->skel.skeleton;
	struct bpf_program *prog;
	struct bpf_link *link;

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		prog = *skeleton->progs[i].prog;
		link = bpf_program__attach(prog);
		if (!link && errno == ENOENT && watch_skel__may_lack(prog))
			continue;
		if (!link) {
			snprintf(why, size, "no tracepoint %s (%s): use the driver and the tool of one version",
				 bpf_program__section_name(prog) + strlen("raw_tp/"),
				 strerror(errno));
			return -errno;
		}
		*skeleton->progs[i].link = link;
	}
	return 0;
}

int collect__open(struct collect **out, unsigned int memory_mib, bool verbose, char *why,
		  size_t size)
{
	return collect__open_watch(out, WATCH_IOASID, NULL, memory_mib, verbose, why, size);
}

int collect__open_watch(struct collect **out, enum watch watch, const struct probe *probe,
			unsigned int memory_mib, bool verbose, char *why, size_t size)
{
	struct collect *collect = calloc(1, sizeof(*collect));
	int err;

	if (!collect)
		return -ENOMEM;
	libbpf_set_print(verbose ? print_all : print_nothing);
	err = load(collect, watch, memory_mib, why, size);
	if (!err)
		err = attach(collect, why, size);
	if (err && err != -ENOMEM && watch != WATCH_IOASID)
		watch__explain(watch, probe, err, why, size);
	if (err)
		collect__close(collect);
	else
		*out = collect;
	return err;
}

void collect__close(struct collect *collect)
{
	if (!collect)
		return;
	watch_skel__close(&collect->skel);
	free(collect->per_cpu);
	free(collect);
}

static void add_cpu(struct ioasid_stat *sum, const struct ioasid_stat *cpu)
{
	sum->count += cpu->count;
	sum->errors += cpu->errors;
	sum->bytes += cpu->bytes;
	sum->sum_ns += cpu->sum_ns;
	if (cpu->max_ns > sum->max_ns)
		sum->max_ns = cpu->max_ns;
	sum->flags |= cpu->flags;
	if (cpu->tgid && !sum->tgid) {
		sum->tgid = cpu->tgid;
		memcpy(sum->comm, cpu->comm, sizeof(sum->comm));
	}
	for (int i = 0; cpu->count && i < HIST_SLOTS; i++)
		sum->hist[i] += cpu->hist[i];
}

static void add_cpus(const struct collect *collect, struct ioasid_stat *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < collect->cpus; i++)
		add_cpu(sum, &collect->per_cpu[i]);
}

static struct stat_sample *new_sample(struct sample_set *set)
{
	struct stat_sample *samples;
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

/*
 * New keys may be missed while we walk and are found next time; nobody but us
 * deletes any.
 */
static int read_stats(struct collect *collect, struct sample_set *set)
{
	int fd = bpf_map__fd(collect->maps.stats);
	struct ioasid_stat_key key, *prev = NULL;
	struct stat_sample *sample;

	while (!bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		if (bpf_map_lookup_elem(fd, &key, collect->per_cpu))
			continue;
		sample = new_sample(set);
		if (!sample)
			return -ENOMEM;
		sample->key = key;
		sample->other = false;
		add_cpus(collect, &sample->sum);
	}
	return errno == ENOENT ? 0 : -errno;
}

static int read_other(struct collect *collect, struct sample_set *set)
{
	int fd = bpf_map__fd(collect->maps.other);
	struct stat_sample *sample;

	for (__u32 op = 0; op < IOASID_NR_OPS; op++) {
		if (bpf_map_lookup_elem(fd, &op, collect->per_cpu))
			return -errno;
		sample = new_sample(set);
		if (!sample)
			return -ENOMEM;
		add_cpus(collect, &sample->sum);
		sample->key = (struct ioasid_stat_key){ .op = op };
		sample->other = true;
		if (!sample->sum.count && !sample->sum.errors)
			set->nr--;
	}
	return 0;
}

static __u64 read_unattributed(struct collect *collect)
{
	int fd = bpf_map__fd(collect->maps.unattributed);
	__u64 *values = (__u64 *)collect->per_cpu, sum = 0;

	for (__u32 op = 0; op < IOASID_NR_OPS; op++) {
		if (bpf_map_lookup_elem(fd, &op, values))
			continue;
		for (int i = 0; i < collect->cpus; i++)
			sum += values[i];
	}
	return sum;
}

/* What the programs cost, while the kernel measures that. */
static void read_cost(const struct collect *collect, struct sample_set *set)
{
	const struct bpf_object_skeleton *skeleton = collect->skel.skeleton;
	struct bpf_prog_info info;
	__u32 len;
	int fd;

	set->bpf_ns = 0;
	set->bpf_runs = 0;
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		fd = bpf_program__fd(*skeleton->progs[i].prog);
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (fd < 0 || bpf_prog_get_info_by_fd(fd, &info, &len))
			continue;
		set->bpf_ns += info.run_time_ns;
		set->bpf_runs += info.run_cnt;
	}
}

int collect__read(struct collect *collect, struct sample_set *set)
{
	int err;

	set->nr = 0;
	err = read_stats(collect, set);
	if (!err)
		err = read_other(collect, set);
	read_cost(collect, set);
	set->lost = (struct lost){
		.known = true,
		.missed = watch_skel__lost(&collect->skel),
		.unattributed = read_unattributed(collect),
		.late = collect->late,
	};
	return err;
}

void sample_set__free(struct sample_set *set)
{
	free(set->samples);
	*set = (struct sample_set){ 0 };
}

void collect__retire(struct collect *collect, const struct ioasid_stat_key *key,
		     const struct ioasid_stat *known)
{
	int fd = bpf_map__fd(collect->maps.stats);
	struct ioasid_stat last;

	if (bpf_map_lookup_and_delete_elem(fd, key, collect->per_cpu))
		return;
	add_cpus(collect, &last);
	collect->late += last.count + last.errors - known->count - known->errors;
}
