/* SPDX-License-Identifier: GPL-2.0-only */
/* A context with a kernel-managed space and some memory; no device. */
#ifndef IOASID_SELFTESTS_SPACE_FIXTURE_H
#define IOASID_SELFTESTS_SPACE_FIXTURE_H

#include "ioasid_util.h"

#define TOP_PAGE	(UINT64_MAX - PAGE + 1)

FIXTURE(space) {
	int fd;
	int id;
	char *mem;	/* 16 pages with a hole behind */
};

#define MEM_SIZE	(16 * PAGE)

FIXTURE_SETUP(space)
{
	self->fd = test_open();
	self->id = test_alloc(self->fd);
	self->mem = memory_before_hole(MEM_SIZE);
}

FIXTURE_TEARDOWN(space)
{
	close(self->fd);
}

#endif /* IOASID_SELFTESTS_SPACE_FIXTURE_H */
