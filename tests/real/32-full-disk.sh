#!/bin/bash
# A guest that a full storage pauses is seen, with the reason, and goes on where it was when there is room again.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

# A file system of its own, which the hosts see too.
small=$CASE_DIR/small
mkdir "$small"
truncate -s 160M "$CASE_DIR/small.ext4"
mkfs.ext4 -q -m 0 -E nodiscard,lazy_itable_init=0 "$CASE_DIR/small.ext4"
mount -o loop "$CASE_DIR/small.ext4" "$small"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
echo 0 >"$MOUNT/global-configurations/primaryStorage/reservedCapacity/value"
storage=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$small/pool" \
	'{params: {name: "small", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$storage" attach-to-cluster "clusterUuid=$(first clusters)"
tiny=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
vm=$(create_vm web "$(add_image "$media/tiny.qcow2" qcow2 tiny)" '{"instanceOfferingUuid":"'"$tiny"'"}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
wait_until 240 agent_ping "$vm"
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20
assert_eq "$(value "vm-instances/$vm/stateReason")" "" "the reason of a guest that runs"

# is_paused: is the guest paused by the full storage?
is_paused() {
	[ "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" = "Paused enospc" ]
}

# write_all: the guest begins to write 12 MiB; goes on without us
write_all() {
	guest "$vm" "rm -f /tmp/written; (yes '$1' | head -c 12582912 | dd of=/dev/vdb bs=1M iflag=fullblock oflag=direct 2>/tmp/errors && sync && touch /tmp/written) >/dev/null 2>&1 &"
}

# has_written: has the guest written all, without an error?
has_written() {
	guest "$vm" 'test -e /tmp/written'
}

# check TEXT: the guest and the file have the bytes
check() {
	local want
	want=$( (yes "$1" || true) | head -c 12582912 | md5sum | cut -d' ' -f1)
	assert_eq "$(guest "$vm" 'dd if=/dev/vdb bs=1M count=12 iflag=direct 2>/dev/null | md5sum' | cut -d' ' -f1)" "$want" "what the guest reads"
	qemu-img check -U -q "$(value "volumes/$data/installPath")"
}

step "somebody else fills the storage, the guest writes and is paused"
fallocate -l "$(($(stat -f -c '%a * %S' "$small") - 4194304))" "$small/filler"
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

step "room is made, it goes on, nothing is lost"
rm "$small/filler"
act "vm-instances/$vm" resume
assert_eq "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" "Running "
wait_until 120 has_written
check one

step "a storage that grows makes room as well"
act "volumes/$data" create-snapshot name=before
fallocate -l "$(($(stat -f -c '%a * %S' "$small") - 4194304))" "$small/filler"
write_all two
wait_until 120 is_paused
truncate -s 256M "$CASE_DIR/small.ext4"
loop=$(findmnt -no SOURCE "$small")
losetup -c "$loop"
resize2fs "$loop" >/dev/null 2>&1
act "vm-instances/$vm" resume
wait_until 120 has_written
check two

step "a merge that finds no room fails and loses nothing; it succeeds later"
fallocate -l "$(($(stat -f -c '%a * %S' "$small") - 4194304))" "$small/filler2"
snapshot=$(first volume-snapshots)
guest "$vm" 'dd if=/dev/zero of=/dev/null count=1 2>/dev/null'
job=$(submit "volume-snapshots/$snapshot/actions" delete)
(job_wait "$job" 120) 2>/dev/null || true
check two
rm "$small"/filler*
[ ! -e "$MOUNT/volume-snapshots/$snapshot" ] || act "volume-snapshots/$snapshot" delete
check two
assert_eq "$(uuids volume-snapshots)" ""
act "vm-instances/$vm" stop type=cold
qemu-img check -q "$(value "volumes/$data/installPath")"
