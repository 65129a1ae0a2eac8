#!/bin/bash
# What administrators share makes accounts able to work: a new account creates a VM at once, within its quotas, and
# sees nothing else of others.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
admin=$SESSION
truncate -s 1M "$CASE_DIR/disk.raw"
image=$(add_image "$CASE_DIR/disk.raw" raw golden)
private=$(add_image "$CASE_DIR/disk.raw" raw private)
theirs=$(create_vm theirs "$image" '{"strategy":"JustCreate"}')
accounts=()
for name in bob eve; do
	assert_job 200 "\"name\":\"$name\"" POST /v1/accounts "{\"params\":{\"name\":\"$name\",\"password\":\"$(sha512 secret)\"}}"
	accounts+=("$(jq -r .inventory.uuid <<<"$BODY")")
done
bob=${accounts[0]} eve=${accounts[1]}
login eve secret
eves=$SESSION
login bob secret
bobs=$SESSION
l3=$(first l3-networks)
offering=$(first instance-offerings)
disk=$(first disk-offerings)

# number_of PATH: how many objects an account sees.
number_of() {
	assert_http 200 inventories GET "$1"
	jq '.inventories | length' <<<"$BODY"
}

# share JSON, revoke JSON: as the account of $SESSION.
share() {
	assert_job 200 '' PUT /v1/accounts/resources/actions "{\"shareResource\":$1}"
}
revoke() {
	assert_job 200 '' PUT /v1/accounts/resources/actions "{\"revokeResourceSharing\":$1}"
}
create_json() {
	jq -nc --arg n "$1" --arg i "$2" --arg o "$offering" --arg l "$l3" \
		'{params: {name: $n, imageUuid: $i, instanceOfferingUuid: $o, l3NetworkUuids: [$l]}}'
}

step "the network and the offerings of a new pool are shared with all"
assert_eq "$(number_of /v1/l3-networks)" 1 "the number of networks"
assert_eq "$(number_of /v1/l3-networks/ip-ranges)" 1 "the number of address ranges"
assert_eq "$(number_of /v1/instance-offerings)" 1 "the number of instance offerings"
assert_eq "$(number_of /v1/disk-offerings)" 1 "the number of disk offerings"
assert_eq "$(number_of /v1/images)" 0 "the number of images"
assert_job 503 'ID.1002' POST /v1/vm-instances "$(create_json early "$image")"
assert_job 503 'ID.1002' PUT "/v1/instance-offerings/$offering/actions" '{"updateInstanceOffering":{"name":"x"}}'
assert_job 503 'ID.1002' DELETE "/v1/l3-networks/$l3"

step "an image that is shared with the account can be used, but not changed"
SESSION=$admin share "{\"resourceUuids\":[\"$image\"],\"accountUuids\":[\"$bob\"]}"
SESSION=$admin share "{\"resourceUuids\":[\"$image\"],\"accountUuids\":[\"$bob\"]}" # again: nothing
assert_eq "$(number_of /v1/images)" 1 "the number of images"
SESSION=$eves assert_http 200 '"inventories":\[\]' GET /v1/images
assert_http 200 "\"uuid\":\"$l3\"" GET "/v1/images-l3networks/dependencies?zoneUuid=$(first zones)&imageUuid=$image"
assert_http 200 '"rootVolumePrimaryStorages":\[\{' GET "/v1/vm-instances/candidate-storages?imageUuid=$image&l3NetworkUuids=$l3"
assert_job 503 'ID.1002' PUT "/v1/images/$image/actions" '{"updateImage":{"name":"x"}}'
assert_job 503 'ID.1002' DELETE "/v1/images/$image"
assert_job 503 'ID.1002' PUT /v1/accounts/resources/actions "{\"shareResource\":{\"resourceUuids\":[\"$image\"],\"toPublic\":true}}"
assert_job 200 '"name":"own"' POST /v1/vm-instances "$(create_json own "$image")"
vm=$(jq -r .inventory.uuid <<<"$BODY")
root=$(jq -r .inventory.rootVolumeUuid <<<"$BODY")
assert_http 200 '"state":"Running"' GET "/v1/vm-instances/$vm"
assert_http 200 "\"usages\":.*\"name\":\"vm.num\",\"total\":20,\"used\":1" GET "/v1/accounts/quota/$bob/usages"
assert_job 200 '"name":"data"' POST /v1/volumes/data "{\"params\":{\"name\":\"data\",\"diskOfferingUuid\":\"$disk\"}}"

step "nothing else of the administrator is seen"
for path in /v1/vm-instances /v1/images /v1/volumes /v1/api-jobs /v1/accounts /v1/accounts/resources /v1/accounts/quotas; do
	assert_http 200 '' GET "$path"
	assert_not grep -qE "theirs|private|$theirs|$private|$eve" <<<"$BODY"
done
assert_http 503 'ID.1002' GET "/v1/accounts/quota/$eve/usages"

