#!/bin/bash
# Each user follows the events of what the account sees, and no others, while both work, share, revoke, give away.
# limit: 200
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as other users"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
alice=$(account alice 1000)
bob=$(account bob 1001)
as() { setpriv --reuid "$1" --regid "$1" --clear-groups "${@:2}"; }
events=$MOUNT/events
# length UID: of the file of the user, as three ways tell.
length() {
	local size
	size=$(as "$1" stat -c %s "$events")
	assert_eq "$(as "$1" cat "$events" | wc -c)" "$size" "the bytes that $1 reads"
	assert_eq "$(as "$1" tail -c +1 "$events" | wc -c)" "$size"
	echo "$size"
}
declare -A tails=()
# follow UID: appends what follows to what the user has read already.
follow() {
	local have
	touch "followed$1"
	have=$(stat -c %s "followed$1")
	setpriv --reuid "$1" --regid "$1" --clear-groups tail -s 0.1 -f -c "+$((have + 1))" "$events" >>"followed$1" &
	tails[$1]=$!
}
has_followed() { [ "$(stat -c %s "followed$1")" = "$(as "$1" stat -c %s "$events")" ]; }
# unfollow: ends both when they have read all.
unfollow() {
	local uid
	for uid in 1000 1001; do
		wait_until 30 has_followed "$uid"
		kill "${tails[$uid]}"
		wait "${tails[$uid]}" || true
	done
}
# compare: what each has followed with the administrator's.
compare() {
	local uid account
	cat "$events" >all
	for uid in 1000 1001; do
		[ "$uid" = 1000 ] && account=$alice || account=$bob
		as "$uid" cat "$events" | cmp - "followed$uid"
		"$TOP/tests/tree/shown-events" all "followed$uid" "$account"
		length "$uid" >/dev/null
	done
}
work() {
	"$TOP/tests/tree/work-and-share" "$MOUNT" "$(number 60 1000)" "1000:$alice" "1001:$bob"
}

step "each has a file of their own, which all may read"
assert_eq "$(as 1000 stat -c '%a %u' "$events")" "444 0"
assert_eq "$(stat -c '%a %u' "$events")" "400 0"
[ "$(as 1000 stat -c %i "$events")" != "$(as 1001 stat -c %i "$events")" ] || fail "one inode for two users"
assert_fails "Permission denied" as 1003 cat "$events"
assert_fails "Permission denied" as 1003 stat "$events"
assert_fails "Permission denied" as 1000 cat "$MOUNT/metrics"

step "both follow while both work and root gives away"
follow 1000
follow 1001
work
unfollow
compare

step "the rest after a restart continues at the same place"
as 1000 cat "$events" >before1000
umount_pool
mount_pool -o allow_other
head -c "$(stat -c %s before1000)" <(as 1000 cat "$events") | cmp - before1000
follow 1000
follow 1001
work
unfollow
compare

step "since a number, at offsets, and at the end"
middle=$(($(tail -n 1 "$events" | jq .sequence) / 2))
as 1001 jq -c "select(.sequence > $middle)" "$events" | cmp - <(as 1001 jq -c . "$events?since=$middle")
as 1001 /usr/bin/python3 - "$events" followed1001 <<'END'
import os, random, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
with open(sys.argv[2], "rb") as f:
    text = f.read()
random.seed(1)
for _ in range(200):
    at, size = random.randrange(len(text) + 10), random.choice([1, 100, 5000])
    assert os.pread(fd, size, at) == text[at:at + size], at
assert os.lseek(fd, 0, os.SEEK_END) == len(text) == os.fstat(fd).st_size
END

step "a poll wakes for what one sees, and an open file shows no more once the account is gone"
cat >poll.py <<'END'
import os, select, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
os.lseek(fd, 0, os.SEEK_END)
poll = select.poll()
poll.register(fd, select.POLLIN)


def told():
    """What has been told since the last call, after a poll that found something."""
    return os.read(fd, 65536).decode() if poll.poll(60000) else ""


while os.read(fd, 65536):
    pass
print("ready", flush=True)
for line in sys.stdin:
    if line == "quiet\n":
        print("quiet" if not poll.poll(0) else "woken", flush=True)
    elif line == "told\n":
        print("told" if told() else "silence", flush=True)
    else:
        try:
            print("read", len(os.pread(fd, 100, 0)), flush=True)
        except OSError as e:
            print(e.strerror, flush=True)
END
mkfifo questions answers
setpriv --reuid 1001 --regid 1001 --clear-groups /usr/bin/python3 poll.py "$events" <questions >answers &
pid=$!
exec {questions}>questions {answers}<answers
ask() {
	local line
	[ -z "$1" ] || echo "$1" >&"$questions"
	IFS= read -r -u "$answers" line
	echo "$line"
}
assert_eq "$(ask "")" ready
own=$(as 1000 bash -c "$(declare -f request); MOUNT=$MOUNT; request affinity-groups/create 'name=private policy=antiSoft'")
wait_until 20 test -d "$MOUNT/api-jobs/$(job_of "$own")"
assert_eq "$(ask quiet)" quiet "bob's poll after a change of alice"
echo other >"$MOUNT/zones/$(first zones)/description"
sync "$MOUNT/zones/$(first zones)/description"
assert_eq "$(ask told)" told "bob's poll after a change for all"
assert_eq "$(ask read)" "read 100"
echo >"$MOUNT/accounts/$bob/unixUsers"
sync "$MOUNT/accounts/$bob/unixUsers"
assert_eq "$(ask read)" "Permission denied" "a read after the end of the binding"
assert_fails "Permission denied" as 1001 cat "$events"
kill "$pid" # umount(8) needs the file closed
wait "$pid" || true
