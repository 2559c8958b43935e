#!/usr/bin/env bats
# blk list, blk info and blk errors on disks that take no libvirt. (Beside virsh: e2e/blkinfo.bats.)

load qmpctl.bash

# A guest with one of each: a throttled chain under a filter, a node that nobody uses, a drive by
# name, one without a medium, and a node without a format.
launch_disks() {
	truncate -s 8M plain other
	qemu-img create -q -f qcow2 base.qcow2 8M
	qemu-img create -q -f qcow2 -b base.qcow2 -F qcow2 top.qcow2
	launch_idle a -drive file=plain,format=raw,if=none,id=by-name -device virtio-blk,drive=by-name \
		-object throttle-group,id=slow -blockdev driver=qcow2,node-name=top,file.driver=file,file.filename=top.qcow2 \
		-blockdev driver=throttle,node-name=slowed,throttle-group=slow,file=top \
		-device virtio-scsi -device scsi-hd,drive=slowed,id=sd0 \
		-drive if=none,media=cdrom,id=cd0 -device scsi-cd,drive=cd0,id=tray \
		-blockdev driver=null-co,node-name=spare,size=1048576,read-zeroes=on \
		-blockdev driver=file,node-name=bare,filename=other,read-only=on -device virtio-blk,drive=bare,id=bare0
}

rows() { "$Q" blk list --json | jq -c ".nodes[] | $1"; }

@test "list: devices, filters, chains, nodes that nobody uses" {
	launch_disks
	diff - <(rows '[.device, .role, .depth, .driver]') <<-END
		["by-name","root",0,"raw"]
		["by-name","file",1,"file"]
		["tray","root",0,null]
		["sd0","root",0,"throttle"]
		["sd0","file",1,"qcow2"]
		["sd0","file",2,"file"]
		["sd0","backing",2,"qcow2"]
		["sd0","file",3,"file"]
		["bare0","root",0,"file"]
		[null,"node",0,"null-co"]
	END
	"$Q" blk list >list
	width=$(head -n 1 list | sed 's/NODE.*//' | wc -c)
	LC_ALL=C.UTF-8
	while IFS= read -r line; do echo "${line:0:width-1}"; done <list | sed 's/ *$//' >tree
	diff - tree <<-END
		DEVICE
		by-name
		└─file
		tray
		sd0
		└─file
		  ├─file
		  └─backing
		    └─file
		bare0
		node
	END
}

@test "list: flags and settings" {
	launch_disks
	"$Q" exec block-dirty-bitmap-add node=top name=b
	"$Q" exec block_set_io_throttle id=/machine/peripheral/bare0/virtio-backend bps:=0 bps_rd:=0 bps_wr:=0 iops:=100 iops_rd:=0 iops_wr:=0 >/dev/null
	run -0 "$Q" blk list
	echo "$output"
	[[ $(grep ' top ' <<<"$output") = *'1 bitmap'* ]]
	[[ $(grep '^tray ' <<<"$output") = *'removable,empty'* ]]
	[ "$(rows 'select(.node == "top") | .dirty_bitmaps[0].name, .cache, .detect_zeroes, .size')" = \
		"$(printf '"b"\n"writeback"\n"off"\n8388608')" ]
	[[ $(grep '^bare0 ' <<<"$output") = *throttled* ]]
	[ "$(rows 'select(.device == "bare0") | .throttle.iops')" = 100 ]
	[ "$(rows 'select(.device != "bare0") | .throttle' | uniq)" = null ]
}

@test "list: deeper than a tree can be drawn" {
	nodes=(-blockdev driver=null-co,node-name=n0,read-zeroes=on)
	for i in $(seq 100); do nodes+=(-blockdev "driver=raw,node-name=n$i,file=n$((i - 1))"); done
	launch_idle a "${nodes[@]}"
	[ "$(rows .depth | tail -n 1)" = 100 ]
	[ "$("$Q" blk list | wc -l)" = 102 ]
}

# Writes its second disk's first sector, which fails:
#	xor ax,ax; mov es,ax; mov ax,0x301; mov bx,0x7e00; mov cx,1; mov dx,0x81; int 0x13; hlt; jmp .-1
make_writer() {
	printf '\x31\xc0\x8e\xc0\xb8\x01\x03\xbb\x00\x7e\xb9\x01\x00\xba\x81\x00\xcd\x13\xf4\xeb\xfd' >writer
	truncate -s 510 writer
	printf '\x55\xaa' >>writer
	truncate -s 1M writer
}

@test "errors: a disk whose storage is full, and what QEMU did" {
	make_writer
	launch --name a -- -drive file=writer,format=raw,if=none,id=w -device virtio-blk,drive=w,bootindex=0 \
		-blockdev driver=blkdebug,node-name=full,image.driver=null-co,image.size=1048576,image.read-zeroes=on,inject-error.0.event=none,inject-error.0.iotype=write,inject-error.0.errno=28 \
		-device virtio-blk,drive=full,id=full0,rerror=stop,bootindex=1 -device virtio-scsi \
		-device scsi-hd,drive=none,id=lax,werror=ignore,rerror=report -blockdev driver=null-co,node-name=none,size=1048576,read-zeroes=on
	"$Q" wait --for io-error --timeout 20
	run -0 "$Q" blk errors
	echo "$output"
	[ "$(grep '^full0 ' <<<"$output" | tr -s ' ' | cut -d ' ' -f 1-4)" = 'full0 nospace stop enospc' ]
	[ "$(grep '^lax ' <<<"$output" | tr -s ' ' | cut -d ' ' -f 1-4)" = 'lax - report ignore' ]
	[ "${lines[-1]}" = '1 of 3 disks failed' ]
	[ "$("$Q" blk errors --json | jq -c '[.failed, (.devices[] | select(.state == "nospace") | .device)]')" = '[1,"full0"]' ]
	[[ $("$Q" blk list | grep '^full0 ') = *nospace* ]]
}
