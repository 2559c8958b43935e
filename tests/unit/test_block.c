/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The graph of a guest's disks, from answers that fit together and from such that do not. */
#include "fake_block.h"

#define NODES                                                                          \
	"[{\"node-name\": \"top\", \"drv\": \"qcow2\", \"file\": \"/t.qcow2\", "       \
	"\"ro\": false},"                                                              \
	"{\"node-name\": \"top-s\", \"drv\": \"file\", \"file\": \"/t.qcow2\"},"       \
	"{\"node-name\": \"base\", \"drv\": \"raw\", \"file\": \"/b\", \"ro\": true}," \
	"{\"node-name\": \"base-s\", \"drv\": \"file\", \"file\": \"/b\", \"ro\": true}]"
#define BLOCK                                                                                 \
	"[{\"device\": \"\", \"qdev\": \"/machine/peripheral/virtio-disk0/virtio-backend\", " \
	"\"removable\": false, \"locked\": false, \"io-status\": \"nospace\", "               \
	"\"inserted\": {\"node-name\": \"top\"}},"                                            \
	"{\"device\": \"ide0-cd0\", \"qdev\": \"/machine/unattached/device[19]\", "           \
	"\"removable\": true, \"locked\": true, \"tray_open\": true}]"
/* In the other order, which must not matter. */
#define DEVICE_STATS                                                                         \
	"[{\"device\": \"ide0-cd0\", \"qdev\": \"/machine/unattached/device[19]\"},"         \
	"{\"device\": \"\", \"qdev\": \"/machine/peripheral/virtio-disk0/virtio-backend\", " \
	"\"node-name\": \"top\", \"parent\": {\"node-name\": \"top-s\"}, "                   \
	"\"backing\": {\"node-name\": \"base\", \"parent\": {\"node-name\": \"base-s\"}}}]"
#define NODE_STATS                                                           \
	"[{\"node-name\": \"top\", \"parent\": {\"node-name\": \"top-s\"}}," \
	"{\"node-name\": \"base-s\"}]"

static void joins_devices_nodes_and_links(void **state)
{
	struct gs_block_graph graph = fake_load(BLOCK, DEVICE_STATS, NODE_STATS, NODES);
	const struct gs_block_device *disk = fake_find(&graph, "virtio-disk0");
	const struct gs_block_device *cd = fake_find(&graph, "ide0-cd0");

	(void)state;
	assert_int_equal(graph.device_count, 2);
	assert_int_equal(graph.node_count, 4);
	assert_string_equal(disk->id, "virtio-disk0");
	assert_null(disk->drive);
	assert_string_equal(disk->io_status, "nospace");
	assert_non_null(gs_json_get(disk->stats, "parent"));
	assert_string_equal(disk->root->filename, "/t.qcow2");
	assert_string_equal(disk->root->file->name, "top-s");
	assert_string_equal(disk->root->backing->name, "base");
	assert_string_equal(disk->root->backing->file->name, "base-s");
	assert_true(disk->root->backing->read_only);
	assert_null(disk->root->backing->backing);
	assert_non_null(disk->root->stats);
	assert_true(cd->removable && cd->locked && cd->tray_open);
	assert_null(cd->root);
	assert_null(cd->io_status);
	assert_non_null(cd->stats);
	gs_block_graph_deinit(&graph);
}

static void finds_by_any_name(void **state)
{
	static const char *const names[] = {"virtio-disk0",
					    "/machine/peripheral/virtio-disk0/virtio-backend",
					    "top", "top-s", "/t.qcow2"};
	struct gs_block_graph graph = fake_load(BLOCK, DEVICE_STATS, NODE_STATS, NODES);
	const struct gs_block_device *ret;

	(void)state;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		assert_ptr_equal(fake_find(&graph, names[i]), &graph.devices[0]);
	assert_error(gs_block_find(&graph, "virtio-disc0", &ret), GS_ERROR_NODATA,
		     "no block device 'virtio-disc0'; did you mean 'virtio-disk0'?");
	assert_error(gs_block_find(&graph, "", &ret), GS_ERROR_NODATA, "no block device ''");
	assert_non_null(gs_block_find_node(&graph, "base-s"));
	assert_null(gs_block_find_node(&graph, "bas"));
	gs_block_graph_deinit(&graph);
}

