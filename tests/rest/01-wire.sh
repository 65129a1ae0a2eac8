#!/bin/bash
# Statuses, headers and texts of the HTTP protocol, one by one (behaviour.md 1.1 to 1.5).
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
id() { printf '%032x' "$1"; }

step "logging in and out"
assert_http 503 '"code":"ID.1000".*wrong account name or password' PUT /v1/accounts/login '{"logInByAccount":{"accountName":"admin","password":"x"}}'
assert_http 503 '"code":"ID.1000"' PUT /v1/accounts/login '{"logInByAccount":{"accountName":"nobody","password":"x"}}'
assert_http 503 'field\[password\] of message.*mandatory' PUT /v1/accounts/login '{"logInByAccount":{"accountName":"admin"}}'
assert_http 200 '"accountUuid":"36c27e8ff05c4780bf6d2fa65700f22e"' PUT /v1/accounts/login \
	"{\"loginByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\"}}"
login
assert_http 200 '^\{"valid":true\}$' GET "/v1/accounts/sessions/$SESSION/valid"

step "Authorization"
session=$SESSION
SESSION=
assert_http 400 "^missing header 'Authorization'$" GET /v1/zones
assert_http 400 "^Authorization type must be 'OAuth'$" GET /v1/zones '' -H 'Authorization: Basic x'
for form in "OAuth $session" "OAuth: $session" "OAuth$session"; do
	assert_http 200 inventories GET /v1/zones '' -H "Authorization: $form"
done
for form in "OAuth $(id 1)" "OAuth ../../accounts" "OAuth" "OAuth /etc"; do
	assert_http 503 '"code":"ID.1001".*"details":"Session expired"' GET /v1/zones '' -H "Authorization: $form"
done
assert_job 503 '"code":"ID.1001"' POST /v1/zones '{"params":{"name":"z"}}' -H "Authorization: OAuth $(id 1)"
SESSION=$session

step "a body"
assert_http 400 "^bad JSON in line 1, column [0-9]+: duplicate object key" POST /v1/zones '{"params":{"name":"a","name":"b"}}'
assert_http 400 "duplicate object key" POST /v1/zones '{"params":{"name":"a"},"params":{"name":"b"}}'

step "paths"
assert_http 404 '^no api mapping to /v1/nowhere$' GET /zstack/v1/nowhere
assert_http 404 '^no api mapping to /elsewhere$' GET /elsewhere
for path in /v1/../zones /v1/zones/../../etc /v1/%2e%2e/zones /v1/zones/%00 /v1/zones/ /v1/zones// /v1/zones/a/b/c/d/e/f/g/h/i/j/k/l/m/n/o/p/q/r; do
	assert_http 404 'no api mapping' GET $path
done
zone=$(first zones)
for path in "/v1//zones/$zone" "/v1/zones//$zone" "/v1///zones///$zone"; do
	assert_http 200 "\"uuid\":\"$zone\"" GET "$path"
done
assert_http 200 '"inventories":\[\].*"schema":\{\}' GET /v1/zones/..%2f..%2faccounts
assert_http 200 '"inventories":\[\]' GET "/v1/zones/$(id 7)"
assert_http 200 "\"inventory\":\{\"uuid\":\"$zone\"" GET "/v1/zones/$zone"
assert_http 200 '"formats":' GET /v1/volumes/formats
assert_http 200 '"inventories":' GET /v1/vm-instances/nics

step "methods"
assert_http 500 '^No query API found' GET "/v1/zones/$zone/actions"
assert_http 405 '^The method\[GET\] is not allowed' GET "/v1/system-tags/$zone/actions"
assert_http 405 '^The method\[GET\] is not allowed' GET /v1/accounts/login
for method in POST PATCH DELETE; do # the only operation of the path
	assert_http 200 '"accountUuid":' $method /v1/accounts/login "{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\"}}"
done
curl -sS -I "$BASE/v1/zones/$zone" -H "Authorization: OAuth $SESSION" >head.txt
curl -sS "$BASE/v1/zones/$zone" -H "Authorization: OAuth $SESSION" >body
assert_match "$(tr -d '\r' <head.txt)" "^HTTP/1.1 200 .*Content-Length: $(wc -c <body)" "the answer to HEAD"
assert_http 405 '^The method\[PATCH\] is not allowed' PATCH /v1/zones
assert_http 500 '^No delete API found for the path\[/v1/zones\]' DELETE /v1/zones
assert_http 500 '^No creational API found for the path\[/v1/zones/' POST "/v1/zones/$zone" '{}'
assert_http 400 "^the body doesn't contain action mapping to the URL\[/v1/zones/$zone/actions\]" PUT "/v1/zones/$zone/actions" '{"no":{}}'
assert_http 405 '^only GET method is allowed for querying job status' POST "/v1/api-jobs/$(id 1)" '{}'
test -d "$MOUNT/zones/$zone"

