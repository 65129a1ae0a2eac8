#!/bin/bash
# With -o inotify watchers get the kernel's own events for changes made elsewhere; without it only for writes.
# limit: 240
. "$(dirname "$0")/../tree/lib.sh"

LOG=$CASE_DIR/watched

# watch PATH...: from now on the events of these go into $LOG, "NAME EVENT[,EVENT]" each, below the mount.
watch() {
	: >"$LOG"
	(cd "$MOUNT" && exec inotifywait -m -q --format '%w%f %e' -e attrib,create,delete,delete_self,modify "$@") \
		>>"$LOG" 2>"$CASE_DIR/inotifywait" &
	WATCHER=$!
	wait_until 10 are_watched $#
}

# The kernel's own list of what the watcher watches.
are_watched() {
	[ "$(cat "/proc/$WATCHER/fdinfo"/* | grep -c '^inotify wd:')" -ge "$1" ]
}

unwatch() {
	kill "$WATCHER"
	wait "$WATCHER" || true
}

told() {
	grep -qxF "$1" "$LOG"
}

# is_told LINE...: each of these events arrives.
is_told() {
	local line
	for line in "$@"; do
		(wait_until 20 told "$line") 2>/dev/null || {
			cat "$LOG" >&2
			fail "not told: '$line'"
		}
	done
}

# count_told LINE
count_told() {
	grep -cxF "$1" "$LOG" || true
}

# untold LINE...: none of these has arrived; call it after a later event has.
untold() {
	local line
	for line in "$@"; do
		assert_eq "$(count_told "$line")" 0 "the number of '$line'"
	done
}

# call OPERATION PARAMS: as the REST program does it, in a session of the administrator.
call() {
	[ -n "${SESSION:-}" ] || log_in
	request "sessions/$SESSION/call" "$(jq -nc --arg op "$1" --argjson params "$2" '{operation: $op, params: $params}')"
}

log_in() {
	local hash
	hash=$(printf password | sha512sum | cut -d ' ' -f 1)
	SESSION=$(request sessions/call "$(jq -nc --arg hash "$hash" \
		'{operation: "LogInByAccount", params: {accountName: "admin", password: $hash}}')" | sed 1d | jq -r .inventory.uuid)
	assert_match "$SESSION" '^[0-9a-f]{32}$' "the session"
}

# ends PID: the program has ended.
ends() {
	[ ! -e "/proc/$1" ]
}

# waits_in FUNCTION PID: the process waits in that function of the kernel.
waits_in() {
	grep -q "$1" "/proc/$2/stack"
}

step "the option is refused where it cannot work"
assert_fails "exclude each other" "$POOLFS" -o "state=$STATE,uri=$URI,inotify,ro" "$MOUNT"

step "with the option"
mount_pool -o inotify
grep -qx 'inotify everything' "$MOUNT/features"
image=$(small_image)
vm=$(create_vm watched "$image" '{"strategy":"CreateStopped"}')
dir=vm-instances/$vm
watch "$dir/state" "$dir/inventory" "$dir/actions" "$dir/spec" "$dir/description" "$dir/name" "$dir/jobs" "$dir" "$dir/tags" \
	vm-instances/inventories vm-instances vm-instances/by-name api-jobs events

step "a change by a job"
job=$(submit "$dir/actions" start)
job_wait "$job"
is_told "$dir/state ATTRIB" "$dir/inventory ATTRIB" "$dir/actions ATTRIB" "vm-instances/inventories ATTRIB" \
	"$dir/host CREATE" "events ATTRIB"
is_told "$dir/jobs/$job CREATE,ISDIR" "api-jobs/$job CREATE,ISDIR"

step "a change by REST"
call UpdateVmInstance "{\"uuid\":\"$vm\",\"description\":\"by rest\"}" >/dev/null
is_told "$dir/description ATTRIB" "$dir/spec ATTRIB"
assert_eq "$(value "$dir/description")" "by rest" "what the event is about"
untold "$dir/name ATTRIB"

step "a rename moves the link"
call UpdateVmInstance "{\"uuid\":\"$vm\",\"name\":\"renamed\"}" >/dev/null
is_told "$dir/name ATTRIB" "vm-instances/by-name/watched DELETE" "vm-instances/by-name/renamed CREATE"
assert_eq "$(readlink "$MOUNT/vm-instances/by-name/renamed")" "../$vm" "the link"
[ ! -L "$MOUNT/vm-instances/by-name/watched" ] || fail "the old link is still there"

