/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * DMA of model.c. The reference says of each page of a request where it may go:
 * to one place, or, where an IOMMU may have cached what a table said before, to one
 * of several. All bytes of all pages differ, so what arrived says where it was.
 */
#ifndef IOASID_SELFTESTS_MODEL_DMA_H
#define IOASID_SELFTESTS_MODEL_DMA_H

#include "model_run.h"
#include "model_device.h"
#include "model_dirty.h"

#define MAX_PIECES	8
#define MAX_ENDS	(MODEL_CACHED + 1)
#define CHECK_EVERY	8	/* requests between two looks at all memory */

/* One end that a page of a request may have. */
struct end {
	uint32_t status;
	int to;			/* page of the addresses that the root has */
	int mem;
	uint32_t prot;		/* of the translation, for what caches keep */
};

/* A part of a request within one page. */
struct piece {
	uint64_t iova;
	int page;
	uint32_t len, access;
	int nr;
	struct end ends[MAX_ENDS];
};

struct dma {
	struct device *d;
	struct space *s;	/* NULL: attached nowhere */
	int pasid;		/* or NOWHERE */
	struct ioasid_sim_request req;
	int nr;
	struct piece pieces[MAX_PIECES];
	uint8_t sram[MAX_PIECES * PAGE];	/* what is expected at req.arg */
};

/*
 * Where it may go
 */
static inline void add_end(struct piece *p, uint32_t status, int to, int mem, uint32_t prot)
{
	for (int i = 0; i < p->nr; i++)
		if (p->ends[i].status == status &&
		    (status || (p->ends[i].mem == mem && p->ends[i].to == to)))
			return;
	p->ends[p->nr++] = (struct end) { status, to, mem, prot };
}

static inline void end_kernel(const struct dma *dma, struct piece *p)
{
	struct hit hit = ref_lookup(dma->s, p->page);

	if (!fits_width(instance_of(dma->d)->args.addr_width, p->page))
		add_end(p, IOASID_SIM_FAULT_ADDRESS, 0, 0, 0);
	else if (hit.reason)
		add_end(p, IOASID_SIM_FAULT_NOT_PRESENT, 0, 0, 0);
	else if (p->access & ~hit.prot)
		add_end(p, IOASID_SIM_FAULT_PERMISSION, 0, 0, 0);
	else
		add_end(p, IOASID_SIM_OK, p->page, hit.mem, hit.prot);
}

/* May the IOMMU set the bits that it has to? */
static inline bool can_mark(const struct space *parent, const uint64_t *marks)
{
	for (int i = 0; i < TAB_PAGES; i++) {
		struct hit hit;

		if (!(marks[i / 64] >> i % 64 & 1))
			continue;
		hit = ref_lookup(parent, i);
		if (hit.reason || hit.prot != RW)
			return false;
	}
	return true;
}

static inline void end_walk(const struct dma *dma, struct piece *p)
{
	const struct space *parent = parent_of(dma->s);
	struct leaf leaf = ref_walk(dma->s, p->page);
	struct hit hit;

	if (leaf.reason) {
		add_end(p, leaf.reason == IOASID_WALK_TABLE ? IOASID_SIM_FAULT_STAGE2_WALK :
			IOASID_SIM_FAULT_NOT_PRESENT, 0, 0, 0);
		return;
	}
	if (p->access & ~leaf.prot) {
		add_end(p, IOASID_SIM_FAULT_PERMISSION, 0, 0, 0);
		return;
	}
	if (!can_mark(parent, p->access & IOASID_MAP_WRITE ? leaf.write_marks : leaf.read_marks)) {
		add_end(p, IOASID_SIM_FAULT_STAGE2_WALK, 0, 0, 0);
		return;
	}
	hit = ref_lookup(parent, leaf.to);
	if (hit.reason || p->access & ~hit.prot)
		add_end(p, IOASID_SIM_FAULT_STAGE2, 0, 0, 0);
	else
		add_end(p, IOASID_SIM_OK, leaf.to, hit.mem, hit.prot & leaf.prot);
}

static inline void end_hard(const struct dma *dma, struct piece *p)
{
	uint64_t source = source_bit(dma->d, dma->pasid);

	end_walk(dma, p);
	for (int i = 0; i < dma->s->nr_cached[p->page]; i++) {
		const struct cached *c = &dma->s->cached[p->page][i];

		if (c->sources & source && !(p->access & ~c->prot))
			add_end(p, IOASID_SIM_OK, c->to, c->mem, c->prot);
	}
}

