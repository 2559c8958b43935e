/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * How a value lies in a cJSON node. Only the json*.c files include this, and with it cJSON.
 *
 * cJSON is used for nodes, lists and ownership. Its parser and printer are not: they round integers
 * above 2^53 and cut strings at NUL. A number is a cJSON_Raw node whose valuestring is its text.
 */
#ifndef BASE_JSON_NODE_H
#define BASE_JSON_NODE_H

#include <cjson/cJSON.h>

#include <guestscope/base/json.h>

/* A node without reference flags: the tree never shares. */
static inline const cJSON *gs_json_node(const struct gs_json *value)
{
	return (const cJSON *)value;
}

static inline cJSON *gs_json_node_mutable(struct gs_json *value)
{
	return (cJSON *)value;
}

static inline struct gs_json *gs_json_value(cJSON *node)
{
	return (struct gs_json *)node;
}

/* A node of @type that owns @string (from cJSON_malloc()) as its text; NULL frees @string. */
cJSON *gs_json_node_create(int type, char *string);
/* @size bytes and a NUL, for a node to own. */
char *gs_json_node_strdup(const char *string, size_t size);

#endif
