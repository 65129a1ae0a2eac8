#!/bin/bash
# vim, with swap, backup and undo files, and vi (vim.tiny).
. "$(dirname "$0")/lib.sh"

tool_vm
edit=("$VM/description" -c "%s/.*/edited/" -c wq)
export HOME=$CASE_DIR
wanted old
cp old.json "$VM/spec"
sync "$VM/spec"
wanted vim
spec_once vim vim -es -N -u NONE "$VM/spec" -c "%s/old/vim/e" -c wq
writes_once "$VM/description" edited vim -es -N -u NONE "${edit[@]}"

step "with a swap file, a backup and an undo file"
for options in "set swapfile writebackup nobackup" "set swapfile backup" "set backupcopy=yes" "set backupcopy=no undofile"; do
	echo "before $options" >"$VM/description"
	vim -es -N -u NONE -c "$options" "${edit[@]}" || fail "vim with '$options' failed"
	assert_eq "$(cat "$VM/description")" edited "after vim with '$options'"
	find "$VM" -maxdepth 1 \( -name '*~' -o -name '.*' \) -type f -delete
done

step "vim.tiny"
echo before >"$VM/description"
writes_once "$VM/description" edited vim.tiny -es -u NONE "${edit[@]}"

step "the names that vim tries"
for name in 4913 .description.swp description~; do
	echo "$name" >"$VM/$name"
	assert_eq "$(cat "$VM/$name")" "$name"
	rm "$VM/$name"
done

step "a value that is refused is not written"
vim -es -N -u NONE -c "%s/.*/many/" -c wq "$VM/cpuNum" && fail "vim wrote a bad value"
assert_match "$(cat "$VM/cpuNum")" '^[0-9]+$'
