#!/bin/bash
# Creation strategies, deletion policies and their timers (behaviour.md 4.1.1, 3.10).
# limit: 90
. "$(dirname "$0")/lib.sh"

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
	assert_eq "$(value "global-configurations/${1%%.*}/${1#*.}/value")" "$2"
}

is_gone() {
	[ ! -e "$MOUNT/$1" ]
}

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
disk=$(create disk-offerings '{"params":{"name":"data","diskSize":"8M"}}')

step "JustCreate writes only the row; the first start does the rest"
vm=$(create_vm later "$image" '{"strategy":"JustCreate"}')
assert_eq "$(value "vm-instances/$vm/state")" Created
assert_eq "$(value "vm-instances/$vm/inventory" | jq '.vmNics, .allVolumes | length' | tr '\n' ' ')" "0 0 "
assert_refused "vm-instances/$vm/actions" stop EBUSY "allowed states are"
act "vm-instances/$vm" start
assert_eq "$(value "vm-instances/$vm/state")" Running
assert_eq "$(value "vm-instances/$vm/inventory" | jq '.vmNics, .allVolumes | length' | tr '\n' ' ')" "1 1 "

step "what JustCreate was asked for is in the row, and holds nothing of the host"
free=$(value "hosts/$host/availableMemoryCapacity")
wish=$(create_vm wish "$image" '{"strategy":"JustCreate","hostUuid":"'"$host"'"}')
cluster=$(value "hosts/$host/clusterUuid")
assert_eq "$(value "vm-instances/$wish/inventory" | jq -r '.hostUuid, .clusterUuid' | xargs)" "$host $cluster"
assert_eq "$(value "hosts/$host/availableMemoryCapacity")" "$free"
there=$(create_vm there "$image" '{"strategy":"JustCreate","clusterUuid":"'"$cluster"'"}')
assert_eq "$(value "vm-instances/$there/inventory" | jq -c '[.hostUuid, .clusterUuid]')" "[null,\"$cluster\"]"
act "vm-instances/$there" start
act "vm-instances/$there" destroy
act "vm-instances/$there" expunge
assert_eq "$(value "vm-instances/$wish/state")" Created
act "vm-instances/$wish" destroy
is_gone "vm-instances/$wish" || fail "the row is still there"

step "CreateStopped ends in Stopped, with data volumes"
vm2=$(create_vm stopped "$image" '{"strategy":"CreateStopped","dataDiskOfferingUuids":["'"$disk"'","'"$disk"'"]}')
assert_eq "$(value "vm-instances/$vm2/state")" Stopped
assert_eq "$(value "vm-instances/$vm2/inventory" | jq -c '[.allVolumes[] | [.type, .deviceId, .size]]')" \
	'[["Root",0,'"$(value "images/$image/size")"'],["Data",1,8388608],["Data",2,8388608]]'

step "destroying a VM that was only created removes it at once"
vm3=$(create_vm short "$image" '{"strategy":"JustCreate"}')
act "vm-instances/$vm3" destroy
is_gone "vm-instances/$vm3" || fail "the row is still there"

step "Delay: Destroyed and recoverable, its address and data volumes released"
act "vm-instances/$vm2" start
act "vm-instances/$vm2" destroy
assert_eq "$(value "vm-instances/$vm2/state")" Destroyed
assert_eq "$(value "vm-instances/$vm2/hostUuid")" ""
assert_eq "$(value "vm-instances/$vm2/inventory" | jq -c '[.vmNics[0].ip, (.vmNics[0].mac | length), (.allVolumes | length), .allVolumes[0].status]')" \
	'[null,17,1,"Deleted"]'
assert_eq "$(jq '[.inventories[] | select(.type == "Data" and .vmInstanceUuid == null)] | length' "$MOUNT/volumes/inventories")" 2
act "vm-instances/$vm2" destroy # a second time is not an error
act "vm-instances/$vm2" recover
assert_eq "$(value "vm-instances/$vm2/state")" Stopped
act "vm-instances/$vm2" start
assert_match "$(value "vm-instances/$vm2/inventory" | jq -r '.vmNics[0].ip')" '^10\.'

