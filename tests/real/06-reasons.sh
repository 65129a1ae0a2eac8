#!/bin/bash
# Whichever call of libvirt fails, its reason is in the tree: in the error of the job and in `last-error` of the object and
# of who asked. Each operation is done once to see which calls it makes, and once more for each, which fails then.
# limit: 300
# long: 900
. "$(dirname "$0")/../tree/lib.sh"

mkdir "$CASE_DIR/libvirt"
export POOLFS_TEST_LIBVIRT=$CASE_DIR/libvirt
PRELOAD=${BUILD:-$TOP/build}/tests/faults/faults-libvirt.so # of the pool alone

host_up h1
LD_PRELOAD=$PRELOAD mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
storage=$(first primary-storage)
l3=$(first l3-networks)
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')
image=$(small_image)
vm=$(create_vm reasons "$image" '{"instanceOfferingUuid":"'"$small"'"}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
red=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" '{params: {name: "red", type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
act "l3-networks/$red" '{"addIpRange":{"name":"r","startIp":"10.77.1.10","endIp":"10.77.1.20","netmask":"255.255.255.0","gateway":"10.77.1.1"}}'

# What is meant to be lost: what only cleans up or asks, and what has no reason.
quiet='^(vir.*(Free|Ref)|virGet.*|virSave.*|virTypedParams.*|virConnectIsAlive|virConnectClose)$'
shown=() lost=() believed=()

# try OBJECT REQUEST [BACK]: BACK makes the request possible again. OBJECT is a path, or a function that prints one.
try() {
	local call job object error calls back=${3:-true}
	step "$2"
	object() { if [[ $1 == */* ]]; then echo "$1"; else "$1"; fi; }
	: >"$POOLFS_TEST_LIBVIRT/calls"
	act "$(object "$1")" "$2"
	calls=$(sort -u "$POOLFS_TEST_LIBVIRT/calls" | grep -vE "$quiet" || true)
	rm "$POOLFS_TEST_LIBVIRT/calls"
	$back
	for call in $calls; do
		is_long || [[ " ${shown[*]-} ${believed[*]-} " != *" $call "* ]] || continue
		object=$(object "$1")
		echo "$call" >"$POOLFS_TEST_LIBVIRT/fail"
		job=$(submit "$object/actions" "$2")
		wait_until 60 is_finished "$job"
		error=$(value "api-jobs/$job/error")
		rm "$POOLFS_TEST_LIBVIRT/fail"
		if [ -z "$error" ]; then
			believed+=("$call") # goes on without it
		elif grep -qF "made to fail: $call" <<<"$error" && grep -qF "made to fail: $call" "$MOUNT/$object/last-error" &&
			grep -qF "made to fail: $call" "$MOUNT/last-error"; then
			shown+=("$call")
		else
			lost+=("$2: $call: $(jq -r .details <<<"$error"), $(value "$object/last-error")")
		fi
		[ -z "$error" ] || act "$object" "$2"
		$back
	done
}

vms=vm-instances/$vm
start() { act "$vms" start; }
stop() { act "$vms" stop type=cold; }
resume() { act "$vms" resume; }
pull_out() {
	stop
	act "volumes/$data" detach
	start
}
unplug() {
	stop
	act "$vms/nics/$(jq -r --arg l3 "$red" '.vmNics[] | select(.l3NetworkUuid == $l3).uuid' "$MOUNT/$vms/inventory")" detach
	start
}
snapshot() { echo "volume-snapshots/$(first volume-snapshots)"; }
take() { act "volumes/$data" create-snapshot name=s; }
unsnap() { act "$(snapshot)" delete; }
try "$vms" pause resume
try "$vms" "set-console-password consolePassword=first"
try "volumes/$data" "create-snapshot name=s" unsnap # of a volume at rest
try "volumes/$data" "attach vmInstanceUuid=$vm" pull_out
act "volumes/$data" attach "vmInstanceUuid=$vm"
try "volumes/$data" "create-snapshot name=s" unsnap
take
try snapshot delete take
unsnap
try "volumes/$data" "set-qos volumeBandwidth=1048576"
if is_long; then
	try "$vms" "attach-l3-network l3NetworkUuid=$red" unplug
	pull_out
	take
	try snapshot delete take # a domain that could not be ended is waited for
	unsnap
	try "$vms" "stop type=cold" start
	stop
	try "$vms" start stop
fi

printf '%s\n' "${lost[@]+"${lost[@]}"}"
assert_eq "${#lost[@]}" 0 "calls whose reason is lost"
for call in virDomainSuspend virDomainUpdateDeviceFlags virDomainAttachDeviceFlags virDomainSnapshotCreateXML \
	virDomainBlockPull virDomainGetBlockJobInfo virDomainQemuMonitorCommand virDomainSetBlockIoTune virStorageVolCreateXML; do
	[[ " ${shown[*]} " == *" $call "* ]] || fail "'$call' was not seen to fail with its reason; these were: ${shown[*]}"
done
