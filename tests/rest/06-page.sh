#!/bin/bash
# The status page in a real browser, and the OpenAPI document.
# limit: 180
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

# A host with a VM of somebody else.
cat >node.xml <<'END'
<node>
<cpu><mhz>2000</mhz><model>simulated</model><active>8</active><nodes>1</nodes><sockets>1</sockets><cores>8</cores><threads>1</threads></cpu>
<memory>16777216</memory>
<domain type='test' xmlns:test='http://libvirt.org/schemas/domain/test/1.0'><name>foreign</name>
<uuid>4dea22b31d52d8f32516782e98ab3fa0</uuid><memory>65536</memory><vcpu>1</vcpu><os><type>hvm</type></os>
<test:runstate>5</test:runstate></domain>
</node>
END
URI=test://$CASE_DIR/node.xml
mount_pool -o allow_other,rest-user=nobody
rest_up
login

step "the page loads nothing but its own files, and runs no script that stands in it"
curl -sS -D headers "$BASE/" >page
grep -qi '^content-type: text/html' headers
grep -qi "^content-security-policy: default-src 'none'; script-src 'self'; style-src 'self'" headers
assert_not grep -qi 'unsafe' headers
assert_not grep -Eq '(src|href)="?(https?:)?//| on[a-z]+=|<style|style=|<script>' page
assert_not grep -Eq "https?://[^w]|eval\(|innerHTML" "$TOP"/rest/page*.js
cmp page "$TOP/rest/page.html"
for file in page.css page.js page-api.js page-console.js page-elements.js page-vms.js; do
	curl -sS "$BASE/$file" | cmp - "$TOP/rest/$file"
done

step "logging in with a password as it is"
assert_http 403 'wrong account name or password' POST /login '{"name":"admin","password":"wrong"}'
assert_http 400 'the body must be' POST /login '{"name":"admin"}'
assert_http 400 'the body must be' POST /login 'x'

step "in Chromium: log in, see the pool, log out"
http POST /v1/instance-offerings '{"params":{"name":"seen","cpuNum":1,"memorySize":"64M"}}'
image=$(small_image)
create_vm web01 "$image" >/dev/null
create_vm db02 "$image" >/dev/null
create_vm idle "$image" '{"strategy":"CreateStopped"}' >/dev/null
echo 1 >"$MOUNT/global-configurations/statistics/maxAge/value"
huge=$(create instance-offerings '{"params":{"name":"huge","cpuNum":1000,"memorySize":"900T"}}')
failed=$(submit vm-instances/create "$(vm_json huge "$image" '{"instanceOfferingUuid":"'"$huge"'"}')")
wait_until 20 is_finished "$failed"
mkdir profile
chromium --headless --no-sandbox --disable-gpu --disable-dev-shm-usage --user-data-dir="$CASE_DIR/profile" --remote-debugging-port=18222 \
	--remote-allow-origins='*' about:blank >chromium.log 2>&1 &
CHROMIUM=$!
wait_until 60 curl -sf http://127.0.0.1:18222/json/version -o version
printf 'Debian GNU/Linux 12 web01 ttyS0\r\n\033[1mweb01 login:\033[0m <b>x</b> \001' >"$STATE/console/$(value vm-instances/by-name/web01/uuid).log"
"$TOP/tests/rest/browse" few 18222 "$BASE/" "$CASE_DIR" "$STATE/console/$(value vm-instances/by-name/web01/uuid).log" "$MOUNT"
for picture in page page-console page-console-390 page-390 page-dark; do
	test -s $picture.png
done

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

step "lists that are of no kind have the members of their types"
# typed TYPE PATH: each member of what the path lists is one of the type.
typed() {
	assert_http 200 '"inventories":\[\{' GET "$2"
	assert_eq "$(jq -c --arg type "$1" --slurpfile api openapi.json \
		'[.inventories[] | keys[]] - ($api[0].components.schemas[$type].properties | keys)' <<<"$BODY")" '[]' "members that $1 has not"
}
typed VmStatistics /v1/vm-instances/statistics
typed ForeignDomain "/v1/hosts/$(first hosts)/foreign-domains"

step "statistics of some VMs, and what is in console"
vm=$(value vm-instances/by-name/web01/uuid)
http GET "/v1/vm-instances/statistics?vmInstanceUuids=$vm"
assert_eq "$(jq -r '[.inventories[].uuid] | join(" ")' <<<"$BODY")" "$vm"
http GET "/v1/vm-instances/$vm/screenshot"
jq -r .png <<<"$BODY" | base64 -d | cmp - /usr/share/libvirt/test-screenshot.png
printf 'a\303' >"$STATE/console/$vm.log"
assert_http 200 '^\{"text":"a","offset":0,"next":1\}$' GET "/v1/vm-instances/$vm/serial-log"
printf '\251\377\000b' >>"$STATE/console/$vm.log"
http GET "/v1/vm-instances/$vm/serial-log?offset=1"
assert_eq "$(jq -r '.text, .next' <<<"$BODY")" "$(printf 'é\357\277\275\357\277\275b\n6')"
assert_http 200 '"text":"a' GET "/v1/vm-instances/$vm/serial-log?offset=100"
assert_http 503 'offset.* must be in range' GET "/v1/vm-instances/$vm/serial-log?offset=-1"
assert_http 503 'is Stopped' GET "/v1/vm-instances/$(value vm-instances/by-name/db02/uuid)/screenshot"
admin=$SESSION
assert_job 200 '' POST /v1/accounts "$(jq -nc --arg p "$(sha512 secret)" '{params: {name: "alice", password: $p}}')"
alice=$(jq -r .inventory.uuid <<<"$BODY")
assert_job 200 '' PUT /v1/accounts/resources/actions "$(jq -nc --arg vm "$vm" --arg a "$alice" '{shareResource: {resourceUuids: [$vm], accountUuids: [$a]}}')"
login alice secret
assert_http 200 '"name":"web01"' GET "/v1/vm-instances/$vm"
assert_http 503 'ID.1002' GET "/v1/vm-instances/$vm/screenshot"
assert_http 503 'ID.1002' GET "/v1/vm-instances/$vm/serial-log"
SESSION=$admin
rest_down

step "in Chromium: ten thousand VMs"
umount_pool
python3 - "$STATE/pool.db" <<'END'
import sqlite3
import sys
import uuid

with sqlite3.connect(sys.argv[1]) as db:
    db.row_factory = sqlite3.Row
    one = dict(db.execute("SELECT * FROM vm WHERE name = 'db02'").fetchone())
    first = db.execute('SELECT max(id) FROM vm').fetchone()[0] + 1
    marks = ', '.join('?' * len(one))
    for i in range(10000):
        row = {**one, 'id': first + i, 'uuid': uuid.uuid4().hex, 'name': f'many{i:05}'}
        db.execute(f"INSERT INTO vm ({', '.join(row)}) VALUES ({marks})", list(row.values()))
END
mount_pool -o allow_other,rest-user=nobody
rest_up
"$TOP/tests/rest/browse" many 18222 "$BASE/" "$CASE_DIR" "$MOUNT"
for picture in page-many page-many-390; do
	test -s $picture.png
done
kill $CHROMIUM
rest_down
