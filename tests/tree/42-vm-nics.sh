#!/bin/bash
# NICs are attached and detached, get fixed addresses, MACs and limits; states and refusals are as in the manual.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm nics "$image")
other=$(create_vm other "$image")
dir=vm-instances/$vm
l3=$(first l3-networks)
l2=$(value "l3-networks/$l3/l2NetworkUuid")

# new_l3 NAME NUMBER [JSON]: another network on the same L2 with the range 10.77.NUMBER.10 to 20.
new_l3() {
	local uuid
	uuid=$(create l3-networks "$(jq -nc --arg name "$1" --arg l2 "$l2" --argjson more "${3:-"{}"}" \
		'{params: ({name: $name, type: "L3BasicNetwork", l2NetworkUuid: $l2} + $more)}')")
	act "l3-networks/$uuid" "$(jq -nc --arg n "10.77.$2" '{addIpRange: {name: "r", startIp: "\($n).10", endIp: "\($n).20",
		netmask: "255.255.255.0", gateway: "\($n).1"}}')"
	echo "$uuid"
}

# nic L3 FIELD: a field of the VM's NIC on a network.
nic() {
	value "$dir/inventory" | jq -r --arg l3 "$1" --arg field "$2" '.vmNics[] | select(.l3NetworkUuid == $l3) | .[$field]'
}

tags() {
	find "$MOUNT/$dir/tags" -type f -exec cat {} + | sort | paste -sd' '
}

names() {
	value "$dir/l3-networks-candidates" | jq -r '.inventories[].name' | sort | paste -sd' '
}

result() {
	local job
	job=$(submit "$1/actions" "$2")
	job_wait "$job"
	value "api-jobs/$job/result"
}

red=$(new_l3 red 1)
blue=$(new_l3 blue 2)
system=$(new_l3 system 3 '{"system":true,"category":"System"}')

step "candidates are the enabled user networks to which the VM is not attached"
assert_eq "$(names)" "blue red"

step "a network is attached to the running VM, with an address of its range"
before=$(nic "$l3" uuid)
assert_eq "$(result "$dir" "attach-l3-network l3NetworkUuid=$red" | jq -r '.inventory.vmNics | length')" 2
assert_match "$(nic "$red" ip)" '^10\.77\.1\.1[0-9]$'
assert_eq "$(nic "$red" gateway)" 10.77.1.1
assert_eq "$(nic "$red" deviceId)" 1
assert_match "$(nic "$red" mac)" '^fa(:[0-9a-f]{2}){4}:01$'
assert_eq "$(names)" blue
assert_eq "$(nic "$l3" uuid)" "$before" "the NIC that it had"

step "with a given address and MAC"
act "$dir" '{"attachL3NetworkToVm":{"l3NetworkUuid":"'"$blue"'","staticIp":"10.77.2.15"},"systemTags":["customMac::'"$blue"'::FA:11:22:33:44:55"]}'
assert_eq "$(nic "$blue" ip) $(nic "$blue" mac)" "10.77.2.15 fa:11:22:33:44:55"
assert_eq "$(tags)" "staticIp::$blue::10.77.2.15"

step "what is refused"
assert_refused "$dir/actions" "attach-l3-network l3NetworkUuid=$red" EBUSY "is already attached to the vm\[uuid: $vm\]"
assert_refused "$dir/actions" "attach-l3-network l3NetworkUuid=$system" EBUSY "is a system network and vm is a user vm"
for ip in 10.99.0.1:EINVAL:"is not in any IP range" 10.77.2.15:EEXIST:"has been occupied" 10.77.2:EINVAL:"is not a valid IPv4"; do
	IFS=: read -r address errno text <<<"$ip"
	assert_refused "vm-instances/$other/actions" "attach-l3-network l3NetworkUuid=$blue staticIp=$address" "$errno" "$text"
done
act "l3-networks/$red" change-state stateEvent=disable
assert_refused "vm-instances/$other/actions" "attach-l3-network l3NetworkUuid=$red" EBUSY "\[uuid:$red\] is disabled"
act "l3-networks/$red" change-state stateEvent=enable
act "$dir" pause
assert_refused "$dir/actions" "attach-l3-network l3NetworkUuid=$red" EBUSY "^unable to attach a L3 network. The vm\[uuid: $vm\] is not Running or Stopped; the current state is Paused"
assert_refused "$dir/nics/$(nic "$red" uuid)/actions" detach EBUSY "^unable to detach a L3 network. The vm\[uuid: $vm\] is not Running or Stopped; the current state is Paused"
act "$dir" resume

