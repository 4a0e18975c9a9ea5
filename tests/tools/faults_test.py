"""The fault programs: the model of the disk, the library that fails calls, the tables."""

from __future__ import annotations

import os
import random
import sqlite3
import subprocess
import sys
import unittest
from pathlib import Path

from faults import lies, tamper
from faults.__main__ import table
from faults.replay import Disk, Record, Start, read_log, sectors
from faults.trials import KINDS, Tally
from faults.worker import LIES
from tree import TreeTest

SHIM = Path(lies.__file__).with_name("io_shim.c")
MANY = range(200)  # draws: what the model allows comes up in some of them


def write(inode: int, data: bytes, offset: int = 0) -> Record:
    return Record("W", 1, inode, offset, "", "", data)


def change(operation: str, inode: int, path: str = "", other: str = "", size: int = 0) -> Record:
    return Record(operation, 1, inode, size, path, other, b"")


def sync(inode: int) -> Record:
    return change("S", inode)


def disks(log: list[Record], start: Start | None = None) -> list[dict[str, bytes]]:
    """What may be on the disk at the end of a log: path -> content, of many draws."""
    drawn = [
        Disk(start or Start({}), log, len(log), random.Random(seed)).names.items() for seed in MANY
    ]
    return [{path: bytes(file.data) for path, file in names} for names in drawn]


class ReplayTest(unittest.TestCase):
    def test_what_was_synced_is_there(self) -> None:
        log = [change("C", 7, "/d/a"), write(7, b"x" * 4096), sync(7)]
        self.assertEqual([disk for disk in disks(log) if disk != {"/d/a": b"x" * 4096}], [])

    def test_what_was_not_synced_is_there_wholly_in_sectors_or_not_at_all(self) -> None:
        start = Start({"/d/a": (7, b"-" * 2048)})
        contents = {disk["/d/a"] for disk in disks([write(7, b"x" * 2048)], start)}
        self.assertIn(b"-" * 2048, contents)
        self.assertIn(b"x" * 2048, contents)
        self.assertGreater(len(contents), 4)
        for content in contents:
            for _, piece in sectors(0, content):
                self.assertIn(piece, (b"-" * 512, b"x" * 512))

    def test_a_later_write_may_be_there_without_an_earlier_one(self) -> None:
        start = Start({"/d/a": (7, b"-" * 1024)})
        log = [write(7, b"1" * 512), write(7, b"2" * 512, 512)]
        self.assertIn(b"-" * 512 + b"2" * 512, {disk["/d/a"] for disk in disks(log, start)})

    def test_changes_of_names_keep_their_order(self) -> None:
        log = [change("C", 7, "/d/a"), change("C", 8, "/d/b"), change("U", 7, "/d/a")]
        names = {tuple(sorted(disk)) for disk in disks(log)}
        self.assertEqual(names, {(), ("/d/a",), ("/d/a", "/d/b"), ("/d/b",)})

    def test_a_sync_of_any_file_keeps_all_names_before_it(self) -> None:
        log = [change("C", 7, "/d/a"), change("C", 8, "/d/b"), sync(8)]
        self.assertEqual({tuple(sorted(disk)) for disk in disks(log)}, {("/d/a", "/d/b")})

    def test_a_file_whose_truncation_is_not_there_keeps_its_old_bytes(self) -> None:
        start = Start({"/d/a": (7, b"old" * 100)})
        log = [change("T", 7), write(7, b"new")]
        contents = {disk["/d/a"] for disk in disks(log, start)}
        self.assertEqual(contents, {b"old" * 100, b"", b"new"})

    def test_a_number_that_is_used_again_is_another_file(self) -> None:
        start = Start({"/d/a": (7, b"old")})
        log = [change("U", 7, "/d/a"), change("C", 7, "/d/b"), write(7, b"new"), sync(7)]
        self.assertEqual({tuple(disk.items()) for disk in disks(log, start)}, {(("/d/b", b"new"),)})

    def test_a_renamed_file_is_under_one_of_both_names(self) -> None:
        start = Start({"/d/a": (7, b"text")})
        names = {tuple(disk) for disk in disks([change("R", 7, "/d/a", "/d/b")], start)}
        self.assertEqual(names, {("/d/a",), ("/d/b",)})


