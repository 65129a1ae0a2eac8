#!/bin/bash
# ISO images in the CD-ROM drives of VMs: candidates, three drives, refusals, and destroying the VM.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm drives "$image")
dir=vm-instances/$vm
isos=()
for n in 0 1 2 3; do
	mkdir "tree$n"
	echo "$n" >"tree$n/number"
	xorrisofs -quiet -o "$n.iso" "tree$n" 2>/dev/null
	isos+=("$(add_image "$CASE_DIR/$n.iso" iso "iso$n")")
done

# drives: the VM's ISO tags, sorted by drive.
drives() {
	find "$MOUNT/$dir/tags" -type f -exec cat {} + | grep ^iso:: | sort -t: -k5 | paste -sd' ' || true
}

candidates() {
	value "$dir/iso-candidates" | jq -r '.inventories[].name' | sort | paste -sd' '
}

vms_for() {
	value "images/$1/vm-candidates" | jq -r '.inventories[].uuid' | sort | paste -sd' '
}

step "candidates are the ISOs, and for an ISO the VMs"
assert_eq "$(candidates)" "iso0 iso1 iso2 iso3"
assert_eq "$(vms_for "${isos[0]}")" "$vm"
assert_eq "$(vms_for "$image")" ""

step "three are inserted, each into its own drive"
# attach ISO
attach() {
	job=$(submit "$dir/actions" "attach-iso isoUuid=$1")
	job_wait "$job"
	assert_eq "$(value "api-jobs/$job/result" | jq -r .inventory.uuid)" "$vm"
}
attach "${isos[0]}"
attach "${isos[1]}"
assert_refused "$dir/actions" "attach-iso isoUuid=${isos[1]}" EBUSY "already has an ISO\[uuid:${isos[1]}\] attached"
assert_refused "$dir/actions" "attach-iso isoUuid=$image" EINVAL "is not ISO, it's RootVolumeTemplate"
assert_refused "$dir/actions" "attach-iso isoUuid=00000000000000000000000000000000" ENOENT "type:ImageVO"
attach "${isos[2]}"
assert_eq "$(drives)" "iso::${isos[0]}::0 iso::${isos[1]}::1 iso::${isos[2]}::2"
assert_eq "$(candidates)" iso3
assert_eq "$(value "$dir/boot-orders" | jq -c .orders)" '["HardDisk","CdRom"]'
assert_refused "$dir/actions" "attach-iso isoUuid=${isos[3]}" EBUSY "^can only attach up to 3 ISOs$"
assert_eq "$(vms_for "${isos[3]}")" "" "VMs for a fourth ISO"

step "the tag of a drive cannot be changed by hand"
tag=$(grep -l "^iso::" "$MOUNT/$dir/tags"/* | sed -n 1p)
assert_refused "system-tags/$(basename "$tag")/actions" delete EBUSY inherent

step "one is ejected, and the next one gets its drive"
assert_refused "$dir/actions" detach-iso EBUSY "has multiple ISOs attached, specify the isoUuid when detaching"
assert_refused "$dir/actions" "detach-iso isoUuid=${isos[3]}" EBUSY "ISO\[uuid:${isos[3]}\] is not attached to VM"
act "$dir" detach-iso "isoUuid=${isos[1]}"
act "$dir" attach-iso "isoUuid=${isos[3]}"
assert_eq "$(drives)" "iso::${isos[0]}::0 iso::${isos[3]}::1 iso::${isos[2]}::2"

step "also while paused and stopped; ejecting nothing succeeds"
act "$dir" pause
assert_eq "$(candidates)" "" "candidates of a paused VM"
act "$dir" detach-iso "isoUuid=${isos[0]}"
act "$dir" resume
act "$dir" stop
act "$dir" detach-iso "isoUuid=${isos[2]}"
act "$dir" detach-iso
act "$dir" detach-iso
assert_eq "$(drives)" ""
act "$dir" attach-iso "isoUuid=${isos[2]}"
act "$dir" start
assert_eq "$(drives)" "iso::${isos[2]}::0"

step "disabled and deleted ISOs"
act "images/${isos[1]}" change-state stateEvent=disable
assert_refused "$dir/actions" "attach-iso isoUuid=${isos[1]}" EBUSY "is not Enabled, it's Disabled"
act "images/${isos[3]}" delete
assert_refused "$dir/actions" "attach-iso isoUuid=${isos[3]}" EBUSY "is not Ready, it's Deleted"
assert_eq "$(candidates)" iso0

step "the drives of a destroyed VM are empty"
act "$dir" destroy
act "$dir" recover
assert_eq "$(drives)" ""
