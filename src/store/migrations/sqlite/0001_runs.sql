-- Schema 1. docs/store.md describes it for people who query it.
--
-- What was measured: runs (the chain), run_documents, run_windows. Nothing ever changes a row of them.
-- Index over the documents: run_facts, gpus, components, scores, series, measurements,
-- measurement_values. They hold nothing that the documents do not hold, `peakward db verify` compares
-- them with the documents, and `peakward db rebuild` makes them anew; everybody else is refused
-- by the same triggers.

PRAGMA application_id = 1347114823;  -- "PKWG"

-- ------------------------------------------------------------------------------------------------
-- What was measured
-- ------------------------------------------------------------------------------------------------

-- seq counts 1, 2, 3, ... in the order of appending. sha256 is of the run's document.
-- chain_sha256 is of the text "<seq>:<chain_sha256 of the run before, or nothing>:<sha256>": the newest one
-- stands for the whole history.
CREATE TABLE runs (
    seq                  INTEGER PRIMARY KEY CHECK (seq >= 1),
    run_id               TEXT NOT NULL UNIQUE,
    timestamp            TEXT NOT NULL,
    timestamp_unix       INTEGER NOT NULL,
    install              TEXT NOT NULL,
    hardware_fingerprint TEXT NOT NULL,
    lineage              TEXT NOT NULL,
    software_fingerprint TEXT NOT NULL,
    suite                TEXT NOT NULL,
    supersedes           TEXT REFERENCES runs (run_id),
    sha256               TEXT NOT NULL CHECK (length(sha256) = 64),
    previous_sha256      TEXT CHECK (length(previous_sha256) = 64),
    chain_sha256         TEXT NOT NULL CHECK (length(chain_sha256) = 64)
) STRICT;
-- Newest first; the last two columns let a filter by hardware stay inside the index.
CREATE INDEX runs_newest ON runs (timestamp_unix, seq, hardware_fingerprint, lineage);
CREATE INDEX runs_by_hardware ON runs (hardware_fingerprint, timestamp_unix);
CREATE INDEX runs_by_lineage ON runs (lineage, timestamp_unix);
CREATE INDEX runs_superseding ON runs (supersedes) WHERE supersedes IS NOT NULL;

-- The run as canonical JSON, without its raw windows but with their SHA-256.
CREATE TABLE run_documents (
    seq      INTEGER PRIMARY KEY REFERENCES runs (seq),
    document TEXT NOT NULL
) STRICT;

-- The raw windows of all measurements of a run, in a compact form (docs/store.md has a decoder).
CREATE TABLE run_windows (
    seq     INTEGER PRIMARY KEY REFERENCES runs (seq),
    windows BLOB NOT NULL
) STRICT;

-- The newest run, told apart from runs so that a run removed at the end is missed.
CREATE TABLE chain_head (
    id           INTEGER PRIMARY KEY CHECK (id = 1),
    seq          INTEGER NOT NULL,
    run_sha256   TEXT,
    chain_sha256 TEXT
) STRICT;
INSERT INTO chain_head (id, seq) VALUES (1, 0);

-- ------------------------------------------------------------------------------------------------
-- Index over the documents
-- ------------------------------------------------------------------------------------------------

-- One row per run: what tables show. NULL is unknown.
CREATE TABLE run_facts (
    seq                INTEGER PRIMARY KEY REFERENCES runs (seq),
    peakward_version   TEXT NOT NULL,
    wall_s             REAL NOT NULL,
    preflight_verdict  TEXT NOT NULL,
    cases              INTEGER NOT NULL,
    measured           INTEGER NOT NULL,
    best_gops          REAL,
    best_precision     TEXT,
    stream_best_gbps   REAL,
    flags              TEXT NOT NULL,
    cpu_model          TEXT,
    cpu_vendor         TEXT,
    cpu_stepping       INTEGER,
    cpu_microcode      TEXT,
    cpu_cores_physical INTEGER,
    cpu_cores_logical  INTEGER,
    memory_total_gb    REAL,
    stack_digest       TEXT NOT NULL,
    power_mode         TEXT,
    cpu_governor       TEXT,
    thermal_state      TEXT,
    virtualization     TEXT
) STRICT;

