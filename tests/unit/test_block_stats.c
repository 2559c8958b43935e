/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Counters, rates, histograms and thresholds, from answers that are whole and from others. */
#include <guestscope/base/text.h>

#include "fake_block.h"

static struct gs_error *try_parse(const char *text, struct gs_block_stats *ret)
{
	gs_autojson struct gs_json *entry = NULL;

	assert_ok(gs_json_parse(text, strlen(text), &entry));
	return gs_block_stats_parse(entry, 77, ret);
}

static struct gs_block_stats parse(const char *text)
{
	struct gs_block_stats stats;

	assert_ok(try_parse(text, &stats));
	return stats;
}

/* ---- parsing ---- */

static void parses_all_that_is_told(void **state)
{
	struct gs_block_stats stats = parse(
		"{\"stats\": {\"rd_operations\": 1, \"rd_bytes\": 2, \"rd_merged\": 3, "
		"\"failed_rd_operations\": 4, \"invalid_rd_operations\": 5, "
		"\"rd_total_time_ns\": 6, \"flush_operations\": 7, \"flush_total_time_ns\": 8, "
		"\"zone_append_operations\": 9, \"zone_append_bytes\": 10, "
		"\"idle_time_ns\": 11, \"account_failed\": true, \"account_invalid\": false, "
		"\"timed_stats\": [{\"interval_length\": 60, \"min_rd_latency_ns\": 12, "
		"\"max_rd_latency_ns\": 13, \"avg_rd_latency_ns\": 14, "
		"\"avg_rd_queue_depth\": 1.5, \"avg_flush_latency_ns\": 15}], "
		"\"wr_latency_histogram\": {\"boundaries\": [10, 20], \"bins\": [1, 2, 3]}}}");

	(void)state;
	assert_int_equal(stats.taken_ns, 77);
	assert_true(stats.of[GS_BLOCK_READ].known);
	assert_int_equal(stats.of[GS_BLOCK_READ].operations, 1);
	assert_int_equal(stats.of[GS_BLOCK_READ].bytes, 2);
	assert_int_equal(stats.of[GS_BLOCK_READ].merged, 3);
	assert_int_equal(stats.of[GS_BLOCK_READ].failed, 4);
	assert_int_equal(stats.of[GS_BLOCK_READ].invalid, 5);
	assert_int_equal(stats.of[GS_BLOCK_READ].total_ns, 6);
	assert_int_equal(stats.of[GS_BLOCK_FLUSH].operations, 7);
	assert_int_equal(stats.of[GS_BLOCK_FLUSH].total_ns, 8);
	assert_int_equal(stats.of[GS_BLOCK_ZONE_APPEND].bytes, 10);
	assert_false(stats.of[GS_BLOCK_WRITE].known);
	assert_true(stats.used && stats.counts_failed && !stats.counts_invalid);
	assert_int_equal(stats.idle_ns, 11);
	assert_int_equal(stats.timed_count, 1);
	assert_int_equal(stats.timed[0].interval_s, 60);
	assert_int_equal(stats.timed[0].of[GS_BLOCK_READ].min_ns, 12);
	assert_int_equal(stats.timed[0].of[GS_BLOCK_READ].max_ns, 13);
	assert_int_equal(stats.timed[0].of[GS_BLOCK_READ].avg_ns, 14);
	assert_true(stats.timed[0].of[GS_BLOCK_READ].queue_depth == 1.5);
	assert_true(stats.timed[0].known[GS_BLOCK_FLUSH]);
	assert_true(stats.timed[0].of[GS_BLOCK_FLUSH].queue_depth < 0);
	assert_false(stats.timed[0].known[GS_BLOCK_WRITE]);
	assert_int_equal(stats.histograms[GS_BLOCK_WRITE].bin_count, 3);
	assert_int_equal(stats.histograms[GS_BLOCK_WRITE].boundaries_ns[1], 20);
	assert_int_equal(stats.histograms[GS_BLOCK_WRITE].bins[2], 3);
	assert_int_equal(stats.histograms[GS_BLOCK_READ].bin_count, 0);
	gs_block_stats_deinit(&stats);
}

