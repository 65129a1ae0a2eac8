#!/bin/bash
# poolfs --upgrade: the mount stays and goes on with the new program; one that cannot serve it leaves the old one there.
# limit: 180
. "$(dirname "$0")/../tree/lib.sh"

export POOLFS_LIBEXEC=${POOLFS%/*}
mkdir old new broken
for copy in old new broken; do
	cp "$POOLFS" "$copy/poolfs"
done
POOLFS=$CASE_DIR/old/poolfs

# upgrade PROGRAM: its outcome; what was open must go on.
upgrade() {
	"$1" --upgrade "$MOUNT"
}

# stays: nothing has changed.
stays() {
	assert_eq "$(programs)" "$CASE_DIR/old/poolfs" "the programs"
	assert_eq "$(cat "$MOUNT/zones/$zone/name")" "$name"
}

assert_fails "no pool is mounted on" "$POOLFS" --upgrade "$MOUNT"
assert_fails "no mount point given" "$POOLFS" --upgrade
assert_fails "takes only a mount point" "$POOLFS" --upgrade -o ro "$MOUNT"

step "neither this program nor the former one can go on"
code=0
said=$(POOLFS_HANDOVER="device=5 former=6" "$POOLFS" --nonsense 5</dev/null 6</dev/null 2>&1) || code=$?
assert_eq "$code" 1 "the exit status"
assert_match "$said" "poolfs: the former program: cannot start the program: .*"
assert_match "$said" "no mount point given"

mount_pool
zone=$(first zones)
name=$(value "zones/$zone/name")
exec 3<"$MOUNT/zones/$zone/inventory"
head -c 5 <&3 >piece

step "a program that cannot run"
printf 'another text' | dd of=broken/poolfs bs=1 seek=64 conv=notrunc status=none # the table of its segments
assert_fails "" broken/poolfs --version
cat >ask.py <<'EOF'
# Asks for an upgrade to a program that cannot ask by itself; without a program, says nothing. Prints the answer.
import os, socket, sys
mount = sys.argv[1]
device = next(line.split()[2] for line in open('/proc/self/mountinfo') if line.split()[4] == mount)
s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
s.connect(b'\0poolfs/upgrade/' + device.encode())
for program in sys.argv[2:]:
    socket.send_fds(s, [b'u'], [os.open(program, os.O_RDONLY)])
answer = s.recv(5000)
print(answer[1:].decode() if answer[:1] == b'x' else answer)
EOF
said=$(python3 ask.py "$MOUNT" broken/poolfs)
assert_match "$said" "cannot start the program: .*|the new program ended without a message when it was tried"
stays
assert_eq "$(python3 ask.py "$MOUNT" /bin/false)" "the new program ended without a message when it was tried"
stays

step "a program that is older than the database"
version=$(sqlite3 "$STATE/pool.db" "PRAGMA user_version")
sqlite3 "$STATE/pool.db" "PRAGMA user_version = 9999"
assert_fails "the database has schema version 9999, this poolfs knows versions up to $version" upgrade new/poolfs
sqlite3 "$STATE/pool.db" "PRAGMA user_version = $version"
stays

step "a program that can open the database, but not serve it"
cp new/poolfs broken/poolfs
sed -i 's/PRAGMA trusted_schema = OFF/PRAGMA trusted_schema = O+F/' broken/poolfs
! cmp -s new/poolfs broken/poolfs || fail "the statement is not in the program"
assert_fails "stays with the present program: " upgrade broken/poolfs
stays
grep -q "cannot serve it: .*; the former program goes on" "$STATE/poolfs.log"

step "another user, who may also say nothing"
chmod a+rx . new
nobody=(setpriv --reuid nobody --regid nogroup --clear-groups)
assert_fails "may replace its program" "${nobody[@]}" new/poolfs --upgrade "$MOUNT"
said=$("${nobody[@]}" timeout 60 /usr/bin/python3 - "$MOUNT" <ask.py)
assert_match "$said" "only root and the user who mounted it may replace its program"
stays

step "a good one, and what is open goes on"
upgrade new/poolfs
assert_eq "$(programs)" "$CASE_DIR/new/poolfs"
cat <&3 >>piece
exec 3<&-
cmp piece "$MOUNT/zones/$zone/inventory"
grep -q "has taken over" "$STATE/poolfs.log"
POOLFS=$CASE_DIR/new/poolfs
kill -KILL "$(worker_pid)"
assert_eq "$(value "zones/$zone/name")" "$name"

step "a job that runs ends before, and what is asked for meanwhile is done after"
truncate -s 1M big.raw
"$TOP/tests/tree/slow-http" big.raw go >port &
wait_until 10 test -s port
image_json() {
	jq -nc --arg name "$1" --arg url "http://127.0.0.1:$(cat port)/big.raw" --arg bs "$(first backup-storage)" \
		'{params: {name: $name, url: $url, format: "raw", backupStorageUuids: [$bs]}}'
}
running=$(submit images/create "$(image_json running)")
wait_for "api-jobs/$running/state" Processing 10
upgrade old/poolfs &
upgrading=$!
is_held() { # no job begins any more
	later=$(submit images/create "$(image_json "later-$RANDOM")")
	for _ in {1..20}; do
		sleep 0.1
		[ "$(value "api-jobs/$later/state")" = Queued ] || return 1
	done
}
wait_until 20 is_held
assert_fails "another upgrade is under way; try again when it has ended" upgrade new/poolfs
touch go
wait "$upgrading" || fail "the upgrade ended with $?"
assert_eq "$(value "api-jobs/$running/state")" Done
wait_for "api-jobs/$later/state" Done 30
assert_eq "$(programs)" "$CASE_DIR/old/poolfs"
POOLFS=$CASE_DIR/old/poolfs

step "the file of the program is replaced, as packages do it"
cp new/poolfs old/poolfs.tmp
mv old/poolfs.tmp old/poolfs
upgrade old/poolfs
assert_eq "$(programs)" "$CASE_DIR/old/poolfs"
umount_pool
