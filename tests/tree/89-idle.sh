#!/bin/bash
# While nothing happens, no thread of the daemon wakes up; what happens wakes those that it concerns.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20

# How often the threads of the daemon have begun to run.
switches() {
	local pid
	for pid in $(pool_pids); do
		cat "/proc/$pid"/task/*/status
	done | awk '/ctxt_switches/ { sum += $2 } END { print sum }'
}

sleeps() {
	local before
	before=$(switches)
	sleep 3
	[ "$(switches)" = "$before" ]
}

step "an empty pool"
wait_until 20 sleeps

step "a pool with a VM that is stopped"
vm=$(create_vm still "$(small_image)")
act "vm-instances/$vm" stop type=cold
wait_until 20 sleeps

step "one that is not to stop is started although the daemon sleeps"
act "vm-instances/$vm" start
act "vm-instances/$vm" set-ha-level level=NeverStop
act "vm-instances/$vm" stop type=cold
wait_for "vm-instances/$vm/state" Running 20
