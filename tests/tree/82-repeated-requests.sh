#!/bin/bash
# A request whose worker is killed when the pool has accepted it, or before it is waited for, ends as it would have without.
. "$(dirname "$0")/../tree/lib.sh"

# offering NAME: makes one, prints its path.
offering() {
	echo "disk-offerings/$(create disk-offerings '{"params":{"name":"'"$1"'","diskSize":1048576}}')"
}

mount_pool
object=$(offering old)
names=$MOUNT/disk-offerings/by-name
umount_pool
POOLFS_TEST_KILL_AT=request-accepted POOLFS_TEST_KILL_WORKER=kill mount_pool

# dies CMD...: the command succeeds, though the worker dies meanwhile.
dies() {
	local worker
	worker=$(worker_pid)
	"$@" || fail "'$*' has failed"
	[ "$(worker_pid)" != "$worker" ] || fail "the worker has not died"
	assert_eq "$(cat "$MOUNT/last-error")" ok "the last error"
}

step "an object is renamed, and has the new name by then"
assert_refused "$object/actions" fly EINVAL
dies mv -T "$names/old" "$names/new"
assert_eq "$(value "$object/name")" new
assert_eq "$(value "$object/last-error")" ok
assert_eq "$(ls "$names" | xargs)" "1G new"

step "a file is renamed over a value, and is gone by then"
echo text >"$MOUNT/$object/.new"
dies mv "$MOUNT/$object/.new" "$MOUNT/$object/description"
assert_eq "$(value "$object/description")" text
assert_fails "No such file or directory" ls "$MOUNT/$object/.new"

step "so is one over a value that a tool has moved aside"
mv "$MOUNT/$object/description" "$MOUNT/$object/description~"
echo other >"$MOUNT/$object/.new"
dies mv "$MOUNT/$object/.new" "$MOUNT/$object/description"
assert_eq "$(value "$object/description")" other
assert_eq "$(value "$object/description~")" text
