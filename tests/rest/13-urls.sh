#!/bin/bash
# What URLs of images and web hooks may reach, as an ordinary account and as an administrator, on real servers.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

# server ADDRESS PORT: /image is an image, /to/URL a redirect to URL, /closed an error; appends the requests to hits.
cat >server <<'PYTHON'
import http.server, sys
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        with open('hits', 'a') as f:
            f.write('%s %s\n' % (sys.argv[1], self.path))
        if self.path.startswith('/to/'):
            self.send_response(302)
            self.send_header('Location', self.path[4:])
        else:
            self.send_response(200 if self.path == '/image' else 500)
        self.end_headers()
        if self.path == '/image':
            self.wfile.write(b'boot' + bytes(1 << 20))
    def do_POST(self):
        self.rfile.read(int(self.headers['Content-Length']))
        self.do_GET()
    def log_message(self, *args):
        pass
http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Handler).serve_forever()
PYTHON
touch hits
for address in 127.0.0.1 127.0.0.3; do
	python3 server $address 18098 &
	wait_until 10 bash -c "exec 3<>/dev/tcp/$address/18098"
done

# image URL: the document that adds an image.
image() {
	jq -nc --arg url "$1" --arg bs "$(first backup-storage)" \
		'{params: {name: "i", url: $url, format: "raw", backupStorageUuids: [$bs]}}'
}
# setting NAME VALUE, as an administrator.
setting() {
	echo "$2" >"$MOUNT/global-configurations/$1/value"
}
# told: the sentence of the last answer.
told() {
	jq -r '.error.details' <<<"$BODY"
}

mount_pool -o allow_other,rest-user=nobody
rest_up
login
admin=$SESSION
assert_job 200 '"name":"bob"' POST /v1/accounts "{\"params\":{\"name\":\"bob\",\"password\":\"$(sha512 secret)\"}}"
login bob secret
bob=$SESSION
mkdir -p "$CASE_DIR/open" "$CASE_DIR/closed"
for folder in open closed; do
	truncate -s 1M "$CASE_DIR/$folder/disk"
	printf boot | dd of="$CASE_DIR/$folder/disk" conv=notrunc status=none
done
ln -s ../closed/disk "$CASE_DIR/open/link"

step "files: none for an account at first, then those below the folder of the setting"
assert_job 503 'ID.1002.*image.localPaths' POST /v1/images "$(image "file://$CASE_DIR/open/disk")"
assert_job 503 'ID.1002' POST /v1/images "$(image /etc/shadow)"
setting image/localPaths "$CASE_DIR/open"
assert_job 200 '"status":"Ready"' POST /v1/images "$(image "file://$CASE_DIR/open/disk")"
assert_job 503 'ID.1002' POST /v1/images "$(image "$CASE_DIR/closed/disk")"
assert_job 503 'ID.1002' POST /v1/images "$(image "$CASE_DIR/open/../closed/disk")"
assert_job 503 'leads through a symbolic link' POST /v1/images "$(image "$CASE_DIR/open/link")"
SESSION=$admin
assert_job 200 '"status":"Ready"' POST /v1/images "$(image "$CASE_DIR/open/link")"
assert_job 503 'in the state folder' POST /v1/images "$(image "$STATE/pool.db")"
assert_eq "$(uuids images | wc -l)" 2 "the number of images"

step "addresses: an account is told the same of a server, an error of it, and a port without one"
SESSION=$bob
for path in 127.0.0.1:18098/image 127.0.0.1:18098/closed 127.0.0.1:18097/x; do
	assert_job 503 'ID.1002' POST /v1/images "$(image "http://$path")"
	assert_eq "$(told)" "the URL '127.0.0.1' leads to a loopback address, which the account may not reach (url.allowedNetworks, url.forbiddenNetworks)"
done
assert_eq "$(cat hits)" "" "the requests that arrived"

step "an allowed network is reached, a redirect out of it is not, and a forbidden one not even by administrators"
setting url/allowedNetworks 127.0.0.1/32
assert_job 200 '"status":"Ready"' POST /v1/images "$(image http://127.0.0.1:18098/image)"
: >hits
assert_job 503 'ID.1002.*leads to a loopback address' POST /v1/images "$(image http://127.0.0.1:18098/to/http://127.0.0.3:18098/image)"
assert_job 503 'ID.1002.*leads to a loopback address' POST /v1/images "$(image 'http://127.0.0.1:18098/to/http://0x7f000003:18098/image')"
assert_job 503 'ID.1002.*leads to a loopback address' POST /v1/images "$(image 'http://127.0.0.1:18098/to/http://[::ffff:127.0.0.3]:18098/image')"
assert_job 503 'SYS.1015' POST /v1/images "$(image http://127.0.0.1:18098/to/file:///etc/passwd)"
assert_not grep -q '^127.0.0.3' hits
SESSION=$admin
assert_job 200 '"status":"Ready"' POST /v1/images "$(image http://127.0.0.1:18098/to/http://127.0.0.3:18098/image)"
setting url/forbiddenNetworks 127.0.0.3
assert_job 503 'forbidden network' POST /v1/images "$(image http://127.0.0.1:18098/to/http://127.0.0.3:18098/image)"
assert_job 503 'forbidden network' POST /v1/images "$(image http://127.0.0.3:18098/image)"

step "web hooks: a bad URL is refused with the request, an address that may not be reached as well"
SESSION=$admin
for hook in 'not a url' file:///etc/passwd ftp://127.0.0.1/x http://; do
	assert_job 503 'web hook must be|malformed' POST /v1/disk-offerings '{"params":{"name":"d","diskSize":1048576}}' \
		-H "X-Web-Hook: $hook"
done
SESSION=$bob
: >hits
setting url/allowedNetworks 127.0.0.1
assert_job 200 '"name":"d"' POST /v1/disk-offerings '{"params":{"name":"d","diskSize":1048576}}' \
	-H 'X-Web-Hook: http://127.0.0.1:18098/image'
wait_until 10 grep -q image hits
setting url/allowedNetworks ''
assert_job 503 'ID.1002.*loopback' POST /v1/disk-offerings '{"params":{"name":"d","diskSize":1048576}}' \
	-H 'X-Web-Hook: http://127.0.0.1:18098/hook'
assert_not grep -q /hook hits

step "settings that say nothing sensible are refused"
for setting in "image/localPaths srv" "image/localPaths /" "image/localPaths /srv/.." "url/allowedNetworks 10.0.0.1/8" "url/forbiddenNetworks x"; do
	assert_refused "global-configurations/${setting% *}/value" "${setting#* }" EINVAL
done
rest_down
