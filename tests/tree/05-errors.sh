#!/bin/bash
# Every refusal is an errno of the write that completes the request, and one sentence in last-error.
. "$(dirname "$0")/../tree/lib.sh"

nobody=00000000000000000000000000000000
mount_pool
image=$(small_image)
vm=$(create_vm errors "$image")
dir=vm-instances/$vm

step "EINVAL: unknown verb, bad JSON, bad or missing parameter"
assert_refused "$dir/actions" "frobnicate" EINVAL frobnicate
assert_refused "$dir/actions" "stop type=sideways" EINVAL "type.*grace"
assert_refused "$dir/actions" "stop colour=red" EINVAL colour
assert_refused "$dir/actions" '{"stopVmInstance":{"type":"sideways"}}' EINVAL type
assert_refused "$dir/actions" '{"stopVmInstance":{},}' EINVAL .
assert_refused "$dir/actions" '[]' EINVAL .
assert_refused vm-instances/create '{"params":{"name":"x"}}' EINVAL "instanceOfferingUuid|imageUuid|l3NetworkUuids"
assert_refused vm-instances/create "$(vm_json x "$image" '{"strategy":"Someday"}')" EINVAL strategy
assert_refused images/create '{"params":{"name":"x","url":"gopher://x","format":"raw","backupStorageUuids":["'"$(first backup-storage)"'"]}}' EINVAL url
assert_refused "$dir/cpuNum" many EINVAL cpuNum
assert_refused "$dir/name" "" EINVAL name

step "EINVAL for a document that ends too early"
assert_eq "$(write_errno "$dir/actions" '{"stopVmInstance":{')" close:EINVAL "half a document"
assert_eq "$(value "$dir/state")" Running

step "ENOENT: an object of the request does not exist"
assert_refused vm-instances/create "$(vm_json x $nobody)" ENOENT "$nobody"
assert_refused "$dir/actions" "start hostUuid=$nobody" ENOENT "$nobody"

step "EBUSY: not in this state"
assert_refused "$dir/actions" start EBUSY Running
assert_refused "$dir/actions" resume EBUSY Running
assert_refused "$dir/actions" recover EBUSY Running
assert_fails "not empty" rmdir "$MOUNT/$dir"

step "ERANGE and EFBIG: too large"
assert_refused "$dir/cpuNum" 99999999999999999999 ERANGE cpuNum
assert_refused "$dir/name" "$(printf '%0300d' 0)" EINVAL "name.*255"
head -c 8M /dev/zero | tr '\0' x >long
assert_fails "File too large" dd if=long of="$MOUNT/$dir/actions" bs=1M iflag=fullblock

step "EPERM: names that are fixed"
assert_fails "not permitted" rm -f "$MOUNT/$dir/state"
assert_eq "$("$TOP/tests/tree/fileop" rename "$MOUNT/$dir/state" "$MOUNT/$dir/title")" EPERM "renaming a fixed file"
assert_fails "not empty" rmdir "$MOUNT/vm-instances"
assert_fails "not permitted" mkdir "$MOUNT/zones/by-name/new"
assert_fails "not permitted" ln -s x "$MOUNT/zones/x"

step "EACCES: read-only files"
assert_eq "$(write_errno "$dir/state" Stopped)" EACCES "writing to state"

step "a successful request clears last-error"
act "$dir" pause
assert_eq "$(value last-error)" ok
assert_eq "$(value "$dir/last-error")" ok
assert_refused "$dir/actions" pause EBUSY Paused
assert_match "$(value "$dir/last-error")" Paused
act "$dir" resume

step "two processes close a descriptor: both are told what the pool says"
"$TOP/tests/tree/shared-closes" "$MOUNT/$dir/description" "$MOUNT/$dir/actions"

step "a failed job: EIO from sync, the manual's error in the job, a sentence in last-error"
job=$(submit images/create '{"params":{"name":"none","url":"file:///nonexistent","format":"raw","backupStorageUuids":["'"$(first backup-storage)"'"]}}')
assert_eq "$("$TOP/tests/tree/fileop" fsync "$MOUNT/images/create")" EIO "sync of create"
job_wait "$job" 2>/dev/null && fail "the job did not fail"
assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" SYS.1002
assert_match "$(value "api-jobs/$job/error" | jq -r .details)" "nonexistent"
assert_match "$(value last-error)" "nonexistent"
assert_eq "$(uuids images)" "$image" "the images after a failed one"

step "each user has a last-error of their own"
remount_pool -o allow_other
assert_refused "$dir/actions" frobnicate EINVAL
assert_eq "$(setpriv --reuid=65534 --clear-groups cat "$MOUNT/last-error")" ok

step "shells see the failure too"
assert_fails "Invalid argument" bash -c "echo frobnicate >'$MOUNT/$dir/actions'"
assert_fails "error" dash -c "echo frobnicate >'$MOUNT/$dir/actions'"
