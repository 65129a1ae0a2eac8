#!/bin/bash
# swagger-client makes a function of each operation of the OpenAPI document, and these work.
# long: 900
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

# rest/02-contract.sh has the types of the document, and every operation.
mount_pool -o allow_other,rest-user=nobody
rest_up
count=$(NODE_PATH=$TOP/build/swagger-client/node_modules node "$TOP/tests/long/swagger-client/client.js" "$BASE" "$(sha512 password)")
echo "$count"
[ "${count% operations}" -gt 250 ] || fail "only $count"
rest_down
