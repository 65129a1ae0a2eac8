#!/bin/bash
# Leases on the shared storage say which silent host is dead (examples/fence-sanlock, Debian's sanlock without its
# watchdog): one that is only cut off the network keeps its guest, that of one without power is started elsewhere.
# limit: 400
. "$(dirname "$0")/../tree/lib.sh"
. "$TOP/tests/real/sequences.sh"

setting() {
	echo "$2" >"$MOUNT/global-configurations/${1%%.*}/${1#*.}/value"
}
domains() {
	virsh -q -c "$(host uri "$1")" list --name | paste -sd ' '
}

step "two hosts whose guests hold leases; this machine reads them"
"$LAB/unpack" libvirt-sanlock >/dev/null
"$LAB/fabric" up 2
"$LAB/fabric" join
for n in 1 2; do
	NETNS=poolhost$n LISTEN=10.99.0.$n TCP=1 SANLOCK=$n host up "h$n" >/dev/null
done
"$LAB/sanlock" daemon manager
wait_until 30 "$LAB/sanlock" client add_lockspace -s "__LIBVIRT__DISKS__:100:$HOSTS/leases/__LIBVIRT__DISKS__:0" -o 2
sed 's/10\.0\.0\./10.99.0./' "$TOP/examples/fence-sanlock" >fence-sanlock
cat >fence <<EOF
#!/bin/bash
# The fence command of the examples, with the sanlock of the lab in its path.
echo "\$*" >>$CASE_DIR/fence.calls
PATH=$CASE_DIR:\$PATH exec sh $CASE_DIR/fence-sanlock "\$@"
EOF
ln -s "$LAB/sanlock" sanlock
chmod 755 "$CASE_DIR" fence

URI=qemu+tcp://10.99.0.1/system
mount_pool
one=$(first hosts)
wait_for "hosts/$one/status" Connected 30
cluster=$(first clusters)
mkdir shared
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
two=$(create hosts "$(jq -nc --arg cluster "$cluster" '{params: {name: "two", uri: "qemu+tcp://10.99.0.2/system", clusterUuid: $cluster}}')")
setting host.ping.interval 1
setting host.ping.maxFailure 1
setting ha.neverStopVm.gc.maxRetryIntervalTime 4
act "clusters/$cluster" update "fenceCommand=$CASE_DIR/fence"
holders 1 "$(jq -nc --arg host "$one" --arg storage "$shared" '{hostUuid: $host, primaryStorageUuidForRootVolume: $storage}')"
vm=$(first vm-instances)
dir=vm-instances/$vm
create system-tags "{\"params\":{\"resourceType\":\"VmInstanceVO\",\"resourceUuid\":\"$vm\",\"tag\":\"ha::OnHostFailure\"}}" >/dev/null
act "$dir" start "hostUuid=$one"
assert_eq "$(domains h1)" "$vm"
"$LAB/copies" "$CASE_DIR/twice" h1 h2 &
watcher=$!

step "its network is cut: the lease is renewed, so it lives"
ip -n poolfab link set port1 down
wait_for "$dir/state" Unknown 60
wait_until 60 grep -q 'the lease of host_id 1 was not renewed' "$MOUNT/hosts/$one/fenceReason"
assert_eq "$(value "hosts/$one/fenceStatus")" Failed
assert_eq "$(value "$dir/state") $(domains h1) / $(domains h2)" "Unknown $vm / "
ip -n poolfab link set port1 up
wait_for "$dir/state" Running 60
assert_eq "$(value "$dir/hostUuid")" "$one"

step "its power is cut: when the lease has expired, the guest is started elsewhere"
host down h1
since=$EPOCHSECONDS
wait_for "$dir/hostUuid" "$two" 300
wait_for "$dir/state" Running 60
[ $((EPOCHSECONDS - since)) -ge 76 ] || fail "the lease cannot have expired after $((EPOCHSECONDS - since)) s"
assert_eq "$(value "hosts/$one/fenceStatus")" Off
assert_eq "$(domains h2)" "$vm"
kill $watcher
assert_eq "$(cat "$CASE_DIR/twice")" "" "what ran twice"
