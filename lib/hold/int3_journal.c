/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The journal as a file of JSON. */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/json.h>
#include <guestscope/base/text.h>

#include "int3_journal.h"

#define JOURNAL_MAX (1u << 20) /* bytes: paths of modules are the most of it */

void gs_int3_journal_deinit(struct gs_int3_journal *journal)
{
	for (size_t i = 0; i < journal->bytes.count; i++)
		gs_int3_mapping_deinit(&journal->mappings[i]);
	*journal = (struct gs_int3_journal){0};
}

/* ---- to a file ---- */

static struct gs_json *code_json(const struct gs_int3_byte *byte)
{
	char text[2 * GS_INT3_CODE_SIZE + 1];

	for (size_t i = 0; i < byte->code_size; i++)
		snprintf(text + 2 * i, 3, "%02x", byte->code[i]);
	return gs_json_new_string(text);
}

static struct gs_json *breakpoint_json(const struct gs_int3_byte *byte,
				       const struct gs_int3_mapping *mapping)
{
	struct gs_json *json = gs_json_new_object();

	if (json && gs_json_set(json, "address", gs_json_new_hex(byte->address)) &&
	    gs_json_set(json, "code", code_json(byte)) &&
	    gs_json_set(json, "module", gs_json_new_string(mapping->module)) &&
	    gs_json_set(json, "device", gs_json_new_string(mapping->device)) &&
	    gs_json_set(json, "inode", gs_json_new_u64(mapping->inode)) &&
	    gs_json_set(json, "offset", gs_json_new_hex(mapping->offset)))
		return json;
	gs_json_destroy(json);
	return NULL;
}

static struct gs_json *breakpoints_json(const struct gs_int3_journal *journal)
{
	struct gs_json *array = gs_json_new_array();
	bool ok = array;

	for (size_t i = 0; ok && i < journal->bytes.count; i++)
		ok = gs_json_append(
			array, breakpoint_json(&journal->bytes.bytes[i], &journal->mappings[i]));
	if (ok)
		return array;
	gs_json_destroy(array);
	return NULL;
}

static struct gs_json *id_json(const struct gs_proc_id *id)
{
	struct gs_json *json = gs_json_new_object();

	if (json && gs_json_set(json, "pid", gs_json_new_i64(id->pid)) &&
	    gs_json_set(json, "start", gs_json_new_u64(id->start)))
		return json;
	gs_json_destroy(json);
	return NULL;
}

char *gs_int3_journal_path(const char *dir, pid_t pid)
{
	return gs_strf("%s/%d.int3", dir, (int)pid);
}

struct gs_error *gs_int3_journal_write(const char *dir, const struct gs_int3_journal *journal)
{
	gs_autojson struct gs_json *json = id_json(&journal->process);
	gs_autofree char *path = gs_int3_journal_path(dir, journal->process.pid), *text = NULL;

	if (json && gs_json_set(json, "keeper", id_json(&journal->keeper)) &&
	    gs_json_set(json, "breakpoints", breakpoints_json(journal)))
		text = gs_json_print(json, GS_JSON_SPACED);
	if (!text || !path)
		return gs_error_nomem();
	return gs_file_replace(path, text, strlen(text));
}

void gs_int3_journal_remove(const char *dir, pid_t pid)
{
	gs_autofree char *path = gs_int3_journal_path(dir, pid);

	if (path)
		unlink(path);
}

/* ---- from a file ---- */

static struct gs_error *bad(const char *key)
{
	return gs_error_create(GS_ERROR_CORRUPT, "the journal has no right '%s'", key);
}

static struct gs_error *get_id(const struct gs_json *json, struct gs_proc_id *ret)
{
	uint64_t pid;

	if (!gs_json_u64(gs_json_get(json, "pid"), &pid) || pid == 0 || pid > INT_MAX)
		return bad("pid");
	ret->pid = (pid_t)pid;
	return gs_json_u64(gs_json_get(json, "start"), &ret->start) ? NULL : bad("start");
}

static struct gs_error *get_hex(const struct gs_json *json, const char *key, uint64_t *ret)
{
	const char *text = gs_json_string(gs_json_get(json, key));
	gs_autoerror struct gs_error *err = text ? gs_parse_u64(text, ret) : NULL;

	return text && !err ? NULL : bad(key);
}

static struct gs_error *get_code(const struct gs_json *json, struct gs_int3_byte *ret)
{
	const char *text = gs_json_string(gs_json_get(json, "code"));
	size_t size = text ? strlen(text) : 0;

	if (size < 2 || size % 2 || size > 2 * GS_INT3_CODE_SIZE ||
	    strspn(text, "0123456789abcdef") < size)
		return bad("code");
	ret->code_size = size / 2;
	for (size_t i = 0; i < ret->code_size; i++) {
		const char digits[3] = {text[2 * i], text[2 * i + 1]};

		ret->code[i] = (uint8_t)strtoul(digits, NULL, 16);
	}
	return NULL;
}

static struct gs_error *get_mapping(const struct gs_json *json, struct gs_int3_mapping *ret)
{
	const char *module = gs_json_string(gs_json_get(json, "module"));
	const char *device = gs_json_string(gs_json_get(json, "device"));

	if (!module)
		return bad("module");
	if (!device || strlen(device) >= sizeof(ret->device))
		return bad("device");
	if (!gs_json_u64(gs_json_get(json, "inode"), &ret->inode))
		return bad("inode");
	strcpy(ret->device, device);
	ret->module = strdup(module);
	return ret->module ? get_hex(json, "offset", &ret->offset) : gs_error_nomem();
}

static struct gs_error *get_breakpoints(const struct gs_json *array,
					struct gs_int3_journal *journal)
{
	struct gs_error *err = NULL;

	if (gs_json_type(array) != GS_JSON_ARRAY || gs_json_count(array) > GS_INT3_BYTES_MAX)
		return bad("breakpoints");
	gs_json_for_each (item, array) {
		size_t i = journal->bytes.count++;

		err = get_hex(item, "address", &journal->bytes.bytes[i].address);
		if (!err)
			err = get_code(item, &journal->bytes.bytes[i]);
		if (!err)
			err = get_mapping(item, &journal->mappings[i]);
		if (err)
			break;
	}
	return err;
}

struct gs_error *gs_int3_journal_parse(const char *text, size_t size, struct gs_int3_journal *ret)
{
	gs_autojson struct gs_json *json = NULL;
	struct gs_int3_journal journal = {0};
	struct gs_error *err = gs_json_parse(text, size, &json);

	if (!err)
		err = get_id(json, &journal.process);
	if (!err)
		err = get_id(gs_json_get(json, "keeper"), &journal.keeper);
	if (!err)
		err = get_breakpoints(gs_json_get(json, "breakpoints"), &journal);
	if (err)
		gs_int3_journal_deinit(&journal);
	else
		*ret = journal;
	return err;
}

struct gs_error *gs_int3_journal_read(const char *path, struct gs_int3_journal *ret)
{
	gs_autofree char *text = NULL;
	size_t size;
	struct gs_error *err = gs_read_file(path, JOURNAL_MAX, &text, &size);

	return err ? err : gs_error_wrap(gs_int3_journal_parse(text, size, ret), "%s", path);
}
