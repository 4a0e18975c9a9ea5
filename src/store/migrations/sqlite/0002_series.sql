-- Schema 2: series, ready to be read. docs/store.md describes it for people who query it.
--
-- Everything here is made of the documents, as the index of schema 1 is: `peakward db verify` compares it,
-- `peakward db rebuild` makes it anew, and so does the migration from schema 1.

-- Which entry of the hardware database a device was taken for.
CREATE TABLE run_products (
    seq          INTEGER NOT NULL REFERENCES runs (seq),
    device       TEXT NOT NULL,
    product      TEXT NOT NULL,
    spec_version INTEGER NOT NULL,
    confidence   REAL NOT NULL,
    power_mode   TEXT NOT NULL,
    PRIMARY KEY (seq, device)
) STRICT, WITHOUT ROWID;

-- Counted from 1 in the order of their first run.
CREATE TABLE stacks (
    id                   INTEGER PRIMARY KEY,
    software_fingerprint TEXT NOT NULL,
    stack_digest         TEXT NOT NULL,
    UNIQUE (software_fingerprint, stack_digest)
) STRICT;

-- What stays the same between the scores of a series. key is canonical JSON: backend, device, install, lineage,
-- power_mode, precision, suite.
CREATE TABLE score_series (
    id        INTEGER PRIMARY KEY,
    sha256    TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    key       TEXT NOT NULL,
    lineage   TEXT GENERATED ALWAYS AS (json_extract(key, '$.lineage')) VIRTUAL,
    suite     TEXT GENERATED ALWAYS AS (json_extract(key, '$.suite')) VIRTUAL,
    precision TEXT GENERATED ALWAYS AS (json_extract(key, '$.precision')) VIRTUAL,
    device    TEXT GENERATED ALWAYS AS (json_extract(key, '$.device')) VIRTUAL,
    backend   TEXT GENERATED ALWAYS AS (json_extract(key, '$.backend')) VIRTUAL
) STRICT;
CREATE INDEX score_series_by_lineage ON score_series (lineage);

-- Names of what points hold, counted from 1.
CREATE TABLE metrics (
    id   INTEGER PRIMARY KEY,
    name TEXT NOT NULL UNIQUE,
    unit TEXT NOT NULL
) STRICT;

-- One row per run of a series, with all that reading it takes. kind: 0 a score (series_id is a row of
-- score_series), 1 a case (of series). position is that in scores or measurements. doubts: bits (src/core/series.hpp).
-- figures: its metrics, packed (src/store/packed.hpp); empty where nothing was measured.
-- unsealed counts the rows since those in sealed_points: at 64 they are sealed. The first of a series begins
-- anywhere below, so that the series of one run are not all sealed by the same append.
CREATE TABLE points (
    kind           INTEGER NOT NULL CHECK (kind IN (0, 1)),
    series_id      INTEGER NOT NULL,
    seq            INTEGER NOT NULL REFERENCES runs (seq),
    position       INTEGER NOT NULL,
    timestamp_unix INTEGER NOT NULL,
    stack_id       INTEGER NOT NULL REFERENCES stacks (id),
    doubts         INTEGER NOT NULL,
    unsealed       INTEGER NOT NULL CHECK (unsealed BETWEEN 1 AND 64),
    figures        BLOB NOT NULL,
    PRIMARY KEY (kind, series_id, seq, position)
) STRICT, WITHOUT ROWID;

-- The rows of points up to last_seq (from the last_seq before), by metric, in one piece. metric_id 0: the runs in
-- which nothing was measured; that row is always there.
CREATE TABLE sealed_points (
    id        INTEGER PRIMARY KEY,
    kind      INTEGER NOT NULL CHECK (kind IN (0, 1)),
    series_id INTEGER NOT NULL,
    metric_id INTEGER NOT NULL,
    last_seq  INTEGER NOT NULL,
    points    BLOB NOT NULL,
    UNIQUE (kind, series_id, metric_id, last_seq)
) STRICT;

