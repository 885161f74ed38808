// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* What is attached, and what it said. */
#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include <yyjson.h>
#include "ioasidpolicy.h"
#include "json.h"

#define MAX_PINS 256

struct pin {
	uint32_t link;
	char name[NAME_SIZE];
};

struct pins {
	struct pin pin[MAX_PINS];
	int nr;
};

static void read_pin(struct pins *pins, const char *name)
{
	struct bpf_link_info info = { 0 };
	uint32_t len = sizeof(info);
	char path[256];
	int fd;

	if (pins->nr == MAX_PINS || !is_policy_name(name))
		return;
	pin_path(name, path, sizeof(path));
	fd = bpf_obj_get(path);
	if (fd < 0)
		return;
	if (!bpf_link_get_info_by_fd(fd, &info, &len) && info.type == BPF_LINK_TYPE_STRUCT_OPS) {
		struct pin *pin = &pins->pin[pins->nr++];

		pin->link = info.id;
		memcpy(pin->name, name, strlen(name) + 1);
	}
	close(fd);
}

static void read_pins(struct pins *pins)
{
	DIR *dir = opendir(PIN_DIR);
	struct dirent *entry;

	pins->nr = 0;
	if (!dir)
		return;
	while ((entry = readdir(dir)))
		read_pin(pins, entry->d_name);
	closedir(dir);
}

/* As it can be detached by; NULL: it was attached by something else. */
static const char *pin_of(const struct pins *pins, uint64_t link)
{
	for (int i = 0; i < pins->nr; i++)
		if (pins->pin[i].link == link)
			return pins->pin[i].name;
	return NULL;
}

static const char blanks[] = { ' ', '\n', '\0' };

struct columns {
	const char *title;
	const char *key;
};

static const struct columns columns[] = {
	{ "CTX", "ctx" },
	{ "PRIORITY", "priority" },
	{ "MAPS", "maps" },
	{ "REFUSED", "refusals" },
	{ "FAULTS", "faults" },
	{ "DELIVER", "deliver" },
	{ "RESOLVE", "resolve" },
	{ "SUCCESS", "success" },
	{ "INVALID", "invalid" },
	{ "DROP", "drop" },
};

#define NR_COLUMNS ((int)(sizeof(columns) / sizeof(columns[0])))

/* The value behind " key=", ends at a blank; NULL: there is none. */
static const char *find(const char *line, const char *key)
{
	size_t len = strlen(key);

	for (const char *at = line; (at = strchr(at, ' ')); at++)
		if (!strncmp(at + 1, key, len) && at[1 + len] == '=')
			return at + len + 2;
	return NULL;
}

static uint64_t value(const char *line, const char *key)
{
	const char *text = find(line, key);

	return text ? strtoull(text, NULL, 10) : 0;
}

static void print_line(const char *line, const struct pins *pins)
{
	const char *pin = pin_of(pins, value(line, "link"));
	const char *name = line + strlen("policy=");
	uint64_t nonsense = value(line, "map-nonsense") + value(line, "fault-nonsense");

	printf("%-15.*s", (int)strcspn(name, " "), name);
	for (int i = 0; i < NR_COLUMNS; i++) {
		const char *text = find(line, columns[i].key);

		printf(" %8.*s", text ? (int)strcspn(text, blanks) : 1, text ?: "-");
	}
	printf(" %8llu  %s\n", (unsigned long long)nonsense, pin ?: "-");
}

static void print_header(void)
{
	printf("%-15s", "NAME");
	for (int i = 0; i < NR_COLUMNS; i++)
		printf(" %8s", columns[i].title);
	printf(" %8s  %s\n", "NONSENSE", "PIN");
}

/* All words of a line: numbers, and those before the first one as they are. */
static void json_line(yyjson_mut_doc *doc, yyjson_mut_val *obj, char *line)
{
	char *save = NULL;

	for (char *word = strtok_r(line, blanks, &save); word;
	     word = strtok_r(NULL, blanks, &save)) {
		char *equals = strchr(word, '=');
		yyjson_mut_val *key;

		if (!equals)
			continue;
		*equals = '\0';
		key = yyjson_mut_strcpy(doc, strcmp(word, "policy") ? word : "name");
		yyjson_mut_obj_add(obj, key,
				   strcmp(word, "policy") ?
					   yyjson_mut_sint(doc, strtoll(equals + 1, NULL, 10)) :
					   yyjson_mut_strcpy(doc, equals + 1));
	}
}

static void json_policy(yyjson_mut_doc *doc, yyjson_mut_val *array, char *line,
			const struct pins *pins)
{
	const char *pin = pin_of(pins, value(line, "link"));
	yyjson_mut_val *obj = yyjson_mut_arr_add_obj(doc, array);

	json_line(doc, obj, line);
	if (pin)
		yyjson_mut_obj_add_strcpy(doc, obj, "pin", pin);
	else
		yyjson_mut_obj_add_null(doc, obj, "pin");
}

static int list_json(FILE *in, const struct pins *pins)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root, *array;
	size_t room = 0;
	char *line = NULL;
	int rc;

	if (!doc)
		return complain(EXIT_FAILED, "out of memory");
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	yyjson_mut_obj_add_str(doc, root, "schema", "ioasidpolicy-list/1");
	array = yyjson_mut_obj_add_arr(doc, root, "policies");
	while (getline(&line, &room, in) > 0) {
		if (!strncmp(line, "policy=", 7))
			json_policy(doc, array, line, pins);
		else if (!strncmp(line, "total ", 6))
			json_line(doc, yyjson_mut_obj_add_obj(doc, root, "total"), line);
		else if (!strncmp(line, "fmod-ret ", 9))
			json_line(doc, yyjson_mut_obj_add_obj(doc, root, "fmod-ret"), line);
	}
	free(line);
	rc = json__print(stdout, doc);
	yyjson_mut_doc_free(doc);
	return rc ? EXIT_FAILED : EXIT_OK;
}

static int list_text(FILE *in, const struct pins *pins)
{
	char *line = NULL;
	size_t room = 0;
	int nr = 0;

	while (getline(&line, &room, in) > 0) {
		if (strncmp(line, "policy=", 7))
			continue;
		if (!nr++)
			print_header();
		print_line(line, pins);
	}
	free(line);
	if (!nr)
		puts("no policy is attached");
	return EXIT_OK;
}

int cmd_list(const struct options *options)
{
	int status = check_machine();
	struct pins *pins;
	FILE *in;

	if (status)
		return status;
	pins = malloc(sizeof(*pins));
	in = fopen(POLICIES_FILE, "r");
	if (!pins || !in) {
		status = complain(EXIT_FAILED, "cannot read %s: %s", POLICIES_FILE,
				  strerror(errno));
	} else {
		libbpf_set_print(NULL);
		read_pins(pins);
		status = options->json ? list_json(in, pins) : list_text(in, pins);
	}
	if (in)
		fclose(in);
	free(pins);
	return status;
}
