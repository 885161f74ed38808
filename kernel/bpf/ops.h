/* SPDX-License-Identifier: GPL-2.0-only */
/* Shared by the files about BPF programs. */
#ifndef __IOASID_BPF_OPS_H
#define __IOASID_BPF_OPS_H

#include <linux/bpf.h>

#include "fault.h"
#include "hooks.h"

DECLARE_STATIC_KEY_FALSE(ioasid_map_policies);

int ioasid_errno_of(int rc);
int ioasid_policies_map(const struct ioasid_map_query *query);
void ioasid_map_check_show(struct seq_file *s);

int ioasid_policy_attach(const struct ioasid_policy *ops, struct bpf_link *link);
void ioasid_policy_detach(const struct ioasid_policy *ops,
			  const struct bpf_link *link);
int ioasid_policy_replace(const struct ioasid_policy *ops,
			  const struct ioasid_policy *old,
			  const struct bpf_link *link);

int ioasid_kfuncs_init(void);

#endif /* __IOASID_BPF_OPS_H */
