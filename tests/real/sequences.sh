# shellcheck shell=bash
#
# What the cases with random sequences of volume operations share. Sourced after tests/tree/lib.sh.

# holders COUNT [JSON]: a pool with VMs that find nothing to boot; each holds the volume of one sequence at a time.
holders() {
	local n small image
	small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":16777216}}')
	truncate -s 1M "$CASE_DIR/nothing.raw"
	image=$(add_image "$CASE_DIR/nothing.raw" raw nothing)
	for ((n = 1; n <= $1; n++)); do
		create_vm "holder$n" "$image" "$(jq -nc --arg o "$small" --argjson more "${2:-"{}"}" \
			'{instanceOfferingUuid: $o, strategy: "CreateStopped"} + $more')" >/dev/null
	done
}

# sequences SEED COUNT STORAGE [RBD...]: of $POOLFS_STEPS steps (30) each, see volume-sequences.
sequences() {
	local seed=$1 count=$2
	shift 2
	"$TOP/tests/real/volume-sequences" "$MOUNT" "$URI" "$count" "${POOLFS_STEPS:-30}" "$seed" "$@"
}

# Kills the daemon, and mounts the pool again.
crash() {
	: >"$POOLFS_CRASHES/down"
	kill_pool
	mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 120
	crashed=$((crashed + 1))
	echo "$crashed" >"$POOLFS_CRASHES/count.new"
	mv "$POOLFS_CRASHES/count.new" "$POOLFS_CRASHES/count"
	rm "$POOLFS_CRASHES/down"
}

# crashed_sequences SEED COUNT STORAGE [RBD...]: sequences(), while the daemon is killed within every few steps, however
# long those take: killed by the clock, a busy machine would only begin the same ones again and again.
crashed_sequences() {
	local pid crashed=0 wanted=0
	export POOLFS_CRASHES=$CASE_DIR/crashes
	mkdir -p "$POOLFS_CRASHES"
	echo 0 >"$POOLFS_CRASHES/count"
	: >"$POOLFS_CRASHES/steps"
	sequences "$@" &
	pid=$!
	while kill -0 $pid 2>/dev/null; do
		wanted=$(($(stat -c %s "$POOLFS_CRASHES/steps") + 1 + RANDOM % 12))
		while [ "$(stat -c %s "$POOLFS_CRASHES/steps")" -lt "$wanted" ] && kill -0 $pid 2>/dev/null; do
			sleep 0.1
		done
		sleep "0.$((RANDOM % 10))"
		crash
	done
	wait $pid
	echo "   the daemon was killed $crashed times within $(stat -c %s "$POOLFS_CRASHES/steps") steps"
	unset POOLFS_CRASHES
}
