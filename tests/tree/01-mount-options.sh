#!/bin/bash
# How the program starts and ends: options, exit codes, one sentence for each refusal.
. "$(dirname "$0")/../tree/lib.sh"

# refuses REGEX ARGUMENT...: poolfs must fail quickly, print one line that matches, and mount nothing.
refuses() {
	local regex=$1 status=0 said
	shift
	said=$(timeout 60 "$POOLFS" "$@" 2>&1 >stdout) || status=$?
	case $status in
	0) fail "'poolfs $*' succeeded" ;;
	124) fail "'poolfs $*' hangs" ;;
	esac
	[ $status -lt 126 ] || fail "'poolfs $*' died with status $status"
	assert_eq "$(cat stdout)" "" "the standard output of 'poolfs $*'"
	assert_eq "$(wc -l <<<"$said")" 1 "the number of lines that 'poolfs $*' said: $said; it"
	assert_match "$said" "^poolfs: .*$regex" "what 'poolfs $*' said"
	! mountpoint -q "$MOUNT" || fail "'poolfs $*' left a mount"
}

step "--help and --version"
assert_match "$("$POOLFS" --help)" "state=DIR.*" "the help"
assert_match "$("$POOLFS" --help)" "uri=URI" "the help"
assert_match "$("$POOLFS" --version)" "^poolfs [0-9]+\.[0-9]+" "the version"

step "bad arguments"
refuses "." -o "state=$STATE,uri=$URI"
refuses "frobnicate" --frobnicate "$MOUNT"
refuses "unknown option.s.: \`-o nonsense=1'" -o "state=$STATE,nonsense=1" "$MOUNT"
refuses "$MOUNT/nothing" -o "state=$STATE,uri=$URI" "$MOUNT/nothing"
touch file
refuses "file" -o "state=$STATE,uri=$URI" file

refuses "exclude each other" -o "state=$STATE,inotify,ro" "$MOUNT"
refuses "exclude each other" -o "state=$STATE,allow_root,allow_other" "$MOUNT"
refuses "cannot be changed: unmount it" -o "state=$STATE,remount" "$MOUNT"
refuses "too many paths: 'a', 'b', 'c'" -o "state=$STATE" a b c
refuses "max_read=many. needs a number" -o "state=$STATE,max_read=many" "$MOUNT"

step "an unusable state folder"
refuses "'$MOUNT' must not be in the mount point" -o "state=$MOUNT,uri=$URI" "$MOUNT"
refuses "must not be in the mount point" -o "state=$MOUNT/state,uri=$URI" "$MOUNT"
assert_eq "$(ls -A "$MOUNT")" "" "what a refused state folder left"
refuses "file/state" -o "state=$CASE_DIR/file/state,uri=$URI" "$MOUNT"
refuses "/proc" -o "state=/proc/poolfs,uri=$URI" "$MOUNT"

step "no /dev/fuse"
cat >without-fuse <<'EOF'
mount -t tmpfs dev /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
exec "$@"
EOF
said=$(unshare --mount sh -e without-fuse "$POOLFS" -o "state=$STATE,uri=$URI" "$MOUNT" 2>&1) &&
	fail "poolfs mounts without /dev/fuse"
assert_match "$said" "^poolfs: .*/dev/fuse" "the complaint"
assert_eq "$(wc -l <<<"$said")" 1 "the number of lines of the complaint '$said'"
[ ! -e "$CASE_DIR/their-state/pool.db" ] || fail "a pool was made for a mount that failed"

step "closed standard descriptors, few descriptors, an odd umask"
for closed in '<&-' '>&-' '2>&-' '<&- >&-' '<&- 2>&-' '>&- 2>&-' '<&- >&- 2>&-'; do
	step "  $closed"
	timeout 60 bash -c "\"\$@\" $closed" bash "$POOLFS" -o "state=$STATE,uri=$URI" "$MOUNT" || fail "poolfs $closed ends with $?"
	test -s "$MOUNT/README"
	for pid in $(pool_pids); do
		assert_eq "$(readlink "/proc/$pid/fd/0" "/proc/$pid/fd/1" "/proc/$pid/fd/2" | tr '\n' ' ')" "/dev/null /dev/null $STATE/poolfs.log "
	done
	assert_eq "$(cat "$STATE/lock")" "" "what was printed into the lock"
	umount_pool
done
assert_fails "see 'poolfs --help'" bash -c '"$@" <&-' bash "$POOLFS"
(ulimit -n 63 && refuses "at most 63 files may be open .'ulimit -n'." -o "state=$STATE,uri=$URI" "$MOUNT")
(ulimit -n 64 && mount_pool)
for i in $(seq 14); do
	cp "$POOLFS" "$MOUNT/images/upload/.several$i" &
done
wait
rm "$MOUNT"/images/upload/.several*
umount_pool
(ulimit -Sn 20 && mount_pool) # the hard limit counts
assert_match "$(grep "Max open files" "/proc/$(worker_pid)/limits")" "files +([0-9]+) +[0-9]+ " "the limit of open files"
umount_pool
for mask in 0777 0077 0000; do
	(umask $mask && "$POOLFS" -o "state=$CASE_DIR/state-$mask,uri=$URI" "$MOUNT")
	test -s "$MOUNT/README"
	umount_pool
	assert_eq "$(find "$CASE_DIR/state-$mask" -type d ! -perm -u=rwx)" "" "folders closed to their owner by the umask $mask"
	assert_eq "$(stat -c %a "$CASE_DIR/state-$mask" "$CASE_DIR/state-$mask/primary" "$CASE_DIR/state-$mask/console" | tr '\n' ' ')" "711 711 711 " "what guests reach with the umask $mask"
	assert_eq "$(find "$CASE_DIR/state-$mask" -type f ! -perm -u=rw)" "" "files closed to their owner by the umask $mask"
	assert_eq "$(find "$CASE_DIR/state-$mask" -maxdepth 1 -type f -perm /o=rwx)" "" "files open to others by the umask $mask"
