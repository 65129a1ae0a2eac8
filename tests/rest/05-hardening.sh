#!/bin/bash
# Limits for hostile and slow clients; TLS; a socket from systemd.
# limit: 200
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login

step "a request line, headers and a body that are too long"
long=$(head -c 60000 /dev/zero | tr '\0' a)
http GET "/v1/zones?q=name=$long"
assert_match "$STATUS" '^(413|414|431)$' "the status of a long request line"
http GET /v1/zones '' -H "X-Long: $long"
assert_match "$STATUS" '^(413|431)$' "the status of a long header"
head -c 1000000 /dev/zero | tr '\0' ' ' >big
assert_http 413 'too long' POST /v1/zones @big -H 'Expect:'
jq -nc --arg d "$(head -c 100000 /dev/zero | tr '\0' d)" '{params: {name: "z", description: $d}}' >large
assert_job 503 'exceeds max length' POST /v1/zones @large

step "bytes that are not HTTP only end the connection"
for bytes in 'hello\r\n\r\n' 'GET / HTTP/9.9\r\n\r\n' '\x00\x01\x02' 'POST /v1/zones HTTP/1.1\r\nHost: x\r\nContent-Length: -1\r\n\r\n'; do
	exec 3<>/dev/tcp/127.0.0.1/$PORT
	# shellcheck disable=SC2059
	printf "$bytes" >&3
	timeout 1 cat <&3 >/dev/null || true
	exec 3>&-
done
assert_http 200 inventories GET /v1/zones

step "many idle connections do not delay other clients"
for _ in $(seq 200); do
	exec {fd}<>/dev/tcp/127.0.0.1/$PORT
	printf 'GET /v1/zones HTTP/1.1\r\nX: ' >&"$fd"
	fds+=("$fd")
done
assert_http 200 inventories GET /v1/zones

step "and they are closed, even if they send a byte now and then"
closed() {
	local status=0
	{ printf x >&"${fds[0]}"; } 2>/dev/null || return 0
	read -r -t 1 -u "${fds[0]}" || status=$?
	[ $status -le 128 ] # above: nothing arrived within the second, the connection is open
}
trap '' PIPE
wait_until 30 closed
trap - PIPE
for fd in "${fds[@]}"; do exec {fd}>&-; done

step "connections of one address are limited, without effect on others"
python3 - $PORT <<'PYTHON'
import select, socket, sys, time
address = ('127.0.0.1', int(sys.argv[1]))
clients = [socket.create_connection(address) for _ in range(600)]
poll = select.poll()
for c in clients:
    poll.register(c, select.POLLIN | select.POLLHUP)
end = time.monotonic() + 60
while (closed := len(poll.poll(2000))) < 600 - 512 and time.monotonic() < end:
    time.sleep(0.05)
assert closed == 600 - 512, f'{closed} of 600 connections were closed'
other = socket.create_connection(address, source_address=('127.0.0.2', 0))
other.sendall(b'GET /v1/zones HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n')
answer = b''.join(iter(lambda: other.recv(65536), b''))
assert b"missing header 'Authorization'" in answer, answer
PYTHON

step "one connection for many requests"
urls=()
for _ in $(seq 20); do urls+=("$BASE/v1/zones"); done
curl -sS -w '%{stderr}%{num_connects}\n' -H "Authorization: OAuth $SESSION" "${urls[@]}" 2>counts >/dev/null
assert_eq "$(sort counts | uniq -c | awk '{ print $1 "x" $2 }' | paste -sd' ')" "19x0 1x1" "connections made for each request"
rest_down

step "options"
assert_fails "must be used together" "$REST" --tls-cert x "$MOUNT"
assert_fails "no pool is mounted on" "$REST" --listen 127.0.0.1:$PORT /tmp
for port in "" 0 65536 99999 -1 http; do
	assert_fails "is not ADDRESS:PORT with a port from 1 to 65535" "$REST" --listen "127.0.0.1:$port" "$MOUNT"
done
assert_fails "cannot listen on 'nowhere:1'" "$REST" --listen nowhere:1 "$MOUNT"
assert_fails "is not a number of seconds" "$REST" --idle soon "$MOUNT"

assert_fails "'loud' is not a level of the log" "$REST" --log-level loud "$MOUNT"
assert_fails "cannot open the log '$CASE_DIR/no/log'" "$REST" --listen 127.0.0.1:$PORT --log-file "$CASE_DIR/no/log" "$MOUNT"