static void knows_nothing_of_what_is_not_told(void **state)
{
	static const char *const texts[] = {
		"{}",
		"{\"stats\": 3}",
		"{\"stats\": []}",
		"[]",
		"{\"stats\": {\"rd_operations\": \"5\", \"idle_time_ns\": -1, "
		"\"timed_stats\": {}, \"account_failed\": 1}}",
		"{\"stats\": {\"rd_operations\": 1.5, \"wr_operations\": -1, "
		"\"flush_operations\": 18446744073709551616}}"};
	struct gs_block_stats none;

	(void)state;
	assert_ok(gs_block_stats_parse(NULL, 1, &none));
	assert_false(none.of[GS_BLOCK_READ].known);
	for (size_t i = 0; i < sizeof(texts) / sizeof(*texts); i++) {
		struct gs_block_stats stats = parse(texts[i]);

		for (int op = 0; op < GS_BLOCK_OPS; op++) {
			assert_false(stats.of[op].known);
			assert_int_equal(stats.of[op].operations, 0);
			assert_true(gs_block_mean_ns(&stats, op) < 0);
		}
		assert_false(stats.used || stats.counts_failed);
		assert_int_equal(stats.timed_count, 0);
		gs_block_stats_deinit(&stats);
	}
}

static void keeps_all_bits_of_a_number(void **state)
{
	struct gs_block_stats stats = parse("{\"stats\": {\"wr_operations\": 9007199254740993, "
					    "\"wr_bytes\": 18446744073709551615}}");

	(void)state;
	assert_true(stats.of[GS_BLOCK_WRITE].operations == UINT64_C(9007199254740993));
	assert_true(stats.of[GS_BLOCK_WRITE].bytes == UINT64_MAX);
}

static void refuses_histograms_that_do_not_fit(void **state)
{
	static const char *const histograms[] = {
		"{\"boundaries\": [1, 2], \"bins\": [1, 2]}",
		"{\"boundaries\": [1], \"bins\": [1, 2, 3]}",
		"{\"boundaries\": [2, 2], \"bins\": [1, 2, 3]}",
		"{\"boundaries\": [2, 1], \"bins\": [1, 2, 3]}",
		"{\"boundaries\": [1, 2], \"bins\": [1, 2, \"3\"]}",
		"{\"boundaries\": [1, -2], \"bins\": [1, 2, 3]}",
		"{\"boundaries\": [1, 2], \"bins\": [1, 2, 3.5]}",
		"{\"bins\": [1, 2]}",
	};
	struct gs_block_stats stats;

	(void)state;
	for (size_t i = 0; i < sizeof(histograms) / sizeof(*histograms); i++) {
		gs_autofree char *text = gs_strf(
			"{\"stats\": {\"timed_stats\": [{}], \"rd_latency_histogram\": {\"bins\": "
			"[1], \"boundaries\": []}, \"flush_latency_histogram\": %s}}",
			histograms[i]);

		assert_error(try_parse(text, &stats), GS_ERROR_CORRUPT,
			     "flush_latency_histogram: bins and boundaries do not fit");
	}
	assert_error(try_parse("{\"stats\": {\"wr_latency_histogram\": 1}}", &stats),
		     GS_ERROR_CORRUPT, "wr_latency_histogram: 0 bins");
}

/* A list of @count times "@item". */
static char *list_of(const char *item, size_t count)
{
	struct gs_text t = {0};
	char *ret = NULL;

	gs_text_puts(&t, "[");
	for (size_t i = 0; i < count; i++)
		gs_text_printf(&t, "%s%s", i ? "," : "", item);
	gs_text_puts(&t, "]");
	assert_ok(gs_text_finish(&t, &ret));
	return ret;
}

