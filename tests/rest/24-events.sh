#!/bin/bash
# GET /events of poolfs-rest: each change once and in order, as server-sent events; from a number on; while the session is.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
admin=$SESSION
zone=zones/$(first zones)

# listen FILE [CURL OPTION...]: follows the events of $SESSION in the background, $! is its process.
listen() {
	curl -sSN -o "$1" -H "Authorization: Bearer $SESSION" "${@:2}" "$BASE/events" 2>"$1.err" &
}
# status CURL OPTION...: of a request that must be refused; its text is in `refused`.
status() {
	curl -sS -m 10 -o refused -D head -w '%{http_code}' "$@"
}
# numbers FILE: of the events in it.
numbers() {
	sed -n 's/^data: {"sequence":\([0-9]*\),.*/\1/p' "$1"
}
newest() {
	tail -n 1 "$MOUNT/events" | jq .sequence
}
# reached FILE: the newest event is in it.
reached() {
	[ "$(numbers "$1" | tail -n 1)" = "$(newest)" ]
}
describe() {
	echo "$1" >"$MOUNT/$zone/description"
}

step "only with a session, and from a number"
assert_eq "$(status "$BASE/events")" 401
grep -qi '^www-authenticate: bearer' head
for wrong in "Authorization: Bearer x" "Authorization: Basic eDp5" "Authorization: Bearer $(printf '%032d' 0)"; do
	assert_eq "$(status -H "$wrong" "$BASE/events")" 401 "$wrong"
done
for wrong in '?since=' '?since=x' '?since=-1' '?since=1x' '?other=1' '?since=99999999999999999999'; do
	assert_eq "$(status -H "Authorization: Bearer $SESSION" "$BASE/events$wrong")" 400 "$wrong"
done
assert_eq "$(status -X POST -d x -H "Authorization: Bearer $SESSION" "$BASE/events")" 404
assert_eq "$(curl -sSI -m 10 -H "Authorization: Bearer $SESSION" "$BASE/events" | sed -n 1p | tr -d '\r')" "HTTP/1.1 200 OK"

step "each change once, in order, with its number, and no sooner than it is one"
since=$(newest)
listen all -D all.head
listener=$!
wait_until 10 grep -q "^id: $since" all
grep -qi '^content-type: text/event-stream' all.head
assert_not grep -qi '^content-length' all.head
assert_eq "$(numbers all)" "" "before anything happens"
for i in 1 2 3 4 5; do
	describe "number $i"
done
wait_until 20 reached all
assert_eq "$(numbers all)" "$(seq $((since + 1)) "$(newest)")"
assert_eq "$(grep -o '"to":"number [0-9]' all | cut -d ' ' -f 2 | xargs)" "1 2 3 4 5"
sed -n 's/^data: //p' all | cmp - <(tail -n "$(numbers all | wc -l)" "$MOUNT/events" | jq -c .) || fail "the lines are not those of the file"

step "who comes back with the number of the last event misses nothing and reads nothing twice"
kill $listener
wait $listener || true
last=$(numbers all | tail -n 1)
describe "meanwhile"
for how in "-HLast-Event-ID: $last" "since"; do
	if [ "$how" = since ]; then
		curl -sSN -o again -H "Authorization: OAuth $SESSION" "$BASE/events?since=$last" &
	else
		listen again "$how"
	fi
	listener=$!
	wait_until 20 reached again
	assert_eq "$(numbers again)" "$(seq $((last + 1)) "$(newest)")" "$how"
	kill $listener
	wait $listener || true
done

step "of a number that the pool does not know, it is told that something is lost"
listen lost "-HLast-Event-ID: 999999999"
listener=$!
wait_until 10 grep -q '^event: lost' lost
describe "after that"
wait_until 20 reached lost
kill $listener
wait $listener || true

step "an account is told of what it may see"
assert_job 200 '' POST /v1/accounts "$(jq -nc --arg p "$(sha512 secret)" '{params: {name: "alice", password: $p}}')"
login alice secret
own=$SESSION
listen alice
listener=$!
wait_until 10 grep -q '^id:' alice
SESSION=$admin
http POST /v1/affinity-groups '{"params":{"name":"hidden","policy":"antiSoft"}}'
describe "for all"
wait_until 20 grep -q 'for all' alice
assert_not grep -q hidden alice

step "the end of the session ends the events"
http DELETE "/v1/accounts/sessions/$own"
wait_until 20 grep -q '^event: end' alice
wait $listener || fail "the connection has not ended"

step "the clients of an account are bounded, and an ended one makes room"
listeners=()
for ((i = 0; i < 32; i++)); do
	listen "many$i"
	listeners+=($!)
done
for ((i = 0; i < 32; i++)); do
	wait_until 20 grep -q '^id:' "many$i"
done
assert_eq "$(status -H "Authorization: Bearer $SESSION" "$BASE/events")" 429
assert_match "$(cat refused)" "too many clients"
kill "${listeners[@]}"
is_free() {
	[ "$(curl -sS -m 1 -o /dev/null -w '%{http_code}' -H "Authorization: Bearer $SESSION" "$BASE/events" 2>/dev/null)" = 200 ]
}
wait_until 20 is_free

step "listeners do not keep the program from ending"
listen ending
listener=$!
wait_until 10 grep -q '^id:' ending
rest_down
wait $listener || true
