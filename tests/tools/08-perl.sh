#!/bin/bash
# perl -i writes by rename.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted old
cp old.json "$VM/spec"
sync "$VM/spec"
wanted perl
spec_once perl perl -i -pe 's/old/perl/' "$VM/spec"
echo "the old text" >"$VM/description"
writes_once "$VM/description" "the new text" perl -i -pe 's/old/new/' "$VM/description"
# shellcheck disable=SC2016 # perl's
writes_once "$VM/cpuNum" 3 perl -i -pe 's/\d+/3/' "$VM/cpuNum"

step "an invalid value is refused, and the value stays"
refused "" perl -i -pe 's/\d+/many/' "$VM/cpuNum"
assert_eq "$(cat "$VM/cpuNum")" 3
