#!/bin/bash
# A daemon that is killed between the row and the running guest finishes the job after a restart.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
TC_SHIM=1 host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
echo true >"$MOUNT/global-configurations/vm/numa/value"
sync "$MOUNT/global-configurations/vm/numa/value"
small=$(create instance-offerings '{"params":{"name":"small","cpuNum":1,"memorySize":268435456}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
iso=$(add_image "$media/tiny.iso" iso cd)
vm=$(create_vm killed "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
l3=$(first l3-networks)
red=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" \
	'{params: {name: "red", type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
act "l3-networks/$red" '{"addIpRange":{"name":"r","startIp":"10.77.1.10","endIp":"10.77.1.20","netmask":"255.255.255.0","gateway":"10.77.1.1"}}'
wait_serial "$vm" "TINY ready" 90
wait_until 20 agent_ping "$vm"

# killed_at POINT OBJECT VERB JSON [STATE [RESTARTS]]: the daemon dies at the point while the verb runs, comes back, the job is
# Done, after it has begun anew as often as that (0), and the VM has that state (Running).
killed_at() {
	local point=$1 object=$2 job
	job=$(tr -d - </proc/sys/kernel/random/uuid)
	step "killed at $point: $3"
	umount_pool
	POOLFS_TEST_KILL_AT=$point mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	# The daemon may be gone before the write is answered, but the job is on disk by then.
	write_errno "$object/actions" "$(jq -nc --arg verb "$3" --arg job "$job" --argjson params "$4" \
		'{($verb): $params, jobUuid: $job}')" >/dev/null
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	job_wait "$job" 60
	assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done ${6:-0}"
	assert_eq "$(value "$dir/state")" "${5:-Running}"
}

nic() {
	value "$dir/inventory" | jq -r --arg l3 "$red" --arg field "$1" '.vmNics[] | select(.l3NetworkUuid == $l3) | .[$field]'
}

parsed() {
	on_host dumpxml --security-info "$vm" >domain.xml
	xmllint --xpath "string($1)" domain.xml
}

killed_at tag-written "$dir" set-console-password '{"consolePassword":"afterall"}'
assert_eq "$(parsed '/domain/devices/graphics/@passwd')" afterall

killed_at tag-written "$dir" set-hostname '{"hostname":"afterall"}'
on_host net-dumpxml "poolfs-${l3:0:8}" | finds "name='afterall'" || fail "the lease has no name"

killed_at iso-tagged "$dir" attach-iso '{"isoUuid":"'"$iso"'"}'
assert_match "$(parsed '/domain/devices/disk[alias/@name="ua-cdrom-0"]/source/@file')" "$iso"

killed_at iso-ejected "$dir" detach-iso '{}'
assert_eq "$(parsed 'count(/domain/devices/disk[@device="cdrom"]/source/@file)')" 0
assert_eq "$(value "$dir/boot-orders" | jq -c .orders)" '["HardDisk","CdRom"]'

killed_at nic-written "$dir" attach-l3-network '{"l3NetworkUuid":"'"$red"'"}'
wait_serial "$vm" "NET eth1 $(nic ip)/" 30
assert_eq "$(parsed 'count(/domain/devices/interface)')" 2

killed_at nic-qos-written "$dir/nics/$(nic uuid)" set-qos '{"outboundBandwidth":8388608}'
assert_eq "$(on_host domiftune "$vm" "$(nic mac)" | sed -n 's/^outbound.average *: *//p')" 1024

killed_at nic-unplugged "$dir/nics/$(nic uuid)" detach '{}'
assert_eq "$(nic uuid)" ""
assert_eq "$(parsed 'count(/domain/devices/interface)')" 1

root=$(value "$dir/rootVolumeUuid")
killed_at qos-written "volumes/$root" set-qos '{"volumeBandwidth":1048576}'
assert_eq "$(jq .volumeBandwidth "$MOUNT/volumes/$root/qos")" 1048576
assert_match "$(on_host blkdeviotune "$vm" vda)" 'total_bytes_sec: 1048576'
act "volumes/$root" delete-qos

disk=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}')
act "volumes/$data" attach "vmInstanceUuid=$vm"
assert_eq "$(on_host domblklist "$vm" | grep -c "$data")" 1
killed_at detach-unplugged "volumes/$data" detach '{}'
assert_eq "$(value "volumes/$data/vmInstanceUuid")" ""
assert_eq "$(on_host domblklist "$vm" | grep -c "$data" || true)" 0 "the disks of the guest that are the volume"
qemu-img check -q "$(value "volumes/$data/installPath")"
act "volumes/$data" attach "vmInstanceUuid=$vm"

killed_at growth-written "$dir" update '{"cpuNum":2,"memorySize":402653184}'
assert_eq "$(value "$dir/cpuNum") $(on_host vcpucount "$vm" --live --current) $(parsed /domain/memory)" "2 2 393216"

boots=1
# booted: it has booted once more, on its host, and no more often
booted() {
	boots=$((boots + 1))
	wait_serial "$vm" "boots=$boots" 90
	wait_until 40 agent_ping "$vm"
	assert_eq "$(grep -ao 'boots=[0-9]*' "$(serial_log "$vm")" | tail -n 1)" "boots=$boots" "the boots of the guest"
}
killed_at vm-freezing "$dir" pauseVmInstance '{}' Paused 1
assert_eq "$(on_host domstate "$vm")" paused
killed_at vm-freezing "$dir" resumeVmInstance '{}' Running 1
wait_until 40 agent_ping "$vm"
killed_at vm-stopping "$dir" stopVmInstance '{}' Stopped 1
assert_eq "$(on_host domstate "$vm")" "shut off"
killed_at vm-starting "$dir" startVmInstance '{}' Running 1
booted
# one that is killed at any moment of it reboots the guest once
for point in reboot-begun reboot-off reboot-starting reboot-done; do
	killed_at $point "$dir" rebootVmInstance '{}'
	booted
done
