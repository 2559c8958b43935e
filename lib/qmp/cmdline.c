/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The QMP monitors of a QEMU command line. The forms:
 *
 *	-qmp unix:/run/m,server=on,wait=off          (also tcp:HOST:PORT, stdio, chardev:ID;
 *-qmp-pretty) -chardev socket,id=m,path=/run/m,server=on,wait=off -mon chardev=m,mode=control
 *	-chardev socket,id=charmonitor,fd=26,server=on,wait=off              (libvirt)
 *	the same with a JSON object as the argument
 */
#include "cmdline.h"

#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

static const char out_of_memory[] = "does not fit into memory";

struct cmdline {
	const char *text;
	size_t size;
};

/* ---- arguments ---- */

/* The argument behind @arg, or the first if @arg is NULL; NULL behind the last. */
static const char *next_argument(const struct cmdline *c, const char *arg)
{
	const char *next = arg ? arg + strlen(arg) + 1 : c->text;

	/* The last one lacks its NUL when the text was cut. */
	if (next >= c->text + c->size || !memchr(next, '\0', c->size - (size_t)(next - c->text)))
		return NULL;
	return next;
}

static bool is_option(const char *arg, const char *name)
{
	if (arg[0] != '-')
		return false;
	return strcmp(arg + (arg[1] == '-' ? 2 : 1), name) == 0;
}

/* ---- key=value,key=value, or a JSON object ---- */

/* One field up to a comma; a doubled comma is a comma. Returns what follows, NULL at the end. */
static const char *read_field(const char *options, struct gs_text *ret)
{
	for (; *options; options++) {
		if (options[0] == ',' && options[1] != ',')
			return options + 1;
		if (options[0] == ',')
			options++;
		gs_text_append(ret, options, 1);
	}
	return NULL;
}

/* The value if @field sets @key: "key=v", bare "key" for on, "nokey" for off. */
static const char *value_in(const char *field, const char *key, bool is_first, const char *implied)
{
	size_t size = strlen(key);

	if (strncmp(field, key, size) == 0 && field[size] == '=')
		return field + size + 1;
	if (strchr(field, '='))
		return NULL;
	if (is_first && implied)
		return strcmp(implied, key) == 0 ? field : NULL;
	if (strcmp(field, key) == 0)
		return "on";
	return strncmp(field, "no", 2) == 0 && strcmp(field + 2, key) == 0 ? "off" : NULL;
}

static char *plain_value(const char *options, const char *key, const char *implied)
{
	char *found = NULL;
	bool is_first = true;

	while (options) {
		gs_autotext struct gs_text field = {0};
		const char *value;

		options = read_field(options, &field);
		value = field.data ? value_in(field.data, key, is_first, implied) : NULL;
		if (value) {
			free(found);
			found = strdup(value);
		}
		is_first = false;
	}
	return found;
}

/* Member @key wherever it is: a chardev's address lies some objects deep. */
static const struct gs_json *find_member(const struct gs_json *value, const char *key, int depth)
{
	const struct gs_json *found = gs_json_get(value, key);

	if (found && gs_json_type(found) != GS_JSON_OBJECT)
		return found;
	if (gs_json_type(value) != GS_JSON_OBJECT || depth == 0)
		return NULL;
	gs_json_for_each (item, value) {
		found = find_member(item, key, depth - 1);
		if (found)
			return found;
	}
	return NULL;
}

static char *json_value(const char *text, const char *key)
{
	gs_autojson struct gs_json *value = NULL;
	gs_autoerror struct gs_error *err = gs_json_parse(text, strlen(text), &value);
	const struct gs_json *found = err ? NULL : find_member(value, key, 8);

	if (gs_json_type(found) == GS_JSON_BOOL)
		return strdup(gs_json_is_true(found) ? "on" : "off");
	if (gs_json_number_text(found))
		return strdup(gs_json_number_text(found));
	return gs_json_string(found) ? strdup(gs_json_string(found)) : NULL;
}

/* Value of @key, the caller's, or NULL. @implied: the key of a first field without one. */
static char *option_value(const char *options, const char *implied, const char *key)
{
	return *options == '{' ? json_value(options, key) : plain_value(options, key, implied);
}

