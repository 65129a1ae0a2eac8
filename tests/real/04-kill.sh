#!/bin/bash
# The daemon is killed at any moment: no job stays without an owner, no VM is in a state that its host does not
# confirm, nothing incomplete is left, and what was acknowledged is there.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
# A guest without a system stays in its BIOS: it starts and dies quickly.
truncate -s 1M bios.raw
image=$(add_image "$PWD/bios.raw" raw bios)
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":"32M"}}')

is_settled() {
	no_job_runs &&
		jq -r '.inventories[].state' "$MOUNT/vm-instances/inventories" | lacks -xE 'Starting|Stopping|Rebooting|Pausing|Resuming|Destroying|Expunging|Unknown'
}

# Sets $pair to what the pool and the host say of a VM. What the killed daemon had asked for may come between the two
# answers, and its event after them.
agrees() {
	pair=$(value "vm-instances/$1/state"):$(on_host domstate "$1" 2>/dev/null | sed -n 1p || true)
	case $pair in
	Running:running | Paused:paused | Stopped:"shut off" | Stopped: | Destroyed: | Created:) return 0 ;;
	esac
	return 1
}

# The pool and the host agree on everything, and there are no orphans.
check_all() {
	local vm
	wait_until 60 is_settled || fail "jobs: $(cat "$MOUNT"/api-jobs/*/state | sort | uniq -c), VMs: $(jq -c '[.inventories[].state]' "$MOUNT/vm-instances/inventories")"
	for vm in $(uuids vm-instances); do
		(wait_until 10 agrees "$vm") 2>/dev/null ||
			agrees "$vm" || fail "pool and domain of VM '$vm': '$pair'"
	done
	for vm in $(on_host list --all --name); do
		[ -e "$MOUNT/vm-instances/$vm" ] || fail "domain '$vm' has no VM"
	done
	jq -r '.inventories[] | .installPath // empty' "$MOUNT/volumes/inventories" | xargs -r -n1 basename | sort >known
	find "$STATE/primary" -type f -name '*.qcow2' ! -name 'image-*' -printf '%f\n' | sort >present
	diff known present || fail "files and volumes differ"
}

step "while VMs are created"
for delay in 0.02 0.1 0.2 0.35 0.5; do
	job=$(submit vm-instances/create "$(vm_json "kill-$delay" "$image" '{"instanceOfferingUuid":"'"$small"'"}')")
	sleep "$delay"
	kill_pool
	mount_pool
	[ -e "$MOUNT/api-jobs/$job" ] || fail "an acknowledged job is gone"
	check_all
	assert_eq "$(value "api-jobs/$job/state") $(value "vm-instances/by-name/kill-$delay/state")" "Done Running"
done

step "while they start, stop, reboot, pause and are destroyed"
vm=$(create_vm life "$image" '{"instanceOfferingUuid":"'"$small"'"}')
for verb in "stop type=cold" start reboot pause resume "stop type=cold" start destroy; do
	case $verb in
	reboot) echo "stop type=cold" >"$MOUNT/vm-instances/$vm/actions" ;; # two in the queue
	esac
	case $(value "vm-instances/$vm/state"):$verb in
	Stopped:stop* | Running:start | Running:resume | Paused:pause) continue ;;
	esac
	job=$(submit "vm-instances/$vm/actions" "$verb" 2>/dev/null) || continue
	sleep "0.0$((RANDOM % 10))"
	kill_pool
	mount_pool
	[ -e "$MOUNT/api-jobs/$job" ] || fail "an acknowledged job is gone"
	check_all
	# a reboot of what the job before has stopped is refused
	[ "$verb" = reboot ] || assert_eq "$(value "api-jobs/$job/state")" Done "the job of '$verb'"
done

step "what was set before the kill is there after it"
for i in 1 2 3 4 5; do
	echo "name-$i" >"$MOUNT/instance-offerings/$small/name"
	kill_pool
	mount_pool
	assert_eq "$(value "instance-offerings/$small/name")" "name-$i"
done
