// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* The commands of scripts, and the names that they use. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include "script.h"

const struct command script_commands[] = {
	{ "open", TYPE_CTX, "", "", "CTX = open", run_open },
	{ "device", TYPE_DEVICE, "w", "", "DEV = device NAME", run_device },
	{ "bind", TYPE_NONE, "dc", "cookie:", "bind $DEV $CTX [cookie N]", run_bind },
	{ "unbind", TYPE_NONE, "d", "", "unbind $DEV", run_unbind },
	{ "attach", TYPE_NONE, "ds", "pasid:", "attach $DEV $SPACE [pasid N]", run_attach },
	{ "detach", TYPE_NONE, "ds", "pasid:", "detach $DEV $SPACE [pasid N]", run_detach },
	{ "alloc", TYPE_SPACE, "c", "width: snoop dirty",
	  "SPACE = alloc $CTX [width BITS] [snoop] [dirty]", run_alloc },
	{ "nest", TYPE_SPACE, "s", "width: snoop", "SPACE = nest $PARENT [width BITS] [snoop]",
	  run_nest },
	{ "create-nesting", TYPE_SPACE, "s", "", "SPACE = create-nesting $PARENT",
	  run_create_nesting },
	{ "table", TYPE_SPACE, "sfn", "width:",
	  "SPACE = table $PARENT FORMAT ADDRESS [width BITS]", run_table },
	{ "bind-table", TYPE_NONE, "sfn", "width:",
	  "bind-table $SPACE FORMAT ADDRESS [width BITS]", run_bind_table },
	{ "unbind-table", TYPE_NONE, "s", "", "unbind-table $SPACE", run_unbind_table },
	{ "pasid-table", TYPE_SPACE, "sfn", "bits: bypass block 5level",
	  "SPACE = pasid-table $PARENT FORMAT ADDRESS [bits N] [bypass] [block] [5level]",
	  run_pasid_table },
	{ "bind-pasid-table", TYPE_NONE, "sfn", "bits: bypass block 5level",
	  "bind-pasid-table $SPACE FORMAT ADDRESS [bits N] [bypass] [block] [5level]",
	  run_bind_pasid_table },
	{ "unbind-pasid-table", TYPE_NONE, "s", "", "unbind-pasid-table $SPACE",
	  run_unbind_pasid_table },
	{ "free", TYPE_NONE, "s", "", "free $SPACE", run_free },
	{ "register", TYPE_NONE, "cm", "", "register $CTX $MEMORY", run_register },
	{ "unregister", TYPE_NONE, "cm", "", "unregister $CTX $MEMORY", run_unregister },
	{ "map", TYPE_NONE, "sannp", "", "map $SPACE ADDRESS IOVA SIZE rw|r|w", run_map },
	{ "unmap all", TYPE_NUMBER, "s", "", "[BYTES =] unmap all $SPACE", run_unmap_all },
	{ "unmap", TYPE_NUMBER, "snn", "", "[BYTES =] unmap $SPACE IOVA SIZE", run_unmap },
	{ "invalidate", TYPE_NONE, "sn?n", "pasid: pasid-cache",
	  "invalidate $SPACE [IOVA SIZE] [pasid N] [pasid-cache]", run_invalidate },
	{ "dirty on", TYPE_NONE, "s", "", "dirty on $SPACE", run_dirty_on },
	{ "dirty off", TYPE_NONE, "s", "", "dirty off $SPACE", run_dirty_off },
	{ "dirty", TYPE_NUMBER, "snn", "keep", "[PAGES =] dirty $SPACE IOVA SIZE [keep]",
	  run_dirty },
	{ "close", TYPE_NONE, "v", "", "close $CTX|$DEV", run_close },
	{ "number", TYPE_NUMBER, "a", "", "N = number EXPRESSION", run_number },
	{ "memory", TYPE_MEMORY, "n", "at: huge", "MEMORY = memory SIZE [at ADDRESS] [huge]",
	  run_memory },
	{ "fill", TYPE_NONE, "bnn?n", "", "fill $MEMORY|$DEV SEED [OFFSET [SIZE]]", run_fill },
	{ "check", TYPE_NONE, "bnn?n", "", "check $MEMORY|$DEV SEED [OFFSET [SIZE]]", run_check },
	{ "clear", TYPE_NONE, "bn?n", "", "clear $MEMORY|$DEV [OFFSET [SIZE]]", run_clear },
	{ "poke", TYPE_NONE, "bnn", "", "poke $MEMORY|$DEV OFFSET VALUE", run_poke },
	{ "peek", TYPE_NUMBER, "bn", "", "N = peek $MEMORY|$DEV OFFSET", run_peek },
	{ "dma", TYPE_NUMBER, "donn?n", "pasid: ats priv exec",
	  "[N =] dma $DEV read|write|copy|fill|compare|add|cas IOVA ... [pasid N] [ats] [priv] [exec]",
	  run_dma },
	{ "sim", TYPE_SIM, ".", "", "SIM = sim [NAME VALUE]...", run_sim },
	{ "inject", TYPE_NONE, "in", "", "inject $SIM FLAGS", run_inject },
	{ "sleep", TYPE_NONE, "n", "", "sleep SECONDS", run_sleep },
	{ "print info", TYPE_NONE, "s", "", "print info $SPACE", run_print_info },
	{ "print device", TYPE_NONE, "d", "", "print device $DEV", run_print_device },
	{ "print mappings", TYPE_NONE, "s", "", "print mappings $SPACE", run_print_mappings },
	{ "print walk", TYPE_NONE, "sn", "pasid:", "print walk $SPACE IOVA [pasid N]",
	  run_print_walk },
	{ "print stats", TYPE_NONE, "i", "", "print stats $SIM", run_print_stats },
	{ "print tree", TYPE_NONE, "c", "", "print tree $CTX", run_print_tree },
	{ "print", TYPE_NONE, ".", "", "print TEXT...", run_print },
	{ 0 },
};

