#!/bin/bash
# The daemon is killed between all steps of volume jobs, with a running and a stopped guest; nothing is lost
# or left. What needs no guest is killed with a stopped one in the suite `long` only.
# limit: 900
# long: 1800
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":33554432}}')
disk=$(create disk-offerings '{"params":{"name":"16M and a byte","diskSize":16777217}}')
storage=$(first primary-storage)
pool=$(value "primary-storage/$storage/mountPath")
bs=$(first backup-storage)

# The guest finds nothing to boot: only the bytes of its disks matter.
truncate -s 4M "$CASE_DIR/nothing.raw"
vm=$(create_vm web "$(add_image "$CASE_DIR/nothing.raw" raw nothing)" '{"instanceOfferingUuid":"'"$small"'"}')

head_of() {
	value "volumes/$1/installPath"
}

# fill VOLUME TEXT: fills its first MiB, without a running guest
fill() {
	qemu-io -f qcow2 -c "write -q -P $2 0 1M" "$(head_of "$1")"
}

# holds FILE BYTE: is the first MiB of the file (with its backing files) full of this byte?
holds() {
	local output
	output=$(qemu-io -U -r -f qcow2 -c "read -q -P $2 0 1M" "$1" 2>&1) && [ -z "$output" ]
}

# die_at POINT FILE REQUEST: kill_at; the job is done, having begun anew if the point is one of $undone; then no orphans and no
# transient states
die_at() {
	local times=0
	[[ " $undone " != *" $1 "* ]] || times=1
	kill_at "$@"
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done $times" "the job killed at '$1'"
	(wait_until 10 has_no_orphans) 2>/dev/null || fail "a file of nobody, or a broken one, after '$1': $(ls "$pool")"
	no_rows_in_between || fail "a row in between after '$1'"
}

# has_no_orphans: every file in the pool's folder is intact and belongs to an object, and every object has its file
has_no_orphans() {
	local file
	for file in "$pool"/*; do
		[[ $file != */image-* ]] || continue
		grep -qsxF "$file" "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath || return 1
		qemu-img check -U -q "$file" || return 1
	done
	for file in "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath; do
		[ ! -e "$file" ] || [ -f "$(cat "$file")" ] || return 1
	done
}

snapshots() {
	uuids volume-snapshots | wc -l
}

