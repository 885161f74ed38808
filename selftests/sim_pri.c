// SPDX-License-Identifier: GPL-2.0-only
/*
 * Page requests of the software IOMMU, answered by an in-kernel user of the IOMMU
 * API which does what this program says.
 */
#include <sys/wait.h>

#include "sim_fixture.h"
#include "table_build.h"
#include "table_pages.h"
#include "testiommu_util.h"

#define PRI_CAPS	(IOASID_SIM_CAP_ATS | IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_PASID | \
			 IOASID_SIM_CAP_NESTING)
#define PRI		(IOASID_SIM_REQ_ATS | IOASID_SIM_REQ_PRI)
#define pri_api(self, ...)	api(self, .caps = PRI_CAPS, .pasid_bits = 8, ##__VA_ARGS__)

/* A faultable domain that is attached, and page requests are on. */
static int faultable(struct api *api, uint32_t pasid)
{
	int domain = ti_alloc(api, TESTIOMMU_FAULTABLE, 0);

	ti_ok(api, TESTIOMMU_ATTACH, .domain = domain, .pasid = pasid);
	return domain;
}

static int start(struct api *api)
{
	ti_asking(api);
	return faultable(api, TESTIOMMU_NO_PASID);
}

static void expect_nothing_left(struct fixture_sim *self, struct api *api)
{
	struct ioasid_sim_stats stats = sim_stats(self->ctl, api->id);

	EXPECT_EQ(0, stats.page_unexpected);
	EXPECT_EQ(0, stats.page_overflows);
	EXPECT_EQ(0, stats.stale);
}

TEST_F(sim, refused, "who may not ask, does not")
{
	struct api api = api(self, .caps = IOASID_SIM_CAP_ATS);
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_READ, .iova = PAGE, .len = 8, .flags = PRI,
	};
	struct ioasid_sim_stats before;
	int plain, domain;
	bool switched;

	test_err_sim_create(EINVAL, self->ctl, .nr_devices = 1, .caps = IOASID_SIM_CAP_PRI);
	test_err_sim_create(EINVAL, self->ctl, .nr_devices = 1, .prq_entries = 64);
	test_err_sim_create(EINVAL, self->ctl, .nr_devices = 1, .prq_entries = 7,
			    .caps = IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_ATS);
	test_err_sim_create(EINVAL, self->ctl, .nr_devices = 1, .prq_entries = 4097,
			    .caps = IOASID_SIM_CAP_PRI | IOASID_SIM_CAP_ATS);
	EXPECT_EQ(IOASID_SIM_BAD_REQUEST, sim_request(api.dev, &req));
	/* A device without PRI cannot be made to. */
	EXPECT_EQ(-1, do_asking(&api, true));
	switched = errno != EOPNOTSUPP;
	EXPECT_TRUE(!switched || errno == ENODEV);
	domain = ti_alloc(&api, TESTIOMMU_FAULTABLE, 0);
	if (!switched)		/* the domain alone decides */
		EXPECT_ERRNO(ENODEV, ti_call(&api, TESTIOMMU_ATTACH, .domain = domain));
	api_end(&api);

	api = pri_api(self);
	req.flags = IOASID_SIM_REQ_PRI;
	EXPECT_EQ(IOASID_SIM_BAD_REQUEST, sim_request(api.dev, &req));
	req.flags = PRI;
	before = sim_stats(self->ctl, api.id);
	plain = ti_alloc(&api, 0, 0);
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = plain);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_request(api.dev, &req));
	ti_asking(&api);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_request(api.dev, &req));
	ti_ok(&api, TESTIOMMU_DETACH);
	faultable(&api, TESTIOMMU_NO_PASID);
	/* Nor those that do not want to, nor for what nobody can have. */
	req.flags = IOASID_SIM_REQ_ATS;
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_request(api.dev, &req));
	req.flags = PRI;
	req.iova = 1ULL << 60;
	EXPECT_EQ(IOASID_SIM_FAULT_ADDRESS, sim_request(api.dev, &req));
	EXPECT_EQ(0, sim_since(self->ctl, api.id, &before).page_requests);
	api_end(&api);
}

