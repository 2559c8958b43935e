/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What comes of it when one saves and the other loads: subsections, and boards without versions. */
#include "fake_check.h"

#define X F("x", "4")

static void test_gone(void **unused)
{
	(void)unused;
	check(SUBSECTIONS(X, SUB("a/s", F("y", "4")) "," SUB("a/t", F("y", "4"))),
	      SUBSECTIONS(X, SUB("a/t", F("y", "4"))),
	      "CONDITIONAL if [a/s]; CONDITIONAL a/[a/s]:subsection-gone if [a/s] @0",
	      "INFO; INFO a/[a/s]:subsection-new");
}

static void test_order(void **unused)
{
	(void)unused;
	check(SUBSECTIONS(X, SUB("a/s", F("y", "4")) "," SUB("a/t", F("z", "4"))),
	      SUBSECTIONS(X, SUB("a/t", F("z", "4")) "," SUB("a/s", F("y", "4"))), "OK", "OK");
}

static void test_field(void **unused)
{
	(void)unused;
	check(SUBSECTIONS(X, SUB("a/s", F("y", "4"))),
	      SUBSECTIONS(X, SUB("a/s", F("y", "4") "," FC("z", "1"))),
	      "CONDITIONAL if [a/s] & loader's z; "
	      "CONDITIONAL a/[a/s]/z:field-unsent if [a/s] & loader's z @4",
	      "CONDITIONAL if [a/s] & saver's z; "
	      "CONDITIONAL a/[a/s]/z:field-left if [a/s] & saver's z @4");
}

/* Its version is in the stream: 8 bits of it are kept. */
static void test_version(void **unused)
{
	(void)unused;
	check_with(SUBSECTIONS(X, DESCRIBED("a/s", "257", "0", F("y", "4"), "")),
		   SUBSECTIONS(X, DESCRIBED("a/s", "1", "0", F("y", "4"), "")), NULL, "OK", "OK");
	check(SUBSECTIONS(X, DESCRIBED("a/s", "1", "0", F("y", "4"), "")),
	      SUBSECTIONS(X, DESCRIBED("a/s", "2", "0", F("y", "4"), "")), "OK",
	      "CONDITIONAL if [a/s]; CONDITIONAL a/[a/s]:version-above if [a/s] @0");
}

/* The first one takes both: well, if they are the same. */
static void test_duplicate(void **unused)
{
	const char *two = SUBSECTIONS(X, SUB("a/s", F("y", "4")) "," SUB("a/s", F("y", "2")));

	(void)unused;
	check_with(two, two, NULL,
		   "CONDITIONAL if [a/s]; CONDITIONAL a/[a/s]/y:field-size if [a/s] @0",
		   "CONDITIONAL if [a/s]; CONDITIONAL a/[a/s]/y:field-size if [a/s] @0");
}

static void test_prefix(void **unused)
{
	const char *other = SUBSECTIONS(X, SUB("b/s", F("y", "4")));
	const char *own = SUBSECTIONS(X, SUB("a/s", F("y", "4")) "," SUB("a/sx", F("y", "4")));

	(void)unused;
	check_with(other, other, NULL,
		   "CONDITIONAL if [b/s]; CONDITIONAL a/[b/s]:subsection-prefix if [b/s] @0",
		   "CONDITIONAL if [b/s]; CONDITIONAL a/[b/s]:subsection-prefix if [b/s] @0");
	/* What is sent before it takes it for its own. */
	check_with(
		own, own, NULL,
		"CONDITIONAL if [a/s] & [a/sx]; CONDITIONAL a/[a/sx]:subsection-prefix if [a/s] & "
		"[a/sx] @0",
		"CONDITIONAL if [a/s] & [a/sx]; CONDITIONAL a/[a/sx]:subsection-prefix if [a/s] & "
		"[a/sx] @0");
}

/* A struct's are behind it, in place. */
static void test_struct(void **unused)
{
	(void)unused;
	check(FIELDS(STRUCTC("s", DESCRIBED("t", "1", "1", X,
					    ", 'Subsections': [" SUB("t/u", F("y", "4")) "]"))),
	      FIELDS(STRUCTC("s", SUB("t", X))),
	      "CONDITIONAL if s & [t/u]; CONDITIONAL a/s/[t/u]:subsection-gone if s & [t/u] @0",
	      "INFO; INFO a/s/[t/u]:subsection-new");
}

/* ---- boards without versions ---- */

static void test_unversioned(void **unused)
{
	struct gs_check_options strict = {.strict = true};
	const char *before = TELLING(FAKE_DEVICE("npcm7xx-adc", ", 'Fields': [" X "]") ",");
	const char *after =
		TELLING(FAKE_DEVICE("npcm7xx-adc", ", 'Fields': [" X "," F("y", "1") "]") ",");

	(void)unused;
	check(before, after, "INFO; INFO npcm7xx-adc/y:field-unsent @4",
	      "INFO; INFO npcm7xx-adc/y:field-left @4");
	check_with(before, after, &strict, "BREAK; BREAK npcm7xx-adc/y:field-unsent @4",
		   "BREAK; BREAK npcm7xx-adc/y:field-left @4");
}

/* What versioned machines have is not let off. */
static void test_versioned(void **unused)
{
	static const char *const types[] = {"pl011",
					    "pl031",
					    "pl061",
					    "arm-gicv3",
					    "arm-smmuv3",
					    "arm_gic",
					    "cfi.pflash01",
					    "gpex-pcihost",
					    "virtio-mem",
					    "e1000e",
					    "spapr-pci-host-bridge",
					    "sclpconsole",
					    "ICH9-LPC"};

	(void)unused;
	for (size_t i = 0; i < sizeof(types) / sizeof(*types); i++)
		assert_false(gs_devstate_is_unversioned(types[i]));
	assert_true(gs_devstate_is_unversioned("aspeed.i2c-ast2600"));
	assert_true(gs_devstate_is_unversioned("imx.fec"));
	assert_true(gs_devstate_is_unversioned("lan9118"));
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_gone),      cmocka_unit_test(test_order),
		cmocka_unit_test(test_field),     cmocka_unit_test(test_version),
		cmocka_unit_test(test_duplicate), cmocka_unit_test(test_prefix),
		cmocka_unit_test(test_struct),    cmocka_unit_test(test_unversioned),
		cmocka_unit_test(test_versioned),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
