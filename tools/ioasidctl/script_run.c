// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Carrying a script out: values for the arguments, errors, results. */
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "script.h"

static uint64_t term_value(struct script *script, const char *term)
{
	const struct variable *var;
	uint64_t number = 0;

	if (*term != '$') {
		parse_number(term, &number);
		return number;
	}
	var = find_variable(script, term + 1, strlen(term + 1));
	return var->value.type == TYPE_MEMORY ? (uintptr_t)var->value.mem : var->value.number;
}

/* The text was checked when it was read; sums wrap. */
static uint64_t expression(struct script *script, const char *text)
{
	uint64_t sum = 0;
	bool minus = false;
	char term[64];
	size_t len;

	for (;; text += len + 1) {
		len = strcspn(text, "+-");
		snprintf(term, sizeof(term), "%.*s", (int)len, text);
		sum += minus ? -term_value(script, term) : term_value(script, term);
		if (!text[len])
			return sum;
		minus = text[len] == '-';
	}
}

static void print_value(FILE *out, const struct variable *var)
{
	switch (var->value.type) {
	case TYPE_SIM:
		fprintf(out, "sim%llu", (unsigned long long)var->value.number);
		break;
	case TYPE_DEVICE:
		fputs(var->value.name, out);
		break;
	case TYPE_MEMORY:
		fprintf(out, "%p", (void *)var->value.mem);
		break;
	default:
		fprintf(out, "%llu", (unsigned long long)var->value.number);
	}
}

/* A word with its variables replaced; NULL without memory. */
static char *replace(struct script *script, const char *text)
{
	char *word = NULL;
	size_t size;
	FILE *out = open_memstream(&word, &size);

	if (!out)
		return NULL;
	while (*text) {
		size_t len = 0;

		while (*text == '$' && (isalnum((unsigned char)text[1 + len]) ||
					text[1 + len] == '_'))
			len++;
		if (len) {
			print_value(out, find_variable(script, text + 1, len));
			text += 1 + len;
		} else {
			fputc(*text++, out);
		}
	}
	fclose(out);
	return word;
}

static char kind_of(const struct command *command, int arg)
{
	for (const char *kind = command->args; *kind; kind++) {
		if (*kind == '?')
			continue;
		if (!arg-- || *kind == '.')
			return *kind;
	}
	return '.';
}

static bool has_value(struct script *script, const char *name)
{
	const struct variable *var = find_variable(script, name, strlen(name));

	if (var && var->value.type)
		return true;
	snprintf(script->message, sizeof(script->message), "$%s has no value: its command failed",
		 name);
	return false;
}

static bool is_numbered(const struct command *command, int option)
{
	const char *at = command->options;

	while (option--)
		at += strcspn(at, " ") + 1;
	return at[strcspn(at, " ") - 1] == ':';
}

bool script__call(struct script *script, const struct line *line, struct call *call)
{
	*call = (struct call){ .line = line, .nr_args = line->nr_args };
	for (int i = 0; i < line->nr_args; i++) {
		char *text = line->args[i], kind = kind_of(line->command, i);

		switch (kind) {
		case 'n':
		case 'a':
			call->args[i].number = expression(script, text);
			break;
		case 'p':
		case 'o':
		case 'f':
			call->args[i].text = strdup(text);
			break;
		case 'w':
		case '.':
			call->args[i].text = replace(script, text);
			break;
		default:
			if (!has_value(script, text + 1))
				return false;
			call->args[i].var = find_variable(script, text + 1, strlen(text + 1));
		}
	}
	for (int i = 0; i < MAX_OPTIONS; i++) {
		call->options[i].given = line->options[i];
		if (line->options[i] && is_numbered(line->command, i))
			call->options[i].number = expression(script, line->options[i]);
	}
	return true;
}

static void call_free(struct call *call)
{
	for (int i = 0; i < call->nr_args; i++)
		free(call->args[i].text);
}

static const char *error_name(int rc)
{
	const char *name;

	if (!rc)
		return "success";
	if (rc >= SCRIPT_STATUS)
		return ioasid_sim_status_text(rc - SCRIPT_STATUS);
	name = strerrorname_np(-rc);
	return name ? name : "an unknown error";
}

