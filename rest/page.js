// SPDX-License-Identifier: Apache-2.0
// The status page: what there is, from the REST interface, and what changes, from the events.
import {ask, listen, loggedIn, logIn, logOut, onLeave, recent} from './page-api.js';
import {$, bar, fill, make, word} from './page-elements.js';
import {closeConsole, drawConsole} from './page-console.js';
import {changeVm, drawVms, loadChanged, loadVms, measureVms, setHosts, vms} from './page-vms.js';

const PERIOD = 2000; // ms between two looks at what VMs use, which no event tells; longer if that takes long
const SLOWER = 10;   // so many times what the last look has taken
const GATHER = 250;  // ms in which changes are gathered
const EVENTS = 50;   // that are shown
const GIB = 2 ** 30;
const names = new Map(); // of hosts and storages, and of what was in events, by uuid
let news = [];           // events, the newest first
const stale = new Set(); // parts of the page that have to be asked for again
let busy = false, more = false, failing = false; // an update runs, and another one is needed; the last one has failed
let measuring;

const nameOf = uuid => vms.get(uuid)?.name ?? names.get(uuid);

function fail(why) {
	$('error').textContent = why.message;
}

/* --------------------------------------------------------------------- the parts */

// A member of a job that is JSON itself; nothing if there is none.
function parse(text) {
	try {
		return JSON.parse(text) ?? {};
	} catch {
		return {};
	}
}

function showJobs(table, jobs) {
	fill(table, ['begun', 'operation', 'on', 'state'], jobs.map(j => {
		const why = parse(j.error).details;
		// what was refused before it was there has a name in the request alone
		const name = nameOf((j.resource ?? '').split('/').pop()) ?? parse(j.request).params?.name ?? j.resource;
		return [j.created, j.operation, name, j.state === 'Processing' ? bar(j.progress, 100, j.progress + ' %')
			: why ? make('span', {}, word(j.state), ': ' + why) : word(j.state)];
	}));
}

// How each part is asked for and shown; the keys are those of `stale`.
const parts = {
	vms: loadVms,
	async hosts() {
		const {inventories} = await ask('/hosts');
		for (const h of inventories) names.set(h.uuid, h.name);
		setHosts(inventories);
		fill($('hosts'), ['host', 'state', 'CPU', 'memory'], inventories.map(h => {
			const cpu = h.totalCpuCapacity - h.availableCpuCapacity, memory = h.totalMemoryCapacity - h.availableMemoryCapacity;
			return [h.name, word(h.status), bar(cpu, h.totalCpuCapacity, `${cpu} of ${h.totalCpuCapacity} CPUs`),
				bar(memory, h.totalMemoryCapacity, `${(memory / GIB).toFixed(1)} of ${(h.totalMemoryCapacity / GIB).toFixed(1)} GiB`)];
		}));
	},
	async storages() {
		const {inventories} = await ask('/primary-storage');
		for (const s of inventories) names.set(s.uuid, s.name);
		fill($('storages'), ['storage', 'type', 'state', 'in use'], inventories.map(s => {
			const used = s.totalCapacity - s.availableCapacity;
			return [s.name, s.type, word(s.status),
				bar(used, s.totalCapacity, `${(used / GIB).toFixed(1)} of ${(s.totalCapacity / GIB).toFixed(1)} GiB`)];
		}));
	},
	async jobs() {
		const fields = '&fields=uuid,state,progress,operation,resource,created,finished,request,error';
		const [running, failed, last] = await Promise.all([ask('/api-jobs?q=state?=Queued,Processing&limit=20' + fields),
			ask('/api-jobs?q=state=Failed&sort=-created&limit=15' + fields),
			ask('/api-jobs?sort=-created&limit=15' + fields)]);
		showJobs($('running'), running.inventories);
		showJobs($('failed'), failed.inventories);
		showJobs($('jobs'), last.inventories);
	},
};
const partOf = {Host: 'hosts', PrimaryStorage: 'storages', Job: 'jobs'};

function showEvents() {
	const text = value => value === null || value === undefined ? 'nothing' : String(value);
	fill($('events'), ['time', 'what', 'changes'], news.map(e => [e.time,
		`${e.kind} ${e.name ?? nameOf(e.uuid) ?? e.uuid} ${e.event}`,
		e.event !== 'changed' ? '' : Object.entries(e.changes).slice(0, 3).map(([field, c]) =>
			`${field}: ${text(c.from).slice(0, 60)} → ${text(c.to).slice(0, 60)}`).join(', ')]));
}

/* ------------------------------------------------------------------- what changes */

async function update() {
	const some = [...stale];
	stale.clear();
	try {
		// the names that the jobs show come first
		for (const part of some.filter(p => p !== 'jobs')) await parts[part]();
		await loadChanged();
		if (some.includes('jobs')) await parts.jobs();
		if (failing) $('error').textContent = '';
		failing = false;
	} catch (why) {
		for (const part of some) stale.add(part);
		failing = true;
		fail(why);
	}
	drawVms();
	drawConsole();
	showEvents();
	$('when').textContent = new Date().toLocaleTimeString();
}

// Shows what has changed, after a moment in which more may change, and never more than half of the time.
async function soon() {
	more = true;
	if (busy) return;
	busy = true;
	await new Promise(done => setTimeout(done, GATHER));
	while (more && loggedIn()) {
		const begun = performance.now();
		more = false;
		await update();
		more ||= failing;
		await new Promise(done => setTimeout(done, failing ? PERIOD : Math.max(GATHER, performance.now() - begun)));
	}
	busy = false;
}

function begin() {
	for (const part of Object.keys(parts)) stale.add(part);
	soon();
}

// The name stays known when the object is gone, for the jobs on it.
function learn(event) {
	if (event.name) names.set(event.uuid, event.name);
}

// What was before, for who looks in the morning.
async function remember(number) {
	try {
		const before = await recent(number, EVENTS);
		before.forEach(learn);
		news = [...news, ...before.reverse()].slice(0, EVENTS);
		stale.add('jobs');
		soon();
	} catch (why) {
		fail(why);
	}
}

function take(event) {
	learn(event);
	if (event.kind === 'VmInstance' || event.kind === 'VmNic') changeVm(event);
	if (partOf[event.kind]) stale.add(partOf[event.kind]);
	// what a VM takes of its host and storage changes with it
	if (event.kind === 'VmInstance' && event.changes.state) stale.add('hosts').add('storages');
	news = [event, ...news].slice(0, EVENTS);
	soon();
}

async function measure() {
	const begun = performance.now();
	try {
		if (!document.hidden) await measureVms();
		drawVms();
	} catch (why) {
		fail(why);
	}
	clearTimeout(measuring);
	if (loggedIn()) measuring = setTimeout(measure, Math.max(PERIOD, SLOWER * (performance.now() - begun)));
}

/* ------------------------------------------------------------------- who looks */

function show() {
	$('login').hidden = loggedIn();
	$('pool').hidden = $('leave').hidden = !loggedIn();
	if (!loggedIn()) return;
	listen({begin, remember, event: take, state: sentence => { $('error').textContent = sentence; }});
	measure();
}

onLeave(() => {
	clearTimeout(measuring);
	closeConsole();
	show();
});
$('login').onsubmit = async event => {
	event.preventDefault();
	const form = new FormData(event.target);
	try {
		await logIn(form.get('name'), form.get('password'));
		$('error').textContent = '';
		show();
	} catch (why) {
		fail(why);
	}
};
$('leave').onclick = logOut;
show();
