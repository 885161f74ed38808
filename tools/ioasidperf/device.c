// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "perf.h"

#define DEVICES		"/sys/bus/pci/devices"

static int device_path(char *path, const char *name, const char *file)
{
	return snprintf(path, PATH_MAX, DEVICES "/%s/%s", name, file);
}

static int write_text(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY | O_CLOEXEC), rc = 0;

	if (fd < 0)
		return -errno;
	if (write(fd, text, strlen(text)) < 0)
		rc = -errno;
	close(fd);
	return rc;
}

/* What the link points to, without its path; "" without a link. */
static void read_link(const char *name, const char *file, char *target, size_t size)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	*target = 0;
	device_path(path, name, file);
	len = readlink(path, link, sizeof(link) - 1);
	if (len <= 0)
		return;
	link[len] = 0;
	snprintf(target, size, "%.63s", strrchr(link, '/') ? strrchr(link, '/') + 1 : link);
}

int device__group(const char *name)
{
	char text[64];

	read_link(name, "iommu_group", text, sizeof(text));
	return *text ? atoi(text) : -1;
}

/* "": to nobody */
int device__give(const char *name, const char *driver)
{
	char path[PATH_MAX], bound[64];
	int rc;

	read_link(name, "driver", bound, sizeof(bound));
	device_path(path, name, "driver_override");
	rc = write_text(path, *driver ? driver : "\n");
	if (rc || !strcmp(bound, driver))
		return rc;
	device_path(path, name, "driver/unbind");
	if (*bound)
		rc = write_text(path, name);
	if (rc || !*driver)
		return rc;
	rc = write_text("/sys/bus/pci/drivers_probe", name);
	read_link(name, "driver", bound, sizeof(bound));
	return rc ? rc : strcmp(bound, driver) ? -ENODEV : 0;
}

static unsigned long read_id(const char *name, const char *file)
{
	char path[PATH_MAX], text[32] = "";
	FILE *in;

	device_path(path, name, file);
	in = fopen(path, "re");
	if (!in)
		return 0;
	if (!fgets(text, sizeof(text), in))
		*text = 0;
	fclose(in);
	return strtoul(text, NULL, 0);
}

static bool alone_in_group(const char *name)
{
	char path[PATH_MAX];
	struct dirent *entry;
	int count = 0;
	DIR *dir;

	device_path(path, name, "iommu_group/devices");
	dir = opendir(path);
	if (!dir)
		return false;
	while ((entry = readdir(dir)))
		count += entry->d_name[0] != '.';
	closedir(dir);
	return count == 1;
}

/* QEMU's "edu" device, which nothing else wants. */
const char *device__default(void)
{
	static char best[32];
	struct dirent *entry;
	DIR *dir = opendir(DEVICES);

	if (!dir)
		return NULL;
	*best = 0;
	while ((entry = readdir(dir))) {
		const char *name = entry->d_name;

		if (*name == '.' || read_id(name, "vendor") != 0x1234 ||
		    read_id(name, "device") != 0x11e8 || !alone_in_group(name))
			continue;
		if (!*best || strcmp(name, best) < 0)
			snprintf(best, sizeof(best), "%.31s", name);
	}
	closedir(dir);
	return *best ? best : NULL;
}

bool device__module_loaded(const char *name)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), "/sys/module/%s", name);
	return !access(path, F_OK);
}
