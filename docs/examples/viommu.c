// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/*
 * viommu: what a virtual machine monitor does for I/O page faults of its guest, from
 * the fault to the answer, with a guest that fits into this file. docs/faults.md goes
 * through it step by step.
 *
 *	guest driver            monitor                         kernel, IOMMU, device
 *
 *	starts DMA  --------------------------------------->  a page is not there:
 *	                        fault queue  <--------------  page request
 *	IOMMU driver  <-------  virtual RID and PASID
 *	repairs its table
 *	invalidates  -------->  IOASID_INVALIDATE_CACHE  -->  forgets the old entry
 *	answers  ------------>  IOASID_FAULT_RESPOND  ----->  tries again
 *
 * Two functions of the guest do DMA, with a page table each that lies in the guest's
 * memory: 00:03.0 with PASID 5 in the addresses of a guest process (guest SVA), 00:04.0
 * without PASID. All bytes are checked; the exit status says whether all was right.
 */
#include <poll.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>
#include <libioasid.h>

#define PAGE	  4096UL
#define NO_PASID  UINT32_MAX
#define ARRAY(a)  (sizeof(a) / sizeof((a)[0]))
#define RW	  (IOASID_MAP_READ | IOASID_MAP_WRITE)
#define WAITS	  (IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define WRITES(f) ((f)->perm & IOASID_FAULT_PERM_WRITE)

static int wrong; /* what was not as it should be */

static void check(bool right, const char *what)
{
	if (right)
		return;
	printf("WRONG: %s\n", what);
	wrong++;
}

/* Values of the library: an error ends the program. */
static int must(int rc, unsigned int cmd, const char *object)
{
	char text[256];

	if (rc >= 0)
		return rc;
	fprintf(stderr, "%s\n", ioasid_strerror(cmd, rc, object, text, sizeof(text)));
	exit(1);
}

/*
 * The guest. It knows virtual functions, guest-physical addresses and its own page
 * tables (x86-64, four levels), and nothing of the monitor.
 */

#define GUEST_PAGES 512UL
#define ZERO_PAGE   0UL /* the first frame: zeroes, for everybody to read */
#define PTE_PRESENT 0x1ULL
#define PTE_WRITE   0x2ULL
#define PTE_TABLE   (PTE_PRESENT | PTE_WRITE | 0x4ULL)
#define PTE_LEAF    (PTE_PRESENT | 0x4ULL | 0x60ULL) /* user, accessed, dirty */
#define PTE_ADDRESS 0x000ffffffffff000ULL

/* What a guest process has at which addresses, whether it has memory there yet or not. */
struct area {
	const char *name;
	uint64_t start, size;
	bool file; /* read-only, its page n is full of bytes n + 1; else zeroes */
};

struct process {
	uint16_t vrid; /* function and PASID that do DMA for it */
	uint32_t vpasid;
	uint64_t root; /* of its page table, guest-physical */
	const struct area *areas;
	size_t nr_areas;
};

static const struct area areas[] = {
	{ "file", 0x7f0000001000, 16 * PAGE, true },
	{ "heap", 0x7f0000200000, 16 * PAGE, false },
};

static const struct area buffers[] = {
	{ "buffers", 0x80000000, 16 * PAGE, false },
};

static struct process processes[] = {
	{ .vrid = 3 << 3, .vpasid = 5, .areas = areas, .nr_areas = ARRAY(areas) },
	{ .vrid = 4 << 3, .vpasid = NO_PASID, .areas = buffers, .nr_areas = ARRAY(buffers) },
};

static uint8_t *guest_mem; /* GUEST_PAGES, from guest-physical 0 on */
static unsigned long guest_frames;

static void viommu_invalidate(uint16_t vrid, uint32_t vpasid, uint64_t addr, uint64_t size);

static uint64_t guest_alloc(void)
{
	if (guest_frames == GUEST_PAGES) {
		fprintf(stderr, "the guest has no memory left\n");
		exit(1);
	}
	return guest_frames++ * PAGE;
}

/* Where the entry of an address is; tables on the way to it are made. */
static uint64_t *guest_entry(uint64_t root, uint64_t addr)
{
	uint64_t *entry, table = root;

	for (int shift = 39;; shift -= 9) {
		entry = (uint64_t *)(guest_mem + table) + (addr >> shift) % 512;
		if (shift == 12)
			return entry;
		if (!(*entry & PTE_PRESENT))
			__atomic_store_n(entry, guest_alloc() | PTE_TABLE, __ATOMIC_RELEASE);
		table = *entry & PTE_ADDRESS;
	}
}

