/* SPDX-License-Identifier: GPL-2.0-or-later */
/* matrix: which machines' guests go from which QEMU to which other one. */
#include <stdlib.h>

#include "html.h"
#include "matrix.h"

static struct gs_error *load(struct matrix *matrix)
{
	size_t count = gs_args_count(matrix->args);
	struct gs_error *err = NULL;

	matrix->exports = calloc(count, sizeof(*matrix->exports));
	if (!matrix->exports)
		return gs_error_nomem();
	for (size_t i = 0; !err && i < count; i++) {
		err = vmstate_load(gs_args_at(matrix->args, i), &matrix->exports[i]);
		matrix->export_count += !err;
	}
	return err;
}

int cmd_matrix(struct gs_args *args)
{
	struct matrix matrix = {.args = args};
	bool as_html = false;
	struct gs_error *err = html_wanted(args, &as_html);
	int status;

	if (!err)
		err = check_given_read(args, &matrix.given);
	if (!err)
		err = load(&matrix);
	if (!err)
		err = matrix_collect(&matrix);
	if (err)
		status = gs_args_fail(args, err);
	else if (as_html)
		status = matrix_as_html(&matrix);
	else
		status = gs_args_has(args, "json") ? matrix_as_json(&matrix)
						   : matrix_as_text(&matrix);
	matrix_deinit(&matrix);
	return status;
}
