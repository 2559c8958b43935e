/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sizes of disks, by what a QEMU tells: as much as it does, and never more. */
#include <fcntl.h>
#include <sys/stat.h>

#include "fake_block.h"

/* A disk "d" with root node "n" whose image members are given, on node "s" of a driver. */
static struct gs_block_graph disk(const char *driver, const char *image, const char *storage_driver,
				  const char *storage_image, const char *highest)
{
	char nodes[2048], node_stats[1024], device_stats[256];

	snprintf(
		nodes, sizeof(nodes),
		"[{\"node-name\": \"n\", \"drv\": \"%s\", \"image\": {%s}}, {\"node-name\": \"s\", "
		"\"drv\": \"%s\", \"file\": \"/nonexistent\", \"image\": {%s}}]",
		driver, image, storage_driver, storage_image);
	snprintf(node_stats, sizeof(node_stats),
		 "[{\"node-name\": \"s\", \"stats\": {\"wr_highest_offset\": %s}}, {\"node-name\": "
		 "\"n\", \"parent\": {\"node-name\": \"s\", \"stats\": {\"wr_highest_offset\": "
		 "%s}}}]",
		 highest, highest);
	snprintf(device_stats, sizeof(device_stats), "[]");
	return fake_load("[{\"device\": \"d\", \"inserted\": {\"node-name\": \"n\"}}]",
			 device_stats, node_stats, nodes);
}

static struct gs_block_sizes sizes_of(const struct gs_block_graph *graph)
{
	struct gs_block_sizes sizes;

	assert_ok(gs_block_sizes(fake_find(graph, "d"), 0, &sizes));
	return sizes;
}

static void assert_virsh(const struct gs_block_graph *graph, uint64_t capacity, uint64_t allocation,
			 uint64_t physical)
{
	struct gs_block_virsh words;

	assert_ok(gs_block_virsh(fake_find(graph, "d"), 0, &words));
	assert_int_equal(words.capacity, capacity);
	assert_int_equal(words.allocation, allocation);
	assert_int_equal(words.physical, physical);
}

static void assert_known(struct gs_block_number number, uint64_t bytes, const char *basis)
{
	assert_true(number.known);
	assert_int_equal(number.bytes, bytes);
	assert_string_equal(number.basis, basis);
}

static void assert_unknown(struct gs_block_number number, const char *reason)
{
	assert_false(number.known);
	assert_int_equal(number.bytes, 0);
	assert_string_equal(number.basis, reason);
}

static void raw_file_before_and_after_a_write(void **state)
{
	struct gs_block_graph graph =
		disk("raw", "\"virtual-size\": 1024, \"actual-size\": 512", "file",
		     "\"virtual-size\": 1024, \"actual-size\": 512", "0");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_known(sizes.virtual_size, 1024, "length of the storage, in sectors");
	assert_known(sizes.length, 1024, "length as QEMU has it, in sectors");
	assert_known(sizes.allocated, 512, "blocks of the file");
	assert_unknown(sizes.high_water, "no write since start");
	assert_unknown(sizes.image_end, "a raw image has none of its own");
	assert_known(sizes.chain, 512, "no backing file");
	assert_true(sizes.writes_known);
	assert_false(sizes.written);
	assert_virsh(&graph, 1024, 512, 1024);
	gs_block_graph_deinit(&graph);

	graph = disk("raw", "\"virtual-size\": 1024, \"actual-size\": 512", "file",
		     "\"virtual-size\": 1024, \"actual-size\": 512", "64");
	sizes = sizes_of(&graph);
	assert_known(sizes.high_water, 64, "end of the highest write since start");
	assert_true(sizes.written);
	assert_virsh(&graph, 1024, 64, 512);
	gs_block_graph_deinit(&graph);
}

static void a_device_does_not_tell(void **state)
{
	struct gs_block_graph graph = disk("qcow2", "\"virtual-size\": 4096, \"actual-size\": 0",
					   "host_device", "\"virtual-size\": 2048", "0");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_known(sizes.virtual_size, 4096, "image header");
	assert_known(sizes.length, 2048, "device size when QEMU opened it");
	assert_unknown(sizes.allocated, "a block device does not tell");
	assert_unknown(sizes.chain, "a block device does not tell");
	assert_unknown(sizes.image_end, "not known of an image in use");
	assert_virsh(&graph, 4096, 0, 2048);
	gs_block_graph_deinit(&graph);
}

