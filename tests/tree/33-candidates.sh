#!/bin/bash
# Candidates for a VM: the files agree with what then happens.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
zone=$(first zones)
l3=$(first l3-networks)
l2=$(first l2-networks)
local=$(first hosts)
sims=$(create clusters '{"params":{"name":"sims","zoneUuid":"'"$zone"'","hypervisorType":"Simulator"}}')
mkdir "$CASE_DIR/shared"
small=$(create hosts/simulators '{"params":{"name":"small","managementIp":"10.0.0.1","clusterUuid":"'"$sims"'","cpuCapacity":1,"memoryCapacity":2147483648}}')
large=$(create hosts/simulators '{"params":{"name":"large","managementIp":"10.0.0.2","clusterUuid":"'"$sims"'","cpuCapacity":64,"memoryCapacity":68719476736}}')
ps=$(create primary-storage/smp '{"params":{"name":"shared","url":"'"$CASE_DIR/shared"'","zoneUuid":"'"$zone"'"}}')
act "primary-storage/$ps" attach-to-cluster "clusterUuid=$sims"
wait_for "hosts/$local/status" Connected 20
offering=$(create instance-offerings '{"params":{"name":"big","cpuNum":4,"memorySize":1610612736}}')
disk=$(create disk-offerings '{"params":{"name":"huge","diskSize":1125899906842624}}')
new="imageUuid=$image&l3NetworkUuids=$l3"

# uuids_in JSON PATH: the uuids of a list in an answer, in one line.
uuids_in() {
	jq -r "[$2[].uuid] | sort | join(\" \")" <<<"$1"
}

sorted() {
	printf '%s\n' "$@" | sort | paste -sd' '
}

step "the strategies are those of placement"
assert_eq "$(value hosts/allocators/strategies | jq '.strategies | length')" 6
assert_refused instance-offerings/create 'name=x cpuNum=1 memorySize=128M allocatorStrategy=Nearest' EINVAL \
	'unsupported host allocation strategy\[Nearest\]'

step "a new VM: only clusters that reach its networks, only hosts with room"
answer=$(value "vm-instances/candidate-destinations?instanceOfferingUuid=$offering&$new")
assert_eq "$(uuids_in "$answer" .hosts)" "$local"
act "l2-networks/$l2" attach-to-cluster "clusterUuid=$sims"
answer=$(value "vm-instances/candidate-destinations?instanceOfferingUuid=$offering&$new")
assert_eq "$(uuids_in "$answer" .hosts)" "$(sorted "$local" "$large")"
assert_eq "$(uuids_in "$answer" .clusters)" "$(sorted "$(value "hosts/$local/clusterUuid")" "$sims")"
assert_eq "$(uuids_in "$answer" .zones)" "$zone"
answer=$(value "vm-instances/candidate-destinations?instanceOfferingUuid=$offering&$new&clusterUuid=$sims")
assert_eq "$(uuids_in "$answer" .hosts)" "$large"
answer=$(value "vm-instances/candidate-destinations?instanceOfferingUuid=$offering&$new&dataDiskOfferingUuids=$disk")
assert_eq "$(jq -c '[.zones, .clusters, .hosts]' <<<"$answer")" '[[],[],[]]' "what could take a disk of 1 PiB"

step "its storage"
answer=$(value "vm-instances/candidate-storages?$new&dataDiskOfferingUuids=$disk")
assert_eq "$(uuids_in "$answer" .rootVolumePrimaryStorages)" "$(uuids primary-storage | paste -sd' ')"
assert_eq "$(jq -c ".dataVolumePrimaryStorages[\"$disk\"]" <<<"$answer")" '[]'
answer=$(value "vm-instances/candidate-storages?$new&clusterUuid=$sims")
assert_eq "$(uuids_in "$answer" .rootVolumePrimaryStorages)" "$ps"

