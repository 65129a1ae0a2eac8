// SPDX-License-Identifier: Apache-2.0
// The list of VMs. All are known to the page, those that can be seen are in the document.
import {ask} from './page-api.js';
import {$, curve, make, size, use, word} from './page-elements.js';
import {openConsole, verbOf} from './page-console.js';

const POINTS = 30; // of a curve
const AROUND = 10; // rows above and below those that can be seen
const FIELDS = 'uuid,name,state,hostUuid,cpuNum,memorySize', CARD_FIELDS = 'uuid,vmInstanceUuid,ip';
const shown = new Set([...FIELDS.split(','), ...CARD_FIELDS.split(',')]);
const AT_ONCE = 100; // objects that are asked for by their uuids
const order = {key: 'name', down: false};
const compareTexts = new Intl.Collator(undefined, {numeric: true}).compare;
export const vms = new Map();  // by uuid
const nics = new Map();        // by uuid: the VM and the address
const hosts = new Map();       // names by uuid
const history = new Map();     // by uuid: the last sample, and the values of the curves
let list = [];                 // what the filter leaves, in order
let dirty = false, moved = false, drawn = null; // the list, the addresses have changed; the rows in the document

/* ------------------------------------------------------------- what is known */

function complete(vm) {
	vm.host = hosts.get(vm.hostUuid) ?? '';
	vm.address = (vm.addresses ?? []).join(' ');
	vm.text = `${vm.name} ${vm.state} ${vm.host} ${vm.address}`.toLowerCase();
	dirty = true;
}

function addAddresses() {
	const of = new Map();
	for (const nic of nics.values())
		if (nic.ip) of.set(nic.vmInstanceUuid, [...of.get(nic.vmInstanceUuid) ?? [], nic.ip]);
	for (const vm of vms.values()) {
		vm.addresses = of.get(vm.uuid) ?? [];
		complete(vm);
	}
	moved = false;
}

export function setHosts(all) {
	hosts.clear();
	for (const host of all) hosts.set(host.uuid, host.name);
	for (const vm of vms.values()) complete(vm);
}

const unknown = {VmInstance: new Set(), VmNic: new Set()}; // to be asked for
let loading = false;

// All of them, at the beginning. What changes meanwhile may be missing in the answer, and is asked for again.
export async function loadVms() {
	loading = true;
	try {
		await loadAll();
	} finally {
		loading = false;
	}
}

async function loadAll() {
	const [all, cards] = await Promise.all([ask('/vm-instances?limit=1000000&fields=' + FIELDS),
		ask('/vm-instances/nics?limit=1000000&fields=' + CARD_FIELDS)]);
	vms.clear();
	nics.clear();
	for (const vm of all.inventories) vms.set(vm.uuid, vm);
	for (const nic of cards.inventories) nics.set(nic.uuid, nic);
	moved = true;
}

// A change of one; what it does not say is asked for by loadChanged().
export function changeVm(event) {
	const known = {VmInstance: vms, VmNic: nics}[event.kind], o = known.get(event.uuid);
	if (loading) unknown[event.kind].add(event.uuid);
	if (event.event === 'removed') {
		known.delete(event.uuid);
		moved ||= event.kind === 'VmNic';
		dirty = true;
	} else if (event.event === 'created' || !o) {
		unknown[event.kind].add(event.uuid);
	} else {
		for (const [field, change] of Object.entries(event.changes))
			if (shown.has(field)) o[field] = change.to;
		if (event.kind === 'VmNic') moved = true;
		else complete(o);
	}
}

async function loadSome(set, path, known) {
	const uuids = [...set];
	set.clear();
	for (let i = 0; i < uuids.length; i += AT_ONCE) {
		const wanted = uuids.slice(i, i + AT_ONCE);
		const some = await ask(`${path}&limit=${AT_ONCE}&q=uuid?=${wanted.join(',')}`);
		for (const uuid of wanted) known.delete(uuid);
		for (const o of some.inventories) known.set(o.uuid, o);
	}
	return uuids.length;
}

export async function loadChanged() {
	const some = await loadSome(unknown.VmInstance, '/vm-instances?fields=' + FIELDS, vms)
		+ await loadSome(unknown.VmNic, '/vm-instances/nics?fields=' + CARD_FIELDS, nics);
	if (some) moved = dirty = true;
}

/* ------------------------------------------------------------------- curves */

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
	for (const uuid of history.keys())
		if (!vms.has(uuid)) history.delete(uuid);
}

// What the VMs use: those that can be seen, or all if the order goes by it.
export async function measureVms() {
	const all = order.key === 'cpu' || order.key === 'memory';
	const seen = visible().filter(vm => vm.state === 'Running').map(vm => vm.uuid);
	if (!all && !seen.length) return;
	const answer = await ask('/vm-instances/statistics' + (all ? '' : '?' + seen.map(u => 'vmInstanceUuids=' + u).join('&')));
	note(answer.inventories);
	dirty ||= all;
	drawn = null;
}

