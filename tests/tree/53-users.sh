#!/bin/bash
# Local users are accounts: alice and bob on one mount see and do what is theirs; a user without an account nothing.
# limit: 240
. "$(dirname "$0")/../tree/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as other users"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other
alice() { setpriv --reuid 4001 --regid 4001 --clear-groups "$@"; }
bob() { setpriv --reuid 4002 --regid 4002 --clear-groups "$@"; }
stranger() { setpriv --reuid 4003 --regid 4003 --clear-groups "$@"; }
# One of the group that is carol, by a supplementary group.
carol() { setpriv --reuid 4004 --regid 4004 --groups 4010,4100 "$@"; }
export -f request

# as USER FILE TEXT: writes as the user; prints OK or the errno.
as() {
	"$1" "$TOP/tests/tree/fileop" write "$MOUNT/$2" "$3"
}
# new USER FOLDER JSON: creates an object as the user, prints its uuid.
new() {
	local job
	job=$("$1" bash -c 'request "$@"' - "$MOUNT/$2/create" "$3" | jq -re .job)
	job_wait "$job"
	value "api-jobs/$job/resource" | grep -oE '[0-9a-f]{32}' | tail -n 1
}
denied() {
	assert_fails "Permission denied" "$@"
}

step "an administrator binds users to accounts"
alice=$(account alice)
bob=$(account bob 4002)
carol=$(account carol @4100)
assert_eq "$(value "accounts/$bob/unixUsers")" 4002
assert_eq "$(value "accounts/$carol/unixUsers")" @4100
echo 4001 >"$MOUNT/accounts/$alice/unixUsers"
sync "$MOUNT/accounts/$alice/unixUsers"
assert_eq "$(value "accounts/$alice/unixUsers")" 4001

step "a list that cannot be is refused and changes nothing"
assert_refused "accounts/$alice/unixUsers" "4001, 4005" EINVAL "needs a group"
assert_refused "accounts/$alice/unixUsers" "@4001 @4100" EINVAL "at most one group"
assert_refused "accounts/$alice/unixUsers" "ali(ce)" EINVAL "not a user"
assert_refused "accounts/$(value accounts/by-name/admin/uuid)/unixUsers" 4005 EINVAL "administrator's account"
# fails LIST REGEX: the list is refused by the job, which looks up the names.
fails() {
	assert_eq "$(write_errno "accounts/$alice/unixUsers" "$1")" OK
	assert_eq "$("$TOP/tests/tree/fileop" fsync "$MOUNT/accounts/$alice/unixUsers")" EIO "sync after '$1'"
	assert_match "$(value last-error)" "$2"
}
fails "no-such-user" "there is no user 'no-such-user'"
fails "@no-such-group" "there is no group"
fails root "administrator of the mount"
fails 4002 "the user 4002 is the account 'bob' already"
fails "4001 @4100" "the group 4100 is the account 'carol' already"
fails "4001 4005 @4200" "4005 is not a member"
assert_eq "$(value "accounts/$alice/unixUsers")" 4001

step "a name is resolved, and shown with its number"
other=$(account other)
echo nobody >"$MOUNT/accounts/$other/unixUsers"
sync "$MOUNT/accounts/$other/unixUsers"
assert_eq "$(value "accounts/$other/unixUsers")" "$(id -u nobody)(nobody)"
shown=$(value "accounts/$other/unixUsers")
assert_eq "$(write_errno "accounts/$other/unixUsers" "$shown")" OK "what is shown, written"
echo >"$MOUNT/accounts/$other/unixUsers"
sync "$MOUNT/accounts/$other/unixUsers"
assert_eq "$(value "accounts/$other/unixUsers")" ""

step "a stranger reaches what says nothing of the pool"
for file in README version operations.json last-error; do
	stranger cat "$MOUNT/$file" >/dev/null
