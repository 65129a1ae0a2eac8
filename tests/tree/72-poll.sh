#!/bin/bash
# poll(2) wakes with POLLPRI|POLLERR when a value changes, as in /sys, and for events when there is more to read.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm polled "$image" '{"strategy":"CreateStopped"}')
python3 - "$MOUNT" "vm-instances/$vm" <<'END'
import os
import select
import subprocess
import sys
import threading

os.chdir(sys.argv[1])
vm = sys.argv[2]
CHANGED = select.POLLPRI | select.POLLERR


def wait(fd, mask, ms):
    poll = select.poll()
    poll.register(fd, mask)
    return dict(poll.poll(ms)).get(fd, 0)


def write(name, text):
    with open(f"{vm}/{name}", "w") as f:
        f.write(text + "\n")


def read(fd):
    return os.pread(fd, 65536, 0).decode()


fd = os.open(f"{vm}/description", os.O_RDONLY)
assert wait(fd, select.POLLIN, 0) == select.POLLIN, "a value can always be read"
assert wait(fd, select.POLLPRI, 50) == 0, "nothing has changed"

spec = os.open(f"{vm}/spec", os.O_RDONLY)
assert wait(spec, select.POLLPRI, 50) == 0, "no spec has changed"
write("description", "of the spec")
assert wait(spec, select.POLLPRI, 60000) & CHANGED == CHANGED, "the spec shows another description"
assert "of the spec" in read(spec), "the same descriptor shows what the poll told of"
assert wait(spec, select.POLLPRI, 50) == 0, "the spec has been seen"
os.close(spec)
assert wait(fd, select.POLLPRI, 60000) & CHANGED == CHANGED
read(fd)
os.close(fd)
fd = os.open(f"{vm}/description", os.O_RDONLY)

# A change before the poll, one while it waits, and one of another file.
write("description", "first")
assert wait(fd, select.POLLPRI, 60000) == CHANGED
assert read(fd) == "first\n"
assert wait(fd, select.POLLPRI, 50) == 0, "the change has been read"
timer = threading.Timer(0.3, write, ["description", "second"])
timer.start()
assert wait(fd, select.POLLPRI, 60000) == CHANGED
timer.join()
assert read(fd) == "second\n"
write("name", "other")
assert wait(fd, select.POLLPRI, 50) == 0, "another file has changed"

# A reader that does not poll sees the same from open to close.
other = os.open(f"{vm}/description", os.O_RDONLY)
write("description", "third")
assert read(other) == "second\n"

# state, through a whole job, without missing the end.
state = os.open(f"{vm}/state", os.O_RDONLY)
assert read(state) == "Stopped\n"
assert wait(state, select.POLLPRI, 0) == 0
write("actions", "start")
seen = []
while not seen or seen[-1] != "Running\n":
    assert wait(state, select.POLLPRI, 60000) == CHANGED
    seen.append(read(state))

# events: readable exactly when there is more.
subprocess.run(["sync", f"{vm}/actions"], check=True)
log = os.open("events", os.O_RDONLY)
while os.read(log, 65536):
    pass
timer = threading.Timer(0.3, write, ["description", "fourth"])
assert wait(log, select.POLLIN, 1) == 0
timer.start()
text = b""
while b'"fourth"' not in text:
    assert wait(log, select.POLLIN, 60000) == select.POLLIN
    text += os.read(log, 65536)
timer.join()

# A removed object has changed too.
inventory = os.open(f"{vm}/inventory", os.O_RDONLY)
os.read(inventory, 65536)
for verb in ("destroy", "expunge"):
    write("actions", verb)
    subprocess.run(["sync", f"{vm}/actions"], check=verb == "destroy")
assert not os.path.exists(vm)
assert wait(inventory, select.POLLPRI, 60000) == CHANGED
END
