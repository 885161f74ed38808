// SPDX-License-Identifier: GPL-2.0-only
/*
 * Who pays for pinned memory, and that everything comes back: RLIMIT_MEMLOCK,
 * several processes, and ends of all kinds.
 */
#include <sys/socket.h>

#include "ioasid_util.h"

#define BIG	(256 * MIB)

FIXTURE(ctx) {
	int fd;
	int id;
	int64_t pins;	/* of the machine, before */
};

FIXTURE_SETUP(ctx)
{
	self->pins = machine_pins();
	self->fd = test_open();
	self->id = test_alloc(self->fd);
}

/* Whatever a test did: its memory is free again when the file is closed. */
FIXTURE_TEARDOWN(ctx)
{
	close(self->fd);
	EXPECT_TRUE(machine_pins_become(self->pins));
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(0, pinned_pages());
}

/* Runs in a child: its failures are the test's. */
#define IN_CHILD(pid) for (pid = child(); !pid; _exit(KSFT_PASS))

static pid_t child(void)
{
	pid_t pid = fork();

	ASSERT_LE(0, pid);
	return pid;
}

static void wait_child(pid_t pid)
{
	int status;

	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFEXITED(status) && !WEXITSTATUS(status));
}

/*
 * RLIMIT_MEMLOCK
 */
TEST_F(ctx, charge_exact, "MAP charges each page once and UNMAP gives it back")
{
	char *mem = memory(64 * PAGE);

	limit_locked(64);
	for (int i = 0; i < 8; i++) {
		EXPECT_EQ(8 * i, locked_pages());
		test_map(self->fd, self->id, mem + i * 8 * PAGE, i * MIB, 8 * PAGE);
	}
	EXPECT_EQ(64, locked_pages());
	EXPECT_EQ(self->pins + 64, machine_pins());
	EXPECT_EQ(64 * PAGE, fdinfo_get_n(self->fd, "ioasid-pinned", self->id));
	for (int i = 0; i < 8; i++) {
		test_unmap(self->fd, self->id, i * MIB, 8 * PAGE);
		EXPECT_EQ(64 - 8 * (i + 1), locked_pages());
	}
}

TEST_F(ctx, limit_map, "MAP over RLIMIT_MEMLOCK is ENOMEM and charges nothing")
{
	char *mem = memory(64 * PAGE);

	limit_locked(16);
	test_err_map(ENOMEM, self->fd, self->id, mem, 0, 17 * PAGE);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	test_map(self->fd, self->id, mem, 0, 15 * PAGE);
	test_err_map(ENOMEM, self->fd, self->id, mem, MIB, 2 * PAGE);
	EXPECT_EQ(15, locked_pages());
	test_map(self->fd, self->id, mem, MIB, PAGE);
	test_err_map(ENOMEM, self->fd, self->id, mem, 2 * MIB, PAGE);
	EXPECT_EQ(16, locked_pages());
	test_unmap(self->fd, self->id, 0, 15 * PAGE);
	EXPECT_EQ(1, locked_pages());
	test_map(self->fd, self->id, mem, 0, 15 * PAGE);
}

TEST_F(ctx, limit_zero, "with a limit of zero nothing can be mapped or registered")
{
	char *mem = memory(PAGE);

	limit_locked(0);
	test_err_map(ENOMEM, self->fd, self->id, mem, 0, PAGE);
	test_err_register(ENOMEM, self->fd, mem, PAGE);
}

TEST_F(ctx, limit_register, "REGISTER over RLIMIT_MEMLOCK is ENOMEM and charges nothing")
{
	char *mem = memory(64 * PAGE);

	limit_locked(16);
	test_err_register(ENOMEM, self->fd, mem, 17 * PAGE);
	EXPECT_EQ(0, locked_pages());
	EXPECT_TRUE(machine_pins_become(self->pins));
	EXPECT_EQ(0, fdinfo_get(self->fd, "ioasid-registered"));
	test_register(self->fd, mem, 16 * PAGE);
	EXPECT_EQ(16, locked_pages());
	EXPECT_EQ(16 * PAGE, fdinfo_get(self->fd, "ioasid-registered"));
	test_err_register(ENOMEM, self->fd, mem + 16 * PAGE, PAGE);
	test_unregister(self->fd, mem, 16 * PAGE);
}

