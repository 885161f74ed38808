// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <linux/membarrier.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../../bpf/stats.h"
#include "lat_reader.h"
#include "lat.skel.h"
#include "lat_iommufd.skel.h"
#include "lat_vfio.skel.h"
#include "ticker.h"

#define MAX_ENTRIES	4096
#define MIN_ENTRIES	64
#define NR_OTHER	(2 * NR_LAT_SERIES)

struct lat_reader {
	struct watch_skel skel;
	enum watch watch;
	struct bpf_map *stats, *others;
	struct lat_stat *per_cpu;	/* one value as the kernel copies it out */
	struct lat_stat *other;		/* all values of the map of that name */
	int cpus;
};

/* Which program measures an operation. */
static const struct {
	const char *program;
	unsigned int series;
} programs[] = {
	{ "on_map", LAT_MAP },
	{ "on_unmap", LAT_UNMAP },
	{ "on_iotlb_inv", LAT_INV },
	{ "on_invalidate", LAT_USER_INV },
	{ "on_invalidate_cache", LAT_INV_CMD },
	{ "on_shadow", LAT_SHADOW },
	{ "on_fault", LAT_FAULT },
	{ "on_attach", LAT_ATTACH },
	{ "on_detach", LAT_DETACH },
	{ "on_bind_table", LAT_BIND_TABLE },
	{ "on_unbind_table", LAT_UNBIND_TABLE },
	{ "on_register", LAT_REGISTER },
	{ "on_unregister", LAT_UNREGISTER },
	{ "on_dirty_set", LAT_DIRTY_SET },
	{ "on_dirty_read", LAT_DIRTY_READ },
};

#define NR_PROGRAMS	(sizeof(programs) / sizeof(programs[0]))

static int print_message(enum libbpf_print_level level, const char *format, va_list args)
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

static unsigned int nr_entries(const struct lat_reader *reader, unsigned int memory_mib)
{
	__u64 entries = ((__u64)memory_mib << 20) / (reader->cpus * sizeof(struct lat_stat));

	if (entries > MAX_ENTRIES)
		return MAX_ENTRIES;
	return entries < MIN_ENTRIES ? MIN_ENTRIES : entries;
}

static void own_pid_namespace(struct lat_config *config)
{
	struct stat st;

	if (stat("/proc/self/ns/pid", &st))
		return;
	config->pidns_dev = st.st_dev;
	config->pidns_ino = st.st_ino;
}

static struct bpf_program *find_program(const struct lat_reader *reader, int i)
{
	return bpf_object__find_program_by_name(*reader->skel.skeleton->obj, programs[i].program);
}

/* NULL: no memory. The programs take what is in the result as constant. */
static struct lat_config *open_skeleton(struct lat_reader *reader)
{
	struct lat_config *config = NULL;

#define OPEN(type)								\
	do {									\
		struct type *skel = type##__open();				\
										\
		watch_skel__set(&reader->skel, struct type, skel);		\
		config = skel ? (struct lat_config *)&skel->rodata->config : NULL;	\
	} while (0)
	if (reader->watch == WATCH_VFIO)
		OPEN(lat_vfio_bpf);
	else if (reader->watch == WATCH_IOMMUFD)
		OPEN(lat_iommufd_bpf);
	else
		OPEN(lat_bpf);
#undef OPEN
	if (!config)
		return NULL;
	reader->stats = watch_skel__map(&reader->skel, "stats");
	reader->others = watch_skel__map(&reader->skel, "other");
	return config;
}

