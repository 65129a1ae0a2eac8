#!/bin/bash
# On a Ceph that requires a key, the daemon is killed between all steps of volume jobs; nothing is lost or left.
# That storage does its work alone: with a stopped guest, too, in the suite `long` only.
# limit: 900
# long: 1200
. "$(dirname "$0")/../tree/lib.sh"

mkdir -p /etc/ceph
mount -t tmpfs tmpfs /etc/ceph # the key, for this case alone
url=$(USER_NAME=pool "$LAB/ceph" up "$CASE_DIR/ceph" vms)
assert_eq "$url" "ceph://pool@127.0.0.1:6789/vms"
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":33554432}}')
disk=$(create disk-offerings '{"params":{"name":"16M and a byte","diskSize":16777217}}')
bs=$(first backup-storage)
ceph=$(create primary-storage/ceph "$(jq -nc --arg zone "$(first zones)" --arg url "$url" '{params: {name: "ceph", zoneUuid: $zone, url: $url}}')")

step "without its key it cannot be used"
mv /etc/ceph/ceph.client.pool.keyring kept
job=$(submit "primary-storage/$ceph/actions" "attach-to-cluster clusterUuid=$(first clusters)")
assert_fails "cannot read the key of Ceph's user 'pool'" job_wait "$job"
mv kept /etc/ceph/ceph.client.pool.keyring
act "primary-storage/$ceph" attach-to-cluster "clusterUuid=$(first clusters)"

