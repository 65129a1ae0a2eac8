#!/bin/bash
# Data volumes by echo and cat on the test driver: created, attached, limited, shared, deleted, expunged.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
offering=$(first disk-offerings)
size=$(value "disk-offerings/$offering/diskSize")
storage=$(first primary-storage)

# available: the free bytes of the storage
available() {
	value "primary-storage/$storage/availableCapacity"
}

# files_of VOLUME: the number of files with its name anywhere in the state folder
files_of() {
	find "$STATE" -name "*$1*" | wc -l
}

# new_volume NAME [JSON]
new_volume() {
	create volumes "$(jq -nc --arg name "$1" --arg offering "$offering" --argjson more "${2:-"{}"}" \
		'{params: ({name: $name, diskOfferingUuid: $offering} + $more)}')"
}

# set_config SETTING VALUE
set_config() {
	echo "$2" >"$MOUNT/global-configurations/$1/value"
}

step "without a storage a volume is only a row"
before=$(available)
later=$(new_volume later)
assert_eq "$(value "volumes/$later/status")" NotInstantiated
assert_eq "$(value "volumes/$later/size")" "$size"
assert_eq "$(value "volumes/$later/type") $(value "volumes/$later/format") $(value "volumes/$later/state")" "Data qcow2 Enabled"
assert_eq "$(value "volumes/$later/installPath")" ""
assert_eq "$(available)" "$before"

step "with a storage it has a file, and its bytes are reserved"
now=$(new_volume now '{"primaryStorageUuid":"'"$storage"'"}')
assert_eq "$(value "volumes/$now/status")" Ready
path=$(value "volumes/$now/installPath")
assert_eq "$(qemu-img info --output json "$path" | jq '."virtual-size"')" "$size"
assert_eq "$(available)" $((before - size))

step "the host of a local volume can be seen and asked for"
host=$(first hosts)
assert_eq "$(value "volumes/$now/hostUuid")" "$host"
assert_eq "$(value "volumes/$later/hostUuid")" ""
assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/volumes?q=localStorageHostRef.hostUuid=$host")" "$now"
assert_eq "$(jq -r '.inventories | length' "$MOUNT/volumes?q=localStorageHostRef.hostUuid!=$host")" 0

step "names, states, sizes"
echo renamed >"$MOUNT/volumes/$now/name"
assert_eq "$(value "volumes/$now/name")" renamed
act "volumes/$now" change-state stateEvent=disable
assert_eq "$(value "volumes/$now/state")" Disabled
vm=$(create_vm web "$image")
assert_refused "volumes/$now/actions" "attach vmInstanceUuid=$vm" EBUSY "data volume\[uuid:$now\] is Disabled, can't attach"
act "volumes/$now" change-state stateEvent=enable
act "volumes/$now" sync-size
assert_eq "$(value "volumes/$now/actualSize")" $(($(stat -c %b "$path") * 512))
root=$(value "vm-instances/$vm/rootVolumeUuid")
assert_refused "volumes/$root/actions" "change-state stateEvent=disable" EBUSY "it's not allowed to change state of root volume"
assert_refused "volumes/$root/actions" "delete" EINVAL "is Root volume, can't be deleted"
assert_refused "volumes/$root/actions" "detach" EBUSY "is Root Volume, can't detach it"

step "Get files"
assert_eq "$(jq -c '[.formats[].format]' "$MOUNT/volumes/formats")" '["qcow2","raw","iso"]'
assert_eq "$(jq -c . "$MOUNT/volumes/$now/capabilities")" \
	'{"capabilities":{"MigrationInCurrentPrimaryStorage":false,"MigrationToOtherPrimaryStorage":false}}'
assert_eq "$(jq -c . "$MOUNT/volumes/$later/capabilities")" '{"capabilities":{}}'
assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/volumes/$now/candidate-vm-instances")" "$vm"

assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/vm-instances/$vm/data-volume-candidates" | sort | xargs)" "$(printf '%s\n' "$now" "$later" | sort | xargs)"

step "a Get that is refused is an errno and a sentence; it is not listed"
assert_fails "Invalid argument" cat "$MOUNT/volumes/$root/candidate-vm-instances"
assert_match "$(value last-error)" "$root.*is Root volume, can not be attach" "last-error"
[[ $(ls "$MOUNT/volumes/$now") == *candidate-vm-instances* ]] || fail "a Get that is answered is not listed"
[[ $(ls "$MOUNT/volumes/$root") != *candidate-vm-instances* ]] || fail "a Get that is refused is listed"

