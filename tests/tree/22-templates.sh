#!/bin/bash
# Images created from volumes and snapshots on the test driver, volumes created from those, candidates, the
# agent's flag.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
# the timer must not notice first that a folder is gone
echo 3600 >"$MOUNT/global-configurations/host/ping.interval/value"
head -c 1M /dev/urandom >"$CASE_DIR/random.raw"
image=$(add_image "$CASE_DIR/random.raw" raw random)
storage=$(first primary-storage)
pool=$(value "primary-storage/$storage/mountPath")
bs=$(first backup-storage)

# made OBJECT VERB...: runs a verb that creates an object and prints its uuid
made() {
	local job object=$1
	shift
	job=$(submit "$object/actions" "$*")
	job_wait "$job" || fail "'$*' failed on '$object'"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

step "the flag of an image is its VMs' flag"
assert_eq "$(jq .enable "$MOUNT/images/$image/qga")" false
act "images/$image" set-qga enable=true
assert_eq "$(jq .enable "$MOUNT/images/$image/qga")" true
# left: the free bytes of the primary storage
left() {
	value "primary-storage/$storage/availableCapacity"
}
at_first=$(left)
vm=$(create_vm web "$image")
with_one=$(left)
grep -qlx qemuga "$MOUNT"/system-tags/*/tag || fail "no tag"
assert_eq "$(grep -lx qemuga "$MOUNT"/system-tags/*/tag | xargs dirname | xargs -I{} cat {}/resourceType | sort | xargs)" "ImageVO VmInstanceVO"
# has_agent VM
has_agent() {
	jq .enable "$MOUNT/vm-instances/$1/qga"
}
act "images/$image" set-qga enable=false
assert_eq "$(jq .enable "$MOUNT/images/$image/qga")" false
assert_eq "$(has_agent "$vm")" true "the flag of the VM that was there before"
plain=$(create_vm plain "$image")
assert_eq "$(has_agent "$plain")" false "the flag of a VM made since"

step "one copy on primary storage, counted once, for both"
# cached: the number of copies of an image on primary storage
cached() {
	find "$pool" -name "image-$1.*" | wc -l
}
size=$(value "volumes/$(value "vm-instances/$vm/rootVolumeUuid")/size")
occupied=$(du -B1 "$CASE_DIR/random.raw" | cut -f1)
assert_eq "$(cached "$image")" 1 "the number of cached copies"
assert_eq "$((at_first - with_one))" $((size + occupied)) "what the first VM takes"
before=$(left)
another=$(create_vm another "$image")
assert_eq "$((before - $(left)))" "$size" "what a further VM takes"
for i in $plain $another; do
	act "vm-instances/$i" destroy
	act "vm-instances/$i" expunge
done
assert_eq "$(cached "$image")" 1 "the number of cached copies while the image is there"

step "candidates for an image"
root=$(value "vm-instances/$vm/rootVolumeUuid")
assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/images/candidate-backup-storage?volumeUuid=$root")" "$bs"

# candidates [QUERY]: backup storages that could take an image of the root volume
candidates() {
	jq -r '[.inventories[].uuid] | sort | join(" ")' "$MOUNT/images/candidate-backup-storage?${1:-volumeUuid=$root}"
}
second=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/second" '{params: {name: "second", url: $url}}')")
both=$(printf '%s\n' "$bs" "$second" | sort | xargs)
zone=$(first zones)
assert_eq "$(candidates)" "$bs" "the candidates of the zone"
act "backup-storage/$second" attach-to-zone "zoneUuid=$zone"
assert_eq "$(candidates)" "$both" "the candidates with one more in the zone"
act "backup-storage/$second" change-state stateEvent=disable
assert_eq "$(candidates)" "$bs" "the candidates without the disabled one"
act "backup-storage/$second" change-state stateEvent=enable
assert_eq "$(candidates)" "$both" "the candidates with it again"
act "backup-storage/$second" detach-from-zone "zoneUuid=$zone"
assert_eq "$(candidates)" "$bs" "the candidates without the one that left"
act "backup-storage/$second" attach-to-zone "zoneUuid=$zone"
rmdir "$CASE_DIR/second"
job=$(submit "backup-storage/$second/actions" reconnect)
job_wait "$job" 2>/dev/null && fail "a folder that is gone was connected"
assert_eq "$(candidates)" "$bs" "the candidates that are connected"
mkdir "$CASE_DIR/second"
act "backup-storage/$second" reconnect
assert_fails "Invalid argument" cat "$MOUNT/images/candidate-backup-storage"
assert_match "$(value last-error)" "either volumeUuid or volumeSnapshotUuid must be set" "last-error"

