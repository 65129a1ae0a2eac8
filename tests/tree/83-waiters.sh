#!/bin/bash
# Who waits in fsync blocks nobody else on the file: no write, no rename, no other wait; and can be killed.
# limit: 180
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
truncate -s 1M big.raw
"$TOP/tests/tree/slow-http" big.raw never >port &
wait_until 10 test -s port
slow=$(jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "slow", url: $url, format: "raw", backupStorageUuids: [$bs]}}')
fast() {
	jq -nc --arg name "$1" --arg url "file://$CASE_DIR/big.raw" --arg bs "$(first backup-storage)" \
		'{params: {name: $name, url: $url, format: "raw", backupStorageUuids: [$bs]}}'
}
create=$MOUNT/images/create
job=$(submit images/create "$slow")
wait_for "api-jobs/$job/state" Processing 10

step "50 wait for a job that does not end"
waiters=()
for i in $(seq 50); do
	sync "$create" 2>/dev/null &
	waiters+=($!)
done
all_wait() {
	local pid
	for pid in "${waiters[@]}"; do
		waits "$pid" || return 1
	done
}
wait_until 20 all_wait
none_is_locked_out() { # for longer than a moment
	! grep -qs rwsem /proc/[0-9]*/stack
}
wait_until 20 none_is_locked_out

step "50 writers, and who was there before, are not held up"
writers=()
for i in $(seq 50); do
	fast "fast$i" >"fast$i.json"
	timeout 120 cp "fast$i.json" "$create" &
	writers+=($!)
done
for pid in "${writers[@]}"; do
	wait "$pid" || fail "a writer ended with $?"
done

step "a tool that renames onto the file"
fast renamed >"$MOUNT/images/.create.new"
timeout 120 mv "$MOUNT/images/.create.new" "$create" || fail "the rename ended with $?"
wait_for images/by-name/renamed/status Ready 30

step "one who writes and waits sees the end of its own"
zone=zones/$(first zones)
echo waited >"$MOUNT/$zone/description"
timeout 120 sync "$MOUNT/$zone/description"
has_value "$MOUNT/$zone/description" waited

step "a file is one file for stat(2), also for who has it open"
exec 3<"$create"
assert_eq "$(stat -c %i "$create")" "$(stat -Lc %i /proc/self/fd/3)" "the inode number"
[ "$create" -ef /proc/self/fd/3 ] || fail "they are two files"
exec 3<&-

step "Ctrl-Z and fg go on waiting; a kill ends one wait"
kill -STOP "${waiters[0]}"
sleep 0.5
kill -CONT "${waiters[0]}"
sleep 0.5
(wait_until 20 waits "${waiters[0]}") || fail "the wait ended when its program was stopped"
for pid in "${waiters[@]:25}"; do
	kill -KILL "$pid"
done
for pid in "${waiters[@]:25}"; do
	code=0
	wait "$pid" 2>/dev/null || code=$?
	assert_eq "$code" 137 "the exit status of a killed waiter"
done

step "the others wait on while the server is killed, and come back with the end of the job"
# The job has ended before the next process knows of any wait.
supervisor=$(supervisor_pid)
kill -STOP "$supervisor"
kill -KILL "$(worker_pid)"
sqlite3 "$STATE/pool.db" "UPDATE job SET state = 'Failed' WHERE uuid = '$job'"
kill -CONT "$supervisor"
test -s "$MOUNT/version"
for i in 1 2 3; do
	kill -KILL "$(worker_pid)"
	test -s "$MOUNT/version"
	sleep 0.3
done
for pid in "${waiters[@]:0:25}"; do
	code=0
	wait "$pid" || code=$?
	assert_eq "$code" 1 "the exit status of a wait for the job that died with its server"
done
assert_eq "$(value "api-jobs/$job/state")" Failed
