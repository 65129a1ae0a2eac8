#!/bin/bash
# One document changes a real guest, its NICs, disks, size and state; a daemon that is killed in the middle
# completes it too.
# limit: 900
# long: 1800
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
echo true >"$MOUNT/global-configurations/vm/numa/value"
sync "$MOUNT/global-configurations/vm/numa/value"
small=$(create instance-offerings '{"params":{"name":"small","cpuNum":1,"memorySize":268435456}}')
disk=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create_vm before "$image" '{"instanceOfferingUuid":"'"$small"'"}')
dir=vm-instances/$vm
l3=$(first l3-networks)
red=$(create l3-networks "$(jq -nc --arg l2 "$(value "l3-networks/$l3/l2NetworkUuid")" \
	'{params: {name: "red", type: "L3BasicNetwork", l2NetworkUuid: $l2}}')")
act "l3-networks/$red" '{"addIpRange":{"name":"r","startIp":"10.77.1.10","endIp":"10.77.1.20","netmask":"255.255.255.0","gateway":"10.77.1.1"}}'
one=$(create volumes "$(jq -nc --arg offering "$disk" --arg ps "$(first primary-storage)" '{name: "one", diskOfferingUuid: $offering, primaryStorageUuid: $ps}')")
two=$(create volumes "$(jq -nc --arg offering "$disk" '{name: "two", diskOfferingUuid: $offering}')")
wait_serial "$vm" "TINY ready" 120
wait_until 20 agent_ping "$vm"

# spec NAME JSON: writes a document with that name into NAME.json; JSON is merged into it.
spec() {
	jq -n --arg name "$1" --arg l3 "$l3" --argjson more "$2" \
		'{name: $name, nics: [{l3NetworkUuid: $l3}], volumes: [], state: "Running"} + $more' >"$1.json"
}

steps() {
	value "api-jobs/$1/result" | jq -r '.steps[] | .operation + " " + .state' | paste -sd,
}

# put NAME: writes NAME.json and waits; $job is its job.
put() {
	job=$(submit "$dir/spec" "$(cat "$1.json")")
	job_wait "$job" 120
	cmp "$1.json" "$MOUNT/$dir/spec"
}

# The guest as libvirt sees it: CPUs, KiB of memory, NICs, disks besides the root.
domain() {
	local nics disks
	nics=$(on_host domiflist "$vm" | grep -c .)
	disks=$(on_host domblklist "$vm" --details | grep -c ' disk ')
	echo "$(on_host vcpucount "$vm" --live --current) $(virsh -q -c "$URI" dumpxml "$vm" | xmllint --xpath 'string(/domain/memory)' -) $nics $((disks - 1))"
}

step "live: a name, more memory and CPUs, a NIC with a fixed address, two disks"
spec web "$(jq -nc --arg l3 "$l3" --arg red "$red" --arg one "$one" --arg two "$two" \
	'{cpuNum: 2, memorySize: "384M", volumes: [$one, $two], nics: [{l3NetworkUuid: $l3}, {l3NetworkUuid: $red, ip: "10.77.1.15"}]}')"
put web
assert_eq "$(steps "$job")" "UpdateVmInstance Done,UpdateVmInstance Done,AttachL3NetworkToVm Done,AttachDataVolumeToVm Done,AttachDataVolumeToVm Done"
assert_eq "$(domain)" "2 393216 2 2"
assert_eq "$(serial_count "$vm" "TINY ready")" 1 "starts of the guest"
wait_serial "$vm" "NET eth1 10.77.1.15/" 30
before=$(tail -n 1 "$MOUNT/events" | jq .sequence)
cp web.json "$MOUNT/$dir/spec"
assert_eq "$(cat "$MOUNT/events?since=$before")" "" "events of the same bytes"

