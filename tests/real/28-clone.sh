#!/bin/bash
# A clone of a running guest boots from the same disks, with an address and a name of its own; so does one of
# a stopped guest. Complete clones survive a kill.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","dataDiskOfferingUuids":["'"$disk"'"]}' |
	jq -c '. + {systemTags: ["hostname::source-guest"]}')")
dir=vm-instances/$vm

# clone ARGUMENTS: prints the uuid of the one clone.
clone() {
	local job
	job=$(submit "$dir/actions" "$1")
	job_wait "$job" 120 || fail "the clone failed"
	assert_eq "$(value "api-jobs/$job/result" | jq -c .result.numberOfClonedVm)" 1 "clones made"
	value "api-jobs/$job/result" | jq -r '.result.inventories[0].inventory.uuid'
}

nic_of() {
	value "vm-instances/$1/inventory" | jq -r ".vmNics[0].$2"
}

step "the source writes to both disks"
wait_serial "$vm" "TINY ready" 90
wait_until 40 agent_ping "$vm"
guest "$vm" 'echo kept >/root/file; echo data-of-source | dd of=/dev/vdb conv=fsync 2>/dev/null; sync'

step "a full clone, while the source runs"
copy=$(clone '{"cloneVmInstance":{"names":["copy"],"full":true}}')
assert_eq "$(value "$dir/state") $(value "vm-instances/$copy/state")" "Running Running"
wait_until 40 agent_ping "$vm"
wait_serial "$copy" "STATE /dev/vda2 first=0 boots=2" 90
wait_until 40 agent_ping "$copy"
assert_eq "$(guest "$copy" cat /root/file)" kept
assert_eq "$(guest "$copy" 'head -c 14 /dev/vdb')" data-of-source

step "it differs: MAC, address, name, disks"
[ "$(nic_of "$copy" mac)" != "$(nic_of "$vm" mac)" ] || fail "the same MAC"
wait_serial "$copy" "NIC eth0 $(nic_of "$copy" mac)" 5
wait_serial "$copy" "NET eth0 $(nic_of "$copy" ip)/" 20
assert_eq "$(guest "$vm" hostname)" source-guest
[ "$(guest "$copy" hostname)" != source-guest ] || fail "the clone has the source's name"
guest "$copy" 'echo other >/root/file; echo data-of-clone! | dd of=/dev/vdb conv=fsync 2>/dev/null; sync'
assert_eq "$(guest "$vm" cat /root/file)" kept "the source's file after the clone wrote its own"
assert_eq "$(guest "$vm" 'head -c 14 /dev/vdb')" data-of-source
act "vm-instances/$copy" stop type=cold

step "of a stopped source, and only created: it boots when it is started"
act "$dir" stop
later=$(clone '{"cloneVmInstance":{"names":["later"],"strategy":"JustCreate"}}')
assert_eq "$(value "vm-instances/$later/state")" Created
assert_eq "$(qemu-img check "$(value "volumes/$(value "vm-instances/$later/rootVolumeUuid")/installPath")" 2>&1 | sed -n 1p)" "No errors were found on the image."
act "vm-instances/$later" start
wait_serial "$later" "STATE /dev/vda2 first=0 boots=2" 90
wait_until 40 agent_ping "$later"
assert_eq "$(guest "$later" cat /root/file)" kept

step "the daemon dies between two clones: the complete one stays and runs, the other is made anew"
act "vm-instances/$later" stop
before=$(uuids vm-instances | wc -l)
volumes=$(uuids volumes | wc -l)
kill_at clone-one-done "$dir/actions" '{"cloneVmInstance":{"names":["k1","k2"]}}'
assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done 1"
answer=$(value "api-jobs/$killed/result")
assert_eq "$(jq -c '[.result.numberOfClonedVm] + [.result.inventories[] | if .error then "error" else "whole" end]' <<<"$answer")" '[2,"whole","whole"]'
assert_eq "$(uuids vm-instances | wc -l)" $((before + 2)) "the number of VMs"
assert_eq "$(on_host list --all --name | sort | xargs)" "$(uuids vm-instances | xargs)" "the domains"
jq -r '.inventories[] | .installPath // empty' "$MOUNT/volumes/inventories" | sort >known
find "$STATE/primary" -type f -name '*.qcow2' ! -name 'image-*' | sort >present
diff known present || fail "files and volumes differ"
[ "$(uuids volumes | wc -l)" -eq $((volumes + 2)) ] || fail "not one volume a clone"
no_rows_in_between || fail "a row in between"
for i in 0 1; do
	whole=$(jq -r ".result.inventories[$i].inventory.uuid" <<<"$answer")
	assert_eq "$(value "vm-instances/$whole/name") $(value "vm-instances/$whole/state") $(on_host domstate "$whole")" "k$((i + 1)) Running running"
	wait_serial "$whole" "STATE /dev/vda2 first=0 boots=2" 90
	wait_until 40 agent_ping "$whole"
	assert_eq "$(guest "$whole" cat /root/file)" kept
done
