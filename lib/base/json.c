/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The tree: reading and building values. */
#include <guestscope/base/json.h>

#include <errno.h>
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#include "json_node.h"
#include "utf8.h"

cJSON *gs_json_node_create(int type, char *string)
{
	cJSON *node = string ? cJSON_CreateNull() : NULL;

	if (!node) {
		cJSON_free(string);
		return NULL;
	}
	node->type = type;
	node->valuestring = string;
	return node;
}

char *gs_json_node_strdup(const char *string, size_t size)
{
	char *copy = cJSON_malloc(size + 1);

	if (copy) {
		memcpy(copy, string, size);
		copy[size] = '\0';
	}
	return copy;
}

void gs_json_destroy(struct gs_json *value)
{
	cJSON_Delete(gs_json_node_mutable(value));
}

enum gs_json_type gs_json_type(const struct gs_json *value)
{
	switch (value ? gs_json_node(value)->type : cJSON_NULL) {
	case cJSON_False:
	case cJSON_True:
		return GS_JSON_BOOL;
	case cJSON_Raw:
		return GS_JSON_NUMBER;
	case cJSON_String:
		return GS_JSON_STRING;
	case cJSON_Array:
		return GS_JSON_ARRAY;
	case cJSON_Object:
		return GS_JSON_OBJECT;
	default:
		return GS_JSON_NULL;
	}
}

const char *gs_json_type_name(enum gs_json_type type)
{
	static const char *const names[] = {
		[GS_JSON_NULL] = "null",     [GS_JSON_BOOL] = "boolean",
		[GS_JSON_NUMBER] = "number", [GS_JSON_STRING] = "string",
		[GS_JSON_ARRAY] = "array",   [GS_JSON_OBJECT] = "object",
	};

	return names[type];
}

const struct gs_json *gs_json_get(const struct gs_json *object, const char *key)
{
	if (gs_json_type(object) != GS_JSON_OBJECT)
		return NULL;
	return gs_json_value(cJSON_GetObjectItemCaseSensitive(gs_json_node(object), key));
}

struct gs_json *gs_json_get_mutable(struct gs_json *object, const char *key)
{
	return (struct gs_json *)gs_json_get(object, key);
}

const struct gs_json *gs_json_path(const struct gs_json *value, ...)
{
	const char *key;
	va_list ap;

	va_start(ap, value);
	while ((key = va_arg(ap, const char *)))
		value = gs_json_get(value, key);
	va_end(ap);
	return value;
}

const struct gs_json *gs_json_at(const struct gs_json *array, size_t index)
{
	const struct gs_json *item = NULL;

	if (gs_json_type(array) == GS_JSON_ARRAY)
		item = gs_json_first(array);
	while (item && index--)
		item = gs_json_next(item);
	return item;
}

size_t gs_json_count(const struct gs_json *container)
{
	size_t count = 0;

	gs_json_for_each (item, container)
		count++;
	return count;
}

const struct gs_json *gs_json_first(const struct gs_json *container)
{
	return container ? gs_json_value(gs_json_node(container)->child) : NULL;
}

const struct gs_json *gs_json_next(const struct gs_json *item)
{
	return item ? gs_json_value(gs_json_node(item)->next) : NULL;
}

const char *gs_json_key(const struct gs_json *item)
{
	return item ? gs_json_node(item)->string : NULL;
}

const char *gs_json_string(const struct gs_json *value)
{
	return gs_json_type(value) == GS_JSON_STRING ? gs_json_node(value)->valuestring : NULL;
}

const char *gs_json_number_text(const struct gs_json *value)
{
	return gs_json_type(value) == GS_JSON_NUMBER ? gs_json_node(value)->valuestring : NULL;
}

bool gs_json_is_true(const struct gs_json *value)
{
	return value && gs_json_node(value)->type == cJSON_True;
}

/* The text of @value if it is a number without fraction and exponent, else NULL. */
static const char *integer_text(const struct gs_json *value)
{
	const char *text = gs_json_number_text(value);

	return text && !strpbrk(text, ".eE") ? text : NULL;
}

bool gs_json_u64(const struct gs_json *value, uint64_t *ret)
{
	const char *text = integer_text(value);
	unsigned long long v;

	if (!text || *text == '-')
		return false;
	errno = 0;
	v = strtoull(text, NULL, 10);
	if (errno || v > UINT64_MAX)
		return false;
	*ret = v;
	return true;
}

bool gs_json_i64(const struct gs_json *value, int64_t *ret)
{
	const char *text = integer_text(value);
	long long v;

	if (!text)
		return false;
	errno = 0;
	v = strtoll(text, NULL, 10);
	if (errno || v > INT64_MAX || v < INT64_MIN)
		return false;
	*ret = v;
	return true;
}

