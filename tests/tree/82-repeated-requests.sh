#!/bin/bash
# A request whose worker is killed when the pool has accepted it, or before it is waited for, ends as it would have without.
. "$(dirname "$0")/../tree/lib.sh"

# offering NAME: makes one, prints its path.
offering() {
	echo "disk-offerings/$(create disk-offerings '{"params":{"name":"'"$1"'","diskSize":1048576}}')"
}

mount_pool
object=$(offering old)
gone=$(offering gone)
names=$MOUNT/disk-offerings/by-name
umount_pool
POOLFS_TEST_KILL_AT=request-accepted POOLFS_TEST_KILL_WORKER=kill mount_pool

# dies CMD...: the command succeeds, though the worker dies meanwhile.
dies() {
	local worker
	worker=$(worker_pid)
	"$@" || fail "'$*' has failed"
	[ "$(worker_pid)" != "$worker" ] || fail "the worker has not died"
	assert_eq "$(cat "$MOUNT/last-error")" ok "the last error"
}

step "an object is renamed, and has the new name by then"
assert_refused "$object/actions" fly EINVAL
dies mv -T "$names/old" "$names/new"
assert_eq "$(value "$object/name")" new
assert_eq "$(value "$object/last-error")" ok
assert_eq "$(cd "$names" && echo *)" "1G gone new"

step "a file is renamed over a value, and is gone by then"
echo text >"$MOUNT/$object/.new"
dies mv "$MOUNT/$object/.new" "$MOUNT/$object/description"
assert_eq "$(value "$object/description")" text
assert_fails "No such file or directory" ls "$MOUNT/$object/.new"

step "so is one over a value that a tool has moved aside"
mv "$MOUNT/$object/description" "$MOUNT/$object/description~"
echo other >"$MOUNT/$object/.new"
dies mv "$MOUNT/$object/.new" "$MOUNT/$object/description"
assert_eq "$(value "$object/description")" other
assert_eq "$(value "$object/description~")" text

step "an fsync asks for the end of its object, which is gone by then"
# end_held FILE TEXT: writes what is not whole yet, and waits for it.
end_held() {
	python3 -c '
import os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
os.write(fd, sys.argv[2].encode())
os.fsync(fd)
os.close(fd)' "$@"
}
dies end_held "$MOUNT/$gone/actions" delete
[ ! -e "$MOUNT/$gone" ] || fail "it is still there"

umount_pool
mount_pool

# waits FILE TEXT [FILE]: writes the text, and waits through both files when the worker has been killed, with a file beside
# them that was open before. Prints the errnos.
waits() {
	python3 - "$(worker_pid)" "$MOUNT" "$@" <<'X'
import errno, os, signal, sys
pid, mount, path, text = int(sys.argv[1]), *sys.argv[2:5]
others = [os.open(f"{mount}/{other}", os.O_WRONLY) for other in sys.argv[5:]]
fd = os.open(f"{mount}/{path}", os.O_WRONLY)
os.write(fd, text.encode() + b"\n")
os.kill(pid, signal.SIGKILL)
open(f"{mount}/version").read()
for f in [fd, *others]:
    try:
        os.fsync(f)
        print("OK")
    except OSError as e:
        print(errno.errorcode[e.errno])
    os.close(f)
X
}

step "who has deleted an object waits for that in the next worker, and so does who had a value of it open"
object=$(offering deleted)
assert_eq "$(waits "$object/actions" delete "$object/description" | xargs)" "OK OK"
[ ! -e "$MOUNT/$object" ] || fail "it is still there"

step "so does who has expunged one"
disk=$(offering disk)
volume=volumes/$(create volumes '{"params":{"name":"v","diskOfferingUuid":"'"${disk#*/}"'","primaryStorageUuid":"'"$(first primary-storage)"'"}}')
assert_eq "$(waits "$volume/actions" delete)" OK
assert_eq "$(waits "$volume/actions" expunge)" OK
[ ! -e "$MOUNT/$volume" ] || fail "it is still there"

# begins PID OBJECT: begins texts for an object that is deleted then, and ends them when the process PID has been killed (0:
# none). Prints the errnos.
begins() {
	python3 - "$MOUNT/$2" "$MOUNT/version" "$1" <<'X'
import errno, os, signal, sys
path, version, pid = sys.argv[1], sys.argv[2], int(sys.argv[3])
begun = ("description", 0, b"some"), ("description", os.O_APPEND, b"more"), ("spec", 0, b'{"name": '), ("actions", 0, b"del")
files = [os.open(f"{path}/{name}", os.O_WRONLY | flags) for name, flags, text in begun]
for fd, (name, flags, text) in zip(files, begun):
    os.write(fd, text)
with open(f"{path}/actions", "w") as f:
    f.write("delete\n")
    f.flush()
    os.fsync(f.fileno())
if pid:
    os.kill(pid, signal.SIGKILL)
    open(version).read()
for fd in files:
    try:
        os.fsync(fd)
        print("OK")
    except OSError as e:
        print(errno.errorcode[e.errno])
X
}

step "what was begun for an object that is deleted then is refused by the next worker as by the one before"
object=$(offering half)
before=$(begins 0 "$object")
object=$(offering half)
assert_eq "$(begins "$(worker_pid)" "$object")" "$before"
assert_match "$before" ^ENOENT
