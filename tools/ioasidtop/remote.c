// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Snapshots of ioasid-collect, for which we need no privilege. */
#include <stdio.h>
#include <string.h>
#include "ioasidtop.h"
#include "ticker.h"

int sources__open_remote(struct sources *sources, const struct probe *probe)
{
	const struct options *options = sources->options;
	const char *path = options->collector ? options->collector : COLLECT_SOCKET;
	struct viewer *viewer = &sources->viewer;
	char why[256] = "";

	/* Whoever can attach programs, or asked for none, has no need of it. */
	if (!options->collector && (options->nr_files || options->no_bpf || options->bpf_stats ||
				    !probe__bpf_obstacle(probe)))
		return -1;
	if (viewer__connect(viewer, path, why, sizeof(why)) ||
	    viewer__greet(viewer, why, sizeof(why))) {
		viewer__close(viewer);
		if (!options->collector)
			return -1;
		fprintf(stderr, "ioasidtop: %s\n", why);
		return EXIT_UNSUPPORTED;
	}
	sources->remote = true;
	snprintf(sources->no_stacks, sizeof(sources->no_stacks),
		 "The collector does not know stacks.");
	snprintf(sources->no_mappings, sizeof(sources->no_mappings),
		 "The collector does not know mappings: ioasidctl mappings lists them.");
	caps__drop(false);
	return EXIT_OK;
}

int sources__read_remote(struct sources *sources, struct snapshot **snap)
{
	char why[256];
	int err = viewer__wait(&sources->viewer, snap, why, sizeof(why));

	snprintf(sources->missing, sizeof(sources->missing), "%s",
		 err ? why : sources->viewer.status.notice);
	return err;
}

int sources__fd(const struct sources *sources, int ticker)
{
	return sources->remote ? sources->viewer.fd : ticker;
}

void sources__take_tick(const struct sources *sources, int ticker)
{
	if (!sources->remote)
		ticker__take(ticker);
}
