#!/bin/bash
# The file spec of every kind: a document is carried out, is read back byte for byte, and does nothing when
# written again.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm wanted "$image" '{"strategy":"CreateStopped"}')
dir=vm-instances/$vm
l3=$(first l3-networks)
disk=$(create disk-offerings '{"name":"ten","diskSize":"10M"}')
one=$(create volumes "{\"name\":\"one\",\"diskOfferingUuid\":\"$disk\",\"primaryStorageUuid\":\"$(first primary-storage)\"}")
two=$(create volumes "{\"name\":\"two\",\"diskOfferingUuid\":\"$disk\"}")
away=$(create volumes "{\"name\":\"away\",\"diskOfferingUuid\":\"$disk\",\"primaryStorageUuid\":\"$(first primary-storage)\"}")
group=$(create affinity-groups '{"name":"apart","policy":"antiSoft"}')
other_l3=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" '{name: "other", type: "L3BasicNetwork", l2NetworkUuid: $l2}')")
act "l3-networks/$other_l3" add-ip-range name=r startIp=10.77.0.10 endIp=10.77.0.99 netmask=255.255.255.0 gateway=10.77.0.1

# apply OBJECT TEXT: writes a spec and waits for it; what is read then must be TEXT.
apply() {
	local answer
	answer=$(request "$1/spec" "$2")
	last=$(grep -oE '"job": *"[0-9a-f]{32}' <<<"$answer" | tail -c 33 || true)
	[ -z "$last" ] || job_wait "$last" || fail "the spec failed: $2"
	assert_eq "$(value "$1/spec")" "$2" "spec after it was made true"
}

# steps JOB: the operations of a job, with their outcome.
steps() {
	value "api-jobs/$1/result" | jq -r '.steps[] | .operation + " " + .state' | paste -sd,
}

# silent CMD...: the command leaves no event, so no change and no job.
silent() {
	local before
	before=$(tail -n 1 "$MOUNT/events" | jq .sequence)
	"$@"
	assert_eq "$(jq -c "select(.source != \"libvirt\")" "$MOUNT/events?since=$before")" "" "the events of '$*'"
}

# put FILE TEXT: the bytes of TEXT and nothing else.
put() {
	printf '%s' "$2" >"$MOUNT/$1"
}

step "without a document it shows the object"
for object in "$dir" "volumes/$one" "images/$image" "disk-offerings/$disk" \
	"instance-offerings/$(first instance-offerings)" "affinity-groups/$group"; do
	spec=$(value "$object/spec")
	assert_eq "$(jq -r .name <<<"$spec")" "$(value "$object/name")" "name in the spec of $object"
	assert_eq "$(value "$object/spec")" "$spec"
	assert_eq "$(stat -c %s "$MOUNT/$object/spec")" "$(wc -c <"$MOUNT/$object/spec")" "size of the spec of $object"
	silent put "$object/spec" "$spec"$'\n'
	assert_eq "$(value "$object/spec")" "$spec"
done
for kind in zones hosts l3-networks; do
	[ ! -e "$MOUNT/$kind/$(first "$kind")/spec" ] || fail "$kind have a spec"
done
assert_eq "$(jq -c '[.state, .cpuNum, .nics[0].l3NetworkUuid, .volumes, .userTags]' <"$MOUNT/$dir/spec")" \
	"[\"Stopped\",1,\"$l3\",[],[]]"

step "one document becomes the operations that carry it out, in order, as one job"
apply "$dir" "$(jq -n --arg one "$one" --arg l3 "$l3" --arg other "$other_l3" \
	'{name: "web01", description: "the first", cpuNum: 2, memorySize: "256M", state: "Running", volumes: [$one],
	  nics: [{l3NetworkUuid: $l3}, {l3NetworkUuid: $other, ip: "10.77.0.50", mac: "fa:00:00:00:77:50"}],
	  userTags: ["role=web", "tier"], systemTags: ["hostname::web01"]}')"
