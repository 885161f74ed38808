// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Makes a known number of operations on stock VFIO type1 or, with -I, on iommufd, and
 * says how many they were, for tests that compare what the tools saw. It knows nothing
 * of ioasid.
 *
 * Each thread maps and unmaps memory of its own; with -e, every so many times it also
 * maps what is mapped already, which is refused. With -s, each round has a container (or
 * IOAS) of its own. -g is the number of the IOMMU group that type1 must have; iommufd
 * needs none.
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
#include <linux/iommufd.h>
#include <linux/vfio.h>

#define MAX_THREADS	64

struct load {
	int fd;			/* container, or /dev/iommu */
	int group;
	bool iommufd;
	__u32 ioas;
	unsigned long threads;
	unsigned long ops;
	unsigned long every;	/* an error every so many operations, 0: none */
	unsigned long rounds;
	size_t size;		/* of a mapping */
	bool wait;		/* for the end of stdin */
};

struct worker {
	const struct load *load;
	unsigned long number;
	pthread_t thread;
	unsigned long maps, unmaps, errors;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static __u64 iova_of(const struct worker *worker)
{
	return (worker->number + 1) * 0x1000000;
}

static int map_type1(const struct worker *worker, void *memory)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map), .flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (unsigned long)memory, .iova = iova_of(worker),
		.size = worker->load->size,
	};

	return ioctl(worker->load->fd, VFIO_IOMMU_MAP_DMA, &map);
}

static int unmap_type1(const struct worker *worker)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova_of(worker), .size = worker->load->size,
	};

	return ioctl(worker->load->fd, VFIO_IOMMU_UNMAP_DMA, &unmap);
}

static int map_ioas(const struct worker *worker, void *memory)
{
	struct iommu_ioas_map map = {
		.size = sizeof(map), .ioas_id = worker->load->ioas,
		.flags = IOMMU_IOAS_MAP_FIXED_IOVA | IOMMU_IOAS_MAP_READABLE |
			 IOMMU_IOAS_MAP_WRITEABLE,
		.user_va = (unsigned long)memory, .iova = iova_of(worker),
		.length = worker->load->size,
	};

	return ioctl(worker->load->fd, IOMMU_IOAS_MAP, &map);
}

static int unmap_ioas(const struct worker *worker)
{
	struct iommu_ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = worker->load->ioas, .iova = iova_of(worker),
		.length = worker->load->size,
	};

	return ioctl(worker->load->fd, IOMMU_IOAS_UNMAP, &unmap);
}

static void map(struct worker *worker, void *memory)
{
	if (!(worker->load->iommufd ? map_ioas(worker, memory) : map_type1(worker, memory)))
		worker->maps++;
	else
		worker->errors++;
}

static void unmap(struct worker *worker)
{
	if (!(worker->load->iommufd ? unmap_ioas(worker) : unmap_type1(worker)))
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
		unmap(worker);
	}
	munmap(memory, load->size);
	return NULL;
}

static void open_space(struct load *load)
{
	struct iommu_ioas_alloc alloc = { .size = sizeof(alloc) };

	if (load->iommufd) {
		if (ioctl(load->fd, IOMMU_IOAS_ALLOC, &alloc))
			die("IOMMU_IOAS_ALLOC");
		load->ioas = alloc.out_ioas_id;
		return;
	}
	load->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (load->fd < 0)
		die("/dev/vfio/vfio");
	if (ioctl(load->group, VFIO_GROUP_SET_CONTAINER, &load->fd))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(load->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
}

static void close_space(struct load *load)
{
	struct iommu_destroy destroy = { .size = sizeof(destroy), .id = load->ioas };

	if (load->iommufd) {
		if (ioctl(load->fd, IOMMU_DESTROY, &destroy))
			die("IOMMU_DESTROY");
		return;
	}
	if (ioctl(load->group, VFIO_GROUP_UNSET_CONTAINER))
		die("VFIO_GROUP_UNSET_CONTAINER");
	close(load->fd);
}

static void round_of(const struct load *load, struct worker *sum)
{
	struct worker workers[MAX_THREADS] = { 0 };

	for (unsigned long i = 0; i < load->threads; i++) {
		workers[i] = (struct worker){ .load = load, .number = i };
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

static unsigned long number(const char *text)
{
	char *end;
	unsigned long n = strtoul(text, &end, 0);

	if (*end) {
		fprintf(stderr, "vfioload: '%s' is no number\n", text);
		exit(2);
	}
	return n;
}

static void parse(struct load *load, const char **group, int argc, char **argv)
{
	int opt;

	while ((opt = getopt(argc, argv, "t:n:e:s:b:g:Iw")) != -1) {
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
		case 'b':
			load->size = number(optarg);
			break;
		case 'g':
			*group = optarg;
			break;
		case 'I':
			load->iommufd = true;
			break;
		case 'w':
			load->wait = true;
			break;
		default:
			fprintf(stderr, "usage: vfioload [-t THREADS] [-n OPS] [-e EVERY] [-s ROUNDS] [-b BYTES] [-w] -g GROUP | -I\n");
			exit(2);
		}
	}
	if (!load->threads || load->threads > MAX_THREADS)
		load->threads = 1;
}

/* Type1 takes the group along; /dev/iommu is opened once. */
static void open_door(struct load *load, const char *group)
{
	char path[64];

	snprintf(path, sizeof(path), "/dev/vfio/%s", group ? group : "?");
	if (load->iommufd)
		load->fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);
	else
		load->group = open(path, O_RDWR | O_CLOEXEC);
	if (load->fd < 0 || load->group < 0)
		die(load->iommufd ? "/dev/iommu" : path);
}

int main(int argc, char **argv)
{
	struct load load = { .threads = 1, .ops = 1000, .size = 4096, .rounds = 1 };
	struct timespec start, end;
	const char *group = NULL;
	struct worker sum = { 0 };
	double seconds;

	parse(&load, &group, argc, argv);
	open_door(&load, group);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (unsigned long i = 0; i < load.rounds; i++) {
		open_space(&load);
		round_of(&load, &sum);
		if (i + 1 < load.rounds || !load.wait)
			close_space(&load);
	}
	clock_gettime(CLOCK_MONOTONIC, &end);
	seconds = end.tv_sec - start.tv_sec + (end.tv_nsec - start.tv_nsec) / 1e9;
	printf("{\"maps\":%lu,\"unmaps\":%lu,\"errors\":%lu,\"bytes\":%lu,\"seconds\":%.6f}\n",
	       sum.maps, sum.unmaps, sum.errors, sum.maps * load.size, seconds);
	fflush(stdout);
	while (load.wait && getchar() != EOF)
		;
	return 0;
}
