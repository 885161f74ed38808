// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* history. */
#include <ctype.h>
#include <time.h>
#include <unistd.h>
#include "ioasidctl.h"

/* Names of processes are chosen by them. */
static const char *comm_text(const struct ioasid_history_entry *entry, char buf[4 * 16 + 1])
{
	char *out = buf;

	*out = '\0';
	for (size_t i = 0; i < sizeof(entry->comm) && entry->comm[i]; i++) {
		unsigned char c = entry->comm[i];

		if (c < 0x80 && isprint(c) && c != '\\')
			out += sprintf(out, "%c", c);
		else
			out += sprintf(out, "\\x%02x", c);
	}
	return buf;
}

static bool has_range(const struct ioasid_history_entry *entry)
{
	return entry->op == IOASID_HISTORY_MAP || entry->op == IOASID_HISTORY_UNMAP ||
	       entry->op == IOASID_HISTORY_INVALIDATE;
}

static bool has_device(const struct ioasid_history_entry *entry)
{
	return entry->op == IOASID_HISTORY_ATTACH || entry->op == IOASID_HISTORY_DETACH;
}

static bool flushes(const struct ioasid_history_entry *entry)
{
	return entry->op == IOASID_HISTORY_UNMAP || entry->op == IOASID_HISTORY_INVALIDATE;
}

static uint64_t last_of(const struct ioasid_history_entry *entry)
{
	return entry->size ? entry->iova + entry->size - 1 : UINT64_MAX;
}

/* What is of no address is shown with all. */
static bool is_wanted(const struct ioasid_history_entry *entry, uint64_t first, uint64_t last)
{
	return !has_range(entry) || (entry->iova <= last && last_of(entry) >= first);
}

static void device_text(uint32_t rid, char *buf, size_t size)
{
	if (rid == 0xffffffff)
		snprintf(buf, size, "a device");
	else
		snprintf(buf, size, "%04x:%02x:%02x.%x", rid >> 16, rid >> 8 & 0xff,
			 rid >> 3 & 0x1f, rid & 7);
}

static void what_text(const struct ioasid_history_entry *entry, char *buf, size_t size)
{
	char device[24];

	if (has_device(entry)) {
		device_text(entry->info, device, sizeof(device));
		if (entry->iova == 0xffffffff)
			snprintf(buf, size, "%s", device);
		else
			snprintf(buf, size, "%s PASID %llu", device, entry->iova);
	} else if (!has_range(entry)) {
		snprintf(buf, size, "%s at 0x%llx", ioasid_format_name(entry->info),
			 entry->iova);
	} else if (entry->op == IOASID_HISTORY_UNMAP && entry->info > 1) {
		snprintf(buf, size, "%u mappings", entry->info);
	} else {
		*buf = '\0';
	}
}

static void add_range(struct table *table, const struct ioasid_history_entry *entry)
{
	char buf[24];

	if (!has_range(entry)) {
		for (int i = 0; i < 4; i++)
			table__add(table, "%s", "");
		return;
	}
	table__add(table, "0x%llx", entry->iova);
	table__add(table, "0x%llx", (unsigned long long)last_of(entry));
	table__add(table, "%s", entry->size ? size_text(entry->size, buf) : "all");
	table__add(table, "%s", entry->op == IOASID_HISTORY_INVALIDATE ? "" :
							    prot_text(entry->prot));
}

static void add_entry(struct table *table, uint64_t seq, uint64_t now,
		      const struct ioasid_history_entry *entry)
{
	char what[64], comm[4 * 16 + 1];

	table__add(table, "%llu", (unsigned long long)seq);
	table__add(table, "%.6f", (now - entry->time_ns) / 1e9);
	table__add(table, "%s", ioasid_history_op_name(entry->op));
	add_range(table, entry);
	if (!flushes(entry))
		table__add(table, "%s", "");
	else if (entry->done_ns == IOASID_HISTORY_NOT_DONE)
		table__add(table, "not yet");
	else
		table__add(table, "%.1f", entry->done_ns / 1e3);
	table__add(table, "%u", entry->pid);
	table__add(table, "%s", comm_text(entry, comm));
	what_text(entry, what, sizeof(what));
	table__add(table, "%s", what);
}

