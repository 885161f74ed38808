// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <linux/ioasid.h>
#include <linux/ioasid_fault.h>
#include "event.h"

/* As in the trace header. */
#define NO_DEVICE	0xffffffffU

#define CTX		{ "ctx", ARG_CTX }
#define IOASID		{ "ioasid", ARG_IOASID }
#define RESULT		{ "result", ARG_RESULT }
#define DEVICE		{ "dev", ARG_DEVICE }
#define PASID		{ "pasid", ARG_PASID }
#define COOKIE		{ "cookie", ARG_FLAGS }
#define RANGE		{ "iova", ARG_ADDRESS }, { "size", ARG_BYTES }
#define EXTENT		{ "iova", ARG_ADDRESS }, { "size", ARG_EXTENT }
#define NS(name)	{ name "_ns", ARG_NS }
#define COUNT(name)	{ name, ARG_COUNT }

#define BEGIN_ARGS	{ CTX, IOASID, RANGE }
#define UNMAP_BEGIN_ARGS	{ CTX, IOASID, EXTENT }
#define TABLE_ARGS	{ CTX, IOASID, { "parent", ARG_NUMBER }, { "format", ARG_FORMAT },	\
			  { "addr_width", ARG_NUMBER }, { "table", ARG_ADDRESS },		\
			  COUNT("domains"), RESULT, NS("lat"), NS("lock") }
#define MEMORY_ARGS	{ CTX, { "vaddr", ARG_ADDRESS }, { "size", ARG_BYTES }, RESULT, NS("lat") }
#define BIND_ARGS	{ CTX, DEVICE, COOKIE, { "group", ARG_NUMBER }, RESULT }

const struct event_info event_infos[NR_SNOOP_EVENTS] = {
	[SNOOP_map_begin] = { "map_begin", true, NULL, BEGIN_ARGS },
	[SNOOP_map] = { "map", false, "lat_ns", {
		CTX, IOASID, RANGE, { "vaddr", ARG_ADDRESS }, { "flags", ARG_FLAGS }, RESULT,
		COUNT("runs"), NS("lat"), NS("lock"), NS("pin"), NS("install") } },
	[SNOOP_unmap_begin] = { "unmap_begin", true, NULL, UNMAP_BEGIN_ARGS },
	[SNOOP_unmap] = { "unmap", false, "lat_ns", {
		CTX, IOASID, EXTENT, { "unmapped", ARG_BYTES }, COUNT("maps"), RESULT,
		NS("lat"), NS("lock"), NS("remove"), NS("flush"), NS("unpin") } },
	[SNOOP_iotlb_inv] = { "iotlb_inv", false, "lat_ns", {
		CTX, IOASID, EXTENT, COUNT("domains"), RESULT, NS("lat"), COUNT("user") } },
	[SNOOP_invalidate_cache] = { "invalidate_cache", false, "lat_ns", {
		CTX, IOASID, COUNT("nr"), COUNT("done"), RESULT, NS("lat"), NS("lock") } },
	[SNOOP_invalidate] = { "invalidate", false, "lat_ns", {
		CTX, IOASID, { "scope", ARG_FLAGS }, COOKIE, PASID, EXTENT, COUNT("domains"),
		RESULT, NS("lat"), NS("hw"), NS("shadow") } },
	[SNOOP_shadow] = { "shadow", false, "lat_ns", {
		CTX, IOASID, EXTENT, COUNT("walks"), COUNT("removed"), COUNT("added"), RESULT,
		NS("lat"), NS("remove"), NS("walk") } },
	[SNOOP_alloc] = { "alloc", false, NULL, {
		CTX, IOASID, { "kind", ARG_KIND }, { "parent", ARG_NUMBER },
		{ "flags", ARG_FLAGS }, RESULT, COUNT("depth"), { "format", ARG_FORMAT },
		{ "addr_width", ARG_NUMBER }, { "table", ARG_ADDRESS }, COUNT("two_step") } },
	[SNOOP_free] = { "free", false, NULL, { CTX, IOASID, COUNT("maps"), RESULT } },
	[SNOOP_bind_table] = { "bind_table", false, "lat_ns", TABLE_ARGS },
	[SNOOP_unbind_table] = { "unbind_table", false, "lat_ns", TABLE_ARGS },
	[SNOOP_register] = { "register", false, "lat_ns", MEMORY_ARGS },
	[SNOOP_unregister] = { "unregister", false, "lat_ns", MEMORY_ARGS },
	[SNOOP_bind] = { "bind", false, NULL, BIND_ARGS },
	[SNOOP_unbind] = { "unbind", false, NULL, BIND_ARGS },
	[SNOOP_attach_begin] = { "attach_begin", true, NULL, { CTX, IOASID, DEVICE, PASID } },
	[SNOOP_attach] = { "attach", false, "lat_ns", {
		CTX, IOASID, DEVICE, PASID, COUNT("maps"), RESULT, NS("lat"), COOKIE } },
	[SNOOP_detach] = { "detach", false, "lat_ns", {
		CTX, IOASID, DEVICE, PASID, RESULT, NS("lat"), COOKIE } },
	[SNOOP_fault_report] = { "fault_report", false, NULL, {
		CTX, IOASID, DEVICE, PASID, COOKIE, { "addr", ARG_ADDRESS },
		{ "perm", ARG_FLAGS }, { "group", ARG_NUMBER }, COUNT("pages"),
		{ "type", ARG_FAULT_TYPE } } },
	[SNOOP_fault_deliver] = { "fault_deliver", false, "queue_ns", {
		CTX, IOASID, DEVICE, PASID, { "addr", ARG_ADDRESS }, { "group", ARG_NUMBER },
		COUNT("pages"), { "to", ARG_FAULT_TO }, RESULT, COUNT("depth"), NS("queue"),
		COOKIE } },
	[SNOOP_fault_respond] = { "fault_respond", false, "total_ns", {
		CTX, IOASID, DEVICE, PASID, { "addr", ARG_ADDRESS }, { "group", ARG_NUMBER },
		{ "code", ARG_FAULT_CODE }, { "why", ARG_FAULT_WHY }, NS("service"),
		NS("respond"), NS("total"), COOKIE } },
	[SNOOP_dirty_set] = { "dirty_set", false, "lat_ns", {
		CTX, IOASID, COUNT("on"), RESULT, NS("lat") } },
	[SNOOP_dirty_read] = { "dirty_read", false, "lat_ns", {
		CTX, IOASID, RANGE, { "page_size", ARG_BYTES }, { "flags", ARG_FLAGS },
		COUNT("pages"), RESULT, NS("lat") } },
};

