#!/bin/bash
# metrics is OpenMetrics text as a public parser reads it, and its numbers are those of the tree.
. "$(dirname "$0")/../tree/lib.sh"

# metric NAME LABEL=VALUE...: the value of one sample.
metric() {
	/usr/bin/python3 - "$MOUNT/metrics" "$@" <<'END'
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
assert_eq "$(metric poolfs_state kind=Job state=Done)" "$(grep -lx Done "$MOUNT"/api-jobs/*/state | wc -l)"
assert_eq "$(metric poolfs_status kind=Host status=Connected)" 1
host=$(first hosts)
assert_eq "$(metric poolfs_host_memory_capacity_bytes uuid="$host")" "$(value "hosts/$host/totalMemoryCapacity")"
assert_eq "$(metric poolfs_host_cpu_available uuid="$host" name="$(value "hosts/$host/name")")" "$(value "hosts/$host/availableCpuCapacity")"
assert_eq "$(metric poolfs_events_total)" "$(tail -n 1 "$MOUNT/events" | jq .sequence)"

step "commits are counted; without one nothing changes"
commits=$(metric poolfs_store_commits_total)
cp "$MOUNT/metrics" before
cmp "$MOUNT/metrics" before
echo changed >"$MOUNT/vm-instances/by-name/one/description"
[ "$(metric poolfs_store_commits_total)" -gt "$commits" ] || fail "a commit is not counted"
assert_eq "$(tail -n 1 "$MOUNT/metrics")" "# EOF"