TEST_F(ctx, registered_once, "registered memory is charged once however often it is mapped")
{
	char *mem = memory(16 * PAGE);
	int other = test_alloc(self->fd);

	limit_locked(16);
	test_register(self->fd, mem, 16 * PAGE);
	for (int i = 0; i < 4; i++) {
		test_map(self->fd, self->id, mem, i * MIB, 16 * PAGE);
		test_map(self->fd, other, mem + i * PAGE, i * MIB, PAGE);
	}
	EXPECT_EQ(16, locked_pages());
	EXPECT_EQ(self->pins + 16, machine_pins());
	EXPECT_EQ(0, fdinfo_get_n(self->fd, "ioasid-pinned", self->id));
	EXPECT_EQ(64 * PAGE, fdinfo_get_n(self->fd, "ioasid-mapped", self->id));
	test_unmap_all(64 * PAGE, self->fd, self->id);
	test_unmap_all(4 * PAGE, self->fd, other);
	EXPECT_EQ(16, locked_pages());
	test_unregister(self->fd, mem, 16 * PAGE);
	EXPECT_EQ(0, locked_pages());
}

TEST_F(ctx, limit_shared, "the limit is one for all spaces and contexts of a process")
{
	int other = test_open(), id = test_alloc(other);
	char *mem = memory(16 * PAGE);

	limit_locked(16);
	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	test_map(other, id, mem, 0, 8 * PAGE);
	test_err_map(ENOMEM, other, id, mem, MIB, PAGE);
	test_err_map(ENOMEM, self->fd, self->id, mem, MIB, PAGE);
	EXPECT_EQ(16, locked_pages());
	ASSERT_EQ(0, close(other));
	EXPECT_EQ(8, locked_pages());
}

TEST_F(ctx, charge_mlock, "mlock and MAP share the limit and do not disturb each other")
{
	char *mem = memory(16 * PAGE);

	limit_locked(16);
	ASSERT_EQ(0, mlock(mem, 8 * PAGE));
	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	EXPECT_EQ(16, locked_pages());
	test_err_map(ENOMEM, self->fd, self->id, mem, MIB, PAGE);
	ASSERT_EQ(0, munlock(mem, 8 * PAGE));
	EXPECT_EQ(8, locked_pages());
	test_unmap(self->fd, self->id, 0, 8 * PAGE);
}

TEST_F(ctx, charge_failed, "a MAP that fails half-way gives back charge and pins")
{
	char *mem = memory_before_hole(1000 * PAGE);

	limit_locked(1024);
	for (int i = 0; i < 10; i++) {
		test_err_map(EFAULT, self->fd, self->id, mem, 0, 1001 * PAGE);
		EXPECT_EQ(0, locked_pages());
	}
	EXPECT_TRUE(machine_pins_become(self->pins));
	test_map(self->fd, self->id, mem, 0, 1000 * PAGE);
}

TEST_F(ctx, charge_overlap, "a MAP that is refused for its IOVA charges nothing")
{
	char *mem = memory(16 * PAGE);

	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	test_err_map(EEXIST, self->fd, self->id, mem + 8 * PAGE, 7 * PAGE, 8 * PAGE);
	EXPECT_EQ(8, locked_pages());
	EXPECT_TRUE(machine_pins_become(self->pins + 8));
}

TEST_F(ctx, munmap_under_mapping, "memory stays pinned and charged when its address goes")
{
	char *mem = memory(16 * PAGE);

	test_map(self->fd, self->id, mem, 0, 16 * PAGE);
	ASSERT_EQ(0, munmap(mem, 16 * PAGE));
	EXPECT_EQ(16, locked_pages());
	EXPECT_EQ(self->pins + 16, machine_pins());
	test_unmap(self->fd, self->id, 0, 16 * PAGE);
	EXPECT_TRUE(machine_pins_become(self->pins));
}

/*
 * Several processes
 */
TEST_F(ctx, fork_unmap, "a child's UNMAP gives back the parent's charge, not its own")
{
	char *mem = memory(16 * PAGE);
	pid_t pid;

	test_map(self->fd, self->id, mem, 0, 16 * PAGE);
	IN_CHILD(pid) {
		EXPECT_EQ(0, locked_pages());
		test_map(self->fd, self->id, mem, MIB, 4 * PAGE);
		EXPECT_EQ(4, locked_pages());
		test_unmap(self->fd, self->id, 0, 16 * PAGE);
		EXPECT_EQ(4, locked_pages());
	}
	wait_child(pid);
	EXPECT_EQ(0, locked_pages());
	EXPECT_EQ(4 * PAGE, fdinfo_get_n(self->fd, "ioasid-pinned", self->id));
	test_unmap(self->fd, self->id, MIB, 4 * PAGE);	/* outlived its process */
	EXPECT_EQ(0, locked_pages());
}

