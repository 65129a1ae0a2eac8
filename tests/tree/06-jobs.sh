#!/bin/bash
# Jobs: read back on the descriptor, waited for with sync, submitted once, cancelled, kept over a restart.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)

step "the answer on the same descriptor names the job, whose files have the details"
answer=$(request vm-instances/create "$(vm_json one "$image")")
job=$(job_of "$answer")
test -d "$MOUNT/api-jobs/$job"
job_wait "$job"
vm=$(value "api-jobs/$job/resource" | grep -oE '[0-9a-f]{32}')
assert_eq "$(value "vm-instances/$vm/name")" one
assert_eq "$(value "api-jobs/$job/state")" Done
assert_eq "$(value "api-jobs/$job/operation")" CreateVmInstance
assert_eq "$(value "api-jobs/$job/progress")" 100
assert_eq "$(value "api-jobs/$job/error")" ""
assert_eq "$(value "api-jobs/$job/result" | jq -r .inventory.uuid)" "$vm"
assert_eq "$(value "api-jobs/$job/request" | jq -r '.. | .name? // empty')" one
for file in created finished; do
	assert_match "$(value "api-jobs/$job/$file")" . "the job's $file"
done
# names DIRECTORY: what is in it, but the link to the account, which leads out.
names() { find "$1" -mindepth 1 -maxdepth 1 ! -name account -printf '%f\n' | sort | paste -sd' '; }
assert_eq "$(names "$MOUNT/vm-instances/$vm/jobs/$job")" "$(names "$MOUNT/api-jobs/$job")"
[ ! -e "$MOUNT/vm-instances/$vm/jobs/$job/account" ]
assert_eq "$(value "vm-instances/$vm/jobs/$job/result")" "$(value "api-jobs/$job/result")"

step "the documented way in the shell"
vm_json second "$image" >vm.json
exec 3<>"$MOUNT/vm-instances/create"
cat vm.json >&3
answer=$(cat <&3)
exec 3<&-
job=$(job_of "$answer")
job_wait "$job"

step "the answer can be read even though the request removed its object"
zone=$(create zones '{"params":{"name":"short-lived"}}')
exec 3<>"$MOUNT/zones/$zone/actions"
echo delete >&3
answer=$(cat <&3)
exec 3<&-
job=$(job_of "$answer")
job_wait "$job"
[ ! -e "$MOUNT/zones/$zone" ] || fail "the zone is still there"

step "a document of many lines, each one write"
jq . vm.json | while IFS= read -r line; do echo "${line/second/third}"; done >"$MOUNT/vm-instances/create"
sync "$MOUNT/vm-instances/create"
test -d "$MOUNT/vm-instances/by-name/third"

step "sync waits for the creations, and for the verbs of an object"
vm_json four "$image" >"$MOUNT/vm-instances/create"
sync "$MOUNT/vm-instances/create"
assert_eq "$(value vm-instances/by-name/four/state)" Running
echo "stop type=cold" >"$MOUNT/vm-instances/by-name/four/actions"
sync "$MOUNT/vm-instances/by-name/four/actions"
assert_eq "$(value vm-instances/by-name/four/state)" Stopped

step "verbs of one object run one after the other, in order"
for verb in start pause resume "stop type=cold" start; do
	wait_until 10 bash -c "echo '$verb' >'$MOUNT/vm-instances/by-name/four/actions'"
done
sync "$MOUNT/vm-instances/by-name/four/actions"
assert_eq "$(value vm-instances/by-name/four/state)" Running

step "the same jobUuid with the same bytes is one job"
id=0123456789abcdef0123456789abcdef
document=$(vm_json five "$image" | jq -c ". + {jobUuid: \"$id\"}")
assert_eq "$(submit vm-instances/create "$document")" $id "the job"
job_wait $id
assert_eq "$(submit vm-instances/create "$document")" $id "the job of the second time"
job_wait $id
assert_eq "$(value vm-instances/inventories | jq '[.inventories[] | select(.name == "five")] | length')" 1 "the number of VMs"
assert_refused vm-instances/create "${document/five/six}" EEXIST "$id"

step "results and idempotence survive a restart"
finished=$(value api-jobs/$id/finished)
remount_pool
assert_eq "$(value api-jobs/$id/finished)" "$finished"
assert_eq "$(submit vm-instances/create "$document")" $id "the job after a restart"
assert_refused vm-instances/create "${document/five/six}" EEXIST "$id"
assert_eq "$(value vm-instances/inventories | jq '[.inventories[] | select(.name == "five")] | length')" 1 "the number of VMs"

