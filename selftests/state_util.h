/* SPDX-License-Identifier: GPL-2.0-only */
/* What tests see of the kernel: charges, pins, fdinfo, its log. Part of ioasid_util.h. */
#ifndef IOASID_SELFTESTS_STATE_UTIL_H
#define IOASID_SELFTESTS_STATE_UTIL_H

/*
 * What the process and the machine are charged
 */
static inline uint64_t status_pages(const char *key)
{
	char text[8192];

	ASSERT_TRUE(read_text("/proc/self/status", text, sizeof(text)) > 0);
	return text_value(text, key, 0) * 1024 / PAGE;
}

#define locked_pages()	status_pages("VmLck")
#define pinned_pages()	status_pages("VmPin")

/* A count of the whole machine; 0 when this kernel does not count it. */
static inline uint64_t vmstat(const char *key)
{
	char text[32768];

	/* Per-CPU parts are added up by this file only. */
	write_text("/proc/sys/vm/stat_refresh", "1");
	ASSERT_TRUE(read_text("/proc/vmstat", text, sizeof(text)) > 0);
	return text_value(text, key, 0);
}

/* Longterm and other pins of the whole machine that are held now. */
static inline int64_t machine_pins(void)
{
	return vmstat("nr_foll_pin_acquired") - vmstat("nr_foll_pin_released");
}

/* Work that is done behind the close of a file may need a moment. */
static inline bool machine_pins_become(int64_t pins)
{
	for (int try = 0; try < 1000; try++) {
		if (machine_pins() == pins)
			return true;
		usleep(20000);
	}
	diag("%lld pages are pinned, expected %lld", (long long)machine_pins(), (long long)pins);
	return false;
}

/* From here on RLIMIT_MEMLOCK counts. */
static inline void limit_locked(uint64_t pages)
{
	struct __user_cap_header_struct header = { .version = _LINUX_CAPABILITY_VERSION_3 };
	struct rlimit limit = { .rlim_cur = pages * PAGE, .rlim_max = pages * PAGE };
	struct __user_cap_data_struct data[2];

	ASSERT_TRUE(!setrlimit(RLIMIT_MEMLOCK, &limit));
	ASSERT_TRUE(!syscall(SYS_capget, &header, data));
	data[0].effective &= ~(1U << CAP_IPC_LOCK);
	data[0].permitted &= ~(1U << CAP_IPC_LOCK);
	data[0].inheritable &= ~(1U << CAP_IPC_LOCK);
	ASSERT_TRUE(!syscall(SYS_capset, &header, data));
}

/*
 * fdinfo
 */
#define FDINFO_MAX	65536

/* The lines of our keys; pos, flags and so on are left out. */
static inline char *fdinfo_text(int fd)
{
	char path[64], text[FDINFO_MAX];
	char *ours;

	snprintf(path, sizeof(path), "/proc/self/fdinfo/%d", fd);
	ASSERT_TRUE(read_text(path, text, sizeof(text)) > 0);
	ours = strstr(text, "ioasid-");
	ASSERT_TRUE(ours);
	ours = strdup(ours);
	ASSERT_TRUE(ours);
	return ours;
}

#define FDINFO_NONE	UINT64_MAX

/* A number; FDINFO_NONE when the key is missing. */
static inline uint64_t fdinfo_get(int fd, const char *key)
{
	char *text = fdinfo_text(fd);
	uint64_t value = text_value(text, key, FDINFO_NONE);

	free(text);
	return value;
}

/* The same for the key of one space: key without "-N". */
static inline uint64_t fdinfo_get_n(int fd, const char *key, unsigned int n)
{
	char name[64];

	snprintf(name, sizeof(name), "%s-%u", key, n);
	return fdinfo_get(fd, name);
}

/* The counters of all contexts. */
static inline char *contexts_text(void)
{
	static char text[1 << 16];
	char *copy;

	ASSERT_TRUE(read_text(IOASID_DEBUGFS, text, sizeof(text)) > 0);
	copy = strdup(text);
	ASSERT_TRUE(copy);
	return copy;
}

/*
 * Kernel log
 */
static inline int kmsg_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
	return fd;
}

/* Waits for a record that holds all three strings (NULL: any). */
static inline bool kmsg_wait(int fd, unsigned int timeout_ms, const char *a, const char *b,
			     const char *c)
{
	char record[8192];
	ssize_t n;

	for (unsigned int waited = 0; waited <= timeout_ms; ) {
		n = read(fd, record, sizeof(record) - 1);
		if (n < 0 && errno == EPIPE)	/* overwritten: go on */
			continue;
		if (n < 0) {
			usleep(10000);
			waited += 10;
			continue;
		}
		record[n] = 0;
		if ((!a || strstr(record, a)) && (!b || strstr(record, b)) &&
		    (!c || strstr(record, c)))
			return true;
	}
	return false;
}

/*
 * The refused transfer that was just made (cmd as for edu_start()) is in the
 * kernel's log. VT-d's driver prints a few faults in five seconds for the whole
 * machine, and who came before may have had them all: the transfer is made again
 * until it is its turn.
 */
static inline bool dma_fault_is_logged(int kmsg, struct edu *edu, const char *device,
				       uint64_t iova, unsigned int cmd)
{
	char addr[32];

	snprintf(addr, sizeof(addr), "addr 0x%" PRIx64 " ", iova & ~(PAGE - 1));
	for (int try = 0; try < 15; try++) {
		if (kmsg_wait(kmsg, 300, "DMAR: [DMA", device + 5, addr))
			return true;
		usleep(700000);
		if (edu_start(edu, iova, 0, PAGE, cmd) || edu_wait(edu, EDU_TIMEOUT_MS))
			return false;
	}
	diag("no DMAR fault of %s at 0x%" PRIx64 " in the log", device, iova);
	return false;
}

#endif /* IOASID_SELFTESTS_STATE_UTIL_H */
