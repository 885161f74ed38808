/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * A small TAP harness with the habits of kselftest.
 *
 *	#include "harness.h"
 *
 *	TEST(adds, "one and one make two")
 *	{
 *		ASSERT_EQ(2, 1 + 1);
 *	}
 *
 *	FIXTURE(file) { int fd; };
 *	FIXTURE_SETUP(file) { self->fd = open("/dev/null", O_RDWR); }
 *	FIXTURE_TEARDOWN(file) { close(self->fd); }
 *
 *	TEST_F(file, opens, "the null device opens", .timeout = 5)
 *	{
 *		ASSERT_LE(0, self->fd);
 *	}
 *
 *	HARNESS_MAIN
 *
 * Each test runs in a child of its own, alone in a process group that is killed
 * when the test ends or its time (30 s unless .timeout says otherwise, times
 * IOASID_TEST_SLOW from the environment) is over.
 *
 * ASSERT_* ends the test, EXPECT_* lets it go on. Both may be used in threads
 * and in children of the test: a failure there fails the test too, ASSERT_*
 * ends that thread or child. A teardown runs after failures as well.
 *
 * SKIP("why") and XFAIL("why") end the test. Diagnostics are printf-like:
 * diag("%d pages", n).
 *
 * The program: no arguments run everything; NAME... run these (the identifier
 * or a part of the title); -l lists; -h helps. It exits with 0 when nothing
 * failed, 1 when something did, 4 when all were skipped.
 */
#ifndef IOASID_SELFTESTS_HARNESS_H
#define IOASID_SELFTESTS_HARNESS_H

#ifndef _GNU_SOURCE
#define _GNU_SOURCE
#endif

#include <errno.h>
#include <poll.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <sys/types.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define KSFT_PASS	0
#define KSFT_FAIL	1
#define KSFT_XFAIL	2
#define KSFT_SKIP	4

#define HARNESS_TIMEOUT	30	/* seconds */

struct harness_opts {
	unsigned int timeout;
};

struct harness_test {
	const char *id;
	const char *title;
	size_t self_size;
	void (*setup)(void *self);
	void (*run)(void *self);
	void (*teardown)(void *self);
	struct harness_opts opts;
	struct harness_test *next;
};

/* Shared by a test, its threads and its children. */
struct harness_shared {
	int failed;
	int verdict;		/* KSFT_SKIP, KSFT_XFAIL or 0 */
	char reason[256];
};

static struct harness_test *harness_first, **harness_last = &harness_first;
static struct harness_shared *harness_shared;
static pid_t harness_pid, harness_tid;	/* of the running test */
static jmp_buf harness_end;

static inline void harness_register(struct harness_test *test)
{
	*harness_last = test;
	harness_last = &test->next;
}

/* One write per line, so that lines of several processes do not mix. */
static inline __attribute__((format(printf, 1, 2))) void diag(const char *fmt, ...)
{
	char line[1024] = "# ";
	va_list args;
	int len;

	va_start(args, fmt);
	len = vsnprintf(line + 2, sizeof(line) - 3, fmt, args);
	va_end(args);
	if (len > (int)sizeof(line) - 4)
		len = sizeof(line) - 4;
	line[2 + len] = '\n';
	if (write(STDOUT_FILENO, line, len + 3) < 0)
		return;
}

/* Ends the test; from a thread or a child only that. */
static inline __attribute__((noreturn)) void harness_abort(void)
{
	if (getpid() != harness_pid)
		_exit(KSFT_FAIL);
	if (gettid() != harness_tid)
		syscall(SYS_exit, 0);
	longjmp(harness_end, 1);
}

static inline __attribute__((noreturn, format(printf, 2, 3)))
void harness_verdict(int verdict, const char *fmt, ...)
{
	va_list args;

	va_start(args, fmt);
	vsnprintf(harness_shared->reason, sizeof(harness_shared->reason), fmt, args);
	va_end(args);
	harness_shared->verdict = verdict;
	harness_abort();
}

static inline void harness_fail(bool fatal)
{
	__atomic_store_n(&harness_shared->failed, 1, __ATOMIC_RELAXED);
	if (fatal)
		harness_abort();
}

#define SKIP(...)	harness_verdict(KSFT_SKIP, __VA_ARGS__)
#define XFAIL(...)	harness_verdict(KSFT_XFAIL, __VA_ARGS__)