static inline void find_ends(const struct dma *dma, struct piece *p)
{
	p->nr = 0;
	if (!dma->s)
		add_end(p, dma->pasid == NOWHERE ? IOASID_SIM_BLOCKED : IOASID_SIM_FAULT_PASID, 0,
			0, 0);
	else if (is_hard(dma->d, dma->s))
		end_hard(dma, p);
	else
		end_kernel(dma, p);
}

/*
 * Requests
 */
static inline uint32_t access_of(uint32_t op)
{
	switch (op) {
	case IOASID_SIM_OP_READ:
	case IOASID_SIM_OP_COMPARE:
		return IOASID_MAP_READ;
	case IOASID_SIM_OP_WRITE:
	case IOASID_SIM_OP_FILL:
		return IOASID_MAP_WRITE;
	default:
		return RW;
	}
}

static inline void add_piece(struct dma *dma, uint64_t iova, uint32_t len, uint32_t access)
{
	struct piece *p = &dma->pieces[dma->nr++];

	p->iova = iova;
	p->page = page_at(iova);
	p->len = len;
	p->access = access;
	find_ends(dma, p);
}

static inline uint32_t rest_of_page(uint64_t iova, uint32_t len)
{
	uint32_t rest = PAGE - iova % PAGE;

	return len < rest ? len : rest;
}

static inline void cut_request(struct dma *dma)
{
	const struct ioasid_sim_request *req = &dma->req;
	uint32_t len;

	for (uint64_t off = 0; off < req->len; off += len) {
		len = rest_of_page(req->iova + off, req->len - off);
		if (req->op != IOASID_SIM_OP_COPY) {
			add_piece(dma, req->iova + off, len, access_of(req->op));
			continue;
		}
		len = rest_of_page(req->arg + off, len);
		add_piece(dma, req->iova + off, len, IOASID_MAP_READ);
		add_piece(dma, req->arg + off, len, IOASID_MAP_WRITE);
	}
}

/* A page that leads somewhere, most of the time. */
static inline int pick_dma_page(const struct dma *dma, int nr)
{
	int first = pick_page(nr), page = first;
	struct piece p = { .access = IOASID_MAP_READ };

	/* Where DMA went may be where it must not go any more. */
	if (chance(25)) {
		page = TAB_PAGES + run.hot[pick(ARRAY_SIZE(run.hot))];
		return one_piece(page, nr) ? page : first;
	}
	if (!dma->s)
		return first;
	for (; one_piece(page, nr); page++) {
		p.page = page;
		find_ends(dma, &p);
		if (p.nr > 1 || !p.ends[0].status)
			return page;
	}
	return first;
}

/* Where the DMA of a device, with the PASID or without, goes: NULL: nowhere */
static inline struct space *space_of(const struct device *d, int pasid)
{
	int space = pasid == NOWHERE ? default_space(d) : d->pasids[pasid];

	return space == NOWHERE ? NULL : &world.spaces[space];
}

/* A look at every third page is enough. */
static inline bool leads_somewhere(const struct dma *dma)
{
	struct piece p = { .page = TAB_PAGES + pick(3), .access = IOASID_MAP_READ };

	for (; dma->s && p.page < MODEL_PAGES; p.page += 3) {
		find_ends(dma, &p);
		if (p.nr > 1 || !p.ends[0].status)
			return true;
	}
	return false;
}

static inline void pick_source(struct dma *dma)
{
	for (int try = 0; try < 10; try++) {
		dma->d = pick_bound();
		dma->pasid = NOWHERE;
		if (instance_of(dma->d)->args.caps & IOASID_SIM_CAP_PASID && chance(50))
			dma->pasid = pick(MODEL_PASIDS);
		dma->s = space_of(dma->d, dma->pasid);
		if (leads_somewhere(dma) || chance(4))
			break;
	}
	if (dma->pasid != NOWHERE) {
		dma->req.flags |= IOASID_SIM_REQ_PASID;
		dma->req.pasid = pasid_numbers[dma->pasid];
	}
	if (instance_of(dma->d)->args.caps & IOASID_SIM_CAP_ATS && chance(50))
		dma->req.flags |= IOASID_SIM_REQ_ATS;
}

