#!/bin/bash
# What mode, owner, times, locks and leases, sync -f and syncfs do to files: the table "What is different" of the mount's README.
. "$(dirname "$0")/lib.sh"

tool_vm
D=$VM/description
echo before >"$D"
echo scratch >"$VM/scratch"
jobs=$(job_count)

python3 - "$VM" "$MOUNT" <<'END'
import ctypes
import errno
import fcntl
import os
import sys

vm, mount = sys.argv[1:]
value, read_only, scratch = vm + "/description", vm + "/state", vm + "/scratch"
everything = [value, read_only, scratch, vm + "/spec", vm + "/actions", mount + "/vm-instances/create", mount + "/README", vm]
libc = ctypes.CDLL(None, use_errno=True)


def answer(function, *args, **more):
    try:
        function(*args, **more)
    except OSError as e:
        return errno.errorcode[e.errno]
    return "OK"


def expect(want, function, *args, **more):
    got = answer(function, *args, **more)
    if got != want:
        sys.exit(f"{function.__name__}{args}: {got}, expected {want}")


def syncfs(path):
    fd = os.open(path, os.O_RDONLY)
    if libc.syncfs(fd):
        raise OSError(ctypes.get_errno(), "syncfs")
    os.close(fd)


def locked(path, lock, share, exclusive):
    """A lock of one open excludes that of another process, and is gone with its holder."""
    first = os.open(path, os.O_RDONLY if path in (vm, read_only) else os.O_RDWR)
    lock(first, exclusive)
    child = os.fork()
    if child == 0:
        second = os.open(path, os.O_RDONLY)
        os._exit(0 if answer(lock, second, share | fcntl.LOCK_NB) in ("EAGAIN", "EACCES") else 1)
    if os.waitpid(child, 0)[1]:
        sys.exit(f"{lock.__name__} of {path} excludes nobody")
    lock(first, fcntl.LOCK_UN)
    lock(first, share | fcntl.LOCK_NB)
    os.close(first)


# chmod, chown: to what it is, else refused; stored for scratch files
for path in everything:
    st = os.stat(path)
    expect("OK", os.chmod, path, st.st_mode & 0o7777)
    expect("OK", os.chown, path, st.st_uid, st.st_gid)
    expect("OK", os.chown, path, -1, -1)
    if path != scratch:
        expect("EPERM", os.chmod, path, (st.st_mode & 0o7777) ^ 0o020)
        expect("EPERM", os.chown, path, 1, -1)
        expect("EPERM", os.chown, path, -1, 1)
expect("OK", os.chmod, scratch, 0o640)
assert os.stat(scratch).st_mode & 0o7777 == 0o640
expect("EPERM", os.chown, scratch, 1, 1)

# times: accepted, ignored; stored for scratch files
for path in everything:
    before = os.stat(path).st_mtime_ns
    expect("OK", os.utime, path, (1000000000, 1000000000))
    expect("OK", os.utime, path)
    if path != scratch:
        assert os.stat(path).st_mtime_ns == before, path
os.utime(scratch, (1000000000, 1000000000))
assert os.stat(scratch).st_mtime == 1000000000

# locks and leases: the kernel's
for path in [value, read_only, scratch, vm + "/spec"]:
    locked(path, fcntl.flock, fcntl.LOCK_SH, fcntl.LOCK_EX)
    if path not in (read_only,):
        fd = os.open(path, os.O_RDWR)
        fcntl.lockf(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
        fcntl.lockf(fd, fcntl.LOCK_UN)
        os.close(fd)
locked(vm, fcntl.flock, fcntl.LOCK_SH, fcntl.LOCK_EX)
# each opening of these is a file of its own, so that who waits on one holds up nobody
for path in [vm + "/actions", mount + "/vm-instances/create"]:
    first, second = os.open(path, os.O_RDWR), os.open(path, os.O_RDWR)
    expect("OK", fcntl.flock, first, fcntl.LOCK_EX | fcntl.LOCK_NB)
    expect("OK", fcntl.flock, second, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(first)
    os.close(second)
for path in [value, read_only, scratch]:
    fd = os.open(path, os.O_RDONLY)
    expect("OK", fcntl.fcntl, fd, fcntl.F_SETLEASE, fcntl.F_RDLCK)
    assert fcntl.fcntl(fd, fcntl.F_GETLEASE) == fcntl.F_RDLCK
    expect("OK", fcntl.fcntl, fd, fcntl.F_SETLEASE, fcntl.F_UNLCK)
    os.close(fd)

# fsync, fdatasync, syncfs of everything
for path in everything:
    fd = os.open(path, os.O_RDONLY)
    expect("OK", os.fsync, fd)
    if not os.path.isdir(path):
        expect("OK", os.fdatasync, fd)
    os.close(fd)
    expect("OK", syncfs, path)
os.unlink(scratch)
END

step "the same with the tools"
sync -f "$D" "$VM" "$MOUNT/README"
sync "$VM" "$VM/inventory" "$MOUNT" "$D"
sync -d "$D"
flock "$VM" true
flock "$D" cat "$D" >/dev/null
touch "$D"
touch -d "1 day ago" "$VM/state"
assert_fails "not permitted" chmod o+x "$D"
chmod 644 "$D"
chown 0:0 "$D"
assert_eq "$(cat "$D") $(job_count)" "before $jobs" "the value and the jobs"

step "a lock is no obstacle to the pool"
exec 9<"$D"
flock -x 9
echo after >"$D"
sync "$D"
assert_eq "$(cat "$D")" after
exec 9<&-
