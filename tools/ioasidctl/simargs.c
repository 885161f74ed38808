// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <string.h>
#include "ioasidctl.h"
#include "simargs.h"

struct flag_name {
	const char *name;
	uint32_t flag;
};

static const struct flag_name caps[] = {
	{ "nesting", IOASID_SIM_CAP_NESTING }, { "pasid", IOASID_SIM_CAP_PASID },
	{ "ats", IOASID_SIM_CAP_ATS }, { "pri", IOASID_SIM_CAP_PRI },
	{ "enforce-snoop", IOASID_SIM_CAP_ENFORCE_SNOOP },
	{ "non-coherent", IOASID_SIM_CAP_NON_COHERENT }, { "dirty", IOASID_SIM_CAP_DIRTY },
	{ "no-msi-remap", IOASID_SIM_CAP_NO_MSI_REMAP },
};

struct parser {
	struct ioasid_sim_create *args;
	char *why;
	size_t size;
};

/* Calls fn for each word of a list with commas. */
static bool each_word(struct parser *p, const char *list,
		      bool (*fn)(struct parser *p, const char *word))
{
	char words[256], *save, *word;

	if (strlen(list) >= sizeof(words)) {
		snprintf(p->why, p->size, "'%.20s...' is too long", list);
		return false;
	}
	strcpy(words, list);
	for (word = strtok_r(words, ",", &save); word; word = strtok_r(NULL, ",", &save))
		if (!fn(p, word))
			return false;
	return true;
}

static bool add_cap(struct parser *p, const char *word)
{
	size_t len = 0;

	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]); i++) {
		if (strcmp(word, caps[i].name))
			continue;
		p->args->caps |= caps[i].flag;
		return true;
	}
	len = snprintf(p->why, p->size, "'%s' is no capability; there are:", word);
	for (size_t i = 0; i < sizeof(caps) / sizeof(caps[0]) && len < p->size; i++)
		len += snprintf(p->why + len, p->size - len, " %s", caps[i].name);
	return false;
}

static bool add_format(struct parser *p, const char *word)
{
	uint32_t format = find_format(word);
	char names[150];

	if (format) {
		p->args->formats |= 1U << format;
		return true;
	}
	format_names(names, sizeof(names));
	snprintf(p->why, p->size, "'%s' is no format; there are: %s", word, names);
	return false;
}

static bool add_pgsize(struct parser *p, const char *word)
{
	uint64_t size;

	if (!parse_number(word, &size)) {
		snprintf(p->why, p->size, "'%s' is no page size", word);
		return false;
	}
	p->args->pgsize_bitmap |= size;
	return true;
}

static bool add_resv(struct parser *p, const char *word)
{
	struct ioasid_sim_resv *resv = &p->args->resv[p->args->nr_resv];
	const char *colon = strchrnul(word, ':');
	char range[64];

	if (p->args->nr_resv == IOASID_SIM_MAX_RESV) {
		snprintf(p->why, p->size, "there are at most %u reserved regions",
			 IOASID_SIM_MAX_RESV);
		return false;
	}
	snprintf(range, sizeof(range), "%.*s", (int)(colon - word), word);
	if (!strcmp(colon, ":msi"))
		resv->type = IOASID_SIM_RESV_MSI;
	else if (!strcmp(colon, ":direct"))
		resv->type = IOASID_SIM_RESV_DIRECT;
	else if (*colon)
		range[0] = '\0';
	if (!parse_range(range, (uint64_t *)&resv->start, (uint64_t *)&resv->last)) {
		snprintf(p->why, p->size,
			 "'%s' is no reserved region: give FIRST-LAST, with :msi or :direct", word);
		return false;
	}
	p->args->nr_resv++;
	return true;
}

