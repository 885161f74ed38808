/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the tests of /dev/ioasid share, in the style of iommufd's selftests:
 * each command exists as do_x() (returns 0 or a value, or -1 with errno),
 * test_x() (must succeed) and test_err_x(errno, ...) (must fail like that).
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

#define test_err_create_nesting(err, fd, parent)				\
	ASSERT_ERRNO(err, do_create_nesting(fd, parent))

static inline int do_table(int fd, unsigned int cmd, uint32_t ioasid, uint32_t format,
			   uint32_t addr_width, uint64_t table)
{
	struct ioasid_bind_table arg = {
		.argsz = sizeof(arg),
		.ioasid = ioasid,
		.format = format,
		.addr_width = addr_width,
		.table = table,
	};

	return ioctl(fd, cmd, &arg);
}

#define test_err_table(err, fd, cmd, ioasid) ASSERT_ERRNO(err, do_table(fd, cmd, ioasid, 0, 0, 0))

static inline int do_invalidate(int fd, uint32_t ioasid, uint64_t iova, uint64_t size)
{
	struct ioasid_invalidate_cache arg = {
		.argsz = sizeof(arg),
		.ioasid = ioasid,
		.iova = iova,
		.size = size,
	};

	return ioctl(fd, IOASID_INVALIDATE_CACHE, &arg);
}

#define test_err_invalidate(err, fd, ioasid, iova, size)			\
	ASSERT_ERRNO(err, do_invalidate(fd, ioasid, iova, size))

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

/*
 * PCI functions, by their names such as 0000:00:10.0
 */
#define PCI_NAME_LEN	16
#define IOASID_PCI_DRIVER	"ioasid_pci"

static inline int pci_path(char *path, const char *name, const char *file)
{
	return snprintf(path, PATH_MAX, "/sys/bus/pci/devices/%s/%s", name, file);
}

static inline uint32_t pci_attr(const char *name, const char *file)
{
	char path[PATH_MAX], text[32];

	pci_path(path, name, file);
	return read_text(path, text, sizeof(text)) < 0 ? 0 : strtoul(text, NULL, 0);
}

/* Number of the function's IOMMU group, -1 when it has none. */
static inline int pci_group(const char *name)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	pci_path(path, name, "iommu_group");
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		return -1;
	link[len] = 0;
	return atoi(strrchr(link, '/') + 1);
}

static inline int pci_group_size(const char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	pci_path(path, name, "iommu_group/devices");
	dir = opendir(path);
	if (!dir)
		return 0;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count;
}

static inline int pci_compare(const void *a, const void *b)
{
	return strcmp(a, b);
}

/* Functions with these ids in the order of their addresses, at most max. */
static inline int pci_find(uint16_t vendor, uint16_t device, char names[][PCI_NAME_LEN], int max)
{
	DIR *dir = opendir("/sys/bus/pci/devices");
	struct dirent *entry;
	int count = 0;

	if (!dir)
		return 0;
	while (count < max && (entry = readdir(dir))) {
		if (entry->d_name[0] == '.' || pci_attr(entry->d_name, "vendor") != vendor ||
		    pci_attr(entry->d_name, "device") != device)
			continue;
		snprintf(names[count++], PCI_NAME_LEN, "%.15s", entry->d_name);
	}
	closedir(dir);
	qsort(names, count, PCI_NAME_LEN, pci_compare);
	return count;
}

/* The name of the bound driver, "" when there is none. */
static inline const char *pci_driver(const char *name, char *driver)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	driver[0] = 0;
	pci_path(path, name, "driver");
	len = readlink(path, link, sizeof(link) - 1);
	if (len > 0) {
		link[len] = 0;
		strcpy(driver, strrchr(link, '/') + 1);
	}
	return driver;
}

/*
 * Gives a function to a driver ("": to nobody, and what the kernel would choose
 * later). 0, or -1 when the driver did not take it.
 */
static inline int pci_rebind(const char *name, const char *driver)
{
	char path[PATH_MAX], bound[PATH_MAX];

	pci_driver(name, bound);
	pci_path(path, name, "driver_override");
	if (write_text(path, *driver ? driver : "\n"))
		return -1;
	if (*driver && !strcmp(bound, driver))
		return 0;
	pci_path(path, name, "driver/unbind");
	if (*bound && write_text(path, name))
		return -1;
	if (!*driver)
		return 0;
	write_text("/sys/bus/pci/drivers_probe", name);
	return strcmp(pci_driver(name, bound), driver) ? -1 : 0;
}

static inline int device_node(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), IOASID_DEVICE_DIR "/%s", name);
	return open(path, O_RDWR | O_CLOEXEC);
}

