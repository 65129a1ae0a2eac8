#!/bin/bash
# Consoles as websockets: a token leads to the console of one VM, for whoever may use it, and to nothing else.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

CLIENT=$TOP/tests/rest/console-client
mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)
vm=$(create_vm web "$image")
vm2=$(create_vm db "$image")

# target VM: sets $token and $url of its console.
target() {
	assert_job 200 '"scheme":"http"' POST /v1/consoles "{\"params\":{\"vmInstanceUuid\":\"$1\"}}" -H 'X-JSON-Schema: true'
	token=$(jq -re .inventory.token <<<"$BODY")
	url="ws://$(jq -r '.inventory | "\(.hostname):\(.port)"' <<<"$BODY")/websockify?token=$token"
}

step "a token is given for a VM that runs, with the place of the websocket"
target "$vm"
assert_eq "$(jq -r '.inventory | "\(.hostname):\(.port) \(.targetScheme)"' <<<"$BODY")" "127.0.0.1:$PORT vnc"
[[ $(jq -r .inventory.expiredDate <<<"$BODY") =~ ^[A-Z][a-z]{2}\ [0-9]+,\ 20 ]] || fail "$BODY"
first=$token
target "$vm"
assert_eq "$token" "$first" # the same, for another hour
http GET "/v1/vm-instances/$vm/console-addresses"
port=$(jq -re .port <<<"$BODY")
assert_http 200 "\"hostIp\":\"127.0.0.1\",\"port\":$port" GET "/v1/consoles/$token/target"

step "while the console cannot be reached, the client is told so"
assert_eq "$("$CLIENT" view "$url")" "refused 503"
"$CLIENT" serve "$port" &

wait_until 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port"

step "the bytes of the websocket are those of the console"
expected="RFB 003.008"$'\n'"in parts"$'\n'"ended 1000"
assert_eq "$("$CLIENT" view "$url")" "connected binary $expected"
assert_eq "$("$CLIENT" view "$url" -)" "connected None $expected"
assert_eq "$("$CLIENT" view "ws://127.0.0.1:$PORT/?token=$token")" "connected binary $expected"

step "without a token, with another, or by another protocol nobody is let in"
assert_eq "$("$CLIENT" view "$url" base64)" "refused 400"
for bad in "" "?token=" "?token=$(printf %032d 1)" "?token=$SESSION" "?token=${token}0" "?token=../../$token" "?vm=$vm"; do
	assert_eq "$("$CLIENT" view "ws://127.0.0.1:$PORT/websockify$bad")" "refused 403"
done
assert_http 426 'this is a websocket' GET "/websockify?token=$token"
assert_http 404 . GET "/v1/websockify?token=$token"
assert_http 503 'ID.1002' GET "/v1/consoles/$(printf %032d 1)/target"

step "what a client must not send ends the connection alone, with its reason"
assert_eq "$("$CLIENT" send "$url" 820178)" "ended 1002"                  # not masked
assert_eq "$("$CLIENT" send "$url" 818161626364)" "ended 1003"            # text
assert_eq "$("$CLIENT" send "$url" c28161626364)" "ended 1002"            # a reserved bit
assert_eq "$("$CLIENT" send "$url" 89fe00ff61626364)" "ended 1002"        # a long ping
assert_eq "$("$CLIENT" send "$url" 82ff800000000000000061626364)" "ended 1002"
assert_eq "$("$CLIENT" view "$url")" "connected binary $expected"

step "a token has so many connections at a time, which are free again when they end"
wait_until 10 bash -c "[ \"\$('$CLIENT' hold '$url' 12)\" = 8 ]"
wait_until 10 bash -c "[ \"\$('$CLIENT' hold '$url' 8)\" = 8 ]"

step "an account has tokens for its own VMs, which end with its right to them"
admin=$(first accounts) # the only one
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
alice=$(jq -r .inventory.uuid <<<"$BODY")
admins=$SESSION
assert_job 200 . POST "/v1/account/$alice/resources" "{\"params\":{\"resourceUuid\":\"$vm\"}}"
login alice pw
assert_job 503 'ID.1002' POST /v1/consoles "{\"params\":{\"vmInstanceUuid\":\"$vm2\"}}"
target "$vm"
[ "$token" != "$first" ] || fail "it is the administrator's"
"$CLIENT" watch "$url" >watched &
watcher=$!
wait_until 10 grep -q connected watched
SESSION=$admins
assert_job 200 . POST "/v1/account/$admin/resources" "{\"params\":{\"resourceUuid\":\"$vm\"}}"
wait "$watcher"
assert_eq "$(<watched)" $'connected\nended 1008'
assert_eq "$("$CLIENT" view "$url")" "refused 403"
assert_eq "$("$CLIENT" view "ws://127.0.0.1:$PORT/websockify?token=$first")" "connected binary $expected"

step "a VM that does not run has no console"
act "vm-instances/$vm" stop type=cold
assert_job 503 'is not in state of' POST /v1/consoles "{\"params\":{\"vmInstanceUuid\":\"$vm\"}}"
assert_eq "$("$CLIENT" view "ws://127.0.0.1:$PORT/websockify?token=$first")" "refused 503"

step "consoles do not keep the program from its end"
target "$vm2"
http GET "/v1/vm-instances/$vm2/console-addresses"
port2=$(jq -re .port <<<"$BODY")
"$CLIENT" serve "$port2" &
wait_until 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$port2"
"$CLIENT" watch "$url" >last &
watcher=$!
wait_until 10 grep -q connected last
rest_down
wait "$watcher" || true
finds ended <last
