// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <errno.h>
#include <grp.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include "arg.h"
#include "collect.h"
#include "collector.h"
#include "confine.h"
#include "exit_status.h"
#include "version.h"
#include "viewer.h"

struct options {
	struct gather_options gather;
	double interval;
	const char *socket;
	const char *group;
	const char *user;
};

enum { OPT_NO_BPF = 256, OPT_MEMORY, OPT_VERBOSE, OPT_SOCKET, OPT_GROUP, OPT_USER };

static const struct argp_option option_table[] = {
	{ "interval", 'i', "SECONDS", 0, "length of an interval, 0.05 to 3600 (1)", 0 },
	{ "socket", OPT_SOCKET, "PATH", 0, "where viewers connect (" COLLECT_SOCKET ")", 0 },
	{ "group", OPT_GROUP, "GROUP", 0, "group whose members may connect (only root may)", 0 },
	{ "user", OPT_USER, "USER", 0, "who to become when started as root (nobody)", 0 },
	{ "no-bpf", OPT_NO_BPF, NULL, 0, "only the driver's counters, without latencies", 0 },
	{ "memory", OPT_MEMORY, "MIB", 0, "upper bound of the BPF maps' memory (64)", 0 },
	{ "verbose", OPT_VERBOSE, NULL, 0, "show messages of the BPF loader", 0 },
	{ 0 },
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'i':
		options->interval = arg__number(state, "SECONDS", arg, 0.05, 3600);
		break;
	case OPT_SOCKET:
		options->socket = arg;
		break;
	case OPT_GROUP:
		options->group = arg;
		break;
	case OPT_USER:
		options->user = arg;
		break;
	case OPT_NO_BPF:
		options->gather.no_bpf = true;
		break;
	case OPT_MEMORY:
		options->gather.memory = floor(arg__number(state, "MIB", arg, COLLECT_MEMORY_MIN,
							   COLLECT_MEMORY_MAX));
		break;
	case OPT_VERBOSE:
		options->gather.verbose = true;
		break;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument '%s'", arg);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int listen_at(const struct options *options)
{
	const struct group *group = NULL;
	int fd;

	if (options->group) {
		group = getgrnam(options->group);
		if (!group) {
			fprintf(stderr, "ioasid-collect: there is no group '%s'\n", options->group);
			return -ENOENT;
		}
	}
	/* Of the usual place only: elsewhere directories are the caller's affair. */
	if (!strcmp(options->socket, COLLECT_SOCKET) && !mkdir("/run/ioasid", 0755))
		(void)0;
	fd = publisher__listen(options->socket, group ? (long)group->gr_gid : -1);
	if (fd == -EADDRINUSE)
		fprintf(stderr, "ioasid-collect: another collector listens at %s: viewers can use that one\n",
			options->socket);
	else if (fd < 0)
		fprintf(stderr, "ioasid-collect: cannot listen at %s: %s\n", options->socket,
			strerror(-fd));
	return fd;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.doc = "Collects what the ioasid driver does, once for all who look: ioasidtop --collector, ioasid-exporter --collector."
		       "\vSIGHUP: let go of the driver, so that it can be unloaded. Exit status: 0 done, 1 failed, 2 wrong usage.",
	};
	struct options options = {
		.gather.memory = COLLECT_MEMORY_DEFAULT,
		.interval = 1, .socket = COLLECT_SOCKET, .user = "nobody",
	};
	struct publisher *publisher;
	char why[200];
	int fd, err;

	argp_program_version = "ioasid-collect " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	fd = listen_at(&options);
	if (fd < 0)
		return EXIT_FAILED;
	if (confine(options.user, true, why, sizeof(why))) {
		fprintf(stderr, "ioasid-collect: %s\n", why);
		return EXIT_FAILED;
	}
	publisher = publisher__new(fd, options.interval * 1e9);
	if (!publisher)
		return EXIT_FAILED;
	err = collector__run("ioasid-collect", &options.gather, publisher, options.interval * 1e9,
			     false);
	if (err)
		fprintf(stderr, "ioasid-collect: %s\n", strerror(-err));
	publisher__free(publisher);
	unlink(options.socket);	/* where that is allowed; else the next one does */
	return err ? EXIT_FAILED : EXIT_OK;
}
