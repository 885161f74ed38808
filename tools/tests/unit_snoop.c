// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Arguments of ioasidsnoop, and events as text and JSON, without a kernel. */
#include "harness.h"
#include <yyjson.h>
#include "event_out.h"

static __u32 events_of(const char *list)
{
	__u32 events = 0;

	return events__parse(list, &events) ? events : 0;
}

TEST(event_names, "every event is known by its name, groups are made of them")
{
	static const char *const bad[] = {
		"", ",", "map,", ",map", "ma", "maps", "map unmap", "MAP", NULL,
	};
	__u32 all = 0;

	for (int id = 0; id < NR_SNOOP_EVENTS; id++) {
		ASSERT_TRUE(event_infos[id].name);
		ASSERT_EQ(1U << id, events_of(event_infos[id].name));
		all |= 1U << id;
	}
	ASSERT_EQ(all, events_of("all"));
	ASSERT_EQ(all, events_of("mappings,invalidations,spaces,tables,devices,faults,memory,"
				 "dirty,begin"));
	ASSERT_EQ(all, events__default() | events_of("begin"));
	ASSERT_EQ(0, events__default() & events_of("begin"));
	ASSERT_EQ(1U << SNOOP_map | 1U << SNOOP_free, events_of("map,free"));
	for (int i = 0; bad[i]; i++)
		ASSERT_EQ(0, events_of(bad[i]));
}

TEST(event_args, "every event begins with its context, and has the duration it says")
{
	for (int id = 0; id < NR_SNOOP_EVENTS; id++) {
		const struct event_info *info = &event_infos[id];

		ASSERT_EQ(ARG_CTX, info->args[0].type);
		ASSERT_TRUE(!info->time || event__find_name(info, info->time) > 0);
		if (info->time)
			ASSERT_EQ(ARG_NS, info->args[event__find_name(info, info->time)].type);
	}
	ASSERT_EQ(12, event__nr_args(&event_infos[SNOOP_map]));
	ASSERT_EQ(4, event__nr_args(&event_infos[SNOOP_free]));
	ASSERT_EQ(6, event__find(&event_infos[SNOOP_map], ARG_RESULT));
	ASSERT_EQ(-1, event__find(&event_infos[SNOOP_fault_report], ARG_RESULT));
}

TEST(durations, "times have units, nothing else, and are at least 1 ns")
{
	static const struct {
		const char *text;
		__u64 ns;
	} good[] = {
		{ "1", 1 }, { "250", 250 }, { "7ns", 7 }, { "250us", 250000 }, { "2.5us", 2500 },
		{ "10ms", 10000000 }, { "1s", 1000000000 }, { "1.5s", 1500000000 },
	};
	static const char *const bad[] = {
		"", "0", "-1", "0.5", "x", "5m", "5 ms", "ms", "nan", "inf", "1e30s", "1msx",
	};
	__u64 ns;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ASSERT_TRUE(duration__parse(good[i].text, &ns));
		ASSERT_EQ(good[i].ns, ns);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ASSERT_TRUE(!duration__parse(bad[i], &ns));
}