step "attach to a running VM: the first attach creates the file"
act "volumes/$later" attach vmInstanceUuid="$vm"
assert_eq "$(value "volumes/$later/status")" Ready
assert_eq "$(value "volumes/$later/vmInstanceUuid")" "$vm"
assert_eq "$(value "volumes/$later/deviceId")" 1
act "volumes/$now" attach vmInstanceUuid="$vm"
assert_eq "$(value "volumes/$now/deviceId")" 2
assert_eq "$(jq '.allVolumes | length' "$MOUNT/vm-instances/$vm/inventory")" 3
assert_eq "$(jq '.inventories | length' "$MOUNT/volumes/$now/candidate-vm-instances")" 0
assert_refused "volumes/$now/actions" "attach vmInstanceUuid=$vm" EBUSY "has been attached to some vm, can't attach again"

step "a bandwidth limit"
assert_eq "$(jq .volumeBandwidth "$MOUNT/volumes/$now/qos")" -1
act "volumes/$now" set-qos volumeBandwidth=1M
assert_eq "$(jq -c . "$MOUNT/volumes/$now/qos")" '{"volumeUuid":"'"$now"'","volumeBandwidth":1048576}'
assert_refused "volumes/$now/actions" "set-qos volumeBandwidth=1023" ERANGE
act "volumes/$now" delete-qos
assert_eq "$(jq .volumeBandwidth "$MOUNT/volumes/$now/qos")" -1

step "detach; the number is free again"
act "volumes/$later" detach
assert_eq "$(value "volumes/$later/vmInstanceUuid")$(value "volumes/$later/deviceId")" ""
assert_eq "$(value "volumes/$later/status")" Ready
assert_refused "volumes/$later/actions" detach EBUSY "is not attached to any vm, can't detach"
third=$(new_volume third)
act "volumes/$third" attach vmInstanceUuid="$vm"
assert_eq "$(value "volumes/$third/deviceId")" 1

step "the same with a stopped VM, which is then started"
act "vm-instances/$vm" stop
act "volumes/$third" detach
act "volumes/$later" attach vmInstanceUuid="$vm"
act "vm-instances/$vm" start
act "volumes/$later" detach

step "the number of volumes is limited"
set_config kvm/dataVolume.maxNum 1
assert_refused "volumes/$third/actions" "attach vmInstanceUuid=$vm" EBUSY "only allows max 1 data volumes"
set_config kvm/dataVolume.maxNum 24

step "a shareable volume is raw and attached to several VMs"
twin=$(create_vm twin "$image")
shared=$(create volumes "$(jq -nc --arg o "$offering" '{params: {name: "shared", diskOfferingUuid: $o}, systemTags: ["ephemeral::shareable"]}')")
assert_eq "$(value "volumes/$shared/isShareable")" true
assert_eq "$(value "volumes/$shared/format")" raw
assert_refused "volumes/$shared/actions" "attach vmInstanceUuid=$vm" EBUSY "shareable disk only support virtio-scsi type .* the system tag capability::virtio-scsi"
create system-tags '{"params":{"resourceType":"VolumeVO","resourceUuid":"'"$shared"'","tag":"capability::virtio-scsi"}}' >/dev/null
act "volumes/$shared" attach vmInstanceUuid="$vm"
act "volumes/$shared" attach vmInstanceUuid="$twin"
assert_eq "$(value "volumes/$shared/vmInstanceUuid")" ""
assert_eq "$(jq '.inventories | length' "$MOUNT/volumes/vm-instances/refs/inventories")" 2
assert_refused "volumes/$shared/actions" "attach vmInstanceUuid=$vm" EBUSY "has already been attached to VM"
assert_refused "volumes/$shared/actions" "detach" EINVAL "vm uuid is needed"
assert_refused "volumes/$shared/actions" "set-qos volumeBandwidth=1M" EBUSY "SharedVolume cannot be set bandwidth"
act "volumes/$shared" detach vmUuid="$vm"
assert_eq "$(jq -r '.inventories[].vmInstanceUuid' "$MOUNT/volumes/vm-instances/refs/inventories")" "$twin"
act "vm-instances/$twin" destroy
assert_eq "$(jq '.inventories | length' "$MOUNT/volumes/vm-instances/refs/inventories")" 0