TEST_F(sim, feature, "page requests are switched once, where the kernel has a switch")
{
	struct api api = pri_api(self);

	if (do_asking(&api, true)) {
		EXPECT_EQ(EOPNOTSUPP, errno);
		api_end(&api);
		return;
	}
	EXPECT_ERRNO(EBUSY, do_asking(&api, true));
	EXPECT_EQ(0, do_asking(&api, false));
	EXPECT_ERRNO(EINVAL, do_asking(&api, false));
	faultable(&api, TESTIOMMU_NO_PASID);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(api.dev, 0, 8, 0, .flags = PRI));
	EXPECT_EQ(0, sim_stats(self->ctl, api.id).page_requests);
	api_end(&api);
}

/* Makes one fault present, in the way it was asked for. */
static void serve(struct api *api, uint32_t pasid, uint64_t iova, uint32_t perm, uint8_t *mem)
{
	struct testiommu_fault fault = ti_fault(api);

	EXPECT_EQ(pasid, fault.pasid);
	EXPECT_EQ(1, fault.nr);
	EXPECT_EQ(iova, fault.addr[0]);
	EXPECT_EQ(perm, fault.perm);
	ti_map(api, fault.domain, mem, iova, PAGE);
	EXPECT_EQ(0, ti_respond(api, &fault, RESP_SUCCESS));
}

TEST_F(sim, success, "a page comes when the device asks, with and without PASID")
{
	struct api api = pri_api(self);
	struct ioasid_sim_stats stats;
	struct async a;
	int with;

	start(&api);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = 5 * PAGE + 100, .len = 200,
		    .flags = PRI);
	serve(&api, TESTIOMMU_NO_PASID, 5 * PAGE, TESTIOMMU_PERM_READ, self->mem);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem + 100, 200));

	with = faultable(&api, 3);
	memset(api.sram, 0x77, PAGE);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_WRITE, .iova = 9 * PAGE, .len = PAGE,
		    .pasid = 3, .flags = PRI | IOASID_SIM_REQ_PASID | IOASID_SIM_REQ_PRIV);
	serve(&api, 3, 9 * PAGE, TESTIOMMU_PERM_WRITE | TESTIOMMU_PERM_PRIV, self->mem + PAGE);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem + PAGE, PAGE));
	/* Both are cached as anything else, and go as anything else. */
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, 5 * PAGE, 8, 0, .flags = PRI));
	ti_ok(&api, TESTIOMMU_UNMAP, .domain = with, .iova = 9 * PAGE);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = 9 * PAGE, .len = 8, .pasid = 3,
		    .flags = PRI | IOASID_SIM_REQ_PASID);
	serve(&api, 3, 9 * PAGE, TESTIOMMU_PERM_READ, self->mem + 2 * PAGE);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem + 2 * PAGE, 8));
	stats = sim_stats(self->ctl, api.id);
	EXPECT_EQ(3, stats.page_requests);
	EXPECT_EQ(3, stats.page_success);
	EXPECT_EQ(3, stats.page_retries);
	expect_nothing_left(self, &api);
	api_end(&api);
}

TEST_F(sim, permission, "a write to what is read-only asks as well")
{
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	struct async a;
	int domain = start(&api);

	ti_ok(&api, TESTIOMMU_MAP, .domain = domain, .addr = (uintptr_t)self->mem, .size = PAGE);
	EXPECT_EQ(IOASID_SIM_OK, sim_read(api.dev, 0, 8, 0, .flags = PRI));
	async_start(&a, api.dev, .op = IOASID_SIM_OP_ADD, .arg = 1, .len = 8, .flags = PRI);
	fault = ti_fault(&api);
	EXPECT_EQ(TESTIOMMU_PERM_READ | TESTIOMMU_PERM_WRITE, fault.perm);
	ti_ok(&api, TESTIOMMU_UNMAP, .domain = domain, .iova = 0);
	ti_map(&api, domain, self->mem, 0, PAGE);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(a.req.result + 1, *(uint64_t *)self->mem);
	api_end(&api);
}

