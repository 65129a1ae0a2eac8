#!/bin/bash
# Sizes that no file can have are rounded up once: rows, files, queries and what is made from them agree on each
# kind of storage, also when the daemon is killed and when the rows are those of an earlier version.
# limit: 300
# long: 600
. "$(dirname "$0")/../tree/lib.sh"

UNIT=4096

mount_pool
zone=$(first zones)
cluster=$(first clusters)
local=$(first primary-storage)
smp=$(create primary-storage/smp '{"params":{"name":"shared","url":"'"$CASE_DIR/shared"'","zoneUuid":"'"$zone"'"}}')
act "primary-storage/$smp" attach-to-cluster clusterUuid="$cluster"

# rounded BYTES: the size of a volume for so many bytes
rounded() {
	echo $((($1 + UNIT - 1) / UNIT * UNIT))
}

# size_of_file FILE: what a guest would see
size_of_file() {
	qemu-img info --output json "$1" | jq '."virtual-size"'
}

# result FILE REQUEST: hands it in, and prints the uuid of what it made
result() {
	local job
	job=$(submit "$1" "$2")
	job_wait "$job" || fail "'$2': $(value "api-jobs/$job/error")"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

# assert_size VOLUME SIZE: its row and its file have the size
assert_size() {
	assert_eq "$(value "volumes/$1/size")" "$2" "the size of volume '$(value "volumes/$1/name")'"
	assert_eq "$(size_of_file "$(value "volumes/$1/installPath")")" "$2" "the size of its file"
}

# edit SQL: changes the rows of a pool that is not mounted
edit() {
	sqlite3 "$STATE/pool.db" "$1"
}

available() {
	value "primary-storage/$1/availableCapacity"
}

n=0
for bytes in $(number "511 12800 1000000000" "1 100 511 512 1536 3584 12800 1048576 1000000000 9999999999"); do
	n=$((n + 1))
	want=$(rounded "$bytes")
	offering=$(create disk-offerings '{"params":{"name":"o'"$n"'","diskSize":'"$bytes"'}}')
	assert_eq "$(value "disk-offerings/$offering/diskSize")" "$bytes"

	for storage in "$local" "$smp"; do
		step "$bytes bytes on $(value "primary-storage/$storage/type")"
		before=$(available "$storage")
		volume=$(create volumes '{"params":{"name":"v'"$n"'","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$storage"'"}}')
		assert_size "$volume" "$want"
		assert_eq "$(available "$storage")" $((before - want)) "the free bytes"
		first_head=$(value "volumes/$volume/installPath")
		snapshot=$(result "volumes/$volume/actions" "create-snapshot name=s")
		assert_size "$volume" "$want"
		assert_eq "$(value "volume-snapshots/$snapshot/primaryStorageInstallPath")" "$first_head"
		act "volumes/$volume" sync-size
		assert_size "$volume" "$want"

		grown=$((bytes + (5 << 20)))
		act "volumes/$volume" resize-data size="$grown"
		assert_size "$volume" "$(rounded "$grown")"
		act "volume-snapshots/$snapshot" revert-volume
		assert_size "$volume" "$want"

		copy=$(result "volume-snapshots/$snapshot/actions" "create-data-volume name=copy")
		assert_size "$copy" "$want"
		template=$(result "volumes/$volume/actions" "create-data-volume-template name=t$n")
		assert_eq "$(value "images/$template/size")" "$want" "the size of a template"
		again=$(result "images/$template/actions" "create-data-volume name=again primaryStorageUuid=$storage")
		assert_size "$again" "$want"
	done

	step "$bytes bytes, shareable"
	shared=$(create volumes '{"params":{"name":"r'"$n"'","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$smp"'"},"systemTags":["ephemeral::shareable"]}')
	assert_size "$shared" "$want"
	assert_eq "$(stat -c %s "$(value "volumes/$shared/installPath")")" "$want" "the length of the raw file"
	act "volumes/$shared" resize-data size="$grown"
	assert_size "$shared" "$(rounded "$grown")"

	step "an image of $bytes bytes"
	head -c $((bytes > 1048576 ? 1048576 : bytes)) /dev/zero | tr '\0' '\1' >"odd$n.raw"
	truncate -s "$bytes" "odd$n.raw"
	image=$(create images '{"params":{"name":"d'"$n"'","mediaType":"DataVolumeTemplate","format":"raw","url":"file://'"$CASE_DIR/odd$n.raw"'","backupStorageUuids":["'"$(first backup-storage)"'"]}}')
	assert_eq "$(value "images/$image/size")" $(((bytes + 511) / 512 * 512)) "the size of an image"
	assert_size "$(result "images/$image/actions" "create-data-volume name=di$n primaryStorageUuid=$local")" "$want"
	from=$(result "images/$image/actions" "create-data-volume name=rs$n primaryStorageUuid=$smp systemTags=ephemeral::shareable systemTags=capability::virtio-scsi")
	assert_eq "$(value "volumes/$from/format") $(value "volumes/$from/isShareable")" "raw true"
	assert_size "$from" "$want"
	head -c "$bytes" "$(value "volumes/$from/installPath")" | cmp - "odd$n.raw"
	root_image=$(add_image "$CASE_DIR/odd$n.raw" raw "root$n")
	vm=$(create_vm "vm$n" "$root_image" '{"dataDiskOfferingUuids":["'"$offering"'"]}')
	root=$(value "vm-instances/$vm/rootVolumeUuid")
	assert_size "$root" "$want"
	for volume in $(jq -r '.allVolumes[].uuid' "$MOUNT/vm-instances/$vm/inventory"); do assert_size "$volume" "$want"; done
	act "vm-instances/$vm" stop
	result "volumes/$root/actions" "create-snapshot name=off" >/dev/null
	act "vm-instances/$vm" reimage
	assert_size "$root" "$want"
	act "vm-instances/$vm" clone names="clone$n"
	clone=$(basename "$(dirname "$(grep -lx "clone$n" "$MOUNT"/vm-instances/*/name)")")
	assert_size "$(value "vm-instances/$clone/rootVolumeUuid")" "$want"
	act "vm-instances/$clone" destroy
	act "vm-instances/$vm" destroy
done

step "the spec of a volume"
echo '{"size":2000000001}' >"$MOUNT/volumes/$again/spec"
sync "$MOUNT/volumes/$again/spec"
assert_size "$again" "$(rounded 2000000001)"
assert_eq "$(jq .size "$MOUNT/volumes/$again/spec")" 2000000001

step "limits of what can be asked for"
offering=$(create disk-offerings '{"params":{"name":"all","diskSize":9223372036854775807}}')
assert_refused volumes/create '{"params":{"name":"x","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$local"'"}}' ENOSPC

odd=$(create disk-offerings '{"params":{"name":"giga","diskSize":1000000000}}')
want=$(rounded 1000000000)
vm=$(create_vm killed "$(small_image)" '{"dataDiskOfferingUuids":["'"$odd"'"]}')
data=$(jq -r '.allVolumes[] | select(.type == "Data").uuid' "$MOUNT/vm-instances/$vm/inventory")

for point in snapshot-begun snapshot-overlay snapshot-switched snapshot-done; do
	step "killed at $point, and the row says another size than the file has"
	umount_pool
	edit "UPDATE volume SET size = 1000000000 WHERE uuid = '$data'"
	mount_pool
	kill_at $point "volumes/$data/actions" "create-snapshot name=$point"
	assert_size "$data" "$want"
	assert_eq "$(grep -lsx "$point" "$MOUNT"/volume-snapshots/*/name | wc -l)" 1 "the number of snapshots"
	# after snapshot-begun the new head is whole: the snapshot is kept
	assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed")" \
		"Done $([ $point = snapshot-begun ] && echo 1 || echo 0)" "the job killed at '$point'"
done

step "after the guest went over to the new head, nothing that a row says removes it"
umount_pool
POOLFS_TEST_KILL_AT=snapshot-switched mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
(request "volumes/$data/actions" "create-snapshot name=kept") >/dev/null 2>&1 || true
(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point was not reached"
umount -l "$MOUNT"
head=$(sqlite3 "$STATE/pool.db" "SELECT nextPath FROM volume WHERE uuid = '$data'")
edit "UPDATE volume SET size = 1000000000 WHERE uuid = '$data'"
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
is_head() { [ "$(value "volumes/$data/installPath")" = "$head" ]; }
wait_until 20 is_head
[ -f "$head" ] || fail "the new head was removed"
grep -qsx kept "$MOUNT"/volume-snapshots/*/name || fail "the snapshot is gone"

step "rows of an earlier version get the size of the file at the first use"
umount_pool
edit "UPDATE volume SET size = 1000000000 WHERE uuid = '$data'"
mount_pool
result "volumes/$data/actions" "create-snapshot name=later" >/dev/null
assert_size "$data" "$want"