-- One row per lineage, fingerprint and install: a summary of its runs, moved on by every append.
-- first_seq and newest_seq: by time.
CREATE TABLE hosts (
    lineage              TEXT NOT NULL,
    hardware_fingerprint TEXT NOT NULL,
    install              TEXT NOT NULL,
    runs                 INTEGER NOT NULL,
    cases                INTEGER NOT NULL,
    first_unix           INTEGER NOT NULL,
    first_seq            INTEGER NOT NULL,
    newest_unix          INTEGER NOT NULL,
    newest_seq           INTEGER NOT NULL,
    last_seq             INTEGER NOT NULL,
    PRIMARY KEY (lineage, hardware_fingerprint, install)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER run_products_refuse_update BEFORE UPDATE ON run_products BEGIN
    SELECT RAISE(ABORT, 'run_products is append-only: rows are never changed');
END;
CREATE TRIGGER run_products_refuse_delete BEFORE DELETE ON run_products BEGIN
    SELECT RAISE(ABORT, 'run_products is append-only: rows are never deleted');
END;
CREATE TRIGGER run_products_refuse_replace BEFORE INSERT ON run_products
WHEN EXISTS (SELECT 1 FROM run_products WHERE seq = NEW.seq AND device = NEW.device) BEGIN
    SELECT RAISE(ABORT, 'run_products is append-only: rows are never replaced');
END;
CREATE TRIGGER stacks_refuse_update BEFORE UPDATE ON stacks BEGIN
    SELECT RAISE(ABORT, 'stacks is append-only: rows are never changed');
END;
CREATE TRIGGER stacks_refuse_delete BEFORE DELETE ON stacks BEGIN
    SELECT RAISE(ABORT, 'stacks is append-only: rows are never deleted');
END;
CREATE TRIGGER stacks_refuse_replace BEFORE INSERT ON stacks
WHEN EXISTS (SELECT 1 FROM stacks WHERE id = NEW.id OR (software_fingerprint = NEW.software_fingerprint
                                                AND stack_digest = NEW.stack_digest)) BEGIN
    SELECT RAISE(ABORT, 'stacks is append-only: rows are never replaced');
END;
CREATE TRIGGER score_series_refuse_update BEFORE UPDATE ON score_series BEGIN
    SELECT RAISE(ABORT, 'score_series is append-only: rows are never changed');
END;
CREATE TRIGGER score_series_refuse_delete BEFORE DELETE ON score_series BEGIN
    SELECT RAISE(ABORT, 'score_series is append-only: rows are never deleted');
END;
CREATE TRIGGER score_series_refuse_replace BEFORE INSERT ON score_series
WHEN EXISTS (SELECT 1 FROM score_series WHERE id = NEW.id OR sha256 = NEW.sha256) BEGIN
    SELECT RAISE(ABORT, 'score_series is append-only: rows are never replaced');
END;
CREATE TRIGGER metrics_refuse_update BEFORE UPDATE ON metrics BEGIN
    SELECT RAISE(ABORT, 'metrics is append-only: rows are never changed');
END;
CREATE TRIGGER metrics_refuse_delete BEFORE DELETE ON metrics BEGIN
    SELECT RAISE(ABORT, 'metrics is append-only: rows are never deleted');
END;
CREATE TRIGGER metrics_refuse_replace BEFORE INSERT ON metrics
WHEN EXISTS (SELECT 1 FROM metrics WHERE id = NEW.id OR name = NEW.name) BEGIN
    SELECT RAISE(ABORT, 'metrics is append-only: rows are never replaced');
END;
CREATE TRIGGER points_refuse_update BEFORE UPDATE ON points BEGIN
    SELECT RAISE(ABORT, 'points is append-only: rows are never changed');
END;
CREATE TRIGGER points_refuse_delete BEFORE DELETE ON points BEGIN
    SELECT RAISE(ABORT, 'points is append-only: rows are never deleted');
END;
CREATE TRIGGER points_refuse_replace BEFORE INSERT ON points
WHEN EXISTS (SELECT 1 FROM points WHERE kind = NEW.kind AND series_id = NEW.series_id
                      AND seq = NEW.seq AND position = NEW.position) BEGIN
    SELECT RAISE(ABORT, 'points is append-only: rows are never replaced');
END;
CREATE TRIGGER sealed_points_refuse_update BEFORE UPDATE ON sealed_points BEGIN
    SELECT RAISE(ABORT, 'sealed_points is append-only: rows are never changed');
END;
CREATE TRIGGER sealed_points_refuse_delete BEFORE DELETE ON sealed_points BEGIN
    SELECT RAISE(ABORT, 'sealed_points is append-only: rows are never deleted');
END;
CREATE TRIGGER sealed_points_refuse_replace BEFORE INSERT ON sealed_points
WHEN EXISTS (SELECT 1 FROM sealed_points WHERE id = NEW.id OR (kind = NEW.kind AND series_id = NEW.series_id
                      AND metric_id = NEW.metric_id AND last_seq = NEW.last_seq)) BEGIN
    SELECT RAISE(ABORT, 'sealed_points is append-only: rows are never replaced');
END;
CREATE TRIGGER hosts_refuse_delete BEFORE DELETE ON hosts BEGIN
    SELECT RAISE(ABORT, 'hosts is append-only: rows are never deleted');
END;
CREATE TRIGGER hosts_refuse_replace BEFORE INSERT ON hosts
WHEN EXISTS (SELECT 1 FROM hosts WHERE lineage = NEW.lineage
                      AND hardware_fingerprint = NEW.hardware_fingerprint AND install = NEW.install) BEGIN
    SELECT RAISE(ABORT, 'hosts is append-only: rows are never replaced');
END;

-- A row of hosts moves on by one run, which is the newest of the chain and of that host.
CREATE TRIGGER hosts_refuse_update BEFORE UPDATE ON hosts
WHEN NEW.lineage <> OLD.lineage OR NEW.hardware_fingerprint <> OLD.hardware_fingerprint
     OR NEW.install <> OLD.install OR NEW.runs <> OLD.runs + 1 OR NEW.cases < OLD.cases
     OR NEW.last_seq <= OLD.last_seq OR NEW.first_unix > OLD.first_unix OR NEW.newest_unix < OLD.newest_unix
     OR NOT EXISTS (SELECT 1 FROM chain_head JOIN runs ON runs.seq = chain_head.seq
                    WHERE chain_head.seq = NEW.last_seq AND runs.lineage = NEW.lineage
                          AND runs.hardware_fingerprint = NEW.hardware_fingerprint
                          AND runs.install = NEW.install) BEGIN
    SELECT RAISE(ABORT, 'hosts is append-only: it moves when a run is appended');
END;
