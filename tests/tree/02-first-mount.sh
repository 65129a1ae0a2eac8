#!/bin/bash
# The first mount on an empty state folder makes a usable pool, which can be changed and survives a restart.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
step "there is one object of each kind"
for kind in zones clusters hosts primary-storage backup-storage l2-networks l3-networks instance-offerings disk-offerings accounts; do
	assert_eq "$(uuids $kind | wc -l)" 1 "the number of $kind"
	assert_match "$(value "$kind/$(first $kind)/name")" . "the name of the first of $kind"
done
for kind in vm-instances volumes images; do
	assert_eq "$(uuids $kind | wc -l)" 0 "the number of $kind"
done
zone=$(first zones)
cluster=$(first clusters)
host=$(first hosts)
l3=$(first l3-networks)
assert_eq "$(first accounts)" 36c27e8ff05c4780bf6d2fa65700f22e "the uuid of the admin account"
assert_eq "$(value "accounts/$(first accounts)/name")" admin

step "the objects refer to each other"
assert_eq "$(value "clusters/$cluster/zoneUuid")" "$zone"
assert_eq "$(value "hosts/$host/clusterUuid")" "$cluster"
assert_eq "$(value "l3-networks/$l3/l2NetworkUuid")" "$(first l2-networks)"
assert_match "$(value "l3-networks/$l3/inventory" | jq -r '.ipRanges[0].startIp')" '^[0-9.]+$' "the first address"
assert_eq "$(value "primary-storage/$(first primary-storage)/inventory" | jq -r '.attachedClusterUuids[]')" "$cluster"
assert_eq "$(value "backup-storage/$(first backup-storage)/inventory" | jq -r '.attachedZoneUuids[]')" "$zone"

step "everything is ready for use"
wait_for "hosts/$host/status" Connected 10
assert_eq "$(value "hosts/$host/state")" Enabled
wait_for "primary-storage/$(first primary-storage)/status" Connected 10
wait_for "backup-storage/$(first backup-storage)/status" Connected 10

step "the inventories of a folder agree with its objects"
assert_eq "$(value zones/inventories | jq -r '.inventories[].uuid')" "$zone"
assert_eq "$(value zones/inventories | jq -cS '.inventories[0]')" "$(value "zones/$zone/inventory" | jq -cS .)"

step "rename"
echo "north wing" >"$MOUNT/zones/$zone/name"
sync "$MOUNT/zones/$zone/name"
assert_eq "$(value "zones/$zone/name")" "north wing"
assert_eq "$(value "zones/$zone/inventory" | jq -r .name)" "north wing"
assert_eq "$(readlink "$MOUNT/zones/by-name/north wing")" "../$zone"
assert_eq "$(value "zones/by-name/north wing/uuid")" "$zone"
printf 'on the hill' >>"$MOUNT/zones/$zone/description"
sync "$MOUNT/zones/$zone/description"
assert_eq "$(value "zones/$zone/description")" "on the hill"

step "writing the current value does nothing"
before=$(stat -c %y "$MOUNT/zones/$zone/inventory")
echo "north wing" >"$MOUNT/zones/$zone/name"
assert_eq "$(stat -c %y "$MOUNT/zones/$zone/inventory")" "$before" "the time of the last change"

step "names in by-name: escaped, and unique"
two=$(create zones '{"params":{"name":"north wing"}}')
assert_eq "$(readlink "$MOUNT/zones/by-name/north wing~2")" "../$two"
slash=$(create zones '{"name":".a/b"}')
assert_eq "$(readlink "$MOUNT/zones/by-name/%2Ea%2Fb")" "../$slash"

step "add and remove"
offering=$(create instance-offerings '{"params":{"name":"big","cpuNum":4,"memorySize":8589934592}}')
assert_eq "$(value "instance-offerings/$offering/memorySize")" 8589934592
assert_eq "$(value "instance-offerings/$offering/state")" Enabled
disk=$(create disk-offerings '{"params":{"name":"10G","diskSize":10737418240}}')
assert_eq "$(value "disk-offerings/$disk/diskSize")" 10737418240
other=$(create clusters '{"params":{"name":"c2","zoneUuid":"'"$two"'","hypervisorType":"KVM"}}')
assert_eq "$(value "clusters/$other/zoneUuid")" "$two"
act "instance-offerings/$offering" delete
act "disk-offerings/$disk" delete
act "clusters/$other" delete
act "zones/$slash" delete
for gone in "instance-offerings/$offering" "disk-offerings/$disk" "clusters/$other" "zones/$slash"; do
	[ ! -e "$MOUNT/$gone" ] || fail "'$gone' is still there"
done

step "everything survives a restart"
before=$(for kind in zones clusters hosts l3-networks accounts; do uuids $kind; done)
remount_pool
assert_eq "$(for kind in zones clusters hosts l3-networks accounts; do uuids $kind; done)" "$before" "the objects"
assert_eq "$(value "zones/$zone/name")" "north wing"
assert_eq "$(value "zones/$zone/description")" "on the hill"
wait_for "hosts/$host/status" Connected 10

step "by-name of many objects, of several of each name: in the order of creation, each leads to its object"
for ((i = 0; i < 240; i++)); do
	printf '{"name":"%0150d"}\n' $((i % 70)) >"$MOUNT/zones/create"
done
sync "$MOUNT/zones/create"
jq -r '.inventories[] | [.name, .uuid] | @tsv' "$MOUNT/zones/inventories" |
	awk -F'\t' '{ n = ++count[$1]; print $1 (n > 1 ? "~" n : "") "\t../" $2 }' >expected
assert_eq "$(wc -l <expected)" 242 "the number of zones"
find "$MOUNT/zones/by-name" -type l -printf '%f\t%l\n' >listed
diff expected listed || fail "by-name is listed otherwise"
cut -f1 listed | while read -r name; do
	printf '%s\t%s\n' "$name" "$(readlink "$MOUNT/zones/by-name/$name")"
done >found
diff expected found || fail "by-name is found otherwise"