step "a smaller size needs a restart of the guest, which happens by itself"
spec less '{"cpuNum": 1, "memorySize": "256M"}'
put less
assert_eq "$(steps "$job")" "UpdateVmInstance Done,StopVmInstance Done,UpdateVmInstance Done,DetachL3NetworkFromVm Done,DetachDataVolumeFromVm Done,DetachDataVolumeFromVm Done,StartVmInstance Done"
assert_eq "$(domain)" "1 262144 1 0"
wait_serial "$vm" "TINY ready" 120 2
wait_until 20 agent_ping "$vm"

step "a guest that powers itself off is shown, and the same document starts it again"
on_host destroy "$vm"
wait_for "$dir/state" Stopped 15
assert_eq "$(jq -r .state "$MOUNT/$dir/spec")" Stopped
put less
assert_eq "$(steps "$job")" "StartVmInstance Done"
wait_serial "$vm" "TINY ready" 120 3
wait_until 20 agent_ping "$vm"

# killed_at POINT NAME: the daemon dies at the point while it carries out NAME.json, comes back, and completes it.
killed_at() {
	step "killed at $1: $2"
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	uuids api-jobs >before
	(cp "$2.json" "$MOUNT/$dir/spec") 2>/dev/null || true
	wait_until 60 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	job=$(uuids api-jobs | comm -13 before -)
	job_wait "$job" 120
	echo "   $(steps "$job")"
	cmp "$2.json" "$MOUNT/$dir/spec"
	assert_eq "$(value "$dir/name") $(value "$dir/state")" "$2 Running"
	wait_until 120 agent_ping "$vm" # only a booted guest releases devices
}

spec grown "$(jq -nc --arg l3 "$l3" --arg red "$red" --arg one "$one" \
	'{cpuNum: 2, memorySize: "384M", volumes: [$one], nics: [{l3NetworkUuid: $l3}, {l3NetworkUuid: $red}]}')"
spec shrunk "$(jq -nc --arg two "$two" '{cpuNum: 1, memorySize: "256M", volumes: [$two]}')"
killed_at spec-step-written grown
assert_eq "$(domain)" "2 393216 2 1"
killed_at spec-step-done shrunk
assert_eq "$(domain)" "1 262144 1 1"
if is_long; then # these two points belong to the steps, and 14-vm-killed and 21-killed-volume-jobs have them
	killed_at nic-written grown
	assert_eq "$(domain)" "2 393216 2 1"
	killed_at attach-claimed web
	assert_eq "$(domain)" "2 393216 2 2"
fi

step "unmounted in the middle, the job continues after the next mount"
uuids api-jobs >before
last=$(number grown shrunk) # other than what is
cp "$last.json" "$MOUNT/$dir/spec"
remount_pool
job=$(uuids api-jobs | comm -13 before -)
job_wait "$job" 120
cmp "$last.json" "$MOUNT/$dir/spec"
assert_eq "$(value "$dir/state") $(domain)" "Running $(number "2 393216 2 1" "1 262144 1 1")"
is_long || exit 0
wait_until 120 agent_ping "$vm"

step "killed at any moment"
for i in 1 2; do
	name=$([ $((i % 2)) = 1 ] && echo grown || echo shrunk)
	uuids api-jobs >before
	(cp "$name.json" "$MOUNT/$dir/spec") || fail "the spec was not taken"
	sleep "0.$((i * 3))"
	for pid in $(pool_pids); do
		kill -KILL "$pid"
	done
	wait_until 20 is_pool_gone
	umount -l "$MOUNT"
	mount_pool
	job=$(uuids api-jobs | comm -13 before -)
	(wait_until 120 is_finished "$job") || fail "the job is '$(value "api-jobs/$job/state")'"
	echo "   $(value "api-jobs/$job/state"): $(steps "$job") $(value "api-jobs/$job/error")"
	[ "$(value "api-jobs/$job/state")" = Done ] || put "$name"
	cmp "$name.json" "$MOUNT/$dir/spec"
	assert_eq "$(domain | cut -d ' ' -f 1,3)" "$([ $((i % 2)) = 1 ] && echo "2 2" || echo "1 1")"
	wait_until 120 agent_ping "$vm"
done
