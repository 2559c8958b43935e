/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The types of devices that a guest has: lists of them, libvirt's XML, and the tree of a live one.
 */
#include <guestscope/base/text.h>
#include <guestscope/qmp/device_types.h>

#include "../../lib/qmp/domain_parts.h"
#include "../../lib/qmp/domain_rules.h"
#include "fake_qmp.h"

/* All names, separated by blanks; empties the set. */
static const char *take_names(struct gs_device_types *types)
{
	static char line[8192];
	size_t size = 0;

	line[0] = '\0';
	for (size_t i = 0; i < types->count; i++)
		size += (size_t)snprintf(line + size, sizeof(line) - size, "%s%s", i ? " " : "",
					 types->names[i]);
	assert_true(size < sizeof(line));
	gs_device_types_deinit(types);
	return line;
}

/* ---- sets and lists ---- */

static void test_set(void **state)
{
	static const char *const names[] = {"b", "a", "c", "a", "b", "aa"};
	struct gs_device_types types = {0};
	char name[16];

	(void)state;
	assert_false(gs_device_types_has(&types, "a"));
	for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
		assert_ok(gs_device_types_add(&types, names[i]));
	assert_true(gs_device_types_has(&types, "aa"));
	assert_false(gs_device_types_has(&types, "ab"));
	assert_string_equal(take_names(&types), "a aa b c");

	for (size_t i = 0; i < GS_DEVICE_TYPES_MAX; i++) {
		snprintf(name, sizeof(name), "%zu", i);
		assert_ok(gs_device_types_add(&types, name));
	}
	assert_ok(gs_device_types_add(&types, "7"));
	assert_error(gs_device_types_add(&types, "x"), GS_ERROR_INVALID,
		     "more than 16384 types of devices");
	gs_device_types_deinit(&types);
}

static struct gs_error *parse(const char *text, struct gs_device_types *types)
{
	return gs_device_types_parse(text, strlen(text), types);
}

static void test_lists(void **state)
{
	struct gs_device_types types = {0};
	char longest[258];

	(void)state;
	assert_ok(parse("", &types));
	assert_ok(parse("\n# nothing\n \t\r\n", &types));
	assert_int_equal(types.count, 0);
	assert_ok(parse("e1000e\r\n\n  hpet # a timer\n#x\nVGA", &types));
	assert_ok(parse("hpet\nfsl,imx6+b_c.d-e", &types));
	assert_string_equal(take_names(&types), "VGA e1000e fsl,imx6+b_c.d-e hpet");

	assert_error(parse("a\n\nb c\n", &types), GS_ERROR_CORRUPT,
		     "line 3: expected a type of devices and no more");
	assert_error(parse("{\"a\": 1}", &types), GS_ERROR_CORRUPT, NULL);
	assert_error(gs_device_types_parse("a\0b", 3, &types), GS_ERROR_CORRUPT, NULL);
	memset(longest, 'x', sizeof(longest));
	assert_ok(gs_device_types_parse(longest, 255, &types));
	assert_error(gs_device_types_parse(longest, 256, &types), GS_ERROR_CORRUPT, NULL);
	gs_device_types_deinit(&types);
}

/* ---- the rules themselves ---- */

static void check_test(const char *rule, const char *test, const char *end)
{
	const char *equals = memchr(test, '=', (size_t)(end - test));

	if (!equals || equals == test || (!memchr(test, '@', (size_t)(equals - test))))
		fail_msg("%s: no test: %s", rule, test);
}

static void check_condition(const char *condition, const char *end)
{
	const char *rule = condition, *colon;

	condition += *condition == '!';
	if (*condition != '/') {
		check_test(rule, condition, end);
		return;
	}
	colon = memchr(condition, ':', (size_t)(end - condition));
	if (!colon)
		fail_msg("no ':' in %s", rule);
	for (const char *test = colon + 1; test < end;) {
		const char *comma = memchr(test, ',', (size_t)(end - test));

		check_test(rule, test, comma ? comma : end);
		test = comma ? comma + 1 : end;
	}
}

static void check_type(const struct gs_domain_rule *rule, const char *type, const char *end)
{
	gs_autotext struct gs_text name = {0};

	for (; type < end; type++) {
		if (*type == '{') {
			const char *close = memchr(type, '}', (size_t)(end - type));

			if (!close ||
			    (type[1] == '/' && !memchr(type, ':', (size_t)(close - type))))
				fail_msg("%s: %s", rule->path, rule->types);
			type = close;
		} else if (*type != '%') {
			gs_text_append(&name, type, 1);
		}
	}
	if (name.size && !gs_device_types_is_name(name.data, name.size))
		fail_msg("%s: %s", rule->path, rule->types);
}

