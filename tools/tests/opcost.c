// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What one operation takes: a map and an unmap of one page on a space with a simulated
 * device, a page fault of such a device, which the kernel serves. Prints the median of
 * many in ns of CLOCK_MONOTONIC, less what reading the clock takes: in a machine that runs
 * one instruction a nanosecond, a number of instructions.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include <linux/ioasid.h>
#include <linux/ioasid_sim.h>

#define PAGE	4096UL
#define SAMPLES	501
#define COOKIE	0xc057

struct samples {
	__u64 ns[SAMPLES];
};

static __u64 empty_ns;		/* of two readings of the clock, one after the other */

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static __u64 now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * 1000000000ULL + t.tv_nsec;
}

static int compare(const void *a, const void *b)
{
	const __u64 *x = a, *y = b;

	return (*x > *y) - (*x < *y);
}

static __u64 median(struct samples *samples)
{
	qsort(samples->ns, SAMPLES, sizeof(*samples->ns), compare);
	return samples->ns[SAMPLES / 2];
}

static void *memory(size_t size, int flags)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | flags,
			 -1, 0);

	/* A huge page would be one fault for many. */
	if (mem == MAP_FAILED || (madvise(mem, size, MADV_NOHUGEPAGE) && errno != EINVAL))
		die("mmap");
	return mem;
}

static int make_device(int fd, unsigned int instance, unsigned int number, int ioasid)
{
	struct vfio_bind_ioasid_fd bind = {
		.argsz = sizeof(bind), .ioasid_fd = fd, .cookie = COOKIE + number,
	};
	struct vfio_attach_ioasid attach = { .argsz = sizeof(attach), .ioasid = ioasid };
	char path[64];
	int dev = -1;

	snprintf(path, sizeof(path), "/dev/ioasid-devices/sim%u.%u", instance, number);
	for (int try = 0; dev < 0 && try < 1000; try++) {
		dev = open(path, O_RDWR | O_CLOEXEC);
		if (dev < 0 && errno != ENOENT)
			break;
		if (dev < 0)
			usleep(10000);
	}
	if (dev < 0 || ioctl(dev, VFIO_BIND_IOASID_FD, &bind) ||
	    ioctl(dev, VFIO_ATTACH_IOASID, &attach))
		die(path);
	return dev;
}

static int make_space(int fd, unsigned int kind)
{
	struct ioasid_alloc alloc = { .argsz = sizeof(alloc), .kind = kind };
	int ioasid = ioctl(fd, IOASID_ALLOC, &alloc);

	if (ioasid < 0)
		die("IOASID_ALLOC");
	return ioasid;
}

static void measure_mappings(int fd, int ioasid, struct samples *maps, struct samples *unmaps)
{
	void *mem = memory(PAGE, MAP_POPULATE);
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = IOASID_MAP_READ | IOASID_MAP_WRITE,
		.ioasid = ioasid, .vaddr = (unsigned long)mem, .iova = 0x1000000, .size = PAGE,
	};
	struct ioasid_unmap_dma unmap = {
		.argsz = sizeof(unmap), .ioasid = ioasid, .iova = 0x1000000,
	};
	__u64 begin;

	for (int i = 0; i < SAMPLES; i++) {
		begin = now();
		if (ioctl(fd, IOASID_MAP_DMA, &map))
			die("IOASID_MAP_DMA");
		maps->ns[i] = now() - begin;
		unmap.size = PAGE;
		begin = now();
		if (ioctl(fd, IOASID_UNMAP_DMA, &unmap))
			die("IOASID_UNMAP_DMA");
		unmaps->ns[i] = now() - begin;
	}
}

/* The device writes to a page each that the process has never touched. */
static void measure_faults(int dev, struct samples *faults)
{
	unsigned char *mem = memory(SAMPLES * PAGE, 0);
	struct ioasid_sim_request request = {
		.op = IOASID_SIM_OP_FILL, .len = 64, .arg = 1,
		.flags = IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI,
	};
	struct ioasid_sim_dma dma = {
		.argsz = sizeof(dma), .nr = 1, .requests = (unsigned long)&request,
	};
	__u64 begin;

	for (int i = 0; i < SAMPLES; i++) {
		request.iova = (unsigned long)mem + i * PAGE;
		dma.nr = 1;
		begin = now();
		if (ioctl(dev, IOASID_SIM_DMA, &dma))
			die("IOASID_SIM_DMA");
		faults->ns[i] = now() - begin;
		if (request.status != IOASID_SIM_OK || mem[i * PAGE] != 1) {
			fprintf(stderr, "opcost: the device got %u\n", request.status);
			exit(1);
		}
	}
}

static __u64 cost(struct samples *samples)
{
	__u64 ns = median(samples);

	return ns > empty_ns ? ns - empty_ns : 0;
}

static void measure_nothing(void)
{
	static struct samples nothing;
	__u64 begin;

	for (int i = 0; i < SAMPLES; i++) {
		begin = now();
		nothing.ns[i] = now() - begin;
	}
	empty_ns = median(&nothing);
}

int main(void)
{
	static struct samples maps, unmaps, faults;
	struct ioasid_sim_create create = {
		.argsz = sizeof(create), .nr_devices = 2, .pasid_bits = 20, .prq_entries = 64,
		.caps = IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID,
	};
	int sim = open("/dev/ioasid-sim", O_RDWR | O_CLOEXEC);
	int fd = open("/dev/ioasid", O_RDWR | O_CLOEXEC);
	int ioasid, dev;

	if (fd < 0 || sim < 0 || ioctl(sim, IOASID_SIM_CREATE, &create))
		die("/dev/ioasid, /dev/ioasid-sim");
	measure_nothing();
	ioasid = make_space(fd, IOASID_KIND_KERNEL);
	make_device(fd, create.id, 0, ioasid);
	measure_mappings(fd, ioasid, &maps, &unmaps);
	dev = make_device(fd, create.id, 1, make_space(fd, IOASID_KIND_SVA));
	measure_faults(dev, &faults);
	printf("map %llu unmap %llu fault %llu\n", cost(&maps), cost(&unmaps), cost(&faults));
	return 0;
}