TEST_F(ctx, fork_outlives, "the fd lives on in a child, the parent's mappings with it")
{
	char *mem = memory(16 * PAGE);
	int pipes[2];
	pid_t pid;
	char byte;

	ASSERT_EQ(0, pipe(pipes));
	pid = child();
	if (!pid) {
		test_map(self->fd, self->id, mem, 0, 16 * PAGE);
		pid = child();
		if (pid)
			_exit(KSFT_PASS);	/* the one that mapped is gone */
		close(pipes[0]);
		usleep(100000);
		test_err_map(EEXIST, self->fd, self->id, mem, 0, PAGE);
		test_unmap(self->fd, self->id, 0, 16 * PAGE);
		test_map(self->fd, self->id, mem, 0, PAGE);
		ASSERT_EQ(1, write(pipes[1], "", 1));
		_exit(KSFT_PASS);
	}
	close(pipes[1]);
	wait_child(pid);
	ASSERT_EQ(1, read(pipes[0], &byte, 1));
	test_unmap(self->fd, self->id, 0, PAGE);
}

TEST_F(ctx, two_processes, "two processes map into one space, each pays for its own")
{
	char *mem = memory(16 * PAGE);
	pid_t pid;

	limit_locked(8);
	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	IN_CHILD(pid) {
		test_err_map(EEXIST, self->fd, self->id, mem, 0, PAGE);
		test_map(self->fd, self->id, mem, MIB, 8 * PAGE);
		test_err_map(ENOMEM, self->fd, self->id, mem, 2 * MIB, PAGE);
		EXPECT_EQ(8, locked_pages());
	}
	wait_child(pid);
	EXPECT_EQ(8, locked_pages());
	test_unmap_all(16 * PAGE, self->fd, self->id);
}

TEST_F(ctx, registered_process, "registered memory is that of the process which registered it")
{
	char *mem = memory(16 * PAGE);
	pid_t pid;

	test_register(self->fd, mem, 4 * PAGE);
	IN_CHILD(pid) {
		test_err_map(EINVAL, self->fd, self->id, mem, 0, 4 * PAGE);
		test_err_unregister(ENOENT, self->fd, mem, 4 * PAGE);
		test_register(self->fd, mem, 8 * PAGE);	/* its own: no overlap */
		test_map(self->fd, self->id, mem + 4 * PAGE, 0, 4 * PAGE);
		EXPECT_EQ(8, locked_pages());
	}
	wait_child(pid);
	EXPECT_EQ(4, locked_pages());
	test_err_map(EINVAL, self->fd, self->id, mem + 4 * PAGE, MIB, PAGE);
	test_unregister(self->fd, mem, 4 * PAGE);
}

static void send_fd(int sock, int fd)
{
	char control[CMSG_SPACE(sizeof(fd))] = {}, byte = 0;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	struct cmsghdr *cmsg = CMSG_FIRSTHDR(&msg);

	cmsg->cmsg_level = SOL_SOCKET;
	cmsg->cmsg_type = SCM_RIGHTS;
	cmsg->cmsg_len = CMSG_LEN(sizeof(fd));
	memcpy(CMSG_DATA(cmsg), &fd, sizeof(fd));
	ASSERT_EQ(1, sendmsg(sock, &msg, 0));
}

static int receive_fd(int sock)
{
	char control[CMSG_SPACE(sizeof(int))], byte;
	struct iovec iov = { &byte, 1 };
	struct msghdr msg = {
		.msg_iov = &iov, .msg_iovlen = 1,
		.msg_control = control, .msg_controllen = sizeof(control),
	};
	int fd;

	ASSERT_EQ(1, recvmsg(sock, &msg, 0));
	ASSERT_TRUE(CMSG_FIRSTHDR(&msg));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&msg)), sizeof(fd));
	return fd;
}

TEST_F(ctx, passed_fd, "a context that was passed on works for its receiver")
{
	char *mem = memory(16 * PAGE);
	int socks[2], fd, id;
	pid_t pid;

	ASSERT_EQ(0, socketpair(AF_UNIX, SOCK_STREAM, 0, socks));
	IN_CHILD(pid) {
		fd = test_open();
		id = test_alloc(fd);
		test_map(fd, id, mem, 0, 4 * PAGE);
		send_fd(socks[1], fd);
	}
	fd = receive_fd(socks[0]);
	wait_child(pid);
	EXPECT_EQ(0, locked_pages());
	test_err_map(EEXIST, fd, 1, mem, 0, PAGE);
	test_map(fd, 1, mem, MIB, 4 * PAGE);
	EXPECT_EQ(4, locked_pages());
	test_unmap(fd, 1, 0, 4 * PAGE);	/* of the process that is gone */
	EXPECT_EQ(4, locked_pages());
	ASSERT_EQ(0, close(fd));
	EXPECT_EQ(0, locked_pages());
}

