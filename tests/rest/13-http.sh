#!/bin/bash
# Ambiguous HTTP is refused and nothing is smuggled; slow and many clients keep nobody out; proxies speak for their clients.
# limit: 200
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up

step "raw requests"
"$TOP/tests/rest/replay-http" $PORT "$TOP/tests/data/http-requests"

step "two addresses with all the connections that there may be, none of which sends a request, keep nobody out"
python3 - $PORT <<'PYTHON'
import resource, socket, sys, time
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
address = ('127.0.0.1', int(sys.argv[1]))
def connect(source):
    return socket.create_connection(address, source_address=(source, 0), timeout=60)
def ask(c):
    c.sendall(b'GET /nowhere HTTP/1.1\r\nHost: x\r\n\r\n')
    return c.recv(65536)
def time_to_ask():
    begin = time.monotonic()
    for i in range(20):
        assert b'no api mapping' in ask(connect('127.0.0.5'))
        assert b'no api mapping' in ask(early), 'the connection of an address with few was closed'
    return time.monotonic() - begin
early = connect('127.0.0.4')
alone = time_to_ask()
slow = [connect(source) for source in ('127.0.0.2', '127.0.0.3') for _ in range(512)]
for c in slow:
    try:
        c.sendall(b'GET / HTTP/1.1\r\nX: ')
    except OSError:
        pass # made room for another
assert time_to_ask() < 10 + 20 * alone
PYTHON
rest_down

step "what a proxy says about its client is believed, if the proxy is trusted"
rest_up --trusted-proxy 127.0.0.8/31,::1
# from ADDRESS XFF [CURL OPTION...]: a failed login.
from() {
	local address=$1 client=$2
	shift 2
	SESSION='' http PUT /v1/accounts/login '{"logInByAccount":{"accountName":"nobody","password":"x"}}' \
		--interface "$address" -H "X-Forwarded-For: $client" "$@"
}
# All arrive at once and are counted on arrival, so the time for checking one does not matter.
pids=()
for i in $(seq 21); do
	{ from 127.0.0.9 '198.51.100.7, 203.0.113.1, 127.0.0.8' && echo "$BODY" >"failed$i"; } &
	pids+=($!)
done
wait_until 50 grep -qs 'too many failed logins' failed{1..21}
from 127.0.0.8 203.0.113.1
assert_match "$BODY" 'too many failed logins' "the answer to the client that has failed too often"
SESSION='' http PUT /v1/accounts/login '{"logInByAccount":{"accountName":"nobody","password":"x"}}' --interface 127.0.0.9 \
	-H 'Forwarded: for=203.0.113.1;host="pool.example:8443";proto=https'
assert_match "$BODY" 'too many failed logins' "the answer to the same client as Forwarded"
wait "${pids[@]}"
assert_eq "$(grep -l 'wrong account name' failed* | wc -l)" 20 "the logins that were checked"
from 127.0.0.9 203.0.113.2
assert_match "$BODY" 'wrong account name' "the answer to another client of the proxy"
from 127.0.0.7 203.0.113.1
assert_match "$BODY" 'wrong account name' "the answer to an address that is no proxy"
login
forwarded=(-H 'X-Forwarded-For: 203.0.113.3' -H 'X-Forwarded-Host: pool.example:8443' -H 'X-Forwarded-Proto: https')
assert_http 202 '"location":"https://pool.example:8443/zstack/v1/api-jobs/' POST /v1/zones '{"params":{"name":"p"}}' --interface 127.0.0.9 "${forwarded[@]}"
assert_http 202 '"location":"http://127.0.0.1:' POST /v1/zones '{"params":{"name":"p"}}' "${forwarded[@]}"

step "a proxy may have any number of connections, each of its clients as many requests as an address has connections"
python3 - $PORT <<'PYTHON'
import resource, socket, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (4096, 4096))
address = ('127.0.0.1', int(sys.argv[1]))
many = [socket.create_connection(address, source_address=('127.0.0.9', 0), timeout=60) for _ in range(700)]
for i, c in enumerate(many):
    c.sendall(f'GET /nowhere HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: 203.0.113.{i % 100}\r\n\r\n'.encode())
assert all(b'no api mapping' in c.recv(65536) for c in many)
PYTHON
rest_down
for list in 127.0.0.1/33 ::1/129 127.0.0.1/x proxy '10.0.0.0/8,' ''; do
	assert_fails "is not" "$REST" --trusted-proxy "$list" "$MOUNT"
done

step "TLS 1.2 and later only"
openssl req -x509 -newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes -keyout key.pem -out cert.pem -days 1 -subj /CN=localhost 2>/dev/null
chmod 644 key.pem
rest_up --tls-cert cert.pem --tls-key key.pem
for version in tls1_2 tls1_3; do
	openssl s_client -connect 127.0.0.1:$PORT -$version -alpn h2,http/1.1 </dev/null >tls 2>&1 || fail "$version is refused"
	assert_match "$(cat tls)" 'ALPN protocol: http/1.1'
done
for version in tls1 tls1_1; do
	assert_not openssl s_client -connect 127.0.0.1:$PORT -$version -cipher 'ALL:@SECLEVEL=0' </dev/null >tls 2>&1
	assert_match "$(cat tls)" 'alert protocol version|no protocols available|unsupported protocol' "the answer to $version"
done
rest_down
