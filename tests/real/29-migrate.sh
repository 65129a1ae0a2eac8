#!/bin/bash
# A guest moves between two real hosts that share a storage and goes on running; cancelled or killed, it is on
# one of them.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
"$LAB/fabric" up 2
first_uri=$(NETNS=poolhost1 LISTEN=10.99.0.1 host up one)
second_uri=$(NETNS=poolhost2 LISTEN=10.99.0.2 host up two)
URI=$first_uri
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 20
cluster=$(first clusters)
mkdir shared
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
two=$(add_host two "$second_uri" "$cluster")
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}')")
dir=vm-instances/$vm

"$LAB/running-twice" "$CASE_DIR/twice" "$first_uri" "$second_uri" &
watcher=$!

# leases URI: the MACs that the host's DHCP server has an address for.
l3=$(first l3-networks)
leases() {
	virsh -q -c "$1" net-dumpxml "poolfs-${l3:0:8}" | grep -oP "<host mac='\K[^']*" | paste -sd ' ' || true
}

# at HOST: the tree says that the VM runs there, and its domain and its lease are there and on no other host.
at() {
	local here=$first_uri there=$second_uri
	[ "$1" = "$one" ] || { here=$second_uri there=$first_uri; }
	assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $1"
	assert_eq "$(virsh -q -c "$here" list --name | paste -sd ' ')" "$vm" "the domains where it is"
	assert_eq "$(virsh -q -c "$there" list --all --name | paste -sd ' ')" "" "the domains where it is not"
	assert_eq "$(leases "$here")" "$(jq -r '.vmNics[0].mac' <<<"$(value "$dir/inventory")")" "the leases where it is"
	assert_eq "$(leases "$there")" "" "the leases where it is not"
	URI=$here
}

# counter: a number that a process in the guest counts up.
counter() {
	guest "$vm" cat /tmp/counter
}

# on_its_way URI: is the domain just being migrated from there?
on_its_way() {
	virsh -q -c "$1" domjobinfo "$vm" | finds -E '^Job type: +(Unb|B)ounded'
}

step "a guest that counts"
wait_serial "$vm" "TINY ready" 90
wait_until 40 agent_ping "$vm"
# shellcheck disable=SC2016 # the guest expands it
guest "$vm" '(i=0; while :; do i=$((i+1)); echo $i >/tmp/new; mv /tmp/new /tmp/counter; sleep 0.1; done) >/dev/null 2>&1 </dev/null &'
boot=$(guest "$vm" cat /proc/sys/kernel/random/boot_id)
before=$(counter)

step "it moves, and goes on counting"
act "$dir" migrate
at "$two"
assert_eq "$(value "$dir/lastHostUuid")" "$one"
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id)" "$boot" "the boot of the guest"
[ "$(counter)" -gt "$before" ] || fail "the counter stands still"
guest "$vm" 'echo moved >/root/file; sync'

step "back, managed by the daemon itself"
act "$dir" '{"migrateVm":{"hostUuid":"'"$one"'","migrateFromDestination":true}}'
at "$one"
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id) $(guest "$vm" cat /root/file)" "$boot moved"

step "paused, it arrives paused"
act "$dir" pause
act "$dir" migrate "hostUuid=$two"
assert_eq "$(value "$dir/state") $(virsh -q -c "$second_uri" domstate "$vm")" "Paused paused"
act "$dir" resume
at "$two"

step "cancelled, it stays and runs"
virsh -q -c "$second_uri" migrate-setspeed "$vm" 1
job=$(submit "$dir/actions" "migrate hostUuid=$one")
wait_until 40 on_its_way "$second_uri"
echo cancel >"$MOUNT/api-jobs/$job/actions"
wait_until 60 is_finished "$job"
assert_match "$(value "api-jobs/$job/error")" "HOST.1009"
at "$two"
wait_until 40 agent_ping "$vm"

step "the daemon is killed during the migration: the hosts continue, and the next daemon finds the outcome"
virsh -q -c "$second_uri" migrate-setspeed "$vm" 1
job=$(submit "$dir/actions" "migrate hostUuid=$one")
wait_until 40 on_its_way "$second_uri"
assert_eq "$(value "$dir/state")" Migrating
pool_pids | xargs kill -KILL
wait_until 20 is_pool_gone
umount -l "$MOUNT"
mount_pool
virsh -q -c "$second_uri" migrate-setspeed "$vm" 1000
(wait_until 120 is_finished "$job") || fail "the recovery does not end"
assert_eq "$(value "api-jobs/$job/state") $(value "api-jobs/$job/error")" "Done "
at "$one"
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id)" "$boot"

step "killed after the move but before it was recorded, or before it began"
for point in migrate-moved migrate-written migrate-done; do
	from=$(value "$dir/hostUuid")
	umount_pool
	POOLFS_TEST_KILL_AT=$point mount_pool
	wait_for "hosts/$one/status" Connected 20
	wait_for "hosts/$two/status" Connected 20
	job=$(tr -d - </proc/sys/kernel/random/uuid)
	jq -nc --arg job "$job" '{migrateVm: {}, jobUuid: $job}' >"$MOUNT/$dir/actions" || true
	wait_until 60 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	wait_until 60 is_finished "$job"
	assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done 0" "the job that was killed at $point"
	[ "$(value "$dir/hostUuid")" != "$from" ] || fail "it has not moved"
	at "$(value "$dir/hostUuid")"
done

step "killed before a host was asked for anything: it begins anew, and moves once"
from=$(value "$dir/hostUuid")
umount_pool
POOLFS_TEST_KILL_AT=migrate-begun mount_pool
wait_for "hosts/$one/status" Connected 20
wait_for "hosts/$two/status" Connected 20
job=$(tr -d - </proc/sys/kernel/random/uuid)
jq -nc --arg job "$job" '{migrateVm: {}, jobUuid: $job}' >"$MOUNT/$dir/actions" || true
wait_until 60 is_pool_gone
umount -l "$MOUNT"
mount_pool
wait_until 60 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done 1"
[ "$(value "$dir/hostUuid")" != "$from" ] || fail "it has not moved"
at "$(value "$dir/hostUuid")"
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id)" "$boot" "the boot of the guest"

step "after all that the VM can be stopped and started"
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id)" "$boot"
act "$dir" stop
act "$dir" start
wait_serial "$vm" "boots=2" 90

step "all the time it ran on one host"
kill -0 $watcher # it has seen all of it
assert_eq "$(sort -u "$CASE_DIR/twice")" ok "what ran twice"
kill $watcher
"$LAB/fabric" down
