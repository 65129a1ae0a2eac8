#!/bin/bash
# Nobody notices that the program of the mount is replaced: no errno, no failed request, nothing lost, nothing done twice.
# limit: 300
# long: 900
. "$(dirname "$0")/../rest/lib.sh"

# The programs beside the copies are those of the build.
export POOLFS_LIBEXEC=${POOLFS%/*}
mkdir one two
cp "$POOLFS" one/poolfs
cp "$POOLFS" two/poolfs

mount_pool -o allow_other
rest_up
login

# rest_client: requests until the file `stop` is there; each one's outcome is a line of `rest`.
rest_client() {
	local i=0
	while [ ! -e stop ]; do
		i=$((i + 1))
		job POST /zstack/v1/zones "{\"params\":{\"name\":\"rest-$i\"}}"
		echo "$STATUS created"
		http GET "/zstack/v1/zones?q=name=rest-$i"
		echo "$STATUS $(jq '.inventories | length' <<<"$BODY") zone"
	done
}

step "clients of all kinds, while the program is replaced"
tail -n +1 -f "$MOUNT/events" >told &
tail=$!
rest_client >rest 2>&1 &
client=$!
"$TOP/tests/tree/kill-worker" "$MOUNT" "$STATE" "$POOLFS" "$(number 8 100)" "$(number 25 300)" "$CASE_DIR/one/poolfs" "$CASE_DIR/two/poolfs"
touch stop
wait "$client" || fail "the REST client ended with $?: $(tail -n 3 rest)"
assert_eq "$(sort -u rest)" $'200 1 zone\n200 created' "what the REST client was told"
[ "$(wc -l <rest)" -gt 6 ] || fail "the REST client has done nothing: $(cat rest)"
last=$(tail -n 1 "$MOUNT/events" | jq .sequence)
has_followed() {
	[ "$(tail -n 1 told | jq .sequence)" -ge "$last" ]
}
wait_until 10 has_followed
kill "$tail"
jq .sequence told | awk 'NR > 1 && $1 != last + 1 { print last, $1; bad = 1 } { last = $1 } END { exit bad }' || fail "tail -f has a gap"

step "it is the new program"
assert_eq "$(programs)" "$CASE_DIR/$([ $(($(number 8 100) % 2)) = 0 ] && echo two || echo one)/poolfs"
rest_down
umount "$MOUNT"
