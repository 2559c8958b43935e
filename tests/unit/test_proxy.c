/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The proxy between clients that do as they please and a monitor that says what a test tells it to:
 * ids, order, names of descriptors, what is answered without the monitor, and who is dropped.
 */
#include "fake_qmp.h"

#include <ctype.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/proxy.h>

#define SHARED_PATH "./shared"
#define VERSION "{\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, \"package\": \"fake\"}"

struct shared {
	struct fake fake;
	struct gs_qmp *qmp;
	struct gs_proxy_listener listener;
	struct gs_proxy_options options;
	struct gs_error *outcome;
	pthread_t thread;
};

/* What the monitor was asked since the proxy began, a line each; read it after the end. */
static struct gs_text asked;
static int gate = -1; /* the monitor stands still at "gate" until this is readable */

static void *run_proxy(void *arg)
{
	struct shared *s = arg;

	s->outcome = gs_proxy_run(s->qmp, s->listener.fd, &s->options);
	return NULL;
}

static void begin(struct shared *s, void (*serve)(struct fake *f), struct gs_proxy_options options)
{
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = SHARED_PATH};

	gs_text_clear(&asked);
	*s = (struct shared){.options = options};
	s->options.stop_fd = eventfd(0, EFD_CLOEXEC);
	fake_start(&s->fake, serve);
	s->qmp = fake_connect();
	assert_ok(gs_proxy_listen(&address, false, &s->listener));
	assert_int_equal(pthread_create(&s->thread, NULL, run_proxy, s), 0);
}

/* How the proxy ended. */
static enum gs_error_code end(struct shared *s)
{
	uint64_t one = 1;
	enum gs_error_code code;

	assert_int_equal(write(s->options.stop_fd, &one, sizeof(one)), sizeof(one));
	pthread_join(s->thread, NULL);
	code = s->outcome ? s->outcome->code : 0;
	gs_error_destroy(s->outcome);
	gs_proxy_listener_close(&s->listener);
	gs_qmp_close(s->qmp);
	fake_join(&s->fake);
	close(s->options.stop_fd);
	return code;
}

/* ---- the monitor ---- */

static void note(const char *line)
{
	gs_text_puts(&asked, line);
	gs_text_puts(&asked, "\n");
}

static void start_serving(struct fake *f)
{
	fake_greet(f);
	if (fake_expect(f, "query-version"))
		fake_return(f, VERSION);
}

