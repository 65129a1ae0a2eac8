#!/bin/bash
# The options of a creation, as the guest sees them: user data, ssh key, host name, fixed address and MAC, data
# volumes, an ISO with an empty root disk.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
tiny_pool
l3=$(first l3-networks)
gateway=$(jq -r '.inventories[0].ipRanges[0].gateway' "$MOUNT/l3-networks/inventories")
address=${gateway%.*}.200
disk=$(create disk-offerings '{"params":{"name":"data","diskSize":"16M"}}')

step "user data, ssh key, host name, address, MAC and a data volume"
# shellcheck disable=SC2016 # for the shell in the guest
user_data=$(printf '#!/bin/sh\necho USER-DATA ran as $(id -un) > /dev/console\n' | base64 -w0)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","dataDiskOfferingUuids":["'"$disk"'"]}' |
	jq -c --arg l3 "$l3" --arg ip "$address" --arg data "$user_data" '.systemTags =
		["userdata::" + $data, "sshkey::ssh-ed25519 AAAA me@here", "hostname::web-01",
		 "staticIp::\($l3)::\($ip)", "customMac::\($l3)::fa:11:22:33:44:00", "rootPassword::se\"cret: x"]')")
wait_serial "$vm" "USER-DATA ran as root" 90
wait_until 30 agent_ping "$vm"
assert_eq "$(guest "$vm" hostname)" web-01
assert_match "$(guest "$vm" cat /run/seed/meta-data)" 'ssh-ed25519 AAAA me@here'
assert_match "$(guest "$vm" cat /run/seed/vendor-data)" 'se\\"cret: x'
assert_match "$(guest "$vm" ip -o addr)" "inet $address/"
assert_eq "$(guest "$vm" cat /sys/class/net/eth0/address)" fa:11:22:33:44:00
assert_eq "$(guest "$vm" cat /sys/block/vdb/size)" 32768

step "only their owner can read the secrets"
for tag in userdata rootPassword sshkey; do
	! grep -rq "^$tag::" "$MOUNT/vm-instances/$vm/inventory" "$MOUNT/vm-instances/inventories" || fail "'$tag' is shown"
done
! grep -rlF 'se"cret' "$MOUNT/api-jobs" || fail "a job shows the root password"

step "an empty root disk and an ISO that boots"
iso=$(add_image "$media/tiny.iso" iso installer)
assert_eq "$(value "images/$iso/mediaType")" ISO
assert_refused vm-instances/create "$(vm_json setup "$iso")" EINVAL 'rootDiskOfferingUuid cannot be null'
vm2=$(create_vm setup "$iso" '{"instanceOfferingUuid":"'"$small"'","rootDiskOfferingUuid":"'"$disk"'"}')
wait_serial "$vm2" "TINY ready" 120
assert_eq "$(value "vm-instances/$vm2/inventory" | jq -r '.allVolumes[0] | "\(.type) \(.size)"')" "Root 16777216"

step "expunging leaves neither files nor leases"
for uuid in "$vm" "$vm2"; do
	act "vm-instances/$uuid" destroy
	act "vm-instances/$uuid" expunge
done
data=$(jq -r '.inventories[] | select(.type == "Data") | .uuid' "$MOUNT/volumes/inventories")
assert_eq "$(find "$STATE/primary" -type f -name '*.qcow2' ! -name 'image-*' -printf '%f\n')" "$data.qcow2"
assert_eq "$(find "$STATE/primary" -name 'nocloud-*')" ""
assert_eq "$(on_host list --all --name | tr -d '\n')" ""
on_host net-dumpxml "poolfs-${l3:0:8}" | lacks '<host mac' || fail "a lease is left"
