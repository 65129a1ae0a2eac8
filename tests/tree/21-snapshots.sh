#!/bin/bash
# Snapshot trees on the test driver: branches, reverts, deletes with descendants, chain limit, sizes, files.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
storage=$(first primary-storage)
pool=$(value "primary-storage/$storage/mountPath")

# snapshot VOLUME NAME: takes one and prints its uuid
snapshot() {
	local job
	job=$(submit "volumes/$1/actions" "create-snapshot name=$2")
	job_wait "$job" || fail "cannot take snapshot '$2'"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

# field SNAPSHOT FIELD
field() {
	value "volume-snapshots/$1/$2"
}

# backing FILE: its backing file
backing() {
	qemu-img info --output json "$1" | jq -r '."backing-filename" // ""'
}

# head VOLUME: its current file
head_of() {
	value "volumes/$1/installPath"
}

# assert_no_orphans: every file in the pool's folder belongs to an object
assert_no_orphans() {
	local file
	for file in "$pool"/*; do
		grep -qsxF "$file" "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath && continue
		[[ $file == */image-* ]] || fail "'$file' is nobody's"
	done
}

vm=$(create_vm web "$image")
root=$(value "vm-instances/$vm/rootVolumeUuid")
base=$(backing "$(head_of "$root")")

step "the volume gets a new file on top of the old one"
first_head=$(head_of "$root")
a=$(snapshot "$root" a)
assert_eq "$(field "$a" status) $(field "$a" latest) $(field "$a" volumeType) $(field "$a" parentUuid)" "Ready true Root "
assert_eq "$(field "$a" primaryStorageInstallPath)" "$first_head"
assert_eq "$(backing "$(head_of "$root")")" "$first_head"
b=$(snapshot "$root" b)
c=$(snapshot "$root" c)
assert_eq "$(field "$b" parentUuid) $(field "$c" parentUuid)" "$a $b"
assert_eq "$(field "$a" latest) $(field "$b" latest) $(field "$c" latest)" "false false true"
assert_eq "$(field "$a" treeUuid)" "$(field "$c" treeUuid)"

step "the simulated guest uses the new file too"
act "vm-instances/$vm" pause
snapshot "$root" paused >/dev/null
assert_refused "volume-snapshots/$a/actions" delete EBUSY "cannot do volume snapshot merge when vm\[uuid:$vm\] is in state of Paused"
act "vm-instances/$vm" resume

step "names can be changed; the tree is shown nested"
echo better >"$MOUNT/volume-snapshots/$a/name"
assert_eq "$(field "$a" name)" better
tree=$(field "$a" treeUuid)
assert_eq "$(jq -r '.tree.inventory.name + " " + .tree.children[0].inventory.name + " " + .tree.children[0].children[0].parentUuid' \
	"$MOUNT/volume-snapshots/trees/$tree/inventory")" "better b $b"

step "revert needs a stopped VM, keeps the later snapshots, and begins a branch"
assert_refused "volume-snapshots/$a/actions" revert-volume EBUSY "is not in Stopped state, current state is Running"
act "vm-instances/$vm" stop
old=$(head_of "$root")
act "volume-snapshots/$a" revert-volume
[ ! -e "$old" ] || fail "the old head is still there"
assert_eq "$(backing "$(head_of "$root")")" "$(field "$a" primaryStorageInstallPath)"
assert_eq "$(field "$a" latest) $(field "$c" latest)" "true false"
branch=$(snapshot "$root" branch)
assert_eq "$(field "$branch" parentUuid)" "$a"
act "vm-instances/$vm" start
assert_no_orphans

step "deleting a branch without the volume removes only its files"
gone=$(field "$c" primaryStorageInstallPath)
act "volume-snapshots/$b" delete
[ ! -e "$MOUNT/volume-snapshots/$c" ] || fail "a descendant is still there"
[ ! -e "$gone" ] || fail "its file is still there"
assert_eq "$(field "$branch" latest)" true
assert_no_orphans

step "deleting snapshots below the volume merges them into it"
act "volume-snapshots/$branch" delete
assert_eq "$(field "$a" latest)" true
assert_eq "$(backing "$(head_of "$root")")" "$(field "$a" primaryStorageInstallPath)"
act "volume-snapshots/$a" delete
assert_eq "$(backing "$(head_of "$root")")" "$base"
[ ! -e "$MOUNT/volume-snapshots/trees/$tree" ] || fail "the empty tree is still there"
assert_no_orphans