static int load(struct lat_reader *reader, const struct lat_config *config, __u64 ops,
		unsigned int memory_mib, char *why, size_t size)
{
	struct lat_config *constant;
	int err;

	reader->cpus = libbpf_num_possible_cpus();
	if (reader->cpus < 1)
		reader->cpus = 1;
	reader->per_cpu = calloc(reader->cpus, sizeof(*reader->per_cpu));
	reader->other = calloc(NR_OTHER * reader->cpus, sizeof(*reader->other));
	constant = open_skeleton(reader);
	if (!constant || !reader->per_cpu || !reader->other) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	*constant = *config;
	constant->ops = ops;
	watch_skel__prepare(&reader->skel, reader->watch);
	bpf_map__set_max_entries(reader->stats, nr_entries(reader, memory_mib));
	for (int i = 0; reader->watch == WATCH_IOASID && i < NR_PROGRAMS; i++)
		bpf_program__set_autoload(find_program(reader, i), ops >> programs[i].series & 1);
	err = bpf_object__load_skeleton(reader->skel.skeleton);
	if (err == -EPERM)
		snprintf(why, size,
			 "the kernel refuses BPF here: look for lockdown, seccomp or a container's limits");
	else if (err == -ENOMEM)
		snprintf(why, size, "no memory for %u MiB of BPF maps: give a smaller --memory",
			 memory_mib);
	else if (err)
		snprintf(why, size, "the BPF programs cannot be loaded (%s): --verbose shows why",
			 strerror(-err));
	return err;
}

/* One by one: a driver from before some operation has no tracepoint for it. */
static int attach(struct lat_reader *reader, __u64 *ops, char *why, size_t size)
{
	struct bpf_object_skeleton *skeleton = reader->skel.skeleton;
	struct bpf_program *prog;
	struct bpf_link *link;
	int attached = 0, err = 0;

	for (int i = 0; i < NR_PROGRAMS; i++) {
		if (!(*ops >> programs[i].series & 1))
			continue;
		prog = find_program(reader, i);
		link = bpf_program__attach(prog);
		for (int j = 0; link && j < skeleton->prog_cnt; j++)
			if (*skeleton->progs[j].prog == prog)
				*skeleton->progs[j].link = link;
		attached += !!link;
		if (link)
			continue;
		err = -errno;
		snprintf(why, size,
			 "no tracepoint %s (%s): use the driver and the tool of one version",
			 bpf_program__section_name(prog) + strlen("raw_tp/"), strerror(-err));
		if (err != -ENOENT)
			return err;
		*ops &= ~(1ULL << programs[i].series);
	}
	return attached ? 0 : err;
}

/* The operations that a source knows. */
static __u64 ops_of(enum watch watch)
{
	static const unsigned int series[IOASID_NR_OPS] = {
		[IOASID_OP_MAP] = LAT_MAP, [IOASID_OP_UNMAP] = LAT_UNMAP,
		[IOASID_OP_INV] = LAT_INV, [IOASID_OP_USER_INV] = LAT_USER_INV,
		[IOASID_OP_ATTACH] = LAT_ATTACH, [IOASID_OP_DETACH] = LAT_DETACH,
		[IOASID_OP_REGISTER] = LAT_REGISTER, [IOASID_OP_UNREGISTER] = LAT_UNREGISTER,
	};
	__u64 ops = 0;

	for (int op = 0; op < IOASID_NR_OPS; op++)
		if (watch__ops(watch) >> op & 1)
			ops |= 1ULL << series[op];
	return ops;
}

static int attach_watch(struct lat_reader *reader, __u64 *ops, char *why, size_t size)
{
	__u64 known = ops_of(reader->watch);
	int err;

	if (*ops & ~known)
		snprintf(why, size, "--source %s knows map and unmap%s, no other operations",
			 watch__name(reader->watch),
			 known >> LAT_ATTACH & 1 ? ", attach and detach" : "");
	*ops &= known;
	if (!*ops)
		return -ENOENT;
	err = bpf_object__attach_skeleton(reader->skel.skeleton);
	if (err)
		snprintf(why, size, "the BPF programs cannot be attached (%s): --verbose shows why",
			 strerror(-err));
	return err;
}