static void refuses_far_too_many(void **state)
{
	gs_autofree char *bins = list_of("1", GS_BLOCK_BOUNDARIES_MAX + 2);
	gs_autofree char *intervals = list_of("{}", 1025);
	gs_autofree char *many_bins =
		gs_strf("{\"stats\": {\"rd_latency_histogram\": {\"bins\": %s}}}", bins);
	gs_autofree char *many_intervals = gs_strf("{\"stats\": {\"timed_stats\": %s}}", intervals);
	struct gs_block_stats stats;

	(void)state;
	assert_error(try_parse(many_bins, &stats), GS_ERROR_CORRUPT,
		     "rd_latency_histogram: 1026 bins");
	assert_error(try_parse(many_intervals, &stats), GS_ERROR_CORRUPT,
		     "timed_stats: 1025 intervals");
}

/* ---- rates ---- */

static struct gs_block_stats sample(uint64_t taken_ns, struct gs_block_counters read)
{
	struct gs_block_stats stats = {.taken_ns = taken_ns};

	read.known = true;
	stats.of[GS_BLOCK_READ] = read;
	return stats;
}

static void computes_rates(void **state)
{
	struct gs_block_stats before =
		sample(UINT64_C(1000000000),
		       (struct gs_block_counters){
			       .operations = 10, .bytes = 4096, .merged = 1, .total_ns = 500});
	struct gs_block_stats after =
		sample(UINT64_C(3000000000), (struct gs_block_counters){.operations = 30,
									.bytes = 4096 + 8192,
									.merged = 5,
									.total_ns = 1000000500});
	struct gs_block_rates rates;

	(void)state;
	after.of[GS_BLOCK_FLUSH] =
		(struct gs_block_counters){.known = true, .operations = 1, .total_ns = 3000000000};
	gs_block_rates(&before, &after, &rates);
	assert_true(rates.seconds == 2 && !rates.restarted);
	assert_true(rates.of[GS_BLOCK_READ].iops == 10);
	assert_true(rates.of[GS_BLOCK_READ].bytes_per_s == 4096);
	assert_true(rates.of[GS_BLOCK_READ].merged_per_s == 2);
	assert_true(rates.of[GS_BLOCK_READ].latency_ns == 50000000);
	assert_true(rates.of[GS_BLOCK_READ].queue_depth == 0.5);
	assert_true(rates.of[GS_BLOCK_FLUSH].queue_depth == 1.5);
	assert_true(rates.of[GS_BLOCK_WRITE].latency_ns < 0);
	assert_true(rates.of[GS_BLOCK_WRITE].iops == 0);
	assert_true(rates.queue_depth == 2);
}

static void failures_share_the_time_where_it_counts_theirs(void **state)
{
	struct gs_block_stats before = sample(1, (struct gs_block_counters){.failed = 1});
	struct gs_block_stats after = sample(
		1000000001, (struct gs_block_counters){
				    .operations = 3, .failed = 2, .invalid = 9, .total_ns = 1200});
	struct gs_block_rates rates;

	(void)state;
	gs_block_rates(&before, &after, &rates);
	assert_true(rates.of[GS_BLOCK_READ].latency_ns == 400);
	after.counts_failed = true;
	gs_block_rates(&before, &after, &rates);
	assert_true(rates.of[GS_BLOCK_READ].latency_ns == 300);
	assert_true(rates.of[GS_BLOCK_READ].iops == 3);
	assert_true(gs_block_mean_ns(&after, GS_BLOCK_READ) == 240);
}

static void counters_that_went_back_begin_at_0(void **state)
{
	struct gs_block_stats before = sample(
		0, (struct gs_block_counters){.operations = 100, .bytes = 100, .total_ns = 100});
	struct gs_block_stats after =
		sample(1000000000,
		       (struct gs_block_counters){.operations = 200, .bytes = 50, .total_ns = 400});
	struct gs_block_rates rates;

	(void)state;
	before.of[GS_BLOCK_WRITE].operations = 7;
	after.of[GS_BLOCK_WRITE].operations = 9;
	gs_block_rates(&before, &after, &rates);
	assert_true(rates.restarted);
	assert_true(rates.of[GS_BLOCK_READ].iops == 200);
	assert_true(rates.of[GS_BLOCK_READ].bytes_per_s == 50);
	assert_true(rates.of[GS_BLOCK_READ].latency_ns == 2);
	assert_true(rates.of[GS_BLOCK_WRITE].iops == 9);
}

