#!/bin/bash
# Whatever an account names in whatever operation or query, it reaches and learns nothing of another account's objects.
# limit: 240
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
truncate -s 1M "$CASE_DIR/image.raw"
echo "$CASE_DIR" >"$MOUNT/global-configurations/image/localPaths/value"
"$TOP/tests/rest/try-foreign" "$BASE" "$MOUNT/operations.json" "$CASE_DIR"
rest_down