static bool option_is(const char *options, const char *implied, const char *key, const char *wanted)
{
	gs_autofree char *value = option_value(options, implied, key);

	return value && strcmp(value, wanted) == 0;
}

static bool option_is_on(const char *options, const char *key, bool otherwise)
{
	gs_autofree char *value = option_value(options, NULL, key);

	if (!value)
		return otherwise;
	return strcmp(value, "on") == 0 || strcmp(value, "yes") == 0 ||
	       strcmp(value, "true") == 0 || strcmp(value, "y") == 0;
}

/* ---- where a monitor listens ---- */

/* An abstract name is padded with NULs unless tight. */
static void place_unix(struct gs_qmp_monitor *m, const char *path, const char *options)
{
	bool abstract = option_is_on(options, "abstract", false);

	m->address.kind = GS_QMP_UNIX;
	m->address.path = gs_strf("%s%s", abstract ? "@" : "", path);
	if (!m->address.path)
		m->obstacle = out_of_memory;
	if (abstract && !option_is_on(options, "tight", true))
		m->obstacle = "has a padded abstract name";
}

/* A server on all addresses is reached through the local one. */
static void place_tcp(struct gs_qmp_monitor *m, const char *host, const char *port)
{
	bool any = !*host || strcmp(host, "0.0.0.0") == 0 || strcmp(host, "::") == 0;
	uint64_t number = 0;
	gs_autoerror struct gs_error *err = gs_parse_u64(port, &number);

	m->address.kind = GS_QMP_TCP;
	m->address.host = strdup(any ? "localhost" : host);
	m->address.port = number <= UINT16_MAX ? (uint16_t)number : 0;
	if (!m->address.host)
		m->obstacle = out_of_memory;
	if (err || !m->address.port)
		m->obstacle = "has no fixed port";
}

static void place_fd(struct gs_qmp_monitor *m, const char *text)
{
	uint64_t number = 0;
	gs_autoerror struct gs_error *err = gs_parse_u64(text, &number);

	m->address.kind = GS_QMP_FD;
	m->address.fd = !err && number <= INT32_MAX ? (int)number : -1;
	if (m->address.fd < 0)
		m->obstacle = "has a descriptor without a number";
}

static void check_server(struct gs_qmp_monitor *m, const char *options, bool server_default)
{
	gs_autofree char *tls = option_value(options, NULL, "tls-creds");

	if (m->obstacle)
		return;
	if (!option_is_on(options, "server", server_default))
		m->obstacle = "connects out instead of listening";
	else if (option_is_on(options, "telnet", false) ||
		 option_is_on(options, "websocket", false))
		m->obstacle = "speaks telnet or websocket";
	else if (tls)
		m->obstacle = "speaks TLS";
}

/* -chardev's options. */
static void place_chardev(struct gs_qmp_monitor *m, const char *options)
{
	gs_autofree char *path = option_value(options, "backend", "path");
	gs_autofree char *port = option_value(options, "backend", "port");
	gs_autofree char *host = option_value(options, "backend", "host");
	gs_autofree char *fd = option_value(options, "backend", "fd");
	gs_autofree char *fd_text = option_value(options, "backend", "str");

	if (*options != '{' && !option_is(options, "backend", "backend", "socket"))
		m->obstacle = "is not a socket";
	else if (path)
		place_unix(m, path, options);
	else if (port)
		place_tcp(m, host ? host : "", port);
	else if (fd || fd_text)
		place_fd(m, fd ? fd : fd_text);
	else
		m->obstacle = "is not a socket";
	/* In JSON, a server is what it is unless told otherwise. */
	check_server(m, options, *options == '{');
	m->is_libvirts =
		m->address.kind == GS_QMP_FD && option_is(options, "backend", "id", "charmonitor");
}