static void a_listed_name_goes_before_others(void **state)
{
	/* Each one's id is the other's drive; two more share an id. */
	struct gs_block_graph graph = fake_load("[{\"device\": \"b\", \"qdev\": \"a\"},"
						"{\"device\": \"a\", \"qdev\": \"b\"},"
						"{\"device\": \"c\"}, {\"device\": \"c\"},"
						"{\"device\": \"d\", \"qdev\": \"x\"},"
						"{\"device\": \"d\", \"qdev\": \"y\"}]",
						NULL, NULL, NULL);
	const struct gs_block_device *ret;

	(void)state;
	assert_ptr_equal(fake_find(&graph, "a"), &graph.devices[0]);
	assert_ptr_equal(fake_find(&graph, "b"), &graph.devices[1]);
	assert_error(gs_block_find(&graph, "c", &ret), GS_ERROR_INVALID,
		     "block device 'c' may be c or c");
	assert_error(gs_block_find(&graph, "d", &ret), GS_ERROR_INVALID,
		     "block device 'd' may be x or y");
	gs_block_graph_deinit(&graph);
}

static void a_domain_gives_targets(void **state)
{
	struct gs_domain_disk disks[] = {{.target = "vda", .alias = "virtio-disk0"},
					 {.target = "vdb"}};
	struct gs_domain_info domain = {.disks = disks, .disk_count = 2};
	struct gs_block_graph graph;

	(void)state;
	assert_ok(fake_try_load(&domain, BLOCK, NULL, NULL, NODES, &graph));
	assert_string_equal(graph.devices[0].target, "vda");
	assert_string_equal(graph.devices[0].id, "vda");
	assert_ptr_equal(fake_find(&graph, "vda"), &graph.devices[0]);
	assert_ptr_equal(fake_find(&graph, "virtio-disk0"), &graph.devices[0]);
	assert_null(graph.devices[1].target);
	gs_block_graph_deinit(&graph);
}

static void a_filter_has_one_child(void **state)
{
	struct gs_block_graph graph = fake_load(
		NULL,
		"[{\"node-name\": \"throttle\", \"parent\": {\"node-name\": \"top\"}, "
		"\"backing\": {\"node-name\": \"top\", \"parent\": {\"node-name\": \"top-s\"}}}]",
		NULL,
		"[{\"node-name\": \"throttle\"}, {\"node-name\": \"top\"}, "
		"{\"node-name\": \"top-s\"}]");
	const struct gs_block_node *filter = gs_block_find_node(&graph, "throttle");

	(void)state;
	assert_string_equal(filter->file->name, "top");
	assert_null(filter->backing);
	assert_string_equal(filter->file->file->name, "top-s");
	gs_block_graph_deinit(&graph);
}

static void children_are_told_by_newer_peers(void **state)
{
	struct gs_block_graph graph = fake_load(
		NULL, NULL, NULL,
		"[{\"node-name\": \"a\", \"children\": [{\"child\": \"file\", \"node-name\": "
		"\"b\"}, {\"child\": \"backing\", \"node-name\": \"c\"}, {\"child\": 1}, 2]}, "
		"{\"node-name\": \"b\"}, {\"node-name\": \"c\"}]");

	(void)state;
	assert_string_equal(graph.nodes[0].file->name, "b");
	assert_string_equal(graph.nodes[0].backing->name, "c");
	gs_block_graph_deinit(&graph);
}

/* Whoever follows links must come to an end. */
static void assert_no_circles(const struct gs_block_graph *graph)
{
	for (size_t i = 0; i < graph->node_count; i++) {
		const struct gs_block_node *node = &graph->nodes[i];

		for (size_t steps = 0; node; steps++) {
			assert_true(steps <= graph->node_count);
			node = steps % 2 && node->backing ? node->backing
			       : node->file               ? node->file
							  : node->backing;
		}
	}
}

static void circles_are_cut(void **state)
{
	struct gs_block_graph graph = fake_load(
		NULL,
		"[{\"node-name\": \"a\", \"backing\": {\"node-name\": \"b\", \"backing\": "
		"{\"node-name\": \"c\", \"backing\": {\"node-name\": \"a\"}}}},"
		"{\"node-name\": \"d\", \"parent\": {\"node-name\": \"d\"}},"
		"{\"node-name\": \"e\", \"parent\": {\"node-name\": \"f\"}}]",
		"[{\"node-name\": \"f\", \"parent\": {\"node-name\": \"e\"}}]",
		"[{\"node-name\": \"a\"}, {\"node-name\": \"b\"}, {\"node-name\": \"c\"}, "
		"{\"node-name\": \"d\"}, {\"node-name\": \"e\"}, {\"node-name\": \"f\"}]");

	(void)state;
	assert_no_circles(&graph);
	assert_string_equal(graph.nodes[0].backing->name, "b");
	assert_string_equal(graph.nodes[1].backing->name, "c");
	assert_null(graph.nodes[2].backing);
	assert_null(graph.nodes[3].file);
	assert_string_equal(graph.nodes[4].file->name, "f");
	assert_null(graph.nodes[5].file);
	gs_block_graph_deinit(&graph);
}

