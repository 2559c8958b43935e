/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What is read out of QEMU's process, against the ELF dump that QEMU makes of the same guest: every
 * page of every shape of memory. The guests do not run; a loader fills some of their memory.
 */
#include <errno.h>
#include <sys/stat.h>

#include <xxhash.h>

#include <guestscope/base/bytes.h>
#include <guestscope/guest.h>

#include "qemu.h"

#define MIB (UINT64_C(1) << 20)
#define FILL_BYTES (16 * MIB)
#define FIRMWARE_BYTES (32 * MIB) /* more than machines have touched before their guest runs */
#define PAGE 4096
#define FILL(address) "-device", "loader,file=fill,force-raw=on,addr=" address

struct shape {
	const char *name;
	const char *args[ARGS_MAX - 16];
	uint64_t ram_bytes;
	uint64_t data_bytes; /* what was filled; 0: nobody can know what was touched */
	const char *file;    /* of a shared backend that must not grow */
	/* Commands once it is up; NULL: none. */
	void (*prepare)(struct gs_qmp *qmp);
};

/* ---- the input ---- */

/* No two pages are equal, none is zero. */
static void write_fill(const char *path, uint64_t at)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);
	gs_autofree uint64_t *words = malloc(FILL_BYTES);
	uint64_t x = 88172645463325252;

	for (size_t i = 0; i < FILL_BYTES / sizeof(*words); i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		words[i] = x;
	}
	assert_int_equal(pwrite(fd, words, FILL_BYTES, (off_t)at), FILL_BYTES);
	close(fd);
}

static void execute(struct gs_qmp *qmp, const char *command, const char *arguments)
{
	struct gs_json *json;

	assert_ok(gs_json_parse(arguments, strlen(arguments), &json));
	assert_ok(gs_qmp_execute(qmp, command, json, 0, NULL));
}

/* ---- every page of it ---- */

struct digest {
	uint64_t *pages; /* a hash each; 0: zero */
	size_t count;
	uint64_t data_bytes; /* that had to be read */
};

static void digest_page(struct digest *d, const struct gs_chunk *chunk, size_t off)
{
	const uint8_t *page = chunk->data + off;
	bool is_data = chunk->kind == GS_EXTENT_DATA && chunk->page[off / PAGE] == GS_EXTENT_DATA;

	d->data_bytes += is_data ? PAGE : 0;
	d->pages[d->count++] = is_data && !gs_is_zero(page, PAGE) ? XXH3_64bits(page, PAGE) : 0;
}

/* Takes @src. */
static struct digest digest_source(struct gs_page_source *src, uint64_t total_bytes)
{
	gs_autofree uint8_t *room = aligned_alloc(PAGE, GS_CHUNK_BYTES);
	gs_autofree struct gs_chunk *chunk = calloc(1, sizeof(*chunk));
	struct digest d = {.pages = calloc(total_bytes / PAGE, sizeof(*d.pages))};

	for (chunk->buffer = room;;) {
		bool end = false;

		assert_ok(gs_page_source_next(src, chunk, &end));
		if (end)
			break;
		assert_ok(gs_page_source_load(src, chunk));
		assert_true(chunk->size % PAGE == 0);
		assert_true(chunk->size / PAGE <= total_bytes / PAGE - d.count);
		for (size_t off = 0; off < chunk->size; off += PAGE)
			digest_page(&d, chunk, off);
	}
	return d;
}