done
for file in features limits metrics events zones "zones/$(first zones)" vm-instances/inventories vm-instances/by-name images/upload; do
	denied stranger cat "$MOUNT/$file"
	denied stranger ls "$MOUNT/$file"
done
assert_eq "$(as stranger affinity-groups/create 'name=x')" EACCES
assert_eq "$(as stranger vm-instances/query 'q=name=x')" EACCES
denied stranger cp /etc/hostname "$MOUNT/images/upload/x.raw"
stranger ls "$MOUNT/sessions" && fail "a stranger lists the sessions"

step "what a user creates is the account's, the user's and closed to others"
group=$(new alice affinity-groups 'name=alices policy=antiSoft')
dir=$MOUNT/affinity-groups/$group
assert_eq "$(stat -c '%a %u' "$dir" "$dir/name" "$dir/inventory" "$dir/actions" | paste -sd' ')" "700 4001 600 4001 400 4001 600 4001"
assert_eq "$(alice cat "$dir/name")" alices
assert_eq "$(as alice "affinity-groups/$group/name" hers)" OK
assert_eq "$(value "affinity-groups/$group/name")" hers
assert_eq "$(as alice "affinity-groups/$group/spec" '{"description":"by spec"}')" OK
alice setfattr -n user.owner -v alice "$dir"
cp "$MOUNT/events" events # read once: the next one may come at any moment
assert_eq "$(grep -c "\"account\":\"$alice\"" events)" "$(grep -c '"uid":4001' events)" "events of alice"
# jobs OBJECT: its jobs, of which there are some.
jobs() {
	find "$MOUNT/$1/jobs" -mindepth 1 -maxdepth 1 -printf '%f\n' | grep .
}
jobs "affinity-groups/$group" >hers.jobs
while read -r job; do
	assert_eq "$(value "api-jobs/$job/accountUuid")" "$alice" "the account of the job"
done <hers.jobs
team=$(new carol affinity-groups 'name=teams policy=antiSoft')
assert_eq "$(stat -c '%a %u %g' "$MOUNT/affinity-groups/$team")" "770 0 4100"
assert_eq "$(as carol "affinity-groups/$team/name" team2)" OK

