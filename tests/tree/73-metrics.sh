#!/bin/bash
# openmetrics is what a public parser reads, and its numbers are those of the tree; metrics has the same ones.
. "$(dirname "$0")/../tree/lib.sh"

# metric NAME LABEL=VALUE...: the value of one sample.
metric() {
	/usr/bin/python3 - "$MOUNT/openmetrics" "$@" <<'END'
import sys
from prometheus_client.openmetrics.parser import text_string_to_metric_families

with open(sys.argv[1]) as f:
    text = f.read()
wanted = dict(label.split("=", 1) for label in sys.argv[3:])
for family in text_string_to_metric_families(text):
    assert family.documentation, family.name
    for sample in family.samples:
        if sample.name == sys.argv[2] and all(sample.labels.get(k) == v for k, v in wanted.items()):
            print(int(sample.value))
END
}

mount_pool
image=$(small_image)
create_vm one "$image" '{"strategy":"CreateStopped"}' >/dev/null
create_vm two "$image" >/dev/null
create zones '{"params":{"name":"odd \"name\\"}}' >/dev/null

assert_eq "$(metric poolfs_objects kind=VmInstance)" 2
assert_eq "$(metric poolfs_objects kind=Zone)" "$(uuids zones | wc -l)"
assert_eq "$(metric poolfs_state kind=VmInstance state=Stopped)" 1
assert_eq "$(metric poolfs_state kind=VmInstance state=Running)" 1
assert_eq "$(metric poolfs_state kind=Job state=Done)" "$(grep -lx Done "$MOUNT"/api-jobs/[0-9a-f]*/state | wc -l)"
assert_eq "$(metric poolfs_status kind=Host status=Connected)" 1
host=$(first hosts)
assert_eq "$(metric poolfs_host_memory_capacity_bytes uuid="$host")" "$(value "hosts/$host/totalMemoryCapacity")"
assert_eq "$(metric poolfs_host_cpu_available uuid="$host" name="$(value "hosts/$host/name")")" "$(value "hosts/$host/availableCpuCapacity")"
assert_eq "$(metric poolfs_events_total)" "$(tail -n 1 "$MOUNT/events" | jq .sequence)"

step "jobs that have ended, and how long they took"
huge=$(create instance-offerings '{"params":{"name":"huge","cpuNum":1000,"memorySize":"900T"}}')
failed=$(submit vm-instances/create "$(vm_json huge "$image" '{"instanceOfferingUuid":"'"$huge"'"}')")
wait_until 20 is_finished "$failed"
assert_eq "$(metric poolfs_jobs_ended_total operation=CreateVmInstance state=Done)" 2
assert_eq "$(metric poolfs_jobs_ended_total operation=CreateVmInstance state=Failed)" 1
assert_eq "$(metric poolfs_job_duration_seconds_count operation=CreateVmInstance)" 3
assert_eq "$(metric poolfs_job_duration_seconds_bucket operation=CreateVmInstance le=+Inf)" 3
assert_eq "$(metric poolfs_job_duration_seconds_bucket operation=CreateVmInstance le=7200.0)" 3

step "the program"
assert_eq "$(metric poolfs_build_info version="$("$POOLFS" --version | cut -d ' ' -f 2)")" 1
assert_eq "$(metric process_max_fds)" "$(awk '/Max open files/ { print $4 }' "/proc/$(worker_pid)/limits")"
[ "$(metric process_resident_memory_bytes)" -gt 1000000 ] || fail "no memory is used"
[ "$(metric process_start_time_seconds)" -gt "$(($(date +%s) - 600))" ] || fail "the start is not now"

step "commits are counted"
commits=$(metric poolfs_store_commits_total)
echo changed >"$MOUNT/vm-instances/by-name/one/description"
[ "$(metric poolfs_store_commits_total)" -gt "$commits" ] || fail "a commit is not counted"

step "what a VM uses, as its host counts it: in stats, which is not listed, and in both formats"
vm=$(value vm-instances/by-name/two/uuid)
stats=$MOUNT/vm-instances/$vm/stats
assert_eq "$(find "$MOUNT/vm-instances/$vm" -name stats)" "" "what listings show of stats"
ls "$stats" >names
for name in cpuSeconds memoryBytes diskReadBytes diskWrittenBytes diskReads diskWrites networkReceivedBytes networkSentBytes \
	networkReceivedPackets networkSentPackets; do
	grep -qx "$name" names || fail "there is no $name"
	grep -Eqx '[0-9]+(\.[0-9]{3})?' "$stats/$name" || fail "$name is no number"
	assert_eq "$(stat -c %s "$stats/$name")" "$(wc -c <"$stats/$name")" "the size of $name"
done
assert_eq "$(wc -l <names)" 10 "files in stats"
assert_eq "$(value "vm-instances/$vm/stats/memoryBytes")" "$(value "vm-instances/$vm/memorySize")"
assert_eq "$(metric poolfs_vm_memory_bytes uuid="$vm" name=two)" "$(value "vm-instances/$vm/memorySize")"
[ "$(metric poolfs_vm_cpu_seconds_total uuid="$vm")" -gt 0 ] || fail "no CPU time"
assert_eq "$(metric poolfs_host_running_vms uuid="$host")" 1
assert_eq "$(value "hosts/$host/stats/runningVms")" 1

step "a value is as old as statistics/maxAge says, and its file says how old"
max_age=$MOUNT/global-configurations/statistics/maxAge/value
echo 100000 >"$max_age"
before=$(cat "$stats/cpuSeconds")
time=$(stat -c %.9Y "$stats/cpuSeconds")
sleep 0.1
assert_eq "$(cat "$stats/cpuSeconds")" "$before" "a value that is young enough"
assert_eq "$(stat -c %.9Y "$stats/memoryBytes")" "$time" "the time of the sample"
echo 1 >"$max_age"
differs() {
	[ "$(cat "$stats/cpuSeconds")" != "$before" ]
}
wait_until 20 differs
[ "$(stat -c %.9Y "$stats/cpuSeconds")" != "$time" ] || fail "the time of a new sample is that of the old one"

step "what nobody can tell is an empty line: a VM that is stopped, a simulated host's CPUs"
assert_eq "$(od -An -c "$MOUNT/vm-instances/by-name/one/stats/cpuSeconds" | tr -d ' ')" '\n'
assert_eq "$(cat "$MOUNT/hosts/$host/stats/cpuSeconds")" ""
assert_eq "$(metric poolfs_vm_cpu_seconds_total name=one)" ""
assert_fails "No such file" cat "$stats/nothing"
assert_fails "No such file" ls "$MOUNT/zones/$(first zones)/stats"

step "metrics has the same samples"
names() {
	grep -v '^#' "$MOUNT/$1" | sed 's/[{ ].*//' | sort
}
diff <(names metrics) <(names openmetrics)
assert_eq "$(tail -n 1 "$MOUNT/openmetrics")" "# EOF"
assert_eq "$(grep -c EOF "$MOUNT/metrics" || true)" 0
