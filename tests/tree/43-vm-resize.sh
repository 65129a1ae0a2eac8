#!/bin/bash
# CPUs and memory of a VM: changed while stopped, and while running if vm.numa allows it; the host's free
# capacity; capabilities.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
host=$(first hosts)
vm=$(create_vm sizes "$image" '{"instanceOfferingUuid":"'"$(create instance-offerings '{"params":{"name":"s","cpuNum":1,"memorySize":268435456}}')"'"}')
dir=vm-instances/$vm
large=$(create instance-offerings '{"params":{"name":"l","cpuNum":3,"memorySize":805306368}}')
small=$(create instance-offerings '{"params":{"name":"xs","cpuNum":1,"memorySize":134217728}}')
M=1048576

left() {
	echo "$(value "hosts/$host/availableCpuCapacity") $(($(value "hosts/$host/availableMemoryCapacity") / M))"
}

size() {
	echo "$(value "$dir/cpuNum") $(($(value "$dir/memorySize") / M))"
}

step "capabilities of a VM on local storage"
assert_eq "$(value "$dir/capabilities" | jq -Sc .)" '{"capabilities":{"LiveMigration":false,"Reimage":true,"VolumeMigration":false}}'

step "without vm.numa only a stopped VM can be resized"
assert_refused "$dir/actions" "update cpuNum=2" EINVAL "it is not of NUMA architecture. Please stop the VM"
assert_refused "$dir/actions" "change-instance-offering instanceOfferingUuid=$large" EINVAL "it is not of NUMA architecture"
assert_refused "$dir/cpuNum" 2 EINVAL "NUMA"
act "$dir" update cpuNum=1 name=renamed
assert_eq "$(value "$dir/name")" renamed
act "$dir" stop
act "$dir" update cpuNum=2 memorySize=300M
assert_eq "$(size)" "2 300"
act "$dir" change-instance-offering "instanceOfferingUuid=$small"
assert_eq "$(size)" "1 128"
act "$dir" update memorySize=256M
act "$dir" start

step "a VM that was started before vm.numa was set must be restarted first, and stays as it is"
echo true >"$MOUNT/global-configurations/vm/numa/value"
before=$(left)
job=$(submit "$dir/actions" "update cpuNum=2 name=never")
job_wait "$job" 2>/dev/null && fail "it changed"
assert_match "$(value "api-jobs/$job/error")" "it is not of NUMA architecture"
assert_eq "$(size) $(value "$dir/name")" "1 256 renamed"
assert_eq "$(left)" "$before"

step "a running VM grows, its memory in steps of 128 MiB, and its host has less left"
act "$dir" reboot
read -r cpus memory <<<"$(left)"
act "$dir" update cpuNum=2 memorySize=300M
assert_eq "$(size)" "2 384"
assert_eq "$(left)" "$((cpus - 1)) $((memory - 128))"
echo 3 >"$MOUNT/$dir/cpuNum"
sync "$MOUNT/$dir/cpuNum"
assert_eq "$(size)" "3 384"
act "$dir" change-instance-offering "instanceOfferingUuid=$large"
assert_eq "$(size)" "3 768"
assert_eq "$(value "$dir/instanceOfferingUuid")" "$large"

step "it shrinks, too, in the same steps, and its host gets that back"
read -r cpus memory <<<"$(left)"
act "$dir" update cpuNum=2 memorySize=500M
assert_eq "$(size)" "2 512"
assert_eq "$(left)" "$((cpus + 1)) $((memory + 256))"
act "$dir" change-instance-offering "instanceOfferingUuid=$small"
assert_eq "$(size) $(value "$dir/instanceOfferingUuid")" "1 128 $small"
act "$dir" update cpuNum=3 memorySize=128M
assert_eq "$(size)" "3 128"

step "it does not outgrow its host, nor change while paused, nor get less than it can start with"
assert_refused "$dir/actions" "update memorySize=1M" EINVAL "^memory size\[.* bytes\] is less than 16M"
assert_refused "$dir/actions" "update memorySize=100T" ENOSPC "^host\[uuid:$host\] capacity is not enough to offer cpu\[0\], memory\[[0-9]+ bytes\]$"
assert_refused "$dir/actions" "update cpuNum=1024" ENOSPC "capacity is not enough to offer cpu\[1021\]"
act "$dir" pause
assert_refused "$dir/actions" "update cpuNum=4" EBUSY "The state of vm\[uuid:$vm\] is Paused. Only these state\[Running,Stopped\]"
act "$dir" update description=anything
act "$dir" resume
