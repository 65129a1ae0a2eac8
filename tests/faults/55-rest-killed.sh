#!/bin/bash
# The worker is killed, while clients of poolfs-rest ask for all kinds of things: each request is answered, and rightly.
# limit: 240
# long: 1800
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
wait_for "hosts/$(first hosts)/status" Connected 20
rest_up
login
seed=${POOLFS_SEED:-$RANDOM}
step "16 connections for $(number 20 900) s, and a kill each 0.3 to 1 s, seed $seed"
PASSWORD=$(sha512 password) "$TOP/tests/faults/rest-clients" "$MOUNT" "$STATE" "$POOLFS" "$BASE" "$SESSION" "$REST_PID" "$(number 20 900)" "$seed"
rest_down
