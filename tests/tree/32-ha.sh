#!/bin/bash
# HA levels: NeverStop VMs start again unless stopHA was said; the VMs of a silent host start elsewhere when, and only
# when, it is known to be dead.
# limit: 300
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
wait_for "$dir/state" Stopped 20
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

step "two simulated hosts that share a storage"
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
dead=$(value "vm-instances/$shared/hostUuid")
other=$(grep -lx "$sims" "$MOUNT"/hosts/*/clusterUuid | xargs -n 1 dirname | xargs -n 1 basename | grep -v "$dead")
plain=$(create vm-instances "$(vm_json plain "$image" '{"hostUuid":"'"$dead"'"}')")
setting host.ping.interval 1
setting host.ping.maxFailure 1

step "what may be a fence command"
chmod 755 "$CASE_DIR"
fence=$CASE_DIR/fence
assert_refused "hosts/$dead/fenceCommand" fence EINVAL 'not an absolute path'
assert_refused "clusters/$sims/actions" 'update fenceCommand=/etc/../bin/true' EINVAL 'not an absolute path'
refused_fence() {
	local job
	job=$(submit "clusters/$sims/actions" "update fenceCommand=$1")
	! job_wait "$job" 2>/dev/null || fail "'$1' was accepted"
	assert_match "$(value "api-jobs/$job/error")" "$2" "the error for '$1'"
	assert_eq "$(value "clusters/$sims/fenceCommand")" ""
}
refused_fence "$fence" 'No such file'
printf '#!/bin/sh\n' >"$fence"
refused_fence "$fence" 'not an executable file'
chmod 777 "$fence"
refused_fence "$fence" 'writable by nobody else'
chmod 755 "$fence"
ln -s "$fence" "$CASE_DIR/link"
refused_fence "$CASE_DIR/link" 'symbolic link'

# silence HOST: its description goes, so that it cannot be connected to. return_host HOST: it is back, without guests.
silence() {
	mv "$STATE/simulators/$1.xml" "$CASE_DIR/$1.xml"
	request "hosts/$1/actions" reconnect >/dev/null
	wait_for "hosts/$1/status" Disconnected 20
}
return_host() {
	mv "$CASE_DIR/$1.xml" "$STATE/simulators/$1.xml"
	act "hosts/$1" reconnect
	wait_for "hosts/$1/status" Connected 20
}

step "without a fence command, nobody knows whether a silent host is dead"
assert_refused "hosts/$dead/actions" confirm-dead EBUSY 'is Connected; only a host that is Disconnected'
assert_refused "hosts/$dead/actions" fence EBUSY 'is Connected'
silence "$dead"
wait_until 20 grep -q confirm-dead "$MOUNT/hosts/$dead/fenceReason"
assert_match "$(grep '"fenceReason"' "$MOUNT/events" | tail -n 1)" 'may still run'
sleep 2.5
assert_eq "$(value "vm-instances/$shared/state") $(value "vm-instances/$plain/state")" "Unknown Unknown"
assert_eq "$(value "vm-instances/$shared/hostUuid")" "$dead"
assert_refused "hosts/$dead/actions" fence ENOENT 'confirm-dead'

step "nothing else makes Stopped of Unknown then"
assert_refused "vm-instances/$plain/actions" 'update state=Stopped' EBUSY 'may still run'
assert_refused "vm-instances/$plain/actions" start EBUSY Unknown
for verb in 'stop type=cold' destroy 'destroy deleteMode=Enforcing'; do
	job=$(submit "vm-instances/$plain/actions" "$verb")
	! job_wait "$job" 2>/dev/null || fail "'$verb' succeeded"
	wait_for "vm-instances/$plain/state" Unknown 5
done
job=$(submit "hosts/$dead/actions" 'delete deleteMode=Enforcing')
! job_wait "$job" 2>/dev/null || fail "the host was deleted"
assert_match "$(value "api-jobs/$job/error")" 'may still run'

step "the word of an administrator: HA starts its VM elsewhere, the other one can be started"
act "hosts/$dead" confirm-dead
assert_eq "$(value "hosts/$dead/fenceStatus")" Confirmed
wait_until 30 started_by_ha "$shared" 1
wait_for "vm-instances/$shared/state" Running 20
assert_eq "$(value "vm-instances/$shared/hostUuid")" "$other"
assert_eq "$(value "vm-instances/$plain/state")" Stopped "the VM without a level"
assert_eq "$(value "vm-instances/$plain/hostUuid")" ""

step "when the host answers again, this is forgotten"
return_host "$dead"
assert_eq "$(value "hosts/$dead/fenceStatus")$(value "hosts/$dead/fenceReason")" ""
assert_eq "$(value "vm-instances/$shared/hostUuid")" "$other"

# The fence command does what is in fence.do, and writes down how it was called.
cat >"$fence" <<EOF
#!/bin/sh
echo "\$*" >>$CASE_DIR/fence.calls
. $CASE_DIR/fence.do
EOF
calls() {
	cut -d' ' -f1 "$CASE_DIR/fence.calls" 2>/dev/null | paste -sd ' '
}
failed_fencing() {
	[ "$(grep -lx FenceHost "$MOUNT/hosts/$1"/jobs/*/operation | sed 's/operation$/state/' | xargs grep -lx Failed | wc -l)" -ge "$2" ]
}

