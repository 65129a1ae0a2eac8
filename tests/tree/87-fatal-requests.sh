#!/bin/bash
# A request of which each worker dies is refused alone, whichever thread works on it; nobody else notices.
# limit: 120
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
zone=$(first zones)
echo before >"$MOUNT/zones/$zone/description"

# dies_of POINT HOW: the next mount's workers die at that point.
dies_of() {
	umount_pool
	POOLFS_TEST_KILL_AT=$1 POOLFS_TEST_KILL_WORKER=$2 mount_pool
	start_watch
}

# Other requests, meanwhile: the same answers as ever.
watch() {
	while [ -e seen ]; do
		value "zones/$zone/description" || echo failed
		sleep 0.05
	done >>answers 2>&1
}

start_watch() {
	before=$(refusals)
	exec 3<"$MOUNT/zones/$zone/name"
	: >seen
	watch &
	watcher=$!
}

# is_refused COUNT CMD...: fails with EIO, as the last of COUNT requests since the start of the watch; the mount goes on.
is_refused() {
	local count=$1
	shift
	assert_fails "Input/output error" timeout 60 "$@"
	assert_match "$(value last-error)" "the process that serves the mount has ended 4 times while it worked on it"
	cat <&3 >/dev/null || fail "a file that was open before cannot be read"
	exec 3<&-
	rm seen
	wait "$watcher"
	assert_eq "$(sort -u answers)" before "what others read meanwhile"
	rm answers
	assert_eq "$(($(refusals) - before))" "$count" "the number of refused requests"
	[ ! -e "$STATE/not-serving" ] || fail "the supervisor has given up"
}

refusals() {
	grep -c "is refused: the process that serves has ended 4 times" "$STATE/poolfs.log" || true
}

step "a crash in the thread that receives requests"
dies_of request-statfs crash
is_refused 1 stat -f "$MOUNT"

step "another one of the same kind is refused as well, and so are several at a time"
start_watch
for i in 1 2 3; do
	timeout 60 stat -f "$MOUNT" >/dev/null 2>"stat-$i" &
	stats[i]=$!
done
for i in 1 2 3; do
	! wait "${stats[i]}" || fail "stat -f has an answer"
	grep -q "Input/output error" "stat-$i"
done
is_refused 4 stat -f "$MOUNT"

step "a crash in a thread that reads disks"
dies_of request-read crash
is_refused 1 cat "$MOUNT/images/$image/data"

step "killed from outside, as for want of memory"
dies_of request-read kill
is_refused 1 cat "$MOUNT/images/$image/data"

step "an open file that nobody has been told of is not kept"
handles() {
	python3 - "/proc/$(supervisor_pid)/fd" <<-'X'
		import glob, os, struct, sys
		HANDLE, REMOVE, HEADER, INBOX, HALF = 7, 2, 4096, 2 << 20, 512 << 20  # model/keep_log.c
		path = next(p for p in glob.glob(sys.argv[1] + '/*') if os.readlink(p).startswith('/memfd:poolfs'))
		kept, at = set(), 0
		with open(path, 'rb') as f:
		    f.seek(16)
		    state, = struct.unpack('Q', f.read(8))
		    while at < state & ~1:
		        f.seek(HEADER + INBOX + (state & 1) * HALF + at)
		        number, _, length, type, kind = struct.unpack('QQIHH', f.read(24))
		        if type == HANDLE:
		            (kept.discard if kind == REMOVE else kept.add)(number)
		        at += (24 + length + 7) & ~7
		print(len(kept))
	X
}
dies_of data-opened kill
[ "$(handles)" -gt 0 ] || fail "what the watch has open is not kept"
is_refused 1 cat "$MOUNT/images/$image/data"
nothing_is_open() { [ "$(handles)" = 0 ]; }
wait_until 10 nothing_is_open

step "a crash in the thread of the store: the request is not done later either"
dies_of request-accept crash
is_refused 1 bash -c "echo after >'$MOUNT/zones/$zone/description'"
remount_pool
assert_eq "$(value "zones/$zone/description")" before
