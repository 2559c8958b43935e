/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * printk's lockless ring (kernel/printk/printk_ringbuffer.h), Linux 5.10 and later.
 *
 *	prb ──> printk_ringbuffer ┬ desc_ring: tail_id ... head_id, and two arrays of 2^count_bits
 *	                          │   descs[id mod n]  state and id; where the text is
 *	                          │   infos[id mod n]  number, time, length, level, caller
 *	                          └ text_data_ring: 2^size_bits bytes of text blocks
 *
 * A descriptor's state is in the top two bits of a word, its id in the others. Positions of text
 * are logical ones: they grow for ever, and their low bits are the offset. A block is the id of its
 * descriptor, a word, and then the text; one that would cross the end of the ring is at the start
 * instead. Who was overwritten is known by an id that differs.
 */
#include "log.h"

#include <inttypes.h>

#include <guestscope/base/bytes.h>

#define STRUCT_MAX_BYTES 4096 /* any of these structs; the largest has 88 */
#define COUNT_BITS_MAX 24     /* descriptors: one for 32 bytes of text */
#define TEXT_BITS_MAX 28
_Static_assert(UINT64_C(1) << TEXT_BITS_MAX == LOG_MAX_BYTES, "one limit, two ways to say it");
#define DATALESS UINT64_C(1) /* in both positions of a record without text block */
#define NO_TEXT UINT64_C(3)  /* the same, of an empty line: any other had no room */
#define LEVEL_OFF 2          /* behind text_len: facility, then flags and level */

enum state { RESERVED, COMMITTED, FINALIZED, REUSABLE };

enum layout_struct {
	NO_STRUCT,
	RINGBUFFER,
	DESC_RING,
	DATA_RING,
	DESC,
	LPOS,
	INFO,
	ATOMIC,
	STRUCTS
};

static const char *const struct_names[STRUCTS] = {
	[RINGBUFFER] = "printk_ringbuffer", [DESC_RING] = "prb_desc_ring",
	[DATA_RING] = "prb_data_ring",      [DESC] = "prb_desc",
	[LPOS] = "prb_data_blk_lpos",       [INFO] = "printk_info",
	[ATOMIC] = "atomic_long_t",
};

enum layout_field {
	RB_DESCS,
	RB_TEXT,
	DESCS_COUNT_BITS,
	DESCS_DESCS,
	DESCS_INFOS,
	DESCS_HEAD,
	DESCS_TAIL,
	TEXT_SIZE_BITS,
	TEXT_DATA,
	DESC_STATE,
	DESC_LPOS,
	LPOS_BEGIN,
	LPOS_NEXT,
	INFO_SEQ,
	INFO_TIME,
	INFO_TEXT_LEN,
	INFO_CALLER,
	ATOMIC_COUNTER,
	FIELDS
};

/* What a field holds: so many bytes, or a struct, or a word of the machine. */
#define WORD .width = 0
static const struct {
	enum layout_struct in;
	const char *name;
	enum layout_struct holds;
	unsigned int width;
} fields[FIELDS] = {
	[RB_DESCS] = {RINGBUFFER, "printk_ringbuffer.desc_ring", .holds = DESC_RING},
	[RB_TEXT] = {RINGBUFFER, "printk_ringbuffer.text_data_ring", .holds = DATA_RING},
	[DESCS_COUNT_BITS] = {DESC_RING, "prb_desc_ring.count_bits", .width = 4},
	[DESCS_DESCS] = {DESC_RING, "prb_desc_ring.descs", WORD},
	[DESCS_INFOS] = {DESC_RING, "prb_desc_ring.infos", WORD},
	[DESCS_HEAD] = {DESC_RING, "prb_desc_ring.head_id", .holds = ATOMIC},
	[DESCS_TAIL] = {DESC_RING, "prb_desc_ring.tail_id", .holds = ATOMIC},
	[TEXT_SIZE_BITS] = {DATA_RING, "prb_data_ring.size_bits", .width = 4},
	[TEXT_DATA] = {DATA_RING, "prb_data_ring.data", WORD},
	[DESC_STATE] = {DESC, "prb_desc.state_var", .holds = ATOMIC},
	[DESC_LPOS] = {DESC, "prb_desc.text_blk_lpos", .holds = LPOS},
	[LPOS_BEGIN] = {LPOS, "prb_data_blk_lpos.begin", WORD},
	[LPOS_NEXT] = {LPOS, "prb_data_blk_lpos.next", WORD},
	[INFO_SEQ] = {INFO, "printk_info.seq", .width = 8},
	[INFO_TIME] = {INFO, "printk_info.ts_nsec", .width = 8},
	/* With the facility and the level behind it, which VMCOREINFO does not name. */
	[INFO_TEXT_LEN] = {INFO, "printk_info.text_len", .width = 2 + LEVEL_OFF},
	[INFO_CALLER] = {INFO, "printk_info.caller_id", .width = 4},
	[ATOMIC_COUNTER] = {ATOMIC, "atomic_long_t.counter", WORD},
};