TEST_F(sim, answers, "what is not a success is a fault")
{
	struct api api = pri_api(self);
	struct ioasid_sim_stats moved, before = sim_stats(self->ctl, api.id);
	struct testiommu_fault fault;
	struct async a;

	start(&api);
	for (int code = RESP_INVALID; code <= RESP_FAILURE; code++) {
		async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = PAGE + 7, .len = 8,
			    .flags = PRI);
		fault = ti_fault(&api);
		EXPECT_EQ(0, ti_respond(&api, &fault, code));
		EXPECT_ERRNO(ENOENT, ti_respond(&api, &fault, code));
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
		EXPECT_EQ(PAGE + 7, a.req.result);
	}
	/* The core speaks for handlers that fail, and where there is none. */
	ti_ok(&api, TESTIOMMU_MODE, .value = TESTIOMMU_REFUSE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(api.dev, 0, 8, 0, .flags = PRI));
	moved = sim_since(self->ctl, api.id, &before);
	EXPECT_EQ(3, moved.page_requests);
	EXPECT_EQ(1, moved.page_invalid);
	EXPECT_EQ(2, moved.page_failure);
	EXPECT_EQ(0, moved.page_retries);
	ti_ok(&api, TESTIOMMU_DETACH);
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = 0, .flags = TESTIOMMU_NO_HANDLE);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
		  sim_read(api.dev, 0, 3 * PAGE, 0, .flags = PRI));
	moved = sim_since(self->ctl, api.id, &before);
	EXPECT_EQ(3, moved.page_requests);
	EXPECT_EQ(1, moved.page_invalid);
	expect_nothing_left(self, &api);
	api_end(&api);
}

TEST_F(sim, empty_promises, "success without a page is believed so many times only")
{
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	struct async a;

	start(&api);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI);
	for (int i = 0; i < 16; i++) {
		fault = ti_fault(&api);
		EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	}
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
	EXPECT_EQ(16, sim_stats(self->ctl, api.id).page_retries);
	expect_nothing_left(self, &api);
	api_end(&api);
}

/* Maps what a group asks for to the same pages of mem; returns how many. */
static uint32_t serve_group(struct api *api, const struct testiommu_fault *fault, uint8_t *mem)
{
	for (uint32_t i = 0; i < fault->nr; i++)
		ti_map(api, fault->domain, mem + fault->addr[i], fault->addr[i], PAGE);
	EXPECT_EQ(0, ti_respond(api, fault, RESP_SUCCESS));
	return fault->nr;
}

TEST_F(sim, groups, "pages in a row are one group, up to what is present")
{
	static const uint32_t expected[][2] = { { 1, 3 }, { 5, 8 }, { 13, 2 } };
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	int domain = start(&api);
	struct async a;

	ti_map(&api, domain, self->mem, 0, PAGE);
	ti_map(&api, domain, self->mem + 4 * PAGE, 4 * PAGE, PAGE);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = 10, .len = 14 * PAGE,
		    .flags = PRI);
	for (int i = 0; i < ARRAY_SIZE(expected); i++) {
		fault = ti_fault(&api);
		EXPECT_EQ(expected[i][1], fault.nr);
		for (uint32_t p = 0; p < fault.nr; p++)
			EXPECT_EQ((expected[i][0] + p) * PAGE, fault.addr[p]);
		serve_group(&api, &fault, self->mem);
	}
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem + 10, 14 * PAGE));
	EXPECT_EQ(3, sim_stats(self->ctl, api.id).page_success);
	EXPECT_EQ(13, sim_stats(self->ctl, api.id).page_requests);
	/* Both ends of a copy ask for themselves. */
	async_start(&a, api.dev, .op = IOASID_SIM_OP_COPY, .iova = 20 * PAGE, .arg = 30 * PAGE,
		    .len = 2 * PAGE, .flags = PRI);
	fault = ti_fault(&api);
	EXPECT_EQ(20 * PAGE, fault.addr[0]);
	EXPECT_EQ(2, serve_group(&api, &fault, self->mem));
	fault = ti_fault(&api);
	EXPECT_EQ(30 * PAGE, fault.addr[0]);
	EXPECT_EQ(TESTIOMMU_PERM_WRITE, fault.perm);
	EXPECT_EQ(2, serve_group(&api, &fault, self->mem));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(self->mem + 20 * PAGE, self->mem + 30 * PAGE, 2 * PAGE));
	expect_nothing_left(self, &api);
	api_end(&api);
}

