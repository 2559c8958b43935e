/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Descriptors that a proxy's clients pass on, and the names that they give them. */
#include "fake_clients.h"

/* The prefix of the client's names, as the echo of its getfd tells. */
static void open_name(int fd, const char *name, char prefix[64])
{
	gs_autofree char *request = gs_strf(
		"{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"%s\"}, \"id\": 0}", name);
	const char *start, *end_of_prefix;

	tell_with_fds(fd, request, 1);
	start = strstr(hear(fd), "\"fdname\": \"") + 11;
	end_of_prefix = strstr(start, name);
	assert_non_null(end_of_prefix);
	snprintf(prefix, 64, "%.*s", (int)(end_of_prefix - start), start);
}

/* N stands for a name in these. */
static const char *const mentions[] = {
	"add_client\", \"arguments\": {\"protocol\": \"vnc\", \"fdname\": \"N\"",
	"dump-guest-memory\", \"arguments\": {\"protocol\": \"fd:N\"",
	"migrate\", \"arguments\": {\"uri\": \"fd:N\"",
	"migrate-incoming\", \"arguments\": {\"uri\": \"fd:N\"",
	"netdev_add\", \"arguments\": {\"fd\": \"N\"",
	"netdev_add\", \"arguments\": {\"fds\": \"7:N:other\"",
	"netdev_add\", \"arguments\": {\"vhostfd\": \"N\"",
	"netdev_add\", \"arguments\": {\"vhostfds\": \"N\"",
	"netdev_add\", \"arguments\": {\"addr\": {\"type\": \"fd\", \"str\": \"N\"}",
	"device_add\", \"arguments\": {\"driver\": \"vfio-pci\", \"fd\": \"N\"",
	"device_add\", \"arguments\": {\"vhostfd\": \"N\"",
	"object-add\", \"arguments\": {\"qom-type\": \"iommufd\", \"fd\": \"N\"",
	"chardev-add\", \"arguments\": {\"backend\": {\"data\": {\"addr\": "
	"{\"type\": \"fd\", \"data\": {\"str\": \"N\"}}}}",
	"migrate\", \"arguments\": {\"channels\": [{\"addr\": {\"transport\": \"socket\", "
	"\"type\": \"fd\", \"str\": \"N\"}}]",
	"closefd\", \"arguments\": {\"fdname\": \"N\"",
};

/* @mention with @name for N. */
static char *mention(const char *text, const char *name)
{
	const char *place = strchr(text, 'N');

	return gs_strf("{\"execute\": \"%.*s%s%s}}", (int)(place - text), text, name, place + 1);
}

static void test_names(void **state)
{
	char prefix[64], other_prefix[64];
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	for (size_t i = 0; i < sizeof(mentions) / sizeof(*mentions); i++) {
		gs_autofree char *mine = mention(mentions[i], "own"), *full = NULL;
		gs_autofree char *unknown = mention(mentions[i], "strange");
		gs_autofree char *wanted = NULL;

		open_name(a, "own", prefix);
		full = gs_strf("%sown", prefix);
		tell(a, unknown);
		wanted = gs_strf("%s", hear(a));
		assert_non_null(strstr(wanted, "strange"));
		assert_null(strstr(wanted, prefix));
		/* Another client's is strange, too. */
		tell(b, mine);
		assert_null(strstr(hear(b), prefix));
		tell(a, mine);
		assert_non_null(strstr(hear(a), full));
		/* It was taken along: the name is free again. */
		tell(a, mine);
		assert_null(strstr(hear(a), prefix));
	}
	/* What QEMU takes for a number is no name. */
	open_name(a, "1own", other_prefix);
	assert_string_equal(other_prefix, "");
	open_name(b, "own", other_prefix);
	assert_string_not_equal(prefix, other_prefix);
	close(a);
	close(b);
	assert_int_equal(end(&s), 0);
}

/* A command that fails leaves a name where it was; its error speaks of the client's name. */
static void test_name_in_error(void **state)
{
	char prefix[64];
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	open_name(fd, "own", prefix);
	tell(fd, "{\"execute\": \"fail\", \"arguments\": {\"type\": \"fd\", \"str\": \"own\"}}");
	assert_hears(fd, "{\"error\": {\"class\": \"X\", \"desc\": \"'own'?\"}}");
	tell(fd, "{\"execute\": \"closefd\", \"arguments\": {\"fdname\": \"own\"}}");
	assert_hears_part(fd, prefix);
	close(fd);
	assert_int_equal(end(&s), 0);
}

