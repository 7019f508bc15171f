// The table of samples: filters, order and page as the address says them.
'use strict';

// ---- filters --------------------------------------------------------------------------

const FIELDS = ['task', 'subject', 'run', 'verdict', 'changed', 'from', 'to', 'q'];

/// What the address says after the #; none if it is a plain anchor.
function wanted() {
  const hash = location.hash.slice(1);
  return hash.includes('=') ? new URLSearchParams(hash) : null;
}

function hashOf(changes) {
  const next = new URLSearchParams(wanted() || '');
  for (const [key, value] of Object.entries(changes)) {
    if (value === '' || value === null || value === undefined) next.delete(key);
    else next.set(key, value);
  }
  return '#' + (next.toString() || 'task=');
}

/// Changes the address without a new entry in the history, and shows what it says.
function go(changes) {
  history.replaceState(null, '', hashOf(changes));
  show();
}

const right = (cell) => cell !== null && cell.value !== null ? cell.value : null;

/// "lost", "gained" or "" against the first run.
function change(row) {
  const base = right(row.cells[0]);
  if (base === null) return '';
  for (let run = 1; run < row.cells.length; ++run) {
    const other = right(row.cells[run]);
    if (other !== null && other !== base) return other < base ? 'lost' : 'gained';
  }
  return '';
}

function verdictFits(row, wantedVerdict, run) {
  const fits = (cell) => {
    if (cell === null) return false;
    const name = state.meta.verdicts[cell.verdict];
    if (wantedVerdict === 'not pass') return name !== 'pass';
    if (wantedVerdict === 'truncated') return state.meta.truncated.includes(cell.finish);
    return name === wantedVerdict;
  };
  return run >= 0 ? fits(row.cells[run]) : row.cells.some(fits);
}

function fits(query) {
  const meta = state.meta;
  const value = (name) => query.get(name) || '';
  const task = value('task') ? meta.sets.indexOf(value('task')) : -1;
  const run = value('run') ? meta.runs.findIndex((each) => each.name === value('run')) : -1;
  const [subject, verdict, changed] = ['subject', 'verdict', 'changed'].map(value);
  const [from, to, text] = [value('from'), value('to'), value('q').toLowerCase()];
  return (row) => {
    if (value('task') && row.set !== task) return false;
    if (subject && row.subject !== subject && !row.parts.includes(subject)) return false;
    if (from && row.date.slice(0, 7) < from) return false;
    if (to && (!row.date || row.date.slice(0, 7) > to)) return false;
    if (verdict ? !verdictFits(row, verdict, run) : run >= 0 && row.cells[run] === null) return false;
    if (changed) {
      const is = change(row);
      if (changed === 'any' ? !is : is !== changed) return false;
    }
    if (!text) return true;
    return row.item.toLowerCase().includes(text) || row.target.toLowerCase().includes(text) ||
        row.subject.toLowerCase().includes(text) ||
        row.cells.some((cell) => cell !== null && cell.extracted.toLowerCase().includes(text));
  };
}

const collator = new Intl.Collator('en', {numeric: true});
function orderBy(sort) {
  const [column, run] = sort.split('.');
  const cell = (row) => row.cells[Number(run)];
  const of = {
    task: (row) => row.set,
    item: (row) => row.item,
    subject: (row) => row.subject,
    date: (row) => row.date,
    target: (row) => row.target,
    change: (row) => ({lost: 0, gained: 1})[change(row)] ?? 2,
    verdict: (row) => cell(row) ? state.meta.verdicts[cell(row).verdict] : null,
    answer: (row) => cell(row) ? cell(row).extracted : null,
    tokens: (row) => cell(row) ? cell(row).tokens : null,
    latency: (row) => cell(row) ? cell(row).latency : null,
  }[column];
  return of || null;
}

function compareValues(a, b) {
  if (a === null || b === null) return a === b ? 0 : a === null ? 1 : -1;  // nothing goes last
  return typeof a === 'string' ? collator.compare(a, b) : a - b;
}

