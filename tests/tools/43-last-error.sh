#!/bin/bash
# After each refusal last-error has its reason, not that of an earlier request, and after a success "ok".
# shellcheck disable=SC2016 # expanded by the shell under test
. "$(dirname "$0")/lib.sh"

tool_vm

# tells REGEX ERRNO-TEXT CMD...: the command fails with this text, and last-error then matches.
tells() {
	local regex=$1 text=$2
	shift 2
	assert_fails "$text" "$@"
	assert_match "$(value last-error)" "$regex" "last-error after '$*'"
	assert_match "$(cat "$VM/last-error")" "$regex" "last-error of the VM after '$*'"
	assert_refused "vm-instances/${VM##*/}/actions" fly EINVAL fly
}

step "refusals of all kinds"
tells "'new' cannot be created" "not permitted" mkdir "$VM/tags/new"
tells "'new' cannot be created" "not permitted" touch "$VM/tags/new"
tells "'pipe' cannot be created" "not permitted" mkfifo "$VM/pipe"
tells "'link' cannot be created" "not permitted" ln -s x "$VM/link"
tells "'hard' cannot be linked" "not permitted" ln "$VM/state" "$VM/hard"
tells "'state' cannot be removed" "not permitted" rm -f "$VM/state"
tells "'nics' cannot be removed" "rmdir" rmdir "$VM/nics"
tells "'state' cannot be renamed" "not permitted" mv "$VM/state" "$VM/other"
tells "'name' cannot be renamed" "not permitted" mv "$VM/name" "$VM/state"
tells "'state' cannot be changed" "not permitted" chmod 600 "$VM/state"
tells "'state' cannot be changed" "not permitted" chown 1 "$VM/state"
tells "'state' cannot be opened for writing: it is read-only" "denied" in_bash 'echo x >"$VM/state"'
tells "'state' cannot be opened for writing: it is read-only" "denied" truncate -s 0 "$VM/state"
tells "'inventory' cannot be opened for writing" "denied" in_bash 'echo x >"$VM/inventory"'
tells "cpuNum" "Invalid argument" in_bash 'echo many >"$VM/cpuNum"'
tells "truncated to 3 bytes" "Invalid argument" truncate -s 3 "$VM/name"
echo x >"$VM/scratch"
tells "'scratch' cannot be renamed" "not permitted" mv "$VM/scratch" "$VM/state"
assert_fails "too large" truncate -s 2G "$VM/scratch"
assert_match "$(value last-error)" "a scratch file cannot be that large, see 'limits'$"
rm "$VM/scratch"
# A removed directory is empty for `rm -r` only if it could be emptied.
assert_fails "not empty" rmdir "$VM"
assert_match "$(value last-error)" "cannot be removed: it is not empty.*verb"

step "and after a success"
echo fine >"$VM/description"
assert_eq "$(value last-error) $(cat "$VM/last-error")" "ok ok"
echo fine >"$VM/description" # nothing to do
assert_eq "$(value last-error)" ok
