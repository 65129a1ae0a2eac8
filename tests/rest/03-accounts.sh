#!/bin/bash
# Accounts and sessions: permissions, expiry and number of sessions, and the limit of failed logins.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

ADMIN=36c27e8ff05c4780bf6d2fa65700f22e # the same in every pool

# is_nowhere SECRET. Long texts are compressed in the database; the tree shows them, but for the secrets of jobs that run.
is_nowhere() {
	assert_not grep -rq "$1" "$MOUNT/accounts" "$MOUNT/api-jobs" "$STATE/pool.db" "$STATE/poolfs.log"
	assert_eq "$(sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM job_text WHERE secretRequest IS NOT NULL")" 0
}

step "the first password is that of the file, and causes no warning"
echo 'not the usual one' >password
mount_pool -o "allow_other,rest-user=nobody,admin-password-file=$CASE_DIR/password"
rest_up
assert_http 503 'ID.1000' PUT /v1/accounts/login "{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\"}}"
login admin 'not the usual one'
assert_not grep -q 'password of the manual' "$STATE/poolfs.log"
[ ! -e "$STATE/admin-password" ] || fail "a first password was made although one was given"

step "the hash stays in the database"
is_nowhere "$(sha512 'not the usual one')"

step "accounts are created, changed, and show no password"
assert_job 200 '"name":"alice"' POST /v1/accounts "{\"params\":{\"name\":\"alice\",\"password\":\"$(sha512 one)\"}}"
alice=$(jq -r .inventory.uuid <<<"$BODY")
assert_not grep -q password <<<"$BODY"
is_nowhere "$(sha512 one)"
assert_job 503 'SYS.1006.*already exists' POST /v1/accounts "{\"params\":{\"name\":\"alice\",\"password\":\"$(sha512 one)\"}}"
assert_job 200 '"description":"a person"' PUT "/v1/accounts/$alice/actions" '{"updateAccount":{"description":"a person"}}'
assert_job 200 '"name":"zone-a"' POST /v1/zones '{"params":{"name":"zone-a"}}'
zone=$(jq -r .inventory.uuid <<<"$BODY")
assert_job 503 'cannot be deleted' DELETE /v1/accounts/$ADMIN
admin=$SESSION

step "an account sees and changes only its own objects"
offering=$(first instance-offerings)
unshare "$offering"
login alice one
assert_http 200 '"name":"alice"' GET /v1/accounts
assert_eq "$(jq '.inventories|length' <<<"$BODY")" 1 "the number of accounts that alice sees"
assert_job 503 'ID.1002' PUT "/v1/zones/$zone/actions" '{"updateZone":{"name":"mine"}}'
assert_job 503 'ID.1002' POST /v1/accounts "{\"params\":{\"name\":\"eve\",\"password\":\"$(sha512 one)\"}}"
assert_job 503 'ID.1002' PUT "/v1/accounts/$ADMIN/actions" "{\"updateAccount\":{\"password\":\"$(sha512 mine)\"}}"
assert_job 503 'ID.1002' DELETE "/v1/instance-offerings/$offering"
assert_http 200 '"inventories":\[\]' GET "/v1/instance-offerings/$offering"
assert_job 200 '"name":"own"' POST /v1/instance-offerings '{"params":{"name":"own","cpuNum":1,"memorySize":"64M"}}'
own=$(jq -r .inventory.uuid <<<"$BODY")
assert_http 200 '"name":"own"' GET "/v1/instance-offerings/$own"
test -d "$MOUNT/instance-offerings/$offering"

step "an account that changes its password must know the old one"
assert_job 503 'SYS.1007.*oldPassword' PUT "/v1/accounts/$alice/actions" "{\"updateAccount\":{\"password\":\"$(sha512 two)\"}}"
assert_job 503 'ID.1000.*old password is wrong' PUT "/v1/accounts/$alice/actions" \
	"{\"updateAccount\":{\"password\":\"$(sha512 two)\",\"oldPassword\":\"$(sha512 three)\"}}"
for empty in "$(sha512 '')" "$(sha512 '' | tr a-f A-F)"; do
	assert_job 503 'SYS.1007.*must not be empty' PUT "/v1/accounts/$alice/actions" \
		"{\"updateAccount\":{\"password\":\"$empty\",\"oldPassword\":\"$(sha512 one)\"}}"
	SESSION=$admin assert_job 503 'SYS.1007.*must not be empty' POST /v1/accounts "{\"params\":{\"name\":\"empty\",\"password\":\"$empty\"}}"
