-- Version 2 of the result store: what the kernels of a profiled run did. Start with v_kernels.

CREATE TABLE profiles (         -- a run's profile on one kind of device, all attempts added up
  run_id        INTEGER NOT NULL REFERENCES runs ON DELETE CASCADE,
  device        TEXT NOT NULL,          -- "cpu", "NVIDIA H200"
  busy_ns       INTEGER NOT NULL,       -- when at least one kernel, copy or fill was running
  wall_ns       INTEGER NOT NULL,       -- the time that was profiled
  seen_ns       INTEGER NOT NULL,       -- of that was recorded; the rest is estimated from it
  lost          INTEGER NOT NULL,       -- launches of which no figures arrived
  read_gb_s     REAL NOT NULL,          -- limits measured by the last attempt, 0: not measured
  copy_gb_s     REAL NOT NULL,          -- read and written together
  matrix_tflops REAL NOT NULL,          -- of matrix_path
  matrix_path   TEXT NOT NULL,          -- "amx_bf16", "wgmma_bf16"
  fp8_tflops    REAL NOT NULL,
  f32_tflops    REAL NOT NULL,
  PRIMARY KEY (run_id, device)
) STRICT, WITHOUT ROWID;

CREATE TABLE kernels (          -- all launches of a kernel together
  run_id INTEGER NOT NULL,
  device TEXT NOT NULL,
  kernel TEXT NOT NULL,
  calls  INTEGER NOT NULL,
  ns     INTEGER NOT NULL,
  bytes  INTEGER NOT NULL,              -- as declared: each operand once
  flops  REAL NOT NULL,                 -- useful multiply-adds, twice; of a day beyond 64 bits
  PRIMARY KEY (run_id, device, kernel),
  FOREIGN KEY (run_id, device) REFERENCES profiles ON DELETE CASCADE
) STRICT, WITHOUT ROWID;

CREATE VIEW v_kernels AS
SELECT runs.id AS run, runs.model, kernels.device, kernels.kernel, kernels.calls,
       kernels.ns / 1e6 AS ms, kernels.ns / 1e3 / max(kernels.calls, 1) AS us_per_call,
       100.0 * kernels.ns / max(sum(kernels.ns) OVER (PARTITION BY kernels.run_id, kernels.device), 1)
         AS percent,
       1.0 * kernels.bytes / max(kernels.ns, 1) AS gb_s,
       kernels.flops / 1e3 / max(kernels.ns, 1) AS tflops,
       profiles.busy_ns / 1e6 AS busy_ms
FROM runs JOIN profiles ON profiles.run_id = runs.id
JOIN kernels ON kernels.run_id = profiles.run_id AND kernels.device = profiles.device;