/* SETSxWAYS */
static bool set_iotlb(struct parser *p, const char *text)
{
	char end;

	if (sscanf(text, "%ux%u%c", &p->args->iotlb_sets, &p->args->iotlb_ways, &end) == 2 &&
	    p->args->iotlb_sets && p->args->iotlb_ways)
		return true;
	snprintf(p->why, p->size, "'%s' is no size of an IOTLB: give SETSxWAYS, such as 64x4",
		 text);
	return false;
}

static bool set_number(struct parser *p, const char *name, const char *text, uint32_t *to)
{
	uint64_t number;

	if (!parse_number(text, &number) || number > UINT32_MAX) {
		snprintf(p->why, p->size, "'%s' is no number for %s", text, name);
		return false;
	}
	*to = number;
	return true;
}

/* Where the PASIDs of sub-devices come from */
static bool set_pool(struct parser *p, const char *text)
{
	bool global = !strcmp(text, "global");

	if (!global && strcmp(text, "device")) {
		snprintf(p->why, p->size, "'%s' is no pool of PASIDs; there are: device global",
			 text);
		return false;
	}
	p->args->flags &= ~IOASID_SIM_GLOBAL_PASIDS;
	if (global)
		p->args->flags |= IOASID_SIM_GLOBAL_PASIDS;
	return true;
}

static bool set(struct parser *p, const char *name, const char *text)
{
	struct ioasid_sim_create *args = p->args;

	if (!strcmp(name, "caps"))
		return each_word(p, text, add_cap);
	if (!strcmp(name, "formats"))
		return each_word(p, text, add_format);
	if (!strcmp(name, "page-sizes"))
		return each_word(p, text, add_pgsize);
	if (!strcmp(name, "resv"))
		return each_word(p, text, add_resv);
	if (!strcmp(name, "iotlb"))
		return set_iotlb(p, text);
	if (!strcmp(name, "width"))
		return set_number(p, name, text, &args->addr_width);
	if (!strcmp(name, "devices"))
		return set_number(p, name, text, &args->nr_devices);
	if (!strcmp(name, "group"))
		return set_number(p, name, text, &args->group_size);
	if (!strcmp(name, "pasid-bits"))
		return set_number(p, name, text, &args->pasid_bits);
	if (!strcmp(name, "pasid-pool"))
		return set_pool(p, text);
	if (!strcmp(name, "seed"))
		return set_number(p, name, text, &args->seed);
	if (!strcmp(name, "subdevices"))
		return set_number(p, name, text, &args->nr_subdevices);
	snprintf(p->why, p->size, "'%s' is none of caps, devices, formats, group, iotlb, page-sizes, pasid-bits, pasid-pool, resv, seed, subdevices, width",
		 name);
	return false;
}

/* PASIDs without a width would be refused: as wide as PCI has them. */
static void fill_in(struct ioasid_sim_create *args)
{
	if (args->pasid_bits || args->nr_subdevices)
		args->caps |= IOASID_SIM_CAP_PASID;
	if (args->caps & IOASID_SIM_CAP_PASID && !args->pasid_bits)
		args->pasid_bits = 20;
	if (args->formats)
		args->caps |= IOASID_SIM_CAP_NESTING;
}

bool simargs__parse(struct ioasid_sim_create *args, int argc, char **argv, const char *prefix,
		    char *why, size_t size)
{
	struct parser p = { args, why, size };
	char name[32], *equals;

	for (int i = 0; i < argc; i++) {
		const char *value;

		if (strncmp(argv[i], prefix, strlen(prefix))) {
			snprintf(why, size, "unexpected argument '%s'", argv[i]);
			return false;
		}
		equals = *prefix ? strchr(argv[i], '=') : NULL;
		snprintf(name, sizeof(name), "%.*s",
			 equals ? (int)(equals - argv[i] - strlen(prefix)) : 31,
			 argv[i] + strlen(prefix));
		value = equals ? equals + 1 : i + 1 < argc ? argv[++i] : NULL;
		if (!value) {
			snprintf(why, size, "'%s' needs a value", argv[i]);
			return false;
		}
		if (!set(&p, name, value))
			return false;
	}
	fill_in(args);
	return true;
}
