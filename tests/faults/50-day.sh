#!/bin/bash
# Mixed load for a long time: memory, descriptors, threads, database, WAL, jobs and events stay as they are.
# limit: 180
# long: 5400
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
wait_for "hosts/$(first hosts)/status" Connected 20
image=$(small_image)
rest_up
login
seed=${POOLFS_SEED:-$RANDOM}
step "mixed load for $(number 1 75) minutes, a fifth of them the warm-up, seed $seed"
PASSWORD=$(sha512 password) "$TOP/tests/faults/day" "$MOUNT" "$STATE" "$POOLFS" "$BASE" "$SESSION" "$REST_PID" "$image" \
	"$(number 48 3600)" "$seed"

step "what is kept is bounded, and nothing is left over"
tail -n 1 "$MOUNT/events" | jq -e .sequence >last
no_rows_in_between || fail "an object is in a state that it has only during a job"
rest_down
umount_pool
python3 - "$STATE/pool.db" "$(cat last)" <<'PYTHON'
import sqlite3, sys
db = sqlite3.connect(sys.argv[1])
bytes, first, last, n = db.execute('SELECT sum(length(line)), min(sequence), max(sequence), count(*) FROM event').fetchone()
print(f'{n} events of {bytes} bytes, {first} to {last}')
assert last == int(sys.argv[2]) or last > int(sys.argv[2]), 'the newest event is not there'
assert n == last - first + 1 and bytes <= 16 << 20, 'too many events'
assert db.execute('PRAGMA integrity_check').fetchone() == ('ok',)
PYTHON
assert_eq "$(find "$STATE/primary" -type f ! -name 'image-*' -printf '%f\n' | paste -sd ' ')" "" "the files that belong to nothing"
