-- Version 1 of the result store. Written once; later versions are further scripts beside it.
-- Every run, question, answer and judgement, for people with sqlite3 as much as for the program:
-- start with the views v_results, v_samples, v_scores and v_failures at the end.

CREATE TABLE meta (             -- schema_version and created (UTC)
  name  TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (             -- one evaluation as it was asked for, however often it was resumed
  id             INTEGER PRIMARY KEY,
  key            TEXT NOT NULL UNIQUE,  -- sha256 over everything that can change a result
  command        TEXT NOT NULL,         -- as typed
  model          TEXT NOT NULL,         -- as typed
  fingerprint    TEXT NOT NULL,         -- weights, tokenizer, arithmetic
  weights_hash   TEXT NOT NULL,
  tokenizer_hash TEXT NOT NULL,
  build          TEXT NOT NULL,         -- version and commit of the binary
  sandbox        TEXT NOT NULL,         -- level the code was run under; empty if none was
  started        TEXT NOT NULL,         -- UTC, ISO 8601
  finished       TEXT NOT NULL,         -- empty while incomplete
  state          TEXT NOT NULL CHECK (state IN ('running', 'complete', 'incomplete', 'invalid'))
) STRICT;

CREATE TABLE environments (     -- one row per attempt at a run: where it ran
  id          INTEGER PRIMARY KEY,
  run_id      INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  started     TEXT NOT NULL,
  pid         INTEGER NOT NULL,
  environment TEXT NOT NULL             -- JSON: host, cpu, cores, memory, kernel, device
) STRICT;
CREATE INDEX environments_of_run ON environments (run_id);

CREATE TABLE sets (             -- a task in one variant within a run
  id             INTEGER PRIMARY KEY,
  run_id         INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  position       INTEGER NOT NULL,      -- in the order asked for
  task           TEXT NOT NULL,
  task_version   INTEGER NOT NULL,
  variant        TEXT NOT NULL,
  metric         TEXT NOT NULL,
  options        TEXT NOT NULL,         -- JSON: task options, limit, items
  data_sha256    TEXT NOT NULL,
  temperature    REAL NOT NULL,
  top_p          REAL NOT NULL,
  max_new_tokens INTEGER NOT NULL,
  seed           INTEGER NOT NULL,      -- 64 bits; from 2^63 up it reads as negative
  repeats        INTEGER NOT NULL CHECK (repeats > 0),
  items          INTEGER NOT NULL,      -- planned; samples planned are items * repeats
  UNIQUE (run_id, task, variant)
) STRICT;

CREATE TABLE items (            -- a question of a set, stored once however often it is sampled
  id            INTEGER PRIMARY KEY,
  set_id        INTEGER NOT NULL REFERENCES sets ON DELETE CASCADE,
  item          TEXT NOT NULL,          -- id within the task
  position      INTEGER NOT NULL,       -- in the set's order, from 0
  cluster       TEXT NOT NULL,          -- items that share it are not independent
  stratum       TEXT NOT NULL,          -- reported separately
  tags          TEXT NOT NULL,          -- JSON object, or empty
  target        TEXT NOT NULL,
  prompt_sha256 TEXT NOT NULL,          -- over token ids, little-endian int32
  prompt_tokens INTEGER NOT NULL,
  prompt        TEXT NOT NULL,          -- as the model saw it
  UNIQUE (set_id, item)
) STRICT;

CREATE TABLE samples (          -- one generation for one item; a row exists only with its scores
  id            INTEGER PRIMARY KEY,
  item_id       INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
  repeat        INTEGER NOT NULL,       -- from 0
  key           TEXT NOT NULL,          -- sha256: what makes asking again superfluous
  finish        TEXT NOT NULL,          -- stop, length, ...
  stop          TEXT NOT NULL,          -- the stop string that ended it
  output_sha256 TEXT NOT NULL,          -- over token ids
  output_tokens INTEGER NOT NULL,
  cached_tokens INTEGER NOT NULL,       -- of the prompt, not computed again
  latency_us    INTEGER NOT NULL,
  stored_ms     INTEGER NOT NULL,       -- UTC, milliseconds since 1970
  choices       TEXT NOT NULL,          -- JSON [[logprob, tokens, bytes], ...], or empty
  text          TEXT NOT NULL,          -- as generated; last, so that scans need not read it
  UNIQUE (item_id, repeat)
) STRICT;

CREATE TABLE scores (           -- one judgement; a scorer of a new version judges beside the old one
  sample_id INTEGER NOT NULL REFERENCES samples ON DELETE CASCADE,
  scorer    TEXT NOT NULL,
  version   INTEGER NOT NULL,
  headline  INTEGER NOT NULL CHECK (headline IN (0, 1)),
  verdict   TEXT NOT NULL,              -- pass, wrong_answer, no_answer, time_limit, ...
  value     REAL NOT NULL CHECK (value BETWEEN 0 AND 1),
  extracted TEXT NOT NULL,              -- what was judged
  reason    TEXT NOT NULL,
  sandbox   TEXT NOT NULL,              -- code: level and limits
  tests     TEXT NOT NULL,              -- code: JSON [[verdict, cpu seconds, detail], ...], or empty
  PRIMARY KEY (sample_id, scorer, version)
) STRICT, WITHOUT ROWID;

CREATE TABLE failures (         -- failures of ours: never scored, replaced by a later success
  item_id   INTEGER NOT NULL REFERENCES items ON DELETE CASCADE,
  repeat    INTEGER NOT NULL,
  key       TEXT NOT NULL,
  kind      TEXT NOT NULL,              -- engine, sandbox, checker, api, ...
  message   TEXT NOT NULL,
  stored_ms INTEGER NOT NULL,
  PRIMARY KEY (item_id, repeat)
) STRICT, WITHOUT ROWID;

CREATE TABLE expert_loads (     -- router decisions, counted
  set_id INTEGER NOT NULL REFERENCES sets ON DELETE CASCADE,
  layer  INTEGER NOT NULL,
  expert INTEGER NOT NULL,
  tokens INTEGER NOT NULL,
  PRIMARY KEY (set_id, layer, expert)
) STRICT, WITHOUT ROWID;

CREATE VIEW v_samples AS
SELECT runs.id AS run, runs.model, sets.task, sets.variant, items.item, items.position,
       samples.repeat, items.cluster, items.stratum, samples.finish, items.prompt_tokens,
       samples.output_tokens, samples.cached_tokens, samples.latency_us / 1000.0 AS latency_ms,
       items.target, items.prompt, samples.text, samples.choices, samples.key,
       samples.id AS sample_id
FROM runs JOIN sets ON sets.run_id = runs.id JOIN items ON items.set_id = sets.id
JOIN samples ON samples.item_id = items.id;

CREATE VIEW v_scores AS
SELECT runs.id AS run, runs.model, sets.task, sets.variant, items.item, samples.repeat,
       scores.scorer, scores.version, scores.headline, scores.verdict, scores.value,
       items.target, scores.extracted, scores.reason, scores.sandbox, scores.tests,
       samples.id AS sample_id
FROM runs JOIN sets ON sets.run_id = runs.id JOIN items ON items.set_id = sets.id
JOIN samples ON samples.item_id = items.id JOIN scores ON scores.sample_id = samples.id;

CREATE VIEW v_failures AS
SELECT runs.id AS run, runs.model, sets.task, sets.variant, items.item, failures.repeat,
       failures.kind, failures.message,
       datetime(failures.stored_ms / 1000, 'unixepoch') AS stored
FROM runs JOIN sets ON sets.run_id = runs.id JOIN items ON items.set_id = sets.id
JOIN failures ON failures.item_id = items.id;

CREATE VIEW v_results AS        -- means of what was scored, with what is missing beside them
SELECT runs.id AS run, runs.model, runs.state, sets.task, sets.variant, sets.metric,
       scores.scorer, scores.version, scores.headline,
       sets.items * sets.repeats AS planned, count(*) AS scored,
       (SELECT count(*) FROM items AS i JOIN failures AS f ON f.item_id = i.id
        WHERE i.set_id = sets.id) AS failed,
       avg(scores.value) AS mean_of_scored,
       avg(samples.finish IN ('length', 'context_full')) AS truncated,
       avg(scores.verdict IN ('no_answer', 'think_unclosed')) AS no_answer
FROM runs JOIN sets ON sets.run_id = runs.id JOIN items ON items.set_id = sets.id
JOIN samples ON samples.item_id = items.id JOIN scores ON scores.sample_id = samples.id
GROUP BY sets.id, scores.scorer, scores.version, scores.headline;
