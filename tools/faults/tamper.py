"""A database is changed behind the program's back: columns, rows, and objects planted in it."""

from __future__ import annotations

import random
import re
import shutil
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from faults.material import Material, copy_database, plain_columns, quoted, verify
from faults.trials import Bench, Ended, Tally, Trial

# Points are sealed in pieces of 64: more runs than that, so that every table has rows.
RUNS = 70
PLANTED_LIMIT_S = 20
Change = Callable[[sqlite3.Connection], None]


def as_stranger(db: Path, change: Change) -> None:
    """Changes a database without its triggers, and puts them back: the schema is as it was."""
    connection = sqlite3.connect(db)
    try:
        connection.execute("PRAGMA foreign_keys = OFF")
        connection.execute("PRAGMA ignore_check_constraints = ON")
        triggers = connection.execute(
            "SELECT name, sql FROM sqlite_schema WHERE type = 'trigger' ORDER BY rowid"
        ).fetchall()
        for name, _ in triggers:
            connection.execute(f"DROP TRIGGER {quoted(name)}")
        change(connection)
        for _, sql in triggers:
            connection.execute(sql)
        connection.commit()
    finally:
        connection.close()


def tables_of(connection: sqlite3.Connection) -> list[str]:
    rows = connection.execute(
        "SELECT name FROM sqlite_schema"
        " WHERE type = 'table' AND name NOT LIKE 'sqlite_%' ORDER BY name"
    )
    return [name for (name,) in rows]


def key_of(connection: sqlite3.Connection, table: str) -> list[str]:
    rows = connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
    return [row[1] for row in sorted(rows, key=lambda row: row[5]) if row[5] > 0]


def edge_row(
    connection: sqlite3.Connection, table: str, last: bool
) -> tuple[str, list[Any]] | None:
    """WHERE and its values for the first or the last row."""
    key = key_of(connection, table)
    names = ", ".join(quoted(name) for name in key)
    order = ", ".join(quoted(name) + (" DESC" if last else "") for name in key)
    row = connection.execute(
        f"SELECT {names} FROM {quoted(table)} ORDER BY {order} LIMIT 1"
    ).fetchone()
    return (" AND ".join(f"{quoted(name)} = ?" for name in key), list(row)) if row else None


