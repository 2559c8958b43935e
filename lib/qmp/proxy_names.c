/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Names of descriptors: what getfd gave one client must not be another's, though QEMU has but one
 * table of them. So each client's names get a prefix, wherever a command mentions them.
 */
#include <ctype.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <unistd.h>

#include "proxy.h"

#define HELD_MAX 1024 /* names of one client */

/*
 * Where commands mention names. Besides, anywhere: {"type": "fd", "str": NAME}, the address of a
 * socket, and its older form {"type": "fd", "data": {"str": NAME}}.
 */
static const struct place {
	const char *command, *member;
	const char *scheme; /* stands before the name; NULL: nothing does */
	bool is_list;       /* names with ':' between them */
} places[] = {
	{"getfd", "fdname", NULL, false},       {"closefd", "fdname", NULL, false},
	{"add_client", "fdname", NULL, false},  {"dump-guest-memory", "protocol", "fd:", false},
	{"migrate", "uri", "fd:", false},       {"migrate-incoming", "uri", "fd:", false},
	{"netdev_add", "fd", NULL, false},      {"netdev_add", "fds", NULL, true},
	{"netdev_add", "vhostfd", NULL, false}, {"netdev_add", "vhostfds", NULL, true},
	{"device_add", "fd", NULL, false},      {"device_add", "vhostfd", NULL, false},
	{"object-add", "fd", NULL, false},
};

/* A name in use before us, by whoever, is unlikely to look like this. */
void gs_proxy_names_init(struct gs_proxy_names *names, uint64_t number)
{
	uint32_t nonce;

	if (getrandom(&nonce, sizeof(nonce), GRND_NONBLOCK) != sizeof(nonce))
		nonce = (uint32_t)getpid();
	snprintf(names->prefix, sizeof(names->prefix), "gs-%08" PRIx32 "-%" PRIu64 "-", nonce,
		 number);
}

void gs_proxy_names_deinit(struct gs_proxy_names *names)
{
	gs_json_destroy(names->held);
	names->held = NULL;
}

bool gs_proxy_takes_fd(const char *command)
{
	return strcmp(command, "getfd") == 0 || strcmp(command, "add-fd") == 0;
}

bool gs_proxy_names_are_full(const struct gs_proxy_names *names)
{
	return gs_json_count(names->held) >= HELD_MAX;
}

/* ---- to QEMU ---- */

struct translation {
	const struct gs_proxy_names *names;
	struct gs_proxy_request *request;
	bool opens; /* any name will do: it becomes the client's */
	bool failed;
};

/* QEMU takes what begins with a digit for the number of a descriptor, and has no such names. */
static bool is_own(const struct translation *t, const char *name)
{
	if (isdigit((unsigned char)*name))
		return false;
	return t->opens || gs_json_get(t->names->held, name);
}

static void note(struct translation *t, const char *name)
{
	struct gs_proxy_request *r = t->request;

	if (!r->names)
		r->names = gs_json_new_array();
	if (!gs_json_append(r->names, gs_json_new_string(name)))
		t->failed = true;
}

static void translate_name(struct translation *t, const char *name, struct gs_text *to)
{
	if (is_own(t, name)) {
		gs_text_puts(to, t->names->prefix);
		note(t, name);
	}
	gs_text_puts(to, name);
}

static void translate_list(struct translation *t, char *list, struct gs_text *to)
{
	char *name;

	while ((name = strsep(&list, ":"))) {
		translate_name(t, name, to);
		if (list)
			gs_text_puts(to, ":");
	}
}

/* @value without its scheme. */
static void translate_text(struct translation *t, const char *value, bool is_list,
			   struct gs_text *to)
{
	gs_autofree char *copy = NULL;

	if (!is_list) {
		translate_name(t, value, to);
		return;
	}
	copy = strdup(value);
	if (copy)
		translate_list(t, copy, to);
	else
		t->failed = true;
}

static void translate_member(struct translation *t, struct gs_json *object, const char *member,
			     const char *scheme, bool is_list)
{
	const char *value = gs_json_string(gs_json_get(object, member));
	size_t skip = scheme ? strlen(scheme) : 0;
	gs_autotext struct gs_text text = {0};

	if (!value || strncmp(value, scheme ? scheme : "", skip) != 0)
		return;
	gs_text_append(&text, value, skip);
	translate_text(t, value + skip, is_list, &text);
	if (text.failed || !gs_json_set(object, member, gs_json_new_string(text.data)))
		t->failed = true;
}

