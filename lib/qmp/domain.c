/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's XML. No tree is built of it: what counts is taken as it passes by, and a document that
 * declares a type (the way to entities, and to files elsewhere) is refused where it does.
 */
#include "domain.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <libxml/parser.h>
#include <libxml/xmlerror.h>

#include <guestscope/base/text.h>

#include "domain_parts.h"
#include "library.h"

#define XML_MAX (4 << 20) /* bytes; libvirt itself passes no more */
#define DEPTH_MAX 64
#define DISKS_MAX 4096

#if LIBXML_VERSION < 21400
#define LIBRARY "libxml2.so.2"
#else
#define LIBRARY "libxml2.so.16"
#endif

/*
 * NOENT only for the five entities that every document has: without it "&amp;" in an attribute
 * stays a reference. No others can have been declared.
 */
#define OPTIONS                                                                         \
	(XML_PARSE_NOENT | XML_PARSE_NONET | XML_PARSE_IGNORE_ENC | XML_PARSE_NOERROR | \
	 XML_PARSE_NOWARNING)

#define FUNCTIONS(X)               \
	X(xmlCreatePushParserCtxt) \
	X(xmlCtxtGetLastError)     \
	X(xmlCtxtUseOptions)       \
	X(xmlFreeParserCtxt)       \
	X(xmlParseChunk)           \
	X(xmlStopParser)

struct xml_api {
#define MEMBER(function) __typeof__(function) *function;
	FUNCTIONS(MEMBER)
#undef MEMBER
};

static const struct gs_library_function functions[] = {
#define ROW(function) {LIBRARY, #function, offsetof(struct xml_api, function)},
	FUNCTIONS(ROW)
#undef ROW
};

/* Elements that say something, where they stand. */
enum element {
	OTHER,
	TOP,
	DOMAIN,
	NAME,
	UUID,
	DEVICES,
	DISK,
	DRIVER,
	SOURCE,
	TARGET,
	ALIAS,
	READONLY,
	CPU,
	MODEL
};

static const struct {
	enum element parent;
	const char *name;
	enum element element;
} grammar[] = {
	{TOP, "domain", DOMAIN},      {DOMAIN, "name", NAME},   {DOMAIN, "uuid", UUID},
	{DOMAIN, "devices", DEVICES}, {DEVICES, "disk", DISK},  {DISK, "driver", DRIVER},
	{DISK, "source", SOURCE},     {DISK, "target", TARGET}, {DISK, "alias", ALIAS},
	{DISK, "readonly", READONLY}, {DOMAIN, "cpu", CPU},     {CPU, "model", MODEL},
};

struct parser {
	struct xml_api api;
	xmlParserCtxtPtr ctxt;
	struct gs_domain_info *info;
	struct gs_domain_parts *parts; /* NULL: they are not wanted */
	enum element open[DEPTH_MAX];  /* the elements around what comes next */
	size_t depth;
	struct gs_text text; /* of the innermost one */
	struct gs_error *err;
};

/* The attributes of one element, as libxml2 has them: five pointers each. */
struct attributes {
	const xmlChar **items;
	int count;
};

/* Takes @err; nothing is called back any more. */
static void stop(struct parser *p, struct gs_error *err)
{
	if (p->err)
		gs_error_destroy(err);
	else
		p->err = err;
	p->api.xmlStopParser(p->ctxt);
}

/* ---- disks ---- */

static struct gs_domain_disk *last_disk(const struct parser *p)
{
	return &p->info->disks[p->info->disk_count - 1];
}

/* A copy of an unprefixed attribute; of two elements, the first counts. */
static void take(struct parser *p, const struct attributes *a, const char *name, char **field)
{
	for (int i = 0; !*field && i < a->count; i++) {
		const xmlChar **item = a->items + 5 * (size_t)i;

		if (item[1] || strcmp((const char *)item[0], name) != 0)
			continue;
		*field = strndup((const char *)item[3], (size_t)(item[4] - item[3]));
		if (!*field)
			stop(p, gs_error_nomem());
		return;
	}
}

static void take_or(struct parser *p, const struct attributes *a, const char *name,
		    const char *fallback, char **field)
{
	take(p, a, name, field);
	if (!*field && !p->err) {
		*field = strdup(fallback);
		if (!*field)
			stop(p, gs_error_nomem());
	}
}

static void begin_disk(struct parser *p, const struct attributes *a)
{
	size_t count = p->info->disk_count;
	struct gs_domain_disk *disks = p->info->disks;

	if (count == DISKS_MAX) {
		stop(p, gs_error_create(GS_ERROR_CORRUPT, "more than %d disks", DISKS_MAX));
		return;
	}
	if ((count & (count - 1)) == 0) /* room for 1, 2, 4, ... */
		disks = reallocarray(disks, count ? 2 * count : 1, sizeof(*disks));
	if (!disks) {
		stop(p, gs_error_nomem());
		return;
	}
	p->info->disks = disks;
	p->info->disk_count = count + 1;
	disks[count] = (struct gs_domain_disk){0};
	take_or(p, a, "device", "disk", &disks[count].device);
	take_or(p, a, "type", "file", &disks[count].type);
}

