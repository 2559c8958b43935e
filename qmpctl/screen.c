/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A terminal whose last lines are drawn over, and bars. */
#include <errno.h>
#include <langinfo.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <guestscope/base/text.h>

#include "live.h"

bool screen_is_live(const struct gs_args *args)
{
	const char *term = getenv("TERM");

	return !gs_args_has(args, "json") && isatty(STDOUT_FILENO) && term && *term &&
	       strcmp(term, "dumb") != 0;
}

struct gs_emit *screen_begin(const struct gs_args *args, struct screen *screen)
{
	screen->file = open_memstream(&screen->text, &screen->size);
	return screen->file ? gs_emit_create(screen->file, GS_EMIT_TEXT, gs_args_color(args))
			    : NULL;
}

/* All but one, where the cursor comes to rest: a terminal that scrolls cannot be drawn over. */
static unsigned int height(void)
{
	struct winsize size;

	if (ioctl(STDOUT_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_row < 2)
		return 23;
	return size.ws_row - 1;
}

/* Without wrapping at the right edge; what is left of longer lines and of more lines is erased. */
static void compose(struct screen *screen, struct gs_text *out)
{
	unsigned int lines = 0, max = height();

	gs_text_puts(out, "\033[?7l\r");
	if (screen->lines)
		gs_text_printf(out, "\033[%uA", screen->lines < max ? screen->lines : max);
	for (const char *line = screen->text; *line && lines < max; lines++) {
		size_t size = strcspn(line, "\n");

		gs_text_append(out, line, size);
		gs_text_puts(out, "\033[K\n");
		line += size + (line[size] == '\n');
	}
	gs_text_puts(out, "\033[J\033[?7h");
	screen->lines = lines;
}

struct gs_error *screen_draw(struct screen *screen, struct gs_emit *e)
{
	struct gs_error *err = gs_emit_finish(e);
	gs_autotext struct gs_text out = {0};
	bool closed;

	gs_emit_destroy(e);
	closed = !screen->file || fclose(screen->file) == 0;
	screen->file = NULL;
	if (!err && closed && screen->text)
		compose(screen, &out);
	free(gs_take(screen->text));
	if (!err && (!closed || out.failed))
		err = gs_error_nomem();
	if (err)
		return err;
	if (fwrite(out.data, 1, out.size, stdout) != out.size || fflush(stdout) != 0)
		return gs_error_os(errno, "output");
	return NULL;
}

char *draw_bar(double share, char buf[BAR_TEXT])
{
	/* From one eighth of a column to all of it. */
	static const char *const blocks[] = {"▏", "▎", "▍", "▌", "▋", "▊", "▉", "█"};
	bool utf8 = strcmp(nl_langinfo(CODESET), "UTF-8") == 0;
	unsigned int eighths;
	char *end = buf;

	share = share > 1 ? 1 : share > 0 ? share : 0;
	eighths = (unsigned int)(share * BAR_WIDTH * 8 + 0.5);
	if (share > 0 && !eighths)
		eighths = 1; /* little is not nothing */
	if (!utf8)
		eighths = (eighths + 7) / 8 * 8;
	for (; eighths; eighths -= eighths < 8 ? eighths : 8)
		end = stpcpy(end, utf8 ? blocks[(eighths < 8 ? eighths : 8) - 1] : "#");
	*end = '\0';
	return buf;
}
