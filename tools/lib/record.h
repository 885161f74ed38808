/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Recordings: snapshots in a file, in the format of docs/recording.md. Each is added
 * with one write, so that whatever happens in the middle costs the last one at most.
 */
#ifndef TOOLS_RECORD_H
#define TOOLS_RECORD_H

#include "snapshot.h"

#define RECORD_MAGIC	   "ioasidR\n"
#define RECORD_MAGIC_LEN   8
#define RECORD_VERSION	   1
#define RECORD_FRAME_MAGIC 0x50414e53U /* "SNAP" */
#define RECORD_HEADER_LEN  20 /* in front of what the header says */
#define RECORD_FRAME_LEN   24 /* in front of a frame */
#define RECORD_HEADER_MAX  (1U << 20)

#define RECORD_MIB     64
#define RECORD_MIB_MAX 65536

/* Longer texts are cut. */
#define RECORD_TEXT 256

struct record_info {
	char version[RECORD_TEXT]; /* of the tool */
	char kernel[RECORD_TEXT];
	char host[RECORD_TEXT];
	char boot_id[RECORD_TEXT];
	char notice[RECORD_TEXT]; /* what was missing */
	__u64 start_ns; /* CLOCK_REALTIME */
	__u64 interval_ns;
};

struct record;

/*
 * Makes the file, which must not be there yet. When half of max_bytes is full, it
 * becomes FILE.1, in the place of an older one, and FILE is begun anew: both together
 * are never longer. 0 or a negative errno.
 */
int record__open(struct record **record, const char *path, __u64 max_bytes,
		 const struct record_info *info);

/* After an error nothing is added any more, and what is there is whole. */
int record__add(struct record *record, const struct snapshot *snap);
int record__add_at(struct record *record, const struct snapshot *snap, __u64 realtime_ns);
void record__close(struct record *record);

/* Reading. */
struct replay;

enum replay_state {
	REPLAY_WHOLE,
	REPLAY_CUT, /* ends in the middle of a snapshot */
	REPLAY_DAMAGED, /* what follows is no snapshot */
};

/*
 * Looks through all of the file. 0 or a negative errno: -EBADMSG when it is no
 * recording, -EPROTONOSUPPORT when it is one of a later version.
 */
int replay__open(struct replay **replay, const char *path);
void replay__close(struct replay *replay);

const struct record_info *replay__info(const struct replay *replay);
enum replay_state replay__state(const struct replay *replay);
size_t replay__nr(const struct replay *replay);
__u64 replay__realtime_ns(const struct replay *replay, size_t at); /* never goes down */
int replay__get(const struct replay *replay, size_t at, struct snapshot **snap);

#endif
