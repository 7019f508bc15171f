// Tables that can be sorted, the window of dates, and the start of it all.
'use strict';

// ---- tables of the report that can be sorted ------------------------------------------

function cellKey(row, column) {
  const cell = row.cells[column];
  const key = cell.dataset.sort !== undefined ? cell.dataset.sort : cell.textContent;
  return key === '' || key === '–' ? null : Number.isNaN(Number(key)) ? key : Number(key);
}

function sortTable(tableElement, th) {
  const column = th.cellIndex;
  const down = th.getAttribute('aria-sort') === 'ascending';
  const body = tableElement.tBodies[0];
  const keyed = [...body.rows].map((row) => [cellKey(row, column), row]);
  keyed.sort(([a], [b]) => {
    if (typeof a !== typeof b || a === null) return compareValues(a === null ? null : String(a), b === null ? null : String(b));
    return down ? compareValues(b, a) : compareValues(a, b);
  });
  body.append(...keyed.map(([, row]) => row));
  for (const other of th.parentElement.children) other.setAttribute('aria-sort', 'none');
  th.setAttribute('aria-sort', down ? 'descending' : 'ascending');
}

function buildTables() {
  for (const each of document.querySelectorAll('table.sortable')) {
    for (const th of each.tHead.rows[0].cells) {
      const button = element('button', {type: 'button'}, ...th.childNodes);
      th.replaceChildren(button);
      th.setAttribute('aria-sort', 'none');
      button.addEventListener('click', () => sortTable(each, th));
    }
  }
}

/// What is wider than its place can be scrolled by the keyboard; what is not is no stop on the way.
function markScrolled() {
  for (const each of document.querySelectorAll('.scroll')) {
    if (each.scrollWidth > each.clientWidth) each.tabIndex = 0;
    else each.removeAttribute('tabindex');
  }
}

// ---- the window of dates --------------------------------------------------------------

/// Wilson's interval at 95 %.
function wilson(p, n) {
  const z = 1.959963984540054;
  const centre = (p + z * z / (2 * n)) / (1 + z * z / n);
  const half = z / (1 + z * z / n) * Math.sqrt(p * (1 - p) / n + z * z / (4 * n * n));
  return [Math.max(0, centre - half), Math.min(1, centre + half)];
}

/// Means of questions within the months, for each run.
function windowMeans(set, from, to) {
  return state.meta.runs.map((run, i) => {
    const items = new Map();
    for (const row of state.rows) {
      const value = row.set === set ? right(row.cells[i]) : null;
      const month = row.date.slice(0, 7);
      if (value === null || !month || month < from || month > to) continue;
      const item = items.get(row.item) || [0, 0];
      items.set(row.item, [item[0] + value, item[1] + 1]);
    }
    let sum = 0;
    for (const [value, count] of items.values()) sum += value / count;
    return {name: run.name, n: items.size, mean: items.size ? sum / items.size : null};
  });
}

function buildWindow(figure) {
  const set = state.meta.sets.indexOf(figure.dataset.task);
  const months = figure.dataset.months.split(' ');
  const output = element('output', {'aria-live': 'polite'});
  const link = element('a', {href: '#samples'}, 'Show these questions');
  const range = (name, value) => element('input', {type: 'range', min: 0, max: months.length - 1, value, step: 1,
                                                   'aria-label': name});
  const [low, high] = [range('first month', 0), range('last month', months.length - 1)];
  const update = (moved) => {
    if (Number(low.value) > Number(high.value)) (moved === low ? high : low).value = moved.value;
    const [from, to] = [months[low.value], months[high.value]];
    low.setAttribute('aria-valuetext', from);
    high.setAttribute('aria-valuetext', to);
    const texts = windowMeans(set, from, to).map(({name, n, mean}) => {
      if (mean === null) return name + ': no question';
      const [bottom, top] = wilson(mean, n);
      return name + ': ' + percent(mean) + ' [' + percent(bottom) + ', ' + percent(top) + '], ' + number(n) + ' questions';
    });
    output.replaceChildren(element('strong', {}, from + ' to ' + to), ...texts.map((text) => element('span', {}, text)));
    for (const mark of figure.querySelectorAll('[data-month]')) {
      mark.classList.toggle('outside', mark.dataset.month < from || mark.dataset.month > to);
    }
    link.href = '#' + new URLSearchParams({task: figure.dataset.task, from, to});
  };
  low.addEventListener('input', () => update(low));
  high.addEventListener('input', () => update(high));
  figure.querySelector('.window').append(
      element('label', {}, 'From ', low), element('label', {}, 'to ', high), output, link);
  update(low);
}

// ---- start ----------------------------------------------------------------------------

function followHash() {
  if (!wanted()) return;
  show();
  if (wanted().has('item')) return openNamed();
  if (byId('sample').open) byId('sample').close();
  byId('samples').scrollIntoView();
  byId('samples-heading').focus({preventScroll: true});
}

async function start() {
  buildTables();
  await load();
  buildForm();
  buildDialog();
  show();
  document.querySelectorAll('figure[data-months]').forEach(buildWindow);
  window.addEventListener('hashchange', followHash);
  window.addEventListener('resize', markScrolled);
  markScrolled();
  document.documentElement.dataset.readyMs = performance.now().toFixed(0);
  openNamed();
}

start().catch((error) => {
  byId('sample-status').textContent = 'The samples cannot be shown: ' + error.message;
  throw error;
});
