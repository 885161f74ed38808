/* SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause */
/*
 * libioasid: /dev/ioasid, the devices' files and the simulator from C.
 *
 * A function per command, and no state but that of fault queues: contexts and devices
 * are file descriptors, spaces are numbers. What a function returns is 0 or what it made
 * (a descriptor, a number, bytes), or an error as -errno; errno itself is left alone.
 * ioasid_strerror() turns a command's error into a sentence.
 *
 * libioasid(3) describes each function, docs/libioasid.md has examples.
 */
#ifndef LIBIOASID_H
#define LIBIOASID_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <linux/ioasid.h>
#include <linux/ioasid_fault.h>
#include <linux/ioasid_sim.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Contexts and devices: file descriptors, to be closed with close(). */
int ioasid_open(void);
int ioasid_extension(int fd, enum ioasid_extension extension);
int ioasid_device_open(const char *name);
int ioasid_bind(int dev, int fd, uint64_t cookie);
int ioasid_unbind(int dev);
int ioasid_attach(int dev, uint32_t ioasid);
int ioasid_detach(int dev, uint32_t ioasid);
int ioasid_attach_pasid(int dev, uint32_t ioasid, uint32_t pasid);
int ioasid_detach_pasid(int dev, uint32_t ioasid, uint32_t pasid);

/* Spaces: each function returns the new number. */
int ioasid_alloc(int fd, uint32_t addr_width, uint32_t flags);
int ioasid_alloc_child(int fd, uint32_t parent, uint32_t addr_width, uint32_t flags);
int ioasid_alloc_user(int fd, uint32_t parent, uint32_t format, uint32_t addr_width,
		      uint64_t table);
int ioasid_create_nesting(int fd, uint32_t parent);
int ioasid_bind_table(int fd, uint32_t ioasid, uint32_t format, uint32_t addr_width,
		      uint64_t table);
int ioasid_unbind_table(int fd, uint32_t ioasid);
int ioasid_alloc_pasid_table(int fd, uint32_t parent, uint32_t format, uint32_t pasid_bits,
			     uint64_t table, uint64_t flags);
int ioasid_bind_pasid_table(int fd, uint32_t ioasid, uint32_t format, uint32_t pasid_bits,
			    uint64_t table, uint64_t flags);
int ioasid_unbind_pasid_table(int fd, uint32_t ioasid);
int ioasid_free(int fd, uint32_t ioasid);

/* Memory. prot: IOASID_MAP_READ, IOASID_MAP_WRITE; what is unmapped is counted. */
int ioasid_register(int fd, const void *mem, size_t size);
int ioasid_unregister(int fd, const void *mem, size_t size);
int ioasid_map(int fd, uint32_t ioasid, uint64_t iova, const void *mem, uint64_t size,
	       uint32_t prot);
int ioasid_map_parent(int fd, uint32_t ioasid, uint64_t iova, uint64_t target, uint64_t size,
		      uint32_t prot);
int64_t ioasid_unmap(int fd, uint32_t ioasid, uint64_t iova, uint64_t size);
int64_t ioasid_unmap_all(int fd, uint32_t ioasid);

/*
 * Dirty tracking of spaces with IOASID_ALLOC_DIRTY_TRACKING. Bits of pages of page_size
 * are set in an array of (size / page_size + 63) / 64 words; flags: IOASID_DIRTY_*.
 */
int ioasid_set_dirty_tracking(int fd, uint32_t ioasid, bool on);
int ioasid_get_dirty_bitmap(int fd, uint32_t ioasid, uint64_t iova, uint64_t size,
			    uint64_t page_size, uint64_t *bitmap, uint32_t flags);

/*
 * Spaces that follow a process: pages are brought to the devices, for reading, or writing
 * with IOASID_PREFETCH_WRITE; or taken away, with IOASID_PREFETCH_DROP. How many bytes
 * from iova on are there, or were taken, is put into *bytes, after an error, too.
 */
int ioasid_prefetch(int fd, uint32_t ioasid, uint64_t iova, uint64_t size, uint32_t flags,
		    uint64_t *bytes);

/* User-managed tables. size 0: everything. How many requests were done is put into *nr. */
int ioasid_invalidate_range(int fd, uint32_t ioasid, uint64_t iova, uint64_t size);
int ioasid_invalidate_list(int fd, uint32_t ioasid, const struct ioasid_invalidate *requests,
			   uint32_t *nr);

/* What GET_INFO and DEVICE_GET_INFO say; arrays are inside the same allocation. */
struct ioasid_space_info {
	uint32_t kind;
	uint32_t flags;			/* IOASID_INFO_* */
	uint64_t pgsize_bitmap;
	uint32_t addr_width;
	uint32_t nr_devices;
	uint32_t nr_children;
	uint32_t nr_ranges;
	const struct ioasid_iova_range *ranges;
	uint32_t nr_missing;
	const struct ioasid_missing_device *missing;
};

