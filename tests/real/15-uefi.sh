#!/bin/bash
# A guest boots by UEFI firmware, whose variables survive a stop, move to another host with the VM and are
# removed with it.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
"$LAB/fabric" up 2
first_uri=$(NETNS=poolhost1 LISTEN=10.99.0.1 host up one)
second_uri=$(NETNS=poolhost2 LISTEN=10.99.0.2 host up two)
URI=$first_uri
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 20
cluster=$(first clusters)
mkdir shared
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
two=$(add_host two "$second_uri" "$cluster")
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":201326592}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)

# new NAME TAG...: creates a VM with these system tags on the first host.
new() {
	local json
	json=$(vm_json "$1" "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$shared"'"}')
	shift
	create vm-instances "$(jq -c '. + {systemTags: $ARGS.positional}' --args "$@" <<<"$json")"
}

# is_uefi VM: was its guest booted by UEFI?
is_uefi() {
	[ "$(guest "$1" '[ -d /sys/firmware/efi ] && echo uefi || echo bios')" = uefi ]
}

# nvram HOST VM: the host's file with the firmware's variables, as it is seen from here.
nvram() {
	echo "$HOSTS/$1/lib/qemu/nvram/${2}_VARS.fd"
}

# What the guest of a VM has in its own firmware variable; and sets it.
variable=/sys/firmware/efi/efivars/Poolfs-5a6b1f8e-3c52-4f0a-9a35-2b1d6c7e8f90
get_variable() {
	guest "$1" "modprobe efivarfs; mount -t efivarfs none /sys/firmware/efi/efivars 2>/dev/null; tail -c +5 $variable 2>/dev/null || echo none"
}
set_variable() {
	guest "$1" "modprobe efivarfs; mount -t efivarfs none /sys/firmware/efi/efivars; printf '\\007\\000\\000\\000$2' >$variable"
}

parsed() {
	on_host dumpxml "$1" | xmllint --xpath "string($2)" -
}

step "the tag asks for firmware, which libvirt finds and the guest boots with"
vm=$(new uefi bootMode::UEFI)
dir=vm-instances/$vm
wait_serial "$vm" "TINY ready" 120
wait_until 40 agent_ping "$vm"
is_uefi "$vm" || fail "the guest booted by BIOS"
assert_eq "$(parsed "$vm" '/domain/os/loader/@type') $(parsed "$vm" '/domain/os/loader/@readonly')" "pflash yes"
assert_eq "$(parsed "$vm" '/domain/os/nvram')" "/var/lib/libvirt/qemu/nvram/${vm}_VARS.fd"

step "firmware variables are there after the VM was destroyed and recovered"
set_variable "$vm" kept
assert_eq "$(get_variable "$vm")" kept
act "$dir" destroy
[ -s "$(nvram one "$vm")" ] || fail "the variables went when the VM was destroyed"
act "$dir" recover
act "$dir" start "hostUuid=$one"
wait_serial "$vm" "TINY ready" 120 2
wait_until 40 agent_ping "$vm"
assert_eq "$(get_variable "$vm")" kept

step "they move to another host with the VM, and nothing is left on the former one"
boot=$(guest "$vm" cat /proc/sys/kernel/random/boot_id)
act "$dir" migrate "hostUuid=$two"
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $two"
assert_eq "$(on_host list --all --name | tr -d '\n')" "" "the domains where it was"
[ ! -e "$(nvram one "$vm")" ] || fail "the variables are still where the guest was"
URI=$second_uri
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id)" "$boot" "the boot of the guest"
act "$dir" stop type=cold

step "they come along, too, when the stopped VM starts on another host"
act "$dir" start "hostUuid=$one"
URI=$first_uri
wait_serial "$vm" "TINY ready" 120 3
wait_until 40 agent_ping "$vm"
assert_eq "$(get_variable "$vm")" kept
[ ! -e "$(nvram two "$vm")" ] || fail "the variables are still on the former host"
act "$dir" stop type=cold

step "a clone boots by UEFI too, with variables of its own, which begin as those of the VM"
job=$(submit "$dir/actions" clone\ names=copy)
job_wait "$job" 120
copy=$(value "api-jobs/$job/result" | jq -r '.result.inventories[0].inventory.uuid')
case $(value "vm-instances/$copy/hostUuid") in
"$one") URI=$first_uri at=one ;;
*) URI=$second_uri at=two ;;
esac
wait_serial "$copy" "TINY ready" 120
wait_until 40 agent_ping "$copy"
is_uefi "$copy" || fail "the clone booted by BIOS"
[ -s "$(nvram "$at" "$copy")" ] || fail "the clone has no variables"
assert_eq "$(get_variable "$copy")" kept

