#!/bin/bash
# A guest that is paused by a full storage is shown with the reason, and continues when there is room again.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

# A file system of its own, which the hosts see too.
small=$CASE_DIR/small
mkdir "$small"
truncate -s 160M "$CASE_DIR/small.ext4"
mkfs.ext4 -q -m 0 -E nodiscard,lazy_itable_init=0 "$CASE_DIR/small.ext4"
mount -o loop "$CASE_DIR/small.ext4" "$small"

. "$TOP/tests/real/full-storage.sh"
guest_on_small 67108864

step "the storage is full, the guest writes and is paused"
leave 4096
write_all one
wait_until 120 is_paused
assert_eq "$(on_host domblkerror "$vm" | grep -c 'no space')" 1 "libvirt's word for it"
grep -q '"stateReason":{"to":"enospc"}' "$MOUNT/events" || fail "no event tells why"

step "without room it is paused again, by the next write"
act "vm-instances/$vm" resume
wait_until 120 is_paused

step "it is shown after a restart of the daemon, too"
remount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
wait_until 20 is_paused

step "with room it continues, and nothing is lost"
rm "$small/filler"
act "vm-instances/$vm" resume
assert_eq "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" "Running "
wait_until 120 has_written
check_bytes one
qemu-img check -U -q "$(value "volumes/$data/installPath")"

act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$data/installPath")"
