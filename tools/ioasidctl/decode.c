// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * What the bits of an entry mean, by the formats' specifications (kernel/table/ names
 * them). For people: whether a translation is allowed is the kernel's answer.
 */
#include "ioasidctl.h"

struct bit_name {
	unsigned int bit;
	bool leaf_only;
	const char *set;	/* NULL: says nothing */
	const char *clear;
};

static const struct bit_name x86_bits[] = {
	{ 0, false, "present", "not present" }, { 1, false, "write", "read-only" },
	{ 2, false, "user", "privileged" }, { 5, false, "accessed", NULL },
	{ 6, true, "dirty", NULL }, { 63, false, "no-exec", NULL },
};

static const struct bit_name arm_bits[] = {
	{ 0, false, "valid", "invalid" }, { 6, true, "user", "privileged" },
	{ 7, true, "read-only", "write" }, { 10, true, "accessed", NULL },
	{ 11, true, "not-global", NULL }, { 51, true, "dirty-managed", NULL },
	{ 53, true, "no-exec-priv", NULL }, { 54, true, "no-exec-user", NULL },
};

static const struct bit_name riscv_bits[] = {
	{ 0, false, "valid", "invalid" }, { 1, true, "read", NULL }, { 2, true, "write", NULL },
	{ 3, true, "exec", NULL }, { 4, true, "user", "privileged" },
	{ 5, false, "global", NULL }, { 6, true, "accessed", NULL }, { 7, true, "dirty", NULL },
};

struct bit_table {
	const struct bit_name *bits;
	size_t nr;
};

#define BITS(array)	((struct bit_table){ array, sizeof(array) / sizeof((array)[0]) })

static struct bit_table format_bits(uint32_t format)
{
	switch (format) {
	case IOASID_FORMAT_X86_64_4LEVEL:
	case IOASID_FORMAT_X86_64_5LEVEL:
		return BITS(x86_bits);
	case IOASID_FORMAT_ARM_LPAE_4K:
		return BITS(arm_bits);
	case IOASID_FORMAT_RISCV_SV39:
	case IOASID_FORMAT_RISCV_SV48:
		return BITS(riscv_bits);
	default:
		return (struct bit_table){ NULL, 0 };
	}
}

static const char *leaf_size(uint32_t level)
{
	static const char *const sizes[] = { "?", "4K page", "2M page", "1G page", "512G page" };

	return sizes[level < 5 ? level : 0];
}

void decode_entry(uint32_t format, uint64_t entry, bool leaf, uint32_t level, char *buf,
		  size_t size)
{
	struct bit_table table = format_bits(format);
	size_t len = 0;

	*buf = '\0';
	for (size_t i = 0; i < table.nr && len < size; i++) {
		const struct bit_name *bit = &table.bits[i];
		bool set = entry >> bit->bit & 1;
		const char *word = set ? bit->set : bit->clear;

		if (!word || (bit->leaf_only && !leaf))
			continue;
		len += snprintf(buf + len, size - len, "%s%s", len ? " " : "", word);
		/* The rest of an entry that is not valid means nothing. */
		if (!i && !set)
			return;
	}
	if (leaf && len < size)
		snprintf(buf + len, size - len, "%s%s", len ? ", " : "", leaf_size(level));
}
