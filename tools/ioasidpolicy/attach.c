// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* A policy gets in, takes another one's place, or goes. It lives as long as its pin. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>
#include <linux/magic.h>
#include <bpf/bpf.h>
#include <bpf/btf.h>
#include <bpf/libbpf.h>
#include "ioasidpolicy.h"
#include "policy_allow.skel.h"
#include "policy_fault.skel.h"

#define NS_PER_S 1000000000ULL

/* What is being attached. */
struct loading {
	const struct options *options;
	const char *what;
	char name[NAME_SIZE];
	char pin[256];
	struct bpf_object *obj;
	struct bpf_map *map;
	/* one of them has the object, or none does */
	struct policy_allow_bpf *allow;
	struct policy_fault_bpf *fault;
};

static int quiet(enum libbpf_print_level level, const char *format, va_list args)
{
	(void)level;
	(void)format;
	(void)args;
	return 0;
}

static int open_allow(struct loading *l)
{
	const struct options *o = l->options;

	if (!o->nr_ranges)
		return usage_error("an allow-list without ranges refuses everything: give some "
				   "with --range");
	l->allow = policy_allow_bpf__open();
	if (!l->allow)
		return complain(EXIT_FAILED, "cannot open the allow-list: %s", strerror(errno));
	l->obj = l->allow->obj;
	l->allow->rodata->nr_ranges = o->nr_ranges;
	return EXIT_OK;
}

static int open_fault(struct loading *l)
{
	const struct options *o = l->options;

	l->fault = policy_fault_bpf__open();
	if (!l->fault)
		return complain(EXIT_FAILED, "cannot open the fault policy: %s", strerror(errno));
	l->obj = l->fault->obj;
	if (o->rate)
		l->fault->rodata->interval_ns = NS_PER_S / o->rate;
	if (o->burst)
		l->fault->rodata->burst = o->burst;
	l->fault->rodata->ask_user = !o->no_user;
	return EXIT_OK;
}

static int open_file(struct loading *l)
{
	l->obj = bpf_object__open_file(l->what, NULL);
	if (l->obj)
		return EXIT_OK;
	if (errno == ENOENT)
		return complain(EXIT_FAILED, "there is no policy '%s': give allow, fault, or the "
				"path of an object file", l->what);
	return complain(EXIT_FAILED, "%s is no BPF object file: %s", l->what, strerror(errno));
}

static int open_object(struct loading *l)
{
	const struct options *o = l->options;
	bool allow = !strcmp(l->what, "allow"), fault = !strcmp(l->what, "fault");

	if (!allow && o->nr_ranges)
		return usage_error("--range is for the policy 'allow'");
	if (!fault && (o->rate || o->burst || o->no_user))
		return usage_error("--rate, --burst and --no-user are for the policy 'fault'");
	return allow ? open_allow(l) : fault ? open_fault(l) : open_file(l);
}

static const struct btf_type *policy_type(const struct bpf_map *map, const struct btf *btf)
{
	const struct btf_type *t = btf__type_by_id(btf, bpf_map__btf_value_type_id(map));
	const char *name = t ? btf__name_by_offset(btf, t->name_off) : NULL;

	/* Behind three underscores stands whose declaration it is. */
	if (!name || strncmp(name, "ioasid_policy", 13))
		return NULL;
	if (name[13] && strncmp(name + 13, "___", 3))
		return NULL;
	return t;
}

/* The one policy that is meant; the others are not loaded. */
static int find_policy(struct loading *l)
{
	const struct btf *btf = bpf_object__btf(l->obj);
	const char *wanted = l->options->map;
	struct bpf_map *map;
	int nr = 0;

	bpf_object__for_each_map(map, l->obj) {
		if (bpf_map__type(map) != BPF_MAP_TYPE_STRUCT_OPS)
			continue;
		if (policy_type(map, btf) && (!wanted || !strcmp(wanted, bpf_map__name(map)))) {
			l->map = map;
			nr++;
		} else {
			bpf_map__set_autocreate(map, false);
		}
	}
	if (!nr && wanted)
		return complain(EXIT_FAILED, "%s has no policy '%s'", l->what, wanted);
	if (!nr)
		return complain(EXIT_FAILED, "%s has no policy: a variable of type struct "
				"ioasid_policy in section .struct_ops.link", l->what);
	if (nr > 1)
		return complain(EXIT_USAGE, "%s has %d policies: say which one with --map", l->what,
				nr);
	return EXIT_OK;
}

/* Where a member of the policy is in the object's own declaration; or NULL. */
static void *member(struct loading *l, const char *name, size_t size)
{
	const struct btf *btf = bpf_object__btf(l->obj);
	const struct btf_type *t = policy_type(l->map, btf);
	const struct btf_member *m = btf_members(t);
	size_t room;
	char *data = bpf_map__initial_value(l->map, &room);

	for (int i = 0; data && i < btf_vlen(t); i++, m++) {
		size_t at = m->offset / 8;

		if (!strcmp(btf__name_by_offset(btf, m->name_off), name) &&
		    btf__resolve_size(btf, m->type) == (long)size && at + size <= room)
			return data + at;
	}
	return NULL;
}

static int set_members(struct loading *l)
{
	const struct options *o = l->options;
	char *name = member(l, "name", NAME_SIZE);
	uint32_t *ctx = member(l, "ctx", sizeof(*ctx));
	int32_t *priority = member(l, "priority", sizeof(*priority));

	if (!name || !ctx || !priority)
		return complain(EXIT_FAILED, "%s declares struct ioasid_policy otherwise than the "
				"driver: see bpf/policy.h", l->what);
	if (o->name) {
		memset(name, 0, NAME_SIZE);
		memcpy(name, o->name, strlen(o->name));
	}
	memcpy(l->name, name, NAME_SIZE);
	l->name[NAME_SIZE - 1] = '\0';
	if (!is_policy_name(l->name))
		return complain(EXIT_FAILED, "%s has a policy without a name: give it one with "
				"--name", l->what);
	if (o->has_ctx)
		*ctx = o->ctx;
	if (o->has_priority)
		*priority = o->priority;
	pin_path(l->name, l->pin, sizeof(l->pin));
	return EXIT_OK;
}

