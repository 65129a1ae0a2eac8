#!/bin/bash
# A guest with a reimaged root disk boots as for the first time; the old disk is still there, intact.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
tiny_pool
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
root=$(value "$dir/rootVolumeUuid")

# content FILE: a checksum of what a guest reads from it.
content() {
	qemu-img convert -O raw "$1" "$CASE_DIR/flat.raw"
	sha256sum <"$CASE_DIR/flat.raw"
}

step "the guest writes something that survives a stop"
wait_serial "$vm" "TINY ready" 60
wait_until 40 agent_ping "$vm"
guest "$vm" 'echo kept >/root/file; sync'
act "$dir" stop
old=$(value "volumes/$root/installPath")
sum=$(content "$old")

step "reimaged, it boots as for the first time"
act "$dir" reimage
act "$dir" start
wait_serial "$vm" "STATE /dev/vda2 first=1" 90 2
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" 'ls /root/file 2>/dev/null || echo none')" none

step "the snapshot is the old disk, bit by bit, also after the new one was written to"
act "$dir" stop
point=$(value volume-snapshots/inventories | jq -r '.inventories[] | select(.name == "reimage-vm-point").primaryStorageInstallPath')
assert_eq "$point" "$old"
assert_eq "$(content "$point")" "$sum"

step "another image, another disk: the guest starts from scratch"
cp "$media/tiny.qcow2" other.qcow2
other=$(add_image "$CASE_DIR/other.qcow2" qcow2 other)
grep -q "$other" <<<"$(value "$dir/image-candidates")" || fail "the other image is no candidate"
act "$dir" change-image "imageUuid=$other"
assert_eq "$(value "$dir/imageUuid")" "$other"
act "$dir" start
wait_serial "$vm" "STATE /dev/vda2 first=1" 90 3
assert_match "$(on_host domblklist "$vm")" "$(value "$dir/rootVolumeUuid")" "the disk of the domain"
assert_eq "$(find "$STATE" -name "*$root*")" "" "files of the old root volume"
