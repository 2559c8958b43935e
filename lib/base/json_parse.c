/* SPDX-License-Identifier: GPL-2.0-or-later */
/* From tokens to a tree: the grammar, without recursion. */
#include <stdlib.h>
#include <string.h>

#include "json_node.h"
#include "json_scan.h"

/* A key of an object that is still open. */
struct key {
	const char *string; /* lives in its node */
	size_t off;
};

struct container {
	cJSON *node;
	size_t first_key; /* index in parser.keys */
};

struct parser {
	struct gs_json_scan scan;
	cJSON *root;
	char *key; /* of the member whose value comes next */
	size_t key_off;
	size_t value_count;
	struct key *keys; /* of all open objects, innermost last */
	size_t key_count, key_capacity;
	int depth;
	struct container open[GS_JSON_DEPTH_MAX];
};

static void parser_destroy(struct parser *p)
{
	cJSON_Delete(p->root);
	cJSON_free(p->key);
	free(p->keys);
	free(p);
}
GS_DEFINE_CLEANUP(struct parser *, parser_destroy)

static int compare_keys(const void *a, const void *b)
{
	const struct key *x = a, *y = b;
	int order = strcmp(x->string, y->string);

	return order ? order : (x->off > y->off) - (x->off < y->off);
}

/*
 * Sorting once at the end of an object costs n log n whatever the keys are; a hash table would want
 * a secret against keys that were made to collide.
 */
static struct gs_error *check_keys(const struct parser *p, size_t first)
{
	size_t count = p->key_count - first;
	const struct key *found = NULL;
	struct key *keys;

	if (count < 2)
		return NULL;
	keys = p->keys + first;
	qsort(keys, count, sizeof(*keys), compare_keys);
	for (size_t i = 1; i < count; i++) {
		if (strcmp(keys[i].string, keys[i - 1].string) == 0 &&
		    (!found || keys[i].off < found->off))
			found = &keys[i];
	}
	return found ? gs_json_scan_error(found->off, "duplicate key") : NULL;
}

static struct gs_error *push_key(struct parser *p, const char *string)
{
	size_t capacity = p->key_capacity ? 2 * p->key_capacity : 64;
	struct key *keys;

	if (p->key_count == p->key_capacity) {
		keys = reallocarray(p->keys, capacity, sizeof(*keys));
		if (!keys)
			return gs_error_nomem();
		p->keys = keys;
		p->key_capacity = capacity;
	}
	p->keys[p->key_count++] = (struct key){string, p->key_off};
	return NULL;
}

/* Hang @node below the innermost container; the tree owns it at once, so nothing leaks later. */
static struct gs_error *attach(struct parser *p, cJSON *node)
{
	if (!p->depth) {
		p->root = node;
		return NULL;
	}
	node->string = gs_take(p->key);
	cJSON_AddItemToArray(p->open[p->depth - 1].node, node);
	return node->string ? push_key(p, node->string) : NULL;
}

static char *token_string(const struct parser *p, const struct gs_json_token *token)
{
	char *string = cJSON_malloc(token->decoded_size + 1);

	if (string) {
		gs_json_scan_decode(&p->scan, token, string);
		string[token->decoded_size] = '\0';
	}
	return string;
}

static cJSON *token_node(const struct parser *p, const struct gs_json_token *token)
{
	switch (token->type) {
	case GS_JSON_TOKEN_FALSE:
		return cJSON_CreateFalse();
	case GS_JSON_TOKEN_TRUE:
		return cJSON_CreateTrue();
	case GS_JSON_TOKEN_NUMBER:
		return gs_json_node_create(
			cJSON_Raw, gs_json_node_strdup(p->scan.text + token->off, token->size));
	case GS_JSON_TOKEN_STRING:
		return gs_json_node_create(cJSON_String, token_string(p, token));
	case GS_JSON_TOKEN_ARRAY:
		return cJSON_CreateArray();
	case GS_JSON_TOKEN_OBJECT:
		return cJSON_CreateObject();
	default:
		return cJSON_CreateNull();
	}
}

static bool is_container(enum gs_json_token_type type)
{
	return type == GS_JSON_TOKEN_ARRAY || type == GS_JSON_TOKEN_OBJECT;
}

