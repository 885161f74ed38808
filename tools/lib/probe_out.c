// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <yyjson.h>
#include "json.h"
#include "probe_out.h"
#include "version.h"

static void say(FILE *out, const char *what, bool yes, const char *remark)
{
	fprintf(out, "%-28s %-4s %s\n", what, yes ? "yes" : "no", !yes && remark ? remark : "");
}

static void print_text(FILE *out, const struct probe *probe, const char *obstacle)
{
	const char *unneeded = "is missing: not needed by this tool";

	fprintf(out, "%-28s %-4s %s\n", "kernel", "yes", probe->kernel);
	say(out, "driver loaded", probe->driver, probe__bpf_obstacle(probe));
	say(out, "CAP_BPF", probe->cap_bpf, NULL);
	say(out, "CAP_PERFMON", probe->cap_perfmon, NULL);
	say(out, "events (BPF raw_tp)", !obstacle, obstacle);
	say(out, "kernel BTF", probe->kernel_btf, unneeded);
	say(out, "driver BTF", probe->driver_btf, unneeded);
}

static int print_json(FILE *out, const char *tool, const struct probe *probe,
		      const char *obstacle)
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
	err = json__print(out, doc);
	yyjson_mut_doc_free(doc);
	return err;
}

int probe__print(FILE *out, const char *tool, const struct probe *probe, const char *obstacle,
		 bool json)
{
	if (json)
		return print_json(out, tool, probe, obstacle);
	print_text(out, probe, obstacle);
	return fflush(out) ? -EIO : 0;
}
