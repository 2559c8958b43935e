/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The kernel log of three generations, on machines of every kind: sound, damaged, and lying. */
#include "fake_log.h"

#define RECORDS_MAX 5000

/* What the log told. */
struct heard {
	size_t count;
	uint64_t lost;
	struct gs_log_record records[RECORDS_MAX];
};

static struct gs_error *hear(void *arg, const struct gs_log_record *record)
{
	struct heard *heard = arg;
	struct gs_log_record *copy = &heard->records[heard->count++];

	assert_true(heard->count <= RECORDS_MAX);
	*copy = *record;
	copy->text = strndup(record->text, record->text_size);
	return NULL;
}

static struct gs_error *listen_to(struct fake_log *f, struct heard **ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	struct gs_error *err;

	*ret = calloc(1, sizeof(**ret));
	assert_ok(gs_linux_open(&f->k.mem, &l));
	err = gs_linux_log(l, hear, *ret, &(*ret)->lost);
	return err;
}

static void forget(struct heard *heard)
{
	for (size_t i = 0; i < heard->count; i++)
		free((char *)heard->records[i].text);
	free(heard);
}
GS_DEFINE_CLEANUP(struct heard *, forget)
#define AUTO_HEARD GS_CLEANUP(forget) struct heard *

/* Record @n of those that the tests write: its text has up to 90 bytes, and tells its number. */
static size_t make_text(uint64_t n, char text[128])
{
	int size = snprintf(text, 128, "record %llu %.*s", (unsigned long long)n, (int)(n * 7 % 80),
			    "--------------------------------------------------"
			    "------------------------------");

	return (size_t)size;
}

static void print_many(struct fake_log *f, uint64_t count,
		       void (*print)(struct fake_log *, unsigned int, uint32_t, const char *,
				     size_t))
{
	for (uint64_t i = 0; i < count; i++) {
		char text[128];
		size_t size = make_text(f->sequence, text);

		f->time_ns = f->sequence * 1000003;
		print(f, (unsigned int)(f->sequence % 192), (uint32_t)f->sequence, text, size);
	}
}

/* The last records up to number @end, all whole; numbers count from @base where they are not known.
 */
static void assert_heard(const struct heard *heard, uint64_t end, uint64_t base)
{
	assert_int_equal(heard->lost, 0);
	assert_true(heard->count > 0 && heard->count <= end);
	for (size_t i = 0; i < heard->count; i++) {
		const struct gs_log_record *record = &heard->records[i];
		uint64_t n = end - heard->count + i;
		char text[128];

		assert_int_equal(record->text_size, make_text(n, text));
		assert_string_equal(record->text, text);
		assert_int_equal(record->sequence, base == UINT64_MAX ? n : base + i);
		assert_true(record->has_timestamp);
		assert_int_equal(record->timestamp_ns, n * 1000003);
		assert_int_equal(record->facility, n % 192 >> 3);
		assert_int_equal(record->level, n % 8);
		if (record->has_caller)
			assert_int_equal(record->caller, n);
	}
}

/* ---- the ring ---- */

static void assert_ring(struct fake_log *f, size_t count)
{
	AUTO_HEARD heard = NULL;

	assert_ok(listen_to(f, &heard));
	assert_int_equal(heard->count, count);
	assert_true(heard->records[0].has_caller);
	assert_heard(heard, f->sequence, UINT64_MAX);
}

static void test_ring(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 4; kind++) {
		struct fake_log f;

		fl_init_ring(&f, kind & 1 ? 8 : 4, kind & 2, 5, 12);
		print_many(&f, 7, fl_print);
		assert_ring(&f, 7);
		fl_deinit(&f);
	}
}

/* Either the descriptors or the text run out first; ids and positions wrap in between. */
static void test_ring_wrapped(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 16; kind++) {
		struct fake_log f;

		fl_init_ring(&f, kind & 1 ? 8 : 4, kind & 2, kind & 4 ? 10 : 3, 11);
		f.exact_fit_stays = kind & 8;
		for (unsigned int i = 0; i < 150; i++) {
			AUTO_HEARD heard = NULL;

			print_many(&f, 1 + i % 3, fl_print);
			assert_ok(listen_to(&f, &heard));
			assert_heard(heard, f.sequence, UINT64_MAX);
			assert_int_equal(heard->count, fl_count(&f));
		}
		fl_deinit(&f);
	}
}

