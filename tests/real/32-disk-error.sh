#!/bin/bash
# A guest whose disk cannot be written or read is paused with the reason, not told; it continues when the disk is back.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

# A file system whose calls fail when they shall (tests/faults/shim.c), which the hosts see too.
small=$CASE_DIR/small
mkdir "$CASE_DIR/below" "$small"
"${BUILD:-$TOP/build}/tests/faults/faults-shim" "$CASE_DIR/below" "$small"

# disk_fails CALL: each write, or read, from now on; disk_works: none
disk_fails() {
	echo "$1 EIO 1 0 /pool/*" >"$small/.shim"
}
disk_works() {
	echo nothing >"$small/.shim"
}

. "$TOP/tests/real/full-storage.sh"
guest_on_small 67108864

step "the disk fails when the guest writes, and it is paused"
disk_fails write
write_all one
wait_until 120 is_paused io-error
assert_eq "$(on_host domblkerror "$vm" | grep -c 'vdb: unspecified error')" 1 "libvirt's word for it"
grep -q '"stateReason":{"to":"io-error"}' "$MOUNT/events" || fail "no event tells why"

step "as long as the disk fails, it is paused again by the next write"
act "vm-instances/$vm" resume
wait_until 120 is_paused io-error

step "it is shown after a restart of the daemon, too"
remount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
wait_until 20 is_paused io-error

step "when the disk is back it continues, without an error, and nothing is lost"
disk_works
act "vm-instances/$vm" resume
assert_eq "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" "Running "
wait_until 120 has_written
assert_eq "$(guest "$vm" 'grep -c rror /tmp/errors || true')" 0 "what dd has been told"
check_bytes one

step "the same for what the guest reads"
disk_fails read
guest_begin "$vm" "dd if=/dev/vdb of=/dev/null bs=1M count=12 iflag=direct 2>/tmp/errors && touch /tmp/read"
wait_until 120 is_paused io-error
disk_works
act "vm-instances/$vm" resume
wait_until 120 guest "$vm" 'test -e /tmp/read'
check_bytes one

act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$data/installPath")"