done
SESSION=$admin assert_job 503 'SYS.1007' POST /v1/accounts '{"params":{"name":"empty","password":""}}'
assert_http 200 inventories GET /v1/zones

step "after a change of password the old one is refused, and all sessions have ended"
first=$SESSION
login alice one
assert_job 200 '"name":"alice"' PUT "/v1/accounts/$alice/actions" \
	"{\"updateAccount\":{\"password\":\"$(sha512 two)\",\"oldPassword\":\"$(sha512 one)\"}}"
for ended in "$first" "$SESSION"; do
	SESSION=$ended assert_http 503 'ID.1001' GET /v1/zones
done
SESSION=$admin assert_http 200 inventories GET /v1/zones
assert_not grep -rqE "$(sha512 one)|$(sha512 two)" "$MOUNT/accounts" "$MOUNT/api-jobs"
assert_http 503 'ID.1000' PUT /v1/accounts/login "{\"logInByAccount\":{\"accountName\":\"alice\",\"password\":\"$(sha512 one)\"}}"
login alice two
hers=$SESSION

step "an administrator changes the password of others without the old one, and their sessions end"
SESSION=$admin assert_job 200 '"name":"alice"' PUT "/v1/accounts/$alice/actions" "{\"updateAccount\":{\"password\":\"$(sha512 three)\"}}"
assert_http 503 'ID.1001' GET /v1/zones
login alice three
hers=$SESSION

step "the uuid of a job belongs to its account"
SESSION=$admin assert_job 200 '"name":"mine"' POST /v1/disk-offerings '{"params":{"name":"mine","diskSize":1048576}}' -H "X-Job-UUID: $(printf %032d 77)"
assert_http 400 'Duplicate job uuid' POST /v1/disk-offerings '{"params":{"name":"mine","diskSize":1048576}}' -H "X-Job-UUID: $(printf %032d 77)"

step "renewing and validating; a session of another account cannot be renewed"
assert_job 200 '"expiredDate"' PUT "/v1/accounts/sessions/$hers/renew" '{"renewSession":{"duration":100000}}'
assert_not grep -q "$hers" <<<"$BODY"
assert_not grep -rq "$hers" "$MOUNT/api-jobs"
assert_job 503 'field\[duration\] must be in range of \[60, 31536000\]' PUT "/v1/accounts/sessions/$hers/renew" '{"renewSession":{"duration":1}}'
assert_job 503 'ID.1001' PUT "/v1/accounts/sessions/$admin/renew" '{"renewSession":{"duration":100}}'

step "sessions are shown nowhere"
assert_eq "$(cd "$MOUNT/sessions" && echo *)" "call exports stamp uploads"
test -e "$MOUNT/sessions/$hers/call"
[ ! -e "$MOUNT/sessions/$(printf %032d 1)" ] || fail "a session exists without a login"
assert_fails 'Permission denied' setpriv --reuid nobody --regid nogroup --clear-groups ls "$MOUNT/sessions"

step "a deleted account's sessions end, and its objects become the administrator's"
SESSION=$admin
assert_job 200 '^\{\}$' DELETE "/v1/accounts/$alice"
assert_http 200 '"name":"own"' GET "/v1/instance-offerings/$own"
SESSION=$hers assert_http 503 'ID.1001' GET /v1/zones

step "sessions survive a restart, are extended by use, and expire without use"
set_config() {
	assert_job 200 "\"value\":\"$2\"" PUT "/v1/global-configurations/identity/$1/actions" "{\"updateGlobalConfig\":{\"value\":\"$2\"}}"
}
set_config session.timeout 4
# outlives_its_time: uses a session for longer than that; fails when the machine is too busy for it to be used in time
outlives_its_time() {
	local now=${EPOCHREALTIME/./} end=$((${EPOCHREALTIME/./} + 5000000)) last began
	last=$now
	login admin 'not the usual one'
	while [ "$now" -lt $end ]; do
		sleep 0.8
		began=${EPOCHREALTIME/./}
		http GET /v1/zones
		now=${EPOCHREALTIME/./}
		[ $((now - last)) -lt 3900000 ] || return
		[ "$STATUS" = 200 ] || fail "the session has ended: $BODY"
		last=$began
	done
}
until outlives_its_time; do
	echo "   not used in time; again"
