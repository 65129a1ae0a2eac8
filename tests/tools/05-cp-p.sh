#!/bin/bash
# cp -p and install keep mode, owner and times, as far as a fixed file has them.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted cp-p
spec_once cp-p cp -p cp-p.json "$VM/spec"
echo "copied with its attributes" >text
chmod 644 text
touch -d 2020-01-01 text
writes_once "$VM/description" "copied with its attributes" cp -p text "$VM/description"
[ "$(stat -c %Y "$VM/description")" != "$(stat -c %Y text)" ] || fail "a value's time can be set"

step "a scratch file keeps the attributes that are set"
cp -p text "$VM/new"
assert_eq "$(stat -c '%a %U %Y %s' "$VM/new")" "$(stat -c '%a %U %Y %s' text)"
rm "$VM/new"

step "other modes and owners than its own are refused"
chmod 644 "$VM/description"
chown root:root "$VM/description"
assert_fails "not permitted" chmod 600 "$VM/description"
assert_fails "not permitted" chown nobody "$VM/description"
touch "$VM/description"
