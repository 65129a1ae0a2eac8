#!/bin/bash
# Random ways of writing value files have the results that the reference predicts. POOLFS_PATTERNS=100000: more of them.
# limit: 600
. "$(dirname "$0")/lib.sh"

tool_vm
count=${POOLFS_PATTERNS:-2000}
seed=${POOLFS_SEED:-$((RANDOM * 32768 + RANDOM))}
step "$count patterns from seed $seed"
"$TOP/tests/tools/write-patterns" "$VM" "$count" "$seed"
