// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The BPF side: loading, attaching and reading bpf/snoop.bpf.c. */
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "ioasidsnoop.h"
#include "snoop.skel.h"
#include "snoop_iommu.skel.h"
#include "snoop_iommufd.skel.h"
#include "snoop_vfio.skel.h"

/* Between two looks at whether to stop. */
#define BATCH	256

struct feed {
	struct watch_skel skel;
	struct bpf_map *records, *count;	/* the ring, and what is counted beside it */
	bool *listening;
	struct ring_buffer *ring;
	feed_fn fn;
	void *arg;
	struct ioasid_snoop_count *counts;	/* one value as the kernel copies it out */
	int cpus;
	__u32 events;
};

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

static const char *event_of(const struct bpf_program *prog)
{
	return bpf_program__section_name(prog) + strlen("raw_tp/ioasid_");
}

static bool wanted(const struct bpf_program *prog, __u32 events)
{
	__u32 event;

	return events__parse(event_of(prog), &event) && events & event;
}

/* The ring has a power of two of bytes. */
static __u32 ring_bytes(unsigned int memory_mib)
{
	__u32 mib = 1;

	while (2 * mib <= memory_mib)
		mib *= 2;
	return mib << 20;
}

/* Sets what is constant to the programs, and fills the feed. False: no memory. */
static bool open_skeleton(struct feed *feed, const struct options *options)
{
#define OPEN(type)								\
	do {									\
		struct type *skel = type##__open();				\
										\
		watch_skel__set(&feed->skel, struct type, skel);		\
		if (!skel)							\
			break;							\
		memcpy((void *)&skel->rodata->filter, &options->filter,		\
		       sizeof(options->filter));				\
		skel->rodata->kernel_stacks = options->kernel_stacks;		\
		skel->rodata->user_stacks = options->user_stacks;		\
		skel->rodata->events = options->events;				\
	} while (0)
	if (options->watch == WATCH_VFIO)
		OPEN(snoop_vfio_bpf);
	else if (options->watch == WATCH_IOMMUFD)
		OPEN(snoop_iommufd_bpf);
	else if (options->watch == WATCH_IOMMU)
		OPEN(snoop_iommu_bpf);
	else
		OPEN(snoop_bpf);
#undef OPEN
	if (!feed->skel.skeleton)
		return false;
	feed->records = watch_skel__map(&feed->skel, "ring");
	feed->count = watch_skel__map(&feed->skel, "counts");
	return true;
}

/* Memory that is mapped when the programs are loaded. */
static void find_listening(struct feed *feed, enum watch watch)
{
#define LISTENING(type)	(&((struct type *)feed->skel.memory)->bss->listening)
	if (watch == WATCH_VFIO)
		feed->listening = LISTENING(snoop_vfio_bpf);
	else if (watch == WATCH_IOMMUFD)
		feed->listening = LISTENING(snoop_iommufd_bpf);
	else if (watch == WATCH_IOMMU)
		feed->listening = LISTENING(snoop_iommu_bpf);
	else
		feed->listening = LISTENING(snoop_bpf);
#undef LISTENING
}

static void configure(struct feed *feed, const struct options *options)
{
	struct bpf_program *prog;

	watch_skel__prepare(&feed->skel, options->watch);
	bpf_map__set_max_entries(feed->records, ring_bytes(options->memory));
	if (options->watch != WATCH_IOASID)
		return;
	bpf_object__for_each_program(prog, *feed->skel.skeleton->obj)
		bpf_program__set_autoload(prog, wanted(prog, options->events));
}

static int load(struct feed *feed, const struct options *options, char *why, size_t size)
{
	int err;

	feed->cpus = libbpf_num_possible_cpus();
	if (feed->cpus < 1)
		feed->cpus = 1;
	feed->counts = calloc(feed->cpus, sizeof(*feed->counts));
	if (!open_skeleton(feed, options) || !feed->counts) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	configure(feed, options);
	err = bpf_object__load_skeleton(feed->skel.skeleton);
	if (!err)
		find_listening(feed, options->watch);
	if (err == -EPERM)
		snprintf(why, size, "the kernel refuses BPF here: look for lockdown, seccomp or a container's limits");
	else if (err == -ENOMEM)
		snprintf(why, size, "no memory for a ring of %u MiB: give a smaller --memory",
			 ring_bytes(options->memory) >> 20);
	else if (err)
		snprintf(why, size, "the BPF programs cannot be loaded (%s): --verbose shows why",
			 strerror(-err));
	return err;
}

/*
 * One by one, so that the sentence names what is missing. A driver that is older than
 * the tool serves with what it has, unless that was asked for by name.
 */
