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

step "metrics has the same samples"
names() {
	grep -v '^#' "$MOUNT/$1" | sed 's/[{ ].*//' | sort
}
diff <(names metrics) <(names openmetrics)
assert_eq "$(tail -n 1 "$MOUNT/openmetrics")" "# EOF"
assert_eq "$(grep -c EOF "$MOUNT/metrics" || true)" 0
