/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Layout of an ELF file to be written. */
#include <elf.h>
#include <stdlib.h>

#include "elf_layout.h"
#include "elf_plan.h"
#include "writer.h"

#define ALIGNMENT UINT64_C(4096)
#define ELF32_END (UINT64_C(1) << 32)

static struct gs_error *append_piece(struct elf_plan *plan, const struct elf_piece *piece)
{
	if (plan->piece_count == plan->piece_capacity) {
		size_t capacity = plan->piece_capacity ? 2 * plan->piece_capacity : 64;
		struct elf_piece *pieces;

		if (plan->piece_count >= GS_RANGES_MAX)
			return gs_error_create(
				GS_ERROR_UNSUPPORTED,
				"more than %u separate stretches of memory: too many "
				"for ELF, write a kdump file",
				GS_RANGES_MAX);
		pieces = reallocarray(plan->pieces, capacity, sizeof(*pieces));
		if (!pieces)
			return gs_error_nomem();
		plan->pieces = pieces;
		plan->piece_capacity = capacity;
	}
	plan->pieces[plan->piece_count++] = *piece;
	return NULL;
}

/* The part of [gpa, end) at @gpa that has one p_vaddr rule; memory without one gets its address. */
static struct elf_piece cut_by_segments(const struct gs_layout *layout, gs_gpa_t gpa, gs_gpa_t end)
{
	struct elf_piece piece = {.gpa = gpa, .vaddr = gpa};

	for (size_t i = 0; i < layout->segment_count; i++) {
		const struct gs_segment *s = &layout->segments[i];

		if (s->gpa > gpa) {
			end = s->gpa < end ? s->gpa : end;
		} else if (gpa - s->gpa < s->size) {
			piece.vaddr = s->vaddr + (gpa - s->gpa);
			if (s->size - (gpa - s->gpa) < end - gpa)
				end = s->gpa + s->size;
		}
	}
	piece.size = end - gpa;
	return piece;
}

static struct gs_error *add_stretch(struct elf_plan *plan, const struct gs_layout *layout,
				    gs_gpa_t gpa, gs_gpa_t end)
{
	struct gs_error *err = NULL;

	while (gpa < end && !err) {
		struct elf_piece piece = cut_by_segments(layout, gpa, end);

		err = append_piece(plan, &piece);
		gpa += piece.size;
	}
	return err;
}

/* The kept stretches of a range; the selection's runs may touch. */
static struct gs_error *add_range(struct elf_plan *plan, const struct gs_layout *layout,
				  const struct gs_range *range)
{
	uint32_t page_size = gs_selection_page_size(layout->selection);
	gs_gpa_t range_end = range->start + range->size;
	gs_gpa_t start = range->start, end = start; /* the stretch so far */
	gs_pfn_t pfn = range->start / page_size, end_pfn = (range_end - 1) / page_size + 1;
	struct gs_error *err = NULL;

	while (!err) {
		uint64_t count;

		gs_selection_next(layout->selection, pfn, end_pfn, &pfn, &count);
		if (!count)
			break;
		if (pfn * page_size > end) {
			err = add_stretch(plan, layout, start, end);
			start = pfn * page_size;
		}
		pfn += count;
		end = pfn * page_size < range_end ? pfn * page_size : range_end;
	}
	return err ? err : add_stretch(plan, layout, start, end);
}

static struct gs_error *add_ranges(struct elf_plan *plan, const struct gs_layout *layout)
{
	size_t count;
	const struct gs_range *ranges = gs_selection_ranges(layout->selection, &count);
	struct gs_error *err = NULL;

	for (size_t i = 0; i < count && !err; i++)
		err = add_range(plan, layout, &ranges[i]);
	return err;
}

