/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Runs a fuzz target on files, so that it needs no fuzzer:
 *
 *	fuzz_json [--mutate N SEED] FILE|FOLDER...
 *
 * With --mutate, each file is followed by N mutations of it that depend on SEED and the file alone.
 * A target that finds something aborts. The input that did it, or that took longer than HANG_S, is
 * then in the file that the last line on stderr names.
 */
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define HANG_S 60
#define CHANGES_MAX 8
#define GROWTH_MAX 4096 /* bytes that mutations may add */

struct input {
	uint8_t *data;
	size_t size, capacity;
};

static struct {
	unsigned long mutations;
	uint64_t seed;
} options;

/* What is being tried, for the handler of a crash. */
static const struct input *current;
static unsigned long run_count;

static void die(const char *what)
{
	perror(what);
	exit(2);
}

/* Leaves the guilty input where it can be replayed. */
static void keep_input(int signal_number)
{
	static const char path[] = "fuzz-crash-input", note[] = "input kept in fuzz-crash-input\n";
	int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);

	if (fd >= 0 && current && write(fd, current->data, current->size) >= 0 &&
	    write(STDERR_FILENO, note, sizeof(note) - 1) >= 0)
		close(fd);
	signal(signal_number, SIG_DFL);
	raise(signal_number);
}

#ifdef __SANITIZE_ADDRESS__
/* A report ends in SIGABRT, so that its input is kept as well. */
const char *__asan_default_options(void);
const char *__asan_default_options(void)
{
	return "abort_on_error=1";
}
#define CRASHES                  \
	{                        \
		SIGABRT, SIGALRM \
	}
#else
#define CRASHES                                           \
	{                                                 \
		SIGABRT, SIGALRM, SIGSEGV, SIGBUS, SIGFPE \
	}
#endif

static void watch_crashes(void)
{
	static const int crashes[] = CRASHES;

	for (size_t i = 0; i < sizeof(crashes) / sizeof(*crashes); i++)
		signal(crashes[i], keep_input);
}

/* splitmix64 */
static uint64_t next_random(uint64_t *state)
{
	uint64_t z = *state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static size_t random_below(uint64_t *state, size_t limit)
{
	return limit ? next_random(state) % limit : 0;
}

/* Numbers that parsers trip over, as @width bytes in either byte order. */
static void put_number(struct input *in, uint64_t *state, size_t at, size_t width)
{
	static const uint64_t numbers[] = {
		0,        1,          0x7f,       0x80,       0xff,           0xfff,
		0x1000,   0x7fffffff, 0x80000000, UINT32_MAX, INT64_MAX,      UINT64_MAX,
		64 << 20, 1ul << 40,  0xfffffff0, 1ul << 52,  UINT64_MAX - 7, (uint64_t)INT64_MIN,
	};
	uint64_t number = numbers[random_below(state, sizeof(numbers) / sizeof(*numbers))];
	bool big_endian = next_random(state) & 1;

	for (size_t i = 0; i < width && at + i < in->size; i++)
		in->data[at + i] = (uint8_t)(number >> 8 * (big_endian ? width - 1 - i : i));
}

static void insert(struct input *in, uint64_t *state, size_t at, size_t size)
{
	size_t from = random_below(state, in->size);

	if (size > in->capacity - in->size)
		size = in->capacity - in->size;
	if (size > in->size - from)
		size = in->size - from;
	memmove(in->data + at + size, in->data + at, in->size - at);
	/* The source may have moved along; any bytes of the input will do. */
	memmove(in->data + at, in->data + from, size);
	in->size += size;
}

static void erase(struct input *in, size_t at, size_t size)
{
	if (size > in->size - at)
		size = in->size - at;
	memmove(in->data + at, in->data + at + size, in->size - at - size);
	in->size -= size;
}

static void change(struct input *in, uint64_t *state)
{
	size_t at = random_below(state, in->size);

	if (!in->size)
		return;
	switch (random_below(state, 7)) {
	case 0:
		in->data[at] ^= (uint8_t)(1 << random_below(state, 8));
		break;
	case 1:
		in->data[at] = (uint8_t)next_random(state);
		break;
	case 2:
		put_number(in, state, at, (size_t)1 << random_below(state, 4));
		break;
	case 3: /* numbers mostly lie on their own alignment */
		put_number(in, state, at & ~(size_t)7, (size_t)4 << random_below(state, 2));
		break;
	case 4:
		insert(in, state, at, 1 + random_below(state, 64));
		break;
	case 5:
		erase(in, at, 1 + random_below(state, 64));
		break;
	default:
		in->size = at;
		break;
	}
}

static void try(const struct input *in)
{
	current = in;
	run_count++;
	alarm(HANG_S);
	LLVMFuzzerTestOneInput(in->data, in->size);
	alarm(0);
	current = NULL;
}

/* An exact copy lets a sanitizer see a read past the end. */
static void try_copy(const struct input *in)
{
	struct input copy = {.data = malloc(in->size ? in->size : 1), .size = in->size};

	if (!copy.data)
		die("malloc");
	memcpy(copy.data, in->data, in->size);
	try(&copy);
	free(copy.data);
}

static void replay(const struct input *original)
{
	struct input in = {.capacity = original->size + GROWTH_MAX};
	uint64_t state = options.seed;

	try_copy(original);
	in.data = malloc(in.capacity);
	if (!in.data)
		die("malloc");
	for (unsigned long i = 0; i < options.mutations; i++) {
		memcpy(in.data, original->data, original->size);
		in.size = original->size;
		for (size_t n = 1 + random_below(&state, CHANGES_MAX); n; n--)
			change(&in, &state);
		try_copy(&in);
	}
	free(in.data);
}

static void replay_file(const char *path, size_t size)
{
	struct input in = {.data = malloc(size ? size : 1)};
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t got = 1;

	if (fd < 0 || !in.data)
		die(path);
	while (got > 0 && in.size < size) {
		got = read(fd, in.data + in.size, size - in.size);
		if (got < 0)
			die(path);
		in.size += (size_t)got;
	}
	close(fd);
	replay(&in);
	free(in.data);
}

static void replay_path(const char *path);

static int is_visible(const struct dirent *entry)
{
	return entry->d_name[0] != '.';
}

/* In the order of names, so that every machine does the same. */
static void replay_folder(const char *path)
{
	struct dirent **entries;
	int count = scandir(path, &entries, is_visible, alphasort);
	char *below;

	if (count < 0)
		die(path);
	for (int i = 0; i < count; i++) {
		if (asprintf(&below, "%s/%s", path, entries[i]->d_name) < 0)
			die("malloc");
		replay_path(below);
		free(below);
		free(entries[i]);
	}
	free(entries);
}

static void replay_path(const char *path)
{
	struct stat st;

	if (stat(path, &st) != 0)
		die(path);
	if (S_ISDIR(st.st_mode))
		replay_folder(path);
	else
		replay_file(path, (size_t)st.st_size);
}

static int usage(const char *name)
{
	fprintf(stderr, "usage: %s [--mutate N SEED] FILE|FOLDER...\n", name);
	return 2;
}

int main(int argc, char **argv)
{
	int i = 1;

	if (argc > 3 && strcmp(argv[1], "--mutate") == 0) {
		options.mutations = strtoul(argv[2], NULL, 0);
		options.seed = strtoull(argv[3], NULL, 0);
		i = 4;
	}
	if (i >= argc)
		return usage(argv[0]);
	watch_crashes();
	for (; i < argc; i++)
		replay_path(argv[i]);
	printf("%lu inputs\n", run_count);
	return 0;
}
