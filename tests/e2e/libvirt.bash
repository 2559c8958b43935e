# What the tests with a libvirtd share; beside guest.bash.
# shellcheck shell=bash

# A libvirtd of the test's own, below $SCRATCH/libvirt; $uri is where. Skips the test where that cannot be.
own_libvirtd() {
	if [ "$EUID" -ne 0 ] || ! unshare --mount true 2>/dev/null; then
		skip "a libvirtd of its own takes root, and a mount namespace"
	fi
	eval "$(tests/guest/libvirtd "$SCRATCH/libvirt")"
	export uri
}

end_libvirtd() {
	[ -n "${uri-}" ] || return 0
	kill -CONT "$(<"$SCRATCH/libvirt/libvirtd.pid")" # a failed test may have left it so
	for domain in $(virsh -q -c "$uri" list --name); do virsh -q -c "$uri" destroy "$domain" || true; done
	kill "$(<"$SCRATCH/libvirt/libvirtd.pid")" "$(<"$SCRATCH/libvirt/virtlogd.pid")"
}

# What the machine's own libvirt has; where there is none, the folder that it would have.
system_libvirt() {
	if [ -S /run/libvirt/libvirt-sock ]; then
		virsh -q -c qemu:///system list --all --uuid | sort
	else
		find /run/libvirt -printf '%p %s %T@\n' 2>/dev/null | sort
	fi
}

# Bridges and the like have the command line of the tool that began them, which names the scratch folder.
of_ours() {
	local pid comm
	for pid in $(pgrep -f "$SCRATCH"); do
		read -r comm <"/proc/$pid/comm" || continue
		[[ $comm != @(libvirt-bridge|libvirt-query|pause-guardian|ssh|qmpctl|dumptool) ]] || echo "$pid $comm"
	done 2>/dev/null
}

nothing_left() {
	local i
	for ((i = 0; i < 50; i++)); do
		[ -n "$(of_ours)" ] || return 0
		sleep 0.1
	done
	of_ours
	return 1
}
