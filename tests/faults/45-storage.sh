#!/bin/bash
# A primary storage that has no room, or whose disk cannot be written, in each kind of job: a sentence or success,
# nothing is left half done, and with room the same request succeeds.
# limit: 240
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

# A file system of its own, on a disk that is a file of a small file system in memory. Room is taken away above, where
# a writer is told at once, or below, where the disk fails when it writes what the kernel had accepted.
mkdir below above
mount -t tmpfs -o size=512M tmpfs below
truncate -s 256M below/disk
mkfs.ext4 -q -m 0 -O ^has_journal -E nodiscard,lazy_itable_init=0 below/disk
mount -o loop below/disk above

if [ -n "${REMOTE:-}" ]; then
	"$LAB/fabric" up 1
	"$LAB/fabric" join
	NETNS=poolhost1 LISTEN=10.99.0.1 TCP=1 host up h1 >/dev/null
	URI=qemu+tcp://10.99.0.1/system
else
	host_up h1
fi
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
for setting in primaryStorage/reservedCapacity:0 primaryStorage/physicalCapacityThreshold:100 vm/deletionPolicy:Direct \
	volume/deletionPolicy:Direct image/deletionPolicy:Direct; do
	echo "${setting#*:}" >"$MOUNT/global-configurations/${setting%:*}/value"
done
storage=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/above/pool" '{params: {name: "small", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$storage" attach-to-cluster "clusterUuid=$(first clusters)"
bios=$(create instance-offerings '{"params":{"name":"bios","cpuNum":1,"memorySize":33554432}}')
disk=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')

# take WHERE KIB: leaves so much room there
take() {
	local free
	fstrim above # or blocks that files had before could still be written
	free=$(($(stat -f -c '%a * %S' "$1") / 1024 - $2))
	fallocate -l $((free - 1024))K "$1/filler"
	# the file system itself may need some of the last blocks
	dd if=/dev/zero of="$1/filler.rest" bs=4K count=256 conv=fsync 2>/dev/null || true
}

give() {
	rm -f {above,below}/filler{,.rest}
}

# vm_on_small NAME IMAGE [JSON]: the document of a VM on the storage
vm_on_small() {
	vm_json "$1" "$2" "$(jq -nc --arg o "$bios" --arg s "$storage" --argjson more "${3:-"{}"}" '{instanceOfferingUuid: $o, primaryStorageUuidForRootVolume: $s} + $more')"
}

# new_image: of 6 MiB that no other image has
new_image() {
	head -c 6M /dev/urandom >"$CASE_DIR/image.raw"
	add_image "$CASE_DIR/image.raw" raw "i$RANDOM"
}

# write_to VOLUME: 2 MiB into the file of a volume that no guest uses
write_to() {
	qemu-io -f qcow2 -c "write -q -P 7 0 2M" "$(value "volumes/$1/installPath")"
}

take_snapshot() {
	local job
	job=$(submit "volumes/$root/actions" "create-snapshot name=s")
	job_wait "$job"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

image=$(new_image)
vm=$(create vm-instances "$(vm_on_small web "$image")")
root=$(value "vm-instances/$vm/rootVolumeUuid")

state() {
	[ "$(value "vm-instances/$vm/state")" = "$1" ] || act "vm-instances/$vm" "${@:2}"
}

# Each kind of job prepares itself, with room, and sets $file and $text, its request.
job_create() {
	local other
	other=$(new_image)
	file=vm-instances/create text=$(vm_on_small "vm$RANDOM" "$other")
}
job_start() {
	state Stopped stop type=cold
	file=vm-instances/$vm/actions text=start
}
job_volume() {
	file=volumes/create text='{"params":{"name":"v","diskOfferingUuid":"'"$disk"'","primaryStorageUuid":"'"$storage"'"}}'
}
job_snapshot() {
	state Running start
	file=volumes/$root/actions text="create-snapshot name=s"
}
job_stopped_snapshot() {
	state Stopped stop type=cold
	file=volumes/$root/actions text="create-snapshot name=s"
}
job_delete() {
	local snapshot
	state Stopped stop type=cold
	snapshot=$(take_snapshot)
	write_to "$root"
	take_snapshot >/dev/null
	write_to "$root"
	file=volume-snapshots/$snapshot/actions text="delete scope=single"
}
job_revert() {
	local snapshot
	state Stopped stop type=cold
	snapshot=$(take_snapshot)
	write_to "$root"
	file=volume-snapshots/$snapshot/actions text=revert-volume
}
job_resize() {
	state Running start
	file=volumes/$root/actions text="resize-root size=$(($(value "volumes/$root/size") + 8388608))"
}

# wrong: what is not right; nothing when all is
wrong() {
	local known
	no_job_runs || echo "a job runs"
	no_rows_in_between || echo "a row is in between"
	known=$(jq -r '.inventories[] | .installPath // .primaryStorageInstallPath // empty' "$MOUNT/volumes/inventories" "$MOUNT/volume-snapshots/inventories" |
		xargs -r -n1 basename | sort)
	diff <(echo "$known") <(find above/pool -type f ! -name 'image-*' -printf '%f\n' | sort) || echo "the files of the storage are not those known"
	for uuid in $(uuids vm-instances); do
		case $(value "vm-instances/$uuid/state"):$(on_host domstate "$uuid" 2>/dev/null | sed -n 1p || true) in
		Running:running | Paused:paused | Stopped:"shut off" | Stopped:) ;;
		*) echo "VM $uuid is $(value "vm-instances/$uuid/state"), and $(on_host domstate "$uuid" 2>&1)" ;;
		esac
	done
	for uuid in $(on_host list --all --name); do
		[ -e "$MOUNT/vm-instances/$uuid" ] || echo "a domain of nobody"
	done
}
is_right() {
	[ -z "$(wrong)" ]
}

