#!/bin/bash
# jq into a value, into actions and into create.
. "$(dirname "$0")/lib.sh"

tool_vm
# shellcheck disable=SC2016 # expanded by the shell under test
writes_once "$VM/description" "of tool" in_bash 'jq -r "\"of \" + .name" "$1/inventory" >"$1/description"' "$VM"

step "a spec; one that jq writes in blocks of which the last is a newline"
wanted unformatted
jq '.name = "jq" | .userTags = ["by=jq"]' unformatted.json >jq.json
# shellcheck disable=SC2016 # expanded by the shell under test
spec_once jq in_bash 'jq . jq.json >"$1/spec"' "$VM"
jq -n '{name: "long", description: ("x" * 1500), userTags: [range(0; 40) | "tag" + ("0" * 50) + tostring]}' >long.json
jq --argjson more $((4096 - $(jq . long.json | wc -c) % 4096 + 1)) '.description += "x" * $more' long.json >block.json
assert_eq $(($(wc -c <block.json) % 4096)) 1
for _ in 1 2; do
	jq . block.json >"$VM/spec"
	cmp block.json "$VM/spec"
	sync "$VM/spec"
	cmp block.json "$VM/spec"
done
assert_eq "$(cat "$VM/name") $(find "$VM/tags" -type f | wc -l)" "long 40"

step "documents, also long ones that are written in pieces"
jq -n '{startVmInstance: {}, systemTags: []}' >"$VM/actions"
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
jq -n '{params: {name: "long", description: ("x" * 2000), cpuNum: 1, memorySize: 1073741824, cpuSpeed: 1}}, empty' >long
jq . long >"$MOUNT/instance-offerings/create"
sync "$MOUNT/instance-offerings/create"
assert_eq "$(jq -r '.inventories[] | select(.name == "long").description | length' "$MOUNT/instance-offerings/inventories")" 2000

# shellcheck disable=SC2016
refused "Invalid argument" in_bash 'set -e; jq -n "[1, 2]" >"$1/actions"' "$VM"
