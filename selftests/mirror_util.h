/* SPDX-License-Identifier: GPL-2.0-only */
/* Spaces that follow a process, on a simulated device. Include sim_util.h first. */
#ifndef IOASID_SELFTESTS_MIRROR_UTIL_H
#define IOASID_SELFTESTS_MIRROR_UTIL_H

#include <sys/mman.h>

#define MIRROR_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID)
#define ASK		IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI
#define GPA		0x100000000ULL		/* where slots begin */

/* How much is there from iova on is put into *bytes, also after an error. */
static inline int do_prefetch(int fd, uint32_t ioasid, uint64_t iova, uint64_t size,
			      uint32_t flags, uint64_t *bytes)
{
	struct ioasid_prefetch arg = {
		.argsz = sizeof(arg), .flags = flags, .ioasid = ioasid, .iova = iova,
		.size = size,
	};
	int rc = ioctl(fd, IOASID_PREFETCH, &arg);

	*bytes = arg.bytes;
	return rc;
}

#define test_prefetch(fd, ioasid, iova, size, flags) do {			\
	uint64_t __bytes;							\
										\
	ASSERT_TRUE(!do_prefetch(fd, ioasid, iova, size, flags, &__bytes));	\
	ASSERT_EQ((uint64_t)(size), __bytes);					\
} while (0)
#define test_err_prefetch(err, fd, ioasid, iova, size, flags) do {		\
	uint64_t __bytes;							\
										\
	ASSERT_ERRNO(err, do_prefetch(fd, ioasid, iova, size, flags, &__bytes)); \
} while (0)

/* With a PASID of the kernel's choice. */
static inline int do_attach_any(int dev, uint32_t ioasid, uint32_t *pasid)
{
	struct vfio_attach_ioasid arg = {
		.argsz = sizeof(arg), .flags = IOASID_ATTACH_KERNEL_PASID, .ioasid = ioasid,
	};
	int rc = ioctl(dev, VFIO_ATTACH_IOASID, &arg);

	*pasid = arg.user_pasid;
	return rc;
}

/* A counter of the space in fdinfo. */
static inline uint64_t space_value(int fd, const char *key, uint32_t ioasid)
{
	char name[64];

	snprintf(name, sizeof(name), "ioasid-%s-%u", key, ioasid);
	return fdinfo_get(fd, name);
}

#define present_bytes(fd, ioasid)	space_value(fd, "present", ioasid)

#endif /* IOASID_SELFTESTS_MIRROR_UTIL_H */
