#!/bin/bash
# A job whose host is silent when the daemon is there again begins anew on another host, and what it has left on the silent
# one is not forgotten.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
home=$(first hosts)
wait_for "hosts/$home/status" Connected 20
disk=$(create disk-offerings '{"params":{"name":"2M","diskSize":2097152}}')
storage=$(first primary-storage)

# ask SQL: of the database, while no daemon has it
ask() {
	sqlite3 "$STATE/pool.db" "$1"
}

step "a volume that had just got its place"
new='{"params":{"name":"new","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}'
die_at_point volume-placed volumes/create "$new"
assert_eq "$(ask "SELECT status || ' ' || hostUuid FROM volume WHERE name = 'new'")" "Creating $home"
listen_deaf "$CASE_DIR/deaf"
ask "UPDATE host SET uri = 'qemu+unix:///system?socket=$CASE_DIR/deaf'"
mount_pool
job=$(killed_job)
other=$(create hosts/simulators '{"params":{"name":"other","managementIp":"10.0.0.2","clusterUuid":"'"$(first clusters)"'"}}')
job_wait "$job" 60
assert_eq "$(begun_anew "$job")" 1 "how often it began anew"
volume=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
assert_eq "$(value "volumes/$volume/status") $(value "volumes/$volume/hostUuid")" "Ready $other"
[ -f "$(value "volumes/$volume/installPath")" ] || fail "the volume has no file"
kill_pool
assert_eq "$(ask "SELECT fileName || ' ' || hostUuid FROM loose_file")" "$volume.qcow2 $home" "what is left"