static void test_ring_large(void **state)
{
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 12, 17);
	print_many(&f, 9000, fl_print);
	f.k.reads = 0;
	assert_ring(&f, fl_count(&f));
	/* As each read of a live guest costs a millisecond. */
	assert_true(f.k.reads < 200);
	fl_deinit(&f);
}

static void test_ring_empty(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	assert_ok(listen_to(&f, &heard));
	assert_int_equal(heard->count, 0);
	assert_int_equal(heard->lost, 0);
	fl_deinit(&f);
}

/* Blocks that end exactly where the ring does. */
static void test_ring_exact_fit(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 2; kind++) {
		AUTO_HEARD heard = NULL;
		struct fake_log f;

		fl_init_ring(&f, 8, false, 5, 8);
		f.exact_fit_stays = kind;
		for (unsigned int i = 0; i < 20; i++) {
			char text[64];

			memset(text, 'a' + (int)i, sizeof(text));
			fl_print(&f, 6, 1, text, 56);
		}
		assert_ok(listen_to(&f, &heard));
		assert_int_equal(heard->count, kind ? 4 : 3);
		for (size_t i = 0; i < heard->count; i++) {
			assert_int_equal(heard->records[i].text_size, 56);
			assert_int_equal(heard->records[i].text[55],
					 'a' + 20 - (int)heard->count + (int)i);
		}
		fl_deinit(&f);
	}
}

static void assert_missing(struct fake_log *f, size_t count, uint64_t lost)
{
	AUTO_HEARD heard = NULL;

	assert_ok(listen_to(f, &heard));
	assert_int_equal(heard->count, count);
	assert_int_equal(heard->lost, lost);
}

static void test_ring_states(void **state)
{
	struct fake_log f;
	uint64_t id;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	print_many(&f, 7, fl_print);
	id = (f.head_id - 2) & f.id_mask;
	fl_set_state(&f, id, FL_COMMITTED);
	assert_missing(&f, 7, 0);
	fl_set_state(&f, id, 0); /* being written */
	assert_missing(&f, 6, 0);
	fl_set_state(&f, id, FL_REUSABLE);
	assert_missing(&f, 6, 0);
	fl_put(&f, fl_desc(&f, id), (id + 32) | UINT64_C(2) << 62, 8); /* written anew */
	assert_missing(&f, 6, 1);
	fl_deinit(&f);
}

static void test_ring_damaged(void **state)
{
	static const struct {
		uint64_t begin, next; /* to be added, or (large ones) what it becomes */
		unsigned int text_len;
		size_t count;
	} cases[] = {
		{0, 0, 0, 7},
		{1, 1, 0, 6},                 /* no room for text */
		{3, 3, 0, 7},                 /* an empty line */
		{3, 1, 0, 6},                 /* one of each is neither */
		{0, 0, 120, 6},               /* longer than its block */
		{0, 0, 4000, 6},              /* much longer */
		{0, 0, 65535, 6},             /* longer than the ring */
		{0, UINT64_C(1) << 20, 0, 6}, /* many turns on */
		{0, -UINT64_C(150), 0, 6},    /* ends before it begins */
		{0, -UINT64_C(4096), 0, 6},   /* and in the turn before */
		{UINT64_C(1) << 63, 0, 0, 6}, /* in some other age */
		{8, 0, 0, 6},                 /* no id in front */
		{UINT64_MAX, UINT64_MAX, 0, 6},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct fake_log f;
		gs_gpa_t desc, info;
		bool is_value = cases[i].begin & 1;

		fl_init_ring(&f, 8, false, 5, 12);
		print_many(&f, 7, fl_print);
		desc = fl_desc(&f, f.head_id - 2);
		info = fl_info(&f, f.head_id - 2);
		fl_put(&f, desc + 8, cases[i].begin + (is_value ? 0 : fl_get(&f, desc + 8, 8)), 8);
		fl_put(&f, desc + 16, cases[i].next + (is_value ? 0 : fl_get(&f, desc + 16, 8)), 8);
		if (cases[i].text_len)
			fl_put(&f, info + 24, cases[i].text_len, 2);
		assert_missing(&f, cases[i].count, 7 - cases[i].count);
		fl_deinit(&f);
	}
}