step "numbers in place of offerings, as clients of later versions give them"
answer=$(value "vm-instances/candidate-destinations?cpuNum=4&memorySize=1610612736&$new")
assert_eq "$(uuids_in "$answer" .hosts)" "$(sorted "$local" "$large")"
answer=$(value "vm-instances/candidate-destinations?cpuNum=1&memorySize=1152921504606846976&$new")
assert_eq "$(jq -c '[.zones, .clusters, .hosts]' <<<"$answer")" '[[],[],[]]' "what could run a VM with 1 EiB of memory"
for size in rootDiskSize dataDiskSizes; do
	answer=$(value "vm-instances/candidate-destinations?instanceOfferingUuid=$offering&$new&$size=1125899906842624")
	assert_eq "$(jq -c .hosts <<<"$answer")" '[]' "what could take a disk of 1 PiB ($size)"
done
answer=$(value "vm-instances/candidate-storages?$new&dataDiskOfferingUuids=$disk&dataDiskSizes=1048576&dataDiskSizes=1125899906842624")
assert_eq "$(uuids_in "$answer" '.dataVolumePrimaryStorages["1048576"]')" "$(uuids primary-storage | paste -sd' ')"
assert_eq "$(jq -c "[.dataVolumePrimaryStorages[\"1125899906842624\"], .dataVolumePrimaryStorages[\"$disk\"]]" <<<"$answer")" '[[],[]]'
answer=$(value "vm-instances/candidate-storages?$new&rootDiskSize=1125899906842624")
assert_eq "$(jq -c .rootVolumePrimaryStorages <<<"$answer")" '[]' "what could take a root volume of 1 PiB"
for wrong in "destinations?$new&cpuNum=1" "destinations?$new&memorySize=1610612736" "destinations?$new&instanceOfferingUuid=$offering&cpuNum=5" \
	"storages?$new&rootDiskSize=4096" "storages?$new&rootDiskSize=2097152&rootDiskOfferingUuid=$disk" "storages?$new&dataDiskSizes=0"; do
	assert_fails "Invalid argument" value "vm-instances/candidate-$wrong"
done

step "networks for an image, images for networks"
assert_eq "$(uuids_in "$(value "images-l3networks/dependencies?zoneUuid=$zone&imageUuid=$image")" .inventories)" "$l3"
assert_eq "$(uuids_in "$(value "images-l3networks/dependencies?zoneUuid=$zone&l3NetworkUuids=$l3")" .inventories)" "$image"
assert_fails "Invalid argument" value "images-l3networks/dependencies?zoneUuid=$zone"

step "an existing VM: where it can start, and migrate to"
tiny=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
vm=$(create_vm web "$image" '{"hostUuid":"'"$large"'","instanceOfferingUuid":"'"$tiny"'"}')
assert_fails busy cat "$MOUNT/vm-instances/$vm/starting-target-hosts"
assert_eq "$(uuids_in "$(value "vm-instances/$vm/migration-target-hosts")" .inventories)" "$small"
act "hosts/$small" change-state stateEvent=disable
assert_eq "$(value "vm-instances/$vm/migration-target-hosts" | jq -c .inventories)" '[]'
act "hosts/$small" change-state stateEvent=enable
act "vm-instances/$vm" stop
answer=$(value "vm-instances/$vm/starting-target-hosts")
assert_eq "$(uuids_in "$answer" .hosts)" "$(sorted "$small" "$large")"
assert_eq "$(uuids_in "$answer" .clusters)" "$sims"
assert_eq "$(jq -c '[.hostInventories == .hosts, .clusterInventories == .clusters]' <<<"$answer")" '[true,true]'
assert_fails busy cat "$MOUNT/vm-instances/$vm/migration-target-hosts"
for host in $small $large; do
	act "vm-instances/$vm" start "hostUuid=$host"
	assert_eq "$(value "vm-instances/$vm/hostUuid")" "$host"
	act "vm-instances/$vm" stop
done
