#!/usr/bin/env bats
# vmstate: the devices that a guest has. What is taken from a real libvirt's XML, and from the object tree of
# the very guest that libvirt made of it, must be the same types; and the tree, what QEMU itself says of it.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	tool_kit
	own_libvirtd
	export SCRATCH
	truncate -s 1M "$SCRATCH"/{a,b,c,d,e}.disk
	truncate -s 128K "$SCRATCH"/code.flash "$SCRATCH"/vars.flash
	echo '{"vmschkmachine": {"Name": "none"}}' >"$SCRATCH/empty"
}

teardown_file() {
	source "$BATS_TEST_DIRNAME/libvirt.bash"
	end_libvirtd
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.." || return
	O=$(cd "${O:-build}" && pwd)
	PATH=$O:$PATH
	DATA=$PWD/tests/data
	export XDG_CACHE_HOME=$SCRATCH/cache
}

teardown() {
	local domain
	for domain in $(virsh -q -c "$uri" list --name); do virsh -q -c "$uri" destroy "$domain"; done
	[ ! -e "$SCRATCH/pid" ] || kill "$(<"$SCRATCH/pid")" || true
	rm -f "$SCRATCH/pid"
}

disk() { echo "<disk type='file' device='${4:-disk}' $3><driver name='qemu' type='raw'/>
	<source file='$SCRATCH/$1.disk'/><target dev='$2' bus='$5'/></disk>"; }
each() { # each BEFORE AFTER WORD...
	local before=$1 after=$2 word
	shift 2
	for word; do echo "$before$word$after"; done
}
head_of() { # NAME QEMU MACHINE
	echo "<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'><name>$1</name>
		<memory unit='MiB'>64</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='$3'>hvm</type>$4</os>"
}

# domain_q35 NAME QEMU: with what needs PCI Express, firmware in flash, and much of virtio.
domain_q35() {
	head_of "$1" "$2" q35 "<loader readonly='yes' type='pflash'>$SCRATCH/code.flash</loader>
		<nvram template='$SCRATCH/vars.flash'>$SCRATCH/$1.nvram</nvram>"
	cat <<-END
		<features><acpi/><vmcoreinfo state='on'/></features>
		<devices><emulator>$2</emulator>
		$(disk a vda '' disk virtio)$(disk b vdb "model='virtio-transitional'" disk virtio)
		$(disk c sda '' disk sata)$(disk d sdb '' cdrom scsi)$(disk e sdc '' disk usb)
		<disk type='file' device='cdrom'><target dev='sdd' bus='sata'/></disk>
		<disk type='file' device='floppy'><target dev='fda' bus='fdc'/></disk>
		<controller type='scsi' model='virtio-scsi'/><controller type='usb' model='qemu-xhci'/><controller type='ccid'/>
		<controller type='pci' index='0' model='pcie-root'/>
		<controller type='pci' index='1' model='pcie-root-port'><model name='ioh3420'/></controller>
		<controller type='pci' index='2' model='pcie-switch-upstream-port'/>
		<controller type='pci' index='3' model='pcie-switch-downstream-port'/>
		<controller type='pci' index='4' model='dmi-to-pci-bridge'/>
		<controller type='pci' index='5' model='pci-bridge'/>
		<controller type='pci' index='6' model='pcie-expander-bus'><target busNr='180'/></controller>
		$(each "<interface type='user'><model type='" "'/></interface>" virtio e1000e virtio-non-transitional)
		<video><model type='virtio' primary='yes'/></video>
		<sound model='ich9'/><audio id='1' type='none'/>
		<watchdog model='i6300esb'/><rng model='virtio'><backend model='builtin'/></rng><memballoon model='virtio'/>
		<input type='tablet' bus='usb'/><input type='keyboard' bus='virtio'/><input type='mouse' bus='virtio'/>
		<serial type='null'/><console type='null'><target type='virtio'/></console>
		<channel type='null'><target type='virtio' name='a.b'/></channel>
		<panic model='isa'/><iommu model='intel'/><hub type='usb'/>
		<redirdev bus='usb' type='unix'><source mode='bind' path='$SCRATCH/$1.redir'/></redirdev>
		<shmem name='$1'><model type='ivshmem-plain'/><size unit='M'>4</size></shmem>
		<graphics type='vnc' socket='$SCRATCH/$1.vnc'/></devices></domain>
	END
}

# domain_pc NAME QEMU: with what is older, and arguments that libvirt does not look into.
domain_pc() {
	head_of "$1" "$2" pc
	cat <<-END
		<features><acpi/><vmport state='off'/></features>
		<clock offset='utc'><timer name='rtc' tickpolicy='catchup'/><timer name='hpet' present='no'/></clock>
		<devices><emulator>$2</emulator>
		$(disk a hda '' disk ide)$(disk b sda '' disk scsi)
		<disk type='file' device='cdrom'><target dev='hdb' bus='ide'/></disk>
		$(for model in lsilogic lsisas1078 lsisas1068 vmpvscsi am53c974 virtio-transitional; do
			echo "<controller type='scsi' index='$((index++))' model='$model'/>"; done)
		<controller type='usb' index='0' model='piix3-uhci'/><controller type='usb' index='1' model='nec-xhci'/>
		<controller type='usb' index='2' model='pci-ohci'/><controller type='usb' index='4' model='ehci'/>
		<controller type='usb' index='3' model='ich9-ehci1'/>
		$(for i in 1 2 3; do echo "<controller type='usb' index='3' model='ich9-uhci$i'><master startport='$((2 * i - 2))'/></controller>"; done)
		<controller type='sata' index='0'/>
		<controller type='virtio-serial' index='0' model='virtio-non-transitional'/>
		<controller type='pci' index='0' model='pci-root'/><controller type='pci' index='1' model='pci-bridge'/>
		<controller type='pci' index='2' model='pci-expander-bus'><target busNr='200'/></controller>
		<interface type='user'/>
		$(each "<interface type='user'><model type='" "'/></interface>" e1000 ne2k_pci pcnet virtio-transitional vmxnet3 i82559er)
		<video><model type='cirrus'/></video>
		<sound model='ich6'><codec type='micro'/><codec type='output'/></sound>
		$(each "<sound model='" "'/>" ac97 es1370 sb16 usb)<audio id='1' type='none'/>
		<watchdog model='ib700'/><rng model='virtio-transitional'><backend model='builtin'/></rng>
		<input type='mouse' bus='usb'/><input type='keyboard' bus='usb'/><input type='tablet' bus='virtio'/>
		$(each "<serial type='null'><target type='" "'/></serial>" pci-serial usb-serial isa-debug)<parallel type='null'/>
		<smartcard mode='passthrough' type='unix'><source mode='bind' path='$SCRATCH/$1.card'/></smartcard>
		<memballoon model='virtio-non-transitional'/>
		<filesystem type='mount' accessmode='passthrough'><source dir='$SCRATCH'/><target dir='x'/></filesystem>
		</devices>
		<qemu:commandline><qemu:arg value='-device'/><qemu:arg value='vmgenid'/><qemu:arg value='-device'/>
		<qemu:arg value='{"driver":"vmcoreinfo"}'/></qemu:commandline></domain>
	END
}

# Types, one a line: an export without devices has none of them.
types() {
	run -0 --separate-stderr vmstate diff "$@" "$SCRATCH/empty" "$SCRATCH/empty"
	[ "$output" = "no difference" ]
	[[ ${stderr_lines[0]} = "vmstate: note: used, but in neither export: "* ]]
	sed 's/.*export: //; s/, /\n/g' <<<"${stderr_lines[0]}"
}

# What QEMU says of its tree, less what is no device. (The list comes from another process.)
types_by_qemu() { # DOMAIN QEMU
	local domain=$1 qemu=$2
	printf '%s\n' '{"execute":"qmp_capabilities"}' \
		'{"execute":"qom-list-types","arguments":{"implements":"device"}}' '{"execute":"quit"}' |
		"$qemu" -M none -nodefaults -display none -qmp stdio 2>/dev/null |
		jq -r '.return[]?.name?' >"$SCRATCH/devices"
	virsh -q -c "$uri" qemu-monitor-command --hmp "$domain" 'info qom-tree /' |
		sed -n 's/.*(\([^()]*\))\r*$/\1/p' | sort -u | LC_ALL=C grep -Fxf "$SCRATCH/devices"
}

same_types() { # SHAPE QEMU
	local shape=$1 qemu=$2 count
	"domain_$shape" "$shape" "$qemu" >"$SCRATCH/$shape.xml"
	virsh -q -c "$uri" create --paused "$SCRATCH/$shape.xml"
	virsh -q -c "$uri" dumpxml "$shape" >"$SCRATCH/running.xml"
	virsh -q -c "$uri" dumpxml --inactive "$shape" >"$SCRATCH/inactive.xml"
	types -g "libvirt:$shape" -c "$uri" >"$SCRATCH/tree"
	types_by_qemu "$shape" "$qemu" | LC_ALL=C sort | diff "$SCRATCH/tree" -
	count=$(wc -l <"$SCRATCH/tree")
	[ "$count" -ge 70 ]
	types --used-by "$SCRATCH/running.xml" | diff "$SCRATCH/tree" -
	types --used-by "$SCRATCH/inactive.xml" | diff "$SCRATCH/tree" -
	virsh -q -c "$uri" destroy "$shape"
}

qemu10() { QEMU10=$(tests/guest/qemu10) || skip "no newer QEMU here"; }

# ---- libvirt's XML and the guest that it makes ----

@test "used: XML and tree of a q35 domain are the same types" {
	same_types q35 "$(command -v qemu-system-x86_64)"
}

@test "used: XML and tree of an i440fx domain are the same types" {
	same_types pc "$(command -v qemu-system-x86_64)"
}

@test "used: XML and tree of domains with a newer QEMU are the same types" {
	qemu10
	same_types q35 "$(realpath "$QEMU10")"
	same_types pc "$(realpath "$QEMU10")"
}

# ---- a guest without libvirt ----

start_guest() {
	qemu-system-x86_64 -accel tcg -M q35 -m 64M -S -display none -nodefaults -qmp "unix:$SCRATCH/qmp,server,nowait" \
		-device qemu-xhci -device usb-tablet -device virtio-scsi-pci -device e1000e 2>"$SCRATCH/log" &
	echo $! >"$SCRATCH/pid"
	for ((i = 0; i < 100; i++)); do
		! qmpctl status -g "$SCRATCH/qmp" >/dev/null 2>&1 || return 0
		sleep 0.1
	done
	return 1
}

libraries() { grep -c '\.so' "/proc/$(<"$SCRATCH/pid")/maps"; }

@test "used: a live guest is only looked at" {
	start_guest
	before=$(libraries)
	types -g "$SCRATCH/qmp" >"$SCRATCH/tree"
	types -g "pid:$(<"$SCRATCH/pid")" | diff "$SCRATCH/tree" -
	[ "$(libraries)" -eq "$before" ] # no modules, as qom-list-types would have it
	[ "$(qmpctl status -g "$SCRATCH/qmp" --json | jq -r .state)" = prelaunch ]
	GUESTSCOPE_GUEST=$SCRATCH/qmp run -0 --separate-stderr vmstate diff "$SCRATCH/empty" "$SCRATCH/empty"
	[[ $stderr != *"used"* ]]
	grep -qx e1000e "$SCRATCH/tree" && grep -qx base-xhci "$SCRATCH/tree" && grep -qx ICH9-LPC "$SCRATCH/tree"
	run -1 grep -E 'irq|memory-region|bus$|IDE' "$SCRATCH/tree"
}

@test "used: check and diff tell of those devices, and no others" {
	start_guest
	A=$DATA/x86_64@7.2.json.xz B=$DATA/x86_64@10.0.json.xz
	types -g "$SCRATCH/qmp" >"$SCRATCH/tree"
	vmstate check --json --fail-on never -g "$SCRATCH/qmp" "$A" "$B" >"$SCRATCH/report"
	jq -r '.devices[].name' "$SCRATCH/report" | LC_ALL=C sort | diff "$SCRATCH/tree" -
	run -1 --separate-stderr vmstate diff --json -g "$SCRATCH/qmp" "$A" "$B"
	[ "$(jq -r '[.changes[]."device-before"] | unique | join(" ")' <<<"$output")" = "e1000e hpet isa-i8259" ]
	# Beside them, what is named besides; no guest but this has one.
	run -1 --separate-stderr vmstate diff --json -g "$SCRATCH/qmp" "$A" "$B" sb16
	[ "$(jq -r '[.changes[]."device-before"] | unique | join(" ")' <<<"$output")" = "e1000e hpet isa-i8259 sb16" ]
}

@test "used: what is in no export is UNKNOWN, and no element of XML is lost" {
	A=$DATA/x86_64@10.0.json.xz
	cat >"$SCRATCH/odd.xml" <<-'END'
		<domain><devices><video><model type='xen'/></video><input type='tablet' bus='usb'/></devices></domain>
	END
	run -1 --separate-stderr vmstate check --fail-on unknown --json --used-by "$SCRATCH/odd.xml" "$A" "$A"
	jq -e '[.findings[].rule] | unique == ["not-in-dump"]' <<<"$output"
	jq -e '[.findings[].verdict] | unique == ["UNKNOWN"]' <<<"$output"
	[[ $output = *"<video><model type='xen'>"* ]]
	echo "usb-tablet # alone" >"$SCRATCH/list"
	run -0 --separate-stderr vmstate check --fail-on unknown --json --used-by "$SCRATCH/list" "$A" "$A"
	echo "no-such-device" >"$SCRATCH/more"
	run -1 vmstate check --fail-on unknown --used-by "$SCRATCH/list" --used-by "$SCRATCH/more" "$A" "$A"
}

@test "used: misuse, and guests that are not there" {
	A=$DATA/x86_64@10.0.json.xz
	run -3 vmstate check -g "$SCRATCH/nowhere" "$A" "$A"
	run -3 vmstate check -g libvirt:nobody -c "$uri" "$A" "$A"
	echo 'two words' >"$SCRATCH/list"
	run -1 vmstate check --used-by "$SCRATCH/list" "$A" "$A"
	[ "$output" = "vmstate: $SCRATCH/list: line 1: expected a type of devices and no more" ]
	: >"$SCRATCH/list"
	run -1 vmstate check --used-by "$SCRATCH/list" "$A" "$A"
	[ "$output" = "vmstate: $SCRATCH/list: no devices in it" ]
	echo '<domainsnapshot/>' >"$SCRATCH/list"
	run -1 vmstate diff --used-by "$SCRATCH/list" "$A" "$A"
	[ "$output" = "vmstate: $SCRATCH/list: domain XML: it begins with <domainsnapshot>, not <domain>" ]
}
