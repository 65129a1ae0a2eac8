#!/bin/bash
# Clones: disks, addresses, tags, several names, failures one by one, kills in the middle.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
storage=$(first primary-storage)
l3=$(first l3-networks)

# clone VM ARGUMENTS: submits, waits, prints the result.
clone() {
	local vm=$1 job
	shift
	job=$(submit "vm-instances/$vm/actions" "$*")
	job_wait "$job" || fail "'$*' failed"
	value "api-jobs/$job/result"
}

# request_clone NAMES [JSON]: the body of a clone request.
clone_json() {
	jq -nc --argjson names "$1" --argjson more "${2:-"{}"}" '{cloneVmInstance: ({names: $names} + $more)}'
}

# tags UUID: its system tags, sorted, in one line.
tags() {
	value system-tags/inventories | jq -r --arg uuid "$1" '.inventories[] | select(.resourceUuid == $uuid).tag' | sort | paste -sd ' '
}

# of VM FILTER: a value from its inventory.
of() {
	value "vm-instances/$1/inventory" | jq -r "$2"
}

path_of() {
	value "volumes/$1/installPath"
}

step "a source with tags, a fixed address, a data volume"
offering=$(first disk-offerings)
vm=$(create vm-instances "$(vm_json web "$image" | jq -c --arg l3 "$l3" --arg ip "$(value "l3-networks/$l3/ip-free?limit=1" | jq -r '.inventories[0].ip')" \
	'. + {systemTags: ["hostname::web-1", "staticIp::\($l3)::\($ip)", "consolePassword::secret", "usbRedirect::true"]}')")
dir=vm-instances/$vm
data=$(create volumes "$(jq -nc --arg offering "$offering" '{params: {name: "data", diskOfferingUuid: $offering}}')")
act "volumes/$data" attach "vmInstanceUuid=$vm"
act "$dir" stop type=cold

step "what is refused"
assert_refused "$dir/actions" '{"cloneVmInstance":{"names":[]}}' EINVAL
assert_refused "$dir/actions" '{"cloneVmInstance":{"names":[""]}}' EINVAL 'names'
assert_refused "$dir/actions" '{"cloneVmInstance":{"names":["x"],"strategy":"Fast"}}' EINVAL
assert_refused "$dir/actions" "$(clone_json "$(jq -nc '[range(101) | "n\(.)"]')")" EINVAL '100 clones'
created=$(create_vm later "$image" '{"strategy":"JustCreate"}')
assert_refused "vm-instances/$created/actions" "clone names=x" EBUSY 'allowed states are \[Running, Stopped, Paused\]'

step "clones of a stopped VM, several at once"
result=$(clone "$vm" "$(clone_json '["a","b"]')")
assert_eq "$(jq -c '[.result.numberOfClonedVm, (.result.inventories | length)]' <<<"$result")" "[2,2]"
assert_eq "$(jq -r '[.result.inventories[].inventory.name] | join(" ")' <<<"$result")" "a b"
a=$(jq -r '.result.inventories[0].inventory.uuid' <<<"$result")
b=$(jq -r '.result.inventories[1].inventory.uuid' <<<"$result")
assert_eq "$(value "vm-instances/$a/state") $(value "vm-instances/$b/state") $(value "$dir/state")" "Running Running Stopped"
assert_eq "$(printf '%s\n' "$(of "$a" '.vmNics[0].mac')" "$(of "$b" '.vmNics[0].mac')" "$(of "$vm" '.vmNics[0].mac')" | sort -u | wc -l)" 3 "different MACs"
assert_eq "$(printf '%s\n' "$(of "$a" '.vmNics[0].ip')" "$(of "$b" '.vmNics[0].ip')" "$(of "$vm" '.vmNics[0].ip')" | sort -u | wc -l)" 3 "different addresses"
for field in cpuNum memorySize imageUuid instanceOfferingUuid platform zoneUuid defaultL3NetworkUuid; do
	assert_eq "$(value "vm-instances/$a/$field")" "$(value "$dir/$field")" "the clone's $field"
