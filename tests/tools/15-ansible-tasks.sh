#!/bin/bash
# Ansible's other modules on values, requests and uploads: what each says it changed, in two runs.
# limit: 300
. "$(dirname "$0")/lib.sh"

export HOME=$CASE_DIR ANSIBLE_LOCAL_TEMP=$CASE_DIR/.ansible/local ANSIBLE_REMOTE_TEMP=$CASE_DIR/.ansible/remote
export ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3 ANSIBLE_NOCOLOR=1

# plays: runs tasks.yml, prints what each task did, as "NAME changed", "NAME same" or "NAME failed".
plays() {
	{
		printf '%s\n' '- hosts: localhost' '  connection: local' '  gather_facts: false' '  ignore_errors: true' '  tasks:'
		sed 's/^/    /' tasks.yml
	} >play.yml
	ansible-playbook -i localhost, play.yml >played 2>&1 || true
	awk '/^TASK/ { gsub(/.*\[|\].*/, ""); task = $0 }
		/^(ok|changed|failed|fatal):/ { sub(/:.*/, ""); print task, $0 == "ok" ? "same" : $0 == "changed" ? $0 : "failed" }' played
}

tool_vm
D=$VM/description
qemu-img create -q -f qcow2 disk.qcow2 8M
mkdir -p parts
echo one >parts/1
echo two >parts/2
echo before >"$D"
cat >tasks.yml <<END
- {name: wait_for, ansible.builtin.wait_for: {path: "$VM/state", search_regex: "Stopped", timeout: 20}}
- {name: remote_src, ansible.builtin.copy: {src: "$VM/name", dest: "$D", remote_src: true}}
- {name: unsafe_writes, ansible.builtin.copy: {content: "unsafe\n", dest: "$D", unsafe_writes: true, owner: root, group: root, mode: "0644"}}
- {name: assemble, ansible.builtin.assemble: {src: "$PWD/parts", dest: "$D"}}
- {name: backup, ansible.builtin.copy: {content: "with a backup\n", dest: "$D", backup: true}, register: made}
- {name: removed, ansible.builtin.file: {path: "{{ made.backup_file | default('$PWD/none') }}", state: absent}}
- {name: validate, ansible.builtin.copy: {content: "5\n", dest: "$VM/cpuNum", validate: "grep -x 5 %s"}}
- {name: fetch, ansible.builtin.fetch: {src: "$VM/state", dest: "$PWD/fetched", flat: true}}
- {name: find, ansible.builtin.find: {paths: "$VM", contains: Stopped}, register: found}
- {name: found, ansible.builtin.assert: {that: found.matched > 0}}
- {name: file, ansible.builtin.file: {path: "$D", state: file, mode: "0644"}}
- {name: directory, ansible.builtin.file: {path: "$VM", state: directory}}
- {name: tempfile, ansible.builtin.tempfile: {path: "$VM"}, register: temporary}
- {name: untemp, ansible.builtin.file: {path: "{{ temporary.path }}", state: absent}}
- {name: bare, ansible.builtin.copy: {content: "bare", dest: "$D"}}
- {name: mode, ansible.builtin.copy: {content: "private\n", dest: "$D", mode: "0600"}}
- {name: link, ansible.builtin.file: {src: /, dest: "$VM/link", state: link}}
- {name: immutable, ansible.builtin.file: {path: "$D", attributes: "+i"}}
- {name: read-only, ansible.builtin.copy: {content: "Running\n", dest: "$VM/state"}}
- {name: bad, ansible.builtin.copy: {content: "many\n", dest: "$VM/cpuNum"}}
END

step "uploads; the name of a finished one stays for a minute"
cp tasks.yml other.yml
cat >tasks.yml <<END
- {name: upload, ansible.builtin.copy: {src: "$PWD/disk.qcow2", dest: "$MOUNT/images/upload/ansible.qcow2"}}
- {name: get_url, ansible.builtin.get_url: {url: "file://$PWD/disk.qcow2", dest: "$MOUNT/images/upload/got.qcow2"}}
END
assert_eq "$(plays | paste -sd ' ')" "upload changed get_url changed" "the first run"
assert_eq "$(plays | paste -sd ' ')" "upload same get_url same" "the second run"
for image in ansible got; do
	cmp "$MOUNT/images/by-name/$image/data" disk.qcow2
	[ ! -e "$MOUNT/images/by-name/$image~2" ] || fail "a second image '$image'"
done
mv other.yml tasks.yml

# did TASK...: what the tasks of the last run did.
did() {
	local task
	for task; do sed -n "s/^$task //p" did; done | paste -sd ' '
}
for run in first second; do
	step "the $run run"
	echo before >"$D"
	plays >did
	cat did
	[ "$run" = first ] && first=changed || first=same
	assert_eq "$(did wait_for find found file directory)" "same same same same same"
	assert_eq "$(did remote_src unsafe_writes assemble backup removed)" "changed changed changed changed changed"
	assert_eq "$(did validate fetch)" "$first $first" "what changes in the first run only"
	assert_eq "$(did tempfile untemp)" "changed changed"
	# A value reads back with a newline, so content without one differs in each run.
	assert_eq "$(did bare)" changed
	assert_eq "$(did mode link immutable read-only bad)" "failed failed failed failed failed"
	assert_eq "$(cat "$D" "$VM/cpuNum" "$VM/state")" "private
5
Stopped"
	cmp fetched "$VM/state"
	assert_eq "$(find "$VM" -maxdepth 1 \( -name '.*' -o -name '*~' -o -name 'ansible*' \))" "" "files that are left"
done
