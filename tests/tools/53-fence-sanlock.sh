#!/bin/bash
# The fence command that takes storage leases as the proof (examples/fence-sanlock), with Debian's sanlock on two hosts
# that share a file: a host is on while it renews its lease, and off when nobody has for longer than its guests can live.
# limit: 300
. "$(dirname "$0")/lib.sh"

# known ACTION ADDRESS: the exit status of the fence command.
known() {
	local status=0
	PATH=$CASE_DIR:$PATH sh fence-sanlock "$1" 0 "$2" >said || status=$?
	echo "$status"
}
is_known() {
	[ "$(known status 10.99.0.1)" = "$1" ]
}

sed 's/10\.0\.0\./10.99.0./; s/^lockspace=.*/lockspace=TEST/' "$TOP/examples/fence-sanlock" >fence-sanlock
ln -s "$LAB/sanlock" sanlock
truncate -s 1M leases
join() {
	"$LAB/sanlock" client add_lockspace -s "TEST:$1:$CASE_DIR/leases:0" -o 3
}
# With an io_timeout of 3 s: the machine may be busy.
export -f join
export LAB CASE_DIR

step "nothing is known without sanlock, and of who has no lease"
assert_eq "$(known status 10.99.0.1)" 1
"$LAB/sanlock" daemon manager
wait_until 60 "$LAB/sanlock" client init -s "TEST:0:$CASE_DIR/leases:0" -o 3
wait_until 60 join 100
assert_eq "$(known status 10.99.0.1)" 1
assert_eq "$(known status 10.99.0.9)" 1
finds -F "no host_id is known for '10.99.0.9'" said

step "a host that renews its lease is on, and nobody can cut its power"
# shellcheck disable=SC2016 # expanded there
unshare --mount --pid --fork --kill-child=KILL --mount-proc --propagation private bash -c \
	'mount -t tmpfs tmpfs /run; "$LAB/sanlock" daemon one; until join 1; do sleep 0.1; done; sleep 1000' &
host=$!
wait_until 60 is_known 0
assert_eq "$(known off 10.99.0.1)" 1

step "one that is dead is off when its lease has expired, not before"
kill -KILL $host
since=$EPOCHSECONDS
wait_until 200 is_known 2
[ $((EPOCHSECONDS - since)) -ge 80 ] || fail "the lease cannot have expired after $((EPOCHSECONDS - since)) s"
