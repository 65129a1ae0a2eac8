#!/bin/bash
# printf, without a line end, in pieces, and a JSON document.
. "$(dirname "$0")/lib.sh"

tool_vm
# shellcheck disable=SC2016 # expanded by the shell under test
writes_once "$VM/description" "no line end" in_bash 'printf "no line end" >"$1/description"' "$VM"
# shellcheck disable=SC2016
writes_once "$VM/memorySize" 1073741824 in_bash 'printf "%dM" 1024 >"$1/memorySize"' "$VM"

step "a document, line by line, as bash writes it"
printf '{\n  "startVmInstance": {},\n  "systemTags": []\n}\n' >"$VM/actions"
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
# shellcheck disable=SC2016
refused "Invalid argument" in_bash 'printf "\n" >"$1/name"' "$VM"
