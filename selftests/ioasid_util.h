/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of /dev/ioasid share, in the style of iommufd's selftests:
 * each command exists as do_x() (returns 0 or a value, or -1 with errno),
 * test_x() (must succeed) and test_err_x(errno, ...) (must fail like that).
 * Parts: commands and memory here, what may be charged or logged in
 * state_util.h, PCI functions and edu devices in device_util.h.
 * Include harness.h first.
 */
#ifndef IOASID_SELFTESTS_UTIL_H
#define IOASID_SELFTESTS_UTIL_H

#include <ctype.h>
#include <dirent.h>
#include <fcntl.h>
#include <inttypes.h>
#include <limits.h>
#include <linux/capability.h>
#include <linux/ioasid.h>
#include <linux/vfio.h>
#include <stddef.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include "edu.h"
#include "harness.h"

#define IOASID_NODE		"/dev/ioasid"
#define IOASID_DEVICE_DIR	"/dev/ioasid-devices"
#define IOASID_DEBUGFS		"/sys/kernel/debug/ioasid/contexts"

#define PAGE	4096UL
#define MIB	(1UL << 20)
#define RW	(IOASID_MAP_READ | IOASID_MAP_WRITE)

#define ARRAY_SIZE(array)	(sizeof(array) / sizeof((array)[0]))

/*
 * Files
 */

/* The file's text in buf, or -1. */
static inline int read_text(const char *path, char *buf, size_t size)
{
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	size_t done = 0;
	ssize_t n = -1;

	if (fd < 0)
		return -1;
	while (done < size - 1) {
		n = read(fd, buf + done, size - 1 - done);
		if (n <= 0)
			break;
		done += n;
	}
	buf[done] = 0;
	close(fd);
	return n < 0 ? -1 : (int)done;
}

static inline int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC);
	ssize_t n, len = strlen(text);
	int err;

	if (fd < 0)
		return -1;
	n = write(fd, text, len);
	err = errno;
	close(fd);
	errno = err;
	return n == len ? 0 : -1;
}

/* "key<blank>value": the value, or fallback when there is no such line. */
static inline uint64_t text_value(const char *text, const char *key, uint64_t fallback)
{
	size_t len = strlen(key);

	for (const char *line = text; line; line = strchr(line, '\n')) {
		line += *line == '\n';
		if (!strncmp(line, key, len) && (line[len] == ':' || line[len] == ' '))
			return strtoull(line + len + 1, NULL, 0);
	}
	return fallback;
}

/*
 * Commands of /dev/ioasid
 */
static inline int do_open(void)
{
	return open(IOASID_NODE, O_RDWR | O_CLOEXEC);
}

#define test_open() ({								\
	int __fd = do_open();							\
										\
	ASSERT_TRUE(__fd >= 0);							\
	__fd;									\
})

static inline int do_extension(int fd, unsigned long extension)
{
	return ioctl(fd, IOASID_CHECK_EXTENSION, extension);
}

static inline int do_alloc_kind(int fd, uint32_t kind, uint32_t parent, uint32_t flags,
				uint32_t addr_width)
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.kind = kind,
		.parent = parent,
		.addr_width = addr_width,
	};

	return ioctl(fd, IOASID_ALLOC, &arg);
}

static inline int do_alloc(int fd)
{
	return do_alloc_kind(fd, IOASID_KIND_KERNEL, IOASID_NONE, 0, 0);
}

/* The number of a new kernel-managed space. */
#define test_alloc(fd) ({							\
	int __id = do_alloc(fd);						\
										\
	ASSERT_TRUE(__id > 0);							\
	__id;									\
})
#define test_err_alloc_kind(err, fd, kind, parent, flags, width)		\
	ASSERT_ERRNO(err, do_alloc_kind(fd, kind, parent, flags, width))

static inline int do_free(int fd, uint32_t ioasid)
{
	struct ioasid_free arg = { .argsz = sizeof(arg), .ioasid = ioasid };

	return ioctl(fd, IOASID_FREE, &arg);
}

#define test_free(fd, ioasid)		ASSERT_TRUE(!do_free(fd, ioasid))
#define test_err_free(err, fd, ioasid)	ASSERT_ERRNO(err, do_free(fd, ioasid))

static inline int do_map(int fd, uint32_t ioasid, uint64_t vaddr, uint64_t iova, uint64_t size,
			 uint32_t flags)
{
	struct ioasid_map_dma arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.ioasid = ioasid,
		.vaddr = vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(fd, IOASID_MAP_DMA, &arg);
}