step "the progress of a download; a job queued behind it is cancelled"
truncate -s 4M big.raw
"$TOP/tests/tree/slow-http" big.raw go >port &
wait_until 10 test -s port
download=$(submit images/create "$(jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "big", url: $url, format: "raw", backupStorageUuids: [$bs]}}')")
has_begun() {
	[ "$(value "api-jobs/$download/progress")" -gt 0 ]
}
wait_until 10 has_begun
[ "$(value "api-jobs/$download/progress")" -lt 100 ] || fail "the download is at 100 with half of the bytes"
big=$(readlink "$MOUNT/images/by-name/big")
big=${big#../}
assert_eq "$(value "images/$big/status")" Downloading
waiting=$(submit "images/$big/actions" sync-size)
echo cancel >"$MOUNT/api-jobs/$waiting/actions"
job_wait "$waiting" 10 2>/dev/null && fail "the cancelled job did not fail"
assert_eq "$(value "api-jobs/$waiting/state")" Cancelled
assert_eq "$(value "api-jobs/$download/finished")" "" "the download's end"

step "a wait with sync can be interrupted"
status=0
timeout 1 sync "$MOUNT/images/create" || status=$?
assert_eq $status 124 "the status of an interrupted sync"

step "one that is stopped goes on, and ends when it is killed, or has a signal to handle"
sync "$MOUNT/images/create" &
waiter=$!
for _ in 1 2 3; do
	wait_until 20 waits $waiter
	kill -STOP $waiter
	sleep 0.3
	kill -CONT $waiter
done
sleep 0.5
(wait_until 20 waits $waiter) || fail "the stopped sync has ended"
kill -STOP $waiter
sleep 0.3
kill -TERM $waiter
kill -CONT $waiter
status=0
wait $waiter || status=$?
assert_eq $status 143 "the status of a sync that was stopped, then terminated"
python3 - "$MOUNT/images/create" <<'END'
import os
import signal
import sys


class Alarm(Exception):
    pass


def handle(number, frame):
    raise Alarm


signal.signal(signal.SIGALRM, handle)
fd = os.open(sys.argv[1], os.O_RDONLY)
me = os.getpid()
try:
    if os.fork() == 0:
        os.execlp("sh", "sh", "-c", f"until grep -q fuse /proc/{me}/stack; do sleep 0.1; done; "
                  f"kill -STOP {me}; sleep 0.3; kill -CONT {me}; sleep 0.5; kill -ALRM {me}")
    os.fsync(fd)
    sys.exit("the wait ended by itself")
except Alarm:
    pass
END

touch go
job_wait "$download" 20
assert_eq "$(value "images/$big/status")" Ready
assert_eq "$(value "images/$big/size")" 4194304

step "a download that an umount interrupts begins anew after the next mount"
rm go port
"$TOP/tests/tree/slow-http" big.raw go >port &
wait_until 10 test -s port
download=$(submit images/create "$(jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "broken", url: $url, format: "raw", backupStorageUuids: [$bs]}}')")
wait_until 10 has_begun
broken=$(readlink "$MOUNT/images/by-name/broken")
broken=${broken#../}
remount_pool
wait_for "api-jobs/$download/restarts" 1 60
wait_for "images/$broken/status" Downloading 60
touch go
sync "$MOUNT/images/create"
assert_eq "$(value "api-jobs/$download/state") $(begun_anew "$download") $(value "api-jobs/$download/restarts")" "Done 1 1" "the download"
assert_eq "$(value "images/$broken/status") $(value "images/$broken/size")" "Ready 4194304"
cmp big.raw "$(jq -r '.backupStorageRefs[].installPath' "$MOUNT/images/$broken/inventory")"
assert_eq "$(find "$(value "backup-storage/$(first backup-storage)/url")" -type f | wc -l)" "$(uuids images | wc -l)" "the number of image files"

step "sync knows the last creation from before the mount, also behind more other jobs than are looked at first"
echo "no image" >text
job=$(submit images/create "$(jq -nc --arg url "file://$PWD/text" --arg bs "$(first backup-storage)" \
	'{params: {name: "text", url: $url, format: "qcow2", backupStorageUuids: [$bs]}}')")
job_wait "$job" 20 2>/dev/null && fail "the image was added"
python3 - "$MOUNT/zones/create" <<'END'
import os, sys, threading
def create(numbers):
    fd = os.open(sys.argv[1], os.O_RDWR)
    for i in numbers:
        os.write(fd, b'{"params":{"name":"other-%d"}}\n' % i)
threads = [threading.Thread(target=create, args=(range(n, 1100, 50),)) for n in range(50)]
for t in threads: t.start()
for t in threads: t.join()
END
[ "$(uuids zones | wc -l)" -gt 1100 ] || fail "there are fewer other jobs than that"
remount_pool
sync "$MOUNT/zones/create"
code=0
sync "$MOUNT/images/create" 2>/dev/null || code=$?
assert_eq "$code" 1 "the exit status of a sync when the last image was not added"
sync "$MOUNT/vm-instances/create"
