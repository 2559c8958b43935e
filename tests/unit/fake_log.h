/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A fake kernel's log, written as kernels of three generations write it, for machines of either
 * word size and byte order. (The page tables stay x86_64's, whatever the rest of the machine is.)
 *
 *	0x500000  variables    0x501000  printk_ringbuffer    0x510000  descs, or log_buf
 *	0x580000  infos        0x600000  text
 */
#ifndef TESTS_UNIT_FAKE_LOG_H
#define TESTS_UNIT_FAKE_LOG_H

#include "fake_kernel.h"

#define FL_VARIABLES 0x500000
#define FL_RINGBUFFER 0x501000
#define FL_DESCS 0x510000
#define FL_LOG_BUF FL_DESCS
#define FL_INFOS 0x580000
#define FL_TEXT 0x600000

#define FL_COMMITTED 1
#define FL_FINALIZED 2
#define FL_REUSABLE 3

struct fake_log {
	struct fake_kernel k;
	bool big_endian;
	unsigned int word; /* bytes */
	uint64_t word_mask, id_mask;
	uint64_t sequence; /* of the next record */
	uint64_t time_ns;
	/* the ring */
	unsigned int count_bits, size_bits;
	bool exact_fit_stays; /* newer kernels: a block may end where the ring ends */
	gs_gpa_t text;
	uint64_t head_id, tail_id, head_lpos, tail_lpos;
	/* the records; the lines */
	uint64_t buf_size, header_size;
	uint64_t first_idx, next_idx; /* of the lines: next_idx is log_end */
};

static inline void fl_put(struct fake_log *f, gs_gpa_t gpa, uint64_t value, unsigned int width)
{
	assert_true(gpa <= FK_RAM_BYTES - width);
	gs_put_uint(f->k.ram + gpa, value, width, f->big_endian);
}

static inline uint64_t fl_get(const struct fake_log *f, gs_gpa_t gpa, unsigned int width)
{
	return gs_get_uint(f->k.ram + gpa, width, f->big_endian);
}

static inline void fl_init(struct fake_log *f, unsigned int word, bool big_endian)
{
	memset(f, 0, sizeof(*f));
	fk_init(&f->k, 4);
	f->k.mem.attrs.is_64bit = word == 8;
	f->k.mem.attrs.big_endian = big_endian;
	f->word = word;
	f->big_endian = big_endian;
	f->word_mask = word == 8 ? UINT64_MAX : UINT32_MAX;
	f->id_mask = f->word_mask >> 2;
	f->text = FL_TEXT;
}

static inline void fl_deinit(struct fake_log *f)
{
	fk_deinit(&f->k);
}

/* Pointers of 4 bytes: the fake maps the start of its memory at 0, too. */
static inline uint64_t fl_pointer(struct fake_log *f, gs_gpa_t gpa)
{
	if (f->word == 4) {
		fk_map(&f->k, 0, 0, 3);
		return gpa;
	}
	return f->k.direct + gpa;
}

static inline void fl_symbol(struct fake_log *f, const char *name, unsigned int slot)
{
	fk_say(&f->k, "SYMBOL(%s)=%llx", name,
	       (unsigned long long)(f->k.direct + FL_VARIABLES + slot * 8));
}

static inline void fl_variable(struct fake_log *f, unsigned int slot, uint64_t value,
			       unsigned int width)
{
	fl_put(f, FL_VARIABLES + slot * 8, value, width);
}

/* ---- 5.10 and later ---- */

/* Where the fields are: as compilers put them, but for a few bytes of what is yet to be invented.
 */
static inline void fl_describe_ring(struct fake_log *f)
{
	unsigned int w = f->word;

	fl_symbol(f, "prb", 0);
	fk_say(&f->k, "SIZE(printk_ringbuffer)=%u", 8 + 6 * w + 4 * w + w);
	fk_say(&f->k, "OFFSET(printk_ringbuffer.desc_ring)=8");
	fk_say(&f->k, "OFFSET(printk_ringbuffer.text_data_ring)=%u", 8 + 6 * w);
	fk_say(&f->k, "SIZE(prb_desc_ring)=%u", 6 * w);
	fk_say(&f->k, "OFFSET(prb_desc_ring.count_bits)=0");
	fk_say(&f->k, "OFFSET(prb_desc_ring.descs)=%u", w);
	fk_say(&f->k, "OFFSET(prb_desc_ring.infos)=%u", 2 * w);
	fk_say(&f->k, "OFFSET(prb_desc_ring.head_id)=%u", 3 * w);
	fk_say(&f->k, "OFFSET(prb_desc_ring.tail_id)=%u", 4 * w);
	fk_say(&f->k, "SIZE(prb_desc)=%u", 3 * w);
	fk_say(&f->k, "OFFSET(prb_desc.state_var)=0");
	fk_say(&f->k, "OFFSET(prb_desc.text_blk_lpos)=%u", w);
	fk_say(&f->k, "SIZE(prb_data_blk_lpos)=%u", 2 * w);
	fk_say(&f->k, "OFFSET(prb_data_blk_lpos.begin)=0");
	fk_say(&f->k, "OFFSET(prb_data_blk_lpos.next)=%u", w);
	fk_say(&f->k, "SIZE(printk_info)=40");
	fk_say(&f->k, "OFFSET(printk_info.seq)=8");
	fk_say(&f->k, "OFFSET(printk_info.ts_nsec)=16");
	fk_say(&f->k, "OFFSET(printk_info.text_len)=24");
	fk_say(&f->k, "OFFSET(printk_info.caller_id)=28");
	fk_say(&f->k, "SIZE(prb_data_ring)=%u", 4 * w);
	fk_say(&f->k, "OFFSET(prb_data_ring.size_bits)=0");
	fk_say(&f->k, "OFFSET(prb_data_ring.data)=%u", w);
	fk_say(&f->k, "SIZE(atomic_long_t)=%u", w);
	fk_say(&f->k, "OFFSET(atomic_long_t.counter)=0");
}

static inline gs_gpa_t fl_desc(const struct fake_log *f, uint64_t id)
{
	return FL_DESCS + (id & ((UINT64_C(1) << f->count_bits) - 1)) * 3 * f->word;
}

static inline gs_gpa_t fl_info(const struct fake_log *f, uint64_t id)
{
	return FL_INFOS + (id & ((UINT64_C(1) << f->count_bits) - 1)) * 40;
}

static inline void fl_set_state(struct fake_log *f, uint64_t id, uint64_t state)
{
	fl_put(f, fl_desc(f, id), (state * (f->id_mask + 1)) | id, f->word);
}

static inline void fl_set_ends(struct fake_log *f)
{
	fl_put(f, FL_RINGBUFFER + 8 + 3 * f->word, f->head_id, f->word);
	fl_put(f, FL_RINGBUFFER + 8 + 4 * f->word, f->tail_id, f->word);
}

/* An empty ring, whose ids and positions are about to wrap, as in a kernel that just booted. */
static inline void fl_init_ring(struct fake_log *f, unsigned int word, bool big_endian,
				unsigned int count_bits, unsigned int size_bits)
{
	gs_gpa_t descs = FL_RINGBUFFER + 8, text = descs + 6 * word;

	fl_init(f, word, big_endian);
	f->count_bits = count_bits;
	f->size_bits = size_bits;
	fl_describe_ring(f);
	f->head_id = f->tail_id = -((UINT64_C(1) << count_bits) + 1) & f->id_mask;
	f->head_lpos = f->tail_lpos = -(UINT64_C(1) << size_bits) & f->word_mask;
	fl_variable(f, 0, fl_pointer(f, FL_RINGBUFFER), word);
	fl_put(f, descs, count_bits, 4);
	fl_put(f, descs + word, fl_pointer(f, FL_DESCS), word);
	fl_put(f, descs + 2 * word, fl_pointer(f, FL_INFOS), word);
	fl_put(f, text, size_bits, 4);
	fl_put(f, text + word, fl_pointer(f, f->text), word);
	fl_set_state(f, f->head_id, FL_REUSABLE);
	fl_set_ends(f);
}

/* The oldest record makes room. */
static inline void fl_drop_tail(struct fake_log *f)
{
	gs_gpa_t desc = fl_desc(f, f->tail_id);

	assert_true(f->tail_id != f->head_id);
	if (fl_get(f, desc, f->word) >> (8 * f->word - 2) != FL_REUSABLE)
		f->tail_lpos = fl_get(f, desc + 2 * f->word, f->word);
	fl_set_state(f, f->tail_id, FL_REUSABLE);
	f->tail_id = (f->tail_id + 1) & f->id_mask;
}

/* Where a block of @size bytes ends that begins at the head; it may have to skip to the start. */
static inline uint64_t fl_block_end(const struct fake_log *f, uint64_t size)
{
	uint64_t ring = UINT64_C(1) << f->size_bits, used = f->head_lpos & (ring - 1);
	uint64_t start = (f->head_lpos - used) & f->word_mask; /* of this turn */

	if (used + size < ring || (used + size == ring && f->exact_fit_stays))
		return (f->head_lpos + size) & f->word_mask;
	return (start + ring + size) & f->word_mask;
}

static inline void fl_put_block(struct fake_log *f, uint64_t next, const char *text, size_t size)
{
	uint64_t ring = UINT64_C(1) << f->size_bits, at = f->head_lpos & (ring - 1);

	if (next & (ring - 1) && (next & (ring - 1)) < at)
		at = 0;
	else if (!(next & (ring - 1)) && !f->exact_fit_stays)
		at = 0;
	fl_put(f, f->text + at, f->head_id, f->word);
	memcpy(f->k.ram + f->text + at + f->word, text, size);
}

/* A record, finalized; the caller's id is that of a thread. */
static inline void fl_print(struct fake_log *f, unsigned int priority, uint32_t caller,
			    const char *text, size_t size)
{
	uint64_t ring = UINT64_C(1) << f->size_bits, count = UINT64_C(1) << f->count_bits, next;
	uint64_t block = (f->word + size + f->word - 1) / f->word * f->word;
	gs_gpa_t desc, info;

	f->head_id = (f->head_id + 1) & f->id_mask;
	while (((f->head_id - f->tail_id) & f->id_mask) >= count)
		fl_drop_tail(f);
	next = fl_block_end(f, block);
	while (((next - f->tail_lpos) & f->word_mask) > ring)
		fl_drop_tail(f);
	desc = fl_desc(f, f->head_id);
	info = fl_info(f, f->head_id);
	fl_put_block(f, next, text, size);
	fl_set_state(f, f->head_id, FL_FINALIZED);
	fl_put(f, desc + f->word, f->head_lpos, f->word);
	fl_put(f, desc + 2 * f->word, next, f->word);
	fl_put(f, info + 8, f->sequence++, 8);
	fl_put(f, info + 16, f->time_ns, 8);
	fl_put(f, info + 24, size, 2);
	f->k.ram[info + 26] = (uint8_t)(priority >> 3);
	f->k.ram[info + 27] =
		(uint8_t)(f->big_endian ? 0xf8 | (priority & 7) : (priority & 7) << 5 | 0x1f);
	fl_put(f, info + 28, caller, 4);
	f->head_lpos = next;
	fl_set_ends(f);
}

/* Records in the ring: the descriptor at its tail may be one that never was used. */
static inline uint64_t fl_count(const struct fake_log *f)
{
	uint64_t tail = fl_get(f, fl_desc(f, f->tail_id), f->word) >> (8 * f->word - 2);

	return ((f->head_id - f->tail_id) & f->id_mask) + (tail == FL_FINALIZED);
}

/* ---- 3.5 to 5.9 ---- */

static inline void fl_set_indexes(struct fake_log *f)
{
	fl_variable(f, 2, f->first_idx, 4);
	fl_variable(f, 3, f->next_idx, 4);
}

static inline void fl_init_records(struct fake_log *f, unsigned int word, bool big_endian,
				   const char *type, unsigned int header_size, uint64_t buf_size)
{
	fl_init(f, word, big_endian);
	f->buf_size = buf_size;
	f->header_size = header_size;
	fl_symbol(f, "log_buf", 0);
	fl_symbol(f, "log_buf_len", 1);
	fl_symbol(f, "log_first_idx", 2);
	fl_symbol(f, "log_next_idx", 3);
	fk_say(&f->k, "SIZE(%s)=%u", type, header_size);
	fk_say(&f->k, "OFFSET(%s.ts_nsec)=0", type);
	fk_say(&f->k, "OFFSET(%s.len)=8", type);
	fk_say(&f->k, "OFFSET(%s.text_len)=10", type);
	fk_say(&f->k, "OFFSET(%s.dict_len)=12", type);
	fl_variable(f, 0, fl_pointer(f, FL_LOG_BUF), word);
	fl_variable(f, 1, buf_size, 4);
	fl_set_indexes(f);
}

static inline void fl_drop_first(struct fake_log *f)
{
	uint64_t len = fl_get(f, FL_LOG_BUF + f->first_idx + 8, 2);

	f->first_idx = len ? f->first_idx + len : fl_get(f, FL_LOG_BUF + 8, 2);
}

/* There must be room for one more header behind: for the mark that the next one is at the start. */
static inline bool fl_fits(const struct fake_log *f, uint64_t size)
{
	uint64_t need = size + f->header_size;

	if (f->first_idx > f->next_idx)
		return f->first_idx - f->next_idx >= need;
	return f->buf_size - f->next_idx >= need || f->first_idx >= need;
}

static inline void fl_print_record(struct fake_log *f, unsigned int priority, uint32_t caller,
				   const char *text, size_t size)
{
	uint64_t len = (f->header_size + size + 3 + f->word - 1) / f->word * f->word;
	gs_gpa_t at;

	while (f->next_idx != f->first_idx && !fl_fits(f, len))
		fl_drop_first(f);
	if (f->first_idx <= f->next_idx && f->buf_size - f->next_idx < len + f->header_size) {
		memset(f->k.ram + FL_LOG_BUF + f->next_idx, 0, f->header_size);
		f->next_idx = 0;
	}
	at = FL_LOG_BUF + f->next_idx;
	fl_put(f, at, f->time_ns, 8);
	fl_put(f, at + 8, len, 2);
	fl_put(f, at + 10, size, 2);
	fl_put(f, at + 12, 3, 2);
	f->k.ram[at + 14] = (uint8_t)(priority >> 3);
	f->k.ram[at + 15] =
		(uint8_t)(f->big_endian ? 0xf8 | (priority & 7) : (priority & 7) << 5 | 0x1f);
	if (f->header_size >= 20)
		fl_put(f, at + 16, caller, 4);
	memcpy(f->k.ram + at + f->header_size, text, size);
	memcpy(f->k.ram + at + f->header_size + size, "D=1", 3); /* the dictionary */
	f->next_idx += len;
	f->sequence++;
	fl_set_indexes(f);
}

/* ---- before 3.5 ---- */

static inline void fl_init_lines(struct fake_log *f, uint64_t buf_size)
{
	fl_init(f, 8, false);
	f->buf_size = buf_size;
	fl_symbol(f, "log_buf", 0);
	fl_symbol(f, "log_buf_len", 1);
	fl_symbol(f, "log_end", 2);
	fl_variable(f, 0, fl_pointer(f, FL_LOG_BUF), 8);
	fl_variable(f, 1, buf_size, 4);
}

static inline void fl_print_line(struct fake_log *f, const char *line)
{
	for (; *line; line++)
		f->k.ram[FL_LOG_BUF + (f->next_idx++ & (f->buf_size - 1))] = (uint8_t)*line;
	fl_variable(f, 2, f->next_idx, 4);
}

#endif