done
assert_eq "$(of "$a" '.allVolumes | length')" 1 "volumes of a clone that is not full"
root=$(value "vm-instances/$a/rootVolumeUuid")
assert_eq "$(value "volumes/$root/status") $(value "volumes/$root/type") $(value "volumes/$root/size")" "Ready Root 1048576"
assert_eq "$(qemu-img info -U --output json "$(path_of "$root")" | jq -r '."backing-filename"')" null "what is below the copy"
assert_eq "$(value "volumes/$root/rootImageUuid")" "$image"

step "tags are cloned, except those for one VM only"
assert_eq "$(tags "$a")" "$(tags "$vm" | tr ' ' '\n' | grep -vE 'hostname|staticIp' | paste -sd ' ')"
assert_match "$(tags "$a")" usbRedirect::true

step "clones of a running and of a paused VM"
act "$dir" start
result=$(clone "$vm" "$(clone_json '["c","d"]')")
assert_eq "$(jq -c .result.numberOfClonedVm <<<"$result")" 2
assert_eq "$(value "$dir/state")" Running
act "$dir" pause
result=$(clone "$vm" "$(clone_json '["e"]')")
assert_eq "$(jq -r '.result.inventories[0].inventory.state' <<<"$result") $(value "$dir/state")" "Running Paused"
act "$dir" resume

step "full: data volumes too"
result=$(clone "$vm" "$(clone_json '["full"]' '{"full":true}')")
full=$(jq -r '.result.inventories[0].inventory.uuid' <<<"$result")
assert_eq "$(of "$full" '[.allVolumes[] | .type + " " + .status] | sort | join(", ")')" "Data Ready, Root Ready"
copy=$(of "$full" '.allVolumes[] | select(.type == "Data").uuid')
[ "$copy" != "$data" ] || fail "the clone has the same volume"
assert_eq "$(value "volumes/$copy/deviceId") $(value "volumes/$copy/size")" "$(value "volumes/$data/deviceId") $(value "volumes/$data/size")"
available=$(value "primary-storage/$storage/availableCapacity")
reserved=global-configurations/primaryStorage/reservedCapacity/value
old=$(value "$reserved")
echo $((available - 1000000)) >"$MOUNT/$reserved"
sync "$MOUNT/$reserved"
assert_refused "$dir/actions" "$(clone_json '["x"]' '{"full":true}')" ENOSPC "not enough capacity for full vm clone to vm\[uuid: $vm\].*current available capacity is 1000000 bytes"
echo "$old" >"$MOUNT/$reserved"
sync "$MOUNT/$reserved"

step "JustCreate: disks but no running VM, which then starts with them"
result=$(clone "$vm" "$(clone_json '["f","g"]' '{"strategy":"JustCreate"}')")
f=$(jq -r '.result.inventories[0].inventory.uuid' <<<"$result")
g=$(jq -r '.result.inventories[1].inventory.uuid' <<<"$result")
assert_eq "$(value "vm-instances/$f/state") $(value "vm-instances/$f/hostUuid")" "Created "
root=$(value "vm-instances/$f/rootVolumeUuid")
act "vm-instances/$f" start
assert_eq "$(value "vm-instances/$f/state") $(value "vm-instances/$f/rootVolumeUuid")" "Running $root"
act "vm-instances/$g" destroy
[ ! -e "$MOUNT/vm-instances/$g" ] || fail "the destroyed clone is still there"