step "limits of a NIC: set, shown, removed"
nicdir=$dir/nics/$(nic "$red" uuid)
assert_eq "$(value "$nicdir/nic-qos" | jq -c .)" '{}'
assert_eq "$(result "$nicdir" "set-qos outboundBandwidth=8388608" | jq -c .)" '{"applied":true}'
act "$nicdir" '{"setNicQos":{"inboundBandwidth":16777216}}'
assert_eq "$(value "$nicdir/nic-qos" | jq -Sc .)" '{"inboundBandwidth":16777216,"outboundBandwidth":8388608}'
act "$nicdir" delete-qos direction=out
assert_eq "$(value "$nicdir/nic-qos" | jq -Sc .)" '{"inboundBandwidth":16777216}'
assert_refused "$nicdir/actions" "set-qos" EINVAL "^outboundBandwidth and inboundBandwidth must be set at lease one.$"
assert_refused "$nicdir/actions" "set-qos inboundBandwidth=8191" ERANGE "inboundBandwidth"
assert_refused "$nicdir/actions" "set-qos inboundBandwidth=33G" EINVAL "^networkInboundBandwidth execeds the max value 32G bps$"
assert_refused "$nicdir/actions" "delete-qos direction=up" EINVAL "in, out.*up found"

step "fixed addresses and MACs are for stopped VMs"
assert_refused "$dir/actions" "set-static-ip l3NetworkUuid=$red ip=10.77.1.18" EBUSY "Running.*allowed states are \[Stopped\]"
assert_refused "$nicdir/actions" "update-mac mac=fa:00:00:00:00:07" EBUSY "^The operation only allows when vm \[$vm\] state is stopped $"
act "$dir" stop
assert_match "$(result "$nicdir" "set-qos outboundBandwidth=8M")" '"applied": ?false.*kept'
act "$dir" set-static-ip "l3NetworkUuid=$red" ip=10.77.1.18
assert_eq "$(nic "$red" ip)" 10.77.1.18
act "$dir" set-static-ip "l3NetworkUuid=$red" ip=10.77.1.19
act "$dir" set-static-ip "l3NetworkUuid=$red" ip=10.77.1.19
assert_eq "$(nic "$red" ip)" 10.77.1.19
assert_match "$(tags)" "staticIp::$red::10.77.1.19"
assert_eq "$(tags | wc -w)" 2 "the number of tags"
assert_refused "$dir/actions" "set-static-ip l3NetworkUuid=$red ip=10.77.1" EINVAL "^10.77.1 is not a valid IPv4 address$"
assert_refused "$dir/actions" "set-static-ip l3NetworkUuid=$red ip=10.77.9.1" EINVAL "is not in any IP range"
assert_refused "$dir/actions" "set-static-ip l3NetworkUuid=$system ip=10.77.3.11" EINVAL "^the VM\[uuid:$vm\] has no nic on the L3 network\[uuid:$system\]$"
assert_eq "$(result "$dir" "delete-static-ip l3NetworkUuid=$red" | jq -r .inventory.uuid)" "$vm"
assert_eq "$(tags)" "staticIp::$blue::10.77.2.15"
assert_eq "$(nic "$red" ip)" 10.77.1.19 "the address after its tag is gone"
assert_eq "$(result "$nicdir" "update-mac mac=FA:00:00:00:00:07" | jq -r .inventory.mac)" fa:00:00:00:00:07
act "$nicdir" update-mac mac=fa:00:00:00:00:07
assert_refused "$nicdir/actions" "update-mac mac=fa:11:22:33:44:55" EEXIST "^Not allowed same mac \[fa:11:22:33:44:55\]$"
assert_refused "$nicdir/actions" "update-mac mac=fa:00:00" EINVAL .
assert_refused "$nicdir/actions" "update-mac mac=01:00:00:00:00:07" EINVAL "01:00"

step "the VM starts with all of it, and a NIC is detached while it runs"
act "$dir" start
assert_eq "$(nic "$red" mac) $(nic "$red" ip)" "fa:00:00:00:00:07 10.77.1.19"
act "$nicdir" detach
assert_eq "$(nic "$red" uuid)" ""
[ ! -e "$MOUNT/$nicdir" ] || fail "the NIC is still there"
assert_eq "$(names)" red

step "its address and device number are free again, its tag for the fixed address is removed"
act "$dir" attach-l3-network "l3NetworkUuid=$red" staticIp=10.77.1.19
assert_eq "$(nic "$red" deviceId) $(nic "$red" ip)" "1 10.77.1.19"
assert_match "$(tags)" "staticIp::$red::10.77.1.19"
act "$dir/nics/$(nic "$red" uuid)" detach
assert_eq "$(tags)" "staticIp::$blue::10.77.2.15"

step "another network becomes the default, in the end none"
assert_eq "$(value "$dir/defaultL3NetworkUuid")" "$l3"
act "$dir/nics/$(nic "$l3" uuid)" detach
assert_eq "$(value "$dir/defaultL3NetworkUuid")" "$blue"
act "$dir" stop
act "$dir/nics/$(nic "$blue" uuid)" detach
assert_eq "$(value "$dir/defaultL3NetworkUuid")" ""
job=$(submit "$dir/actions" start)
job_wait "$job" 2>/dev/null && fail "a VM without a NIC started"
assert_match "$(value "api-jobs/$job/error")" "doesn't have any nic"
act "$dir" attach-l3-network "l3NetworkUuid=$l3"
assert_eq "$(value "$dir/defaultL3NetworkUuid")" "$l3"
act "$dir" start
