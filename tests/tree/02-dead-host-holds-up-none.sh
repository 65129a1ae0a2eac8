#!/bin/bash
# A host that does not answer when the pool is mounted holds up its own jobs only: those of other hosts, and those that
# need none, begin at once, also those that were queued or under way when the pool ended.
# limit: 120
. "$(dirname "$0")/lib.sh"

# machine FILE: a simulated host
machine() {
	cat >"$1" <<'XML'
<node><cpu><mhz>2000</mhz><model>simulated</model><active>8</active><nodes>1</nodes><sockets>1</sockets>
<cores>8</cores><threads>1</threads></cpu><memory>8388608</memory></node>
XML
}

state() {
	value "api-jobs/$1/state"
}

# set_state JOB STATE: in the database of a pool that is not mounted
set_state() {
	sqlite3 "$STATE/pool.db" "UPDATE job SET state = '$2', finished = NULL WHERE uuid = '$1'"
}

mount_pool
dead=$(first hosts)
wait_for "hosts/$dead/status" Connected 20
machine "$CASE_DIR/other.xml"
other=$(create hosts "name=other uri=test://$CASE_DIR/other.xml clusterUuid=$(first clusters)")
image=$(small_image)
on_dead=$(create_vm on-dead "$image" '{"hostUuid":"'"$dead"'"}')
on_other=$(create_vm on-other "$image" '{"hostUuid":"'"$other"'"}')
umount_pool

step "the host's description is a pipe, which has no text yet"
mkfifo "$CASE_DIR/dead.xml"
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'test://$CASE_DIR/dead.xml' WHERE uuid = '$dead'"
mount_pool
waits=$(submit "vm-instances/$on_dead/actions" stop)
begins=$(submit "vm-instances/$on_other/actions" stop)
wait_for "api-jobs/$begins/state" Done 1
assert_eq "$(state "$waits")" Queued # for half a minute
assert_eq "$(value "hosts/$dead/status")" Connecting
assert_eq "$(value "vm-instances/$on_other/state")" Stopped
begins=$(submit "vm-instances/$on_other/actions" start)
wait_for "api-jobs/$begins/state" Done 1
truncate -s 1M none.raw
begins=$(submit images/create '{"params":{"name":"none","url":"file://'"$PWD"'/none.raw","format":"raw","backupStorageUuids":["'"$(first backup-storage)"'"]}}')
wait_for "api-jobs/$begins/state" Done 1

step "the next pool finds it queued, and another job under way"
kill_pool
mount_pool
begins=$(submit "vm-instances/$on_other/actions" stop)
wait_for "api-jobs/$begins/state" Done 1
assert_eq "$(state "$waits")" Queued
kill_pool
set_state "$waits" Processing
mount_pool
begins=$(submit "vm-instances/$on_other/actions" start)
wait_for "api-jobs/$begins/state" Done 1
assert_eq "$(state "$waits")" Processing

step "which is recovered when its host is there"
machine "$CASE_DIR/text.xml"
exec 3>"$CASE_DIR/dead.xml"
rm "$CASE_DIR/dead.xml"
cp "$CASE_DIR/text.xml" "$CASE_DIR/dead.xml"
cat "$CASE_DIR/text.xml" >&3
exec 3>&-
wait_for "hosts/$dead/status" Connected 20
wait_until 10 is_finished "$waits"