step "one clone fails, the other does not"
wire=$(create l2-networks/no-vlan "$(jq -nc --arg zone "$(first zones)" '{params: {name: "w", zoneUuid: $zone, physicalInterface: "virbr-w"}}')")
act "l2-networks/$wire" attach-to-cluster "clusterUuid=$(first clusters)"
small=$(create l3-networks "$(jq -nc --arg l2 "$wire" '{params: {name: "small", l2NetworkUuid: $l2}}')")
act "l3-networks/$small" add-ip-range name=r startIp=10.88.0.10 endIp=10.88.0.11 netmask=255.255.255.0 gateway=10.88.0.1
lone=$(create vm-instances "$(vm_json lone "$image" '{"l3NetworkUuids":["'"$small"'"]}')")
before=$(uuids vm-instances | wc -l)
result=$(clone "$lone" "$(clone_json '["h","i"]')")
assert_eq "$(jq -r '[.result.numberOfClonedVm, .result.inventories[0].inventory.name, .result.inventories[1].error.code] | join(" ")' <<<"$result")" "1 h L3.1000"
assert_eq "$(uuids vm-instances | wc -l)" $((before + 1))

# killed_at POINT: the daemon dies there while it makes two clones; prints the job.
killed_at() {
	local job
	job=$(tr -d - </proc/sys/kernel/random/uuid)
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	clone_json '["k1","k2"]' | jq -c --arg job "$job" '. + {jobUuid: $job}' >"$MOUNT/$dir/actions" || true
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	wait_until 60 is_finished "$job"
	echo "$job"
}

# outcome JOB
outcome() {
	value "api-jobs/$1/result" | jq -c '[.result.numberOfClonedVm] + [.result.inventories[] | if .error then "error" else "whole" end]'
}

step "killed in the middle: incomplete clones are removed, and made anew, with the same uuids; complete ones stay"
act "$dir" stop type=cold
for point in clone-laid-out clone-copied; do
	before=$(uuids vm-instances | wc -l)
	volumes=$(uuids volumes | wc -l)
	job=$(killed_at $point)
	assert_eq "$(value "api-jobs/$job/state") $(begun_anew "$job") $(outcome "$job")" 'Done 1 [2,"whole","whole"]' "after a kill at $point"
	assert_eq "$(uuids vm-instances | wc -l) $(uuids volumes | wc -l)" "$((before + 2)) $((volumes + 2))" "what is there after a kill at $point"
	for uuid in $(value "api-jobs/$job/result" | jq -r '.result.inventories[].inventory.uuid'); do
		assert_eq "$(value "vm-instances/$uuid/state")" Running
		assert_eq "$(of "$uuid" '[.allVolumes[].status] | join(" ")')" Ready
		qemu-img compare -q "$(path_of "$(value "vm-instances/$uuid/rootVolumeUuid")")" "$(path_of "$(value "$dir/rootVolumeUuid")")" || fail "the disk differs"
		act "vm-instances/$uuid" destroy
	done
done

step "one that is complete is not made once more"
before=$(uuids vm-instances | wc -l)
job=$(killed_at clone-one-done)
assert_eq "$(value "api-jobs/$job/state") $(outcome "$job")" 'Done [2,"whole","whole"]'
assert_eq "$(uuids vm-instances | wc -l)" $((before + 2))
no_files_of_nobody() {
	[ "$(sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM loose_file")" = 0 ]
}
wait_until 20 no_files_of_nobody

step "after too many kills a clone that is complete is named all the same"
before=$(uuids vm-instances | wc -l)
die_at_point clone-one-done "$dir/actions" "$(clone_json '["l1","l2"]')"
for _ in {1..10}; do
	(POOLFS_TEST_KILL_AT=clone-copied mount_pool)
	(wait_until 20 is_pool_gone) || fail "the job did not begin anew"
	umount -l "$MOUNT"
done
mount_pool
killed=$(killed_job)
wait_until 60 is_finished "$killed"
assert_eq "$(value "api-jobs/$killed/state") $(begun_anew "$killed") $(outcome "$killed")" 'Done 10 [1,"whole","error"]'
assert_match "$(value "api-jobs/$killed/result" | jq -r '.result.inventories[1].error.details')" '1 of 2 clones are missing'
assert_eq "$(uuids vm-instances | wc -l)" $((before + 1))
wait_until 20 no_files_of_nobody
