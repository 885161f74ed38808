// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "counters.h"

enum value_type { NUMBER, STRING };

struct key {
	const char *name;
	enum value_type type;
	size_t offset;
};

#define CTX_KEY(n, t, m)	{ "ioasid-" n, t, offsetof(struct counter_ctx, m) }
#define SPACE_KEY(n, t, m)	{ "ioasid-" n, t, offsetof(struct counter_space, m) }
#define FAULT_KEY(n, m)		SPACE_KEY(n, NUMBER, faults.m)

static const struct key ctx_keys[] = {
	CTX_KEY("abi", NUMBER, abi),
	CTX_KEY("instance", NUMBER, instance),
	CTX_KEY("ctx", NUMBER, ctx),
	CTX_KEY("door", STRING, door),
	CTX_KEY("pid", NUMBER, pid),
	CTX_KEY("comm", STRING, comm),
	CTX_KEY("cgroup", NUMBER, cgroup),
	CTX_KEY("devices", NUMBER, devices),
	CTX_KEY("regions", NUMBER, regions),
	CTX_KEY("registered", NUMBER, registered),
};

static const struct key space_keys[] = {
	SPACE_KEY("kind", STRING, kind),
	SPACE_KEY("attached", STRING, attached),
	SPACE_KEY("parent", NUMBER, parent),
	SPACE_KEY("format", NUMBER, format),
	SPACE_KEY("domains", NUMBER, domains),
	SPACE_KEY("nested", NUMBER, nested),
	SPACE_KEY("mappings", NUMBER, mappings),
	SPACE_KEY("mapped", NUMBER, mapped),
	SPACE_KEY("pinned", NUMBER, pinned),
	SPACE_KEY("maps", NUMBER, maps),
	SPACE_KEY("map-errors", NUMBER, map_errors),
	SPACE_KEY("map-bytes", NUMBER, map_bytes),
	SPACE_KEY("unmaps", NUMBER, unmaps),
	SPACE_KEY("unmap-errors", NUMBER, unmap_errors),
	SPACE_KEY("unmap-bytes", NUMBER, unmap_bytes),
	SPACE_KEY("invalidations", NUMBER, invalidations),
	SPACE_KEY("user-invalidations", NUMBER, user_invs),
	SPACE_KEY("user-invalidation-errors", NUMBER, user_inv_errors),
	SPACE_KEY("shadow-syncs", NUMBER, shadow_syncs),
	FAULT_KEY("faults", groups),
	FAULT_KEY("fault-pages", pages),
	FAULT_KEY("faults-unrecoverable", unrecoverable),
	FAULT_KEY("fault-answers", answers),
	FAULT_KEY("fault-invalid", invalid),
	FAULT_KEY("fault-overflows", overflows),
	FAULT_KEY("fault-timeouts", timeouts),
	FAULT_KEY("fault-cancels", cancels),
	FAULT_KEY("fault-pending", pending),
	FAULT_KEY("fault-oldest", oldest),
};

#define ARRAY_SIZE(a)	(sizeof(a) / sizeof((a)[0]))

static const struct key *find_key(const struct key *keys, size_t nr, const char *name, size_t len)
{
	for (size_t i = 0; i < nr; i++)
		if (!strncmp(keys[i].name, name, len) && !keys[i].name[len])
			return &keys[i];
	return NULL;
}

/* "123", "123 B" or "123 ns". */
static bool parse_number(const char *text, __u64 *value)
{
	char *end;

	if (*text < '0' || *text > '9')
		return false;
	errno = 0;
	*value = strtoull(text, &end, 10);
	return !errno && (!*end || !strcmp(end, " B") || !strcmp(end, " ns"));
}

static bool store(void *object, const struct key *key, const char *value)
{
	void *field = (char *)object + key->offset;

	if (key->type == STRING) {
		*(const char **)field = value;
		return true;
	}
	return parse_number(value, field);
}

static struct counter_space *ctx_space(struct counter_ctx *ctx, __u32 ioasid)
{
	struct counter_space *spaces;

