#!/bin/bash
# Every operation of the table as a dry run, on objects in several states: nothing changes, neither rows nor files.
# limit: 300
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
# The room of the disk is measured meanwhile, which others use, too.
echo 100000 >"$MOUNT/global-configurations/host/ping.interval/value"
image=$(small_image)
stopped=$(create_vm stopped "$image" '{"strategy":"CreateStopped"}')
create_vm running "$image" >/dev/null
paused=$(create_vm paused "$image")
act "vm-instances/$paused" pause
destroyed=$(create_vm destroyed "$image")
act "vm-instances/$destroyed" destroy
offering=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
storage=$(first primary-storage)
volume=$(create volumes "{\"params\":{\"name\":\"v\",\"diskOfferingUuid\":\"$offering\",\"primaryStorageUuid\":\"$storage\"}}")
act "volumes/$volume" create-snapshot name=s
volume=$(create volumes "{\"params\":{\"name\":\"w\",\"diskOfferingUuid\":\"$offering\",\"primaryStorageUuid\":\"$storage\"}}")
act "volumes/$volume" attach vmInstanceUuid="$stopped"
act "volumes/$(create volumes "{\"params\":{\"name\":\"x\",\"diskOfferingUuid\":\"$offering\"}}")" delete
create zones '{"params":{"name":"other"}}' >/dev/null
gone=$(add_image "$CASE_DIR/small.raw" raw other)
act "images/$gone" delete
create affinity-groups '{"params":{"name":"apart","policy":"antiSoft","type":"host"}}' >/dev/null
act "vm-instances/$stopped" '{"createStartVmInstanceScheduler":{"schedulerName":"s","type":"cron","cron":"0 0 3 1 1 ?"}}'
scheduler_job=$(create schedulers/jobs "name=j type=stopVm targetResourceUuid=$stopped")
trigger=$(create schedulers/triggers "name=t schedulerType=cron cron='0 0 3 1 1 ?'")
act "schedulers/jobs/$scheduler_job" add-trigger schedulerTriggerUuid="$trigger"
job_wait "$(submit user-tags/create "resourceType=VmInstanceVO resourceUuid=$stopped tag=a")"
job_wait "$(submit system-tags/create "resourceType=VmInstanceVO resourceUuid=$stopped tag=hostname::web")"

# Everything that may not change: rows, files with their times, and what the tree shows.
everything() {
	sqlite3 "file:$STATE/pool.db?mode=ro" .dump
	find "$STATE" -path "$STATE/pool.db*" -prune -o -path "$STATE/poolfs.log" -prune -o -printf '%p %y %s %T@ %n\n' | sort
	cat "$MOUNT"/*/inventories "$MOUNT"/*/*/inventories 2>/dev/null
	virsh -q -c "$URI" list --all
}
hash=$(printf password | sha512sum | cut -d ' ' -f 1)
session=$(request sessions/call "$(jq -nc --arg hash "$hash" \
	'{operation: "LogInByAccount", params: {accountName: "admin", password: $hash}}')" | sed 1d | jq -r .inventory.uuid)
everything >before
python3 - "$MOUNT" "$CASE_DIR/small.raw" "sessions/$session/call" "$hash" <<'END'
import json
import os
import re
import sys

os.chdir(sys.argv[1])
NOBODY = "0" * 31 + "9"
PATTERN = re.compile("[0-9a-f]{32}")
TEXTS = {"url": "file://" + sys.argv[2], "format": "raw", "accountName": "admin", "tag": "b", "managementIp": "192.0.2.9",
         "resourceType": "VmInstanceVO", "gateway": "10.9.0.1", "netmask": "255.255.255.0", "startIp": "10.9.0.2",
         "endIp": "10.9.0.9", "networkCidr": "10.9.0.0/24", "category": "vm", "value": "1", "staticIp": "10.9.0.3",
         "password": sys.argv[4], "dns": "192.0.2.53", "allocatorStrategy":
         "DefaultHostAllocatorStrategy", "hypervisorType": "KVM", "schedulerType": "simple"}


OTHERS = {"vmUuid": "VmInstance", "vmInstanceUuid": "VmInstance", "resourceUuid": "VmInstance", "volumeUuid": "Volume"}
NUMBERS = {"memorySize": 1 << 30, "size": 1 << 30, "diskSize": 1 << 30}


def call(document):
    fd = os.open(sys.argv[3], os.O_RDWR)
    os.write(fd, json.dumps(document).encode() + b"\n")
    answer = b""
    while piece := os.read(fd, 65536):
        answer += piece
    os.close(fd)
    kind, _, body = answer.decode().partition("\n")
    return kind, body


operations = json.load(open("operations.json"))["operations"]
# The objects of each kind, by the name that the table gives the kind.
objects = {}
for operation in operations:
    path = operation.get("file", "")
    if operation["name"].startswith("Query") and os.path.exists(path):
        with open(path) as f:
            found = [o.get("uuid") for o in json.load(f)["inventories"] if PATTERN.fullmatch(o.get("uuid") or "")]
        objects[operation["kind"]] = found[:6]


def fill(operation, param, round_):
    """What may stand for a parameter; another object of its kind in each round."""
    resource = param.get("resource")
    if resource or param["name"] == "uuid" or param["name"].endswith("Uuid"):
        known = objects.get(resource) or objects.get(OTHERS.get(param["name"], operation["kind"])) or [NOBODY]
        one = known[round_ % len(known)]
    elif "values" in param:
        one = param["values"][round_ % len(param["values"])]
    elif param["type"] in ("int", "long"):
        one = NUMBERS.get(param["name"], max(param.get("min", 1), 1))
    elif param["type"] == "boolean":
        return True
    elif param["type"] == "map":
        return {}
    else:
        one = TEXTS.get(param["name"], "dry")
    return [one] if param["type"] == "list" else one


def last_event():
    with open("events", "rb") as f:
        f.seek(max(0, os.fstat(f.fileno()).st_size - 65536))
        return json.loads(f.read().splitlines()[-1])["sequence"]


tried, accepted, reasons, last = set(), set(), {}, last_event()
for operation in operations:
    if operation["method"] == "GET":
        continue
    # All parameters, and only those that must be; on each object of the kind it acts on.
    for round_ in range(12):
        params = {p["name"]: fill(operation, p, round_ % 6) for p in operation["params"] if p.get("required") or round_ >= 6}
        params.pop("resourceUuid", None) if operation["name"].startswith(("Create", "Add")) and "Tag" not in \
            operation["name"] else None
        kind, body = call({"operation": operation["name"], "params": params, "systemTags": ["validationOnly"]})
        assert kind in ("ok", "job", "error", "conflict"), (operation["name"], params, kind, body)
        tried.add(operation["name"])
        if kind in ("ok", "job"):
            accepted.add(operation["name"])
        else:
            reasons[operation["name"]] = json.loads(body)["error"]["details"]
        now = last_event()
        if now != last:
            sys.exit(f"{operation['name']} {params} changed something: " + open(f"events?since={last}").read())
print(len(tried), "operations tried, would work:", len(accepted))
for name in sorted(tried - accepted):
    print(f"never accepted: {name}: {reasons[name]}")
assert len(tried) > 140 and len(accepted) > 110
os.stat(sys.argv[3])
END
everything >after
diff before after || fail "something was changed by a dry run"
