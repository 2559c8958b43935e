/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Latency histograms: QEMU keeps them for a device from when it is told their boundaries. */
#include <guestscope/block.h>

static const uint64_t decades_ns[] = {
	1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000, 10000000000,
};

static struct gs_error *check_boundaries(const uint64_t *boundaries_ns, size_t count)
{
	if (!count || count > GS_BLOCK_BOUNDARIES_MAX)
		return gs_error_create(GS_ERROR_INVALID, "%zu boundaries: not 1 to %d", count,
				       GS_BLOCK_BOUNDARIES_MAX);
	if (!boundaries_ns[0])
		return gs_error_create(GS_ERROR_INVALID, "a boundary cannot be 0");
	for (size_t i = 1; i < count; i++) {
		if (boundaries_ns[i] <= boundaries_ns[i - 1])
			return gs_error_create(GS_ERROR_INVALID,
					       "boundary %zu is not above the one before it",
					       i + 1);
	}
	return NULL;
}

/* The arguments that name @device. */
static struct gs_error *name_device(const struct gs_block_device *device, struct gs_json **ret)
{
	struct gs_json *arguments;

	if (!device->qdev)
		return gs_error_create(GS_ERROR_INVALID,
				       "%s belongs to no device of the guest: nothing is counted",
				       device->id);
	arguments = gs_json_new_object();
	if (!gs_json_set(arguments, "id", gs_json_new_string(device->qdev))) {
		gs_json_destroy(arguments);
		return gs_error_nomem();
	}
	*ret = arguments;
	return NULL;
}

static struct gs_error *set(struct gs_qmp *qmp, const struct gs_block_device *device,
			    struct gs_json *arguments)
{
	struct gs_error *err =
		gs_qmp_execute(qmp, "block-latency-histogram-set", arguments, 0, NULL);

	return gs_error_wrap(err, "%s", device->id);
}

struct gs_error *gs_block_histogram_set(struct gs_qmp *qmp, const struct gs_block_device *device,
					const uint64_t *boundaries_ns, size_t count)
{
	gs_autojson struct gs_json *arguments = NULL;
	struct gs_json *list;
	struct gs_error *err;
	bool done = true;

	if (!boundaries_ns) {
		boundaries_ns = decades_ns;
		count = sizeof(decades_ns) / sizeof(*decades_ns);
	}
	err = check_boundaries(boundaries_ns, count);
	if (!err)
		err = name_device(device, &arguments);
	if (err)
		return err;
	list = gs_json_new_array();
	for (size_t i = 0; i < count; i++)
		done = gs_json_append(list, gs_json_new_u64(boundaries_ns[i])) && done;
	if (!gs_json_set(arguments, "boundaries", list) || !done)
		return gs_error_nomem();
	return set(qmp, device, gs_take(arguments));
}

struct gs_error *gs_block_histogram_clear(struct gs_qmp *qmp, const struct gs_block_device *device)
{
	struct gs_json *arguments;
	struct gs_error *err = name_device(device, &arguments);

	return err ? err : set(qmp, device, arguments);
}
