-- Version 3 of the result store: runs that are shards of another, and what was merged into a run.

ALTER TABLE runs ADD COLUMN shard INTEGER NOT NULL DEFAULT 0;       -- from 1; 0: not a shard
ALTER TABLE runs ADD COLUMN shards INTEGER NOT NULL DEFAULT 0;      -- of how many
ALTER TABLE runs ADD COLUMN whole_key TEXT NOT NULL DEFAULT '';     -- key of all shards together

ALTER TABLE sets ADD COLUMN whole_items INTEGER NOT NULL DEFAULT 0;       -- of all shards together
ALTER TABLE sets ADD COLUMN questions_sha256 TEXT NOT NULL DEFAULT '';    -- over all that is asked
ALTER TABLE sets ADD COLUMN scorers TEXT NOT NULL DEFAULT '';             -- "NAME VERSION, ..."
UPDATE sets SET whole_items = items;

CREATE TABLE merged_shards (    -- shards whose rows a run has taken over
  run_id  INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  shards  INTEGER NOT NULL,
  shard   INTEGER NOT NULL,
  key     TEXT NOT NULL,                -- of the shard's own run
  command TEXT NOT NULL,                -- as typed
  state   TEXT NOT NULL,                -- when it was merged last
  PRIMARY KEY (run_id, shards, shard)
) STRICT, WITHOUT ROWID;

DROP VIEW v_results;
CREATE VIEW v_results AS        -- means of what was scored, with what is missing beside them
SELECT runs.id AS run, runs.model, runs.state,
       iif(runs.shards > 0, runs.shard || '/' || runs.shards, '') AS shard,  -- empty: the whole
       sets.task, sets.variant, sets.metric,
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
