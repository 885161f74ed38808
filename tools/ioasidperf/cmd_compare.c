// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include "perf.h"

enum { OPT_FORCE = 256 };

struct command {
	struct compare_options options;
	int (*print)(const struct comparison *c, FILE *out);
	const char *files[2];
	int nr_files;
	bool force;
};

static const struct argp_option option_table[] = {
	{ "threshold", 't', "PERCENT", 0, "changes up to this are of no interest (5)", 0 },
	{ "alpha", 'a', "P", 0, "p values below this are no accident (0.05)", 0 },
	{ "confidence", 'c', "PERCENT", 0, "of the intervals (95)", 0 },
	{ "format", 'f', "FORMAT", 0, "text, json, junit or html (text)", 0 },
	{ "force", OPT_FORCE, NULL, 0, "compare runs of different machines or kernels", 0 },
	{ 0 },
};

static double number(struct argp_state *state, const char *what, const char *text, double min,
		     double max)
{
	char *end;
	double n = strtod(text, &end);

	if (end == text || *end || !(n >= min && n <= max))
		argp_error(state, "%s must be from %g to %g, not '%s'", what, min, max, text);
	return n;
}

static void take_format(struct argp_state *state, struct command *command, const char *text)
{
	static const struct {
		const char *name;
		int (*print)(const struct comparison *c, FILE *out);
	} formats[] = {
		{ "text", comparison__text }, { "json", comparison__json },
		{ "junit", comparison__junit }, { "html", comparison__html },
	};

	for (size_t i = 0; i < sizeof(formats) / sizeof(formats[0]); i++) {
		if (strcmp(formats[i].name, text))
			continue;
		command->print = formats[i].print;
		return;
	}
	argp_error(state, "the format must be text, json, junit or html, not '%s'", text);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct command *command = state->input;

	switch (key) {
	case 't':
		command->options.threshold = number(state, "the threshold", arg, 0, 100) / 100;
		break;
	case 'a':
		command->options.alpha = number(state, "alpha", arg, 0, 1);
		break;
	case 'c':
		command->options.confidence = number(state, "the confidence", arg, 50, 99.99) / 100;
		break;
	case 'f':
		take_format(state, command, arg);
		break;
	case OPT_FORCE:
		command->force = true;
		break;
	case ARGP_KEY_ARG:
		if (command->nr_files == 2)
			argp_error(state, "too many arguments");
		command->files[command->nr_files++] = arg;
		break;
	case ARGP_KEY_END:
		if (command->nr_files < 2)
			argp_error(state, "OLD and NEW are needed");
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

static const struct argp argp = {
	option_table, parse, "OLD NEW",
	"Compares two runs, cell by cell.\v"
	"Exit status: 0 nothing regressed, 1 something did, 2 usage, 3 files of no use, 4 "
	"nothing regressed for sure, but something is inconclusive.", NULL, NULL, NULL
};

static int compare(const struct command *command, const struct results *old,
		   const struct results *new)
{
	struct comparison c;
	int status = EXIT_OK;

	if (!command->force && !results__same_machine(old, new)) {
		fprintf(stderr, "ioasidperf: runs of different machines: %s, %s, %u processors and "
			"%s, %s, %u (--force)\n", old->release, old->model, old->cpus,
			new->release, new->model, new->cpus);
		return EXIT_UNSUPPORTED;
	}
	comparison__make(&c, old, new, &command->options);
	if (!c.n) {
		fprintf(stderr, "ioasidperf: the two runs have nothing in common\n");
		status = EXIT_UNSUPPORTED;
	} else if (command->print(&c, stdout)) {
		status = EXIT_FAILED;
	} else if (c.verdicts[VERDICT_REGRESSED]) {
		status = EXIT_FAILED;
	} else if (c.verdicts[VERDICT_INCONCLUSIVE]) {
		status = EXIT_INCOMPLETE;
	}
	comparison__free(&c);
	return status;
}

int cmd_compare(int argc, char **argv)
{
	struct command command = {
		.options = { .threshold = 0.05, .alpha = 0.05, .confidence = 0.95 },
		.print = comparison__text,
	};
	struct results old = {}, new = {};
	int status = EXIT_UNSUPPORTED;

	argp_parse(&argp, argc, argv, 0, NULL, &command);
	if (!results__read(&old, command.files[0]) && !results__read(&new, command.files[1]))
		status = compare(&command, &old, &new);
	results__free(&old);
	results__free(&new);
	return status;
}