/* The short form of -qmp: "unix:PATH,...", "tcp:HOST:PORT,...". */
static void place_device(struct gs_qmp_monitor *m, const char *device)
{
	gs_autotext struct gs_text first = {0};
	const char *options = read_field(device, &first);
	char *target = first.data ? strchr(first.data, ':') : NULL, *port;

	if (!target) {
		m->obstacle = "is not a socket";
		return;
	}
	*target++ = '\0';
	port = strrchr(target, ':');
	if (strcmp(first.data, "unix") == 0) {
		place_unix(m, target, options ? options : "");
	} else if (strcmp(first.data, "tcp") == 0 && port) {
		*port++ = '\0';
		place_tcp(m, target, port);
	} else {
		m->obstacle = "is not a plain socket";
	}
	check_server(m, options ? options : "", false);
}

/* ---- the monitors ---- */

static struct gs_qmp_monitor *add_monitor(struct gs_qmp_monitors *monitors)
{
	struct gs_qmp_monitor *items =
		reallocarray(monitors->items, monitors->count + 1, sizeof(*items));

	if (!items)
		return NULL;
	monitors->items = items;
	items[monitors->count] = (struct gs_qmp_monitor){.address = {.fd = -1}};
	return &items[monitors->count++];
}

/* Options of the chardev @id, wherever on the command line; NULL if there is none. */
static const char *find_chardev(const struct cmdline *c, const char *id)
{
	const char *arg = NULL;

	while ((arg = next_argument(c, arg))) {
		if (!is_option(arg, "chardev"))
			continue;
		arg = next_argument(c, arg);
		if (!arg)
			return NULL;
		if (option_is(arg, "backend", "id", id))
			return arg;
	}
	return NULL;
}

static bool add_chardev(const struct cmdline *c, const char *id, struct gs_qmp_monitors *monitors)
{
	struct gs_qmp_monitor *m = add_monitor(monitors);
	const char *options = find_chardev(c, id);

	if (!m)
		return false;
	if (options)
		place_chardev(m, options);
	else
		m->obstacle = "has a character device that is not on the command line";
	return true;
}

static bool add_device(const struct cmdline *c, const char *device,
		       struct gs_qmp_monitors *monitors)
{
	struct gs_qmp_monitor *m;

	if (strncmp(device, "chardev:", 8) == 0)
		return add_chardev(c, device + 8, monitors);
	m = add_monitor(monitors);
	if (m)
		place_device(m, device);
	return m;
}

static bool add_mon(const struct cmdline *c, const char *options, struct gs_qmp_monitors *monitors)
{
	gs_autofree char *id = option_value(options, "chardev", "chardev");

	if (option_is(options, "chardev", "mode", "control"))
		return !id || add_chardev(c, id, monitors);
	monitors->human++;
	return true;
}

static bool read_option(const struct cmdline *c, const char *option, const char *value,
			struct gs_qmp_monitors *monitors)
{
	if (is_option(option, "qmp") || is_option(option, "qmp-pretty"))
		return strcmp(value, "none") == 0 || add_device(c, value, monitors);
	if (is_option(option, "mon"))
		return add_mon(c, value, monitors);
	if (is_option(option, "monitor") && strcmp(value, "none") != 0)
		monitors->human++;
	if (is_option(option, "name")) {
		free(monitors->guest);
		monitors->guest = option_value(value, "guest", "guest");
	}
	return true;
}

struct gs_error *gs_qmp_monitors_of(const char *text, size_t size, struct gs_qmp_monitors *ret)
{
	const struct cmdline c = {text, size};
	struct gs_qmp_monitors monitors = {0};
	const char *arg = next_argument(&c, NULL), *value;
	bool ok = true;

	for (; ok && arg; arg = value) {
		value = next_argument(&c, arg);
		if (value)
			ok = read_option(&c, arg, value, &monitors);
	}
	if (!ok) {
		gs_qmp_monitors_deinit(&monitors);
		return gs_error_nomem();
	}
	*ret = monitors;
	return NULL;
}

void gs_qmp_monitors_deinit(struct gs_qmp_monitors *monitors)
{
	for (size_t i = 0; i < monitors->count; i++)
		gs_qmp_address_deinit(&monitors->items[i].address);
	free(monitors->items);
	free(monitors->guest);
	*monitors = (struct gs_qmp_monitors){0};
}

bool gs_qmp_cmdline_mentions(const char *text, size_t size, const char *path)
{
	return memmem(text, size, path, strlen(path));
}
