#!/bin/bash
# What a guest does late, or by itself, ends with host and pool in agreement: devices, sleep, a saved guest.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

tiny_pool
l3=$(first l3-networks)
red=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" \
	'{params: {name: "red", type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
act "l3-networks/$red" "add-ip-range-by-cidr name=r networkCidr=10.82.1.0/24"
# Guests with a q35 and SeaBIOS are not offered to sleep (hypervisor/domain/domain_xml.c).
vm=$(create_vm late "$image" "$(jq -nc --arg o "$small" --arg a "$l3" --arg b "$red" \
	'{instanceOfferingUuid: $o, l3NetworkUuids: [$a, $b], defaultL3NetworkUuid: $b, systemTags: ["vmMachineType::pc"]}')")
dir=vm-instances/$vm

# data_volume NAME
data_volume() {
	create volumes "$(jq -nc --arg n "$1" --arg o "$(first disk-offerings)" '{params: {name: $n, diskOfferingUuid: $o}}')"
}

# fails OBJECT VERB REGEX [SECONDS]: the job fails, and says so.
fails() {
	local job
	job=$(submit "$1/actions" "$2")
	job_wait "$job" "${4:-60}" 2>/dev/null && fail "'$2' succeeded"
	assert_match "$(value "api-jobs/$job/error")" "$3"
}

# disks: those of the running guest and those of the definition.
disks() {
	echo "$(on_host domblklist "$vm" | grep -c ' vd[b-z] ' || true) $(on_host domblklist --inactive "$vm" | grep -c ' vd[b-z] ' || true)"
}

one=$(data_volume one)
two=$(data_volume two)
nic=$(value "$dir/inventory" | jq -r --arg l3 "$red" '.vmNics[] | select(.l3NetworkUuid == $l3) | .uuid')
wait_serial "$vm" "TINY ready" 180
wait_until 60 agent_ping "$vm"
act "volumes/$one" attach "vmInstanceUuid=$vm"
wait_until 20 guest "$vm" 'ls /dev/vdb'

step "a paused guest cannot let go of a volume: it stays"
act "$dir" pause
fails "volumes/$one" detach "did not release device 'ua-disk-1'"
assert_eq "$(value "volumes/$one/vmInstanceUuid")" "$vm"

step "it goes on and does: the volume is detached on both sides"
act "$dir" resume
wait_for "volumes/$one/vmInstanceUuid" "" 30
assert_eq "$(disks)" "0 0"

step "a NIC that somebody detaches on the host is gone from the pool, and what hung on it goes with it"
on_host detach-device-alias "$vm" "ua-nic-$(value "$dir/nics/$nic/deviceId")" --live >/dev/null
one_nic() {
	[ "$(value "$dir/inventory" | jq '.vmNics | length')" = 1 ]
}
wait_until 30 one_nic
assert_eq "$(value "$dir/defaultL3NetworkUuid")" "$l3"
no_lease() {
	on_host net-dumpxml "poolfs-${red:0:8}" | lacks "<host "
}
wait_until 20 no_lease

step "another volume takes its place, in the definition too"
act "volumes/$two" attach "vmInstanceUuid=$vm"
assert_eq "$(disks)" "1 1"
act "volumes/$two" create-snapshot name=s
act "volumes/$two" detach
assert_eq "$(disks)" "0 0"

step "a volume that is taken by force from a guest that does not react: the next one does not meet its disk"
forced=$(data_volume forced)
act "volumes/$forced" attach "vmInstanceUuid=$vm"
wait_until 20 guest "$vm" 'ls /dev/vdb'
act "$dir" pause
act "volumes/$forced" delete deleteMode=Enforcing
act "volumes/$two" attach "vmInstanceUuid=$vm"
assert_eq "$(disks)" "2 2"

step "the guest lets go of it later, and the definition does, too"
act "$dir" resume
has_one_disk() {
	[ "$(disks)" = "1 1" ]
}
wait_until 30 has_one_disk
assert_eq "$(value "volumes/$two/vmInstanceUuid")" "$vm"
act "volumes/$two" detach
assert_eq "$(disks)" "0 0"

step "a guest that went to sleep is Paused; resume wakes it"
if guest "$vm" 'grep -qw mem /sys/power/state'; then
	guest_begin "$vm" 'echo mem >/sys/power/state'
	wait_for "$dir/state" Paused 30
	assert_eq "$(value "$dir/stateReason")" asleep
	act "$dir" resume
	wait_for "$dir/state" Running 10
	assert_eq "$(value "$dir/stateReason")" ""
	wait_until 60 agent_ping "$vm"
