/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A domain's XML, taken down whole but flat, for those who look for more in it than disks: its
 * parts, and of each part its facts.
 *
 *	<domain type='kvm'>                       part "domain"          fact "@type=kvm"
 *	  <os><type arch='x86_64'>hvm</type>      part "os/type"         facts "@arch=x86_64",
 *".=hvm" <devices> <disk device='disk'>                  part "devices/disk"    facts
 *"@device=disk", <target dev='vda' bus='virtio'/>          "target/@dev=vda", "target/@bus=virtio"
 */
#ifndef QMP_DOMAIN_PARTS_H
#define QMP_DOMAIN_PARTS_H

#include <stdbool.h>
#include <stddef.h>

#include <guestscope/base/error.h>

#define GS_DOMAIN_PATH_SIZE                                                  \
	128 /* what has a longer one is left out: it is nothing of libvirt's \
	     */
#define GS_DOMAIN_FACTS_MAX 65536

/* <domain>, what is in it, and what is in that: all that is further in belongs to the last. */
struct gs_domain_part {
	char path[GS_DOMAIN_PATH_SIZE]; /* "domain", or where it is below that */
	char **facts;                   /* in the order of the document; owned */
	size_t count;
};

struct gs_domain_parts {
	struct gs_domain_part *items;
	size_t count, capacity, facts;
	char path[GS_DOMAIN_PATH_SIZE]; /* while it is built: of the open element, and a slash */
	size_t depth, left_out; /* open elements; how many of them have no place in the path */
};
void gs_domain_parts_deinit(struct gs_domain_parts *parts);

/* The document, element by element. CORRUPT: it has too many. */
GS_MUST_CHECK struct gs_error *gs_domain_parts_open(struct gs_domain_parts *parts,
						    const char *prefix, const char *name);
/* Of the element that was opened last. */
GS_MUST_CHECK struct gs_error *gs_domain_parts_attribute(struct gs_domain_parts *parts,
							 const char *name, const char *value,
							 size_t value_size);
/* The same; its text is a fact by the name of ".". @text may be NULL if there is none. */
GS_MUST_CHECK struct gs_error *gs_domain_parts_text(struct gs_domain_parts *parts, const char *text,
						    size_t size);
void gs_domain_parts_close(struct gs_domain_parts *parts);
/* The part's first fact of that name; NULL: it has none. */
const char *gs_domain_part_get(const struct gs_domain_part *part, const char *name,
			       size_t name_size);

/* All of a domain's XML; as gs_domain_parse(). */
GS_MUST_CHECK struct gs_error *gs_domain_parse_parts(const char *xml, size_t size,
						     struct gs_domain_parts *ret);

#endif
