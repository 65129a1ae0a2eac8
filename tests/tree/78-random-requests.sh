#!/bin/bash
# Random requests to every writable file: each is taken or refused with a documented errno and a sentence in one line.
#
# $POOLFS_SECONDS of them (10); the asan suite runs it with sanitizers.
# limit: 240
. "$(dirname "$0")/../tree/lib.sh"

mount_pool
image=$(small_image)
stopped=$(create_vm stopped "$image" '{"strategy":"CreateStopped"}')
create_vm running "$image" >/dev/null
offering=$(create disk-offerings '{"params":{"name":"16M","diskSize":16777216}}')
volume=$(create volumes "{\"params\":{\"name\":\"v\",\"diskOfferingUuid\":\"$offering\",\"primaryStorageUuid\":\"$(first primary-storage)\"}}")
act "volumes/$volume" attach vmInstanceUuid="$stopped"
act "volumes/$volume" create-snapshot name=s
create affinity-groups '{"params":{"name":"apart","policy":"antiSoft","type":"host"}}' >/dev/null
seed=${POOLFS_SEED:-$RANDOM}
step "seed $seed"
"$TOP/tests/fuzz/wire" "$MOUNT" "${POOLFS_SECONDS:-10}" "$seed" 2
step "all inventories can be read, now and after a restart"
readable() {
	cat "$MOUNT"/*/inventories | jq -e '.inventories | length' >"$CASE_DIR/counts"
}
readable
remount_pool
readable
