# shellcheck shell=bash
#
# Functions that the cases of tests/tree, tests/real, tests/tools and tests/rest share.
#
# A case is one executable file NN-name.sh that begins with
#
#     #!/bin/bash
#     # One sentence: what must hold.
#     . "$(dirname "$0")/../tree/lib.sh"
#
# It runs under `set -eu` in namespaces of its own (tests/lab/isolate) with the
# scratch folder $CASE_DIR, so it need not clean up. It passes when it reaches
# its end, fails at the first failed command or assertion, and is skipped by
# skip(). A line "# limit: N" among its first ten sets its time limit to N seconds
# instead of 120. A line "# long: N" there makes the case a part of the suite `long`,
# in which it may take N seconds and do more; see number() and is_long().
#
# $MOUNT is where mount_pool mounts, $STATE the state folder, $URI the libvirt
# URI of the first host (test:///default until host_up sets another).
set -eEu -o pipefail
shopt -s inherit_errexit

TOP=$(realpath "$(dirname "${BASH_SOURCE[0]}")/../..")
if [ -z "${CASE_DIR:-}" ]; then # called by hand
	exec "$TOP/tests/run" "$(basename "$(dirname "$(realpath "$0")")")" "$(basename "$0" .sh)"
fi
LAB=$TOP/tests/lab
MOUNT=$CASE_DIR/pool
STATE=$CASE_DIR/state
URI=test:///default
export HOSTS=$CASE_DIR/hosts
mkdir -p "$MOUNT" "$HOSTS"
cd "$CASE_DIR"

# ------------------------------------------------------------- the case itself

# step SENTENCE: notes in the log what is tried next.
step() {
	echo "-- $*"
}

