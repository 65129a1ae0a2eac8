#!/bin/bash
# Who has read a listing to its end stays there, though another process makes it again, and it is longer.
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
for name in one two three four; do
	create zones "{\"name\":\"$name\",\"description\":\"$(printf '%02000d' 0)\"}" >/dev/null
done
cat >read-to-the-end <<'EOF'
import os, signal, sys
folder, worker = sys.argv[1:]
fd = os.open(f'{folder}/inventories', os.O_RDONLY)
length = 0
while text := os.read(fd, 65536):
    length += len(text)
assert length > 8000, length
with open(f'{folder}/create', 'w') as f:
    f.write('{"name":"five","description":"more"}')
    f.flush()
    os.fsync(f.fileno())
assert os.stat(f'{folder}/inventories').st_size > length
os.kill(int(worker), signal.SIGKILL)
for _ in range(3):
    text = os.read(fd, 65536)
    assert not text, f'after its end comes {text!r}'
EOF
python3 read-to-the-end "$MOUNT/zones" "$(worker_pid)"
