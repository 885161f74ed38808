// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* GET_INFO and DEVICE_GET_INFO: the chain of capabilities becomes arrays. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include "libioasid.h"

/* Grows by what the kernel says; what is attached may change in between. */
#define MAX_TRIES	8
#define MAX_ARGSZ	(16U << 20)

/* What both structures start with. */
struct header {
	uint32_t argsz;
	uint32_t flags;
};

static int try_info(int fd, unsigned int cmd, const void *fixed, size_t size, size_t room,
		    struct header **reply)
{
	struct header *header = calloc(1, room);
	int rc;

	if (!header)
		return -ENOMEM;
	memcpy(header, fixed, size);
	header->argsz = room;
	rc = ioctl(fd, cmd, header) ? -errno : 0;
	if (rc)
		free(header);
	else
		*reply = header;
	return rc;
}

static int get_info(int fd, unsigned int cmd, const void *fixed, size_t size,
		    struct header **reply)
{
	size_t room = size + 256;
	int rc, saved = errno;

	for (int try = 0; try < MAX_TRIES; try++) {
		rc = try_info(fd, cmd, fixed, size, room, reply);
		if (rc || (*reply)->argsz <= room)
			goto out;
		room = (*reply)->argsz;
		free(*reply);
		if (room > MAX_ARGSZ)
			break;
	}
	rc = -EAGAIN;
out:
	errno = saved;
	return rc;
}

/* The first capability with this number that lies inside the reply. */
static const void *find_cap(const struct header *reply, uint32_t at, uint16_t id, size_t fixed)
{
	const struct ioasid_cap_header *cap;

	while (at && at + fixed <= reply->argsz) {
		cap = (const void *)((const char *)reply + at);
		if (cap->id == id)
			return cap;
		if (cap->next && cap->next <= at)
			break;
		at = cap->next;
	}
	return NULL;
}

/* Appends an array to what will be returned; -ENOMEM is the caller's to see. */
struct builder {
	char *block;
	size_t size;
};

static int builder_start(struct builder *b, size_t fixed, size_t arrays)
{
	b->block = calloc(1, fixed + arrays);
	b->size = fixed;
	return b->block ? 0 : -ENOMEM;
}

static const void *builder_add(struct builder *b, const void *array, size_t size)
{
	void *place = b->block + b->size;

	if (size)
		memcpy(place, array, size);
	b->size += size;
	return place;
}

int ioasid_space_info(int fd, uint32_t ioasid, struct ioasid_space_info **info)
{
	struct ioasid_info fixed = { .argsz = sizeof(fixed), .ioasid = ioasid }, *raw;
	const struct ioasid_cap_missing_devices *missing;
	const struct ioasid_cap_iova_ranges *ranges;
	size_t range_bytes, missing_bytes;
	struct ioasid_space_info *out;
	struct header *reply;
	struct builder b;
	int rc = get_info(fd, IOASID_GET_INFO, &fixed, sizeof(fixed), &reply);

	if (rc)
		return rc;
	raw = (void *)reply;
	ranges = find_cap(reply, raw->cap_offset, IOASID_CAP_IOVA_RANGES, sizeof(*ranges));
	missing = find_cap(reply, raw->cap_offset, IOASID_CAP_MISSING_DEVICES,
			   sizeof(*missing));
	range_bytes = ranges ? ranges->nr_ranges * sizeof(*ranges->ranges) : 0;
	missing_bytes = missing ? missing->nr_devices * sizeof(*missing->devices) : 0;
	rc = builder_start(&b, sizeof(*out), range_bytes + missing_bytes);
	if (!rc) {
		out = (void *)b.block;
		*out = (struct ioasid_space_info){
			.kind = raw->kind, .flags = raw->flags,
			.pgsize_bitmap = raw->pgsize_bitmap, .addr_width = raw->addr_width,
			.nr_devices = raw->nr_devices, .nr_children = raw->nr_children,
			.nr_ranges = ranges ? ranges->nr_ranges : 0,
			.ranges = builder_add(&b, ranges ? ranges->ranges : NULL, range_bytes),
			.nr_missing = missing ? missing->nr_devices : 0,
			.missing = builder_add(&b, missing ? missing->devices : NULL,
					       missing_bytes),
		};
		*info = out;
	}
	free(reply);
	return rc;
}

int ioasid_dev_info(int fd, uint64_t cookie, struct ioasid_dev_info **info)
{
	struct ioasid_device_info fixed = { .argsz = sizeof(fixed), .cookie = cookie }, *raw;
	const struct ioasid_cap_iova_ranges *ranges;
	const struct ioasid_cap_formats *formats;
	size_t range_bytes, format_bytes;
	struct ioasid_dev_info *out;
	struct header *reply;
	struct builder b;
	int rc = get_info(fd, IOASID_DEVICE_GET_INFO, &fixed, sizeof(fixed), &reply);

	if (rc)
		return rc;
	raw = (void *)reply;
	ranges = find_cap(reply, raw->cap_offset, IOASID_CAP_IOVA_RANGES, sizeof(*ranges));
	formats = find_cap(reply, raw->cap_offset, IOASID_CAP_FORMATS, sizeof(*formats));
	range_bytes = ranges ? ranges->nr_ranges * sizeof(*ranges->ranges) : 0;
	format_bytes = formats ? formats->nr_formats * sizeof(*formats->formats) : 0;
	rc = builder_start(&b, sizeof(*out), range_bytes + format_bytes);
	if (!rc) {
		out = (void *)b.block;
		*out = (struct ioasid_dev_info){
			.flags = raw->flags, .addr_width = raw->addr_width,
			.pgsize_bitmap = raw->pgsize_bitmap, .group = raw->group,
			.max_pasids = raw->max_pasids,
			.nr_ranges = ranges ? ranges->nr_ranges : 0,
			.ranges = builder_add(&b, ranges ? ranges->ranges : NULL, range_bytes),
			.nr_formats = formats ? formats->nr_formats : 0,
			.formats = builder_add(&b, formats ? formats->formats : NULL,
					       format_bytes),
		};
		*info = out;
	}
	free(reply);
	return rc;
}
