#!/bin/bash
# Filters that write in place, shells' redirections, opens that write nothing, readers, and programs that copy the tree.
# limit: 300
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
export D HOME=$CASE_DIR

step "in place"
echo "old text" >"$D"
writes_once "$D" "gawk text" gawk -i inplace '{ sub(/old/, "gawk"); print }' "$D"
writes_once "$D" "sponge text" in_bash 'sed s/gawk/sponge/ "$D" | sponge "$D"'
printf 'b\na\n' >"$D"
writes_once "$D" $'a\nb' sort -o "$D" "$D"
printf 'dos\r\nlines\r\n' >"$D"
writes_once "$D" $'dos\nlines' dos2unix -q "$D"
printf '[a]\nb = 1\n' >"$D"
writes_once "$D" $'[a]\nb = 2' crudini --set "$D" a b 2
writes_once "$D" $'[a]\nb = 3' busybox sed -i s/2/3/ "$D"
echo "one line" >"$D"
writes_once "$D" "by ex" in_bash 'printf "%s\n" "s/.*/by ex/" wq | vim.tiny -e -s -u NONE "$D"'

step "redirections"
for shell in bash dash mksh "busybox sh"; do
	# shellcheck disable=SC2086 # "busybox sh" is two words
	{
		writes_once "$D" "clobbered by $shell" $shell -c 'set -C; echo "clobbered by $1" >|"$D"' x "$shell"
		writes_once "$D" "here by $shell" $shell -c "cat >\"\$D\" <<END
here by $shell
END"
		assert_fails "" $shell -c 'set -eC; echo x >"$D"'
		refused "" $shell -c 'echo many >"$1/cpuNum"' x "$VM"
	}
done

step "what opens and closes changes nothing, in any mode"
before="$(cat "$D") $(job_count)"
python3 - "$VM" <<'END'
import os
import sys

for name in "description", "cpuNum", "spec", "actions":
    path = os.path.join(sys.argv[1], name)
    content = open(path).read()
    for flags in (os.O_RDONLY, os.O_WRONLY, os.O_RDWR, os.O_RDWR | os.O_APPEND, os.O_WRONLY | os.O_TRUNC, os.O_RDWR | os.O_CREAT,
                  os.O_RDONLY | os.O_TRUNC, os.O_RDONLY | os.O_DIRECT, os.O_RDONLY | os.O_NONBLOCK | os.O_SYNC):
        fd = os.open(path, flags)
        if flags & os.O_ACCMODE != os.O_RDONLY:
            assert os.write(fd, b"") == 0
        os.close(fd)
        assert open(path).read() == content, (name, flags)
END
: >"$D"
cp /dev/null "$D"
assert_eq "$(cat "$D") $(job_count)" "$before"

step "two writers append to a scratch file"
for text in one two; do
	bash -c 'for i in $(seq 200); do echo "$0 $i"; done' $text >>"$VM/appended" &
done
wait %1 %2
assert_eq "$(sort "$VM/appended" | uniq | wc -l)" 400 "appended lines"
rm "$VM/appended"

step "readers agree on a file and its copy"
cp "$VM/inventory" copy
for reader in 'cat "$1"' 'dd status=none if="$1"' 'dd status=none bs=3 if="$1"' 'dd status=none iflag=direct if="$1"' 'head -n 3 "$1"' \
	'tail -n 3 "$1"' 'tail -c 7 "$1"' 'tac "$1"' 'wc <"$1"' 'od -c "$1"' 'grep -n uuid "$1"' 'sed -n 2p "$1"' 'gawk 1 "$1"' 'sort "$1"' \
	'cut -c1-9 "$1"' 'nl "$1"' 'fold -w 7 "$1"' 'paste -s "$1"' 'md5sum <"$1"' 'sha256sum <"$1"' 'base64 "$1"' 'jq . "$1"' \
	'split -n 1/2 "$1"' 'cmp copy "$1"' 'diff copy "$1"' 'perl -ne print "$1"' 'ruby -ne print "$1"' 'busybox cat "$1"' 'gzip -nc <"$1"' \
	'python3 -c "import sys; print(open(sys.argv[1]).read())" "$1"' \
	'pr -h x -D x "$1"' 'comm "$1" "$1"' 'xargs -0 echo <"$1"' 'tee <"$1"'; do
	for file in "$VM/inventory" "$PWD/copy"; do in_bash "$reader" "$file" || true; done >readings
	in_bash "$reader" "$PWD/copy" >twice || true
	in_bash "$reader" "$PWD/copy" >>twice || true
	cmp readings twice || fail "'$reader' reads something else"
done
assert_eq "$(find "$MOUNT" -type f -empty)" "" "empty files"

step "Node: copies of the tree, a clone where it can, and its watcher"
node -e 'const fs = require("fs"), [vm, into] = process.argv.slice(1);
fs.cpSync(vm, into, {recursive: true, preserveTimestamps: true, verbatimSymlinks: true});
fs.copyFileSync(vm + "/inventory", "cloned", fs.constants.COPYFILE_FICLONE);
try { fs.copyFileSync(vm + "/inventory", "forced", fs.constants.COPYFILE_FICLONE_FORCE); process.exit(1); } catch (e) { console.log(e.code); }' \
	"$VM" node
cmp node/inventory copy
cmp cloned copy
assert_eq "$(readlink node/zone)" "$(readlink "$VM/zone")"
timeout 60 node -e 'const fs = require("fs"), d = process.env.D;
fs.watchFile(d, {interval: 50}, (now, then) => { if (now.size != then.size) process.exit(0); });
setTimeout(() => fs.writeFileSync(d, "seen by a watcher of Node\n"), 500);' || fail "watchFile saw no change"

step "a VM's directory copied back into itself starts nothing"
cp -a "$VM" back
jobs=$(job_count)
cp -a back/. "$VM" 2>complaints && fail "everything could be written"
assert_eq "$(job_count) $(cat "$VM/state")" "$jobs Stopped"
rm -rf back
wait_until 8 test -e "$VM/description"

step "overlayfs over a VM shows its changes"
mkdir -p upper over
mount -t tmpfs tmpfs upper
mkdir upper/files upper/work
if mount -t overlay -o "lowerdir=$VM,upperdir=upper/files,workdir=upper/work" overlay over 2>complaints; then
	echo "below" >"$D"
	assert_eq "$(cat over/description)" below
	echo "above" >over/name
	assert_eq "$(cat over/name) $(cat "$VM/name")" "above tool"
	umount over
else
	cat complaints
	grep -q overlay /proc/filesystems && fail "overlayfs does not take a VM's directory"
fi
umount upper