/* ------------------------------------------------------------------ the list */

const columns = [
	['name', 'name'], ['state', 'state'], ['host', 'host'], ['address', 'address'], ['cpu', 'CPU'], ['memory', 'memory'],
];

function keyOf(vm) {
	const h = history.get(vm.uuid);
	if (order.key === 'cpu') return h?.cpu.at(-1) ?? -1;
	if (order.key === 'memory') return h?.memory.at(-1) ?? -1;
	return vm[order.key] ?? '';
}

function choose() {
	const words = $('filter').value.toLowerCase().split(/\s+/).filter(w => w), sign = order.down ? -1 : 1;
	const keyed = [];
	for (const vm of vms.values())
		if (words.every(w => vm.text.includes(w))) keyed.push([keyOf(vm), vm]);
	keyed.sort((a, b) => sign * (typeof a[0] === 'number' ? a[0] - b[0] : compareTexts(a[0], b[0])));
	list = keyed.map(k => k[1]);
}

const rowHeight = () => parseFloat(getComputedStyle($('list')).getPropertyValue('--row'));

// The first of the rows that are in the document, and the one after the last.
function span() {
	const box = $('list'), height = rowHeight();
	const first = Math.max(0, Math.floor(box.scrollTop / height) - AROUND);
	return [first, Math.min(list.length, Math.ceil((box.scrollTop + box.clientHeight) / height) + AROUND)];
}

function visible() {
	return list.slice(...span());
}

function row(vm, index) {
	const h = history.get(vm.uuid), runs = h && vm.state === 'Running';
	const cpu = h?.cpu.at(-1) ?? 0, memory = h?.memory.at(-1) ?? 0;
	const tr = make('tr', {}, ...[
		make('button', {className: 'name', title: vm.uuid, onclick: () => openConsole(() => vms.get(vm.uuid))}, vm.name),
		word(vm.state), vm.host, vm.address,
		runs ? use(curve(h.cpu, POINTS, vm.cpuNum, `${cpu.toFixed(2)} of ${vm.cpuNum} CPUs`),
			h.cpu.length ? `${(100 * cpu / (vm.cpuNum || 1)).toFixed(0)} %` : '') : '',
		runs ? use(curve(h.memory, POINTS, vm.memorySize, `${size(memory)} of ${size(vm.memorySize)}`), size(memory)) : '',
		verbOf(vm, text => { $('error').textContent = text; }),
	].map(cell => make('td', typeof cell === 'string' ? {title: cell} : {}, cell)));
	tr.setAttribute('aria-rowindex', index + 2);
	return tr;
}

function space(rows) {
	const tr = make('tr', {className: 'space'});
	tr.style.height = rows * rowHeight() + 'px';
	return tr;
}

function drawHead() {
	$('vms').tHead.replaceChildren(make('tr', {}, ...columns.map(([key, title]) => {
		const th = make('th', {}, make('button', {onclick() {
			order.down = order.key === key && !order.down;
			order.key = key;
			dirty = true;
			drawHead();
			drawVms();
		}}, title));
		if (order.key === key) th.setAttribute('aria-sort', order.down ? 'descending' : 'ascending');
		return th;
	}), make('th')));
}

// Draws what has changed. The focus stays on the button that has it.
export function drawVms() {
	if (moved) addAddresses();
	if (dirty) {
		choose();
		drawn = null;
		$('found').textContent = list.length === vms.size ? '' : `${list.length} of ${vms.size}`;
		const counts = {};
		for (const vm of vms.values()) counts[vm.state] = (counts[vm.state] || 0) + 1;
		$('states').replaceChildren(...[['all', vms.size], ...Object.entries(counts).sort()].map(([state, n]) =>
			make('button', {title: 'show these', onclick: () => filterBy(state === 'all' ? '' : state)},
				make('b', {}, String(n)), state)));
		dirty = false;
	}
	const [first, end] = span(), want = `${first} ${end}`;
	if (drawn === want) return;
	drawn = want;
	const table = $('vms'), at = document.activeElement;
	const focus = table.contains(at) && [at.closest('tr').getAttribute('aria-rowindex'), at.className];
	table.setAttribute('aria-rowcount', list.length + 1);
	table.tBodies[0].replaceChildren(space(first), ...list.slice(first, end).map((vm, i) => row(vm, first + i)),
		space(list.length - end));
	if (focus?.[0]) table.querySelector(`tr[aria-rowindex="${focus[0]}"] .${focus[1]}`)?.focus({preventScroll: true});
}

function filterBy(text) {
	$('filter').value = text;
	$('filter').oninput();
}

$('filter').oninput = () => {
	dirty = true;
	$('list').scrollTop = 0;
	drawVms();
};
$('list').onscroll = drawVms;
addEventListener('resize', () => {
	drawn = null;
	drawVms();
});
drawHead();
