// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Reading a script: words, variables and what each command takes. */
#include <ctype.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include "script.h"

__attribute__((format(printf, 3, 4)))
static bool wrong(struct script *script, const struct line *line, const char *format, ...)
{
	va_list args;

	fflush(stdout);
	fprintf(stderr, "%s:%u: ", script->file, line->number);
	va_start(args, format);
	vfprintf(stderr, format, args);
	va_end(args);
	fputc('\n', stderr);
	return false;
}

struct variable *find_variable(struct script *script, const char *name, size_t len)
{
	for (size_t i = 0; i < script->nr_variables; i++)
		if (strlen(script->variables[i].name) == len &&
		    !memcmp(script->variables[i].name, name, len))
			return &script->variables[i];
	return NULL;
}

static size_t name_length(const char *text)
{
	size_t len = 0;

	if (!isalpha((unsigned char)*text) && *text != '_')
		return 0;
	while (isalnum((unsigned char)text[len]) || text[len] == '_')
		len++;
	return len;
}

/* Cuts the text into words; "..." is one, # begins a comment. */
static int split(struct script *script, struct line *line, char **words)
{
	char *at = line->text;
	int nr = 0;

	for (;;) {
		at += strspn(at, " \t\r\n");
		if (!*at || *at == '#')
			return nr;
		if (nr == MAX_WORDS) {
			wrong(script, line, "too many words");
			return -1;
		}
		if (*at == '"') {
			words[nr++] = ++at;
			at += strcspn(at, "\"");
			if (!*at) {
				wrong(script, line, "a quotation mark is missing");
				return -1;
			}
		} else {
			words[nr++] = at;
			at += strcspn(at, " \t\r\n");
		}
		if (*at)
			*at++ = '\0';
	}
}

/* A variable that exists and is what its place needs; wants: TYPE_NONE for any. */
static bool check_variable(struct script *script, const struct line *line, const char *text,
			   size_t len, enum type wants, enum type or)
{
	struct variable *var = find_variable(script, text, len);

	if (!var)
		return wrong(script, line, "there is no variable $%.*s above this line", (int)len,
			     text);
	if (var->type == TYPE_NONE)
		return wrong(script, line, "$%.*s was closed or freed above", (int)len, text);
	if (wants && var->type != wants && var->type != or)
		return wrong(script, line, "$%.*s is %s, and %s is needed here", (int)len, text,
			     type_name(var->type), type_name(wants));
	return true;
}

static bool check_object(struct script *script, const struct line *line, const char *text,
			 enum type wants, enum type or)
{
	size_t len = *text == '$' ? name_length(text + 1) : 0;

	if (!len || text[1 + len])
		return wrong(script, line, "'%s' must be a variable ($NAME) with %s", text,
			     wants ? type_name(wants) : "an object");
	return check_variable(script, line, text + 1, len, wants, or);
}

/* Terms between + and -; with_memory: a memory variable is its address. */
static bool check_expression(struct script *script, const struct line *line, const char *text,
			     bool with_memory)
{
	char term[64];
	uint64_t number;
	size_t len;

	for (;;) {
		len = strcspn(text, "+-");
		snprintf(term, sizeof(term), "%.*s", (int)len, text);
		if (*term == '$') {
			if (!name_length(term + 1) || term[1 + name_length(term + 1)])
				return wrong(script, line, "'%s' is no variable", term);
			if (!check_variable(script, line, term + 1, strlen(term + 1), TYPE_NUMBER,
					    with_memory ? TYPE_MEMORY : TYPE_NUMBER))
				return false;
		} else if (len >= sizeof(term) || !parse_number(term, &number)) {
			return wrong(script, line, "'%s' is no number, such as 4096, 0x1000, 4K or $n+1M",
				     term);
		}
		if (!text[len])
			return true;
		text += len + 1;
	}
}

/* Variables inside of words stand for their names and numbers. */
static bool check_word(struct script *script, const struct line *line, const char *text)
{
	while ((text = strchr(text, '$'))) {
		size_t len = name_length(++text);

		if (len && !check_variable(script, line, text, len, TYPE_NONE, TYPE_NONE))
			return false;
	}
	return true;
}

static bool check_arg(struct script *script, const struct line *line, char kind,
		      const char *text)
{
	char names[150];

	switch (kind) {
	case 'c':
		return check_object(script, line, text, TYPE_CTX, TYPE_CTX);
	case 'd':
		return check_object(script, line, text, TYPE_DEVICE, TYPE_DEVICE);
	case 's':
		return check_object(script, line, text, TYPE_SPACE, TYPE_SPACE);
	case 'm':
		return check_object(script, line, text, TYPE_MEMORY, TYPE_MEMORY);
	case 'b':
		return check_object(script, line, text, TYPE_MEMORY, TYPE_DEVICE);
	case 'i':
		return check_object(script, line, text, TYPE_SIM, TYPE_SIM);
	case 'v':
		return check_object(script, line, text, TYPE_NONE, TYPE_NONE);
	case 'n':
		return check_expression(script, line, text, false);
	case 'a':
		return check_expression(script, line, text, true);
	case 'p':
		return find_prot(text) ? true :
			wrong(script, line, "'%s' is none of rw, r, w", text);
	case 'o':
		return find_operation(text) ? true :
			wrong(script, line, "'%s' is none of read, write, copy, fill, compare, add, cas",
			      text);
	case 'f':
		format_names(names, sizeof(names));
		return find_format(text) ? true :
			wrong(script, line, "'%s' is no format; there are: %s", text, names);
	default:
		return check_word(script, line, text);
	}
}

