// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <bpf/bpf.h>
#include <bpf/libbpf.h>
#include "../../bpf/stacks.h"
#include "map_stacks.h"
#include "stacks.skel.h"
#include "symbols.h"
#include "ticker.h"

_Static_assert(IOASID_STACK_FRAMES == STACK_DEPTH, "stacks are shown whole");

/* A stack of a process, as it was read last. */
struct known {
	struct ioasid_stack_key key;
	struct ioasid_stack_count now;
	__u64 maps, bytes;	/* of the interval */
};

struct map_stack_reader {
	struct stacks_bpf *skel;
	struct symbols *symbols;
	struct known *last;	/* ordered by key */
	size_t nr;
};

static const char *attach(struct map_stack_reader *reader)
{
	if (stacks_bpf__load(reader->skel))
		return "the BPF program cannot be loaded";
	return stacks_bpf__attach(reader->skel) ? "the driver has no tracepoint for it" : NULL;
}

struct map_stack_reader *map_stacks__open(char *why, size_t size)
{
	struct map_stack_reader *reader = calloc(1, sizeof(*reader));
	const char *obstacle;

	if (reader) {
		reader->skel = stacks_bpf__open();
		reader->symbols = symbols__new(true);
	}
	if (!reader || !reader->skel || !reader->symbols)
		obstacle = "out of memory";
	else
		obstacle = attach(reader);
	if (!obstacle)
		return reader;
	snprintf(why, size, "Stacks are not known: %s.", obstacle);
	map_stacks__close(reader);
	return NULL;
}

void map_stacks__close(struct map_stack_reader *reader)
{
	if (!reader)
		return;
	stacks_bpf__destroy(reader->skel);
	symbols__free(reader->symbols);
	free(reader->last);
	free(reader);
}

bool map_stacks__is_on(const struct map_stack_reader *reader)
{
	return reader->skel->bss->counting;
}

void map_stacks__start(struct map_stack_reader *reader)
{
	int counts = bpf_map__fd(reader->skel->maps.counts);
	int traces = bpf_map__fd(reader->skel->maps.traces);
	struct ioasid_stack_key key;
	__u32 id;

	while (!bpf_map_get_next_key(counts, NULL, &key) && !bpf_map_delete_elem(counts, &key))
		;
	while (!bpf_map_get_next_key(traces, NULL, &id) && !bpf_map_delete_elem(traces, &id))
		;
	reader->skel->bss->lost = 0;
	reader->nr = 0;
	reader->skel->bss->counting = true;
}

void map_stacks__stop(struct map_stack_reader *reader)
{
	reader->skel->bss->counting = false;
}

/* ---- counts ---- */

static int by_key(const void *a, const void *b)
{
	return memcmp(&((const struct known *)a)->key, &((const struct known *)b)->key,
		      sizeof(struct ioasid_stack_key));
}

static int by_maps(const void *pa, const void *pb)
{
	const struct known *a = pa, *b = pb;

	if (a->maps != b->maps)
		return a->maps < b->maps ? 1 : -1;
	if (a->now.maps != b->now.maps)
		return a->now.maps < b->now.maps ? 1 : -1;
	return by_key(pa, pb);
}

static void subtract(const struct map_stack_reader *reader, struct known *known)
{
	const struct known *last = NULL;

	if (reader->nr)
		last = bsearch(known, reader->last, reader->nr, sizeof(*known), by_key);
	known->maps = known->now.maps - (last ? last->now.maps : 0);
	known->bytes = known->now.bytes - (last ? last->now.bytes : 0);
}

/* New keys may be missed while we walk and are found next time; nobody deletes any. */
static int read_counts(struct map_stack_reader *reader, struct known **out, size_t *nr)
{
	int fd = bpf_map__fd(reader->skel->maps.counts);
	struct ioasid_stack_key key, *prev = NULL;
	struct known *known;

	known = calloc(IOASID_MAX_STACKS, sizeof(*known));
	if (!known)
		return -ENOMEM;
	for (*nr = 0; *nr < IOASID_MAX_STACKS && !bpf_map_get_next_key(fd, prev, &key);) {
		prev = &key;
		known[*nr].key = key;
		if (bpf_map_lookup_elem(fd, &key, &known[*nr].now))
			continue;
		subtract(reader, &known[*nr]);
		(*nr)++;
	}
	*out = known;
	return 0;
}

