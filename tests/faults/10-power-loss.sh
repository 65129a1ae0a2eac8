#!/bin/bash
# Power fails at any moment of a pool's life: what was acknowledged is there, what is Ready has its bytes, nothing is left over.
# limit: 120
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

programs=${BUILD:-$TOP/build}/tests/faults
mkdir "$STATE" outside
mount -t tmpfs -o mode=711 tmpfs "$STATE" # where no inode number is used twice, and fsync costs nothing

step "the record of a life"
POOLFS_LIBEXEC=$BUILD POOLFS_RECORD_ROOT=$STATE POOLFS_RECORD=$CASE_DIR/record LD_PRELOAD=$programs/faults-record.so \
	"$programs/faults-life" "$STATE" "$CASE_DIR/outside" "$(number 1 3)"

seed=${POOLFS_SEED:-$RANDOM}
for rules in ext4 posix; do
	step "crash states by the rules of $rules, seed $seed"
	POOLFS_LIBEXEC=$BUILD "$programs/faults-replay" record "$STATE" $rules "$(number 150 6000)" "$(number 3 200)" "$seed"
done

for ((i = 0; i < $(number 2 40); i++)); do
	step "the program starts: $("$programs/faults-replay" record "$STATE" ext4 write $((seed + i)))"
	mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	for job in $(uuids api-jobs); do wait_until 20 is_finished "$job"; done
	cat "$MOUNT"/*/inventories | jq -e '.inventories | length' >counts
	no_rows_in_between || fail "an object is in a state that it has only during a job"
	tail -n 1 "$MOUNT/events" | jq -e .sequence >last
	assert_eq "$(jq .sequence "$MOUNT/events" | uniq | wc -l)" "$(cat last)" "the number of events"
	create zones '{"params":{"name":"after"}}' >zone
	umount_pool
done