static void take_volume(struct parser *p, const struct attributes *a, char **field)
{
	gs_autofree char *pool = NULL, *volume = NULL;

	if (*field)
		return;
	take(p, a, "pool", &pool);
	take(p, a, "volume", &volume);
	if (pool && volume && !(*field = gs_strf("%s/%s", pool, volume)))
		stop(p, gs_error_nomem());
}

/* Each type of source has its own way of saying where. */
static void take_source(struct parser *p, const struct attributes *a)
{
	static const char *const where[][2] = {
		{"file", "file"},      {"block", "dev"},     {"dir", "dir"},
		{"vhostuser", "path"}, {"vhostvdpa", "dev"},
	};
	struct gs_domain_disk *disk = last_disk(p);

	take(p, a, "protocol", &disk->protocol);
	if (strcmp(disk->type, "volume") == 0) {
		take_volume(p, a, &disk->source);
		return;
	}
	for (size_t i = 0; i < sizeof(where) / sizeof(*where); i++) {
		if (strcmp(disk->type, where[i][0]) == 0) {
			take(p, a, where[i][1], &disk->source);
			return;
		}
	}
	/* What a server has may have no name, and be there all the same. */
	take_or(p, a, "name", "", &disk->source);
}

static void end_disk(struct parser *p)
{
	const struct gs_domain_disk *disk = last_disk(p);

	if (!disk->target) {
		stop(p, gs_error_create(GS_ERROR_CORRUPT, "disk %zu has no target",
					p->info->disk_count));
		return;
	}
	for (const struct gs_domain_disk *d = p->info->disks; d < disk; d++) {
		if (strcmp(d->target, disk->target) == 0) {
			stop(p,
			     gs_error_create(GS_ERROR_CORRUPT, "two disks are '%s'", disk->target));
			return;
		}
	}
}

/* ---- what libxml2 calls ---- */

static enum element classify(const struct parser *p, const char *name, const char *prefix)
{
	enum element parent = p->depth ? p->open[p->depth - 1] : TOP;

	for (size_t i = 0; !prefix && i < sizeof(grammar) / sizeof(*grammar); i++)
		if (grammar[i].parent == parent && strcmp(name, grammar[i].name) == 0)
			return grammar[i].element;
	return OTHER;
}

static void begin(struct parser *p, enum element element, const struct attributes *a)
{
	switch (element) {
	case DISK:
		begin_disk(p, a);
		break;
	case DRIVER:
		take(p, a, "type", &last_disk(p)->format);
		break;
	case SOURCE:
		take_source(p, a);
		break;
	case TARGET:
		take(p, a, "dev", &last_disk(p)->target);
		break;
	case ALIAS:
		take(p, a, "name", &last_disk(p)->alias);
		break;
	case READONLY:
		last_disk(p)->readonly = true;
		break;
	default:
		break;
	}
}

static void take_part(struct parser *p, const char *prefix, const char *name,
		      const struct attributes *a)
{
	struct gs_error *err = gs_domain_parts_open(p->parts, prefix, name);

	for (int i = 0; !err && i < a->count; i++) {
		const xmlChar **item = a->items + 5 * (size_t)i;

		err = gs_domain_parts_attribute(p->parts, (const char *)item[0],
						(const char *)item[3], (size_t)(item[4] - item[3]));
	}
	if (err)
		stop(p, err);
}

static void on_start(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri,
		     int namespace_count, const xmlChar **namespaces, int attribute_count,
		     int default_count, const xmlChar **attributes)
{
	const struct attributes a = {attributes, attribute_count};
	struct parser *p = arg;
	enum element element = classify(p, (const char *)name, (const char *)prefix);

	(void)uri;
	(void)namespace_count;
	(void)namespaces;
	(void)default_count;
	if (p->err)
		return;
	if (p->depth == DEPTH_MAX) {
		stop(p, gs_error_create(GS_ERROR_CORRUPT, "more than %d elements deep", DEPTH_MAX));
		return;
	}
	p->open[p->depth++] = element;
	gs_text_clear(&p->text);
	begin(p, element, &a);
	if (p->parts)
		take_part(p, (const char *)prefix, (const char *)name, &a);
}

static void keep_text(struct parser *p, char **field)
{
	struct gs_error *err = *field ? NULL : gs_text_finish(&p->text, field);

	if (err)
		stop(p, err);
}

static void take_text(struct parser *p)
{
	struct gs_error *err =
		p->parts ? gs_domain_parts_text(p->parts, p->text.data, p->text.size) : NULL;

	if (err)
		stop(p, err);
}