static void test_leftovers(void **state)
{
	gs_autofree char *closing = NULL;
	char prefix[64];
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	open_name(fd, "one", prefix);
	open_name(fd, "two", prefix);
	tell(fd, "{\"execute\": \"closefd\", \"arguments\": {\"fdname\": \"one\"}}");
	hear(fd);
	close(fd);
	assert_int_equal(end(&s), 0);
	closing = gs_strf("{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"%stwo\"}", prefix);
	assert_non_null(strstr(asked.data, closing));
	assert_int_equal(s.fake.fds, 2);
}

/* The getfd of one that leaves is still on its way. */
static void test_leftover_in_flight(void **state)
{
	const char *opened;
	struct shared s;
	int fd, other;

	(void)state;
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	other = dial();
	fd = dial();
	tell(other, "{\"execute\": \"gate\"}");
	tell_with_fds(fd, "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"left\"}}", 1);
	assert_silent(fd);
	close(fd);
	open_gate();
	assert_hears_part(other, "gate");
	close(other);
	assert_int_equal(end(&s), 0);
	opened = strstr(asked.data, "getfd");
	assert_non_null(opened);
	assert_non_null(strstr(opened, "-left\"},\"id\""));
	assert_non_null(strstr(opened, "{\"execute\":\"closefd\",\"arguments\":{\"fdname\":\"gs-"));
	close(gate);
}

static void test_fds_without_takers(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"x\"}}");
	assert_hears_part(fd, "no file descriptor");
	tell(fd, "{\"execute\": \"add-fd\"}");
	assert_hears_part(fd, "no file descriptor");
	tell_with_fds(fd, "{\"execute\": \"x\"}", 3);
	hear(fd);
	/* What came before its command is taken, and only once. */
	tell(fd, "{\"execute\": \"add-fd\"}");
	assert_hears_part(fd, "add-fd");
	tell_with_fds(fd, " ", 1);
	tell(fd, "{\"execute\": \"add-fd\"}");
	assert_hears_part(fd, "add-fd");
	tell(fd, "{\"execute\": \"add-fd\"}");
	assert_hears_part(fd, "no file descriptor");
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_int_equal(s.fake.fds, 2);
}

/* A descriptor waits until the one before it is answered; what has none does not. */
static void serve_gated(struct fake *f)
{
	char first_id[sizeof(f->id)];

	start_serving(f);
	if (!fake_expect(f, "getfd"))
		return;
	snprintf(first_id, sizeof(first_id), "%s", f->id);
	if (!fake_expect(f, "plain"))
		return;
	fake_send(f, "{\"return\": {}, \"id\": %s}\r\n", first_id);
	fake_return(f, "{}");
	while (fake_read(f))
		fake_return(f, "{}");
}

static void test_one_fd_at_a_time(void **state)
{
	static const char request[] =
		"{\"execute\": \"getfd\", \"arguments\": {\"fdname\": \"x\"}}";
	struct shared s;
	int a, b, c;

	(void)state;
	begin(&s, serve_gated, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	c = dial();
	tell_with_fds(a, request, 1);
	tell_with_fds(b, request, 1);
	assert_silent(b);
	tell(c, "{\"execute\": \"plain\"}");
	assert_hears(a, "{\"return\": {}}");
	assert_hears(c, "{\"return\": {}}");
	assert_hears(b, "{\"return\": {}}");
	close(a);
	close(b);
	close(c);
	assert_int_equal(end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_names),
		unit_test_in_scratch(test_name_in_error),
		unit_test_in_scratch(test_leftovers),
		unit_test_in_scratch(test_leftover_in_flight),
		unit_test_in_scratch(test_fds_without_takers),
		unit_test_in_scratch(test_one_fd_at_a_time),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	gs_text_deinit(&asked);
	for (size_t i = 0; i < 256; i++)
		gs_text_deinit(&heard[i]);
	return failed;
}
