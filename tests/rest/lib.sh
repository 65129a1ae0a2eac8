# shellcheck shell=bash
# shellcheck source=tests/tree/lib.sh
#
# Shared by the cases of tests/rest, in addition to tests/tree/lib.sh: the program
# poolfs-rest on a free port, and requests to it.
. "$(dirname "${BASH_SOURCE[0]}")/../tree/lib.sh"

REST=${BUILD:-$TOP/build}/poolfs-rest
PORT=18080
BASE=http://127.0.0.1:$PORT
SESSION=
REST_PID=
export BASE MOUNT

# assert_not CMD...: the command must fail.
assert_not() {
	! "$@" || fail "'$*' succeeded"
}

# rest_up [OPTION...]: starts the program as an unprivileged user.
rest_up() {
	setpriv --reuid nobody --regid nogroup --clear-groups \
		"$REST" --listen 127.0.0.1:$PORT "$@" "$MOUNT" 2>>"$CASE_DIR/rest.log" &
	REST_PID=$!
	wait_until 10 bash -c "exec 3<>/dev/tcp/127.0.0.1/$PORT"
}

rest_down() {
	kill "$REST_PID"
	wait "$REST_PID" || fail "poolfs-rest ended with $?"
	REST_PID=
}

# sha512 PASSWORD: the form in which clients send it.
sha512() {
	printf %s "$1" | sha512sum | cut -d' ' -f1
}

# login [NAME [PASSWORD]]: sets $SESSION.
login() {
	SESSION=$(curl -sS -X PUT "$BASE/zstack/v1/accounts/login" -d "$(jq -nc --arg n "${1:-admin}" --arg p "$(sha512 "${2:-password}")" \
		'{logInByAccount: {accountName: $n, password: $p}}')" | jq -re .inventory.uuid)
}

# unshare UUID...: ends all sharing of these objects; a new pool shares its network and offerings with all accounts.
unshare() {
	assert_job 200 '' PUT /v1/accounts/resources/actions \
		"$(jq -nc '{revokeResourceSharing: {resourceUuids: $ARGS.positional, all: true}}' --args "$@")"
}

# http METHOD PATH [BODY] [CURL OPTION...]: sets $STATUS and $BODY. Uses $SESSION unless it is empty.
http() {
	local method=$1 path=$2 body=${3-} out
	shift 2
	[ $# -eq 0 ] || shift
	local -a options=(-sS -g --path-as-is -X "$method" -w '\n%{http_code}' --max-time 180)
	[ -z "$SESSION" ] || options+=(-H "Authorization: OAuth $SESSION")
	[ -z "$body" ] || options+=(-H 'Content-Type: application/json' --data-binary "$body")
	out=$(curl "${options[@]}" "$@" "$BASE$path")
	STATUS=${out##*$'\n'}
	BODY=${out%$'\n'*}
}

# assert_http STATUS REGEX METHOD PATH [BODY] [CURL OPTION...]
assert_http() {
	local status=$1 regex=$2
	shift 2
	http "$@"
	[ "$STATUS" = "$status" ] || fail "$1 $2 answers $STATUS, expected $status: $BODY"
	[[ $BODY =~ $regex ]] || fail "$1 $2 answers '$BODY', expected to match '$regex'"
}

# job METHOD PATH [BODY] [CURL OPTION...]: an accepted request, polled to its end: sets $STATUS and $BODY.
job() {
	local location
	http "$@"
	[ "$STATUS" = 202 ] || fail "$1 $2 answers $STATUS, expected 202: $BODY"
	location=$(jq -re .location <<<"$BODY")
	[[ $location == "$BASE"/zstack/v1/api-jobs/* ]] || fail "the location is '$location'"
	for _ in $(seq 600); do
		SESSION='' http GET "${location#"$BASE"}"
		[ "$STATUS" = 202 ] || return 0
		sleep 0.05
	done
	fail "the job of $1 $2 does not end"
}

# assert_job STATUS REGEX METHOD PATH [BODY]...
assert_job() {
	local status=$1 regex=$2
	shift 2
	job "$@"
	[ "$STATUS" = "$status" ] || fail "the job of $1 $2 ends with $STATUS, expected $status: $BODY"
	[[ $BODY =~ $regex ]] || fail "the job of $1 $2 gives '$BODY', expected to match '$regex'"
}