assert_eq "$(steps "$last")" "UpdateVmInstance Done,UpdateVmInstance Done,AttachL3NetworkToVm Done,AttachDataVolumeToVm Done,CreateUserTag Done,CreateUserTag Done,CreateSystemTag Done,StartVmInstance Done"
assert_eq "$(value "$dir/name") $(value "$dir/description") $(value "$dir/cpuNum") $(value "$dir/memorySize") $(value "$dir/state")" \
	"web01 the first 2 268435456 Running"
assert_eq "$(value "volumes/$one/vmInstanceUuid")" "$vm"
assert_eq "$(jq -c '[.vmNics[] | select(.ip == "10.77.0.50") | .mac]' <"$MOUNT/$dir/inventory")" '["fa:00:00:00:77:50"]'
assert_eq "$(cat "$MOUNT/$dir"/tags/* | grep -v staticIp | sort | paste -sd' ')" "hostname::web01 role=web tier"
assert_eq "$(find "$MOUNT/$dir/jobs" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep -c "$last")" 1
assert_eq "$(value "api-jobs/$last/progress")" 100

step "the same bytes again start nothing, from any writer"
cp "$MOUNT/$dir/spec" same
silent cp same "$MOUNT/$dir/spec"
silent dd if=same of="$MOUNT/$dir/spec" bs=1M conv=notrunc status=none
cp same "$MOUNT/$dir/.spec.new"
silent mv "$MOUNT/$dir/.spec.new" "$MOUNT/$dir/spec"
cmp same "$MOUNT/$dir/spec"

step "other bytes that describe the current state are stored, and start nothing"
silent put "$dir/spec" '{"name":"web01"}'
assert_eq "$(od -c "$MOUNT/$dir/spec")" "$(printf '{"name":"web01"}' | od -c)"
dd if=same of="$MOUNT/$dir/spec" bs=1 status=none
cmp same "$MOUNT/$dir/spec"
assert_eq "$(find "$MOUNT/$dir/jobs" -mindepth 1 -maxdepth 1 | wc -l)" 2 "jobs of the VM"

step "a restart keeps them; the test driver loses the guest, which is shown too"
apply "affinity-groups/$group" '  {"name" :"apart"}'
remount_pool
assert_eq "$(value "affinity-groups/$group/spec")" '  {"name" :"apart"}'
wait_for "$dir/state" Stopped 10
assert_eq "$(jq -r .state "$MOUNT/$dir/spec")" Stopped
cp same "$MOUNT/$dir/spec"
sync "$MOUNT/$dir/spec"
assert_eq "$(value "$dir/state")" Running
cmp same "$MOUNT/$dir/spec"

step "changes by others are shown, until the document is written again"
act "$dir" "update name=drifted"
assert_eq "$(jq -r .name "$MOUNT/$dir/spec")" drifted
cp same "$MOUNT/$dir/spec"
sync "$MOUNT/$dir/spec"
assert_eq "$(value "$dir/name")" web01
cmp same "$MOUNT/$dir/spec"
act "volumes/$one" detach
assert_eq "$(jq -c .volumes "$MOUNT/$dir/spec")" "[]"
cp same "$MOUNT/$dir/spec"
sync "$MOUNT/$dir/spec"
assert_eq "$(value "volumes/$one/vmInstanceUuid")" "$vm"
cmp same "$MOUNT/$dir/spec"

step "changes that need a stopped VM stop it"
apply "$dir" "$(jq -n --arg l3 "$l3" --arg two "$two" '{cpuNum: 1, nics: [{l3NetworkUuid: $l3}], volumes: [$two], userTags: ["tier"], state: "Running"}')"
assert_eq "$(steps "$last")" "StopVmInstance Done,UpdateVmInstance Done,DetachL3NetworkFromVm Done,DetachDataVolumeFromVm Done,AttachDataVolumeToVm Done,DeleteTag Done,StartVmInstance Done"
assert_eq "$(value "$dir/state") $(value "$dir/cpuNum") $(jq '.vmNics | length' <"$MOUNT/$dir/inventory")" "Running 1 1"
assert_eq "$(value "volumes/$one/vmInstanceUuid")" ""
echo true >"$MOUNT/global-configurations/vm/numa/value"
apply "$dir" '{"memorySize": "384M", "state": "Running"}'
assert_eq "$(steps "$last")" "UpdateVmInstance Failed,StopVmInstance Done,UpdateVmInstance Done,StartVmInstance Done"
apply "$dir" '{"memorySize": "512M", "cpuNum": 2, "state": "Running"}'
assert_eq "$(steps "$last")" "UpdateVmInstance Done"
apply "$dir" '{"memorySize": "600M", "cpuNum": 1, "state": "Running"}'
assert_eq "$(steps "$last")" "StopVmInstance Done,UpdateVmInstance Done,StartVmInstance Done"

