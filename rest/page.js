// SPDX-License-Identifier: Apache-2.0
'use strict';
const api = '/zstack/v1', $ = id => document.getElementById(id);
const PERIOD = 2000; // ms between two looks at the pool; longer if the pool is so large that a look takes long
const SLOWER = 10;   // so many times what the last look has taken
const ROWS = 100;    // of VMs that are shown at once
const POINTS = 30;   // of a curve
const GIB = 2 ** 30;
let session = sessionStorage.getItem('session'), timer;

async function ask(path, options = {}) {
	const headers = session ? {Authorization: 'OAuth ' + session} : {};
	const answer = await fetch(api + path, {...options, headers});
	const text = await answer.text();
	if (answer.ok) return text ? JSON.parse(text) : {};
	let error = text;
	try {
		const why = JSON.parse(text).error;
		error = why.details;
		if (why.code === 'ID.1001') leave();
	} catch { /* plain text */ }
	throw new Error(error);
}

// Does an action, and waits for the end of its job.
async function act(path, body) {
	let answer = await ask(path, {method: 'PUT', body: JSON.stringify(body)});
	while (answer.location) {
		await new Promise(done => setTimeout(done, 500));
		answer = await ask(new URL(answer.location).pathname.slice(api.length));
	}
}

/* ------------------------------------------------------------------ elements */

// An element; what stands in it is a text or an element. Text never becomes markup.
function make(tag, properties, ...content) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...content.map(c => c ?? ''));
	return element;
}

function fill(table, heads, rows) {
	const row = (cells, tag) => make('tr', {}, ...cells.map(cell => make(tag, {}, cell)));
	table.replaceChildren(...rows.length ? [row(heads, 'th'), ...rows.map(r => row(r, 'td'))] : [row(['none'], 'td')]);
}

function bar(value, max, title) {
	return make('progress', {max: max || 1, value, title});
}

function word(text, title = '') {
	return make('span', {className: text, title}, text);
}

// A curve of the last values, the highest of which is at least @top.
function curve(values, top, title) {
	const space = 'http://www.w3.org/2000/svg', svg = document.createElementNS(space, 'svg');
	const line = document.createElementNS(space, 'polyline'), label = document.createElementNS(space, 'title');
	const high = Math.max(top, ...values);
	svg.setAttribute('viewBox', `0 0 ${POINTS - 1} 20`);
	svg.setAttribute('preserveAspectRatio', 'none');
	line.setAttribute('vector-effect', 'non-scaling-stroke');
	line.setAttribute('points', values.map((v, i) => `${POINTS - values.length + i},${(19 - 18 * v / (high || 1)).toFixed(1)}`).join(' '));
	label.textContent = title;
	svg.append(label, line);
	return svg;
}

/* ------------------------------------------------------------------- the VMs */

const history = new Map(); // by uuid: the last sample, and the values of the curves
let vms = [], shown = ROWS, order = {key: 'name', down: false};

function note(samples) {
	for (const s of samples) {
		const h = history.get(s.uuid) ?? {cpu: [], memory: []};
		const seconds = h.time ? (s.time - h.time) / 1000 : 0;
		if (s.cpuSeconds === undefined || (h.time && seconds <= 0)) continue;
		if (seconds > 0 && s.cpuSeconds >= h.cpuSeconds)
			h.cpu = [...h.cpu, (s.cpuSeconds - h.cpuSeconds) / seconds].slice(-POINTS);
		h.memory = [...h.memory, s.memoryBytes ?? 0].slice(-POINTS);
		h.time = s.time;
		h.cpuSeconds = s.cpuSeconds;
		history.set(s.uuid, h);
	}
	const known = new Set(samples.map(s => s.uuid));
	for (const uuid of history.keys())
		if (!known.has(uuid)) history.delete(uuid);
}

const columns = [
	['name', 'name'], ['state', 'state'], ['host', 'host'], ['address', 'address'], ['cpu', 'CPU'], ['memory', 'memory'],
];

function keyOf(vm) {
	const h = history.get(vm.uuid);
	if (order.key === 'cpu') return h?.cpu.at(-1) ?? -1;
	if (order.key === 'memory') return h?.memory.at(-1) ?? -1;
	return vm[order.key];
}

function wanted() {
	const words = $('filter').value.toLowerCase().split(/\s+/).filter(w => w);
	const list = vms.filter(vm => words.every(w => `${vm.name} ${vm.state} ${vm.host} ${vm.address}`.toLowerCase().includes(w)));
	const keys = new Map(list.map(vm => [vm, keyOf(vm)]));
	const compare = (a, b) => typeof a === 'number' ? a - b : a.localeCompare(b, undefined, {numeric: true});
	list.sort((a, b) => (order.down ? -1 : 1) * compare(keys.get(a), keys.get(b)));
	return list;
}

function button(vm) {
	const start = vm.state === 'Stopped', stop = vm.state === 'Running' || vm.state === 'Paused';
	if (!start && !stop) return '';
	const verb = start ? 'start' : 'stop';
	return make('button', {
		async onclick(event) {
			event.target.disabled = true;
			try {
				await act(`/vm-instances/${vm.uuid}/actions`, {[verb + 'VmInstance']: {}});
			} catch (why) {
				$('error').textContent = `${vm.name}: ${why.message}`;
			}
			refresh();
		},
	}, verb);
}

