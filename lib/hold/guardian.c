/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The guardian, and the tracer's side of it. */
#include "guardian.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <guestscope/base/process.h>
#include <guestscope/base/text.h>
#include <guestscope/base/time.h>

#include "thread_state.h"

#define WATCH_MS 1000
#define LOOK_FIRST_MS 2
#define LOOK_LAST_MS 100

/* ---- the guardian itself ---- */

enum { FD_TRACER, FD_TARGET, FD_MEM, FD_READY, FD_COUNT };

static void restore_text(const struct gs_guard_memory *memory)
{
	gs_int3_take_all_out(GS_ISOLATED_FD(FD_MEM), &memory->bytes);
	if (*memory->journal)
		unlink(memory->journal);
}

/* Stopped as a whole, or about to be; one that has a debugger by now is his. */
static bool is_stopping(pid_t target)
{
	struct gs_thread_state state;
	char path[32];
	struct dirent *entry;
	bool is = false;
	DIR *dir;

	snprintf(path, sizeof(path), "/proc/%d/task", (int)target);
	dir = opendir(path);
	while (dir && !is && (entry = readdir(dir))) {
		pid_t tid = atoi(entry->d_name);

		is = tid > 0 && gs_thread_state_read(tid, &state) && !state.tracer &&
		     (state.state == 'T' || gs_thread_state_has(&state, SIGSTOP));
	}
	if (dir)
		closedir(dir);
	return is;
}

/* A thread that had no processor for a while may stop the process late. */
static void watch(const struct gs_guard_memory *memory, pid_t target)
{
	bool is_ours = !__atomic_load_n(&memory->is_stopped, __ATOMIC_ACQUIRE);
	uint64_t deadline_ms = gs_deadline_in(WATCH_MS);

	for (int ms = LOOK_FIRST_MS; is_ours && !gs_deadline_passed(deadline_ms); ms *= 2) {
		if (is_stopping(target))
			gs_error_destroy(gs_pidfd_signal(GS_ISOLATED_FD(FD_TARGET), SIGCONT));
		poll(NULL, 0, ms < LOOK_LAST_MS ? ms : LOOK_LAST_MS);
	}
}

/*
 * The text is first, while the tracer only begins to die. It has let go of all, and closed what it
 * had, when its pidfd tells of its end.
 */
__attribute__((noreturn)) static void be_guardian(const struct gs_guardian *guardian,
						  const int own[FD_COUNT])
{
	struct pollfd tracer = {.fd = GS_ISOLATED_FD(FD_TRACER), .events = POLLIN};
	int fds[FD_COUNT];

	memcpy(fds, own, sizeof(fds));
	if (!gs_process_isolate("tracehooks-mend", fds, FD_COUNT) ||
	    write(GS_ISOLATED_FD(FD_READY), "", 1) < 0)
		_exit(1);
	close(GS_ISOLATED_FD(FD_READY));
	if (pthread_mutex_lock(&guardian->memory->alive) == EOWNERDEAD)
		restore_text(guardian->memory);
	while (poll(&tracer, 1, -1) < 0 && errno == EINTR)
		;
	restore_text(guardian->memory); /* if the mutex was given up before */
	watch(guardian->memory, guardian->target);
	_exit(0);
}

/* ---- the tracer's side ---- */

static struct gs_error *await_ready(int fd)
{
	ssize_t size;
	char byte;

	do
		size = read(fd, &byte, 1);
	while (size < 0 && errno == EINTR);
	return size == 1 ? NULL : gs_error_create(GS_ERROR_LOST, "the guardian was killed");
}

static struct gs_error *spawn(struct gs_guardian *guardian)
{
	gs_autoclose int self = -1;
	struct gs_error *err = gs_pidfd_open(getpid(), &self);
	int ready[2], fds[FD_COUNT];

	if (err)
		return err;
	if (pipe2(ready, O_CLOEXEC) < 0)
		return gs_error_os(errno, "a pipe");
	fds[FD_TRACER] = self;
	fds[FD_TARGET] = guardian->target_fd;
	fds[FD_MEM] = guardian->mem_fd;
	fds[FD_READY] = ready[1];
	guardian->pid = fork();
	if (guardian->pid == 0)
		be_guardian(guardian, fds);
	err = guardian->pid < 0 ? gs_error_os(errno, "a guardian") : NULL;
	close(ready[1]);
	if (!err)
		err = gs_pidfd_open(guardian->pid, &guardian->pidfd);
	if (!err)
		err = await_ready(ready[0]);
	close(ready[0]);
	guardian->halted = false;
	return err;
}

static void bury(struct gs_guardian *guardian)
{
	if (guardian->pidfd >= 0)
		close(guardian->pidfd);
	guardian->pidfd = -1;
	guardian->pid = 0;
}

/* A robust one: whoever waits for it is told that its owner has died. */
static bool begin_life(struct gs_guard_memory *memory)
{
	pthread_mutexattr_t attributes;
	bool ok;

	if (pthread_mutexattr_init(&attributes) != 0)
		return false;
	ok = pthread_mutexattr_setpshared(&attributes, PTHREAD_PROCESS_SHARED) == 0 &&
	     pthread_mutexattr_setrobust(&attributes, PTHREAD_MUTEX_ROBUST) == 0 &&
	     pthread_mutex_init(&memory->alive, &attributes) == 0 &&
	     pthread_mutex_lock(&memory->alive) == 0;
	pthread_mutexattr_destroy(&attributes);
	return ok;
}

