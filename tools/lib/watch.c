// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "../../bpf/stats.h"
#include "probe.h"
#include "watch.h"

#define OP(op)	(1U << IOASID_OP_##op)
#define ALL_OPS	((1U << IOASID_NR_OPS) - 1)

/* Functions that programs are attached to; a kernel without one is not watched. */
static const char *const vfio_functions[] = {
	"vfio_iommu_type1_open", "vfio_iommu_type1_release", "vfio_iommu_type1_ioctl",
	"vfio_iommu_type1_attach_group", "vfio_iommu_type1_detach_group", NULL,
};

static const char *const iommufd_functions[] = {
	"iommufd_ioas_alloc_ioctl", "iommufd_ioas_map", "iommufd_ioas_unmap",
	"iommufd_ioas_destroy", "iommufd_destroy", "iommufd_fops_release", NULL,
};

static const struct {
	const char *name;
	const char *text;
	const char *module;
	const char *const *functions;	/* NULL: tracepoints, which need no BTF */
	__u32 ops;
	bool times;
} watches[NR_WATCHES] = {
	[WATCH_IOASID] = { "ioasid", "the ioasid driver", "ioasid", NULL, ALL_OPS, true },
	[WATCH_VFIO] = { "vfio", "VFIO type1 (--source vfio)", "vfio_iommu_type1", vfio_functions,
			 OP(MAP) | OP(UNMAP) | OP(ATTACH) | OP(DETACH), true },
	[WATCH_IOMMUFD] = { "iommufd", "iommufd (--source iommufd)", "iommufd", iommufd_functions,
			    OP(MAP) | OP(UNMAP), true },
	[WATCH_IOMMU] = { "iommu", "all IOMMUs (--source iommu)", NULL, NULL,
			  OP(MAP) | OP(UNMAP) | OP(INV) | OP(ATTACH), false },
};

const char *watch__name(enum watch watch)
{
	return watch < NR_WATCHES ? watches[watch].name : "auto";
}

const char *watch__describe(enum watch watch)
{
	return watches[watch].text;
}

bool watch__parse(const char *name, enum watch *watch)
{
	for (*watch = 0; *watch < NR_WATCHES; (*watch)++)
		if (!strcmp(name, watches[*watch].name))
			return true;
	return !strcmp(name, "auto");
}

__u32 watch__ops(enum watch watch)
{
	return watches[watch].ops;
}

bool watch__has_times(enum watch watch)
{
	return watches[watch].times;
}

bool watch__is_traced(enum watch watch)
{
	return watches[watch].functions;
}

/* Modules that are built in have a directory, too, when they have parameters. */
static bool is_loaded(const char *module)
{
	char path[64];

	snprintf(path, sizeof(path), "/sys/module/%s", module);
	return !access(path, F_OK);
}

/* That this kernel has no tracepoints is found out when they are used. */
static bool is_there(enum watch watch, const struct probe *probe)
{
	if (watch == WATCH_IOASID)
		return probe->driver;
	return !watches[watch].module || is_loaded(watches[watch].module);
}

enum watch watch__choose(enum watch wanted, const struct probe *probe)
{
	if (wanted != WATCH_AUTO)
		return wanted;
	for (enum watch watch = 0; watch < NR_WATCHES; watch++)
		if (is_there(watch, probe))
			return watch;
	return WATCH_IOASID;
}

static const char *missing_capability(const struct probe *probe)
{
	if (!probe->cap_bpf)
		return "CAP_BPF";
	return probe->cap_perfmon ? NULL : "CAP_PERFMON";
}

bool watch__obstacle(enum watch watch, const struct probe *probe, char *why, size_t size)
{
	const char *module = watches[watch].module, *capability = missing_capability(probe);
	const char *obstacle;

	if (watch == WATCH_IOASID) {
		obstacle = probe__bpf_obstacle(probe);
		snprintf(why, size, "%s", obstacle ? obstacle : "");
		return obstacle;
	}
	*why = '\0';
	if (!is_there(watch, probe))
		snprintf(why, size, "%s is not loaded: 'modprobe %s', or choose another --source",
			 module, module);
	else if (capability)
		snprintf(why, size, "--source %s needs %s: run as root, or setcap the tool",
			 watches[watch].name, capability);
	else if (watches[watch].functions && !probe->kernel_btf)
		snprintf(why, size, "--source %s needs a kernel with BTF (CONFIG_DEBUG_INFO_BTF): /sys/kernel/btf/vmlinux is missing",
			 watches[watch].name);
	return *why;
}

/* The module's types on top of the kernel's; a module that is built in has none. */
static const char *missing_function(enum watch watch)
{
	struct btf *kernel = btf__load_vmlinux_btf(), *own = NULL;
	const char *const *function = watches[watch].functions;

	if (!kernel || !function) {
		btf__free(kernel);
		return NULL;
	}
	if (is_loaded(watches[watch].module))
		own = btf__load_module_btf(watches[watch].module, kernel);
	while (*function && btf__find_by_name_kind(own ? own : kernel, *function,
						   BTF_KIND_FUNC) > 0)
		function++;
	btf__free(own);
	btf__free(kernel);
	return *function;
}

