// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * Stacks. Names in the kernel come from /proc/kallsyms: what distributions ship of a
 * kernel has no symbols, and modules built elsewhere are in no place that could be
 * searched. Names in processes come from their files.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include "symbols.h"
#include "ticker.h"

#define KALLSYMS	"/proc/kallsyms"
#define RELOAD_NS	10000000000ULL

struct symbol {
	__u64 address;
	const char *name;	/* both in the text */
	const char *module;	/* may be NULL */
};

struct symbols {
	FILE *file;		/* opened while we were allowed to see addresses */
	char *text;
	struct symbol *at;
	size_t nr;
	__u64 loaded_ns;
	struct users *users;
};

/* Everything, ended by a zero; NULL: it cannot be read. */
static char *read_text(FILE *file)
{
	size_t size = 0, room = 1 << 22, n;
	char *text = malloc(room + 1), *grown;

	rewind(file);
	while (text) {
		n = fread(text + size, 1, room - size, file);
		size += n;
		if (!n)
			break;
		if (size < room)
			continue;
		room *= 2;
		grown = realloc(text, room + 1);
		if (!grown)
			free(text);
		text = grown;
	}
	if (text)
		text[size] = '\0';
	return text;
}

/* "ffffffff81000000 T name\t[module]"; only code is of interest. */
static bool parse_line(char *line, struct symbol *symbol)
{
	char *end, *module;

	symbol->address = strtoull(line, &end, 16);
	if (end == line || end[0] != ' ' || !strchr("tTwW", end[1]) || end[2] != ' ')
		return false;
	symbol->name = end + 3;
	symbol->module = NULL;
	module = strchr(end + 3, '\t');
	if (module) {
		*module++ = '\0';
		if (*module == '[') {
			module[strcspn(module, "]")] = '\0';
			symbol->module = module + 1;
		}
	}
	return symbol->address != 0;
}

static int compare(const void *a, const void *b)
{
	const struct symbol *x = a, *y = b;

	return (x->address > y->address) - (x->address < y->address);
}

/* Without the right to see addresses they are all 0, and nothing is found. */
static void load(struct symbols *symbols)
{
	size_t room = 0;
	char *line, *next;

	free(symbols->text);
	symbols->nr = 0;
	symbols->loaded_ns = now_ns();
	symbols->text = symbols->file ? read_text(symbols->file) : NULL;
	for (line = symbols->text; line && *line; line = next) {
		next = line + strcspn(line, "\n");
		if (*next)
			*next++ = '\0';
		if (symbols->nr == room) {
			struct symbol *grown;

			room = room ? 2 * room : 1 << 16;
			grown = reallocarray(symbols->at, room, sizeof(*grown));
			if (!grown)
				break;
			symbols->at = grown;
		}
		symbols->nr += parse_line(line, &symbols->at[symbols->nr]);
	}
	qsort(symbols->at, symbols->nr, sizeof(*symbols->at), compare);
}

struct symbols *symbols__new(bool kernel)
{
	struct symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return NULL;
	symbols->users = users__new();
	if (!symbols->users) {
		free(symbols);
		return NULL;
	}
	if (kernel)
		symbols->file = fopen(KALLSYMS, "re");
	return symbols;
}

void symbols__load(struct symbols *symbols)
{
	if (symbols->file && !symbols->loaded_ns)
		load(symbols);
}

void symbols__free(struct symbols *symbols)
{
	if (!symbols)
		return;
	if (symbols->file)
		fclose(symbols->file);
	free(symbols->text);
	free(symbols->at);
	users__free(symbols->users);
	free(symbols);
}

static const struct symbol *find(const struct symbols *symbols, __u64 address)
{
	size_t first = 0, last = symbols->nr;

	while (first < last) {
		size_t middle = (first + last) / 2;

		if (symbols->at[middle].address <= address)
			first = middle + 1;
		else
			last = middle;
	}
	return first ? &symbols->at[first - 1] : NULL;
}

/* No function is that long: what lies there is not known. */
#define MAX_FUNCTION	(1 << 20)

static bool find_kernel(const struct symbols *symbols, struct frame *frame)
{
	const struct symbol *symbol;

	symbol = find(symbols, frame->address - 1);	/* a return address */
	if (!symbol || frame->address - symbol->address > MAX_FUNCTION)
		return false;
	frame->symbol = symbol->name;
	frame->module = symbol->module;
	frame->offset = frame->address - symbol->address;
	return true;
}

/* Returns how many frames have no name: a module may have been loaded meanwhile. */
static int find_all(const struct symbols *symbols, struct stack *stack)
{
	int unknown = 0;

	for (int i = 0; i < stack->nr; i++)
		unknown += !find_kernel(symbols, &stack->frames[i]);
	return unknown;
}

/*
 * Frames of tracing itself come first. The BPF program is among them, and has no name
 * because it was loaded later.
 */
#define MAX_TRACING	6

static bool is_tracing(const struct frame *frame)
{
	static const char *const prefixes[] = {
		"bpf_", "__bpf_", "__traceiter_", "__probestub_", "trace_call_bpf",
	};

	if (!frame->symbol)
		return false;
	for (size_t i = 0; i < sizeof(prefixes) / sizeof(prefixes[0]); i++)
		if (!strncmp(frame->symbol, prefixes[i], strlen(prefixes[i])))
			return true;
	return false;
}

static void fill(struct stack *stack, const char *whose, const __u64 *addresses, int size)
{
	stack->whose = whose;
	stack->nr = size > 0 ? size / (int)sizeof(*addresses) : 0;
	stack->more = stack->nr == STACK_DEPTH;
	for (int i = 0; i < stack->nr; i++)
		stack->frames[i] = (struct frame){ .address = addresses[i] };
}

void symbols__kernel(struct symbols *symbols, struct stack *stack, const __u64 *addresses,
		     int size)
{
	int tracing = 0;

	fill(stack, "kernel", addresses, size);
	symbols__load(symbols);
	if (find_all(symbols, stack) && now_ns() - symbols->loaded_ns > RELOAD_NS) {
		load(symbols);
		find_all(symbols, stack);
	}
	for (int i = 0; i < stack->nr && i < MAX_TRACING; i++)
		if (is_tracing(&stack->frames[i]))
			tracing = i + 1;
	stack->nr -= tracing;
	memmove(stack->frames, stack->frames + tracing, stack->nr * sizeof(*stack->frames));
}

void symbols__user(struct symbols *symbols, const struct process_at *process,
		   struct stack *stack, const __u64 *addresses, int size)
{
	fill(stack, "user", addresses, size);
	for (int i = 0; i < stack->nr; i++)
		users__find(symbols->users, process, &stack->frames[i]);
}
