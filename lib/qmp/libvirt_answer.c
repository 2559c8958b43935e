/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The process that asks libvirt about its domains. */
#ifdef GS_HAVE_LIBVIRT
#include "libvirt_answer.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <guestscope/base/io.h>
#include <guestscope/base/json.h>
#include <guestscope/base/process.h>

#include "domain.h"
#include "libvirt.h"
#include "libvirt_api.h"

#define NAME "libvirt-query"
#define ANSWER_FD GS_ISOLATED_FD(0)

struct asker {
	struct gs_libvirt_api api;
	virConnectPtr conn;
	struct gs_json *answer;
};

static struct gs_error *libvirt_error(const struct asker *a)
{
	const char *message = a->api.virGetLastErrorMessage();

	return gs_error_create(GS_ERROR_UNREACHABLE, "%s", message ? message : "libvirt failed");
}

/* ---- domains ---- */

static const char *state_name(unsigned char state)
{
	static const char *const names[] = {
		[VIR_DOMAIN_NOSTATE] = "no state",     [VIR_DOMAIN_RUNNING] = "running",
		[VIR_DOMAIN_BLOCKED] = "idle",         [VIR_DOMAIN_PAUSED] = "paused",
		[VIR_DOMAIN_SHUTDOWN] = "in shutdown", [VIR_DOMAIN_SHUTOFF] = "shut off",
		[VIR_DOMAIN_CRASHED] = "crashed",      [VIR_DOMAIN_PMSUSPENDED] = "pmsuspended",
	};

	return state < sizeof(names) / sizeof(*names) ? names[state] : "unknown";
}

/* NULL: it is gone by now, or there is no memory left. */
static struct gs_json *describe(const struct asker *a, virDomainPtr domain)
{
	struct gs_json *object;
	virDomainInfo info;
	char uuid[GS_QMP_UUID_SIZE];

	if (a->api.virDomainGetInfo(domain, &info) < 0 ||
	    a->api.virDomainGetUUIDString(domain, uuid) < 0)
		return NULL;
	object = gs_json_new_object();
	gs_json_set(object, "name", gs_json_new_string(a->api.virDomainGetName(domain)));
	gs_json_set(object, "uuid", gs_json_new_string(uuid));
	gs_json_set(object, "state", gs_json_new_string(state_name(info.state)));
	gs_json_set(object, "running",
		    gs_json_new_bool(a->api.virDomainGetID(domain) != (unsigned int)-1));
	gs_json_set(object, "memory", gs_json_new_u64((uint64_t)info.memory << 10));
	return object;
}

static struct gs_error *answer_list(struct asker *a, bool all)
{
	unsigned int flags = all ? 0 : VIR_CONNECT_LIST_DOMAINS_ACTIVE;
	struct gs_json *list = gs_json_new_array();
	virDomainPtr *domains = NULL;
	int count = a->api.virConnectListAllDomains(a->conn, &domains, flags);

	if (count < 0) {
		gs_json_destroy(list);
		return libvirt_error(a);
	}
	for (int i = 0; i < count; i++) {
		struct gs_json *domain = describe(a, domains[i]);

		if (domain && !gs_json_append(list, domain))
			return gs_error_nomem();
	}
	return gs_json_set(a->answer, "domains", list) ? NULL : gs_error_nomem();
}

/* NULL: no memory left. */
static struct gs_json *disk_of(struct gs_domain_disk *disk)
{
	struct gs_json *object = gs_json_new_object();
	bool ok = gs_json_set(object, "readonly", gs_json_new_bool(disk->readonly));

	for (size_t f = 0; ok && f < GS_DOMAIN_DISK_FIELDS; f++)
		ok = gs_json_set(object, gs_domain_disk_fields[f].name,
				 gs_json_new_string(*gs_domain_disk_field(disk, f)));
	return ok ? object : NULL;
}

static struct gs_json *disks_of(struct gs_domain_info *info)
{
	struct gs_json *disks = gs_json_new_array();
	bool ok = disks;

	for (size_t i = 0; ok && i < info->disk_count; i++)
		ok = gs_json_append(disks, disk_of(&info->disks[i]));
	return ok ? disks : NULL;
}

static struct gs_error *answer_domain(struct asker *a, const char *name)
{
	virDomainPtr domain = a->api.virDomainLookupByName(a->conn, name);
	struct gs_json *object = domain ? describe(a, domain) : NULL, *list = gs_json_new_array();
	char *xml = object ? a->api.virDomainGetXMLDesc(domain, 0) : NULL;
	struct gs_domain_info info;
	struct gs_error *err;

	if (!xml)
		return libvirt_error(a);
	err = gs_domain_parse(xml, strlen(xml), &info);
	if (err)
		return err;
	if (!gs_json_append(list, object) || !gs_json_set(a->answer, "domains", list) ||
	    !gs_json_set(a->answer, "disks", disks_of(&info)) ||
	    !gs_json_set(a->answer, "xml", gs_json_new_string(xml)))
		return gs_error_nomem();
	return NULL;
}

/* ---- the beginning and the end ---- */

/* A daemon is started for who asks for a domain, or names a libvirt; not for who just looks. */
static struct gs_error *connect_libvirt(struct asker *a, const struct gs_libvirt_question *question)
{
	struct gs_error *err = gs_libvirt_load(&a->api);
	const char *type;

	if (err)
		return err;
	if (!question->uri && !question->domain)
		setenv("LIBVIRT_AUTOSTART", "0", true);
	a->conn = a->api.virConnectOpen(question->uri);
	type = a->conn ? a->api.virConnectGetType(a->conn) : NULL;
	if (!type)
		return libvirt_error(a);
	if (strcmp(type, "QEMU") != 0)
		return gs_error_create(GS_ERROR_UNSUPPORTED, "no QEMU here, but %s", type);
	gs_json_set(a->answer, "is_local", gs_json_new_bool(gs_libvirt_is_local(&a->api, a->conn)));
	return NULL;
}

static _Noreturn void send_answer(struct asker *a, const struct gs_error *err)
{
	gs_autofree char *text = NULL;

	if (err) {
		gs_json_set(a->answer, "code", gs_json_new_u64(err->code));
		gs_json_set(a->answer, "error", gs_json_new_string(err->message));
	}
	text = gs_json_print(a->answer, GS_JSON_COMPACT);
	_exit(text && gs_write_full(ANSWER_FD, text, strlen(text)) == 0 ? EXIT_SUCCESS
									: EXIT_FAILURE);
}

_Noreturn void gs_libvirt_answer_main(const struct gs_libvirt_question *question, int fd)
{
	static struct asker a;
	struct gs_error *err;

	if (!gs_process_isolate(NAME, &fd, 1))
		_exit(EXIT_FAILURE);
	a.answer = gs_json_new_object();
	err = connect_libvirt(&a, question);
	if (!err)
		err = question->domain ? answer_domain(&a, question->domain)
				       : answer_list(&a, question->all);
	send_answer(&a, err);
}
#endif