/* Records that all have the same text are not believed for longer than the ring is. */
static void test_ring_text_again(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;
	size_t total = 0;

	(void)state;
	fl_init_ring(&f, 8, false, 10, 12);
	print_many(&f, 20, fl_print);
	for (unsigned int i = 1; i < 1000; i++) {
		uint64_t id = (f.head_id + 1 + i) & f.id_mask, begin = i % 30 * 8;

		fl_set_state(&f, id, FL_FINALIZED);
		fl_put(&f, fl_desc(&f, id) + 8, begin, 8);
		fl_put(&f, fl_desc(&f, id) + 16, begin + 3000, 8);
		fl_put(&f, fl_info(&f, id) + 24, 2900, 2);
		fl_put(&f, FL_TEXT + begin, id, 8);
	}
	f.tail_id = (f.head_id + 2) & f.id_mask;
	f.head_id = (f.head_id + 1000) & f.id_mask;
	fl_set_ends(&f);
	assert_ok(listen_to(&f, &heard));
	for (size_t i = 0; i < heard->count; i++)
		total += heard->records[i].text_size;
	assert_true(total > 0 && total <= 4096);
	assert_true(heard->lost > 900);
	fl_deinit(&f);
}

/* A part of the text is not in the dump: the records elsewhere are. */
static void test_ring_unreadable(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 12, 17);
	print_many(&f, 1000, fl_print);
	memmove(f.k.ram + FK_RAM_BYTES - 32768, f.k.ram + FL_TEXT, 32768);
	fl_put(&f, FL_RINGBUFFER + 8 + 6 * 8 + 8, fl_pointer(&f, FK_RAM_BYTES - 32768), 8);
	f.k.reads = 0;
	assert_ok(listen_to(&f, &heard));
	assert_true(heard->count > 400 && heard->lost > 300);
	assert_int_equal(heard->count + heard->lost, 1000);
	assert_int_equal(heard->records[0].sequence, 0);
	assert_true(f.k.reads < 3000);
	fl_deinit(&f);
}

/* Ends that are nonsense, over memory that says nothing: soon given up. */
static void test_ring_garbage(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	print_many(&f, 7, fl_print);
	f.tail_id = 12345;
	fl_set_ends(&f);
	assert_missing(&f, 7, 24);
	fl_put(&f, FL_RINGBUFFER + 8, 24, 4);
	f.k.reads = 0;
	assert_error(listen_to(&f, &heard), GS_ERROR_CORRUPT,
		     "kernel log: 4096 records damaged, given up");
	assert_true(f.k.reads < 20000);
	fl_deinit(&f);
}

static void test_ring_failing_reads(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	print_many(&f, 7, fl_print);
	f.k.bad = FL_TEXT;
	assert_error(listen_to(&f, &heard), GS_ERROR_TIMEOUT, NULL);
	fl_deinit(&f);
}

static void test_ring_unknown(void **state)
{
	static const struct {
		const char *key, *instead, *message;
		enum gs_error_code code;
	} cases[] = {
		{"SIZE(prb_desc)", "", "kernel log: vmcoreinfo: no SIZE(prb_desc)",
		 GS_ERROR_NODATA},
		{"OFFSET(printk_info.seq)", "",
		 "kernel log: vmcoreinfo: no OFFSET(printk_info.seq)", GS_ERROR_NODATA},
		{"OFFSET(printk_info.text_len)", "OFFSET(printk_info.text_len)=37",
		 "kernel log: vmcoreinfo: OFFSET(printk_info.text_len) is 37 in a struct of 40 "
		 "bytes",
		 GS_ERROR_CORRUPT},
		{"OFFSET(printk_ringbuffer.text_data_ring)",
		 "OFFSET(printk_ringbuffer.text_data_ring)=18446744073709551615", NULL,
		 GS_ERROR_CORRUPT},
		{"SIZE(prb_data_blk_lpos)", "SIZE(prb_data_blk_lpos)=17", NULL, GS_ERROR_CORRUPT},
		{"SIZE(prb_desc)", "SIZE(prb_desc)=0", NULL, GS_ERROR_CORRUPT},
		{"SIZE(printk_info)", "SIZE(printk_info)=1000000",
		 "kernel log: vmcoreinfo: SIZE(printk_info) is 1000000", GS_ERROR_CORRUPT},
		{"SIZE(atomic_long_t)", "SIZE(atomic_long_t)=4", NULL, GS_ERROR_CORRUPT},
		{"SYMBOL(prb)", "SYMBOL(prb)=0", NULL, GS_ERROR_NODATA},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO_HEARD heard = NULL;
		struct fake_log f;

		fl_init_ring(&f, 8, false, 5, 12);
		print_many(&f, 7, fl_print);
		fk_unsay(&f.k, cases[i].key);
		fk_say(&f.k, "%s", cases[i].instead);
		assert_error(listen_to(&f, &heard), cases[i].code, cases[i].message);
		fl_deinit(&f);
	}
}

