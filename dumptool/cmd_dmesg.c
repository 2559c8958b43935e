/* SPDX-License-Identifier: GPL-2.0-or-later */
/* dumptool dmesg: the kernel log in a guest's memory. */
#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "dmesg.h"

#define LEVEL_COUNT 8
#define TAIL_MAX (1u << 20)

struct dmesg {
	struct dmesg_style style;
	bool show_level[LEVEL_COUNT];
	struct gs_emit *json; /* NULL: text */
	struct gs_text text;  /* of one record */
	/* --tail: the last ones, in a ring. */
	bool has_tail;
	uint64_t tail;
	struct gs_log_record *kept;
	uint64_t kept_count; /* all that were ever kept */
};

/* Strings have no NUL inside, records may; programs get what stands for bad bytes elsewhere. */
static void emit_text(struct gs_emit *e, const struct gs_log_record *record)
{
	gs_autotext struct gs_text t = {0};
	const char *at = record->text, *end = at + record->text_size;

	while (at < end) {
		size_t size = strnlen(at, (size_t)(end - at));

		gs_text_append(&t, at, size);
		at += size;
		if (at < end) {
			gs_text_puts(&t, "\xef\xbf\xbd");
			at++;
		}
	}
	gs_emit_string(e, "text", NULL, t.data ? t.data : "");
}

static void emit_time(const struct dmesg *d, const struct gs_log_record *record)
{
	char buffer[DUMPTOOL_TIME_TEXT];

	if (!record->has_timestamp) {
		gs_emit_null(d->json, "timestamp_ns", NULL);
		return;
	}
	gs_emit_u64(d->json, "timestamp_ns", NULL, record->timestamp_ns);
	if (d->style.time != DMESG_SECONDS &&
	    dmesg_iso_time(&d->style, record->timestamp_ns, buffer))
		gs_emit_string(d->json, "time", NULL, buffer);
}

static struct gs_error *emit_record(const struct dmesg *d, const struct gs_log_record *record)
{
	char facility[4], caller[DMESG_CALLER_TEXT];
	struct gs_emit *e = d->json;

	gs_emit_begin(e, NULL, NULL);
	gs_emit_u64(e, "seq", NULL, record->sequence);
	emit_time(d, record);
	gs_emit_string(e, "level", NULL, dmesg_level_name(record->level));
	gs_emit_string(e, "facility", NULL, dmesg_facility_name(record->facility, facility));
	gs_emit_string(e, "caller", NULL,
		       record->has_caller ? dmesg_caller_name(record->caller, caller) : NULL);
	emit_text(e, record);
	gs_emit_end(e);
	return ferror(stdout) ? gs_emit_finish(e) : NULL;
}

static struct gs_error *show(struct dmesg *d, const struct gs_log_record *record)
{
	if (d->json)
		return emit_record(d, record);
	gs_text_clear(&d->text);
	dmesg_format(&d->text, &d->style, record);
	if (d->text.failed)
		return gs_error_nomem();
	errno = 0;
	if (fwrite(d->text.data, 1, d->text.size, stdout) != d->text.size)
		return gs_error_os(errno ? errno : EIO, "stdout");
	return NULL;
}

static struct gs_error *keep(struct dmesg *d, const struct gs_log_record *record)
{
	struct gs_log_record *slot;
	char *text;

	if (!d->tail)
		return NULL;
	text = malloc(record->text_size + 1);
	if (!text)
		return gs_error_nomem();
	memcpy(text, record->text, record->text_size);
	slot = &d->kept[d->kept_count++ % d->tail];
	free((char *)slot->text);
	*slot = *record;
	slot->text = text;
	return NULL;
}

static struct gs_error *on_record(void *arg, const struct gs_log_record *record)
{
	struct dmesg *d = arg;

	if (!d->show_level[record->level % LEVEL_COUNT])
		return NULL;
	return d->has_tail ? keep(d, record) : show(d, record);
}

static struct gs_error *show_kept(struct dmesg *d)
{
	uint64_t count = d->kept_count < d->tail ? d->kept_count : d->tail;
	struct gs_error *err = NULL;

	for (uint64_t i = d->kept_count - count; i < d->kept_count && !err; i++)
		err = show(d, &d->kept[i % d->tail]);
	return err;
}