void watch__explain(enum watch watch, const struct probe *probe, int err, char *why, size_t size)
{
	const char *module = watches[watch].module, *function;
	char path[64];

	if (watch__obstacle(watch, probe, why, size))
		return;
	if (err == -EPERM) {
		snprintf(why, size, "the kernel refuses BPF here: look for lockdown, seccomp or a container's limits");
		return;
	}
	snprintf(path, sizeof(path), "/sys/kernel/btf/%s", module ? module : "vmlinux");
	function = missing_function(watch);
	if (watches[watch].functions && access(path, F_OK))
		snprintf(why, size, "--source %s needs the BTF of %s, and %s is missing: load the module that belongs to this kernel",
			 watches[watch].name, module, path);
	else if (watches[watch].functions && !probe->cap_sys_admin)
		snprintf(why, size, "--source %s needs CAP_SYS_ADMIN on this kernel, to use the BTF of %s: run as root",
			 watches[watch].name, module);
	else if (function)
		snprintf(why, size, "this kernel's %s has no function %s, so that it cannot be watched: choose another --source",
			 module, function);
	else
		snprintf(why, size, "the BPF programs of --source %s cannot be loaded (%s): --verbose shows why",
			 watches[watch].name, strerror(-err));
}

void watch_skel__prepare(const struct watch_skel *skel, enum watch watch)
{
	struct bpf_program *prog;
	const char *function;
	char path[64];

	snprintf(path, sizeof(path), "/sys/kernel/btf/%s",
		 watches[watch].module ? watches[watch].module : "");
	if (!watches[watch].functions || !access(path, F_OK))
		return;
	bpf_object__for_each_program(prog, *skel->skeleton->obj) {
		function = strchr(bpf_program__section_name(prog), ':');
		if (function)
			bpf_program__set_attach_target(prog, 0, function + 1);
	}
}

bool watch_skel__may_lack(const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog);

	return !strcmp(name, "on_iommu_qi_submit");
}

void watch_skel__close(struct watch_skel *skel)
{
	bpf_object__destroy_skeleton(skel->skeleton);
	free(skel->memory);
	*skel = (struct watch_skel){ 0 };
}

struct bpf_map *watch_skel__map(const struct watch_skel *skel, const char *name)
{
	return bpf_object__find_map_by_name(*skel->skeleton->obj, name);
}

static __u64 read_unread(const struct watch_skel *skel)
{
	struct bpf_map *map = watch_skel__map(skel, "unread");
	__u64 unread = 0;
	__u32 zero = 0;

	if (map)
		bpf_map_lookup_elem(bpf_map__fd(map), &zero, &unread);
	return unread;
}

static __s64 read_rescued(const struct watch_skel *skel)
{
	struct bpf_map *map = watch_skel__map(skel, "rescued");
	int cpus = libbpf_num_possible_cpus();
	__s64 *values, sum = 0;
	__u32 zero = 0;

	values = map && cpus > 0 ? calloc(cpus, sizeof(*values)) : NULL;
	if (values && !bpf_map_lookup_elem(bpf_map__fd(map), &zero, values))
		for (int i = 0; i < cpus; i++)
			sum += values[i];
	free(values);
	return sum;
}

/* One that does the work of another which was skipped: see bpf/watch.h. */
static bool is_spare(const struct bpf_program *prog)
{
	const char *name = bpf_program__name(prog), *end = strrchr(name, '_');

	return end && (!strcmp(end, "_2") || !strcmp(end, "_3"));
}

/* Programs that the kernel skipped because they ran on that CPU already. */
static __s64 read_missed(const struct watch_skel *skel)
{
	struct bpf_prog_info info;
	struct bpf_program *prog;
	__s64 sum = 0;
	__u32 len;
	int fd;

	bpf_object__for_each_program(prog, *skel->skeleton->obj) {
		memset(&info, 0, sizeof(info));
		len = sizeof(info);
		fd = bpf_program__fd(prog);
		if (fd >= 0 && !is_spare(prog) && !bpf_prog_get_info_by_fd(fd, &info, &len))
			sum += info.recursion_misses;
	}
	return sum;
}

static __u64 read_lost(const struct watch_skel *skel)
{
	__s64 missed = read_missed(skel), rescued = read_rescued(skel);

	return read_unread(skel) + (missed > rescued ? missed - rescued : 0);
}

/*
 * A thread may be preempted between a program that was skipped and the one that does its
 * work: that is not lost, and is waited for.
 */
#define PATIENCE	10
#define PAUSE_US	5000

__u64 watch_skel__lost(struct watch_skel *skel)
{
	__u64 lost = read_lost(skel);

	for (int i = 0; i < PATIENCE && lost > skel->lost; i++) {
		usleep(PAUSE_US);
		lost = read_lost(skel);
	}
	if (lost > skel->lost)
		skel->lost = lost;
	return skel->lost;
}
