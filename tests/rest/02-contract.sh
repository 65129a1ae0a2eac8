#!/bin/bash
# All operations of the manual and their aliases over HTTP, with real effects on the test driver.
# limit: 240
# shellcheck source=tests/rest/lib.sh
. "$(dirname "$0")/../rest/lib.sh"

mount_pool -o allow_other,rest-user=nobody
rest_up
mkdir shared
truncate -s 1M "$CASE_DIR/image.raw"
xorriso -as mkisofs -quiet -o "$CASE_DIR/image.iso" "$TOP/tests/rest"
"$TOP/tests/rest/contract" 127.0.0.1 $PORT "$MOUNT" "$TOP/tests/data/operations.json" "$CASE_DIR/image.raw" "$CASE_DIR/image.iso"

step "a client in TypeScript: types that are made from the document are those of the answers"
curl -sS "$BASE/zstack/v1/openapi.json" >openapi.json
NODE=$TOP/build/openapi-validator/node_modules
"$NODE/.bin/openapi-typescript" openapi.json -o pool.ts >generated.log || fail "openapi-typescript: $(<generated.log)"
cp "$TOP/tests/rest/openapi/client.ts" .
"$NODE/.bin/tsc" --noEmit --strict --target es2022 client.ts || fail "the types are others"
sed 's/: number/: boolean/' client.ts >wrong.ts
assert_fails "not assignable to type 'boolean" "$NODE/.bin/tsc" --noEmit --strict --target es2022 wrong.ts
rest_down