static void no_time_gives_no_rate(void **state)
{
	struct gs_block_stats later = sample(9, (struct gs_block_counters){.operations = UINT64_MAX,
									   .bytes = UINT64_MAX,
									   .total_ns = UINT64_MAX});
	struct gs_block_stats zero = {.taken_ns = 9}, after_it = {.taken_ns = 10};
	struct gs_block_rates rates;

	(void)state;
	gs_block_rates(&zero, &later, &rates);
	assert_true(rates.seconds == 0 && rates.of[GS_BLOCK_READ].iops == 0);
	assert_true(rates.queue_depth == 0);
	assert_true(rates.of[GS_BLOCK_READ].latency_ns == 1);
	gs_block_rates(&after_it, &later, &rates);
	assert_true(rates.seconds == 0 && rates.of[GS_BLOCK_READ].bytes_per_s == 0);
}

static void small_steps_of_large_counters_are_exact(void **state)
{
	uint64_t large = (UINT64_C(1) << 60) + 1;
	struct gs_block_stats before =
		sample(0, (struct gs_block_counters){.operations = large, .bytes = large});
	struct gs_block_stats after =
		sample(1000000000,
		       (struct gs_block_counters){.operations = large + 3, .bytes = large + 5});
	struct gs_block_rates rates;

	(void)state;
	gs_block_rates(&before, &after, &rates);
	assert_true(rates.of[GS_BLOCK_READ].iops == 3);
	assert_true(rates.of[GS_BLOCK_READ].bytes_per_s == 5);
}

/* ---- what is sent ---- */

static const char *wanted; /* what the request has in it */
static const char *reply;

static void serve_one(struct fake *f)
{
	fake_greet(f);
	if (!fake_read(f))
		return;
	if (!strstr(f->request, wanted))
		fake_fail(f, wanted);
	if (*reply == '{')
		fake_return(f, reply);
	else
		fake_send(f,
			  "{\"error\": {\"class\": \"GenericError\", \"desc\": \"%s\"}, "
			  "\"id\": %s}\r\n",
			  reply, f->id);
	fake_await_close(f);
}

static struct gs_qmp *serve(struct fake *f, const char *request, const char *answer)
{
	wanted = request;
	reply = answer;
	fake_start(f, serve_one);
	return fake_connect();
}

static void sets_histograms_on_the_qdev(void **state)
{
	const struct gs_block_device device = {.id = "vda", .qdev = "/machine/x/virtio-backend"};
	const uint64_t boundaries[] = {1, UINT64_MAX};
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	qmp = serve(&f,
		    "{\"execute\":\"block-latency-histogram-set\",\"arguments\":{\"id\":"
		    "\"/machine/x/virtio-backend\",\"boundaries\":[1,18446744073709551615]}",
		    "{}");
	assert_ok(gs_block_histogram_set(qmp, &device, boundaries, 2));
	gs_qmp_close(qmp);
	fake_join(&f);
	qmp = serve(&f,
		    "\"boundaries\":[1000,10000,100000,1000000,10000000,100000000,1000000000,"
		    "10000000000]}",
		    "{}");
	assert_ok(gs_block_histogram_set(qmp, &device, NULL, 0));
	gs_qmp_close(qmp);
	fake_join(&f);
	qmp = serve(&f, "\"arguments\":{\"id\":\"/machine/x/virtio-backend\"}", "no such thing");
	assert_error(gs_block_histogram_clear(qmp, &device), GS_ERROR_REFUSED,
		     "vda: no such thing");
	gs_qmp_close(qmp);
	fake_join(&f);
}

