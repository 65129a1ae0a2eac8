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

# silent_at POINT FILE REQUEST: as kill_at, but its host says nothing when the pool is mounted again. host_is_back: then it does.
silent_at() {
	die_at_point "$@"
	sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'qemu+unix:///system?socket=$CASE_DIR/deaf'"
	mount_pool
	killed=$(killed_job)
	wait_until 20 is_finished "$killed"
	[ "$(value "hosts/$host/status")" != Connected ] || fail "the host is Connected"
	no_rows_in_between || fail "a row in between after '$1'"
	echo "   killed at $1: $(value "api-jobs/$killed/error")"
}
host_is_back() {
	umount_pool
	sqlite3 "$STATE/pool.db" "UPDATE host SET uri = '$uri'"
	mount_pool
	wait_for "hosts/$host/status" Connected 20
}
nothing_is_left() {
	diff traced <(trace_creations "$host") >/dev/null
}
listen_deaf "$CASE_DIR/deaf"
uri=$(sqlite3 "$STATE/pool.db" "SELECT uri FROM host")

step "a first start, and its host says nothing then: it is Created at once, and what there was goes when the host is back"
later=$(create_vm later "$image" '{"strategy":"JustCreate","dataDiskOfferingUuids":["'"$disk"'"]}')
trace_creations "$host" >traced
silent_at volume-made "vm-instances/$later/actions" start
assert_eq "$(value "api-jobs/$killed/state") $(value "vm-instances/$later/state")" "Failed Created"
assert_match "$(value "api-jobs/$killed/error")" "during the first start"
assert_eq "$(jq -c .allVolumes "$MOUNT/vm-instances/$later/inventory")" "[]"
host_is_back
wait_until 20 nothing_is_left
act "vm-instances/$later" start
assert_eq "$(value "vm-instances/$later/state")" Running

step "so does a volume, and so do a VM and its clone"
act "vm-instances/$later" stop type=cold
trace_creations "$host" >traced
silent_at volume-made volumes/create '{"params":{"name":"v","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}'
assert_match "$(value "api-jobs/$killed/error")" "it was removed"
host_is_back
wait_until 20 nothing_is_left
silent_at volume-made vm-instances/create "$(creation silent InstantStart)"
assert_match "$(value "api-jobs/$killed/error")" "it was removed"
host_is_back
wait_until 20 nothing_is_left
act "vm-instances/$later" start # libvirt's test driver forgets what ran
silent_at clone-laid-out "vm-instances/$later/actions" "clone names=copy"
host_is_back
wait_until 20 nothing_is_left
