"""What a disk may hold after a power cut, made from a log of writes and syncs (io_shim.c).

The model is a file system with journalled metadata (ext4, XFS, btrfs in their defaults):

- Bytes written before a sync of their file are there. Later ones are there in part: each write
  wholly, not at all, or in some of its sectors of 512 bytes, in any order.
- Creating, renaming, deleting and truncating happen in their order. Those before any sync are
  there; of later ones, the first few.
- A file whose truncation is not there yet keeps its old bytes, and takes none of the later ones.
- A -shm file is memory: after a cut it is missing, empty or holds anything.
"""

from __future__ import annotations

import random
import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

HEAD = struct.Struct("<IIQQQII")  # struct Record of io_shim.c
SECTOR = 512
SHM_BYTES = 32768
METADATA = "CTARU"


@dataclass(frozen=True)
class Record:
    operation: str
    pid: int
    inode: int
    offset: int
    path: str
    other: str
    data: bytes


def read_log(path: Path) -> list[Record]:
    return list(records_in(path.read_bytes()))


def records_in(log: bytes) -> Iterator[Record]:
    place = 0
    while place < len(log):
        operation, pid, inode, offset, size, path_bytes, other_bytes = HEAD.unpack_from(log, place)
        place += HEAD.size
        path = log[place : place + path_bytes].decode()
        place += path_bytes
        other = log[place : place + other_bytes].decode()
        place += other_bytes
        data = log[place : place + size]
        place += size
        yield Record(chr(operation), pid, inode, offset, path, other, data)


@dataclass
class File:
    data: bytearray = field(default_factory=bytearray)
    frozen: bool = False  # its truncation is not on the disk, so nothing after it is

    def resize(self, size: int) -> None:
        if size < len(self.data):
            del self.data[size:]
        else:
            self.data.extend(bytes(size - len(self.data)))

    def write(self, offset: int, data: bytes) -> None:
        if self.frozen:
            return
        if len(self.data) < offset + len(data):
            self.resize(offset + len(data))
        self.data[offset : offset + len(data)] = data


@dataclass
class Start:
    """What was on the disk before the log began: path -> (inode, content)."""

    files: dict[str, tuple[int, bytes]]

    @staticmethod
    def of(folder: Path) -> Start:
        return Start(
            {
                str(path): (path.stat().st_ino, path.read_bytes())
                for path in folder.iterdir()
                if path.is_file()
            }
        )


class Disk:
    """The disk after a cut behind the first `cut` records."""

    def __init__(self, start: Start, log: list[Record], cut: int, rng: random.Random) -> None:
        # The number of a deleted file may be used again: a name leads to a file, not to a number.
        self.files = {inode: File(bytearray(data)) for inode, data in start.files.values()}
        self.names = {path: self.files[inode] for path, (inode, _) in start.files.items()}
        happened = log[:cut]
        syncs = [place for place, record in enumerate(happened) if record.operation == "S"]
        synced = {happened[place].inode: place for place in syncs}
        last_sync = syncs[-1] if syncs else -1
        # Of the metadata after the last sync of anything, only the first few changes.
        later = [
            p for p in range(last_sync + 1, len(happened)) if happened[p].operation in METADATA
        ]
        metadata_end = rng.choice([*later, len(happened)])
        # How likely a write that was not synced is on the disk.
        share = rng.choice([0.0, 0.1, 0.5, 0.9, 1.0])
        for place, record in enumerate(happened):
            if record.operation == "W":
                is_durable = place < synced.get(record.inode, -1)
                self._write(record, 1.0 if is_durable else share, rng)
            elif record.operation in METADATA:
                self._change(record, applied=place < metadata_end)

    def _write(self, record: Record, share: float, rng: random.Random) -> None:
        file = self.files.get(record.inode)
        if not file:
            return
        if rng.random() < share:
            file.write(record.offset, record.data)
        elif rng.random() < 0.5:  # torn: some of its sectors
            for offset, piece in sectors(record.offset, record.data):
                if rng.random() < 0.5:
                    file.write(offset, piece)

    def _change(self, record: Record, applied: bool) -> None:
        if record.operation in "TA":
            file = self.files.get(record.inode)
            if not file:
                return
            if applied:
                size = (
                    max(record.offset, len(file.data)) if record.operation == "A" else record.offset
                )
                file.resize(size)
            elif record.operation == "T" and record.offset < len(file.data):
                file.frozen = True
        elif record.operation == "C":
            self.files[record.inode] = File()
            if applied:
                self.names[record.path] = self.files[record.inode]
        elif applied and record.operation == "U":
            self.names.pop(record.path, None)
        elif applied and record.operation == "R" and record.path in self.names:
            self.names[record.other] = self.names.pop(record.path)

    def write_to(self, folder: Path, origin: Path, rng: random.Random) -> None:
        """Lays the files into a folder, under the names that they had below `origin`."""
        for path, file in self.names.items():
            target = folder / Path(path).relative_to(origin)
            if target.name.endswith("-shm"):
                garbage = rng.choice([None, b"", rng.randbytes(SHM_BYTES)])
                if garbage is not None:
                    target.write_bytes(garbage)
            else:
                target.write_bytes(file.data)


def sectors(offset: int, data: bytes) -> Iterator[tuple[int, bytes]]:
    """The pieces of a write, cut where sectors of the disk meet."""
    place = 0
    while place < len(data):
        end = min(len(data), place + SECTOR - (offset + place) % SECTOR)
        yield offset + place, data[place:end]
        place = end
