#!/bin/bash
# Zones, clusters, hosts, networks, offerings, tags and settings are created, changed and removed through files.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
home=$(first zones)
cluster=$(first clusters)
used=$(first l3-networks)

# gone PATH: the object is gone.
gone() {
	[ ! -e "$MOUNT/$1" ] || fail "'$1' is still there"
}

step "another zone and cluster"
zone=$(create zones '{"params":{"name":"lab","description":"for tests","resourceUuid":"36c27e8ff05c4780bf6d2fa65700aaaa"}}')
assert_eq "$zone" 36c27e8ff05c4780bf6d2fa65700aaaa "the uuid that was chosen"
assert_eq "$(value "zones/$zone/description")" "for tests"
assert_refused clusters/create '{"params":{"name":"c","zoneUuid":"'"$zone"'","hypervisorType":"Simulator","resourceUuid":"'"$zone"'"}}' EEXIST taken
assert_refused clusters/create '{"params":{"name":"c","zoneUuid":"'"$zone"'","hypervisorType":"VMware"}}' EINVAL
sims=$(create clusters '{"params":{"name":"sims","zoneUuid":"'"$zone"'","hypervisorType":"Simulator"}}')
act "zones/$zone" change-state stateEvent=disable
assert_eq "$(value "zones/$zone/state")" Disabled
act "zones/$zone" change-state stateEvent=enable
echo basement >"$MOUNT/clusters/$sims/name"
assert_eq "$(readlink "$MOUNT/clusters/by-name/basement")" "../$sims"

step "simulated hosts, each with its own domains"
small=$(create hosts/simulators '{"params":{"name":"s1","managementIp":"10.0.0.1","clusterUuid":"'"$sims"'","cpuCapacity":2,"memoryCapacity":4294967296}}')
large=$(create hosts/simulators '{"params":{"name":"s2","managementIp":"10.0.0.2","clusterUuid":"'"$sims"'","cpuCapacity":64,"memoryCapacity":68719476736}}')
assert_eq "$(value "hosts/$small/status")" Connected
assert_eq "$(value "hosts/$small/totalCpuCapacity")" 20
assert_eq "$(value "hosts/$small/totalMemoryCapacity")" 4294967296
assert_eq "$(value "hosts/$large/cpuNum")" 64
assert_eq "$(value "hosts/$large/availableMemoryCapacity")" 68719476736
assert_eq "$(value "hosts/capacities/cpu-memory?clusterUuids=$sims" | jq -c '[.totalCpu,.totalMemory]')" "[660,73014444032]"
assert_match "$(value hosts/allocators/strategies | jq -r '.strategies[]' | tr '\n' ' ')" LeastVmPreferredHostAllocatorStrategy

step "hosts that cannot be added leave nothing"
assert_refused hosts/simulators/create "name=s3 managementIp=10.0.0.1 clusterUuid=$sims" EEXIST 'having managementIp\[10.0.0.1\]'
assert_refused hosts/simulators/create "name=s3 managementIp=10.0.0.999 clusterUuid=$sims" EINVAL 'neither an IPv4 address'
assert_refused hosts/kvm/create "name=k managementIp=10.0.0.3 clusterUuid=$sims username=root password=x" EINVAL hypervisorType
assert_refused hosts/create "name=u uri=nonsense clusterUuid=$sims" EINVAL URI
for uri in "qemu+ext:///system?command=/bin/sh" "qemu+ssh://h/system?command=/bin/sh" "qemu+ssh://h/system?keyfile=/etc/shadow"; do
	assert_refused hosts/create "name=u uri=$uri clusterUuid=$sims" EINVAL "is not accepted"
done
job=$(submit hosts/create "name=u uri=test://$CASE_DIR/nothing.xml clusterUuid=$sims")
! job_wait "$job" 2>/dev/null || fail "a host without a machine was added"
assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" HOST.1000
assert_eq "$(uuids hosts | wc -l)" 3 "the number of hosts"

step "states of a host"
act "hosts/$small" change-state stateEvent=disable
assert_eq "$(value "hosts/$small/state")" Disabled
assert_eq "$(value "hosts/capacities/cpu-memory?hostUuids=$small" | jq -c .totalCpu)" 0
act "hosts/$small" change-state stateEvent=maintain
assert_eq "$(value "hosts/$small/state")" Maintenance
act "hosts/$small" change-state stateEvent=enable
act "hosts/$small" reconnect
assert_eq "$(value "hosts/$small/state") $(value "hosts/$small/status")" "Enabled Connected"
echo 10.0.0.9 >"$MOUNT/hosts/$small/managementIp"
assert_eq "$(value "hosts/$small/managementIp")" 10.0.0.9
assert_refused "hosts/$small/managementIp" 10.0.0.2 EEXIST

