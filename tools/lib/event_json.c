// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/utsname.h>
#include <unistd.h>
#include <yyjson.h>
#include "event_out.h"
#include "snapshot.h"
#include "version.h"

/* As in the trace header. */
#define NO_PASID	0xffffffffU

typedef yyjson_mut_doc doc_t;
typedef yyjson_mut_val val_t;

static doc_t *new_record(const char *record, val_t **root)
{
	doc_t *doc = yyjson_mut_doc_new(NULL);

	if (!doc)
		return NULL;
	*root = yyjson_mut_obj(doc);
	yyjson_mut_doc_set_root(doc, *root);
	yyjson_mut_obj_add_str(doc, *root, "record", record);
	return doc;
}

/* One line, whose document is freed. */
static int print(const struct event_out *out, doc_t *doc)
{
	char *text = yyjson_mut_write(doc, 0, NULL);
	int err = text ? 0 : -ENOMEM;

	yyjson_mut_doc_free(doc);
	if (text && fprintf(out->file, "%s\n", text) < 0)
		err = -EIO;
	free(text);
	return err;
}

static void add_text(doc_t *doc, val_t *obj, const char *key, const char *text)
{
	if (text)
		yyjson_mut_obj_add_strcpy(doc, obj, key, text);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

/* Names may have any bytes: JSON is to stay ASCII. */
static void add_name(doc_t *doc, val_t *obj, const char *key, const char *name)
{
	char text[1024];

	if (name)
		neutralise(text, sizeof(text), name, strlen(name));
	add_text(doc, obj, key, name ? text : NULL);
}

static void add_uint(doc_t *doc, val_t *obj, const char *key, bool known, __u64 number)
{
	if (known)
		yyjson_mut_obj_add_uint(doc, obj, key, number);
	else
		yyjson_mut_obj_add_null(doc, obj, key);
}

static void add_boot(doc_t *doc, val_t *root)
{
	int fd = open("/proc/sys/kernel/random/boot_id", O_RDONLY | O_CLOEXEC);
	char id[36];

	if (fd >= 0 && read(fd, id, sizeof(id)) == sizeof(id))
		yyjson_mut_obj_add_strncpy(doc, root, "boot_id", id, sizeof(id));
	else
		yyjson_mut_obj_add_null(doc, root, "boot_id");
	if (fd >= 0)
		close(fd);
}

int event_json__start(struct event_out *out, const struct snoop_start *start)
{
	struct utsname uts;
	val_t *root, *events;
	doc_t *doc = new_record("start", &root);

	if (!doc)
		return -ENOMEM;
	yyjson_mut_obj_add_str(doc, root, "schema", SNOOP_SCHEMA);
	yyjson_mut_obj_add_str(doc, root, "version", IOASID_TOOLS_VERSION);
	add_text(doc, root, "kernel", uname(&uts) ? NULL : uts.release);
	add_boot(doc, root);
	events = yyjson_mut_obj_add_arr(doc, root, "events");
	for (int id = 0; id < NR_SNOOP_EVENTS; id++)
		if (start->events & 1U << id)
			yyjson_mut_arr_add_str(doc, events, event_infos[id].name);
	add_text(doc, root, "watch", out->watch);
	yyjson_mut_obj_add_uint(doc, root, "ring_bytes", start->ring_bytes);
	add_text(doc, root, "notice", start->notice);
	return print(out, doc);
}

static void add_arg(doc_t *doc, val_t *root, const struct arg_info *arg, __u64 value)
{
	char name[DEVICE_NAME_LEN];
	const char *word;

	switch (arg->type) {
	case ARG_RESULT:
		yyjson_mut_obj_add_sint(doc, root, arg->name, (int)value);
		add_text(doc, root, "error", (int)value < 0 ? strerrorname_np(-(int)value) : NULL);
		break;
	case ARG_DEVICE:
		add_text(doc, root, arg->name,
			 device__name(name, sizeof(name), value) ? name : NULL);
		break;
	case ARG_PASID:
		add_uint(doc, root, arg->name, (__u32)value != NO_PASID, value);
		break;
	default:
		word = arg__word(arg->type, value);
		if (word)
			yyjson_mut_obj_add_str(doc, root, arg->name, word);
		else
			yyjson_mut_obj_add_uint(doc, root, arg->name, value);
	}
}

static void add_stack(doc_t *doc, val_t *root, const char *key, const struct stack *stack)
{
	val_t *frames, *obj;

	if (!stack->whose) {
		yyjson_mut_obj_add_null(doc, root, key);
		return;
	}
	frames = yyjson_mut_obj_add_arr(doc, root, key);
	for (int i = 0; i < stack->nr; i++) {
		const struct frame *frame = &stack->frames[i];

		obj = yyjson_mut_arr_add_obj(doc, frames);
		yyjson_mut_obj_add_uint(doc, obj, "address", frame->address);
		add_name(doc, obj, "symbol", frame->symbol);
		add_uint(doc, obj, "offset", frame->symbol || frame->module, frame->offset);
		add_name(doc, obj, "module", frame->module);
	}
}

static void add_process(doc_t *doc, val_t *root, const struct ioasid_snoop_event *event)
{
	char comm[COMM_LEN];

	neutralise(comm, sizeof(comm), event->comm, sizeof(event->comm));
	add_uint(doc, root, "pid", event->pid, event->pid);
	add_uint(doc, root, "tid", event->pid, event->tid);
	add_text(doc, root, "comm", event->pid ? comm : NULL);
}

int event_json__event(struct event_out *out, const struct ioasid_snoop_event *event,
		      const struct stacks *stacks)
{
	const struct event_info *info = &event_infos[event->id];
	__u64 duration = event__duration(event);
	val_t *root;
	doc_t *doc = new_record("event", &root);

	if (!doc)
		return -ENOMEM;
	yyjson_mut_obj_add_uint(doc, root, "seq", out->seq);
	yyjson_mut_obj_add_uint(doc, root, "ts_ns", event->ts_ns);
	yyjson_mut_obj_add_uint(doc, root, "time_ns", event->ts_ns + out->wall_ns);
	yyjson_mut_obj_add_uint(doc, root, "cpu", event->cpu);
	add_process(doc, root, event);
	yyjson_mut_obj_add_str(doc, root, "event", info->name);
	add_uint(doc, root, "duration_ns", duration, duration);
	for (int i = 0; i < event__nr_args(info); i++)
		if (out->unknown[event->id] >> i & 1)
			yyjson_mut_obj_add_null(doc, root, info->args[i].name);
		else
			add_arg(doc, root, &info->args[i], event->args[i]);
	if (stacks) {
		add_stack(doc, root, "kernel_stack", &stacks->kernel);
		add_stack(doc, root, "user_stack", &stacks->user);
		yyjson_mut_obj_add_bool(doc, root, "stack_truncated",
					stacks->kernel.more || stacks->user.more);
	}
	return print(out, doc);
}

int event_json__lost(struct event_out *out, __u32 cpu, __u64 lost)
{
	val_t *root;
	doc_t *doc = new_record("lost", &root);

	if (!doc)
		return -ENOMEM;
	yyjson_mut_obj_add_uint(doc, root, "cpu", cpu);
	yyjson_mut_obj_add_uint(doc, root, "lost", lost);
	return print(out, doc);
}

int event_json__end(struct event_out *out, const struct event_totals *totals)
{
	val_t *root;
	doc_t *doc = new_record("end", &root);

	if (!doc)
		return -ENOMEM;
	yyjson_mut_obj_add_str(doc, root, "reason", totals->end);
	yyjson_mut_obj_add_uint(doc, root, "events", totals->events);
	yyjson_mut_obj_add_uint(doc, root, "lost", totals->lost);
	yyjson_mut_obj_add_uint(doc, root, "missed", totals->missed);
	yyjson_mut_obj_add_uint(doc, root, "left", totals->left);
	yyjson_mut_obj_add_real(doc, root, "seconds", totals->seconds);
	return print(out, doc);
}