def other_values(value: Any, declared: str) -> list[Any]:
    """Values near the one that is there; the first that the table takes is used."""
    if value is None:
        new: dict[str, list[Any]] = {"INTEGER": [1], "REAL": [1.5], "BLOB": [b"x"]}
        return new.get(declared, ["x", "x" * 64])
    if isinstance(value, int):
        return [value + 1, value + 1_000_003]
    if isinstance(value, float):
        return [value * 1.5 if value else 1.5]
    if isinstance(value, bytes):
        place = len(value) // 2
        return [value[:place] + bytes([value[place] ^ 1]) + value[place + 1 :]] if value else [b"x"]
    # One letter or digit in the middle, so that JSON stays JSON.
    places = [match.start() for match in re.finditer(r"[a-z0-9]", value)]
    places.sort(key=lambda place: abs(place - len(value) // 2))
    swapped = [
        value[:place]
        + ("7" if value[place] == "3" else "3" if value[place].isdigit() else "z")
        + value[place + 1 :]
        for place in places[:40]
    ]
    return [text for text in swapped if text != value] or [value + "x"]


def change_value(table: str, column: str, last: bool) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        edge = edge_row(connection, table, last)
        assert edge is not None
        where, key = edge
        rows = connection.execute(f"PRAGMA table_xinfo({quoted(table)})").fetchall()
        declared = next(row[2] for row in rows if row[1] == column)
        (value,) = connection.execute(
            f"SELECT {quoted(column)} FROM {quoted(table)} WHERE {where}", key
        ).fetchone()
        for other in other_values(value, declared):
            try:
                connection.execute(
                    f"UPDATE {quoted(table)} SET {quoted(column)} = ? WHERE {where}", [other, *key]
                )
                return
            except sqlite3.DatabaseError:
                continue
        raise SystemExit(f"faults: no other value can be put into {table}.{column}")

    return change


def delete_row(table: str, last: bool) -> Change:
    def change(connection: sqlite3.Connection) -> None:
        edge = edge_row(connection, table, last)
        assert edge is not None
        connection.execute(f"DELETE FROM {quoted(table)} WHERE {edge[0]}", edge[1])

    return change


def changes_of(db: Path) -> list[tuple[str, Change]]:
    """Every column in the first and in the last row, and both rows deleted."""
    changes: list[tuple[str, Change]] = []
    connection = sqlite3.connect(db)
    for table in tables_of(connection):
        if not edge_row(connection, table, False):
            continue
        for last in (False, True):
            row = "last" if last else "first"
            for column in plain_columns(connection, table):
                changes.append((f"{table}.{column}, {row} row", change_value(table, column, last)))
            changes.append((f"{table}, {row} row deleted", delete_row(table, last)))
    connection.close()
    return changes


# --- objects that are no part of the schema -----------------------------------------------------

OWNED = "planted_owned"  # a table that only code of the stranger makes or fills
ENDLESS = "WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n) SELECT x FROM n"


@dataclass(frozen=True)
class Planted:
    what: str
    sql: str
    name: str  # what db verify must name

    @property
    def named(self) -> str:
        """The part of the name that any way of quoting leaves as it is."""
        return max(re.split(r"[^A-Za-z0-9_ ]", self.name), key=len)


INJECTION = f'x"; CREATE TABLE {OWNED} (x); --'
PLANTED = (
    Planted(
        "a trigger that writes",
        f"CREATE TABLE {OWNED} (x);"
        "CREATE TRIGGER planted_writes AFTER INSERT ON run_facts"
        f" BEGIN INSERT INTO {OWNED} VALUES (1); END",
        "planted_writes",
    ),
    Planted(
        "a trigger that drops runs in silence",
        "CREATE TRIGGER planted_ignores BEFORE INSERT ON runs BEGIN SELECT RAISE(IGNORE); END",
        "planted_ignores",
    ),
    Planted(
        "a trigger that never ends",
        "CREATE TRIGGER planted_endless AFTER INSERT ON runs"
        f" BEGIN SELECT max(x) FROM ({ENDLESS}); END",
        "planted_endless",
    ),
    Planted("a view", "CREATE VIEW planted_view AS SELECT * FROM runs", "planted_view"),
    Planted(
        "a trigger on a view",
        "CREATE VIEW planted_view AS SELECT * FROM runs;"
        "CREATE TRIGGER planted_instead INSTEAD OF INSERT ON planted_view BEGIN SELECT 1; END",
        "planted_instead",
    ),
    Planted(
        "a view in place of a table",
        f"DROP TABLE run_facts; CREATE VIEW run_facts AS {ENDLESS}",
        "run_facts",
    ),
    Planted(
        "a view in place of runs",
        f"ALTER TABLE runs RENAME TO planted_runs; CREATE VIEW runs AS {ENDLESS}",
        "runs",
    ),
    Planted("an index", "CREATE INDEX planted_index ON runs (install)", "planted_index"),
    Planted(
        "an index that lets one more run in",
        "CREATE UNIQUE INDEX planted_unique ON run_facts (1) WHERE seq > 70",
        "planted_unique",
    ),
    Planted(
        "an index with an expression",
        "CREATE INDEX planted_hex ON runs (hex(run_id))",
        "planted_hex",
    ),
    Planted("a table", "CREATE TABLE planted_table (x)", "planted_table"),
    Planted("a virtual table", "CREATE VIRTUAL TABLE planted_text USING fts5(x)", "planted_text"),
    Planted(
        "a trigger with other content",
        "DROP TRIGGER runs_refuse_update;"
        "CREATE TRIGGER runs_refuse_update BEFORE UPDATE ON runs BEGIN SELECT 1; END",
        "runs_refuse_update",
    ),
    Planted(
        "a trigger dropped",
        "DROP TRIGGER run_documents_refuse_delete",
        "run_documents_refuse_delete",
    ),
    Planted(
        "a view with other content",
        "DROP VIEW trajectory_points; CREATE VIEW trajectory_points AS SELECT 1 AS value",
        "trajectory_points",
    ),
    Planted("a view dropped", "DROP VIEW calibration_runs", "calibration_runs"),
    Planted(
        "an index over other columns",
        "DROP INDEX runs_newest; CREATE INDEX runs_newest ON runs (suite)",
        "runs_newest",
    ),
    Planted("an index dropped", "DROP INDEX components_by_version", "components_by_version"),
    Planted(
        "a table with other content",
        "PRAGMA writable_schema = ON;"
        "UPDATE sqlite_schema SET sql = replace(sql, 'CHECK (length(sha256) = 64)', '')"
        " WHERE name = 'runs';"
        "PRAGMA writable_schema = OFF",
        "runs",
    ),
    Planted("a column", "ALTER TABLE run_facts ADD COLUMN planted_column TEXT", "run_facts"),
    Planted(
        "a trigger whose name is SQL",
        f"CREATE TRIGGER {quoted(INJECTION)} BEFORE UPDATE ON runs BEGIN SELECT 1; END",
        INJECTION,
    ),
    Planted("a table whose name is SQL", f"CREATE TABLE {quoted(INJECTION)} (x)", INJECTION),
    Planted("a view whose name is SQL", f"CREATE VIEW {quoted(INJECTION)} AS SELECT 1", INJECTION),
    Planted(
        "an index whose name is SQL",
        f"CREATE INDEX {quoted(INJECTION)} ON runs (suite)",
        INJECTION,
    ),
    Planted(
        "a trigger whose name leaves the transaction",
        "CREATE TRIGGER "
        + quoted('x"; COMMIT; ATTACH \'planted_file\' AS p; CREATE TABLE p.planted_owned (x); --')
        + " BEFORE DELETE ON runs BEGIN SELECT 1; END",
        "ATTACH",
    ),
)  # fmt: skip


def plant(db: Path, planted: Planted) -> bool:
    """False where this SQLite cannot make such an object."""
    connection = sqlite3.connect(db)
    try:
        connection.execute("PRAGMA legacy_alter_table = ON")
        connection.executescript(planted.sql)
        connection.commit()
    except sqlite3.OperationalError as error:
        if "no such module" in str(error):
            return False
        raise
    finally:
        connection.close()
    return True


def owned(db: Path) -> bool:
    """True when code of the stranger has run."""
    if (db.parent / "planted_file").exists():
        return True
    connection = sqlite3.connect(db)
    try:
        names = [row[0] for row in connection.execute("SELECT name FROM sqlite_schema")]
        if OWNED not in names:
            return False
        return connection.execute(f"SELECT count(*) FROM {OWNED}").fetchone() != (0,) or not any(
            "planted_writes" in name for name in names
        )
    finally:
        connection.close()


def try_planted(
    bench: Bench, material: Material, tally: Tally, trial: Trial, planted: Planted
) -> None:
    db, source = trial.folder / "x.db", trial.folder / "new.json"
    copy_database(material.database_of(RUNS), db)
    if not plant(db, planted):
        tally.note(f"{planted.what}: this SQLite has no such module")
        return
    tally.count()
    shutil.copyfile(db, trial.folder / "planted.db")
    sound = bench.run(["db", "verify", "--db", str(db)], trial.folder, PLANTED_LIMIT_S)
    tally.check_end(sound, trial)
    if sound.code != 1 and not sound.hung:
        tally.fail("wrong", f"{planted.what}: {sound}", trial)
    elif planted.named not in sound.text and not sound.hung:
        tally.fail(
            "wrong", f"{planted.what}: verify does not name '{planted.name}': {sound}", trial
        )
    material.write(source, range(RUNS, RUNS + 1))
    for arguments in (
        ["db", "info"],
        ["history"],
        ["import", str(source)],
        ["db", "rebuild"],
        ["trajectory", "--plot", "none"],
    ):
        ended = bench.run([*arguments, "--db", str(db)], trial.folder, PLANTED_LIMIT_S)
        tally.check_end(ended, trial)
        if owned(db):
            tally.fail("wrong", f"{planted.what}: its code ran in '{ended.command}'", trial)
            return


def try_change(
    bench: Bench, material: Material, tally: Tally, trial: Trial, what: str, change: Change
) -> None:
    db = trial.folder / "x.db"
    copy_database(material.database_of(RUNS), db)
    as_stranger(db, change)
    tally.count()
    ended = verify(bench, db, trial.folder)
    tally.check_end(ended, trial)
    if ended.code == 0:
        tally.fail("wrong", f"verify misses {what}", trial)
    elif ended.code != 1 and not ended.hung:
        tally.fail("wrong", f"{what}: {ended}", trial)


def roll_back(bench: Bench, material: Material, tally: Tally) -> None:
    """An older whole copy, and a tail removed with the head moved back."""
    with bench.trial("tamper", "rolled-back") as trial:
        old, new = trial.folder / "old.db", trial.folder / "new.db"
        copy_database(material.database_of(RUNS), new)
        copy_database(material.database_of(RUNS - 5), old)
        head = head_of(new)
        expect(
            tally,
            trial,
            verify(bench, new, trial.folder, "--expect-head", head),
            0,
            "the head it has",
        )
        expect(
            tally,
            trial,
            verify(bench, old, trial.folder, "--expect-head", head),
            1,
            "an older copy",
        )
        cut = trial.folder / "cut.db"
        copy_database(new, cut)
        as_stranger(cut, remove_tail)
        expect(
            tally,
            trial,
            verify(bench, cut, trial.folder, "--expect-head", head),
            1,
            "a removed tail",
        )
        bench.run(["db", "rebuild", "--db", str(cut)], trial.folder, 60)
        rebuilt = verify(bench, cut, trial.folder, "--expect-head", head)
        expect(tally, trial, rebuilt, 1, "a removed tail after a rebuild")
        silent = verify(bench, cut, trial.folder)
        tally.count()
        if "nothing is missing" in silent.text:
            tally.fail("wrong", f"a removed tail after a rebuild: {silent}", trial)
        # The same path: the state folder knows the last head.
        bench.run(["db", "verify", "--db", str(new)], trial.folder, 60)
        copy_database(old, new)
        again = verify(bench, new, trial.folder)
        tally.count()
        if again.code == 0 and not re.search(r"\b(back|older|earlier|before)\b", again.text):
            tally.fail("wrong", f"an older copy under the same path is not noticed: {again}", trial)


def head_of(db: Path) -> str:
    connection = sqlite3.connect(db)
    try:
        return str(connection.execute("SELECT chain_sha256 FROM chain_head").fetchone()[0])
    finally:
        connection.close()


def remove_tail(connection: sqlite3.Connection) -> None:
    last = RUNS - 5
    for table in tables_of(connection):
        columns = plain_columns(connection, table)
        if table != "chain_head" and "seq" in columns:
            connection.execute(f"DELETE FROM {quoted(table)} WHERE seq > {last}")
    connection.execute(
        "UPDATE chain_head SET (seq, run_sha256, chain_sha256) ="
        f" (SELECT seq, sha256, chain_sha256 FROM runs WHERE seq = {last})"
    )


def expect(tally: Tally, trial: Trial, ended: Ended, code: int, what: str) -> None:
    tally.count()
    tally.check_end(ended, trial)
    if ended.code != code and not ended.hung:
        tally.fail("wrong", f"--expect-head, {what}: {ended}", trial)


def run(bench: Bench, material: Material) -> Tally:
    tally = Tally("tamper", "changes behind the program's back")
    db = material.database_of(RUNS)
    sound = verify(bench, db, db.parent)
    if sound.code != 0:
        raise SystemExit(f"faults: before any change {sound}")
    changes = changes_of(db)
    planted = list(PLANTED)
    every = len(changes)
    if bench.scale != "full":
        rng: random.Random = bench.random("tamper")
        changes = rng.sample(changes, bench.number(0, 40, 10))
        planted = rng.sample(planted, bench.number(0, len(planted), 3))

    def one_change(number: int) -> None:
        with bench.trial("tamper", number) as trial:
            try_change(bench, material, tally, trial, *changes[number])

    def one_planted(number: int) -> None:
        with bench.trial("tamper", f"planted-{number}") as trial:
            try_planted(bench, material, tally, trial, planted[number])

    bench.in_parallel(one_change, range(len(changes)))
    bench.in_parallel(one_planted, range(len(planted)))
    if bench.scale != "smoke":
        roll_back(bench, material, tally)
    tally.note(f"{len(changes)} of {every} values and rows, {len(planted)} planted objects")
    return tally
