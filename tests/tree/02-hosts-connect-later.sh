#!/bin/bash
# A mount does not wait for its hosts: while they are Connecting, data on this machine can be read, and requests that
# need a host are accepted.
. "$(dirname "$0")/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
disk=$(create disk-offerings '{"params":{"name":"2M","diskSize":2097152}}')
volume=$(create volumes '{"params":{"name":"v","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}')
qemu-io -c "write -q -P 7 0 2M" "$(value "volumes/$volume/installPath")"
later=$(create_vm later "$image" '{"strategy":"JustCreate"}')
umount_pool

step "a host that takes the connection and says nothing"
listen_deaf "$CASE_DIR/deaf"
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'qemu+unix:///system?socket=$CASE_DIR/deaf'"
mount_pool
assert_eq "$(value "hosts/$host/status")" Connecting

step "data"
cmp "$MOUNT/volumes/$volume/data" <(head -c 2M /dev/zero | tr '\0' '\7')

step "requests"
submit "vm-instances/$later/actions" "start hostUuid=$host" >/dev/null
submit "hosts/$host/actions" "change-state stateEvent=maintain" >/dev/null
submit vm-instances/create "$(vm_json there "$image" '{"strategy":"JustCreate","hostUuid":"'"$host"'"}')" >/dev/null