TEST_F(sim, taken_away, "a domain that goes takes the waits for its pages along")
{
	struct api api = pri_api(self);
	struct ioasid_sim_stats before;
	struct testiommu_fault fault;
	struct async a, b;
	int other;

	start(&api);
	faultable(&api, 7);
	other = ti_alloc(&api, TESTIOMMU_FAULTABLE, 0);
	ti_map(&api, other, self->mem, 0, PAGE);
	async_start(&b, api.dev, .op = IOASID_SIM_OP_READ, .iova = PAGE, .len = 8, .pasid = 7,
		    .flags = PRI | IOASID_SIM_REQ_PASID);
	fault = ti_fault(&api);
	EXPECT_EQ(7, fault.pasid);
	for (int detach = 0; detach < 2; detach++) {
		struct testiommu_fault mine;

		async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = PAGE, .len = 8,
			    .flags = PRI);
		mine = ti_fault(&api);
		EXPECT_NE(fault.group, mine.group);
		before = sim_stats(self->ctl, api.id);
		if (detach)
			ti_ok(&api, TESTIOMMU_DETACH);
		else
			ti_ok(&api, TESTIOMMU_REPLACE, .domain = other);
		EXPECT_EQ(IOASID_SIM_ABORTED, async_end(&a));
		EXPECT_EQ(PAGE, a.req.result);
		EXPECT_ERRNO(ENOENT, ti_respond(&api, &mine, RESP_SUCCESS));
		/* The handler's owner answered after that, to nobody. */
		EXPECT_EQ(1, sim_since(self->ctl, api.id, &before).page_unexpected);
		EXPECT_EQ(detach ? IOASID_SIM_BLOCKED : IOASID_SIM_OK,
			  sim_read(api.dev, 0, 8, 0, .flags = PRI));
	}
	/* All of this was nothing to the PASID. */
	ti_map(&api, fault.domain, self->mem + PAGE, PAGE, PAGE);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&b));
	EXPECT_EQ(0, memcmp(api.sram, self->mem + PAGE, 8));
	/* It goes in the same way. */
	async_start(&b, api.dev, .op = IOASID_SIM_OP_READ, .iova = 2 * PAGE, .len = 8, .pasid = 7,
		    .flags = PRI | IOASID_SIM_REQ_PASID);
	ti_fault(&api);
	ti_ok(&api, TESTIOMMU_DETACH, .pasid = 7);
	EXPECT_EQ(IOASID_SIM_ABORTED, async_end(&b));
	EXPECT_EQ(IOASID_SIM_FAULT_PASID, sim_read(api.dev, 0, 8, 0, .pasid = 7,
						   .flags = PRI | IOASID_SIM_REQ_PASID));
	api_end(&api);
}

TEST_F(sim, commands, "commands on the device do not wait for pages")
{
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	struct async a;

	start(&api);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI);
	fault = ti_fault(&api);
	EXPECT_ERRNO(ENOENT, do_attach_cmd(api.dev, VFIO_DETACH_IOASID, 77));
	EXPECT_EQ(IOASID_SIM_ABORTED, async_end(&a));
	/* The answer is too late, and the next request is not concerned. */
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
	EXPECT_EQ(1, sim_stats(self->ctl, api.id).page_unexpected);
	fault = ti_fault(&api);
	serve_group(&api, &fault, self->mem);
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem, 8));
	api_end(&api);
}

TEST_F(sim, killed, "whoever waits for a page can be killed")
{
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	int status;
	pid_t pid;

	start(&api);
	pid = fork();
	if (!pid) {
		sim_read(api.dev, 0, 8, 0, .flags = PRI);
		_exit(0);
	}
	fault = ti_fault(&api);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	EXPECT_TRUE(WIFSIGNALED(status));
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	EXPECT_EQ(1, sim_stats(self->ctl, api.id).page_unexpected);
	api_end(&api);
}

