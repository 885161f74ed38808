// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../../bpf/mappings.h"
#include "mappings.h"
#include "mappings.skel.h"

_Static_assert(IOASID_MAX_LISTED == MAX_SPACE_MAPPINGS, "all that are listed are shown");

struct mappings {
	struct mappings_bpf *skel;
};

struct mappings *mappings__open(char *why, size_t size)
{
	struct mappings *mappings = calloc(1, sizeof(*mappings));
	int err;

	if (!mappings) {
		snprintf(why, size, "out of memory");
		return NULL;
	}
	mappings->skel = mappings_bpf__open();
	err = mappings->skel ? mappings_bpf__load(mappings->skel) : -ENOMEM;
	if (!err)
		return mappings;
	snprintf(why, size,
		 "Mappings cannot be listed (%s): that takes root, and BTF of kernel and driver. ioasidctl mappings can.",
		 strerror(-err));
	mappings__close(mappings);
	return NULL;
}

void mappings__close(struct mappings *mappings)
{
	if (!mappings)
		return;
	mappings_bpf__destroy(mappings->skel);
	free(mappings);
}

static int run(struct mappings *mappings)
{
	LIBBPF_OPTS(bpf_test_run_opts, opts);

	return bpf_prog_test_run_opts(bpf_program__fd(mappings->skel->progs.list_mappings), &opts);
}

void mappings__read(struct mappings *mappings, __u32 ctx, __u32 ioasid,
		    struct space_mappings *out)
{
	struct mappings_bpf__bss *bss = mappings->skel->bss;
	size_t nr;
	int err;

	bss->ctx = ctx;
	bss->ioasid = ioasid;
	bss->first = 0;
	err = run(mappings);
	if (err || !bss->supported || !bss->found) {
		snprintf(out->why, sizeof(out->why), "Mappings: %s.",
			 err ? strerror(-err) : !bss->supported ?
			 "that takes root, and BTF of the driver; ioasidctl mappings lists them" :
			 "the space is gone");
		return;
	}
	nr = bss->nr < IOASID_MAX_LISTED ? bss->nr : IOASID_MAX_LISTED;
	out->at = calloc(nr ? nr : 1, sizeof(*out->at));
	if (!out->at)
		return;
	memcpy(out->at, bss->listed, nr * sizeof(*out->at));
	out->known = true;
	out->nr = nr;
	out->more = bss->more;
}
