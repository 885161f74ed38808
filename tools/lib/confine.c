// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <string.h>
#include <sys/capability.h>
#include <sys/prctl.h>
#include <unistd.h>
#include "confine.h"

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

/*
 * To load and attach programs, for the driver's counters in debugfs, and where there is
 * no debugfs for /proc/PID/fdinfo.
 */
static const cap_value_t collector_caps[] = {
	CAP_BPF, CAP_PERFMON, CAP_DAC_READ_SEARCH, CAP_SYS_PTRACE,
};

static int become(const char *user, char *why, size_t size)
{
	const struct passwd *entry;

	if (geteuid())
		return 0;
	entry = getpwnam(user);
	if (!entry || !entry->pw_uid) {
		snprintf(why, size, "there is no unprivileged user '%s': see --user", user);
		return -ENOENT;
	}
	if (prctl(PR_SET_KEEPCAPS, 1, 0, 0, 0) || setgroups(0, NULL) ||
	    setresgid(entry->pw_gid, entry->pw_gid, entry->pw_gid) ||
	    setresuid(entry->pw_uid, entry->pw_uid, entry->pw_uid)) {
		snprintf(why, size, "cannot become user '%s': %s", user, strerror(errno));
		return -errno;
	}
	return 0;
}

/* Those that we do not have are not missed here. */
static int keep_caps(bool collector)
{
	cap_t now = cap_get_proc(), left = cap_init();
	cap_flag_value_t value;
	int err = 0;

	if (!now || !left)
		err = -ENOMEM;
	for (size_t i = 0; !err && collector && i < ARRAY_SIZE(collector_caps); i++) {
		cap_value_t cap = collector_caps[i];

		if (cap_get_flag(now, cap, CAP_PERMITTED, &value) || value != CAP_SET)
			continue;
		if (cap_set_flag(left, CAP_PERMITTED, 1, &cap, CAP_SET) ||
		    cap_set_flag(left, CAP_EFFECTIVE, 1, &cap, CAP_SET))
			err = -EINVAL;
	}
	if (!err && cap_set_proc(left))
		err = -errno;
	cap_free(now);
	cap_free(left);
	return err;
}

/* Fails without CAP_SETPCAP: then no_new_privs has to do. */
static void drop_bounds(bool collector)
{
	for (int cap = 0; prctl(PR_CAPBSET_READ, cap, 0, 0, 0) >= 0; cap++) {
		bool keep = false;

		for (size_t i = 0; collector && i < ARRAY_SIZE(collector_caps); i++)
			keep |= collector_caps[i] == cap;
		if (!keep)
			prctl(PR_CAPBSET_DROP, cap, 0, 0, 0);
	}
}

int confine(const char *user, bool collector, char *why, size_t size)
{
	int err;

	drop_bounds(collector);
	err = become(user, why, size);
	if (err)
		return err;
	err = keep_caps(collector);
	if (!err && prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
		err = -errno;
	if (err)
		snprintf(why, size, "cannot give up privileges: %s", strerror(-err));
	return err;
}
