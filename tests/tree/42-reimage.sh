#!/bin/bash
# Reimage keeps the old root disk as a snapshot, change-image replaces it; after a kill either is complete or
# has changed nothing.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
truncate -s 3M other.raw
other=$(add_image "$CASE_DIR/other.raw" raw other)
vm=$(create_vm web "$image")
dir=vm-instances/$vm
root=$(value "$dir/rootVolumeUuid")

# backing FILE: the name of its backing file.
backing() {
	qemu-img info -U --output json "$1" | jq -r '."backing-filename"' | xargs basename
}

# points: names of the snapshots, one a line.
points() {
	value volume-snapshots/inventories | jq -r '.inventories[] | .name'
}

# refused VERB CODE REGEX: the request fails with the manual's code.
refused() {
	assert_refused "$dir/actions" "$1" "$2" "$3"
}

step "both need a stopped VM"
refused reimage EBUSY 'not in Stopped state, current state is Running'
refused "change-image imageUuid=$other" EBUSY "do not change vm image when it's not stopped"
act "$dir" stop type=cold

step "reimage: the same volume on a new file, the old one is a snapshot"
old=$(value "volumes/$root/installPath")
echo guest-data >>"$old"
before=$(value "primary-storage/$(first primary-storage)/availableCapacity")
act "$dir" reimage
new=$(value "volumes/$root/installPath")
[ "$new" != "$old" ] || fail "the volume is on the same file"
assert_eq "$(value "$dir/rootVolumeUuid")" "$root"
assert_eq "$(backing "$new")" "image-$image.raw"
assert_eq "$(tail -c 11 "$old")" guest-data
assert_eq "$(points)" reimage-vm-point
point=$(value volume-snapshots/inventories | jq -c '.inventories[0]')
assert_eq "$(jq -r .description <<<"$point")" "save snapshot for reimage vm [uuid:$vm]"
assert_eq "$(jq -r .primaryStorageInstallPath <<<"$point")" "$old"
assert_eq "$(jq -r '[.volumeUuid, .volumeType, .type, .status, .format] | join(" ")' <<<"$point")" "$root Root Hypervisor Ready qcow2"
assert_eq $((before - $(value "primary-storage/$(first primary-storage)/availableCapacity"))) "$(jq -r .size <<<"$point")" "what the snapshot costs"

assert_eq "$(value volume-snapshots/inventories | jq -r '.inventories[0].latest')" false "the volume stands on the point"

step "it starts, and a second reimage makes a second point in a tree of its own"
act "$dir" start
act "$dir" stop type=cold
act "$dir" reimage
assert_eq "$(points | wc -l)" 2
assert_eq "$(value volume-snapshots/inventories | jq -r '[.inventories[].treeUuid] | unique | length')" 2
assert_eq "$(value volume-snapshots/inventories | jq -r '[.inventories[].parentUuid // "none"] | unique | join(" ")')" none

step "after a snapshot, the point is in its tree, on top of it"
act "volumes/$root" create-snapshot name=mine
act "$dir" reimage
assert_eq "$(value volume-snapshots/inventories | jq -r '.inventories as $all | $all[] | select(.name == "mine") | .uuid as $mine | [$all[] | select(.parentUuid == $mine).name] | join(" ")')" reimage-vm-point
assert_eq "$(value volume-snapshots/inventories | jq -r '[.inventories[] | select(.latest)] | length')" 0

step "candidates for change-image"
candidates=$(value "$dir/image-candidates" | jq -r '.inventories[].uuid')
grep -q "$other" <<<"$candidates" || fail "the other image is no candidate"
! grep -q "$image" <<<"$candidates" || fail "the present image is a candidate"

step "what change-image refuses"
refused "change-image imageUuid=$image" EBUSY "is image\[uuid:$image\] already"
refused "change-image imageUuid=$root" ENOENT 'not found'
refused "change-image imageUuid=$other resourceUuid=$root" EEXIST 'already taken'
act "images/$other" change-state stateEvent=disable
refused "change-image imageUuid=$other" EBUSY "image\[uuid:$other\] is not Enabled, it's Disabled"
act "images/$other" change-state stateEvent=enable
storage=$(first primary-storage)
act "primary-storage/$storage" change-state stateEvent=disable
refused "change-image imageUuid=$other" EBUSY "make sure the primary storage vm\[uuid:$vm\] was on is Enabled and Connected"
act "primary-storage/$storage" change-state stateEvent=enable
act "hosts/$(first hosts)" change-state stateEvent=disable
refused "change-image imageUuid=$other" EBUSY "make sure the last host vm\[uuid:$vm\] was on is Enabled and Connected"
act "hosts/$(first hosts)" change-state stateEvent=enable

