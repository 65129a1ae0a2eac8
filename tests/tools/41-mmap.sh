#!/bin/bash
# Every file can be mapped, shared and private, and the calls that copy without reading work on all of them.
. "$(dirname "$0")/lib.sh"

tool_vm
qemu-img create -q -f qcow2 disk.qcow2 8M
cp disk.qcow2 "$MOUNT/images/upload/mapped.qcow2"
echo text >"$VM/scratch"
python3 - "$VM" "$MOUNT" <<'END'
import errno
import mmap
import os
import sys

vm, mount = sys.argv[1:]
files = [os.path.join(vm, name) for name in os.listdir(vm) if os.path.isfile(os.path.join(vm, name))]
files += [os.path.join(mount, name) for name in os.listdir(mount) if os.path.isfile(os.path.join(mount, name))]
files += [mount + "/vm-instances/" + name for name in ("inventories", "create", "schema", "query")]
files += [mount + "/images/by-name/mapped/data"]
mapped = 0
for path in files:
    if path.endswith("/events"):
        continue
    with open(path, "rb") as f:
        content, size = f.read(), os.fstat(f.fileno()).st_size
        if path.endswith("/last-error"):
            continue
        assert len(content) == size, path
        for flags in (mmap.MAP_SHARED, mmap.MAP_PRIVATE):
            with mmap.mmap(f.fileno(), size, flags, mmap.PROT_READ) as m:
                assert m[:] == content, (path, flags)
                mapped += 1
        assert os.lseek(f.fileno(), 0, os.SEEK_HOLE) <= size
        if not path.endswith("/data"):
            assert os.lseek(f.fileno(), 0, os.SEEK_DATA) == 0, path
            assert os.lseek(f.fileno(), 0, os.SEEK_HOLE) == size, path
            try:
                os.lseek(f.fileno(), size, os.SEEK_DATA)
                raise SystemExit(f"{path} has data behind its end")
            except OSError as e:
                assert e.errno == errno.ENXIO
        with open("copy", "wb+") as out:
            sent = 0
            while (n := os.sendfile(out.fileno(), f.fileno(), sent, size - sent)):
                sent += n
            out.seek(0)
            assert out.read() == content, path
        os.lseek(f.fileno(), 0, os.SEEK_SET)
        r, w = os.pipe()
        n = os.splice(f.fileno(), w, min(size, 4096))
        assert os.read(r, 4096) == content[:n] and n > 0, path
        os.close(r)
        os.close(w)
        with open("copy", "wb") as out:
            try:
                os.copy_file_range(f.fileno(), out.fileno(), size, 0)
            except OSError as e:
                assert e.errno in (errno.EXDEV, errno.EINVAL), (path, e)  # callers fall back to read and write
print(mapped, "mappings")
assert mapped > 50

# A mapping shows the file as it was opened, and a new one the new value.
with open(vm + "/description", "r+b") as f:
    f.write(b"before\n")
for text in (b"first\n", b"second, longer\n", b"3\n"):
    with open(vm + "/description", "wb") as f:
        f.write(text)
    with open(vm + "/description", "rb") as f, mmap.mmap(f.fileno(), 0, access=mmap.ACCESS_READ) as m:
        assert m[:] == text, m[:]

# What is written into a mapping would have no caller, so it is refused, and changes nothing.
with open(vm + "/description", "r+b") as f, mmap.mmap(f.fileno(), 0) as m:
    m[0:1] = b"9"
    try:
        m.flush()
        raise SystemExit("a mapping was written")
    except OSError as e:
        print(errno.errorcode[e.errno])
with open(vm + "/description", "rb") as f:
    assert f.read() == b"3\n"
END