static const struct area *guest_area(const struct process *p, uint64_t addr)
{
	for (size_t i = 0; i < p->nr_areas; i++)
		if (addr - p->areas[i].start < p->areas[i].size)
			return &p->areas[i];
	return NULL;
}

/* The guest's fault handler: a page of a file, the page of zeroes, or memory to write to. */
static bool guest_fault(const struct process *p, uint64_t addr, bool write)
{
	const struct area *area = guest_area(p, addr);
	uint64_t frame = ZERO_PAGE, *entry;

	if (!area || (write && area->file))
		return false;
	if (area->file || write)
		frame = guest_alloc();
	if (area->file)
		memset(guest_mem + frame, (addr - area->start) / PAGE + 1, PAGE);
	entry = guest_entry(p->root, addr);
	/* The device may be walking: an entry changes at once. */
	__atomic_store_n(entry, frame | PTE_LEAF | (write ? PTE_WRITE : 0), __ATOMIC_RELEASE);
	printf("  guest:   page 0x%llx of %s is at guest-physical 0x%llx, %s\n",
	       (unsigned long long)addr, area->name, (unsigned long long)frame,
	       write ? "writable" : "read-only");
	return true;
}

/* The guest's IOMMU driver: a page request came from its (virtual) IOMMU. */
static enum ioasid_fault_code guest_page_request(uint16_t vrid, uint32_t vpasid, uint64_t addr,
						 bool write)
{
	for (size_t i = 0; i < ARRAY(processes); i++) {
		const struct process *p = &processes[i];

		if (p->vrid != vrid || p->vpasid != vpasid)
			continue;
		if (!guest_fault(p, addr, write))
			break;
		viommu_invalidate(vrid, vpasid, addr, PAGE);
		return IOASID_FAULT_SUCCESS;
	}
	printf("  guest:   nothing there for 0x%llx\n", (unsigned long long)addr);
	return IOASID_FAULT_INVALID;
}

/*
 * The monitor: it has given devices to the guest, whose memory is the space "gpa".
 * Cookies and spaces are its own choice; here they are where it finds what the guest
 * calls them.
 */

struct vdev {
	const char *name; /* as the guest knows it */
	uint16_t vrid;
	uint64_t cookie;
	int dev;
	uint8_t *sram; /* the device's own memory */
};

struct vspace {
	int ioasid;
	uint32_t vpasid;
};

static int fd, gpa;
static struct ioasid_fault_queue *queue;
static int stop; /* an eventfd */
static unsigned int groups;

static struct vdev vdevs[] = {
	{ .name = "00:03.0", .vrid = 3 << 3, .cookie = 0xa3 },
	{ .name = "00:04.0", .vrid = 4 << 3, .cookie = 0xa4 },
};

static struct vspace vspaces[ARRAY(vdevs)]; /* vspaces[i] is on vdevs[i] */

static const struct vdev *vdev_of(uint64_t cookie)
{
	for (size_t i = 0; i < ARRAY(vdevs); i++)
		if (vdevs[i].cookie == cookie)
			return &vdevs[i];
	return NULL;
}

static const struct vspace *vspace_of(uint32_t ioasid)
{
	for (size_t i = 0; i < ARRAY(vspaces); i++)
		if (vspaces[i].ioasid == (int)ioasid)
			return &vspaces[i];
	return NULL;
}

/*
 * The guest invalidates, in its virtual IOMMU's queue of commands. Since that says it
 * has caching mode, new entries are invalidated as well: where an IOMMU cannot walk the
 * guest's table, the kernel follows it, and this is when it looks.
 */
static void viommu_invalidate(uint16_t vrid, uint32_t vpasid, uint64_t addr, uint64_t size)
{
	for (size_t i = 0; i < ARRAY(vdevs); i++)
		if (vdevs[i].vrid == vrid && vspaces[i].vpasid == vpasid)
			must(ioasid_invalidate_range(fd, vspaces[i].ioasid, addr, size),
			     IOASID_INVALIDATE_CACHE, "the guest's space");
}

/* All pages of a group get one answer: success is for when all of them are there. */
static enum ioasid_fault_code viommu_group(const struct ioasid_fault *faults, int n)
{
	const struct vspace *vspace = vspace_of(faults[0].ioasid);
	const struct vdev *vdev = vdev_of(faults[0].cookie);
	enum ioasid_fault_code code = IOASID_FAULT_SUCCESS;