step "what is made of a template of the VM has its firmware and its machine"
job=$(submit "volumes/$(value "$dir/rootVolumeUuid")/actions" "create-root-volume-template name=made")
job_wait "$job" 120
template=$(value "api-jobs/$job/result" | jq -r .inventory.uuid)
assert_eq "$(jq -r '.inventories[].tag' <"$MOUNT/system-tags?q=resourceUuid=$template" | sort | paste -sd' ')" \
	"bootMode::UEFI vmMachineType::q35"

step "one that was not started yet can be removed with its variables"
job=$(submit "$dir/actions" "clone names=idle strategy=JustCreate")
job_wait "$job" 120
idle=$(value "api-jobs/$job/result" | jq -r '.result.inventories[0].inventory.uuid')
cmp "$(nvram one "$idle")" "$(nvram one "$vm")"

step "expunged, no variables are left"
act "vm-instances/$idle" destroy # never started, it goes at once
for uuid in "$vm" "$copy"; do
	act "vm-instances/$uuid" destroy
	act "vm-instances/$uuid" expunge
done
assert_eq "$(find "$HOSTS" -name '*_VARS.fd')" ""
URI=$first_uri

step "VMs inherit the tag from their image, and may override it"
create system-tags '{"params":{"resourceType":"ImageVO","resourceUuid":"'"$image"'","tag":"bootMode::UEFI"}}' >/dev/null
uefi=$(new inherits)
bios=$(new own bootMode::Legacy)
wait_serial "$uefi" "TINY ready" 120
wait_serial "$bios" "TINY ready" 120
wait_until 40 agent_ping "$uefi"
wait_until 40 agent_ping "$bios"
is_uefi "$uefi" || fail "the guest of the image that wants UEFI booted by BIOS"
! is_uefi "$bios" || fail "the guest that wants BIOS booted by UEFI"
act "vm-instances/$uefi" stop type=cold
act "vm-instances/$bios" stop type=cold

step "with Secure Boot the firmware does not start what nobody has signed; there is a TPM"
secure=$(new secure secureBoot::true tpm::2.0)
wait_serial "$secure" "failed to (load|start) Boot.*(Access Denied|Security Violation)" 120
assert_eq "$(value "hosts/$one/machineParts")" "uefi secureBoot tpm"
assert_eq "$(parsed "$secure" '/domain/os/loader/@secure') $(parsed "$secure" '/domain/devices/tpm/backend/@version')" "yes 2.0"
assert_refused vm-instances/create "$(vm_json old "$image" | jq -c '. + {systemTags: ["secureBoot::true", "vmMachineType::pc"]}')" EINVAL \
	"Secure Boot needs the machine type q35"
assert_refused vm-instances/create "$(vm_json old "$image" | jq -c '. + {systemTags: ["secureBoot::true", "bootMode::Legacy"]}')" EINVAL \
	"Secure Boot needs UEFI"
assert_refused vm-instances/create "$(vm_json x "$image" | jq -c '. + {systemTags: ["bootMode::UEFI", "bootMode::Legacy"]}')" EINVAL \
	"^only one bootMode system tag is allowed, but 2 got$"

step "a host that lacks what a machine needs is ruled out before anything is made"
host down one
wait_for "hosts/$one/status" Disconnected 20
URI=$(NETNS=poolhost1 LISTEN=10.99.0.1 NO_TPM=1 host up one)
act "hosts/$one" reconnect
wait_for "hosts/$one/status" Connected 20
assert_eq "$(value "hosts/$one/machineParts")" "uefi secureBoot"
on_host list --all --name | sort >before
job=$(submit vm-instances/create "$(vm_json none "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'"}' | jq -c '. + {systemTags: ["tpm::2.0"]}')")
job_wait "$job" 60 2>/dev/null && fail "a host without swtpm has a TPM"
assert_match "$(value "api-jobs/$job/error")" "none of the .1. candidate hosts has what the VM's machine needs: (uefi, )?tpm"
on_host list --all --name | sort | diff before - || fail "there is a domain of a VM that cannot be"
