#!/bin/bash
# The checklist for a compatible server (behaviour.md 6.5) and the union of manual and wire (2.7), point by point.
# limit: 180
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
id() { printf '%032x' "$1"; }
# keys FILTER: the names of the members there in the last body.
keys() { jq -c "$1 | keys" <<<"$BODY"; }
zone=$(first zones)
vm=$(create_vm vm "$(small_image)")
volume=$(value "vm-instances/$vm/rootVolumeUuid")
nic=$(value "vm-instances/$vm/inventory" | jq -r '.vmNics[0].uuid')

step "1: both bases on one port"
http GET "/zstack/v1/zones/$zone"
with_base=$BODY
assert_http 200 . GET "/v1/zones/$zone"
assert_eq "$BODY" "$with_base" "the answer without /zstack"

step "2: the location is on the host that was called"
assert_http 202 '^\{"location":"http://api.example.com:8443/zstack/v1/api-jobs/0{31}2"\}$' POST /v1/zones '{"params":{"name":"host"}}' \
	-H 'Host: api.example.com:8443' -H "X-Job-UUID: $(id 2)"
assert_http 202 '^\{"location":"http://localhost/zstack/v1/api-jobs/' POST /v1/zones '{"params":{"name":"host"}}' -H 'Host: a"b'

step "3: no 200 has an empty body"
assert_job 200 '^\{\}$' DELETE "/v1/zones/$(id 9)"
assert_http 200 '^\{\}$' DELETE "/v1/accounts/sessions/$(id 9)"

step "4: polls need no Authorization"
SESSION='' assert_http 200 '"name":"host"' GET "/v1/api-jobs/$(id 2)"

step "5: the job's uuid is the client's, else a new one; one of another length is refused"
http POST /v1/zones '{"params":{"name":"own"}}'
assert_match "$BODY" '/api-jobs/[0-9a-f]{32}"'
assert_http 400 '^Invalid header\[X-Job-UUID\]' POST /v1/zones '{"params":{"name":"own"}}' -H "X-Job-UUID: $(id 5)0"

