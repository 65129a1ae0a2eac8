#!/bin/bash
# The playbook of the examples creates three VMs, reverts manual changes, and otherwise changes nothing.
# limit: 900
. "$(dirname "$0")/lib.sh"

export HOME=$CASE_DIR ANSIBLE_LOCAL_TEMP=$CASE_DIR/.ansible/local ANSIBLE_REMOTE_TEMP=$CASE_DIR/.ansible/remote
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False

# playbook ARG...
playbook() {
	ansible-playbook -i localhost, "$TOP/examples/three-vms.yml" -e pool="$MOUNT" \
		-e ansible_python_interpreter=/usr/bin/python3 "$@"
}

# play: runs the playbook, and prints how many tasks changed something.
play() {
	playbook -e image=small >log 2>&1 || {
		tail -n 30 log >&2
		fail "the playbook failed"
	}
	grep -oP 'changed=\K[0-9]+' log
}

as_wanted() {
	local vms=$MOUNT/vm-instances/by-name
	assert_eq "$(cat "$vms/web01/state" "$vms/web02/state" "$vms/spare/state" | paste -sd ' ')" "Running Running Stopped"
	assert_eq "$(cat "$vms/web01/cpuNum" "$vms/web02/cpuNum" "$vms/spare/cpuNum" | paste -sd ' ')" "1 2 1"
	assert_eq "$(cat "$vms/web02/description")" "second web server"
	assert_eq "$(uuids vm-instances | wc -l)" 3 "VMs"
}

mount_pool
small_image >/dev/null
step "first run"
assert_eq "$(play)" 2 "tasks that changed something"
as_wanted
step "second run"
jobs=$(job_count)
assert_eq "$(play)" 0 "tasks that changed something"
assert_eq "$(job_count)" "$jobs" "jobs"
step "manual changes are reverted"
act "vm-instances/$(value vm-instances/by-name/web01/uuid)" stop type=cold
echo "somebody's" >"$MOUNT/vm-instances/by-name/web02/description"
assert_eq "$(play)" 1 "tasks that changed something"
as_wanted
step "a failure is told with its sentence, of a request that is refused and of a job"
long=$(printf '%0256d' 0)
assert_fails "field[name]" playbook -e image=small -e '{"vms": [{"name": "'"$long"'", "cpus": 1, "state": "Stopped"}]}'
assert_fails "having cpu[1000]" playbook -e image=small -e '{"vms": [{"name": "web01", "description": "", "cpus": 1000, "state": "Running"}]}'
