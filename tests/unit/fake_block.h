/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A QEMU whose four answers about its disks are a test's text, and the graph that comes of them. */
#ifndef TESTS_UNIT_FAKE_BLOCK_H
#define TESTS_UNIT_FAKE_BLOCK_H

#include <guestscope/block.h>

#include "fake_qmp.h"

/* query-block, query-blockstats, the same of nodes, query-named-block-nodes */
static const char *fake_answers[4];

FAKE_HELPER void fake_serve_block(struct fake *f)
{
	static const char *const commands[4] = {"query-block", "query-blockstats",
						"query-blockstats", "query-named-block-nodes"};

	fake_greet(f);
	for (int i = 0; i < 4 && (i == 0 || *fake_answers[i - 1] == '['); i++) {
		if (!fake_expect(f, commands[i]))
			return;
		if (i == 2 && !strstr(f->request, "\"query-nodes\":true"))
			fake_fail(f, "no query-nodes");
		fake_return(f, fake_answers[i]);
	}
	fake_await_close(f);
}

/* Answers that are NULL are "[]". Behind one that is no list, nothing more is expected. */
FAKE_HELPER struct gs_error *fake_try_load(const struct gs_domain_info *domain, const char *block,
					   const char *device_stats, const char *node_stats,
					   const char *nodes, struct gs_block_graph *ret)
{
	const char *answers[4] = {block, device_stats, node_stats, nodes};
	struct gs_error *err;
	struct gs_qmp *qmp;
	struct fake f;

	for (int i = 0; i < 4; i++)
		fake_answers[i] = answers[i] ? answers[i] : "[]";
	fake_start(&f, fake_serve_block);
	qmp = fake_connect();
	err = gs_block_load(qmp, domain, ret);
	gs_qmp_close(qmp);
	fake_join(&f);
	return err;
}

FAKE_HELPER struct gs_block_graph fake_load(const char *block, const char *device_stats,
					    const char *node_stats, const char *nodes)
{
	struct gs_block_graph graph = {0};

	assert_ok(fake_try_load(NULL, block, device_stats, node_stats, nodes, &graph));
	return graph;
}

FAKE_HELPER const struct gs_block_device *fake_find(const struct gs_block_graph *graph,
						    const char *name)
{
	const struct gs_block_device *device = NULL;

	assert_ok(gs_block_find(graph, name, &device));
	return device;
}

#endif
