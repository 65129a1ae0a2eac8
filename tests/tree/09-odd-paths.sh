#!/bin/bash
# A state folder, images and objects whose names have spaces, quotes, markup, commas and percent signs: all works, and
# every text reads back as it was written.
. "$(dirname "$0")/../tree/lib.sh"

odd=$'it\'s "a" & <b>, 100% {c} $d; é=1'
STATE="$CASE_DIR/$odd"
MOUNT="$CASE_DIR/mount $odd"
mkdir "$MOUNT"
mount_pool
zone=$(value "zones/$(first zones)/uuid")

step "an image from a file with such a name, and one that is uploaded"
qemu-img create -q -f qcow2 "$CASE_DIR/image.qcow2" 8M
qemu-io -c 'write -P 7 0 64k' "$CASE_DIR/image.qcow2" >/dev/null
cp "$CASE_DIR/image.qcow2" "$CASE_DIR/$odd.qcow2"
image=$(create images "$(jq -nc --arg n "$odd" --arg u "$CASE_DIR/$odd.qcow2" --arg b "$(first backup-storage)" \
	'{params: {name: $n, url: $u, format: "qcow2", backupStorageUuids: [$b]}}')")
assert_eq "$(value "images/$image/name")" "$odd"
cp "$CASE_DIR/image.qcow2" "$MOUNT/images/upload/up $odd.qcow2"
assert_eq "$(jq -r --arg n "up $odd" '.inventories[] | select(.name == $n).status' "$MOUNT/images/inventories")" Ready
cmp "$CASE_DIR/image.qcow2" "$MOUNT/images/$image/data"

step "a VM with such texts, its volumes, snapshots and templates"
vm=$(create_vm "$odd" "$image" "$(jq -nc --arg t "$odd" '{description: $t}')")
assert_eq "$(value "vm-instances/$vm/name")" "$odd"
assert_eq "$(value "vm-instances/$vm/description")" "$odd"
create user-tags "$(jq -nc --arg t "$odd" --arg u "$vm" '{params: {resourceType: "VmInstanceVO", resourceUuid: $u, tag: $t}}')" >/dev/null
assert_eq "$(jq -r '.inventories[].tag' "$MOUNT/user-tags/inventories")" "$odd"
for tag in "userdata::$(base64 -w0 <<<"$odd")" "rootPassword::$odd" "hostname::a-b"; do
	create system-tags "$(jq -nc --arg t "$tag" --arg u "$vm" '{params: {resourceType: "VmInstanceVO", resourceUuid: $u, tag: $t}}')" >/dev/null
done
root=$(value "vm-instances/$vm/rootVolumeUuid")
act "volumes/$root" "create-snapshot name=s"
act "volumes/$root" "create-root-volume-template name=t"
act "vm-instances/$vm" stop
disk=$(create disk-offerings '{"params":{"name":"d","diskSize":1048576}}')
volume=$(create volumes "$(jq -nc --arg d "$disk" --arg n "$odd" '{params: {name: $n, diskOfferingUuid: $d}}')")
act "volumes/$volume" "attach vmInstanceUuid=$vm"
act "vm-instances/$vm" start
assert_match "$(value "volumes/$root/installPath")" "it's"

step "the same after a new start"
umount_pool
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
assert_eq "$(value "vm-instances/by-name/${odd//%/%25}/uuid")" "$vm"
assert_eq "$(value "zones/by-name/zone1/uuid")" "$zone"
act "vm-instances/$vm" stop
act "vm-instances/$vm" start
assert_eq "$(grep -c . "$MOUNT/vm-instances/$vm/last-error")" 1
