#!/bin/bash
# Images that are exported: a URL from which anybody who knows it downloads the file, as a whole or in parts.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
image=$(small_image)
bs=$(first backup-storage)
other=$(create backup-storage/image-store '{"params":{"name":"second","url":"'"$CASE_DIR/second"'"}}')
size=$(stat -c %s small.raw)

# fetch CURL OPTION... URL: sets $STATUS, $head and the file `got`.
fetch() {
	STATUS=$(curl -sS -o got -D fields -w '%{http_code}' --max-time 60 "$@")
	head=$(tr -d '\r' <fields)
}

step "an export is a URL at the server that was asked"
assert_job 503 'exported as it is' PUT "/v1/backup-storage/$bs/actions" \
	"{\"exportImageFromBackupStorage\":{\"imageUuid\":\"$image\",\"exportFormat\":\"qcow2\"}}"
assert_job 503 'is not on backup storage' PUT "/v1/backup-storage/$other/actions" \
	"{\"exportImageFromBackupStorage\":{\"imageUuid\":\"$image\"}}"
assert_job 503 'is not exported' DELETE "/v1/backup-storage/$bs/exported-images/$image"
assert_job 200 "\"imageUrl\":\"$BASE/zstack/v1/exports/[0-9a-f]{32}/$image.raw\"" PUT "/v1/backup-storage/$bs/actions" \
	"{\"exportImageFromBackupStorage\":{\"imageUuid\":\"$image\"}}"
url=$(jq -r .imageUrl <<<"$BODY")
assert_eq "$(jq -r .exportMd5Sum <<<"$BODY")" "$(md5sum <small.raw | cut -d' ' -f1)" "exportMd5Sum"
assert_http 200 "\"exportUrl\":\"$url\"" GET "/v1/images/$image"
assert_job 200 "\"imageUrl\":\"$url\"" PUT "/v1/backup-storage/$bs/actions" \
	"{\"exportImageFromBackupStorage\":{\"imageUuid\":\"$image\"}}"

step "anybody downloads it, whole or in parts"
fetch "$url"
assert_eq "$STATUS" 200
cmp got small.raw
assert_match "$head" "Content-Length: $size"
assert_match "$head" 'Accept-Ranges: bytes'
etag=$(sed -n 's/^ETag: //p' <<<"$head")
for range in 0-0 "1000-$((size - 1))" 4096-8191 -100 "$((size - 5))-" "100-$((2 * size))"; do
	fetch -r "$range" "$url"
	assert_eq "$STATUS" 206
	sed -n 's/^Content-Range: bytes //p' <<<"$head" | tr /- '  ' | {
		read -r first last total
		assert_eq "$total" "$size"
		cmp got <(dd if=small.raw iflag=skip_bytes,count_bytes skip="$first" count=$((last - first + 1)) status=none)
	}
done
fetch -H "Range: bytes=$size-" "$url"
assert_eq "$STATUS" 416
assert_match "$head" "Content-Range: bytes \*/$size"
fetch -H 'Range: bytes=0-1,4-5' "$url"
assert_eq "$STATUS" 200
fetch -H 'Range: bytes=0-1' -H 'If-Range: "another"' "$url"
assert_eq "$STATUS" 200
fetch -H 'Range: bytes=0-1' -H "If-Range: $etag" "$url"
assert_eq "$STATUS" 206
head -c 5000 small.raw >resumed
curl -sS -C - -o resumed "$url"
cmp resumed small.raw
fetch -I "$url"
assert_eq "$STATUS $(stat -c %s got)" "200 $(stat -c %s fields)"
fetch -I -H 'Range: bytes=0-1' "$url"
assert_eq "$STATUS" 200 "a part is not asked for by HEAD"
assert_match "$head" "Content-Length: $size"
fetch -X POST "$url"
assert_eq "$STATUS" 405
assert_match "$head" 'Allow: GET, HEAD'
fetch "${url%/*}"
assert_eq "$STATUS" 200

step "two requests on one connection"
assert_eq "$(curl -sS -r 0-9 "$url" "$url" -w '%{num_connects}\n' -o got -o got | paste -sd' ')" "1 0"

step "the secret is needed; exports are not listed"
fetch "$BASE/v1/exports/$(printf %032d 1)/$image.raw"
assert_eq "$STATUS" 404
fetch "$BASE/v1/exports/../$image.raw" --path-as-is
assert_eq "$STATUS" 404
secret=${url%/*} secret=${secret##*/}
assert_eq "$(find "$MOUNT/sessions" 2>/dev/null | grep -c "$secret" || true)" 0
setpriv --reuid nobody --regid nogroup --clear-groups cmp "$MOUNT/sessions/exports/$secret" small.raw
assert_not setpriv --reuid nobody --regid nogroup --clear-groups cat "$MOUNT/images/$image/data"

step "a file that cannot be read is another thing than none"
file=$(jq -r '.inventories[0].backupStorageRefs[0].installPath' "$MOUNT/images?q=uuid=$image")
mv "${file#file://}" away
fetch "$url"
assert_eq "$STATUS" 503
assert_match "$head" 'Retry-After: '
assert_eq "$(cat got)" "the image cannot be read: No such file or directory"
mv away "${file#file://}"
fetch "$url"
assert_eq "$STATUS" 200

step "only the owner exports, and ends it"
assert_job 200 . POST /v1/accounts "$(jq -nc --arg p "$(sha512 pw)" '{params: {name: "alice", password: $p}}')"
login alice pw
assert_job 503 'ID.1002' PUT "/v1/backup-storage/$bs/actions" \
	"{\"exportImageFromBackupStorage\":{\"imageUuid\":\"$image\"}}"
assert_job 503 'ID.1002' DELETE "/v1/backup-storage/$bs/exported-images/$image"
login

step "an export ends when it is deleted, and while its image is"
assert_job 200 . DELETE "/v1/images/$image"
fetch "$url"
assert_eq "$STATUS" 404
assert_job 200 . PUT "/v1/images/$image/actions" '{"recoverImage":{}}'
fetch "$url"
assert_eq "$STATUS" 200
assert_job 200 '^\{\}' DELETE "/v1/backup-storage/$bs/exported-images/$image"
fetch "$url"
assert_eq "$STATUS" 404
assert_http 200 "$image" GET "/v1/images/$image"
assert_not grep -q exportUrl <<<"$BODY"

step "from the tree, where no server is known, the URL is a path"
act "images/$image" export
assert_match "$(value "images/$image/exportUrl")" "^/zstack/v1/exports/[0-9a-f]{32}/$image.raw$"
fetch "$BASE$(value "images/$image/exportUrl")"
cmp got small.raw
url=$BASE$(value "images/$image/exportUrl")
assert_job 200 . DELETE "/v1/images/$image"
assert_job 200 . PUT "/v1/images/$image/actions" '{"expungeImage":{}}'
fetch "$url"
assert_eq "$STATUS" 404
rest_down
