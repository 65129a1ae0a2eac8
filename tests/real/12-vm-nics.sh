#!/bin/bash
# NICs appear and disappear in a running guest, with the address, MAC and limits that the tree shows.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
TC_SHIM=1 host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm nics "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
l3=$(first l3-networks)
red=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" \
	'{params: {name: "red", type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
act "l3-networks/$red" '{"addIpRange":{"name":"r","startIp":"10.77.1.10","endIp":"10.77.1.20","netmask":"255.255.255.0","gateway":"10.77.1.1"}}'
wait_serial "$vm" "TINY ready" 120
wait_until 20 agent_ping "$vm"

# nic L3 FIELD
nic() {
	value "$dir/inventory" | jq -r --arg l3 "$1" --arg field "$2" '.vmNics[] | select(.l3NetworkUuid == $l3) | .[$field]'
}

# limit MAC DIRECTION: the limit in the running domain, KiB/s.
limit() {
	on_host domiftune "$vm" "$1" | sed -n "s/^$2.average *: *//p"
}

# macs: those that the guest has.
macs() {
	guest "$vm" 'cat /sys/class/net/eth*/address' | sort | paste -sd' '
}

step "a network is attached: the guest gets a NIC with its MAC and, by DHCP, its address"
act "$dir" attach-l3-network "l3NetworkUuid=$red" staticIp=10.77.1.15
mac=$(nic "$red" mac)
wait_serial "$vm" "HOTPLUG net\+ eth1 $mac" 15
wait_serial "$vm" "NET eth1 10.77.1.15/" 20
assert_eq "$(macs)" "$(printf '%s\n' "$(nic "$l3" mac)" "$mac" | sort | paste -sd' ')"
assert_match "$(on_host domiflist "$vm")" "poolfs-${red:0:8} .*$mac"

step "limits apply at once, in both directions, and are removed one by one"
nicdir=$dir/nics/$(nic "$red" uuid)
job=$(submit "$nicdir/actions" "set-qos outboundBandwidth=8388608 inboundBandwidth=16777216")
job_wait "$job"
assert_eq "$(value "api-jobs/$job/result" | jq -c .)" '{"applied":true}'
assert_eq "$(limit "$mac" inbound) $(limit "$mac" outbound)" "2048 1024"
act "$nicdir" delete-qos direction=in
assert_eq "$(limit "$mac" inbound) $(limit "$mac" outbound)" "0 1024"

step "the NIC is detached: it is gone from the guest, and its lease from the host"
act "$nicdir" detach
wait_serial "$vm" "HOTPLUG net- eth1" 15
assert_eq "$(macs)" "$(nic "$l3" mac)"
on_host net-dumpxml "poolfs-${red:0:8}" | lacks "$mac" || fail "its lease is still there"

step "the guest gets a new MAC, a fixed address and a limit of the stopped VM at its next start"
act "$dir" stop type=cold
act "$dir" attach-l3-network "l3NetworkUuid=$red"
nicdir=$dir/nics/$(nic "$red" uuid)
act "$nicdir" set-qos outboundBandwidth=4194304
act "$nicdir" update-mac mac=fa:00:00:00:be:ef
act "$dir" set-static-ip "l3NetworkUuid=$red" ip=10.77.1.20
act "$dir" start
wait_serial "$vm" "NIC eth1 fa:00:00:00:be:ef" 120
wait_serial "$vm" "NET eth1 10.77.1.20/" 20
assert_eq "$(limit fa:00:00:00:be:ef outbound)" 512

step "all the volumes and networks that a VM may have can be plugged while it runs"
wait_until 20 agent_ping "$vm"
disk=$(create disk-offerings '{"params":{"name":"small","diskSize":1048576}}')
for i in $(seq 24); do # the last ones on SCSI
	volume=$(create volumes "$(jq -nc --arg disk "$disk" --arg name "data$i" --argjson scsi "$((i > 21))" \
		'{params: {name: $name, diskOfferingUuid: $disk}, systemTags: (if $scsi == 1 then ["capability::virtio-scsi"] else [] end)}')")
	act "volumes/$volume" attach "vmInstanceUuid=$vm"
done
for i in $(seq 14); do
	more=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" --arg name "more$i" \
		'{params: {name: $name, type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
	act "l3-networks/$more" '{"addIpRange":{"name":"r","startIp":"10.78.'"$i"'.10","endIp":"10.78.'"$i"'.20","netmask":"255.255.255.0","gateway":"10.78.'"$i"'.1"}}'
	act "$dir" attach-l3-network "l3NetworkUuid=$more"
done
has_all() {
	[ "$(guest "$vm" 'ls -d /sys/block/vd* /sys/block/sd* | wc -l; ls -d /sys/class/net/eth* | wc -l' | paste -sd' ')" = "25 16" ]
}
wait_until 30 has_all
assert_refused "$dir/actions" "attach-l3-network l3NetworkUuid=$more" EBUSY "already attached"
for volume in $(jq -r '.inventories[].uuid' <"$MOUNT/volumes?q=vmInstanceUuid=$vm&q=type=Data"); do
	act "volumes/$volume" detach
done
for more in $(value "$dir/inventory" | jq -r '.vmNics[] | select(.ip | startswith("10.78.")) | .uuid'); do
	act "$dir/nics/$more" detach
done

step "a NIC that the guest does not release stays"
wait_until 20 agent_ping "$vm"
act "$dir" reboot
job=$(submit "$nicdir/actions" detach) # the BIOS ignores requests to unplug
job_wait "$job" 60 2>/dev/null && fail "a BIOS let a NIC go"
assert_match "$(value "api-jobs/$job/error")" "did not release device"
assert_eq "$(nic "$red" mac)" fa:00:00:00:be:ef

# host_again: the host loses its power and comes back; TC_SHIM=1 gives it traffic control. What a host can is
# looked at again when it is asked to reconnect.
host_again() {
	host down h1
	wait_for "hosts/$(first hosts)/status" Disconnected 10
	host_up h1
	wait_for "hosts/$(first hosts)/status" Connected 20
	act "hosts/$(first hosts)" reconnect
}

step "without traffic control a limit is stored and reported as such, until it works"
act "$dir" stop type=cold
TC_SHIM='' host_again
act "$dir" start
job=$(submit "$nicdir/actions" "set-qos outboundBandwidth=2097152")
job_wait "$job"
assert_match "$(value "api-jobs/$job/result" | jq -r '"\(.applied) \(.reason)"')" "^false traffic control does not work"
assert_eq "$(value "$nicdir/nic-qos" | jq .outboundBandwidth)" 2097152
act "$dir" stop type=cold
TC_SHIM=1 host_again
act "$dir" start
assert_eq "$(limit fa:00:00:00:be:ef outbound)" 256
