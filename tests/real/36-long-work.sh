#!/bin/bash
# Long jobs on disks show their progress, and can be cancelled: then nothing is left, and they can be repeated.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"2G","diskSize":2147483648}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'","dataDiskOfferingUuids":["'"$disk"'"]}')
root=$(value "vm-instances/$vm/rootVolumeUuid")
data=$(jq -r --arg root "$root" '.allVolumes[].uuid | select(. != $root)' "$MOUNT/vm-instances/$vm/inventory")
act "vm-instances/$vm" stop type=cold
pool=$(value "primary-storage/$(first primary-storage)/mountPath")
backup=$(value "backup-storage/$(first backup-storage)/url")

# Large data, so that there is time to look and to cancel.
fill() {
	qemu-io -c "write -q -P $1 0 1G" "$(value "volumes/$data/installPath")"
}

# things: everything that a long job could leave: files and objects.
things() {
	(find "$pool" "$backup" "$STATE/staging" -type f 2>/dev/null || true) | sort
	uuids vm-instances
	uuids volumes
	uuids images
	uuids volume-snapshots
}

is_on_its_way() {
	local percent
	percent=$(value "api-jobs/$1/progress")
	[ -n "$(value "api-jobs/$1/finished")" ] || { [ "${percent:-0}" -gt 0 ] && [ "$percent" -lt 100 ]; }
}

# long OBJECT REQUEST: is cancelled in the middle and leaves nothing; then it is done. Sets $JOB.
long() {
	step "$2: cancelled"
	things >before
	JOB=$(submit "$1/actions" "$2")
	wait_until 60 is_on_its_way "$JOB"
	assert_eq "$(value "api-jobs/$JOB/finished")" "" "the end of the job at $(value "api-jobs/$JOB/progress") percent"
	echo cancel >"$MOUNT/api-jobs/$JOB/actions"
	wait_until 60 is_finished "$JOB"
	assert_match "$(value "api-jobs/$JOB/error")" cancelled "the error"
	wait_until 30 is_as_before
	step "$2: done"
	JOB=$(submit "$1/actions" "$2")
	wait_until 60 is_on_its_way "$JOB"
	assert_eq "$(value "api-jobs/$JOB/finished")" "" "the end of the job at $(value "api-jobs/$JOB/progress") percent"
	job_wait "$JOB" 120
	assert_eq "$(value "api-jobs/$JOB/progress")" 100 "the progress at the end"
}

is_as_before() {
	things | diff before - >left || { cat left && false; }
}

made() {
	jq -r ".inventory.uuid // .result.inventories[0].inventory.uuid // .inventories[0].uuid" "$MOUNT/api-jobs/$JOB/result"
}

# has_data FILE PATTERN: the disk begins with a GiB of it.
has_data() {
	qemu-io -r -f qcow2 -c "read -q -P $2 0 1G" "$1" | lacks failed || fail "'$1' has other bytes"
	qemu-img check -q "$1"
}

fill 1
long "volumes/$data" "create-data-volume-template name=template"
has_data "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$(made)/inventory")" 1
act "images/$(made)" delete
act "images/$(made)" expunge

act "volumes/$data" create-snapshot name=s
snapshot=$(first volume-snapshots)
long "volume-snapshots/$snapshot" "create-data-volume name=copy"
copy=$(made)
has_data "$(value "volumes/$copy/installPath")" 1
act "volumes/$copy" delete
act "volumes/$copy" expunge

long "volume-snapshots/$snapshot" '{"create-data-volume":{"name":"raw"},"systemTags":["ephemeral::shareable"]}'
copy=$(made)
raw=$(value "volumes/$copy/installPath")
assert_eq "$(value "volumes/$copy/format") $(stat -c %s "$raw")" "raw 2147483648"
[ "$(stat -c %b "$raw")" -lt 3145728 ] || fail "the holes of the raw copy are filled: $(stat -c %b "$raw") blocks"
qemu-img compare -f raw -F qcow2 "$raw" "$(value "volume-snapshots/$snapshot/primaryStorageInstallPath")"

step "an image of a raw volume"
long "volumes/$copy" "create-data-volume-template name=of-raw"
qemu-img compare -f raw -F qcow2 "$raw" "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$(made)/inventory")"
act "images/$(made)" delete
act "images/$(made)" expunge
act "volumes/$copy" delete
act "volumes/$copy" expunge

long "vm-instances/$vm" '{"cloneVmInstance":{"names":["clone"],"full":true,"strategy":"JustCreate"}}'
clone=$(value vm-instances/by-name/clone/uuid)
for volume in $(jq -r '.allVolumes[] | select(.type == "Data").uuid' "$MOUNT/vm-instances/$clone/inventory"); do
	has_data "$(value "volumes/$volume/installPath")" 1
done

step "the merge of a snapshot, cancelled: the snapshot is still there, and is then removed"
job=$(submit "volume-snapshots/$snapshot/actions" delete)
wait_until 60 is_on_its_way "$job"
echo cancel >"$MOUNT/api-jobs/$job/actions" 2>/dev/null || true
wait_until 60 is_finished "$job"
if [ -n "$(value "api-jobs/$job/error")" ]; then
	assert_match "$(value "api-jobs/$job/error")" cancelled "the error"
	[ -d "$MOUNT/volume-snapshots/$snapshot" ] || fail "the snapshot is gone"
	act "volume-snapshots/$snapshot" delete
fi
[ ! -d "$MOUNT/volume-snapshots/$snapshot" ] || fail "the snapshot is still there"
has_data "$(value "volumes/$data/installPath")" 1
step "no keeper is left"
assert_eq "$(on_host list --all --name | grep -c poolfs- || true)" 0 "machines that keep disks open"
