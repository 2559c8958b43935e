/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A QEMU's QMP schema: what commands and events it has, and what their arguments may be. It comes
 * from query-qmp-schema, where types other than builtin ones have numbers for names; here they are
 * resolved, and members point at their types.
 */
#ifndef GUESTSCOPE_QMP_SCHEMA_H
#define GUESTSCOPE_QMP_SCHEMA_H

#include <guestscope/qmp.h>

enum gs_schema_meta {
	GS_SCHEMA_BUILTIN,
	GS_SCHEMA_ENUM,
	GS_SCHEMA_ARRAY,
	GS_SCHEMA_OBJECT,
	GS_SCHEMA_ALTERNATE, /* one of several types, told apart by what JSON holds */
	GS_SCHEMA_COMMAND,
	GS_SCHEMA_EVENT,
};

/* Of a builtin type, by "json-type". An "int" has no fraction. */
enum gs_schema_json {
	GS_SCHEMA_JSON_STRING,
	GS_SCHEMA_JSON_NUMBER,
	GS_SCHEMA_JSON_INT,
	GS_SCHEMA_JSON_BOOLEAN,
	GS_SCHEMA_JSON_NULL,
	GS_SCHEMA_JSON_OBJECT,
	GS_SCHEMA_JSON_ARRAY,
	GS_SCHEMA_JSON_ANY, /* "value" */
};

/* What is said about an entity, member or value besides its type. */
struct gs_schema_features {
	bool deprecated, unstable;
	const char *const *names; /* all, also those two; NULL-terminated, or NULL: none */
};

struct gs_schema_entity;

struct gs_schema_member {
	const char *name;
	const struct gs_schema_entity *type;
	bool optional;
	struct gs_schema_features features;
};

struct gs_schema_value { /* of an enum */
	const char *name;
	struct gs_schema_features features;
};

struct gs_schema_variant { /* members that come with a value of the tag */
	const char *value;
	const struct gs_schema_entity *type;
};

struct gs_schema_entity {
	enum gs_schema_meta meta;
	const char *name; /* of a type: as numbered, no more than a key within one schema */
	struct gs_schema_features features;
	enum gs_schema_json json;               /* BUILTIN */
	const struct gs_schema_value *values;   /* ENUM */
	const struct gs_schema_member *members; /* OBJECT; ALTERNATE: types alone, no names */
	const struct gs_schema_variant *variants;
	size_t value_count, member_count, variant_count;
	const struct gs_schema_member *tag;     /* OBJECT with variants: one of its members */
	const struct gs_schema_entity *element; /* ARRAY */
	const struct gs_schema_entity *arg;     /* COMMAND, EVENT: an OBJECT (may be empty) */
	const struct gs_schema_entity *ret;     /* COMMAND */
	bool allow_oob;                         /* COMMAND */
};

/* Everything that is borrowed from a schema lives as long as it does. */
struct gs_schema;

/* Ask the peer. */
GS_MUST_CHECK struct gs_error *gs_schema_query(struct gs_qmp *qmp, struct gs_schema **ret);
/*
 * From what query-qmp-schema returns, or a whole reply around it. Hostile input: CORRUPT names the
 * entity; references in circles are legal.
 */
GS_MUST_CHECK struct gs_error *gs_schema_parse(const struct gs_json *value, struct gs_schema **ret);
void gs_schema_destroy(struct gs_schema *schema);
GS_DEFINE_CLEANUP(struct gs_schema *, gs_schema_destroy)

/* What it was parsed from: query-qmp-schema's list. Borrowed. */
const struct gs_json *gs_schema_source(const struct gs_schema *schema);

/* Commands and events, each sorted by name. @meta: COMMAND or EVENT. */
const struct gs_schema_entity *gs_schema_at(const struct gs_schema *schema,
					    enum gs_schema_meta meta,
					    size_t i); /* NULL past the last */
const struct gs_schema_entity *gs_schema_find(const struct gs_schema *schema,
					      enum gs_schema_meta meta, const char *name);
/* @type's member of that name, also of the variants (any of them if @value is NULL); NULL: none. */
const struct gs_schema_member *gs_schema_member(const struct gs_schema_entity *type,
						const char *name, const char *value);
const struct gs_schema_entity *gs_schema_variant(const struct gs_schema_entity *type,
						 const char *value);
/* "string", "int", "[int]", "enum", "BlockdevOptions"-like types have no names: "object". Caller
 * frees. */
char *gs_schema_type_text(const struct gs_schema_entity *type);

/*
 * Whether the peer would understand a call. INVALID says where and what: an unknown command or
 * member with the nearest name, a missing member, a value of the wrong type, an unknown enum value:
 * "blockdev-add: 'driver': no value 'qcow3'; did you mean 'qcow2'?". @arguments NULL: none.
 * @notes_ret (an array of strings, the caller's; may be NULL) holds what is deprecated or unstable
 * in the call.
 */
GS_MUST_CHECK struct gs_error *gs_schema_check(const struct gs_schema *schema, const char *command,
					       const struct gs_json *arguments,
					       struct gs_json **notes_ret);

/*
 * Paths: COMMAND, EVENT, COMMAND/arg/MEMBER/MEMBER, COMMAND/ret/MEMBER, EVENT/arg/MEMBER; beyond an
 * enum member, one of its values; arrays are stepped through; "arg" may be left out. A variant's
 * members are found by their name (in the first variant that has it), or by VALUE/MEMBER behind the
 * tag's member. "+feature" at the end asks for a feature.
 */
