#!/bin/bash
# Hostile queries: slow ones are aborted, over REST and in the tree, and delay no other client; injections fail.
# limit: 240
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

step "a pool with many long texts"
mount_pool -o allow_other,rest-user=nobody
umount_pool
python3 - "$STATE/pool.db" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
columns = [row[1] for row in db.execute('PRAGMA table_info(zone)') if row[1] != 'id']
row = dict(zip(columns, db.execute(f'SELECT {", ".join(columns)} FROM zone').fetchone()))
for i in range(30000):
    row.update(uuid=f'{i:032x}', name=f'zone-{i}', description='a' * 2000)  # visible to all
    db.execute(f'INSERT INTO zone ({", ".join(columns)}) VALUES ({", ".join("?" * len(columns))})', list(row.values()))
db.commit()
PYTHON
mount_pool -o allow_other,rest-user=nobody
rest_up
login
admin=$SESSION
assert_http 200 '"total":30001' GET '/v1/zones?count=true'
assert_job 200 '"name":"alice"' POST /v1/accounts "{\"params\":{\"name\":\"alice\",\"password\":\"$(sha512 one)\"}}"
login alice one
alice=$SESSION
SESSION=$admin

step "the limit is a setting, and is shown"
assert_eq "$(value limits | sed -n 's/^query-seconds //p')" 10
set_limit() {
	SESSION=$admin assert_job 200 "\"value\":\"$1\"" PUT /v1/global-configurations/search/timeLimit/actions \
		"{\"updateGlobalConfig\":{\"value\":\"$1\"}}"
}
set_limit 4
assert_eq "$(value limits | sed -n 's/^query-seconds //p')" 4

# Patterns that match nowhere, each as long as a pattern may be, on long texts that nearly match.
pattern=$(printf 'a%.0s' {1..1000})b
hostile=count=true
for _ in {1..40}; do hostile+="&q=description!~=%25$pattern%25"; done

step "over REST: the error of the manual, while another account is answered"
curl -sS -g -o hostile.json -w '%{http_code}' -H "Authorization: OAuth $admin" "$BASE/v1/zones?$hostile" >hostile.status &
pid=$!
SESSION=$alice
for path in '/v1/vm-instances' "/v1/zones/$(printf %032x 7)" '/v1/zones?q=uuid=7&limit=3' \
	'/v1/zones?q=cluster.name=x' '/v1/zones?q=name~=%25-12%25&count=true'; do
	assert_http 200 '"schema":' GET "$path"
done
assert_job 200 '"name":"mine"' POST /v1/instance-offerings '{"params":{"name":"mine","cpuNum":1,"memorySize":"64M"}}'
cat "$MOUNT/vm-instances?count=true" >/dev/null
kill -0 $pid || fail "the hostile query ended before the others were answered: $(head -c 300 hostile.json)"
wait $pid
assert_eq "$(cat hostile.status)" 503 "the status of the hostile query"
assert_match "$(cat hostile.json)" '"code":"SYS.1001".*took longer than its time limit'

step "three at once: hostile queries of two accounts and a user of the tree, a third account is answered"
SESSION=$admin assert_job 200 '"name":"carol"' POST /v1/accounts "{\"params\":{\"name\":\"carol\",\"password\":\"$(sha512 two)\"}}"
login carol two
pids=()
for who in "$admin" "$alice"; do
	curl -sS -g -o "$who.json" -w '%{http_code}' -H "Authorization: OAuth $who" "$BASE/v1/zones?$hostile" >"$who.status" &
	pids+=($!)
done
"$TOP/tests/tree/fileop" write "$MOUNT/zones/query" "$hostile" >tree.errno &
pids+=($!)
# These take turns with the hostile ones, too: a pattern, a relation.
assert_http 200 '"total":1111,' GET '/v1/zones?q=name~=%25-12%25&count=true'
assert_http 200 '"schema":' GET '/v1/zones?q=cluster.name~=%25x'
for pid in "${pids[@]}"; do
	kill -0 "$pid" || fail "a hostile query ended before the third account was answered"
done
wait "${pids[@]}"
assert_eq "$(cat "$admin.status" "$alice.status" tree.errno)" 503503ETIMEDOUT

