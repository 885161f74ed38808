/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* What records have besides spaces, when a view asks for it. */
#ifndef TOOLS_JSON_VIEW_H
#define TOOLS_JSON_VIEW_H

#include "view.h"

struct yyjson_mut_doc;
struct yyjson_mut_val;

/* All metrics of a row from the first one on, in their order. Shared with json.c. */
void json__add_metrics(struct yyjson_mut_doc *doc, struct yyjson_mut_val *obj,
		       const struct row *row, enum metric_id first);

/* NULL for an empty text or an unknown number. */
void json__add_text(struct yyjson_mut_doc *doc, struct yyjson_mut_val *obj, const char *key,
		    const char *text);
void json__add_known(struct yyjson_mut_doc *doc, struct yyjson_mut_val *obj, const char *key,
		     bool known, __u64 number);

/* 0 or -ENOMEM. */
int json_view__add(struct yyjson_mut_doc *doc, struct yyjson_mut_val *root,
		   const struct snapshot *snap, const struct view *view);

#endif
