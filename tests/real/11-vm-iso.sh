#!/bin/bash
# ISOs are inserted and ejected while the guest runs and reads them; the BIOS follows the boot order.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
tiny_pool
for n in 1 2 3; do
	mkdir "tree$n"
	echo "content of disc $n" >"tree$n/file"
	xorrisofs -quiet -V "DISC$n" -o "$n.iso" "tree$n" 2>/dev/null
done
iso1=$(add_image "$CASE_DIR/1.iso" iso one)
iso2=$(add_image "$CASE_DIR/2.iso" iso two)
iso3=$(add_image "$CASE_DIR/3.iso" iso three)
vm=$(create_vm discs "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
wait_serial "$vm" "TINY ready" 60
wait_until 20 agent_ping "$vm"

# disc DRIVE: the file on the disc in that drive. A guest's first read after a change of the medium may fail.
disc() {
	guest "$vm" "for i in 1 2 3; do mount -t iso9660 -o ro /dev/sr$1 /mnt 2>/dev/null && break; done; cat /mnt/file; umount /mnt" 2>/dev/null
}
has_disc() {
	[ "$(disc "$1")" = "content of disc $2" ]
}
is_empty() {
	! guest "$vm" "head -c 1 /dev/sr$1" >/dev/null 2>&1
}

step "three discs are inserted while the guest runs, and it reads each"
act "$dir" attach-iso "isoUuid=$iso1"
act "$dir" attach-iso "isoUuid=$iso2"
act "$dir" attach-iso "isoUuid=$iso3"
for n in 1 2 3; do wait_until 10 has_disc $((n - 1)) $n; done

step "one is ejected, and another one gets its drive"
act "$dir" detach-iso "isoUuid=$iso2"
wait_until 10 is_empty 1
tiny=$(add_image "$media/tiny.iso" iso cd)
act "$dir" attach-iso "isoUuid=$tiny"
guest "$vm" 'mount -t iso9660 -o ro /dev/sr1 /mnt || mount -t iso9660 -o ro /dev/sr1 /mnt; ls /mnt' | finds -i initrd || fail "the disc is not readable"

step "a disc that the guest has locked is ejected too"
act "$dir" detach-iso "isoUuid=$tiny"
assert_eq "$(on_host domblklist "$vm" | grep -c '\.iso$')" 2 "discs that the host has in drives"

step "discs stay in their drives over a stop; one for a stopped VM is there after the start"
act "$dir" detach-iso "isoUuid=$iso1"
act "$dir" stop type=cold
act "$dir" detach-iso "isoUuid=$iso3"
act "$dir" attach-iso "isoUuid=$iso2"
act "$dir" start
wait_serial "$vm" "TINY ready" 60 2
wait_until 20 agent_ping "$vm"
wait_until 10 has_disc 0 2
act "$dir" detach-iso

step "a disc that the host cannot get is not recorded"
lost=$(add_image "$CASE_DIR/3.iso" iso lost)
find "$STATE" -name "*$lost*" -delete
job=$(submit "$dir/actions" "attach-iso isoUuid=$lost")
job_wait "$job" 2>/dev/null && fail "an ISO without a file was attached"
lacks -r "^iso::" "$MOUNT/$dir/tags" || fail "the ISO is recorded"

# booted_from: from the kernel's command line, which names the disk or disc.
booted_from() {
	guest "$vm" cat /proc/cmdline | grep -o 'tiny.image=[a-z]*'
}

step "the BIOS boots the disk, even though there is a bootable disc"
act "$dir" attach-iso "isoUuid=$tiny"
act "$dir" reboot
wait_serial "$vm" "TINY ready" 60 3
wait_until 20 agent_ping "$vm"
assert_eq "$(value "$dir/boot-orders" | jq -c .orders)" '["HardDisk","CdRom"]'
assert_eq "$(booted_from)" tiny.image=tiny

step "the disc, for one start, then the disk again"
act "$dir" '{"setVmBootOrder":{"bootOrder":["CdRom","HardDisk"]},"systemTags":["cdromBootOnce::true"]}'
act "$dir" reboot
wait_serial "$vm" "TINY ready" 90 4
wait_until 30 agent_ping "$vm"
assert_eq "$(booted_from)" tiny.image=iso
act "$dir" reboot
wait_serial "$vm" "TINY ready" 60 5
wait_until 20 agent_ping "$vm"
assert_eq "$(booted_from)" tiny.image=tiny
