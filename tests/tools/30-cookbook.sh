#!/bin/bash
# Every recipe of the cookbook gives the documented result, and leaves nothing behind.
# limit: 300
. "$(dirname "$0")/lib.sh"

mount_pool
"$TOP/examples/cookbook.sh" "$MOUNT" >output
tail -n 1 output
[ "$(sed -n 's/ recipes$//p' output)" -ge 30 ] || fail "fewer than 30 recipes"
assert_eq "$(uuids vm-instances)$(uuids images)" "" "what is left"
