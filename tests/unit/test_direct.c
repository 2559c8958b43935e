/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A guest's memory read out of a QEMU that is not to be believed: a child of the test, which maps
 * memory in known ways and speaks QMP.
 */
#include <elf.h>
#include <inttypes.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <guestscope/base/io.h>
#include <guestscope/base/text.h>
#include <guestscope/guest.h>

#include "fake_qmp.h"

#define PAGE 4096
#define MIB (UINT64_C(1) << 20)
#define SEGMENTS_MAX 4

/* Shared with the child, so that a test can change the machine while it runs. */
struct machine {
	struct segment {
		uint64_t gpa, size, hva;
	} segments[SEGMENTS_MAX];
	int count;
	int cpus;
	uint64_t lie;         /* what gpa2hva adds to the address of the last segment */
	const char *hva_text; /* what gpa2hva says instead; NULL: the truth */
	const char *sev;      /* reply to query-sev; NULL: no such command */
	const char *support;  /* path of the confidential guest support, NULL: none */
	int scribble;         /* dumps of a range during which the guest writes to the page */
	bool forge;           /* dumps of a range have a byte that memory does not have */
	bool refuse;          /* all dumps */
};

static struct machine *machine;
static struct fake server;
static pid_t qemu_pid;
static int qemu_fd;

static uint8_t *map_private(size_t size)
{
	uint8_t *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	assert_true(at != MAP_FAILED);
	assert_int_equal(madvise(at, size, MADV_NOHUGEPAGE), 0);
	return at;
}

static void add_segment(uint64_t gpa, uint64_t size)
{
	struct segment *s = &machine->segments[machine->count++];

	*s = (struct segment){gpa, size, (uintptr_t)map_private(size)};
}

static uint8_t *host_of(uint64_t gpa)
{
	for (int i = 0; i < machine->count; i++) {
		const struct segment *s = &machine->segments[i];

		if (gpa >= s->gpa && gpa - s->gpa < s->size)
			return (uint8_t *)(uintptr_t)(s->hva + (gpa - s->gpa));
	}
	return NULL;
}

static uint64_t argument(const char *name)
{
	const char *at = strstr(server.request, name);

	return at ? strtoull(at + strlen(name) + 1, NULL, 10) : 0;
}

static bool put(const void *data, size_t size)
{
	return gs_write_full(server.last_fd, data, size) == 0;
}

static bool put_notes(void)
{
	struct {
		Elf64_Nhdr header;
		char name[8];
		uint8_t desc[336];
	} note = {{5, 336, 1}, "CORE", {0}};
	bool ok = true;

	for (int i = 0; i < machine->cpus; i++)
		ok = ok && put(&note, sizeof(note));
	return ok;
}

/* An ELF of these segments; false when the reader has had enough. */
static bool put_elf(const struct segment *segments, int count)
{
	Elf64_Ehdr ehdr = {.e_ident = {ELFMAG0, ELFMAG1, ELFMAG2, ELFMAG3, ELFCLASS64, ELFDATA2LSB,
				       EV_CURRENT},
			   .e_type = ET_CORE,
			   .e_machine = EM_X86_64,
			   .e_phoff = sizeof(ehdr),
			   .e_phentsize = sizeof(Elf64_Phdr),
			   .e_phnum = (Elf64_Half)(count + 1)};
	uint64_t off = sizeof(ehdr) + (uint64_t)(count + 1) * sizeof(Elf64_Phdr);
	Elf64_Phdr note = {.p_type = PT_NOTE, .p_offset = off};
	bool ok;

	note.p_filesz = note.p_memsz = (uint64_t)machine->cpus * 356;
	off += note.p_filesz;
	ok = put(&ehdr, sizeof(ehdr)) && put(&note, sizeof(note));
	for (int i = 0; i < count; i++) {
		Elf64_Phdr load = {.p_type = PT_LOAD,
				   .p_offset = off,
				   .p_paddr = segments[i].gpa,
				   .p_filesz = segments[i].size,
				   .p_memsz = segments[i].size};

		ok = ok && put(&load, sizeof(load));
		off += load.p_filesz;
	}
	ok = ok && put_notes();
	for (int i = 0; i < count; i++)
		ok = ok && put((void *)(uintptr_t)segments[i].hva, segments[i].size);
	return ok;
}