step "one alone: its descendants stay; the children of a root get trees of their own"
a=$(snapshot "$root" a)
x=$(snapshot "$root" x)
act "vm-instances/$vm" stop
act "volume-snapshots/$a" revert-volume
act "vm-instances/$vm" start
b=$(snapshot "$root" b)
c=$(snapshot "$root" c)
assert_refused "volume-snapshots/$b/actions" "delete scope=both" EINVAL "chain, single"
act "volume-snapshots/$b" delete scope=single
assert_eq "$(field "$c" parentUuid) $(field "$c" latest)" "$a true"
assert_eq "$(backing "$(field "$c" primaryStorageInstallPath)")" "$(field "$a" primaryStorageInstallPath)"
assert_eq "$(backing "$(head_of "$root")")" "$(field "$c" primaryStorageInstallPath)"
assert_no_orphans
act "volume-snapshots/$a" delete scope=single
[ "$(field "$x" treeUuid)" != "$(field "$c" treeUuid)" ] || fail "a tree has two roots"
assert_eq "$(field "$x" parentUuid)$(field "$c" parentUuid)" ""
assert_eq "$(value "volume-snapshots/trees/$(field "$c" treeUuid)/current") $(value "volume-snapshots/trees/$(field "$x" treeUuid)/current")" "true false"
assert_eq "$(backing "$(field "$x" primaryStorageInstallPath)") $(backing "$(field "$c" primaryStorageInstallPath)")" "$base $base"
act "volume-snapshots/$c" delete scope=single
assert_eq "$(backing "$(head_of "$root")")" "$base"
act "volume-snapshots/$x" delete
assert_eq "$(uuids volume-snapshots)$(uuids volume-snapshots/trees)" ""
assert_no_orphans

step "one alone, failing before its file is changed: Ready again, and intact"
# not_deleted SNAPSHOT: its deletion alone is accepted and fails
not_deleted() {
	local job
	job=$(submit "volume-snapshots/$1/actions" "delete scope=single")
	job_wait "$job" 2>/dev/null && fail "snapshot '$1' was deleted"
	assert_eq "$(value "api-jobs/$job/error" | jq -r .code)" SYS.1004
}
# states SNAPSHOT
states() {
	echo "$(field "$1" status) $(field "$1" state)"
}
a=$(snapshot "$root" a)
b=$(snapshot "$root" b)
a_file=$(field "$a" primaryStorageInstallPath)
b_file=$(field "$b" primaryStorageInstallPath)
mv "$b_file" "$CASE_DIR/away"
not_deleted "$a"
assert_eq "$(states "$a") $(states "$b")" "Ready Enabled Ready Enabled" "the states, guest running"
act "vm-instances/$vm" stop
not_deleted "$a"
assert_eq "$(states "$a")" "Ready Enabled" "the states, guest stopped"

step "the same when the daemon dies at that point and the next one cannot continue"
umount_pool
POOLFS_TEST_KILL_AT=single-marked mount_pool
(request "volume-snapshots/$a/actions" "delete scope=single") >/dev/null 2>&1 || true
wait_until 20 is_pool_gone
umount -l "$MOUNT"
mount_pool
wait_for "volume-snapshots/$a/status" Ready 20
assert_eq "$(states "$a") $(field "$b" parentUuid)" "Ready Enabled $a"
mv "$CASE_DIR/away" "$b_file"
act "volume-snapshots/$a" revert-volume
act "volume-snapshots/$b" revert-volume
act "vm-instances/$vm" start

step "one alone, failing in the middle of the guest's chain: Ready, but it can only be deleted"
exec {reader}<"$MOUNT/volume-snapshots/$a/data"
mount --bind "$a_file" "$a_file"
mount -o remount,bind,ro "$a_file"
not_deleted "$a"
assert_eq "$(states "$a") $(states "$b")" "Ready Disabled Ready Enabled"
assert_fails "Stale file handle" dd bs=4096 count=1 status=none of=/dev/null <&"$reader"
exec {reader}<&-
assert_fails "Device or resource busy" cat "$MOUNT/volume-snapshots/$a/data"
assert_match "$(value last-error)" "Disabled" last-error
assert_refused "volume-snapshots/$a/actions" "create-data-volume name=x" EBUSY "is not Enabled, it's Disabled"
assert_refused "volume-snapshots/$a/actions" "create-root-volume-template name=x backupStorageUuids=$(first backup-storage)" EBUSY \
	"is not Enabled, it's Disabled"
