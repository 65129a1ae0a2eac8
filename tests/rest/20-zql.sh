#!/bin/bash
# ZQL: it sees what the account sees, and only that; what it cannot say is refused with the reason.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)

# zql STATUS REGEX TEXT
zql() {
	http GET /v1/zql '' -G --data-urlencode "zql=$3"
	[[ $STATUS = "$1" && $BODY =~ $2 ]] || fail "'$3' gives $STATUS $BODY, expected $1 $2"
}

step "an account sees what is its own"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
zql 200 '"total":1' "query image where uuid='$image' return with (total)"
zql 200 '"total":2' 'count account'
login alice pw
zql 200 '"inventories":\[\],"total":0' "query image where uuid='$image' return with (total)"
zql 200 '"total":1' 'count account'
assert_job 200 . POST /v1/affinity-groups '{"params":{"name":"hers","policy":"antiSoft"}}'
zql 200 '^\{"results":\[\{"inventories":\[\{"name":"hers"\}\]\}\]\}$' 'query affinitygroup.name'
login
zql 200 '"total":1' "count affinitygroup where name='hers'"

step "several queries have one answer each, in their order"
zql 200 . "query zone.name; count image; query image.uuid named as 'three'"
assert_eq "$(jq -c '[.results[] | keys[0]]' <<<"$BODY")" '["inventories","total","inventories"]'
assert_eq "$(jq -r '.results[2].name' <<<"$BODY")" three
zql 503 'at most 16 queries' "$(printf 'count zone;%.0s' {1..17})"

step "what is wrong has a sentence"
zql 503 "there is no inventory 'nothing'" 'query nothing'
zql 503 "conditions with 'or'" "query zone where name='a' or name='b'"
zql 503 'expected an operator' "query zone where name"
zql 503 'SYS.1007' ''
SESSION='' http GET "/v1/zql?zql=query%20zone"
assert_eq "$STATUS" 400
rest_down
