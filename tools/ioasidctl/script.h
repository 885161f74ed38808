/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * Scripts for "ioasidctl run": one command a line. All of a script is read and its
 * commands, variables and numbers are checked before the first one is carried out.
 */
#ifndef IOASIDCTL_SCRIPT_H
#define IOASIDCTL_SCRIPT_H

#include "ioasidctl.h"

enum type {
	TYPE_NONE, TYPE_NUMBER, TYPE_CTX, TYPE_DEVICE, TYPE_SPACE, TYPE_MEMORY, TYPE_SIM,
};

const char *type_name(enum type type);

struct value {
	enum type type;
	uint64_t number;	/* NUMBER; SPACE, SIM: its number; DEVICE: cookie */
	int fd;			/* CTX, DEVICE, SIM; SPACE, bound DEVICE: of the context */
	int ctx_fd;		/* of the context: SPACE, bound DEVICE; else -1 */
	uint8_t *mem;		/* MEMORY; of a simulated DEVICE, once it was needed */
	uint64_t size;		/* of it */
	char name[40];		/* DEVICE */
};

struct variable {
	char name[32];
	enum type type;		/* as far as the script was read */
	struct value value;
};

#define MAX_VARIABLES	256
#define MAX_ARGS	8
#define MAX_WORDS	64
#define MAX_OPTIONS	4

struct script;
struct call;

/*
 * A command. args has a letter for each argument:
 *   c context, d device, s space, m memory, b memory or device, i simulated IOMMU,
 *   v any variable, n number, a address (number, or memory and an offset), p rw and
 *   the like, o operation of DMA, f format, w word, . all words that are left
 * '?' behind one: it and those behind it may be missing. options are words that may
 * follow, those with ':' have a number.
 */
struct command {
	const char *name;	/* one word or two */
	enum type result;
	const char *args;
	const char *options;
	const char *usage;
	int (*run)(struct script *script, const struct call *call, struct value *result);
};

extern const struct command script_commands[];
const struct command *find_command(const char *first, const char *second, bool *two);

/* One line of the script, read. */
struct line {
	unsigned int number;
	char *text;		/* the words point into it */
	const struct command *command;
	int result;		/* variable, or -1 */
	int expect;		/* error that must come, see struct call; 0: none */
	uint64_t repeat;	/* how often */
	char *args[MAX_WORDS];
	int nr_args;
	/* in the order of command->options: the number, or the word itself; NULL: absent */
	char *options[MAX_OPTIONS];
};

/* A command that is about to be carried out: arguments as values. */
struct call {
	const struct line *line;
	int nr_args;
	struct {
		struct variable *var;
		uint64_t number;
		char *text;
	} args[MAX_WORDS];
	struct {
		bool given;
		uint64_t number;
	} options[MAX_OPTIONS];
};

/* What run() returns: 0, -errno, or this plus enum ioasid_sim_status. */
#define SCRIPT_STATUS	1000

struct script {
	const struct options *options;
	const char *file;
	struct line *lines;
	size_t nr_lines;
	struct variable variables[MAX_VARIABLES];
	size_t nr_variables;
	/* of the command at work */
	unsigned int ioctl;	/* that failed, for ioasid_strerror() */
	char object[64];	/* what it is about */
	char message[300];	/* instead of ioasid_strerror() */
	yyjson_mut_doc *doc;	/* NULL: print text */
};

/* Reads all of it; says what is wrong, with file and line. False: something was. */
bool script__read(struct script *script, FILE *in);
void script__free(struct script *script);

/* Values for a line's arguments. False: message says why. */
bool script__call(struct script *script, const struct line *line, struct call *call);

/* EXIT_* */
int script__run(struct script *script);

/* -1 or 1000 + ... see struct line; 0 when there is no such name. */
int find_error(const char *name);

/* IOASID_MAP_* by "rw", "r", "w"; 0: none of them */
uint32_t find_prot(const char *text);
uint32_t find_operation(const char *name);

/* True when the text before '+' or '-' or the end is $NAME. */
struct variable *find_variable(struct script *script, const char *name, size_t len);

/* Commands, see script_commands[] */
#define COMMAND_FUNCTION(name)	\
	int run_##name(struct script *script, const struct call *call, struct value *result)
COMMAND_FUNCTION(open);
COMMAND_FUNCTION(device);
COMMAND_FUNCTION(bind);
COMMAND_FUNCTION(unbind);
COMMAND_FUNCTION(attach);
COMMAND_FUNCTION(detach);
COMMAND_FUNCTION(alloc);
COMMAND_FUNCTION(nest);
COMMAND_FUNCTION(create_nesting);
COMMAND_FUNCTION(table);
COMMAND_FUNCTION(bind_table);
COMMAND_FUNCTION(unbind_table);
COMMAND_FUNCTION(pasid_table);
COMMAND_FUNCTION(bind_pasid_table);
COMMAND_FUNCTION(unbind_pasid_table);
COMMAND_FUNCTION(free);
COMMAND_FUNCTION(register);
COMMAND_FUNCTION(unregister);
COMMAND_FUNCTION(map);
COMMAND_FUNCTION(unmap);
COMMAND_FUNCTION(unmap_all);
COMMAND_FUNCTION(invalidate);
COMMAND_FUNCTION(dirty);
COMMAND_FUNCTION(dirty_on);
COMMAND_FUNCTION(dirty_off);
COMMAND_FUNCTION(close);
COMMAND_FUNCTION(number);
COMMAND_FUNCTION(memory);
COMMAND_FUNCTION(fill);
COMMAND_FUNCTION(check);
COMMAND_FUNCTION(clear);
COMMAND_FUNCTION(poke);
COMMAND_FUNCTION(peek);
COMMAND_FUNCTION(dma);
COMMAND_FUNCTION(sim);
COMMAND_FUNCTION(inject);
COMMAND_FUNCTION(sleep);
COMMAND_FUNCTION(print);
COMMAND_FUNCTION(print_info);
COMMAND_FUNCTION(print_device);
COMMAND_FUNCTION(print_mappings);
COMMAND_FUNCTION(print_walk);
COMMAND_FUNCTION(print_stats);
COMMAND_FUNCTION(print_tree);

#endif
