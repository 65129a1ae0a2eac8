#!/bin/bash
# /metrics of poolfs-rest: with --metrics only, for administrators and accounts with the tag monitoring, as Prometheus asks.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

# scrape CURL OPTION...: sets $STATUS and the file `scraped`.
scrape() {
	STATUS=$(curl -sS -o scraped -D head -w '%{http_code}' "$@" "$BASE/metrics")
}

mount_pool -o allow_other,rest-user=nobody
create_vm one "$(small_image)" >/dev/null

step "without the option there is no /metrics"
rest_up
scrape -u admin:password
assert_eq "$STATUS" 404
rest_down

rest_up --metrics
step "nobody without an account"
scrape
assert_eq "$STATUS" 401
grep -qi '^WWW-Authenticate: Basic' head
for wrong in -uadmin:wrong -unobody:password -uadmin "-HAuthorization:Basic ****" "-HAuthorization:Basic YWRtaW4=" \
	"-HAuthorization:Bearer admin" "-HAuthorization:Bearer 0123456789abcdef0123456789abcdef" "-HAuthorization:Digest x"; do
	scrape "$wrong"
	assert_eq "$STATUS" 401 "$wrong"
done

step "an administrator, by password and by session, in both formats"
login
scrape -u admin:password
assert_eq "$STATUS" 200
grep -qi '^Content-Type: text/plain; version=0.0.4' head
promtool check metrics <scraped || fail "promtool complains"
grep -q '^poolfs_vm_cpu_seconds_total{.*name="one"} [0-9]' scraped || fail "the VM is not in the metrics"
scrape -H "Authorization: Bearer $SESSION" -H 'Accept: application/openmetrics-text;version=1.0.0,text/plain;q=0.5'
assert_eq "$STATUS" 200
grep -qi '^Content-Type: application/openmetrics-text' head
assert_eq "$(tail -n 1 scraped)" "# EOF"

step "a normal account must have the tag, which an administrator alone gives"
assert_job 200 '' POST /v1/accounts "$(jq -nc --arg p "$(sha512 scrape)" '{params: {name: "prometheus", password: $p}}')"
account=$(jq -r .inventory.uuid <<<"$BODY")
scrape -u prometheus:scrape
assert_eq "$STATUS" 403
assert_match "$(cat scraped)" "'monitoring'"
admin=$SESSION
login prometheus scrape
assert_http 503 'ID.1002' GET '/v1/metrics'
job POST /v1/system-tags "$(jq -nc --arg uuid "$account" '{params: {resourceType: "AccountVO", resourceUuid: $uuid, tag: "monitoring"}}')"
assert_match "$BODY" "for administrators"
own=$SESSION
SESSION=$admin
assert_job 200 '' POST /v1/system-tags "$(jq -nc --arg uuid "$account" '{params: {resourceType: "AccountVO", resourceUuid: $uuid, tag: "monitoring"}}')"
scrape -u prometheus:scrape
assert_eq "$STATUS" 200
grep -q 'name="one"' scraped || fail "the monitoring account does not see the VM"

step "the tag gives nothing else"
SESSION=$own
assert_http 200 '"metrics":"# HELP' GET '/v1/metrics'
assert_http 200 '"inventories":\[\]' GET '/v1/vm-instances'
SESSION=$admin

step "it logs in once, again after its session has ended, and not with a password that is no more"
# sessions: the number of those of the account that have not ended.
sessions() {
	sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM session WHERE accountUuid = '$account' AND expiredDate > $(date +%s%N)"
}
before=$(sessions)
for _ in 1 2 3; do
	scrape -u prometheus:scrape
	assert_eq "$STATUS" 200
done
assert_eq "$(sessions)" "$before" "sessions of three scrapes"
assert_job 200 '' PUT "/v1/accounts/$account" "$(jq -nc --arg p "$(sha512 other)" '{updateAccount: {password: $p}}')"
scrape -u prometheus:scrape
assert_eq "$STATUS" 401
scrape -u prometheus:other
assert_eq "$STATUS" 200