static void a_long_chain_is_no_matter(void **state)
{
	const int count = 100000;
	int length = 0;
	struct gs_block_graph graph;
	char *nodes = malloc(128 * (size_t)count), *at = nodes;

	(void)state;
	for (int i = 0; i < count; i++)
		at += sprintf(at,
			      "%c{\"node-name\": \"%06d\", \"children\": [{\"child\": "
			      "\"backing\", \"node-name\": \"%06d\"}]}",
			      i ? ',' : '[', i, (i + 1) % count);
	strcpy(at, "]");
	graph = fake_load(NULL, NULL, NULL, nodes);
	for (const struct gs_block_node *node = graph.nodes; node; node = node->backing)
		length++;
	assert_int_equal(length, count);
	assert_null(graph.nodes[count - 1].backing);
	gs_block_graph_deinit(&graph);
	free(nodes);
}

/* The statistics in the other order, and half of them by drive. */
static void a_crowd_is_joined_at_once(void **state)
{
	const int count = 50000;
	char *block = malloc(64 * (size_t)count), *stats = malloc(64 * (size_t)count);
	char *b = block, *s = stats;
	struct gs_block_graph graph;

	(void)state;
	for (int i = 0; i < count; i++) {
		int j = count - 1 - i;

		b += sprintf(b, "%c{\"%s\": \"d%d\"}", i ? ',' : '[', i % 2 ? "qdev" : "device", i);
		s += sprintf(s, "%c{\"%s\": \"d%d\", \"n\": %d}", i ? ',' : '[',
			     j % 2 ? "qdev" : "device", j, j);
	}
	strcpy(b, "]");
	strcpy(s, "]");
	graph = fake_load(block, stats, NULL, NULL);
	assert_int_equal(graph.device_count, count);
	for (int i = 0; i < count; i++) {
		uint64_t n;

		assert_true(gs_json_u64(gs_json_get(graph.devices[i].stats, "n"), &n));
		assert_int_equal(n, i);
	}
	gs_block_graph_deinit(&graph);
	free(block);
	free(stats);
}

static void nonsense_is_lived_with(void **state)
{
	struct gs_block_graph graph = fake_load(
		"[1, null, {}, {\"device\": 7, \"qdev\": []}, {\"device\": \"x\", \"inserted\": "
		"{\"node-name\": \"nowhere\"}}, {\"inserted\": 5}]",
		"[{}, \"\", {\"node-name\": \"nowhere\", \"parent\": {\"node-name\": \"n\"}}]",
		"[{\"node-name\": \"nowhere\"}, {\"node-name\": 3}]",
		"[{\"node-name\": \"n\", \"drv\": 5, \"file\": null, \"ro\": \"yes\"}, {}, "
		"{\"node-name\": \"\"}, {\"node-name\": \"n\"}]");

	(void)state;
	assert_int_equal(graph.device_count, 6);
	for (size_t i = 0; i < graph.device_count; i++) {
		assert_non_null(graph.devices[i].id);
		assert_null(graph.devices[i].root);
	}
	assert_int_equal(graph.node_count, 2);
	assert_null(graph.nodes[0].driver);
	assert_false(graph.nodes[0].read_only);
	gs_block_graph_deinit(&graph);
}

static void other_than_lists_are_refused(void **state)
{
	struct gs_block_graph graph;

	(void)state;
	assert_error(fake_try_load(NULL, "{}", NULL, NULL, NULL, &graph), GS_ERROR_PROTOCOL,
		     "./monitor: query-block: reply is no list, but object");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(joins_devices_nodes_and_links),
		unit_test_in_scratch(finds_by_any_name),
		unit_test_in_scratch(a_listed_name_goes_before_others),
		unit_test_in_scratch(a_domain_gives_targets),
		unit_test_in_scratch(a_filter_has_one_child),
		unit_test_in_scratch(children_are_told_by_newer_peers),
		unit_test_in_scratch(circles_are_cut),
		unit_test_in_scratch(a_long_chain_is_no_matter),
		unit_test_in_scratch(a_crowd_is_joined_at_once),
		unit_test_in_scratch(nonsense_is_lived_with),
		unit_test_in_scratch(other_than_lists_are_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
