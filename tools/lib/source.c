// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Finding the driver's counters: debugfs, else the fdinfo of all processes. */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>
#include "counters.h"

#define MISC_DEVICE	"/sys/class/misc/ioasid/dev"

const char *counter_source__name(enum counter_source source)
{
	static const char *const names[] = {
		[COUNTERS_NONE] = "none", [COUNTERS_DEBUGFS] = "debugfs",
		[COUNTERS_FDINFO] = "fdinfo", [COUNTERS_FILE] = "file",
	};

	return names[source];
}

/* Reads to the end, a terminating zero is added. */
static int read_all(int fd, char **text)
{
	size_t size = 0, room = 0;
	char *grown;
	ssize_t n;

	*text = NULL;
	do {
		if (room - size < 4096) {
			room = room ? 2 * room : 16384;
			grown = realloc(*text, room + 1);
			if (!grown) {
				free(*text);
				return -ENOMEM;
			}
			*text = grown;
		}
		n = read(fd, *text + size, room - size);
		if (n < 0) {
			n = -errno;
			free(*text);
			return n;
		}
		size += n;
	} while (n);
	(*text)[size] = '\0';
	return 0;
}

/*
 * Files of the driver are opened anew each time: an open one would keep the
 * module from being unloaded.
 */
int read_text(int dirfd, const char *path, char **text)
{
	int fd = openat(dirfd, path, O_RDONLY | O_CLOEXEC), err;

	if (fd < 0)
		return -errno;
	err = read_all(fd, text);
	close(fd);
	return err;
}

static int add_file(struct counter_set *set, int dirfd, const char *path)
{
	char *text;
	int err = read_text(dirfd, path, &text);

	return err ? err : counters__add_text(set, text);
}

/* The device number of /dev/ioasid, whatever it is called where it was opened. */
static int driver_device(dev_t *dev)
{
	unsigned int major, minor;
	char *text;
	int err, n;

	err = read_text(AT_FDCWD, MISC_DEVICE, &text);
	if (err)
		return err;
	n = sscanf(text, "%u:%u", &major, &minor);
	free(text);
	if (n != 2)
		return -EINVAL;
	*dev = makedev(major, minor);
	return 0;
}

/* Processes come and go and may be closed to us: what cannot be read is skipped. */
static int scan_process(struct counter_set *set, int proc, const char *pid, dev_t dev)
{
	char path[64 + 2 * NAME_MAX];
	struct dirent *entry;
	struct stat st;
	int fd, err = 0;
	DIR *dir;

	snprintf(path, sizeof(path), "%s/fd", pid);
	fd = openat(proc, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (fd < 0)
		return 0;
	dir = fdopendir(fd);
	if (!dir) {
		close(fd);
		return -ENOMEM;
	}
	while (err != -ENOMEM && (entry = readdir(dir))) {
		if (fstatat(fd, entry->d_name, &st, 0) || !S_ISCHR(st.st_mode) ||
		    st.st_rdev != dev)
			continue;
		snprintf(path, sizeof(path), "%s/fdinfo/%s", pid, entry->d_name);
		err = add_file(set, proc, path);
	}
	closedir(dir);
	return err == -ENOMEM ? err : 0;
}

static int scan_processes(struct counter_set *set, dev_t dev)
{
	DIR *dir = opendir("/proc");
	struct dirent *entry;
	int err = 0;

	if (!dir)
		return -errno;
	while (!err && (entry = readdir(dir)))
		if (entry->d_name[0] >= '0' && entry->d_name[0] <= '9')
			err = scan_process(set, dirfd(dir), entry->d_name, dev);
	closedir(dir);
	return err;
}

int counters__read(struct counter_set *set, const char *file, enum counter_source *source)
{
	dev_t dev;
	int err;

	set->complete = true;
	if (file) {
		*source = COUNTERS_FILE;
		return add_file(set, AT_FDCWD, file);
	}
	*source = COUNTERS_DEBUGFS;
	err = add_file(set, AT_FDCWD, IOASID_CONTEXTS_FILE);
	if (!err || err == -ENOMEM)
		return err;
	if (driver_device(&dev)) {
		*source = COUNTERS_NONE;
		return 0;
	}
	*source = COUNTERS_FDINFO;
	set->complete = false;
	return scan_processes(set, dev);
}
