// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <yyjson.h>
#include "json.h"
#include "probe_out.h"
#include "version.h"
#include "watch.h"

static void say(FILE *out, const char *what, bool yes, const char *remark)
{
	fprintf(out, "%-28s %-4s %s\n", what, yes ? "yes" : "no", !yes && remark ? remark : "");
}

/* As far as can be told without loading anything. */
static bool has_obstacle(enum watch watch, const struct probe *probe, bool times, char *why,
			 size_t size)
{
	if (!times || watch__has_times(watch))
		return watch__obstacle(watch, probe, why, size);
	snprintf(why, size, "it has no times");
	return true;
}

static void print_sources(FILE *out, const struct probe *probe, bool times)
{
	char what[32], why[256];

	for (enum watch watch = 0; watch < NR_WATCHES; watch++) {
		bool no = has_obstacle(watch, probe, times, why, sizeof(why));

		snprintf(what, sizeof(what), "--source %s", watch__name(watch));
		say(out, what, !no, why);
	}
}

static void add_sources(yyjson_mut_doc *doc, yyjson_mut_val *root, const struct probe *probe,
			bool times)
{
	yyjson_mut_val *obj = yyjson_mut_obj_add_obj(doc, root, "source_obstacles");
	char why[256];

	for (enum watch watch = 0; watch < NR_WATCHES; watch++)
		yyjson_mut_obj_add_strcpy(doc, obj, watch__name(watch),
					  has_obstacle(watch, probe, times, why, sizeof(why)) ?
					  why : "");
}

static void print_text(FILE *out, const struct probe *probe, const char *obstacle, bool times)
{
	const char *unneeded = "is missing: not needed by this tool";

	fprintf(out, "%-28s %-4s %s\n", "kernel", "yes", probe->kernel);
	say(out, "driver loaded", probe->driver, probe__bpf_obstacle(probe));
	say(out, "CAP_BPF", probe->cap_bpf, NULL);
	say(out, "CAP_PERFMON", probe->cap_perfmon, NULL);
	say(out, "events (BPF raw_tp)", !obstacle, obstacle);
	say(out, "kernel BTF", probe->kernel_btf, unneeded);
	say(out, "driver BTF", probe->driver_btf, unneeded);
	print_sources(out, probe, times);
}

static int print_json(FILE *out, const char *tool, const struct probe *probe,
		      const char *obstacle, bool times)
{
	yyjson_mut_doc *doc = yyjson_mut_doc_new(NULL);
	yyjson_mut_val *root;
	char schema[48];
	int err;

	if (!doc)
		return -ENOMEM;
	root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, root);
	snprintf(schema, sizeof(schema), "%s-probe/1", tool);
	yyjson_mut_obj_add_str(doc, root, "schema", schema);
	yyjson_mut_obj_add_str(doc, root, "version", IOASID_TOOLS_VERSION);
	yyjson_mut_obj_add_str(doc, root, "kernel", probe->kernel);
	yyjson_mut_obj_add_bool(doc, root, "driver", probe->driver);
	yyjson_mut_obj_add_bool(doc, root, "driver_btf", probe->driver_btf);
	yyjson_mut_obj_add_bool(doc, root, "kernel_btf", probe->kernel_btf);
	yyjson_mut_obj_add_bool(doc, root, "cap_bpf", probe->cap_bpf);
	yyjson_mut_obj_add_bool(doc, root, "cap_perfmon", probe->cap_perfmon);
	yyjson_mut_obj_add_bool(doc, root, "bpf", !obstacle);
	yyjson_mut_obj_add_str(doc, root, "bpf_obstacle", obstacle ? obstacle : "");
	add_sources(doc, root, probe, times);
	err = json__print(out, doc);
	yyjson_mut_doc_free(doc);
	return err;
}

int probe__print(FILE *out, const char *tool, const struct probe *probe, const char *obstacle,
		 bool times, bool json)
{
	if (json)
		return print_json(out, tool, probe, obstacle, times);
	print_text(out, probe, obstacle, times);
	return fflush(out) ? -EIO : 0;
}
