// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Which contexts and spaces there are: from the driver's counters, as ioasidtop. */
#include <stdlib.h>
#include <string.h>
#include "ioasidctl.h"
#include "probe.h"

int contexts__open(struct contexts *contexts, const struct options *options)
{
	struct probe probe;
	const char *obstacle;
	int err;

	*contexts = (struct contexts){ 0 };
	if (!options->counters) {
		probe__run(&probe);
		obstacle = probe__counters_obstacle(&probe);
		if (!probe.driver)
			return complain(EXIT_UNSUPPORTED, "%s", obstacle);
		if (obstacle)
			complain(0, "%s", obstacle);
	}
	err = counters__read(&contexts->set, options->counters, &contexts->source);
	if (err)
		return complain(EXIT_FAILED, "cannot read the contexts: %s", strerror(-err));
	return EXIT_OK;
}

void contexts__close(struct contexts *contexts)
{
	counters__clear(&contexts->set);
}

static void no_context(const struct contexts *contexts, const char *text)
{
	char known[200] = "";
	size_t len = 0;

	for (size_t i = 0; i < contexts->set.nr_ctxs && len < sizeof(known); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%llu", i ? ", " : "",
				contexts->set.ctxs[i].ctx);
	if (len)
		complain(0, "there is no context %s; there are: %s", text, known);
	else
		complain(0, "there is no context %s, and no other: "
			 "no program has /dev/ioasid or a VFIO container open", text);
}

bool contexts__select(const struct contexts *contexts, const char *text,
		      struct selection *selection)
{
	uint64_t number;

	*selection = (struct selection){ contexts->set.ctxs, contexts->set.nr_ctxs, true };
	if (!text)
		return true;
	for (size_t i = 0; parse_number(text, &number) && i < contexts->set.nr_ctxs; i++) {
		if (contexts->set.ctxs[i].ctx != number)
			continue;
		*selection = (struct selection){ &contexts->set.ctxs[i], 1, false };
		return true;
	}
	no_context(contexts, text);
	return false;
}

int contexts__show(const struct options *options, const char *text, show_fn fn)
{
	struct contexts contexts;
	struct selection chosen;
	int status = contexts__open(&contexts, options);

	if (status)
		return status;
	if (!contexts__select(&contexts, text, &chosen))
		status = EXIT_FAILED;
	else
		status = fn(options, &contexts, &chosen);
	contexts__close(&contexts);
	return status;
}

const struct counter_space *ctx__space(const struct counter_ctx *ctx, uint32_t ioasid)
{
	for (size_t i = 0; i < ctx->nr_spaces; i++)
		if (ctx->spaces[i].ioasid == ioasid)
			return &ctx->spaces[i];
	return NULL;
}

static bool no_space(const struct counter_ctx *ctx, const char *text)
{
	char known[200] = "none";
	size_t len = 0;

	for (size_t i = 0; i < ctx->nr_spaces && len < sizeof(known); i++)
		len += snprintf(known + len, sizeof(known) - len, "%s%u", i ? ", " : "",
				ctx->spaces[i].ioasid);
	complain(0, "context %llu has no space %s; it has: %s", ctx->ctx, text, known);
	return false;
}

bool contexts__find_space(const struct options *options, const char *ctx, const char *ioasid,
			  uint32_t *ctx_id, uint32_t *id)
{
	struct contexts contexts;
	struct selection chosen;
	uint64_t number;
	bool found;

	if (contexts__open(&contexts, options))
		return false;
	found = contexts__select(&contexts, ctx, &chosen);
	if (found && (!parse_number(ioasid, &number) || number > UINT32_MAX ||
		      !ctx__space(chosen.first, number)))
		found = no_space(chosen.first, ioasid);
	if (found) {
		*ctx_id = chosen.first->ctx;
		*id = number;
	}
	contexts__close(&contexts);
	return found;
}
