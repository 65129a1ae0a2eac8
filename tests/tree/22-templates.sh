#!/bin/bash
# Images made of volumes and snapshots on the test driver, volumes made of those, candidates, the agent's flag.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
storage=$(first primary-storage)
pool=$(value "primary-storage/$storage/mountPath")
bs=$(first backup-storage)

# made OBJECT VERB...: runs a verb that makes an object and prints its uuid
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
vm=$(create_vm web "$image")
grep -qlx qemuga "$MOUNT"/system-tags/*/tag || fail "no tag"
assert_eq "$(grep -lx qemuga "$MOUNT"/system-tags/*/tag | xargs dirname | xargs -I{} cat {}/resourceType | sort | xargs)" "ImageVO VmInstanceVO"
act "images/$image" set-qga enable=false
assert_eq "$(jq .enable "$MOUNT/images/$image/qga")" false

step "where an image could go"
root=$(value "vm-instances/$vm/rootVolumeUuid")
assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/images/candidate-backup-storage?volumeUuid=$root")" "$bs"

step "of a running VM's root volume, without naming a backup storage"
one=$(made "volumes/$root" create-root-volume-template name=one)
assert_eq "$(value "images/$one/status") $(value "images/$one/mediaType") $(value "images/$one/format")" "Ready RootVolumeTemplate qcow2"
assert_eq "$(value "images/$one/url")" "volume://$root"
assert_eq "$(value "images/$one/platform")" Linux
assert_eq "$(value "images/$one/size")" "$(value "volumes/$root/size")"
path=$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$one/inventory")
assert_eq "$(qemu-img info --output json "$path" | jq -r '."backing-filename" // ""')" ""
assert_eq "$(find "$pool" "$STATE/staging" -name "*template*" -o -path '*/staging/*' | wc -l)" 0 "the number of copies left behind"

step "of a stopped VM's, and of a snapshot"
act "vm-instances/$vm" stop
two=$(made "volumes/$root" create-root-volume-template name=two platform=Windows "backupStorageUuids=$bs")
assert_eq "$(value "images/$two/platform")" Windows
snapshot=$(made "volumes/$root" create-snapshot name=s)
assert_refused "volume-snapshots/$snapshot/actions" "create-root-volume-template name=x" EINVAL backupStorageUuids
three=$(made "volume-snapshots/$snapshot" create-root-volume-template name=three "backupStorageUuids=$bs")
assert_eq "$(value "images/$three/url")" "volumeSnapshot://$snapshot"
assert_eq "$(jq -r '.inventories[].uuid' "$MOUNT/images/candidate-backup-storage?volumeSnapshotUuid=$snapshot")" "$bs"
clone=$(create_vm clone "$three")
assert_eq "$(value "vm-instances/$clone/state")" Running

step "a template of a data volume, and volumes made of it"
offering=$(first disk-offerings)
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$offering"'"}}')
assert_refused "volumes/$data/actions" "create-data-volume-template name=x" EBUSY "is not Ready, it's NotInstantiated"
act "volumes/$data" attach vmInstanceUuid="$clone"
assert_refused "volumes/$data/actions" "create-root-volume-template name=x" EINVAL "is not root volume"
template=$(made "volumes/$data" create-data-volume-template name=template)
assert_eq "$(value "images/$template/mediaType") $(value "images/$template/size")" "DataVolumeTemplate $(value "volumes/$data/size")"
assert_refused "images/$one/actions" "create-data-volume name=x primaryStorageUuid=$storage" EINVAL "is not DataVolumeTemplate"
copy=$(made "images/$template" create-data-volume name=copy primaryStorageUuid="$storage")
assert_eq "$(value "volumes/$copy/status") $(value "volumes/$copy/type")" "Ready Data"
act "volumes/$copy" attach vmInstanceUuid="$clone"
act "images/$template" change-state stateEvent=disable
assert_refused "images/$template/actions" "create-data-volume name=x primaryStorageUuid=$storage" EBUSY "is not Enabled"

step "the copy on primary storage goes with the last volume of it"
act "images/$template" delete
act "images/$template" expunge
assert_eq "$(find "$pool" -name "image-$template*" | wc -l)" 1 "the number of cached copies"
act "volumes/$copy" delete
act "volumes/$copy" expunge
cached() { [ -e "$pool/image-$template.qcow2" ]; }
cached && fail "the cached copy is still there"
true
