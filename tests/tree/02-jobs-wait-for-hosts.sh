#!/bin/bash
# Jobs wait for the hosts that are Connecting since the mount, if they need one; others do not.
# limit: 120
. "$(dirname "$0")/lib.sh"

state() {
	value "api-jobs/$1/state"
}

# begin_jobs PREFIX: submits jobs that need the host; their uuids are in $jobs.
begin_jobs() {
	jobs=(
		"$(submit "vm-instances/$later/actions" start)"
		"$(submit "vm-instances/$running/actions" stop)"
		"$(submit "vm-instances/$named/actions" "start hostUuid=$host")"
		"$(submit vm-instances/create "$(vm_json "$1-new" "$image")")"
		"$(submit vm-instances/create "$(vm_json "$1-there" "$image" '{"hostUuid":"'"$host"'"}')")"
		"$(submit volumes/create '{"params":{"name":"'"$1"'","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}')"
	)
}

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')
later=$(create_vm later "$image" '{"strategy":"JustCreate"}')
named=$(create_vm named "$image" '{"strategy":"JustCreate"}')
running=$(create_vm running "$image")
umount_pool

step "a host that takes its time: its description is a pipe, which has no text yet"
file=$CASE_DIR/machine.xml
mkfifo "$file"
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'test://$file'"
mount_pool
kill -KILL "$(worker_pid)"
assert_eq "$(value "hosts/$host/status")" Connecting
begin_jobs slow
cancelled=$(submit vm-instances/create "$(vm_json cancelled "$image")")
# no job begins in the first seconds: this one says when they do
small_image >/dev/null
for job in "${jobs[@]}"; do
	assert_match "$(state "$job")" 'Queued|Processing'
done

step "one is cancelled"
echo cancel >"$MOUNT/api-jobs/$cancelled/actions"
wait_for "api-jobs/$cancelled/state" Cancelled 5

step "the host is there"
machine='<node><cpu><mhz>2000</mhz><model>simulated</model><active>8</active><nodes>1</nodes><sockets>1</sockets>
<cores>8</cores><threads>1</threads></cpu><memory>8388608</memory></node>'
exec 3>"$file"
rm "$file"
echo "$machine" >"$file"
echo "$machine" >&3
exec 3>&-
wait_for "hosts/$host/status" Connected 20
for job in "${jobs[@]}"; do
	job_wait "$job"
done
assert_eq "$(value vm-instances/by-name/slow-new/state)" Running

step "it does not come, which ends the wait"
act "vm-instances/$later" stop
act "vm-instances/$named" stop
umount_pool
rm "$file"
mkfifo "$file"
mount_pool
begin_jobs never
small_image >/dev/null
assert_match "$(state "${jobs[0]}")" 'Queued|Processing'
echo "no description" >"$file"
wait_for "hosts/$host/status" Disconnected 20
for job in "${jobs[@]:2}"; do
	wait_for "api-jobs/$job/state" Failed 5
	assert_match "$(value "api-jobs/$job/error")" "no Connected hosts|Disconnected|cannot find available primary storage"
done
