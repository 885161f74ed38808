// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes page faults: simulated devices that read what is not mapped, and a consumer
 * that maps it and answers after a time. Says how many it were, for tests that compare
 * what the tools saw, and for looking at them.
 *
 * A group of page requests takes the pages of one read. When it was answered, the
 * device's thread unmaps them. With -e every so many groups are refused; with -x the
 * consumer answers none after the first so many, until stdin ends.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/ioasid.h>
#include <linux/ioasid_fault.h>
#include <linux/ioasid_sim.h>

#define PAGE		4096UL
#define MAX_DEVICES	8
#define MAX_PAGES	8	/* of a group: as the simulator makes them */
#define COOKIE		0x51000000ULL

struct load {
	int fd;
	int queue;
	unsigned long devices;
	unsigned long groups;		/* of each device, 0: until stdin ends */
	unsigned long pages;		/* of a group */
	unsigned long delay_us;
	unsigned long every;		/* a refusal every so many, 0: none */
	unsigned long timeout_ms;
	long answers;			/* and no more; -1: all */
	bool apart;			/* a space for each device */
	bool wait;			/* for the end of stdin */
	void *memory;
	atomic_bool stop;
	/* what was done */
	atomic_ulong asked, done, refused, failed;
	atomic_ulong answered, invalid;
};

struct device {
	struct load *load;
	unsigned long number;
	int fd;
	int ioasid;
	pthread_t thread;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void unmap(const struct device *device, __u64 iova)
{
	struct ioasid_unmap_dma unmap = {
		.argsz = sizeof(unmap), .ioasid = device->ioasid, .iova = iova,
		.size = device->load->pages * PAGE,
	};

	if (ioctl(device->load->fd, IOASID_UNMAP_DMA, &unmap) && errno != ENOENT)
		die("IOASID_UNMAP_DMA");
}

static void *ask(void *arg)
{
	struct device *device = arg;
	struct load *load = device->load;

	for (unsigned long i = 0; (!load->groups || i < load->groups) && !load->stop; i++) {
		__u64 iova = (device->number + 1) << 32 | (i % 1024 * 2 * MAX_PAGES * PAGE);
		struct ioasid_sim_request request = {
			.op = IOASID_SIM_OP_READ, .iova = iova, .len = load->pages * PAGE,
			.flags = IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI,
		};
		struct ioasid_sim_dma dma = {
			.argsz = sizeof(dma), .nr = 1, .requests = (unsigned long)&request,
		};

		load->asked++;
		if (ioctl(device->fd, IOASID_SIM_DMA, &dma) || !dma.nr)
			break;
		if (request.status == IOASID_SIM_OK)
			load->done++;
		else if (request.status == IOASID_SIM_FAULT_NOT_PRESENT)
			load->refused++;
		else
			load->failed++;
		unmap(device, iova);
	}
	return NULL;
}

static void map(const struct load *load, const struct ioasid_fault *fault)
{
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = IOASID_MAP_READ, .ioasid = fault->ioasid,
		.vaddr = (unsigned long)load->memory, .iova = fault->addr, .size = PAGE,
	};

	if (ioctl(load->fd, IOASID_MAP_DMA, &map))
		die("IOASID_MAP_DMA");
}

static void answer(struct load *load, const struct ioasid_fault *fault, __u32 code)
{
	struct ioasid_fault_response response = {
		.id = fault->id, .cookie = fault->cookie, .ioasid = fault->ioasid, .code = code,
	};
	struct ioasid_fault_respond respond = {
		.argsz = sizeof(respond), .nr = 1, .responses = (unsigned long)&response,
	};

	/* The device goes on before we do, and its thread may be the one that prints. */
	load->answered++;
	load->invalid += code == IOASID_FAULT_INVALID;
	if (!ioctl(load->queue, IOASID_FAULT_RESPOND, &respond))
		return;
	/* It was in vain: the time was up, or the device is gone. */
	if (errno != EINVAL)
		die("IOASID_FAULT_RESPOND");
	load->answered--;
	load->invalid -= code == IOASID_FAULT_INVALID;
}

static void take(struct load *load, const struct ioasid_fault *fault)
{
	static unsigned long taken;
	static bool refuse;
	static __u64 group = -1ULL;

	if (load->answers >= 0 && load->answered >= (unsigned long)load->answers)
		return;
	if (fault->id != group) {
		group = fault->id;
		refuse = load->every && ++taken % load->every == 0;
	}
	if (!refuse)
		map(load, fault);
	if (!(fault->flags & IOASID_FAULT_LAST))
		return;
	if (load->delay_us)
		usleep(load->delay_us);
	answer(load, fault, refuse ? IOASID_FAULT_INVALID : IOASID_FAULT_SUCCESS);
}

static void *consume(void *arg)
{
	struct ioasid_fault faults[MAX_PAGES];
	struct load *load = arg;
	ssize_t n;

	while ((n = read(load->queue, faults, sizeof(faults))) > 0)
		for (ssize_t i = 0; i < n / (ssize_t)sizeof(*faults); i++)
			take(load, &faults[i]);
	return NULL;
}

static int make_queue(const struct load *load)
{
	struct ioasid_fault_queue_alloc alloc = {
		.argsz = sizeof(alloc), .entries = 1024, .timeout_ms = load->timeout_ms,
	};
	int fd = ioctl(load->fd, IOASID_FAULT_QUEUE_ALLOC, &alloc);

	if (fd < 0)
		die("IOASID_FAULT_QUEUE_ALLOC");
	return fd;
}