struct ioasid_dev_info {
	uint32_t flags;			/* IOASID_DEV_INFO_* */
	uint32_t addr_width;
	uint64_t pgsize_bitmap;
	uint32_t group;
	uint32_t max_pasids;
	uint32_t nr_ranges;
	const struct ioasid_iova_range *ranges;
	uint32_t nr_formats;
	const struct ioasid_format_info *formats;
};

/* To be freed with free(). */
int ioasid_space_info(int fd, uint32_t ioasid, struct ioasid_space_info **info);
int ioasid_dev_info(int fd, uint64_t cookie, struct ioasid_dev_info **info);

/*
 * Mappings from first to last, ascending. ctx: 0, or the number of another context.
 *
 *	struct ioasid_mappings it;
 *	struct ioasid_mapping_info m;
 *
 *	ioasid_mappings_start(&it, fd, 0, ioasid, 0, UINT64_MAX);
 *	while ((rc = ioasid_mappings_next(&it, &m)) > 0)
 *		...
 *
 * The second returns 1, 0 behind the last mapping, or -errno.
 */
struct ioasid_mappings {
	int fd;
	uint32_t ctx;
	uint32_t ioasid;
	uint32_t nr;
	uint32_t at;
	uint32_t more;
	uint64_t next;
	uint64_t last;
	struct ioasid_mapping_info infos[64];
};

void ioasid_mappings_start(struct ioasid_mappings *it, int fd, uint32_t ctx, uint32_t ioasid,
			   uint64_t first, uint64_t last);
int ioasid_mappings_next(struct ioasid_mappings *it, struct ioasid_mapping_info *info);

/*
 * What was done to a space, oldest first, from operation number seq on (0: all there
 * is). ctx: as above
 *
 *	struct ioasid_history it;
 *	struct ioasid_history_entry entry;
 *
 *	ioasid_history_start(&it, fd, 0, ioasid, 0);
 *	while ((rc = ioasid_history_next(&it, &entry)) > 0)
 *		...	// operation number it.seq - 1; it.lost were forgotten before it
 *
 * The second returns 1, 0 behind the last operation, or -errno; called again then, it
 * goes on with what has been done meanwhile.
 */
struct ioasid_history {
	int fd;
	uint32_t ctx;
	uint32_t ioasid;
	uint32_t nr;
	uint32_t at;
	uint64_t seq;
	uint64_t lost;
	struct ioasid_history_entry entries[64];
};

void ioasid_history_start(struct ioasid_history *it, int fd, uint32_t ctx, uint32_t ioasid,
			  uint64_t seq);
int ioasid_history_next(struct ioasid_history *it, struct ioasid_history_entry *entry);

/* From where an operation was called; for CAP_PERFMON. -ENOENT: it is forgotten. */
int ioasid_history_stack(int fd, uint32_t ctx, uint32_t ioasid, uint32_t id,
			 struct ioasid_history_stack *stack);

/* map, unmap, ... or ? */
const char *ioasid_history_op_name(uint32_t op);

/* One address through all stages. ctx: as above */
struct ioasid_walk_steps {
	uint32_t reason;		/* enum ioasid_walk_reason */
	uint32_t perm;			/* IOASID_MAP_* */
	uint32_t state;			/* IOASID_WALK_STATE_* */
	uint32_t format;		/* enum ioasid_format */
	uint32_t nr;
	struct ioasid_step steps[IOASID_MAX_STEPS];
};

int ioasid_walk(int fd, uint32_t ctx, uint32_t ioasid, uint64_t iova,
		struct ioasid_walk_steps *walk);
int ioasid_walk_pasid(int fd, uint32_t ctx, uint32_t ioasid, uint32_t pasid, uint64_t iova,
		      struct ioasid_walk_steps *walk);

/*
 * Fault queues. args of open: NULL, or what IOASID_FAULT_QUEUE_ALLOC takes; zeroes stand for
 * defaults, of entries 256. The descriptor is for poll(2); it stays the queue's. One thread
 * at a time may take faults from a queue; answers may come from any.
 *
 *	const struct ioasid_fault *faults;
 *
 *	while ((n = ioasid_fault_queue_next(queue, &faults)) > 0)
 *		... faults[0] to faults[n - 1] ...
 *	ioasid_fault_queue_consume(queue);
 *
 * The first gives the records of the next group, which are the ring's own, or one record
 * that needs no answer; 0 when there are no more; -EPROTO when what is in the ring cannot
 * be right. The second gives the kernel the room of all that were given: they are gone.
 */
struct ioasid_fault_queue;

int ioasid_fault_queue_open(int fd, const struct ioasid_fault_queue_alloc *args,
			    struct ioasid_fault_queue **queue);
