#!/bin/bash
# Schedulers: created by verbs of a VM, run as ordinary jobs, kept over a restart, removed with their VM.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm web "$image")
dir=vm-instances/$vm

# scheduler_of JOB: the uuid of the scheduler that a creation made.
scheduler_of() {
	job_wait "$1"
	value "api-jobs/$1/result" | jq -r .inventory.uuid
}

# runs_of SCHEDULER COUNT: has it run at least COUNT times?
runs_of() {
	[ "$(value "schedulers/$1/runs")" -ge "$2" ]
}

step "invalid schedules are refused, in the manual's words"
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=weekly' EINVAL 'simple, cron'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=0 interval=5 repeatCount=0' EINVAL \
	'repeatCount must be positive integer'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=0' EINVAL \
	'interval must be set when use simple scheduler when repeat forever'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=0 repeatCount=2' EINVAL \
	'interval must be set when use simple scheduler when repeat more than once'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=0 interval=-1' EINVAL \
	'interval must be positive integer'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple interval=5' EINVAL 'startTime must be set'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple interval=5 startTime=-1' EINVAL \
	'startTime must be positive integer or 0'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple interval=5 startTime=2147454848' EINVAL \
	'startTime out of range'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=0 interval=2000000000 repeatCount=9' EINVAL \
	'duration time out of range'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=simple startTime=2147454847 interval=9 repeatCount=9' EINVAL \
	'stopTime out of mysql timestamp range'
assert_refused "$dir/actions" 'create-reboot-scheduler schedulerName=x type=cron' EINVAL 'cron must be set'
assert_refused "$dir/actions" '{"createRebootVmInstanceScheduler":{"schedulerName":"x","type":"cron","cron":"0 0 3 * *"}}' EINVAL \
	'cron task must follow format'
assert_refused "$dir/actions" \
	'{"createRebootVmInstanceScheduler":{"schedulerName":"x","type":"cron","cron":"0 0 3 * * ?","interval":5}}' EINVAL \
	'cron scheduler only need to specify cron task'

step "what a simple scheduler will do"
# often START: creates one, which runs twice
often() {
	scheduler_of "$(submit "$dir/actions" \
		"create-reboot-scheduler schedulerName=often type=simple startTime=$1 interval=1 repeatCount=2 schedulerDescription=why")"
}
start=$(($(date +%s) + 1000))
s=schedulers/$(often $start)
assert_eq "$(value "$s/schedulerJob")" RebootVmInstanceJob
assert_eq "$(value "$s/schedulerDescription")" why
assert_eq "$(value "$s/targetResourceUuid")" "$vm"
assert_eq "$(date -d "$(value "$s/stopTime")" +%s)" $((start + 2))
assert_eq "$(date -d "$(value "$s/nextTime")" +%s)" "$start"
act "$s" delete

step "it runs the given number of times, never early, as jobs of its own"
start=$(($(date +%s) + 2))
s=schedulers/$(often $start)
wait_for "$s/runs" 2 20
assert_eq "$(value "$s/nextTime")" ""
# shellcheck disable=SC2016 # expands in the other shell
wait_until 20 bash -c 'test "$(grep -lx scheduler "$1"/jobs/*/source | wc -l)" = 2' - "$MOUNT/$dir"
assert_eq "$(jq -r 'select(.kind == "VmInstance" and .source == "scheduler").uuid' "$MOUNT/events" | sort -u)" "$vm" \
	"whose changes the events call the scheduler's"
