#!/bin/bash
# A guest that virsh has made is adopted and released while it runs, and is a VM like others after its next start.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
host=$(first hosts)
dir=hosts/$host
wait_for "$dir/status" Connected 20
uuid=7dea22b31d52d8f32516782e98ab3fa0
folder=$(value "primary-storage/$(first primary-storage)/mountPath")
net=$(first l3-networks)
cp "$(tiny_guest)/tiny.qcow2" "$folder/theirs.qcow2"
chown --reference="$folder" "$folder/theirs.qcow2"
qemu-img create -q -f raw "$folder/data.raw" 32M

step "virsh makes a guest"
cat >domain.xml <<END
<domain type='$(value "$dir/virtType")'><name>theirs</name><uuid>$uuid</uuid><memory unit='MiB'>128</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type><boot dev='hd'/></os><features><acpi/></features>
<devices>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$folder/theirs.qcow2'/><target dev='vda' bus='virtio'/></disk>
<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$folder/data.raw'/><target dev='vdb' bus='virtio'/></disk>
<interface type='network'><mac address='52:54:00:12:34:56'/><source network='poolfs-${net:0:8}'/><model type='virtio'/></interface>
<serial type='file'><source path='$(serial_log $uuid)'/></serial>
<channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>
<graphics type='vnc' autoport='yes'/><video><model type='cirrus'/></video>
</devices></domain>
END
on_host define domain.xml >/dev/null
on_host start theirs >/dev/null
wait_serial $uuid "TINY ready" 60
wait_until 20 agent_ping theirs
wait_for "$dir/foreignCpuNum" 1 20
assert_eq "$(value "$dir/foreign-domains" | jq -c '.inventories[] | [.uuid, .name, .state, .cpuNum, .memorySize]')" "[\"$uuid\",\"theirs\",\"Running\",1,134217728]"

# process: the guest's QEMU
process() {
	on_host qemu-monitor-command theirs --hmp info status >/dev/null && host exec h1 cat "/run/libvirt/qemu/theirs.pid"
}
before=$(process)
on_host dumpxml theirs >before.xml

step "adopted: the guest goes on, nothing of it is changed"
act "$dir" adopt domain=theirs
vm=vm-instances/$uuid
assert_eq "$(value "$vm/state") $(value "$vm/name") $(value "$vm/machineType")" "Running theirs pc"
assert_eq "$(process)" "$before"
on_host dumpxml theirs | diff before.xml - || fail "the domain has changed"
assert_eq "$(value "$vm/inventory" | jq -r '.vmNics[0].mac')" 52:54:00:12:34:56
root=$(value "$vm/rootVolumeUuid")
assert_eq "$(value "$vm/inventory" | jq -r '.allVolumes[] | select(.type == "Data") | "\(.installPath) \(.deviceId)"')" "$folder/data.raw 1"
assert_eq "$(value "volumes/$root/size")" "$(qemu-img info -U --output json "$folder/theirs.qcow2" | jq '."virtual-size"')"
assert_eq "$(value "$dir/foreignCpuNum")" 0

step "its state is followed, and its disks are the pool's: a snapshot while it runs"
on_host suspend theirs >/dev/null
wait_for "$vm/state" Paused 10
act "$vm" resume
act "volumes/$root" create-snapshot name=s
act "volume-snapshots/$(first volume-snapshots)" delete

step "its data disk leaves it while it runs, and comes back as one of the pool"
data=$(value "$vm/inventory" | jq -r '.allVolumes[] | select(.type == "Data").uuid')
act "volumes/$data" detach
on_host dumpxml theirs >live.xml
on_host dumpxml --inactive theirs >next.xml
lacks "$folder/data.raw" live.xml next.xml || fail "the disk is still there"
act "volumes/$data" attach "vmInstanceUuid=$uuid"
on_host dumpxml theirs | finds -F "$folder/data.raw" || fail "the guest does not have the disk"
act "volumes/$data" detach

step "released while it runs, the guest is virsh's again"
act "$vm" release
[ ! -e "$MOUNT/$vm" ] || fail "the VM is still there"
assert_eq "$(process)" "$before"
wait_until 10 agent_ping theirs
assert_eq "$(value "$dir/foreignCpuNum")" 1

step "adopted again, stopped and started, it is a VM like others, with the data it wrote"
guest theirs 'echo kept >/root/file; sync'
act "$dir" adopt domain=$uuid
act "$vm" stop
assert_eq "$(value "$vm/state")" Stopped
rm -f "$(serial_log $uuid)"
act "$vm" start
assert_eq "$(on_host list --name | sed -n 1p)" $uuid
assert_eq "$(value "$vm/domainName")" ""
wait_serial $uuid "boots=2" 90
wait_until 20 agent_ping $uuid
assert_eq "$(guest $uuid cat /root/file)" kept
