#!/bin/bash
# Nobody notices that the process that serves the mount is killed: no errno, nothing lost, nothing done twice.
# limit: 300
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
step "clients of all kinds, while the worker is killed $(number 50 1000) times"
"$TOP/tests/tree/kill-worker" "$MOUNT" "$STATE" "$POOLFS" "$(number 50 1000)" "$(number 45 900)"
assert_eq "$(ls -A "$MOUNT/images/upload")" "" "what is being uploaded"
[ -z "$(find "$STATE" -name '*.part')" ] || fail "a partial file is left"
