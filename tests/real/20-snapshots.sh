#!/bin/bash
# A guest's bytes over attach, snapshot, branch, merge, resize and revert, on real QEMU.
# limit: 900
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
disk=$(create disk-offerings '{"params":{"name":"64M","diskSize":67108864}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'"}')
pool=$(value "primary-storage/$(first primary-storage)/mountPath")
wait_until 60 agent_ping "$vm"

# boot: starts the VM and waits for its guest
boot() {
	act "vm-instances/$vm" start
	wait_until 60 agent_ping "$vm"
}

snapshot() {
	local job
	job=$(submit "volumes/$1/actions" "create-snapshot name=$2")
	job_wait "$job"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

# check_all: qemu-img finds no error in any file, and each belongs to an object
check_all() {
	local file
	for file in "$pool"/*; do
		[[ $file == */image-* || $file == */nocloud-* ]] && continue
		qemu-img check -U -q "$file" || fail "qemu-img check complains about '$file'"
		grep -qsxF "$file" "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath ||
			fail "'$file' is nobody's"
	done
}

step "a data volume appears in the running guest"
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'"}}')
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb serial=${data:0:20} size=131072" 20
fill "$vm" /dev/vdb 0 one

step "snapshots while the guest runs and while it is paused"
a=$(snapshot "$data" a)
fill "$vm" /dev/vdb 0 two
fill "$vm" /dev/vdb 5 five
act "vm-instances/$vm" pause
b=$(snapshot "$data" b)
act "vm-instances/$vm" resume
fill "$vm" /dev/vdb 0 three
assert_eq "$(sum "$vm" /dev/vdb 0) $(sum "$vm" /dev/vdb 5)" "$(text three) $(text five)"
check_all

step "a volume created from a snapshot has its data"
job=$(submit "volume-snapshots/$b/actions" "create-data-volume name=copy")
job_wait "$job"
copy=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
act "volumes/$copy" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdc" 20
assert_eq "$(sum "$vm" /dev/vdc 0) $(sum "$vm" /dev/vdc 5)" "$(text two) $(text five)"
act "volumes/$copy" detach
wait_serial "$vm" "HOTPLUG blk remove vdc" 20

step "merging below the running guest"
act "volume-snapshots/$b" delete
assert_eq "$(sum "$vm" /dev/vdb 0) $(sum "$vm" /dev/vdb 5)" "$(text three) $(text five)"
check_all

step "it grows while the guest uses it"
act "volumes/$data" resize-data size=96M
assert_eq "$(guest "$vm" cat /sys/block/vdb/size)" 196608
fill "$vm" /dev/vdb 80 eighty
assert_eq "$(sum "$vm" /dev/vdb 0) $(sum "$vm" /dev/vdb 80)" "$(text three) $(text eighty)"

step "back to the first snapshot, detached"
act "volumes/$data" detach
act "volume-snapshots/$a" revert-volume
assert_eq "$(value "volumes/$data/size")" 67108864
act "volumes/$data" attach vmInstanceUuid="$vm"
wait_serial "$vm" "HOTPLUG blk add vdb" 20 2
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text one)"
c=$(snapshot "$data" c)
fill "$vm" /dev/vdb 0 four
assert_eq "$(value "volume-snapshots/$c/parentUuid")" "$a"
check_all

step "the root volume: its guest boots on each of its states"
root=$(value "vm-instances/$vm/rootVolumeUuid")
guest "$vm" 'echo before >/root/file; sync'
r=$(snapshot "$root" r)
guest "$vm" 'echo after >/root/file; sync'
act "vm-instances/$vm" stop type=cold
act "volume-snapshots/$r" revert-volume
boot
assert_eq "$(guest "$vm" cat /root/file)" before
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text four)"

step "merging with the VM stopped"
guest "$vm" 'echo third >/root/file; sync'
act "vm-instances/$vm" stop type=cold
act "volume-snapshots/$r" delete
act "volume-snapshots/$a" delete
assert_eq "$(uuids volume-snapshots)" ""
assert_eq "$(qemu-img info --output json "$(value "volumes/$data/installPath")" | jq -r '."backing-filename" // ""')" ""
check_all
boot
assert_eq "$(guest "$vm" cat /root/file)" third
assert_eq "$(sum "$vm" /dev/vdb 0)" "$(text four)"

step "the bandwidth limit takes effect"
act "volumes/$data" set-qos volumeBandwidth=1M
# shellcheck disable=SC2016 # the guest's variables
took=$(guest "$vm" 's=$(cut -d. -f1 /proc/uptime); dd if=/dev/vdb of=/dev/null bs=1M count=5 iflag=direct 2>/dev/null; e=$(cut -d. -f1 /proc/uptime); echo $((e - s))')
[ "$took" -ge 3 ] || fail "5 MiB at 1 MiB/s took $took s"
act "volumes/$data" delete-qos

step "a volume that the guest cannot release stays, and is detached later"
act "vm-instances/$vm" pause
job=$(submit "volumes/$data/actions" detach)
assert_fails "did not release" job_wait "$job"
assert_eq "$(value "volumes/$data/vmInstanceUuid")" "$vm"
act "vm-instances/$vm" resume
act "volumes/$data" detach
assert_eq "$(on_host domblklist "$vm" | grep -c vdb || true)" 0

step "nothing is left when all is gone"
act "vm-instances/$vm" destroy
act "vm-instances/$vm" expunge
for volume in $data $copy; do
	act "volumes/$volume" delete
	act "volumes/$volume" expunge
done
check_all
