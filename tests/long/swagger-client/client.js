// SPDX-License-Identifier: Apache-2.0
// usage: node client.js BASE SHA512-OF-THE-PASSWORD
// Every function that is called here is made of the document; the tags are those of its operations.
const assert = require("node:assert");
const swagger = require("swagger-client");

async function main(base, password) {
	const { apis, errors } = await swagger(`${base}/zstack/v1/openapi.json`);
	assert.deepStrictEqual(errors, []);
	const calls = Object.assign({}, ...Object.values(apis));

	const login = await calls.LogInByAccount({}, { requestBody: { logInByAccount: { accountName: "admin", password } } });
	const session = {
		requestInterceptor: (request) => {
			request.headers.Authorization = `OAuth ${login.body.inventory.uuid}`;
			return request;
		},
	};
	const call = (name, parameters, requestBody) => calls[name](parameters, { requestBody, ...session });

	// What the job ends with; a failure is an error, as of any call.
	const done = async (accepted) => {
		assert.strictEqual(accepted.status, 202);
		const uuid = accepted.body.location.split("/").at(-1);
		for (;;) {
			const job = await call("GetApiJob", { uuid });
			if (job.status !== 202) {
				return job.body;
			}
		}
	};

	const created = await done(await call("CreateZone", {}, { params: { name: "made here", description: "a 'b' c" } }));
	const zone = created.inventory;
	assert.strictEqual(zone.description, "a 'b' c");

	const answer = await call("QueryZone", { q: ["name=made here"], fields: ["name", "uuid"], limit: 1 });
	assert.deepStrictEqual(answer.body.inventories, [{ uuid: zone.uuid, name: "made here" }]);

	const failure = await call("CreateZone", {}, { params: {} }).then(done).catch((error) => error);
	assert.strictEqual(failure.status, 503);
	assert.match(failure.response.body.error.details, /name/);
	console.log(`${Object.keys(calls).length} operations`);
}

main(...process.argv.slice(2));