static void a_qcow2_file_is_never_told_by_its_writes(void **state)
{
	struct gs_block_graph graph = disk("qcow2", "\"virtual-size\": 4096, \"actual-size\": 700",
					   "file", "\"virtual-size\": 1024", "99");

	(void)state;
	assert_virsh(&graph, 4096, 700, 1024);
	gs_block_graph_deinit(&graph);
}

static void the_network_may_not_tell(void **state)
{
	struct gs_block_graph graph = disk("raw", "\"virtual-size\": 4096", "nbd", "", "0");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_unknown(sizes.length, "QEMU does not tell");
	assert_unknown(sizes.allocated, "the storage does not tell");
	/* libvirt takes the capacity then. */
	assert_virsh(&graph, 4096, 4096, 4096);
	gs_block_graph_deinit(&graph);
}

static void one_node_is_all_there_is(void **state)
{
	struct gs_block_graph graph = fake_load(
		"[{\"device\": \"d\", \"inserted\": {\"node-name\": \"s\"}}]", NULL,
		"[{\"node-name\": \"s\", \"stats\": {\"wr_highest_offset\": 64}}]",
		"[{\"node-name\": \"s\", \"drv\": \"file\", \"file\": \"/nonexistent\", \"image\": "
		"{\"virtual-size\": 1024, \"actual-size\": 512}}]");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_known(sizes.virtual_size, 1024, "length of the storage, in sectors");
	assert_known(sizes.high_water, 64, "end of the highest write since start");
	/* libvirt looks for it below the node, and finds none. */
	assert_virsh(&graph, 1024, 512, 1024);
	gs_block_graph_deinit(&graph);
}

static void numbers_beyond_belief(void **state)
{
	struct gs_block_graph graph =
		disk("qcow2",
		     "\"virtual-size\": 9007199254740993, \"actual-size\": 18446744073709551615",
		     "file", "\"virtual-size\": 9007199254740995", "18446744073709551615");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_known(sizes.virtual_size, 9007199254740993, "image header");
	assert_known(sizes.allocated, UINT64_MAX, "blocks of the file");
	assert_known(sizes.high_water, UINT64_MAX, "end of the highest write since start");
	gs_block_graph_deinit(&graph);

	graph = disk("qcow2", "\"virtual-size\": -1, \"actual-size\": 1.5", "file",
		     "\"virtual-size\": \"1\", \"actual-size\": 18446744073709551616", "-5");
	sizes = sizes_of(&graph);
	assert_unknown(sizes.virtual_size, "QEMU does not tell");
	assert_unknown(sizes.length, "QEMU does not tell");
	assert_unknown(sizes.allocated, "the storage does not tell");
	assert_unknown(sizes.high_water, "QEMU does not tell");
	assert_false(sizes.writes_known);
	assert_virsh(&graph, 0, 0, 0);
	gs_block_graph_deinit(&graph);
}

/* A chain of two under a filter, whose lower image has this size. */
static struct gs_block_graph chain_with(const char *lower)
{
	char nodes[1024];

	snprintf(nodes, sizeof(nodes),
		 "[{\"node-name\": \"f\", \"drv\": \"throttle\"},"
		 "{\"node-name\": \"n\", \"drv\": \"qcow2\", \"image\": {\"virtual-size\": 8, "
		 "\"actual-size\": 10}}, {\"node-name\": \"s\", \"drv\": \"file\"},"
		 "{\"node-name\": \"b\", \"drv\": \"qcow2\", \"image\": {%s}},"
		 "{\"node-name\": \"bs\", \"drv\": \"file\"}]",
		 lower);
	return fake_load("[{\"device\": \"d\", \"inserted\": {\"node-name\": \"f\"}}]",
			 "[{\"device\": \"d\", \"node-name\": \"f\", \"parent\": {\"node-name\": "
			 "\"n\"}, \"backing\": {\"node-name\": \"n\", \"parent\": {\"node-name\": "
			 "\"s\"}, \"backing\": {\"node-name\": \"b\", \"parent\": {\"node-name\": "
			 "\"bs\"}}}}]",
			 NULL, nodes);
}

static void a_chain_is_summed_or_unknown(void **state)
{
	struct gs_block_graph graph = chain_with("\"actual-size\": 32");
	struct gs_block_sizes sizes = sizes_of(&graph);

	(void)state;
	assert_known(sizes.virtual_size, 8, "image header");
	assert_known(sizes.allocated, 10, "blocks of the file");
	assert_known(sizes.chain, 42, "allocated, summed over the backing chain");
	assert_virsh(&graph, 8, 10, 10);
	gs_block_graph_deinit(&graph);

	graph = chain_with("\"actual-size\": null");
	assert_unknown(sizes_of(&graph).chain, "not all of the chain tells");
	gs_block_graph_deinit(&graph);

	graph = chain_with("\"actual-size\": 18446744073709551610");
	assert_unknown(sizes_of(&graph).chain, "QEMU's numbers make no sense");
	gs_block_graph_deinit(&graph);
}

