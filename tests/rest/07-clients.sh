#!/bin/bash
# The requests of the clients of the real server, as they send them (behaviour.md 6).
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
id() { printf '%032x' "$1"; }

step "Java SDK: a uuid and X-JSON-Schema on every request, no context path, parameters in one object"
java=(-H 'X-JSON-Schema: true' -H 'Content-Type: application/json; charset=utf-8')
assert_http 200 '"schema":\{"inventory":"org.zstack.header.identity.SessionInventory"\}' PUT /v1/accounts/login \
	"{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\",\"systemTags\":[],\"userTags\":[]}}" \
	"${java[@]}" -H "X-Job-UUID: $(id 11)"
assert_http 202 '^\{"location":"http://127.0.0.1:[0-9]+/zstack/v1/api-jobs/0{30}12"\}$' POST /v1/instance-offerings \
	'{"params":{"name":"java","cpuNum":1,"memorySize":67108864,"systemTags":[],"userTags":["u"],"resourceUuid":"11111111111141118111111111111111"}}' \
	"${java[@]}" -H "X-Job-UUID: $(printf %032d 12)"
assert_http 200 '"uuid":"11111111111141118111111111111111".*"schema":\{"inventory":"org.zstack.header.configuration.InstanceOfferingInventory"\}' \
	GET "/v1/api-jobs/$(printf %032d 12)" '' "${java[@]}"
assert_http 200 '^\{"inventories":\[\{"uuid":"1{12}41118.*"schema":\{"inventories\[0\]":"org.zstack.header.configuration.InstanceOfferingInventory"\}\}$' \
	GET '/v1/instance-offerings?q=name%7E%3Djav%25&q=cpuNum%3E%3D1&limit=10&start=0&count=false&replyWithCount=false&sort=%2Bname' '' "${java[@]}" -H "X-Job-UUID: $(id 13)"
java_offering=11111111111141118111111111111111
assert_job 200 '"inventory":\{"uuid":"1{12}41118.*"name":"java2"' \
	PUT /v1/instance-offerings/$java_offering/actions \
	"{\"updateInstanceOffering\":{\"uuid\":\"$java_offering\",\"name\":\"java2\",\"systemTags\":[\"resourceConfig::a::b\"],\"userTags\":[]}}" "${java[@]}" -H "X-Job-UUID: $(id 16)"
assert_http 200 '"schema":\{"inventory":"org.zstack.header.configuration.InstanceOfferingInventory"\}' GET "/v1/api-jobs/$(id 16)" '' "${java[@]}"
assert_job 200 '"state":"Disabled"' PUT /v1/instance-offerings/$java_offering/actions \
	"{\"changeInstanceOfferingState\":{\"uuid\":\"$java_offering\",\"stateEvent\":\"disable\"}}" "${java[@]}" -H "X-Job-UUID: $(id 17)"
for query in 'start=0' 'start=1' 'start=2'; do
	http GET "/v1/instance-offerings?limit=1&$query&count=false&replyWithCount=true&sort=%2BcreateDate&fields=uuid%2Cname" '' "${java[@]}" -H "X-Job-UUID: $(id 18)"
	assert_eq "$STATUS $(jq -c '[.total, (.inventories | map(keys) | add)]' <<<"$BODY")" \
		"200 $([ "$query" = start=2 ] && echo '[2,null]' || echo '[2,["name","uuid"]]')" "the page $query"
done
assert_http 200 '^\{"total":1,"schema":\{\}\}$' GET '/v1/instance-offerings?q=state%3DDisabled&q=description+is+null&limit=1000&count=true' '' "${java[@]}"
assert_http 200 '"tag":"u"' GET "/v1/user-tags?q=resourceUuid%3D$java_offering&q=tag%3Du" '' "${java[@]}"
for query in 'q=name' 'limit=x' 'q=name%3D%00'; do
	assert_http 400 '^Invalid query parameter' GET "/v1/instance-offerings?$query" '' "${java[@]}"
done
for query in 'q=nothing%3D1' 'q=vmInstance.nothing.name%3D1' 'sort=%2Bnothing' 'groupBy=nothing' 'fields=nothing' 'q=cpuNum%3Dmany'; do
	assert_http 503 '^\{"error":\{"code":"SYS.1000","description":".*","details":".*"' GET "/v1/instance-offerings?$query" '' "${java[@]}"
done
# An accepted call that fails gives the error object of its job, also when the schema was requested.
assert_job 503 '^\{"error":\{"code":"SYS.1007".*"details":"field\[name\]' POST /v1/instance-offerings \
	'{"params":{"cpuNum":1,"memorySize":67108864}}' "${java[@]}" -H "X-Job-UUID: $(id 19)"
