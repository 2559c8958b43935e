/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What stands beside the dump of an export, as values. Strings stay in the JSON that they are in.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <guestscope/devstate/about.h>

struct owned {
	struct gs_about about;
	struct gs_json *value;
};

/* ---- members ---- */

static struct gs_error *expect(const char *what, const struct gs_json *value,
			       enum gs_json_type wanted)
{
	if (gs_json_type(value) == wanted)
		return NULL;
	return gs_error_create(GS_ERROR_CORRUPT, "%s is no %s, but %s", what,
			       gs_json_type_name(wanted), gs_json_type_name(gs_json_type(value)));
}

/* Those that are not there keep their value. */
static struct gs_error *string(const struct gs_json *object, const char *key, const char **ret)
{
	const struct gs_json *value = gs_json_get(object, key);
	struct gs_error *err = value ? expect(key, value, GS_JSON_STRING) : NULL;

	if (value && !err)
		*ret = gs_json_string(value);
	return err;
}

static struct gs_error *boolean(const struct gs_json *object, const char *key, bool *ret)
{
	const struct gs_json *value = gs_json_get(object, key);
	struct gs_error *err = value ? expect(key, value, GS_JSON_BOOL) : NULL;

	if (value && !err)
		*ret = gs_json_is_true(value);
	return err;
}

/* One that must be there. */
static struct gs_error *needed(const struct gs_json *object, const char *key, const char **ret)
{
	if (gs_json_type(object) == GS_JSON_OBJECT && !gs_json_get(object, key))
		return gs_error_create(GS_ERROR_CORRUPT, "%s is missing", key);
	return string(object, key, ret);
}

/* Room for each element of the list @key of @object; *list_ret stays NULL where there is none. */
static struct gs_error *array(const struct gs_json *object, const char *key, size_t max,
			      size_t size, const struct gs_json **list_ret, void *ret)
{
	const struct gs_json *list = gs_json_get(object, key);
	struct gs_error *err = list ? expect(key, list, GS_JSON_ARRAY) : NULL;
	void *room;

	if (!list || err)
		return err;
	if (gs_json_count(list) > max)
		return gs_error_create(GS_ERROR_CORRUPT, "%s: more than %zu", key, max);
	room = calloc(gs_json_count(list) + 1, size);
	if (!room)
		return gs_error_nomem();
	*list_ret = list;
	*(void **)ret = room;
	return NULL;
}

static struct gs_error *names(const struct gs_json *object, const char *key,
			      struct gs_about_list *ret, bool *has_ret)
{
	const struct gs_json *list = NULL;
	const char **room = NULL;
	struct gs_error *err = array(object, key, SIZE_MAX, sizeof(*room), &list, &room);

	ret->names = room;
	gs_json_for_each (each, list) {
		err = expect(key, each, GS_JSON_STRING);
		if (err)
			return gs_error_wrap(err, "element %zu", ret->count);
		room[ret->count++] = gs_json_string(each);
	}
	*has_ret = list;
	return err;
}

/* ---- machines ---- */

static struct gs_error *parse_property(const struct gs_json *object, struct gs_about_property *ret)
{
	struct gs_error *err = expect("it", object, GS_JSON_OBJECT);

	if (!err)
		err = needed(object, "qom-type", &ret->type);
	if (!err)
		err = needed(object, "property", &ret->name);
	return err ? err : needed(object, "value", &ret->value);
}

static struct gs_error *parse_properties(const struct gs_json *machine,
					 struct gs_about_machine *ret)
{
	const struct gs_json *list = NULL;
	struct gs_about_property *room = NULL;
	struct gs_error *err = array(machine, "compat-props", GS_ABOUT_PROPERTIES_MAX,
				     sizeof(*room), &list, &room);

	ret->properties = room;
	ret->has_properties = list;
	gs_json_for_each (each, list) {
		err = parse_property(each, &room[ret->property_count]);
		if (err)
			return gs_error_wrap(err, "compat-props: element %zu", ret->property_count);
		ret->property_count++;
	}
	return err;
}

static struct gs_error *parse_machine(const struct gs_json *object, struct gs_about_machine *ret)
{
	struct gs_error *err = expect("it", object, GS_JSON_OBJECT);

	if (!err)
		err = needed(object, "name", &ret->name);
	if (!err)
		err = string(object, "alias", &ret->alias);
	if (!err)
		err = boolean(object, "is-default", &ret->is_default);
	if (!err)
		err = boolean(object, "deprecated", &ret->deprecated);
	return err ? err : parse_properties(object, ret);
}

