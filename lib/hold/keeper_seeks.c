/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Those that were to be held at their exec, and are on their way to where the front end has sent
 * them: main, or what leads there.
 */
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "keeper.h"
#include "thread_registers.h"

struct gs_seek {
	pid_t pid;
	enum gs_keeper_then then;
	enum gs_catch_mechanism mechanism;
	struct gs_place place;
	struct gs_seek *next;
};

static struct gs_seek **find_link(struct gs_execs *execs, pid_t pid)
{
	struct gs_seek **link = &execs->seeks;

	while (*link && (*link)->pid != pid)
		link = &(*link)->next;
	return link;
}

static void free_seek(struct gs_seek *seek)
{
	gs_place_deinit(&seek->place);
	free(seek);
}

/* ---- setting out ---- */

struct gs_error *gs_execs_go_to(struct gs_execs *execs, pid_t pid, enum gs_keeper_then then,
				const struct gs_place *place)
{
	struct gs_seek *seek = calloc(1, sizeof(*seek));
	struct gs_error *err;

	if (!seek || !gs_place_copy(place, &seek->place)) {
		free(seek);
		return gs_error_nomem();
	}
	seek->pid = pid;
	seek->then = then;
	err = gs_tracer_go_to(execs->tracer, pid, place->address, &seek->mechanism);
	if (err) {
		free_seek(seek);
		return err;
	}
	gs_holds_forget(execs->holds, pid);
	seek->next = execs->seeks;
	execs->seeks = seek;
	return NULL;
}

bool gs_execs_stop_seek(struct gs_execs *execs, pid_t pid)
{
	struct gs_seek **link = find_link(execs, pid), *seek = *link;

	if (!seek)
		return false;
	*link = seek->next;
	free_seek(seek);
	return true;
}

void gs_execs_call_off(struct gs_execs *execs)
{
	while (execs->seeks) {
		pid_t pid = execs->seeks->pid;

		gs_error_destroy(gs_tracer_call_off(execs->tracer, pid));
		gs_execs_stop_seek(execs, pid);
	}
}

/* ---- arriving ---- */

static size_t read_memory(void *arg, uint64_t address, void *to, size_t size)
{
	ssize_t count = pread(*(int *)arg, to, size, (off_t)address);

	return count > 0 ? (size_t)count : 0;
}

static struct gs_hold_at *describe(pid_t pid, const struct gs_seek *seek,
				   const struct gs_thread_registers *registers)
{
	gs_autofree char *path = gs_strf("/proc/%d/mem", (int)pid);
	gs_autoclose int fd = path ? open(path, O_RDONLY | O_CLOEXEC) : -1;
	struct gs_call call = {.tid = pid, .read = read_memory, .arg = &fd};

	gs_thread_registers_args(registers, call.args);
	return gs_hold_at_new(&seek->place, seek->mechanism, NULL, &call);
}

/* The C library's start is called with main. Of a program without names, that is all there is. */
static bool find_main(pid_t pid, const struct gs_thread_registers *registers, struct gs_place *ret)
{
	struct gs_proc proc = {.id.pid = pid};
	uint64_t args[GS_CALL_ARGS];

	gs_proc_know(&proc, GS_PROC_ALL);
	gs_thread_registers_args(registers, args);
	*ret = (struct gs_place){.kind = GS_PLACE_FUNCTION,
				 .address = args[0],
				 .symbol = strdup("main"),
				 .module = strdup(proc.exe ? proc.exe : "")};
	gs_proc_deinit(&proc);
	if (ret->symbol && ret->module)
		return true;
	gs_place_deinit(ret);
	return false;
}

static bool stay(struct gs_execs *execs, const struct gs_traced *process, struct gs_seek *seek,
		 const struct gs_thread_registers *registers, const char *why)
{
	struct gs_hold_at *at = describe(process->id.pid, seek, registers);

	return gs_execs_hold(execs, process, at,
			     seek->then == GS_KEEPER_THEN_ASK ? GS_KEEPER_AT_ENTRY : GS_KEEPER_HELD,
			     why);
}

/* What is wrong there keeps it where it is. */
static bool go_to_main(struct gs_execs *execs, const struct gs_traced *process,
		       struct gs_seek *seek, const struct gs_thread_registers *registers)
{
	gs_autoerror struct gs_error *err = NULL;
	struct gs_place place;

	if (!find_main(process->id.pid, registers, &place))
		return stay(execs, process, seek, registers, "out of memory");
	err = gs_execs_go_to(execs, process->id.pid, GS_KEEPER_THEN_STAY, &place);
	gs_place_deinit(&place);
	return !err || stay(execs, process, seek, registers, err->message);
}

bool gs_execs_arrived(struct gs_execs *execs, const struct gs_traced *process)
{
	struct gs_seek **link = find_link(execs, process->id.pid), *seek = *link;
	struct gs_thread_registers registers;
	bool stays;

	if (!seek || !gs_thread_registers_get(process->id.pid, &registers))
		return false;
	*link = seek->next;
	if (seek->then == GS_KEEPER_THEN_ARGUMENT)
		stays = go_to_main(execs, process, seek, &registers);
	else
		stays = stay(execs, process, seek, &registers, "");
	free_seek(seek);
	return stays;
}