/* A chain that bites its own tail comes to an end. */
static void a_circle_is_no_chain(void **state)
{
	struct gs_block_graph graph = fake_load(
		"[{\"device\": \"d\", \"inserted\": {\"node-name\": \"a\"}}]",
		"[{\"node-name\": \"a\", \"parent\": {\"node-name\": \"b\"}, \"backing\": "
		"{\"node-name\": \"b\", \"parent\": {\"node-name\": \"c\"}, \"backing\": "
		"{\"node-name\": \"a\"}}}]",
		NULL,
		"[{\"node-name\": \"a\", \"drv\": \"throttle\"}, {\"node-name\": \"b\", \"drv\": "
		"\"copy-on-read\"}, {\"node-name\": \"c\", \"drv\": \"throttle\"}]");

	(void)state;
	sizes_of(&graph);
	assert_virsh(&graph, 0, 0, 0);
	gs_block_graph_deinit(&graph);
}

static void an_empty_drive_has_no_size(void **state)
{
	struct gs_block_graph graph = fake_load("[{\"device\": \"d\"}]", NULL, NULL, NULL);
	struct gs_block_sizes sizes;
	struct gs_block_virsh words;

	(void)state;
	assert_error(gs_block_sizes(fake_find(&graph, "d"), 0, &sizes), GS_ERROR_NODATA,
		     "d: the drive is empty");
	assert_error(gs_block_virsh(fake_find(&graph, "d"), 0, &words), GS_ERROR_NODATA,
		     "invalid argument: disk 'd' does not currently have a source assigned");
	gs_block_graph_deinit(&graph);
}

