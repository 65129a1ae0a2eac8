#!/bin/bash
# Ansible's copy, template, lineinfile, blockinfile, replace, slurp and stat: only the first run changes a file.
# limit: 900
. "$(dirname "$0")/lib.sh"

export HOME=$CASE_DIR ANSIBLE_LOCAL_TEMP=$CASE_DIR/.ansible/local ANSIBLE_REMOTE_TEMP=$CASE_DIR/.ansible/remote
export ANSIBLE_NOCOLOR=1 ANSIBLE_LOCALHOST_WARNING=False ANSIBLE_PYTHON_INTERPRETER=/usr/bin/python3

# play TASK: runs one task; its result as JSON is in the file "result".
play() {
	cat >play.yml <<END
- hosts: localhost
  connection: local
  gather_facts: false
  vars: {vm: "$VM", role: web}
  tasks:
    - name: the task
      $1
      register: result
    - ansible.builtin.copy:
        content: "{{ result | to_json }}"
        dest: "$CASE_DIR/result"
END
	rm -f result
	ansible-playbook -i localhost, play.yml >log 2>&1
}

# keeps FILE TEXT TASK: the task changes FILE to TEXT in its first run, and nothing in its second.
keeps() {
	local file=$VM/$1 text=$2 task=$3 jobs
	jobs=$(job_count)
	step "${task%%:*}: ${task#*: }"
	play "$task" || fail "first run: $(tail -n 5 log)"
	assert_eq "$(jq .changed result)" true "changed in the first run"
	assert_eq "$(cat "$file")" "$text" "'$1' after the first run"
	assert_eq "$(job_count)" $((jobs + 1)) "jobs after the first run"
	play "$task" || fail "second run: $(tail -n 5 log)"
	assert_eq "$(jq .changed result)" false "changed in the second run"
	assert_eq "$(cat "$file")" "$text" "'$1' after the second run"
	assert_eq "$(job_count)" $((jobs + 1)) "jobs after the second run"
	assert_eq "$(find "$VM" -maxdepth 1 -name '.*')" "" "files that are left"
}

tool_vm
printf 'role {{ role }}\n' >role.j2
echo "from a file" >text
keeps description "by copy" 'ansible.builtin.copy: {content: "by copy\n", dest: "{{ vm }}/description"}'
keeps description "from a file" "ansible.builtin.copy: {src: $CASE_DIR/text, dest: '{{ vm }}/description', mode: '0644'}"
keeps description "role web" "ansible.builtin.template: {src: $CASE_DIR/role.j2, dest: '{{ vm }}/description'}"
keeps description "role db" 'ansible.builtin.lineinfile: {path: "{{ vm }}/description", regexp: "^role", line: "role db"}'
keeps description "role cache" 'ansible.builtin.replace: {path: "{{ vm }}/description", regexp: "db", replace: "cache"}'
keeps description $'role cache\n# BEGIN ANSIBLE MANAGED BLOCK\nowner: me\n# END ANSIBLE MANAGED BLOCK' \
	'ansible.builtin.blockinfile: {path: "{{ vm }}/description", block: "owner: me"}'
keeps cpuNum 4 'ansible.builtin.copy: {content: "4\n", dest: "{{ vm }}/cpuNum"}'

step "the spec of the VM"
wanted ansible
keeps spec "$(cat ansible.json)" "ansible.builtin.copy: {src: $CASE_DIR/ansible.json, dest: '{{ vm }}/spec'}"
sync "$VM/spec"
cmp ansible.json "$VM/spec"
printf '%s' '{"name": "{{ role }}", "state": "Stopped"}' >spec.j2
keeps spec '{"name": "web", "state": "Stopped"}' "ansible.builtin.template: {src: $CASE_DIR/spec.j2, dest: '{{ vm }}/spec'}"
keeps spec '{"name": "json", "userTags": ["a"]}' 'ansible.builtin.copy: {content: "{{ {\"name\": \"json\", \"userTags\": [\"a\"]} | to_json }}", dest: "{{ vm }}/spec"}'
keeps spec '{"name": "json", "userTags": ["b"]}' 'ansible.builtin.replace: {path: "{{ vm }}/spec", regexp: "a.]", replace: "b\"]"}'

step "slurp and stat"
play 'ansible.builtin.slurp: {src: "{{ vm }}/inventory"}'
jq -r .content result | base64 -d | cmp - "$VM/inventory"
play 'ansible.builtin.stat: {path: "{{ vm }}/inventory", get_checksum: true}'
assert_eq "$(jq -r .stat.checksum result)" "$(sha1sum <"$VM/inventory" | cut -d ' ' -f 1)"
assert_eq "$(jq .stat.size result)" "$(wc -c <"$VM/inventory")"

step "a bad value fails the task and changes nothing"
play 'ansible.builtin.copy: {content: "many\n", dest: "{{ vm }}/cpuNum"}' && fail "the task succeeded"
assert_eq "$(cat "$VM/cpuNum")" 4
