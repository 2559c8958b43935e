/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Which calls are meant: alternatives of comparisons that must all be true. */
#include <ctype.h>
#include <fnmatch.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/base/text.h>
#include <guestscope/hold/condition.h>

#define COMPARISONS_MAX 64
#define NUMBER_MAX 24 /* digits, and what stands before them */
#define OPERAND_TID GS_CALL_ARGS

enum operation { EQUAL, UNEQUAL, LESS_EQUAL, GREATER_EQUAL, LESS, GREATER, AND, GLOB };
/* Longer ones before those that they begin with. */
static const char *const operations[] = {"==", "!=", "<=", ">=", "<", ">", "&", "~"};

enum width { WHOLE, INT, UNSIGNED };
static const char *const widths[] = {"", "(int)", "(unsigned)"};

struct comparison {
	bool is_alternative;  /* "||" stands before it, or nothing */
	unsigned int operand; /* argN, or OPERAND_TID */
	enum width width;
	enum operation operation;
	int64_t number;
	char *string; /* NULL: a number */
};

struct gs_condition {
	size_t count;
	struct comparison comparisons[COMPARISONS_MAX];
};

void gs_condition_destroy(struct gs_condition *condition)
{
	for (size_t i = 0; i < condition->count; i++)
		free(condition->comparisons[i].string);
	free(condition);
}

/* ---- reading it ---- */

struct reader {
	const char *text, *at;
};

static bool take(struct reader *reader, const char *token)
{
	size_t size = strlen(token);

	reader->at += strspn(reader->at, " \t");
	if (strncmp(reader->at, token, size) != 0)
		return false;
	reader->at += size;
	return true;
}

static struct gs_error *expected(struct reader *reader, const char *what)
{
	int column;

	reader->at += strspn(reader->at, " \t");
	column = (int)(reader->at - reader->text) + 1;
	if (!*reader->at)
		return gs_error_create(GS_ERROR_INVALID,
				       "condition, column %d: expected %s, it ends here", column,
				       what);
	return gs_error_create(GS_ERROR_INVALID, "condition, column %d: expected %s, found '%s'",
			       column, what, reader->at);
}

static struct gs_error *read_operand(struct reader *reader, struct comparison *ret)
{
	ret->width = take(reader, widths[INT])        ? INT
		     : take(reader, widths[UNSIGNED]) ? UNSIGNED
						      : WHOLE;
	ret->operand = OPERAND_TID;
	if (ret->width == WHOLE && take(reader, "tid"))
		return NULL;
	if (take(reader, "arg") && *reader->at >= '0' && *reader->at < '0' + GS_CALL_ARGS &&
	    !isalnum((unsigned char)reader->at[1])) {
		ret->operand = (unsigned int)(*reader->at++ - '0');
		return NULL;
	}
	return expected(reader, ret->width == WHOLE ? "arg0 to arg5, or tid" : "arg0 to arg5");
}

static struct gs_error *read_operation(struct reader *reader, struct comparison *ret)
{
	reader->at += strspn(reader->at, " \t");
	for (size_t i = 0; i < sizeof(operations) / sizeof(*operations); i++) {
		if (strncmp(reader->at, "&&", 2) != 0 && take(reader, operations[i])) {
			ret->operation = (enum operation)i;
			return NULL;
		}
	}
	return expected(reader, "== != < <= > >= & or ~");
}

/* Decimal ones are signed; hexadecimal ones are 64 bits. */
static struct gs_error *read_number(struct reader *reader, int64_t *ret)
{
	const struct reader start = *reader;
	bool is_negative = take(reader, "-");
	size_t size = strspn(reader->at, "0123456789abcdefABCDEFxX");
	bool is_hex = reader->at[0] == '0' && (reader->at[1] == 'x' || reader->at[1] == 'X');
	uint64_t magnitude, limit = is_negative ? (uint64_t)INT64_MAX + 1 : INT64_MAX;
	char digits[NUMBER_MAX];

	if (size && size < sizeof(digits)) {
		gs_autoerror struct gs_error *err = NULL;

		memcpy(digits, reader->at, size);
		digits[size] = '\0';
		err = gs_parse_u64(digits, &magnitude);
		if (!err && (magnitude <= limit || (is_hex && !is_negative))) {
			*ret = (int64_t)(is_negative ? -magnitude : magnitude);
			reader->at += size;
			return NULL;
		}
	}
	*reader = start;
	return expected(reader, size ? "a number of 64 bits" : "a number or a string");
}