CREATE TABLE gpus (
    seq       INTEGER NOT NULL REFERENCES runs (seq),
    position  INTEGER NOT NULL,
    vendor    TEXT NOT NULL,
    model     TEXT,
    pci_id    TEXT,
    vbios     TEXT,
    memory_mb INTEGER,
    driver    TEXT,
    PRIMARY KEY (seq, position)
) STRICT, WITHOUT ROWID;

-- version is NULL where it is unknown, and reason says why.
CREATE TABLE components (
    seq     INTEGER NOT NULL REFERENCES runs (seq),
    name    TEXT NOT NULL,
    version TEXT,
    reason  TEXT,
    PRIMARY KEY (seq, name)
) STRICT, WITHOUT ROWID;
CREATE INDEX components_by_version ON components (name, version);

-- One row per device x backend x precision. gpu: the row of gpus that belongs to the device.
CREATE TABLE scores (
    seq                        INTEGER NOT NULL REFERENCES runs (seq),
    position                   INTEGER NOT NULL,
    device                     TEXT NOT NULL,
    backend                    TEXT NOT NULL,
    precision                  TEXT NOT NULL,
    gpu                        INTEGER,
    stream_best_gbps           REAL,
    blas3_gops                 REAL,
    peak_measured_gops         REAL,
    peak_operation             TEXT NOT NULL,
    theoretical_peak_gops      REAL,
    theoretical_peak_kind      TEXT NOT NULL,
    theoretical_bandwidth_gbps REAL,
    theoretical_bandwidth_kind TEXT NOT NULL,
    efficiency                 REAL,
    bandwidth_efficiency       REAL,
    flags                      TEXT NOT NULL,
    PRIMARY KEY (seq, position)
) STRICT, WITHOUT ROWID;

-- What stays the same while runs go by. key is canonical JSON: case, install, lineage, power_mode, suite.
-- A new dimension goes into the key; the columns below only repeat parts of it for WHERE.
CREATE TABLE series (
    id        INTEGER PRIMARY KEY,
    sha256    TEXT NOT NULL UNIQUE CHECK (length(sha256) = 64),
    key       TEXT NOT NULL,
    install   TEXT GENERATED ALWAYS AS (json_extract(key, '$.install')) VIRTUAL,
    lineage   TEXT GENERATED ALWAYS AS (json_extract(key, '$.lineage')) VIRTUAL,
    suite     TEXT GENERATED ALWAYS AS (json_extract(key, '$.suite')) VIRTUAL,
    operation TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.operation')) VIRTUAL,
    precision TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.precision')) VIRTUAL,
    device    TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.device')) VIRTUAL,
    backend   TEXT GENERATED ALWAYS AS (json_extract(key, '$.case.backend')) VIRTUAL
) STRICT;
CREATE INDEX series_by_lineage ON series (lineage, operation, precision, device, backend);

-- Ordered by series, so that a trajectory is one stretch of the file.
CREATE TABLE measurements (
    series_id         INTEGER NOT NULL REFERENCES series (id),
    seq               INTEGER NOT NULL REFERENCES runs (seq),
    position          INTEGER NOT NULL,
    outcome           TEXT NOT NULL,
    reason            TEXT NOT NULL,
    exit              TEXT NOT NULL,
    samples           INTEGER NOT NULL,
    dropped_preempted INTEGER NOT NULL,
    dropped_throttled INTEGER NOT NULL,
    dropped_core_shared INTEGER NOT NULL,
    implementation    TEXT NOT NULL,
    device_used       TEXT NOT NULL,
    flags             TEXT NOT NULL,
    PRIMARY KEY (series_id, seq, position)
) STRICT, WITHOUT ROWID;
CREATE INDEX measurements_by_run ON measurements (seq);

