#!/bin/bash
# Whichever call fails in a pool's life: no crash, no leak, a sentence, nothing half done, and the same request succeeds then.
# limit: 180
# long: 7200
. "$(dirname "$0")/../tree/lib.sh"

programs=${BUILD:-$TOP/build}/tests/faults
mkdir outside
mount -t tmpfs -o mode=711 tmpfs "$MOUNT" # not a pool here, only a folder in memory
seed=${POOLFS_SEED:-$RANDOM}

# The sanitizers cannot open a log of their own in a program that replaces mkdir(2): what they say is in that of this case,
# and ends the program, which is a fault.
unset ASAN_OPTIONS
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# fail_at KIND MOST [STEP]: tries so many calls of each step; see fail.c
fail_at() {
	step "$1, at most $2 calls of ${3:-each step}, seed $seed"
	POOLFS_LIBEXEC=$BUILD "$programs/faults-fail" "$MOUNT/state" "$CASE_DIR/outside" "$1" "$2" "$seed" "${@:3}"
}

# All calls of steps that change a host between two commits, and a storage pool.
fail_at sync 1000 stopping
fail_at libvirt 1000 revert

# All starts of threads, most of which are at the opening of a pool, and what a web hook makes of libcurl.
fail_at thread 1000
fail_at curl "$(number 10 1000)" "web hook"

fail_at libvirt "$(number 2 100000)"
fail_at curl "$(number 8 1000)"
fail_at memory "$(number 1 400)"
fail_at write "$(number 1 100000)"
fail_at space "$(number 1 100000)"
fail_at sync "$(number 1 100000)"
fail_at open "$(number 1 100000)"
fail_at name "$(number 1 100000)"
umount "$MOUNT"