/* vaddr: a pointer or a number */
#define test_map_flags(fd, ioasid, vaddr, iova, size, flags)			\
	ASSERT_TRUE(!do_map(fd, ioasid, (uintptr_t)(vaddr), iova, size, flags))
#define test_map(fd, ioasid, vaddr, iova, size)					\
	test_map_flags(fd, ioasid, vaddr, iova, size, RW)
#define test_err_map_flags(err, fd, ioasid, vaddr, iova, size, flags)		\
	ASSERT_ERRNO(err, do_map(fd, ioasid, (uintptr_t)(vaddr), iova, size, flags))
#define test_err_map(err, fd, ioasid, vaddr, iova, size)			\
	test_err_map_flags(err, fd, ioasid, vaddr, iova, size, RW)

/* Bytes that were unmapped. */
static inline int64_t do_unmap_flags(int fd, uint32_t ioasid, uint64_t iova, uint64_t size,
				     uint32_t flags)
{
	struct ioasid_unmap_dma arg = {
		.argsz = sizeof(arg),
		.flags = flags,
		.ioasid = ioasid,
		.iova = iova,
		.size = size,
	};

	return ioctl(fd, IOASID_UNMAP_DMA, &arg) ? -1 : (int64_t)arg.size;
}

static inline int64_t do_unmap(int fd, uint32_t ioasid, uint64_t iova, uint64_t size)
{
	return do_unmap_flags(fd, ioasid, iova, size, 0);
}

static inline int64_t do_unmap_all(int fd, uint32_t ioasid)
{
	return do_unmap_flags(fd, ioasid, 0, 0, IOASID_UNMAP_ALL);
}

/* Exactly size bytes, or (test_unmap_some) as many as given, must go. */
#define test_unmap(fd, ioasid, iova, size)					\
	ASSERT_EQ((int64_t)(size), do_unmap(fd, ioasid, iova, size))
#define test_unmap_some(expected, fd, ioasid, iova, size)			\
	ASSERT_EQ((int64_t)(expected), do_unmap(fd, ioasid, iova, size))
#define test_unmap_all(expected, fd, ioasid)					\
	ASSERT_EQ((int64_t)(expected), do_unmap_all(fd, ioasid))
#define test_err_unmap(err, fd, ioasid, iova, size)				\
	ASSERT_ERRNO(err, do_unmap(fd, ioasid, iova, size))
#define test_err_unmap_flags(err, fd, ioasid, iova, size, flags)		\
	ASSERT_ERRNO(err, do_unmap_flags(fd, ioasid, iova, size, flags))

static inline int do_memory(int fd, unsigned int cmd, uint64_t vaddr, uint64_t size)
{
	struct ioasid_memory arg = { .argsz = sizeof(arg), .vaddr = vaddr, .size = size };

	return ioctl(fd, cmd, &arg);
}

#define do_register(fd, vaddr, size)						\
	do_memory(fd, IOASID_REGISTER_MEMORY, (uintptr_t)(vaddr), size)
#define do_unregister(fd, vaddr, size)						\
	do_memory(fd, IOASID_UNREGISTER_MEMORY, (uintptr_t)(vaddr), size)
#define test_register(fd, vaddr, size)		ASSERT_TRUE(!do_register(fd, vaddr, size))
#define test_unregister(fd, vaddr, size)	ASSERT_TRUE(!do_unregister(fd, vaddr, size))
#define test_err_register(err, fd, vaddr, size)	ASSERT_ERRNO(err, do_register(fd, vaddr, size))
#define test_err_unregister(err, fd, vaddr, size)				\
	ASSERT_ERRNO(err, do_unregister(fd, vaddr, size))

/* info->argsz says how much room there is behind the structure. */
static inline int do_info(int fd, uint32_t ioasid, struct ioasid_info *info, uint32_t argsz)
{
	memset(info, 0, argsz < sizeof(*info) ? sizeof(*info) : argsz);
	info->argsz = argsz;
	info->ioasid = ioasid;
	return ioctl(fd, IOASID_GET_INFO, info);
}

#define test_info(fd, ioasid, info, argsz) ASSERT_TRUE(!do_info(fd, ioasid, info, argsz))
#define test_err_info(err, fd, ioasid) do {					\
	struct ioasid_info __info;						\
										\
	ASSERT_ERRNO(err, do_info(fd, ioasid, &__info, sizeof(__info)));	\
} while (0)

