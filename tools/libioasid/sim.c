// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The simulator's instances and the DMA of its devices. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include "command.h"
#include "libioasid.h"

int ioasid_sim_open(void)
{
	int saved = errno, fd = open("/dev/ioasid-sim", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		fd = -errno;
	errno = saved;
	return fd;
}

int ioasid_sim_create(int sim, struct ioasid_sim_create *args)
{
	int rc;

	args->argsz = sizeof(*args);
	rc = command(sim, IOASID_SIM_CREATE, args);
	return rc < 0 ? rc : (int)args->id;
}

int ioasid_sim_destroy(int sim, uint32_t id)
{
	return command(sim, IOASID_SIM_DESTROY, (void *)(unsigned long)id);
}

int ioasid_sim_stats(int sim, uint32_t id, struct ioasid_sim_stats *stats)
{
	memset(stats, 0, sizeof(*stats));
	stats->argsz = sizeof(*stats);
	stats->id = id;
	return command(sim, IOASID_SIM_GET_STATS, stats);
}

int ioasid_sim_inject(int sim, uint32_t id, uint32_t flags, uint32_t fail_nth)
{
	struct ioasid_sim_inject args = {
		.argsz = sizeof(args), .flags = flags, .id = id, .fail_nth = fail_nth,
	};

	return command(sim, IOASID_SIM_INJECT, &args);
}

int ioasid_sim_sram(int dev, void **sram)
{
	int saved = errno, rc = 0;
	void *mem = mmap(NULL, IOASID_SIM_SRAM, PROT_READ | PROT_WRITE, MAP_SHARED, dev, 0);

	if (mem == MAP_FAILED)
		rc = -errno;
	else
		*sram = mem;
	errno = saved;
	return rc;
}

int ioasid_sim_dma(int dev, struct ioasid_sim_request *requests, uint32_t nr)
{
	struct ioasid_sim_dma args = {
		.argsz = sizeof(args), .nr = nr, .requests = (uintptr_t)requests,
	};
	int rc = command(dev, IOASID_SIM_DMA, &args);

	return rc < 0 ? rc : (int)args.nr;
}

int ioasid_sim_start(int dev, uint32_t threads, const struct ioasid_sim_request *requests,
		     uint32_t nr, uint64_t seed)
{
	struct ioasid_sim_load args = {
		.argsz = sizeof(args), .threads = threads, .nr = nr,
		.requests = (uintptr_t)requests, .seed = seed,
	};

	return command(dev, IOASID_SIM_START, &args);
}

int ioasid_sim_stop(int dev, struct ioasid_sim_load_result *result)
{
	memset(result, 0, sizeof(*result));
	result->argsz = sizeof(*result);
	return command(dev, IOASID_SIM_STOP, result);
}
