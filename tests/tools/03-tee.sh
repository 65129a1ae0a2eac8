#!/bin/bash
# tee, overwriting and appending.
. "$(dirname "$0")/lib.sh"

tool_vm
wanted tee
# shellcheck disable=SC2016 # expanded by the shell under test
spec_once tee in_bash 'tee "$1/spec" <tee.json >/dev/null' "$VM"
# shellcheck disable=SC2016 # expanded by the shell under test
writes_once "$VM/description" "through tee" in_bash 'echo "through tee" | tee "$1/description" >/dev/null' "$VM"
echo appended | tee -a "$VM/description" >/dev/null
assert_eq "$(cat "$VM/description")" $'through tee\nappended'
# shellcheck disable=SC2016
refused "Invalid argument" in_bash 'set -o pipefail; echo many | tee "$1/cpuNum" >/dev/null' "$VM"

step "one writer, two files"
echo start | tee "$VM/actions" >copy
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
assert_eq "$(cat copy)" start
