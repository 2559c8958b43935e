/* SPDX-License-Identifier: GPL-2.0-or-later */
/* VMCOREINFO: the text in which a kernel tells dump tools its symbols and struct layouts. */
#include <guestscope/linux.h>

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define LINES_MAX 65536 /* a kernel's text has about 150 */

struct line {
	const char *key;
	const char *value;
	size_t order; /* position in the text: of equal keys the first one counts */
};

struct gs_vmcoreinfo {
	char *text;
	struct line *lines; /* sorted by key */
	size_t count;
};

static int compare_lines(const void *a, const void *b)
{
	const struct line *x = a, *y = b;
	int order = strcmp(x->key, y->key);

	if (order)
		return order;
	return x->order < y->order ? -1 : x->order > y->order;
}

/* Cut "key=value\n" lines in place; lines without '=' and what follows a NUL are skipped. */
static size_t split_lines(char *text, struct line *lines, size_t capacity)
{
	size_t count = 0;
	char *save = NULL;

	for (char *row = strtok_r(text, "\n", &save); row && count < capacity;
	     row = strtok_r(NULL, "\n", &save)) {
		char *equals = strchr(row, '=');

		if (!equals || equals == row)
			continue;
		*equals = '\0';
		lines[count] = (struct line){.key = row, .value = equals + 1, .order = count};
		count++;
	}
	return count;
}

static size_t count_newlines(const char *text, size_t size)
{
	size_t count = 1;

	for (const char *p = text; (p = memchr(p, '\n', size - (size_t)(p - text))); p++)
		count++;
	return count < LINES_MAX ? count : LINES_MAX;
}

struct gs_error *gs_vmcoreinfo_parse(const char *text, size_t size, struct gs_vmcoreinfo **ret)
{
	GS_CLEANUP(gs_vmcoreinfo_destroy) struct gs_vmcoreinfo *v = NULL;
	size_t capacity;

	if (size > GS_VMCOREINFO_MAX_BYTES)
		return gs_error_create(GS_ERROR_CORRUPT, "vmcoreinfo: %zu bytes, at most %u", size,
				       GS_VMCOREINFO_MAX_BYTES);
	capacity = count_newlines(text, size);
	v = calloc(1, sizeof(*v));
	if (!v)
		return gs_error_nomem();
	v->text = strndup(text, size);
	v->lines = calloc(capacity, sizeof(*v->lines));
	if (!v->text || !v->lines)
		return gs_error_nomem();
	v->count = split_lines(v->text, v->lines, capacity);
	qsort(v->lines, v->count, sizeof(*v->lines), compare_lines);
	*ret = gs_take(v);
	return NULL;
}

void gs_vmcoreinfo_destroy(struct gs_vmcoreinfo *v)
{
	if (!v)
		return;
	free(v->text);
	free(v->lines);
	free(v);
}

const char *gs_vmcoreinfo_get(const struct gs_vmcoreinfo *v, const char *key)
{
	size_t low = 0, high = v->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (strcmp(v->lines[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == v->count || strcmp(v->lines[low].key, key) != 0)
		return NULL;
	return v->lines[low].value;
}

static const char *get_of_kind(const struct gs_vmcoreinfo *v, const char *kind, const char *name)
{
	gs_autofree char *key = gs_strf("%s(%s)", kind, name);

	return key ? gs_vmcoreinfo_get(v, key) : NULL;
}

/* strtoull() would also take blanks and a sign. */
static bool parse_unsigned(const char *text, int base, uint64_t *ret)
{
	unsigned long long value;
	char *end;

	if (!text || !isxdigit((unsigned char)*text))
		return false;
	errno = 0;
	value = strtoull(text, &end, base);
	if (errno || *end)
		return false;
	*ret = value;
	return true;
}

bool gs_vmcoreinfo_symbol(const struct gs_vmcoreinfo *v, const char *name, uint64_t *vaddr_ret)
{
	return parse_unsigned(get_of_kind(v, "SYMBOL", name), 16, vaddr_ret);
}

bool gs_vmcoreinfo_count(const struct gs_vmcoreinfo *v, const char *kind, const char *name,
			 uint64_t *ret)
{
	return parse_unsigned(get_of_kind(v, kind, name), 10, ret);
}

bool gs_vmcoreinfo_number(const struct gs_vmcoreinfo *v, const char *name, int64_t *ret)
{
	const char *text = get_of_kind(v, "NUMBER", name);
	bool is_hex = text && strncmp(text, "0x", 2) == 0;
	bool is_negative = text && *text == '-';
	uint64_t value;

	if (!parse_unsigned(is_negative ? text + 1 : text, is_hex ? 16 : 10, &value))
		return false;
	if (!is_hex && value > (uint64_t)INT64_MAX + is_negative)
		return false;
	*ret = (int64_t)(is_negative ? -value : value);
	return true;
}
