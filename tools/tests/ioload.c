// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes a known number of operations on /dev/ioasid and says how many they
 * were, for tests that compare what the tools saw.
 *
 * Each thread maps and unmaps one page of its own; with -e, every so many times
 * it also maps what is mapped already, which is refused. With -s, each round of
 * operations has a space of its own, which is freed at its end, or kept with -k.
 * With -d, the spaces are attached to a device, so that unmapping flushes its
 * IOTLB.
 */
#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/ioasid.h>

#define MAX_THREADS	64

struct load {
	int fd;
	int device;
	unsigned long threads;
	unsigned long ops;
	unsigned long every;	/* an error every so many operations, 0: none */
	unsigned long rounds;
	unsigned long pause_us;
	size_t size;		/* of a mapping */
	bool wait;		/* for the end of stdin */
	bool keep;
	bool leave;
};

struct worker {
	const struct load *load;
	unsigned long number;
	int ioasid;
	pthread_t thread;
	unsigned long maps, unmaps, errors;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void map(struct worker *worker, void *memory)
{
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = IOASID_MAP_READ | IOASID_MAP_WRITE,
		.ioasid = worker->ioasid, .vaddr = (unsigned long)memory,
		.iova = (worker->number + 1) * 0x1000000, .size = worker->load->size,
	};

	if (!ioctl(worker->load->fd, IOASID_MAP_DMA, &map))
		worker->maps++;
	else
		worker->errors++;
}

static void unmap(struct worker *worker)
{
	struct ioasid_unmap_dma unmap = {
		.argsz = sizeof(unmap), .ioasid = worker->ioasid,
		.iova = (worker->number + 1) * 0x1000000, .size = worker->load->size,
	};

	if (!ioctl(worker->load->fd, IOASID_UNMAP_DMA, &unmap))
		worker->unmaps++;
	else
		worker->errors++;
}

static void *work(void *arg)
{
	struct worker *worker = arg;
	const struct load *load = worker->load;
	void *memory = mmap(NULL, load->size, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	for (unsigned long i = 0; i < load->ops; i++) {
		map(worker, memory);
		if (load->every && i % load->every == 0)
			map(worker, memory);
		if (!load->leave || i + 1 < load->ops)
			unmap(worker);
		if (load->pause_us)
			usleep(load->pause_us);
	}
	munmap(memory, load->size);
	return NULL;
}

static int alloc_space(const struct load *load)
{
	struct ioasid_alloc alloc = { .argsz = sizeof(alloc), .kind = IOASID_KIND_KERNEL };
	int ioasid = ioctl(load->fd, IOASID_ALLOC, &alloc);
	struct vfio_attach_ioasid attach = { .argsz = sizeof(attach), .ioasid = ioasid };

	if (ioasid < 0)
		die("IOASID_ALLOC");
	if (load->device >= 0 && ioctl(load->device, VFIO_ATTACH_IOASID, &attach))
		die("VFIO_ATTACH_IOASID");
	return ioasid;
}

static void free_space(const struct load *load, int ioasid)
{
	struct ioasid_free space = { .argsz = sizeof(space), .ioasid = ioasid };
	struct vfio_attach_ioasid detach = { .argsz = sizeof(detach), .ioasid = ioasid };

	if (load->device >= 0 && ioctl(load->device, VFIO_DETACH_IOASID, &detach))
		die("VFIO_DETACH_IOASID");
	if (ioctl(load->fd, IOASID_FREE, &space))
		die("IOASID_FREE");
}

static void round_of(const struct load *load, int ioasid, struct worker *sum)
{
	struct worker workers[MAX_THREADS] = { 0 };

	for (unsigned long i = 0; i < load->threads; i++) {
		workers[i] = (struct worker){ .load = load, .number = i, .ioasid = ioasid };
		if (pthread_create(&workers[i].thread, NULL, work, &workers[i]))
			die("pthread_create");
	}
	for (unsigned long i = 0; i < load->threads; i++) {
		pthread_join(workers[i].thread, NULL);
		sum->maps += workers[i].maps;
		sum->unmaps += workers[i].unmaps;
		sum->errors += workers[i].errors;
	}
}

static int bind_device(const struct load *load, const char *path)
{
	struct vfio_bind_ioasid_fd bind = { .argsz = sizeof(bind), .ioasid_fd = load->fd };
	int fd = open(path, O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die(path);
	if (ioctl(fd, VFIO_BIND_IOASID_FD, &bind))
		die("VFIO_BIND_IOASID_FD");
	return fd;
}

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end) {
		fprintf(stderr, "ioload: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void parse(struct load *load, const char **device, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "t:n:e:s:p:b:d:klw")) != -1) {
		switch (opt) {
		case 't':
			load->threads = number(optarg);
			break;
		case 'n':
			load->ops = number(optarg);
			break;
		case 'e':
			load->every = number(optarg);
			break;
		case 's':
			load->rounds = number(optarg);
			break;
		case 'p':
			load->pause_us = number(optarg);
			break;
		case 'b':
			load->size = number(optarg);
			break;
		case 'd':
			*device = optarg;
			break;
		case 'k':
			load->keep = true;
			break;
		case 'l':
			load->leave = true;
			break;
		case 'w':
			load->wait = true;
			break;
		default:
			fprintf(stderr, "usage: ioload [-t THREADS] [-n OPS] [-e EVERY] [-s ROUNDS] [-p PAUSE_US] [-b BYTES] [-d DEVICE] [-k] [-l] [-w]\n");
			exit(2);
		}
	}
	if (!load->threads || load->threads > MAX_THREADS)
		load->threads = 1;
}

int main(int argc, char **argv)
{
	struct load load = { .device = -1, .threads = 1, .ops = 1000, .size = 4096 };
	struct timespec start, end;
	const char *device = NULL;
	struct worker sum = { 0 };
	int ioasid = -1;
	double seconds;

	parse(&load, &device, argc, argv);
	load.fd = open("/dev/ioasid", O_RDWR | O_CLOEXEC);
	if (load.fd < 0)
		die("/dev/ioasid");
	if (device)
		load.device = bind_device(&load, device);
	if (!load.rounds)
		ioasid = alloc_space(&load);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = 0; i < (load.rounds ?: 1); i++) {
		int space = load.rounds ? alloc_space(&load) : ioasid;

		round_of(&load, space, &sum);
		if (load.rounds && !load.keep)
			free_space(&load, space);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	printf("{\"maps\":%lu,\"unmaps\":%lu,\"errors\":%lu,\"seconds\":%.6f}\n", sum.maps,
	       sum.unmaps, sum.errors, seconds);
	fflush(stdout);
	while (load.wait && getchar() != EOF)
		;
	return 0;
}
