#!/bin/bash
# tar, rsync, git and cp -a of the whole tree copy every byte, with the same result twice.
# limit: 300
. "$(dirname "$0")/lib.sh"

tool_vm
wanted tree
cp tree.json "$VM/spec"
sync "$VM/spec"
export HOME=$CASE_DIR GIT_AUTHOR_DATE="@0 +0000" GIT_COMMITTER_DATE="@0 +0000"
git config --global user.name test
git config --global user.email test@localhost

mapfile -t volatile < <(grep -v '^#' "$TOP/tests/tree/volatile")
exclude=("${volatile[@]/#/--exclude=}")
mapfile -t prune < <(printf -- '-o\n-name\n%s\n' "${volatile[@]}")

# contents FOLDER: checksum and path of every file, and the target of every link.
contents() {
	(cd "$1" && find . \( -path ./.git "${prune[@]}" \) -prune -o -type f -exec sha256sum {} + && find . -type l -printf '%p -> %l\n') | sort -k 2
}

# The room of the disk is measured meanwhile, which others use, too.
echo 100000 >"$MOUNT/global-configurations/host/ping.interval/value"
contents "$MOUNT" >tree
[ "$(wc -l <tree)" -gt 500 ] || fail "the tree is too small to prove anything"
dd if=/dev/zero of=others bs=1M count=8 conv=fsync status=none # they do

step "cp -a"
for run in 1 2; do
	cp -a "$MOUNT" "cp$run"
	contents "cp$run" | diff tree - || fail "cp -a, run $run, differs"
done

step "tar"
for run in 1 2; do
	tar -C "$MOUNT" --sort=name "${exclude[@]}" -cf "tar$run" .
done
cmp tar1 tar2
mkdir untarred
tar -C untarred -xf tar1
contents untarred | diff tree - || fail "tar differs"

step "rsync; a second run has nothing to do"
rsync -a "${exclude[@]}" "$MOUNT/" rsynced/
contents rsynced | diff tree - || fail "rsync differs"
assert_eq "$(rsync -ain "${exclude[@]}" "$MOUNT/" rsynced/)" "" "what rsync would copy again"
assert_eq "$(rsync -acin "${exclude[@]}" "$MOUNT/" rsynced/)" "" "what rsync would copy again by checksum"

step "git"
git init -q repository
printf '%s\n' "${volatile[@]}" >repository/.git/info/exclude
git --git-dir=repository/.git --work-tree="$MOUNT" add -A
git --git-dir=repository/.git --work-tree="$MOUNT" commit -qm tree
assert_eq "$(git --git-dir=repository/.git --work-tree="$MOUNT" status --porcelain)" "" "what git sees changed"
git --git-dir=repository/.git worktree add -q "$CASE_DIR/checkout"
rm checkout/.git
contents checkout | diff tree - || fail "git differs"
