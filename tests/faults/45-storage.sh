#!/bin/bash
# A primary storage that has no room, or whose disk cannot be written, in each kind of job: a sentence or success,
# nothing is left half done, and with room the same request succeeds.
# limit: 240
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"

storage() {
	"$TOP/tests/faults/storage" "$MOUNT" "$CASE_DIR" "$URI" "$@"
}

# A file system of its own, on a disk that is a file of a small file system in memory. Room is taken away above, where
# a writer is told at once, or below, where the disk fails when it writes what the kernel had accepted.
mkdir below above
mount -t tmpfs -o size=512M tmpfs below
truncate -s 256M below/disk
mkfs.ext4 -q -m 0 -O ^has_journal -E nodiscard,lazy_itable_init=0 below/disk
mount -o loop below/disk above

if [ -n "${REMOTE:-}" ]; then
	"$LAB/fabric" up 1
	"$LAB/fabric" join
	NETNS=poolhost1 LISTEN=10.99.0.1 TCP=1 host up h1 >/dev/null
	URI=qemu+tcp://10.99.0.1/system
else
	host_up h1
fi
mount_pool
storage prepare

if [ -n "${REMOTE:-}" ]; then
	storage room below create 0 | tee out
	assert_match "$(sed -n 's/^the last sentence: //p' out)" "the host cannot write '.*/image-.*' to its disk"
else
	kinds="create start volume snapshot stopped_snapshot delete revert resize"
	read -ra kib <<<"$(number 0 "0 64 200 260 512 1024 2048 4096")"
	storage room above "$kinds" "${kib[@]}"
	storage room below "$(number create "$kinds")" "${kib[@]}" | tee out
	is_long || assert_match "$(sed -n 's/^the last sentence: //p' out)" "cannot write '.*/image-.*' to disk: No space left on device"
fi
