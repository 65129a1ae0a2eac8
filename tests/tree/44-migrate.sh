#!/bin/bash
# Migration between two simulated hosts: which VMs, to which hosts, and what changes; failures and kills leave
# the VM on one host.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
zone=$(first zones)
image=$(small_image)

step "two hosts that share a storage, and a third of another cluster"
cluster=$(create clusters "$(jq -nc --arg zone "$zone" '{params: {name: "sims", zoneUuid: $zone, hypervisorType: "Simulator"}}')")
wire=$(create l2-networks/no-vlan "$(jq -nc --arg zone "$zone" '{params: {name: "wire", zoneUuid: $zone, physicalInterface: "virbr-m"}}')")
act "l2-networks/$wire" attach-to-cluster "clusterUuid=$cluster"
net=$(create l3-networks "$(jq -nc --arg l2 "$wire" '{params: {name: "net", l2NetworkUuid: $l2}}')")
act "l3-networks/$net" add-ip-range name=r startIp=10.99.1.10 endIp=10.99.1.99 netmask=255.255.255.0 gateway=10.99.1.1
mkdir shared local
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$zone" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"

# sim NAME IP: a simulated host.
sim() {
	create hosts/simulators "$(jq -nc --arg name "$1" --arg ip "$2" --arg cluster "$cluster" \
		'{params: {name: $name, managementIp: $ip, clusterUuid: $cluster, cpuCapacity: 8, memoryCapacity: 17179869184}}')"
}
one=$(sim one 10.0.0.1)
two=$(sim two 10.0.0.2)

# on HOST: the number of its VMs, by its capacity.
used() {
	echo $(($(value "hosts/$1/totalCpuCapacity") - $(value "hosts/$1/availableCpuCapacity")))
}

vm=$(create vm-instances "$(vm_json web "$image" '{"l3NetworkUuids":["'"$net"'"],"hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}')")
dir=vm-instances/$vm
cpus=$(value "$dir/cpuNum")

step "what is refused"
assert_refused "$dir/actions" "migrate hostUuid=$one" EINVAL "the vm\[uuid:$vm\] is already on host\[uuid:$one\]"
assert_refused "$dir/actions" "migrate hostUuid=$vm" ENOENT 'not found'
act "$dir" stop type=cold
assert_refused "$dir/actions" "migrate" EBUSY 'allowed states are \[Running, Paused\]'
act "$dir" start "hostUuid=$one"
act "hosts/$two" change-state stateEvent=disable
job=$(submit "$dir/actions" migrate)
! job_wait "$job" 2>/dev/null || fail "it migrated to a disabled host"
assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" HOST_ALLOCATION.1000
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $one"
act "hosts/$two" change-state stateEvent=enable

assert_eq "$(value "$dir/migration-target-hosts" | jq -r '[.inventories[].uuid] | join(" ")')" "$two" "the candidates"

step "to the remaining host; the capacities follow"
assert_eq "$(used "$one") $(used "$two")" "$cpus 0"
act "$dir" migrate
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid") $(value "$dir/lastHostUuid")" "Running $two $one"
assert_eq "$(used "$one") $(used "$two")" "0 $cpus"

step "back by name, paused: it arrives paused"
act "$dir" pause
act "$dir" '{"migrateVm":{"hostUuid":"'"$one"'","migrateFromDestination":true}}'
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Paused $one"
act "$dir" resume
act "$dir" reboot
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $one"

step "local storage: only if the setting allows it, and without snapshots"
disks=$(create primary-storage/local-storage "$(jq -nc --arg zone "$zone" --arg url "$CASE_DIR/local" '{params: {name: "local", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$disks" attach-to-cluster "clusterUuid=$cluster"
near=$(create vm-instances "$(vm_json near "$image" '{"l3NetworkUuids":["'"$net"'"],"hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$disks"'"}')")
assert_refused "vm-instances/$near/actions" migrate EBUSY 'liveMigrationWithStorage.allow is false'
assert_eq "$(value "vm-instances/$near/migration-target-hosts" | jq -c .inventories)" "[]" "the candidates while it is not allowed"
setting=global-configurations/localStoragePrimaryStorage/liveMigrationWithStorage.allow/value
echo true >"$MOUNT/$setting"
sync "$MOUNT/$setting"
root=$(value "vm-instances/$near/rootVolumeUuid")
act "volumes/$root" create-snapshot name=s
assert_refused "vm-instances/$near/actions" migrate EBUSY "volume\[uuid:$root\] has snapshots"
snapshot=$(value volume-snapshots/inventories | jq -r '.inventories[0].uuid')
act "volume-snapshots/$snapshot" delete
act "vm-instances/$near" migrate "hostUuid=$two"
assert_eq "$(value "vm-instances/$near/hostUuid")" "$two"
act "vm-instances/$near" stop type=cold
job=$(submit "vm-instances/$near/actions" "start hostUuid=$one")
! job_wait "$job" 2>/dev/null || fail "it started where its disk is not any more"
act "vm-instances/$near" start
assert_eq "$(value "vm-instances/$near/hostUuid")" "$two" "the host that has its disk now"
act "vm-instances/$near" destroy
