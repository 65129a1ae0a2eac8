#!/bin/bash
# Images: added from several sources, refused, deleted, recovered; a kill leaves nothing.
# limit: 180
. "$(dirname "$0")/../tree/lib.sh"

# images_json URL FORMAT [JSON]: the document that adds an image; JSON is merged into its params.
images_json() {
	jq -nc --arg url "$1" --arg format "$2" --arg bs "$(first backup-storage)" --argjson more "${3:-"{}"}" \
		'{params: ({name: "image", url: $url, format: $format, backupStorageUuids: [$bs]} + $more)}'
}

# refused_image TEXT URL FORMAT [JSON]: the job fails and says TEXT.
refused_image() {
	local text=$1 job
	shift
	job=$(submit images/create "$(images_json "$@")")
	job_wait "$job" 20 2>/dev/null && fail "'$1' as $2 was taken"
	assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" SYS.1002
	assert_match "$(value "api-jobs/$job/error" | jq -r .details)" "$text"
}

# The folder of the first backup storage.
backup_folder() {
	value "backup-storage/$(first backup-storage)/url"
}

# nothing_is_left: no image, no file.
nothing_is_left() {
	assert_eq "$(uuids images)" "" "the images"
	assert_eq "$(find "$(backup_folder)" -type f)" "" "the files of the backup storage"
}

mount_pool
cd "$CASE_DIR"
qemu-img create -q -f qcow2 disk.qcow2 64M
qemu-img create -q -f raw disk.raw 3M
printf 'boot' | dd of=disk.raw conv=notrunc status=none
qemu-img create -q -f qcow2 -b disk.raw -F raw backed.qcow2
qemu-img create -q -f qcow2 -o data_file=external.raw data.qcow2 1M
qemu-img create -q -f vmdk disk.vmdk 1M
truncate -s 1M cd.iso
printf '\1CD001\1' | dd of=cd.iso bs=1 seek=32768 conv=notrunc status=none
: >empty

step "a checksum that the user gives"
with_sum() {
	images_json "$CASE_DIR/disk.qcow2" qcow2 | jq -c --arg tag "ephemeral::checksum::$1" '.systemTags = [$tag]'
}
assert_refused images/create "$(with_sum sha256:12)" EINVAL "is not a checksum"
job=$(submit images/create "$(with_sum "md5:$(printf %032d 0)")")
job_wait "$job" 20 2>/dev/null && fail "an image with another checksum was taken"
assert_match "$(value "api-jobs/$job/error" | jq -r .details)" "has the checksum 'md5:$(md5sum <disk.qcow2 | cut -d' ' -f1)'"
nothing_is_left
image=$(create images "$(with_sum "sha512:$(sha512sum <disk.qcow2 | cut -d' ' -f1)")")
assert_eq "$(value "images/$image/status")" Ready
act "images/$image" delete
act "images/$image" expunge

step "from a path, file:// and http://: format, sizes and sums are those of the file"
python3 -m http.server -b 127.0.0.1 0 >http.log 2>&1 &
wait_until 10 grep -q 'port [0-9]' http.log
port=$(grep -oE 'port [0-9]+' http.log | grep -oE '[0-9]+')
for url in "$CASE_DIR/disk.qcow2" "file://$CASE_DIR/disk.qcow2" "http://127.0.0.1:$port/disk.qcow2"; do
	image=$(create images "$(images_json "$url" qcow2)")
	assert_eq "$(value "images/$image/status")" Ready
	assert_eq "$(value "images/$image/state")" Enabled
	assert_eq "$(value "images/$image/format")" qcow2
	assert_eq "$(value "images/$image/mediaType")" RootVolumeTemplate
	assert_eq "$(value "images/$image/platform")" Linux
	assert_eq "$(value "images/$image/size")" $((64 << 20))
	assert_eq "$(value "images/$image/actualSize")" "$(stat -c %s disk.qcow2)"
	assert_eq "$(value "images/$image/md5Sum")" "$(md5sum <disk.qcow2 | cut -d' ' -f1)"
	assert_eq "$(value "images/$image/url")" "$url"
	cmp disk.qcow2 "$(backup_folder)/$image.qcow2"
done

step "the content decides: qcow2 given as raw, an ISO given as raw, raw"
image=$(create images "$(images_json "$CASE_DIR/disk.qcow2" raw)")
assert_eq "$(value "images/$image/format")" qcow2
image=$(create images "$(images_json "$CASE_DIR/cd.iso" raw)")
assert_eq "$(value "images/$image/format")" iso
assert_eq "$(value "images/$image/mediaType")" ISO
image=$(create images "$(images_json "$CASE_DIR/cd.iso" raw '{"mediaType": "DataVolumeTemplate"}')")
assert_eq "$(value "images/$image/format")" raw
image=$(create images "$(images_json "$CASE_DIR/disk.raw" raw '{"platform": "Other", "guestOsType": "BeOS"}')")
assert_eq "$(value "images/$image/size")" $((3 << 20))
assert_eq "$(value "images/$image/inventory" | jq -r .guestOsType)" BeOS
assert_eq "$(value "images/$image/inventory" | jq -r '.backupStorageRefs[0].status')" Ready
assert_eq "$(value "images/$image/inventory" | jq -r '.backupStorageRefs[0].installPath')" "$(backup_folder)/$image.raw"

