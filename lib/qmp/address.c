/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Monitor addresses: from text and back. */
#include "address.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>

#define FORMS "unix:PATH, a path with a '/', tcp:HOST:PORT, fd:N, pid:N or libvirt:DOMAIN"

/* The part of @text behind @prefix, or NULL. */
static const char *behind(const char *text, const char *prefix)
{
	size_t size = strlen(prefix);

	return strncmp(text, prefix, size) == 0 ? text + size : NULL;
}

static struct gs_error *parse_unix(const char *path, struct gs_qmp_address *ret)
{
	if (!*path || strcmp(path, "@") == 0)
		return gs_error_create(GS_ERROR_INVALID, "unix: the path is missing");
	*ret = (struct gs_qmp_address){.kind = GS_QMP_UNIX, .path = strdup(path), .fd = -1};
	return ret->path ? NULL : gs_error_nomem();
}

static struct gs_error *parse_int(const char *what, const char *text, uint64_t min, uint64_t max,
				  uint64_t *ret)
{
	uint64_t v;
	struct gs_error *err = gs_parse_u64(text, &v);

	if (err)
		return gs_error_wrap(err, "%s", what);
	if (v < min || v > max)
		return gs_error_create(GS_ERROR_INVALID, "%s: %s is out of range", what, text);
	*ret = v;
	return NULL;
}

/* HOST:PORT; a host with colons wears brackets; none means this machine, as with QEMU. */
static struct gs_error *parse_tcp(const char *text, struct gs_qmp_address *ret)
{
	bool bracketed = *text == '[';
	const char *host = text + bracketed, *end, *port;
	uint64_t number = 0;
	struct gs_error *err;

	end = bracketed ? strchr(host, ']') : strchr(host, ':');
	port = end ? end + bracketed : NULL;
	if (!port || *port != ':')
		return gs_error_create(GS_ERROR_INVALID, "tcp:%s: expected tcp:HOST:PORT", text);
	err = parse_int("tcp: port", port + 1, 1, UINT16_MAX, &number);
	if (err)
		return err;
	*ret = (struct gs_qmp_address){.kind = GS_QMP_TCP, .port = (uint16_t)number, .fd = -1};
	ret->host = end == host ? strdup("localhost") : strndup(host, (size_t)(end - host));
	return ret->host ? NULL : gs_error_nomem();
}

static struct gs_error *parse_fd(const char *text, struct gs_qmp_address *ret)
{
	uint64_t number = 0;
	struct gs_error *err = parse_int("fd", text, 0, INT_MAX, &number);

	if (!err)
		*ret = (struct gs_qmp_address){.kind = GS_QMP_FD, .fd = (int)number};
	return err;
}

static struct gs_error *parse_pid(const char *text, struct gs_qmp_address *ret)
{
	uint64_t number = 0;
	struct gs_error *err = parse_int("pid", text, 1, INT_MAX, &number);

	if (!err)
		*ret = (struct gs_qmp_address){.kind = GS_QMP_PID, .pid = (pid_t)number, .fd = -1};
	return err;
}

static struct gs_error *parse_libvirt(const char *domain, struct gs_qmp_address *ret)
{
	if (!*domain)
		return gs_error_create(GS_ERROR_INVALID, "libvirt: the domain is missing");
	*ret = (struct gs_qmp_address){.kind = GS_QMP_LIBVIRT, .path = strdup(domain), .fd = -1};
	return ret->path ? NULL : gs_error_nomem();
}

struct gs_error *gs_qmp_address_parse(const char *text, struct gs_qmp_address *ret)
{
	static const struct {
		const char *prefix;
		struct gs_error *(*parse)(const char *text, struct gs_qmp_address *ret);
	} kinds[] = {{"unix:", parse_unix},
		     {"tcp:", parse_tcp},
		     {"fd:", parse_fd},
		     {"pid:", parse_pid},
		     {"libvirt:", parse_libvirt}};

	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++) {
		const char *rest = behind(text, kinds[i].prefix);

		if (rest)
			return kinds[i].parse(rest, ret);
	}
	if (strchr(text, '/'))
		return parse_unix(text, ret);
	return gs_error_create(GS_ERROR_INVALID, "'%s' is not a monitor address (" FORMS ")", text);
}

void gs_qmp_address_deinit(struct gs_qmp_address *address)
{
	free(address->path);
	free(address->host);
	*address = (struct gs_qmp_address){.fd = -1};
}

char *gs_qmp_address_text(const struct gs_qmp_address *address)
{
	switch (address->kind) {
	case GS_QMP_UNIX:
		/* What has a slash is recognised without the prefix; an abstract name is not. */
		return gs_strf("%s%s",
			       *address->path != '@' && strchr(address->path, '/') ? "" : "unix:",
			       address->path);
	case GS_QMP_TCP:
		return gs_strf(strchr(address->host, ':') ? "tcp:[%s]:%u" : "tcp:%s:%u",
			       address->host, (unsigned int)address->port);
	case GS_QMP_FD:
		return gs_strf("fd:%d", address->fd);
	case GS_QMP_PID:
		return gs_strf("pid:%d", (int)address->pid);
	case GS_QMP_LIBVIRT:
		return gs_strf("libvirt:%s", address->path);
	}
	return NULL;
}
