#!/bin/bash
# One user cannot stop the others: lists and tags are limited, and so is the memory of unfinished documents.
. "$(dirname "$0")/../tree/lib.sh"

# hold COUNT BYTES: begins COUNT documents of BYTES bytes as user nobody, prints how many are held and the errno of
# the next, waits for the end of its input, closes them, and writes one more.
cat >"$CASE_DIR/hold" <<'PYTHON'
import os, sys
path, count, size = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
os.setgroups([])
os.setgid(65534)
os.setuid(65534)
held = []
why = 0
for i in range(count):
    fd = os.open(path, os.O_RDWR)
    held.append(fd)
    try:
        for at in range(0, size, 65536):
            os.write(fd, (b'{"params":"' if at == 0 else b'') + b'x' * min(65536, size - at))
    except OSError as e:
        why = e.errno
        break
print(len(held), why, flush=True)
fd = os.open(path, os.O_RDWR)
os.write(fd, b'{"operation":"GetVersion","params":{}}')
print(os.read(fd, 100).split(b'\n')[0].decode(), flush=True)
sys.stdin.read()
for fd in held:
    try:
        os.close(fd)
    except OSError:
        pass
fd = os.open(path, os.O_RDWR)
print(os.write(fd, b'{"params":"' + b'x' * 100000), flush=True)
PYTHON

# memory: of the daemon, in KiB.
memory() {
	awk '/^VmRSS/ { print $2 }' "/proc/$(worker_pid)/status"
}

# What the address sanitizer keeps of freed memory is not the daemon's.
export ASAN_OPTIONS=${ASAN_OPTIONS:+$ASAN_OPTIONS:}quarantine_size_mb=1
mount_pool -o allow_other
ulimit -n 4096

step "a user's unfinished documents are limited, small requests still work, and all is free after the close"
before=$(memory)
mkfifo "$CASE_DIR/end"
python3 "$CASE_DIR/hold" "$MOUNT/sessions/call" 600 900000 <"$CASE_DIR/end" >"$CASE_DIR/held" &
holder=$!
exec 7>"$CASE_DIR/end"
wait_until 30 grep -q ' ' "$CASE_DIR/held"
wait_until 10 bash -c "[ \$(wc -l <'$CASE_DIR/held') = 2 ]"
read -r count errno <"$CASE_DIR/held"
[ "$errno" = 122 ] || fail "after $count documents the errno is $errno, not EDQUOT"
[ "$count" -lt 40 ] || fail "$count documents were held"
[ $(($(memory) - before)) -lt 100000 ] || fail "the daemon has grown by $(($(memory) - before)) KiB"
assert_eq "$(sed -n 2p "$CASE_DIR/held")" ok "the answer to a small request"

step "another user is not concerned"
zone=$(create zones "$(jq -nc '{params: {name: "z"}, padding: ("x" * 500000)}')")
[ -d "$MOUNT/zones/$zone" ]
exec 7>&-
wait $holder
assert_eq "$(sed -n 3p "$CASE_DIR/held")" 100011 "the bytes that the user can write after the close"

step "the tags of a request and of an object, and the items of a list are limited"
# document COUNT LIST: a request with COUNT different items in LIST.
document() {
	jq -nc --argjson n "$1" --arg list "$2" '{params: {name: "z"}} + {($list): [range($n) | "tag-\(.)"]}'
}
limit=$(awk '$1 == "object-tags" { print $2 }' "$MOUNT/limits")
assert_eq "$limit" "$(awk '$1 == "request-items" { print $2 }' "$MOUNT/limits")"
for list in userTags systemTags; do
	assert_refused zones/create "$(document $((limit + 1)) $list)" E2BIG "at most $limit"
	zone=$(create zones "$(document "$limit" $list)")
	assert_eq "$(find "$MOUNT/zones/$zone/tags" -mindepth 1 | wc -l)" "$limit" "the number of tags"
done
assert_refused zones/create '{"params": {"name": "z"}, "userTags": [1]}' EINVAL "list of strings"
user=$(create zones "$(document "$limit" userTags)")
assert_refused user-tags/create "resourceType=ZoneVO resourceUuid=$user tag=more" EDQUOT "$limit user tags already"
assert_eq "$(setfattr -n user.more -v x "$MOUNT/zones/$user" 2>&1 | grep -c 'quota')" 1
setfattr -x user.tag-1 "$MOUNT/zones/$user"
setfattr -n user.more -v x "$MOUNT/zones/$user"
zone=$(create zones '{"params": {"name": "z"}, "userTags": ["a", "b", "a", "a"]}')
assert_eq "$(find "$MOUNT/zones/$zone/tags" -mindepth 1 | wc -l)" 2 "the number of tags without duplicates"
vms=$(jq -nc '[range(1001) | "\(.)"] | join(",")')
assert_refused images/create "name=i url=/x format=raw backupStorageUuids=${vms//\"/}" E2BIG "more than 1000"