void ioasid_fault_queue_close(struct ioasid_fault_queue *queue);
int ioasid_fault_queue_fd(const struct ioasid_fault_queue *queue);
uint64_t ioasid_fault_queue_dropped(const struct ioasid_fault_queue *queue);
int ioasid_fault_queue_next(struct ioasid_fault_queue *queue, const struct ioasid_fault **faults);
void ioasid_fault_queue_consume(struct ioasid_fault_queue *queue);

/* Answers to a group, any record of it, or to many. How many were given is put into *nr. */
int ioasid_fault_respond(struct ioasid_fault_queue *queue, const struct ioasid_fault *fault,
			 enum ioasid_fault_code code);
int ioasid_fault_respond_list(struct ioasid_fault_queue *queue,
			      const struct ioasid_fault_response *responses, uint32_t *nr);

/*
 * Spaces whose faults go to a queue: whatever ALLOC and BIND take. argsz, the queue and
 * the flag that there is one are filled in; IOASID_ALLOC_PAGE_REQUESTS or
 * IOASID_BIND_PAGE_REQUESTS says that devices may wait for answers.
 */
int ioasid_alloc_faults(int fd, const struct ioasid_alloc *args,
			const struct ioasid_fault_queue *queue);
int ioasid_bind_faults(int fd, const struct ioasid_bind_table *args,
		       const struct ioasid_fault_queue *queue);

/* Simulator: ioasid_sim_create() fills argsz in and returns the instance's number. */
int ioasid_sim_open(void);
int ioasid_sim_create(int sim, struct ioasid_sim_create *args);
int ioasid_sim_destroy(int sim, uint32_t id);
int ioasid_sim_stats(int sim, uint32_t id, struct ioasid_sim_stats *stats);
int ioasid_sim_inject(int sim, uint32_t id, uint32_t flags, uint32_t fail_nth);

/*
 * The memory of a simulated device, IOASID_SIM_SRAM bytes, in *sram; and its DMA. How
 * many requests were carried out is returned: each has a status of its own.
 */
int ioasid_sim_sram(int dev, void **sram);
int ioasid_sim_dma(int dev, struct ioasid_sim_request *requests, uint32_t nr);
int ioasid_sim_start(int dev, uint32_t threads, const struct ioasid_sim_request *requests,
		     uint32_t nr, uint64_t seed);
int ioasid_sim_stop(int dev, struct ioasid_sim_load_result *result);

/*
 * Its submission ring (ring.c). eventfd: -1 for none. How many descriptors were taken,
 * or completions read, is returned; both ring the doorbell where it is needed.
 * ioasid_sim_wait() returns 1 when there are completions, 0 after timeout milliseconds
 * (-1: never). One thread may submit while another one reaps; the ring itself ends with
 * unbind or close, whoever maps it.
 */
struct ioasid_sim_queue {
	int dev;
	uint32_t sq_entries;
	uint32_t cq_entries;
	struct ioasid_sim_ring_head *head;
	struct ioasid_sim_descriptor *descs;
	struct ioasid_sim_completion *comps;
	size_t size;
};

int ioasid_sim_ring(int dev, uint32_t sq_entries, uint32_t cq_entries, uint32_t workers,
		    int eventfd, struct ioasid_sim_queue *queue);
void ioasid_sim_ring_unmap(struct ioasid_sim_queue *queue);
int ioasid_sim_doorbell(const struct ioasid_sim_queue *queue);
int ioasid_sim_submit(struct ioasid_sim_queue *queue, const struct ioasid_sim_descriptor *descs,
		      uint32_t nr);
int ioasid_sim_reap(struct ioasid_sim_queue *queue, struct ioasid_sim_completion *comps,
		    uint32_t nr);
int ioasid_sim_wait(const struct ioasid_sim_queue *queue, int timeout);

/*
 * A sentence for the error err (positive or negative) of a command: what about the
 * object is wrong and what to do. cmd is a number such as IOASID_MAP_DMA, or one of
 * IOASID_CMD_*; object such as "space 3", NULL for none. Returns buf.
 */
#define IOASID_CMD_OPEN		1	/* of /dev/ioasid */
#define IOASID_CMD_OPEN_DEVICE	2	/* of a file in /dev/ioasid-devices */
#define IOASID_CMD_OPEN_SIM	3	/* of /dev/ioasid-sim */

char *ioasid_strerror(unsigned int cmd, int err, const char *object, char *buf, size_t size);

/* Names, "?" for numbers that this version does not know. */
const char *ioasid_command_name(unsigned int cmd);
const char *ioasid_kind_name(uint32_t kind);
const char *ioasid_format_name(uint32_t format);
const char *ioasid_walk_reason_text(uint32_t reason);
const char *ioasid_sim_status_text(uint32_t status);

#ifdef __cplusplus
}
#endif

#endif /* LIBIOASID_H */