/* Which option of the command this word is, or -1. */
static int find_option(const struct command *command, const char *word, bool *numbered)
{
	const char *at = command->options;
	size_t len;

	for (int i = 0; *at; i++, at += len + strspn(at + len, " ")) {
		len = strcspn(at, " ");
		*numbered = at[len - 1] == ':';
		if (strlen(word) == len - *numbered && !strncmp(word, at, len - *numbered))
			return i;
	}
	return -1;
}

/* From the first word that is an option on. */
static bool take_options(struct script *script, struct line *line, char **words, int nr)
{
	bool numbered;
	int option;

	for (int i = 0; i < nr; i++) {
		option = find_option(line->command, words[i], &numbered);
		if (option < 0)
			return wrong(script, line, "'%s' is too much: %s", words[i],
				     line->command->usage);
		if (line->options[option])
			return wrong(script, line, "'%s' is there twice", words[i]);
		if (numbered && i + 1 == nr)
			return wrong(script, line, "'%s' needs a number", words[i]);
		line->options[option] = numbered ? words[++i] : words[i];
		if (numbered && !check_expression(script, line, words[i], false))
			return false;
	}
	return true;
}

static bool take_args(struct script *script, struct line *line, char **words, int nr)
{
	const char *kind = line->command->args;
	bool optional = false, numbered;
	int at = 0;

	for (; *kind; kind++) {
		bool rest = *kind == '.';

		optional |= kind[1] == '?';
		if (!rest && (at == nr || find_option(line->command, words[at], &numbered) >= 0)) {
			if (!optional)
				return wrong(script, line, "something is missing: %s",
					     line->command->usage);
			break;
		}
		do {
			if (at == nr)
				break;
			if (!check_arg(script, line, *kind, words[at]))
				return false;
			line->args[line->nr_args++] = words[at++];
		} while (rest);
		kind += kind[1] == '?';
	}
	return take_options(script, line, words + at, nr - at);
}

static bool define(struct script *script, struct line *line, const char *name)
{
	struct variable *var = find_variable(script, name, strlen(name));

	if (name_length(name) != strlen(name) || strlen(name) >= sizeof(var->name))
		return wrong(script, line, "'%s' is no name for a variable", name);
	if (line->command->result == TYPE_NONE)
		return wrong(script, line, "'%s' has no result", line->command->name);
	if (!var) {
		if (script->nr_variables == MAX_VARIABLES)
			return wrong(script, line, "too many variables");
		var = &script->variables[script->nr_variables++];
		strcpy(var->name, name);
	}
	var->type = line->command->result;
	line->result = var - script->variables;
	return true;
}

/* What is closed or freed cannot be used below. */
static void undefine(struct script *script, const struct line *line)
{
	struct variable *var;

	if (line->expect ||
	    (strcmp(line->command->name, "close") && strcmp(line->command->name, "free")))
		return;
	var = find_variable(script, line->args[0] + 1, strlen(line->args[0] + 1));
	if (var)
		var->type = TYPE_NONE;
}

/* [NAME =] [expect ERROR] [repeat N] COMMAND ... */
static bool read_words(struct script *script, struct line *line, char **words, int nr)
{
	const char *name = NULL;
	bool two;

	if (nr > 1 && !strcmp(words[1], "=")) {
		name = words[0];
		words += 2;
		nr -= 2;
	}
	if (nr > 0 && !strcmp(words[0], "expect")) {
		line->expect = nr > 1 ? find_error(words[1]) : 0;
		if (!line->expect)
			return wrong(script, line, "expect needs the name of an error, such as ENOENT or not-present");
		if (name)
			return wrong(script, line, "what fails has no result");
		words += 2;
		nr -= 2;
	}
	line->repeat = 1;
	if (nr > 0 && !strcmp(words[0], "repeat")) {
		if (nr < 2 || !parse_number(words[1], &line->repeat) || !line->repeat)
			return wrong(script, line, "repeat needs a number, how often");
		if (name)
			return wrong(script, line, "what is repeated has no result");
		words += 2;
		nr -= 2;
	}
	if (nr < 1)
		return wrong(script, line, "a command is missing");
	line->command = find_command(words[0], nr > 1 ? words[1] : NULL, &two);
	if (!line->command)
		return wrong(script, line, "there is no command '%s': ioasidctl(8) lists them",
			     words[0]);
	if (!take_args(script, line, words + 1 + two, nr - 1 - two))
		return false;
	undefine(script, line);
	return name ? define(script, line, name) : true;
}

static bool read_line(struct script *script, char *text, unsigned int number)
{
	struct line *line, *lines;
	char *words[MAX_WORDS];
	int nr;

	lines = reallocarray(script->lines, script->nr_lines + 1, sizeof(*lines));
	if (!lines)
		return false;
	script->lines = lines;
	line = &lines[script->nr_lines];
	*line = (struct line){ .number = number, .text = text, .result = -1 };
	nr = split(script, line, words);
	if (nr > 0 && !read_words(script, line, words, nr))
		nr = -1;
	if (nr <= 0)
		free(text);
	else
		script->nr_lines++;
	return nr >= 0;
}

bool script__read(struct script *script, FILE *in)
{
	unsigned int number = 0;
	bool good = true;
	size_t room = 0;
	char *text = NULL;

	while (getline(&text, &room, in) >= 0) {
		/* The line keeps its text. */
		good &= read_line(script, text, ++number);
		text = NULL;
		room = 0;
	}
	free(text);
	if (ferror(in)) {
		complain(0, "cannot read %s", script->file);
		return false;
	}
	return good;
}

void script__free(struct script *script)
{
	for (size_t i = 0; i < script->nr_lines; i++)
		free(script->lines[i].text);
	free(script->lines);
}