/* The sentence for an error into script->message, unless one is there already. */
static void explain(struct script *script, int rc)
{
	if (*script->message)
		return;
	if (rc >= SCRIPT_STATUS)
		snprintf(script->message, sizeof(script->message), "DMA ended with %s",
			 error_name(rc));
	else
		ioasid_strerror(script->ioctl, rc, *script->object ? script->object : NULL,
				script->message, sizeof(script->message));
}

/* Whether the line did what it should; else message says why not. */
static bool judge(struct script *script, const struct line *line, int rc)
{
	char why[sizeof(script->message)];

	if (rc == line->expect)
		return true;
	if (!rc) {
		snprintf(script->message, sizeof(script->message),
			 "it succeeded, expected was %s", error_name(line->expect));
		return false;
	}
	explain(script, rc);
	if (line->expect) {
		snprintf(why, sizeof(why), "%s", script->message);
		snprintf(script->message, sizeof(script->message), "%s instead of %s: %.200s",
			 error_name(rc), error_name(line->expect), why);
	}
	return false;
}

static void report_text(const struct script *script, const struct line *line, bool good)
{
	if (!good) {
		fflush(stdout);
		fprintf(stderr, "%s:%u: %s: %s\n", script->file, line->number,
			line->command->name, script->message);
	} else if (script->options->verbose) {
		printf("%s:%u: %s\n", script->file, line->number, line->command->name);
	}
}

static int report_json(struct script *script, const struct line *line, bool good, int rc,
		       const struct value *result)
{
	yyjson_mut_val *root = yyjson_mut_doc_get_root(script->doc);

	yyjson_mut_obj_add_str(script->doc, root, "file", script->file);
	yyjson_mut_obj_add_uint(script->doc, root, "line", line->number);
	yyjson_mut_obj_add_str(script->doc, root, "command", line->command->name);
	yyjson_mut_obj_add_bool(script->doc, root, "ok", good);
	yyjson_mut_obj_add_str(script->doc, root, "status", error_name(rc));
	if (!good)
		yyjson_mut_obj_add_strcpy(script->doc, root, "error", script->message);
	if (!rc && (result->type == TYPE_NUMBER || result->type == TYPE_SPACE ||
		    result->type == TYPE_SIM))
		yyjson_mut_obj_add_uint(script->doc, root, "result", result->number);
	return json_end(script->doc);
}

static int run_once(struct script *script, const struct line *line, struct value *result)
{
	struct call call;
	int rc = -EINVAL;

	script->ioctl = 0;
	*script->object = *script->message = '\0';
	if (script__call(script, line, &call))
		rc = line->command->run(script, &call, result);
	call_free(&call);
	return rc;
}

static bool run_line(struct script *script, const struct line *line)
{
	struct value result = { .type = TYPE_NONE, .fd = -1, .ctx_fd = -1 };
	bool good = true;
	int rc = 0;

	if (script->options->json)
		script->doc = json_start("run");
	for (uint64_t n = 0; good && n < line->repeat; n++) {
		rc = run_once(script, line, &result);
		good = judge(script, line, rc);
	}
	if (!script->options->json)
		report_text(script, line, good);
	else if (report_json(script, line, good, rc, &result))
		good = false;
	if (!rc && line->result >= 0)
		script->variables[line->result].value = result;
	return good;
}

int script__run(struct script *script)
{
	for (size_t i = 0; i < script->nr_lines; i++)
		if (!run_line(script, &script->lines[i]))
			return EXIT_FAILED;
	return EXIT_OK;
}

int cmd_run(const struct options *options, int argc, char **argv)
{
	struct script *script = calloc(1, sizeof(*script));
	int status = EXIT_USAGE;
	FILE *in = stdin;

	if (!script)
		return complain(EXIT_FAILED, "out of memory");
	script->options = options;
	script->file = "-";
	if (argc && strcmp(argv[0], "-")) {
		script->file = argv[0];
		in = fopen(argv[0], "re");
	}
	if (!in)
		status = complain(EXIT_FAILED, "cannot open %s: %s", script->file,
				  strerror(errno));
	else if (script__read(script, in))
		status = options->check ? EXIT_OK : script__run(script);
	if (in && in != stdin)
		fclose(in);
	script__free(script);
	free(script);
	return status;
}