static bool starts(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

static bool asks(const struct fake *f, const char *command)
{
	char start[128];

	snprintf(start, sizeof(start), "{\"execute\":\"%s\"", command);
	return starts(f->request, start);
}

static void wait_at_gate(void)
{
	uint64_t count;

	(void)!read(gate, &count, sizeof(count));
}

static void open_gate(void)
{
	uint64_t one = 1;

	(void)!write(gate, &one, sizeof(one));
}

/* The reply to "fail" speaks of the argument "str". */
static void send_failure(struct fake *f)
{
	const char *str = strstr(f->request, "\"str\":\"") + 7;

	fake_send(f, "{\"id\": %s, \"error\": {\"class\": \"X\", \"desc\": \"'%.*s'?\"}}\r\n",
		  f->id, (int)strcspn(str, "\""), str);
}

/* Returns what it was asked, numbers and all. */
static void serve_echo(struct fake *f)
{
	start_serving(f);
	while (fake_read(f)) {
		note(f->request);
		if (asks(f, "gate"))
			wait_at_gate();
		if (asks(f, "event"))
			fake_send(f, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}\r\n");
		if (asks(f, "fail"))
			send_failure(f);
		else
			fake_return(f, f->request);
	}
}

/* ---- a client ---- */

/* What has come from each descriptor and was not heard yet. */
static struct gs_text heard[256];

static int dial_only(void)
{
	struct sockaddr_un address = {.sun_family = AF_UNIX, .sun_path = SHARED_PATH};
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	assert_in_range(fd, 0, 255);
	gs_text_clear(&heard[fd]);
	assert_int_equal(connect(fd, (struct sockaddr *)&address, sizeof(address)), 0);
	return fd;
}

static void tell(int fd, const char *text)
{
	assert_int_equal(send(fd, text, strlen(text), MSG_NOSIGNAL), strlen(text));
}

/* The next line without its end; "" at the end of the connection. Static. */
static const char *hear(int fd)
{
	static char line[65536], chunk[65536];
	struct gs_text *text = &heard[fd];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	const char *eol;
	size_t size;

	while (!(eol = text->size ? memchr(text->data, '\n', text->size) : NULL)) {
		ssize_t got;

		if (poll(&p, 1, FAKE_PATIENCE_MS) <= 0)
			fail_msg("the proxy says nothing");
		got = recv(fd, chunk, sizeof(chunk), 0);
		if (got <= 0)
			return "";
		gs_text_append(text, chunk, (size_t)got);
	}
	size = (size_t)(eol - text->data);
	snprintf(line, sizeof(line), "%.*s", (int)size - 1, text->data);
	memmove(text->data, eol + 1, text->size - size - 1);
	text->size -= size + 1;
	return line;
}

#define assert_hears(fd, text) assert_string_equal(hear(fd), text)

static void assert_hears_part(int fd, const char *part)
{
	const char *line = hear(fd);

	if (!strstr(line, part))
		fail_msg("heard %s, not %s", line, part);
}

static void assert_silent(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	assert_int_equal(heard[fd].size, 0);
	assert_int_equal(poll(&p, 1, 50), 0);
}

static int dial(void)
{
	int fd = dial_only();

	assert_hears(
		fd,
		"{\"QMP\": {\"version\": {\"qemu\": {\"micro\": 22, \"minor\": 2, \"major\": 7}, "
		"\"package\": \"fake\"}, \"capabilities\": [], \"guestscope-proxy\": true}}");
	tell(fd, "{\"execute\": \"qmp_capabilities\"}");
	assert_hears(fd, "{\"return\": {}}");
	return fd;
}

static void tell_with_fds(int fd, const char *text, int count)
{
	union {
		struct cmsghdr align;
		char bytes[CMSG_SPACE(4 * sizeof(int))];
	} control = {0};
	struct iovec part = {.iov_base = (char *)text, .iov_len = strlen(text)};
	struct msghdr message = {.msg_iov = &part,
				 .msg_iovlen = 1,
				 .msg_control = &control,
				 .msg_controllen = CMSG_SPACE((size_t)count * sizeof(int))};
	int fds[4];

	control.align.cmsg_level = SOL_SOCKET;
	control.align.cmsg_type = SCM_RIGHTS;
	control.align.cmsg_len = CMSG_LEN((size_t)count * sizeof(int));
	for (int i = 0; i < count; i++)
		fds[i] = memfd_create("passed", MFD_CLOEXEC);
	memcpy(CMSG_DATA(&control.align), fds, (size_t)count * sizeof(int));
	assert_int_equal(sendmsg(fd, &message, MSG_NOSIGNAL), strlen(text));
	for (int i = 0; i < count; i++)
		close(fds[i]);
}

/* ---- ids and order ---- */

static void test_ids(void **state)
{
	static const char *const ids[] = {
		"1",    "18446744073709551616",       "1.10", "1e3",  "-0",          "null",
		"true", "{\"a\": [1, {\"b\": 1.0}]}", "[]",   "\"\"", "\"\\u00fc\"",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	for (size_t i = 0; i < sizeof(ids) / sizeof(*ids); i++) {
		gs_autofree char *request = gs_strf("{\"id\": %s, \"execute\": \"x\"}", ids[i]);
		gs_autofree char *end_of_reply = gs_strf(", \"id\": %s}", ids[i]);
		const char *line;

		tell(fd, request);
		line = hear(fd);
		assert_true(strlen(line) > strlen(end_of_reply));
		assert_string_equal(line + strlen(line) - strlen(end_of_reply), end_of_reply);
	}
	close(fd);
	assert_int_equal(end(&s), 0);
}

/* Without its id, which is the session's. */
static void assert_echo(int fd, const char *request, const char *behind)
{
	gs_autofree char *start = gs_strf("{\"return\": %s, \"id\": \"gs-", request);
	const char *line = hear(fd), *tail = strchr(line + strlen(start), '"');

	assert_true(starts(line, start));
	assert_non_null(tail);
	assert_string_equal(tail, behind);
}

static void test_exact_and_in_order(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"one\", \"arguments\": {\"n\": 18446744073709551615, \"m\": 1.10}}"
		"{\"execute\": \"two\", \"id\": 7}\r\n{\"execute\": \"event\"}");
	assert_echo(
		a,
		"{\"execute\": \"one\", \"arguments\": {\"n\": 18446744073709551615, \"m\": 1.10}",
		"\"}}");
	assert_echo(a, "{\"execute\": \"two\"", "\"}, \"id\": 7}");
	/* An event comes to all, and to the asker before the reply that followed it. */
	assert_hears(a, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}");
	assert_echo(a, "{\"execute\": \"event\"", "\"}}");
	assert_hears(b, "{\"event\": \"E\", \"data\": {\"n\": 1.10}}");
	/* Members stay where they are. */
	tell(b, "{\"execute\": \"fail\", \"arguments\": {\"str\": \"x\"}, \"id\": 1}");
	assert_hears(b, "{\"id\": 1, \"error\": {\"class\": \"X\", \"desc\": \"'x'?\"}}");
	close(a);
	close(b);
	assert_int_equal(end(&s), 0);
}

/* Who has not negotiated gets no events. */
static void test_events_after_negotiation(void **state)
{
	struct shared s;
	int early, other;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	early = dial_only();
	assert_hears_part(early, "QMP");
	other = dial();
	tell(other, "{\"execute\": \"event\"}");
	assert_hears_part(other, "\"event\"");
	assert_hears_part(other, "\"return\"");
	tell(early, "{\"execute\": \"qmp_capabilities\"}");
	assert_hears(early, "{\"return\": {}}");
	close(early);
	close(other);
	assert_int_equal(end(&s), 0);
}

#define GREEDY 8
#define MUCH 50

/* Those with much to ask do not keep others from asking. */
static void test_turns(void **state)
{
	struct shared s;
	int greedy[GREEDY], modest, before = 0;

	(void)state;
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	for (int i = 0; i < GREEDY; i++)
		greedy[i] = dial();
	modest = dial();
	tell(greedy[0], "{\"execute\": \"gate\"}");
	for (int i = 0; i < GREEDY * MUCH; i++)
		tell(greedy[i / MUCH], "{\"execute\": \"much\"}");
	tell(modest, "{\"execute\": \"little\"}");
	assert_silent(modest);
	open_gate();
	assert_hears_part(modest, "little");
	assert_hears_part(greedy[0], "gate");
	for (int i = 0; i < GREEDY * MUCH; i++)
		assert_hears_part(greedy[i / MUCH], "much");
	for (int i = 0; i < GREEDY; i++)
		close(greedy[i]);
	close(modest);
	assert_int_equal(end(&s), 0);
	for (const char *at = asked.data; !starts(at, "{\"execute\":\"little"); at++)
		before += starts(at, "{\"execute\":\"much");
	assert_in_range(before, 0, 2 * GREEDY);
	close(gate);
}

/* ---- what is answered without the monitor ---- */

static void test_negotiation(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial_only();
	hear(fd);
	tell(fd, "{\"execute\": \"query-status\", \"id\": 1}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"CommandNotFound\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": [\"oob\"]}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": 1}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"x\": []}}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\"");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"arguments\": {\"enable\": []}, \"id\": 2}");
	assert_hears(fd, "{\"return\": {}, \"id\": 2}");
	tell(fd, "{\"execute\": \"qmp_capabilities\", \"id\": 3}");
	assert_hears_part(fd, "{\"error\": {\"class\": \"CommandNotFound\"");
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_int_equal(asked.size, 0);
}