step "a shared VM can be read, but not used, and tells no secret"
SESSION=$admin
assert_job 200 '' POST /v1/system-tags "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$theirs\",\"tag\":\"consolePassword::abc123\"}}"
share "{\"resourceUuids\":[\"$theirs\"],\"toPublic\":true}"
SESSION=$eves
assert_http 200 '"name":"theirs"' GET "/v1/vm-instances/$theirs"
assert_http 503 'ID.1002' GET "/v1/vm-instances/$theirs/console-passwords"
assert_job 503 'ID.1002' PUT "/v1/vm-instances/$theirs/actions" '{"startVmInstance":{}}'
assert_http 200 'consolePassword::\*\*\*\*\*\*' GET "/v1/system-tags?q=resourceUuid=$theirs"
SESSION=$admin revoke "{\"resourceUuids\":[\"$theirs\"],\"toPublic\":true}"
assert_http 200 '"inventories":\[\]' GET "/v1/vm-instances/$theirs"

step "after a revocation the image is out of sight, and the VM made of it goes on"
SESSION=$admin revoke "{\"resourceUuids\":[\"$image\"],\"accountUuids\":[\"$bob\"]}"
SESSION=$bobs
assert_eq "$(number_of /v1/images)" 0 "the number of images"
assert_job 503 'ID.1002' POST /v1/vm-instances "$(create_json late "$image")"
assert_job 200 '' PUT "/v1/vm-instances/$vm/actions" '{"stopVmInstance":{}}'
assert_job 200 '' PUT "/v1/vm-instances/$vm/actions" '{"startVmInstance":{}}'

step "the queries show the owner its shares, and say what cannot be shared"
share "{\"resourceUuids\":[\"$vm\"],\"accountUuids\":[\"$eve\"],\"toPublic\":true}"
assert_http 200 '"total":2' GET "/v1/accounts/resources?q=resourceUuid=$vm&replyWithCount=true"
assert_http 200 "\"ownerAccountUuid\":\"$bob\".*\"resourceType\":\"VmInstanceVO\"" GET "/v1/accounts/resources?q=receiverAccountUuid=$eve"
assert_http 200 '"total":1' GET "/v1/accounts/resources?q=toPublic=true&replyWithCount=true"
SESSION=$eves assert_http 200 '"name":"own"' GET "/v1/vm-instances/$vm"
revoke "{\"resourceUuids\":[\"$vm\"],\"all\":true}"
assert_http 200 '"inventories":\[\]' GET /v1/accounts/resources
SESSION=$eves assert_http 200 '"inventories":\[\]' GET "/v1/vm-instances/$vm"

step "whose objects are is a query, too: an account's own, and all for an administrator"
assert_http 200 "\"accountUuid\":\"$bob\"" GET "/v1/accounts/resources/refs?q=resourceUuid=$vm"
assert_eq "$(jq -c '.inventories[0] | [.ownerAccountUuid, .resourceUuid, .resourceType, .permission, .isShared, (.createDate | length > 9)]' <<<"$BODY")" \
	"[\"$bob\",\"$vm\",\"VmInstanceVO\",2,false,true]" "the reference"
share "{\"resourceUuids\":[\"$vm\"],\"accountUuids\":[\"$eve\"]}"
assert_http 200 '"total":1' GET "/v1/accounts/resources/refs?q=isShared=true&q=resourceType=VmInstanceVO&count=true"
assert_http 200 '"inventories"' GET /v1/accounts/resources/refs
assert_eq "$(jq -r '.inventories[].accountUuid' <<<"$BODY" | sort -u)" "$bob" "the accounts that bob sees"
SESSION=$eves assert_http 200 '"total":0' GET "/v1/accounts/resources/refs?q=resourceUuid=$vm&count=true"
SESSION=$admin assert_http 200 "$bob" GET "/v1/accounts/resources/refs?q=resourceUuid=$vm"
SESSION=$admin assert_http 200 inventories GET '/v1/accounts/resources/refs?groupBy=accountUuid&sort=-accountUuid'
assert_eq "$(jq -r '.inventories[].accountUuid' <<<"$BODY")" "$(printf '%s\n' "$bob" 36c27e8ff05c4780bf6d2fa65700f22e | sort -r)" "the owners"
revoke "{\"resourceUuids\":[\"$vm\"],\"all\":true}"

step "what cannot be shared"
assert_job 503 'toPublic is set to false' PUT /v1/accounts/resources/actions "{\"shareResource\":{\"resourceUuids\":[\"$vm\"]}}"
for request in shareResource revokeResourceSharing; do
	assert_job 503 'about 1000 shares at most' PUT /v1/accounts/resources/actions \
		"$(jq -nc --arg r $request --arg o "$vm" --arg a "$eve" '{($r): {resourceUuids: [range(40) | $o], accountUuids: [range(26) | $a]}}')"
done
assert_job 503 'SYS.1003.*accountUuids' PUT /v1/accounts/resources/actions \
	"{\"shareResource\":{\"resourceUuids\":[\"$vm\"],\"accountUuids\":[\"$(printf %032d 1)\"]}}"