static locale_t c_locale;

static void make_c_locale(void)
{
	c_locale = newlocale(LC_ALL_MASK, "C", NULL);
}

/* A program may have chosen a decimal comma; JSON has none. Undo with uselocale(). */
static locale_t use_c_locale(void)
{
	static pthread_once_t once = PTHREAD_ONCE_INIT;

	pthread_once(&once, make_c_locale);
	return uselocale(c_locale);
}

bool gs_json_double(const struct gs_json *value, double *ret)
{
	const char *text = gs_json_number_text(value);
	locale_t before;
	double v;

	if (!text)
		return false;
	before = use_c_locale();
	v = strtod(text, NULL);
	uselocale(before);
	if (!isfinite(v))
		return false;
	*ret = v;
	return true;
}

struct gs_json *gs_json_new_object(void)
{
	return gs_json_value(cJSON_CreateObject());
}

struct gs_json *gs_json_new_array(void)
{
	return gs_json_value(cJSON_CreateArray());
}

struct gs_json *gs_json_new_null(void)
{
	return gs_json_value(cJSON_CreateNull());
}

struct gs_json *gs_json_new_bool(bool v)
{
	return gs_json_value(cJSON_CreateBool(v));
}

static struct gs_json *new_number(const char *text)
{
	return gs_json_value(
		gs_json_node_create(cJSON_Raw, gs_json_node_strdup(text, strlen(text))));
}

struct gs_json *gs_json_new_u64(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, v);
	return new_number(text);
}

struct gs_json *gs_json_new_i64(int64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRId64, v);
	return new_number(text);
}

struct gs_json *gs_json_new_double(double v)
{
	char text[32];
	locale_t before;

	if (!isfinite(v))
		return gs_json_new_null();
	before = use_c_locale();
	/* The fewest digits that read back as the same number. */
	for (int digits = 15; digits <= 17; digits++) {
		snprintf(text, sizeof(text), "%.*g", digits, v);
		if (strtod(text, NULL) == v)
			break;
	}
	uselocale(before);
	return new_number(text);
}

/* @v for a node to own, with U+FFFD for each byte that is not UTF-8. */
static char *valid_string(const char *v)
{
	size_t left = strlen(v), length;
	struct gs_text t = {0};
	char *copy = NULL;

	for (; left; v += length, left -= length) {
		length = gs_utf8_sequence(v, left);
		gs_text_append(&t, length ? v : "\xef\xbf\xbd", length ? length : 3);
		length = length ? length : 1;
	}
	if (!t.failed)
		copy = gs_json_node_strdup(t.data ? t.data : "", t.size);
	gs_text_deinit(&t);
	return copy;
}

struct gs_json *gs_json_new_string(const char *v)
{
	if (!v)
		return gs_json_new_null();
	return gs_json_value(gs_json_node_create(cJSON_String, valid_string(v)));
}

struct gs_json *gs_json_new_hex(uint64_t v)
{
	char text[24];

	snprintf(text, sizeof(text), "0x%" PRIx64, v);
	return gs_json_new_string(text);
}

struct gs_json *gs_json_copy(const struct gs_json *value)
{
	cJSON *copy = value ? cJSON_Duplicate(gs_json_node(value), true) : NULL;

	/* The name belongs to the place in the other tree. */
	if (copy) {
		cJSON_free(copy->string);
		copy->string = NULL;
	}
	return gs_json_value(copy);
}

bool gs_json_append(struct gs_json *array, struct gs_json *value)
{
	/* cJSON keeps the last element behind the first one's prev: this does not walk. */
	if (array && value &&
	    cJSON_AddItemToArray(gs_json_node_mutable(array), gs_json_node_mutable(value)))
		return true;
	gs_json_destroy(value);
	return false;
}

bool gs_json_set(struct gs_json *object, const char *key, struct gs_json *value)
{
	cJSON *parent = gs_json_node_mutable(object), *node = gs_json_node_mutable(value), *old;
	char *string = object && value ? valid_string(key) : NULL;

	if (!string) {
		gs_json_destroy(value);
		return false;
	}
	node->string = string;
	old = cJSON_GetObjectItemCaseSensitive(parent, string);
	return old ? cJSON_ReplaceItemViaPointer(parent, old, node)
		   : cJSON_AddItemToArray(parent, node);
}

struct gs_json *gs_json_detach(struct gs_json *object, const char *key)
{
	cJSON *node = NULL;

	if (gs_json_type(object) == GS_JSON_OBJECT)
		node = cJSON_DetachItemFromObjectCaseSensitive(gs_json_node_mutable(object), key);
	if (node) {
		cJSON_free(node->string);
		node->string = NULL;
	}
	return gs_json_value(node);
}