static inline int do_device_info(int fd, uint64_t cookie, struct ioasid_device_info *info,
				 uint32_t argsz)
{
	memset(info, 0, argsz < sizeof(*info) ? sizeof(*info) : argsz);
	info->argsz = argsz;
	info->cookie = cookie;
	return ioctl(fd, IOASID_DEVICE_GET_INFO, info);
}

#define test_device_info(fd, cookie, info, argsz)				\
	ASSERT_TRUE(!do_device_info(fd, cookie, info, argsz))
#define test_err_device_info(err, fd, cookie) do {				\
	struct ioasid_device_info __info;					\
										\
	ASSERT_ERRNO(err, do_device_info(fd, cookie, &__info, sizeof(__info))); \
} while (0)

static inline int do_create_nesting(int fd, uint32_t parent)
{
	struct ioasid_create_nesting arg = { .argsz = sizeof(arg), .parent = parent };

	return ioctl(fd, IOASID_CREATE_NESTING, &arg);
}

#define test_create_nesting(fd, parent) ({					\
	int __id = do_create_nesting(fd, parent);				\
										\
	ASSERT_LT(0, __id);							\
	__id;									\
})
#define test_err_create_nesting(err, fd, parent)				\
	ASSERT_ERRNO(err, do_create_nesting(fd, parent))

static inline int do_table(int fd, unsigned int cmd, uint32_t ioasid, uint32_t format,
			   uint32_t addr_width, uint64_t table)
{
	struct ioasid_bind_table arg = {
		.argsz = sizeof(arg),
		.ioasid = ioasid,
		.format = format,
		.table = { .addr = table, .addr_width = addr_width },
	};

	return ioctl(fd, cmd, &arg);
}

static inline int do_alloc_user(int fd, uint32_t parent, uint32_t format, uint32_t addr_width,
				uint64_t table)
{
	struct ioasid_alloc arg = {
		.argsz = sizeof(arg),
		.kind = IOASID_KIND_USER,
		.parent = parent,
		.format = format,
		.table = { .addr = table, .addr_width = addr_width },
	};

	return ioctl(fd, IOASID_ALLOC, &arg);
}

#define test_err_table(err, fd, cmd, ioasid) ASSERT_ERRNO(err, do_table(fd, cmd, ioasid, 0, 0, 0))

/* How many requests were carried out is put into *nr. */
static inline int do_invalidations(int fd, uint32_t ioasid, struct ioasid_invalidate *requests,
				   uint32_t *nr)
{
	struct ioasid_invalidate_cache arg = {
		.argsz = sizeof(arg),
		.ioasid = ioasid,
		.nr = *nr,
		.requests = (uintptr_t)requests,
	};
	int rc = ioctl(fd, IOASID_INVALIDATE_CACHE, &arg);

	*nr = arg.nr;
	return rc;
}

/* A range, or with size 0 everything. */
static inline int do_invalidate(int fd, uint32_t ioasid, uint64_t iova, uint64_t size)
{
	struct ioasid_invalidate request = {
		.flags = size ? IOASID_INVALIDATE_RANGE : 0,
		.iova = iova,
		.size = size,
	};
	uint32_t nr = 1;

	return do_invalidations(fd, ioasid, &request, &nr);
}

#define test_invalidate(fd, ioasid, iova, size)					\
	ASSERT_EQ(0, do_invalidate(fd, ioasid, iova, size))

#define test_err_invalidate(err, fd, ioasid, iova, size)			\
	ASSERT_ERRNO(err, do_invalidate(fd, ioasid, iova, size))

/* Looking at spaces; ctx 0: the file's own. */
static inline int do_mappings(int fd, uint32_t ctx, uint32_t ioasid, uint64_t iova, void *infos,
			      uint32_t nr, struct ioasid_get_mappings *arg)
{
	*arg = (struct ioasid_get_mappings){
		.argsz = sizeof(*arg),
		.ioasid = ioasid,
		.ctx = ctx,
		.iova = iova,
		.nr = nr,
		.mappings = (uintptr_t)infos,
	};
	return ioctl(fd, IOASID_GET_MAPPINGS, arg);
}

#define test_mappings(fd, ctx, ioasid, iova, infos, nr, arg)			\
	ASSERT_TRUE(!do_mappings(fd, ctx, ioasid, iova, infos, nr, arg))

static inline int do_walk(int fd, uint32_t ctx, uint32_t ioasid, uint64_t iova,
			  struct ioasid_step *steps, uint32_t nr, struct ioasid_walk_iova *arg)
{
	*arg = (struct ioasid_walk_iova){
		.argsz = sizeof(*arg),
		.ioasid = ioasid,
		.ctx = ctx,
		.iova = iova,
		.nr = nr,
		.steps = (uintptr_t)steps,
	};
	return ioctl(fd, IOASID_WALK, arg);
}