	/* The keys of a space stand together. */
	for (size_t i = ctx->nr_spaces; i-- > 0;)
		if (ctx->spaces[i].ioasid == ioasid)
			return &ctx->spaces[i];
	/* Grows at powers of two. */
	if (!(ctx->nr_spaces & (ctx->nr_spaces - 1))) {
		spaces = reallocarray(ctx->spaces, ctx->nr_spaces ? 2 * ctx->nr_spaces : 1,
				      sizeof(*spaces));
		if (!spaces)
			return NULL;
		ctx->spaces = spaces;
	}
	ctx->spaces[ctx->nr_spaces] = (struct counter_space){
		.ioasid = ioasid, .kind = "", .attached = "",
	};
	/* All bits set is absent. */
	memset(&ctx->spaces[ctx->nr_spaces].faults, 0xff, sizeof(struct counter_faults));
	return &ctx->spaces[ctx->nr_spaces++];
}

/* The number behind the last '-' of a key, and the length of what is before. */
static bool space_suffix(const char *name, size_t *len, __u32 *ioasid)
{
	const char *dash = strrchr(name, '-');
	__u64 number;

	if (!dash || !parse_number(dash + 1, &number) || number > 0xffffffff)
		return false;
	*len = dash - name;
	*ioasid = number;
	return true;
}

/* False: the line is not what the documentation promises. */
static bool parse_line(struct counter_ctx *ctx, char *line)
{
	char *value = strchr(line, ':');
	struct counter_space *space;
	const struct key *key;
	__u32 ioasid;
	size_t len;

	if (!value)
		return false;
	*value++ = '\0';
	value += strspn(value, " \t");
	key = find_key(ctx_keys, ARRAY_SIZE(ctx_keys), line, strlen(line));
	if (key)
		return store(ctx, key, value);
	if (!space_suffix(line, &len, &ioasid))
		return true;	/* a key of a later version, or the kernel's own */
	key = find_key(space_keys, ARRAY_SIZE(space_keys), line, len);
	if (!key)
		return true;
	space = ctx_space(ctx, ioasid);
	return space && store(space, key, value);
}

static bool is_known(const struct counter_set *set, const struct counter_ctx *ctx)
{
	for (size_t i = 0; i < set->nr_ctxs; i++)
		if (set->ctxs[i].ctx == ctx->ctx && set->ctxs[i].instance == ctx->instance)
			return true;
	return false;
}

static int add_ctx(struct counter_set *set, struct counter_ctx *ctx)
{
	struct counter_ctx *ctxs;

	if (!ctx->abi || is_known(set, ctx)) {
		free(ctx->spaces);
		return 0;
	}
	ctxs = reallocarray(set->ctxs, set->nr_ctxs + 1, sizeof(*ctxs));
	if (!ctxs) {
		free(ctx->spaces);
		return -ENOMEM;
	}
	set->ctxs = ctxs;
	ctxs[set->nr_ctxs++] = *ctx;
	return 0;
}

static int keep_text(struct counter_set *set, char *text)
{
	char **texts = reallocarray(set->texts, set->nr_texts + 1, sizeof(*texts));

	if (!texts) {
		free(text);
		return -ENOMEM;
	}
	set->texts = texts;
	texts[set->nr_texts++] = text;
	return 0;
}

static const struct counter_ctx empty_ctx = { .door = "", .comm = "" };

int counters__add_text(struct counter_set *set, char *text)
{
	struct counter_ctx ctx = empty_ctx;
	char *line;
	int err;

	err = keep_text(set, text);
	if (err)
		return err;
	while (!err && (line = strsep(&text, "\n"))) {
		if (!*line) {
			err = add_ctx(set, &ctx);
			ctx = empty_ctx;
		} else if (!parse_line(&ctx, line)) {
			set->bad_lines++;
		}
	}
	if (!err)
		return add_ctx(set, &ctx);
	free(ctx.spaces);
	return err;
}

void counters__clear(struct counter_set *set)
{
	for (size_t i = 0; i < set->nr_ctxs; i++)
		free(set->ctxs[i].spaces);
	for (size_t i = 0; i < set->nr_texts; i++)
		free(set->texts[i]);
	free(set->ctxs);
	free(set->texts);
	*set = (struct counter_set){ 0 };
}
