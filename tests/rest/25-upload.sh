#!/bin/bash
# Images that are sent: AddImage with upload://NAME answers with a URL, and the bytes that arrive there become the image.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
login
bs=$(first backup-storage)
other=$(create backup-storage/image-store '{"params":{"name":"second","url":"'"$CASE_DIR/second"'"}}')
head -c 3000001 /dev/urandom >disk.raw
size=$(stat -c %s disk.raw)

# add NAME [JSON [CURL OPTION...]]: adds an image that will be sent; sets $image, $url and $job.
add() {
	assert_job 200 '"status":"Downloading"' POST /v1/images "$(jq -nc --arg n "$1" --arg bs "$bs" --argjson more "${2:-"{}"}" \
		'{params: ({name: $n, url: "upload://\($n)", format: "raw", platform: "Linux", backupStorageUuids: [$bs]} + $more)}')" "${@:3}"
	image=$(jq -r .inventory.uuid <<<"$BODY")
	url=$(jq -r '.inventory.backupStorageRefs[0].installPath' <<<"$BODY")
	assert_match "$url" "^$BASE/zstack/v1/uploads/[0-9a-f]{32}/$image\.[a-z0-9]+$"
	job=${url%/*} job=${job##*/}
}

# send CURL OPTION...: sends to $url without any session; sets $STATUS and $BODY.
send() {
	local out
	out=$(curl -sS -w '\n%{http_code}' --max-time 60 "$@" "$url")
	STATUS=${out##*$'\n'} BODY=${out%$'\n'*}
}

image_is_gone() {
	http GET "/v1/images/$image"
	[ "$(jq '.inventories | length' <<<"$BODY")" = 0 ]
}

assert_ready() {
	assert_http 200 '"status":"Ready"' GET "/v1/images/$image"
	assert_eq "$(jq -r '.inventories[0] | "\(.actualSize) \(.format) \(.backupStorageRefs[0].status)"' <<<"$BODY")" "$1 Ready"
	cmp "$MOUNT/images/$image/data" "$2"
	assert_match "$(jq -r '.inventories[0].backupStorageRefs[0].installPath' <<<"$BODY")" "/$image\.[a-z0-9]+$"
	assert_not grep -q "$job" <<<"$BODY"
}

step "a form with the file, its size and uuid in fields, as the clients of the manual's server send it"
add form
assert_http 200 '"type":"Progress".*"content":"0"|"content":"0".*"type":"Progress"' GET "/v1/task-progresses/$job"
send -H "X-IMAGE-UUID: $image" -H "X-IMAGE-SIZE: $size" -F name=disk -F "file=@disk.raw"
assert_eq "$STATUS $BODY" "200 {\"imageUuid\":\"$image\",\"size\":$size}"
assert_ready "$size raw" disk.raw
wait_until 10 is_finished "$job"
send -H "X-IMAGE-UUID: $image" -H "X-IMAGE-SIZE: $size" -F "file=@disk.raw"
assert_eq "$STATUS" 404
cmp "$MOUNT/images/$image/data" disk.raw
assert_http 200 '"inventories":\[\]' GET "/v1/task-progresses/$job"

step "the bytes as they are, with a length or in chunks"
add put
send -T disk.raw
assert_eq "$STATUS" 200
assert_ready "$size raw" disk.raw
add chunks
send -X POST -H 'Transfer-Encoding: chunked' -H "X-IMAGE-SIZE: $size" --data-binary @disk.raw
assert_eq "$STATUS" 200
assert_ready "$size raw" disk.raw
qemu-img create -q -f qcow2 disk.qcow2 5M
add qcow2 '{"format":"qcow2"}'
send -T disk.qcow2
assert_eq "$STATUS" 200
assert_ready "$(stat -c %s disk.qcow2) qcow2" disk.qcow2

printf 'a text%.0s' {1..1000} >text.raw
add text
send -T text.raw
assert_eq "$STATUS" 400
add forced '{"systemTags":["ephemeral::forceRaw"]}'
send -T text.raw
assert_eq "$STATUS" 200
assert_ready "6000 raw" text.raw

step "its progress can be read while it is sent, by the job of AddImage, too"
add slow '{}' -H "X-Job-UUID: $(printf %032x 77)"
added=$(printf %032x 77)
mkfifo pipe
send -T - -H "X-IMAGE-SIZE: $size" <pipe >sent &
sender=$!
exec 3>pipe
head -c 2100000 disk.raw >&3
half_sent() {
	http GET "/v1/task-progresses/$1"
	jq -e '.inventories[0].content | tonumber | . > 30 and . < 100' <<<"$BODY"
}
wait_until 20 half_sent "$job"
assert_eq "$(jq -r '.inventories[0].taskUuid' <<<"$BODY")" "$job"
wait_until 20 half_sent "$added"
assert_match "$(ls -s "$MOUNT/images/upload")" "$image"
step "only one sends"
send -T disk.raw
assert_eq "$STATUS" 503
assert_match "$BODY" 'being uploaded already'
step "it goes on when the worker has been killed"
kill -9 "$(worker_pid)"
tail -c +2100001 disk.raw >&3
exec 3>&-
wait "$sender"
assert_ready "$size raw" disk.raw
add waiting
kill -9 "$(worker_pid)"
wait_for "hosts/$(first hosts)/status" Connected 20
send -T disk.raw
assert_eq "$STATUS" 200
assert_ready "$size raw" disk.raw

step "what is malformed is refused before anything is begun"
add bad
send -T - <disk.raw
assert_eq "$STATUS" 400
assert_match "$BODY" 'size of the image is needed'
send -T disk.raw -H 'X-IMAGE-SIZE: many'
assert_eq "$STATUS" 400
send -T disk.raw -H 'X-IMAGE-SIZE: -1'
assert_eq "$STATUS" 400
send -T disk.raw -H "X-IMAGE-UUID: $bs"
assert_match "$STATUS $BODY" '400 X-IMAGE-UUID is not'
send -T disk.raw -H 'X-SLICE-OFFSET: 5'
assert_match "$STATUS $BODY" '400 .*not in slices'
send -T disk.raw -H 'Content-Encoding: gzip'
assert_eq "$STATUS" 415
send --data-binary @disk.raw -H 'Content-Type: multipart/form-data'
assert_match "$STATUS $BODY" '400 .*boundary'
send
assert_eq "$STATUS" 405
assert_http 200 '"status":"Downloading"' GET "/v1/images/$image"
url=${url//$job/$(printf %032d 1)} send -T disk.raw
assert_eq "$STATUS" 404

step "without all its bytes there is no image"
send -F "file=@disk.raw" -H "X-IMAGE-SIZE: $((size + 1))"
assert_match "$STATUS $BODY" "400 the file has $size bytes"
wait_until 10 image_is_gone
add long
send -F "file=@disk.raw" -H "X-IMAGE-SIZE: $((size - 1))"
assert_match "$STATUS $BODY" '400 the file has more than'
wait_until 10 image_is_gone
add cut
curl -sS -T disk.raw --limit-rate 500k --max-time 1 "$url" 2>/dev/null || true
wait_until 20 image_is_gone
assert_eq "$(find "$STATE" "$CASE_DIR/second" -name "$image*" | wc -l)" 0
add wrong '{"format":"qcow2"}'
send -T disk.raw
assert_match "$STATUS $BODY" "400 the image is refused: .*api-jobs/$job"
wait_until 10 image_is_gone
assert_http 503 'qcow2' GET "/v1/api-jobs/$job"
add huge
send -F "file=@disk.raw" -H 'X-IMAGE-SIZE: 9000000000000000'
assert_eq "$STATUS" 503
wait_until 10 image_is_gone

step "AddImage refuses what cannot be sent"
assert_job 503 'must be like upload://NAME' POST /v1/images "{\"params\":{\"name\":\"x\",\"url\":\"upload://\",\"backupStorageUuids\":[\"$bs\"]}}"
assert_job 503 'to one backup storage' POST /v1/images "{\"params\":{\"name\":\"x\",\"url\":\"upload://x\",\"backupStorageUuids\":[\"$bs\",\"$other\"]}}"

step "a job that is cancelled ends the upload"
add cancelled
assert_job 200 . DELETE "/v1/api-jobs/$job"
wait_until 10 image_is_gone
send -T disk.raw
assert_eq "$STATUS" 404

step "the secret is not listed, and lets nobody read"
add secret
assert_eq "$(find "$MOUNT/sessions" 2>/dev/null | grep -c "$job" || true)" 0
assert_not setpriv --reuid nobody --regid nogroup --clear-groups cat "$MOUNT/sessions/uploads/$job"
assert_not ls "$MOUNT/sessions/uploads/$added"

step "nothing is left of an upload that ends with the daemon"
rest_down
umount_pool
mount_pool -o allow_other,rest-user=nobody
rest_up
wait_until 20 image_is_gone
assert_match "$(value "api-jobs/$job/error")" 'the daemon ended'
assert_eq "$(find "$STATE" "$CASE_DIR/second" -name "$image*" | wc -l)" 0
send -T disk.raw
assert_eq "$STATUS" 404

step "in the tree it is a file of images/upload, too"
image=$(create images "{\"name\":\"tree\",\"url\":\"upload://tree\",\"format\":\"raw\",\"backupStorageUuids\":[\"$bs\"]}")
assert_eq "$(jq -r '.backupStorageRefs[0].installPath' "$MOUNT/images/$image/inventory")" "images/upload/$image.raw"
cat disk.raw >"$MOUNT/images/upload/$image.raw"
assert_ready "$size raw" disk.raw
rest_down
