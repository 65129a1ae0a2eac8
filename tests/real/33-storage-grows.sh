#!/bin/bash
# A storage that is too small for a write or a merge fails neither for good: it grows, and the same work succeeds.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

# A file system that can grow while it is used; the hosts see it too.
small=$CASE_DIR/small
mkdir "$small"
mount -t tmpfs -o size=48M tmpfs "$small"
dd if=/dev/zero of="$small/try" bs=4096 count=1 oflag=direct 2>/dev/null ||
	skip "this kernel's tmpfs knows no O_DIRECT, which QEMU needs, and growing another file system needs CAP_SYS_RESOURCE"
rm "$small/try"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
echo 0 >"$MOUNT/global-configurations/primaryStorage/reservedCapacity/value"
storage=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$small/pool" \
	'{params: {name: "small", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$storage" attach-to-cluster "clusterUuid=$(first clusters)"
tiny=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"32M","diskSize":33554432}}')
vm=$(create_vm web "$(add_image "$media/tiny.qcow2" qcow2 tiny)" '{"instanceOfferingUuid":"'"$tiny"'"}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
wait_until 240 agent_ping "$vm"
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20

# leave KIB: somebody else takes all room but so much
leave() {
	rm -f "$small/filler"
	fallocate -l "$(($(stat -f -c '%a * %S' "$small") - $1 * 1024))" "$small/filler"
}

is_paused() {
	[ "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" = "Paused enospc" ]
}

# write_all TEXT MIB: the guest begins to write so much; goes on without us
write_all() {
	guest "$vm" "rm -f /tmp/written; (yes '$1' | head -c $(($2 << 20)) | dd of=/dev/vdb bs=1M iflag=fullblock oflag=direct 2>/tmp/errors && sync && touch /tmp/written) >/dev/null 2>&1 &"
}

has_written() {
	guest "$vm" 'test -e /tmp/written'
}

# check TEXT MIB: the guest and the files have the bytes
check() {
	local want
	want=$( (yes "$1" || true) | head -c $(($2 << 20)) | md5sum | cut -d' ' -f1)
	assert_eq "$(guest "$vm" "dd if=/dev/vdb bs=1M count=$2 iflag=direct 2>/dev/null | md5sum" | cut -d' ' -f1)" "$want" "what the guest reads"
	is_whole "$(value "volumes/$data/installPath")" -U
}

# is_whole FILE [-U]: QEMU finds no error. Clusters that a write without room had asked for may be left unused (3).
is_whole() {
	local status=0
	qemu-img check "${@:2}" "$1" >check.log 2>&1 || status=$?
	[ $status = 0 ] || [ $status = 3 ] || fail "qemu-img check: $(cat check.log)"
}

step "the guest is paused by a full storage; the storage grows below it; it goes on"
leave 2048
write_all one 12
wait_until 120 is_paused
mount -o remount,size=64M "$small"
act "vm-instances/$vm" resume
wait_until 120 has_written
check one 12
rm "$small/filler"

# refuse_merge SNAPSHOT: its deletion finds no room, and changes nothing
refuse_merge() {
	local job
	leave 1024
	job=$(submit "volume-snapshots/$1/actions" delete)
	wait_until 60 is_finished "$job"
	assert_match "$(value "api-jobs/$job/error")" "is the storage full" "the error"
	assert_eq "$(value "volume-snapshots/$1/status") $(value "volume-snapshots/$1/state")" "Ready Enabled"
	assert_eq "$(value "volumes/$data/status")" Ready
}

step "a merge below the running guest finds no room"
job=$(submit "volumes/$data/actions" "create-snapshot name=s")
job_wait "$job"
snapshot=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
refuse_merge "$snapshot"
assert_eq "$(value "vm-instances/$vm/state")" Running
check one 12

step "there is room, and it goes"
mount -o remount,size=96M "$small"
act "volume-snapshots/$snapshot" delete
check one 12
assert_eq "$(qemu-img info -U --output json "$(value "volumes/$data/installPath")" | jq -r '."backing-filename" // ""')" ""

step "the same at rest"
job=$(submit "volumes/$data/actions" "create-snapshot name=t")
job_wait "$job"
snapshot=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
act "volumes/$data" detach
refuse_merge "$snapshot"
is_whole "$(value "volumes/$data/installPath")"
rm "$small/filler"
act "volume-snapshots/$snapshot" delete
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20 2
check one 12
assert_eq "$(on_host list --all --name | grep -c poolfs- || true)" 0 "machines that keep disks open"
act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$data/installPath")"
