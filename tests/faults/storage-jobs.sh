# shellcheck shell=bash
# For 45-storage and 47-shim: a host with a primary storage in $CASE_DIR/above/pool, each kind of job on it, and what must
# hold after one, whatever it has met.
# shellcheck disable=SC2034 # $file and $text are used by the cases

is_simulated() {
	[ "$URI" = test:///default ]
}

# storage_pool: mounts a pool on the host of $URI with this storage. $vm is a VM on it, of $image; $root its volume.
storage_pool() {
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
	image=$(new_image)
	vm=$(create vm-instances "$(vm_on_small web "$image")")
	root=$(value "vm-instances/$vm/rootVolumeUuid")
}

# vm_on_small NAME IMAGE [JSON]: the document of a VM on the storage
vm_on_small() {
	vm_json "$1" "$2" "$(jq -nc --arg o "$bios" --arg s "$storage" --argjson more "${3:-"{}"}" '{instanceOfferingUuid: $o, primaryStorageUuidForRootVolume: $s} + $more')"
}

# new_image: of 6 MiB, or $IMAGE_SIZE, that no other image has
new_image() {
	head -c "${IMAGE_SIZE:-6M}" /dev/urandom >"$CASE_DIR/image.raw"
	add_image "$CASE_DIR/image.raw" raw "i$RANDOM"
}

# write_to VOLUME: 2 MiB into the file of a volume that no guest uses
write_to() {
	is_simulated || qemu-io -f qcow2 -c "write -q -P 7 0 2M" "$(value "volumes/$1/installPath")"
}

take_snapshot() {
	local job
	job=$(submit "volumes/$root/actions" "create-snapshot name=s")
	job_wait "$job"
	jq -r .inventory.uuid "$MOUNT/api-jobs/$job/result"
}

# state STATE REQUEST...: brings the VM there; a guest whose disk has failed goes on first
state() {
	[ "$(value "vm-instances/$vm/state")" != Paused ] || act "vm-instances/$vm" resume
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

job_attach() {
	local volume
	state Running start
	job_volume
	volume=$(create volumes "$text")
	file=volumes/$volume/actions text="attach vmInstanceUuid=$vm"
}
job_volume_delete() {
	local volume
	job_volume
	volume=$(create volumes "$text")
	file=volumes/$volume/actions text=delete
}
job_template() {
	state Stopped stop type=cold
	file=volumes/$root/actions text="create-root-volume-template name=t"
}
job_clone() {
	state Running start
	file=vm-instances/$vm/actions text="clone names=c$RANDOM"
}
job_destroy() {
	local other
	other=$(create vm-instances "$(vm_on_small "vm$RANDOM" "$image")")
	file=vm-instances/$other/actions text=destroy
}
job_image() {
	head -c "${IMAGE_SIZE:-6M}" /dev/urandom >"$CASE_DIR/image.raw"
	file=images/create text=$(jq -nc --arg url "file://$CASE_DIR/image.raw" --arg bs "$(first backup-storage)" \
		'{params: {name: "i", url: $url, format: "raw", backupStorageUuids: [$bs]}}')
}

# is_so KIND: what $job, which is done, was to do
is_so() {
	local target=$MOUNT/${file%/*} made
	made=$(jq -r '.inventory.uuid // empty' "$MOUNT/api-jobs/$job/result")
	case $1 in
	create | start | image | volume | snapshot | stopped_snapshot | template) [ -n "$made" ] && compgen -G "$MOUNT/*/$made" >/dev/null ;;
	esac || return 1
	case $1 in
	start) [[ "$(value "vm-instances/$vm/state") $(value "vm-instances/$vm/stateReason")" == @("Running "|"Paused io-error"|"Paused enospc") ]] ;;
	delete | volume_delete | destroy) [ ! -e "$target" ] ;;
	attach) [ "$(cat "$target/vmInstanceUuid")" = "$vm" ] ;;
	resize) [ "$(cat "$target/size")" = "${text##*=}" ] ;;
	clone) jq -e '[.. | .name? // empty | strings] | index("'"${text##*=}"'")' "$MOUNT/vm-instances/inventories" >/dev/null ;;
	esac
}

# wrong: what is not right; nothing when all is
wrong() {
	local known
	no_job_runs || echo "a job runs"
	no_rows_in_between || echo "a row is in between"
	known=$(jq -r '.inventories[] | .installPath // .primaryStorageInstallPath // empty' "$MOUNT/volumes/inventories" "$MOUNT/volume-snapshots/inventories" |
		xargs -r -n1 basename | sort)
	diff <(echo "$known") <(find above/pool -type f ! -name 'image-*' -printf '%f\n' | sort) || echo "the files of the storage are not those known"
	! is_simulated || return 0
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

# remove_others: all that jobs have made beside $vm and $image
remove_others() {
	local uuid
	for uuid in $(uuids vm-instances); do
		[ "$uuid" = "$vm" ] || act "vm-instances/$uuid" destroy
	done
	for uuid in $(jq -r '.inventories[] | select(.type == "Data") | .uuid' "$MOUNT/volumes/inventories"); do
		# a guest that stays in its BIOS gives no disk back
		[ -z "$(value "volumes/$uuid/vmInstanceUuid")" ] || state Stopped stop type=cold
		act "volumes/$uuid" delete
	done
	for uuid in $(uuids images); do [ "$uuid" = "$image" ] || act "images/$uuid" delete; done
}
