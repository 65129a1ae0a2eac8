#!/bin/bash
# A worker that cannot start leaves the mount there: requests fail with EIO, a file says why, and it mends itself.
# limit: 120
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
zone=$(first zones)
exec 3<"$MOUNT/zones/$zone/name"

step "the state folder cannot be used by the next worker"
mv "$STATE/pool.db" "$STATE/pool.db.away"
mkdir "$STATE/pool.db"
kill -KILL "$(worker_pid)"
wait_until 20 test -e "$STATE/not-serving"
code=0
said=$(timeout 60 cat "$MOUNT/version" 2>&1) || code=$?
assert_eq "$code" 1 "cat without a worker"
assert_match "$said" "Input/output error"
grep -q " $MOUNT fuse.poolfs " /proc/self/mounts || fail "the mount is gone"
assert_match "$(cat "$STATE/not-serving")" "ended 5 times without serving anything. The last time: .*pool.db.*"
grep -q "not served: requests fail with EIO" "$STATE/poolfs.log"

step "while a worker is tried, requests wait for it, also at the moment when it asks for the mount"
exec 9>"$STATE/lock"
flock 9
rmdir "$STATE/pool.db"
mv "$STATE/pool.db.away" "$STATE/pool.db"
is_tried() { # a worker waits for the lock
	readlink "/proc/$(worker_pid)"/fd/* | finds -xF "$STATE/lock"
}
# is_in PID FUNCTION: it waits there in the kernel.
is_in() {
	grep -q "$2" "/proc/$1/stack"
}
wait_until 30 is_tried
supervisor=$(supervisor_pid)
worker=$(worker_pid)
cat "$MOUNT/version" >said.1 9>&- &
first=$!
wait_until 10 is_in "$first" fuse
kill -STOP "$supervisor"
cat "$MOUNT/README" >said.2 9>&- &
second=$!
wait_until 10 is_in "$second" fuse
exec 9>&-
wait_until 20 is_in "$worker" skb_wait_for_more_packets
kill -CONT "$supervisor"
wait "$first" || fail "a request did not wait for the worker"
wait "$second" || fail "a request that came with the worker's question was not answered"
cmp said.2 "$MOUNT/README"
assert_eq "$(supervisor_pid) $(worker_pid)" "$supervisor $worker"

step "it has mended itself, and what was open is open"
is_served() {
	cat "$MOUNT/version" >/dev/null 2>&1
}
wait_until 30 is_served
cat <&3 >/dev/null || fail "the open file cannot be read"
exec 3<&-
wait_until 10 test ! -e "$STATE/not-serving"

step "one that serves is killed as often as one likes"
for _ in $(seq 8); do
	kill -KILL "$(worker_pid)"
	cat "$MOUNT/version" >/dev/null 2>&1
done

step "without the supervisor, the worker serves on, says once what follows, and unmounts at its end"
gone='warning mount .*: the supervisor is gone: requests are served, but the mount fails with ENOTCONN when .*mount it again'
warned() {
	assert_eq "$(grep -c "$gone" "$STATE/poolfs.log" || true)" "$1" "warnings that the supervisor is gone"
}
is_warned() {
	grep -q "$gone" "$STATE/poolfs.log"
}
warned 0
worker=$(worker_pid)
kill -KILL "$(supervisor_pid)"
wait_until 20 is_warned
cat "$MOUNT/version" >/dev/null 2>&1
assert_fails "has no supervisor" "$POOLFS" --upgrade "$MOUNT"
kill -HUP "$worker" # it opens its log again
cat "$MOUNT/version" >/dev/null 2>&1
kill -TERM "$worker"
wait_until 15 is_pool_gone
! mountpoint -q "$MOUNT" || fail "the mount is still there"
warned 1

step "for want of descriptors, as of memory, no worker can be started for a moment: the mount stays"
mount_pool
supervisor=$(supervisor_pid)
prlimit --pid "$supervisor" --nofile=7:
kill -KILL "$(worker_pid)"
is_told() {
	grep -q 'cannot create a pair of sockets: Too many open files; it is tried again' "$STATE/poolfs.log"
}
wait_until 20 is_told
prlimit --pid "$supervisor" --nofile=1024:
wait_until 30 is_served
assert_eq "$(supervisor_pid)" "$supervisor"

step "a signal to end the mount counts, also when the worker ends before it can take it"
exec 9>"$STATE/lock"
kill -STOP "$supervisor"
kill -KILL "$(worker_pid)"
wait_until 10 flock -n 9
mv "$STATE/pool.db" "$STATE/pool.db.away"
mkdir "$STATE/pool.db"
kill -CONT "$supervisor"
wait_until 30 is_tried
kill -TERM "$supervisor"
exec 9>&-
wait_until 20 is_pool_gone
! mountpoint -q "$MOUNT" || fail "the mount is still there"
warned 1 # none of those that ended with their supervisor
