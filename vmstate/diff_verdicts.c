/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What check says of the devices of a diff, for its page. */
#include <stdlib.h>
#include <string.h>

#include "diff_html.h"

#define FINDINGS_MAX 40 /* of a device; real: 10 */

static const char *const arrows[] = {"\u2192", "\u2190"};

/* ---- judging ---- */

static const char *type_of(const struct check_device *device)
{
	return device->is.type_before ? device->is.type_before : device->is.type_after;
}

static int by_type(const void *a, const void *b)
{
	return strcmp(type_of(*(const struct check_device *const *)a),
		      type_of(*(const struct check_device *const *)b));
}

static struct gs_error *sort(struct diff_verdicts *verdicts)
{
	const struct check *check = &verdicts->check;

	verdicts->sorted = calloc(check->device_count + 1, sizeof(*verdicts->sorted));
	if (!verdicts->sorted)
		return gs_error_nomem();
	for (size_t i = 0; i < check->device_count; i++) {
		if (type_of(&check->devices[i]))
			verdicts->sorted[verdicts->count++] = &check->devices[i];
	}
	qsort(verdicts->sorted, verdicts->count, sizeof(*verdicts->sorted), by_type);
	return NULL;
}

struct gs_error *diff_judge(const struct diff *diff, struct diff_verdicts *ret)
{
	struct gs_error *err;

	ret->options = (struct check_options){
		.library = {.used_count = diff->used.count,
			    .about_before = diff->before.about,
			    .about_after = diff->after.about},
		.directions = {true, true},
		.fail_on = GS_VERDICT_COUNT,
	};
	if (diff->used.count)
		ret->options.library.used = (const char *const *)diff->used.names;
	ret->check = (struct check){.args = diff->used.count ? NULL : diff->args,
				    .before = &diff->before,
				    .after = &diff->after,
				    .options = &ret->options};
	err = check_collect(&ret->check);
	ret->is_known = !err;
	/* A page is worth something without them. */
	if (err && err->code == GS_ERROR_UNSUPPORTED) {
		gs_error_destroy(err);
		return NULL;
	}
	return err ? err : sort(ret);
}

void diff_verdicts_deinit(struct diff_verdicts *verdicts)
{
	check_deinit(&verdicts->check);
	free(verdicts->sorted);
}

const struct check_device *diff_verdict(const struct diff_verdicts *verdicts,
					const struct gs_devstate_device *before,
					const struct gs_devstate_device *after)
{
	const struct check_device key = {.is = {.type_before = before ? before->type : NULL,
						.type_after = after ? after->type : NULL}};
	const struct check_device *wanted = &key, **found = NULL;

	if (verdicts->count)
		found = bsearch(&wanted, verdicts->sorted, verdicts->count,
				sizeof(*verdicts->sorted), by_type);
	return found ? *found : NULL;
}

bool diff_is_judged(const struct check_device *device, int direction)
{
	return direction == GS_CHECK_FORWARD ? device->is.type_before != NULL
					     : device->is.type_after != NULL;
}

/* ---- badges ---- */

static const char *verdict_name(const struct check_device *device, int direction)
{
	return gs_verdict_name(device->is.directions[direction].verdict);
}

void diff_put_verdict_kinds(struct gs_text *text, const struct check_device *device)
{
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (diff_is_judged(device, d))
			gs_text_printf(text, " %s-%s",
				       gs_check_direction_name((enum gs_check_direction)d),
				       verdict_name(device, d));
	}
}

static void put_badge(struct gs_text *text, const char *verdict, const char *arrow,
		      const char *direction)
{
	gs_text_printf(text, "<span class=\"badge verdict-%s\" title=\"%s\">%s %s</span>", verdict,
		       direction, arrow, verdict);
}

void diff_put_badges(struct gs_text *text, const struct check_device *device)
{
	static const char *const titles[] = {"before saves, after loads",
					     "after saves, before loads"};

	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++) {
		if (diff_is_judged(device, d))
			put_badge(text, verdict_name(device, d), arrows[d], titles[d]);
	}
}

/* ---- sentences ---- */

struct findings {
	const struct check_finding *findings;
	size_t count;
};

static bool is_same(const struct gs_check_finding *a, const struct gs_check_finding *b)
{
	return a->direction != b->direction && a->verdict == b->verdict && !a->condition.count &&
	       !b->condition.count && a->offset.certainty == b->offset.certainty &&
	       a->offset.bytes == b->offset.bytes && strcmp(a->path, b->path) == 0 &&
	       strcmp(a->text, b->text) == 0;
}

/* The same in the other direction; NULL: none. */
static const struct check_finding *find_twin(struct findings list,
					     const struct check_finding *finding)
{
	for (size_t i = 0; i < list.count; i++) {
		if (is_same(&list.findings[i].is, &finding->is))
			return &list.findings[i];
	}
	return NULL;
}

static void put_finding(struct gs_text *text, const struct gs_check_finding *finding, bool both)
{
	gs_autotext struct gs_text place = {0}, sentence = {0};

	gs_text_puts(text, "<li>");
	put_badge(text, gs_verdict_name(finding->verdict),
		  both ? "\u2194" : arrows[finding->direction],
		  both ? "both ways" : gs_check_direction_name(finding->direction));
	put_place(&place, finding);
	put_sentence(&sentence, finding, &finding->condition);
	text->failed |= place.failed || sentence.failed;
	if (place.size) {
		gs_text_puts(text, " <span class=\"name\">");
		html_path(text, place.data);
		gs_text_puts(text, "</span>:");
	}
	gs_text_puts(text, " ");
	html_puts(text, sentence.data ? sentence.data : "");
	gs_text_puts(text, "</li>\n");
}

/* Where several of them count, what it all hangs on. */
static void put_together(struct gs_text *text, const struct diff_verdicts *verdicts,
			 const struct check_device *device, int direction)
{
	const struct gs_condition *condition = &device->is.directions[direction].condition;
	gs_autotext struct gs_text sentence = {0};
	size_t count = 0;

	for (size_t i = device->first; i < device->first + device->count; i++) {
		const struct gs_check_finding *finding = &verdicts->check.findings[i].is;

		count += (int)finding->direction == direction && finding->verdict > GS_VERDICT_INFO;
	}
	if (count < 2 || !condition->count)
		return;
	put_broken_if(&sentence, condition);
	text->failed |= sentence.failed;
	gs_text_puts(text, "<li>");
	put_badge(text, verdict_name(device, direction), arrows[direction],
		  gs_check_direction_name((enum gs_check_direction)direction));
	gs_text_puts(text, " All together:");
	html_puts(text, sentence.data ? sentence.data : "");
	gs_text_puts(text, "</li>\n");
}

void diff_put_findings(struct gs_text *text, const struct diff_verdicts *verdicts,
		       const struct check_device *device)
{
	struct findings list = {verdicts->check.findings + device->first, device->count};
	size_t left_out = list.count > FINDINGS_MAX ? list.count - FINDINGS_MAX : 0;

	if (!list.count)
		return;
	list.count -= left_out;
	gs_text_puts(text, "<ul class=\"findings\">\n");
	for (size_t i = 0; i < list.count; i++) {
		const struct check_finding *finding = &list.findings[i];
		const struct check_finding *twin = find_twin(list, finding);

		if (!twin || twin > finding)
			put_finding(text, &finding->is, twin != NULL);
	}
	for (int d = 0; d < GS_CHECK_DIRECTIONS; d++)
		put_together(text, verdicts, device, d);
	if (left_out)
		gs_text_printf(text, "<li>%zu more are left out.</li>\n", left_out);
	gs_text_puts(text, "</ul>\n");
}
