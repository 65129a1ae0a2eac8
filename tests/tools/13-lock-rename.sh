#!/bin/bash
# The way of git: a .lock file in the same directory, then a rename; on values, actions and create.
. "$(dirname "$0")/lib.sh"

tool_vm
# lock_write FILE TEXT
lock_write() {
	(set -o noclobber && echo "$2" >"$1.lock") || return 1
	mv "$1.lock" "$1"
}

writes_once "$VM/description" "by lock" lock_write "$VM/description" "by lock"
wanted lock
spec_once lock lock_write "$VM/spec" "$(cat lock.json)"

step "a second writer finds the lock"
echo held >"$VM/description.lock"
assert_fails "cannot overwrite existing file" lock_write "$VM/description" other
rm "$VM/description.lock"

step "with invalid content the rename fails, and both files stay"
echo many >"$VM/cpuNum.lock"
assert_eq "$("$TOP/tests/tree/fileop" rename "$VM/cpuNum.lock" "$VM/cpuNum")" EINVAL
assert_match "$(value last-error)" cpuNum
assert_eq "$(cat "$VM/cpuNum.lock")" many
assert_eq "$(cat "$VM/cpuNum")" 1
rm "$VM/cpuNum.lock"

step "requests"
lock_write "$VM/actions" start
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
lock_write "$MOUNT/zones/create" '{"params":{"name":"by rename"}}'
sync "$MOUNT/zones/create"
test -L "$MOUNT/zones/by-name/by rename"
lock_write "$VM/actions" frobnicate 2>/dev/null && fail "a bad verb was accepted"
assert_match "$(value last-error)" frobnicate
rm "$VM/actions.lock"

step "a file renamed over query is refused: it would not be a query"
echo '{"params":{"name":"by query"}}' >"$MOUNT/zones/query.lock"
assert_eq "$("$TOP/tests/tree/fileop" rename "$MOUNT/zones/query.lock" "$MOUNT/zones/query")" EPERM
rm "$MOUNT/zones/query.lock"

step "readers see the new value at once, never an empty file"
for i in $(seq 50); do
	lock_write "$VM/description" "round $i"
	assert_eq "$(cat "$VM/description")" "round $i"
	assert_eq "$(stat -c %s "$VM/description")" $((${#i} + 7))
done

step "scratch files are not visible to another user"
remount_pool -o allow_other
account other 65534 >/dev/null
chmod o+r "$VM"
echo mine >"$VM/private"
setpriv --reuid=65534 --clear-groups cat "$VM/private" 2>/dev/null && fail "another user reads a scratch file"
assert_eq "$(setpriv --reuid=65534 --clear-groups cat "$VM/name")" "$(cat "$VM/name")" "what the other user may see"
setpriv --reuid=65534 --clear-groups ls -A "$VM" | lacks -x private || fail "another user sees a scratch file"
assert_eq "$(cat "$VM/private")" mine

step "their number is limited"
assert_match "$(value limits)" "scratch-files-per-user 256"
for i in $(seq 300); do
	(echo "$i" >"$VM/many$i") 2>/dev/null || break
done
assert_eq "$i" 256 "the first file too many (one was there)"
rm "$VM"/many*
