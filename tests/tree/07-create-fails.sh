#!/bin/bash
# A creation that fails leaves nothing behind, and says why: no capacity, addresses and MACs that are in use,
# bad tags.
# limit: 90
. "$(dirname "$0")/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
l3=$(first l3-networks)

# fails JSON CODE TEXT: the creation is accepted, its job fails with this code and sentence, and nothing is left.
fails() {
	local job
	trace_creations "$host" >before
	job=$(submit vm-instances/create "$1")
	wait_until 20 is_finished "$job"
	assert_eq "$(value "api-jobs/$job/state")" Failed "the job of $1"
	assert_match "$(value "api-jobs/$job/error")" "$2" "the code"
	assert_match "$(value "api-jobs/$job/error")" "$3" "the sentence"
	trace_creations "$host" >after
	diff before after || fail "something was left behind by $1"
}

step "no host is large enough"
huge=$(create instance-offerings '{"params":{"name":"huge","cpuNum":1000,"memorySize":"900T"}}')
fails "$(vm_json huge "$image" '{"instanceOfferingUuid":"'"$huge"'"}')" '"SYS.1006".*"HOST_ALLOCATION.1000"' \
	'no host having cpu\[1000\]'
act "instance-offerings/$huge" delete

step "no storage is large enough"
disk=$(create disk-offerings '{"params":{"name":"huge","diskSize":"900T"}}')
fails "$(vm_json huge "$image" '{"dataDiskOfferingUuids":["'"$disk"'"]}')" '"PS.1000"' 'cannot find available primary storage'

step "the first VM takes an address and a MAC"
first_vm=$(create vm-instances "$(vm_json one "$image" '{}' | jq -c --arg l3 "$l3" \
	'.systemTags = ["staticIp::\($l3)::10.123.0.77", "customMac::\($l3)::fa:00:00:00:00:77", "hostname::one"]')")
nic=$(value "vm-instances/$first_vm/inventory" | jq -r '.vmNics[0] | .ip + " " + .mac')
[ "$nic" = "10.123.0.77 fa:00:00:00:00:77" ] || [ "${nic#* }" = fa:00:00:00:00:77 ] || fail "the NIC is '$nic'"
address=${nic% *}

# refused TAG ERRNO TEXT: what can be checked at once is refused in the write.
refused() {
	assert_refused vm-instances/create "$(vm_json two "$image" '{}' | jq -c --arg tag "$1" '.systemTags = [$tag]')" "$2" "$3"
}

step "a second VM cannot have them"
trace_creations "$host" >before
refused "staticIp::$l3::$address" EBUSY "IP\[$address\] is not available"
refused "customMac::$l3::fa:00:00:00:00:77" EEXIST 'Not allowed same mac'
refused "customMac::$l3::nonsense" EINVAL nonsense
refused "staticIp::$l3::10.123.0" EINVAL 'is not a valid IPv4 address'
refused "staticIp::00000000000000000000000000000000::10.123.0.9" EINVAL 'L3 network\[uuid:0+\] not found'
refused "hostname::one" EBUSY 'conflict hostname'
refused "hostname::-x-" EINVAL 'is not a valid domain name'
refused "bootOrder::Floppy" EINVAL 'invalid boot device\[Floppy\]'
refused "consolePassword::password1" EINVAL "cannot start with 'password'"
trace_creations "$host" >after
diff before after || fail "a refused creation left something behind"

step "an address outside the network"
fails "$(vm_json two "$image" '{}' | jq -c --arg l3 "$l3" '.systemTags = ["staticIp::\($l3)::192.0.2.1"]')" '"SYS.1006"' \
	'not in any IP range'

step "disabled or unsuitable objects are not used"
echo "change-state stateEvent=disable" >"$MOUNT/images/$image/actions"
assert_refused vm-instances/create "$(vm_json three "$image")" EBUSY 'is Disabled'
echo "change-state stateEvent=enable" >"$MOUNT/images/$image/actions"
assert_refused vm-instances/create "$(vm_json three "$image" '{"hostUuid":"'"$first_vm"'"}')" ENOENT HostVO
echo "change-state stateEvent=disable" >"$MOUNT/hosts/$host/actions"
sync "$MOUNT/hosts/$host/actions"
assert_refused vm-instances/create "$(vm_json three "$image" '{"hostUuid":"'"$host"'"}')" EBUSY 'is specified but'
fails "$(vm_json three "$image")" '"HOST_ALLOCATION.1000"' 'no Enabled hosts found'