#define FAIL(...) do {								\
	diag("%s:%d: %s(): %s", __FILE__, __LINE__, __func__, "failed:");	\
	diag("  " __VA_ARGS__);							\
	harness_fail(true);							\
} while (0)

/* Values are compared in their own types and shown as numbers. */
#define HARNESS_CMP(_expected, _op, _seen, _fatal) do {				\
	__typeof__((_expected) + 0) __exp = (_expected);			\
	__typeof__((_seen) + 0) __seen = (_seen);				\
										\
	if (!(__exp _op __seen)) {						\
		long long __e = (long long)(intptr_t)__exp;			\
		long long __s = (long long)(intptr_t)__seen;			\
										\
		diag("%s:%d: %s(): expected %s (%lld, 0x%llx) %s %s (%lld, 0x%llx)", \
		     __FILE__, __LINE__, __func__, #_expected, __e, __e, #_op,	\
		     #_seen, __s, __s);						\
		harness_fail(_fatal);						\
	}									\
} while (0)

#define HARNESS_STR(_expected, _seen, _fatal) do {				\
	const char *__exp = (_expected), *__seen = (_seen);			\
										\
	if (strcmp(__exp, __seen)) {						\
		diag("%s:%d: %s(): expected \"%s\", %s is \"%s\"", __FILE__,	\
		     __LINE__, __func__, __exp, #_seen, __seen);		\
		harness_fail(_fatal);						\
	}									\
} while (0)

#define HARNESS_BOOL(_expected, _seen, _fatal) do {				\
	bool __seen = (_seen);							\
										\
	if (__seen != (_expected)) {						\
		diag("%s:%d: %s(): %s is %s, errno %d (%s)", __FILE__, __LINE__, \
		     __func__, #_seen, (_expected) ? "false" : "true", errno,	\
		     strerror(errno));						\
		harness_fail(_fatal);						\
	}									\
} while (0)

/* The operation must return -1 and set errno to the expected error. */
#define HARNESS_ERRNO(_expected, _call, _fatal) do {				\
	long __ret = (_call);							\
	int __err = errno;							\
										\
	if (__ret != -1 || __err != (_expected)) {				\
		if (__ret == -1)						\
			diag("%s:%d: %s(): expected %s from %s, got %s",	\
			     __FILE__, __LINE__, __func__,			\
			     harness_errno_name(_expected), #_call,		\
			     harness_errno_name(__err));			\
		else								\
			diag("%s:%d: %s(): expected %s from %s, it returned %ld", \
			     __FILE__, __LINE__, __func__,			\
			     harness_errno_name(_expected), #_call, __ret);	\
		harness_fail(_fatal);						\
	}									\
} while (0)

static inline const char *harness_errno_name(int err)
{
	return strerrorname_np(err) ?: "an unknown error";
}

#define ASSERT_EQ(expected, seen)	HARNESS_CMP(expected, ==, seen, true)
#define ASSERT_NE(expected, seen)	HARNESS_CMP(expected, !=, seen, true)
#define ASSERT_LT(expected, seen)	HARNESS_CMP(expected, <, seen, true)
#define ASSERT_LE(expected, seen)	HARNESS_CMP(expected, <=, seen, true)
#define ASSERT_GT(expected, seen)	HARNESS_CMP(expected, >, seen, true)
#define ASSERT_GE(expected, seen)	HARNESS_CMP(expected, >=, seen, true)
#define ASSERT_TRUE(seen)		HARNESS_BOOL(true, seen, true)
#define ASSERT_FALSE(seen)		HARNESS_BOOL(false, seen, true)
#define ASSERT_STREQ(expected, seen)	HARNESS_STR(expected, seen, true)
#define ASSERT_ERRNO(expected, call)	HARNESS_ERRNO(expected, call, true)
#define EXPECT_EQ(expected, seen)	HARNESS_CMP(expected, ==, seen, false)
#define EXPECT_NE(expected, seen)	HARNESS_CMP(expected, !=, seen, false)
#define EXPECT_LT(expected, seen)	HARNESS_CMP(expected, <, seen, false)
#define EXPECT_LE(expected, seen)	HARNESS_CMP(expected, <=, seen, false)
#define EXPECT_GT(expected, seen)	HARNESS_CMP(expected, >, seen, false)
#define EXPECT_GE(expected, seen)	HARNESS_CMP(expected, >=, seen, false)
#define EXPECT_TRUE(seen)		HARNESS_BOOL(true, seen, false)
#define EXPECT_FALSE(seen)		HARNESS_BOOL(false, seen, false)
#define EXPECT_STREQ(expected, seen)	HARNESS_STR(expected, seen, false)
#define EXPECT_ERRNO(expected, call)	HARNESS_ERRNO(expected, call, false)