step "jobs: the client's uuid or a new one, once for the same bytes, stored when refused"
assert_http 400 '^Invalid header\[X-Job-UUID\]' POST /v1/zones '{"params":{"name":"a"}}' -H 'X-Job-UUID: short'
assert_http 400 '^Invalid header\[X-Job-UUID\]' POST /v1/zones '{"params":{"name":"a"}}' -H 'X-Job-UUID: ../../../../../../../../../etc/pw'
for _ in 1 2; do
	assert_job 200 '"name":"once"' POST /v1/zones '{"params":{"name":"once"}}' -H "X-Job-UUID: $(id 2)"
done
assert_eq "$(value zones/inventories | jq '[.inventories[]|select(.name=="once")]|length')" 1
assert_http 400 "^Duplicate job uuid\[$(id 2)\]$" POST /v1/zones '{"params":{"name":"other"}}' -H "X-Job-UUID: $(id 2)"
assert_job 503 '"code":"SYS.1007".*field\[name\] of message\[org.zstack.header.zone.APICreateZoneMsg\] is mandatory' POST /v1/zones '{"params":{}}'
assert_job 503 '"code":"SYS.1003".*invalid field\[uuid\], resource\[uuid:0{31}9, type:ZoneVO\] not found' PUT "/v1/zones/$(id 9)/actions" '{"updateZone":{"name":"x"}}'
assert_job 200 '^\{\}$' DELETE "/v1/vm-instances/$(id 9)?deleteMode=Permissive"
assert_job 200 '"name":"dry"' POST /v1/zones '{"params":{"name":"dry"},"systemTags":["validationOnly"]}'
assert_eq "$(value zones/inventories | jq '[.inventories[]|select(.name=="dry")]|length')" 0
assert_http 404 '^the job has been expired$' GET "/v1/api-jobs/$(id 5)"
assert_http 404 '^the job has been expired$' GET "/v1/api-jobs/..%2f..%2fREADME"
SESSION='' assert_http 200 '"name":"once"' GET "/v1/api-jobs/$(id 2)"
assert_http 200 '"schema":\{"inventory":"org.zstack.header.zone.ZoneInventory"\}' GET "/v1/api-jobs/$(id 2)" '' -H 'X-JSON-Schema: true'

step "bodies"
assert_http 400 'bad JSON in line 1' POST /v1/zones '{"params":'
assert_http 400 'byte order mark; JSON has none' POST /v1/zones $'\xef\xbb\xbf{"params":{"name":"z"}}'
assert_http 400 'must be a JSON object' POST /v1/zones '[]'
assert_http 400 'deeper than 64' POST /v1/zones "$(printf '{"a":%.0s' {1..100})1$(printf '}%.0s' {1..100})"
assert_http 400 '^\[cpuNum\] field is excepted an int or long, but was \[1.5\]' POST /v1/instance-offerings '{"params":{"name":"x","cpuNum":1.5,"memorySize":1}}'
assert_http 400 '^Invalid value for boolean field \[enable\], \[perhaps\]' PUT "/v1/vm-instances/$(id 9)/actions" '{"setVmQga":{"enable":"perhaps"}}'
assert_job 200 '"cpuNum":2.*"memorySize":1073741824' POST /v1/instance-offerings '{"params":{"name":"x","cpuNum":2.0,"memorySize":"1G","unknown":[{}]},"UUID":"ignored"}'
head -c 2000000 /dev/zero | tr '\0' ' ' >big
assert_http 413 'too long' POST /v1/zones @big -H 'Expect:'

step "tags at both levels of the body"
for body in '{"params":{"name":"t"},"userTags":["mine"]}' '{"params":{"name":"t","userTags":["mine"]}}'; do
	assert_job 200 '"name":"t"' POST /v1/zones "$body"
	uuid=$(jq -r .inventory.uuid <<<"$BODY")
	assert_http 200 '"tag":"mine"' GET "/v1/user-tags?q=resourceUuid=$uuid"
	assert_job 200 '^\{\}$' DELETE "/v1/tags/$(jq -r '.inventories[0].uuid' <<<"$BODY")"
	assert_http 200 '"inventories":\[\]' GET "/v1/user-tags?q=resourceUuid=$uuid"
