#!/bin/bash
# The log: lines with time, level and subject, or entries of the journal; what is told, what is left out, SIGHUP.
. "$(dirname "$0")/../tree/lib.sh"

LOG=$STATE/poolfs.log
stamp='^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:]{8}\.[0-9]{3}Z'

# told REGEX: is it in the log, as a line with its time?
told() {
	grep -qE "$stamp $1" "$LOG"
}

step "start, hosts, failed jobs with their sentences, settings, the end"
mount_pool
told "info mount $MOUNT: poolfs [0-9.]+ starts; state folder '$STATE'$" || fail "no start"
host=$(first hosts)
wait_for "hosts/$host/status" Connected 20
told "info host $host: '.*' is Connected$" || fail "no host"
image=$(small_image)
huge=$(create instance-offerings '{"params":{"name":"huge","cpuNum":1000,"memorySize":"900T"}}')
job=$(submit vm-instances/create "$(vm_json huge "$image" '{"instanceOfferingUuid":"'"$huge"'"}')")
wait_until 20 is_finished "$job"
told "warning job $job: CreateVmInstance of vm-instances/[0-9a-f]{32} failed: .*no host having cpu" || fail "no failed job"
echo 45 >"$MOUNT/global-configurations/host/ping.interval/value"
told "info setting: host/ping.interval is '45' now, was '60'$" || fail "no setting"
assert_eq "$(grep -vcE "$stamp (error|warning|info) [a-z]+( [^ ]+)?: " "$LOG" || true)" 0 "lines of another form, or of jobs that are well"

step "SIGHUP opens the file again"
mv "$LOG" rotated
# shellcheck disable=SC2046 # one word a pid
kill -HUP $(pool_pids)
wait_until 10 test -e "$LOG"
echo 46 >"$MOUNT/global-configurations/host/ping.interval/value"
told "info setting: .* '46'" || fail "it is not in the new file"
assert_eq "$(grep -c "'46'" rotated || true)" 0 "the line in the old file"
assert_eq "$(stat -c %a "$LOG")" 600

step "the file is bounded"
truncate -s 16M "$LOG"
echo 47 >"$MOUNT/global-configurations/host/ping.interval/value"
told "info setting: .* '47'" || fail "it is not in the new file"
assert_eq "$(stat -c %s "$LOG.1")" $((16 * 1024 * 1024))
[ "$(stat -c %s "$LOG")" -lt 10000 ] || fail "the file goes on"
rm "$LOG.1"
umount_pool
told "info mount $MOUNT: poolfs has ended$" || fail "no end"

step "an option that has no effect"
mount_pool
umount_pool
lacks 'no effect' "$LOG" || fail "the option that has made the pool is said to have none"
URI=qemu:///nonsense mount_pool
told "warning pool: the option uri=qemu:///nonsense is for a new pool and has no effect; the hosts of this one are in hosts/$" ||
	fail "an option without effect is not told of"
umount_pool

step "levels"
rm "$LOG"
mount_pool -o log-level=error
echo 48 >"$MOUNT/global-configurations/host/ping.interval/value"
umount_pool
assert_eq "$(cat "$LOG")" "" "what is told of level error"
mount_pool --log-level=debug
wait_for "hosts/$host/status" Connected 20
image=$(small_image two)
umount_pool
told "debug job [0-9a-f]{32}: AddImage of images/$image is Done" || fail "no debug"
assert_fails "'loud' is not a level of the log: error, warning, info or debug" "$POOLFS" -o "state=$STATE,log-level=loud" "$MOUNT"

step "in the foreground on the standard error, and SIGHUP ends the program"
"$POOLFS" -f -o "state=$STATE,uri=$URI" "$MOUNT" 2>said &
wait_until 15 mountpoint -q "$MOUNT"
kill -HUP $!
wait $! || fail "poolfs -f exits with status $? after SIGHUP"
grep -qE "$stamp info mount: ends by signal 1, Hangup" said || fail "poolfs -f said '$(cat said)'"

step "the journal of systemd gets fields"
ldd "$POOLFS" | finds libsystemd || fail "the program was built without libsystemd"
mkdir -p /run/systemd/journal # of this case alone
cat >receive <<'EOF'
import socket
journal = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
journal.bind("/run/systemd/journal/socket")
while True:
    with open("entries", "ab") as entries:
        entries.write(journal.recv(65536) + b"\n")
EOF
python3 receive &
receiver=$!
wait_until 10 test -S /run/systemd/journal/socket
: >stderr
stream=$(stat -c %d:%i stderr)
JOURNAL_STREAM=$stream "$POOLFS" -f -o "state=$STATE,uri=$URI" "$MOUNT" 2>stderr &
wait_until 15 mountpoint -q "$MOUNT"
wait_for "hosts/$host/status" Connected 20
umount_pool
wait $!
kill $receiver
assert_eq "$(cat stderr)" "" "what was printed besides"
awk -v RS= '/PRIORITY=6/ && /SYSLOG_IDENTIFIER=poolfs/ && /POOLFS_SUBJECT=host/ && /POOLFS_ID='"$host"'/ && /MESSAGE=host '"$host"': .* is Connected/ { found = 1 } END { exit !found }' entries ||
	fail "the journal has '$(cat entries)'"