#define HARNESS_TEST(_id, _title, _size, _setup, _run, _teardown, ...)		\
	static struct harness_test harness_test_##_id = {			\
		.id = #_id,							\
		.title = _title,						\
		.self_size = _size,						\
		.setup = _setup,						\
		.run = _run,							\
		.teardown = _teardown,						\
		.opts = { __VA_ARGS__ },					\
	};									\
	static __attribute__((constructor)) void harness_add_##_id(void)	\
	{									\
		harness_register(&harness_test_##_id);				\
	}

/* TEST(identifier, "title", [.timeout = seconds]) { body } */
#define TEST(_id, _title, ...)							\
	static void _id(void);							\
	static void harness_run_##_id(void *self)				\
	{									\
		(void)self;							\
		_id();								\
	}									\
	HARNESS_TEST(_id, _title, 1, NULL, harness_run_##_id, NULL, __VA_ARGS__) \
	static void _id(void)

/* A fixture has both a setup and a teardown; self starts zeroed. */
#define FIXTURE(_name)		struct fixture_##_name

#define FIXTURE_SETUP(_name)							\
	static void fixture_setup_##_name(struct fixture_##_name *self);	\
	static void fixture_setup_raw_##_name(void *self)			\
	{									\
		fixture_setup_##_name(self);					\
	}									\
	static void fixture_setup_##_name(					\
			struct fixture_##_name *self __attribute__((unused)))

#define FIXTURE_TEARDOWN(_name)							\
	static void fixture_teardown_##_name(struct fixture_##_name *self);	\
	static void fixture_teardown_raw_##_name(void *self)			\
	{									\
		fixture_teardown_##_name(self);					\
	}									\
	static void fixture_teardown_##_name(					\
			struct fixture_##_name *self __attribute__((unused)))

#define TEST_F(_fixture, _id, _title, ...)					\
	static void _id(struct fixture_##_fixture *self);			\
	static void harness_run_##_id(void *self)				\
	{									\
		_id(self);							\
	}									\
	HARNESS_TEST(_id, _title, sizeof(struct fixture_##_fixture),		\
		     fixture_setup_raw_##_fixture, harness_run_##_id,		\
		     fixture_teardown_raw_##_fixture, __VA_ARGS__)		\
	static void _id(struct fixture_##_fixture *self __attribute__((unused)))

/* The child's side. */
static inline __attribute__((noreturn)) void harness_child(struct harness_test *test)
{
	void *self = calloc(1, test->self_size);

	setpgid(0, 0);
	harness_pid = getpid();
	harness_tid = gettid();
	if (!setjmp(harness_end)) {
		if (test->setup)
			test->setup(self);
		test->run(self);
	}
	if (test->teardown && !setjmp(harness_end))
		test->teardown(self);
	_exit(KSFT_PASS);
}

static inline unsigned int harness_timeout(const struct harness_test *test)
{
	const char *slow = getenv("IOASID_TEST_SLOW");
	unsigned int factor = slow ? strtoul(slow, NULL, 0) : 1;

	return (test->opts.timeout ?: HARNESS_TIMEOUT) * (factor ?: 1);
}

/* Waits for the child, false when its time is over. */
static inline bool harness_wait(pid_t pid, unsigned int timeout, int *status)
{
	int pidfd = syscall(SYS_pidfd_open, pid, 0);
	struct pollfd pfd = { .fd = pidfd, .events = POLLIN };
	int ready;

	do
		ready = poll(&pfd, 1, timeout * 1000);
	while (ready < 0 && errno == EINTR);
	kill(-pid, SIGKILL);
	kill(pid, SIGKILL);
	waitpid(pid, status, 0);
	close(pidfd);
	return ready > 0;
}

static inline int harness_run(struct harness_test *test, unsigned int nr)
{
	unsigned int timeout = harness_timeout(test);
	struct harness_shared *shared = harness_shared;
	bool in_time;
	int status;
	pid_t pid;

	memset(shared, 0, sizeof(*shared));
	fflush(stdout);
	pid = fork();
	if (pid < 0) {
		printf("not ok %u - %s # fork: %s\n", nr, test->title, strerror(errno));
		return KSFT_FAIL;
	}
	if (!pid)
		harness_child(test);
	setpgid(pid, pid);
	in_time = harness_wait(pid, timeout, &status);

	if (!in_time) {
		diag("no end after %u s", timeout);
	} else if (WIFSIGNALED(status)) {
		diag("killed by signal %d (%s)", WTERMSIG(status),
		     strsignal(WTERMSIG(status)));
	} else if (!WEXITSTATUS(status) && !shared->failed) {
		if (!shared->verdict) {
			printf("ok %u - %s\n", nr, test->title);
			return KSFT_PASS;
		}
		printf("ok %u - %s # %s %s\n", nr, test->title,
		       shared->verdict == KSFT_SKIP ? "SKIP" : "XFAIL",
		       shared->reason);
		return shared->verdict;
	} else if (WEXITSTATUS(status)) {
		diag("the test's process exited with %d", WEXITSTATUS(status));
	}
	printf("not ok %u - %s\n", nr, test->title);
	return KSFT_FAIL;
}

/* Whether NAME is the identifier of a test, in full. */
static inline bool harness_is_id(const char *name)
{
	for (struct harness_test *test = harness_first; test; test = test->next)
		if (!strcmp(test->id, name))
			return true;
	return false;
}

static inline bool harness_matches(const struct harness_test *test, const char *name)
{
	return harness_is_id(name) ? !strcmp(test->id, name) : !!strstr(test->title, name);
}

static inline bool harness_wanted(const struct harness_test *test, int argc, char **argv)
{
	for (int i = 1; i < argc; i++)
		if (harness_matches(test, argv[i]))
			return true;
	return argc < 2;
}

/* The first name that no test answers to: nobody shall believe that it ran. */
static inline const char *harness_unknown(int argc, char **argv)
{
	for (int i = 1; i < argc; i++) {
		struct harness_test *test = harness_first;

		while (test && !harness_matches(test, argv[i]))
			test = test->next;
		if (!test)
			return argv[i];
	}
	return NULL;
}

static inline int harness_usage(const char *name)
{
	printf("usage: %s [-l] [TEST...]\n"
	       "Runs all tests, or those whose identifier is TEST or whose title contains it.\n"
	       "  -l  list the tests\n"
	       "IOASID_TEST_SLOW=N in the environment multiplies all time limits by N.\n", name);
	return 0;
}

static inline int harness_list(void)
{
	for (struct harness_test *test = harness_first; test; test = test->next)
		printf("%-32s %s\n", test->id, test->title);
	return 0;
}

static inline int harness_main(int argc, char **argv)
{
	unsigned int nr = 0, count[KSFT_SKIP + 1] = {};
	struct harness_test *test;

	if (argc > 1 && !strcmp(argv[1], "-l"))
		return harness_list();
	if (argc > 1 && argv[1][0] == '-')
		return harness_usage(argv[0]);
	harness_shared = mmap(NULL, sizeof(*harness_shared), PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (harness_shared == MAP_FAILED)
		return KSFT_FAIL;
	setvbuf(stdout, NULL, _IOLBF, 0);
	if (harness_unknown(argc, argv)) {
		fprintf(stderr, "%s: no test is called %s, -l lists them\n", argv[0],
			harness_unknown(argc, argv));
		return KSFT_FAIL;
	}
	for (test = harness_first; test; test = test->next)
		nr += harness_wanted(test, argc, argv);
	printf("TAP version 13\n1..%u\n", nr);
	nr = 0;
	for (test = harness_first; test; test = test->next)
		if (harness_wanted(test, argc, argv))
			count[harness_run(test, ++nr)]++;
	printf("# Totals: pass:%u fail:%u xfail:%u xpass:0 skip:%u error:0\n",
	       count[KSFT_PASS], count[KSFT_FAIL], count[KSFT_XFAIL], count[KSFT_SKIP]);
	if (count[KSFT_FAIL])
		return KSFT_FAIL;
	return count[KSFT_SKIP] == nr ? KSFT_SKIP : KSFT_PASS;
}

#define HARNESS_MAIN								\
	int main(int argc, char **argv)						\
	{									\
		return harness_main(argc, argv);				\
	}

#endif /* IOASID_SELFTESTS_HARNESS_H */
