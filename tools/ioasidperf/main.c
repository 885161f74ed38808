// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"
#include "version.h"

const char *argp_program_version = "ioasidperf " IOASID_TOOLS_VERSION;

static const struct {
	const char *name, *args, *text;
	int (*run)(int argc, char **argv);
} commands[] = {
	{ "list", "", "workloads, and doors that can be used here", cmd_list },
	{ "run", "[OPTION]...", "measure", cmd_run },
	{ "table", "FILE", "results of run --json, doors side by side", cmd_table },
	{ "compare", "[OPTION]... OLD NEW", "is NEW slower? Verdicts, and reports of them",
	  cmd_compare },
	{ "history", "[--cell NAME] FILE...", "each cell over many runs", cmd_history },
	{ "attribute", "RESULTS COUNTS SYMBOLS", "say which functions the instructions are of",
	  cmd_attribute },
	{ "check", "[OPTION]... BASELINE RESULTS", "has anything grown? And which function?",
	  cmd_check },
};

#define NR_COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static void usage(FILE *out)
{
	fputs("usage: ioasidperf COMMAND [ARGUMENT]...\n"
	      "What mapping memory for devices costs, here and elsewhere.\n\n", out);
	for (size_t i = 0; i < NR_COMMANDS; i++)
		fprintf(out, "  %-9s %-28s %s\n", commands[i].name, commands[i].args,
			commands[i].text);
	fputs("\n\"ioasidperf COMMAND --help\" lists options; ioasidperf(8) has the rest.\n", out);
}

int cmd_list(int argc, char **argv)
{
	if (argc > 1) {
		fprintf(stderr, "ioasidperf: list takes no argument '%s'\n", argv[1]);
		return EXIT_USAGE;
	}
	puts("workloads:");
	for (unsigned int i = 0; i < nr_workloads; i++)
		printf("  %-12s %s\n", workloads[i].name, workloads[i].text);
	puts("doors:");
	for (int i = 0; doors[i]; i++) {
		const char *obstacle = doors[i]->obstacle();

		printf("  %-12s %s%s%s%s\n", doors[i]->name, doors[i]->text,
		       obstacle ? " (not here: " : "", obstacle ? obstacle : "",
		       obstacle ? ")" : "");
	}
	return EXIT_OK;
}

int cmd_table(int argc, char **argv)
{
	struct results results;
	int rc;

	if (argc != 2 || !strcmp(argv[1], "--help")) {
		fprintf(argc == 2 ? stdout : stderr, "usage: ioasidperf table FILE\n");
		return argc == 2 ? EXIT_OK : EXIT_USAGE;
	}
	rc = results__read(&results, argv[1]);
	if (!rc)
		rc = table__print(&results, stdout);
	results__free(&results);
	return rc ? EXIT_FAILED : EXIT_OK;
}

int main(int argc, char **argv)
{
	argp_err_exit_status = EXIT_USAGE;
	if (argc > 1 && (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-?"))) {
		usage(stdout);
		return EXIT_OK;
	}
	if (argc > 1 && (!strcmp(argv[1], "--version") || !strcmp(argv[1], "-V"))) {
		puts(argp_program_version);
		return EXIT_OK;
	}
	for (size_t i = 0; argc > 1 && i < NR_COMMANDS; i++) {
		static char name[64];

		if (strcmp(argv[1], commands[i].name))
			continue;
		snprintf(name, sizeof(name), "ioasidperf %s", commands[i].name);
		argv[1] = name;
		return commands[i].run(argc - 1, argv + 1);
	}
	if (argc > 1)
		fprintf(stderr, "ioasidperf: there is no command '%s'\n", argv[1]);
	usage(stderr);
	return EXIT_USAGE;
}
