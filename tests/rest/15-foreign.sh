#!/bin/bash
# Whatever an account names in whatever operation, query or path, over REST and in the tree, it reaches and learns nothing of another account's objects.
# limit: 400
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as another user"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other,rest-user=nobody
rest_up
truncate -s 1M "$CASE_DIR/image.raw"
echo "$CASE_DIR" >"$MOUNT/global-configurations/image/localPaths/value"
"$TOP/tests/rest/try-foreign" "$BASE" "$MOUNT" "$CASE_DIR" 4002
rest_down