static int make_space(const struct load *load)
{
	struct ioasid_alloc alloc = {
		.argsz = sizeof(alloc), .kind = IOASID_KIND_KERNEL,
		.flags = IOASID_ALLOC_FAULT_QUEUE | IOASID_ALLOC_PAGE_REQUESTS,
		.fault_queue = load->queue,
	};
	int ioasid = ioctl(load->fd, IOASID_ALLOC, &alloc);

	if (ioasid < 0)
		die("IOASID_ALLOC");
	return ioasid;
}

static unsigned int make_instance(const struct load *load)
{
	struct ioasid_sim_create create = {
		.argsz = sizeof(create), .nr_devices = load->devices, .prq_entries = 1024,
		.caps = IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI,
	};
	int sim = open("/dev/ioasid-sim", O_RDWR | O_CLOEXEC);

	/* The file stays open: the instance lives as long. */
	if (sim < 0 || ioctl(sim, IOASID_SIM_CREATE, &create))
		die("/dev/ioasid-sim");
	return create.id;
}

static void make_device(struct device *device, unsigned int instance)
{
	struct vfio_bind_ioasid_fd bind = {
		.argsz = sizeof(bind), .ioasid_fd = device->load->fd,
		.cookie = COOKIE + device->number,
	};
	struct vfio_attach_ioasid attach = { .argsz = sizeof(attach), .ioasid = device->ioasid };
	char path[64];

	snprintf(path, sizeof(path), "/dev/ioasid-devices/sim%u.%lu", instance, device->number);
	for (int try = 0; try < 1000; try++) {	/* devtmpfs makes nodes in its own time */
		device->fd = open(path, O_RDWR | O_CLOEXEC);
		if (device->fd >= 0 || errno != ENOENT)
			break;
		usleep(10000);
	}
	if (device->fd < 0 || ioctl(device->fd, VFIO_BIND_IOASID_FD, &bind) ||
	    ioctl(device->fd, VFIO_ATTACH_IOASID, &attach))
		die(path);
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end) {
		fprintf(stderr, "faultload: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void parse(struct load *load, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "d:n:g:u:e:t:x:aw")) != -1) {
		switch (opt) {
		case 'd':
			load->devices = number(optarg);
			break;
		case 'n':
			load->groups = number(optarg);
			break;
		case 'g':
			load->pages = number(optarg);
			break;
		case 'u':
			load->delay_us = number(optarg);
			break;
		case 'e':
			load->every = number(optarg);
			break;
		case 't':
			load->timeout_ms = number(optarg);
			break;
		case 'x':
			load->answers = number(optarg);
			break;
		case 'a':
			load->apart = true;
			break;
		case 'w':
			load->wait = true;
			break;
		default:
			fprintf(stderr, "usage: faultload [-d DEVICES] [-n GROUPS] [-g PAGES] [-u DELAY_US] [-e EVERY] [-t TIMEOUT_MS] [-x ANSWERS] [-a] [-w]\n");
			exit(2);
		}
	}
	if (!load->devices || load->devices > MAX_DEVICES)
		load->devices = 1;
	if (!load->pages || load->pages > MAX_PAGES)
		load->pages = 1;
}

static void print(const struct load *load, double seconds)
{
	printf("{\"asked\":%lu,\"done\":%lu,\"refused\":%lu,\"failed\":%lu,\"answered\":%lu,\"invalid\":%lu,\"seconds\":%.6f}\n",
	       load->asked, load->done, load->refused, load->failed, load->answered,
	       load->invalid, seconds);
	fflush(stdout);
}

static void wait_for_end(void)
{
	while (getchar() != EOF)
		;
}

static void start(struct load *load, struct device *devices, pthread_t *consumer)
{
	unsigned int instance = make_instance(load);
	int ioasid = 0;

	load->fd = open("/dev/ioasid", O_RDWR | O_CLOEXEC);
	load->memory = mmap(NULL, PAGE, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);
	if (load->fd < 0 || load->memory == MAP_FAILED)
		die("/dev/ioasid");
	load->queue = make_queue(load);
	if (pthread_create(consumer, NULL, consume, load))
		die("pthread_create");
	for (unsigned long i = 0; i < load->devices; i++) {
		if (load->apart || !i)
			ioasid = make_space(load);
		devices[i] = (struct device){ .load = load, .number = i, .ioasid = ioasid };
		make_device(&devices[i], instance);
	}
	for (unsigned long i = 0; i < load->devices; i++)
		if (pthread_create(&devices[i].thread, NULL, ask, &devices[i]))
			die("pthread_create");
}

int main(int argc, char **argv)
{
	static struct load load = { .devices = 1, .pages = 1, .groups = 1000, .answers = -1 };
	struct device devices[MAX_DEVICES];
	struct timespec begin, end;
	pthread_t consumer;

	parse(&load, argc, argv);
	clock_gettime(CLOCK_MONOTONIC, &begin);
	start(&load, devices, &consumer);
	if (!load.groups) {
		wait_for_end();
		load.stop = true;
	} else if (load.answers >= 0) {
		/* The others wait: threads that ask do not end. */
		while (load.answered < (unsigned long)load.answers)
			usleep(1000);
		print(&load, 0);
		wait_for_end();
		exit(0);
	}
	for (unsigned long i = 0; i < load.devices; i++)
		pthread_join(devices[i].thread, NULL);
	clock_gettime(CLOCK_MONOTONIC, &end);
	print(&load, end.tv_sec - begin.tv_sec + (end.tv_nsec - begin.tv_nsec) / 1e9);
	if (load.wait)
		wait_for_end();
	return 0;
}