step "the states of a VM"
apply "$dir" '{"state": "Paused"}'
assert_eq "$(steps "$last")" "PauseVmInstance Done"
apply "$dir" "{\"state\": \"Paused\", \"nics\": [{\"l3NetworkUuid\": \"$l3\"}, {\"l3NetworkUuid\": \"$other_l3\"}]}"
assert_eq "$(steps "$last")" "ResumeVmInstance Done,AttachL3NetworkToVm Done,PauseVmInstance Done"
apply "$dir" '{"state": "Running"}'
assert_eq "$(steps "$last")" "ResumeVmInstance Done"
apply "$dir" '{"state": "Stopped", "cpuNum": 2}'
assert_eq "$(steps "$last")" "StopVmInstance Done,UpdateVmInstance Done"
apply "$dir" "{\"nics\": [{\"l3NetworkUuid\": \"$l3\"}, {\"l3NetworkUuid\": \"$other_l3\", \"ip\": \"10.77.0.60\", \"mac\": \"FA:00:00:00:77:60\"}]}"
assert_eq "$(steps "$last")" "SetVmStaticIp Done,UpdateVmNicMac Done"
apply "$dir" '{"state": "Paused"}'
assert_eq "$(steps "$last")" "StartVmInstance Done,PauseVmInstance Done"
apply "$dir" '{"state": "Running"}'
created=$(create_vm created "$image" '{"strategy":"JustCreate"}')
assert_refused "vm-instances/$created/spec" '{"state":"Stopped"}' EBUSY "never started"
apply "vm-instances/$created" '{"state":"Running"}'

step "the other kinds"
apply "volumes/$one" '{"name":"first","size":"20M","state":"Disabled","userTags":["a"]}'
assert_eq "$(value "volumes/$one/size") $(value "volumes/$one/state")" "20971520 Disabled"
apply "volumes/$one" '{"state":"Enabled"}'
apply "images/$image" '{"name":"golden","description":"","platform":"Linux","guestOsType":"Debian","state":"Disabled","userTags":[]}'
assert_eq "$(value "images/$image/guestOsType") $(value "images/$image/state")" "Debian Disabled"
apply "disk-offerings/$disk" '{"name":"10 MiB","diskSize":"10M","state":"Disabled"}'
apply "instance-offerings/$(first instance-offerings)" '{"description":"small ones","userTags":["x"],"state":"Enabled"}'
apply "affinity-groups/$group" "{\"vms\":[\"$vm\",\"$created\"],\"state\":\"Disabled\",\"name\":\"asunder\"}"
assert_eq "$(steps "$last")" "UpdateAffinityGroup Done,AddVmToAffinityGroup Done,AddVmToAffinityGroup Done,ChangeAffinityGroupState Done"
assert_eq "$(jq '.usages | length' "$MOUNT/affinity-groups/$group/inventory")" 2
apply "affinity-groups/$group" "{\"vms\":[\"$vm\"],\"state\":\"Enabled\"}"
offering=$(create instance-offerings '{"name":"two","cpuNum":2,"memorySize":"128M"}')
apply "$dir" "{\"instanceOfferingUuid\":\"$offering\",\"cpuNum\":2,\"state\":\"Running\"}"
assert_eq "$(value "$dir/memorySize") $(value "$dir/instanceOfferingUuid")" "134217728 $offering"

