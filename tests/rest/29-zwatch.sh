#!/bin/bash
# Metric data (zwatch): the statistics of VMs and hosts under the names of later servers, for whom they are.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)
vm=$(create_vm web "$image")
vm2=$(create_vm db "$image")
host=$(first hosts)
M=/v1/zwatch/metrics

# values NAMESPACE METRIC [QUERY]: the points, as "uuid value" lines, sorted; sets $BODY.
values() {
	http GET "$M?namespace=${1/\//%2F}&metricName=$2${3:+&$3}"
	[ "$STATUS" = 200 ] || fail "$STATUS $BODY"
	jq -r '.data[] | "\(.labels.VMUuid // .labels.HostUuid) \(.value)"' <<<"$BODY" | sort
}

step "the metrics are listed, with what they are of"
assert_http 200 '"schema":\{"metrics\[0\]":"org.zstack.zwatch.api.APIGetAllMetricMetadataReply.MetricStruct"' \
	GET "$M/meta-data?namespace=ZStack%2FVM&name=CPUUsedUtilization" '' -H 'X-JSON-Schema: true'
assert_eq "$(jq -c '[.metrics[] | .namespace, .name, .labelNames]' <<<"$BODY")" \
	'["ZStack/VM","CPUUsedUtilization",["VMUuid","HostUuid"]]'
http GET "$M/meta-data?namespace=ZStack/Host"
assert_eq "$(jq -r '[.metrics[] | .name] | join(" ")' <<<"$BODY")" \
	"CPUUsedUtilization CPUAverageUsedUtilization CPUAllUsedUtilization MemoryUsedBytes MemoryUsedInPercent MemoryFreeBytes MemoryFreeInPercent"

step "each VM that runs has a point, which labels choose"
assert_eq "$(values ZStack/VM MemoryUsedBytes | cut -d ' ' -f 1)" "$(printf '%s\n' "$vm" "$vm2" | sort)"
http GET "$M?namespace=ZStack/VM&metricName=MemoryUsedBytes&labels=VMUuid=$vm" '' -H 'X-JSON-Schema: true'
assert_eq "$(jq -r '.schema["data[0]"]' <<<"$BODY")" org.zstack.zwatch.datatype.Datapoint
assert_eq "$(jq -c '.data[0] | [.labels.HostUuid, (.time | type), (.value | type)]' <<<"$BODY")" "[\"$host\",\"number\",\"number\"]"
used=$(jq .data[0].value <<<"$BODY")
assert_eq "$(value "vm-instances/$vm/stats/memoryBytes")" "${used%.0}"
time=$(jq .data[0].time <<<"$BODY")
assert_eq "$(values ZStack/VM MemoryUsedBytes "labels=VMUuid!=$vm" | cut -d ' ' -f 1)" "$vm2"
assert_eq "$(values ZStack/VM MemoryUsedBytes "labels=VMUuid=~$vm|x&labels=HostUuid=$host" | cut -d ' ' -f 1)" "$vm"
assert_eq "$(values ZStack/VM MemoryUsedBytes "labels=VMUuid=$vm&labels=CPUNum=0")" ""
total=$(value "vm-instances/$vm/memorySize")
assert_eq "$(values ZStack/VM MemoryFreeInPercent "labels=VMUuid=$vm" | cut -d ' ' -f 2 | jq -s --argjson u "$used" --argjson t "$total" \
	'.[0] == (100 - 100 * ([$u, $t] | min) / $t)')" true

step "a point is of its time, and there is no history"
assert_eq "$(values ZStack/VM MemoryUsedBytes "startTime=$((time - 60))&endTime=$((time + 60))&period=10" | wc -l)" 2
assert_eq "$(values ZStack/VM MemoryUsedBytes "startTime=$(((time - 60) * 1000))&endTime=$(((time + 600) * 1000))" | wc -l)" 2
assert_eq "$(values ZStack/VM MemoryUsedBytes "startTime=$((time - 7200))&endTime=$((time - 3600))")" ""
assert_eq "$(values ZStack/VM MemoryUsedBytes offsetAheadOfCurrentTime=900 | wc -l)" 2

step "what grows is known from the second sample on"
echo 1 >"$MOUNT/global-configurations/statistics/maxAge/value"
has_rate() { values "$1" "$2" | finds "^$3 [0-9]"; }
wait_until 20 has_rate ZStack/VM CPUUsedUtilization "$vm"
wait_until 20 has_rate ZStack/VM DiskAllReadBytes "$vm"
wait_until 20 has_rate ZStack/VM NetworkAllOutPackets "$vm2"

step "a simulated host has no load; the values of labels"
assert_eq "$(values ZStack/Host MemoryUsedInPercent)" ""
http GET "$M/label-values?namespace=ZStack/VM&metricName=MemoryUsedBytes&labelNames=HostUuid"
assert_eq "$(jq -c .labels <<<"$BODY")" "[{\"HostUuid\":\"$host\"}]"
http GET "$M/label-values?namespace=ZStack/VM&metricName=MemoryUsedBytes&labelNames=VMUuid&labelNames=No&filterLabels=VMUuid=$vm"
assert_eq "$(jq -c .labels <<<"$BODY")" "[{\"VMUuid\":\"$vm\"}]"

step "what is not there, or makes no sense, is refused with a sentence"
assert_http 503 "there is no metric 'Warmth' in the namespace 'ZStack/VM'" GET "$M?namespace=ZStack/VM&metricName=Warmth"
assert_http 503 "there is no metric 'DiskReadBytes' in the namespace 'ZStack/Host'" GET "$M?namespace=ZStack/Host&metricName=DiskReadBytes"
assert_http 503 "is no condition on a label" GET "$M?namespace=ZStack/VM&metricName=MemoryUsedBytes&labels=VMUuid"
assert_http 503 "can only be texts with" GET "$M?namespace=ZStack/VM&metricName=MemoryUsedBytes&labels=VMUuid=~.*"
assert_http 503 "'functions' is not supported" GET "$M?namespace=ZStack/VM&metricName=MemoryUsedBytes&functions=average()"
assert_http 503 "metricName" GET "$M?namespace=ZStack/VM"

step "an account sees its own VMs"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
alice=$(jq -r .inventory.uuid <<<"$BODY")
assert_job 200 . POST "/v1/account/$alice/resources" "{\"params\":{\"resourceUuid\":\"$vm2\"}}"
login alice pw
assert_eq "$(values ZStack/VM MemoryUsedBytes | cut -d ' ' -f 1)" "$vm2"
assert_eq "$(values ZStack/VM MemoryUsedBytes "labels=VMUuid=$vm")" ""
rest_down