/* "err", or "err+": that and what is worse. */
static bool parse_level(struct dmesg *d, const char *name, size_t size)
{
	bool and_worse = size && name[size - 1] == '+';

	size -= and_worse;
	for (unsigned int level = 0; level < LEVEL_COUNT; level++) {
		const char *known = dmesg_level_name(level);

		if (strlen(known) != size || strncmp(known, name, size) != 0)
			continue;
		for (unsigned int i = and_worse ? 0 : level; i <= level; i++)
			d->show_level[i] = true;
		return true;
	}
	return false;
}

static struct gs_error *parse_levels(struct dmesg *d, const char *list)
{
	memset(d->show_level, !list, sizeof(d->show_level));
	while (list) {
		size_t size = strcspn(list, ",");

		if (!parse_level(d, list, size))
			return gs_error_create(GS_ERROR_INVALID,
					       "--level: no level '%.*s'; there are emerg, alert, "
					       "crit, err, warn, notice, info, debug",
					       (int)size, list);
		list = list[size] ? list + size + 1 : NULL;
	}
	return NULL;
}

static struct gs_error *parse_tail(struct dmesg *d, const struct gs_args *args)
{
	struct gs_error *err = gs_args_u64(args, "tail", 0, &d->tail);

	if (err)
		return err;
	if (d->tail > TAIL_MAX)
		return gs_error_create(GS_ERROR_INVALID, "--tail: %s is more than %u",
				       gs_args_get(args, "tail"), TAIL_MAX);
	d->has_tail = gs_args_has(args, "tail");
	d->kept = calloc(d->tail + 1, sizeof(*d->kept));
	return d->kept ? NULL : gs_error_nomem();
}

static struct gs_error *parse(struct dmesg *d, const struct gs_args *args)
{
	const char *time = gs_args_get(args, "time");
	struct gs_error *err = parse_levels(d, gs_args_get(args, "level"));

	if (!err)
		err = parse_tail(d, args);
	if (err)
		return err;
	d->style = (struct dmesg_style){
		.raw = gs_args_has(args, "raw"),
		.decode = gs_args_has(args, "decode"),
		.caller = gs_args_has(args, "caller"),
		.color = gs_args_color(args),
		.terminal = isatty(STDOUT_FILENO),
	};
	if (time && strcmp(time, "raw") != 0)
		d->style.time = strcmp(time, "iso") == 0 ? DMESG_ISO : DMESG_CTIME;
	if (d->style.raw && d->style.decode)
		return gs_error_create(GS_ERROR_INVALID, "--raw and --decode exclude each other");
	return NULL;
}

static struct gs_error *run(struct dmesg *d, const struct gs_args *args, struct gs_memory *mem)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_error *err = dumptool_find_vmcoreinfo(args, mem, NULL), *show_err;
	uint64_t lost = 0;

	if (!err)
		err = gs_linux_open(mem, &l);
	if (!err && d->style.time != DMESG_SECONDS)
		err = gs_error_wrap(gs_linux_boot_time(l, &d->style.boot_ns), "--time");
	if (err)
		return gs_error_wrap(err, "%s", mem->name);
	err = gs_linux_log(l, on_record, d, &lost);
	if (err && gs_error_is_answer(err))
		err = gs_error_wrap(err, "%s", mem->name);
	if (lost)
		gs_args_note(args, "%llu records damaged or overwritten, left out",
			     (unsigned long long)lost);
	show_err = show_kept(d);
	if (!err)
		return show_err;
	gs_error_destroy(show_err);
	return err;
}

static void deinit(struct dmesg *d)
{
	for (uint64_t i = 0; d->kept && i < d->tail; i++)
		free((char *)d->kept[i].text);
	free(d->kept);
	gs_text_deinit(&d->text);
	gs_emit_destroy(d->json);
}

int cmd_dmesg(struct gs_args *args)
{
	dumptool_autoinput struct dumptool_input in = {0};
	struct dmesg d = {0};
	struct gs_error *err = parse(&d, args);

	if (!err && gs_args_has(args, "json")) {
		d.json = gs_args_emit(args, true);
		err = d.json ? NULL : gs_error_nomem();
	}
	if (!err)
		err = dumptool_look(args, gs_args_count(args), &in);
	if (!err)
		err = run(&d, args, in.mem);
	if (!err && d.json)
		err = gs_emit_finish(d.json);
	deinit(&d);
	return gs_args_fail(args, err);
}
