// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Maps and unmaps a page from within functions whose names a stack is to show, every
 * 10 ms until stdin ends. Frame pointers are what the kernel finds callers by; ioctl()
 * itself may have none, so that its caller is not certain to be seen, but the ones above.
 */
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include <linux/ioasid.h>

#define KEEP_FRAME	__attribute__((noinline, optimize("no-omit-frame-pointer", \
							   "no-optimize-sibling-calls")))

static volatile unsigned long operations;

static KEEP_FRAME void make_mapping(int fd, int ioasid, void *memory)
{
	struct ioasid_map_dma map = {
		.argsz = sizeof(map), .flags = IOASID_MAP_READ, .ioasid = ioasid,
		.vaddr = (unsigned long)memory, .iova = 0x1000000, .size = 4096,
	};

	if (ioctl(fd, IOASID_MAP_DMA, &map))
		perror("map");
	operations++;
}

static KEEP_FRAME void remove_mapping(int fd, int ioasid)
{
	struct ioasid_unmap_dma unmap = {
		.argsz = sizeof(unmap), .ioasid = ioasid, .iova = 0x1000000, .size = 4096,
	};

	if (ioctl(fd, IOASID_UNMAP_DMA, &unmap))
		perror("unmap");
	operations++;
}

static KEEP_FRAME void prepare_transfer(int fd, int ioasid, void *memory)
{
	make_mapping(fd, ioasid, memory);
	operations++;
}

static KEEP_FRAME void finish_transfer(int fd, int ioasid)
{
	remove_mapping(fd, ioasid);
	operations++;
}

int main(void)
{
	struct ioasid_alloc alloc = { .argsz = sizeof(alloc), .kind = IOASID_KIND_KERNEL };
	int fd = open("/dev/ioasid", O_RDWR | O_CLOEXEC), ioasid;
	struct pollfd end = { .fd = STDIN_FILENO, .events = POLLIN };
	void *memory = mmap(NULL, 4096, PROT_READ | PROT_WRITE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ioasid = ioctl(fd, IOASID_ALLOC, &alloc);
	if (ioasid < 0 || memory == MAP_FAILED) {
		perror("/dev/ioasid");
		return 1;
	}
	while (!poll(&end, 1, 10)) {
		prepare_transfer(fd, ioasid, memory);
		finish_transfer(fd, ioasid);
	}
	return 0;
}
