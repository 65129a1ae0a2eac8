#!/bin/bash
# A write or a merge that fails on a full storage succeeds after the storage has grown.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

# A file system that can grow while it is used; the hosts see it too.
small=$CASE_DIR/small
mkdir "$small"
mount -t tmpfs -o size=48M tmpfs "$small"
dd if=/dev/zero of="$small/try" bs=4096 count=1 oflag=direct 2>/dev/null ||
	skip "this kernel's tmpfs knows no O_DIRECT, which QEMU needs, and growing another file system needs CAP_SYS_RESOURCE"
rm "$small/try"

. "$TOP/tests/real/full-storage.sh"
guest_on_small 33554432

# check: the guest has its bytes, and its disk no error
check() {
	check_bytes one
	is_whole "$(value "volumes/$data/installPath")" -U
}

# is_whole FILE [-U]: QEMU finds no error. Clusters that a write without room had asked for may be left unused (3).
is_whole() {
	local status=0
	qemu-img check "${@:2}" "$1" >check.log 2>&1 || status=$?
	[ $status = 0 ] || [ $status = 3 ] || fail "qemu-img check: $(cat check.log)"
}

step "the guest is paused by a full storage; the storage grows; the guest continues"
leave 2048
write_all one
wait_until 120 is_paused
mount -o remount,size=64M "$small"
act "vm-instances/$vm" resume
wait_until 120 has_written
check
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
check

step "with room, it succeeds"
mount -o remount,size=96M "$small"
act "volume-snapshots/$snapshot" delete
check
assert_eq "$(qemu-img info -U --output json "$(value "volumes/$data/installPath")" | jq -r '."backing-filename" // ""')" ""

step "the same with the VM stopped"
job=$(submit "volumes/$data/actions" "create-snapshot name=t")
job_wait "$job"
snapshot=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
act "volumes/$data" detach
refuse_merge "$snapshot"
is_whole "$(value "volumes/$data/installPath")"
assert_eq "$(dd if="$MOUNT/volumes/$data/data" bs=1M count=12 status=none | md5sum)" "$( (yes one || true) | head -c 12582912 | md5sum)" "the bytes at rest"
rm "$small/filler"
act "volume-snapshots/$snapshot" delete
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20 2
check
assert_eq "$(on_host list --all --name | grep -c poolfs- || true)" 0 "machines that keep disks open"
act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$data/installPath")"