static inline void pick_request(struct dma *dma)
{
	static const uint32_t ops[] = {
		IOASID_SIM_OP_READ, IOASID_SIM_OP_READ, IOASID_SIM_OP_READ, IOASID_SIM_OP_WRITE,
		IOASID_SIM_OP_WRITE, IOASID_SIM_OP_WRITE, IOASID_SIM_OP_COPY, IOASID_SIM_OP_FILL,
		IOASID_SIM_OP_COMPARE, IOASID_SIM_OP_ADD, IOASID_SIM_OP_CAS
	};
	struct ioasid_sim_request *req = &dma->req;

	req->op = ops[pick(ARRAY_SIZE(ops))];
	req->iova = iova_of(pick_dma_page(dma, 5)) + 8 * pick(512);
	req->len = 8 * (1 + pick(chance(70) ? 32 : 512));
	if (chance(15))
		req->len += pick(3 * PAGE);
	req->arg = 8 * pick(512);
	switch (req->op) {
	case IOASID_SIM_OP_COPY:
		req->len = 1 + req->len % PAGE;
		req->arg = iova_of(pick_dma_page(dma, 5)) + 8 * pick(512);
		break;
	case IOASID_SIM_OP_FILL:
		/* Or pages would be alike. */
		req->len = 1 + req->len % 64;
		break;
	case IOASID_SIM_OP_ADD:
	case IOASID_SIM_OP_CAS:
		req->len = 8;
		req->arg = random_next();
		req->arg2 = random_next();
	}
}

/* With several pages each of which may lead to several there is too much to guess. */
static inline bool can_be_judged(const struct dma *dma)
{
	for (int i = 0; i < dma->nr; i++) {
		const struct piece *p = &dma->pieces[i];

		if (p->nr > 1 && dma->nr > 1)
			return false;
		if (dma->s && is_hard(dma->d, dma->s) &&
		    dma->s->nr_cached[p->page] >= MODEL_CACHED)
			return false;
	}
	return dma->nr > 0;
}

static inline uint8_t *content_of(int mem, uint64_t iova)
{
	return world.content + mem * PAGE + iova % PAGE;
}

static inline bool uses_sram(const struct ioasid_sim_request *req)
{
	return req->op == IOASID_SIM_OP_READ || req->op == IOASID_SIM_OP_WRITE ||
	       req->op == IOASID_SIM_OP_COMPARE;
}

/* Fresh bytes in the device's memory; for a comparison often what it will find. */
static inline void fill_sram(struct dma *dma)
{
	struct ioasid_sim_request *req = &dma->req;
	uint32_t at = 0;

	if (!uses_sram(req))
		return;
	for (uint32_t i = 0; i < req->len; i += 8) {
		uint64_t word = random_next();

		memcpy(dma->sram + i, &word, 8);
	}
	if (req->op == IOASID_SIM_OP_COMPARE && chance(80)) {
		for (int i = 0; i < dma->nr; at += dma->pieces[i++].len)
			memcpy(dma->sram + at, content_of(dma->pieces[i].ends[0].mem,
							  dma->pieces[i].iova),
			       dma->pieces[i].len);
		if (chance(50))
			dma->sram[pick(req->len)] ^= 1 << pick(8);
	}
	memcpy(dma->d->sram + req->arg, dma->sram, req->len);
}

/*
 * What ought to come of it, if its first page goes to this end
 */
struct result {
	uint32_t status;
	uint64_t result;
};

static inline void expect_compare(const struct piece *p, const uint8_t *mem, const uint8_t *sram,
				  uint32_t at, struct result *r, bool *done)
{
	uint32_t i = 0;

	while (i < p->len && mem[i] == sram[i])
		i++;
	r->result = at + i;
	*done = i < p->len;
}

static inline void expect_atomic(const struct ioasid_sim_request *req, uint8_t *mem,
				 struct result *r)
{
	uint64_t value;

	memcpy(&value, mem, 8);
	r->result = value;
	if (req->op == IOASID_SIM_OP_ADD)
		value += req->arg;
	else if (value == req->arg)
		value = req->arg2;
	memcpy(mem, &value, 8);
}

