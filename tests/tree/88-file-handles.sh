#!/bin/bash
# File handles, as NFS servers keep them, mean the same file for as long as it exists, whatever the kernel has
# forgotten and whoever has died; they do not lead to what only a secret name shall lead to.
# limit: 120
. "$(dirname "$0")/../tree/lib.sh"

handles() {
	"$TOP/tests/tree/file-handles" "$@"
}

mount_pool
zone=$(first zones)
image=$(small_image)
vm=$(create_vm handled "$image" '{"strategy":"CreateStopped"}')
nic=$(find "$MOUNT/vm-instances/$vm/nics" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sed -n 1p)
job=$(submit "zones/$zone/actions" "update description=handled")
job_wait "$job"
wait_for "hosts/$(first hosts)/status" Connected 20
mkdir "$MOUNT/zones/$zone/scratch.d"
echo text >"$MOUNT/zones/$zone/scratch.d/file"
category=$(find "$MOUNT/global-configurations" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | grep -v -e by-name -e where | sort | sed -n 1p)
setting=$(find "$MOUNT/global-configurations/$category" -mindepth 1 -maxdepth 1 -type d -printf '%f\n' | sort | sed -n 1p)
condition=$(find "$MOUNT/vm-instances/where" -mindepth 1 -maxdepth 1 -printf '%f\n' | sort | sed -n 1p)
files=(version zones/create "zones/$zone/name" "zones/$zone/inventory" "zones/$zone/actions" "images/$image/data"
	"global-configurations/$category/$setting/value" "zones/$zone/scratch.d/file" "api-jobs/$job/state")
folders=(zones "zones/$zone" "zones/$zone/jobs" "zones/$zone/jobs/$job" "zones/$zone/tags" "zones/$zone/scratch.d"
	zones/by-name zones/where "vm-instances/where/$condition" images/upload "global-configurations/$category"
	"global-configurations/$category/$setting" "vm-instances/$vm/nics" "vm-instances/$vm/nics/$nic"
	sessions sessions/exports hosts/kvm "api-jobs/$job")

step "files and directories are opened again, these under their path"
handles save "$MOUNT" saved "${files[@]}" "${folders[@]}"
handles check "$MOUNT" saved

step "a directory that no listing shows has to be looked up by its name"
handles save "$MOUNT" unlisted "hosts/$(first hosts)/stats"
handles check "$MOUNT" unlisted "hosts/$(first hosts)/stats"

step "all are opened by the next process, and after the end of the mount, but for what ends with that"
kill -KILL "$(worker_pid)"
handles check "$MOUNT" saved
remount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
handles check "$MOUNT" saved "zones/$zone/scratch.d" "zones/$zone/scratch.d/file" "vm-instances/where/$condition"

step "a number that nobody has looked up is a file as well"
new=$(create zones '{"params":{"name":"unseen"}}')
number=$(($(stat -c %i "$MOUNT/zones/$zone/name") + ($(stat -c %i "$MOUNT/zones/$new") - $(stat -c %i "$MOUNT/zones/$zone"))))
handles check "$MOUNT" saved "zones/$zone/scratch.d" "zones/$zone/scratch.d/file" "vm-instances/where/$condition"
assert_eq "$(handles number "$MOUNT" "$number")" unseen

step "a rename changes no handle"
handles save "$MOUNT" renamed "zones/$new" "zones/$new/uuid" "zones/$new/tags"
mv "$MOUNT/zones/by-name/unseen" "$MOUNT/zones/by-name/renamed"
handles check "$MOUNT" renamed
echo text >"$MOUNT/zones/$new/one"
handles save "$MOUNT" scratch "zones/$new/one"
mv "$MOUNT/zones/$new/one" "$MOUNT/zones/$new/two"
handles check "$MOUNT" scratch

step "what is deleted is stale, also for the next process"
rm "$MOUNT/zones/$new/two"
handles check "$MOUNT" scratch "zones/$new/one"
act "zones/$new" delete
handles check "$MOUNT" renamed "zones/$new" "zones/$new/uuid" "zones/$new/tags"
kill -KILL "$(worker_pid)"
handles check "$MOUNT" renamed "zones/$new" "zones/$new/uuid" "zones/$new/tags"

step "sessions and exported images are reached by their names only"
log_in() {
	request sessions/call "$(jq -nc --arg hash "$(printf password | sha512sum | cut -d' ' -f1)" \
		'{operation: "LogInByAccount", params: {accountName: "admin", password: $hash}}')" | sed 1d | jq -r .inventory.uuid
}
export_image() {
	act "images/$1" export
	value "images/$1/exportUrl" | cut -d/ -f5
}
seen=$(log_in)
unseen=$(log_in)
shown=$(export_image "$image")
other=$(add_image "$CASE_DIR/small.raw" raw other)
hidden=$(export_image "$other")
handles hunt "$MOUNT" "$unseen" "$(stat -c %i "$MOUNT/sessions/$seen")"
handles hunt "$MOUNT" "$hidden" "$(stat -c %i "$MOUNT/sessions/exports/$shown")"
handles generation "$MOUNT" "$MOUNT/sessions/$seen/call"
handles generation "$MOUNT" "$MOUNT/sessions/$seen"
handles generation "$MOUNT" "$MOUNT/sessions/exports/$shown"
assert_match "$(request "sessions/$unseen/call" '{"operation":"GetVersion"}')" '^ok'