static bool dump_range(uint64_t begin, uint64_t length)
{
	uint8_t *page = host_of(begin);
	gs_autofree uint8_t *copy = malloc(length);
	struct segment range = {begin, length, (uintptr_t)copy};

	if (machine->scribble > 0) {
		memset(page, machine->scribble, length - 1);
		machine->scribble--;
	}
	memcpy(copy, page, length);
	copy[0] ^= machine->forge;
	return put_elf(&range, 1);
}

static void serve_dump(void)
{
	uint64_t length = argument("\"length\"");
	bool ok = !machine->refuse;

	if (ok && length)
		ok = dump_range(argument("\"begin\""), length);
	else if (ok)
		ok = put_elf(machine->segments, machine->count);
	close(server.last_fd);
	server.last_fd = -1;
	if (ok)
		fake_return(&server, "{}");
	else
		fake_send(&server,
			  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"no dump\"}, "
			  "\"id\": %s}",
			  server.id);
}

static void serve_hmp(void)
{
	const char *line = strstr(server.request, "gpa2hva 0x");
	uint64_t gpa = line ? strtoull(line + 8, NULL, 16) : 0;
	uint64_t hva = (uintptr_t)host_of(gpa);
	char text[128];

	if (gpa == machine->segments[machine->count - 1].gpa)
		hva += machine->lie;
	snprintf(text, sizeof(text),
		 "\"Host virtual address for 0x%" PRIx64 " (is 0x1 is 0x2) is 0x%" PRIx64
		 "\\r\\n\"",
		 gpa, hva);
	fake_return(&server, machine->hva_text ? machine->hva_text : text);
}

static void serve_property(void)
{
	gs_autofree char *text = NULL;

	if (strstr(server.request, "\"type\""))
		text = gs_strf("\"tdx-guest\"");
	else
		text = gs_strf("\"%s\"", machine->support ? machine->support : "");
	fake_return(&server, text);
}

static void serve_request(void)
{
	const char *command = strstr(server.request, "\"execute\":\"") + 11;

	if (strncmp(command, "dump-guest-memory", 17) == 0)
		serve_dump();
	else if (strncmp(command, "human-monitor-command", 21) == 0)
		serve_hmp();
	else if (strncmp(command, "qom-get", 7) == 0)
		serve_property();
	else if (strncmp(command, "query-sev", 9) == 0 && machine->sev)
		fake_return(&server, machine->sev);
	else if (strncmp(command, "query-sev", 9) == 0)
		fake_send(&server,
			  "{\"error\": {\"class\": \"CommandNotFound\", \"desc\": \"no\"}, "
			  "\"id\": %s}",
			  server.id);
	else
		fake_return(&server, "{}");
}

_Noreturn static void be_qemu(int fd)
{
	server = (struct fake){.listener = -1, .fd = fd, .last_fd = -1};
	signal(SIGPIPE, SIG_IGN);
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	fake_send(&server, FAKE_GREETING);
	while (fake_read(&server))
		serve_request();
	_exit(0);
}

static void end_child(pid_t pid)
{
	kill(pid, SIGKILL);
	assert_int_equal(waitpid(pid, NULL, 0), pid);
}

/* Memory that is there before the fork is the child's, too; what it writes is its own. */
static struct gs_qmp *start_machine(void)
{
	struct gs_qmp_address address = {.kind = GS_QMP_FD};
	struct gs_qmp *qmp;
	int pair[2];

