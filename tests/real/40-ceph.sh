#!/bin/bash
# A guest's life and bytes on a real Ceph: boot, attach, snapshot, branch, merge, resize, revert, copies, export.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
url=$("$LAB/ceph" up "$CASE_DIR/ceph" vms)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
tiny=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')

# images: the names of all images on Ceph
images() {
	"$LAB/ceph" rbd "$CASE_DIR/ceph" ls vms | sort | paste -sd ' '
}

# snapshots IMAGE: the names of its snapshots
snapshots() {
	"$LAB/ceph" rbd "$CASE_DIR/ceph" snap ls --format json "vms/$1" | jq -r '.[].name' | paste -sd ' '
}

snapshot() {
	local job
	job=$(submit "volumes/$1/actions" "create-snapshot name=$2")
	job_wait "$job"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

# image_of VOLUME: the name of its current image
image_of() {
	basename "$(value "volumes/$1/installPath")"
}

step "an invalid address is refused"
for bad in vms /vms ceph:// ceph://127.0.0.1 ceph:///vms ceph://127.0.0.1:0/vms ceph://127.0.0.1/vms/image 'ceph://a b/vms' ceph://-m/vms; do
	assert_refused primary-storage/ceph/create "$(jq -nc --arg zone "$(first zones)" --arg url "$bad" '{params: {name: "bad", zoneUuid: $zone, url: $url}}')" \
		EINVAL "ceph://|names an image"
done

step "a Ceph storage, with its capacity"
ceph=$(create primary-storage/ceph "$(jq -nc --arg zone "$(first zones)" --arg url "$url" '{params: {name: "ceph", zoneUuid: $zone, url: $url}}')")
assert_eq "$(value "primary-storage/$ceph/type")" Ceph
act "primary-storage/$ceph" attach-to-cluster "clusterUuid=$(first clusters)"
assert_eq "$(value "primary-storage/$ceph/status")" Connected
[ "$(value "primary-storage/$ceph/totalCapacity")" -gt 1073741824 ] || fail "there is no room"
assert_match "$(on_host pool-dumpxml "poolfs-$ceph")" "type='rbd'"

step "a guest boots from it"
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$tiny"'","primaryStorageUuidForRootVolume":"'"$ceph"'"}')
wait_until 240 agent_ping "$vm"
root=$(value "vm-instances/$vm/rootVolumeUuid")
assert_eq "$(value "volumes/$root/installPath")" "$url/$root.raw"
assert_eq "$(value "volumes/$root/format")" raw
assert_match "$(on_host dumpxml "$vm")" "protocol='rbd' name='vms/$root.raw'"
# its root disk is a clone of the one copy of the image
assert_eq "$(images)" "$root.raw image-$image"
guest "$vm" 'echo before >/root/file; sync'

step "a data volume appears in the running guest, and snapshots are taken of it"
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$ceph"'"}}')
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb serial=${data:0:20} size=131072" 20
fill "$vm" /dev/vdb 0 one
a=$(snapshot "$data" a)
assert_eq "$(value "volume-snapshots/$a/primaryStorageInstallPath")" "$url/$data.raw@$a"
assert_eq "$(value "volume-snapshots/$a/type")" Storage
assert_eq "$(image_of "$data")" "$data.raw" "where the volume goes on"
fill "$vm" /dev/vdb 0 two
fill "$vm" /dev/vdb 5 five
act "vm-instances/$vm" pause
b=$(snapshot "$data" b)
act "vm-instances/$vm" resume
assert_eq "$(value "volume-snapshots/$b/parentUuid")" "$a"
fill "$vm" /dev/vdb 0 three
assert_eq "$(snapshots "$data.raw")" "$a $b"

step "a snapshot reads as a file, with its holes"
cp --sparse=always "$MOUNT/volume-snapshots/$a/data" a.raw
assert_eq "$(stat -c %s a.raw)" 67108864
[ "$(stat -c %b a.raw)" -lt 8192 ] || fail "the copy has no holes"
assert_eq "$(head -c 1048576 a.raw | md5sum | cut -d' ' -f1)" "$(text one)"

step "a volume created from a snapshot has its data"
job=$(submit "volume-snapshots/$b/actions" "create-data-volume name=copy")
job_wait "$job"
copy=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
act "volumes/$copy" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdc" 20
assert_eq "$(sum "$vm" /dev/vdc 0) $(sum "$vm" /dev/vdc 5)" "$(text two) $(text five)"
act "volumes/$copy" detach
wait_serial "$vm" "HOTPLUG blk remove vdc" 20

