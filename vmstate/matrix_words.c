/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What text and page of the matrix say alike. */
#include <string.h>

#include "matrix.h"

#define NAMES_COLUMNS 34 /* of machines without a version */

char matrix_letter(size_t export)
{
	return (char)('A' + export);
}

void put_way(struct gs_text *out, const struct matrix_pair *pair, int direction, const char *arrow)
{
	bool is_forward = direction == GS_CHECK_FORWARD;

	gs_text_printf(out, "%c %s %c", matrix_letter(is_forward ? pair->before : pair->after),
		       arrow, matrix_letter(is_forward ? pair->after : pair->before));
}

static void put_alias(struct gs_text *out, const struct gs_machine_side *side)
{
	const char *alias = side->machine ? side->machine->alias : NULL;

	if (!alias)
		return;
	gs_text_puts(out, " (");
	gs_text_puts_printable(out, alias);
	gs_text_puts(out, ")");
}

/* "isapc, microvm, none", or "akita-bmc and 60 more". */
static void put_names(struct gs_text *out, const struct matrix_pair *pair, size_t first,
		      size_t count)
{
	gs_autotext struct gs_text names = {0};

	for (size_t i = 0; i < count && names.size <= NAMES_COLUMNS; i++) {
		gs_text_puts(&names, i ? ", " : "");
		gs_text_puts_printable(&names, pair->rows[first + i].machine.name);
	}
	out->failed |= names.failed;
	if (count == 1 || names.size <= NAMES_COLUMNS) {
		gs_text_puts(out, names.data ? names.data : "");
		return;
	}
	gs_text_puts_printable(out, pair->rows[first].machine.name);
	gs_text_printf(out, " and %zu more", count - 1);
}

/* The newest of a family is the one that has an alias. */
void put_run(struct gs_text *out, const struct matrix_pair *pair, size_t first, size_t count)
{
	const struct gs_machine *newest = &pair->rows[first].machine;
	const char *oldest = pair->rows[first + count - 1].machine.name;

	if (!gs_machine_is_versioned(newest->name)) {
		put_names(out, pair, first, count);
		return;
	}
	gs_text_puts_printable(out, newest->name);
	put_alias(out, newest->before.machine && newest->before.machine->alias ? &newest->before
									       : &newest->after);
	if (count == 1)
		return;
	oldest += gs_machine_family(oldest);
	gs_text_puts(out, count == 2 ? " and " : " to ");
	gs_text_puts_printable(out, oldest + (*oldest == '-'));
}

void put_row_setting(struct gs_text *out, const struct matrix_pair *pair,
		     const struct matrix_row *row, size_t i)
{
	const char before[] = {matrix_letter(pair->before), '\0'};
	const char after[] = {matrix_letter(pair->after), '\0'};

	put_setting(out, &row->machine, &row->settings[i].is, before, after);
}

/* As a shell has it: quoted, if there is more in it than what most names are made of. */
static void put_word(struct gs_text *out, const char *word)
{
	static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
				    "0123456789-._/@+:=,";
	bool is_plain = *word && !word[strspn(word, plain)];

	gs_text_puts(out, is_plain ? " " : " '");
	for (const char *c = word; *c; c++) {
		const char one[] = {*c, '\0'};

		if (*c == '\'')
			gs_text_puts(out, "'\\''");
		else
			gs_text_puts(out, one);
	}
	gs_text_puts(out, is_plain ? "" : "'");
}

void put_command(struct gs_text *out, const struct matrix *matrix, const struct matrix_pair *pair,
		 const char *machine)
{
	gs_autotext struct gs_text words = {0};

	gs_text_puts(&words, "vmstate check");
	if (machine) {
		gs_text_puts(&words, " --machine");
		put_word(&words, machine);
	}
	put_word(&words, matrix->exports[pair->before].name);
	put_word(&words, matrix->exports[pair->after].name);
	gs_text_puts_printable(out, words.data ? words.data : "");
	out->failed |= words.failed;
}