	assert_int_equal(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	qemu_pid = fork();
	if (qemu_pid == 0) {
		close(pair[1]);
		be_qemu(pair[0]);
	}
	close(pair[0]);
	qemu_fd = address.fd = pair[1];
	assert_ok(gs_qmp_connect(&address, NULL, &qmp));
	return qmp;
}

static int set_up(void **state)
{
	(void)state;
	machine = mmap(NULL, sizeof(*machine), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		       -1, 0);
	machine->cpus = 1;
	add_segment(0, 640 * 1024);
	add_segment(MIB, 8 * MIB);
	add_segment(0x100000000, 4 * MIB);
	strcpy((char *)host_of(0x3000), "low");
	strcpy((char *)host_of(0x200000), "middle");
	for (uint64_t gpa = 0x100100000; gpa < 0x100200000; gpa += PAGE)
		memcpy(host_of(gpa), &gpa, sizeof(gpa));
	return 0;
}

static int tear_down(void **state)
{
	(void)state;
	if (qemu_pid)
		end_child(qemu_pid);
	qemu_pid = 0;
	for (int i = 0; i < machine->count; i++)
		munmap((void *)(uintptr_t)machine->segments[i].hva, machine->segments[i].size);
	munmap(machine, sizeof(*machine));
	return 0;
}

static struct gs_qmp *qmp_of_test;
static struct gs_memory *memory_of_test;

static struct gs_error *open_machine(void)
{
	qmp_of_test = start_machine();
	return gs_guest_direct_open(qmp_of_test, &memory_of_test);
}

static void close_machine(void)
{
	gs_memory_destroy(memory_of_test);
	gs_qmp_close(qmp_of_test);
	close(qemu_fd);
	memory_of_test = NULL;
}

/* "direct access to fd:N: <fmt>" */
#define assert_refused(expr, code, ...)                                        \
	do {                                                                   \
		struct gs_error *refusal_ = (expr);                            \
		gs_autofree char *what_ = gs_strf(__VA_ARGS__);                \
		gs_autofree char *message_ =                                   \
			gs_strf("direct access to fd:%d: %s", qemu_fd, what_); \
		assert_error(refusal_, code, message_);                        \
	} while (0)

static void test_machine(void **state)
{
	struct gs_memory *mem;
	enum gs_extent extent;
	uint64_t word;
	gs_gpa_t end;

	(void)state;
	assert_ok(open_machine());
	mem = memory_of_test;
	assert_int_equal(gs_guest_direct_pid(mem), qemu_pid);
	assert_int_equal(mem->range_count, 3);
	assert_int_equal(mem->ranges[1].start, MIB);
	assert_int_equal(mem->attrs.cpu_count, 1);
	assert_ok(gs_memory_read(mem, 0x100123000, &word, sizeof(word)));
	assert_int_equal(word, 0x100123000);
	assert_ok(gs_memory_extent(mem, 0x101000000 - 4096 * 4096, &extent, &end));
	assert_ok(gs_memory_extent(mem, 0x100000000 + PAGE, &extent, &end));
	assert_int_equal(extent, GS_EXTENT_ZERO);
	assert_int_equal(end, 0x100100000);
	assert_ok(gs_memory_extent(mem, end, &extent, &end));
	assert_int_equal(extent, GS_EXTENT_DATA);
	assert_int_equal(end, 0x100200000);
	assert_error(gs_memory_read(mem, 0xa0000, &word, 1), GS_ERROR_NODATA, NULL);
	machine->cpus = 2;
	assert_ok(gs_guest_direct_settle(mem));
	assert_int_equal(mem->attrs.cpu_count, 2);
	close_machine();
}

/* QEMU makes two segments where its own memory has a border. */
static void test_touching_segments(void **state)
{
	struct gs_memory *mem;
	char buf[2 * PAGE];

	(void)state;
	add_segment(0x100400000, MIB);
	strcpy((char *)host_of(0x1003ff000), "end");
	strcpy((char *)host_of(0x100400000), "start");
	assert_ok(open_machine());
	mem = memory_of_test;
	assert_int_equal(mem->range_count, 3);
	assert_ok(gs_memory_read(mem, 0x1003ff000, buf, sizeof(buf)));
	assert_string_equal(buf, "end");
	assert_string_equal(buf + PAGE, "start");
	close_machine();
}

static void test_wrong_address(void **state)
{
	(void)state;
	machine->lie = PAGE;
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED,
		       "at 0x1000ff000 QEMU dumps other bytes than its process has at 0x%" PRIx64
		       " (2 of 4096 that stood still)",
		       machine->segments[2].hva + PAGE);
	close_machine();
}

static void test_address_of_nothing(void **state)
{
	(void)state;
	machine->lie = PAGE - machine->segments[2].hva;
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED, "process %d has no memory at 0x1000",
		       (int)qemu_pid);
	close_machine();
}

static void test_address_that_is_none(void **state)
{
	static const char *const texts[] = {
		"\"No memory is mapped at address 0x0\\r\\n\"",
		"\"Host virtual address for 0x0 (pc.ram) is 0x0\\r\\n\"",
		"\"Host virtual address for 0x0 (pc.ram) is 0x1000 or so\\r\\n\"",
		"\"Host virtual address for \"",
		"\"\"",
	};

	(void)state;
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		machine->hva_text = texts[i];
		assert_error(open_machine(), GS_ERROR_UNSUPPORTED, NULL);
		close_machine();
		end_child(qemu_pid);
	}
	qemu_pid = 0;
}