function select(query) {
  const view = state.rows.filter(fits(query));
  const of = orderBy(query.get('sort') || '');
  if (!of) return view;
  const keyed = view.map((row) => [of(row), row]);
  const down = query.get('dir') === 'down';
  keyed.sort(([a], [b]) => a === null || b === null || !down ? compareValues(a, b) : compareValues(b, a));
  return keyed.map(([, row]) => row);
}

// ---- the table of samples -------------------------------------------------------------

const MARKS = {pass: ['✓', 'good'], lost: ['▼', 'bad'], gained: ['▲', 'good']};
function verdictBadge(name) {
  const unanswered = name === 'no_answer' || name === 'think_unclosed';
  const failed = name.startsWith('failure') || name === 'not scored';
  const [mark, kind] = MARKS[name] || (failed ? ['!', 'failed'] : unanswered ? ['○', 'none'] : ['✗', 'bad']);
  return element('span', {class: 'verdict ' + kind}, mark + ' ' + name.replaceAll('_', ' '));
}

function columns() {
  const meta = state.meta;
  const list = [{key: 'item', name: 'Question'}];
  if (meta.sets.length > 1) list.unshift({key: 'task', name: 'Task'});
  if (meta.subjects.some((name) => name)) list.push({key: 'subject', name: 'Subject'});
  if (meta.dates.some((date) => date)) list.push({key: 'date', name: 'Date'});
  list.push({key: 'target', name: 'Target'});
  if (meta.runs.length > 1) list.push({key: 'change', name: 'Change'});
  meta.runs.forEach((run, i) => {
    const of = meta.runs.length > 1 ? ' · ' + run.name : '';
    list.push({key: 'verdict.' + i, name: 'Verdict' + of, run: i}, {key: 'answer.' + i, name: 'Answer' + of, run: i},
              {key: 'tokens.' + i, name: 'Tokens' + of, run: i, right: true},
              {key: 'latency.' + i, name: 'ms' + of, run: i, right: true});
  });
  return list;
}

function bodyCell(column, row) {
  const meta = state.meta;
  const cell = column.run === undefined ? null : row.cells[column.run];
  switch (column.key.split('.')[0]) {
    case 'item': {
      const name = row.item + (meta.repeated[row.set] ? ' #' + row.repeat : '');
      const link = element('a', {href: '#' + itemHash(row)}, name);
      link.addEventListener('click', (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey) return;  // into a tab of its own
        event.preventDefault();
        openSample(row);
      });
      return element('th', {scope: 'row'}, link);
    }
    case 'task': return element('td', {}, meta.sets[row.set]);
    case 'subject': return element('td', {}, row.subject);
    case 'date': return element('td', {class: 'number'}, row.date);
    case 'target': return element('td', {class: 'code'}, row.target);
    case 'change': {
      const is = change(row);
      return element('td', {}, is ? verdictBadge(is) : '');
    }
    case 'verdict': return element('td', {}, cell ? verdictBadge(meta.verdicts[cell.verdict]) : '–');
    case 'answer': return element('td', {class: 'code'}, cell ? cell.extracted : '');
    case 'tokens': {
      const cut = cell && meta.truncated.includes(cell.finish);
      return element('td', {class: 'number'}, cell ? number(cell.tokens) : '',
                     cut ? element('abbr', {title: 'truncated: ' + meta.finishes[cell.finish]}, ' ✂') : null);
    }
    default: return element('td', {class: 'number'}, cell ? number(cell.latency) : '');
  }
}

function itemHash(row) {
  return hashOf({of: state.meta.sets[row.set], item: row.item, repeat: row.repeat || null}).slice(1);
}

function drawHead(query) {
  const sort = query.get('sort') || '';
  const head = byId('sample-head');
  if (!head.firstChild) {
    head.append(...columns().map((column) => {
      const button = element('button', {type: 'button'}, column.name);
      button.addEventListener('click', () => sortBy(column.key));
      return element('th', {scope: 'col', class: column.right ? 'number' : null, 'data-key': column.key}, button);
    }));
  }
  for (const th of head.children) {
    const is = th.dataset.key === sort ? (query.get('dir') === 'down' ? 'descending' : 'ascending') : 'none';
    th.setAttribute('aria-sort', is);
  }
}

