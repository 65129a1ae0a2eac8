#!/bin/bash
# Random sequences of volume operations on Ceph: after each step the data are those of a model, also when the daemon is
# killed.
#
# As 22-volume-sequences: $POOLFS_CEPH_SEQUENCES of $POOLFS_STEPS each (2 of 30, in the suite `long` 12), and
# $POOLFS_CEPH_CRASHED (1, in the suite `long` 12) while the daemon is killed.
# limit: 900
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"
. "$TOP/tests/real/sequences.sh"

url=$("$LAB/ceph" up "$CASE_DIR/ceph" vms)
host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
ceph=$(create primary-storage/ceph "$(jq -nc --arg zone "$(first zones)" --arg url "$url" '{params: {name: "ceph", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$ceph" attach-to-cluster "clusterUuid=$(first clusters)"
holders 3 '{"primaryStorageUuidForRootVolume":"'"$ceph"'"}'
# What could not be removed because something depended on it is removed in a later round of the timer.
echo 1 >"$MOUNT/global-configurations/volume/expungeInterval/value"
seed=${POOLFS_SEED:-$RANDOM}
step "seed $seed"
sequences "$seed" "${POOLFS_CEPH_SEQUENCES:-$(number 2 12)}" "$ceph" "$LAB/ceph" rbd "$CASE_DIR/ceph"

step "while the daemon is killed"
crashed_sequences "$seed" "${POOLFS_CEPH_CRASHED:-$(number 1 12)}" "$ceph" "$LAB/ceph" rbd "$CASE_DIR/ceph"