-- A metric is a row. ci_low and ci_high: 95 % confidence interval, where the metric has one.
CREATE TABLE measurement_values (
    series_id INTEGER NOT NULL,
    seq       INTEGER NOT NULL,
    position  INTEGER NOT NULL,
    metric    TEXT NOT NULL,
    value     REAL NOT NULL,
    unit      TEXT NOT NULL,
    ci_low    REAL,
    ci_high   REAL,
    PRIMARY KEY (series_id, seq, position, metric),
    FOREIGN KEY (series_id, seq, position) REFERENCES measurements (series_id, seq, position)
) STRICT, WITHOUT ROWID;

-- ------------------------------------------------------------------------------------------------
-- Append-only. BEFORE UPDATE and DELETE alone would let INSERT OR REPLACE through: it deletes the
-- old row without firing a delete trigger. Every key that REPLACE could hit is looked up.
-- ------------------------------------------------------------------------------------------------

CREATE TRIGGER runs_refuse_update BEFORE UPDATE ON runs BEGIN
    SELECT RAISE(ABORT, 'runs is append-only: rows are never changed');
END;
CREATE TRIGGER runs_refuse_delete BEFORE DELETE ON runs BEGIN
    SELECT RAISE(ABORT, 'runs is append-only: rows are never deleted');
END;
CREATE TRIGGER runs_refuse_replace BEFORE INSERT ON runs
WHEN EXISTS (SELECT 1 FROM runs WHERE seq = NEW.seq OR run_id = NEW.run_id) BEGIN
    SELECT RAISE(ABORT, 'runs is append-only: rows are never replaced');
END;
CREATE TRIGGER run_documents_refuse_update BEFORE UPDATE ON run_documents BEGIN
    SELECT RAISE(ABORT, 'run_documents is append-only: rows are never changed');
END;
CREATE TRIGGER run_documents_refuse_delete BEFORE DELETE ON run_documents BEGIN
    SELECT RAISE(ABORT, 'run_documents is append-only: rows are never deleted');
END;
CREATE TRIGGER run_documents_refuse_replace BEFORE INSERT ON run_documents
WHEN EXISTS (SELECT 1 FROM run_documents WHERE seq = NEW.seq) BEGIN
    SELECT RAISE(ABORT, 'run_documents is append-only: rows are never replaced');
END;
CREATE TRIGGER run_windows_refuse_update BEFORE UPDATE ON run_windows BEGIN
    SELECT RAISE(ABORT, 'run_windows is append-only: rows are never changed');
END;
CREATE TRIGGER run_windows_refuse_delete BEFORE DELETE ON run_windows BEGIN
    SELECT RAISE(ABORT, 'run_windows is append-only: rows are never deleted');
END;
CREATE TRIGGER run_windows_refuse_replace BEFORE INSERT ON run_windows
WHEN EXISTS (SELECT 1 FROM run_windows WHERE seq = NEW.seq) BEGIN
    SELECT RAISE(ABORT, 'run_windows is append-only: rows are never replaced');
END;
CREATE TRIGGER run_facts_refuse_update BEFORE UPDATE ON run_facts BEGIN
    SELECT RAISE(ABORT, 'run_facts is append-only: rows are never changed');
END;
CREATE TRIGGER run_facts_refuse_delete BEFORE DELETE ON run_facts BEGIN
    SELECT RAISE(ABORT, 'run_facts is append-only: rows are never deleted');
END;
CREATE TRIGGER run_facts_refuse_replace BEFORE INSERT ON run_facts
WHEN EXISTS (SELECT 1 FROM run_facts WHERE seq = NEW.seq) BEGIN
    SELECT RAISE(ABORT, 'run_facts is append-only: rows are never replaced');
END;
CREATE TRIGGER gpus_refuse_update BEFORE UPDATE ON gpus BEGIN
    SELECT RAISE(ABORT, 'gpus is append-only: rows are never changed');
END;
CREATE TRIGGER gpus_refuse_delete BEFORE DELETE ON gpus BEGIN
    SELECT RAISE(ABORT, 'gpus is append-only: rows are never deleted');