step "6: X-JSON-Schema adds the schema, parents first; queries always have it"
assert_job 200 '^\{"inventory":' PUT "/v1/zones/$zone/actions" '{"updateZone":{"description":"d"}}' -H "X-Job-UUID: $(id 6)"
assert_eq "$(keys .)" '["inventory"]'
SESSION='' assert_http 200 '"schema":\{"inventory":"org.zstack.header.zone.ZoneInventory"\}' GET "/v1/api-jobs/$(id 6)" '' -H 'X-JSON-Schema: true'
http GET "/v1/vm-instances/$vm"
assert_eq "$(jq -c '.schema | keys_unsorted | map(sub("\\[.*"; ""; "g") | length) | . == sort' <<<"$BODY")" true "parents before children"

step "7: an object by its uuid comes as inventories and as inventory"
assert_http 200 '.' GET "/v1/zones/$zone"
assert_eq "$(jq -c '.inventories == [.inventory]' <<<"$BODY")" true
assert_http 200 '^\{"inventories":\[\],"schema":\{\}\}$' GET "/v1/zones/$(id 9)"

step "8: no nulls, integers without fraction, dates of en_US"
assert_http 200 '"createDate":"[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2} (AM|PM)"' GET /v1/vm-instances
assert_not grep -Eq '":null|":-?[0-9]+(\.[0-9]|[eE])' <<<"$BODY"

step "9: errors: 503 with the error at once, or 202 and the job's 503"
assert_http 503 '^\{"error":\{"code":"SYS\.[0-9]+","description":"[^"]+","details":"' GET "/v1/vm-instances/$(id 9)/capabilities"
assert_job 503 '^\{"error":\{"code":"SYS\.[0-9]+","description":"[^"]+","details":"' PUT "/v1/vm-instances/$(id 9)/actions" '{"startVmInstance":{}}'

step "10: tags at both levels of the body"
for body in '{"params":{"name":"t"},"userTags":["ten"]}' '{"params":{"name":"t","userTags":["ten"]}}'; do
	assert_job 200 '"name":"t"' POST /v1/zones "$body"
	assert_http 200 '"tag":"ten"' GET "/v1/user-tags?q=resourceUuid=$(jq -r .inventory.uuid <<<"$BODY")"
done

step "11: unknown members, query parameters and system tags are ignored"
assert_job 200 '"name":"eleven"' POST '/v1/zones?what=ever' '{"params":{"name":"eleven","what":{"ever":[1]}},"more":1,"systemTags":["what::ever"]}'
assert_http 200 '"name":"eleven"' GET '/v1/zones?q=name=eleven&filterName=x'

step "12: lists are repeated parameters, or .0 and .1"
for list in "zoneUuids=$zone&zoneUuids=$(id 9)" "zoneUuids.0=$zone&zoneUuids.1=$(id 9)"; do
	assert_http 200 '"totalCpu":' GET "/v1/hosts/capacities/cpu-memory?$list"
	lists+=("$BODY")
done
assert_eq "${lists[0]}" "${lists[1]}" "the answer to the second form"

step "13: q and condition, null, a raw +"
http GET '/v1/zones?q=name=eleven'
by_q=$BODY
assert_http 200 . GET '/v1/zones?condition=name=eleven'
assert_eq "$BODY" "$by_q"
for none in 'description=null' 'description%20is%20null'; do
	assert_http 200 '"total":' GET "/v1/zones?count=true&q=$none"
	nulls+=("$BODY")
done
assert_eq "${nulls[0]}" "${nulls[1]}"
assert_eq "$(jq .total <<<"$BODY")" "$(value zones/inventories | jq '[.inventories[] | select(.description == null)] | length')" "zones without description"
assert_http 200 . GET '/v1/zones?sort=+uuid&fields=uuid'
assert_eq "$(jq -c '[.inventories[].uuid] | . == sort' <<<"$BODY")" true "sorted upwards"

step "14: exact paths before those with a uuid"
assert_http 200 '"formats":' GET /v1/volumes/formats
assert_http 200 '"vmInstanceUuid":' GET /v1/vm-instances/nics
assert_http 200 '"inventories":\[\]' GET /v1/vm-instances/nothing

step "15: PUT and POST where the manual mixes them; a GET changes nothing"
before=$(value "volumes/$volume/inventory")
assert_job 200 '^\{' PUT "/v1/volumes/$volume/actions" '{"setVolumeQos":{"volumeBandwidth":1048576}}'
assert_job 200 '^\{' DELETE "/v1/volumes/$volume/qos?mode=total"
assert_http 500 'No query API' GET "/v1/volumes/$volume/actions" '{"deleteDataVolume":{}}'
assert_http 405 'not allowed' GET "/v1/system-tags/$zone/actions"
assert_eq "$(value "volumes/$volume/inventory" | jq -S 'del(.lastOpDate)')" "$(jq -S 'del(.lastOpDate)' <<<"$before")" "the volume"

step "16: results of jobs are kept for at least three hours, also after a restart"
kept=$(value global-configurations/rest/completedApi.expiredPeriod/value)
[ "$kept" -ge 10800 ] || fail "results are kept for only $kept s"
pool_pids | xargs kill
wait_until 15 is_pool_gone
if mountpoint -q "$MOUNT"; then umount -l "$MOUNT"; fi
mount_pool -o allow_other,rest-user=nobody
SESSION='' assert_http 200 '"name":"host"' GET "/v1/api-jobs/$(id 2)"

step "17, 18: successes are 200 or 202, and no client is redirected"
for path in /v1 /v1/ /zstack /zstack/ /zstack/v1 /v1/zones/ "/v1//zones" /V1/zones "/v1/zones/$zone/"; do
	http GET "$path"
	[[ $STATUS == @(200|404) ]] || fail "GET $path answers $STATUS"
done

step "19: the connection is kept, the body is not compressed"
curl -sS -D headers -o /dev/null -o /dev/null -w '%{num_connects}\n' -H 'Accept-Encoding: gzip' -H "Authorization: OAuth $SESSION" \
	"$BASE/v1/zones" "$BASE/v1/zones" | paste -sd' ' >connects
assert_eq "$(cat connects)" "1 0" "new connections for two requests"
assert_not grep -qi '^content-encoding' headers
assert_not grep -qi '^connection: close' headers

step "20: a poll costs no commit"
stamp=$(stat -c %.9Y "$MOUNT/sessions/stamp")
for _ in $(seq 100); do printf 'url = "%s"\noutput = /dev/null\n' "$BASE/v1/api-jobs/$(id 2)"; done >polls
curl -sS -K polls
assert_eq "$(stat -c %.9Y "$MOUNT/sessions/stamp")" "$stamp" "the state of the pool after a hundred polls"

step "2.7: both keys of a login, both forms of Authorization"
for key in logInByAccount loginByAccount; do
	assert_http 200 '"uuid":' PUT /v1/accounts/login "{\"$key\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\"}}"
done
session=$SESSION
SESSION=
assert_http 200 inventories GET /v1/zones '' -H "Authorization: OAuth: $session"
SESSION=$session

step "2.7: fields merged, a location while a job runs, statuses in band"
assert_http 200 '^\{"inventories":\[\{"uuid":"[0-9a-f]{32}","name":"eleven"\}\]' GET '/v1/zones?q=name=eleven&fields=uuid&fields=name'
assert_job 503 '"code":"SYS.1007"' POST /v1/zones '{"params":{}}'

step "2.7: results by the manual's names and by the wire's"
assert_job 200 . PUT "/v1/vm-instances/$vm/actions" '{"setVmConsolePassword":{"consolePassword":"secret12"}}'
assert_eq "$(keys .)" '["inventory"]'
assert_http 200 . GET "/v1/vm-instances/$vm/console-passwords"
assert_eq "$(keys .)" '["consolePassword","password"]'
assert_job 200 . PUT "/v1/vm-instances/$vm/actions" '{"setVmBootOrder":{"bootOrder":["CdRom","HardDisk"]}}'
assert_eq "$(keys .)" '["inventory"]'
assert_http 200 . GET "/v1/vm-instances/$vm/boot-orders"
assert_eq "$(keys .)" '["order","orders"]'
for path in ssh-keys console-password "static-ips?l3NetworkUuid=$(first l3-networks)"; do
	assert_job 200 '^\{"inventory":\{"uuid":' DELETE "/v1/vm-instances/$vm/$path"
done
assert_job 200 '"state":"Stopped"' PUT "/v1/vm-instances/$vm/actions" '{"stopVmInstance":{}}'
assert_http 200 . GET "/v1/vm-instances/$vm/starting-target-hosts"
for key in hostInventories hosts clusterInventories clusters; do
	jq -e "has(\"$key\")" <<<"$BODY" >/dev/null || fail "no '$key' in $BODY"
done

step "2.7: spellings of QoS, and the body under params or under the action's name"
for body in '{"setNicQos":{"outboundBandwidth":1048576}}' '{"params":{"setNicQos":{"outboundBandwidth":1048576}}}'; do
	assert_job 200 '^\{' PUT "/v1/vm-instances/$nic/actions" "$body"
done
for path in nic-qos nic-QoS; do
	assert_http 200 '"outboundBandwidth":' GET "/v1/vm-instances/$nic/$path"
	qos+=("$BODY")
done
assert_eq "${qos[0]}" "${qos[1]}"
for body in '{"setVmQga":{"enable":true}}' '{"params":{"enable":true}}'; do
	http PUT "/v1/vm-instances/$vm/actions" "$body"
	assert_eq "$STATUS" 202 "the status of $body: $BODY"
done
assert_job 200 '^\{' POST "/v1/vm-instances/$vm/ha-levels" '{"params":{"level":"OnHostFailure"}}'
assert_http 200 '"level":"OnHostFailure"' GET "/v1/vm-instances/$vm/ha-levels"
assert_job 200 '^\{' DELETE "/v1/instances/$vm/ha-levels"
assert_http 200 '^\{\}$' GET "/v1/vm-instances/$vm/ha-levels"

step "every documented status"
assert_http 200 . GET /v1/zones
assert_http 202 . POST /v1/zones '{"params":{"name":"s"}}'
assert_http 400 . GET '/v1/zones?limit=x'
assert_http 404 . GET /v1/nowhere
assert_http 405 . PATCH /v1/zones
assert_http 500 . DELETE /v1/zones
assert_http 503 . GET '/v1/zones?q=foo=1'
rest_down
