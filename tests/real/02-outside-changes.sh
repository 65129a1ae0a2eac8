#!/bin/bash
# Changes of a VM on its host show in the tree within a second; the pool survives the loss of libvirtd.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

tiny_pool
host=$(first hosts)
vm=$(create_vm web "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
wait_serial "$vm" "TINY ready" 60

step "virsh suspend and resume"
on_host suspend "$vm" >/dev/null
wait_for "$dir/state" Paused 10
on_host resume "$vm" >/dev/null
wait_for "$dir/state" Running 10

step "virsh destroy and start"
on_host dumpxml "$vm" >domain.xml
on_host destroy "$vm" >/dev/null
wait_for "$dir/state" Stopped 10
on_host dominfo "$vm" >/dev/null 2>&1 || on_host define domain.xml >/dev/null
on_host start "$vm" >/dev/null
wait_for "$dir/state" Running 10
assert_eq "$(value "$dir/hostUuid")" "$host"
wait_serial "$vm" "boots=2" 60

step "the guest powers itself off"
wait_until 20 agent_ping "$vm"
guest_begin "$vm" 'sync; poweroff -f'
wait_for "$dir/state" Stopped 10
act "$dir" start
assert_eq "$(value "$dir/state")" Running

step "QEMU is killed"
host exec h1 sh -c "kill -KILL \$(cat /run/libvirt/qemu/$vm.pid)"
wait_for "$dir/state" Stopped 10
act "$dir" start

step "libvirtd is killed: the host is Disconnected, its VMs are Unknown, reads still work"
host killd h1
wait_for "hosts/$host/status" Disconnected 10
wait_for "$dir/state" Unknown 10
timeout 100 find "$MOUNT" -type f ! -name data -exec cat {} + >/dev/null || fail "reading the tree fails or hangs without libvirtd"
assert_eq "$(value "$dir/name")" web
assert_refused "$dir/actions" pause EBUSY Unknown

step "libvirtd comes back: all states are right again"
host restart h1
wait_for "hosts/$host/status" Connected 15
wait_for "$dir/state" Running 10
act "$dir" pause
act "$dir" resume

step "changes made while libvirtd was down are found"
pid=$(host exec h1 cat "/run/libvirt/qemu/$vm.pid")
host killd h1
wait_for "hosts/$host/status" Disconnected 10
host exec h1 kill -KILL "$pid"
host restart h1
wait_for "hosts/$host/status" Connected 15
wait_for "$dir/state" Stopped 10

step "libvirtd is down when the pool is mounted"
act "$dir" start
umount_pool
host killd h1
mount_pool
wait_for "hosts/$host/status" Disconnected 10
wait_for "$dir/state" Unknown 10
host restart h1
wait_for "hosts/$host/status" Connected 15
wait_for "$dir/state" Running 10

step "the whole host loses its power"
host down h1
wait_for "hosts/$host/status" Disconnected 10
wait_for "$dir/state" Unknown 10
host_up h1
wait_for "hosts/$host/status" Connected 15
wait_for "$dir/state" Stopped 10
act "$dir" start
