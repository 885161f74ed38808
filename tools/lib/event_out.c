// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <time.h>
#include "event_out.h"
#include "format.h"
#include "snapshot.h"

/* As in the trace header. */
#define NO_PASID	0xffffffffU

#define NUMBER_WIDTH	6

static int done(const struct event_out *out)
{
	return ferror(out->file) ? -EIO : 0;
}

int event_out__start(struct event_out *out, const struct snoop_start *start)
{
	static const char *const titles[] = {
		[CLOCK_WALL] = "TIME", [CLOCK_MONO] = "SECONDS", [CLOCK_DELTA] = "DELTA",
	};

	if (out->json)
		return event_json__start(out, start);
	fprintf(out->file, "%-15s %-16s %7s %5s %4s %-16s %-10s %*s  %s\n", titles[out->clock],
		"COMM", "PID", "CTX", "ID", "EVENT", "RESULT", NUMBER_WIDTH, "TIME", "DETAILS");
	return done(out);
}

static void print_time(const struct event_out *out, __u64 ts_ns)
{
	__u64 ns = ts_ns;
	char text[16];
	struct tm tm;
	time_t sec;

	if (out->clock == CLOCK_WALL) {
		ns += out->wall_ns;
		sec = ns / 1000000000;
		localtime_r(&sec, &tm);
		strftime(text, sizeof(text), "%H:%M:%S", &tm);
		fprintf(out->file, "%s.%06u ", text, (unsigned int)(ns % 1000000000 / 1000));
		return;
	}
	/* The ring's order is not quite that of the stamps: then it is 0. */
	if (out->clock == CLOCK_DELTA)
		ns = out->last_ns && ts_ns > out->last_ns ? ts_ns - out->last_ns : 0;
	fprintf(out->file, "%8" PRIu64 ".%06u ", (uint64_t)ns / 1000000000,
		(unsigned int)(ns % 1000000000 / 1000));
}

/* Nothing is printed that would obey to a terminal. */
static void print_process(FILE *file, const struct ioasid_snoop_event *event)
{
	char comm[COMM_LEN];

	neutralise(comm, sizeof(comm), event->comm, sizeof(event->comm));
	if (event->pid)
		fprintf(file, "%-16s %7u ", comm, event->pid);
	else
		fprintf(file, "%-16s %7s ", "-", "-");
}

static void print_result(FILE *file, int result)
{
	const char *name = result < 0 ? strerrorname_np(-result) : "ok";

	if (name)
		fprintf(file, "%-10s ", name);
	else
		fprintf(file, "%-10d ", result);
}

/* What every event has, in columns. */
static void print_columns(FILE *file, const struct ioasid_snoop_event *event)
{
	const struct event_info *info = &event_infos[event->id];
	int result = event__find(info, ARG_RESULT), ioasid = event__find(info, ARG_IOASID);
	__u64 duration = event__duration(event);
	char number[16] = "-";

	fprintf(file, "%5u ", (__u32)event->args[0]);
	if (ioasid >= 0)
		fprintf(file, "%4u ", (__u32)event->args[ioasid]);
	else
		fprintf(file, "%4s ", "-");
	fprintf(file, "%-16s ", info->name);
	if (result >= 0)
		print_result(file, (int)event->args[result]);
	else
		fprintf(file, "%-10s ", "-");
	if (duration)
		format_number(number, NUMBER_WIDTH, duration, UNIT_NS);
	fprintf(file, "%*s ", NUMBER_WIDTH, number);
}

static void print_scaled(FILE *file, const char *name, __u64 value, enum unit unit)
{
	int len = strlen(name) - (unit == UNIT_NS ? strlen("_ns") : 0);
	char number[16];

	format_number(number, NUMBER_WIDTH, value, unit);
	fprintf(file, " %.*s=%s", len, name, number);
}

/* Most sizes are a whole number of something. */
static void print_bytes(FILE *file, const char *name, __u64 value)
{
	static const char suffixes[] = "KMGTP";
	int i = -1;

	if (!value || value % 1024) {
		print_scaled(file, name, value, UNIT_BYTES);
		return;
	}
	while (value % 1024 == 0 && suffixes[i + 1]) {
		value /= 1024;
		i++;
	}
	fprintf(file, " %s=%llu%c", name, value, suffixes[i]);
}

