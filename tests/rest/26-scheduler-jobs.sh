#!/bin/bash
# Scheduler jobs and triggers: a job on a trigger is a scheduler, which follows both and goes with either.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)
vm=$(create_vm web "$image")
far=2000000000

# make_job TYPE TARGET [MEMBERS]: makes a job, whose uuid is in $uuid.
make_job() {
	assert_job 200 '"state":"Enabled"' POST /v1/scheduler/jobs \
		"{\"params\":{\"name\":\"$1\",\"type\":\"$1\",\"targetResourceUuid\":\"$2\"${3-}}}"
	uuid=$(jq -r .inventory.uuid <<<"$BODY")
}

# make_trigger MEMBERS: makes a trigger, whose uuid is in $uuid.
make_trigger() {
	assert_job 200 '"uuid"' POST /v1/scheduler/triggers "{\"params\":{\"name\":\"t\",$1}}"
	uuid=$(jq -r .inventory.uuid <<<"$BODY")
}

# The uuids in the list of an object: list_of PATH MEMBER
list_of() {
	http GET "$1"
	jq -c ".inventories[0].$2" <<<"$BODY"
}

step "what makes no job or trigger is refused"
for type in volumeBackup vmBackup; do
	assert_job 503 "'$type' is not supported: the pool makes no backups" POST /v1/scheduler/jobs \
		"{\"params\":{\"name\":\"b\",\"type\":\"$type\",\"targetResourceUuid\":\"$vm\"}}"
done
assert_job 503 'startTime must be set' POST /v1/scheduler/triggers \
	'{"params":{"name":"t","schedulerType":"simple","schedulerInterval":60}}'
assert_job 503 'cron task must follow format' POST /v1/scheduler/triggers \
	'{"params":{"name":"t","schedulerType":"cron","cron":"daily"}}'

step "a job and a trigger, each by itself, start nothing"
make_job rebootVm "$vm"
reboot=$uuid
assert_eq "$(jq -c '.inventory | [.jobClassName, .jobData, .triggersUuid, .schedulerJobGroupUuids, .targetResourceUuid]' <<<"$BODY")" \
	"[\"RebootVmInstanceJob\",\"{}\",[],[],\"$vm\"]"
make_trigger "\"schedulerType\":\"simple\",\"schedulerInterval\":3600,\"repeatCount\":3,\"startTime\":$far"
later=$uuid
assert_eq "$(jq -c '.inventory | [.schedulerType, .schedulerInterval, .repeatCount, .jobsUuid, .jobGroupsUuid]' <<<"$BODY")" \
	'["simple",3600,3,[],[]]'
assert_eq "$(date -d "$(jq -r .inventory.startTime <<<"$BODY")" +%s) $(date -d "$(jq -r .inventory.stopTime <<<"$BODY")" +%s)" \
	"$far $((far + 3 * 3600))"
assert_http 200 '"inventories":\[\]' GET /v1/schedulers
assert_http 200 "$reboot" GET /v1/scheduler/jobs/candidates
assert_http 200 "$later" GET /v1/scheduler/triggers/available
assert_http 200 '"schema":\{"inventories\[0\]":"org.zstack.header.scheduler.SchedulerJobInventory"\}' GET "/v1/scheduler/jobs/$reboot"
assert_http 200 '"schema":\{"inventories\[0\]":"org.zstack.header.scheduler.SchedulerTriggerInventory"\}' \
	GET "/v1/scheduler/triggers?q=name=t&q=schedulerType=simple"

assert_http 200 "\"uuid\":\"$reboot\"" GET "/v1/zql?zql=query%20schedulerjob.uuid%20where%20targetResourceUuid%3D'$vm'"

step "together they are a scheduler"
assert_job 200 'schedulerJobUuid' POST "/v1/scheduler/jobs/$reboot/scheduler/triggers/$later" '{}'
assert_eq "$(jq -c '.inventory | [.schedulerJobUuid, .schedulerTriggerUuid]' <<<"$BODY")" "[\"$reboot\",\"$later\"]"
pair=$(jq -r .inventory.uuid <<<"$BODY")
assert_http 200 "\"targetResourceUuid\":\"$vm\"" GET "/v1/schedulers/$pair"
assert_eq "$(list_of "/v1/scheduler/jobs/$reboot" triggersUuid) $(list_of "/v1/scheduler/triggers/$later" jobsUuid)" \
	"[\"$later\"] [\"$reboot\"]"
assert_eq "$(list_of "/v1/scheduler/jobs?q=triggersUuid=$later" uuid)" "\"$reboot\""
assert_http 200 '"inventories":\[\]' GET /v1/scheduler/jobs/candidates
assert_job 503 'twice to the same trigger' POST "/v1/scheduler/jobs/$reboot/scheduler/triggers/$later" '{}'
assert_job 503 'change these instead' PUT "/v1/schedulers/$pair" '{"changeSchedulerState":{"stateEvent":"disable"}}'