END;
CREATE TRIGGER gpus_refuse_replace BEFORE INSERT ON gpus
WHEN EXISTS (SELECT 1 FROM gpus WHERE seq = NEW.seq AND position = NEW.position) BEGIN
    SELECT RAISE(ABORT, 'gpus is append-only: rows are never replaced');
END;
CREATE TRIGGER components_refuse_update BEFORE UPDATE ON components BEGIN
    SELECT RAISE(ABORT, 'components is append-only: rows are never changed');
END;
CREATE TRIGGER components_refuse_delete BEFORE DELETE ON components BEGIN
    SELECT RAISE(ABORT, 'components is append-only: rows are never deleted');
END;
CREATE TRIGGER components_refuse_replace BEFORE INSERT ON components
WHEN EXISTS (SELECT 1 FROM components WHERE seq = NEW.seq AND name = NEW.name) BEGIN
    SELECT RAISE(ABORT, 'components is append-only: rows are never replaced');
END;
CREATE TRIGGER scores_refuse_update BEFORE UPDATE ON scores BEGIN
    SELECT RAISE(ABORT, 'scores is append-only: rows are never changed');
END;
CREATE TRIGGER scores_refuse_delete BEFORE DELETE ON scores BEGIN
    SELECT RAISE(ABORT, 'scores is append-only: rows are never deleted');
END;
CREATE TRIGGER scores_refuse_replace BEFORE INSERT ON scores
WHEN EXISTS (SELECT 1 FROM scores WHERE seq = NEW.seq AND position = NEW.position) BEGIN
    SELECT RAISE(ABORT, 'scores is append-only: rows are never replaced');
END;
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
CREATE TRIGGER measurements_refuse_update BEFORE UPDATE ON measurements BEGIN
    SELECT RAISE(ABORT, 'measurements is append-only: rows are never changed');
END;
CREATE TRIGGER measurements_refuse_delete BEFORE DELETE ON measurements BEGIN
    SELECT RAISE(ABORT, 'measurements is append-only: rows are never deleted');
END;
CREATE TRIGGER measurements_refuse_replace BEFORE INSERT ON measurements
WHEN EXISTS (SELECT 1 FROM measurements WHERE series_id = NEW.series_id AND seq = NEW.seq
                      AND position = NEW.position) BEGIN
    SELECT RAISE(ABORT, 'measurements is append-only: rows are never replaced');
END;
CREATE TRIGGER measurement_values_refuse_update BEFORE UPDATE ON measurement_values BEGIN
    SELECT RAISE(ABORT, 'measurement_values is append-only: rows are never changed');
END;
CREATE TRIGGER measurement_values_refuse_delete BEFORE DELETE ON measurement_values BEGIN
    SELECT RAISE(ABORT, 'measurement_values is append-only: rows are never deleted');
END;
CREATE TRIGGER measurement_values_refuse_replace BEFORE INSERT ON measurement_values
WHEN EXISTS (SELECT 1 FROM measurement_values WHERE series_id = NEW.series_id AND seq = NEW.seq
                      AND position = NEW.position AND metric = NEW.metric) BEGIN
    SELECT RAISE(ABORT, 'measurement_values is append-only: rows are never replaced');
END;

-- The chain is kept by the database itself: a run is the next one after the head, and moves it.
CREATE TRIGGER runs_follow_the_chain BEFORE INSERT ON runs
WHEN NOT EXISTS (SELECT 1 FROM chain_head
                 WHERE NEW.seq = seq + 1 AND NEW.previous_sha256 IS run_sha256) BEGIN
    SELECT RAISE(ABORT, 'runs is a chain: a new run follows the head in chain_head');
END;
CREATE TRIGGER runs_move_the_head AFTER INSERT ON runs BEGIN
    UPDATE chain_head
    SET seq = NEW.seq, run_sha256 = NEW.sha256, chain_sha256 = NEW.chain_sha256;