function sortBy(key) {
  const query = wanted() || new URLSearchParams();
  const again = query.get('sort') === key && query.get('dir') !== 'down';
  go({sort: key, dir: again ? 'down' : null, page: null});
}

function summary() {
  const parts = state.meta.runs.map((run, i) => {
    let [count, sum] = [0, 0];
    for (const row of state.view) {
      const value = right(row.cells[i]);
      if (value !== null) count += 1, sum += value;
    }
    const mean = count ? percent(sum / count) + ' of ' + number(count) : 'nothing scored';
    return state.meta.runs.length > 1 ? run.name + ': ' + mean : mean;
  });
  return number(state.view.length) + ' of ' + number(state.rows.length) + ' samples · ' + parts.join(' · ');
}

function drawRows(query) {
  const pages = Math.max(1, Math.ceil(state.view.length / PAGE));
  const page = Math.min(pages, Math.max(1, Number(query.get('page')) || 1));
  const list = columns();
  const body = document.createDocumentFragment();
  for (const row of state.view.slice((page - 1) * PAGE, page * PAGE)) {
    body.append(element('tr', {}, ...list.map((column) => bodyCell(column, row))));
  }
  byId('sample-body').replaceChildren(body);
  byId('sample-status').textContent = shown(summary());
  byId('page-of').textContent = 'of ' + number(pages);
  const input = byId('page-number');
  input.max = pages;
  input.value = page;
  byId('page-before').disabled = page <= 1;
  byId('page-after').disabled = page >= pages;
}

function fillForm(query) {
  for (const name of FIELDS) {
    const control = byId('filter-' + name);
    if (control && control.value !== (query.get(name) || '')) control.value = query.get(name) || '';
  }
}

/// Shows what the address says.
function show() {
  const query = wanted() || new URLSearchParams();
  fillForm(query);
  state.view = select(query);
  drawHead(query);
  drawRows(query);
}

function option(select, value, text) {
  select.append(element('option', {value}, text === undefined ? value : text));
}

function buildForm() {
  const meta = state.meta;
  meta.sets.forEach((name) => option(byId('filter-task'), name));
  const known = (names) => [...new Set(names)].filter((name) => name).sort(collator.compare);
  const subjects = known(meta.subjects);
  const parts = known(meta.parts.flat()).filter((name) => !subjects.includes(name));
  [...subjects, ...parts].forEach((name) => option(byId('filter-subject'), name));
  byId('field-subject').hidden = !subjects.length && !parts.length;
  meta.runs.forEach((run) => option(byId('filter-run'), run.name));
  byId('field-run').hidden = byId('field-changed').hidden = meta.runs.length < 2;
  option(byId('filter-verdict'), 'not pass', 'anything but pass');
  option(byId('filter-verdict'), 'truncated');
  meta.verdicts.forEach((name) => option(byId('filter-verdict'), name, name.replaceAll('_', ' ')));
  const months = [...new Set(meta.dates.map((date) => date.slice(0, 7)))].filter((month) => month).sort();
  for (const id of ['from', 'to']) {
    months.forEach((month) => option(byId('filter-' + id), month));
    byId('field-' + id).hidden = !months.length;
  }
  for (const name of FIELDS) {
    const control = byId('filter-' + name);
    control.addEventListener(name === 'q' ? 'input' : 'change', () => go({[name]: control.value, page: null}));
  }
  byId('filters').addEventListener('submit', (event) => event.preventDefault());
  byId('filter-clear').addEventListener('click', () => {
    go(Object.fromEntries([...FIELDS, 'sort', 'dir', 'page', 'of', 'item', 'repeat'].map((name) => [name, null])));
  });
  byId('page-before').addEventListener('click', () => go({page: Number(byId('page-number').value) - 1}));
  byId('page-after').addEventListener('click', () => go({page: Number(byId('page-number').value) + 1}));
  byId('page-number').addEventListener('change', () => go({page: byId('page-number').value}));
}
