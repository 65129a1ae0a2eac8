#!/bin/bash
# The daemon is killed while it deletes backup storage, adds hosts, reconnects, measures, makes accounts and sets a password:
# no job stays without an end, and rows and files agree.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
truncate -s 1M one.raw

# die_at POINT FILE REQUEST STATE: kill_at, and the job ends like this
die_at() {
	kill_at "$1" "$2" "$3"
	assert_eq "$(value "api-jobs/$killed/state")" "$4" "the job killed at '$1'"
	no_rows_in_between || fail "a row in between after '$1'"
}

step "backup storage with two images, one of which has another copy"
first=$(first backup-storage)
for point in backup-storage-image-gone backup-storage-empty backup-storage-gone; do
	bs=$(create backup-storage/image-store '{"params":{"name":"second","url":"'"$CASE_DIR/second"'"}}')
	act "backup-storage/$bs" attach-to-zone "zoneUuid=$(first zones)"
	alone=$(create images '{"params":{"name":"alone","url":"file://'"$PWD"'/one.raw","format":"raw","backupStorageUuids":["'"$bs"'"]}}')
	both=$(create images '{"params":{"name":"both","url":"file://'"$PWD"'/one.raw","format":"raw","backupStorageUuids":["'"$bs"'","'"$first"'"]}}')
	assert_eq "$(find second -type f | wc -l)" 2 "the files of the images"
	die_at $point "backup-storage/$bs/actions" "delete deleteMode=Enforcing" Done
	[ ! -e "$MOUNT/backup-storage/$bs" ] || fail "the storage is still there"
	[ ! -e "$MOUNT/images/$alone" ] || fail "the image that lay there alone is still there"
	assert_eq "$(jq -r '[.status, .backupStorageRefs[].backupStorageUuid] | join(" ")' "$MOUNT/images/$both/inventory")" "Ready $first"
	assert_eq "$(find second -type f)" "" "the files left"
done

step "an empty one"
bs=$(create backup-storage/image-store '{"params":{"name":"second","url":"'"$CASE_DIR/second"'"}}')
die_at backup-storage-empty "backup-storage/$bs/actions" delete Done

step "reconnecting"
die_at host-connecting "hosts/$host/actions" reconnect Done
assert_eq "$(value "hosts/$host/status")" Connected
die_at storage-reopened "primary-storage/$(first primary-storage)/actions" reconnect Done
die_at backup-storage-measured "backup-storage/$first/actions" reconnect Done

step "adding a host, before and after it has a row: there is one host then, and it is Connected"
for point in host-described host-written; do
	cluster=$(create clusters '{"params":{"name":"'$point'","zoneUuid":"'"$(first zones)"'","hypervisorType":"Simulator"}}')
	die_at $point hosts/simulators/create '{"params":{"name":"'$point'","managementIp":"10.0.0.'${#point}'","clusterUuid":"'"$cluster"'","cpuCapacity":4,"memoryCapacity":1073741824}}' Done
	assert_eq "$(begun_anew "$killed")" "$([ $point = host-described ] && echo 1 || echo 0)"
	added=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
	assert_eq "$(jq -r '[.inventories[] | select(.name == "'$point'") | .uuid, .status] | join(" ")' "$MOUNT/hosts/inventories")" "$added Connected"
	assert_eq "$(cd "$STATE/simulators" && printf '%s\n' *.xml)" "$added.xml" "the descriptions"
	act "hosts/$added" delete
done

step "measuring"
disk=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
volume=$(create volumes '{"params":{"name":"v","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}')
die_at volume-measured "volumes/$volume/actions" sync-size Done
assert_eq "$(value "volumes/$volume/size")" 16777216
die_at image-measured "images/$both/actions" sync-size Done
assert_eq "$(value "images/$both/size")" 1048576

step "a new account, and its new password: each is one commit, which comes or begins anew"
die_at account-hashed accounts/create 'name=once password=first-password' Done
assert_eq "$(begun_anew "$killed")" 1
once=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
hash() {
	sqlite3 -readonly "$STATE/pool.db" "SELECT passwordHash FROM account WHERE uuid = '$once'"
}
before=$(hash)
die_at account-hashed "accounts/$once/actions" '{"updateAccount":{"password":"second-password"}}' Done
assert_eq "$(begun_anew "$killed")" 1
[ "$(hash)" != "$before" ] || fail "the password is the old one"

step "an account with objects, more than one step takes"
account=$(account gone)
for ((i = 0; i < 150; i++)); do
	echo "name=of-gone-$i policy=antiSoft" >"$MOUNT/affinity-groups/create"
done
for point in account-closed step-done; do
	for group in $(uuids affinity-groups); do
		echo "give resourceUuid=$group" >"$MOUNT/accounts/$account/actions"
	done
	assert_eq "$(sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM affinity_group WHERE accountUuid = '$account'")" 150
	die_at $point "accounts/$account/actions" delete Done
	[ ! -e "$MOUNT/accounts/$account" ] || fail "the account is still there"
	assert_eq "$(sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM affinity_group WHERE accountUuid = '$account'")" 0
	account=$(account "gone-$point")