step "a refused document changes nothing, and the sentence says why"
# refused OBJECT JSON ERRNO REGEX
refused() {
	local before
	before=$(value "$1/spec")
	silent assert_refused "$1/spec" "$2" "$3" "$4"
	assert_eq "$(value "$1/spec")" "$before" "spec after '$2' was refused"
}
nobody=00000000000000000000000000000000
refused "$dir" '{"name":"x","colour":"red"}' EINVAL "has no member 'colour'"
refused "$dir" '{"name":"x",' close:EINVAL "1 bracket open"
refused "$dir" '["x"]' EINVAL "must be a JSON object"
refused "$dir" 'name=x' EINVAL "bad JSON"
refused "$dir" '{"name":"a","name":"b"}' EINVAL "name"
refused "$dir" '{"name":"x","cpuNum":true}' EINVAL "'cpuNum' must be a number"
refused "$dir" '{"name":"x","cpuNum":0}' ERANGE "cpuNum"
refused "$dir" '{"name":"x","description":null}' EINVAL "'description' must be a string"
refused "$dir" '{"name":"x","state":"Sleeping"}' EINVAL "Running, Stopped or Paused"
refused "$dir" '{"name":"x","nics":{}}' EINVAL "'nics' must be a list"
refused "$dir" '{"name":"x","nics":["'"$l3"'"]}' EINVAL "must be an object"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'"$l3"'"},{"l3NetworkUuid":"'"$l3"'"}]}' EINVAL "twice"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'"$l3"'","speed":1}]}' EINVAL "speed"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'"$l3"'","ip":"1.2.3"}]}' EINVAL "not an IPv4 address"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'"$l3"'","mac":"zz"}]}' EINVAL "zz"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'$nobody'"}]}' ENOENT "L3 network '$nobody'"
refused "$dir" '{"name":"x","nics":[{"l3NetworkUuid":"'"$l3"'"}],"defaultL3NetworkUuid":"'"$other_l3"'"}' EINVAL "default network"
refused "$dir" '{"name":"x","volumes":["'$nobody'"]}' ENOENT "volume '$nobody'"
refused "$dir" '{"name":"x","volumes":["'"$(value "$dir/rootVolumeUuid")"'"]}' EINVAL "is a root volume"
act "volumes/$away" attach "vmInstanceUuid=$created"
refused "$dir" '{"name":"x","volumes":["'"$away"'"]}' EBUSY "attached to the VM '$created'"
refused "$dir" '{"name":"x","systemTags":["userdata::c2VjcmV0"]}' EINVAL "'userdata'.*secret"
refused "$dir" '{"name":"x","cpuNum":1}' EBUSY "'state'"
refused "volumes/$one" '{"size":"1M"}' EINVAL "shrink"
refused "volumes/$one" '{"state":"Running"}' EINVAL "Enabled or Disabled"
refused "disk-offerings/$disk" '{"diskSize":"11M"}' EPERM "cannot be changed"
refused "affinity-groups/$group" '{"vms":["'$nobody'"]}' ENOENT "VM '$nobody'"
head -c 70000 /dev/zero | tr '\0' ' ' | sed 's/$/{}/' >long
cp long "$MOUNT/$dir/.long"
assert_fails "File too large" mv "$MOUNT/$dir/.long" "$MOUNT/$dir/spec"
rm "$MOUNT/$dir/.long"
assert_eq "$(value "$dir/name")" web01

step "also while another job is running"
for text in '{"colour":"red"}' '{"name":"x","cpuNum":true}' '{"volumes":["'$nobody'"]}'; do
	echo reboot >"$MOUNT/$dir/actions"
	assert_match "$(write_errno "$dir/spec" "$text")" "EINVAL|ENOENT"
	sync "$MOUNT/$dir/actions"
done
assert_eq "$(value "$dir/name")" web01

