-- Schema 3: a case's series is keyed by the definition of its operation, not by the suite. A suite that gains an
-- operation restarts no series, and a case is one series in every suite that holds it. Series of scores keep their
-- suite.
--
-- The program then makes the whole index anew from the documents, in the same transaction.

DROP VIEW trajectory_points;
DROP TABLE series;

-- What stays the same while runs go by. key is canonical JSON: case, definition, install, lineage, power_mode.
-- definition: operation and version, 'gemm/1'; of an imported measurement its suite.
-- A new dimension goes into the key; the columns below only repeat parts of it for WHERE.
CREATE TABLE series (
    id         INTEGER PRIMARY KEY,
    sha256     TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    key        TEXT NOT NULL,
    install    TEXT GENERATED ALWAYS AS (json_extract(key, '$.install')) VIRTUAL,
    lineage    TEXT GENERATED ALWAYS AS (json_extract(key, '$.lineage')) VIRTUAL,
    definition TEXT GENERATED ALWAYS AS (json_extract(key, '$.definition')) VIRTUAL,
    operation  TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.operation')) VIRTUAL,
    precision  TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.precision')) VIRTUAL,
    device     TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.device')) VIRTUAL,
    backend    TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.backend')) VIRTUAL
) STRICT;
CREATE INDEX series_by_lineage ON series (lineage, operation, precision, device, backend);

CREATE TRIGGER series_refuse_update BEFORE UPDATE ON series BEGIN
    SELECT RAISE(ABORT, 'series is append-only: rows are never changed');
END;
CREATE TRIGGER series_refuse_delete BEFORE DELETE ON series BEGIN
    SELECT RAISE(ABORT, 'series is append-only: rows are never deleted');
END;
CREATE TRIGGER series_refuse_replace BEFORE INSERT ON series
WHEN EXISTS (SELECT 1 FROM series WHERE id = NEW.id OR sha256 = NEW.sha256) BEGIN
    SELECT RAISE(ABORT, 'series is append-only: rows are never replaced');
END;

-- Every value with its run and its series: the long form, one row per metric.
CREATE VIEW trajectory_points AS
SELECT
    series.sha256 AS series_sha256, series.lineage, series.install, runs.suite,
    series.operation, series.precision, series.device, series.backend,
    json_extract(series.key, '$.case.shape') AS shape,
    measurement_values.metric, measurement_values.value, measurement_values.unit,
    measurement_values.ci_low, measurement_values.ci_high,
    measurements.outcome, measurements.flags,
    runs.timestamp, runs.timestamp_unix, runs.run_id,
    runs.hardware_fingerprint, runs.software_fingerprint, runs.seq,
    series.definition
FROM series
JOIN measurement_values ON measurement_values.series_id = series.id
JOIN measurements USING (series_id, seq, position)
JOIN runs ON runs.seq = measurement_values.seq;
