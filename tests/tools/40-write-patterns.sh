#!/bin/bash
# Random ways of writing value files have the results that the reference predicts: the same ones each time unless
# POOLFS_SEED says otherwise.
# limit: 600
# long: 7200
. "$(dirname "$0")/lib.sh"

tool_vm
count=${POOLFS_PATTERNS:-$(number 2000 100000)}
seed=${POOLFS_SEED:-1000000}
step "$count patterns from seed $seed"
"$TOP/tests/tools/write-patterns" "$VM" "$count" "$seed"