TEST_F(sim, lost, "answers that get lost hold up neither STOP nor unbind nor destroy",
       .timeout = 60)
{
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI,
	};
	struct ioasid_sim_load_result result;

	for (int end = 0; end < 3; end++) {
		struct api api = pri_api(self);
		struct ioasid_sim_stats zero = {};
		struct async a;
		int domain;

		ti_asking(&api);
		domain = ti_alloc(&api, TESTIOMMU_FAULTABLE, 0);
		/* Without a handle the core itself says that it is invalid. */
		ti_ok(&api, TESTIOMMU_ATTACH, .domain = domain, .flags = TESTIOMMU_NO_HANDLE);
		ASSERT_TRUE(!do_sim_inject(self->ctl, api.id, IOASID_SIM_INJECT_LOSE_RESPONSE, 0));
		ASSERT_TRUE(!do_sim_start(api.dev, 3, &req, 1, 0));
		async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .len = 8, .flags = PRI);
		sim_wait_stat(self->ctl, api.id, &zero, page_invalid, 4);
		/* All four wait, and nobody asks a second time. */
		EXPECT_EQ(4, sim_stats(self->ctl, api.id).page_requests);
		if (end == 0) {
			ASSERT_TRUE(!do_sim_stop(api.dev, &result));
			EXPECT_EQ(3, result.done);
			EXPECT_EQ(3, result.status[IOASID_SIM_ABORTED]);
		}
		if (end < 2)
			ASSERT_TRUE(!do_unbind(api.dev));
		else
			ASSERT_TRUE(!do_sim_destroy(self->ctl, api.id));
		EXPECT_EQ(IOASID_SIM_ABORTED, async_end(&a));
		api_end(&api);
	}
}

TEST_F(sim, repeated, "answers that come again, and late, are nobody's")
{
	struct api api = pri_api(self);
	struct testiommu_fault fault;
	struct async a;

	start(&api);
	ASSERT_TRUE(!do_sim_inject(self->ctl, api.id, IOASID_SIM_INJECT_REPEAT_RESPONSE, 0));
	for (int i = 0; i < 4; i++) {
		async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = i * PAGE, .len = PAGE,
			    .flags = PRI);
		fault = ti_fault(&api);
		if (i % 2) {
			EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
			EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, async_end(&a));
			continue;
		}
		serve_group(&api, &fault, self->mem);
		EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
		EXPECT_EQ(0, memcmp(api.sram, self->mem + i * PAGE, PAGE));
	}
	EXPECT_EQ(3, sim_stats(self->ctl, api.id).page_unexpected);
	api_end(&api);
}