assert_job 200 '^\{\}$|^\{"schema":\{\}\}$' DELETE '/v1/instance-offerings/11111111111141118111111111111111?deleteMode=Permissive&systemTags=a&systemTags=b' '' \
	-H 'Content-Length: 0' -H "X-Job-UUID: $(id 14)"
assert_http 503 '^\{"error":\{"code":"SYS.1003"' GET "/v1/vm-instances/$(id 1)/capabilities" '' "${java[@]}" -H "X-Job-UUID: $(id 15)"

step "a parent comes before its children in the schema"
vm_body=$(jq -nc --arg o "$(first instance-offerings)" --arg i "$(small_image)" --arg l "$(first l3-networks)" \
	'{params: {name: "vm", instanceOfferingUuid: $o, imageUuid: $i, l3NetworkUuids: [$l]}}')
job POST /v1/vm-instances "$vm_body"
vm=$(jq -r .inventory.uuid <<<"$BODY")
http GET "/v1/vm-instances/$vm"
assert_eq "$(jq -c '.schema | keys_unsorted' <<<"$BODY")" '["inventories[0]","inventories[0].vmNics[0]","inventories[0].allVolumes[0]"]'
assert_match "$BODY" '"createDate":"[A-Z][a-z]{2} [0-9]{1,2}, [0-9]{4} [0-9]{1,2}:[0-9]{2}:[0-9]{2} (AM|PM)"'
assert_not grep -Eq ':null|[0-9]\.[0-9]+[,}]' <<<"$BODY"

step "the schema fits to the body that it comes with, and names what the real result type has, nothing else"
schema=(-H 'X-JSON-Schema: true')
# assert_schema JSON: of the last body.
assert_schema() {
	assert_eq "$(jq -Sc .schema <<<"$BODY")" "$(jq -Sc . <<<"$1")" "the schema"
}
VM_CLASS=org.zstack.header.vm.VmInstanceInventory
job PUT "/v1/vm-instances/$vm/actions" '{"updateVmInstance":{"name":"vm"}}' -H "X-Job-UUID: $(id 31)"
assert_job 200 . POST "/v1/volumes/data" "$(jq -nc --arg o "$(first disk-offerings)" '{params: {name: "d", diskOfferingUuid: $o}}')"
assert_job 200 . POST "/v1/volumes/$(jq -r .inventory.uuid <<<"$BODY")/vm-instances/$vm" '{}'
SESSION='' http GET "/v1/api-jobs/$(id 31)" '' "${schema[@]}" # the VM had one volume when it was renamed
assert_schema "{\"inventory\":\"$VM_CLASS\",\"inventory.vmNics[0]\":\"org.zstack.header.vm.VmNicInventory\",\"inventory.allVolumes[0]\":\"org.zstack.header.volume.VolumeInventory\"}"
n=40
for path in ssh-keys console-password hostnames "static-ips?l3NetworkUuid=$(first l3-networks)"; do
	n=$((n + 1))
	job DELETE "/v1/vm-instances/$vm/$path" '' -H "X-Job-UUID: $(id $n)"
	SESSION='' http GET "/v1/api-jobs/$(id $n)" '' "${schema[@]}"
	assert_match "$BODY" '"inventory":' "the manual's member"
	assert_schema '{}'
done
http GET /v1/volumes/formats '' "${schema[@]}"
format="org.zstack.header.volume.APIGetVolumeFormatReply\$VolumeFormatReplyStruct"
assert_schema "{\"formats[0]\":\"$format\",\"formats[1]\":\"$format\",\"formats[2]\":\"$format\"}"
http GET "/v1/l3-networks/$(first l3-networks)/ip/free?limit=2" '' "${schema[@]}"
assert_schema '{"inventories[0]":"org.zstack.header.network.l3.FreeIpInventory","inventories[1]":"org.zstack.header.network.l3.FreeIpInventory"}'
root=$(value "vm-instances/$vm/rootVolumeUuid")
for name in one two; do
	assert_job 200 "\"name\":\"$name\"" POST "/v1/volumes/$root/volume-snapshots" "{\"params\":{\"name\":\"$name\"}}"
done
http GET "/v1/volume-snapshots/trees?q=volumeUuid=$root"
assert_eq "$(jq -c '.schema | keys_unsorted' <<<"$BODY")" \
	'["inventories[0]","inventories[0].tree","inventories[0].tree.inventory","inventories[0].tree.children[0]","inventories[0].tree.children[0].inventory"]'
