#!/bin/bash
# The status page in a real browser, and the OpenAPI document.
# limit: 180
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login

step "the page is one file that loads nothing from elsewhere"
curl -sS -D headers "$BASE/" >page
grep -qi '^content-type: text/html' headers
grep -qi "^content-security-policy: default-src 'none'" headers
assert_not grep -Eq '(src|href)="?(https?:)?//' page
cmp page "$TOP/rest/page.html"

step "in Chromium: log in, see the pool, log out"
http POST /v1/instance-offerings '{"params":{"name":"seen","cpuNum":1,"memorySize":"64M"}}'
mkdir profile
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$CASE_DIR/profile" --remote-debugging-port=18222 \
	--remote-allow-origins='*' about:blank >chromium.log 2>&1 &
wait_until 60 curl -sf http://127.0.0.1:18222/json/version -o version
"$TOP/tests/rest/browse" 18222 "$BASE/" "$CASE_DIR/page.png"
test -s page.png

step "the OpenAPI document is valid, and every operation of the pool is in it"
curl -sS "$BASE/zstack/v1/openapi.json" >openapi.json
assert_match "$(jq -r .openapi openapi.json)" '^3\.1\.'
validate() {
	"$TOP/build/openapi-validator/node_modules/.bin/validate-api" "$1"
}
validate openapi.json
jq 'del(.info.title)' openapi.json >bad.json
assert_fails '"valid": false' validate bad.json
"$TOP/tests/rest/check-openapi" openapi.json "$MOUNT/operations.json"
rest_down
