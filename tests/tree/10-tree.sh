#!/bin/bash
# The tree is as its README says; forbidden operations on it fail.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
zone=zones/$(first zones)

step "README names every path of an object"
# described HEADING|...: the names below these headings of README, without what is below directories.
described() {
	awk -v headings="$*" 'BEGIN { n = split(headings, list, "|"); for (i = 1; i <= n; i++) wanted[list[i]] = 1 }
		/^[A-Z][A-Z ]*$/ || /^[a-z0-9-]+(\/[a-z0-9-]+)*\/$/ { on = $0 in wanted; next }
		on && NF { sub(/\/$/, "", $1); print $1 }' "$MOUNT/README"
}
for kind in zones hosts primary-storage l3-networks; do
	described "IN EVERY OBJECT|$kind/" >names
	for path in "$MOUNT/$kind/$(first $kind)"/*; do
		grep -qxF "${path##*/}" names || fail "README does not name '${path##*/}' of '$kind'"
	done
done
described "THE ROOT" | sed 's|^/||' >names
for path in "$MOUNT"/*; do
	grep -qxF "${path##*/}" names || grep -qE "^${path##*/}/([a-z0-9-]+/)?$" "$MOUNT/README" ||
		fail "README does not name '${path##*/}'"
done

step "README names every verb with its parameters, once"
grep -qE '^ +set-static-ip l3NetworkUuid=UUID ip=TEXT' "$MOUNT/README" || fail "README does not tell how to set an address"
for kind in vm-instances volumes images hosts; do
	described "$kind/" >names
	name=$(jq -r --arg d $kind '.kinds[] | select(.directory == $d) | .name' "$MOUNT/operations.json")
	jq -r --arg kind "$name" '.operations[] | select(.kind == $kind and .verb) | .verb' "$MOUNT/operations.json" >verbs
	[ -s verbs ] || fail "operations.json has no verbs of '$kind'"
	while read -r verb; do
		assert_eq "$(grep -cxF "$verb" names)" 1 "how often README names the verb '$verb' of '$kind'"
	done <verbs
done
assert_eq "$(grep -c '^by-name/ ' "$MOUNT/README")" 1 "how often README explains by-name"

step "the modes in README are right"
while read -r path mode _; do
	[[ $path == *\<* || ! $mode =~ ^[0-9]{4}$ ]] || assert_eq "0$(stat -c %a "$MOUNT$path")" "$mode" "the mode of '$path'"
done < <(grep '^/' "$MOUNT/README")

step "a Get file takes parameters in its name"
assert_match "$(value "hosts/capacities/cpu-memory?all=true" | jq -r .totalMemory)" '^[0-9]+$' "the memory of all hosts"
assert_fails "Invalid argument" cat "$MOUNT/hosts/capacities/cpu-memory?nothing=1"
assert_match "$(value last-error)" "nothing" "last-error"
assert_fails "No such file" cat "$MOUNT/$zone/name?x=1"

step "attributes may be set to their current value only"
chmod 644 "$MOUNT/$zone/name"
chown 0:0 "$MOUNT/$zone/name"
touch "$MOUNT/$zone/name"
assert_fails "not permitted" chmod 600 "$MOUNT/$zone/name"
assert_fails "not permitted" chown 1 "$MOUNT/$zone/name"
assert_eq "$("$TOP/tests/tree/fileop" truncate "$MOUNT/$zone/name" 0)" OK "truncating what can be written"
assert_eq "$("$TOP/tests/tree/fileop" truncate "$MOUNT/$zone/state" 0)" EACCES "truncating what can only be read"
assert_fails "not permitted" touch "$MOUNT/new"
assert_fails "not permitted" ln "$MOUNT/README" "$MOUNT/other"
assert_fails "not permitted" mkfifo "$MOUNT/$zone/pipe"
[ -n "$(value "$zone/name")" ] || fail "the zone has lost its name"

step "no fixed directory can be removed"
assert_fails "not empty" rmdir "$MOUNT/$zone"
assert_match "$(value last-error)" "verb" "last-error"
assert_fails "not empty" rmdir "$MOUNT/zones/by-name"

step "the file system has a size: the room that is not promised yet, as far as the disks have it, and inodes"
storage=primary-storage/$(first primary-storage)
usable=$(printf '%s\n' "$(value "$storage/availableCapacity")" "$(value "$storage/availablePhysicalCapacity")" | sort -n | sed -n 1p)
assert_eq "$(df --output=size,avail -B 4096 "$MOUNT" | tail -n 1 | xargs)" \
	"$(($(value "$storage/totalCapacity") / 4096)) $((usable / 4096))" "blocks: total, available"
assert_eq "$(df --output=ipcent "$MOUNT" | tail -n 1 | xargs)" 1% "inodes in use"
[ "$(df --output=iavail "$MOUNT" | tail -n 1)" -gt 1000000 ] || fail "df says that there is no room for objects"
step "a storage's directory, and what is in it, has its own size"
backup=backup-storage/$(first backup-storage)
for file in "$backup" "$backup/name"; do
	assert_eq "$(stat -f -c '%b %a' "$MOUNT/$file")" \
		"$(($(value "$backup/totalCapacity") / 4096)) $(($(value "$backup/availableCapacity") / 4096))" "$file: total, available"
done
assert_eq "$(stat -f -c '%b %a' "$MOUNT/$storage/state")" "$(stat -f -c '%b %a' "$MOUNT")" "the only primary storage and the pool"

step "secrets are for root alone"
offering=instance-offerings/$(first instance-offerings)
create system-tags '{"params":{"resourceType":"InstanceOfferingVO","resourceUuid":"'"${offering#*/}"'","tag":"consolePassword::secret"}}' >/dev/null
tag=$(basename "$MOUNT/$offering"/tags/*)
assert_eq "$(value "$offering/tags/$tag")" "consolePassword::secret" "the tag"
for file in "$offering/tags/$tag" "system-tags/$tag/tag"; do
	assert_match "$(stat -c %a "$MOUNT/$file")" "^[46]00$" "the mode of '$file'"
done
assert_eq "$(value "system-tags/$tag/inventory" | jq -r .tag)" "consolePassword::******"

step "a listing that began before a change shows the state before it"
for i in {1..300}; do echo '{"name":"many","diskSize":1073741824}' >"$MOUNT/disk-offerings/create"; done
sync "$MOUNT/disk-offerings/create"
python3 - "$MOUNT/disk-offerings/by-name" "$MOUNT/disk-offerings/create" <<'PY'
import os
import sys
with os.scandir(sys.argv[1]) as entries:
    seen = [next(entries).name]
    with open(sys.argv[2], "w") as f:
        f.write('{"name":"later","diskSize":1073741824}')
    seen += [e.name for e in entries]
assert "later" not in seen and len(seen) == len(set(seen)) == 301, len(seen)
assert "later" in os.listdir(sys.argv[1])
PY
assert_eq "$(readlink "$MOUNT/disk-offerings/by-name/many~300" | wc -c)" 36 "the length of the link of the 300th"

step "SIGTERM ends waits for jobs too"
touch big.raw && truncate -s 1M big.raw
"$TOP/tests/tree/slow-http" big.raw never >port &
wait_until 10 test -s port
jq -nc --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
	'{params: {name: "big", url: $url, format: "raw", backupStorageUuids: [$bs]}}' >"$MOUNT/images/create"
sync "$MOUNT/images/create" 2>said &
waiting=$!
wait_until 20 waits $waiting
# shellcheck disable=SC2046 # one word a pid
kill -TERM $(pool_pids)
wait $waiting && fail "the interrupted sync succeeded"
wait_until 15 is_pool_gone
