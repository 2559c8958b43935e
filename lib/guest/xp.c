/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Guest memory through the human monitor's "xp", where ranged dumps are not to be had. A line is
 * "ADDRESS: 0x12 0x34 ...": seven characters a byte, so this is for page tables and samples.
 */
#include "xp.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define COMMAND_BYTES (UINT64_C(64) << 10) /* of memory; libvirt takes no answers above 4 MiB */
#define LINE_MAX_BYTES 80                  /* of a failed answer that a message shows */

/* "0x12" at *at, behind spaces; -1: something else. */
static int take_byte(const char **at)
{
	char *end;
	unsigned long value;

	*at += strspn(*at, " ");
	if (strncmp(*at, "0x", 2) != 0)
		return -1;
	value = strtoul(*at, &end, 16);
	*at = end;
	return value <= UINT8_MAX ? (int)value : -1;
}

/* The bytes of one line; its address was not asked for. */
static uint64_t parse_line(const char *line, uint8_t *buf, uint64_t room)
{
	const char *at = strchr(line, ':');
	uint64_t count = 0;

	if (!at)
		return 0;
	for (at++; count < room; count++) {
		int byte = take_byte(&at);

		if (byte < 0)
			break;
		buf[count] = (uint8_t)byte;
	}
	return count;
}

static struct gs_error *read_piece(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf, uint64_t size)
{
	gs_autofree char *text = NULL;
	char command[64], *line, *rest;
	uint64_t done = 0;
	struct gs_error *err;

	snprintf(command, sizeof(command), "xp /%" PRIu64 "xb 0x%" PRIx64, size, gpa);
	err = gs_qmp_hmp(qmp, command, -1, &text);
	if (err)
		return gs_error_wrap(err, "%s", command);
	for (line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest)) {
		uint64_t count = parse_line(line, buf + done, size - done);

		if (!count)
			return gs_error_create(GS_ERROR_PROTOCOL, "%s: %.*s", command,
					       LINE_MAX_BYTES, line);
		done += count;
	}
	if (done == size)
		return NULL;
	return gs_error_create(GS_ERROR_PROTOCOL, "%s: %" PRIu64 " bytes came", command, done);
}

struct gs_error *gs_guest_read_xp(struct gs_qmp *qmp, gs_gpa_t gpa, uint8_t *buf, uint64_t size)
{
	struct gs_error *err = NULL;

	for (uint64_t done = 0, part; done < size && !err; done += part) {
		part = size - done < COMMAND_BYTES ? size - done : COMMAND_BYTES;
		err = read_piece(qmp, gpa + done, buf + done, part);
	}
	return err;
}