static void test_forbidden(void **state)
{
	static const char *const requests[] = {
		"{\"execute\": \"quit\"}",
		"{\"execute\": \"human-monitor-command\", "
		"\"arguments\": {\"command-line\": \"\\t quit\"}}",
		"{\"execute\": \"human-monitor-command\", \"arguments\": {\"command-line\": "
		"\"q/\"}}",
		"{\"execute\": \"yank\", \"arguments\": {\"instances\": "
		"[{\"type\": \"migration\"}, {\"type\": \"chardev\", \"id\": \"m\"}]}}",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	for (size_t i = 0; i < sizeof(requests) / sizeof(*requests); i++) {
		tell(fd, requests[i]);
		assert_hears_part(fd, "does not allow");
	}
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_int_equal(asked.size, 0);

	begin(&s, serve_echo, (struct gs_proxy_options){.allow_quit = true});
	fd = dial();
	tell(fd, requests[0]);
	assert_hears_part(fd, "\"return\"");
	close(fd);
	assert_int_equal(end(&s), 0);
}

static void test_garbage(void **state)
{
	static const char *const garbage[] = {
		"]",
		"nonsense ",
		"12 ",
		"[1]",
		"{]",
		"{\"a\" 1}",
		"{\"a\": \"\x80\"}",
		"\xff",
		"{\"a\": \"\xff",
		"{\"a\": 1, \"a\": 2}",
		"{'execute': 'x'}",
		"{\"a\": \"\\u0000\"}",
	};
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){.request_max = 1000});
	fd = dial();
	for (size_t i = 0; i < sizeof(garbage) / sizeof(*garbage); i++) {
		tell(fd, garbage[i]);
		assert_hears_part(fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": ");
		tell(fd, "{\"execute\": \"fine\"}");
		assert_hears_part(fd, "{\"return\": {\"execute\": \"fine\"");
	}
	tell(fd, "{\"execute\": \"");
	for (int i = 0; i < 500; i++)
		tell(fd, "0123456789");
	tell(fd, "\"}{\"execute\": \"fine\"}");
	assert_hears_part(fd, "more than 1000 bytes");
	assert_hears_part(fd, "{\"return\": {\"execute\": \"fine\"");
	close(fd);
	assert_int_equal(end(&s), 0);
	assert_null(strstr(asked.data, "nonsense"));
	assert_int_equal(s.fake.resets, 0);
}

