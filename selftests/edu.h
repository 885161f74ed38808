/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A driver in user space for QEMU's "edu" device (1234:11e8, docs/specs/edu.rst
 * of QEMU), which has a DMA engine and a buffer of 4096 bytes.
 *
 *	struct edu edu;
 *
 *	edu_open(&edu, device_fd, offset_of_BAR0);
 *	edu_to_device(&edu, iova, 0, 4096);	// memory at iova -> buffer
 *	edu_from_device(&edu, iova, 0, 4096);	// buffer -> memory at iova
 *	edu_close(&edu);
 *
 * The device must be allowed to master the bus. A transfer takes 100 ms of the
 * machine's time, so tests with several devices start all and wait then
 * (edu_start(), edu_wait()). Whether the IOMMU let a transfer pass cannot be
 * told from the registers: look at the bytes.
 */
#ifndef IOASID_SELFTESTS_EDU_H
#define IOASID_SELFTESTS_EDU_H

#include <errno.h>
#include <stdbool.h>
#include <stdint.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define EDU_VENDOR	0x1234
#define EDU_DEVICE	0x11e8
#define EDU_BAR_SIZE	(1UL << 20)
#define EDU_BUF		0x40000UL	/* address of the buffer inside the device */
#define EDU_BUF_SIZE	4096UL
#define EDU_IOVA_LAST	((1UL << 28) - 1)	/* the device cuts addresses to 28 bits */

#define EDU_REG_ID	0x00
#define EDU_REG_LIVE	0x04		/* reads as the inverse of what was written */
#define EDU_REG_SRC	0x80
#define EDU_REG_DST	0x88
#define EDU_REG_COUNT	0x90
#define EDU_REG_CMD	0x98
#define EDU_CMD_RUN	(1 << 0)
#define EDU_CMD_TO_RAM	(1 << 1)
#define EDU_CMD_IRQ	(1 << 2)

struct edu {
	volatile uint8_t *bar;
};

static inline uint32_t edu_read32(struct edu *edu, unsigned int reg)
{
	return *(volatile uint32_t *)(edu->bar + reg);
}

static inline void edu_write32(struct edu *edu, unsigned int reg, uint32_t value)
{
	*(volatile uint32_t *)(edu->bar + reg) = value;
}

static inline uint64_t edu_read64(struct edu *edu, unsigned int reg)
{
	return *(volatile uint64_t *)(edu->bar + reg);
}

static inline void edu_write64(struct edu *edu, unsigned int reg, uint64_t value)
{
	*(volatile uint64_t *)(edu->bar + reg) = value;
}

static inline void edu_close(struct edu *edu)
{
	if (edu->bar)
		munmap((void *)edu->bar, EDU_BAR_SIZE);
	edu->bar = NULL;
}

static inline bool edu_busy(struct edu *edu)
{
	return edu_read64(edu, EDU_REG_CMD) & EDU_CMD_RUN;
}

/* 0, or -1 with ETIMEDOUT. */
static inline int edu_wait(struct edu *edu, unsigned int timeout_ms)
{
	struct timespec start, now, nap = { .tv_nsec = 2000000 };

	clock_gettime(CLOCK_MONOTONIC, &start);
	while (edu_busy(edu)) {
		clock_gettime(CLOCK_MONOTONIC, &now);
		if ((now.tv_sec - start.tv_sec) * 1000L +
		    (now.tv_nsec - start.tv_nsec) / 1000000L > (long)timeout_ms) {
			errno = ETIMEDOUT;
			return -1;
		}
		nanosleep(&nap, NULL);
	}
	return 0;
}

#define EDU_TIMEOUT_MS	5000

/*
 * Returns 0, or -1 with errno; ENODEV: what answers is no edu. No reset ends the
 * transfer of somebody who was killed, and as long as it lasts the device takes no
 * other.
 */
static inline int edu_open(struct edu *edu, int fd, off_t bar0)
{
	void *bar = mmap(NULL, EDU_BAR_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, bar0);

	edu->bar = NULL;
	if (bar == MAP_FAILED)
		return -1;
	edu->bar = bar;
	if ((edu_read32(edu, EDU_REG_ID) & 0xffff) == 0x00ed)
		return edu_wait(edu, EDU_TIMEOUT_MS);
	munmap(bar, EDU_BAR_SIZE);
	edu->bar = NULL;
	errno = ENODEV;
	return -1;
}

/*
 * Starts a transfer of len bytes between memory at iova and the buffer at
 * offset buf. QEMU itself gives up on ranges outside the buffer, so these are
 * refused here with EINVAL.
 */
static inline int edu_start(struct edu *edu, uint64_t iova, unsigned long buf,
			    unsigned long len, unsigned int cmd)
{
	bool to_ram = cmd & EDU_CMD_TO_RAM;

	if (!len || buf >= EDU_BUF_SIZE || len > EDU_BUF_SIZE - buf || iova > EDU_IOVA_LAST) {
		errno = EINVAL;
		return -1;
	}
	edu_write64(edu, EDU_REG_SRC, to_ram ? EDU_BUF + buf : iova);
	edu_write64(edu, EDU_REG_DST, to_ram ? iova : EDU_BUF + buf);
	edu_write64(edu, EDU_REG_COUNT, len);
	edu_write64(edu, EDU_REG_CMD, cmd | EDU_CMD_RUN);
	return 0;
}

/* The device reads memory. */
static inline int edu_to_device(struct edu *edu, uint64_t iova, unsigned long buf,
				unsigned long len)
{
	if (edu_start(edu, iova, buf, len, 0))
		return -1;
	return edu_wait(edu, EDU_TIMEOUT_MS);
}

/* The device writes memory. */
static inline int edu_from_device(struct edu *edu, uint64_t iova, unsigned long buf,
				  unsigned long len)
{
	if (edu_start(edu, iova, buf, len, EDU_CMD_TO_RAM))
		return -1;
	return edu_wait(edu, EDU_TIMEOUT_MS);
}

#endif /* IOASID_SELFTESTS_EDU_H */