size_t gs_elf_plan_find(const struct elf_plan *plan, gs_gpa_t gpa)
{
	size_t low = 0, high = plan->piece_count;

	while (low < high) {
		size_t mid = low + (high - low) / 2;
		const struct elf_piece *p = &plan->pieces[mid];

		if (gpa >= p->gpa && gpa - p->gpa >= p->size)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

/* Offsets keep the address' place within a page. Returns the end. */
static uint64_t place_pieces(struct elf_plan *plan, uint64_t off)
{
	off = (off + ALIGNMENT - 1) & ~(ALIGNMENT - 1);
	for (size_t i = 0; i < plan->piece_count; i++) {
		struct elf_piece *p = &plan->pieces[i];

		off += (p->gpa - off) & (ALIGNMENT - 1);
		p->off = off;
		off += p->size;
	}
	return off;
}

/*
 * The stretches of the text that are kept: pages may have been left out in its midst. Pieces that
 * touch in memory touch in the file.
 */
static struct gs_error *find_texts(struct elf_plan *plan, const struct gs_segment *text)
{
	gs_gpa_t text_end =
		text->size < UINT64_MAX - text->gpa ? text->gpa + text->size : UINT64_MAX;
	size_t first = gs_elf_plan_find(plan, text->gpa), end = first;

	if (!text->size)
		return NULL;
	while (end < plan->piece_count && plan->pieces[end].gpa < text_end)
		end++;
	plan->texts = calloc(end - first + 1, sizeof(*plan->texts));
	if (!plan->texts)
		return gs_error_nomem();
	for (size_t i = first; i < end; i++) {
		const struct elf_piece *p = &plan->pieces[i];
		gs_gpa_t start = p->gpa > text->gpa ? p->gpa : text->gpa;
		gs_gpa_t stop = p->gpa + p->size < text_end ? p->gpa + p->size : text_end;
		struct elf_piece *last =
			plan->text_count ? &plan->texts[plan->text_count - 1] : NULL;

		if (last && last->gpa + last->size == start)
			last->size += stop - start;
		else
			plan->texts[plan->text_count++] = (struct elf_piece){
				start, stop - start, text->vaddr + (start - text->gpa), 0};
	}
	return NULL;
}

static void place_texts(struct elf_plan *plan)
{
	for (size_t i = 0; i < plan->text_count; i++) {
		struct elf_piece *text = &plan->texts[i];
		const struct elf_piece *p = &plan->pieces[gs_elf_plan_find(plan, text->gpa)];

		text->off = p->off + (text->gpa - p->gpa);
	}
}

static bool needs_64bit(const struct gs_layout *layout, const struct elf_plan *plan)
{
	const struct elf_piece *last;
	uint64_t bytes = 0;

	if (layout->attrs->is_64bit || !plan->piece_count)
		return layout->attrs->is_64bit;
	for (size_t i = 0; i < plan->piece_count; i++)
		bytes += plan->pieces[i].size + ALIGNMENT;
	/* Room for the headers: a 32-bit file ends well below its limit or is none. */
	bytes += plan->notes_size + (plan->piece_count + 2) * gs_elf_phdr_bytes(false) + ALIGNMENT;
	last = &plan->pieces[plan->piece_count - 1];
	return last->gpa + last->size > ELF32_END || bytes >= ELF32_END;
}

static void place_all(struct elf_plan *plan, const struct gs_layout *layout)
{
	uint64_t off;

	plan->is_64bit = needs_64bit(layout, plan);
	plan->phdr_count =
		(uint32_t)plan->piece_count + !!plan->notes_size + (uint32_t)plan->text_count;
	plan->phdrs_off = gs_elf_ehdr_bytes(plan->is_64bit);
	off = plan->phdrs_off + (uint64_t)plan->phdr_count * gs_elf_phdr_bytes(plan->is_64bit);
	if (plan->phdr_count >= PN_XNUM) {
		plan->shdr_off = off;
		off += gs_elf_shdr_bytes(plan->is_64bit);
	}
	plan->notes_off = off;
	plan->end_off = place_pieces(plan, off + plan->notes_size);
	place_texts(plan);
}

struct gs_error *gs_elf_plan_init(struct elf_plan *plan, const struct gs_layout *layout)
{
	uint64_t vmcoreinfo_off;
	struct gs_error *err;

	*plan = (struct elf_plan){0};
	err = gs_writer_notes(layout->attrs, &plan->notes, &plan->notes_size, &vmcoreinfo_off);
	if (!err)
		err = add_ranges(plan, layout);
	if (!err)
		err = find_texts(plan, &layout->text);
	if (err)
		gs_elf_plan_deinit(plan);
	else
		place_all(plan, layout);
	return err;
}

void gs_elf_plan_deinit(struct elf_plan *plan)
{
	free(plan->notes);
	free(plan->pieces);
	free(plan->texts);
	*plan = (struct elf_plan){0};
}

struct gs_error *gs_elf_layout_max_bytes(const struct gs_layout *layout, uint64_t *bytes_ret)
{
	struct elf_plan plan;
	struct gs_error *err = gs_elf_plan_init(&plan, layout);

	if (err)
		return err;
	*bytes_ret = plan.end_off;
	gs_elf_plan_deinit(&plan);
	return NULL;
}
