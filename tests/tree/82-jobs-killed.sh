#!/bin/bash
# Jobs of all kinds, while the worker is killed at random moments: each is Done, once, and nothing is left of any try.
# limit: 300
# long: 3600
. "$(dirname "$0")/lib.sh"

mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
host=$(create hosts/simulators '{"params":{"name":"large","managementIp":"10.0.0.9","clusterUuid":"'"$(first clusters)"'","cpuCapacity":4096,"memoryCapacity":1099511627776}}')
wait_for "hosts/$host/status" Connected 20
image=$(small_image)
truncate -s 2M other.raw
other=$(add_image "$PWD/other.raw" raw other)
disk=$(create disk-offerings '{"params":{"name":"8M","diskSize":8388608}}')

step "clients with jobs that the worker is killed in"
"$TOP/tests/tree/kill-jobs" "$MOUNT" 3 "$(number 40 2000)" "$host" "$image" "$other" "$(first instance-offerings)" "$disk" >told &
clients=$!
kills=0
while kill -0 $clients 2>/dev/null; do
	sleep "$((RANDOM % 2)).$((RANDOM % 9))"
	pid=$(worker_pid 2>/dev/null) || continue # the next one is about to come
	kill -KILL "$pid" 2>/dev/null && kills=$((kills + 1))
done
wait $clients || fail "$(<told)"
echo "   $kills kills, $(<told)"
[ $kills -gt 3 ] || fail "it was killed $kills times"

step "the files are those of the volumes"
all_is_whole