int lat_reader__open(struct lat_reader **out, enum watch watch, struct lat_config *config,
		     __u64 *ops, unsigned int memory_mib, bool verbose, char *why, size_t size)
{
	struct lat_reader *reader = calloc(1, sizeof(*reader));
	int err;

	if (!reader)
		return -ENOMEM;
	reader->watch = watch;
	libbpf_set_print(verbose ? print_message : print_nothing);
	own_pid_namespace(config);
	err = load(reader, config, *ops, memory_mib, why, size);
	if (!err)
		err = watch == WATCH_IOASID ? attach(reader, ops, why, size) :
					      attach_watch(reader, ops, why, size);
	if (err)
		lat_reader__close(reader);
	else
		*out = reader;
	return err;
}

void lat_reader__close(struct lat_reader *reader)
{
	if (!reader)
		return;
	watch_skel__close(&reader->skel);
	free(reader->per_cpu);
	free(reader->other);
	free(reader);
}

static void add_cpu(struct lat_stat *sum, const struct lat_stat *cpu)
{
	sum->untimed += cpu->untimed;
	sum->sum_ns += cpu->sum_ns;
	if (cpu->max_ns > sum->max_ns)
		sum->max_ns = cpu->max_ns;
	if (*cpu->comm)
		memcpy(sum->comm, cpu->comm, sizeof(sum->comm));
	for (int i = 0; i < HIST_SLOTS; i++)
		sum->hist[i] += cpu->hist[i];
}

static void add_cpus(const struct lat_reader *reader, const struct lat_stat *per_cpu,
		     struct lat_stat *sum)
{
	memset(sum, 0, sizeof(*sum));
	for (int i = 0; i < reader->cpus; i++)
		add_cpu(sum, &per_cpu[i]);
}

/* New keys may be missed while we walk and are found next time; nobody deletes any. */
static int read_stats(struct lat_reader *reader, struct lat *lat)
{
	int fd = bpf_map__fd(reader->stats), err;
	struct lat_key key, *prev = NULL;
	struct lat_stat sum;

	while (!bpf_map_get_next_key(fd, prev, &key)) {
		prev = &key;
		if (bpf_map_lookup_elem(fd, &key, reader->per_cpu))
			return -errno;
		add_cpus(reader, reader->per_cpu, &sum);
		err = lat__sample(lat, &key, false, &sum);
		if (err)
			return err;
	}
	return errno == ENOENT ? 0 : -errno;
}

/* All at once: usually there is nothing. */
static int read_other(struct lat_reader *reader, struct lat *lat)
{
	int fd = bpf_map__fd(reader->others), err;
	struct lat_key key = { .dev = LAT_NO_DEV };
	__u32 indices[NR_OTHER], batch, nr = NR_OTHER;
	struct lat_stat sum, none = { 0 };

	if (bpf_map_lookup_batch(fd, NULL, &batch, indices, reader->other, &nr, NULL) &&
	    errno != ENOENT)
		return -errno;
	for (__u32 i = 0; i < nr; i++) {
		add_cpus(reader, &reader->other[i * reader->cpus], &sum);
		if (!memcmp(&sum, &none, sizeof(sum)))
			continue;
		key.series = indices[i] / 2;
		key.failed = indices[i] % 2;
		err = lat__sample(lat, &key, true, &sum);
		if (err)
			return err;
	}
	return 0;
}

int lat_reader__read(struct lat_reader *reader, struct lat *lat)
{
	int err;

	lat__begin(lat, now_ns());
	err = read_stats(reader, lat);
	if (!err)
		err = read_other(reader, lat);
	lat->missed = watch_skel__lost(&reader->skel);
	lat__settle(lat);
	return err;
}

/*
 * A program may still run on another CPU when its link is gone. It runs under RCU:
 * the system call waits for a grace period.
 */
void lat_reader__stop(struct lat_reader *reader)
{
	bpf_object__detach_skeleton(reader->skel.skeleton);
	syscall(SYS_membarrier, MEMBARRIER_CMD_GLOBAL, 0, 0);
}
