#!/bin/bash
# sed -i writes by rename.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted old
cp old.json "$VM/spec"
sync "$VM/spec"
wanted sed
spec_once sed sed -i s/old/sed/ "$VM/spec"
refused "Invalid argument" sed -i s/Stopped/Asleep/ "$VM/spec"
cmp sed.json "$VM/spec"
find "$VM" -maxdepth 1 -name 'sed*' -delete
echo "the old text" >"$VM/description"
writes_once "$VM/description" "the new text" sed -i s/old/new/ "$VM/description"
writes_once "$VM/cpuNum" 3 sed -i 's/.*/3/' "$VM/cpuNum"

step "an invalid value is refused by the rename, and the value stays"
refused "Invalid argument" sed -i 's/.*/many/' "$VM/cpuNum"
assert_eq "$(cat "$VM/cpuNum")" 3
find "$VM" -maxdepth 1 -name 'sed*' -delete

step "with a backup"
sed -i.bak s/new/old/ "$VM/description"
assert_eq "$(cat "$VM/description")" "the old text"
assert_eq "$(cat "$VM/description.bak")" "the new text"

step "read-only files stay as they are"
assert_fails "not permitted" sed -i s/Stopped/Running/ "$VM/state"
assert_eq "$(cat "$VM/state")" Stopped