static yyjson_mut_val *json_entry(yyjson_mut_doc *doc, uint64_t seq,
				  const struct ioasid_history_entry *entry)
{
	yyjson_mut_val *obj = yyjson_mut_obj(doc);
	char text[4 * 16 + 1];

	yyjson_mut_obj_add_uint(doc, obj, "seq", seq);
	yyjson_mut_obj_add_uint(doc, obj, "time_ns", entry->time_ns);
	yyjson_mut_obj_add_str(doc, obj, "op", ioasid_history_op_name(entry->op));
	if (has_range(entry)) {
		yyjson_mut_obj_add_uint(doc, obj, "iova", entry->iova);
		yyjson_mut_obj_add_uint(doc, obj, "size", entry->size);
	}
	if (entry->op == IOASID_HISTORY_MAP || entry->op == IOASID_HISTORY_UNMAP) {
		yyjson_mut_obj_add_bool(doc, obj, "read", entry->prot & IOASID_MAP_READ);
		yyjson_mut_obj_add_bool(doc, obj, "write", entry->prot & IOASID_MAP_WRITE);
	}
	if (entry->op == IOASID_HISTORY_UNMAP)
		yyjson_mut_obj_add_uint(doc, obj, "mappings", entry->info);
	if (flushes(entry) && entry->done_ns == IOASID_HISTORY_NOT_DONE)
		yyjson_mut_obj_add_null(doc, obj, "flushed_ns");
	else if (flushes(entry))
		yyjson_mut_obj_add_uint(doc, obj, "flushed_ns", entry->done_ns);
	if (has_device(entry)) {
		device_text(entry->info, text, sizeof(text));
		yyjson_mut_obj_add_strcpy(doc, obj, "device", text);
		if (entry->iova != 0xffffffff)
			yyjson_mut_obj_add_uint(doc, obj, "pasid", entry->iova);
	} else if (!has_range(entry)) {
		yyjson_mut_obj_add_str(doc, obj, "format", ioasid_format_name(entry->info));
		yyjson_mut_obj_add_uint(doc, obj, "table", entry->iova);
	}
	yyjson_mut_obj_add_uint(doc, obj, "pid", entry->pid);
	yyjson_mut_obj_add_uint(doc, obj, "tid", entry->tid);
	yyjson_mut_obj_add_strcpy(doc, obj, "comm", comm_text(entry, text));
	yyjson_mut_obj_add_uint(doc, obj, "stack", entry->stack);
	return obj;
}

static uint64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return now.tv_sec * 1000000000ULL + now.tv_nsec;
}

/* A busy space would never come to an end. */
static int next_before(struct ioasid_history *it, uint64_t end_ns,
		       struct ioasid_history_entry *entry)
{
	int rc = ioasid_history_next(it, entry);

	return rc > 0 && entry->time_ns > end_ns ? 0 : rc;
}

static int print_history(struct ioasid_history *it, uint64_t first, uint64_t last)
{
	static const char *const titles[] = {
		">NR", ">AGO s", "WHAT", ">FIRST", ">LAST", ">SIZE", "PROT", ">FLUSHED us",
		">PID", "COMM", "", NULL,
	};
	struct ioasid_history_entry entry;
	uint64_t now = now_ns();
	struct table table;
	int rc;

	table__start(&table, titles);
	while ((rc = next_before(it, now, &entry)) > 0)
		if (is_wanted(&entry, first, last))
			add_entry(&table, it->seq - 1, now, &entry);
	if (rc < 0)
		return command_error(IOASID_GET_HISTORY, rc, NULL);
	table__end(&table);
	if (it->lost)
		fprintf(stderr, "%llu operations are forgotten\n", (unsigned long long)it->lost);
	return EXIT_OK;
}

static int json_history(struct ioasid_history *it, uint64_t first, uint64_t last)
{
	yyjson_mut_doc *doc = json_start("history");
	yyjson_mut_val *root = yyjson_mut_doc_get_root(doc);
	struct ioasid_history_entry entry;
	uint64_t now = now_ns();
	yyjson_mut_val *list;
	int rc;

	yyjson_mut_obj_add_uint(doc, root, "ctx", it->ctx);
	yyjson_mut_obj_add_uint(doc, root, "ioasid", it->ioasid);
	list = yyjson_mut_obj_add_arr(doc, root, "operations");
	while ((rc = next_before(it, now, &entry)) > 0)
		if (is_wanted(&entry, first, last))
			yyjson_mut_arr_append(list, json_entry(doc, it->seq - 1, &entry));
	yyjson_mut_obj_add_uint(doc, root, "forgotten", it->lost);
	if (!rc)
		return json_end(doc);
	yyjson_mut_doc_free(doc);
	return command_error(IOASID_GET_HISTORY, rc, NULL);
}

int cmd_history(const struct options *options, int argc, char **argv)
{
	uint64_t first = 0, last = UINT64_MAX;
	struct ioasid_history it;
	uint32_t ctx, ioasid;
	int fd, status;

	if (argc > 2 && !parse_range(argv[2], &first, &last))
		return usage_error("'%s' is no range: give FIRST-LAST, FIRST+SIZE or ADDRESS",
				   argv[2]);
	if (!contexts__find_space(options, argv[0], argv[1], &ctx, &ioasid))
		return EXIT_FAILED;
	fd = ioasid_open();
	if (fd < 0)
		return command_error(IOASID_CMD_OPEN, fd, NULL);
	ioasid_history_start(&it, fd, ctx, ioasid, 0);
	status = options->json ? json_history(&it, first, last) : print_history(&it, first, last);
	close(fd);
	return status;
}
