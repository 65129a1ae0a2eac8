#!/bin/bash
# Random sequences of volume operations read as a model says, after each step.
#
# $POOLFS_SEQUENCES of $POOLFS_STEPS each (20 of 30); $POOLFS_SEED repeats a run.
# limit: 3600
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":33554432}}')
truncate -s 1M "$CASE_DIR/nothing.raw"
create_vm holder "$(add_image "$CASE_DIR/nothing.raw" raw nothing)" '{"instanceOfferingUuid":"'"$small"'","strategy":"CreateStopped"}' >/dev/null
seed=${POOLFS_SEED:-$RANDOM}
step "seed $seed"
"$TOP/tests/real/volume-sequences" "$MOUNT" "${POOLFS_SEQUENCES:-20}" "${POOLFS_STEPS:-30}" "$seed"
assert_eq "$(on_host list --all --name | grep -c poolfs-merge || true)" 0 "domains left from merging"