/* ---- descriptors ---- */

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

/* ---- those who leave, and those who hang ---- */

/* Again and again: what nobody waits for any more takes nobody's place. */
static void test_leaves_in_flight(void **state)
{
	struct shared s;
	int other;

	(void)state;
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	other = dial();
	for (int i = 0; i < 6; i++) {
		int fd = dial();

		tell(fd, "{\"execute\": \"gate\", \"id\": 1}{\"execute\": \"never\"}"
			 "{\"execute\": \"never\"}");
		assert_silent(fd);
		tell(other, "{\"execute\": \"after\", \"id\": 1}");
		close(fd);
		assert_silent(other);
		open_gate();
		assert_hears_part(other, "{\"return\": {\"execute\": \"after\"");
	}
	close(other);
	assert_int_equal(end(&s), 0);
	assert_null(strstr(asked.data, "never"));
	close(gate);
}

static void test_half_closed(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"one\"}{\"execute\": \"two\"}{\"execute\": \"qmp_capabilities\"}");
	shutdown(fd, SHUT_WR);
	assert_hears_part(fd, "one");
	assert_hears_part(fd, "two");
	assert_hears_part(fd, "CommandNotFound");
	assert_hears(fd, "");
	close(fd);
	assert_int_equal(end(&s), 0);
}

#define FLOOD 50

static void serve_flood(struct fake *f)
{
	char padding[1024];

	memset(padding, 'x', sizeof(padding));
	start_serving(f);
	while (fake_read(f)) {
		for (int i = 0; i < FLOOD && asks(f, "flood"); i++)
			fake_send(f, "{\"event\": \"E%d\", \"data\": {\"x\": \"%.*s\"}}\r\n", i,
				  (int)sizeof(padding), padding);
		fake_return(f, "{}");
	}
}

