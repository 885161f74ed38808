/* SPDX-License-Identifier: GPL-2.0-only */
/* What pci.c and pci_fd.c share: a context, and edu devices that are open. */
#ifndef IOASID_SELFTESTS_PCI_FIXTURE_H
#define IOASID_SELFTESTS_PCI_FIXTURE_H

#include "harness.h"
#include "ioasid_util.h"

#define COOKIE		0xc0ffee00ULL
#define TEST_PAGES	16UL

FIXTURE(pci) {
	int fd;
	int kmsg;
	struct edu_device dev[2];	/* each alone in its group; not bound yet */
	uint8_t *mem;			/* TEST_PAGES, with pattern 1 */
};

FIXTURE_SETUP(pci)
{
	self->dev[0].fd = self->dev[1].fd = -1;
	self->fd = test_open();
	self->kmsg = kmsg_open();
	ASSERT_TRUE(self->kmsg >= 0);
	for (int i = 0; i < 2; i++) {
		edu_device_open(&self->dev[i], i);
		if (pci_group_size(self->dev[i].name) != 1)
			SKIP("%s shares its IOMMU group", self->dev[i].name);
	}
	self->mem = memory(TEST_PAGES * PAGE);
	fill(self->mem, TEST_PAGES * PAGE, 1);
}

FIXTURE_TEARDOWN(pci)
{
	for (int i = 0; i < 2; i++)
		edu_device_close(&self->dev[i]);
}

/* Binds device i and lets it do what it is told. */
static inline void bind_start(struct fixture_pci *self, int i)
{
	test_bind(self->dev[i].fd, self->fd, COOKIE + i);
	edu_device_start(&self->dev[i]);
}

/*
 * The page at from reaches the page at to through the device, and shows that
 * both directions work: from holds the pattern of seed, whose page at is.
 */
static inline bool dma_copies(struct edu_device *dev, uint64_t from, uint64_t to, void *to_mem,
			      const void *from_mem)
{
	uint8_t before[PAGE];

	memcpy(before, from_mem, PAGE);
	memset(to_mem, 0, PAGE);
	if (edu_to_device(&dev->edu, from, 0, PAGE) || edu_from_device(&dev->edu, to, 0, PAGE))
		return false;
	return !memcmp(to_mem, before, PAGE) && !memcmp(from_mem, before, PAGE);
}

/*
 * The device writes to iova and nothing changes in size bytes of memory. They are
 * inverted meanwhile, as the device may hold what is there.
 */
static inline bool dma_write_is_lost(struct edu_device *dev, uint64_t iova, uint8_t *mem,
				     size_t size)
{
	uint8_t *before = malloc(size);
	bool same;

	for (size_t i = 0; i < size; i++)
		mem[i] = ~mem[i];
	memcpy(before, mem, size);
	same = !edu_from_device(&dev->edu, iova, 0, PAGE) && !memcmp(before, mem, size);
	for (size_t i = 0; i < size; i++)
		mem[i] = ~mem[i];
	free(before);
	return same;
}

static inline bool fault_is_logged(struct fixture_pci *self, struct edu_device *dev,
				   uint64_t iova, unsigned int cmd)
{
	return dma_fault_is_logged(self->kmsg, &dev->edu, dev->name, iova, cmd);
}

#endif /* IOASID_SELFTESTS_PCI_FIXTURE_H */