struct gs_error *gs_guardian_start(struct gs_guardian *guardian, pid_t target, int target_fd,
				   int mem_fd)
{
	struct gs_error *err;
	void *memory = mmap(NULL, sizeof(*guardian->memory), PROT_READ | PROT_WRITE,
			    MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	*guardian = (struct gs_guardian){
		.target = target, .target_fd = target_fd, .mem_fd = mem_fd, .pidfd = -1};
	if (memory == MAP_FAILED)
		return gs_error_nomem();
	if (!begin_life(memory)) {
		munmap(memory, sizeof(*guardian->memory));
		return gs_error_nomem();
	}
	guardian->memory = memory;
	err = spawn(guardian);
	if (err)
		gs_guardian_stop(guardian);
	return err;
}

/* If there can be none now, there may be later: see gs_guardian_look(). */
static void replace(struct gs_guardian *guardian)
{
	bury(guardian);
	gs_error_destroy(spawn(guardian));
	if (guardian->pid < 0)
		bury(guardian);
}

void gs_guardian_ended(struct gs_guardian *guardian, pid_t pid)
{
	if (guardian->pid == pid)
		replace(guardian);
}

/* Twice in a row: it may be a moment only. */
void gs_guardian_look(struct gs_guardian *guardian)
{
	struct gs_proc_stat stat;
	bool is_halted;

	if (!guardian->memory || !gs_deadline_passed(guardian->look_ms))
		return;
	guardian->look_ms = gs_deadline_in(GS_GUARDIAN_LOOK_MS);
	if (!guardian->pid || gs_pidfd_wait(guardian->pidfd, 0))
		replace(guardian);
	is_halted = gs_proc_stat(guardian->pid, &stat) && strchr("Tt", stat.state);
	if (is_halted && guardian->halted) /* its end is told, and it is replaced then */
		gs_error_destroy(gs_pidfd_signal(guardian->pidfd, SIGKILL));
	guardian->halted = is_halted;
}

void gs_guardian_set_stopped(struct gs_guardian *guardian, bool is_stopped)
{
	if (guardian->memory)
		__atomic_store_n(&guardian->memory->is_stopped, is_stopped, __ATOMIC_RELEASE);
}

/* Who may be killed meanwhile counts a byte when it is there as a whole. */
void gs_guardian_set_bytes(struct gs_guardian *guardian, const struct gs_int3_bytes *bytes,
			   const char *journal)
{
	struct gs_int3_bytes *shared = &guardian->memory->bytes;

	if (strlen(journal) < PATH_MAX)
		strcpy(guardian->memory->journal, journal);
	memcpy(shared->bytes, bytes->bytes, sizeof(shared->bytes));
	__atomic_store_n(&shared->count, bytes->count, __ATOMIC_RELEASE);
}

void gs_guardian_forget_bytes(struct gs_guardian *guardian)
{
	if (!guardian->memory)
		return;
	__atomic_store_n(&guardian->memory->bytes.count, 0, __ATOMIC_RELEASE);
	*guardian->memory->journal = '\0';
}

/* Who is left to wait for our end does so by our pidfd. */
static void unmap(struct gs_guardian *guardian)
{
	if (!guardian->memory)
		return;
	pthread_mutex_unlock(&guardian->memory->alive);
	munmap(guardian->memory, sizeof(*guardian->memory));
	guardian->memory = NULL;
}

void gs_guardian_leave(struct gs_guardian *guardian)
{
	bury(guardian);
	unmap(guardian);
}

void gs_guardian_stop(struct gs_guardian *guardian)
{
	/* Its number may be another's by now, if somebody has killed it. */
	if (guardian->pidfd >= 0)
		gs_error_destroy(gs_pidfd_signal(guardian->pidfd, SIGKILL));
	else if (guardian->pid > 0)
		kill(guardian->pid, SIGKILL);
	if (guardian->pid > 0)
		waitpid(guardian->pid, NULL, 0);
	bury(guardian);
	unmap(guardian);
}

/* ---- with descriptors of its own ---- */

struct gs_error *gs_guard_start(struct gs_guard *guard, pid_t target)
{
	gs_autofree char *path = gs_strf("/proc/%d/mem", (int)target);
	struct gs_error *err;

	*guard = GS_GUARD_NONE;
	err = path ? gs_pidfd_open(target, &guard->target_fd) : gs_error_nomem();
	if (!err && (guard->mem_fd = open(path, O_RDWR | O_CLOEXEC)) < 0)
		err = gs_error_os(errno, "%s", path);
	if (!err)
		err = gs_guardian_start(&guard->guardian, target, guard->target_fd, guard->mem_fd);
	if (err)
		gs_guard_stop(guard);
	return err;
}

void gs_guard_stop(struct gs_guard *guard)
{
	gs_guardian_stop(&guard->guardian);
	if (guard->target_fd >= 0)
		close(guard->target_fd);
	if (guard->mem_fd >= 0)
		close(guard->mem_fd);
	*guard = GS_GUARD_NONE;
}