	if (!vdev || !vspace) {
		check(false, "a fault of a device or a space that the guest does not have");
		return IOASID_FAULT_INVALID;
	}
	/* The space says which PASID it is, and the record says so, too. */
	check(vspace->vpasid == (faults[0].flags & IOASID_FAULT_PASID ? faults[0].pasid : NO_PASID),
	      "the PASID of a fault");
	printf("  monitor: cookie 0x%llx, space %u is %s", faults[0].cookie, faults[0].ioasid,
	       vdev->name);
	if (vspace->vpasid != NO_PASID)
		printf(" PASID %u", vspace->vpasid);
	printf(": %d page%s to %s\n", n, n > 1 ? "s" : "", WRITES(&faults[0]) ? "write" : "read");
	for (int i = 0; i < n && code == IOASID_FAULT_SUCCESS; i++)
		code = guest_page_request(vdev->vrid, vspace->vpasid, faults[i].addr,
					  WRITES(&faults[i]));
	return code;
}

static void viommu_faults(void)
{
	const struct ioasid_fault *faults;
	enum ioasid_fault_code code;
	int n;

	while ((n = must(ioasid_fault_queue_next(queue, &faults), IOASID_FAULT_RESPOND,
			 "the fault queue")) > 0) {
		groups++;
		check(faults[0].type == IOASID_FAULT_PAGE_REQUEST, "a fault that nobody waits for");
		code = viommu_group(faults, n);
		printf("  monitor: answers %s\n", code ? "that it is invalid" : "success");
		must(ioasid_fault_respond(queue, &faults[0], code), IOASID_FAULT_RESPOND, NULL);
	}
	ioasid_fault_queue_consume(queue);
}

static void *viommu_thread(void *unused)
{
	struct pollfd fds[] = {
		{ .fd = ioasid_fault_queue_fd(queue), .events = POLLIN },
		{ .fd = stop, .events = POLLIN },
	};

	while (poll(fds, ARRAY(fds), -1) > 0 && !fds[1].revents)
		viommu_faults();
	return unused;
}