/* Lets a bound device master the bus; what VFIO calls the config region. */
static inline int device_set_master(int dev)
{
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_CONFIG_REGION_INDEX,
	};
	const off_t command = 4;
	uint16_t value;

	if (ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region))
		return -1;
	if (pread(dev, &value, sizeof(value), region.offset + command) != sizeof(value))
		return -1;
	value |= 0x6;	/* memory space, bus master */
	return pwrite(dev, &value, sizeof(value), region.offset + command) ==
	       sizeof(value) ? 0 : -1;
}

static inline off_t device_bar0(int dev)
{
	struct vfio_region_info region = {
		.argsz = sizeof(region),
		.index = VFIO_PCI_BAR0_REGION_INDEX,
	};

	return ioctl(dev, VFIO_DEVICE_GET_REGION_INFO, &region) ? -1 : (off_t)region.offset;
}

/*
 * edu devices: nr counts those alone in their IOMMU group first (0 and 1 in the
 * lab), then those that share one (2 and 3).
 */
#define EDU_MAX	8

struct edu_device {
	char name[PCI_NAME_LEN];
	int fd;			/* the device node */
	struct edu edu;
};

static inline const char *edu_name(unsigned int nr)
{
	static char names[EDU_MAX][PCI_NAME_LEN];
	int count = pci_find(EDU_VENDOR, EDU_DEVICE, names, EDU_MAX);

	for (int alone = 1; alone >= 0; alone--)
		for (int i = 0; i < count; i++)
			if (pci_group(names[i]) >= 0 &&
			    (pci_group_size(names[i]) == 1) == alone && !nr--)
				return names[i];
	return NULL;
}

/* Hands edu nr to ioasid_pci and opens its node; skips the test without one. */
static inline void edu_device_open(struct edu_device *dev, unsigned int nr)
{
	const char *name = edu_name(nr);

	if (!name)
		SKIP("no edu device %u behind an IOMMU", nr);
	strcpy(dev->name, name);
	if (pci_rebind(name, IOASID_PCI_DRIVER))
		SKIP("%s cannot be bound to " IOASID_PCI_DRIVER, name);
	for (int try = 0; try < 50; try++) {	/* devtmpfs makes nodes in its own time */
		dev->fd = device_node(name);
		if (dev->fd >= 0 || errno != ENOENT)
			break;
		usleep(10000);
	}
	if (dev->fd < 0)
		FAIL("%s/%s: %s", IOASID_DEVICE_DIR, name, strerror(errno));
}

/* After bind: lets it do DMA and maps its registers. */
static inline void edu_device_start(struct edu_device *dev)
{
	off_t bar0 = device_bar0(dev->fd);

	ASSERT_TRUE(!device_set_master(dev->fd));
	ASSERT_TRUE(bar0 >= 0);
	ASSERT_TRUE(!edu_open(&dev->edu, dev->fd, bar0));
}

static inline void edu_device_close(struct edu_device *dev)
{
	edu_close(&dev->edu);
	if (dev->fd > 0)
		close(dev->fd);
	dev->fd = -1;
}

/*
 * In scalable mode (bit 43 of the extended capabilities) no DMA passes the
 * bridge of the lab, under stock VFIO neither: the kernel makes no context entry
 * for the bridge's alias.
 */
static inline bool iommu_passes_bridge(void)
{
	char text[32];

	if (read_text("/sys/class/iommu/dmar0/intel-iommu/ecap", text, sizeof(text)) < 0)
		return true;
	return !(strtoull(text, NULL, 16) >> 43 & 1);
}

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

/* Longterm and other pins of the whole machine that are held now. */
static inline int64_t machine_pins(void)
{
	char text[32768];

	/* Per-CPU parts are added up by this file only. */
	write_text("/proc/sys/vm/stat_refresh", "1");
	ASSERT_TRUE(read_text("/proc/vmstat", text, sizeof(text)) > 0);
	return text_value(text, "nr_foll_pin_acquired", 0) -
	       text_value(text, "nr_foll_pin_released", 0);
}

/* Work that is done behind the close of a file may need a moment. */
static inline bool machine_pins_become(int64_t pins)
{
	for (int try = 0; try < 100; try++) {
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
#define FDINFO_MAX	16384

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
 * VT-d's report of a refused access. The kernel prints ten in five seconds at
 * most, so ask only for the first ones.
 */
static inline bool kmsg_dma_fault(int fd, const char *device, uint64_t iova)
{
	char addr[32];

	snprintf(addr, sizeof(addr), "addr 0x%" PRIx64, iova);
	return kmsg_wait(fd, 1000, "DMAR: [DMA", device + 5, addr);
}

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

#endif /* IOASID_SELFTESTS_UTIL_H */