#define BIT(name)	(1U << SNOOP_##name)
#define ALL		((1U << NR_SNOOP_EVENTS) - 1)
#define BEGINS		(BIT(map_begin) | BIT(unmap_begin) | BIT(attach_begin))
#define FAULTS		(BIT(fault_report) | BIT(fault_deliver) | BIT(fault_respond))

static const struct {
	const char *name;
	__u32 events;
} groups[] = {
	{ "all", ALL },
	{ "begin", BEGINS },
	{ "devices", BIT(bind) | BIT(unbind) | BIT(attach) | BIT(detach) },
	{ "dirty", BIT(dirty_set) | BIT(dirty_read) },
	{ "faults", FAULTS },
	{ "invalidations", BIT(iotlb_inv) | BIT(invalidate_cache) | BIT(invalidate) | BIT(shadow) },
	{ "mappings", BIT(map) | BIT(unmap) },
	{ "memory", BIT(register) | BIT(unregister) },
	{ "spaces", BIT(alloc) | BIT(free) },
	{ "tables", BIT(bind_table) | BIT(unbind_table) },
};

__u32 events__default(void)
{
	return ALL & ~BEGINS;
}

__u32 events__faults(void)
{
	return FAULTS;
}

static bool is(const char *name, const char *text, size_t len)
{
	return strlen(name) == len && !memcmp(name, text, len);
}

static __u32 find_events(const char *text, size_t len)
{
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		if (is(groups[i].name, text, len))
			return groups[i].events;
	for (int id = 0; id < NR_SNOOP_EVENTS; id++)
		if (is(event_infos[id].name, text, len))
			return 1U << id;
	return 0;
}

bool events__parse(const char *list, __u32 *events)
{
	size_t len;
	__u32 some;

	*events = 0;
	for (;; list += len + 1) {
		len = strcspn(list, ",");
		some = find_events(list, len);
		if (!some)
			return false;
		*events |= some;
		if (!list[len])
			return true;
	}
}

int event__nr_args(const struct event_info *info)
{
	int nr = 0;

	while (nr < SNOOP_MAX_ARGS && info->args[nr].type != ARG_NONE)
		nr++;
	return nr;
}

int event__find(const struct event_info *info, enum arg_type type)
{
	for (int i = 0; i < event__nr_args(info); i++)
		if (info->args[i].type == type)
			return i;
	return -1;
}

int event__find_name(const struct event_info *info, const char *name)
{
	for (int i = 0; i < event__nr_args(info); i++)
		if (!strcmp(info->args[i].name, name))
			return i;
	return -1;
}

__u64 event__duration(const struct ioasid_snoop_event *event)
{
	const struct event_info *info = &event_infos[event->id];

	return info->time ? event->args[event__find_name(info, info->time)] : 0;
}

