#!/bin/bash
# cp into a value, into actions, and out of the tree.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted cp
spec_once cp cp cp.json "$VM/spec"
echo "copied in" >text
writes_once "$VM/description" "copied in" cp text "$VM/description"

step "out of the tree"
cp "$VM/description" back
cmp text back

step "a request from a file"
echo '{"startVmInstance":{}}' >request
cp request "$VM/actions"
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running

step "a backup in the same directory is a scratch file"
cp "$VM/description" "$VM/description.orig"
cmp text "$VM/description.orig"
rm "$VM/description.orig"
[ ! -e "$VM/description.orig" ] || fail "the backup still exists"

echo many >bad
refused "Invalid argument" cp bad "$VM/cpuNum"
