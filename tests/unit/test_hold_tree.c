/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A tree of processes and its connections, out of events that are written here. */
#include <sys/wait.h>

#include "../../lib/hold/tree.h"
#include "unit.h"

static char events[1 << 20];
static size_t used;

static void add_text(struct gs_tree_event event, const char *text, size_t text_size)
{
	event.text_size = (uint32_t)text_size;
	event.size = (uint32_t)(sizeof(event) + text_size + 7) & ~7u;
	assert_true(used + event.size <= sizeof(events));
	memcpy(events + used, &event, sizeof(event));
	memcpy(events + used + sizeof(event), text, text_size);
	used += event.size;
}
#define add(...) add_text((struct gs_tree_event){__VA_ARGS__}, "", 0)

static void born(int pid, int parent, uint64_t at_ns)
{
	add(.kind = GS_TREE_BORN, .pid = pid, .parent = parent, .at_ns = at_ns,
	    .value = GS_PTREE_FORK);
}

static void has_pipe(int pid, uint64_t inode, int value)
{
	add(.kind = GS_TREE_OPEN, .pid = pid, .inode = inode, .value = value);
}

static void has_socket(int pid, uint64_t inode, uint64_t peer, const char *name)
{
	const struct gs_tree_event event = {.kind = GS_TREE_OPEN,
					    .pid = pid,
					    .inode = inode,
					    .peer_inode = peer,
					    .value = GS_TREE_SOCKET | GS_TREE_READS |
						     GS_TREE_WRITES};

	add_text(event, name ? name : "", name ? strlen(name) + 1 : 0);
}

static void build(struct gs_ptree *tree)
{
	assert_ok(gs_ptree_build(events, used, 0, tree));
	used = 0;
}

/* ---- processes ---- */

static void test_order(void **state)
{
	static const int pids[] = {10, 11, 13, 15, 12, 14, 20};
	static const unsigned int depths[] = {0, 1, 2, 3, 1, 2, 0};
	struct gs_ptree tree;
	(void)state;

	born(10, 1, 1000);
	born(11, 10, 1100);
	born(12, 10, 1200);
	born(13, 11, 1300);
	born(14, 12, 1400);
	born(20, 0, 1500);
	born(15, 13, 1600);
	add(.kind = GS_TREE_END, .pid = 13, .at_ns = 1700, .value = SIGKILL);
	add(.kind = GS_TREE_TIME, .at_ns = 2000);
	build(&tree);
	assert_int_equal(tree.count, 7);
	for (size_t i = 0; i < tree.count; i++) {
		assert_int_equal(tree.processes[i].id.pid, pids[i]);
		assert_int_equal(tree.processes[i].depth, depths[i]);
	}
	assert_int_equal(tree.processes[0].parent, GS_PTREE_NONE);
	assert_int_equal(tree.processes[5].parent, 4);
	assert_int_equal(tree.processes[3].start_ns, 600);
	assert_true(tree.processes[2].ended);
	assert_int_equal(tree.processes[2].end_ns, 700);
	assert_true(WIFSIGNALED(tree.processes[2].status));
	assert_int_equal(tree.end_ns, 1000);
	gs_ptree_deinit(&tree);
}

/* What happens to a number belongs to its last bearer. */
static void test_numbers_used_again(void **state)
{
	static const char text[] = "new\0/bin/new\0new\0-x";
	struct gs_ptree tree;
	(void)state;

	born(10, 0, 0);
	born(11, 10, 1);
	add(.kind = GS_TREE_END, .pid = 11, .at_ns = 2, .value = 0x100);
	born(11, 10, 3);
	add_text((struct gs_tree_event){.kind = GS_TREE_EXEC, .pid = 11, .at_ns = 4}, text,
		 sizeof(text));
	born(12, 11, 5);
	build(&tree);
	assert_int_equal(tree.processes[1].exec_count, 0);
	assert_true(tree.processes[1].ended);
	assert_false(tree.processes[2].ended);
	assert_int_equal(tree.processes[3].parent, 2);
	assert_string_equal(tree.processes[2].comm, "new");
	assert_string_equal(tree.processes[2].execs[0].program, "/bin/new");
	assert_int_equal(tree.processes[2].execs[0].args_size, 7);
	gs_ptree_deinit(&tree);
}

static void test_limits(void **state)
{
	struct gs_ptree tree;
	(void)state;

	for (int i = 0; i < (int)GS_PTREE_PROCESSES_MAX + 5; i++)
		born(10 + i, 9 + i, (uint64_t)i);
	for (unsigned int i = 0; i < GS_PTREE_EXECS_MAX + 3; i++)
		add_text((struct gs_tree_event){.kind = GS_TREE_EXEC, .pid = 10}, "a\0b", 4);
	build(&tree);
	assert_int_equal(tree.count, GS_PTREE_PROCESSES_MAX);
	assert_int_equal(tree.processes[tree.count - 1].depth, GS_PTREE_PROCESSES_MAX - 1);
	assert_int_equal(tree.processes[0].exec_count, GS_PTREE_EXECS_MAX);
	assert_int_equal(tree.lost, 8);
	gs_ptree_deinit(&tree);
}

/* ---- connections ---- */

static void family(void)
{
	born(10, 0, 0);
	born(11, 10, 1);
	born(12, 10, 2);
	born(13, 12, 3);
}

static void assert_ends(const struct gs_ptree *tree, const struct gs_ptree_link *link,
			const char *expected)
{
	char text[256] = "";
	size_t size = 0;

	for (size_t i = 0; i < link->end_count; i++)
		size += (size_t)snprintf(text + size, sizeof(text) - size, "%s%d%s%s", i ? " " : "",
					 (int)tree->processes[link->ends[i].process].id.pid,
					 link->ends[i].reads ? "r" : "",
					 link->ends[i].writes ? "w" : "");
	assert_string_equal(text, expected);
}