step "a guest has two disks there; it finds nothing to boot"
truncate -s 4M nothing.raw
vm=$(create_vm web "$(add_image "$CASE_DIR/nothing.raw" raw nothing)" '{"instanceOfferingUuid":"'"$small"'","primaryStorageUuidForRootVolume":"'"$ceph"'"}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$ceph"'"}}')

on_ceph() {
	"$LAB/ceph" rbd "$CASE_DIR/ceph" "$@"
}

# has_no_orphans: every image and snapshot belongs to an object
has_no_orphans() {
	local image name
	grep -hsx "$url/.*" "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath |
		sed 's|.*/||' | sort >known
	for image in $(on_ceph ls vms); do
		[[ $image != image-* ]] || continue
		grep -qE "^$image(@|$)" known || return 1
		for name in $(on_ceph snap ls --format json "vms/$image" | jq -r '.[].name'); do
			[ "$name" = base ] || grep -qx "$image@$name" known || return 1
		done
	done
	while read -r image; do
		on_ceph info "vms/$image" >/dev/null 2>&1 || return 1
	done <known
}

# reads VOLUME FILE: are the first MiB of both the same?
reads() {
	rm -f bytes
	on_ceph export --no-progress "vms/$(basename "$(value "volumes/$1/installPath")")" bytes
	cmp -s -n 1048576 bytes "$2"
}

# die_at POINT FILE REQUEST: kill_at; the job is done, having begun anew if the point is one of $undone; then no orphans, no lost
# data and no transient states
die_at() {
	local times=0
	[[ " $undone " != *" $1 "* ]] || times=1
	kill_at "$@"
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" "Done $times" "the job killed at '$1'"
	look_after "$1"
}

# look_after POINT
look_after() {
	(wait_until 20 has_no_orphans) 2>/dev/null || fail "after '$1' there are $(on_ceph ls vms | paste -sd ' '), known $(paste -sd ' ' known)"
	no_rows_in_between || fail "a row in between after '$1'"
	reads "$data" ones || fail "the volume lost its bytes at '$1'"
}

named() {
	basename "$(dirname "$(grep -lx "$1" "$MOUNT"/volume-snapshots/*/name)")"
}

head -c 1048576 /dev/zero | tr '\0' '\1' >ones
cp ones disk
truncate -s "$(value "volumes/$data/size")" disk
on_ceph rm --no-progress "vms/$data.raw"
on_ceph import --no-progress disk "vms/$data.raw"
reads "$data" ones

step "a new volume"
undone="volume-placed volume-made"
for point in volume-placed volume-made volume-ready; do
	before=$(uuids volumes | wc -l)
	die_at $point volumes/create '{"params":{"name":"n","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$ceph"'"}}'
	assert_eq "$(uuids volumes | wc -l)" $((before + 1)) "the number of volumes"
done

for guest in $(number running "none running"); do
	if [ "$guest" = running ]; then
		act "volumes/$data" attach vmInstanceUuid="$vm"
		assert_eq "$(on_host domblklist "$vm" | grep -c vdb)" 1
	fi
	step "a snapshot, guest: $guest"
	undone=snapshot-begun
	for point in snapshot-begun snapshot-switched snapshot-done; do
		die_at $point "volumes/$data/actions" "create-snapshot name=$guest-$point"
	done
	assert_eq "$(grep -hsx "$guest-.*" "$MOUNT"/volume-snapshots/*/name | sort | paste -sd ' ')" \
		"$guest-snapshot-begun $guest-snapshot-done $guest-snapshot-switched" "the snapshots that were taken"

	step "deleting snapshots, guest: $guest"
	undone=
	for point in delete-marked delete-merged delete-gone single-marked single-merged single-gone; do
		act "volumes/$data" create-snapshot name=doomed
		scope=
		[[ $point != single-* ]] || scope=scope=single
		die_at $point "volume-snapshots/$(named doomed)/actions" "delete $scope"
		jq -r '.inventories[].name' "$MOUNT/volume-snapshots/inventories" | lacks -x doomed || fail "a deletion killed at '$point' was not finished"
	done

	step "growing, guest: $guest"
	undone=resize-snapshot
	for point in resize-snapshot resize-grown resize-done; do
		size=$(value "volumes/$data/size")
		before=$(uuids volume-snapshots | wc -l)
		die_at $point "volumes/$data/actions" "resize-data size=$((size + 8388608 + 512))"
		assert_eq "$(value "volumes/$data/size")" $((size + 8388608 + 4096)) "the size"
		assert_eq "$(value "volumes/$data/size")" "$(on_ceph info --format json "vms/$(basename "$(value "volumes/$data/installPath")")" | jq .size)" "the size of the image"
		assert_eq "$(uuids volume-snapshots | wc -l)" $((before + 1)) "the number of snapshots"
	done

	step "images of it, guest: $guest"
	undone="template-begun template-copied template-staged"
	for point in template-begun template-copied template-staged template-made; do
		before=$(uuids images | wc -l)
		die_at $point "volumes/$data/actions" "create-data-volume-template name=$guest-$point"
		assert_eq "$(find "$STATE/staging" -type f | wc -l)" 0 "the number of staged copies"
		assert_eq "$(uuids images | wc -l)" $((before + 1)) "the number of images"
		assert_eq "$(find "$(value "backup-storage/$bs/url")" -type f | wc -l)" "$(uuids images | wc -l)" "the number of image files"
	done
done

step "back to a snapshot"
act "vm-instances/$vm" stop type=cold # this guest does not release a disk
act "volumes/$data" detach
undone="revert-begun revert-overlay"
for point in revert-begun revert-overlay revert-done; do
	die_at $point "volume-snapshots/$(named running-snapshot-done)/actions" revert-volume
done

step "the root disk is reimaged"
undone=reimage-made
for point in reimage-made reimage-done; do
	die_at $point "vm-instances/$vm/actions" reimage
done

step "the volume is expunged, with the snapshots of all its images"
act "volumes/$data" delete
kill_at volume-gone "volumes/$data/actions" expunge
(wait_until 60 has_no_orphans) 2>/dev/null || fail "there are $(on_ceph ls vms | paste -sd ' ')"
assert_eq "$(grep -c "$data" <(on_ceph ls vms) || true)" 0 "its images"
