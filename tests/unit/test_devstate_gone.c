/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Devices that one export has and the other one lacks, with what stands beside the dumps: why. */
#include <guestscope/base/text.h>
#include <guestscope/devstate/check.h>

#include "fake_about.h"
#include "fake_devstate.h"

#define auto_state GS_CLEANUP(gs_devstate_destroy)

#define FIELDS(size) ", 'Fields': [" FAKE_FIELD("f", size) "]"

static struct gs_error *note(void *arg, const struct gs_check_finding *finding)
{
	bool is_alone = !finding->type_before || !finding->type_after;

	gs_text_printf(arg, "%s %s. %s\n", gs_check_direction_name(finding->direction),
		       gs_verdict_name(finding->verdict), is_alone ? finding->text : "");
	assert_int_equal(finding->condition.count, finding->verdict == GS_VERDICT_CONDITIONAL);
	return NULL;
}

static struct gs_error *note_device(void *arg, const struct gs_check_device *device)
{
	gs_text_printf(arg, "%s %s %s\n", device->type_before ? device->type_before : "-",
		       gs_verdict_name(device->directions[GS_CHECK_FORWARD].verdict),
		       gs_verdict_name(device->directions[GS_CHECK_BACKWARD].verdict));
	return NULL;
}

/* Of @devices, of which the loader has none, with what is told beside them. */
static void assert_found(const char *devices, const char *loaders, const char *saver_about,
			 const char *loader_about, const char *expected)
{
	auto_state struct gs_devstate *saver = fake_devstate(devices);
	auto_state struct gs_devstate *loader = fake_devstate(loaders);
	auto_about struct gs_about *before = saver_about ? fake_about(saver_about) : NULL;
	auto_about struct gs_about *after = loader_about ? fake_about(loader_about) : NULL;
	const struct gs_check_options options = {.about_before = before, .about_after = after};
	gs_autotext struct gs_text said = {0};
	const struct gs_check_report report = {note, note_device, &said};

	assert_ok(gs_devstate_check(saver, loader, &options, &report));
	assert_string_equal(said.data, expected);
}

static const char one[] = FAKE_EXPORT(FAKE_DEVICE("a", FIELDS("4")));
static const char none[] = "{'vmschkmachine': {'Name': 'none'}}";

#define REAL "{'format': 1, 'types': {'abstract': {}, 'real': {'a': 'device'}}}"
#define ABSTRACT "{'format': 1, 'types': {'abstract': {'a': 'device'}, 'real': {}}}"
#define NOTHING "{'format': 1, 'types': {'abstract': {}, 'real': {}}}"
#define NEW "backward INFO. The saver has no such device: nothing of it is sent.\na "

static void test_why(void **unused)
{
	(void)unused;
	assert_found(one, none, NULL, NULL,
		     "forward CONDITIONAL. The loader has no such device: a load fails if the "
		     "guest uses it.\n" NEW "CONDITIONAL INFO\n");
	assert_found(one, none, REAL, NOTHING,
		     "forward CONDITIONAL. The loader has no such device: a load fails if the "
		     "guest uses it.\n" NEW "CONDITIONAL INFO\n");
	assert_found(
		one, none, REAL, REAL,
		"forward UNKNOWN. The loader has the device, too, but its export describes no "
		"state of it.\nbackward UNKNOWN. The saver has the device, too, but its export "
		"describes no state of it.\na UNKNOWN UNKNOWN\n");
	assert_found(one, none, REAL,
		     "{'format': 1, 'types': {'abstract': {}, 'real': {}, "
		     "'missing': {'a': 'hw-a'}}}",
		     "forward CONDITIONAL. The loader did not find the module hw-a, which has "
		     "this device: a load fails if the guest uses it.\n" NEW "CONDITIONAL INFO\n");
	assert_found(one, none, ABSTRACT, NOTHING,
		     "forward INFO. The loader has no such type, of which no guest has a device: "
		     "it is abstract.\n" NEW "INFO INFO\n");
}

/* A type that is abstract to the saver is nothing that can be saved, whatever is found of it. */
static void test_abstract(void **unused)
{
	static const char other[] = FAKE_EXPORT(FAKE_DEVICE_V("a", "7", "7", FIELDS("8")));

	(void)unused;
	assert_found(one, other, REAL, ABSTRACT,
		     "forward BREAK. \nbackward INFO. \n"
		     "a BREAK INFO\n");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_why),
		cmocka_unit_test(test_abstract),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