const char *arg__word(enum arg_type type, __u64 value)
{
	static const char *const kinds[] = {
		[IOASID_KIND_KERNEL] = "kernel", [IOASID_KIND_SVA] = "sva",
		[IOASID_KIND_MIRROR] = "mirror", [IOASID_KIND_USER] = "user",
	};
	static const char *const formats[] = {
		[IOASID_FORMAT_NONE] = "none", [IOASID_FORMAT_X86_64_4LEVEL] = "x86-4",
		[IOASID_FORMAT_X86_64_5LEVEL] = "x86-5", [IOASID_FORMAT_ARM_LPAE_4K] = "arm-4k",
		[IOASID_FORMAT_RISCV_SV39] = "sv39", [IOASID_FORMAT_RISCV_SV48] = "sv48",
		[IOASID_FORMAT_AMD_GCR3] = "gcr3", [IOASID_FORMAT_ARM_CD] = "arm-cd",
	};
	static const char *const types[] = {
		[IOASID_FAULT_PAGE_REQUEST] = "page-request",
		[IOASID_FAULT_UNRECOVERABLE] = "unrecoverable",
	};
	static const char *const codes[] = {
		[IOASID_FAULT_SUCCESS] = "success", [IOASID_FAULT_INVALID] = "invalid",
	};
	static const char *const tos[] = {
		[IOASID_FAULT_TO_USER] = "user", [IOASID_FAULT_TO_KERNEL] = "kernel",
	};
	static const char *const whys[] = {
		[IOASID_FAULT_WHY_USER] = "user", [IOASID_FAULT_WHY_KERNEL] = "kernel",
		[IOASID_FAULT_WHY_OVERFLOW] = "overflow", [IOASID_FAULT_WHY_TIMEOUT] = "timeout",
		[IOASID_FAULT_WHY_DETACH] = "detach", [IOASID_FAULT_WHY_CLOSE] = "close",
	};
	static const struct {
		const char *const *words;
		size_t nr;
	} tables[] = {
#define TABLE(words)	{ words, sizeof(words) / sizeof(words[0]) }
		[ARG_KIND] = TABLE(kinds), [ARG_FORMAT] = TABLE(formats),
		[ARG_FAULT_TYPE] = TABLE(types), [ARG_FAULT_CODE] = TABLE(codes),
		[ARG_FAULT_TO] = TABLE(tos), [ARG_FAULT_WHY] = TABLE(whys),
#undef TABLE
	};

	if (type >= sizeof(tables) / sizeof(tables[0]) || value >= tables[type].nr)
		return NULL;
	return tables[type].words[value];
}

bool device__name(char *out, size_t size, __u32 dev)
{
	if (dev == NO_DEVICE)
		return false;
	snprintf(out, size, "%04x:%02x:%02x.%x", dev >> 16, dev >> 8 & 0xff, dev >> 3 & 0x1f,
		 dev & 7);
	return true;
}

bool device__parse(const char *text, __u32 *dev)
{
	unsigned int segment, bus, slot, function;
	int len = 0;

	if (sscanf(text, "%4x:%2x:%2x.%1x%n", &segment, &bus, &slot, &function, &len) != 4 ||
	    text[len]) {
		segment = 0;
		if (sscanf(text, "%2x:%2x.%1x%n", &bus, &slot, &function, &len) != 3 || text[len])
			return false;
	}
	if (slot > 0x1f || function > 7)
		return false;
	*dev = segment << 16 | bus << 8 | slot << 3 | function;
	return true;
}

bool duration__parse(const char *text, __u64 *ns)
{
	static const struct {
		const char *unit;
		double ns;
	} units[] = { { "", 1 }, { "ns", 1 }, { "us", 1e3 }, { "ms", 1e6 }, { "s", 1e9 } };
	double number;
	char *end;

	number = strtod(text, &end);
	if (end == text || !(number > 0))
		return false;
	for (size_t i = 0; i < sizeof(units) / sizeof(units[0]); i++) {
		if (strcmp(end, units[i].unit))
			continue;
		number *= units[i].ns;
		*ns = number;
		return number >= 1 && number < 1e18;
	}
	return false;
}

/* Sets *rest to what follows. No sign, no blanks. */
static bool parse_u64(const char *text, const char *suffixes, __u64 *value, const char **rest)
{
	const char *suffix;
	char *end;
	int shift;

	if (*text < '0' || *text > '9')
		return false;
	*value = strtoull(text, &end, 0);
	suffix = *end ? strchr(suffixes, *end) : NULL;
	if (suffix) {
		shift = 10 * (suffix - suffixes + 1);
		if (*value << shift >> shift != *value)
			return false;
		*value <<= shift;
		end++;
	}
	*rest = end;
	return true;
}

bool range__parse(const char *text, __u64 *first, __u64 *last)
{
	__u64 size;

	if (!parse_u64(text, "", first, &text))
		return false;
	*last = *first;
	if (*text == '-') {
		if (!parse_u64(text + 1, "", last, &text))
			return false;
	} else if (*text == '+') {
		if (!parse_u64(text + 1, "KMGT", &size, &text) || !size)
			return false;
		*last = *first + size - 1;
	}
	return !*text && *last >= *first;
}
