/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a page can do beyond being read: search, filters, folding; on what, is told in html.h. */
(() => {
"use strict";

const tools = document.getElementById("tools");
const search = document.getElementById("search");
const count = document.getElementById("count");
const chips = [...document.querySelectorAll(".chip")];
const groups = [...document.querySelectorAll(".group")];
const opened = new Set(); // by us, while something is searched for
const OPENED_MAX = 12;

const kindsOf = (node) => (node.dataset.kind || "").split(" ");
const textOf = (node) => node.textContent.toLowerCase();
/* What stands at its end sums up its rows, and is not what a row is found by. */
const titleOf = (summary) =>
	[...summary.childNodes]
		.filter((node) => !(node.matches && node.matches(".end")))
		.map(textOf)
		.join(" ");

/* An item without rows is a row by itself. */
const items = [...document.querySelectorAll(".item")].map((node) => {
	const summary = node.querySelector("summary") || node;
	const rows = [...node.querySelectorAll(".row")];
	const units = (rows.length ? rows : [summary]).map((unit) => ({
		node: unit,
		kinds: new Set([...kindsOf(node), ...kindsOf(unit)]),
		text: null,
	}));
	return { node, summary, units, hasRows: rows.length > 0 };
});
const unitCount = items.reduce((sum, item) => sum + item.units.length, 0);

/* Chips of a group add up; groups narrow each other. */
function pressed() {
	const sets = new Map();

	for (const chip of chips) {
		if (chip.getAttribute("aria-pressed") !== "true")
			continue;
		const group = chip.closest(".chips");
		if (!sets.has(group))
			sets.set(group, []);
		sets.get(group).push(chip.dataset.kind);
	}
	return [...sets.values()];
}

function matches(item, unit, words, sets) {
	if (!sets.every((set) => set.some((kind) => unit.kinds.has(kind))))
		return false;
	if (words.length && unit.text === null)
		unit.text = (item.hasRows ? titleOf(item.summary) + " " : "") + textOf(unit.node);
	return words.every((word) => unit.text.includes(word));
}

/* Returns how many of its rows are shown. */
function filter(item, words, sets) {
	let shown = 0;

	for (const unit of item.units) {
		const visible = matches(item, unit, words, sets);
		if (item.hasRows)
			unit.node.hidden = !visible;
		shown += visible;
	}
	item.node.hidden = shown === 0;
	return shown;
}

const ofAll = (n, all, word) =>
	(n === all ? String(n) : n + " of " + all) + " " + word + (all === 1 ? "" : "s");

function tell(itemsShown, unitsShown) {
	const parts = [ofAll(itemsShown, items.length, count.dataset.item)];

	if (count.dataset.row)
		parts.push(ofAll(unitsShown, unitCount, count.dataset.row));
	count.textContent = parts.join(", ");
}

/* A few that are found are opened; when nothing is searched for any more, closed again. */
function fold(searching, visible) {
	if (searching && visible.length <= OPENED_MAX) {
		for (const item of visible) {
			if (!item.node.open)
				opened.add(item.node);
			item.node.open = true;
		}
	} else if (!searching) {
		for (const node of opened)
			node.open = false;
		opened.clear();
	}
}

function apply() {
	const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
	const sets = pressed();
	const visible = [];
	let shown = 0;

	for (const item of items) {
		const n = filter(item, words, sets);
		if (n)
			visible.push(item);
		shown += n;
	}
	for (const group of groups)
		group.hidden = !group.querySelector(".item:not([hidden])");
	fold(words.length > 0, visible);
	tell(visible.length, shown);
}

function reset() {
	search.value = "";
	for (const chip of chips)
		chip.setAttribute("aria-pressed", "false");
	apply();
}

function setOpen(open) {
	opened.clear();
	for (const item of items) {
		if (!item.node.hidden && "open" in item.node)
			item.node.open = open;
	}
}

/* Where a link leads to is shown, whatever hides it. */
function reveal() {
	let id;

	try {
		id = decodeURIComponent(location.hash.slice(1));
	} catch {
		return;
	}
	const target = id && document.getElementById(id);
	if (!target)
		return;
	if (tools && target.closest("[hidden]"))
		reset();
	for (let node = target; node; node = node.parentElement) {
		if (node.tagName === "DETAILS")
			node.open = true;
	}
	target.scrollIntoView({ block: "center" });
}

function onKey(event) {
	if (event.key === "Escape" && (event.target === search || search.value)) {
		reset();
	} else if (event.key === "/" && !event.ctrlKey && !event.altKey && !event.metaKey &&
		   event.target !== search) {
		event.preventDefault();
		search.focus();
		search.select();
	}
}

/* So that the address leads to what is looked at. */
function address(item) {
	if (!item.node.id)
		return;
	item.summary.addEventListener("click", () => {
		const none = location.pathname + location.search;

		history.replaceState(null, "", item.node.open ? none : "#" + item.node.id);
	});
}

function start() {
	let timer;

	tools.hidden = false;
	tools.addEventListener("submit", (event) => event.preventDefault());
	search.addEventListener("input", () => {
		clearTimeout(timer);
		timer = setTimeout(apply, unitCount > 2000 ? 200 : 30);
	});
	for (const chip of chips) {
		chip.addEventListener("click", () => {
			const on = chip.getAttribute("aria-pressed") === "true";
			chip.setAttribute("aria-pressed", String(!on));
			apply();
		});
	}
	document.getElementById("expand").addEventListener("click", () => setOpen(true));
	document.getElementById("collapse").addEventListener("click", () => setOpen(false));
	document.addEventListener("keydown", onKey);
	items.forEach(address);
	apply(); // the browser may have kept what was typed
}

if (tools)
	start();
addEventListener("hashchange", reveal);
reveal();
})();
