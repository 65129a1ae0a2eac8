#!/bin/bash
# A write, read, fsync, open or rename below the state folder or a primary storage fails, in each kind of job: a sentence or
# success, nothing is left half done, what was acknowledged is there, and the same request succeeds then.
# limit: 400
# long: 28800
#
# The long form tries each call that differs (README.md). It can be done in parts, of which two may run at a time:
#   POOLFS_TRIED=FILE    what has been tried is added to this file; what is in it is left out
#   POOLFS_MOST=NUMBER   at most so many tries of each kind of job
#   POOLFS_MINUTES=TIME  no more is begun after this time
#   POOLFS_KINDS="..."   only these kinds of jobs
#   POOLFS_WALKS="..."   only these: simulated (the state folder of a simulated host), storage (its primary storage), pool
#                        (that of a real host), real (the state folder, with it)
#   POOLFS_EACH=role     fewer calls, or `call`: all of them
. "$(dirname "$0")/../tree/lib.sh"

mkdir below above
mount -t tmpfs -o size=2G tmpfs below # where a flush costs nothing
"${BUILD:-$TOP/build}/tests/faults/faults-shim" "$CASE_DIR/below" "$CASE_DIR/above"
export POOLFS_SEED=${POOLFS_SEED:-$RANDOM} POOLFS_TRIED=${POOLFS_TRIED:-$CASE_DIR/tried}
echo "seed $POOLFS_SEED"
RANDOM=$POOLFS_SEED
[ -z "${POOLFS_MINUTES:-}" ] || export POOLFS_UNTIL=$((EPOCHSECONDS + POOLFS_MINUTES * 60))
is_long || export POOLFS_MOST=2
total=(0 0 0 0 0)

storage() {
	"$TOP/tests/faults/storage" "$MOUNT" "$CASE_DIR" "$URI" "$@"
}

# all_names: what there is
all_names() {
	jq -c '.inventories | map({uuid, name, status, state: (if .state == "Running" then "Stopped" else .state end)}) | sort_by(.uuid)' \
		"$MOUNT"/{images,volumes,volume-snapshots}/inventories
	uuids api-jobs
}

# opens_again: a new process finds what this one had
opens_again() {
	local before
	before=$(all_names)
	remount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	diff <(echo "$before") <(all_names) || fail "the next process finds something else"
}

# is_wanted WALK
is_wanted() {
	[[ " ${POOLFS_WALKS:-$1} " == *" $1 "* ]]
}

# walk PATTERN KIND...: all tries of these kinds of jobs, or some at random
walk() {
	local kind i figures
	for kind in "${@:2}"; do
		[[ " ${POOLFS_KINDS:-$kind} " == *" $kind "* ]] || continue
		[ $EPOCHSECONDS -lt "${POOLFS_UNTIL:-9999999999}" ] || break
		storage calls "$1" "$kind" | tee -a out || true
		read -ra figures < <(sed -n '$s/^figures //p' out)
		[ ${#figures[@]} = 5 ] || fail "there are no figures of $kind"
		for i in {0..4}; do total[i]=$((total[i] + figures[i])); done
		! is_long || opens_again
	done
	is_long || opens_again
}

if is_wanted simulated || is_wanted storage; then
	step "a host of libvirt's test driver"
	STATE=$CASE_DIR/above/simulated
	mount_pool
	storage prepare
	! is_wanted storage || walk '/pool/*' create volume snapshot delete revert resize template clone volume_delete destroy
	! is_wanted simulated || walk '/simulated/*' create image upload start volume attach snapshot delete revert resize template clone volume_delete destroy
	umount_pool
	rm -rf above/pool
fi

if is_wanted pool || is_wanted real; then
	step "a real host"
	host_up h1
	STATE=$CASE_DIR/above/real
	mount_pool
	storage prepare
	kinds=(create start volume attach snapshot stopped_snapshot delete revert resize template clone volume_delete destroy)
	is_long || kinds=("${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}")
	! is_wanted pool || walk '/pool/*' "${kinds[@]}"
	! is_wanted real || ! is_long || walk '/real/*' create image upload snapshot template
	umount_pool
fi
echo "${total[0]} jobs, ${total[1]} met a failing call, ${total[2]} failed of it; of the kinds that were begun ${total[3]} are left to try"
[ "${total[1]}" != 0 ] || fail "nothing failed"
[ "${total[4]}" = 0 ] || fail "${total[4]} were wrong"
