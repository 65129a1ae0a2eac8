// SPDX-License-Identifier: Apache-2.0
// The session, requests to the REST interface, and the stream of events.
const api = '/zstack/v1';
const RECENT = 3000;  // ms in which former events come, if there are any
const AGAIN = 2000;   // ms until the next try to listen
const SILENCE = 40000; // ms without a sign of life, which comes every 15 s, after which the stream counts as broken
let session = sessionStorage.getItem('session'), over = () => {};

export const loggedIn = () => !!session;

export function onLeave(fn) {
	over = fn;
}

function forget() {
	session = null;
	sessionStorage.removeItem('session');
	over();
}

export async function ask(path, options = {}) {
	const headers = session ? {Authorization: 'OAuth ' + session} : {};
	const answer = await fetch(api + path, {...options, headers});
	const text = await answer.text();
	if (answer.ok) return text ? JSON.parse(text) : {};
	let error = text;
	try {
		const why = JSON.parse(text).error;
		error = why.details;
		if (why.code === 'ID.1001') forget();
	} catch { /* plain text */ }
	throw new Error(error);
}

const pause = ms => new Promise(done => setTimeout(done, ms));

// Does an action, and waits for the end of its job.
export async function act(path, body) {
	let answer = await ask(path, {method: 'PUT', body: JSON.stringify(body)});
	while (answer.location) {
		await pause(500);
		answer = await ask(new URL(answer.location).pathname.slice(api.length));
	}
}

export async function logIn(name, password) {
	const answer = await fetch('/login', {method: 'POST', body: JSON.stringify({name, password})});
	if (!answer.ok) throw new Error(await answer.text());
	session = (await answer.json()).session;
	sessionStorage.setItem('session', session);
}

export function logOut() {
	ask('/accounts/sessions/' + session, {method: 'DELETE'}).catch(() => {});
	forget();
}

/* ----------------------------------------------------------------- the events */

// EventSource cannot send a header, and the session belongs into no URL: so the stream is read here.
async function read(answer, alive, take) {
	const reader = answer.body.pipeThrough(new TextDecoderStream()).getReader();
	let rest = '';
	for (;;) {
		const {value, done} = await reader.read();
		if (done) return;
		alive();
		const blocks = (rest + value).split('\n\n');
		rest = blocks.pop();
		for (const block of blocks) {
			const fields = {};
			for (const line of block.split('\n')) {
				const colon = line.indexOf(': ');
				if (colon > 0) fields[line.slice(0, colon)] = line.slice(colon + 2);
			}
			take(fields);
		}
	}
}

// At most @count events up to @number, the oldest first.
export async function recent(number, count) {
	const stop = new AbortController(), events = [];
	const timer = setTimeout(() => stop.abort(), RECENT);
	try {
		const headers = {Authorization: 'Bearer ' + session, 'Last-Event-ID': String(Math.max(0, number - count))};
		const answer = await fetch('/events', {headers, signal: stop.signal});
		if (!answer.ok) throw new Error(await answer.text());
		await read(answer, () => {}, fields => {
			if (!fields.event && fields.data && Number(fields.id) <= number) events.push(JSON.parse(fields.data));
			if (Number(fields.id) >= number) stop.abort();
		});
	} catch (why) {
		if (why.name !== 'AbortError') throw why;
	} finally {
		clearTimeout(timer);
	}
	return events;
}

// Follows the events until the session ends: @begin() when none of what was before is known, or some of it is lost;
// @remember(number) with the number of the last event before; @event(event) for each of what follows; @state(sentence) when the stream breaks, or is there again ('').
export async function listen({begin, remember, event, state}) {
	const mine = session;
	let last = null;
	while (session && session === mine) {
		const stop = new AbortController();
		let silence;
		const alive = () => {
			clearTimeout(silence);
			silence = setTimeout(() => stop.abort(), SILENCE);
		};
		try {
			alive();
			const headers = {Authorization: 'Bearer ' + mine};
			if (last !== null) headers['Last-Event-ID'] = last;
			const answer = await fetch('/events', {headers, signal: stop.signal});
			if (answer.status === 401) return session === mine && forget();
			if (!answer.ok) throw new Error(await answer.text());
			state('');
			if (last === null) begin();
			await read(answer, alive, fields => {
				if (session !== mine) return stop.abort();
				if (fields.event === 'end') return forget();
				if (fields.event === 'lost') begin();
				else if (fields.data) event(JSON.parse(fields.data));
				if (fields.id && last === null) remember(Number(fields.id));
				if (fields.id) last = fields.id;
			});
			state('no connection');
		} catch (why) {
			state(why.message);
		}
		clearTimeout(silence);
		await pause(AGAIN);
	}
}