static void print_word(FILE *file, const struct arg_info *arg, __u64 value)
{
	const char *word = arg__word(arg->type, value);

	if (word)
		fprintf(file, " %s=%s", arg->name, word);
	else
		fprintf(file, " %s=%llu", arg->name, value);
}

static void print_arg(FILE *file, const struct arg_info *arg, __u64 value)
{
	char name[DEVICE_NAME_LEN];

	switch (arg->type) {
	case ARG_COUNT:
	case ARG_NUMBER:
		fprintf(file, " %s=%llu", arg->name, value);
		break;
	case ARG_ADDRESS:
	case ARG_FLAGS:
		fprintf(file, " %s=%#llx", arg->name, value);
		break;
	case ARG_EXTENT:
		if (!value)
			fprintf(file, " %s=all", arg->name);
		else
			print_bytes(file, arg->name, value);
		break;
	case ARG_BYTES:
		print_bytes(file, arg->name, value);
		break;
	case ARG_NS:
		if (value)
			print_scaled(file, arg->name, value, UNIT_NS);
		break;
	case ARG_DEVICE:
		if (device__name(name, sizeof(name), value))
			fprintf(file, " %s=%s", arg->name, name);
		break;
	case ARG_PASID:
		if ((__u32)value != NO_PASID)
			fprintf(file, " %s=%llu", arg->name, value);
		break;
	default:
		print_word(file, arg, value);
	}
}

static void print_details(FILE *file, const struct ioasid_snoop_event *event, __u32 unknown)
{
	const struct event_info *info = &event_infos[event->id];

	for (int i = 0; i < event__nr_args(info); i++) {
		const struct arg_info *arg = &info->args[i];

		if (arg->type == ARG_CTX || arg->type == ARG_IOASID || arg->type == ARG_RESULT ||
		    (info->time && !strcmp(arg->name, info->time)) || unknown >> i & 1)
			continue;
		print_arg(file, arg, event->args[i]);
	}
}

static void print_stack(FILE *file, const struct stack *stack)
{
	char symbol[512], module[1024];

	for (int i = 0; i < stack->nr; i++) {
		const struct frame *frame = &stack->frames[i];

		fprintf(file, "    %-6s %#18llx", stack->whose, frame->address);
		if (frame->symbol) {
			neutralise(symbol, sizeof(symbol), frame->symbol, strlen(frame->symbol));
			fprintf(file, " %s+%#llx", symbol, frame->offset);
		}
		if (frame->module) {
			neutralise(module, sizeof(module), frame->module, strlen(frame->module));
			fprintf(file, " (%s", module);
			fprintf(file, frame->symbol ? ")" : "+%#llx)", frame->offset);
		}
		fputc('\n', file);
	}
	if (stack->more)
		fprintf(file, "    %-6s %18s\n", stack->whose, "...");
}

int event_out__event(struct event_out *out, const struct ioasid_snoop_event *event,
		     const struct stacks *stacks)
{
	int err;

	out->seq++;
	if (out->json) {
		err = event_json__event(out, event, stacks);
	} else {
		print_time(out, event->ts_ns);
		print_process(out->file, event);
		print_columns(out->file, event);
		print_details(out->file, event, out->unknown[event->id]);
		fputc('\n', out->file);
		if (stacks) {
			print_stack(out->file, &stacks->kernel);
			print_stack(out->file, &stacks->user);
		}
		err = done(out);
	}
	out->last_ns = event->ts_ns;
	return err;
}

int event_out__lost(struct event_out *out, __u32 cpu, __u64 lost)
{
	if (out->json)
		return event_json__lost(out, cpu, lost);
	fprintf(out->file, "%-15s %llu events of CPU %u: the ring was full\n", "LOST", lost, cpu);
	return done(out);
}

int event_out__end(struct event_out *out, const struct event_totals *totals)
{
	if (out->json)
		return event_json__end(out, totals);
	/* Not among the lines of events, which may go to a file. */
	fprintf(stderr, "ioasidsnoop: %llu events in %.3f s, %llu lost", totals->events,
		totals->seconds, totals->lost);
	if (totals->missed)
		fprintf(stderr, ", %llu skipped by the kernel", totals->missed);
	if (totals->left)
		fprintf(stderr, ", %llu after the end", totals->left);
	fputc('\n', stderr);
	return done(out);
}