step "in the tree: ETIMEDOUT, while another user is answered"
"$TOP/tests/tree/fileop" write "$MOUNT/zones/query" "$hostile" >tree.errno &
pid=$!
other() {
	setpriv --reuid 1234 --regid 1234 --clear-groups "$@"
}
echo 1234 >"$(grep -lx alice "$MOUNT"/accounts/*/name | sed 's/name$/unixUsers/')"
sync "$(grep -lx alice "$MOUNT"/accounts/*/name | sed 's/name$/unixUsers/')"
assert_eq "$(other jq .total "$MOUNT/zones?count=true")" 30001
assert_eq "$(other jq .total "$MOUNT/zones?count=true&q=cluster.name=x")" 0
SESSION=$alice assert_http 200 '"total":' GET '/v1/zones?q=name~=%25-12%25&count=true'
kill -0 $pid || fail "the hostile query ended before the others were answered: $(cat tree.errno)"
wait $pid
assert_eq "$(cat tree.errno)" ETIMEDOUT
assert_match "$(value last-error)" 'took longer than its time limit'

step "loops of relations are bounded, and a query of many of them ends"
set_limit 10
SESSION=$admin
deep=zone.cluster.zone.cluster.zone.cluster.zone.cluster
assert_http 200 '"total":' GET "/v1/vm-instances?count=true&q=$deep.name!=x"
assert_http 503 '"code":"SYS.1000".*8' GET "/v1/vm-instances?count=true&q=host.$deep.name!=x"
assert_refused vm-instances/query "q=host.$deep.name!=x" EINVAL 8

step "common injections"
value zones/inventories >before
while IFS= read -r evil; do
	coded=$(jq -nr --arg e "$evil" '$e | @uri')
	for query in "q=name=$coded" "q=$coded" "$coded" "sort=$coded" "fields=$coded" "groupBy=$coded" "limit=$coded" "start=$coded" "q=$coded=1"; do
		http GET "/v1/zones?$query"
		case $STATUS in
		200) jq -e .schema <<<"$BODY" >/dev/null ;;
		400) [ -n "$BODY" ] ;;
		503) jq -e '.error | .code and .details' <<<"$BODY" >/dev/null ;;
		*) false ;;
		esac || fail "'$query' is answered $STATUS: $BODY"
	done
	http GET "/v1/zones/$coded"
	[[ $STATUS == @(200|404) && $BODY != *'"uuid"'* ]] || fail "the path '$coded' is answered $STATUS: $BODY"
	assert_http 202 location POST /v1/zones "$(jq -nc --arg e "$evil" '{params: {name: $e, description: $e}}')"
	job=$(jq -r .location <<<"$BODY")
	wait_until 10 bash -c "[ \"\$(curl -s -o answer -w '%{http_code}' $job)\" != 202 ]"
	jq -e --arg e "$evil" '(.inventory | .name == $e and .description == $e) or (.error | .code and .details)' answer >/dev/null ||
		fail "a zone of the name '$evil' becomes $(cat answer)"
	uuid=$(jq -r '.inventory.uuid // empty' answer)
	[ -z "$uuid" ] || {
		# The text `null` queries objects without a name.
		[ "$evil" = null ] || assert_http 200 "\"uuid\":\"$uuid\"" GET "/v1/zones?q=name=$coded"
		assert_job 200 '^\{\}$' DELETE "/v1/zones/$uuid"
	}
done <<'CORPUS'
' OR '1'='1
'; DROP TABLE zone; --
" OR ""="
1) UNION SELECT * FROM account --
name'--
/* */
\
\u0000
a&b=c&&==
null
🦊 and ̈combining
../../etc/passwd
..%2f..%2faccounts
$(id)
`id`
uuid.uuid.uuid.uuid
__userTag__.name=1
accountUuid=1
9999999999999999999999999
-1
+
NaN
<script>alert(1)</script>
CORPUS
for raw in %00 %zz %2 % %FF%FE %C0%AF %ED%A0%80 name=%00 %E2%80%AE; do
	for query in "q=name=$raw" "q=$raw" "$raw=1" "sort=$raw" "limit=$raw" "fields=$raw"; do
		http GET "/v1/zones?$query"
		[[ $STATUS == @(200|400|503) && -n $BODY ]] || fail "'$query' is answered $STATUS: $BODY"
	done
	http GET "/v1/zones/$raw"
	[[ $STATUS == @(200|400|404) && $BODY != *'"uuid"'* ]] || fail "the path '$raw' is answered $STATUS: $BODY"
done
long=$(printf 'x%.0s' {1..20000})
assert_http 200 '"inventories":\[\]' GET "/v1/zones?q=name=$long"
assert_http 404 'no api mapping' GET "/v1$(printf '/x%.0s' {1..5000})"
assert_http 503 'SYS.1000' GET "/v1/zones?q=$(printf 'zone.%.0s' {1..3000})name=x"
value zones/inventories | cmp before
rest_down
