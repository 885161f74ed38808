/* SPDX-License-Identifier: GPL-2.0-only */
/* Kind SVA with all memory pinned. */
#ifndef IOASID_SELFTESTS_PINNED_UTIL_H
#define IOASID_SELFTESTS_PINNED_UTIL_H

#include "harness.h"
#include "ioasid_util.h"
#include "sim_util.h"
#include "mirror_util.h"

#define BIG	    (2 * MIB)
#define MINE	    7U /* a PASID of the user's choice */
#define PINNED_CAPS (IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PASID)
#define RW	    (IOASID_MAP_READ | IOASID_MAP_WRITE)

static inline uint8_t *map_pages(size_t size, int prot, int flags, int fd)
{
	uint8_t *mem = mmap(NULL, size, prot, flags, fd, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

static inline uint8_t *fresh(size_t size)
{
	return map_pages(size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1);
}

static inline int do_alloc_pinned(int fd, uint32_t flags)
{
	return do_alloc_kind(fd, IOASID_KIND_SVA, IOASID_NONE, IOASID_ALLOC_SVA_PINNED | flags, 0);
}

static inline int alloc_pinned(int fd)
{
	int id = do_alloc_pinned(fd, 0);

	ASSERT_LT(0, id);
	return id;
}

#endif /* IOASID_SELFTESTS_PINNED_UTIL_H */