step "it follows its job and its trigger; a state is that of the job"
assert_job 200 '"name":"other"' PUT "/v1/scheduler/jobs/$reboot/actions" '{"updateSchedulerJob":{"name":"other","description":"d"}}'
assert_job 200 '"schedulerInterval":60' PUT "/v1/scheduler/triggers/$later/actions" '{"updateSchedulerTrigger":{"schedulerInterval":60}}'
assert_http 200 '"schedulerName":"other".*"schedulerInterval":60' GET "/v1/schedulers/$pair"
assert_job 200 '"state":"Disabled".*"triggersUuid"' PUT "/v1/schedulers/$reboot" '{"changeSchedulerState":{"stateEvent":"disable"}}'
assert_http 200 '"state":"Disabled"' GET "/v1/schedulers/$pair"
assert_job 200 '"state":"Enabled"' PUT "/v1/schedulers/$reboot" '{"changeSchedulerState":{"stateEvent":"enable"}}'
assert_eq "$(value "schedulers/$pair/state") $(value "schedulers/$pair/schedulerTriggerUuid")" "Enabled $later"

step "it runs when its trigger says, or is asked to"
make_trigger '"schedulerType":"simple","schedulerInterval":1,"repeatCount":2,"startTime":0'
soon=$uuid
assert_job 200 . POST "/v1/scheduler/jobs/$reboot/scheduler/triggers/$soon" '{"params":{"triggerNow":false}}'
twice=$(jq -r .inventory.uuid <<<"$BODY")
wait_for "schedulers/$twice/runs" 2 30
wait_for "schedulers/$twice/state" Completed 10
assert_job 200 . PUT "/v1/scheduler/triggers/$later/actions" "{\"runSchedulerTrigger\":{\"jobUuids\":[\"$reboot\"]}}"
assert_eq "$(value "schedulers/$pair/runs")" 1
sync "$MOUNT/vm-instances/$vm/actions"
cat "$MOUNT/vm-instances/$vm/jobs"/*/source | finds -x scheduler

step "in the tree they are folders like any other"
nightly=$(create schedulers/triggers "name=nightly schedulerType=cron cron='0 0 3 * * ?'")
volume=$(value "vm-instances/$vm/rootVolumeUuid")
shots=$(create schedulers/jobs \
	'{"name":"shots","type":"volumeSnapshot","targetResourceUuid":"'"$volume"'","parameters":{"snapshotMaxNumber":"2"}}')
finds "$shots" <"$MOUNT/schedulers/jobs/candidates"
act "schedulers/jobs/$shots" add-trigger schedulerTriggerUuid="$nightly" triggerNow=true
assert_eq "$(value "schedulers/by-name/shots/snapshotMaxNumber") $(value "schedulers/by-name/shots/cronScheduler")" "2 0 0 3 * * ?"
echo '0 30 4 * * ?' >"$MOUNT/schedulers/triggers/$nightly/cron"
assert_eq "$(value "schedulers/by-name/shots/cronScheduler")" '0 30 4 * * ?'
act "schedulers/jobs/$shots" change-state stateEvent=disable
assert_eq "$(value "schedulers/by-name/shots/state")" Disabled
act "schedulers/jobs/$shots" remove-trigger schedulerTriggerUuid="$nightly"
[ ! -e "$MOUNT/schedulers/by-name/shots" ] || fail "the scheduler is still there"
assert_eq "$(value "schedulers/jobs/$shots/type") $(value "schedulers/jobs/$shots/jobData")" 'volumeSnapshot {"snapshotMaxNumber":2}'

step "an account has its own jobs and triggers, and jobs on its own VMs"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
admin=$SESSION
login alice pw
for path in jobs triggers jobs/candidates triggers/available; do
	assert_http 200 '"inventories":\[\]' GET "/v1/scheduler/$path"
done
assert_job 503 'ID.1002' POST /v1/scheduler/jobs "{\"params\":{\"name\":\"x\",\"type\":\"stopVm\",\"targetResourceUuid\":\"$vm\"}}"
assert_job 503 'ID.1002' PUT "/v1/schedulers/$reboot" '{"changeSchedulerState":{"stateEvent":"disable"}}'
assert_job 503 'ID.1002' DELETE "/v1/scheduler/triggers/$later"
SESSION=$admin

step "with a trigger go its schedulers, with a VM its jobs"
assert_job 200 '^\{\}' DELETE "/v1/scheduler/jobs/$reboot/scheduler/triggers/$soon"
assert_job 200 '^\{\}' DELETE "/v1/scheduler/triggers/$later?deleteMode=Permissive"
assert_http 200 '"inventories":\[\]' GET /v1/schedulers
assert_eq "$(list_of "/v1/scheduler/jobs/$reboot" triggersUuid)" '[]'
assert_job 200 . POST "/v1/scheduler/jobs/$reboot/scheduler/triggers/$nightly" '{}'
assert_job 200 . DELETE "/v1/vm-instances/$vm"
assert_job 200 . PUT "/v1/vm-instances/$vm/actions" '{"expungeVmInstance":{}}'
assert_http 200 '"inventories":\[\]' GET /v1/scheduler/jobs
assert_http 200 '"inventories":\[\]' GET /v1/schedulers
assert_job 200 . DELETE "/v1/scheduler/triggers/$nightly"
rest_down
