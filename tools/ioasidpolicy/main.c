// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <ctype.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <linux/ioasid.h>
#include "ioasidpolicy.h"
#include "numbers.h"
#include "probe.h"
#include "version.h"

#define NS_PER_S 1000000000ULL

static void say(const char *format, va_list args)
{
	fputs("ioasidpolicy: ", stderr);
	vfprintf(stderr, format, args);
	fputc('\n', stderr);
}

int complain(int status, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	return status;
}

int usage_error(const char *format, ...)
{
	va_list args;

	va_start(args, format);
	say(format, args);
	va_end(args);
	fputs("Try 'ioasidpolicy --help'.\n", stderr);
	return EXIT_USAGE;
}

int check_machine(void)
{
	struct probe probe;

	probe__run(&probe);
	if (!probe.driver)
		return complain(EXIT_UNSUPPORTED, "%s", probe__bpf_obstacle(&probe));
	if (!probe.driver_btf)
		return complain(EXIT_UNSUPPORTED,
				"the ioasid driver has no BTF here: it must be built for this kernel, "
				"which needs CONFIG_DEBUG_INFO_BTF_MODULES");
	if (geteuid())
		return complain(EXIT_FAILED, "policies are for root only: run as root");
	if (access(POLICIES_FILE, R_OK))
		return complain(EXIT_UNSUPPORTED,
				"there is no %s: the driver was built without policies, or debugfs "
				"is not mounted ('mount -t debugfs none /sys/kernel/debug')",
				POLICIES_FILE);
	return EXIT_OK;
}

bool is_policy_name(const char *name)
{
	size_t len = strlen(name);

	if (!len || len >= NAME_SIZE || !strcmp(name, ".") || !strcmp(name, ".."))
		return false;
	for (const char *c = name; *c; c++)
		if (!isalnum((unsigned char)*c) && !strchr("._-", *c))
			return false;
	return true;
}

void pin_path(const char *name, char *path, size_t size)
{
	snprintf(path, size, "%s/%s", PIN_DIR, name);
}

enum { OPT_JSON = 256, OPT_RATE, OPT_BURST, OPT_NO_USER };

static const struct argp_option option_table[] = {
	{ "name", 'n', "NAME", 0, "attach: as it is listed and detached (default: its own)", 0 },
	{ "ctx", 'c', "CTX", 0, "attach: for this context only (default: all)", 0 },
	{ "priority", 'p', "N", 0, "attach: the lowest is asked first (default: 0)", 0 },
	{ "replace", 'r', NULL, 0, "attach: instead of the policy of the same name, at once", 0 },
	{ "map", 'm', "MAP", 0, "attach: which one of a file with several policies", 0 },
	{ "range", 'R', "RANGE[:PROT]", 0,
	  "allow: IOVAs that may be mapped, as FIRST-LAST or FIRST+SIZE, for r, w or rw (default: rw); may be repeated",
	  0 },
	{ "rate", OPT_RATE, "N", 0, "fault: groups per second and device (default: 1000)", 0 },
	{ "burst", OPT_BURST, "N", 0, "fault: groups at once (default: 64)", 0 },
	{ "no-user", OPT_NO_USER, NULL, 0,
	  "fault: never tell a queue of user space: the answer is 'invalid'", 0 },
	{ "json", OPT_JSON, NULL, 0, "list: print one JSON object", 0 },
	{ "verbose", 'v', NULL, 0, "attach: show what libbpf and the verifier say", 0 },
	{ 0 },
};

struct command_line {
	struct options options;
	const char *args[2];
	int nr_args;
};

