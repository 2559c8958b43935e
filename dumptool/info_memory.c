/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What info says of the pages: by class, by codec, and how much smaller they are in the file. */
#include <stdlib.h>

#include "info.h"

/* Beyond that, counting takes longer than who asks for the headers expects. */
#define COUNTED_MAX_BYTES (UINT64_C(64) << 30)

static const struct gs_emit_column class_columns[] = {
	{"class", "CLASS", false},      {"pages", "PAGES", true},
	{"size", "SIZE", true},         {"zero", "ZERO", true},
	{"excluded", "EXCLUDED", true}, {"unreadable", "UNREADABLE", true},
};

static const struct gs_emit_column codec_columns[] = {
	{"codec", "CODEC", false},  {"pages", "PAGES", true}, {"size", "SIZE", true},
	{"stored", "STORED", true}, {"ratio", "RATIO", true},
};

static uint64_t pages_of_class(const struct gs_page_tally *t, int class)
{
	uint64_t pages = 0;

	for (int state = 0; state < GS_PAGE_STATE_COUNT; state++)
		pages += t->pages[state][class];
	return pages;
}

static void emit_classes(struct gs_emit *e, const struct gs_survey *s)
{
	gs_emit_table(e, "classes", "By what the kernel uses them for", class_columns, 6);
	for (int class = 0; class <= GS_PAGE_CLASS_UNKNOWN; class ++) {
		uint64_t pages = pages_of_class(&s->total, class);

		if (!pages)
			continue;
		gs_emit_row(e);
		gs_emit_string(e, "class", "", gs_page_class_name((enum gs_page_class) class));
		gs_emit_u64(e, "pages", "", pages);
		gs_emit_bytes(e, "size", "", pages * s->page_size);
		gs_emit_u64(e, "zero", "", s->total.pages[GS_PAGE_STATE_ZERO][class]);
		gs_emit_u64(e, "excluded", "", s->total.pages[GS_PAGE_STATE_EXCLUDED][class]);
		gs_emit_u64(e, "unreadable", "", s->total.pages[GS_PAGE_STATE_UNREADABLE][class]);
	}
	gs_emit_end(e);
}

static double ratio(uint64_t pages, uint32_t page_size, uint64_t bytes)
{
	return bytes ? (double)pages * page_size / (double)bytes : 0;
}

static void emit_codecs(struct gs_emit *e, const struct gs_survey *s)
{
	uint64_t pages, bytes;

	gs_emit_table(e, "codecs", "Pages with data, as stored", codec_columns, 5);
	for (int codec = 0; codec < GS_CODEC_COUNT; codec++) {
		pages = s->total.codec_pages[codec];
		bytes = s->total.codec_bytes[codec];
		if (!pages)
			continue;
		gs_emit_row(e);
		gs_emit_string(e, "codec", "", gs_codec_info((enum gs_codec)codec)->name);
		gs_emit_u64(e, "pages", "", pages);
		gs_emit_bytes(e, "size", "", pages * s->page_size);
		gs_emit_bytes(e, "stored", "", bytes);
		gs_emit_double(e, "ratio", "", ratio(pages, s->page_size, bytes), 2);
	}
	gs_emit_end(e);
	gs_page_tally_stored(&s->total, &pages, &bytes);
	if (bytes)
		gs_emit_double(e, "compression_ratio", "Compression ratio",
			       ratio(pages, s->page_size, bytes), 2);
}

static void emit_states(struct gs_emit *e, const struct gs_survey *s, bool all_read)
{
	uint64_t states[GS_PAGE_STATE_COUNT], pages = 0;

	for (int state = 0; state < GS_PAGE_STATE_COUNT; state++) {
		states[state] = gs_page_tally_state(&s->total, (enum gs_page_state)state);
		pages += states[state];
	}
	gs_emit_u64(e, "count", "Pages", pages);
	gs_emit_bool(e, "all_read", NULL, all_read);
	gs_emit_u64(e, "data", all_read ? "With data" : "With data, or not read",
		    states[GS_PAGE_STATE_DATA]);
	gs_emit_u64(e, "zero", all_read ? "Zero" : "Known to be zero", states[GS_PAGE_STATE_ZERO]);
	gs_emit_u64(e, "excluded", "Excluded", states[GS_PAGE_STATE_EXCLUDED]);
	gs_emit_u64(e, "unreadable", "Unreadable", states[GS_PAGE_STATE_UNREADABLE]);
}

static struct gs_error *count(const struct gs_args *args, struct gs_memory *mem,
			      const struct gs_classifier *classes, struct gs_survey *ret)
{
	const struct gs_survey_options options = {.classes = classes,
						  .read_pages = gs_args_has(args, "pages"),
						  .progress = dumptool_progress()};
	struct gs_progress_bar *bar =
		gs_progress_bar_start(options.progress, "info", gs_args_quiet(args));
	struct gs_error *err = gs_survey(mem, &options, ret);

	gs_progress_bar_stop(bar);
	return err;
}

struct gs_error *info_emit_memory(const struct gs_args *args, struct gs_emit *e,
				  const struct dumptool_input *in)
{
	uint64_t bytes = gs_ranges_total_bytes(in->mem->ranges, in->mem->range_count);
	dumptool_autoclasses struct dumptool_classes classes = {0};
	gs_autosurvey struct gs_survey s = {0};
	struct gs_error *err;

	if (!gs_args_has(args, "pages") && (in->qmp || bytes > COUNTED_MAX_BYTES))
		return NULL;
	err = dumptool_open_classes(args, gs_args_has(args, "pages"), in->mem, &classes);
	if (!err)
		err = count(args, in->mem, classes.classifier, &s);
	if (err)
		return err;
	gs_emit_begin(e, "pages", "Pages");
	emit_states(e, &s, gs_args_has(args, "pages"));
	if (classes.classifier)
		emit_classes(e, &s);
	if (s.has_storage)
		emit_codecs(e, &s);
	gs_emit_end(e);
	return NULL;
}