static bool is_fd_address(const struct gs_json *object)
{
	const char *type = gs_json_string(gs_json_get(object, "type"));

	return type && strcmp(type, "fd") == 0;
}

/* As deep as the request is: GS_JSON_DEPTH_MAX. What is in a tree that is ours is ours, too. */
static void translate_addresses(struct translation *t, struct gs_json *value)
{
	if (is_fd_address(value)) {
		translate_member(t, value, "str", NULL, false);
		translate_member(t, gs_json_get_mutable(value, "data"), "str", NULL, false);
	}
	gs_json_for_each (item, value)
		translate_addresses(t, (struct gs_json *)item);
}

bool gs_proxy_names_translate(const struct gs_proxy_names *names, const char *command,
			      struct gs_proxy_request *request)
{
	struct gs_json *arguments = gs_json_get_mutable(request->message, "arguments");
	struct translation t = {
		.names = names, .request = request, .opens = strcmp(command, "getfd") == 0};

	request->use = t.opens ? GS_PROXY_NAME_OPENED : GS_PROXY_NAME_TAKEN;
	if (!t.opens && !names->held)
		return true;
	for (size_t i = 0; i < sizeof(places) / sizeof(*places); i++) {
		const struct place *p = &places[i];

		if (strcmp(command, p->command) == 0)
			translate_member(&t, arguments, p->member, p->scheme, p->is_list);
	}
	if (!t.opens)
		translate_addresses(&t, arguments);
	return !t.failed;
}

/* ---- and back ---- */

/*
 * Without the memory to note a new name it is not closed in the end, which harms nobody else. One
 * that a failed command took all the same stays noted: to close it fails, and that is all.
 */
void gs_proxy_names_update(struct gs_proxy_names *names, const struct gs_proxy_request *request)
{
	if (!names->held && request->use == GS_PROXY_NAME_OPENED)
		names->held = gs_json_new_object();
	gs_json_for_each (item, request->names) {
		const char *name = gs_json_string(item);

		if (request->use == GS_PROXY_NAME_OPENED)
			(void)gs_json_set(names->held, name, gs_json_new_null());
		else
			gs_json_destroy(gs_json_detach(names->held, name));
	}
}

char *gs_proxy_names_restore(const struct gs_proxy_names *names, const char *text)
{
	gs_autotext struct gs_text restored = {0};
	const char *found;
	char *result = NULL;

	while ((found = strstr(text, names->prefix))) {
		gs_text_append(&restored, text, (size_t)(found - text));
		text = found + strlen(names->prefix);
	}
	gs_text_puts(&restored, text);
	gs_error_destroy(gs_text_finish(&restored, &result));
	return result;
}

/* ---- what is left when a client has gone ---- */

void gs_proxy_leftovers_add(struct gs_proxy_leftovers *l, const struct gs_proxy_names *names,
			    const char *name)
{
	gs_autofree char *full = gs_strf("%s%s", names->prefix, name);

	if (l->count == l->capacity) {
		size_t capacity = l->capacity ? 2 * l->capacity : 16;
		char **grown = reallocarray(l->names, capacity, sizeof(*grown));

		if (!grown)
			return;
		l->names = grown;
		l->capacity = capacity;
	}
	if (full)
		l->names[l->count++] = gs_take(full);
}

struct gs_json *gs_proxy_leftovers_request(const struct gs_proxy_leftovers *l)
{
	gs_autojson struct gs_json *request = gs_json_new_object();
	struct gs_json *arguments = gs_json_new_object();
	bool ok = gs_json_set(arguments, "fdname", gs_json_new_string(l->names[l->count - 1]));

	ok = gs_json_set(request, "execute", gs_json_new_string("closefd")) && ok;
	ok = gs_json_set(request, "arguments", arguments) && ok;
	return ok ? gs_take(request) : NULL;
}

void gs_proxy_leftovers_pop(struct gs_proxy_leftovers *l)
{
	free(l->names[--l->count]);
}

void gs_proxy_leftovers_deinit(struct gs_proxy_leftovers *l)
{
	while (l->count)
		gs_proxy_leftovers_pop(l);
	free(l->names);
	*l = (struct gs_proxy_leftovers){0};
}