grep -lx scheduler "$MOUNT/$dir"/jobs/*/source | while read -r source; do
	assert_eq "$(cat "${source%source}operation")" RebootVmInstance
	date -d "$(cat "${source%source}created")" +%s
done | sort -n >created
mapfile -t created <created
[[ ${created[0]} -ge $start && ${created[1]} -gt $start ]] || fail "the runs came at ${created[*]}, the start was $start"

step "cron; disable, enable and the refusal to do so twice"
cron=$(scheduler_of "$(submit "$dir/actions" '{"createStopVmInstanceScheduler":{"schedulerName":"night","type":"cron","cron":"0 0 3 1 1 ?"}}')")
s=schedulers/$cron
next=$(value "$s/nextTime")
assert_match "$next" '^Jan 1, [0-9]{4} 3:00:00 AM$' "the next run"
assert_eq "$(value "$s/stopTime")" ""
assert_refused "$s/actions" 'change-state stateEvent=enable' EBUSY 'can not enable a Enabled scheduler'
act "$s" change-state stateEvent=disable
assert_eq "$(value "$s/state")" Disabled
assert_eq "$(value "$s/nextTime")" ""
assert_refused "$s/actions" 'change-state stateEvent=disable' EBUSY 'can not disable a Disabled scheduler'
act "$s" change-state stateEvent=enable
assert_eq "$(value "$s/nextTime")" "$next"
echo evening >"$MOUNT/$s/schedulerName"
sync "$MOUNT/$s/schedulerName"
assert_eq "$(readlink "$MOUNT/schedulers/by-name/evening")" "../$cron"

step "they survive a restart, and one whose time came meanwhile runs"
start=$(($(date +%s) + 3))
stopper=$(scheduler_of "$(submit "$dir/actions" "create-stop-scheduler schedulerName=once type=simple startTime=$start repeatCount=1")")
umount_pool
while [ "$(date +%s)" -le "$start" ]; do sleep 0.1; done
mount_pool
assert_eq "$(value "schedulers/$cron/nextTime")" "$next"
wait_for "schedulers/$stopper/runs" 1 10
wait_for "$dir/state" Stopped 20
starter=$(scheduler_of "$(submit "$dir/actions" "create-start-scheduler schedulerName=again type=simple startTime=0 repeatCount=1 hostUuid=$(first hosts)")")
wait_for "$dir/state" Running 20
assert_eq "$(value "schedulers/$starter/runs")" 1

step "a kill loses none of them"
everysecond=$(scheduler_of "$(submit "$dir/actions" "create-stop-scheduler schedulerName=steady type=simple startTime=0 interval=1")")
wait_until 10 runs_of "$everysecond" 2
pool_pids | xargs kill -9
wait_until 15 is_pool_gone
umount "$MOUNT" 2>/dev/null || true
mount_pool
before=$(value "schedulers/$everysecond/runs")
[ "$before" -ge 2 ] || fail "it has run $before times after the kill, it had run twice before"
wait_until 10 runs_of "$everysecond" $((before + 2))
act "schedulers/$everysecond" delete
[ ! -e "$MOUNT/schedulers/$everysecond" ] || fail "the scheduler is still there"

step "a scheduler keeps its last snapshots, and counts only its own"
root=$(value "$dir/rootVolumeUuid")
act "volumes/$root" create-snapshot name=mine
assert_refused "schedulers/$cron/actions" 'update snapshotMaxNumber=3' EINVAL 'takes no snapshots'
assert_refused "volumes/$root/actions" 'create-snapshot-scheduler schedulerName=x snapShotName=x type=simple startTime=0 interval=1 snapshotMaxNumber=-1' ERANGE
keeper=$(scheduler_of "$(submit "volumes/$root/actions" \
	'create-snapshot-scheduler schedulerName=keeps snapShotName=kept type=simple startTime=0 interval=1 snapshotMaxNumber=2')")
assert_eq "$(value "schedulers/$keeper/snapshotMaxNumber")" 2
# its_snapshots COUNT: has it COUNT snapshots, besides one that was taken by hand?
its_snapshots() {
	[ "$(grep -lx "$keeper" "$MOUNT"/volume-snapshots/*/schedulerUuid | wc -l)" = "$1" ] &&
		[ "$(uuids volume-snapshots | wc -l)" = $(($1 + 1)) ]
}
wait_until 20 runs_of "$keeper" 4
wait_until 20 its_snapshots 2
echo 1 >"$MOUNT/schedulers/$keeper/snapshotMaxNumber"
wait_until 20 its_snapshots 1
act "schedulers/$keeper" change-state stateEvent=disable
wait_until 20 its_snapshots 1
kept=$(grep -lx "$keeper" "$MOUNT"/volume-snapshots/*/schedulerUuid)
act "schedulers/$keeper" delete
assert_eq "$(cat "$kept")" "" "the scheduler of a snapshot whose scheduler is gone"
act "volume-snapshots/$(basename "$(dirname "$(grep -lx mine "$MOUNT"/volume-snapshots/*/name)")")" delete
assert_eq "$(uuids volume-snapshots)" ""

step "they do not run while the VM is destroyed, and are removed with it"
act "$dir" stop
steady=$(scheduler_of "$(submit "$dir/actions" "create-start-scheduler schedulerName=rests type=simple startTime=0 interval=1")")
wait_until 10 runs_of "$steady" 1
act "$dir" destroy
runs=$(value "schedulers/$steady/runs")
sleep 2.5
assert_eq "$(value "schedulers/$steady/runs")" "$runs" "the number of runs of a destroyed VM"
assert_refused "$dir/actions" 'create-start-scheduler schedulerName=x type=simple startTime=0 interval=1' EBUSY \
	'can only create scheduler when state is not Destroyed'
act "$dir" recover
wait_until 10 runs_of "$steady" $((runs + 1))
wait_for "$dir/state" Running 20
act "$dir" destroy
act "$dir" expunge
assert_eq "$(uuids schedulers)" "" "schedulers after their VM"