SESSION=$admin assert_job 503 'cannot be shared' PUT /v1/accounts/resources/actions \
	"{\"shareResource\":{\"resourceUuids\":[\"$(first zones)\"],\"toPublic\":true}}"

step "quotas end what an account may have, whoever asks; only administrators change them"
quota() {
	SESSION=$admin assert_job 200 "\"identityUuid\":\"$bob\"" PUT /v1/accounts/quotas/actions \
		"{\"updateQuota\":{\"identityUuid\":\"$bob\",\"name\":\"$1\",\"value\":$2}}"
}
assert_http 200 '"total":10' GET '/v1/accounts/quotas?replyWithCount=true'
assert_job 503 'ID.1002' PUT /v1/accounts/quotas/actions "{\"updateQuota\":{\"identityUuid\":\"$bob\",\"name\":\"vm.num\",\"value\":99}}"
SESSION=$admin assert_job 503 'cannot find Quota\[name: vip.num\]' PUT /v1/accounts/quotas/actions \
	"{\"updateQuota\":{\"identityUuid\":\"$bob\",\"name\":\"vip.num\",\"value\":99}}"
SESSION=$admin share "{\"resourceUuids\":[\"$image\"],\"toPublic\":true}"
quota vm.totalNum 1
assert_job 503 'ID.1003.*vm.totalNum, value: 1\], Current used:1, Request:1' POST /v1/vm-instances "$(create_json two "$image")"
SESSION=$admin assert_job 503 'ID.1003' POST "/v1/account/$bob/resources" "{\"params\":{\"resourceUuid\":\"$theirs\"}}"
quota vm.totalNum 20
quota vm.memorySize 1
assert_job 200 '' PUT "/v1/vm-instances/$vm/actions" '{"stopVmInstance":{}}'
assert_job 503 'ID.1003.*vm.memorySize' PUT "/v1/vm-instances/$vm/actions" '{"startVmInstance":{}}'
quota snapshot.volume.num 0
assert_job 503 'ID.1003.*snapshot.volume.num' POST "/v1/volumes/$root/volume-snapshots" '{"params":{"name":"s"}}'
quota volume.capacity 1
assert_job 503 'ID.1003.*volume.capacity' PUT "/v1/volumes/resize/$root/actions" '{"resizeRootVolume":{"size":104857600}}'
quota image.num 0
assert_job 503 'ID.1003.*image.num' POST "/v1/images/root-volume-templates/from/volumes/$root" '{"params":{"name":"t"}}'

step "a VM that is given away takes its volumes along, and is gone for its former owner"
SESSION=$admin
assert_job 200 "\"accountUuid\":\"$eve\"" POST "/v1/account/$eve/resources" \
	"{\"params\":{\"resourceUuid\":\"$vm\"}}"
assert_job 503 'goes with its VM' POST "/v1/account/$bob/resources" "{\"params\":{\"resourceUuid\":\"$root\"}}"
SESSION=$eves assert_http 200 "\"uuid\":\"$root\"" GET "/v1/volumes/$root"
SESSION=$bobs assert_http 200 '"inventories":\[\]' GET "/v1/vm-instances/$vm"
SESSION=$eves assert_job 503 'ID.1002' POST "/v1/account/$eve/resources" "{\"params\":{\"resourceUuid\":\"$theirs\"}}"

step "the tree shows and does the same"
assert_eq "$(jq -r '.usages[] | select(.name == "vm.totalNum").used' "$MOUNT/accounts/$eve/quota-usages")" 1 "the usage"
echo "update-quota name=vm.num value=7" >"$MOUNT/accounts/$eve/actions"
assert_eq "$(jq -r '.usages[] | select(.name == "vm.num").total' "$MOUNT/accounts/$eve/quota-usages")" 7 "the quota"
echo "resourceUuids=$private accountUuids=$eve" >"$MOUNT/accounts/resources/create"
SESSION=$eves assert_http 200 '"name":"private"' GET "/v1/images/$private"
echo delete >"$(dirname "$(grep -l "^$private\$" "$MOUNT"/accounts/resources/*/resourceUuid)")/actions"
SESSION=$eves assert_http 200 '"inventories":\[\]' GET "/v1/images/$private"
echo "give resourceUuid=$theirs" >"$MOUNT/accounts/$eve/actions"
SESSION=$eves assert_http 200 '"name":"theirs"' GET "/v1/vm-instances/$theirs"

step "shares go with the object and with the receiver"
SESSION=$admin
share "{\"resourceUuids\":[\"$private\",\"$image\"],\"accountUuids\":[\"$eve\"]}"
before=$(number_of /v1/accounts/resources)
assert_job 200 '' DELETE "/v1/accounts/$eve"
assert_eq "$(number_of /v1/accounts/resources)" $((before - 2)) "the number of shares"
assert_http 200 '"name":"theirs"' GET "/v1/vm-instances/$theirs"
assert_job 200 '' DELETE "/v1/instance-offerings/$offering"
assert_eq "$(number_of /v1/accounts/resources)" $((before - 3)) "the number of shares"
rest_down
