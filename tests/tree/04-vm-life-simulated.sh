#!/bin/bash
# The whole life of a VM by echo, cat and sync, on libvirt's test driver.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool

step "an image from a file"
image=$(small_image)
assert_eq "$(value "images/$image/status")" Ready
assert_eq "$(value "images/$image/format")" raw
assert_eq "$(value "images/$image/size")" 1048576
assert_eq "$(value "images/$image/mediaType")" RootVolumeTemplate

step "create starts the VM"
vm=$(create_vm web "$image")
dir=vm-instances/$vm
assert_eq "$(value "$dir/state")" Running
assert_eq "$(value "$dir/hostUuid")" "$(first hosts)"
assert_eq "$(value "$dir/imageUuid")" "$image"
assert_eq "$(readlink "$MOUNT/vm-instances/by-name/web")" "../$vm"
assert_eq "$(value "$dir/cpuNum")" "$(value "instance-offerings/$(first instance-offerings)/cpuNum")"

step "its disk and its NIC"
volume=$(value "$dir/rootVolumeUuid")
assert_eq "$(value "volumes/$volume/status")" Ready
assert_eq "$(value "volumes/$volume/vmInstanceUuid")" "$vm"
test -d "$MOUNT/$dir/volumes/$volume"
nic=$(value "$dir/inventory" | jq -r '.vmNics[0].uuid')
assert_match "$(value "$dir/nics/$nic/mac")" '^fa(:[0-9a-f]{2}){4}:00$' "the MAC address"
assert_match "$(value "$dir/nics/$nic/ip")" '^[0-9]+(\.[0-9]+){3}$' "the address"
assert_eq "$(value "$dir/inventory" | jq -r '.vmNics[0].ip')" "$(value "$dir/nics/$nic/ip")"
assert_eq "$(value "$dir/image/name")" small

step "pause and resume, reboot"
act "$dir" pause
assert_eq "$(value "$dir/state")" Paused
act "$dir" resume
assert_eq "$(value "$dir/state")" Running
before=$(tail -n 1 "$MOUNT/events" | jq .sequence)
act "$dir" reboot
assert_eq "$(value "$dir/state")" Running
assert_eq "$(jq -r 'select(.kind == "VmInstance" and .changes.state).changes.state.to' "$MOUNT/events?since=$before" | paste -sd' ')" \
	"Rebooting Running" "the states on the way"

step "a state that is set by hand sets the host too, until the host reports another"
host=$(value "$dir/hostUuid")
act "$dir" update state=Stopped
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid") $(value "$dir/lastHostUuid")" "Stopped  $host"
act "$dir" update state=Running
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $host"

step "stop, both ways; stopping a stopped VM is not an error"
act "$dir" stop
assert_eq "$(value "$dir/state")" Stopped
assert_eq "$(value "$dir/hostUuid")" ""
assert_eq "$(value "$dir/lastHostUuid")" "$(first hosts)"
act "$dir" stop
act "$dir" start
assert_eq "$(value "$dir/state")" Running
act "$dir" stop type=cold
assert_eq "$(value "$dir/state")" Stopped

step "a JSON body as for REST is a request too"
act "$dir" '{"startVmInstance":{},"systemTags":[]}'
assert_eq "$(value "$dir/state")" Running
act "$dir" '{"stopVmInstance":{"type":"cold"}}'

step "values are changed by writing them"
echo 2 >"$MOUNT/$dir/cpuNum"
sync "$MOUNT/$dir/cpuNum"
assert_eq "$(value "$dir/cpuNum")" 2
echo 512M >"$MOUNT/$dir/memorySize"
sync "$MOUNT/$dir/memorySize"
assert_eq "$(value "$dir/memorySize")" 536870912

step "the menu knows the state"
assert_match "$(value "$dir/actions")" $'(^|\n)start' "the menu of a stopped VM"
assert_match "$(value "$dir/actions")" $'\n# pause' "the menu of a stopped VM"

step "destroy, recover, destroy, expunge"
act "$dir" start
act "$dir" destroy
assert_eq "$(value "$dir/state")" Destroyed
assert_eq "$(value "volumes/$volume/status")" Deleted
act "$dir" recover
assert_eq "$(value "$dir/state")" Stopped
assert_eq "$(value "volumes/$volume/status")" Ready
assert_refused "$dir/actions" expunge EBUSY
act "$dir" start
act "$dir" destroy
# what deletes recursively deletes nothing, also in an object that has been destroyed
find "$MOUNT/$dir" -delete 2>/dev/null && fail "find has deleted a VM"
python3 -c 'import shutil, sys; shutil.rmtree(sys.argv[1], ignore_errors=True)' "$MOUNT/$dir"
perl -MFile::Path=rmtree -e 'rmtree(shift)' "$MOUNT/$dir" 2>/dev/null || true
assert_eq "$(value "$dir/state") $(value "$dir/inventory" | jq -r .name)" "Destroyed web"
wait_until 8 has_value "$MOUNT/$dir/name" web # for the deleting user it was missing
wait_until 8 test -e "$MOUNT/$dir/actions"
act "$dir" expunge
[ ! -e "$MOUNT/$dir" ] || fail "the VM is still there after expunge"
[ ! -e "$MOUNT/volumes/$volume" ] || fail "its root volume is still there"
[ ! -L "$MOUNT/vm-instances/by-name/web" ] || fail "its name is still there"
assert_eq "$(find "$STATE" -name "*$volume*")" "" "files of its root volume"

step "creation strategies: JustCreate and CreateStopped"
created=$(create_vm later "$image" '{"strategy":"JustCreate"}')
assert_eq "$(value "vm-instances/$created/state")" Created
act "vm-instances/$created" start
assert_eq "$(value "vm-instances/$created/state")" Running
stopped=$(create_vm off "$image" '{"strategy":"CreateStopped"}')
assert_eq "$(value "vm-instances/$stopped/state")" Stopped

step "two VMs with the same name"
twin=$(create_vm later "$image")
assert_eq "$(readlink "$MOUNT/vm-instances/by-name/later~2")" "../$twin"

step "states survive a restart"
act "vm-instances/$twin" stop type=cold
remount_pool
assert_eq "$(value "vm-instances/$twin/state")" Stopped
assert_eq "$(value "vm-instances/$stopped/state")" Stopped

step "the image: delete, recover, delete, expunge"
act "images/$image" delete
assert_eq "$(value "images/$image/status")" Deleted
act "images/$image" recover
assert_eq "$(value "images/$image/status")" Ready
act "images/$image" delete
act "images/$image" expunge
[ ! -e "$MOUNT/images/$image" ] || fail "the image is still there"
