#!/bin/bash
# A dry run answers what would happen, and changes nothing: the word dry-run, and the tag validationOnly.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm dry "$image" '{"strategy":"CreateStopped"}')
dir=vm-instances/$vm

# unchanged CMD...: the command leaves no event, so no change, no object and no job.
unchanged() {
	local before
	before=$(tail -n 1 "$MOUNT/events" | jq .sequence)
	"$@"
	assert_eq "$(cat "$MOUNT/events?since=$before")" "" "the events of '$*'"
}

step "a request that would succeed is accepted"
unchanged assert_eq "$(write_errno "$dir/actions" "dry-run start")" OK
unchanged assert_eq "$(write_errno "$dir/actions" '{"startVmInstance":{},"systemTags":["validationOnly"]}')" OK
unchanged assert_eq "$(write_errno zones/create "dry-run name=never")" OK
unchanged assert_eq "$(write_errno zones/create '{"params":{"name":"never"},"systemTags":["validationOnly"]}')" OK
unchanged assert_eq "$(write_errno vm-instances/create "$(vm_json never "$image" | jq -c '.systemTags = ["validationOnly"]')")" OK
assert_eq "$(value "$dir/state")" Stopped
[ ! -e "$MOUNT/zones/by-name/never" ] || fail "the zone was made"
[ ! -e "$MOUNT/vm-instances/by-name/never" ] || fail "the VM was made"
assert_eq "$(value last-error)" ok

step "where the outcome is known, the answer is the inventory to be"
assert_eq "$(request "$dir/actions" "dry-run update name=other cpuNum=2" | jq -r '.inventory | .name + " " + (.cpuNum | tostring)')" "other 2"
assert_eq "$(value "$dir/name")" dry

step "one that would not is refused with the errno and sentence of the real request"
for dry in "" "dry-run "; do
	assert_refused "$dir/actions" "${dry}pause" EBUSY Stopped
	assert_refused "$dir/actions" "${dry}stop type=sideways" EINVAL "type.*grace"
	assert_refused "$dir/actions" "${dry}start hostUuid=00000000000000000000000000000000" ENOENT 00000
done
unchanged assert_refused "$dir/actions" "dry-run pause" EBUSY Stopped

step "the real requests succeed"
act "$dir" start
assert_eq "$(value "$dir/state")" Running
