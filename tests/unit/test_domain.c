/* SPDX-License-Identifier: GPL-2.0-or-later */
/* libvirt's domains: what is taken from their XML and what is refused, and which process is theirs.
 */
#include <signal.h>
#include <sys/prctl.h>
#include <sys/wait.h>

#include <guestscope/base/text.h>
#include <guestscope/qmp/libvirt.h>

#include "../../lib/qmp/libvirt.h"
#include "unit.h"

#define HEAD "<domain type='kvm' id='3'>\n<name>vm</name><uuid>u-1</uuid>\n"
#define TAIL "</domain>"

static struct gs_domain_info parse(const char *xml)
{
	struct gs_domain_info info;

	assert_ok(gs_domain_parse(xml, strlen(xml), &info));
	return info;
}

static void assert_refused(const char *xml, const char *message)
{
	struct gs_domain_info info;

	assert_error(gs_domain_parse(xml, strlen(xml), &info), GS_ERROR_CORRUPT, message);
}

static void test_disks(void **state)
{
	static const char xml[] = HEAD
		"<devices><emulator>/usr/bin/qemu</emulator>\n"
		"<disk type='file' device='disk'><driver name='qemu' type='qcow2'/>"
		"<source file='/a &amp; &lt;b&gt;&#x20ac;.qcow2' index='1'/>"
		"<backingStore type='file'><format type='raw'/><source "
		"file='/base'/></backingStore>"
		"<target dev='vda' bus='virtio'/><alias name='virtio-disk0'/></disk>"
		"<disk type='file' device='cdrom'><target dev='sda' bus='sata'/><readonly/></disk>"
		"<disk type='block'><source dev='/dev/sdb'/><target dev='vdb'/></disk>"
		"<disk type='network'><source protocol='rbd' name='pool/image'><host "
		"name='h'/></source>"
		"<target dev='vdc'/></disk>"
		"<disk type='volume'><source pool='p' volume='v'/><target dev='vdd'/></disk>"
		"<disk type='nvme'><source type='pci' namespace='1'/><target dev='vde'/></disk>"
		"<disk type='network'><source protocol='nbd'/><target dev='vdf'/></disk>"
		"<interface><target dev='vnet0'/></interface></devices>" TAIL;
	struct gs_domain_info info = parse(xml);
	const struct gs_domain_disk *d = info.disks;

	(void)state;
	assert_string_equal(info.domain.name, "vm");
	assert_string_equal(info.domain.uuid, "u-1");
	assert_int_equal(info.disk_count, 7);
	assert_string_equal(d[0].target, "vda");
	assert_string_equal(d[0].device, "disk");
	assert_string_equal(d[0].type, "file");
	assert_string_equal(d[0].source, "/a & <b>\xe2\x82\xac.qcow2");
	assert_string_equal(d[0].format, "qcow2");
	assert_string_equal(d[0].alias, "virtio-disk0");
	assert_null(d[0].protocol);
	assert_false(d[0].readonly);
	assert_string_equal(d[1].device, "cdrom");
	assert_null(d[1].source);
	assert_null(d[1].format);
	assert_null(d[1].alias);
	assert_true(d[1].readonly);
	assert_string_equal(d[2].device, "disk");
	assert_string_equal(d[2].source, "/dev/sdb");
	assert_string_equal(d[3].source, "pool/image");
	assert_string_equal(d[3].protocol, "rbd");
	assert_string_equal(d[4].source, "p/v");
	assert_string_equal(d[5].source, "");
	assert_string_equal(d[6].source, "");
	assert_string_equal(d[6].protocol, "nbd");
	gs_domain_info_deinit(&info);
}

/* Foreign elements, and our own where they do not belong, say nothing of the domain. */
static void test_elsewhere(void **state)
{
	struct gs_domain_info info =
		parse("<domain xmlns:x='urn:x'><metadata><x:domain><name>no</name></x:domain>"
		      "<devices><disk><target dev='no'/></disk></devices></metadata>"
		      "<x:name>no</x:name><name><!-- c -->v<![CDATA[<m]]>&gt;</name><name>no</name>"
		      "<uuid>u</uuid><devices><x:disk/><disk x:type='no' type='block'>"
		      "<x:target dev='no'/><target x:dev='no' dev='vda'/><target dev='no'/>"
		      "</disk></devices></domain>");

	(void)state;
	assert_string_equal(info.domain.name, "v<m>");
	assert_int_equal(info.disk_count, 1);
	assert_string_equal(info.disks[0].target, "vda");
	assert_string_equal(info.disks[0].type, "block");
	gs_domain_info_deinit(&info);
}

static void test_hostile(void **state)
{
	(void)state;
	/* Files elsewhere, and billions of laughs. */
	assert_refused("<!DOCTYPE d SYSTEM 'file:///etc/passwd'>" HEAD TAIL,
		       "domain XML: it declares a document type");
	assert_refused("<!DOCTYPE d [<!ENTITY a 'aa'><!ENTITY b '&a;&a;'>]>" HEAD "&b;" TAIL,
		       "domain XML: it declares a document type");
	assert_refused("<!DOCTYPE d [<!ENTITY % p SYSTEM 'http://localhost/'> %p;]>" HEAD TAIL,
		       "domain XML: it declares a document type");
	assert_refused(HEAD "<a>&lol;</a>" TAIL, NULL);
	assert_refused("", NULL);
	assert_refused("text", NULL);
	assert_refused("\xff\xfe<", "domain XML: it is not in UTF-8");
	assert_refused("<domain><name>x</domain>", NULL);
	assert_refused(HEAD TAIL "<domain/>", NULL);
	assert_refused("<domain><name>\xff\xfe</name></domain>", NULL);
	assert_refused("<domain><uuid>u</uuid></domain>", "domain XML: no name of a domain");
	assert_refused("<domain><name>n</name></domain>", "domain XML: no uuid of a domain");
	assert_refused("<network><name>n</name><uuid>u</uuid></network>", NULL);
	assert_refused(HEAD "<devices><disk/></devices>" TAIL, "domain XML: disk 1 has no target");
	assert_refused(HEAD "<devices><disk><target dev='a'/></disk>"
			    "<disk><target dev='a'/></disk></devices>" TAIL,
		       "domain XML: two disks are 'a'");
}

