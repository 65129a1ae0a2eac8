#!/bin/bash
# All operations of the manual and their aliases over HTTP, with real effects on the test driver.
# limit: 240
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
truncate -s 1M "$CASE_DIR/image.raw"
xorriso -as mkisofs -quiet -o "$CASE_DIR/image.iso" "$TOP/tests/rest"
"$TOP/tests/rest/contract" 127.0.0.1 $PORT "$MOUNT" "$TOP/tests/data/operations.json" "$CASE_DIR/image.raw" "$CASE_DIR/image.iso"
rest_down
