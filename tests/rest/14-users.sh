#!/bin/bash
# A local user and the sessions of the account see the same, and a login counts by who really makes it.
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

[ "$(id -u)" = 0 ] || skip "needs root to act as another user"
chmod 755 "$CASE_DIR"
mount_pool -o allow_other,rest-user=nobody
account alice 4001 >/dev/null
account bob 4002 >/dev/null
alice() { setpriv --reuid 4001 --regid 4001 --clear-groups "$@"; }
bob() { setpriv --reuid 4002 --regid 4002 --clear-groups "$@"; }
alice bash -c "echo 'name=alices policy=antiSoft' >'$MOUNT/affinity-groups/create'"
bob bash -c "echo 'name=bobs policy=antiSoft' >'$MOUNT/affinity-groups/create'"
create affinity-groups '{"params":{"name":"roots","policy":"antiSoft"}}' >/dev/null
rest_up

# listed USER KIND: what the user's listing of the directory has.
listed() {
	$1 ls "$MOUNT/$2" | sed -nE '/^[0-9a-f]{32}$/p' | sort
}

step "lists in the tree and over REST are the same"
for who in alice bob; do
	login $who secret
	for kind in affinity-groups zones hosts images vm-instances l3-networks instance-offerings accounts system-tags api-jobs; do
		assert_eq "$(listed $who $kind)" \
			"$($who jq -r '.inventories[].uuid' "$MOUNT/$kind/inventories" | sort)" "the two listings of $kind for $who"
		[ $kind != api-jobs ] || continue # which REST does not list
		assert_http 200 '' GET "/v1/$kind"
		assert_eq "$(listed $who $kind)" \
			"$(jq -r '.inventories[].uuid' <<<"$BODY" | sort)" "$kind for $who"
	done
	assert_http 200 "${who}s" GET /v1/affinity-groups
done

# logins USER ADDRESS: fails to log in 21 times through the mount; prints the last answer.
logins() {
	# shellcheck disable=SC2016 # for the shell of the user
	$1 bash -c 'for _ in $(seq 21); do request "$@"; done | tail -n 1' - "$MOUNT/sessions/call" \
		"$(jq -nc --arg a "$2" '{operation: "LogInByAccount", params: {accountName: "nobodys", password: "x"}, address: $a}')"
}
export -f request

step "a local user cannot spend the logins of an address, nor have more than one address"
assert_match "$(logins alice 127.0.0.1)" 'ID.1000'
login bob secret
assert_match "$(logins alice 192.0.2.77)" 'ID.1000'
rest_down
