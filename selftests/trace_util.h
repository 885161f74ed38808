/* SPDX-License-Identifier: GPL-2.0-only */
/* Tracepoints as tracefs shows them, in an instance of its own. */
#ifndef IOASID_SELFTESTS_TRACE_UTIL_H
#define IOASID_SELFTESTS_TRACE_UTIL_H

#include "ioasid_util.h"

#define INSTANCE	"/sys/kernel/tracing/instances/ioasid-test"

static void trace_enable(const char *event, bool on)
{
	char path[PATH_MAX];

	snprintf(path, sizeof(path), INSTANCE "/events/ioasid/%s%senable", event,
		 *event ? "/" : "");
	if (write_text(path, on ? "1" : "0"))
		FAIL("%s: %s", path, strerror(errno));
}

/* An empty instance; no event is on yet. */
static void trace_start(void)
{
	if (mkdir(INSTANCE, 0700) && errno != EEXIST)
		SKIP("tracefs: %s", strerror(errno));
	ASSERT_EQ(0, write_text(INSTANCE "/trace", "\n"));
}

static void trace_stop(void)
{
	trace_enable("", false);
	rmdir(INSTANCE);
}

static char *trace_text(void)
{
	static char text[1 << 20];

	ASSERT_TRUE(read_text(INSTANCE "/trace", text, sizeof(text)) > 0);
	return text;
}

/* The last event of this name, its fields; NULL when there is none. */
static const char *last_event(const char *event)
{
	char *text = trace_text(), *found = NULL, name[64];

	snprintf(name, sizeof(name), ": %s: ", event);
	for (char *at = text; (at = strstr(at, name)); at++)
		found = at + strlen(name);
	if (found)
		found[strcspn(found, "\n")] = 0;
	return found;
}

static unsigned int count_events(const char *event)
{
	char *text = trace_text(), name[64];
	unsigned int count = 0;

	snprintf(name, sizeof(name), ": %s: ", event);
	for (char *at = text; (at = strstr(at, name)); at++)
		count++;
	return count;
}

static const char *field_text(const char *fields, const char *name)
{
	size_t len = strlen(name);

	for (const char *at = fields; at; at = strchr(at, ' ')) {
		at += *at == ' ';
		if (!strncmp(at, name, len) && at[len] == '=')
			return at + len + 1;
	}
	FAIL("no field %s in \"%s\"", name, fields);
	return NULL;
}

static int64_t field(const char *fields, const char *name)
{
	const char *text = field_text(fields, name);

	return *text == '-' ? strtoll(text, NULL, 0) : (int64_t)strtoull(text, NULL, 0);
}

#define EVENT(name) ({								\
	const char *__fields = last_event(name);				\
										\
	if (!__fields)								\
		FAIL("no event %s", name);					\
	__fields;								\
})

/* Of the event e. */
#define FIELD(value, name)	EXPECT_EQ((int64_t)(value), field(e, name))

#endif /* IOASID_SELFTESTS_TRACE_UTIL_H */