static void refuses_boundaries_that_do_not_ascend(void **state)
{
	const struct gs_block_device device = {.id = "vda", .qdev = "q"}, bare = {.id = "d0"};
	const uint64_t zero[] = {0, 1}, same[] = {5, 5}, down[] = {1, 5, 4};
	uint64_t many[GS_BLOCK_BOUNDARIES_MAX + 1] = {0};

	(void)state;
	assert_error(gs_block_histogram_set(NULL, &device, zero, 2), GS_ERROR_INVALID,
		     "a boundary cannot be 0");
	assert_error(gs_block_histogram_set(NULL, &device, same, 2), GS_ERROR_INVALID,
		     "boundary 2 is not above the one before it");
	assert_error(gs_block_histogram_set(NULL, &device, down, 3), GS_ERROR_INVALID,
		     "boundary 3 is not above the one before it");
	assert_error(gs_block_histogram_set(NULL, &device, down, 0), GS_ERROR_INVALID,
		     "0 boundaries: not 1 to 1024");
	assert_error(gs_block_histogram_set(NULL, &device, many, GS_BLOCK_BOUNDARIES_MAX + 1),
		     GS_ERROR_INVALID, "1025 boundaries: not 1 to 1024");
	assert_error(gs_block_histogram_set(NULL, &bare, NULL, 0), GS_ERROR_INVALID,
		     "d0 belongs to no device of the guest: nothing is counted");
	assert_error(gs_block_histogram_clear(NULL, &bare), GS_ERROR_INVALID, NULL);
}

static void thresholds_are_of_what_stores_the_device(void **state)
{
	static const char nodes[] =
		"[{\"node-name\": \"mirror\"}, {\"node-name\": \"top\"}, {\"node-name\": "
		"\"base\"}, "
		"{\"node-name\": \"store\", \"write_threshold\": 4611686018427387905}]";
	static const char links[] =
		"[{\"node-name\": \"mirror\", \"backing\": {\"node-name\": \"top\", \"parent\": "
		"{\"node-name\": \"store\"}, \"backing\": {\"node-name\": \"base\"}}}]";
	struct gs_block_graph graph =
		fake_load("[{\"device\": \"d\", \"inserted\": {\"node-name\": \"mirror\"}},"
			  "{\"device\": \"empty\"}]",
			  NULL, links, nodes);
	const struct gs_block_node *node = gs_block_protocol_node(fake_find(&graph, "d"));
	struct gs_qmp *qmp;
	struct fake f;

	(void)state;
	assert_string_equal(node->name, "store");
	assert_true(gs_block_threshold(node) == UINT64_C(4611686018427387905));
	assert_int_equal(gs_block_threshold(gs_block_find_node(&graph, "top")), 0);
	assert_null(gs_block_protocol_node(fake_find(&graph, "empty")));
	qmp = serve(&f,
		    "{\"execute\":\"block-set-write-threshold\",\"arguments\":{\"node-name\":"
		    "\"store\",\"write-threshold\":18446744073709551615}",
		    "too far");
	assert_error(gs_block_set_threshold(qmp, node, UINT64_MAX), GS_ERROR_REFUSED,
		     "store: too far");
	gs_qmp_close(qmp);
	fake_join(&f);
	gs_block_graph_deinit(&graph);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(parses_all_that_is_told),
		cmocka_unit_test(knows_nothing_of_what_is_not_told),
		cmocka_unit_test(keeps_all_bits_of_a_number),
		cmocka_unit_test(refuses_histograms_that_do_not_fit),
		cmocka_unit_test(refuses_far_too_many),
		cmocka_unit_test(computes_rates),
		cmocka_unit_test(failures_share_the_time_where_it_counts_theirs),
		cmocka_unit_test(counters_that_went_back_begin_at_0),
		cmocka_unit_test(no_time_gives_no_rate),
		cmocka_unit_test(small_steps_of_large_counters_are_exact),
		unit_test_in_scratch(sets_histograms_on_the_qdev),
		cmocka_unit_test(refuses_boundaries_that_do_not_ascend),
		unit_test_in_scratch(thresholds_are_of_what_stores_the_device),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
