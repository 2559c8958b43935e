// SPDX-License-Identifier: GPL-2.0-or-later
/* Where each value belongs, and what all worlds together come to. */
#include <string.h>

#include "judge.h"
#include "partners.h"
#include "stream.h"

bool world_set_has(const struct world_set *set, uint32_t variables)
{
	return set->words[variables / 64] >> variables % 64 & 1;
}

void world_set_add(struct world_set *set, uint32_t variables)
{
	set->words[variables / 64] |= (uint64_t)1 << variables % 64;
}

/* ---- where a value belongs ---- */

struct belongings {
	struct leaves sent, taken;
	bool namesakes[LEAVES_MAX][LEAVES_MAX]; /* of @sent and @taken */
	bool sent_has[LEAVES_MAX], taken_has[LEAVES_MAX];
};

static bool has_path(const struct leaves *leaves, const char *path)
{
	for (size_t i = 0; i < leaves->count; i++) {
		if (strcmp(leaves->all[i].path, path) == 0)
			return true;
	}
	return false;
}

static bool are_namesakes(const struct belongings *all, const struct leaf *a, const struct leaf *b)
{
	if (a->unused || b->unused)
		return false;
	if (strcmp(a->path, b->path) == 0)
		return true;
	return strcmp(a->scope, b->scope) == 0 && paths_end_alike(a->path, b->path) &&
	       !has_path(&all->taken, a->path) && !has_path(&all->sent, b->path);
}

static void find_namesakes(struct belongings *all)
{
	memset(all->sent_has, 0, sizeof(all->sent_has));
	memset(all->taken_has, 0, sizeof(all->taken_has));
	for (size_t i = 0; i < all->sent.count; i++) {
		for (size_t k = 0; k < all->taken.count; k++) {
			bool are = are_namesakes(all, &all->sent.all[i], &all->taken.all[k]);

			all->namesakes[i][k] = are;
			all->sent_has[i] |= are;
			all->taken_has[k] |= are;
		}
	}
}

static bool is_number(const struct leaf *leaf)
{
	return leaf->width == 1 || leaf->width == 2 || leaf->width == 4 || leaf->width == 8;
}

static bool fits(const void *arg, const struct leaf *sent, unsigned int sent_offset,
		 const struct leaf *taken, unsigned int taken_offset)
{
	const struct belongings *all = arg;
	size_t i = (size_t)(sent - all->sent.all), k = (size_t)(taken - all->taken.all);

	if (!sent->unused && !taken->unused && is_number(sent) && is_number(taken) &&
	    (sent->width != taken->width ||
	     sent_offset % sent->width != taken_offset % taken->width))
		return false;
	if (all->namesakes[i][k])
		return sent_offset == taken_offset;
	return !all->sent_has[i] && !all->taken_has[k];
}

/* ---- all worlds of one setting of the quantities ---- */

struct tally {
	bool seen[OUTCOME_BROKEN + 1];
	struct world_set broken;
	bool has_wrong, wrong_varies, spills;
	size_t wrong;
};

static void count_load(struct tally *tally, const struct load *load, uint32_t variables)
{
	tally->seen[load->outcome] = true;
	tally->spills |= load->spills && load->outcome != OUTCOME_BROKEN;
	if (load->outcome == OUTCOME_BROKEN)
		world_set_add(&tally->broken, variables);
	if (load->outcome == OUTCOME_GOOD)
		return;
	tally->wrong_varies |=
		!load->has_wrong || (tally->has_wrong && tally->wrong != load->wrong);
	tally->has_wrong = true;
	tally->wrong = load->wrong;
}

static struct tally load_all(const struct worlds *worlds, struct world *world)
{
	static struct belongings all;
	static struct stream stream;
	struct stream_judge stream_judge = {fits, &all};
	struct tally tally = {0};
	const struct layout *saver, *loader;
	size_t mark = pool_mark();

	all.sent.count = all.taken.count = 0;
	saver = layout_of(worlds->saver->description, world->quantities, &all.sent);
	loader = layout_of(worlds->loader->description, world->quantities, &all.taken);
	find_namesakes(&all);
	for (world->variables = 0; world->variables >> worlds->variable_count == 0;
	     world->variables++) {
		struct load load;

		stream_save(&stream, worlds, world, saver);
		load = stream_load(&stream, worlds, world, loader, &stream_judge);
		count_load(&tally, &load, world->variables);
	}
	pool_release(mark);
	return tally;
}

static enum gs_verdict verdict_of(const struct tally *tally)
{
	if (tally->seen[OUTCOME_SILENT])
		return GS_VERDICT_SILENT;
	if (!tally->seen[OUTCOME_BROKEN])
		return GS_VERDICT_OK;
	return tally->seen[OUTCOME_GOOD] ? GS_VERDICT_CONDITIONAL : GS_VERDICT_BREAK;
}

/* ---- all settings ---- */

static bool refuses(const struct description *description)
{
	return description->no_fields && description->version == 0;
}

/* What needs no stream: nothing is saved, or nobody is there to load it. */
static bool judge_devices(struct truth *truth)
{
	const struct description *saver = truth->worlds.saver->description;
	const struct description *loader = truth->worlds.loader->description;

	truth->verdict = GS_VERDICT_OK;
	if (!saver || refuses(saver))
		return true;
	if (!loader) {
		truth->verdict = GS_VERDICT_CONDITIONAL;
		world_set_add(&truth->broken, 1); /* it is used */
		return true;
	}
	if (refuses(loader))
		truth->verdict = GS_VERDICT_BREAK;
	return refuses(loader);
}

struct truth judge(struct export *saver, struct export *loader)
{
	struct truth truth = {.worlds = worlds_of(saver, loader)};
	struct world world = {0};
	bool first = true;

	if (truth.worlds.too_many || judge_devices(&truth))
		return truth;
	while (worlds_next_setting(&truth.worlds, &world)) {
		struct tally tally = load_all(&truth.worlds, &world);
		enum gs_verdict verdict = verdict_of(&tally);

		truth.spills |= tally.spills;
		if (!first && (verdict != truth.verdict ||
			       (verdict == GS_VERDICT_CONDITIONAL &&
				memcmp(&tally.broken, &truth.broken, sizeof(tally.broken)) != 0))) {
			truth.verdict = GS_VERDICT_UNKNOWN;
			return truth;
		}
		first = false;
		truth.verdict = verdict;
		truth.broken = tally.broken;
		truth.wrong = (struct load_place){tally.has_wrong && !tally.wrong_varies &&
							  truth.worlds.quantity_count == 0,
						  tally.wrong};
	}
	return truth;
}
