#!/bin/bash
# A host that is stopped, killed, late or cut off in the middle of each kind of job: a sentence or success, and soon
# after its return all is right; nobody else waits for it.
# limit: 240
# long: 7200
. "$(dirname "$0")/../tree/lib.sh"

count=$(number 2 10)
"$LAB/fabric" up "$count"
"$LAB/fabric" join
for ((i = 1; i <= count; i++)); do
	NETNS=poolhost$i LISTEN=10.99.0.$i TCP=1 host up "h$i" >/dev/null
	virsh -q -c "$(host uri "h$i")" capabilities >/dev/null # which takes its time once
done
URI=qemu+tcp://10.99.0.1/system
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 30
cluster=$(first clusters)
mkdir shared
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$cluster"
echo h1 >"$MOUNT/hosts/$(first hosts)/name"
for ((i = 2; i <= count; i++)); do
	add_host "h$i" "qemu+tcp://10.99.0.$i/system" "$cluster" >/dev/null
done
for setting in vm/deletionPolicy volume/deletionPolicy; do
	echo Direct >"$MOUNT/global-configurations/$setting/value"
done
# Guests without a system stay in their BIOS: they start and die quickly.
truncate -s 1M bios.raw
image=$(add_image "$PWD/bios.raw" raw bios)
faults=(killed=0.5 'stopped=6/create,snapshot' silent=10/start)
! is_long || faults=(killed=0.5 stopped=3 stopped=12 unplugged=12 silent=12 stopped=60 unplugged=60 silent=60 stopped=600/snapshot)
seed=${POOLFS_SEED:-$RANDOM}
step "faults of one of $count hosts, seed $seed"
"$TOP/tests/faults/hosts" "$MOUNT" "$LAB" "$CASE_DIR/shared" "$image" "$shared" "$seed" "$(number 1 108)" "${faults[@]}"