END;
CREATE TRIGGER chain_head_refuse_update BEFORE UPDATE ON chain_head
WHEN NEW.id <> OLD.id OR NEW.seq <> OLD.seq + 1
     OR NOT EXISTS (SELECT 1 FROM runs WHERE seq = NEW.seq AND sha256 = NEW.run_sha256
                                             AND chain_sha256 = NEW.chain_sha256) BEGIN
    SELECT RAISE(ABORT, 'chain_head moves only when a run is appended');
END;
CREATE TRIGGER chain_head_refuse_delete BEFORE DELETE ON chain_head BEGIN
    SELECT RAISE(ABORT, 'chain_head is never deleted');
END;
CREATE TRIGGER chain_head_refuse_replace BEFORE INSERT ON chain_head
WHEN EXISTS (SELECT 1 FROM chain_head) BEGIN
    SELECT RAISE(ABORT, 'chain_head is never replaced');
END;

-- ------------------------------------------------------------------------------------------------
-- For Grafana, notebooks and agents: seed 000's columns in its order, then more
-- ------------------------------------------------------------------------------------------------

-- One row per run x device x precision x backend. NULL is unknown; gpu_model is 'N/A' where there is no GPU.
CREATE VIEW calibration_runs AS
SELECT
    runs.run_id, runs.hardware_fingerprint, runs.software_fingerprint,
    runs.timestamp, runs.timestamp_unix,
    run_facts.cpu_model, run_facts.cpu_vendor, run_facts.cpu_stepping, run_facts.cpu_microcode,
    run_facts.cpu_cores_physical, run_facts.cpu_cores_logical,
    CASE WHEN scores.gpu IS NULL THEN 'N/A' ELSE gpus.model END AS gpu_model,
    gpus.pci_id AS gpu_pci_id, gpus.vbios AS gpu_vbios, gpus.memory_mb AS gpu_memory_mb,
    run_facts.memory_total_gb,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'os_kernel') AS os_kernel,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'os_distro') AS os_distro,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'gpu_driver_version') AS gpu_driver_version,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'cuda_version') AS cuda_version,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'pytorch_version') AS pytorch_version,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'numpy_version') AS numpy_version,
    (SELECT version FROM components c WHERE c.seq = runs.seq AND c.name = 'blas_library') AS blas_library,
    run_facts.power_mode, run_facts.cpu_governor, run_facts.thermal_state,
    scores.precision, scores.device,
    scores.stream_best_gbps, scores.blas3_gops, scores.peak_measured_gops, scores.efficiency,
    -- beyond seed 000:
    scores.backend, scores.flags, runs.suite, runs.lineage, runs.install,
    run_facts.flags AS run_flags, runs.supersedes,
    (SELECT later.run_id FROM runs later WHERE later.supersedes = runs.run_id
     ORDER BY later.seq DESC LIMIT 1) AS superseded_by,
    scores.peak_operation, scores.theoretical_peak_gops, scores.theoretical_peak_kind,
    scores.theoretical_bandwidth_gbps, scores.theoretical_bandwidth_kind, scores.bandwidth_efficiency,
    run_facts.virtualization, run_facts.stack_digest, runs.seq
FROM runs
JOIN run_facts ON run_facts.seq = runs.seq
JOIN scores ON scores.seq = runs.seq
LEFT JOIN gpus ON gpus.seq = scores.seq AND gpus.position = scores.gpu;

-- Every value with its run and its series: the long form, one row per metric.
CREATE VIEW trajectory_points AS
SELECT
    series.sha256 AS series_sha256, series.lineage, series.install, series.suite,
    series.operation, series.precision, series.device, series.backend,
    json_extract(series.key, '$.case.shape') AS shape,
    measurement_values.metric, measurement_values.value, measurement_values.unit,
    measurement_values.ci_low, measurement_values.ci_high,
    measurements.outcome, measurements.flags,
    runs.timestamp, runs.timestamp_unix, runs.run_id,
    runs.hardware_fingerprint, runs.software_fingerprint, runs.seq
FROM series
JOIN measurement_values ON measurement_values.series_id = series.id
JOIN measurements USING (series_id, seq, position)
JOIN runs ON runs.seq = measurement_values.seq;