/* \" and \\ stand for " and \; any other backslash for itself, as globs need it. */
static struct gs_error *read_string(struct reader *reader, char **ret)
{
	gs_autotext struct gs_text string = {0};
	const struct reader start = *reader;

	for (reader->at++; *reader->at && *reader->at != '"'; reader->at++) {
		if (*reader->at == '\\' && (reader->at[1] == '"' || reader->at[1] == '\\'))
			reader->at++;
		gs_text_append(&string, reader->at, 1);
	}
	if (*reader->at++ == '"' && string.size < GS_CALL_STRING_MAX - 1)
		return gs_text_finish(&string, ret);
	*reader = start;
	return expected(reader, string.size < GS_CALL_STRING_MAX - 1
					? "a string that ends in '\"'"
					: "a string of at most 4094 bytes");
}

static struct gs_error *read_value(struct reader *reader, struct comparison *ret)
{
	bool may_be_string = ret->operand != OPERAND_TID && ret->width == WHOLE &&
			     (ret->operation <= UNEQUAL || ret->operation == GLOB);

	reader->at += strspn(reader->at, " \t");
	if (*reader->at == '"' && may_be_string)
		return read_string(reader, &ret->string);
	if (*reader->at == '"')
		return expected(reader, "a number (strings are for argN, and == != ~)");
	if (ret->operation == GLOB)
		return expected(reader, "a string");
	return read_number(reader, &ret->number);
}

static struct gs_error *read_all(struct reader *reader, struct gs_condition *condition)
{
	bool is_alternative = true;

	for (;;) {
		struct comparison *next = &condition->comparisons[condition->count];
		struct gs_error *err;

		if (condition->count == COMPARISONS_MAX)
			return expected(reader, "at most 64 comparisons");
		next->is_alternative = is_alternative;
		err = read_operand(reader, next);
		if (!err)
			err = read_operation(reader, next);
		if (!err)
			err = read_value(reader, next);
		if (err)
			return err;
		condition->count++;
		is_alternative = take(reader, "||");
		if (is_alternative || take(reader, "&&"))
			continue;
		return *reader->at ? expected(reader, "&& or ||") : NULL;
	}
}

struct gs_error *gs_condition_parse(const char *text, struct gs_condition **ret)
{
	GS_CLEANUP(gs_condition_destroy)
	struct gs_condition *condition = calloc(1, sizeof(*condition));
	struct reader reader = {text, text};
	struct gs_error *err = condition ? read_all(&reader, condition) : gs_error_nomem();

	if (!err)
		*ret = gs_take(condition);
	return err;
}

/* ---- one call ---- */

static bool holds_string(const struct comparison *comparison, const struct gs_call *call)
{
	char string[GS_CALL_STRING_MAX];
	uint64_t address = call->args[comparison->operand];
	size_t size = call->read(call->arg, address, string, sizeof(string));

	/* What ends where memory does is none; what is only longer can be seen in part. */
	if (!memchr(string, '\0', size)) {
		if (size < sizeof(string))
			return comparison->operation == UNEQUAL;
		string[size - 1] = '\0';
	}
	if (comparison->operation == GLOB)
		return fnmatch(comparison->string, string, 0) == 0;
	return (strcmp(comparison->string, string) == 0) == (comparison->operation == EQUAL);
}

static int64_t value_of(const struct comparison *comparison, const struct gs_call *call)
{
	uint64_t value;

	if (comparison->operand == OPERAND_TID)
		return call->tid;
	value = call->args[comparison->operand];
	if (comparison->width == WHOLE)
		return (int64_t)value;
	return comparison->width == INT ? (int64_t)(int32_t)value : (int64_t)(uint32_t)value;
}

static bool holds(const struct comparison *comparison, const struct gs_call *call)
{
	int64_t value, number = comparison->number;

	if (comparison->string)
		return holds_string(comparison, call);
	value = value_of(comparison, call);
	switch (comparison->operation) {
	case EQUAL:
		return value == number;
	case UNEQUAL:
		return value != number;
	case LESS_EQUAL:
		return value <= number;
	case GREATER_EQUAL:
		return value >= number;
	case LESS:
		return value < number;
	case GREATER:
		return value > number;
	case AND:
		return (value & number) != 0;
	case GLOB: /* of strings only */
		break;
	}
	return false;
}

bool gs_condition_holds(const struct gs_condition *condition, const struct gs_call *call)
{
	bool is_true = false;

	for (size_t i = 0; i < condition->count; i++) {
		const struct comparison *next = &condition->comparisons[i];

		if (next->is_alternative && is_true)
			return true;
		is_true = (next->is_alternative || is_true) && holds(next, call);
	}
	return is_true;
}
