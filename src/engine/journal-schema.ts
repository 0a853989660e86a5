/** The journal's schema as migrations, oldest first. Add at the end; a released one never changes. */
export const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE run (
    id          TEXT PRIMARY KEY,
    command     TEXT NOT NULL,
    tier        TEXT,
    slot        TEXT,
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    boot_id     TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    verdict     TEXT,
    report      TEXT
  ) STRICT;
  CREATE INDEX run_started ON run (started_at);

  CREATE TABLE task (
    run_id      TEXT NOT NULL REFERENCES run ON DELETE CASCADE,
    task        TEXT NOT NULL,
    verdict     TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    duration_ms REAL NOT NULL
  ) STRICT;
  CREATE INDEX task_started ON task (task, started_at);
  CREATE INDEX task_run ON task (run_id);

  CREATE TABLE sample (
    name    TEXT NOT NULL,
    subject TEXT NOT NULL,
    at_ms   INTEGER NOT NULL,
    value   REAL NOT NULL,
    unit    TEXT NOT NULL
  ) STRICT;
  CREATE INDEX sample_series ON sample (name, subject, at_ms);

  CREATE TABLE slot (
    tier        TEXT PRIMARY KEY,
    slot        TEXT NOT NULL,
    run_id      TEXT NOT NULL,
    finished_at TEXT
  ) STRICT;

  CREATE TABLE shelf (
    kind     TEXT NOT NULL,
    id       TEXT NOT NULL,
    position INTEGER NOT NULL,
    body     TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  ) STRICT;
  `,
  `
  CREATE TABLE ledger (
    id          INTEGER PRIMARY KEY,
    job         TEXT NOT NULL,
    slot        TEXT,
    status      TEXT NOT NULL,
    run_id      TEXT UNIQUE,
    host        TEXT NOT NULL,
    pid         INTEGER NOT NULL,
    boot_id     TEXT NOT NULL,
    started_at  TEXT NOT NULL,
    finished_at TEXT,
    exit_code   INTEGER,
    catch_up    INTEGER NOT NULL,
    reason      TEXT
  ) STRICT;
  CREATE INDEX ledger_job ON ledger (job, id);

  CREATE TABLE job (
    job      TEXT PRIMARY KEY,
    schedule TEXT NOT NULL,
    since    TEXT NOT NULL
  ) STRICT;

  INSERT INTO ledger (job, slot, status, run_id, host, pid, boot_id, started_at, finished_at, exit_code, catch_up)
  SELECT tier, slot,
         CASE WHEN finished_at IS NULL THEN 'running'
              WHEN verdict IN ('done', 'skip') THEN 'ok'
              WHEN verdict = 'warn' THEN 'warn'
              ELSE 'failed' END,
         id, host, pid, boot_id, started_at, finished_at, NULL, 0
    FROM run
   WHERE tier IS NOT NULL
   ORDER BY started_at;
  `,
  `
  CREATE TABLE chronicle (
    kind  TEXT NOT NULL,
    id    TEXT NOT NULL,
    at_ms INTEGER NOT NULL,
    body  TEXT NOT NULL,
    PRIMARY KEY (kind, id)
  ) STRICT;
  CREATE INDEX chronicle_at ON chronicle (kind, at_ms);
  `,
  'ALTER TABLE ledger ADD COLUMN fence INTEGER',
];
