// One sample in full, the runs beside each other.
'use strict';

// ---- one sample -----------------------------------------------------------------------

/// Whole lines, some 100,000 characters together.
function* pieces(text) {
  for (let from = 0; from < text.length;) {
    const end = text.indexOf('\n', from + 100000);
    const to = end < 0 ? text.length : end + 1;
    yield text.slice(from, to);
    from = to;
  }
}

/// A text of unknown size and content, its middle left out if the file has not got it.
function textBlock(name, text, rest) {
  const pre = element('pre', {tabindex: '0', 'aria-label': name, dir: 'auto'});
  visible(pre, text.slice(0, SHOWN));
  const parts = [pre];
  if (text.length > SHOWN) {
    const more = element('button', {type: 'button', class: 'more'},
                         'Show the other ' + number(text.length - SHOWN) + ' characters');
    more.addEventListener('click', () => {
      const line = text.indexOf('\n', SHOWN) + 1 || text.length;  // where the line that is begun ends
      visible(pre, text.slice(SHOWN, line));
      for (const piece of pieces(text.slice(line))) pre.append(visible(element('span', {class: 'piece'}), piece));
      more.remove();
      pre.focus();
    });
    parts.push(more);
  }
  if (rest) {
    parts.push(element('p', {class: 'cut'}, number(rest.bytes) + ' bytes left out here: the report has a size to keep. ' +
                       'All of it: ' + rest.where));
    const tail = element('pre', {tabindex: '0', 'aria-label': name + ', its end', dir: 'auto'});
    visible(tail, rest.tail);
    parts.push(tail);
  }
  return element('div', {class: 'text'}, ...parts);
}

function storedText(name, stored, where) {
  if (typeof stored === 'string') return textBlock(name, stored, null);
  return textBlock(name, stored.head, {bytes: stored.left_out, tail: stored.tail, where});
}

function facts(pairs) {
  const list = element('dl', {class: 'facts'});
  for (const [name, value] of pairs) {
    if (value === '' || value === null || value === undefined) continue;
    list.append(element('dt', {}, name), visible(element('dd', {}), String(value)));
  }
  return list;
}

function table(caption, names, rows) {
  const head = element('tr', {}, ...names.map((name) => element('th', {scope: 'col'}, name)));
  const body = rows.map((row) => element('tr', {}, ...row.map((cell) =>
      cell instanceof Node ? element('td', {}, cell)
                           : visible(element('td', {class: typeof cell === 'number' ? 'number' : null}),
                                     typeof cell === 'number' ? number(cell) : cell))));
  return element('table', {}, element('caption', {}, caption), element('thead', {}, head),
                 element('tbody', {}, ...body));
}

function judgement(score, where) {
  const parts = [
    element('h4', {}, score.scorer + ' v' + score.version + ' ', verdictBadge(score.verdict)),
    facts([['value', score.value], ['reason', score.reason], ['sandbox', score.sandbox]]),
  ];
  if (score.extracted !== '') {
    parts.push(element('h5', {}, 'Extracted'), storedText('extracted', score.extracted, where));
  }
  if (score.tests && score.tests.length) {
    parts.push(table('Tests', ['test', 'verdict', 'cpu s', 'detail'], score.tests.map(
        (test, i) => [String(i), verdictBadge(test[0]), test[1].toFixed(3), test[2]])));
  }
  return element('section', {class: 'judgement'}, ...parts);
}

function answerOf(run, cell, found) {
  const where = 'moebius runs show ' + run.id + ' --store ' + run.store;
  const part = element('section', {class: 'answer', 'aria-label': run.name},
                       element('h3', {}, run.name + ' ', verdictBadge(state.meta.verdicts[cell.verdict])));
  if (!found) {
    part.append(element('p', {}, 'Not in this file: ' + where));
    return part;
  }
  part.append(facts([
    ['output tokens', found.output_tokens === undefined ? '' : number(found.output_tokens)], ['cached tokens', found.cached_tokens || ''],
    ['latency', found.latency_ms === undefined ? '' : number(found.latency_ms) + ' ms'], ['finish', found.finish], ['stop', found.stop],
    ['output sha256', found.output_sha256], ['failure', found.failure],
  ]));
  if (found.choices) {
    part.append(table('Log-probabilities', ['choice', 'sum', 'tokens', 'bytes'], found.choices.map(
        (choice, i) => [String(i), choice[0] === null ? '-∞' : choice[0].toFixed(4), choice[1], choice[2]])));
  }
  if (found.text) part.append(element('h4', {}, 'Answer'), storedText('answer', found.text, where));
  if (found.message) part.append(element('h4', {}, 'Message'), storedText('message', found.message, where));
  for (const score of found.scores || []) part.append(judgement(score, where));
  return part;
}

