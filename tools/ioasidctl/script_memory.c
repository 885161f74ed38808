// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
/* Commands of scripts: memory, and the DMA of simulated devices. */
#include <endian.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#include "script.h"
#include "simargs.h"

static uint64_t number(const struct call *call, int i)
{
	return call->args[i].number;
}

__attribute__((format(printf, 3, 4)))
static int refuse(struct script *script, int err, const char *format, ...)
{
	va_list args;

	va_start(args, format);
	vsnprintf(script->message, sizeof(script->message), format, args);
	va_end(args);
	return err;
}

COMMAND_FUNCTION(memory)
{
	uint64_t size = number(call, 0);
	int flags = MAP_PRIVATE | MAP_ANONYMOUS | MAP_POPULATE;
	void *mem;

	if (call->options[0].given)
		flags |= MAP_FIXED_NOREPLACE;
	if (call->options[1].given)
		flags |= MAP_HUGETLB;
	mem = mmap((void *)(uintptr_t)call->options[0].number, size, PROT_READ | PROT_WRITE,
		   flags, -1, 0);
	if (mem == MAP_FAILED)
		return refuse(script, -errno, "no such memory: %s%s", strerror(errno),
			      call->options[1].given ?
			      " (huge pages: see /proc/sys/vm/nr_hugepages)" : "");
	*result = (struct value){ .type = TYPE_MEMORY, .mem = mem, .size = size };
	return 0;
}

/* The range of a memory or a device that arguments from first on name. */
static int range(struct script *script, const struct call *call, int first, uint8_t **start,
		 uint64_t *size)
{
	struct value *value = &call->args[0].var->value;
	uint64_t offset = call->nr_args > first ? number(call, first) : 0;
	int rc;

	if (value->type == TYPE_DEVICE && !value->mem) {
		rc = ioasid_sim_sram(value->fd, (void **)&value->mem);
		if (rc)
			return refuse(script, rc, "%s has no memory: it must be a simulated device, and bound",
				      value->name);
		value->size = IOASID_SIM_SRAM;
	}
	if (offset > value->size)
		return refuse(script, -ERANGE, "offset 0x%llx is behind the end of $%s",
			      (unsigned long long)offset, call->args[0].var->name);
	*size = call->nr_args > first + 1 ? number(call, first + 1) : value->size - offset;
	if (*size > value->size - offset)
		return refuse(script, -ERANGE, "the range ends behind the end of $%s",
			      call->args[0].var->name);
	*start = value->mem + offset;
	return 0;
}

/* Bytes that differ from page to page and from seed to seed. */
static uint8_t pattern(uint64_t at, uint64_t seed)
{
	return at * 7 + at / 4096 * 131 + seed * 29 + 1;
}

COMMAND_FUNCTION(fill)
{
	uint64_t size;
	uint8_t *at;
	int rc = range(script, call, 2, &at, &size);

	(void)result;
	for (uint64_t i = 0; !rc && i < size; i++)
		at[i] = pattern(i, number(call, 1));
	return rc;
}

COMMAND_FUNCTION(check)
{
	uint64_t size;
	uint8_t *at;
	int rc = range(script, call, 2, &at, &size);

	(void)result;
	for (uint64_t i = 0; !rc && i < size; i++)
		if (at[i] != pattern(i, number(call, 1)))
			return refuse(script, -EBADMSG,
				      "byte 0x%llx of the range is 0x%02x, the pattern has 0x%02x",
				      (unsigned long long)i, at[i], pattern(i, number(call, 1)));
	return rc;
}

COMMAND_FUNCTION(clear)
{
	uint64_t size;
	uint8_t *at;
	int rc = range(script, call, 1, &at, &size);

	(void)result;
	if (!rc)
		memset(at, 0, size);
	return rc;
}