step "change-image: another root volume, the old one and its snapshots are gone"
act "$dir" change-image "imageUuid=$other resourceUuid=36c27e8ff05c4780bf6d2fa65700cccc"
assert_eq "$(value "$dir/rootVolumeUuid")" 36c27e8ff05c4780bf6d2fa65700cccc
assert_eq "$(value "$dir/imageUuid")" "$other"
assert_eq "$(value "$dir/inventory" | jq -r '.allVolumes | length')" 1
assert_eq "$(value volumes/36c27e8ff05c4780bf6d2fa65700cccc/size)" 3145728
assert_eq "$(value volumes/36c27e8ff05c4780bf6d2fa65700cccc/deviceId)" 0
assert_eq "$(backing "$(value volumes/36c27e8ff05c4780bf6d2fa65700cccc/installPath)")" "image-$other.raw"
[ ! -e "$MOUNT/volumes/$root" ] || fail "the old root volume is still there"
assert_eq "$(points)" "" "the snapshots left"
assert_eq "$(find "$STATE" -name "*$root*")" "" "the files left"
act "$dir" start
act "$dir" stop type=cold

# killed_at POINT BODY: the daemon dies at the point while the VM's request runs, and mounts again. Prints the job.
killed_at() {
	local job
	job=$(tr -d - </proc/sys/kernel/random/uuid)
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	jq -c --arg job "$job" '. + {jobUuid: $job}' <<<"$2" >"$MOUNT/$dir/actions" || true
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	wait_until 60 is_finished "$job"
	echo "$job"
}

root=36c27e8ff05c4780bf6d2fa65700cccc
for point in reimage-made reimage-done; do
	step "a reimage that is killed at $point is done once"
	old=$(value "volumes/$root/installPath")
	before=$(points | wc -w) files=$(find "$STATE" -name "$root*" | wc -l)
	job=$(killed_at $point '{"reimageVmInstance":{}}')
	assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done $([ $point = reimage-made ] && echo 1 || echo 0)"
	assert_eq "$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")" "$vm"
	[ "$(value "volumes/$root/installPath")" != "$old" ] || fail "the volume is on the old file"
	assert_eq "$(points | wc -w)" $((before + 1)) "the snapshots"
	assert_eq "$(find "$STATE" -name "$root*" | wc -l)" $((files + 1)) "the number of its files"
done

step "the same for change-image"
job=$(killed_at change-image-made '{"changeVmImage":{"imageUuid":"'"$image"'"}}')
assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done 1"
no_files() { [ -z "$(find "$STATE" -name "*$root*")" ]; }
changed() { # IMAGE: the VM is on it, with one disk, and the former one is gone
	assert_eq "$(value "$dir/imageUuid")" "$1"
	[ "$(value "$dir/rootVolumeUuid")" != "$root" ] || fail "the root volume is the old one"
	assert_eq "$(value "$dir/inventory" | jq -c '[.allVolumes[].status]')" '["Ready"]'
	[ ! -e "$MOUNT/volumes/$root" ] || fail "the old root volume is still there"
	wait_until 20 no_files
	root=$(value "$dir/rootVolumeUuid")
	[ -e "$(value "volumes/$root/installPath")" ] || fail "the new root volume has no file"
}
changed "$image"
job=$(killed_at change-image-done '{"changeVmImage":{"imageUuid":"'"$other"'"}}')
assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done 0"
changed "$other"

step "changed to an ISO, the VM gets an empty disk and the ISO in its drive, and cannot be reimaged"
act "$dir" start
act "$dir" stop type=cold
truncate -s 1M cd.iso
printf '\1CD001\1' | dd of=cd.iso bs=1 seek=32768 conv=notrunc status=none
iso=$(add_image "$CASE_DIR/cd.iso" iso cd)
act "$dir" change-image "imageUuid=$iso"
assert_eq "$(value system-tags/inventories | jq -r ".inventories[] | select(.resourceUuid == \"$vm\") | .tag" | sort | paste -sd ' ')" "bootOrder::CdRom,HardDisk iso::$iso::0"
assert_eq "$(qemu-img info -U --output json "$(value "volumes/$(value "$dir/rootVolumeUuid")/installPath")" | jq -r '."backing-filename"')" null
assert_refused "$dir/actions" reimage EBUSY 'for image type is ISO'
act "$dir" start
act "$dir" stop type=cold
act "$dir" change-image "imageUuid=$image"
assert_eq "$(value system-tags/inventories | jq -r ".inventories[] | select(.resourceUuid == \"$vm\") | .tag" | grep -c iso:: || true)" 0 "the ISOs left"

step "when the image is gone, its copy below the disk is enough"
act "images/$image" delete
act "images/$image" expunge
act "$dir" reimage
