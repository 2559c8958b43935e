/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Who is connected with whom: ends of the same pipe, or of two sockets that know each other. */
#include <stdlib.h>
#include <string.h>

#include "tree.h"

#define BESIDE_MAX 256 /* ends of one link, of which all pairs are looked at */

/* ---- which belong together ---- */

static int compare(uint64_t a, uint64_t b)
{
	return a < b ? -1 : a > b;
}

static int by_peer(const void *a, const void *b)
{
	const struct gs_ptree_open *x = a, *y = b;

	return compare(x->peer_inode, y->peer_inode);
}

static int by_link(const void *a, const void *b)
{
	const struct gs_ptree_open *x = a, *y = b;
	int order = compare(x->key, y->key);

	order = order ? order : x->is_socket - y->is_socket;
	order = order ? order : compare(x->inode, y->inode);
	order = order ? order : compare(x->process, y->process);
	return order ? order : compare(x->at_ns, y->at_ns);
}

/* When its peer has ended, a socket does not know it any more; the peer may have known it. */
static void find_keys(struct gs_ptree_open *opens, size_t count)
{
	qsort(opens, count, sizeof(*opens), by_peer);
	for (size_t i = 0; i < count; i++) {
		struct gs_ptree_open *open = &opens[i];
		const struct gs_ptree_open wanted = {.peer_inode = open->inode}, *known;
		uint64_t peer = open->peer_inode;

		if (open->is_socket && !peer) {
			known = bsearch(&wanted, opens, count, sizeof(*opens), by_peer);
			peer = known ? known->inode : 0;
		}
		open->key = peer && peer < open->inode ? peer : open->inode;
	}
}

/* ---- one link ---- */

/* Each end once, whatever it was seen how often. */
static size_t merge(struct gs_ptree_open *opens, size_t count)
{
	size_t kept = 0;

	for (size_t i = 1; i < count; i++) {
		struct gs_ptree_open *last = &opens[kept];

		if (opens[i].process != last->process || opens[i].inode != last->inode) {
			opens[++kept] = opens[i];
			continue;
		}
		last->reads |= opens[i].reads;
		last->writes |= opens[i].writes;
		last->beside_reads |= opens[i].beside_reads;
		last->beside_writes |= opens[i].beside_writes;
		last->peer_inode = last->peer_inode ? last->peer_inode : opens[i].peer_inode;
		last->name = last->name ? last->name : opens[i].name;
	}
	return count ? kept + 1 : 0;
}

/* Ancestors stand before their descendants. */
static bool is_below(const struct gs_ptree *tree, size_t process, size_t ancestor)
{
	while (process != GS_PTREE_NONE && process > ancestor)
		process = tree->processes[process].parent;
	return process == ancestor;
}

static bool has_below(const struct gs_ptree *tree, const struct gs_ptree_open *opens, size_t count,
		      const struct gs_ptree_open *open, bool reads)
{
	for (size_t i = 0; i < count; i++) {
		const struct gs_ptree_open *other = &opens[i];

		if (other->inode == open->inode && other->process != open->process &&
		    (reads ? other->reads || other->beside_reads
			   : other->writes || other->beside_writes) &&
		    is_below(tree, other->process, open->process))
			return true;
	}
	return false;
}

/*
 * A shell has the ends of a pipe for a moment, to hand them to its children; a reader of what a
 * child writes has one to keep. What it was seen to have in the midst of something is its own if no
 * descendant has the same. Returns how many are left.
 */
static size_t settle_beside(const struct gs_ptree *tree, struct gs_ptree_open *opens, size_t count)
{
	size_t kept = 0;

	for (size_t i = 0; i < count && count <= BESIDE_MAX; i++) {
		struct gs_ptree_open *open = &opens[i];

		open->reads |= open->beside_reads && !has_below(tree, opens, count, open, true);
		open->writes |= open->beside_writes && !has_below(tree, opens, count, open, false);
	}
	for (size_t i = 0; i < count; i++) {
		if (opens[i].reads || opens[i].writes)
			opens[kept++] = opens[i];
	}
	return kept;
}

static bool can_talk(const struct gs_ptree_open *from, const struct gs_ptree_open *to)
{
	if (from->process == to->process || !from->writes || !to->reads)
		return false;
	return from->is_socket ? from->inode != to->inode : true;
}

/*
 * Whether two of them can talk to each other, and since when. If neither the first nor the second
 * that writes has anybody to write to, nobody has: what the one finds is itself alone.
 */
static bool is_link(const struct gs_ptree_open *opens, size_t count, uint64_t *at_ret)
{
	int tried = 0;

	*at_ret = opens[0].at_ns;
	for (size_t i = 0; i < count && tried < 2; i++) {
		tried += opens[i].writes;
		for (size_t k = 0; opens[i].writes && k < count; k++) {
			if (!can_talk(&opens[i], &opens[k]))
				continue;
			*at_ret = opens[i].at_ns > opens[k].at_ns ? opens[i].at_ns : opens[k].at_ns;
			return true;
		}
	}
	return false;
}

static const char *name_of(const struct gs_ptree_open *opens, size_t count)
{
	const char *name = NULL;

	for (size_t i = 0; i < count && !name; i++)
		name = opens[i].name;
	return name;
}

static bool leads_elsewhere(const struct gs_ptree_open *opens, size_t count)
{
	return opens[0].is_socket && name_of(opens, count) && opens[0].peer_inode &&
	       opens[0].inode == opens[count - 1].inode;
}

static struct gs_error *add_link(struct gs_ptree *tree, const struct gs_ptree_open *opens,
				 size_t count, uint64_t at_ns)
{
	const char *name = name_of(opens, count);
	struct gs_ptree_link *link = &tree->links[tree->link_count++];

	*link = (struct gs_ptree_link){.kind = opens->is_socket ? GS_PTREE_SOCKET : GS_PTREE_PIPE,
				       .inode = opens->key,
				       .at_ns = at_ns,
				       .ends = calloc(count, sizeof(*link->ends)),
				       .name = name ? strdup(name) : NULL};
	if (!link->ends || (name && !link->name))
		return gs_error_nomem();
	for (size_t i = 0; i < count; i++)
		link->ends[i] = (struct gs_ptree_end){opens[i].process, opens[i].inode,
						      opens[i].reads, opens[i].writes};
	link->end_count = count;
	return NULL;
}

/* ---- all of them ---- */

static int by_time(const void *a, const void *b)
{
	const struct gs_ptree_link *x = a, *y = b;
	int order = compare(x->at_ns, y->at_ns);

	return order ? order : compare(x->inode, y->inode);
}

struct gs_error *gs_ptree_connect(struct gs_ptree *tree, struct gs_ptree_open *opens, size_t count)
{
	struct gs_error *err = NULL;

	tree->links = calloc(count + 1, sizeof(*tree->links));
	if (!tree->links)
		return gs_error_nomem();
	if (!count)
		return NULL;
	find_keys(opens, count);
	qsort(opens, count, sizeof(*opens), by_link);
	for (size_t i = 0, end; !err && i < count; i = end) {
		uint64_t at_ns;
		size_t kept;

		for (end = i + 1; end < count && opens[end].key == opens[i].key &&
				  opens[end].is_socket == opens[i].is_socket;)
			end++;
		kept = merge(opens + i, end - i);
		kept = settle_beside(tree, opens + i, kept);
		if (!kept)
			continue;
		if (is_link(opens + i, kept, &at_ns) || leads_elsewhere(opens + i, kept))
			err = add_link(tree, opens + i, kept, at_ns);
	}
	qsort(tree->links, tree->link_count, sizeof(*tree->links), by_time);
	return err;
}