struct gs_schema_place {
	const struct gs_schema_entity *entity;  /* a command or event, or the type of a member */
	const struct gs_schema_member *member;  /* the last step, or NULL */
	const struct gs_schema_value *value;    /* the last step, or NULL */
	const struct gs_schema_entity *variant; /* what comes along with that value, or NULL */
};
/* NODATA: there is none, and the nearest name at the step that failed. INVALID: no such thing as
 * a path. */
GS_MUST_CHECK struct gs_error *gs_schema_resolve(const struct gs_schema *schema, const char *path,
						 struct gs_schema_place *ret);

/*
 * All commands, events, members and values whose names have @word in them, or match it where it is
 * a pattern ("*size*"), in any case: with their paths. Within a command, what stands in a type is
 * told once. @path and @place live during the call. Stops at the first error of @report.
 */
typedef struct gs_error *(*gs_schema_found_fn)(void *arg, const char *path,
					       const struct gs_schema_place *place);
GS_MUST_CHECK struct gs_error *gs_schema_search(const struct gs_schema *schema, const char *word,
						gs_schema_found_fn report, void *arg);

/* ---- completion of a line that is being typed ---- */

/* What a string names, as far as its member's name tells. */
enum gs_schema_names {
	GS_SCHEMA_NAMES_NONE,        /* free text, or something new */
	GS_SCHEMA_NAMES_NODE,        /* a block node */
	GS_SCHEMA_NAMES_BLOCK,       /* a block backend or node */
	GS_SCHEMA_NAMES_DRIVE,       /* a device with a medium, by its qdev id or path */
	GS_SCHEMA_NAMES_DEVICE,      /* a device with an id */
	GS_SCHEMA_NAMES_DEVICE_TYPE, /* "virtio-blk-pci" */
	GS_SCHEMA_NAMES_OBJECT,      /* of -object */
	GS_SCHEMA_NAMES_IOTHREAD,
	GS_SCHEMA_NAMES_CHARDEV,
	GS_SCHEMA_NAMES_JOB,
	GS_SCHEMA_NAMES_EXPORT,
	GS_SCHEMA_NAMES_QOM_PATH,
	/* What a device of the type that is given as prefix takes: "drive=", "size:=". */
	GS_SCHEMA_NAMES_DEVICE_PROPERTY,
};

struct gs_schema_completer {
	const struct gs_schema *schema;
	/* The line is an action of a transaction: its first word is a type, the others are data. */
	bool is_action;
	/*
	 * The names that there are now: an array of strings, the caller's. @prefix is what has been
	 * typed of it; names that begin otherwise do no harm. An error is taken for "none". May be
	 * NULL.
	 */
	struct gs_error *(*names)(void *arg, enum gs_schema_names kind, const char *prefix,
				  struct gs_json **ret);
	void *names_arg;
};

/* What may stand in the line from @start to the cursor, sorted, each once. */
struct gs_schema_candidates {
	size_t start;
	char **words; /* owned */
	size_t count;
};
void gs_schema_candidates_deinit(struct gs_schema_candidates *candidates);
/* Copies @word unless it does not begin with @prefix. false: out of memory. */
bool gs_schema_candidates_add(struct gs_schema_candidates *candidates, const char *prefix,
			      const char *word);
/* Sorted, each once. */
void gs_schema_candidates_sort(struct gs_schema_candidates *candidates);

/*
 * Of a line "COMMAND key=text key:=json key.member=text ...": commands; members that are not in the
 * line yet, as "key=", "key:=" or "key." (which want no space behind them), those of variants by
 * the value that the line gives to the tag, those of the device for device_add; values of enums,
 * true and false, names. Nothing inside of quotes or JSON.
 */
GS_MUST_CHECK struct gs_error *gs_schema_complete(const struct gs_schema_completer *completer,
						  const char *line, size_t cursor,
						  struct gs_schema_candidates *ret);

/* ---- differences ---- */

/* One difference between two schemas. */
enum gs_schema_change_kind { GS_SCHEMA_ADDED, GS_SCHEMA_REMOVED, GS_SCHEMA_CHANGED };
struct gs_schema_change {
	enum gs_schema_change_kind kind;
	/*
	 * As for gs_schema_resolve(): where it was, or if ADDED, where it is; that may lie in what
	 * has moved, and then is told by where it was.
	 */
	const char *path;
	/* What it was and is, for people: "optional string" → "string"; NULL where there is none.
	 */
	const char *before, *after;
	/* A call or a reader that was right before may be wrong now: something removed, a member
	 * that became mandatory, a type that became another. */
	bool breaks;
};
/*
 * All of them: commands, then events, each one's changes by path. Within one of them, what stands
 * in a type is told once, at its shortest path. A member that moved from all variants of an object
 * to some, or the other way round, has CHANGED. @change lives during the call. Stops at the first
 * error of @report. UNSUPPORTED: larger or deeper than any QEMU's.
 */
GS_MUST_CHECK struct gs_error *gs_schema_diff(
	const struct gs_schema *before, const struct gs_schema *after,
	struct gs_error *(*report)(void *arg, const struct gs_schema_change *change), void *arg);

#endif
