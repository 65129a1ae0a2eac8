// SPDX-License-Identifier: Apache-2.0
// One VM: a picture of its screen, which refreshes, and what it writes to its serial console.
import {act, ask} from './page-api.js';
import {$, make, word} from './page-elements.js';

const PICTURE = 2000; // ms between two pictures
const LINES = 1000;   // ms between two looks at the serial log
const KEPT = 200000;  // characters of the log that are shown
let find = null;      // the VM that is open; null: none
let turn = 0;         // counts what has been opened: who was for another one ends
let log = '';

export function verbOf(vm, failed) {
	const start = vm.state === 'Stopped', stop = vm.state === 'Running' || vm.state === 'Paused';
	if (!start && !stop) return '';
	const verb = start ? 'start' : 'stop';
	return make('button', {
		className: 'verb',
		async onclick(event) {
			event.target.disabled = true;
			failed('');
			try {
				await act(`/vm-instances/${vm.uuid}/actions`, {[verb + 'VmInstance']: {}});
			} catch (why) {
				failed(`${vm.name}: ${why.message}`);
			} finally {
				event.target.disabled = false;
			}
		},
	}, verb);
}

// What a terminal would make of it, without colours and moves of the cursor.
function plain(text) {
	return text.replace(/\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|[ -/]*[0-~])/g, '')
		.replace(/[^\n\t\x20-\x7e\xa0-\uffff]/g, '');
}

async function showPicture(vm, mine) {
	const runs = vm.state === 'Running' || vm.state === 'Paused';
	if (!runs) {
		$('screen').hidden = true;
		$('screen-why').textContent = `it is ${vm.state}`;
		return;
	}
	try {
		const answer = await ask(`/vm-instances/${vm.uuid}/screenshot`);
		if (mine !== turn) return;
		$('screen').src = 'data:image/png;base64,' + answer.png;
		$('screen').hidden = false;
		$('screen-why').textContent = '';
	} catch (why) {
		if (mine === turn) $('screen-why').textContent = why.message;
	}
}

// Returns the offset at which it goes on; null when there is no log.
async function showLog(vm, offset, mine) {
	const pre = $('serial');
	try {
		const answer = await ask(`/vm-instances/${vm.uuid}/serial-log` + (offset === undefined ? '' : '?offset=' + offset));
		if (mine !== turn) return null;
		if (answer.text) {
			const atEnd = pre.scrollTop + pre.clientHeight >= pre.scrollHeight - 4;
			log = (log + answer.text).slice(-KEPT);
			pre.textContent = plain(log);
			pre.hidden = false;
			if (atEnd || offset === undefined) pre.scrollTop = pre.scrollHeight;
		}
		$('serial-why').textContent = log ? '' : 'nothing yet';
		return answer.next;
	} catch (why) {
		if (mine === turn) $('serial-why').textContent = why.message;
		return null;
	}
}

// Repeats @fn while the VM is open and the page can be seen.
async function repeat(ms, fn) {
	const mine = turn;
	while (mine === turn && find) {
		if (!document.hidden && find() && await fn(find(), mine) === false) return;
		await new Promise(done => setTimeout(done, ms));
	}
}

// Shows what is known of the VM; it may have changed, or be gone.
export function drawConsole() {
	if (!find) return;
	const vm = find();
	if (!vm) {
		$('console').close();
		return;
	}
	$('title').textContent = vm.name;
	$('state').replaceChildren(word(vm.state));
	if ($('verb').dataset.of !== vm.uuid + vm.state) {
		$('verb').dataset.of = vm.uuid + vm.state;
		$('verb').replaceChildren(verbOf(vm, text => { $('screen-why').textContent = text; }));
	}
	$('facts').textContent = [vm.host && `on ${vm.host}`, vm.address, vm.cpuNum === 1 ? '1 CPU' : `${vm.cpuNum} CPUs`,
		`${(vm.memorySize / 2 ** 20).toFixed(0)} MiB`, vm.uuid].filter(f => f).join(', ');
}

export function openConsole(which) {
	let offset;
	find = which;
	turn++;
	log = '';
	$('serial').textContent = $('screen-why').textContent = $('serial-why').textContent = '';
	$('serial').hidden = $('screen').hidden = true;
	$('screen').removeAttribute('src');
	drawConsole();
	$('console').showModal();
	repeat(PICTURE, showPicture);
	repeat(LINES, async (vm, mine) => {
		const next = await showLog(vm, offset, mine);
		if (next === null) return false;
		offset = next;
		return true;
	});
}

export function closeConsole() {
	$('console').close();
}

$('close').onclick = closeConsole;
$('console').onclose = () => {
	find = null;
	turn++;
};
