/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/* One JSON object per line. Numbers are numbers, null is "not known". */
#ifndef TOOLS_JSON_H
#define TOOLS_JSON_H

#include <stdio.h>
#include "collect.h"
#include "probe.h"
#include "view.h"

#define JSON_SCHEMA		"ioasidtop/1"
#define JSON_PROBE_SCHEMA	"ioasidtop-probe/1"

struct yyjson_mut_doc;
struct yyjson_mut_val;

/* An array of the words of a text. */
void json__add_words(struct yyjson_mut_doc *doc, struct yyjson_mut_val *obj, const char *key,
		     const char *text);

/* One line. 0 or a negative errno, -EIO when the stream fails; so do those below. */
int json__print(FILE *out, struct yyjson_mut_doc *doc);
int json__snapshot(FILE *out, const struct snapshot *snap, const struct view *view);
int json__probe(FILE *out, const struct probe *probe, const struct collect_size *size,
		const char *obstacle);

#endif
