#!/bin/bash
# HA levels: NeverStop VMs start again unless stopHA was said; VMs of a dead host start elsewhere.
# limit: 200
. "$(dirname "$0")/../tree/lib.sh"

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
}

# started_by_ha VM COUNT: have COUNT of its starts by HA succeeded?
started_by_ha() {
	local n=0 source job
	while read -r source; do
		job=${source%source}
		[ "$(cat "${job}operation") $(cat "${job}state")" = "StartVmInstance Done" ] && n=$((n + 1))
	done < <(grep -lx ha "$MOUNT/vm-instances/$1"/jobs/*/source)
	[ "$n" -ge "$2" ]
}

mount_pool
image=$(small_image)
vm=$(create_vm web "$image")
dir=vm-instances/$vm

step "the level is set, read, changed and deleted"
assert_eq "$(value "$dir/ha-levels" | jq -c .)" '{}'
assert_refused "$dir/actions" 'set-ha-level level=Sometimes' EINVAL 'NeverStop, OnHostFailure'
act "$dir" set-ha-level level=OnHostFailure
act "$dir" set-ha-level level=NeverStop
assert_eq "$(value "$dir/ha-levels" | jq -r .level)" NeverStop
assert_eq "$(grep -l '^ha::' "$MOUNT/$dir"/tags/* | wc -l)" 1 "the number of its levels"

step "a stop succeeds, and a job of HA starts the VM again"
act "$dir" stop type=cold
wait_until 20 started_by_ha "$vm" 1
wait_for "$dir/state" Running 20

step "stopHA keeps it stopped, also over a restart, and also if HA was about to start it"
act "$dir" stop type=cold stopHA=true
assert_eq "$(value "$dir/state")" Stopped
sleep 2.5
assert_eq "$(value "$dir/state")" Stopped "the state after stopHA"
remount_pool
sleep 2.5
assert_eq "$(value "$dir/state")" Stopped "the state after stopHA and a restart"

step "a start by hand ends that"
act "$dir" start
act "$dir" stop type=cold
wait_until 20 started_by_ha "$vm" 2
wait_for "$dir/state" Running 20

step "a start that fails is tried again, with pauses, until it works"
host=$(first hosts)
act "hosts/$host" change-state stateEvent=disable
act "$dir" stop type=cold
setting ha.neverStopVm.gc.maxRetryIntervalTime 1 # without it, the pauses would double
failed_six_times() {
	[ "$(grep -lx ha "$MOUNT/$dir"/jobs/*/source | sed 's/source$/state/' | xargs grep -lx Failed | wc -l)" -ge 6 ]
}
wait_until 30 failed_six_times
assert_eq "$(value "$dir/state")" Stopped
act "hosts/$host" change-state stateEvent=enable
wait_for "$dir/state" Running 60

step "without a level it stays stopped; ha.enable applies to all VMs"
setting ha.enable false
act "$dir" stop type=cold
sleep 2.5
assert_eq "$(value "$dir/state")" Stopped "the state while ha.enable is false"
act "$dir" delete-ha-level
setting ha.enable true
sleep 2.5
assert_eq "$(value "$dir/state")" Stopped "the state without a level"

step "a dead host: VMs on shared storage start elsewhere, the rest waits"
zone=$(first zones)
sims=$(create clusters '{"params":{"name":"sims","zoneUuid":"'"$zone"'","hypervisorType":"Simulator"}}')
mkdir "$CASE_DIR/shared"
for n in 1 2; do
	create hosts/simulators '{"params":{"name":"s'$n'","managementIp":"10.0.0.'$n'","clusterUuid":"'"$sims"'"}}' >/dev/null
done
ps=$(create primary-storage/smp '{"params":{"name":"shared","url":"'"$CASE_DIR/shared"'","zoneUuid":"'"$zone"'"}}')
act "primary-storage/$ps" attach-to-cluster "clusterUuid=$sims"
act "l2-networks/$(first l2-networks)" attach-to-cluster "clusterUuid=$sims"
shared=$(create vm-instances "$(vm_json shared "$image" '{"clusterUuid":"'"$sims"'"}' | jq -c '. + {systemTags: ["ha::OnHostFailure"]}')")
plain=$(create vm-instances "$(vm_json plain "$image" '{"hostUuid":"'"$(value "vm-instances/$shared/hostUuid")"'"}')")
dead=$(value "vm-instances/$shared/hostUuid")
setting host.ping.interval 1
setting host.ping.maxFailure 1
rm "$STATE/simulators/$dead.xml"
request "hosts/$dead/actions" reconnect >/dev/null
wait_for "hosts/$dead/status" Disconnected 20
wait_until 30 started_by_ha "$shared" 1
wait_for "vm-instances/$shared/state" Running 20
[ "$(value "vm-instances/$shared/hostUuid")" != "$dead" ] || fail "it was started on the dead host"
assert_eq "$(value "vm-instances/$plain/state")" Unknown "the VM without a level"
