#!/bin/bash
# The N-th write, read, fsync, open or rename below the state folder or a primary storage fails, in each kind of job: a
# sentence or success, nothing is left half done, what was acknowledged is there, and the same request succeeds then.
# limit: 400
# long: 28800
#
# The long form tries all N, which takes hours. It can be done in parts:
#   POOLFS_TRIED=FILE    what has been tried, and went well, is added to this file; what is in it is left out
#   POOLFS_MOST=NUMBER   at most so many N of each kind of job and call
#   POOLFS_MINUTES=TIME  no more is begun after this time
#   POOLFS_KINDS="..."   only these kinds of jobs
. "$(dirname "$0")/../tree/lib.sh"
. "$TOP/tests/faults/storage-jobs.sh"

mkdir below above
"${BUILD:-$TOP/build}/tests/faults/faults-shim" "$CASE_DIR/below" "$CASE_DIR/above"
IMAGE_SIZE=2M
seed=${POOLFS_SEED:-$RANDOM}
echo "seed $seed"
RANDOM=$seed
tried=0 struck=0 failed=0 left=0
list=${POOLFS_TRIED:-$CASE_DIR/tried}
touch "$list"

# open_pool: as storage_pool; a file that cannot be removed at once is tried again soon
open_pool() {
	storage_pool
	echo 2 >"$MOUNT/global-configurations/volume/expungeInterval/value"
}

# shim KIND ERROR FROM COUNT PATTERN: lets calls fail; see shim.c
shim() {
	echo "$*" >above/.shim
}

# upload: of $uploaded, in the background: $uploader. While the database fails, it waits, as for the end of any job.
upload() {
	uploaded=u$RANDOM
	head -c "$IMAGE_SIZE" /dev/urandom >image.raw
	cp image.raw "$MOUNT/images/upload/$uploaded.raw" 2>/dev/null &
	uploader=$!
}
# is_uploaded: what cp has been told to be there
is_uploaded() {
	jq -e --arg name "$uploaded" '.inventories[] | select(.name == $name and .status == "Ready")' "$MOUNT/images/inventories" >/dev/null
}
job_upload() {
	file=upload text=
}

# ask: makes the request; $job is its job, empty when it was refused, with $sentence, or of an upload
ask() {
	outcome='' sentence='' job='' uploader=''
	if [ "$file" = upload ]; then
		upload
	elif ! job=$(submit "$file" "$text" 2>/dev/null); then
		outcome=Refused job='' sentence=$(value last-error)
	fi
}

has_ended() {
	if [ -n "$job" ]; then is_finished "$job"; else ! is_uploading && no_job_runs; fi
}
is_uploading() {
	[ -n "$uploader" ] && kill -0 "$uploader" 2>/dev/null
}
# ended: sets $outcome, $sentence and $why, the error of a job, of what has ended
ended() {
	if [ -n "$job" ]; then
		outcome=$(value "api-jobs/$job/state") why=$(value "api-jobs/$job/error")
		# the job of clones tells of each whether it failed
		[ -n "$why" ] || why=$(jq -c '.result.inventories[0].error? // empty' "$MOUNT/api-jobs/$job/result")
		[ -z "$why" ] || outcome=Failed
		sentence=$(jq -r '.details // empty' <<<"$why")
	elif [ -n "$uploader" ]; then
		if wait "$uploader"; then outcome=Uploaded; else outcome=Refused sentence=$(value last-error); fi
	fi
}

# images_are_whole: each that is Ready has the bytes of which it has the sum
images_are_whole() {
	local sum path
	jq -r '.inventories[] | select(.status == "Ready") | "\(.md5Sum) \(.backupStorageRefs[0].installPath)"' "$MOUNT/images/inventories" |
		while read -r sum path; do
			assert_eq "$(md5sum <"$path" | cut -d' ' -f1)" "$sum" "the sum of '$path'"
		done
}