/* The host's devices, and the guest's memory where the guest believes it is. */
static void start_machine(int sim, uint32_t caps)
{
	struct ioasid_sim_create args = {
		.nr_devices = ARRAY(vdevs),
		.pasid_bits = 8,
		.caps = caps | IOASID_SIM_CAP_PASID | IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI,
	};
	int id = must(ioasid_sim_create(sim, &args), IOASID_SIM_CREATE, NULL);
	char name[32];
	void *sram;

	guest_mem = mmap(NULL, GUEST_PAGES * PAGE, PROT_READ | PROT_WRITE,
			 MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	guest_frames = 1;
	fd = must(ioasid_open(), IOASID_CMD_OPEN, NULL);
	gpa = must(ioasid_alloc(fd, 0, 0), IOASID_ALLOC, NULL);
	must(ioasid_map(fd, gpa, 0, guest_mem, GUEST_PAGES * PAGE, RW), IOASID_MAP_DMA, NULL);
	for (size_t i = 0; i < ARRAY(vdevs); i++) {
		snprintf(name, sizeof(name), "sim%d.%zu", id, i);
		vdevs[i].dev = must(ioasid_device_open(name), IOASID_CMD_OPEN_DEVICE, name);
		must(ioasid_bind(vdevs[i].dev, fd, vdevs[i].cookie), VFIO_BIND_IOASID_FD, name);
		must(ioasid_attach(vdevs[i].dev, gpa), VFIO_ATTACH_IOASID, name);
		must(ioasid_sim_sram(vdevs[i].dev, &sram), IOASID_SIM_DMA, name);
		vdevs[i].sram = sram;
	}
}

/* The guest has made a page table for a process and entered it into its virtual IOMMU. */
static void enter_table(size_t i)
{
	struct process *p = &processes[i];
	struct ioasid_alloc table = {
		.flags = IOASID_ALLOC_PAGE_REQUESTS,
		.kind = IOASID_KIND_USER,
		.parent = gpa,
		.format = IOASID_FORMAT_X86_64_4LEVEL,
		.table = { .addr_width = 48 },
	};
	int rc;

	p->root = table.table.addr = guest_alloc();
	vspaces[i] = (struct vspace){
		.ioasid = must(ioasid_alloc_faults(fd, &table, queue), IOASID_ALLOC, NULL),
		.vpasid = p->vpasid,
	};
	if (p->vpasid == NO_PASID)
		rc = ioasid_attach(vdevs[i].dev, vspaces[i].ioasid);
	else
		rc = ioasid_attach_pasid(vdevs[i].dev, vspaces[i].ioasid, p->vpasid);
	must(rc, VFIO_ATTACH_IOASID, vdevs[i].name);
}

static void stop_machine(void)
{
	check(!ioasid_fault_queue_dropped(queue), "faults were dropped");
	ioasid_fault_queue_close(queue);
	for (size_t i = 0; i < ARRAY(vdevs); i++) {
		munmap(vdevs[i].sram, IOASID_SIM_SRAM);
		close(vdevs[i].dev);
	}
	close(fd);
	munmap(guest_mem, GUEST_PAGES * PAGE);
}

/*
 * The guest again: drivers that start DMA of their device, to addresses as a process of
 * the guest uses them, and see what came of it.
 */

static uint32_t dma(size_t i, uint32_t op, const char *what, uint64_t addr, uint64_t len)
{
	struct ioasid_sim_request req = {
		.op = op,
		.iova = addr,
		.len = len,
		.flags = WAITS,
	};

	if (processes[i].vpasid != NO_PASID) {
		req.flags |= IOASID_SIM_REQ_PASID;
		req.pasid = processes[i].vpasid;
	}
	printf("%s %s: %s, 0x%llx + %llu\n", vdevs[i].name,
	       op == IOASID_SIM_OP_READ ? "reads" : "writes", what, (unsigned long long)addr,
	       (unsigned long long)len);
	fflush(stdout);
	must(ioasid_sim_dma(vdevs[i].dev, &req, 1), IOASID_SIM_DMA, vdevs[i].name);
	printf("  device:  %s\n", ioasid_sim_status_text(req.status));
	return req.status;
}

/* Where a process's page is in the guest's memory. */
static const uint8_t *guest_page(size_t i, uint64_t addr)
{
	return guest_mem + (*guest_entry(processes[i].root, addr) & PTE_ADDRESS);
}

static bool all_bytes(const uint8_t *mem, uint64_t len, uint8_t byte)
{
	for (uint64_t i = 0; i < len; i++)
		if (mem[i] != byte)
			return false;
	return true;
}

static void drivers(void)
{
	const uint64_t file = areas[0].start, heap = areas[1].start, buffer = buffers[0].start;

	check(!dma(0, IOASID_SIM_OP_READ, "three pages of a file", file, 3 * PAGE), "status");
	for (int i = 0; i < 3; i++)
		check(all_bytes(vdevs[0].sram + i * PAGE, PAGE, i + 1), "a page of the file");
	check(groups == 1, "the device asked more than once");

	check(!dma(0, IOASID_SIM_OP_READ, "memory that nobody wrote to yet", heap, PAGE), "status");
	check(all_bytes(vdevs[0].sram, PAGE, 0), "the page of zeroes");

	memset(vdevs[0].sram, 0x33, PAGE);
	check(!dma(0, IOASID_SIM_OP_WRITE, "the same, which is read-only now", heap, PAGE),
	      "status");
	check(all_bytes(guest_page(0, heap), PAGE, 0x33), "what was written");
	check(all_bytes(guest_mem + ZERO_PAGE, PAGE, 0), "the page of zeroes was written to");
	check(groups == 3, "the device asked more than once");

	memset(vdevs[1].sram, 0x44, 2 * PAGE);
	check(!dma(1, IOASID_SIM_OP_WRITE, "a buffer", buffer, 2 * PAGE), "status");
	for (uint64_t at = buffer; at < buffer + 2 * PAGE; at += PAGE)
		check(all_bytes(guest_page(1, at), PAGE, 0x44), "what was written");

	check(dma(0, IOASID_SIM_OP_WRITE, "a file that is read-only", file, PAGE) ==
		      IOASID_SIM_FAULT_PERMISSION,
	      "status");
	check(all_bytes(guest_page(0, file), PAGE, 1), "the file was written to");
	check(dma(0, IOASID_SIM_OP_READ, "what the process does not have", 0x1000, 8) ==
		      IOASID_SIM_FAULT_NOT_PRESENT,
	      "status");
}

static void run(int sim, uint32_t caps, const char *how)
{
	pthread_t thread;

	printf("\n%s\n\n", how);
	groups = 0;
	start_machine(sim, caps);
	must(ioasid_fault_queue_open(fd, NULL, &queue), IOASID_FAULT_QUEUE_ALLOC, NULL);
	for (size_t i = 0; i < ARRAY(processes); i++)
		enter_table(i);
	stop = eventfd(0, EFD_CLOEXEC);
	if (stop < 0 || pthread_create(&thread, NULL, viommu_thread, NULL)) {
		perror("viommu");
		exit(1);
	}
	drivers();
	eventfd_write(stop, 1);
	pthread_join(thread, NULL);
	close(stop);
	stop_machine();
}

int main(void)
{
	int sim = must(ioasid_sim_open(), IOASID_CMD_OPEN_SIM, NULL);

	run(sim, IOASID_SIM_CAP_NESTING, "The IOMMU walks the guest's tables:");
	run(sim, 0, "The IOMMU cannot, the kernel follows them:");
	printf("\n%s\n", wrong ? "something went wrong" : "all as it should be");
	return wrong != 0;
}