# fail SENTENCE: ends the case as failed.
fail() {
	echo "FAILED: $*" >&2
	local i
	for ((i = 1; i < ${#FUNCNAME[@]}; i++)); do
		[ "${BASH_SOURCE[i]}" = "${BASH_SOURCE[0]}" ] || echo "  at ${BASH_SOURCE[i]}:${BASH_LINENO[i - 1]}" >&2
	done
	exit 1
}

# skip REASON: ends the case as skipped. A missing package is no reason.
skip() {
	echo "SKIPPED: $*"
	exit 77
}

# is_long: does the suite `long` run this case?
is_long() {
	[ -n "${POOLFS_LONG:-}" ]
}

# number SHORT LONG: how often to do something.
number() {
	if is_long; then echo "$2"; else echo "$1"; fi
}

at_error() {
	echo "FAILED: at ${BASH_SOURCE[1]}:$1: $2" >&2
}
trap 'at_error "$LINENO" "$BASH_COMMAND"' ERR

at_exit() {
	local status=$?
	trap - ERR EXIT
	set +e
	if mountpoint -q "$MOUNT"; then
		if [ $status -eq 0 ]; then
			(umount_pool) || status=1
		else
			echo "last-error: $(timeout 5 cat "$MOUNT/last-error")" >&2
			umount -l "$MOUNT"
		fi
	fi
	exit "$status"
}
trap at_exit EXIT

# assert_eq GOT WANT [WHAT]
assert_eq() {
	[ "$1" = "$2" ] || fail "${3:-the value} is '$1', expected '$2'"
}

# assert_match GOT REGEX [WHAT]
assert_match() {
	[[ $1 =~ $2 ]] || fail "${3:-the value} is '$1', expected to match '$2'"
}

# assert_fails TEXT CMD...: the command must fail and print TEXT.
assert_fails() {
	local text=$1 output
	shift
	if output=$("$@" 2>&1); then
		fail "'$*' succeeded, expected '$text'"
	fi
	[[ $output == *"$text"* ]] || fail "'$*' says '$output', expected '$text'"
}

# busy SECONDS: how long to wait on a busy machine for what a quiet one has done by then
busy() {
	echo $(($1 < 20 ? 60 : $1 * 3))
}

# wait_until SECONDS CMD...: until the command succeeds, for SECONDS on a quiet machine and longer on a busy one. It is
# tried less often the longer it takes: the commands cost more than a guest that boots can spare.
wait_until() {
	local seconds end pause=20 # ms
	seconds=$(busy "$1")
	end=$((${EPOCHREALTIME/./} + seconds * 1000000))
	shift
	until "$@" 2>/dev/null; do
		[ ${EPOCHREALTIME/./} -lt $end ] || fail "not within $seconds s: $*"
		sleep "0.$(printf %03d $pause)"
		[ $pause -ge 300 ] || pause=$((pause * 5 / 4))
	done
}

has_value() {
	[ "$(cat "$1")" = "$2" ]
}

# wait_for FILE VALUE SECONDS: until the file (a path or one below the mount) has the value.
wait_for() {
	local file=$1
	[[ $file == /* ]] || file=$MOUNT/$file
	(wait_until "$3" has_value "$file" "$2") 2>/dev/null ||
		fail "'$1' is '$(cat "$file" 2>&1)' after $(busy "$3") s, expected '$2'"
}

# --------------------------------------------------------------------- mounting

# mount_pool [OPTION...]: mounts $STATE at $MOUNT; returns when the mount is usable. The password of a new pool's
# administrator is "password".
mount_pool() {
	echo password >"$CASE_DIR/admin-password"
	"$POOLFS" -o "state=${STATE//,/\\,},uri=$URI,admin-password-file=$CASE_DIR/admin-password" "$@" "$MOUNT" 2>>"$CASE_DIR/poolfs.log" || {
		cat "$CASE_DIR/poolfs.log" >&2
		fail "poolfs does not mount"
	}
	# Also when a kill point has ended the program already, whose mount answers nothing any more.
	grep -qF " ${MOUNT// /\\040} " /proc/self/mounts || fail "poolfs returned 0 without a mount"
}

# The pids of every poolfs process of this case: the supervisor, then the worker. Killed in this order, they stay dead.
pool_pids() {
	local exe pid
	local -A parents=()
	for exe in /proc/[0-9]*/exe; do
		[ "$(readlink "$exe" 2>/dev/null)" = "$POOLFS" ] || continue
		pid=${exe//[!0-9]/}
		parents[$pid]=$(awk '/^PPid/ { print $2 }' "/proc/$pid/status" 2>/dev/null || true)
	done
	for pid in "${!parents[@]}"; do
		if [ -n "${parents[${parents[$pid]:-0}]:-}" ]; then echo "1 $pid"; else echo "0 $pid"; fi
	done | sort -n | cut -d' ' -f2
}

# worker_pid: the process that serves the mount.
worker_pid() {
	pool_pids | sed 1d | tail -n 1 | grep . || fail "there is no worker"
}

# supervisor_pid: its parent, which has the mount open.
supervisor_pid() {
	pool_pids | sed -n 1p | grep . || fail "there is no supervisor"
}

# programs: those that the processes called poolfs run, one a line.
programs() {
	local pid
	for pid in $(pgrep -x poolfs); do
		readlink "/proc/$pid/exe"
	done | sort -u
}

# A killed process releases the lock of its state folder a little after it has left /proc.
is_pool_gone() {
	[ -z "$(pool_pids)" ] && { [ ! -e "$STATE/lock" ] || flock -n "$STATE/lock" true; }
}

# umount_pool: unmounts and waits for the end of the program.
umount_pool() {
	umount "$MOUNT"
	wait_until 15 is_pool_gone
}

# kill_pool: kills every process of the pool, and takes the dead mount away.
kill_pool() {
	local pid
	for pid in $(pool_pids); do
		kill -KILL "$pid"
	done
	wait_until 10 is_pool_gone
	umount -l "$MOUNT" 2>/dev/null || true
}

# remount_pool [OPTION...]
remount_pool() {
	umount_pool
	mount_pool "$@"
}

# --------------------------------------------------------------- files and jobs

# finds ARG...: a grep -q that reads all of its input; a program whose pipe is closed early fails, and the case with it.
finds() {
	local found
	found=$(grep "$@") && [ -n "$found" ]
}

# lacks ARG...: a grep that must find nothing. It fails, too, when it cannot read its files, and so does a pipe to it when
# the program before it fails: `program | lacks PATTERN || fail ...`, while nothing can be found in what was not read.
lacks() {
	local found status=0
	found=$(grep "$@") || status=$?
	[ -z "$found" ] || echo "found: $found" >&2
	[ $status -eq 1 ]
}

# value FILE: the content of a file below the mount.
value() {
	cat "$MOUNT/$1"
}

# uuids KIND: the objects of a kind, one a line.
uuids() {
	find "$MOUNT/$1" -mindepth 1 -maxdepth 1 -type d -regextype posix-extended -regex '.*/[0-9a-f]{32}' -printf '%f\n' | sort
}

# first KIND: one object of a kind.
first() {
	uuids "$1" | sed -n 1p | grep . || fail "there is no object in '$1'"
}

# write_errno FILE TEXT: writes, and prints OK or the name of the errno.
write_errno() {
	local file=$1
	[[ $file == /* ]] || file=$MOUNT/$file
	"$TOP/tests/tree/fileop" write "$file" "$2"
}

# assert_refused FILE TEXT ERRNO [REGEX]: the write fails with that errno, and
# last-error has one sentence, which matches.
assert_refused() {
	local file=$1 sentence
	assert_eq "$(write_errno "$file" "$2")" "$3" "the answer to '$2' in '$file'"
	sentence=$(value last-error)
	[ "$sentence" != ok ] || fail "last-error says 'ok' after '$2' was refused"
	[ "$(wc -l <<<"$sentence")" = 1 ] || fail "last-error is not one line: '$sentence'"
	assert_match "$sentence" "${4:-.}" "last-error"
}

# request FILE TEXT: writes a request and prints the answer read on the same descriptor.
request() {
	local fd file=$1 answer
	[[ $file == /* ]] || file=$MOUNT/$file
	exec {fd}<>"$file"
	printf '%s\n' "$2" >&"$fd"
	IFS= read -r -d '' -u "$fd" answer || true
	exec {fd}>&-
	printf '%s' "$answer"
}

# job_of TEXT: the uuid of the job that an answer names (its first 32 hex digits in a row).
job_of() {
	grep -oE '[0-9a-f]{32}' <<<"$1" | sed -n 1p || fail "the answer names no job: '$1'"
}

# submit FILE TEXT: writes a request and prints its job.
submit() {
	local answer
	answer=$(request "$1" "$2")
	job_of "$answer"
}

is_finished() {
	[ -n "$(value "api-jobs/$1/finished")" ]
}

# no_job_runs: have all jobs ended, of which there are some?
no_job_runs() {
	lacks -sxE 'Queued|Processing' "$MOUNT"/api-jobs/*/state
}

# job_wait JOB [SECONDS]: until the job is finished; fails when the job did.
job_wait() {
	local error
	(wait_until "${2:-60}" is_finished "$1") 2>/dev/null || fail "job '$1' is '$(value "api-jobs/$1/state")' after $(busy "${2:-60}") s"
	error=$(value "api-jobs/$1/error")
	[ -z "$error" ] || {
		echo "job '$1' ($(value "api-jobs/$1/operation")) failed: $error" >&2
		return 1
	}
}

# create KIND JSON: creates an object, waits for it and prints its uuid.
create() {
	local job
	job=$(submit "$1/create" "$2")
	job_wait "$job" || fail "cannot create in '$1': $2"
	value "api-jobs/$job/resource" | grep -oE '[0-9a-f]{32}' | tail -n 1
}

# act OBJECT VERB...: a verb of an object (vm-instances/<uuid>); returns when it is done.
act() {
	local object=$1 job
	shift
	job=$(submit "$object/actions" "$*")
	job_wait "$job" || fail "'$*' failed on '$object'"
}

# account NAME [USERS]: creates an account that is these local users, prints its uuid.
account() {
	create accounts "$(jq -nc --arg n "$1" --arg u "${2-}" --arg p "$(printf secret | sha512sum | cut -d' ' -f1)" \
		'{params: ({name: $n, password: $p} + if $u == "" then {} else {unixUsers: $u} end)}')"
}

# waits PID: is the process in a call to the mount?
waits() {
	grep -q fuse "/proc/$1/stack"
}

# ------------------------------------------------------------- images, machines

# add_image FILE FORMAT [NAME]: adds an image from a local file and prints its uuid.
add_image() {
	create images "$(jq -nc --arg file "$1" --arg format "$2" --arg name "${3:-image}" --arg bs "$(first backup-storage)" \
		'{params: {name: $name, url: ("file://" + $file), format: $format, backupStorageUuids: [$bs]}}')"
}

# small_image: adds an image of 1 MiB that cannot be booted.
small_image() {
	truncate -s 1M "$CASE_DIR/small.raw"
	add_image "$CASE_DIR/small.raw" raw small
}

# vm_json NAME IMAGE [JSON]: prints the document that creates a VM; JSON is merged into its params.
vm_json() {
	jq -nc --arg name "$1" --arg image "$2" --arg offering "$(first instance-offerings)" \
		--arg l3 "$(first l3-networks)" --argjson more "${3:-"{}"}" \
		'{params: ({name: $name, imageUuid: $image, instanceOfferingUuid: $offering, l3NetworkUuids: [$l3]} + $more)}'
}

# create_vm NAME IMAGE [JSON]: creates (and so starts) a VM and prints its uuid.
create_vm() {
	create vm-instances "$(vm_json "$@")"
}

# listen_deaf SOCKET: a server there, in the background, that takes connections and says nothing: like a host that hangs.
listen_deaf() {
	python3 - "$1" <<'PY' &
import socket, sys, time
s = socket.socket(socket.AF_UNIX)
s.bind(sys.argv[1])
s.listen()
time.sleep(600)
PY
	wait_until 5 test -S "$1"
}

# trace_creations HOST: what creations of VMs have made or left: rows, files, and reserved capacity.
trace_creations() {
	uuids vm-instances
	uuids volumes
	uuids vm-instances/nics
	value "hosts/$1/availableCpuCapacity"
	value "hosts/$1/availableMemoryCapacity"
	find "$STATE/primary" -type f ! -name 'image-*' | sort
	jq -r '.inventories[].tag' "$MOUNT/system-tags/inventories"
}

# die_at_point POINT FILE REQUEST: writes the request to a daemon that dies at that kill point, and takes its mount away.
die_at_point() {
	umount_pool
	POOLFS_TEST_KILL_AT=$1 mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	uuids api-jobs >"$CASE_DIR/before"
	(request "$2" "$3") >/dev/null 2>&1 || true
	(wait_until 60 is_pool_gone) 2>/dev/null || fail "the kill point '$1' was not reached"
	umount -l "$MOUNT"
}

# killed_job: the job that was asked for by die_at_point
killed_job() {
	uuids api-jobs | comm -13 "$CASE_DIR/before" -
}

# kill_at POINT FILE REQUEST: die_at_point; mounts again, and waits until the job ($killed) has ended and the host is
# connected.
kill_at() {
	die_at_point "$@"
	mount_pool
	killed=$(killed_job)
	[ "$(wc -l <<<"$killed")" = 1 ] || fail "not one new job: '$killed'"
	(wait_until 60 is_finished "$killed") 2>/dev/null || fail "the job killed at '$1' is '$(value "api-jobs/$killed/state")'"
	wait_for "hosts/$(first hosts)/status" Connected 20
	echo "   killed at $1: $(value "api-jobs/$killed/state") $(jq -r .details <<<"$(value "api-jobs/$killed/error")" 2>/dev/null)"
}

# begun_anew JOB: how often it has begun anew, as the events tell
begun_anew() {
	grep "\"$1\"" "$MOUNT/events" >"$CASE_DIR/of-job" || fail "the events do not tell of job $1"
	grep -c '"state":{"from":"Processing","to":"Queued"}' "$CASE_DIR/of-job" || true
}

# no_rows_in_between: no object is in a state that it has only during a job.
no_rows_in_between() {
	jq -r '.inventories[].status' "$MOUNT"/{volumes,volume-snapshots,images}/inventories |
		lacks -xE 'Creating|Deleting|Migrating|Downloading'
}

# all_is_whole: each file on primary storage is that of a volume, and the other way round.
all_is_whole() {
	wait_until 20 no_orphans
	no_rows_in_between || fail "a row in between"
	jq -r '.inventories[] | .installPath // empty' "$MOUNT/volumes/inventories" | sort >paths
	find "$STATE/primary" -type f ! -name 'image-*' | sort >files
	diff paths files || fail "files and volumes differ"
}
no_orphans() {
	[ "$(sqlite3 -readonly "$STATE/pool.db" "SELECT count(*) FROM loose_file")" = 0 ]
}

# ------------------------------------------------------------------- real hosts

# host_up NAME: starts an isolated host and makes it the one that mount_pool uses.
host_up() {
	URI=$("$LAB/host" up "$1")
}

# add_host NAME URI CLUSTER: adds a host to the pool and prints its uuid. On a busy machine a libvirtd that has just begun
# may need longer to answer than the pool waits, so this is done again then.
add_host() {
	local json
	json=$(jq -nc '{params: {name: $ARGS.positional[0], uri: $ARGS.positional[1], clusterUuid: $ARGS.positional[2]}}' --args "$@")
	until (create hosts "$json") 2>"$CASE_DIR/add-host"; do
		grep -q "did not answer within" "$CASE_DIR/add-host" || fail "host '$1' cannot be added: $(<"$CASE_DIR/add-host")"
	done
}

# host COMMAND NAME...: see tests/lab/host.
host() {
	"$LAB/host" "$@"
}

# on_host COMMAND...: virsh on the host of $URI.
on_host() {
	virsh -q -c "$URI" "$@"
}

# tiny_guest: the folder with the bootable media of the tiny guest.
tiny_guest() {
	"$LAB/build-guest"
}

# tiny_pool: mounts a pool on an isolated host. $image is the tiny guest's, $small an offering that it fits.
tiny_pool() {
	host_up h1
	mount_pool
	wait_for "hosts/$(first hosts)/status" Connected 20
	# shellcheck disable=SC2034 # used by the cases
	small=$(create instance-offerings '{"params":{"name":"tiny","cpuNum":1,"memorySize":"128M"}}')
	# shellcheck disable=SC2034 # read by the cases
	image=$(add_image "$(tiny_guest)/tiny.qcow2" qcow2 tiny)
}

# serial_log VM: the file with the output of the VM's serial console.
serial_log() {
	echo "$STATE/console/$1.log"
}

# Lines of the serial log that match.
serial_count() {
	grep -acE "$2" "$(serial_log "$1")" 2>/dev/null || true
}

has_serial() {
	[ "$(serial_count "$1" "$2")" -ge "$3" ]
}

# wait_serial VM REGEX SECONDS [COUNT]: until the guest printed COUNT (1) such lines.
wait_serial() {
	(wait_until "$3" has_serial "$1" "$2" "${4:-1}") 2>/dev/null || {
		tail -n 20 "$(serial_log "$1")" >&2
		fail "the guest did not print '$2' within $(busy "$3") s"
	}
}

# agent_ping VM: does the guest agent answer?
agent_ping() {
	on_host qemu-agent-command "$1" '{"execute":"guest-ping"}' >/dev/null 2>&1
}

# guest VM COMMAND...: runs a shell command in the guest, which must go on meanwhile.
guest() {
	"$LAB/guest-exec" "$URI" "$@"
}

# guest_begin VM COMMAND...: begins one that may pause, stop or kill the guest or its agent before an answer has come. The
# caller looks for what it does.
guest_begin() {
	"$LAB/guest-exec" --begin "$URI" "$@"
}

# fill VM DEVICE MIB TEXT: the guest fills the MiB at that offset with TEXT.
fill() {
	guest "$1" "yes '$4' | head -c 1048576 >/tmp/p; dd if=/tmp/p of=$2 bs=1M seek=$3 conv=notrunc 2>/dev/null; sync; echo 3 >/proc/sys/vm/drop_caches"
}

# sum VM DEVICE MIB: a checksum of the MiB that the guest reads at that offset.
sum() {
	guest "$1" "dd if=$2 bs=1M skip=$3 count=1 iflag=direct 2>/dev/null | md5sum" | cut -d' ' -f1
}

# text TEXT: the checksum of a MiB filled with it.
text() {
	(yes "$1" || true) | head -c 1048576 | md5sum | cut -d' ' -f1
}
