#!/bin/bash
# Resource tags: made once, attached to objects of any kind as user tags, changed and deleted in one place.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)
zone=$(first zones)

tags_of() {
	http GET "/v1/user-tags?q=resourceUuid=$1&fields=tag,tagPatternUuid&sort=+tag"
	jq -c '[.inventories[].tag]' <<<"$BODY"
}

step "a tag is made, listed and changed"
assert_job 200 '"type":"simple"' POST /v1/tags '{"params":{"name":"production","value":"env::production","color":"#186EAE"}}'
simple=$(jq -r .inventory.uuid <<<"$BODY")
assert_http 200 '"schema":\{"inventories\[0\]":"org.zstack.header.tag.TagPatternInventory"\}' GET "/v1/tags/$simple"
assert_http 200 '"color":"#186EAE"' GET '/v1/tags?q=name=production'
assert_job 503 'must have one, such as' POST /v1/tags '{"params":{"name":"x","value":"os","type":"withToken"}}'
assert_job 503 'field\[value\]' POST /v1/tags '{"params":{"name":"x","value":""}}'
assert_job 200 'withToken' POST /v1/tags '{"params":{"name":"os","value":"os::{name}::{version}","type":"withToken"}}'
tokens=$(jq -r .inventory.uuid <<<"$BODY")

step "attached, it is a user tag of the object"
assert_job 200 '"success":true' POST "/v1/tags/$simple/resources" "{\"params\":{\"resourceUuids\":[\"$image\",\"$zone\"]}}"
assert_eq "$(jq -r '[.results[].inventory | .tag, .tagPatternUuid, .tagPattern.name, .resourceType] | join(" ")' <<<"$BODY")" \
	"env::production $simple production ImageVO env::production $simple production ZoneVO"
assert_job 503 "has the tag 'env::production' already" POST "/v1/tags/$simple/resources" "{\"params\":{\"resourceUuids\":[\"$zone\"]}}"
assert_job 503 "needs a value for its token 'version'" POST "/v1/tags/$tokens/resources" \
	"{\"params\":{\"resourceUuids\":[\"$image\"],\"tokens\":{\"name\":\"debian\"}}}"
assert_job 200 'os::debian::12' POST "/v1/tags/$tokens/resources" \
	"{\"params\":{\"resourceUuids\":[\"$image\"],\"tokens\":{\"name\":\"debian\",\"version\":\"12\"}}}"
assert_job 503 'can have tags|SYS' POST "/v1/tags/$simple/resources" "{\"params\":{\"resourceUuids\":[\"$(printf %032d 9)\"]}}"
assert_eq "$(tags_of "$image")" '["env::production","os::debian::12"]'
assert_http 200 "$image" GET '/v1/images?q=__userTag__=env::production'

step "a new value is that of what it is attached to; tokens in use cannot change"
assert_job 200 '"value":"env::live"' PUT "/v1/tags/$simple/actions" '{"updateTag":{"value":"env::live","description":"d"}}'
assert_eq "$(tags_of "$zone")" '["env::live"]'
assert_job 503 'detach it before it is changed' PUT "/v1/tags/$tokens/actions" '{"updateTag":{"value":"o::{name}"}}'
assert_job 200 '"name":"system"' PUT "/v1/tags/$tokens/actions" '{"updateTag":{"name":"system"}}'

step "it is detached from some objects, and deleted from all"
assert_job 200 '^\{\}' DELETE "/v1/tags/$simple/resources?resourceUuids=$zone"
assert_eq "$(tags_of "$zone") $(tags_of "$image")" '[] ["env::live","os::debian::12"]'
tag=$(jq -r '.inventories[0].uuid' <<<"$BODY")
assert_job 200 . DELETE "/v1/tags/$simple"
assert_http 200 '"inventories":\[\]' GET "/v1/tags/$simple"
assert_eq "$(tags_of "$image")" '["os::debian::12"]'
http GET "/v1/user-tags?q=resourceUuid=$image"
tag=$(jq -r '.inventories[0].uuid' <<<"$BODY")
assert_job 200 . DELETE "/v1/tags/$tag" # on the same path: a tag of an object
assert_eq "$(tags_of "$image")" '[]'
assert_http 200 '"name":"system"' GET "/v1/tags/$tokens"

step "in the tree it is a folder like any other"
echo 'name=old value=archive' >"$MOUNT/tags/create"
old=$(basename "$(readlink "$MOUNT/tags/by-name/old")")
act "tags/$old" attach "resourceUuids=$image"
assert_eq "$(tags_of "$image")" '["archive"]'
act "tags/$old" detach "resourceUuids=$image"
assert_eq "$(tags_of "$image")" '[]'
assert_eq "$(value "tags/$old/value")" archive

step "an account has its own tags, and tags its own objects"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
login alice pw
assert_http 200 '"inventories":\[\]' GET /v1/tags
assert_job 503 'ID.1002' POST "/v1/tags/$old/resources" "{\"params\":{\"resourceUuids\":[\"$image\"]}}"
assert_job 200 . POST /v1/tags '{"params":{"name":"mine","value":"mine"}}'
mine=$(jq -r .inventory.uuid <<<"$BODY")
assert_job 503 'ID.1002' POST "/v1/tags/$mine/resources" "{\"params\":{\"resourceUuids\":[\"$image\"]}}"

step "a tag that is shared is attached by others, to their own objects"
alices=$SESSION
assert_job 200 . POST /v1/affinity-groups '{"params":{"name":"hers","policy":"antiSoft"}}'
group=$(jq -r .inventory.uuid <<<"$BODY")
login
admin=$SESSION
assert_job 200 . PUT /v1/accounts/resources/actions "{\"shareResource\":{\"resourceUuids\":[\"$old\",\"$tokens\"],\"toPublic\":true}}"
SESSION=$alices
assert_job 200 '"success":true' POST "/v1/tags/$old/resources" "{\"params\":{\"resourceUuids\":[\"$group\"]}}"
assert_job 503 'at most 2048 characters' POST "/v1/tags/$tokens/resources" \
	"$(jq -nc --arg g "$group" '{params: {resourceUuids: [$g], tokens: {name: ("x" * 2048), version: "1"}}}')"
assert_job 503 'ID.1002' PUT "/v1/tags/$old/actions" '{"updateTag":{"value":"theirs"}}'
assert_job 503 'ID.1002' DELETE "/v1/tags/$old"
assert_job 200 . POST "/v1/tags/$mine/resources" "{\"params\":{\"resourceUuids\":[\"$group\"]}}"
assert_eq "$(tags_of "$group")" '["archive","mine"]'

step "whoever had an object does not change the tags on it any more"
SESSION=$admin
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "bob", password: $p}}')"
assert_job 200 . POST "/v1/account/$(jq -r .inventory.uuid <<<"$BODY")/resources" "{\"params\":{\"resourceUuid\":\"$group\"}}"
SESSION=$alices
assert_job 200 '"value":"still mine"' PUT "/v1/tags/$mine/actions" '{"updateTag":{"value":"still mine"}}'
SESSION=$admin
assert_job 200 '"value":"attic"' PUT "/v1/tags/$old/actions" '{"updateTag":{"value":"attic"}}'
assert_eq "$(tags_of "$group")" '["attic","mine"]'
rest_down