struct ring {
	struct log_walk *walk;
	uint64_t size[STRUCTS]; /* of the structs, as VMCOREINFO says */
	uint64_t off[FIELDS];
	uint64_t word_mask, id_mask;
	uint64_t count; /* of descriptors, a power of two */
	uint64_t head, tail;
	struct log_window *descs, *infos, *text;
	uint64_t
		text_left; /* what the records to come can have at most, as blocks do not overlap */
};

/* A record while it is put together. */
struct entry {
	uint64_t id;
	uint64_t begin, next; /* logical positions of its block */
	uint64_t text_len;
	struct gs_log_record record;
};

/* Every field lies inside its struct: from here on none needs to be checked. */
static struct gs_error *read_layout(struct ring *r)
{
	struct gs_error *err = NULL;

	for (unsigned int i = RINGBUFFER; i < STRUCTS && !err; i++) {
		err = gs_log_layout(r->walk, "SIZE", struct_names[i], &r->size[i]);
		if (!err && r->size[i] > STRUCT_MAX_BYTES)
			err = gs_error_create(GS_ERROR_CORRUPT, "vmcoreinfo: SIZE(%s) is %" PRIu64,
					      struct_names[i], r->size[i]);
	}
	for (unsigned int i = 0; i < FIELDS && !err; i++) {
		uint64_t room = r->size[fields[i].in], width = fields[i].width;

		if (!width)
			width = fields[i].holds ? r->size[fields[i].holds] : r->walk->word;
		err = gs_log_layout(r->walk, "OFFSET", fields[i].name, &r->off[i]);
		if (!err && (width > room || r->off[i] > room - width))
			err = gs_error_create(GS_ERROR_CORRUPT,
					      "vmcoreinfo: OFFSET(%s) is %" PRIu64
					      " in a struct of %" PRIu64 " bytes",
					      fields[i].name, r->off[i], room);
	}
	return err;
}

static uint64_t get(const struct ring *r, const uint8_t *from, enum layout_field field)
{
	unsigned int width = fields[field].width;

	from += r->off[field];
	if (fields[field].holds == ATOMIC)
		from += r->off[ATOMIC_COUNTER];
	return gs_get_uint(from, width ? width : r->walk->word, r->walk->big_endian);
}

static struct gs_error *check_bits(const char *what, uint64_t bits, unsigned int max)
{
	if (bits >= 1 && bits <= max)
		return NULL;
	return gs_error_create(GS_ERROR_CORRUPT, "%s is %" PRIu64 ", not in 1 to %u", what, bits,
			       max);
}

static struct gs_error *open_ring(struct ring *r)
{
	uint8_t rb[STRUCT_MAX_BYTES];
	const uint8_t *descs = rb + r->off[RB_DESCS], *text = rb + r->off[RB_TEXT];
	uint64_t vaddr, count_bits, size_bits;
	struct gs_error *err = gs_log_read_symbol(r->walk, "prb", 0, &vaddr);

	if (!err)
		err = gs_linux_read(r->walk->l, vaddr, rb, r->size[RINGBUFFER]);
	if (err)
		return err;
	count_bits = get(r, descs, DESCS_COUNT_BITS);
	size_bits = get(r, text, TEXT_SIZE_BITS);
	err = check_bits("count_bits", count_bits, COUNT_BITS_MAX);
	if (!err)
		err = check_bits("size_bits", size_bits, TEXT_BITS_MAX);
	if (err)
		return err;
	r->count = UINT64_C(1) << count_bits;
	r->head = get(r, descs, DESCS_HEAD) & r->id_mask;
	r->tail = get(r, descs, DESCS_TAIL) & r->id_mask;
	r->descs->vaddr = get(r, descs, DESCS_DESCS);
	r->descs->size = r->count * r->size[DESC];
	r->infos->vaddr = get(r, descs, DESCS_INFOS);
	r->infos->size = r->count * r->size[INFO];
	r->text->vaddr = get(r, text, TEXT_DATA);
	r->text->size = UINT64_C(1) << size_bits;
	r->text_left = r->text->size;
	return NULL;
}

static struct gs_error *lost(const char *why)
{
	return gs_error_create(GS_ERROR_CORRUPT, "%s", why);
}

/* *valid_ret: false for a descriptor that nobody has written yet, or is writing just now. */
static struct gs_error *read_desc(struct ring *r, struct entry *e, bool *valid_ret)
{
	uint8_t desc[STRUCT_MAX_BYTES];
	const uint8_t *lpos = desc + r->off[DESC_LPOS];
	uint64_t state_var, at = (e->id & (r->count - 1)) * r->size[DESC];
	struct gs_error *err =
		gs_log_window_read(r->walk, r->descs, at, desc, (size_t)r->size[DESC]);
	enum state state;