/*
 * Ends
 */
TEST_F(ctx, close_live, "close with everything live gives everything back")
{
	char *mem = memory(64 * PAGE);
	int id;

	test_map(self->fd, self->id, mem, 0, 8 * PAGE);
	test_register(self->fd, mem, 16 * PAGE);
	test_register(self->fd, mem + 16 * PAGE, 16 * PAGE);
	for (int i = 0; i < 4; i++) {
		id = test_alloc(self->fd);
		for (int k = 0; k < 4; k++)
			test_map(self->fd, id, mem + k * 8 * PAGE, k * MIB, 8 * PAGE);
	}
	EXPECT_EQ(8 + 32, locked_pages());
}

TEST_F(ctx, exit_live, "exit without close gives everything back")
{
	pid_t pid;

	IN_CHILD(pid) {
		int fd = test_open(), id = test_alloc(fd);
		char *mem = memory(1000 * PAGE);

		test_map(fd, id, mem, 0, 500 * PAGE);
		test_register(fd, mem, 800 * PAGE);
		test_map(fd, id, mem, 8 * MIB, 700 * PAGE);
		EXPECT_EQ(self->pins + 500 + 800, machine_pins());
	}
	wait_child(pid);
}

TEST_F(ctx, exec_live, "exec closes the context and gives everything back")
{
	char *mem;
	pid_t pid;
	int fd;

	IN_CHILD(pid) {
		fd = test_open();
		mem = memory(100 * PAGE);
		test_map(fd, test_alloc(fd), mem, 0, 100 * PAGE);
		execl("/bin/true", "true", NULL);
		_exit(KSFT_FAIL);
	}
	wait_child(pid);
}

/* Kills a child at a random moment of its system call. */
static void kill_during(pid_t pid, unsigned int delay_us)
{
	int status;

	usleep(delay_us);
	kill(pid, SIGKILL);
	ASSERT_EQ(pid, waitpid(pid, &status, 0));
	ASSERT_TRUE(WIFSIGNALED(status) || WEXITSTATUS(status) == KSFT_PASS);
}

static void *untouched(size_t size)
{
	void *mem = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	ASSERT_TRUE(mem != MAP_FAILED);
	return mem;
}

TEST_F(ctx, kill_map, "SIGKILL in the middle of a big MAP leaves nothing behind", .timeout = 120)
{
	unsigned int done = 0, i;
	pid_t pid;

	for (i = 0; i < 24; i++) {
		IN_CHILD(pid) {
			char *mem = untouched(BIG);

			madvise(mem, BIG, MADV_NOHUGEPAGE);
			test_map(self->fd, self->id, mem, 0, BIG);
		}
		kill_during(pid, 1000 + 9000 * i);
		/* Its mapping, if it came to that, belongs to the context. */
		if (do_unmap_all(self->fd, self->id) == BIG)
			done++;
		ASSERT_EQ(0, fdinfo_get_n(self->fd, "ioasid-mappings", self->id));
		ASSERT_TRUE(machine_pins_become(self->pins));
	}
	diag("%u of %u were mapped before the signal", done, i);
}

TEST_F(ctx, kill_register, "SIGKILL in the middle of a big REGISTER leaves nothing behind",
       .timeout = 120)
{
	pid_t pid;

	for (int i = 0; i < 12; i++) {
		IN_CHILD(pid) {
			char *mem = untouched(BIG);
			int fd = test_open();

			madvise(mem, BIG, MADV_NOHUGEPAGE);
			test_register(fd, mem, BIG);
			pause();
		}
		kill_during(pid, 1000 + 20000 * i);
		ASSERT_TRUE(machine_pins_become(self->pins));
	}
}

TEST_F(ctx, kill_unmap, "SIGKILL in the middle of UNMAP, FREE and close leaves nothing behind",
       .timeout = 120)
{
	pid_t pid;

	for (int i = 0; i < 12; i++) {
		IN_CHILD(pid) {
			char *mem = memory(16 * MIB);
			int fd = test_open(), id = test_alloc(fd);

			for (;;) {
				test_map(fd, id, mem, 0, 16 * MIB);
				if (i % 3 == 0)
					test_unmap(fd, id, 0, 16 * MIB);
				if (i % 3 == 1)
					test_free(fd, id);
				if (i % 3 == 1)
					id = test_alloc(fd);
				if (i % 3 == 2)
					close(fd);
				if (i % 3 == 2)
					id = test_alloc(fd = test_open());
			}
		}
		kill_during(pid, 50000 + 7000 * i);
		ASSERT_TRUE(machine_pins_become(self->pins));
	}
}

HARNESS_MAIN
