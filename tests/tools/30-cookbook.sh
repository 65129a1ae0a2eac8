#!/bin/bash
# Every recipe of the cookbook gives the documented result, and leaves nothing behind.
# limit: 300
. "$(dirname "$0")/lib.sh"

mount_pool
"$TOP/examples/cookbook.sh" "$MOUNT" >output
tail -n 1 output
[ "$(sed -n 's/ recipes$//p' output)" -ge 30 ] || fail "fewer than 30 recipes"
assert_eq "$(uuids vm-instances)$(uuids images)" "" "what is left"

step "a recipe that fails: what it made is gone when the cookbook has ended"
mkdir bin
printf '#!/bin/sh\nexit 1\n' >bin/sed
chmod 755 bin/sed
assert_fails "cookbook: this failed" env PATH="$CASE_DIR/bin:$PATH" "$TOP/examples/cookbook.sh" "$MOUNT"
assert_eq "$(uuids vm-instances)$(uuids images)" "" "what is left"