step "documents written while a job runs wait for it, and apply in the order of writing"
cat "$MOUNT/$dir/spec" >before
for name in first second first; do
	printf '{"name":"%s","state":"Running"}' "$name" >"$MOUNT/$dir/spec"
	assert_eq "$(value "$dir/spec")" "{\"name\":\"$name\",\"state\":\"Running\"}"
done
echo "stop type=cold" >"$MOUNT/$dir/actions"
printf '{"name":"first","state":"Running"}' >"$MOUNT/$dir/spec"
sync "$MOUNT/$dir/spec"
assert_eq "$(value "$dir/name") $(value "$dir/state")" "first Running"
cp before "$MOUNT/$dir/spec"
sync "$MOUNT/$dir/spec"

step "a failing step ends the job, which names it; earlier steps are not undone"
act "$dir" "stop type=cold"
job=$(submit "$dir/spec" '{"name":"huge","memorySize":"900G","state":"Running"}')
(job_wait "$job" 2>/dev/null) && fail "a VM of 900 GiB was started"
assert_match "$(jq -r .details "$MOUNT/api-jobs/$job/error")" "^step 3 of 3, 'StartVmInstance': "
assert_eq "$(steps "$job")" "UpdateVmInstance Done,UpdateVmInstance Done,StartVmInstance Failed"
assert_eq "$(jq -r '.name, .state' "$MOUNT/$dir/spec" | paste -sd' ')" "huge Stopped"
apply "$dir" '{"name":"web01","memorySize":"128M","state":"Running"}'

step "also as a verb, and as a dry run"
act "$dir" "{\"applyVmInstanceSpec\": {\"spec\": \"{\\\"name\\\": \\\"verb\\\"}\"}}"
assert_eq "$(value "$dir/name") $(value "$dir/spec")" 'verb {"name": "verb"}'
silent assert_eq "$(write_errno "$dir/actions" '{"applyVmInstanceSpec":{"spec":"{\"name\":\"dry\"}"},"systemTags":["validationOnly"]}')" OK
assert_eq "$(request "$dir/actions" '{"applyVmInstanceSpec":{"spec":"{\"name\":\"dry\",\"userTags\":[\"a\"],\"cpuNum\":1,\"state\":\"Running\"}"},"systemTags":["validationOnly"]}' |
	jq -r '.steps[].operation' | paste -sd' ')" "UpdateVmInstance StopVmInstance UpdateVmInstance DeleteTag CreateUserTag StartVmInstance"
silent assert_refused "$dir/actions" '{"applyVmInstanceSpec":{"spec":"{\"x\":1}"},"systemTags":["validationOnly"]}' EINVAL "no member 'x'"
assert_eq "$(value "$dir/name")" verb

step "a step that ends the daemon each time is tried eleven times, and fails then"
before=$(jq -c '[.name, .cpuNum, .memorySize]' "$MOUNT/$dir/inventory")
die_at_point spec-step-written "$dir/spec" '{"cpuNum": 2, "memorySize": "256M", "state": "Running"}'
for ((i = 1; i <= 10; i++)); do
	(POOLFS_TEST_KILL_AT=spec-step-written mount_pool) 2>/dev/null || true # it may end before the mount is ready
	(wait_until 60 is_pool_gone) 2>/dev/null || fail "the step was not done again after $i ends"
	umount -l "$MOUNT" 2>/dev/null || true
done
mount_pool
job=$(killed_job)
(job_wait "$job" 2>/dev/null) && fail "the step succeeded"
assert_match "$(jq -r .details "$MOUNT/api-jobs/$job/error")" "^the daemon ended too often while '$vm' was being changed"
assert_eq "$(steps "$job" | grep -o Interrupted | wc -l)" 11 "the number of steps that were interrupted"
assert_eq "$(jq -c '[.name, .cpuNum, .memorySize]' "$MOUNT/$dir/inventory")" "$before"
apply "$dir" '{"cpuNum": 2, "memorySize": "256M", "state": "Running"}'

step "the document is removed with its object"
act "volumes/$one" delete
act "volumes/$one" expunge
act "$dir" destroy
assert_refused "$dir/spec" '{"name":"x"}' EBUSY "Destroyed"
