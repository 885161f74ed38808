// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Messages, tables, colours, JSON. */
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "ioasidctl.h"
#include "json.h"

static void say(const char *format, va_list args)
{
	fflush(stdout);
	fputs("ioasidctl: ", stderr);
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
	fputs("Try 'ioasidctl --help'.\n", stderr);
	return EXIT_USAGE;
}

int command_error(unsigned int cmd, int err, const char *object)
{
	char text[300];

	complain(EXIT_FAILED, "%s", ioasid_strerror(cmd, err, object, text, sizeof(text)));
	return cmd == IOASID_CMD_OPEN || cmd == IOASID_CMD_OPEN_SIM ? EXIT_UNSUPPORTED :
								      EXIT_FAILED;
}

/* As ioasidtop's: on a terminal that has them, unless NO_COLOR is set. */
bool colours(void)
{
	const char *no_color = getenv("NO_COLOR"), *term = getenv("TERM");

	return isatty(STDOUT_FILENO) && !(no_color && *no_color) && term &&
	       strcmp(term, "dumb");
}

const char *bold(void)
{
	return colours() ? "\033[1m" : "";
}

const char *alarm_colour(void)
{
	return colours() ? "\033[1;31m" : "";
}

const char *plain(void)
{
	return colours() ? "\033[0m" : "";
}

static void add_cell(struct table *table, char *text)
{
	size_t room = table->room ? 2 * table->room : 64;

	if (table->nr_cells == table->room) {
		table->cells = reallocarray(table->cells, room, sizeof(*table->cells));
		table->room = room;
	}
	if (!text || !table->cells) {
		complain(EXIT_FAILED, "out of memory");
		exit(EXIT_FAILED);
	}
	table->cells[table->nr_cells++] = text;
}

void table__start(struct table *table, const char *const *titles)
{
	*table = (struct table){ 0 };
	for (; titles[table->nr_columns]; table->nr_columns++) {
		const char *title = titles[table->nr_columns];

		table->right[table->nr_columns] = *title == '>';
		add_cell(table, strdup(title + (*title == '>')));
	}
}

void table__add(struct table *table, const char *format, ...)
{
	va_list args;
	char *text;

	va_start(args, format);
	if (vasprintf(&text, format, args) < 0)
		text = NULL;
	va_end(args);
	add_cell(table, text);
}

static void print_row(const struct table *table, size_t row, const int *widths)
{
	for (int i = 0; i < table->nr_columns; i++) {
		const char *cell = table->cells[row * table->nr_columns + i];
		bool last = i + 1 == table->nr_columns;

		printf("%*s%s", table->right[i] ? widths[i] : last ? 0 : -widths[i], cell,
		       last ? "" : "  ");
	}
	putchar('\n');
}

void table__end(struct table *table)
{
	int widths[TABLE_MAX_COLUMNS] = { 0 };

	for (size_t i = 0; i < table->nr_cells; i++) {
		int len = strlen(table->cells[i]), *width = &widths[i % table->nr_columns];

		*width = len > *width ? len : *width;
	}
	for (size_t row = 0; row < table->nr_cells / table->nr_columns; row++) {
		fputs(row ? "" : bold(), stdout);
		print_row(table, row, widths);
		fputs(row ? "" : plain(), stdout);
	}
	for (size_t i = 0; i < table->nr_cells; i++)
		free(table->cells[i]);
	free(table->cells);
}

yyjson_mut_doc *json_start(const char *name)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root;
	char schema[64];

	if (!doc)
		exit(complain(EXIT_FAILED, "out of memory"));
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	snprintf(schema, sizeof(schema), "ioasidctl-%s/1", name);
	yyjson_mut_obj_add_strcpy(doc, root, "schema", schema);
	return doc;
}

int json_end(yyjson_mut_doc *doc)
{
	int err = json__print(stdout, doc);

	yyjson_mut_doc_free(doc);
	return err ? complain(EXIT_FAILED, "cannot write: %s", strerror(-err)) : EXIT_OK;
}