step "from a running VM's root volume, without naming a backup storage"
one=$(made "volumes/$root" create-root-volume-template name=one)
assert_eq "$(value "images/$one/status") $(value "images/$one/mediaType") $(value "images/$one/format")" "Ready RootVolumeTemplate qcow2"
assert_eq "$(value "images/$one/url")" "volume://$root"
assert_eq "$(value "images/$one/platform")" Linux
assert_eq "$(value "images/$one/size")" "$(value "volumes/$root/size")"
path=$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$one/inventory")
assert_eq "$(qemu-img info --output json "$path" | jq -r '."backing-filename" // ""')" ""
assert_eq "$(find "$pool" "$STATE/staging" -name "*template*" -o -path '*/staging/*' | wc -l)" 0 "the number of copies left behind"

step "from a stopped VM's, and from a snapshot"
act "vm-instances/$vm" stop
two=$(made "volumes/$root" create-root-volume-template name=two platform=Windows "backupStorageUuids=$bs")
assert_eq "$(value "images/$two/platform")" Windows
snapshot=$(made "volumes/$root" create-snapshot name=s)
assert_refused "volume-snapshots/$snapshot/actions" "create-root-volume-template name=x" EINVAL backupStorageUuids
three=$(made "volume-snapshots/$snapshot" create-root-volume-template name=three "backupStorageUuids=$bs")
assert_eq "$(value "images/$three/url")" "volumeSnapshot://$snapshot"
assert_eq "$(candidates "volumeSnapshotUuid=$snapshot")" "$both" "the candidates for a snapshot"
clone=$(create_vm clone "$three")
assert_eq "$(value "vm-instances/$clone/state")" Running

step "two backup storages: one fails, and the result says which and why"
# nothing_staged: no temporary copy is left
nothing_staged() {
	assert_eq "$(find "$pool" "$STATE/staging" -name "*template*" -o -path '*/staging/*' | wc -l)" 0 "the number of copies left behind"
}
# partly OBJECT VERB...: creates an image on both while the second one has lost its folder
partly() {
	local object=$1 job image
	shift
	rmdir "$CASE_DIR/second"
	job=$(submit "$object/actions" "$*")
	job_wait "$job" || fail "'$*' failed on '$object'"
	image=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
	assert_eq "$(jq -r '[.failures[].backupStorageUuid] | join(" ")' "$MOUNT/api-jobs/$job/result")" "$second" "where it failed"
	assert_match "$(jq -r '.failures[0].error.details' "$MOUNT/api-jobs/$job/result")" "second.*No such file" "why it failed"
	assert_eq "$(value "images/$image/status") $(jq -r '[.backupStorageRefs[] | .backupStorageUuid + " " + .status] | join(" ")' "$MOUNT/images/$image/inventory")" \
		"Ready $bs Ready"
	nothing_staged
	assert_eq "$(value "backup-storage/$second/status")" Disconnected
	mkdir "$CASE_DIR/second"
	act "backup-storage/$second" reconnect
}
on_both="backupStorageUuids=$second,$bs"
partly "volumes/$root" create-root-volume-template name=partly "$on_both"
partly "volume-snapshots/$snapshot" create-root-volume-template name=partly "$on_both"