done
sleep 4.5
assert_http 503 'ID.1001' GET /v1/zones
SESSION=$admin assert_http 200 inventories GET /v1/zones
SESSION=$admin

step "the number of concurrent sessions is limited"
set_config session.maxConcurrent 1
assert_http 503 'Login sessions hit limit of max allowed concurrent login sessions' PUT /v1/accounts/login \
	"{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 'not the usual one')\"}}"
set_config session.maxConcurrent 500

step "failed logins are limited, regardless of the account"
# All arrive at once and are counted on arrival, so the time for checking one does not matter.
pids=()
for i in $(seq 25); do
	curl -sS -X PUT -o "guess$i" -w '%{http_code}' "$BASE/v1/accounts/login" \
		-d "{\"logInByAccount\":{\"accountName\":\"guess$i\",\"password\":\"x\"}}" >"guess$i.status" &
	pids+=($!)
done
wait_until 50 grep -q 'ID.1000.*too many failed logins' guess{1..25}

step "but nobody is locked out where he has logged in before"
good="{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 'not the usual one')\"}}"
assert_http 200 '"uuid":' PUT /v1/accounts/login "$good"
assert_http 503 'too many failed logins' PUT /v1/accounts/login "${good/admin/alice2}"
wait "${pids[@]}"
assert_eq "$(cat guess*.status)" "$(printf '503%.0s' {1..25})"
tried=$(grep -l 'wrong account name or password' guess* | wc -l)
# Together with the two wrong passwords above, unless those were more than a minute ago.
[[ $tried == @(18|19|20) ]] || fail "$tried guesses were checked"
assert_eq "$(grep -l 'too many failed logins' guess* | wc -l)" $((25 - tried)) "the guesses that were refused unchecked"
for address in 2 3 4 5; do # each of which may fail 20 times; 60 failures for one account are too many
	for i in $(seq 20); do
		curl -sS -X PUT --interface 127.0.0.$address "$BASE/v1/accounts/login" \
			-d '{"logInByAccount":{"accountName":"admin","password":"x"}}' >"spread$address-$i" &
		pids+=($!)
	done
done
wait_until 50 grep -q 'ID.1000.*too many failed logins' spread*
assert_http 503 'too many failed logins' PUT /v1/accounts/login "$good" --interface 127.0.0.6
assert_http 200 '"uuid":' PUT /v1/accounts/login "$good"
wait "${pids[@]}"
rest_down

step "each start warns of the manual's password, until it is changed"
umount_pool
STATE=$CASE_DIR/other
warned() {
	grep -q "warning account admin: it has the password of the manual" "$STATE/poolfs.log"
}
mount_pool -o allow_other,rest-user=nobody
wait_until 10 warned
rest_up
login
assert_job 200 '"name":"admin"' PUT "/v1/accounts/$ADMIN/actions" \
	"{\"updateAccount\":{\"password\":\"$(sha512 new)\",\"oldPassword\":\"$(sha512 password)\"}}"
rest_down
umount_pool
: >"$STATE/poolfs.log"
mount_pool
sleep 1
assert_not warned

step "without a file a new pool's password is random, and stands in the state folder until it is changed"
umount_pool
STATE=$CASE_DIR/third
"$POOLFS" -o "allow_other,state=$STATE,uri=$URI" "$MOUNT" 2>>"$CASE_DIR/poolfs.log"
assert_eq "$(stat -c '%a %u' "$STATE/admin-password")" "600 0"
password=$(cat "$STATE/admin-password")
assert_match "$password" '^[A-Za-z0-9_-]{20}$'
rest_up
assert_http 503 'ID.1000' PUT /v1/accounts/login "{\"logInByAccount\":{\"accountName\":\"admin\",\"password\":\"$(sha512 password)\"}}"
login admin "$password"
is_nowhere "$password"
assert_job 200 '"name":"admin"' PUT "/v1/accounts/$ADMIN/actions" \
	"{\"updateAccount\":{\"password\":\"$(sha512 new)\",\"oldPassword\":\"$(sha512 "$password")\"}}"
[ ! -e "$STATE/admin-password" ] || fail "the file with the first password is still there"
login admin new
rest_down
