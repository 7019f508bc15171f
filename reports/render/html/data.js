// What the page's scripts share: elements made of text, and the data blocks of the file. Everything
// that a model, a server or a benchmark wrote enters the page as text, never as markup.
'use strict';

const PAGE = 100;          // rows shown at a time
const SHOWN = 200000;      // characters of one text shown before "show the rest"
const HIDDEN = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u00ad\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb]/g;
const byId = (id) => document.getElementById(id);
const whole = new Intl.NumberFormat('en-US', {maximumFractionDigits: 0});
const number = (value) => value === null || value === undefined ? '–'
    : Number.isInteger(value) || value >= 100 ? whole.format(value) : value.toFixed(1);
const percent = (value) => (100 * value).toFixed(1) + ' %';

// ---- elements -------------------------------------------------------------------------

const codeName = (character) => 'U+' + character.codePointAt(0).toString(16).toUpperCase().padStart(4, '0');

/// One line in which nothing is unseen or turns the direction of writing.
const shown = (text) => text.replace(HIDDEN, (character) => '⟨' + codeName(character) + '⟩');

/// An element with attributes, and children that are elements or texts.
function element(name, attributes, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes || {})) {
    if (value !== null && value !== undefined && value !== false) made.setAttribute(key, value);
  }
  for (const child of children) {
    if (child !== null && child !== undefined) made.append(typeof child === 'string' ? shown(child) : child);
  }
  return made;
}

/// Characters that are not seen, or that turn the direction of writing, are shown by their name.
function visible(parent, text) {
  let from = 0;
  for (const match of text.matchAll(HIDDEN)) {
    if (match.index > from) parent.append(text.slice(from, match.index));
    parent.append(element('span', {class: 'unseen'}, codeName(match[0])));
    from = match.index + 1;
  }
  if (from < text.length) parent.append(text.slice(from));
  return parent;
}

// ---- data -----------------------------------------------------------------------------

function bytesOf(base64) {
  if (Uint8Array.fromBase64) return Uint8Array.fromBase64(base64);
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; ++i) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

/// What a data block holds: base64 of gzip of JSON.
function decode(block) {
  const stream = new Blob([bytesOf(block.textContent)]).stream();
  return new Response(stream.pipeThrough(new DecompressionStream('gzip'))).json();
}

const state = {meta: null, rows: [], byKey: new Map(), view: [], texts: [], cache: new Map()};

/// One row for each question and repeat, with a cell for each run that answered it.
function addRows(run, block) {
  const meta = state.meta;
  for (let i = 0; i < block.item.length; ++i) {
    const set = block.set[i];
    const key = set + '\u0000' + block.item[i] + '\u0000' + block.repeat[i];
    let row = state.byKey.get(key);
    if (!row) {
      row = {
        set,
        item: block.item[i],
        repeat: block.repeat[i],
        subject: meta.subjects[block.subject[i]],
        parts: meta.parts[block.parts[i]],
        date: meta.dates[block.date[i]],
        target: block.target[i],
        cells: new Array(meta.runs.length).fill(null),
      };
      state.byKey.set(key, row);
      state.rows.push(row);
    }
    row.cells[run] = {
      verdict: block.verdict[i],
      value: block.value[i],
      tokens: block.tokens[i],
      latency: block.latency[i],
      finish: block.finish[i],
      extracted: block.extracted[i],
      place: block.first + i,
    };
  }
}

async function load() {
  state.meta = await decode(byId('meta'));
  const blocks = [...document.querySelectorAll('script.rows')];
  const decoded = await Promise.all(blocks.map(decode));
  decoded.forEach((block, i) => addRows(Number(blocks[i].dataset.run), block));
  state.texts = state.meta.runs.map((_, run) =>
      [...document.querySelectorAll('script.texts[data-run="' + run + '"]')].map(
          (block) => ({block, first: Number(block.dataset.first)})));
}

/// The transcript behind a cell. The few blocks decoded last are kept.
async function transcript(run, cell) {
  const blocks = state.texts[run];
  let low = 0;
  for (let high = blocks.length; high - low > 1;) {
    const middle = (low + high) >> 1;
    if (blocks[middle].first <= cell.place) low = middle; else high = middle;
  }
  if (!blocks.length) return null;
  const {block, first} = blocks[low];
  if (!state.cache.has(block)) {
    state.cache.set(block, decode(block));
    if (state.cache.size > 6) state.cache.delete(state.cache.keys().next().value);
  }
  const list = await state.cache.get(block);
  const found = list[cell.place - first];
  if (!found) return null;
  // Repeats share the prompt with the sample before them.
  let with_prompt = cell.place - first;
  while (with_prompt > 0 && list[with_prompt].prompt === undefined) --with_prompt;
  return {...found, asked: list[with_prompt]};
}