# whole: each file of the storage can be read from the disk, and QEMU finds nothing wrong
whole() {
	local image uuid status
	sync -f above 2>/dev/null || true # it tells of writes that have failed before
	echo 3 >/proc/sys/vm/drop_caches
	for image in above/pool/image-*; do
		uuid=${image##*/image-}
		uuid=${uuid%.*}
		[ ! -e "$MOUNT/images/$uuid" ] ||
			cmp "$image" "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$uuid/inventory")" || fail "a cached image has other bytes"
	done
	for image in above/pool/*.qcow2; do
		status=0
		qemu-img check -U -q "$image" >check.log 2>&1 || status=$?
		# clusters that a write without room had asked for may be left unused (3)
		[ $status = 0 ] || [ $status = 3 ] || fail "qemu-img check of $image: $(cat check.log)"
	done
}

# meet KIND WHERE KIB: such a job while there is only so much room there, which fails with $why; then with room
meet() {
	local job
	why=
	"job_$1"
	sync -f above
	take "$2" "$3"
	job=$(submit "$file" "$text") || fail "$1 is refused: $(value last-error)"
	(wait_until 60 is_finished "$job") 2>/dev/null || fail "$1 with $3 KiB $2 does not end"
	echo "   $1 with $3 KiB $2: $(value "api-jobs/$job/state") $(jq -r .details <<<"$(value "api-jobs/$job/error")" 2>/dev/null || true)"
	sync -f above 2>/dev/null || true # as time would
	(wait_until 15 is_right) 2>/dev/null || fail "after $1 with $3 KiB $2, which is '$(value "api-jobs/$job/state")': $(wrong)"
	give
	case $(value "api-jobs/$job/state") in
	Failed)
		assert_match "$(value "api-jobs/$job/error")" '"code":"[A-Z_]+\.[0-9]+".*"details":"[^"]'
		why=$(jq -r .details <<<"$(value "api-jobs/$job/error")")
		job=$(submit "$file" "$text")
		job_wait "$job" 60 || fail "$1 fails with room, too"
		(wait_until 15 is_right) 2>/dev/null || fail "after $1 with room again: $(wrong)"
		;;
	esac
	whole
	for uuid in $(uuids vm-instances); do
		[ "$uuid" = "$vm" ] || act "vm-instances/$uuid" destroy
	done
	for uuid in $(jq -r '.inventories[] | select(.type == "Data") | .uuid' "$MOUNT/volumes/inventories"); do act "volumes/$uuid" delete; done
	for uuid in $(uuids images); do [ "$uuid" = "$image" ] || act "images/$uuid" delete; done
}

# try_all WHERE KINDS KIB...: jobs of these kinds with so much room there
try_all() {
	local kib kind
	for kib in "${@:3}"; do
		step "$kib KiB of room $1"
		for kind in $2; do meet "$kind" "$1" "$kib"; done
	done
}

if [ -n "${REMOTE:-}" ]; then
	try_all below create 0
	assert_match "$why" "the host cannot write '.*/image-.*' to its disk"
else
	kinds="create start volume snapshot stopped_snapshot delete revert resize"
	read -ra kib <<<"$(number 0 "0 64 200 260 512 1024 2048 4096")"
	try_all above "$kinds" "${kib[@]}"
	try_all below "$(number create "$kinds")" "${kib[@]}"
	is_long || assert_match "$why" "cannot write '.*/image-.*' to disk: No space left on device"
fi
