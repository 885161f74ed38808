/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Numbers and texts as bytes: little-endian, or seven bits a byte with the lowest
 * first. Errors are remembered, so that one look at the end is enough.
 */
#ifndef TOOLS_BYTES_H
#define TOOLS_BYTES_H

#include <stdbool.h>
#include <stddef.h>
#include <linux/types.h>

/* What is written; all of it is zero at first. */
struct bytes {
	unsigned char *data;
	size_t len, room;
	bool failed; /* no memory */
};

void bytes__free(struct bytes *bytes);
void put_bytes(struct bytes *bytes, const void *data, size_t len);
void put_u8(struct bytes *bytes, __u8 value);
void put_u32(struct bytes *bytes, __u32 value);
void put_u64(struct bytes *bytes, __u64 value);
void put_number(struct bytes *bytes, __u64 value);
/* Its length + 1, and it; NULL is 0. */
void put_text(struct bytes *bytes, const char *text);

/* What is read. After an error everything is 0. */
struct cursor {
	const unsigned char *at, *end;
	bool failed; /* too short, or not what it has to be */
};

size_t cursor__left(const struct cursor *cursor);
__u8 get_u8(struct cursor *cursor);
__u32 get_u32(struct cursor *cursor);
__u64 get_u64(struct cursor *cursor);
__u64 get_number(struct cursor *cursor);
/* Above max is an error. */
__u64 get_bounded(struct cursor *cursor, __u64 max);

/*
 * Printable ASCII of less than size bytes, or an error: terminals obey other bytes.
 * get_text() has room in out; what get_new_text() returns is the caller's, NULL is none.
 */
void get_text(struct cursor *cursor, char *out, size_t size);
char *get_new_text(struct cursor *cursor, size_t size);

#endif
