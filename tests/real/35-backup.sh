#!/bin/bash
# The backup example saves what a running guest has written, and nothing that it writes later; the guest keeps
# running, and the restored system boots.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'","dataDiskOfferingUuids":["'"$disk"'"]}')
root=$(value "vm-instances/$vm/rootVolumeUuid")
data=$(jq -r --arg root "$root" '.allVolumes[].uuid | select(. != $root)' "$MOUNT/vm-instances/$vm/inventory")
wait_until 60 agent_ping "$vm"

# fill MIB TEXT: the guest fills the MiB at that offset of its data disk with TEXT
fill() {
	guest "$vm" "yes '$2' | head -c 1048576 >/tmp/p; dd if=/tmp/p of=/dev/vdb bs=1M seek=$1 conv=notrunc 2>/dev/null; sync"
}

# text TEXT: a MiB of it
text() {
	(yes "$1" || true) | head -c 1048576
}

# backup_mib MIB: a MiB of the backup of the data disk
backup_mib() {
	dd if="copy/1-$data.raw" bs=1M skip="$1" count=1 status=none
}

step "what the guest has written is in the backup"
fill 3 "written before"
fill 40 "further behind"
"$TOP/examples/backup-vm" "$MOUNT" web copy
fill 3 "written after"
backup_mib 3 | cmp - <(text "written before")
backup_mib 40 | cmp - <(text "further behind")
assert_eq "$(backup_mib 20 | tr -d '\0' | wc -c)" 0 "bytes where nothing was written"
assert_eq "$(stat -c %s "copy/1-$data.raw")" 67108864 "the size"
[ "$(stat -c %b "copy/1-$data.raw")" -lt 32768 ] || fail "the holes were copied as zeros"

step "during many changes: each backup is of one moment"
(
	for i in $(seq 20); do fill 3 "round $i"; done
) &
writer=$!
for _ in 1 2; do
	"$TOP/examples/backup-vm" "$MOUNT" "$vm" copy >/dev/null
	backup_mib 40 | cmp - <(text "further behind")
done
wait "$writer"

step "no snapshot is left, and the guest has kept running"
assert_eq "$(uuids volume-snapshots)" "" "snapshots that are left"
assert_eq "$(value "vm-instances/$vm/state")" Running
assert_eq "$(guest "$vm" "dd if=/dev/vdb bs=1M skip=3 count=1 2>/dev/null | md5sum" | cut -d ' ' -f 1)" \
	"$(text "round 20" | md5sum | cut -d ' ' -f 1)" "what the guest reads"
act "vm-instances/$vm" stop type=cold
for volume in "$root" "$data"; do
	qemu-img check -q "$(value "volumes/$volume/installPath")" || fail "qemu-img check complains about '$volume'"
done
cmp "$MOUNT/volumes/$data/data" <(qemu-img convert -O raw "$(value "volumes/$data/installPath")" now.raw && cat now.raw)

step "the restored system boots"
back=$(add_image "$CASE_DIR/copy/0-$root.raw" raw back)
again=$(create_vm again "$back" '{"instanceOfferingUuid":"'"$small"'"}')
wait_serial "$again" "TINY ready" 60