step "a fence command that fails, hangs or does not know: the VMs stay Unknown, and it is tried again"
act "clusters/$sims" update "fenceCommand=$fence"
assert_eq "$(value "clusters/$sims/fenceCommand")" "$fence"
setting ha.fence.timeout 1
echo 'echo "no such outlet"; exit 1' >fence.do
silence "$other"
wait_for "hosts/$other/fenceStatus" Failed 20
wait_until 20 grep -q "no such outlet" "$MOUNT/hosts/$other/fenceReason"
wait_until 20 failed_fencing "$other" 2
echo 'sleep 1000' >fence.do
wait_until 30 grep -q 'within 1 seconds' "$MOUNT/hosts/$other/fenceReason"
setting ha.fence.timeout 60
# shellcheck disable=SC2016 # the command expands it
echo '[ $1 = off ] || { echo on; exit 0; }' >fence.do
wait_until 40 grep -q 'power is still on' "$MOUNT/hosts/$other/fenceReason"
assert_eq "$(value "vm-instances/$shared/state") $(value "vm-instances/$shared/hostUuid")" "Unknown $other"
grep -q "no such outlet" "$STATE/poolfs.log" || fail "the output is not in the log"

step "killed while the command runs, the daemon tries it again"
umount_pool
rm fence.calls
# shellcheck disable=SC2016
echo 'case $1 in off) touch is-off ;; status) [ ! -e is-off ] || exit 2 ;; esac' | sed "s|is-off|$CASE_DIR/is-off|g" >fence.do
POOLFS_TEST_KILL_AT=fence-off mount_pool
(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point was not reached"
umount -l "$MOUNT"
assert_eq "$(calls)" "status off"
mount_pool

step "when it says that the host is off, HA starts the VM elsewhere"
wait_until 60 started_by_ha "$shared" 2
wait_for "vm-instances/$shared/state" Running 20
assert_eq "$(value "vm-instances/$shared/hostUuid")" "$dead"
assert_eq "$(value "hosts/$other/fenceStatus")" Off
assert_eq "$(calls)" "status off status"
assert_eq "$(tail -n 1 fence.calls)" "status $other $(value "hosts/$other/managementIp")" "how it was called"

step "a host's own command goes before that of its cluster; an administrator can call it"
return_host "$other"
rm -f is-off
act "hosts/$other" update "fenceCommand=$fence"
act "clusters/$sims" update fenceCommand=
silence "$other"
act "hosts/$other" fence
assert_eq "$(value "hosts/$other/fenceStatus")" Off
act "hosts/$other" delete
