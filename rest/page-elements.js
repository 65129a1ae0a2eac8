// SPDX-License-Identifier: Apache-2.0
// Elements. Text never becomes markup.
export const $ = id => document.getElementById(id);

// An element; what stands in it is a text or an element.
export function make(tag, properties, ...content) {
	const element = Object.assign(document.createElement(tag), properties);
	element.append(...content.map(c => c ?? ''));
	return element;
}

export function fill(table, heads, rows) {
	const row = (cells, tag) => make('tr', {}, ...cells.map(cell => make(tag, {}, cell)));
	table.replaceChildren(...rows.length ? [row(heads, 'th'), ...rows.map(r => row(r, 'td'))] : [row(['none'], 'td')]);
}

// A picture of how much is in use, and the number beside it.
export function use(picture, text) {
	return make('span', {className: 'use'}, picture, make('small', {}, text));
}

export function bar(value, max, text) {
	return use(make('progress', {max: max || 1, value}), text);
}

export function size(bytes) {
	const gib = bytes / 2 ** 30;
	return gib >= 1 ? `${gib.toFixed(1)} GiB` : `${(bytes / 2 ** 20).toFixed(0)} MiB`;
}

export function word(text, title = '') {
	return make('span', {className: text, title}, text);
}

// A curve of the last @points values, the highest of which is at least @top.
export function curve(values, points, top, title) {
	const space = 'http://www.w3.org/2000/svg', svg = document.createElementNS(space, 'svg');
	const line = document.createElementNS(space, 'polyline'), label = document.createElementNS(space, 'title');
	const high = Math.max(top, ...values);
	svg.setAttribute('viewBox', `0 0 ${points - 1} 20`);
	svg.setAttribute('preserveAspectRatio', 'none');
	line.setAttribute('vector-effect', 'non-scaling-stroke');
	line.setAttribute('points', values.map((v, i) => `${points - values.length + i},${(19 - 18 * v / (high || 1)).toFixed(1)}`).join(' '));
	label.textContent = title;
	svg.append(label, line);
	return svg;
}
