/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The QEMU processes of libvirt's domains, among all processes of this host. */
#include <ctype.h>
#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/io.h>
#include <guestscope/base/process.h>

#include "libvirt.h"

#define CMDLINE_MAX (4 * 1024 * 1024)
#define SEVERAL (-1) /* as a pid */

/*
 * libvirt gives each QEMU its domain's UUID: two neighbouring words of the command line. NULL where
 * there are none, or the process is gone; the caller frees.
 */
static char *uuid_of(pid_t pid)
{
	static const char option[] = "-uuid";
	gs_autofree char *text = NULL;
	char path[32];
	size_t size, at = 0;
	bool is_option = false;
	gs_autoerror struct gs_error *err = NULL;

	snprintf(path, sizeof(path), "/proc/%d/cmdline", (int)pid);
	err = gs_read_file(path, CMDLINE_MAX, &text, &size);
	while (!err && at < size) {
		if (is_option)
			return strdup(text + at);
		is_option = strcmp(text + at, option) == 0;
		at += strlen(text + at) + 1;
	}
	return NULL;
}

/* 0 where it is gone. */
static pid_t parent_of(pid_t pid)
{
	struct gs_proc_stat stat;

	return gs_proc_stat(pid, &stat) ? stat.parent : 0;
}

/* A fork of a QEMU has its command line, until it execs or for good: it is not meant. */
static pid_t choose(pid_t known, pid_t found)
{
	if (!known || parent_of(known) == found)
		return found;
	return known == SEVERAL || parent_of(found) == known ? known : SEVERAL;
}

static void note(struct gs_domain *domains, size_t count, const char *uuid, pid_t pid)
{
	for (size_t i = 0; i < count; i++)
		if (domains[i].running && strcmp(domains[i].uuid, uuid) == 0)
			domains[i].pid = choose(domains[i].pid, pid);
}

void gs_qmp_find_domains(struct gs_domain *domains, size_t count)
{
	DIR *dir = count ? opendir("/proc") : NULL;
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		pid_t pid = isdigit((unsigned char)*entry->d_name) ? atoi(entry->d_name) : 0;
		gs_autofree char *uuid = pid ? uuid_of(pid) : NULL;

		if (uuid)
			note(domains, count, uuid, pid);
	}
	if (dir)
		closedir(dir);
	for (size_t i = 0; i < count; i++)
		if (domains[i].pid == SEVERAL)
			domains[i].pid = 0;
}

pid_t gs_qmp_find_domain(const char *uuid)
{
	struct gs_domain domain = {.uuid = (char *)uuid, .running = true};

	gs_qmp_find_domains(&domain, 1);
	return domain.pid;
}