step "clients at the same time share a session, and that of a client which is replaced ends"
# all_sessions NAME...: of the accounts of these names.
all_sessions() {
	sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM session JOIN account ON account.uuid = accountUuid
		WHERE name IN ($(printf "'%s'," "$@") '') AND expiredDate > $(date +%s%N)"
}
new_account() {
	assert_job 200 '' POST /v1/accounts "$(jq -nc --arg name "$1" --arg p "$(sha512 scrape)" '{params: {name: $name, password: $p}}')"
}
new_account parallel
pids=()
for i in $(seq 10); do
	curl -sS -o /dev/null -w '%{http_code}' -u parallel:scrape "$BASE/metrics" >"parallel$i" &
	pids+=($!)
done
wait "${pids[@]}"
assert_eq "$(cat parallel*)" "$(printf '403%.0s' {1..10})"
assert_eq "$(all_sessions parallel)" 1 "sessions of ten scrapes at the same time"
names=()
for i in $(seq 8); do
	names+=("scraper$i")
	new_account "scraper$i"
	scrape -u "scraper$i:scrape"
	assert_eq "$STATUS" 403
done
assert_eq "$(all_sessions prometheus parallel "${names[@]}")" 8 "sessions that are kept"
scrape -u prometheus:other
assert_eq "$STATUS" 200 "after another client has taken its place"

step "what is no wrong password keeps its reason, and is told once"
# told LINE: the number of such lines in the log.
told() {
	grep -c " warning request 127.0.0.1: $1" "$CASE_DIR/rest.log" || true
}
limit_sessions() {
	assert_job 200 '' PUT /v1/global-configurations/identity/session.maxConcurrent/actions \
		"{\"updateGlobalConfig\":{\"value\":\"$1\"}}"
}
new_account busy
(login busy scrape)
limit_sessions 1
scrape -u busy:scrape
assert_eq "$STATUS" 503
assert_match "$(cat scraped)" "^Login sessions hit limit of max allowed concurrent login sessions, max allowed: 1$"
grep -qi '^Retry-After: ' head
SESSION='' assert_http 503 "^Login sessions hit limit" POST /login '{"name":"busy","password":"scrape"}'
limit_sessions 500
assert_eq "$(told "GET /metrics is answered with 503: Login sessions hit limit")" 1
assert_eq "$(told "POST /login is answered with 503: Login sessions hit limit")" 1
scrape -u $'\xff:scrape'
assert_eq "$STATUS" 401
assert_match "$(cat scraped)" "not UTF-8"

step "failed logins are limited, together with those of other forms"
# All arrive at once and are counted on arrival, so the time for checking one does not matter.
pids=()
for i in $(seq 25); do
	curl -sS -o "guess$i" -w '%{http_code}' --interface 127.0.0.9 -u "guess$i:x" "$BASE/metrics" >"guess$i.status" &
	pids+=($!)
done
wait_until 50 grep -qs 'too many failed logins' guess{1..25}
SESSION='' assert_http 403 '^too many failed logins' POST /login '{"name":"busy","password":"scrape"}' --interface 127.0.0.9
SESSION='' assert_http 503 'ID.1000.*too many failed logins' PUT /v1/accounts/login \
	"$(jq -nc --arg p "$(sha512 scrape)" '{logInByAccount: {accountName: "busy", password: $p}}')" --interface 127.0.0.9
scrape -u busy:scrape
assert_eq "$STATUS" 403 "from another address"
wait "${pids[@]}"
assert_eq "$(cat guess*.status)" "$(printf '401%.0s' {1..25})"
assert_eq "$(grep -l 'wrong account name or password' guess* | wc -l)" 20 "the guesses that were checked"
assert_eq "$(grep -lE 'too many failed logins, try again in [0-9]+ seconds' guess* | wc -l)" 5 "the guesses that were not"

step "its sessions end with the program"
assert_eq "$(sessions)" 1
rest_down
assert_eq "$(sessions)" 0
