#!/bin/bash
# A creation, or a first start, that is killed in the middle ends with a whole VM or with none, whatever its strategy.
# limit: 300
. "$(dirname "$0")/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')

# die_at POINT FILE REQUEST STATE: kill_at, and the job ends like this, with nothing half made.
die_at() {
	kill_at "$1" "$2" "$3"
	assert_eq "$(value "api-jobs/$killed/state")" "$4" "the job killed at '$1'"
	no_rows_in_between || fail "a row in between after '$1'"
}

# creation NAME STRATEGY [MORE]
creation() {
	vm_json "$1" "$image" '{"strategy":"'"$2"'","dataDiskOfferingUuids":["'"$disk"'"]'"${3-}"'}'
}

for strategy in InstantStart CreateStopped; do
	for point in vm-laid-out volume-made; do
		step "$strategy, killed at $point: nothing is left"
		trace_creations "$host" >traced
		die_at $point vm-instances/create "$(creation "$point" $strategy)" Failed
		assert_match "$(value "api-jobs/$killed/error")" "it was removed"
		trace_creations "$host" >after
		diff traced after || fail "something was left behind"
	done
done

step "CreateStopped, killed when all was made"
die_at vm-created vm-instances/create "$(creation off CreateStopped)" Done
off=vm-instances/$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
assert_eq "$(value "$off/state")" Stopped
assert_eq "$(jq -c '[.allVolumes[].status]' "$MOUNT/$off/inventory")" '["Ready","Ready"]'
act "$off" start
assert_eq "$(value "$off/state")" Running

for more in '' ',"hostUuid":"'"$host"'"'; do
	step "JustCreate${more:+ with a host}: one change makes all of it"
	die_at vm-laid-out vm-instances/create "$(creation later JustCreate "$more")" Done
	later=vm-instances/$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
	assert_eq "$(value "$later/state")" Created
	assert_eq "$(value "$later/hostUuid")" "${more:+$host}"

	step "its first start, killed in the middle, leaves it Created"
	trace_creations "$host" >traced
	die_at volume-made "$later/actions" start Failed
	assert_eq "$(value "$later/state") $(value "$later/hostUuid")" "Created ${more:+$host}"
	trace_creations "$host" >after
	diff traced after || fail "something was left behind"
	act "$later" start
	assert_eq "$(value "$later/state")" Running
	act "$later" destroy
done

step "the same, and its host says nothing then: it is Created at once, and what there was goes when the host is back"
later=$(create_vm later "$image" '{"strategy":"JustCreate","dataDiskOfferingUuids":["'"$disk"'"]}')
trace_creations "$host" >traced
umount_pool
POOLFS_TEST_KILL_AT=volume-made mount_pool
wait_for "hosts/$host/status" Connected 20
(request "vm-instances/$later/actions" start) >/dev/null 2>&1 || true
wait_until 60 is_pool_gone
umount -l "$MOUNT"
listen_deaf "$CASE_DIR/deaf"
uri=$(sqlite3 "$STATE/pool.db" "SELECT uri FROM host")
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'qemu+unix:///system?socket=$CASE_DIR/deaf'"
mount_pool
job=$(jq -r '.inventories[0].uuid' "$MOUNT/api-jobs?q=operation=StartVmInstance&q=resource~=%25$later")
wait_until 20 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state") $(value "vm-instances/$later/state")" "Failed Created"
assert_match "$(value "api-jobs/$job/error")" "during the first start"
assert_eq "$(jq -c .allVolumes "$MOUNT/vm-instances/$later/inventory")" "[]"
umount_pool
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = '$uri'"
mount_pool
wait_for "hosts/$host/status" Connected 20
nothing_is_left() {
	diff traced <(trace_creations "$host") >/dev/null
}
wait_until 20 nothing_is_left
act "vm-instances/$later" start
assert_eq "$(value "vm-instances/$later/state")" Running