static int by_machine(const void *a, const void *b)
{
	return strcmp(((const struct gs_about_machine *)a)->name,
		      ((const struct gs_about_machine *)b)->name);
}

static struct gs_error *parse_machines(const struct gs_json *value, struct gs_about *about)
{
	const struct gs_json *list = NULL;
	struct gs_about_machine *room = NULL;
	struct gs_error *err =
		array(value, "machines", GS_ABOUT_MACHINES_MAX, sizeof(*room), &list, &room);

	about->machines = room;
	about->has_machines = list;
	gs_json_for_each (each, list) {
		/* Counted before, so that what it has got is released. */
		err = parse_machine(each, &room[about->machine_count++]);
		if (err)
			return gs_error_wrap(err, "machine %zu", about->machine_count - 1);
	}
	if (room)
		qsort(room, about->machine_count, sizeof(*room), by_machine);
	return err;
}

/* ---- types ---- */

static struct gs_error *parse_parents(const struct gs_json *parents, bool abstract,
				      struct gs_about_type *room, size_t *count)
{
	gs_json_for_each (each, parents) {
		struct gs_about_type *type = &room[*count];

		type->name = gs_json_key(each);
		type->parent = gs_json_string(each);
		type->abstract = abstract;
		if (!type->parent && gs_json_type(each) != GS_JSON_NULL)
			return gs_error_wrap(expect("parent", each, GS_JSON_STRING), "%.80s",
					     type->name);
		(*count)++;
	}
	return NULL;
}

static int by_type(const void *a, const void *b)
{
	return strcmp(((const struct gs_about_type *)a)->name,
		      ((const struct gs_about_type *)b)->name);
}

static struct gs_error *parse_existing(const struct gs_json *types, struct gs_about *about)
{
	const struct gs_json *abstract = gs_json_get(types, "abstract");
	const struct gs_json *real = gs_json_get(types, "real");
	struct gs_about_type *room = NULL;
	struct gs_error *err = expect("abstract", abstract, GS_JSON_OBJECT);

	if (!err)
		err = expect("real", real, GS_JSON_OBJECT);
	if (err)
		return err;
	room = calloc(gs_json_count(abstract) + gs_json_count(real) + 1, sizeof(*room));
	if (!room)
		return gs_error_nomem();
	about->types = room;
	about->has_types = true;
	err = parse_parents(abstract, true, room, &about->type_count);
	if (!err)
		err = parse_parents(real, false, room, &about->type_count);
	qsort(room, about->type_count, sizeof(*room), by_type);
	return err;
}

static struct gs_error *parse_missing(const struct gs_json *types, struct gs_about *about)
{
	const struct gs_json *missing = gs_json_get(types, "missing");
	struct gs_error *err = missing ? expect("missing", missing, GS_JSON_OBJECT) : NULL;
	struct gs_about_missing_type *room;

	if (!missing || err)
		return err;
	room = calloc(gs_json_count(missing) + 1, sizeof(*room));
	if (!room)
		return gs_error_nomem();
	about->missing_types = room;
	gs_json_for_each (each, missing) {
		err = expect("module", each, GS_JSON_STRING);
		if (err)
			return gs_error_wrap(err, "missing: %.80s", gs_json_key(each));
		room[about->missing_type_count++] =
			(struct gs_about_missing_type){gs_json_key(each), gs_json_string(each)};
	}
	return NULL;
}

static struct gs_error *parse_types(const struct gs_json *value, struct gs_about *about)
{
	const struct gs_json *types = gs_json_get(value, "types");
	struct gs_error *err = types ? parse_existing(types, about) : NULL;

	if (!err)
		err = parse_missing(types, about);
	return gs_error_wrap(err, "types");
}

/* ---- the whole ---- */

static struct gs_error *parse_format(const struct gs_json *value)
{
	uint64_t format;

	if (!gs_json_u64(gs_json_get(value, "format"), &format) || format == 0)
		return gs_error_create(GS_ERROR_CORRUPT, "no format is told");
	if (format > GS_ABOUT_FORMAT_MAX)
		return gs_error_create(
			GS_ERROR_UNSUPPORTED,
			"format %llu is of a later version; known are those up to %d",
			(unsigned long long)format, GS_ABOUT_FORMAT_MAX);
	return NULL;
}

static struct gs_error *parse_qemu(const struct gs_json *value, struct gs_about *about)
{
	const struct gs_json *qemu = gs_json_get(value, "qemu");
	const struct {
		const char *key, **ret;
	} members[] = {{"binary", &about->binary},
		       {"program", &about->program},
		       {"version", &about->version},
		       {"package", &about->package},
		       {"target", &about->target}};
	struct gs_error *err = NULL;

