/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The table of symbols: filled in any order, sorted when it is first asked. */
#include <guestscope/symbols.h>

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define NEAR_BYTES (UINT64_C(1) << 20)
#define NAMES_MAX_BYTES (UINT32_C(256) << 20)

struct entry {
	uint64_t address;
	uint32_t name_off;
	char type;
};

struct gs_symbols {
	struct entry *entries;
	size_t count, capacity;
	struct gs_text names; /* each with its NUL */
	uint64_t offset;
	bool sorted;
	uint64_t lowest_text; /* valid if sorted */
};

struct gs_error *gs_symbols_create(struct gs_symbols **ret)
{
	struct gs_symbols *symbols = calloc(1, sizeof(*symbols));

	if (!symbols)
		return gs_error_nomem();
	*ret = symbols;
	return NULL;
}

void gs_symbols_destroy(struct gs_symbols *symbols)
{
	if (!symbols)
		return;
	gs_text_deinit(&symbols->names);
	free(symbols->entries);
	free(symbols);
}

static struct gs_error *make_room(struct gs_symbols *symbols)
{
	size_t capacity = symbols->capacity ? symbols->capacity * 2 : 1024;
	struct entry *entries;

	if (symbols->count >= GS_SYMBOLS_MAX || symbols->names.size >= NAMES_MAX_BYTES)
		return gs_error_create(GS_ERROR_CORRUPT, "too many symbols: %zu with %zu bytes",
				       symbols->count, symbols->names.size);
	if (symbols->count < symbols->capacity)
		return NULL;
	entries = reallocarray(symbols->entries, capacity, sizeof(*entries));
	if (!entries)
		return gs_error_nomem();
	symbols->entries = entries;
	symbols->capacity = capacity;
	return NULL;
}

struct gs_error *gs_symbols_add(struct gs_symbols *symbols, const char *name, size_t name_size,
				uint64_t address, char type)
{
	struct gs_error *err = make_room(symbols);
	uint32_t name_off = (uint32_t)symbols->names.size;

	if (err)
		return err;
	if (name_size > GS_SYMBOL_NAME_MAX)
		name_size = GS_SYMBOL_NAME_MAX;
	gs_text_append(&symbols->names, name, name_size);
	gs_text_append(&symbols->names, "", 1);
	if (symbols->names.failed)
		return gs_error_nomem();
	symbols->entries[symbols->count++] = (struct entry){address, name_off, type};
	symbols->sorted = false;
	return NULL;
}

size_t gs_symbols_count(const struct gs_symbols *symbols)
{
	return symbols->count;
}

void gs_symbols_set_offset(struct gs_symbols *symbols, uint64_t offset)
{
	symbols->offset = offset;
}

/* Whom people know better comes later: global ones, names without underscores, short ones. */
static int compare_fame(const struct gs_symbols *symbols, const struct entry *a,
			const struct entry *b)
{
	const char *name_a = symbols->names.data + a->name_off;
	const char *name_b = symbols->names.data + b->name_off;
	size_t underscores_a = strspn(name_a, "_"), underscores_b = strspn(name_b, "_");
	bool global_a = isupper((unsigned char)a->type), global_b = isupper((unsigned char)b->type);

	if (global_a != global_b)
		return global_a ? 1 : -1;
	if (underscores_a != underscores_b)
		return underscores_a < underscores_b ? 1 : -1;
	if (strlen(name_a) != strlen(name_b))
		return strlen(name_a) < strlen(name_b) ? 1 : -1;
	return -strcmp(name_a, name_b);
}

static int compare_entries(const void *a, const void *b, void *arg)
{
	const struct entry *x = a, *y = b;

	if (x->address != y->address)
		return x->address < y->address ? -1 : 1;
	return compare_fame(arg, x, y);
}

static void sort(struct gs_symbols *symbols)
{
	if (symbols->sorted)
		return;
	if (symbols->count)
		qsort_r(symbols->entries, symbols->count, sizeof(*symbols->entries),
			compare_entries, symbols);
	symbols->lowest_text = 0;
	for (size_t i = 0; i < symbols->count; i++) {
		if (toupper((unsigned char)symbols->entries[i].type) == 'T') {
			symbols->lowest_text = symbols->entries[i].address;
			break;
		}
	}
	symbols->sorted = true;
}

static bool is_place(const struct gs_symbols *symbols, const struct entry *entry)
{
	return toupper((unsigned char)entry->type) != 'A' && entry->address >= symbols->lowest_text;
}

static void fill(const struct gs_symbols *symbols, const struct entry *entry, struct gs_symbol *ret)
{
	*ret = (struct gs_symbol){
		.name = symbols->names.data + entry->name_off,
		.address = entry->address + (is_place(symbols, entry) ? symbols->offset : 0),
		.type = entry->type,
	};
}

/* How many entries lie at or below @linked: binary search. */
static size_t count_up_to(const struct gs_symbols *symbols, uint64_t linked)
{
	size_t low = 0, high = symbols->count;

	while (low < high) {
		size_t middle = low + (high - low) / 2;

		if (symbols->entries[middle].address <= linked)
			low = middle + 1;
		else
			high = middle;
	}
	return low;
}

bool gs_symbols_at(struct gs_symbols *symbols, uint64_t address, struct gs_symbol *ret)
{
	uint64_t linked = address - symbols->offset;

	sort(symbols);
	for (size_t i = count_up_to(symbols, linked); i-- > 0;) {
		const struct entry *entry = &symbols->entries[i];

		if (linked - entry->address >= NEAR_BYTES)
			return false;
		if (is_place(symbols, entry)) {
			fill(symbols, entry, ret);
			return true;
		}
	}
	return false;
}

bool gs_symbols_find(struct gs_symbols *symbols, const char *name, struct gs_symbol *ret)
{
	sort(symbols);
	for (size_t i = symbols->count; i-- > 0;) {
		const struct entry *entry = &symbols->entries[i];

		if (strcmp(symbols->names.data + entry->name_off, name) == 0) {
			fill(symbols, entry, ret);
			return true;
		}
	}
	return false;
}