done

step "a smaller max_read"
mount_pool -o max_read=4096
cat "$MOUNT/README" "$MOUNT/vm-instances/schema" >/dev/null
umount_pool

step "a host whose URI is none"
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = 'nonsense'"
refuses "'nonsense' is not a URI of a host" -o "state=$STATE,uri=$URI" "$MOUNT"
sqlite3 "$STATE/pool.db" "UPDATE host SET uri = '$URI'"

step "the mount of a killed program, also one whose attributes the kernel still has"
mount_pool
cat "$MOUNT/version"
stat "$MOUNT"
# shellcheck disable=SC2046 # one word a pid
kill -KILL $(pool_pids)
wait_until 15 is_pool_gone
(MOUNT=$CASE_DIR/nothing refuses "cannot use the mount point '$CASE_DIR/pool': Transport endpoint is not connected; unmount it first" \
	-o "state=$STATE,uri=$URI" "$CASE_DIR/pool")
umount "$MOUNT"

step "exit 0 means usable, and no descriptor or folder of the caller is held"
output=$(timeout 60 "$POOLFS" -o "state=$STATE,uri=$URI" "$MOUNT") || fail "poolfs does not mount, or holds its caller's pipe"
assert_eq "$output" "" "what poolfs printed"
test -s "$MOUNT/README"
assert_eq "$(find "$STATE" -maxdepth 1 -type f -perm /o=rwx)" "" "what others may read in the state folder"

step "a second daemon on the same state"
mkdir second
refuses_second() {
	local MOUNT=$CASE_DIR/second
	refuses "$STATE" -o "state=$STATE,uri=$URI" "$MOUNT"
}
refuses_second
test -s "$MOUNT/README"

step "a mount right after the umount waits until the former program has ended"
umount "$MOUNT"
"$POOLFS" -o "state=$STATE,uri=$URI" "$MOUNT" || fail "the next mount was refused"
test -s "$MOUNT/README"

step "umount"
umount_pool

step "a host that does not answer is reported in the log"
"$POOLFS" -o "state=$CASE_DIR/lost,uri=qemu+unix:///system?socket=$CASE_DIR/nowhere" "$MOUNT" || fail "a pool without its host does not mount"
umount_pool
grep -q " warning host .* is Disconnected: .*nowhere" "$CASE_DIR/lost/poolfs.log" || fail "the log says '$(cat "$CASE_DIR/lost/poolfs.log")'"

step "fusermount3 -u"
mount_pool
fusermount3 -u "$MOUNT"
wait_until 15 is_pool_gone

step "SIGTERM in the background"
mount_pool
# shellcheck disable=SC2046 # one word a pid
kill -TERM $(pool_pids)
wait_until 15 is_pool_gone
! mountpoint -q "$MOUNT" || fail "the mount is still there"

step "SIGTERM in the foreground"
"$POOLFS" -f -o "state=$STATE,uri=$URI" "$MOUNT" &
wait_until 15 mountpoint -q "$MOUNT"
kill -TERM $!
wait $! || fail "poolfs -f exits with status $? after SIGTERM"
! mountpoint -q "$MOUNT" || fail "the mount is still there"

step "a relative mount point and state folder"
(cd "$CASE_DIR" && "$POOLFS" -o "state=state,uri=$URI" pool)
test -s "$MOUNT/README"
umount_pool

step "read-only"
mount_pool -o ro
assert_eq "$(write_errno "zones/$(first zones)/name" x)" EROFS "writing to a read-only mount"
assert_eq "$(write_errno zones/create '{"params":{"name":"x"}}')" EROFS "creating on a read-only mount"
umount_pool

step "a user who may not let others in is told why"
echo "# nothing is allowed" >fuse.conf
mkdir "$CASE_DIR/theirs" "$CASE_DIR/their-state"
chown 65534 "$CASE_DIR/theirs" "$CASE_DIR/their-state"
cat >as-user <<'EOF'
mount --bind "$1" /etc/fuse.conf
mknod -m 666 "$1-device" c 10 229
mount --bind "$1-device" /dev/fuse
shift
exec setpriv --reuid=65534 --clear-groups "$@"
EOF
said=$(unshare --mount sh -e as-user "$CASE_DIR/fuse.conf" "$POOLFS" -o "allow_other,state=$CASE_DIR/their-state,uri=$URI" "$CASE_DIR/theirs" 2>&1) &&
	fail "a user may let others in without user_allow_other"
assert_match "$said" "^poolfs: cannot mount on '$CASE_DIR/theirs': .*user_allow_other" "the complaint"
assert_eq "$(wc -l <<<"$said")" 1 "the number of lines of the complaint '$said'"

step "other users"
mount_pool
assert_fails "Permission denied" setpriv --reuid=65534 --clear-groups cat "$MOUNT/README"
remount_pool -o allow_other
setpriv --reuid=65534 --clear-groups cat "$MOUNT/README" >/dev/null
