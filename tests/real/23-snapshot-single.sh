#!/bin/bash
# One snapshot deleted alone: with the VM stopped and running, with branches, over kills of the daemon and of QEMU.
# limit: 900
# long: 1200
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')
storage=$(first primary-storage)
pool=$(value "primary-storage/$storage/mountPath")

# The guest finds nothing to boot; QEMU itself writes to its disk.
truncate -s 1M "$CASE_DIR/nothing.raw"
vm=$(create_vm web "$(add_image "$CASE_DIR/nothing.raw" raw nothing)" '{"instanceOfferingUuid":"'"$small"'"}')
data=$(create volumes '{"params":{"name":"data","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')

head_of() {
	value "volumes/$data/installPath"
}

# fill BYTE OFFSET: fills 64 KiB there, in the file or in the running guest
fill() {
	if [ -n "$(value "volumes/$data/vmInstanceUuid")" ] && [ "$(value "vm-instances/$vm/state")" = Running ]; then
		local command
		for command in "write -q -P $1 $2 64k" flush; do
			assert_eq "$(on_host qemu-monitor-command "$vm" --hmp \
				"qemu-io -d /machine/peripheral/ua-disk-1/virtio-backend \"$command\"" | tr -d '\r\n')" ""
		done
	else
		qemu-io -f qcow2 -c "write -q -P $1 $2 64k" "$(head_of)"
	fi
}

# holds FILE BYTE OFFSET [BYTE OFFSET...]: does the file, with its backing files, have these bytes?
holds() {
	local file=$1 commands=() output
	shift
	while [ $# -gt 0 ]; do
		commands+=(-c "read -q -P $1 $2 64k")
		shift 2
	done
	output=$(qemu-io -U -r -f qcow2 "${commands[@]}" "$file" 2>&1) && [ -z "$output" ]
}

snapshot() {
	local job
	job=$(submit "volumes/$data/actions" "create-snapshot name=$1")
	job_wait "$job"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

field() {
	value "volume-snapshots/$1/$2"
}

path_of() {
	field "$1" primaryStorageInstallPath
}

# check: each file in the folder is intact and belongs to an object
check() {
	local file
	for file in "$pool"/*; do
		[[ $file == */image-* ]] && continue
		grep -qsxF "$file" "$MOUNT"/volumes/*/installPath "$MOUNT"/volume-snapshots/*/primaryStorageInstallPath || return 1
		qemu-img check -U -q "$file" || return 1
	done
}

# build: three snapshots a, b, c in a row, a branch x on a and one y on b, and the head on c; each has its own bytes
# at its own offset, and overwrites offset 0.
build() {
	fill 1 0
	fill 1 64k
	a=$(snapshot a)
	fill 9 0
	fill 9 128k
	x=$(snapshot x)
	act "volume-snapshots/$a" revert-volume
	fill 2 0
	fill 2 192k
	b=$(snapshot b)
	fill 8 0
	fill 8 256k
	y=$(snapshot y)
	act "volume-snapshots/$b" revert-volume
	fill 3 0
	fill 3 320k
	c=$(snapshot c)
	fill 4 0
	fill 4 384k
}

# all_hold: every remaining snapshot, except $a, reads as when it was taken
all_hold() {
	holds "$(path_of "$x")" 9 0 1 64k 9 128k 0 192k || fail "x lost its bytes $1"
	holds "$(path_of "$b")" 2 0 1 64k 0 128k 2 192k || fail "b lost its bytes $1"
	holds "$(path_of "$y")" 8 0 1 64k 2 192k 8 256k || fail "y lost its bytes $1"
	holds "$(path_of "$c")" 3 0 1 64k 2 192k 0 256k 3 320k || fail "c lost its bytes $1"
	holds "$(head_of)" 4 0 1 64k 2 192k 3 320k 4 384k || fail "the volume lost its bytes $1"
}

# clear: removes all snapshots and fills the volume with zeros
clear_all() {
	local uuid
	for uuid in $(uuids volume-snapshots); do
		[ ! -e "$MOUNT/volume-snapshots/$uuid" ] || act "volume-snapshots/$uuid" delete
	done
	qemu-io -f qcow2 -c "write -q -z 0 8M" "$(head_of)"
}

