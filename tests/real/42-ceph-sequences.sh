#!/bin/bash
# Random sequences of volume operations on Ceph: after each step the data are those of a model.
#
# As 22-volume-sequences: $POOLFS_CEPH_SEQUENCES of $POOLFS_STEPS each (2 of 30, in the suite `long` 12).
# limit: 900
# long: 1800
. "$(dirname "$0")/../tree/lib.sh"

url=$("$LAB/ceph" up "$CASE_DIR/ceph" vms)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
ceph=$(create primary-storage/ceph "$(jq -nc --arg zone "$(first zones)" --arg url "$url" '{params: {name: "ceph", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$ceph" attach-to-cluster "clusterUuid=$(first clusters)"
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
truncate -s 1M "$CASE_DIR/nothing.raw"
image=$(add_image "$CASE_DIR/nothing.raw" raw nothing)
for n in 1 2 3; do
	create_vm "holder$n" "$image" '{"instanceOfferingUuid":"'"$small"'","strategy":"CreateStopped","primaryStorageUuidForRootVolume":"'"$ceph"'"}' >/dev/null
done
# What could not be removed because something depended on it is removed in a later round of the timer.
echo 1 >"$MOUNT/global-configurations/volume/expungeInterval/value"
seed=${POOLFS_SEED:-$RANDOM}
step "seed $seed"
"$TOP/tests/real/volume-sequences" "$MOUNT" "$URI" "${POOLFS_CEPH_SEQUENCES:-$(number 2 12)}" "${POOLFS_STEPS:-30}" "$seed" \
	"$ceph" "$LAB/ceph" rbd "$CASE_DIR/ceph"