static int add_range(struct options *o, const char *text)
{
	struct ioasid_allow_range *range = &o->ranges[o->nr_ranges];
	const char *colon = strchr(text, ':');
	char *addresses = strndup(text, colon ? (size_t)(colon - text) : strlen(text));
	uint64_t first, last;
	bool good;

	if (o->nr_ranges == IOASID_MAX_ALLOW_RANGES) {
		free(addresses);
		return usage_error("no more than %d ranges", IOASID_MAX_ALLOW_RANGES);
	}
	good = addresses && parse_range(addresses, &first, &last);
	free(addresses);
	if (!good)
		return usage_error("'%s' is no range: FIRST-LAST or FIRST+SIZE, such as 1M+4K",
				   text);
	range->first = first;
	range->last = last;
	range->prot = IOASID_MAP_READ | IOASID_MAP_WRITE;
	if (colon) {
		const char *prot = colon + 1;

		if (!strcmp(prot, "r"))
			range->prot = IOASID_MAP_READ;
		else if (!strcmp(prot, "w"))
			range->prot = IOASID_MAP_WRITE;
		else if (strcmp(prot, "rw"))
			return usage_error("'%s': permissions are r, w or rw", text);
	}
	o->nr_ranges++;
	return 0;
}

static uint64_t number(const char *what, const char *text, uint64_t min, uint64_t max)
{
	uint64_t value;

	if (!parse_number(text, &value) || value < min || value > max)
		exit(usage_error("%s is a number from %llu to %llu, not '%s'", what,
				 (unsigned long long)min, (unsigned long long)max, text));
	return value;
}

static int32_t priority(const char *text)
{
	char *end;
	long value = strtol(text, &end, 0);

	if (!*text || *end || value < INT32_MIN || value > INT32_MAX)
		exit(usage_error("a priority is a number, also a negative one, not '%s'", text));
	return value;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct command_line *line = state->input;
	struct options *o = &line->options;
	int status;

	switch (key) {
	case 'n':
		if (!is_policy_name(arg))
			exit(usage_error("'%s' is no name: up to %d letters, digits, '.', '_' "
					 "and '-'", arg, NAME_SIZE - 1));
		o->name = arg;
		break;
	case 'c':
		o->ctx = number("a context", arg, 1, UINT32_MAX);
		o->has_ctx = true;
		break;
	case 'p':
		o->priority = priority(arg);
		o->has_priority = true;
		break;
	case 'r':
		o->replace = true;
		break;
	case 'm':
		o->map = arg;
		break;
	case 'R':
		status = add_range(o, arg);
		if (status)
			exit(status);
		break;
	case OPT_RATE:
		o->rate = number("the rate", arg, 1, NS_PER_S);
		break;
	case OPT_BURST:
		o->burst = number("the burst", arg, 1, 1000000);
		break;
	case OPT_NO_USER:
		o->no_user = true;
		break;
	case OPT_JSON:
		o->json = true;
		break;
	case 'v':
		o->verbose = true;
		break;
	case ARGP_KEY_ARG:
		if (line->nr_args == 2)
			return ARGP_ERR_UNKNOWN;
		line->args[line->nr_args++] = arg;
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static int run(struct command_line *line)
{
	const char *what = line->args[1];

	if (!strcmp(line->args[0], "list"))
		return what ? usage_error("usage: ioasidpolicy list") : cmd_list(&line->options);
	if (!strcmp(line->args[0], "attach"))
		return what ? cmd_attach(&line->options, what) :
			      usage_error("usage: ioasidpolicy attach allow|fault|FILE");
	if (!strcmp(line->args[0], "detach"))
		return what ? cmd_detach(&line->options, what) :
			      usage_error("usage: ioasidpolicy detach NAME");
	return usage_error("there is no command '%s'", line->args[0]);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "attach allow|fault|FILE\ndetach NAME\nlist",
		.doc = "Attaches BPF policies to the ioasid driver: which memory may be mapped, and what becomes of page faults."
		       "\vExit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this machine.",
	};
	struct command_line line = { 0 };
	int status;

	argp_program_version = "ioasidpolicy " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &line);
	status = run(&line);
	if (fflush(stdout) && !status)
		status = EXIT_FAILED;
	return status;
}
