#!/bin/bash
# Backup and synchronizing programs read the tree and write it back; git has it as its work tree; a sandbox sees one VM.
# limit: 300
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
export HOME=$CASE_DIR RESTIC_PASSWORD=x RESTIC_REPOSITORY=$CASE_DIR/restic BORG_REPO=$CASE_DIR/borg BORG_UNKNOWN_UNENCRYPTED_REPO_ACCESS_IS_OK=yes
echo "to be kept" >"$D"
jobs=$(job_count)

# kept FOLDER: the copy has the files of the VM.
kept() {
	local file
	for file in "$VM"/*; do
		[ ! -f "$file" ] || [ "${file##*/}" = last-error ] || cmp "$file" "$1/${file##*/}"
	done
	[ "$(readlink "$1/host" || true)" = "$(readlink "$VM/host" || true)" ] || fail "the links differ"
}

step "borg"
borg init -e none
for run in 1 2; do borg create "::$run" "$MOUNT/vm-instances"; done
mkdir out && (cd out && borg extract ::2)
kept "out$VM"

step "restic"
restic init -q
for run in 1 2; do restic backup -q "$MOUNT/vm-instances"; done
restic restore -q latest --target restored
kept "restored$VM"

step "rclone"
for run in 1 2; do rclone copy --local-no-set-modtime "$VM" rcloned --exclude '{spec,last-error}' --max-depth 1; done
cmp "$D" rcloned/description
mkdir values
echo "by rclone" >values/description
for run in 1 2; do
	rclone copy values "$VM" --checksum
	assert_eq "$(cat "$D") $(job_count)" "by rclone $((jobs + 1))" "after run $run of rclone"
done

step "unison"
echo "by unison" >values/description
echo 3 >values/cpuNum
for run in 1 2; do
	unison -batch -silent -auto -confirmbigdel=false -prefer "$PWD/values" -path description -path cpuNum -perms 0 -times=false "$PWD/values" "$VM"
	assert_eq "$(cat "$D" "$VM/cpuNum") $(job_count)" "by unison
3 $((jobs + 3))" "after run $run of unison"
done

step "git, with files of the tree in its work tree"
git init -q --bare repository
export GIT_DIR=$CASE_DIR/repository GIT_WORK_TREE=$VM GIT_AUTHOR_NAME=x GIT_AUTHOR_EMAIL=x GIT_COMMITTER_NAME=x GIT_COMMITTER_EMAIL=x
git config core.bare false
git config core.fileMode false
(cd "$VM" && git add description cpuNum name && git commit -q -m first)
for run in 1 2; do
	assert_eq "$(cd "$VM" && git status --porcelain --untracked-files=no)" "" "the status, time $run"
done
echo "second text" >"$D"
(cd "$VM" && git commit -q -a -m second)
before=$(job_count)
(cd "$VM" && git checkout -q HEAD~1 -- description)
assert_eq "$(cat "$D") $(job_count)" "by unison $((before + 1))" "the older commit"
(cd "$VM" && git checkout -q HEAD -- description)
assert_eq "$(cat "$D")" "second text" "the newer commit"
assert_eq "$(cd "$VM" && git status --porcelain --untracked-files=no)" "" "the status at the end"
unset GIT_DIR GIT_WORK_TREE

step "bubblewrap, with one VM and no other files of the tree"
remount_pool -o allow_other
bwrap --ro-bind / / --tmpfs "$CASE_DIR" --bind "$VM" /mnt --dev /dev --proc /proc sh -c 'echo "from the sandbox" >/mnt/description && cat /mnt/last-error' >said
assert_eq "$(cat said) $(cat "$D")" "ok from the sandbox"

step "the same in a user namespace, as the user of an account; links to other objects dangle, jobs do not"
account other 1000 >/dev/null
echo "give resourceUuid=${VM##*/}" >"$MOUNT/accounts/$(value accounts/by-name/other/uuid)/actions"
sync "$MOUNT/accounts/$(value accounts/by-name/other/uuid)/actions"
chmod 755 "$CASE_DIR"
# shellcheck disable=SC2016 # expanded in the sandbox
setpriv --reuid=1000 --regid=1000 --clear-groups bwrap --unshare-user --uid 1000 --gid 1000 --ro-bind /usr /usr --symlink usr/bin /bin \
	--symlink usr/lib /lib --symlink usr/lib64 /lib64 --proc /proc --dev /dev --bind "$VM" /vm sh -eu -c '
	echo start >/vm/actions
	sync /vm/actions
	sed -i s/from/in/ /vm/description
	(echo fly >/vm/actions) 2>/dev/null && exit 1
	cat /vm/state /vm/description /vm/last-error
	cat /vm/jobs/*/state | sort -u
	[ ! -e /vm/zone ] && [ -L /vm/zone ]' >said
assert_match "$(paste -sd ' ' said)" "^Running in the sandbox .*fly.* Done$"
