#!/bin/bash
# The daemon is killed while primary storage is attached, detached and deleted: rows and the host agree afterwards.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
cluster=$(first clusters)
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":33554432}}')
disk=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
truncate -s 1M nothing.raw
image=$(add_image "$PWD/nothing.raw" raw nothing)

# new_storage NAME: a storage in a folder of its own, not attached; prints its uuid
new_storage() {
	mkdir -p "$CASE_DIR/$1"
	create primary-storage/smp '{"params":{"name":"'"$1"'","url":"'"$CASE_DIR/$1"'","zoneUuid":"'"$(first zones)"'"}}'
}

# attached: the storages of the cluster, one a line
attached() {
	jq -r --arg cluster "$cluster" '.inventories[] | select(.attachedClusterUuids | index($cluster)) | .uuid' \
		"$MOUNT/primary-storage/inventories" | sort
}

# opened: the storages that the host has open, one a line
opened() {
	on_host pool-list --name | sed -n 's/ *$//; s/^poolfs-//p' | sort
}

agree() {
	[ "$(attached)" = "$(opened)" ] && [ -z "$(on_host pool-list --inactive --name)" ]
}

# end_when_stopping: the guest finds nothing to boot and so does not hear that it is to end
end_when_stopping() {
	wait_until 60 has_value "$MOUNT/vm-instances/$vm/state" Stopping
	on_host destroy "$vm"
}

# die POINT REQUEST: the daemon dies at that point of a request to the storage
die() {
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$host/status" Connected 20
	uuids api-jobs >before
	[[ $2 != detach* ]] || end_when_stopping &
	(request "primary-storage/$storage/actions" "$2") >/dev/null 2>&1 || true
	(wait_until 60 is_pool_gone) 2>/dev/null || fail "nobody came to '$1'"
	umount -l "$MOUNT"
}

# find_killed: sets $killed, the new job on the storage; others stop VMs
find_killed() {
	local job
	for job in $(uuids api-jobs | comm -13 before -); do
		[[ $(value "api-jobs/$job/operation") != *PrimaryStorage* ]] || killed=$job
	done
}

# die_at POINT REQUEST TIMES: the job is done, having begun anew so often, and the host has open what is attached
die_at() {
	die "$1" "$2"
	mount_pool
	find_killed
	(wait_until 60 is_finished "$killed") 2>/dev/null || fail "the job killed at '$1' is '$(value "api-jobs/$killed/state")'"
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done $3" "the job killed at '$1'"
	(wait_until 20 agree) 2>/dev/null || fail "attached: $(attached); open on the host: $(opened)"
}

# has STORAGE: is it attached?
has() {
	attached | finds -x "$1"
}

wait_until 20 agree
storage=$(new_storage second)

step "attaching"
for point in storage-opened storage-attached; do
	! has "$storage" || act "primary-storage/$storage" detach-from-cluster "clusterUuid=$cluster"
	die_at $point "attach-to-cluster clusterUuid=$cluster" "$([ $point = storage-opened ] && echo 1 || echo 0)"
	has "$storage" || fail "it is not attached"
	assert_match "$(value "primary-storage/$storage/totalPhysicalCapacity")" '^[1-9]' "its size"
done

step "detaching, with a VM on it"
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'","primaryStorageUuidForRootVolume":"'"$storage"'"}')
for point in storage-vms-stopped storage-detached; do
	assert_eq "$(value "vm-instances/$vm/state")" Running
	die_at $point "detach-from-cluster clusterUuid=$cluster" 0
	! has "$storage" || fail "it is attached"
	assert_eq "$(value "vm-instances/$vm/state")" Stopped
	act "primary-storage/$storage" attach-to-cluster "clusterUuid=$cluster"
	act "vm-instances/$vm" start
done

step "detaching, when the host comes back only after the daemon"
die storage-detached "detach-from-cluster clusterUuid=$cluster"
host killd h1
mount_pool
find_killed
wait_for "hosts/$host/status" Disconnected 20
assert_eq "$(value "api-jobs/$killed/state")" Processing "the job while the host is away"
host restart h1
job_wait "$killed"
wait_until 20 agree
! has "$storage" || fail "it is attached"
act "primary-storage/$storage" attach-to-cluster "clusterUuid=$cluster"

step "deleting, with the VM, another volume and the cached image"
for point in storage-users-gone storage-unlinked storage-closed storage-gone; do
	create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}' >/dev/null
	die_at $point "delete deleteMode=Enforcing" 0
	[ ! -e "$MOUNT/primary-storage/$storage" ] || fail "the storage is still there"
	[ ! -e "$MOUNT/vm-instances/$vm" ] || fail "its VM is still there"
	jq -r '.inventories[].primaryStorageUuid' "$MOUNT/volumes/inventories" | lacks -x "$storage" || fail "a volume is still there"
	assert_eq "$(find second* -type f)" "" "the files left"
	storage=$(new_storage "second-$point")
	act "primary-storage/$storage" attach-to-cluster "clusterUuid=$cluster"
done

step "deleting an empty one that is not attached"
act "primary-storage/$storage" detach-from-cluster "clusterUuid=$cluster"
die_at storage-unlinked delete 0
[ ! -e "$MOUNT/primary-storage/$storage" ] || fail "the storage is still there"

step "what is deleted on a pool that libvirt has stopped goes soon, long before the timer's next round"
storage=$(first primary-storage)
echo Direct >"$MOUNT/global-configurations/volume/deletionPolicy/value"
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
path=$(value "volumes/$data/installPath")
on_host pool-destroy "poolfs-$storage" >/dev/null
act "volumes/$data" delete
is_gone() {
	[ ! -e "$path" ]
}
wait_until 90 is_gone