/* The 64-bit word at an offset */
static int word(struct script *script, const struct call *call, uint64_t **at)
{
	uint64_t size;
	uint8_t *start;
	int rc = range(script, call, 1, &start, &size);

	if (!rc && number(call, 1) + 8 > call->args[0].var->value.size)
		rc = refuse(script, -ERANGE, "the word ends behind the end of $%s",
			    call->args[0].var->name);
	if (!rc && number(call, 1) % 8)
		rc = refuse(script, -EINVAL, "the offset is not a multiple of 8");
	*at = (uint64_t *)start;
	return rc;
}

COMMAND_FUNCTION(poke)
{
	struct call place = *call;
	uint64_t *at;
	int rc;

	(void)result;
	place.nr_args = 2;
	rc = word(script, &place, &at);
	if (!rc)
		__atomic_store_n(at, htole64(number(call, 2)), __ATOMIC_RELAXED);
	return rc;
}

COMMAND_FUNCTION(peek)
{
	uint64_t *at;
	int rc = word(script, call, &at);

	if (rc)
		return rc;
	result->type = TYPE_NUMBER;
	result->number = le64toh(__atomic_load_n(at, __ATOMIC_RELAXED));
	return 0;
}

/* Second and third number of a request, by its operation. */
static void set_operands(struct ioasid_sim_request *req, const struct call *call)
{
	req->iova = number(call, 2);
	switch (req->op) {
	case IOASID_SIM_OP_ADD:
	case IOASID_SIM_OP_CAS:
		req->len = 8;
		req->arg = number(call, 3);
		req->arg2 = number(call, 4);
		break;
	default:
		req->len = number(call, 3);
		req->arg = number(call, 4);
	}
}

COMMAND_FUNCTION(dma)
{
	static const uint32_t flags[MAX_OPTIONS] = {
		IOASID_SIM_REQ_PASID, IOASID_SIM_REQ_ATS, IOASID_SIM_REQ_PRIV, IOASID_SIM_REQ_EXEC,
	};
	struct ioasid_sim_request req = {
		.op = find_operation(call->args[1].text), .pasid = call->options[0].number,
	};
	struct value *dev = &call->args[0].var->value;
	int rc;

	set_operands(&req, call);
	for (int i = 0; i < MAX_OPTIONS; i++)
		req.flags |= call->options[i].given ? flags[i] : 0;
	script->ioctl = IOASID_SIM_DMA;
	snprintf(script->object, sizeof(script->object), "%s", dev->name);
	rc = ioasid_sim_dma(dev->fd, &req, 1);
	if (rc < 0)
		return rc;
	if (req.status)
		return refuse(script, SCRIPT_STATUS + req.status,
			      "DMA of %s at 0x%llx ended at 0x%llx: %s", dev->name,
			      (unsigned long long)req.iova, (unsigned long long)req.result,
			      ioasid_sim_status_text(req.status));
	result->type = TYPE_NUMBER;
	result->number = req.result;
	return 0;
}

/* Instances of a script end with it. */
COMMAND_FUNCTION(sim)
{
	struct ioasid_sim_create args = { .nr_devices = 1 };
	char *words[MAX_WORDS];
	int fd, id;

	for (int i = 0; i < call->nr_args; i++)
		words[i] = call->args[i].text;
	if (!simargs__parse(&args, call->nr_args, words, "", script->message,
			    sizeof(script->message)))
		return -EINVAL;
	script->ioctl = IOASID_CMD_OPEN_SIM;
	fd = ioasid_sim_open();
	if (fd < 0)
		return fd;
	script->ioctl = IOASID_SIM_CREATE;
	id = ioasid_sim_create(fd, &args);
	if (id < 0) {
		close(fd);
		return id;
	}
	*result = (struct value){ .type = TYPE_SIM, .fd = fd, .ctx_fd = -1, .number = id };
	return 0;
}

COMMAND_FUNCTION(inject)
{
	struct value *sim = &call->args[0].var->value;

	(void)result;
	script->ioctl = IOASID_SIM_INJECT;
	return ioasid_sim_inject(sim->fd, sim->number, number(call, 1), 0);
}

COMMAND_FUNCTION(sleep)
{
	(void)script;
	(void)result;
	fflush(stdout);
	sleep(number(call, 0));
	return 0;
}
