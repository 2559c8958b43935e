/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * verify on whatever bytes: its findings do not depend on the number of threads, and a file in
 * which it finds no error can be opened and holds the memory that it summed.
 */
#include <assert.h>
#include <string.h>

#include <guestscope/dump.h>
#include <guestscope/job.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct findings {
	uint64_t count[GS_SEVERITY_ERROR + 1];
	uint64_t digest; /* of all of them, in their order */
};

static void add_finding(void *arg, const struct gs_finding *finding)
{
	struct findings *f = arg;

	assert(finding->severity <= GS_SEVERITY_ERROR);
	assert(finding->code[0] && finding->text[0]);
	f->count[finding->severity]++;
	f->digest = f->digest * 31 + (finding->has_offset ? finding->offset : 1);
	for (const char *c = finding->text; *c; c++)
		f->digest = f->digest * 31 + (uint8_t)*c;
}

/* Whether the file could be judged at all. */
static bool judge(struct gs_blob *blob, unsigned int threads, struct findings *f,
		  struct gs_verify_result *ret)
{
	struct gs_verify options = {
		.sum = true, .threads = threads, .finding = add_finding, .arg = f};
	gs_autoerror struct gs_error *err = gs_verify_blob(blob, &options, ret);

	assert(!err || strstr(err->message, "input: ") == err->message);
	return !err;
}

static void check_counts(const struct findings *f, const struct gs_verify_result *r)
{
	assert(!f->count[GS_SEVERITY_ERROR] == !r->errors);
	assert(!f->count[GS_SEVERITY_WARNING] == !r->warnings);
	assert(r->pages_readable >= r->pages_zero);
	assert(r->errors || r->pages_declared == r->pages_readable + r->pages_lost +
							 r->sum.excluded_pages);
}

static void check_memory(const uint8_t *data, size_t size, const struct gs_verify_result *r)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL;
	struct gs_memory_sum sum = {0};
	struct gs_blob *blob;

	assert(!gs_blob_from_buffer("input", data, size, &blob));
	assert(!gs_dump_open_blob(blob, NULL, &mem));
	assert(!gs_sum_memory(mem, 1, NULL, &sum));
	assert(sum.units == r->sum.units);
	assert(sum.hash_hi == r->sum.hash_hi && sum.hash_lo == r->sum.hash_lo);
	if (strcmp(gs_dump_facts(mem)->format, "kdump") == 0)
		assert(sum.excluded_pages == r->sum.excluded_pages + r->pages_lost);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	GS_CLEANUP(gs_blob_destroy) struct gs_blob *blob = NULL;
	struct gs_verify_result result = {0}, again = {0};
	struct findings findings = {0}, twice = {0};

	assert(!gs_blob_from_buffer("input", data, size, &blob));
	if (!judge(blob, 1, &findings, &result))
		return 0;
	assert(judge(blob, 3, &twice, &again));
	assert(memcmp(&result, &again, sizeof(result)) == 0);
	assert(memcmp(&findings, &twice, sizeof(findings)) == 0);
	check_counts(&findings, &result);
	if (result.errors == 0)
		check_memory(data, size, &result);
	return 0;
}