static void test_rules(void **state)
{
	const char *done = NULL;

	(void)state;
	for (const struct gs_domain_rule *rule = gs_domain_rules; rule->path; rule++) {
		const char *word = rule->when, *end;

		if (done && strcmp(done, rule->path) == 0)
			fail_msg("%s: %s is never reached", rule->path, rule->when);
		for (; *word; word = *end ? end + 1 : end) {
			end = word + strcspn(word, " ");
			check_condition(word, end);
		}
		word = rule->types ? rule->types : "";
		if (!*rule->when && *word != '+')
			done = rule->path;
		for (word += *word == '+'; *word; word = *end ? end + 1 : end) {
			end = word + strcspn(word, " ");
			check_type(rule, word, end);
		}
	}
}

/* ---- libvirt's XML ---- */

#define MACHINE(type, arch, machine) \
	"<domain type='" type "'><os><type arch='" arch "' machine='" machine "'>hvm</type></os>"

/* What @devices adds to a domain of x86. */
static void assert_x86(const char *devices, const char *expected)
{
	struct gs_device_types bare = {0}, types = {0}, more = {0};
	gs_autofree char *xml = gs_strf(MACHINE("qemu", "x86_64", "q35") "%s</domain>", devices);

	assert_ok(parse(MACHINE("qemu", "x86_64", "q35") "</domain>", &bare));
	assert_ok(parse(xml, &types));
	for (size_t i = 0; i < types.count; i++) {
		if (!gs_device_types_has(&bare, types.names[i]))
			assert_ok(gs_device_types_add(&more, types.names[i]));
	}
	assert_string_equal(take_names(&more), expected);
	gs_device_types_deinit(&bare);
	gs_device_types_deinit(&types);
}

