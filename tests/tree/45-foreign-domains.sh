#!/bin/bash
# VMs that others have made on a host: seen, counted in its capacity, adopted without a change, released again.
. "$(dirname "$0")/../tree/lib.sh"

# A machine of libvirt's test driver with three domains: one to adopt, one that cannot be, one that is off.
folder=$CASE_DIR/storage
mkdir "$folder"
truncate -s 16M "$folder/web.raw" "$CASE_DIR/elsewhere.raw" "$folder/off.raw"
truncate -s 32M "$folder/data.raw"
UUID=4dea22b31d52d8f32516782e98ab3fa0
# disk FILE TARGET [ELEMENT]
disk() {
	echo "<disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$1'/><target dev='$2' bus='virtio'/>${3:-}</disk>"
}
# domain NAME UUID RUNSTATE CPUS KIB DEVICE...
domain() {
	echo "<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>$1</name><uuid>$2</uuid><memory>$5</memory>" \
		"<vcpu>$4</vcpu><os><type>hvm</type></os><devices>${*:6}</devices>" \
		"<test:runstate>$3</test:runstate></domain>"
}
nic="<interface type='bridge'><mac address='52:54:00:12:34:56'/><source bridge='br-test'/><model type='virtio'/></interface>"
cat >node.xml <<END
<node>
<cpu><mhz>2000</mhz><model>simulated</model><active>8</active><nodes>1</nodes><sockets>1</sockets><cores>8</cores><threads>1</threads></cpu>
<memory>16777216</memory>
$(domain web $UUID 1 2 1048576 "$(disk "$folder/data.raw" vdc)" "$nic" "$(disk "$folder/web.raw" vda "<boot order='1'/>")")
$(domain elsewhere 5dea22b31d52d8f32516782e98ab3fa0 1 1 2097152 "$(disk "$CASE_DIR/elsewhere.raw" vda)")
$(domain off 6dea22b31d52d8f32516782e98ab3fa0 5 4 4194304 "$(disk "$folder/off.raw" vda)")
</node>
END
URI=test://$CASE_DIR/node.xml
mount_pool
host=$(first hosts)
dir=hosts/$host
# foreign NAME: a member of its entry
foreign() {
	value "$dir/foreign-domains" | jq -r --arg name "$1" ".inventories[] | select(.name == \$name) | $2"
}

step "they are seen, and those that run count"
assert_eq "$(value "$dir/foreign-domains" | jq -c '[.inventories[].name] | sort')" '["elsewhere","off","web"]'
assert_eq "$(foreign web '[.uuid, .state, .cpuNum, .memorySize] | @csv' | tr -d '"')" "$UUID,Running,2,1073741824"
assert_eq "$(foreign off .state)" Stopped
assert_eq "$(uuids vm-instances)" "" "VMs of the pool"
wait_for "$dir/foreignCpuNum" 3 20
assert_eq "$(value "$dir/foreignMemorySize")" $((3 << 30))
total=$(value "$dir/totalCpuCapacity")
assert_eq "$(value "$dir/availableCpuCapacity")" $((total - 3))
assert_eq "$(value "$dir/availableMemoryCapacity")" $(($(value "$dir/totalMemoryCapacity") - (3 << 30)))

step "what cannot be adopted is refused, and changes nothing"
# refused REGEX PARAMETER...
refused() {
	local job
	job=$(submit "$dir/actions" "adopt ${*:2}")
	(job_wait "$job" 20) 2>/dev/null && fail "'$*' is not refused"
	assert_match "$(value "api-jobs/$job/error")" "$1"
	assert_eq "$(value "$dir/foreign-domains" | jq '.inventories | length')" 3
}
refused "the host has no domain 'nothing'" domain=nothing
refused "the disk 'vda' of domain 'elsewhere' is '$CASE_DIR/elsewhere.raw', which is not a file in the folder of a primary storage" domain=elsewhere
refused "the disk '.*' of domain 'web' is '$folder/.*', which is not a file" domain=web
ps=$(create primary-storage/local-storage '{"params":{"name":"theirs","url":"'"$folder"'","zoneUuid":"'"$(first zones)"'"}}')
act "primary-storage/$ps" attach-to-cluster "clusterUuid=$(first clusters)"
refused "the NIC '52:54:00:12:34:56' of domain 'web' is on the bridge 'br-test', which no L3 network" domain=web
l2=$(create l2-networks/no-vlan '{"params":{"name":"theirs","zoneUuid":"'"$(first zones)"'","physicalInterface":"br-test"}}')
act "l2-networks/$l2" attach-to-cluster "clusterUuid=$(first clusters)"
l3=$(create l3-networks '{"params":{"name":"theirs","l2NetworkUuid":"'"$l2"'"}}')
act "l3-networks/$l3" add-ip-range name=low startIp=10.77.0.10 endIp=10.77.0.12 netmask=255.255.255.0 gateway=10.77.0.1

