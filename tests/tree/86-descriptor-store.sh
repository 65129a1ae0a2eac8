#!/bin/bash
# As a service, what a killed supervisor had is handed to the next one by systemd: the mount goes on.
# limit: 180
. "$(dirname "$0")/../tree/lib.sh"

options=state=$STATE,uri=$URI,admin-password-file=$CASE_DIR/admin-password
echo password >admin-password
"$TOP/tests/tree/play-systemd" manager.log "$POOLFS" -f -o "$options" "$MOUNT" &
manager=$!

# has_said LINE: the manager has written it.
has_said() {
	grep -qx "$1" manager.log
}
# restarts N: the service has been started that often.
restarts() {
	[ "$(grep -c '^start' manager.log)" = "$1" ]
}

wait_until 20 has_said ready
assert_eq "$(grep -e waits -e ready manager.log)" $'waits 60 s\nready' "it may take longer than systemd would wait"
assert_eq "$(grep stored manager.log | sort)" $'stored poolfs-device\nstored poolfs-keep'
zone=$(first zones)
name=$(value "zones/$zone/name")

step "supervisor and worker are killed, while files are open, and a program waits"
exec 3<"$MOUNT/zones/$zone/inventory" 4<>"$MOUNT/zones/create"
head -c 5 <&3 >piece
printf '{"params":{"na' >&4
truncate -s 1M big.raw
"$TOP/tests/tree/slow-http" big.raw never >port &
wait_until 10 test -s port
job=$(submit images/create "$(jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "slow", url: $url, format: "raw", backupStorageUuids: [$bs]}}')")
wait_for "api-jobs/$job/state" Processing 10
sync "$MOUNT/images/create" 2>/dev/null &
waiter=$!
wait_until 10 waits "$waiter"
for pid in $(pool_pids); do
	kill -KILL "$pid"
done
assert_eq "$(value "zones/$zone/name")" "$name" "a request that was made while nobody was there"
restarts 2 || fail "it was not started again"
cat <&3 >>piece
cmp piece "$MOUNT/zones/$zone/inventory"
printf 'me":"whole"}}' >&4
jq -e .job <&4 >/dev/null
exec 3<&- 4<&-
[ -n "$(readlink "$MOUNT/zones/by-name/whole")" ]
touch never
wait "$waiter" || fail "the wait for a job that began anew has failed"
assert_eq "$(value "api-jobs/$job/state")" Done
[ "$(grep -c " $MOUNT fuse.poolfs " /proc/self/mounts)" = 1 ] || fail "it was mounted twice"

step "again and again"
for i in 3 4 5; do
	for pid in $(pool_pids); do
		kill -KILL "$pid"
	done
	assert_eq "$(value "zones/$zone/name")" "$name"
	restarts "$i" || fail "it was not started again"
done

step "replaced by another program, which the next start follows"
mkdir new
cp "$POOLFS" new/poolfs
waits=$(grep -c waits manager.log)
POOLFS_LIBEXEC=${POOLFS%/*} new/poolfs --upgrade "$MOUNT"
assert_eq "$(grep -c waits manager.log)" $((waits + 1)) "it has said how long nobody may answer"
assert_eq "$(value "zones/$zone/name")" "$name"
restarts 5 || fail "the upgrade has ended the service"

step "what is stored of a mount that is gone is of no use"
for pid in $(pgrep -x poolfs | sort -rn); do
	kill -STOP "$pid"
done
umount --lazy "$MOUNT"
for pid in $(pgrep -x poolfs); do
	kill -KILL "$pid"
done
is_mounted_again() {
	restarts 6 && mountpoint -q "$MOUNT" && [ "$(value "zones/$zone/name")" = "$name" ]
}
wait_until 20 is_mounted_again

step "stopped, the mount is gone, and nothing stays stored"
kill -TERM "$manager"
wait "$manager" || fail "the manager ended with $?"
! mountpoint -q "$MOUNT" || fail "the mount is still there"
assert_eq "$(tail -n 1 manager.log)" "stored at the end: "
