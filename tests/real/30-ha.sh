#!/bin/bash
# HA with real guests: one that powered itself off and one whose QEMU was killed come back, unless stopHA was said.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

tiny_pool
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'"}' | jq -c '. + {systemTags: ["ha::NeverStop"]}')")
dir=vm-instances/$vm
assert_eq "$(value "$dir/ha-levels" | jq -r .level)" NeverStop
wait_serial "$vm" "TINY ready" 60
wait_until 20 agent_ping "$vm"

step "a guest that powers itself off boots again"
guest_begin "$vm" 'echo kept >/root/file; sync; poweroff -f'
wait_serial "$vm" "TINY ready" 90 2
wait_until 30 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /root/file)" kept
wait_for "$dir/state" Running 20

step "so does one whose QEMU is killed"
host exec h1 pkill -KILL -f "guest=$vm"
wait_serial "$vm" "TINY ready" 90 3
wait_for "$dir/state" Running 20
assert_eq "$(on_host domstate "$vm")" running
[ "$(grep -lx ha "$MOUNT/$dir"/jobs/*/source | wc -l)" -ge 2 ] || fail "the starts were not jobs of HA"

step "and one that is stopped while the daemon is away"
umount_pool
on_host destroy "$vm"
mount_pool
wait_serial "$vm" "TINY ready" 90 4
wait_for "$dir/state" Running 20

step "a stop without stopHA succeeds, and the guest boots again"
act "$dir" stop type=cold
wait_serial "$vm" "TINY ready" 90 5
wait_for "$dir/state" Running 20

step "with stopHA it stays stopped"
act "$dir" stop type=cold stopHA=true
sleep 3
assert_eq "$(value "$dir/state")" Stopped
assert_eq "$(on_host list --name)" "" "what runs on the host"