done

step "queries"
assert_http 400 "^Invalid query parameter. 'limit' must be an integer" GET '/v1/zones?limit=many'
assert_http 400 "^Invalid query parameter. 'start' must be an integer" GET '/v1/zones?start=many'
assert_http 400 "doesn't contain any query operator" GET '/v1/zones?q=name'
assert_http 503 '"code":"SYS.1000".*not having field\[foo\]' GET '/v1/zones?q=foo=1'
assert_http 200 '^\{"total":4,"schema":\{\}\}$' GET '/v1/zones?count=true'
assert_http 200 '^\{"inventories":\[\{"name":"t"\},\{"name":"t"\}\].*"total":4' GET '/v1/zones?replyWithCount=true&fields=name&limit=2&sort=+name&start=1'
assert_http 200 '"name":"once"' GET '/v1/zones?condition=name~=on%25'
long=$(printf "$(id 1),%.0s" {1..100})
assert_http 200 "\"uuid\":\"$zone\"" GET "/v1/zones?q=uuid?=$long$zone"

step "query strings of other requests: lists, repeated scalars, unknown and empty parameters"
assert_http 200 'totalMemory' GET "/v1/hosts/capacities/cpu-memory?zoneUuids=$zone&zoneUuids=$zone&foo=bar"
assert_http 200 'totalMemory' GET "/v1/hosts/capacities/cpu-memory?zoneUuids.0=$zone"
assert_http 400 '^Invalid query parameter\[deleteMode\], only one value' DELETE "/v1/zones/$zone?deleteMode=Permissive&deleteMode=Enforcing"
assert_http 400 'bad percent-escape' DELETE "/v1/zones/$zone?deleteMode=%zz"

step "the management node and settings"
assert_http 200 '^\{"version":"3.0.0"\}$' PUT /v1/management-nodes/actions '{"getVersion":{}}'
assert_http 200 '^\{"currentTime":\{"MillionSeconds":[0-9]{13},"Seconds":[0-9]{10}\}\}$' PUT /v1/management-nodes/actions '{"getCurrentTime":null}'
assert_http 200 '"hostName":' GET /v1/management-nodes
assert_http 200 'managementNodeId' GET /v1/management-nodes/ready
assert_job 200 '"name":"numa".*"value":"true"' PUT /v1/global-configurations/vm/numa/actions '{"updateGlobalConfig":{"value":"true"}}'

step "an ended session is invalid, also on a connection that used it"
curl -sS -o /dev/null -o /dev/null -w '%{http_code} ' -H "Authorization: OAuth $SESSION" "$BASE/v1/zones" --next -sS -o /dev/null -X DELETE \
	"$BASE/v1/accounts/sessions/$SESSION?deleteMode=" --next -sS -o /dev/null -w '%{http_code}' -H "Authorization: OAuth $SESSION" "$BASE/v1/zones" >codes
assert_eq "$(cat codes)" "200 503"
assert_http 200 '^\{"valid":false\}$' GET "/v1/accounts/sessions/$SESSION/valid"
assert_http 200 '^\{\}$' DELETE "/v1/accounts/sessions/$SESSION"

step "without a pool requests fail, and the next pool is found"
login
pool_pids | xargs kill
wait_until 15 is_pool_gone
if mountpoint -q "$MOUNT"; then umount -l "$MOUNT"; fi
urls=()
for _ in {1..30}; do urls+=("$BASE/v1/zones"); done
assert_eq "$(curl -sS -X DELETE "${urls[@]}" | grep -o 'No delete API found' | wc -l)" 30 "requests that hide nothing"
assert_http 503 'the pool is not mounted' GET /v1/zones
assert_http 503 'the pool is not mounted' GET "/v1/exports/$(printf %032d 1)/image.raw"
SESSION='' assert_http 503 'the pool is not mounted' POST /login '{"name":"admin","password":"password"}'
assert_eq "$(grep -c 'the pool is not mounted' "$CASE_DIR/rest.log")" 3 "lines of the log about three failures"
mount_pool -o allow_other,rest-user=nobody
assert_http 200 '"name":"once"' GET /v1/zones
rest_down
