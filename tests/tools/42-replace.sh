#!/bin/bash
# Tools that remove a file, or rename it to a backup, and create it anew: one job, and the backup has the old value.
# limit: 300
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
export D

# replaces TEXT BACKUP CMD...: as writes_once for the description; then the file BACKUP (if not "") beside it has the old value.
replaces() {
	local text=$1 backup=$2 old
	shift 2
	old=$(cat "$D")
	writes_once "$D" "$text" without "$backup" "$@"
	[ -z "$backup" ] || assert_eq "$(cat backup.1)" "$old" "the backup of '$*'"
}
# without BACKUP CMD...: runs it, and moves the backup out of the pool.
runs=0
without() {
	local backup=$1
	shift
	[[ $runs -lt 2 ]] || runs=0
	runs=$((runs + 1))
	"$@" || return 1
	if [ -n "$backup" ]; then mv "$VM/$backup" backup.$runs; fi
}

echo start >"$D"
text() { # the file "new" has the line
	echo "$1" >new
}
text i1 && replaces i1 "" install -m 644 new "$D"
text i2 && replaces i2 description~ install -b -m 644 new "$D"
text m1 && replaces m1 "" in_bash 'cp new moved && mv moved "$D"'
text m2 && replaces m2 description~ in_bash 'cp new moved && mv -b moved "$D"'
text c1 && replaces c1 "" cp --remove-destination new "$D"
text c2 && replaces c2 description.old cp --backup=simple --suffix=.old new "$D"
replaces s1 description.bak sed -i.bak 's/.*/s1/' "$D"
replaces p1 description.bak perl -i.bak -pe 's/.*/p1/' "$D"
replaces f1 description.orig python3 -c 'import fileinput, os
for line in fileinput.input(os.environ["D"], inplace=True, backup=".orig"):
    print("f1")'
mkdir -p tree && echo t1 >tree/description
tar -C tree -cf t.tar description
replaces t1 "" tar -C "$VM" --no-same-owner -xf t.tar
echo u1 >tree/description
(cd tree && echo description | cpio -o --quiet >../t.cpio)
replaces u1 "" in_bash 'cd "$VM" && cpio -iu --quiet <"$CASE_DIR/t.cpio"'
echo z1 >tree/description
(cd tree && zip -q ../t.zip description)
replaces z1 "" unzip -qo t.zip -d "$VM"
old=$(cat "$D")
printf -- '--- a\n+++ b\n@@ -1 +1 @@\n-%s\n+patched\n' "$old" >p.diff
before=$(job_count)
patch -s -b "$D" p.diff
assert_eq "$(cat "$D") $(cat "$D.orig") $(job_count)" "patched $old $((before + 1))"
rm "$D.orig"
wanted replaced
install -m 644 replaced.json "$VM/spec"
cmp replaced.json "$VM/spec"
sync "$VM/spec"
wanted moved
cp moved.json away.json
mv away.json "$VM/spec"
cmp moved.json "$VM/spec"
sync "$VM/spec"

step "a lock directory, as Puppet makes it, with files in it"
mkdir "$D.lock"
assert_fails "File exists" mkdir "$D.lock"
echo pid >"$D.lock/pid"
mkdir "$D.lock/deeper"
assert_eq "$(cd "$D.lock" && echo *)" "deeper pid"
assert_fails "not empty" rmdir "$D.lock"
echo "from the directory" >"$D.lock/new"
mv "$D.lock/new" "$D"
assert_eq "$(cat "$D")" "from the directory"
rmdir "$D.lock/deeper"
rm "$D.lock/pid"
mv "$D.lock" "$D.moved"
mkdir "$D.taken"
touch "$D.taken/x"
assert_eq "$("$TOP/tests/tree/fileop" rename "$D.moved" "$D.taken")" ENOTEMPTY
assert_eq "$("$TOP/tests/tree/fileop" rename "$D.moved" "$D")" ENOTDIR
rm -r "$D.taken"
rmdir "$D.moved"
assert_fails "not permitted" mkdir "$VM/tags/lock"
assert_fails "not permitted" mkdir "$MOUNT/lock"

step "what is removed and not created anew is there again; rm harms nothing"
jobs=$(job_count)
rm "$D"
[ ! -e "$D" ] || fail "the name is still there for the tool that creates it anew"
mv "$VM/name" "$VM/title"
assert_eq "$(cat "$VM/title")" "$(jq -r .name "$VM/inventory")"
rm "$VM/title"
wait_until 8 test -e "$D"
wait_until 8 test -e "$VM/name"
assert_eq "$(cat "$D") $(cat "$VM/name")" "from the directory moved"
rm -rf "$VM" 2>/dev/null && fail "rm -rf removed a VM"
wait_until 8 test -e "$D"
assert_eq "$(job_count)" "$jobs" "jobs after removing files"

step "files that only can be read stay"
assert_fails "not permitted" rm -f "$VM/state"
assert_eq "$("$TOP/tests/tree/fileop" rename "$VM/state" "$VM/other")" EPERM
assert_eq "$("$TOP/tests/tree/fileop" rename "$VM/name" "$VM/state")" EPERM

step "another user sees the file meanwhile"
remount_pool -o allow_other
account other 65534 >/dev/null
chmod o+r "$VM"
rm "$D"
assert_eq "$(setpriv --reuid=65534 --clear-groups cat "$D")" "from the directory"
echo anew >"$D"
assert_eq "$(cat "$D")" anew
mkdir "$D.lock"
setpriv --reuid=65534 --clear-groups ls "$VM" | finds -x name
setpriv --reuid=65534 --clear-groups ls "$VM" | lacks lock || fail "another user sees a scratch directory"
rmdir "$D.lock"
