/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Two processes: a collector with what BPF needs, and the one that the network talks to,
 * which has no privilege at all and gets snapshots from the first over a socket; or
 * from ioasid-collect.
 */
#ifndef EXPORTER_H
#define EXPORTER_H

#include <sys/socket.h>
#include "exit_status.h"
#include "gather.h"
#include "openmetrics.h"
#include "viewer.h"

struct options {
	struct gather_options gather;
	double interval;	/* s */
	unsigned int max_spaces;	/* 0: no rows by space */
	bool space_histograms;
	unsigned int connections;
	const char *socket;	/* of ioasid-collect, NULL: a collector of our own */
	const char *user;
	struct sockaddr_storage listen;
	const char *listen_text;
};

/* Ends the program with EXIT_USAGE when they are wrong. */
void options__parse(struct options *options, int argc, char **argv);

/* What is exported. */
struct state {
	const struct options *options;
	struct totals *totals;
	struct snapshot *snap;	/* the last, NULL before the first */
	struct wire_status status;
	bool connected;		/* to the collector */
	__u64 snap_ns;		/* when the last one came */
	__u64 scrapes;
	__u64 scrape_ns;	/* how long the last one took */
	__u64 cut;		/* connections that took too long */
};

/* Takes the snapshot over. 0 or -ENOMEM. */
int state__add(struct state *state, struct snapshot *snap, const struct wire_status *status);

/* The text of /metrics, for the caller to free. 0 or -errno. */
int state__metrics(struct state *state, bool prometheus, char **text, size_t *size);

/* Memory that a process has locked. */
struct limit {
	__u64 pid;
	const char *comm;	/* belongs to the snapshot */
	bool known;
	bool bounded;		/* there is a limit, max */
	__u64 locked, max;
};

/* Those of the processes with contexts, max of them at most. Returns how many. */
size_t limits__read(const struct snapshot *snap, struct limit *limits, size_t max);

struct http;

/* Serves whoever connects to the listener, which becomes its own. 0 or -errno. */
int http__open(struct http **http, struct state *state, int listener);
void http__close(struct http *http);

/* A descriptor for poll(), and what to do when it is ready or the time is over. */
int http__fd(const struct http *http);
int http__timeout_ms(const struct http *http);
void http__run(struct http *http);

/* Whether the Accept header prefers the old text format to OpenMetrics. */
bool http__wants_old(const char *accept);

#endif
