/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the kernel in a dump, or in a live guest, tells of itself. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include <guestscope/linux.h>

#include "info.h"

#define NS_PER_S 1000000000

static const char *const uts_keys[GS_UTSNAME_FIELDS] = {"sysname", "nodename", "release",
							"version", "machine",  "domainname"};
static const char *const uts_labels[GS_UTSNAME_FIELDS] = {"System",  "Node",    "Release",
							  "Version", "Machine", "Domain"};

/* What the dump says, else the kernel; what stands in parentheses there is nobody's name. */
static void emit_utsname(struct gs_emit *e, const struct gs_attributes *attrs,
			 const struct gs_linux *l)
{
	for (int i = 0; i < GS_UTSNAME_FIELDS; i++) {
		const char *name = attrs->utsname[i];

		if (!*name && l && l->utsname[i][0] != '(')
			name = l->utsname[i];
		if (*name)
			gs_emit_string(e, uts_keys[i], uts_labels[i], name);
	}
}

static bool parse_number(const char *text, int base, uint64_t *ret)
{
	char *end;

	if (!text || !*text || *text == '-')
		return false;
	errno = 0;
	*ret = strtoull(text, &end, base);
	return !errno && !*end;
}

static void emit_vmcoreinfo(struct gs_emit *e, const struct gs_vmcoreinfo *v)
{
	const char *build_id = gs_vmcoreinfo_get(v, "BUILD-ID");
	char when[DUMPTOOL_TIME_TEXT];
	uint64_t number;

	gs_emit_string(e, "osrelease", "Kernel release", gs_vmcoreinfo_get(v, "OSRELEASE"));
	if (build_id)
		gs_emit_string(e, "build_id", "Build-id", build_id);
	if (parse_number(gs_vmcoreinfo_get(v, "KERNELOFFSET"), 16, &number))
		gs_emit_address(e, "kernel_offset", "KASLR offset", number);
	if (parse_number(gs_vmcoreinfo_get(v, "CRASHTIME"), 10, &number) && number <= INT64_MAX &&
	    dumptool_iso_time((int64_t)number, 0, false, when))
		gs_emit_string(e, "crash_time", "Panicked", when);
}

struct log_summary {
	uint64_t records, until_ns;
};

static struct gs_error *sum_up(void *arg, const struct gs_log_record *record)
{
	struct log_summary *summary = arg;

	summary->records++;
	if (record->has_timestamp && record->timestamp_ns > summary->until_ns)
		summary->until_ns = record->timestamp_ns;
	return NULL;
}

/* The guest was up for as long as its log reaches at least. */
static struct gs_error *emit_log(struct gs_emit *e, struct gs_linux *l)
{
	struct log_summary summary = {0};
	char text[64];
	struct gs_error *err = gs_linux_log(l, sum_up, &summary, NULL);

	if (err && gs_error_is_answer(err)) {
		gs_emit_string(e, "log_missing", "Log", err->message);
		gs_error_destroy(err);
		return NULL;
	}
	if (err)
		return err;
	gs_emit_u64(e, "log_records", NULL, summary.records);
	gs_emit_u64(e, "log_until_ns", NULL, summary.until_ns);
	snprintf(text, sizeof(text), "%" PRIu64 " records up to %" PRIu64 ".%06" PRIu64 " s",
		 summary.records, summary.until_ns / NS_PER_S, summary.until_ns % NS_PER_S / 1000);
	gs_emit_string(e, NULL, "Log", text);
	return NULL;
}

static struct gs_error *emit_boot_time(struct gs_emit *e, struct gs_linux *l)
{
	char when[DUMPTOOL_TIME_TEXT];
	int64_t ns;
	struct gs_error *err = gs_linux_boot_time(l, &ns);

	if (!err && dumptool_iso_time(ns / NS_PER_S, 0, false, when))
		gs_emit_string(e, "boot_time", "Booted", when);
	if (!err || !gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

static struct gs_error *emit_banner(struct gs_emit *e, struct gs_linux *l)
{
	gs_autofree char *banner = NULL;
	struct gs_error *err = gs_linux_banner(l, &banner);

	if (banner)
		gs_emit_string(e, "banner", "Banner", banner);
	if (!err || !gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return NULL;
}

static struct gs_error *emit_linux(struct gs_emit *e, struct gs_linux *l)
{
	struct gs_error *err;

	emit_vmcoreinfo(e, l->info);
	err = emit_banner(e, l);
	if (!err)
		err = emit_log(e, l);
	return err ? err : emit_boot_time(e, l);
}

/* A VMCOREINFO that does not fit the memory still tells of the kernel that wrote it. */
static struct gs_error *emit_unfit(struct gs_emit *e, const struct gs_attributes *attrs,
				   const char *why)
{
	GS_CLEANUP(gs_vmcoreinfo_destroy) struct gs_vmcoreinfo *v = NULL;
	struct gs_error *err = gs_vmcoreinfo_parse(attrs->vmcoreinfo, attrs->vmcoreinfo_size, &v);

	if (err)
		return err;
	emit_vmcoreinfo(e, v);
	gs_emit_string(e, "kernel_missing", "Kernel", why);
	return NULL;
}

struct gs_error *info_emit_kernel(struct gs_emit *e, struct gs_memory *mem)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	gs_autoerror struct gs_error *why = gs_linux_open(mem, &l);

	if (why && !gs_error_is_answer(why))
		return gs_take(why);
	if (l && l->arch == GS_ARCH_X86_64 && l->has_phys_base && !mem->attrs.has_phys_base)
		gs_emit_i64(e, "phys_base", "phys_base", l->phys_base);
	emit_utsname(e, &mem->attrs, l);
	gs_emit_bool(e, "vmcoreinfo", "VMCOREINFO", mem->attrs.vmcoreinfo);
	if (l)
		return emit_linux(e, l);
	return mem->attrs.vmcoreinfo ? emit_unfit(e, &mem->attrs, why->message) : NULL;
}