step "delete detaches, recover brings back, expunge removes the file"
act "volumes/$now" delete
assert_eq "$(value "volumes/$now/status")" Deleted
assert_eq "$(value "volumes/$now/vmInstanceUuid")" ""
assert_refused "volumes/$now/actions" delete EBUSY "already in status of deleted"
assert_refused "volumes/$now/actions" "update name=x" EBUSY "is in status of deleted"
assert_refused "volumes/$later/actions" recover EBUSY "is not in status of deleted"
assert_refused "volumes/$later/actions" expunge EBUSY "is not deleted yet, can't expunge it"
act "volumes/$now" recover
assert_eq "$(value "volumes/$now/status")" Ready
act "volumes/$now" delete
before=$(available)
act "volumes/$now" expunge
[ ! -e "$MOUNT/volumes/$now" ] || fail "the volume is still there"
assert_eq "$(files_of "$now")" 0 "the number of its files"
assert_eq "$(available)" $((before + size))
act "volumes/$third" delete
act "volumes/$third" expunge
assert_eq "$(files_of "$third")" 0 "the number of its files"

step "a name is not used again while the former file could not be removed, which would take the new one with it"
again=$(new_volume again '{"primaryStorageUuid":"'"$storage"'"}')
path=$(value "volumes/$again/installPath")
mv "$path" "$CASE_DIR/kept"
mkdir "$path"
mv "$CASE_DIR/kept" "$path"/ # so that it is no empty folder either
act "volumes/$again" delete
act "volumes/$again" expunge
same='{"primaryStorageUuid":"'"$storage"'","resourceUuid":"'"$again"'"}'
(new_volume again "$same" >/dev/null 2>answer) && fail "the volume was created"
assert_match "$(cat answer)" "the former file '$again.qcow2' could not be removed from primary storage '$storage' yet"
[ ! -e "$MOUNT/volumes/$again" ] || fail "the volume is there"
rm -r "${path:?}"
third=$(new_volume third '{"primaryStorageUuid":"'"$storage"'"}')
act "volumes/$third" delete
act "volumes/$third" expunge # with what else can be removed
assert_eq "$(new_volume again "$same")" "$again"
[ -f "$path" ] || fail "the volume has no file"
act "volumes/$again" delete
act "volumes/$again" expunge
assert_eq "$(files_of "$again")" 0 "the number of its files"

step "a volume without a file is removed at once"
row=$(new_volume row)
act "volumes/$row" delete
[ ! -e "$MOUNT/volumes/$row" ] || fail "the volume is still there"

step "a deleted volume is expunged when its period is over"
old=$(new_volume old '{"primaryStorageUuid":"'"$storage"'"}')
set_config volume/expungePeriod 1
set_config volume/expungeInterval 1
act "volumes/$old" delete
is_gone() { [ ! -e "$MOUNT/volumes/$old" ]; }
wait_until 10 is_gone
assert_eq "$(files_of "$old")" 0 "the number of its files"

step "volumes of a VM with the longest name, and what is made of them, have names that are names"
long=$(python3 -c 'print("\u044f" * 255)')
vm=$(create_vm "$long" "$image" '{"dataDiskOfferingUuids":["'"$offering"'"]}')
for volume in $(jq -r '.allVolumes[].uuid' "$MOUNT/vm-instances/$vm/inventory"); do
	name=$(value "volumes/$volume/name")
	assert_match "$name" '^(ROOT|DATA)-for-'
	assert_eq "$(wc -m <<<"$name")" 256 "the length of the name, with its end"
	act "volumes/$volume" update name="$name"
done
act "volumes/$(value "vm-instances/$vm/rootVolumeUuid")" resize-root size=16M
assert_eq "$(wc -m <"$(grep -l '^before-resize-' "$MOUNT"/volume-snapshots/*/name)")" 256 "the length of the snapshot's name"

step "a chain is never longer than libvirt accepts"
assert_refused global-configurations/volumeSnapshot/incrementalSnapshot.maxNum/value 191 ERANGE "in range of \\[1, 190\\]"

step "a volume without room is refused before anything is created"
huge=$(create disk-offerings '{"params":{"name":"huge","diskSize":1125899906842624}}')
assert_refused volumes/create '{"params":{"name":"x","diskOfferingUuid":"'"$huge"'","primaryStorageUuid":"'"$storage"'"}}' ENOSPC "cannot find available primary storage"

step "what one host has of local storage is all of it when it is the only one; shared storage has no such numbers"
assert_eq "$(value "primary-storage/$storage/host-capacities" | jq -c '.inventories | map([.hostUuid, .totalCapacity, .availableCapacity])')" \
	"[[\"$(first hosts)\",$(value "primary-storage/$storage/totalCapacity"),$(available)]]"
mkdir "$CASE_DIR/shared"
shared=$(create primary-storage/smp '{"params":{"name":"shared","url":"'"$CASE_DIR/shared"'","zoneUuid":"'"$(first zones)"'"}}')
assert_fails "Invalid argument" value "primary-storage/$shared/host-capacities"
