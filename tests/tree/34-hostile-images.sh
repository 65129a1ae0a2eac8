#!/bin/bash
# Hostile and mistaken images, by AddImage and by upload: each is refused with its sentence, and nothing is left.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

# refusal FILE FORMAT JSON...: the document that adds an image.
image() {
	jq -nc --arg url "$1" --arg format "$2" --arg bs "$(first backup-storage)" --argjson more "${3:-"{}"}" \
		'{params: {name: "i", url: $url, format: $format, backupStorageUuids: [$bs]}} + $more'
}
# is_ready NAME: there is a Ready image of this name.
is_ready() {
	[ "$(cat "$MOUNT/images/by-name/$1/status" 2>/dev/null)" = Ready ]
}

mkdir "$CASE_DIR/files"
"$TOP/tests/tree/hostile-images" "$CASE_DIR/files" >"$CASE_DIR/list"
mount_pool
backup=$(value "backup-storage/$(first backup-storage)/url")

step "$(wc -l <"$CASE_DIR/list") files by AddImage"
while IFS=$'\t' read -r name format outcome; do
	echo "$(submit images/create "$(image "file://$CASE_DIR/files/$name" "$format")") $outcome"
done <"$CASE_DIR/list" >"$CASE_DIR/jobs"
while read -r job outcome; do
	if [ "$outcome" = ok ]; then
		job_wait "$job" 60 || fail "an image that is right was refused"
	else
		! job_wait "$job" 60 2>/dev/null || fail "'$outcome' was taken: $(value "api-jobs/$job/request")"
		assert_match "$(value "api-jobs/$job/error" | jq -r .details)" "$outcome"
	fi
done <"$CASE_DIR/jobs"
good=$(grep -c ' ok$' "$CASE_DIR/jobs")
assert_eq "$(uuids images | wc -l)" "$good" "the number of images"
assert_eq "$(find "$backup" -type f | wc -l)" "$good" "the number of files"

step "the same by upload"
while IFS=$'\t' read -r name format outcome; do
	cp "$CASE_DIR/files/$name" "$MOUNT/images/upload/$name.$format" 2>/dev/null || [ "$outcome" != ok ] ||
		fail "the upload of '$name' was refused: $(value last-error)"
	if [ "$outcome" = ok ]; then
		is_ready "$name" || fail "the upload of '$name' made no image"
	else
		! is_ready "$name" || fail "the upload of '$name', '$outcome', made an image"
	fi
done <"$CASE_DIR/list"

step "a raw disk may begin like an archive or a text if the user insists, but not like qcow2"
{
	printf 'LUKS\272\276\0\1'
	head -c 65528 /dev/zero
} >"$CASE_DIR/luks"
force='{"systemTags": ["ephemeral::forceRaw"]}'
image=$(create images "$(image "$CASE_DIR/luks" raw "$force")")
assert_eq "$(value "images/$image/format")" raw
cmp "$CASE_DIR/luks" "$backup/$image.raw"
assert_eq "$(find "$MOUNT/images/$image/tags" -mindepth 1 | wc -l)" 0 "the number of tags"
act "images/$image" sync-size
assert_refused images/create "$(image "$CASE_DIR/luks" qcow2 "$force")" EINVAL "with the format 'raw'"
image=$(create images "$(image "$CASE_DIR/files/image000" raw "$force")")
assert_eq "$(value "images/$image/format")" qcow2
