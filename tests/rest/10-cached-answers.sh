#!/bin/bash
# Answers are cached only as long as they are current, regardless of which client changes the pool or queries it.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
zone=$(first zones)

stamp() {
	stat -c %.9Y "$MOUNT/sessions/stamp"
}
assert_eq "$(tr -d '\n' <"$MOUNT/sessions/stamp" | sed 's/^0*//')" "$(stamp | tr -d .)" "the stamp in the file"
before=$(stamp)
assert_eq "$(stamp)" "$before"
echo changed >"$MOUNT/zones/$zone/name"
[ "$(stamp)" != "$before" ] || fail "the stamp is the same after a change"

step "an open file shows the change"
python3 - "$MOUNT" "$zone" <<'PYTHON'
import os, sys
mount, zone = sys.argv[1:]
fd = os.open(f'{mount}/sessions/stamp', os.O_PATH)
seen = {os.fstat(fd).st_mtime_ns}
for i in range(300):
    with open(f'{mount}/zones/{zone}/name', 'w') as f:
        f.write(f'name{i}')
    seen.add(os.fstat(fd).st_mtime_ns)
    assert os.fstat(fd).st_mtime_ns in seen
    assert len(seen) == i + 2, f'the same stamp after change {i}'
PYTHON

step "many readers of cached answers: none sees the value from before a completed change"
cat >race.py <<'PYTHON'
import http.client, json, sys, threading
port, session, mount, zone = int(sys.argv[1]), *sys.argv[2:]
done, last, failed, reads = False, 0, [], 0
def reader():
    global reads
    c = http.client.HTTPConnection('127.0.0.1', port)
    while not done and not failed:
        known = last
        c.request('GET', f'/v1/zones/{zone}', headers={'Authorization': f'OAuth {session}'})
        got = int(json.loads(c.getresponse().read())['inventory']['name'])
        reads += 1
        if got < known:
            failed.append(f'{got} is read after {known} was written')
with open(f'{mount}/zones/{zone}/name', 'w') as f:
    f.write('0')
readers = [threading.Thread(target=reader) for _ in range(8)]
for t in readers:
    t.start()
for i in range(1, 1500):
    with open(f'{mount}/zones/{zone}/name', 'w') as f:
        f.write(str(i))
    last = i
done = True
for t in readers:
    t.join()
if failed or reads < 1000:
    sys.exit(f'FAILED: {failed[:1]} after {reads} reads')
print(reads, 'reads')
PYTHON
python3 race.py $PORT "$SESSION" "$MOUNT" "$zone"

step "an ended session is invalid, an account sees only its own objects, bad headers are refused"
admin=$SESSION
assert_job 200 '"name":"alice"' POST /v1/accounts "{\"params\":{\"name\":\"alice\",\"password\":\"$(sha512 one)\"}}"
offering=$(create disk-offerings '{"params":{"name":"private","diskSize":1048576}}')
assert_http 200 "\"uuid\":\"$offering\"" GET "/v1/disk-offerings/$offering"
login alice one
assert_http 200 '"inventories":\[\]' GET "/v1/disk-offerings/$offering"
SESSION=$admin assert_http 200 "\"uuid\":\"$offering\"" GET "/v1/disk-offerings/$offering"
for _ in 1 2 3; do
	assert_http 200 '"name":"alice"' GET /v1/accounts
	assert_http 400 'X-Job-UUID' GET /v1/accounts '' -H 'X-Job-UUID: x'
	SESSION='' assert_http 400 'missing header' GET /v1/accounts
	assert_http 200 '"name":"alice"' GET /v1/accounts '' -H 'X-Job-UUID: 0123456789ABCDEF0123456789ABCDEF'
done
python3 - $PORT "$SESSION" <<'PYTHON'
import http.client, sys
c = http.client.HTTPConnection('127.0.0.1', int(sys.argv[1]))
def get(method, path):
    c.request(method, path, headers={'Authorization': f'OAuth {sys.argv[2]}'})
    answer = c.getresponse()
    answer.read()
    return answer.status
for _ in range(100):
    assert get('GET', '/v1/accounts') == 200
assert get('DELETE', f'/v1/accounts/sessions/{sys.argv[2]}') == 200
assert get('GET', '/v1/accounts') == 503
PYTHON
SESSION=$admin

step "a pool that was killed and mounted again gives no answers of the old one"
assert_http 200 '"name":"1499"' GET "/v1/zones/$zone"
pool_pids | xargs kill -9
wait_until 15 is_pool_gone
umount -l "$MOUNT"
mount_pool -o allow_other,rest-user=nobody
echo anew >"$MOUNT/zones/$zone/name"
assert_http 200 '"name":"anew"' GET "/v1/zones/$zone"
for i in 1 2 3; do
	echo "anew$i" >"$MOUNT/zones/$zone/name"
	assert_http 200 "\"name\":\"anew$i\"" GET "/v1/zones/$zone"
	assert_http 200 "\"name\":\"anew$i\"" GET "/v1/zones/$zone"
done
rest_down