step "a Destroyed VM gets its fixed address back, unless another VM has it by then"
l3=$(first l3-networks)
address=$(value "vm-instances/$vm2/inventory" | jq -r '.vmNics[0].ip')
fixed=${address%.*}.250
act "vm-instances/$vm2" stop
act "vm-instances/$vm2" set-static-ip "l3NetworkUuid=$l3" "ip=$fixed"
act "vm-instances/$vm2" destroy
act "vm-instances/$vm2" recover
act "vm-instances/$vm2" start
assert_eq "$(value "vm-instances/$vm2/inventory" | jq -r '.vmNics[0].ip')" "$fixed"
act "vm-instances/$vm2" destroy
thief=$(create vm-instances "$(vm_json thief "$image" | jq -c --arg tag "staticIp::$l3::$fixed" '.systemTags = [$tag]')")
act "vm-instances/$vm2" recover
assert_eq "$(find "$MOUNT/vm-instances/$vm2/tags" -type f -exec cat {} + | grep -c staticIp || true)" 0 "fixed addresses that are left"
act "vm-instances/$vm2" start
assert_eq "$(value "vm-instances/$thief/inventory" | jq -r '.vmNics[0].ip')" "$fixed"
[ "$(value "vm-instances/$vm2/inventory" | jq -r '.vmNics[0].ip')" != "$fixed" ] || fail "two VMs have '$fixed'"
act "vm-instances/$thief" destroy

step "the timer expunges VMs that have been Destroyed for long enough"
setting vm.expungePeriod 1
setting vm.expungeInterval 1
act "vm-instances/$vm2" destroy
wait_until 15 is_gone "vm-instances/$vm2"

step "Never: only by hand"
setting vm.deletionPolicy Never
act "vm-instances/$vm" destroy
sleep 3
assert_eq "$(value "vm-instances/$vm/state")" Destroyed
root=$(value "vm-instances/$vm/rootVolumeUuid")
act "vm-instances/$vm" expunge
is_gone "vm-instances/$vm" || fail "the row is still there"
is_gone "volumes/$root" || fail "the root volume is still there"
[ ! -e "$STATE/primary/$root.qcow2" ] || fail "the root volume's file is still there"

step "Direct: gone at once"
setting vm.deletionPolicy Direct
vm4=$(create_vm direct "$image")
act "vm-instances/$vm4" destroy
is_gone "vm-instances/$vm4" || fail "the row is still there"

step "also when the daemon is killed in between"
vm4=$(create_vm direct "$image")
kill_at vm-destroyed "vm-instances/$vm4/actions" destroy
is_gone "vm-instances/$vm4" || fail "the row is still there"

step "data volumes go with the VM when the setting says so"
setting vm.deletionPolicy Delay
setting vm.dataVolume.deleteOnVmDestroy true
vm5=$(create_vm withdata "$image" '{"dataDiskOfferingUuids":["'"$disk"'"]}')
data=$(value "vm-instances/$vm5/inventory" | jq -r '.allVolumes[1].uuid')
act "vm-instances/$vm5" destroy
assert_eq "$(value "volumes/$data/status")" Deleted

step "job results are kept as long as the setting says, in limited number, and those of failed jobs for longer"
huge=$(create instance-offerings '{"params":{"name":"huge","cpuNum":1000,"memorySize":"900T"}}')
failed=$(submit vm-instances/create "$(vm_json huge "$image" '{"instanceOfferingUuid":"'"$huge"'"}')")
wait_until 20 is_finished "$failed"
# ended_jobs NUMBER: at most so many that did not fail
ended_jobs() {
	[ "$(jq '[.inventories[] | select(.state == "Done")] | length' "$MOUNT/api-jobs/inventories")" -le "$1" ]
}
! ended_jobs 3 || fail "there are too few jobs for this test"
assert_eq "$(value global-configurations/rest/expiredApi.scanInterval/value)" 3600 "the time between two removals"
setting job.ended.maxNum 3 # too many are removed as others end
wait_until 15 ended_jobs 3
setting rest.expiredApi.scanInterval 1
setting rest.completedApi.expiredPeriod 1
wait_until 15 ended_jobs 0
assert_eq "$(uuids api-jobs)" "$failed" "the jobs that are left"
assert_match "$(value "api-jobs/$failed/error")" "no host having cpu" "the reason"
setting job.failed.keepPeriod 1
no_jobs() {
	[ "$(uuids api-jobs | wc -l)" = 0 ]
}
wait_until 15 no_jobs
