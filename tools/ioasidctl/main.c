// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <stdlib.h>
#include <string.h>
#include "ioasidctl.h"
#include "version.h"

static const struct subcommand subcommands[] = {
	{ "contexts", "[CTX]", "who has /dev/ioasid or a VFIO container open", 0, 1, cmd_contexts },
	{ "spaces", "[CTX]", "address spaces", 0, 1, cmd_spaces },
	{ "tree", "[CTX]", "which space is nested on which, and the devices in them", 0, 1,
	  cmd_tree },
	{ "devices", "[CTX]", "attached devices; without CTX those that could be, too", 0, 1,
	  cmd_devices },
	{ "mappings", "CTX IOASID [RANGE]", "what is mapped in a space", 2, 3, cmd_mappings },
	{ "history", "CTX IOASID [RANGE]", "what was done to a space, oldest first", 2, 3,
	  cmd_history },
	{ "walk", "CTX IOASID IOVA [PASID]",
	  "one address through all stages, each level and entry", 3, 4, cmd_walk },
	{ "sim", "create [OPTION]...|list|destroy N|stats N", "simulated IOMMUs", 1, -1, cmd_sim },
	{ "run", "[SCRIPT|-]", "the ioctls from a script", 0, 1, cmd_run },
};

#define NR_SUBCOMMANDS	((int)(sizeof(subcommands) / sizeof(subcommands[0])))

enum { OPT_JSON = 256, OPT_COUNTERS };

static const struct argp_option option_table[] = {
	{ "json", OPT_JSON, NULL, 0, "print one JSON object", 0 },
	{ "verbose", 'v', NULL, 0,
	  "walk: where each entry lies, too; run: say what is done", 0 },
	{ "check", 'n', NULL, 0, "run: only look for mistakes in the script", 0 },
	{ "counters", OPT_COUNTERS, "FILE", OPTION_HIDDEN, NULL, 0 },
	{ 0 },
};

struct command_line {
	struct options options;
	char **args;
	int nr_args, room;
};

static void add_arg(struct command_line *line, char *arg)
{
	if (line->nr_args == line->room) {
		line->room = line->room ? 2 * line->room : 16;
		line->args = reallocarray(line->args, line->room, sizeof(*line->args));
		if (!line->args)
			exit(complain(EXIT_FAILED, "out of memory"));
	}
	line->args[line->nr_args++] = arg;
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct command_line *line = state->input;

	switch (key) {
	case OPT_JSON:
		line->options.json = true;
		break;
	case 'v':
		line->options.verbose = true;
		break;
	case 'n':
		line->options.check = true;
		break;
	case OPT_COUNTERS:
		line->options.counters = arg;
		break;
	case ARGP_KEY_ARG:
		add_arg(line, arg);
		/* The options of "sim create" are its own. */
		if (line->nr_args == 2 && !strcmp(line->args[0], "sim") && !strcmp(arg, "create")) {
			while (state->next < state->argc) {
				char *next = state->argv[state->next++];

				if (!strcmp(next, "--json"))
					line->options.json = true;
				else
					add_arg(line, next);
			}
		}
		break;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

/* The list of subcommands stands in the help. */
static char *filter_help(int key, const char *text, void *input)
{
	char *help = NULL;
	size_t size;
	FILE *out;

	(void)input;
	if (key != ARGP_KEY_HELP_PRE_DOC)
		return (char *)text;
	out = open_memstream(&help, &size);
	if (!out)
		return (char *)text;
	fprintf(out, "%s\n\n", text);
	for (int i = 0; i < NR_SUBCOMMANDS; i++) {
		const struct subcommand *sub = &subcommands[i];

		fprintf(out, "  %s %s\n        %s\n", sub->name, sub->args, sub->help);
	}
	fclose(out);
	return help;
}

static int run(struct command_line *line)
{
	int nr = line->nr_args - 1;

	for (int i = 0; i < NR_SUBCOMMANDS; i++) {
		const struct subcommand *sub = &subcommands[i];

		if (strcmp(sub->name, line->args[0]))
			continue;
		if (nr < sub->min || (sub->max >= 0 && nr > sub->max))
			return usage_error("usage: ioasidctl %s %s", sub->name, sub->args);
		return sub->run(&line->options, nr, line->args + 1);
	}
	return usage_error("there is no command '%s'", line->args[0]);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = option_table,
		.parser = parse,
		.args_doc = "COMMAND [ARGUMENT...]",
		.doc = "Shows and drives the I/O address spaces of the ioasid driver."
		       "\vAll commands understand --json. Exit status: 0 done, 1 failed, 2 wrong usage, 3 not possible on this machine.",
		.help_filter = filter_help,
	};
	struct command_line line = { 0 };
	int status;

	argp_program_version = "ioasidctl " IOASID_TOOLS_VERSION;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &line);
	status = run(&line);
	free(line.args);
	if (fflush(stdout) && !status)
		status = EXIT_FAILED;
	return status;
}
