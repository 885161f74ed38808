// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Names of addresses in processes, through libdwfl.
 *
 * What a process has mapped is asked for when its first stack is printed, and kept: a
 * process that has ended meanwhile is still served. One that was faster than that has
 * addresses only. Names that were found are kept, too, because libdwfl searches long.
 *
 * Whatever a process has mapped was chosen by that process. Its files are opened below
 * its own root, only when they are regular ones, and nothing is fetched from anywhere.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>
#include <linux/openat2.h>
#include <elfutils/libdwfl.h>
#include "symbols.h"
#include "ticker.h"

#define MAX_PROCESSES	32
#define MAX_NAMES	1024	/* of a process, a power of two */

struct name {
	__u64 address;
	__u64 offset;
	const char *symbol, *module;
};

struct process {
	__u32 pid;		/* 0: free */
	char comm[16];		/* changes when another program is run */
	int pidfd;		/* -1: it has ended */
	__u64 ended_ns;		/* before this */
	__u64 used;
	Dwfl *dwfl;		/* NULL: it was gone already */
	struct name names[MAX_NAMES];
};

struct users {
	struct process processes[MAX_PROCESSES];
	__u64 clock;
};

/* libdwfl's callbacks have no argument of ours. */
static __u32 current_pid;

/* A regular file, as the process sees it. */
static int open_file(__u32 pid, const char *path)
{
	struct open_how how = { .flags = O_PATH | O_CLOEXEC, .resolve = RESOLVE_IN_ROOT };
	char root[32], self[32];
	struct stat stat;
	int root_fd, fd;

	snprintf(root, sizeof(root), "/proc/%u/root", pid);
	root_fd = open(root, O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		root_fd = open("/", O_PATH | O_DIRECTORY | O_CLOEXEC);
	if (root_fd < 0)
		return -1;
	fd = syscall(SYS_openat2, root_fd, path, &how, sizeof(how));
	close(root_fd);
	if (fd < 0)
		return -1;
	root_fd = -1;
	if (!fstat(fd, &stat) && S_ISREG(stat.st_mode)) {
		snprintf(self, sizeof(self), "/proc/self/fd/%d", fd);
		root_fd = open(self, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
	}
	close(fd);
	return root_fd;
}

static int find_elf(Dwfl_Module *module, void **user, const char *name, Dwarf_Addr base,
		    char **file_name, Elf **elf)
{
	int fd;

	if (*name != '/')	/* the vdso */
		return dwfl_linux_proc_find_elf(module, user, name, base, file_name, elf);
	fd = open_file(current_pid, name);
	if (fd >= 0)
		*file_name = strdup(name);
	return fd;
}

static const Dwfl_Callbacks callbacks = {
	.find_elf = find_elf,
	.find_debuginfo = dwfl_build_id_find_debuginfo,
};

struct users *users__new(void)
{
	unsetenv("DEBUGINFOD_URLS");
	return calloc(1, sizeof(struct users));
}

static void forget(struct process *process)
{
	if (process->dwfl)
		dwfl_end(process->dwfl);
	if (process->pid && process->pidfd >= 0)
		close(process->pidfd);
	process->dwfl = NULL;
	process->pid = 0;
}

void users__free(struct users *users)
{
	if (!users)
		return;
	for (int i = 0; i < MAX_PROCESSES; i++)
		forget(&users->processes[i]);
	free(users);
}

static void learn(struct process *process, const struct process_at *at)
{
	forget(process);
	memset(process->names, 0, sizeof(process->names));
	process->pid = at->pid;
	memcpy(process->comm, at->comm, sizeof(process->comm));
	process->pidfd = syscall(SYS_pidfd_open, at->pid, 0);
	process->ended_ns = process->pidfd < 0 ? now_ns() : 0;
	current_pid = at->pid;
	process->dwfl = dwfl_begin(&callbacks);
	if (!process->dwfl)
		return;
	dwfl_report_begin(process->dwfl);
	if (dwfl_linux_proc_report(process->dwfl, at->pid) ||
	    dwfl_report_end(process->dwfl, NULL, NULL)) {
		dwfl_end(process->dwfl);
		process->dwfl = NULL;
	}
}

static void look_whether_ended(struct process *process)
{
	struct pollfd fd = { .fd = process->pidfd, .events = POLLIN };

	if (process->pidfd < 0 || poll(&fd, 1, 0) <= 0)
		return;
	close(process->pidfd);
	process->pidfd = -1;
	process->ended_ns = now_ns();
}

/* The same number may be another process by now, and a process may run another program. */
static bool is_of(const struct process *process, const struct process_at *at)
{
	return process->pid == at->pid &&
	       !strncmp(process->comm, at->comm, sizeof(process->comm)) &&
	       (!process->ended_ns || at->ts_ns < process->ended_ns);
}

static struct process *process_of(struct users *users, const struct process_at *at)
{
	struct process *oldest = &users->processes[0], *process;

	for (int i = 0; i < MAX_PROCESSES; i++) {
		process = &users->processes[i];
		if (process->pid == at->pid)
			look_whether_ended(process);
		if (is_of(process, at))
			goto found;
		if (process->used < oldest->used)
			oldest = process;
	}
	process = oldest;
	learn(process, at);
found:
	process->used = ++users->clock;
	return process;
}

/* Names live as long as the process's Dwfl. */
static void look_up(struct process *process, struct name *name)
{
	Dwarf_Addr address = name->address - 1, low = 0;	/* a return address */
	Dwfl_Module *module;
	GElf_Off offset;
	GElf_Sym sym;

	name->symbol = name->module = NULL;
	module = process->dwfl ? dwfl_addrmodule(process->dwfl, address) : NULL;
	if (!module)
		return;
	current_pid = process->pid;
	name->module = dwfl_module_info(module, NULL, &low, NULL, NULL, NULL, NULL, NULL);
	name->symbol = dwfl_module_addrinfo(module, address, &offset, &sym, NULL, NULL, NULL);
	name->offset = name->symbol ? offset + 1 : name->address - low;
}

void users__find(struct users *users, const struct process_at *at, struct frame *frame)
{
	struct process *process = process_of(users, at);
	__u32 slot = (frame->address ^ frame->address >> 10) % MAX_NAMES;
	struct name *name = &process->names[slot];

	if (name->address != frame->address) {
		name->address = frame->address;
		look_up(process, name);
	}
	frame->symbol = name->symbol;
	frame->module = name->module;
	frame->offset = name->offset;
}