# named NAME: the snapshot of this name
named() {
	basename "$(dirname "$(grep -lx "$1" "$MOUNT"/volume-snapshots/*/name)")"
}

data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
fill "$data" 1

step "a new volume"
undone="volume-placed volume-made"
for point in volume-placed volume-made volume-ready; do
	before=$(uuids volumes | wc -l)
	die_at $point volumes/create '{"params":{"name":"n","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}'
	assert_eq "$(uuids volumes | wc -l)" $((before + 1)) "the number of volumes"
	made=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")
	assert_eq "$(value "volumes/$made/status") $(value "volumes/$made/size")" "Ready 16781312"
done

for guest in $(number running "none running"); do
	if [ "$guest" = running ]; then
		act "volumes/$data" attach vmInstanceUuid="$vm"
		assert_eq "$(on_host domblklist "$vm" | grep -c vdb)" 1
	fi
	step "a snapshot, guest: $guest"
	# without a guest a new head that is whole is kept
	undone=snapshot-begun
	[ "$guest" = none ] || undone+=" snapshot-overlay"
	for point in snapshot-begun snapshot-overlay snapshot-switched snapshot-done; do
		die_at $point "volumes/$data/actions" "create-snapshot name=$guest-$point"
		holds "$(head_of "$data")" 1 || fail "the volume lost its bytes at '$point'"
		[ "$guest" = none ] || assert_eq "$(on_host domblklist "$vm" | awk '$1 == "vdb" {print $2}')" "$(head_of "$data")" "the guest's file"
		holds "$(value "volume-snapshots/$(named "$guest-$point")/primaryStorageInstallPath")" 1 || fail "the snapshot lacks bytes at '$point'"
	done
	assert_eq "$(grep -lx "$guest-snapshot-.*" "$MOUNT"/volume-snapshots/*/name | wc -l)" 4 "the number of snapshots"

	step "deleting snapshots below the volume, guest: $guest"
	undone=
	for point in delete-marked delete-merged delete-gone; do
		act "volumes/$data" create-snapshot name=doomed
		die_at $point "volume-snapshots/$(named doomed)/actions" delete
		jq -r '.inventories[].name' "$MOUNT/volume-snapshots/inventories" | lacks -x doomed || fail "a deletion killed at '$point' was not finished"
		holds "$(head_of "$data")" 1 || fail "the volume lost its bytes at '$point'"
	done

	step "growing, guest: $guest"
	undone=resize-snapshot
	for point in resize-snapshot resize-grown resize-done; do
		size=$(value "volumes/$data/size")
		before=$(snapshots)
		die_at $point "volumes/$data/actions" "resize-data size=$((size + 8388608 + 512))"
		assert_eq "$(value "volumes/$data/size")" $((size + 8388608 + 4096)) "the size"
		assert_eq "$(value "volumes/$data/size")" "$(qemu-img info -U --output json "$(head_of "$data")" | jq '."virtual-size"')" "the size of the file"
		assert_eq "$(snapshots)" $((before + 1)) "the number of snapshots"
		holds "$(head_of "$data")" 1 || fail "the volume lost its bytes at '$point'"
	done

	step "images of it, guest: $guest"
	undone="template-begun template-copied template-staged"
	for point in template-begun template-copied template-staged template-made; do
		before=$(uuids images | wc -l)
		die_at $point "volumes/$data/actions" "create-data-volume-template name=$guest-$point"
		assert_eq "$(find "$STATE/staging" -type f | wc -l)" 0 "the number of staged copies"
		assert_eq "$(uuids images | wc -l)" $((before + 1)) "the number of images"
		assert_eq "$(find "$(value "backup-storage/$bs/url")" -type f | wc -l)" "$(uuids images | wc -l)" "the number of image files"
		made=$(basename "$(dirname "$(grep -lx "$guest-$point" "$MOUNT"/images/*/name)")")
		holds "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$made/inventory")" 1 || fail "the image has other bytes"
	done
done

step "images of the root volume, its guest running and stopped, and of a snapshot"
root=$(value "vm-instances/$vm/rootVolumeUuid")
act "volumes/$root" create-snapshot name=frozen
frozen=$(named frozen)
for guest in $(number running "running stopped snapshot"); do
	case $guest in
	running) request=("volumes/$root/actions" create-root-volume-template) ;;
	stopped) act "vm-instances/$vm" stop type=cold ;;
	snapshot) request=("volume-snapshots/$frozen/actions" "create-root-volume-template backupStorageUuids=$bs") ;;
	esac
	for point in template-begun template-copied template-staged template-made; do
		die_at $point "${request[0]}" "${request[1]} name=$guest-root-$point"
		assert_eq "$(find "$STATE/staging" -type f | wc -l)" 0 "the number of staged copies"
		assert_eq "$(find "$(value "backup-storage/$bs/url")" -type f | wc -l)" "$(uuids images | wc -l)" "the number of image files"
		made=$(basename "$(dirname "$(grep -lx "$guest-root-$point" "$MOUNT"/images/*/name)")")
		qemu-img compare -q -U "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$made/inventory")" "$(value "volume-snapshots/$frozen/primaryStorageInstallPath")" ||
			fail "the image of the root volume has other bytes"
	done
done
act "volume-snapshots/$frozen" delete
! is_long || act "vm-instances/$vm" start