static void test_devices(void **state)
{
	/* What takes another host, or another libvirt, than the tests with real ones have. */
	static const char *const devices[][2] = {
		{"<disk type='vhostuser'><target dev='vda' bus='virtio'/></disk>",
		 "vhost-user-blk vhost-user-blk-pci"},
		{"<disk type='block' device='lun'><target dev='sda' bus='scsi'/></disk>",
		 "scsi-block"},
		{"<disk type='file' device='cdrom' model='usb-bot'><target dev='sda' "
		 "bus='usb'/></disk>",
		 "scsi-cd usb-bot"},
		{"<disk type='file'><target dev='sda' bus='sd'/></disk>", "sd-card"},
		{"<controller type='nvme'/><disk type='file'><target dev='a' bus='nvme'/></disk>",
		 "nvme nvme-ns"},
		{"<controller type='scsi' model='dc390'/>", "dc390 esp"},
		{"<interface type='hostdev'><model type='virtio'/></interface>", "vfio-pci"},
		{"<interface type='user'><model type='igb'/></interface>", "igb igbvf"},
		{"<video><model type='virtio' primary='yes'><acceleration accel3d='yes'/></model>"
		 "</video>",
		 "virtio-gpu-gl-device virtio-vga-gl"},
		{"<video><driver name='vhostuser'/><model type='virtio' primary='yes'/></video>",
		 "vhost-user-gpu vhost-user-vga"},
		{"<video><model type='qxl' primary='yes'/></video><video><model "
		 "type='qxl'/></video>",
		 "qxl qxl-vga"},
		{"<sound model='virtio'/>", "virtio-sound-device virtio-sound-pci"},
		{"<smartcard mode='host'/>", "ccid-card-emulated"},
		{"<hostdev mode='subsystem' type='pci'/><hostdev mode='subsystem' type='usb'/>",
		 "usb-host vfio-pci"},
		{"<hostdev mode='subsystem' type='mdev' model='vfio-pci' ramfb='on'/>",
		 "vfio-pci-nohotplug"},
		{"<hostdev mode='subsystem' type='scsi'/>", "scsi-generic"},
		{"<hostdev mode='subsystem' type='scsi_host' model='virtio-transitional'/>",
		 "vhost-scsi vhost-scsi-pci-transitional"},
		{"<vsock model='virtio'/>", "vhost-vsock-device vhost-vsock-pci"},
		{"<filesystem><driver type='virtiofs'/></filesystem>",
		 "vhost-user-fs-device vhost-user-fs-pci"},
		{"<tpm model='tpm-tis'/>", "tpm-tis"},
		{"<tpm model='tpm-crb'/>", "tpm-crb"},
		{"<memory model='virtio-mem'/><memory model='nvdimm'/>",
		 "nvdimm virtio-mem virtio-mem-pci"},
		{"<panic model='pvpanic'/>", "pvpanic-pci"},
		{"<input type='passthrough' bus='virtio'/>",
		 "virtio-input-host-device virtio-input-host-pci"},
		{"<rng model='virtio'><address type='ccw'/></rng>",
		 "virtio-rng-ccw virtio-rng-device"},
		{"<rng model='virtio'><address type='virtio-mmio'/></rng>",
		 "virtio-mmio virtio-rng-device"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		gs_autofree char *xml = gs_strf("<devices>%s</devices>", devices[i][0]);

		assert_x86(xml, devices[i][1]);
	}
}

/* What has no rule is told. */
static void test_unknown(void **state)
{
	static const char *const devices[][2] = {
		{"<video><model type='xen' vram='1'/></video>", "<video><model type='xen'>"},
		{"<frobnicator mode='x' name='n'/>", "<frobnicator mode='x'>"},
		{"<disk type='file' device='disk'><target dev='xvda' bus='xen'/></disk>",
		 "<disk type='file' device='disk'><target bus='xen'>"},
		{"<rng model='virtio'><address type='weird'/></rng>",
		 "<rng model='virtio'> virtio-rng-device"},
		{"<controller type='usb' model='a&#10;b'/>", "<controller type='usb' "
							     "model='a\nb'>"},
		{"<interface/><console><target type='xen'/></console>",
		 "<console><target type='xen'> rtl8139"},
	};

	(void)state;
	for (size_t i = 0; i < sizeof(devices) / sizeof(*devices); i++) {
		gs_autofree char *xml = gs_strf("<devices>%s</devices>", devices[i][0]);

		assert_x86(xml, devices[i][1]);
	}
	/* Beside devices, only what is known counts. */
	assert_x86("<metadata><a><b/></a></metadata><vcpu/><features><pae/></features>", "");
	assert_x86("<cpu mode='host-model'/>", "<cpu mode='host-model'>");
}

static void test_passed_arguments(void **state)
{
#define ARG(value) "<qemu:arg value='" value "'/>"
#define PASSED(args)                                                                      \
	MACHINE("qemu", "x86_64", "q35")                                                  \
	"<qemu:commandline xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>" args \
	"</qemu:commandline></domain>"
	struct gs_device_types types = {0};

	(void)state;
	assert_ok(parse(PASSED(ARG("-device") ARG("lsi,id=x") ARG("-device") ARG(
				"{\"driver\":\"virtio-net\",\"id\":\"y\"}") ARG("-nic") ARG("user")
				       ARG("-device") ARG("driver=edu") ARG("-global")
					       ARG("-device") ARG("odd name")),
			&types));
	assert_true(gs_device_types_has(&types, "lsi53c895a"));
	assert_true(gs_device_types_has(&types, "virtio-net-pci"));
	assert_true(gs_device_types_has(&types, "virtio-net-device"));
	assert_true(gs_device_types_has(&types, "edu"));
	assert_true(gs_device_types_has(&types, "<qemu:arg value='-nic'>"));
	assert_true(gs_device_types_has(&types, "<qemu:device driver='odd name'>"));
	gs_device_types_deinit(&types);
	assert_error(parse(PASSED(ARG("-device") ARG("{")), &types), GS_ERROR_CORRUPT, NULL);
	gs_device_types_deinit(&types);
}

static void test_machines(void **state)
{
	struct gs_device_types types = {0};

	(void)state;
	assert_ok(parse(
		MACHINE("kvm", "x86_64", "pc-i440fx-rhel7.6.0") "<cpu mode='maximum'/></domain>",
		&types));
	assert_string_equal(take_names(&types),
			    "PIIX3 fw_cfg_io hpet i440FX i440FX-pcihost i8042 i8257 isa-fdc "
			    "isa-pcspk kvm-apic kvm-i8259 kvm-ioapic kvm-pit kvmclock kvmvapic "
			    "max-x86_64-cpu mc146818rtc piix3-ide port92 ps2-kbd ps2-mouse vmmouse "
			    "vmport");
	assert_ok(
		parse(MACHINE("qemu", "s390x",
			      "s390-ccw-virtio-7.2") "<cpu><model>qemu</model></cpu><devices><rng "
						     "model='virtio'/></devices></domain>",
		      &types));
	assert_string_equal(take_names(&types),
			    "qemu-s390x-cpu s390-flic-qemu s390-ipl s390-pcihost "
			    "s390-sclp-event-facility s390-skeys-qemu s390-storage_attributes-qemu "
			    "s390-tod-qemu sclp sclp-cpu-hotplug sclpquiesce virtio-rng-ccw "
			    "virtio-rng-device virtual-css-bridge");
	/* Not known whole: what is known, and that more is not. */
	assert_ok(parse(MACHINE("kvm", "aarch64", "virt") "</domain>", &types));
	assert_true(gs_device_types_has(&types, "pl011"));
	assert_true(gs_device_types_has(&types, "<type machine='virt'>"));
	gs_device_types_deinit(&types);
	assert_ok(parse(MACHINE("qemu", "sparc", "SS-5") "</domain>", &types));
	assert_string_equal(take_names(&types), "<type machine='SS-5'>");
	assert_ok(parse("\xef\xbb\xbf\n <domain/>", &types)); /* says nothing at all */
	gs_device_types_deinit(&types);
}

static void test_hostile_xml(void **state)
{
	struct gs_device_types types = {0};
	gs_autotext struct gs_text xml = {0};

	(void)state;
	assert_error(parse("<domstatus><domain/></domstatus>", &types), GS_ERROR_CORRUPT,
		     "domain XML: it begins with <domstatus>, not <domain>");
	assert_error(parse("<domain>", &types), GS_ERROR_CORRUPT, NULL);
	assert_error(parse("<!DOCTYPE a><domain/>", &types), GS_ERROR_CORRUPT,
		     "domain XML: it declares a document type");
	gs_text_puts(&xml, "<domain><devices><disk");
	for (int i = 0; i < GS_DOMAIN_FACTS_MAX; i++)
		gs_text_printf(&xml, " a%d=''", i);
	gs_text_puts(&xml, "/></devices></domain>");
	assert_error(parse(xml.data, &types), GS_ERROR_CORRUPT,
		     "domain XML: more than 65536 elements and attributes");
	gs_device_types_deinit(&types);
}

/* Long names are nothing of libvirt's, and what is in them nothing that is known. */
static void test_long_names(void **state)
{
	gs_autofree char *name = gs_strf("%0*d", GS_DOMAIN_PATH_SIZE, 0);
	gs_autofree char *xml = NULL;
	struct gs_domain_parts parts;

	(void)state;
	*name = 'n';
	xml = gs_strf(
		"<domain><devices><disk><%s a='1'><b c='2'/></%s><target dev='a' bus='x' %s='1'/>"
		"</disk></devices><os/></domain>",
		name, name, name);
	assert_ok(gs_domain_parse_parts(xml, strlen(xml), &parts));
	assert_int_equal(parts.count, 4);
	assert_string_equal(parts.items[2].path, "devices/disk");
	assert_int_equal(parts.items[2].count, 2);
	assert_string_equal(parts.items[2].facts[1], "target/@bus=x");
	assert_string_equal(parts.items[3].path, "os");
	gs_domain_parts_deinit(&parts);
}

/* ---- a live guest ---- */

#define HAS(name, type) "{\"name\": \"" name "\", \"type\": \"" type "\"}"
#define DEVICE HAS("realized", "bool") "," HAS("hotplugged", "bool")

static const struct {
	const char *path, *properties;
} tree[] = {
	{"/", HAS("machine", "child<q35>") "," HAS("objects", "child<container>")},
	{"/machine", HAS("type", "string") "," HAS("a", "child<dev-a>")},
	{"/objects", HAS("ram", "child<memory-region>") "," HAS("gone", "child<dev-c>")},
	{"/machine/a", DEVICE "," HAS("bus", "child<bus-b>") "," HAS("b", "child<dev-b>")},
	{"/machine/a/bus", HAS("realized", "bool") "," HAS("link", "link<dev-d>")},
	{"/machine/a/b", DEVICE "," HAS("odd", "child<")},
};

/* Answers by the tree; what is not in it has just gone. */
static void serve_tree(struct fake *f)
{
	fake_greet(f);
	while (fake_read(f)) {
		bool found = false;
		char path[64];

		for (size_t i = 0; !found && i < sizeof(tree) / sizeof(*tree); i++) {
			snprintf(path, sizeof(path), "\"path\":\"%s\"}", tree[i].path);
			found = strstr(f->request, path);
			if (found)
				fake_send(f, "{\"return\": [%s], \"id\": %s}\r\n",
					  tree[i].properties, f->id);
		}
		if (!found)
			fake_send(f,
				  "{\"id\": %s, \"error\": {\"class\": \"DeviceNotFound\", "
				  "\"desc\": \"gone\"}}\r\n",
				  f->id);
	}
}

static void test_live(void **state)
{
	struct gs_device_types types = {0};
	struct fake f;
	struct gs_qmp *qmp;

	(void)state;
	fake_start(&f, serve_tree);
	qmp = fake_connect();
	assert_ok(gs_device_types_query(qmp, &types));
	assert_string_equal(take_names(&types), "dev-a dev-b");
	gs_qmp_close(qmp);
	fake_join(&f);
}

/* What each object is answered for; then whatever is asked gets an empty answer. */
static const char *endless;

static void serve_endless(struct fake *f)
{
	fake_greet(f);
	while (fake_read(f) && strstr(f->request, "qom-list"))
		fake_send(f, "{\"return\": [%s], \"id\": %s}\r\n", endless, f->id);
	fake_return(f, "{}");
	fake_await_close(f);
}

static void assert_tree_refused(const char *answer, enum gs_error_code code, const char *message)
{
	struct gs_device_types types = {0};
	struct fake f;
	struct gs_qmp *qmp;

	endless = answer;
	fake_start(&f, serve_endless);
	qmp = fake_connect();
	assert_error(gs_device_types_query(qmp, &types), code, message);
	/* The session is as it was: answers that nobody waits for do not fill it. */
	assert_ok(gs_qmp_simple(qmp, "stop"));
	gs_qmp_close(qmp);
	fake_join(&f);
	gs_device_types_deinit(&types);
}

static void test_hostile_tree(void **state)
{
	gs_autofree char *deep = gs_strf("{\"name\": \"%0100d\", \"type\": \"child<a>\"}", 0);
	gs_autotext struct gs_text wide = {0};

	(void)state;
	assert_tree_refused(HAS("a", "child<a>"), GS_ERROR_CORRUPT,
			    "the guest's tree of objects: it is more than 64 objects deep");
	assert_tree_refused(deep, GS_ERROR_CORRUPT,
			    "the guest's tree of objects: it has a path of more than 1024 bytes");
	gs_text_puts(&wide, HAS("a", "child<a>"));
	for (int i = 0; i < 1 << 16; i++)
		gs_text_puts(&wide, "," HAS("a", "child<a>"));
	assert_tree_refused(wide.data, GS_ERROR_CORRUPT,
			    "the guest's tree of objects: it has more than 65536 objects");
	assert_tree_refused("1", GS_ERROR_PROTOCOL,
			    "the guest's tree of objects: qom-list: a property of / without name "
			    "or type");
	assert_tree_refused("{\"name\": \"x\"}", GS_ERROR_PROTOCOL, NULL);
}

/* Any other error than that it is gone is one. */
static void serve_refusal(struct fake *f)
{
	fake_greet(f);
	if (fake_expect(f, "qom-list"))
		fake_send(f,
			  "{\"id\": %s, \"error\": {\"class\": \"CommandNotFound\", \"desc\": "
			  "\"no\"}}\r\n",
			  f->id);
	fake_await_close(f);
}

static void test_refused(void **state)
{
	struct gs_device_types types = {0};
	struct fake f;
	struct gs_qmp *qmp;

	(void)state;
	fake_start(&f, serve_refusal);
	qmp = fake_connect();
	assert_error(gs_device_types_query(qmp, &types), GS_ERROR_REFUSED, NULL);
	gs_qmp_close(qmp);
	fake_join(&f);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_set),
		cmocka_unit_test(test_lists),
		cmocka_unit_test(test_rules),
		cmocka_unit_test(test_devices),
		cmocka_unit_test(test_unknown),
		cmocka_unit_test(test_passed_arguments),
		cmocka_unit_test(test_machines),
		cmocka_unit_test(test_hostile_xml),
		cmocka_unit_test(test_long_names),
		unit_test_in_scratch(test_live),
		unit_test_in_scratch(test_hostile_tree),
		unit_test_in_scratch(test_refused),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
