#!/bin/bash
# Random sequences of volume operations: after each step the data are those of a model.
#
# $POOLFS_SEQUENCES of $POOLFS_STEPS each (25 of 30, in the suite `long` 500), as many at
# a time as there are VMs; $POOLFS_SEED repeats a run, or one sequence by its own seed.
# limit: 900
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

host_up h1
mount_pool
wait_for "hosts/$(first hosts)/status" Connected 20
small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
truncate -s 1M "$CASE_DIR/nothing.raw"
image=$(add_image "$CASE_DIR/nothing.raw" raw nothing)
for n in 1 2 3 4 5 6; do
	create_vm "holder$n" "$image" '{"instanceOfferingUuid":"'"$small"'","strategy":"CreateStopped"}' >/dev/null
done
seed=${POOLFS_SEED:-$RANDOM}
step "seed $seed"
"$TOP/tests/real/volume-sequences" "$MOUNT" "$URI" "${POOLFS_SEQUENCES:-$(number 25 500)}" "${POOLFS_STEPS:-30}" "$seed" \
	"$(first primary-storage)"
assert_eq "$(on_host list --all --name | grep -c poolfs-merge || true)" 0 "domains left from merging"
