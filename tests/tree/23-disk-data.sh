#!/bin/bash
# Images, volumes and snapshots are files: exact sizes, the guest's bytes, holes, and who may read them when.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
storage=$(first primary-storage)

# extents FILE: its data as "offset length" lines, as lseek(2) tells
extents() {
	python3 - "$1" <<-'X'
		import os, sys
		fd, at = os.open(sys.argv[1], os.O_RDONLY), 0
		size = os.fstat(fd).st_size
		while at < size:
		    try:
		        data = os.lseek(fd, at, os.SEEK_DATA)
		    except OSError:
		        break
		    at = os.lseek(fd, data, os.SEEK_HOLE)
		    print(data, at - data)
	X
}

step "an image reads as its file"
truncate -s 8M "$CASE_DIR/disk.raw"
printf 'image data' | dd of="$CASE_DIR/disk.raw" bs=1M seek=3 conv=notrunc status=none
image=$(add_image "$CASE_DIR/disk.raw" raw disk)
data=$MOUNT/images/$image/data
assert_eq "$(stat -c '%s %a' "$data")" "8388608 400"
cmp "$data" "$CASE_DIR/disk.raw"
cp --sparse=always "$data" "$CASE_DIR/copy.raw"
cmp "$CASE_DIR/copy.raw" "$CASE_DIR/disk.raw"
[ "$(stat -c %b "$CASE_DIR/copy.raw")" -lt 1024 ] || fail "the holes of the image were copied as zeros"
assert_match "$(extents "$data")" '^3145728 [0-9]+$'
dd if="$data" bs=1 skip=3145728 count=10 status=none | finds -x "image data"

step "a volume reads as its guest's disk, a snapshot as that disk at its time"
offering=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
volume=$(create volumes '{"params":{"name":"v","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$storage"'"}}')
data=$MOUNT/volumes/$volume/data
assert_eq "$(stat -c %s "$data")" 16777216
assert_eq "$(extents "$data")" ""
qemu-io -c "write -q -P 7 1M 128k" "$(value "volumes/$volume/installPath")"
job=$(submit "volumes/$volume/actions" "create-snapshot name=s")
job_wait "$job"
snapshot=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
qemu-io -c "write -q -P 9 8M 64k" "$(value "volumes/$volume/installPath")"
assert_eq "$(extents "$data")" $'1048576 131072\n8388608 65536'
assert_eq "$(extents "$MOUNT/volume-snapshots/$snapshot/data")" "1048576 131072"
qemu-img convert -O raw "$(value "volumes/$volume/installPath")" "$CASE_DIR/want.raw"
cmp "$data" "$CASE_DIR/want.raw"
cp --sparse=always "$data" "$CASE_DIR/got.raw"
cmp "$CASE_DIR/got.raw" "$CASE_DIR/want.raw"
[ "$(stat -c %b "$CASE_DIR/got.raw")" -lt 4096 ] || fail "the holes of the volume were copied as zeros"

step "tar, rsync and qemu-img read it too, and find the holes"
qemu-img compare -q -f raw "$data" "$CASE_DIR/want.raw"
tar -C "$(dirname "$data")" --sparse -cf "$CASE_DIR/data.tar" data
[ "$(stat -c %s "$CASE_DIR/data.tar")" -lt 1048576 ] || fail "tar has stored the holes"
mkdir "$CASE_DIR/untarred"
tar -C "$CASE_DIR/untarred" -xf "$CASE_DIR/data.tar"
cmp "$CASE_DIR/untarred/data" "$CASE_DIR/want.raw"
rsync -a --sparse "$data" "$CASE_DIR/rsynced.raw"
cmp "$CASE_DIR/rsynced.raw" "$CASE_DIR/want.raw"
assert_eq "$(stat -c %a "$CASE_DIR/rsynced.raw")" 400

step "a disk as large as the storage is copied quickly: holes are not read"
size=$(($(value "primary-storage/$storage/availableCapacity") / 2 / 1048576 * 1048576))
wide=$(create disk-offerings '{"params":{"name":"wide","diskSize":'"$size"'}}')
large=$(create volumes '{"params":{"name":"large","diskOfferingUuid":"'"$wide"'","primaryStorageUuid":"'"$storage"'"}}')
qemu-io -c "write -q -P 3 $((size - 1048576)) 64k" "$(value "volumes/$large/installPath")"
assert_eq "$(extents "$MOUNT/volumes/$large/data")" "$((size - 1048576)) 65536"
cp "$MOUNT/volumes/$large/data" "$CASE_DIR/large.raw"
assert_eq "$(stat -c %s "$CASE_DIR/large.raw") $(extents "$CASE_DIR/large.raw")" "$size $((size - 1048576)) 65536"
act "volumes/$large" delete

step "exported and imported again"
back=$(add_image "$CASE_DIR/got.raw" raw back)
cmp "$MOUNT/images/$back/data" "$CASE_DIR/want.raw"

step "not while a guest may write to it; reads of a file opened before fail"
vm=$(create_vm web "$image")
exec 3<"$data"
act "volumes/$volume" attach vmInstanceUuid="$vm"
assert_fails "tale" dd bs=4k count=1 status=none <&3
exec 3<&-
assert_fails "Device or resource busy" cat "$data"
assert_match "$(value last-error)" "^volume '$volume' is in use by a VM, read one of its snapshots instead$" last-error
cmp -n 2M "$MOUNT/volume-snapshots/$snapshot/data" "$CASE_DIR/want.raw"
act "vm-instances/$vm" stop
cmp "$data" "$CASE_DIR/want.raw"

step "a volume without a file has no data file"
later=$(create volumes '{"params":{"name":"later","diskOfferingUuid":"'"$offering"'"}}')
[ ! -e "$MOUNT/volumes/$later/data" ] || fail "there is a file data"

step "readers do not block others, and leave no process behind"
for _ in 1 2 3 4; do
	cmp "$data" "$CASE_DIR/want.raw" &
done
assert_eq "$(value "volumes/$volume/status")" Ready
wait
no_readers() { ! pgrep -f "qemu-nbd.*$STATE" >/dev/null; }
wait_until 10 no_readers
