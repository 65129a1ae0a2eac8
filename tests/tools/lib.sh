# shellcheck shell=bash
#
# Shared by the cases of tests/tools: a VM, and the checks of a tool that writes one of its files.
. "$(dirname "${BASH_SOURCE[0]}")/../tree/lib.sh"

# tool_vm: mounts a pool with one stopped VM, whose directory is $VM. Each case writes its files.
tool_vm() {
	mount_pool
	image=$(small_image)
	# shellcheck disable=SC2034 # read by the cases
	VM=$(create_vm tool "$image" '{"strategy":"CreateStopped"}')
	export VM=$MOUNT/vm-instances/$VM
}

job_count() {
	find "$MOUNT/api-jobs" -mindepth 1 -maxdepth 1 -type d | wc -l
}

# writes_once FILE TEXT CMD...: the command, run twice, writes TEXT (without its
# last newline) to the file: the first run causes one job, the second run changes
# nothing. It leaves no other file.
writes_once() {
	local file=$1 text=$2 before names run
	shift 2
	before=$(job_count)
	names=$(ls -A "${file%/*}")
	[ "$(cat "$file")" != "$text" ] || fail "'$file' is already '$text'"
	for run in first second; do
		step "$run run: $*"
		"$@" || fail "$run run: '$*' failed: $(value last-error)"
		assert_eq "$(cat "$file")" "$text" "'$file' after the $run run"
		assert_eq "$(job_count)" $((before + 1)) "jobs after the $run run"
		assert_eq "$(ls -A "${file%/*}")" "$names" "names after the $run run"
	done
}

# wanted NAME: writes the document NAME.json, a spec that differs from the state of the VM.
wanted() {
	printf '{\n  "name": "%s",\n  "state": "Stopped",\n  "userTags": ["by=%s"]\n}\n' "$1" "$1" >"$1.json"
}

# spec_once NAME CMD...: the command, run twice, writes the bytes of NAME.json to
# the VM's spec: the first run causes one job, the second run changes nothing.
spec_once() {
	local name=$1
	shift
	writes_once "$VM/spec" "$(cat "$name.json")" "$@"
	cmp "$name.json" "$VM/spec"
	sync "$VM/spec"
	assert_eq "$(cat "$VM/name") $(cat "$VM"/tags/*)" "$name by=$name"
	cmp "$name.json" "$VM/spec"
}

# refused ERRNO-TEXT CMD...: the command fails with this text, there is no new job, and last-error has the reason.
refused() {
	local text=$1 before
	shift
	before=$(job_count)
	assert_fails "$text" "$@"
	assert_eq "$(job_count)" "$before" "jobs after '$*'"
	[ "$(value last-error)" != ok ] || fail "last-error says 'ok' after '$*'"
}

# in_bash SCRIPT [ARG...]
in_bash() {
	local script=$1
	shift
	bash -c "$script" bash "$@"
}
