// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <sys/utsname.h>
#include <unistd.h>
#include "probe.h"

static bool has_cap(cap_t caps, cap_value_t cap)
{
	cap_flag_value_t value;

	return !cap_get_flag(caps, cap, CAP_EFFECTIVE, &value) && value == CAP_SET;
}

static void probe_caps(struct probe *probe)
{
	cap_t caps = cap_get_proc();
	bool admin;

	if (!caps)
		return;
	admin = has_cap(caps, CAP_SYS_ADMIN);
	probe->cap_sys_admin = admin;
	probe->cap_bpf = admin || has_cap(caps, CAP_BPF);
	probe->cap_perfmon = admin || has_cap(caps, CAP_PERFMON);
	cap_free(caps);
}

void probe__run(struct probe *probe)
{
	struct utsname uts;

	*probe = (struct probe){ 0 };
	if (!uname(&uts))
		snprintf(probe->kernel, sizeof(probe->kernel), "%s", uts.release);
	probe->driver = !access("/sys/module/ioasid", F_OK);
	probe->driver_btf = !access("/sys/kernel/btf/ioasid", F_OK);
	probe->kernel_btf = !access("/sys/kernel/btf/vmlinux", F_OK);
	probe->debugfs = !access(IOASID_CONTEXTS_FILE, R_OK);
	probe->source = probe->debugfs ? COUNTERS_DEBUGFS :
			probe->driver ? COUNTERS_FDINFO : COUNTERS_NONE;
	probe_caps(probe);
}

static const char not_loaded[] =
	"the ioasid driver is not loaded: "
	"'modprobe ioasid', or 'insmod ioasid.ko' where it was built";

const char *probe__bpf_obstacle(const struct probe *probe)
{
	if (!probe->driver)
		return not_loaded;
	if (!probe->cap_bpf && !probe->cap_perfmon)
		return "no latencies without CAP_BPF and CAP_PERFMON: "
		       "run as root, or setcap the tool";
	if (!probe->cap_bpf)
		return "no latencies without CAP_BPF: run as root, or setcap the tool";
	if (!probe->cap_perfmon)
		return "no latencies without CAP_PERFMON: run as root, or setcap the tool";
	return NULL;
}

const char *probe__counters_obstacle(const struct probe *probe)
{
	if (!probe->driver)
		return not_loaded;
	if (!probe->debugfs)
		return "others' contexts and VFIO containers are hidden: "
		       "run as root with debugfs mounted";
	return NULL;
}

static bool keep(cap_t from, cap_t to, cap_value_t cap)
{
	cap_flag_value_t value;

	if (cap_get_flag(from, cap, CAP_PERMITTED, &value) || value != CAP_SET)
		return true;
	return !cap_set_flag(to, CAP_PERMITTED, 1, &cap, CAP_SET) &&
	       !cap_set_flag(to, CAP_EFFECTIVE, 1, &cap, CAP_SET);
}

int caps__drop(bool keep_ptrace)
{
	cap_t now = cap_get_proc(), left = cap_init();
	int err = 0;

	if (!now || !left)
		err = -ENOMEM;
	else if (keep_ptrace && !(keep(now, left, CAP_SYS_PTRACE) &&
				  keep(now, left, CAP_DAC_READ_SEARCH)))
		err = -EINVAL;
	else if (cap_set_proc(left) || prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	cap_free(now);
	cap_free(left);
	return err;
}
