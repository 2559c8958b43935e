/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How a guest's memory is taken: the fastest way that works. */
#include "dump.h"

#include "output.h"

const char *gs_job_engine_name(enum gs_engine engine)
{
	static const char *const names[] = {
		[GS_ENGINE_AUTO] = "auto",
		[GS_ENGINE_DIRECT] = "direct",
		[GS_ENGINE_STREAM] = "stream",
		[GS_ENGINE_QEMU] = "qemu",
	};

	return names[engine];
}

/* Whether it is the engine that this guest does not allow, and not the guest that is in trouble. */
static bool says_impossible(const struct gs_error *err)
{
	return err->code == GS_ERROR_UNSUPPORTED || err->code == GS_ERROR_OS;
}

/* A stream stops the guest until it is written: what must not be stopped gets no other engine. */
static bool may_stream(const struct gs_dump_spec *spec)
{
	return spec->engine == GS_ENGINE_AUTO && !spec->live;
}

struct gs_error *gs_job_pick_engine(struct gs_qmp *qmp, const struct gs_dump_spec *spec,
				    enum gs_engine *ret, struct gs_memory **direct_ret)
{
	struct gs_error *err = NULL;

	*direct_ret = NULL;
	*ret = spec->engine;
	if (spec->engine != GS_ENGINE_AUTO && spec->engine != GS_ENGINE_DIRECT)
		return NULL;
	*ret = GS_ENGINE_DIRECT;
	err = gs_guest_direct_open(qmp, direct_ret);
	if (!err)
		return NULL;
	if (!says_impossible(err) || !may_stream(spec))
		return err;
	gs_job_note(&spec->output, "engine stream, as direct is impossible: %s%s", err->message,
		    spec->min_pause ? "; --min-pause has no effect" : "");
	gs_error_destroy(err);
	*ret = GS_ENGINE_STREAM;
	return NULL;
}