else
	fail "the guest cannot sleep"
fi

# unchanged: the VM runs where it did, no job has seen to it, and nothing is told of it
unchanged() {
	assert_eq "$(value "$dir/state") '$(value "$dir/stateReason")' $(value "$dir/hostUuid")" "Running '' $(first hosts)"
	assert_eq "$(find "$MOUNT/$dir/jobs" -mindepth 1 -maxdepth 1 | wc -l)" "$jobs" "the jobs of the VM"
}
jobs=$(find "$MOUNT/$dir/jobs" -mindepth 1 -maxdepth 1 | wc -l)

step "a guest that sets its clock changes nothing of the VM"
on_host event "$vm" --event rtc-change >rtc &
is_told() {
	guest "$vm" 'date -s 2001-02-03 >/dev/null; hwclock -w -u' # again until virsh listens
	grep -q rtc-change rtc
}
wait_until 30 is_told
unchanged

step "nor does one that reboots by itself, which has its devices then"
guest_begin "$vm" 'reboot -f'
wait_serial "$vm" "TINY ready" 180 2
wait_until 60 agent_ping "$vm"
unchanged

step "a watchdog that pauses the guest: it is Paused, and says why, until it is resumed"
on_host attach-device "$vm" /dev/stdin --live <<<"<watchdog model='i6300esb' action='pause'/>" >/dev/null
# its kernel has no driver for it: what one would write to the registers of an i6300ESB, to have it fire after two seconds
cat >fire <<'EOF'
for device in /sys/bus/pci/devices/*; do
	[ "$(cat $device/device)" = 0x25ab ] || continue
	printf '\4\0' | dd of=$device/config bs=2 seek=48 conv=notrunc
	printf '\2' | dd of=$device/config bs=1 seek=104 conv=notrunc
done
EOF
wait_until 30 guest "$vm" 'grep -qx 0x25ab /sys/bus/pci/devices/*/device'
guest_begin "$vm" "$(cat fire)"
wait_for "$dir/state" Paused 60
assert_eq "$(value "$dir/stateReason")" watchdog
act "$dir" resume
assert_eq "$(value "$dir/state") '$(value "$dir/stateReason")'" "Running ''"

step "a guest that was saved outside starts anew, on the disks that it has by then"
on_host managedsave "$vm" >/dev/null
wait_for "$dir/state" Stopped 10
assert_eq "$(value "$dir/stateReason")" saved
root=$(value "$dir/rootVolumeUuid")
act "volumes/$root" create-snapshot name=s
act "volumes/$one" attach "vmInstanceUuid=$vm"
frozen=$(on_host domblklist --inactive "$vm" | awk '$1 == "vda" {print $2}')
before=$(md5sum <"$frozen")
act "$dir" start
assert_eq "$(disks)" "1 1"
assert_match "$(on_host domblklist "$vm" | awk '$1 == "vda" {print $2}')" "^$(value "volumes/$root/installPath")\$"
wait_serial "$vm" "TINY ready" 180 3
wait_until 60 agent_ping "$vm"
guest "$vm" 'echo new >/root/new; sync'
assert_eq "$(md5sum <"$frozen")" "$before" "the file that the snapshot froze"
assert_eq "$(value "$dir/stateReason")" ""

step "an agent that only says that it is there, as that of a guest that is paused meanwhile, holds nobody up"
act "$dir" set-qga enable=true
cat >"$CASE_DIR/agent" <<'EOF'
killall qemu-ga
until (: <>/dev/virtio-ports/org.qemu.guest_agent.0) 2>/dev/null; do sleep 0.1; done
exec 3<>/dev/virtio-ports/org.qemu.guest_agent.0
echo "AGENT silent" >/dev/console
while :; do
	read -r line <&3 || sleep 0.1 # the host has not opened its end
	case $line in
	*guest-sync*)
		id=${line##*\"id\":}
		echo "{\"return\":${id%%\}*}}" >&3
		;;
	esac
done
EOF
guest_begin "$vm" "echo $(base64 -w 0 "$CASE_DIR/agent") | base64 -d >/run/agent; setsid sh /run/agent </dev/null >/dev/null 2>&1 &"
wait_serial "$vm" "AGENT silent" 30
is_connected() {
	on_host dumpxml "$vm" | finds "guest_agent.0' state='connected'"
}
wait_until 30 is_connected
act "$dir" pause
act "$dir" resume
assert_eq "$(value "$dir/state")" Running
fails "$dir" "change-password account=root password=x" "did not answer within"
