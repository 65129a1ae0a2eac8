#!/bin/bash
# printf, without a newline, in pieces, and a JSON document.
. "$(dirname "$0")/lib.sh"

tool_vm
step "a spec, with and without an end of line"
wanted printf
# shellcheck disable=SC2016 # expanded by the shell under test
spec_once printf in_bash 'printf "%s\n" "$(cat printf.json)" >"$1/spec"' "$VM"
printf '{"name": "bare", "userTags": ["by=bare"]}' >bare.json
# shellcheck disable=SC2016
spec_once bare in_bash 'printf "%s" "$(cat bare.json)" >"$1/spec"' "$VM"
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
