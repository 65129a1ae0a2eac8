#!/bin/bash
# Python's open, pathlib, shutil and the usual atomic write.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted open
spec_once open python3 -c 'import sys
with open(sys.argv[2]) as f, open(sys.argv[1], "w") as spec:
    spec.write(f.read())' "$VM/spec" open.json
wanted json
spec_once json python3 -c 'import json, pathlib, sys
wanted = json.loads(pathlib.Path(sys.argv[2]).read_text())
text = json.dumps(wanted, indent=2).replace("[\n    ", "[").replace("\n  ]", "]")
pathlib.Path(sys.argv[1]).write_text(text + "\n")' "$VM/spec" json.json
writes_once "$VM/description" opened python3 -c 'import sys
with open(sys.argv[1], "w") as f:
    f.write("opened\n")' "$VM/description"
writes_once "$VM/description" pathlib python3 -c 'import pathlib, sys
pathlib.Path(sys.argv[1]).write_text("pathlib\n")
assert pathlib.Path(sys.argv[1]).read_text() == "pathlib\n"' "$VM/description"
writes_once "$VM/description" atomic python3 -c 'import os, sys, tempfile
path = sys.argv[1]
with tempfile.NamedTemporaryFile("w", dir=os.path.dirname(path), delete=False) as f:
    f.write("atomic\n")
    f.flush()
    os.fsync(f.fileno())
    os.fchmod(f.fileno(), os.stat(path).st_mode & 0o7777)
os.replace(f.name, path)' "$VM/description"
echo copied >text
writes_once "$VM/description" copied python3 -c 'import shutil, sys
shutil.copy2(sys.argv[1], sys.argv[2])' text "$VM/description"

step "a refusal is an OSError"
refused EINVAL python3 -c 'import errno, os, sys
fd = os.open(sys.argv[1], os.O_WRONLY)
try:
    os.write(fd, b"many")
except OSError as e:
    sys.exit(errno.errorcode[e.errno])' "$VM/cpuNum"

step "O_EXCL, links and a file without a name"
python3 - "$VM" <<'END'
import errno
import os
import sys

os.chdir(sys.argv[1])


def refusal(call, *args):
    try:
        call(*args)
    except OSError as e:
        return errno.errorcode[e.errno]
    return "OK"


fd = os.open("lock", os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600)
assert refusal(os.open, "lock", os.O_CREAT | os.O_EXCL | os.O_RDWR) == "EEXIST"
assert refusal(os.open, "name", os.O_CREAT | os.O_EXCL | os.O_RDWR) == "EEXIST"
os.write(fd, b"first")
os.link("lock", "second")
assert os.stat("second").st_nlink == 2
assert refusal(os.link, "lock", "name") == "EEXIST"
assert refusal(os.link, "name", "third") == "EPERM"
assert refusal(os.unlink, "state") == "EPERM"
assert refusal(os.rename, "state", "third") == "EPERM"
assert refusal(os.rename, "lock", "state") == "EPERM"
assert refusal(os.rename, "lock", "nics") in ("EISDIR", "EPERM", "ENOTEMPTY")
assert refusal(os.rename, "lock", "../../zones/lock") == "OK"
os.rename("../../zones/lock", "lock")
os.unlink("lock")
assert not os.path.exists("lock")
with open("second") as f:
    assert f.read() == "first"
os.unlink("second")
assert os.fstat(fd).st_nlink == 0
assert os.pread(fd, 10, 0) == b"first"
os.ftruncate(fd, 2)
assert os.fstat(fd).st_size == 2
os.close(fd)
END

step "no file can be created in directories without writable files"
assert_fails "not permitted" touch "$MOUNT/new"
assert_fails "not permitted" touch "$VM/tags/new"