step "one is adopted: rows, and nothing else"
sum=$(sha256sum "$folder"/*)
act "$dir" adopt domain=web name=theirs
vm=vm-instances/$UUID
# row: the VM in one line
row() {
	local member
	for member in name state cpuNum memorySize hostUuid clusterUuid zoneUuid platform domainName; do
		echo "$member=$(value "$vm/$member")"
	done
}
assert_eq "$(row)" "name=theirs
state=Running
cpuNum=2
memorySize=1073741824
hostUuid=$host
clusterUuid=$(value "$dir/clusterUuid")
zoneUuid=$(value "$dir/zoneUuid")
platform=Linux
domainName=web"
nic=$(value "$vm/inventory" | jq -r '.vmNics[0] | "\(.mac) \(.ip) \(.l3NetworkUuid) \(.deviceId)"')
assert_eq "$nic" "52:54:00:12:34:56 10.77.0.10 $l3 0"
# volumes: path, size, type and device of each
volumes() {
	value "$vm/inventory" | jq -r '.allVolumes | sort_by(.deviceId)[] | "\(.installPath) \(.size) \(.type) \(.deviceId) \(.format) \(.status)"'
}
assert_eq "$(volumes)" "$folder/web.raw $((16 << 20)) Root 0 raw Ready
$folder/data.raw $((32 << 20)) Data 2 raw Ready"
assert_eq "$(value "$dir/foreign-domains" | jq -c '[.inventories[].name] | sort')" '["elsewhere","off"]'
assert_eq "$(value "$dir/foreignCpuNum")" 1
assert_eq "$(value "$dir/availableCpuCapacity")" $((total - 3)) "the capacity of the host"
assert_eq "$(sha256sum "$folder"/*)" "$sum"
refused2=$(submit "$dir/actions" "adopt domain=$UUID")
(job_wait "$refused2") 2>/dev/null && fail "it is adopted twice"
assert_match "$(value "api-jobs/$refused2/error")" "is the VM 'theirs' of the pool already"
assert_match "$(value "$vm/stats/cpuSeconds")" '^[0-9]'

step "it is a VM like others: its events are seen, its data volume can be detached"
act "$vm" pause
assert_eq "$(value "$vm/state")" Paused
act "$vm" resume
data=$(value "$vm/inventory" | jq -r '.allVolumes[] | select(.type == "Data").uuid')
act "volumes/$data" detach
assert_eq "$(volumes | wc -l)" 1
act "volumes/$data" attach "vmInstanceUuid=$UUID"

step "it is known again after a restart of the pool"
remount_pool
wait_for "$dir/status" Connected 20
assert_eq "$(value "$vm/domainName")" web
act "$vm" pause
wait_for "$vm/state" Paused 20
act "$vm" resume

step "released: the pool forgets it, and the domain goes on"
act "$vm" release
[ ! -e "$MOUNT/$vm" ] || fail "the VM is still there"
[ ! -e "$MOUNT/volumes/$data" ] || fail "its volume is still there"
assert_eq "$(foreign web .state)" Running
assert_eq "$(value "$dir/foreignCpuNum")" 3
assert_eq "$(sha256sum "$folder"/*)" "$sum"
assert_eq "$(value "l3-networks/$l3/ip-free" | jq '.inventories | length')" 3 "free addresses"

step "a kill right after the adoption, and right after the release, is finished"
kill_at vm-adopted "$dir/actions" "adopt domain=web"
assert_eq "$(value "api-jobs/$killed/state")" Done
assert_eq "$(value "$vm/name")" web
kill_at vm-released "$vm/actions" release
assert_eq "$(value "api-jobs/$killed/state")" Done
[ ! -e "$MOUNT/$vm" ] || fail "the VM is still there"
assert_eq "$(foreign web .state)" Running

step "one that is off is adopted, too; stopped and started, a VM is like those that the pool has made"
act "$dir" adopt domain=6dea22b3-1d52-d8f3-2516-782e98ab3fa0 platform=Other
off="vm-instances/6dea22b31d52d8f32516782e98ab3fa0"
assert_eq "$(value "$off/state") $(value "$off/platform") $(value "$off/domainName")" "Stopped Other off"
act "$dir" adopt domain=web
act "$vm" stop
act "$vm" start
assert_eq "$(value "$vm/state")" Running
assert_eq "$(value "$vm/domainName")" ""
act "$vm" release
assert_eq "$(foreign $UUID .state)" Running "the domain of a VM that was started by the pool, after its release"

step "a VM that needs files of the pool cannot be released"
made=$(create_vm made "$(small_image)")
assert_refused "vm-instances/$made/actions" release EBUSY "is based on the pool's copy of the image"
act "$dir" adopt domain=$UUID
act "volumes/$(value "$vm/rootVolumeUuid")" create-snapshot name=s
assert_refused "$vm/actions" release EBUSY "has the snapshot 's'"
