#!/bin/bash
# When the disk of the state folder is full, the file not-serving says nevertheless why the mount is not served.
# limit: 120
. "$(dirname "$0")/../tree/lib.sh"

mkdir -p "$STATE"
mount -t tmpfs -o size=24M,mode=711 tmpfs "$STATE"

mount_pool
zone=$(first zones)
cat "$MOUNT/zones/$zone/name" >/dev/null
fill_up() {
	dd if=/dev/zero of="$STATE/$1" bs=4k conv=notrunc oflag=append status=none 2>/dev/null || true
}

# not_served FILE: with a full disk
not_served() {
	mv "$STATE/pool.db" "$STATE/pool.db.away"
	mkdir "$STATE/pool.db"
	fill_up "$1"
	[ "$(stat -f -c %a "$STATE")" = 0 ] || fail "the disk is not full"
	kill -KILL "$(worker_pid)"
	wait_until 20 test -e "$STATE/not-serving"
	assert_match "$(cat "$STATE/not-serving")" "ended 5 times without serving anything. The last time: .*pool.db.*"
	assert_match "$(cat "$STATE/not-serving")" "to end the mount: umount"
	! cat "$MOUNT/version" 2>/dev/null || fail "it is served"
}

# mend FILE: there is room, and the database
mend() {
	rm "$STATE/$1"
	rmdir "$STATE/pool.db"
	mv "$STATE/pool.db.away" "$STATE/pool.db"
	wait_until 30 cat "$MOUNT/version" >/dev/null
	wait_until 10 test ! -e "$STATE/not-serving"
}

step "the disk is full, and no worker can start"
not_served big
mend big

step "once more"
not_served bigger
mend bigger
umount_pool