step "an L2 network, an L3 network on it, and its addresses"
wire=$(create l2-networks/vlan '{"params":{"name":"wire","zoneUuid":"'"$zone"'","physicalInterface":"virbr-t","vlan":7}}')
assert_eq "$(value "l2-networks/$wire/type") $(value "l2-networks/$wire/vlan")" "L2VlanNetwork 7"
act "l2-networks/$wire" attach-to-cluster "clusterUuid=$sims"
assert_refused "l2-networks/$wire/actions" "attach-to-cluster clusterUuid=$sims" EEXIST "can't attach again"
assert_refused "l2-networks/$wire/actions" "attach-to-cluster clusterUuid=$cluster" EINVAL "same zone"
net=$(create l3-networks '{"params":{"name":"net","l2NetworkUuid":"'"$wire"'","dnsDomain":"lab.example.org"}}')
assert_eq "$(value "l3-networks/$net/category") $(value "l3-networks/$net/zoneUuid")" "Private $zone"
act "l3-networks/$net" add-ip-range name=low startIp=10.77.0.10 endIp=10.77.0.12 netmask=255.255.255.0 gateway=10.77.0.1
assert_refused "l3-networks/$net/actions" "add-ip-range name=x startIp=10.77.0.12 endIp=10.77.0.20 netmask=255.255.255.0 gateway=10.77.0.1" EEXIST "overlap"
assert_refused "l3-networks/$net/actions" "add-ip-range-by-cidr name=x networkCidr=10.78.0.0/24" EINVAL "multiple CIDR"
act "l3-networks/$net" add-ip-range name=high startIp=10.77.0.20 endIp=10.77.0.20 netmask=255.255.255.0 gateway=10.77.0.1
assert_eq "$(value "l3-networks/$net/ip-free" | jq -r '[.inventories[].ip] | join(" ")')" "10.77.0.10 10.77.0.11 10.77.0.12 10.77.0.20"
assert_eq "$(value "l3-networks/$net/ip-free?start=10.77.0.12&limit=1" | jq -r '.inventories[].ip')" 10.77.0.12
assert_eq "$(value "l3-networks/$net/ip-availability?ip=10.77.0.12" | jq -c .available)" true
assert_eq "$(value "l3-networks/$net/ip-availability?ip=10.77.0.13" | jq -c .available)" false
assert_eq "$(value "ip-capacity?l3NetworkUuids=$net" | jq -c .)" '{"totalCapacity":4,"availableCapacity":4}'
act "l3-networks/$net" add-dns dns=10.77.0.2
act "l3-networks/$net" add-dns dns=2001:db8::1
assert_eq "$(value "l3-networks/$net/dns" | jq -c .)" '["10.77.0.2","2001:db8::1"]'
act "l3-networks/$net" remove-dns dns=10.77.0.2
act "l3-networks/$net" remove-dns dns=10.77.0.2
assert_eq "$(value "l3-networks/$net/dns" | jq -c .)" '["2001:db8::1"]'
range=$(value "l3-networks/$net/inventory" | jq -r '.ipRanges[] | select(.name == "high").uuid')
act "l3-networks/ip-ranges/$range" delete
assert_eq "$(value "l3-networks/$net/inventory" | jq '.ipRanges | length')" 1

step "offerings"
offering=$(create instance-offerings '{"params":{"name":"o","cpuNum":2,"memorySize":268435456,"sortKey":3}}')
assert_eq "$(value "instance-offerings/$offering/allocatorStrategy")" LeastVmPreferredHostAllocatorStrategy
assert_eq "$(value "instance-offerings/$offering/sortKey") $(value "instance-offerings/$offering/type")" "3 UserVm"
assert_refused instance-offerings/create "name=o cpuNum=1 memorySize=1M" EINVAL "is less than 16M"
assert_refused "instance-offerings/$offering/allocatorStrategy" Best EINVAL "unsupported host allocation strategy"
assert_refused "instance-offerings/$offering/cpuNum" 4 EACCES
act "instance-offerings/$offering" change-state stateEvent=disable
assert_eq "$(value "instance-offerings/$offering/state")" Disabled
act "instance-offerings/$offering" delete
gone "instance-offerings/$offering"
disk=$(create disk-offerings '{"params":{"name":"d","diskSize":1073741824}}')
assert_eq "$(value "disk-offerings/$disk/allocatorStrategy")" DefaultPrimaryStorageAllocationStrategy
assert_refused disk-offerings/create "name=d diskSize=1G allocationStrategy=Best" EINVAL "unsupported primary storage"
act "disk-offerings/$disk" delete
gone "disk-offerings/$disk"

