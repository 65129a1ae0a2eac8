#!/bin/bash
# Sizes in place of offerings: a VM by CPUs and memory, its disks and data volumes by bytes; an image without a format.
# shellcheck source=tests/tree/lib.sh
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
l3=$(first l3-networks)
# by_size JSON: the document that creates a VM without an offering.
by_size() {
	jq -nc --arg image "$image" --arg l3 "$l3" --argjson more "$1" \
		'{params: ({name: "sized", imageUuid: $image, l3NetworkUuids: [$l3]} + $more)}'
}

step "a VM of two CPUs and 128 MB, with a larger root volume and two data volumes"
vm=$(create vm-instances "$(by_size '{"cpuNum":2,"memorySize":134217728,"rootDiskSize":8388608,"dataDiskSizes":[1048576,"2M"]}')")
assert_eq "$(value "vm-instances/$vm/inventory" | jq -c '[.state, .cpuNum, .memorySize, .instanceOfferingUuid, .allocatorStrategy]')" \
	'["Running",2,134217728,null,"LeastVmPreferredHostAllocatorStrategy"]'
assert_eq "$(value "vm-instances/$vm/inventory" | jq -c '[.allVolumes[] | [.type, .size, .diskOfferingUuid]]')" \
	'[["Root",8388608,null],["Data",1048576,null],["Data",2097152,null]]'

step "offerings and sizes together, as long as they agree; zeros are nothing"
offering=$(create instance-offerings '{"params":{"name":"o","cpuNum":1,"memorySize":"64M"}}')
disk=$(create disk-offerings '{"params":{"name":"d","diskSize":"4M"}}')
both=$(create_vm both "$image" "$(jq -nc --arg o "$offering" --arg d "$disk" '{instanceOfferingUuid: $o, cpuNum: 1, memorySize: 67108864,
	rootDiskSize: 0, dataDiskOfferingUuids: [$d], dataDiskSizes: [1048576]}')")
assert_eq "$(value "vm-instances/$both/inventory" | jq -c --arg o "$offering" '[.instanceOfferingUuid == $o, [.allVolumes[].size]]')" \
	"[true,[$(value "images/$image/size"),4194304,1048576]]"
assert_eq "$(value "vm-instances/$(create_vm zeros "$image" '{"cpuNum":0,"memorySize":0}')/cpuNum")" "$(value "instance-offerings/$(first instance-offerings)/cpuNum")"

step "what cannot be obeyed is refused, never ignored"
refuse_vm() {
	assert_refused vm-instances/create "$(by_size "$1")" EINVAL "$2"
}
refuse_vm '{}' 'field\[instanceOfferingUuid\] of message.* is mandatory'
refuse_vm '{"cpuNum":1}' 'cpuNum and memorySize are both needed'
refuse_vm '{"memorySize":134217728}' 'field\[instanceOfferingUuid\] of message.* is mandatory'
refuse_vm '{"cpuNum":1,"memorySize":1048576}' 'is less than 16M'
refuse_vm '{"cpuNum":1,"memorySize":134217728,"rootDiskSize":1024}' 'rootDiskSize\[1024\] is less than the size of the image'
refuse_vm '{"cpuNum":1,"memorySize":134217728,"dataDiskSizes":["much"]}' "dataDiskSizes has 'much'"
refuse_vm "{\"cpuNum\":3,\"instanceOfferingUuid\":\"$offering\"}" 'cpuNum\[3\] is not that of the instance offering, 1'
refuse_vm "{\"memorySize\":1,\"instanceOfferingUuid\":\"$offering\"}" 'memorySize\[1\] is not that of the instance offering'
refuse_vm "$(jq -nc '{cpuNum: 1, memorySize: 134217728, dataDiskSizes: [range(25) | 1048576]}')" 'at most 24 data volumes, not 25'
assert_refused vm-instances/create "$(by_size '{"cpuNum":2000,"memorySize":134217728}')" ERANGE 'field\[cpuNum\] must be in range'

step "a data volume by size; an ISO needs a size too"
volume=$(create volumes '{"params":{"name":"v","diskSize":"3M"}}')
assert_eq "$(value "volumes/$volume/inventory" | jq -c '[.size, .diskOfferingUuid]')" '[3145728,null]'
act "volumes/$volume" attach "vmInstanceUuid=$vm"
assert_eq "$(value "volumes/$volume/status")" Ready
assert_refused volumes/create '{"name":"v"}' EINVAL 'field\[diskOfferingUuid\] of message.* is mandatory'
assert_refused volumes/create "{\"name\":\"v\",\"diskSize\":1,\"diskOfferingUuid\":\"$disk\"}" EINVAL 'diskSize\[1\] is not that of the disk offering'
assert_match "$(value volumes/create)" $'\ndiskOfferingUuid text required without diskSize,'

step "an image whose format is found in the file"
storage=$(first backup-storage)
qemu-img create -q -f qcow2 found.qcow2 1M
xorriso -as mkisofs -quiet -o found.iso "$TOP/tests/tree"
for format in qcow2 iso; do
	found=$(create images "{\"name\":\"$format\",\"url\":\"$CASE_DIR/found.$format\",\"backupStorageUuids\":[\"$storage\"]}")
	assert_eq "$(value "images/$found/format")" "$format"
done
assert_eq "$(value "images/$found/mediaType")" ISO
image=$found
refuse_vm '{"cpuNum":1,"memorySize":134217728}' 'rootDiskOfferingUuid cannot be null when image mediaType is ISO'
refuse_vm "{\"cpuNum\":1,\"memorySize\":134217728,\"rootDiskSize\":1048576,\"rootDiskOfferingUuid\":\"$disk\"}" 'exclude each other'
installed=$(create vm-instances "$(by_size '{"cpuNum":1,"memorySize":134217728,"rootDiskSize":5242880}')")
assert_eq "$(value "vm-instances/$installed/inventory" | jq -c '[.allVolumes[] | [.type, .size]]')" '[["Root",5242880]]'