TEST_F(sim, overflow, "what finds no room is answered by the IOMMU, nothing is left over",
       .timeout = 60)
{
	struct api api = pri_api(self, .prq_entries = 8);
	struct ioasid_sim_request req = {
		.op = IOASID_SIM_OP_READ, .iova = 64 * PAGE, .len = 3 * PAGE, .flags = PRI,
	};
	struct ioasid_sim_stats before = sim_stats(self->ctl, api.id), moved;
	struct ioasid_sim_load_result result;
	struct testiommu_fault fault;
	struct async a;

	start(&api);
	/* The one who empties the queue is held up, so that it fills. */
	ti_ok(&api, TESTIOMMU_MODE, .value = TESTIOMMU_HOLD);
	ASSERT_TRUE(!do_sim_start(api.dev, 8, &req, 1, 0));
	sim_wait_stat(self->ctl, api.id, &before, page_overflows, 10);
	ASSERT_TRUE(!do_sim_stop(api.dev, &result));
	ti_ok(&api, TESTIOMMU_MODE, .value = TESTIOMMU_REFUSE);
	EXPECT_EQ(result.done, result.status[IOASID_SIM_FAULT_NOT_PRESENT] +
			       result.status[IOASID_SIM_ABORTED]);
	/* The IOMMU goes on to refuse until the queue has been emptied. */
	before = sim_stats(self->ctl, api.id);
	do {
		EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT, sim_read(api.dev, 0, 8, 0, .flags = PRI));
		moved = sim_since(self->ctl, api.id, &before);
	} while (moved.page_overflows);
	/* It works again, and groups are whole. */
	ti_ok(&api, TESTIOMMU_MODE, .value = TESTIOMMU_PASS);
	do {
		async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .len = 5 * PAGE, .flags = PRI);
		do
			fault = ti_fault(&api);
		while (fault.addr[0] && !ti_respond(&api, &fault, RESP_INVALID));
		EXPECT_EQ(5, fault.nr);
		serve_group(&api, &fault, self->mem);
	} while (async_end(&a) != IOASID_SIM_OK);
	EXPECT_EQ(0, memcmp(api.sram, self->mem, 5 * PAGE));
	/* What is left of a group would be found by the next one of its number. */
	req.len = 8;
	ASSERT_TRUE(!do_sim_start(api.dev, 1, &req, 1, 0));
	for (int i = 0; i < 520; i++) {
		fault = ti_fault(&api);
		ASSERT_EQ(1, fault.nr);
		EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
	}
	ASSERT_TRUE(!do_sim_stop(api.dev, &result));
	/* And in any case when the fault is injected. */
	ASSERT_TRUE(!do_sim_inject(self->ctl, api.id, IOASID_SIM_INJECT_PRQ_OVERFLOW, 0));
	before = sim_stats(self->ctl, api.id);
	EXPECT_EQ(IOASID_SIM_FAULT_NOT_PRESENT,
		  sim_read(api.dev, 32 * PAGE, 8, 0, .flags = PRI));
	moved = sim_since(self->ctl, api.id, &before);
	EXPECT_EQ(1, moved.page_overflows);
	EXPECT_EQ(1, moved.page_requests);
	EXPECT_EQ(0, moved.page_invalid);
	api_end(&api);
}

/* Nested domains */

#define DATA_GPA	0x40000000ULL

TEST_F(sim, nested, "faults of the first stage are asked for, those of the second are not")
{
	struct api api = pri_api(self);
	struct table_pages tables;
	struct table_builder *b = &tables.builder;
	struct testiommu_fault fault;
	struct ioasid_table table;
	int parent, child;
	struct async a;

	table_pages_start(&tables);
	table = table_of(b);
	parent = ti_alloc(&api, 0, IOMMU_HWPT_ALLOC_NEST_PARENT);
	ti_map(&api, parent, tables.mem, TABLE_GPA, TABLE_PAGES * PAGE);
	ti_map(&api, parent, self->mem, DATA_GPA, 4 * PAGE);
	child = ti_call(&api, TESTIOMMU_ALLOC, .domain = parent, .size = sizeof(table),
			.flags = TESTIOMMU_NESTED | TESTIOMMU_FAULTABLE,
			.type = NESTED_TYPE + b->format, .addr = (uintptr_t)&table);
	ASSERT_LE(0, child);
	ti_asking(&api);
	ti_ok(&api, TESTIOMMU_ATTACH, .domain = child);
	async_start(&a, api.dev, .op = IOASID_SIM_OP_READ, .iova = GIOVA, .len = 2 * PAGE,
		    .flags = PRI);
	fault = ti_fault(&api);
	EXPECT_EQ(2, fault.nr);
	EXPECT_EQ(GIOVA, fault.addr[0]);
	EXPECT_EQ(child, fault.domain);
	ASSERT_EQ(0, table_map(b, GIOVA, DATA_GPA, 2 * PAGE, TABLE_R));
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_SUCCESS));
	EXPECT_EQ(IOASID_SIM_OK, async_end(&a));
	EXPECT_EQ(0, memcmp(api.sram, self->mem, 2 * PAGE));
	/* Permission is the first stage's as well; what is behind it is not. */
	async_start(&a, api.dev, .op = IOASID_SIM_OP_WRITE, .iova = GIOVA, .len = 8, .flags = PRI);
	fault = ti_fault(&api);
	EXPECT_EQ(TESTIOMMU_PERM_WRITE, fault.perm);
	EXPECT_EQ(0, ti_respond(&api, &fault, RESP_INVALID));
	EXPECT_EQ(IOASID_SIM_FAULT_PERMISSION, async_end(&a));
	ASSERT_EQ(0, table_map(b, GIOVA + 8 * PAGE, DATA_GPA + 8 * PAGE, PAGE, TABLE_R));
	EXPECT_EQ(IOASID_SIM_FAULT_STAGE2,
		  sim_read(api.dev, GIOVA + 8 * PAGE, 8, 0, .flags = PRI));
	EXPECT_EQ(3, sim_stats(self->ctl, api.id).page_requests);
	api_end(&api);
}

