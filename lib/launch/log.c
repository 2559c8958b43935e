/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The end of a log, fit for an error message. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>

#include "internal.h"

#define LAST_WORDS_MAX 1024 /* bytes */
#define LAST_LINES_MAX 16

/* The last bytes of the file, NUL-terminated, from the start of a line unless one line is all. */
static void read_tail(const char *path, char tail[LAST_WORDS_MAX + 1])
{
	gs_autoclose int fd = open(path, O_RDONLY | O_CLOEXEC);
	struct stat st;
	ssize_t size = 0;
	off_t off = 0;
	char *line_end;

	if (fd >= 0 && fstat(fd, &st) == 0) {
		off = st.st_size > LAST_WORDS_MAX ? st.st_size - LAST_WORDS_MAX : 0;
		size = gs_pread_full(fd, tail, LAST_WORDS_MAX, (uint64_t)off);
	}
	tail[size > 0 ? size : 0] = '\0';
	line_end = off > 0 ? strchr(tail, '\n') : NULL;
	if (line_end && line_end[1])
		memmove(tail, line_end + 1, strlen(line_end));
}

char *gs_log_words(char *text, size_t max_lines)
{
	gs_autotext struct gs_text words = {0};
	char *lines[LAST_LINES_MAX], *line, *save, *ret;
	size_t count = 0, i;

	for (line = strtok_r(text, "\r\n", &save); line; line = strtok_r(NULL, "\r\n", &save)) {
		if (strspn(line, " \t") < strlen(line))
			lines[count++ % LAST_LINES_MAX] = line;
	}
	if (max_lines > LAST_LINES_MAX)
		max_lines = LAST_LINES_MAX;
	for (i = count > max_lines ? count - max_lines : 0; i < count; i++)
		gs_text_printf(&words, "%s%s", words.size ? "; " : "", lines[i % LAST_LINES_MAX]);
	gs_autoerror struct gs_error *err = gs_text_finish(&words, &ret);
	return err ? NULL : ret;
}

char *gs_log_last_words(const char *path, size_t max_lines)
{
	char tail[LAST_WORDS_MAX + 1];

	read_tail(path, tail);
	return gs_log_words(tail, max_lines);
}