act "vm-instances/$vm" stop
assert_refused "volume-snapshots/$a/actions" revert-volume EBUSY "volume snapshot\[uuid:$a\] is in state Disabled, cannot revert volume to it"
act "vm-instances/$vm" start
not_deleted "$a"
assert_eq "$(states "$a")" "Ready Disabled" "the states after another failure"
remount_pool
assert_eq "$(states "$a")" "Ready Disabled" "the states after a restart"
umount "$a_file"
act "volume-snapshots/$a" delete scope=single
[ ! -e "$MOUNT/volume-snapshots/$a" ] || fail "it is still there"
assert_eq "$(field "$b" parentUuid) $(field "$b" latest) $(states "$b")" " true Ready Enabled"
assert_eq "$(backing "$(head_of "$root")")" "$(field "$b" primaryStorageInstallPath)"
assert_no_orphans
act "volume-snapshots/$b" delete
assert_eq "$(backing "$(head_of "$root")")" "$base"
assert_no_orphans

step "a full chain begins another tree"
create system-tags '{"params":{"resourceType":"VolumeVO","resourceUuid":"'"$root"'","tag":"volumeMaxIncrementalSnapshotNum::2"}}' >/dev/null
one=$(snapshot "$root" one)
two=$(snapshot "$root" two)
three=$(snapshot "$root" three)
[ "$(field "$one" treeUuid)" = "$(field "$two" treeUuid)" ] || fail "one and two are not in one tree"
[ "$(field "$two" treeUuid)" != "$(field "$three" treeUuid)" ] || fail "three is in the old tree"
assert_eq "$(field "$three" parentUuid)" ""
assert_eq "$(backing "$(field "$three" primaryStorageInstallPath)")" "$base"
assert_eq "$(value "volume-snapshots/trees/$(field "$one" treeUuid)/current")" false
act "vm-instances/$vm" stop
act "volume-snapshots/$two" revert-volume
assert_eq "$(value "volume-snapshots/trees/$(field "$one" treeUuid)/current")" true

step "resize takes a snapshot first, and revert brings the old size back"
size=$(value "volumes/$root/size")
assert_refused "volumes/$root/actions" "resize-root size=1024" EINVAL "Cannot shrink \[Root\] volume\[uuid:$root\]'s size"
assert_refused "volumes/$root/actions" "resize-root size=$((size + 4096))" EINVAL "Minimum increase size should be larger than 4MB"
assert_refused "volumes/$root/actions" "resize-data size=$((size + 8388608))" EINVAL "volume\[uuid:$root\] is not data volume"
act "volumes/$root" resize-root size=$((size + 8388608))
assert_eq "$(value "volumes/$root/size")" $((size + 8388608))
assert_eq "$(qemu-img info --output json "$(head_of "$root")" | jq '."virtual-size"')" $((size + 8388608))
act "volume-snapshots/$two" revert-volume
assert_eq "$(value "volumes/$root/size")" "$size"
act "vm-instances/$vm" start
act "volumes/$root" resize-root size=16M
assert_eq "$(value "volumes/$root/size")" 16777216

step "a data volume without a VM; another volume is created from its snapshot"
offering=$(first disk-offerings)
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$offering"'","primaryStorageUuid":"'"$storage"'"}}')
s=$(snapshot "$data" s)
job=$(submit "volume-snapshots/$s/actions" "create-data-volume name=copy")
job_wait "$job"
copy=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
assert_eq "$(value "volumes/$copy/status") $(value "volumes/$copy/size")" "Ready $(value "volumes/$data/size")"
assert_eq "$(backing "$(head_of "$copy")")" ""
act "volumes/$data" delete
assert_refused "volume-snapshots/$s/actions" revert-volume EBUSY "original volume for snapshot\[uuid:$s\] has been deleted"
act "volumes/$data" expunge
[ ! -e "$MOUNT/volume-snapshots/$s" ] || fail "the snapshot of an expunged volume is still there"
assert_no_orphans

step "removing the VM removes all its snapshots"
act "vm-instances/$vm" destroy
act "vm-instances/$vm" expunge
assert_eq "$(uuids volume-snapshots)" ""
assert_eq "$(uuids volume-snapshots/trees)" ""
act "volumes/$copy" delete
act "volumes/$copy" expunge
assert_no_orphans
total=$(value "primary-storage/$storage/totalCapacity")
cached=$(du -B1 "$pool"/image-* | awk '{n += $1} END {print n}')
assert_eq "$(value "primary-storage/$storage/availableCapacity")" $((total - cached)) "the capacity left"
