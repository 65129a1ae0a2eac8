# shellcheck shell=bash disable=SC2034 # what it sets is for the cases
#
# What the cases of two hosts share that lose sight of each other: hosts at a switch, a storage for both in the folder
# `shared`, and a VM that runs on host one. Sourced after tests/tree/lib.sh.

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
}

# power_on NAME NUMBER [KEEP]: KEEP: it has been on before
power_on() {
	NETNS=poolhost$2 LISTEN=10.99.0.$2 TCP=1 KEEP_CONFIG=${3:-} host up "$1" >/dev/null
}
cable() {
	ip -n poolfab link set "port$1" "$2"
}
# domains NAME [OPTION]: the guests that libvirt has on the host, by its socket, which no cut network affects.
domains() {
	virsh -q -c "$(host uri "$1")" list --name "${@:2}" | paste -sd ' '
}

# two_hosts: mounts a pool of them; sets $one and $two, their uuids, $cluster, and $shared, the storage in a folder of
# shared/
two_hosts() {
	"$LAB/fabric" up 2
	"$LAB/fabric" join
	power_on one 1
	power_on two 2
	URI=qemu+tcp://10.99.0.1/system
	mount_pool
	one=$(first hosts)
	wait_for "hosts/$one/status" Connected 30
	cluster=$(first clusters)
	shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared/pool" \
		'{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
	act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
	two=$(add_host two qemu+tcp://10.99.0.2/system "$cluster")
	setting host.ping.interval 1
	setting host.ping.maxFailure 1
}

# guest_on_one TAG...: creates a VM with these system tags there; sets $vm, $dir, and $boot, when it has booted
guest_on_one() {
	local media small image
	media=$(tiny_guest)
	small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
	image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
	vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}' |
		jq -c '. + {systemTags: $ARGS.positional}' --args "$@")")
	dir=vm-instances/$vm
	wait_until 120 boot_on one
	boot=$(boot_on one)
}

# in_guest NAME COMMAND...: runs a command in the guest on that host.
in_guest() {
	"$LAB/guest-exec" "$(host uri "$1")" "$vm" "${@:2}"
}
boot_on() {
	in_guest "$1" cat /proc/sys/kernel/random/boot_id
}
# boots NAME same|new: the guest on that host is the one of before, or was started anew
boots() {
	local now
	wait_until 120 boot_on "$1"
	now=$(boot_on "$1")
	case $2 in
	same) assert_eq "$now" "$boot" "the boot of the guest" ;;
	new) [ "$now" != "$boot" ] || fail "the guest was not started anew" ;;
	esac
	boot=$now
}

# fence_by_power: gives the cluster a fence command that cuts the power of a host, and notes its calls in fence.calls. If there
# is a file `freeze` it freezes the file system in shared/ then: before, a QEMU that writes there could not be killed.
fence_by_power() {
	cat >"$CASE_DIR/fence" <<EOF
#!/bin/bash
# Cuts the power of a host of the lab.
echo "\$*" >>$CASE_DIR/fence.calls
case \$3 in 10.99.0.1) name=one ;; 10.99.0.2) name=two ;; *) exit 1 ;; esac
pid=\$(cat $HOSTS/\$name/init.pid) || exit 2
case \$1 in
off)
	kill -KILL "\$pid"
	for i in {1..100}; do [ ! -e /proc/\$pid/ns/pid ] || sleep 0.1; done
	[ ! -e /proc/\$pid/ns/pid ] || exit 1
	[ ! -e $CASE_DIR/freeze ] || fsfreeze -f $CASE_DIR/shared
	;;
status) readlink -q /proc/\$pid/ns/pid || exit 2 ;;
esac
EOF
	chmod 755 "$CASE_DIR" "$CASE_DIR/fence"
	act "clusters/$cluster" update "fenceCommand=$CASE_DIR/fence"
}
