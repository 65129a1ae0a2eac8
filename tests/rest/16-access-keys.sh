#!/bin/bash
# Requests that are signed with an access key, as cloud managers and newer clients send them, and what ends such a key.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
admin=$SESSION

# sign METHOD PATH [SECONDS [ZONE [NAME]]]: sets $signed to the fields of a request that is sent so many seconds from now.
sign() {
	local date signature
	date=$(TZ=${4:-GMT} LC_ALL=C date -d "now ${3:-0} seconds" "+%a, %d %b %Y %H:%M:%S ${5:-%Z}")
	signature=$(printf '%s\n%s\n%s' "$1" "$date" "$2" | openssl dgst -sha1 -hmac "$secret" -binary | base64)
	signed=(-H "Authorization: ZStack $key_id:$signature" -H "Date: $date")
}
# signed STATUS REGEX METHOD PATH [BODY]: a signed request; the query is not a part of what is signed.
signed() {
	local path=${4#/zstack}
	sign "$3" "${path%%\?*}"
	SESSION='' assert_http "$1" "$2" "$3" "$4" "${5-}" "${signed[@]}"
}

step "an account makes a key, and sees the secret once"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
alice=$(jq -r .inventory.uuid <<<"$BODY")
login alice pw
assert_http 200 '"schema":\{"inventory":"org.zstack.accessKey.AccessKeyInventory"\}' POST /v1/accesskeys \
	"{\"params\":{\"accountUuid\":\"$alice\",\"description\":\"robot\"}}" -H 'X-JSON-Schema: true'
key=$(jq -r .inventory.uuid <<<"$BODY")
key_id=$(jq -r .inventory.AccessKeyID <<<"$BODY")
secret=$(jq -r .inventory.AccessKeySecret <<<"$BODY")
assert_eq "${#key_id} ${#secret}" "20 40"
assert_eq "$(jq -r '.inventory | [.accountUuid, .state, .description] | join(" ")' <<<"$BODY")" "$alice Enabled robot"
assert_http 200 "\"AccessKeyID\":\"$key_id\"" GET "/v1/accesskeys?q=uuid=$key"
assert_not grep -qi "$secret" <<<"$BODY"
assert_http 503 'SYS.1000' GET "/v1/accesskeys?q=AccessKeySecret=$secret"
assert_not grep -rqs "$secret" "$MOUNT/accounts/access-keys" "$MOUNT/api-jobs" "$MOUNT/events" "$STATE"/*.log
assert_eq "$(value "accounts/access-keys/$key/AccessKeyID")" "$key_id"

step "signed requests act as the account; the signature stands for method, date and path"
signed 200 '"inventories":\[\{' GET '/zstack/v1/zones?replyWithCount=true&limit=50'
signed 200 '"inventories":\[\{' GET /v1/zones
signed 202 '"location"' POST /v1/affinity-groups '{"params":{"name":"hers","policy":"antiSoft"}}'
location=$(jq -r .location <<<"$BODY")
for _ in $(seq 100); do # with the signature of another path, as one client polls
	SESSION='' http GET "${location#"$BASE"}" '' "${signed[@]}"
	[ "$STATUS" = 202 ] || break
	sleep 0.05
done
assert_match "$BODY" '"name":"hers"'
group=$(jq -r .inventory.uuid <<<"$BODY")
signed 200 '"total":1' GET '/v1/affinity-groups?replyWithCount=true'
sign DELETE "/v1/affinity-groups/$group"
SESSION='' assert_job 200 '^\{\}' DELETE "/v1/affinity-groups/$group?deleteMode=Permissive" '' "${signed[@]}"
zone=$(first zones)
sign DELETE "/v1/zones/$zone"
SESSION='' assert_job 503 'ID.1002' DELETE "/v1/zones/$zone" '' "${signed[@]}"

step "the same request sent again, with another signature, is the same job"
job=$(printf %032d 77)
for seconds in 0 -5; do
	sign POST /v1/affinity-groups "$seconds"
	SESSION='' assert_job 200 '"name":"once"' POST /v1/affinity-groups '{"params":{"name":"once","policy":"antiSoft"}}' -H "X-Job-UUID: $job" "${signed[@]}"
done
assert_eq "$(jq '[.inventories[] | select(.name == "once")] | length' "$MOUNT/affinity-groups/inventories")" 1

step "two creations of one second have one signature, and both are done"
sign POST /v1/affinity-groups
for name in first second; do
	SESSION='' assert_job 200 "\"name\":\"$name\"" POST /v1/affinity-groups "{\"params\":{\"name\":\"$name\",\"policy\":\"antiSoft\"}}" "${signed[@]}"
done

step "what is not signed right is forbidden"
signed 200 . GET /v1/zones
SESSION='' assert_http 403 '^wrong accessKey signature$' GET /v1/clusters '' "${signed[@]}"
SESSION='' assert_http 403 '^wrong accessKey signature$' POST /v1/zones '{"params":{"name":"z"}}' "${signed[@]}"
SESSION='' assert_http 403 'wrong accessKey signature' GET /v1/zones '' -H "Authorization: ZStack $key_id:AAAA" -H "${signed[3]}"
SESSION='' assert_http 403 'access key id: nobody does not existed' GET /v1/zones '' -H 'Authorization: ZStack nobody:AAAA' -H "${signed[3]}"
SESSION='' assert_http 400 'Invalid authKey format' GET /v1/zones '' -H "Authorization: ZStack $key_id" -H "${signed[3]}"
SESSION='' assert_http 400 "missing header 'Date'" GET /v1/zones '' -H "${signed[1]}"
SESSION='' assert_http 403 'wrong accessKey signature' GET /v1/zones '' -H "${signed[1]}" -H 'Date: Mon, 02 Jan 2006 15:04:05 GMT'
SESSION='' assert_http 400 "Authorization type must be 'OAuth'" GET /v1/zones '' -H 'Authorization: Basic eA=='

step "the clock of the client may be a quarter of an hour off, in any zone that clients use"
for skew in -800 800; do
	sign GET /v1/zones "$skew"
	SESSION='' assert_http 200 inventories GET /v1/zones '' "${signed[@]}"
done
for skew in -1000 1000; do
	sign GET /v1/zones "$skew"
	SESSION='' assert_http 403 'is more than 900 seconds from the clock of the pool' GET /v1/zones '' "${signed[@]}"
done
sign GET /v1/zones 0 CST-8
SESSION='' assert_http 200 inventories GET /v1/zones '' "${signed[@]}"
sign GET /v1/zones 0 XYZ5
SESSION='' assert_http 403 "the Date '.* XYZ' is not like" GET /v1/zones '' "${signed[@]}"

for zone in Etc/UTC Asia/Shanghai America/St_Johns Pacific/Auckland; do
	sign GET /v1/zones 0 "$zone" "$zone"
	SESSION='' assert_http 200 inventories GET /v1/zones '' "${signed[@]}"
	sign GET /v1/zones -1000 "$zone" "$zone"
	SESSION='' assert_http 403 'is more than 900 seconds from the clock of the pool' GET /v1/zones '' "${signed[@]}"
done
for zone in Asia/Nowhere ../../etc/passwd /etc/localtime Asia; do
	sign GET /v1/zones 0 GMT "$zone"
	SESSION='' assert_http 403 "the Date '.* $zone' is not like" GET /v1/zones '' "${signed[@]}"
done

step "a signed call through the mount is only for the program that serves others"
assert_match "$(request sessions/call '{"operation":"QueryZone","signed":{"id":"x"}}')" ^

step "keys are the account's own; an administrator may make one for anybody"
SESSION=$admin
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "bob", password: $p}}')"
bob=$(jq -r .inventory.uuid <<<"$BODY")
login bob pw
assert_http 503 'ID.1002' POST /v1/accesskeys "{\"params\":{\"accountUuid\":\"$alice\"}}"
assert_http 200 '"inventories":\[\]' GET /v1/accesskeys
assert_job 503 'ID.1002' DELETE "/v1/accesskeys/$key"
SESSION=$admin
assert_http 200 "\"accountUuid\":\"$bob\"" POST /v1/accesskeys "{\"params\":{\"accountUuid\":\"$bob\"}}"
bobs_id=$(jq -r .inventory.AccessKeyID <<<"$BODY")
bobs_secret=$(jq -r .inventory.AccessKeySecret <<<"$BODY")

step "disabled, deleted, or with its account: a key ends"
assert_job 200 '"state":"Disabled"' PUT "/v1/accesskeys/$key/actions" '{"changeAccessKeyState":{"stateEvent":"disable"}}'
signed 403 "access key id: $key_id does not existed or disabled" GET /v1/zones
act "accounts/access-keys/$key" change-state stateEvent=enable
signed 200 inventories GET /v1/zones
act "accounts/access-keys/$key" delete
signed 403 'does not existed or disabled' GET /v1/zones
key_id=$bobs_id secret=$bobs_secret
signed 200 inventories GET /v1/zones
assert_job 200 . DELETE "/v1/accounts/$bob"
signed 403 'does not existed or disabled' GET /v1/zones
rest_down