static void test_ring_bits(void **state)
{
	static const struct {
		unsigned int off, bits;
		const char *message;
	} cases[] = {
		{8, 0, "kernel log: count_bits is 0, not in 1 to 24"},
		{8, 64, "kernel log: count_bits is 64, not in 1 to 24"},
		{8 + 48, 29, "kernel log: size_bits is 29, not in 1 to 28"},
		{8 + 48, UINT32_MAX, "kernel log: size_bits is 4294967295, not in 1 to 28"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO_HEARD heard = NULL;
		struct fake_log f;

		fl_init_ring(&f, 8, false, 5, 12);
		fl_put(&f, FL_RINGBUFFER + cases[i].off, cases[i].bits, 4);
		assert_error(listen_to(&f, &heard), GS_ERROR_CORRUPT, cases[i].message);
		fl_deinit(&f);
	}
}

static struct gs_error *stop_at_3(void *arg, const struct gs_log_record *record)
{
	++*(unsigned int *)arg;
	return record->sequence == 3 ? gs_error_create(GS_ERROR_CORRUPT, "enough") : NULL;
}

/* The caller's own error comes back as it is, whatever its code. */
static void test_stopped(void **state)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	unsigned int count = 0;
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	print_many(&f, 7, fl_print);
	assert_ok(gs_linux_open(&f.k.mem, &l));
	assert_error(gs_linux_log(l, stop_at_3, &count, NULL), GS_ERROR_CORRUPT, "enough");
	assert_int_equal(count, 4);
	fl_deinit(&f);
}

static void test_nowhere(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init(&f, 8, false);
	assert_error(
		listen_to(&f, &heard), GS_ERROR_NODATA,
		"kernel log: vmcoreinfo does not say where it is (SYMBOL(prb), SYMBOL(log_buf))");
	fl_deinit(&f);
}

/* ---- records ---- */

static void test_records(void **state)
{
	(void)state;
	for (unsigned int kind = 0; kind < 16; kind++) {
		struct fake_log f;
		unsigned int word = kind & 1 ? 8 : 4, header = kind & 4 ? 16 : 16 + word;

		fl_init_records(&f, word, kind & 2, kind & 8 ? "log" : "printk_log", header, 4096);
		for (unsigned int i = 0; i < 200; i++) {
			AUTO_HEARD heard = NULL;

			print_many(&f, 1 + i % 3, fl_print_record);
			assert_ok(listen_to(&f, &heard));
			assert_heard(heard, f.sequence, 0);
			assert_true(heard->count > 25 || heard->count == f.sequence);
			assert_int_equal(heard->records[0].has_caller, header > 16);
		}
		fl_deinit(&f);
	}
}

static void test_records_damaged(void **state)
{
	static const struct {
		unsigned int off, value; /* in the header of the third record */
		size_t count;
		uint64_t lost;
		const char *message;
	} cases[] = {
		{10, 0, 7, 0, NULL},
		{10, 60, 6, 1, NULL},
		{10, 65535, 6, 1, NULL},
		{8, 15, 2, 0, "record of 15 bytes, none can be"},
		{8, 65535, 2, 0, "record of 65535 bytes, none can be"},
		{8, 0, 2, 0, "it goes round without end"}, /* back to the first, and so on */
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO_HEARD heard = NULL;
		struct gs_error *err;
		struct fake_log f;
		uint64_t at = 0;

		fl_init_records(&f, 8, false, "printk_log", 16, 4096);
		print_many(&f, 7, fl_print_record);
		for (unsigned int n = 0; n < 2; n++)
			at += fl_get(&f, FL_LOG_BUF + at + 8, 2);
		fl_put(&f, FL_LOG_BUF + at + cases[i].off, cases[i].value, 2);
		err = listen_to(&f, &heard);
		if (!cases[i].message)
			assert_ok(err);
		else
			assert_non_null(strstr(err->message, cases[i].message));
		gs_error_destroy(err);
		assert_int_equal(heard->lost, cases[i].lost);
		assert_true(heard->count == cases[i].count || heard->count == 2 * cases[i].count);
		fl_deinit(&f);
	}
}