/* Who reads gets every event; who does not is dropped, and reads what there was. */
static void test_backlog(void **state)
{
	struct shared s;
	int reader, sleeper, count = 0;

	(void)state;
	begin(&s, serve_flood, (struct gs_proxy_options){.backlog_max = 100000});
	reader = dial();
	sleeper = dial();
	for (int round = 0; round < 80; round++) {
		tell(reader, "{\"execute\": \"flood\"}");
		for (int i = 0; i < FLOOD; i++) {
			gs_autofree char *start = gs_strf("{\"event\": \"E%d\",", i);

			assert_true(starts(hear(reader), start));
		}
		assert_hears(reader, "{\"return\": {}}");
	}
	while (*hear(sleeper))
		count++;
	assert_in_range(count, 1, 80 * FLOOD - 1);
	close(reader);
	close(sleeper);
	assert_int_equal(end(&s), 0);
}

/* It asks and asks, and reads nothing: no more is taken from it than its socket holds. */
static void test_never_reads(void **state)
{
	static const char request[] = "{\"execute\": \"something of some length\"}";
	struct shared s;
	int sleeper, other;
	ssize_t sent;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	sleeper = dial();
	other = dial();
	do {
		struct pollfd p = {.fd = sleeper, .events = POLLOUT};

		if (poll(&p, 1, 200) == 0)
			break;
		sent = send(sleeper, request, strlen(request), MSG_DONTWAIT | MSG_NOSIGNAL);
		if (sent > 0 && sent < (ssize_t)strlen(request))
			break;
	} while (sent >= 0 || errno == EAGAIN);
	tell(other, "{\"execute\": \"x\"}");
	assert_hears_part(other, "\"x\"");
	close(sleeper);
	close(other);
	assert_int_equal(end(&s), 0);
}

static void test_client_max(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){.client_max = 1});
	a = dial();
	b = dial_only();
	assert_silent(b);
	close(a);
	assert_hears_part(b, "QMP");
	close(b);
	assert_int_equal(end(&s), 0);
}

/* ---- the monitor's faults ---- */

static void serve_misunderstanding(struct fake *f)
{
	start_serving(f);
	if (!fake_expect(f, "odd"))
		return;
	fake_send(f, FAKE_PARSE_ERROR);
	fake_recover(f);
	if (fake_expect(f, "fine"))
		fake_return(f, "{}");
	fake_await_close(f);
}

/* What QEMU does not understand is the asker's all the same, with its id. */
static void test_misunderstanding(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_misunderstanding, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"odd\", \"id\": \"mine\"}");
	assert_hears(
		fd, "{\"error\": {\"class\": \"GenericError\", \"desc\": \"JSON parse error, stray "
		    "input\"}, \"id\": \"mine\"}");
	tell(fd, "{\"execute\": \"fine\"}");
	assert_hears(fd, "{\"return\": {}}");
	close(fd);
	assert_int_equal(end(&s), 0);
}

#define BIG (512 * 1024)

/*
 * Says that the first request was not understood while it has yet to read most of the second, so
 * that the way to ask what it meant is blocked.
 */
static void serve_misunderstanding_late(struct fake *f)
{
	int pending = 0;

	start_serving(f);
	if (!fake_expect(f, "odd"))
		return;
	while (pending < 64 * 1024)
		(void)ioctl(f->fd, FIONREAD, &pending);
	fake_send(f, FAKE_PARSE_ERROR "{\"event\": \"SEEN\"}\r\n");
	wait_at_gate();
	if (fake_read(f))
		fake_return(f, "{}");
	fake_recover(f);
	fake_await_close(f);
}

static void test_misunderstanding_late(void **state)
{
	gs_autofree char *big = malloc(BIG + 1), *request = NULL;
	struct shared s;
	int a, b;

	(void)state;
	memset(big, 'x', BIG);
	big[BIG] = '\0';
	request = gs_strf("{\"execute\": \"big\", \"arguments\": {\"x\": \"%s\"}}", big);
	gate = eventfd(0, EFD_CLOEXEC);
	begin(&s, serve_misunderstanding_late, (struct gs_proxy_options){0});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"odd\", \"id\": 1}");
	tell(b, request);
	assert_hears(a, "{\"event\": \"SEEN\"}");
	assert_hears(b, "{\"event\": \"SEEN\"}");
	open_gate();
	assert_hears(b, "{\"return\": {}}");
	assert_hears_part(a, "\"desc\": \"JSON parse error, stray input\"}, \"id\": 1}");
	close(a);
	close(b);
	assert_int_equal(end(&s), 0);
	close(gate);
}