job PUT "/v1/vm-instances/$vm/actions" '{"cloneVmInstance":{"names":["c1"],"strategy":"JustCreate"}}' -H "X-Job-UUID: $(id 34)"
SESSION='' http GET "/v1/api-jobs/$(id 34)" '' "${schema[@]}"
assert_eq "$(jq -c '.schema | keys_unsorted' <<<"$BODY" | cut -d, -f1-3)" '["result","result.inventories[0]","result.inventories[0].inventory"'

step "lists that are always empty are there"
http GET "/v1/l3-networks/$(first l3-networks)"
assert_eq "$(jq -c '.inventory | [.networkServices, .hostRoute]' <<<"$BODY")" '[[],[]]'
http GET '/v1/volume-snapshots?limit=1'
assert_eq "$(jq -c '.inventories[0].backupStorageRefs' <<<"$BODY")" '[]'
http GET /v1/hosts/capacities/cpu-memory
assert_match "$BODY" '"managedCpuNum":[1-9]'

step "Java SDK: logging out ends the session"
java_session=$SESSION
assert_http 200 '^\{"schema":\{\}\}$' DELETE "/v1/accounts/sessions/$java_session" '' "${java[@]}" -H 'Content-Length: 0' -H "X-Job-UUID: $(id 20)"
assert_http 503 '"code":"ID.1001"' GET '/v1/instance-offerings?limit=1&start=0' '' "${java[@]}" -H "X-Job-UUID: $(id 21)"

step "Go SDK: no uuid, x-session-id, zeros for what is not set, further members, null actions, pages"
SESSION='' assert_http 200 '"inventory":\{"uuid":"[0-9a-f]{32}".*"expiredDate"' PUT /zstack/v1/accounts/login \
	"{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\",\"accountType\":\"\",\"clientInfo\":{}}}" -H 'Accept-Encoding: *'
SESSION=$(jq -r .inventory.uuid <<<"$BODY")
go=(-H "x-session-id: $SESSION" -H 'Accept-Encoding: *')
assert_http 200 '"inventories":\[\{' GET '/zstack/v1/zones?limit=1' '' "${go[@]}"
assert_http 200 '^\{"valid":true\}$' GET "/zstack/v1/accounts/sessions/$SESSION/valid" '' "${go[@]}"
assert_job 200 '.' PUT "/zstack/v1/vm-instances/$vm/actions" '{"stopVmInstance":{"type":"cold","stopHa":false},"UUID":"x"}' "${go[@]}"
assert_job 200 '"state":"Running"' PUT "/zstack/v1/vm-instances/$vm/actions" '{"startVmInstance":null}' "${go[@]}"
assert_http 200 '"total":2' GET '/zstack/v1/vm-instances?replyWithCount=true&limit=50&start=0' '' "${go[@]}"
assert_http 200 '"inventories":\[\]' GET "/zstack/v1/vm-instances/$(id 1)" '' "${go[@]}"
assert_http 404 'no api mapping' GET /zstack/v1/vm-instances/cdroms/x/y '' "${go[@]}"
assert_not grep -q '"location"' <<<"$BODY"

step "Terraform: the chain of one instance"
assert_http 200 '"status":"Ready"' GET "/zstack/v1/images/$(jq -r .params.imageUuid <<<"$vm_body")" '' "${go[@]}"
assert_http 200 '"inventories":\[\{' GET "/zstack/v1/primary-storage?q=state=Enabled&limit=1" '' "${go[@]}"
assert_job 200 '"vmNics":\[\{.*"ip":"[0-9.]+".*"allVolumes":\[\{' POST /zstack/v1/vm-instances \
	"$(jq -c 'del(.params.instanceOfferingUuid) | .params += {name: "tf", cpuNum: 1, memorySize: 67108864, platform: "Linux", architecture: "x86_64", rootDiskSize: 2097152, dataDiskSizes: [1048576]} | . + {systemTags: ["marketplace::true", "hostname::tf"]}' <<<"$vm_body")" "${go[@]}"
tf=$(jq -r .inventory.uuid <<<"$BODY")
assert_eq "$(jq -c '.inventory | [.cpuNum, .memorySize, (.allVolumes | map(.size) | sort)]' <<<"$BODY")" '[1,67108864,[1048576,2097152]]'
assert_job 200 '^\{' DELETE "/zstack/v1/vm-instances/$tf?deleteMode=Permissive" '' "${go[@]}"
assert_job 200 '^\{\}' PUT "/zstack/v1/vm-instances/$tf/actions" '{"expungeVmInstance":{}}' "${go[@]}"
assert_http 200 '^\{\}$' DELETE "/zstack/v1/accounts/sessions/$SESSION?deleteMode=" '' "${go[@]}"
rest_down