static void test_nul(void **state)
{
	static const char xml[] = "<domain><name>a\0b</name><uuid>u</uuid></domain>";
	struct gs_domain_info info;

	(void)state;
	assert_error(gs_domain_parse(xml, sizeof(xml) - 1, &info), GS_ERROR_CORRUPT, NULL);
}

static void append_times(struct gs_text *t, size_t count, const char *text)
{
	while (count--)
		gs_text_puts(t, text);
}

static void test_limits(void **state)
{
	gs_autotext struct gs_text deep = {0}, wide = {0}, large = {0};

	(void)state;
	gs_text_puts(&deep, HEAD);
	append_times(&deep, 1000, "<a>");
	assert_refused(deep.data, "domain XML: more than 64 elements deep");

	gs_text_puts(&wide, HEAD "<devices>");
	for (int i = 0; i <= 4096; i++)
		gs_text_printf(&wide, "<disk><target dev='%d'/></disk>", i);
	assert_refused(wide.data, "domain XML: more than 4096 disks");

	gs_text_puts(&large, HEAD "<description>");
	append_times(&large, 1 << 18, "0123456789abcdef");
	assert_refused(large.data, NULL);
}

/* An attribute's value is a slice of the whole text: none but its own bytes are taken. */
static void test_longest(void **state)
{
	gs_autotext struct gs_text xml = {0};
	struct gs_domain_info info;

	(void)state;
	gs_text_puts(&xml, HEAD "<devices><disk><target dev='");
	append_times(&xml, 1 << 16, "0123456789abcdef");
	gs_text_puts(&xml, "'/></disk></devices>" TAIL);
	info = parse(xml.data);
	assert_int_equal(strlen(info.disks[0].target), 16 << 16);
	gs_domain_info_deinit(&info);
}

/* libvirt's own test driver needs no daemon; it has no QEMU, either. */
static void test_not_qemu(void **state)
{
	struct gs_domain *domains;
	size_t count;

	(void)state;
#ifdef GS_HAVE_LIBVIRT
	assert_error(
		gs_libvirt_list("test:///default", true, gs_deadline_in(10000), &domains, &count),
		GS_ERROR_UNSUPPORTED, "libvirt's domains: no QEMU here, but TEST");
	assert_error(gs_libvirt_list("qemu+unix:///system?socket=/nowhere", true,
				     gs_deadline_in(10000), &domains, &count),
		     GS_ERROR_UNREACHABLE, NULL);
#else
	assert_error(gs_libvirt_list(NULL, true, gs_deadline_in(10000), &domains, &count),
		     GS_ERROR_UNSUPPORTED, NULL);
#endif
}

/* ---- processes ---- */

#define UUID_SIZE 48

/* This program, with the words that libvirt would give a QEMU; with @forks, and a child of its own.
 */
static pid_t pretend(const char *uuid, bool forks)
{
	int ready[2];
	char byte;
	pid_t pid;

	assert_int_equal(pipe(ready), 0);
	pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL); /* also if the test fails */
		dup2(ready[1], STDOUT_FILENO);
		close(ready[0]);
		close(ready[1]);
		execl("/proc/self/exe", "qemu", "-uuid", uuid, forks ? "forks" : NULL, NULL);
		_exit(127);
	}
	close(ready[1]);
	assert_int_equal(read(ready[0], &byte, 1), 1);
	close(ready[0]);
	return pid;
}

/* What pretend() starts: it says that it is there, and waits for its end, and its child for that.
 */
static int be_a_qemu(bool forks)
{
	pid_t parent = getpid();

	if (forks && fork() == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		if (getppid() != parent)
			return 0;
	}
	if (getpid() != parent || !forks)
		return write(STDOUT_FILENO, "", 1) == 1 ? pause() : 1;
	return pause();
}

static void end(pid_t pid)
{
	kill(pid, SIGKILL);
	waitpid(pid, NULL, 0);
}

static void test_processes(void **state)
{
	char uuid[UUID_SIZE];
	pid_t one, other;

	(void)state;
	snprintf(uuid, sizeof(uuid), "guestscope-test-%d", (int)getpid());
	assert_int_equal(gs_qmp_find_domain(uuid), 0);
	one = pretend(uuid, true);
	assert_int_equal(gs_qmp_find_domain(uuid), one);
	other = pretend(uuid, false);
	assert_int_equal(gs_qmp_find_domain(uuid), 0);
	end(other);
	assert_int_equal(gs_qmp_find_domain(uuid), one);
	end(one);
}

int main(int argc, char **argv)
{
	(void)argv;
	if (argc > 1)
		return be_a_qemu(argc > 3);
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(test_disks),    cmocka_unit_test(test_elsewhere),
		cmocka_unit_test(test_hostile),  cmocka_unit_test(test_nul),
		cmocka_unit_test(test_limits),   cmocka_unit_test(test_longest),
		cmocka_unit_test(test_not_qemu), cmocka_unit_test(test_processes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
