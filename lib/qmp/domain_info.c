/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is known of domains, and their disks, as values. */
#include <stdlib.h>

#include "domain.h"

const struct gs_domain_field gs_domain_disk_fields[] = {
	{"target", offsetof(struct gs_domain_disk, target)},
	{"device", offsetof(struct gs_domain_disk, device)},
	{"type", offsetof(struct gs_domain_disk, type)},
	{"source", offsetof(struct gs_domain_disk, source)},
	{"protocol", offsetof(struct gs_domain_disk, protocol)},
	{"format", offsetof(struct gs_domain_disk, format)},
	{"alias", offsetof(struct gs_domain_disk, alias)},
};

char **gs_domain_disk_field(struct gs_domain_disk *disk, size_t i)
{
	return (char **)((char *)disk + gs_domain_disk_fields[i].offset);
}

static void deinit_domain(struct gs_domain *domain)
{
	free(domain->name);
	free(domain->uuid);
}

void gs_domains_free(struct gs_domain *domains, size_t count)
{
	for (size_t i = 0; i < count; i++)
		deinit_domain(&domains[i]);
	free(domains);
}

void gs_domain_info_deinit(struct gs_domain_info *info)
{
	for (size_t i = 0; i < info->disk_count; i++)
		for (size_t f = 0; f < GS_DOMAIN_DISK_FIELDS; f++)
			free(*gs_domain_disk_field(&info->disks[i], f));
	free(info->disks);
	deinit_domain(&info->domain);
	free(info->xml);
	*info = (struct gs_domain_info){0};
}
