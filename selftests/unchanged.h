/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * "A command that fails changed nothing": the counters of all contexts, pinned
 * pages of the machine, what the process is charged. Include ioasid_util.h first.
 */
#ifndef IOASID_SELFTESTS_UNCHANGED_H
#define IOASID_SELFTESTS_UNCHANGED_H

struct state {
	char *contexts;
	int64_t pins;
	uint64_t locked, pinned;
};

static inline void remember(struct state *state)
{
	free(state->contexts);
	state->contexts = contexts_text();
	state->pins = machine_pins();
	state->locked = locked_pages();
	state->pinned = pinned_pages();
}

static inline size_t line_length(const char *line)
{
	return strcspn(line, "\n");
}

/* A line that may differ: this key, one more than before. */
static inline bool grew_by_one(const char *old, const char *new, const char *key)
{
	size_t len = strlen(key);

	return len && !strncmp(old, key, len) && !strncmp(new, key, len) &&
	       old[len] == ':' && new[len] == ':' &&
	       strtoull(new + len + 1, NULL, 0) == strtoull(old + len + 1, NULL, 0) + 1;
}

/* Compares line by line; key ("" for none) must have grown once. */
static inline bool same_contexts(const char *old, const char *new, const char *key)
{
	bool grew = !*key, same = true;

	while (*old && *new) {
		size_t a = line_length(old), b = line_length(new);

		if (a != b || memcmp(old, new, a)) {
			if (!grew && grew_by_one(old, new, key)) {
				grew = true;
			} else {
				diag("was \"%.*s\", is \"%.*s\"", (int)a, old, (int)b, new);
				same = false;
			}
		}
		old += a + (old[a] == '\n');
		new += b + (new[b] == '\n');
	}
	if (*old || *new) {
		diag("contexts have more or fewer lines than before");
		same = false;
	}
	if (!grew)
		diag("%s has not grown", key);
	return same && grew;
}

static inline bool unchanged(struct state *state, const char *key)
{
	char *now = contexts_text();
	bool same = same_contexts(state->contexts, now, key);

	free(now);
	if (machine_pins() != state->pins) {
		diag("pinned pages: %lld before, %lld now", (long long)state->pins,
		     (long long)machine_pins());
		same = false;
	}
	if (locked_pages() != state->locked || pinned_pages() != state->pinned) {
		diag("charged pages: %llu before, %llu now", (unsigned long long)state->locked,
		     (unsigned long long)locked_pages());
		same = false;
	}
	return same;
}

/* key: printf-like name of the counter that grows, or "". */
static inline __attribute__((format(printf, 4, 5)))
void check_unchanged(struct state *state, int line, const char *call, const char *key, ...)
{
	char name[64];
	va_list args;

	va_start(args, key);
	vsnprintf(name, sizeof(name), key, args);
	va_end(args);
	if (unchanged(state, name))
		return;
	diag("line %d: changed by %s", line, call);
	harness_fail(false);
	remember(state);
}

/*
 * In a test whose fixture has a "struct state before": the call fails like that,
 * and nothing changed but this counter of errors, "" for none.
 */
#define REFUSED_KEY(err, call, ...) do {					\
	remember(&self->before);						\
	EXPECT_ERRNO(err, call);						\
	check_unchanged(&self->before, __LINE__, #call, __VA_ARGS__);		\
} while (0)
#define REFUSED(err, call)	REFUSED_KEY(err, call, "%s", "")

#endif /* IOASID_SELFTESTS_UNCHANGED_H */