step "the same bytes after a restart; deleted with policy Direct they are gone at once"
remount_pool
cmp disk.raw "$(backup_folder)/$image.raw"
policy=$MOUNT/global-configurations/image/deletionPolicy/value
echo Direct >"$policy"
for image in $(uuids images); do
	act "images/$image" delete
done
nothing_is_left

step "refused in the write"
assert_refused images/create "$(images_json gopher://x/y raw)" EINVAL "url must starts with"
assert_refused images/create "$(images_json sftp://x/y raw)" ENOTSUP sftp
assert_refused images/create "$(images_json /x vmdk)" EINVAL 'unknown format\[vmdk\]'
assert_refused images/create "$(images_json /x iso '{"system": true}')" EINVAL "ISO cannot be used as system image"
assert_refused images/create "$(images_json /x raw '{"type": "x"}')" EINVAL 'unsupported image type\[x\]'
assert_refused images/create "$(images_json /x raw '{"backupStorageUuids": []}')" EINVAL nonempty

step "refused in the job, and nothing is left"
refused_image "backing file" "$CASE_DIR/backed.qcow2" qcow2
refused_image "backing file" "$CASE_DIR/backed.qcow2" raw
refused_image "data file|another file" "$CASE_DIR/data.qcow2" qcow2
refused_image "(vmdk|VMDK)" "$CASE_DIR/disk.vmdk" raw
refused_image "empty" "$CASE_DIR/empty" raw
refused_image "the format is 'qcow2' but the file is 'raw'" "$CASE_DIR/disk.raw" qcow2
refused_image "the format is 'iso' but the file is 'raw'" "$CASE_DIR/disk.raw" iso
refused_image "No such file" "$CASE_DIR/none" raw
refused_image "regular file" /dev/zero raw
refused_image "404" "http://127.0.0.1:$port/none" raw
refused_image "." "http://127.0.0.1:1/none" raw
nothing_is_left

step "a qcow2 whose tables are damaged is refused; what QEMU repairs by itself is not"
# both_at_once FILE: its two clusters of data become one, which its reference counts do not say.
both_at_once() {
	local l2=$((0x40000))
	dd if="$1" of="$1" bs=8 count=1 skip=$((l2 / 8)) seek=$((l2 / 8 + 1)) conv=notrunc status=none
}
for name in damaged dirty; do
	qemu-img create -q -f qcow2 -o lazy_refcounts=on "$name.qcow2" 1M
	qemu-io -c 'write -q -P 1 0 64k' -c 'write -q -P 2 64k 64k' "$name.qcow2"
	both_at_once "$name.qcow2"
done
printf '\1' | dd of=dirty.qcow2 bs=1 seek=79 conv=notrunc status=none # the counts were not written
refused_image "the image is damaged: qemu-img check finds 1 errors" "$CASE_DIR/damaged.qcow2" qcow2
nothing_is_left
image=$(create images "$(images_json "$CASE_DIR/dirty.qcow2" qcow2)")
assert_eq "$(value "images/$image/status")" Ready
act "images/$image" delete
nothing_is_left

step "delete, recover and expunge"
echo Delay >"$policy"
image=$(create images "$(images_json "$CASE_DIR/disk.raw" raw)")
assert_refused "images/$image/actions" expunge EBUSY "is not deleted on any backup storage"
assert_refused "images/$image/actions" recover EBUSY "is not deleted on any backup storage"
act "images/$image" delete
assert_eq "$(value "images/$image/status")" Deleted
assert_eq "$(value "images/$image/inventory" | jq -r '.backupStorageRefs[0].status')" Deleted
act "images/$image" recover
assert_eq "$(value "images/$image/status")" Ready
cmp disk.raw "$(backup_folder)/$image.raw"
act "images/$image" delete
act "images/$image" expunge
wait_until 10 nothing_is_left

step "values that can be written, and the format, which cannot"
image=$(create images "$(images_json "$CASE_DIR/disk.raw" raw)")
echo web >"$MOUNT/images/$image/name"
assert_eq "$(value "images/by-name/web/uuid")" "$image"
echo DataVolumeTemplate >"$MOUNT/images/$image/mediaType"
assert_eq "$(value "images/$image/mediaType")" DataVolumeTemplate
assert_eq "$(write_errno "images/$image/format" qcow2)" EINVAL
act "images/$image" change-state stateEvent=disable
assert_eq "$(value "images/$image/state")" Disabled
truncate -s 5M "$(backup_folder)/$image.raw"
act "images/$image" sync-size
assert_eq "$(value "images/$image/size")" $((5 << 20))
act "images/$image" delete
act "images/$image" expunge

