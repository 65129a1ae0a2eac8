#!/bin/bash
# echo, of bash and of dash, on values and actions.
. "$(dirname "$0")/lib.sh"

# echo_in SHELL REFUSAL: dash says "I/O error" whatever the errno is.
# shellcheck disable=SC2016 # expanded by the shell under test
echo_in() {
	writes_once "$VM/description" "$1 wrote" "$1" -c 'echo "$0 wrote" >"$1/description"' "$1" "$VM"
	"$1" -c 'echo start >"$0/actions"; sync "$0/actions"' "$VM"
	assert_eq "$(cat "$VM/state")" Running
	"$1" -c 'echo "stop type=cold" >>"$0/actions"; sync "$0/actions"' "$VM"
	assert_eq "$(cat "$VM/state")" Stopped
	refused "$2" "$1" -c 'echo many >"$0/cpuNum"' "$VM"
}

tool_vm
step "a spec; bash writes it line by line"
for shell in bash dash; do
	wanted "$shell"
	# shellcheck disable=SC2016 # expanded by the shell under test
	spec_once "$shell" "$shell" -c 'echo "$(cat "$0")" >"$1/spec"' "$shell.json" "$VM"
done
echo_in bash "Invalid argument"
echo_in dash "I/O error"
