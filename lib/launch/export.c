/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The export of a binary: run, asked, put together, kept. */
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>
#include <guestscope/base/time.h>

#include "export.h"
#include "internal.h"

#define RUN_MS 30000
#define FORMAT 1
/*
 * What our part of a document ends with. It stands nowhere else before QEMU's part: what is
 * pretty-printed has no line that begins with a quote, and no string has a line end in it.
 */
#define HEAD "{\"guestscope\":\n"
#define MIDDLE ",\n\"dump\":\n"
#define TAIL "}\n"

void gs_export_deinit(struct gs_export *export)
{
	free(export->text);
	*export = (struct gs_export){0};
}

/* ---- the document ---- */

static struct gs_json *new_about(const char *binary)
{
	struct gs_json *about = gs_json_new_object();

	if (gs_json_set(about, "format", gs_json_new_u64(FORMAT)) &&
	    gs_json_set(about, "qemu", gs_json_new_object()) &&
	    gs_json_set(gs_json_get_mutable(about, "qemu"), "binary", gs_json_new_string(binary)) &&
	    gs_json_set(about, "notes", gs_json_new_array()))
		return about;
	gs_json_destroy(about);
	return NULL;
}

/* Takes @text. */
static bool add_note(struct gs_json *about, char *text)
{
	gs_autofree char *note = text;

	return note &&
	       gs_json_append(gs_json_get_mutable(about, "notes"), gs_json_new_string(note));
}

static bool note_missing(struct gs_json *about)
{
	const struct gs_json *missing = gs_json_path(about, "modules", "missing", NULL);
	gs_autotext struct gs_text text = {0};

	if (gs_json_count(missing) == 0)
		return true;
	gs_text_puts(&text,
		     "modules that QEMU did not find, so that their devices are missing here:");
	gs_json_for_each (name, missing)
		gs_text_printf(&text, " %s", gs_json_string(name));
	return !text.failed && add_note(about, strdup(text.data));
}

static struct gs_error *put_together(const struct gs_json *about, const struct gs_text *dump,
				     struct gs_export *ret)
{
	gs_autofree char *head = gs_json_print(about, GS_JSON_PRETTY);
	gs_autotext struct gs_text text = {0};
	size_t dump_off;

	if (!head)
		return gs_error_nomem();
	gs_text_puts(&text, HEAD);
	gs_text_puts(&text, head);
	gs_text_puts(&text, MIDDLE);
	dump_off = text.size;
	gs_text_append(&text, dump->data, dump->size);
	gs_text_puts(&text, TAIL);
	*ret = (struct gs_export){.size = text.size, .dump_off = dump_off, .dump_size = dump->size};
	return gs_text_finish(&text, &ret->text);
}

/* Whether @text is a document as put_together() makes them; takes it if so. */
static bool take_apart(char **text, size_t size, struct gs_export *ret)
{
	const size_t head = strlen(HEAD), middle = strlen(MIDDLE), tail = strlen(TAIL);
	const char *at;

	if (size < head + middle + tail || memcmp(*text, HEAD, head) != 0)
		return false;
	at = memmem(*text, size - tail, MIDDLE, middle);
	if (!at)
		return false;
	*ret = (struct gs_export){.size = size, .dump_off = (size_t)(at - *text) + middle};
	ret->dump_size = size - tail - ret->dump_off;
	ret->text = gs_take(*text);
	return true;
}

struct gs_error *gs_export_about(const struct gs_export *export, struct gs_json **ret)
{
	const size_t head = strlen(HEAD);

	return gs_json_parse(export->text + head, export->dump_off - strlen(MIDDLE) - head, ret);
}

/* ---- the binary ---- */

bool gs_export_is_binary(const char *path)
{
	gs_autoclose int fd = -1;
	struct stat st;
	char magic[4];

	/* Not even opened, if it is a fifo: who writes into that would lose its only reader. */
	if (stat(path, &st) < 0 || !S_ISREG(st.st_mode) || access(path, X_OK) < 0)
		return false;
	fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
	if (fd < 0 || gs_pread_full(fd, magic, sizeof(magic), 0) != (ssize_t)sizeof(magic))
		return false;
	return memcmp(magic, "\177ELF", 4) == 0 || memcmp(magic, "#!", 2) == 0;
}

/* The path to run and to know it by. A link stays: a program may go by its own name. */
static struct gs_error *find(const char *binary, char **ret)
{
	gs_autofree char *name = binary ? strdup(binary) : gs_launch_default_qemu();
	gs_autofree char *path = NULL, *folder = NULL;
	struct gs_error *err = name ? gs_program_find(name, &path) : gs_error_nomem();

	if (err)
		return err;
	if (*path != '/') {
		/* A folder of PATH may be relative, too. */
		folder = realpath(".", NULL);
		*ret = folder ? gs_strf("%s/%s", folder, strncmp(path, "./", 2) ? path : path + 2)
			      : NULL;
	} else {
		*ret = gs_take(path);
	}
	return *ret ? NULL : gs_error_nomem();
}

/* What QEMU said while it wrote, and that it says nothing about itself, are notes. */
static struct gs_error *ask(const char *binary, uint64_t timeout_ms, const char *words,
			    struct gs_json *about, bool *answered_ret)
{
	gs_autoerror struct gs_error *err = NULL;

	if (words[0] && !add_note(about, gs_strf("QEMU said: %s", words)))
		return gs_error_nomem();
	err = gs_export_ask(binary, timeout_ms, about);
	*answered_ret = !err;
	if (err && !add_note(about, gs_strf("nothing but the dump is known: %s", err->message)))
		return gs_error_nomem();
	return note_missing(about) ? NULL : gs_error_nomem();
}

static struct gs_error *make(const char *binary, const struct gs_export_options *options,
			     struct gs_export *ret)
{
	uint64_t timeout_ms = options->timeout_ms ? options->timeout_ms : RUN_MS;
	gs_autojson struct gs_json *about = new_about(binary), *stamps = gs_json_new_object();
	gs_autotext struct gs_text dump = {0};
	gs_autofree char *words = NULL;
	struct gs_error *err;
	bool answered = false;

	if (!about || !stamps || !gs_export_stamp(stamps, binary, NULL))
		return gs_error_nomem();
	err = gs_export_run(binary, gs_deadline_in(timeout_ms), &dump, &words);
	if (!err)
		err = ask(binary, timeout_ms, words, about, &answered);
	if (!err)
		err = put_together(about, &dump, ret);
	if (!err && options->cache_dir && answered &&
	    gs_json_path(about, "qemu", "program", NULL) && gs_export_stamp(stamps, binary, about))
		gs_export_keep(options->cache_dir, binary, stamps, ret->text, ret->size);
	return err;
}

struct gs_error *gs_export_binary(const char *binary, const struct gs_export_options *options,
				  struct gs_export *ret)
{
	gs_autofree char *path = NULL, *text = NULL;
	struct gs_error *err = find(binary, &path);
	size_t size = 0;

	if (err)
		return err;
	if (options->cache_dir)
		gs_export_recall(options->cache_dir, path, &text, &size);
	if (text && take_apart(&text, size, ret)) {
		ret->cached = true;
		return NULL;
	}
	return make(path, options, ret);
}