/* Changes world.content and dma->sram as the request ought to change the world. */
static inline struct result expect_dma(struct dma *dma, int end)
{
	const struct ioasid_sim_request *req = &dma->req;
	uint8_t bounce[PAGE], *mem;
	struct result r = {};
	bool done = false;
	uint32_t at = 0;

	for (int i = 0; i < dma->nr && !done; i++) {
		const struct piece *p = &dma->pieces[i];
		const struct end *e = &p->ends[p->nr > 1 ? end : 0];

		if (e->status)
			return (struct result) { e->status, p->iova };
		mem = content_of(e->mem, p->iova);
		switch (req->op) {
		case IOASID_SIM_OP_READ:
			memcpy(dma->sram + at, mem, p->len);
			break;
		case IOASID_SIM_OP_WRITE:
			memcpy(mem, dma->sram + at, p->len);
			break;
		case IOASID_SIM_OP_COPY:
			if (p->access == IOASID_MAP_READ)
				memcpy(bounce, mem, p->len);
			else
				memcpy(mem, bounce, p->len);
			break;
		case IOASID_SIM_OP_FILL:
			memset(mem, req->arg & 0xff, p->len);
			break;
		case IOASID_SIM_OP_COMPARE:
			expect_compare(p, mem, dma->sram + at, at, &r, &done);
			break;
		default:
			expect_atomic(req, mem, &r);
		}
		at += p->len;
	}
	return r;
}

static inline bool page_is_right(int mem)
{
	return !memcmp(world.mem + mem * PAGE, world.content + mem * PAGE, PAGE);
}

static inline bool memory_is_right(const struct dma *dma)
{
	for (int i = 0; i < dma->nr; i++)
		for (int k = 0; k < dma->pieces[i].nr; k++)
			if (!dma->pieces[i].ends[k].status &&
			    !page_is_right(dma->pieces[i].ends[k].mem))
				return false;
	return true;
}

static inline bool came_true(const struct dma *dma, const struct result *r)
{
	const struct ioasid_sim_request *req = &dma->req;

	if (req->status != r->status)
		return false;
	/* The result of the others is not said, unless they fault. */
	if (req->result != r->result &&
	    (r->status || req->op == IOASID_SIM_OP_COMPARE || req->op >= IOASID_SIM_OP_ADD))
		return false;
	if (uses_sram(req) && memcmp(dma->sram, dma->d->sram + req->arg, req->len))
		return false;
	return memory_is_right(dma);
}

/* Tries one end; takes it back when it is not what happened. */
static inline bool try_end(struct dma *dma, int end)
{
	static uint8_t saved[MAX_PIECES][PAGE], sram[sizeof(dma->sram)];
	struct result r;

	memcpy(sram, dma->sram, sizeof(sram));
	for (int i = 0; i < dma->nr; i++) {
		const struct piece *p = &dma->pieces[i];

		memcpy(saved[i], content_of(p->ends[p->nr > 1 ? end : 0].mem, 0), PAGE);
	}
	r = expect_dma(dma, end);
	if (came_true(dma, &r))
		return true;
	for (int i = dma->nr - 1; i >= 0; i--) {
		const struct piece *p = &dma->pieces[i];

		memcpy(content_of(p->ends[p->nr > 1 ? end : 0].mem, 0), saved[i], PAGE);
	}
	memcpy(dma->sram, sram, sizeof(sram));
	return false;
}

static inline void describe_ends(const struct dma *dma, char *text, size_t size)
{
	size_t len = 0;

	text[0] = 0;
	for (int i = 0; i < dma->nr && len < size; i++) {
		const struct piece *p = &dma->pieces[i];

		len += snprintf(text + len, size - len, " page %d:", p->page);
		for (int k = 0; k < p->nr && len < size; k++)
			len += snprintf(text + len, size - len, p->ends[k].status ? " status %d" :
					" memory %d", p->ends[k].status ?: p->ends[k].mem);
	}
}

/* Which memory looks like what was read; what was written may be anywhere. */
static inline int where_was(const struct dma *dma)
{
	const struct piece *p = &dma->pieces[0];

	if (dma->req.op != IOASID_SIM_OP_READ || dma->req.status)
		return NOWHERE;
	for (int mem = 0; mem < MEM_PAGES; mem++)
		if (!memcmp(content_of(mem, p->iova), dma->d->sram + dma->req.arg, p->len))
			return mem;
	return NOWHERE;
}

static inline void check_memory(void)
{
	for (int mem = 0; mem < MEM_RW + MEM_RO; mem++)
		if (!page_is_right(mem))
			diverged("memory %d is not what it ought to be", mem);
}

/* The root's page is dirty; any of several, if they lead to the same memory. */
static inline void dirty_piece(const struct piece *p, const struct end *end, struct space *root)
{
	int alike = 0;

	if (!(p->access & IOASID_MAP_WRITE))
		return;
	for (int i = 0; i < p->nr; i++)
		alike += !p->ends[i].status && p->ends[i].mem == end->mem;
	for (int i = 0; i < p->nr; i++) {
		const struct end *e = &p->ends[i];

		if (e->status || e->mem != end->mem)
			continue;
		if (alike == 1)
			root->dirty[e->to] = DIRTY;
		else if (root->dirty[e->to] == CLEAN)
			root->dirty[e->to] = MAYBE;
	}
}