attach() {
	act "volumes/$data" attach vmInstanceUuid="$vm"
}

# this guest, which never booted, does not release a disk
let_go() {
	act "vm-instances/$vm" stop type=cold
	act "volumes/$data" detach
	act "vm-instances/$vm" start
}

for guest in none running; do
	step "the oldest one goes, guest: $guest"
	build
	[ $guest = none ] || attach
	act "volume-snapshots/$a" delete scope=single
	[ ! -e "$MOUNT/volume-snapshots/$a" ] || fail "it is still there"
	all_hold "after its deletion"
	assert_eq "$(field "$b" parentUuid)$(field "$x" parentUuid) $(field "$c" parentUuid)" " $b" "the parents"
	[ "$(field "$b" treeUuid)" != "$(field "$x" treeUuid)" ] || fail "a tree has two roots"
	assert_eq "$(value "volume-snapshots/trees/$(field "$b" treeUuid)/current") $(field "$y" treeUuid)" "true $(field "$b" treeUuid)"
	wait_until 10 check

	step "one in the middle, and the one below the head"
	act "volume-snapshots/$b" delete scope=single
	b=$c
	holds "$(path_of "$y")" 8 0 1 64k 2 192k 8 256k || fail "y lost its bytes"
	holds "$(path_of "$c")" 3 0 1 64k 2 192k 0 256k 3 320k || fail "c lost its bytes"
	holds "$(head_of)" 4 0 1 64k 2 192k 3 320k 4 384k || fail "the volume lost its bytes"
	act "volume-snapshots/$c" delete scope=single
	holds "$(head_of)" 4 0 1 64k 2 192k 3 320k 4 384k || fail "the volume lost its bytes"
	wait_until 10 check
	[ $guest = none ] || let_go
	clear_all
done

step "a merge waits for what a killed daemon has left at work on the same file"
fill 1 0
waits=$(snapshot waits)
fill 2 65536
left=poolfs-merge-$(basename "$(head_of)")
cat >left.xml <<EOF
<domain type='qemu'><name>$left</name><memory unit='MiB'>16</memory><vcpu>1</vcpu>
<os><type arch='x86_64' machine='pc'>hvm</type></os>
<devices><controller type='usb' model='none'/><memballoon model='none'/>
<disk type='file' device='disk'><driver name='qemu' type='qcow2'/><source file='$(head_of)'/><target dev='vda' bus='virtio'/></disk>
</devices></domain>
EOF
on_host create --paused left.xml
job=$(submit "volume-snapshots/$waits/actions" delete)
wait_for "api-jobs/$job/state" Processing 10
sleep 1
assert_eq "$(value "api-jobs/$job/state") $(value "api-jobs/$job/error")" "Processing "
on_host destroy "$left"
job_wait "$job" 30
holds "$(head_of)" 1 0 2 65536 || fail "bytes are lost"

step "what was merged is on the disk: QEMU dies right after"
for scope in single chain; do
	build
	attach
	act "volume-snapshots/$b" delete scope=$scope
	pkill -KILL -f "guest=$vm," # in this case's own pid namespace
	wait_for "vm-instances/$vm/state" Stopped 20
	assert_eq "$(value "vm-instances/$vm/stateReason")" crashed
	holds "$(head_of)" 4 0 1 64k 2 192k 3 320k 4 384k || fail "the volume lost its bytes ($scope)"
	act "volumes/$data" detach
	act "vm-instances/$vm" start
	clear_all
done

