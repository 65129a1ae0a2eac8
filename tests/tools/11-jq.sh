#!/bin/bash
# jq into a value, into actions and into create.
. "$(dirname "$0")/lib.sh"

tool_vm
# shellcheck disable=SC2016 # expanded by the shell under test
writes_once "$VM/description" "of tool" in_bash 'jq -r "\"of \" + .name" "$1/inventory" >"$1/description"' "$VM"

step "documents, also long ones that come in pieces"
jq -n '{startVmInstance: {}, systemTags: []}' >"$VM/actions"
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
jq -n '{params: {name: "long", description: ("x" * 2000), cpuNum: 1, memorySize: 1073741824, cpuSpeed: 1}}, empty' >long
jq . long >"$MOUNT/instance-offerings/create"
sync "$MOUNT/instance-offerings/create"
assert_eq "$(jq -r '.inventories[] | select(.name == "long").description | length' "$MOUNT/instance-offerings/inventories")" 2000

# shellcheck disable=SC2016
refused "Invalid argument" in_bash 'set -e; jq -n "[1, 2]" >"$1/actions"' "$VM"