/* Load */

struct pager {
	struct api *api;
	uint8_t *mem;
	unsigned int served;
	int domain;
};

/* Maps what is asked for, and takes away what another page was, round and round. */
static void *pager_thread(void *data)
{
	struct pager *p = data;
	struct testiommu_fault fault;
	uint64_t have[4] = { ~0ULL, ~0ULL, ~0ULL, ~0ULL };
	int rc;

	for (;;) {
		if (ioctl(p->api->fd, TESTIOMMU_FAULT, &fault))
			return NULL;
		for (uint32_t i = 0; i < fault.nr; i++) {
			uint64_t *slot = &have[p->served++ % 4];

			if (*slot != ~0ULL)
				ti_call(p->api, TESTIOMMU_UNMAP, .domain = p->domain,
					.iova = *slot);
			*slot = fault.addr[i];
			/* Two may have asked for the same. */
			rc = ti_call(p->api, TESTIOMMU_MAP, .domain = p->domain,
				     .addr = (uintptr_t)(p->mem + fault.addr[i]),
				     .iova = fault.addr[i], .size = PAGE,
				     .flags = TESTIOMMU_WRITE);
			if (rc)
				*slot = ~0ULL;
		}
		ti_respond(p->api, &fault, RESP_SUCCESS);
	}
}

TEST_F(sim, paging, "devices under load share four pages of a larger memory", .timeout = 90)
{
	struct api api = pri_api(self, .iotlb_sets = 4);
	struct pager pager = { .api = &api, .mem = self->mem };
	struct ioasid_sim_request reqs[16];
	struct ioasid_sim_load_result result;
	struct ioasid_sim_stats stats, zero = {};
	uint64_t sum = 0;
	pthread_t thread;

	pager.domain = start(&api);
	memset(self->mem, 0, SIM_PAGES * PAGE);
	for (int i = 0; i < ARRAY_SIZE(reqs); i++)
		reqs[i] = (struct ioasid_sim_request) {
			.op = IOASID_SIM_OP_ADD, .iova = i * PAGE + i * 8, .len = 8, .arg = 1,
			.flags = PRI,
		};
	ASSERT_TRUE(!pthread_create(&thread, NULL, pager_thread, &pager));
	ASSERT_TRUE(!do_sim_start(api.dev, 3, reqs, ARRAY_SIZE(reqs), 5));
	sim_wait_stat(self->ctl, api.id, &zero, page_retries, 200);
	ASSERT_TRUE(!do_sim_stop(api.dev, &result));
	/* No addition is lost, and none comes twice or elsewhere. */
	for (size_t i = 0; i < SIM_PAGES * PAGE / 8; i++) {
		uint64_t n = ((uint64_t *)self->mem)[i];

		if (n)
			EXPECT_EQ(i * 8 % PAGE, i * 8 / PAGE * 8);
		sum += n;
	}
	EXPECT_EQ(result.status[IOASID_SIM_OK], sum);
	/* Pages may be taken away again before those who asked use them. */
	EXPECT_EQ(result.done, sum + result.status[IOASID_SIM_ABORTED] +
			       result.status[IOASID_SIM_FAULT_NOT_PRESENT]);
	stats = sim_stats(self->ctl, api.id);
	EXPECT_EQ(0, stats.stale);
	EXPECT_EQ(0, stats.page_overflows);
	ti_ok(&api, TESTIOMMU_MODE, .value = TESTIOMMU_END);
	pthread_join(thread, NULL);
	api_end(&api);
}

HARNESS_MAIN
