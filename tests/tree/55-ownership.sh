#!/bin/bash
# chown gives an object away, chmod shares it with all accounts and ends that; what is shared with some is for these.
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as other users"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
alice=$(account alice 4001)
bob=$(account bob 4002)
account carol 4003 >/dev/null
alice() { setpriv --reuid 4001 --regid 4001 --clear-groups "$@"; }
bob() { setpriv --reuid 4002 --regid 4002 --clear-groups "$@"; }
carol() { setpriv --reuid 4003 --regid 4003 --clear-groups "$@"; }
offering=$(create disk-offerings '{"params":{"name":"small","diskSize":1048576}}')
dir=$MOUNT/disk-offerings/$offering
# mode_of FILE: its mode and owner.
mode_of() { stat -c '%a %u' "$1"; }

step "chown is for administrators, and to users who are accounts"
assert_eq "$(mode_of "$dir")" "700 0"
assert_fails "not permitted" chown 4009 "$dir"
assert_match "$(value last-error)" "4009 is no account"
assert_fails "not permitted" chgrp 4009 "$dir"
chown 4001 "$dir"
assert_eq "$(mode_of "$dir")" "700 4001"
assert_eq "$(alice cat "$dir/name")" small
assert_fails "not permitted" alice chown 4002 "$dir"
assert_fails "denied" bob cat "$dir/name"

step "chmod o+r and o-r"
assert_fails "not permitted" bob chmod o+r "$dir"
alice chmod o+r "$dir"
assert_eq "$(mode_of "$dir") $(mode_of "$dir/name")" "755 4001 644 4001"
assert_eq "$(bob cat "$dir/name")" small
assert_eq "$(bob ls "$MOUNT/disk-offerings" | grep -cx "$offering")" 1
assert_fails "denied" bob bash -c "echo x >'$dir/name'"
assert_fails "not permitted" alice chmod g+w "$dir"
assert_fails "not permitted" alice chmod u-r "$dir"
alice chmod 755 "$dir"
alice chmod o-r "$dir"
assert_eq "$(mode_of "$dir")" "700 4001"
assert_fails "denied" bob cat "$dir/name"

step "what is shared with one account is for that"
alice bash -c "echo '{\"resourceUuids\":[\"$offering\"],\"accountUuids\":[\"$bob\"]}' >'$MOUNT/accounts/resources/create'"
assert_eq "$(mode_of "$dir")" "1755 4001"
assert_eq "$(bob cat "$dir/name")" small
assert_fails "denied" carol cat "$dir/name"
assert_fails "denied" carol stat "$dir/name"
assert_fails "denied" carol ls "$dir"
assert_eq "$(carol ls "$MOUNT/disk-offerings" | sed -n "/^$offering$/p")" ""

step "a quota refuses a user's write(2), those of other accounts do not count"
echo "update-quota name=volume.data.num value=1" >"$MOUNT/accounts/$alice/actions"
sync "$MOUNT/accounts/$alice/actions"
disk=$(carol ls "$MOUNT/disk-offerings" | grep -E '^[0-9a-f]{32}$')
# volume USER: writes the request for a data volume.
volume() { "$1" bash -c "echo 'name=$1 diskOfferingUuid=$disk' >'$MOUNT/volumes/create'"; }
volume alice
assert_fails "quota exceeded" volume alice
assert_match "$(alice cat "$MOUNT/last-error")" "exceeds a quota.*volume.data.num"
volume bob
assert_eq "$(alice ls "$MOUNT/volumes/by-name") $(bob ls "$MOUNT/volumes/by-name")" "alice bob"

step "the network and offerings of a new pool are for every account"
for kind in l3-networks instance-offerings disk-offerings; do
	shared=$(carol ls "$MOUNT/$kind" | grep -E '^[0-9a-f]{32}$')
	assert_match "$(mode_of "$MOUNT/$kind/$shared")" '^755 '
	carol cat "$MOUNT/$kind/$shared/name" >/dev/null
	carol ls "$MOUNT/$kind/by-name" >/dev/null
	assert_fails "denied" carol bash -c "echo x >'$MOUNT/$kind/$shared/name'"
	assert_fails "not permitted" carol chmod o-r "$MOUNT/$kind/$shared"
done

step "back to the administrator"
chown 0 "$dir"
assert_fails "denied" alice cat "$dir/name"
assert_eq "$(value "disk-offerings/$offering/name") $alice" "small $alice"
