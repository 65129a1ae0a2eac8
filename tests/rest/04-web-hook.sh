#!/bin/bash
# Web hooks: called at the end of a job, repeated until the call is answered, also after a restart.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

# receiver STATUS...: answers requests with these statuses in turn, then with the last; appends the requests to hooks.
cat >receiver <<'PYTHON'
import http.server, json, sys
statuses = [int(s) for s in sys.argv[1:]]
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers['Content-Length'])).decode()
        with open('hooks', 'a') as f:
            f.write(json.dumps([self.path, self.headers['X-Job-UUID'], self.headers['X-Job-Success'],
                                self.headers['Content-Type'], json.loads(body)]) + '\n')
        self.send_response(statuses.pop(0) if len(statuses) > 1 else statuses[0])
        self.end_headers()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer(('127.0.0.1', 18099), Handler).serve_forever()
PYTHON
receive() {
	python3 receiver "$@" &
	RECEIVER=$!
	wait_until 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/18099"
}
hooks_received() {
	[ "$(wc -l <hooks)" -ge "$1" ]
}
touch hooks
mount_pool -o allow_other,rest-user=nobody
rest_up
login

step "a success and a failure, with the body of a poll"
receive 200
assert_job 200 '"name":"z"' POST /v1/zones '{"params":{"name":"z"}}' -H 'X-Web-Hook: http://127.0.0.1:18099/a' -H "X-Job-UUID: $(printf %032d 1)"
polled=$BODY
wait_until 10 hooks_received 1
assert_eq "$(jq -c '.[0:4]' hooks)" "[\"/a\",\"$(printf %032d 1)\",\"true\",\"application/json; charset=utf-8\"]"
assert_eq "$(jq -Sc '.[4]' hooks)" "$(jq -Sc . <<<"$polled")" "the body"
assert_job 503 'SYS.1007' POST /v1/zones '{"params":{}}' -H 'X-Web-Hook: http://127.0.0.1:18099/b'
wait_until 10 hooks_received 2
assert_eq "$(jq -c '[.[0], .[2], .[4].error.code]' hooks | tail -n 1)" '["/b","false","SYS.1007"]'
assert_eq "$(jq -c '.[4].schema' hooks | sort -u)" null "the schema that was not asked for"
assert_job 200 '"name":"s"' POST /v1/zones '{"params":{"name":"s"}}' -H 'X-Web-Hook: http://127.0.0.1:18099/s' -H 'X-JSON-Schema: true'
wait_until 10 hooks_received 3
assert_eq "$(jq -c '.[4] | [.inventory.name, .schema]' hooks | tail -n 1)" '["s",{"inventory":"org.zstack.header.zone.ZoneInventory"}]'
logged_in=$SESSION
SESSION='' assert_http 202 '' POST /v1/zones '{"params":{"name":"n"}}' -H "Authorization: OAuth $(printf %032d 9)" -H 'X-Web-Hook: http://127.0.0.1:18099/u'
assert_http 200 '' DELETE "/v1/accounts/sessions/$SESSION"
assert_job 503 'ID.1001.*Session expired' POST /v1/zones '{"params":{"name":"n"}}' -H 'X-Web-Hook: http://127.0.0.1:18099/e' -H "X-Job-UUID: $(printf %032d 2)"
polled=$BODY
wait_until 10 hooks_received 4
assert_eq "$(jq -c '.[0:3]' hooks | tail -n 1)" "[\"/e\",\"$(printf %032d 2)\",\"false\"]" "the hook of a call whose session has ended, not that of an unknown session"
assert_eq "$(jq -Sc '.[4]' hooks | tail -n 1)" "$(jq -Sc . <<<"$polled")" "the body"
assert_job 503 'ID.1001' POST /v1/zones '{"params":{"name":"n"}}'
login
assert_eq "$(jq '[.inventories[] | select(.name == "n")] | length' "$MOUNT/zones/inventories")" 0 "zones made without a session"
assert_not test -e "$MOUNT/sessions/$logged_in/call"
kill $RECEIVER

step "no receiver: tried again until there is one, although the session has ended"
assert_job 200 '"name":"y"' POST /v1/zones '{"params":{"name":"y"}}' -H 'X-Web-Hook: http://127.0.0.1:18099/c'
assert_http 200 '' DELETE "/v1/accounts/sessions/$SESSION"
assert_http 503 'ID.1001' GET /v1/zones
sleep 1
receive 500 503 200
wait_until 20 hooks_received 7
login
sleep 3
assert_eq "$(jq -r '.[0]' hooks | grep -c /c)" 3 "the number of calls"
kill $RECEIVER

step "a call that was not delivered before the daemon was killed is made by the next daemon"
assert_job 200 '"name":"x"' POST /v1/zones '{"params":{"name":"x"}}' -H 'X-Web-Hook: http://127.0.0.1:18099/d'
rest_down
pool_pids | xargs kill -9
wait_until 15 is_pool_gone
umount -l "$MOUNT"
receive 200
mount_pool -o allow_other,rest-user=nobody
wait_until 20 hooks_received 8
assert_eq "$(jq -c '[.[0], .[4].inventory.name]' hooks | tail -n 1)" '["/d","x"]'
sleep 3
assert_eq "$(wc -l <hooks)" 8 "the number of calls"
kill $RECEIVER
