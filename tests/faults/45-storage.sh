#!/bin/bash
# A primary storage that has no room, or whose disk cannot be written, in each kind of job: a sentence or success,
# nothing is left half done, and with room the same request succeeds.
# limit: 240
# long: 3600
. "$(dirname "$0")/../tree/lib.sh"
. "$TOP/tests/faults/storage-jobs.sh"

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
storage_pool

# take WHERE KIB: leaves so much room there
take() {
	local free
	fstrim above # or blocks that files had before could still be written
	free=$(($(stat -f -c '%a * %S' "$1") / 1024 - $2))
	fallocate -l $((free - 1024))K "$1/filler"
	# the file system itself may need some of the last blocks
	dd if=/dev/zero of="$1/filler.rest" bs=4K count=256 conv=fsync 2>/dev/null || true
}

give() {
	rm -f {above,below}/filler{,.rest}
}

# meet KIND WHERE KIB: such a job while there is only so much room there, which fails with $why; then with room
meet() {
	local job
	why=
	"job_$1"
	sync -f above
	take "$2" "$3"
	job=$(submit "$file" "$text") || fail "$1 is refused: $(value last-error)"
	(wait_until 60 is_finished "$job") 2>/dev/null || fail "$1 with $3 KiB $2 does not end"
	echo "   $1 with $3 KiB $2: $(value "api-jobs/$job/state") $(jq -r .details <<<"$(value "api-jobs/$job/error")" 2>/dev/null || true)"
	sync -f above 2>/dev/null || true # as time would
	(wait_until 15 is_right) 2>/dev/null || fail "after $1 with $3 KiB $2, which is '$(value "api-jobs/$job/state")': $(wrong)"
	give
	case $(value "api-jobs/$job/state") in
	Failed)
		assert_match "$(value "api-jobs/$job/error")" '"code":"[A-Z_]+\.[0-9]+".*"details":"[^"]'
		why=$(jq -r .details <<<"$(value "api-jobs/$job/error")")
		job=$(submit "$file" "$text")
		job_wait "$job" 60 || fail "$1 fails with room, too"
		(wait_until 15 is_right) 2>/dev/null || fail "after $1 with room again: $(wrong)"
		;;
	esac
	whole
	remove_others
}

# try_all WHERE KINDS KIB...: jobs of these kinds with so much room there
try_all() {
	local kib kind
	for kib in "${@:3}"; do
		step "$kib KiB of room $1"
		for kind in $2; do meet "$kind" "$1" "$kib"; done
	done
}

if [ -n "${REMOTE:-}" ]; then
	try_all below create 0
	assert_match "$why" "the host cannot write '.*/image-.*' to its disk"
else
	kinds="create start volume snapshot stopped_snapshot delete revert resize"
	read -ra kib <<<"$(number 0 "0 64 200 260 512 1024 2048 4096")"
	try_all above "$kinds" "${kib[@]}"
	try_all below "$(number create "$kinds")" "${kib[@]}"
	is_long || assert_match "$why" "cannot write '.*/image-.*' to disk: No space left on device"
fi
