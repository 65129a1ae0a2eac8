#!/bin/bash
# dd, as one block and with conv=notrunc, sync and fsync.
. "$(dirname "$0")/lib.sh"

tool_vm
echo "in one block" >text
writes_once "$VM/description" "in one block" dd if=text of="$VM/description" status=none
echo "not truncated" >text
writes_once "$VM/description" "not truncated" dd if=text of="$VM/description" conv=notrunc,fsync status=none

step "blocks out of a file are the file"
dd if="$VM/inventory" of=copy bs=7 status=none
cmp "$VM/inventory" copy

step "a scratch file in blocks, with a hole"
dd if=/dev/urandom of=noise bs=1000 count=7 status=none
dd if=noise of="$VM/noise" bs=512 seek=3 status=none
dd if=/dev/zero of=holed bs=512 count=3 status=none
cat noise >>holed
cmp holed "$VM/noise"
assert_eq "$(stat -c %s "$VM/noise")" $((3 * 512 + 7000))
rm "$VM/noise"
assert_fails "File too large" dd if=/dev/zero of="$VM/big" bs=1M count=2 status=none
rm "$VM/big"