static void test_records_lies(void **state)
{
	static const struct {
		unsigned int slot;
		uint64_t value;
		const char *message;
	} cases[] = {
		{1, UINT32_MAX, "log_buf_len is 4294967295"},
		{1, 100, "none can be"},
		{2, UINT32_MAX, "beyond the end of the log"},
		{3, UINT32_MAX, "it goes round without end"},
		{3, 5, "it goes round without end"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		AUTO_HEARD heard = NULL;
		struct gs_error *err;
		struct fake_log f;

		fl_init_records(&f, 8, false, "printk_log", 16, 4096);
		print_many(&f, 7, fl_print_record);
		fl_variable(&f, cases[i].slot, cases[i].value, 4);
		err = listen_to(&f, &heard);
		assert_non_null(err);
		assert_int_equal(err->code, GS_ERROR_CORRUPT);
		assert_non_null(strstr(err->message, cases[i].message));
		gs_error_destroy(err);
		assert_true(heard->count <= 14);
		fl_deinit(&f);
	}
}

/* ---- lines ---- */

static void assert_line(const struct gs_log_record *record, unsigned int priority,
			int64_t timestamp_ns, const char *text)
{
	assert_int_equal(record->facility << 3 | record->level, priority);
	assert_int_equal(record->has_timestamp, timestamp_ns >= 0);
	if (timestamp_ns >= 0)
		assert_int_equal(record->timestamp_ns, timestamp_ns);
	assert_string_equal(record->text, text);
}

static void test_lines(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_lines(&f, 1024);
	fl_print_line(&f, "<5>[    0.000000] Linux version 2.6.32\n<30>[12345.678901] init\n");
	fl_print_line(
		&f, "<6>no time\nneither\n<6>[x] <7>[1.2\n<>\n\n<6>[  ] [    1.000000] no\n<4>cut");
	assert_ok(listen_to(&f, &heard));
	assert_int_equal(heard->count, 9);
	assert_line(&heard->records[0], 5, 0, "Linux version 2.6.32");
	assert_line(&heard->records[1], 30, INT64_C(12345678901000), "init");
	assert_line(&heard->records[2], 6, -1, "no time");
	assert_line(&heard->records[3], 0, -1, "neither");
	assert_line(&heard->records[4], 6, -1, "[x] <7>[1.2");
	assert_line(&heard->records[5], 0, -1, "<>");
	assert_line(&heard->records[6], 0, -1, "");
	assert_line(&heard->records[7], 6, -1, "[  ] [    1.000000] no");
	assert_line(&heard->records[8], 4, -1, "cut");
	fl_deinit(&f);
}

static void test_lines_wrapped(void **state)
{
	AUTO_HEARD heard = NULL;
	struct fake_log f;

	(void)state;
	fl_init_lines(&f, 1024);
	for (unsigned int i = 0; i < 100; i++) {
		char line[64];

		snprintf(line, sizeof(line), "<6>[%5u.000000] line %u\n", i, i);
		fl_print_line(&f, line);
	}
	assert_ok(listen_to(&f, &heard));
	assert_true(heard->count > 35 && heard->count < 45);
	assert_line(&heard->records[heard->count - 1], 6, INT64_C(99000000000), "line 99");
	fl_variable(&f, 1, 1000, 4);
	forget(gs_take(heard));
	assert_error(listen_to(&f, &heard), GS_ERROR_CORRUPT, "kernel log: log_buf_len is 1000");
	fl_deinit(&f);
}

/* ---- what the log tells besides ---- */

static void say(struct fake_log *f, unsigned int priority, const char *text)
{
	fl_print(f, priority, 1, text, strlen(text));
}

static struct gs_error *ask_boot_time(struct fake_log *f, int64_t *ret)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;

	assert_ok(gs_linux_open(&f->k.mem, &l));
	return gs_linux_boot_time(l, ret);
}

#define CLOCK "rtc_cmos 00:04: setting system clock to 2026-11-20T16:25:57 UTC (1795191957"