step "all fail: one sentence with the reason, and nothing is left"
third=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/third" '{params: {name: "third", url: $url}}')")
# none TEXT OBJECT VERB...: creates an image on two that have lost their folders; the job fails and says TEXT
none() {
	local text=$1 object=$2 job images
	shift 2
	images=$(uuids images)
	rmdir "$CASE_DIR/second" "$CASE_DIR/third"
	job=$(submit "$object/actions" "$* backupStorageUuids=$second,$third")
	job_wait "$job" 2>/dev/null && fail "'$*' succeeded on '$object'"
	assert_match "$(jq -r .details "$MOUNT/api-jobs/$job/error")" "^$text: .*second.*third" "the sentence"
	assert_eq "$(jq -r '.cause.code + " " + .cause.cause.code' "$MOUNT/api-jobs/$job/error")" "SYS.1006 BS.1000" "the causes"
	assert_eq "$(uuids images)" "$images" "the images"
	nothing_staged
	mkdir "$CASE_DIR/second" "$CASE_DIR/third"
	act "backup-storage/$second" reconnect
	act "backup-storage/$third" reconnect
}
none "failed to create image from root volume\[uuid:$root\] on all backup storage, see cause for one of errors" \
	"volumes/$root" create-root-volume-template name=none
none "failed to create image from volume snapshot\[uuid:$snapshot\] on all backup storage, see cause for one of errors" \
	"volume-snapshots/$snapshot" create-root-volume-template name=none

step "a template of a data volume, and volumes created from it"
offering=$(first disk-offerings)
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$offering"'"}}')
assert_refused "volumes/$data/actions" "create-data-volume-template name=x" EBUSY "is not Ready, it's NotInstantiated"
act "volumes/$data" attach vmInstanceUuid="$clone"
assert_refused "volumes/$data/actions" "create-root-volume-template name=x" EINVAL "is not root volume"
none "failed to create data volume template from volume\[uuid:$data\] on all backup storage. See cause for one of errors" \
	"volumes/$data" create-data-volume-template name=none
partly "volumes/$data" create-data-volume-template name=partly "$on_both"
template=$(made "volumes/$data" create-data-volume-template name=template "backupStorageUuids=$bs")
assert_eq "$(value "images/$template/mediaType") $(value "images/$template/size")" "DataVolumeTemplate $(value "volumes/$data/size")"
assert_refused "images/$one/actions" "create-data-volume name=x primaryStorageUuid=$storage" EINVAL "is not DataVolumeTemplate"
copy=$(made "images/$template" create-data-volume name=copy primaryStorageUuid="$storage")
assert_eq "$(value "volumes/$copy/status") $(value "volumes/$copy/type")" "Ready Data"
act "volumes/$copy" attach vmInstanceUuid="$clone"
act "images/$template" change-state stateEvent=disable
assert_refused "images/$template/actions" "create-data-volume name=x primaryStorageUuid=$storage" EBUSY "is not Enabled"

step "without room on backup storage nothing is copied: this daemon would die at the first copy"
mkdir tiny
mount -t tmpfs -o size=64K tmpfs tiny
full=$(create backup-storage/sftp "$(jq -nc --arg url "$CASE_DIR/tiny" '{params: {name: "tiny", url: $url}}')")
act "backup-storage/$full" attach-to-zone "zoneUuid=$(first zones)"
umount_pool
POOLFS_TEST_KILL_AT=template-copied mount_pool
for object in volumes/$root volumes/$data; do
	verb=create-root-volume-template
	[ "$object" = "volumes/$root" ] || verb=create-data-volume-template
	before=$(uuids images)
	job=$(submit "$object/actions" "$verb name=none backupStorageUuids=$full")
	wait_until 20 is_finished "$job"
	assert_match "$(jq -r .details "$MOUNT/api-jobs/$job/error")" "on all backup storage.*are reserved, the image needs more" "the sentence"
	assert_eq "$(jq -r '[.. | .code? // empty] | last' "$MOUNT/api-jobs/$job/error")" BS.1003 "the cause"
	assert_eq "$(uuids images)" "$before" "the images"
	nothing_staged
done
remount_pool

step "the copy on primary storage is removed with the last volume that uses it"
act "images/$template" delete
act "images/$template" expunge
assert_eq "$(cached "$template")" 1 "the number of cached copies"
act "volumes/$copy" delete
act "volumes/$copy" expunge
assert_eq "$(cached "$template")" 0 "the number of cached copies"

step "so is that of a VM's image with its last VM, and its room is free again"
act "vm-instances/$vm" destroy
act "vm-instances/$vm" expunge
act "images/$image" delete
before=$(left)
act "images/$image" expunge
assert_eq "$(cached "$image")" 0 "the number of cached copies"
assert_eq "$(($(left) - before))" "$occupied" "the room that came back"
