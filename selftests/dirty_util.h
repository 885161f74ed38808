/* SPDX-License-Identifier: GPL-2.0-only */
/* Dirty tracking of spaces. Include ioasid_util.h first. */
#ifndef IOASID_SELFTESTS_DIRTY_UTIL_H
#define IOASID_SELFTESTS_DIRTY_UTIL_H

static inline int do_set_dirty(int fd, uint32_t ioasid, uint32_t flags)
{
	struct ioasid_set_dirty_tracking arg = {
		.argsz = sizeof(arg), .flags = flags, .ioasid = ioasid,
	};

	return ioctl(fd, IOASID_SET_DIRTY_TRACKING, &arg);
}

#define test_track(fd, ioasid, on)						\
	ASSERT_EQ(0, do_set_dirty(fd, ioasid, (on) ? IOASID_DIRTY_TRACKING_ON : 0))

/* do_get_dirty(fd, ioasid, iova, size, bitmap, .flags = ..., .page_size = ...) */
#define do_get_dirty(fd, _ioasid, _iova, _size, _bitmap, ...) ({		\
	struct ioasid_get_dirty_bitmap __arg = {				\
		.argsz = sizeof(__arg), .ioasid = _ioasid, .iova = _iova,	\
		.size = _size, .page_size = PAGE,				\
		.bitmap = (uintptr_t)(_bitmap)					\
	};									\
	struct ioasid_get_dirty_bitmap __more = { __VA_ARGS__ };		\
										\
	__arg.flags = __more.flags;						\
	__arg.page_size = __more.page_size ?: PAGE;				\
	ioctl(fd, IOASID_GET_DIRTY_BITMAP, &__arg);				\
})

#define test_get_dirty(...) ASSERT_EQ(0, do_get_dirty(__VA_ARGS__))

static inline int do_alloc_dirty(int fd)
{
	return do_alloc_kind(fd, IOASID_KIND_KERNEL, IOASID_NONE, IOASID_ALLOC_DIRTY_TRACKING, 0);
}

static inline int dirty_space(int fd)
{
	int id = do_alloc_dirty(fd);

	ASSERT_LT(0, id);
	return id;
}

static inline bool bit_is_set(const uint64_t *bitmap, uint64_t bit)
{
	return bitmap[bit / 64] >> bit % 64 & 1;
}

#endif /* IOASID_SELFTESTS_DIRTY_UTIL_H */
