#!/bin/bash
# A creation, or a first start, whose daemon is killed in the middle begins anew, and ends with one whole VM, whatever its
# strategy: nothing is there twice. One that kills its daemon each time is given up, and leaves nothing.
# limit: 300
. "$(dirname "$0")/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')

# die_at POINT FILE REQUEST RESTARTS: kill_at, and the job is Done, after it has begun anew as often as that.
die_at() {
	kill_at "$1" "$2" "$3"
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done $4" "the job killed at '$1'"
	all_is_whole
}

# creation NAME STRATEGY [MORE]
creation() {
	vm_json "$1" "$image" '{"strategy":"'"$2"'","dataDiskOfferingUuids":["'"$disk"'"]'"${3-}"'}'
}

# is_whole UUID STATE: the VM of that uuid is in that state, with its disks, its NIC and its address.
is_whole() {
	assert_eq "$(jq -c '[.state, [.allVolumes[].status], [.vmNics[].ip != null]]' "$MOUNT/vm-instances/$1/inventory")" \
		'["'"$2"'",["Ready","Ready"],[true]]' "the VM"
}

for strategy in InstantStart CreateStopped; do
	for point in vm-laid-out volume-made; do
		step "$strategy, killed at $point: it begins anew, and makes the VM once"
		uuid=$(tr -d - </proc/sys/kernel/random/uuid)
		before=$(uuids vm-instances | wc -l)
		die_at $point vm-instances/create "$(creation "$point" $strategy ',"resourceUuid":"'"$uuid"'"')" 1
		assert_eq "$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")" "$uuid"
		assert_eq "$(uuids vm-instances | wc -l)" $((before + 1)) "the number of VMs"
		is_whole "$uuid" "$([ $strategy = InstantStart ] && echo Running || echo Stopped)"
	done
done

step "CreateStopped, killed when all was made"
die_at vm-created vm-instances/create "$(creation off CreateStopped)" 0
off=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
is_whole "$off" Stopped
act "vm-instances/$off" start
assert_eq "$(value "vm-instances/$off/state")" Running

for more in '' ',"hostUuid":"'"$host"'"'; do
	step "JustCreate${more:+ with a host}: one change makes all of it"
	die_at vm-laid-out vm-instances/create "$(creation later JustCreate "$more")" 0
	later=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
	assert_eq "$(value "vm-instances/$later/state") $(value "vm-instances/$later/hostUuid")" "Created ${more:+$host}"

	step "its first start, killed in the middle, begins anew"
	die_at volume-made "vm-instances/$later/actions" start 1
	is_whole "$later" Running
	assert_eq "$(value "vm-instances/$later/hostUuid")" "$host"
	act "vm-instances/$later" destroy
done

step "a creation that kills its daemon each time: after ten times it is given up, and nothing is left"
trace_creations "$host" >traced
die_at_point volume-made vm-instances/create "$(creation deadly InstantStart)"
for _ in {1..10}; do
	(POOLFS_TEST_KILL_AT=volume-made mount_pool) 2>/dev/null || true # it may end before the mount is ready
	(wait_until 20 is_pool_gone) || fail "the job did not begin anew"
	umount -l "$MOUNT" 2>/dev/null || true
done
mount_pool
killed=$(killed_job)
wait_until 20 is_finished "$killed"
assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Failed 10"
assert_match "$(value "api-jobs/$killed/error")" "the daemon ended while VM .* it was removed"
diff traced <(trace_creations "$host") || fail "something was left behind"

# silent_at POINT FILE REQUEST: as kill_at, but its host says nothing when the pool is mounted again.
# host_is_back: then it does.
silent_at() {
	die_at_point "$@"
	sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'qemu+unix:///system?socket=$CASE_DIR/deaf'"
	mount_pool
	killed=$(killed_job)
}
host_is_back() {
	kill_pool
	sqlite3 "$STATE/pool.db" "UPDATE host SET uri = '$uri'"
	mount_pool
	wait_for "hosts/$host/status" Connected 20
}
# is_given_up: nobody else can do it, so it ends as a new request would.
is_given_up() {
	wait_until 60 is_finished "$killed"
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Failed 1"
	assert_match "$(value "api-jobs/$killed/error")" "HOST_ALLOCATION.1000.*no Connected hosts found"
	no_rows_in_between || fail "a row in between"
}
nothing_is_left() {
	diff traced <(trace_creations "$host") >/dev/null
}
# is_made: the job is Done, once the host is back. It was killed twice, and may have begun in between.
is_made() {
	wait_until 20 is_finished "$killed"
	assert_match "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done [12]"
	all_is_whole
}
listen_deaf "$CASE_DIR/deaf"
uri=$(sqlite3 "$STATE/pool.db" "SELECT uri FROM host")
none_runs() {
	value vm-instances/inventories | jq -r '.inventories[].state' | lacks -x Running
}
wait_until 20 none_runs # libvirt's test driver forgets what ran when the pool is mounted again

step "a first start, and its host stays silent: it is Created at once, and what there was goes when the host is back"
later=$(create_vm later "$image" '{"strategy":"JustCreate","dataDiskOfferingUuids":["'"$disk"'"]}')
trace_creations "$host" >traced
silent_at volume-made "vm-instances/$later/actions" start
is_given_up
assert_eq "$(value "vm-instances/$later/state")" Created
assert_eq "$(jq -c .allVolumes "$MOUNT/vm-instances/$later/inventory")" "[]"
host_is_back
wait_until 20 nothing_is_left

step "so does a VM"
silent_at volume-made vm-instances/create "$(creation nowhere InstantStart)"
is_given_up
host_is_back
wait_until 20 nothing_is_left

step "a host that is back in time: the first start, and the VM, are made"
silent_at volume-made "vm-instances/$later/actions" start
host_is_back
is_made
is_whole "$later" Running
silent_at volume-made vm-instances/create "$(creation silent InstantStart)"
host_is_back
is_made
is_whole "$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")" Running

step "so is a clone, whose VM is off: it waits for a host of the storage"
assert_eq "$(value "vm-instances/$later/state")" Stopped
silent_at clone-laid-out "vm-instances/$later/actions" "clone names=copy"
host_is_back
is_made
copy=$(jq -r '.result.inventories[0].inventory.uuid' "$MOUNT/api-jobs/$killed/result")
assert_eq "$(value "vm-instances/$copy/state") $(value "vm-instances/$copy/name")" "Running copy"
