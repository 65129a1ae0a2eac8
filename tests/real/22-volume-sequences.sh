#!/bin/bash
# Random sequences of volume operations: after each step the data are those of a model, also when the daemon is killed.
#
# $POOLFS_SEQUENCES of $POOLFS_STEPS each (25 of 30, in the suite `long` 500), as many at
# a time as there are VMs, and $POOLFS_CRASHED (4, in the suite `long` 200) while the daemon is killed every few
# seconds; a part of them on a folder that hosts share. $POOLFS_SEED repeats a run without kills, or one sequence by its
# own seed.
# limit: 900
# long: 7200
. "$(dirname "$0")/../tree/lib.sh"
. "$TOP/tests/real/sequences.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
holders 6
local=$(first primary-storage)
mkdir "$CASE_DIR/shared"
shared=$(create primary-storage/smp "$(jq -nc --arg zone "$(first zones)" --arg url "$CASE_DIR/shared" '{params: {name: "shared", zoneUuid: $zone, url: $url}}')")
act "primary-storage/$shared" attach-to-cluster "clusterUuid=$(first clusters)"
seed=${POOLFS_SEED:-$RANDOM}
count=${POOLFS_SEQUENCES:-$(number 25 500)}
crashed=${POOLFS_CRASHED:-$(number 4 200)}

step "seed $seed"
sequences "$seed" $((count - count / 4)) "$local"
sequences $((seed + count)) $((count / 4)) "$shared"
assert_eq "$(on_host list --all --name | grep -c poolfs-merge || true)" 0 "domains left from merging"

step "while the daemon is killed"
crashed_sequences "$seed" $((crashed - crashed / 4)) "$local"
crashed_sequences $((seed + count)) $((crashed / 4)) "$shared"
assert_eq "$(on_host list --all --name | grep -c poolfs-merge || true)" 0 "domains left from merging"