done

step "a resource tag that is on more objects than one step takes"
echo 'name=many value=old' >"$MOUNT/tags/create"
tag=$(basename "$(readlink "$MOUNT/tags/by-name/many")")
act "tags/$tag" attach "resourceUuids=$(uuids affinity-groups | paste -sd,)"
number_of_tags() {
	sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM user_tag WHERE tag = '$1'"
}
die_at step-done "tags/$tag/actions" '{"updateTag":{"value":"new"}}' Done
assert_eq "$(number_of_tags old) $(number_of_tags new)" "0 150" "the tags"
die_at step-done "tags/$tag/actions" delete Done
assert_eq "$(number_of_tags new)" 0 "the tags"
[ ! -e "$MOUNT/tags/$tag" ] || fail "the tag is still there"

step "a password: nobody knows whether the guest has it"
vm=$(create_vm web "$both")
act "vm-instances/$vm" set-qga enable=true
umount_pool # with the daemon ends the simulated machine: this VM is started in the one that dies
POOLFS_TEST_KILL_AT=password-asked mount_pool
wait_for "hosts/$host/status" Connected 20
[ "$(value "vm-instances/$vm/state")" = Running ] || act "vm-instances/$vm" start
job=$(tr -d - </proc/sys/kernel/random/uuid)
echo '{"changeVmPassword":{"account":"root","password":"secret"},"jobUuid":"'"$job"'"}' >"$MOUNT/vm-instances/$vm/actions" || true
wait_until 20 is_pool_gone
umount -l "$MOUNT"
mount_pool
wait_until 60 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state")" Failed
assert_match "$(value "api-jobs/$job/error")" "VM.1011.*the guest has either the old or the new one" "the error"

# die_maintaining EVENT: the host changes its state by that; the daemon dies while a VM is stopped for maintenance; $job
die_maintaining() {
	umount_pool
	POOLFS_TEST_KILL_AT=vm-stopping mount_pool
	wait_for "hosts/$host/status" Connected 20
	act "hosts/$host" change-state stateEvent=enable
	[ "$(value "vm-instances/$vm/state")" = Running ] || act "vm-instances/$vm" start
	act "hosts/$host" change-state "stateEvent=$1"
	before=$(value "hosts/$host/state")
	job=$(tr -d - </proc/sys/kernel/random/uuid)
	echo '{"changeHostState":{"stateEvent":"maintain"},"jobUuid":"'"$job"'"}' >"$MOUNT/hosts/$host/actions" || true
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
}

step "maintenance: the daemon dies while a VM is stopped for it; if it is not to go on then, the host is as before"
for event in enable disable; do
	die_maintaining $event
	sqlite3 "$STATE/pool.db" "UPDATE job SET cancel = 1 WHERE uuid = '$job'"
	mount_pool
	wait_until 60 is_finished "$job"
	assert_eq "$(value "api-jobs/$job/state") $(value "hosts/$host/state")" "Cancelled $before"
	assert_match "$(value "api-jobs/$job/error")" "the job was cancelled"
	wait_for "hosts/$host/status" Connected 20
done

step "else it goes on, and comes to its end"
die_maintaining enable
mount_pool
wait_until 60 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state") $(value "api-jobs/$job/restarts")" "Done 1"
assert_eq "$(value "hosts/$host/state") $(value "vm-instances/$vm/state")" "Maintenance Stopped"
