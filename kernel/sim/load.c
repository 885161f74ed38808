// SPDX-License-Identifier: GPL-2.0-only
/* A device that is busy all the time: requests again and again, in threads. */
#include <linux/kthread.h>
#include <linux/sched.h>
#include <linux/slab.h>
#include <linux/uaccess.h>

#include "sim.h"

#define SIM_MAX_THREADS		16
#define SIM_NR_STATUS		ARRAY_SIZE(((struct ioasid_sim_load_result *)0)->status)

static_assert(SIM_NR_STATUS > IOASID_SIM_ABORTED);

struct sim_thread {
	struct sim_load *load;
	struct task_struct *task;
	u64 random;
	void *bounce;
	u64 done;
	u64 status[SIM_NR_STATUS];
};

/* Threads only read @reqs: each works on a copy of the request at hand. */
struct sim_load {
	struct sim_device *dev;
	struct ioasid_sim_request *reqs;
	u32 nr;
	bool shuffle;
	u32 nr_threads;
	struct sim_thread threads[];
};

static u32 pick(struct sim_thread *t, u32 last)
{
	if (!t->load->shuffle)
		return (last + 1) % t->load->nr;
	/* Of a linear congruential generator the high bits are the better ones. */
	t->random = t->random * 6364136223846793005ULL + 1442695040888963407ULL;
	return (t->random >> 33) % t->load->nr;
}

static int sim_load_thread(void *data)
{
	struct sim_thread *t = data;
	struct sim_load *load = t->load;
	struct ioasid_sim_request req;
	u32 i = load->nr - 1;

	while (!kthread_should_stop()) {
		i = pick(t, i);
		req = load->reqs[i];
		sim_execute(load->dev, &req, t->bounce);
		t->done++;
		t->status[req.status]++;
		cond_resched();
	}
	return 0;
}

static void load_free(struct sim_load *load)
{
	u32 i;

	for (i = 0; i < load->nr_threads; i++)
		free_page((unsigned long)load->threads[i].bounce);
	kvfree(load->reqs);
	kfree(load);
}

static void load_halt(struct sim_load *load)
{
	u32 i;

	for (i = 0; i < load->nr_threads; i++)
		if (load->threads[i].task)
			kthread_stop(load->threads[i].task);
}

static struct sim_load *load_alloc(struct sim_device *dev,
				   const struct ioasid_sim_load *args)
{
	struct sim_load *load;
	struct sim_thread *t;
	u32 i;

	load = kzalloc(struct_size(load, threads, args->threads),
		       GFP_KERNEL_ACCOUNT);
	if (!load)
		return ERR_PTR(-ENOMEM);
	load->dev = dev;
	load->nr = args->nr;
	load->shuffle = args->seed;
	load->nr_threads = args->threads;
	for (i = 0; i < args->threads; i++) {
		t = &load->threads[i];
		t->load = load;
		t->random = args->seed + i;
		t->bounce = (void *)__get_free_page(GFP_KERNEL_ACCOUNT);
		if (!t->bounce) {
			load_free(load);
			return ERR_PTR(-ENOMEM);
		}
	}
	return load;
}

static int load_run(struct sim_load *load)
{
	struct task_struct *task;
	u32 i;

	for (i = 0; i < load->nr_threads; i++) {
		task = kthread_run(sim_load_thread, &load->threads[i], "%s/%u",
				   dev_name(&load->dev->node.dev), i);
		if (IS_ERR(task)) {
			load_halt(load);
			return PTR_ERR(task);
		}
		/* Whoever maps and unmaps meanwhile shall get a word in. */
		set_user_nice(task, 10);
		load->threads[i].task = task;
	}
	return 0;
}

static int load_start(struct sim_device *dev, const struct ioasid_sim_load *args)
{
	struct ioasid_sim_request *reqs;
	struct sim_load *load;
	int rc;

	reqs = sim_get_requests(args->requests, args->nr);
	if (IS_ERR(reqs))
		return PTR_ERR(reqs);
	load = load_alloc(dev, args);
	if (IS_ERR(load)) {
		kvfree(reqs);
		return PTR_ERR(load);
	}
	load->reqs = reqs;
	mutex_lock(&dev->load_lock);
	rc = dev->load ? -EBUSY : load_run(load);
	if (!rc)
		dev->load = load;
	mutex_unlock(&dev->load_lock);
	if (rc)
		load_free(load);
	return rc;
}

int sim_cmd_start(struct sim_device *dev, void __user *uargs)
{
	struct ioasid_sim_load args;
	int rc;

	rc = ioasid_copy_args(&args, sizeof(args), uargs);
	if (rc)
		return rc;
	if (args.flags)
		return -EOPNOTSUPP;
	if (!args.threads || args.threads > SIM_MAX_THREADS)
		return -EINVAL;
	return load_start(dev, &args);
}

static struct sim_load *load_take(struct sim_device *dev)
{
	struct sim_load *load;

	mutex_lock(&dev->load_lock);
	load = dev->load;
	dev->load = NULL;
	if (load)
		load_halt(load);
	mutex_unlock(&dev->load_lock);
	return load;
}

static void load_sum(const struct sim_load *load,
		     struct ioasid_sim_load_result *result)
{
	u32 i, s;

	for (i = 0; i < load->nr_threads; i++) {
		result->done += load->threads[i].done;
		for (s = 0; s < SIM_NR_STATUS; s++)
			result->status[s] += load->threads[i].status[s];
	}
}

int sim_cmd_stop(struct sim_device *dev, void __user *uargs)
{
	struct ioasid_sim_load_result result;
	struct sim_load *load;
	u32 argsz;
	int rc;

	rc = ioasid_copy_args(&result, sizeof(result), uargs);
	if (rc)
		return rc;
	if (result.flags)
		return -EOPNOTSUPP;
	load = load_take(dev);
	if (!load)
		return -EINVAL;
	argsz = result.argsz;
	memset(&result, 0, sizeof(result));
	result.argsz = argsz;
	load_sum(load, &result);
	load_free(load);
	return copy_to_user(uargs, &result, sizeof(result)) ? -EFAULT : 0;
}

/* The device is no longer its user's. */
void sim_load_stop(struct sim_device *dev)
{
	struct sim_load *load = load_take(dev);

	if (load)
		load_free(load);
}
