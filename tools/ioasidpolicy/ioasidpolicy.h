/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
#ifndef IOASIDPOLICY_H
#define IOASIDPOLICY_H

#include <stdbool.h>
#include <stdint.h>
#include "exit_status.h"
#include "policy.h"

#define BPFFS		"/sys/fs/bpf"
#define PIN_DIR		BPFFS "/ioasid"
#define POLICIES_FILE	"/sys/kernel/debug/ioasid/policies"
#define NAME_SIZE	16

struct options {
	bool json;
	bool verbose;
	bool replace;
	const char *name;
	const char *map;		/* of a file with several policies */
	uint32_t ctx;
	int32_t priority;
	bool has_ctx, has_priority;
	/* allow */
	struct ioasid_allow_range ranges[IOASID_MAX_ALLOW_RANGES];
	uint32_t nr_ranges;
	/* fault */
	uint64_t rate, burst;		/* 0: not said */
	bool no_user;
};

/* What went wrong, as one line behind the program's name. Both return EXIT_*. */
int complain(int status, const char *format, ...) __attribute__((format(printf, 2, 3)));
int usage_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* EXIT_OK, or says why there can be no policies here. */
int check_machine(void);

/* Letters, digits and "._-", and no more than fit. */
bool is_policy_name(const char *name);
void pin_path(const char *name, char *path, size_t size);

int cmd_attach(const struct options *options, const char *what);
int cmd_detach(const struct options *options, const char *name);
int cmd_list(const struct options *options);

#endif