/* This process is QEMU: it has a file open, or another one by that name. */
static void the_length_is_that_of_the_open_file(void **state)
{
	static const char nodes[] =
		"[{\"node-name\": \"s\", \"drv\": \"file\", \"file\": \"image\", "
		"\"image\": {\"virtual-size\": 1024}}]";
	struct gs_block_graph graph = fake_load(
		"[{\"device\": \"d\", \"inserted\": {\"node-name\": \"s\"}}]", NULL, NULL, nodes);
	const struct gs_block_device *device = fake_find(&graph, "d");
	int fd = open("image", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct gs_block_sizes sizes;

	(void)state;
	assert_true(fd >= 0);
	assert_int_equal(ftruncate(fd, 777), 0);
	assert_ok(gs_block_sizes(device, getpid(), &sizes));
	assert_known(sizes.length, 777, "file length");
	assert_int_equal(rename("image", "moved"), 0);
	assert_ok(gs_block_sizes(device, getpid(), &sizes));
	assert_known(sizes.length, 1024, "length as QEMU has it, in sectors");
	assert_int_equal(symlink("moved", "image"), 0);
	assert_ok(gs_block_sizes(device, getpid(), &sizes));
	assert_known(sizes.length, 777, "file length");
	close(fd);
	assert_ok(gs_block_sizes(device, getpid(), &sizes));
	assert_known(sizes.length, 1024, "length as QEMU has it, in sectors");
	gs_block_graph_deinit(&graph);
}

/* ---- off ---- */

static char *in_scratch(const char *name)
{
	static char path[sizeof(unit_scratch) + 64];

	snprintf(path, sizeof(path), "%s/%s", unit_scratch, name);
	return path;
}

static void off_a_raw_file(void **state)
{
	int fd = open("image", O_CREAT | O_RDWR | O_CLOEXEC, 0600);
	struct gs_domain_disk disk = {.target = "vda", .source = in_scratch("image")};
	struct gs_block_sizes sizes;
	struct gs_block_virsh words;
	struct stat st;

	(void)state;
	assert_int_equal(pwrite(fd, "x", 1, 99999), 1);
	assert_int_equal(fsync(fd), 0);
	assert_int_equal(fstat(fd, &st), 0);
	close(fd);
	assert_ok(gs_block_sizes_offline(&disk, &sizes));
	assert_known(sizes.virtual_size, 100000, "length of the storage");
	assert_known(sizes.length, 100000, "file length");
	assert_known(sizes.allocated, (uint64_t)st.st_blocks * 512, "blocks of the file");
	assert_unknown(sizes.high_water, "not running");
	assert_false(sizes.writes_known);
	assert_ok(gs_block_virsh_offline(&disk, &words));
	assert_int_equal(words.capacity, 100000);
	assert_int_equal(words.allocation, st.st_blocks * 512);
}

static void off_errors_say_what_is_wrong(void **state)
{
	struct gs_domain_disk disk = {.target = "vda"};
	struct gs_block_sizes sizes;
	struct gs_block_virsh words;

	(void)state;
	assert_error(gs_block_virsh_offline(&disk, &words), GS_ERROR_NODATA,
		     "invalid argument: disk 'vda' does not currently have a source assigned");
	assert_error(gs_block_sizes_offline(&disk, &sizes), GS_ERROR_NODATA,
		     "vda: the drive is empty");
	disk.source = "/nonexistent";
	assert_os_error(gs_block_sizes_offline(&disk, &sizes), ENOENT);
	disk.type = "network";
	assert_error(gs_block_virsh_offline(&disk, &words), GS_ERROR_UNSUPPORTED,
		     "vda: storage of type network tells nothing while the domain is off");
	disk.type = "dir";
	disk.source = "/";
	assert_ok(gs_block_virsh_offline(&disk, &words));
	assert_int_equal(words.capacity + words.allocation + words.physical, 0);
	assert_error(gs_block_sizes_offline(&disk, &sizes), GS_ERROR_UNSUPPORTED,
		     "vda: / is neither file nor device");
}

/* A program of this text stands in for qemu-img. */
static void fake_qemu_img(const char *script)
{
	FILE *f = fopen("qemu-img", "w");

	fprintf(f, "#!/bin/sh\n%s\n", script);
	fclose(f);
	assert_int_equal(chmod("qemu-img", 0700), 0);
}

static void off_what_qemu_img_may_say(void **state)
{
	static const struct {
		const char *script;
		enum gs_error_code code;
		const char *message;
	} cases[] = {
		{"echo 'qemu-img: Could not open image' >&2; exit 1", GS_ERROR_CORRUPT,
		 "qemu-img: Could not open image"},
		{"exit 3", GS_ERROR_CORRUPT, "qemu-img exited with status 3"},
		{"kill -KILL $$", GS_ERROR_CORRUPT, "qemu-img killed by signal 9 (Killed)"},
		{"while :; do echo "
		 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa; done",
		 GS_ERROR_CORRUPT, "qemu-img prints more than 16777216 bytes"},
	};
	struct gs_domain_disk disk = {
		.target = "vda", .source = in_scratch("image"), .format = "qcow2"};
	gs_autofree char *path = strdup(getenv("PATH"));
	char message[512];
	struct gs_block_virsh words;

	(void)state;
	close(open("image", O_CREAT | O_RDWR | O_CLOEXEC, 0600));
	setenv("PATH", unit_scratch, 1);
	assert_error(gs_block_virsh_offline(&disk, &words), GS_ERROR_UNSUPPORTED, NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		fake_qemu_img(cases[i].script);
		snprintf(message, sizeof(message), "%s: %s", disk.source, cases[i].message);
		assert_error(gs_block_virsh_offline(&disk, &words), cases[i].code, message);
	}
	fake_qemu_img("echo '{\"virtual-size\": 12345'");
	assert_error(gs_block_virsh_offline(&disk, &words), GS_ERROR_CORRUPT, NULL);
	fake_qemu_img("echo '{\"virtual-size\": 9007199254740993}'");
	assert_ok(gs_block_virsh_offline(&disk, &words));
	assert_int_equal(words.capacity, 9007199254740993);
	setenv("PATH", path, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(raw_file_before_and_after_a_write),
		unit_test_in_scratch(a_device_does_not_tell),
		unit_test_in_scratch(a_qcow2_file_is_never_told_by_its_writes),
		unit_test_in_scratch(the_network_may_not_tell),
		unit_test_in_scratch(one_node_is_all_there_is),
		unit_test_in_scratch(numbers_beyond_belief),
		unit_test_in_scratch(a_chain_is_summed_or_unknown),
		unit_test_in_scratch(a_circle_is_no_chain),
		unit_test_in_scratch(an_empty_drive_has_no_size),
		unit_test_in_scratch(the_length_is_that_of_the_open_file),
		unit_test_in_scratch(off_a_raw_file),
		unit_test_in_scratch(off_errors_say_what_is_wrong),
		unit_test_in_scratch(off_what_qemu_img_may_say),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