/* ---- names ---- */

/* What a process calls its functions is its own choice. */
static void print_frame(FILE *out, const struct frame *frame)
{
	char name[256], module[256];
	const char *base;

	if (!frame->symbol && !frame->module) {
		fprintf(out, "0x%llx\n", frame->address);
		return;
	}
	base = frame->module ? strrchr(frame->module, '/') : NULL;
	base = base ? base + 1 : frame->module;
	neutralise(name, sizeof(name), frame->symbol ? frame->symbol : "",
		   frame->symbol ? strlen(frame->symbol) : 0);
	neutralise(module, sizeof(module), base ? base : "", base ? strlen(base) : 0);
	fprintf(out, "%s+0x%llx%s%s%s\n", name, frame->offset, *module ? " (" : "", module,
		*module ? ")" : "");
}

static char *names_of(const struct stack *stack)
{
	char *text = NULL;
	size_t size;
	FILE *out;

	if (stack->nr <= 0)
		return NULL;
	out = open_memstream(&text, &size);
	if (!out)
		return NULL;
	for (int i = 0; i < stack->nr; i++)
		print_frame(out, &stack->frames[i]);
	fclose(out);
	return text;
}

/* Bytes of the trace; 0: there is none. */
static int read_trace(const struct map_stack_reader *reader, __s32 id, __u64 *addresses)
{
	__u32 key = id;
	int nr = 0;

	if (id < 0 || bpf_map_lookup_elem(bpf_map__fd(reader->skel->maps.traces), &key, addresses))
		return 0;
	while (nr < IOASID_STACK_FRAMES && addresses[nr])
		nr++;
	return nr * sizeof(*addresses);
}

static void fill(struct map_stack_reader *reader, const struct known *known, struct map_stack *out)
{
	struct process_at process = { .pid = known->key.pid, .ts_ns = now_ns() };
	__u64 addresses[IOASID_STACK_FRAMES];
	struct stack stack = { 0 };
	int size;

	out->pid = known->key.pid;
	out->count = known->maps;
	out->bytes = known->bytes;
	out->total = known->now.maps;
	neutralise(out->comm, sizeof(out->comm), known->now.comm, sizeof(known->now.comm));
	memcpy(process.comm, known->now.comm, sizeof(process.comm));
	size = read_trace(reader, known->key.user, addresses);
	if (size) {
		symbols__user(reader->symbols, &process, &stack, addresses, size);
		out->user = names_of(&stack);
	}
	size = read_trace(reader, known->key.kernel, addresses);
	if (size) {
		symbols__kernel(reader->symbols, &stack, addresses, size);
		out->kernel = names_of(&stack);
	}
}

static int fill_all(struct map_stack_reader *reader, struct known *known, size_t nr,
		    struct map_stacks *out)
{
	size_t shown = nr < MAX_SHOWN_STACKS ? nr : MAX_SHOWN_STACKS;

	out->at = calloc(shown ? shown : 1, sizeof(*out->at));
	if (!out->at)
		return -ENOMEM;
	qsort(known, nr, sizeof(*known), by_maps);
	for (; out->nr < shown; out->nr++)
		fill(reader, &known[out->nr], &out->at[out->nr]);
	out->nr_more = nr - shown;
	for (size_t i = shown; i < nr; i++) {
		out->count_more += known[i].maps;
		out->total_more += known[i].now.maps;
	}
	return 0;
}

int map_stacks__read(struct map_stack_reader *reader, struct map_stacks *out)
{
	struct known *known;
	size_t nr;
	int err = read_counts(reader, &known, &nr);

	if (err)
		return err;
	out->counted = true;
	out->lost = reader->skel->bss->lost;
	err = fill_all(reader, known, nr, out);
	qsort(known, nr, sizeof(*known), by_key);
	free(reader->last);
	reader->last = known;
	reader->nr = nr;
	return err;
}
