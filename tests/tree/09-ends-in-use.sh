#!/bin/bash
# A mount that is told to end ends while clients look up names of which the kernel is told to forget some.
# long: 120
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
zone=$MOUNT/zones/$(create zones '{"params":{"name":"in-use"}}')
for ((i = 0; i < $(number 5 40); i++)); do
	step "end $i"
	"$TOP/tests/tree/use-until-gone" "$zone" &
	clients=$!
	sleep 1
	kill -TERM "$(supervisor_pid)"
	(wait_until 60 is_pool_gone) || { umount -f "$MOUNT" || true; fail "the mount does not end while it is in use"; }
	wait $clients
	! mountpoint -q "$MOUNT" || umount -l "$MOUNT"
	mount_pool
done