static void test_forged_samples(void **state)
{
	(void)state;
	machine->forge = true;
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED,
		       "at 0x3000 QEMU dumps other bytes than its process has at 0x%" PRIx64
		       " (1 of 4096 that stood still)",
		       machine->segments[0].hva);
	close_machine();
}

static void test_page_that_changes_for_a_while(void **state)
{
	(void)state;
	machine->scribble = 5;
	assert_ok(open_machine());
	assert_int_equal(machine->scribble, 0);
	close_machine();
}

static void test_page_that_never_stands_still(void **state)
{
	(void)state;
	machine->scribble = 1000;
	assert_error(open_machine(), GS_ERROR_UNSUPPORTED, NULL);
	close_machine();
}

static void test_overlapping_segments(void **state)
{
	(void)state;
	machine->segments[1].gpa = 512 * 1024;
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED, "QEMU dumps 0x80000 twice");
	close_machine();
}

static void test_confidential(void **state)
{
	(void)state;
	machine->sev = "{\"enabled\": true}";
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED,
		       "the guest is confidential (SEV): the host sees its memory encrypted or not "
		       "at all");
	close_machine();
	end_child(qemu_pid);
	machine->sev = "{\"enabled\": false}";
	machine->support = "/objects/td";
	assert_refused(open_machine(), GS_ERROR_UNSUPPORTED,
		       "the guest is confidential (tdx-guest): the host sees its memory encrypted "
		       "or not at all");
	close_machine();
}

static void test_refused_dump(void **state)
{
	uint64_t start = gs_now_ms();

	(void)state;
	machine->refuse = true;
	assert_refused(open_machine(), GS_ERROR_REFUSED, "dump-guest-memory: no dump");
	assert_in_range(gs_now_ms() - start, 0, 5000);
	close_machine();
}

static void test_changes_before_settle(void **state)
{
	struct machine before;

	(void)state;
	assert_ok(open_machine());
	before = *machine;
	machine->segments[1].size -= PAGE;
	assert_refused(gs_guest_direct_settle(memory_of_test), GS_ERROR_BUSY,
		       "the guest's memory changed meanwhile: at 0x100000");
	*machine = before;
	machine->count = 2;
	assert_refused(gs_guest_direct_settle(memory_of_test), GS_ERROR_BUSY,
		       "the guest's memory changed meanwhile: there is less from 0x100000000");
	machine->count = 4;
	machine->segments[3] = (struct segment){0x200000000, MIB, before.segments[1].hva};
	assert_refused(gs_guest_direct_settle(memory_of_test), GS_ERROR_BUSY,
		       "the guest's memory changed meanwhile: there is more from 0x200000000");
	*machine = before;
	machine->lie = PAGE;
	assert_refused(gs_guest_direct_settle(memory_of_test), GS_ERROR_BUSY,
		       "the guest's memory changed meanwhile: other memory is at 0x100000000");
	*machine = before;
	machine->forge = true;
	assert_error(gs_guest_direct_settle(memory_of_test), GS_ERROR_UNSUPPORTED, NULL);
	machine->forge = false;
	assert_ok(gs_guest_direct_settle(memory_of_test));
	close_machine();
}

static void test_looking_falls_back(void **state)
{
	struct gs_memory *mem;
	char word[4];

	(void)state;
	machine->support = "/objects/td";
	qmp_of_test = start_machine();
	assert_ok(gs_guest_look_open(qmp_of_test, &mem));
	assert_int_equal(gs_guest_direct_pid(mem), 0);
	assert_ok(gs_memory_read(mem, 0x3000, word, sizeof(word)));
	assert_string_equal(word, "low");
	gs_memory_destroy(mem);
	close_machine();
}

#define machine_test(fn) cmocka_unit_test_setup_teardown(fn, set_up, tear_down)

int main(void)
{
	const struct CMUnitTest tests[] = {
		machine_test(test_machine),
		machine_test(test_touching_segments),
		machine_test(test_wrong_address),
		machine_test(test_address_of_nothing),
		machine_test(test_address_that_is_none),
		machine_test(test_forged_samples),
		machine_test(test_page_that_changes_for_a_while),
		machine_test(test_page_that_never_stands_still),
		machine_test(test_overlapping_segments),
		machine_test(test_confidential),
		machine_test(test_refused_dump),
		machine_test(test_changes_before_settle),
		machine_test(test_looking_falls_back),
	};

	return cmocka_run_group_tests_name("direct", tests, NULL, NULL);
}