static uint64_t blocks_of(const char *path)
{
	struct stat st;

	assert_int_equal(stat(path, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void assert_same_ranges(const struct gs_memory *mem, const struct gs_memory *other)
{
	assert_int_equal(mem->range_count, other->range_count);
	assert_memory_equal(mem->ranges, other->ranges, mem->range_count * sizeof(*mem->ranges));
}

static void assert_same_pages(const struct digest *direct, const struct digest *qemu)
{
	assert_int_equal(direct->count, qemu->count);
	for (size_t i = 0; i < direct->count; i++) {
		if (direct->pages[i] != qemu->pages[i])
			fail_msg("page %zu of %zu differs", i, direct->count);
	}
}

static struct digest digest_direct(struct gs_qmp *qmp, const struct shape *shape)
{
	GS_CLEANUP(gs_memory_destroy) struct gs_memory *mem = NULL, *ranged = NULL;
	uint64_t before = shape->file ? blocks_of(shape->file) : 0, total;
	struct gs_page_source *src;
	struct digest digest;

	assert_ok(gs_guest_direct_open(qmp, &mem));
	assert_ok(gs_guest_direct_settle(mem));
	assert_ok(gs_guest_memory_open(qmp, &ranged));
	assert_same_ranges(mem, ranged);
	total = gs_ranges_total_bytes(mem->ranges, mem->range_count);
	assert_in_range(total, shape->ram_bytes, shape->ram_bytes + FIRMWARE_BYTES);
	assert_ok(gs_memory_source(mem, NULL, 0, &src));
	digest = digest_source(src, total);
	gs_page_source_destroy(src);
	if (shape->data_bytes)
		assert_in_range(digest.data_bytes, shape->data_bytes,
				shape->data_bytes + FIRMWARE_BYTES);
	if (shape->file)
		assert_in_range(blocks_of(shape->file), before, before + 64 * PAGE);
	return digest;
}

/* QEMU's dump comes second: it touches all that nobody has. */
static void assert_equals_qemu(struct gs_qmp *qmp, const struct shape *shape)
{
	struct digest direct = digest_direct(qmp, shape), qemu;
	struct gs_page_source *src;

	assert_ok(gs_guest_stream_open(qmp, NULL, 0, &src));
	qemu = digest_source(src, direct.count * PAGE);
	assert_ok(gs_guest_stream_finish(src));
	gs_page_source_destroy(src);
	assert_same_pages(&direct, &qemu);
	free(direct.pages);
	free(qemu.pages);
}

static void test_shape(void **state)
{
	const struct shape *shape = *state;
	struct gs_qmp *qmp;
	pid_t pid;

	write_fill("fill", 0);
	pid = start_qemu(shape->args);
	qmp = connect_to("./m");
	if (shape->prepare)
		shape->prepare(qmp);
	assert_equals_qemu(qmp, shape);
	gs_qmp_close(qmp);
	end_qemu(pid);
}

/* ---- shapes ---- */

#define GIB_SHAPE(machine, gib, ...)                                                              \
	{                                                                                         \
		.name = machine ", " #gib " GiB",                                                 \
		.args = {"-M", machine, "-m", #gib "G", MONITOR, FILL("0x2000000"), __VA_ARGS__}, \
		.ram_bytes = gib * 1024 * MIB, .data_bytes = FILL_BYTES                           \
	}
#define HIGH FILL("0x100000000")

/* Until the firmware has given video memory its address. */
static void map_video_memory(struct gs_qmp *qmp)
{
	uint64_t deadline = gs_deadline_in(PATIENCE_MS), total = 0;

	assert_ok(gs_qmp_simple(qmp, "cont"));
	while (total < 80 * MIB && !gs_deadline_passed(deadline)) {
		struct gs_memory *mem;

		usleep(10000);
		assert_ok(gs_guest_memory_open(qmp, &mem));
		total = gs_ranges_total_bytes(mem->ranges, mem->range_count);
		gs_memory_destroy(mem);
	}
	assert_ok(gs_qmp_simple(qmp, "stop"));
}

static void plug_dimm(struct gs_qmp *qmp)
{
	write_fill("dimm", 5 * MIB);
	assert_int_equal(truncate("dimm", 128 * MIB), 0);
	execute(qmp, "object-add",
		"{\"qom-type\": \"memory-backend-file\", \"id\": \"b\", \"size\": 134217728, "
		"\"mem-path\": \"dimm\", \"share\": true}");
	execute(qmp, "device_add", "{\"driver\": \"pc-dimm\", \"id\": \"d\", \"memdev\": \"b\"}");
}

static void plug_virtio_mem(struct gs_qmp *qmp)
{
	execute(qmp, "object-add",
		"{\"qom-type\": \"memory-backend-ram\", \"id\": \"b\", \"size\": 134217728}");
	execute(qmp, "device_add",
		"{\"driver\": \"virtio-mem-pci\", \"id\": \"d\", \"memdev\": \"b\", "
		"\"requested-size\": 67108864}");
}

#define BACKEND(options) "-object", "memory-backend-" options ",id=b,size=256M"
#define WITH_BACKEND(...)                                                               \
	{                                                                               \
		"-M", "q35,memory-backend=b", "-m", "256M", MONITOR, FILL("0x2000000"), \
			__VA_ARGS__                                                     \
	}

static struct shape shapes[] = {
	GIB_SHAPE("pc", 1, NULL),
	GIB_SHAPE("pc", 3, NULL),
	GIB_SHAPE("q35", 1, NULL),
	GIB_SHAPE("q35", 3, NULL),
	{
		.name = "pc, 6 GiB",
		.args = {"-M", "pc", "-m", "6G", MONITOR, FILL("0x2000000"), HIGH},
		.ram_bytes = 6144 * MIB,
		.data_bytes = 2 * FILL_BYTES,
	},
	{
		.name = "q35, 6 GiB",
		.args = {"-M", "q35", "-m", "6G", MONITOR, FILL("0xbf000000"), HIGH},
		.ram_bytes = 6144 * MIB,
		.data_bytes = FILL_BYTES,
	},
	{
		.name = "-vga std",
		.args = {"-M", "pc", "-m", "64M", "-vga", "std", MONITOR, FILL("0x2000000")},
		.ram_bytes = 80 * MIB,
		.data_bytes = FILL_BYTES,
		.prepare = map_video_memory,
	},
	{
		.name = "two numa nodes",
		.args = {"-M", "q35", "-m", "256M", "-smp", "2", MONITOR, "-object",
			 "memory-backend-ram,id=a,size=128M", "-object",
			 "memory-backend-memfd,id=b,size=128M", "-numa", "node,memdev=b,cpus=0",
			 "-numa", "node,memdev=a,cpus=1", FILL("0x2000000"), FILL("0x7800000")},
		.ram_bytes = 256 * MIB,
		.data_bytes = 2 * FILL_BYTES,
	},
	{
		.name = "memfd, shared",
		.args = WITH_BACKEND(BACKEND("memfd,share=on")),
		.ram_bytes = 256 * MIB,
		.data_bytes = FILL_BYTES,
	},
	{
		.name = "memfd, private",
		.args = WITH_BACKEND(BACKEND("memfd,share=off")),
		.ram_bytes = 256 * MIB,
	},
	{
		.name = "ram, shared",
		.args = WITH_BACKEND(BACKEND("ram,share=on")),
		.ram_bytes = 256 * MIB,
	},
	{
		.name = "file, shared",
		.args = WITH_BACKEND(BACKEND("file,share=on,mem-path=backend")),
		.ram_bytes = 256 * MIB,
		.data_bytes = FILL_BYTES,
		.file = "backend",
	},
	{
		.name = "pc-dimm plugged at run time",
		.args = {"-M", "q35", "-m", "128M,slots=2,maxmem=1G", MONITOR, FILL("0x2000000")},
		.ram_bytes = 256 * MIB,
		.data_bytes = 2 * FILL_BYTES,
		.prepare = plug_dimm,
	},
	{
		.name = "virtio-mem that nobody uses",
		.args = {"-M", "pc", "-m", "128M,slots=2,maxmem=1G", MONITOR, FILL("0x2000000")},
		.ram_bytes = 128 * MIB,
		.data_bytes = FILL_BYTES,
		.prepare = plug_virtio_mem,
	},
};

/* What nobody has touched comes from the file, which has more than zeros. */
static void test_private_file(void **state)
{
	struct shape shape = {
		.args = WITH_BACKEND(BACKEND("file,share=off,mem-path=backend")),
		.ram_bytes = 256 * MIB,
	};
	void *arg = &shape;

	(void)state;
	write_fill("backend", 100 * MIB);
	assert_int_equal(truncate("backend", 256 * MIB), 0);
	test_shape(&arg);
}

/* ---- hugepages ---- */

#define HUGEPAGES "/proc/sys/vm/nr_hugepages"

static long hugepages(void)
{
	FILE *file = fopen(HUGEPAGES, "r");
	long count = -1;

	if (file && fscanf(file, "%ld", &count) != 1)
		count = -1;
	if (file)
		fclose(file);
	return count;
}

static bool set_hugepages(long count)
{
	FILE *file = fopen(HUGEPAGES, "w");
	bool ok = file && fprintf(file, "%ld\n", count) > 0;

	return file && fclose(file) == 0 && ok && hugepages() == count;
}

static long hugepages_before;

static int note_hugepages(void **state)
{
	hugepages_before = hugepages();
	return unit_enter_scratch(state);
}

static int return_hugepages(void **state)
{
	if (hugepages_before >= 0)
		(void)set_hugepages(hugepages_before);
	return unit_leave_scratch(state);
}

static void test_hugepages(void **state)
{
	struct shape shape = {
		.args = WITH_BACKEND(BACKEND("memfd,share=on,hugetlb=on,hugetlbsize=2M")),
		.ram_bytes = 256 * MIB,
	};
	void *arg = &shape;

	(void)state;
	if (hugepages_before < 0 || !set_hugepages(hugepages_before + 128))
		skip();
	test_shape(&arg);
}

/* ---- what changes ---- */

static void test_dimm_between_open_and_settle(void **state)
{
	struct gs_memory *mem = NULL;
	struct gs_qmp *qmp;
	pid_t pid;

	(void)state;
	pid = START("-M", "q35", "-m", "128M,slots=2,maxmem=1G", MONITOR);
	qmp = connect_to("./m");
	assert_ok(gs_guest_direct_open(qmp, &mem));
	assert_int_equal(gs_guest_direct_pid(mem), pid);
	assert_ok(gs_guest_direct_settle(mem));
	plug_dimm(qmp);
	assert_error(gs_guest_direct_settle(mem), GS_ERROR_BUSY, NULL);
	gs_memory_destroy(mem);
	assert_ok(gs_guest_direct_open(qmp, &mem));
	assert_ok(gs_guest_direct_settle(mem));
	gs_memory_destroy(mem);
	gs_qmp_close(qmp);
	end_qemu(pid);
}

static void test_killed(void **state)
{
	struct gs_memory *mem = NULL;
	gs_autoerror struct gs_error *err = NULL;
	enum gs_extent extent;
	struct gs_qmp *qmp;
	gs_gpa_t end;
	char byte;
	pid_t pid;

	(void)state;
	pid = START("-M", "pc", "-m", "64M", MONITOR);
	qmp = connect_to("./m");
	assert_ok(gs_guest_direct_open(qmp, &mem));
	assert_ok(gs_memory_read(mem, 0, &byte, 1));
	assert_ok(gs_guest_direct_confirm(mem));
	end_qemu(pid);
	assert_error(gs_memory_read(mem, 0, &byte, 1), GS_ERROR_GONE, NULL);
	assert_error(gs_memory_extent(mem, 16 * MIB, &extent, &end), GS_ERROR_GONE, NULL);
	/* LOST if it died with the question on its way, GONE if that was known before. */
	err = gs_guest_direct_confirm(mem);
	assert_true(err && (err->code == GS_ERROR_LOST || err->code == GS_ERROR_GONE));
	gs_memory_destroy(mem);
	gs_qmp_close(qmp);
}

int main(void)
{
	struct CMUnitTest tests[sizeof(shapes) / sizeof(*shapes) + 4] = {
		unit_test_in_scratch(test_private_file),
		cmocka_unit_test_setup_teardown(test_hugepages, note_hugepages, return_hugepages),
		unit_test_in_scratch(test_dimm_between_open_and_settle),
		unit_test_in_scratch(test_killed),
	};

	for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++)
		tests[4 + i] = (struct CMUnitTest){shapes[i].name, test_shape, unit_enter_scratch,
						   unit_leave_scratch, &shapes[i]};
	return cmocka_run_group_tests_name("direct real", tests, NULL, NULL);
}