static void test_pipes(void **state)
{
	struct gs_ptree tree;
	(void)state;

	family();
	has_pipe(12, 5, GS_TREE_READS);
	has_pipe(11, 5, GS_TREE_WRITES);
	has_pipe(11, 5, GS_TREE_WRITES); /* seen twice: one end */
	has_pipe(10, 6, GS_TREE_READS);  /* nobody writes */
	has_pipe(11, 6, GS_TREE_READS);
	has_pipe(10, 7, GS_TREE_READS | GS_TREE_WRITES); /* to itself alone */
	has_pipe(99, 5, GS_TREE_READS);                  /* who is that? */
	build(&tree);
	assert_int_equal(tree.link_count, 1);
	assert_int_equal(tree.links[0].kind, GS_PTREE_PIPE);
	assert_ends(&tree, &tree.links[0], "11w 12r");
	gs_ptree_deinit(&tree);
}

/* A shell that hands its ends on has none of its own; one that reads what its child writes has. */
static void test_beside(void **state)
{
	struct gs_ptree tree;
	(void)state;

	family();
	has_pipe(11, 5, GS_TREE_WRITES);
	has_pipe(10, 5, GS_TREE_READS | GS_TREE_WRITES | GS_TREE_BESIDE);
	has_pipe(13, 5, GS_TREE_READS); /* a grandchild */
	has_pipe(11, 6, GS_TREE_WRITES);
	has_pipe(10, 6, GS_TREE_READS | GS_TREE_BESIDE);
	has_pipe(12, 7, GS_TREE_READS | GS_TREE_BESIDE); /* handed on, and nobody writes */
	has_pipe(13, 7, GS_TREE_READS);
	build(&tree);
	assert_int_equal(tree.link_count, 2);
	assert_ends(&tree, &tree.links[0], "11w 13r");
	assert_ends(&tree, &tree.links[1], "10r 11w");
	gs_ptree_deinit(&tree);
}

static void test_sockets(void **state)
{
	struct gs_ptree tree;
	(void)state;

	family();
	has_socket(11, 51, 50, NULL);
	has_socket(12, 50, 0, NULL); /* its peer had ended by then */
	has_socket(13, 50, 0, NULL);
	has_socket(11, 60, 99, "/run/x.sock"); /* to somebody outside */
	has_socket(11, 61, 0, "/run/y.sock");  /* to nobody */
	has_socket(11, 62, 98, NULL);          /* no name to tell */
	build(&tree);
	assert_int_equal(tree.link_count, 2);
	assert_int_equal(tree.links[0].inode, 50);
	assert_ends(&tree, &tree.links[0], "12rw 13rw 11rw");
	assert_int_equal(tree.links[1].inode, 60);
	assert_string_equal(tree.links[1].name, "/run/x.sock");
	gs_ptree_deinit(&tree);
}

/* Thousands with the same pipe, as with a build's terminal, or its jobserver. */
static void test_crowd(void **state)
{
	struct gs_ptree tree;
	(void)state;

	born(9, 0, 0);
	for (int i = 0; i < 5000; i++) {
		born(10 + i, 9, (uint64_t)i);
		has_pipe(10 + i, 5, GS_TREE_READS | GS_TREE_WRITES);
		has_pipe(10 + i, 6, GS_TREE_WRITES);
	}
	has_pipe(9, 5, GS_TREE_READS | GS_TREE_WRITES | GS_TREE_BESIDE);
	build(&tree);
	assert_int_equal(tree.link_count, 1);
	assert_int_equal(tree.links[0].end_count, 5000);
	gs_ptree_deinit(&tree);
}

/* ---- what contradicts itself ---- */

static void test_corrupt(void **state)
{
	struct gs_tree_event event = {.kind = GS_TREE_BORN, .size = sizeof(event), .pid = 1};
	char bytes[sizeof(event) + 8] = "";
	struct gs_ptree tree;
	(void)state;

	assert_error(gs_ptree_build(bytes, 5, 0, &tree), GS_ERROR_CORRUPT,
		     "record of a tree: 5 bytes left");
	event.text_size = 9;
	memcpy(bytes, &event, sizeof(event));
	assert_error(gs_ptree_build(bytes, sizeof(event), 0, &tree), GS_ERROR_CORRUPT, NULL);
	event = (struct gs_tree_event){.size = sizeof(bytes) + 8};
	memcpy(bytes, &event, sizeof(event));
	assert_error(gs_ptree_build(bytes, sizeof(bytes), 0, &tree), GS_ERROR_CORRUPT, NULL);
	event = (struct gs_tree_event){.size = 0};
	memcpy(bytes, &event, sizeof(event));
	assert_error(gs_ptree_build(bytes, sizeof(bytes), 0, &tree), GS_ERROR_CORRUPT, NULL);
	event = (struct gs_tree_event){.size = sizeof(bytes), .text_size = 2};
	memcpy(bytes, &event, sizeof(event));
	memcpy(bytes + sizeof(event), "ab", 2);
	assert_error(gs_ptree_build(bytes, sizeof(bytes), 0, &tree), GS_ERROR_CORRUPT,
		     "record of a tree: text without an end");
	assert_ok(gs_ptree_build("", 0, 3, &tree));
	assert_int_equal(tree.count, 0);
	assert_int_equal(tree.lost, 3);
	gs_ptree_deinit(&tree);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_order),  cmocka_unit_test(test_numbers_used_again),
		cmocka_unit_test(test_limits), cmocka_unit_test(test_pipes),
		cmocka_unit_test(test_beside), cmocka_unit_test(test_sockets),
		cmocka_unit_test(test_crowd),  cmocka_unit_test(test_corrupt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