TEST(ranges, "addresses, first and last, address and size")
{
	static const struct {
		const char *text;
		__u64 first, last;
	} good[] = {
		{ "0x1000", 0x1000, 0x1000 }, { "0", 0, 0 }, { "0x1000-0x1fff", 0x1000, 0x1fff },
		{ "4096+4096", 4096, 8191 }, { "0x1000+4K", 0x1000, 0x1fff },
		{ "0+1T", 0, (1ULL << 40) - 1 }, { "0xfffffffffffff000+4K", ~0xfffULL, ~0ULL },
		{ "0-0xffffffffffffffff", 0, ~0ULL },
	};
	static const char *const bad[] = {
		"", "x", "-1", "0x2000-0x1000", "1+0", "1+", "1-", "1K", "1+4X", "1-2-3", "1 - 2",
		"0xffffffffffffffff+2", "0+0x8000000000000000K",
	};
	__u64 first, last;

	for (size_t i = 0; i < sizeof(good) / sizeof(good[0]); i++) {
		ASSERT_TRUE(range__parse(good[i].text, &first, &last));
		ASSERT_EQ(good[i].first, first);
		ASSERT_EQ(good[i].last, last);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		ASSERT_TRUE(!range__parse(bad[i], &first, &last));
}

TEST(device_names, "PCI addresses there and back, none for other devices")
{
	char name[DEVICE_NAME_LEN];
	__u32 dev;

	ASSERT_TRUE(device__parse("0000:00:10.0", &dev));
	ASSERT_EQ(0x80, dev);
	ASSERT_TRUE(device__parse("ab:1f.7", &dev));
	ASSERT_EQ(0xabff, dev);
	ASSERT_TRUE(device__parse("1234:ab:1f.7", &dev));
	ASSERT_TRUE(device__name(name, sizeof(name), dev));
	ASSERT_STREQ("1234:ab:1f.7", name);
	ASSERT_TRUE(!device__name(name, sizeof(name), 0xffffffff));
	ASSERT_TRUE(!device__parse("00:20.0", &dev));
	ASSERT_TRUE(!device__parse("00:1f.8", &dev));
	ASSERT_TRUE(!device__parse("00:1f", &dev));
	ASSERT_TRUE(!device__parse("0000:00:10.0x", &dev));
	ASSERT_TRUE(!device__parse("0x80", &dev));
}

static const struct ioasid_snoop_event an_unmap = {
	.ts_ns = 1234567890123, .id = SNOOP_unmap, .cpu = 3, .pid = 42, .tid = 43,
	.comm = "a\033[31mb", .args = {
		7, 2, 0x10000, 0, 0x200000, 3, 0, 12345, 100, 0, 2000, 5000000,
	},
};

static const struct ioasid_snoop_event a_fault = {
	.ts_ns = 1234567891000, .id = SNOOP_fault_respond, .args = {
		7, 2, 0x80, 0xffffffff, 0x5000, 9, 1, 4, 0, 1000, 2500000000, 0x51000000,
	},
};

static const struct ioasid_snoop_event an_error = {
	.ts_ns = 1234567889000, .id = SNOOP_attach, .pid = 1, .tid = 1, .comm = "init", .args = {
		7, 2, 0xffffffff, 5, 0, (__u32)-16, 0, 1,
	},
};

static char *text;
static size_t text_size;

/* What is written for two events, the second one with stacks, until the next call. */
static const char *written(struct event_out out, const struct ioasid_snoop_event *first,
			   const struct ioasid_snoop_event *second, const struct stacks *stacks)
{
	free(text);
	text = NULL;
	out.file = open_memstream(&text, &text_size);
	event_out__event(&out, first, NULL);
	if (second)
		event_out__event(&out, second, stacks);
	fclose(out.file);
	return text;
}

TEST(text_lines, "lines for people: units, words, names that cannot command the terminal")
{
	struct event_out out = { .clock = CLOCK_MONO };

	ASSERT_STREQ("    1234.567890 a\\x1B[31mb            42     7    2 unmap            ok         12.35u "
		     " iova=0x10000 size=all unmapped=2M maps=3 lock=100n flush=2.00u unpin=5.00m\n",
		     written(out, &an_unmap, NULL, NULL));
	ASSERT_STREQ("    1234.567891 -                      -     7    2 fault_respond    -           2.50s "
		     " dev=0000:00:10.0 addr=0x5000 group=9 code=invalid why=timeout respond=1.00u cookie=0x51000000\n",
		     written(out, &a_fault, NULL, NULL));
	ASSERT_STREQ("    1234.567889 init                   1     7    2 attach           EBUSY           - "
		     " pasid=5 maps=0 cookie=0x1\n",
		     written(out, &an_error, NULL, NULL));
}

TEST(deltas, "time since the event before, never less than 0")
{
	struct event_out out = { .clock = CLOCK_DELTA };

	ASSERT_TRUE(!strncmp("       0.000000 ", written(out, &an_unmap, NULL, NULL), 16));
	written(out, &an_error, &an_unmap, NULL);
	ASSERT_TRUE(!strncmp("       0.000001 ", strchr(text, '\n') + 1, 16));
	written(out, &an_unmap, &an_error, NULL);
	ASSERT_TRUE(!strncmp("       0.000000 ", strchr(text, '\n') + 1, 16));
}

static const struct stacks some_stacks = {
	.kernel = {
		.whose = "kernel", .nr = 2, .frames = {
			{ .address = 0xffffffffc0001234, .offset = 0x34, .symbol = "ioasid_ioctl",
			  .module = "ioasid" },
			{ .address = 0xffffffff80000000 },
		},
	},
	.user = {
		.whose = "user", .nr = 1, .more = true, .frames = {
			{ .address = 0x401234, .offset = 0x1234, .module = "/tmp/\033\"\377x" },
		},
	},
};

TEST(text_stacks, "stacks below their event, with what is known of each frame")
{
	struct event_out out = { .clock = CLOCK_MONO };

	written(out, &an_error, &an_error, &some_stacks);
	ASSERT_STREQ("    kernel 0xffffffffc0001234 ioasid_ioctl+0x34 (ioasid)\n"
		     "    kernel 0xffffffff80000000\n"
		     "    user             0x401234 (/tmp/\\x1B\"\\xFFx+0x1234)\n"
		     "    user                  ...\n", strchr(strchr(text, '\n') + 1, '\n') + 1);
}

static yyjson_val *get(yyjson_doc *doc, const char *key)
{
	return yyjson_obj_get(yyjson_doc_get_root(doc), key);
}

TEST(json_events, "JSON: numbers as they are, null for what is not known")
{
	struct event_out out = { .json = true, .wall_ns = 1000 };
	yyjson_doc *doc;

	written(out, &an_unmap, NULL, NULL);
	doc = yyjson_read(text, text_size, 0);
	ASSERT_TRUE(doc);
	ASSERT_STREQ("event", yyjson_get_str(get(doc, "record")));
	ASSERT_STREQ("a\\x1B[31mb", yyjson_get_str(get(doc, "comm")));
	ASSERT_EQ(1234567890123, yyjson_get_uint(get(doc, "ts_ns")));
	ASSERT_EQ(1234567891123, yyjson_get_uint(get(doc, "time_ns")));
	ASSERT_EQ(12345, yyjson_get_uint(get(doc, "duration_ns")));
	ASSERT_EQ(0, yyjson_get_uint(get(doc, "size")));
	ASSERT_EQ(0x200000, yyjson_get_uint(get(doc, "unmapped")));
	ASSERT_TRUE(yyjson_is_null(get(doc, "error")));
	yyjson_doc_free(doc);
	written(out, &a_fault, NULL, NULL);
	doc = yyjson_read(text, text_size, 0);
	ASSERT_TRUE(doc);
	ASSERT_STREQ("0000:00:10.0", yyjson_get_str(get(doc, "dev")));
	ASSERT_STREQ("timeout", yyjson_get_str(get(doc, "why")));
	ASSERT_STREQ("invalid", yyjson_get_str(get(doc, "code")));
	ASSERT_TRUE(yyjson_is_null(get(doc, "pid")) && yyjson_is_null(get(doc, "comm")));
	ASSERT_TRUE(yyjson_is_null(get(doc, "pasid")));
	ASSERT_TRUE(!get(doc, "result") && !get(doc, "kernel_stack"));
	yyjson_doc_free(doc);
}

TEST(json_errors, "JSON: errors with their names, stacks that stay JSON whatever names have")
{
	struct event_out out = { .json = true };
	yyjson_val *frame;
	yyjson_doc *doc;
	char *second;

	written(out, &an_unmap, &an_error, &some_stacks);
	second = strchr(text, '\n') + 1;
	doc = yyjson_read(second, strlen(second), 0);
	ASSERT_TRUE(doc);
	ASSERT_EQ(2, yyjson_get_uint(get(doc, "seq")));
	ASSERT_EQ(-16, yyjson_get_sint(get(doc, "result")));
	ASSERT_STREQ("EBUSY", yyjson_get_str(get(doc, "error")));
	ASSERT_TRUE(yyjson_is_null(get(doc, "dev")) && yyjson_is_null(get(doc, "duration_ns")));
	ASSERT_EQ(5, yyjson_get_uint(get(doc, "pasid")));
	frame = yyjson_arr_get_first(get(doc, "kernel_stack"));
	ASSERT_EQ(0xffffffffc0001234, yyjson_get_uint(yyjson_obj_get(frame, "address")));
	ASSERT_STREQ("ioasid_ioctl", yyjson_get_str(yyjson_obj_get(frame, "symbol")));
	frame = yyjson_arr_get_first(get(doc, "user_stack"));
	ASSERT_STREQ("/tmp/\\x1B\"\\xFFx", yyjson_get_str(yyjson_obj_get(frame, "module")));
	ASSERT_TRUE(yyjson_is_null(yyjson_obj_get(frame, "symbol")));
	ASSERT_TRUE(yyjson_get_bool(get(doc, "stack_truncated")));
	yyjson_doc_free(doc);
}

HARNESS_MAIN