# meet KIND OP ERROR N COUNT PATTERN: such a job, whose N-th OP fails, and COUNT in all; and without; $calls: those of OP
meet() {
	local job what="$1 with $3 from $2 $4, $5 times" uploader outcome sentence why last hits
	"job_$1"
	shim "${*:2}"
	ask
	# what fails until it is told otherwise may keep the end of a job from being written
	(wait_until "$([ "$5" != 0 ] && echo 60 || echo 3)" has_ended) 2>/dev/null || [ "$5" = 0 ] || fail "$what does not end"
	read -r calls hits last <above/.shim
	shim nothing
	(wait_until 60 has_ended) 2>/dev/null || fail "$what does not end when the storage works again"
	(wait_until 20 is_right) 2>/dev/null || fail "after $what ($last): $(wrong)"
	tried=$((tried + 1))
	[ "$hits" = 0 ] || struck=$((struck + 1))
	ended
	echo "   $what: $hits of $calls ($last), $outcome $sentence"
	case $outcome in
	Done) is_so "$1" || fail "$what is done, but it is not so" ;;
	Uploaded) is_uploaded || fail "$what: cp succeeded, but the image is not Ready" ;;
	Refused)
		[ "$hits" != 0 ] || fail "$what is refused by itself: $sentence"
		[[ -n $sentence && $sentence != ok ]] || fail "$what is refused with the sentence '$sentence'"
		;;
	Failed)
		[ "$hits" != 0 ] || fail "$what fails by itself"
		assert_match "$why" '"code":"[A-Z_]+\.[0-9]+".*"details":"[^"]'
		;;
	esac
	case $file:$outcome in
	upload:Refused)
		failed=$((failed + 1))
		upload
		(wait_until 60 has_ended) 2>/dev/null || fail "an upload does not end when the storage works again"
		wait "$uploader" || fail "an upload fails when the storage works again, too"
		is_uploaded || fail "cp succeeded when the storage worked again, but the image is not Ready"
		;;
	*:Refused | *:Failed)
		failed=$((failed + 1))
		# a disk that had grown when the flush after that failed has the size that was asked for
		if [ "$1" != resize ] || ! is_so resize 2>/dev/null; then
			job=$(submit "$file" "$text")
			job_wait "$job" 60 || fail "$what fails when the storage works again, too"
			is_so "$1" || fail "$what, again, is done, but it is not so"
			(wait_until 20 is_right) 2>/dev/null || fail "after $what, again: $(wrong)"
		fi
		;;
	esac
	images_are_whole
	is_simulated || whole
	remove_others
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

new_vm() {
	[ -z "${vm:-}" ] || act "vm-instances/$vm" destroy
	vm=$(create vm-instances "$(vm_on_small web "$image")")
	# shellcheck disable=SC2034 # used by storage-jobs.sh
	root=$(value "vm-instances/$vm/rootVolumeUuid")
}

# is_time: may more be begun?
is_time() {
	[ -z "${POOLFS_MINUTES:-}" ] || [ $SECONDS -lt $((POOLFS_MINUTES * 60)) ]
}

# new_tries KIND OP PATTERN: the lines "KIND OP N COUNT PATTERN" that the list does not have, in any order, for N up to
# the number of calls of such a job when all is well
new_tries() {
	local n count
	for ((n = 1; n <= calls; n++)); do
		for count in 0 1; do echo "$1 $2 $n $count $3"; done
	done | { grep -vxFf "$list" || true; } | awk -v seed="$seed" 'BEGIN { srand(seed) } { print rand() "\t" $0 }' | sort -n | cut -f 2-
}

# walk PATTERN KIND...: all tries of these kinds of jobs, or one at random of each
walk() {
	local kind op pattern=$1 tries try n count error errors=(EIO ENOSPC) all_operations=(write sync open name read) operations
	shift
	for kind in "$@"; do
		if [[ " ${POOLFS_KINDS:-$kind} " != *" $kind "* ]] || ! is_time; then continue; fi
		step "$kind"
		operations=("${all_operations[RANDOM % 5]}")
		! is_long || operations=("${all_operations[@]}")
		for op in "${operations[@]}"; do
			tries=("$kind $op $((1 + RANDOM % 6)) $((RANDOM % 2)) $pattern")
			if is_long; then
				is_time || break
				meet "$kind" "$op" EIO 1000000 1 "$pattern"
				mapfile -t tries < <(new_tries "$kind" "$op" "$pattern")
				left=$((left + ${#tries[@]}))
			fi
			for try in "${tries[@]:0:${POOLFS_MOST:-${#tries[@]}}}"; do
				is_time || break
				error=EIO
				[ "$op" != write ] || error=${errors[RANDOM % 2]}
				read -r _ _ n count _ <<<"$try"
				meet "$kind" "$op" "$error" "$n" "$count" "$pattern"
				echo "$try" >>"$list"
				left=$((left - 1))
			done
		done
		! is_long || opens_again
		! is_long || new_vm
	done
	is_long || opens_again
}

step "the state folder and the images of a host of libvirt's test driver"
STATE=$CASE_DIR/above/simulated
open_pool
walk '/simulated/*' create image upload start volume attach snapshot delete revert resize template clone volume_delete destroy
umount_pool
rm -rf above/pool

step "a primary storage of a real host"
host_up h1
STATE=$CASE_DIR/above/real vm=
open_pool
kinds=(create start volume attach snapshot stopped_snapshot delete revert resize template clone volume_delete destroy)
is_long || kinds=("${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}" "${kinds[RANDOM % ${#kinds[@]}]}")
walk '/pool/*' "${kinds[@]}"
is_long && walk '/real/*' create image upload snapshot template
umount_pool
echo "$tried jobs, $struck met a failing call, $failed failed of it"
! is_long || echo "$left are left to try, of the kinds that were begun"
[ "$struck" != 0 ] || fail "nothing failed"
