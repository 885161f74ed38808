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

/* Between two looks at whether to stop. */
#define BATCH	256

struct feed {
	struct snoop_bpf *skel;
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

static void configure(struct snoop_bpf *skel, const struct options *options)
{
	struct bpf_program *prog;

	memcpy((void *)&skel->rodata->filter, &options->filter, sizeof(options->filter));
	skel->rodata->kernel_stacks = options->kernel_stacks;
	skel->rodata->user_stacks = options->user_stacks;
	bpf_map__set_max_entries(skel->maps.ring, ring_bytes(options->memory));
	bpf_object__for_each_program(prog, skel->obj)
		bpf_program__set_autoload(prog, wanted(prog, options->events));
}

static int load(struct feed *feed, const struct options *options, char *why, size_t size)
{
	int err;

	feed->cpus = libbpf_num_possible_cpus();
	if (feed->cpus < 1)
		feed->cpus = 1;
	feed->counts = calloc(feed->cpus, sizeof(*feed->counts));
	feed->skel = snoop_bpf__open();
	if (!feed->skel || !feed->counts) {
		snprintf(why, size, "out of memory");
		return -ENOMEM;
	}
	configure(feed->skel, options);
	err = snoop_bpf__load(feed->skel);
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
	struct bpf_object_skeleton *skeleton = feed->skel->skeleton;
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
		feed->ring = ring_buffer__new(bpf_map__fd(feed->skel->maps.ring), take, feed, NULL);
		err = feed->ring ? 0 : -errno;
		if (err)
			snprintf(why, size, "the ring cannot be mapped (%s)", strerror(-err));
	}
	if (!err)
		err = attach(feed, options, why, size);
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
	snoop_bpf__destroy(feed->skel);
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
	feed->skel->bss->listening = true;
}

/* What is running may still send something: see feed__counts(). */
void feed__detach(struct feed *feed)
{
	snoop_bpf__detach(feed->skel);
}

__u64 feed__missed(struct feed *feed)
{
	struct bpf_object_skeleton *skeleton = feed->skel->skeleton;
	struct bpf_prog_info info;
	__u64 sum = 0;
	__u32 len;

	for (int i = 0; i < skeleton->prog_cnt; i++) {
		if (!bpf_program__autoload(*skeleton->progs[i].prog))
			continue;
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		if (!bpf_prog_get_info_by_fd(bpf_program__fd(*skeleton->progs[i].prog), &info,
					     &len))
			sum += info.recursion_misses;
	}
	return sum;
}

int feed__counts(struct feed *feed, struct ioasid_snoop_count *counts, int cpus)
{
	__u32 zero = 0;

	if (bpf_map_lookup_elem(bpf_map__fd(feed->skel->maps.counts), &zero, feed->counts))
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
	return bpf_map__max_entries(feed->skel->maps.ring);
}
