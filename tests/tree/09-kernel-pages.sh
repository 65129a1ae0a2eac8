#!/bin/bash
# The kernel reads small values out of its pages, and each reader sees one content from open to close.
# long: 600
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
vm=$(create_vm paged "$image" '{"strategy":"JustCreate"}')
dir=$MOUNT/vm-instances/$vm
pid=$(worker_pid)

step "a value that the kernel has is read with an open and a close"
requests()
{
	awk '/^syscr:/ { print $2 }' "/proc/$pid/task/$pid/io"
}
cat >read-often <<'EOF'
import os, sys
for i in range(100):
    fd = os.open(sys.argv[1], os.O_RDONLY)
    assert os.read(fd, 65536) and not os.read(fd, 65536)
    os.close(fd)
EOF
for file in state uuid inventory; do
	cat "$dir/$file" >/dev/null
	before=$(requests)
	python3 read-often "$dir/$file"
	count=$(($(requests) - before))
	[ "$count" -lt 250 ] || fail "100 reads of '$file' are $count requests"
done

step "its attributes are still known after that"
kill -STOP "$pid"
timeout 60 stat -c %s "$dir/state" "$dir/inventory" >sizes || { kill -CONT "$pid"; fail "the kernel asks after a read"; }
kill -CONT "$pid"

step "what is open shows one content, and the name shows what is there"
zone=$MOUNT/zones/$(create zones '{"params":{"name":"paged"}}')
"$TOP/tests/tree/one-content" "$zone" "kill -KILL \$(pgrep -P $(supervisor_pid) | tail -1); cat '$MOUNT/version' >/dev/null"

step "readers, stat(2) and poll(2) while it changes"
"$TOP/tests/tree/contents-while-changing" "$dir" "$(number 4 120)"

step "the same, while the worker is killed"
"$TOP/tests/tree/contents-while-changing" "$zone" "$(number 6 120)" &
clients=$!
while sleep 1 && kill -0 $clients 2>/dev/null; do
	kill -KILL "$(worker_pid)"
done
wait $clients