	if (err)
		return err;
	state_var = get(r, desc, DESC_STATE);
	if ((state_var & r->id_mask) != e->id)
		return lost("descriptor of another record");
	state = (enum state)((state_var & ~r->id_mask & r->word_mask) / (r->id_mask + 1));
	*valid_ret = state == COMMITTED || state == FINALIZED;
	e->begin = get(r, lpos, LPOS_BEGIN);
	e->next = get(r, lpos, LPOS_NEXT);
	return NULL;
}

static struct gs_error *read_info(struct ring *r, struct entry *e)
{
	uint8_t info[STRUCT_MAX_BYTES];
	const uint8_t *text_len = info + r->off[INFO_TEXT_LEN];
	uint64_t at = (e->id & (r->count - 1)) * r->size[INFO];
	struct gs_error *err =
		gs_log_window_read(r->walk, r->infos, at, info, (size_t)r->size[INFO]);

	if (err)
		return err;
	e->text_len = gs_get_u16(text_len, r->walk->big_endian);
	e->record = (struct gs_log_record){
		.sequence = get(r, info, INFO_SEQ),
		.has_timestamp = true,
		.timestamp_ns = get(r, info, INFO_TIME),
		.has_caller = true,
		.caller = (uint32_t)get(r, info, INFO_CALLER),
	};
	gs_log_set_level(r->walk, text_len + LEVEL_OFF, &e->record);
	return NULL;
}

/*
 * Where the block lies. One that ends exactly at the end of the ring is there on newer kernels;
 * older ones put it at the start.
 */
static bool find_block(const struct ring *r, const struct entry *e, uint64_t *off_ret,
		       uint64_t *size_ret)
{
	uint64_t ring = r->text->size, wrap_mask = r->word_mask & ~(ring - 1);
	uint64_t begin = e->begin & (ring - 1), next = e->next & (ring - 1);

	*off_ret = begin;
	if ((e->begin & wrap_mask) == (e->next & wrap_mask)) {
		*size_ret = next - begin;
		return begin < next;
	}
	if (((e->begin + ring) & wrap_mask) != (e->next & wrap_mask))
		return false;
	*size_ret = next ? next : ring - begin;
	if (next)
		*off_ret = 0;
	return true;
}

static struct gs_error *read_text(struct ring *r, struct entry *e)
{
	unsigned int word = r->walk->word;
	uint8_t *block = r->walk->record;
	struct gs_error *err;
	uint64_t off, size;

	if (e->begin & e->next & DATALESS) {
		e->record.text = "";
		return e->begin == NO_TEXT && e->next == NO_TEXT ? NULL : lost("no room for text");
	}
	if (!find_block(r, e, &off, &size))
		return lost("text ends before it begins");
	if (size < word || e->text_len > size - word)
		return lost("text longer than its block");
	if (e->text_len > r->text_left)
		return lost("text of other records");
	err = gs_log_window_read(r->walk, r->text, off, block, word + (size_t)e->text_len);
	if (err)
		return err;
	if ((gs_get_uint(block, word, r->walk->big_endian) & r->id_mask) != e->id)
		return lost("text of another record");
	e->record.text = (const char *)block + word;
	e->record.text_size = (size_t)e->text_len;
	r->text_left -= e->text_len;
	return NULL;
}

/* A record that is damaged, or overwritten while we look, is passed over. */
static struct gs_error *walk_record(struct ring *r, uint64_t id)
{
	struct entry e = {.id = id};
	bool valid = true;
	struct gs_error *err = read_desc(r, &e, &valid);

	if (!err && !valid)
		return NULL;
	if (!err)
		err = read_info(r, &e);
	if (!err)
		err = read_text(r, &e);
	if (!err)
		return gs_log_tell(r->walk, &e.record);
	if (!gs_error_is_answer(err))
		return err;
	gs_error_destroy(err);
	return gs_log_lose(r->walk);
}

struct gs_error *gs_log_walk_ring(struct log_walk *walk)
{
	struct ring r = {
		.walk = walk,
		.word_mask = walk->word == 8 ? UINT64_MAX : UINT32_MAX,
		.id_mask = (walk->word == 8 ? UINT64_MAX : UINT32_MAX) >> 2,
		.descs = &walk->windows[0],
		.infos = &walk->windows[1],
		.text = &walk->windows[2],
	};
	struct gs_error *err = read_layout(&r);
	uint64_t before; /* records in front of the last one */

	if (!err)
		err = open_ring(&r);
	if (err)
		return err;
	before = (r.head - r.tail) & r.id_mask;
	if (before >= r.count)
		before = r.count - 1;
	for (uint64_t i = 0; i <= before && !err; i++)
		err = walk_record(&r, (r.head - before + i) & r.id_mask);
	return err;
}