	for (size_t i = 0; !err && i < sizeof(members) / sizeof(*members); i++)
		err = string(qemu, members[i].key, members[i].ret);
	return gs_error_wrap(err, "qemu");
}

static struct gs_error *parse_lists(const struct gs_json *value, struct gs_about *about)
{
	const struct gs_json *modules = gs_json_get(value, "modules");
	struct gs_error *err = names(modules, "loaded", &about->loaded, &about->has_loaded);
	bool has_notes;

	if (!err)
		err = names(modules, "missing", &about->missing, &about->has_missing);
	return err ? gs_error_wrap(err, "modules")
		   : names(value, "notes", &about->notes, &has_notes);
}

struct gs_error *gs_about_parse(struct gs_json *value, struct gs_about **ret)
{
	struct owned *owned = calloc(1, sizeof(*owned));
	GS_CLEANUP(gs_about_destroy) struct gs_about *about = NULL;
	struct gs_error *err;

	if (!owned) {
		gs_json_destroy(value);
		return gs_error_nomem();
	}
	owned->value = value;
	about = &owned->about;
	err = expect("guestscope", value, GS_JSON_OBJECT);
	if (!err)
		err = parse_format(value);
	if (!err)
		err = parse_qemu(value, about);
	if (!err)
		err = parse_lists(value, about);
	if (!err)
		err = parse_machines(value, about);
	if (!err)
		err = parse_types(value, about);
	if (!err)
		*ret = gs_take(about);
	return err;
}

void gs_about_destroy(struct gs_about *about)
{
	struct owned *owned = (struct owned *)about;

	if (!about)
		return;
	for (size_t i = 0; i < about->machine_count; i++)
		free((void *)about->machines[i].properties);
	free((void *)about->machines);
	free((void *)about->types);
	free((void *)about->missing_types);
	free((void *)about->loaded.names);
	free((void *)about->missing.names);
	free((void *)about->notes.names);
	gs_json_destroy(owned->value);
	free(owned);
}

/* ---- questions ---- */

const struct gs_about_machine *gs_about_find_machine(const struct gs_about *about, const char *name)
{
	const struct gs_about_machine *found = NULL;

	for (size_t i = 0; about && i < about->machine_count; i++) {
		const struct gs_about_machine *machine = &about->machines[i];

		if (strcmp(machine->name, name) == 0)
			return machine;
		if (!found && machine->alias && strcmp(machine->alias, name) == 0)
			found = machine;
	}
	return found;
}

const struct gs_about_type *gs_about_find_type(const struct gs_about *about, const char *name)
{
	const struct gs_about_type wanted = {.name = name};

	if (!about || !about->has_types)
		return NULL;
	return bsearch(&wanted, about->types, about->type_count, sizeof(wanted), by_type);
}

static bool is_among(const char *const *listed, size_t count, const char *name)
{
	for (size_t i = 0; i < count; i++) {
		if (strcmp(listed[i], name) == 0)
			return true;
	}
	return false;
}

size_t gs_about_ancestors(const struct gs_about *about, const char *type,
			  const char *ret[GS_ABOUT_PARENTS_MAX])
{
	const struct gs_about_type *each;
	size_t count = 0;

	/* Nothing says that what is in a file is a tree. */
	while (type && count < GS_ABOUT_PARENTS_MAX && !is_among(ret, count, type)) {
		ret[count++] = type;
		each = gs_about_find_type(about, type);
		type = each ? each->parent : NULL;
	}
	return count;
}

static const char *find_module(const struct gs_about *about, const char *type)
{
	for (size_t i = 0; about && i < about->missing_type_count; i++) {
		if (strcmp(about->missing_types[i].name, type) == 0)
			return about->missing_types[i].module;
	}
	return NULL;
}

enum gs_absence gs_about_absence(const struct gs_about *has, const struct gs_about *lacks,
				 const char *type, const char **module_ret)
{
	const struct gs_about_type *own = gs_about_find_type(has, type);
	const char *module = find_module(lacks, type);

	if (own && own->abstract)
		return GS_ABSENCE_ABSTRACT;
	if (gs_about_find_type(lacks, type))
		return GS_ABSENCE_STATELESS;
	if (module) {
		*module_ret = module;
		return GS_ABSENCE_MODULE;
	}
	return lacks && lacks->has_types ? GS_ABSENCE_NO_TYPE : GS_ABSENCE_UNKNOWN;
}

bool gs_about_is_one_target(const struct gs_about *a, const struct gs_about *b)
{
	return !a || !b || !a->target || !b->target || strcmp(a->target, b->target) == 0;
}
