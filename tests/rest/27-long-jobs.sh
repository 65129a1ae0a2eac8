#!/bin/bash
# Long jobs: an operation by the name of its message, run as a job and followed as clients of later servers do.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
truncate -s 1M "$CASE_DIR/disk.raw"

# submit_long MESSAGE DATA [MEMBER=VALUE...]: sets $long and $BODY.
submit_long() {
	local name=$1 data=$2
	shift 2
	assert_job 200 '"inventory"' POST /v1/longjobs "$(jq -nc --arg n "$name" --arg d "$data" \
		'{params: ({jobName: $n, jobData: $d} + ($ARGS.positional | map(split("=") | {(.[0]): .[1]}) | add // {}))}' --args "$@")"
	long=$(jq -re .inventory.uuid <<<"$BODY")
}

# ended STATE: waits for the end of the long job, which must be this; sets $BODY.
ended() {
	local state
	for _ in $(seq 600); do
		http GET "/v1/longjobs/$long"
		state=$(jq -r '.inventories[0].state' <<<"$BODY")
		case $state in
		Waiting | Running | Canceling) sleep 0.05 ;;
		*) break ;;
		esac
	done
	assert_eq "$state" "$1"
}

step "an image is added by a long job"
submit_long APIAddImageMsg "$(jq -nc --arg u "file://$CASE_DIR/disk.raw" --arg b "$(first backup-storage)" \
	'{name: "disk", url: $u, format: "raw", mediaType: "RootVolumeTemplate", backupStorageUuids: [$b], session: {uuid: "x"}}')" \
	name=adding description=first
ended Succeeded
assert_eq "$(jq -r '.inventories[0] | [.name, .description, .jobName, .executeTime > 0, .managementNodeUuid != null, .lastOpDate != null] | join(" ")' <<<"$BODY")" \
	"adding first APIAddImageMsg true true true"
assert_eq "$(jq -r '.inventories[0].jobData | fromjson | keys | join(" ")' <<<"$BODY")" "backupStorageUuids format mediaType name url"
image=$(jq -r '.inventories[0].jobResult | fromjson.inventory.uuid' <<<"$BODY")
assert_eq "$(value "images/$image/status")" Ready
api=$(jq -r '.inventories[0].apiId' <<<"$BODY")
assert_http 200 '"inventories":\[\]' GET "/v1/task-progresses/$api"
assert_http 200 'org.zstack.header.longjob.LongJobInventory' GET "/v1/longjobs?q=jobName=APIAddImageMsg&q=state=Succeeded" '' -H 'X-JSON-Schema: true'
assert_http 200 "$long" GET "/v1/zql?zql=query%20longjob%20where%20name='adding'"
assert_eq "$(value "api-jobs/$api/operation")" AddImage

step "one that fails says why, and runs again as another job when that is mended"
submit_long APIAddImageMsg "$(jq -nc --arg u "file://$CASE_DIR/later.raw" --arg b "$(first backup-storage)" \
	'{name: "later", url: $u, format: "raw", backupStorageUuids: [$b]}')"
ended Failed
assert_eq "$(jq -r '.inventories[0].jobResult | fromjson | has("code") and has("details")' <<<"$BODY")" true
api=$(jq -r '.inventories[0].apiId' <<<"$BODY")
assert_job 503 'cannot cancel longjob that is failed' PUT "/v1/longjobs/$long/actions" '{"cancelLongJob":{}}'
truncate -s 1M "$CASE_DIR/later.raw"
assert_job 200 "\"uuid\":\"$long\"" PUT "/v1/longjobs/$long/actions" '{"rerunLongJob":{}}'
ended Succeeded
[ "$(jq -r '.inventories[0].apiId' <<<"$BODY")" != "$api" ] || fail "it is the same job"
assert_job 200 '"name":"renamed"' PUT "/v1/longjobs/$long/actions" '{"updateLongJob":{"name":"renamed"}}'

step "what its operation refuses is refused when it is submitted"
assert_job 503 'SYS.1007' POST /v1/longjobs '{"params":{"jobName":"APIAddImageMsg","jobData":"{}"}}'
assert_job 503 "'APINoneMsg' is no operation" POST /v1/longjobs '{"params":{"jobName":"APINoneMsg","jobData":"{}"}}'
assert_job 503 'jobData must be a JSON object' POST /v1/longjobs '{"params":{"jobName":"APIAddImageMsg","jobData":"7"}}'

step "one of an account is seen by it and the administrator alone"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
admins=$SESSION
login alice pw
assert_http 200 '"inventories":\[\]' GET /v1/longjobs
assert_job 503 'LongJobVO] not found' PUT "/v1/longjobs/$long/actions" '{"rerunLongJob":{}}'
assert_job 200 '^\{\}' DELETE "/v1/longjobs/$long"
submit_long APICreateAffinityGroupMsg '{"name":"hers","policy":"antiSoft"}'
ended Succeeded
SESSION=$admins
assert_http 200 '"total":3' GET '/v1/longjobs?replyWithCount=true'

step "they outlive the daemon, until they are deleted"
rest_down
remount_pool -o allow_other,rest-user=nobody
rest_up
login
assert_http 200 "$long" GET "/v1/longjobs/$long"
assert_job 200 '^\{\}' DELETE "/v1/longjobs/$long"
assert_http 200 '"inventories":\[\]' GET "/v1/longjobs/$long"
rest_down
