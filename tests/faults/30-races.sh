#!/bin/bash
# Many at once: equal requests with one job id are one job; an order explains all answers of clients over tree and REST.
# limit: 120
# long: 1800
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other
rest_up
login

step "equal requests with one job id over 32 connections"
for ((i = 0; i < $(number 1 10); i++)); do
	before=$(uuids api-jobs | wc -l)
	assert_eq "$("$TOP/tests/faults/equal-requests" "$BASE" "$SESSION" 1000 32)" "{202: 1000} 1 True"
	assert_eq "$(uuids api-jobs | wc -l)" $((before + 1)) "the number of jobs"
	assert_eq "$(grep -lx once "$MOUNT"/zones/*/name | wc -l)" $((i + 1)) "the number of zones"
done

seed=${POOLFS_SEED:-$RANDOM}
for ((i = 0; i < $(number 1 20); i++)); do
	step "operations of 8 clients over tree and REST, seed $((seed + i))"
	"$TOP/tests/faults/histories" "$MOUNT" "$BASE" "$SESSION" 8 "$(number 800 4000)" "$(number 8 20)" $((seed + i))
done
rest_down