static int attach(struct feed *feed, const struct options *options, char *why, size_t size)
{
	struct bpf_object_skeleton *skeleton = feed->skel.skeleton;
	int missing = 0, err;

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		struct bpf_program *prog = *skeleton->progs[i].prog;
		struct bpf_link *link;
		__u32 event = 0;

		if (!bpf_program__autoload(prog))
			continue;
		link = bpf_program__attach(prog);
		err = link ? 0 : -errno;
		if (err && !missing++)
			snprintf(why, size, "no event %s (%s): use the driver and the tool of one version",
				 event_of(prog), strerror(-err));
		if (err && (options->events_given || err != -ENOENT))
			return err;
		*skeleton->progs[i].link = link;
		if (link && events__parse(event_of(prog), &event))
			feed->events |= event;
	}
	return feed->events ? 0 : -ENOENT;
}

/* A program may serve several events, which it chooses itself. */
static int attach_watch(struct feed *feed, const struct options *options, char *why, size_t size)
{
	struct bpf_object_skeleton *skeleton = feed->skel.skeleton;
	__u32 known = watch__events(options->watch);
	struct bpf_program *prog;
	struct bpf_link *link;

	feed->events = options->events & known;
	for (int id = 0; options->events_given && id < NR_SNOOP_EVENTS; id++) {
		if (!(options->events & ~known & 1U << id) && feed->events)
			continue;
		snprintf(why, size, "--source %s has no event %s",
			 watch__name(options->watch), event_infos[id].name);
		if (!feed->events)
			return -ENOENT;
	}
	for (int i = 0; i < skeleton->prog_cnt; i++) {
		prog = *skeleton->progs[i].prog;
		link = bpf_program__attach(prog);
		*skeleton->progs[i].link = link;
		if (link || (errno == ENOENT && watch_skel__may_lack(prog)))
			continue;
		snprintf(why, size, "cannot attach to %s (%s): --verbose shows why",
			 bpf_program__section_name(prog), strerror(errno));
		return -errno;
	}
	return 0;
}

static int take(void *arg, void *data, size_t size)
{
	struct feed *feed = arg;
	const struct ioasid_snoop_event *event = data;
	bool stacks = size >= sizeof(struct ioasid_snoop_stack_event);

	if (size < sizeof(*event) || event->id >= NR_SNOOP_EVENTS)
		return 0;
	return feed->fn(feed->arg, event, stacks ? data : NULL) ? 0 : -ECANCELED;
}

int feed__open(struct feed **out, const struct options *options, feed_fn fn, void *arg, char *why,
	       size_t size)
{
	struct feed *feed = calloc(1, sizeof(*feed));
	int err;

	*why = '\0';
	if (!feed)
		return -ENOMEM;
	feed->fn = fn;
	feed->arg = arg;
	libbpf_set_print(options->verbose ? print_all : print_nothing);
	err = load(feed, options, why, size);
	if (!err) {
		feed->ring = ring_buffer__new(bpf_map__fd(feed->records), take, feed, NULL);
		err = feed->ring ? 0 : -errno;
		if (err)
			snprintf(why, size, "the ring cannot be mapped (%s)", strerror(-err));
	}
	if (!err)
		err = options->watch == WATCH_IOASID ? attach(feed, options, why, size) :
						       attach_watch(feed, options, why, size);
	if (err)
		feed__close(feed);
	else
		*out = feed;
	return err;
}

void feed__close(struct feed *feed)
{
	if (!feed)
		return;
	ring_buffer__free(feed->ring);
	watch_skel__close(&feed->skel);
	free(feed->counts);
	free(feed);
}

int feed__fd(const struct feed *feed)
{
	return ring_buffer__epoll_fd(feed->ring);
}

int feed__take(struct feed *feed)
{
	return ring_buffer__consume_n(feed->ring, BATCH);
}

void feed__listen(struct feed *feed)
{
	*feed->listening = true;
}

/* What is running may still send something: see feed__counts(). */
void feed__detach(struct feed *feed)
{
	bpf_object__detach_skeleton(feed->skel.skeleton);
}

__u64 feed__missed(struct feed *feed)
{
	return watch_skel__lost(&feed->skel);
}

int feed__counts(struct feed *feed, struct ioasid_snoop_count *counts, int cpus)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(feed->count), &zero, feed->counts))
		return -errno;
	memset(counts, 0, cpus * sizeof(*counts));
	for (int i = 0; i < cpus && i < feed->cpus; i++)
		counts[i] = feed->counts[i];
	return 0;
}

__u32 feed__events(const struct feed *feed)
{
	return feed->events;
}

int feed__cpus(const struct feed *feed)
{
	return feed->cpus;
}

__u64 feed__ring_bytes(const struct feed *feed)
{
	return bpf_map__max_entries(feed->records);
}