step "a user's own write is reported by the kernel, its consequences by the daemon"
: >"$LOG"
echo "by hand" >"$MOUNT/$dir/description"
is_told "$dir/description MODIFY" "$dir/description ATTRIB"

step "tags are added and removed"
job=$(submit user-tags/create "resourceType=VmInstanceVO resourceUuid=$vm tag=a")
job_wait "$job"
tag=$(value "api-jobs/$job/result" | jq -r .inventory.uuid)
is_told "$dir/tags/$tag CREATE"
assert_eq "$(cat "$MOUNT/$dir/tags/$tag")" a "the tag"
act "user-tags/$tag" delete
is_told "$dir/tags/$tag DELETE"

step "objects are created, and their names work at once, even for a process inside the directory"
SESSION=
job=$(call CreateVmInstance "$(vm_json second "$image" '{"strategy":"CreateStopped"}' | jq -c .params)" | job_of "$(cat)")
job_wait "$job"
second=$(value "api-jobs/$job/resource" | grep -oE '[0-9a-f]{32}' | tail -n 1)
(
	cd "$MOUNT/vm-instances/$second"
	is_told "vm-instances/$second CREATE,ISDIR" "vm-instances/by-name/second CREATE"
	assert_eq "$(cat name)" second "the name, from inside"
	assert_eq "$(/bin/pwd)" "$MOUNT/vm-instances/$second" "the working directory"
)
assert_eq "$(stat -c '%F %a' "$MOUNT/vm-instances/$second")" "directory 755" "the new directory"
assert_eq "$(value "vm-instances/by-name/second/uuid")" "$second" "the object behind the new name"
assert_eq "$(count_told "vm-instances/$second CREATE,ISDIR")" 1 "tellings of the new directory"

step "a second object of the same name, and the one that remains"
third=$(create_vm second "$image" '{"strategy":"CreateStopped"}')
is_told "vm-instances/by-name/second~2 CREATE"

step "an object is removed, and so are the watches on its files"
unwatch
watch "vm-instances/$second/state" "vm-instances/$second" vm-instances vm-instances/by-name
call DestroyVmInstance "{\"uuid\":\"$second\"}" >/dev/null
is_told "vm-instances/$second/state ATTRIB"
wait_for "vm-instances/$second/state" Destroyed 20
call ExpungeVmInstance "{\"uuid\":\"$second\"}" >/dev/null
is_told "vm-instances/$second DELETE,ISDIR" "vm-instances/by-name/second~2 DELETE" \
	"vm-instances/$second/state DELETE" "vm-instances/$second/state DELETE_SELF" "vm-instances/$second/ DELETE_SELF"
assert_fails "No such file" stat "$MOUNT/vm-instances/$second"
assert_eq "$(value "vm-instances/by-name/second/uuid")" "$third" "who has the name now"

step "an expunge is reported once"
act "vm-instances/$third" destroy
act "vm-instances/$third" expunge
is_told "vm-instances/$third DELETE,ISDIR"
create_vm last "$image" '{"strategy":"CreateStopped"}' >/dev/null
is_told "vm-instances/by-name/last CREATE"
assert_eq "$(count_told "vm-instances/$third DELETE,ISDIR")" 1 "tellings of the deletion"

step "users still cannot create or remove these objects by hand"
assert_fails "not permitted" mkdir "$MOUNT/vm-instances/$third"
assert_fails "not permitted" ln -s x "$MOUNT/vm-instances/by-name/x"
assert_fails "not empty" rmdir "$MOUNT/vm-instances/by-name"
assert_fails "not empty" rmdir "$MOUNT/$dir"
(cd "$MOUNT" && ls vm-instances vm-instances/by-name) | finds -x last
unwatch

step "a process that waits for a job does not delay events for others"
exec 5>"$MOUNT/images/upload/slow.raw"
printf '\1oot' >&5
slow=$(value images/inventories | jq -r '.inventories[] | select(.name == "slow") | .uuid')
watch "images/$slow/actions" "images/$slow/status" "$dir/description" 5>&-
submit "images/$slow/actions" "change-state stateEvent=disable" >/dev/null
sync "$MOUNT/images/$slow/actions" 5>&- &
syncer=$!
wait_until 10 waits_in fsync "$syncer"
printf more >&5 # changes the image; the upload goes on, and the other job waits for its end
wait_for "images/$slow/status" Ready 10
is_told "images/$slow/status ATTRIB"
call UpdateVmInstance "{\"uuid\":\"$vm\",\"description\":\"meanwhile\"}" >/dev/null
is_told "$dir/description ATTRIB"
untold "images/$slow/actions ATTRIB"
kill -0 "$syncer"
exec 5>&-
wait "$syncer"
is_told "images/$slow/actions ATTRIB"
unwatch

