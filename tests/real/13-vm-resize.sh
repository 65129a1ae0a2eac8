#!/bin/bash
# A running guest gets CPUs and memory; libvirt parses what the system tags of a VM become as intended.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
offering=$(create instance-offerings '{"params":{"name":"small","cpuNum":1,"memorySize":268435456}}')
vm=$(create_vm grows "$image" '{"instanceOfferingUuid":"'"$offering"'"}')
dir=vm-instances/$vm

cpus() {
	guest "$vm" 'grep -c ^processor /proc/cpuinfo'
}
memory() { # MiB
	guest "$vm" "awk '/MemTotal/ { print int(\$2 / 1024) }' /proc/meminfo"
}
has_cpus() {
	[ "$(cpus)" = "$1" ]
}
has_memory() {
	[ "$(memory)" -ge "$1" ]
}

step "a VM that was started without vm.numa cannot grow while it runs"
wait_serial "$vm" "TINY ready" 120
echo true >"$MOUNT/global-configurations/vm/numa/value"
sync "$MOUNT/global-configurations/vm/numa/value"
job=$(submit "$dir/actions" "update cpuNum=2")
job_wait "$job" 2>/dev/null && fail "it got a CPU"
assert_match "$(value "api-jobs/$job/error")" "not of NUMA architecture"
assert_eq "$(value "$dir/cpuNum")" 1

step "after a restart the running guest gets a CPU and memory"
act "$dir" reboot
wait_serial "$vm" "TINY ready" 120 2
wait_until 20 agent_ping "$vm"
assert_eq "$(cpus)" 1
before=$(memory)
# Linux can give back only memory that it uses for what can be moved.
guest "$vm" 'echo online_movable >/sys/devices/system/memory/auto_online_blocks'
act "$dir" update cpuNum=2
wait_until 10 has_cpus 2
act "$dir" update memorySize=300M
wait_until 10 has_memory $((before + 120))
assert_eq "$(value "$dir/memorySize")" $((384 * 1024 * 1024))
assert_eq "$(on_host dominfo "$vm" | sed -n 's/^Max memory: *//p')" "393216 KiB"

step "the same by a larger offering"
larger=$(create instance-offerings '{"params":{"name":"larger","cpuNum":2,"memorySize":536870912}}')
act "$dir" change-instance-offering "instanceOfferingUuid=$larger"
wait_until 10 has_memory $((before + 240))
assert_eq "$(value "$dir/instanceOfferingUuid") $(value "$dir/cpuNum") $(value "$dir/memorySize")" "$larger 2 536870912"
assert_eq "$(on_host dominfo "$vm" | sed -n 's/^Max memory: *//p')" "524288 KiB"

step "what was added while it runs can be taken away again, and no more than that"
job=$(submit "$dir/actions" "update cpuNum=1") # here is no KVM
job_wait "$job" 60 2>/dev/null && fail "a CPU went, which QEMU does not report"
assert_match "$(value "api-jobs/$job/error")" "can't decrease capacity when vm.uuid:$vm. is running: domain '$vm' runs without KVM"
assert_eq "$(value "$dir/cpuNum") $(cpus)" "2 2"
act "$dir" update memorySize=384M
assert_eq "$(value "$dir/memorySize")" $((384 * 1024 * 1024))
assert_eq "$(on_host dominfo "$vm" | sed -n 's/^Max memory: *//p')" "393216 KiB"
[ "$(memory)" -lt $((before + 240)) ] || fail "the guest still has its memory"
act "$dir" update memorySize=256M
assert_eq "$(value "$dir/memorySize")" 268435456
wait_until 20 agent_ping "$vm"
job=$(submit "$dir/actions" "update memorySize=128M")
job_wait "$job" 60 2>/dev/null && fail "the memory that it was started with went"
assert_match "$(value "api-jobs/$job/error")" "can't decrease capacity when vm.uuid:$vm. is running: only whole modules .*there are: none"
assert_eq "$(value "$dir/memorySize")" 268435456
act "$dir" change-instance-offering "instanceOfferingUuid=$larger"
assert_eq "$(value "$dir/cpuNum") $(value "$dir/memorySize")" "2 536870912"