step "tags"
tag='{"params":{"resourceType":"ZoneVO","resourceUuid":"'"$zone"'","tag":"color::blue"}}'
job_wait "$(submit user-tags/create "$tag")"
job_wait "$(submit system-tags/create "$tag")"
assert_refused user-tags/create "$tag" EEXIST "Duplicated Tag"
assert_refused user-tags/create "resourceType=Zone resourceUuid=$zone tag=x" EINVAL "no resource type"
system=$(value system-tags/inventories | jq -r ".inventories[] | select(.resourceUuid == \"$zone\").uuid")
echo color::red >"$MOUNT/system-tags/$system/tag"
assert_eq "$(value "system-tags/$system/tag") $(value "system-tags/$system/type")" "color::red System"
act "system-tags/$system" delete
gone "system-tags/$system"

step "settings"
ratio=global-configurations/host/cpu.overProvisioning.ratio
echo 5 >"$MOUNT/$ratio/value"
assert_eq "$(value "hosts/$small/totalCpuCapacity")" 10 "the capacity with half the ratio"
assert_refused "$ratio/value" many EINVAL "it takes a number"
assert_refused "$ratio/value" 0 ERANGE "in range of"
job_wait "$(submit "$ratio/actions" update)"
assert_eq "$(value "$ratio/value")" 10 "the default"

step "objects in use are not removed"
image=$(small_image)
vm=$(create_vm inhabitant "$image" "$(jq -nc --arg l3 "$used" '{l3NetworkUuids: [$l3]}')")
assert_refused "l3-networks/$used/actions" delete ENOTEMPTY "still used by VM 'inhabitant'"
used_range=$(value "l3-networks/$used/inventory" | jq -r '.ipRanges[0].uuid')
assert_refused "l3-networks/ip-ranges/$used_range/actions" delete ENOTEMPTY inhabitant
assert_refused "l2-networks/$(value "l3-networks/$used/l2NetworkUuid")/actions" "detach-from-cluster clusterUuid=$cluster" ENOTEMPTY inhabitant

step "maintenance stops VMs"
host=$(value "vm-instances/$vm/hostUuid")
act "hosts/$host" change-state stateEvent=maintain
assert_eq "$(value "hosts/$host/state") $(value "vm-instances/$vm/state")" "Maintenance Stopped"
act "hosts/$host" change-state stateEvent=enable

step "a host that was being added when the program was killed"
listen_deaf "$CASE_DIR/deaf"
kvm=$(create clusters '{"params":{"name":"kvm","zoneUuid":"'"$zone"'","hypervisorType":"KVM"}}')
job=$(submit hosts/create "name=deaf uri=qemu+unix:///system?socket=$CASE_DIR/deaf clusterUuid=$kvm")
wait_for hosts/by-name/deaf/status Connecting 5
# shellcheck disable=SC2046 # one word a pid
kill -KILL $(pool_pids)
umount -l "$MOUNT"
wait_until 15 is_pool_gone
mount_pool
wait_until 40 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state")" Failed
assert_match "$(value "api-jobs/$job/error")" "HOST.1003.*(does|did) not answer" "the error"
gone hosts/by-name/deaf
wait_for "hosts/$small/status" Connected 10
wait_for "hosts/$large/status" Connected 10

step "removal one by one, and of a zone with everything in it"
act "hosts/$large" delete
gone "hosts/$large"
act "zones/$zone" delete
for object in "zones/$zone" "clusters/$sims" "hosts/$small" "l2-networks/$wire" "l3-networks/$net"; do
	gone "$object"
done
assert_eq "$(find "$STATE/simulators" -type f)" "" "the descriptions of simulated machines"
assert_eq "$(value user-tags/inventories | jq '.inventories | length')" 0 "the tags left"
assert_eq "$(first zones)" "$home"

step "even the first zone, with its VM"
act "zones/$home" delete
for kind in zones clusters hosts primary-storage l2-networks l3-networks vm-instances volumes; do
	assert_eq "$(uuids $kind | wc -l)" 0 "the number of $kind"
done
remount_pool
assert_eq "$(uuids zones | wc -l)" 0 "the zones that a restart makes anew"
