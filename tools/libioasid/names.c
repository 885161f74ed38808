// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Numbers of the interface as words. */
#include "libioasid.h"

#define NR(array)	(sizeof(array) / sizeof((array)[0]))

static const char *name_of(const char *const *names, size_t nr, uint32_t number)
{
	return number < nr && names[number] ? names[number] : "?";
}

const char *ioasid_command_name(unsigned int cmd)
{
	static const struct {
		unsigned int cmd;
		const char *name;
	} names[] = {
#define NAME(cmd)	{ cmd, #cmd }
		{ IOASID_CMD_OPEN, "open" }, { IOASID_CMD_OPEN_DEVICE, "open of a device" },
		{ IOASID_CMD_OPEN_SIM, "open of the simulator" },
		NAME(IOASID_CHECK_EXTENSION), NAME(IOASID_REGISTER_MEMORY),
		NAME(IOASID_UNREGISTER_MEMORY), NAME(IOASID_ALLOC), NAME(IOASID_FREE),
		NAME(IOASID_GET_INFO), NAME(IOASID_MAP_DMA), NAME(IOASID_UNMAP_DMA),
		NAME(IOASID_CREATE_NESTING), NAME(IOASID_BIND_PGTABLE),
		NAME(IOASID_UNBIND_PGTABLE), NAME(IOASID_BIND_PASID_TABLE),
		NAME(IOASID_UNBIND_PASID_TABLE), NAME(IOASID_INVALIDATE_CACHE),
		NAME(IOASID_FAULT_QUEUE_ALLOC), NAME(IOASID_FAULT_RESPOND),
		NAME(IOASID_DEVICE_GET_INFO), NAME(IOASID_GET_MAPPINGS), NAME(IOASID_WALK),
		NAME(IOASID_SET_DIRTY_TRACKING), NAME(IOASID_GET_DIRTY_BITMAP),
		NAME(IOASID_PREFETCH), NAME(IOASID_GET_HISTORY), NAME(IOASID_GET_HISTORY_STACK),
		NAME(VFIO_BIND_IOASID_FD), NAME(VFIO_UNBIND_IOASID_FD),
		NAME(VFIO_ATTACH_IOASID), NAME(VFIO_DETACH_IOASID), NAME(IOASID_SIM_CREATE),
		NAME(IOASID_SIM_DESTROY), NAME(IOASID_SIM_GET_STATS), NAME(IOASID_SIM_INJECT),
		NAME(IOASID_SIM_DMA), NAME(IOASID_SIM_START), NAME(IOASID_SIM_STOP),
		NAME(IOASID_SIM_RING), NAME(IOASID_SIM_DOORBELL),
#undef NAME
	};

	for (size_t i = 0; i < NR(names); i++)
		if (names[i].cmd == cmd)
			return names[i].name;
	return "?";
}

const char *ioasid_kind_name(uint32_t kind)
{
	static const char *const names[] = {
		[IOASID_KIND_KERNEL] = "kernel", [IOASID_KIND_SVA] = "sva",
		[IOASID_KIND_MIRROR] = "mirror", [IOASID_KIND_USER] = "user",
	};

	return name_of(names, NR(names), kind);
}

const char *ioasid_format_name(uint32_t format)
{
	static const char *const names[] = {
		[IOASID_FORMAT_NONE] = "none",
		[IOASID_FORMAT_X86_64_4LEVEL] = "x86-64-4level",
		[IOASID_FORMAT_X86_64_5LEVEL] = "x86-64-5level",
		[IOASID_FORMAT_ARM_LPAE_4K] = "arm-lpae-4k",
		[IOASID_FORMAT_RISCV_SV39] = "riscv-sv39",
		[IOASID_FORMAT_RISCV_SV48] = "riscv-sv48",
		[IOASID_FORMAT_AMD_GCR3] = "amd-gcr3",
		[IOASID_FORMAT_ARM_CD] = "arm-cd",
	};

	return name_of(names, NR(names), format);
}

const char *ioasid_history_op_name(uint32_t op)
{
	static const char *const names[] = {
		[IOASID_HISTORY_MAP] = "map", [IOASID_HISTORY_UNMAP] = "unmap",
		[IOASID_HISTORY_INVALIDATE] = "invalidate",
		[IOASID_HISTORY_BIND_TABLE] = "bind-table",
		[IOASID_HISTORY_UNBIND_TABLE] = "unbind-table",
		[IOASID_HISTORY_ATTACH] = "attach", [IOASID_HISTORY_DETACH] = "detach",
	};

	return name_of(names, NR(names), op);
}

const char *ioasid_walk_reason_text(uint32_t reason)
{
	static const char *const texts[] = {
		[IOASID_WALK_OK] = "translated",
		[IOASID_WALK_ADDRESS] = "the address is too wide for the table, or not canonical",
		[IOASID_WALK_NOT_PRESENT] = "nothing is mapped there",
		[IOASID_WALK_PERMISSION] = "neither reading nor writing is permitted to the device",
		[IOASID_WALK_RESERVED_BITS] = "the entry has bits that must be 0",
		[IOASID_WALK_TABLE] = "the parent has no readable memory at the entry's address",
		[IOASID_WALK_ACCESS_FLAG] = "the entry's access flag is clear",
		[IOASID_WALK_RETRY] = "the table was changing all the time",
		[IOASID_WALK_NO_PASID] = "the PASID table has no entry for such DMA",
	};

	return name_of(texts, NR(texts), reason);
}

const char *ioasid_sim_status_text(uint32_t status)
{
	static const char *const names[] = {
		[IOASID_SIM_OK] = "ok", [IOASID_SIM_BAD_REQUEST] = "bad-request",
		[IOASID_SIM_BLOCKED] = "blocked", [IOASID_SIM_FAULT_PASID] = "no-pasid",
		[IOASID_SIM_FAULT_NOT_PRESENT] = "not-present",
		[IOASID_SIM_FAULT_PERMISSION] = "permission",
		[IOASID_SIM_FAULT_RESERVED_BITS] = "reserved-bits",
		[IOASID_SIM_FAULT_ADDRESS] = "address", [IOASID_SIM_FAULT_STAGE2] = "stage2",
		[IOASID_SIM_FAULT_STAGE2_WALK] = "stage2-walk", [IOASID_SIM_STALE] = "stale",
		[IOASID_SIM_ABORTED] = "aborted",
	};

	return name_of(names, NR(names), status);
}
