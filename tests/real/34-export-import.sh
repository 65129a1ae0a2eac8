#!/bin/bash
# A disk is exported as a file and imported again: the guest finds the same bytes.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
tiny='{"instanceOfferingUuid":"'$small'"}'
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
cd "$CASE_DIR"

# same FILE DISK: the file has the disk's bytes, and QEMU finds no difference
same() {
	qemu-img compare -U -f raw "$1" "$2" >/dev/null || fail "'$1' differs from '$2'"
	qemu-img check -U -q "$2" || fail "qemu-img check complains about '$2'"
}

step "a guest that is uploaded as a file boots"
cp --sparse=always "$media/tiny.qcow2" "$MOUNT/images/upload/"
vm=$(create_vm one "$(value images/by-name/tiny/uuid)" "$tiny")
wait_until 240 agent_ping "$vm"

step "it writes patterns to its root disk and to another, before and after a snapshot"
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'"}}')
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20
fill "$vm" /dev/vdb 3 three
fill "$vm" /dev/vdb 40 forty
job=$(submit "volumes/$data/actions" "create-snapshot name=s")
job_wait "$job"
snapshot=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
fill "$vm" /dev/vdb 3 later
guest "$vm" 'echo kept >/root/file; sync'
act "vm-instances/$vm" stop
root=$(value "vm-instances/$vm/rootVolumeUuid")

step "exported, each is the flattened disk of the guest, with its holes"
cp --sparse=always "$MOUNT/volumes/$root/data" root.raw
same root.raw "$(value "volumes/$root/installPath")"
dd if="$MOUNT/volumes/$data/data" of=data.raw bs=1M conv=sparse status=none
same data.raw "$(value "volumes/$data/installPath")"
cp --sparse=always "$MOUNT/volume-snapshots/$snapshot/data" snapshot.raw
same snapshot.raw "$(value "volume-snapshots/$snapshot/primaryStorageInstallPath")"
for file in *.raw; do
	[ $(($(stat -c %b "$file") * 512)) -lt "$(stat -c %s "$file")" ] || fail "'$file' has no holes"
done
qemu-img compare -q -f raw "$MOUNT/volumes/$data/data" data.raw

step "a disk is exported while its snapshots are merged"
cp --sparse=always "$MOUNT/volumes/$data/data" during.raw &
copy=$!
act "volume-snapshots/$snapshot" delete
# a file opened before is complete, or the reader got an error
if wait "$copy"; then cmp during.raw data.raw; fi
cmp "$MOUNT/volumes/$data/data" data.raw
same data.raw "$(value "volumes/$data/installPath")"

step "imported again, as raw and as qcow2, they are the same disks"
cp --sparse=always root.raw "$MOUNT/images/upload/root.raw"
qemu-img convert -O qcow2 data.raw "$MOUNT/images/upload/.data.qcow2"
mv "$MOUNT/images/upload/.data.qcow2" "$MOUNT/images/upload/data.qcow2"
cmp "$MOUNT/images/by-name/root/data" root.raw
file=$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/by-name/data/inventory")
same data.raw "$file"

step "a second guest boots from the root disk, and reads the same on both"
echo DataVolumeTemplate >"$MOUNT/images/by-name/data/mediaType"
second=$(create_vm two "$(value images/by-name/root/uuid)" "$tiny")
wait_until 240 agent_ping "$second"
assert_eq "$(guest "$second" cat /root/file)" kept
job=$(submit "images/$(value images/by-name/data/uuid)/actions" "create-data-volume name=again primaryStorageUuid=$(first primary-storage)")
job_wait "$job"
again=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
act "volumes/$again" attach vmInstanceUuid="$second"
wait_serial "$second" "HOTPLUG blk add vdb" 20
assert_eq "$(sum "$second" /dev/vdb 3) $(sum "$second" /dev/vdb 40)" "$(text later) $(text forty)"
act "vm-instances/$second" stop
for volume in $(uuids volumes); do
	qemu-img check -U -q "$(value "volumes/$volume/installPath")" || fail "qemu-img check complains about '$volume'"
done
