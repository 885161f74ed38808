// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdlib.h>
#include <string.h>
#include "bytes.h"

void bytes__free(struct bytes *bytes)
{
	free(bytes->data);
	*bytes = (struct bytes){ 0 };
}

static bool make_room(struct bytes *bytes, size_t len)
{
	size_t room = bytes->room ? bytes->room : 512;
	unsigned char *data;

	if (bytes->failed)
		return false;
	if (bytes->room - bytes->len >= len)
		return true;
	while (room - bytes->len < len)
		room *= 2;
	data = realloc(bytes->data, room);
	bytes->failed = !data;
	if (!data)
		return false;
	bytes->data = data;
	bytes->room = room;
	return true;
}

void put_bytes(struct bytes *bytes, const void *data, size_t len)
{
	if (!len || !make_room(bytes, len))
		return;
	memcpy(bytes->data + bytes->len, data, len);
	bytes->len += len;
}

void put_u8(struct bytes *bytes, __u8 value)
{
	put_bytes(bytes, &value, 1);
}

static void put_fixed(struct bytes *bytes, __u64 value, int len)
{
	unsigned char data[8];

	for (int i = 0; i < len; i++)
		data[i] = value >> (8 * i);
	put_bytes(bytes, data, len);
}

void put_u32(struct bytes *bytes, __u32 value)
{
	put_fixed(bytes, value, 4);
}

void put_u64(struct bytes *bytes, __u64 value)
{
	put_fixed(bytes, value, 8);
}

void put_number(struct bytes *bytes, __u64 value)
{
	unsigned char data[10];
	int len = 0;

	for (; value > 0x7f; value >>= 7)
		data[len++] = 0x80 | (value & 0x7f);
	data[len++] = value;
	put_bytes(bytes, data, len);
}

void put_text(struct bytes *bytes, const char *text)
{
	put_number(bytes, text ? strlen(text) + 1 : 0);
	if (text)
		put_bytes(bytes, text, strlen(text));
}

size_t cursor__left(const struct cursor *cursor)
{
	return cursor->failed ? 0 : cursor->end - cursor->at;
}

static __u64 get_fixed(struct cursor *cursor, int len)
{
	__u64 value = 0;

	if (cursor__left(cursor) < len) {
		cursor->failed = true;
		return 0;
	}
	for (int i = 0; i < len; i++)
		value |= (__u64)*cursor->at++ << (8 * i);
	return value;
}

__u8 get_u8(struct cursor *cursor)
{
	return get_fixed(cursor, 1);
}

__u32 get_u32(struct cursor *cursor)
{
	return get_fixed(cursor, 4);
}

__u64 get_u64(struct cursor *cursor)
{
	return get_fixed(cursor, 8);
}

__u64 get_number(struct cursor *cursor)
{
	__u64 value = 0;
	__u8 byte;

	for (int shift = 0; shift < 64; shift += 7) {
		byte = get_u8(cursor);
		value |= (__u64)(byte & 0x7f) << shift;
		if (!(byte & 0x80))
			return value;
	}
	cursor->failed = true;
	return 0;
}

__u64 get_bounded(struct cursor *cursor, __u64 max)
{
	__u64 value = get_number(cursor);

	if (value <= max)
		return value;
	cursor->failed = true;
	return 0;
}

/* The length of a text that is there in full and printable, -1: there is none. */
static long text_len(struct cursor *cursor, size_t size)
{
	__u64 len = get_bounded(cursor, size);

	if (!len)
		return -1;
	len--;
	if (cursor__left(cursor) < len)
		cursor->failed = true;
	for (__u64 i = 0; !cursor->failed && i < len; i++)
		cursor->failed = cursor->at[i] < ' ' || cursor->at[i] > '~';
	return cursor->failed ? -1 : (long)len;
}

void get_text(struct cursor *cursor, char *out, size_t size)
{
	long len = text_len(cursor, size);

	*out = '\0';
	if (len < 0)
		return;
	memcpy(out, cursor->at, len);
	out[len] = '\0';
	cursor->at += len;
}

char *get_new_text(struct cursor *cursor, size_t size)
{
	long len = text_len(cursor, size);
	char *text = len < 0 ? NULL : malloc(len + 1);

	if (len >= 0 && !text)
		cursor->failed = true;
	if (!text)
		return NULL;
	memcpy(text, cursor->at, len);
	text[len] = '\0';
	cursor->at += len;
	return text;
}