step "the log: start, what is answered with 500 or more, the end; SIGHUP opens its file again"
mkdir -m 777 logs
rest_up --log-file "$CASE_DIR/logs/rest.log"
# told REGEX: is it in the log, with its time?
told() {
	(wait_until 10 grep -qE "^[0-9-]{10}T[0-9:]{8}\.[0-9]{3}Z $1" logs/rest.log) || fail "the log has no '$1': $(cat logs/rest.log)"
}
told "info pool $MOUNT: poolfs-rest [0-9.]+ serves it on 127.0.0.1:$PORT$"
http GET '/v1/zones?q=foo=1'
http DELETE /v1/zones
http GET /v1/nowhere
told 'warning request 127.0.0.1: GET QueryZone is answered with 503: .*not having field\[foo\]'
told 'warning request 127.0.0.1: DELETE no operation is answered with 500: No delete API found'
http POST /zstack/api "{\"org.zstack.header.zone.APIQueryZoneMsg\":{\"session\":{\"uuid\":\"$SESSION\"},
	\"conditions\":[{\"name\":\"bar\",\"op\":\"=\",\"value\":\"1\"}]}}"
told 'warning request 127.0.0.1: POST QueryZone is answered with 200: .*not having field\[bar\]'
assert_eq "$(grep -c nowhere logs/rest.log || true)" 0 "lines about a request that was refused with 404"
assert_eq "$(grep -c "$SESSION" logs/rest.log || true)" 0 "lines with the session"
mv logs/rest.log logs/rotated
kill -HUP "$REST_PID"
wait_until 10 test -e logs/rest.log
http GET '/v1/zones?q=foo=2'
told 'warning request'
rest_down
told "info pool $MOUNT: poolfs-rest has ended$"
rest_up --log-level error --log-file "$CASE_DIR/logs/errors"
http GET '/v1/zones?q=foo=1'
rest_down
assert_eq "$(cat logs/errors)" "" "what is told of level error"

step "clients without a session cannot flood the log, and hide nothing of others"
rest_up --log-file "$CASE_DIR/logs/flooded"
wait_until 10 grep -q "serves it" logs/flooded
urls=()
for _ in $(seq 100); do urls+=("$BASE/v1/zones"); done
curl -sS -X DELETE "${urls[@]}" >answers
assert_eq "$(grep -o 'No delete API found' answers | wc -l)" 100
SESSION='' http PUT /v1/accounts/login '{"logInByAccount":{"accountName":"admin","password":"x"}}'
http GET '/v1/zones?q=foo=1'
rest_down
assert_eq "$(grep -c 'warning request 127.0.0.1: DELETE no operation is answered with 500' logs/flooded)" 20
assert_eq "$(grep -c 'LogInByAccount' logs/flooded || true)" 0
assert_eq "$(grep -c 'warning request 127.0.0.1: GET QueryZone is answered with 503' logs/flooded)" 1
assert_eq "$(grep -c 'warning request: 81 more of clients without a session have failed within a minute' logs/flooded)" 1
rest_up
kill -HUP "$REST_PID"
wait "$REST_PID" || fail "without a file SIGHUP does not end it well"

step "TLS"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost \
	-addext subjectAltName=DNS:localhost 2>/dev/null
chmod 644 key.pem
rest_up --tls-cert cert.pem --tls-key key.pem
answer=$(curl -sS --cacert cert.pem --connect-to "localhost:443:127.0.0.1:$PORT" -H "Authorization: OAuth $SESSION" \
	https://localhost/v1/zones -d '{"params":{"name":"tls"}}')
assert_match "$answer" '^\{"location":"https://localhost/zstack/v1/api-jobs/[0-9a-f]{32}"\}$'
rest_down

step "a socket from systemd, and an exit when idle"
systemd-socket-activate -l 127.0.0.1:$PORT "$REST" --idle 2 "$MOUNT" &
pid=$!
listens() {
	[ -n "$(ss -Hltn "sport = :$PORT")" ]
}
wait_until 10 listens
assert_eq "$(readlink /proc/$pid/exe)" "$(command -v systemd-socket-activate | xargs realpath)" "what runs before the first client"
assert_http 200 '"name":"tls"' GET /v1/zones
assert_eq "$(readlink /proc/$pid/exe)" "$(realpath "$REST")" "what runs then"
wait $pid
