// SPDX-License-Identifier: GPL-2.0-only
/* GET_HISTORY, GET_HISTORY_STACK: see history.c. */
#include <linux/capability.h>
#include <linux/pid_namespace.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "compat.h"
#include "ioasid_private.h"

struct listing {
	struct ioasid_history_entry *entries;
	u32 room, nr;
	u64 first, next;
	bool more;
};

/* Numbers of processes mean nothing elsewhere. */
static void hide_processes(struct listing *list)
{
	u32 i;

	if (task_active_pid_ns(current) == &init_pid_ns)
		return;
	for (i = 0; i < list->nr; i++) {
		list->entries[i].pid = 0;
		list->entries[i].tid = 0;
	}
}

static int list_entries(struct ioasid_space *space, struct listing *list)
{
	struct ioasid_history *h = &space->history;
	int rc = 0;

	if (!h->entries.limit)
		return -EOPNOTSUPP;
	mutex_lock(space->lock);
	list->first = max(list->first, ioasid_ring_first(&h->entries));
	if (list->first > h->entries.next)
		rc = -EINVAL;
	for (list->next = list->first;
	     !rc && list->next < h->entries.next && list->nr < list->room;
	     list->next++, list->nr++)
		memcpy(&list->entries[list->nr],
		       ioasid_ring_at(&h->entries, list->next),
		       sizeof(*list->entries));
	list->more = list->next < h->entries.next;
	mutex_unlock(space->lock);
	return rc;
}

static int reply(struct ioasid_ucmd *ucmd, const struct listing *list)
{
	struct ioasid_get_history *cmd = ucmd->cmd;

	if (copy_to_user(u64_to_user_ptr(cmd->entries), list->entries,
			 list->nr * sizeof(*list->entries)))
		return -EFAULT;
	cmd->first = list->first;
	cmd->seq = list->next;
	cmd->nr = list->nr;
	cmd->more = list->more;
	return copy_to_user(ucmd->ubuf, cmd, sizeof(*cmd)) ? -EFAULT : 0;
}

static int get_history(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_history *cmd = ucmd->cmd;
	struct listing list = { .room = cmd->nr, .first = cmd->seq };
	int rc;

	list.entries = kvcalloc(list.room, sizeof(*list.entries),
				GFP_KERNEL_ACCOUNT);
	rc = list.entries ? list_entries(space, &list) : -ENOMEM;
	if (!rc) {
		hide_processes(&list);
		rc = reply(ucmd, &list);
	}
	kvfree(list.entries);
	return rc;
}

int ioasid_cmd_get_history(struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_history *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (!cmd->nr || cmd->nr > IOASID_MAX_GET_HISTORY)
		return -EINVAL;
	return ioasid_look_at(ucmd, cmd->ctx, cmd->ioasid, get_history);
}

static int copy_stack(struct ioasid_space *space, u32 id,
		      struct ioasid_history_stack *out)
{
	struct ioasid_history *h = &space->history;
	const struct ioasid_history_stack *stack;

	mutex_lock(space->lock);
	/* Only the lower half of its number is kept. */
	stack = ioasid_ring_find(&h->stacks,
				 h->stacks.next - (u32)(h->stacks.next - id));
	if (stack) {
		*out = *stack;
		/* What was there before. */
		memset(out->words + out->nr, 0,
		       (IOASID_STACK_WORDS - out->nr) * sizeof(*out->words));
	}
	mutex_unlock(space->lock);
	return stack ? 0 : -ENOENT;
}

static int get_stack(struct ioasid_space *space, struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_history_stack *cmd = ucmd->cmd;
	struct ioasid_history_stack *stack;
	int rc;

	stack = kmalloc(sizeof(*stack), GFP_KERNEL_ACCOUNT);
	if (!stack)
		return -ENOMEM;
	rc = copy_stack(space, cmd->id, stack);
	if (!rc && copy_to_user(u64_to_user_ptr(cmd->stack), stack,
				sizeof(*stack)))
		rc = -EFAULT;
	kfree(stack);
	return rc;
}

int ioasid_cmd_get_history_stack(struct ioasid_ucmd *ucmd)
{
	struct ioasid_get_history_stack *cmd = ucmd->cmd;

	if (cmd->flags)
		return -EOPNOTSUPP;
	if (cmd->__reserved)
		return -EINVAL;
	if (!perfmon_capable())
		return -EPERM;
	return ioasid_look_at(ucmd, cmd->ctx, cmd->ioasid, get_stack);
}