static void serve_end(struct fake *f)
{
	start_serving(f);
	if (fake_read(f)) {
		fake_send(f, "{\"event\": \"SHUTDOWN\"}\r\n");
		fake_return(f, "{}");
	}
}

static void test_end(void **state)
{
	struct shared s;
	int a, b;

	(void)state;
	begin(&s, serve_end, (struct gs_proxy_options){.allow_quit = true});
	a = dial();
	b = dial();
	tell(a, "{\"execute\": \"quit\"}");
	assert_hears(a, "{\"event\": \"SHUTDOWN\"}");
	assert_hears(a, "{\"return\": {}}");
	assert_hears(a, "");
	assert_hears(b, "{\"event\": \"SHUTDOWN\"}");
	assert_hears(b, "");
	close(a);
	close(b);
	assert_int_equal(end(&s), GS_ERROR_GONE);
}

static void serve_sudden_end(struct fake *f)
{
	start_serving(f);
	(void)fake_read(f);
}

/* Nothing is made up: each client draws its own conclusions. */
static void test_sudden_end(void **state)
{
	struct shared s;
	int fd;

	(void)state;
	begin(&s, serve_sudden_end, (struct gs_proxy_options){0});
	fd = dial();
	tell(fd, "{\"execute\": \"x\"}");
	assert_hears(fd, "");
	close(fd);
	assert_int_equal(end(&s), GS_ERROR_GONE);
}

/* The process at the other end is not QEMU, and our own sessions know. */
static void test_mark(void **state)
{
	struct gs_qmp_address address = {.kind = GS_QMP_UNIX, .path = SHARED_PATH};
	struct gs_qmp *qmp = NULL;
	struct shared s;
	int version[3];

	(void)state;
	begin(&s, serve_echo, (struct gs_proxy_options){0});
	assert_ok(gs_qmp_connect(&address, NULL, &qmp));
	gs_qmp_version(qmp, version);
	assert_int_equal(version[0], 7);
	assert_int_equal(version[2], 22);
	assert_int_equal(gs_qmp_peer_pid(qmp), 0);
	gs_qmp_close(qmp);
	assert_int_equal(end(&s), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		unit_test_in_scratch(test_ids),
		unit_test_in_scratch(test_exact_and_in_order),
		unit_test_in_scratch(test_events_after_negotiation),
		unit_test_in_scratch(test_turns),
		unit_test_in_scratch(test_negotiation),
		unit_test_in_scratch(test_forbidden),
		unit_test_in_scratch(test_garbage),
		unit_test_in_scratch(test_names),
		unit_test_in_scratch(test_name_in_error),
		unit_test_in_scratch(test_leftovers),
		unit_test_in_scratch(test_leftover_in_flight),
		unit_test_in_scratch(test_fds_without_takers),
		unit_test_in_scratch(test_one_fd_at_a_time),
		unit_test_in_scratch(test_leaves_in_flight),
		unit_test_in_scratch(test_half_closed),
		unit_test_in_scratch(test_backlog),
		unit_test_in_scratch(test_never_reads),
		unit_test_in_scratch(test_client_max),
		unit_test_in_scratch(test_misunderstanding),
		unit_test_in_scratch(test_misunderstanding_late),
		unit_test_in_scratch(test_end),
		unit_test_in_scratch(test_sudden_end),
		unit_test_in_scratch(test_mark),
	};
	int failed = cmocka_run_group_tests(tests, NULL, NULL);

	gs_text_deinit(&asked);
	for (size_t i = 0; i < 256; i++)
		gs_text_deinit(&heard[i]);
	return failed;
}
