#!/bin/bash
# dd, as one block and with conv=notrunc, sync and fsync.
. "$(dirname "$0")/lib.sh"

tool_vm
step "a spec, in one block, and in blocks of which the last is a newline"
wanted dd
spec_once dd dd if=dd.json of="$VM/spec" conv=fsync status=none
wanted blocks
size=$(($(wc -c <blocks.json) - 1))
for bs in $size 1; do
	dd if=blocks.json of="$VM/spec" bs="$bs" status=none
	cmp blocks.json "$VM/spec"
	sync "$VM/spec"
	cmp blocks.json "$VM/spec"
	assert_eq "$(cat "$VM/name")" blocks
done
before=$(job_count)
dd if=blocks.json of="$VM/spec" bs=7 status=none
cmp blocks.json "$VM/spec"
assert_eq "$(job_count)" "$before" "jobs"

echo "in one block" >text
writes_once "$VM/description" "in one block" dd if=text of="$VM/description" status=none
echo "not truncated" >text
writes_once "$VM/description" "not truncated" dd if=text of="$VM/description" conv=notrunc,fsync status=none

step "reading in blocks gives the whole file"
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
