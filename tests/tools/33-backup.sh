#!/bin/bash
# The backup example copies each disk of a VM as of one moment, leaves no snapshot, and its copies can be restored.
. "$(dirname "$0")/lib.sh"

# backup [ARG...]
backup() {
	"$TOP/examples/backup-vm" "$MOUNT" "$@"
}

mount_pool
truncate -s 8M root.raw
dd if=/dev/urandom of=root.raw bs=1M count=2 conv=notrunc status=none
printf 'the system' | dd of=root.raw bs=1M seek=3 conv=notrunc status=none
image=$(add_image "$CASE_DIR/root.raw" raw system)
offering=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
vm=$(create_vm web "$image" "{\"dataDiskOfferingUuids\":[\"$offering\"],\"strategy\":\"CreateStopped\"}")
root=$(value "vm-instances/$vm/rootVolumeUuid")
data=$(jq -r --arg root "$root" '.allVolumes[].uuid | select(. != $root)' "$MOUNT/vm-instances/$vm/inventory")
act "vm-instances/$vm" start
act "vm-instances/$vm" stop type=cold

step "a stopped VM"
cp "$MOUNT/volumes/$root/data" want-root
cp "$MOUNT/volumes/$data/data" want-data
assert_eq "$(backup web copy)" "$CASE_DIR/copy/0-$root.raw
$CASE_DIR/copy/1-$data.raw" "what the backup says"
cmp "copy/0-$root.raw" want-root
cmp "copy/1-$data.raw" want-data
assert_eq "$(dd if="copy/0-$root.raw" bs=1 skip=3145728 count=10 status=none)" "the system" "the image's bytes"
[ "$(stat -c %b "copy/1-$data.raw")" -lt 4096 ] || fail "the holes were copied as zeros"
assert_eq "$(jq -r .uuid copy/inventory)" "$vm" "the VM in the inventory"
assert_eq "$(uuids volume-snapshots)" "" "snapshots that are left"

step "a running VM, by its uuid, over the older backup"
act "vm-instances/$vm" start
inode=$(stat -c %i "copy/0-$root.raw")
backup "$vm" copy >/dev/null
cmp "copy/0-$root.raw" want-root
cmp "copy/1-$data.raw" want-data
[ "$(stat -c %i "copy/0-$root.raw")" != "$inode" ] || fail "the older backup was overwritten in place"
assert_eq "$(uuids volume-snapshots)" "" "snapshots that are left"
assert_eq "$(value "vm-instances/$vm/state")" Running

step "restored: disks, NIC with MAC and address, tags, size"
setfattr -n user.role -v web "$MOUNT/vm-instances/$vm"
act "vm-instances/$vm" stop type=cold
echo 2 >"$MOUNT/vm-instances/$vm/cpuNum"
sync "$MOUNT/vm-instances/$vm/cpuNum"
backup web copy >/dev/null
cp "$MOUNT/vm-instances/$vm/spec" want-spec
# A spec that says little is all that the file shows then: the backup must have more.
echo '{"cpuNum": 2}' >"$MOUNT/vm-instances/$vm/spec"
backup web copy >/dev/null
assert_fails "restore-vm: " "$TOP/examples/restore-vm" "$MOUNT" copy other # its address is not free
assert_eq "$(uuids vm-instances) $(uuids images | wc -l)" "$vm 1" "what is there after that"

step "it says what it could not remove again"
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/dd
chmod 755 bin/dd
assert_fails "is still there: " env PATH="$CASE_DIR/bin:$PATH" "$TOP/examples/restore-vm" "$MOUNT" copy other
left=$(jq -r '.inventories[].uuid' "$MOUNT/images?q=name~=restore of other%25")
act "images/$left" delete
act "images/$left" expunge

step "the old one has gone"
act "vm-instances/$vm" destroy
act "vm-instances/$vm" expunge
restored=$("$TOP/examples/restore-vm" "$MOUNT" copy)
[ "$restored" != "$vm" ] || fail "no new VM was created"
diff <(jq -S 'del(.volumes)' want-spec) <(jq -S 'del(.volumes, .description)' "$MOUNT/vm-instances/$restored/spec")
cmp "$MOUNT/volumes/$(value "vm-instances/$restored/rootVolumeUuid")/data" want-root
cmp "$MOUNT/volumes/$(jq -r '.volumes[0]' "$MOUNT/vm-instances/$restored/spec")/data" want-data
assert_eq "$(find "$MOUNT/images/by-name" -name 'restore*')" "" "images that are left"
vm=$restored root=$(value "vm-instances/$restored/rootVolumeUuid")
backup web copy >/dev/null
assert_eq "$(find copy -name '*.raw' | wc -l)" 2 "disks in the folder of the backup"
act "vm-instances/$vm" start

step "a VM without an instance offering"
sized=$(create vm-instances '{"name":"sized","imageUuid":"'"$image"'","cpuNum":2,"memorySize":"96M","l3NetworkUuids":["@network1"],"strategy":"CreateStopped"}')
backup sized other >/dev/null
act "vm-instances/$sized" destroy
act "vm-instances/$sized" expunge
sized=$("$TOP/examples/restore-vm" "$MOUNT" other again)
assert_eq "$(value "vm-instances/$sized/cpuNum") $(value "vm-instances/$sized/memorySize")" "2 $((96 << 20))"

step "a failed backup leaves the older one, and no snapshot"
mkdir -p small
mount -t tmpfs -o size=1M tmpfs small
echo older >"small/0-$root.raw"
assert_fails "No space left" backup web small
assert_eq "$(cat small/*.raw)" older "the older backup"
assert_eq "$(ls small/*.part 2>/dev/null || true)" "" "what is left of the new one"
assert_eq "$(uuids volume-snapshots)" "" "snapshots that are left"
umount small
assert_fails "there is no VM 'nobody'" backup nobody copy
