/* SPDX-License-Identifier: GPL-2.0-only */
/* What the tests of GET_MAPPINGS and WALK share. */
#ifndef IOASID_SELFTESTS_INSPECT_UTIL_H
#define IOASID_SELFTESTS_INSPECT_UTIL_H

#include "harness.h"
#include "space_fixture.h"

#define GPA	0x100000ULL
#define GIOVA	0x2000ULL

/* In a child without any capability; its exit status is what fn returns. */
static inline int unprivileged(int (*fn)(void *arg), void *arg)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct __user_cap_data_struct data[2] = {};
	int status;
	pid_t pid = fork();

	ASSERT_TRUE(pid >= 0);
	if (!pid) {
		if (syscall(SYS_capset, &header, data))
			_exit(99);
		_exit(fn(arg));
	}
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static inline uint64_t ctx_number(int fd)
{
	return fdinfo_get(fd, "ioasid-ctx");
}

/* Physical address by the kernel's own page tables. */
static inline uint64_t phys_of(const void *mem)
{
	int fd = open("/proc/self/pagemap", O_RDONLY | O_CLOEXEC);
	uint64_t entry;

	ASSERT_TRUE(fd >= 0);
	ASSERT_EQ(8, pread(fd, &entry, 8, (uintptr_t)mem / PAGE * 8));
	close(fd);
	return (entry & ((1ULL << 55) - 1)) * PAGE + (uintptr_t)mem % PAGE;
}

/* What a child without privilege tries to see. */
struct foreign {
	int fd;
	uint32_t ctx;
	uint32_t id;
};

#endif /* IOASID_SELFTESTS_INSPECT_UTIL_H */