step "attach"
# this guest, which never booted, does not release a disk
let_go() {
	act "vm-instances/$vm" stop type=cold
	act "volumes/$data" detach
	act "vm-instances/$vm" start
}
let_go
undone=attach-claimed
for point in attach-claimed attach-plugged; do
	die_at $point "volumes/$data/actions" "attach vmInstanceUuid=$vm"
	assert_eq "$(value "volumes/$data/vmInstanceUuid")" "$vm" "the VM of the volume"
	assert_eq "$(on_host domblklist "$vm" | awk '$1 == "vdb" {print $2}')" "$(head_of "$data")" "what the guest has"
	let_go
done

step "attach a volume that gets its file with that"
undone="volume-placed volume-made volume-ready attach-claimed"
for point in $(number "volume-made volume-ready" "$undone"); do
	later=$(create volumes '{"params":{"name":"later","diskOfferingUuid":"'"$disk"'"}}')
	assert_eq "$(value "volumes/$later/status")" NotInstantiated
	die_at "$point" "volumes/$later/actions" "attach vmInstanceUuid=$vm"
	assert_eq "$(value "volumes/$later/vmInstanceUuid")" "$vm" "the VM of the volume"
	assert_eq "$(on_host domblklist "$vm" | awk '$1 == "vdb" {print $2}')" "$(head_of "$later")" "what the guest has"
	act "vm-instances/$vm" stop type=cold
	act "volumes/$later" detach
	act "volumes/$later" delete
	act "volumes/$later" expunge
	act "vm-instances/$vm" start
done

step "QEMU ends before it has written where the data is that it has merged"
fill "$data" 4
act "volumes/$data" create-snapshot name=lost
head=$(head_of "$data")
umount_pool
POOLFS_TEST_KILL_AT=merge-made mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
lost=$(named lost)
uuids api-jobs >"$CASE_DIR/before"
(request "volume-snapshots/$lost/actions" delete) >/dev/null 2>&1 || true
(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point 'merge-made' was not reached"
umount -l "$MOUNT"
base=$(qemu-img info -U --output json "$head" | jq -r '."backing-filename"')
qemu-img create -q -f qcow2 -b "$base" -F qcow2 "$head"
holds "$head" 1 || fail "the head has more than it should"
mount_pool
killed=$(uuids api-jobs | comm -13 "$CASE_DIR/before" -)
wait_until 60 is_finished "$killed"
assert_eq "$(value "api-jobs/$killed/state")" Done "the job"
[ ! -e "$MOUNT/volume-snapshots/$lost" ] || fail "the snapshot is still there"
holds "$(head_of "$data")" 4 || fail "the volume lost what was merged"
wait_until 10 has_no_orphans

step "revert"
fill "$data" 2
act "volumes/$data" create-snapshot name=two
undone="revert-begun revert-overlay"
for point in revert-begun revert-overlay revert-done; do
	fill "$data" 3
	die_at $point "volume-snapshots/$(named two)/actions" revert-volume
	holds "$(head_of "$data")" 2 || fail "the volume is not as it was when the snapshot was taken, killed at '$point'"
done

step "a volume from a snapshot"
undone="volume-placed volume-copied"
for point in volume-placed volume-copied; do
	before=$(uuids volumes | wc -l)
	die_at $point "volume-snapshots/$(named two)/actions" "create-data-volume name=copy-$point"
	assert_eq "$(uuids volumes | wc -l)" $((before + 1)) "the number of volumes after '$point'"
	holds "$(head_of "$(jq -r .inventory.uuid "$MOUNT/api-jobs/$killed/result")")" 2 || fail "the copy has other bytes at '$point'"
	holds "$(value "volume-snapshots/$(named two)/primaryStorageInstallPath")" 2 || fail "the snapshot lost its bytes at '$point'"
done

step "expunge"
undone=
act "volumes/$data" delete
die_at volume-gone "volumes/$data/actions" expunge
[ ! -e "$MOUNT/volumes/$data" ] || fail "the volume is still there"
assert_eq "$(find "$pool" -name "$data*" | wc -l)" 0 "the number of its files"