class ShimTest(TreeTest):
    def setUp(self) -> None:
        super().setUp()
        self.library = self.root / "shim.so"
        subprocess.run(["gcc", "-shared", "-fPIC", "-o", self.library, SHIM, "-ldl"], check=True)
        self.disk = self.root / "disk"
        self.disk.mkdir()

    def insert(self, **environment: str) -> str:
        """Inserts a row in another process; what it said."""
        code = (
            "import sqlite3, sys\n"
            "db = sqlite3.connect(sys.argv[1])\n"
            "db.execute('PRAGMA journal_mode = WAL')\n"
            "db.execute('CREATE TABLE IF NOT EXISTS t (x)')\n"
            "db.execute('INSERT INTO t VALUES (1)')\n"
            "db.commit()\n"
            "db.close()\n"
        )
        preload = {"LD_PRELOAD": str(self.library), "FAULTS_DIR": str(self.disk)}
        ended = subprocess.run(
            [sys.executable, "-B", "-c", code, str(self.disk / "x.db")],
            env={**os.environ, **preload, **environment},
            capture_output=True,
            text=True,
            check=False,
        )
        return ended.stderr

    def rows(self, db: Path) -> int:
        connection = sqlite3.connect(db)
        try:
            return int(connection.execute("SELECT count(*) FROM t").fetchone()[0])
        finally:
            connection.close()

    def test_the_log_makes_the_same_database_again(self) -> None:
        log = self.root / "log"
        self.assertEqual(self.insert(FAULTS_LOG=str(log)), "")
        records = read_log(log)
        self.assertEqual(records[-1].operation, "X")
        target = self.root / "again"
        target.mkdir()
        rng = random.Random(1)
        Disk(Start({}), records, len(records), rng).write_to(target, self.disk, rng)
        self.assertEqual(self.rows(target / "x.db"), 1)

    def test_the_call_that_is_named_fails(self) -> None:
        self.assertEqual(self.insert(), "")
        self.assertRegex(self.insert(FAULTS_FAIL="pwrite 1 0 28"), "disk")
        self.assertEqual(self.rows(self.disk / "x.db"), 1)

    def test_calls_are_counted(self) -> None:
        self.insert(FAULTS_COUNT=str(self.root / "count"))
        counts = dict(
            line.split() for line in (self.root / "count").read_text("ascii").splitlines()
        )
        self.assertGreater(int(counts["pwrite"]), 0)
        self.assertGreater(int(counts["open"]), 0)


class TablesTest(unittest.TestCase):
    def test_every_way_is_a_lie_that_the_worker_knows(self) -> None:
        ways = [way.lie for way in lies.WAYS]
        self.assertEqual([way for way in ways if way not in LIES], [])
        self.assertEqual(len(ways), len(set(ways)))
        self.assertGreaterEqual(len(ways), 49)

    def test_a_believed_lie_is_a_complaint(self) -> None:
        row = {"backend": "liar", "outcome": "measured", "gops": 2e6, "flags": []}
        way = lies.Way("run:blocks of 1 ns", "failed invalid")
        self.assertTrue(list(lies.complaints_about(way, row, 1.0)))
        refused = {**row, "outcome": "failed", "reason": "its blocks last 1 ns", "gops": None}
        self.assertEqual(list(lies.complaints_about(way, refused, 1.0)), [])

    def test_another_value_is_another_value(self) -> None:
        for value in (None, 3, 2.5, 0.0, b"", b"abc", "", "abc", '{"a":"3"}', "—"):
            for other in tamper.other_values(value, "TEXT"):
                self.assertNotEqual(other, value)

    def test_the_table_counts_what_broke(self) -> None:
        tally = Tally("kills", "SIGKILL")
        tally.count(3)
        tally.fail("lost", "run 1 is gone")
        tally.note("2 runs")
        lines = table([tally]).splitlines()
        self.assertEqual(len(lines), 3)
        self.assertEqual(
            [cell.strip() for cell in lines[0].split("|")[1:4]], ["what", "tried", KINDS[0]]
        )
        self.assertEqual(
            [cell.strip() for cell in lines[2].split("|")[1:4]], ["kills: SIGKILL", "3", "1"]
        )
        self.assertEqual(tally.failures, ["kills: lost: run 1 is gone"])


if __name__ == "__main__":
    unittest.main()
