// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/utsname.h>
#include "frame.h"
#include "version.h"
#include "wire.h"

/* To be raised when frames or the structures of wire.h change. */
#define WIRE_VERSION	1

int wire__pack(const struct snapshot *snap, const struct wire_status *status, void **data,
	       size_t *size)
{
	struct wire_head head = { .status = *status };
	struct bytes bytes = { 0 };
	int err;

	put_bytes(&bytes, &head, sizeof(head));
	err = bytes.failed ? -ENOMEM : frame__encode(snap, &bytes, &head.raw_bytes);
	if (!err && bytes.len - sizeof(head) > WIRE_FRAME_MAX)
		err = -EMSGSIZE;
	if (err) {
		bytes__free(&bytes);
		return err;
	}
	head.bytes = bytes.len - sizeof(head);
	memcpy(bytes.data, &head, sizeof(head));
	*data = bytes.data;
	*size = bytes.len;
	return 0;
}

int wire__unpack(struct wire_head *head, const void *frame, struct snapshot **snap)
{
	struct frame_schema schema;

	head->status.notice[sizeof(head->status.notice) - 1] = '\0';
	frame_schema__own(&schema);
	return frame__decode(frame, head->bytes, head->raw_bytes, &schema, snap);
}

static __u64 hash(__u64 sum, const void *data, size_t size)
{
	const unsigned char *at = data;

	while (size--)
		sum = (sum ^ *at++) * 0x100000001b3ULL;
	return sum;
}

__u64 wire__layout(void)
{
	const __u32 sizes[] = {
		WIRE_VERSION, NR_METRICS, NR_TIMINGS, HIST_SLOTS, sizeof(struct wire_head),
	};
	__u64 sum = hash(0xcbf29ce484222325ULL, sizes, sizeof(sizes));

	for (int id = 0; id < NR_METRICS; id++)
		sum = hash(sum, metrics[id].key, strlen(metrics[id].key) + 1);
	for (int t = 0; t < NR_TIMINGS; t++)
		sum = hash(sum, timings[t].name, strlen(timings[t].name) + 1);
	return sum;
}

void wire__hello(struct wire_hello *hello, __u64 interval_ns)
{
	struct utsname uts;

	*hello = (struct wire_hello){
		.magic = WIRE_MAGIC,
		.layout = wire__layout(),
		.interval_ns = interval_ns,
		.version = IOASID_TOOLS_VERSION,
	};
	if (!uname(&uts))
		snprintf(hello->kernel, sizeof(hello->kernel), "%s", uts.release);
}
