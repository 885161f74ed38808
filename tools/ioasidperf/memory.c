// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Memory whose physical layout is known: what a mapping costs depends on it, and
 * two runs can only be compared when it is the same.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/memfd.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "perf.h"

#define NR_HUGEPAGES	"/proc/sys/vm/nr_hugepages"
#define SPLIT		"/sys/kernel/debug/split_huge_pages"
#define ATTEMPTS	8

static int complain(const char *what, int error)
{
	fprintf(stderr, "ioasidperf: %s: %s\n", what, strerror(error));
	return -error;
}

static int write_file(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

static long read_number(const char *path)
{
	FILE *file = fopen(path, "re");
	long number = -1;

	if (!file)
		return -1;
	if (fscanf(file, "%ld", &number) != 1)
		number = -1;
	fclose(file);
	return number;
}

/* Frame numbers of all pages; needs CAP_SYS_ADMIN. */
static int read_frames(const struct memory *m, uint64_t *frames)
{
	size_t want = m->size / PAGE * sizeof(*frames);
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0)
		return -errno;
	got = pread(fd, frames, want, (uintptr_t)m->mem / PAGE * sizeof(*frames));
	close(fd);
	if (got != (ssize_t)want)
		return -EIO;
	for (size_t i = 0; i < m->size / PAGE; i++) {
		frames[i] &= (1ULL << 55) - 1;
		if (!frames[i])
			return -EPERM;
	}
	return 0;
}

static unsigned long count_runs(const uint64_t *frames, size_t n)
{
	unsigned long runs = 1;

	for (size_t i = 1; i < n; i++)
		runs += frames[i] != frames[i - 1] + 1;
	return runs;
}

/* As many pieces as this kind of memory shall have. */
static unsigned long wanted_runs(const struct memory *m)
{
	if (m->backing == BACKING_SCATTERED)
		return m->size / PAGE;
	return (m->size + HUGE - 1) / HUGE;
}

static bool is_huge(const struct memory *m, const uint64_t *frames)
{
	for (size_t i = 0; i < m->size / PAGE; i += HUGE / PAGE)
		if (frames[i] % (HUGE / PAGE))
			return false;
	return true;
}

static int area_make(struct memory *m)
{
	size_t before;

	m->area_size = (m->size + HUGE - 1) / HUGE * HUGE + HUGE;
	m->area = mmap(NULL, m->area_size, PROT_READ | PROT_WRITE,
		       MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (m->area == MAP_FAILED)
		return -errno;
	before = -(uintptr_t)m->area % HUGE;
	m->mem = (uint8_t *)m->area + before;
	return madvise(m->area, m->area_size, m->backing == BACKING_SCATTERED ?
		       MADV_NOHUGEPAGE : MADV_HUGEPAGE) ? -errno : 0;
}

static int hugetlb_make(struct memory *m)
{
	char text[32];
	long have = read_number(NR_HUGEPAGES);
	long want = m->size / HUGE;

	if (have < want) {
		snprintf(text, sizeof(text), "%ld", want);
		write_file(NR_HUGEPAGES, text);
	}
	m->fd = memfd_create("ioasidperf", MFD_CLOEXEC | MFD_HUGETLB | (21 << MFD_HUGE_SHIFT));
	if (m->fd < 0 || ftruncate(m->fd, m->size))
		return -errno;
	m->area_size = m->size;
	m->area = mmap(NULL, m->size, PROT_READ | PROT_WRITE, MAP_SHARED, m->fd, 0);
	if (m->area == MAP_FAILED)
		return -errno;
	m->mem = m->area;
	return 0;
}

/*
 * The allocator gives pages that lie together to those who ask one after the other:
 * so neighbours ask at different times.
 */
static void touch(struct memory *m, size_t unit, unsigned int stride)
{
	size_t n = (m->size + unit - 1) / unit;

	for (size_t first = 0; first < stride; first++)
		for (size_t i = first; i < n; i += stride)
			m->mem[i * unit] = 1;
}

static void touch_all(struct memory *m)
{
	for (size_t at = 0; at < m->size; at += PAGE)
		m->mem[at] = 1;
}

/* Huge pages that become 4 KiB pages, for good, and stay where they are. */
static int split(struct memory *m)
{
	uintptr_t first = (uintptr_t)m->mem;
	size_t whole = (m->size + HUGE - 1) / HUGE * HUGE;
	char text[80];

	snprintf(text, sizeof(text), "%d,0x%" PRIxPTR ",0x%" PRIxPTR ",0", getpid(), first,
		 first + whole);
	return write_file(SPLIT, text);
}

static int populate(struct memory *m, unsigned int attempt)
{
	bool scattered = m->backing == BACKING_SCATTERED;

	touch(m, scattered ? PAGE : HUGE, 2 + attempt);
	/* Pages without contents would be given back by what follows. */
	touch_all(m);
	return m->backing == BACKING_PAGES ? split(m) : 0;
}

static bool is_split(const struct memory *m, const uint64_t *frames)
{
	const uint64_t compound = 1ULL << 15 | 1ULL << 16;
	int fd = open("/proc/kpageflags", O_RDONLY | O_CLOEXEC);
	bool ok = fd >= 0;
	uint64_t flags;

	for (size_t i = 0; ok && i < m->size / PAGE; i++)
		ok = pread(fd, &flags, sizeof(flags), frames[i] * sizeof(flags)) ==
			     sizeof(flags) && !(flags & compound);
	if (fd >= 0)
		close(fd);
	return ok;
}

/* 1: as it shall be, 0: not quite, or -errno. */
static int judge(struct memory *m)
{
	uint64_t *frames = calloc(m->size / PAGE, sizeof(*frames));
	int rc;

	if (!frames)
		return -ENOMEM;
	rc = read_frames(m, frames);
	if (!rc) {
		m->runs = count_runs(frames, m->size / PAGE);
		rc = m->runs == wanted_runs(m);
		if (m->backing == BACKING_PAGES || m->backing == BACKING_SCATTERED)
			rc = rc && is_split(m, frames);
		else
			rc = rc && is_huge(m, frames);
	}
	free(frames);
	return rc;
}

static int attempt_to_make(struct memory *m, unsigned int attempt)
{
	int rc;

	rc = m->backing == BACKING_HUGETLB ? hugetlb_make(m) : area_make(m);
	if (!rc)
		rc = populate(m, attempt);
	return rc ? rc : judge(m);
}

int memory__make(struct memory *m, enum backing kind, size_t size)
{
	int rc = 0;

	for (unsigned int attempt = 0; !rc && attempt < ATTEMPTS; attempt++) {
		memset(m, 0, sizeof(*m));
		m->backing = kind;
		m->size = size;
		m->fd = -1;
		m->area = MAP_FAILED;
		rc = attempt_to_make(m, attempt);
		if (rc <= 0)
			memory__free(m);
	}
	if (rc < 0)
		return complain("cannot make the memory of this workload", -rc);
	if (!rc) {
		fprintf(stderr, "ioasidperf: this machine's memory is too fragmented: %lu pieces\n",
			m->runs);
		return -EAGAIN;
	}
	return 0;
}

void memory__free(struct memory *m)
{
	if (m->area != MAP_FAILED)
		munmap(m->area, m->area_size);
	if (m->fd >= 0)
		close(m->fd);
	m->area = MAP_FAILED;
	m->fd = -1;
}