static struct gs_error *check_value(const struct parser *p, const struct gs_json_token *token)
{
	switch (token->type) {
	case GS_JSON_TOKEN_END:
		return gs_json_scan_error(token->off, "the text ends before a value");
	case GS_JSON_TOKEN_COMMA:
	case GS_JSON_TOKEN_COLON:
	case GS_JSON_TOKEN_ARRAY_END:
	case GS_JSON_TOKEN_OBJECT_END:
		return gs_json_scan_error(token->off, "expected a value");
	default:
		break;
	}
	if (is_container(token->type) && p->depth == GS_JSON_DEPTH_MAX)
		return gs_json_scan_error(token->off, "nested too deeply");
	if (p->value_count == GS_JSON_VALUES_MAX)
		return gs_json_scan_error(token->off, "too many values");
	return NULL;
}

/* The value that begins with @token; a container is left open. */
static struct gs_error *parse_value(struct parser *p, const struct gs_json_token *token)
{
	struct gs_error *err = check_value(p, token);
	cJSON *node;

	if (err)
		return err;
	node = token_node(p, token);
	if (!node)
		return gs_error_nomem();
	p->value_count++;
	err = attach(p, node);
	if (!err && is_container(token->type))
		p->open[p->depth++] = (struct container){node, p->key_count};
	return err;
}

static struct gs_error *parse_end(struct parser *p)
{
	size_t first_key = p->open[p->depth - 1].first_key;
	struct gs_error *err = check_keys(p, first_key);

	p->key_count = first_key;
	p->depth--;
	return err;
}

/* "key": and the first token of its value. */
static struct gs_error *parse_key(struct parser *p, struct gs_json_token *token)
{
	struct gs_error *err;

	if (token->type != GS_JSON_TOKEN_STRING)
		return gs_json_scan_error(token->off, "expected a key");
	p->key = token_string(p, token);
	if (!p->key)
		return gs_error_nomem();
	p->key_off = token->off;
	err = gs_json_scan_next(&p->scan, token);
	if (err)
		return err;
	if (token->type != GS_JSON_TOKEN_COLON)
		return gs_json_scan_error(token->off, "expected ':'");
	return gs_json_scan_next(&p->scan, token);
}

/* The next element or member of the innermost container, or its end. */
static struct gs_error *parse_inside(struct parser *p)
{
	const cJSON *node = p->open[p->depth - 1].node;
	bool object = cJSON_IsObject(node);
	struct gs_json_token token;
	struct gs_error *err = gs_json_scan_next(&p->scan, &token);

	if (err)
		return err;
	if (token.type == (object ? GS_JSON_TOKEN_OBJECT_END : GS_JSON_TOKEN_ARRAY_END))
		return parse_end(p);
	if (node->child) {
		if (token.type != GS_JSON_TOKEN_COMMA)
			return gs_json_scan_error(token.off, object ? "expected ',' or '}'"
								    : "expected ',' or ']'");
		err = gs_json_scan_next(&p->scan, &token);
	}
	if (!err && object)
		err = parse_key(p, &token);
	return err ? err : parse_value(p, &token);
}

static struct gs_error *parse_text(struct parser *p)
{
	struct gs_json_token token;
	struct gs_error *err = gs_json_scan_next(&p->scan, &token);

	if (!err)
		err = parse_value(p, &token);
	while (!err && p->depth)
		err = parse_inside(p);
	if (!err)
		err = gs_json_scan_next(&p->scan, &token);
	if (!err && token.type != GS_JSON_TOKEN_END)
		err = gs_json_scan_error(token.off, "more text after the value");
	return err;
}

struct gs_error *gs_json_parse(const char *text, size_t size, struct gs_json **ret)
{
	GS_CLEANUP(parser_destroy) struct parser *p = calloc(1, sizeof(*p));
	struct gs_error *err;

	if (!p)
		return gs_error_nomem();
	p->scan = (struct gs_json_scan){.text = text, .size = size};
	err = parse_text(p);
	if (!err)
		*ret = gs_json_value(gs_take(p->root));
	return err;
}
