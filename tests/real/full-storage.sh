# shellcheck shell=bash
#
# What the cases of a storage that is full or fails share: a guest whose data disk is on a file
# system of its own, already mounted at $small. Sourced after tests/tree/lib.sh.

: "${small:?is where the file system is mounted}"

# guest_on_small BYTES: mounts a pool; sets $vm, a running guest, and $data, its disk of that size on $small
guest_on_small() {
	local media storage tiny disk
	media=$(tiny_guest)
	host_up h1
	mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	echo 0 >"$MOUNT/global-configurations/primaryStorage/reservedCapacity/value"
	storage=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$small/pool" \
		'{params: {name: "small", zoneUuid: $zone, url: $url}}')")
	act "primary-storage/$storage" attach-to-cluster "clusterUuid=$(first clusters)"
	tiny=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
	disk=$(create disk-offerings '{"params":{"name":"disk","diskSize":'"$1"'}}')
	vm=$(create_vm web "$(add_image "$media/tiny.qcow2" qcow2 tiny)" '{"instanceOfferingUuid":"'"$tiny"'"}')
	data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
	wait_until 240 agent_ping "$vm"
	act "volumes/$data" attach vmInstanceUuid="$vm"
	wait_serial "$vm" "HOTPLUG blk add vdb" 20
	assert_eq "$(value "vm-instances/$vm/stateReason")" "" "the reason of a guest that runs"
}

# leave KIB: fills the file system up to so much free space
leave() {
	rm -f "$small/filler"
	fallocate -l "$(($(stat -f -c '%a * %S' "$small") - $1 * 1024))" "$small/filler"
}

# is_paused [REASON]: is the guest paused for this reason, by default because the storage is full?
is_paused() {
	[ "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" = "Paused ${1:-enospc}" ]
}

# write_all TEXT: the guest begins to write 12 MiB, and may be paused by that
write_all() {
	guest "$vm" "rm -f /tmp/written"
	guest_begin "$vm" "yes '$1' | head -c 12582912 | dd of=/dev/vdb bs=1M iflag=fullblock oflag=direct 2>/tmp/errors && sync && touch /tmp/written"
}

# has_written: has the guest written everything without an error?
has_written() {
	guest "$vm" 'test -e /tmp/written'
}

# check_bytes TEXT: the guest reads what it wrote
check_bytes() {
	local want
	want=$( (yes "$1" || true) | head -c 12582912 | md5sum | cut -d' ' -f1)
	assert_eq "$(guest "$vm" 'dd if=/dev/vdb bs=1M count=12 iflag=direct 2>/dev/null | md5sum' | cut -d' ' -f1)" "$want" "what the guest reads"
}
