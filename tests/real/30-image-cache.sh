#!/bin/bash
# Cached images on a real host: one copy for many VMs, removed when unused, never incomplete after a kill.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
ps=$(first primary-storage)
wait_for "primary-storage/$ps/status" Connected 20
folder=$(value "primary-storage/$ps/url")
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
tiny='{"instanceOfferingUuid":"'$small'"}'
echo 1 >"$MOUNT/global-configurations/host/ping.interval/value"

# cached: the files of cached images, as the host sees them.
cached() {
	find "$folder" -name 'image-*' -printf '%f\n'
}
no_cached() {
	[ -z "$(cached)" ]
}
# remove_vm VM: for good.
remove_vm() {
	act "vm-instances/$1" destroy
	act "vm-instances/$1" expunge
}

step "four VMs at once, one copy, identical to the image"
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
before=$(value "primary-storage/$ps/availableCapacity")
jobs=()
for name in one two three four; do
	jobs+=("$(submit vm-instances/create "$(vm_json $name "$image" "$tiny")")")
done
for job in "${jobs[@]}"; do
	job_wait "$job" 120
done
assert_eq "$(cached)" "image-$image.qcow2" "the cached images"
cmp "$media/tiny.qcow2" "$folder/image-$image.qcow2"
vm=$(value vm-instances/by-name/one/uuid)
wait_serial "$vm" "TINY ready" 120
root=$(value "vm-instances/$vm/rootVolumeUuid")
assert_eq "$(qemu-img info -U --output json "$(value "volumes/$root/installPath")" | jq -r '."full-backing-filename"')" \
	"$folder/image-$image.qcow2" "the backing file"

step "it stays below its disks when the image is gone, and a restarted guest still works"
act "images/$image" delete
act "images/$image" expunge
sleep 2.2 # two rounds of the timer
assert_eq "$(cached)" "image-$image.qcow2" "the cached images"
for name in two three four; do
	remove_vm "$(value vm-instances/by-name/$name/uuid)"
done
act "vm-instances/$vm" stop type=cold
act "vm-instances/$vm" start
wait_serial "$vm" "TINY ready" 120 2
act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$root/installPath")"

step "it is removed with the last disk"
remove_vm "$vm"
wait_until 10 no_cached
assert_eq "$(value "primary-storage/$ps/availableCapacity")" "$before" "the room left"

step "kill -9 during the upload: an incomplete copy is never used"
big=$CASE_DIR/big.qcow2
cp "$media/tiny.qcow2" "$big"
qemu-img resize -q "$big" 4G
qemu-io -c 'write -q -P 7 1G 600M' "$big" >/dev/null
image=$(add_image "$big" qcow2 big)
job=$(submit vm-instances/create "$(vm_json five "$image" "$tiny")")
upload_began() {
	[ -n "$(find "$folder" -name 'image-*' -size +1M)" ]
}
wait_until 60 upload_began
mapfile -t pids < <(pool_pids)
kill -KILL "${pids[@]}"
wait_until 10 is_pool_gone
umount -l "$MOUNT"
mount_pool
wait_until 60 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job")" "Done 1"
vm=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
cmp "$big" "$folder/image-$image.qcow2"
wait_serial "$vm" "TINY ready" 120

step "an ISO is cached too, for as long as a VM may want it"
iso=$(add_image "$media/tiny.iso" iso cd)
disk=$(create disk-offerings '{"params":{"name":"disk","diskSize":134217728}}')
cd=$(create_vm cd "$iso" "$(jq -c --arg disk "$disk" '. + {rootDiskOfferingUuid: $disk}' <<<"$tiny")")
wait_serial "$cd" "TINY ready" 120
assert_eq "$(cached | grep iso)" "image-$iso.iso"
act "images/$iso" delete
act "images/$iso" expunge
sleep 2.2
assert_eq "$(cached | grep iso)" "image-$iso.iso"
remove_vm "$cd"
iso_is_gone() {
	cached | lacks iso
}
wait_until 10 iso_is_gone