static int load(struct loading *l)
{
	int rc = bpf_object__load(l->obj);

	if (rc)
		return complain(EXIT_FAILED, "the kernel refuses policy '%s': %s%s", l->name,
				strerror(-rc),
				l->options->verbose ? "" : "; --verbose shows its words");
	if (!l->allow)
		return EXIT_OK;
	for (uint32_t i = 0; i < l->options->nr_ranges; i++) {
		rc = bpf_map__update_elem(l->allow->maps.ranges, &i, sizeof(i),
					  &l->options->ranges[i], sizeof(l->options->ranges[i]),
					  BPF_ANY);
		if (rc)
			return complain(EXIT_FAILED, "cannot fill the allow-list: %s",
					strerror(-rc));
	}
	return EXIT_OK;
}

static int attach_error(const struct loading *l, int err)
{
	const char *name = l->name;

	switch (err) {
	case ENOENT:
		return complain(EXIT_FAILED, "there is no context for policy '%s': 'ioasidctl "
				"contexts' lists them", name);
	case ENOSPC:
		return complain(EXIT_FAILED, "no room for policy '%s': detach one that 'ioasidpolicy "
				"list' shows", name);
	case EINVAL:
		return complain(EXIT_FAILED, "the driver refuses policy '%s': it needs a program "
				"for map_check or fault_verdict", name);
	case EOPNOTSUPP:
		return complain(EXIT_FAILED, "policy '%s' has flags that this driver does not "
				"know: use a newer driver", name);
	default:
		return complain(EXIT_FAILED, "cannot attach policy '%s': %s", name, strerror(err));
	}
}

static int ready_pins(void)
{
	struct statfs fs;

	if (statfs(BPFFS, &fs) || fs.f_type != BPF_FS_MAGIC)
		return complain(EXIT_UNSUPPORTED, "%s is no BPF file system: 'mount -t bpf none %s'",
				BPFFS, BPFFS);
	if (mkdir(PIN_DIR, 0700) && errno != EEXIST)
		return complain(EXIT_FAILED, "cannot make %s: %s", PIN_DIR, strerror(errno));
	return EXIT_OK;
}

static int attach_new(struct loading *l)
{
	struct bpf_link *link;
	int rc;

	/* The pin is what makes a name taken: it fails when another one is there. */
	if (!access(l->pin, F_OK))
		return complain(EXIT_FAILED, "policy '%s' is attached already: replace it with "
				"--replace, or give this one another --name", l->name);
	link = bpf_map__attach_struct_ops(l->map);
	if (!link)
		return attach_error(l, errno);
	rc = bpf_link__pin(link, l->pin);
	if (!rc)
		bpf_link__disconnect(link);
	bpf_link__destroy(link);
	if (rc)
		return complain(EXIT_FAILED, "cannot pin policy '%s' at %s, it is not attached: %s",
				l->name, l->pin, strerror(-rc));
	return EXIT_OK;
}

static int replace(struct loading *l)
{
	struct bpf_link *link = bpf_link__open(l->pin);
	int rc;

	if (!link && errno == ENOENT)
		return complain(EXIT_FAILED, "there is no policy '%s' to replace: 'ioasidpolicy "
				"list' shows what there is", l->name);
	if (!link)
		return complain(EXIT_FAILED, "cannot open policy '%s' at %s: %s", l->name, l->pin,
				strerror(errno));
	rc = bpf_link__update_map(link, l->map);
	bpf_link__disconnect(link);
	bpf_link__destroy(link);
	return rc ? attach_error(l, -rc) : EXIT_OK;
}

static void loading_end(struct loading *l)
{
	if (l->allow)
		policy_allow_bpf__destroy(l->allow);
	else if (l->fault)
		policy_fault_bpf__destroy(l->fault);
	else
		bpf_object__close(l->obj);
}

int cmd_attach(const struct options *options, const char *what)
{
	struct loading l = { .options = options, .what = what };
	int status;

	if (!options->verbose)
		libbpf_set_print(quiet);
	status = open_object(&l);
	status = status ?: find_policy(&l);
	status = status ?: set_members(&l);
	status = status ?: check_machine();
	status = status ?: ready_pins();
	status = status ?: load(&l);
	if (!status)
		status = options->replace ? replace(&l) : attach_new(&l);
	loading_end(&l);
	return status;
}

int cmd_detach(const struct options *options, const char *name)
{
	struct bpf_link *link;
	char path[256];
	int rc, status;

	(void)options;
	libbpf_set_print(quiet);
	if (!is_policy_name(name))
		return usage_error("'%s' is no name of a policy", name);
	status = check_machine();
	if (status)
		return status;
	pin_path(name, path, sizeof(path));
	link = bpf_link__open(path);
	if (!link && errno == ENOENT)
		return complain(EXIT_FAILED, "there is no policy '%s': 'ioasidpolicy list' shows "
				"what there is", name);
	if (!link)
		return complain(EXIT_FAILED, "cannot open policy '%s' at %s: %s", name, path,
				strerror(errno));
	/* Others may have the link open: it ends for them, too. */
	rc = bpf_link__detach(link);
	if (!rc && unlink(path))
		rc = -errno;
	bpf_link__destroy(link);
	if (rc)
		return complain(EXIT_FAILED, "cannot detach policy '%s': %s", name, strerror(-rc));
	return EXIT_OK;
}
