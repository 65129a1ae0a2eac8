#!/bin/bash
# Whichever call fails in a pool's life: no crash, no leak, a sentence, nothing half done, and the same request succeeds then.
# limit: 180
# long: 28800
#
# The long form tries all N, which takes hours; of memory each way that leads to a call (way.h). It can be done in parts:
#   POOLFS_TRIED=FILE    what has been tried, and went well, is added to this file; what is in it is left out
#   POOLFS_MOST=NUMBER   at most so many N of each step, at random
#   POOLFS_MINUTES=TIME  no more is begun after this time
#   POOLFS_KINDS="..."   only these kinds: driver libvirt thread curl sync name open write space memory
#   POOLFS_ALL=1         of memory all N, too
. "$(dirname "$0")/../tree/lib.sh"

programs=${BUILD:-$TOP/build}/tests/faults
mkdir outside
mount -t tmpfs -o mode=711 tmpfs "$MOUNT" # not a pool here, only a folder in memory
seed=${POOLFS_SEED:-$RANDOM}

# The sanitizers cannot open a log of their own in a program that replaces mkdir(2): what they say is in that of this case,
# and ends the program, which is a fault.
unset ASAN_OPTIONS
export UBSAN_OPTIONS=print_stacktrace=1:halt_on_error=1

# fail_at [-s] [-c CALL] KIND MOST [STEP]: tries so many calls of each step, on a simulated host with -s; see fail.c. Of
# memory, in all steps, one or two calls of each way. Two processes share the steps when all calls are tried.
fail_at() {
	local options=(-t "${POOLFS_TRIED:-$CASE_DIR/tried}") most left i shares=1 status=0 processes=()
	while [[ $1 == -* ]]; do
		options+=("$1")
		[ "$1" != -c ] || { options+=("$2") && shift; }
		shift
	done
	most=$2
	[[ " ${POOLFS_KINDS:-$1} " == *" $1 "* ]] || return 0
	if [ -n "${POOLFS_MINUTES:-}" ]; then
		left=$((POOLFS_MINUTES - SECONDS / 60))
		[ $left -gt 0 ] || return 0
		options+=(-m "$left")
	fi
	[[ $1 == memory && -z ${3:-}${POOLFS_ALL:-} ]] || options+=(-a)
	! is_long || most=${POOLFS_MOST:-100000}
	! is_long || [ -n "${3:-}" ] || shares=2
	step "$1 (${options[*]:2}), at most $most calls of ${3:-each step}, seed $seed"
	for ((i = 0; i < shares; i++)); do
		mkdir -p "outside/$i"
		POOLFS_LIBEXEC=$BUILD "$programs/faults-fail" "${options[@]}" -p "$i/$shares" "$MOUNT/state-$i" "$CASE_DIR/outside/$i" \
			"$1" "$most" "$seed" "${@:3}" &
		processes+=($!)
	done
	for i in "${processes[@]}"; do wait "$i" || status=1; done
	return $status
}

# All that is asked of the drivers of domains, libvirt's and the simulator's.
fail_at -s driver 1000
fail_at driver 1000

# All calls of steps that change a host between two commits, and a storage pool.
fail_at sync 1000 stopping
fail_at libvirt 1000 revert

# All starts of threads, most of which are at the opening of a pool, and what a web hook makes of libcurl.
fail_at thread 1000
fail_at curl 10 "web hook"

# What is asked for the delivery of a web hook, which is told once, or once more than the pool knows.
fail_at -c calloc memory 1000 "web hook"

fail_at libvirt 2
fail_at curl 8
fail_at memory 1
fail_at -s memory 1
fail_at write 1
fail_at space 1
fail_at sync 1
fail_at open 1
fail_at name 1
umount "$MOUNT"