step "it grows while the guest uses it, and its bandwidth is limited"
act "volumes/$data" resize-data size=96M
assert_eq "$(guest "$vm" cat /sys/block/vdb/size)" 196608
fill "$vm" /dev/vdb 80 eighty
assert_eq "$(sum "$vm" /dev/vdb 0) $(sum "$vm" /dev/vdb 80)" "$(text three) $(text eighty)"
kept=$(snapshots "$data.raw")
kept=${kept##* } # resizing keeps what was there before
act "volumes/$data" set-qos volumeBandwidth=1M
assert_match "$(on_host blkdeviotune "$vm" vdb)" 'total_bytes_sec: 1048576'
act "volumes/$data" delete-qos

step "back to the first snapshot, detached; the later ones stay, with the old image"
act "volumes/$data" detach
act "volume-snapshots/$a" revert-volume
head=$(image_of "$data")
[ "$head" != "$data.raw" ] || fail "the volume is on the old image"
assert_eq "$(value "volumes/$data/size")" 67108864
assert_eq "$(snapshots "$data.raw")" "$a $b $kept"
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20 2
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text one)"
c=$(snapshot "$data" c)
assert_eq "$(value "volume-snapshots/$c/parentUuid")" "$a"
fill "$vm" /dev/vdb 0 four

step "one snapshot is deleted alone, below the running guest"
act "volume-snapshots/$b" delete scope=single
assert_eq "$(snapshots "$data.raw")" "$a $kept"
assert_eq "$(value "volume-snapshots/$kept/parentUuid")" "$a"

step "with the first all others and the old image are removed; the guest still reads"
act "volume-snapshots/$a" delete
assert_eq "$(uuids volume-snapshots)" ""
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text four)"
assert_eq "$(images)" "$(printf '%s\n' "$head" "$copy.raw" "$root.raw" "image-$image" | sort | paste -sd ' ')"

step "an image of the running guest's disk boots elsewhere; so does a clone"
job=$(submit "volumes/$root/actions" "create-root-volume-template name=made")
job_wait "$job"
made=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
assert_eq "$(value "images/$made/format") $(value "images/$made/status")" "raw Ready"
assert_eq "$(snapshots "$root.raw")" "" "the snapshots that copies are made from"
job=$(submit "vm-instances/$vm/actions" '{"cloneVmInstance":{"names":["twin"],"full":true}}')
job_wait "$job"
twin=$(jq -r '.result.inventories[0].inventory.uuid' "$MOUNT/api-jobs/$job/result")
wait_until 240 agent_ping "$twin"
assert_eq "$(guest "$twin" cat /root/file)" before
assert_eq "$(sum "$twin" /dev/vdb 0)" "$(text four)"
assert_eq "$(snapshots "$root.raw")" ""
act "vm-instances/$twin" stop type=cold

step "the root disk, reverted and reimaged"
r=$(snapshot "$root" r)
guest "$vm" 'echo after >/root/file; sync'
act "vm-instances/$vm" stop type=cold
act "volume-snapshots/$r" revert-volume
act "vm-instances/$vm" start
wait_until 240 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /root/file)" before
act "vm-instances/$vm" stop type=cold
act "vm-instances/$vm" reimage
act "vm-instances/$vm" start
wait_until 240 agent_ping "$vm"
assert_fails "file" guest "$vm" cat /root/file
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text four)"

step "an ISO on the same storage"
iso=$(add_image "$media/tiny.iso" iso medium)
act "vm-instances/$vm" attach-iso isoUuid="$iso"
assert_match "$(on_host dumpxml "$vm")" "name='vms/image-$iso'"
reads_medium() {
	[ "$(guest "$vm" 'dd if=/dev/sr0 bs=2048 count=64 skip=16 2>/dev/null | md5sum')" = "$(dd if="$media/tiny.iso" bs=2048 count=64 skip=16 2>/dev/null | md5sum)" ]
}
wait_until 20 reads_medium
act "vm-instances/$vm" detach-iso isoUuid="$iso"

step "nothing is left when all is gone"
for uuid in $vm $twin; do
	act "vm-instances/$uuid" destroy
	act "vm-instances/$uuid" expunge
done
for uuid in $(uuids volumes); do
	act "volumes/$uuid" delete
	act "volumes/$uuid" expunge
done
for uuid in $(uuids images); do
	act "images/$uuid" delete
	act "images/$uuid" expunge
done
is_empty() {
	[ -z "$(images)" ]
}
wait_until 60 is_empty
