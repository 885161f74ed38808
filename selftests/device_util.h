/* SPDX-License-Identifier: GPL-2.0-only */
/* PCI functions by name, and the edu devices of the lab. Part of ioasid_util.h. */
#ifndef IOASID_SELFTESTS_DEVICE_UTIL_H
#define IOASID_SELFTESTS_DEVICE_UTIL_H

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
	for (int try = 0; try < 1000; try++) {	/* devtmpfs makes nodes in its own time */
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

/* A bit of VT-d's extended capabilities; false without VT-d. */
static inline bool vtd_ecap(unsigned int bit)
{
	char text[32];

	if (read_text("/sys/class/iommu/dmar0/intel-iommu/ecap", text, sizeof(text)) < 0)
		return false;
	return strtoull(text, NULL, 16) >> bit & 1;
}

/*
 * In scalable mode no DMA passes the bridge of the lab, under stock VFIO neither:
 * the kernel makes no context entry for the bridge's alias.
 */
static inline bool iommu_passes_bridge(void)
{
	return !vtd_ecap(43);
}

/* Whether the IOMMU can overrule a device that wants to bypass the caches. */
static inline bool iommu_enforces_snoop(void)
{
	return vtd_ecap(7);
}

#endif /* IOASID_SELFTESTS_DEVICE_UTIL_H */
