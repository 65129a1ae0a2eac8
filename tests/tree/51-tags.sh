#!/bin/bash
# Tags are created, found, changed and removed; user tags are extended attributes too.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
zone=$(first zones)
cd "$MOUNT"
dir=zones/$zone

step "create, query, update, delete"
for kind in system-tags user-tags; do
	job_wait "$(submit "$kind/create" "resourceType=ZoneVO resourceUuid=$zone tag=colour::red")"
	tag=$(jq -r '.inventories[].uuid' "$kind?q=tag=colour::red")
	assert_eq "$(cat "$dir/tags/$tag")" colour::red
	assert_refused "$kind/create" "resourceType=ZoneVO resourceUuid=$zone tag=colour::red" EEXIST Duplicated
	condition=__${kind%-tags}Tag__
	assert_eq "$(jq '.inventories | length' "zones?q=$condition~=colour::%25")" 1
	assert_eq "$(cat "zones/where/$condition=colour::red"/*/uuid)" "$zone"
	act "$kind/$tag" update tag=colour::blue
	assert_eq "$(cat "$dir/tags/$tag")" colour::blue
	assert_eq "$(jq '.inventories | length' "zones?q=$condition=colour::blue")" 1
	assert_eq "$(ls "zones/where/$condition=colour::red")" ""
	echo colour::green >"$kind/$tag/tag"
	assert_eq "$(cat "$dir/tags/$tag")" colour::green
	job_wait "$(submit "$kind/create" "resourceType=ZoneVO resourceUuid=$zone tag=other")"
	other=$(jq -r '.inventories[].uuid' "$kind?q=tag=other&q=resourceUuid=$zone")
	assert_refused "$kind/$tag/tag" other EEXIST Duplicated
	assert_refused "$kind/$tag/actions" 'update tag=""' EINVAL 'field\[tag\] cannot be an empty string'
	assert_eq "$(cat "$dir/tags/$tag")" colour::green
	act "$kind/$other" delete
	act "$kind/$tag" delete
	[ ! -e "$dir/tags/$tag" ] || fail "the tag is still there"
	assert_eq "$(jq '.inventories | length' "$kind?q=tag~=colour%25")" 0
done

step "extended attributes"
setfattr -n user.owner -v alice "$dir"
setfattr -n user.plain "$dir"
setfattr -n user.名 -v 'a=b c' "$dir"
assert_eq "$(getfattr --only-values -n user.owner "$dir")" alice
assert_eq "$(getfattr --only-values -n user.plain "$dir")" ""
assert_eq "$(python3 -c 'import os,sys; print(os.getxattr(sys.argv[1], "user.名").decode())' "$dir")" 'a=b c'
assert_eq "$(python3 -c 'import os,sys; print(sorted(os.listxattr(sys.argv[1])))' "$dir")" "['user.owner', 'user.plain', 'user.名']"
assert_eq "$(sort "$dir"/tags/* | paste -sd,)" "owner=alice,plain,名=a=b c"
assert_eq "$(jq -r '.inventories[].uuid' 'zones?q=__userTag__=owner=alice')" "$zone"
setfattr -n user.owner -v bob "$dir"
assert_eq "$(cat "$dir"/tags/* | grep -c ^owner)" 1 "the tags of one name"
assert_eq "$(getfattr --only-values -n user.owner "$dir")" bob
job_wait "$(submit user-tags/create "resourceType=ZoneVO resourceUuid=$zone tag=floor=2")"
assert_eq "$(getfattr --only-values -n user.floor "$dir")" 2 "a tag made elsewhere"
setfattr -x user.owner "$dir"
assert_fails 'No such attribute' getfattr -n user.owner "$dir"
assert_fails 'No such attribute' setfattr -x user.owner "$dir"
assert_eq "$(python3 - "$dir" <<'PYTHON'
import errno, os, sys
def code(fn, *args):
    try:
        fn(sys.argv[1], *args)
        return "OK"
    except OSError as e:
        return errno.errorcode[e.errno]
print(code(os.setxattr, "user.floor", b"3", os.XATTR_CREATE), code(os.setxattr, "user.none", b"3", os.XATTR_REPLACE),
      code(os.setxattr, "user.floor", b"3", os.XATTR_REPLACE), code(os.setxattr, "user.new", b"3", os.XATTR_CREATE),
      code(os.setxattr, "user.bad", b"\xff"), code(os.setxattr, "user.bad", b"a\0b"), code(os.setxattr, "user.bad", b"a\x1b"), code(os.setxattr, "user.a=b", b"c"),
      code(os.setxattr, "user.long", b"x" * 4000), code(os.setxattr, "trusted.x", b"c"), code(os.getxattr, "security.capability"))
PYTHON
)" "EEXIST ENODATA OK OK EINVAL EINVAL EINVAL EINVAL E2BIG ENOTSUP ENOTSUP"
assert_eq "$(getfattr --only-values -n user.floor "$dir")" 3
assert_fails 'Operation not supported' setfattr -n user.x -v 1 zones/inventories
assert_fails 'Operation not supported' setfattr -n user.x -v 1 zones

step "they survive a restart, and other users cannot change them"
cd "$CASE_DIR"
remount_pool -o allow_other
assert_eq "$(getfattr --only-values -n user.floor "$MOUNT/$dir" 2>/dev/null)" 3
account other 65534 >/dev/null
assert_fails 'Permission denied' setpriv --reuid 65534 --regid 65534 --clear-groups setfattr -n user.x -v 1 "$MOUNT/$dir"
assert_eq "$(setpriv --reuid 65534 --regid 65534 --clear-groups getfattr --only-values --absolute-names -n user.floor "$MOUNT/$dir")" 3
remount_pool -o ro
assert_fails 'Read-only' setfattr -n user.x -v 1 "$MOUNT/$dir"
