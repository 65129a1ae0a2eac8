#!/bin/bash
# Every path of the tree follows the rules for all paths; reading and rm -rf change nothing.
. "$(dirname "$0")/../tree/lib.sh"

walk() {
	timeout 100 "$TOP/tests/tree/walk" "$@" "$MOUNT"
}

mount_pool
# The room of the disk is measured meanwhile, which others use, too.
echo 100000 >"$MOUNT/global-configurations/host/ping.interval/value"
image=$(small_image)
vm=$(create_vm walked "$image")
gone=$(create_vm destroyed "$image")
act "vm-instances/$gone" destroy

step "every path follows the rules"
walk

step "reading changes nothing"
walk --digest >digest
status=0
timeout 100 find "$MOUNT" -type f -exec cat {} + >/dev/null 2>said || status=$?
[ $status -lt 124 ] || fail "find -type f -exec cat hangs"
assert_eq "$(grep -v '/volumes/.*/data: Device or resource busy$' said || true)" "" "what cannot be read, besides the disk of the running VM"
timeout 100 grep -rl walked "$MOUNT" >matches || true
grep -q "vm-instances/$vm/name" matches || fail "grep -r does not find the VM's name"
walk --digest | diff digest -

step "tar copies every byte"
tar -C "$MOUNT" -cf - vm-instances | tar -C "$CASE_DIR" --one-top-level=copy -xf -
cmp "$MOUNT/vm-instances/$vm/inventory" "copy/vm-instances/$vm/inventory"

step "an open file reads the same twice"
exec {fd}<"$MOUNT/vm-instances/$vm/name"
echo renamed >"$MOUNT/vm-instances/$vm/name"
sync "$MOUNT/vm-instances/$vm/name"
assert_eq "$(cat <&"$fd")" walked "what was open before the change"
exec {fd}<&-
assert_eq "$(value "vm-instances/$vm/name")" renamed

step "inode numbers survive a restart"
# The test driver's domains end with the daemon; a stopped VM looks the same before and after.
echo "stop type=cold" >"$MOUNT/vm-instances/$vm/actions"
sync "$MOUNT/vm-instances/$vm/actions"
walk --inodes >inodes
# A link in where/ is the same file in all directories with the same number of conditions.
assert_eq "$(awk '$2 ~ /\/where\// { next } $2 !~ /\// || /\/[0-9a-f]+$/ { print $1 }' inodes | sort | uniq -d)" "" "inode numbers in use twice"
remount_pool
walk --inodes | diff inodes - >changed || fail "inode numbers changed: $(head -n 4 changed)"

step "rm -rf does no harm"
walk --digest | grep -v '/last-error$' >digest
timeout 100 rm -rf "$MOUNT"/* 2>/dev/null && fail "rm -rf succeeded"
is_unchanged() {
	walk --digest | grep -v '/last-error$' | diff digest - >changed # which says what was refused
}
(wait_until 20 is_unchanged) || fail "rm -rf changed the tree: $(head -n 4 changed)" # what was removed comes back
assert_eq "$(value "vm-instances/$vm/state")" Stopped
assert_eq "$(value "vm-instances/$gone/state")" Destroyed

step "read-only files refuse all writers, even root"
for file in "vm-instances/$vm/uuid" "vm-instances/$vm/state" "vm-instances/$vm/inventory" README version; do
	assert_eq "$(write_errno "$file" x)" EACCES "writing to '$file'"
done
