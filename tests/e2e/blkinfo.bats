#!/usr/bin/env bats
# What qmpctl says of disks, on a real domain of a real libvirtd: with --virsh it is to be what virsh
# says at that moment, to the byte, through libvirt and through a second monitor of the same QEMU. A
# Linux guest does the writing.

bats_require_minimum_version 1.5.0

setup_file() {
	source "$BATS_TEST_DIRNAME/guest.bash"
	guest_kit
	if [ "$EUID" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
		skip "a libvirtd of its own takes root, and a mount namespace"
	fi
	export LC_ALL=C SCRATCH XDG_RUNTIME_DIR D=$SCRATCH/disks
	mkdir "$D"
	make_images
	attach_loops
	eval "$(tests/guest/libvirtd "$SCRATCH/libvirt")"
	mkfifo "$SCRATCH/tty.in" "$SCRATCH/tty.out"
	define_domain >"$SCRATCH/domain.xml"
	virsh -q -c "$uri" define "$SCRATCH/domain.xml" >&2
	export uri
}

make_images() {
	truncate -s 64M "$D/sparse"
	head -c 1M /dev/urandom | dd of="$D/sparse" conv=notrunc bs=64K seek=100 status=none
	head -c 8M /dev/urandom >"$D/full"
	head -c 3000001 /dev/urandom >"$D/odd"
	qemu-img create -q -f qcow2 "$D/base.qcow2" 64M
	qemu-io -f qcow2 -c 'write -q -P 3 0 2M' "$D/base.qcow2"
	qemu-img create -q -f qcow2 -b "$D/base.qcow2" -F qcow2 "$D/top.qcow2"
	qemu-img create -q -f qcow2 -o preallocation=full "$D/full.qcow2" 16M
	qemu-img create -q -f qcow2 "$D/empty.qcow2" 64M
	truncate -s 64M "$D/loop1" "$D/loop2" "$D/served"
	qemu-img create -q -f qcow2 "$D/filtered.qcow2" 64M
	qemu-img create -q -f qcow2 -o data_file="$D/data" "$D/apart.qcow2" 64M
	qemu-nbd --fork -t -e 4 --pid-file="$SCRATCH/nbd.pid" -k "$SCRATCH/nbd" -f raw "$D/served" 3>&-
}

# The kernel frees them with the last descriptor, which is this process's: whatever happens to it.
attach_loops() {
	LOOP1=$(losetup -f --show "$D/loop1" 2>/dev/null) || LOOP1=
	[ -z "$LOOP1" ] || LOOP2=$(losetup -f --show "$D/loop2" 2>/dev/null) || LOOP2=
	[ -z "$LOOP1" ] || { exec {held1}<"$LOOP1"; losetup -d "$LOOP1"; }
	[ -z "$LOOP2" ] || { exec {held2}<"$LOOP2"; losetup -d "$LOOP2"; }
	[ -z "$LOOP2" ] || qemu-img create -q -f qcow2 "$LOOP2" 48M
	export LOOP1 LOOP2
}

disk() { # TARGET FORMAT file|dev SOURCE [MORE]
	local type=file
	[ "$3" = file ] || type=block
	cat <<-END
		<disk type='$type' device='disk'><driver name='qemu' type='$2' ${5-}/><source $3='$4'/>
		<target dev='$1' bus='virtio'/></disk>
	END
}

define_domain() {
	cat <<-END
		<domain type='qemu' xmlns:qemu='http://libvirt.org/schemas/domain/qemu/1.0'>
		<name>disks</name><memory unit='MiB'>256</memory><vcpu>1</vcpu>
		<os><type arch='x86_64' machine='pc'>hvm</type>
		<kernel>$(realpath "$KERNEL")</kernel><initrd>$(realpath "$INITRD")</initrd>
		<cmdline>console=ttyS0 gs.fill=none gs.shell</cmdline></os><features><acpi/></features>
		<devices><emulator>$(command -v qemu-system-x86_64)</emulator><memballoon model='none'/>
		<serial type='pipe'><source path='$SCRATCH/tty'/></serial>
		$(disk vda raw file "$D/sparse")
		$(disk vdb raw file "$D/full")
		$(disk vdc raw file "$D/odd")
		$(disk vdd qcow2 file "$D/top.qcow2")
		$(disk vde qcow2 file "$D/full.qcow2")
		$(disk vdf qcow2 file "$D/empty.qcow2")
		$([ -z "$LOOP2" ] || disk vdg raw dev "$LOOP1")
		$([ -z "$LOOP2" ] || disk vdh qcow2 dev "$LOOP2")
		$(disk vdi qcow2 file "$D/filtered.qcow2" "copy_on_read='on'")
		$(disk vdj qcow2 file "$D/apart.qcow2")
		<disk type='network' device='disk'><driver name='qemu' type='raw'/><source protocol='nbd'>
		<host transport='unix' socket='$SCRATCH/nbd'/></source><target dev='vdk' bus='virtio'/></disk>
		<disk type='file' device='cdrom'><target dev='hda' bus='ide'/><readonly/></disk>
		</devices>
		<qemu:commandline><qemu:arg value='-qmp'/>
		<qemu:arg value='unix:$SCRATCH/qmp,server=on,wait=off'/></qemu:commandline>
		</domain>
	END
}

teardown_file() {
	if [ -n "${uri-}" ]; then
		virsh -q -c "$uri" destroy disks 2>/dev/null || true
		kill "$(<"$SCRATCH/libvirt/libvirtd.pid")" "$(<"$SCRATCH/libvirt/virtlogd.pid")"
	fi
	[ ! -e "$SCRATCH/nbd.pid" ] || kill "$(<"$SCRATCH/nbd.pid")" || true
	[ ! -e "$SCRATCH/reader" ] || kill "$(<"$SCRATCH/reader")" 2>/dev/null || true
	rm -rf "$SCRATCH"
}

setup() {
	cd "$BATS_TEST_DIRNAME/../.."
	PATH=$(cd "${O:-build}" && pwd):$PATH
	G=(-g libvirt:disks -c "$uri")
	M=(-g "unix:$SCRATCH/qmp")
}

# ---- states; each goes through those before it ----

# once STATE COMMAND...: unless that was reached already.
once() {
	[ ! -e "$SCRATCH/is-$1" ] || return 0
	"${@:2}" && touch "$SCRATCH/is-$1"
}

started() { once started virsh -q -c "$uri" start --paused disks; }

boot() {
	cat "$SCRATCH/tty.out" >"$SCRATCH/serial" 3>&- &
	echo $! >"$SCRATCH/reader"
	virsh -q -c "$uri" resume disks
	await 'GUEST READY'
}
await() {
	for ((i = 0; i < 600; i++)); do
		! grep -q "$1" "$SCRATCH/serial" 2>/dev/null || return 0
		sleep 0.1
	done
	echo "never on the serial line: $1"
	return 1
}
# 64 KiB at that many MiB, by the guest, on all its disks.
write_at() {
	echo "for d in /dev/vd?; do dd if=/bin/busybox of=\$d bs=64k count=1 seek=$(($1 * 16)) conv=fsync; done; \
		echo WRITTEN-AT-\$(($1))" >"$SCRATCH/tty.in"
	await "^WRITTEN-AT-$1"
}
first_write() { started; once booted boot; once written write_at 0; }
far_write() { first_write; once far write_at 7; }

loops() { [ -n "$LOOP2" ] || skip "no loop devices here"; }

# ---- comparison ----

# told NAME COMMAND...: its output and exit status as files.
told() {
	local status=0
	"${@:2}" >"$SCRATCH/$1.out" 2>"$SCRATCH/$1.err" || status=$?
	sed -i 's/^[a-z]*: //' "$SCRATCH/$1.err" # who complains
	echo "$status" >"$SCRATCH/$1.status"
}
differs() { # A B
	local part
	for part in out err status; do
		diff "$SCRATCH/$1.$part" "$SCRATCH/$2.$part" || return 0
	done
	return 1
}

# same TARGET [OPTION...]: through libvirt and, if it runs, the second monitor, where libvirt's names
# are not known, but those that libvirt gave. What virsh says must not change meanwhile.
same() {
	local target=$1 number
	printf -v number %d "'${target#vd}"
	for ((i = 0; i < 5; i++)); do
		told before virsh -c "$uri" domblkinfo disks "$@"
		told ours qmpctl blk info --virsh "${G[@]}" "$@"
		if [ -e "$SCRATCH/is-started" ]; then
			[ "$target" != hda ] || target=ide0-0-0
			told socket qmpctl blk info --virsh "${M[@]}" "${target/#vd?/virtio-disk$((number - 97))}" "${@:2}"
			[ "$target" != ide0-0-0 ] || sed -i "s/'ide0-0-0'/'hda'/" "$SCRATCH/socket.err"
		else
			told socket cat "$SCRATCH/before.out"
			cp "$SCRATCH/before.err" "$SCRATCH/socket.err"
			cp "$SCRATCH/before.status" "$SCRATCH/socket.status"
		fi
		told after virsh -c "$uri" domblkinfo disks "$@"
		if ! differs before after >/dev/null; then break; fi
	done
	cat "$SCRATCH/before.out" "$SCRATCH/before.err"
	if differs before ours || differs before socket; then false; fi
}
same_table() { # [OPTION...]
	told virsh virsh -c "$uri" domblkinfo disks --all "$@"
	told ours qmpctl blk info --virsh "${G[@]}" --all "$@"
	cat "$SCRATCH/virsh.out"
	[ "$(wc -l <"$SCRATCH/virsh.out")" -gt 8 ]
	if differs virsh ours; then false; fi
}

# What virsh says: the three numbers.
numbers() { virsh -q -c "$uri" domblkinfo disks "$1" | awk '{ print $2 }' | paste -sd ' '; }
ours() { qmpctl blk info "${G[@]}" --json "$1" | jq -c "[.devices[0] | $2]"; }

# ---- off ----

@test "off: a sparse raw file" { same vda; }
@test "off: a full raw file" { same vdb; }
@test "off: a raw file that ends in the middle of a sector" { same vdc; }
@test "off: a backing chain" { same vdd; }
@test "off: a full qcow2 file" { same vde; }
@test "off: an empty qcow2 file" { same vdf; }
@test "off: raw on a loop device" { loops && same vdg; }
@test "off: qcow2 on a loop device" { loops && same vdh; }
@test "off: qcow2 with its data in another file" { same vdj; }
@test "off: an empty drive is exit 1" { same hda && [ "$(<"$SCRATCH/ours.status")" = 1 ]; }
@test "off: no such disk is exit 1" { same vdz && [ "$(<"$SCRATCH/ours.status")" = 1 ]; }
@test "off: by the name of the file" { same "$D/sparse"; }
@test "off: --human" { same vda --human && same vdd --human && same vdc --human; }
@test "off: --all" { same_table; }
@test "off: --all --human" { same_table --human; }

@test "off: by default the numbers say what they are" {
	[ "$(ours vda '.virtual_size, .length, .allocated, .high_water, .image_end, .chain, .written')" = \
		'[67108864,67108864,1048576,null,null,1048576,null]' ]
	[ "$(ours vda '.basis.high_water')" = '["not running"]' ]
	sum=$(($(stat -c '%b * 512 + ' "$D/base.qcow2" "$D/top.qcow2") 0))
	[ "$(ours vdd '.virtual_size, .chain')" = "[67108864,$sum]" ]
	end=$(qemu-img check --output=json "$D/top.qcow2" | jq '."image-end-offset"')
	[ "$(ours vdd '.image_end')" = "[$end]" ]
	[ "$(ours hda '.empty, .allocated, .basis.allocated')" = '[true,null,"the drive is empty"]' ]
	[ -z "$LOOP2" ] || [ "$(ours vdh '.length, .allocated, .image_end')" = \
		"[67108864,null,$(qemu-img check --output=json "$LOOP2" | jq '."image-end-offset"')]" ]
}

@test "off: an image that is not there hides no others" {
	mv "$D/empty.qcow2" "$D/base.qcow2" "$SCRATCH"
	run -1 --separate-stderr qmpctl blk info "${G[@]}" --json
	mv "$SCRATCH/empty.qcow2" "$SCRATCH/base.qcow2" "$D"
	[[ $stderr = *"vdf: $D/empty.qcow2: No such file or directory"*"vdk: storage of type network tells nothing"* ]]
	[ "$(jq -c '[.devices[] | select(.device == "vdf" or .device == "vdd") | .virtual_size, .chain, .basis.chain]' <<<"$output")" = \
		'[67108864,null,"qemu-img cannot read all of the chain",null,null,"it cannot be looked at"]' ]
	qmpctl blk info "${G[@]}" -q >/dev/null # the network's disk is no failure
}

# ---- just started ----

@test "just started: a sparse raw file" { started && same vda; }
@test "just started: a full raw file" { started && same vdb; }
@test "just started: a raw file that ends in the middle of a sector" { started && same vdc; }
@test "just started: a backing chain" { started && same vdd; }
@test "just started: a full qcow2 file" { started && same vde; }
@test "just started: an empty qcow2 file" { started && same vdf; }
@test "just started: raw on a loop device" { loops && started && same vdg; }
@test "just started: qcow2 on a loop device" { loops && started && same vdh; }
@test "just started: qcow2 below a filter" { started && same vdi; }
@test "just started: qcow2 with its data in another file" { started && same vdj; }
@test "just started: raw behind an NBD server" { started && same vdk; }
@test "just started: an empty drive is exit 1" {
	started && same hda && [ "$(<"$SCRATCH/ours.status")" = 1 ]
}
@test "just started: by the name of the file" { started && same "$D/sparse"; }
@test "just started: --human" { started && same vda --human && same vdd --human; }
@test "just started: --all" { started && same_table && same_table --human; }

@test "just started: unknown is not 0" {
	started
	[ "$(ours vda '.length, .allocated, .high_water, .written, .basis.high_water')" = \
		'[67108864,1048576,null,false,"no write since start"]' ]
	loops
	[[ $(numbers vdg) = *' 0 '* ]]
	[ "$(ours vdg '.length, .allocated, .basis.allocated')" = \
		'[67108864,null,"a block device does not tell"]' ]
}

# ---- after the guest's first write ----

@test "first write: a sparse raw file" { first_write && same vda; }
@test "first write: a full raw file" { first_write && same vdb; }
@test "first write: a raw file that ends in the middle of a sector" { first_write && same vdc; }
@test "first write: a backing chain" { first_write && same vdd; }
@test "first write: a full qcow2 file" { first_write && same vde; }
@test "first write: an empty qcow2 file" { first_write && same vdf; }
@test "first write: raw on a loop device" { loops && first_write && same vdg; }
@test "first write: qcow2 on a loop device" { loops && first_write && same vdh; }
@test "first write: qcow2 below a filter" { first_write && same vdi; }
@test "first write: qcow2 with its data in another file" { first_write && same vdj; }
@test "first write: raw behind an NBD server" { first_write && same vdk; }
@test "first write: --all" { first_write && same_table && same_table --human; }

@test "first write: virsh's words change their meaning, our numbers do not" {
	first_write
	[ "$(numbers vda)" = "67108864 65536 $(($(stat -c %b "$D/sparse") * 512))" ]
	[ "$(ours vda '.length, .allocated, .high_water, .written')" = \
		"[67108864,$(($(stat -c %b "$D/sparse") * 512)),65536,true]" ]
}

# ---- after a far write ----

@test "far write: a sparse raw file" { far_write && same vda && [[ $(numbers vda) = *' 7405568 '* ]]; }
@test "far write: a full raw file" { far_write && same vdb; }
@test "far write: a backing chain" { far_write && same vdd; }
@test "far write: an empty qcow2 file" { far_write && same vdf; }
@test "far write: raw on a loop device" { loops && far_write && same vdg; }
@test "far write: qcow2 on a loop device" { loops && far_write && same vdh; }
@test "far write: qcow2 below a filter" { far_write && same vdi; }
@test "far write: qcow2 with its data in another file" { far_write && same vdj; }
@test "far write: raw behind an NBD server" { far_write && same vdk; }
@test "far write: --all" { far_write && same_table && same_table --human; }

# ---- the other commands ----

@test "names: what virsh has all three for is one device" {
	started
	for name in vda virtio-disk0 /machine/peripheral/virtio-disk0/virtio-backend; do
		[ "$(qmpctl blk info "${G[@]}" --json $name | jq -r '.devices[0].device')" = vda ]
	done
	run -1 qmpctl blk info "${G[@]}" vdaa
	[[ $output = *"did you mean 'vda'"* ]]
	run -2 qmpctl blk info "${G[@]}" --human
	run -2 qmpctl blk info "${G[@]}" --all vda
}

@test "list: the backing chain as a tree" {
	started
	qmpctl blk list "${G[@]}" >"$SCRATCH/list"
	cat "$SCRATCH/list"
	grep -A3 '^vdd ' "$SCRATCH/list" | sed -E 's/ +/ /g; s/libvirt-[0-9]+-//g' >"$SCRATCH/tree"
	diff - "$SCRATCH/tree" <<-END
		vdd format qcow2 64 MiB no $D/top.qcow2
		├─file storage file $(grep -A1 '^vdd ' "$SCRATCH/list" | sed -nE 's/.* file +([0-9.]+ [KM]iB).*/\1/p') no $D/top.qcow2
		└─backing format qcow2 64 MiB yes $D/base.qcow2
		 └─file storage file 2.3 MiB $(qmpctl blk list "${G[@]}" --json |
			jq -r --arg f "$D/base.qcow2" '.nodes[] | select(.file == $f and .driver == "file") | if .read_only then "yes" else "no" end') $D/base.qcow2
	END
	grep -qE '^hda .*removable,empty$' "$SCRATCH/list"
	[ "$(qmpctl blk list "${M[@]}" --json | jq -c '[.nodes[] | select(.device == "virtio-disk3") | [.role, .depth]]')" = \
		'[["root",0],["file",1],["backing",1],["file",2]]' ]
}

@test "errors: none, and what would happen" {
	started
	run -0 qmpctl blk errors "${G[@]}"
	[[ $output = *"no errors" ]]
	[ "$(virsh -q -c "$uri" domblkerror disks)" = "No errors found" ]
	[ "$(qmpctl blk errors "${M[@]}" --json | jq -c '.failed, (.devices[0] | [.device, .state, .on_read, .on_write])')" = \
		"$(printf '0\n["virtio-disk0","ok","report","enospc"]')" ]
}

@test "stat: virsh domblkstat's numbers, by libvirt's names, and rates through libvirt" {
	started
	virsh -q -c "$uri" domblkstat disks vda | sed 's/^[^ ]* //; /^errs /d' | sort >"$SCRATCH/virsh.stat"
	[ "$(wc -l <"$SCRATCH/virsh.stat")" -eq 8 ]
	qmpctl blk stat "${G[@]}" vda --json | jq -r '.devices[0] | "rd_req \(.read.operations)", "rd_bytes \(.read.bytes)",
		"wr_req \(.write.operations)", "wr_bytes \(.write.bytes)", "flush_operations \(.flush.operations)",
		"rd_total_times \(.read.total_time_ns)", "wr_total_times \(.write.total_time_ns)",
		"flush_total_times \(.flush.total_time_ns)"' | sort | diff "$SCRATCH/virsh.stat" -
	qmpctl blk stat "${G[@]}" vda --watch=0.2 --count 2 --json | jq -se 'map(.since) == ["start", "previous"] and
		all(.[].devices; length == 1 and .[0].device == "vda" and .[0].target == "vda" and .[0].seconds > 0.1)'
}
