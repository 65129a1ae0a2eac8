#!/bin/bash
# A guest on local storage moves with its disks, where the setting allows it: they are complete on the new
# host, and gone from the old one.
# limit: 600
. "$(dirname "$0")/../tree/lib.sh"

media=$(tiny_guest)
"$LAB/fabric" up 2
first_uri=$(NETNS=poolhost1 LISTEN=10.99.0.1 host up one)
second_uri=$(NETNS=poolhost2 LISTEN=10.99.0.2 host up two)
# the same path, but a different folder on each host
mkdir local local-two
host exec two mount --bind "$CASE_DIR/local-two" "$CASE_DIR/local"
URI=$first_uri
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 20
cluster=$(first clusters)
storage=$(create primary-storage/local-storage "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/local" '{params: {name: "local", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$storage" attach-to-cluster "clusterUuid=$cluster"
two=$(add_host two "$second_uri" "$cluster")
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":134217728}}')
image=$(add_image "$media/tiny.qcow2" qcow2 tiny)
vm=$(create vm-instances "$(vm_json web "$image" '{"instanceOfferingUuid":"'"$small"'","hostUuid":"'"$one"'","primaryStorageUuidForRootVolume":"'"$storage"'"}' |
	jq -c '. + {systemTags: ["userdata::\("#!/bin/sh\n" | @base64)"]}')")
dir=vm-instances/$vm
root=$(value "$dir/rootVolumeUuid")
"$LAB/running-twice" "$CASE_DIR/twice" "$first_uri" "$second_uri" &
watcher=$!

# files FOLDER: the number of files of the root volume there.
files() {
	find "$CASE_DIR/$1" -name "*$root*" | wc -l
}

step "the guest writes; its VM may not be migrated"
wait_serial "$vm" "TINY ready" 90
wait_until 40 agent_ping "$vm"
guest "$vm" 'echo kept >/root/file; sync'
boot=$(guest "$vm" cat /proc/sys/kernel/random/boot_id)
assert_refused "$dir/actions" migrate EBUSY 'liveMigrationWithStorage.allow is false'

step "with the setting, it is migrated with its disk"
setting=global-configurations/localStoragePrimaryStorage/liveMigrationWithStorage.allow/value
echo true >"$MOUNT/$setting"
sync "$MOUNT/$setting"
act "$dir" migrate
assert_eq "$(value "$dir/state") $(value "$dir/hostUuid")" "Running $two"
assert_eq "$(files local) $(files local-two)" "0 1" "its files here and there"
URI=$second_uri
wait_until 40 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /proc/sys/kernel/random/boot_id) $(guest "$vm" cat /root/file)" "$boot kept"
guest "$vm" 'echo later >/root/file; sync'
kill -0 $watcher # it has seen all of it
kill $watcher
assert_eq "$(sort -u "$CASE_DIR/twice")" ok "what ran twice"

step "it starts again where its disk is"
act "$dir" stop
assert_eq "$(qemu-img check "$(find "$CASE_DIR/local-two" -name "*$root*")" 2>&1 | sed -n 1p)" "No errors were found on the image."
act "$dir" start
assert_eq "$(value "$dir/hostUuid")" "$two"
wait_until 90 agent_ping "$vm"
assert_eq "$(guest "$vm" cat /root/file)" later
act "$dir" destroy
act "$dir" expunge
assert_eq "$(files local) $(files local-two)" "0 0" "its files after the end"
"$LAB/fabric" down