async function openSample(row) {
  const dialog = byId('sample');
  state.open = row;
  history.replaceState(null, '', '#' + itemHash(row));
  const found = await Promise.all(row.cells.map((cell, run) => cell ? transcript(run, cell) : null));
  if (state.open !== row) return;  // another one was asked for meanwhile
  const meta = state.meta;
  byId('sample-title').textContent = shown(
      meta.sets[row.set] + ' · ' + row.item + (meta.repeated[row.set] ? ' · repeat ' + row.repeat : ''));
  const parts = [];
  const first = found.find((each) => each);
  if (first) {
    parts.push(facts([['subject', row.subject], ['part of', row.parts.join(', ')], ['date', row.date], ['cluster', first.cluster], ['tags', first.tags]]));
  }
  const prompts = new Map();  // by hash: runs are asked the same, as a rule
  row.cells.forEach((cell, run) => {
    if (!found[run]) return;
    const asked = found[run].asked;
    const key = asked.prompt_sha256 + '\u0000' + JSON.stringify(asked.prompt);
    if (!prompts.has(key)) prompts.set(key, {asked, run, names: []});
    prompts.get(key).names.push(meta.runs[run].name);
  });
  for (const {asked, run, names} of prompts.values()) {
    const whose = prompts.size > 1 ? ' · ' + names.join(', ') : '';
    const where = 'moebius runs show ' + meta.runs[run].id + ' --store ' + meta.runs[run].store;
    parts.push(element('h3', {}, 'Prompt' + whose),
               facts([['tokens', number(asked.prompt_tokens)], ['sha256 of its tokens', asked.prompt_sha256]]),
               storedText('prompt', asked.prompt, where),
               element('h3', {}, 'Target' + whose), storedText('target', asked.target, where));
  }
  const answers = element('div', {class: 'answers'});
  row.cells.forEach((cell, run) => {
    if (cell) answers.append(answerOf(meta.runs[run], cell, found[run]));
  });
  parts.push(answers);
  byId('sample-content').replaceChildren(...parts);
  const place = state.view.indexOf(row);
  byId('sample-before').disabled = place <= 0;
  byId('sample-after').disabled = place < 0 || place + 1 >= state.view.length;
  if (!dialog.open) dialog.showModal();
  dialog.scrollTop = 0;
  byId('sample-title').focus();
}

function step(by) {
  const next = state.view[state.view.indexOf(state.open) + by];
  if (next) openSample(next);
}

/// The sample that the address names, if it names one.
function openNamed() {
  const query = wanted();
  if (!query || !query.has('item')) return;
  const set = state.meta.sets.indexOf(query.get('of') || query.get('task') || '');
  const repeat = Number(query.get('repeat')) || 0;
  const row = state.rows.find((each) => each.item === query.get('item') && each.repeat === repeat &&
                              (set < 0 || each.set === set));
  if (row) openSample(row);
  else byId('sample-status').textContent = shown('No sample ' + query.get('item'));
}

function buildDialog() {
  const dialog = byId('sample');
  byId('sample-close').addEventListener('click', () => dialog.close());
  byId('sample-before').addEventListener('click', () => step(-1));
  byId('sample-after').addEventListener('click', () => step(1));
  dialog.addEventListener('close', () => {
    const row = state.open;
    state.open = null;
    history.replaceState(null, '', hashOf({of: null, item: null, repeat: null}));
    const place = state.view.indexOf(row);
    if (place < 0) return;
    const page = Math.floor(place / PAGE) + 1;
    if (page !== Number(byId('page-number').value)) go({page});
    byId('sample-body').querySelectorAll('th a')[place % PAGE].focus();
  });
}