static void on_end(void *arg, const xmlChar *name, const xmlChar *prefix, const xmlChar *uri)
{
	struct parser *p = arg;

	(void)name;
	(void)prefix;
	(void)uri;
	if (p->err)
		return;
	if (p->parts)
		gs_domain_parts_close(p->parts);
	switch (p->open[--p->depth]) {
	case NAME:
		keep_text(p, &p->info->domain.name);
		break;
	case UUID:
		keep_text(p, &p->info->domain.uuid);
		break;
	case DISK:
		end_disk(p);
		break;
	case MODEL:
		take_text(p);
		break;
	default:
		break;
	}
}

static void on_text(void *arg, const xmlChar *text, int size)
{
	struct parser *p = arg;
	enum element element = p->depth ? p->open[p->depth - 1] : TOP;

	if (!p->err && (element == NAME || element == UUID || element == MODEL))
		gs_text_append(&p->text, text, (size_t)size);
}

static void on_doctype(void *arg, const xmlChar *name, const xmlChar *external,
		       const xmlChar *system)
{
	(void)name;
	(void)external;
	(void)system;
	stop(arg, gs_error_create(GS_ERROR_CORRUPT, "it declares a document type"));
}

static const xmlSAXHandler handler = {
	.initialized = XML_SAX2_MAGIC,
	.internalSubset = on_doctype,
	.startElementNs = on_start,
	.endElementNs = on_end,
	.characters = on_text,
	.cdataBlock = on_text,
};

/* ---- the whole ---- */

/* The parser's own complaint; its messages end with a newline. */
static struct gs_error *syntax_error(const struct parser *p)
{
	const xmlError *e = p->api.xmlCtxtGetLastError(p->ctxt);
	const char *message = e && e->message ? e->message : "not well-formed\n";

	return gs_error_create(GS_ERROR_CORRUPT, "line %d: %.*s", e ? e->line : 0,
			       (int)strcspn(message, "\n"), message);
}

static struct gs_error *run(struct parser *p, const char *xml, size_t size)
{
	xmlSAXHandler sax = handler;
	struct gs_error *err;

	p->ctxt = p->api.xmlCreatePushParserCtxt(&sax, p, NULL, 0, NULL);
	if (!p->ctxt)
		return gs_error_nomem();
	p->api.xmlCtxtUseOptions(p->ctxt, OPTIONS);
	p->api.xmlParseChunk(p->ctxt, xml, (int)size, 1);
	err = gs_take(p->err);
	if (!err && !p->ctxt->wellFormed)
		err = syntax_error(p);
	p->api.xmlFreeParserCtxt(p->ctxt);
	return err;
}

/*
 * By the first four bytes libxml2 tells encodings apart; libvirt's is UTF-8. Of others it complains
 * on stderr, whatever handlers it has.
 */
static bool is_utf8(const char *xml, size_t size)
{
	for (size_t i = 0; i < 4 && i < size; i++)
		if (!xml[i] || (unsigned char)xml[i] > 0x7f)
			return false;
	return true;
}

/* Fills p->info and p->parts, which are the caller's in any case. */
static struct gs_error *parse(struct parser *p, const char *xml, size_t size)
{
	struct gs_error *err = gs_library_load("libxml2", functions,
					       sizeof(functions) / sizeof(*functions), &p->api);

	if (!err && size > XML_MAX)
		err = gs_error_create(GS_ERROR_CORRUPT, "%zu bytes, more than %d", size, XML_MAX);
	if (!err && !is_utf8(xml, size))
		err = gs_error_create(GS_ERROR_CORRUPT, "it is not in UTF-8");
	if (!err)
		err = run(p, xml, size);
	gs_text_deinit(&p->text);
	return err;
}

struct gs_error *gs_domain_parse(const char *xml, size_t size, struct gs_domain_info *ret)
{
	struct gs_domain_info info = {0};
	struct parser p = {.info = &info};
	struct gs_error *err = parse(&p, xml, size);

	if (!err && (!info.domain.name || !info.domain.uuid))
		err = gs_error_create(GS_ERROR_CORRUPT, "no %s of a domain",
				      info.domain.name ? "uuid" : "name");
	if (err) {
		gs_domain_info_deinit(&info);
		return gs_error_wrap(err, "domain XML");
	}
	*ret = info;
	return NULL;
}

struct gs_error *gs_domain_parse_parts(const char *xml, size_t size, struct gs_domain_parts *ret)
{
	struct gs_domain_info info = {0};
	struct gs_domain_parts parts = {0};
	struct parser p = {.info = &info, .parts = &parts};
	struct gs_error *err = parse(&p, xml, size);

	gs_domain_info_deinit(&info);
	if (!err && strcmp(parts.items->path, "domain") != 0)
		err = gs_error_create(GS_ERROR_CORRUPT, "it begins with <%s>, not <domain>",
				      parts.items->path);
	if (err) {
		gs_domain_parts_deinit(&parts);
		return gs_error_wrap(err, "domain XML");
	}
	*ret = parts;
	return NULL;
}
