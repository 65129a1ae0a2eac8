#!/bin/bash
# The secrets of a VM are in files for its owner and nowhere else: not in inventories, jobs, events, errors,
# listings or answers to conditions.
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as another user"
mount_pool -o allow_other
account other 65534 >/dev/null
image=$(small_image)
data=$(base64 <<<'#!/bin/sh # XyzzyUser')
vm=$(create vm-instances "$(vm_json web "$image" | jq -c --arg data "$data" '.systemTags =
	["rootPassword::XyzzyRoot", "userdata::" + $data, "sshkey::ssh-ed25519 XyzzyKey", "hostname::web"]')")
dir=vm-instances/$vm

other() {
	setpriv --reuid 65534 --regid 65534 --clear-groups "$@"
}
secrets() {
	printf '%s\n' Xyzzy "$data"
}

step "secrets are set in every way there is"
act "$dir" set-console-password consolePassword=XyzzyOne
act "$dir" set-console-password consolePassword=XyzzyTwo
act "$dir" '{"setVmSshKey":{"SshKey":"ssh-ed25519 XyzzyKey2"}}'
act "$dir" delete-console-password
job=$(submit system-tags/create '{"params":{"resourceType":"VmInstanceVO","resourceUuid":"'"$vm"'","tag":"consolePassword::Xyzzy3rd"}}')
job_wait "$job"
assert_eq "$(value "api-jobs/$job/request" | jq -r .params.tag)" "consolePassword::******"
tag=$(value "api-jobs/$job/result" | jq -r .inventory.uuid)
job=$(submit "system-tags/$tag/actions" "update tag=consolePassword::XyzzyFor")
job_wait "$job"
assert_eq "$(value "api-jobs/$job/result" | jq -r .inventory.tag)" "consolePassword::******"
assert_eq "$(value "api-jobs/$job/request" | jq -r .params.tag)" "consolePassword::******"
assert_refused system-tags/create '{"params":{"resourceType":"VmInstanceVO","resourceUuid":"'"$vm"'","tag":"consolePassword::XyzzyFor"}}' \
	EEXIST 'Duplicated Tag\[tag:consolePassword::\*\*\*\*\*\*'
act "$dir" set-qga enable=true
act "$dir" change-password account=root password=XyzzyGuest

job=$(submit images/create "$(jq -nc --arg bs "$(first backup-storage)" '{params: {name: "away", format: "raw", backupStorageUuids: [$bs],
	url: "http://me:XyzzyUrl@127.0.0.1:1/x?token=XyzzyToken"}}')")
assert_eq "$(value "api-jobs/$job/request" | jq -r .params.url)" "http://******@127.0.0.1:1/x?token=******"
job_wait "$job" || true

step "they are where they belong"
assert_eq "$(value "$dir/console-passwords" | jq -r .password)" XyzzyFor
assert_eq "$(value "system-tags/$tag/tag") $(stat -c %a "$MOUNT/system-tags/$tag/tag")" "consolePassword::XyzzyFor 600"
assert_eq "$(stat -c %a "$MOUNT/$dir/tags/$tag")" 400
assert_eq "$(value "$dir/ssh-keys" | jq -r .sshKey)" "ssh-ed25519 XyzzyKey2"

step "nobody else finds them, and their owner finds them nowhere else"
other grep -rlF -f <(secrets) "$MOUNT" --exclude=events --exclude-dir=where 2>/dev/null && fail "another user reads a secret"
found=$(grep -rlF -f <(secrets) "$MOUNT" --exclude=events --exclude-dir=where 2>/dev/null | sed "s|$MOUNT/||" |
	grep -vE "^(system-tags|vm-instances)/(by-name/)?[^/]+/(tags/[0-9a-f]{32}|tag|console-passwords|ssh-keys)$" || true)
assert_eq "$found" "" "files with secrets"
lacks -F -f <(secrets) "$MOUNT/events" || fail "a secret is in an event"
lacks -F -f <(secrets) "$CASE_DIR/poolfs.log" || fail "a secret is in the log"
grep -q "$vm" "$MOUNT/events" || fail "the events say nothing at all"

step "inventories say which secrets are set"
assert_eq "$(jq -r '.inventories[].tag' "$MOUNT/system-tags/inventories" | sort | paste -sd' ')" \
	"consolePassword::****** hostname::web qemuga rootPassword::****** sshkey::****** userdata::******"

# vms CONDITION: what a query and a directory of conditions find.
vms() {
	jq -r '.inventories[].name' "$MOUNT/vm-instances?q=$1"
	find "$MOUNT/vm-instances/where/$1" -maxdepth 1 -name web -printf '%f\n'
}

step "conditions cannot guess them, in part or whole"
assert_eq "$(vms '__systemTag__=hostname::web')" $'web\nweb'
assert_eq "$(vms '__systemTag__~=consolePassword%')" $'web\nweb'
for guess in '=consolePassword::XyzzyFor' '~=consolePassword::X%' '?=consolePassword::XyzzyFor,x' '~=%XyzzyKey%' '~=%Xyzzy%'; do
	assert_eq "$(vms "__systemTag__$guess")" "" "VMs that '$guess' finds"
	assert_eq "$(jq '.inventories | length' "$MOUNT/system-tags?q=tag$guess")" 0 "tags that '$guess' finds"
done
assert_eq "$(jq -r '.inventories[].tag' "$MOUNT/system-tags?q=tag>consolePassword::W&q=tag<d")" "" "what is behind 'consolePassword::W'"
find "$MOUNT/system-tags/where" -maxdepth 2 | lacks -F -f <(secrets) || fail "a listing of conditions has a secret"