static inline void judge(struct dma *dma)
{
	struct space *root = recorder(dma->s);

	int nr = dma->nr == 1 ? dma->pieces[0].nr : 1, end = 0;
	char text[400];

	while (end < nr && !try_end(dma, end))
		end++;
	if (end == nr) {
		describe_ends(dma, text, sizeof(text));
		diag("expected of the DMA:%s", text);
		check_memory();
		diverged("DMA: status %u result %#llx; what was read first is memory %d",
			 dma->req.status, (unsigned long long)dma->req.result, where_was(dma));
	}
	run.stale += end > 0;
	if (root)
		dirty_tables(dma->s, root);
	for (int i = 0; i < dma->nr; i++) {
		const struct piece *p = &dma->pieces[i];
		const struct end *e = &p->ends[p->nr > 1 ? end : 0];

		if (e->status)
			break;
		if (root)
			dirty_piece(p, e, root);
		run.moved[is_kernel(dma->s) ? 0 : is_hard(dma->d, dma->s) ? 2 : 1]++;
		run.hot[run.nr_hot++ % ARRAY_SIZE(run.hot)] = p->page - TAB_PAGES;
		if (is_hard(dma->d, dma->s))
			remember_cached(dma->s, p->page, e->to, e->mem, e->prot);
	}
}

/* Every other request: by whom it is carried out must not matter. */
static inline void by_ring(struct device *d, struct ioasid_sim_request *req)
{
	struct ioasid_sim_completion comp;

	/* Too large for the hole in the memory, where it would be mapped otherwise. */
	if (!d->ring.head)
		d->ring = ring_start(d->fd, 1024, 1024, 1 + d->index);
	comp = ring_do(&d->ring, .op = req->op, .flags = req->flags, .pasid = req->pasid,
		       .iova = req->iova, .len = req->len, .arg = req->arg, .arg2 = req->arg2);
	req->status = comp.status;
	req->result = comp.result;
	if (comp.status == IOASID_SIM_OK && req->op != IOASID_SIM_OP_COMPARE &&
	    comp.bytes != req->len)
		diverged("%llu bytes were moved, not %llu", (unsigned long long)comp.bytes,
			 (unsigned long long)req->len);
}

static inline void op_dma(void)
{
	static unsigned long count;
	static struct dma dma;
	char text[32];

	memset(&dma, 0, sizeof(dma));
	pick_source(&dma);
	if (!dma.d->bound)
		return;
	pick_request(&dma);
	cut_request(&dma);
	if (!can_be_judged(&dma))
		return;
	trace("DMA %s pasid %u op %u flags %u iova %#llx len %llu arg %#llx (space %d page %d)",
	      name_of(dma.d), dma.req.pasid, dma.req.op, dma.req.flags,
	      (unsigned long long)dma.req.iova, (unsigned long long)dma.req.len,
	      (unsigned long long)dma.req.arg, dma.s ? dma.s->id : 0, dma.pieces[0].page);
	fill_sram(&dma);
	note_tables(dma.s);
	if (count & 1)
		by_ring(dma.d, &dma.req);
	else
		sim_request(dma.d->fd, &dma.req);
	snprintf(text, sizeof(text), "status %u", dma.req.status);
	trace_more(text);
	judge(&dma);
	if (!(++count % CHECK_EVERY))
		check_memory();
}

/* Requests that the device itself does not take. */
static inline void op_dma_bad(void)
{
	struct device *d = pick_bound();
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_FILL, .iova = iova_of(pick_page(1)), .len = 8,
	};
	uint32_t caps = instance_of(d)->args.caps, flags = 1 << pick(2), status;

	if (d->fd < 0 || (flags & IOASID_SIM_REQ_PASID ? caps & IOASID_SIM_CAP_PASID :
							 caps & IOASID_SIM_CAP_ATS))
		return;
	req.flags = flags;
	trace("DMA %s flags %u", name_of(d), flags);
	if (!d->bound) {
		struct expected e = { .nr = 1, .errors = { EINVAL } };

		outcome(&e, do_sim_dma(d->fd, &req, 1));
		return;
	}
	status = sim_request(d->fd, &req);
	if (status != IOASID_SIM_BAD_REQUEST)
		diverged("status %u, expected %u", status, IOASID_SIM_BAD_REQUEST);
}

#endif /* IOASID_SELFTESTS_MODEL_DMA_H */