step "many changes while nobody watches: a later watcher gets the later events"
python3 - "$MOUNT" <<'END'
import os
import sys
import threading

os.chdir(sys.argv[1])


def make(n):
    for i in range(250):
        with open("zones/create", "w") as f:
            f.write('{"params":{"name":"zone-%d-%d"}}\n' % (n, i))


threads = [threading.Thread(target=make, args=(n,)) for n in range(4)]
for t in threads:
    t.start()
for t in threads:
    t.join()
END
sync "$MOUNT/zones/create"
watch zones zones/by-name
create zones '{"params":{"name":"the-last-zone"}}' >/dev/null
is_told "zones/by-name/the-last-zone CREATE"
untold "zones/by-name/zone-0-0 CREATE"
unwatch

step "the process that serves the mount is killed, or replaced: what is watched goes on, also names in folders"
upgrade_pool() {
	"$POOLFS" --upgrade "$MOUNT"
}
kill_worker() {
	kill -KILL "$(worker_pid)"
}
watch disk-offerings disk-offerings/by-name "$dir/description" "$dir/inventory"
for way in kill_worker upgrade_pool kill_worker; do
	: >"$LOG"
	$way
	# what the former one had not told yet, nobody knows
	is_told "disk-offerings/ ATTRIB,ISDIR" "disk-offerings/by-name ATTRIB,ISDIR" "$dir/description ATTRIB" \
		"$dir/inventory ATTRIB"
	: >"$LOG"
	for i in 1 2 3; do
		offering=$(create disk-offerings '{"params":{"name":"'$way-$i'","diskSize":1048576}}')
		is_told "disk-offerings/$offering CREATE,ISDIR" "disk-offerings/by-name/$way-$i CREATE"
		assert_eq "$(value "disk-offerings/by-name/$way-$i/uuid")" "$offering" "the object behind the new name"
		act "disk-offerings/$offering" delete
		is_told "disk-offerings/$offering DELETE,ISDIR" "disk-offerings/by-name/$way-$i DELETE"
	done
	SESSION=
	call UpdateVmInstance "{\"uuid\":\"$vm\",\"description\":\"after $way\"}" >/dev/null
	is_told "$dir/description ATTRIB"
	assert_eq "$(value "$dir/description")" "after $way" "what the event is about"
	echo "by hand" >"$MOUNT/$dir/description"
	is_told "$dir/description MODIFY"
done
unwatch

step "umount during many changes: at once, and the program ends"
pid=$(worker_pid)
(
	cd /
	exec >/dev/null 2>&1
	i=0
	while echo "change $((i += 1))" >"$MOUNT/$dir/description"; do sleep 0.02; done # umount needs a gap
) &
writer=$!
stat "$MOUNT/$dir/description" "$MOUNT/$dir/inventory" >/dev/null
sleep 0.5
wait_until 60 umount "$MOUNT"
wait_until 20 ends "$pid"
wait "$writer" || true

step "SIGTERM and SIGKILL during many changes"
for signal in TERM KILL; do
	mount_pool -o inotify
	mapfile -t pids < <(pool_pids)
	(
		cd /
		exec >/dev/null 2>&1
		i=0
		while echo "change $signal $((i += 1))" >"$MOUNT/$dir/description"; do :; done
	) &
	writer=$!
	stat "$MOUNT/$dir/description" "$MOUNT/$dir/inventory" >/dev/null
	sleep 0.5
	kill "-$signal" "${pids[@]}"
	wait_until 20 is_pool_gone
	umount -l "$MOUNT" 2>/dev/null || true
	wait "$writer" || true
done

step "without the option"
mount_pool
grep -qx 'inotify own writes' "$MOUNT/features"
watch "$dir/description" vm-instances
SESSION=
call UpdateVmInstance "{\"uuid\":\"$vm\",\"description\":\"unseen\"}" >/dev/null
job=$(call CreateVmInstance "$(vm_json unseen "$image" '{"strategy":"CreateStopped"}' | jq -c .params)" | job_of "$(cat)")
job_wait "$job"
echo seen >"$MOUNT/$dir/description"
is_told "$dir/description MODIFY"
assert_eq "$(sort -u "$LOG")" "$dir/description MODIFY" "all that is told"
unwatch
