#!/bin/bash
# printf, without a newline, in pieces, and a JSON document.
# shellcheck disable=SC2016 # expanded by the shell under test
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

step "pieces of one open are one value: a shell writes line by line, programs their line end by itself"
# pieces TEXT JOBS CMD...: the command makes TEXT the description, with at most this many jobs.
pieces() {
	local text=$1 most=$2 before
	shift 2
	before=$(job_count)
	"$@" || fail "'$*' failed: $(value last-error)"
	assert_eq "$(cat "$VM/description")" "$text" "the description after '$*'"
	[ $(($(job_count) - before)) -le "$most" ] || fail "$(($(job_count) - before)) jobs after '$*'"
}
export D=$VM/description
pieces $'line1\nline2\nline3' 2 in_bash 'printf "line1\nline2\nline3\n" >"$D"'
pieces hello 1 env PYTHONUNBUFFERED=1 python3 -c 'import os; f = open(os.environ["D"], "wb", 0); f.write(b"hello"); f.write(b"\n")'
pieces $'a\nb' 2 in_bash '{ echo a; echo b; } >"$D"'
pieces $'a\nb\nc' 1 in_bash 'echo c >>"$D"'
pieces $'a\nb\nc\nd\ne' 2 in_bash 'exec 5>>"$D"; echo d >&5; echo e >&5'
pieces "first second" 2 in_bash '(/bin/echo -n "first "; /bin/echo second) >"$D"'
pieces "first second" 0 in_bash ': >"$D"; truncate -s 0 "$D"; exec 5<>"$D"; exec 5>&-; echo "first second" >"$D"'
pieces "Zbefore" 1 python3 -c 'import os; f = os.open(os.environ["D"], os.O_WRONLY | os.O_TRUNC)
for piece in b"Z", b"bef", b"ore\n": os.write(f, piece)
os.fsync(f)'
refused "Invalid argument" in_bash 'echo 2 >>"$1/cpuNum"' "$VM"
pieces "" 1 in_bash 'echo >"$D"'
echo start >"$VM/actions" || true
python3 -c 'import os, sys
for text in b"pause\n", b"resume\n":
    f = os.open(sys.argv[1] + "/actions", os.O_WRONLY)
    for i in range(len(text)):
        os.write(f, text[i:i + 1])
    os.close(f)' "$VM"
sync "$VM/actions"
assert_eq "$(cat "$VM/state")" Running
refused "Invalid argument" in_bash 'printf fly >"$1/actions"' "$VM"
refused "busy" in_bash 'printf resume >"$1/actions"' "$VM"