step "and still has them after the next start"
act "$dir" reboot
wait_serial "$vm" "TINY ready" 120 3
wait_until 20 agent_ping "$vm"
assert_eq "$(cpus)" 2
has_memory $((before + 240)) || fail "the guest has $(memory) MiB after its restart"
job=$(submit "$dir/actions" "update cpuNum=1")
job_wait "$job" 60 2>/dev/null && fail "a CPU that it was started with went"
assert_match "$(value "api-jobs/$job/error")" "runs without KVM" # before it is looked at which CPUs these are
assert_eq "$(value "$dir/cpuNum")" 2
act "$dir" stop type=cold

# add TAG...: system tags of the VM.
add() {
	local tag
	for tag in "$@"; do
		create system-tags "$(jq -nc --arg vm "$vm" --arg tag "$tag" \
			'{params: {resourceType: "VmInstanceVO", resourceUuid: $vm, tag: $tag}}')" >/dev/null
	done
}

# parsed XPATH: what libvirt made of the domain.
parsed() {
	on_host dumpxml --security-info "$vm" >domain.xml
	xmllint --xpath "string($1)" domain.xml
}

step "libvirt's own parse of a SPICE console with USB redirection, monitors, pinning and a serial number"
add vmConsoleMode::spice usbRedirect::true VDIMonitorNumber::2 "vmCpuPinning::0:0,1:0-1" vmSystemSerialNumber::SN-4711 \
	consolePassword::spice-secret
echo qxl >"$MOUNT/global-configurations/vm/videoType/value"
sync "$MOUNT/global-configurations/vm/videoType/value"
act "$dir" start
assert_eq "$(parsed '/domain/devices/graphics/@type')" spice
assert_eq "$(parsed '/domain/devices/graphics/@passwd')" spice-secret
assert_eq "$(value "$dir/console-addresses" | jq -r '"\(.protocol) \(.port)"')" "spice $(parsed '/domain/devices/graphics/@port')"
assert_eq "$(parsed 'count(/domain/devices/redirdev[@bus="usb"][@type="spicevmc"])')" 4
assert_eq "$(parsed '/domain/devices/video/model/@type') $(parsed '/domain/devices/video/model/@heads')" "qxl 2"
assert_eq "$(parsed '/domain/cputune/vcpupin[@vcpu="0"]/@cpuset')" 0
assert_eq "$(parsed '/domain/cputune/vcpupin[@vcpu="1"]/@cpuset')" 0-1
assert_eq "$(on_host vcpupin "$vm" | awk '/^ *[0-9]/ { print $2 }' | paste -sd' ')" "0 0-1" "where the CPUs may run"
assert_eq "$(parsed '/domain/sysinfo/system/entry[@name="serial"]')" SN-4711
act "$dir" set-console-password consolePassword=changed-live
assert_eq "$(parsed '/domain/devices/graphics/@passwd')" changed-live
wait_serial "$vm" "TINY ready" 120 4
wait_until 20 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /sys/class/dmi/id/product_serial)" SN-4711

step "boot order, empty drives and the default console"
assert_eq "$(parsed 'count(/domain/devices/disk[@device="cdrom"])')" 3
assert_eq "$(parsed 'count(/domain/devices/disk[@device="cdrom"]/source/@file)')" 0
assert_eq "$(parsed '/domain/devices/disk[@device="disk"]/boot/@order') $(parsed 'count(//boot)')" "1 2"

step "the disks of Windows are on SATA, unless a tag says that it has the driver"
act "$dir" stop type=cold
act "$dir" update platform=Windows
act "$dir" start
assert_eq "$(parsed '/domain/devices/disk[@device="disk"]/target/@bus') $(parsed '/domain/devices/interface/model/@type')" "sata e1000e"
act "$dir" stop type=cold
add windows::virtioVolume
act "$dir" start
assert_eq "$(parsed '/domain/devices/disk[@device="disk"]/target/@bus') $(parsed '/domain/devices/interface/model/@type')" "virtio e1000e"

step "a PCI device is in the definition, which the host refuses to start, until its tag is removed"
act "$dir" stop type=cold
add pciDevice::0000:00:1f.7
job=$(submit "$dir/actions" start)
job_wait "$job" 2>/dev/null && fail "a device that is not there was given to the guest"
assert_eq "$(value "$dir/state")" Stopped
assert_eq "$(parsed 'concat(//hostdev/source/address/@bus, //hostdev/source/address/@slot, //hostdev/source/address/@function)')" "0x000x1f0x7"
tag=$(grep -l "^pciDevice::" "$MOUNT/$dir/tags"/*)
act "system-tags/$(basename "$tag")" delete
act "$dir" start
assert_eq "$(parsed 'count(//hostdev)')" 0