/* steps: room for IOASID_MAX_STEPS */
#define test_walk(fd, ctx, ioasid, iova, steps, arg)				\
	ASSERT_TRUE(!do_walk(fd, ctx, ioasid, iova, steps, IOASID_MAX_STEPS, arg))

/* First capability with this id, NULL without one; buf is what GET_INFO filled. */
static inline void *find_cap(void *buf, uint32_t cap_offset, uint16_t id)
{
	struct ioasid_cap_header *cap;

	for (uint32_t at = cap_offset; at; at = cap->next) {
		cap = (void *)((char *)buf + at);
		if (cap->id == id)
			return cap;
	}
	return NULL;
}

/*
 * Commands of a device
 */
static inline int do_bind(int dev, int fd, uint64_t cookie)
{
	struct vfio_bind_ioasid_fd arg = {
		.argsz = sizeof(arg),
		.ioasid_fd = fd,
		.cookie = cookie,
	};

	return ioctl(dev, VFIO_BIND_IOASID_FD, &arg);
}

#define test_bind(dev, fd, cookie)		ASSERT_TRUE(!do_bind(dev, fd, cookie))
#define test_err_bind(err, dev, fd, cookie)	ASSERT_ERRNO(err, do_bind(dev, fd, cookie))

static inline int do_unbind(int dev)
{
	return ioctl(dev, VFIO_UNBIND_IOASID_FD);
}

#define test_unbind(dev)	ASSERT_TRUE(!do_unbind(dev))
#define test_err_unbind(err, dev) ASSERT_ERRNO(err, do_unbind(dev))

static inline int do_attach_cmd(int dev, unsigned int cmd, uint32_t ioasid)
{
	struct vfio_attach_ioasid arg = { .argsz = sizeof(arg), .ioasid = ioasid };

	return ioctl(dev, cmd, &arg);
}

#define do_attach(dev, ioasid)		do_attach_cmd(dev, VFIO_ATTACH_IOASID, ioasid)
#define do_detach(dev, ioasid)		do_attach_cmd(dev, VFIO_DETACH_IOASID, ioasid)
#define test_attach(dev, ioasid)	ASSERT_TRUE(!do_attach(dev, ioasid))
#define test_detach(dev, ioasid)	ASSERT_TRUE(!do_detach(dev, ioasid))
#define test_err_attach(err, dev, ioasid) ASSERT_ERRNO(err, do_attach(dev, ioasid))
#define test_err_detach(err, dev, ioasid) ASSERT_ERRNO(err, do_detach(dev, ioasid))

static inline int do_pasid_cmd(int dev, unsigned int cmd, uint32_t ioasid, uint32_t pasid)
{
	struct vfio_attach_ioasid arg = {
		.argsz = sizeof(arg), .flags = IOASID_ATTACH_USER_PASID, .ioasid = ioasid,
		.user_pasid = pasid,
	};

	return ioctl(dev, cmd, &arg);
}

#define do_attach_pasid(dev, id, pasid)	do_pasid_cmd(dev, VFIO_ATTACH_IOASID, id, pasid)
#define do_detach_pasid(dev, id, pasid)	do_pasid_cmd(dev, VFIO_DETACH_IOASID, id, pasid)

/*
 * Memory
 */
static inline void *memory(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

/* Memory that is followed by a hole. */
static inline void *memory_before_hole(size_t size)
{
	char *mem = memory(size + PAGE);

	ASSERT_TRUE(!munmap(mem + size, PAGE));
	return mem;
}

/* Bytes that differ from page to page and from seed to seed. */
static inline uint8_t pattern(size_t at, unsigned int seed)
{
	return (at * 7 + (at / PAGE) * 131 + seed * 29 + 1) & 0xff;
}

static inline void fill(void *mem, size_t size, unsigned int seed)
{
	uint8_t *byte = mem;

	for (size_t i = 0; i < size; i++)
		byte[i] = pattern(i, seed);
}

/* Offset of the first byte that is not the pattern's, size when all are. */
static inline size_t mismatch(const void *mem, size_t size, unsigned int seed)
{
	const uint8_t *byte = mem;

	for (size_t i = 0; i < size; i++)
		if (byte[i] != pattern(i, seed))
			return i;
	return size;
}

#include "state_util.h"
#include "device_util.h"

#endif /* IOASID_SELFTESTS_UTIL_H */