step "two backup storages; one of them fails"
one=$(first backup-storage)
two=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/two" '{params: {name: "two", url: $url}}')")
both=$(jq -nc --arg one "$one" --arg two "$two" '{backupStorageUuids: [$two, $one]}')
image=$(create images "$(images_json "$CASE_DIR/disk.raw" raw "$both")")
cmp "$CASE_DIR/two/$image.raw" "$(value "backup-storage/$one/url")/$image.raw"
act "images/$image" delete "backupStorageUuids=$two"
act "images/$image" expunge
assert_eq "$(value "images/$image/status")" Ready
assert_eq "$(value "images/$image/inventory" | jq -r '[.backupStorageRefs[].backupStorageUuid] | join(" ")')" "$one"
rmdir "$CASE_DIR/two"
job=$(submit images/create "$(images_json "$CASE_DIR/disk.raw" raw "$both")")
job_wait "$job"
partial=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
assert_eq "$(jq -r '[.failures[].backupStorageUuid] | join(" ")' "$MOUNT/api-jobs/$job/result")" "$two" "where it failed"
assert_match "$(jq -r '.failures[0].error.details' "$MOUNT/api-jobs/$job/result")" "two.*No such file" "why it failed"
assert_eq "$(value "images/$partial/inventory" | jq -r '[.backupStorageRefs[].backupStorageUuid] | join(" ")')" "$one"
assert_eq "$(value "backup-storage/$two/status")" Disconnected
for i in $image $partial; do
	act "images/$i" delete
	act "images/$i" expunge
done

step "a full backup storage: refused before the start, and another one gets the image"
mkdir tiny
mount -t tmpfs -o size=1M tmpfs tiny
full=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/tiny" '{params: {name: "tiny", url: $url}}')")
head -c 2M /dev/urandom >random.raw
only_full=$(jq -nc --arg full "$full" '{backupStorageUuids: [$full]}')
refused_image "are reserved, the image needs more" "$CASE_DIR/random.raw" raw "$only_full"
echo 0 >"$MOUNT/global-configurations/backupStorage/reservedCapacity/value"
for url in "$CASE_DIR/random.raw" "http://127.0.0.1:$port/random.raw"; do
	refused_image "bytes left of which 0 are reserved, the image needs more" "$url" raw "$only_full"
	assert_eq "$(find tiny -type f)" "" "the files of the full storage"
	image=$(create images "$(images_json "$url" raw "$(jq -nc --arg full "$full" --arg one "$one" \
		'{backupStorageUuids: [$full, $one]}')")")
	assert_eq "$(value "images/$image/inventory" | jq -r '[.backupStorageRefs[].backupStorageUuid] | join(" ")')" "$one"
	assert_eq "$(find tiny -type f)" "" "the files of the full storage"
	act "images/$image" delete
	act "images/$image" expunge
done

step "a download shows its progress and can be cancelled: nothing is left"
"$TOP/tests/tree/slow-http" disk.raw never >slow-port &
wait_until 10 test -s slow-port
slow=$(images_json "http://127.0.0.1:$(cat slow-port)/disk.raw" raw "$(jq -nc --arg one "$one" '{backupStorageUuids: [$one]}')")
job=$(submit images/create "$slow")
has_begun() {
	[ "$(value "api-jobs/$job/progress")" -gt 0 ]
}
wait_until 10 has_begun
image=$(first images)
assert_eq "$(value "images/$image/status")" Downloading
echo cancel >"$MOUNT/api-jobs/$job/actions"
wait_until 10 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state")" Cancelled
assert_match "$(value "api-jobs/$job/error")" "cancelled"
assert_eq "$(uuids images)" "" "the images after the cancel"
assert_eq "$(find "$(value "backup-storage/$one/url")" -type f)" "" "the files after the cancel"

step "kill -9 during a download: it begins anew, and nothing of the first time is left"
job=$(submit images/create "$slow")
part_is_there() {
	[ -n "$(find "$(value "backup-storage/$one/url")" -name '*.part' -size +0)" ]
}
wait_until 10 part_is_there
mapfile -t pids < <(pool_pids)
kill -KILL "${pids[@]}"
wait_until 10 is_pool_gone
umount -l "$MOUNT"
mount_pool
wait_until 10 has_begun
touch never
job_wait "$job" 10
assert_eq "$(begun_anew "$job")" 1 "how often it began anew"
image=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
assert_eq "$(uuids images)" "$image" "the images after the kill"
assert_eq "$(value "images/$image/status")" Ready
assert_eq "$(find "$(value "backup-storage/$one/url")" -type f)" "$(value "backup-storage/$one/url")/$image.raw" "the files after the kill"
cmp disk.raw "$(value "backup-storage/$one/url")/$image.raw"
