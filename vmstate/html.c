/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Pages: the frame that all of them have, and the escaping of what is put into it. */
#include <errno.h>
#include <string.h>

#include "html.h"
#include "page.h"

#define NAME_SHOWN_MAX 120 /* bytes; real: 60 */

/* ---- foreign text ---- */

static void escape(struct gs_text *text, const char *foreign, size_t size)
{
	size_t done = 0;

	while (done < size) {
		size_t plain = strcspn(foreign + done, "&<>\"'");

		plain = plain < size - done ? plain : size - done;
		gs_text_append(text, foreign + done, plain);
		done += plain;
		if (done < size)
			gs_text_printf(text, "&#%d;", foreign[done++]);
	}
}

void html_puts(struct gs_text *text, const char *foreign)
{
	gs_autotext struct gs_text printable = {0};

	gs_text_puts_printable(&printable, foreign);
	if (printable.failed)
		text->failed = true;
	else
		escape(text, printable.data ? printable.data : "", printable.size);
}

void html_put_fact(struct gs_text *text, const char *name, const char *fact)
{
	if (!fact || !*fact)
		return;
	gs_text_printf(text, "<dt>%s</dt><dd>", name);
	html_puts(text, fact);
	gs_text_puts(text, "</dd>");
}

void html_name(struct gs_text *text, const char *foreign)
{
	size_t size = strnlen(foreign, NAME_SHOWN_MAX + 1);
	char name[NAME_SHOWN_MAX + sizeof("...")];

	if (size <= NAME_SHOWN_MAX) {
		html_puts(text, foreign);
		return;
	}
	size = NAME_SHOWN_MAX;
	/* Not in the middle of a character. */
	while (size && ((unsigned char)foreign[size] & 0xc0) == 0x80)
		size--;
	memcpy(name, foreign, size);
	strcpy(name + size, "...");
	html_puts(text, name);
}

void html_path(struct gs_text *text, const char *foreign)
{
	gs_autotext struct gs_text printable = {0};
	const char *step, *slash;

	gs_text_puts_printable(&printable, foreign);
	text->failed |= printable.failed;
	step = printable.failed || !printable.data ? "" : printable.data;
	for (; (slash = strchr(step, '/')); step = slash + 1) {
		escape(text, step, (size_t)(slash - step) + 1);
		gs_text_puts(text, "<wbr>");
	}
	escape(text, step, strlen(step));
}

void html_id(struct gs_text *text, const char *foreign)
{
	static const char allowed[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				      "0123456789-._";

	for (size_t i = 0; foreign[i] && i < NAME_SHOWN_MAX; i++)
		gs_text_printf(text, strchr(allowed, foreign[i]) ? "%c" : "_%02x",
			       (unsigned char)foreign[i]);
}

/* ---- tools ---- */

void html_tools(struct gs_text *text, const char *item, const char *row)
{
	gs_text_printf(text,
		       "<form class=\"tools\" id=\"tools\" role=\"search\" hidden>\n"
		       "<div class=\"bar\"><input type=\"search\" id=\"search\" "
		       "placeholder=\"Search\" aria-label=\"Search\" aria-keyshortcuts=\"/\" "
		       "autocomplete=\"off\" spellcheck=\"false\">"
		       "<button type=\"button\" id=\"expand\">Unfold all</button>"
		       "<button type=\"button\" id=\"collapse\">Fold all</button>"
		       "<output id=\"count\" data-item=\"%s\" data-row=\"%s\"></output></div>\n",
		       item, row);
}

void html_chips_begin(struct gs_text *text, const char *label)
{
	gs_text_printf(text, "<div class=\"chips\" role=\"group\" aria-label=\"%s\">\n", label);
}

void html_chip(struct gs_text *text, const char *kind, const char *style, size_t count)
{
	gs_text_printf(text,
		       "<button type=\"button\" class=\"chip %s\" data-kind=\"%s\" "
		       "aria-pressed=\"false\">%s <b>%zu</b></button>\n",
		       style, kind, kind, count);
}

void html_chips_end(struct gs_text *text)
{
	gs_text_puts(text, "</div>\n");
}

void html_tools_end(struct gs_text *text)
{
	gs_text_puts(text, "</form>\n");
}

/* ---- pages ---- */

struct gs_error *html_wanted(const struct gs_args *args, bool *ret)
{
	static const char *const only[] = {"output", "force"};
	bool wanted = gs_args_has(args, "html");

	if (wanted && gs_args_has(args, "json"))
		return gs_error_create(GS_ERROR_INVALID, "--html and --json are two formats");
	for (size_t i = 0; !wanted && i < sizeof(only) / sizeof(*only); i++) {
		if (gs_args_has(args, only[i]))
			return gs_error_create(GS_ERROR_INVALID, "--%s wants --html", only[i]);
	}
	*ret = wanted;
	return NULL;
}

/* The policy is the second wall: even markup that got through could not fetch or send anything. */
static void put_head(struct gs_text *text, const char *title)
{
	gs_text_puts(text,
		     "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
		     "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; "
		     "style-src 'unsafe-inline'; script-src 'unsafe-inline'; base-uri 'none'; "
		     "form-action 'none'\">\n"
		     "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
		     "<meta name=\"color-scheme\" content=\"light dark\">\n"
		     "<meta name=\"generator\" content=\"vmstate " GS_VERSION "\">\n<title>");
	html_puts(text, title);
	gs_text_puts(text, "</title>\n<style>\n");
	gs_text_puts(text, page_css);
	gs_text_puts(text, "</style>\n</head>\n<body>\n");
}

struct gs_error *html_begin(const struct gs_args *args, const char *title, struct html *ret)
{
	const char *output = gs_args_get(args, "output");
	struct gs_error *err =
		gs_outfile_open(output ? output : "-",
				gs_args_has(args, "force") ? GS_OUTFILE_FORCE : 0, &ret->file);

	if (!err)
		put_head(&ret->text, title);
	return err;
}

struct gs_error *html_end(struct html *page)
{
	const struct gs_text *text = &page->text;

	gs_text_puts(&page->text,
		     "<footer>Written by vmstate " GS_VERSION ".</footer>\n<script>\n");
	gs_text_puts(&page->text, page_js);
	gs_text_puts(&page->text, "</script>\n</body>\n</html>\n");
	if (text->failed)
		return gs_error_nomem();
	if (gs_write_full(gs_outfile_fd(page->file), text->data, text->size) < 0)
		return gs_error_os(errno, "%s", gs_outfile_path(page->file));
	return gs_outfile_commit(page->file);
}

void html_deinit(struct html *page)
{
	gs_outfile_destroy(page->file);
	gs_text_deinit(&page->text);
}