const struct command *find_command(const char *first, const char *second, bool *two)
{
	char both[64];

	snprintf(both, sizeof(both), "%s %s", first, second ? second : "");
	for (const struct command *c = script_commands; c->name; c++) {
		*two = !strcmp(c->name, both);
		if (*two || !strcmp(c->name, first))
			return c;
	}
	return NULL;
}

const char *type_name(enum type type)
{
	static const char *const names[] = {
		[TYPE_NONE] = "nothing", [TYPE_NUMBER] = "a number", [TYPE_CTX] = "a context",
		[TYPE_DEVICE] = "a device", [TYPE_SPACE] = "a space", [TYPE_MEMORY] = "memory",
		[TYPE_SIM] = "a simulated IOMMU",
	};

	return names[type];
}

int find_error(const char *name)
{
	for (int err = 1; err < 200; err++) {
		const char *known = strerrorname_np(err);

		if (known && !strcmp(name, known))
			return -err;
	}
	for (int status = 1; status < 32; status++)
		if (strcmp(ioasid_sim_status_text(status), "?") &&
		    !strcmp(name, ioasid_sim_status_text(status)))
			return SCRIPT_STATUS + status;
	return 0;
}

uint32_t find_prot(const char *text)
{
	if (!strcmp(text, "rw"))
		return IOASID_MAP_READ | IOASID_MAP_WRITE;
	if (!strcmp(text, "r"))
		return IOASID_MAP_READ;
	return strcmp(text, "w") ? 0 : IOASID_MAP_WRITE;
}

uint32_t find_operation(const char *name)
{
	static const char *const names[] = {
		[IOASID_SIM_OP_READ] = "read", [IOASID_SIM_OP_WRITE] = "write",
		[IOASID_SIM_OP_COPY] = "copy", [IOASID_SIM_OP_FILL] = "fill",
		[IOASID_SIM_OP_COMPARE] = "compare", [IOASID_SIM_OP_ADD] = "add",
		[IOASID_SIM_OP_CAS] = "cas",
	};

	for (uint32_t op = 1; op < sizeof(names) / sizeof(names[0]); op++)
		if (!strcmp(name, names[op]))
			return op;
	return 0;
}