# kill_at POINT SNAPSHOT: submits its deletion to a daemon that dies there; the next one continues it
kill_at() {
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	(request "volume-snapshots/$2/actions" "delete scope=single") >/dev/null 2>&1 || true
	(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point '$1' was not reached"
	umount -l "$MOUNT"
	mount_pool
	(wait_until 60 test ! -e "$MOUNT/volume-snapshots/$2") 2>/dev/null || fail "the deletion killed at '$1' was not finished"
	wait_for "hosts/$(first hosts)/status" Connected 20
	all_hold "when the daemon died at '$1'"
	(wait_until 10 check) 2>/dev/null || fail "a file of nobody, or a broken one, after '$1': $(ls "$pool")"
}

for guest in none running; do
	points=(single-marked single-pulled single-merged single-gone)
	[ $guest = running ] || is_long || points=(single-pulled single-merged)
	[ $guest = none ] || points+=(single-spoilt) # only a running guest's chain is committed down
	for point in "${points[@]}"; do
		step "the daemon dies at $point, guest: $guest"
		build
		[ $guest = none ] || attach
		kill_at "$point" "$a"
		[ $guest = none ] || let_go
		clear_all
	done
done

step "the daemon dies after a commit, and the guest before the daemon is back"
build
attach
umount_pool
POOLFS_TEST_KILL_AT=single-merged mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
(request "volume-snapshots/$a/actions" "delete scope=single") >/dev/null 2>&1 || true
(wait_until 60 is_pool_gone) 2>/dev/null || fail "the merge was not reached"
umount -l "$MOUNT"
pkill -KILL -f "guest=$vm,"
mount_pool
(wait_until 60 test ! -e "$MOUNT/volume-snapshots/$a") 2>/dev/null || fail "the deletion was not finished"
all_hold "when daemon and guest died"
wait_until 10 check
wait_for "vm-instances/$vm/state" Stopped 20
act "volumes/$data" detach
clear_all

# die_at POINT: the deletion of a dies there; the pool is not mounted then
die_at() {
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	(request "volume-snapshots/$a/actions" "delete scope=single") >/dev/null 2>&1 || true
	(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point '$1' was not reached"
	umount -l "$MOUNT"
}

# give_up: mounts while the host cannot be asked, and cancels the deletion
give_up() {
	local job
	host killd h1
	mount_pool
	job=$(grep -lxsE 'Queued|Processing' "$MOUNT"/api-jobs/*/state | xargs -rn 1 dirname)
	echo cancel >"$job/actions"
	wait_until 60 is_finished "$(basename "$job")"
	assert_eq "$(cat "$job/state") $(field "$a" status)" "Failed Ready" "the deletion"
	host restart h1
	wait_for "hosts/$(first hosts)/status" Connected 20
}

step "a merge without a guest loses what it has copied, and is given up: the snapshot has its bytes, also for a copy"
build
file=$(path_of "$x")
cp "$file" "$CASE_DIR/before-copy"
die_at single-copied
assert_eq "$(qemu-img info -U --output json "$file" | jq -r '."backing-filename"')" null "what x stands on"
cp "$CASE_DIR/before-copy" "$file"
qemu-img rebase -u -f qcow2 -b "" "$file" # what QEMU had written when it died
holds "$file" 1 64k && fail "x has lost nothing"
give_up
assert_fails "Device or resource busy" cat "$MOUNT/volume-snapshots/$x/data"
job=$(submit "volume-snapshots/$x/actions" "create-data-volume name=copy")
job_wait "$job"
copy=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
holds "$(value "volumes/$copy/installPath")" 9 0 1 64k 9 128k 0 192k || fail "the copy of x lacks bytes"
act "volumes/$copy" delete
act "volumes/$copy" expunge
act "volume-snapshots/$x" revert-volume
holds "$(head_of)" 9 0 1 64k 9 128k 0 192k || fail "x lost its bytes"
clear_all

step "so does a commit, whose guest dies: the next one is done again"
build
act "vm-instances/$vm" start
attach
file=$(path_of "$a")
cp "$file" "$CASE_DIR/before-commit"
die_at single-committed
pkill -KILL -f "guest=$vm,"
cmp -s "$file" "$CASE_DIR/before-commit" && fail "nothing was committed"
cp "$CASE_DIR/before-commit" "$file"
give_up
wait_for "vm-instances/$vm/state" Stopped 20
assert_eq "$(field "$a" state)" Disabled
act "vm-instances/$vm" start
act "volume-snapshots/$a" delete scope=single
all_hold "when a commit was lost"
wait_until 10 check
let_go
act "vm-instances/$vm" stop type=cold
clear_all

act "vm-instances/$vm" start # whose guest writes while snapshots come and go
attach

# scheduled: the snapshots of the scheduler; those that are there
scheduled() {
	grep -lxsF "$scheduler" "$MOUNT"/volume-snapshots/*/schedulerUuid | xargs -rn 1 dirname
}

step "the daemon dies after a scheduler took a snapshot, before the older one is removed: the next run removes it"
mine=$(snapshot mine)
fill 5 448k
job=$(submit "volumes/$data/actions" 'create-snapshot-scheduler schedulerName=k snapShotName=k type=simple startTime=0 interval=2 snapshotMaxNumber=1')
job_wait "$job"
scheduler=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
has_runs() {
	[ "$(value "schedulers/$scheduler/runs")" -ge "$1" ]
}
wait_until 30 has_runs 1
uuids volume-snapshots >"$CASE_DIR/older"
umount_pool
POOLFS_TEST_KILL_AT=snapshot-scheduled mount_pool
(wait_until 30 is_pool_gone) 2>/dev/null || fail "the kill point 'snapshot-scheduled' was not reached"
umount -l "$MOUNT"
mount_pool
killed=$(grep -lx Processing "$MOUNT"/api-jobs/*/state | xargs -rn 1 dirname | sed -n 1p || true)
[ -n "$(uuids volume-snapshots | comm -13 "$CASE_DIR/older" -)" ] || fail "the snapshot that was taken is not there"
wait_for "hosts/$(first hosts)/status" Connected 20
[ -z "$killed" ] || job_wait "$(basename "$killed")" || fail "the job that was killed has failed, though its snapshot was taken"
has_kept_one() {
	[ "$(scheduled | wc -l)" = 1 ] && [ "$(uuids volume-snapshots | wc -l)" = 2 ]
}
wait_until 60 has_kept_one
act "schedulers/$scheduler" delete
wait_until 60 no_rows_in_between
[ -e "$MOUNT/volume-snapshots/$mine" ] || fail "the scheduler deleted what it had not made"
holds "$(head_of)" 5 448k || fail "the volume lost its bytes"
wait_until 10 check
let_go
clear_all
attach

step "a scheduler keeps its last two, and touches no other"
mine=$(snapshot mine)
job=$(submit "volumes/$data/actions" 'create-snapshot-scheduler schedulerName=s snapShotName=s type=simple startTime=0 interval=2 repeatCount=5 snapshotMaxNumber=2')
job_wait "$job"
scheduler=$(jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result")
n=0
while [ "$(value "schedulers/$scheduler/runs")" -lt 5 ]; do
	n=$((n % 250 + 1))
	fill $n 448k
	sleep 0.2
done
has_kept() {
	[ "$(grep -lxF "$scheduler" "$MOUNT"/volume-snapshots/*/schedulerUuid | wc -l)" = 2 ] && [ "$(uuids volume-snapshots | wc -l)" = 3 ]
}
wait_until 60 has_kept
fill 77 448k
[ -e "$MOUNT/volume-snapshots/$mine" ] || fail "the scheduler deleted what it had not made"
holds "$(head_of)" 77 448k || fail "the volume lost its bytes"
wait_until 10 check

step "deleteMode=Enforcing deletes a volume that the guest does not let go of"
kept=$(create volumes '{"params":{"name":"kept","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}')
[ "$(value "vm-instances/$vm/state")" = Running ] || act "vm-instances/$vm" start
act "volumes/$kept" attach "vmInstanceUuid=$vm"
job=$(submit "volumes/$kept/actions" delete)
wait_until 60 is_finished "$job"
assert_eq "$(value "api-jobs/$job/state") $(value "volumes/$kept/vmInstanceUuid")" "Failed $vm"
act "volumes/$kept" delete deleteMode=Enforcing
assert_eq "$(value "volumes/$kept/status") $(value "volumes/$kept/vmInstanceUuid")" "Deleted "