function showVms() {
	const list = wanted();
	const heads = columns.map(([key, title]) => {
		const th = make('th', {}, make('button', {onclick() {
			order = {key, down: order.key === key && !order.down};
			showVms();
		}}, title));
		if (order.key === key) th.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
		return th;
	});
	const rows = list.slice(0, shown).map(vm => {
		const h = history.get(vm.uuid), runs = h && vm.state === 'Running';
		const cpu = h?.cpu.at(-1) ?? 0, memory = h?.memory.at(-1) ?? 0;
		return make('tr', {}, ...[
			make('span', {title: vm.uuid}, vm.name), word(vm.state), vm.host, vm.address,
			runs ? curve(h.cpu, vm.cpuNum, `${cpu.toFixed(2)} of ${vm.cpuNum} CPUs`) : '',
			runs ? curve(h.memory, vm.memorySize, `${(memory / GIB).toFixed(2)} of ${(vm.memorySize / GIB).toFixed(2)} GiB`) : '',
			button(vm),
		].map(cell => make('td', {}, cell)));
	});
	$('vms').replaceChildren(make('tr', {}, ...heads, make('th')), ...rows);
	$('more').hidden = list.length <= shown;
	$('more').textContent = `Show more of ${list.length}`;
}

/* ------------------------------------------------------------------- the pool */

function showJobs(table, jobs, names) {
	fill(table, ['begun', 'operation', 'on', 'state'], jobs.map(j => {
		let why = '';
		try {
			why = JSON.parse(j.error).details;
		} catch { /* none */ }
		const name = names.get((j.resource ?? '').split('/').pop()) ?? j.resource;
		return [j.created, j.operation, name, j.state === 'Processing' ? bar(j.progress, 100, j.progress + ' %')
			: why ? make('span', {}, word(j.state), ': ' + why) : word(j.state)];
	}));
}

async function refresh() {
	clearTimeout(timer);
	const begun = performance.now();
	try {
		const job = '&fields=uuid,state,progress,operation,resource,created,finished,error';
		const [all, nics, hosts, storages, running, jobs, statistics] = await Promise.all([
			ask('/vm-instances?limit=1000000&fields=uuid,name,state,hostUuid,cpuNum,memorySize'),
			ask('/vm-instances/nics?limit=1000000&fields=vmInstanceUuid,ip'), ask('/hosts'),
			ask('/primary-storage'), ask('/api-jobs?q=state?=Queued,Processing&limit=20' + job),
			ask('/api-jobs?sort=-created&limit=15' + job), ask('/vm-instances/statistics')]);
		if (!session) return;
		const hostNames = new Map(hosts.inventories.map(h => [h.uuid, h.name]));
		const counts = {}, addresses = new Map();
		for (const nic of nics.inventories)
			if (nic.ip) addresses.set(nic.vmInstanceUuid, `${addresses.get(nic.vmInstanceUuid) ?? ''} ${nic.ip}`.trim());
		note(statistics.inventories);
		vms = all.inventories.map(vm => ({...vm, host: hostNames.get(vm.hostUuid) ?? '',
			address: addresses.get(vm.uuid) ?? ''}));
		for (const vm of vms) counts[vm.state] = (counts[vm.state] || 0) + 1;
		$('states').replaceChildren(...[['all', vms.length], ...Object.entries(counts).sort()].map(([state, n]) =>
			make('div', {}, make('b', {}, String(n)), state)));
		showVms();
		const names = new Map([...hosts.inventories, ...storages.inventories, ...vms].map(o => [o.uuid, o.name]));
		showJobs($('running'), running.inventories, names);
		showJobs($('jobs'), jobs.inventories, names);
		fill($('hosts'), ['host', 'state', 'CPU', 'memory'], hosts.inventories.map(h => {
			const cpu = h.totalCpuCapacity - h.availableCpuCapacity, memory = h.totalMemoryCapacity - h.availableMemoryCapacity;
			return [h.name, word(h.status), bar(cpu, h.totalCpuCapacity, `${cpu} of ${h.totalCpuCapacity}`),
				bar(memory, h.totalMemoryCapacity, `${(memory / GIB).toFixed(1)} of ${(h.totalMemoryCapacity / GIB).toFixed(1)} GiB`)];
		}));
		fill($('storages'), ['storage', 'type', 'state', 'in use'], storages.inventories.map(s => {
			const used = s.totalCapacity - s.availableCapacity;
			return [s.name, s.type, word(s.status),
				bar(used, s.totalCapacity, `${(used / GIB).toFixed(1)} of ${(s.totalCapacity / GIB).toFixed(1)} GiB`)];
		}));
		$('when').textContent = new Date().toLocaleTimeString();
		$('error').textContent = '';
	} catch (why) {
		$('error').textContent = why.message;
	}
	clearTimeout(timer);
	if (session) timer = setTimeout(refresh, Math.max(PERIOD, SLOWER * (performance.now() - begun)));
}

function show() {
	$('login').hidden = !!session;
	$('pool').hidden = $('leave').hidden = !session;
	if (session) refresh();
}

function leave() {
	session = null;
	sessionStorage.removeItem('session');
	clearTimeout(timer);
	show();
}

$('login').onsubmit = async event => {
	event.preventDefault();
	const form = new FormData(event.target);
	try {
		const answer = await fetch('/login', {method: 'POST', body: JSON.stringify({name: form.get('name'), password: form.get('password')})});
		if (!answer.ok) throw new Error(await answer.text());
		session = (await answer.json()).session;
		sessionStorage.setItem('session', session);
		$('error').textContent = '';
		show();
	} catch (why) {
		$('error').textContent = why.message;
	}
};
$('leave').onclick = () => {
	ask('/accounts/sessions/' + session, {method: 'DELETE'}).catch(() => {});
	leave();
};
$('filter').oninput = () => {
	shown = ROWS;
	showVms();
};
$('more').onclick = () => {
	shown += ROWS;
	showVms();
};
show();
