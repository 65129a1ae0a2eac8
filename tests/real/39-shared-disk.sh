#!/bin/bash
# Two running guests have one shareable volume and see each other's bytes; limits of disks are QEMU's, live.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')
storage=$(first primary-storage)

# The guests find nothing to boot; QEMU itself reads and writes their disks.
truncate -s 1M "$CASE_DIR/nothing.raw"
image=$(add_image "$CASE_DIR/nothing.raw" raw nothing)
one=$(create_vm one "$image" '{"instanceOfferingUuid":"'"$small"'"}')
two=$(create_vm two "$image" '{"instanceOfferingUuid":"'"$small"'"}')

# in_guest VM COMMAND: lets the guest's QEMU run a qemu-io command on its shared disk
in_guest() {
	on_host qemu-monitor-command "$1" --hmp "qemu-io -d /machine/peripheral/ua-disk-1 \"$2\"" >/dev/null
}

# complaints VM: how often a read did not match; QEMU logs that
complaints() {
	grep -c "Pattern verification failed" "$HOSTS/h1/log/qemu/$1.log" || true
}

# reads VM BYTE: does the guest read this byte in the shared disk?
reads() {
	local before
	before=$(complaints "$1")
	in_guest "$1" "read -P $2 1M 64k"
	[ "$(complaints "$1")" = "$before" ]
}

step "a shareable volume in two running guests"
shared=$(create volumes '{"params":{"name":"shared","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"},
	"systemTags":["ephemeral::shareable","capability::virtio-scsi"]}')
assert_eq "$(value "volumes/$shared/isShareable") $(value "volumes/$shared/vmInstanceUuid")" "true "
for vm in $one $two; do
	act "volumes/$shared" attach vmInstanceUuid="$vm"
	assert_eq "$(on_host dumpxml "$vm" | grep -c '<shareable/>')" 1 "the disk of '$vm'"
done
in_guest "$one" 'write -q -P 7 1M 64k'
reads "$two" 7 || fail "two does not read what one wrote"
in_guest "$two" 'write -q -P 8 1M 64k'
reads "$one" 8 || fail "one does not read what two wrote"
! reads "$one" 7 || fail "one reads whatever it is asked for"

step "it is detached from one of them; the other keeps it"
act "vm-instances/$one" stop type=cold
assert_refused "volumes/$shared/actions" detach EINVAL "vm uuid is needed"
act "volumes/$shared" detach vmUuid="$one"
reads "$two" 8 || fail "two lost what it wrote"
act "vm-instances/$one" start
assert_eq "$(on_host domblklist "$one" | grep -c "$shared" || true)" 0
assert_refused "volumes/$shared/actions" "create-snapshot name=x" ENOTSUP "shareable"

# limit_of VM TARGET: the limit that QEMU has, bytes a second
limit_of() {
	on_host blkdeviotune "$1" "$2" --live | awk '$1 == "total_bytes_sec:" || $1 == "total_bytes_sec" {print $NF}'
}

step "limits: set, shown, changed, kept over a restart of the guest, deleted"
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
act "volumes/$data" attach vmInstanceUuid="$one"
target=$(on_host domblklist "$one" | awk -v file="$(value "volumes/$data/installPath")" '$2 == file {print $1}')
assert_eq "$(limit_of "$one" "$target")" 0
act "volumes/$data" set-qos volumeBandwidth=2M
assert_eq "$(limit_of "$one" "$target")" 2097152
act "volumes/$data" set-qos volumeBandwidth=1M
assert_eq "$(limit_of "$one" "$target")" 1048576
assert_eq "$(jq -r .volumeBandwidth "$MOUNT/volumes/$data/qos")" 1048576
act "vm-instances/$one" stop type=cold
act "vm-instances/$one" start
assert_eq "$(limit_of "$one" "$target")" 1048576
act "volumes/$data" delete-qos
assert_eq "$(limit_of "$one" "$target")" 0

step "resize of root and data, live and stopped"
root=$(value "vm-instances/$one/rootVolumeUuid")
act "volumes/$data" resize-data size=16M
assert_eq "$(on_host domblkinfo "$one" "$target" | awk '$1 == "Capacity:" {print $2}')" 16777216
act "volumes/$root" resize-root size=8M
assert_eq "$(on_host domblkinfo "$one" vda | awk '$1 == "Capacity:" {print $2}')" 8388608
act "vm-instances/$one" stop type=cold
act "volumes/$root" resize-root size=16M
act "volumes/$data" resize-data size=32M
act "vm-instances/$one" start
assert_eq "$(on_host domblkinfo "$one" vda | awk '$1 == "Capacity:" {print $2}')" 16777216
assert_eq "$(on_host domblkinfo "$one" "$target" | awk '$1 == "Capacity:" {print $2}')" 33554432
act "vm-instances/$one" stop type=cold
for volume in $root $data; do
	qemu-img check -q "$(value "volumes/$volume/installPath")"
done
