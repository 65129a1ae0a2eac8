#!/bin/bash
# events: numbered lines in the order of the commits, with who and why; kept over restarts; no secrets.
. "$(dirname "$0")/../tree/lib.sh"

# number: of the newest event.
number() {
	tail -n 1 "$MOUNT/events" | jq .sequence
}

# told SINCE FILTER: the events after number SINCE that match.
told() {
	jq -c "select($2)" "$MOUNT/events?since=$1"
}

mount_pool
image=$(small_image)
vm=$(create_vm told "$image" '{"strategy":"CreateStopped"}')
dir=vm-instances/$vm

step "numbered from 1, without a gap"
jq .sequence "$MOUNT/events" >numbers
seq "$(wc -l <numbers)" | diff numbers -
assert_eq "$(stat -c %s "$MOUNT/events")" "$(wc -c <"$MOUNT/events")" "the size"

step "a change: what, from and to, by which job, for whom"
before=$(number)
echo renamed >"$MOUNT/$dir/name"
sync "$MOUNT/$dir/name"
event=$(told "$before" '.kind == "VmInstance"')
assert_eq "$(jq -r '[.event, .uuid, .name, .source, (.uid | tostring)] | join(" ")' <<<"$event")" \
	"changed $vm renamed fs $(id -u)"
assert_eq "$(jq -c .changes <<<"$event")" '{"name":{"from":"told","to":"renamed"}}'
job=$(jq -r .job <<<"$event")
assert_eq "$(value "api-jobs/$job/operation")" UpdateVmInstance
assert_eq "$(told "$before" '.kind == "Job"' | jq -r .uuid | sort -u)" "$job"

step "what a job changes through a host has the job's cause"
before=$(number)
act "$dir" start
assert_eq "$(told "$before" '.kind == "VmInstance" and .changes.state' | jq -r '.changes.state.to' | paste -sd ' ')" "Starting Running"
assert_eq "$(told "$before" '.kind == "VmInstance" and .changes.state' | jq -r .source | sort -u)" fs

step "by REST: for the account of the session"
before=$(number)
hash=$(printf password | sha512sum | cut -d ' ' -f 1)
session=$(request sessions/call "$(jq -nc --arg hash "$hash" \
	'{operation: "LogInByAccount", params: {accountName: "admin", password: $hash}}')" | sed 1d | jq -r .inventory)
request "sessions/$(jq -r .uuid <<<"$session")/call" \
	"{\"operation\":\"UpdateVmInstance\",\"params\":{\"uuid\":\"$vm\",\"description\":\"by rest\"}}" >/dev/null
assert_eq "$(told "$before" '.kind == "VmInstance"' | jq -r '[.source, .account, .changes.description.to] | join(" ")')" \
	"rest $(jq -r .accountUuid <<<"$session") by rest"

step "what a host reports has no user and no job"
assert_eq "$(told 0 '.kind == "Host" and .changes.status.to == "Connected"' | jq -r '[.source, .uid, .job] | map(. // "-") | join(" ")' |
	sort -u)" "libvirt - -"

step "created and removed"
before=$(number)
zone=$(create zones '{"params":{"name":"short-lived"}}')
act "zones/$zone" delete
assert_eq "$(told "$before" ".uuid == \"$zone\"" | jq -r .event | paste -sd ' ')" "created removed"

step "writing the current value makes no event, nor does a refusal"
before=$(number)
echo renamed >"$MOUNT/$dir/name"
(echo many >"$MOUNT/$dir/cpuNum") 2>/dev/null && fail "a bad value was taken"
assert_eq "$(number)" "$before" "the newest event"

step "secrets are not in events"
create system-tags "$(jq -nc --arg vm "$vm" '{resourceType: "VmInstanceVO", resourceUuid: $vm, tag: "consolePassword::hushhush"}')" >/dev/null
grep -q SystemTag "$MOUNT/events" || fail "the tag is not told"
if grep -q hushhush "$MOUNT/events"; then fail "a password is told"; fi

step "since a number; at the end, and beyond it"
before=$(number)
assert_eq "$(cat "$MOUNT/events?since=$before")" ""
echo again >"$MOUNT/$dir/name"
assert_eq "$(head -n 1 "$MOUNT/events?since=$before" | jq .sequence)" $((before + 1))
assert_fails "No such file" cat "$MOUNT/events?since=$((before + 1000))"
assert_fails "No such file" cat "$MOUNT/events?since=x"

step "tail -f follows"
tail -n 0 -s 0.1 -f "$MOUNT/events" >tailed &
tail=$!
i=0
is_tailed() {
	echo "by tail $((i += 1))" >"$MOUNT/$dir/description" # again until it has looked for the end
	grep -q '"to":"by tail' tailed
}
wait_until 20 is_tailed
kill $tail

step "an open reader sees new events, even after a read that ended within a line"
python3 - "$MOUNT" "$dir" <<'END'
import json
import os
import sys

os.chdir(sys.argv[1])
fd = os.open("events", os.O_RDONLY)
text = b""
for i in range(50):
    with open(sys.argv[2] + "/description", "w") as f:
        f.write(f"round {i}\n")
    while piece := os.read(fd, 1000):
        text += piece
lines = [json.loads(line) for line in text.splitlines()]
assert [e["sequence"] for e in lines] == list(range(1, len(lines) + 1))
assert lines[-1]["kind"] == "Job" and os.fstat(fd).st_size == len(text)
END

step "kept over a restart"
cp "$MOUNT/events" kept
remount_pool
head -c "$(stat -c %s kept)" "$MOUNT/events" | cmp - kept
jq .sequence "$MOUNT/events" >numbers
seq "$(wc -l <numbers)" | diff numbers -
