/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Snapshots on their way from the collector, which has privileges, to viewers, which
 * have none. A connection carries one struct wire_hello and then, for each snapshot, a
 * struct wire_head and a frame (frame.h); nothing goes the other way.
 */
#ifndef TOOLS_WIRE_H
#define TOOLS_WIRE_H

#include "snapshot.h"

#define WIRE_MAGIC	0x3163736469736f69ULL
#define WIRE_FRAME_MAX	(64U << 20)
#define NOTICE_LEN	256

struct wire_hello {
	__u64 magic;
	__u64 layout;		/* see wire__layout() */
	__u64 interval_ns;
	char version[32];
	char kernel[72];
};

/* What the collector says of itself with each snapshot. */
struct wire_status {
	__u64 up;		/* the driver is loaded */
	__u64 read_ns;		/* how long this reading took */
	char notice[NOTICE_LEN];	/* what is missing, one sentence or empty */
};

struct wire_head {
	__u32 bytes;		/* of the frame, which follows */
	__u32 raw_bytes;
	struct wire_status status;
};

/* Two programs with the same number understand each other. */
__u64 wire__layout(void);
void wire__hello(struct wire_hello *hello, __u64 interval_ns);

/* A head and its frame, for the caller to free. 0, -ENOMEM or -EMSGSIZE. */
int wire__pack(const struct snapshot *snap, const struct wire_status *status, void **data,
	       size_t *size);

/* -EBADMSG when the frame is not what wire__pack() makes, or -ENOMEM. */
int wire__unpack(struct wire_head *head, const void *frame, struct snapshot **snap);

#endif