step "others see it nowhere"
mine=$(new bob affinity-groups 'name=hers policy=antiSoft')
assert_eq "$(alice cat "$MOUNT/affinity-groups/by-name/hers/uuid")" "$group"
assert_eq "$(bob cat "$MOUNT/affinity-groups/by-name/hers/uuid")" "$mine" "the same name of another object"
assert_eq "$(alice cat "$MOUNT/affinity-groups/by-name/hers/uuid")" "$group"
theirs=$(create affinity-groups '{"params":{"name":"roots","policy":"antiSoft"}}')
for user in alice:$group bob:$mine carol:$team; do
	who=${user%%:*} own=${user#*:}
	assert_eq "$($who ls "$MOUNT/affinity-groups" | grep -E '^[0-9a-f]{32}$')" "$own" "what $who lists"
	assert_eq "$($who ls -l "$MOUNT/affinity-groups" | grep -cE ' [0-9a-f]{32}$')" 1
	assert_eq "$($who ls "$MOUNT/affinity-groups/by-name" | wc -l)" 1 "the names that $who sees"
	assert_eq "$($who find "$MOUNT/affinity-groups/where/policy=antiSoft" -type l | wc -l)" 1
	assert_eq "$($who jq -r '.inventories[].uuid' "$MOUNT/affinity-groups/inventories")" "$own"
	assert_eq "$($who jq -r '.inventories[].uuid' "$MOUNT/affinity-groups?q=policy=antiSoft")" "$own"
	assert_eq "$($who bash -c 'request "$@"' - "$MOUNT/affinity-groups/query" 'q=policy=antiSoft' | jq -r '.inventories[].uuid')" "$own"
	assert_eq "$($who jq '.total' "$MOUNT/affinity-groups?count=true")" 1
	$who cat "$MOUNT/api-jobs/inventories" >"$who.jobs"
	$who ls "$MOUNT/api-jobs" >"$who.listed"
	$who cat "$MOUNT/events" >"$who.events"
	for file in jobs events; do
		grep -q "$own" "$who.$file" || fail "$who does not see its own $file"
		assert_eq "$(grep -cE "roots|$theirs" "$who.$file" || true)" 0 "$file of root that $who sees"
	done
	jobs "affinity-groups/$own" >own.jobs
	assert_eq "$(grep -cxFf own.jobs "$who.listed")" "$(wc -l <own.jobs)" "jobs of its own that $who lists"
	jobs "affinity-groups/$theirs" >root.jobs
	assert_eq "$(grep -cxFf root.jobs "$who.listed" || true)" 0 "jobs of root that $who lists"
	assert_eq "$($who cat "$MOUNT/zones/by-name/"*/name)" "$(value "zones/$(first zones)/name")" "what all accounts see"
	for foreign in "$theirs" "$group" "$mine" "$team"; do
		[ "$foreign" != "$own" ] || continue
		$who stat "$MOUNT/affinity-groups/$foreign" >/dev/null
		for file in name inventory actions spec tags jobs last-error; do
			denied "$who" cat "$MOUNT/affinity-groups/$foreign/$file"
			denied "$who" stat "$MOUNT/affinity-groups/$foreign/$file"
			denied "$who" ls "$MOUNT/affinity-groups/$foreign"
		done
		assert_eq "$(as "$who" "affinity-groups/$foreign/name" x)" EACCES
		assert_eq "$(as "$who" "affinity-groups/$foreign/actions" delete)" EACCES
		denied "$who" setfattr -n user.x -v 1 "$MOUNT/affinity-groups/$foreign"
		denied "$who" getfattr --only-values -n user.owner "$MOUNT/affinity-groups/$foreign"
		denied "$who" rmdir "$MOUNT/affinity-groups/$foreign"
	done
done
assert_eq "$(uuids affinity-groups | wc -l)" 4 "what root lists"

step "what is for administrators stays theirs"
assert_eq "$(as alice "accounts/$alice/unixUsers" 4009)" EACCES
assert_match "$(alice cat "$MOUNT/last-error")" "'unixUsers' is for administrators"
assert_eq "$(as alice "zones/$(first zones)/name" x)" EACCES
assert_eq "$(as alice zones/create 'name=x')" EACCES
assert_eq "$(as alice global-configurations/vm/deletionPolicy/value Direct)" EACCES

step "each has a last-error of their own, also through poll(2)"
assert_eq "$(as alice affinity-groups/create 'policy=x')" EINVAL
assert_match "$(alice cat "$MOUNT/last-error")" "name"
assert_eq "$(bob cat "$MOUNT/last-error")" "$(bob cat "$MOUNT/last-error")"
bob cat "$MOUNT/last-error" | lacks alice || fail "bob reads alice's error"
echo nonsense >"$MOUNT/affinity-groups/$theirs/actions" 2>/dev/null && fail "nonsense is accepted"
assert_eq "$(stranger /usr/bin/python3 -c '
import os, select, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
poll = select.poll()
poll.register(fd, select.POLLIN)
poll.poll(1000)
print(os.pread(fd, 4096, 0).decode(), end="")' "$MOUNT/last-error")" ok "the error that a stranger polls"

step "a descriptor acts as who opened it, whoever writes to it"
exec 3>"$MOUNT/affinity-groups/$theirs/name"
stranger bash -c 'echo passed >&3'
exec 3>&-
assert_eq "$(value "affinity-groups/$theirs/name")" passed
cat >"$CASE_DIR/pass.py" <<'EOF2'
# Opens a file as one user and writes to it as root, as a program with privileges does with its caller's descriptor.
import os, sys
os.seteuid(int(sys.argv[1]))
fd = os.open(sys.argv[2], os.O_WRONLY)
os.seteuid(0)
try:
    os.write(fd, sys.argv[3].encode())
    print("OK")
except OSError as e:
    print(e.strerror)
EOF2
assert_eq "$(python3 "$CASE_DIR/pass.py" 4001 "$MOUNT/accounts/$alice/unixUsers" 4008)" "Permission denied" "root's write to what alice has opened"

step "the page cache shows nobody what another has read"

cat >"$CASE_DIR/map.py" <<'EOF2'
import mmap, os, sys
fd = os.open(sys.argv[1], os.O_RDONLY)
try:
    print(mmap.mmap(fd, 4096, mmap.MAP_PRIVATE, mmap.PROT_READ)[:10])
except (OSError, ValueError) as e:
    print(type(e).__name__)
EOF2
python3 "$CASE_DIR/map.py" "$MOUNT/affinity-groups/inventories" 2>&1 | lacks inventories || fail "a listing can be mapped"
python3 -c 'import shutil, sys; shutil.copyfile(sys.argv[1], sys.argv[2])' "$MOUNT/affinity-groups/inventories" copy
assert_eq "$(jq '.inventories | length' copy)" 4 "what sendfile(2) or its replacement copies"

step "files that users create: scratch files and uploads are theirs"
alice sed -i 's/hers/again/' "$dir/name"
assert_eq "$(value "affinity-groups/$group/name")" again
truncate -s 1M "$CASE_DIR/disk.raw"
chmod 644 "$CASE_DIR/disk.raw"
alice cp "$CASE_DIR/disk.raw" "$MOUNT/images/upload/alices.raw"
image=$(alice cat "$MOUNT/images/by-name/alices/uuid")
assert_eq "$(stat -c '%a %u' "$MOUNT/images/$image" "$MOUNT/images/$image/data" | paste -sd' ')" "700 4001 400 4001"
alice cmp "$CASE_DIR/disk.raw" "$MOUNT/images/$image/data"
denied bob cat "$MOUNT/images/$image/data"
setpriv --reuid 4001 --regid 4001 --clear-groups bash -c "exec 3>'$MOUNT/images/upload/open.raw'; exec sleep 60" &
writer=$!
wait_until 10 test -e "$MOUNT/images/upload/open.raw"
denied bob cat "$MOUNT/images/upload/open.raw"
assert_fails "not permitted" bob rm -f "$MOUNT/images/upload/open.raw"
denied bob ls "$MOUNT/images/upload"
kill $writer
wait $writer || true

step "a call without a session acts as the account of the user"
call() { "$1" bash -c 'request "$@"' - "$MOUNT/sessions/call" "$2"; }
assert_eq "$(call alice '{"operation":"QueryAffinityGroup"}' | tail -n +2 | jq -r '.inventories[].uuid')" "$group"
for user in stranger ''; do
	assert_match "$(call "${user:-env}" '{"operation":"QueryAffinityGroup"}')" "^session"
done
assert_match "$(call alice '{"operation":"QueryAffinityGroup","address":"192.0.2.1"}')" "^session"

step "who has no account any more has no access, on open files too"
mkfifo -m 666 "$CASE_DIR/opened" "$CASE_DIR/go"
alice bash -c "exec 3>'$dir/name'; echo >'$CASE_DIR/opened'; read -r <'$CASE_DIR/go'; echo late >&3" 2>"$CASE_DIR/late" &
writer=$!
read -r <"$CASE_DIR/opened"
echo >"$MOUNT/accounts/$alice/unixUsers"
sync "$MOUNT/accounts/$alice/unixUsers"
echo >"$CASE_DIR/go"
wait $writer && fail "a write after the end of the binding succeeds"
denied alice cat "$dir/name"
assert_eq "$(stat -c '%a %u' "$dir" "$dir/name" | paste -sd' ')" "700 0 600 0"