static void test_boot_time(void **state)
{
	struct fake_log f;
	int64_t ns = 7;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	f.time_ns = 807951000;
	say(&f, 8 | 6, CLOCK ")"); /* a user's */
	say(&f, 6, CLOCK);
	say(&f, 6, "rtc: setting system clock to (-5)");
	say(&f, 6, "rtc: setting system clock to (99999999999999999999)");
	say(&f, 6, "rtc: setting system clock to noon");
	assert_error(ask_boot_time(&f, &ns), GS_ERROR_NODATA,
		     "the kernel log does not say when the clock was set");
	assert_int_equal(ns, 7);
	say(&f, 6, CLOCK ")");
	f.time_ns = 900000000;
	say(&f, 6, "something else");
	assert_ok(ask_boot_time(&f, &ns));
	assert_int_equal(ns, INT64_C(1795191957500000000) - 807951000);
	fl_deinit(&f);
}

static void assert_banner(struct fake_log *f, const char *expected)
{
	GS_CLEANUP(gs_linux_close) struct gs_linux *l = NULL;
	gs_autofree char *banner = NULL;

	assert_ok(gs_linux_open(&f->k.mem, &l));
	if (!expected) {
		assert_error(gs_linux_banner(l, &banner), GS_ERROR_NODATA,
			     "\"Linux version 6.1.0-fake ...\" is neither in the kernel's log nor "
			     "in its text");
		return;
	}
	assert_ok(gs_linux_banner(l, &banner));
	assert_string_equal(banner, expected);
}

static void test_banner(void **state)
{
	static const char text[] = "Linux version 6.1.0-fake (me) (cc) #1 SMP";
	struct fake_log f;

	(void)state;
	fl_init_ring(&f, 8, false, 5, 12);
	say(&f, 8 | 5, "Linux version 6.1.0-fake (not me)");
	say(&f, 5, "Linux version 6.1.1 (another)");
	assert_banner(&f, NULL);
	strcpy((char *)f.k.ram + FK_TEXT + 0xff001, "Linux version 6.1.0-fake (me, in text) #1\n");
	assert_banner(&f, "Linux version 6.1.0-fake (me, in text) #1");
	/* Across the border of what is read at once, and up to the end of what is mapped. */
	memset(f.k.ram + FK_TEXT + 0xff001, 0, 100);
	strcpy((char *)f.k.ram + FK_TEXT + 0x100000 - 10,
	       "Linux version 6.1.0-fake (me, there) #1\n");
	assert_banner(&f, "Linux version 6.1.0-fake (me, there) #1");
	memset(f.k.ram + FK_TEXT + 0x100000 - 10, 0, 100);
	/* What is cut, tells of no build, or ends where nothing is mapped any more, is not it. */
	memcpy(f.k.ram + FK_TEXT + 0x1000, "Linux version 6.1.0-fake (cut\0) #1\n", 36);
	strcpy((char *)f.k.ram + FK_TEXT + 0x2000, "Linux version 6.1.0-fake (linker's) #\n");
	memcpy(f.k.ram + FK_TEXT + 0x200000 - 33, "Linux version 6.1.0-fake (end) #1\n", 34);
	assert_banner(&f, NULL);
	memcpy(f.k.ram + FK_TEXT + 0x200000 - 34, "Linux version 6.1.0-fake (end) #1\n", 34);
	assert_banner(&f, "Linux version 6.1.0-fake (end) #1");
	say(&f, 5, text);
	assert_banner(&f, text);
	fl_deinit(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_ring),
		cmocka_unit_test(test_ring_wrapped),
		cmocka_unit_test(test_ring_large),
		cmocka_unit_test(test_ring_empty),
		cmocka_unit_test(test_ring_exact_fit),
		cmocka_unit_test(test_ring_states),
		cmocka_unit_test(test_ring_damaged),
		cmocka_unit_test(test_ring_text_again),
		cmocka_unit_test(test_ring_unreadable),
		cmocka_unit_test(test_ring_garbage),
		cmocka_unit_test(test_ring_failing_reads),
		cmocka_unit_test(test_ring_unknown),
		cmocka_unit_test(test_ring_bits),
		cmocka_unit_test(test_stopped),
		cmocka_unit_test(test_nowhere),
		cmocka_unit_test(test_records),
		cmocka_unit_test(test_records_damaged),
		cmocka_unit_test(test_records_lies),
		cmocka_unit_test(test_lines),
		cmocka_unit_test(test_lines_wrapped),
		cmocka_unit_test(test_boot_time),
		cmocka_unit_test(test_banner),
	};

	return cmocka_run_group_tests_name("log", tests, NULL, NULL);
}
